/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vsm_context_check(): three good contexts, and every rule broken alone in each of them that knows
 * the rule.
 */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <vsm/error.h>
#include <vsm/hv.h>
#include <vsm/registers.h>

#include "vsmtest.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define BIT(n)	   (1ull << (n))
#define CR0_PG	   BIT(31)
#define CR4_PAE	   BIT(5)
#define CR4_LA57   BIT(12)
#define CR4_PCIDE  BIT(17)
#define CR4_CET	   BIT(23)
#define EFER_LME   BIT(8)
#define EFER_LMA   BIT(10)
#define PRESENT	   0x80
#define DPL	   0x60
#define HIGHEST_48 0x00007fffffffffffull

enum mode {
	MODE_64,
	MODE_32_FLAT, /* paging off */
	MODE_32_PAE,
	MODES,
};

static const char *const mode_names[MODES] = { "64-bit", "32-bit without paging", "32-bit PAE" };

static struct vsm_register_limits limits_of_machine(void)
{
	struct vsm_register_limits limits = {
		.size = sizeof(limits),
		.cr4_mask = 0x00b737ff,
		.efer_mask = 0xd01,
		.phys_bits = 40,
	};

	return limits;
}

/* What Linux hands to a VTL: flat code and stack, null data segments, a busy TSS, an empty LDT. */
static struct hv_initial_vp_context good_context(enum mode mode)
{
	struct hv_initial_vp_context context = {
		.rip = 0xffffffff81000000,
		.rsp = 0xffffc90000004000,
		.rflags = 0x2,
		.cs = { .limit = 0xffffffff, .selector = 0x10, .attributes = 0xa09b },
		.ss = { .limit = 0xffffffff, .selector = 0x18, .attributes = 0xc093 },
		.tr = { .base = 0xfffffe0000003000,
			.limit = 0x206f,
			.selector = 0x40,
			.attributes = 0x8b },
		.ldtr = { .selector = 0x50, .attributes = 0x82 },
		.idtr = { .limit = 0xfff, .base = 0xfffffe0000000000 },
		.gdtr = { .limit = 0x7f, .base = 0xfffffe0000001000 },
		.efer = 0xd01,
		.cr0 = 0x80050033,
		.cr3 = 0x1234000,
		.cr4 = 0x6b0,
		.msr_cr_pat = 0x0407050600070106,
	};
	const struct hv_segment_register flat = { .limit = 0xffffffff,
						  .selector = 0x23,
						  .attributes = 0xc0f3 };

	if (mode == MODE_64)
		return context;
	context.rip = 0xc1000000;
	context.rsp = 0xc2000000;
	context.cs.attributes = 0xc09b;
	context.ds = context.es = context.fs = context.gs = flat;
	context.tr.base = 0xc3000000;
	context.idtr.base = 0xc4000000;
	context.gdtr.base = 0xc5000000;
	context.efer = 0;
	if (mode == MODE_32_FLAT) {
		context.cr0 &= ~CR0_PG;
		context.cr3 = 0;
		context.cr4 = 0;
	}
	return context;
}

static int legal(const struct hv_initial_vp_context *context)
{
	struct vsm_register_limits limits = limits_of_machine();

	return vsm_context_check(&limits, context);
}

/* `text` is a statement that changes `c`, a good context of `mode`. */
#define expect(mode, result, text)                                                                \
	do {                                                                                      \
		struct hv_initial_vp_context c = good_context(mode);                              \
                                                                                                  \
		ck_assert_int_eq(legal(&c), 1);                                                   \
		text;                                                                             \
		ck_assert_msg(legal(&c) == (result), "%s: %s is not %d", mode_names[mode], #text, \
			      (result));                                                          \
	} while (0)

#define expect_all(result, text)                              \
	do {                                                  \
		enum mode mode_;                              \
                                                              \
		for (mode_ = MODE_64; mode_ < MODES; mode_++) \
			expect(mode_, result, text);          \
	} while (0)

START_TEST(test_good_contexts_are_legal)
{
	expect_all(1, (void)c);
}
END_TEST

