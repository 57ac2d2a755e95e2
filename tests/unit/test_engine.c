/* SPDX-License-Identifier: BSD-3-Clause */
/* The hypercall engine: parameters in memory and registers, rep calls, continuations. */
#include <string.h>

#include "vsmtest.h"

#define APIC_CALL HVCALL_GET_VP_INDEX_FROM_APIC_ID

/* A list of APIC ids: header of 16 bytes, elements of 4, as the published headers have it. */
struct apic_list {
	uint64_t partition_id;
	uint8_t target_vtl;
	uint8_t padding[7];
	uint32_t id[1020];
};

static struct apic_list list;

static struct vsmtest *machine(uint32_t budget)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;
	uint32_t i;

	vsmtest_opts_init(&opts);
	opts.vps = 4;
	for (i = 0; i < 4; i++)
		opts.vp_index[i] = 3 - i;
	opts.config.max_vps = 4;
	opts.config.hypercall_budget = budget;
	t = vsmtest_new(&opts);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	memset(&list, 0, sizeof(list));
	list.partition_id = HV_PARTITION_ID_SELF;
	for (i = 0; i < VSMTEST_COUNT(list.id); i++)
		list.id[i] = opts.apic_id[i % 4];
	memset(vsmtest_out(t, 0), 0xee, VSMTEST_PAGE);
	return t;
}

/* Index that belongs to element i of the list. */
static uint32_t index_of(uint32_t i)
{
	return 3 - i % 4;
}

static void check_out(struct vsmtest *t, uint32_t first, uint32_t end)
{
	const uint8_t *out = vsmtest_out(t, 0);
	uint32_t i, value, want;

	for (i = 0; i < 1020; i++) {
		memcpy(&value, out + 4 * i, 4);
		want = i >= first && i < end ? index_of(i) : 0xeeeeeeee;
		if (value != want)
			ck_abort_msg("element %u: %x, not %x", i, value, want);
	}
}

START_TEST(a_rep_call_through_memory)
{
	struct vsmtest *t = machine(512);

	assert_status(vsmtest_call_mem(t, 0, VSMTEST_REP(APIC_CALL, 7), &list, sizeof(list)),
		      HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->reps, 7);
	ck_assert_uint_eq(t->continuations, 0);
	check_out(t, 0, 7);
	vsmtest_free(t);
}
END_TEST

START_TEST(reps_below_the_start_index_are_left_alone)
{
	struct vsmtest *t = machine(512);

	assert_status(vsmtest_call_mem(t, 0, VSMTEST_REP_AT(APIC_CALL, 9, 4), &list, sizeof(list)),
		      HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->reps, 9);
	check_out(t, 4, 9);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_failing_element_ends_the_call_there)
{
	struct vsmtest *t = machine(512);

	list.id[5] = 0x777;
	assert_status(vsmtest_call_mem(t, 0, VSMTEST_REP(APIC_CALL, 9), &list, sizeof(list)),
		      HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(t->reps, 5);
	check_out(t, 0, 5);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_failure_before_the_first_element_keeps_the_start_index)
{
	struct vsmtest *t = machine(512);

	list.target_vtl = 16;
	assert_status(vsmtest_call_mem(t, 0, VSMTEST_REP_AT(APIC_CALL, 9, 6), &list, sizeof(list)),
		      HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(t->reps, 6);
	check_out(t, 0, 0);
	vsmtest_free(t);
}
END_TEST

static void budget_run(uint32_t budget, uint32_t reps)
{
	struct vsmtest *t = machine(budget);
	uint32_t done = 0;
	int verdict;

	memcpy(vsmtest_ram(t, VSMTEST_IN_GPA(0)), &list, 16 + 4 * reps);
	verdict = vsmtest_hypercall(t, 0, VSMTEST_REP(APIC_CALL, reps), VSMTEST_IN_GPA(0),
				    VSMTEST_OUT_GPA(0));
	while (done + budget < reps) {
		done += budget;
		assert_verdict(verdict, VSM_VERDICT_RETRY);
		ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RIP), VSMTEST_TRAP_RIP);
		ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RCX),
				  VSMTEST_REP_AT(APIC_CALL, reps, done));
		ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RAX), 0);
		check_out(t, 0, done);
		verdict = vsmtest_again(t, 0);
	}
	assert_verdict(verdict, VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->reps, reps);
	check_out(t, 0, reps);
	vsmtest_free(t);
}

START_TEST(a_budget_of_1_continues_after_each_element)
{
	budget_run(1, 6);
}
END_TEST

