/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What Get/SetVpRegisters may do with each register and which values it takes, as a second source
 * beside the library's table (TLFS 7.8.2, 7.10, 15.3, 15.11; SDM vol. 3A 2.5, vol. 4). Names,
 * widths and scopes come from tests/data/state.csv, the rest from the rows below.
 */
#ifndef REGISTER_ORACLE_H
#define REGISTER_ORACLE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vsmtest.h"

#define ORACLE_ROWS_MAX 512u

/* oracle_rule.is */
#define O_RO	0x01u /* Can be read. */
#define O_RW	0x03u /* Can be read and written. */
#define O_OWN	0x07u /* Can be written by the VTL that runs on it, too. */
#define O_LIB	0x10u /* State of the hypervisor, not of the vCPU. */
#define O_WIDE	0x20u /* One for all VPs. */
#define O_VTL1	0x40u /* VTL0 has none. */
#define O_CLOCK 0x80u /* Its value is time. */

/* Registers `first` to `last`. A register in no rule is refused by its name. */
struct oracle_rule {
	uint32_t first;
	uint32_t last;
	uint32_t is;
	uint64_t reset; /* Value of a new VTL; 0 high. */
	uint64_t low; /* A legal value that is not the reset value. */
	uint64_t high;
	uint64_t bad_low; /* Bits of it that may not be flipped alone. */
	uint64_t bad_high;
	uint64_t free_low; /* Bits of it that may; the others depend on more than the bit. */
	uint64_t free_high;
};

#define O_ALL	    0xffffffffffffffffull
#define O_CANONICAL 0x00007fffffffffffull
#define O_PHYS	    0x000000ffffffffffull /* vsm_config.phys_bits: 40 */
#define O_PAGE	    0x000000fffffff000ull

/* 64 bits: the high half is reserved, and so is each bit that is neither free nor left open. */
#define O_BITS(range, is, reset, value, free, open)                                                \
	{                                                                                          \
		range, is, reset, value, 0, ~((uint64_t)(free) | (uint64_t)(open)), O_ALL, free, 0 \
	}
#define O_128(range, is, value_low, value_high, bad_low, bad_high, free_low, free_high)     \
	{                                                                                   \
		range, is, 0, value_low, value_high, bad_low, bad_high, free_low, free_high \
	}
#define O_READ(range, is)                      \
	{                                      \
		range, is, 0, 0, 0, 0, 0, 0, 0 \
	}
#define R(name)	     HV_X64_REGISTER_##name, HV_X64_REGISTER_##name
#define RS(from, to) HV_X64_REGISTER_##from, HV_X64_REGISTER_##to
#define H(name)	     HV_REGISTER_##name, HV_REGISTER_##name
#define HS(from, to) HV_REGISTER_##from, HV_REGISTER_##to
/* Segments: base; limit 31:0, selector 47:32, attributes 63:48 of the high half (TLFS 7.8.3). */
#define SEG(attributes, selector, limit) \
	((uint64_t)(attributes) << 48 | (uint64_t)(selector) << 32 | (limit))
#define SEG_RSVD  0x0f00000000000000ull
#define SEG_FREE  0x1060ffff00000000ull /* AVL, DPL, selector. */
#define SEG_LIMIT 0x00000000fffff000ull /* With G set the low twelve bits are 1. */
#define SEG_4K	  0x0000000000000fffull

