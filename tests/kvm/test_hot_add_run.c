/* SPDX-License-Identifier: BSD-3-Clause */
/* RAM that comes while VPs are in the guest: none of them has more rights to it in its first moment
 * than later, and none is disturbed. */
#include "kvmtest_hot.h"

#include <sched.h>

#include "ops.h"

/* VP 1 spins on its own; VP 0 and other threads do what the test is about. */
static struct hot beside(struct pair *p, uint32_t mask)
{
	pair_open(p, VSM_KVM_ENFORCE_AUTO, 0, vsm_kvm_ops);
	kt_vtl1_with(p->t, mask);
	if (mask != RWX)
		grant(p->t, 0, RAM_SIZE / 4096);
	*kt_at(p->t, PAGE_GPA) = 0;
	return hot_new(p->t);
}

/* 1: mov (%rdi),%rax; cmp %rbx,%rax; jne 1b; out %al,$0x81 */
static const uint8_t until_seen[] = { 0x48, 0x8b, 0x07, 0x48, 0x39, 0xd8, 0x75, 0xf8, 0xe6, 0x81 };

/* Answers what is no RAM yet with 0, until the guest stops. */
static void *watcher_thread(void *arg)
{
	struct pair *p = arg;

	do {
		if (vsm_kvm_run(p->one.vp, &p->one.exit) != 0)
			abort();
		p->last_kind = p->one.exit.kind;
		if (p->last_kind == VSM_KVM_EXIT_MMIO)
			memset(p->one.exit.data, 0, p->one.exit.data_size);
	} while (p->last_kind != VSM_KVM_EXIT_PIO);
	return NULL;
}

static void watch(struct pair *p, uint64_t gpa)
{
	memcpy(p->t->ram + SPIN_GPA, until_seen, sizeof(until_seen));
	kt_long_mode(&p->one, 0, 3);
	kt_set(&p->one, 0, HV_X64_REGISTER_RSP, STACK_GPA + 0x2000);
	kt_set(&p->one, 0, HV_X64_REGISTER_RDI, gpa);
	kt_set(&p->one, 0, HV_X64_REGISTER_RBX, SECRET);
	kt_set(&p->one, 0, HV_X64_REGISTER_RIP, SPIN_GPA);
	ck_assert_int_eq(pthread_create(&p->runner, NULL, watcher_thread, p), 0);
	p->thread[1] = p->runner;
}

/*
 * VP 1 looks at the pages from before they are there, natively. If the default mask denies them it
 * never sees what is in them: VTL1 was not enabled on it, so it ends in #GP.
 */
static void seen_by_a_running_vp(uint32_t mask)
{
	struct timespec ms = { 0, 1000000 };
	struct pair p;
	struct hot h = beside(&p, mask);

	for (uint32_t i = 0; i < FILE_SIZE / 8; i++)
		((uint64_t *)(void *)h.ram)[i] = SECRET;
	for (uint32_t i = 0; i < 40; i++) {
		uint64_t gpa = HOT_GPA + i * 0x10000ull;

		watch(&p, gpa + 0x3008);
		nanosleep(&ms, NULL);
		assert_err(vsm_kvm_ram_add(p.t->k, gpa, 0x10000, h.fd, i * 0x10000ull, 0), 0);
		pthread_join(p.runner, NULL);
		p.thread[1] = pthread_self();
		ck_assert_uint_eq(p.one.exit.address, mask == RWX ? 0x81 : STOP_PORT);
		if (mask != RWX)
			ck_assert_uint_eq(kt_get(&p.one, 0, HV_X64_REGISTER_RBP), 13);
		ck_assert_int_eq(kt_get(&p.one, 0, HV_X64_REGISTER_RAX) == SECRET, mask == RWX);
	}
	hot_free(&h);
}

START_TEST(a_running_vp_finds_it)
{
	seen_by_a_running_vp(RWX);
}
END_TEST

START_TEST(a_running_vp_never_sees_what_the_default_mask_denies)
{
	seen_by_a_running_vp(NONE);
}
END_TEST

#define ADDED 40u

/* One after the other, the second thread those with odd numbers. */
struct adder {
	struct hot *h;
	uint32_t first;
	int result;
};

