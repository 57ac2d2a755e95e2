/* SPDX-License-Identifier: BSD-3-Clause */
/* The run loop of a VP: from an exit of KVM to an entry of libvsm, or to the VMM. */
#include "kvm_private.h"

#include <errno.h>
#include <string.h>

#define EFER_LMA       (1ull << 10)
#define TRAP_LENGTH    2u /* OUT imm8, AL */
#define VECTOR_UD      6u
#define SYNTHETIC_MSRS 0x40000000u
#define SYNTHETIC_NR   0x200u

/* What a step of the loop comes to, beside a negative error. */
#define TO_VMM 0
#define AGAIN  1

static int to_vmm(struct vsm_kvm_vp *kvp, struct vsm_kvm_exit *exit, uint32_t kind)
{
	const struct kvm_run *run = kvp->vcpu[kvp->active].run;
	size_t size = exit->size;

	memset(exit, 0, sizeof(*exit));
	exit->size = size;
	exit->kind = kind;
	exit->vp = kvp->index;
	exit->vtl = kvp->active;
	exit->reason = run->exit_reason;
	exit->rip = run->s.regs.regs.rip;
	exit->count = 1;
	kvp->left = kind + 1;
	return TO_VMM;
}

/*
 * A VMM without a kick callback sleeps for ever. Whom its only VP waits for is a thread that adds
 * RAM: that one kicks it before it lets go of the lock.
 */
static int blocked(struct vsm_kvm_vp *kvp, struct vsm_kvm_exit *exit)
{
	struct vsm_kvm *k = kvp->k;
	int kicked = 0;

	if (k->options.kick == NULL) {
		pthread_mutex_lock(&k->lock);
		pthread_mutex_unlock(&k->lock);
		kicked = atomic_exchange(&kvp->kicked, 0) != 0;
	}
	return to_vmm(kvp, exit, kicked ? VSM_KVM_EXIT_INTR : VSM_KVM_EXIT_BLOCKED);
}

static int bad_verdict(struct vsm_kvm_vp *kvp, int verdict)
{
	if (verdict < 0)
		return -VSM_ERR_HOST;
	return kvm_fail(kvp->k, VSM_ERR_HOST, "vsm_kvm_run: a verdict that does not fit the exit");
}

/* The outcome of an entry after which nothing of the exit is left to be completed. */
static int apply(struct vsm_kvm_vp *kvp, struct vsm_kvm_exit *exit, int verdict)
{
	struct vsm_exception event;

	kvp->active = vsm_vp_active_vtl(kvp->vp);
	switch (verdict) {
	case VSM_VERDICT_RESUME:
	case VSM_VERDICT_RETRY:
	case VSM_VERDICT_SWITCHED:
		return AGAIN;
	case VSM_VERDICT_BLOCKED:
		return blocked(kvp, exit);
	case VSM_VERDICT_EXCEPTION:
		if (vsm_vp_exception(kvp->vp, &event) != 0 ||
		    kvm_event_raise(kvp, &kvp->vcpu[kvp->active], &event) != 0)
			return -VSM_ERR_HOST;
		return AGAIN;
	default:
		return bad_verdict(kvp, verdict);
	}
}

static int is_long(const struct kvm_run *run)
{
	return (run->s.regs.sregs.efer & EFER_LMA) != 0 && run->s.regs.sregs.cs.l;
}

static int hypercall(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, struct vsm_kvm_exit *exit)
{
	uint64_t rip;

	/* Where KVM moves RIP only later, let it do so before anybody looks. */
	if ((kvp->k->facts.host.flags & VSM_KVM_OUT_RIP_ADVANCED) == 0 && kvm_complete(kvp, v) != 0)
		return kvm_fail_sys(kvp->k, "vsm_kvm_run: the trap cannot be completed, errno");
	rip = v->run->s.regs.regs.rip - TRAP_LENGTH;
	return apply(kvp, exit,
		     vsm_vp_hypercall(kvp->vp, is_long(v->run) ? rip : (uint32_t)rip, TRAP_LENGTH));
}

