/* SPDX-License-Identifier: BSD-3-Clause */
/* Private state of a plain vCPU from and to an object (TLFS 15.11.1). */
#include <errno.h>
#include <string.h>

#include "kvm_private.h"
#include "vcpu_state.h"

#define X86_CR0_PG   (1ull << 31)
#define X86_CR4_PAE  (1ull << 5)
#define X86_EFER_LME (1ull << 8)
#define X86_EFER_LMA (1ull << 10)
#define RFLAGS_IF    (1ull << 9)

/* Every CPU with KVM has as many physical address bits: CR3 bits below are never refused. */
#define PHYS_BITS_LEAST 36

int kvm_vcpu_check(int fd, const struct kvm_run *run)
{
	if (fd < 0 || run == NULL)
		return -VSM_ERR_INVAL;
	return (run->kvm_valid_regs & VK_SYNC_ALL) == VK_SYNC_ALL ? 0 : -VSM_ERR_MISUSE;
}

/* May KVM_RUN refuse these control registers, if it had the old ones? */
static int is_doubtful(const struct kvm_run *run, const struct kvm_sregs *old,
		       const struct kvm_sregs *next)
{
	return (run->kvm_dirty_regs & KVM_SYNC_X86_SREGS) != 0 || next->cr0 != old->cr0 ||
	       next->cr4 != old->cr4 || next->efer != old->efer ||
	       next->apic_base != old->apic_base || (next->cr3 & ~old->cr3) >> PHYS_BITS_LEAST != 0;
}

/* SDM vol. 3A 9.8.5: what belongs to 64-bit mode. */
static int is_coherent(const struct kvm_sregs *s)
{
	int is_long = (s->cr0 & X86_CR0_PG) != 0 && (s->efer & X86_EFER_LME) != 0;

	if (is_long != ((s->efer & X86_EFER_LMA) != 0))
		return 0;
	return is_long ? (s->cr4 & X86_CR4_PAE) != 0 : s->cs.l == 0;
}

static int sregs_set(int fd, const struct kvm_sregs *s)
{
	struct kvm_sregs copy = *s;

	/* Events are the business of kvm_run: a bit here would queue another interrupt. */
	memset(copy.interrupt_bitmap, 0, sizeof(copy.interrupt_bitmap));
	if (kvm_ioctl(fd, KVM_SET_SREGS, &copy) == 0)
		return 0;
	return errno == EINVAL ? -VSM_ERR_INVAL : -VSM_ERR_SYS;
}

static int debug_set(int fd, const struct kvm_debugregs *old, const struct kvm_debugregs *next)
{
	if (old->dr6 == next->dr6 && old->dr7 == next->dr7)
		return 0;
	if (kvm_ioctl(fd, KVM_SET_DEBUGREGS, (void *)(uintptr_t)next) == 0)
		return 0;
	return errno == EINVAL ? -VSM_ERR_INVAL : -VSM_ERR_SYS;
}

/*
 * Events are always new: an INT n, INT3 or INTO that KVM is about to deliver it does not show
 * (Linux, kvm_vcpu_ioctl_x86_get_vcpu_events()), and the next VTL would get it. What KVM counts by
 * itself is not taken from here, another thread may just have sent an NMI; but it is if the VMM has
 * put it here.
 */
static void events_set(struct kvm_run *run, const struct kvm_vcpu_events *next)
{
	uint32_t flags = KVM_VCPUEVENT_VALID_SHADOW;

	if ((run->kvm_dirty_regs & KVM_SYNC_X86_EVENTS) != 0)
		flags |= run->s.regs.events.flags;
	run->s.regs.events = *next;
	run->s.regs.events.flags = flags;
	run->kvm_dirty_regs |= KVM_SYNC_X86_EVENTS;
}

/* What waits for the next KVM_RUN. */
static void run_set(struct kvm_run *run, const struct kvm_sync_regs *next, int has_sregs)
{
	const struct kvm_sync_regs *old = &run->s.regs;

	if (memcmp(&old->regs, &next->regs, sizeof(old->regs)) != 0)
		run->kvm_dirty_regs |= KVM_SYNC_X86_REGS;
	if (has_sregs)
		run->kvm_dirty_regs &= ~(uint64_t)KVM_SYNC_X86_SREGS;
	else if (memcmp(&old->sregs, &next->sregs, sizeof(old->sregs)) != 0)
		run->kvm_dirty_regs |= KVM_SYNC_X86_SREGS;
	run->s.regs.regs = next->regs;
	run->s.regs.sregs = next->sregs;
	run->cr8 = next->sregs.cr8;
	run->apic_base = next->sregs.apic_base;
	events_set(run, &next->events);
	/* What these said was said of the other VTL. KVM_RUN would lose what KVM_INTERRUPT queues
	 * before it. */
	run->if_flag = (next->regs.rflags & RFLAGS_IF) != 0;
	run->ready_for_interrupt_injection = 0;
}

