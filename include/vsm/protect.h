/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file vsm/protect.h
 * The protection map (TLFS 15.9): which rights each VTL leaves to the VTLs below it. Usable
 * without a partition.
 *
 * Each VTL above 0 owns one set: a default mask, and a mask for each page that was set explicitly.
 * A set acts only when it is enabled. The rights of VTL m are the intersection of the sets of all
 * VTLs above m.
 *
 *     const struct vsm_range ram = { .gpa = 0, .size = 64 << 20 };
 *     struct vsm_protmap *map;
 *     uint32_t rights;
 *
 *     if (vsm_protmap_create(NULL, 1, &ram, 1, 1 << 20, &map) != 0)
 *             return failed("no map");
 *     vsm_protmap_enable(map, 1, 1);
 *     vsm_protmap_set(map, 1, 0x5000, 1, HV_MAP_GPA_READABLE);
 *     vsm_protmap_rights(map, 0, 0x5000, &rights);
 *     if (rights != HV_MAP_GPA_READABLE)
 *             return failed("VTL0 has other rights than VTL1 left it");
 *     vsm_protmap_destroy(map);
 *
 * Readers take no lock and never wait, and may run beside one writer; writers must not run beside
 * each other. "Thread: any" is a reader.
 *
 * A region of 2 MiB or 1 GiB whose pages are all alike is one word. Below it, 2 MiB in which pages
 * differ take 64 bytes if no more than 24 of them differ from the others or if there are only two
 * kinds, else 256 bytes (512 if pages with write but no read are among them). That memory is
 * reserved by vsm_protmap_create() and vsm_protmap_add(), and is touched when it is used first.
 */
#ifndef VSM_PROTECT_H
#define VSM_PROTECT_H

#include <stddef.h>
#include <stdint.h>

#include <vsm/export.h>
#include <vsm/types.h>

VSM_BEGIN_DECLS

/** All rights: R, W, KX, UX. */
#define VSM_RIGHTS_ALL 0xfu

/** A protection map. Opaque. */
struct vsm_protmap;

/** A range of guest physical memory. */
struct vsm_range {
	uint64_t gpa; /**< First byte, page-aligned. */
	uint64_t size; /**< Bytes, a multiple of 4096. */
};

/** Where a stand-alone part gets its memory. */
struct vsm_allocator {
	void *opaque; /**< First argument of the functions. */
	void *(*alloc)(void *opaque, size_t size); /**< Zeroed memory, or NULL. */
	void (*free)(void *opaque, void *ptr, size_t size); /**< Frees memory of alloc. */
};

/**
 * Is this a legal rights mask (TLFS 15.9.2)?
 *
 * @param mask HV_MAP_GPA_* bits; bits above 3 make it illegal.
 * @param mbec 1: mode-based execute control is on, KX and UX may differ.
 * @return 1 or 0. Thread: any.
 */
VSM_EXPORT int vsm_rights_valid(uint32_t mask, int mbec);

/**
 * Create a map. All memory for these ranges is allocated here.
 *
 * @param allocator NULL: calloc() and free().
 * @param max_vtl   highest VTL, 1 .. #VSM_VTL_MAX.
 * @param ram       ranges that do not overlap, in any order.
 * @param count     number of ranges, 1 .. 64.
 * @param max_bytes upper bound of the memory, vsm_protmap_add() included. What all ranges could
 *                  need at worst is about 850 bytes per 2 MiB and protecting VTL; with less than
 *                  that a change may fail with -VSM_ERR_NOMEM.
 * @param out       the map, for vsm_protmap_destroy(). Untouched on failure.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL  an argument is NULL or out of range.
 * @retval -VSM_ERR_EXISTS ranges overlap.
 * @retval -VSM_ERR_NOMEM  the allocator failed, or max_bytes does not suffice.
 * Thread: any.
 */
VSM_EXPORT int vsm_protmap_create(const struct vsm_allocator *allocator, uint32_t max_vtl,
				  const struct vsm_range *ram, uint32_t count, uint64_t max_bytes,
				  struct vsm_protmap **out);

