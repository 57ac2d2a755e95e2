/* SPDX-License-Identifier: BSD-3-Clause */
/* Crash MSRs, and those of other small features: served, or refused and not advertised (TLFS App.
 * C). */
#include <string.h>

#include "msr_access.h"

#define CAPABILITIES 0xc000000000000000ull

static struct vsmtest *without_crash(void)
{
	struct vsmtest_opts opts;

	vsmtest_opts_init(&opts);
	opts.null_ops = VSMTEST_BIT(VSMTEST_CRASH);
	return vsmtest_new(&opts);
}

static const uint64_t words[5] = { 0xdead, 2, 0xffffffffffffffff, 0x123456, 80 };

static void write_params(struct vsmtest *t, uint32_t vp)
{
	uint32_t i;

	for (i = 0; i < 5; i++)
		wr(t, vp, HV_X64_MSR_CRASH_P0 + i, words[i]);
}

START_TEST(parameters_hold_what_is_written)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint32_t i;

	for (i = 0; i < 5; i++)
		ck_assert_uint_eq(rd(t, 0, HV_X64_MSR_CRASH_P0 + i), 0);
	write_params(t, 0);
	for (i = 0; i < 5; i++)
		ck_assert_uint_eq(rd(t, 0, HV_X64_MSR_CRASH_P0 + i), words[i]);
	ck_assert_uint_eq(t->count[VSMTEST_CRASH], 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(control_reads_as_the_capabilities_always)
{
	static const uint64_t values[] = { 0, 1, CAPABILITIES, 1ull << 63, UINT64_MAX };
	struct vsmtest *t = vsmtest_new(NULL);
	size_t i;

	ck_assert_uint_eq(rd(t, 0, HV_X64_MSR_CRASH_CTL), CAPABILITIES);
	for (i = 0; i < VSMTEST_COUNT(values); i++) {
		wr(t, 0, HV_X64_MSR_CRASH_CTL, values[i]);
		ck_assert_uint_eq(rd(t, 0, HV_X64_MSR_CRASH_CTL), CAPABILITIES);
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(notify_tells_the_host_the_words_of_the_guest)
{
	static const uint64_t controls[] = {
		HV_CRASH_CTL_NOTIFY,
		HV_CRASH_CTL_NOTIFY | HV_CRASH_CTL_MESSAGE,
		HV_CRASH_CTL_NOTIFY | HV_CRASH_CTL_NO_DUMP | HV_CRASH_CTL_PRE_OS_ID_MASK,
		UINT64_MAX,
	};
	struct vsmtest *t = vsmtest_new(NULL);
	size_t i;

	write_params(t, 0);
	for (i = 0; i < VSMTEST_COUNT(controls); i++) {
		wr(t, 0, HV_X64_MSR_CRASH_CTL, controls[i]);
		ck_assert_uint_eq(t->count[VSMTEST_CRASH], i + 1);
		ck_assert_uint_eq(t->crash.control, controls[i]);
		ck_assert_mem_eq(t->crash.params, words, sizeof(words));
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(control_without_notify_tells_nobody)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint64_t hash;

	write_params(t, 0);
	hash = vsmtest_hash(t);
	wr(t, 0, HV_X64_MSR_CRASH_CTL, 0);
	wr(t, 0, HV_X64_MSR_CRASH_CTL, ~HV_CRASH_CTL_NOTIFY);
	ck_assert_uint_eq(t->count[VSMTEST_CRASH], 0);
	assert_same(t, hash);
	vsmtest_free(t);
}
END_TEST

/* A text beyond all memory is nothing that the library would look at. */
START_TEST(the_place_of_a_message_is_passed_on_unread)
{
	struct vsmtest *t = vsmtest_new(NULL);

	wr(t, 0, HV_X64_MSR_CRASH_P3, 0xfffffffffffff000);
	wr(t, 0, HV_X64_MSR_CRASH_P4, UINT64_MAX);
	wr(t, 0, HV_X64_MSR_CRASH_CTL, HV_CRASH_CTL_CAPABILITIES);
	ck_assert_uint_eq(t->crash.params[3], 0xfffffffffffff000);
	ck_assert_uint_eq(t->crash.params[4], UINT64_MAX);
	ck_assert_uint_eq(t->count[VSMTEST_GPA_READ], 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(they_are_one_set_for_all_vps_and_vtls)
{
	struct vsmtest *t = vsmtest_new_vps(2);

	write_params(t, 1);
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(rd(t, 0, HV_X64_MSR_CRASH_P0), words[0]);
	wr(t, 0, HV_X64_MSR_CRASH_P1, 77);
	wr(t, 1, HV_X64_MSR_CRASH_CTL, HV_CRASH_CTL_NOTIFY);
	ck_assert_uint_eq(t->crash.params[1], 77);
	vsmtest_free(t);
}
END_TEST

START_TEST(they_are_registers_too)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint32_t i;

	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	for (i = 0; i < 5; i++)
		assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_CRASH_P0 + i, words[i]),
			      HV_STATUS_SUCCESS);
	ck_assert_uint_eq(rd(t, 0, HV_X64_MSR_CRASH_P2), words[2]);
	ck_assert_uint_eq(vsmtest_value(t, 0, 0, HV_REGISTER_CRASH_P4), words[4]);
	ck_assert_uint_eq(vsmtest_value(t, 0, 0, HV_REGISTER_CRASH_CTL), CAPABILITIES);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_CRASH_CTL, HV_CRASH_CTL_NOTIFY),
		      HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->count[VSMTEST_CRASH], 1);
	ck_assert_mem_eq(t->crash.params, words, sizeof(words));
	vsmtest_free(t);
}
END_TEST

START_TEST(a_reset_clears_the_parameters)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint32_t i;

	write_params(t, 0);
	assert_err(vsmtest_reset(t), 0);
	for (i = 0; i < 5; i++)
		ck_assert_uint_eq(rd(t, 0, HV_X64_MSR_CRASH_P0 + i), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(without_the_op_they_are_not_there)
{
	struct vsmtest *t = without_crash();
	struct vsm_cpuid leaf;
	uint64_t hash, value;
	uint32_t i;

	assert_err(vsm_cpuid_get(t->vsm, HV_CPUID_FEATURES, &leaf), 0);
	ck_assert_uint_eq(leaf.edx & HV_FEATURE_GUEST_CRASH_REGS, 0);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	hash = vsmtest_hash(t);
	for (i = HV_X64_MSR_CRASH_P0; i <= HV_X64_MSR_CRASH_CTL; i++) {
		assert_exception(t, 0, vsmtest_rdmsr(t, 0, i, &value), X86_GP);
		assert_exception(t, 0, vsmtest_wrmsr(t, 0, i, UINT64_MAX), X86_GP);
	}
	assert_same(t, hash);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_CRASH_CTL, HV_CRASH_CTL_NOTIFY),
		      HV_STATUS_INVALID_PARAMETER);
	vsmtest_free(t);
}
END_TEST

