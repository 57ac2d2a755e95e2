/* SPDX-License-Identifier: BSD-3-Clause */
/* Secure intercepts: a message for a higher VTL, and entry into it (TLFS 15.13, 13). */
#ifndef VSM_INTERCEPT_H
#define VSM_INTERCEPT_H

#include "internal.h"

/*
 * An access of the active VTL that `to` forbids: message and entry. `rip`: address of the
 * instruction if RIP does not stand there. R_SWITCHED, R_EXCEPTION or an error.
 */
int intercept_memory(struct vsm_vp *vp, uint32_t to, const struct vsm_memory_fault *fault,
		     const uint64_t *rip);

/* Something changed that a waiting message may have waited for. */
void intercept_rescan(struct vsm_vp *vp, uint32_t vtl);

/* After a VTL return while a message waits: the lower VTL must not run, enter again. */
int intercept_reenter(struct vsm_vp *vp);

#endif /* VSM_INTERCEPT_H */
