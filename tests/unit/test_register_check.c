/* SPDX-License-Identifier: BSD-3-Clause */
/* vsm_register_check(): every rule about one value, each reserved bit alone. */
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
#define CR4_LA57   BIT(12)
#define HIGHEST_48 0x00007fffffffffffull
#define LOWEST_48  0xffff800000000000ull
#define HIGHEST_57 0x00ffffffffffffffull
#define LOWEST_57  0xff00000000000000ull

/* A machine without 57-bit addresses, with 40 physical ones. */
static struct vsm_register_limits limits_of_machine(void)
{
	struct vsm_register_limits limits = {
		.size = sizeof(limits),
		.cr4_mask = 0x003507ff,
		.efer_mask = 0xd01,
		.phys_bits = 40,
	};

	return limits;
}

static int check_with(const struct vsm_register_limits *limits, uint32_t name, uint64_t low,
		      uint64_t high)
{
	struct vsm_reg reg = { .name = name, .value = { .low = low, .high = high } };

	return vsm_register_check(limits, &reg);
}

static int check(uint32_t name, uint64_t low)
{
	struct vsm_register_limits limits = limits_of_machine();

	return check_with(&limits, name, low, 0);
}

static int check_wide(uint32_t name, uint64_t low, uint64_t high)
{
	struct vsm_register_limits limits = limits_of_machine();

	return check_with(&limits, name, low, high);
}

/* Of all 64 bits, exactly those of `legal` may be set beside `base`. */
static void check_bits(uint32_t name, uint64_t base, uint64_t legal)
{
	unsigned int i;

	for (i = 0; i < 64; i++)
		ck_assert_msg(check(name, base | BIT(i)) == !!((legal | base) & BIT(i)),
			      "%s bit %u", vsm_register_name(name), i);
}

static int check_segment(uint32_t name, uint64_t base, uint32_t limit, unsigned int selector,
			 unsigned int attributes)
{
	return check_wide(name, base,
			  limit | (uint64_t)selector << 32 | (uint64_t)attributes << 48);
}

static const uint32_t segments[] = {
	HV_X64_REGISTER_ES, HV_X64_REGISTER_CS, HV_X64_REGISTER_SS,   HV_X64_REGISTER_DS,
	HV_X64_REGISTER_FS, HV_X64_REGISTER_GS, HV_X64_REGISTER_LDTR, HV_X64_REGISTER_TR,
};

/* Attributes of a legal present segment, byte-granular. */
static unsigned int present_attributes(uint32_t name)
{
	switch (name) {
	case HV_X64_REGISTER_CS:
		return 0x9b;
	case HV_X64_REGISTER_LDTR:
		return 0x82;
	case HV_X64_REGISTER_TR:
		return 0x8b;
	default:
		return 0x93;
	}
}

START_TEST(test_null_arguments_are_invalid)
{
	struct vsm_register_limits limits = limits_of_machine();
	struct vsm_reg reg = { .name = HV_X64_REGISTER_RAX };

	ck_assert_int_eq(vsm_register_check(NULL, &reg), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_register_check(&limits, NULL), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_register_check(&limits, &reg), 1);
}
END_TEST

START_TEST(test_wrong_size_of_limits_is_invalid)
{
	struct vsm_register_limits limits = limits_of_machine();
	const size_t sizes[] = { 0, 1, sizeof(limits) - 1, sizeof(limits) + 1, SIZE_MAX };
	size_t i;

	for (i = 0; i < COUNT(sizes); i++) {
		limits.size = sizes[i];
		ck_assert_int_eq(check_with(&limits, HV_X64_REGISTER_RAX, 0, 0), -VSM_ERR_INVAL);
	}
}
END_TEST

