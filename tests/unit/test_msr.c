/* SPDX-License-Identifier: BSD-3-Clause */
/* Synthetic MSRs (TLFS App. C). */
#include <string.h>

#include "vsmtest.h"

static uint64_t rd(struct vsmtest *t, uint32_t msr)
{
	uint64_t value = 0;

	assert_verdict(vsmtest_rdmsr(t, 0, msr, &value), VSM_VERDICT_RESUME);
	return value;
}

static void wr(struct vsmtest *t, uint32_t msr, uint64_t value)
{
	assert_verdict(vsmtest_wrmsr(t, 0, msr, value), VSM_VERDICT_RESUME);
}

static void assert_gp(struct vsmtest *t, int verdict)
{
	struct vsm_exception exception;

	assert_exception(t, 0, verdict, X86_GP);
	assert_err(vsm_vp_exception(t->vp[0].vp, &exception), 0);
	ck_assert_uint_eq(exception.has_error_code, 1);
	ck_assert_uint_eq(exception.error_code, 0);
}

/* A WRMSR that is refused with #GP and changes nothing. */
static void wr_gp(struct vsmtest *t, uint32_t msr, uint64_t value)
{
	uint64_t hash = vsmtest_hash(t);

	assert_gp(t, vsmtest_wrmsr(t, 0, msr, value));
	assert_same(t, hash);
}

