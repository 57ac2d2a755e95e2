/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the memory operands of an instruction lie (SDM vol. 2A, ch. 2).
 *
 * KVM tells no address when it gives up on an instruction that it cannot emulate, nor when the page
 * tables of this process stopped the guest. Which denied page was the cause, and what was to be
 * done to it, can only be found out by looking.
 */
#include "kvm_private.h"

#include "insn.h"

#define EFER_LMA (1ull << 10)

#define REX_W 8u

struct decoder {
	const uint8_t *code;
	uint32_t count, at;
	uint32_t cut; /* 1: ran out of bytes */
	uint32_t bad; /* 1: a form that is not known here */
	uint32_t mode; /* 16, 32, 64 */
	uint32_t operand_16, repeat; /* 66; f2 or f3 */
	uint32_t address; /* Bytes of an address */
	uint32_t wide; /* REX.W */
	uint32_t rex_r, rex_x, rex_b; /* 0 or 8 */
	uint32_t vector; /* Bytes of a vector */
	uint32_t mod, reg, rm;
	struct vk_opcode_key key;
	struct vk_opcode is;
	const struct kvm_segment *override;
	const struct kvm_sregs *s;
	const struct kvm_sync_regs *regs;
};

static uint8_t next(struct decoder *d)
{
	if (d->at == d->count) {
		d->cut = 1;
		return 0;
	}
	return d->code[d->at++];
}

static int64_t displacement(struct decoder *d, uint32_t bytes)
{
	uint64_t value = 0;

	for (uint32_t i = 0; i < bytes; i++)
		value |= (uint64_t)next(d) << 8 * i;
	if (bytes == 0 || bytes == 8)
		return (int64_t)value;
	return (int64_t)(value << (64 - 8 * bytes)) >> (64 - 8 * bytes);
}

static const struct kvm_segment *segment_prefix(const struct decoder *d, uint8_t b)
{
	switch (b) {
	case 0x26:
		return &d->s->es;
	case 0x2e:
		return &d->s->cs;
	case 0x36:
		return &d->s->ss;
	case 0x3e:
		return &d->s->ds;
	case 0x64:
		return &d->s->fs;
	case 0x65:
		return &d->s->gs;
	default:
		return NULL;
	}
}

/* 1: `b` is a prefix and was taken. */
static int prefix(struct decoder *d, uint8_t b)
{
	const struct kvm_segment *segment = segment_prefix(d, b);

	/* In 64-bit mode ES, CS, SS and DS are null prefixes: an FS or GS before them stays (AMD64
	 * Architecture Programmer's Manual vol. 3, 1.2.4). */
	if (segment != NULL)
		d->override = d->mode != 64 || b == 0x64 || b == 0x65 ? segment : d->override;
	else if (b == 0x66)
		d->operand_16 = 1;
	else if (b == 0x67)
		d->address = d->mode == 32 ? 2 : 4;
	else if (b == 0xf2 || b == 0xf3)
		d->repeat = b;
	else
		return b == 0xf0;
	return 1;
}

/* VEX and EVEX (SDM vol. 2A, 2.3.5, 2.7.1): R, X and B are inverted, the map comes with them. */
static void vex(struct decoder *d, uint8_t b)
{
	static const uint32_t pp[] = { 0, 0x66, 0xf3, 0xf2 };
	uint8_t p = next(d), last = p;

	d->key.map = 1;
	d->key.is_vex = 1;
	d->key.is_evex = b == 0x62;
	d->rex_r = d->mode == 64 && !(p & 0x80) ? 8 : 0;
	if (b != 0xc5) {
		d->rex_x = d->mode == 64 && !(p & 0x40) ? 8 : 0;
		d->rex_b = d->mode == 64 && !(p & 0x20) ? 8 : 0;
		d->key.map = p & (b == 0x62 ? 0x07 : 0x1f);
		last = next(d);
		d->wide = last & 0x80;
	}
	d->key.pp = pp[last & 3];
	d->vector = (last & 4) ? 32 : 16;
	if (d->key.is_evex)
		d->vector = 16u << (next(d) >> 5 & 3);
	d->key.opcode = next(d);
}