START_TEST(a_budget_of_3_continues_after_three)
{
	budget_run(3, 10);
	budget_run(3, 9);
	budget_run(3, 2);
}
END_TEST

START_TEST(continuations_are_counted)
{
	struct vsmtest *t = machine(3);
	struct vsm_stats stats = { .size = sizeof(stats) };

	assert_status(vsmtest_call_mem(t, 0, VSMTEST_REP(APIC_CALL, 10), &list, sizeof(list)),
		      HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->continuations, 3);
	assert_err(vsm_stats_get(t->vsm, &stats), 0);
	ck_assert_uint_eq(stats.continuations, 3);
	ck_assert_uint_eq(stats.hypercalls, 1);
	vsmtest_free(t);
}
END_TEST

START_TEST(the_guest_may_rewrite_the_start_index_between_continuations)
{
	struct vsmtest *t = machine(2);
	uint64_t in = VSMTEST_IN_GPA(0), out = VSMTEST_OUT_GPA(0);

	memcpy(vsmtest_ram(t, in), &list, sizeof(list) < 4096 ? sizeof(list) : 4096);
	assert_verdict(vsmtest_hypercall(t, 0, VSMTEST_REP(APIC_CALL, 8), in, out),
		       VSM_VERDICT_RETRY);
	/* Forward: two elements are never done. */
	assert_verdict(vsmtest_hypercall(t, 0, VSMTEST_REP_AT(APIC_CALL, 8, 4), in, out),
		       VSM_VERDICT_RETRY);
	ck_assert_uint_eq(((uint32_t *)vsmtest_out(t, 0))[2], 0xeeeeeeee);
	ck_assert_uint_eq(((uint32_t *)vsmtest_out(t, 0))[5], index_of(5));
	/* Back: done again. */
	assert_verdict(vsmtest_hypercall(t, 0, VSMTEST_REP_AT(APIC_CALL, 8, 1), in, out),
		       VSM_VERDICT_RETRY);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RCX),
			  VSMTEST_REP_AT(APIC_CALL, 8, 3));
	ck_assert_uint_eq(((uint32_t *)vsmtest_out(t, 0))[2], index_of(2));
	/* Beyond: refused. */
	assert_verdict(vsmtest_hypercall(t, 0, VSMTEST_REP_AT(APIC_CALL, 8, 8), in, out),
		       VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_INVALID_HYPERCALL_INPUT);
	/* Another call altogether is just that call. */
	assert_verdict(vsmtest_hypercall(t, 0, VSMTEST_REP(APIC_CALL, 8), in, out),
		       VSM_VERDICT_RETRY);
	assert_verdict(vsmtest_hypercall(t, 0, HVCALL_NOTIFY_LONG_SPIN_WAIT | HV_HYPERCALL_FAST, 1,
					 0),
		       VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_32_bit_continuation_lives_in_edx_eax)
{
	struct vsmtest *t = machine(2);
	uint64_t control = VSMTEST_REP(APIC_CALL, 5), want = VSMTEST_REP_AT(APIC_CALL, 5, 2);

	vsmtest_mode32(t, 0);
	memcpy(vsmtest_ram(t, VSMTEST_IN_GPA(0)), &list, 16 + 4 * 5);
	assert_verdict(vsmtest_hypercall32(t, 0, control, VSMTEST_IN_GPA(0), VSMTEST_OUT_GPA(0)),
		       VSM_VERDICT_RETRY);
	ck_assert_uint_eq((uint32_t)vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RAX), (uint32_t)want);
	ck_assert_uint_eq((uint32_t)vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RDX), want >> 32);
	ck_assert_uint_eq((uint32_t)vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RIP), VSMTEST_TRAP_RIP32);
	/* Garbage in the high halves, as an interrupt handler may leave it (XSA-454). */
	assert_verdict(vsmtest_hypercall32(t, 0, want, VSMTEST_IN_GPA(0), VSMTEST_OUT_GPA(0)),
		       VSM_VERDICT_RETRY);
	assert_verdict(vsmtest_again(t, 0), VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->reps, 5);
	check_out(t, 0, 5);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_classic_fast_call_uses_rdx_and_r8)
{
	struct vsmtest *t = machine(512);
	struct hv_input_enable_partition_vtl in = { .target_partition_id = HV_PARTITION_ID_SELF,
						    .target_vtl = 1 };
	uint32_t reads = t->count[VSMTEST_GPA_READ];

	assert_status(vsmtest_call_fast(t, 0, HVCALL_ENABLE_PARTITION_VTL, &in, sizeof(in)),
		      HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->count[VSMTEST_GPA_READ], reads);
	ck_assert_uint_eq(t->count[VSMTEST_XMM_GET], 0);
	ck_assert_uint_eq(vsmtest_value(t, 0, 0, HV_REGISTER_VSM_PARTITION_STATUS) & 0xffff, 3);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_fast_get_answers_in_the_next_pair)
{
	struct vsmtest *t = machine(512);
	struct {
		struct hv_input_get_vp_registers header;
		uint32_t name;
	} in = { { HV_PARTITION_ID_SELF, HV_VP_INDEX_SELF, 0, { 0 } }, HV_REGISTER_VSM_VP_STATUS };
	struct hv_register_value *xmm = vsmtest_slot(t, 0, 0, HV_X64_REGISTER_XMM0);
	uint32_t i;

	assert_status(vsmtest_call_fast(t, 0, VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 1), &in, 20),
		      HV_STATUS_SUCCESS);
	/* 20 bytes fill pairs 0 and 1 (RDX, R8 and XMM0); the value is in XMM1. */
	ck_assert_uint_eq(xmm[0].low, HV_REGISTER_VSM_VP_STATUS);
	ck_assert_uint_eq(xmm[1].low, 0x10000);
	ck_assert_uint_eq(xmm[1].high, 0);
	for (i = 2; i < 6; i++)
		ck_assert_uint_eq(xmm[i].low | xmm[i].high, 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(registers_that_are_no_output_are_kept)
{
	struct vsmtest *t = machine(512);
	struct hv_register_value *xmm = vsmtest_slot(t, 0, 0, HV_X64_REGISTER_XMM0);
	uint64_t header[2] = { HV_PARTITION_ID_SELF, HV_VP_INDEX_SELF };
	uint32_t i;

	for (i = 0; i < 6; i++)
		xmm[i].low = xmm[i].high = 0x1111111111111111ull * (i + 1);
	xmm[0].low = HV_REGISTER_VSM_VP_STATUS;
	assert_verdict(
		vsmtest_hypercall(t, 0, VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 1) | HV_HYPERCALL_FAST,
				  header[0], header[1]),
		VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
	/* Surplus bytes of the last input pair are ignored, and stay. */
	ck_assert_uint_eq(xmm[0].high, 0x1111111111111111ull);
	ck_assert_uint_eq(xmm[1].low, 0x10000);
	for (i = 2; i < 6; i++)
		ck_assert_uint_eq(xmm[i].low, 0x1111111111111111ull * (i + 1));
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RDX), header[0]);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_R8), header[1]);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_half_pair_of_earlier_output_is_preserved)
{
	struct vsmtest *t = machine(512);
	struct hv_register_value *xmm = vsmtest_slot(t, 0, 0, HV_X64_REGISTER_XMM0);
	struct apic_list in = { .partition_id = HV_PARTITION_ID_SELF };
	struct hv_register_value before;

	/* 16 + 4 × 3 = 28 bytes in: pairs 0 and 1; out: 12 bytes in XMM1. */
	in.id[0] = in.id[1] = in.id[2] = 0x10;
	memset(&before, 0x77, sizeof(before));
	memcpy(&xmm[0], in.id, 16);
	xmm[1] = before;
	assert_verdict(vsmtest_hypercall(t, 0, VSMTEST_REP_AT(APIC_CALL, 3, 2) | HV_HYPERCALL_FAST,
					 in.partition_id, 0),
		       VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(xmm[1].low, before.low);
	ck_assert_uint_eq((uint32_t)xmm[1].high, 3);
	vsmtest_free(t);
}
END_TEST

START_TEST(fast_continuations_work_too)
{
	struct vsmtest *t = machine(1);
	uint32_t i, value;

	assert_status(vsmtest_call_fast(t, 0, VSMTEST_REP(APIC_CALL, 6), &list, 16 + 4 * 6),
		      HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->continuations, 5);
	ck_assert_uint_eq(t->reps, 6);
	/* 40 bytes in: 3 pairs; out begins in XMM2. */
	for (i = 0; i < 6; i++) {
		memcpy(&value, (char *)vsmtest_slot(t, 0, 0, HV_X64_REGISTER_XMM2) + 4 * i, 4);
		ck_assert_uint_eq(value, index_of(i));
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(what_does_not_fit_into_registers_is_invalid_input)
{
	struct vsmtest *t = machine(512);

	/* 240 bytes never fit. */
	assert_status(vsmtest_call_fast(t, 0, HVCALL_ENABLE_VP_VTL, &list, 112),
		      HV_STATUS_INVALID_HYPERCALL_INPUT);
	/* 16 + 32 × 3 = 112 bytes fit, 4 elements do not. */
	assert_status(vsmtest_call_fast(t, 0, VSMTEST_REP(HVCALL_SET_VP_REGISTERS, 4), &list, 112),
		      HV_STATUS_INVALID_HYPERCALL_INPUT);
	/* 16 + 4 × 5 in = 3 pairs, 5 out: 8 pairs. 4 names fit: 2 + 4. */
	assert_status(vsmtest_call_fast(t, 0, VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 5), &list, 36),
		      HV_STATUS_INVALID_HYPERCALL_INPUT);
	vsmtest_free(t);
}
END_TEST

START_TEST(without_xmm_ops_their_forms_are_ud)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;
	struct hv_input_enable_partition_vtl in = { .target_partition_id = HV_PARTITION_ID_SELF,
						    .target_vtl = 1 };

	vsmtest_opts_init(&opts);
	opts.null_ops = VSMTEST_BIT(VSMTEST_XMM_GET) | VSMTEST_BIT(VSMTEST_XMM_SET);
	t = vsmtest_new(&opts);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	assert_exception(
		t, 0,
		vsmtest_hypercall(t, 0, VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 1) | HV_HYPERCALL_FAST,
				  HV_PARTITION_ID_SELF, HV_VP_INDEX_SELF),
		X86_UD);
	/* The classic form, two registers and no output, is always there. */
	assert_status(vsmtest_call_fast(t, 0, HVCALL_ENABLE_PARTITION_VTL, &in, sizeof(in)),
		      HV_STATUS_SUCCESS);
	vsmtest_free(t);
}
END_TEST