START_TEST(with_the_op_cpuid_says_so)
{
	struct vsmtest *t = vsmtest_new(NULL);
	struct vsm_capabilities caps = { .size = sizeof(caps) };

	assert_err(vsm_capabilities_get(t->vsm, &caps), 0);
	ck_assert_uint_eq(caps.flags & VSM_CAP_CRASH, VSM_CAP_CRASH);
	ck_assert_uint_eq(caps.features & HV_FEATURE_GUEST_CRASH_REGS, HV_FEATURE_GUEST_CRASH_REGS);
	vsmtest_free(t);
}
END_TEST

/* MSRs of features that this version has not, and what would advertise them in 0x40000003. */
static const struct {
	uint32_t msr;
	uint32_t reg;
	uint32_t eax;
	uint32_t edx;
} refused[] = {
	{ HV_X64_MSR_RESET, 0, (uint32_t)HV_PRIV_ACCESS_RESET_REG, 0 },
	{ HV_X64_MSR_VP_RUNTIME, HV_REGISTER_VP_RUNTIME, (uint32_t)HV_PRIV_ACCESS_VP_RUN_TIME_REG,
	  0 },
	{ HV_X64_MSR_GUEST_IDLE, HV_REGISTER_GUEST_IDLE, (uint32_t)HV_PRIV_ACCESS_GUEST_IDLE_REG,
	  HV_FEATURE_GUEST_IDLE_STATE },
	{ HV_X64_MSR_NPIEP_CONFIG, 0, 0, HV_FEATURE_NPIEP },
};

START_TEST(run_time_idle_reset_and_npiep_are_not_advertised)
{
	struct vsmtest *t = vsmtest_new(NULL);
	struct vsm_cpuid leaf;
	size_t i;

	assert_err(vsm_cpuid_get(t->vsm, HV_CPUID_FEATURES, &leaf), 0);
	for (i = 0; i < VSMTEST_COUNT(refused); i++) {
		ck_assert_uint_eq(leaf.eax & refused[i].eax, 0);
		ck_assert_uint_eq(leaf.edx & refused[i].edx, 0);
	}
	/* Nor is the guest told to reset through the MSR. */
	assert_err(vsm_cpuid_get(t->vsm, HV_CPUID_ENLIGHTENMENT_INFO, &leaf), 0);
	ck_assert_uint_eq(leaf.eax & HV_RECOMMEND_RESET_MSR, 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(run_time_idle_reset_and_npiep_are_refused_in_every_vtl)
{
	struct vsmtest *t = vsmtest_new(NULL);
	struct hv_register_value out;
	uint32_t round;
	size_t i;

	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	for (round = 0; round < 2; round++) {
		for (i = 0; i < VSMTEST_COUNT(refused); i++) {
			uint64_t hash = vsmtest_hash(t), value;

			assert_exception(t, 0, vsmtest_rdmsr(t, 0, refused[i].msr, &value), X86_GP);
			assert_exception(t, 0, vsmtest_wrmsr(t, 0, refused[i].msr, 0), X86_GP);
			assert_exception(t, 0, vsmtest_wrmsr(t, 0, refused[i].msr, 1), X86_GP);
			assert_same(t, hash);
			if (refused[i].reg != 0)
				assert_status(vsmtest_get(t, 0, 0, refused[i].reg, &out),
					      HV_STATUS_INVALID_PARAMETER);
		}
		if (!round)
			assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	}
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(parameters_hold_what_is_written),
	VSMTEST_CASE(control_reads_as_the_capabilities_always),
	VSMTEST_CASE(notify_tells_the_host_the_words_of_the_guest),
	VSMTEST_CASE(control_without_notify_tells_nobody),
	VSMTEST_CASE(the_place_of_a_message_is_passed_on_unread),
	VSMTEST_CASE(they_are_one_set_for_all_vps_and_vtls),
	VSMTEST_CASE(they_are_registers_too),
	VSMTEST_CASE(a_reset_clears_the_parameters),
	VSMTEST_CASE(without_the_op_they_are_not_there),
	VSMTEST_CASE(with_the_op_cpuid_says_so),
	VSMTEST_CASE(run_time_idle_reset_and_npiep_are_not_advertised),
	VSMTEST_CASE(run_time_idle_reset_and_npiep_are_refused_in_every_vtl),
};

int main(void)
{
	return vsmtest_main("crash", cases, VSMTEST_COUNT(cases));
}
