/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * SynIC messages: the slot, the message types and the x64 intercept payloads.
 *
 * Part of vsm/hv.h, which includes it. Payload structures start at hv_message.payload. Layouts are
 * those of the published headers, which agree with each other; TLFS 6.0b gives the header only.
 */
#ifndef VSM_HV_MESSAGES_H
#define VSM_HV_MESSAGES_H

#include "vsm/hv_registers.h"

/** Header of a message (online TLFS, SynIC: size at 4, flags at 5). */
struct hv_message_header {
	uint32_t message_type; /**< HVMSG_*; written last, read first. */
	uint8_t payload_size; /**< Valid bytes of the payload, 0..240. */
	uint8_t message_flags; /**< HV_MESSAGE_FLAG_* */
	uint16_t reserved; /**< 0 */
	uint64_t origination_id; /**< Partition or port that sent it. */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_message_header, 16) &&
			 HV_OFFSET_IS(hv_message_header, message_type, 0) &&
			 HV_OFFSET_IS(hv_message_header, payload_size, 4) &&
			 HV_OFFSET_IS(hv_message_header, message_flags, 5) &&
			 HV_OFFSET_IS(hv_message_header, reserved, 6) &&
			 HV_OFFSET_IS(hv_message_header, origination_id, 8),
		 "HV_MESSAGE_HEADER");

/** Bytes of a message slot. */
#define HV_MESSAGE_SIZE		256U
/** Bytes of its payload. */
#define HV_MESSAGE_PAYLOAD_SIZE 240U
/** message_flags: more messages wait for this slot; write EOM after emptying it. */
#define HV_MESSAGE_FLAG_PENDING 0x01U

/** A message slot; the slot is empty exactly when message_type is HVMSG_NONE (TLFS ch. 11). */
struct hv_message {
	struct hv_message_header header; /**< Header. */
	uint8_t payload[HV_MESSAGE_PAYLOAD_SIZE]; /**< Payload, laid out by type. */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_message, 256) && HV_OFFSET_IS(hv_message, header, 0) &&
			 HV_OFFSET_IS(hv_message, payload, 16),
		 "HV_MESSAGE");

/** Slots of a message page; slot n belongs to SINTn (TLFS ch. 11). */
#define HV_SYNIC_SINT_COUNT 16U
/** Slots of a SIMP. */
#define HV_SIMP_SLOT_COUNT  HV_SYNIC_SINT_COUNT
HV_STATIC_ASSERT(HV_SIMP_SLOT_COUNT * sizeof(struct hv_message) == 4096, "one page of slots");

/**
 * @name Message types (TLFS ch. 11)
 * Bit 31 marks messages that only the hypervisor sends. 0x80010005 is deliberately absent: the
 * published sources do not agree on it.
 * @{
 */
