/* SPDX-License-Identifier: BSD-3-Clause */
/* Life of a protection map: ranges checked and sorted, one allocation for each call, reset. */
#include "protmap_leaf.h"

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

static int ranges_overlap(const struct protmap_range *ranges, uint32_t count)
{
	uint32_t i;

	for (i = 1; i < count; i++) {
		if (ranges[i].first < range_end(&ranges[i - 1]))
			return 1;
	}
	return 0;
}

/* How many words of the two upper levels the new ranges need, for one set. */
static void ranges_size(struct protmap_range *ranges, uint32_t count, uint64_t *blocks,
			uint64_t *regions)
{
	uint32_t i;

	*blocks = 0;
	*regions = 0;
	for (i = 0; i < count; i++) {
		uint64_t last = range_end(&ranges[i]) - 1;

		ranges[i].block_count = range_block(&ranges[i], last) + 1;
		ranges[i].region_count = range_region(&ranges[i], last) + 1;
		*blocks += ranges[i].block_count;
		*regions += ranges[i].region_count;
	}
}

/*
 * Parts of an allocation. Leaves begin at a multiple of their size, so that a lookup touches one
 * cache line of them.
 */
struct layout {
	uint64_t segment;
	uint64_t table;
	uint64_t blocks;
	uint64_t regions;
	uint64_t units;
	uint64_t unit_count;
	uint64_t bytes;
};

static uint64_t aligned(uint64_t bytes)
{
	return (bytes + UNIT_BYTES - 1) & ~(uint64_t)(UNIT_BYTES - 1);
}

/* Leaves that fit in what is left of `max_bytes`, but not more than all regions of all sets can
 * need at the same time: one of each size. No sum wraps: 2^40 pages and 15 sets make less than
 * 2^45. */
static int plan_layout(uint64_t head, uint32_t ranges, uint64_t blocks, uint64_t regions,
		       uint64_t max_bytes, struct layout *layout)
{
	const uint64_t each =
		leaf_units(LEAF_BITS) + leaf_units(LEAF_NIBBLES) + leaf_units(LEAF_BYTES);
	uint64_t units = (regions + 1) * each;
	uint64_t room;

	layout->segment = aligned(head);
	layout->table = aligned(layout->segment + sizeof(struct protmap_segment));
	layout->blocks = aligned(layout->table + sizeof(struct protmap_table) +
				 ranges * sizeof(struct protmap_range));
	layout->regions = aligned(layout->blocks + blocks * sizeof(struct protmap_block));
	layout->units = aligned(layout->regions + regions * sizeof(uint64_t));
	room = layout->units + UNIT_BYTES; /* The allocator aligns less than a unit. */
	if (max_bytes < room + each * UNIT_BYTES)
		return 0;
	if (units > (max_bytes - room) / UNIT_BYTES)
		units = (max_bytes - room) / UNIT_BYTES;
	layout->unit_count = units < POOL_UNITS_MAX ? units : POOL_UNITS_MAX;
	layout->bytes = room + layout->unit_count * UNIT_BYTES;
	return layout->bytes <= SIZE_MAX;
}

/* Hand out the words of the upper levels. */
static void ranges_place(struct protmap_range *ranges, uint32_t count, uint32_t sets,
			 struct protmap_block *blocks, _Atomic uint64_t *regions,
			 struct protmap_pool *pool)
{
	uint32_t i;

	for (i = 0; i < count; i++) {
		ranges[i].blocks = blocks;
		ranges[i].regions = regions;
		ranges[i].pool = pool;
		blocks += ranges[i].block_count * sets;
		regions += ranges[i].region_count * sets;
	}
}

/* One more allocation for new ranges; `head` bytes at its beginning are the caller's. */
static struct protmap_segment *segment_create(const struct vsm_allocator *allocator, uint64_t head,
					      uint32_t sets, struct protmap_range *ranges,
					      uint32_t count, uint32_t table_count,
					      uint64_t max_bytes)
{
	struct protmap_segment *segment;
	struct layout layout;
	uint64_t blocks, regions;
	uint8_t *base;
	void *memory;

	ranges_size(ranges, count, &blocks, &regions);
	if (!plan_layout(head, table_count, blocks * sets, regions * sets, max_bytes, &layout))
		return NULL;
	memory = allocator->alloc(allocator->opaque, (size_t)layout.bytes);
	if (!memory)
		return NULL;
	base = (uint8_t *)memory + (UNIT_BYTES - (uintptr_t)memory % UNIT_BYTES) % UNIT_BYTES;
	segment = (void *)(base + layout.segment);
	segment->memory = memory;
	segment->bytes = (size_t)layout.bytes;
	segment->pool.words = (void *)(base + layout.units);
	segment->pool.count = (uint32_t)layout.unit_count;
	segment->table = (void *)(base + layout.table);
	segment->regions = base + layout.regions;
	ranges_place(ranges, count, sets, (void *)(base + layout.blocks),
		     (void *)(base + layout.regions), &segment->pool);
	return segment;
}

/* Readers find the new ranges from here on. */
static void segment_publish(struct vsm_protmap *map, struct protmap_segment *segment,
			    const struct protmap_range *ranges, uint32_t count)
{
	segment->table->count = count;
	memcpy(segment->table->ranges, ranges, count * sizeof(ranges[0]));
	segment->next = map->segments;
	map->segments = segment;
	atomic_store_explicit(&map->bytes, vsm_protmap_bytes(map) + segment->bytes,
			      memory_order_relaxed);
	atomic_store_explicit(&map->table, segment->table, memory_order_release);
}