START_TEST(test_physical_bits_outside_32_to_52_are_invalid)
{
	struct vsm_register_limits limits = limits_of_machine();
	uint32_t bits;

	for (bits = 0; bits < 70; bits++) {
		limits.phys_bits = bits;
		ck_assert_int_eq(check_with(&limits, HV_X64_REGISTER_RAX, 0, 0),
				 bits >= 32 && bits <= 52 ? 1 : -VSM_ERR_INVAL);
	}
	limits.phys_bits = UINT32_MAX;
	ck_assert_int_eq(check_with(&limits, HV_X64_REGISTER_RAX, 0, 0), -VSM_ERR_INVAL);
}
END_TEST

START_TEST(test_reserved_fields_other_than_0_are_invalid)
{
	struct vsm_register_limits limits = limits_of_machine();
	struct vsm_reg reg = { .name = HV_X64_REGISTER_RAX, .reserved = 1 };

	ck_assert_int_eq(vsm_register_check(&limits, &reg), -VSM_ERR_INVAL);
	reg.reserved = 0;
	limits.reserved = 1;
	ck_assert_int_eq(vsm_register_check(&limits, &reg), -VSM_ERR_INVAL);
}
END_TEST

START_TEST(test_unknown_register_is_not_found)
{
	ck_assert_int_eq(check(HV_X64_REGISTER_XMM_CONTROL_STATUS + 1, 0), -VSM_ERR_NOTFOUND);
	ck_assert_int_eq(check(HV_REGISTER_VSM_CODE_PAGE_OFFSETS - 1, 0), -VSM_ERR_NOTFOUND);
	ck_assert_int_eq(check(UINT32_MAX, 0), -VSM_ERR_NOTFOUND);
}
END_TEST

START_TEST(test_every_reset_value_is_legal)
{
	struct vsm_register_info info = { .size = sizeof(info) };
	uint32_t i;

	for (i = 0; vsm_register_at(i, &info) == 0; i++)
		ck_assert_msg(check(info.name, info.reset) == 1, "%s", info.text);
}
END_TEST

START_TEST(test_bits_beyond_the_width_are_refused)
{
	struct vsm_register_info info = { .size = sizeof(info) };
	unsigned int bit;
	uint32_t i;

	for (i = 0; vsm_register_at(i, &info) == 0; i++) {
		for (bit = 0; info.bytes == 8 && bit < 64; bit++)
			ck_assert_msg(check_wide(info.name, info.reset, BIT(bit)) == 0, "%s bit %u",
				      info.text, bit + 64);
	}
}
END_TEST

START_TEST(test_data_registers_take_every_value)
{
	static const uint32_t names[] = {
		HV_X64_REGISTER_RSP, HV_X64_REGISTER_CR2, HV_X64_REGISTER_STAR, HV_X64_REGISTER_DR0,
		HV_X64_REGISTER_DR1, HV_X64_REGISTER_DR2, HV_X64_REGISTER_DR3,
	};
	uint32_t i;

	for (i = 0; i < COUNT(names); i++)
		ck_assert_int_eq(check(names[i], UINT64_MAX), 1);
	for (i = HV_X64_REGISTER_RAX; i <= HV_X64_REGISTER_R15; i++)
		ck_assert_int_eq(check(i, UINT64_MAX), 1);
	for (i = HV_X64_REGISTER_XMM0; i <= HV_X64_REGISTER_XMM15; i++)
		ck_assert_int_eq(check_wide(i, UINT64_MAX, UINT64_MAX), 1);
}
END_TEST

START_TEST(test_registers_of_the_library_are_left_to_their_handlers)
{
	struct vsm_register_info info = { .size = sizeof(info) };
	uint32_t i;

	for (i = 0; vsm_register_at(i, &info) == 0; i++) {
		if (info.owner == VSM_OWNER_LIBRARY)
			ck_assert_int_eq(check_wide(info.name, UINT64_MAX,
						    info.bytes == 16 ? UINT64_MAX : 0),
					 1);
	}
}
END_TEST

