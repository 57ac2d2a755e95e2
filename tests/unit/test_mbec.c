/* SPDX-License-Identifier: BSD-3-Clause */
/* Mode-based execute control (TLFS 15.5.1, 15.5.2, 15.9.2). */
#include <string.h>

#include "vsmtest.h"

#define PAGE	 VSMTEST_DATA_GPA
#define R	 HV_MAP_GPA_READABLE
#define UX	 HV_MAP_GPA_USER_EXECUTABLE
#define ALL	 0xaa0bu /* Every mask that is legal with MBEC, */
#define ALL_OFF	 0xa00bu /* and without. */
#define CR4_SMEP 0x100000ull
#define SECURE0	 HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL0
#define SECURE1	 HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL1
#define CONFIG	 HV_REGISTER_VSM_PARTITION_CONFIG

static struct vsmtest *machine(uint32_t vps, uint32_t max_vtl, uint32_t word, uint32_t mbec_word)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	opts.vps = vps;
	opts.config.max_vps = 4;
	opts.config.max_vtl = max_vtl;
	opts.config.enforceable = word;
	opts.config.enforceable_mbec = mbec_word;
	t = vsmtest_new(&opts);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	return t;
}

static uint32_t enable(struct vsmtest *t, uint32_t vtl, uint32_t flags)
{
	struct hv_input_enable_partition_vtl in = { .target_partition_id = HV_PARTITION_ID_SELF,
						    .target_vtl = (uint8_t)vtl,
						    .flags = (uint8_t)flags };

	return vsmtest_call_mem(t, 0, HVCALL_ENABLE_PARTITION_VTL, &in, sizeof(in));
}

/* VTL1 was enabled with these flags, protects, and is the active one. */
static struct vsmtest *protecting(uint32_t vps, uint32_t flags)
{
	struct vsmtest *t = machine(vps, 1, ALL_OFF, ALL);

	assert_status(enable(t, 1, flags), HV_STATUS_SUCCESS);
	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	return t;
}

static uint64_t value(struct vsmtest *t, uint32_t name)
{
	return vsmtest_value(t, 0, 0, name);
}

static uint64_t mbec_set(struct vsmtest *t)
{
	return value(t, HV_REGISTER_VSM_PARTITION_STATUS) >> 20 & 0xffff;
}

