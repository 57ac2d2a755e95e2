/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vsm_hypercall_decode(): who may call, the form of VTL calls, and privileges (TLFS 3.5, 4.2.2,
 * 15.6, 15.7). The order of the checks is that of hypercall.h; a test that breaks two rules at
 * once says which of them must win.
 */
#include "decode_common.h"

static uint64_t privilege_of(const struct csv_row *row)
{
	struct vsm_hypercall_info info = { .size = sizeof(info) };

	ck_assert_int_eq(vsm_hypercall_info((uint32_t)(row - csv.rows), &info), 0);
	return info.privilege;
}

/* Arguments */

START_TEST(null_arguments_are_refused)
{
	struct vsm_hypercall_regs regs = memory_call(WIDTH_64, HVCALL_NOTIFY_LONG_SPIN_WAIT);
	struct vsm_hypercall_caps caps = full_caps();
	struct vsm_hypercall out = { .size = sizeof(out) };

	ck_assert_int_eq(vsm_hypercall_decode(NULL, &caps, &out), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_hypercall_decode(&regs, NULL, &out), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_hypercall_decode(&regs, &caps, NULL), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_hypercall_decode(&regs, &caps, &out), VSM_DECODE_OK);
}
END_TEST

START_TEST(wrong_sizes_are_refused)
{
	struct vsm_hypercall_regs regs = memory_call(WIDTH_64, HVCALL_NOTIFY_LONG_SPIN_WAIT);
	struct vsm_hypercall_caps caps = full_caps();
	struct vsm_hypercall out = { .size = sizeof(out) };
	size_t *sizes[] = { &regs.size, &caps.size, &out.size };
	size_t i;

	for (i = 0; i < 3; i++) {
		size_t good = *sizes[i];
		size_t bad[] = { 0, good - 1, good + 1, SIZE_MAX };
		size_t j;

		for (j = 0; j < 4; j++) {
			*sizes[i] = bad[j];
			ck_assert_int_eq(vsm_hypercall_decode(&regs, &caps, &out), -VSM_ERR_INVAL);
		}
		*sizes[i] = good;
	}
	ck_assert_int_eq(vsm_hypercall_decode(&regs, &caps, &out), VSM_DECODE_OK);
}
END_TEST

START_TEST(impossible_values_are_refused)
{
	struct vsm_hypercall_regs regs = memory_call(WIDTH_64, HVCALL_NOTIFY_LONG_SPIN_WAIT);
	struct vsm_hypercall_caps caps = full_caps();
	struct vsm_hypercall out = { .size = sizeof(out) };
	uint32_t bits[] = { 0, 31, 53, 64, UINT32_MAX };
	size_t i;

	for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		caps.phys_bits = bits[i];
		ck_assert_int_eq(vsm_hypercall_decode(&regs, &caps, &out), -VSM_ERR_INVAL);
	}
	caps = full_caps();
	caps.reserved = 1;
	ck_assert_int_eq(vsm_hypercall_decode(&regs, &caps, &out), -VSM_ERR_INVAL);
	caps = full_caps();
	regs.mode |= 8;
	ck_assert_int_eq(vsm_hypercall_decode(&regs, &caps, &out), -VSM_ERR_INVAL);
	regs.mode &= ~8u;
	regs.cpl = 4;
	ck_assert_int_eq(vsm_hypercall_decode(&regs, &caps, &out), -VSM_ERR_INVAL);
}
END_TEST

START_TEST(a_refused_argument_changes_nothing)
{
	struct vsm_hypercall_regs regs = memory_call(WIDTH_64, HVCALL_NOTIFY_LONG_SPIN_WAIT);
	struct vsm_hypercall_caps caps = full_caps();
	struct vsm_hypercall out;
	struct vsm_hypercall before;

	memset(&out, 0xa5, sizeof(out));
	out.size = sizeof(out);
	caps.size--;
	before = out;
	ck_assert_int_eq(vsm_hypercall_decode(&regs, &caps, &out), -VSM_ERR_INVAL);
	ck_assert_mem_eq(&out, &before, sizeof(out));
}
END_TEST

/* Gate */

