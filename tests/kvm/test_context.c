/* SPDX-License-Identifier: BSD-3-Clause */
/* Contexts of EnableVpVtl and StartVirtualProcessor: what the library takes KVM takes as well, so
 * that a guest is told at the call. */
#include "kvmtest_view.h"
#include "random.h"

#include <signal.h>
#include <time.h>

/* ---- random contexts ---- */

static uint64_t seed;

static uint64_t random64(void)
{
	return random_next(&seed) * 0x2545f4914f6cdd1dull;
}

static uint32_t below(uint32_t n)
{
	return (uint32_t)(random64() >> 33) % n;
}

/* A value near the one that is there, or one of those at which rules begin and end. */
static uint64_t another(uint64_t value)
{
	static const uint64_t edges[] = {
		0,
		1,
		2,
		0xfff,
		0x1000,
		0xffffffff,
		1ull << 32,
		1ull << 40,
		1ull << 47,
		1ull << 52,
		0x7fffffffffffull,
		~0ull << 47,
		~0ull << 48,
		~0ull,
	};

	switch (below(4)) {
	case 0:
		return edges[below(VSMTEST_COUNT(edges))];
	case 1:
		return random64() >> below(64);
	case 2:
		return value ^ 1ull << below(64) ^ 1ull << below(64);
	default:
		return value ^ 1ull << below(64);
	}
}

static void change_segment(struct hv_segment_register *s)
{
	switch (below(5)) {
	case 0:
		s->base = another(s->base);
		break;
	case 1:
		s->limit = (uint32_t)another(s->limit);
		break;
	case 2:
		s->selector = (uint16_t)another(s->selector);
		break;
	case 3:
		s->attributes = (uint16_t)(s->attributes ^ 1u << below(16));
		break;
	default:
		s->attributes = (uint16_t)(another(s->attributes) & 0xf0ff);
	}
}

static void change_table(struct hv_table_register *t)
{
	if (below(2))
		t->base = another(t->base);
	else
		t->limit = (uint16_t)another(t->limit);
}

static void change(struct hv_initial_vp_context *c)
{
	struct hv_segment_register *segments[] = { &c->cs, &c->ds, &c->es, &c->fs,
						   &c->gs, &c->ss, &c->tr, &c->ldtr };
	uint64_t *values[] = { &c->rip, &c->rsp, &c->rflags, &c->efer,
			       &c->cr0, &c->cr3, &c->cr4,    &c->msr_cr_pat };
	uint64_t *value = values[below(VSMTEST_COUNT(values))];

	switch (below(4)) {
	case 0:
		change_segment(segments[below(VSMTEST_COUNT(segments))]);
		break;
	case 1:
		change_table(below(2) ? &c->gdtr : &c->idtr);
		break;
	default:
		*value = another(*value);
	}
}

/* 64-bit code, or 32-bit code without paging, with two levels of tables, with PAE, in long mode. */
static void good(struct hv_initial_vp_context *c)
{
	uint32_t mode = below(6);

	kt_context(c);
	c->cr3 = TABLES_GPA + (below(2) ? 0 : below(16) * 4096ull);
	if (mode < 2)
		return;
	c->cs.attributes = 0xc09b;
	c->rsp = STACK_GPA;
	if (mode == 2)
		return;
	c->efer &= ~0x500ull;
	c->cr0 &= mode == 3 ? ~0x80000000ull : ~0ull;
	c->cr4 &= mode == 4 ? ~0x20ull : ~0ull;
}

/* ---- both opinions ---- */

static struct vsm_register_limits limits_of(struct kt *t)
{
	struct vsm_register_limits limits = { .size = sizeof(limits) };
	struct vsm_config config;

	vsm_config_init(&config);
	assert_err(vsm_kvm_config(t->k, &config), 0);
	limits.cr4_mask = config.cr4_mask;
	limits.efer_mask = config.efer_mask;
	limits.phys_bits = config.phys_bits;
	return limits;
}

#define REG(id, member)                                                               \
	{                                                                             \
		HV_X64_REGISTER_##id, offsetof(struct hv_initial_vp_context, member), \
			sizeof(((struct hv_initial_vp_context *)0)->member)           \
	}

static const struct {
	uint32_t name;
	size_t offset, size;
} fields[] = {
	REG(RIP, rip),	 REG(RSP, rsp),	  REG(RFLAGS, rflags),	REG(CS, cs),	 REG(DS, ds),
	REG(ES, es),	 REG(FS, fs),	  REG(GS, gs),		REG(SS, ss),	 REG(TR, tr),
	REG(LDTR, ldtr), REG(IDTR, idtr), REG(GDTR, gdtr),	REG(EFER, efer), REG(CR0, cr0),
	REG(CR3, cr3),	 REG(CR4, cr4),	  REG(PAT, msr_cr_pat),
};

/* As the library loads it, in one batch. */
static int load(struct kt *t, const struct hv_initial_vp_context *c)
{
	struct vsm_reg regs[VSMTEST_COUNT(fields)];

	memset(regs, 0, sizeof(regs));
	for (uint32_t i = 0; i < VSMTEST_COUNT(fields); i++) {
		regs[i].name = fields[i].name;
		memcpy(&regs[i].value, (const uint8_t *)c + fields[i].offset, fields[i].size);
	}
	return kvm_op_regs_set(t->vp, 1, 0, regs, VSMTEST_COUNT(fields));
}

