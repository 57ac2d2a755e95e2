/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of hypercalls against its list (TLFS App. A). */
#include <check.h>
#include <stdint.h>
#include <string.h>

#include <vsm/error.h>
#include <vsm/hv.h>
#include <vsm/hypercall.h>

#include "hypercall_csv.h"
#include "vsmtest.h"

static struct csv csv;

static struct vsm_hypercall_info info_of(uint32_t row)
{
	struct vsm_hypercall_info info;

	memset(&info, 0xa5, sizeof(info));
	info.size = sizeof(info);
	ck_assert_int_eq(vsm_hypercall_info(row, &info), 0);
	return info;
}

START_TEST(count_is_that_of_the_list)
{
	ck_assert_uint_eq(vsm_hypercall_count(), csv.count);
	ck_assert_uint_le(vsm_hypercall_count(), 64);
}
END_TEST

START_TEST(rows_are_in_the_order_of_the_list)
{
	uint32_t i;

	for (i = 0; i < csv.count; i++) {
		ck_assert_uint_eq(info_of(i).code, csv.rows[i].code);
		ck_assert_str_eq(info_of(i).name, csv.rows[i].name);
	}
}
END_TEST

START_TEST(codes_ascend)
{
	uint32_t i;

	for (i = 1; i < vsm_hypercall_count(); i++)
		ck_assert_uint_lt(info_of(i - 1).code, info_of(i).code);
}
END_TEST

START_TEST(kinds_match)
{
	uint32_t i;

	for (i = 0; i < csv.count; i++) {
		const char *kind = csv.rows[i].kind;
		unsigned int expected = VSM_HYPERCALL_SIMPLE;

		ck_assert(csv_is(kind, "simple") || csv_is(kind, "rep") || csv_is(kind, "vtl"));
		if (csv_is(kind, "rep"))
			expected = VSM_HYPERCALL_REP;
		if (csv_is(kind, "vtl"))
			expected = VSM_HYPERCALL_VTL;
		ck_assert_msg(info_of(i).kind == expected, "%s", csv.rows[i].name);
	}
}
END_TEST

START_TEST(sizes_match)
{
	uint32_t i;

	for (i = 0; i < csv.count; i++) {
		struct vsm_hypercall_info info = info_of(i);
		const struct csv_row *row = &csv.rows[i];

		ck_assert_msg(info.fixed_in == row->fixed_in, "%s", row->name);
		ck_assert_msg(info.rep_in == row->rep_in, "%s", row->name);
		ck_assert_msg(info.rep_out == row->rep_out, "%s", row->name);
		ck_assert_msg(info.fixed_out == row->fixed_out, "%s", row->name);
	}
}
END_TEST

START_TEST(variable_headers_match)
{
	uint32_t i;

	for (i = 0; i < csv.count; i++)
		ck_assert_msg(info_of(i).variable == csv_is(csv.rows[i].variable, "yes"), "%s",
			      csv.rows[i].name);
}
END_TEST

START_TEST(register_forms_match)
{
	uint32_t i;

	for (i = 0; i < csv.count; i++) {
		const char *fast = csv.rows[i].fast;

		ck_assert_msg(info_of(i).fast == (csv_is(fast, "gpr") || csv_is(fast, "xmm")), "%s",
			      csv.rows[i].name);
	}
}
END_TEST

/* TLFS 3.7.1: what fits RDX and R8 needs no XMM register, what does not fit 112 bytes has none. */
START_TEST(register_forms_follow_from_the_sizes)
{
	uint32_t i;

	for (i = 0; i < csv.count; i++) {
		struct vsm_hypercall_info info = info_of(i);
		const char *fast = csv.rows[i].fast;

		if (!info.known || info.kind == VSM_HYPERCALL_VTL) {
			ck_assert_msg(!info.fast, "%s", info.name);
			continue;
		}
		ck_assert_msg(info.fast == (info.fixed_in + info.fixed_out <= 112), "%s",
			      info.name);
		if (info.fast)
			ck_assert_msg(csv_is(fast, "gpr") ==
					      (info.kind == VSM_HYPERCALL_SIMPLE &&
					       !info.variable && info.fixed_in <= 16),
				      "%s", info.name);
		ck_assert_msg(csv_is(csv.rows[i].output, "yes") ==
				      (info.fast && (info.fixed_out || info.rep_out)),
			      "%s", info.name);
	}
}
END_TEST

