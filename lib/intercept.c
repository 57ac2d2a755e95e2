/* SPDX-License-Identifier: BSD-3-Clause */
#include "intercept.h"

#include <string.h>

#include "vsm/message.h"

#include "exception.h"
#include "host.h"
#include "overlay.h"
#include "vtl_switch.h"

#define ENABLE 1ULL

static int simp_usable(const struct vp_vtl *state)
{
	return (msr_load(&state->scontrol) & HV_SYNIC_SCONTROL_ENABLE) != 0 &&
	       (msr_load(&state->page[OVERLAY_SIMP]) & ENABLE) != 0;
}

/* Is the slot free? If not, ask for an EOM write when it is (TLFS 11.10.3). */
static int slot_free(struct hv_message *slot)
{
	if (__atomic_load_n(&slot->header.message_type, __ATOMIC_ACQUIRE) == HVMSG_NONE)
		return 1;
	__atomic_fetch_or(&slot->header.message_flags, HV_MESSAGE_FLAG_PENDING, __ATOMIC_SEQ_CST);
	/* The guest may have freed it before it could see the flag. */
	return __atomic_load_n(&slot->header.message_type, __ATOMIC_SEQ_CST) == HVMSG_NONE;
}

/* The type goes last: it is what tells the guest that the rest is there. */
static void slot_write(struct hv_message *slot, const struct hv_message *message)
{
	memcpy(slot->payload, message->payload, message->header.payload_size);
	slot->header.payload_size = message->header.payload_size;
	slot->header.message_flags = 0;
	slot->header.reserved = 0;
	slot->header.origination_id = message->header.origination_id;
	__atomic_store_n(&slot->header.message_type, message->header.message_type,
			 __ATOMIC_RELEASE);
}

static void raise_sint0(struct vsm_vp *vp, uint32_t vtl)
{
	uint64_t sint = msr_load(&vp->vtl[vtl].sint0);

	if (vp->vsm->ops.interrupt == NULL || (sint & HV_SYNIC_SINT_MASKED) != 0 ||
	    (sint & HV_SYNIC_SINT_POLLING) != 0)
		return; /* The entry itself tells the VTL that there is a message. */
	host_interrupt(vp, vtl, (uint32_t)(sint & HV_SYNIC_SINT_VECTOR_MASK),
		       (sint & HV_SYNIC_SINT_AUTO_EOI) != 0);
}

void intercept_rescan(struct vsm_vp *vp, uint32_t vtl)
{
	struct vp_vtl *state = &vp->vtl[vtl];
	struct hv_message *slot;

	if (!state->has_message || !simp_usable(state))
		return;
	slot = (struct hv_message *)(void *)overlay_page(vp->vsm, vtl,
							 overlay_slot_vp(vp->index, OVERLAY_SIMP));
	if (!slot_free(slot))
		return;
	slot_write(slot, &state->message);
	state->has_message = 0;
	vp->message_pending &= ~(1u << vtl);
	stat_inc(&vp->stats.intercepts);
	raise_sint0(vp, vtl);
}

/* State of the intercepted code, as the message header wants it. */
static int read_context(struct vsm_vp *vp, struct vsm_intercept_context *context)
{
	static const uint32_t names[] = { HV_X64_REGISTER_RIP, HV_X64_REGISTER_RFLAGS,
					  HV_X64_REGISTER_CS,  HV_X64_REGISTER_SS,
					  HV_X64_REGISTER_CR0, HV_X64_REGISTER_EFER,
					  HV_X64_REGISTER_CR8 };
	struct vsm_reg regs[7];
	int r;

	regs_name(regs, names, 7);
	r = host_regs_get(vp, vp_active(vp), VSM_REGS_GPR | VSM_REGS_SEGMENT | VSM_REGS_CONTROL,
			  regs, 7);
	if (r != 0)
		return -VSM_ERR_HOST;
	memset(context, 0, sizeof(*context));
	context->size = sizeof(*context);
	context->vp_index = vp->index;
	context->vtl = (uint8_t)vp_active(vp);
	context->rip = regs[0].value.low;
	context->rflags = regs[1].value.low;
	memcpy(&context->cs, &regs[2].value, sizeof(context->cs));
	memcpy(&context->ss, &regs[3].value, sizeof(context->ss));
	context->cr0 = regs[4].value.low;
	context->efer = regs[5].value.low;
	context->cr8 = regs[6].value.low & 0xf;
	return 0;
}

