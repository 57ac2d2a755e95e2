/* SPDX-License-Identifier: BSD-3-Clause */
/* Who may make a hypercall at all, and in which order refusals come (TLFS ch. 3). */
#include <string.h>

#include "vsmtest.h"

#define SPIN (HVCALL_NOTIFY_LONG_SPIN_WAIT | HV_HYPERCALL_FAST)

static struct vsmtest *ready(void)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	return t;
}

/* #UD: RIP at the trap, no guest memory touched, nothing changed. */
static void assert_ud(struct vsmtest *t, uint64_t control)
{
	uint32_t reads = t->count[VSMTEST_GPA_READ], writes = t->count[VSMTEST_GPA_WRITE];
	uint64_t hash;

	vsmtest_reg_set(t, 0, t->vp[0].active, HV_X64_REGISTER_RCX, control);
	vsmtest_reg_set(t, 0, t->vp[0].active, HV_X64_REGISTER_RIP, VSMTEST_TRAP_RIP);
	hash = vsmtest_hash(t);
	assert_exception(t, 0, vsmtest_trap(t, 0, VSMTEST_TRAP_RIP, 3), X86_UD);
	ck_assert_uint_eq(t->count[VSMTEST_GPA_READ], reads);
	ck_assert_uint_eq(t->count[VSMTEST_GPA_WRITE], writes);
	assert_same(t, hash);
}

START_TEST(rings_1_to_3_get_ud)
{
	struct vsmtest *t = ready();
	uint32_t cpl;

	for (cpl = 1; cpl <= 3; cpl++) {
		vsmtest_cpl(t, 0, cpl);
		assert_ud(t, SPIN);
		assert_ud(t, HVCALL_GET_VP_REGISTERS);
		assert_ud(t, HVCALL_VTL_CALL);
	}
	vsmtest_cpl(t, 0, 0);
	assert_verdict(vsmtest_hypercall(t, 0, SPIN, 1, 0), VSM_VERDICT_RESUME);
	vsmtest_free(t);
}
END_TEST

START_TEST(real_mode_gets_ud)
{
	struct vsmtest *t = ready();

	vsmtest_mode32(t, 0);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_CR0, 0x10);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RAX, SPIN);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RDX, 0);
	assert_ud(t, 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(virtual_8086_mode_gets_ud)
{
	struct vsmtest *t = ready();

	vsmtest_mode32(t, 0);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RFLAGS, 0x2 | X86_RFLAGS_VM);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RAX, SPIN);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RDX, 0);
	assert_ud(t, 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(without_a_hypercall_page_there_is_ud)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_ud(t, SPIN);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_hypercall(t, 0, SPIN, 1, 0), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_HYPERCALL, 0x10000), VSM_VERDICT_RESUME);
	assert_ud(t, SPIN);
	vsmtest_free(t);
}
END_TEST

START_TEST(clearing_guest_os_id_ends_hypercalls)
{
	struct vsmtest *t = ready();

	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_GUEST_OS_ID, 0), VSM_VERDICT_RESUME);
	assert_ud(t, SPIN);
	vsmtest_free(t);
}
END_TEST

START_TEST(each_vtl_enables_its_own_page)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_status(vsmtest_enable_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	assert_ud(t, SPIN);
	/* Not even the way back is open: TLFS has the stubs in the page. */
	assert_ud(t, HVCALL_VTL_RETURN);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_hypercall(t, 0, SPIN, 1, 0), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_finished_call_is_behind_its_trap)
{
	struct vsmtest *t = ready();
	uint32_t len, moved;

	for (moved = 0; moved < 2; moved++)
		for (len = 1; len <= 15; len++) {
			t->trap_len = len;
			t->rip_moved = moved;
			assert_verdict(vsmtest_hypercall(t, 0, SPIN, 1, 0), VSM_VERDICT_RESUME);
			ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RIP),
					  VSMTEST_TRAP_RIP + len);
		}
	vsmtest_free(t);
}
END_TEST

START_TEST(an_exception_points_at_the_trap_wherever_rip_was)
{
	struct vsmtest *t = ready();

	t->rip_moved = 1;
	assert_exception(t, 0, vsmtest_hypercall(t, 0, HVCALL_VTL_CALL, 0, 0), X86_UD);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RIP), VSMTEST_TRAP_RIP);
	vsmtest_free(t);
}
END_TEST

