/* SPDX-License-Identifier: BSD-3-Clause */
/* Accesses that no slot serves: denied by a VTL, by an overlay, or meant for a device. */
#include "kvm_private.h"

#include <errno.h>
#include <string.h>

#include <vsm/gpa.h>
#include <vsm/hv.h>

int kvm_is_ours(struct vsm_kvm *k, uint32_t vtl, uint64_t gpa)
{
	const struct vk_range *range = kvm_range_find(k, gpa);

	return (range != NULL && range->is_ram) || kvm_overlay_covers(k, vtl, gpa);
}

/* First fragment that the VTL may not write now, or NULL. Under k->lock. */
static const struct vk_fragment *denied(struct vsm_kvm *k, uint32_t vtl, const struct vk_store *s)
{
	for (uint32_t i = 0; i < s->count; i++) {
		if (!s->fragment[i].is_device &&
		    kvm_sees(k, vtl, s->fragment[i].gpa, VK_SEES_WRITE) == NULL)
			return &s->fragment[i];
	}
	return NULL;
}

/*
 * Perform the store of a VTL and give NULL; or, if not all of it may be, give the first part that
 * may not. Parts that go to a device are left in kvp->device, for the VMM.
 */
static const struct vk_fragment *perform(struct vsm_kvm_vp *kvp, uint32_t vtl, struct vk_store *s)
{
	struct vsm_kvm *k = kvp->k;
	const struct vk_fragment *f;

	pthread_mutex_lock(&k->lock);
	f = denied(k, vtl, s);
	for (uint32_t i = 0; f == NULL && i < s->count; i++) {
		const struct vk_fragment *part = &s->fragment[i];

		if (part->is_device) {
			kvp->device[kvp->device_count++] = *part;
			continue;
		}
		kvm_count(&kvp->count.emulated, kvm_emulated(k, vtl, part->gpa) != 0);
		kvm_emulate_store(kvp, &kvp->vcpu[vtl], kvm_sees(k, vtl, part->gpa, VK_SEES_WRITE),
				  part);
	}
	pthread_mutex_unlock(&k->lock);
	if (f == NULL)
		s->count = 0;
	return f;
}

static int note(struct vsm_kvm *k, uint32_t vtl, struct vk_store *s, const struct kvm_run *run)
{
	struct vk_fragment *f = &s->fragment[s->count];

	if (s->count == VK_FRAGMENTS_MAX || run->mmio.len == 0 || run->mmio.len > 8)
		return kvm_fail(k, VSM_ERR_SYS, "denied store: too wide");
	f->gpa = run->mmio.phys_addr;
	f->len = run->mmio.len;
	f->is_device = !kvm_is_ours(k, vtl, f->gpa);
	memcpy(f->data, run->mmio.data, f->len);
	s->count++;
	return 0;
}

/* KVM reports a wide store in parts: take all of them, so that the instruction is behind us. */
static int collect(struct vsm_kvm_vp *kvp, uint32_t vtl)
{
	struct vk_vcpu *v = &kvp->vcpu[vtl];
	struct kvm_run *run = v->run;
	int r;

	v->store.count = 0;
	v->store.waits = 0;
	kvp->device_count = 0;
	kvp->device_next = 0;
	do {
		if (run->exit_reason != KVM_EXIT_MMIO || !run->mmio.is_write)
			return kvm_fail(kvp->k, VSM_ERR_SYS, "denied store: unexpected exit");
		r = note(kvp->k, vtl, &v->store, run);
		if (r != 0)
			return r;
		kvm_guest_enter(kvp);
		r = kvm_enter_not(kvp, v);
		kvm_guest_leave(kvp);
	} while (r == 0);
	if (r != -EINTR)
		return kvm_fail_sys(kvp->k, "denied store: KVM does not complete it, errno");
	v->io = VK_IO_NONE;
	v->store.rip = run->s.regs.regs.rip;
	return 0;
}

/* Rounds after which a store that waits is worth a line in the log. */
#define SLOW 1000u

int kvm_fault_tell(struct vsm_kvm_vp *kvp, const struct vsm_memory_fault *fault)
{
	int verdict = vsm_vp_memory_fault(kvp->vp, fault);

	return verdict == VSM_VERDICT_NOT_MINE ? VSM_VERDICT_RETRY : verdict;
}

/*
 * A part of the store may not be performed: tell. RETRY: the table allows it, so another VP that
 * grants has changed the table and is about to change slots or entries. The store waits then: it
 * must not get lost, nor may anything go before it.
 */