START_TEST(test_null_arguments_are_invalid)
{
	struct hv_initial_vp_context context = good_context(MODE_64);
	struct vsm_register_limits limits = limits_of_machine();

	ck_assert_int_eq(vsm_context_check(NULL, &context), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_context_check(&limits, NULL), -VSM_ERR_INVAL);
}
END_TEST

START_TEST(test_wrong_limits_are_invalid)
{
	struct hv_initial_vp_context context = good_context(MODE_64);
	struct vsm_register_limits limits = limits_of_machine();

	limits.size--;
	ck_assert_int_eq(vsm_context_check(&limits, &context), -VSM_ERR_INVAL);
	limits.size += 2;
	ck_assert_int_eq(vsm_context_check(&limits, &context), -VSM_ERR_INVAL);
	limits = limits_of_machine();
	limits.phys_bits = 53;
	ck_assert_int_eq(vsm_context_check(&limits, &context), -VSM_ERR_INVAL);
	limits = limits_of_machine();
	limits.reserved = 1;
	ck_assert_int_eq(vsm_context_check(&limits, &context), -VSM_ERR_INVAL);
}
END_TEST

START_TEST(test_all_zero_and_all_one_contexts_are_illegal)
{
	struct hv_initial_vp_context context;

	memset(&context, 0, sizeof(context));
	ck_assert_int_eq(legal(&context), 0);
	memset(&context, 0xff, sizeof(context));
	ck_assert_int_eq(legal(&context), 0);
}
END_TEST

START_TEST(test_cr0_protected_mode_is_on)
{
	expect(MODE_32_FLAT, 0, c.cr0 &= ~BIT(0));
	/* Alone, because paging needs it as well. */
	expect(MODE_32_PAE, 0, c.cr0 &= ~(BIT(0) | CR0_PG));
}
END_TEST

START_TEST(test_cr0_paging_needs_protected_mode)
{
	expect(MODE_64, 0, c.cr0 &= ~BIT(0));
	expect(MODE_32_PAE, 0, c.cr0 &= ~BIT(0));
}
END_TEST

START_TEST(test_cr0_nw_needs_cd)
{
	expect_all(0, c.cr0 |= BIT(29));
	expect_all(1, c.cr0 |= BIT(29) | BIT(30));
}
END_TEST

START_TEST(test_cr0_reserved_bits_are_0)
{
	const uint64_t legal_bits = 0xc005003f;
	unsigned int bit;

	for (bit = 0; bit < 64; bit++) {
		if (!(legal_bits & BIT(bit)))
			expect_all(0, c.cr0 |= BIT(bit));
	}
}
END_TEST

START_TEST(test_cr4_bits_outside_of_the_mask_are_0)
{
	const uint64_t mask = limits_of_machine().cr4_mask;
	unsigned int bit;

	for (bit = 0; bit < 64; bit++) {
		if (!(mask & BIT(bit)))
			expect_all(0, c.cr4 |= BIT(bit));
	}
}
END_TEST

START_TEST(test_efer_bits_outside_of_the_mask_are_0)
{
	unsigned int bit;

	for (bit = 0; bit < 64; bit++) {
		if (!(limits_of_machine().efer_mask & BIT(bit)))
			expect_all(0, c.efer |= BIT(bit));
	}
}
END_TEST

START_TEST(test_efer_lma_is_lme_with_paging)
{
	expect(MODE_64, 0, c.efer &= ~EFER_LMA; c.cs.attributes = 0xc09b; c.rip = 0x1000);
	expect(MODE_64, 0, c.efer &= ~EFER_LME);
	expect(MODE_32_FLAT, 0, c.cr4 |= CR4_PAE; c.efer |= EFER_LME | EFER_LMA);
	expect(MODE_32_FLAT, 1, c.cr4 |= CR4_PAE; c.efer |= EFER_LME);
	expect(MODE_32_PAE, 0, c.efer |= EFER_LME);
	expect(MODE_32_PAE, 0, c.efer |= EFER_LMA);
}
END_TEST

