/* SPDX-License-Identifier: BSD-3-Clause */
/* The register table against TLFS 7.8.2 and 15.11, and its look-ups against every number. */
#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vsm/error.h>
#include <vsm/host.h>
#include <vsm/hv.h>
#include <vsm/registers.h>

#include "register_table.h"
#include "vsmtest.h"

#ifndef VSM_SOURCE_ROOT
#define VSM_SOURCE_ROOT "."
#endif

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct vsm_register_info info_of(uint32_t name)
{
	struct vsm_register_info info = { .size = sizeof(info) };

	ck_assert_msg(vsm_register_info(name, &info) == 0, "no register 0x%08x", name);
	return info;
}

static int is_in(const uint32_t *names, size_t count, uint32_t name)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (names[i] == name)
			return 1;
	}
	return 0;
}

START_TEST(test_rows_ascend_and_so_are_unique)
{
	uint32_t i;

	ck_assert_uint_gt(register_count(), 1);
	for (i = 1; i < register_count(); i++)
		ck_assert_uint_lt(register_row_at(i - 1)->name, register_row_at(i)->name);
}
END_TEST

START_TEST(test_texts_are_unique_printable_and_terminated)
{
	uint32_t i, k;

	for (i = 0; i < register_count(); i++) {
		const char *text = register_row_at(i)->text;

		ck_assert_ptr_nonnull(memchr(text, 0, sizeof(register_row_at(i)->text)));
		ck_assert_uint_gt(strlen(text), 1);
		ck_assert_uint_eq(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"),
				  strlen(text));
		for (k = 0; k < i; k++)
			ck_assert_str_ne(text, register_row_at(k)->text);
	}
}
END_TEST

START_TEST(test_columns_hold_only_declared_values)
{
	static const uint8_t zero[7];
	uint32_t i;

	for (i = 0; i < register_count(); i++) {
		const struct vsm_register_info *row = register_row_at(i);

		ck_assert_uint_eq(row->size, sizeof(*row));
		ck_assert(row->bytes == 4 || row->bytes == 8 || row->bytes == 16);
		ck_assert_uint_le(row->scope, VSM_SCOPE_PARTITION_VTL);
		ck_assert_uint_le(row->owner, VSM_OWNER_NONE);
		ck_assert_uint_eq(row->flags &
					  ~(VSM_REG_READABLE | VSM_REG_WRITABLE | VSM_REG_SET_OWN |
					    VSM_REG_ALIAS | VSM_REG_STATELESS),
				  0);
		ck_assert_mem_eq(row->reserved, zero, sizeof(zero));
	}
}
END_TEST

/* A group is where an op finds a register: what no guest may name, no op names either. */
START_TEST(test_host_rows_that_can_be_named_have_one_group_and_others_none)
{
	uint32_t i;

	for (i = 0; i < register_count(); i++) {
		const struct vsm_register_info *row = register_row_at(i);

		if (row->owner == VSM_OWNER_HOST &&
		    (row->flags & (VSM_REG_READABLE | VSM_REG_WRITABLE))) {
			ck_assert_uint_ne(row->group, 0);
			ck_assert_uint_eq(row->group & (row->group - 1), 0);
			ck_assert_uint_le(row->group, VSM_REGS_EVENT);
		} else {
			ck_assert_msg(row->group == 0, "%s", row->text);
		}
	}
}
END_TEST

START_TEST(test_what_nobody_keeps_can_be_neither_read_nor_written)
{
	uint32_t i, n = 0;

	for (i = 0; i < register_count(); i++) {
		const struct vsm_register_info *row = register_row_at(i);

		if (row->owner != VSM_OWNER_NONE)
			continue;
		ck_assert_msg((row->flags & ~VSM_REG_STATELESS) == 0, "%s", row->text);
		n++;
	}
	ck_assert_uint_gt(n, 50);
}
END_TEST

