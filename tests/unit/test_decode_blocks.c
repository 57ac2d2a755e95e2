/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vsm_hypercall_decode(): where the parameters are and how large, in memory (TLFS 3.6) and in
 * registers (TLFS 3.7.1).
 */
#include "decode_common.h"

/* Bytes of the blocks of a call, as the list has them. */
static uint32_t input_bytes(const struct csv_row *row, uint32_t units, uint32_t reps)
{
	return row->fixed_in + 8 * units + row->rep_in * reps;
}

static uint32_t output_bytes(const struct csv_row *row, uint32_t reps)
{
	return row->fixed_out + row->rep_out * reps;
}

static uint32_t pairs_of(uint32_t bytes)
{
	return bytes / 16 + (bytes % 16 != 0);
}

static uint32_t reps_of(const struct csv_row *row)
{
	return row_is(row, "rep") ? 1 : 0;
}

/* Registers: mapping */

START_TEST(registers_of_a_64_bit_caller)
{
	struct vsm_hypercall_caps caps = full_caps();
	struct vsm_hypercall_regs regs = {
		.size = sizeof(regs),
		.mode = VSM_CALLER_PROTECTED | VSM_CALLER_LONG,
		.rax = UINT64_MAX,
		.rbx = UINT64_MAX,
		.rcx = HVCALL_GET_VP_REGISTERS | REPS(3) | START(2),
		.rdx = 0x0000200000123008ull,
		.rsi = UINT64_MAX,
		.rdi = UINT64_MAX,
		.r8 = 0x0000300000456010ull,
	};
	struct vsm_hypercall out = expect_ok(&regs, &caps);

	ck_assert_uint_eq(out.control, regs.rcx);
	ck_assert_uint_eq(out.param[0], regs.rdx);
	ck_assert_uint_eq(out.param[1], regs.r8);
	ck_assert_uint_eq(out.flags, VSM_HYPERCALL_LONG);
	ck_assert_uint_eq(out.vtl_control, 0);
}
END_TEST

START_TEST(registers_of_a_32_bit_caller)
{
	struct vsm_hypercall_caps caps = full_caps();
	struct vsm_hypercall_regs regs = {
		.size = sizeof(regs),
		.mode = VSM_CALLER_PROTECTED,
		.rdx = GARBAGE | 0x00020003u,
		.rax = GARBAGE | HVCALL_GET_VP_REGISTERS,
		.rbx = GARBAGE | 0x00000021u,
		.rcx = GARBAGE | 0x80123008u,
		.rdi = GARBAGE | 0x00000031u,
		.rsi = GARBAGE | 0x80456010u,
		.r8 = UINT64_MAX,
	};
	struct vsm_hypercall out = expect_ok(&regs, &caps);

	ck_assert_uint_eq(out.control, HVCALL_GET_VP_REGISTERS | REPS(3) | START(2));
	ck_assert_uint_eq(out.param[0], 0x0000002180123008ull);
	ck_assert_uint_eq(out.param[1], 0x0000003180456010ull);
	ck_assert_uint_eq(out.flags, 0);
}
END_TEST

/* Whatever a 32-bit caller's high halves hold, the answer is the same to the last byte. */
START_TEST(high_halves_do_not_matter_to_32_bit_callers)
{
	struct vsm_hypercall_caps caps = full_caps();
	uint64_t forms[] = { 0, FAST, START(1), VARHEAD(1), HV_HYPERCALL_NESTED, REPS(200) };
	const struct csv_row *row;
	size_t i;

	for (row = csv.rows; row < rows_end(); row++) {
		for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
			struct vsm_hypercall_regs regs =
				memory_call(WIDTH_32, good_control(row) ^ forms[i]);
			struct vsm_hypercall_regs clean = regs;
			struct vsm_hypercall dirty_out;
			struct vsm_hypercall clean_out;
			uint64_t *all[] = { &clean.rax, &clean.rbx, &clean.rcx, &clean.rdx,
					    &clean.rsi, &clean.rdi, &clean.r8 };
			size_t j;

			for (j = 0; j < 7; j++)
				*all[j] &= UINT32_MAX;
			ck_assert_int_eq(decode(&regs, &caps, &dirty_out),
					 decode(&clean, &caps, &clean_out));
			ck_assert_mem_eq(&dirty_out, &clean_out, sizeof(clean_out));
		}
	}
}
END_TEST

