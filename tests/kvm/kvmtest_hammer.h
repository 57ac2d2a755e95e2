/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * A second VP that stores without end to a page of its own, and goes on when that is denied to it.
 */
#ifndef KVMTEST_HAMMER_H
#define KVMTEST_HAMMER_H

#include "kvmtest_pair.h"

/* The machine of VP 1, whose stores VTL1 forbids, tries again and again. */
struct hammer {
	struct pair p;
	atomic_uint denials;
	uint32_t cpl; /* 0 is interpreted where KVM has no help of the processor. */
	_Atomic uint64_t gpa; /* Of what it stores to. */
};

/* Where it stores, from where it is started or its next denial on. */
static inline void hammer_aim(struct hammer *h)
{
	uint64_t gpa = atomic_load(&h->gpa);

	kt_long_mode(&h->p.one, 0, h->cpl);
	kt_set(&h->p.one, 0, HV_X64_REGISTER_RSP, STACK_GPA + 0x2000);
	kt_set(&h->p.one, 0, HV_X64_REGISTER_RDI, gpa);
	kt_set(&h->p.one, 0, HV_X64_REGISTER_RSI, (1ull << 30) + gpa);
	kt_set(&h->p.one, 0, HV_X64_REGISTER_RIP, SPIN_GPA);
}

/* VTL1 is not enabled on VP 1, so a denial is #GP there; then it is put back on its loop. */
static inline void *hammer_thread(void *arg)
{
	struct hammer *h = arg;
	struct kt *t = &h->p.one;

	while (!atomic_load(&h->p.stop)) {
		if (vsm_kvm_run(t->vp, &t->exit) != 0)
			abort();
		if (t->exit.kind != VSM_KVM_EXIT_PIO)
			continue;
		atomic_fetch_add(&h->denials, 1);
		hammer_aim(h);
	}
	return NULL;
}

/* h->p is as pair_start() leaves it. */
static inline void hammer_prepare(struct hammer *h, uint32_t cpl, uint64_t gpa)
{
	static const uint8_t both[] = { 0x48, 0xff, 0x07, 0x48, 0xff, 0x06, 0xeb, 0xf8 };
	struct pair *p = &h->p;

	atomic_store(&h->denials, 0);
	atomic_store(&h->gpa, gpa);
	h->cpl = cpl;
	/* A second address of the same page: the next GiB is the first once more. */
	kt_at(p->t, TABLES_GPA + 0x1000)[1] = (TABLES_GPA + 0x2000) | 7;
	memcpy(p->t->ram + SPIN_GPA, both, sizeof(both));
	hammer_aim(h);
}

static inline void hammer_start_with(struct hammer *h, uint32_t cpl, uint32_t enforce)
{
	pair_start_with(&h->p, enforce, 0);
	*kt_at(h->p.t, PAGE_GPA) = 0;
	hammer_prepare(h, cpl, PAGE_GPA);
}

static inline void hammer_start(struct hammer *h, uint32_t cpl)
{
	hammer_start_with(h, cpl, VSM_KVM_ENFORCE_AUTO);
}

static inline void hammer_go(struct hammer *h)
{
	ck_assert_int_eq(pthread_create(&h->p.runner, NULL, hammer_thread, h), 0);
	h->p.thread[1] = h->p.runner;
}

/* Until it was denied something again. */
static inline void hammer_wait(struct hammer *h)
{
	struct timespec ms = { 0, 1000000 };
	uint32_t before = atomic_load(&h->denials);

	for (uint32_t i = 0; i < 5000 && atomic_load(&h->denials) == before; i++)
		nanosleep(&ms, NULL);
	ck_assert_uint_ne(atomic_load(&h->denials), before);
}

/* What it has stored where it aims, as the library's own mapping shows it. */
static inline uint64_t hammer_count_at(struct hammer *h, uint64_t gpa)
{
	const struct vk_range *range = kvm_range_find(h->p.t->k, gpa);
	const uint64_t *at = (void *)(range->host + (gpa - range->gpa));

	return __atomic_load_n(at, __ATOMIC_SEQ_CST);
}

static inline uint64_t hammer_count(struct hammer *h)
{
	return hammer_count_at(h, atomic_load(&h->gpa));
}

/* Until it has stored something again. */
static inline void hammer_runs(struct hammer *h)
{
	struct timespec ms = { 0, 1000000 };
	uint64_t before = hammer_count(h);

	for (uint32_t i = 0; i < 5000 && hammer_count(h) == before; i++)
		nanosleep(&ms, NULL);
	ck_assert_uint_ne(hammer_count(h), before);
}

#endif /* KVMTEST_HAMMER_H */
