/* SPDX-License-Identifier: BSD-3-Clause */
/* Private state of a plain vCPU, register by register; KVM is asked by code of the test. */
#include "plain.h"

enum kind {
	REGS, /* uint64_t in struct kvm_regs */
	SREGS, /* uint64_t in struct kvm_sregs */
	SEGMENT,
	TABLE,
	DEBUG, /* uint64_t in struct kvm_debugregs */
	EVENT,
	MSR,
};

/* A private register and two values, each legal beside those of the other rows. */
struct row {
	uint32_t name;
	uint32_t kind;
	uint32_t at; /* Offset, or MSR */
	struct hv_register_value value[2];
};

#define WORD(a, b)                 \
	{                          \
		{ .low = (a) },    \
		{                  \
			.low = (b) \
		}                  \
	}
/* Limit, selector, attributes; base: TLFS 7.8.4 */
#define SEG(base, limit, selector, attributes)                           \
	{                                                                \
		(base), (uint64_t)(limit) | (uint64_t)(selector) << 32 | \
				(uint64_t)(attributes) << 48             \
	}
#define DT(base, limit)                         \
	{                                       \
		(uint64_t)(limit) << 48, (base) \
	}
#define AT_REGS(name)  offsetof(struct kvm_regs, name)
#define AT_SREGS(name) offsetof(struct kvm_sregs, name)
#define AT_DEBUG(name) offsetof(struct kvm_debugregs, name)