/* Memory form */

START_TEST(memory_form_of_each_call)
{
	struct vsm_hypercall_caps caps = full_caps();
	struct call c;

	/* CPUID says nothing about memory parameters. */
	caps.features = 0;
	for (c = first_call(); c.row < rows_end(); c = next_call(c)) {
		struct vsm_hypercall_regs regs = good_call(c.row, c.width);
		struct vsm_hypercall out;

		if (!ordinary(c.row))
			continue;
		out = expect_ok(&regs, &caps);
		ck_assert_uint_eq(out.param[0], INPUT_GPA);
		ck_assert_uint_eq(out.param[1], OUTPUT_GPA);
		ck_assert_uint_eq(out.header_size, c.row->fixed_in);
		ck_assert_uint_eq(out.rep_in_size, c.row->rep_in);
		ck_assert_uint_eq(out.rep_out_size, c.row->rep_out);
		ck_assert_uint_eq(out.input_size, input_bytes(c.row, 0, reps_of(c.row)));
		ck_assert_uint_eq(out.output_size, output_bytes(c.row, reps_of(c.row)));
		ck_assert_uint_eq(out.output_pair, 0);
	}
}
END_TEST

START_TEST(misaligned_input)
{
	struct vsm_hypercall_caps caps = full_caps();
	struct call c;
	unsigned int off;

	for (c = first_call(); c.row < rows_end(); c = next_call(c)) {
		uint64_t control = good_control(c.row);

		if (!ordinary(c.row) || !input_bytes(c.row, 0, reps_of(c.row)))
			continue;
		for (off = 1; off < 8; off++) {
			struct vsm_hypercall_regs regs =
				registers(c.width, control, INPUT_GPA + off, OUTPUT_GPA);

			expect_status(&regs, &caps, HV_STATUS_INVALID_ALIGNMENT);
		}
	}
}
END_TEST

START_TEST(misaligned_output)
{
	struct vsm_hypercall_caps caps = full_caps();
	struct call c;
	unsigned int off;

	for (c = first_call(); c.row < rows_end(); c = next_call(c)) {
		uint64_t control = good_control(c.row);

		if (!ordinary(c.row) || !output_bytes(c.row, reps_of(c.row)))
			continue;
		for (off = 1; off < 8; off++) {
			struct vsm_hypercall_regs regs =
				registers(c.width, control, INPUT_GPA, OUTPUT_GPA + off);

			expect_status(&regs, &caps, HV_STATUS_INVALID_ALIGNMENT);
		}
	}
}
END_TEST

/* The last place in a page where a block fits, and the first where it does not. */
START_TEST(blocks_do_not_cross_pages)
{
	struct vsm_hypercall_caps caps = full_caps();
	struct call c;

	for (c = first_call(); c.row < rows_end(); c = next_call(c)) {
		uint64_t control = good_control(c.row);
		uint64_t in = (4096 - input_bytes(c.row, 0, reps_of(c.row))) & ~7ull;
		uint64_t out = (4096 - output_bytes(c.row, reps_of(c.row))) & ~7ull;
		struct vsm_hypercall_regs regs;

		if (!ordinary(c.row))
			continue;
		regs = registers(c.width, control, INPUT_GPA + in, OUTPUT_GPA + out);
		expect_ok(&regs, &caps);
		regs = registers(c.width, control, INPUT_GPA + in + 8, OUTPUT_GPA);
		if (in < 4088)
			expect_status(&regs, &caps, HV_STATUS_INVALID_ALIGNMENT);
		regs = registers(c.width, control, INPUT_GPA, OUTPUT_GPA + out + 8);
		if (out < 4088)
			expect_status(&regs, &caps, HV_STATUS_INVALID_ALIGNMENT);
	}
}
END_TEST

START_TEST(absent_blocks_have_no_address)
{
	struct vsm_hypercall_caps caps = full_caps();
	uint64_t bad[] = { 1, 0xfff, UINT64_MAX, 1ull << 63, 1ull << PHYS_BITS };
	struct call c;
	size_t i;

	for (c = first_call(); c.row < rows_end(); c = next_call(c)) {
		uint64_t control = good_control(c.row);
		int input = input_bytes(c.row, 0, reps_of(c.row)) > 0;
		int output = output_bytes(c.row, reps_of(c.row)) > 0;

		if (!ordinary(c.row))
			continue;
		for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			struct vsm_hypercall_regs regs = registers(c.width, control,
								   input ? INPUT_GPA : bad[i],
								   output ? OUTPUT_GPA : bad[i]);

			expect_ok(&regs, &caps);
		}
	}
}
END_TEST

