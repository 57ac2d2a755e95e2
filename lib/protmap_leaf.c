/* SPDX-License-Identifier: BSD-3-Clause */
#include "protmap_leaf.h"

#include <string.h>

#define SPARSE_CHOICE 24u /* Below SPARSE_MAX, so that a new sparse leaf is not full at once. */

const struct packing packings[] = {
	[LEAF_SPARSE] = { 1, 0, 0 },
	[LEAF_BITS] = { 1, 0, ~0ull },
	[LEAF_NIBBLES] = { 4, 2, 0x1111111111111111ull },
	[LEAF_BYTES] = { 8, 3, 0x0101010101010101ull },
	[LEAF_NOT] = { 0, 0, 0 },
};

uint32_t leaf_units(uint32_t kind)
{
	return packings[kind].units;
}

static int item_of(uint64_t word, uint32_t code, uint32_t *item)
{
	switch (word_kind(word)) {
	case LEAF_BITS:
		*item = code == word_b(word);
		return code == word_a(word) || code == word_b(word);
	case LEAF_NIBBLES:
		*item = code ? code & VSM_RIGHTS_ALL : NIBBLE_UNSET;
		return code != (PROTMAP_EXPLICIT | NIBBLE_UNSET);
	default:
		*item = code;
		return 1;
	}
}

/* A page of its own, or up to the next that is in the leaf. */
static uint32_t sparse_span(const _Atomic uint64_t *words, uint32_t base, uint32_t index,
			    uint32_t *end)
{
	uint32_t code = base;
	uint32_t i;

	*end = REGION_PAGES;
	for (i = 0; i < SPARSE_MAX; i++) {
		uint64_t word = word_load(&words[i / LANES_A_WORD]);
		uint32_t entry = (uint32_t)(word >> i % LANES_A_WORD * 16) & 0xffff;
		uint32_t page = entry >> ENTRY_SHIFT & (REGION_PAGES - 1);

		if (!(entry & ENTRY_LIVE))
			continue;
		if (page == index) {
			code = entry & ENTRY_CODE;
			*end = index + 1;
		} else if (page > index && page < *end) {
			*end = page;
		}
	}
	return code;
}

static uint32_t packed_span(const struct packing *packing, const _Atomic uint64_t *words,
			    uint32_t index, uint32_t *end)
{
	uint32_t per_word = 1u << word_pages(packing);
	uint64_t word = word_load(&words[index / per_word]);
	uint32_t item = item_get(packing, word, index);
	uint64_t same = item * packing->ones;
	uint64_t differ = (word ^ same) >> (index % per_word << packing->shift);
	uint32_t at = index;

	while (!differ) {
		at = (at / per_word + 1) * per_word;
		if (at == REGION_PAGES)
			break;
		differ = word_load(&words[at / per_word]) ^ same;
	}
	if (differ)
		at += (uint32_t)__builtin_ctzll(differ) >> packing->shift;
	*end = at;
	return item;
}

uint32_t leaf_span(const struct protmap_pool *pool, uint64_t word, uint32_t index, uint32_t *end)
{
	const _Atomic uint64_t *words;

	*end = REGION_PAGES;
	if (word_is_uniform(word))
		return word_a(word);
	words = pool_words(pool, word_unit(word));
	if (word_kind(word) == LEAF_SPARSE)
		return sparse_span(words, word_a(word), index, end);
	return item_code(word, packed_span(&packings[word_kind(word)], words, index, end));
}

static void lane_store(_Atomic uint64_t *word, uint32_t shift, uint32_t entry)
{
	uint64_t value = word_load(word);

	value &= ~(0xffffull << shift);
	word_store(word, value | (uint64_t)entry << shift);
}

static int sparse_put(_Atomic uint64_t *words, uint32_t base, uint32_t index, uint32_t code)
{
	uint32_t entry = ENTRY_LIVE | index << ENTRY_SHIFT;
	_Atomic uint64_t *room = NULL;
	uint32_t room_shift = 0;
	uint32_t i;

	for (i = 0; i < UNIT_WORDS; i++) {
		uint64_t word = word_load(&words[i]);
		uint64_t lanes = lanes_of(word, entry);
		uint64_t unused = ~word & LANE_TOPS;

		if (lanes) {
			lane_store(&words[i], lane_shift(lanes),
				   code == base ? ENTRY_DEAD : entry | code);
			return 1;
		}
		if (unused && !room) {
			room = &words[i];
			room_shift = lane_shift(unused);
		}
		if (!(word >> 48))
			break;
	}
	if (code == base)
		return 1;
	if (!room)
		return 0;
	lane_store(room, room_shift, entry | code);
	return 1;
}

