/* SPDX-License-Identifier: BSD-3-Clause */
/* Registers of other VPs: posted to the target, done by its thread (TLFS 7.10). */
#define _POSIX_C_SOURCE 200112L

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "vsmtest.h"

#define VTL0 VSMTEST_VTL(0)
#define VTL1 VSMTEST_VTL(1)

#define BLOCKED VSMTEST_VERDICT(VSM_VERDICT_BLOCKED)

/* VP slots 0, 1, 2 have the indices 0, 5, 7 of 8. */
static struct vsmtest *machine(void)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;
	uint32_t i;

	vsmtest_opts_init(&opts);
	opts.vps = 3;
	opts.config.max_vps = 8;
	opts.vp_index[1] = 5;
	opts.vp_index[2] = 7;
	t = vsmtest_new(&opts);
	for (i = 0; i < 3; i++)
		assert_verdict(vsmtest_hypercalls_on(t, i), VSM_VERDICT_RESUME);
	for (i = 0; i < 3; i++) {
		vsmtest_reg_set(t, i, 0, HV_X64_REGISTER_CR3, 0x10000 + 0x1000ull * i);
		vsmtest_reg_set(t, i, 0, HV_X64_REGISTER_RIP, 0x770000 + i);
	}
	return t;
}

/* The target serves, the caller finishes. @return status. */
static uint32_t serve(struct vsmtest *t, uint32_t caller, uint32_t target)
{
	int verdict;

	ck_assert_uint_ge(t->vp[target].kicks, 1);
	ck_assert_int_eq(vsm_vp_runnable(t->vp[target].vp), 1);
	ck_assert_int_eq(vsm_vp_runnable(t->vp[caller].vp), 0);
	assert_verdict(vsmtest_prepare(t, caller), VSM_VERDICT_BLOCKED);
	t->vp[target].kicks = t->vp[caller].kicks = 0;
	assert_verdict(vsmtest_prepare(t, target), VSM_VERDICT_RESUME);
	ck_assert_uint_ge(t->vp[caller].kicks, 1);
	ck_assert_int_eq(vsm_vp_runnable(t->vp[caller].vp), 1);
	verdict = vsmtest_prepare(t, caller);
	if (verdict != VSM_VERDICT_RESUME)
		return VSMTEST_VERDICT(verdict);
	return vsmtest_status(t, caller);
}

static const struct hv_register_value *out(struct vsmtest *t, uint32_t vp)
{
	return vsmtest_out(t, vp);
}

START_TEST(a_get_is_done_by_the_targets_thread)
{
	struct vsmtest *t = machine();
	uint32_t since, i;

	since = t->calls;
	assert_status(vsmtest_get_of(t, 0, 5, 0, HV_X64_REGISTER_CR3, NULL), BLOCKED);
	for (i = since; i != t->calls; i++)
		ck_assert(t->call[i % VSMTEST_MAX_CALLS].vp != 1 ||
			  t->call[i % VSMTEST_MAX_CALLS].op == VSMTEST_KICK);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RIP), VSMTEST_TRAP_RIP);
	assert_status(serve(t, 0, 1), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->reps, 1);
	ck_assert_uint_eq(out(t, 0)->low, 0x11000);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RIP), VSMTEST_TRAP_RIP + 3);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 0, HV_X64_REGISTER_RIP), 0x770001);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_set_is_done_by_the_targets_thread)
{
	struct vsmtest *t = machine();
	struct hv_register_value value = { 0x5000, 0 };

	assert_status(vsmtest_set_of(t, 0, 7, 0, HV_X64_REGISTER_CR3, value), BLOCKED);
	ck_assert_uint_eq(vsmtest_reg(t, 2, 0, HV_X64_REGISTER_CR3), 0x12000);
	assert_status(serve(t, 0, 2), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsmtest_reg(t, 2, 0, HV_X64_REGISTER_CR3), 0x5000);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_CR3), 0x10000);
	vsmtest_free(t);
}
END_TEST

START_TEST(another_vp_may_be_sent_elsewhere)
{
	struct vsmtest *t = machine();
	struct hv_register_value value = { 0x123000, 0 };

	/* Not its own running state, so nothing that a hypercall under way depends on. */
	assert_status(vsmtest_set_of(t, 0, 5, 0, HV_X64_REGISTER_RIP, value), BLOCKED);
	assert_status(serve(t, 0, 1), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 0, HV_X64_REGISTER_RIP), 0x123000);
	vsmtest_free(t);
}
END_TEST

