/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Overlay pages (TLFS 5.2.1): one slot per page of the arena. The newest overlay of a guest page is
 * seen; the protection map is never touched.
 */
#ifndef VSM_OVERLAY_H
#define VSM_OVERLAY_H

#include "internal.h"

/* Slot numbers within a VTL. */
uint32_t overlay_slot_vp(uint32_t vp_index, uint32_t which);
const struct overlay_slot *overlay_slot(const struct vsm *vsm, uint32_t vtl, uint32_t slot);
/* Page of the arena behind a slot. */
uint8_t *overlay_page(const struct vsm *vsm, uint32_t vtl, uint32_t slot);

/*
 * Place, move or lift the overlay of a slot as an overlay MSR says (enable in bit 0, page in
 * 63:12), and store the MSR when the host has followed. The caller owns the op; it is released here
 * or when the host is done. Results: status or R_BLOCKED.
 */
int overlay_write(struct vsm_vp *vp, uint32_t vtl, uint32_t slot, _Atomic uint64_t *msr,
		  uint64_t value);

/*
 * The same at once and without a guest: for saved state. The caller owns the op and keeps it. 0,
 * -VSM_ERR_HOST (nothing changed), or -VSM_ERR_STATE (the host could not take back what it did).
 */
int overlay_load(struct vsm_vp *vp, uint32_t vtl, uint32_t slot, _Atomic uint64_t *msr,
		 uint64_t value);

/* The overlay that a VTL sees at a page; 0: none. Lock-free, from any thread. */
int overlay_find(const struct vsm *vsm, uint32_t vtl, uint64_t gpa, uint32_t *slot);
/* Rights that the guest has to an overlay page, HV_MAP_GPA_*. */
uint32_t overlay_rights(uint32_t slot);

/* The highest order of an overlay that is placed; 0: none is. */
uint64_t overlay_newest(const struct vsm *vsm);

/*
 * Saved state in two steps. overlay_put() notes where the overlay of a slot is, and nobody is told;
 * overlay_show_all() tells the host of all that are placed. If it fails, those that the host was
 * not told of are placed no more, and overlay_reset() lifts the others. overlay_forget() is for
 * overlays that the host was not told of at all. overlay_doubled(): two of a VTL have one order, so
 * that nobody knows which lies above.
 */
void overlay_put(struct vsm *vsm, uint32_t vtl, uint32_t slot, uint64_t gpa, uint64_t order);
int overlay_doubled(const struct vsm *vsm);
int overlay_show_all(struct vsm *vsm);
void overlay_forget(struct vsm *vsm);

/* Lift all overlays and clear the pages of VPs; hypercall and reference TSC page never change. */
int overlay_reset(struct vsm *vsm);

#endif /* VSM_OVERLAY_H */
