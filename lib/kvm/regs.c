/* SPDX-License-Identifier: BSD-3-Clause */
/* The ops regs_get and regs_set: HV register names in batches. */
#include "kvm_private.h"

#include <string.h>

#include <vsm/hv.h>
#include <vsm/registers.h>

/* Registers of which this host keeps no copy in kvm_run, one ioctl a group. */
#define GROUP_SYNC  0u
#define GROUP_MSR   1u
#define GROUP_DEBUG 2u
#define GROUP_FPU   3u
#define GROUP_XCR   4u

static uint32_t group_of(uint32_t name)
{
	if (name >= HV_X64_REGISTER_DR0 && name <= HV_X64_REGISTER_DR7)
		return GROUP_DEBUG;
	if (name >= HV_X64_REGISTER_XMM0 && name <= HV_X64_REGISTER_XMM_CONTROL_STATUS)
		return GROUP_FPU;
	if (name == HV_X64_REGISTER_XFEM)
		return GROUP_XCR;
	/* EFER and APIC_BASE are MSRs too, but KVM keeps them with the control registers. */
	if (name >= HV_X64_REGISTER_TSC && name != HV_X64_REGISTER_EFER &&
	    name != HV_X64_REGISTER_APIC_BASE)
		return GROUP_MSR;
	return GROUP_SYNC;
}

/* TLFS 15.11.2: these are the same in all VTLs. */
static int is_shared(uint32_t name)
{
	if (name >= HV_X64_REGISTER_RAX && name <= HV_X64_REGISTER_R15)
		return name != HV_X64_REGISTER_RSP;
	return name == HV_X64_REGISTER_CR2 || group_of(name) == GROUP_FPU ||
	       group_of(name) == GROUP_XCR ||
	       (name >= HV_X64_REGISTER_DR0 && name <= HV_X64_REGISTER_DR3);
}

/*
 * The vCPU that has a register. What is shared lies in the vCPU that runs: the others get it when
 * they are switched to. Within a switch each has its own already.
 */
static struct vk_vcpu *vcpu_of(struct vsm_kvm_vp *kvp, uint32_t vtl, uint32_t name)
{
	if (!kvp->preparing && is_shared(name))
		vtl = kvp->active;
	return &kvp->vcpu[vtl];
}

int kvm_regs_load(struct vsm_kvm_vp *kvp, struct vk_vcpu *v)
{
	kvm_count(&kvp->count.ioctls, 3);
	return vsm_kvm_sync_regs(v->fd, v->run);
}

static uint64_t *debug_reg(struct kvm_debugregs *d, uint32_t name)
{
	if (name <= HV_X64_REGISTER_DR3)
		return (uint64_t *)&d->db[name - HV_X64_REGISTER_DR0];
	return name == HV_X64_REGISTER_DR6 ? (uint64_t *)&d->dr6 : (uint64_t *)&d->dr7;
}

static int get_other(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, struct vsm_reg *reg)
{
	const struct vsm_kvm *k = kvp->k;
	struct kvm_debugregs debug;
	struct kvm_xcrs xcrs = { .nr_xcrs = 0 };

	reg->value.high = 0;
	switch (group_of(reg->name)) {
	case GROUP_MSR:
		if (kvm_msr_of(k, reg->name) == 0)
			return -VSM_ERR_NOTFOUND;
		return kvm_msr_get(kvp, v, kvm_msr_of(k, reg->name), (uint64_t *)&reg->value.low);
	case GROUP_DEBUG:
		if ((k->facts.host.flags & VSM_KVM_HAS_DEBUGREGS) == 0)
			return -VSM_ERR_NOTFOUND;
		if (kvm_vcpu_ioctl(kvp, v, KVM_GET_DEBUGREGS, &debug) != 0)
			return -VSM_ERR_HOST;
		reg->value.low = *debug_reg(&debug, reg->name);
		return 0;
	case GROUP_XCR:
		if ((k->facts.host.carry & VSM_KVM_CARRY_XCR0) == 0)
			return -VSM_ERR_NOTFOUND;
		if (kvm_vcpu_ioctl(kvp, v, KVM_GET_XCRS, &xcrs) != 0 || xcrs.nr_xcrs == 0)
			return -VSM_ERR_HOST;
		reg->value.low = xcrs.xcrs[0].value;
		return 0;
	default:
		if (kvm_fpu_save(kvp, v, kvp->shared.work) != 0)
			return -VSM_ERR_HOST;
		return kvm_fpu_get(kvp->shared.work, reg);
	}
}

