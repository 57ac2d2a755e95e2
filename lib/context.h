/* SPDX-License-Identifier: BSD-3-Clause */
/* The state that a VTL starts with on a VP (TLFS 15.5.3). */
#ifndef VSM_CONTEXT_H
#define VSM_CONTEXT_H

#include "internal.h"

/*
 * Load the context that EnableVpVtl left for a VTL of this VP, and reset values into the rest of
 * its private registers. Does nothing if none waits. On the VP's own thread.
 * 0, -VSM_ERR_INVAL (the host refuses a value) or -VSM_ERR_HOST.
 */
int context_apply(struct vsm_vp *vp, uint32_t vtl);
/* All contexts that wait. 0; -VSM_ERR_HOST if one failed; else -VSM_ERR_INVAL if the host
 * refuses one: that VTL cannot be entered. */
int context_apply_all(struct vsm_vp *vp);

/* Load a context into a VTL of this VP: all of it or nothing. On the VP's own thread. Errors as the
 * op regs_set gives them. */
int context_load(struct vsm_vp *vp, uint32_t vtl, const struct hv_initial_vp_context *values);

/* SCONTROL at power-on. */
uint64_t context_scontrol_reset(const struct vsm *vsm);
/* Library-owned state of a VTL on a VP as at power-on. */
void context_reset_library(struct vsm_vp *vp, uint32_t vtl);

#endif /* VSM_CONTEXT_H */
