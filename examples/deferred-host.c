/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A host built like QEMU: one big lock for all devices, a main loop that does the work which needs
 * the whole machine stopped, and one vCPU for each VP on a thread of its own.
 *
 *  - swapped registers: a VTL switch moves private state between the vCPU and a slot per VTL;
 *  - entries are made with the big lock held (MSR exits, half of the faults) and without it;
 *  - overlay_map, protect and tlb_flush answer VSM_PENDING; the main loop does them later;
 *  - a VP that is BLOCKED is parked on a condition variable, outside of any entry; the flag of the
 *    op kick is set and tested under the big lock, so that no kick is lost.
 *
 * The registers are in deferred-regs.c. There is no processor: deferred-guest.c plays two guests,
 * who make the exits that their instructions would cause. Rules: doc/host-contract.md.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "deferred-host.h"

#define SECONDS 30 /* A run that takes longer has lost a wake-up. */

/* The big lock knows whether this thread has it: ops and kicks come both ways. */
static _Thread_local int have_lock;

int lock(struct machine *m)
{
	if (have_lock)
		return 0;
	pthread_mutex_lock(&m->big_lock);
	have_lock = 1;
	return 1;
}

void unlock(struct machine *m, int taken)
{
	if (!taken)
		return;
	have_lock = 0;
	pthread_mutex_unlock(&m->big_lock);
}

static int gpa_read(void *opaque, uint64_t gpa, void *buf, uint32_t len)
{
	memcpy(buf, ((struct machine *)opaque)->ram + gpa, len);
	return 0;
}

static int gpa_write(void *opaque, uint64_t gpa, const void *buf, uint32_t len)
{
	memcpy(((struct machine *)opaque)->ram + gpa, buf, len);
	return 0;
}

/* Any thread, with or without the big lock. */
static void kick(void *vp)
{
	struct vcpu *c = vp;
	int taken = lock(c->m);

	c->kicked = 1;
	pthread_cond_signal(&c->wake);
	unlock(c->m, taken);
}

/* What the main loop does, all VPs outside of the guest. Under the big lock. */
static void perform(struct machine *m, const struct job *job)
{
	uint32_t rights, i;

	m->stopping++;
	while (m->in_guest != 0)
		pthread_cond_wait(&m->idle, &m->big_lock);
	if (job->kind == OVERLAY) {
		for (i = 0; i < OVERLAYS - 1; i++) {
			if (m->shown[i].page == NULL || (m->shown[i].gpa == job->overlay.gpa &&
							 m->shown[i].vtl == job->overlay.vtl))
				break;
		}
		m->shown[i] = job->overlay;
	} else if (job->kind == PROTECT) {
		/* What the table says now, not what it said when the op was called. */
		for (uint64_t at = job->range.gpa; at < job->range.gpa + job->range.size;
		     at += HV_PAGE_SIZE) {
			if (vsm_gpa_rights(m->vsm, 0, at, &rights) == 0)
				m->view[at / HV_PAGE_SIZE] = (uint8_t)rights;
		}
	} else {
		for (i = 0; i < VPS; i++)
			memset(m->vcpu[i].tlb, 0, sizeof(m->vcpu[i].tlb));
	}
	m->completed[job->kind]++;
	m->stopping--;
	pthread_cond_broadcast(&m->resume);
}

/* An op that the main loop has to do. Token 0: libvsm cannot wait, it is undoing something. */
static int defer(struct machine *m, const struct job *job)
{
	int taken = lock(m), result = VSM_PENDING;

	if (job->token == 0) {
		perform(m, job);
		result = 0;
	} else if (m->jobs == VPS) {
		result = -VSM_ERR_NOMEM;
	} else {
		m->job[m->jobs++] = *job;
		pthread_cond_signal(&m->work);
	}
	unlock(m, taken);
	return result;
}

static int overlay_map(void *opaque, const struct vsm_overlay *overlay, uint64_t token)
{
	const struct job job = { .kind = OVERLAY, .token = token, .overlay = *overlay };

	return defer(opaque, &job);
}

static int protect(void *opaque, const struct vsm_protect_range *ranges, uint32_t count,
		   uint32_t *done, uint64_t token)
{
	struct job job = { .kind = PROTECT, .token = token, .range = ranges[0] };

	*done = 0;
	if (count != 1 || ranges[0].vtl != 0)
		return -VSM_ERR_NOMEM; /* Neither guest does that. */
	return defer(opaque, &job);
}

static int tlb_flush(void *opaque, uint32_t vtl, uint32_t vp, uint64_t token)
{
	const struct job job = { .kind = FLUSH, .token = token };

	(void)vtl; /* VTL1 is never restricted, and libvsm asks for all VPs. */
	(void)vp;
	return defer(opaque, &job);
}