START_TEST(reset_values)
{
	struct vsmtest *t = vsmtest_new(NULL);

	ck_assert_uint_eq(rd(t, HV_X64_MSR_GUEST_OS_ID), 0);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_HYPERCALL), 0);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_VP_INDEX), 0);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_VP_ASSIST_PAGE), 0);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_SIMP), 0);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_SIEFP), 0);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_SINT0), 0x10000);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_SCONTROL), 1);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_EOM), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(scontrol_can_start_at_0_as_tlfs_has_it)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	opts.config.flags = VSM_CONFIG_SCONTROL_RESET_0;
	t = vsmtest_new(&opts);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_SCONTROL), 0);
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_SCONTROL), 0);
	wr(t, HV_X64_MSR_SCONTROL, 1);
	assert_err(vsmtest_reset(t), 0);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_SCONTROL), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(msrs_outside_of_the_synthetic_range_are_the_hosts)
{
	static const uint32_t msrs[] = { 0x10,	     0x1b,	 0x277,	    0x3fffffff,
					 0x40000200, 0xc0000080, 0xffffffff };
	struct vsmtest *t = vsmtest_new(NULL);
	uint64_t value = 0x5a5a;
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(msrs); i++) {
		assert_verdict(vsmtest_rdmsr(t, 0, msrs[i], &value), VSM_VERDICT_NOT_MINE);
		ck_assert_uint_eq(value, 0x5a5a);
		assert_verdict(vsmtest_wrmsr(t, 0, msrs[i], 1), VSM_VERDICT_NOT_MINE);
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(what_is_not_offered_faults)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint32_t msr, good = 0;

	t->relaxed = 1;
	for (msr = 0x40000000; msr < 0x40000200; msr++) {
		uint64_t value;
		int verdict = vsmtest_rdmsr(t, 0, msr, &value);

		if (verdict == VSM_VERDICT_RESUME)
			good++;
		else
			assert_gp(t, verdict);
	}
	/* Those of reset_values, SVERSION, TIME_REF_COUNT, TSC_FREQUENCY, REFERENCE_TSC and the 6
	 * CRASH_*. */
	ck_assert_uint_eq(good, 19);
	/* No local APIC in this version: neither EOI, ICR nor TPR; no timers. */
	wr_gp(t, HV_X64_MSR_EOI, 0);
	wr_gp(t, HV_X64_MSR_ICR, 0);
	wr_gp(t, HV_X64_MSR_TPR, 0);
	wr_gp(t, HV_X64_MSR_STIMER0_COUNT, 0);
	wr_gp(t, HV_X64_MSR_SINT1, 0x10000);
	wr_gp(t, 0x400001ff, 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(read_only_msrs_fault_on_writes)
{
	static const uint32_t msrs[] = { HV_X64_MSR_VP_INDEX, HV_X64_MSR_TIME_REF_COUNT,
					 HV_X64_MSR_TSC_FREQUENCY, HV_X64_MSR_SVERSION };
	struct vsmtest *t = vsmtest_new(NULL);
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(msrs); i++)
		wr_gp(t, msrs[i], 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(vp_index_is_that_of_the_vp)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;
	uint64_t value;
	uint32_t i;

	vsmtest_opts_init(&opts);
	opts.vps = 3;
	opts.config.max_vps = 8;
	opts.vp_index[0] = 5;
	opts.vp_index[1] = 0;
	opts.vp_index[2] = 7;
	t = vsmtest_new(&opts);
	for (i = 0; i < 3; i++) {
		assert_verdict(vsmtest_rdmsr(t, i, HV_X64_MSR_VP_INDEX, &value),
			       VSM_VERDICT_RESUME);
		ck_assert_uint_eq(value, opts.vp_index[i]);
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(the_hypercall_page_waits_for_a_guest_os_id)
{
	struct vsmtest *t = vsmtest_new(NULL);

	/* No fault, but Enable stays 0 (TLFS 3.13). */
	wr(t, HV_X64_MSR_HYPERCALL, 0x10001);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_HYPERCALL) & 1, 0);
	ck_assert_uint_eq(vsmtest_overlays(t, 0), 0);
	wr(t, HV_X64_MSR_GUEST_OS_ID, 0x8100);
	ck_assert_uint_eq(vsmtest_overlays(t, 0), 0);
	wr(t, HV_X64_MSR_HYPERCALL, 0x10001);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_HYPERCALL), 0x10001);
	ck_assert_uint_eq(vsmtest_overlays(t, 0), 1);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_guest_os_id_of_0_takes_the_page_away)
{
	struct vsmtest *t = vsmtest_new(NULL);

	wr(t, HV_X64_MSR_GUEST_OS_ID, 0x8100);
	wr(t, HV_X64_MSR_HYPERCALL, 0x10001);
	wr(t, HV_X64_MSR_GUEST_OS_ID, 0x8200);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_HYPERCALL), 0x10001);
	wr(t, HV_X64_MSR_GUEST_OS_ID, 0);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_GUEST_OS_ID), 0);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_HYPERCALL) & 1, 0);
	ck_assert_uint_eq(vsmtest_overlays(t, 0), 0);
	/* And it does not come back by itself. */
	wr(t, HV_X64_MSR_GUEST_OS_ID, 0x8100);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_HYPERCALL) & 1, 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_hypercall_page_beyond_the_gpa_space_faults)
{
	struct vsmtest *t = vsmtest_new(NULL);

	wr(t, HV_X64_MSR_GUEST_OS_ID, 0x8100);
	wr_gp(t, HV_X64_MSR_HYPERCALL, 1ull << 40 | 1);
	wr_gp(t, HV_X64_MSR_HYPERCALL, 0xfffffffffffff001);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_HYPERCALL), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(reserved_bits_of_the_hypercall_msr_are_preserved)
{
	struct vsmtest *t = vsmtest_new(NULL);

	wr(t, HV_X64_MSR_GUEST_OS_ID, 0x8100);
	wr(t, HV_X64_MSR_HYPERCALL, 0x10ffd);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_HYPERCALL), 0x10ffd);
	wr(t, HV_X64_MSR_HYPERCALL, 0x10554);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_HYPERCALL), 0x10554);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_locked_hypercall_msr_is_immutable_until_reset)
{
	struct vsmtest *t = vsmtest_new(NULL);
	struct vsm_cpuid leaf;

	assert_err(vsm_cpuid_get(t->vsm, 0x40000003, &leaf), 0);
	ck_assert_uint_eq(leaf.edx & HV_FEATURE_HYPERCALL_MSR_LOCK, HV_FEATURE_HYPERCALL_MSR_LOCK);
	wr(t, HV_X64_MSR_GUEST_OS_ID, 0x8100);
	wr(t, HV_X64_MSR_HYPERCALL, 0x10003);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_HYPERCALL), 0x10003);
	wr_gp(t, HV_X64_MSR_HYPERCALL, 0x10001);
	wr_gp(t, HV_X64_MSR_HYPERCALL, 0x11003);
	wr_gp(t, HV_X64_MSR_HYPERCALL, 0);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_HYPERCALL), 0x10003);
	assert_err(vsmtest_reset(t), 0);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_HYPERCALL), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_locked_page_survives_a_guest_os_id_of_0)
{
	struct vsmtest *t = vsmtest_new(NULL);

	wr(t, HV_X64_MSR_GUEST_OS_ID, 0x8100);
	wr(t, HV_X64_MSR_HYPERCALL, 0x10003);
	assert_exception(t, 0, vsmtest_wrmsr(t, 0, HV_X64_MSR_GUEST_OS_ID, 0), X86_GP);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_HYPERCALL), 0x10003);
	ck_assert_uint_eq(vsmtest_overlays(t, 0), 1);
	vsmtest_free(t);
}
END_TEST

