/* SPDX-License-Identifier: BSD-3-Clause */
/* The optional op that tells how long an intercepted instruction is. */
#include <string.h>

#include "vsmtest.h"

#define READ   HV_INTERCEPT_ACCESS_READ
#define TARGET (VSMTEST_DATA_GPA + 0x123)

/* VTL1 denied VSMTEST_DATA_GPA, and VTL0 runs. */
static struct vsmtest *denied(const struct vsmtest_opts *opts)
{
	struct vsmtest *t = vsmtest_new(opts);

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, 0, VSMTEST_DATA_GPA), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RIP, 0x401000);
	return t;
}

static uint32_t told_length(struct vsmtest *t, const struct vsm_memory_fault *fault)
{
	uint32_t length;

	assert_verdict(vsmtest_memory_fault(t, 0, fault), VSM_VERDICT_SWITCHED);
	length = vsmtest_intercept(t, 0, 1)->header.instruction_length_cr8 & 0xf;
	ck_assert_uint_eq(vsmtest_intercept(t, 0, 1)->instruction_byte_count,
			  fault->instruction_byte_count);
	assert_verdict(vsmtest_take_message(t, 0), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	return length;
}

/* A host that knows bytes but no length has a disassembler, or not. */
START_TEST(the_length_is_asked_of_the_host)
{
	static const struct {
		int answer;
		uint32_t count;
		uint32_t told;
	} rows[] = {
		{ 3, 16, 3 }, { 15, 16, 15 }, { 16, 16, 0 }, { 0, 16, 0 },   { 3, 3, 3 },
		{ 4, 3, 0 },  { -1, 16, 0 },  { 1, 1, 1 },   { 259, 16, 0 },
	};
	struct vsm_memory_fault fault;

	for (size_t i = 0; i < VSMTEST_COUNT(rows); i++) {
		struct vsmtest *t = denied(NULL);

		vsmtest_fault_init(&fault, TARGET, READ);
		fault.instruction_length = 0;
		fault.instruction_byte_count = (uint8_t)rows[i].count;
		memset(fault.instruction_bytes, 0, 16);
		fault.instruction_bytes[0] = 0x48;
		t->insn_length = rows[i].answer;
		ck_assert_uint_eq(told_length(t, &fault), rows[i].told);
		ck_assert_uint_eq(t->insn_count, rows[i].count);
		ck_assert_uint_eq(t->insn_mode, 64);
		ck_assert_uint_eq(t->insn_bytes[0], 0x48);
		/* Nobody is asked about what is known, or of what there is nothing. */
		t->insn_count = 0;
		fault.instruction_length = 2;
		ck_assert_uint_eq(told_length(t, &fault), 2);
		fault.instruction_length = 0;
		fault.instruction_byte_count = 0;
		ck_assert_uint_eq(told_length(t, &fault), 0);
		ck_assert_uint_eq(t->insn_count, 0);
		vsmtest_free(t);
	}
}
END_TEST

START_TEST(the_mode_to_decode_in_is_that_of_the_code_segment)
{
	struct vsmtest *t = denied(NULL);
	struct vsm_memory_fault fault;
	struct hv_segment_register *cs;

	vsmtest_fault_init(&fault, TARGET, READ);
	fault.instruction_length = 0;
	fault.instruction_byte_count = 1;
	memset(fault.instruction_bytes + 1, 0, 15);
	t->insn_length = 1;
	vsmtest_mode32(t, 0);
	cs = (void *)vsmtest_slot(t, 0, 0, HV_X64_REGISTER_CS);
	ck_assert_uint_eq(told_length(t, &fault), 1);
	ck_assert_uint_eq(t->insn_mode, 32);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RFLAGS, X86_RFLAGS_VM | 2);
	told_length(t, &fault);
	ck_assert_uint_eq(t->insn_mode, 16);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RFLAGS, 2);
	cs->attributes &= (uint16_t)~0x4000u;
	told_length(t, &fault);
	ck_assert_uint_eq(t->insn_mode, 16);
	vsmtest_free(t);
}
END_TEST

START_TEST(without_a_decoder_the_length_is_not_known)
{
	struct vsmtest_opts o;
	struct vsm_memory_fault fault;
	struct vsmtest *t;

	vsmtest_opts_init(&o);
	o.null_ops = VSMTEST_BIT(VSMTEST_INSN_DECODE);
	t = denied(&o);
	vsmtest_fault_init(&fault, TARGET, READ);
	fault.instruction_length = 0;
	fault.instruction_byte_count = 1;
	memset(fault.instruction_bytes + 1, 0, 15);
	ck_assert_uint_eq(told_length(t, &fault), 0);
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(the_length_is_asked_of_the_host),
	VSMTEST_CASE(the_mode_to_decode_in_is_that_of_the_code_segment),
	VSMTEST_CASE(without_a_decoder_the_length_is_not_known),
};

int main(void)
{
	return vsmtest_main("insn_decode", cases, VSMTEST_COUNT(cases));
}