static void *adder_thread(void *arg)
{
	struct adder *a = arg;

	for (uint32_t i = a->first; i < ADDED && a->result == 0; i += 2)
		a->result = vsm_kvm_ram_add(a->h->t->k, HOT_GPA + i * 0x4000ull, 0x3000, a->h->fd,
					    i * 0x4000ull, 0);
	return NULL;
}

/* VP 0 protects without pause, VP 1 runs natively, two threads add RAM. */
START_TEST(rights_change_while_it_comes)
{
	uint64_t gpa[] = { 0x500000, 0x502000, 0x600000 };
	struct adder adder[2] = { { .first = 0 }, { .first = 1 } };
	pthread_t thread[2];
	struct pair p;
	struct hot h = beside(&p, NONE);

	vp1_start(&p, spin, sizeof(spin));
	wait_for_change(&p);
	for (uint32_t i = 0; i < 2; i++) {
		adder[i].h = &h;
		ck_assert_int_eq(pthread_create(&thread[i], NULL, adder_thread, &adder[i]), 0);
	}
	for (uint32_t i = 0; i < 200; i++) {
		ck_assert_uint_eq(kt_protect(p.t, 1, i % 2 == 0 ? NONE : RWX, gpa, 3), REPS(3));
		/* Pages that come sooner or later. */
		if (i % 10 == 0)
			kt_protect(p.t, 1, RWX, &(uint64_t){ HOT_GPA + i / 10 * 0x8000ull }, 1);
	}
	pthread_join(thread[0], NULL);
	pthread_join(thread[1], NULL);
	assert_err(adder[0].result, 0);
	assert_err(adder[1].result, 0);
	wait_for_change(&p);
	vp1_end(&p);
	ck_assert_uint_eq(p.last_kind, VSM_KVM_EXIT_INTR);
	for (uint32_t i = 0; i < ADDED; i++) {
		for (uint32_t page = 0; page < 3; page++)
			kv_check(p.t, HOT_GPA + i * 0x4000ull + page * 4096ull);
	}
	ck_assert_uint_eq(p.t->k->range_count, 1 + ADDED);
	hot_free(&h);
}
END_TEST

START_TEST(device_memory_comes_while_vps_run)
{
	static uint8_t device[8192] __attribute__((aligned(4096)));
	struct pair p;
	struct hot h = beside(&p, RWX);

	memset(device, 0x5a, sizeof(device));
	vp1_start(&p, spin, sizeof(spin));
	wait_for_change(&p);
	assert_err(vsm_kvm_device_add(p.t->k, HOT_GPA, 4096, device, VSM_KVM_MAP_READONLY), 0);
	assert_err(vsm_kvm_device_add(p.t->k, HOT_GPA + 4096, 4096, device + 4096, 0), 0);
	start(p.t, 1, 0, store_rbx, HOT_GPA + 4096);
	ck_assert_uint_eq(kt_stop(p.t), 1);
	ck_assert_uint_eq(*(uint64_t *)(void *)(device + 4096), VALUE);
	start(p.t, 1, 0, store_rbx, HOT_GPA);
	ck_assert_uint_eq(kt_run(p.t), VSM_KVM_EXIT_MMIO);
	ck_assert_uint_eq(p.t->exit.is_write, 1);
	ck_assert_uint_eq(kt_stop(p.t), 1);
	ck_assert_uint_eq(device[0], 0x5a);
	wait_for_change(&p);
	vp1_end(&p);
	hot_free(&h);
}
END_TEST

static void *spin_thread(void *arg)
{
	struct kt *t = arg;

	if (vsm_kvm_run(t->vp, &t->exit) != 0)
		abort();
	return NULL;
}

/* One VP, no signal: while it runs natively nobody can get it out, and that is said. */
START_TEST(a_vp_that_cannot_be_kicked)
{
	/* 1: incq (%rdi); cmpl $0,0x100(%rdi); je 1b; out */
	static const uint8_t code[] = { 0x48, 0xff, 0x07, 0x83, 0xbf, 0x00, 0x01,
					0,    0,    0,	  0x74, 0xf4, STOP };
	struct hot h = protecting(RWX);
	struct state before = state_of(&h);
	struct pair p = { .t = h.t };
	pthread_t thread;

	kt_switch(h.t, 1);
	memset(h.t->ram + PAGE_GPA, 0, 4096);
	kt_long_mode(h.t, 0, 3);
	kt_set(h.t, 0, HV_X64_REGISTER_RDI, PAGE_GPA);
	kt_code(h.t, 0, code, sizeof(code));
	ck_assert_int_eq(pthread_create(&thread, NULL, spin_thread, h.t), 0);
	wait_for_change(&p);
	assert_err(hot_add(&h), -VSM_ERR_BUSY);
	*(volatile uint32_t *)kt_at(h.t, PAGE_GPA + 0x100) = 1;
	pthread_join(thread, NULL);
	ck_assert_uint_eq(h.t->exit.kind, VSM_KVM_EXIT_PIO);
	check_state(&h, &before, "busy", 0);
	assert_err(hot_add(&h), 0);
	check_use(&h, 0, 3, TARGET);
	hot_free(&h);
}
END_TEST