START_TEST(test_aliases_are_another_name_of_the_same_thing)
{
	uint32_t i, n = 0;

	for (i = 0; i < register_count(); i++) {
		const struct vsm_register_info *row = register_row_at(i);
		const struct vsm_register_info *base = register_row(register_base(row->name));

		ck_assert_ptr_nonnull(base);
		ck_assert_msg(!(row->flags & VSM_REG_ALIAS) == (base == row), "%s", row->text);
		if (base == row)
			continue;
		ck_assert_uint_eq(row->flags, base->flags | VSM_REG_ALIAS);
		ck_assert_uint_eq(row->group, base->group);
		ck_assert_uint_eq(row->bytes, base->bytes);
		ck_assert_uint_eq(row->scope, base->scope);
		ck_assert_uint_eq(row->reset, base->reset);
		n++;
	}
	ck_assert_uint_eq(n, 4 + 16);
	ck_assert_uint_eq(register_base(HV_X64_REGISTER_INTERMEDIATE_CR8), HV_X64_REGISTER_CR8);
	ck_assert_uint_eq(register_base(HV_X64_REGISTER_YMM15_LOW), HV_X64_REGISTER_XMM15);
	ck_assert_uint_eq(register_base(0x00041001), 0x00041001);
	ck_assert_uint_eq(register_base(UINT32_MAX), UINT32_MAX);
}
END_TEST

START_TEST(test_groups_are_those_that_host_h_documents)
{
	static const struct {
		uint32_t name;
		uint32_t group;
	} expected[] = {
		{ HV_X64_REGISTER_RSP, VSM_REGS_GPR },
		{ HV_X64_REGISTER_RFLAGS, VSM_REGS_GPR },
		{ HV_X64_REGISTER_LDTR, VSM_REGS_SEGMENT },
		{ HV_X64_REGISTER_GDTR, VSM_REGS_SEGMENT },
		{ HV_X64_REGISTER_CR2, VSM_REGS_CONTROL },
		{ HV_X64_REGISTER_CR8, VSM_REGS_CONTROL },
		{ HV_X64_REGISTER_EFER, VSM_REGS_CONTROL },
		{ HV_X64_REGISTER_APIC_BASE, VSM_REGS_CONTROL },
		{ HV_X64_REGISTER_PAT, VSM_REGS_MSR },
		{ HV_X64_REGISTER_TSC_AUX, VSM_REGS_MSR },
		{ HV_X64_REGISTER_DR6, VSM_REGS_DEBUG },
		{ HV_X64_REGISTER_XMM15, VSM_REGS_XMM },
		{ HV_X64_REGISTER_XMM_CONTROL_STATUS, VSM_REGS_XMM },
		{ HV_X64_REGISTER_XFEM, VSM_REGS_XCR },
		{ HV_REGISTER_INTERRUPT_STATE, VSM_REGS_EVENT },
		{ HV_REGISTER_PENDING_INTERRUPTION, VSM_REGS_EVENT },
	};
	size_t i;

	for (i = 0; i < COUNT(expected); i++)
		ck_assert_uint_eq(info_of(expected[i].name).group, expected[i].group);
}
END_TEST

START_TEST(test_set_own_implies_writable_implies_readable)
{
	uint32_t i;

	for (i = 0; i < register_count(); i++) {
		uint32_t flags = register_row_at(i)->flags;

		if (flags & VSM_REG_SET_OWN)
			ck_assert_uint_ne(flags & VSM_REG_WRITABLE, 0);
		if (flags & VSM_REG_WRITABLE)
			ck_assert_uint_ne(flags & VSM_REG_READABLE, 0);
	}
}
END_TEST

/* A VP must not set what the hypercall under way depends on. */
START_TEST(test_running_execution_state_is_not_settable_by_its_own_vtl)
{
	static const uint32_t names[] = {
		HV_X64_REGISTER_RIP,  HV_X64_REGISTER_RFLAGS, HV_X64_REGISTER_CR0,
		HV_X64_REGISTER_CR2,  HV_X64_REGISTER_CR4,    HV_X64_REGISTER_XFEM,
		HV_X64_REGISTER_EFER, HV_X64_REGISTER_CS,     HV_X64_REGISTER_SS,
	};
	uint32_t i;

	for (i = 0; i < COUNT(names); i++)
		ck_assert_uint_eq(info_of(names[i]).flags, VSM_REG_READABLE | VSM_REG_WRITABLE);
	for (i = HV_X64_REGISTER_RAX; i <= HV_X64_REGISTER_R15; i++)
		ck_assert_uint_eq(info_of(i).flags, VSM_REG_READABLE | VSM_REG_WRITABLE);
	for (i = HV_X64_REGISTER_XMM0; i <= HV_X64_REGISTER_XMM15; i++)
		ck_assert_uint_eq(info_of(i).flags, VSM_REG_READABLE | VSM_REG_WRITABLE);
}
END_TEST

static int is_mtrr(uint32_t name)
{
	return name >= HV_X64_REGISTER_MTRR_DEF_TYPE && name <= HV_X64_REGISTER_MTRR_FIX_4K_F8000;
}

