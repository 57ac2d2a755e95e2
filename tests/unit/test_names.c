/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of things for people, and the version. */
#include <string.h>

#include "vsmtest.h"

START_TEST(every_status_has_a_name_of_its_own)
{
	static const struct {
		uint16_t status;
		const char *name;
	} known[] = {
		{ 0x00, "HV_STATUS_SUCCESS" },
		{ 0x02, "HV_STATUS_INVALID_HYPERCALL_CODE" },
		{ 0x03, "HV_STATUS_INVALID_HYPERCALL_INPUT" },
		{ 0x04, "HV_STATUS_INVALID_ALIGNMENT" },
		{ 0x05, "HV_STATUS_INVALID_PARAMETER" },
		{ 0x06, "HV_STATUS_ACCESS_DENIED" },
		{ 0x08, "HV_STATUS_OPERATION_DENIED" },
		{ 0x0b, "HV_STATUS_INSUFFICIENT_MEMORY" },
		{ 0x0d, "HV_STATUS_INVALID_PARTITION_ID" },
		{ 0x0e, "HV_STATUS_INVALID_VP_INDEX" },
		{ 0x50, "HV_STATUS_INVALID_REGISTER_VALUE" },
		{ 0x51, "HV_STATUS_INVALID_VTL_STATE" },
		{ 0x86, "HV_STATUS_VTL_ALREADY_ENABLED" },
		{ 0x87, "HV_STATUS_UNKNOWN_REGISTER_NAME" },
	};
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(known); i++)
		ck_assert_str_eq(vsm_hv_status_name(known[i].status), known[i].name);
}
END_TEST

START_TEST(a_number_without_a_status_is_unknown)
{
	ck_assert_str_eq(vsm_hv_status_name(0x0001), "HV_STATUS_UNKNOWN");
	ck_assert_str_eq(vsm_hv_status_name(0x7777), "HV_STATUS_UNKNOWN");
	ck_assert_str_eq(vsm_hv_status_name(0xffff), "HV_STATUS_UNKNOWN");
}
END_TEST

START_TEST(errors_have_distinct_texts_for_both_signs)
{
	int i, j;

	for (i = VSM_ERR_MISUSE; i <= VSM_ERR_BUSY; i++) {
		ck_assert_str_ne(vsm_strerror(i), "unknown error");
		ck_assert_str_eq(vsm_strerror(i), vsm_strerror(-i));
		for (j = VSM_ERR_MISUSE; j < i; j++)
			ck_assert_str_ne(vsm_strerror(i), vsm_strerror(j));
	}
}
END_TEST

START_TEST(a_number_without_an_error_is_unknown)
{
	ck_assert_str_eq(vsm_strerror(VSM_ERR_BUSY + 1), "unknown error");
	ck_assert_str_eq(vsm_strerror(-1000), "unknown error");
	ck_assert_str_eq(vsm_strerror(-2147483647 - 1), "unknown error");
	ck_assert_str_eq(vsm_strerror(2147483647), "unknown error");
}
END_TEST

START_TEST(hypercalls_have_their_tlfs_names)
{
	ck_assert_str_eq(vsm_hypercall_name(0x0011), "HvCallVtlCall");
	ck_assert_str_eq(vsm_hypercall_name(0x0012), "HvCallVtlReturn");
	ck_assert_str_eq(vsm_hypercall_name(0x000c), "HvCallModifyVtlProtectionMask");
	ck_assert_str_eq(vsm_hypercall_name(0x009a), "HvCallGetVpIndexFromApicId");
	ck_assert_str_eq(vsm_hypercall_name(0x8001), "HvExtCallQueryCapabilities");
	ck_assert_str_eq(vsm_hypercall_name(0x0000), "unknown hypercall");
	ck_assert_str_eq(vsm_hypercall_name(0xffff), "unknown hypercall");
}
END_TEST

START_TEST(hypercall_rows_and_names_agree)
{
	uint32_t row;

	ck_assert_uint_le(vsm_hypercall_count(), 64);
	for (row = 0; row < vsm_hypercall_count(); row++) {
		struct vsm_hypercall_info info = { .size = sizeof(info) };

		assert_err(vsm_hypercall_info(row, &info), 0);
		ck_assert_int_eq(vsm_hypercall_row(info.code), (int)row);
		ck_assert_str_eq(vsm_hypercall_name(info.code), info.name);
		ck_assert_ptr_nonnull(memchr(info.name, 0, sizeof(info.name)));
	}
}
END_TEST

START_TEST(every_register_of_the_table_has_a_name)
{
	struct vsm_register_info info = { .size = sizeof(info) };
	uint32_t i, last = 0;

	for (i = 0; vsm_register_at(i, &info) == 0; i++) {
		ck_assert_str_eq(vsm_register_name(info.name), info.text);
		ck_assert_uint_gt(strlen(info.text), 0);
		ck_assert(i == 0 || info.name > last);
		last = info.name;
	}
	ck_assert_uint_gt(i, 50);
	ck_assert_str_eq(vsm_register_name(HV_X64_REGISTER_CR0), "CR0");
	ck_assert_str_eq(vsm_register_name(0x12345678), "unknown register");
}
END_TEST

START_TEST(the_linked_version_is_that_of_the_headers)
{
	ck_assert_uint_eq(vsm_version(), VSM_VERSION_NUMBER);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(every_status_has_a_name_of_its_own),
	VSMTEST_CASE(a_number_without_a_status_is_unknown),
	VSMTEST_CASE(errors_have_distinct_texts_for_both_signs),
	VSMTEST_CASE(a_number_without_an_error_is_unknown),
	VSMTEST_CASE(hypercalls_have_their_tlfs_names),
	VSMTEST_CASE(hypercall_rows_and_names_agree),
	VSMTEST_CASE(every_register_of_the_table_has_a_name),
	VSMTEST_CASE(the_linked_version_is_that_of_the_headers),
};

int main(void)
{
	return vsmtest_main("names", cases, VSMTEST_COUNT(cases));
}