START_TEST(test_rip_and_address_msrs_are_canonical)
{
	static const uint32_t names[] = {
		HV_X64_REGISTER_RIP,	      HV_X64_REGISTER_KERNEL_GS_BASE,
		HV_X64_REGISTER_SYSENTER_EIP, HV_X64_REGISTER_SYSENTER_ESP,
		HV_X64_REGISTER_LSTAR,	      HV_X64_REGISTER_CSTAR,
	};
	size_t i;

	for (i = 0; i < COUNT(names); i++) {
		ck_assert_int_eq(check(names[i], 0), 1);
		ck_assert_int_eq(check(names[i], UINT64_MAX), 1);
		ck_assert_int_eq(check(names[i], HIGHEST_48), 1);
		ck_assert_int_eq(check(names[i], LOWEST_48), 1);
		ck_assert_int_eq(check(names[i], HIGHEST_48 + 1), 0);
		ck_assert_int_eq(check(names[i], LOWEST_48 - 1), 0);
		ck_assert_int_eq(check(names[i], BIT(63)), 0);
	}
}
END_TEST

START_TEST(test_la57_widens_canonical_addresses_to_57_bits)
{
	struct vsm_register_limits limits = limits_of_machine();

	limits.cr4_mask |= CR4_LA57;
	ck_assert_int_eq(check_with(&limits, HV_X64_REGISTER_LSTAR, HIGHEST_48 + 1, 0), 1);
	ck_assert_int_eq(check_with(&limits, HV_X64_REGISTER_LSTAR, HIGHEST_57, 0), 1);
	ck_assert_int_eq(check_with(&limits, HV_X64_REGISTER_LSTAR, LOWEST_57, 0), 1);
	ck_assert_int_eq(check_with(&limits, HV_X64_REGISTER_LSTAR, HIGHEST_57 + 1, 0), 0);
	ck_assert_int_eq(check_with(&limits, HV_X64_REGISTER_LSTAR, LOWEST_57 - 1, 0), 0);
	ck_assert_int_eq(check_with(&limits, HV_X64_REGISTER_GS, HIGHEST_57, 0), 1);
	ck_assert_int_eq(check_with(&limits, HV_X64_REGISTER_GS, HIGHEST_57 + 1, 0), 0);
}
END_TEST

START_TEST(test_rflags_reserved_bits_are_0)
{
	check_bits(HV_X64_REGISTER_RFLAGS, 0x2, 0x003f7fd5);
}
END_TEST

START_TEST(test_rflags_bit_1_is_1)
{
	ck_assert_int_eq(check(HV_X64_REGISTER_RFLAGS, 0), 0);
	ck_assert_int_eq(check(HV_X64_REGISTER_RFLAGS, 0x246), 1);
	ck_assert_int_eq(check(HV_X64_REGISTER_RFLAGS, 0x244), 0);
}
END_TEST

START_TEST(test_cr0_reserved_bits_are_0)
{
	/* PE and CD, so that PG and NW can stand. */
	check_bits(HV_X64_REGISTER_CR0, BIT(30) | BIT(0), 0xe005003f);
}
END_TEST

START_TEST(test_cr0_paging_needs_protected_mode)
{
	ck_assert_int_eq(check(HV_X64_REGISTER_CR0, BIT(31)), 0);
	ck_assert_int_eq(check(HV_X64_REGISTER_CR0, BIT(31) | BIT(0)), 1);
}
END_TEST

START_TEST(test_cr0_nw_needs_cd)
{
	ck_assert_int_eq(check(HV_X64_REGISTER_CR0, BIT(29)), 0);
	ck_assert_int_eq(check(HV_X64_REGISTER_CR0, BIT(29) | BIT(30)), 1);
	ck_assert_int_eq(check(HV_X64_REGISTER_CR0, BIT(30)), 1);
}
END_TEST

START_TEST(test_cr3_bits_beyond_physical_addresses_are_0)
{
	struct vsm_register_limits limits = limits_of_machine();
	unsigned int bit;

	for (limits.phys_bits = 32; limits.phys_bits <= 52; limits.phys_bits++) {
		for (bit = 0; bit < 64; bit++)
			ck_assert_int_eq(check_with(&limits, HV_X64_REGISTER_CR3, BIT(bit), 0),
					 bit < limits.phys_bits);
	}
}
END_TEST