START_TEST(test_settable_by_its_own_vtl_is_exactly_this)
{
	static const uint32_t names[] = {
		HV_REGISTER_PENDING_EVENT0,
		HV_X64_REGISTER_CR3,
		HV_X64_REGISTER_CR8,
		HV_X64_REGISTER_INTERMEDIATE_CR3,
		HV_X64_REGISTER_INTERMEDIATE_CR8,
		HV_X64_REGISTER_DR0,
		HV_X64_REGISTER_DR1,
		HV_X64_REGISTER_DR2,
		HV_X64_REGISTER_DR3,
		HV_X64_REGISTER_DR6,
		HV_X64_REGISTER_DR7,
		HV_X64_REGISTER_ES,
		HV_X64_REGISTER_DS,
		HV_X64_REGISTER_FS,
		HV_X64_REGISTER_GS,
		HV_X64_REGISTER_LDTR,
		HV_X64_REGISTER_TR,
		HV_X64_REGISTER_IDTR,
		HV_X64_REGISTER_GDTR,
		HV_X64_REGISTER_KERNEL_GS_BASE,
		HV_X64_REGISTER_PAT,
		HV_X64_REGISTER_SYSENTER_CS,
		HV_X64_REGISTER_SYSENTER_EIP,
		HV_X64_REGISTER_SYSENTER_ESP,
		HV_X64_REGISTER_STAR,
		HV_X64_REGISTER_LSTAR,
		HV_X64_REGISTER_CSTAR,
		HV_X64_REGISTER_SFMASK,
		HV_X64_REGISTER_TSC_AUX,
		HV_X64_REGISTER_BNDCFGS,
		HV_X64_REGISTER_SPEC_CTRL,
		HV_X64_REGISTER_XSS,
		HV_X64_REGISTER_U_CET,
		HV_X64_REGISTER_S_CET,
		HV_X64_REGISTER_SSP,
		HV_X64_REGISTER_PL0_SSP,
		HV_X64_REGISTER_PL1_SSP,
		HV_X64_REGISTER_PL2_SSP,
		HV_X64_REGISTER_PL3_SSP,
		HV_X64_REGISTER_INTERRUPT_SSP_TABLE_ADDR,
		HV_REGISTER_HYPERCALL,
		HV_REGISTER_GUEST_OS_ID,
		HV_REGISTER_VP_ASSIST_PAGE,
		HV_REGISTER_REFERENCE_TSC,
		HV_REGISTER_CRASH_P0,
		HV_REGISTER_CRASH_P1,
		HV_REGISTER_CRASH_P2,
		HV_REGISTER_CRASH_P3,
		HV_REGISTER_CRASH_P4,
		HV_REGISTER_CRASH_CTL,
		HV_REGISTER_SINT0,
		HV_REGISTER_SCONTROL,
		HV_REGISTER_SIEFP,
		HV_REGISTER_SIMP,
		HV_REGISTER_VSM_PARTITION_CONFIG,
		HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL0,
		HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL1,
		HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL2,
		HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL3,
		HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL4,
		HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL5,
		HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL6,
		HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL7,
		HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL8,
		HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL9,
		HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL10,
		HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL11,
		HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL12,
		HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL13,
		HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL14,
	};
	uint32_t i;

	for (i = 0; i < register_count(); i++) {
		const struct vsm_register_info *row = register_row_at(i);

		ck_assert_msg(!!(row->flags & VSM_REG_SET_OWN) ==
				      (is_in(names, COUNT(names), row->name) || is_mtrr(row->name)),
			      "%s", row->text);
	}
}
END_TEST

START_TEST(test_read_only_is_exactly_this)
{
	static const uint32_t names[] = {
		HV_REGISTER_TSC_FREQUENCY,	   HV_REGISTER_APIC_FREQUENCY,
		HV_REGISTER_PENDING_INTERRUPTION,  HV_REGISTER_INTERRUPT_STATE,
		HV_X64_REGISTER_APIC_BASE,	   HV_X64_REGISTER_INITIAL_APIC_ID,
		HV_X64_REGISTER_MTRR_CAP,	   HV_REGISTER_VP_INDEX,
		HV_REGISTER_TIME_REF_COUNT,	   HV_REGISTER_SVERSION,
		HV_REGISTER_VSM_CODE_PAGE_OFFSETS, HV_REGISTER_VSM_VP_STATUS,
		HV_REGISTER_VSM_PARTITION_STATUS,  HV_REGISTER_VSM_CAPABILITIES,
	};
	uint32_t i;

	for (i = 0; i < register_count(); i++) {
		const struct vsm_register_info *row = register_row_at(i);
		int is_cpuid = row->name >= HV_REGISTER_HYPERVISOR_VERSION &&
			       row->name <= HV_REGISTER_ISOLATION_CONFIGURATION;

		ck_assert_msg(((row->flags & (VSM_REG_READABLE | VSM_REG_WRITABLE)) ==
			       VSM_REG_READABLE) ==
				      (is_cpuid || is_in(names, COUNT(names), row->name)),
			      "%s", row->text);
	}
}
END_TEST

