/* SPDX-License-Identifier: BSD-3-Clause */
/* Synthetic MSRs (TLFS App. C): privilege first, then the register behind them. */
#ifndef VSM_MSR_H
#define VSM_MSR_H

#include "internal.h"

#define MSR_FIRST 0x40000000u
#define MSR_LAST  0x400001ffu

/* Status (anything but success means #GP), R_BLOCKED, R_BUSY or an error. */
int msr_read(struct vsm_vp *vp, uint32_t msr, uint64_t *value);
int msr_write(struct vsm_vp *vp, uint32_t msr, uint64_t value);

/* Has the guest the privilege for this MSR? 1 also for numbers that are no synthetic MSR. */
int msr_privileged(const struct vsm *vsm, uint32_t msr);

#endif /* VSM_MSR_H */