START_TEST(test_cr4_bits_outside_of_the_mask_are_0)
{
	check_bits(HV_X64_REGISTER_CR4, 0, 0x003507ff);
}
END_TEST

START_TEST(test_cr8_has_4_bits)
{
	check_bits(HV_X64_REGISTER_CR8, 0, 0xf);
}
END_TEST

START_TEST(test_xfem_x87_is_1)
{
	ck_assert_int_eq(check(HV_X64_REGISTER_XFEM, 0), 0);
	ck_assert_int_eq(check(HV_X64_REGISTER_XFEM, 0x2), 0);
	ck_assert_int_eq(check(HV_X64_REGISTER_XFEM, 0x3), 1);
}
END_TEST

START_TEST(test_xfem_avx_needs_sse)
{
	ck_assert_int_eq(check(HV_X64_REGISTER_XFEM, 0x5), 0);
	ck_assert_int_eq(check(HV_X64_REGISTER_XFEM, 0x7), 1);
	/* MPX neither needs SSE nor stands in for it. */
	ck_assert_int_eq(check(HV_X64_REGISTER_XFEM, 0x19), 1);
	ck_assert_int_eq(check(HV_X64_REGISTER_XFEM, 0x1d), 0);
}
END_TEST

START_TEST(test_xfem_avx512_is_whole_and_needs_avx)
{
	uint64_t parts;

	for (parts = 0; parts < 8; parts++)
		ck_assert_int_eq(check(HV_X64_REGISTER_XFEM, 0x7 | parts << 5),
				 parts == 0 || parts == 7);
	ck_assert_int_eq(check(HV_X64_REGISTER_XFEM, 0xe3), 0);
}
END_TEST

START_TEST(test_xfem_mpx_and_amx_come_in_pairs)
{
	ck_assert_int_eq(check(HV_X64_REGISTER_XFEM, 0x3 | BIT(3)), 0);
	ck_assert_int_eq(check(HV_X64_REGISTER_XFEM, 0x3 | BIT(4)), 0);
	ck_assert_int_eq(check(HV_X64_REGISTER_XFEM, 0x3 | BIT(3) | BIT(4)), 1);
	ck_assert_int_eq(check(HV_X64_REGISTER_XFEM, 0x3 | BIT(17)), 0);
	ck_assert_int_eq(check(HV_X64_REGISTER_XFEM, 0x3 | BIT(18)), 0);
	ck_assert_int_eq(check(HV_X64_REGISTER_XFEM, 0x3 | BIT(17) | BIT(18)), 1);
}
END_TEST

START_TEST(test_xfem_supervisor_components_are_refused)
{
	const uint64_t refused = BIT(8) | BIT(10) | BIT(11) | BIT(12) | BIT(13) | BIT(14) |
				 BIT(15) | BIT(16) | BIT(63);

	/* All that pair up are in the base. */
	check_bits(HV_X64_REGISTER_XFEM, 0x600ff, ~refused);
}
END_TEST

START_TEST(test_dr6_high_half_is_0)
{
	check_bits(HV_X64_REGISTER_DR6, 0, 0xffffffff);
}
END_TEST

START_TEST(test_dr7_fixed_bits)
{
	check_bits(HV_X64_REGISTER_DR7, 0x400, 0xffff2fff);
	ck_assert_int_eq(check(HV_X64_REGISTER_DR7, 0), 0);
}
END_TEST

START_TEST(test_efer_bits_outside_of_the_mask_are_0)
{
	check_bits(HV_X64_REGISTER_EFER, BIT(8), 0xd01);
}
END_TEST