START_TEST(test_eom_is_an_msr_and_no_register)
{
	ck_assert_uint_eq(info_of(HV_REGISTER_EOM).flags, VSM_REG_STATELESS);
	ck_assert_ptr_eq(register_row_by_msr(HV_X64_MSR_EOM), register_row(HV_REGISTER_EOM));
}
END_TEST

/* TLFS 15.3.2 speaks of an MSR; there is none. */
START_TEST(test_vsm_registers_are_no_msrs)
{
	uint32_t name;

	for (name = HV_REGISTER_VSM_CODE_PAGE_OFFSETS; name <= HV_REGISTER_VSM_PARTITION_CONFIG;
	     name++) {
		if (name == HV_REGISTER_VSM_VINA)
			continue;
		ck_assert_uint_eq(info_of(name).msr, VSM_NO_MSR);
		ck_assert_uint_eq(info_of(name).owner, VSM_OWNER_LIBRARY);
	}
	ck_assert_ptr_null(register_row_by_msr(HV_REGISTER_VSM_CAPABILITIES));
}
END_TEST

/* TLFS 15.5.1, 15.5.2, 15.12.4, 15.13.4: what a VTL has over those below it, VTL0 has not. */
START_TEST(test_only_registers_over_lower_vtls_start_above_vtl0)
{
	uint32_t i;

	for (i = 0; i < register_count(); i++) {
		const struct vsm_register_info *row = register_row_at(i);

		uint32_t least = 0;

		if (row->name == HV_REGISTER_VSM_PARTITION_CONFIG ||
		    row->name == HV_REGISTER_VSM_VINA ||
		    row->name >= HV_X64_REGISTER_CR_INTERCEPT_CONTROL)
			least = 1;
		if (row->name == HV_REGISTER_GUEST_VSM_PARTITION_CONFIG)
			least = 2;
		if (row->name >= HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL0 &&
		    row->name <= HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL14)
			least = row->name - HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL0 + 1;
		ck_assert_msg(row->min_vtl == least, "%s", row->text);
	}
}
END_TEST

/*
 * TLFS 15.11.2; the doc comment of vsm/registers.h tells hosts to copy just these. Scope alone is
 * compared with the list of all registers further down; here it is what the guest can name.
 */
START_TEST(test_shared_host_state_that_can_be_named_is_exactly_this)
{
	static const struct {
		uint32_t first;
		uint32_t last;
	} ranges[] = {
		{ HV_X64_REGISTER_RAX, HV_X64_REGISTER_RBX },
		{ HV_X64_REGISTER_RBP, HV_X64_REGISTER_R15 },
		{ HV_X64_REGISTER_XMM0, HV_X64_REGISTER_XMM_CONTROL_STATUS },
		{ HV_X64_REGISTER_YMM0_LOW, HV_X64_REGISTER_YMM15_HIGH },
		{ HV_X64_REGISTER_CR2, HV_X64_REGISTER_CR2 },
		{ HV_X64_REGISTER_XFEM, HV_X64_REGISTER_XFEM },
		{ HV_X64_REGISTER_DR0, HV_X64_REGISTER_DR3 },
		{ HV_X64_REGISTER_MTRR_CAP, HV_X64_REGISTER_MTRR_FIX_4K_F8000 },
		{ HV_X64_REGISTER_U_CET, HV_X64_REGISTER_U_CET },
		{ HV_X64_REGISTER_PL0_SSP, HV_X64_REGISTER_PL3_SSP },
	};
	struct vsm_register_info info = { .size = sizeof(info) };
	uint32_t i, k;

	for (i = 0; vsm_register_at(i, &info) == 0; i++) {
		int is_shared = info.scope == VSM_SCOPE_SHARED && info.owner == VSM_OWNER_HOST &&
				info.group != 0;
		int listed = 0;

		for (k = 0; k < COUNT(ranges); k++)
			listed |= info.name >= ranges[k].first && info.name <= ranges[k].last;
		ck_assert_msg(is_shared == listed, "%s", info.text);
	}
}
END_TEST