START_TEST(each_call_is_good_from_cpl_0)
{
	struct vsm_hypercall_caps caps = full_caps();
	struct call c;

	for (c = first_call(); c.row < rows_end(); c = next_call(c)) {
		struct vsm_hypercall_regs regs = good_call(c.row, c.width);
		struct vsm_hypercall out;

		if (!c.row->known)
			continue;
		out = expect_ok(&regs, &caps);
		ck_assert_uint_eq(out.code, c.row->code);
		ck_assert_ptr_eq(&csv.rows[out.row], c.row);
		ck_assert_uint_eq(out.flags, c.width == WIDTH_64 ? VSM_HYPERCALL_LONG : 0);
	}
}
END_TEST

START_TEST(cpl_above_0_is_ud)
{
	struct vsm_hypercall_caps caps = full_caps();
	struct call c;

	for (c = first_call(); c.row < rows_end(); c = next_call(c)) {
		struct vsm_hypercall_regs regs = good_call(c.row, c.width);

		for (regs.cpl = 1; regs.cpl <= 3; regs.cpl++)
			expect_ud(&regs, &caps);
	}
}
END_TEST

START_TEST(real_mode_is_ud)
{
	struct vsm_hypercall_caps caps = full_caps();
	const struct csv_row *row;

	for (row = csv.rows; row < rows_end(); row++) {
		struct vsm_hypercall_regs regs = good_call(row, WIDTH_32);

		regs.mode = 0;
		expect_ud(&regs, &caps);
		/* Contradictory, so not the 64-bit mapping either. */
		regs = good_call(row, WIDTH_64);
		regs.mode = VSM_CALLER_LONG;
		expect_ud(&regs, &caps);
	}
}
END_TEST

START_TEST(v86_mode_is_ud)
{
	struct vsm_hypercall_caps caps = full_caps();
	struct call c;

	for (c = first_call(); c.row < rows_end(); c = next_call(c)) {
		struct vsm_hypercall_regs regs = good_call(c.row, c.width);

		regs.mode |= VSM_CALLER_V86;
		expect_ud(&regs, &caps);
	}
}
END_TEST

START_TEST(disabled_hypercalls_are_ud)
{
	struct vsm_hypercall_caps caps = full_caps();
	struct call c;

	caps.enabled = 0;
	for (c = first_call(); c.row < rows_end(); c = next_call(c)) {
		struct vsm_hypercall_regs regs = good_call(c.row, c.width);

		expect_ud(&regs, &caps);
	}
}
END_TEST

/* A caller at the gate learns nothing, not even whether its call would be a call. */
START_TEST(the_gate_comes_first)
{
	struct vsm_hypercall_caps caps = full_caps();
	uint64_t controls[] = { UINT64_MAX, 0x1234, HVCALL_GET_VP_REGISTERS | FAST | REPS(4095),
				HVCALL_ENABLE_VP_VTL | HV_HYPERCALL_NESTED };
	size_t i;

	caps.privileges = 0;
	caps.calls = 0;
	caps.features = 0;
	for (i = 0; i < sizeof(controls) / sizeof(controls[0]); i++) {
		struct vsm_hypercall_regs regs = registers(WIDTH_64, controls[i], 7, UINT64_MAX);
		struct vsm_hypercall nothing = { .size = sizeof(nothing), .vector = 6 };
		struct vsm_hypercall out;

		regs.cpl = 3;
		ck_assert_int_eq(decode(&regs, &caps, &out), VSM_DECODE_EXCEPTION);
		ck_assert_mem_eq(&out, &nothing, sizeof(out));
		regs.cpl = 0;
		caps.enabled = 0;
		ck_assert_int_eq(decode(&regs, &caps, &out), VSM_DECODE_EXCEPTION);
		ck_assert_mem_eq(&out, &nothing, sizeof(out));
		caps.enabled = 1;
	}
}
END_TEST

/* VTL call and return */

static const uint16_t vtl_codes[] = { HVCALL_VTL_CALL, HVCALL_VTL_RETURN };

START_TEST(vtl_call_and_return_have_no_parameters)
{
	struct vsm_hypercall_caps caps = full_caps();
	enum width width;
	size_t i;

	/* Nothing of the CPU is needed for them, and no register form. */
	caps.features = 0;
	for (width = WIDTH_32; width < WIDTHS; width++) {
		for (i = 0; i < 2; i++) {
			struct vsm_hypercall_regs regs = vtl_call(width, vtl_codes[i], 0);
			struct vsm_hypercall out = expect_ok(&regs, &caps);

			ck_assert_uint_eq(out.kind, VSM_HYPERCALL_VTL);
			ck_assert_uint_eq(out.code, vtl_codes[i]);
			ck_assert_uint_eq(out.control, vtl_codes[i]);
			ck_assert_uint_eq(out.vtl_control, 0);
			ck_assert_uint_eq(out.input_size + out.output_size + out.header_size, 0);
			ck_assert_uint_eq(out.rep_count + out.rep_start, 0);
		}
	}
}
END_TEST