static void *release_thread(void *arg)
{
	struct timespec ms20 = { 0, 20000000 };
	struct kt *t = arg;

	nanosleep(&ms20, NULL);
	atomic_store(&t->vsm->op_owner, NULL);
	return NULL;
}

/* A VP is in a change of rights: it is waited for, but not for ever. */
START_TEST(a_change_under_way_is_waited_for)
{
	struct hot h = protecting(NONE);
	pthread_t thread;
	struct state before;

	ck_assert_int_eq(pthread_create(&thread, NULL, release_thread, h.t), 0);
	pthread_join(thread, NULL);
	before = state_of(&h);
	atomic_store(&h.t->vsm->op_owner, h.t->vsm->vp[0]);
	assert_err(hot_add(&h), -VSM_ERR_BUSY);
	check_state(&h, &before, "busy", 1);
	ck_assert_int_eq(pthread_create(&thread, NULL, release_thread, h.t), 0);
	assert_err(hot_add(&h), 0);
	pthread_join(thread, NULL);
	check_rights(&h, 0, HOT_PAGES, NONE);
	hot_free(&h);
}
END_TEST

/* A device that reads the new page in the moment in which the partition knows it already. */
struct reader {
	struct hot *h;
	pthread_t thread;
	uint64_t value;
	uint32_t kicks;
	atomic_int done;
	int result;
};

static void *reader_thread(void *arg)
{
	struct reader *r = arg;

	r->result = vsm_gpa_read(r->h->t->vsm, VSM_VP_DMA, 0, TARGET, &r->value, 8);
	atomic_store(&r->done, 1);
	return NULL;
}

/* The partition kicks who waits for the end of the hot-add: then it knows the range. */
static void kick_reads(void *opaque, uint32_t vp)
{
	struct timespec ms20 = { 0, 20000000 };
	struct reader *r = opaque;

	(void)vp;
	if (r->h == NULL || r->kicks++ != 0)
		return;
	if (pthread_create(&r->thread, NULL, reader_thread, r) != 0)
		abort();
	nanosleep(&ms20, NULL);
}

START_TEST(a_device_reads_it_in_its_first_moment)
{
	struct reader r = { .result = 1 };
	struct vsm_kvm_options o;
	struct hot h;

	vsm_kvm_options_init(&o);
	o.kick = kick_reads;
	o.opaque = &r;
	h.t = kt_bare(&o);
	h.t->k->options.log = pair_log;
	kt_start(h.t);
	h = hot_new(h.t);
	*hot_at(&h, TARGET) = SECRET;
	atomic_store(&h.t->vsm->vp[0]->op_wait, 1);
	r.h = &h;
	assert_err(hot_add(&h), 0);
	ck_assert_uint_ge(r.kicks, 1);
	pthread_join(r.thread, NULL);
	assert_err(r.result, 0);
	ck_assert_uint_eq(r.value, SECRET);
	hot_free(&h);
}
END_TEST

/* As in a walk of the guest's page tables: the lock is held until an access to a view is served. */
static void *walker_thread(void *arg)
{
	struct kt *t = arg;
	const volatile uint8_t *page = t->k->range[0].view[0] + PAGE_GPA;

	pthread_mutex_lock(&t->k->lock);
	(void)*page;
	pthread_mutex_unlock(&t->k->lock);
	return NULL;
}

static void *adding_thread(void *arg)
{
	return hot_add(arg) == 0 ? arg : NULL;
}

static void *creating_thread(void *arg)
{
	struct vsm_kvm_vp *vp;
	struct hot *h = arg;

	return vsm_kvm_vp_create(h->t->k, 1, 1, &vp) == 0 && h->t->k->vp[1] == vp ? arg : NULL;
}