START_TEST(only_rows_without_a_layout_are_unknown)
{
	uint32_t i;

	for (i = 0; i < csv.count; i++)
		ck_assert_msg(info_of(i).known == csv.rows[i].known, "%s", csv.rows[i].name);
	ck_assert_uint_eq(info_of((uint32_t)vsm_hypercall_row(0x000e)).known, 0);
	ck_assert_uint_eq(info_of((uint32_t)vsm_hypercall_row(0x0010)).known, 0);
	ck_assert_uint_eq(info_of((uint32_t)vsm_hypercall_row(0x0011)).known, 1);
}
END_TEST

/* TLFS 3.7: the first element is aligned to 8 bytes. */
START_TEST(elements_begin_aligned)
{
	uint32_t i;

	for (i = 0; i < vsm_hypercall_count(); i++)
		ck_assert_uint_eq(info_of(i).fixed_in % 8, 0);
}
END_TEST

/* TLFS 3.7: what fits no page could never be called. */
START_TEST(one_element_fits_a_page)
{
	uint32_t i;

	for (i = 0; i < vsm_hypercall_count(); i++) {
		struct vsm_hypercall_info info = info_of(i);

		ck_assert_uint_le(info.fixed_in + info.rep_in, HV_PAGE_SIZE);
		ck_assert_uint_le(info.fixed_out + info.rep_out, HV_PAGE_SIZE);
	}
}
END_TEST

START_TEST(elements_only_in_rep_calls)
{
	uint32_t i;

	for (i = 0; i < vsm_hypercall_count(); i++) {
		struct vsm_hypercall_info info = info_of(i);

		if (info.kind == VSM_HYPERCALL_REP)
			ck_assert_uint_eq(info.fixed_out, 0);
		else
			ck_assert_uint_eq(info.rep_in + info.rep_out, 0);
	}
}
END_TEST

START_TEST(row_of_every_code)
{
	uint32_t code;
	uint32_t found = 0;

	for (code = 0; code <= 0xffff; code++) {
		int row = vsm_hypercall_row((uint16_t)code);
		const struct csv_row *listed = csv_find(&csv, code);

		if (!listed) {
			ck_assert_int_eq(row, -VSM_ERR_NOTFOUND);
			continue;
		}
		ck_assert_int_eq(row, (int)(listed - csv.rows));
		found++;
	}
	ck_assert_uint_eq(found, csv.count);
}
END_TEST

START_TEST(name_of_every_code)
{
	uint32_t code;

	for (code = 0; code <= 0xffff; code++) {
		const struct csv_row *listed = csv_find(&csv, code);

		ck_assert_str_eq(vsm_hypercall_name((uint16_t)code),
				 listed ? listed->name : "unknown hypercall");
	}
}
END_TEST

/* TLFS 4.2.2, 15.3 and the chapter of each call. */
START_TEST(privileges)
{
	static const struct {
		uint16_t code;
		uint64_t privilege;
	} expected[] = {
		{ HVCALL_MODIFY_VTL_PROTECTION_MASK, 1ull << 48 },
		{ HVCALL_ENABLE_PARTITION_VTL, 1ull << 48 },
		{ HVCALL_ENABLE_VP_VTL, 1ull << 48 },
		{ HVCALL_VTL_CALL, 1ull << 48 },
		{ HVCALL_VTL_RETURN, 1ull << 48 },
		{ HVCALL_GET_PARTITION_ID, 1ull << 33 },
		{ HVCALL_GET_VP_REGISTERS, 1ull << 49 },
		{ HVCALL_SET_VP_REGISTERS, 1ull << 49 },
		{ HVCALL_POST_MESSAGE, 1ull << 36 },
		{ HVCALL_SIGNAL_EVENT, 1ull << 37 },
		{ HVCALL_START_VIRTUAL_PROCESSOR, 1ull << 53 },
		{ HVCALL_GET_VP_INDEX_FROM_APIC_ID, 1ull << 6 },
		{ HVCALL_ACCEPT_GPA_PAGES, 1ull << 54 },
		{ HVCALL_MODIFY_SPARSE_GPA_PAGE_HOST_VISIBILITY, 1ull << 54 },
		{ HVEXTCALL_QUERY_CAPABILITIES, 1ull << 52 },
		{ HVEXTCALL_GET_BOOT_ZEROED_MEMORY, 1ull << 52 },
	};
	uint32_t row;
	size_t i;

	for (row = 0; row < vsm_hypercall_count(); row++) {
		struct vsm_hypercall_info info = info_of(row);
		uint64_t privilege = 0;

		for (i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
			if (expected[i].code == info.code)
				privilege = expected[i].privilege;
		}
		ck_assert_msg(info.privilege == privilege, "%s", info.name);
	}
}
END_TEST

