/* SPDX-License-Identifier: BSD-3-Clause */
/* Ops that answer VSM_PENDING and end by vsm_op_complete(). */
#include <pthread.h>
#include <string.h>

#include "vsmtest.h"

#define R HV_MAP_GPA_READABLE
#define A 0x150000ull
#define B 0x151000ull

#define PAGE(n) ((VSMTEST_DATA_GPA >> HV_PAGE_SHIFT) + (n))

static struct vsmtest *machine(uint32_t vps)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	opts.vps = vps;
	t = vsmtest_new(&opts);
	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	return t;
}

/* VTL1 protects pages 0, 2, 4 ...: as many ranges. */
static uint32_t modify(struct vsmtest *t, uint32_t count)
{
	uint64_t page[16];
	uint32_t i;

	for (i = 0; i < count; i++)
		page[i] = PAGE(2 * i);
	return vsmtest_modify(t, 0, R, page, count);
}

static void assert_waits(struct vsmtest *t, uint32_t vp)
{
	uint64_t value;

	ck_assert_int_eq(vsm_vp_runnable(t->vp[vp].vp), 0);
	assert_verdict(vsmtest_prepare(t, vp), VSM_VERDICT_BLOCKED);
	assert_err(vsmtest_rdmsr(t, vp, HV_X64_MSR_VP_INDEX, &value), -VSM_ERR_MISUSE);
	assert_err(vsmtest_trap(t, vp, VSMTEST_TRAP_RIP, 3), -VSM_ERR_MISUSE);
	assert_err(vsmtest_fault(t, vp, VSMTEST_DATA_GPA, HV_INTERCEPT_ACCESS_WRITE),
		   -VSM_ERR_MISUSE);
	ck_assert_int_eq(vsm_vp_runnable(t->vp[vp].vp), 0);
}

START_TEST(a_pending_protect_blocks_until_it_ends)
{
	struct vsmtest *t = machine(1);

	vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, VSM_PENDING);
	assert_status(modify(t, 2), VSMTEST_VERDICT(VSM_VERDICT_BLOCKED));
	ck_assert_uint_eq(vsmtest_reg(t, 0, 1, HV_X64_REGISTER_RIP), VSMTEST_TRAP_RIP);
	assert_waits(t, 0);
	t->vp[0].kicks = 0;
	assert_err(vsmtest_complete(t, VSMTEST_PROTECT, 0, 0), 0);
	ck_assert_uint_ge(t->vp[0].kicks, 1);
	ck_assert_int_eq(vsm_vp_runnable(t->vp[0].vp), 1);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->reps, 2);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 1, HV_X64_REGISTER_RIP), VSMTEST_TRAP_RIP + 3);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), R);
	/* Rights were taken away, so translations went too. */
	ck_assert_uint_eq(t->count[VSMTEST_TLB_FLUSH], 1);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_pending_protect_may_fail_half_way)
{
	struct vsmtest *t = machine(1);
	uint32_t done, i;

	for (done = 0; done <= 3; done++) {
		vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, VSM_PENDING);
		assert_status(modify(t, 4), VSMTEST_VERDICT(VSM_VERDICT_BLOCKED));
		assert_err(vsmtest_complete(t, VSMTEST_PROTECT, -VSM_ERR_HOST, done), 0);
		assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
		assert_status(vsmtest_status(t, 0), HV_STATUS_OPERATION_DENIED);
		ck_assert_uint_eq(t->reps, done);
		for (i = 0; i < 4; i++) {
			uint32_t rights;

			assert_err(vsm_gpa_rights(t->vsm, 0, PAGE(2 * i) << 12, &rights), 0);
			ck_assert_uint_eq(rights, i < done ? R : VSM_RIGHTS_ALL);
			assert_status(vsmtest_modify_gpa(t, 0, VSM_RIGHTS_ALL, PAGE(2 * i) << 12),
				      HV_STATUS_SUCCESS);
		}
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(a_pending_protect_without_memory_says_so)
{
	struct vsmtest *t = machine(1);

	vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, VSM_PENDING);
	assert_status(modify(t, 1), VSMTEST_VERDICT(VSM_VERDICT_BLOCKED));
	assert_err(vsmtest_complete(t, VSMTEST_PROTECT, -VSM_ERR_NOMEM, 0), 0);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_INSUFFICIENT_MEMORY);
	vsmtest_free(t);
}
END_TEST

