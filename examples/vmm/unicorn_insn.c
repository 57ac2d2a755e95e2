/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Instructions that libunicorn does not execute as this machine needs them: MSRs, CPUID, time,
 * control registers, HLT, and system calls, which it leaves to its caller.
 */
#include <string.h>
#include <time.h>

#include "unicorn_machine.h"

#define VECTOR_UD 6u
#define VECTOR_GP 13u

#define CPUID_EXTENDED 0x80000000u
#define MSR_TSC	       0x10u
#define MSR_FS_BASE    0xc0000100u
#define MSR_GS_BASE    0xc0000101u

enum kind {
	NOT_OURS,
	RDMSR,
	WRMSR,
	CPUID,
	RDTSC,
	RDTSCP,
	HALT,
	MOV_CR,
	UNKNOWN
};

struct insn {
	enum kind kind;
	uint32_t length;
	uint32_t cr; /* MOV_CR */
	uint32_t gpr; /* MOV_CR: number of the general register */
	int to_cr;
};

static const int gprs[16] = {
	UC_X86_REG_RAX, UC_X86_REG_RCX, UC_X86_REG_RDX, UC_X86_REG_RBX,
	UC_X86_REG_RSP, UC_X86_REG_RBP, UC_X86_REG_RSI, UC_X86_REG_RDI,
	UC_X86_REG_R8,	UC_X86_REG_R9,	UC_X86_REG_R10, UC_X86_REG_R11,
	UC_X86_REG_R12, UC_X86_REG_R13, UC_X86_REG_R14, UC_X86_REG_R15,
};

/* Two-byte opcodes with nothing behind them. */
static enum kind two_bytes(uint8_t opcode)
{
	switch (opcode) {
	case 0x30:
		return WRMSR;
	case 0x31:
		return RDTSC;
	case 0x32:
		return RDMSR;
	case 0xa2:
		return CPUID;
	case 0x05: /* SYSCALL, SYSRET, SYSENTER, SYSEXIT */
	case 0x07:
	case 0x34:
	case 0x35:
		return UNKNOWN;
	default:
		return NOT_OURS;
	}
}

static int is_rex(uint8_t byte)
{
	return (byte & 0xf0) == 0x40;
}

/* SDM vol. 2A, 2.1.1 and 2.2.1: all that 64-bit mode has. */
int uni_insn_is_prefix(uint8_t byte)
{
	static const uint8_t legacy[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65,
					  0x66, 0x67, 0xf0, 0xf2, 0xf3 };

	return is_rex(byte) || memchr(legacy, byte, sizeof(legacy)) != NULL;
}

/* How many there are. SDM vol. 2A, 2.2.1: REX counts right before the opcode only. */
static uint32_t read_prefixes(const uint8_t *b, uint8_t *rex, int *lock)
{
	uint32_t n = 0;

	for (; n < UNI_INSN_MAX && uni_insn_is_prefix(b[n]); n++) {
		*rex = is_rex(b[n]) ? b[n] : 0;
		*lock |= b[n] == 0xf0;
	}
	return n;
}

static struct insn decode_opcode(const uint8_t *b, uint8_t rex)
{
	struct insn i = { .kind = NOT_OURS, .length = 2 };

	if (b[0] == 0xf4) {
		i.kind = HALT;
		i.length = 1;
	} else if (b[0] == 0x0f && (b[1] == 0x20 || b[1] == 0x22)) {
		i.kind = MOV_CR;
		i.to_cr = b[1] == 0x22;
		i.cr = (uint32_t)(b[2] >> 3 & 7) | (rex & 4 ? 8u : 0);
		i.gpr = (uint32_t)(b[2] & 7) | (rex & 1 ? 8u : 0);
		i.length = 3;
	} else if (b[0] == 0x0f && b[1] == 0x01 && b[2] == 0xf9) {
		i.kind = RDTSCP;
		i.length = 3;
	} else if (b[0] == 0x0f) {
		i.kind = two_bytes(b[1]);
	}
	return i;
}

static struct insn decode(const uint8_t *b)
{
	uint8_t opcode[3] = { 0 }, rex = 0;
	struct insn i;
	int lock = 0;
	uint32_t n = read_prefixes(b, &rex, &lock), left = UNI_INSN_MAX - n;

	memcpy(opcode, b + n, left < sizeof(opcode) ? left : sizeof(opcode));
	i = decode_opcode(opcode, rex);
	i.length += n;
	/* SDM vol. 2A, 2.3.11: longer ones are #GP, which libunicorn raises. */
	if (i.length > UNI_INSN_MAX)
		i.kind = NOT_OURS;
	/* SDM vol. 2A, LOCK: #UD with all but a few, of which none is here. */
	if (lock && i.kind != NOT_OURS)
		i.kind = UNKNOWN;
	return i;
}

