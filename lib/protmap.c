/* SPDX-License-Identifier: BSD-3-Clause */
/* The protection map: masks of pages, and the rights that follow from them (TLFS 15.9). */
#include "protmap.h"

#include "vsm/error.h"
#include "vsm/hv.h"

static int vtl_protects(const struct vsm_protmap *map, uint32_t vtl)
{
	return map && vtl >= 1 && vtl <= map->max_vtl;
}

const struct protmap_range *protmap_range_from(const struct vsm_protmap *map, uint64_t page)
{
	uint32_t low = 0;
	uint32_t high = map->range_count;

	/* The first range that does not end below `page`. */
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct protmap_range *range = &map->ranges[middle];

		if (range->first + range->pages <= page)
			low = middle + 1;
		else
			high = middle;
	}
	return low < map->range_count ? &map->ranges[low] : NULL;
}

const struct protmap_range *protmap_range_of(const struct vsm_protmap *map, uint64_t page)
{
	const struct protmap_range *range = protmap_range_from(map, page);

	return range && range->first <= page ? range : NULL;
}

/*
 * Index of the entry of page `gpa`, all of `pages` pages being RAM. Ranges that touch each other
 * are one to the caller, and since their entries follow each other too, one run of entries.
 */
static int entries_find(const struct vsm_protmap *map, uint64_t gpa, uint64_t pages, size_t *index)
{
	uint64_t page = gpa >> HV_PAGE_SHIFT;
	const struct protmap_range *range = protmap_range_of(map, page);
	uint64_t have;

	if (!range)
		return -VSM_ERR_RANGE;
	*index = protmap_index(range, page);
	have = range->first + range->pages - page;
	while (have < pages) {
		const struct protmap_range *next = range + 1;

		if (next == &map->ranges[map->range_count] ||
		    next->first != range->first + range->pages)
			return -VSM_ERR_RANGE;
		range = next;
		have += range->pages;
	}
	return 0;
}

static int entries_write(struct vsm_protmap *map, uint32_t vtl, uint64_t gpa, uint64_t pages,
			 uint8_t entry)
{
	_Atomic uint8_t *set;
	size_t index;
	size_t i;
	int err;

	if (!vtl_protects(map, vtl) || gpa % HV_PAGE_SIZE || !pages)
		return -VSM_ERR_INVAL;
	err = entries_find(map, gpa, pages, &index);
	if (err)
		return err;
	set = &map->entries[(size_t)(vtl - 1) * map->pages];
	for (i = 0; i < (size_t)pages; i++)
		atomic_store_explicit(&set[index + i], entry, memory_order_release);
	return 0;
}

int vsm_protmap_set(struct vsm_protmap *map, uint32_t vtl, uint64_t gpa, uint64_t pages,
		    uint32_t mask)
{
	if (mask > VSM_RIGHTS_ALL)
		return -VSM_ERR_INVAL;
	return entries_write(map, vtl, gpa, pages, (uint8_t)(PROTMAP_EXPLICIT | mask));
}

int vsm_protmap_unset(struct vsm_protmap *map, uint32_t vtl, uint64_t gpa, uint64_t pages)
{
	return entries_write(map, vtl, gpa, pages, 0);
}

/* Mask of an entry as it stands. */
static uint32_t mask_at(const struct vsm_protmap *map, uint32_t vtl, size_t index,
			uint32_t *explicit_set)
{
	uint8_t entry =
		atomic_load_explicit(&protmap_entries(map, vtl)[index], memory_order_acquire);

	*explicit_set = entry & PROTMAP_EXPLICIT ? 1 : 0;
	if (*explicit_set)
		return entry & PROTMAP_MASK;
	return atomic_load_explicit(&map->defaults[vtl], memory_order_acquire);
}