START_TEST(output_over_input_does_not_feed_back)
{
	struct vsmtest *t = machine(512);
	uint64_t in = VSMTEST_IN_GPA(0);
	uint32_t i, value;

	memcpy(vsmtest_ram(t, in), &list, 16 + 4 * 12);
	/* Element 0's output lies on element 1 of the input, and so on. */
	assert_verdict(vsmtest_hypercall(t, 0, VSMTEST_REP(APIC_CALL, 12), in, in + 24),
		       VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
	for (i = 0; i < 12; i++) {
		memcpy(&value, vsmtest_ram(t, in + 24 + 4 * i), 4);
		ck_assert_uint_eq(value, index_of(i));
	}
	vsmtest_free(t);
}
END_TEST

/* Another processor of the guest rewrites the parameters as soon as they were read. */
static void rewrite_after_read(struct vsmtest *t, enum vsmtest_op op, uint32_t slot)
{
	uint32_t *reads = t->hook_arg;

	(void)slot;
	if (op == VSMTEST_GPA_READ)
		(*reads)++;
	else if (*reads)
		memset(vsmtest_ram(t, VSMTEST_IN_GPA(0)), 0xff, VSMTEST_PAGE);
}

START_TEST(later_changes_of_the_input_have_no_effect)
{
	struct vsmtest *t = machine(512);
	struct {
		struct hv_input_get_vp_registers header;
		uint32_t name[3];
	} in = { { HV_PARTITION_ID_SELF, HV_VP_INDEX_SELF, 0, { 0 } },
		 { HV_X64_REGISTER_CR3, HV_X64_REGISTER_CR0, HV_X64_REGISTER_CR4 } };
	const struct hv_register_value *out = vsmtest_out(t, 0);
	uint32_t reads = 0;

	t->hook = rewrite_after_read;
	t->hook_arg = &reads;
	assert_status(vsmtest_call_mem(t, 0, VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 3), &in, 28),
		      HV_STATUS_SUCCESS);
	ck_assert_uint_gt(reads, 0);
	ck_assert_uint_eq(*vsmtest_ram(t, VSMTEST_IN_GPA(0)), 0xff);
	ck_assert_uint_eq(out[0].low, 0x1000);
	ck_assert_uint_eq(out[1].low, 0x80050033);
	ck_assert_uint_eq(out[2].low, 0x6a0);
	vsmtest_free(t);
}
END_TEST

