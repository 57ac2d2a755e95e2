/* SPDX-License-Identifier: BSD-3-Clause */
/* VPs that wait until the guest starts them (TLFS 15.12, HvCallStartVirtualProcessor). */
#ifndef VSM_STARTUP_H
#define VSM_STARTUP_H

#include "internal.h"

/* As created and after a reset: wait, if the VP was created so. */
void startup_reset(struct vsm_vp *vp);
/* On the VP's own thread, while it waits: load what it was started with. A verdict or an error;
 * after an error it still waits. */
int startup_run(struct vsm_vp *vp);
/* Was the VP that waits started? From any thread. */
int startup_due(const struct vsm_vp *vp);

/* Does a VTL above `caller` forbid it to start VPs (VsmPartitionConfig.DenyLowerVtlStartup)? */
int startup_denied(const struct vsm *vsm, uint32_t caller);

#endif /* VSM_STARTUP_H */
