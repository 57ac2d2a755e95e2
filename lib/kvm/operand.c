/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the memory operands of an instruction lie (SDM vol. 2A, ch. 2).
 *
 * KVM tells no address when it gives up on an instruction that it cannot emulate, nor when the page
 * tables of this process stopped the guest. Which denied page was the cause, and what was to be
 * done to it, can only be found out by looking.
 */
#include "operand.h"

#include "kvm_private.h"

#define EFER_LMA (1ull << 10)

#define REX_W 8u

static uint8_t next(struct vk_decoder *d)
{
	if (d->at == d->count) {
		d->cut = 1;
		return 0;
	}
	return d->code[d->at++];
}

static int64_t displacement(struct vk_decoder *d, uint32_t bytes)
{
	uint64_t value = 0;

	for (uint32_t i = 0; i < bytes; i++)
		value |= (uint64_t)next(d) << 8 * i;
	if (bytes == 0 || bytes == 8)
		return (int64_t)value;
	return (int64_t)(value << (64 - 8 * bytes)) >> (64 - 8 * bytes);
}

static const struct kvm_segment *segment_prefix(const struct vk_decoder *d, uint8_t b)
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
static int prefix(struct vk_decoder *d, uint8_t b)
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

/* What EVEX has more than VEX (SDM vol. 2A, 2.7.1). */
static void evex(struct vk_decoder *d, uint8_t first, uint8_t second)
{
	uint8_t third = next(d);

	/* Bits that are fixed, but not with APX. */
	d->bad = (first & 0x08) != 0 || (second & 0x04) == 0;
	d->key.is_evex = 1;
	d->key.map = first & 7u;
	d->vector = 16u << (third >> 5 & 3);
	d->broadcast = third >> 4 & 1u;
	d->high = d->mode == 64 && !(third & 0x08) ? 16 : 0;
	d->opmask = third & 7u;
}

/* VEX and EVEX (SDM vol. 2A, 2.3.5): R, X, B and vvvv are inverted, the map comes with them. */
static void vex(struct vk_decoder *d, uint8_t b)
{
	static const uint32_t pp[] = { 0, 0x66, 0xf3, 0xf2 };
	uint8_t p = next(d), last = p;

	d->key.map = 1;
	d->key.is_vex = 1;
	d->rex_r = d->mode == 64 && !(p & 0x80) ? 8 : 0;
	if (b != 0xc5) {
		d->rex_x = d->mode == 64 && !(p & 0x40) ? 8 : 0;
		d->rex_b = d->mode == 64 && !(p & 0x20) ? 8 : 0;
		d->key.map = p & 0x1f;
		last = next(d);
		d->wide = last & 0x80;
	}
	d->vvvv = ~(uint32_t)last >> 3 & (d->mode == 64 ? 15u : 7u);
	d->key.pp = pp[last & 3];
	d->vector = (last & 4) ? 32 : 16;
	if (b == 0x62)
		evex(d, p, last);
	d->key.opcode = next(d);
}

static void opcode(struct vk_decoder *d)
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
	/* POP with another ModR/M.reg than 0 is XOP (AMD64 Architecture Programmer's Manual vol. 3,
	 * 1.1.4). */
	d->bad = b == 0x8f && d->at < d->count && (d->code[d->at] & 0x38) != 0;
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

static uint32_t operand_bytes(const struct vk_decoder *d)
{
	if (d->wide)
		return 8;
	return (d->mode == 16) != d->operand_16 ? 2 : 4;
}

static uint32_t stack_bytes(const struct vk_decoder *d)
{
	if (d->mode == 64)
		return d->operand_16 ? 2 : 8;
	return operand_bytes(d);
}

