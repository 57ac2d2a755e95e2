/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages byte by byte: one function per type, all through the layouts of hv_messages.h. */
#include "vsm/message.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "vsm/error.h"
#include "vsm/hv.h"

#include "sized.h"

#define CR0_PE	  0x1u
#define CR0_AM	  0x40000u
#define EFER_LMA  0x400u
#define RFLAGS_VM 0x20000u

#define ACCESS_READ_WRITE (HV_INTERCEPT_ACCESS_MASK_READ | HV_INTERCEPT_ACCESS_MASK_WRITE)
#define ACCESS_ANY	  (ACCESS_READ_WRITE | HV_INTERCEPT_ACCESS_MASK_EXECUTE)

#define MEMORY_ACCESS_BITS                                                                 \
	(HV_X64_MEMORY_ACCESS_GVA_VALID | HV_X64_MEMORY_ACCESS_GVA_GPA_VALID |             \
	 HV_X64_MEMORY_ACCESS_HYPERCALL_OUTPUT_PENDING | HV_X64_MEMORY_ACCESS_TLB_LOCKED | \
	 HV_X64_MEMORY_ACCESS_SUPERVISOR_SHADOW_STACK)
#define CACHE_TYPES                                                                \
	(1u << HV_CACHE_TYPE_UNCACHED | 1u << HV_CACHE_TYPE_WRITE_COMBINING |      \
	 1u << HV_CACHE_TYPE_WRITE_THROUGH | 1u << HV_CACHE_TYPE_WRITE_PROTECTED | \
	 1u << HV_CACHE_TYPE_WRITE_BACK)

/* Other languages see these structures: what a compiler would pad is named. */
_Static_assert(sizeof(size_t) != 8 || (sizeof(struct vsm_intercept_context) == 88 &&
				       sizeof(struct vsm_memory_intercept) == 56 &&
				       sizeof(struct vsm_msr_intercept) == 32 &&
				       sizeof(struct vsm_register_intercept) == 48 &&
				       sizeof(struct vsm_exception_intercept) == 184 &&
				       sizeof(struct vsm_io_port_intercept) == 96 &&
				       sizeof(struct vsm_cpuid_intercept) == 72 &&
				       sizeof(struct vsm_hypercall_intercept) == 168),
	       "no hidden padding");

static int all_zero(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] != 0)
			return 0;
	}
	return 1;
}

