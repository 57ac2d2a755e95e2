/* SPDX-License-Identifier: BSD-3-Clause */
/* Reference time (TLFS ch. 12): 100 ns units since the partition was created, from the guest's
 * TSC. */
#ifndef VSM_CLOCK_H
#define VSM_CLOCK_H

#include "internal.h"

/* floor(10^7 × 2^64 / hz); hz must be above 10^7. */
uint64_t clock_scale(uint64_t hz);
/* Time is 0 now. Needs the ops and vsm->tsc_hz. */
void clock_start(struct vsm *vsm);
/* Time is `reference` now; `sequence` is what the page said there, 1 .. CLOCK_SEQUENCE_MAX. */
#define CLOCK_SEQUENCE_MAX 0xfffffffeu
void clock_restore(struct vsm *vsm, uint64_t reference, uint32_t sequence);
uint64_t clock_reference(const struct vsm *vsm);
/* Contents of a reference TSC page, by which a guest computes just that. The page is zero
 * before. */
void clock_page_fill(const struct vsm *vsm, uint8_t *page);

#endif /* VSM_CLOCK_H */