START_TEST(an_impossible_done_is_survived)
{
	struct vsmtest *t = machine(1);

	t->relaxed = 1;
	vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, VSM_PENDING);
	assert_status(modify(t, 2), VSMTEST_VERDICT(VSM_VERDICT_BLOCKED));
	assert_err(vsmtest_complete(t, VSMTEST_PROTECT, -VSM_ERR_HOST, 0xffffffff), 0);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_OPERATION_DENIED);
	ck_assert_uint_le(t->reps, 2);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_pending_flush_blocks_as_well)
{
	struct vsmtest *t = machine(1);

	vsmtest_fail_op(t, VSMTEST_TLB_FLUSH, 1, 1, VSM_PENDING);
	assert_status(modify(t, 1), VSMTEST_VERDICT(VSM_VERDICT_BLOCKED));
	assert_waits(t, 0);
	assert_err(vsmtest_complete(t, VSMTEST_TLB_FLUSH, 0, 0), 0);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->reps, 1);
	vsmtest_free(t);
}
END_TEST

START_TEST(both_one_after_the_other)
{
	struct vsmtest *t = machine(1);

	vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, VSM_PENDING);
	vsmtest_fail_op(t, VSMTEST_TLB_FLUSH, 1, 1, VSM_PENDING);
	assert_status(modify(t, 3), VSMTEST_VERDICT(VSM_VERDICT_BLOCKED));
	assert_err(vsmtest_complete(t, VSMTEST_PROTECT, 0, 0), 0);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_BLOCKED);
	assert_err(vsmtest_complete(t, VSMTEST_TLB_FLUSH, 0, 0), 0);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->reps, 3);
	vsmtest_free(t);
}
END_TEST

START_TEST(each_part_of_a_list_may_pend)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;
	uint64_t page[6];
	uint32_t i, rounds = 0;
	int verdict;

	vsmtest_opts_init(&opts);
	opts.config.hypercall_budget = 2;
	t = vsmtest_new(&opts);
	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	for (i = 0; i < 6; i++)
		page[i] = PAGE(2 * i);
	vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 100, VSM_PENDING);
	verdict = (int)(vsmtest_modify(t, 0, R, page, 6) - 0x10100);
	while (verdict == VSM_VERDICT_BLOCKED) {
		rounds++;
		assert_err(vsmtest_complete(t, VSMTEST_PROTECT, 0, 0), 0);
		verdict = vsmtest_prepare(t, 0);
		if (verdict == VSM_VERDICT_RETRY)
			verdict = vsmtest_again(t, 0);
	}
	assert_verdict(verdict, VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->reps, 6);
	ck_assert_uint_eq(rounds, 3);
	vsmtest_free(t);
}
END_TEST

START_TEST(bad_completions_are_refused)
{
	struct vsmtest *t = machine(1);
	uint64_t token;

	assert_err(vsm_op_complete(t->vsm, 0, 0, 0), -VSM_ERR_NOTFOUND);
	vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, VSM_PENDING);
	assert_status(modify(t, 1), VSMTEST_VERDICT(VSM_VERDICT_BLOCKED));
	token = t->pending[VSMTEST_PROTECT].token;
	assert_err(vsm_op_complete(t->vsm, token + 1, 0, 0), -VSM_ERR_NOTFOUND);
	assert_err(vsm_op_complete(t->vsm, ~token, 0, 0), -VSM_ERR_NOTFOUND);
	assert_err(vsm_op_complete(t->vsm, token, 1, 0), -VSM_ERR_INVAL);
	assert_err(vsm_op_complete(NULL, token, 0, 0), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_vp_runnable(t->vp[0].vp), 0);
	assert_err(vsmtest_complete(t, VSMTEST_PROTECT, 0, 0), 0);
	/* Once only, before and after the VP took notice. */
	assert_err(vsm_op_complete(t->vsm, token, 0, 0), -VSM_ERR_NOTFOUND);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	assert_err(vsm_op_complete(t->vsm, token, 0, 0), -VSM_ERR_NOTFOUND);
	vsmtest_free(t);
}
END_TEST