int kvm_op_regs_get(void *vp, uint32_t vtl, uint32_t groups, struct vsm_reg *regs, uint32_t count)
{
	struct vsm_kvm_vp *kvp = vp;
	int r = 0;

	(void)groups;
	for (uint32_t i = 0; i < count && r == 0; i++) {
		struct vk_vcpu *v = vcpu_of(kvp, vtl, regs[i].name);

		if (v->io == VK_IO_ANSWERED)
			r = kvm_complete(kvp, v) == 0 ? 0 : -VSM_ERR_HOST;
		if (r == 0)
			r = group_of(regs[i].name) == GROUP_SYNC ?
				    kvm_sync_get(&v->run->s.regs, &regs[i]) :
				    get_other(kvp, v, &regs[i]);
	}
	return r;
}

static int set_debug(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, const struct vsm_reg *reg)
{
	struct kvm_debugregs debug;

	if ((kvp->k->facts.host.flags & VSM_KVM_HAS_DEBUGREGS) == 0)
		return -VSM_ERR_NOTFOUND;
	if (kvm_vcpu_ioctl(kvp, v, KVM_GET_DEBUGREGS, &debug) != 0)
		return -VSM_ERR_HOST;
	*debug_reg(&debug, reg->name) = reg->value.low;
	return kvm_vcpu_ioctl(kvp, v, KVM_SET_DEBUGREGS, &debug) == 0 ? 0 : -VSM_ERR_INVAL;
}

static int set_msr(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, const struct vsm_reg *reg)
{
	uint32_t msr = kvm_msr_of(kvp->k, reg->name);

	if (msr == VSM_NO_MSR)
		return -VSM_ERR_NOTFOUND;
	if (kvm_msr_mirrored(msr))
		return kvm_msr_share(kvp, (uint32_t)(v - kvp->vcpu), msr, reg->value.low);
	return kvm_msr_set(kvp, v, msr, reg->value.low);
}

static int set_other(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, const struct vsm_reg *reg)
{
	const struct vsm_kvm *k = kvp->k;
	struct kvm_xcrs xcrs = { .nr_xcrs = 1 };
	int r;

	switch (group_of(reg->name)) {
	case GROUP_MSR:
		return set_msr(kvp, v, reg);
	case GROUP_DEBUG:
		return set_debug(kvp, v, reg);
	case GROUP_XCR:
		if ((k->facts.host.carry & VSM_KVM_CARRY_XCR0) == 0)
			return -VSM_ERR_NOTFOUND;
		xcrs.xcrs[0].value = reg->value.low;
		return kvm_vcpu_ioctl(kvp, v, KVM_SET_XCRS, &xcrs) == 0 ? 0 : -VSM_ERR_INVAL;
	default:
		if (kvm_fpu_save(kvp, v, kvp->shared.work) != 0)
			return -VSM_ERR_HOST;
		r = kvm_fpu_put(kvp->shared.work, reg);
		if (r != 0)
			return r;
		return kvm_fpu_restore(kvp, v, kvp->shared.work) == 0 ? 0 : -VSM_ERR_INVAL;
	}
}

/* What kvm_run holds of one vCPU, with the registers of a batch put in. */
struct batch {
	struct vk_vcpu *v;
	struct kvm_sync_regs s;
	uint64_t changed; /* KVM_SYNC_X86_* */
};

static int batch_fill(struct vsm_kvm_vp *kvp, struct batch *b, struct vk_vcpu *v, uint32_t vtl,
		      const struct vsm_reg *regs, uint32_t count)
{
	struct vsm_reg now;
	uint64_t what;
	int r;

	b->v = v;
	b->changed = 0;
	b->s = v->run->s.regs;
	for (uint32_t i = 0; i < count; i++) {
		if (group_of(regs[i].name) != GROUP_SYNC || vcpu_of(kvp, vtl, regs[i].name) != v)
			continue;
		now.name = regs[i].name;
		r = kvm_sync_get(&v->run->s.regs, &now);
		if (r == 0)
			r = kvm_sync_put(&b->s, &regs[i], &what);
		if (r != 0)
			return r;
		if (memcmp(&now.value, &regs[i].value, sizeof(now.value)) != 0)
			b->changed |= what;
	}
	return 0;
}