START_TEST(each_vtl_has_its_own_set)
{
	struct vsmtest *t = vsmtest_new(NULL);

	wr(t, HV_X64_MSR_SINT0, 0x20);
	assert_status(vsmtest_enable_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_GUEST_OS_ID), 0);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_HYPERCALL), 0);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_SINT0), 0x10000);
	wr(t, HV_X64_MSR_GUEST_OS_ID, 0x1111);
	wr(t, HV_X64_MSR_HYPERCALL, 0x11001);
	wr(t, HV_X64_MSR_SINT0, 0x30);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_GUEST_OS_ID), 0x8100000000060001);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_HYPERCALL), 0x10001);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_SINT0), 0x20);
	vsmtest_free(t);
}
END_TEST

START_TEST(identity_is_one_for_all_vps_of_a_vtl)
{
	uint64_t value;
	struct vsmtest *t = vsmtest_new_vps(2);

	assert_verdict(vsmtest_hypercalls_on(t, 1), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_GUEST_OS_ID), 0x8100000000060001);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_HYPERCALL), 0x10001);
	/* SynIC and assist page are per VP. */
	assert_verdict(vsmtest_synic_on(t, 1), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_SIMP), 0);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_VP_ASSIST_PAGE), 0);
	assert_verdict(vsmtest_rdmsr(t, 1, HV_X64_MSR_SIMP, &value), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(value, VSMTEST_SIMP_GPA(1, 0) | 1);
	vsmtest_free(t);
}
END_TEST

START_TEST(an_unmasked_sint_needs_a_vector_of_16_or_more)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint64_t vector;

	for (vector = 0; vector < 16; vector++) {
		wr_gp(t, HV_X64_MSR_SINT0, vector);
		wr_gp(t, HV_X64_MSR_SINT0, vector | HV_SYNIC_SINT_AUTO_EOI);
		/* Guests write back the reset value. */
		wr(t, HV_X64_MSR_SINT0, HV_SYNIC_SINT_MASKED | vector);
	}
	wr(t, HV_X64_MSR_SINT0, 16);
	wr(t, HV_X64_MSR_SINT0, 255);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_SINT0), 255);
	vsmtest_free(t);
}
END_TEST

