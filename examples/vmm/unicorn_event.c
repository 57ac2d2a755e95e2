/* SPDX-License-Identifier: BSD-3-Clause */
/* Exceptions of the guest: libunicorn tells of them, but does not enter their handlers. */
#include <string.h>

#include "unicorn_machine.h"

#define VECTOR_DF 8u
#define VECTOR_GP 13u
#define VECTOR_PF 14u

#define GATE_SIZE      16u
#define GATE_INTERRUPT 0xeu
#define GATE_TRAP      0xfu
#define GATE_PRESENT   0x80u
#define TSS_RSP0       4u
#define TSS_IST1       36u
#define ATTR_CODE64    0xa09bu
#define ATTR_NULL_SS   0u
#define RFLAGS_TF      0x100u
#define RFLAGS_IF      0x200u
#define RFLAGS_NT      0x4000u
#define RFLAGS_RF      0x10000u

/* SDM vol. 3A 6.14.1: a gate of 64-bit mode. */
struct gate {
	uint64_t offset;
	uint16_t selector;
	uint8_t ist;
	uint8_t attributes;
};

static int fail_with(struct uni_cpu *c, uint8_t vector, uint32_t error)
{
	c->exit.kind = UNI_EXIT_EXCEPTION;
	c->exit.event = (struct vsm_exception){ .vector = vector,
						.has_error_code = 1,
						.error_code = error };
	return -1;
}

static int read_gate(struct uni_cpu *c, uint8_t vector, int soft, struct gate *g)
{
	uint32_t error = vector * 8u + 2 + !soft;
	uint8_t raw[GATE_SIZE];
	uc_x86_mmr idtr;

	uc_reg_read(c->uc, UC_X86_REG_IDTR, &idtr);
	if (vector * GATE_SIZE + GATE_SIZE - 1 > idtr.limit)
		return fail_with(c, VECTOR_GP, error);
	if (uni_system_access(c, idtr.base + vector * GATE_SIZE, raw, sizeof(raw), 0) < 0)
		return -1;
	g->offset = (uint64_t)raw[0] | (uint64_t)raw[1] << 8 | (uint64_t)raw[6] << 16 |
		    (uint64_t)raw[7] << 24 | (uint64_t)raw[8] << 32 | (uint64_t)raw[9] << 40 |
		    (uint64_t)raw[10] << 48 | (uint64_t)raw[11] << 56;
	g->selector = (uint16_t)(raw[2] | raw[3] << 8);
	g->ist = raw[4] & 7;
	g->attributes = raw[5];
	if (!(g->attributes & GATE_PRESENT))
		return fail_with(c, 11, error);
	if (((g->attributes & 0x1f) != GATE_INTERRUPT && (g->attributes & 0x1f) != GATE_TRAP) ||
	    (soft && (uint32_t)(g->attributes >> 5 & 3) < uni_cpl(c)))
		return fail_with(c, VECTOR_GP, error);
	return 0;
}

/* The handler's code segment: 64-bit code for CPL 0, which is all that handlers here may be. */
static int check_code(struct uni_cpu *c, uint16_t selector)
{
	uint64_t descriptor;
	uc_x86_mmr gdtr;

	uc_reg_read(c->uc, UC_X86_REG_GDTR, &gdtr);
	if ((selector & 0xfffc) == 0 || (selector & 4) || (selector | 7u) > gdtr.limit)
		return fail_with(c, VECTOR_GP, selector & 0xfffcu);
	if (uni_system_access(c, gdtr.base + (selector & 0xfff8u), &descriptor, 8, 0) < 0)
		return -1;
	/* P, S, code, L; DPL 0. */
	if ((descriptor >> 40 & 0xf8) != 0x98 || !(descriptor >> 53 & 1))
		return fail_with(c, VECTOR_GP, selector & 0xfffcu);
	return 0;
}

