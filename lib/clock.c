/* SPDX-License-Identifier: BSD-3-Clause */
#include "clock.h"

__extension__ typedef unsigned __int128 u128;

uint64_t clock_scale(uint64_t hz)
{
	/* Long division, one bit a step: no library call for a 128-bit quotient. */
	uint64_t rest = 10000000;
	uint64_t quotient = 0;

	for (int i = 0; i < 64; i++) {
		rest <<= 1;
		quotient <<= 1;
		if (rest >= hz) {
			rest -= hz;
			quotient |= 1;
		}
	}
	return quotient;
}

uint64_t clock_reference(const struct vsm *vsm)
{
	uint64_t ticks = vsm->ops.tsc(vsm->opaque) - vsm->tsc_base;

	return (uint64_t)(((u128)ticks * vsm->tsc_scale) >> 64);
}
