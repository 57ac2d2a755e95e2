/* SPDX-License-Identifier: BSD-3-Clause */
/* What a guest says when it gives up (TLFS App. C, HV_X64_MSR_CRASH_*). */
#ifndef VSM_CRASH_H
#define VSM_CRASH_H

#include "internal.h"

/* Any register of CRASH_P0 .. CRASH_CTL; the guest has the feature. */
uint64_t crash_get(const struct vsm *vsm, uint32_t name);
void crash_set(struct vsm_vp *vp, uint32_t name, uint64_t value);
void crash_reset(struct vsm *vsm);

#endif /* VSM_CRASH_H */
