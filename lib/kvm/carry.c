/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VTL switch of a host with one vCPU per VTL: private state stays where it is, shared state is
 * copied (TLFS 15.11.2). GPRs and CR2 cost no system call; the rest is read, compared with what the
 * other vCPU has, and set only if it differs.
 */
#include "kvm_private.h"

#include <stdlib.h>
#include <string.h>

int kvm_carry_init(struct vsm_kvm_vp *kvp)
{
	uint32_t bytes = kvp->k->facts.xsave_size;

	/* What there is already is of a try that failed. */
	if (kvp->shared.fpu == NULL)
		kvp->shared.fpu = calloc(1, bytes);
	if (kvp->shared.work == NULL)
		kvp->shared.work = calloc(1, bytes);
	if (kvp->shared.fpu == NULL || kvp->shared.work == NULL)
		return -VSM_ERR_NOMEM;
	/* No vCPU has seen this age: the first switch sets. */
	kvp->shared.fpu_age = 1;
	kvp->shared.debug_age = 1;
	kvp->shared.xcr_age = 1;
	return 0;
}

void kvm_carry_fini(struct vsm_kvm_vp *kvp)
{
	free(kvp->shared.fpu);
	free(kvp->shared.work);
}

/*
 * XSTATE_BV says which components are in their initial state only because the host's XSAVE happened
 * to notice it; KVM hands out the contents in full either way.
 */
static int same_image(const struct vsm_kvm_vp *kvp)
{
	const uint8_t *a = kvp->shared.work, *b = kvp->shared.fpu;

	return memcmp(a, b, VK_XSTATE_BV) == 0 &&
	       memcmp(a + VK_XSTATE_BV + 8, b + VK_XSTATE_BV + 8,
		      kvp->k->facts.xsave_size - VK_XSTATE_BV - 8) == 0;
}

static int carry_fpu(struct vsm_kvm_vp *kvp, struct vk_vcpu *from, struct vk_vcpu *to)
{
	struct vk_shared *s = &kvp->shared;
	uint8_t *image = s->work;

	if (kvm_fpu_save(kvp, from, s->work) != 0)
		return -1;
	if (!same_image(kvp)) {
		s->work = s->fpu;
		s->fpu = image;
		s->fpu_age++;
	}
	from->fpu_age = s->fpu_age;
	if (to->fpu_age == s->fpu_age)
		return 0;
	if (kvm_fpu_restore(kvp, to, s->fpu) != 0)
		return -1;
	to->fpu_age = s->fpu_age;
	return 1;
}

static int carry_debug(struct vsm_kvm_vp *kvp, struct vk_vcpu *from, struct vk_vcpu *to)
{
	struct vk_shared *s = &kvp->shared;
	struct kvm_debugregs d;

	if (kvm_vcpu_ioctl(kvp, from, KVM_GET_DEBUGREGS, &d) != 0)
		return -1;
	if (memcmp(s->db, d.db, sizeof(s->db)) != 0) {
		memcpy(s->db, d.db, sizeof(s->db));
		s->debug_age++;
	}
	from->debug_age = s->debug_age;
	if (to->debug_age == s->debug_age)
		return 0;
	/* DR6 and DR7 are its own. */
	if (kvm_vcpu_ioctl(kvp, to, KVM_GET_DEBUGREGS, &d) != 0)
		return -1;
	memcpy(d.db, s->db, sizeof(s->db));
	if (kvm_vcpu_ioctl(kvp, to, KVM_SET_DEBUGREGS, &d) != 0)
		return -1;
	to->debug_age = s->debug_age;
	return 1;
}