static int find_stack(struct uni_cpu *c, const struct gate *g, uint64_t *rsp)
{
	uint32_t offset = g->ist ? TSS_IST1 + (g->ist - 1u) * 8 : TSS_RSP0;
	uc_x86_mmr tr;

	*rsp = uni_reg(c, UC_X86_REG_RSP);
	if (!g->ist && uni_cpl(c) == 0)
		return 0;
	uc_reg_read(c->uc, UC_X86_REG_TR, &tr);
	if (offset + 7 > tr.limit)
		return fail_with(c, 10, tr.selector & 0xfffcu);
	return uni_system_access(c, tr.base + offset, rsp, 8, 0);
}

static int enter(struct uni_cpu *c, const struct gate *g, uint64_t rsp)
{
	struct hv_segment_register cs = { 0, 0xffffffff, (uint16_t)(g->selector & 0xfffc),
					  ATTR_CODE64 };
	struct hv_segment_register ss = { 0, 0, 0, ATTR_NULL_SS };
	uint64_t clear = RFLAGS_TF | RFLAGS_NT | RFLAGS_RF;

	if ((g->attributes & 0x1f) == GATE_INTERRUPT)
		clear |= RFLAGS_IF;
	/* SDM vol. 3A 6.14.4: from CPL 3, SS becomes null; from CPL 0 it stays. */
	if ((uni_cpl(c) == 3 && uni_segment_set(c, UNI_SEG_SS, &ss) < 0) ||
	    uni_segment_set(c, UNI_SEG_CS, &cs) < 0) {
		c->exit.kind = UNI_EXIT_HOST;
		c->exit.text = "its segments cannot be set";
		return -1;
	}
	uni_reg_put(c, UC_X86_REG_RSP, rsp);
	uni_reg_put(c, UC_X86_REG_RIP, g->offset);
	uni_reg_put(c, UC_X86_REG_RFLAGS, uni_reg(c, UC_X86_REG_RFLAGS) & ~clear);
	return 0;
}

static int try_raise(struct uni_cpu *c, const struct vsm_exception *event, uint64_t rip, int soft)
{
	uint64_t frame[6], rsp;
	struct gate g;
	uint32_t n = 0;

	if (read_gate(c, event->vector, soft, &g) < 0 || check_code(c, g.selector) < 0 ||
	    find_stack(c, &g, &rsp) < 0)
		return -1;
	if (event->has_error_code)
		frame[n++] = event->error_code;
	frame[n++] = rip;
	frame[n++] = uni_reg(c, UC_X86_REG_CS);
	frame[n++] = uni_reg(c, UC_X86_REG_RFLAGS);
	frame[n++] = uni_reg(c, UC_X86_REG_RSP);
	frame[n++] = uni_reg(c, UC_X86_REG_SS);
	rsp = (rsp & ~(uint64_t)15) - n * 8;
	if (uni_system_access(c, rsp, frame, n * 8, 1) < 0)
		return -1;
	if (event->vector == VECTOR_PF && event->has_parameter)
		uni_reg_put(c, UC_X86_REG_CR2, event->parameter);
	return enter(c, &g, rsp);
}

/* SDM vol. 3A, table 6-5: which pairs become a double fault. */
static int is_contributory(uint8_t vector)
{
	return vector == 0 || (vector >= 10 && vector <= 13);
}

static int makes_double(uint8_t first, uint8_t second)
{
	return (is_contributory(first) && is_contributory(second)) ||
	       (first == VECTOR_PF && (second == VECTOR_PF || is_contributory(second)));
}

int uni_event_raise(struct uni_cpu *c, const struct vsm_exception *event, uint64_t rip, int soft)
{
	struct vsm_exception now = *event;

	for (;;) {
		if (try_raise(c, &now, rip, soft) == 0)
			return 0;
		if (c->exit.kind != UNI_EXIT_EXCEPTION)
			return -1;
		if (now.vector == VECTOR_DF) {
			c->exit.kind = UNI_EXIT_SHUTDOWN;
			return -1;
		}
		if (makes_double(now.vector, c->exit.event.vector))
			now = (struct vsm_exception){ .vector = VECTOR_DF, .has_error_code = 1 };
		else
			now = c->exit.event;
		soft = 0;
	}
}