/**
 * Destroy a map.
 *
 * @param map may be NULL. No reader may be left.
 * Thread: any.
 */
VSM_EXPORT void vsm_protmap_destroy(struct vsm_protmap *map);

/**
 * Add RAM. Its pages follow the default masks.
 *
 * @param map  the map.
 * @param gpa  page-aligned start.
 * @param size bytes, a multiple of 4096.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL  an argument is NULL, unaligned or out of range.
 * @retval -VSM_ERR_EXISTS some of it is RAM already.
 * @retval -VSM_ERR_NOMEM  the allocator failed, max_bytes does not suffice, or there are 64 ranges.
 * Thread: one writer. Calls the allocator.
 */
VSM_EXPORT int vsm_protmap_add(struct vsm_protmap *map, uint64_t gpa, uint64_t size);

/**
 * Memory that was reserved.
 *
 * @param map may be NULL.
 * @return bytes asked of the allocator; 0 for NULL.
 * Thread: any.
 */
VSM_EXPORT uint64_t vsm_protmap_bytes(const struct vsm_protmap *map);

/**
 * Memory that the contents need now.
 *
 * @param map may be NULL.
 * @return bytes, at most vsm_protmap_bytes(); 0 for NULL.
 * Thread: the writer.
 */
VSM_EXPORT uint64_t vsm_protmap_used(const struct vsm_protmap *map);

/**
 * Set the mask of pages explicitly.
 *
 * @param map   the map.
 * @param vtl   the protecting VTL, 1 .. max_vtl.
 * @param gpa   page-aligned start.
 * @param pages number of pages, at least 1.
 * @param mask  0 .. 15; legality is the caller's business, see vsm_rights_valid().
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL an argument is NULL, unaligned or out of range.
 * @retval -VSM_ERR_RANGE not all of it is RAM; nothing was changed.
 * @retval -VSM_ERR_NOMEM the reserved memory is at its end; nothing was changed.
 * Thread: one writer.
 */
VSM_EXPORT int vsm_protmap_set(struct vsm_protmap *map, uint32_t vtl, uint64_t gpa, uint64_t pages,
			       uint32_t mask);

/**
 * Forget that pages were set explicitly: they follow the default mask again.
 *
 * @param map   the map.
 * @param vtl   the protecting VTL, 1 .. max_vtl.
 * @param gpa   page-aligned start.
 * @param pages number of pages, at least 1.
 * @return as vsm_protmap_set().
 * Thread: one writer.
 */
VSM_EXPORT int vsm_protmap_unset(struct vsm_protmap *map, uint32_t vtl, uint64_t gpa,
				 uint64_t pages);

/**
 * Mask of one page in the set of one VTL, enabled or not.
 *
 * @param map          the map.
 * @param vtl          the protecting VTL, 1 .. max_vtl.
 * @param gpa          page-aligned.
 * @param mask         set to 0..15.
 * @param explicit_set set to 1 if the page was set, 0 if the default applies; may be NULL.
 * @return as vsm_protmap_set().
 * Thread: any.
 */
VSM_EXPORT int vsm_protmap_get(const struct vsm_protmap *map, uint32_t vtl, uint64_t gpa,
			       uint32_t *mask, uint32_t *explicit_set);

/**
 * Default mask of a VTL's set: of all pages that were not set explicitly.
 *
 * @param map  the map.
 * @param vtl  the protecting VTL, 1 .. max_vtl.
 * @param mask 0 .. 15.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL map is NULL, vtl or mask is out of range.
 * Thread: one writer. Takes constant time.
 */
VSM_EXPORT int vsm_protmap_default_set(struct vsm_protmap *map, uint32_t vtl, uint32_t mask);

/**
 * Default mask of a VTL's set.
 *
 * @param map the map.
 * @param vtl the protecting VTL, 1 .. max_vtl.
 * @return 0 .. 15, initially #VSM_RIGHTS_ALL; that also for a bad argument.
 * Thread: any.
 */
