/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Work that may outlast an entry: host ops that end later, the right to change what the whole
 * partition sees, and work on another VP's registers.
 */
#ifndef VSM_OPS_H
#define VSM_OPS_H

#include "internal.h"

/*
 * One VP at a time changes protections, overlays and partition-wide MSRs. 1: this VP owns the op.
 * 0: another does; vp->op_wait is set and a kick follows.
 */
int op_acquire(struct vsm_vp *vp);
void op_release(struct vsm_vp *vp);
/* The same for the host itself, which is no VP and does not wait: 0: another owns it. */
int op_acquire_host(struct vsm *vsm);
void op_release_host(struct vsm *vsm);

/*
 * Start of a host op that may be pending: gives its token. The result goes to deferred_end(), which
 * runs `finish` at once, or returns R_BLOCKED and lets vsm_vp_run_prepare() run it.
 */
uint64_t deferred_begin(struct vsm_vp *vp,
			int (*finish)(struct vsm_vp *vp, int result, uint32_t done));
int deferred_end(struct vsm_vp *vp, int result, uint32_t done);
/* R_BLOCKED while the op goes on, else what `finish` returns. */
int deferred_poll(struct vsm_vp *vp);

/* Let `target` run post_work() on behalf of `vp`. */
void post_send(struct vsm_vp *vp, struct vsm_vp *target);
/* Do what others posted to this VP. */
void post_drain(struct vsm_vp *vp);

#endif /* VSM_OPS_H */