static int port(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, struct vsm_kvm_exit *exit)
{
	struct kvm_run *run = v->run;

	if (run->io.direction == KVM_EXIT_IO_OUT && run->io.size == 1 && run->io.count == 1 &&
	    run->io.port == kvp->k->options.trap_port)
		return hypercall(kvp, v, exit);
	v->io = VK_IO_WAITS;
	to_vmm(kvp, exit, VSM_KVM_EXIT_PIO);
	exit->address = run->io.port;
	exit->data = (uint8_t *)run + run->io.data_offset;
	exit->data_size = run->io.size;
	exit->count = run->io.count;
	exit->is_write = run->io.direction == KVM_EXIT_IO_OUT;
	return TO_VMM;
}

static int mmio(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, struct vsm_kvm_exit *exit)
{
	struct kvm_run *run = v->run;
	int is_device;
	int verdict = kvm_fault_mmio(kvp, kvp->active, &is_device);

	if (!is_device)
		return verdict < 0 ? verdict : apply(kvp, exit, verdict);
	v->io = VK_IO_WAITS;
	to_vmm(kvp, exit, VSM_KVM_EXIT_MMIO);
	exit->address = run->mmio.phys_addr;
	exit->data = run->mmio.data;
	exit->data_size = run->mmio.len;
	exit->is_write = run->mmio.is_write;
	return TO_VMM;
}

/* The next part of a store that reached from RAM into a device. */
static int device_part(struct vsm_kvm_vp *kvp, struct vsm_kvm_exit *exit)
{
	struct vk_fragment *f = &kvp->device[kvp->device_next++];

	to_vmm(kvp, exit, VSM_KVM_EXIT_MMIO);
	exit->address = f->gpa;
	exit->data = f->data;
	exit->data_size = f->len;
	exit->is_write = 1;
	return TO_VMM;
}

static int answer_msr(struct vk_vcpu *v, int fault)
{
	v->run->msr.error = fault != 0;
	v->io = VK_IO_ANSWERED;
	return AGAIN;
}

static int msr_to_vmm(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, struct vsm_kvm_exit *exit,
		      int is_write)
{
	v->io = VK_IO_WAITS;
	to_vmm(kvp, exit, is_write ? VSM_KVM_EXIT_WRMSR : VSM_KVM_EXIT_RDMSR);
	exit->address = v->run->msr.index;
	exit->msr_value = is_write ? v->run->msr.data : 0;
	exit->is_write = (uint32_t)is_write;
	exit->msr_fault = 1;
	return TO_VMM;
}

/* RIP is on the instruction: KVM completes it with the next KVM_RUN, or raises #GP. */
static int msr(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, struct vsm_kvm_exit *exit, int is_write)
{
	uint32_t index = v->run->msr.index;
	uint64_t value = v->run->msr.data;
	int verdict;

	if (is_write && kvm_msr_mirrored(index))
		return answer_msr(v, kvm_msr_share(kvp, kvp->active, index, value) != 0);
	if (index - SYNTHETIC_MSRS >= SYNTHETIC_NR)
		return msr_to_vmm(kvp, v, exit, is_write);
	verdict = is_write ? vsm_vp_wrmsr(kvp->vp, index, value) :
			     vsm_vp_rdmsr(kvp->vp, index, &value);
	switch (verdict) {
	case VSM_VERDICT_RESUME:
		if (!is_write)
			v->run->msr.data = value;
		return answer_msr(v, 0);
	case VSM_VERDICT_EXCEPTION:
		return answer_msr(v, 1);
	case VSM_VERDICT_BLOCKED:
		v->io = VK_IO_WAITS;
		kvp->waits_msr = 1;
		return blocked(kvp, exit);
	case VSM_VERDICT_NOT_MINE:
		return msr_to_vmm(kvp, v, exit, is_write);
	default:
		return bad_verdict(kvp, verdict);
	}
}

/* An instruction that nobody can carry out, for no page's sake. */
static int not_emulated(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, struct vsm_kvm_exit *exit)
{
	struct vsm_exception ud = { .vector = VECTOR_UD };

	/* As KVM does by itself: a user program must not be able to stop the machine. */
	if (kvm_cpl(v->run) == 3)
		return kvm_event_raise(kvp, v, &ud) != 0 ? -VSM_ERR_HOST : AGAIN;
	to_vmm(kvp, exit, VSM_KVM_EXIT_EMULATION);
	exit->byte_count = kvm_code_read(kvp, kvp->active, exit->bytes);
	return TO_VMM;
}

