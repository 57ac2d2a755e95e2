/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Taking back a load that KVM reported and waits to complete.
 *
 * KVM has no way to cancel it: what was decoded is carried out with whatever data it is given, and
 * that may write to memory, to another register, or to a descriptor table. So it is let do so where
 * nothing can be reached, and the registers are put back after it. Then RIP is on the instruction,
 * nothing is pending, and everything may be set.
 */
#include "kvm_private.h"

#include <errno.h>
#include <string.h>

#define CR0_PG	 (1ull << 31)
#define EFER_LMA (1ull << 10)

/* More than the widest load has, or a port string that KVM has buffered. */
#define STEPS_MAX 4096u

/* Zeros: a null selector, an address that nobody likes, no descriptor. */
static int run_out(struct vsm_kvm_vp *kvp, struct vk_vcpu *v)
{
	int r = 0;

	for (uint32_t i = 0; i < STEPS_MAX && r == 0; i++) {
		memset(v->run->mmio.data, 0, sizeof(v->run->mmio.data));
		r = kvm_enter_not(kvp, v);
	}
	return r == -EINTR ? 0 : -VSM_ERR_SYS;
}

/* 4-level paging: with page tables where no memory is each access of the instruction faults. */
static int run_out_unmapped(struct vsm_kvm_vp *kvp, struct vk_vcpu *v)
{
	int r;

	v->run->s.regs.sregs.cr3 = (1ull << kvp->k->facts.host.phys_bits) - VK_PAGE;
	v->run->kvm_dirty_regs |= KVM_SYNC_X86_SREGS;
	kvm_guest_enter(kvp);
	r = run_out(kvp, v);
	kvm_guest_leave(kvp);
	return r;
}

/* Other modes: without any memory. Slower, and the VTL's other VPs have to wait. */
static int run_out_bare(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, uint32_t vtl)
{
	struct vsm_kvm *k = kvp->k;
	int r, restored;

	pthread_mutex_lock(&k->lock);
	kvm_park(k);
	r = kvm_slots_withdraw(k, vtl);
	if (r == 0)
		r = run_out(kvp, v);
	restored = kvm_slots_restore(k, vtl);
	kvm_unpark(k);
	pthread_mutex_unlock(&k->lock);
	return restored != 0 ? restored : r;
}

int kvm_run_out(struct vsm_kvm_vp *kvp, uint32_t vtl)
{
	struct vk_vcpu *v = &kvp->vcpu[vtl];
	const struct kvm_sregs *sregs = &v->run->s.regs.sregs;
	int r;

	if ((sregs->cr0 & CR0_PG) != 0 && (sregs->efer & EFER_LMA) != 0)
		r = run_out_unmapped(kvp, v);
	else
		r = run_out_bare(kvp, v, vtl);
	v->io = VK_IO_NONE;
	return r;
}

int kvm_undo_load(struct vsm_kvm_vp *kvp, uint32_t vtl)
{
	struct vk_vcpu *v = &kvp->vcpu[vtl];
	struct kvm_sync_regs before = v->run->s.regs;
	int r;

	if (kvm_fpu_save(kvp, v, kvp->shared.work) != 0)
		return kvm_fail_sys(kvp->k, "undoing a load: no FPU state, errno");
	r = kvm_run_out(kvp, vtl);
	v->run->s.regs = before;
	v->run->kvm_dirty_regs = VK_SYNC_ALL;
	if (r != 0)
		return kvm_fail_sys(kvp->k, "undoing a load: KVM does not let go of it, errno");
	if (kvm_fpu_restore(kvp, v, kvp->shared.work) != 0)
		return kvm_fail_sys(kvp->k, "undoing a load: FPU state is lost, errno");
	kvm_count(&kvp->count.undone, 1);
	return 0;
}