static int refused(struct vsm_kvm_vp *kvp, uint32_t vtl, const struct vk_fragment *f)
{
	struct vk_vcpu *v = &kvp->vcpu[vtl];
	struct vsm_memory_fault fault = { .size = sizeof(fault),
					  .flags = VSM_FAULT_FINAL,
					  .access = HV_INTERCEPT_ACCESS_WRITE,
					  .gpa = f->gpa,
					  .user = kvm_cpl(v->run) == 3 };
	int r;

	if (kvm_emulate_take_back(v)) {
		fault.instruction_byte_count =
			(uint8_t)kvm_code_read(kvp, vtl, fault.instruction_bytes);
		return kvm_fault_tell(kvp, &fault);
	}
	r = vsm_vp_memory_fault(kvp->vp, &fault);
	/* An overlay lay there, and was lifted: this part is a device's by now. */
	if (r == VSM_VERDICT_NOT_MINE) {
		v->store.fragment[f - v->store.fragment].is_device = 1;
		r = VSM_VERDICT_RETRY;
	}
	v->store.waits = r == VSM_VERDICT_RETRY ? v->store.waits + 1 : 0;
	if (v->store.waits == SLOW)
		kvm_log(kvp->k, VSM_LOG_WARN, "a store waits for a grant that is not enforced, GPA",
			f->gpa);
	if (r != VSM_VERDICT_RETRY && r != VSM_VERDICT_SWITCHED && r != VSM_VERDICT_BLOCKED)
		v->store.count = 0;
	return r;
}

static int store(struct vsm_kvm_vp *kvp, uint32_t vtl)
{
	struct vk_vcpu *v = &kvp->vcpu[vtl];
	const struct vk_fragment *f;
	int r = collect(kvp, vtl);

	if (r != 0)
		return r;
	f = perform(kvp, vtl, &v->store);
	if (f == NULL)
		return VSM_VERDICT_RETRY;
	r = refused(kvp, vtl, f);
	kvm_count(&kvp->count.held, v->store.count != 0);
	return r;
}

static int is_granted(const struct vsm_kvm_vp *kvp, uint32_t vtl, const struct vk_fragment *f)
{
	struct vsm_gpa_answer answer = { .size = sizeof(answer) };

	return vsm_gpa_access(kvp->k->vsm, kvp->index, vtl, f->gpa, f->len, VSM_ACCESS_WRITE,
			      &answer) == 0;
}

int kvm_store_settle(struct vsm_kvm_vp *kvp, uint32_t vtl)
{
	struct vk_vcpu *v = &kvp->vcpu[vtl];
	const struct vk_fragment *f = v->store.fragment;
	int r = VSM_VERDICT_RESUME;

	/* Parts of another VTL's store that the VMM has not taken yet go first: all of them
	 * together may be more than there is room for. */
	if (v->store.count == 0 || kvp->device_next < kvp->device_count)
		return r;
	kvp->device_count = 0;
	kvp->device_next = 0;
	if (v->run->s.regs.regs.rip == v->store.rip)
		f = perform(kvp, vtl, &v->store);
	else
		v->store.count = 0;
	/* What was told is told once; but a grant that is on its way is as good as one. */
	if (v->store.count != 0 && (v->store.waits != 0 || is_granted(kvp, vtl, f)))
		r = refused(kvp, vtl, f);
	else
		v->store.count = 0;
	if (f == NULL)
		kvm_count(&kvp->count.done, 1);
	else if (v->store.count == 0)
		kvm_count(&kvp->count.dropped, 1);
	return r;
}

static int load(struct vsm_kvm_vp *kvp, uint32_t vtl)
{
	struct vk_vcpu *v = &kvp->vcpu[vtl];
	struct vsm_memory_fault fault = { .size = sizeof(fault),
					  .flags = VSM_FAULT_FINAL,
					  .access = HV_INTERCEPT_ACCESS_READ,
					  .gpa = v->run->mmio.phys_addr,
					  .user = kvm_cpl(v->run) == 3 };
	int r;

	if (kvm_emulate_load(kvp, vtl))
		return VSM_VERDICT_RESUME;
	/* First: undoing leaves KVM with other page tables until the next KVM_RUN. */
	fault.instruction_byte_count = (uint8_t)kvm_code_read(kvp, vtl, fault.instruction_bytes);
	r = kvm_undo_load(kvp, vtl);
	return r != 0 ? r : kvm_fault_tell(kvp, &fault);
}

int kvm_fault_mmio(struct vsm_kvm_vp *kvp, uint32_t vtl, int *mmio)
{
	const struct kvm_run *run = kvp->vcpu[vtl].run;

	*mmio = !kvm_is_ours(kvp->k, vtl, run->mmio.phys_addr);
	if (*mmio)
		return 0;
	kvm_enforce_touch(kvp->k, vtl, run->mmio.phys_addr);
	return run->mmio.is_write ? store(kvp, vtl) : load(kvp, vtl);
}
