/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vsm_hypercall_decode(): the hypercall input value (TLFS 3.7). The order of the checks is that of
 * hypercall.h; a test that breaks two rules at once says which of them must win.
 */
#include "decode_common.h"

/* Reserved bits */

static const unsigned int reserved_bits[] = { 27, 28, 29, 30, 44, 45, 46, 47, 60, 61, 62, 63 };
#define RESERVED_BITS (sizeof(reserved_bits) / sizeof(reserved_bits[0]))

START_TEST(each_reserved_bit_of_each_call)
{
	struct vsm_hypercall_caps caps = full_caps();
	struct call c;
	size_t i;

	for (c = first_call(); c.row < rows_end(); c = next_call(c)) {
		if (!ordinary(c.row))
			continue;
		for (i = 0; i < RESERVED_BITS; i++) {
			struct vsm_hypercall_regs regs = memory_call(
				c.width, good_control(c.row) | 1ull << reserved_bits[i]);

			expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_INPUT);
		}
	}
}
END_TEST

START_TEST(calls_for_another_hypervisor)
{
	struct vsm_hypercall_caps caps = full_caps();
	struct call c;

	for (c = first_call(); c.row < rows_end(); c = next_call(c)) {
		struct vsm_hypercall_regs regs =
			memory_call(c.width, good_control(c.row) | HV_HYPERCALL_NESTED);

		if (ordinary(c.row))
			expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_INPUT);
	}
}
END_TEST

START_TEST(reserved_bits_come_before_an_unknown_code)
{
	struct vsm_hypercall_caps caps = full_caps();
	size_t i;

	for (i = 0; i < RESERVED_BITS; i++) {
		struct vsm_hypercall_regs regs =
			memory_call(WIDTH_64, 0x7fff | 1ull << reserved_bits[i]);

		expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_INPUT);
		regs = memory_call(WIDTH_64, HVCALL_DISABLE_VP_VTL | 1ull << reserved_bits[i]);
		expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_INPUT);
	}
}
END_TEST

START_TEST(reserved_bits_come_before_an_unoffered_form)
{
	struct vsm_hypercall_caps caps = full_caps();
	uint64_t control = HVCALL_GET_VP_REGISTERS | FAST | REPS(1);
	struct vsm_hypercall_regs regs = memory_call(WIDTH_64, control);
	size_t i;

	caps.features = 0;
	expect_ud(&regs, &caps);
	for (i = 0; i < RESERVED_BITS; i++) {
		regs = memory_call(WIDTH_64, control | 1ull << reserved_bits[i]);
		expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_INPUT);
	}
}
END_TEST

/* Call codes */

START_TEST(each_unlisted_code_is_unknown)
{
	struct vsm_hypercall_caps caps = full_caps();
	uint32_t unknown = 0;
	uint32_t code;

	for (code = 0; code <= 0xffff; code++) {
		struct vsm_hypercall_regs regs = memory_call(code & 1 ? WIDTH_64 : WIDTH_32, code);

		if (csv_find(&csv, code))
			continue;
		expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_CODE);
		unknown++;
	}
	ck_assert_uint_eq(unknown, 0x10000 - csv.count);
}
END_TEST

START_TEST(each_unoffered_call_is_unknown)
{
	struct vsm_hypercall_caps caps = full_caps();
	struct call c;

	for (c = first_call(); c.row < rows_end(); c = next_call(c)) {
		struct vsm_hypercall_regs regs = good_call(c.row, c.width);

		if (!ordinary(c.row))
			continue;
		caps.calls = ~row_bit(c.row);
		expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_CODE);
		caps.calls = row_bit(c.row);
		expect_ok(&regs, &caps);
		caps.calls = 0;
		expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_CODE);
	}
}
END_TEST

START_TEST(calls_without_a_published_layout_are_never_offered)
{
	struct vsm_hypercall_caps caps = full_caps();
	uint64_t forms[] = { 0, FAST, REPS(1), VARHEAD(1) };
	uint16_t codes[] = { HVCALL_DISABLE_PARTITION_VTL, HVCALL_DISABLE_VP_VTL };
	size_t i;
	size_t j;

	for (i = 0; i < 2; i++) {
		for (j = 0; j < 4; j++) {
			struct vsm_hypercall_regs regs = memory_call(WIDTH_64, codes[i] | forms[j]);

			expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_CODE);
		}
	}
}
END_TEST

