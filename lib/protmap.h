/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of the protection map: what its files share.
 *
 * The pages of a set of VTL n are coded (0: the default applies; PROTMAP_EXPLICIT | mask: set
 * explicitly) and kept in three levels:
 *
 *   block   1 GiB: one word, either "all pages have this code" or "see the regions"
 *   region  2 MiB: one word, either "all pages have this code" or a leaf
 *   leaf    one code per page, in the smallest form that holds what is there (protmap_leaf.h)
 *
 * One writer, any number of readers. A writer stores a code by one store, or builds a new leaf
 * beside the old one and then stores the word that refers to it. Slots of leaves are recycled, so a
 * reader may look into one that means something else by now; the sequence number of the block
 * counts each time a leaf or the regions of a block went out of use, and the reader looks again if
 * it changed. A reader never waits: it repeats only when the writer has got further.
 */
#ifndef PROTMAP_H
#define PROTMAP_H

#include "vsm/hv.h"
#include "vsm/protect.h"
#include "vsm/types.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "protmap_pool.h"

#define PROTMAP_RANGES_MAX 64u

#define PROTMAP_EXPLICIT 0x10u
#define PROTMAP_CODES	 32u /* Codes are below it. */

#define REGION_SHIFT 9u /* log2 of the pages of a region */
#define REGION_PAGES (1u << REGION_SHIFT)
#define BLOCK_SHIFT  18u /* log2 of the pages of a block */
#define BLOCK_SPAN   (1u << (BLOCK_SHIFT - REGION_SHIFT)) /* regions of a block */

/* Readers take no lock: a word must be one access, not a lock in disguise. */
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && sizeof(_Atomic uint64_t) == 8, "atomic words");
_Static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_POINTER_LOCK_FREE == 2, "atomic words");

struct protmap_block {
	_Atomic uint64_t word;
	_Atomic uint64_t seq;
};

/* A range of RAM, in pages. Blocks and regions at its ends belong to it alone, so what they say of
 * pages that are no RAM, or of another range, is of no interest. */
struct protmap_range {
	uint64_t first;
	uint64_t pages;
	struct protmap_block *blocks; /* sets of VTL 1, 2 .. max_vtl */
	_Atomic uint64_t *regions; /* likewise */
	uint64_t block_count; /* of one set */
	uint64_t region_count;
	struct protmap_pool *pool;
};

/* The ranges, ascending. A new range makes a new table; old ones stay for readers that are late. */
struct protmap_table {
	uint32_t count;
	struct protmap_range ranges[];
};

/* One allocation: that of create, or of a range that was added later. */
struct protmap_segment {
	struct protmap_segment *next;
	void *memory;
	size_t bytes;
	struct protmap_table *table; /* as it was from when these ranges came */
	const uint8_t *regions; /* where they begin */
	struct protmap_pool pool;
};

struct vsm_protmap {
	struct vsm_allocator allocator;
	uint64_t max_bytes;
	_Atomic uint64_t bytes; /* of all segments */
	uint32_t max_vtl;
	_Atomic uint32_t enabled; /* bit n: the set of VTL n acts */
	_Atomic uint8_t defaults[VSM_VTL_MAX + 1];
	_Atomic(struct protmap_table *) table;
	struct protmap_segment *segments; /* the newest first; the last is that of create */
};

/* What decides over rights besides the codes of pages: as it is, or as it would be. */
struct protmap_view {
	uint32_t enabled;
	uint8_t defaults[VSM_VTL_MAX + 1];
};

static inline uint64_t word_load(const _Atomic uint64_t *word)
{
	return atomic_load_explicit(word, memory_order_acquire);
}

static inline void word_store(_Atomic uint64_t *word, uint64_t value)
{
	atomic_store_explicit(word, value, memory_order_release);
}

static inline int protmap_protects(const struct vsm_protmap *map, uint32_t vtl)
{
	return map && vtl >= 1 && vtl <= map->max_vtl;
}

static inline uint32_t code_mask(uint32_t code, uint32_t default_mask)
{
	return code ? code & VSM_RIGHTS_ALL : default_mask;
}

static inline uint64_t range_end(const struct protmap_range *range)
{
	return range->first + range->pages;
}

