/* SPDX-License-Identifier: BSD-3-Clause */
#include "register_check.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "register_table.h"
#include "vsm/error.h"
#include "vsm/hv.h"

/* What a value must obey besides its fixed bits. */
enum check_kind {
	CHECK_BITS, /* nothing else */
	CHECK_CANONICAL,
	CHECK_PHYSICAL,
	CHECK_CR0,
	CHECK_CR4,
	CHECK_XFEM,
	CHECK_EFER,
	CHECK_APIC_BASE,
	CHECK_PAT,
	CHECK_INTERRUPTION,
	CHECK_FP_CONTROL,
	CHECK_XMM_CONTROL,
	CHECK_SEGMENT,
	CHECK_TABLE,
	CHECK_MTRR_TYPE,
	CHECK_MTRR_BASE,
	CHECK_MTRR_FIXED,
	CHECK_CET,
	CHECK_FPMMX,
};

struct check {
	uint32_t first; /* Names from here ... */
	uint32_t last; /* ... to here. */
	uint32_t kind;
	uint64_t zero; /* bits of the low half that must be 0 */
	uint64_t one; /* bits of the low half that must be 1 */
};

#define HIGH_HALF 0xffffffff00000000ull
#define MANY(first, last, kind, zero, one)                                                   \
	{                                                                                    \
		HV_X64_REGISTER_##first, HV_X64_REGISTER_##last, CHECK_##kind, (zero), (one) \
	}
#define ARCH(id, kind, zero, one) MANY(id, id, kind, zero, one)
#define EVENT(id, kind, zero, one)                                              \
	{                                                                       \
		HV_REGISTER_##id, HV_REGISTER_##id, CHECK_##kind, (zero), (one) \
	}

/*
 * Ascending by name. A register without a row here takes every value of its width: so do data
 * registers, and those that the library keeps, whose handlers know more than the value.
 */
static const struct check checks[] = {
	EVENT(PENDING_INTERRUPTION, INTERRUPTION, 0xfc00, 0),
	EVENT(INTERRUPT_STATE, BITS,
	      ~(HV_INTERRUPT_STATE_INTERRUPT_SHADOW | HV_INTERRUPT_STATE_NMI_MASKED), 0),
	ARCH(RIP, CANONICAL, 0, 0),
	/* SDM vol. 1 3.4.3: bit 1 is 1; 3, 5, 15 and all from 22 on are 0. */
	ARCH(RFLAGS, BITS, 0xffffffffffc08028, 0x2),
	MANY(FPMMX0, FPMMX7, FPMMX, 0, 0),
	ARCH(FP_CONTROL_STATUS, FP_CONTROL, 0, 0),
	ARCH(XMM_CONTROL_STATUS, XMM_CONTROL, 0, 0),
	/* ET, bit 4, is 1 whatever is written: neither value is refused. */
	ARCH(CR0, CR0, ~0xe005003full, 0),
	/* LAM bits and the "do not flush" bit 63 of a MOV lie above every physical address. */
	ARCH(CR3, PHYSICAL, 0, 0),
	ARCH(CR4, CR4, 0, 0),
	ARCH(CR8, BITS, ~0xfull, 0),
	ARCH(XFEM, XFEM, 0, 0x1),
	/* SDM vol. 3B 17.2.6: MOV faults on high bits, and only on them, in DR6. */
	ARCH(DR6, BITS, HIGH_HALF, 0),
	ARCH(DR7, BITS, HIGH_HALF | 0xd000, 0x400),
	ARCH(ES, SEGMENT, 0, 0),
	ARCH(CS, SEGMENT, 0, 0),
	ARCH(SS, SEGMENT, 0, 0),
	ARCH(DS, SEGMENT, 0, 0),
	ARCH(FS, SEGMENT, 0, 0),
	ARCH(GS, SEGMENT, 0, 0),
	ARCH(LDTR, SEGMENT, 0, 0),
	ARCH(TR, SEGMENT, 0, 0),
	ARCH(IDTR, TABLE, 0, 0),
	ARCH(GDTR, TABLE, 0, 0),
	ARCH(EFER, EFER, 0, 0),
	ARCH(KERNEL_GS_BASE, CANONICAL, 0, 0),
	ARCH(APIC_BASE, APIC_BASE, 0x2ff, 0),
	ARCH(PAT, PAT, 0, 0),
	ARCH(SYSENTER_CS, BITS, HIGH_HALF, 0),
	ARCH(SYSENTER_EIP, CANONICAL, 0, 0),
	ARCH(SYSENTER_ESP, CANONICAL, 0, 0),
	ARCH(LSTAR, CANONICAL, 0, 0),
	ARCH(CSTAR, CANONICAL, 0, 0),
	ARCH(SFMASK, BITS, HIGH_HALF, 0),
	/* SDM vol. 3A 11.11.2. */
	ARCH(MTRR_DEF_TYPE, MTRR_TYPE, ~0xcffull, 0),
	MANY(MTRR_PHYS_BASE0, MTRR_PHYS_BASE15, MTRR_BASE, 0xf00, 0),
	MANY(MTRR_PHYS_MASK0, MTRR_PHYS_MASK15, PHYSICAL, 0x7ff, 0),
	MANY(MTRR_FIX_64K_00000, MTRR_FIX_4K_F8000, MTRR_FIXED, 0, 0),
	ARCH(TSC_AUX, BITS, HIGH_HALF, 0),
	/* SDM vol. 1 app. E: enable, preserve, and the page of the bound directory. */
	ARCH(BNDCFGS, CANONICAL, 0xffc, 0),
	/* SDM vol. 4: the speculation controls there are; the host knows which it has. */
	ARCH(SPEC_CTRL, BITS, ~0x5ffull, 0),
	/* SDM vol. 1 13.1: the supervisor components PT, PASID, CET, HDC, UINTR, LBR, HWP. */
	ARCH(XSS, BITS, ~0x1fd00ull, 0),
	ARCH(U_CET, CET, 0x3c0, 0),
	ARCH(S_CET, CET, 0x3c0, 0),
	/* SDM vol. 1 17.2: shadow stacks have entries of 4 or 8 bytes. */
	MANY(SSP, PL3_SSP, CANONICAL, 0x3, 0),
	ARCH(INTERRUPT_SSP_TABLE_ADDR, CANONICAL, 0, 0),
};