START_TEST(lists_fill_a_page_at_most)
{
	/* TLFS 3.7: of the larger list, 4096 bytes; the figures are those of the chapters. */
	static const struct {
		uint16_t code;
		uint32_t most;
	} limits[] = {
		{ HVCALL_MODIFY_VTL_PROTECTION_MASK, 510 },
		{ HVCALL_GET_VP_REGISTERS, 256 },
		{ HVCALL_SET_VP_REGISTERS, 127 },
		{ HVCALL_GET_VP_INDEX_FROM_APIC_ID, 1020 },
		{ HVCALL_FLUSH_VIRTUAL_ADDRESS_LIST, 509 },
		{ HVCALL_FLUSH_VIRTUAL_ADDRESS_LIST_EX, 508 },
		{ HVCALL_QUERY_SPARSE_GPA_PAGE_HOST_VISIBILITY, 511 },
	};
	struct vsm_hypercall_caps caps = full_caps();
	size_t i;

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		uint64_t code = limits[i].code;
		uint32_t reps = limits[i].most;
		struct vsm_hypercall_regs regs = memory_call(WIDTH_64, code | REPS(reps));
		struct vsm_hypercall out = expect_ok(&regs, &caps);

		ck_assert_uint_eq(out.input_size, out.header_size + reps * out.rep_in_size);
		ck_assert_uint_eq(out.output_size, reps * out.rep_out_size);
		for (reps++; reps <= 4095; reps++) {
			regs = memory_call(WIDTH_64, code | REPS(reps));
			expect_status(&regs, &caps, HV_STATUS_INVALID_ALIGNMENT);
		}
	}
}
END_TEST

/* The whole list counts, not what is left of it: it must lie in the page even when it goes on. */
START_TEST(the_start_index_does_not_shorten_a_list)
{
	struct vsm_hypercall_caps caps = full_caps();
	uint64_t control = HVCALL_MODIFY_VTL_PROTECTION_MASK | REPS(511) | START(510);
	struct vsm_hypercall_regs regs = memory_call(WIDTH_64, control);

	expect_status(&regs, &caps, HV_STATUS_INVALID_ALIGNMENT);
	control = HVCALL_MODIFY_VTL_PROTECTION_MASK | REPS(510) | START(509);
	regs = memory_call(WIDTH_64, control);
	ck_assert_uint_eq(expect_ok(&regs, &caps).input_size, 4096);
	regs = registers(WIDTH_64, control, INPUT_GPA + 8, 0);
	expect_status(&regs, &caps, HV_STATUS_INVALID_ALIGNMENT);
}
END_TEST

START_TEST(variable_headers_fill_a_page_at_most)
{
	struct vsm_hypercall_caps caps = full_caps();
	struct call c;
	uint32_t units;

	for (c = first_call(); c.row < rows_end(); c = next_call(c)) {
		if (!csv_is(c.row->variable, "yes"))
			continue;
		for (units = 0; units <= 1023; units++) {
			uint32_t bytes = input_bytes(c.row, units, reps_of(c.row));
			struct vsm_hypercall_regs regs =
				memory_call(c.width, good_control(c.row) | VARHEAD(units));
			struct vsm_hypercall out;

			if (bytes > 4096) {
				expect_status(&regs, &caps, HV_STATUS_INVALID_ALIGNMENT);
				continue;
			}
			out = expect_ok(&regs, &caps);
			ck_assert_uint_eq(out.variable_size, 8 * units);
			ck_assert_uint_eq(out.header_size, c.row->fixed_in + 8 * units);
			ck_assert_uint_eq(out.input_size, bytes);
		}
	}
}
END_TEST