START_TEST(test_efer_lma_needs_lme)
{
	ck_assert_int_eq(check(HV_X64_REGISTER_EFER, 0x400), 0);
	ck_assert_int_eq(check(HV_X64_REGISTER_EFER, 0x500), 1);
	ck_assert_int_eq(check(HV_X64_REGISTER_EFER, 0x100), 1);
}
END_TEST

START_TEST(test_apic_base_reserved_bits_are_0)
{
	/* Enabled, so that x2APIC mode can stand. */
	check_bits(HV_X64_REGISTER_APIC_BASE, 0x800, 0xfffffffd00);
}
END_TEST

START_TEST(test_x2apic_mode_needs_the_apic_on)
{
	ck_assert_int_eq(check(HV_X64_REGISTER_APIC_BASE, 0xfee00400), 0);
	ck_assert_int_eq(check(HV_X64_REGISTER_APIC_BASE, 0xfee01400), 0);
	ck_assert_int_eq(check(HV_X64_REGISTER_APIC_BASE, 0xfee01000), 1);
	ck_assert_int_eq(check(HV_X64_REGISTER_APIC_BASE, 0xfee00c00), 1);
}
END_TEST

START_TEST(test_pat_entries_are_memory_types)
{
	unsigned int entry, type;

	for (entry = 0; entry < 8; entry++) {
		for (type = 0; type < 256; type++)
			ck_assert_int_eq(check(HV_X64_REGISTER_PAT, (uint64_t)type << (entry * 8)),
					 type < 8 && type != 2 && type != 3);
	}
}
END_TEST

START_TEST(test_32_bit_msrs_have_no_high_half)
{
	check_bits(HV_X64_REGISTER_SYSENTER_CS, 0, 0xffffffff);
	check_bits(HV_X64_REGISTER_SFMASK, 0, 0xffffffff);
	check_bits(HV_X64_REGISTER_TSC_AUX, 0, 0xffffffff);
}
END_TEST

START_TEST(test_interrupt_state_has_2_bits)
{
	check_bits(HV_REGISTER_INTERRUPT_STATE, 0, 0x3);
}
END_TEST

START_TEST(test_pending_interruption_reserved_bits_and_types)
{
	uint64_t type;

	/* Type 6, so that each of its bits leaves a legal one but bit 1, which makes 7 of it. */
	check_bits(HV_REGISTER_PENDING_INTERRUPTION, 6 << 1, ~0xfc02ull);
	for (type = 0; type < 8; type++)
		ck_assert_int_eq(check(HV_REGISTER_PENDING_INTERRUPTION, type << 1 | 1),
				 type != 1 && type != 7);
}
END_TEST

START_TEST(test_fp_control_reserved_byte_is_0)
{
	check_bits(HV_X64_REGISTER_FP_CONTROL_STATUS, 0, ~0x0000ff0000000000ull);
	ck_assert_int_eq(check_wide(HV_X64_REGISTER_FP_CONTROL_STATUS, 0, UINT64_MAX), 1);
}
END_TEST

START_TEST(test_mxcsr_reserved_bits_are_0)
{
	const uint64_t legal = 0x2ffff;
	unsigned int bit;

	for (bit = 0; bit < 32; bit++) {
		int expected = !!(legal & BIT(bit));

		ck_assert_int_eq(check_wide(HV_X64_REGISTER_XMM_CONTROL_STATUS, 0, BIT(bit)),
				 expected);
		ck_assert_int_eq(check_wide(HV_X64_REGISTER_XMM_CONTROL_STATUS, 0, BIT(bit + 32)),
				 expected);
	}
	ck_assert_int_eq(
		check_wide(HV_X64_REGISTER_XMM_CONTROL_STATUS, UINT64_MAX, 0x0000ffff00001f80), 1);
}
END_TEST

