/* SPDX-License-Identifier: BSD-3-Clause */
/* Faults on pages that an overlay covers (TLFS 8.8, 3.13). */
#include <string.h>

#include "vsmtest.h"

#define X86_MC 18u

START_TEST(a_write_to_the_hypercall_page_is_gp)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint64_t hash;

	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RIP, VSMTEST_TRAP_RIP);
	hash = vsmtest_hash(t);
	assert_exception(t, 0,
			 vsmtest_fault(t, 0, VSMTEST_HC_GPA(0) + 8, HV_INTERCEPT_ACCESS_WRITE),
			 X86_GP);
	assert_same(t, hash);
	assert_verdict(vsmtest_fault(t, 0, VSMTEST_HC_GPA(0), HV_INTERCEPT_ACCESS_EXECUTE),
		       VSM_VERDICT_RETRY);
	/* The page is shown where no RAM is as well. */
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_HYPERCALL, VSMTEST_HOLE_GPA | 1),
		       VSM_VERDICT_RESUME);
	assert_exception(t, 0, vsmtest_fault(t, 0, VSMTEST_HOLE_GPA, HV_INTERCEPT_ACCESS_WRITE),
			 X86_GP);
	assert_verdict(vsmtest_fault(t, 0, VSMTEST_HC_GPA(0), HV_INTERCEPT_ACCESS_WRITE),
		       VSM_VERDICT_RETRY);
	/* Once it is gone the hole is the VMM's again. */
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_HYPERCALL, 0), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_fault(t, 0, VSMTEST_HOLE_GPA, HV_INTERCEPT_ACCESS_WRITE),
		       VSM_VERDICT_NOT_MINE);
	vsmtest_free(t);
}
END_TEST

START_TEST(protections_beneath_an_overlay_do_not_matter)
{
	const uint64_t page = VSMTEST_DATA_GPA;
	struct vsmtest *t = vsmtest_new(NULL);

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, 0, page), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, page | 1), VSM_VERDICT_RESUME);
	/* The guest sees its SIMP there, so nobody has denied it anything. */
	assert_verdict(vsmtest_fault(t, 0, page, HV_INTERCEPT_ACCESS_READ), VSM_VERDICT_RETRY);
	assert_verdict(vsmtest_fault(t, 0, page, HV_INTERCEPT_ACCESS_WRITE), VSM_VERDICT_RETRY);
	assert_exception(t, 0, vsmtest_fault(t, 0, page, HV_INTERCEPT_ACCESS_EXECUTE), X86_MC);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, 0), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_fault(t, 0, page, HV_INTERCEPT_ACCESS_READ), VSM_VERDICT_SWITCHED);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_write_to_the_reference_tsc_page_is_mc)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_REFERENCE_TSC, VSMTEST_DATA_GPA | 1),
		       VSM_VERDICT_RESUME);
	assert_exception(t, 0, vsmtest_fault(t, 0, VSMTEST_DATA_GPA, HV_INTERCEPT_ACCESS_WRITE),
			 X86_MC);
	assert_verdict(vsmtest_fault(t, 0, VSMTEST_DATA_GPA, HV_INTERCEPT_ACCESS_READ),
		       VSM_VERDICT_RETRY);
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(a_write_to_the_hypercall_page_is_gp),
	VSMTEST_CASE(protections_beneath_an_overlay_do_not_matter),
	VSMTEST_CASE(a_write_to_the_reference_tsc_page_is_mc),
};

int main(void)
{
	return vsmtest_main("review_overlay", cases, VSMTEST_COUNT(cases));
}
