/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Signals of a VP's thread: the VMM's kick, and SIGBUS, by which KVM tells of poisoned pages. Both
 * are blocked but in KVM_RUN, which they end, and taken without a handler.
 */
#include "kvm_private.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The kernel's signal set: one word on x86-64, unlike the C library's. */
typedef uint64_t kernel_sigset;

#define SET_OF(signal) (1ull << ((signal)-1))

static int mask(int how, const kernel_sigset *set, kernel_sigset *old)
{
	return (int)syscall(SYS_rt_sigprocmask, how, set, old, sizeof(*set));
}

/* What ends KVM_RUN. */
static kernel_sigset wanted(const struct vsm_kvm *k)
{
	kernel_sigset set = 0;

	if (k->options.kick_signal != 0)
		set |= SET_OF(k->options.kick_signal);
	if ((k->mechanism->flags & VK_MECH_SIGBUS) != 0)
		set |= SET_OF(SIGBUS);
	return set;
}

static int vcpu_mask_set(struct vsm_kvm_vp *kvp, struct vk_vcpu *v)
{
	struct {
		uint32_t len; /* struct kvm_signal_mask: the set follows without a gap. */
		uint8_t set[sizeof(kernel_sigset)];
	} m;
	kernel_sigset set = 0;

	if (mask(SIG_BLOCK, NULL, &set) != 0)
		return -1;
	set &= ~wanted(kvp->k);
	memset(&m, 0, sizeof(m));
	m.len = sizeof(set);
	memcpy(m.set, &set, sizeof(set));
	return kvm_vcpu_ioctl(kvp, v, KVM_SET_SIGNAL_MASK, &m);
}

/*
 * A number of this thread among those that have run VPs of this backend; NULL and errno. pthread_t
 * will not do: a new thread often has that of one that has ended, but its own signal mask.
 */
static void *thread_number(struct vsm_kvm *k)
{
	void *number = pthread_getspecific(k->thread_key);
	kernel_sigset bus = wanted(k) & SET_OF(SIGBUS);

	if (number != NULL)
		return number;
	/* If it were not blocked outside of KVM_RUN it would end the process there. */
	if (mask(SIG_BLOCK, &bus, NULL) != 0)
		return NULL;
	number = (void *)(uintptr_t)(atomic_fetch_add(&k->threads, 1) + 1);
	errno = pthread_setspecific(k->thread_key, number);
	return errno == 0 ? number : NULL;
}

int kvm_signals_set(struct vsm_kvm_vp *kvp, struct vk_vcpu *v)
{
	const void *thread;

	if (wanted(kvp->k) == 0)
		return 0;
	thread = thread_number(kvp->k);
	if (thread == NULL)
		return -1;
	if (kvp->thread != thread) {
		kvp->thread = thread;
		kvm_hit_enlist(kvp);
		for (uint32_t vtl = 0; vtl < kvp->k->vtls; vtl++)
			kvp->vcpu[vtl].signal_mask_set = 0;
	}
	if (v->signal_mask_set)
		return 0;
	if (vcpu_mask_set(kvp, v) != 0)
		return -1;
	v->signal_mask_set = 1;
	return 0;
}

void kvm_signals_collect(struct vsm_kvm_vp *kvp)
{
	static const struct timespec now = { 0, 0 };
	kernel_sigset set = wanted(kvp->k);
	siginfo_t info;
	int signal;

	while (set != 0) {
		signal = (int)syscall(SYS_rt_sigtimedwait, &set, &info, &now, sizeof(set));
		if (signal < 0 && errno == EINTR)
			continue;
		if (signal <= 0)
			return;
		/* One of each: further ones can wait, and end KVM_RUN again. */
		set &= ~SET_OF(signal);
		if (signal != SIGBUS) {
			/* It may be all there is of a kick, and a SIGBUS beside it. */
			kvp->attend = 1;
			continue;
		}
		kvp->bus.pending = 1;
		kvp->bus.code = info.si_code;
		kvp->bus.hva = (uint64_t)(uintptr_t)info.si_addr;
		kvp->bus.info = info;
	}
}

int kvm_signals_wait(const struct vsm_kvm_vp *kvp, long nanoseconds)
{
	const struct timespec time = { 0, nanoseconds };
	uint32_t kick = kvp->k->options.kick_signal;
	kernel_sigset set = kick != 0 ? SET_OF(kick) : 0;

	return syscall(SYS_rt_sigtimedwait, &set, NULL, &time, sizeof(set)) > 0;
}

/* For the thread itself, as it would have been without this library: the VMM's handler or the
 * default action gets it now. Left pending it would end each KVM_RUN at once. */
void kvm_bus_raise(struct vsm_kvm_vp *kvp)
{
	kernel_sigset bus = SET_OF(SIGBUS);

	kvp->bus.pending = 0;
	kvp->bus.repeats = 0;
	syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), SIGBUS, &kvp->bus.info);
	mask(SIG_UNBLOCK, &bus, NULL);
	mask(SIG_BLOCK, &bus, NULL);
}
