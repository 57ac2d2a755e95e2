/* SPDX-License-Identifier: BSD-3-Clause */
/* Changing the active VTL of a VP (TLFS 15.6 - 15.8). */
#ifndef VSM_VTL_SWITCH_H
#define VSM_VTL_SWITCH_H

#include "internal.h"

/* VtlCall and VtlReturn at a trap that was decoded already. R_SWITCHED, R_EXCEPTION or an error. */
int vtl_call(struct vsm_vp *vp);
int vtl_return(struct vsm_vp *vp);

/*
 * Enter a higher VTL for another reason than a call (HV_VTL_ENTRY_*). `rip`: where the VTL that is
 * left goes on later; NULL: where it stands. R_SWITCHED or an error, with nothing changed;
 * -VSM_ERR_INVAL: the host refuses the context that the VTL was enabled with.
 */
int vtl_enter(struct vsm_vp *vp, uint32_t to, uint32_t reason, const uint64_t *rip);

/* Lowest enabled VTL above, highest enabled VTL below; -1 if there is none. */
int vtl_above(const struct vsm_vp *vp, uint32_t vtl);
int vtl_below(const struct vsm_vp *vp, uint32_t vtl);

#endif /* VSM_VTL_SWITCH_H */