int register_limits_valid(const struct vsm_register_limits *limits)
{
	return limits && limits->size == sizeof(*limits) && limits->reserved == 0 &&
	       limits->phys_bits >= 32 && limits->phys_bits <= 52;
}

static const struct check *check_find(uint32_t name)
{
	size_t low = 0;
	size_t high = sizeof(checks) / sizeof(checks[0]);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (name < checks[middle].first)
			high = middle;
		else if (name > checks[middle].last)
			low = middle + 1;
		else
			return &checks[middle];
	}
	return NULL;
}

/* SDM vol. 1 3.3.7.1: all bits from the highest implemented one on are equal. */
static int is_canonical(const struct vsm_register_limits *limits, uint64_t address)
{
	unsigned int sign_bit = (limits->cr4_mask & CR4_LA57) ? 56 : 47;
	uint64_t top = address >> sign_bit;

	return top == 0 || top == UINT64_MAX >> sign_bit;
}

static int is_physical(const struct vsm_register_limits *limits, uint64_t address)
{
	return address >> limits->phys_bits == 0;
}

/* SDM vol. 3A 2.5: the combinations that MOV to CR0 refuses. */
static int cr0_ok(uint64_t value)
{
	if ((value & CR0_PG) && !(value & CR0_PE))
		return 0;
	return !(value & CR0_NW) || (value & CR0_CD);
}

/* SDM vol. 3A 2.6: state components that stand or fall together; the host knows which exist. */
static int xfem_ok(uint64_t value)
{
	const uint64_t sse = 0x2, avx = 0x4, mpx = 0x18, avx512 = 0xe0, amx = 0x60000;
	const uint64_t supervisor_or_reserved = 0x800000000001fd00;

	if (value & supervisor_or_reserved)
		return 0;
	if ((value & avx) && !(value & sse))
		return 0;
	if ((value & avx512) && ((value & avx512) != avx512 || !(value & avx)))
		return 0;
	if ((value & mpx) && (value & mpx) != mpx)
		return 0;
	return !(value & amx) || (value & amx) == amx;
}

/* SDM vol. 3A 2.2.1: LMA is LME with paging on. */
static int efer_ok(const struct vsm_register_limits *limits, uint64_t value)
{
	if (value & ~limits->efer_mask)
		return 0;
	return !(value & EFER_LMA) || (value & EFER_LME);
}