/** Value of hv_message_header.message_type. */
#define HVMSG_NONE			     0x00000000U
#define HVMSG_HYPERVISOR_BIT		     0x80000000U
#define HVMSG_UNMAPPED_GPA		     0x80000000U
#define HVMSG_GPA_INTERCEPT		     0x80000001U
#define HVMSG_UNACCEPTED_GPA		     0x80000003U
#define HVMSG_GPA_ATTRIBUTE_INTERCEPT	     0x80000004U
#define HVMSG_ENABLE_PARTITION_VTL_INTERCEPT 0x80000005U
#define HVMSG_TIMER_EXPIRED		     0x80000010U
#define HVMSG_INVALID_VP_REGISTER_VALUE	     0x80000020U
#define HVMSG_UNRECOVERABLE_EXCEPTION	     0x80000021U
#define HVMSG_UNSUPPORTED_FEATURE	     0x80000022U
#define HVMSG_TLB_PAGE_SIZE_MISMATCH	     0x80000023U
#define HVMSG_IOMMU_FAULT		     0x80000024U
#define HVMSG_OPAQUE_INTERCEPT		     0x8000003fU
#define HVMSG_EVENT_LOG_BUFFER_COMPLETE	     0x80000040U
#define HVMSG_HYPERCALL_INTERCEPT	     0x80000050U
#define HVMSG_SYNIC_EVENT_INTERCEPT	     0x80000060U
#define HVMSG_SYNIC_SINT_INTERCEPT	     0x80000061U
#define HVMSG_SYNIC_SINT_DELIVERABLE	     0x80000062U
#define HVMSG_ASYNC_CALL_COMPLETION	     0x80000070U
#define HVMSG_X64_IO_PORT_INTERCEPT	     0x80010000U
#define HVMSG_X64_MSR_INTERCEPT		     0x80010001U
#define HVMSG_X64_CPUID_INTERCEPT	     0x80010002U
#define HVMSG_X64_EXCEPTION_INTERCEPT	     0x80010003U
#define HVMSG_X64_APIC_EOI		     0x80010004U
#define HVMSG_X64_REGISTER_INTERCEPT	     0x80010006U
#define HVMSG_X64_HALT			     0x80010007U
#define HVMSG_X64_INTERRUPTION_DELIVERABLE   0x80010008U
#define HVMSG_X64_SIPI_INTERCEPT	     0x80010009U
#define HVMSG_X64_RDTSC_INTERCEPT	     0x8001000aU
#define HVMSG_X64_APIC_SMI_INTERCEPT	     0x8001000bU
#define HVMSG_X64_APIC_INIT_SIPI_INTERCEPT   0x8001000dU
#define HVMSG_X64_APIC_WRITE_INTERCEPT	     0x8001000eU
#define HVMSG_X64_PROXY_INTERRUPT_INTERCEPT  0x8001000fU
#define HVMSG_X64_EXCEPTION_TRAP_INTERCEPT   0x80010012U
#define HVMSG_X64_SEV_VMGEXIT_INTERCEPT	     0x80010013U
/** @} */

/** First part of every x64 intercept payload (TLFS 13.2). */
struct hv_x64_intercept_message_header {
	uint32_t vp_index; /**< VP whose access it was. */
	uint8_t instruction_length_cr8; /**< 3:0 length of the instruction, 7:4 CR8. */
	uint8_t intercept_access_type; /**< HV_INTERCEPT_ACCESS_* */
	uint16_t execution_state; /**< HV_X64_EXECUTION_STATE_* */
	struct hv_segment_register cs_segment; /**< CS */
	uint64_t rip; /**< RIP */
	uint64_t rflags; /**< RFLAGS */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_x64_intercept_message_header, 40) &&
			 HV_OFFSET_IS(hv_x64_intercept_message_header, vp_index, 0) &&
			 HV_OFFSET_IS(hv_x64_intercept_message_header, instruction_length_cr8, 4) &&
			 HV_OFFSET_IS(hv_x64_intercept_message_header, intercept_access_type, 5) &&
			 HV_OFFSET_IS(hv_x64_intercept_message_header, execution_state, 6) &&
			 HV_OFFSET_IS(hv_x64_intercept_message_header, cs_segment, 8) &&
			 HV_OFFSET_IS(hv_x64_intercept_message_header, rip, 24) &&
			 HV_OFFSET_IS(hv_x64_intercept_message_header, rflags, 32),
		 "intercept header");

/**
 * @name Fields of the intercept header (TLFS 13.2)
 * The access type in a message is a number; HvCallInstallIntercept takes the masks. An
 * instruction length of 0 means unknown.
 * @{
 */
