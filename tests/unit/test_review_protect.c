/* SPDX-License-Identifier: BSD-3-Clause */
/* Hosts that fail while a VTL switches its set on, or that can neither follow nor go back (TLFS
 * 15.9). */
#include <string.h>

#include "vsmtest.h"

#define R	 HV_MAP_GPA_READABLE
#define VTL1	 VSMTEST_VTL(1)
#define CONFIG	 HV_REGISTER_VSM_PARTITION_CONFIG
#define OFF	 0x3eull /* VsmPartitionConfig at first */
#define ON	 0x3full
#define RUNS_MAX 512u

/* VP 0 in VTL2; the set of VTL1 is off. */
static struct vsmtest *in_vtl2(void)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	opts.vps = 2;
	opts.config.max_vtl = 2;
	t = vsmtest_new(&opts);
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_enter_vtl2(t, 0), HV_STATUS_SUCCESS);
	return t;
}

/* The n-th page that has no neighbour among the others. */
static uint64_t lone(uint32_t n)
{
	uint32_t low = (uint32_t)(VSMTEST_RAM0_SIZE / (2 * HV_PAGE_SIZE));

	return n < low ? n * 2ull * HV_PAGE_SIZE :
			 VSMTEST_RAM1_GPA + (n - low) * 2ull * HV_PAGE_SIZE;
}

/* VTL2 sets pages [from, to) of them in the set of VTL1. */
static void set_lone(struct vsmtest *t, uint32_t from, uint32_t to, uint32_t mask)
{
	struct vsmtest_modify in;
	uint32_t n;

	for (; from < to; from += n) {
		n = to - from < 510 ? to - from : 510;
		vsmtest_modify_init(&in, mask);
		in.header.target_vtl = VTL1;
		for (uint32_t i = 0; i < n; i++)
			in.page[i] = lone(from + i) >> HV_PAGE_SHIFT;
		assert_status(vsmtest_modify_call(t, 0, &in, n), HV_STATUS_SUCCESS);
	}
}

/* What VTL0 has of the first n of them, by table and host. */
static void assert_lone(struct vsmtest *t, uint32_t n, uint32_t want)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t rights = 99;

		assert_err(vsm_gpa_rights(t->vsm, 0, lone(i), &rights), 0);
		ck_assert_uint_eq(rights, want);
		ck_assert_uint_eq(vsmtest_view(t, 0, lone(i)), want);
	}
}

/* Nobody owns the op: the other VP can place a page. */
static void assert_released(struct vsmtest *t)
{
	assert_verdict(vsmtest_wrmsr(t, 1, HV_X64_MSR_SIMP, VSMTEST_SIMP_GPA(1, 0) | 1),
		       VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_wrmsr(t, 1, HV_X64_MSR_SIMP, 0), VSM_VERDICT_RESUME);
}

START_TEST(a_set_is_switched_on_wholly_or_not_at_all)
{
	struct vsmtest *t = in_vtl2();

	set_lone(t, 0, 6, R);
	/* Six ranges; a host that fails and has done them all is not believed. */
	for (uint32_t done = 0; done < 8; done++) {
		vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, -VSM_ERR_HOST);
		t->fault[VSMTEST_PROTECT].done = done;
		assert_status(vsmtest_set(t, 0, VTL1, CONFIG, ON), HV_STATUS_OPERATION_DENIED);
		ck_assert_uint_eq(vsmtest_value(t, 0, VTL1, CONFIG), OFF);
		assert_lone(t, 6, VSM_RIGHTS_ALL);
		assert_released(t);
	}
	assert_status(vsmtest_set(t, 0, VTL1, CONFIG, ON), HV_STATUS_SUCCESS);
	assert_lone(t, 6, R);
	vsmtest_free(t);
}
END_TEST