static int internal_error(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, struct vsm_kvm_exit *exit)
{
	int mine, verdict;

	if (v->run->internal.suberror != KVM_INTERNAL_ERROR_EMULATION)
		return to_vmm(kvp, exit, VSM_KVM_EXIT_UNKNOWN);
	verdict = kvm_fault_native(kvp, kvp->active, VK_NO_PAGE, &mine);
	/* KVM tried to read or write what a denied page was not the reason for: no use to try
	 * again. */
	if (mine == 1)
		return apply(kvp, exit, verdict);
	return not_emulated(kvp, v, exit);
}

static int dispatch(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, struct vsm_kvm_exit *exit)
{
	switch (v->run->exit_reason) {
	case KVM_EXIT_IO:
		return port(kvp, v, exit);
	case KVM_EXIT_MMIO:
		return mmio(kvp, v, exit);
	case KVM_EXIT_X86_RDMSR:
		return msr(kvp, v, exit, 0);
	case KVM_EXIT_X86_WRMSR:
		return msr(kvp, v, exit, 1);
	case KVM_EXIT_HLT:
		return to_vmm(kvp, exit, VSM_KVM_EXIT_HLT);
	case KVM_EXIT_SHUTDOWN:
		return to_vmm(kvp, exit, VSM_KVM_EXIT_SHUTDOWN);
	case KVM_EXIT_INTR:
		return to_vmm(kvp, exit, VSM_KVM_EXIT_INTR);
	case KVM_EXIT_INTERNAL_ERROR:
		return internal_error(kvp, v, exit);
	default:
		return to_vmm(kvp, exit, VSM_KVM_EXIT_UNKNOWN);
	}
}

/* A kick that came with it must not be forgotten: the VMM waits for the return. */
static int go_on(struct vsm_kvm_vp *kvp, struct vsm_kvm_exit *exit, int verdict)
{
	int r = verdict < 0 ? verdict : apply(kvp, exit, verdict);

	kvm_count(&kvp->count.native, 1);
	return r == AGAIN && kvp->attend ? to_vmm(kvp, exit, VSM_KVM_EXIT_INTR) : r;
}

/* A poisoned page, or a SIGBUS that is not of this library's making. */
static int bus_error(struct vsm_kvm_vp *kvp, struct vsm_kvm_exit *exit)
{
	int mine;
	int verdict = kvm_fault_bus(kvp, kvp->active, &mine);

	if (mine)
		return go_on(kvp, exit, verdict);
	kvm_bus_raise(kvp);
	return to_vmm(kvp, exit, VSM_KVM_EXIT_INTR);
}

/* Page tables of this process stopped the guest; KVM does not tell where. */
static int bad_address(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, struct vsm_kvm_exit *exit)
{
	int mine;
	int verdict = kvm_fault_native(kvp, kvp->active, VK_NO_PAGE, &mine);

	return mine ? go_on(kvp, exit, verdict) : not_emulated(kvp, v, exit);
}

/* KVM tells where, and which access, but not every KVM in the same way. */
static int memory_fault(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, struct vsm_kvm_exit *exit)
{
	struct vk_memory_fault fault;
	int mine, verdict;

	kvm_memory_fault_of(v->run, &fault);
	if (!kvm_is_ours(kvp->k, kvp->active, fault.gpa)) {
		to_vmm(kvp, exit, VSM_KVM_EXIT_UNKNOWN);
		exit->address = fault.gpa;
		return TO_VMM;
	}
	verdict = kvm_fault_native(kvp, kvp->active, fault.gpa & ~(VK_PAGE - 1), &mine);
	return mine ? go_on(kvp, exit, verdict) : not_emulated(kvp, v, exit);
}

static int returned(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, struct vsm_kvm_exit *exit, int r)
{
	if (r == 0) {
		kvp->faults = 0;
		kvp->bus.repeats = 0;
		return dispatch(kvp, v, exit);
	}
	if (r == -EINTR && kvp->bus.pending)
		return bus_error(kvp, exit);
	if (r == -EINTR || r == -EAGAIN)
		return to_vmm(kvp, exit, VSM_KVM_EXIT_INTR);
	if (r == -EFAULT && v->run->exit_reason == VK_EXIT_MEMORY_FAULT &&
	    (kvp->k->mechanism->flags & VK_MECH_GPAS) != 0)
		return memory_fault(kvp, v, exit);
	if (r == -EFAULT && (kvp->k->mechanism->flags & VK_MECH_PTES) != 0)
		return bad_address(kvp, v, exit);
	errno = -r;
	return kvm_fail_sys(kvp->k, "vsm_kvm_run: KVM_RUN failed, errno");
}