START_TEST(the_largest_lists_fit_a_page)
{
	struct vsmtest *t = machine(512);
	static uint32_t names[4 + 256];
	uint32_t i;

	assert_status(vsmtest_call_mem(t, 0, VSMTEST_REP(APIC_CALL, 1020), &list, 4096),
		      HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->reps, 1020);
	check_out(t, 0, 1020);
	memset(names, 0, sizeof(names));
	names[0] = names[1] = 0xffffffff;
	names[2] = HV_VP_INDEX_SELF;
	for (i = 0; i < 256; i++)
		names[4 + i] = HV_REGISTER_VSM_VP_STATUS;
	assert_status(vsmtest_call_mem(t, 0, VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 256), names,
				       sizeof(names)),
		      HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->reps, 256);
	vsmtest_free(t);
}
END_TEST

START_TEST(blocks_are_copied_in_one_piece_each)
{
	struct vsmtest *t = machine(512);
	uint32_t reads = t->count[VSMTEST_GPA_READ], writes = t->count[VSMTEST_GPA_WRITE];

	assert_status(vsmtest_call_mem(t, 0, VSMTEST_REP(APIC_CALL, 200), &list, sizeof(list)),
		      HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->count[VSMTEST_GPA_READ] - reads, 1);
	ck_assert_uint_eq(t->count[VSMTEST_GPA_WRITE] - writes, 1);
	vsmtest_free(t);
}
END_TEST

