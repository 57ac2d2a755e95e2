/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A change of rights on its way: the map is changed first, the host is told what really changed,
 * and what the host could not do is taken back (TLFS 15.9).
 */
#ifndef VSM_PROTECT_PLAN_H
#define VSM_PROTECT_PLAN_H

#include "internal.h"

void plan_start(struct vsm_vp *vp, uint32_t owner_vtl, uint32_t first);
/* Rights of each VTL below `owner`, to be compared after a change of the map. */
void plan_rights(const struct vsm *vsm, uint32_t owner, uint64_t gpa, uint8_t *rights);
/* Add what changed for [gpa, gpa + size) of VTL `vtl`. 0: no room. */
int plan_add(struct vsm_vp *vp, uint32_t element, uint32_t vtl, uint64_t gpa, uint64_t size,
	     uint32_t before, uint32_t after);
/*
 * Give the plan to the host. `undo` takes back in the map what belongs to elements from `element`
 * on, and returns the status for the guest. Releases the op. Status, R_BLOCKED or an error.
 */
int plan_run(struct vsm_vp *vp, int (*undo)(struct vsm_vp *vp, uint32_t element, int result),
	     int (*done)(struct vsm_vp *vp));

#endif /* VSM_PROTECT_PLAN_H */