static void show(const struct hv_initial_vp_context *c)
{
	printf("# rip %llx rsp %llx rflags %llx efer %llx cr0 %llx cr3 %llx cr4 %llx pat %llx\n",
	       (unsigned long long)c->rip, (unsigned long long)c->rsp,
	       (unsigned long long)c->rflags, (unsigned long long)c->efer,
	       (unsigned long long)c->cr0, (unsigned long long)c->cr3, (unsigned long long)c->cr4,
	       (unsigned long long)c->msr_cr_pat);
	for (const struct hv_segment_register *s = &c->cs; s <= &c->ldtr; s++)
		printf("# %llx %x %x %x\n", (unsigned long long)s->base, s->limit, s->selector,
		       s->attributes);
	fflush(stdout);
}

/* A good context with up to four changes. */
static void draw(struct hv_initial_vp_context *c)
{
	good(c);
	for (uint32_t n = below(5); n > 0; n--)
		change(c);
}

START_TEST(what_is_taken_is_loaded)
{
	uint32_t rounds = kv_rounds(200000, "random contexts");
	uint32_t taken = 0, failed = 0, refused_by_both = 0;
	struct kt *t = kt_new(NULL);
	struct vsm_register_limits limits = limits_of(t);

	seed = 0x9e3779b97f4a7c15ull;
	for (uint32_t i = 0; i < rounds; i++) {
		struct hv_initial_vp_context c;
		int legal, loads;

		draw(&c);
		legal = vsm_context_check(&limits, &c) == 1;
		loads = load(t, &c) == 0;
		taken += (uint32_t)legal;
		refused_by_both += !legal && !loads;
		if (legal && !loads && failed++ < 20)
			show(&c);
	}
	printf("# %u of them were taken, %u refused by KVM as well\n", taken, refused_by_both);
	ck_assert_uint_eq(failed, 0);
	/* The test is none if KVM has no opinion, or if there was nothing to have one of. */
	ck_assert_uint_ge(taken, rounds / 10);
	ck_assert_uint_ge(refused_by_both, rounds / 100);
	kt_free(t);
}
END_TEST

/* ---- by hypercall, and into the VTL ---- */

static atomic_int kicking;

/* Random code may run for ever. */
static void *kicks(void *arg)
{
	const struct timespec ms = { 0, 1000000 };
	const pthread_t *thread = arg;

	while (atomic_load(&kicking)) {
		nanosleep(&ms, NULL);
		pthread_kill(*thread, SIGUSR1);
	}
	return NULL;
}

/* Into it and on for a moment: whatever it does is the VMM's to deal with, but no error. */
static void enter(struct kt *t, const struct hv_initial_vp_context *c)
{
	uint32_t kicked = 0;

	kt_set(t, 0, HV_X64_REGISTER_RAX, 0);
	kt_set(t, 0, HV_X64_REGISTER_RCX, HVCALL_VTL_CALL);
	KT_CODE(t, 0, 0xe6, 0x7e, 0x90, STOP);
	do {
		int r = vsm_kvm_run(t->vp, &t->exit);

		if (r != 0)
			show(c);
		ck_assert_msg(r == 0, "vsm_kvm_run: %s; last log line: %s", vsm_strerror(r),
			      t->line);
		kicked += t->exit.vtl == 1;
	} while (t->exit.kind == VSM_KVM_EXIT_INTR && kicked < 2);
	ck_assert_uint_eq(t->exit.vtl, 1);
}

START_TEST(no_context_ends_a_vp)
{
	uint32_t rounds = kv_rounds(500, "machines with a random context"), entered = 0;
	pthread_t self = pthread_self(), kicker;
	struct vsm_kvm_options o;
	sigset_t usr1;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &usr1, NULL);
	vsm_kvm_options_init(&o);
	o.kick_signal = SIGUSR1;
	atomic_store(&kicking, 1);
	ck_assert_int_eq(pthread_create(&kicker, NULL, kicks, &self), 0);
	seed = 0xd1342543de82ef95ull;
	for (uint32_t i = 0; i < rounds; i++) {
		struct kt *t = kt_new(&o);
		struct vsm_register_limits limits = limits_of(t);
		struct hv_initial_vp_context c;
		uint64_t status;

		draw(&c);
		status = kt_enable_vtl1_with(t, &c);
		ck_assert_uint_eq(status, vsm_context_check(&limits, &c) == 1 ?
						  0 :
						  HV_STATUS_INVALID_REGISTER_VALUE);
		if (status == 0)
			enter(t, &c);
		entered += status == 0;
		kt_free(t);
	}
	atomic_store(&kicking, 0);
	pthread_join(kicker, NULL);
	printf("# %u of them were entered\n", entered);
	ck_assert_uint_ge(entered, rounds / 10);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(what_is_taken_is_loaded),
	VSMTEST_CASE(no_context_ends_a_vp),
};

int main(void)
{
	return kt_main("kvm_context", cases, VSMTEST_COUNT(cases));
}