START_TEST(constants_name_the_rows)
{
	static const struct {
		uint16_t code;
		const char *name;
	} expected[] = {
		{ HVCALL_SWITCH_VIRTUAL_ADDRESS_SPACE, "HvCallSwitchVirtualAddressSpace" },
		{ HVCALL_FLUSH_VIRTUAL_ADDRESS_LIST_EX, "HvCallFlushVirtualAddressListEx" },
		{ HVCALL_NOTIFY_LONG_SPIN_WAIT, "HvCallNotifyLongSpinWait" },
		{ HVCALL_MODIFY_VTL_PROTECTION_MASK, "HvCallModifyVtlProtectionMask" },
		{ HVCALL_ENABLE_PARTITION_VTL, "HvCallEnablePartitionVtl" },
		{ HVCALL_ENABLE_VP_VTL, "HvCallEnableVpVtl" },
		{ HVCALL_VTL_CALL, "HvCallVtlCall" },
		{ HVCALL_VTL_RETURN, "HvCallVtlReturn" },
		{ HVCALL_GET_VP_REGISTERS, "HvCallGetVpRegisters" },
		{ HVCALL_SET_VP_REGISTERS, "HvCallSetVpRegisters" },
		{ HVCALL_START_VIRTUAL_PROCESSOR, "HvCallStartVirtualProcessor" },
		{ HVCALL_GET_VP_INDEX_FROM_APIC_ID, "HvCallGetVpIndexFromApicId" },
		{ HVEXTCALL_GET_BOOT_ZEROED_MEMORY, "HvExtCallGetBootZeroedMemory" },
	};
	size_t i;

	for (i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		ck_assert_str_eq(vsm_hypercall_name(expected[i].code), expected[i].name);
}
END_TEST

START_TEST(info_refuses_bad_arguments)
{
	struct vsm_hypercall_info info;
	struct vsm_hypercall_info before;
	size_t sizes[] = { 0, sizeof(info) - 1, sizeof(info) + 1, sizeof(info) + 8, SIZE_MAX };
	size_t i;

	ck_assert_int_eq(vsm_hypercall_info(0, NULL), -VSM_ERR_INVAL);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		memset(&info, 0xa5, sizeof(info));
		info.size = sizes[i];
		before = info;
		ck_assert_int_eq(vsm_hypercall_info(0, &info), -VSM_ERR_INVAL);
		ck_assert_mem_eq(&info, &before, sizeof(info));
	}
}
END_TEST

START_TEST(info_refuses_rows_beyond_the_end)
{
	uint32_t rows[] = { vsm_hypercall_count(), vsm_hypercall_count() + 1, 64, 0x80000000u,
			    UINT32_MAX };
	struct vsm_hypercall_info info;
	struct vsm_hypercall_info before;
	size_t i;

	memset(&info, 0xa5, sizeof(info));
	info.size = sizeof(info);
	before = info;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_int_eq(vsm_hypercall_info(rows[i], &info), -VSM_ERR_NOTFOUND);
		ck_assert_mem_eq(&info, &before, sizeof(info));
	}
}
END_TEST

START_TEST(info_fills_all_of_it)
{
	uint32_t i;

	for (i = 0; i < vsm_hypercall_count(); i++) {
		struct vsm_hypercall_info info = info_of(i);
		const char *end = memchr(info.name, 0, sizeof(info.name));

		ck_assert_uint_eq(info.size, sizeof(info));
		ck_assert_uint_eq(info.reserved, 0);
		ck_assert_ptr_nonnull(end);
		for (; end < info.name + sizeof(info.name); end++)
			ck_assert_int_eq(*end, 0);
	}
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, count_is_that_of_the_list);
	tcase_add_test(tc, rows_are_in_the_order_of_the_list);
	tcase_add_test(tc, codes_ascend);
	tcase_add_test(tc, kinds_match);
	tcase_add_test(tc, sizes_match);
	tcase_add_test(tc, variable_headers_match);
	tcase_add_test(tc, register_forms_match);
	tcase_add_test(tc, register_forms_follow_from_the_sizes);
	tcase_add_test(tc, only_rows_without_a_layout_are_unknown);
	tcase_add_test(tc, elements_begin_aligned);
	tcase_add_test(tc, one_element_fits_a_page);
	tcase_add_test(tc, elements_only_in_rep_calls);
	tcase_add_test(tc, row_of_every_code);
	tcase_add_test(tc, name_of_every_code);
	tcase_add_test(tc, privileges);
	tcase_add_test(tc, constants_name_the_rows);
	tcase_add_test(tc, info_refuses_bad_arguments);
	tcase_add_test(tc, info_refuses_rows_beyond_the_end);
	tcase_add_test(tc, info_fills_all_of_it);
}

int main(void)
{
	return csv_load(&csv) ? vsmtest_suite("hypercall_table", add_tests) : 1;
}