/* Sleep until kicked. The kick may have come already: then there is no sleep. */
static int park(struct vcpu *c)
{
	const struct timespec late = { .tv_nsec = 300000 };
	int taken, quit;

	/* Between the verdict and here a thread may lose any time: each eighth sleep shows that. */
	if (++c->parked % 8 == 0)
		nanosleep(&late, NULL);
	taken = lock(c->m);
	while (!c->kicked && !c->m->quit)
		pthread_cond_wait(&c->wake, &c->m->big_lock);
	c->kicked = 0;
	quit = c->m->quit != 0;
	unlock(c->m, taken);
	return quit;
}

/* vsm_vp_run_prepare() until the VP may run; what it says, or an error. */
static int prepare(struct vcpu *c)
{
	int verdict;

	while ((verdict = vsm_vp_run_prepare(c->vp)) == VSM_VERDICT_BLOCKED) {
		if (park(c))
			return -VSM_ERR_STATE;
	}
	return verdict;
}

/* One exit. A host that emulates devices under its lock may come here with the lock. */
static int enter(struct vcpu *c, const struct exit *e)
{
	int with = e->kind == WRMSR || (e->kind == FAULT && c->intercepts % 2 == 0);
	int taken = with ? lock(c->m) : 0, verdict;

	if (e->kind == TRAP)
		verdict = vsm_vp_hypercall(c->vp, TRAP_RIP, 2);
	else if (e->kind == WRMSR)
		verdict = vsm_vp_wrmsr(c->vp, e->msr, e->value);
	else
		verdict = vsm_vp_memory_fault(c->vp, &e->fault);
	c->with_lock += with ? 1 : 0;
	c->without_lock += with ? 0 : 1;
	unlock(c->m, taken);
	return verdict;
}

/* The run loop for one instruction that exits. Parks outside of the entry and without the lock. */
int execute(struct vcpu *c, const struct exit *e)
{
	int verdict;

	do {
		verdict = prepare(c);
		if (verdict == VSM_VERDICT_RESUME)
			verdict = enter(c, e);
		if (verdict == VSM_VERDICT_BLOCKED)
			verdict = prepare(c);
	} while (verdict == VSM_VERDICT_RETRY && e->kind != FAULT);
	return verdict;
}

/* The guest runs without the lock, but not while the main loop has the machine stopped. */
int store(struct vcpu *c, uint64_t gpa, uint64_t value)
{
	uint8_t *tlb = &c->tlb[gpa / HV_PAGE_SIZE];
	int taken = lock(c->m), allowed;

	while (c->m->stopping != 0)
		pthread_cond_wait(&c->m->resume, &c->m->big_lock);
	c->m->in_guest++;
	unlock(c->m, taken);
	if (*tlb == 0)
		*tlb = c->m->view[gpa / HV_PAGE_SIZE] | 0x80;
	allowed = c->loaded != 0 || (*tlb & HV_MAP_GPA_WRITABLE) != 0;
	if (allowed)
		memcpy(c->m->ram + gpa, &value, sizeof(value));
	else
		*tlb = 0; /* A fault drops the translation that it used (SDM vol. 3A 4.10.4.1). */
	taken = lock(c->m);
	if (--c->m->in_guest == 0)
		pthread_cond_broadcast(&c->m->idle);
	unlock(c->m, taken);
	return allowed;
}

/* A thread serves kicks also while its VP is not started or has nothing left to do: another VP may
 * want its registers. 1 when the number is there, 0 if the machine is given up. */
static int serve_until(struct vcpu *c, const uint32_t *number, uint32_t value)
{
	for (;;) {
		int taken = lock(c->m), there = *number == value, quit = c->m->quit != 0;

		unlock(c->m, taken);
		if (there || quit)
			return there;
		park(c);
		if (prepare(c) != VSM_VERDICT_RESUME)
			return 0;
	}
}

/* A number that other threads wait for goes up. */
static void announce(struct machine *m, uint32_t *number)
{
	int taken = lock(m);

	++*number;
	for (uint32_t i = 0; i < VPS; i++)
		kick(&m->vcpu[i]);
	pthread_cond_signal(&m->work);
	unlock(m, taken);
}

static const char *run(struct vcpu *c)
{
	struct machine *m = c->m;

	if (c->index != 0 && !serve_until(c, &m->ready, 1))
		return "VTL1 was not started";
	if (c->index == 0 && !guest_boot(c))
		return "VTL1 did not start";
	if (c->index == 0)
		announce(m, &m->ready);
	if (!guest_start(c))
		return "there is no message page";
	for (uint32_t n = 0; n < ROUNDS; n++) {
		if (!guest_round(c, n))
			return "a round went wrong";
	}
	announce(m, &m->finished);
	return serve_until(c, &m->finished, VPS) ? NULL : "the other VP did not finish";
}