START_TEST(rip_of_a_32_bit_caller_wraps_at_4_gib)
{
	struct vsmtest *t = ready();

	vsmtest_mode32(t, 0);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RAX, SPIN);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RDX, 0);
	assert_verdict(vsmtest_trap(t, 0, 0xfffffffe, 3), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RIP), 1);
	vsmtest_free(t);
}
END_TEST

static const uint16_t probe_codes[] = {
	HVCALL_NOTIFY_LONG_SPIN_WAIT,	  HVCALL_MODIFY_VTL_PROTECTION_MASK,
	HVCALL_ENABLE_PARTITION_VTL,	  HVCALL_ENABLE_VP_VTL,
	HVCALL_GET_VP_REGISTERS,	  HVCALL_SET_VP_REGISTERS,
	HVCALL_GET_VP_INDEX_FROM_APIC_ID,
};

START_TEST(each_reserved_control_bit_alone_is_invalid_input)
{
	struct vsmtest *t = ready();
	uint64_t reserved = HV_HYPERCALL_RSVD_MASK | HV_HYPERCALL_NESTED;
	uint32_t reads = t->count[VSMTEST_GPA_READ];
	size_t i;
	int bit;

	t->relaxed = 1;
	for (i = 0; i < VSMTEST_COUNT(probe_codes); i++)
		for (bit = 0; bit < 64; bit++) {
			if (!(reserved >> bit & 1))
				continue;
			assert_status(vsmtest_call_mem(t, 0, probe_codes[i] | 1ull << bit, "", 0),
				      HV_STATUS_INVALID_HYPERCALL_INPUT);
			ck_assert_uint_eq(t->reps, 0);
		}
	ck_assert_uint_eq(t->count[VSMTEST_GPA_READ], reads);
	vsmtest_free(t);
}
END_TEST

START_TEST(no_code_but_an_offered_one_does_anything)
{
	struct vsmtest *t = ready();
	uint32_t code, offered = 0;

	t->relaxed = 1;
	for (code = 0; code <= 0xffff; code++) {
		struct vsm_hypercall_info info = { .size = sizeof(info) };
		int row = vsm_hypercall_row((uint16_t)code);
		uint32_t status;

		if (row >= 0)
			ck_assert_int_eq(vsm_hypercall_info((uint32_t)row, &info), 0);
		if (row >= 0 && info.kind == VSM_HYPERCALL_VTL)
			continue;
		status = vsmtest_call_mem(
			t, 0,
			row >= 0 && info.kind == VSM_HYPERCALL_REP ? VSMTEST_REP(code, 1) : code,
			"", 0);
		if (row < 0)
			assert_status(status, HV_STATUS_INVALID_HYPERCALL_CODE);
		else
			offered += status != HV_STATUS_INVALID_HYPERCALL_CODE;
	}
	/* Modify, EnablePartitionVtl, EnableVpVtl, Get, Set, GetVpIndexFromApicId, LongSpinWait. */
	ck_assert_uint_eq(offered, 7);
	vsmtest_free(t);
}
END_TEST

START_TEST(simple_calls_have_no_rep_fields)
{
	struct vsmtest *t = ready();

	assert_status(vsmtest_call_mem(t, 0, VSMTEST_REP(HVCALL_ENABLE_PARTITION_VTL, 1), "", 0),
		      HV_STATUS_INVALID_HYPERCALL_INPUT);
	assert_status(vsmtest_call_mem(t, 0, VSMTEST_REP_AT(HVCALL_ENABLE_PARTITION_VTL, 0, 1), "",
				       0),
		      HV_STATUS_INVALID_HYPERCALL_INPUT);
	assert_status(vsmtest_call_mem(t, 0, VSMTEST_REP(SPIN, 1), "", 0),
		      HV_STATUS_INVALID_HYPERCALL_INPUT);
	vsmtest_free(t);
}
END_TEST