START_TEST(test_long_mode_needs_pae)
{
	expect(MODE_64, 0, c.cr4 &= ~CR4_PAE);
	expect(MODE_32_PAE, 1, c.cr4 &= ~CR4_PAE);
}
END_TEST

START_TEST(test_process_context_ids_need_long_mode)
{
	expect(MODE_64, 1, c.cr4 |= CR4_PCIDE);
	expect(MODE_32_FLAT, 0, c.cr4 |= CR4_PCIDE);
	expect(MODE_32_PAE, 0, c.cr4 |= CR4_PCIDE);
}
END_TEST

START_TEST(test_cet_needs_write_protection)
{
	expect_all(1, c.cr4 |= CR4_CET);
	expect_all(0, c.cr4 |= CR4_CET; c.cr0 &= ~BIT(16));
	expect_all(1, c.cr0 &= ~BIT(16));
}
END_TEST

START_TEST(test_cr3_is_a_physical_address)
{
	unsigned int bit;

	for (bit = 12; bit < 64; bit++)
		expect_all(bit < 40, c.cr3 |= BIT(bit));
}
END_TEST

START_TEST(test_pat_entries_are_memory_types)
{
	unsigned int entry;

	for (entry = 0; entry < 8; entry++) {
		expect_all(0, c.msr_cr_pat &= ~(0xffull << entry * 8);
			   c.msr_cr_pat |= 2ull << entry * 8);
		expect_all(0, c.msr_cr_pat |= 8ull << entry * 8);
		expect_all(1, c.msr_cr_pat &= ~(0xffull << entry * 8));
	}
}
END_TEST

START_TEST(test_rflags_reserved_bits)
{
	unsigned int bit;

	expect_all(0, c.rflags = 0);
	for (bit = 0; bit < 64; bit++) {
		if (!(0x3f7fd7 & BIT(bit)))
			expect_all(0, c.rflags |= BIT(bit));
		else if (bit != 17)
			expect_all(1, c.rflags |= BIT(bit));
	}
}
END_TEST

START_TEST(test_virtual_8086_mode_is_refused)
{
	expect_all(0, c.rflags |= BIT(17));
}
END_TEST

START_TEST(test_rip_is_canonical_in_64_bit_code)
{
	expect(MODE_64, 1, c.rip = HIGHEST_48);
	expect(MODE_64, 0, c.rip = HIGHEST_48 + 1);
	expect(MODE_64, 0, c.rip = BIT(63));
}
END_TEST

START_TEST(test_addresses_have_57_bits_only_with_5_level_paging)
{
	expect(MODE_64, 1, c.cr4 |= CR4_LA57; c.rip = HIGHEST_48 + 1);
	expect(MODE_64, 0, c.cr4 |= CR4_LA57; c.rip = BIT(56));
	expect(MODE_64, 1, c.cr4 |= CR4_LA57; c.gs.base = HIGHEST_48 + 1);
	expect(MODE_64, 0, c.gs.base = HIGHEST_48 + 1);
}
END_TEST

START_TEST(test_rip_has_32_bits_in_32_bit_code)
{
	expect(MODE_32_FLAT, 1, c.rip = 0xffffffff);
	expect(MODE_32_FLAT, 0, c.rip = 0x100000000);
	expect(MODE_32_PAE, 0, c.rip = 0xffffffff81000000);
	/* Compatibility mode. */
	expect(MODE_64, 1, c.cs.attributes = 0xc09b; c.rip = 0xffffffff);
	expect(MODE_64, 0, c.cs.attributes = 0xc09b; c.rip = 0x100000000);
}
END_TEST

START_TEST(test_rsp_is_any_number)
{
	expect_all(1, c.rsp = BIT(63) | 1);
}
END_TEST

START_TEST(test_cs_is_present)
{
	expect_all(0, c.cs.attributes = (uint16_t)(c.cs.attributes & ~PRESENT));
}
END_TEST

START_TEST(test_cs_is_accessed_code)
{
	unsigned int type;

	for (type = 0; type < 16; type++)
		expect_all((0xaa00 >> type) & 1,
			   c.cs.attributes = (uint16_t)((c.cs.attributes & 0xfff0u) | type));
	expect_all(0, c.cs.attributes = (uint16_t)(c.cs.attributes & ~0x10));
}
END_TEST