static const struct oracle_rule oracle_rules[] = {
	O_READ(HS(HYPERVISOR_VERSION, HYPERVISOR_VERSION), O_RO | O_LIB | O_WIDE),
	O_READ(HS(PRIVILEGES_AND_FEATURES_INFO, ISOLATION_CONFIGURATION), O_RO | O_LIB | O_WIDE),
	O_BITS(HS(CRASH_P0, CRASH_P4), O_OWN | O_LIB | O_WIDE, 0, 0x1234, O_ALL, 0),
	O_BITS(H(CRASH_CTL), O_OWN | O_LIB | O_WIDE, 0xc000000000000000, 0, 0, O_ALL),
	O_READ(H(TSC_FREQUENCY), O_RO | O_LIB | O_WIDE),
	O_READ(H(APIC_FREQUENCY), O_RO | O_LIB | O_WIDE),
	O_READ(HS(PENDING_INTERRUPTION, INTERRUPT_STATE), O_RO),
	/* #GP with an error code. Reserved: 15:9, 7:4; the type; vectors above 31. */
	O_128(H(PENDING_EVENT0), O_OWN | O_LIB, 0xd0101, 0, 0xfffefefe, 0, 0xffffffff00010100,
	      O_ALL),

	O_BITS(RS(RAX, RBX), O_RW, 0, 0x1234, O_ALL, 0),
	O_BITS(RS(RSP, R15), O_RW, 0, 0x1234, O_ALL, 0),
	O_BITS(R(RIP), O_RW, 0xfff0, 0x401000, O_CANONICAL, 0),
	O_BITS(R(RFLAGS), O_RW, 0x2, 0x202, 0x3f7fd5, 0),
	O_128(RS(XMM0, XMM15), O_RW, 0x55, 0x66, 0, 0, O_ALL, O_ALL),
	O_128(RS(FPMMX0, FPMMX7), O_RW, 0x55, 0x66, 0, ~0xffffull, O_ALL, 0xffff),
	O_128(R(FP_CONTROL_STATUS), O_RW, 0x37f, 0x66, 0xff0000000000, 0, ~0xff0000000000ull,
	      O_ALL),
	O_128(R(XMM_CONTROL_STATUS), O_RW, 0x55, 0x1f80, 0, ~0x2ffff0002ffffull, O_ALL,
	      0x2ffff0002ffff),

	/* Paging needs protection, NW needs CD. */
	O_BITS(R(CR0), O_RW, 0x60000010, 0x80050033, 0xc005003e, 0),
	O_BITS(R(CR2), O_RW, 0, 0x1234, O_ALL, 0),
	O_BITS(R(CR3), O_OWN, 0, 0x3000, O_PHYS, 0),
	O_BITS(R(CR4), O_RW, 0, 0x6a0, 0x370fff, 0),
	O_BITS(R(CR8), O_OWN, 0, 0x5, 0xf, 0),
	/* AVX needs SSE; MPX, AVX-512 and AMX come whole; what exists is the host's to say. */
	O_BITS(R(XFEM), O_RW, 0x1, 0x7, 0x204, 0x7ffffffffff80000),
	O_BITS(R(INTERMEDIATE_CR0), O_RW, 0x60000010, 0x80050033, 0xc005003e, 0),
	O_BITS(R(INTERMEDIATE_CR3), O_OWN, 0, 0x3000, O_PHYS, 0),
	O_BITS(R(INTERMEDIATE_CR4), O_RW, 0, 0x6a0, 0x370fff, 0),
	O_BITS(R(INTERMEDIATE_CR8), O_OWN, 0, 0x5, 0xf, 0),
	O_BITS(RS(DR0, DR3), O_OWN, 0, 0x1234, O_ALL, 0),
	O_BITS(R(DR6), O_OWN, 0xffff0ff0, 0xffff4ff1, 0xffffffff, 0),
	O_BITS(R(DR7), O_OWN, 0x400, 0x401, 0xffff2bff, 0),

	O_128(R(ES), O_OWN, 0x1000, SEG(0xc093, 0x18, 0xffffffff), ~0xffffffffull,
	      SEG_RSVD | SEG_4K | 1ull << 63 | 1ull << 48 | 1ull << 52, 0xffffffff,
	      SEG_FREE | SEG_LIMIT | 1ull << 49 | 1ull << 50 | 1ull << 51),
	O_128(R(CS), O_RW, 0x1000, SEG(0xa09b, 0x10, 0xffffffff), ~0xffffffffull,
	      SEG_RSVD | SEG_4K | 1ull << 63 | 1ull << 48 | 1ull << 52 | 1ull << 62, 0xffffffff,
	      SEG_FREE | SEG_LIMIT | 1ull << 49 | 1ull << 50 | 1ull << 51 | 1ull << 61),
	O_128(R(SS), O_RW, 0x1000, SEG(0xc093, 0x18, 0xffffffff), ~0xffffffffull,
	      SEG_RSVD | SEG_4K | 1ull << 63 | 1ull << 48 | 1ull << 52 | 1ull << 49 | 1ull << 51,
	      0xffffffff, SEG_FREE | SEG_LIMIT | 1ull << 50),
	O_128(R(DS), O_OWN, 0x1000, SEG(0xc093, 0x18, 0xffffffff), ~0xffffffffull,
	      SEG_RSVD | SEG_4K | 1ull << 63 | 1ull << 48 | 1ull << 52, 0xffffffff,
	      SEG_FREE | SEG_LIMIT | 1ull << 49 | 1ull << 50 | 1ull << 51),
	O_128(RS(FS, GS), O_OWN, 0x1000, SEG(0xc093, 0x18, 0xffffffff), ~O_CANONICAL,
	      SEG_RSVD | SEG_4K | 1ull << 63 | 1ull << 48 | 1ull << 52, O_CANONICAL,
	      SEG_FREE | SEG_LIMIT | 1ull << 49 | 1ull << 50 | 1ull << 51),
	/* System segments: of one type, and from the GDT. */
	O_128(R(LDTR), O_OWN, 0x1000, SEG(0x82, 0x30, 0), ~O_CANONICAL,
	      SEG_RSVD | 0xfff00000 | 1ull << 63 | 0x1full << 48 | 4ull << 32, O_CANONICAL,
	      (SEG_FREE & ~(4ull << 32)) | 0xfffff),
	O_128(R(TR), O_OWN, 0x1000, SEG(0x8b, 0x40, 0x67), ~O_CANONICAL,
	      SEG_RSVD | 0xfff00000 | 1ull << 63 | 0x17ull << 48 | 4ull << 32, O_CANONICAL,
	      (SEG_FREE & ~(4ull << 32)) | 0xfffff | 1ull << 51),
	O_128(RS(IDTR, GDTR), O_OWN, 0x7full << 48, 0x6000, 0xffffffffffff, ~O_CANONICAL,
	      0xffffull << 48, O_CANONICAL),

	/* LMA is nothing without LME. */
	O_BITS(R(EFER), O_RW, 0, 0xd01, 0xc01, 0),
	O_BITS(R(KERNEL_GS_BASE), O_OWN, 0, 0x1234, O_CANONICAL, 0),
	O_READ(R(APIC_BASE), O_RO),
	O_BITS(R(PAT), O_OWN, 0x0007040600070406, 0x0007040600070406 ^ 1, 0x0503070305030703, 0),
	O_BITS(R(SYSENTER_CS), O_OWN, 0, 0x1234, 0xffffffff, 0),
	O_BITS(RS(SYSENTER_EIP, SYSENTER_ESP), O_OWN, 0, 0x1234, O_CANONICAL, 0),
	O_BITS(R(STAR), O_OWN, 0, 0x1234, O_ALL, 0),
	O_BITS(RS(LSTAR, CSTAR), O_OWN, 0, 0x1234, O_CANONICAL, 0),
	O_BITS(R(SFMASK), O_OWN, 0, 0x1234, 0xffffffff, 0),
	O_READ(R(INITIAL_APIC_ID), O_RO | O_LIB),
	O_READ(R(MTRR_CAP), O_RO),
	/* Memory type 6 (WB): of its bits only bit 1 leads to another type, 4 (WT). */
	O_BITS(R(MTRR_DEF_TYPE), O_OWN, 0, 0xc06, 0xc02, 0),
	O_BITS(RS(MTRR_PHYS_BASE0, MTRR_PHYS_BASE15), O_OWN, 0, 0x6, O_PAGE | 0x2, 0),
	O_BITS(RS(MTRR_PHYS_MASK0, MTRR_PHYS_MASK15), O_OWN, 0, 0x800, O_PAGE | 0x800, 0),
	O_BITS(RS(MTRR_FIX_64K_00000, MTRR_FIX_4K_F8000), O_OWN, 0, 0x0606060606060606,
	       0x0202020202020202, 0),
	O_BITS(R(TSC_AUX), O_OWN, 0, 0x1234, 0xffffffff, 0),
	O_BITS(R(BNDCFGS), O_OWN, 0, 0x1003, O_CANONICAL & ~0xffcull, 0),
	O_BITS(R(SPEC_CTRL), O_OWN, 0, 0x1, 0x5ff, 0),
	O_BITS(R(XSS), O_OWN, 0, 0x100, 0x1fd00, 0),
	O_BITS(R(U_CET), O_OWN, 0, 0x1, O_CANONICAL & ~0x3c0ull, 0),
	O_BITS(R(S_CET), O_OWN, 0, 0x1, O_CANONICAL & ~0x3c0ull, 0),
	O_BITS(RS(SSP, PL3_SSP), O_OWN, 0, 0x1230, O_CANONICAL & ~0x3ull, 0),
	O_BITS(R(INTERRUPT_SSP_TABLE_ADDR), O_OWN, 0, 0x1230, O_CANONICAL, 0),

	/* Bit 0 shows the page and bit 1 locks it: tests of their own. */
	O_BITS(H(HYPERCALL), O_OWN | O_LIB | O_WIDE, 0, 0x18001, O_PHYS & ~0x3ull, 0x3),
	O_BITS(H(GUEST_OS_ID), O_OWN | O_LIB | O_WIDE, 0, 0x8100000000060001, O_ALL, 0),
	O_READ(H(VP_INDEX), O_RO | O_LIB),
	O_READ(H(TIME_REF_COUNT), O_RO | O_LIB | O_WIDE | O_CLOCK),
	O_BITS(H(VP_ASSIST_PAGE), O_OWN | O_LIB, 0, 0x28001, O_ALL, 0),
	O_BITS(H(REFERENCE_TSC), O_OWN | O_LIB | O_WIDE, 0, 0x38001, O_ALL, 0),
	/* A vector of at least 16. */
	O_BITS(H(SINT0), O_OWN | O_LIB, 0x10000, 0x40040, ~0x40ull, 0),
	O_BITS(H(SCONTROL), O_OWN | O_LIB, 1, 0, O_ALL, 0),
	O_READ(H(SVERSION), O_RO | O_LIB),
	O_BITS(H(SIMP), O_OWN | O_LIB, 0, 0x48001, O_ALL, 0),
	O_BITS(H(SIEFP), O_OWN | O_LIB, 0, 0x49001, O_ALL, 0),

	O_128(RS(YMM0_LOW, YMM15_LOW), O_RW, 0x55, 0x66, 0, 0, O_ALL, O_ALL),
	O_128(RS(YMM0_HIGH, YMM15_HIGH), O_RW, 0x55, 0x66, 0, 0, O_ALL, O_ALL),

	O_READ(H(VSM_CODE_PAGE_OFFSETS), O_RO | O_LIB | O_WIDE),
	O_READ(HS(VSM_VP_STATUS, VSM_PARTITION_STATUS), O_RO | O_LIB | O_WIDE),
	O_READ(H(VSM_CAPABILITIES), O_RO | O_LIB | O_WIDE),
	/* Masks that are legal without mode-based execute control; bit 0 has tests of its own. */
	O_BITS(H(VSM_PARTITION_CONFIG), O_OWN | O_LIB | O_WIDE | O_VTL1, 0x3e, 0x1e, 0x24, 0x1),
};