int vsm_protmap_get(const struct vsm_protmap *map, uint32_t vtl, uint64_t gpa, uint32_t *mask,
		    uint32_t *explicit_set)
{
	uint32_t is_explicit;
	size_t index;
	int err;

	if (!vtl_protects(map, vtl) || gpa % HV_PAGE_SIZE || !mask)
		return -VSM_ERR_INVAL;
	err = entries_find(map, gpa, 1, &index);
	if (err)
		return err;
	*mask = mask_at(map, vtl, index, &is_explicit);
	if (explicit_set)
		*explicit_set = is_explicit;
	return 0;
}

int vsm_protmap_default_set(struct vsm_protmap *map, uint32_t vtl, uint32_t mask)
{
	if (!vtl_protects(map, vtl) || mask > VSM_RIGHTS_ALL)
		return -VSM_ERR_INVAL;
	atomic_store_explicit(&map->defaults[vtl], (uint8_t)mask, memory_order_release);
	return 0;
}

uint32_t vsm_protmap_default(const struct vsm_protmap *map, uint32_t vtl)
{
	if (!vtl_protects(map, vtl))
		return VSM_RIGHTS_ALL;
	return atomic_load_explicit(&map->defaults[vtl], memory_order_acquire);
}

int vsm_protmap_enable(struct vsm_protmap *map, uint32_t vtl, int on)
{
	if (!vtl_protects(map, vtl))
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

static uint32_t rights_at(const struct vsm_protmap *map, uint32_t sets, size_t index)
{
	uint32_t rights = VSM_RIGHTS_ALL;
	uint32_t is_explicit;
	uint32_t vtl;

	for (vtl = 1; sets >> vtl; vtl++) {
		if (sets >> vtl & 1)
			rights &= mask_at(map, vtl, index, &is_explicit);
	}
	return rights;
}

int vsm_protmap_rights(const struct vsm_protmap *map, uint32_t vtl, uint64_t gpa, uint32_t *rights)
{
	size_t index;
	int err;

	if (!map || vtl > map->max_vtl || !rights)
		return -VSM_ERR_INVAL;
	err = entries_find(map, gpa, 1, &index);
	if (err)
		return err;
	*rights = rights_at(map, acting_sets(map, vtl), index);
	return 0;
}

int vsm_protmap_denier(const struct vsm_protmap *map, uint32_t vtl, uint64_t gpa, uint32_t wanted)
{
	uint32_t is_explicit;
	uint32_t sets;
	uint32_t above;
	size_t index;
	int err;

	if (!map || vtl > map->max_vtl || wanted > VSM_RIGHTS_ALL)
		return -VSM_ERR_INVAL;
	err = entries_find(map, gpa, 1, &index);
	if (err)
		return err;
	sets = acting_sets(map, vtl);
	for (above = vtl + 1; above <= map->max_vtl; above++) {
		if ((sets >> above & 1) && (wanted & ~mask_at(map, above, index, &is_explicit)))
			return (int)above;
	}
	return 0;
}

int vsm_protmap_next(const struct vsm_protmap *map, uint32_t vtl, uint64_t gpa,
		     struct vsm_range *run, uint32_t *rights)
{
	const struct protmap_range *range;
	uint64_t page = gpa >> HV_PAGE_SHIFT;
	uint32_t sets;
	size_t index;
	size_t end;
	size_t start;

	if (!map || vtl > map->max_vtl || !run || !rights)
		return -VSM_ERR_INVAL;
	range = protmap_range_from(map, page);
	if (!range)
		return -VSM_ERR_NOTFOUND;
	if (page < range->first)
		page = range->first;
	sets = acting_sets(map, vtl);
	start = protmap_index(range, page);
	end = range->index + (size_t)range->pages;
	*rights = rights_at(map, sets, start);
	for (index = start + 1; index < end; index++) {
		if (rights_at(map, sets, index) != *rights)
			break;
	}
	run->gpa = page << HV_PAGE_SHIFT;
	run->size = (uint64_t)(index - start) << HV_PAGE_SHIFT;
	return 0;
}