START_TEST(test_segment_reserved_attributes_are_0)
{
	unsigned int bit;
	size_t i;

	for (i = 0; i < COUNT(segments); i++) {
		unsigned int present = present_attributes(segments[i]);

		ck_assert_int_eq(check_segment(segments[i], 0, 0xffff, 0, present), 1);
		for (bit = 8; bit < 12; bit++) {
			ck_assert_int_eq(check_segment(segments[i], 0, 0xffff, 0,
						       present | (unsigned int)BIT(bit)),
					 0);
			ck_assert_int_eq(
				check_segment(segments[i], 0, 0, 0, (unsigned int)BIT(bit)), 0);
		}
	}
}
END_TEST

START_TEST(test_absent_segments_need_no_type_and_no_limit)
{
	unsigned int type;
	size_t i;

	for (i = 0; i < COUNT(segments); i++) {
		for (type = 0; type < 32; type++)
			ck_assert_int_eq(check_segment(segments[i], 0, 0x12345678, 4, type), 1);
	}
}
END_TEST

START_TEST(test_limit_low_bits_are_1_with_page_granularity)
{
	unsigned int bit;
	size_t i;

	for (i = 0; i < COUNT(segments); i++) {
		unsigned int paged = present_attributes(segments[i]) | 0x8000;

		ck_assert_int_eq(check_segment(segments[i], 0, 0xffffffff, 0, paged), 1);
		ck_assert_int_eq(check_segment(segments[i], 0, 0xfff, 0, paged), 1);
		for (bit = 0; bit < 12; bit++)
			ck_assert_int_eq(check_segment(segments[i], 0,
						       0xffffffff & ~(uint32_t)BIT(bit), 0, paged),
					 0);
	}
}
END_TEST

START_TEST(test_limit_has_20_bits_with_byte_granularity)
{
	unsigned int bit;
	size_t i;

	for (i = 0; i < COUNT(segments); i++) {
		for (bit = 0; bit < 32; bit++)
			ck_assert_int_eq(check_segment(segments[i], 0, (uint32_t)BIT(bit), 0,
						       present_attributes(segments[i])),
					 bit < 20);
	}
}
END_TEST

START_TEST(test_bases_of_es_cs_ss_ds_have_32_bits)
{
	unsigned int bit;
	size_t i;

	for (i = 0; i < 4; i++) {
		for (bit = 0; bit < 64; bit++)
			ck_assert_int_eq(check_segment(segments[i], BIT(bit), 0xffff, 0,
						       present_attributes(segments[i])),
					 bit < 32);
	}
}
END_TEST

START_TEST(test_bases_of_fs_gs_ldtr_tr_are_canonical_present_or_not)
{
	size_t i;

	for (i = 4; i < COUNT(segments); i++) {
		unsigned int present = present_attributes(segments[i]);

		ck_assert_int_eq(check_segment(segments[i], LOWEST_48, 0xffff, 0, present), 1);
		ck_assert_int_eq(check_segment(segments[i], HIGHEST_48, 0xffff, 0, present), 1);
		ck_assert_int_eq(check_segment(segments[i], LOWEST_48 - 1, 0xffff, 0, present), 0);
		ck_assert_int_eq(check_segment(segments[i], HIGHEST_48 + 1, 0xffff, 0, present), 0);
		ck_assert_int_eq(check_segment(segments[i], HIGHEST_48 + 1, 0, 0, 0), 0);
	}
}
END_TEST

/* Types by SDM vol. 3A table 3-1: bit n of the mask is type n. */
static void check_types(uint32_t name, unsigned int user_types, unsigned int system_types)
{
	unsigned int type;

	for (type = 0; type < 16; type++) {
		ck_assert_msg(check_segment(name, 0, 0xffff, 0, 0x90 | type) ==
				      (int)(user_types >> type & 1),
			      "%s type %u", vsm_register_name(name), type);
		ck_assert_msg(check_segment(name, 0, 0xffff, 0, 0x80 | type) ==
				      (int)(system_types >> type & 1),
			      "%s system type %u", vsm_register_name(name), type);
	}
}

START_TEST(test_cs_is_accessed_code_or_what_real_mode_has)
{
	check_types(HV_X64_REGISTER_CS, 0xaa08, 0);
}
END_TEST