static void opcode(struct decoder *d)
{
	uint8_t b, rex = 0;

	/* Of several REX the last counts, and only right before the opcode (SDM vol. 2A, 2.2.1). */
	for (b = next(d); !d->cut; b = next(d)) {
		if (prefix(d, b))
			rex = 0;
		else if (d->mode == 64 && (b & 0xf0) == 0x40)
			rex = b;
		else
			break;
	}
	d->wide = rex & REX_W;
	d->rex_r = (rex & 4) ? 8 : 0;
	d->rex_x = (rex & 2) ? 8 : 0;
	d->rex_b = (rex & 1) ? 8 : 0;
	/* Outside of 64-bit mode these are LES, LDS and BOUND unless a register form follows. */
	if ((b == 0xc4 || b == 0xc5 || b == 0x62) &&
	    (d->mode == 64 || (d->at < d->count && d->code[d->at] >= 0xc0))) {
		vex(d, b);
		return;
	}
	d->key.pp = d->repeat != 0 ? d->repeat : d->operand_16 ? 0x66 : 0;
	d->key.opcode = b;
	if (b != 0x0f)
		return;
	d->key.map = 1;
	d->key.opcode = next(d);
	if (d->key.opcode == 0x38 || d->key.opcode == 0x3a) {
		d->key.map = d->key.opcode == 0x38 ? 2 : 3;
		d->key.opcode = next(d);
	}
}

static uint32_t operand_bytes(const struct decoder *d)
{
	if (d->wide)
		return 8;
	return (d->mode == 16) != d->operand_16 ? 2 : 4;
}

static uint32_t stack_bytes(const struct decoder *d)
{
	if (d->mode == 64)
		return d->operand_16 ? 2 : 8;
	return operand_bytes(d);
}

static uint32_t size_of(const struct decoder *d)
{
	switch (d->is.size) {
	case VK_SIZE_V:
		return operand_bytes(d);
	case VK_SIZE_STACK:
		return stack_bytes(d);
	case VK_SIZE_VEX:
		return d->vector;
	case VK_SIZE_Y:
		return d->wide ? 8 : 4;
	case VK_SIZE_PAIR:
		return d->wide ? 16 : 8;
	case VK_SIZE_BIG:
		return 512; /* The part that all of them have. */
	default:
		return d->is.size;
	}
}

static uint32_t immediate_bytes(const struct decoder *d)
{
	uint32_t z = operand_bytes(d) == 2 ? 2 : 4;

	switch (d->is.immediate) {
	case VK_IMM_Z:
		return z;
	case VK_IMM_J: /* In 64-bit mode the operand size has no say. */
		return d->mode == 64 ? 4 : z;
	case VK_IMM_V:
		return operand_bytes(d);
	case VK_IMM_MOFFS:
		return d->address;
	case VK_IMM_FAR:
		return 2 + z;
	default:
		return d->is.immediate;
	}
}

static uint64_t gpr(const struct decoder *d, uint32_t number)
{
	return kvm_gpr(d->regs, number);
}

static uint64_t cut_address(const struct decoder *d, uint64_t address)
{
	if (d->address == 8)
		return address;
	return d->address == 4 ? (uint32_t)address : (uint16_t)address;
}

static uint64_t in_segment(const struct decoder *d, const struct kvm_segment *segment,
			   uint64_t address)
{
	if (d->mode != 64)
		return (uint32_t)(segment->base + address);
	return segment == &d->s->fs || segment == &d->s->gs ? segment->base + address : address;
}

/* Base and index of a SIB byte (SDM vol. 2A, table 2-3). */
static uint64_t sib(struct decoder *d, const struct kvm_segment **segment)
{
	uint8_t b = next(d);
	uint32_t index = (b >> 3 & 7u) | d->rex_x, base = b & 7u;
	uint64_t address = 0;

	if (index != 4)
		address = gpr(d, index) << (b >> 6);
	if (base == 5 && d->mod == 0)
		return address + (uint64_t)displacement(d, 4);
	if (base == 4 || (base == 5 && !d->rex_b))
		*segment = &d->s->ss;
	/* POP has taken its value when it computes the address (SDM vol. 2B, POP). */
	if (base == 4 && !d->rex_b && d->is.implicit == VK_IMPLICIT_POP)
		address += stack_bytes(d);
	return address + gpr(d, base | d->rex_b);
}

