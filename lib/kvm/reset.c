/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state that a vCPU has when it is new, and back to it. KVM has no reset, nor can a vCPU be
 * made anew under its old number.
 */
#include "kvm_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MSR_TSC		0x10u
#define MSR_TSC_ADJUST	0x3bu
#define MSR_MC0_CTL2	0x280u
#define MSR_MC0_CTL	0x400u /* and STATUS, ADDR, MISC; each of MC_BANKS */
#define MC_BANKS	32u
#define MSR_SYNTHETIC	0x40000000u
#define MSR_PARAVIRTUAL 0x4b564d00u /* KVM's own */

/* More than any KVM names; what it says is not trusted with memory. */
#define MSRS_MAX 4096u

/* The vCPUs of all VTLs are alike then. */
struct vk_start {
	struct kvm_sync_regs sync;
	struct kvm_debugregs debug;
	struct kvm_xcrs xcrs;
	uint8_t *image; /* XSAVE */
	uint32_t msr_count;
	struct kvm_msr_entry msr[];
};

/* struct kvm_msr_list with room. */
struct names {
	uint32_t count;
	uint32_t name[MSRS_MAX];
};

/* Time goes on: guests cannot set it (kvm_msr_share()). What the MSR filter keeps from them (msr.c)
 * has not changed, and some of that counts by itself. */
static int is_left(uint32_t msr)
{
	return msr == MSR_TSC || msr == MSR_TSC_ADJUST || msr >> 12 == MSR_SYNTHETIC >> 12 ||
	       msr >> 8 == MSR_PARAVIRTUAL >> 8;
}

static int has(const struct vsm_kvm_vp *kvp, uint32_t flag)
{
	return (kvp->k->facts.host.flags & flag) != 0;
}

static void name_add(struct names *n, uint32_t msr)
{
	for (uint32_t i = 0; i < n->count; i++) {
		if (n->name[i] == msr)
			return;
	}
	if (n->count < MSRS_MAX)
		n->name[n->count++] = msr;
}

/* KVM names neither the MTRRs nor the banks of machine checks. */
static int names_get(const struct vsm_kvm *k, struct names *n)
{
	n->count = MSRS_MAX;
	if (kvm_ioctl(k->kvm_fd, KVM_GET_MSR_INDEX_LIST, n) != 0)
		return -1;
	for (uint32_t i = 0; i < k->msr_count; i++)
		name_add(n, k->msr[i].msr);
	for (uint32_t i = 0; i < MC_BANKS; i++) {
		name_add(n, MSR_MC0_CTL2 + i);
		for (uint32_t which = 0; which < 4; which++)
			name_add(n, MSR_MC0_CTL + 4 * i + which);
	}
	return 0;
}

/* KVM names some that this vCPU does not have: they are left out. */
static void msrs_get(struct vsm_kvm_vp *kvp, const struct names *n, struct vk_start *start)
{
	for (uint32_t i = 0; i < n->count; i++) {
		struct vk_msr_list one = { .nmsrs = 1, .entry = { .index = n->name[i] } };

		if (!is_left(n->name[i]) &&
		    kvm_vcpu_ioctl(kvp, &kvp->vcpu[0], KVM_GET_MSRS, &one) == 1)
			start->msr[start->msr_count++] = one.entry;
	}
}

static int take(struct vsm_kvm_vp *kvp, const struct names *n, struct vk_start *start)
{
	struct vk_vcpu *v = &kvp->vcpu[0];

	start->sync = v->run->s.regs;
	if (has(kvp, VSM_KVM_HAS_DEBUGREGS) &&
	    kvm_vcpu_ioctl(kvp, v, KVM_GET_DEBUGREGS, &start->debug) != 0)
		return -1;
	if (has(kvp, VSM_KVM_HAS_XCRS) && kvm_vcpu_ioctl(kvp, v, KVM_GET_XCRS, &start->xcrs) != 0)
		return -1;
	msrs_get(kvp, n, start);
	return kvm_fpu_save(kvp, v, start->image);
}

int kvm_start_init(struct vsm_kvm_vp *kvp)
{
	struct names *n = calloc(1, sizeof(*n));
	int r = n == NULL ? -VSM_ERR_NOMEM : 0;

	if (r == 0 && names_get(kvp->k, n) != 0)
		r = kvm_fail_sys(kvp->k, "vsm_kvm_vp_create: KVM names no MSRs, errno");
	if (r == 0) {
		kvp->start = calloc(1, sizeof(*kvp->start) + n->count * sizeof(kvp->start->msr[0]));
		if (kvp->start != NULL)
			kvp->start->image = calloc(1, kvp->k->facts.xsave_size);
		if (kvp->start == NULL || kvp->start->image == NULL)
			r = -VSM_ERR_NOMEM;
	}
	if (r == 0 && take(kvp, n, kvp->start) != 0)
		r = kvm_fail_sys(kvp->k, "vsm_kvm_vp_create: state cannot be read, errno");
	free(n);
	return r;
}