static const struct row rows[] = {
	/* #PF with an error code; an external interrupt. */
	{ HV_REGISTER_PENDING_INTERRUPTION, EVENT, 0, WORD(0x2000e0017, 0x310001) },
	{ HV_REGISTER_INTERRUPT_STATE, EVENT, 0, WORD(1, 2) },
	{ HV_X64_REGISTER_RSP, REGS, AT_REGS(rsp), WORD(0x7000, 0xffff800000007000) },
	{ HV_X64_REGISTER_RIP, REGS, AT_REGS(rip), WORD(0x1234, 0xffff800000001234) },
	{ HV_X64_REGISTER_RFLAGS, REGS, AT_REGS(rflags), WORD(0x246, 0x8d7) },
	{ HV_X64_REGISTER_CR0, SREGS, AT_SREGS(cr0), WORD(0x80050033, 0x80000033) },
	{ HV_X64_REGISTER_CR3, SREGS, AT_SREGS(cr3), WORD(TABLES_GPA, TABLES_GPA + 0x18) },
	{ HV_X64_REGISTER_CR4, SREGS, AT_SREGS(cr4), WORD(0x620, 0x6a0) },
	{ HV_X64_REGISTER_CR8, SREGS, AT_SREGS(cr8), WORD(3, 9) },
	{ HV_X64_REGISTER_DR6, DEBUG, AT_DEBUG(dr6), WORD(0xffff0ff1, 0xffff4ff0) },
	{ HV_X64_REGISTER_DR7, DEBUG, AT_DEBUG(dr7), WORD(0x400, 0x700) },
	{ HV_X64_REGISTER_ES,
	  SEGMENT,
	  AT_SREGS(es),
	  { SEG(0x1000, 0xfffff, 0x23, 0x00f3), SEG(0x2000, 0xffffffff, 0x2b, 0xc093) } },
	{ HV_X64_REGISTER_CS,
	  SEGMENT,
	  AT_SREGS(cs),
	  { SEG(0, 0xffffffff, 0x08, 0xa09b), SEG(0, 0xffffffff, 0x18, 0xb09b) } },
	{ HV_X64_REGISTER_SS,
	  SEGMENT,
	  AT_SREGS(ss),
	  { SEG(0, 0xffffffff, 0x10, 0xc093), SEG(0, 0xffffffff, 0x20, 0xd093) } },
	{ HV_X64_REGISTER_DS,
	  SEGMENT,
	  AT_SREGS(ds),
	  { SEG(0x3000, 0x1fff, 0x33, 0x0091), SEG(0x4000, 0xffffffff, 0x3b, 0xc0f7) } },
	{ HV_X64_REGISTER_FS,
	  SEGMENT,
	  AT_SREGS(fs),
	  { SEG(0xffff800000005000, 0xffffffff, 0x43, 0xc0f3),
	    SEG(0x6000, 0xffffffff, 0x4b, 0xc0f3) } },
	{ HV_X64_REGISTER_GS,
	  SEGMENT,
	  AT_SREGS(gs),
	  { SEG(0xffff800000007000, 0xffffffff, 0x53, 0xc0f3),
	    SEG(0x8000, 0xffffffff, 0x5b, 0xc0f3) } },
	{ HV_X64_REGISTER_LDTR,
	  SEGMENT,
	  AT_SREGS(ldt),
	  { SEG(0xffff800000009000, 0x7f, 0x60, 0x0082), SEG(0x9000, 0xff, 0x68, 0x0082) } },
	{ HV_X64_REGISTER_TR,
	  SEGMENT,
	  AT_SREGS(tr),
	  { SEG(TSS_GPA, 0x67, TSS_SEL, 0x008b), SEG(0xffff80000000a000, 0xfff, 0x70, 0x008b) } },
	{ HV_X64_REGISTER_IDTR,
	  TABLE,
	  AT_SREGS(idt),
	  { DT(IDT_GPA, 0x1ff), DT(0xffff80000000b000, 0xfff) } },
	{ HV_X64_REGISTER_GDTR,
	  TABLE,
	  AT_SREGS(gdt),
	  { DT(GDT_GPA, 0x7f), DT(0xffff80000000c000, 0xff) } },
	{ HV_X64_REGISTER_EFER, SREGS, AT_SREGS(efer), WORD(0xd01, 0x501) },
	{ HV_X64_REGISTER_KERNEL_GS_BASE, MSR, 0xc0000102, WORD(0xffff80000000d000, 0xd000) },
	{ HV_X64_REGISTER_APIC_BASE, SREGS, AT_SREGS(apic_base), WORD(0xfee00900, 0xfee00800) },
	{ HV_X64_REGISTER_PAT, MSR, 0x277, WORD(0x0007040600070406, 0x0007040600070404) },
	{ HV_X64_REGISTER_SYSENTER_CS, MSR, 0x174, WORD(0x8, 0x18) },
	{ HV_X64_REGISTER_SYSENTER_EIP, MSR, 0x176, WORD(0xe000, 0xffff80000000e000) },
	{ HV_X64_REGISTER_SYSENTER_ESP, MSR, 0x175, WORD(0xf000, 0xffff80000000f000) },
	{ HV_X64_REGISTER_STAR, MSR, 0xc0000081, WORD(0x0023001000000000, 0x0033000800000000) },
	{ HV_X64_REGISTER_LSTAR, MSR, 0xc0000082, WORD(0xffff800000010000, 0x10000) },
	{ HV_X64_REGISTER_CSTAR, MSR, 0xc0000083, WORD(0xffff800000011000, 0x11000) },
	{ HV_X64_REGISTER_SFMASK, MSR, 0xc0000084, WORD(0x700, 0x47700) },
	{ HV_X64_REGISTER_TSC_AUX, MSR, 0xc0000103, WORD(5, 0x1234) },
	{ HV_X64_REGISTER_BNDCFGS, MSR, 0xd90, WORD(0x1001, 0x2003) },
	{ HV_X64_REGISTER_SPEC_CTRL, MSR, 0x48, WORD(0, 1) },
	{ HV_X64_REGISTER_VIRT_SPEC_CTRL, MSR, 0xc001011f, WORD(0, 4) },
	{ HV_X64_REGISTER_XSS, MSR, 0xda0, WORD(0, 0x800) },
	{ HV_X64_REGISTER_S_CET, MSR, 0x6a2, WORD(0x1, 0x4) },
	{ HV_X64_REGISTER_INTERRUPT_SSP_TABLE_ADDR, MSR, 0x6a8, WORD(0x1000, 0x2000) },
};

#define ROWS VSMTEST_COUNT(rows)

static const struct vsm_register_limits limits = { .size = sizeof(limits),
						   .cr4_mask = UINT64_MAX,
						   .efer_mask = UINT64_MAX,
						   .phys_bits = 52 };

/* ---- a register in KVM, without the library ---- */

static void segment_look(const struct kvm_segment *s, struct hv_register_value *v)
{
	uint32_t a = s->type | s->s * 0x10u | s->dpl * 0x20u | s->present * 0x80u |
		     s->avl * 0x1000u | s->l * 0x2000u | s->db * 0x4000u | s->g * 0x8000u;

	v->low = s->base;
	v->high = s->limit | (uint64_t)s->selector << 32 | (uint64_t)a << 48;
}

static void segment_change(struct kvm_segment *s, const struct hv_register_value *v)
{
	uint64_t a = v->high >> 48;

	memset(s, 0, sizeof(*s));
	s->base = v->low;
	s->limit = (uint32_t)v->high;
	s->selector = (uint16_t)(v->high >> 32);
	s->type = a & 15;
	s->s = a >> 4 & 1;
	s->dpl = a >> 5 & 3;
	s->present = a >> 7 & 1;
	s->avl = a >> 12 & 1;
	s->l = a >> 13 & 1;
	s->db = a >> 14 & 1;
	s->g = a >> 15 & 1;
}