static void *vcpu_thread(void *opaque)
{
	struct vcpu *c = opaque;
	const char *why = run(c);
	int taken = lock(c->m);

	if (why != NULL && c->m->failed == NULL) {
		c->m->failed = why;
		pthread_cond_signal(&c->m->work);
	}
	unlock(c->m, taken);
	return NULL;
}

/* The thread that has time to wait for the whole machine. */
static void main_loop(struct machine *m)
{
	const struct timespec other_things = { .tv_nsec = 50000 };
	struct timespec deadline;
	struct job job;
	int taken = lock(m);

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += SECONDS;
	while (m->finished < VPS && m->failed == NULL) {
		if (m->jobs == 0) {
			if (pthread_cond_timedwait(&m->work, &m->big_lock, &deadline) == ETIMEDOUT)
				m->failed = "nothing happens any more";
			continue;
		}
		job = m->job[0];
		m->jobs--;
		memmove(&m->job[0], &m->job[1], m->jobs * sizeof(job));
		if (m->completed[PROTECT] % 2 ==
		    0) { /* When the VP is long asleep; else at once. */
			unlock(m, taken);
			nanosleep(&other_things, NULL);
			taken = lock(m);
		}
		perform(m, &job);
		/* Under the lock, and so is the kick that comes of it. */
		if (vsm_op_complete(m->vsm, job.token, 0, 0) != 0)
			m->failed = "libvsm does not know the token";
	}
	m->quit = 1;
	for (uint32_t i = 0; i < VPS; i++)
		kick(&m->vcpu[i]);
	unlock(m, taken);
}

static int create(struct machine *m)
{
	const struct vsm_host_ops ops = { .size = sizeof(ops),
					  .regs_get = regs_get,
					  .regs_set = regs_set,
					  .switch_vtl = switch_vtl,
					  .gpa_read = gpa_read,
					  .gpa_write = gpa_write,
					  .overlay_map = overlay_map,
					  .protect = protect,
					  .tlb_flush = tlb_flush,
					  .kick = kick };
	struct vsm_config config;

	pthread_mutex_init(&m->big_lock, NULL);
	pthread_cond_init(&m->work, NULL);
	pthread_cond_init(&m->idle, NULL);
	pthread_cond_init(&m->resume, NULL);
	memset(m->view, VSM_RIGHTS_ALL, sizeof(m->view));
	vsm_config_init(&config);
	config.max_vps = VPS;
	config.enforceable = 0xa00b; /* 0, R, RW, RX, RWX: whatever is legal without MBEC. */
	if (list_private(m) != 0 || vsm_partition_create(&config, &ops, m, &m->vsm) != 0 ||
	    vsm_ram_add(m->vsm, 0, sizeof(m->ram)) != 0 || vsm_partition_realise(m->vsm) != 0)
		return -1;
	for (uint32_t i = 0; i < VPS; i++) {
		struct vcpu *c = &m->vcpu[i];
		struct vsm_vp_config vp = {
			.size = sizeof(vp), .index = i, .apic_id = i, .opaque = c
		};

		c->m = m;
		c->index = i;
		pthread_cond_init(&c->wake, NULL);
		guest_reset(c);
		if (vsm_vp_create(m->vsm, &vp, &c->vp) != 0)
			return -1;
	}
	return 0;
}

static void report(const struct machine *m)
{
	printf("completed later: %u overlays, %u changes of rights, %u flushes\n",
	       m->completed[OVERLAY], m->completed[PROTECT], m->completed[FLUSH]);
	for (uint32_t i = 0; i < VPS; i++) {
		const struct vcpu *c = &m->vcpu[i];

		printf("VP %u: %u entries with the big lock, %u without; parked %u times; "
		       "%u intercepts; looked %u times at the other VP\n",
		       i, c->with_lock, c->without_lock, c->parked, c->intercepts, c->looks);
	}
}

int main(void)
{
	static struct machine m;
	pthread_t thread[VPS];

	if (create(&m) != 0)
		m.failed = "there is no machine";
	for (uint32_t i = 0; m.failed == NULL && i < VPS; i++) {
		if (pthread_create(&thread[i], NULL, vcpu_thread, &m.vcpu[i]) != 0)
			return 1;
	}
	if (m.failed == NULL) {
		main_loop(&m);
		for (uint32_t i = 0; i < VPS; i++)
			pthread_join(thread[i], NULL);
		report(&m);
	}
	vsm_partition_destroy(m.vsm);
	printf("deferred-host: %s\n", m.failed != NULL ? m.failed : "ok");
	return m.failed != NULL;
}