START_TEST(the_apic_id_call_checks_partition_and_vtl)
{
	struct vsmtest *t = machine(512);
	uint64_t control = VSMTEST_REP(APIC_CALL, 2);

	list.partition_id = 0x1234;
	assert_status(vsmtest_call_mem(t, 0, control, &list, 24), HV_STATUS_INVALID_PARTITION_ID);
	/* The partition's own id is as good as SELF. */
	list.partition_id = t->opts.config.partition_id;
	assert_status(vsmtest_call_mem(t, 0, control, &list, 24), HV_STATUS_SUCCESS);
	list.target_vtl = 1;
	assert_status(vsmtest_call_mem(t, 0, control, &list, 24), HV_STATUS_ACCESS_DENIED);
	list.target_vtl = 15;
	assert_status(vsmtest_call_mem(t, 0, control, &list, 24), HV_STATUS_ACCESS_DENIED);
	list.target_vtl = 16;
	assert_status(vsmtest_call_mem(t, 0, control, &list, 24), HV_STATUS_INVALID_PARAMETER);
	list.target_vtl = 255;
	assert_status(vsmtest_call_mem(t, 0, control, &list, 24), HV_STATUS_INVALID_PARAMETER);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_long_spin_wait_is_always_welcome)
{
	struct vsmtest *t = machine(512);
	struct hv_input_notify_long_spin_wait in = { 0xffffffff, 0 };

	assert_status(vsmtest_call_mem(t, 0, HVCALL_NOTIFY_LONG_SPIN_WAIT, &in, sizeof(in)),
		      HV_STATUS_SUCCESS);
	assert_status(vsmtest_call_fast(t, 0, HVCALL_NOTIFY_LONG_SPIN_WAIT, &in, sizeof(in)),
		      HV_STATUS_SUCCESS);
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(a_rep_call_through_memory),
	VSMTEST_CASE(reps_below_the_start_index_are_left_alone),
	VSMTEST_CASE(a_failing_element_ends_the_call_there),
	VSMTEST_CASE(a_failure_before_the_first_element_keeps_the_start_index),
	VSMTEST_CASE(a_budget_of_1_continues_after_each_element),
	VSMTEST_CASE(a_budget_of_3_continues_after_three),
	VSMTEST_CASE(continuations_are_counted),
	VSMTEST_CASE(the_guest_may_rewrite_the_start_index_between_continuations),
	VSMTEST_CASE(a_32_bit_continuation_lives_in_edx_eax),
	VSMTEST_CASE(a_classic_fast_call_uses_rdx_and_r8),
	VSMTEST_CASE(a_fast_get_answers_in_the_next_pair),
	VSMTEST_CASE(registers_that_are_no_output_are_kept),
	VSMTEST_CASE(a_half_pair_of_earlier_output_is_preserved),
	VSMTEST_CASE(fast_continuations_work_too),
	VSMTEST_CASE(what_does_not_fit_into_registers_is_invalid_input),
	VSMTEST_CASE(without_xmm_ops_their_forms_are_ud),
	VSMTEST_CASE(output_over_input_does_not_feed_back),
	VSMTEST_CASE(later_changes_of_the_input_have_no_effect),
	VSMTEST_CASE(the_largest_lists_fit_a_page),
	VSMTEST_CASE(blocks_are_copied_in_one_piece_each),
	VSMTEST_CASE(the_apic_id_call_checks_partition_and_vtl),
	VSMTEST_CASE(a_long_spin_wait_is_always_welcome),
};

int main(void)
{
	return vsmtest_main("engine", cases, VSMTEST_COUNT(cases));
}
