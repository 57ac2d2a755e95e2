/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Overlay pages come, move and go, by MSR and by register hypercall, while another VP of VTL0
 * hammers at the protected page that they cover: it never gets one access to that page.
 */
#include "kvmtest_pair.h"
#include "kvmtest_view.h"

#define SECRET 0x5ec2e75ec2e75ec2ull
#define LEAK   0xeeu /* RBP of a VP that has read it. */
#define GP     13u

/* Where an overlay is moved to: pages of their own, from above, below what the guest uses. Each of
 * them divides the memory slot that holds the page tables of the hammering VP. */
#define FREE_LAST  0x1ff000u
#define FREE_PAGES 360u

struct hammer {
	struct pair p;
	atomic_uint denials; /* #GP: VTL1 is not enabled on VP 1, there is nobody to tell. */
	atomic_uint leaks;
	atomic_uint other; /* Another end than those, + 1. */
};

/* 1: mov (%rdi),%rax; cmp %r8,%rax; je 2f; incq 8(%rdi); jmp 1b; 2: mov $LEAK,%ebp; out. Denied
 * stores come in turn with denied loads: RIP is put on either of them. */
static const uint8_t hammer_code[] = { 0x48, 0x8b, 0x07, 0x4c, 0x39, 0xc0, 0x74, 0x06, 0x48, 0xff,
				       0x47, 0x08, 0xeb, 0xf2, 0xbd, LEAK, 0,	 0,    0,    STOP };
#define AT_STORE 8u

static void hammer_again(struct kt *t, uint64_t rip)
{
	kt_long_mode(t, 0, 3);
	kt_set(t, 0, HV_X64_REGISTER_RSP, STACK_GPA + 0x2000);
	kt_set(t, 0, HV_X64_REGISTER_RDI, PAGE_GPA);
	kt_set(t, 0, HV_X64_REGISTER_R8, SECRET);
	kt_set(t, 0, HV_X64_REGISTER_RIP, rip);
}

static void *hammer_thread(void *arg)
{
	struct hammer *h = arg;
	struct kt *t = &h->p.one;
	uint32_t n = 0;

	while (!atomic_load(&h->p.stop)) {
		uint64_t end;

		if (vsm_kvm_run(t->vp, &t->exit) != 0)
			abort();
		if (t->exit.kind == VSM_KVM_EXIT_INTR)
			continue;
		end = t->exit.kind == VSM_KVM_EXIT_PIO ? kt_get(t, 0, HV_X64_REGISTER_RBP) :
							 0x1000u + t->exit.kind;
		if (end == GP)
			atomic_fetch_add(&h->denials, 1);
		else if (end == LEAK)
			atomic_fetch_add(&h->leaks, 1);
		else
			atomic_store(&h->other, (uint32_t)end + 1);
		hammer_again(t, SPIN_GPA + (n++ % 2 ? AT_STORE : 0));
	}
	return NULL;
}

/* VP 0 is in VTL1, the page is protected and hammered at. */
static void hammer_start(struct hammer *h)
{
	struct kt *t;

	pair_start(&h->p);
	atomic_store(&h->denials, 0);
	atomic_store(&h->leaks, 0);
	atomic_store(&h->other, 0);
	t = h->p.t;
	memset(t->ram + PAGE_GPA, 0, 4096);
	*kt_at(t, PAGE_GPA) = SECRET;
	kt_deny(t, PAGE_GPA, 0);
	memcpy(t->ram + SPIN_GPA, hammer_code, sizeof(hammer_code));
	hammer_again(&h->p.one, SPIN_GPA);
	ck_assert_int_eq(pthread_create(&h->p.runner, NULL, hammer_thread, h), 0);
	h->p.thread[1] = h->p.runner;
}

/* Of the page itself nothing was read and nothing was written. */
static void hammer_check(struct hammer *h)
{
	uint32_t other = atomic_load(&h->other);

	ck_assert_uint_eq(atomic_load(&h->leaks), 0);
	ck_assert_uint_eq(*kt_at(h->p.t, PAGE_GPA), SECRET);
	ck_assert_uint_eq(__atomic_load_n(kt_at(h->p.t, PAGE_GPA + 8), __ATOMIC_SEQ_CST), 0);
	ck_assert_msg(other == 0, "VP 1 ended in %u", other - 1);
}

static void hammer_wait(struct hammer *h)
{
	struct timespec ms = { 0, 1000000 };
	uint32_t before = atomic_load(&h->denials);

	for (uint32_t i = 0; i < 5000 && atomic_load(&h->denials) == before; i++)
		nanosleep(&ms, NULL);
	ck_assert_uint_ne(atomic_load(&h->denials), before);
}

static void hammer_end(struct hammer *h)
{
	hammer_wait(h);
	vp1_end(&h->p);
	hammer_check(h);
	kv_check(h->p.t, PAGE_GPA);
	printf("# %u denials\n", atomic_load(&h->denials));
	kt_free(h->p.t);
}

