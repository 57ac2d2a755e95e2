/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The partition's one lock: a few instructions long, never held over a host op. `vp` is the VP
 * whose entry takes it, or NULL for entries without one; host.c refuses ops while vp->locks_held is
 * set.
 */
#ifndef VSM_LOCK_H
#define VSM_LOCK_H

#include "internal.h"

void lock_take(struct vsm *vsm, struct vsm_vp *vp);
void lock_drop(struct vsm *vsm, struct vsm_vp *vp);

#endif /* VSM_LOCK_H */
