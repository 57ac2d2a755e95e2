/* SPDX-License-Identifier: BSD-3-Clause */
#include "message.h"

#include <string.h>

#define CR0_PE	  0x1u
#define CR0_AM	  0x40000u
#define EFER_LMA  0x400u
#define RFLAGS_VM 0x20000u

static uint16_t execution_state(const struct message_context *context)
{
	uint32_t state = context->vtl << HV_X64_EXECUTION_STATE_VTL_SHIFT;
	int protected_mode = (context->cr0 & CR0_PE) != 0;

	/* TLFS 13.2: CPL reads 0 in real mode and 3 in virtual-8086 mode. */
	if (protected_mode && (context->rflags & RFLAGS_VM) != 0)
		state |= 3;
	else if (protected_mode)
		state |= (uint32_t)(context->ss.attributes & HV_X64_SEGMENT_DPL_MASK) >>
			 HV_X64_SEGMENT_DPL_SHIFT;
	if (protected_mode)
		state |= HV_X64_EXECUTION_STATE_CR0_PE;
	if ((context->cr0 & CR0_AM) != 0)
		state |= HV_X64_EXECUTION_STATE_CR0_AM;
	if ((context->efer & EFER_LMA) != 0)
		state |= HV_X64_EXECUTION_STATE_EFER_LMA;
	return (uint16_t)state;
}

static void fill_header(struct hv_x64_intercept_message_header *header,
			const struct message_context *context, uint32_t instruction_length,
			uint32_t access)
{
	header->vp_index = context->vp_index;
	header->instruction_length_cr8 =
		(uint8_t)((instruction_length & HV_X64_INTERCEPT_INSTRUCTION_LENGTH_MASK) |
			  ((uint32_t)context->cr8 << HV_X64_INTERCEPT_CR8_SHIFT));
	header->intercept_access_type = (uint8_t)access;
	header->execution_state = execution_state(context);
	header->cs_segment = context->cs;
	header->rip = context->rip;
	header->rflags = context->rflags;
}

void message_memory_intercept(struct hv_message *message, const struct message_context *context,
			      const struct vsm_memory_fault *fault)
{
	struct hv_x64_memory_intercept_message payload;

	memset(message, 0, sizeof(*message));
	memset(&payload, 0, sizeof(payload));
	fill_header(&payload.header, context, fault->instruction_length, fault->access);
	payload.cache_type = HV_CACHE_TYPE_WRITE_BACK;
	payload.instruction_byte_count = fault->instruction_byte_count;
	if ((fault->flags & VSM_FAULT_GVA_VALID) != 0) {
		payload.memory_access_info |= HV_X64_MEMORY_ACCESS_GVA_VALID;
		payload.guest_virtual_address = fault->gva;
	}
	if ((fault->flags & VSM_FAULT_FINAL) != 0)
		payload.memory_access_info |= HV_X64_MEMORY_ACCESS_GVA_GPA_VALID;
	payload.guest_physical_address = fault->gpa;
	memcpy(payload.instruction_bytes, fault->instruction_bytes, fault->instruction_byte_count);
	message->header.message_type = HVMSG_GPA_INTERCEPT;
	message->header.payload_size = sizeof(payload);
	memcpy(message->payload, &payload, sizeof(payload));
}