START_TEST(test_cs_is_64_bit_only_in_long_mode)
{
	expect(MODE_32_FLAT, 0, c.cs.attributes = 0xa09b);
	expect(MODE_32_PAE, 0, c.cs.attributes = 0xa09b);
}
END_TEST

START_TEST(test_cs_is_not_both_long_and_default)
{
	expect_all(0, c.cs.attributes = 0xe09b);
}
END_TEST

START_TEST(test_cs_of_16_bits_is_refused)
{
	expect_all(0, c.cs.attributes = 0x809b; c.rip = 0x1000);
}
END_TEST

START_TEST(test_a_vtl_starts_at_cpl_0)
{
	expect_all(0, c.cs.attributes |= 0x20);
	expect_all(0, c.cs.attributes |= DPL);
	expect_all(0, c.ss.attributes |= 0x20);
	expect_all(0, c.ss.attributes |= DPL);
	expect_all(0, c.cs.selector |= 3);
	expect_all(0, c.ss.selector |= 3);
	expect_all(0, c.cs.attributes |= DPL; c.ss.attributes |= DPL; c.cs.selector |= 3;
		   c.ss.selector |= 3);
}
END_TEST

START_TEST(test_ss_is_null_in_64_bit_code_only)
{
	const struct hv_segment_register null = { 0 };

	expect(MODE_64, 1, c.ss = null);
	expect(MODE_32_FLAT, 0, c.ss = null);
	expect(MODE_32_PAE, 0, c.ss = null);
	expect(MODE_64, 0, c.ss = null; c.cs.attributes = 0xc09b; c.rip = 0x1000);
	/* The CPL is in a null SS too. */
	expect(MODE_64, 0, c.ss = null; c.ss.attributes = DPL);
}
END_TEST

START_TEST(test_ss_is_writable_data)
{
	expect_all(0, c.ss.attributes = 0xc091);
	expect_all(0, c.ss.attributes = 0xc09b);
	expect_all(0, c.ss.attributes = 0xc092);
	expect_all(1, c.ss.attributes = 0xc097);
}
END_TEST

/* The address of a segment by the order of the structure: CS, DS, ES, FS, GS, SS, TR, LDTR. */
static struct hv_segment_register *segment_at(struct hv_initial_vp_context *context, size_t i)
{
	struct hv_segment_register *const at[] = {
		&context->cs, &context->ds, &context->es, &context->fs,
		&context->gs, &context->ss, &context->tr, &context->ldtr,
	};

	return at[i];
}

START_TEST(test_segment_reserved_attributes_are_0)
{
	unsigned int bit;
	size_t i;

	for (i = 0; i < 8; i++) {
		for (bit = 8; bit < 12; bit++)
			expect_all(0, segment_at(&c, i)->attributes |= (uint16_t)BIT(bit));
		expect_all(1, segment_at(&c, i)->attributes |= 0x1000);
	}
}
END_TEST

START_TEST(test_limits_of_present_segments_fit_their_granularity)
{
	size_t i;

	for (i = 0; i < 8; i++) {
		expect(MODE_32_PAE, 0, segment_at(&c, i)->limit = 0xfffffffe;
		       segment_at(&c, i)->attributes |= 0x8000);
		expect(MODE_32_PAE, 0, segment_at(&c, i)->limit = 0x100000;
		       segment_at(&c, i)->attributes &= 0x7fff);
	}
	expect(MODE_64, 1, c.ds.limit = 0x100000);
}
END_TEST

START_TEST(test_bases_of_cs_ss_ds_es_have_32_bits)
{
	expect_all(0, c.cs.base = BIT(32));
	expect_all(0, c.ss.base = BIT(32));
	expect(MODE_32_PAE, 0, c.ds.base = BIT(32));
	expect(MODE_32_PAE, 0, c.es.base = BIT(32));
	expect(MODE_64, 1, c.ds.base = BIT(32));
}
END_TEST