/** Value or field of struct hv_x64_intercept_message_header. */
#define HV_INTERCEPT_ACCESS_READ			   0U
#define HV_INTERCEPT_ACCESS_WRITE			   1U
#define HV_INTERCEPT_ACCESS_EXECUTE			   2U
#define HV_INTERCEPT_ACCESS_MASK_READ			   0x1U
#define HV_INTERCEPT_ACCESS_MASK_WRITE			   0x2U
#define HV_INTERCEPT_ACCESS_MASK_EXECUTE		   0x4U
#define HV_X64_INTERCEPT_INSTRUCTION_LENGTH_MASK	   0x0fU
#define HV_X64_INTERCEPT_CR8_SHIFT			   4
#define HV_X64_INTERCEPT_CR8_MASK			   0xf0U
#define HV_X64_EXECUTION_STATE_CPL_MASK			   0x0003U
#define HV_X64_EXECUTION_STATE_CR0_PE			   0x0004U
#define HV_X64_EXECUTION_STATE_CR0_AM			   0x0008U
#define HV_X64_EXECUTION_STATE_EFER_LMA			   0x0010U
#define HV_X64_EXECUTION_STATE_DEBUG_ACTIVE		   0x0020U
#define HV_X64_EXECUTION_STATE_INTERRUPTION_PENDING	   0x0040U
#define HV_X64_EXECUTION_STATE_VTL_SHIFT		   7
#define HV_X64_EXECUTION_STATE_VTL_MASK			   0x0780U
#define HV_X64_EXECUTION_STATE_ENCLAVE_MODE		   0x0800U
#define HV_X64_EXECUTION_STATE_INTERRUPT_SHADOW		   0x1000U
#define HV_X64_EXECUTION_STATE_VIRTUALIZATION_FAULT_ACTIVE 0x2000U
#define HV_X64_EXECUTION_STATE_RSVD_MASK		   0xc000U
/** @} */

/** Payload of HVMSG_GPA_INTERCEPT and HVMSG_UNMAPPED_GPA; the GPA is a byte address (TLFS 13). */
struct hv_x64_memory_intercept_message {
	struct hv_x64_intercept_message_header header; /**< Common part. */
	uint32_t cache_type; /**< HV_CACHE_TYPE_* */
	uint8_t instruction_byte_count; /**< Valid bytes in instruction_bytes. */
	uint8_t memory_access_info; /**< HV_X64_MEMORY_ACCESS_* */
	uint8_t tpr_priority; /**< Task priority class. */
	uint8_t reserved; /**< 0 */
	uint64_t guest_virtual_address; /**< Byte address, with GVA_VALID. */
	uint64_t guest_physical_address; /**< Byte address of the access. */
	uint8_t instruction_bytes[16]; /**< Bytes at RIP, if known. */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_x64_memory_intercept_message, 80) &&
			 HV_OFFSET_IS(hv_x64_memory_intercept_message, header, 0) &&
			 HV_OFFSET_IS(hv_x64_memory_intercept_message, cache_type, 40) &&
			 HV_OFFSET_IS(hv_x64_memory_intercept_message, instruction_byte_count,
				      44) &&
			 HV_OFFSET_IS(hv_x64_memory_intercept_message, memory_access_info, 45) &&
			 HV_OFFSET_IS(hv_x64_memory_intercept_message, tpr_priority, 46) &&
			 HV_OFFSET_IS(hv_x64_memory_intercept_message, reserved, 47) &&
			 HV_OFFSET_IS(hv_x64_memory_intercept_message, guest_virtual_address, 48) &&
			 HV_OFFSET_IS(hv_x64_memory_intercept_message, guest_physical_address,
				      56) &&
			 HV_OFFSET_IS(hv_x64_memory_intercept_message, instruction_bytes, 64),
		 "memory intercept");

/**
 * @name Fields of the memory intercept (TLFS 13)
 * GVA_GPA_VALID: the GPA is that of the final access, not of a page-table walk.
 * @{
 */
/** Bit of memory_access_info, or cache type, of struct hv_x64_memory_intercept_message. */
#define HV_X64_MEMORY_ACCESS_GVA_VALID		      0x01U
#define HV_X64_MEMORY_ACCESS_GVA_GPA_VALID	      0x02U
#define HV_X64_MEMORY_ACCESS_HYPERCALL_OUTPUT_PENDING 0x04U
#define HV_X64_MEMORY_ACCESS_TLB_LOCKED		      0x08U
#define HV_X64_MEMORY_ACCESS_SUPERVISOR_SHADOW_STACK  0x10U
#define HV_CACHE_TYPE_UNCACHED			      0U
#define HV_CACHE_TYPE_WRITE_COMBINING		      1U
#define HV_CACHE_TYPE_WRITE_THROUGH		      4U
#define HV_CACHE_TYPE_WRITE_PROTECTED		      5U
#define HV_CACHE_TYPE_WRITE_BACK		      6U
/** @} */

