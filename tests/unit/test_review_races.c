/* SPDX-License-Identifier: BSD-3-Clause */
/* VPs that change what all of them see, while an op of another VP goes on. */
#define _POSIX_C_SOURCE 200112L

#include <pthread.h>
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

/* What VP 1 does, on its own thread, while VP 0 is within its overlay_map op. */
struct beside {
	uint32_t runs;
	int wrmsr, trap;
};

static void *beside_thread(void *arg)
{
	struct vsmtest *t = arg;
	struct beside *beside = t->hook_arg;

	beside->wrmsr = vsmtest_wrmsr(t, 1, HV_X64_MSR_SIMP, VSMTEST_SIMP_GPA(1, 0) | 1);
	beside->trap = vsmtest_again(t, 1);
	return NULL;
}

static void run_beside(struct vsmtest *t, enum vsmtest_op op, uint32_t slot)
{
	struct beside *beside = t->hook_arg;
	pthread_t thread;

	(void)slot;
	if (op != VSMTEST_OVERLAY_MAP || beside->runs++)
		return;
	ck_assert_int_eq(pthread_create(&thread, NULL, beside_thread, t), 0);
	pthread_join(thread, NULL);
}

/* Leave VP 1 at the trap of a SetVpRegisters of its own SIMP, which a failing op made come to
 * nothing. */
static void at_the_trap(struct vsmtest *t)
{
	struct hv_input_set_vp_registers in = { .partition_id = HV_PARTITION_ID_SELF,
						.vp_index = HV_VP_INDEX_SELF };
	struct hv_register_assoc assoc = { .name = HV_REGISTER_SIMP,
					   .value = { VSMTEST_SIMP_GPA(1, 0) | 1, 0 } };
	uint8_t block[sizeof(in) + sizeof(assoc)];

	assert_verdict(vsmtest_hypercalls_on(t, 1), VSM_VERDICT_RESUME);
	memcpy(block, &in, sizeof(in));
	memcpy(block + sizeof(in), &assoc, sizeof(assoc));
	vsmtest_fail_op(t, VSMTEST_GPA_READ, 1, 1, -VSM_ERR_HOST);
	assert_status(vsmtest_call_mem(t, 1, VSMTEST_REP(HVCALL_SET_VP_REGISTERS, 1), block,
				       sizeof(block)),
		      VSMTEST_VERDICT(-VSM_ERR_HOST));
	vsmtest_no_faults(t);
}

START_TEST(without_a_kick_nobody_waits_for_one)
{
	struct vsmtest *t = two_vps(VSMTEST_BIT(VSMTEST_KICK));
	struct beside beside = { 0, -99, -99 };

	at_the_trap(t);
	t->relaxed = 1;
	t->hook_arg = &beside;
	t->hook = run_beside;
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, VSMTEST_SIMP_GPA(0, 0) | 1),
		       VSM_VERDICT_RESUME);
	t->hook = NULL;
	assert_verdict(beside.wrmsr, VSM_VERDICT_RETRY);
	assert_verdict(beside.trap, VSM_VERDICT_RETRY);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_again(t, 1), VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 1), HV_STATUS_SUCCESS);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_wait_that_could_not_begin_is_none)
{
	struct vsmtest *t = two_vps(0);

	at_the_trap(t);
	vsmtest_fail_op(t, VSMTEST_OVERLAY_MAP, 1, 1, VSM_PENDING);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, VSMTEST_SIMP_GPA(0, 0) | 1),
		       VSM_VERDICT_BLOCKED);
	vsmtest_no_faults(t);
	/* VP 1 would have to wait, but its rep start cannot be written. */
	vsmtest_fail_op(t, VSMTEST_REGS_SET, 1, 1, -VSM_ERR_HOST);
	assert_verdict(vsmtest_again(t, 1), -VSM_ERR_HOST);
	/* The exit can be made again, as after every error. */
	assert_verdict(vsmtest_again(t, 1), VSM_VERDICT_BLOCKED);
	assert_err(vsmtest_complete(t, VSMTEST_OVERLAY_MAP, 0, 0), 0);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RETRY);
	assert_verdict(vsmtest_again(t, 1), VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 1), HV_STATUS_SUCCESS);
	vsmtest_free(t);
}
END_TEST

/* VTL1 runs on both VPs. */
static struct vsmtest *both_in_vtl1(void)
{
	struct vsmtest *t = two_vps(0);
	struct hv_initial_vp_context context;

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	vsmtest_context64(&context);
	assert_status(vsmtest_enable_vp_vtl(t, 0, 1, 1, &context), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_hypercalls_on(t, 1), VSM_VERDICT_RESUME);
	return t;
}