START_TEST(rep_calls_have_reps_and_start_below_them)
{
	static const uint32_t bad[][2] = { { 0, 0 }, { 1, 1 }, { 1, 2 },       { 5, 4095 },
					   { 0, 4 }, { 7, 7 }, { 4095, 4095 }, { 3, 4 } };
	struct vsmtest *t = ready();
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(bad); i++)
		assert_status(vsmtest_call_mem(t, 0,
					       VSMTEST_REP_AT(HVCALL_GET_VP_REGISTERS, bad[i][0],
							      bad[i][1]),
					       "", 0),
			      HV_STATUS_INVALID_HYPERCALL_INPUT);
	vsmtest_free(t);
}
END_TEST

START_TEST(calls_without_a_variable_header_refuse_one)
{
	struct vsmtest *t = ready();
	uint64_t size;

	for (size = 1; size < 1024; size = size * 2 + 1)
		assert_status(vsmtest_call_mem(t, 0,
					       VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 1) |
						       size << HV_HYPERCALL_VARHEAD_SHIFT,
					       "", 0),
			      HV_STATUS_INVALID_HYPERCALL_INPUT);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_list_longer_than_a_page_crosses_it)
{
	struct vsmtest *t = ready();

	/* 16 + 4 × 4095 in, 16 × 257 out, 16 + 32 × 128 in: each one too large. */
	assert_status(vsmtest_call_mem(t, 0, VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 4095), "", 0),
		      HV_STATUS_INVALID_ALIGNMENT);
	assert_status(vsmtest_call_mem(t, 0, VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 257), "", 0),
		      HV_STATUS_INVALID_ALIGNMENT);
	assert_status(vsmtest_call_mem(t, 0, VSMTEST_REP(HVCALL_SET_VP_REGISTERS, 128), "", 0),
		      HV_STATUS_INVALID_ALIGNMENT);
	vsmtest_free(t);
}
END_TEST

START_TEST(gpas_must_be_aligned_within_a_page_and_within_the_gpa_space)
{
	struct vsmtest *t = ready();
	uint64_t control = VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 2);
	uint64_t in = VSMTEST_IN_GPA(0), out = VSMTEST_OUT_GPA(0);
	uint64_t bad_in[] = { in + 1,
			      in + 2,
			      in + 4,
			      in + 7,
			      in + 4096 - 16,
			      1ull << 40,
			      (1ull << 40) + in,
			      1ull << 52,
			      0xfffffffffffffff8,
			      0xfffffffffffff000 };
	uint64_t bad_out[] = { out + 1, out + 4, out + 4096 - 24, 1ull << 40, 0xfffffffffffffff8 };
	uint32_t reads = t->count[VSMTEST_GPA_READ];
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(bad_in); i++) {
		assert_verdict(vsmtest_hypercall(t, 0, control, bad_in[i], out),
			       VSM_VERDICT_RESUME);
		assert_status(vsmtest_status(t, 0), HV_STATUS_INVALID_ALIGNMENT);
	}
	for (i = 0; i < VSMTEST_COUNT(bad_out); i++) {
		assert_verdict(vsmtest_hypercall(t, 0, control, in, bad_out[i]),
			       VSM_VERDICT_RESUME);
		assert_status(vsmtest_status(t, 0), HV_STATUS_INVALID_ALIGNMENT);
	}
	ck_assert_uint_eq(t->count[VSMTEST_GPA_READ], reads);
	/* A block that ends with its page is fine. */
	assert_verdict(vsmtest_hypercall(t, 0, control, in + 4096 - 24, out + 4096 - 32),
		       VSM_VERDICT_RESUME);
	ck_assert(vsmtest_status(t, 0) != HV_STATUS_INVALID_ALIGNMENT);
	vsmtest_free(t);
}
END_TEST