START_TEST(test_bases_of_fs_gs_tr_ldtr_are_canonical)
{
	expect_all(0, c.fs.base = HIGHEST_48 + 1);
	expect_all(0, c.gs.base = HIGHEST_48 + 1);
	expect_all(0, c.tr.base = HIGHEST_48 + 1);
	expect_all(0, c.ldtr.base = HIGHEST_48 + 1);
	expect_all(1, c.gs.base = ~HIGHEST_48);
}
END_TEST

START_TEST(test_data_segments_are_readable_and_accessed)
{
	size_t i;

	for (i = 1; i < 5; i++) {
		expect_all(0, segment_at(&c, i)->attributes = 0x92);
		expect_all(0, segment_at(&c, i)->attributes = 0x99);
		expect_all(0, segment_at(&c, i)->attributes = 0x83);
	}
}
END_TEST

START_TEST(test_data_segments_grant_what_their_selector_asks)
{
	struct hv_segment_register segment = { .limit = 0xfff, .selector = 0x23 };
	size_t i;

	for (i = 1; i < 5; i++) {
		segment.attributes = 0x93;
		expect_all(0, *segment_at(&c, i) = segment);
		segment.attributes = 0xd3;
		expect_all(0, *segment_at(&c, i) = segment);
		segment.attributes = 0xf3;
		expect_all(1, *segment_at(&c, i) = segment);
		/* Conforming code grants to all; absent segments grant nothing. */
		segment.attributes = 0x9f;
		expect_all(1, *segment_at(&c, i) = segment);
		segment.attributes = 0x13;
		expect_all(1, *segment_at(&c, i) = segment);
	}
}
END_TEST

START_TEST(test_tr_is_a_busy_tss)
{
	unsigned int type;

	for (type = 0; type < 16; type++) {
		expect(MODE_64, type == 11, c.tr.attributes = (uint16_t)(PRESENT | type));
		expect(MODE_32_FLAT, type == 11 || type == 3,
		       c.tr.attributes = (uint16_t)(PRESENT | type));
		expect(MODE_32_PAE, type == 11 || type == 3,
		       c.tr.attributes = (uint16_t)(PRESENT | type));
	}
	expect_all(0, c.tr.attributes |= 0x10);
	expect_all(0, c.tr.selector |= 4);
}
END_TEST

START_TEST(test_tr_and_ldtr_may_be_absent)
{
	const struct hv_segment_register null = { 0 };

	expect_all(1, c.tr = null);
	expect_all(1, c.ldtr = null);
	expect_all(1, c.ldtr = null; c.tr = null);
}
END_TEST

START_TEST(test_ldtr_is_an_ldt)
{
	unsigned int type;

	for (type = 0; type < 32; type++)
		expect_all(type == 2, c.ldtr.attributes = (uint16_t)(PRESENT | type));
	expect_all(0, c.ldtr.selector |= 4);
}
END_TEST

START_TEST(test_table_bases_are_canonical)
{
	expect_all(0, c.idtr.base = HIGHEST_48 + 1);
	expect_all(0, c.gdtr.base = HIGHEST_48 + 1);
	expect_all(1, c.idtr.base = ~HIGHEST_48; c.gdtr.base = ~HIGHEST_48);
}
END_TEST

START_TEST(test_table_padding_is_0)
{
	unsigned int i;

	for (i = 0; i < 48; i++) {
		expect_all(0, c.idtr.pad[i / 16] = (uint16_t)(1u << i % 16));
		expect_all(0, c.gdtr.pad[i / 16] = (uint16_t)(1u << i % 16));
	}
}
END_TEST

/* A context is looked at within its bytes, and its answer is 1 or 0 whatever bit is off. */
START_TEST(test_every_flipped_bit_gives_a_plain_answer)
{
	struct vsm_register_limits limits = limits_of_machine();
	const struct hv_initial_vp_context good = good_context(MODE_64);
	uint8_t *bytes = malloc(sizeof(good));
	unsigned int bit, answers[2] = { 0, 0 };

	ck_assert_ptr_nonnull(bytes);
	for (bit = 0; bit < sizeof(good) * 8; bit++) {
		int answer;

		memcpy(bytes, &good, sizeof(good));
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		answer = vsm_context_check(&limits, (const void *)bytes);
		ck_assert(answer == 0 || answer == 1);
		answers[answer]++;
	}
	free(bytes);
	ck_assert_uint_gt(answers[0], 0);
	ck_assert_uint_gt(answers[1], 0);
}
END_TEST