#define EFER_LMA  (1ULL << 10)
#define RFLAGS_VM (1ULL << 17)
#define ATTR_L	  (1U << 13)
#define ATTR_DB	  (1U << 14)

/* Default operand size of the intercepted code (SDM vol. 3A, 3.4.5). */
static uint32_t code_mode(const struct vsm_intercept_context *context)
{
	if ((context->efer & EFER_LMA) != 0 && (context->cs.attributes & ATTR_L) != 0)
		return 64;
	if ((context->rflags & RFLAGS_VM) != 0 || (context->cs.attributes & ATTR_DB) == 0)
		return 16;
	return 32;
}

static int memory_message(struct vsm_vp *vp, struct hv_message *message,
			  struct vsm_intercept_context *context,
			  const struct vsm_memory_fault *fault)
{
	struct vsm_memory_intercept what = {
		.size = sizeof(what),
		.gva = fault->gva,
		.gpa = fault->gpa,
		.message_type = HVMSG_GPA_INTERCEPT,
		.cache_type = HV_CACHE_TYPE_WRITE_BACK,
		.instruction_byte_count = fault->instruction_byte_count,
	};

	if ((fault->flags & VSM_FAULT_GVA_VALID) != 0)
		what.access_info |= HV_X64_MEMORY_ACCESS_GVA_VALID;
	if ((fault->flags & VSM_FAULT_FINAL) != 0)
		what.access_info |= HV_X64_MEMORY_ACCESS_GVA_GPA_VALID;
	memcpy(what.instruction_bytes, fault->instruction_bytes, sizeof(what.instruction_bytes));
	context->access = fault->access;
	context->instruction_length = fault->instruction_length;
	if (fault->instruction_length == 0 && fault->instruction_byte_count != 0)
		context->instruction_length = host_insn_decode(vp, fault->instruction_bytes,
							       fault->instruction_byte_count,
							       code_mode(context));
	return vsm_message_memory(message, context, &what);
}

int intercept_memory(struct vsm_vp *vp, uint32_t to, const struct vsm_memory_fault *fault,
		     const uint64_t *rip)
{
	struct vsm_intercept_context context;
	struct hv_message message;
	int r;

	/* TLFS leaves open what happens on a VP where the protecting VTL was never enabled. The
	 * access must not go through, and there is nobody to tell. */
	if ((atomic_load(&vp->enabled) & (1u << to)) == 0)
		return exception_raise(vp, VECTOR_GP, rip);
	r = read_context(vp, &context);
	if (r != 0)
		return r;
	if (rip != NULL)
		context.rip = *rip;
	r = memory_message(vp, &message, &context, fault);
	if (r != 0)
		return r;
	r = vtl_enter(vp, to, HV_VTL_ENTRY_INTERRUPT, rip);
	if (r == -VSM_ERR_INVAL) /* It cannot be entered either. */
		return exception_raise(vp, VECTOR_GP, rip);
	if (r != R_SWITCHED)
		return r;
	/* One buffer per VP and VTL (TLFS 13.2): the newest intercept is kept. It can only be empty
	 * here, as a lower VTL does not run while one waits. */
	vp->vtl[to].message = message;
	vp->vtl[to].has_message = 1;
	vp->message_pending |= 1u << to;
	intercept_rescan(vp, to);
	return R_SWITCHED;
}

int intercept_reenter(struct vsm_vp *vp)
{
	uint32_t above = vp->message_pending & ~((2u << vp_active(vp)) - 1u);
	uint32_t to;
	int r;

	if (above == 0)
		return R_SWITCHED;
	to = 31u - (uint32_t)__builtin_clz(above); /* The highest first (TLFS 15.12). */
	r = vtl_enter(vp, to, HV_VTL_ENTRY_INTERRUPT, NULL);
	if (r == R_SWITCHED)
		intercept_rescan(vp, to);
	return r;
}
