/* SPDX-License-Identifier: BSD-3-Clause */
/* What the guest is offered (TLFS 2.4), from configuration, ops and the tables. */
#ifndef VSM_CPUID_H
#define VSM_CPUID_H

#include "internal.h"

#define CPUID_LAST 0x400000ffu

/* Fill capabilities, privileges, features and the set of calls. In vsm_partition_realise(). */
void cpuid_decide(struct vsm *vsm);
/* Any leaf; those above the maximum read 0. */
void cpuid_leaf(const struct vsm *vsm, uint32_t leaf, struct vsm_cpuid *out);

#endif /* VSM_CPUID_H */
