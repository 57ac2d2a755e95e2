/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside of the protection map: what its files share. */
#ifndef PROTMAP_H
#define PROTMAP_H

#include "vsm/protect.h"
#include "vsm/types.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define PROTMAP_RANGES_MAX 64u

/* An entry: the mask, and whether it counts. An entry without EXPLICIT is all zero. */
#define PROTMAP_EXPLICIT 0x80u
#define PROTMAP_MASK	 0x0fu

/* Readers take no lock: an entry must be one access, not a lock in disguise. */
_Static_assert(ATOMIC_CHAR_LOCK_FREE == 2 && sizeof(_Atomic uint8_t) == 1, "atomic bytes");
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "atomic words");

/* RAM in pages. Entries of a set follow each other in the order of the ranges. */
struct protmap_range {
	uint64_t first;
	uint64_t pages;
	size_t index; /* of the entry of `first` within a set */
};

/*
 * All of it is one allocation, that of create. Zeroed memory is a map in which no page was set
 * explicitly; entries are first touched when they are used, so a large map costs address space
 * before it costs memory.
 */
struct vsm_protmap {
	struct vsm_allocator allocator;
	size_t bytes;
	size_t pages; /* entries of one set */
	uint32_t max_vtl;
	uint32_t range_count;
	_Atomic uint32_t enabled; /* bit n: the set of VTL n acts */
	_Atomic uint8_t defaults[VSM_VTL_MAX + 1];
	struct protmap_range ranges[PROTMAP_RANGES_MAX]; /* ascending */
	_Atomic uint8_t entries[]; /* sets of VTL 1, 2 .. max_vtl */
};

/* Range that `page` lies in, or the next one above it, or NULL. */
const struct protmap_range *protmap_range_from(const struct vsm_protmap *map, uint64_t page);

/* Range that `page` lies in, or NULL. */
const struct protmap_range *protmap_range_of(const struct vsm_protmap *map, uint64_t page);

static inline size_t protmap_index(const struct protmap_range *range, uint64_t page)
{
	return range->index + (size_t)(page - range->first);
}

static inline const _Atomic uint8_t *protmap_entries(const struct vsm_protmap *map, uint32_t vtl)
{
	return &map->entries[(size_t)(vtl - 1) * map->pages];
}

#endif