/* SDM vol. 2A, table 2-1. */
static uint64_t modrm_16(struct decoder *d, const struct kvm_segment **segment)
{
	static const uint8_t base[] = { 3, 3, 5, 5, 6, 7, 5, 3 };
	uint64_t address;

	if (d->rm == 6 && d->mod == 0)
		return (uint64_t)displacement(d, 2);
	address = gpr(d, base[d->rm]);
	if (d->rm < 4)
		address += gpr(d, 6 + (d->rm & 1u));
	if (base[d->rm] == 5)
		*segment = &d->s->ss;
	return address + (uint64_t)displacement(d, d->mod);
}

/* SDM vol. 2A, table 2-2. */
static uint64_t modrm_32(struct decoder *d, const struct kvm_segment **segment)
{
	uint64_t address;

	if (d->rm == 5 && d->mod == 0) {
		address = (uint64_t)displacement(d, 4);
		if (d->mode == 64) /* From the end of the instruction. */
			address += d->regs->regs.rip + d->at + immediate_bytes(d);
		return address;
	}
	if (d->rm == 4) {
		address = sib(d, segment);
	} else {
		if (d->rm == 5 && !d->rex_b)
			*segment = &d->s->ss;
		address = gpr(d, d->rm | d->rex_b);
	}
	/* EVEX scales a short displacement by a factor that depends on the opcode. */
	d->bad |= d->mod == 1 && d->key.is_evex;
	if (d->mod != 0)
		address += (uint64_t)displacement(d, d->mod == 1 ? 1 : 4);
	return address;
}

/* BT, BTS, BTR and BTC with a register reach beyond the operand (SDM vol. 2A, BT). */
static uint64_t bit_offset(const struct decoder *d)
{
	uint32_t bytes = operand_bytes(d);
	uint64_t value;
	int64_t bits;

	if (d->key.map != 1 || (d->key.opcode & 0xe7) != 0xa3)
		return 0;
	value = gpr(d, d->reg | d->rex_r);
	bits = (int64_t)(value << (64 - 8 * bytes)) >> (64 - 8 * bytes);
	return (uint64_t)((bits >> (bytes == 8 ? 6 : bytes == 4 ? 5 : 4)) * (int64_t)bytes);
}

static void add(const struct decoder *d, struct vk_operands *out, uint64_t linear, uint32_t size,
		uint32_t access)
{
	struct vk_operand *op = &out->op[out->count++];

	op->linear = d->mode == 64 ? linear : (uint32_t)linear;
	op->size = size;
	op->access = access;
}

static void add_modrm(struct decoder *d, struct vk_operands *out)
{
	const struct kvm_segment *segment = &d->s->ds;
	uint64_t address;

	if (d->mod == 3)
		return;
	address = d->address == 2 ? modrm_16(d, &segment) : modrm_32(d, &segment);
	if (d->override != NULL)
		segment = d->override;
	address = cut_address(d, address + bit_offset(d));
	if (d->is.access != 0)
		add(d, out, in_segment(d, segment, address), size_of(d), d->is.access);
}

static void add_index(const struct decoder *d, struct vk_operands *out, uint32_t number,
		      const struct kvm_segment *segment, uint32_t access)
{
	add(d, out, in_segment(d, segment, cut_address(d, gpr(d, number))), size_of(d), access);
}

static uint64_t stack_pointer(const struct decoder *d, uint32_t number, uint64_t below)
{
	uint64_t sp = gpr(d, number) - below;

	if (d->mode != 64)
		sp = d->s->ss.db ? (uint32_t)sp : (uint16_t)sp;
	return in_segment(d, &d->s->ss, sp);
}

