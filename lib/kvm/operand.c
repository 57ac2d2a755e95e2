/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the memory operand of an instruction lies (SDM vol. 2A, ch. 2).
 *
 * KVM tells no address when it gives up on an instruction that it cannot emulate: SSE and x87
 * arithmetic, AVX, IRET. Whether a denied page was the cause can only be found out by looking.
 */
#include "kvm_private.h"

#define EFER_LMA (1ull << 10)

struct decoder {
	const uint8_t *code;
	uint32_t count, at;
	uint32_t bad; /* 1: ran out of bytes, or a form that is not known here */
	uint32_t is_long, address_32, is_evex;
	uint32_t rex_x, rex_b; /* 0 or 8 */
	uint32_t map, opcode;
	const struct kvm_segment *override;
	const struct kvm_sregs *s;
	const struct kvm_sync_regs *regs;
};

static uint8_t next(struct decoder *d)
{
	if (d->at == d->count) {
		d->bad = 1;
		return 0;
	}
	return d->code[d->at++];
}

static int64_t displacement(struct decoder *d, uint32_t bytes)
{
	uint32_t value = 0;

	for (uint32_t i = 0; i < bytes; i++)
		value |= (uint32_t)next(d) << 8 * i;
	return bytes == 1 ? (int8_t)value : (int32_t)value;
}

/* 1: `b` is a prefix and was taken. */
static int prefix(struct decoder *d, uint8_t b)
{
	switch (b) {
	case 0x26:
		d->override = &d->s->es;
		return 1;
	case 0x2e:
		d->override = &d->s->cs;
		return 1;
	case 0x36:
		d->override = &d->s->ss;
		return 1;
	case 0x3e:
		d->override = &d->s->ds;
		return 1;
	case 0x64:
		d->override = &d->s->fs;
		return 1;
	case 0x65:
		d->override = &d->s->gs;
		return 1;
	case 0x67:
		d->address_32 = d->is_long;
		d->bad |= !d->is_long; /* 16-bit addressing */
		return 1;
	case 0x66:
	case 0xf0:
	case 0xf2:
	case 0xf3:
		return 1;
	default:
		return 0;
	}
}

/* VEX and EVEX (SDM vol. 2A, 2.3.5, 2.7.1): X and B are inverted, the map comes with them. */
static void vex(struct decoder *d, uint8_t b)
{
	uint8_t p = next(d);

	d->map = 1;
	if (b == 0xc5) {
		d->opcode = next(d);
		return;
	}
	d->rex_x = d->is_long && !(p & 0x40) ? 8 : 0;
	d->rex_b = d->is_long && !(p & 0x20) ? 8 : 0;
	d->map = p & (b == 0x62 ? 0x07 : 0x1f);
	d->is_evex = b == 0x62;
	next(d);
	if (d->is_evex)
		next(d);
	d->opcode = next(d);
}

static void opcode(struct decoder *d)
{
	uint8_t b = next(d);

	while (!d->bad && prefix(d, b))
		b = next(d);
	if (d->is_long && (b & 0xf0) == 0x40) {
		d->rex_x = (b & 2) ? 8 : 0;
		d->rex_b = (b & 1) ? 8 : 0;
		b = next(d);
	}
	/* Outside of 64-bit mode these are LES, LDS and BOUND unless a register form follows. */
	if ((b == 0xc4 || b == 0xc5 || b == 0x62) && d->at < d->count &&
	    (d->is_long || d->code[d->at] >= 0xc0)) {
		vex(d, b);
		return;
	}
	d->opcode = b;
	if (b != 0x0f)
		return;
	d->map = 1;
	d->opcode = next(d);
	if (d->opcode == 0x38 || d->opcode == 0x3a) {
		d->map = d->opcode == 0x38 ? 2 : 3;
		d->opcode = next(d);
	}
}