/* Whatever mechanism the other tests are about, only this one has events. VP 1 is not there yet. */
static struct hot unserved(struct pair *p)
{
	pair_bare(p, VSM_KVM_ENFORCE_UFFD, 0, vsm_kvm_ops);
	kt_start(p->t);
	kt_serve_end(p->t);
	p->t->server_stop[1] = 0;
	return hot_new(p->t);
}

/* Nobody serves but the thread that does this, and it may have to wait for who is to be served. */
static void done_by_the_server(void *(*serving_thread)(void *arg))
{
	struct vsm_kvm_enforcement e = { .size = sizeof(e) };
	struct pollfd event = { .events = POLLIN };
	pthread_t walker, server;
	struct timespec end;
	struct pair p;
	struct hot h;
	void *done = NULL;
	int late;

	assert_err(vsm_kvm_enforcement(NULL, VSM_KVM_ENFORCE_UFFD, &e), 0);
	if (!e.available) {
		printf("# %s\n", e.missing);
		return;
	}
	h = unserved(&p);
	event.fd = vsm_kvm_service_fd(h.t->k);
	ck_assert_int_eq(madvise(h.t->k->range[0].view[0] + PAGE_GPA, 4096, MADV_DONTNEED), 0);
	ck_assert_int_eq(pthread_create(&walker, NULL, walker_thread, h.t), 0);
	ck_assert_int_eq(poll(&event, 1, 10000), 1);
	ck_assert_int_eq(pthread_create(&server, NULL, serving_thread, &h), 0);
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 10;
	late = pthread_timedjoin_np(server, &done, &end);
	if (late != 0) {
		kt_serve(h.t);
		pthread_join(server, &done);
	}
	pthread_join(walker, NULL);
	ck_assert_int_eq(late, 0);
	ck_assert_ptr_eq(done, &h);
	hot_free(&h);
}

START_TEST(the_thread_that_serves_adds_it)
{
	done_by_the_server(adding_thread);
}
END_TEST

START_TEST(the_thread_that_serves_creates_a_vp)
{
	done_by_the_server(creating_thread);
}
END_TEST

struct busy {
	struct kt *t;
	atomic_int owns;
};

/* As while RAM is added: the partition's op is given back, then the lock. */
static void *busy_thread(void *arg)
{
	struct timespec ms20 = { 0, 20000000 };
	struct busy *b = arg;

	pthread_mutex_lock(&b->t->k->lock);
	if (!op_acquire_host(b->t->vsm))
		abort();
	atomic_store(&b->owns, 1);
	nanosleep(&ms20, NULL);
	op_release_host(b->t->vsm);
	pthread_mutex_unlock(&b->t->k->lock);
	return NULL;
}

/* A VMM without kick could not know when to go on: its only VP is never BLOCKED by it. */
START_TEST(nobody_sleeps_who_cannot_be_woken)
{
	struct hot h = protecting(RWX);
	struct busy b = { .t = h.t };
	uint64_t gpa = PAGE_GPA;
	pthread_t thread;

	ck_assert_int_eq(h.t->k->options.kick == NULL, 1);
	ck_assert_int_eq(pthread_create(&thread, NULL, busy_thread, &b), 0);
	while (!atomic_load(&b.owns))
		sched_yield();
	kt_deny(h.t, gpa, NONE);
	pthread_join(thread, NULL);
	kv_check(h.t, gpa);
	hot_free(&h);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(a_running_vp_finds_it),
	VSMTEST_CASE(a_running_vp_never_sees_what_the_default_mask_denies),
	VSMTEST_CASE(rights_change_while_it_comes),
	VSMTEST_CASE(device_memory_comes_while_vps_run),
	VSMTEST_CASE(a_vp_that_cannot_be_kicked),
	VSMTEST_CASE(a_change_under_way_is_waited_for),
	VSMTEST_CASE(a_device_reads_it_in_its_first_moment),
	VSMTEST_CASE(the_thread_that_serves_adds_it),
	VSMTEST_CASE(the_thread_that_serves_creates_a_vp),
	VSMTEST_CASE(nobody_sleeps_who_cannot_be_woken),
};

int main(void)
{
	return kt_main("kvm_hot_add_run", cases, VSMTEST_COUNT(cases));
}
