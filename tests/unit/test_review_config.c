/* SPDX-License-Identifier: BSD-3-Clause */
/* Protections that are switched on with a mask that takes rights, on a host that fails. */
#include <string.h>

#include "vsmtest.h"

#define PROTECT	  HV_VSM_PARTITION_CONFIG_ENABLE_VTL_PROTECTION
#define READ_ONLY (HV_MAP_GPA_READABLE << HV_VSM_PARTITION_CONFIG_DEFAULT_VTL_PROTECTION_SHIFT)

static struct vsmtest *in_vtl1(void)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	return t;
}

static uint32_t rights(struct vsmtest *t)
{
	uint32_t mask = 99;

	assert_err(vsm_gpa_rights(t->vsm, 0, VSMTEST_DATA_GPA, &mask), 0);
	return mask;
}

static uint32_t configure(struct vsmtest *t, uint64_t value)
{
	return vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, value);
}

START_TEST(a_host_without_memory_is_told_as_such)
{
	struct vsmtest *t = in_vtl1();

	vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, -VSM_ERR_NOMEM);
	assert_status(configure(t, PROTECT | READ_ONLY), HV_STATUS_INSUFFICIENT_MEMORY);
	vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, -VSM_ERR_HOST);
	assert_status(configure(t, PROTECT | READ_ONLY), HV_STATUS_OPERATION_DENIED);
	vsmtest_no_faults(t);
	ck_assert_uint_eq(rights(t), VSM_RIGHTS_ALL);
	ck_assert_uint_eq(vsmtest_value(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG), 0x3e);
	vsmtest_free(t);
}
END_TEST

START_TEST(register_and_rights_agree_while_a_flush_is_owed)
{
	struct vsmtest *t = in_vtl1();

	t->relaxed = 1; /* The host is left without its flush for a while. */
	vsmtest_fail_op(t, VSMTEST_TLB_FLUSH, 1, 1, -VSM_ERR_HOST);
	assert_status(configure(t, PROTECT | READ_ONLY), VSMTEST_VERDICT(-VSM_ERR_HOST));
	vsmtest_no_faults(t);
	ck_assert_uint_eq(rights(t), HV_MAP_GPA_READABLE);
	/* TLFS 15.5.1.2: what is on is not switched off, also not in place of trying again. */
	assert_status(configure(t, 0x3e), HV_STATUS_INVALID_REGISTER_VALUE);
	ck_assert_uint_eq(rights(t), HV_MAP_GPA_READABLE);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), HV_MAP_GPA_READABLE);
	assert_status(configure(t, PROTECT | READ_ONLY), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->stale[0], 0);
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(a_host_without_memory_is_told_as_such),
	VSMTEST_CASE(register_and_rights_agree_while_a_flush_is_owed),
};

int main(void)
{
	return vsmtest_main("review_config", cases, VSMTEST_COUNT(cases));
}