void kvm_start_fini(struct vsm_kvm_vp *kvp)
{
	if (kvp->start != NULL)
		free(kvp->start->image);
	free(kvp->start);
	kvp->start = NULL;
}

/* KVM refuses to write some MSRs, be it the value that they have. */
static int msrs_set(struct vsm_kvm_vp *kvp, struct vk_vcpu *v)
{
	for (uint32_t i = 0; i < kvp->start->msr_count; i++) {
		struct vk_msr_list one = { .nmsrs = 1, .entry = kvp->start->msr[i] };
		uint64_t value = one.entry.data;

		errno = EINVAL; /* If KVM does none of the one. */
		if (kvm_vcpu_ioctl(kvp, v, KVM_GET_MSRS, &one) != 1)
			return -1;
		if (one.entry.data == value)
			continue;
		one.entry.data = value;
		if (kvm_vcpu_ioctl(kvp, v, KVM_SET_MSRS, &one) == 1)
			continue;
		kvm_log(kvp->k, VSM_LOG_ERROR, "vsm_kvm_vp_reset: KVM refused its MSR number",
			one.entry.index);
		errno = EINVAL;
		return -1;
	}
	return 0;
}

/* XCR0 goes before what it allows in the image, EFER and CR4 before MSRs that hang on them. */
static int state_set(struct vsm_kvm_vp *kvp, struct vk_vcpu *v)
{
	const struct vk_start *start = kvp->start;
	struct kvm_sync_regs sync = start->sync;

	if (kvm_vcpu_ioctl(kvp, v, KVM_SET_SREGS, &sync.sregs) != 0 ||
	    kvm_vcpu_ioctl(kvp, v, KVM_SET_REGS, &sync.regs) != 0)
		return -1;
	if (has(kvp, VSM_KVM_HAS_XCRS) &&
	    kvm_vcpu_ioctl(kvp, v, KVM_SET_XCRS, (void *)(uintptr_t)&start->xcrs) != 0)
		return -1;
	if (kvm_fpu_restore(kvp, v, start->image) != 0 || msrs_set(kvp, v) != 0)
		return -1;
	if (has(kvp, VSM_KVM_HAS_DEBUGREGS) &&
	    kvm_vcpu_ioctl(kvp, v, KVM_SET_DEBUGREGS, (void *)(uintptr_t)&start->debug) != 0)
		return -1;
	return kvm_vcpu_ioctl(kvp, v, KVM_SET_VCPU_EVENTS, &sync.events);
}

static int vcpu_reset(struct vsm_kvm_vp *kvp, uint32_t vtl)
{
	struct vk_vcpu *v = &kvp->vcpu[vtl];

	/* Until an instruction that waits for the VMM has ended, nothing can be set. It must not
	 * reach memory: a page that it may not write would have to be served meanwhile. */
	errno = EIO;
	if (v->io != VK_IO_NONE && kvm_run_out(kvp, vtl) != 0)
		return -1;
	v->run->kvm_dirty_regs = 0;
	if (state_set(kvp, v) != 0 || kvm_regs_load(kvp, v) != 0)
		return -1;
	v->event_queued = 0;
	kvm_count(&kvp->count.dropped, v->store.count != 0);
	v->store.count = 0;
	v->store.waits = 0;
	memset(&v->read, 0, sizeof(v->read));
	/* It has not seen what is shared: the next switch sets that. */
	v->fpu_age = 0;
	v->debug_age = 0;
	v->xcr_age = 0;
	return 0;
}

int vsm_kvm_vp_reset(struct vsm_kvm_vp *kvp)
{
	if (kvp == NULL)
		return -VSM_ERR_INVAL;
	if (kvp->preparing || atomic_load(&kvp->in_guest))
		return kvm_fail(kvp->k, VSM_ERR_MISUSE, "vsm_kvm_vp_reset: the VP is running");
	for (uint32_t vtl = 0; vtl < kvp->k->vtls; vtl++) {
		if (vcpu_reset(kvp, vtl) != 0)
			return kvm_fail_sys(kvp->k, "vsm_kvm_vp_reset: KVM refused, errno");
	}
	kvp->active = 0;
	kvp->left = 0;
	kvp->waits_msr = 0;
	kvp->device_next = 0;
	kvp->device_count = 0;
	kvp->faults = 0;
	memset(&kvp->bus, 0, sizeof(kvp->bus));
	return 0;
}