/* Without sizes there is no telling which registers an unknown fast call would use. */
START_TEST(a_fast_unknown_call_is_an_unknown_call)
{
	struct vsm_hypercall_caps caps = full_caps();
	struct vsm_hypercall_regs regs = memory_call(WIDTH_64, 0x7fff | FAST | REPS(4095));
	const struct csv_row *row;

	caps.features = 0;
	expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_CODE);
	for (row = csv.rows; row < rows_end(); row++) {
		if (!ordinary(row))
			continue;
		caps.calls = ~row_bit(row);
		regs = memory_call(WIDTH_64, good_control(row) | FAST);
		expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_CODE);
	}
}
END_TEST

START_TEST(an_unknown_code_comes_before_the_rest)
{
	struct vsm_hypercall_caps caps = full_caps();
	uint64_t worse[] = { START(9), REPS(5) | START(5), VARHEAD(1023), FAST | VARHEAD(1) };
	size_t i;

	for (i = 0; i < sizeof(worse) / sizeof(worse[0]); i++) {
		struct vsm_hypercall_regs regs =
			registers(WIDTH_64, 0x0004 | worse[i], 3, UINT64_MAX);

		expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_CODE);
	}
}
END_TEST

/* Rep fields */

START_TEST(simple_calls_have_no_rep_fields)
{
	struct vsm_hypercall_caps caps = full_caps();
	struct call c;
	unsigned int bit;

	for (c = first_call(); c.row < rows_end(); c = next_call(c)) {
		if (!ordinary(c.row) || !row_is(c.row, "simple"))
			continue;
		for (bit = 0; bit < 12; bit++) {
			struct vsm_hypercall_regs regs =
				memory_call(c.width, c.row->code | REPS(1u << bit));

			expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_INPUT);
			regs = memory_call(c.width, c.row->code | START(1u << bit));
			expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_INPUT);
		}
	}
}
END_TEST

START_TEST(rep_calls_have_at_least_one_element)
{
	struct vsm_hypercall_caps caps = full_caps();
	struct call c;

	for (c = first_call(); c.row < rows_end(); c = next_call(c)) {
		struct vsm_hypercall_regs regs = memory_call(c.width, c.row->code);

		if (!row_is(c.row, "rep"))
			continue;
		expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_INPUT);
		regs = memory_call(c.width, c.row->code | START(1));
		expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_INPUT);
		regs = memory_call(c.width, c.row->code | FAST);
		expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_INPUT);
	}
}
END_TEST

START_TEST(the_start_index_lies_below_the_count)
{
	struct vsm_hypercall_caps caps = full_caps();
	struct call c;
	unsigned int count;

	for (c = first_call(); c.row < rows_end(); c = next_call(c)) {
		if (!row_is(c.row, "rep"))
			continue;
		for (count = 1; count <= 32; count++) {
			uint64_t control = c.row->code | REPS(count);
			struct vsm_hypercall_regs regs =
				memory_call(c.width, control | START(count - 1));
			struct vsm_hypercall out = expect_ok(&regs, &caps);

			ck_assert_uint_eq(out.rep_count, count);
			ck_assert_uint_eq(out.rep_start, count - 1);
			ck_assert_uint_eq(out.kind, VSM_HYPERCALL_REP);
			regs = memory_call(c.width, control | START(count));
			expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_INPUT);
			regs = memory_call(c.width, control | START(4095));
			expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_INPUT);
		}
	}
}
END_TEST

START_TEST(start_and_count_at_their_limits)
{
	struct vsm_hypercall_caps caps = full_caps();
	/* Its elements carry no data, so that all 4095 of them fit. */
	uint64_t control = HVCALL_ACCEPT_GPA_PAGES | REPS(4095);
	struct vsm_hypercall_regs regs = memory_call(WIDTH_64, control | START(4094));
	struct vsm_hypercall out = expect_ok(&regs, &caps);

	ck_assert_uint_eq(out.rep_count, 4095);
	ck_assert_uint_eq(out.rep_start, 4094);
	regs = memory_call(WIDTH_64, control | START(4095));
	expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_INPUT);
}
END_TEST

