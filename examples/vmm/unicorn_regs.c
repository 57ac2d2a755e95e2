/* SPDX-License-Identifier: BSD-3-Clause */
/* Registers of the machine on libunicorn, by HV name. */
#include <string.h>

#include "unicorn_machine.h"

#define MSR_KERNEL_GS_BASE 0xc0000102u
#define EFER_LMA_LME	   0x500u
#define CR0_PE_PG	   0x80000001u
#define CR4_PAE		   0x20u
#define STORED		   (-1)
#define ENGINE_MSR	   (-2)
#define ENGINE_EFER	   (-3)

/* 64-bit registers. `where`: the name that libunicorn has for it, or who else keeps it. */
struct reg {
	uint32_t name;
	int where;
	uint32_t index; /* STORED: in uni_cpu.stored; ENGINE_MSR: the MSR */
};

static const struct reg table[] = {
	{ HV_X64_REGISTER_RAX, UC_X86_REG_RAX, 0 },
	{ HV_X64_REGISTER_RCX, UC_X86_REG_RCX, 0 },
	{ HV_X64_REGISTER_RDX, UC_X86_REG_RDX, 0 },
	{ HV_X64_REGISTER_RBX, UC_X86_REG_RBX, 0 },
	{ HV_X64_REGISTER_RSP, UC_X86_REG_RSP, 0 },
	{ HV_X64_REGISTER_RBP, UC_X86_REG_RBP, 0 },
	{ HV_X64_REGISTER_RSI, UC_X86_REG_RSI, 0 },
	{ HV_X64_REGISTER_RDI, UC_X86_REG_RDI, 0 },
	{ HV_X64_REGISTER_R8, UC_X86_REG_R8, 0 },
	{ HV_X64_REGISTER_R9, UC_X86_REG_R9, 0 },
	{ HV_X64_REGISTER_R10, UC_X86_REG_R10, 0 },
	{ HV_X64_REGISTER_R11, UC_X86_REG_R11, 0 },
	{ HV_X64_REGISTER_R12, UC_X86_REG_R12, 0 },
	{ HV_X64_REGISTER_R13, UC_X86_REG_R13, 0 },
	{ HV_X64_REGISTER_R14, UC_X86_REG_R14, 0 },
	{ HV_X64_REGISTER_R15, UC_X86_REG_R15, 0 },
	{ HV_X64_REGISTER_RIP, UC_X86_REG_RIP, 0 },
	{ HV_X64_REGISTER_RFLAGS, UC_X86_REG_RFLAGS, 0 },
	{ HV_X64_REGISTER_CR0, UC_X86_REG_CR0, 0 },
	{ HV_X64_REGISTER_CR2, UC_X86_REG_CR2, 0 },
	{ HV_X64_REGISTER_CR3, UC_X86_REG_CR3, 0 },
	{ HV_X64_REGISTER_CR4, UC_X86_REG_CR4, 0 },
	{ HV_X64_REGISTER_CR8, STORED, 0 },
	{ HV_X64_REGISTER_DR0, UC_X86_REG_DR0, 0 },
	{ HV_X64_REGISTER_DR1, UC_X86_REG_DR1, 0 },
	{ HV_X64_REGISTER_DR2, UC_X86_REG_DR2, 0 },
	{ HV_X64_REGISTER_DR3, UC_X86_REG_DR3, 0 },
	{ HV_X64_REGISTER_DR6, UC_X86_REG_DR6, 0 },
	{ HV_X64_REGISTER_DR7, UC_X86_REG_DR7, 0 },
	{ HV_X64_REGISTER_EFER, ENGINE_EFER, 0 },
	{ HV_X64_REGISTER_KERNEL_GS_BASE, ENGINE_MSR, MSR_KERNEL_GS_BASE },
	{ HV_X64_REGISTER_APIC_BASE, STORED, 1 },
	{ HV_X64_REGISTER_PAT, STORED, 2 },
	{ HV_X64_REGISTER_SYSENTER_CS, STORED, 3 },
	{ HV_X64_REGISTER_SYSENTER_EIP, STORED, 4 },
	{ HV_X64_REGISTER_SYSENTER_ESP, STORED, 5 },
	{ HV_X64_REGISTER_STAR, STORED, 6 },
	{ HV_X64_REGISTER_LSTAR, STORED, 7 },
	{ HV_X64_REGISTER_CSTAR, STORED, 8 },
	{ HV_X64_REGISTER_SFMASK, STORED, 9 },
	{ HV_X64_REGISTER_TSC_AUX, STORED, 10 },
};