START_TEST(an_op_may_end_before_it_says_pending)
{
	struct vsmtest *t = machine(1);

	t->early = 1;
	vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, VSM_PENDING);
	/* It is noticed at once. */
	assert_status(modify(t, 2), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->reps, 2);
	vsmtest_free(t);
}
END_TEST

static void *complete_thread(void *arg)
{
	struct vsmtest *t = arg;

	return (void *)(intptr_t)vsmtest_complete(t, VSMTEST_PROTECT, 0, 0);
}

START_TEST(any_thread_may_complete)
{
	struct vsmtest *t = machine(1);
	pthread_t thread;
	uint32_t round;
	void *err;

	t->relaxed = 1;
	for (round = 0; round < 100; round++) {
		uint32_t flags = round % 2 ? VSM_RIGHTS_ALL : R;
		uint64_t page = PAGE(0);
		int verdict = VSM_VERDICT_BLOCKED;

		vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, VSM_PENDING);
		assert_status(vsmtest_modify(t, 0, flags, &page, 1),
			      VSMTEST_VERDICT(VSM_VERDICT_BLOCKED));
		ck_assert_int_eq(pthread_create(&thread, NULL, complete_thread, t), 0);
		while (verdict == VSM_VERDICT_BLOCKED)
			verdict = vsmtest_prepare(t, 0);
		pthread_join(thread, &err);
		ck_assert_int_eq((int)(intptr_t)err, 0);
		assert_verdict(verdict, VSM_VERDICT_RESUME);
		assert_status(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
		ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), flags);
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(a_pending_overlay_blocks_the_msr_write)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint64_t value;

	vsmtest_fail_op(t, VSMTEST_OVERLAY_MAP, 1, 1, VSM_PENDING);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, A | 1), VSM_VERDICT_BLOCKED);
	assert_waits(t, 0);
	assert_err(vsmtest_complete(t, VSMTEST_OVERLAY_MAP, 0, 0), 0);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_rdmsr(t, 0, HV_X64_MSR_SIMP, &value), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(value, A | 1);
	ck_assert_ptr_nonnull(vsmtest_overlay(t, 0, A));
	vsmtest_free(t);
}
END_TEST

START_TEST(a_pending_overlay_that_fails_is_gp)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint64_t hash = vsmtest_hash(t);

	vsmtest_fail_op(t, VSMTEST_OVERLAY_MAP, 1, 1, VSM_PENDING);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, A | 1), VSM_VERDICT_BLOCKED);
	assert_err(vsmtest_complete(t, VSMTEST_OVERLAY_MAP, -VSM_ERR_NOMEM, 0), 0);
	assert_exception(t, 0, vsmtest_prepare(t, 0), X86_GP);
	assert_same(t, hash);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_move_may_pend_at_each_step)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint32_t steps = 0;
	uint64_t value;
	int verdict;

	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, A | 1), VSM_VERDICT_RESUME);
	memset(vsmtest_see(t, 0, A), 0x51, VSMTEST_PAGE);
	vsmtest_fail_op(t, VSMTEST_OVERLAY_MAP, 1, 100, VSM_PENDING);
	verdict = vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, B | 1);
	while (verdict == VSM_VERDICT_BLOCKED) {
		steps++;
		assert_err(vsmtest_complete(t, VSMTEST_OVERLAY_MAP, 0, 0), 0);
		verdict = vsmtest_prepare(t, 0);
	}
	assert_verdict(verdict, VSM_VERDICT_RESUME);
	ck_assert_uint_eq(steps, 2);
	ck_assert_ptr_null(vsmtest_overlay(t, 0, A));
	ck_assert_uint_eq(*vsmtest_see(t, 0, B), 0x51);
	assert_verdict(vsmtest_rdmsr(t, 0, HV_X64_MSR_SIMP, &value), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(value, B | 1);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_move_that_fails_at_its_second_step_is_undone)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint64_t hash;

	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, A | 1), VSM_VERDICT_RESUME);
	hash = vsmtest_hash(t);
	vsmtest_fail_op(t, VSMTEST_OVERLAY_MAP, 1, 2, VSM_PENDING);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, B | 1), VSM_VERDICT_BLOCKED);
	assert_err(vsmtest_complete(t, VSMTEST_OVERLAY_MAP, 0, 0), 0);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_BLOCKED);
	assert_err(vsmtest_complete(t, VSMTEST_OVERLAY_MAP, -VSM_ERR_HOST, 0), 0);
	assert_exception(t, 0, vsmtest_prepare(t, 0), X86_GP);
	assert_same(t, hash);
	vsmtest_free(t);
}
END_TEST