/* Of the one-byte opcodes KVM knows nearly all: what is left are those of the x87. */
static int has_modrm(const struct decoder *d)
{
	if (d->map == 0)
		return d->opcode >= 0xd8 && d->opcode <= 0xdf;
	if (d->map == 1)
		return !(d->opcode <= 0x0b && d->opcode >= 0x05) && d->opcode != 0x0e &&
		       (d->opcode & 0xf8) != 0x30 && d->opcode != 0x77 &&
		       (d->opcode & 0xf0) != 0x80 && (d->opcode & 0xf8) != 0xc8;
	return d->map <= 3;
}

/* Bytes behind the operand: they count for RIP-relative addresses. */
static uint32_t immediate_bytes(const struct decoder *d)
{
	if (d->map == 3)
		return 1;
	if (d->map != 1)
		return 0;
	switch (d->opcode) {
	case 0x70:
	case 0x71:
	case 0x72:
	case 0x73:
	case 0xa4:
	case 0xac:
	case 0xba:
	case 0xc2:
	case 0xc4:
	case 0xc5:
	case 0xc6:
		return 1;
	default:
		return 0;
	}
}

/* Base and index of a SIB byte (SDM vol. 2A, table 2-3). */
static uint64_t sib(struct decoder *d, uint32_t mod, const struct kvm_segment **segment)
{
	uint8_t b = next(d);
	uint32_t index = (b >> 3 & 7u) | d->rex_x, base = b & 7u;
	uint64_t address = 0;

	if (index != 4)
		address = kvm_gpr(d->regs, index) << (b >> 6);
	if (base == 5 && mod == 0)
		return address + (uint64_t)displacement(d, 4);
	if (base == 4 || (base == 5 && !d->rex_b))
		*segment = &d->s->ss;
	return address + kvm_gpr(d->regs, base | d->rex_b);
}

static uint64_t modrm(struct decoder *d, const struct kvm_segment **segment)
{
	uint8_t b = next(d);
	uint32_t mod = b >> 6, rm = b & 7u;
	uint64_t address;
	int64_t relative;

	d->bad |= mod == 3;
	if (rm == 4) {
		address = sib(d, mod, segment);
	} else if (rm == 5 && mod == 0) {
		relative = displacement(d, 4);
		if (!d->is_long)
			return (uint64_t)relative;
		return (uint64_t)relative + d->regs->regs.rip + d->at + immediate_bytes(d);
	} else {
		if (rm == 5 && !d->rex_b)
			*segment = &d->s->ss;
		address = kvm_gpr(d->regs, rm | d->rex_b);
	}
	/* EVEX scales a short displacement by a factor that depends on the opcode. */
	d->bad |= mod == 1 && d->is_evex;
	if (mod == 1 || mod == 2)
		address += (uint64_t)displacement(d, mod == 1 ? 1 : 4);
	return address;
}

int kvm_operand_linear(const struct kvm_run *run, const uint8_t *code, uint32_t count,
		       uint64_t *linear)
{
	struct decoder d = {
		.code = code, .count = count, .s = &run->s.regs.sregs, .regs = &run->s.regs
	};
	const struct kvm_segment *segment = &d.s->ds;
	uint64_t address;

	d.is_long = (d.s->efer & EFER_LMA) != 0 && d.s->cs.l;
	d.address_32 = !d.is_long;
	d.bad = !d.is_long && !d.s->cs.db; /* 16-bit code */
	opcode(&d);
	if (d.map == 0 && d.opcode == 0xcf) {
		segment = &d.s->ss;
		address = kvm_gpr(d.regs, 4); /* IRET reads the stack. */
		d.override = NULL;
	} else {
		if (!has_modrm(&d))
			return -1;
		address = modrm(&d, &segment);
	}
	if (d.bad)
		return -1;
	if (d.override != NULL)
		segment = d.override;
	if (d.address_32)
		address = (uint32_t)address;
	if (d.is_long && segment != &d.s->fs && segment != &d.s->gs)
		*linear = address;
	else
		*linear = d.is_long ? segment->base + address : (uint32_t)(segment->base + address);
	return 0;
}