static const struct {
	uint32_t name;
	uint32_t index;
} segments[] = {
	{ HV_X64_REGISTER_ES, UNI_SEG_ES }, { HV_X64_REGISTER_CS, UNI_SEG_CS },
	{ HV_X64_REGISTER_SS, UNI_SEG_SS }, { HV_X64_REGISTER_DS, UNI_SEG_DS },
	{ HV_X64_REGISTER_FS, UNI_SEG_FS }, { HV_X64_REGISTER_GS, UNI_SEG_GS },
};

static const struct reg *find(uint32_t name)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].name == name)
			return &table[i];
	}
	return NULL;
}

/* What would leave 64-bit mode, which libunicorn cannot. */
static int is_possible(uint32_t name, uint64_t value)
{
	switch (name) {
	case HV_X64_REGISTER_CR0:
		return (value & CR0_PE_PG) == CR0_PE_PG;
	case HV_X64_REGISTER_CR4:
		return (value & CR4_PAE) != 0;
	case HV_X64_REGISTER_EFER:
		return (value & EFER_LMA_LME) == EFER_LMA_LME;
	default:
		return 1;
	}
}

static int access_msr(struct uni_cpu *c, uint32_t msr, uint64_t *value, int is_write)
{
	uc_x86_msr m = { .rid = msr, .value = *value };
	uc_err err = is_write ? uc_reg_write(c->uc, UC_X86_REG_MSR, &m) :
				uc_reg_read(c->uc, UC_X86_REG_MSR, &m);

	*value = m.value;
	return err == UC_ERR_OK ? 0 : -VSM_ERR_HOST;
}

static int access_reg(struct uni_cpu *c, const struct reg *r, uint64_t *value, int is_write)
{
	if (is_write && !is_possible(r->name, *value))
		return -VSM_ERR_INVAL;
	if (r->where == ENGINE_MSR)
		return access_msr(c, r->index, value, is_write);
	if (r->where == ENGINE_EFER) {
		if (is_write)
			return uni_efer_set(c, *value) < 0 ? -VSM_ERR_HOST : 0;
		*value = uni_efer_get(c);
	} else if (r->where == STORED) {
		if (is_write)
			c->stored[r->index] = *value;
		else
			*value = c->stored[r->index];
	} else if (is_write) {
		uni_reg_put(c, r->where, *value);
	} else {
		*value = uni_reg(c, r->where);
	}
	return 0;
}

int uni_reg_by_name(struct uni_cpu *c, uint32_t name, uint64_t *value, int is_write)
{
	const struct reg *r = find(name);

	return r ? access_reg(c, r, value, is_write) : -VSM_ERR_NOTFOUND;
}

/* TR and LDTR have a name of their own in libunicorn; flags are as in a descriptor. */
static int access_system_segment(struct uni_cpu *c, int reg, struct hv_segment_register *s,
				 int is_write)
{
	uc_x86_mmr mmr = { .selector = s->selector,
			   .base = s->base,
			   .limit = s->limit,
			   .flags = (uint32_t)(s->attributes & 0xf0ff) << 8 };
	uc_err err = is_write ? uc_reg_write(c->uc, reg, &mmr) : uc_reg_read(c->uc, reg, &mmr);

	s->selector = mmr.selector;
	s->base = mmr.base;
	s->limit = mmr.limit;
	s->attributes = (uint16_t)(mmr.flags >> 8 & 0xf0ff);
	return err == UC_ERR_OK ? 0 : -VSM_ERR_HOST;
}

