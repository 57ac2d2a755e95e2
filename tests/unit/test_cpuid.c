/* SPDX-License-Identifier: BSD-3-Clause */
/* CPUID leaves (TLFS 2.4): consistent with what is served, and never moving. */
#include <string.h>

#include "vsmtest.h"

static struct vsm_cpuid leaf(struct vsmtest *t, uint32_t number)
{
	struct vsm_cpuid out;

	memset(&out, 0xee, sizeof(out));
	assert_err(vsm_cpuid_get(t->vsm, number, &out), 0);
	return out;
}

static void assert_zero(struct vsmtest *t, uint32_t number)
{
	struct vsm_cpuid out = leaf(t, number);

	ck_assert_uint_eq(out.eax | out.ebx | out.ecx | out.edx, 0);
}

START_TEST(the_interface_is_hv1_of_microsoft_hv)
{
	struct vsmtest *t = vsmtest_new(NULL);
	struct vsm_cpuid out = leaf(t, 0x40000000);

	ck_assert_uint_eq(out.eax, 0x4000000b);
	ck_assert_mem_eq(&out.ebx, "Microsoft Hv", 12);
	out = leaf(t, 0x40000001);
	ck_assert_mem_eq(&out.eax, "Hv#1", 4);
	ck_assert_uint_eq(out.ebx | out.ecx | out.edx, 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(leaves_above_the_maximum_are_0)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint32_t number;

	for (number = 0x4000000c; number <= 0x400000ff; number++)
		assert_zero(t, number);
	vsmtest_free(t);
}
END_TEST

START_TEST(version_comes_from_the_configuration)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;
	struct vsm_cpuid out;

	vsmtest_opts_init(&opts);
	opts.config.build_number = 20348;
	opts.config.version = 10u << 16 | 7;
	t = vsmtest_new(&opts);
	out = leaf(t, 0x40000002);
	ck_assert_uint_eq(out.eax, 20348);
	ck_assert_uint_eq(out.ebx, 0xa0007);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_vsm_partition_has_its_privileges)
{
	struct vsmtest *t = vsmtest_new(NULL);
	struct vsm_capabilities caps = { .size = sizeof(caps) };
	uint64_t required = HV_PRIV_ACCESS_SYNIC_REGS | HV_PRIV_ACCESS_HYPERCALL_MSRS |
			    HV_PRIV_ACCESS_VP_INDEX | HV_PRIV_ACCESS_VSM |
			    HV_PRIV_ACCESS_VP_REGISTERS;
	struct vsm_cpuid out = leaf(t, 0x40000003);

	assert_err(vsm_capabilities_get(t->vsm, &caps), 0);
	ck_assert_uint_eq(caps.privileges, out.eax | (uint64_t)out.ebx << 32);
	ck_assert_uint_eq(caps.features, out.edx);
	ck_assert_uint_eq(caps.privileges & required, required);
	ck_assert_uint_eq(out.edx & HV_FEATURE_XMM_HYPERCALL_INPUT, HV_FEATURE_XMM_HYPERCALL_INPUT);
	/* Fast output needs both its bits. */
	ck_assert_uint_eq(caps.privileges & HV_PRIV_FAST_HYPERCALL_OUTPUT,
			  HV_PRIV_FAST_HYPERCALL_OUTPUT);
	ck_assert_uint_eq(out.edx & HV_FEATURE_FAST_HYPERCALL_OUTPUT,
			  HV_FEATURE_FAST_HYPERCALL_OUTPUT);
	vsmtest_free(t);
}
END_TEST

