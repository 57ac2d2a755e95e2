/* SPDX-License-Identifier: BSD-3-Clause */
/* Changing codes of pages: one at a time, or a run of them. */
#include "protmap_leaf.h"

#include "vsm/error.h"

/* A region, or a page of it, of the set of one VTL. */
struct place {
	const struct protmap_range *range;
	struct protmap_block *block;
	_Atomic uint64_t *word; /* of the region */
	uint64_t region; /* counted within the range */
	uint32_t vtl;
	uint32_t index; /* of the page within the region */
};

static struct place place_of(const struct protmap_range *range, uint32_t vtl, uint64_t page)
{
	struct place at;

	at.range = range;
	at.vtl = vtl;
	at.region = range_region(range, page);
	at.block = block_at(range, vtl, range_block(range, page));
	at.word = region_at(range, vtl, at.region);
	at.index = (uint32_t)page & (REGION_PAGES - 1);
	return at;
}

/* First page of a region, which at the ends of a range may not be RAM. */
static uint64_t region_page(const struct protmap_range *range, uint64_t region)
{
	return ((range->first >> REGION_SHIFT) + region) << REGION_SHIFT;
}

/* The regions that the block of `region` has in this range: [*from, *to). */
static void block_regions(const struct protmap_range *range, uint64_t region, uint64_t *from,
			  uint64_t *to)
{
	uint64_t lead = (range->first >> REGION_SHIFT) % BLOCK_SPAN;
	uint64_t start = (region + lead) / BLOCK_SPAN * BLOCK_SPAN;

	*from = start < lead ? 0 : start - lead;
	*to = start + BLOCK_SPAN - lead;
	if (*to > range->region_count)
		*to = range->region_count;
}

/* Something went out of use: readers that still look at it have to look again. */
static void retire(struct protmap_block *block)
{
	word_store(&block->seq, atomic_load_explicit(&block->seq, memory_order_relaxed) + 1);
}

static void region_publish(struct protmap_pool *pool, struct protmap_block *block,
			   _Atomic uint64_t *word, uint64_t new)
{
	uint64_t old = word_load(word);

	word_store(word, new);
	if (word_is_uniform(old))
		return;
	retire(block);
	pool_give(pool, leaf_units(word_kind(old)), word_unit(old));
}

/* Let the regions speak for the block. */
static void block_split(const struct place *at)
{
	uint64_t word = word_load(&at->block->word);
	uint64_t from, to, i;

	if (!word_is_uniform(word))
		return;
	block_regions(at->range, at->region, &from, &to);
	for (i = from; i < to; i++)
		word_store(region_at(at->range, at->vtl, i), word);
	word_store(&at->block->word, word_make(LEAF_NOT, 0, 0, 0));
	pool_count(at->range->pool, (int64_t)((to - from) * sizeof(uint64_t)));
}

/* Give a block one code: leaves of its regions are free again. */
static void block_fill(const struct place *at, uint32_t code)
{
	uint64_t word = word_make(LEAF_UNIFORM, code, 0, 0);
	int had_regions = !word_is_uniform(word_load(&at->block->word));
	uint64_t from, to, i;

	word_store(&at->block->word, word);
	if (!had_regions)
		return;
	retire(at->block);
	block_regions(at->range, at->region, &from, &to);
	for (i = from; i < to; i++) {
		uint64_t old = word_load(region_at(at->range, at->vtl, i));

		if (!word_is_uniform(old))
			pool_give(at->range->pool, leaf_units(word_kind(old)), word_unit(old));
	}
	pool_count(at->range->pool, -(int64_t)((to - from) * sizeof(uint64_t)));
}

/* Let the block speak for its regions if they are all the same. */
static void block_merge(const struct place *at)
{
	uint64_t from, to, i;
	uint64_t word;

	if (word_is_uniform(word_load(&at->block->word)))
		return;
	word = word_load(at->word);
	if (!word_is_uniform(word))
		return;
	block_regions(at->range, at->region, &from, &to);
	/* From here on upwards first: memory is mostly changed from low to high. */
	for (i = at->region + 1; i < to; i++) {
		if (word_load(region_at(at->range, at->vtl, i)) != word)
			return;
	}
	for (i = from; i < at->region; i++) {
		if (word_load(region_at(at->range, at->vtl, i)) != word)
			return;
	}
	block_fill(at, word_a(word));
}