START_TEST(sums_of_header_and_list_do_not_wrap)
{
	struct vsm_hypercall_caps caps = full_caps();
	uint64_t control = HVCALL_FLUSH_VIRTUAL_ADDRESS_LIST_EX | VARHEAD(1023) | REPS(4095);
	struct vsm_hypercall_regs regs = memory_call(WIDTH_64, control);

	expect_status(&regs, &caps, HV_STATUS_INVALID_ALIGNMENT);
	regs = memory_call(WIDTH_64, control | FAST);
	expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_INPUT);
	regs = memory_call(WIDTH_64, HVCALL_SET_VP_REGISTERS | REPS(4095));
	expect_status(&regs, &caps, HV_STATUS_INVALID_ALIGNMENT);
	/* 2048 elements of 32 bytes are 2^16 bytes. */
	regs = memory_call(WIDTH_64, HVCALL_SET_VP_REGISTERS | REPS(2048));
	expect_status(&regs, &caps, HV_STATUS_INVALID_ALIGNMENT);
}
END_TEST

START_TEST(blocks_lie_in_the_gpa_space)
{
	struct vsm_hypercall_caps caps = full_caps();
	uint64_t control = HVCALL_TRANSLATE_VIRTUAL_ADDRESS;
	unsigned int bit;

	for (caps.phys_bits = 32; caps.phys_bits <= 52; caps.phys_bits++) {
		uint64_t last = (1ull << caps.phys_bits) - 4096;
		struct vsm_hypercall_regs regs =
			registers(WIDTH_64, control, last + 4096 - 32, last + 4096 - 16);

		expect_ok(&regs, &caps);
		for (bit = caps.phys_bits; bit < 64; bit++) {
			regs = registers(WIDTH_64, control, 1ull << bit, last);
			expect_status(&regs, &caps, HV_STATUS_INVALID_ALIGNMENT);
			regs = registers(WIDTH_64, control, last, 1ull << bit);
			expect_status(&regs, &caps, HV_STATUS_INVALID_ALIGNMENT);
		}
	}
}
END_TEST

START_TEST(addresses_at_the_top_do_not_wrap)
{
	struct vsm_hypercall_caps caps = full_caps();
	uint64_t tops[] = { UINT64_MAX - 7, UINT64_MAX - 31, UINT64_MAX - 4095, (1ull << 63) - 8 };
	size_t i;

	caps.phys_bits = 52;
	for (i = 0; i < sizeof(tops) / sizeof(tops[0]); i++) {
		struct vsm_hypercall_regs regs =
			registers(WIDTH_64, HVCALL_TRANSLATE_VIRTUAL_ADDRESS, tops[i], OUTPUT_GPA);

		expect_status(&regs, &caps, HV_STATUS_INVALID_ALIGNMENT);
		regs = registers(WIDTH_64, HVCALL_TRANSLATE_VIRTUAL_ADDRESS, INPUT_GPA, tops[i]);
		expect_status(&regs, &caps, HV_STATUS_INVALID_ALIGNMENT);
		regs = registers(WIDTH_64, HVCALL_NOTIFY_LONG_SPIN_WAIT, tops[i], 0);
		expect_status(&regs, &caps, HV_STATUS_INVALID_ALIGNMENT);
	}
}
END_TEST

START_TEST(a_32_bit_caller_reaches_above_4_gib)
{
	struct vsm_hypercall_caps caps = full_caps();
	uint64_t high = 1ull << (PHYS_BITS - 1);
	struct vsm_hypercall_regs regs =
		registers(WIDTH_32, HVCALL_TRANSLATE_VIRTUAL_ADDRESS, high, high + 4096);
	struct vsm_hypercall out = expect_ok(&regs, &caps);

	ck_assert_uint_eq(out.param[0], high);
	ck_assert_uint_eq(out.param[1], high + 4096);
	regs = registers(WIDTH_32, HVCALL_TRANSLATE_VIRTUAL_ADDRESS, 2 * high, high);
	expect_status(&regs, &caps, HV_STATUS_INVALID_ALIGNMENT);
}
END_TEST

/* Register form */