START_TEST(nothing_is_advertised_that_is_not_served)
{
	struct vsmtest *t = vsmtest_new(NULL);
	/* No local APIC, timers, reset MSR, idle, messages, events, VP start. */
	uint64_t absent = HV_PRIV_ACCESS_VP_RUN_TIME_REG | HV_PRIV_ACCESS_SYNTHETIC_TIMER_REGS |
			  HV_PRIV_ACCESS_INTR_CTRL_REGS | HV_PRIV_ACCESS_RESET_REG |
			  HV_PRIV_ACCESS_STATS_REG | HV_PRIV_ACCESS_GUEST_IDLE_REG |
			  HV_PRIV_POST_MESSAGES | HV_PRIV_SIGNAL_EVENTS | HV_PRIV_CPU_MANAGEMENT |
			  HV_PRIV_ENABLE_EXTENDED_HYPERCALLS | HV_PRIV_START_VIRTUAL_PROCESSOR;
	uint32_t no_feature = HV_FEATURE_GUEST_IDLE_STATE | HV_FEATURE_NPIEP |
			      HV_FEATURE_DIRECT_SYNTHETIC_TIMERS |
			      HV_FEATURE_EXTENDED_GVA_RANGES_FLUSH_VA_LIST |
			      HV_FEATURE_SYNTHETIC_TIME_UNHALTED_TIMER;
	uint32_t no_hint = HV_RECOMMEND_HYPERCALL_ADDRESS_SPACE_SWITCH |
			   HV_RECOMMEND_HYPERCALL_LOCAL_FLUSH |
			   HV_RECOMMEND_HYPERCALL_REMOTE_FLUSH | HV_RECOMMEND_APIC_MSRS |
			   HV_RECOMMEND_RESET_MSR | HV_RECOMMEND_SYNTHETIC_CLUSTER_IPI |
			   HV_RECOMMEND_NESTED | HV_RECOMMEND_INT_FOR_MBEC_SYSCALLS;
	struct vsm_cpuid out = leaf(t, 0x40000003);

	ck_assert_uint_eq((out.eax | (uint64_t)out.ebx << 32) & absent, 0);
	ck_assert_uint_eq(out.edx & no_feature, 0);
	ck_assert_uint_eq(leaf(t, 0x40000004).eax & no_hint, 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(frequency_bits_come_in_pairs)
{
	uint32_t k;

	for (k = 0; k < 2; k++) {
		struct vsmtest_opts opts;
		struct vsmtest *t;
		struct vsm_cpuid out;

		vsmtest_opts_init(&opts);
		opts.null_ops = k ? VSMTEST_BIT(VSMTEST_TSC_HZ) : 0;
		t = vsmtest_new(&opts);
		out = leaf(t, 0x40000003);
		ck_assert_uint_eq((out.eax & HV_PRIV_ACCESS_FREQUENCY_REGS) != 0, !k);
		ck_assert_uint_eq((out.edx & HV_FEATURE_FREQUENCY_REGS) != 0, !k);
		vsmtest_free(t);
	}
}
END_TEST

START_TEST(hints_and_limits_come_from_the_configuration)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	t = vsmtest_new(&opts);
	ck_assert_uint_eq(leaf(t, 0x40000004).ebx, 0xffffffff);
	ck_assert_uint_eq(leaf(t, 0x40000004).edx, 0);
	ck_assert_uint_eq(leaf(t, 0x40000005).eax, 1);
	vsmtest_free(t);
	opts.config.long_spin_count = 0x1000;
	opts.config.max_vps = 7;
	opts.config.phys_bits = 46;
	t = vsmtest_new(&opts);
	ck_assert_uint_eq(leaf(t, 0x40000004).ebx, 0x1000);
	ck_assert_uint_eq(leaf(t, 0x40000005).eax, 7);
	ck_assert_uint_eq(leaf(t, 0x40000004).ecx, 46);
	vsmtest_free(t);
}
END_TEST

START_TEST(leaves_of_other_features_are_0)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_zero(t, 0x40000007);
	assert_zero(t, 0x40000008);
	assert_zero(t, 0x40000009);
	assert_zero(t, 0x4000000a);
	assert_zero(t, 0x4000000b);
	vsmtest_free(t);
}
END_TEST