/* Those two of this test's values that are exceptions or external interrupts. */
static void event_look(const struct row *row, const struct kvm_vcpu_events *e,
		       struct hv_register_value *v)
{
	v->high = 0;
	v->low = 0;
	if (row->name == HV_REGISTER_INTERRUPT_STATE)
		v->low = (e->interrupt.shadow != 0 ? 1u : 0u) | e->nmi.masked * 2u;
	else if (e->exception.injected)
		v->low = (uint64_t)e->exception.error_code << 32 | e->exception.nr * 0x10000u |
			 e->exception.has_error_code * 0x10u | 7u;
	else if (e->interrupt.injected)
		v->low = e->interrupt.nr * 0x10000u | (e->interrupt.soft ? 9u : 1u);
	else if (e->nmi.injected)
		v->low = 0x20005;
}

static void event_change(const struct row *row, struct kvm_vcpu_events *e, uint64_t low)
{
	if (row->name == HV_REGISTER_INTERRUPT_STATE) {
		e->interrupt.shadow = low & 1 ? KVM_X86_SHADOW_INT_STI : 0;
		e->nmi.masked = low >> 1 & 1;
		return;
	}
	memset(&e->exception, 0, sizeof(e->exception));
	e->interrupt.injected = (low & 0xf) == 1;
	e->interrupt.nr = e->interrupt.injected ? (uint8_t)(low >> 16) : 0;
	if ((low & 0xf) != 7)
		return;
	e->exception.injected = 1;
	e->exception.nr = (uint8_t)(low >> 16);
	e->exception.has_error_code = low >> 4 & 1;
	e->exception.error_code = (uint32_t)(low >> 32);
}

struct rest {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_debugregs debug;
	struct kvm_vcpu_events events;
};

static void rest_get(int fd, struct rest *r)
{
	ck_assert_int_eq(raw(fd, KVM_GET_REGS, &r->regs), 0);
	ck_assert_int_eq(raw(fd, KVM_GET_SREGS, &r->sregs), 0);
	ck_assert_int_eq(raw(fd, KVM_GET_DEBUGREGS, &r->debug), 0);
	ck_assert_int_eq(raw(fd, KVM_GET_VCPU_EVENTS, &r->events), 0);
}

static void *place(const struct row *row, struct rest *r)
{
	uint8_t *base = row->kind == REGS  ? (uint8_t *)&r->regs :
			row->kind == DEBUG ? (uint8_t *)&r->debug :
					     (uint8_t *)&r->sregs;

	return base + row->at;
}

static struct hv_register_value look(struct plain *p, const struct row *row)
{
	struct hv_register_value v = { 0, 0 };
	struct kvm_dtable *table;
	struct rest r;

	rest_get(p->fd[0], &r);
	switch (row->kind) {
	case SEGMENT:
		segment_look(place(row, &r), &v);
		break;
	case TABLE:
		table = place(row, &r);
		v.low = (uint64_t)table->limit << 48;
		v.high = table->base;
		break;
	case EVENT:
		event_look(row, &r.events, &v);
		break;
	case MSR:
		ck_assert_int_eq(plain_msr_get(p->fd[0], row->at, (uint64_t *)&v.low), 1);
		break;
	default:
		v.low = *(uint64_t *)place(row, &r);
	}
	return v;
}

static void change(struct plain *p, const struct row *row, const struct hv_register_value *v)
{
	struct kvm_dtable *table;
	struct rest r;

	rest_get(p->fd[0], &r);
	switch (row->kind) {
	case SEGMENT:
		segment_change(place(row, &r), v);
		break;
	case TABLE:
		table = place(row, &r);
		table->limit = (uint16_t)(v->low >> 48);
		table->base = v->high;
		break;
	case EVENT:
		event_change(row, &r.events, v->low);
		break;
	case MSR:
		ck_assert_int_eq(plain_msr_set(p->fd[0], row->at, v->low), 1);
		break;
	default:
		*(uint64_t *)place(row, &r) = v->low;
	}
	memset(r.sregs.interrupt_bitmap, 0, sizeof(r.sregs.interrupt_bitmap));
	if (row->kind == REGS)
		ck_assert_int_eq(raw(p->fd[0], KVM_SET_REGS, &r.regs), 0);
	else if (row->kind == DEBUG)
		ck_assert_int_eq(raw(p->fd[0], KVM_SET_DEBUGREGS, &r.debug), 0);
	else if (row->kind == EVENT)
		ck_assert_int_eq(raw(p->fd[0], KVM_SET_VCPU_EVENTS, &r.events), 0);
	else if (row->kind != MSR)
		ck_assert_int_eq(raw(p->fd[0], KVM_SET_SREGS, &r.sregs), 0);
	assert_err(vsm_kvm_sync_regs(p->fd[0], p->run[0]), 0);
}