static int carry_xcr0(struct vsm_kvm_vp *kvp, struct vk_vcpu *from, struct vk_vcpu *to)
{
	struct vk_shared *s = &kvp->shared;
	struct kvm_xcrs x;

	memset(&x, 0, sizeof(x));
	if (kvm_vcpu_ioctl(kvp, from, KVM_GET_XCRS, &x) != 0 || x.nr_xcrs == 0)
		return -1;
	if (x.xcrs[0].value != s->xcr0) {
		s->xcr0 = x.xcrs[0].value;
		s->xcr_age++;
	}
	from->xcr_age = s->xcr_age;
	if (to->xcr_age == s->xcr_age)
		return 0;
	if (kvm_vcpu_ioctl(kvp, to, KVM_SET_XCRS, &x) != 0)
		return -1;
	to->xcr_age = s->xcr_age;
	return 1;
}

static int carry(struct vsm_kvm_vp *kvp, struct vk_vcpu *from, struct vk_vcpu *to)
{
	uint32_t what = kvp->k->carry;
	int xcr0 = 0, fpu = 0, debug = 0;

	/* XCR0 first: it says which components the image may have. */
	if ((what & VSM_KVM_CARRY_XCR0) != 0)
		xcr0 = carry_xcr0(kvp, from, to);
	if (xcr0 >= 0 && (what & VSM_KVM_CARRY_FPU) != 0)
		fpu = carry_fpu(kvp, from, to);
	if (xcr0 >= 0 && fpu >= 0 && (what & VSM_KVM_CARRY_DEBUG) != 0)
		debug = carry_debug(kvp, from, to);
	if (xcr0 < 0 || fpu < 0 || debug < 0)
		return kvm_fail_sys(kvp->k, "VTL switch: KVM would not carry shared state, errno");
	if (xcr0 + fpu + debug != 0)
		kvm_count(&kvp->count.carried, 1);
	return 0;
}

void kvm_gprs_copy(const struct kvm_run *from, struct kvm_run *to)
{
	struct kvm_regs regs = from->s.regs.regs;

	regs.rsp = to->s.regs.regs.rsp;
	regs.rip = to->s.regs.regs.rip;
	regs.rflags = to->s.regs.regs.rflags;
	if (memcmp(&regs, &to->s.regs.regs, sizeof(regs)) != 0) {
		to->s.regs.regs = regs;
		to->kvm_dirty_regs |= KVM_SYNC_X86_REGS;
	}
	if (from->s.regs.sregs.cr2 != to->s.regs.sregs.cr2) {
		to->s.regs.sregs.cr2 = from->s.regs.sregs.cr2;
		to->kvm_dirty_regs |= KVM_SYNC_X86_SREGS;
	}
}

static int prepare(struct vsm_kvm_vp *kvp, struct vk_vcpu *from, struct vk_vcpu *to)
{
	if (from->io != VK_IO_NONE && kvm_complete(kvp, from) != 0)
		return -VSM_ERR_HOST;
	if (kvp->k->carry != 0 && carry(kvp, from, to) != 0)
		return -VSM_ERR_HOST;
	kvp->saved = to->run->s.regs;
	kvp->saved_dirty = to->run->kvm_dirty_regs;
	kvm_gprs_copy(from->run, to->run);
	kvp->preparing = 1;
	return 0;
}

int kvm_op_switch_vtl(void *vp, uint32_t from, uint32_t to, uint32_t phase)
{
	struct vsm_kvm_vp *kvp = vp;

	if (from >= kvp->k->vtls || to >= kvp->k->vtls)
		return -VSM_ERR_INVAL;
	switch (phase) {
	case VSM_SWITCH_PREPARE:
		return prepare(kvp, &kvp->vcpu[from], &kvp->vcpu[to]);
	case VSM_SWITCH_COMMIT:
		kvp->active = to;
		kvp->preparing = 0;
		kvm_count(&kvp->count.switches, 1);
		return 0;
	case VSM_SWITCH_ABORT:
		kvp->vcpu[to].run->s.regs = kvp->saved;
		kvp->vcpu[to].run->kvm_dirty_regs = kvp->saved_dirty;
		kvp->preparing = 0;
		return 0;
	default:
		return -VSM_ERR_INVAL;
	}
}