static void defaults_reset(struct vsm_protmap *map)
{
	uint32_t vtl;

	for (vtl = 0; vtl <= VSM_VTL_MAX; vtl++)
		atomic_store_explicit(&map->defaults[vtl], VSM_RIGHTS_ALL, memory_order_release);
}

int vsm_protmap_create(const struct vsm_allocator *allocator, uint32_t max_vtl,
		       const struct vsm_range *ram, uint32_t count, uint64_t max_bytes,
		       struct vsm_protmap **out)
{
	struct vsm_allocator memory;
	struct protmap_range ranges[PROTMAP_RANGES_MAX];
	struct protmap_segment *segment;
	struct vsm_protmap *map;
	int err;

	memory = allocator ? *allocator : libc_allocator();
	if (!memory.alloc || !memory.free || !ram || !out)
		return -VSM_ERR_INVAL;
	if (max_vtl < 1 || max_vtl > VSM_VTL_MAX || count < 1 || count > PROTMAP_RANGES_MAX)
		return -VSM_ERR_INVAL;
	err = ranges_sort(ram, count, ranges);
	if (err)
		return err;
	if (ranges_overlap(ranges, count))
		return -VSM_ERR_EXISTS;
	segment = segment_create(&memory, sizeof(*map), max_vtl, ranges, count, count, max_bytes);
	if (!segment)
		return -VSM_ERR_NOMEM;
	map = (void *)((uint8_t *)segment - aligned(sizeof(*map)));
	map->allocator = memory;
	map->max_bytes = max_bytes;
	map->max_vtl = max_vtl;
	defaults_reset(map);
	segment_publish(map, segment, ranges, count);
	*out = map;
	return 0;
}

/* Where a new range goes in the table, so that it stays ascending; the others follow. */
static int table_with(const struct protmap_table *table, const struct protmap_range *new,
		      struct protmap_range *ranges, uint32_t *at)
{
	uint32_t i;

	for (*at = 0; *at < table->count && table->ranges[*at].first < new->first;)
		++*at;
	for (i = 0; i <= table->count; i++)
		ranges[i] = i < *at ? table->ranges[i] : i == *at ? *new : table->ranges[i - 1];
	return !ranges_overlap(ranges, table->count + 1);
}

int vsm_protmap_add(struct vsm_protmap *map, uint64_t gpa, uint64_t size)
{
	const struct vsm_range ram = { gpa, size };
	struct protmap_range ranges[PROTMAP_RANGES_MAX];
	const struct protmap_table *table;
	struct protmap_segment *segment;
	struct protmap_range new;
	uint32_t at;

	if (!map || ranges_sort(&ram, 1, &new))
		return -VSM_ERR_INVAL;
	table = atomic_load_explicit(&map->table, memory_order_relaxed);
	if (table->count == PROTMAP_RANGES_MAX)
		return -VSM_ERR_NOMEM;
	if (!table_with(table, &new, ranges, &at))
		return -VSM_ERR_EXISTS;
	segment = segment_create(&map->allocator, 0, map->max_vtl, &ranges[at], 1, table->count + 1,
				 map->max_bytes - vsm_protmap_bytes(map));
	if (!segment)
		return -VSM_ERR_NOMEM;
	segment_publish(map, segment, ranges, table->count + 1);
	return 0;
}

void vsm_protmap_destroy(struct vsm_protmap *map)
{
	struct protmap_segment *segment = map ? map->segments : NULL;
	struct vsm_allocator allocator;

	if (!map)
		return;
	allocator = map->allocator;
	while (segment) {
		struct protmap_segment *next = segment->next; /* The last one holds the map too. */

		allocator.free(allocator.opaque, segment->memory, segment->bytes);
		segment = next;
	}
}

uint64_t vsm_protmap_bytes(const struct vsm_protmap *map)
{
	return map ? atomic_load_explicit(&map->bytes, memory_order_relaxed) : 0;
}

uint64_t vsm_protmap_used(const struct vsm_protmap *map)
{
	const struct protmap_segment *segment = map ? map->segments : NULL;
	uint64_t used = 0;

	for (; segment; segment = segment->next) {
		const uint8_t *base = segment->memory;

		/* All but the leaves and the words of regions, which are counted by the pool. */
		used += (uint64_t)((const uint8_t *)segment->regions - base);
		used += atomic_load_explicit(&segment->pool.used, memory_order_relaxed);
	}
	return used;
}

static void range_reset(const struct protmap_range *range, uint32_t sets)
{
	uint64_t count = range->block_count * sets;
	uint64_t i;

	for (i = 0; i < count; i++) {
		struct protmap_block *block = &range->blocks[i];

		word_store(&block->word, 0);
		word_store(&block->seq, word_load(&block->seq) + 1);
	}
}

void vsm_protmap_reset(struct vsm_protmap *map)
{
	const struct protmap_table *table;
	struct protmap_segment *segment;
	uint32_t i;

	if (!map)
		return;
	atomic_store_explicit(&map->enabled, 0, memory_order_release);
	defaults_reset(map);
	table = atomic_load_explicit(&map->table, memory_order_relaxed);
	for (i = 0; i < table->count; i++)
		range_reset(&table->ranges[i], map->max_vtl);
	/* Only now, when no block refers to them any more. */
	for (segment = map->segments; segment; segment = segment->next)
		pool_reset(&segment->pool);
}
