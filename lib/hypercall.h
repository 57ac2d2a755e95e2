/* SPDX-License-Identifier: BSD-3-Clause */
/* The way of a hypercall: gate, decode, permit, gather, run, scatter, result (TLFS ch. 3). */
#ifndef VSM_HYPERCALL_ENGINE_H
#define VSM_HYPERCALL_ENGINE_H

#include "internal.h"

/* From the trap to a verdict. */
int hypercall_run(struct vsm_vp *vp, uint64_t trap_rip, uint32_t trap_length);

/* The handler came to `r`, now or after it was blocked: give the caller its result. A verdict. */
int hypercall_conclude(struct vsm_vp *vp, int r);

/* A deferred op of the handler ended with `r`. A verdict. */
int hypercall_resume(struct vsm_vp *vp, int r);

/* Rows of the table that have a handler, bit n = row n. */
uint64_t hypercall_handled(void);

#endif /* VSM_HYPERCALL_ENGINE_H */
