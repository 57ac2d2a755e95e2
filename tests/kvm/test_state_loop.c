/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two VTLs on plain KVM by vsm/kvm_state.h alone: once with one vCPU (swapped), once with two
 * (replicated). The guest halts where a VTL call or return would be.
 */
#include "plain.h"

#define ROUNDS	    64u
#define SEEN_GPA    0x500000u /* What each VTL sees, 64 bytes for each. */
#define XMM_IN	    0x500800u
#define XMM_OUT	    0x500900u
#define FS_GPA(v)   (0x501000u + 0x1000u * (v))
#define RSP_OF(v)   (STACK_GPA - 0x1000u * (v))
#define LSTAR_OF(v) (0x7000u + (v))

#define LE32(x) (uint8_t)(x), (uint8_t)((x) >> 8), (uint8_t)((x) >> 16), (uint8_t)((x) >> 24)

static const struct vsm_register_limits limits = { .size = sizeof(limits),
						   .cr4_mask = UINT64_MAX,
						   .efer_mask = UINT64_MAX,
						   .phys_bits = 52 };

/* What a VTL stores at SEEN_GPA. */
struct seen {
	uint64_t rsp;
	uint64_t fs; /* %fs:0 */
	uint32_t lstar;
	uint32_t reserved;
	uint64_t cr8;
};

static struct seen *seen(struct plain *p, uint32_t vtl)
{
	return (void *)kt_at(&p->t, SEEN_GPA + 64 * vtl);
}

static uint64_t code_of(uint32_t vtl)
{
	return vtl == 0 ? CODE_GPA : CODE1_GPA;
}

