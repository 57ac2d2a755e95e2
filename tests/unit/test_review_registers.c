/* SPDX-License-Identifier: BSD-3-Clause */
/* Registers that a guest may not reach by hypercall although they have a row. */
#include <string.h>

#include "vsmtest.h"

static const uint32_t vsm_registers[] = { HV_REGISTER_VSM_CODE_PAGE_OFFSETS,
					  HV_REGISTER_VSM_VP_STATUS,
					  HV_REGISTER_VSM_PARTITION_STATUS,
					  HV_REGISTER_VSM_CAPABILITIES };

START_TEST(without_access_vsm_there_are_no_vsm_registers)
{
	struct hv_register_value value;
	struct vsmtest_opts opts;
	struct vsmtest *t;
	size_t i;

	vsmtest_opts_init(&opts);
	opts.null_ops = VSMTEST_BIT(VSMTEST_SWITCH_VTL);
	t = vsmtest_new(&opts);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	for (i = 0; i < VSMTEST_COUNT(vsm_registers); i++)
		assert_status(vsmtest_get(t, 0, 0, vsm_registers[i], &value),
			      HV_STATUS_ACCESS_DENIED);
	/* The assist page is refused as a register as it is as an MSR. */
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_VP_ASSIST_PAGE, VSMTEST_DATA_GPA | 1),
		       VSM_VERDICT_EXCEPTION);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VP_ASSIST_PAGE, VSMTEST_DATA_GPA | 1),
		      HV_STATUS_INVALID_PARAMETER);
	ck_assert_ptr_null(vsmtest_overlay(t, 0, VSMTEST_DATA_GPA));
	/* Others are there. */
	assert_status(vsmtest_get(t, 0, 0, HV_REGISTER_VP_INDEX, &value), HV_STATUS_SUCCESS);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_SIMP, VSMTEST_DATA_GPA | 1),
		      HV_STATUS_SUCCESS);
	vsmtest_free(t);
}
END_TEST

START_TEST(registers_of_the_call_itself_are_not_set_through_a_lower_vtl)
{
	static const uint32_t refused[] = { HV_X64_REGISTER_RAX, HV_X64_REGISTER_RCX,
					    HV_X64_REGISTER_RDX };
	struct vsmtest *t = vsmtest_new(NULL);
	size_t i;

	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	/* GPRs are shared: VTL0's are those that this call uses, and the result would replace
	 * them. */
	for (i = 0; i < VSMTEST_COUNT(refused); i++)
		assert_status(vsmtest_set(t, 0, VSMTEST_VTL(0), refused[i], 0x1234),
			      HV_STATUS_ACCESS_DENIED);
	assert_status(vsmtest_set(t, 0, VSMTEST_VTL(0), HV_X64_REGISTER_RBX, 0x1234),
		      HV_STATUS_SUCCESS);
	assert_status(vsmtest_set(t, 0, VSMTEST_VTL(0), HV_X64_REGISTER_R8, 0x1234),
		      HV_STATUS_SUCCESS);
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(without_access_vsm_there_are_no_vsm_registers),
	VSMTEST_CASE(registers_of_the_call_itself_are_not_set_through_a_lower_vtl),
};

int main(void)
{
	return vsmtest_main("review_registers", cases, VSMTEST_COUNT(cases));
}