START_TEST(without_the_hosts_word_all_of_it_is_refused)
{
	struct vsm_capabilities caps = { .size = sizeof(caps) };
	struct vsmtest *t = machine(1, 1, ALL_OFF, 0);

	assert_status(enable(t, 1, HV_ENABLE_PARTITION_VTL_MBEC), HV_STATUS_INVALID_PARAMETER);
	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(value(t, HV_REGISTER_VSM_CAPABILITIES), 0);
	ck_assert_uint_eq(mbec_set(t), 0);
	assert_status(vsmtest_get(t, 0, 0, SECURE0, NULL), HV_STATUS_INVALID_PARAMETER);
	assert_status(vsmtest_set(t, 0, 0, SECURE0, 0), HV_STATUS_INVALID_PARAMETER);
	assert_status(vsmtest_modify_gpa(t, 0, R | UX, PAGE), HV_STATUS_INVALID_REGISTER_VALUE);
	ck_assert_int_eq(vsm_vp_mbec(t->vp[0].vp, 0), 0);
	assert_err(vsm_capabilities_get(t->vsm, &caps), 0);
	ck_assert_uint_eq(caps.flags & VSM_CAP_MBEC, 0);
	ck_assert_uint_eq(caps.enforceable_mbec | caps.accepted_mbec, 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(the_hosts_words_must_agree)
{
	static const struct {
		uint32_t off, on;
		int ok;
	} words[] = {
		{ ALL_OFF, 0, 1 },
		{ ALL_OFF, ALL, 1 },
		{ ALL_OFF, ALL_OFF, 1 },
		{ ALL_OFF, 0x8000, 0 }, /* Less than without MBEC. */
		{ ALL_OFF, ALL & ~0x8000u, 0 },
		{ ALL_OFF, ALL | 0x10000, 0 },
		{ ALL_OFF, ALL | 1u << 5, 0 }, /* KX without UX */
		{ ALL_OFF, ALL | 1u << 8, 0 }, /* UX without R */
		{ 0xa001, 0xa201, 0 }, /* R+UX is R where MBEC is off, which this host cannot do. */
		{ 0xa003, 0xa203, 1 },
		{ 0xa003, 0xaa03, 0 }, /* The same of RW+UX. */
	};
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(words); i++) {
		struct vsmtest_opts opts;
		struct vsmtest *t;
		int r;

		vsmtest_opts_init(&opts);
		opts.config.enforceable = words[i].off;
		opts.config.enforceable_mbec = words[i].on;
		t = vsmtest_alloc(&opts);
		r = vsmtest_create(t);
		ck_assert_msg(r == (words[i].ok ? 0 : -VSM_ERR_INVAL), "row %zu: %d", i, r);
		if (!words[i].ok)
			ck_assert(vsmtest_logged(t, "enforceable_mbec"));
		vsmtest_free(t);
	}
}
END_TEST

START_TEST(it_needs_page_rights_and_vtls)
{
	static const uint32_t null_ops[] = { VSMTEST_BIT(VSMTEST_PROTECT),
					     VSMTEST_BIT(VSMTEST_TLB_FLUSH),
					     VSMTEST_BIT(VSMTEST_SWITCH_VTL),
					     VSMTEST_BIT(VSMTEST_OVERLAY_MAP) };
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(null_ops); i++) {
		struct vsm_capabilities caps = { .size = sizeof(caps) };
		struct vsmtest_opts opts;
		struct vsmtest *t;

		vsmtest_opts_init(&opts);
		opts.config.enforceable_mbec = ALL;
		opts.null_ops = null_ops[i];
		t = vsmtest_new(&opts);
		assert_err(vsm_capabilities_get(t->vsm, &caps), 0);
		ck_assert_uint_eq(caps.flags & VSM_CAP_MBEC, 0);
		ck_assert_uint_eq(caps.enforceable_mbec | caps.accepted_mbec, 0);
		vsmtest_free(t);
	}
}
END_TEST