/* ---- objects ---- */

/* 1: KVM keeps both values of the row. */
static int is_kept(struct plain *p, const struct row *row)
{
	return row->kind != MSR || (plain_msr_keeps(p->fd[0], row->at, row->value[0].low) &&
				    plain_msr_keeps(p->fd[0], row->at, row->value[1].low));
}

static void put(struct vsm_private_state *s, uint32_t name, struct hv_register_value value)
{
	struct vsm_reg reg = { .name = name, .value = value };

	ck_assert_msg(vsm_private_state_set(s, &limits, &reg) == 0, "%s", vsm_register_name(name));
}

static void put_low(struct vsm_private_state *s, uint32_t name, uint64_t low)
{
	put(s, name, (struct hv_register_value){ low, 0 });
}

static struct hv_register_value get(const struct vsm_private_state *s, uint32_t name)
{
	struct hv_register_value v;

	assert_err(vsm_private_state_get(s, name, &v), 0);
	return v;
}

/* All rows at their first or at their second value. */
static void fill(struct plain *p, struct vsm_private_state *s, int which)
{
	assert_err(vsm_private_state_init(s, 0), 0);
	for (uint32_t i = 0; i < ROWS; i++) {
		if (is_kept(p, &rows[i]))
			put(s, rows[i].name, rows[i].value[which]);
	}
}

static int save(struct plain *p, struct vsm_private_state *s)
{
	plain_count_start();
	return vsm_kvm_private_save(p->fd[0], p->run[0], s);
}

static int load(struct plain *p, const struct vsm_private_state *s)
{
	plain_count_start();
	return vsm_kvm_private_load(p->fd[0], p->run[0], s);
}

static void assert_row(struct plain *p, uint32_t i, const struct hv_register_value *want,
		       const char *when)
{
	struct hv_register_value v = look(p, &rows[i]);

	ck_assert_msg(v.low == want->low && v.high == want->high,
		      "%s, %s: %#llx %#llx, not %#llx %#llx", vsm_register_name(rows[i].name), when,
		      (unsigned long long)v.low, (unsigned long long)v.high,
		      (unsigned long long)want->low, (unsigned long long)want->high);
}

/* A vCPU with the first values. */
static struct plain *start(struct vsm_private_state *a)
{
	struct plain *p = plain_new();

	plain_shared_fill(p, 0, 3);
	fill(p, a, 0);
	assert_err(load(p, a), 0);
	plain_flush(p, 0);
	return p;
}

/* ---- register by register ---- */

START_TEST(each_register_arrives_alone)
{
	struct vsm_private_state a, s, got;
	struct plain *p = start(&a);
	struct plain_shared before, after;
	struct plain_private v;
	uint32_t rounds = 0;

	for (uint32_t i = 0; i < ROWS; i++)
		if (is_kept(p, &rows[i]))
			assert_row(p, i, &rows[i].value[0], "all at once");
	plain_look(p, 0, &before, &v);
	for (uint32_t i = 0; i < ROWS; i++) {
		if (!is_kept(p, &rows[i]))
			continue;
		s = a;
		put(&s, rows[i].name, rows[i].value[1]);
		assert_err(load(p, &s), 0);
		plain_flush(p, 0);
		for (uint32_t j = 0; j < ROWS; j++)
			if (is_kept(p, &rows[j]))
				assert_row(p, j, &rows[j].value[i == j],
					   vsm_register_name(rows[i].name));
		assert_err(vsm_kvm_sync_regs(p->fd[0], p->run[0]), 0);
		assert_err(vsm_private_state_init(&got, 0), 0);
		assert_err(save(p, &got), 0);
		ck_assert_mem_eq(&got, &s, sizeof(s));
		plain_look(p, 0, &after, &v);
		ck_assert_mem_eq(&after, &before, sizeof(before));
		assert_err(load(p, &a), 0);
		plain_flush(p, 0);
		rounds++;
	}
	ck_assert_uint_ge(rounds, 33);
	plain_free(p);
}
END_TEST

