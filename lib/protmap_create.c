/* SPDX-License-Identifier: BSD-3-Clause */
/* Life of a protection map: ranges checked and sorted, one allocation, reset. */
#include "protmap.h"

#include "vsm/error.h"
#include "vsm/hv.h"

#include <stdlib.h>
#include <string.h>

/* SDM 3A 4.1: no physical address has more than 52 bits. Sums of pages below it never wrap. */
#define PAGES_MAX (1ull << (52 - HV_PAGE_SHIFT))

static void *default_alloc(void *opaque, size_t size)
{
	(void)opaque;
	return calloc(1, size);
}

static void default_free(void *opaque, void *ptr, size_t size)
{
	(void)opaque;
	(void)size;
	free(ptr);
}

static struct vsm_allocator libc_allocator(void)
{
	struct vsm_allocator libc;

	libc.opaque = NULL;
	libc.alloc = default_alloc;
	libc.free = default_free;
	return libc;
}

static int range_valid(const struct vsm_range *range)
{
	uint64_t first = range->gpa >> HV_PAGE_SHIFT;
	uint64_t pages = range->size >> HV_PAGE_SHIFT;

	if (range->gpa % HV_PAGE_SIZE || range->size % HV_PAGE_SIZE || !pages)
		return 0;
	return first < PAGES_MAX && pages <= PAGES_MAX - first;
}

/* Insertion: there are few ranges, and they mostly come in order. */
static int ranges_sort(const struct vsm_range *ram, uint32_t count, struct protmap_range *ranges)
{
	uint32_t i;
	uint32_t at;

	for (i = 0; i < count; i++) {
		uint64_t first = ram[i].gpa >> HV_PAGE_SHIFT;

		if (!range_valid(&ram[i]))
			return -VSM_ERR_INVAL;
		for (at = i; at > 0 && ranges[at - 1].first > first; at--)
			ranges[at] = ranges[at - 1];
		ranges[at].first = first;
		ranges[at].pages = ram[i].size >> HV_PAGE_SHIFT;
	}
	return 0;
}

/* Number the entries of the sorted ranges. */
static int ranges_index(struct protmap_range *ranges, uint32_t count, uint64_t *pages)
{
	uint32_t i;

	*pages = 0;
	for (i = 0; i < count; i++) {
		if (i && ranges[i].first - ranges[i - 1].first < ranges[i - 1].pages)
			return -VSM_ERR_EXISTS;
		ranges[i].index = (size_t)*pages;
		*pages += ranges[i].pages;
	}
	return 0;
}

static void defaults_reset(struct vsm_protmap *map)
{
	uint32_t vtl;

	for (vtl = 0; vtl <= VSM_VTL_MAX; vtl++)
		atomic_store_explicit(&map->defaults[vtl], VSM_RIGHTS_ALL, memory_order_release);
}

static struct vsm_protmap *allocate(const struct vsm_allocator *allocator, uint32_t max_vtl,
				    uint64_t pages, uint64_t max_bytes)
{
	/* At most 2^40 pages and 15 sets: no overflow of 64 bits; size_t may have fewer. */
	uint64_t bytes = sizeof(struct vsm_protmap) + pages * max_vtl;
	struct vsm_protmap *map;

	if (bytes > max_bytes || bytes > SIZE_MAX)
		return NULL;
	map = allocator->alloc(allocator->opaque, (size_t)bytes);
	if (!map)
		return NULL;
	map->allocator = *allocator;
	map->bytes = (size_t)bytes;
	map->pages = (size_t)pages;
	map->max_vtl = max_vtl;
	defaults_reset(map);
	return map;
}

int vsm_protmap_create(const struct vsm_allocator *allocator, uint32_t max_vtl,
		       const struct vsm_range *ram, uint32_t count, uint64_t max_bytes,
		       struct vsm_protmap **out)
{
	struct vsm_allocator memory;
	struct protmap_range ranges[PROTMAP_RANGES_MAX];
	struct vsm_protmap *map;
	uint64_t pages;
	int err;

	memory = allocator ? *allocator : libc_allocator();
	if (!memory.alloc || !memory.free || !ram || !out)
		return -VSM_ERR_INVAL;
	if (max_vtl < 1 || max_vtl > VSM_VTL_MAX || count < 1 || count > PROTMAP_RANGES_MAX)
		return -VSM_ERR_INVAL;
	err = ranges_sort(ram, count, ranges);
	if (err)
		return err;
	err = ranges_index(ranges, count, &pages);
	if (err)
		return err;
	map = allocate(&memory, max_vtl, pages, max_bytes);
	if (!map)
		return -VSM_ERR_NOMEM;
	map->range_count = count;
	memcpy(map->ranges, ranges, count * sizeof(ranges[0]));
	*out = map;
	return 0;
}

void vsm_protmap_destroy(struct vsm_protmap *map)
{
	struct vsm_allocator allocator;

	if (!map)
		return;
	allocator = map->allocator;
	allocator.free(allocator.opaque, map, map->bytes);
}

uint64_t vsm_protmap_bytes(const struct vsm_protmap *map)
{
	return map ? map->bytes : 0;
}

void vsm_protmap_reset(struct vsm_protmap *map)
{
	size_t count;
	size_t i;

	if (!map)
		return;
	atomic_store_explicit(&map->enabled, 0, memory_order_release);
	defaults_reset(map);
	count = map->pages * map->max_vtl;
	for (i = 0; i < count; i++) {
		/* Only what was written is written again: untouched memory stays so. */
		if (atomic_load_explicit(&map->entries[i], memory_order_relaxed))
			atomic_store_explicit(&map->entries[i], 0, memory_order_release);
	}
}
