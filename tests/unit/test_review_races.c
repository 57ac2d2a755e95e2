/* SPDX-License-Identifier: BSD-3-Clause */
/* VPs that change what all of them see, while an op of another VP goes on. */
#include <string.h>

#include "vsmtest.h"

static struct vsmtest *two_vps(uint32_t null_ops)
{
	struct vsmtest_opts opts;

	vsmtest_opts_init(&opts);
	opts.vps = 2;
	opts.config.max_vps = 2;
	opts.null_ops = null_ops;
	return vsmtest_new(&opts);
}

static uint64_t msr(struct vsmtest *t, uint32_t index)
{
	uint64_t value = 0;

	assert_verdict(vsmtest_rdmsr(t, 0, index, &value), VSM_VERDICT_RESUME);
	return value;
}

/* TLFS 3.13: no hypercall page without an identity, whatever the order of two VPs' writes. */
START_TEST(identity_0_waits_for_the_page_that_is_being_placed)
{
	struct vsmtest *t = two_vps(0);

	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_GUEST_OS_ID, 1), VSM_VERDICT_RESUME);
	vsmtest_fail_op(t, VSMTEST_OVERLAY_MAP, 1, 1, VSM_PENDING);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_HYPERCALL, VSMTEST_HC_GPA(0) | 1),
		       VSM_VERDICT_BLOCKED);
	vsmtest_no_faults(t);
	assert_verdict(vsmtest_wrmsr(t, 1, HV_X64_MSR_GUEST_OS_ID, 0), VSM_VERDICT_BLOCKED);
	assert_err(vsmtest_complete(t, VSMTEST_OVERLAY_MAP, 0, 0), 0);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(msr(t, HV_X64_MSR_GUEST_OS_ID), 0);
	ck_assert_uint_eq(msr(t, HV_X64_MSR_HYPERCALL) & HV_X64_MSR_HYPERCALL_ENABLE, 0);
	ck_assert_uint_eq(vsmtest_overlays(t, 0), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_lock_that_is_being_set_holds_for_the_vp_that_waits)
{
	const uint64_t locked = VSMTEST_HC_GPA(0) | HV_X64_MSR_HYPERCALL_LOCKED | 1;
	struct vsmtest *t = two_vps(0);

	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_GUEST_OS_ID, 1), VSM_VERDICT_RESUME);
	vsmtest_fail_op(t, VSMTEST_OVERLAY_MAP, 1, 1, VSM_PENDING);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_HYPERCALL, locked), VSM_VERDICT_BLOCKED);
	vsmtest_no_faults(t);
	assert_verdict(vsmtest_wrmsr(t, 1, HV_X64_MSR_HYPERCALL, 0), VSM_VERDICT_BLOCKED);
	assert_err(vsmtest_complete(t, VSMTEST_OVERLAY_MAP, 0, 0), 0);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_EXCEPTION);
	ck_assert_uint_eq(msr(t, HV_X64_MSR_HYPERCALL), locked);
	assert_verdict(vsmtest_wrmsr(t, 1, HV_X64_MSR_GUEST_OS_ID, 0), VSM_VERDICT_EXCEPTION);
	/* The refusals gave the op back. */
	assert_verdict(vsmtest_wrmsr(t, 1, HV_X64_MSR_SIMP, VSMTEST_SIMP_GPA(1, 0) | 1),
		       VSM_VERDICT_RESUME);
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(identity_0_waits_for_the_page_that_is_being_placed),
	VSMTEST_CASE(a_lock_that_is_being_set_holds_for_the_vp_that_waits),
};

int main(void)
{
	return vsmtest_main("review_races", cases, VSMTEST_COUNT(cases));
}