START_TEST(more_runs_than_a_list_has_room_for_are_refused_before_the_host_is_asked)
{
	struct vsmtest *t = in_vtl2();
	uint32_t asked = t->count[VSMTEST_PROTECT];

	set_lone(t, 0, RUNS_MAX + 1, R);
	assert_status(vsmtest_set(t, 0, VTL1, CONFIG, ON), HV_STATUS_INSUFFICIENT_MEMORY);
	ck_assert_uint_eq(t->count[VSMTEST_PROTECT], asked);
	ck_assert_uint_eq(vsmtest_value(t, 0, VTL1, CONFIG), OFF);
	assert_lone(t, RUNS_MAX + 1, VSM_RIGHTS_ALL);
	assert_released(t);
	/* One less fits. */
	set_lone(t, RUNS_MAX, RUNS_MAX + 1, VSM_RIGHTS_ALL);
	assert_status(vsmtest_set(t, 0, VTL1, CONFIG, ON), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->count[VSMTEST_PROTECT], asked + 1);
	assert_lone(t, RUNS_MAX, R);
	vsmtest_free(t);
}
END_TEST

/* -VSM_ERR_STATE, or the host cannot give back what it applied: the VP must not run on, which is an
 * error of the entry. The table is as before, and other VPs are not kept from theirs. */
static void lost(uint32_t set_on, int err, uint32_t times)
{
	struct vsmtest *t = in_vtl2();
	uint32_t got, rights;

	set_lone(t, 0, 3, R);
	t->relaxed = 1;
	if (set_on)
		assert_status(vsmtest_set(t, 0, VTL1, CONFIG, ON), HV_STATUS_SUCCESS);
	vsmtest_fail_op(t, VSMTEST_PROTECT, 1, times, err);
	t->fault[VSMTEST_PROTECT].done = times == 2;
	if (set_on) {
		/* All for VTL0, then all for VTL1: the first range is half of an element. */
		assert_status(vsmtest_set(t, 0, 0, CONFIG, ON), HV_STATUS_SUCCESS);
	}
	got = set_on ? vsmtest_modify_gpa(t, 0, 0, VSMTEST_DATA_GPA) :
		       vsmtest_set(t, 0, VTL1, CONFIG, ON);
	assert_status(got, VSMTEST_VERDICT(-VSM_ERR_HOST));
	ck_assert_uint_eq(vsmtest_reg(t, 0, 2, HV_X64_REGISTER_RIP), VSMTEST_TRAP_RIP);
	for (uint32_t vtl = 0; vtl < 2; vtl++) {
		assert_err(vsm_gpa_rights(t->vsm, vtl, VSMTEST_DATA_GPA, &rights), 0);
		ck_assert_uint_eq(rights, VSM_RIGHTS_ALL);
	}
	assert_err(vsm_gpa_rights(t->vsm, 0, lone(0), &rights), 0);
	ck_assert_uint_eq(rights, set_on ? R : VSM_RIGHTS_ALL);
	assert_released(t);
	/* The host has come to its senses: the same call is made again. */
	assert_verdict(vsmtest_again(t, 0), VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
	assert_err(vsm_gpa_rights(t->vsm, 0, set_on ? VSMTEST_DATA_GPA : lone(0), &rights), 0);
	ck_assert_uint_eq(rights, set_on ? 0 : R);
	vsmtest_free(t);
}

START_TEST(a_host_that_has_lost_its_state_stops_the_vp)
{
	lost(0, -VSM_ERR_STATE, 1);
	lost(1, -VSM_ERR_STATE, 1);
}
END_TEST

START_TEST(a_host_that_cannot_give_back_stops_the_vp)
{
	lost(0, -VSM_ERR_HOST, 2);
	lost(1, -VSM_ERR_HOST, 2);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(a_set_is_switched_on_wholly_or_not_at_all),
	VSMTEST_CASE(more_runs_than_a_list_has_room_for_are_refused_before_the_host_is_asked),
	VSMTEST_CASE(a_host_that_has_lost_its_state_stops_the_vp),
	VSMTEST_CASE(a_host_that_cannot_give_back_stops_the_vp),
};

int main(void)
{
	return vsmtest_main("review_protect", cases, VSMTEST_COUNT(cases));
}