/** Payload of HVMSG_X64_MSR_INTERCEPT (TLFS 13). */
struct hv_x64_msr_intercept_message {
	struct hv_x64_intercept_message_header header; /**< Common part. */
	uint32_t msr_number; /**< MSR index. */
	uint32_t reserved; /**< 0 */
	uint64_t rdx; /**< RDX */
	uint64_t rax; /**< RAX */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_x64_msr_intercept_message, 64) &&
			 HV_OFFSET_IS(hv_x64_msr_intercept_message, header, 0) &&
			 HV_OFFSET_IS(hv_x64_msr_intercept_message, msr_number, 40) &&
			 HV_OFFSET_IS(hv_x64_msr_intercept_message, reserved, 44) &&
			 HV_OFFSET_IS(hv_x64_msr_intercept_message, rdx, 48) &&
			 HV_OFFSET_IS(hv_x64_msr_intercept_message, rax, 56),
		 "MSR intercept");

/**
 * Payload of HVMSG_X64_REGISTER_INTERCEPT (TLFS 15.13). access_info holds the value to be written;
 * for a read its low 32 bits name the destination register; with IS_MEMORY_OP its low half is the
 * address of the operand.
 */
struct hv_x64_register_intercept_message {
	struct hv_x64_intercept_message_header header; /**< Common part. */
	uint8_t flags; /**< HV_X64_REGISTER_INTERCEPT_* */
	uint8_t reserved1; /**< 0 */
	uint16_t reserved2; /**< 0 */
	uint32_t register_name; /**< Register name. */
	struct hv_register_value access_info; /**< Value or operand, see above. */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_x64_register_intercept_message, 64) &&
			 HV_OFFSET_IS(hv_x64_register_intercept_message, header, 0) &&
			 HV_OFFSET_IS(hv_x64_register_intercept_message, flags, 40) &&
			 HV_OFFSET_IS(hv_x64_register_intercept_message, reserved1, 41) &&
			 HV_OFFSET_IS(hv_x64_register_intercept_message, reserved2, 42) &&
			 HV_OFFSET_IS(hv_x64_register_intercept_message, register_name, 44) &&
			 HV_OFFSET_IS(hv_x64_register_intercept_message, access_info, 48),
		 "register intercept");

/** flags: the operand is in memory. */
#define HV_X64_REGISTER_INTERCEPT_IS_MEMORY_OP 0x01U

