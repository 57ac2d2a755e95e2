/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * A second VP beside the one of kvmtest.h, on a thread of its own.
 */
#ifndef KVMTEST_PAIR_H
#define KVMTEST_PAIR_H

#include "kvmtest.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

#define SPIN_GPA 0x240000u /* Code of VP 1. */

/* VP 1 beside the VP 0 of a struct kt. */
struct pair {
	struct kt *t; /* VP 0 */
	struct kt one; /* VP 1 of the same machine */
	pthread_t thread[2];
	pthread_t runner;
	atomic_int stop;
	uint32_t last_kind;
};

static inline void kick_vp(void *opaque, uint32_t vp)
{
	struct pair *p = opaque;

	pthread_kill(p->thread[vp], SIGUSR1);
}

static inline void pair_log(void *opaque, int32_t level, const char *line)
{
	(void)opaque;
	(void)level;
	(void)line;
}

/* Up to where RAM can be added. The struct is cleared. `pages`: vsm_kvm_options.emulate_execute */
static inline void pair_bare(struct pair *p, uint32_t enforce, uint32_t pages,
			     const struct vsm_host_ops *(*ops)(const struct vsm_kvm *k))
{
	struct vsm_kvm_options o;
	sigset_t usr1;

	memset(p, 0, sizeof(*p));
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &usr1, NULL);
	p->thread[0] = p->thread[1] = pthread_self();
	vsm_kvm_options_init(&o);
	o.enforce = enforce;
	o.max_vps = 2;
	o.emulate_execute = pages;
	o.kick_signal = SIGUSR1;
	o.kick = kick_vp;
	o.opaque = p;
	p->t = kt_bare_ops(&o, ops);
	p->t->k->options.log = pair_log;
}

/* The rest of it, without VTL1. */
static inline void pair_realise(struct pair *p)
{
	kt_start(p->t);
	p->one = *p->t;
	assert_err(vsm_kvm_vp_create(p->t->k, 1, 1, &p->one.vp), 0);
}

static inline void pair_open(struct pair *p, uint32_t enforce, uint32_t pages,
			     const struct vsm_host_ops *(*ops)(const struct vsm_kvm *k))
{
	pair_bare(p, enforce, pages, ops);
	pair_realise(p);
}

static inline void pair_start_ops(struct pair *p, uint32_t enforce, uint32_t pages,
				  const struct vsm_host_ops *(*ops)(const struct vsm_kvm *k))
{
	pair_open(p, enforce, pages, ops);
	kt_vtl1(p->t);
}

static inline void pair_start_with(struct pair *p, uint32_t enforce, uint32_t pages)
{
	pair_start_ops(p, enforce, pages, vsm_kvm_ops);
}

static inline void pair_start_emulating(struct pair *p, uint32_t pages)
{
	pair_start_with(p, VSM_KVM_ENFORCE_AUTO, pages);
}

static inline void pair_start(struct pair *p)
{
	pair_start_with(p, VSM_KVM_ENFORCE_AUTO, 0);
}

/* VP 1 runs `code` at CPL 3 until it stops, or p->stop is set. */
static inline void *vp1_thread(void *arg)
{
	struct pair *p = arg;

	do {
		ck_assert_int_eq(vsm_kvm_run(p->one.vp, &p->one.exit), 0);
		p->last_kind = p->one.exit.kind;
	} while (p->one.exit.kind == VSM_KVM_EXIT_INTR && !atomic_load(&p->stop));
	return NULL;
}

static inline void vp1_start(struct pair *p, const uint8_t *code, size_t size)
{
	memcpy(p->t->ram + SPIN_GPA, code, size);
	kt_long_mode(&p->one, 0, 3);
	kt_set(&p->one, 0, HV_X64_REGISTER_RSP, STACK_GPA + 0x2000);
	kt_set(&p->one, 0, HV_X64_REGISTER_RDI, PAGE_GPA);
	kt_set(&p->one, 0, HV_X64_REGISTER_RIP, SPIN_GPA);
	ck_assert_int_eq(pthread_create(&p->runner, NULL, vp1_thread, p), 0);
	p->thread[1] = p->runner;
}

static inline void vp1_end(struct pair *p)
{
	atomic_store(&p->stop, 1);
	vsm_kvm_kick(p->one.vp);
	pthread_join(p->runner, NULL);
	p->thread[1] = pthread_self();
}

static inline void wait_for_change(struct pair *p)
{
	volatile uint64_t *counter = kt_at(p->t, PAGE_GPA);
	uint64_t before = *counter;
	struct timespec ms = { 0, 1000000 };

	for (uint32_t i = 0; i < 5000 && *counter == before; i++)
		nanosleep(&ms, NULL);
	ck_assert_uint_ne(*counter, before);
}

/* 1: incq (%rdi); jmp 1b */
static const uint8_t spin[] = { 0x48, 0xff, 0x07, 0xeb, 0xfb };

#endif /* KVMTEST_PAIR_H */