START_TEST(register_form_of_each_call)
{
	struct vsm_hypercall_caps caps = full_caps();
	const struct csv_row *row;

	for (row = csv.rows; row < rows_end(); row++) {
		/* The addresses would be refused in memory form: here they are data. */
		struct vsm_hypercall_regs regs = registers(WIDTH_64, good_control(row) | FAST,
							   0xfedcba9876543211ull, UINT64_MAX);
		uint32_t in = input_bytes(row, 0, reps_of(row));
		struct vsm_hypercall out;

		if (!ordinary(row))
			continue;
		if (csv_is(row->fast, "no")) {
			expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_INPUT);
			continue;
		}
		out = expect_ok(&regs, &caps);
		ck_assert_uint_eq(out.flags, VSM_HYPERCALL_LONG | VSM_HYPERCALL_FAST);
		ck_assert_uint_eq(out.param[0], 0xfedcba9876543211ull);
		ck_assert_uint_eq(out.param[1], UINT64_MAX);
		ck_assert_uint_eq(out.input_size, in);
		ck_assert_uint_eq(out.output_size, output_bytes(row, reps_of(row)));
		ck_assert_uint_eq(out.output_pair, pairs_of(in));
	}
}
END_TEST

/* 240 bytes and more fit no registers, with XMM or without: there is no form to be missing. */
START_TEST(memory_only_calls_have_no_register_form)
{
	struct vsm_hypercall_caps caps = full_caps();
	uint32_t features[] = { UINT32_MAX, 0 };
	uint32_t seen = 0;
	struct call c;
	size_t i;

	for (i = 0; i < 2; i++) {
		caps.features = features[i];
		for (c = first_call(); c.row < rows_end(); c = next_call(c)) {
			struct vsm_hypercall_regs regs =
				memory_call(c.width, good_control(c.row) | FAST);

			if (!ordinary(c.row) || !csv_is(c.row->fast, "no"))
				continue;
			expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_INPUT);
			seen++;
		}
	}
	ck_assert_uint_eq(seen, 2 * 2 * 5);
}
END_TEST

START_TEST(xmm_input_that_was_not_offered_is_ud)
{
	struct vsm_hypercall_caps caps = full_caps();
	struct call c;

	caps.features = ~HV_FEATURE_XMM_HYPERCALL_INPUT;
	for (c = first_call(); c.row < rows_end(); c = next_call(c)) {
		struct vsm_hypercall_regs regs = memory_call(c.width, good_control(c.row) | FAST);

		/* Output in registers is a matter of the caller's width too: not here. */
		if (!ordinary(c.row) || csv_is(c.row->fast, "no") || csv_is(c.row->output, "yes"))
			continue;
		if (input_bytes(c.row, 0, reps_of(c.row)) > 16)
			expect_ud(&regs, &caps);
		else
			expect_ok(&regs, &caps);
	}
}
END_TEST

START_TEST(register_output_that_was_not_offered_is_ud)
{
	struct vsm_hypercall_caps caps = full_caps();
	const struct csv_row *row;
	uint32_t seen = 0;

	caps.features = ~HV_FEATURE_FAST_HYPERCALL_OUTPUT;
	for (row = csv.rows; row < rows_end(); row++) {
		struct vsm_hypercall_regs regs = memory_call(WIDTH_64, good_control(row) | FAST);

		if (!ordinary(row) || csv_is(row->fast, "no"))
			continue;
		if (csv_is(row->output, "yes")) {
			expect_ud(&regs, &caps);
			seen++;
		} else {
			expect_ok(&regs, &caps);
		}
	}
	ck_assert_uint_ge(seen, 9);
}
END_TEST

START_TEST(register_output_is_for_64_bit_callers)
{
	struct vsm_hypercall_caps caps = full_caps();
	const struct csv_row *row;

	for (row = csv.rows; row < rows_end(); row++) {
		struct vsm_hypercall_regs regs = memory_call(WIDTH_32, good_control(row) | FAST);

		if (!csv_is(row->output, "yes"))
			continue;
		caps.features = UINT32_MAX;
		expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_INPUT);
		/* A form that was not offered comes first, for any caller. */
		caps.features = ~HV_FEATURE_FAST_HYPERCALL_OUTPUT;
		expect_ud(&regs, &caps);
	}
}
END_TEST

START_TEST(xmm_input_is_for_all_callers)
{
	struct vsm_hypercall_caps caps = full_caps();
	uint64_t control = HVCALL_MODIFY_VTL_PROTECTION_MASK | FAST | REPS(12);
	struct vsm_hypercall_regs regs = registers(WIDTH_32, control, 0x1122334455667788ull, 1);
	struct vsm_hypercall out = expect_ok(&regs, &caps);

	ck_assert_uint_eq(out.input_size, 112);
	ck_assert_uint_eq(out.param[0], 0x1122334455667788ull);
	ck_assert_uint_eq(out.param[1], 1);
	ck_assert_uint_eq(out.flags, VSM_HYPERCALL_FAST);
}
END_TEST