START_TEST(test_ss_is_accessed_writable_data)
{
	check_types(HV_X64_REGISTER_SS, 0x0088, 0);
}
END_TEST

START_TEST(test_data_segments_are_accessed_and_readable)
{
	check_types(HV_X64_REGISTER_ES, 0x88aa, 0);
	check_types(HV_X64_REGISTER_DS, 0x88aa, 0);
	check_types(HV_X64_REGISTER_FS, 0x88aa, 0);
	check_types(HV_X64_REGISTER_GS, 0x88aa, 0);
}
END_TEST

START_TEST(test_ldtr_is_an_ldt)
{
	check_types(HV_X64_REGISTER_LDTR, 0, 0x0004);
}
END_TEST

START_TEST(test_tr_is_a_busy_tss)
{
	check_types(HV_X64_REGISTER_TR, 0, 0x0808);
}
END_TEST

START_TEST(test_cs_is_not_both_long_and_default)
{
	ck_assert_int_eq(check_segment(HV_X64_REGISTER_CS, 0, 0xffffffff, 8, 0xa09b), 1);
	ck_assert_int_eq(check_segment(HV_X64_REGISTER_CS, 0, 0xffffffff, 8, 0xc09b), 1);
	ck_assert_int_eq(check_segment(HV_X64_REGISTER_CS, 0, 0xffffffff, 8, 0xe09b), 0);
}
END_TEST

START_TEST(test_ldtr_and_tr_come_from_the_gdt)
{
	ck_assert_int_eq(check_segment(HV_X64_REGISTER_LDTR, 0, 0xff, 0x48, 0x82), 1);
	ck_assert_int_eq(check_segment(HV_X64_REGISTER_LDTR, 0, 0xff, 0x4c, 0x82), 0);
	ck_assert_int_eq(check_segment(HV_X64_REGISTER_TR, 0, 0xff, 0x48, 0x8b), 1);
	ck_assert_int_eq(check_segment(HV_X64_REGISTER_TR, 0, 0xff, 0x4c, 0x8b), 0);
	ck_assert_int_eq(check_segment(HV_X64_REGISTER_DS, 0, 0xff, 0x4c, 0x93), 1);
}
END_TEST

START_TEST(test_table_padding_is_0)
{
	unsigned int bit;

	for (bit = 0; bit < 64; bit++) {
		ck_assert_int_eq(check_wide(HV_X64_REGISTER_IDTR, BIT(bit), 0), bit >= 48);
		ck_assert_int_eq(check_wide(HV_X64_REGISTER_GDTR, BIT(bit), 0), bit >= 48);
	}
}
END_TEST

START_TEST(test_table_base_is_canonical)
{
	static const uint32_t names[] = { HV_X64_REGISTER_IDTR, HV_X64_REGISTER_GDTR };
	size_t i;

	for (i = 0; i < COUNT(names); i++) {
		ck_assert_int_eq(check_wide(names[i], 0, HIGHEST_48), 1);
		ck_assert_int_eq(check_wide(names[i], 0, LOWEST_48), 1);
		ck_assert_int_eq(check_wide(names[i], 0, HIGHEST_48 + 1), 0);
		ck_assert_int_eq(check_wide(names[i], 0, LOWEST_48 - 1), 0);
	}
}
END_TEST

static void add_call_tests(TCase *tcase)
{
	tcase_add_test(tcase, test_null_arguments_are_invalid);
	tcase_add_test(tcase, test_wrong_size_of_limits_is_invalid);
	tcase_add_test(tcase, test_physical_bits_outside_32_to_52_are_invalid);
	tcase_add_test(tcase, test_reserved_fields_other_than_0_are_invalid);
	tcase_add_test(tcase, test_unknown_register_is_not_found);
	tcase_add_test(tcase, test_every_reset_value_is_legal);
	tcase_add_test(tcase, test_bits_beyond_the_width_are_refused);
	tcase_add_test(tcase, test_data_registers_take_every_value);
	tcase_add_test(tcase, test_registers_of_the_library_are_left_to_their_handlers);
}