START_TEST(leaves_do_not_change_at_run_time)
{
	struct vsmtest *t = vsmtest_new(NULL);
	struct vsm_cpuid before[16], after;
	uint32_t i;

	for (i = 0; i < 16; i++)
		before[i] = leaf(t, 0x40000000 + i);
	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	for (i = 0; i < 16; i++) {
		after = leaf(t, 0x40000000 + i);
		ck_assert_mem_eq(&after, &before[i], sizeof(after));
	}
	assert_err(vsmtest_reset(t), 0);
	for (i = 0; i < 16; i++) {
		after = leaf(t, 0x40000000 + i);
		ck_assert_mem_eq(&after, &before[i], sizeof(after));
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(the_exit_and_the_getter_agree_in_every_vtl)
{
	struct vsmtest *t = vsmtest_new(NULL);
	struct vsm_cpuid one, other;
	uint32_t i, round;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < 0x100; i++) {
			one = leaf(t, 0x40000000 + i);
			assert_verdict(vsmtest_cpuid(t, 0, 0x40000000 + i, &other),
				       VSM_VERDICT_RESUME);
			ck_assert_mem_eq(&one, &other, sizeof(one));
		}
		if (!round)
			assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(other_leaves_are_the_hosts)
{
	static const uint32_t numbers[] = {
		0, 1, 7, 0x3fffffff, 0x40000100, 0x80000001, 0xffffffff
	};
	struct vsmtest *t = vsmtest_new(NULL);
	struct vsm_cpuid out = { 1, 2, 3, 4 };
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(numbers); i++)
		assert_verdict(vsmtest_cpuid(t, 0, numbers[i], &out), VSM_VERDICT_NOT_MINE);
	ck_assert_uint_eq(out.eax, 1);
	ck_assert_uint_eq(out.edx, 4);
	vsmtest_free(t);
}
END_TEST

/* Is the call answered by anything but "no such call"? */
static int is_served(struct vsmtest *t, const struct vsm_hypercall_info *info)
{
	uint64_t control = info->code;
	static const uint8_t zero[4096];
	uint32_t status;

	if (info->kind == VSM_HYPERCALL_VTL) {
		/* Served: with a VTL to go to, it goes. */
		return vsm_vp_enabled_vtls(t->vp[0].vp) == 3;
	}
	if (info->kind == VSM_HYPERCALL_REP)
		control = VSMTEST_REP(info->code, 1);
	status = vsmtest_call_mem(t, 0, control, zero, sizeof(zero));
	return status != HV_STATUS_INVALID_HYPERCALL_CODE && status < 0x10000;
}

static int must_be_served(uint16_t code)
{
	static const uint16_t codes[] = {
		HVCALL_NOTIFY_LONG_SPIN_WAIT,
		HVCALL_MODIFY_VTL_PROTECTION_MASK,
		HVCALL_ENABLE_PARTITION_VTL,
		HVCALL_ENABLE_VP_VTL,
		HVCALL_VTL_CALL,
		HVCALL_VTL_RETURN,
		HVCALL_GET_VP_REGISTERS,
		HVCALL_SET_VP_REGISTERS,
		HVCALL_GET_VP_INDEX_FROM_APIC_ID,
	};
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(codes); i++)
		if (codes[i] == code)
			return 1;
	return 0;
}

START_TEST(each_offered_call_is_served_and_no_other)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint32_t row;

	assert_status(vsmtest_enable_vtl1(t, 0), HV_STATUS_SUCCESS);
	for (row = 0; row < vsm_hypercall_count(); row++) {
		struct vsm_hypercall_info info = { .size = sizeof(info) };

		assert_err(vsm_hypercall_info(row, &info), 0);
		ck_assert_msg(is_served(t, &info) == must_be_served(info.code), "%s", info.name);
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(without_vsm_neither_bits_nor_calls_are_there)
{
	static const uint16_t gone[] = { HVCALL_MODIFY_VTL_PROTECTION_MASK,
					 HVCALL_ENABLE_PARTITION_VTL, HVCALL_ENABLE_VP_VTL };
	static const uint8_t zero[4096];
	struct vsmtest_opts opts;
	struct vsmtest *t;
	struct vsm_cpuid out;
	size_t i;

	vsmtest_opts_init(&opts);
	opts.config.max_vtl = 0;
	t = vsmtest_new(&opts);
	out = leaf(t, 0x40000003);
	ck_assert_uint_eq((uint64_t)out.ebx << 32 & HV_PRIV_ACCESS_VSM, 0);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	for (i = 0; i < VSMTEST_COUNT(gone); i++) {
		uint64_t control = i ? gone[i] : VSMTEST_REP(gone[i], 1);

		assert_status(vsmtest_call_mem(t, 0, control, zero, sizeof(zero)),
			      HV_STATUS_ACCESS_DENIED);
	}
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(the_interface_is_hv1_of_microsoft_hv),
	VSMTEST_CASE(leaves_above_the_maximum_are_0),
	VSMTEST_CASE(version_comes_from_the_configuration),
	VSMTEST_CASE(a_vsm_partition_has_its_privileges),
	VSMTEST_CASE(nothing_is_advertised_that_is_not_served),
	VSMTEST_CASE(frequency_bits_come_in_pairs),
	VSMTEST_CASE(hints_and_limits_come_from_the_configuration),
	VSMTEST_CASE(leaves_of_other_features_are_0),
	VSMTEST_CASE(leaves_do_not_change_at_run_time),
	VSMTEST_CASE(the_exit_and_the_getter_agree_in_every_vtl),
	VSMTEST_CASE(other_leaves_are_the_hosts),
	VSMTEST_CASE(each_offered_call_is_served_and_no_other),
	VSMTEST_CASE(without_vsm_neither_bits_nor_calls_are_there),
};

int main(void)
{
	return vsmtest_main("cpuid", cases, VSMTEST_COUNT(cases));
}
