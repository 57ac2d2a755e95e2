/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A change of rights on its way: the map is changed first, the host is told what really changed,
 * and what the host could not do is taken back (TLFS 15.9).
 */
#ifndef VSM_PROTECT_PLAN_H
#define VSM_PROTECT_PLAN_H

#include "internal.h"

void plan_start(struct vsm_vp *vp, uint32_t owner_vtl, uint32_t first);
/*
 * Add what changed for [gpa, gpa + size) of VTL `vtl`; to be called in the order of the ranges. 0:
 * no room, which a list of pages always has.
 */
int plan_add(struct vsm_vp *vp, uint32_t vtl, uint64_t gpa, uint64_t size, uint32_t before,
	     uint32_t after);

/* How far the host came: all up to here was applied. */
struct plan_bound {
	uint64_t gpa;
	uint32_t vtl;
};

struct plan_bound plan_bound(const struct protect_plan *plan, uint32_t applied);
/* What of [gpa, gpa + size) of `vtl` was applied, if it was part of the plan. */
uint64_t plan_applied(struct plan_bound bound, uint32_t vtl, uint64_t gpa, uint64_t size);

/*
 * Give the plan to the host. Of its ranges `applied` were applied when it failed: `undo` then takes
 * back in the map what the guest is not told to have succeeded, plans instead what of it the host
 * has to take back, and returns the status for the guest. Releases the op. Status, R_BLOCKED or an
 * error.
 */
int plan_run(struct vsm_vp *vp, int (*undo)(struct vsm_vp *vp, uint32_t applied, int result),
	     int (*done)(struct vsm_vp *vp));

#endif /* VSM_PROTECT_PLAN_H */