static void add_value_tests(TCase *tcase)
{
	tcase_add_test(tcase, test_rip_and_address_msrs_are_canonical);
	tcase_add_test(tcase, test_la57_widens_canonical_addresses_to_57_bits);
	tcase_add_test(tcase, test_rflags_reserved_bits_are_0);
	tcase_add_test(tcase, test_rflags_bit_1_is_1);
	tcase_add_test(tcase, test_cr0_reserved_bits_are_0);
	tcase_add_test(tcase, test_cr0_paging_needs_protected_mode);
	tcase_add_test(tcase, test_cr0_nw_needs_cd);
	tcase_add_test(tcase, test_cr3_bits_beyond_physical_addresses_are_0);
	tcase_add_test(tcase, test_cr4_bits_outside_of_the_mask_are_0);
	tcase_add_test(tcase, test_cr8_has_4_bits);
	tcase_add_test(tcase, test_xfem_x87_is_1);
	tcase_add_test(tcase, test_xfem_avx_needs_sse);
	tcase_add_test(tcase, test_xfem_avx512_is_whole_and_needs_avx);
	tcase_add_test(tcase, test_xfem_mpx_and_amx_come_in_pairs);
	tcase_add_test(tcase, test_xfem_supervisor_components_are_refused);
	tcase_add_test(tcase, test_dr6_high_half_is_0);
	tcase_add_test(tcase, test_dr7_fixed_bits);
	tcase_add_test(tcase, test_efer_bits_outside_of_the_mask_are_0);
	tcase_add_test(tcase, test_efer_lma_needs_lme);
	tcase_add_test(tcase, test_apic_base_reserved_bits_are_0);
	tcase_add_test(tcase, test_x2apic_mode_needs_the_apic_on);
	tcase_add_test(tcase, test_pat_entries_are_memory_types);
	tcase_add_test(tcase, test_32_bit_msrs_have_no_high_half);
	tcase_add_test(tcase, test_interrupt_state_has_2_bits);
	tcase_add_test(tcase, test_pending_interruption_reserved_bits_and_types);
	tcase_add_test(tcase, test_fp_control_reserved_byte_is_0);
	tcase_add_test(tcase, test_mxcsr_reserved_bits_are_0);
}

static void add_segment_tests(TCase *tcase)
{
	tcase_add_test(tcase, test_segment_reserved_attributes_are_0);
	tcase_add_test(tcase, test_absent_segments_need_no_type_and_no_limit);
	tcase_add_test(tcase, test_limit_low_bits_are_1_with_page_granularity);
	tcase_add_test(tcase, test_limit_has_20_bits_with_byte_granularity);
	tcase_add_test(tcase, test_bases_of_es_cs_ss_ds_have_32_bits);
	tcase_add_test(tcase, test_bases_of_fs_gs_ldtr_tr_are_canonical_present_or_not);
	tcase_add_test(tcase, test_cs_is_accessed_code_or_what_real_mode_has);
	tcase_add_test(tcase, test_ss_is_accessed_writable_data);
	tcase_add_test(tcase, test_data_segments_are_accessed_and_readable);
	tcase_add_test(tcase, test_ldtr_is_an_ldt);
	tcase_add_test(tcase, test_tr_is_a_busy_tss);
	tcase_add_test(tcase, test_cs_is_not_both_long_and_default);
	tcase_add_test(tcase, test_ldtr_and_tr_come_from_the_gdt);
	tcase_add_test(tcase, test_table_padding_is_0);
	tcase_add_test(tcase, test_table_base_is_canonical);
}

static void add_tests(TCase *tcase)
{
	add_call_tests(tcase);
	add_value_tests(tcase);
	add_segment_tests(tcase);
}

int main(void)
{
	return vsmtest_suite("register_check", add_tests);
}