/* TLFS 15.11: GUEST_OS_ID and HYPERCALL belong to a VTL of the partition, not of a VP. */
START_TEST(test_partition_scopes)
{
	ck_assert_uint_eq(info_of(HV_REGISTER_GUEST_OS_ID).scope, VSM_SCOPE_PARTITION_VTL);
	ck_assert_uint_eq(info_of(HV_REGISTER_HYPERCALL).scope, VSM_SCOPE_PARTITION_VTL);
	ck_assert_uint_eq(info_of(HV_REGISTER_REFERENCE_TSC).scope, VSM_SCOPE_PARTITION_VTL);
	ck_assert_uint_eq(info_of(HV_REGISTER_VSM_PARTITION_CONFIG).scope, VSM_SCOPE_PARTITION_VTL);
	ck_assert_uint_eq(info_of(HV_REGISTER_VSM_CODE_PAGE_OFFSETS).scope,
			  VSM_SCOPE_PARTITION_VTL);
	ck_assert_uint_eq(info_of(HV_REGISTER_VSM_PARTITION_STATUS).scope, VSM_SCOPE_PARTITION);
	ck_assert_uint_eq(info_of(HV_REGISTER_VSM_CAPABILITIES).scope, VSM_SCOPE_PARTITION);
	ck_assert_uint_eq(info_of(HV_REGISTER_TIME_REF_COUNT).scope, VSM_SCOPE_PARTITION);
	ck_assert_uint_eq(info_of(HV_REGISTER_VSM_VP_STATUS).scope, VSM_SCOPE_SHARED);
	ck_assert_uint_eq(info_of(HV_REGISTER_VP_INDEX).scope, VSM_SCOPE_SHARED);
	ck_assert_uint_eq(info_of(HV_X64_REGISTER_DR6).scope, VSM_SCOPE_MIXED);
}
END_TEST

START_TEST(test_reset_values)
{
	static const struct {
		uint32_t name;
		uint64_t value;
	} expected[] = {
		{ HV_X64_REGISTER_RIP, 0xfff0 },
		{ HV_X64_REGISTER_RFLAGS, 0x2 },
		{ HV_X64_REGISTER_CR0, 0x60000010 },
		{ HV_X64_REGISTER_XFEM, 0x1 },
		{ HV_X64_REGISTER_INTERMEDIATE_CR0, 0x60000010 },
		{ HV_X64_REGISTER_APIC_SPURIOUS, 0xff },
		{ HV_X64_REGISTER_DR6, 0xffff0ff0 },
		{ HV_X64_REGISTER_DR7, 0x400 },
		{ HV_X64_REGISTER_APIC_BASE, 0xfee00800 },
		{ HV_X64_REGISTER_PAT, 0x0007040600070406 },
		{ HV_X64_REGISTER_FP_CONTROL_STATUS, 0x000000ff00000040 },
		{ HV_REGISTER_CRASH_CTL, 0xc000000000000000 },
		{ HV_REGISTER_SINT0, 0x10000 },
		{ HV_REGISTER_SCONTROL, 0x1 },
		{ HV_REGISTER_SVERSION, 0x1 },
		{ HV_REGISTER_VSM_PARTITION_CONFIG, 0x3e },
	};
	uint32_t i;
	size_t k;

	for (i = 0; i < register_count(); i++) {
		const struct vsm_register_info *row = register_row_at(i);
		uint64_t value = 0;

		for (k = 0; k < COUNT(expected); k++) {
			if (expected[k].name == row->name)
				value = expected[k].value;
		}
		/* SDM vol. 3A 10.4.7.1 and TLFS 11.8.4: masked. */
		if ((row->name >= HV_X64_REGISTER_APIC_LVT_TIMER &&
		     row->name <= HV_X64_REGISTER_APIC_LVT_ERROR) ||
		    (row->name >= HV_REGISTER_SINT0 && row->name <= HV_REGISTER_SINT15))
			value = 0x10000;
		ck_assert_msg(row->reset == value, "%s: 0x%llx", row->text,
			      (unsigned long long)row->reset);
	}
}
END_TEST