/* At CPL 3 libunicorn raises the #GP of those that only CPL 0 may execute. */
int uni_insn_is_ours(struct uni_cpu *c, const uint8_t *bytes)
{
	struct insn i = decode(bytes);

	if (i.kind == NOT_OURS)
		return 0;
	if (i.kind == MOV_CR && (!i.to_cr || i.cr == 2 || i.cr == 3) && i.cr != 8)
		return 0;
	if (i.kind == CPUID || i.kind == RDTSC || i.kind == RDTSCP || i.kind == UNKNOWN)
		return 1;
	return uni_cpl(c) == 0;
}

void uni_insn_skip(struct uni_cpu *c, uint64_t length)
{
	uni_reg_put(c, UC_X86_REG_RIP, c->rip + length);
}

static int raise(struct uni_cpu *c, uint8_t vector)
{
	c->exit.kind = UNI_EXIT_EXCEPTION;
	c->exit.event =
		(struct vsm_exception){ .vector = vector, .has_error_code = vector == VECTOR_GP };
	c->exit.event_rip = c->rip;
	c->exit.event_soft = 0;
	return VSM_VERDICT_NOT_MINE;
}

static const struct {
	uint32_t msr;
	uint32_t name;
} msrs[] = {
	{ 0x1b, HV_X64_REGISTER_APIC_BASE },
	{ 0x174, HV_X64_REGISTER_SYSENTER_CS },
	{ 0x175, HV_X64_REGISTER_SYSENTER_ESP },
	{ 0x176, HV_X64_REGISTER_SYSENTER_EIP },
	{ 0x277, HV_X64_REGISTER_PAT },
	{ 0xc0000080, HV_X64_REGISTER_EFER },
	{ 0xc0000081, HV_X64_REGISTER_STAR },
	{ 0xc0000082, HV_X64_REGISTER_LSTAR },
	{ 0xc0000083, HV_X64_REGISTER_CSTAR },
	{ 0xc0000084, HV_X64_REGISTER_SFMASK },
	{ 0xc0000102, HV_X64_REGISTER_KERNEL_GS_BASE },
	{ 0xc0000103, HV_X64_REGISTER_TSC_AUX },
};

/* 0, or -1: #GP. */
static int access_msr(struct uni_cpu *c, uint32_t msr, uint64_t *value, int is_write)
{
	const struct vsm_register_limits limits = { .size = sizeof(limits),
						    .cr4_mask = UINT64_MAX,
						    .efer_mask = 0xd01,
						    .phys_bits = UNI_PHYS_BITS };
	int reg = msr == MSR_FS_BASE ? UC_X86_REG_FS_BASE : UC_X86_REG_GS_BASE;

	if (msr == MSR_TSC && !is_write) {
		*value = uni_tsc(c->m);
		return 0;
	}
	if (msr == MSR_FS_BASE || msr == MSR_GS_BASE) {
		if (!is_write)
			*value = uni_reg(c, reg);
		else if ((int64_t)*value >> 47 == 0 || (int64_t)*value >> 47 == -1)
			uni_reg_put(c, reg, *value);
		else
			return -1;
		return 0;
	}
	for (size_t i = 0; i < sizeof(msrs) / sizeof(msrs[0]); i++) {
		struct vsm_reg r = { .name = msrs[i].name, .value = { *value, 0 } };

		if (msrs[i].msr != msr)
			continue;
		if (is_write && (msr == 0x1b || vsm_register_check(&limits, &r) != 1))
			return -1;
		return uni_reg_by_name(c, msrs[i].name, value, is_write) == 0 ? 0 : -1;
	}
	return -1;
}

static int read_msr(struct uni_cpu *c, const struct insn *i)
{
	uint32_t msr = (uint32_t)uni_reg(c, UC_X86_REG_RCX);
	uint64_t value = 0;
	int verdict = vsm_vp_rdmsr(c->vp->vsm, msr, &value);

	if (verdict == VSM_VERDICT_NOT_MINE)
		verdict = access_msr(c, msr, &value, 0) == 0 ? VSM_VERDICT_RESUME :
							       raise(c, VECTOR_GP);
	if (verdict == VSM_VERDICT_RESUME) {
		uni_reg_put(c, UC_X86_REG_RAX, (uint32_t)value);
		uni_reg_put(c, UC_X86_REG_RDX, value >> 32);
		uni_insn_skip(c, i->length);
	}
	return verdict;
}

static int write_msr(struct uni_cpu *c, const struct insn *i)
{
	uint32_t msr = (uint32_t)uni_reg(c, UC_X86_REG_RCX);
	uint64_t value = uni_reg(c, UC_X86_REG_RDX) << 32 | (uint32_t)uni_reg(c, UC_X86_REG_RAX);
	int verdict = vsm_vp_wrmsr(c->vp->vsm, msr, value);

	if (verdict == VSM_VERDICT_NOT_MINE)
		verdict = access_msr(c, msr, &value, 1) == 0 ? VSM_VERDICT_RESUME :
							       raise(c, VECTOR_GP);
	if (verdict == VSM_VERDICT_RESUME)
		uni_insn_skip(c, i->length);
	if (verdict == VSM_VERDICT_BLOCKED)
		c->vp->open_wrmsr = i->length;
	return verdict;
}