START_TEST(rep_fields_come_before_alignment)
{
	struct vsm_hypercall_caps caps = full_caps();
	struct vsm_hypercall_regs regs =
		registers(WIDTH_64, HVCALL_GET_VP_REGISTERS | REPS(5) | START(5), 1, 1);

	expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_INPUT);
	regs = registers(WIDTH_64, HVCALL_NOTIFY_LONG_SPIN_WAIT | REPS(1), 1, 1);
	expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_INPUT);
}
END_TEST

START_TEST(an_unoffered_form_comes_before_rep_fields)
{
	struct vsm_hypercall_caps caps = full_caps();
	uint64_t control = HVCALL_SET_VP_REGISTERS | FAST | REPS(1) | START(1);
	struct vsm_hypercall_regs regs = memory_call(WIDTH_64, control);

	expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_INPUT);
	caps.features = 0;
	expect_ud(&regs, &caps);
}
END_TEST

/* Guests edit the start index of a call that is to go on: each value is judged anew. */
START_TEST(a_changed_start_index_changes_nothing_else)
{
	struct vsm_hypercall_caps caps = full_caps();
	const struct csv_row *row;
	unsigned int start;

	for (row = csv.rows; row < rows_end(); row++) {
		struct vsm_hypercall_regs regs = memory_call(WIDTH_64, row->code | REPS(64));
		struct vsm_hypercall first;

		if (!row_is(row, "rep"))
			continue;
		first = expect_ok(&regs, &caps);
		for (start = 63; start > 0; start--) {
			struct vsm_hypercall out;

			regs.rcx = row->code | REPS(64) | START(start);
			out = expect_ok(&regs, &caps);
			ck_assert_uint_eq(out.rep_start, start);
			out.rep_start = 0;
			out.control = first.control;
			ck_assert_mem_eq(&out, &first, sizeof(out));
		}
	}
}
END_TEST

/* Variable header */

START_TEST(calls_without_a_variable_header)
{
	struct vsm_hypercall_caps caps = full_caps();
	struct call c;
	unsigned int bit;

	for (c = first_call(); c.row < rows_end(); c = next_call(c)) {
		if (!ordinary(c.row) || csv_is(c.row->variable, "yes"))
			continue;
		for (bit = 0; bit < 10; bit++) {
			struct vsm_hypercall_regs regs =
				memory_call(c.width, good_control(c.row) | VARHEAD(1u << bit));

			expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_INPUT);
		}
	}
}
END_TEST

START_TEST(a_variable_header_may_be_empty)
{
	struct vsm_hypercall_caps caps = full_caps();
	const struct csv_row *row;
	uint32_t seen = 0;

	for (row = csv.rows; row < rows_end(); row++) {
		struct vsm_hypercall_regs regs = memory_call(WIDTH_64, good_control(row));
		struct vsm_hypercall out;

		if (!csv_is(row->variable, "yes"))
			continue;
		out = expect_ok(&regs, &caps);
		ck_assert_uint_eq(out.variable_size, 0);
		ck_assert_uint_eq(out.header_size, row->fixed_in);
		seen++;
	}
	ck_assert_uint_eq(seen, 4);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, each_reserved_bit_of_each_call);
	tcase_add_test(tc, calls_for_another_hypervisor);
	tcase_add_test(tc, reserved_bits_come_before_an_unknown_code);
	tcase_add_test(tc, reserved_bits_come_before_an_unoffered_form);
	tcase_add_test(tc, each_unlisted_code_is_unknown);
	tcase_add_test(tc, each_unoffered_call_is_unknown);
	tcase_add_test(tc, calls_without_a_published_layout_are_never_offered);
	tcase_add_test(tc, a_fast_unknown_call_is_an_unknown_call);
	tcase_add_test(tc, an_unknown_code_comes_before_the_rest);
	tcase_add_test(tc, simple_calls_have_no_rep_fields);
	tcase_add_test(tc, rep_calls_have_at_least_one_element);
	tcase_add_test(tc, the_start_index_lies_below_the_count);
	tcase_add_test(tc, start_and_count_at_their_limits);
	tcase_add_test(tc, rep_fields_come_before_alignment);
	tcase_add_test(tc, an_unoffered_form_comes_before_rep_fields);
	tcase_add_test(tc, a_changed_start_index_changes_nothing_else);
	tcase_add_test(tc, calls_without_a_variable_header);
	tcase_add_test(tc, a_variable_header_may_be_empty);
}

int main(void)
{
	return run_suite("decode_control", add_tests);
}