START_TEST(the_hypercall_page_may_pend_too)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint64_t value;

	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_GUEST_OS_ID, 1), VSM_VERDICT_RESUME);
	vsmtest_fail_op(t, VSMTEST_OVERLAY_MAP, 1, 2, VSM_PENDING);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_HYPERCALL, 0x10001), VSM_VERDICT_BLOCKED);
	assert_err(vsmtest_complete(t, VSMTEST_OVERLAY_MAP, 0, 0), 0);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	/* Taking it away by GUEST_OS_ID = 0. */
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_GUEST_OS_ID, 0), VSM_VERDICT_BLOCKED);
	assert_err(vsmtest_complete(t, VSMTEST_OVERLAY_MAP, 0, 0), 0);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(vsmtest_overlays(t, 0), 0);
	assert_verdict(vsmtest_rdmsr(t, 0, HV_X64_MSR_GUEST_OS_ID, &value), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(value, 0);
	assert_verdict(vsmtest_rdmsr(t, 0, HV_X64_MSR_HYPERCALL, &value), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(value & 1, 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_set_register_may_wait_for_an_overlay)
{
	struct vsmtest *t = machine(1);

	vsmtest_fail_op(t, VSMTEST_OVERLAY_MAP, 1, 1, VSM_PENDING);
	assert_status(vsmtest_set(t, 0, VSMTEST_VTL(0), HV_REGISTER_VP_ASSIST_PAGE, A | 1),
		      VSMTEST_VERDICT(VSM_VERDICT_BLOCKED));
	assert_waits(t, 0);
	assert_err(vsmtest_complete(t, VSMTEST_OVERLAY_MAP, 0, 0), 0);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->reps, 1);
	ck_assert_ptr_nonnull(vsmtest_overlay(t, 0, A));
	/* And one that fails is a failed element. */
	vsmtest_fail_op(t, VSMTEST_OVERLAY_MAP, 1, 1, VSM_PENDING);
	assert_status(vsmtest_set(t, 0, VSMTEST_VTL(0), HV_REGISTER_SIMP, B | 1),
		      VSMTEST_VERDICT(VSM_VERDICT_BLOCKED));
	assert_err(vsmtest_complete(t, VSMTEST_OVERLAY_MAP, -VSM_ERR_HOST, 0), 0);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	ck_assert_uint_ne(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->reps, 0);
	ck_assert_uint_eq(vsmtest_value(t, 0, VSMTEST_VTL(0), HV_REGISTER_SIMP), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(switching_protection_on_may_pend)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, VSM_PENDING);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 0x20 | 0xd << 1 | 1),
		      VSMTEST_VERDICT(VSM_VERDICT_BLOCKED));
	assert_err(vsmtest_complete(t, VSMTEST_PROTECT, 0, 0), 0);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), 0xd);
	ck_assert_uint_eq(vsmtest_value(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG),
			  0x20 | 0xd << 1 | 1);
	vsmtest_free(t);
}
END_TEST