uint32_t kvm_operand_bytes(const struct vk_decoder *d, uint32_t size)
{
	switch (size) {
	case VK_SIZE_V:
		return operand_bytes(d);
	case VK_SIZE_STACK:
		return stack_bytes(d);
	case VK_SIZE_VEX:
		return d->vector;
	case VK_SIZE_V2:
		return d->vector / 2;
	case VK_SIZE_V4:
		return d->vector / 4;
	case VK_SIZE_V8:
		return d->vector / 8;
	case VK_SIZE_DUP:
		return d->vector == 16 ? 8 : d->vector;
	case VK_SIZE_Y:
		return d->wide ? 8 : 4;
	case VK_SIZE_GPR:
		return d->wide && d->mode == 64 ? 8 : 4;
	case VK_SIZE_B:
		return d->wide ? 2 : 1;
	case VK_SIZE_PAIR:
		return d->wide ? 16 : 8;
	case VK_SIZE_BIG:
		return 512; /* The part that all of them have. */
	default:
		return size;
	}
}

static uint32_t immediate_bytes(const struct vk_decoder *d)
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

static uint64_t gpr(const struct vk_decoder *d, uint32_t number)
{
	return kvm_gpr(d->regs, number);
}

static uint64_t cut_address(const struct vk_decoder *d, uint64_t address)
{
	if (d->address == 8)
		return address;
	return d->address == 4 ? (uint32_t)address : (uint16_t)address;
}

static uint64_t in_segment(const struct vk_decoder *d, const struct kvm_segment *segment,
			   uint64_t address)
{
	if (d->mode != 64)
		return (uint32_t)(segment->base + address);
	return segment == &d->s->fs || segment == &d->s->gs ? segment->base + address : address;
}

uint64_t kvm_operand_linear(const struct vk_decoder *d, const struct kvm_segment *segment,
			    uint64_t address)
{
	return in_segment(d, segment, cut_address(d, address));
}

static int is_gather(const struct vk_decoder *d)
{
	return d->is.mask == VK_MASK_GATHER;
}

/* Base and index of a SIB byte (SDM vol. 2A, table 2-3). */
static uint64_t sib(struct vk_decoder *d, const struct kvm_segment **segment)
{
	uint8_t b = next(d);
	uint32_t index = (b >> 3 & 7u) | d->rex_x, base = b & 7u;
	uint64_t address = 0;

	d->index = index | d->high;
	d->shift = b >> 6;
	if (index != 4 && !is_gather(d))
		address = gpr(d, index) << d->shift;
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
static uint64_t modrm_16(struct vk_decoder *d, const struct kvm_segment **segment)
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
	return address + (uint64_t)displacement(d, d->mod) * (d->mod == 1 ? d->unit : 1);
}

/* SDM vol. 2A, table 2-2. */
static uint64_t modrm_32(struct vk_decoder *d, const struct kvm_segment **segment)
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
	if (d->mod == 1)
		return address + (uint64_t)displacement(d, 1) * d->unit;
	return address + (uint64_t)displacement(d, d->mod == 2 ? 4 : 0);
}

/* BT, BTS, BTR and BTC with a register reach beyond the operand (SDM vol. 2A, BT). */
static uint64_t bit_offset(const struct vk_decoder *d)
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

void kvm_operand_add(const struct vk_decoder *d, struct vk_operands *out, uint64_t linear,
		     uint32_t size, uint32_t access)
{
	struct vk_operand *op = &out->op[out->count++];

	op->linear = d->mode == 64 ? linear : (uint32_t)linear;
	op->size = size;
	op->access = access;
}

/* The operand of the tables. */
static void add(struct vk_decoder *d, struct vk_operands *out, uint64_t linear, uint32_t access)
{
	if (d->is.mask != 0)
		kvm_operand_masked(d, out, linear, access);
	else
		kvm_operand_add(d, out, linear, kvm_operand_bytes(d, d->is.size), access);
}