/* A line of tests/data/state.csv. */
struct oracle_row {
	char text[48];
	uint32_t name; /* 0 with is_named 0: it has no register name. */
	uint32_t is_named;
	uint32_t msr; /* VSM_NO_MSR: none. */
	uint32_t bytes;
	char scope; /* p private, s shared, m mixed */
	const struct oracle_rule *rule; /* NULL: cannot be named. */
};

struct oracle {
	struct oracle_row row[ORACLE_ROWS_MAX];
	uint32_t rows;
};

static inline const struct oracle_rule *oracle_rule_of(uint32_t name)
{
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(oracle_rules); i++)
		if (name >= oracle_rules[i].first && name <= oracle_rules[i].last)
			return &oracle_rules[i];
	return NULL;
}

static inline void oracle_parse(struct oracle_row *row, const char *line)
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
	row->is_named = column[1][0] == '0';
	row->name = (uint32_t)strtoul(column[1], NULL, 16);
	row->msr = column[2][0] ? (uint32_t)strtoul(column[2], NULL, 16) : VSM_NO_MSR;
	row->bytes = (uint32_t)strtoul(column[3], NULL, 10);
	row->scope = column[4][0];
	row->rule = row->is_named ? oracle_rule_of(row->name) : NULL;
}

/* All rows, whether they have a register name or not. */
static inline void oracle_load(struct oracle *oracle)
{
	const char *data = getenv("VSM_TEST_DATA");
	char line[512];
	FILE *file;

	snprintf(line, sizeof(line), "%s/state.csv", data ? data : VSM_SOURCE_ROOT "/tests/data");
	file = fopen(line, "r");
	ck_assert_msg(file != NULL, "%s cannot be read; set VSM_TEST_DATA", line);
	memset(oracle, 0, sizeof(*oracle));
	while (fgets(line, sizeof(line), file)) {
		if (line[0] == '#' || !strncmp(line, "name,", 5))
			continue;
		ck_assert_uint_lt(oracle->rows, ORACLE_ROWS_MAX);
		oracle_parse(&oracle->row[oracle->rows++], line);
	}
	fclose(file);
}

static inline int oracle_knows(const struct oracle *oracle, uint32_t name)
{
	uint32_t i;

	for (i = 0; i < oracle->rows; i++)
		if (oracle->row[i].is_named && oracle->row[i].name == name)
			return 1;
	return 0;
}

/* Is it kept once for all VTLs of a VP (TLFS 15.11.2)? */
static inline int oracle_shared(const struct oracle_row *row, const struct vsmtest *t)
{
	if (row->scope == 'm')
		return (t->opts.config.host_flags & VSM_HOST_DR6_SHARED) != 0;
	return row->scope == 's';
}

#endif
