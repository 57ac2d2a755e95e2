/* SPDX-License-Identifier: BSD-3-Clause */
/* The protection map: masks of pages, and the rights that follow from them (TLFS 15.9). */
#include "protmap_leaf.h"

#include "vsm/error.h"

const struct protmap_range *protmap_range_from(const struct protmap_table *table, uint64_t page)
{
	uint32_t low = 0;
	uint32_t high = table->count;

	/* The first range that does not end below `page`. */
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (range_end(&table->ranges[middle]) <= page)
			low = middle + 1;
		else
			high = middle;
	}
	return low < table->count ? &table->ranges[low] : NULL;
}

static const struct protmap_table *table_now(const struct vsm_protmap *map)
{
	return atomic_load_explicit(&map->table, memory_order_acquire);
}

const struct protmap_range *protmap_range_of(const struct vsm_protmap *map, uint64_t page)
{
	const struct protmap_range *range = protmap_range_from(table_now(map), page);

	return range && range->first <= page ? range : NULL;
}

/*
 * Word that speaks of `page`, of how many pages it does (log2), and the sequence number that holds
 * until it goes out of use. All of one look at the block: the next one may find another word there
 * before the sequence number tells.
 */
static uint64_t word_of(const struct protmap_block *block, const struct protmap_range *range,
			uint32_t vtl, uint64_t page, uint64_t *seq, uint32_t *shift)
{
	uint64_t word;

	*seq = word_load(&block->seq);
	word = word_load(&block->word);
	*shift = BLOCK_SHIFT;
	if (word_kind(word) != LEAF_NOT)
		return word;
	*shift = REGION_SHIFT;
	return word_load(region_at(range, vtl, range_region(range, page)));
}

uint32_t protmap_code(const struct protmap_range *range, uint32_t vtl, uint64_t page)
{
	const struct protmap_block *block = block_at(range, vtl, range_block(range, page));
	uint32_t shift;
	uint64_t seq;
	uint32_t code;

	do {
		uint64_t word = word_of(block, range, vtl, page, &seq, &shift);

		code = leaf_get(range->pool, word, (uint32_t)page & (REGION_PAGES - 1));
	} while (word_load(&block->seq) != seq);
	return code;
}

uint32_t protmap_span(const struct protmap_range *range, uint32_t vtl, uint64_t page, uint64_t *end)
{
	const struct protmap_block *block = block_at(range, vtl, range_block(range, page));
	uint32_t shift;
	uint32_t index;
	uint64_t seq;
	uint32_t code;

	do {
		uint64_t word = word_of(block, range, vtl, page, &seq, &shift);

		code = leaf_span(range->pool, word, (uint32_t)page & (REGION_PAGES - 1), &index);
	} while (word_load(&block->seq) != seq);
	*end = shift == BLOCK_SHIFT ? ((page >> BLOCK_SHIFT) + 1) << BLOCK_SHIFT :
				      (page & ~(uint64_t)(REGION_PAGES - 1)) + index;
	if (*end > range_end(range))
		*end = range_end(range);
	return code;
}

/* Are so many pages from `page` on RAM? Ranges that touch each other are one to the caller. */
static int all_ram(const struct protmap_table *table, const struct protmap_range *range,
		   uint64_t page, uint64_t pages)
{
	uint64_t have = range_end(range) - page;

	while (have < pages) {
		const struct protmap_range *next = range + 1;

		if (next == &table->ranges[table->count] || next->first != range_end(range))
			return 0;
		range = next;
		have += range->pages;
	}
	return 1;
}

static int write_codes(struct vsm_protmap *map, uint32_t vtl, uint64_t gpa, uint64_t pages,
		       uint32_t code)
{
	uint64_t page = gpa >> HV_PAGE_SHIFT;
	const struct protmap_table *table;
	const struct protmap_range *range;

	if (!protmap_protects(map, vtl) || gpa % HV_PAGE_SIZE || !pages)
		return -VSM_ERR_INVAL;
	table = table_now(map);
	range = protmap_range_from(table, page);
	if (!range || range->first > page || !all_ram(table, range, page, pages))
		return -VSM_ERR_RANGE;
	if (pages == 1)
		return protmap_page_set(range, vtl, page, code);
	return protmap_fill(range, vtl, page, pages, code);
}

