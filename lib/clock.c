/* SPDX-License-Identifier: BSD-3-Clause */
#include "clock.h"

#include <string.h>

__extension__ typedef unsigned __int128 u128;

uint64_t clock_scale(uint64_t hz)
{
	/* Long division, one bit a step: no library call for a 128-bit quotient. */
	uint64_t rest = 10000000;
	uint64_t quotient = 0;

	for (int i = 0; i < 64; i++) {
		uint64_t carry = rest >> 63;

		rest <<= 1;
		quotient <<= 1;
		if (carry != 0 || rest >= hz) {
			rest -= hz;
			quotient |= 1;
		}
	}
	return quotient;
}

/* The formula of the reference TSC page (TLFS ch. 12), so that both agree to the unit. */
static uint64_t time_at(const struct vsm *vsm, uint64_t tsc)
{
	return (uint64_t)(((u128)tsc * vsm->tsc_scale) >> 64) + vsm->tsc_offset;
}

void clock_start(struct vsm *vsm)
{
	vsm->tsc_sequence = 1;
	vsm->tsc_scale = clock_scale(vsm->tsc_hz);
	vsm->tsc_offset = 0;
	vsm->tsc_offset = 0 - time_at(vsm, vsm->ops.tsc(vsm->opaque));
}

uint64_t clock_reference(const struct vsm *vsm)
{
	return time_at(vsm, vsm->ops.tsc(vsm->opaque));
}

void clock_restore(struct vsm *vsm, uint64_t reference, uint32_t sequence)
{
	vsm->tsc_offset = 0;
	vsm->tsc_offset = reference - time_at(vsm, vsm->ops.tsc(vsm->opaque));
	/* TLFS ch. 12: another number, so that a guest that is just reading reads again; 0 means
	 * that the page is not valid, and so does the highest to guests of old. */
	vsm->tsc_sequence = sequence < CLOCK_SEQUENCE_MAX ? sequence + 1 : 1;
}

void clock_page_fill(const struct vsm *vsm, uint8_t *page)
{
	struct hv_reference_tsc_page head;

	if (vsm->tsc_hz == 0)
		return; /* Sequence 0: not valid. */
	memset(&head, 0, sizeof(head));
	/* Rate and origin never change while the partition lives, so the sequence does not
	 * either; where it is loaded from saved state the origin is another one. */
	head.tsc_sequence = vsm->tsc_sequence;
	head.tsc_scale = vsm->tsc_scale;
	memcpy(&head.tsc_offset, &vsm->tsc_offset, sizeof(head.tsc_offset));
	memcpy(page, &head, sizeof(head));
}