START_TEST(test_registers_of_features_that_are_not_offered_cannot_be_named)
{
	static const uint32_t names[] = {
		HV_REGISTER_EXPLICIT_SUSPEND,
		HV_REGISTER_INTERNAL_ACTIVITY_STATE,
		HV_REGISTER_GUEST_IDLE,
		HV_REGISTER_PENDING_EVENT1,
		HV_X64_REGISTER_TSC,
		HV_X64_REGISTER_IA32_MISC_ENABLE,
		HV_REGISTER_VP_RUNTIME,
		HV_REGISTER_EOI,
		HV_REGISTER_ICR,
		HV_REGISTER_TPR,
		HV_REGISTER_SINT1,
		HV_REGISTER_SINT15,
		HV_REGISTER_SIRBP,
		HV_REGISTER_STIMER0_CONFIG,
		HV_REGISTER_VSM_VINA,
		HV_REGISTER_GUEST_VSM_PARTITION_CONFIG,
		HV_REGISTER_VSM_VP_WAIT_FOR_TLB_LOCK,
		HV_X64_REGISTER_CR_INTERCEPT_CONTROL,
	};
	size_t i;

	for (i = 0; i < COUNT(names); i++)
		ck_assert_uint_eq(info_of(names[i]).flags & (VSM_REG_READABLE | VSM_REG_WRITABLE),
				  0);
}
END_TEST

START_TEST(test_info_and_at_give_the_same_row)
{
	struct vsm_register_info by_name = { .size = sizeof(by_name) };
	struct vsm_register_info by_position = { .size = sizeof(by_position) };
	uint32_t i;

	for (i = 0; i < register_count(); i++) {
		ck_assert_int_eq(vsm_register_at(i, &by_position), 0);
		ck_assert_int_eq(vsm_register_info(by_position.name, &by_name), 0);
		ck_assert_mem_eq(&by_name, &by_position, sizeof(by_name));
		ck_assert_ptr_eq(register_row(by_name.name), register_row_at(i));
		ck_assert_str_eq(vsm_register_name(by_name.name), by_name.text);
	}
}
END_TEST

START_TEST(test_wrong_size_of_info_is_invalid_and_changes_nothing)
{
	const size_t right = sizeof(struct vsm_register_info);
	const size_t sizes[] = { 0, 1, right - 1, right + 1, SIZE_MAX };
	struct vsm_register_info info, before;
	size_t i;

	for (i = 0; i < COUNT(sizes); i++) {
		memset(&info, 0x5a, sizeof(info));
		info.size = sizes[i];
		before = info;
		ck_assert_int_eq(vsm_register_info(HV_X64_REGISTER_CR0, &info), -VSM_ERR_INVAL);
		ck_assert_int_eq(vsm_register_at(0, &info), -VSM_ERR_INVAL);
		ck_assert_mem_eq(&info, &before, sizeof(info));
	}
}
END_TEST

START_TEST(test_null_info_is_invalid)
{
	ck_assert_int_eq(vsm_register_info(HV_X64_REGISTER_CR0, NULL), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_register_at(0, NULL), -VSM_ERR_INVAL);
}
END_TEST

START_TEST(test_unknown_name_is_not_found_and_changes_nothing)
{
	struct vsm_register_info info, before;

	memset(&info, 0x5a, sizeof(info));
	info.size = sizeof(info);
	before = info;
	ck_assert_int_eq(vsm_register_info(0xffffffff, &info), -VSM_ERR_NOTFOUND);
	ck_assert_mem_eq(&info, &before, sizeof(info));
	ck_assert_str_eq(vsm_register_name(0xffffffff), "unknown register");
}
END_TEST

START_TEST(test_position_behind_the_last_row_is_not_found)
{
	struct vsm_register_info info = { .size = sizeof(info) };

	ck_assert_int_eq(vsm_register_at(register_count() - 1, &info), 0);
	ck_assert_int_eq(vsm_register_at(register_count(), &info), -VSM_ERR_NOTFOUND);
	ck_assert_int_eq(vsm_register_at(UINT32_MAX, &info), -VSM_ERR_NOTFOUND);
}
END_TEST

/* A wrong hit counts too; one assertion per number would take minutes. */
static uint32_t name_hits(uint64_t first, uint64_t last, uint64_t step)
{
	uint32_t hits = 0;
	uint64_t name;

	for (name = first; name <= last; name += step)
		hits += register_row((uint32_t)name) != NULL;
	return hits;
}

/* All names lie below 2^20: every number there, and every 251st of the rest. */
START_TEST(test_sampled_name_space_has_no_hit_beyond_the_table)
{
	uint32_t i;

	for (i = 0; i < register_count(); i++)
		ck_assert_uint_lt(register_row_at(i)->name, 1u << 20);
	ck_assert_uint_eq(name_hits(0, (1u << 20) - 1, 1), register_count());
	ck_assert_uint_eq(name_hits(1u << 20, UINT32_MAX, 251), 0);
	ck_assert_ptr_null(register_row(UINT32_MAX));
}
END_TEST