/** Payload of HVMSG_X64_EXCEPTION_INTERCEPT (TLFS 13). */
struct hv_x64_exception_intercept_message {
	struct hv_x64_intercept_message_header header; /**< Common part. */
	uint16_t exception_vector; /**< 0..31 */
	uint8_t exception_info; /**< HV_X64_EXCEPTION_INFO_* */
	uint8_t instruction_byte_count; /**< Valid bytes in instruction_bytes. */
	uint32_t error_code; /**< Error code, if valid. */
	uint64_t exception_parameter; /**< CR2 of a page fault. */
	uint64_t reserved; /**< 0 */
	uint8_t instruction_bytes[16]; /**< Bytes at RIP, if known. */
	struct hv_segment_register ds_segment; /**< DS */
	struct hv_segment_register ss_segment; /**< SS */
	uint64_t rax; /**< RAX */
	uint64_t rcx; /**< RCX */
	uint64_t rdx; /**< RDX */
	uint64_t rbx; /**< RBX */
	uint64_t rsp; /**< RSP */
	uint64_t rbp; /**< RBP */
	uint64_t rsi; /**< RSI */
	uint64_t rdi; /**< RDI */
	uint64_t r8; /**< R8 */
	uint64_t r9; /**< R9 */
	uint64_t r10; /**< R10 */
	uint64_t r11; /**< R11 */
	uint64_t r12; /**< R12 */
	uint64_t r13; /**< R13 */
	uint64_t r14; /**< R14 */
	uint64_t r15; /**< R15 */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_x64_exception_intercept_message, 240) &&
			 HV_OFFSET_IS(hv_x64_exception_intercept_message, header, 0) &&
			 HV_OFFSET_IS(hv_x64_exception_intercept_message, exception_vector, 40) &&
			 HV_OFFSET_IS(hv_x64_exception_intercept_message, exception_info, 42) &&
			 HV_OFFSET_IS(hv_x64_exception_intercept_message, instruction_byte_count,
				      43) &&
			 HV_OFFSET_IS(hv_x64_exception_intercept_message, error_code, 44) &&
			 HV_OFFSET_IS(hv_x64_exception_intercept_message, exception_parameter,
				      48) &&
			 HV_OFFSET_IS(hv_x64_exception_intercept_message, reserved, 56) &&
			 HV_OFFSET_IS(hv_x64_exception_intercept_message, instruction_bytes, 64) &&
			 HV_OFFSET_IS(hv_x64_exception_intercept_message, ds_segment, 80) &&
			 HV_OFFSET_IS(hv_x64_exception_intercept_message, ss_segment, 96),
		 "exception intercept");
HV_STATIC_ASSERT(HV_OFFSET_IS(hv_x64_exception_intercept_message, rax, 112) &&
			 HV_OFFSET_IS(hv_x64_exception_intercept_message, rcx, 120) &&
			 HV_OFFSET_IS(hv_x64_exception_intercept_message, rdx, 128) &&
			 HV_OFFSET_IS(hv_x64_exception_intercept_message, rbx, 136) &&
			 HV_OFFSET_IS(hv_x64_exception_intercept_message, rsp, 144) &&
			 HV_OFFSET_IS(hv_x64_exception_intercept_message, rbp, 152) &&
			 HV_OFFSET_IS(hv_x64_exception_intercept_message, rsi, 160) &&
			 HV_OFFSET_IS(hv_x64_exception_intercept_message, rdi, 168) &&
			 HV_OFFSET_IS(hv_x64_exception_intercept_message, r8, 176) &&
			 HV_OFFSET_IS(hv_x64_exception_intercept_message, r9, 184) &&
			 HV_OFFSET_IS(hv_x64_exception_intercept_message, r10, 192) &&
			 HV_OFFSET_IS(hv_x64_exception_intercept_message, r11, 200) &&
			 HV_OFFSET_IS(hv_x64_exception_intercept_message, r12, 208) &&
			 HV_OFFSET_IS(hv_x64_exception_intercept_message, r13, 216) &&
			 HV_OFFSET_IS(hv_x64_exception_intercept_message, r14, 224) &&
			 HV_OFFSET_IS(hv_x64_exception_intercept_message, r15, 232),
		 "exception intercept");

/** exception_info: there is an error code. */
#define HV_X64_EXCEPTION_INFO_ERROR_CODE_VALID	 0x01U
/** exception_info: raised by INT n, INT3 or INTO. */
#define HV_X64_EXCEPTION_INFO_SOFTWARE_EXCEPTION 0x02U