static uint16_t execution_state(const struct vsm_intercept_context *context)
{
	uint32_t state = context->execution_state | (uint32_t)context->vtl
							    << HV_X64_EXECUTION_STATE_VTL_SHIFT;
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

static int context_bad(const struct vsm_intercept_context *c, uint32_t accesses)
{
	return c->vtl > VSM_VTL_MAX || c->cr8 > 15 || c->instruction_length > 15 ||
	       c->access > HV_INTERCEPT_ACCESS_EXECUTE || (accesses >> c->access & 1) == 0 ||
	       (c->execution_state & ~VSM_EXECUTION_STATE_BITS) != 0 ||
	       !all_zero(c->reserved, sizeof(c->reserved));
}

/*
 * The common part, from a copy of the caller's `context`, which is also left in `copy`. `accesses`:
 * HV_INTERCEPT_ACCESS_MASK_* that make sense.
 */
static int fill_header(struct hv_x64_intercept_message_header *header,
		       struct vsm_intercept_context *copy,
		       const struct vsm_intercept_context *context, uint32_t accesses)
{
	if (context == NULL || !sized_in(copy, sizeof(*copy), context, sizeof(*copy)) ||
	    context_bad(copy, accesses))
		return -VSM_ERR_INVAL;
	header->vp_index = copy->vp_index;
	header->instruction_length_cr8 =
		(uint8_t)(copy->instruction_length | (uint32_t)copy->cr8
							     << HV_X64_INTERCEPT_CR8_SHIFT);
	header->intercept_access_type = copy->access;
	header->execution_state = execution_state(copy);
	header->cs_segment = copy->cs;
	header->rip = copy->rip;
	header->rflags = copy->rflags;
	return 0;
}

/* The whole message; after all checks, as `out` is not touched before. */
static int finish(struct hv_message *out, uint32_t type, const void *payload, size_t size)
{
	if (out == NULL)
		return -VSM_ERR_INVAL;
	memset(out, 0, sizeof(*out));
	out->header.message_type = type;
	out->header.payload_size = (uint8_t)size;
	memcpy(out->payload, payload, size);
	return 0;
}

static int memory_bad(const struct vsm_memory_intercept *in)
{
	return (in->message_type != HVMSG_GPA_INTERCEPT &&
		in->message_type != HVMSG_UNMAPPED_GPA) ||
	       in->cache_type > HV_CACHE_TYPE_WRITE_BACK ||
	       (CACHE_TYPES >> in->cache_type & 1) == 0 ||
	       (in->access_info & ~MEMORY_ACCESS_BITS) != 0 || in->tpr_priority > 15 ||
	       in->instruction_byte_count > sizeof(in->instruction_bytes) ||
	       !all_zero(in->reserved, sizeof(in->reserved));
}

int vsm_message_memory(struct hv_message *out, const struct vsm_intercept_context *context,
		       const struct vsm_memory_intercept *what)
{
	struct hv_x64_memory_intercept_message payload = { .cache_type = 0 };
	struct vsm_intercept_context c;
	struct vsm_memory_intercept in;

	if (fill_header(&payload.header, &c, context, ACCESS_ANY) != 0 || what == NULL ||
	    !sized_in(&in, sizeof(in), what, sizeof(in)) || memory_bad(&in))
		return -VSM_ERR_INVAL;
	payload.cache_type = in.cache_type;
	payload.instruction_byte_count = in.instruction_byte_count;
	payload.memory_access_info = in.access_info;
	payload.tpr_priority = in.tpr_priority;
	if ((in.access_info & HV_X64_MEMORY_ACCESS_GVA_VALID) != 0)
		payload.guest_virtual_address = in.gva;
	payload.guest_physical_address = in.gpa;
	memcpy(payload.instruction_bytes, in.instruction_bytes, in.instruction_byte_count);
	return finish(out, in.message_type, &payload, sizeof(payload));
}

int vsm_message_msr(struct hv_message *out, const struct vsm_intercept_context *context,
		    const struct vsm_msr_intercept *what)
{
	struct hv_x64_msr_intercept_message payload = { .reserved = 0 };
	struct vsm_intercept_context c;
	struct vsm_msr_intercept in;

	if (fill_header(&payload.header, &c, context, ACCESS_READ_WRITE) != 0 || what == NULL ||
	    !sized_in(&in, sizeof(in), what, sizeof(in)) || c.instruction_length == 0 ||
	    in.reserved != 0)
		return -VSM_ERR_INVAL;
	payload.msr_number = in.msr;
	payload.rdx = in.rdx;
	payload.rax = in.rax;
	return finish(out, HVMSG_X64_MSR_INTERCEPT, &payload, sizeof(payload));
}

int vsm_message_register(struct hv_message *out, const struct vsm_intercept_context *context,
			 const struct vsm_register_intercept *what)
{
	struct hv_x64_register_intercept_message payload = { .flags = 0 };
	struct vsm_intercept_context c;
	struct vsm_register_intercept in;

	if (fill_header(&payload.header, &c, context, ACCESS_READ_WRITE) != 0 || what == NULL ||
	    !sized_in(&in, sizeof(in), what, sizeof(in)) || in.memory_op > 1 ||
	    !all_zero(in.reserved, sizeof(in.reserved)))
		return -VSM_ERR_INVAL;
	payload.register_name = in.name;
	if (in.memory_op != 0) {
		payload.flags = HV_X64_REGISTER_INTERCEPT_IS_MEMORY_OP;
		payload.access_info.low = in.address;
	} else if (c.access == HV_INTERCEPT_ACCESS_READ) {
		payload.access_info.low = in.destination;
	} else {
		payload.access_info = in.value;
	}
	return finish(out, HVMSG_X64_REGISTER_INTERCEPT, &payload, sizeof(payload));
}

static int exception_bad(const struct vsm_exception_intercept *in)
{
	return in->vector > 31 ||
	       (in->info & ~(HV_X64_EXCEPTION_INFO_ERROR_CODE_VALID |
			     HV_X64_EXCEPTION_INFO_SOFTWARE_EXCEPTION)) != 0 ||
	       in->instruction_byte_count > sizeof(in->instruction_bytes) || in->reserved != 0;
}

int vsm_message_exception(struct hv_message *out, const struct vsm_intercept_context *context,
			  const struct vsm_exception_intercept *what)
{
	struct hv_x64_exception_intercept_message payload = { .reserved = 0 };
	struct vsm_intercept_context c;
	struct vsm_exception_intercept in;

	if (fill_header(&payload.header, &c, context, ACCESS_ANY) != 0 || what == NULL ||
	    !sized_in(&in, sizeof(in), what, sizeof(in)) || exception_bad(&in))
		return -VSM_ERR_INVAL;
	payload.exception_vector = in.vector;
	payload.exception_info = in.info;
	payload.instruction_byte_count = in.instruction_byte_count;
	if ((in.info & HV_X64_EXCEPTION_INFO_ERROR_CODE_VALID) != 0)
		payload.error_code = in.error_code;
	payload.exception_parameter = in.parameter;
	memcpy(payload.instruction_bytes, in.instruction_bytes, in.instruction_byte_count);
	payload.ds_segment = in.ds;
	payload.ss_segment = c.ss;
	/* RAX to R15 lie in the order of their numbers (asserted in hv_messages.h). */
	memcpy((uint8_t *)&payload + offsetof(struct hv_x64_exception_intercept_message, rax),
	       in.gpr, sizeof(in.gpr));
	return finish(out, HVMSG_X64_EXCEPTION_INTERCEPT, &payload, sizeof(payload));
}

static int io_port_bad(const struct vsm_io_port_intercept *in)
{
	return (in->access_size != 1 && in->access_size != 2 && in->access_size != 4) ||
	       (in->flags & ~(HV_X64_IO_PORT_ACCESS_STRING | HV_X64_IO_PORT_ACCESS_REP)) != 0 ||
	       in->instruction_byte_count > sizeof(in->instruction_bytes) ||
	       !all_zero(in->reserved, sizeof(in->reserved));
}

int vsm_message_io_port(struct hv_message *out, const struct vsm_intercept_context *context,
			const struct vsm_io_port_intercept *what)
{
	struct hv_x64_io_port_intercept_message payload = { .reserved = 0 };
	struct vsm_intercept_context c;
	struct vsm_io_port_intercept in;

	if (fill_header(&payload.header, &c, context, ACCESS_READ_WRITE) != 0 || what == NULL ||
	    !sized_in(&in, sizeof(in), what, sizeof(in)) || c.instruction_length == 0 ||
	    io_port_bad(&in))
		return -VSM_ERR_INVAL;
	payload.port_number = in.port;
	payload.access_info = in.access_size | in.flags;
	payload.instruction_byte_count = in.instruction_byte_count;
	payload.rax = in.rax;
	memcpy(payload.instruction_bytes, in.instruction_bytes, in.instruction_byte_count);
	payload.ds_segment = in.ds;
	payload.es_segment = in.es;
	payload.rcx = in.rcx;
	payload.rsi = in.rsi;
	payload.rdi = in.rdi;
	return finish(out, HVMSG_X64_IO_PORT_INTERCEPT, &payload, sizeof(payload));
}

int vsm_message_cpuid(struct hv_message *out, const struct vsm_intercept_context *context,
		      const struct vsm_cpuid_intercept *what)
{
	struct hv_x64_cpuid_intercept_message payload = { .rax = 0 };
	struct vsm_intercept_context c;
	struct vsm_cpuid_intercept in;

	if (fill_header(&payload.header, &c, context, ACCESS_ANY) != 0 || what == NULL ||
	    !sized_in(&in, sizeof(in), what, sizeof(in)) || c.instruction_length == 0)
		return -VSM_ERR_INVAL;
	payload.rax = in.rax;
	payload.rcx = in.rcx;
	payload.rdx = in.rdx;
	payload.rbx = in.rbx;
	payload.default_result_rax = in.default_rax;
	payload.default_result_rcx = in.default_rcx;
	payload.default_result_rdx = in.default_rdx;
	payload.default_result_rbx = in.default_rbx;
	return finish(out, HVMSG_X64_CPUID_INTERCEPT, &payload, sizeof(payload));
}

int vsm_message_hypercall(struct hv_message *out, const struct vsm_intercept_context *context,
			  const struct vsm_hypercall_intercept *what)
{
	struct hv_x64_hypercall_intercept_message payload = { .flags = 0 };
	struct vsm_intercept_context c;
	struct vsm_hypercall_intercept in;

	if (fill_header(&payload.header, &c, context, ACCESS_ANY) != 0 || what == NULL ||
	    !sized_in(&in, sizeof(in), what, sizeof(in)) || in.reserved != 0 ||
	    (in.flags & ~HV_X64_HYPERCALL_INTERCEPT_ISOLATED) != 0)
		return -VSM_ERR_INVAL;
	payload.rax = in.rax;
	payload.rbx = in.rbx;
	payload.rcx = in.rcx;
	payload.rdx = in.rdx;
	payload.r8 = in.r8;
	payload.rsi = in.rsi;
	payload.rdi = in.rdi;
	memcpy(payload.xmm, in.xmm, sizeof(payload.xmm));
	payload.flags = in.flags;
	return finish(out, HVMSG_HYPERCALL_INTERCEPT, &payload, sizeof(payload));
}

int vsm_message_sipi(struct hv_message *out, const struct vsm_intercept_context *context,
		     uint32_t target, uint32_t vector)
{
	struct hv_x64_sipi_intercept_message payload = { .target_vp_index = target,
							 .interrupt_vector = vector };
	struct vsm_intercept_context c;

	if (fill_header(&payload.header, &c, context, ACCESS_ANY) != 0 || vector > 255)
		return -VSM_ERR_INVAL;
	return finish(out, HVMSG_X64_SIPI_INTERCEPT, &payload, sizeof(payload));
}

int vsm_message_sint_deliverable(struct hv_message *out,
				 const struct vsm_intercept_context *context, uint16_t sints)
{
	struct hv_x64_sint_deliverable_message payload = { .deliverable_sints = sints };
	struct vsm_intercept_context c;

	if (fill_header(&payload.header, &c, context, ACCESS_ANY) != 0 || sints == 0)
		return -VSM_ERR_INVAL;
	return finish(out, HVMSG_SYNIC_SINT_DELIVERABLE, &payload, sizeof(payload));
}

int vsm_message_interruption_deliverable(struct hv_message *out,
					 const struct vsm_intercept_context *context,
					 uint32_t pending)
{
	struct hv_x64_interruption_deliverable_message payload = { .deliverable_type =
									   (uint8_t)pending };
	struct vsm_intercept_context c;

	if (fill_header(&payload.header, &c, context, ACCESS_ANY) != 0 ||
	    (pending != HV_PENDING_INTERRUPTION_TYPE_EXTERNAL &&
	     pending != HV_PENDING_INTERRUPTION_TYPE_NMI))
		return -VSM_ERR_INVAL;
	return finish(out, HVMSG_X64_INTERRUPTION_DELIVERABLE, &payload, sizeof(payload));
}

/* A message that says nothing but where it happened. */
static int header_alone(struct hv_message *out, const struct vsm_intercept_context *context,
			uint32_t type)
{
	struct hv_x64_intercept_message_header payload = { .vp_index = 0 };
	struct vsm_intercept_context c;

	if (fill_header(&payload, &c, context, ACCESS_ANY) != 0)
		return -VSM_ERR_INVAL;
	return finish(out, type, &payload, sizeof(payload));
}

int vsm_message_unrecoverable_exception(struct hv_message *out,
					const struct vsm_intercept_context *context)
{
	return header_alone(out, context, HVMSG_UNRECOVERABLE_EXCEPTION);
}

int vsm_message_halt(struct hv_message *out, const struct vsm_intercept_context *context)
{
	return header_alone(out, context, HVMSG_X64_HALT);
}

int vsm_message_invalid_register(struct hv_message *out, uint32_t vp_index)
{
	struct hv_x64_invalid_vp_register_message payload = { .vp_index = vp_index };

	return finish(out, HVMSG_INVALID_VP_REGISTER_VALUE, &payload, sizeof(payload));
}

int vsm_message_unsupported_feature(struct hv_message *out, uint32_t vp_index, uint32_t code,
				    uint64_t parameter)
{
	struct hv_x64_unsupported_feature_message payload = { .vp_index = vp_index,
							      .feature_code = code,
							      .feature_parameter = parameter };

	return finish(out, HVMSG_UNSUPPORTED_FEATURE, &payload, sizeof(payload));
}

int vsm_message_apic_eoi(struct hv_message *out, uint32_t vp_index, uint32_t vector)
{
	struct hv_x64_apic_eoi_message payload = { .vp_index = vp_index,
						   .interrupt_vector = vector };

	if (vector > 255)
		return -VSM_ERR_INVAL;
	return finish(out, HVMSG_X64_APIC_EOI, &payload, sizeof(payload));
}

int vsm_message_timer(struct hv_message *out, uint32_t index, uint64_t due, uint64_t delivered)
{
	struct hv_timer_message_payload payload = { .timer_index = index,
						    .expiration_time = due,
						    .delivery_time = delivered };

	if (index >= HV_SYNTHETIC_TIMER_COUNT)
		return -VSM_ERR_INVAL;
	return finish(out, HVMSG_TIMER_EXPIRED, &payload, sizeof(payload));
}
