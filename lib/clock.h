/* SPDX-License-Identifier: BSD-3-Clause */
/* Reference time (TLFS 12.4): 100 ns units since the partition was created, from the guest's TSC. */
#ifndef VSM_CLOCK_H
#define VSM_CLOCK_H

#include "internal.h"

/* floor(10^7 × 2^64 / hz); hz must be above 10^7. */
uint64_t clock_scale(uint64_t hz);
uint64_t clock_reference(const struct vsm *vsm);

#endif /* VSM_CLOCK_H */
