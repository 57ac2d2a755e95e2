/* SPDX-License-Identifier: BSD-3-Clause */
/* RDMSR and WRMSR of guests that are served. */
#ifndef MSR_ACCESS_H
#define MSR_ACCESS_H

#include "vsmtest.h"

static inline uint64_t rd(struct vsmtest *t, uint32_t vp, uint32_t msr)
{
	uint64_t value = 0;

	assert_verdict(vsmtest_rdmsr(t, vp, msr, &value), VSM_VERDICT_RESUME);
	return value;
}

static inline void wr(struct vsmtest *t, uint32_t vp, uint32_t msr, uint64_t value)
{
	assert_verdict(vsmtest_wrmsr(t, vp, msr, value), VSM_VERDICT_RESUME);
}

#endif /* MSR_ACCESS_H */
