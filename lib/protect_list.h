/* SPDX-License-Identifier: BSD-3-Clause */
/* The list of ModifyVtlProtectionMask, from guest page numbers to ranges and back (TLFS 15.9.2). */
#ifndef VSM_PROTECT_LIST_H
#define VSM_PROTECT_LIST_H

#include "internal.h"

/*
 * Give the pages of the elements from plan->end up to `end` this mask in the set of
 * plan->owner_vtl, and plan what that changes for the VTLs below. At an element that cannot be done
 * plan->end stays, and plan->status says why.
 */
void list_apply(struct vsm_vp *vp, uint32_t end, uint32_t mask);

/* The host has followed. */
void list_keep(struct vsm_vp *vp);

/*
 * The host has applied no more than the first `applied` ranges of the plan. The first element of
 * which a page was not applied is returned; it and all after it are taken back in the map, and the
 * plan becomes what the host has to give back of them.
 */
uint32_t list_take_back(struct vsm_vp *vp, uint32_t applied);

#endif /* VSM_PROTECT_LIST_H */