static uint32_t msr_hits(uint64_t first, uint64_t last, uint64_t step)
{
	uint32_t hits = 0;
	uint64_t msr;

	for (msr = first; msr <= last; msr += step)
		hits += register_row_by_msr((uint32_t)msr) != NULL;
	return hits;
}

START_TEST(test_every_row_with_an_msr_is_found_by_it_and_nothing_else_is)
{
	uint32_t expected = 0, i;

	for (i = 0; i < register_count(); i++) {
		const struct vsm_register_info *row = register_row_at(i);

		if (row->msr == VSM_NO_MSR)
			continue;
		ck_assert_ptr_eq(register_row_by_msr(row->msr), row);
		expected++;
	}
	ck_assert_uint_eq(msr_hits(0, 0xffff, 1) + msr_hits(0x40000000, 0x4000ffff, 1) +
				  msr_hits(0xc0000000, 0xc001ffff, 1),
			  expected);
	ck_assert_uint_eq(msr_hits(0x10000, 0x3fffffff, 251), 0);
	ck_assert_uint_eq(msr_hits(0x40010000, 0xbfffffff, 251), 0);
	ck_assert_uint_eq(msr_hits(0xc0020000, UINT32_MAX, 251), 0);
}
END_TEST

START_TEST(test_no_msr_finds_no_row)
{
	ck_assert_ptr_null(register_row_by_msr(VSM_NO_MSR));
}
END_TEST

/* One line of tests/data/state.csv: name, id, MSR, bytes, scope, source. */
struct csv_row {
	char text[48];
	uint32_t name;
	uint32_t msr;
	uint32_t bytes;
	char scope[16];
};

/* Returns 1 for a line with a register id. The source, the last column, is not looked at. */
static int csv_parse(const char *line, struct csv_row *row)
{
	char column[5][48];
	size_t i;

	for (i = 0; i < 5; i++) {
		size_t length = strcspn(line, ",");

		ck_assert_msg(line[length] == ',' && length < sizeof(column[i]), "%s", line);
		memcpy(column[i], line, length);
		column[i][length] = 0;
		line += length + 1;
	}
	strcpy(row->text, column[0]);
	row->name = (uint32_t)strtoul(column[1], NULL, 16);
	row->msr = column[2][0] ? (uint32_t)strtoul(column[2], NULL, 16) : VSM_NO_MSR;
	row->bytes = (uint32_t)strtoul(column[3], NULL, 10);
	ck_assert_uint_lt(strlen(column[4]), sizeof(row->scope));
	strcpy(row->scope, column[4]);
	return column[1][0] == '0';
}

static const char *scope_name(uint32_t scope)
{
	switch (scope) {
	case VSM_SCOPE_PRIVATE:
	case VSM_SCOPE_PARTITION_VTL:
		return "private";
	case VSM_SCOPE_MIXED:
		return "mixed";
	default:
		return "shared";
	}
}

static void csv_compare(const struct csv_row *csv, const struct vsm_register_info *row)
{
	const char *text = strncmp(csv->text, "HV_", 3) ? csv->text : csv->text + 3;

	if (row->name == HV_X64_REGISTER_XFEM)
		text = "XFEM";
	ck_assert_str_eq(row->text, text);
	ck_assert_msg(row->msr == csv->msr, "%s: MSR", csv->text);
	ck_assert_msg(row->bytes == csv->bytes, "%s: size", csv->text);
	ck_assert_msg(!strcmp(scope_name(row->scope), csv->scope), "%s: scope", csv->text);
}

static FILE *csv_open(void)
{
	const char *data = getenv("VSM_TEST_DATA");
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/state.csv", data ? data : VSM_SOURCE_ROOT "/tests/data");
	file = fopen(path, "r");
	ck_assert_msg(file != NULL, "%s cannot be read; set VSM_TEST_DATA", path);
	return file;
}