/* A plain 64-bit processor: what libunicorn's is, and no more than it does. */
static struct vsm_cpuid cpuid_leaf(struct uni_cpu *c, uint32_t leaf)
{
	static const struct {
		uint32_t leaf;
		struct vsm_cpuid value;
	} leaves[] = {
		{ 0x0, { 0x1, 0x756e6547, 0x6c65746e, 0x49656e69 } }, /* GenuineIntel */
		/* FPU TSC MSR PAE CX8 PGE CMOV PAT CLFSH MMX FXSR SSE SSE2; SSE3 CX16 HYPERVISOR */
		{ 0x1, { 0x000006d3, 0x00000800, 0x80002001, 0x0789a171 } },
		{ 0x80000000, { 0x80000008, 0, 0, 0 } },
		/* LAHF; NX RDTSCP LM */
		{ 0x80000001, { 0, 0, 0x1, 0x28100000 } },
		{ 0x80000008, { 48 << 8 | UNI_PHYS_BITS, 0, 0, 0 } },
	};

	for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
		if (leaves[i].leaf == leaf) {
			struct vsm_cpuid value = leaves[i].value;

			if (leaf == 1)
				value.ebx |= c->vp->index << 24;
			return value;
		}
	}
	return (struct vsm_cpuid){ 0 };
}

static int read_cpuid(struct uni_cpu *c, const struct insn *i)
{
	uint32_t leaf = (uint32_t)uni_reg(c, UC_X86_REG_RAX);
	struct vsm_cpuid value;
	int verdict = vsm_vp_cpuid(c->vp->vsm, leaf, (uint32_t)uni_reg(c, UC_X86_REG_RCX), &value);

	if (verdict < 0)
		return verdict;
	if (verdict == VSM_VERDICT_NOT_MINE)
		value = cpuid_leaf(c, leaf);
	uni_reg_put(c, UC_X86_REG_RAX, value.eax);
	uni_reg_put(c, UC_X86_REG_RBX, value.ebx);
	uni_reg_put(c, UC_X86_REG_RCX, value.ecx);
	uni_reg_put(c, UC_X86_REG_RDX, value.edx);
	uni_insn_skip(c, i->length);
	return VSM_VERDICT_RESUME;
}

static int read_tsc(struct uni_cpu *c, const struct insn *i)
{
	uint64_t tsc = uni_tsc(c->m), aux = 0;

	uni_reg_put(c, UC_X86_REG_RAX, (uint32_t)tsc);
	uni_reg_put(c, UC_X86_REG_RDX, tsc >> 32);
	if (i->kind == RDTSCP) {
		uni_reg_by_name(c, HV_X64_REGISTER_TSC_AUX, &aux, 0);
		uni_reg_put(c, UC_X86_REG_RCX, (uint32_t)aux);
	}
	uni_insn_skip(c, i->length);
	return VSM_VERDICT_RESUME;
}

static int move_cr(struct uni_cpu *c, const struct insn *i)
{
	static const uint32_t names[9] = {
		[0] = HV_X64_REGISTER_CR0, [4] = HV_X64_REGISTER_CR4, [8] = HV_X64_REGISTER_CR8
	};
	struct vsm_register_limits limits = { .size = sizeof(limits),
					      .cr4_mask = c->m->cr4_mask,
					      .efer_mask = UINT64_MAX,
					      .phys_bits = UNI_PHYS_BITS };
	struct vsm_reg r = { 0 };

	if (i->cr > 8 || names[i->cr] == 0)
		return raise(c, VECTOR_UD);
	r.name = names[i->cr];
	if (!i->to_cr) {
		uni_reg_by_name(c, r.name, &r.value.low, 0);
		uni_reg_put(c, gprs[i->gpr], r.value.low);
	} else {
		r.value.low = uni_reg(c, gprs[i->gpr]);
		if (vsm_register_check(&limits, &r) != 1 ||
		    uni_reg_by_name(c, r.name, &r.value.low, 1) != 0)
			return raise(c, VECTOR_GP);
	}
	uni_insn_skip(c, i->length);
	return VSM_VERDICT_RESUME;
}

int uni_insn_execute(struct uni_cpu *c)
{
	uint8_t bytes[UNI_INSN_MAX];
	struct insn i;

	uni_insn_bytes(c, c->rip, bytes);
	i = decode(bytes);
	switch (i.kind) {
	case RDMSR:
		return read_msr(c, &i);
	case WRMSR:
		return write_msr(c, &i);
	case CPUID:
		return read_cpuid(c, &i);
	case RDTSC:
	case RDTSCP:
		return read_tsc(c, &i);
	case MOV_CR:
		return move_cr(c, &i);
	case HALT:
		uni_insn_skip(c, i.length);
		c->exit.kind = UNI_EXIT_HLT;
		return VSM_VERDICT_NOT_MINE;
	default:
		return raise(c, VECTOR_UD);
	}
}

uint64_t uni_tsc(void *opaque)
{
	struct timespec now;

	(void)opaque;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UNI_TSC_HZ + (uint64_t)now.tv_nsec;
}
