/* SPDX-License-Identifier: BSD-3-Clause */
/* Stores that wait since another VP is about to give what they need: the table allows them, slots
 * and entries do not yet. */
#include "kvmtest_window.h"

#define RWX   HV_MAP_GPA_PERMISSIONS_MASK
#define VALUE 0x1122334455667788ull
#define OLD   0x0706050403020100ull /* at PAGE_GPA, as kt_tables() fills the page */

static const struct timespec ms = { 0, 1000000 };

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* VP 1 is to store 8 bytes at PAGE_GPA and to stop. */
static void store_ready(struct pair *p, uint32_t cpl)
{
	static const uint8_t code[] = { 0x48, 0x89, 0x1f, STOP }; /* mov %rbx,(%rdi) */

	memcpy(p->t->ram + SPIN_GPA, code, sizeof(code));
	kt_long_mode(&p->one, 0, cpl);
	kt_set(&p->one, 0, HV_X64_REGISTER_RSP, STACK_GPA + 0x2000);
	kt_set(&p->one, 0, HV_X64_REGISTER_RDI, PAGE_GPA);
	kt_set(&p->one, 0, HV_X64_REGISTER_RBX, VALUE);
	kt_set(&p->one, 0, HV_X64_REGISTER_RIP, SPIN_GPA);
}

static void *runs_once(void *arg)
{
	struct pair *p = arg;

	ck_assert_int_eq(vsm_kvm_run(p->one.vp, &p->one.exit), 0);
	return NULL;
}

static void begin(struct pair *p, void *(*thread)(void *arg))
{
	ck_assert_int_eq(pthread_create(&p->runner, NULL, thread, p), 0);
	p->thread[1] = p->runner;
}

/* VP 1 has been in there for a while, and is back a moment after it was told to leave. */
static void leaves_on(struct pair *p, void (*leave)(struct pair *p))
{
	uint64_t start;

	begin(p, runs_once);
	for (uint32_t i = 0; i < 50; i++)
		nanosleep(&ms, NULL);
	start = now_ms();
	leave(p);
	pthread_join(p->runner, NULL);
	p->thread[1] = pthread_self();
	ck_assert_uint_lt(now_ms() - start, 3000);
	ck_assert_uint_eq(p->one.exit.kind, VSM_KVM_EXIT_INTR);
	ck_assert_uint_eq(*kt_at(p->t, PAGE_GPA), OLD);
}

static void kick(struct pair *p)
{
	vsm_kvm_kick(p->one.vp);
}

static void signal_only(struct pair *p)
{
	pthread_kill(p->runner, SIGUSR1);
}

static void leaves_twice(struct pair *p)
{
	leaves_on(p, kick);
	leaves_on(p, signal_only);
}

/* VTL1 of VP 0 denies the page and gives it back; `call` happens half way through. */
static void grant_with(struct pair *p, uint32_t cpl, void (*call)(struct pair *p))
{
	uint64_t gpa = PAGE_GPA;

	window_start(p, 0);
	kt_deny(p->t, gpa, 0);
	store_ready(p, cpl);
	window_call = call;
	ck_assert_uint_eq(kt_protect(p->t, 1, RWX, &gpa, 1), REPS(1));
	ck_assert(window_call == NULL);
}

/* Nothing got lost on the way, and nothing came twice. */
static void stored(struct pair *p)
{
	struct vsm_kvm_stats s = kt_stats(p->t);

	ck_assert_uint_eq(*kt_at(p->t, PAGE_GPA), VALUE);
	ck_assert_uint_eq(p->one.exit.rip, SPIN_GPA + 5);
	ck_assert_uint_eq(s.stores_dropped, 0);
	ck_assert_uint_eq(s.stores_done, s.held_stores);
}

START_TEST(a_kick_ends_the_wait_for_a_grant)
{
	struct pair p;

	for (uint32_t cpl = 0; cpl <= 3; cpl += 3) {
		grant_with(&p, cpl, leaves_twice);
		ck_assert_uint_eq(kt_stop(&p.one), 0);
		stored(&p);
		kt_free(p.t);
	}
}
END_TEST

static void *runs_to_the_end(void *arg)
{
	struct pair *p = arg;

	kt_stop(&p->one);
	return NULL;
}

static void kicked_often(struct pair *p)
{
	begin(p, runs_to_the_end);
	for (uint32_t i = 0; i < 100; i++) {
		nanosleep(&ms, NULL);
		kick(p);
	}
	ck_assert_uint_eq(*kt_at(p->t, PAGE_GPA), OLD);
}

START_TEST(kicks_lose_no_store)
{
	struct pair p;

	for (uint32_t cpl = 0; cpl <= 3; cpl += 3) {
		grant_with(&p, cpl, kicked_often);
		pthread_join(p.runner, NULL);
		p.thread[1] = pthread_self();
		stored(&p);
		kt_free(p.t);
	}
}
END_TEST

/* The same for as long as a test wants: an overlay of which libvsm does not know hides the page. */
static void hide(struct kt *t)
{
	struct vsm_overlay o = { .gpa = PAGE_GPA, .page = "", .rights = 0 };

	assert_err(kvm_op_overlay_map(t->k, &o, 0), 0);
}

static void show(struct kt *t)
{
	struct vsm_overlay o = { .gpa = PAGE_GPA };

	assert_err(kvm_op_overlay_map(t->k, &o, 0), 0);
}

static void until_it_waits(struct pair *p)
{
	const struct vk_store *store = &p->one.vp->vcpu[0].store;

	for (uint32_t i = 0; i < 5000 && __atomic_load_n(&store->waits, __ATOMIC_RELAXED) < 3; i++)
		nanosleep(&ms, NULL);
	ck_assert_uint_ge(__atomic_load_n(&store->waits, __ATOMIC_RELAXED), 3);
}