START_TEST(each_other_bit_of_a_vtl_call_is_ud)
{
	struct vsm_hypercall_caps caps = full_caps();
	enum width width;
	unsigned int bit;
	size_t i;

	for (width = WIDTH_32; width < WIDTHS; width++) {
		for (i = 0; i < 2; i++) {
			for (bit = 16; bit < 64; bit++) {
				struct vsm_hypercall_regs regs =
					vtl_call(width, vtl_codes[i] | 1ull << bit, 0);

				expect_ud(&regs, &caps);
			}
		}
	}
}
END_TEST

START_TEST(vtl_call_takes_no_control_input)
{
	struct vsm_hypercall_caps caps = full_caps();
	unsigned int bit;

	for (bit = 0; bit < 64; bit++) {
		struct vsm_hypercall_regs regs = vtl_call(WIDTH_64, HVCALL_VTL_CALL, 1ull << bit);

		expect_ud(&regs, &caps);
		if (bit >= 32)
			continue;
		regs = vtl_call(WIDTH_32, HVCALL_VTL_CALL, 1ull << bit);
		expect_ud(&regs, &caps);
	}
}
END_TEST

START_TEST(vtl_return_takes_the_fast_bit_only)
{
	struct vsm_hypercall_caps caps = full_caps();
	enum width width;
	unsigned int bit;

	for (width = WIDTH_32; width < WIDTHS; width++) {
		struct vsm_hypercall_regs regs =
			vtl_call(width, HVCALL_VTL_RETURN, HV_VTL_RETURN_FAST);

		ck_assert_uint_eq(expect_ok(&regs, &caps).vtl_control, HV_VTL_RETURN_FAST);
		for (bit = 1; bit < (width == WIDTH_64 ? 64 : 32); bit++) {
			regs = vtl_call(width, HVCALL_VTL_RETURN, 1ull << bit);
			expect_ud(&regs, &caps);
			regs = vtl_call(width, HVCALL_VTL_RETURN, 1ull << bit | 1);
			expect_ud(&regs, &caps);
		}
	}
}
END_TEST

START_TEST(vtl_calls_without_access_vsm_are_ud)
{
	struct vsm_hypercall_caps caps = full_caps();
	enum width width;
	size_t i;

	for (width = WIDTH_32; width < WIDTHS; width++) {
		for (i = 0; i < 2; i++) {
			struct vsm_hypercall_regs regs = vtl_call(width, vtl_codes[i], 0);

			caps.privileges = ~HV_PRIV_ACCESS_VSM;
			expect_ud(&regs, &caps);
			caps.privileges = HV_PRIV_ACCESS_VSM;
			expect_ok(&regs, &caps);
		}
	}
}
END_TEST

START_TEST(unoffered_vtl_calls_are_ud)
{
	struct vsm_hypercall_caps caps = full_caps();
	enum width width;
	size_t i;

	for (width = WIDTH_32; width < WIDTHS; width++) {
		for (i = 0; i < 2; i++) {
			struct vsm_hypercall_regs regs = vtl_call(width, vtl_codes[i], 0);
			uint64_t bit = row_bit(csv_find(&csv, vtl_codes[i]));

			caps.calls = ~bit;
			expect_ud(&regs, &caps);
			caps.calls = bit;
			expect_ok(&regs, &caps);
		}
	}
}
END_TEST

START_TEST(a_32_bit_vtl_call_ignores_high_halves)
{
	struct vsm_hypercall_caps caps = full_caps();
	struct vsm_hypercall_regs regs = {
		.size = sizeof(regs),
		.mode = VSM_CALLER_PROTECTED,
		.rax = GARBAGE | HVCALL_VTL_RETURN,
		.rcx = GARBAGE | 1,
		.rdx = GARBAGE,
		.rbx = UINT64_MAX,
		.rsi = UINT64_MAX,
		.rdi = UINT64_MAX,
		.r8 = UINT64_MAX,
	};
	struct vsm_hypercall out = expect_ok(&regs, &caps);

	ck_assert_uint_eq(out.control, HVCALL_VTL_RETURN);
	ck_assert_uint_eq(out.vtl_control, 1);
	regs.rdx |= 1; /* EDX is the high half of the input value */
	expect_ud(&regs, &caps);
}
END_TEST