START_TEST(reserved_bits_of_synic_msrs_are_preserved)
{
	struct vsmtest *t = vsmtest_new(NULL);

	wr(t, HV_X64_MSR_SINT0, 0xff00ff40 | HV_SYNIC_SINT_POLLING);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_SINT0), 0xff00ff40 | HV_SYNIC_SINT_POLLING);
	wr(t, HV_X64_MSR_SCONTROL, 0x123456789abcdef0);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_SCONTROL), 0x123456789abcdef0);
	wr(t, HV_X64_MSR_SIMP, VSMTEST_SIMP_GPA(0, 0) | 0xffe);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_SIMP), VSMTEST_SIMP_GPA(0, 0) | 0xffe);
	wr(t, HV_X64_MSR_VP_ASSIST_PAGE, VSMTEST_ASSIST_GPA(0, 0) | 0xffe);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_VP_ASSIST_PAGE), VSMTEST_ASSIST_GPA(0, 0) | 0xffe);
	vsmtest_free(t);
}
END_TEST

START_TEST(eom_takes_any_value_and_reads_0)
{
	struct vsmtest *t = vsmtest_new(NULL);

	wr(t, HV_X64_MSR_EOM, 0);
	wr(t, HV_X64_MSR_EOM, 0xffffffffffffffff);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_EOM), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(the_reference_count_starts_at_0_in_100_ns)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint64_t base = t->tsc;

	ck_assert_uint_le(rd(t, HV_X64_MSR_TIME_REF_COUNT), 1);
	t->tsc = base + 2500000000ull;
	/* The scale is rounded down, by less than a unit (TLFS 12.6). */
	ck_assert_uint_ge(rd(t, HV_X64_MSR_TIME_REF_COUNT), 9999999);
	ck_assert_uint_le(rd(t, HV_X64_MSR_TIME_REF_COUNT), 10000000);
	/* A hundred years. */
	t->tsc = base + 2500000000ull * 3155760000ull;
	ck_assert_uint_ge(rd(t, HV_X64_MSR_TIME_REF_COUNT), 31557599999999999ull);
	ck_assert_uint_le(rd(t, HV_X64_MSR_TIME_REF_COUNT), 31557600000000000ull);
	vsmtest_free(t);
}
END_TEST

START_TEST(frequencies_are_in_hz)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;
	uint64_t value;

	vsmtest_opts_init(&opts);
	t = vsmtest_new(&opts);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_TSC_FREQUENCY), 2500000000ull);
	assert_gp(t, vsmtest_rdmsr(t, 0, HV_X64_MSR_APIC_FREQUENCY, &value));
	vsmtest_free(t);
	opts.config.apic_hz = 200000000;
	t = vsmtest_new(&opts);
	ck_assert_uint_eq(rd(t, HV_X64_MSR_APIC_FREQUENCY), 200000000);
	wr_gp(t, HV_X64_MSR_APIC_FREQUENCY, 1);
	vsmtest_free(t);
}
END_TEST

START_TEST(without_a_clock_there_is_no_time)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;
	uint64_t value;

	vsmtest_opts_init(&opts);
	opts.null_ops = VSMTEST_BIT(VSMTEST_TSC);
	t = vsmtest_new(&opts);
	assert_gp(t, vsmtest_rdmsr(t, 0, HV_X64_MSR_TIME_REF_COUNT, &value));
	assert_gp(t, vsmtest_rdmsr(t, 0, HV_X64_MSR_TSC_FREQUENCY, &value));
	vsmtest_free(t);
}
END_TEST