static void waiting(struct pair *p, uint32_t cpl)
{
	pair_start(p);
	hide(p->t);
	store_ready(p, cpl);
	begin(p, runs_to_the_end);
	until_it_waits(p);
}

static void ended(struct pair *p)
{
	pthread_join(p->runner, NULL);
	p->thread[1] = pthread_self();
}

/* Neither waits for the other: the VP that parks all others is the one that may be waited for. */
START_TEST(a_vp_that_waits_is_in_nobodys_way)
{
	uint64_t gpa = OTHER_GPA, start, parks;
	struct pair p;

	waiting(&p, 0);
	start = now_ms();
	parks = p.t->k->parks;
	for (uint32_t i = 0; i < 20; i++) {
		kt_deny(p.t, gpa, 0);
		ck_assert_uint_eq(kt_protect(p.t, 1, RWX, &gpa, 1), REPS(1));
	}
	ck_assert_uint_ge(p.t->k->parks - parks, 20);
	ck_assert_uint_lt(now_ms() - start, 5000);
	show(p.t);
	ended(&p);
	stored(&p);
	kt_free(p.t);
}
END_TEST

/* VTL1 is not enabled on VP 1: a denial is #GP there. */
START_TEST(what_is_denied_again_is_told)
{
	struct pair p;

	waiting(&p, 3);
	kt_deny(p.t, PAGE_GPA, 0);
	ended(&p);
	ck_assert_uint_eq(kt_get(&p.one, 0, HV_X64_REGISTER_RBP), 13);
	ck_assert_uint_eq(*kt_at(p.t, PAGE_GPA), OLD);
	ck_assert_uint_eq(kt_stats(p.t).stores_done, 0);
	ck_assert_uint_eq(kt_stats(p.t).stores_dropped, 1);
	show(p.t);
	kt_free(p.t);
}
END_TEST

START_TEST(a_store_that_waits_is_dropped_when_rip_moves)
{
	struct pair p;

	pair_start(&p);
	hide(p.t);
	store_ready(&p, 0);
	leaves_on(&p, kick);
	memcpy(p.t->ram + SPIN_GPA + 0x40, p.t->ram + SPIN_GPA + 3, 2);
	kt_set(&p.one, 0, HV_X64_REGISTER_RIP, SPIN_GPA + 0x40);
	ck_assert_uint_eq(kt_stop(&p.one), 0);
	show(p.t);
	ck_assert_uint_eq(*kt_at(p.t, PAGE_GPA), OLD);
	ck_assert_uint_eq(kt_stats(p.t).stores_dropped, 1);
	kt_free(p.t);
}
END_TEST

static void *stops(void *arg)
{
	kt_stop(arg);
	return NULL;
}

static void store_at_page(struct kt *t)
{
	kt_set(t, 0, HV_X64_REGISTER_RDI, PAGE_GPA);
	kt_set(t, 0, HV_X64_REGISTER_RBX, VALUE);
	KT_CODE(t, 0, 0x48, 0x89, 0x1f, STOP);
}

/* A grant that never comes would be somebody's fault. */
START_TEST(a_long_wait_is_logged)
{
	struct kt *t = kt_new(NULL);
	pthread_t thread;

	hide(t);
	store_at_page(t);
	__atomic_store_n(&t->lines, 0, __ATOMIC_RELAXED);
	ck_assert_int_eq(pthread_create(&thread, NULL, stops, t), 0);
	for (uint32_t i = 0; i < 15000 && __atomic_load_n(&t->lines, __ATOMIC_RELAXED) == 0; i++)
		nanosleep(&ms, NULL);
	show(t);
	pthread_join(thread, NULL);
	ck_assert_ptr_nonnull(strstr(t->line, "waits for a grant"));
	ck_assert_uint_eq(t->lines, 1);
	ck_assert_uint_eq(*kt_at(t, PAGE_GPA), VALUE);
	kt_free(t);
}
END_TEST

static void *shows_later(void *arg)
{
	for (uint32_t i = 0; i < 50; i++)
		nanosleep(&ms, NULL);
	show(arg);
	return NULL;
}

/* VTL1 returns after a grant that is not enforced yet: a denied store that is held counts on it. */
START_TEST(a_held_store_is_not_dropped_during_the_grant)
{
	struct kt *t = kt_new(NULL);
	uint64_t gpa = PAGE_GPA;
	pthread_t thread;

	kt_vtl1(t);
	kt_deny(t, gpa, 0);
	kt_switch(t, 1);
	store_at_page(t);
	ck_assert_uint_eq(kt_stop(t), 1);
	kt_intercept(t);
	hide(t);
	ck_assert_uint_eq(kt_protect(t, 1, RWX, &gpa, 1), REPS(1));
	ck_assert_int_eq(pthread_create(&thread, NULL, shows_later, t), 0);
	ck_assert_uint_eq(kt_resume(t), 0);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(*kt_at(t, PAGE_GPA), VALUE);
	ck_assert_uint_eq(kt_stats(t).stores_dropped, 0);
	kt_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(a_kick_ends_the_wait_for_a_grant),
	VSMTEST_CASE(kicks_lose_no_store),
	VSMTEST_CASE(a_vp_that_waits_is_in_nobodys_way),
	VSMTEST_CASE(what_is_denied_again_is_told),
	VSMTEST_CASE(a_store_that_waits_is_dropped_when_rip_moves),
	VSMTEST_CASE(a_long_wait_is_logged),
	VSMTEST_CASE(a_held_store_is_not_dropped_during_the_grant),
};

int main(void)
{
	return kt_main("kvm_grant", cases, VSMTEST_COUNT(cases));
}