/** Payload of HVMSG_X64_IO_PORT_INTERCEPT (TLFS 13). */
struct hv_x64_io_port_intercept_message {
	struct hv_x64_intercept_message_header header; /**< Common part. */
	uint16_t port_number; /**< Port. */
	uint8_t access_info; /**< HV_X64_IO_PORT_ACCESS_* */
	uint8_t instruction_byte_count; /**< Valid bytes in instruction_bytes. */
	uint32_t reserved; /**< 0 */
	uint64_t rax; /**< RAX */
	uint8_t instruction_bytes[16]; /**< Bytes at RIP, if known. */
	struct hv_segment_register ds_segment; /**< DS */
	struct hv_segment_register es_segment; /**< ES */
	uint64_t rcx; /**< RCX */
	uint64_t rsi; /**< RSI */
	uint64_t rdi; /**< RDI */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_x64_io_port_intercept_message, 128) &&
			 HV_OFFSET_IS(hv_x64_io_port_intercept_message, header, 0) &&
			 HV_OFFSET_IS(hv_x64_io_port_intercept_message, port_number, 40) &&
			 HV_OFFSET_IS(hv_x64_io_port_intercept_message, access_info, 42) &&
			 HV_OFFSET_IS(hv_x64_io_port_intercept_message, instruction_byte_count,
				      43) &&
			 HV_OFFSET_IS(hv_x64_io_port_intercept_message, reserved, 44) &&
			 HV_OFFSET_IS(hv_x64_io_port_intercept_message, rax, 48) &&
			 HV_OFFSET_IS(hv_x64_io_port_intercept_message, instruction_bytes, 56) &&
			 HV_OFFSET_IS(hv_x64_io_port_intercept_message, ds_segment, 72) &&
			 HV_OFFSET_IS(hv_x64_io_port_intercept_message, es_segment, 88) &&
			 HV_OFFSET_IS(hv_x64_io_port_intercept_message, rcx, 104) &&
			 HV_OFFSET_IS(hv_x64_io_port_intercept_message, rsi, 112) &&
			 HV_OFFSET_IS(hv_x64_io_port_intercept_message, rdi, 120),
		 "I/O port intercept");

/** access_info: bytes of one access, 1, 2 or 4. */
#define HV_X64_IO_PORT_ACCESS_SIZE_MASK 0x07U
/** access_info: INS or OUTS. */
#define HV_X64_IO_PORT_ACCESS_STRING	0x08U
/** access_info: with a REP prefix. */
#define HV_X64_IO_PORT_ACCESS_REP	0x10U

/** Payload of HVMSG_X64_CPUID_INTERCEPT (TLFS 13). */
struct hv_x64_cpuid_intercept_message {
	struct hv_x64_intercept_message_header header; /**< Common part. */
	uint64_t rax; /**< RAX */
	uint64_t rcx; /**< RCX */
	uint64_t rdx; /**< RDX */
	uint64_t rbx; /**< RBX */
	uint64_t default_result_rax; /**< EAX as the host would answer. */
	uint64_t default_result_rcx; /**< ECX as the host would answer. */
	uint64_t default_result_rdx; /**< EDX as the host would answer. */
	uint64_t default_result_rbx; /**< EBX as the host would answer. */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_x64_cpuid_intercept_message, 104) &&
			 HV_OFFSET_IS(hv_x64_cpuid_intercept_message, header, 0) &&
			 HV_OFFSET_IS(hv_x64_cpuid_intercept_message, rax, 40) &&
			 HV_OFFSET_IS(hv_x64_cpuid_intercept_message, rcx, 48) &&
			 HV_OFFSET_IS(hv_x64_cpuid_intercept_message, rdx, 56) &&
			 HV_OFFSET_IS(hv_x64_cpuid_intercept_message, rbx, 64) &&
			 HV_OFFSET_IS(hv_x64_cpuid_intercept_message, default_result_rax, 72) &&
			 HV_OFFSET_IS(hv_x64_cpuid_intercept_message, default_result_rcx, 80) &&
			 HV_OFFSET_IS(hv_x64_cpuid_intercept_message, default_result_rdx, 88) &&
			 HV_OFFSET_IS(hv_x64_cpuid_intercept_message, default_result_rbx, 96),
		 "CPUID intercept");