/* Count in RBX, show what is private, let XMM0 cross from VTL0 to VTL1, halt, again. */
static void write_code(struct plain *p, uint32_t vtl)
{
	uint32_t at = SEEN_GPA + 64 * vtl;
	const uint8_t code[] = {
		0x48, 0xff, 0xc3, /* inc %rbx */
		0x48, 0x89, 0x24, 0x25, LE32(at), /* mov %rsp,at */
		0x64, 0x48, 0x8b, 0x04, 0x25, LE32(0), /* mov %fs:0,%rax */
		0x48, 0x89, 0x04, 0x25, LE32(at + 8), /* mov %rax,at+8 */
		0xb9, LE32(0xc0000082u), 0x0f, 0x32, /* mov $LSTAR,%ecx; rdmsr */
		0x89, 0x04, 0x25, LE32(at + 16), /* mov %eax,at+16 */
		0x44, 0x0f, 0x20, 0xc0, /* mov %cr8,%rax */
		0x48, 0x89, 0x04, 0x25, LE32(at + 24), /* mov %rax,at+24 */
		/* movdqu XMM_IN,%xmm0 or movdqu %xmm0,XMM_OUT */
		0xf3, 0x0f, vtl == 0 ? 0x6f : 0x7f, 0x04, 0x25, LE32(vtl == 0 ? XMM_IN : XMM_OUT),
		0xf4, /* hlt */
		0xe9, LE32(-69u), /* jmp to the start */
	};

	_Static_assert(sizeof(code) == 69, "the jump goes to the start");
	memcpy(p->t.ram + code_of(vtl), code, sizeof(code));
	*kt_at(&p->t, FS_GPA(vtl)) = 0xf0f0f000u + vtl;
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

/* How a VTL starts, made of what the vCPU has: 64-bit mode, and what is its own. */
static void context(struct vsm_private_state *s, uint32_t vtl)
{
	struct hv_register_value data = kt_segment(KERNEL_SS, ATTR_DATA), fs = data;

	fs.low = FS_GPA(vtl);
	put(s, HV_X64_REGISTER_CS, kt_segment(KERNEL_CS, ATTR_CODE));
	put(s, HV_X64_REGISTER_SS, data);
	put(s, HV_X64_REGISTER_DS, data);
	put(s, HV_X64_REGISTER_ES, data);
	put(s, HV_X64_REGISTER_GS, data);
	put(s, HV_X64_REGISTER_FS, fs);
	put(s, HV_X64_REGISTER_TR, kt_segment(TSS_SEL, ATTR_TSS));
	put(s, HV_X64_REGISTER_LDTR, kt_segment(0, ATTR_LDT));
	put(s, HV_X64_REGISTER_GDTR, kt_table(GDT_GPA, 0x7f));
	put(s, HV_X64_REGISTER_IDTR, kt_table(IDT_GPA, 0x1ff));
	put_low(s, HV_X64_REGISTER_CR0, 0x80050033);
	put_low(s, HV_X64_REGISTER_CR3, TABLES_GPA);
	put_low(s, HV_X64_REGISTER_CR4, 0x620);
	put_low(s, HV_X64_REGISTER_EFER, 0xd01);
	put_low(s, HV_X64_REGISTER_RIP, code_of(vtl));
	put_low(s, HV_X64_REGISTER_RSP, RSP_OF(vtl));
	put_low(s, HV_X64_REGISTER_RFLAGS, 2);
	put_low(s, HV_X64_REGISTER_CR8, 3 + vtl);
	put_low(s, HV_X64_REGISTER_LSTAR, LSTAR_OF(vtl));
	put_low(s, HV_X64_REGISTER_DR7, 0x400);
}

static void run_to_halt(struct plain *p, int i)
{
	int r;

	do {
		r = raw(p->fd[i], KVM_RUN, NULL);
	} while (r != 0 && errno == EINTR);
	ck_assert_int_eq(r, 0);
	ck_assert_msg(p->run[i]->exit_reason == KVM_EXIT_HLT, "exit %u", p->run[i]->exit_reason);
}

static struct plain *start(void)
{
	struct plain *p = plain_new();

	write_code(p, 0);
	write_code(p, 1);
	return p;
}

/* After a VTL has run for the n-th time. */
static void assert_seen(struct plain *p, int i, uint32_t vtl, uint32_t n)
{
	const struct seen *s = seen(p, vtl);

	ck_assert_uint_eq(s->rsp, RSP_OF(vtl));
	ck_assert_uint_eq(s->fs, 0xf0f0f000u + vtl);
	ck_assert_uint_eq(s->lstar, LSTAR_OF(vtl));
	ck_assert_uint_eq(s->cr8, 3 + vtl);
	/* One counter for both. */
	ck_assert_uint_eq(p->run[i]->s.regs.regs.rbx, 2 * n + vtl + 1);
	ck_assert_uint_eq(p->run[i]->s.regs.regs.rip, code_of(vtl) + 64);
	if (vtl == 1)
		ck_assert_mem_eq(p->t.ram + XMM_OUT, p->t.ram + XMM_IN, 16);
	memset(seen(p, vtl), 0, sizeof(*s));
}

/* Something new for XMM0 in each round. */
static void new_input(struct plain *p, uint32_t n)
{
	for (uint32_t i = 0; i < 16; i++)
		p->t.ram[XMM_IN + i] = (uint8_t)(n * 17 + i + 1);
}

START_TEST(one_vcpu_for_both)
{
	struct plain *p = start();
	struct vsm_private_state state[2];
	uint32_t vtl = 0, ioctls = 0;

	for (uint32_t v = 0; v < 2; v++) {
		assert_err(vsm_private_state_init(&state[v], 0), 0);
		assert_err(vsm_kvm_private_save(p->fd[0], p->run[0], &state[v]), 0);
		context(&state[v], v);
	}
	assert_err(vsm_kvm_private_load(p->fd[0], p->run[0], &state[0]), 0);
	p->run[0]->s.regs.regs.rbx = 0;
	for (uint32_t i = 0; i < 2 * ROUNDS; i++) {
		if (vtl == 0)
			new_input(p, i);
		run_to_halt(p, 0);
		assert_seen(p, 0, vtl, i / 2);
		plain_count_start();
		assert_err(vsm_kvm_private_exchange(p->fd[0], p->run[0], &state[vtl], &state[!vtl]),
			   0);
		ioctls += plain_calls.all;
		vtl = !vtl;
	}
	/* LSTAR differs: MSRs and debug registers are looked at, MSRs are set. */
	printf("# %u switches, %u ioctls\n", 2 * ROUNDS, ioctls);
	ck_assert_uint_eq(plain_calls_of(KVM_SET_MSRS), 1);
	ck_assert_uint_eq(ioctls, 2 * ROUNDS * plain_calls.all);
	ck_assert_uint_le(plain_calls.all, plain_calls_of(KVM_GET_MSRS) + 2);
	plain_free(p);
}
END_TEST

START_TEST(a_vcpu_for_each)
{
	struct plain *p = start();
	struct vsm_kvm_vcpu vcpu[2];
	uint32_t vtl = 0, ioctls = 0;

	for (uint32_t v = 0; v < 2; v++) {
		struct vsm_private_state s;

		vcpu[v] = (struct vsm_kvm_vcpu){ .size = sizeof(vcpu[v]),
						 .fd = p->fd[v],
						 .run = p->run[v] };
		assert_err(vsm_private_state_init(&s, 0), 0);
		assert_err(vsm_kvm_private_save(p->fd[v], p->run[v], &s), 0);
		context(&s, v);
		assert_err(vsm_kvm_private_load(p->fd[v], p->run[v], &s), 0);
	}
	p->run[0]->s.regs.regs.rbx = 0;
	for (uint32_t i = 0; i < 2 * ROUNDS; i++) {
		if (vtl == 0)
			new_input(p, i);
		run_to_halt(p, (int)vtl);
		assert_seen(p, (int)vtl, vtl, i / 2);
		plain_count_start();
		assert_err(vsm_kvm_shared_copy(&vcpu[vtl], &vcpu[!vtl], VSM_KVM_CARRY_FPU), 0);
		ioctls += plain_calls.all;
		vtl = !vtl;
	}
	printf("# %u switches, %u ioctls\n", 2 * ROUNDS, ioctls);
	ck_assert_uint_eq(ioctls, 2 * 2 * ROUNDS);
	plain_free(p);
}
END_TEST

/* An exception that VTL0 was about to take waits until it runs again. */
START_TEST(an_event_waits_for_its_vtl)
{
	struct plain *p = start();
	struct vsm_private_state state[2];

	for (uint32_t v = 0; v < 2; v++) {
		assert_err(vsm_private_state_init(&state[v], 0), 0);
		assert_err(vsm_kvm_private_save(p->fd[0], p->run[0], &state[v]), 0);
		context(&state[v], v);
	}
	/* #GP(0x18) */
	put_low(&state[0], HV_REGISTER_PENDING_INTERRUPTION, 0x18000d0017);
	assert_err(vsm_kvm_private_load(p->fd[0], p->run[0], &state[0]), 0);
	assert_err(vsm_private_state_init(&state[0], 0), 0);
	assert_err(vsm_kvm_private_exchange(p->fd[0], p->run[0], &state[0], &state[1]), 0);
	run_to_halt(p, 0);
	ck_assert_uint_eq(seen(p, 1)->rsp, RSP_OF(1));
	assert_err(vsm_kvm_private_exchange(p->fd[0], p->run[0], &state[1], &state[0]), 0);
	ck_assert_int_eq(raw(p->fd[0], KVM_RUN, NULL), 0);
	ck_assert_uint_eq(p->run[0]->exit_reason, KVM_EXIT_IO);
	ck_assert_uint_eq(p->run[0]->io.port, STOP_PORT);
	ck_assert_uint_eq(p->run[0]->s.regs.regs.rbp, 13);
	ck_assert_uint_eq(*kt_at(&p->t, p->run[0]->s.regs.regs.rsp), 0x18);
	ck_assert_uint_eq(seen(p, 0)->rsp, 0);
	plain_free(p);
}
END_TEST

/* Both VTLs at their start; VTL0 is on the vCPU, with interrupts on. */
static struct plain *start_both(struct vsm_private_state state[2])
{
	struct plain *p = start();

	for (uint32_t v = 0; v < 2; v++) {
		assert_err(vsm_private_state_init(&state[v], 0), 0);
		assert_err(vsm_kvm_private_save(p->fd[0], p->run[0], &state[v]), 0);
		context(&state[v], v);
	}
	put_low(&state[0], HV_X64_REGISTER_RFLAGS, 0x202);
	assert_err(vsm_kvm_private_load(p->fd[0], p->run[0], &state[0]), 0);
	plain_flush(p, 0);
	return p;
}

/* An INT n whose delivery was stopped is in KVM, which does not show it: VTL0 executes it again,
 * and VTL1 must not get it. INT 0 looks like nothing at all. */
START_TEST(an_event_that_is_not_shown_goes_nowhere)
{
	static const struct {
		uint8_t is_exception, nr;
	} vectors[] = { { 0, 0 }, { 0, 20 }, { 1, 3 }, { 1, 4 } };

	for (uint32_t i = 0; i < VSMTEST_COUNT(vectors); i++) {
		struct vsm_private_state state[2];
		struct plain *p = start_both(state);
		struct kvm_vcpu_events e;

		ck_assert_int_eq(raw(p->fd[0], KVM_GET_VCPU_EVENTS, &e), 0);
		if (vectors[i].is_exception) {
			e.exception.injected = 1;
			e.exception.nr = vectors[i].nr;
		} else {
			e.interrupt.injected = 1;
			e.interrupt.soft = 1;
			e.interrupt.nr = vectors[i].nr;
		}
		ck_assert_int_eq(raw(p->fd[0], KVM_SET_VCPU_EVENTS, &e), 0);
		assert_err(vsm_kvm_sync_regs(p->fd[0], p->run[0]), 0);
		ck_assert_uint_eq(p->run[0]->s.regs.events.interrupt.injected, 0);
		ck_assert_uint_eq(p->run[0]->s.regs.events.exception.injected, 0);
		assert_err(vsm_kvm_private_exchange(p->fd[0], p->run[0], &state[0], &state[1]), 0);
		run_to_halt(p, 0);
		ck_assert_uint_eq(seen(p, 1)->rsp, RSP_OF(1));
		assert_err(vsm_kvm_private_exchange(p->fd[0], p->run[0], &state[1], &state[0]), 0);
		run_to_halt(p, 0);
		ck_assert_uint_eq(seen(p, 0)->rsp, RSP_OF(0));
		plain_free(p);
	}
}
END_TEST

#define VECTOR 20u

static void interrupt(struct plain *p)
{
	struct kvm_interrupt irq = { VECTOR };

	ck_assert_int_eq(raw(p->fd[0], KVM_INTERRUPT, &irq), 0);
}

/* The VTL that runs gets it, and stops in the handler. */
static void takes_the_interrupt(struct plain *p)
{
	ck_assert_int_eq(raw(p->fd[0], KVM_RUN, NULL), 0);
	ck_assert_uint_eq(p->run[0]->exit_reason, KVM_EXIT_IO);
	ck_assert_uint_eq(p->run[0]->s.regs.regs.rbp, VECTOR);
}

/* What kvm_run says of interrupts after a switch is not what VTL0 left: a VMM that believed it gave
 * VTL1 an interrupt with IF off. Those of VTL0 are KVM's until it has run or is asked. */
START_TEST(an_interrupt_goes_to_the_vtl_that_takes_it)
{
	struct vsm_private_state state[2];
	struct plain *p = start_both(state);
	struct kvm_run *run = p->run[0];

	run_to_halt(p, 0);
	ck_assert_uint_eq(run->if_flag, 1);
	ck_assert_uint_eq(run->ready_for_interrupt_injection, 1);
	interrupt(p);
	assert_err(vsm_kvm_sync_regs(p->fd[0], run), 0);
	assert_err(vsm_kvm_private_exchange(p->fd[0], run, &state[0], &state[1]), 0);
	ck_assert_uint_eq(run->if_flag, 0);
	ck_assert_uint_eq(run->ready_for_interrupt_injection, 0);
	run_to_halt(p, 0);
	ck_assert_uint_eq(seen(p, 1)->rsp, RSP_OF(1));
	assert_err(vsm_kvm_private_exchange(p->fd[0], run, &state[1], &state[0]), 0);
	ck_assert_uint_eq(run->if_flag, 1);
	ck_assert_uint_eq(run->ready_for_interrupt_injection, 0);
	ck_assert_uint_eq(run->apic_base, run->s.regs.sregs.apic_base);
	takes_the_interrupt(p);
	plain_free(p);
}
END_TEST

/* KVM_RUN says what is true of the new VTL, also one that executes nothing. */
START_TEST(kvm_run_tells_when_the_new_vtl_takes_interrupts)
{
	struct vsm_private_state state[2];
	struct plain *p = start_both(state);
	struct kvm_run *run = p->run[0];

	run_to_halt(p, 0);
	put_low(&state[1], HV_X64_REGISTER_RFLAGS, 0x202);
	assert_err(vsm_kvm_private_exchange(p->fd[0], run, &state[0], &state[1]), 0);
	ck_assert_uint_eq(run->ready_for_interrupt_injection, 0);
	plain_flush(p, 0);
	ck_assert_uint_eq(run->if_flag, 1);
	ck_assert_uint_eq(run->ready_for_interrupt_injection, 1);
	interrupt(p);
	takes_the_interrupt(p);
	ck_assert_uint_eq(*kt_at(&p->t, run->s.regs.regs.rsp), CODE1_GPA);
	plain_free(p);
}
END_TEST

/* One that the VMM has taken out of kvm_run, as vsm_kvm_private_save() tells it to, does not stay
 * in KVM for the next VTL. */
START_TEST(an_nmi_that_was_taken_away_stays_away)
{
	struct vsm_private_state state[2], out;
	struct plain *p = start_both(state);
	struct kvm_vcpu_events *shown = &p->run[0]->s.regs.events, e;

	put_low(&state[0], HV_REGISTER_INTERRUPT_STATE, 2); /* NMIs masked: it stays pending. */
	assert_err(vsm_kvm_private_load(p->fd[0], p->run[0], &state[0]), 0);
	plain_flush(p, 0);
	ck_assert_int_eq(raw(p->fd[0], KVM_NMI, NULL), 0);
	plain_flush(p, 0);
	ck_assert_uint_eq(shown->nmi.pending, 1);
	out = state[0];
	assert_err(vsm_kvm_private_exchange(p->fd[0], p->run[0], &out, &state[1]), -VSM_ERR_NOSUP);
	shown->nmi.pending = 0;
	p->run[0]->kvm_dirty_regs |= KVM_SYNC_X86_EVENTS;
	assert_err(vsm_kvm_private_exchange(p->fd[0], p->run[0], &out, &state[1]), 0);
	plain_flush(p, 0);
	ck_assert_int_eq(raw(p->fd[0], KVM_GET_VCPU_EVENTS, &e), 0);
	ck_assert_uint_eq(e.nmi.pending, 0);
	ck_assert_uint_eq(e.nmi.masked, 0);
	/* A later load takes no more than that. */
	ck_assert_int_eq(raw(p->fd[0], KVM_NMI, NULL), 0);
	assert_err(vsm_kvm_private_load(p->fd[0], p->run[0], &state[0]), 0);
	plain_flush(p, 0);
	ck_assert_int_eq(raw(p->fd[0], KVM_GET_VCPU_EVENTS, &e), 0);
	ck_assert_uint_eq(e.nmi.pending, 1);
	plain_free(p);
}
END_TEST

/* PENDING_INTERRUPTION names one: the others would be lost. */
START_TEST(two_events_at_once_stop_a_switch)
{
	struct vsm_private_state state[2], s;
	struct plain *p = start_both(state);
	struct kvm_vcpu_events *e = &p->run[0]->s.regs.events;

	for (uint32_t i = 0; i < 8; i++) {
		int err = (i & (i - 1)) != 0 ? -VSM_ERR_NOSUP : 0;

		memset(&e->exception, 0, sizeof(e->exception));
		e->exception.nr = 14;
		e->exception.injected = i & 1;
		e->nmi.injected = i >> 1 & 1;
		e->interrupt.injected = i >> 2 & 1;
		e->interrupt.nr = 0x30;
		s = state[0];
		assert_err(vsm_kvm_private_save(p->fd[0], p->run[0], &s), err);
		assert_err(vsm_kvm_private_load(p->fd[0], p->run[0], &state[1]), err);
	}
	plain_free(p);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(one_vcpu_for_both),
	VSMTEST_CASE(a_vcpu_for_each),
	VSMTEST_CASE(an_event_waits_for_its_vtl),
	VSMTEST_CASE(an_event_that_is_not_shown_goes_nowhere),
	VSMTEST_CASE(an_interrupt_goes_to_the_vtl_that_takes_it),
	VSMTEST_CASE(an_nmi_that_was_taken_away_stays_away),
	VSMTEST_CASE(two_events_at_once_stop_a_switch),
	VSMTEST_CASE(kvm_run_tells_when_the_new_vtl_takes_interrupts),
};

int main(void)
{
	return kt_main("kvm_state_loop", cases, VSMTEST_COUNT(cases));
}