static void add_stack(const struct decoder *d, struct vk_operands *out)
{
	uint32_t size = stack_bytes(d), is_far = d->key.map == 0 && d->is.size == 10;

	if (d->key.map == 0 && d->key.opcode == 0xcf)
		size = d->mode == 64 ? 5 * operand_bytes(d) : 3 * size;
	if (is_far || (d->key.map == 0 && d->key.opcode == 0x9a))
		size *= 2;
	switch (d->is.implicit) {
	case VK_IMPLICIT_PUSH:
		add(d, out, stack_pointer(d, 4, size), size, VK_WRITE);
		break;
	case VK_IMPLICIT_PUSHA:
		add(d, out, stack_pointer(d, 4, 8 * size), 8 * size, VK_WRITE);
		break;
	case VK_IMPLICIT_POP:
		add(d, out, stack_pointer(d, 4, 0), size, VK_READ);
		break;
	case VK_IMPLICIT_POPA:
		add(d, out, stack_pointer(d, 4, 0), 8 * size, VK_READ);
		break;
	default: /* LEAVE */
		add(d, out, stack_pointer(d, 5, 0), size, VK_READ);
	}
}

static void add_implicit(struct decoder *d, struct vk_operands *out)
{
	const struct kvm_segment *source = d->override != NULL ? d->override : &d->s->ds;
	const struct kvm_segment *es = &d->s->es;
	uint64_t address;

	switch (d->is.implicit) {
	case 0:
		break;
	case VK_IMPLICIT_SI:
		add_index(d, out, 6, source, VK_READ);
		break;
	case VK_IMPLICIT_DI_W:
		add_index(d, out, 7, es, VK_WRITE);
		break;
	case VK_IMPLICIT_DI_R:
		add_index(d, out, 7, es, VK_READ);
		break;
	case VK_IMPLICIT_MOVS:
		add_index(d, out, 6, source, VK_READ);
		add_index(d, out, 7, es, VK_WRITE);
		break;
	case VK_IMPLICIT_CMPS:
		add_index(d, out, 6, source, VK_READ);
		add_index(d, out, 7, es, VK_READ);
		break;
	case VK_IMPLICIT_OFFS:
		address = cut_address(d, (uint64_t)displacement(d, d->address));
		add(d, out, in_segment(d, source, address), size_of(d), d->is.access);
		break;
	case VK_IMPLICIT_XLAT:
		address = cut_address(d, gpr(d, 3) + (uint8_t)gpr(d, 0));
		add(d, out, in_segment(d, source, address), 1, VK_READ);
		break;
	default:
		add_stack(d, out);
	}
}

static uint32_t mode_of(const struct kvm_sregs *s)
{
	if ((s->efer & EFER_LMA) != 0 && s->cs.l)
		return 64;
	return s->cs.db ? 32 : 16;
}

/* The row of the opcode, once all that chooses it was read. */
static void look_up(struct decoder *d)
{
	uint32_t peek = d->at < d->count ? d->code[d->at] : 0;

	d->key.is_long = d->mode == 64;
	d->key.reg = peek >> 3 & 7u;
	if (kvm_opcode(&d->key, &d->is) != 0) {
		/* Register forms that no table has touch no memory. */
		d->cut = d->at == d->count;
		d->bad = peek < 0xc0;
		return;
	}
	if (!d->is.modrm)
		return;
	next(d);
	d->mod = peek >> 6;
	d->reg = peek >> 3 & 7u;
	d->rm = peek & 7u;
}

int kvm_operands(const struct kvm_run *run, const uint8_t *code, uint32_t count,
		 struct vk_operands *out)
{
	struct decoder d = { .code = code, .count = count, .vector = 16 };
	uint32_t pops_first;

	d.s = &run->s.regs.sregs;
	d.regs = &run->s.regs;
	d.mode = mode_of(d.s);
	d.address = d.mode / 8;
	out->count = 0;
	out->cut = 0;
	opcode(&d);
	if (!d.cut)
		look_up(&d);
	/* POP to memory reads the stack first, all others their operand. */
	pops_first = d.is.implicit == VK_IMPLICIT_POP;
	if (!d.cut && !d.bad && pops_first)
		add_implicit(&d, out);
	if (!d.cut && !d.bad && d.is.modrm)
		add_modrm(&d, out);
	if (!d.cut && !d.bad && !pops_first)
		add_implicit(&d, out);
	if (d.is.implicit != VK_IMPLICIT_OFFS)
		displacement(&d, immediate_bytes(&d));
	out->cut = d.cut;
	if (d.cut || d.bad)
		out->count = 0;
	return d.cut || d.bad ? -1 : 0;
}