/* What other VPs left, and the end of an exit that was BLOCKED. */
static int prepare(struct vsm_kvm_vp *kvp, struct vsm_kvm_exit *exit)
{
	int verdict = vsm_vp_run_prepare(kvp->vp);
	struct vk_vcpu *v = &kvp->vcpu[kvp->active];

	/* After a reset it may be another one, also of a VP that waits. */
	kvp->active = vsm_vp_active_vtl(kvp->vp);
	if (verdict == VSM_VERDICT_BLOCKED)
		return blocked(kvp, exit);
	if (kvp->waits_msr && (verdict == VSM_VERDICT_RESUME || verdict == VSM_VERDICT_EXCEPTION)) {
		kvp->waits_msr = 0;
		return answer_msr(v, verdict == VSM_VERDICT_EXCEPTION);
	}
	return apply(kvp, exit, verdict);
}

/* A store that is held keeps the VTL from running. A kick does not wait for another VP's grant. */
static int unsettled(struct vsm_kvm_vp *kvp, struct vsm_kvm_exit *exit, int verdict)
{
	if (verdict < 0)
		return verdict;
	if (verdict == VSM_VERDICT_RETRY && kvm_enter_later(kvp) != 0)
		return to_vmm(kvp, exit, VSM_KVM_EXIT_INTR);
	return apply(kvp, exit, verdict);
}

/*
 * Half-done I/O goes before everything else: until it is completed, registers of that vCPU cannot
 * be set. Usually it is completed by running on; after a kick, without, so that what the kick was
 * about comes next; and after a load of an emulated page, so that a store that follows is known to
 * be of the same instruction.
 */
static int step(struct vsm_kvm_vp *kvp, struct vsm_kvm_exit *exit)
{
	struct vk_vcpu *v = &kvp->vcpu[kvp->active];
	int r;

	if (v->io == VK_IO_ANSWERED && (kvp->attend || v->read.waits)) {
		kvm_guest_enter(kvp);
		v->io = VK_IO_NONE;
		r = kvm_enter_not(kvp, v);
		kvm_guest_leave(kvp);
		return r == -EINTR ? AGAIN : returned(kvp, v, exit, r);
	}
	if (v->io != VK_IO_ANSWERED) {
		kvp->attend = 0;
		r = prepare(kvp, exit);
		if (r != AGAIN)
			return r;
		v = &kvp->vcpu[kvp->active];
		r = kvm_store_settle(kvp, kvp->active);
		if (r != VSM_VERDICT_RESUME)
			return unsettled(kvp, exit, r);
		if (kvp->device_next < kvp->device_count)
			return device_part(kvp, exit);
		if (kvm_event_flush(kvp, v) != 0)
			return -VSM_ERR_HOST;
	}
	return returned(kvp, v, exit, kvm_enter(kvp, v));
}

/* Take what the VMM has answered to the last exit. */
static void take_answer(struct vsm_kvm_vp *kvp, const struct vsm_kvm_exit *exit)
{
	struct vk_vcpu *v = &kvp->vcpu[kvp->active];
	uint32_t left = kvp->left;

	kvp->left = 0;
	if (left == 0 || v->io != VK_IO_WAITS || kvp->waits_msr)
		return;
	if (left == VSM_KVM_EXIT_RDMSR + 1 && exit->msr_fault == 0)
		v->run->msr.data = exit->msr_value;
	if (left == VSM_KVM_EXIT_RDMSR + 1 || left == VSM_KVM_EXIT_WRMSR + 1)
		v->run->msr.error = exit->msr_fault != 0;
	v->io = VK_IO_ANSWERED;
}

int vsm_kvm_run(struct vsm_kvm_vp *kvp, struct vsm_kvm_exit *exit)
{
	int r;

	if (kvp == NULL || exit == NULL || exit->size != sizeof(*exit))
		return -VSM_ERR_INVAL;
	take_answer(kvp, exit);
	do {
		r = step(kvp, exit);
	} while (r == AGAIN);
	return r;
}