int vsm_protmap_set(struct vsm_protmap *map, uint32_t vtl, uint64_t gpa, uint64_t pages,
		    uint32_t mask)
{
	if (mask > VSM_RIGHTS_ALL)
		return -VSM_ERR_INVAL;
	return write_codes(map, vtl, gpa, pages, PROTMAP_EXPLICIT | mask);
}

int vsm_protmap_unset(struct vsm_protmap *map, uint32_t vtl, uint64_t gpa, uint64_t pages)
{
	return write_codes(map, vtl, gpa, pages, 0);
}

static uint32_t default_of(const struct vsm_protmap *map, uint32_t vtl)
{
	return atomic_load_explicit(&map->defaults[vtl], memory_order_acquire);
}

int vsm_protmap_get(const struct vsm_protmap *map, uint32_t vtl, uint64_t gpa, uint32_t *mask,
		    uint32_t *explicit_set)
{
	const struct protmap_range *range;
	uint32_t code;

	if (!protmap_protects(map, vtl) || gpa % HV_PAGE_SIZE || !mask)
		return -VSM_ERR_INVAL;
	range = protmap_range_of(map, gpa >> HV_PAGE_SHIFT);
	if (!range)
		return -VSM_ERR_RANGE;
	code = protmap_code(range, vtl, gpa >> HV_PAGE_SHIFT);
	*mask = code_mask(code, default_of(map, vtl));
	if (explicit_set)
		*explicit_set = code != 0;
	return 0;
}

int vsm_protmap_default_set(struct vsm_protmap *map, uint32_t vtl, uint32_t mask)
{
	if (!protmap_protects(map, vtl) || mask > VSM_RIGHTS_ALL)
		return -VSM_ERR_INVAL;
	atomic_store_explicit(&map->defaults[vtl], (uint8_t)mask, memory_order_release);
	return 0;
}

uint32_t vsm_protmap_default(const struct vsm_protmap *map, uint32_t vtl)
{
	return protmap_protects(map, vtl) ? default_of(map, vtl) : VSM_RIGHTS_ALL;
}

int vsm_protmap_enable(struct vsm_protmap *map, uint32_t vtl, int on)
{
	if (!protmap_protects(map, vtl))
		return -VSM_ERR_INVAL;
	if (on)
		atomic_fetch_or_explicit(&map->enabled, 1u << vtl, memory_order_release);
	else
		atomic_fetch_and_explicit(&map->enabled, ~(1u << vtl), memory_order_release);
	return 0;
}

/* Sets that restrict `vtl`, one bit each: enabled, and above it. A VTL never restricts itself. */
static uint32_t acting_sets(const struct vsm_protmap *map, uint32_t vtl)
{
	uint32_t enabled = atomic_load_explicit(&map->enabled, memory_order_acquire);

	return enabled & ~((2u << vtl) - 1);
}

int vsm_protmap_rights(const struct vsm_protmap *map, uint32_t vtl, uint64_t gpa, uint32_t *rights)
{
	uint64_t page = gpa >> HV_PAGE_SHIFT;
	const struct protmap_range *range;
	uint32_t all = VSM_RIGHTS_ALL;
	uint32_t sets;

	if (!map || vtl > map->max_vtl || !rights)
		return -VSM_ERR_INVAL;
	range = protmap_range_of(map, page);
	if (!range)
		return -VSM_ERR_RANGE;
	for (sets = acting_sets(map, vtl); sets; sets &= sets - 1) {
		uint32_t above = (uint32_t)__builtin_ctz(sets);

		all &= code_mask(protmap_code(range, above, page), default_of(map, above));
	}
	*rights = all;
	return 0;
}

int vsm_protmap_denier(const struct vsm_protmap *map, uint32_t vtl, uint64_t gpa, uint32_t wanted)
{
	uint64_t page = gpa >> HV_PAGE_SHIFT;
	const struct protmap_range *range;
	uint32_t sets;

	if (!map || vtl > map->max_vtl || wanted > VSM_RIGHTS_ALL)
		return -VSM_ERR_INVAL;
	range = protmap_range_of(map, page);
	if (!range)
		return -VSM_ERR_RANGE;
	for (sets = acting_sets(map, vtl); sets; sets &= sets - 1) {
		uint32_t above = (uint32_t)__builtin_ctz(sets);

		if (wanted & ~code_mask(protmap_code(range, above, page), default_of(map, above)))
			return (int)above;
	}
	return 0;
}