/* One round: onto the protected page, away, onto it once more, off. */
typedef void place(struct kt *t, uint32_t kind, uint64_t value);

static void rounds_of(struct hammer *h, uint32_t rounds, uint32_t kinds, place *put)
{
	struct kt *t = h->p.t;

	for (uint32_t i = 0; i < rounds; i++) {
		uint64_t gpa[] = { PAGE_GPA | 1, (FREE_LAST - i % FREE_PAGES * 4096u) | 1,
				   PAGE_GPA | 1, 0 };
		uint32_t denials = atomic_load(&h->denials);

		for (uint32_t n = 0; n < VSMTEST_COUNT(gpa); n++) {
			uint64_t parks = kt_stats(t).parks;

			put(t, i % kinds, gpa[n]);
			hammer_check(h);
			ck_assert_uint_gt(kt_stats(t).parks, parks);
		}
		/* With nothing over it the page is denied, not just hidden. */
		if (i % 16 == 0 || atomic_load(&h->denials) == denials)
			hammer_wait(h);
	}
}

/* ---- MSRs of VTL0 ---- */

static const uint32_t msrs[] = { HV_X64_MSR_VP_ASSIST_PAGE, HV_X64_MSR_SIMP, HV_X64_MSR_HYPERCALL };

static void put_vtl0(struct kt *t, uint32_t kind, uint64_t value)
{
	kt_wrmsr(t, 0, msrs[kind], value);
	ck_assert_uint_eq(kt_vector(t, 0), 0xff);
}

START_TEST(vtl0_gains_nothing_by_its_own_overlays)
{
	uint32_t rounds = kv_rounds(500, "rounds of VTL0's overlays by MSR over a hammered page");
	struct hammer h;

	hammer_start(&h);
	kt_switch(h.p.t, 1);
	kt_long_mode(h.p.t, 0, 0);
	rounds_of(&h, rounds, VSMTEST_COUNT(msrs), put_vtl0);
	hammer_end(&h);
}
END_TEST

/* ---- MSRs of VTL1: VTL0 sees nothing of them ---- */

static void put_vtl1(struct kt *t, uint32_t kind, uint64_t value)
{
	kt_wrmsr(t, 1, msrs[kind], value);
	ck_assert_uint_eq(kt_vector(t, 1), 0xff);
	if (value == 0)
		return;
	/* VTL1 itself sees its overlay there, and VTL0 does not. */
	ck_assert_ptr_ne(kt_view(t, 1, value & ~4095ull), kt_view(t, 0, value & ~4095ull));
}

START_TEST(vtl0_gains_nothing_by_overlays_of_vtl1)
{
	uint32_t rounds = kv_rounds(500, "rounds of VTL1's overlays by MSR over a hammered page");
	struct hammer h;

	hammer_start(&h);
	rounds_of(&h, rounds, 2, put_vtl1);
	hammer_end(&h);
}
END_TEST

/* ---- registers of VTL0, set by VTL1 ---- */

static void put_register(struct kt *t, uint32_t kind, uint64_t value)
{
	static const uint32_t names[] = { HV_REGISTER_VP_ASSIST_PAGE, HV_REGISTER_SIMP,
					  HV_REGISTER_HYPERCALL };
	struct hv_input_set_vp_registers *in = (void *)kt_at(t, INPUT_GPA);
	struct hv_register_assoc *reg = (void *)(in + 1);

	memset(in, 0, sizeof(*in) + sizeof(*reg));
	in->partition_id = HV_PARTITION_ID_SELF;
	in->vp_index = HV_VP_INDEX_SELF;
	in->input_vtl = 0x10; /* VTL0 */
	reg->name = names[kind];
	reg->value.low = value;
	ck_assert_uint_eq(kt_hypercall(t, 1, HVCALL_SET_VP_REGISTERS | REPS(1), INPUT_GPA, 0),
			  REPS(1));
}

START_TEST(vtl0_gains_nothing_by_overlays_that_vtl1_gives_it)
{
	uint32_t rounds =
		kv_rounds(500, "rounds of VTL0's overlays by hypercall over a hammered page");
	struct hammer h;

	hammer_start(&h);
	rounds_of(&h, rounds, VSMTEST_COUNT(msrs), put_register);
	hammer_end(&h);
}
END_TEST

/* ---- where there is no RAM ---- */

#define NO_RAM (RAM_SIZE + 0x5000u)

struct toggled {
	struct pair p;
	atomic_int failed; /* vsm_kvm_run(), or an exit that neither overlay nor device explains. */
	atomic_uint faults, devices;
};

