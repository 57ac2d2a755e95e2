/* SPDX-License-Identifier: BSD-3-Clause */
/* vsm_partition_reset() when ops fail, are pending, or call back. */
#include <string.h>

#include "vsmtest.h"

#define PAGE_A 0x280000ull
#define PAGE_B 0x281000ull

static struct vsmtest *with_simp_at_a(void)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, PAGE_A | 1), VSM_VERDICT_RESUME);
	ck_assert_ptr_nonnull(vsmtest_overlay(t, 0, PAGE_A));
	return t;
}

START_TEST(a_second_reset_lifts_what_the_first_could_not)
{
	struct vsmtest *t = with_simp_at_a();

	vsmtest_fail_op(t, VSMTEST_OVERLAY_MAP, 1, 1, -VSM_ERR_HOST);
	assert_err(vsmtest_reset(t), -VSM_ERR_HOST);
	ck_assert_ptr_nonnull(vsmtest_overlay(t, 0, PAGE_A));
	assert_err(vsmtest_reset(t), 0);
	ck_assert_uint_eq(vsmtest_overlays(t, 0), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_second_reset_zeroes_what_the_first_could_not)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	*vsmtest_ram(t, VSMTEST_DATA_GPA) = 0x5a;
	vsmtest_fail_op(t, VSMTEST_GPA_WRITE, 1, ~0u, -VSM_ERR_HOST);
	assert_err(vsmtest_reset(t), -VSM_ERR_HOST);
	vsmtest_no_faults(t);
	ck_assert_uint_eq(*vsmtest_ram(t, VSMTEST_DATA_GPA), 0x5a);
	assert_err(vsmtest_reset(t), 0);
	/* TLFS 15.5.1.2: the secrets of VTL1 do not outlive it. */
	ck_assert_uint_eq(*vsmtest_ram(t, VSMTEST_DATA_GPA), 0);
	/* And a third one has no reason to. */
	*vsmtest_ram(t, VSMTEST_DATA_GPA) = 0x5a;
	assert_err(vsmtest_reset(t), 0);
	ck_assert_uint_eq(*vsmtest_ram(t, VSMTEST_DATA_GPA), 0x5a);
	vsmtest_free(t);
}
END_TEST

/* VTL0 and devices: what the table and the host leave them while RAM is being zeroed. */
static void look_at_a_secret(struct vsmtest *t, enum vsmtest_op op, uint32_t slot)
{
	uint32_t *looks = t->hook_arg;
	struct vsm_gpa_answer answer = { .size = sizeof(answer) };

	(void)slot;
	if (op != VSMTEST_GPA_WRITE || *vsmtest_ram(t, VSMTEST_DATA_GPA) == 0)
		return;
	++*looks;
	assert_err(vsm_gpa_access(t->vsm, VSM_VP_DMA, 0, VSMTEST_DATA_GPA, 1, VSM_ACCESS_READ,
				  &answer),
		   -VSM_ERR_DENIED);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), 0);
}

/* TLFS 15.5.1.2: a page of VTL1 is not shown to devices that run on before it is zero. */
START_TEST(what_is_protected_is_zeroed_before_the_protection_goes)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint32_t looks = 0, rights = 99;

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, 0, VSMTEST_DATA_GPA), HV_STATUS_SUCCESS);
	*vsmtest_ram(t, VSMTEST_DATA_GPA) = 0x5a;
	t->hook_arg = &looks;
	t->hook = look_at_a_secret;
	assert_err(vsmtest_reset(t), 0);
	ck_assert_uint_gt(looks, VSMTEST_DATA_GPA / HV_PAGE_SIZE);
	t->hook = NULL;
	assert_err(vsm_gpa_rights(t->vsm, 0, VSMTEST_DATA_GPA, &rights), 0);
	ck_assert_uint_eq(rights, VSM_RIGHTS_ALL);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), VSM_RIGHTS_ALL);
	vsmtest_free(t);
}
END_TEST

START_TEST(what_could_not_be_zeroed_stays_protected)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, 0, VSMTEST_DATA_GPA), HV_STATUS_SUCCESS);
	*vsmtest_ram(t, VSMTEST_DATA_GPA) = 0x5a;
	vsmtest_fail_op(t, VSMTEST_GPA_WRITE, 1, ~0u, -VSM_ERR_HOST);
	assert_err(vsmtest_reset(t), -VSM_ERR_HOST);
	vsmtest_no_faults(t);
	ck_assert_uint_eq(*vsmtest_ram(t, VSMTEST_DATA_GPA), 0x5a);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), 0);
	assert_err(vsmtest_reset(t), 0);
	ck_assert_uint_eq(*vsmtest_ram(t, VSMTEST_DATA_GPA), 0);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), VSM_RIGHTS_ALL);
	vsmtest_free(t);
}
END_TEST