START_TEST(the_own_index_needs_nobody_else)
{
	struct vsmtest *t = machine();
	struct hv_register_value value;

	assert_status(vsmtest_get_of(t, 1, 5, 0, HV_X64_REGISTER_CR3, &value), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(value.low, 0x11000);
	ck_assert_uint_eq(t->count[VSMTEST_KICK], 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(absent_vps_are_invalid_indices)
{
	static const uint32_t absent[] = {
		1, 4, 6, 8, 2048, 0x7fffffff, HV_VP_INDEX_ANY, 0xfffffffd
	};
	struct vsmtest *t = machine();
	struct hv_register_value value = { 0, 0 };
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(absent); i++) {
		assert_status(vsmtest_get_of(t, 0, absent[i], 0, HV_X64_REGISTER_CR3, NULL),
			      HV_STATUS_INVALID_VP_INDEX);
		assert_status(vsmtest_set_of(t, 0, absent[i], 0, HV_X64_REGISTER_CR3, value),
			      HV_STATUS_INVALID_VP_INDEX);
	}
	ck_assert_uint_eq(t->count[VSMTEST_KICK], 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(refusals_need_no_kick)
{
	struct vsmtest *t = machine();
	struct hv_register_value bad = { 1ull << 60, 0 };

	assert_status(vsmtest_get_of(t, 0, 5, VTL1, HV_X64_REGISTER_CR3, NULL),
		      HV_STATUS_ACCESS_DENIED);
	assert_status(vsmtest_set_of(t, 0, 5, VTL1, HV_X64_REGISTER_CR3, bad),
		      HV_STATUS_ACCESS_DENIED);
	ck_assert_uint_eq(t->count[VSMTEST_KICK], 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(bad_values_and_names_are_refused_for_others_too)
{
	struct vsmtest *t = machine();
	struct hv_register_value bad = { 1ull << 60, 0 };
	uint32_t status = vsmtest_set_of(t, 0, 5, 0, HV_X64_REGISTER_CR3, bad);

	if (status == BLOCKED)
		status = serve(t, 0, 1);
	assert_status(status, HV_STATUS_INVALID_REGISTER_VALUE);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 0, HV_X64_REGISTER_CR3), 0x11000);
	status = vsmtest_get_of(t, 0, 5, 0, 0x12345678, NULL);
	if (status == BLOCKED)
		status = serve(t, 0, 1);
	assert_status(status, HV_STATUS_INVALID_PARAMETER);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_list_is_done_in_order)
{
	struct vsmtest *t = machine();
	struct {
		struct hv_input_get_vp_registers header;
		uint32_t name[4];
	} in = { { HV_PARTITION_ID_SELF, 5, 0, { 0 } },
		 { HV_X64_REGISTER_CR3, HV_REGISTER_VP_INDEX, HV_X64_REGISTER_RIP, 0x12345678 } };
	uint32_t status = vsmtest_call_mem(t, 0, VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 4), &in, 32);

	while (status == BLOCKED) {
		int verdict;

		assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
		verdict = vsmtest_prepare(t, 0);
		if (verdict == VSM_VERDICT_RETRY)
			verdict = vsmtest_again(t, 0);
		status = verdict == VSM_VERDICT_RESUME ? vsmtest_status(t, 0) :
							 VSMTEST_VERDICT(verdict);
	}
	assert_status(status, HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(t->reps, 3);
	ck_assert_uint_eq(out(t, 0)[0].low, 0x11000);
	ck_assert_uint_eq(out(t, 0)[1].low, 5);
	ck_assert_uint_eq(out(t, 0)[2].low, 0x770001);
	vsmtest_free(t);
}
END_TEST

START_TEST(library_registers_of_others_are_theirs)
{
	struct vsmtest *t = machine();
	uint32_t status;

	assert_verdict(vsmtest_synic_on(t, 1), VSM_VERDICT_RESUME);
	status = vsmtest_get_of(t, 0, 5, 0, HV_REGISTER_SIMP, NULL);
	if (status == BLOCKED)
		status = serve(t, 0, 1);
	assert_status(status, HV_STATUS_SUCCESS);
	ck_assert_uint_eq(out(t, 0)->low, VSMTEST_SIMP_GPA(1, 0) | 1);
	vsmtest_free(t);
}
END_TEST

START_TEST(vp_status_tells_of_the_addressed_vp)
{
	struct vsmtest *t = machine();
	uint32_t status;

	assert_status(vsmtest_enter_vtl1(t, 1), HV_STATUS_SUCCESS);
	status = vsmtest_get_of(t, 0, 5, 0, HV_REGISTER_VSM_VP_STATUS, NULL);
	if (status == BLOCKED)
		status = serve(t, 0, 1);
	assert_status(status, HV_STATUS_SUCCESS);
	ck_assert_uint_eq(out(t, 0)->low, 0x30001);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_shared_register_is_taken_from_the_active_vtl_of_its_vp)
{
	struct vsmtest *t = machine();
	struct hv_register_value value = { 0x2525, 0 };
	struct hv_initial_vp_context context;

	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	vsmtest_context64(&context);
	assert_status(vsmtest_enable_vp_vtl(t, 0, 5, 1, &context), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_vtl_call(t, 1), VSM_VERDICT_SWITCHED);
	vsmtest_reg_set(t, 1, 1, HV_X64_REGISTER_R15, 0x1515);
	assert_status(vsmtest_get_of(t, 0, 5, VTL0, HV_X64_REGISTER_R15, NULL), BLOCKED);
	assert_status(serve(t, 0, 1), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(out(t, 0)->low, 0x1515);
	assert_status(vsmtest_set_of(t, 0, 5, VTL0, HV_X64_REGISTER_R15, value), BLOCKED);
	assert_status(serve(t, 0, 1), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 1, HV_X64_REGISTER_R15), 0x2525);
	vsmtest_free(t);
}
END_TEST

/* VTL1 computes in the shared registers: VTL0 of another VP must not watch or lead it. */
START_TEST(a_shared_register_that_a_higher_vtl_uses_is_out_of_reach)
{
	struct vsmtest *t = machine();
	struct hv_register_value value = { 0x2525, 0 };

	assert_status(vsmtest_enter_vtl1(t, 1), HV_STATUS_SUCCESS);
	vsmtest_reg_set(t, 1, 1, HV_X64_REGISTER_R15, 0x1515);
	memset(vsmtest_out(t, 0), 0xee, 16);
	assert_status(vsmtest_get_of(t, 0, 5, 0, HV_X64_REGISTER_R15, NULL), BLOCKED);
	assert_status(serve(t, 0, 1), HV_STATUS_ACCESS_DENIED);
	ck_assert_uint_eq(out(t, 0)->low, 0xeeeeeeeeeeeeeeee);
	assert_status(vsmtest_set_of(t, 0, 5, 0, HV_X64_REGISTER_R15, value), BLOCKED);
	assert_status(serve(t, 0, 1), HV_STATUS_ACCESS_DENIED);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 1, HV_X64_REGISTER_R15), 0x1515);
	/* VTL0's own state is there although VTL1 runs. */
	assert_status(vsmtest_get_of(t, 0, 5, 0, HV_X64_REGISTER_CR3, NULL), BLOCKED);
	assert_status(serve(t, 0, 1), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(out(t, 0)->low, 0x11000);
	/* And so is the shared one once VTL1 has returned. */
	assert_verdict(vsmtest_vtl_return(t, 1, 1), VSM_VERDICT_SWITCHED);
	assert_status(vsmtest_get_of(t, 0, 5, 0, HV_X64_REGISTER_R15, NULL), BLOCKED);
	assert_status(serve(t, 0, 1), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(out(t, 0)->low, 0x1515);
	vsmtest_free(t);
}
END_TEST

START_TEST(two_vps_that_ask_each_other_do_not_deadlock)
{
	struct vsmtest *t = machine();
	uint32_t i;

	assert_status(vsmtest_get_of(t, 0, 5, 0, HV_X64_REGISTER_CR3, NULL), BLOCKED);
	assert_status(vsmtest_get_of(t, 1, 0, 0, HV_X64_REGISTER_CR3, NULL), BLOCKED);
	/* Whoever comes first serves and may still wait. */
	for (i = 0; i < 3; i++) {
		if (vsm_vp_runnable(t->vp[0].vp))
			vsmtest_prepare(t, 0);
		if (vsm_vp_runnable(t->vp[1].vp))
			vsmtest_prepare(t, 1);
	}
	assert_status(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_status(t, 1), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(out(t, 0)->low, 0x11000);
	ck_assert_uint_eq(out(t, 1)->low, 0x10000);
	vsmtest_free(t);
}
END_TEST

START_TEST(several_callers_are_served_at_once)
{
	struct vsmtest *t = machine();

	assert_status(vsmtest_get_of(t, 0, 7, 0, HV_X64_REGISTER_CR3, NULL), BLOCKED);
	assert_status(vsmtest_get_of(t, 1, 7, 0, HV_X64_REGISTER_RIP, NULL), BLOCKED);
	assert_verdict(vsmtest_prepare(t, 2), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_status(t, 1), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(out(t, 0)->low, 0x12000);
	ck_assert_uint_eq(out(t, 1)->low, 0x770002);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_failing_host_of_the_target_fails_the_call)
{
	struct vsmtest *t = machine();
	struct hv_register_value value = { 0x5000, 0 };

	assert_status(vsmtest_set_of(t, 0, 5, 0, HV_X64_REGISTER_CR3, value), BLOCKED);
	vsmtest_fail_op(t, VSMTEST_REGS_SET, 1, 1, -VSM_ERR_HOST);
	/* The target's own run is not to suffer; the caller is told. */
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	vsmtest_no_faults(t);
	assert_verdict(vsmtest_prepare(t, 0), -VSM_ERR_HOST);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 0, HV_X64_REGISTER_CR3), 0x11000);
	/* Both go on. */
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	assert_status(vsmtest_get_of(t, 0, 5, 0, HV_X64_REGISTER_CR3, NULL), BLOCKED);
	assert_status(serve(t, 0, 1), HV_STATUS_SUCCESS);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_register_the_targets_host_lacks_is_unknown)
{
	struct vsmtest *t = machine();

	t->missing_reg = HV_X64_REGISTER_TSC_AUX;
	assert_status(vsmtest_get_of(t, 0, 5, 0, HV_X64_REGISTER_TSC_AUX, NULL), BLOCKED);
	assert_status(serve(t, 0, 1), HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(t->reps, 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_vp_that_waits_for_the_host_still_serves_others)
{
	struct vsmtest *t = machine();
	uint64_t page = VSMTEST_DATA_GPA >> 12;
	struct hv_register_value value;

	assert_status(vsmtest_protect_vtl1(t, 1), HV_STATUS_SUCCESS);
	vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, VSM_PENDING);
	assert_status(vsmtest_modify(t, 1, HV_MAP_GPA_READABLE, &page, 1), BLOCKED);
	assert_status(vsmtest_get_of(t, 0, 5, 0, HV_X64_REGISTER_CR3, &value), BLOCKED);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_BLOCKED);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(out(t, 0)->low, 0x11000);
	assert_err(vsmtest_complete(t, VSMTEST_PROTECT, 0, 0), 0);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	vsmtest_free(t);
}
END_TEST

START_TEST(without_kick_other_vps_are_out_of_reach)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;
	struct hv_register_value value = { 0, 0 };
	uint32_t status;

	vsmtest_opts_init(&opts);
	opts.vps = 2;
	opts.null_ops = VSMTEST_BIT(VSMTEST_KICK);
	t = vsmtest_new(&opts);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	status = vsmtest_get_of(t, 0, 1, 0, HV_X64_REGISTER_CR3, NULL);
	ck_assert_msg(status != HV_STATUS_SUCCESS && status < 0x10000, "%s",
		      vsmtest_status_text(status));
	status = vsmtest_set_of(t, 0, 1, 0, HV_X64_REGISTER_CR3, value);
	ck_assert_msg(status != HV_STATUS_SUCCESS && status < 0x10000, "%s",
		      vsmtest_status_text(status));
	ck_assert_uint_eq(vsmtest_reg(t, 1, 0, HV_X64_REGISTER_CR3), 0x1000);
	/* The own one works. */
	assert_status(vsmtest_get_of(t, 0, 0, 0, HV_X64_REGISTER_CR3, NULL), HV_STATUS_SUCCESS);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_reset_ends_the_wait_for_another_vp)
{
	struct vsmtest *t = machine();

	assert_status(vsmtest_get_of(t, 0, 5, 0, HV_X64_REGISTER_CR3, NULL), BLOCKED);
	assert_err(vsmtest_reset(t), 0);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	assert_status(vsmtest_get_of(t, 0, 5, 0, HV_X64_REGISTER_CR3, NULL), BLOCKED);
	assert_status(serve(t, 0, 1), HV_STATUS_SUCCESS);
	vsmtest_free(t);
}
END_TEST

START_TEST(fast_answers_come_in_registers)
{
	struct vsmtest *t = machine();
	struct {
		struct hv_input_get_vp_registers header;
		uint32_t name;
	} in = { { HV_PARTITION_ID_SELF, 5, 0, { 0 } }, HV_X64_REGISTER_CR3 };

	assert_status(vsmtest_call_fast(t, 0, VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 1), &in, 20),
		      BLOCKED);
	assert_status(serve(t, 0, 1), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_XMM1), 0x11000);
	vsmtest_free(t);
}
END_TEST

struct runner {
	struct vsmtest *t;
	uint32_t vp;
	uint32_t rounds;
	uint32_t bad;
	_Atomic uint32_t *done;
};

static uint32_t wait_for(struct vsmtest *t, uint32_t vp, uint32_t status)
{
	int verdict;

	while (status == BLOCKED) {
		verdict = vsmtest_prepare(t, vp);
		if (verdict == VSM_VERDICT_RETRY)
			verdict = vsmtest_again(t, vp);
		if (verdict == VSM_VERDICT_BLOCKED) {
			sched_yield();
			continue;
		}
		status = verdict == VSM_VERDICT_RESUME ?
				 (uint32_t)vsmtest_reg(t, vp, 0, HV_X64_REGISTER_RAX) & 0xffff :
				 VSMTEST_VERDICT(verdict);
	}
	return status;
}

static void *runner_thread(void *arg)
{
	struct runner *runner = arg;
	static const uint32_t index[] = { 0, 5, 7 };
	struct vsmtest *t = runner->t;
	uint32_t i;

	for (i = 0; i < runner->rounds; i++) {
		uint32_t to = (runner->vp + 1 + i % 2) % 3;
		struct hv_register_value value;
		uint32_t status = wait_for(t, runner->vp,
					   vsmtest_get_of(t, runner->vp, index[to], 0,
							  HV_X64_REGISTER_CR3, &value));

		if (status != HV_STATUS_SUCCESS || out(t, runner->vp)->low != 0x10000 + 0x1000 * to)
			runner->bad++;
	}
	atomic_fetch_add(runner->done, 1);
	/* Others may still need this VP. */
	while (atomic_load(runner->done) < 3) {
		if (vsm_vp_runnable(t->vp[runner->vp].vp))
			vsmtest_prepare(t, runner->vp);
		sched_yield();
	}
	return NULL;
}

START_TEST(three_threads_ask_each_other_all_the_time)
{
	struct vsmtest *t = machine();
	struct runner runner[3];
	_Atomic uint32_t done;
	pthread_t thread[3];
	uint32_t i;

	atomic_init(&done, 0);
	t->relaxed = t->threads = 1;
	for (i = 0; i < 3; i++) {
		runner[i] = (struct runner){ t, i, 2000, 0, &done };
		ck_assert_int_eq(pthread_create(&thread[i], NULL, runner_thread, &runner[i]), 0);
	}
	for (i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	for (i = 0; i < 3; i++)
		ck_assert_uint_eq(runner[i].bad, 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(the_initial_apic_id_is_that_of_the_addressed_vp)
{
	struct vsmtest *t = machine();
	uint32_t i;

	for (i = 0; i < 3; i++)
		ck_assert_uint_eq(vsmtest_value(t, i, 0, HV_X64_REGISTER_INITIAL_APIC_ID),
				  t->opts.apic_id[i]);
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(a_get_is_done_by_the_targets_thread),
	VSMTEST_CASE(a_set_is_done_by_the_targets_thread),
	VSMTEST_CASE(another_vp_may_be_sent_elsewhere),
	VSMTEST_CASE(the_own_index_needs_nobody_else),
	VSMTEST_CASE(absent_vps_are_invalid_indices),
	VSMTEST_CASE(refusals_need_no_kick),
	VSMTEST_CASE(bad_values_and_names_are_refused_for_others_too),
	VSMTEST_CASE(a_list_is_done_in_order),
	VSMTEST_CASE(library_registers_of_others_are_theirs),
	VSMTEST_CASE(vp_status_tells_of_the_addressed_vp),
	VSMTEST_CASE(a_shared_register_is_taken_from_the_active_vtl_of_its_vp),
	VSMTEST_CASE(a_shared_register_that_a_higher_vtl_uses_is_out_of_reach),
	VSMTEST_CASE(two_vps_that_ask_each_other_do_not_deadlock),
	VSMTEST_CASE(several_callers_are_served_at_once),
	VSMTEST_CASE(a_failing_host_of_the_target_fails_the_call),
	VSMTEST_CASE(a_register_the_targets_host_lacks_is_unknown),
	VSMTEST_CASE(a_vp_that_waits_for_the_host_still_serves_others),
	VSMTEST_CASE(without_kick_other_vps_are_out_of_reach),
	VSMTEST_CASE(a_reset_ends_the_wait_for_another_vp),
	VSMTEST_CASE(fast_answers_come_in_registers),
	VSMTEST_CASE(three_threads_ask_each_other_all_the_time),
	VSMTEST_CASE(the_initial_apic_id_is_that_of_the_addressed_vp),
};

int main(void)
{
	return vsmtest_main("cross_vp", cases, VSMTEST_COUNT(cases));
}