START_TEST(what_is_no_ram_is_no_place_for_a_block)
{
	struct vsmtest *t = ready();
	uint64_t control = VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 1);
	struct hv_input_get_vp_registers header = {
		HV_PARTITION_ID_SELF, HV_VP_INDEX_SELF, 0, { 0 }
	};
	uint32_t name = HV_REGISTER_VSM_VP_STATUS;

	memcpy(vsmtest_ram(t, VSMTEST_IN_GPA(0)), &header, sizeof(header));
	memcpy(vsmtest_ram(t, VSMTEST_IN_GPA(0) + 16), &name, 4);
	assert_verdict(vsmtest_hypercall(t, 0, control, VSMTEST_HOLE_GPA, VSMTEST_OUT_GPA(0)),
		       VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_INVALID_ALIGNMENT);
	assert_verdict(vsmtest_hypercall(t, 0, control, VSMTEST_IN_GPA(0), VSMTEST_HOLE_GPA),
		       VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_INVALID_ALIGNMENT);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_gpa_that_is_not_used_is_not_looked_at)
{
	struct vsmtest *t = ready();
	struct hv_input_enable_partition_vtl in = { .target_partition_id = HV_PARTITION_ID_SELF,
						    .target_vtl = 1 };

	memcpy(vsmtest_ram(t, VSMTEST_IN_GPA(0)), &in, sizeof(in));
	assert_verdict(vsmtest_hypercall(t, 0, HVCALL_ENABLE_PARTITION_VTL, VSMTEST_IN_GPA(0),
					 0xfffffffffffffff1),
		       VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
	vsmtest_free(t);
}
END_TEST

START_TEST(refusals_come_in_their_order)
{
	struct vsmtest *t = ready();
	uint64_t bad_gpa = 0xfffffffffffffff1;

	/* Ring before everything. */
	vsmtest_cpl(t, 0, 3);
	assert_exception(t, 0,
			 vsmtest_hypercall(t, 0, 0xffff | HV_HYPERCALL_RSVD_MASK, bad_gpa, bad_gpa),
			 X86_UD);
	vsmtest_cpl(t, 0, 0);
	/* Reserved bits before the code. */
	assert_verdict(vsmtest_hypercall(t, 0, 0xfffe | HV_HYPERCALL_RSVD_MASK, bad_gpa, bad_gpa),
		       VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_INVALID_HYPERCALL_INPUT);
	/* The code before its rep fields. */
	assert_verdict(vsmtest_hypercall(t, 0, VSMTEST_REP_AT(0xfffe, 1, 5), bad_gpa, bad_gpa),
		       VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_INVALID_HYPERCALL_CODE);
	/* Rep fields before alignment. */
	assert_verdict(vsmtest_hypercall(t, 0, VSMTEST_REP_AT(HVCALL_GET_VP_REGISTERS, 1, 5),
					 bad_gpa, bad_gpa),
		       VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_INVALID_HYPERCALL_INPUT);
	/* Alignment before the call's own checks. */
	assert_verdict(vsmtest_hypercall(t, 0, HVCALL_ENABLE_VP_VTL, bad_gpa, 0),
		       VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_INVALID_ALIGNMENT);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_32_bit_caller_is_read_by_its_low_halves_only)
{
	struct vsmtest *t = ready();
	struct hv_input_get_vp_registers header = {
		HV_PARTITION_ID_SELF, HV_VP_INDEX_SELF, 0, { 0 }
	};
	uint32_t name = HV_REGISTER_VSM_VP_STATUS;

	vsmtest_mode32(t, 0);
	memcpy(vsmtest_ram(t, VSMTEST_IN_GPA(0)), &header, sizeof(header));
	memcpy(vsmtest_ram(t, VSMTEST_IN_GPA(0) + 16), &name, 4);
	assert_verdict(vsmtest_hypercall32(t, 0, VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 1),
					   VSMTEST_IN_GPA(0), VSMTEST_OUT_GPA(0)),
		       VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->reps, 1);
	/* The result has 32 bits per register (TLFS 3.9). */
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RAX), 0);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RDX), 1);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RIP), VSMTEST_TRAP_RIP32 + 3);
	vsmtest_free(t);
}
END_TEST

START_TEST(compatibility_mode_is_a_32_bit_caller)
{
	struct vsmtest *t = ready();
	struct hv_segment_register cs = { 0, 0xffffffff, 0x20, 0xc09b };

	/* EFER.LMA is 1, CS.L is 0. */
	memcpy(vsmtest_slot(t, 0, 0, HV_X64_REGISTER_CS), &cs, sizeof(cs));
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RCX, 0xfffe | HV_HYPERCALL_RSVD_MASK);
	assert_verdict(vsmtest_hypercall32(t, 0, SPIN, 1, 0), VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
	vsmtest_free(t);
}
END_TEST

