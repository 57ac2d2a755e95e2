/* SPDX-License-Identifier: BSD-3-Clause */
/* Exceptions for the guest. */
#include "kvm_private.h"

#include <string.h>

#define VECTOR_DB 1u
#define VECTOR_PF 14u

/* DR6 is private here, and not in kvm_run. */
static int set_dr6(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, uint64_t dr6)
{
	struct kvm_debugregs debug;

	if (kvm_vcpu_ioctl(kvp, v, KVM_GET_DEBUGREGS, &debug) != 0)
		return -1;
	debug.dr6 = dr6;
	return kvm_vcpu_ioctl(kvp, v, KVM_SET_DEBUGREGS, &debug);
}

int kvm_event_raise(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, const struct vsm_exception *event)
{
	struct kvm_run *run = v->run;
	struct kvm_vcpu_events *e = &run->s.regs.events;

	if (v->io != VK_IO_NONE && kvm_complete(kvp, v) != 0)
		return -VSM_ERR_HOST;
	if (event->has_parameter && event->vector == VECTOR_DB &&
	    set_dr6(kvp, v, event->parameter) != 0)
		return -VSM_ERR_HOST;
	if (event->has_parameter && event->vector == VECTOR_PF) {
		run->s.regs.sregs.cr2 = event->parameter;
		run->kvm_dirty_regs |= KVM_SYNC_X86_SREGS;
	}
	memset(&e->exception, 0, sizeof(e->exception));
	e->exception.injected = 1;
	e->exception.nr = event->vector;
	e->exception.has_error_code = event->has_error_code;
	e->exception.error_code = event->error_code;
	e->flags &= ~(uint32_t)KVM_VCPUEVENT_VALID_PAYLOAD;
	run->kvm_dirty_regs |= KVM_SYNC_X86_EVENTS;
	return 0;
}

/* PendingEvent0: kept here until its VTL is entered, so that it can be taken back, and because CR2
 * of another VTL is not to change before. */
int kvm_op_inject_event(void *vp, uint32_t vtl, const struct vsm_exception *event)
{
	struct vsm_kvm_vp *kvp = vp;
	struct vk_vcpu *v = &kvp->vcpu[vtl];

	if (event == NULL) {
		v->event_queued = 0;
		return 0;
	}
	/* Refused rather than lost: one that KVM was delivering comes first. */
	if (v->run->s.regs.events.exception.injected)
		return -VSM_ERR_HOST;
	v->event = *event;
	v->event_queued = 1;
	return 0;
}

int kvm_event_flush(struct vsm_kvm_vp *kvp, struct vk_vcpu *v)
{
	if (!v->event_queued)
		return 0;
	v->event_queued = 0;
	return kvm_event_raise(kvp, v, &v->event);
}