START_TEST(other_vps_go_on_while_one_waits)
{
	struct vsmtest *t = machine(2);
	uint64_t value;

	vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, VSM_PENDING);
	assert_status(modify(t, 1), VSMTEST_VERDICT(VSM_VERDICT_BLOCKED));
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_rdmsr(t, 1, HV_X64_MSR_VP_INDEX, &value), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(vsmtest_value(t, 1, 0, HV_REGISTER_VSM_VP_STATUS), 0x10000);
	assert_err(vsmtest_complete(t, VSMTEST_PROTECT, 0, 0), 0);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	vsmtest_free(t);
}
END_TEST

START_TEST(two_vps_take_turns)
{
	struct vsmtest *t = machine(2);
	struct hv_initial_vp_context context;
	uint64_t page = PAGE(7);

	vsmtest_context64(&context);
	assert_status(vsmtest_enable_vp_vtl(t, 0, 1, 1, &context), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_vtl_call(t, 1), VSM_VERDICT_SWITCHED);
	vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, VSM_PENDING);
	assert_status(modify(t, 1), VSMTEST_VERDICT(VSM_VERDICT_BLOCKED));
	/* The second one waits for the first, and does not lose its page. */
	assert_status(vsmtest_modify(t, 1, R, &page, 1), VSMTEST_VERDICT(VSM_VERDICT_BLOCKED));
	ck_assert_int_eq(vsm_vp_runnable(t->vp[1].vp), 0);
	t->vp[1].kicks = 0;
	assert_err(vsmtest_complete(t, VSMTEST_PROTECT, 0, 0), 0);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	ck_assert_uint_ge(t->vp[1].kicks, 1);
	ck_assert_int_eq(vsm_vp_runnable(t->vp[1].vp), 1);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RETRY);
	assert_verdict(vsmtest_again(t, 1), VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 1), HV_STATUS_SUCCESS);
	assert_status(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsmtest_view(t, 0, PAGE(0) << 12), R);
	ck_assert_uint_eq(vsmtest_view(t, 0, PAGE(7) << 12), R);
	vsmtest_free(t);
}
END_TEST

START_TEST(two_msr_writes_take_turns)
{
	uint64_t value;
	int verdict;
	struct vsmtest *t = vsmtest_new_vps(2);

	vsmtest_fail_op(t, VSMTEST_OVERLAY_MAP, 1, 1, VSM_PENDING);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, A | 1), VSM_VERDICT_BLOCKED);
	verdict = vsmtest_wrmsr(t, 1, HV_X64_MSR_SIMP, B | 1);
	assert_err(vsmtest_complete(t, VSMTEST_OVERLAY_MAP, 0, 0), 0);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	if (verdict == VSM_VERDICT_BLOCKED)
		verdict = vsmtest_prepare(t, 1);
	/* An MSR exit that waited is finished by run_prepare, not executed again. */
	assert_verdict(verdict, VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_rdmsr(t, 1, HV_X64_MSR_SIMP, &value), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(value, B | 1);
	ck_assert_uint_eq(vsmtest_overlay(t, 0, A)->vp, 0);
	ck_assert_uint_eq(vsmtest_overlay(t, 0, B)->vp, 1);
	vsmtest_free(t);
}
END_TEST

START_TEST(without_kick_nothing_may_pend)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	opts.null_ops = VSMTEST_BIT(VSMTEST_KICK);
	t = vsmtest_new(&opts);
	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	t->relaxed = 1;
	vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, VSM_PENDING);
	assert_status(modify(t, 1), HV_STATUS_OPERATION_DENIED);
	vsmtest_free(t);
}
END_TEST

