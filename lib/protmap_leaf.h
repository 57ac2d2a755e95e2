/* SPDX-License-Identifier: BSD-3-Clause */
/* Words of a protection map, and the leaves that they refer to. */
#ifndef PROTMAP_LEAF_H
#define PROTMAP_LEAF_H

#include "protmap.h"

/*
 * A word: kind in bits 0-2, code `a` in bits 3-7, code `b` in bits 8-12, WORD_WIDENED in bit 13,
 * number of the first unit from bit 16. A word of zero says: no page was set explicitly.
 */
#define LEAF_UNIFORM 0u /* all pages have code a */
#define LEAF_SPARSE  1u /* 1 unit: pages that do not have code a, 16 bits each */
#define LEAF_BITS    2u /* 1 unit: a bit per page, for code a or b */
/* 4 units: 4 bits per page, which are the mask of an explicit page. Write without read, the one
 * mask that no guest may ask for under any rule, stands for the default (TLFS 15.9.2). */
#define LEAF_NIBBLES 3u
#define LEAF_BYTES   4u /* 8 units: the code of each page, where that mask was set after all */
#define LEAF_NOT     5u /* no leaf, of a block only: see its regions */

/*
 * The pages had two codes, and a list brought a third. Guests take rights and give them back, list
 * after list: this leaf does not become one of bits again, which the next list would undo.
 */
#define WORD_WIDENED (1ull << 13)

#define SPARSE_MAX 32u

static inline uint64_t word_make(uint32_t kind, uint32_t a, uint32_t b, uint32_t unit)
{
	return kind | a << 3 | b << 8 | (uint64_t)unit << 16;
}

static inline uint32_t word_kind(uint64_t word)
{
	return (uint32_t)word & 7;
}

static inline uint32_t word_a(uint64_t word)
{
	return (uint32_t)(word >> 3) & 31;
}

static inline uint32_t word_b(uint64_t word)
{
	return (uint32_t)(word >> 8) & 31;
}

static inline uint32_t word_unit(uint64_t word)
{
	return (uint32_t)(word >> 16);
}

static inline int word_is_uniform(uint64_t word)
{
	return word_kind(word) == LEAF_UNIFORM;
}

/* Units of a leaf of this kind. */
uint32_t leaf_units(uint32_t kind);

/* A page that has another code than the leaf's `a`: live bit, index, code. */
#define ENTRY_LIVE   0x8000u
#define ENTRY_DEAD   0x4000u /* was live; unlike 0 it does not end the search */
#define ENTRY_SHIFT  5
#define ENTRY_PAGE   (ENTRY_LIVE | 0x1ffu << ENTRY_SHIFT) /* bits to compare */
#define ENTRY_CODE   31u
#define LANES	     0x0001000100010001ull /* times 16 bits: the same in each lane of a word */
#define LANE_TOPS    (LANES << 15)
#define LANES_A_WORD 4u
#define NIBBLE_UNSET HV_MAP_GPA_WRITABLE

/* Leaves with one item per page: log2 of the bits of an item, and a word whose items are all 1. */
extern const struct packing {
	uint32_t units;
	uint32_t shift;
	uint64_t ones;
} packings[];

/* Pages of a word of this packing, as a power of two. */
static inline uint32_t word_pages(const struct packing *packing)
{
	return 6 - packing->shift;
}

static inline uint32_t item_get(const struct packing *packing, uint64_t word, uint32_t page)
{
	uint32_t within = page & ((1u << word_pages(packing)) - 1);
	uint32_t width = 1u << packing->shift;

	return (uint32_t)(word >> (within << packing->shift)) & ((1u << width) - 1);
}

/* What an item means in the leaf of `word`, and the other way round. */
static inline uint32_t item_code(uint64_t word, uint32_t item)
{
	switch (word_kind(word)) {
	case LEAF_BITS:
		return item ? word_b(word) : word_a(word);
	case LEAF_NIBBLES:
		return item == NIBBLE_UNSET ? 0 : PROTMAP_EXPLICIT | item;
	default:
		return item & ENTRY_CODE;
	}
}

/* Lanes that are equal to `entry` in the bits of ENTRY_PAGE; of several the lowest is right. */
static inline uint64_t lanes_of(uint64_t word, uint64_t entry)
{
	uint64_t differ = (word ^ entry * LANES) & ENTRY_PAGE * LANES;

	return (differ - LANES) & ~differ & LANE_TOPS;
}

static inline uint32_t lane_shift(uint64_t lanes)
{
	return (uint32_t)__builtin_ctzll(lanes) & ~15u;
}

/*
 * Two words a step: most leaves have one to eight entries, so that which of their words is the last
 * would be a coin toss to the processor, and the lookup spend most of its time on having guessed
 * wrong.
 */
static inline uint32_t sparse_get(const _Atomic uint64_t *words, uint32_t base, uint32_t index)
{
	uint64_t entry = ENTRY_LIVE | index << ENTRY_SHIFT;
	uint32_t i;

	for (i = 0; i < UNIT_WORDS; i += 2) {
		uint64_t low = word_load(&words[i]), high = word_load(&words[i + 1]);
		uint64_t in_low = lanes_of(low, entry), in_high = lanes_of(high, entry);

		if (in_low)
			return (uint32_t)(low >> lane_shift(in_low)) & ENTRY_CODE;
		if (in_high)
			return (uint32_t)(high >> lane_shift(in_high)) & ENTRY_CODE;
		if (!(high >> 48)) /* Lanes are used from the lowest: nothing follows. */
			break;
	}
	return base;
}

/* Code of page `index` of the region that `word` speaks of. */
static inline uint32_t leaf_get(const struct protmap_pool *pool, uint64_t word, uint32_t index)
{
	const struct packing *packing = &packings[word_kind(word)];
	const _Atomic uint64_t *words;

	if (word_is_uniform(word))
		return word_a(word);
	words = pool_words(pool, word_unit(word));
	if (word_kind(word) == LEAF_SPARSE)
		return sparse_get(words, word_a(word), index);
	return item_code(word,
			 item_get(packing, word_load(&words[index >> word_pages(packing)]), index));
}

/* The same, and the first index behind it that has another code, or may have. */
uint32_t leaf_span(const struct protmap_pool *pool, uint64_t word, uint32_t index, uint32_t *end);
/* Store one code where it is. 0: this leaf cannot hold it. */
int leaf_put(const struct protmap_pool *pool, uint64_t word, uint32_t index, uint32_t code);
/* All codes of the region. */
void leaf_decode(const struct protmap_pool *pool, uint64_t word, uint8_t *codes);
/*
 * A new leaf for these codes. `in_list`: it must also be able to hold, without becoming another
 * one, what its pages had before they were given one and the same code one after the other.
 * 0: the pool is at its end.
 */
int leaf_encode(struct protmap_pool *pool, const uint8_t *codes, int in_list, uint64_t *word);
/* A new leaf where all pages have code `base` but one. 0: as above. */
int leaf_single(struct protmap_pool *pool, uint32_t base, uint32_t index, uint32_t code,
		uint64_t *word);
/* Could this leaf be smaller, judging by what is around page `index`? The code of all its pages if
 * it has only one any more: LEAF_ONE | code. */
#define LEAF_FITS   0u
#define LEAF_SHRINK 1u
#define LEAF_ONE    0x100u
uint32_t leaf_judge(const struct protmap_pool *pool, uint64_t word, uint32_t index);

#endif
