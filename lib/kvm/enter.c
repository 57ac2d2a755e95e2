/* SPDX-License-Identifier: BSD-3-Clause */
/* KVM_RUN: to run the guest, or to complete what an exit left half done. */
#include "kvm_private.h"

#include <errno.h>
#include <sys/ioctl.h>

/* More than the fragments of the widest access, or a port string that KVM has buffered. */
#define STEPS_MAX 4096u

#define LATER_NS 1000000

static void immediate(struct vk_vcpu *v, uint8_t on)
{
	__atomic_store_n(&v->run->immediate_exit, on, __ATOMIC_SEQ_CST);
}

static int run(struct vsm_kvm_vp *kvp, struct vk_vcpu *v)
{
	kvm_count(&kvp->count.runs, 1);
	return ioctl(v->fd, KVM_RUN, 0) == 0 ? 0 : -errno;
}

/*
 * A kick sets `kicked` first and immediate_exit after it. Here immediate_exit is cleared before
 * `kicked` is looked at: so either the kick is seen, or immediate_exit is set again.
 */
static int take_kick(struct vsm_kvm_vp *kvp)
{
	for (uint32_t vtl = 0; vtl < kvp->k->vtls; vtl++) {
		if (__atomic_load_n(&kvp->vcpu[vtl].run->immediate_exit, __ATOMIC_SEQ_CST) != 0)
			immediate(&kvp->vcpu[vtl], 0);
	}
	if (!atomic_load(&kvp->kicked))
		return 0;
	atomic_store(&kvp->kicked, 0);
	kvp->attend = 1;
	return 1;
}

int kvm_enter(struct vsm_kvm_vp *kvp, struct vk_vcpu *v)
{
	int r;

	if (kvm_signals_set(kvp, v) != 0)
		return -errno;
	if (take_kick(kvp))
		return -EINTR;
	kvm_guest_enter(kvp);
	kvm_hit_begin(kvp);
	kvp->epoch = atomic_load(&kvp->k->epoch);
	v->io = VK_IO_NONE;
	v->read.waits = 0;
	r = run(kvp, v);
	kvm_guest_leave(kvp);
	if (r != -EINTR)
		return r;
	kvm_signals_collect(kvp);
	take_kick(kvp);
	return r;
}

int kvm_enter_later(struct vsm_kvm_vp *kvp)
{
	int signalled = kvm_signals_wait(kvp, LATER_NS);

	return take_kick(kvp) || signalled ? -EINTR : 0;
}

int kvm_enter_not(struct vsm_kvm_vp *kvp, struct vk_vcpu *v)
{
	int r;

	immediate(v, 1);
	r = run(kvp, v);
	immediate(v, 0);
	return r;
}

int kvm_complete(struct vsm_kvm_vp *kvp, struct vk_vcpu *v)
{
	int r = 0;

	kvm_guest_enter(kvp);
	/* A further exit on the way is the next part of the same instruction; nobody is left to
	 * answer it, so reads get what is there. */
	for (uint32_t i = 0; i < STEPS_MAX && r == 0; i++)
		r = kvm_enter_not(kvp, v);
	kvm_guest_leave(kvp);
	v->io = VK_IO_NONE;
	return r == -EINTR ? 0 : -VSM_ERR_SYS;
}