START_TEST(no_other_feature_is_needed)
{
	struct vsm_hypercall_caps caps = full_caps();
	const struct csv_row *row;

	caps.features = XMM_BOTH;
	for (row = csv.rows; row < rows_end(); row++) {
		struct vsm_hypercall_regs regs = memory_call(WIDTH_64, good_control(row) | FAST);

		if (ordinary(row) && !csv_is(row->fast, "no"))
			expect_ok(&regs, &caps);
	}
}
END_TEST

/* Every rep count: input pairs, then output pairs, seven in all. */
START_TEST(lists_fill_seven_pairs_at_most)
{
	struct vsm_hypercall_caps caps = full_caps();
	const struct csv_row *row;
	uint32_t reps;

	for (row = csv.rows; row < rows_end(); row++) {
		if (!row_is(row, "rep"))
			continue;
		for (reps = 1; reps <= 4095; reps++) {
			uint32_t in = input_bytes(row, 0, reps);
			uint32_t output = output_bytes(row, reps);
			struct vsm_hypercall_regs regs =
				memory_call(WIDTH_64, row->code | REPS(reps) | FAST);
			struct vsm_hypercall out;

			if (pairs_of(in) + pairs_of(output) > 7) {
				expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_INPUT);
				continue;
			}
			out = expect_ok(&regs, &caps);
			ck_assert_uint_eq(out.input_size, in);
			ck_assert_uint_eq(out.output_size, output);
			ck_assert_uint_eq(out.output_pair, pairs_of(in));
		}
	}
}
END_TEST

START_TEST(the_largest_lists_in_registers)
{
	static const struct {
		uint16_t code;
		uint32_t most;
	} limits[] = {
		{ HVCALL_MODIFY_VTL_PROTECTION_MASK, 12 }, /* 16 + 12 * 8 = 112 */
		{ HVCALL_SET_VP_REGISTERS, 3 }, /* 16 + 3 * 32 = 112 */
		{ HVCALL_GET_VP_REGISTERS, 4 }, /* 2 pairs in, 4 pairs out */
		{ HVCALL_GET_VP_INDEX_FROM_APIC_ID, 12 }, /* 4 pairs in, 3 pairs out */
		{ HVCALL_FLUSH_VIRTUAL_ADDRESS_LIST, 11 }, /* 24 + 11 * 8 = 112 */
		{ HVCALL_CHECK_SPARSE_GPA_PAGE_VTL_ACCESS, 6 }, /* 4 pairs in, 3 pairs out */
	};
	struct vsm_hypercall_caps caps = full_caps();
	size_t i;

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		uint64_t control = limits[i].code | FAST;
		struct vsm_hypercall_regs regs =
			memory_call(WIDTH_64, control | REPS(limits[i].most));

		expect_ok(&regs, &caps);
		regs = memory_call(WIDTH_64, control | REPS(limits[i].most + 1));
		expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_INPUT);
	}
}
END_TEST

START_TEST(a_list_too_long_for_missing_registers_is_ud)
{
	struct vsm_hypercall_caps caps = full_caps();
	struct vsm_hypercall_regs regs =
		memory_call(WIDTH_64, HVCALL_SET_VP_REGISTERS | FAST | REPS(4095));

	expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_INPUT);
	caps.features = 0;
	expect_ud(&regs, &caps);
}
END_TEST

START_TEST(output_begins_at_a_whole_pair)
{
	struct vsm_hypercall_caps caps = full_caps();
	struct vsm_hypercall_regs regs;

	/* 20 bytes are RDX, R8 and a part of XMM0: output from XMM1 on. */
	regs = memory_call(WIDTH_64, HVCALL_GET_VP_REGISTERS | FAST | REPS(1));
	ck_assert_uint_eq(expect_ok(&regs, &caps).output_pair, 2);
	/* No input: output from RDX on. */
	regs = memory_call(WIDTH_64, HVCALL_GET_PARTITION_ID | FAST);
	ck_assert_uint_eq(expect_ok(&regs, &caps).output_pair, 0);
	/* 16 bytes: output from XMM0 on. */
	regs = memory_call(WIDTH_64, HVCALL_SIGNAL_EVENT_DIRECT | FAST);
	ck_assert_uint_eq(expect_ok(&regs, &caps).output_pair, 1);
	/* 32 + 64 bytes. */
	regs = memory_call(WIDTH_64, HVCALL_TRANSLATE_VIRTUAL_ADDRESS_EX | FAST);
	ck_assert_uint_eq(expect_ok(&regs, &caps).output_pair, 2);
}
END_TEST