int leaf_put(const struct protmap_pool *pool, uint64_t word, uint32_t index, uint32_t code)
{
	const struct packing *packing = &packings[word_kind(word)];
	_Atomic uint64_t *words = pool_words(pool, word_unit(word));
	uint32_t shift = (index & ((1u << word_pages(packing)) - 1)) << packing->shift;
	uint64_t items;
	uint32_t item;

	if (word_is_uniform(word))
		return code == word_a(word);
	if (word_kind(word) == LEAF_SPARSE)
		return sparse_put(words, word_a(word), index, code);
	if (!item_of(word, code, &item))
		return 0;
	words += index >> word_pages(packing);
	items = word_load(words) & ~((((1ull << (1u << packing->shift))) - 1) << shift);
	word_store(words, items | (uint64_t)item << shift);
	return 1;
}

static void sparse_decode(const _Atomic uint64_t *words, uint32_t base, uint8_t *codes)
{
	uint32_t i;

	memset(codes, (int)base, REGION_PAGES);
	for (i = 0; i < SPARSE_MAX; i++) {
		uint64_t word = word_load(&words[i / LANES_A_WORD]);
		uint32_t entry = (uint32_t)(word >> i % LANES_A_WORD * 16) & 0xffff;

		if (entry & ENTRY_LIVE)
			codes[entry >> ENTRY_SHIFT & (REGION_PAGES - 1)] = entry & ENTRY_CODE;
	}
}

void leaf_decode(const struct protmap_pool *pool, uint64_t word, uint8_t *codes)
{
	const struct packing *packing = &packings[word_kind(word)];
	const _Atomic uint64_t *words;
	uint32_t i;

	if (word_is_uniform(word)) {
		memset(codes, (int)word_a(word), REGION_PAGES);
		return;
	}
	words = pool_words(pool, word_unit(word));
	if (word_kind(word) == LEAF_SPARSE) {
		sparse_decode(words, word_a(word), codes);
		return;
	}
	for (i = 0; i < REGION_PAGES; i++) {
		uint64_t items = word_load(&words[i >> word_pages(packing)]);

		codes[i] = (uint8_t)item_code(word, item_get(packing, items, i));
	}
}

/* What a region holds. */
struct census {
	uint32_t pages[PROTMAP_CODES]; /* of each code */
	uint32_t codes; /* that occur */
	uint32_t most; /* The code that most pages have. */
	uint32_t other; /* One of the others. */
};

static void take_census(const uint8_t *codes, struct census *census)
{
	uint32_t i;

	memset(census, 0, sizeof(*census));
	for (i = 0; i < REGION_PAGES; i++)
		census->pages[codes[i]]++;
	for (i = 0; i < PROTMAP_CODES; i++) {
		census->codes += census->pages[i] != 0;
		if (census->pages[i] > census->pages[census->most])
			census->most = i;
	}
	for (i = 0; i < PROTMAP_CODES; i++) {
		if (census->pages[i] && i != census->most)
			census->other = i;
	}
}

static uint32_t choose(const struct census *census, int in_list)
{
	uint32_t others = REGION_PAGES - census->pages[census->most];

	if (census->codes == 1)
		return LEAF_UNIFORM;
	if (others <= SPARSE_CHOICE)
		return LEAF_SPARSE;
	/* Within a list it would not do: a page that had a third code before could not get it
	 * back. */
	if (census->codes == 2 && !in_list)
		return LEAF_BITS;
	if (others < SPARSE_MAX)
		return LEAF_SPARSE;
	return census->pages[PROTMAP_EXPLICIT | NIBBLE_UNSET] ? LEAF_BYTES : LEAF_NIBBLES;
}

static void sparse_encode(_Atomic uint64_t *words, uint32_t base, const uint8_t *codes)
{
	uint64_t values[UNIT_WORDS] = { 0 };
	uint32_t used = 0;
	uint32_t i;

	for (i = 0; i < REGION_PAGES && used < SPARSE_MAX; i++) {
		uint64_t entry = ENTRY_LIVE | i << ENTRY_SHIFT | codes[i];

		if (codes[i] == base)
			continue;
		values[used / LANES_A_WORD] |= entry << used % LANES_A_WORD * 16;
		used++;
	}
	for (i = 0; i < UNIT_WORDS; i++)
		word_store(&words[i], values[i]);
}

static void packed_encode(_Atomic uint64_t *words, uint64_t word, const uint8_t *codes)
{
	const struct packing *packing = &packings[word_kind(word)];
	uint32_t per_word = 1u << word_pages(packing);
	uint64_t items = 0;
	uint32_t i;

	for (i = 0; i < REGION_PAGES; i++) {
		uint32_t item = 0;

		item_of(word, codes[i], &item);
		items |= (uint64_t)item << (i % per_word << packing->shift);
		if (i % per_word == per_word - 1) {
			word_store(&words[i / per_word], items);
			items = 0;
		}
	}
}