/* The host has not begun the pending op; the page that was to be left is still covered. */
static void reset_within_a_change(uint64_t msr)
{
	struct vsmtest *t = with_simp_at_a();

	vsmtest_fail_op(t, VSMTEST_OVERLAY_MAP, 1, 1, VSM_PENDING);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, msr), VSM_VERDICT_BLOCKED);
	vsmtest_no_faults(t);
	assert_err(vsmtest_reset(t), 0);
	ck_assert_uint_eq(vsmtest_overlays(t, 0), 0);
	ck_assert_int_eq(vsm_op_complete(t->vsm, t->pending[VSMTEST_OVERLAY_MAP].token, 0, 0),
			 -VSM_ERR_NOTFOUND);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	vsmtest_free(t);
}

START_TEST(reset_within_a_move_uncovers_the_old_page)
{
	reset_within_a_change(PAGE_B | 1);
}
END_TEST

START_TEST(reset_within_a_lift_uncovers_the_page)
{
	reset_within_a_change(PAGE_A);
}
END_TEST

struct intruder {
	uint32_t tried;
	int reset, prepare, wrmsr;
};

static void intrude(struct vsmtest *t, enum vsmtest_op op, uint32_t slot)
{
	struct intruder *intruder = t->hook_arg;

	(void)slot;
	if (op != VSMTEST_OVERLAY_MAP || intruder->tried++)
		return;
	intruder->reset = vsm_partition_reset(t->vsm);
	intruder->prepare = vsm_vp_run_prepare(t->vp[0].vp);
	intruder->wrmsr = vsm_vp_wrmsr(t->vp[0].vp, HV_X64_MSR_SIMP, 0);
}

START_TEST(nothing_enters_from_an_op_of_a_reset)
{
	struct vsmtest *t = with_simp_at_a();
	struct intruder intruder = { 0, 0, 0, 0 };

	t->hook_arg = &intruder;
	t->hook = intrude;
	assert_err(vsmtest_reset(t), 0);
	t->hook = NULL;
	ck_assert_uint_eq(intruder.tried, 1);
	assert_err(intruder.reset, -VSM_ERR_MISUSE);
	assert_err(intruder.prepare, -VSM_ERR_MISUSE);
	assert_err(intruder.wrmsr, -VSM_ERR_MISUSE);
	/* Afterwards everything is open again. */
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	assert_err(vsmtest_reset(t), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(an_op_that_pends_without_a_token_has_failed)
{
	struct vsm_stats stats = { .size = sizeof(stats) };
	struct vsmtest *t = with_simp_at_a();

	vsmtest_fail_op(t, VSMTEST_OVERLAY_MAP, 1, 1, VSM_PENDING);
	assert_err(vsmtest_reset(t), -VSM_ERR_HOST);
	vsmtest_no_faults(t);
	t->pending[VSMTEST_OVERLAY_MAP].active = 0;
	assert_err(vsm_stats_get(t->vsm, &stats), 0);
	ck_assert_uint_eq(stats.host_errors, 1);
	ck_assert_msg(vsmtest_logged(t, "overlay_map"), "no log line names the op");
	vsmtest_free(t);
}
END_TEST

/* Let every allocation fail once; the line says what could not be made. */
START_TEST(a_lack_of_memory_names_the_function)
{
	uint32_t i;
	int err = -VSM_ERR_NOMEM;

	for (i = 1; err == -VSM_ERR_NOMEM; i++) {
		struct vsmtest *t = vsmtest_alloc(NULL);

		t->alloc_fail_at = i;
		err = vsmtest_create(t);
		ck_assert_msg(err == 0 || vsmtest_logged(t, "no memory"), "allocation %u", i);
		vsmtest_free(t);
	}
	assert_err(err, 0);
	ck_assert_uint_gt(i, 6);
}
END_TEST

START_TEST(a_map_that_may_not_be_so_large_names_the_limit)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	opts.config.protmap_max_bytes = 1024;
	t = vsmtest_alloc(&opts);
	assert_err(vsmtest_create(t), -VSM_ERR_NOMEM);
	ck_assert_msg(vsmtest_logged(t, "protmap_max_bytes"), "no log line names the field");
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(a_second_reset_lifts_what_the_first_could_not),
	VSMTEST_CASE(a_second_reset_zeroes_what_the_first_could_not),
	VSMTEST_CASE(what_is_protected_is_zeroed_before_the_protection_goes),
	VSMTEST_CASE(what_could_not_be_zeroed_stays_protected),
	VSMTEST_CASE(reset_within_a_move_uncovers_the_old_page),
	VSMTEST_CASE(reset_within_a_lift_uncovers_the_page),
	VSMTEST_CASE(nothing_enters_from_an_op_of_a_reset),
	VSMTEST_CASE(an_op_that_pends_without_a_token_has_failed),
	VSMTEST_CASE(a_lack_of_memory_names_the_function),
	VSMTEST_CASE(a_map_that_may_not_be_so_large_names_the_limit),
};

int main(void)
{
	return vsmtest_main("review_reset", cases, VSMTEST_COUNT(cases));
}