START_TEST(what_is_offered_is_announced)
{
	struct vsm_capabilities caps = { .size = sizeof(caps) };
	struct vsmtest *t = machine(1, 3, ALL_OFF, ALL);

	assert_err(vsm_capabilities_get(t->vsm, &caps), 0);
	ck_assert_uint_eq(caps.flags & VSM_CAP_MBEC, VSM_CAP_MBEC);
	ck_assert_uint_eq(caps.enforceable_mbec, ALL);
	ck_assert_uint_eq(caps.accepted_mbec, ALL);
	ck_assert_uint_eq(caps.accepted, ALL_OFF);
	/* MbecVtlMask: every VTL that has one above it. */
	ck_assert_uint_eq(value(t, HV_REGISTER_VSM_CAPABILITIES), 0x7 << 1);
	ck_assert_uint_eq(mbec_set(t), 0);
	/* The other flags stay unknown, with this one and without. */
	for (uint32_t bit = 1; bit < 8; bit++) {
		assert_status(enable(t, 1, 1u << bit), HV_STATUS_INVALID_PARAMETER);
		assert_status(enable(t, 1, 1u << bit | 1), HV_STATUS_INVALID_PARAMETER);
	}
	ck_assert_uint_eq(value(t, HV_REGISTER_VSM_PARTITION_STATUS), 0x30001);
	assert_status(enable(t, 1, 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(mbec_set(t), 0);
	/* Too late for VTL1, and no reason for it. */
	assert_status(enable(t, 1, 1), HV_STATUS_INVALID_VTL_STATE);
	ck_assert_uint_eq(mbec_set(t), 0);
	vsmtest_free(t);
	t = machine(1, 3, ALL_OFF, ALL);
	assert_status(enable(t, 2, 1), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(mbec_set(t), 0x5);
	vsmtest_free(t);
}
END_TEST

START_TEST(it_is_active_below_a_vtl_that_has_it)
{
	struct vsmtest *t = machine(1, 1, ALL_OFF, ALL);

	assert_status(enable(t, 1, 1), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(mbec_set(t), 0x3);
	ck_assert_int_eq(vsm_vp_mbec(t->vp[0].vp, 0), 0);
	ck_assert_uint_eq(value(t, HV_REGISTER_VSM_VP_STATUS), 0x10000);
	assert_status(vsmtest_enable_vtl1(t, 0), HV_STATUS_SUCCESS);
	ck_assert_int_eq(vsm_vp_mbec(t->vp[0].vp, 0), 1);
	ck_assert_int_eq(vsm_vp_mbec(t->vp[0].vp, 1), 0);
	ck_assert_int_eq(vsm_vp_mbec(t->vp[0].vp, 2), 0);
	ck_assert_int_eq(vsm_vp_mbec(NULL, 0), 0);
	ck_assert_uint_eq(value(t, HV_REGISTER_VSM_VP_STATUS), 0x30010);
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(value(t, HV_REGISTER_VSM_VP_STATUS), 0x30001);
	assert_err(vsmtest_reset(t), 0);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(mbec_set(t), 0);
	ck_assert_int_eq(vsm_vp_mbec(t->vp[0].vp, 0), 0);
	/* After a reset the VTL may be enabled without. */
	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, R | UX, PAGE), HV_STATUS_INVALID_REGISTER_VALUE);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_call_without_its_result_enables_nothing)
{
	struct vsmtest *t = machine(1, 1, ALL_OFF, ALL);

	vsmtest_fail_op(t, VSMTEST_REGS_SET, 1, 1, -VSM_ERR_HOST);
	assert_status(enable(t, 1, 1), VSMTEST_VERDICT(-VSM_ERR_HOST));
	ck_assert_uint_eq(value(t, HV_REGISTER_VSM_PARTITION_STATUS), 0x10001);
	/* Nor is the flag left for a call without it. */
	assert_status(enable(t, 1, 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(mbec_set(t), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(secure_config_refuses_in_its_order)
{
	static const uint64_t unknown[] = { 2, 3, 4, 5, 8, 9, 0x10, 0x11, 1ull << 63 };
	struct hv_register_value v = { 0, 0 };
	struct vsmtest *t = protecting(2, 1);
	size_t i;

	/* Owner at or below the VTL that the register is about. */
	assert_status(vsmtest_set(t, 0, 0, SECURE1, 4), HV_STATUS_ACCESS_DENIED);
	assert_status(vsmtest_get(t, 0, 0, SECURE1, NULL), HV_STATUS_ACCESS_DENIED);
	assert_status(vsmtest_set(t, 0, VSMTEST_VTL(0), SECURE0, 1), HV_STATUS_ACCESS_DENIED);
	assert_status(vsmtest_get(t, 0, VSMTEST_VTL(0), SECURE0, NULL), HV_STATUS_ACCESS_DENIED);
	for (i = 0; i < VSMTEST_COUNT(unknown); i++) {
		assert_status(vsmtest_set(t, 0, 0, SECURE0, unknown[i]),
			      HV_STATUS_INVALID_REGISTER_VALUE);
		/* Also where the owner is not enabled: VP 1. */
		v.low = unknown[i];
		assert_status(vsmtest_set_of(t, 0, 1, VSMTEST_VTL(1), SECURE0, v),
			      HV_STATUS_INVALID_REGISTER_VALUE);
	}
	v.low = 0;
	assert_status(vsmtest_set_of(t, 0, 1, VSMTEST_VTL(1), SECURE0, v),
		      HV_STATUS_INVALID_VTL_STATE);
	v.low = 1;
	assert_status(vsmtest_set_of(t, 0, 1, VSMTEST_VTL(1), SECURE0, v),
		      HV_STATUS_INVALID_VTL_STATE);
	assert_status(vsmtest_get_of(t, 0, 1, VSMTEST_VTL(1), SECURE0, NULL),
		      HV_STATUS_INVALID_VTL_STATE);
	v.high = 1;
	assert_status(vsmtest_set_of(t, 0, 0, VSMTEST_VTL(1), SECURE0, v),
		      HV_STATUS_INVALID_REGISTER_VALUE);
	assert_status(vsmtest_set(t, 0, 0, SECURE0, 0), HV_STATUS_INVALID_REGISTER_VALUE);
	assert_status(vsmtest_set(t, 0, 0, SECURE0, 1), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(value(t, SECURE0), 1);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	/* VTL0 has no say in it. */
	assert_status(vsmtest_set(t, 0, 0, SECURE0, 1), HV_STATUS_ACCESS_DENIED);
	assert_status(vsmtest_get(t, 0, VSMTEST_VTL(1), SECURE0, NULL), HV_STATUS_ACCESS_DENIED);
	vsmtest_free(t);
}
END_TEST

START_TEST(secure_config_of_a_vtl_without_it)
{
	struct vsmtest *t = protecting(1, 0);

	ck_assert_uint_eq(value(t, SECURE0), 0);
	assert_status(vsmtest_set(t, 0, 0, SECURE0, 1), HV_STATUS_INVALID_REGISTER_VALUE);
	assert_status(vsmtest_set(t, 0, 0, SECURE0, 0), HV_STATUS_SUCCESS);
	ck_assert_int_eq(vsm_vp_mbec(t->vp[0].vp, 0), 0);
	vsmtest_free(t);
}
END_TEST

/* Case 26 of the hostile cases: all 16 masks, with MBEC and without, where the host can do all. */
START_TEST(case_26_every_mask_with_and_without)
{
	for (uint32_t flags = 0; flags < 2; flags++) {
		struct vsmtest *t = protecting(1, flags);
		uint32_t legal = flags ? ALL : ALL_OFF, mask;

		for (mask = 0; mask < 16; mask++) {
			uint64_t page = PAGE + mask * VSMTEST_PAGE;
			uint32_t rights = 99;
			int ok = legal >> mask & 1;

			assert_status(vsmtest_modify_gpa(t, 0, mask, page),
				      ok ? HV_STATUS_SUCCESS : HV_STATUS_INVALID_REGISTER_VALUE);
			ck_assert_uint_eq(t->reps, (uint32_t)ok);
			ck_assert_uint_eq(vsmtest_view(t, 0, page), ok ? mask : VSM_RIGHTS_ALL);
			assert_err(vsm_gpa_rights(t->vsm, 0, page, &rights), 0);
			ck_assert_uint_eq(rights, ok ? mask : VSM_RIGHTS_ALL);
			for (uint32_t bit = 4; bit < 32; bit++)
				ck_assert_uint_ne(vsmtest_modify_gpa(t, 0, mask | 1u << bit, page),
						  HV_STATUS_SUCCESS);
		}
		vsmtest_free(t);
	}
}
END_TEST

START_TEST(masks_the_host_cannot_enforce_are_denied)
{
	struct vsmtest *t = machine(1, 1, 0xa003, 0xa203);
	uint32_t mask;

	assert_status(enable(t, 1, 1), HV_STATUS_SUCCESS);
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	for (mask = 0; mask < 16; mask++)
		assert_status(vsmtest_set(t, 0, 0, CONFIG, mask << 1),
			      0xa203 >> mask & 1 ? HV_STATUS_SUCCESS :
						   HV_STATUS_INVALID_REGISTER_VALUE);
	assert_status(vsmtest_set(t, 0, 0, CONFIG, 0x3f), HV_STATUS_SUCCESS);
	for (mask = 0; mask < 16; mask++)
		assert_status(vsmtest_modify_gpa(t, 0, mask, PAGE + mask * VSMTEST_PAGE),
			      !(ALL >> mask & 1)   ? HV_STATUS_INVALID_REGISTER_VALUE :
			      (0xa203 >> mask & 1) ? HV_STATUS_SUCCESS :
						     HV_STATUS_OPERATION_DENIED);
	vsmtest_free(t);
}
END_TEST

START_TEST(the_default_mask_may_differ_by_mode)
{
	struct vsmtest *t = machine(1, 1, ALL_OFF, ALL);

	assert_status(enable(t, 1, 1), HV_STATUS_SUCCESS);
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_set(t, 0, 0, CONFIG, 1 | (R | UX) << 1), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsmtest_view(t, 0, PAGE), R | UX);
	vsmtest_free(t);
}
END_TEST

START_TEST(with_consent_execute_rights_are_recorded_only)
{
	struct vsm_capabilities caps = { .size = sizeof(caps) };
	struct vsmtest_opts opts;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	opts.config.enforceable = 0xa001;
	opts.config.enforceable_mbec = 0xa001;
	opts.config.flags = VSM_CONFIG_ACCEPT_UNENFORCED_EXECUTE;
	t = vsmtest_new(&opts);
	assert_err(vsm_capabilities_get(t->vsm, &caps), 0);
	ck_assert_uint_eq(caps.accepted, ALL_OFF);
	ck_assert_uint_eq(caps.accepted_mbec, ALL);
	ck_assert_uint_eq(caps.enforceable_mbec, 0xa001);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	assert_status(enable(t, 1, 1), HV_STATUS_SUCCESS);
	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, R | UX, PAGE), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsmtest_view(t, 0, PAGE), 0xd);
	vsmtest_free(t);
}
END_TEST

/* May the fetch be made? The rules in words. */
static int may_fetch(uint32_t mask, int user, int mbec, int smep)
{
	int kx = (mask & HV_MAP_GPA_KERNEL_EXECUTABLE) != 0;

	return user && mbec && smep ? (mask & UX) != 0 : kx;
}

/* VP 0 has VTL1, and so MBEC; VP 1 has not: there KX is for both modes. */
START_TEST(fetches_by_mode_mbec_and_smep)
{
	struct vsmtest *t = protecting(2, 1);
	uint32_t asked = 0;

	for (uint32_t mask = 0; mask < 16; mask++)
		if (ALL >> mask & 1)
			assert_status(vsmtest_modify_gpa(t, 0, mask, PAGE + mask * VSMTEST_PAGE),
				      HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	ck_assert_int_eq(vsm_vp_mbec(t->vp[1].vp, 0), 0);
	for (uint32_t i = 0; i < 16 * 8; i++) {
		struct vsm_gpa_answer answer = { .size = sizeof(answer) };
		uint32_t mask = i / 8, vp = i / 4 % 2, user = i / 2 % 2, smep = i % 2;
		uint64_t page = PAGE + mask * VSMTEST_PAGE;
		int ok = may_fetch(mask, (int)user, vp == 0, (int)smep), verdict;
		struct vsm_memory_fault fault;

		if (!(ALL >> mask & 1))
			continue;
		vsmtest_reg_set(t, vp, 0, HV_X64_REGISTER_CR4, smep ? 0x6a0 | CR4_SMEP : 0x6a0);
		vsmtest_fault_init(&fault, page, HV_INTERCEPT_ACCESS_EXECUTE);
		fault.user = (uint8_t)user;
		verdict = vsmtest_memory_fault(t, vp, &fault);
		ck_assert_msg(verdict == (ok	  ? VSM_VERDICT_RETRY :
					  vp == 0 ? VSM_VERDICT_SWITCHED :
						    VSM_VERDICT_EXCEPTION),
			      "mask %x, VP %u, user %u, SMEP %u: %s", mask, vp, user, smep,
			      vsmtest_verdict_text(verdict));
		if (verdict == VSM_VERDICT_SWITCHED) {
			ck_assert_uint_eq(vsmtest_message(t, 0, 1)->payload[5],
					  HV_INTERCEPT_ACCESS_EXECUTE);
			memset(vsmtest_message(t, 0, 1), 0, sizeof(struct hv_message));
			assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
		}
		/* The same for whoever asks without a fault. */
		assert_err(vsm_gpa_access(t->vsm, vp, 0, page, 1,
					  VSM_ACCESS_EXECUTE | (user ? VSM_ACCESS_USER : 0) |
						  (smep ? 0 : VSM_ACCESS_NO_SMEP),
					  &answer),
			   ok ? 0 : -VSM_ERR_DENIED);
		asked++;
	}
	ck_assert_uint_eq(asked, 7 * 8);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_processor_without_smep_needs_none)
{
	struct vsm_memory_fault fault;
	struct vsmtest_opts opts;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	opts.config.enforceable_mbec = ALL;
	opts.config.cr4_mask &= ~CR4_SMEP;
	t = vsmtest_new(&opts);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	assert_status(enable(t, 1, 1), HV_STATUS_SUCCESS);
	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, R | UX, PAGE), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	vsmtest_fault_init(&fault, PAGE, HV_INTERCEPT_ACCESS_EXECUTE);
	fault.user = 1;
	assert_verdict(vsmtest_memory_fault(t, 0, &fault), VSM_VERDICT_RETRY);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_host_that_cannot_tell_cr4_stops_the_vp)
{
	struct vsmtest *t = protecting(1, 1);
	struct vsm_memory_fault fault;
	uint64_t hash;

	assert_status(vsmtest_modify_gpa(t, 0, R, PAGE), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	hash = vsmtest_hash(t);
	vsmtest_fault_init(&fault, PAGE, HV_INTERCEPT_ACCESS_EXECUTE);
	fault.user = 1;
	vsmtest_fail_op(t, VSMTEST_REGS_GET, 1, 1, -VSM_ERR_HOST);
	assert_verdict(vsmtest_memory_fault(t, 0, &fault), -VSM_ERR_HOST);
	assert_same(t, hash);
	assert_verdict(vsmtest_memory_fault(t, 0, &fault), VSM_VERDICT_SWITCHED);
	vsmtest_free(t);
}
END_TEST

/* Of no VP in particular: allowed if it is on each. */
START_TEST(all_vps_have_it_or_it_does_not_count)
{
	const uint32_t fetch = VSM_ACCESS_EXECUTE | VSM_ACCESS_USER;
	struct vsm_gpa_answer answer = { .size = sizeof(answer) };
	struct hv_initial_vp_context context;
	struct vsmtest *t = protecting(2, 1);

	assert_status(vsmtest_modify_gpa(t, 0, R | UX, PAGE), HV_STATUS_SUCCESS);
	assert_err(vsm_gpa_access(t->vsm, 0, 0, PAGE, 1, fetch, &answer), 0);
	assert_err(vsm_gpa_access(t->vsm, 1, 0, PAGE, 1, fetch, &answer), -VSM_ERR_DENIED);
	assert_err(vsm_gpa_access(t->vsm, VSM_ALL_VPS, 0, PAGE, 1, fetch, &answer),
		   -VSM_ERR_DENIED);
	vsmtest_context64(&context);
	assert_status(vsmtest_enable_vp_vtl(t, 0, 1, 1, &context), HV_STATUS_SUCCESS);
	ck_assert_uint_ge(t->vp[1].kicks, 1); /* The host asks again before it runs VP 1. */
	ck_assert_int_eq(vsm_vp_mbec(t->vp[1].vp, 0), 1);
	assert_err(vsm_gpa_access(t->vsm, VSM_ALL_VPS, 0, PAGE, 1, fetch, &answer), 0);
	assert_err(vsm_gpa_access(t->vsm, VSM_ALL_VPS, 0, PAGE, 1, VSM_ACCESS_EXECUTE, &answer),
		   -VSM_ERR_DENIED);
	assert_err(vsm_gpa_access(t->vsm, VSM_VP_DMA, 0, PAGE, 1, fetch, &answer), -VSM_ERR_DENIED);
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(without_the_hosts_word_all_of_it_is_refused),
	VSMTEST_CASE(the_hosts_words_must_agree),
	VSMTEST_CASE(it_needs_page_rights_and_vtls),
	VSMTEST_CASE(what_is_offered_is_announced),
	VSMTEST_CASE(it_is_active_below_a_vtl_that_has_it),
	VSMTEST_CASE(a_call_without_its_result_enables_nothing),
	VSMTEST_CASE(secure_config_refuses_in_its_order),
	VSMTEST_CASE(secure_config_of_a_vtl_without_it),
	VSMTEST_CASE(case_26_every_mask_with_and_without),
	VSMTEST_CASE(masks_the_host_cannot_enforce_are_denied),
	VSMTEST_CASE(the_default_mask_may_differ_by_mode),
	VSMTEST_CASE(with_consent_execute_rights_are_recorded_only),
	VSMTEST_CASE(fetches_by_mode_mbec_and_smep),
	VSMTEST_CASE(a_processor_without_smep_needs_none),
	VSMTEST_CASE(a_host_that_cannot_tell_cr4_stops_the_vp),
	VSMTEST_CASE(all_vps_have_it_or_it_does_not_count),
};

int main(void)
{
	return vsmtest_main("mbec", cases, VSMTEST_COUNT(cases));
}