START_TEST(a_host_that_cannot_map_an_overlay_gives_gp)
{
	static const struct {
		uint32_t msr;
		uint64_t value;
	} writes[] = {
		{ HV_X64_MSR_HYPERCALL, VSMTEST_HC_GPA(0) | 1 },
		{ HV_X64_MSR_SIMP, VSMTEST_SIMP_GPA(0, 0) | 1 },
		{ HV_X64_MSR_SIEFP, VSMTEST_DATA_GPA | 1 },
		{ HV_X64_MSR_VP_ASSIST_PAGE, VSMTEST_ASSIST_GPA(0, 0) | 1 },
	};
	struct vsmtest *t = vsmtest_new(NULL);
	size_t i;

	wr(t, HV_X64_MSR_GUEST_OS_ID, 0x8100);
	for (i = 0; i < VSMTEST_COUNT(writes); i++) {
		uint64_t hash = vsmtest_hash(t);

		vsmtest_fail_op(t, VSMTEST_OVERLAY_MAP, 1, 1, -VSM_ERR_NOMEM);
		assert_gp(t, vsmtest_wrmsr(t, 0, writes[i].msr, writes[i].value));
		assert_same(t, hash);
		wr(t, writes[i].msr, writes[i].value);
		ck_assert_uint_eq(rd(t, writes[i].msr), writes[i].value);
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(every_msr_stands_on_its_privilege_bit)
{
	static const struct {
		uint32_t msr;
		uint64_t privilege;
	} msrs[] = {
		{ HV_X64_MSR_TIME_REF_COUNT, HV_PRIV_ACCESS_PARTITION_REFERENCE_COUNTER },
		{ HV_X64_MSR_REFERENCE_TSC, HV_PRIV_ACCESS_PARTITION_REFERENCE_TSC },
		{ HV_X64_MSR_SCONTROL, HV_PRIV_ACCESS_SYNIC_REGS },
		{ HV_X64_MSR_SIMP, HV_PRIV_ACCESS_SYNIC_REGS },
		{ HV_X64_MSR_SIEFP, HV_PRIV_ACCESS_SYNIC_REGS },
		{ HV_X64_MSR_SINT0, HV_PRIV_ACCESS_SYNIC_REGS },
		{ HV_X64_MSR_EOM, HV_PRIV_ACCESS_SYNIC_REGS },
		{ HV_X64_MSR_GUEST_OS_ID, HV_PRIV_ACCESS_HYPERCALL_MSRS },
		{ HV_X64_MSR_HYPERCALL, HV_PRIV_ACCESS_HYPERCALL_MSRS },
		{ HV_X64_MSR_VP_INDEX, HV_PRIV_ACCESS_VP_INDEX },
		{ HV_X64_MSR_TSC_FREQUENCY, HV_PRIV_ACCESS_FREQUENCY_REGS },
	};
	static const uint32_t absent[] = { 0, VSMTEST_BIT(VSMTEST_TSC),
					   VSMTEST_BIT(VSMTEST_OVERLAY_MAP),
					   VSMTEST_BIT(VSMTEST_SWITCH_VTL) };
	size_t i, k;

	for (k = 0; k < VSMTEST_COUNT(absent); k++) {
		struct vsm_capabilities caps = { .size = sizeof(caps) };
		struct vsmtest_opts opts;
		struct vsmtest *t;

		vsmtest_opts_init(&opts);
		opts.null_ops = absent[k];
		t = vsmtest_new(&opts);
		assert_err(vsm_capabilities_get(t->vsm, &caps), 0);
		for (i = 0; i < VSMTEST_COUNT(msrs); i++) {
			uint64_t value;
			int offered = (caps.privileges & msrs[i].privilege) != 0;

			assert_verdict(vsmtest_rdmsr(t, 0, msrs[i].msr, &value),
				       offered ? VSM_VERDICT_RESUME : VSM_VERDICT_EXCEPTION);
		}
		vsmtest_free(t);
	}
}
END_TEST

START_TEST(no_write_keeps_other_vps_from_theirs)
{
	static const struct {
		uint32_t msr;
		uint64_t value;
		int is_refused;
	} writes[] = {
		{ HV_X64_MSR_GUEST_OS_ID, 0, 0 },
		{ HV_X64_MSR_HYPERCALL, 0x10001, 0 },
		{ HV_X64_MSR_GUEST_OS_ID, 0x8100, 0 },
		{ HV_X64_MSR_HYPERCALL, 1ull << 40 | 1, 1 },
		{ HV_X64_MSR_HYPERCALL, 0x10000, 0 },
		{ HV_X64_MSR_GUEST_OS_ID, 0, 0 },
		{ HV_X64_MSR_GUEST_OS_ID, 0x8100, 0 },
		{ HV_X64_MSR_HYPERCALL, 0x10001, 0 },
		{ HV_X64_MSR_GUEST_OS_ID, 0, 0 },
		{ HV_X64_MSR_GUEST_OS_ID, 0x8100, 0 },
		{ HV_X64_MSR_SIMP, 0x160001, 0 },
		{ HV_X64_MSR_SIMP, 0x160001, 0 },
		{ HV_X64_MSR_SIMP, 1ull << 60 | 1, 0 },
		{ HV_X64_MSR_SIMP, 0, 0 },
		{ HV_X64_MSR_SIEFP, 0x160001, 0 },
		{ HV_X64_MSR_SIEFP, 0, 0 },
		{ HV_X64_MSR_VP_ASSIST_PAGE, 0, 0 },
		{ HV_X64_MSR_VP_ASSIST_PAGE, 0x160001, 0 },
		{ HV_X64_MSR_SINT0, 3, 1 },
		{ HV_X64_MSR_SCONTROL, 0, 0 },
		{ HV_X64_MSR_EOM, 0, 0 },
		{ HV_X64_MSR_HYPERCALL, 0x10003, 0 },
		{ HV_X64_MSR_GUEST_OS_ID, 0, 1 },
		{ HV_X64_MSR_HYPERCALL, 0x10001, 1 },
	};
	struct vsmtest_opts opts;
	struct vsmtest *t;
	size_t i;

	vsmtest_opts_init(&opts);
	opts.vps = 2;
	t = vsmtest_new(&opts);
	for (i = 0; i < VSMTEST_COUNT(writes); i++) {
		assert_verdict(vsmtest_wrmsr(t, 0, writes[i].msr, writes[i].value),
			       writes[i].is_refused ? VSM_VERDICT_EXCEPTION : VSM_VERDICT_RESUME);
		/* Whatever became of it: the other VP finds nothing taken. */
		assert_verdict(vsmtest_wrmsr(t, 1, HV_X64_MSR_SIMP, i % 2 ? 0x170001 : 0x171001),
			       VSM_VERDICT_RESUME);
	}
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(reset_values),
	VSMTEST_CASE(scontrol_can_start_at_0_as_tlfs_has_it),
	VSMTEST_CASE(msrs_outside_of_the_synthetic_range_are_the_hosts),
	VSMTEST_CASE(what_is_not_offered_faults),
	VSMTEST_CASE(read_only_msrs_fault_on_writes),
	VSMTEST_CASE(vp_index_is_that_of_the_vp),
	VSMTEST_CASE(the_hypercall_page_waits_for_a_guest_os_id),
	VSMTEST_CASE(a_guest_os_id_of_0_takes_the_page_away),
	VSMTEST_CASE(a_hypercall_page_beyond_the_gpa_space_faults),
	VSMTEST_CASE(reserved_bits_of_the_hypercall_msr_are_preserved),
	VSMTEST_CASE(a_locked_hypercall_msr_is_immutable_until_reset),
	VSMTEST_CASE(a_locked_page_survives_a_guest_os_id_of_0),
	VSMTEST_CASE(each_vtl_has_its_own_set),
	VSMTEST_CASE(identity_is_one_for_all_vps_of_a_vtl),
	VSMTEST_CASE(an_unmasked_sint_needs_a_vector_of_16_or_more),
	VSMTEST_CASE(reserved_bits_of_synic_msrs_are_preserved),
	VSMTEST_CASE(eom_takes_any_value_and_reads_0),
	VSMTEST_CASE(the_reference_count_starts_at_0_in_100_ns),
	VSMTEST_CASE(frequencies_are_in_hz),
	VSMTEST_CASE(without_a_clock_there_is_no_time),
	VSMTEST_CASE(a_host_that_cannot_map_an_overlay_gives_gp),
	VSMTEST_CASE(every_msr_stands_on_its_privilege_bit),
	VSMTEST_CASE(no_write_keeps_other_vps_from_theirs),
};

int main(void)
{
	return vsmtest_main("msr", cases, VSMTEST_COUNT(cases));
}