/* SDM vol. 3A 10.12.1: x2APIC mode with the APIC off is no state. */
static int apic_base_ok(const struct vsm_register_limits *limits, uint64_t value)
{
	const uint64_t x2apic = 0x400, enable = 0x800;

	return is_physical(limits, value) && (!(value & x2apic) || (value & enable));
}

/* SDM vol. 3A 11.12.2: encodings 2, 3 and 8 up are reserved, in each of the eight entries. */
static int pat_ok(uint64_t value)
{
	unsigned int i;

	for (i = 0; i < 8; i++) {
		unsigned int type = (value >> (i * 8)) & 0xff;

		if (type > 7 || type == 2 || type == 3)
			return 0;
	}
	return 1;
}

/* SDM vol. 3A 11.11.2.1: UC, WC, WT, WP and WB; unlike PAT it has no UC-. */
static int memory_type_ok(uint64_t type)
{
	return type <= 6 && type != 2 && type != 3;
}

static int mtrr_fixed_ok(uint64_t value)
{
	unsigned int i;

	for (i = 0; i < 8; i++) {
		if (!memory_type_ok((value >> (i * 8)) & 0xff))
			return 0;
	}
	return 1;
}

/* SDM vol. 1 17.1.2: tracking cannot be suppressed while it waits for ENDBRANCH. */
static int cet_ok(const struct vsm_register_limits *limits, uint64_t value)
{
	const uint64_t suppress = 0x400, tracker = 0x800;

	return is_canonical(limits, value & ~0xfffull) &&
	       (value & (suppress | tracker)) != (suppress | tracker);
}

static int interruption_ok(uint64_t value)
{
	uint64_t type = (value & HV_PENDING_INTERRUPTION_TYPE_MASK) >>
			HV_PENDING_INTERRUPTION_TYPE_SHIFT;

	return type != 1 && type <= HV_PENDING_INTERRUPTION_TYPE_SOFTWARE_EXCEPTION;
}

/* TLFS 7.8.2: FCW, FSW, 8-bit FTW, a reserved byte, FOP, and the last instruction pointer. */
static int fp_control_ok(const struct hv_register_value *value)
{
	return (value->low & 0x0000ff0000000000) == 0;
}

/*
 * TLFS 7.8.2: the last data pointer, MXCSR and its mask. SDM vol. 1 10.2.3: MXCSR has 16 bits, to
 * which AMD adds MM, bit 17 (APM vol. 1 4.2.2); FXRSTOR faults on the others.
 */
static int xmm_control_ok(const struct hv_register_value *value)
{
	const uint64_t mxcsr = 0x2ffff;

	return (value->high & ~(mxcsr | mxcsr << 32)) == 0;
}

/* SDM vol. 3C 26.3.1.2: the limit must be one that its granularity can express. */
static int limit_ok(const struct hv_segment_register *segment)
{
	if (segment->attributes & HV_X64_SEGMENT_GRANULARITY)
		return (segment->limit & 0xfff) == 0xfff;
	return segment->limit >> 20 == 0;
}

static int system_segment_ok(const struct hv_segment_register *segment, uint32_t name)
{
	unsigned int type = segment->attributes & HV_X64_SEGMENT_TYPE_MASK;

	if ((segment->attributes & HV_X64_SEGMENT_NON_SYSTEM) || (segment->selector & SELECTOR_TI))
		return 0;
	if (name == HV_X64_REGISTER_LDTR)
		return type == TYPE_LDT;
	return type == TYPE_TSS_BUSY || type == TYPE_TSS16_BUSY;
}

/* A loaded descriptor is an accessed one. Type 3 in CS is what real mode has there. */
static int user_segment_ok(const struct hv_segment_register *segment, uint32_t name)
{
	unsigned int type = segment->attributes & HV_X64_SEGMENT_TYPE_MASK;
	const unsigned int data = TYPE_READ_WRITE | TYPE_ACCESSED;
	const unsigned int both = HV_X64_SEGMENT_LONG | HV_X64_SEGMENT_DEFAULT;

	if (!(segment->attributes & HV_X64_SEGMENT_NON_SYSTEM) || !(type & TYPE_ACCESSED))
		return 0;
	switch (name) {
	case HV_X64_REGISTER_CS:
		return ((type & TYPE_CODE) || type == data) && (segment->attributes & both) != both;
	case HV_X64_REGISTER_SS:
		return (type & (TYPE_CODE | data)) == data;
	default:
		return !(type & TYPE_CODE) || (type & TYPE_READ_WRITE);
	}
}