/* A new leaf in which pages [index, to) have this code. 0: no memory, nothing changed. */
static int leaf_with(const struct place *at, uint64_t old, uint32_t to, uint32_t code, int in_list,
		     uint64_t *new)
{
	uint8_t codes[REGION_PAGES];
	uint32_t i;

	leaf_decode(at->range->pool, old, codes);
	for (i = at->index; i < to; i++)
		codes[i] = (uint8_t)code;
	if (!leaf_encode(at->range->pool, codes, in_list, new))
		return 0;
	if (in_list && word_kind(old) == LEAF_BITS && word_kind(*new) == LEAF_NIBBLES)
		*new |= WORD_WIDENED;
	return 1;
}

static int page_store(const struct place *at, uint64_t word, uint32_t code, int in_list)
{
	struct protmap_pool *pool = at->range->pool;
	uint64_t new;
	int made;

	if (word_is_uniform(word))
		made = leaf_single(pool, word_a(word), at->index, code, &new);
	else if (leaf_put(pool, word, at->index, code))
		return 0;
	else
		made = leaf_with(at, word, at->index + 1, code, in_list, &new);
	if (!made)
		return -VSM_ERR_NOMEM;
	region_publish(pool, at->block, at->word, new);
	return 0;
}

static int page_set(const struct place *at, uint32_t code, int in_list, uint8_t *old)
{
	uint64_t word = word_load(&at->block->word);
	int err;

	if (word_is_uniform(word)) {
		*old = (uint8_t)word_a(word);
		if (*old == code)
			return 0;
		block_split(at);
	} else {
		word = word_load(at->word);
		*old = (uint8_t)leaf_get(at->range->pool, word, at->index);
		if (*old == code)
			return 0;
	}
	err = page_store(at, word, code, in_list);
	if (err)
		block_merge(at);
	return err;
}

int protmap_page_swap(const struct protmap_range *range, uint32_t vtl, uint64_t page, uint32_t code,
		      uint8_t *old)
{
	struct place at = place_of(range, vtl, page);

	return page_set(&at, code, 1, old);
}

/*
 * All pages of the list got one and the same code. If that is the common one of a sparse leaf,
 * restoring adds at most the entries that the leaf had before; if not, each page of the list has an
 * entry already. The other leaves have room for each page, and were chosen with regard to the first
 * change, after which no code came in but that one.
 */
void protmap_page_restore(const struct protmap_range *range, uint32_t vtl, uint64_t page,
			  uint32_t code)
{
	struct place at = place_of(range, vtl, page);

	if (!word_is_uniform(word_load(&at.block->word)))
		leaf_put(range->pool, word_load(at.word), at.index, code);
}

static void settle(const struct place *at)
{
	struct protmap_pool *pool = at->range->pool;
	uint64_t word = word_load(at->word);
	uint32_t verdict;
	uint64_t new;

	if (word_is_uniform(word_load(&at->block->word)))
		return;
	verdict = leaf_judge(pool, word, at->index);
	if ((verdict & LEAF_ONE) != 0)
		region_publish(pool, at->block, at->word,
			       word_make(LEAF_UNIFORM, verdict & ~LEAF_ONE, 0, 0));
	else if (verdict == LEAF_SHRINK && leaf_with(at, word, at->index, 0, 0, &new))
		region_publish(pool, at->block, at->word, new);
	block_merge(at);
}

void protmap_settle(const struct protmap_range *range, uint32_t vtl, uint64_t page)
{
	struct place at = place_of(range, vtl, page);

	settle(&at);
}

int protmap_page_set(const struct protmap_range *range, uint32_t vtl, uint64_t page, uint32_t code)
{
	struct place at = place_of(range, vtl, page);
	uint8_t old;
	int err = page_set(&at, code, 0, &old);

	if (!err && old != code)
		settle(&at);
	return err;
}

/* Runs */

/* What one range has of a run. Its ends may lie within regions; what is between are whole regions,
 * to which those at the ends of the range belong also if not all of their pages are RAM. */
struct part {
	uint64_t first; /* whole regions: [first, end) */
	uint64_t end;
	uint64_t head; /* page where the region before them begins to be changed, or NO_PAGE */
	uint64_t tail; /* page where the region behind them ends to be changed, or NO_PAGE */
};

