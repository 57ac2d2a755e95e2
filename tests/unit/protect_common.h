/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of ModifyVtlProtectionMask share: a machine whose VTL1 protects, and its call. */
#ifndef PROTECT_COMMON_H
#define PROTECT_COMMON_H

#include "vsmtest.h"

#define R  HV_MAP_GPA_READABLE
#define RW (HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE)
#define RX (HV_MAP_GPA_READABLE | HV_MAP_GPA_EXECUTABLE)

#define PAGE(n) ((VSMTEST_DATA_GPA >> HV_PAGE_SHIFT) + (n))

/* The call that a test makes, or changes and makes. */
static struct vsmtest_modify block;

/* VTL1 runs and has its protections on; the block takes W and X of PAGE(0). */
static inline struct vsmtest *with(const struct vsmtest_opts *opts)
{
	struct vsmtest *t = vsmtest_new(opts);

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	vsmtest_modify_init(&block, R);
	block.page[0] = PAGE(0);
	return t;
}

static inline struct vsmtest *ready(void)
{
	return with(NULL);
}

/* With the first `count` pages of it. @return status. */
static inline uint32_t call(struct vsmtest *t, uint32_t count)
{
	return vsmtest_modify_call(t, 0, &block, count);
}

#endif /* PROTECT_COMMON_H */