START_TEST(each_register_is_saved)
{
	struct vsm_private_state a, s, want;
	struct plain *p = start(&a);

	for (uint32_t i = 0; i < ROWS; i++) {
		if (!is_kept(p, &rows[i]))
			continue;
		change(p, &rows[i], &rows[i].value[1]);
		want = a;
		put(&want, rows[i].name, rows[i].value[1]);
		assert_err(vsm_private_state_init(&s, 0), 0);
		assert_err(save(p, &s), 0);
		ck_assert_msg(memcmp(&s, &want, sizeof(s)) == 0, "%s",
			      vsm_register_name(rows[i].name));
		change(p, &rows[i], &rows[i].value[0]);
	}
	plain_free(p);
}
END_TEST

START_TEST(a_whole_state_comes_back)
{
	struct vsm_private_state a, b, s;
	struct plain *p = start(&a);
	struct plain_shared shared[2];
	struct plain_private first, v;

	plain_look(p, 0, &shared[0], &first);
	fill(p, &b, 1);
	assert_err(vsm_private_state_init(&s, 0), 0);
	assert_err(vsm_kvm_private_exchange(p->fd[0], p->run[0], &s, &b), 0);
	ck_assert_mem_eq(&s, &a, sizeof(a));
	plain_flush(p, 0);
	for (uint32_t i = 0; i < ROWS; i++)
		if (is_kept(p, &rows[i]))
			assert_row(p, i, &rows[i].value[1], "exchanged");
	assert_err(vsm_private_state_init(&s, 0), 0);
	assert_err(vsm_kvm_private_exchange(p->fd[0], p->run[0], &s, &a), 0);
	ck_assert_mem_eq(&s, &b, sizeof(b));
	plain_look(p, 0, &shared[1], &v);
	ck_assert_mem_eq(&shared[0], &shared[1], sizeof(shared[0]));
	ck_assert_mem_eq(&v, &first, sizeof(v));
	plain_free(p);
}
END_TEST

START_TEST(registers_of_others_stay_in_the_object)
{
	struct vsm_private_state a, s;
	struct plain *p = start(&a);

	s = a;
	put_low(&s, HV_REGISTER_SINT0, 0x55);
	put_low(&s, HV_X64_REGISTER_TSC, 0x1234);
	put_low(&s, HV_X64_REGISTER_APIC_LDR, 0x77);
	put_low(&s, HV_X64_REGISTER_TSC_ADJUST, 0x99);
	a = s;
	put_low(&s, HV_X64_REGISTER_RIP, 1);
	assert_err(save(p, &s), 0);
	ck_assert_mem_eq(&s, &a, sizeof(s));
	plain_free(p);
}
END_TEST

START_TEST(no_state_moves_the_clock)
{
	struct vsm_private_state a;
	struct plain *p = start(&a);
	uint64_t before, after, adjust;

	put_low(&a, HV_X64_REGISTER_TSC, 0x1234);
	put_low(&a, HV_X64_REGISTER_TSC_ADJUST, 0x5678);
	ck_assert_int_eq(plain_msr_get(p->fd[0], 0x10, &before), 1);
	assert_err(load(p, &a), 0);
	plain_flush(p, 0);
	ck_assert_int_eq(plain_msr_get(p->fd[0], 0x10, &after), 1);
	ck_assert_uint_gt(after, before);
	ck_assert_int_eq(plain_msr_get(p->fd[0], 0x3b, &adjust), 1);
	ck_assert_uint_eq(adjust, 0);
	plain_free(p);
}
END_TEST

START_TEST(dr6_moves_only_where_it_is_private)
{
	struct vsm_private_state a, shared;
	struct plain *p = start(&a);
	static const struct row dr6 = { HV_X64_REGISTER_DR6, DEBUG, AT_DEBUG(dr6), WORD(0, 0) };
	struct hv_register_value other = { 0xffff2ff0, 0 }, v;

	assert_err(vsm_private_state_init(&shared, VSM_PRIVATE_STATE_DR6_SHARED), 0);
	assert_err(save(p, &shared), 0);
	assert_err(vsm_private_state_get(&shared, HV_X64_REGISTER_DR6, &v), -VSM_ERR_NOTFOUND);
	change(p, &dr6, &other);
	put_low(&shared, HV_X64_REGISTER_DR7, 0x700);
	assert_err(load(p, &shared), 0);
	ck_assert_uint_eq(look(p, &dr6).low, other.low);
	assert_err(load(p, &a), 0);
	ck_assert_uint_eq(look(p, &dr6).low, 0xffff0ff1);
	assert_err(vsm_kvm_private_exchange(p->fd[0], p->run[0], &a, &shared), -VSM_ERR_INVAL);
	plain_free(p);
}
END_TEST