START_TEST(nothing_may_pend_in_a_reset)
{
	struct vsmtest *t = machine(1);

	t->relaxed = 1;
	vsmtest_fail_op(t, VSMTEST_OVERLAY_MAP, 1, 1, VSM_PENDING);
	assert_err(vsmtest_reset(t), -VSM_ERR_HOST);
	vsmtest_no_faults(t);
	t->pending[VSMTEST_OVERLAY_MAP].active = 0;
	assert_err(vsmtest_reset(t), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_reset_ends_every_wait)
{
	struct vsmtest *t = machine(1);
	uint64_t token;

	vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, VSM_PENDING);
	assert_status(modify(t, 1), VSMTEST_VERDICT(VSM_VERDICT_BLOCKED));
	token = t->pending[VSMTEST_PROTECT].token;
	t->pending[VSMTEST_PROTECT].active = 0;
	assert_err(vsmtest_reset(t), 0);
	ck_assert_int_eq(vsm_vp_runnable(t->vp[0].vp), 1);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	assert_err(vsm_op_complete(t->vsm, token, 0, 0), -VSM_ERR_NOTFOUND);
	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(modify(t, 1), HV_STATUS_SUCCESS);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_waiting_call_stands_at_its_trap_wherever_rip_was)
{
	struct vsmtest *t = machine(2);

	t->rip_moved = 1;
	vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, VSM_PENDING);
	assert_status(modify(t, 1), VSMTEST_VERDICT(VSM_VERDICT_BLOCKED));
	ck_assert_uint_eq(vsmtest_reg(t, 0, 1, HV_X64_REGISTER_RIP), VSMTEST_TRAP_RIP);
	assert_err(vsmtest_complete(t, VSMTEST_PROTECT, 0, 0), 0);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 1, HV_X64_REGISTER_RIP), VSMTEST_TRAP_RIP + 3);
	/* The same for a register of another VP. */
	assert_status(vsmtest_get_of(t, 0, 1, VSMTEST_VTL(0), HV_X64_REGISTER_CR3, NULL),
		      VSMTEST_VERDICT(VSM_VERDICT_BLOCKED));
	ck_assert_uint_eq(vsmtest_reg(t, 0, 1, HV_X64_REGISTER_RIP), VSMTEST_TRAP_RIP);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 1, HV_X64_REGISTER_RIP), VSMTEST_TRAP_RIP + 3);
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(a_pending_protect_blocks_until_it_ends),
	VSMTEST_CASE(a_pending_protect_may_fail_half_way),
	VSMTEST_CASE(a_pending_protect_without_memory_says_so),
	VSMTEST_CASE(an_impossible_done_is_survived),
	VSMTEST_CASE(a_pending_flush_blocks_as_well),
	VSMTEST_CASE(both_one_after_the_other),
	VSMTEST_CASE(each_part_of_a_list_may_pend),
	VSMTEST_CASE(bad_completions_are_refused),
	VSMTEST_CASE(an_op_may_end_before_it_says_pending),
	VSMTEST_CASE(any_thread_may_complete),
	VSMTEST_CASE(a_pending_overlay_blocks_the_msr_write),
	VSMTEST_CASE(a_pending_overlay_that_fails_is_gp),
	VSMTEST_CASE(a_move_may_pend_at_each_step),
	VSMTEST_CASE(a_move_that_fails_at_its_second_step_is_undone),
	VSMTEST_CASE(the_hypercall_page_may_pend_too),
	VSMTEST_CASE(a_set_register_may_wait_for_an_overlay),
	VSMTEST_CASE(switching_protection_on_may_pend),
	VSMTEST_CASE(other_vps_go_on_while_one_waits),
	VSMTEST_CASE(two_vps_take_turns),
	VSMTEST_CASE(two_msr_writes_take_turns),
	VSMTEST_CASE(without_kick_nothing_may_pend),
	VSMTEST_CASE(nothing_may_pend_in_a_reset),
	VSMTEST_CASE(a_reset_ends_every_wait),
	VSMTEST_CASE(a_waiting_call_stands_at_its_trap_wherever_rip_was),
};

int main(void)
{
	return vsmtest_main("pending", cases, VSMTEST_COUNT(cases));
}