static void add_modrm(struct vk_decoder *d, struct vk_operands *out)
{
	const struct kvm_segment *segment = &d->s->ds;
	uint64_t address;

	if (d->mod == 3)
		return;
	address = d->address == 2 ? modrm_16(d, &segment) : modrm_32(d, &segment);
	if (d->override != NULL)
		segment = d->override;
	address += bit_offset(d);
	if (is_gather(d))
		kvm_operand_gather(d, out, segment, address);
	else if (d->is.access != 0)
		add(d, out, kvm_operand_linear(d, segment, address), d->is.access);
}

static void add_index(struct vk_decoder *d, struct vk_operands *out, uint32_t number,
		      const struct kvm_segment *segment, uint32_t access)
{
	add(d, out, kvm_operand_linear(d, segment, gpr(d, number)), access);
}

static uint64_t stack_pointer(const struct vk_decoder *d, uint32_t number, uint64_t below)
{
	uint64_t sp = gpr(d, number) - below;

	if (d->mode != 64)
		sp = d->s->ss.db ? (uint32_t)sp : (uint16_t)sp;
	return in_segment(d, &d->s->ss, sp);
}

static void add_stack(const struct vk_decoder *d, struct vk_operands *out)
{
	uint32_t size = stack_bytes(d), is_far = d->key.map == 0 && d->is.size == 10;

	if (d->key.map == 0 && d->key.opcode == 0xcf)
		size = d->mode == 64 ? 5 * operand_bytes(d) : 3 * size;
	if (is_far || (d->key.map == 0 && d->key.opcode == 0x9a))
		size *= 2;
	switch (d->is.implicit) {
	case VK_IMPLICIT_PUSH:
		kvm_operand_add(d, out, stack_pointer(d, 4, size), size, VK_WRITE);
		break;
	case VK_IMPLICIT_PUSHA:
		kvm_operand_add(d, out, stack_pointer(d, 4, 8 * size), 8 * size, VK_WRITE);
		break;
	case VK_IMPLICIT_POP:
		kvm_operand_add(d, out, stack_pointer(d, 4, 0), size, VK_READ);
		break;
	case VK_IMPLICIT_POPA:
		kvm_operand_add(d, out, stack_pointer(d, 4, 0), 8 * size, VK_READ);
		break;
	default: /* LEAVE */
		kvm_operand_add(d, out, stack_pointer(d, 5, 0), size, VK_READ);
	}
}

static void add_implicit(struct vk_decoder *d, struct vk_operands *out)
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
	case VK_IMPLICIT_MASK:
		add_index(d, out, 7, source, VK_WRITE);
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
		address = (uint64_t)displacement(d, d->address);
		add(d, out, kvm_operand_linear(d, source, address), d->is.access);
		break;
	case VK_IMPLICIT_XLAT:
		address = gpr(d, 3) + (uint8_t)gpr(d, 0);
		add(d, out, kvm_operand_linear(d, source, address), VK_READ);
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
static void look_up(struct vk_decoder *d)
{
	uint32_t peek = d->at < d->count ? d->code[d->at] : 0;

	d->key.is_long = d->mode == 64;
	d->key.wide = d->wide;
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
	/* VSIB (SDM vol. 2A, 2.3.12). */
	d->bad |= is_gather(d) && (d->mod == 3 || d->rm != 4 || d->address == 2);
	if (d->key.is_evex && d->mod != 3)
		kvm_operand_evex(d);
}

int kvm_operands(const struct kvm_run *run, const struct vk_vectors *vectors, const uint8_t *code,
		 uint32_t count, struct vk_operands *out)
{
	struct vk_decoder d = { .code = code, .count = count, .vector = 16, .unit = 1 };
	uint32_t pops_first;

	d.s = &run->s.regs.sregs;
	d.regs = &run->s.regs;
	d.vectors = vectors;
	d.mode = mode_of(d.s);
	d.address = d.mode / 8;
	out->count = 0;
	out->cut = 0;
	out->wants_vectors = 0;
	opcode(&d);
	if (!d.cut && !d.bad)
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
