/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Accesses to guest memory that were allowed before a right was taken away, and are not over yet.
 * TLFS 15.9.2: when the call that takes it away has its result, nobody uses the old right any more;
 * so it ends after them.
 */
#ifndef VSM_INFLIGHT_H
#define VSM_INFLIGHT_H

#include "internal.h"

/* Around the check and the access, on the VP's own thread. */
void inflight_begin(struct vsm_vp *vp);
void inflight_end(struct vsm_vp *vp);

/*
 * The map has changed: call `finish` when no other VP is in an access that began before. An entry
 * does not wait: if one is, the VP is blocked until that ends. The caller owns the op. What
 * `finish` gives, or R_BLOCKED.
 */
int inflight_wait(struct vsm_vp *vp, int (*finish)(struct vsm_vp *vp, int result, uint32_t done));

/* No entry is running. */
void inflight_reset(struct vsm_vp *vp);

#endif /* VSM_INFLIGHT_H */