/* SDM vol. 3C 26.3.1.2; an absent segment (present = 0) is what VMX calls unusable. */
static int segment_ok(const struct vsm_register_limits *limits, const struct vsm_reg *reg)
{
	int is_system = reg->name == HV_X64_REGISTER_LDTR || reg->name == HV_X64_REGISTER_TR;
	int is_wide = is_system || reg->name == HV_X64_REGISTER_FS ||
		      reg->name == HV_X64_REGISTER_GS;
	struct hv_segment_register segment;

	memcpy(&segment, &reg->value, sizeof(segment));
	if (segment.attributes & HV_X64_SEGMENT_RSVD_MASK)
		return 0;
	/* Also if absent: these bases are loaded, and used or saved, all the same. */
	if (is_wide && !is_canonical(limits, segment.base))
		return 0;
	if (!(segment.attributes & HV_X64_SEGMENT_PRESENT))
		return 1;
	if (!is_wide && segment.base >> 32)
		return 0;
	if (!limit_ok(&segment))
		return 0;
	return is_system ? system_segment_ok(&segment, reg->name) :
			   user_segment_ok(&segment, reg->name);
}

static int table_ok(const struct vsm_register_limits *limits, const struct hv_register_value *value)
{
	struct hv_table_register table;

	memcpy(&table, value, sizeof(table));
	return (table.pad[0] | table.pad[1] | table.pad[2]) == 0 &&
	       is_canonical(limits, table.base);
}

static int kind_ok(const struct vsm_register_limits *limits, const struct vsm_reg *reg,
		   uint32_t kind)
{
	uint64_t value = reg->value.low;

	switch (kind) {
	case CHECK_CANONICAL:
		return is_canonical(limits, value);
	case CHECK_PHYSICAL:
		return is_physical(limits, value);
	case CHECK_CR0:
		return cr0_ok(value);
	case CHECK_CR4:
		return (value & ~limits->cr4_mask) == 0;
	case CHECK_XFEM:
		return xfem_ok(value);
	case CHECK_EFER:
		return efer_ok(limits, value);
	case CHECK_APIC_BASE:
		return apic_base_ok(limits, value);
	case CHECK_PAT:
		return pat_ok(value);
	case CHECK_INTERRUPTION:
		return interruption_ok(value);
	case CHECK_FP_CONTROL:
		return fp_control_ok(&reg->value);
	case CHECK_XMM_CONTROL:
		return xmm_control_ok(&reg->value);
	case CHECK_SEGMENT:
		return segment_ok(limits, reg);
	case CHECK_TABLE:
		return table_ok(limits, &reg->value);
	case CHECK_MTRR_TYPE:
		return memory_type_ok(value & 0xff);
	case CHECK_MTRR_BASE:
		return memory_type_ok(value & 0xff) && is_physical(limits, value);
	case CHECK_MTRR_FIXED:
		return mtrr_fixed_ok(value);
	case CHECK_CET:
		return cet_ok(limits, value);
	case CHECK_FPMMX: /* TLFS 7.8.2: 64 bits of mantissa, 16 of sign and exponent. */
		return reg->value.high >> 16 == 0;
	default:
		return 1;
	}
}

int vsm_register_check(const struct vsm_register_limits *limits, const struct vsm_reg *reg)
{
	const struct vsm_register_info *row;
	const struct check *check;

	if (!register_limits_valid(limits) || !reg || reg->reserved)
		return -VSM_ERR_INVAL;
	row = register_row(reg->name);
	if (!row)
		return -VSM_ERR_NOTFOUND;

	/* TLFS 7.10: bits beyond the width of the register are reserved. */
	if (row->bytes < sizeof(reg->value) && reg->value.high)
		return 0;
	if (row->bytes == 4 && reg->value.low >> 32)
		return 0;
	check = check_find(register_base(reg->name));
	if (!check)
		return 1;
	if ((reg->value.low & check->zero) || (reg->value.low & check->one) != check->one)
		return 0;
	return kind_ok(limits, reg, check->kind) ? 1 : 0;
}