/* State that TLFS 15.11 names and that has no register name, hence no row. */
static const struct {
	const char *text;
	const char *why;
} nameless[] = {
	{ "XSAVE_OTHER_USER_COMPONENTS", "of any size: hosts carry the XSAVE area as a whole" },
	{ "FS_BASE", "part of FS" },
	{ "GS_BASE", "part of GS" },
	{ "MCG_CAP", "an MSR only; hosts keep it alike in all VTLs" },
	{ "MCG_STATUS", "an MSR only; hosts keep it alike in all VTLs" },
	{ "HV_NPIEP_CONFIG", "an MSR only, of a feature that is not offered" },
	{ "HV_RESET", "an MSR only, of a feature that is not offered" },
	{ "HV_BELOW_1MB_PAGE", "neither MSR nor register: named in TLFS 6.0b alone" },
	{ "HV_REENLIGHTENMENT_CONTROL", "an MSR only, of a feature that is not offered" },
	{ "HV_TSC_EMULATION_CONTROL", "an MSR only, of a feature that is not offered" },
	{ "HV_TSC_EMULATION_STATUS", "an MSR only, of a feature that is not offered" },
	{ "HV_TSC_INVARIANT_CONTROL", "an MSR only, of a feature that is not offered" },
};

static int is_nameless(const struct csv_row *csv)
{
	size_t i;

	for (i = 0; i < COUNT(nameless); i++) {
		if (!strcmp(nameless[i].text, csv->text))
			return 1;
	}
	return 0;
}

START_TEST(test_the_table_is_the_list_of_private_and_shared_state)
{
	uint32_t named = 0, without = 0;
	struct csv_row csv;
	FILE *file = csv_open();
	char line[512];

	while (fgets(line, sizeof(line), file)) {
		if (line[0] == '#' || !strncmp(line, "name,", 5))
			continue;
		if (!csv_parse(line, &csv)) {
			ck_assert_msg(is_nameless(&csv), "%s", csv.text);
			without++;
			continue;
		}
		ck_assert_msg(!is_nameless(&csv), "%s has a name", csv.text);
		ck_assert_msg(register_row(csv.name) != NULL, "%s is not in the table", csv.text);
		csv_compare(&csv, register_row(csv.name));
		named++;
	}
	fclose(file);
	ck_assert_uint_eq(named, register_count());
	ck_assert_uint_eq(without, COUNT(nameless));
}
END_TEST

static void add_tests(TCase *tcase)
{
	tcase_add_test(tcase, test_rows_ascend_and_so_are_unique);
	tcase_add_test(tcase, test_texts_are_unique_printable_and_terminated);
	tcase_add_test(tcase, test_columns_hold_only_declared_values);
	tcase_add_test(tcase, test_host_rows_that_can_be_named_have_one_group_and_others_none);
	tcase_add_test(tcase, test_what_nobody_keeps_can_be_neither_read_nor_written);
	tcase_add_test(tcase, test_aliases_are_another_name_of_the_same_thing);
	tcase_add_test(tcase, test_groups_are_those_that_host_h_documents);
	tcase_add_test(tcase, test_set_own_implies_writable_implies_readable);
	tcase_add_test(tcase, test_running_execution_state_is_not_settable_by_its_own_vtl);
	tcase_add_test(tcase, test_settable_by_its_own_vtl_is_exactly_this);
	tcase_add_test(tcase, test_read_only_is_exactly_this);
	tcase_add_test(tcase, test_eom_is_an_msr_and_no_register);
	tcase_add_test(tcase, test_vsm_registers_are_no_msrs);
	tcase_add_test(tcase, test_only_registers_over_lower_vtls_start_above_vtl0);
	tcase_add_test(tcase, test_shared_host_state_that_can_be_named_is_exactly_this);
	tcase_add_test(tcase, test_partition_scopes);
	tcase_add_test(tcase, test_reset_values);
	tcase_add_test(tcase, test_registers_of_features_that_are_not_offered_cannot_be_named);
	tcase_add_test(tcase, test_info_and_at_give_the_same_row);
	tcase_add_test(tcase, test_wrong_size_of_info_is_invalid_and_changes_nothing);
	tcase_add_test(tcase, test_null_info_is_invalid);
	tcase_add_test(tcase, test_unknown_name_is_not_found_and_changes_nothing);
	tcase_add_test(tcase, test_position_behind_the_last_row_is_not_found);
	tcase_add_test(tcase, test_sampled_name_space_has_no_hit_beyond_the_table);
	tcase_add_test(tcase, test_every_row_with_an_msr_is_found_by_it_and_nothing_else_is);
	tcase_add_test(tcase, test_no_msr_finds_no_row);
	tcase_add_test(tcase, test_the_table_is_the_list_of_private_and_shared_state);
}

int main(void)
{
	return vsmtest_suite("register_table", add_tests);
}