static int access_segment(struct uni_cpu *c, struct vsm_reg *r, int is_write)
{
	struct hv_segment_register s;
	int ret = -VSM_ERR_NOTFOUND;

	memcpy(&s, &r->value, sizeof(s));
	if (r->name == HV_X64_REGISTER_TR || r->name == HV_X64_REGISTER_LDTR)
		ret = access_system_segment(
			c, r->name == HV_X64_REGISTER_TR ? UC_X86_REG_TR : UC_X86_REG_LDTR, &s,
			is_write);
	for (size_t i = 0; i < sizeof(segments) / sizeof(segments[0]); i++) {
		if (segments[i].name != r->name)
			continue;
		ret = is_write ? uni_segment_set(c, segments[i].index, &s) :
				 uni_segment_get(c, segments[i].index, &s);
		ret = ret < 0 ? -VSM_ERR_INVAL : 0;
	}
	if (ret == 0 && !is_write)
		memcpy(&r->value, &s, sizeof(s));
	return ret;
}

static int access_table(struct uni_cpu *c, struct vsm_reg *r, int is_write)
{
	int reg = r->name == HV_X64_REGISTER_GDTR ? UC_X86_REG_GDTR : UC_X86_REG_IDTR;
	struct hv_table_register t;
	uc_x86_mmr mmr = { 0 };

	if (r->name != HV_X64_REGISTER_GDTR && r->name != HV_X64_REGISTER_IDTR)
		return -VSM_ERR_NOTFOUND;
	memcpy(&t, &r->value, sizeof(t));
	mmr.base = t.base;
	mmr.limit = t.limit;
	if (is_write)
		return uc_reg_write(c->uc, reg, &mmr) == UC_ERR_OK ? 0 : -VSM_ERR_HOST;
	if (uc_reg_read(c->uc, reg, &mmr) != UC_ERR_OK)
		return -VSM_ERR_HOST;
	memset(&t, 0, sizeof(t));
	t.base = mmr.base;
	t.limit = (uint16_t)mmr.limit;
	memcpy(&r->value, &t, sizeof(t));
	return 0;
}

/* ST(i) is the i-th register from the top of the stack. */
static int fp_reg(struct uni_cpu *c, uint32_t i)
{
	uint32_t top = (uint32_t)uni_reg(c, UC_X86_REG_FPSW) >> 11 & 7;

	return UC_X86_REG_FP0 + (int)((top + i) & 7);
}

static uint8_t short_tags(uint16_t tags)
{
	uint8_t s = 0;

	for (uint32_t i = 0; i < 8; i++)
		s |= (uint8_t)(((tags >> 2 * i & 3) != 3) << i);
	return s;
}

static uint16_t long_tags(uint8_t s)
{
	uint16_t tags = 0;

	for (uint32_t i = 0; i < 8; i++)
		tags |= (uint16_t)((s >> i & 1 ? 0u : 3u) << 2 * i);
	return tags;
}

/* TLFS 7.8.2: control, status, tag (8 bits), opcode; the pointers are not kept here. */
static void access_fp_control(struct uni_cpu *c, struct hv_register_value *v, int is_write)
{
	if (is_write) {
		uni_reg_put(c, UC_X86_REG_FPCW, v->low & 0xffff);
		uni_reg_put(c, UC_X86_REG_FPSW, v->low >> 16 & 0xffff);
		uni_reg_put(c, UC_X86_REG_FPTAG, long_tags((uint8_t)(v->low >> 32)));
		return;
	}
	v->low = (uni_reg(c, UC_X86_REG_FPCW) & 0xffff) |
		 (uni_reg(c, UC_X86_REG_FPSW) & 0xffff) << 16 |
		 (uint64_t)short_tags((uint16_t)uni_reg(c, UC_X86_REG_FPTAG)) << 32;
	v->high = 0;
}

static int access_vector(struct uni_cpu *c, struct vsm_reg *r, int is_write)
{
	uint32_t i = r->name - HV_X64_REGISTER_XMM0;

	if (r->name == HV_X64_REGISTER_FP_CONTROL_STATUS) {
		access_fp_control(c, &r->value, is_write);
	} else if (r->name == HV_X64_REGISTER_XMM_CONTROL_STATUS) {
		if (is_write)
			uni_reg_put(c, UC_X86_REG_MXCSR, r->value.high & 0xffff);
		else
			r->value =
				(struct hv_register_value){ .high = uni_reg(c, UC_X86_REG_MXCSR) |
								    0xffffull << 32 };
	} else if (i < 24) {
		int reg = i < 16 ? UC_X86_REG_XMM0 + (int)i : fp_reg(c, i - 16);

		if (!is_write)
			memset(&r->value, 0, sizeof(r->value));
		if (is_write)
			uc_reg_write(c->uc, reg, &r->value);
		else
			uc_reg_read(c->uc, reg, &r->value);
	} else {
		return -VSM_ERR_NOTFOUND;
	}
	return 0;
}