static int put_back(int fd, const struct vk_contents *old, int has_sregs,
		    const struct vk_contents *next, int has_msrs, int why)
{
	int saved = errno;

	if (has_sregs && sregs_set(fd, &old->sync.sregs) != 0)
		return -VSM_ERR_STATE;
	if (has_msrs && kvm_batch_set(fd, kvm_private_msrs, kvm_private_msr_count(), &next->msr,
				      &old->msr) != 0)
		return -VSM_ERR_STATE;
	errno = saved;
	return why;
}

static int apply(int fd, struct kvm_run *run, const struct vk_contents *old,
		 const struct vk_contents *next)
{
	int ask = is_doubtful(run, &old->sync.sregs, &next->sync.sregs);
	int has_msrs = 0, r;

	if (!is_coherent(&next->sync.sregs))
		return -VSM_ERR_INVAL;
	r = ask ? sregs_set(fd, &next->sync.sregs) : 0;
	if (r != 0)
		return r;
	r = kvm_batch_set(fd, kvm_private_msrs, kvm_private_msr_count(), &old->msr, &next->msr);
	if (r == 0) {
		has_msrs = 1;
		r = debug_set(fd, &old->debug, &next->debug);
	}
	if (r == -VSM_ERR_STATE)
		return r;
	if (r != 0)
		return put_back(fd, old, ask, next, has_msrs, r);
	run_set(run, &next->sync, ask);
	return 0;
}

int vsm_kvm_sync_regs(int vcpu_fd, struct kvm_run *run)
{
	struct kvm_sync_regs s;

	memset(&s, 0, sizeof(s));
	if (vcpu_fd < 0 || run == NULL)
		return -VSM_ERR_INVAL;
	if (kvm_ioctl(vcpu_fd, KVM_GET_REGS, &s.regs) != 0 ||
	    kvm_ioctl(vcpu_fd, KVM_GET_SREGS, &s.sregs) != 0 ||
	    kvm_ioctl(vcpu_fd, KVM_GET_VCPU_EVENTS, &s.events) != 0)
		return -VSM_ERR_SYS;
	run->s.regs = s;
	run->cr8 = s.sregs.cr8;
	run->kvm_valid_regs = VK_SYNC_ALL;
	run->kvm_dirty_regs = 0;
	return 0;
}

int vsm_kvm_private_save(int vcpu_fd, struct kvm_run *run, struct vsm_private_state *state)
{
	struct vk_contents now;
	int r = kvm_contents_check(state);

	if (r == 0)
		r = kvm_vcpu_check(vcpu_fd, run);
	if (r == 0)
		r = kvm_contents_get(vcpu_fd, run, &now);
	if (r == 0)
		kvm_contents_save(&now, state);
	return r;
}

int vsm_kvm_private_load(int vcpu_fd, struct kvm_run *run, const struct vsm_private_state *state)
{
	struct vk_contents now, next;
	int r = kvm_contents_check(state);

	if (r == 0)
		r = kvm_vcpu_check(vcpu_fd, run);
	if (r == 0)
		r = kvm_contents_get(vcpu_fd, run, &now);
	if (r != 0)
		return r;
	next = now;
	r = kvm_contents_load(state, &next);
	return r == 0 ? apply(vcpu_fd, run, &now, &next) : r;
}

int vsm_kvm_private_exchange(int vcpu_fd, struct kvm_run *run, struct vsm_private_state *out,
			     const struct vsm_private_state *in)
{
	struct vk_contents now, next;
	int r = out == in || kvm_contents_check(out) != 0 ? -VSM_ERR_INVAL : kvm_contents_check(in);

	if (r == 0)
		r = out->flags == in->flags ? kvm_vcpu_check(vcpu_fd, run) : -VSM_ERR_INVAL;
	if (r == 0)
		r = kvm_contents_get(vcpu_fd, run, &now);
	if (r != 0)
		return r;
	next = now;
	r = kvm_contents_load(in, &next);
	if (r == 0)
		r = apply(vcpu_fd, run, &now, &next);
	if (r == 0)
		kvm_contents_save(&now, out);
	return r;
}