/* What the next KVM_RUN would take is what the vCPU has. */
START_TEST(dirty_registers_count)
{
	struct vsm_private_state a, s;
	struct plain *p = start(&a);

	p->run[0]->s.regs.regs.rip = 0x4321;
	p->run[0]->kvm_dirty_regs = KVM_SYNC_X86_REGS;
	p->run[0]->cr8 = 7;
	assert_err(vsm_private_state_init(&s, 0), 0);
	assert_err(save(p, &s), 0);
	ck_assert_uint_eq(get(&s, HV_X64_REGISTER_RIP).low, 0x4321);
	ck_assert_uint_eq(get(&s, HV_X64_REGISTER_CR8).low, 7);
	put_low(&a, HV_X64_REGISTER_RIP, 0x5678);
	assert_err(load(p, &a), 0);
	ck_assert_uint_eq(p->run[0]->kvm_dirty_regs & KVM_SYNC_X86_REGS, KVM_SYNC_X86_REGS);
	plain_flush(p, 0);
	ck_assert_uint_eq(look(p, &rows[3]).low, 0x5678);
	ck_assert_uint_eq(look(p, &rows[8]).low, 3);
	plain_free(p);
}
END_TEST

/* ---- events ---- */

static const uint64_t events[] = {
	0, /* nothing */
	0x300001, /* external interrupt 0x30 */
	0xff0001,
	0x20005, /* NMI */
	0x60007, /* #UD */
	0x000d0017, /* #GP(0) */
	0x12340000000d0017 & 0x00ff0000ffffffff, /* #GP(0x340000) */
};

/* One event at most, the one that is meant, and kvm_run says it twice where KVM has it twice. */
static void assert_event(struct plain *p, uint64_t want)
{
	const struct kvm_sync_regs *s = &p->run[0]->s.regs;
	struct hv_register_value v = look(p, &rows[0]);
	uint64_t bits[4] = { 0 };
	struct kvm_vcpu_events e;

	ck_assert_msg(v.low == want, "%#llx, not %#llx", (unsigned long long)v.low,
		      (unsigned long long)want);
	ck_assert_int_eq(raw(p->fd[0], KVM_GET_VCPU_EVENTS, &e), 0);
	ck_assert_int_eq(e.exception.injected + e.interrupt.injected + e.nmi.injected, want != 0);
	if ((want & 0xf) == 1)
		bits[want >> 22 & 3] = 1ull << (want >> 16 & 63);
	ck_assert_mem_eq(s->sregs.interrupt_bitmap, bits, sizeof(bits));
}

/* Each kind after each other. */
START_TEST(each_kind_of_event_comes_back)
{
	struct vsm_private_state a, s;
	struct plain *p = start(&a);

	s = a;
	for (uint32_t i = 0; i < VSMTEST_COUNT(events); i++) {
		for (uint32_t j = 0; j < VSMTEST_COUNT(events); j++) {
			put_low(&s, HV_REGISTER_PENDING_INTERRUPTION, events[i]);
			assert_err(load(p, &s), 0);
			plain_flush(p, 0);
			put_low(&s, HV_REGISTER_PENDING_INTERRUPTION, events[j]);
			assert_err(load(p, &s), 0);
			plain_flush(p, 0);
			assert_event(p, events[j]);
			assert_err(vsm_kvm_sync_regs(p->fd[0], p->run[0]), 0);
			assert_err(save(p, &a), 0);
			ck_assert_uint_eq(get(&a, HV_REGISTER_PENDING_INTERRUPTION).low, events[j]);
		}
	}
	plain_free(p);
}
END_TEST

static const struct {
	uint64_t value;
	int err;
} bad_events[] = {
	{ 0x300021, -VSM_ERR_NOSUP }, /* an instruction length */
	{ 0x300201, -VSM_ERR_NOSUP }, /* nested */
	{ 0x1000b, -VSM_ERR_NOSUP }, /* INT1 */
	{ 0x3000d, -VSM_ERR_NOSUP }, /* INT3 */
	{ 0x40007, -VSM_ERR_NOSUP }, /* INTO */
	{ 0x800009, -VSM_ERR_NOSUP }, /* INT 0x80 */
	{ 0x200007, -VSM_ERR_INVAL }, /* exception 0x20 */
	{ 0x20007, -VSM_ERR_INVAL }, /* exception 2 */
	{ 0x30005, -VSM_ERR_INVAL }, /* NMI of vector 3 */
	{ 0x1000001, -VSM_ERR_INVAL }, /* vector 0x100 */
};