START_TEST(variable_headers_in_registers)
{
	struct vsm_hypercall_caps caps = full_caps();
	struct call c;
	uint32_t units;

	for (c = first_call(); c.row < rows_end(); c = next_call(c)) {
		if (!csv_is(c.row->variable, "yes"))
			continue;
		for (units = 0; units <= 1023; units++) {
			uint32_t bytes = input_bytes(c.row, units, reps_of(c.row));
			uint64_t control = good_control(c.row) | FAST | VARHEAD(units);
			struct vsm_hypercall_regs regs = memory_call(c.width, control);

			if (bytes > 112)
				expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_INPUT);
			else
				ck_assert_uint_eq(expect_ok(&regs, &caps).input_size, bytes);
		}
	}
}
END_TEST

START_TEST(the_start_index_does_not_move_the_output)
{
	struct vsm_hypercall_caps caps = full_caps();
	struct vsm_hypercall_regs regs =
		memory_call(WIDTH_64, HVCALL_GET_VP_REGISTERS | FAST | REPS(4) | START(3));
	struct vsm_hypercall out = expect_ok(&regs, &caps);

	ck_assert_uint_eq(out.output_pair, 2);
	ck_assert_uint_eq(out.output_size, 64);
	ck_assert_uint_eq(out.rep_start, 3);
}
END_TEST

START_TEST(elements_without_data_take_no_registers)
{
	struct vsm_hypercall_caps caps = full_caps();
	struct vsm_hypercall_regs regs =
		memory_call(WIDTH_64, HVCALL_ACCEPT_GPA_PAGES | FAST | REPS(4095));
	struct vsm_hypercall out = expect_ok(&regs, &caps);

	ck_assert_uint_eq(out.input_size, 24);
	ck_assert_uint_eq(out.rep_count, 4095);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, registers_of_a_64_bit_caller);
	tcase_add_test(tc, registers_of_a_32_bit_caller);
	tcase_add_test(tc, high_halves_do_not_matter_to_32_bit_callers);
	tcase_add_test(tc, memory_form_of_each_call);
	tcase_add_test(tc, misaligned_input);
	tcase_add_test(tc, misaligned_output);
	tcase_add_test(tc, blocks_do_not_cross_pages);
	tcase_add_test(tc, absent_blocks_have_no_address);
	tcase_add_test(tc, lists_fill_a_page_at_most);
	tcase_add_test(tc, the_start_index_does_not_shorten_a_list);
	tcase_add_test(tc, variable_headers_fill_a_page_at_most);
	tcase_add_test(tc, sums_of_header_and_list_do_not_wrap);
	tcase_add_test(tc, blocks_lie_in_the_gpa_space);
	tcase_add_test(tc, addresses_at_the_top_do_not_wrap);
	tcase_add_test(tc, a_32_bit_caller_reaches_above_4_gib);
	tcase_add_test(tc, register_form_of_each_call);
	tcase_add_test(tc, memory_only_calls_have_no_register_form);
	tcase_add_test(tc, xmm_input_that_was_not_offered_is_ud);
	tcase_add_test(tc, register_output_that_was_not_offered_is_ud);
	tcase_add_test(tc, register_output_is_for_64_bit_callers);
	tcase_add_test(tc, xmm_input_is_for_all_callers);
	tcase_add_test(tc, no_other_feature_is_needed);
	tcase_add_test(tc, lists_fill_seven_pairs_at_most);
	tcase_add_test(tc, the_largest_lists_in_registers);
	tcase_add_test(tc, a_list_too_long_for_missing_registers_is_ud);
	tcase_add_test(tc, output_begins_at_a_whole_pair);
	tcase_add_test(tc, variable_headers_in_registers);
	tcase_add_test(tc, the_start_index_does_not_move_the_output);
	tcase_add_test(tc, elements_without_data_take_no_registers);
}

int main(void)
{
	return run_suite("decode_blocks", add_tests);
}