/** Payload of HVMSG_HYPERCALL_INTERCEPT (TLFS 13). */
struct hv_x64_hypercall_intercept_message {
	struct hv_x64_intercept_message_header header; /**< Common part. */
	uint64_t rax; /**< RAX */
	uint64_t rbx; /**< RBX */
	uint64_t rcx; /**< RCX */
	uint64_t rdx; /**< RDX */
	uint64_t r8; /**< R8 */
	uint64_t rsi; /**< RSI */
	uint64_t rdi; /**< RDI */
	struct hv_register_value xmm[6]; /**< XMM0..XMM5 */
	uint32_t flags; /**< HV_X64_HYPERCALL_INTERCEPT_* */
	uint32_t reserved[3]; /**< 0 */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_x64_hypercall_intercept_message, 208) &&
			 HV_OFFSET_IS(hv_x64_hypercall_intercept_message, header, 0) &&
			 HV_OFFSET_IS(hv_x64_hypercall_intercept_message, rax, 40) &&
			 HV_OFFSET_IS(hv_x64_hypercall_intercept_message, rbx, 48) &&
			 HV_OFFSET_IS(hv_x64_hypercall_intercept_message, rcx, 56) &&
			 HV_OFFSET_IS(hv_x64_hypercall_intercept_message, rdx, 64) &&
			 HV_OFFSET_IS(hv_x64_hypercall_intercept_message, r8, 72) &&
			 HV_OFFSET_IS(hv_x64_hypercall_intercept_message, rsi, 80) &&
			 HV_OFFSET_IS(hv_x64_hypercall_intercept_message, rdi, 88) &&
			 HV_OFFSET_IS(hv_x64_hypercall_intercept_message, xmm, 96) &&
			 HV_OFFSET_IS(hv_x64_hypercall_intercept_message, flags, 192) &&
			 HV_OFFSET_IS(hv_x64_hypercall_intercept_message, reserved, 196),
		 "hypercall intercept");

/** flags: of an isolated partition. */
#define HV_X64_HYPERCALL_INTERCEPT_ISOLATED 0x00000001U

/** Payload of HVMSG_X64_SIPI_INTERCEPT (TLFS 13). */
struct hv_x64_sipi_intercept_message {
	struct hv_x64_intercept_message_header header; /**< Common part. */
	uint32_t target_vp_index; /**< VP that is to start. */
	uint32_t interrupt_vector; /**< Vector of the SIPI, 0..255. */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_x64_sipi_intercept_message, 48) &&
			 HV_OFFSET_IS(hv_x64_sipi_intercept_message, header, 0) &&
			 HV_OFFSET_IS(hv_x64_sipi_intercept_message, target_vp_index, 40) &&
			 HV_OFFSET_IS(hv_x64_sipi_intercept_message, interrupt_vector, 44),
		 "SIPI intercept");

/** Payload of HVMSG_SYNIC_SINT_DELIVERABLE, in the published headers. */
struct hv_x64_sint_deliverable_message {
	struct hv_x64_intercept_message_header header; /**< Common part. */
	uint16_t deliverable_sints; /**< Bit n: SINTn. */
	uint16_t reserved1; /**< 0 */
	uint32_t reserved2; /**< 0 */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_x64_sint_deliverable_message, 48) &&
			 HV_OFFSET_IS(hv_x64_sint_deliverable_message, header, 0) &&
			 HV_OFFSET_IS(hv_x64_sint_deliverable_message, deliverable_sints, 40) &&
			 HV_OFFSET_IS(hv_x64_sint_deliverable_message, reserved1, 42) &&
			 HV_OFFSET_IS(hv_x64_sint_deliverable_message, reserved2, 44),
		 "SINT deliverable");

/**
 * Payload of HVMSG_X64_INTERRUPTION_DELIVERABLE (TLFS 13). The published headers do not agree on
 * whether the type is one byte or four; with the zeros behind it both read the same.
 */