START_TEST(only_result_registers_change)
{
	struct vsmtest *t = ready();
	struct hv_register_value before[18];
	uint32_t i;

	assert_verdict(vsmtest_hypercall(t, 0, SPIN, 1, 0), VSM_VERDICT_RESUME);
	for (i = 0; i < 18; i++)
		before[i] = *vsmtest_slot(t, 0, 0, HV_X64_REGISTER_RAX + i);
	assert_verdict(vsmtest_hypercall(t, 0, 0xfffe, 1, 0), VSM_VERDICT_RESUME);
	for (i = 1; i < 18; i++) {
		if (HV_X64_REGISTER_RAX + i == HV_X64_REGISTER_RCX)
			continue;
		ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RAX + i), before[i].low);
	}
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RCX), 0xfffe);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RAX),
			  HV_STATUS_INVALID_HYPERCALL_CODE);
	vsmtest_free(t);
}
END_TEST

START_TEST(high_halves_of_a_32_bit_gpa_count)
{
	struct vsmtest *t = ready();
	struct hv_input_get_vp_registers header = {
		HV_PARTITION_ID_SELF, HV_VP_INDEX_SELF, 0, { 0 }
	};
	uint32_t name = HV_REGISTER_VSM_VP_STATUS;
	uint64_t control = VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 1);
	uint64_t in = VSMTEST_IN_GPA(0), out = VSMTEST_OUT_GPA(0), high = 1ull << 32;

	vsmtest_mode32(t, 0);
	memcpy(vsmtest_ram(t, in), &header, sizeof(header));
	memcpy(vsmtest_ram(t, in + 16), &name, 4);
	/* EBX and EDI: 4 GiB higher there is no RAM. */
	assert_verdict(vsmtest_hypercall32(t, 0, control, high | in, out), VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_INVALID_ALIGNMENT);
	assert_verdict(vsmtest_hypercall32(t, 0, control, in, high | out), VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_INVALID_ALIGNMENT);
	assert_verdict(vsmtest_hypercall32(t, 0, control, in, out), VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(rings_1_to_3_get_ud),
	VSMTEST_CASE(real_mode_gets_ud),
	VSMTEST_CASE(virtual_8086_mode_gets_ud),
	VSMTEST_CASE(without_a_hypercall_page_there_is_ud),
	VSMTEST_CASE(clearing_guest_os_id_ends_hypercalls),
	VSMTEST_CASE(each_vtl_enables_its_own_page),
	VSMTEST_CASE(a_finished_call_is_behind_its_trap),
	VSMTEST_CASE(an_exception_points_at_the_trap_wherever_rip_was),
	VSMTEST_CASE(rip_of_a_32_bit_caller_wraps_at_4_gib),
	VSMTEST_CASE(each_reserved_control_bit_alone_is_invalid_input),
	VSMTEST_CASE(no_code_but_an_offered_one_does_anything),
	VSMTEST_CASE(simple_calls_have_no_rep_fields),
	VSMTEST_CASE(rep_calls_have_reps_and_start_below_them),
	VSMTEST_CASE(calls_without_a_variable_header_refuse_one),
	VSMTEST_CASE(a_list_longer_than_a_page_crosses_it),
	VSMTEST_CASE(gpas_must_be_aligned_within_a_page_and_within_the_gpa_space),
	VSMTEST_CASE(what_is_no_ram_is_no_place_for_a_block),
	VSMTEST_CASE(a_gpa_that_is_not_used_is_not_looked_at),
	VSMTEST_CASE(refusals_come_in_their_order),
	VSMTEST_CASE(a_32_bit_caller_is_read_by_its_low_halves_only),
	VSMTEST_CASE(compatibility_mode_is_a_32_bit_caller),
	VSMTEST_CASE(only_result_registers_change),
	VSMTEST_CASE(high_halves_of_a_32_bit_gpa_count),
};

int main(void)
{
	return vsmtest_main("gate", cases, VSMTEST_COUNT(cases));
}
