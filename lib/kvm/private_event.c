/* SPDX-License-Identifier: BSD-3-Clause */
/* Events of a vCPU from HV registers (TLFS 7.8.2). */
#include "vcpu_state.h"

#include <string.h>

#include <vsm/error.h>
#include <vsm/hv.h>

#include "kvm_private.h"

#define RFLAGS_IF  (1ull << 9)
#define VECTOR_NMI 2u
#define VECTOR_BP  3u
#define VECTOR_OF  4u
#define UNKNOWN_BITS \
	(HV_PENDING_INTERRUPTION_INSTRUCTION_LENGTH_MASK | HV_PENDING_INTERRUPTION_NESTED_EVENT)

int kvm_events_nameless(const struct kvm_vcpu_events *e)
{
#ifdef KVM_VCPUEVENT_VALID_TRIPLE_FAULT /* Linux 6.0 */
	if (e->triple_fault.pending != 0)
		return 1;
#endif
	/* Of several that are under way the register would name one. */
	return e->nmi.pending != 0 || e->smi.smm != 0 || e->smi.pending != 0 ||
	       e->exception.pending != 0 ||
	       (e->exception.injected != 0) + (e->nmi.injected != 0) +
			       (e->interrupt.injected != 0) >
		       1;
}

static int put_exception(struct kvm_vcpu_events *e, uint32_t vector, uint64_t interruption)
{
	if (vector > 31 || vector == VECTOR_NMI)
		return -VSM_ERR_INVAL;
	/* KVM takes these for INT3 and INTO, whatever their type. */
	if (vector == VECTOR_BP || vector == VECTOR_OF)
		return -VSM_ERR_NOSUP;
	e->exception.injected = 1;
	e->exception.nr = (uint8_t)vector;
	if ((interruption & HV_PENDING_INTERRUPTION_DELIVER_ERROR_CODE) != 0) {
		e->exception.has_error_code = 1;
		e->exception.error_code =
			(uint32_t)(interruption >> HV_PENDING_INTERRUPTION_ERROR_CODE_SHIFT);
	}
	return 0;
}

static int put_pending(struct kvm_vcpu_events *e, uint64_t interruption)
{
	uint32_t vector = (uint32_t)((interruption & HV_PENDING_INTERRUPTION_VECTOR_MASK) >>
				     HV_PENDING_INTERRUPTION_VECTOR_SHIFT);

	if (vector > 255)
		return -VSM_ERR_INVAL;
	if ((interruption & UNKNOWN_BITS) != 0)
		return -VSM_ERR_NOSUP;
	switch ((interruption & HV_PENDING_INTERRUPTION_TYPE_MASK) >>
		HV_PENDING_INTERRUPTION_TYPE_SHIFT) {
	case HV_PENDING_INTERRUPTION_TYPE_EXTERNAL:
		e->interrupt.injected = 1;
		e->interrupt.nr = (uint8_t)vector;
		return 0;
	case HV_PENDING_INTERRUPTION_TYPE_NMI:
		e->nmi.injected = 1;
		return vector == VECTOR_NMI ? 0 : -VSM_ERR_INVAL;
	case HV_PENDING_INTERRUPTION_TYPE_EXCEPTION:
		return put_exception(e, vector, interruption);
	default:
		/* Of an instruction, whose length KVM does not tell: it shows no such event and has
		 * the guest execute the instruction again (Linux,
		 * kvm_vcpu_ioctl_x86_get_vcpu_events()). */
		return -VSM_ERR_NOSUP;
	}
}

/*
 * SDM vol. 3C 26.3.1.5: blocking by STI needs RFLAGS.IF = 1, blocking by MOV SS does not. KVM names
 * them 2 and 1; TLFS 7.8.2 has one bit for both.
 */
static uint8_t shadow_of(uint64_t state, uint64_t rflags)
{
	if ((state & HV_INTERRUPT_STATE_INTERRUPT_SHADOW) == 0)
		return 0;
	return (rflags & RFLAGS_IF) != 0 ? KVM_X86_SHADOW_INT_STI : KVM_X86_SHADOW_INT_MOV_SS;
}

int kvm_events_put(struct kvm_vcpu_events *e, uint64_t interruption, uint64_t state,
		   uint64_t rflags)
{
	memset(&e->exception, 0, sizeof(e->exception));
	memset(&e->interrupt, 0, sizeof(e->interrupt));
	e->exception_has_payload = 0;
	e->exception_payload = 0;
	e->nmi.injected = 0;
	e->nmi.masked = (state & HV_INTERRUPT_STATE_NMI_MASKED) != 0;
	e->interrupt.shadow = shadow_of(state, rflags);
	if ((interruption & HV_PENDING_INTERRUPTION_PENDING) == 0)
		return 0;
	return put_pending(e, interruption);
}