struct hv_x64_interruption_deliverable_message {
	struct hv_x64_intercept_message_header header; /**< Common part. */
	uint8_t deliverable_type; /**< HV_PENDING_INTERRUPTION_TYPE_* */
	uint8_t reserved[7]; /**< 0 */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_x64_interruption_deliverable_message, 48) &&
			 HV_OFFSET_IS(hv_x64_interruption_deliverable_message, header, 0) &&
			 HV_OFFSET_IS(hv_x64_interruption_deliverable_message, deliverable_type,
				      40) &&
			 HV_OFFSET_IS(hv_x64_interruption_deliverable_message, reserved, 41),
		 "interruption deliverable");

/** Payload of HVMSG_UNRECOVERABLE_EXCEPTION (TLFS 13). */
struct hv_x64_unrecoverable_exception_message {
	struct hv_x64_intercept_message_header header; /**< Common part. */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_x64_unrecoverable_exception_message, 40) &&
			 HV_OFFSET_IS(hv_x64_unrecoverable_exception_message, header, 0),
		 "unrecoverable exception");

/** Payload of HVMSG_X64_HALT (TLFS 13). */
struct hv_x64_halt_message {
	struct hv_x64_intercept_message_header header; /**< Common part. */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_x64_halt_message, 40) &&
			 HV_OFFSET_IS(hv_x64_halt_message, header, 0),
		 "halt");

/** Payload of HVMSG_INVALID_VP_REGISTER_VALUE; without the common part (TLFS 7.3). */
struct hv_x64_invalid_vp_register_message {
	uint32_t vp_index; /**< VP that was stopped. */
	uint32_t reserved; /**< 0 */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_x64_invalid_vp_register_message, 8) &&
			 HV_OFFSET_IS(hv_x64_invalid_vp_register_message, vp_index, 0) &&
			 HV_OFFSET_IS(hv_x64_invalid_vp_register_message, reserved, 4),
		 "invalid VP register value");

/** Payload of HVMSG_UNSUPPORTED_FEATURE; without the common part. */
struct hv_x64_unsupported_feature_message {
	uint32_t vp_index; /**< VP that used it. */
	uint32_t feature_code; /**< What it was. */
	uint64_t feature_parameter; /**< Depends on the code. */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_x64_unsupported_feature_message, 16) &&
			 HV_OFFSET_IS(hv_x64_unsupported_feature_message, vp_index, 0) &&
			 HV_OFFSET_IS(hv_x64_unsupported_feature_message, feature_code, 4) &&
			 HV_OFFSET_IS(hv_x64_unsupported_feature_message, feature_parameter, 8),
		 "unsupported feature");

/** Payload of HVMSG_X64_APIC_EOI; without the common part (TLFS 13). */
struct hv_x64_apic_eoi_message {
	uint32_t vp_index; /**< VP whose APIC it was. */
	uint32_t interrupt_vector; /**< Vector, 0..255. */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_x64_apic_eoi_message, 8) &&
			 HV_OFFSET_IS(hv_x64_apic_eoi_message, vp_index, 0) &&
			 HV_OFFSET_IS(hv_x64_apic_eoi_message, interrupt_vector, 4),
		 "APIC EOI");

/** Payload of HVMSG_TIMER_EXPIRED (TLFS ch. 12). */
struct hv_timer_message_payload {
	uint32_t timer_index; /**< 0..3 */
	uint32_t reserved; /**< 0 */
	uint64_t expiration_time; /**< When it was due, in 100 ns. */
	uint64_t delivery_time; /**< When the message was written, in 100 ns. */
};
HV_STATIC_ASSERT(HV_SIZE_IS(hv_timer_message_payload, 24) &&
			 HV_OFFSET_IS(hv_timer_message_payload, timer_index, 0) &&
			 HV_OFFSET_IS(hv_timer_message_payload, reserved, 4) &&
			 HV_OFFSET_IS(hv_timer_message_payload, expiration_time, 8) &&
			 HV_OFFSET_IS(hv_timer_message_payload, delivery_time, 16),
		 "timer message");

/** Synthetic timers of a VP and VTL (TLFS ch. 12). */
#define HV_SYNTHETIC_TIMER_COUNT 4U

#endif