/* Number of a region or block of a page, counted from the first of its range. */
static inline uint64_t range_region(const struct protmap_range *range, uint64_t page)
{
	return (page >> REGION_SHIFT) - (range->first >> REGION_SHIFT);
}

static inline uint64_t range_block(const struct protmap_range *range, uint64_t page)
{
	return (page >> BLOCK_SHIFT) - (range->first >> BLOCK_SHIFT);
}

static inline struct protmap_block *block_at(const struct protmap_range *range, uint32_t vtl,
					     uint64_t block)
{
	return &range->blocks[(vtl - 1) * range->block_count + block];
}

static inline _Atomic uint64_t *region_at(const struct protmap_range *range, uint32_t vtl,
					  uint64_t region)
{
	return &range->regions[(vtl - 1) * range->region_count + region];
}

/* Range that `page` lies in, or the next one above it, or NULL. */
const struct protmap_range *protmap_range_from(const struct protmap_table *table, uint64_t page);
/* Range that `page` lies in, or NULL. */
const struct protmap_range *protmap_range_of(const struct vsm_protmap *map, uint64_t page);
/* The same, where it most likely is the range that was found before. */
static inline const struct protmap_range *
protmap_range_near(const struct vsm_protmap *map, const struct protmap_range *before, uint64_t page)
{
	if (before != NULL && page - before->first < before->pages)
		return before;
	return protmap_range_of(map, page);
}

/* Code of a page of the set of `vtl`. */
uint32_t protmap_code(const struct protmap_range *range, uint32_t vtl, uint64_t page);
/* The same, and the first page behind it that is known to have the same code no more. */
uint32_t protmap_span(const struct protmap_range *range, uint32_t vtl, uint64_t page,
		      uint64_t *end);
/* Pages at or behind `page` that a VTL has set, with one mask and in one range: [*first, *end).
 * -VSM_ERR_NOTFOUND: no more. */
int protmap_next_set(const struct vsm_protmap *map, uint32_t vtl, uint64_t page, uint64_t *first,
		     uint64_t *end, uint32_t *mask);

/* The map as it is. */
void protmap_view_now(const struct vsm_protmap *map, struct protmap_view *view);
/* Rights of `vtl` to a page; only sets of `only` count. */
uint32_t protmap_view_rights(const struct protmap_range *range, const struct protmap_view *view,
			     uint32_t vtl, uint32_t only, uint64_t page);
/* Rights of `vtl`, which the map has, to a page, and the first page behind it that has others, is
 * in another range, or is `limit`, which lies behind `page`. -VSM_ERR_RANGE: no RAM. */
int protmap_run(const struct vsm_protmap *map, uint32_t vtl, uint64_t page, uint64_t limit,
		uint64_t *end, uint32_t *rights);
/* As vsm_protmap_diff(), between two views of one map. */
int protmap_view_diff(const struct vsm_protmap *map, const struct protmap_view *before,
		      const struct protmap_view *after, uint32_t vtl, uint64_t gpa,
		      struct vsm_range *run, uint32_t *rights_before, uint32_t *rights_after);

/*
 * For a list of pages that all get the same code: first protmap_page_swap() for each, then either
 * protmap_page_restore() for those that are to have their old code again, in any order, or nothing;
 * then protmap_settle() once for each region. Between the first and the last nothing is made
 * smaller, which is why restoring needs no memory and cannot fail.
 */
int protmap_page_swap(const struct protmap_range *range, uint32_t vtl, uint64_t page, uint32_t code,
		      uint8_t *old);
void protmap_page_restore(const struct protmap_range *range, uint32_t vtl, uint64_t page,
			  uint32_t code);
void protmap_settle(const struct protmap_range *range, uint32_t vtl, uint64_t page);

/* Give a page this code, or fail and change nothing. */
int protmap_page_set(const struct protmap_range *range, uint32_t vtl, uint64_t page, uint32_t code);
/* The same of [first, first + pages), all of it RAM, which begins in `range`. */
int protmap_fill(const struct protmap_range *range, uint32_t vtl, uint64_t first, uint64_t pages,
		 uint32_t code);

#endif