static void add_mode_tests(TCase *tcase)
{
	tcase_add_test(tcase, test_good_contexts_are_legal);
	tcase_add_test(tcase, test_null_arguments_are_invalid);
	tcase_add_test(tcase, test_wrong_limits_are_invalid);
	tcase_add_test(tcase, test_all_zero_and_all_one_contexts_are_illegal);
	tcase_add_test(tcase, test_cr0_protected_mode_is_on);
	tcase_add_test(tcase, test_cr0_paging_needs_protected_mode);
	tcase_add_test(tcase, test_cr0_nw_needs_cd);
	tcase_add_test(tcase, test_cr0_reserved_bits_are_0);
	tcase_add_test(tcase, test_cr4_bits_outside_of_the_mask_are_0);
	tcase_add_test(tcase, test_efer_bits_outside_of_the_mask_are_0);
	tcase_add_test(tcase, test_efer_lma_is_lme_with_paging);
	tcase_add_test(tcase, test_long_mode_needs_pae);
	tcase_add_test(tcase, test_process_context_ids_need_long_mode);
	tcase_add_test(tcase, test_cet_needs_write_protection);
	tcase_add_test(tcase, test_cr3_is_a_physical_address);
	tcase_add_test(tcase, test_pat_entries_are_memory_types);
	tcase_add_test(tcase, test_rflags_reserved_bits);
	tcase_add_test(tcase, test_virtual_8086_mode_is_refused);
	tcase_add_test(tcase, test_rip_is_canonical_in_64_bit_code);
	tcase_add_test(tcase, test_addresses_have_57_bits_only_with_5_level_paging);
	tcase_add_test(tcase, test_rip_has_32_bits_in_32_bit_code);
	tcase_add_test(tcase, test_rsp_is_any_number);
}

static void add_segment_tests(TCase *tcase)
{
	tcase_add_test(tcase, test_cs_is_present);
	tcase_add_test(tcase, test_cs_is_accessed_code);
	tcase_add_test(tcase, test_cs_is_64_bit_only_in_long_mode);
	tcase_add_test(tcase, test_cs_is_not_both_long_and_default);
	tcase_add_test(tcase, test_cs_of_16_bits_is_refused);
	tcase_add_test(tcase, test_a_vtl_starts_at_cpl_0);
	tcase_add_test(tcase, test_ss_is_null_in_64_bit_code_only);
	tcase_add_test(tcase, test_ss_is_writable_data);
	tcase_add_test(tcase, test_segment_reserved_attributes_are_0);
	tcase_add_test(tcase, test_limits_of_present_segments_fit_their_granularity);
	tcase_add_test(tcase, test_bases_of_cs_ss_ds_es_have_32_bits);
	tcase_add_test(tcase, test_bases_of_fs_gs_tr_ldtr_are_canonical);
	tcase_add_test(tcase, test_data_segments_are_readable_and_accessed);
	tcase_add_test(tcase, test_data_segments_grant_what_their_selector_asks);
	tcase_add_test(tcase, test_tr_is_a_busy_tss);
	tcase_add_test(tcase, test_tr_and_ldtr_may_be_absent);
	tcase_add_test(tcase, test_ldtr_is_an_ldt);
	tcase_add_test(tcase, test_table_bases_are_canonical);
	tcase_add_test(tcase, test_table_padding_is_0);
	tcase_add_test(tcase, test_every_flipped_bit_gives_a_plain_answer);
}

static void add_tests(TCase *tcase)
{
	add_mode_tests(tcase);
	add_segment_tests(tcase);
}

int main(void)
{
	return vsmtest_suite("context_check", add_tests);
}