VSM_EXPORT uint32_t vsm_protmap_default(const struct vsm_protmap *map, uint32_t vtl);

/**
 * Switch a VTL's set on or off.
 *
 * @param map the map.
 * @param vtl the protecting VTL, 1 .. max_vtl.
 * @param on  1 on, 0 off.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL map is NULL or vtl is out of range.
 * Thread: one writer.
 */
VSM_EXPORT int vsm_protmap_enable(struct vsm_protmap *map, uint32_t vtl, int on);

/**
 * Rights of a VTL to a page: the intersection of the enabled sets of all VTLs above it.
 *
 * @param map    the map.
 * @param vtl    the restricted VTL, 0 .. max_vtl.
 * @param gpa    any byte of the page.
 * @param rights set to 0..15.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL an argument is NULL or out of range.
 * @retval -VSM_ERR_RANGE gpa is not RAM.
 * Thread: any.
 */
VSM_EXPORT int vsm_protmap_rights(const struct vsm_protmap *map, uint32_t vtl, uint64_t gpa,
				  uint32_t *rights);

/**
 * Lowest VTL above `vtl` whose set lacks one of the wanted rights: the one to be told (TLFS 13.1).
 *
 * @param map    the map.
 * @param vtl    the restricted VTL, 0 .. max_vtl.
 * @param gpa    any byte of the page.
 * @param wanted HV_MAP_GPA_* bits 0..3.
 * @return the VTL; 0: nobody forbids it.
 * @retval -VSM_ERR_INVAL an argument is NULL or out of range.
 * @retval -VSM_ERR_RANGE gpa is not RAM.
 * Thread: any.
 */
VSM_EXPORT int vsm_protmap_denier(const struct vsm_protmap *map, uint32_t vtl, uint64_t gpa,
				  uint32_t wanted);

/**
 * Next run of pages with equal rights, for walking the map: start with gpa 0, go on at
 * run->gpa + run->size.
 *
 * @param map    the map.
 * @param vtl    the restricted VTL, 0 .. max_vtl.
 * @param gpa    where to begin; rounded down to a page, and up to the next RAM.
 * @param run    set to the run, which does not reach beyond one range of RAM.
 * @param rights set to its rights.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL    an argument is NULL or out of range.
 * @retval -VSM_ERR_NOTFOUND no RAM at or above gpa.
 * Thread: any.
 */
VSM_EXPORT int vsm_protmap_next(const struct vsm_protmap *map, uint32_t vtl, uint64_t gpa,
				struct vsm_range *run, uint32_t *rights);

/**
 * Next run of pages to which a VTL has other rights in one map than in another; for walking as
 * vsm_protmap_next(). Pages that are RAM in one of the maps only are passed over. One map on both
 * sides has no differences.
 *
 * @param before        a map.
 * @param after         another one.
 * @param vtl           the restricted VTL, 0 .. the lower max_vtl.
 * @param gpa           where to begin.
 * @param run           set to the run; both rights are equal for all of it.
 * @param rights_before set to the rights in `before`.
 * @param rights_after  set to the rights in `after`.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL    an argument is NULL or out of range.
 * @retval -VSM_ERR_NOTFOUND no difference at or above gpa.
 * Thread: any. Takes time by the number of runs of both maps, not of pages.
 */
VSM_EXPORT int vsm_protmap_diff(const struct vsm_protmap *before, const struct vsm_protmap *after,
				uint32_t vtl, uint64_t gpa, struct vsm_range *run,
				uint32_t *rights_before, uint32_t *rights_after);

/**
 * Back to the start: no explicit pages, default masks all rights, nothing enabled.
 *
 * @param map may be NULL.
 * Thread: one writer. Takes time by GiB of RAM. Memory stays reserved.
 */
VSM_EXPORT void vsm_protmap_reset(struct vsm_protmap *map);

VSM_END_DECLS

#endif /* VSM_PROTECT_H */