/*
 * Control and segment registers go to KVM at once, because it may refuse them; the rest waits for
 * the next KVM_RUN. CR8 alone lies in kvm_run outside of that.
 */
static int batch_apply(struct vsm_kvm_vp *kvp, struct batch *b)
{
	struct kvm_run *run = b->v->run;
	struct kvm_sregs old = run->s.regs.sregs;

	if ((b->changed & KVM_SYNC_X86_SREGS) != 0) {
		run->cr8 = b->s.sregs.cr8;
		old.cr8 = run->cr8;
		if (memcmp(&old, &b->s.sregs, sizeof(old)) != 0 &&
		    kvm_vcpu_ioctl(kvp, b->v, KVM_SET_SREGS, &b->s.sregs) != 0) {
			run->cr8 = run->s.regs.sregs.cr8;
			return -VSM_ERR_INVAL;
		}
		run->kvm_dirty_regs &= ~(uint64_t)KVM_SYNC_X86_SREGS;
	}
	run->s.regs = b->s;
	run->kvm_dirty_regs |= b->changed & KVM_SYNC_X86_REGS;
	return 0;
}

static void batch_revert(struct vsm_kvm_vp *kvp, struct batch *b, const struct kvm_sync_regs *old)
{
	uint64_t changed = b->changed;

	b->s = *old;
	b->changed = changed;
	batch_apply(kvp, b);
}

/* Registers behind ioctls, one by one; what was done is undone if one is refused. */
static int set_others(struct vsm_kvm_vp *kvp, uint32_t vtl, const struct vsm_reg *regs,
		      uint32_t count)
{
	struct vsm_reg old[32];
	int r = 0;
	uint32_t i;

	for (i = 0; i < count && r == 0; i++) {
		struct vk_vcpu *v = vcpu_of(kvp, vtl, regs[i].name);

		if (group_of(regs[i].name) == GROUP_SYNC)
			continue;
		old[i].name = regs[i].name;
		r = get_other(kvp, v, &old[i]);
		/* KVM refuses to write some MSRs that it lets one read, be it the value they
		 * have. */
		if (r == 0 && memcmp(&old[i].value, &regs[i].value, sizeof(old[i].value)) != 0)
			r = set_other(kvp, v, &regs[i]);
	}
	if (r == 0)
		return 0;
	for (i--; i > 0; i--) {
		if (group_of(regs[i - 1].name) != GROUP_SYNC)
			set_other(kvp, vcpu_of(kvp, vtl, regs[i - 1].name), &old[i - 1]);
	}
	return r;
}

static int complete_all(struct vsm_kvm_vp *kvp, uint32_t vtl)
{
	struct vk_vcpu *v = &kvp->vcpu[vtl];
	struct vk_vcpu *a = &kvp->vcpu[kvp->active];

	if (v->io != VK_IO_NONE && kvm_complete(kvp, v) != 0)
		return -VSM_ERR_HOST;
	return a->io != VK_IO_NONE && kvm_complete(kvp, a) != 0 ? -VSM_ERR_HOST : 0;
}

int kvm_op_regs_set(void *vp, uint32_t vtl, uint32_t groups, const struct vsm_reg *regs,
		    uint32_t count)
{
	struct vsm_kvm_vp *kvp = vp;
	struct batch own, shared;
	struct kvm_sync_regs old;
	int r;

	(void)groups;
	if (count > 32)
		return -VSM_ERR_INVAL;
	if (complete_all(kvp, vtl) != 0)
		return -VSM_ERR_HOST;
	r = batch_fill(kvp, &own, &kvp->vcpu[vtl], vtl, regs, count);
	shared.changed = 0;
	if (r == 0 && kvp->active != vtl && !kvp->preparing)
		r = batch_fill(kvp, &shared, &kvp->vcpu[kvp->active], vtl, regs, count);
	if (r != 0)
		return r;
	old = own.v->run->s.regs;
	r = own.changed != 0 ? batch_apply(kvp, &own) : 0;
	if (r == 0)
		r = set_others(kvp, vtl, regs, count);
	else
		return r;
	/* CR2 and GPRs: nothing that KVM refuses. */
	if (r == 0 && shared.changed != 0)
		r = batch_apply(kvp, &shared);
	if (r != 0 && own.changed != 0)
		batch_revert(kvp, &own, &old);
	return r;
}