/* Exceptions are raised at once and libunicorn does not tell of the shadow of STI. */
static int access_event(struct uni_cpu *c, struct vsm_reg *r, int is_write)
{
	if ((r->name != HV_REGISTER_INTERRUPT_STATE &&
	     r->name != HV_REGISTER_PENDING_INTERRUPTION) ||
	    is_write)
		return -VSM_ERR_NOTFOUND;
	(void)c;
	memset(&r->value, 0, sizeof(r->value));
	return 0;
}

static int access_one(struct uni_cpu *c, struct vsm_reg *r, int is_write)
{
	static int (*const others[])(struct uni_cpu *, struct vsm_reg *,
				     int) = { access_segment, access_table, access_vector,
					      access_event };
	const struct reg *known = find(r->name);
	int ret = -VSM_ERR_NOTFOUND;

	if (known) {
		if (!is_write)
			r->value.high = 0;
		return access_reg(c, known, &r->value.low, is_write);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]) && ret == -VSM_ERR_NOTFOUND; i++)
		ret = others[i](c, r, is_write);
	return ret;
}

int uni_regs_get(struct uni_cpu *c, struct vsm_reg *regs, uint32_t count)
{
	int r = 0;

	for (uint32_t i = 0; i < count && r == 0; i++)
		r = access_one(c, &regs[i], 0);
	return r;
}

/* Could all of them be set? The values they have now are read for that. */
static int check(struct uni_cpu *c, const struct vsm_reg *regs, uint32_t count)
{
	int r = 0;

	for (uint32_t i = 0; i < count && r == 0; i++) {
		struct vsm_reg now = regs[i];

		r = access_one(c, &now, 0);
		if (r == 0 && !is_possible(regs[i].name, regs[i].value.low))
			r = -VSM_ERR_INVAL;
		if (r == 0 && regs[i].name == HV_X64_REGISTER_CS) {
			struct hv_segment_register s;

			memcpy(&s, &regs[i].value, sizeof(s));
			r = s.attributes & 0x2000 ? 0 : -VSM_ERR_INVAL; /* L */
		}
	}
	return r;
}

int uni_regs_set(struct uni_cpu *c, const struct vsm_reg *regs, uint32_t count)
{
	int r = check(c, regs, count);

	for (uint32_t i = 0; i < count && r == 0; i++) {
		struct vsm_reg reg = regs[i];

		r = access_one(c, &reg, 1);
	}
	return r;
}

/* TLFS 15.11.2, as the register table has it, as far as this machine has the register. */
void uni_regs_list_shared(struct unicorn_machine *m)
{
	struct vsm_register_info info = { .size = sizeof(info) };
	struct uni_cpu *c = &m->vp[0].cpu[0];

	for (uint32_t i = 0; vsm_register_at(i, &info) == 0; i++) {
		struct vsm_reg r = { .name = info.name };

		if (info.scope != VSM_SCOPE_SHARED || info.owner != VSM_OWNER_HOST ||
		    info.group == 0 || (info.flags & VSM_REG_ALIAS) || access_one(c, &r, 0) != 0 ||
		    m->shared_count == UNI_SHARED_MAX)
			continue;
		m->shared[m->shared_count++] = info.name;
	}
}

void uni_regs_carry(struct uni_cpu *from, struct uni_cpu *to)
{
	struct vsm_reg control = { .name = HV_X64_REGISTER_FP_CONTROL_STATUS };

	/* First: it holds the top of the stack that ST(i) is counted from. */
	if (access_one(from, &control, 0) == 0)
		access_one(to, &control, 1);
	for (uint32_t i = 0; i < from->m->shared_count; i++) {
		struct vsm_reg r = { .name = from->m->shared[i] };

		if (access_one(from, &r, 0) == 0)
			access_one(to, &r, 1);
	}
}