#define NO_PAGE UINT64_MAX

static struct part part_of(const struct protmap_range *range, uint64_t from, uint64_t to)
{
	struct part part = { range_region(range, from), range_region(range, to - 1) + 1, NO_PAGE,
			     NO_PAGE };

	if (from != range->first && from % REGION_PAGES) {
		part.head = from;
		part.first++;
	}
	if (to != range_end(range) && to % REGION_PAGES) {
		part.tail = to;
		part.end--;
	}
	return part;
}

/* A leaf that is made but not yet in its place. */
struct edge {
	struct place at;
	uint64_t new;
	int made;
};

/* Make the leaf of the region of `page` in which [page, to) have the code. */
static int edge_make(struct edge *edge, const struct protmap_range *range, uint32_t vtl,
		     uint64_t page, uint64_t to, uint32_t code)
{
	uint64_t count = to - page;
	uint64_t word;

	edge->at = place_of(range, vtl, page);
	word = word_load(&edge->at.block->word);
	if (!word_is_uniform(word))
		word = word_load(edge->at.word);
	if (word_is_uniform(word) && word_a(word) == code)
		return 1;
	if (count > REGION_PAGES - edge->at.index)
		count = REGION_PAGES - edge->at.index;
	edge->made =
		leaf_with(&edge->at, word, edge->at.index + (uint32_t)count, code, 0, &edge->new);
	return edge->made;
}

static void edge_drop(const struct edge *edge)
{
	if (edge->made && !word_is_uniform(edge->new))
		pool_give(edge->at.range->pool, leaf_units(word_kind(edge->new)),
			  word_unit(edge->new));
}

static void edge_publish(const struct edge *edge)
{
	if (!edge->made)
		return;
	block_split(&edge->at);
	region_publish(edge->at.range->pool, edge->at.block, edge->at.word, edge->new);
	block_merge(&edge->at);
}

static void fill_regions(const struct protmap_range *range, uint32_t vtl, uint64_t first,
			 uint64_t end, uint32_t code)
{
	uint64_t region = first;
	uint64_t from, to;

	while (region < end) {
		struct place at = place_of(range, vtl, region_page(range, region));

		block_regions(range, region, &from, &to);
		if (from >= first && to <= end) {
			block_fill(&at, code);
			region = to;
			continue;
		}
		block_split(&at);
		for (; region < to && region < end; region++)
			region_publish(range->pool, at.block, region_at(range, vtl, region),
				       word_make(LEAF_UNIFORM, code, 0, 0));
		block_merge(&at);
	}
}

/*
 * Only the regions at the two ends of the run can need memory. They are made first, and put in
 * place when there is enough for both.
 */
static int fill_part(const struct protmap_range *range, uint32_t vtl, const struct part *part,
		     struct edge *edge, uint32_t code, uint64_t from, uint64_t to)
{
	if (part->head != NO_PAGE && !edge_make(&edge[0], range, vtl, from, to, code))
		return 0;
	/* The region of both ends is made once. */
	if (part->tail == NO_PAGE || part->end < part->first)
		return 1;
	return edge_make(&edge[1], range, vtl, region_page(range, part->end), to, code);
}

int protmap_fill(const struct protmap_range *range, uint32_t vtl, uint64_t first, uint64_t pages,
		 uint32_t code)
{
	const struct protmap_range *start = range;
	struct edge edge[2] = { { .made = 0 }, { .made = 0 } };
	uint64_t end = first + pages;
	uint64_t from, to;
	struct part part;

	for (from = first; from < end; from = to, range++) {
		to = end < range_end(range) ? end : range_end(range);
		part = part_of(range, from, to);
		if (!fill_part(range, vtl, &part, edge, code, from, to)) {
			edge_drop(&edge[0]);
			return -VSM_ERR_NOMEM;
		}
	}
	edge_publish(&edge[0]);
	edge_publish(&edge[1]);
	for (from = first, range = start; from < end; from = to, range++) {
		to = end < range_end(range) ? end : range_end(range);
		part = part_of(range, from, to);
		fill_regions(range, vtl, part.first, part.end, code);
	}
	return 0;
}