/* Privileges */

START_TEST(a_missing_privilege_is_access_denied)
{
	struct vsm_hypercall_caps caps = full_caps();
	struct call c;
	uint32_t judged = 0;

	for (c = first_call(); c.row < rows_end(); c = next_call(c)) {
		struct vsm_hypercall_regs regs = good_call(c.row, c.width);

		if (!ordinary(c.row) || !privilege_of(c.row))
			continue;
		caps.privileges = ~privilege_of(c.row);
		expect_status(&regs, &caps, HV_STATUS_ACCESS_DENIED);
		judged++;
	}
	ck_assert_uint_gt(judged, 20);
}
END_TEST

START_TEST(no_other_privilege_is_needed)
{
	struct vsm_hypercall_caps caps = full_caps();
	struct call c;

	for (c = first_call(); c.row < rows_end(); c = next_call(c)) {
		struct vsm_hypercall_regs regs = good_call(c.row, c.width);

		if (!c.row->known)
			continue;
		caps.privileges = privilege_of(c.row);
		expect_ok(&regs, &caps);
	}
}
END_TEST

START_TEST(privilege_comes_before_the_control_word)
{
	struct vsm_hypercall_caps caps = full_caps();
	const struct csv_row *row;
	uint64_t worse[] = { HV_HYPERCALL_RSVD_MASK, HV_HYPERCALL_NESTED, FAST, START(4095),
			     VARHEAD(1023),	     REPS(4095) };
	size_t i;

	caps.features = 0;
	for (row = csv.rows; row < rows_end(); row++) {
		if (!ordinary(row) || !privilege_of(row))
			continue;
		caps.privileges = ~privilege_of(row);
		for (i = 0; i < sizeof(worse) / sizeof(worse[0]); i++) {
			struct vsm_hypercall_regs regs =
				registers(WIDTH_64, row->code | worse[i], 1, 1);

			expect_status(&regs, &caps, HV_STATUS_ACCESS_DENIED);
		}
	}
}
END_TEST

/* TLFS 3.12.2 lets any order be; to a guest a call that it was not offered does not exist. */
START_TEST(privilege_is_judged_for_offered_calls_only)
{
	struct vsm_hypercall_caps caps = full_caps();
	const struct csv_row *row;

	caps.privileges = 0;
	for (row = csv.rows; row < rows_end(); row++) {
		struct vsm_hypercall_regs regs = good_call(row, WIDTH_64);

		if (!ordinary(row))
			continue;
		caps.calls = ~row_bit(row);
		expect_status(&regs, &caps, HV_STATUS_INVALID_HYPERCALL_CODE);
	}
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, null_arguments_are_refused);
	tcase_add_test(tc, wrong_sizes_are_refused);
	tcase_add_test(tc, impossible_values_are_refused);
	tcase_add_test(tc, a_refused_argument_changes_nothing);
	tcase_add_test(tc, each_call_is_good_from_cpl_0);
	tcase_add_test(tc, cpl_above_0_is_ud);
	tcase_add_test(tc, real_mode_is_ud);
	tcase_add_test(tc, v86_mode_is_ud);
	tcase_add_test(tc, disabled_hypercalls_are_ud);
	tcase_add_test(tc, the_gate_comes_first);
	tcase_add_test(tc, vtl_call_and_return_have_no_parameters);
	tcase_add_test(tc, each_other_bit_of_a_vtl_call_is_ud);
	tcase_add_test(tc, vtl_call_takes_no_control_input);
	tcase_add_test(tc, vtl_return_takes_the_fast_bit_only);
	tcase_add_test(tc, vtl_calls_without_access_vsm_are_ud);
	tcase_add_test(tc, unoffered_vtl_calls_are_ud);
	tcase_add_test(tc, a_32_bit_vtl_call_ignores_high_halves);
	tcase_add_test(tc, a_missing_privilege_is_access_denied);
	tcase_add_test(tc, no_other_privilege_is_needed);
	tcase_add_test(tc, privilege_comes_before_the_control_word);
	tcase_add_test(tc, privilege_is_judged_for_offered_calls_only);
}

int main(void)
{
	return run_suite("decode", add_tests);
}