/* 1: mov (%rdi),%rax; incq 8(%rdi); mov %rax,16(%rdi); jmp 1b */
static const uint8_t toggled_code[] = { 0x48, 0x8b, 0x07, 0x48, 0xff, 0x47, 0x08,
					0x48, 0x89, 0x47, 0x10, 0xeb, 0xf3 };

static void *toggled_thread(void *arg)
{
	struct toggled *h = arg;
	struct kt *t = &h->p.one;

	while (!atomic_load(&h->p.stop) && !atomic_load(&h->failed)) {
		int r = vsm_kvm_run(t->vp, &t->exit);

		if (r == 0 && t->exit.kind == VSM_KVM_EXIT_INTR)
			continue;
		if (r == 0 && t->exit.kind == VSM_KVM_EXIT_MMIO &&
		    t->exit.address - NO_RAM < 4096) {
			atomic_fetch_add(&h->devices, 1);
			continue;
		}
		if (r == 0 && t->exit.kind == VSM_KVM_EXIT_PIO &&
		    kt_get(t, 0, HV_X64_REGISTER_RBP) == GP) {
			atomic_fetch_add(&h->faults, 1);
			kt_long_mode(t, 0, 3);
			kt_set(t, 0, HV_X64_REGISTER_RSP, STACK_GPA + 0x2000);
			/* The store comes next, then both. */
			kt_set(t, 0, HV_X64_REGISTER_RIP, SPIN_GPA + 7);
			continue;
		}
		atomic_store(&h->failed, r != 0 ? -r : 1000 + (int)t->exit.kind);
	}
	return NULL;
}

/* The hypercall page comes and goes where else a device is: an access that was on its way to the
 * one is answered by the other. */
START_TEST(an_overlay_is_lifted_while_it_is_accessed)
{
	uint32_t rounds = kv_rounds(2000, "rounds of an overlay where there is no RAM");
	struct toggled h;

	pair_start(&h.p);
	atomic_store(&h.failed, 0);
	atomic_store(&h.faults, 0);
	atomic_store(&h.devices, 0);
	kt_switch(h.p.t, 1);
	kt_long_mode(h.p.t, 0, 0);
	memcpy(h.p.t->ram + SPIN_GPA, toggled_code, sizeof(toggled_code));
	kt_long_mode(&h.p.one, 0, 3);
	kt_set(&h.p.one, 0, HV_X64_REGISTER_RSP, STACK_GPA + 0x2000);
	kt_set(&h.p.one, 0, HV_X64_REGISTER_RDI, NO_RAM);
	kt_set(&h.p.one, 0, HV_X64_REGISTER_RIP, SPIN_GPA);
	ck_assert_int_eq(pthread_create(&h.p.runner, NULL, toggled_thread, &h), 0);
	h.p.thread[1] = h.p.runner;
	for (uint32_t i = 0; i < rounds && !atomic_load(&h.failed); i++) {
		kt_wrmsr(h.p.t, 0, HV_X64_MSR_HYPERCALL, NO_RAM | 1);
		kt_wrmsr(h.p.t, 0, HV_X64_MSR_HYPERCALL, 0);
	}
	vp1_end(&h.p);
	ck_assert_int_eq(atomic_load(&h.failed), 0);
	printf("# %u times a fault, %u times a device\n", atomic_load(&h.faults),
	       atomic_load(&h.devices));
	kt_free(h.p.t);
}
END_TEST

/* ---- slots ---- */

/*
 * Slots are exchanged one by one, and for a moment there is none for the page tables of a VP whose
 * access was stopped just before: a denied access is nothing else for that. All of them go when a
 * load is taken back outside of 4-level paging.
 */
START_TEST(a_denial_is_a_denial_while_slots_are_away)
{
	uint32_t rounds = kv_rounds(500, "rounds without slots");
	struct timespec us100 = { 0, 100000 };
	struct hammer h;

	hammer_start(&h);
	for (uint32_t i = 0; i < rounds; i++) {
		struct vsm_kvm *k = h.p.t->k;

		pthread_mutex_lock(&k->lock);
		kvm_park(k);
		assert_err(kvm_slots_withdraw(k, 0), 0);
		nanosleep(&us100, NULL);
		assert_err(kvm_slots_restore(k, 0), 0);
		kvm_unpark(k);
		pthread_mutex_unlock(&k->lock);
		nanosleep(&us100, NULL);
		hammer_check(&h);
	}
	hammer_end(&h);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(vtl0_gains_nothing_by_its_own_overlays),
	VSMTEST_CASE(vtl0_gains_nothing_by_overlays_of_vtl1),
	VSMTEST_CASE(vtl0_gains_nothing_by_overlays_that_vtl1_gives_it),
	VSMTEST_CASE(an_overlay_is_lifted_while_it_is_accessed),
	VSMTEST_CASE(a_denial_is_a_denial_while_slots_are_away),
};

int main(void)
{
	return kt_main("kvm_overlay_race", cases, VSMTEST_COUNT(cases));
}