START_TEST(events_that_kvm_cannot_deliver_are_refused)
{
	struct vsm_private_state a, s;
	struct plain *p = start(&a);
	struct plain_shared shared[2];
	struct plain_private own[2];

	plain_look(p, 0, &shared[0], &own[0]);
	for (uint32_t i = 0; i < VSMTEST_COUNT(bad_events); i++) {
		fill(p, &s, 1);
		put_low(&s, HV_REGISTER_PENDING_INTERRUPTION, bad_events[i].value);
		assert_err(load(p, &s), bad_events[i].err);
		plain_look(p, 0, &shared[1], &own[1]);
		ck_assert_mem_eq(&own[1], &own[0], sizeof(own[0]));
	}
	plain_free(p);
}
END_TEST

/* SDM vol. 3C 26.3.1.5: no blocking by STI with interrupts off. */
START_TEST(a_shadow_suits_rflags)
{
	struct vsm_private_state a;
	struct plain *p = start(&a);
	struct kvm_vcpu_events e;

	ck_assert_int_eq(raw(p->fd[0], KVM_GET_VCPU_EVENTS, &e), 0);
	ck_assert_uint_eq(e.interrupt.shadow, KVM_X86_SHADOW_INT_STI);
	put_low(&a, HV_X64_REGISTER_RFLAGS, 2);
	assert_err(load(p, &a), 0);
	plain_flush(p, 0);
	ck_assert_int_eq(raw(p->fd[0], KVM_GET_VCPU_EVENTS, &e), 0);
	ck_assert_uint_eq(e.interrupt.shadow, KVM_X86_SHADOW_INT_MOV_SS);
	plain_free(p);
}
END_TEST

/* An NMI that another thread sends after the exit is not lost by a load. */
START_TEST(a_load_leaves_a_new_nmi)
{
	struct vsm_private_state a, b;
	struct plain *p = start(&a);
	struct kvm_vcpu_events e;

	fill(p, &b, 1); /* NMIs masked: it stays pending. */
	ck_assert_int_eq(raw(p->fd[0], KVM_NMI, NULL), 0);
	assert_err(load(p, &b), 0);
	plain_flush(p, 0);
	ck_assert_int_eq(raw(p->fd[0], KVM_GET_VCPU_EVENTS, &e), 0);
	ck_assert_uint_eq(e.nmi.pending, 1);
	ck_assert_uint_eq(e.nmi.masked, 1);
	plain_free(p);
}
END_TEST

START_TEST(what_has_no_name_stops_a_switch)
{
	struct vsm_private_state a, s, old;
	struct plain *p = start(&a);
	struct kvm_vcpu_events *e;

	assert_err(vsm_kvm_sync_regs(p->fd[0], p->run[0]), 0);
	e = &p->run[0]->s.regs.events;
	assert_err(vsm_private_state_init(&s, 0), 0);
	old = s;
	for (uint32_t i = 0; i < 5; i++) {
		uint8_t *pending[] = { &e->nmi.pending, &e->smi.pending, &e->smi.smm,
				       &e->triple_fault.pending, &e->exception.pending };

		*pending[i] = 1;
		assert_err(save(p, &s), -VSM_ERR_NOSUP);
		assert_err(load(p, &a), -VSM_ERR_NOSUP);
		assert_err(vsm_kvm_private_exchange(p->fd[0], p->run[0], &s, &a), -VSM_ERR_NOSUP);
		ck_assert_mem_eq(&s, &old, sizeof(s));
		*pending[i] = 0;
		assert_err(save(p, &s), 0);
		s = old;
	}
	p->run[0]->s.regs.sregs.cr4 |= 1 << 23; /* CET */
	assert_err(save(p, &s), -VSM_ERR_NOSUP);
	plain_free(p);
}
END_TEST

/* ---- what is left out ---- */

static int is_in(uint32_t name, const uint32_t *names, int count)
{
	for (int i = 0; i < count; i++) {
		if (names[i] == name)
			return 1;
	}
	return 0;
}

static const struct row *row_of(uint32_t name)
{
	for (uint32_t i = 0; i < ROWS; i++) {
		if (rows[i].name == name)
			return &rows[i];
	}
	return NULL;
}