START_TEST(a_message_that_becomes_deliverable_wakes_its_vp)
{
	const struct hv_register_value simp = { VSMTEST_SIMP_GPA(1, 1) | 1, 0 };
	struct vsmtest *t = both_in_vtl1();
	uint32_t how;

	assert_status(vsmtest_modify_gpa(t, 0, 0, VSMTEST_DATA_GPA), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_fault(t, 1, VSMTEST_DATA_GPA, HV_INTERCEPT_ACCESS_READ),
		       VSM_VERDICT_SWITCHED);
	/* VTL1 has no message page on VP 1 and sleeps there. VP 0 gives it one, at once or
	 * later. */
	for (how = 0; how < 2; how++) {
		t->vp[1].kicks = 0;
		if (how == 0) {
			assert_status(vsmtest_set_of(t, 0, 1, VSMTEST_VTL(1), HV_REGISTER_SIMP,
						     simp),
				      HV_STATUS_SUCCESS);
		} else {
			struct hv_register_value moved = { VSMTEST_DATA_GPA + 0x1001, 0 };

			vsmtest_fail_op(t, VSMTEST_OVERLAY_MAP, 1, 1, VSM_PENDING);
			assert_status(vsmtest_set_of(t, 0, 1, VSMTEST_VTL(1), HV_REGISTER_SIMP,
						     moved),
				      VSMTEST_VERDICT(VSM_VERDICT_BLOCKED));
			vsmtest_no_faults(t);
			assert_err(vsmtest_complete(t, VSMTEST_OVERLAY_MAP, 0, 0), 0);
			assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
		}
		ck_assert_uint_gt(t->vp[1].kicks, 0);
	}
	t->vp[1].kicks = 0;
	assert_status(vsmtest_set_of(t, 0, 1, VSMTEST_VTL(1), HV_REGISTER_SINT0,
				     (struct hv_register_value){ 0x40, 0 }),
		      HV_STATUS_SUCCESS);
	ck_assert_uint_gt(t->vp[1].kicks, 0);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(
		((struct hv_message *)(void *)vsmtest_see(t, 1, VSMTEST_DATA_GPA + 0x1000))
			->header.message_type,
		HVMSG_GPA_INTERCEPT);
	vsmtest_free(t);
}
END_TEST

START_TEST(events_of_another_vp_are_not_read_either)
{
	struct vsmtest *t = both_in_vtl1();
	struct hv_register_value value = { 0, 0 };

	assert_verdict(vsmtest_vtl_call(t, 1), VSM_VERDICT_SWITCHED);
	assert_status(vsmtest_get_of(t, 0, 1, VSMTEST_VTL(0), HV_REGISTER_PENDING_EVENT0, &value),
		      HV_STATUS_INVALID_PARAMETER);
	vsmtest_free(t);
}
END_TEST

START_TEST(nothing_is_left_of_an_event_that_was_raised)
{
	const struct hv_register_value pf = {
		HV_X64_PENDING_EVENT_PENDING | 14ull << HV_X64_PENDING_EXCEPTION_VECTOR_SHIFT,
		0xfeed000
	};
	struct hv_register_value value = { 1, 1 };
	struct vsmtest *t = both_in_vtl1();

	assert_status(vsmtest_set_of(t, 0, 0, VSMTEST_VTL(0), HV_REGISTER_PENDING_EVENT0, pf),
		      HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	assert_status(vsmtest_get(t, 0, VSMTEST_VTL(0), HV_REGISTER_PENDING_EVENT0, &value),
		      HV_STATUS_SUCCESS);
	ck_assert_uint_eq(value.low, 0);
	ck_assert_uint_eq(value.high, 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(xmm_set_by_another_vp_outlives_the_answer_that_was_waited_for)
{
	struct vsmtest *t = two_vps(0);
	const struct hv_register_value mark = { 0x1122334455667788, 0x99aabbccddeeff00 };
	struct {
		struct hv_input_get_vp_registers header;
		uint32_t name;
	} in = { { HV_PARTITION_ID_SELF, 1, 0, { 0 } }, HV_X64_REGISTER_CR3 };

	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	assert_status(vsmtest_call_fast(t, 0, VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 1), &in, 20),
		      VSMTEST_VERDICT(VSM_VERDICT_BLOCKED));
	assert_status(vsmtest_set_of(t, 1, 0, 0, HV_X64_REGISTER_XMM5, mark),
		      VSMTEST_VERDICT(VSM_VERDICT_BLOCKED));
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_BLOCKED);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	ck_assert_mem_eq(vsmtest_slot(t, 0, 0, HV_X64_REGISTER_XMM5), &mark, sizeof(mark));
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(identity_0_waits_for_the_page_that_is_being_placed),
	VSMTEST_CASE(a_lock_that_is_being_set_holds_for_the_vp_that_waits),
	VSMTEST_CASE(without_a_kick_nobody_waits_for_one),
	VSMTEST_CASE(a_wait_that_could_not_begin_is_none),
	VSMTEST_CASE(a_message_that_becomes_deliverable_wakes_its_vp),
	VSMTEST_CASE(events_of_another_vp_are_not_read_either),
	VSMTEST_CASE(nothing_is_left_of_an_event_that_was_raised),
	VSMTEST_CASE(xmm_set_by_another_vp_outlives_the_answer_that_was_waited_for),
};

int main(void)
{
	return vsmtest_main("review_races", cases, VSMTEST_COUNT(cases));
}