int leaf_encode(struct protmap_pool *pool, const uint8_t *codes, int in_list, uint64_t *word)
{
	struct census census;
	uint32_t unit = 0;
	uint32_t kind;

	take_census(codes, &census);
	kind = choose(&census, in_list);
	if (kind != LEAF_UNIFORM && !pool_take(pool, leaf_units(kind), &unit))
		return 0;
	*word = word_make(kind, census.most, census.other, unit);
	if (kind == LEAF_SPARSE)
		sparse_encode(pool_words(pool, unit), census.most, codes);
	else if (kind != LEAF_UNIFORM)
		packed_encode(pool_words(pool, unit), *word, codes);
	return 1;
}

int leaf_single(struct protmap_pool *pool, uint32_t base, uint32_t index, uint32_t code,
		uint64_t *word)
{
	_Atomic uint64_t *words;
	uint32_t unit;
	uint32_t i;

	if (!pool_take(pool, leaf_units(LEAF_SPARSE), &unit))
		return 0;
	words = pool_words(pool, unit);
	word_store(&words[0], ENTRY_LIVE | index << ENTRY_SHIFT | code);
	for (i = 1; i < UNIT_WORDS; i++)
		word_store(&words[i], 0);
	*word = word_make(LEAF_SPARSE, base, 0, unit);
	return 1;
}

static uint32_t sparse_judge(const _Atomic uint64_t *words, uint32_t base)
{
	uint32_t i;

	for (i = 0; i < UNIT_WORDS; i++) {
		if (word_load(&words[i]) & LANE_TOPS)
			return LEAF_FITS;
	}
	return LEAF_ONE | base;
}

/* A 1 in the lowest bit of each item that is not 0. */
static uint64_t items_set(const struct packing *packing, uint64_t items)
{
	uint32_t shift;

	for (shift = 1u << packing->shift; shift > 1; shift /= 2)
		items |= items >> shift / 2;
	return items & packing->ones;
}

/* Pages that have neither of two items, in the whole leaf; at most `limit` + some. */
static uint32_t count_others(const struct packing *packing, const _Atomic uint64_t *words,
			     uint64_t one, uint64_t two, uint32_t limit)
{
	uint32_t count = packing->units * UNIT_WORDS;
	uint32_t others = 0;
	uint32_t i;

	for (i = 0; i < count && others <= limit; i++) {
		uint64_t items = word_load(&words[i]);
		uint64_t differ = items_set(packing, items ^ one) & items_set(packing, items ^ two);

		for (; differ; differ &= differ - 1)
			others++;
	}
	return others;
}

static int few_others(const struct packing *packing, const _Atomic uint64_t *words, uint64_t one)
{
	return count_others(packing, words, one, one, SPARSE_CHOICE) <= SPARSE_CHOICE;
}

/*
 * The word that page `index` is in is a sample. Only if its pages have one or two codes the rest
 * is looked at, so that the usual store to a leaf full of different codes stays cheap.
 */
static uint32_t packed_judge(const struct packing *packing, const _Atomic uint64_t *words,
			     uint64_t word, uint32_t index)
{
	uint64_t sample = word_load(&words[index >> word_pages(packing)]);
	uint32_t item = item_get(packing, sample, 0);
	uint64_t one = item * packing->ones;
	uint64_t two = one;
	uint32_t others;

	if (sample != one) {
		uint32_t bit = (uint32_t)__builtin_ctzll(sample ^ one);

		two = item_get(packing, sample, bit >> packing->shift) * packing->ones;
		if ((word & WORD_WIDENED) != 0)
			return few_others(packing, words, one) || few_others(packing, words, two) ?
				       LEAF_SHRINK :
				       LEAF_FITS;
		if (items_set(packing, sample ^ one) & items_set(packing, sample ^ two))
			return LEAF_FITS;
		return count_others(packing, words, one, two, 0) ? LEAF_FITS : LEAF_SHRINK;
	}
	others = count_others(packing, words, one, one, SPARSE_CHOICE);
	if (!others)
		return LEAF_ONE | item_code(word, item);
	return others <= SPARSE_CHOICE ? LEAF_SHRINK : LEAF_FITS;
}

uint32_t leaf_judge(const struct protmap_pool *pool, uint64_t word, uint32_t index)
{
	const _Atomic uint64_t *words = pool_words(pool, word_unit(word));
	uint32_t verdict;

	if (word_is_uniform(word))
		return LEAF_FITS;
	if (word_kind(word) == LEAF_SPARSE)
		return sparse_judge(words, word_a(word));
	verdict = packed_judge(&packings[word_kind(word)], words, word, index);
	/* There is nothing smaller than bits but one word for all. */
	if (word_kind(word) == LEAF_BITS && verdict == LEAF_SHRINK)
		return LEAF_FITS;
	return verdict;
}