/* Each private register of hosts is moved, as the tests above have seen it, or is named. */
START_TEST(what_is_left_out_is_named)
{
	struct vsm_register_info info = { .size = sizeof(info) };
	struct plain *p = plain_new();
	uint32_t names[128];
	int n = vsm_kvm_private_left_out(p->fd[0], 0, names, 128), left = 0;

	ck_assert_int_gt(n, 0);
	ck_assert_int_le(n, 128);
	for (uint32_t i = 0; vsm_register_at(i, &info) == 0; i++) {
		const struct row *row = row_of(info.name);

		if (info.owner != VSM_OWNER_HOST ||
		    (info.scope != VSM_SCOPE_PRIVATE && info.scope != VSM_SCOPE_MIXED) ||
		    (info.flags & (VSM_REG_ALIAS | VSM_REG_STATELESS)) != 0) {
			ck_assert_msg(!is_in(info.name, names, n) && row == NULL, "%s", info.text);
			continue;
		}
		ck_assert_msg(is_in(info.name, names, n) == (row == NULL || !is_kept(p, row)), "%s",
			      info.text);
		left += is_in(info.name, names, n);
	}
	ck_assert_int_eq(left, n);
	for (int i = 1; i < n; i++)
		ck_assert_uint_lt(names[i - 1], names[i]);
	ck_assert(is_in(HV_X64_REGISTER_TSC, names, n));
	ck_assert(is_in(HV_X64_REGISTER_SSP, names, n));
	ck_assert(is_in(HV_X64_REGISTER_APIC_TPR, names, n));
	names[1] = 0xabcd;
	ck_assert_int_eq(vsm_kvm_private_left_out(p->fd[0], 0, names, 1), n);
	ck_assert_uint_eq(names[1], 0xabcd);
	ck_assert_int_eq(vsm_kvm_private_left_out(p->fd[0], 0, NULL, 0), n);
	plain_free(p);
}
END_TEST

/* A value that KVM has no place for is refused, and the rest of the object with it. */
START_TEST(values_that_kvm_does_not_keep_are_refused)
{
	struct vsm_private_state a, b, s;
	struct plain *p = start(&a);
	struct plain_shared shared[2];
	struct plain_private own[2];
	uint64_t unused;

	fill(p, &b, 1);
	plain_look(p, 0, &shared[0], &own[0]);
	for (uint32_t i = 0; i < ROWS; i++) {
		if (is_kept(p, &rows[i]))
			continue;
		s = b;
		put(&s, rows[i].name, rows[i].value[1]);
		/* No such MSR, or taken and lost: NOSUP. Refused by KVM: INVAL. */
		if (plain_msr_get(p->fd[0], rows[i].at, &unused) == 1 &&
		    plain_msr_set(p->fd[0], rows[i].at, rows[i].value[1].low) != 1)
			assert_err(load(p, &s), -VSM_ERR_INVAL);
		else
			assert_err(load(p, &s), -VSM_ERR_NOSUP);
		plain_look(p, 0, &shared[1], &own[1]);
		ck_assert_mem_eq(&own[1], &own[0], sizeof(own[0]));
		ck_assert_mem_eq(&shared[1], &shared[0], sizeof(shared[0]));
	}
	s = b;
	put_low(&s, HV_X64_REGISTER_SSP, 0x1000);
	assert_err(load(p, &s), -VSM_ERR_NOSUP);
	s = b;
	put_low(&s, HV_X64_REGISTER_CR4, 0x6a0 | 1 << 23);
	assert_err(load(p, &s), -VSM_ERR_NOSUP);
	plain_look(p, 0, &shared[1], &own[1]);
	ck_assert_mem_eq(&own[1], &own[0], sizeof(own[0]));
	plain_free(p);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(each_register_arrives_alone),
	VSMTEST_CASE(each_register_is_saved),
	VSMTEST_CASE(a_whole_state_comes_back),
	VSMTEST_CASE(registers_of_others_stay_in_the_object),
	VSMTEST_CASE(no_state_moves_the_clock),
	VSMTEST_CASE(dr6_moves_only_where_it_is_private),
	VSMTEST_CASE(dirty_registers_count),
	VSMTEST_CASE(each_kind_of_event_comes_back),
	VSMTEST_CASE(events_that_kvm_cannot_deliver_are_refused),
	VSMTEST_CASE(a_shadow_suits_rflags),
	VSMTEST_CASE(a_load_leaves_a_new_nmi),
	VSMTEST_CASE(what_has_no_name_stops_a_switch),
	VSMTEST_CASE(what_is_left_out_is_named),
	VSMTEST_CASE(values_that_kvm_does_not_keep_are_refused),
};

int main(void)
{
	return kt_main("kvm_private", cases, VSMTEST_COUNT(cases));
}
