/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file vsm/message.h
 * Intercept messages byte by byte (TLFS ch. 11, 13): the 256 bytes of a message slot from plain
 * structures. Usable without a partition; allocates nothing.
 *
 * A hypervisor that stopped VP 2 in VTL0 when it wrote to a page that VTL1 protects tells VTL1 so:
 *
 *     const struct vsm_intercept_context code = {
 *             .size = sizeof(code),
 *             .vp_index = 2,
 *             .rip = 0x401000,
 *             .rflags = 0x202,
 *             .cr0 = 0x80000011,
 *             .cs = { .limit = 0xfffff, .selector = 0x10, .attributes = 0xc09b },
 *             .ss = { .limit = 0xfffff, .selector = 0x18, .attributes = 0xc093 },
 *             .access = HV_INTERCEPT_ACCESS_WRITE,
 *     };
 *     const struct vsm_memory_intercept fault = {
 *             .size = sizeof(fault),
 *             .message_type = HVMSG_GPA_INTERCEPT,
 *             .cache_type = HV_CACHE_TYPE_WRITE_BACK,
 *             .gpa = 0x12345678,
 *             .access_info = HV_X64_MEMORY_ACCESS_GVA_GPA_VALID,
 *     };
 *     struct hv_message message;
 *
 *     if (vsm_message_memory(&message, &code, &fault) != 0)
 *             return failed("a good intercept is refused");
 *
 * and writes the message to slot 0 of the message page of VTL1, message_type last.
 *
 * Every function fills in all 256 bytes; what a message does not use is 0, so nothing of an earlier
 * one is left. The origination id is 0; a hypervisor that has another sets it afterwards. What the
 * guest gets is as true as what is put in: ranges are checked, the sense is not.
 */
#ifndef VSM_MESSAGE_H
#define VSM_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include <vsm/export.h>
#include <vsm/types.h>

VSM_BEGIN_DECLS

/** Bits of vsm_intercept_context.execution_state; the others follow from the registers. */
#define VSM_EXECUTION_STATE_BITS                                                             \
	(HV_X64_EXECUTION_STATE_DEBUG_ACTIVE | HV_X64_EXECUTION_STATE_INTERRUPTION_PENDING | \
	 HV_X64_EXECUTION_STATE_ENCLAVE_MODE | HV_X64_EXECUTION_STATE_INTERRUPT_SHADOW |     \
	 HV_X64_EXECUTION_STATE_VIRTUALIZATION_FAULT_ACTIVE)

/** The intercepted code: what all intercept messages begin with. */
struct vsm_intercept_context {
	size_t size; /**< sizeof(struct vsm_intercept_context) */
	uint64_t rip; /**< RIP, at the instruction. */
	uint64_t rflags; /**< RFLAGS */
	uint64_t cr0; /**< CR0 */
	uint64_t efer; /**< EFER */
	struct hv_segment_register cs; /**< CS */
	struct hv_segment_register ss; /**< SS; its DPL is the CPL in protected mode. */
	uint32_t vp_index; /**< VP it ran on. */
	uint16_t execution_state; /**< #VSM_EXECUTION_STATE_BITS, where known. */
	uint8_t vtl; /**< VTL it ran in, 0..15. */
	uint8_t cr8; /**< CR8, 0..15. */
	uint8_t instruction_length; /**< 1..15; 0: not known, see the functions. */
	uint8_t access; /**< HV_INTERCEPT_ACCESS_READ, _WRITE or _EXECUTE. */
	uint8_t reserved[6]; /**< 0 */
};

/** An access to memory (TLFS 13). */
struct vsm_memory_intercept {
	size_t size; /**< sizeof(struct vsm_memory_intercept) */
	uint64_t gva; /**< Guest virtual byte address, with HV_X64_MEMORY_ACCESS_GVA_VALID. */
	uint64_t gpa; /**< Guest physical byte address. */
	uint32_t message_type; /**< #HVMSG_GPA_INTERCEPT or #HVMSG_UNMAPPED_GPA. */
	uint32_t cache_type; /**< HV_CACHE_TYPE_* */
	uint8_t access_info; /**< HV_X64_MEMORY_ACCESS_* */
	uint8_t tpr_priority; /**< Task priority class, 0..15. */
	uint8_t instruction_byte_count; /**< Valid bytes in instruction_bytes, 0..16. */
	uint8_t reserved[5]; /**< 0 */
	uint8_t instruction_bytes[16]; /**< Bytes at RIP. */
};

/** RDMSR or WRMSR (TLFS 13). */
struct vsm_msr_intercept {
	size_t size; /**< sizeof(struct vsm_msr_intercept) */
	uint64_t rdx; /**< RDX */
	uint64_t rax; /**< RAX */
	uint32_t msr; /**< MSR index. */
	uint32_t reserved; /**< 0 */
};

/** An access to a control or table register (TLFS 15.13). */
struct vsm_register_intercept {
	size_t size; /**< sizeof(struct vsm_register_intercept) */
	struct hv_register_value value; /**< A write from a register: what is written. */
	uint64_t address; /**< With memory_op: address of the operand. */
	uint32_t name; /**< HV_X64_REGISTER_* that is read or written. */
	uint32_t destination; /**< A read into a register: the name of that one. */
	uint8_t memory_op; /**< 1: the operand is in memory. */
	uint8_t reserved[7]; /**< 0 */
};

/** An exception (TLFS 13). SS is that of the context. */
struct vsm_exception_intercept {
	size_t size; /**< sizeof(struct vsm_exception_intercept) */
	uint64_t parameter; /**< CR2 of a page fault, else 0. */
	uint64_t gpr[16]; /**< RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8 .. R15 */
	struct hv_segment_register ds; /**< DS */
	uint32_t error_code; /**< With HV_X64_EXCEPTION_INFO_ERROR_CODE_VALID. */
	uint8_t vector; /**< 0..31 */
	uint8_t info; /**< HV_X64_EXCEPTION_INFO_* */
	uint8_t instruction_byte_count; /**< Valid bytes in instruction_bytes, 0..16. */
	uint8_t reserved; /**< 0 */
	uint8_t instruction_bytes[16]; /**< Bytes at RIP. */
};

/** IN, OUT, INS or OUTS (TLFS 13). */
struct vsm_io_port_intercept {
	size_t size; /**< sizeof(struct vsm_io_port_intercept) */
	uint64_t rax; /**< RAX */
	uint64_t rcx; /**< RCX */
	uint64_t rsi; /**< RSI */
	uint64_t rdi; /**< RDI */
	struct hv_segment_register ds; /**< DS */
	struct hv_segment_register es; /**< ES */
	uint16_t port; /**< Port. */
	uint8_t access_size; /**< Bytes of one access: 1, 2 or 4. */
	uint8_t flags; /**< #HV_X64_IO_PORT_ACCESS_STRING, #HV_X64_IO_PORT_ACCESS_REP */
	uint8_t instruction_byte_count; /**< Valid bytes in instruction_bytes, 0..16. */
	uint8_t reserved[3]; /**< 0 */
	uint8_t instruction_bytes[16]; /**< Bytes at RIP. */
};

/** CPUID (TLFS 13). */
struct vsm_cpuid_intercept {
	size_t size; /**< sizeof(struct vsm_cpuid_intercept) */
	uint64_t rax; /**< RAX: the leaf. */
	uint64_t rcx; /**< RCX: the subleaf. */
	uint64_t rdx; /**< RDX */
	uint64_t rbx; /**< RBX */
	uint64_t default_rax; /**< EAX, if nobody changes the answer. */
	uint64_t default_rcx; /**< ECX, likewise. */
	uint64_t default_rdx; /**< EDX, likewise. */
	uint64_t default_rbx; /**< EBX, likewise. */
};

/** A hypercall (TLFS 13). */
struct vsm_hypercall_intercept {
	size_t size; /**< sizeof(struct vsm_hypercall_intercept) */
	uint64_t rax; /**< RAX */
	uint64_t rbx; /**< RBX */
	uint64_t rcx; /**< RCX */
	uint64_t rdx; /**< RDX */
	uint64_t r8; /**< R8 */
	uint64_t rsi; /**< RSI */
	uint64_t rdi; /**< RDI */
	struct hv_register_value xmm[6]; /**< XMM0..XMM5 */
	uint32_t flags; /**< #HV_X64_HYPERCALL_INTERCEPT_ISOLATED or 0. */
	uint32_t reserved; /**< 0 */
};

/**
 * GpaIntercept or UnmappedGpa, 80 bytes.
 *
 * @param out     filled in. Untouched on failure.
 * @param context the intercepted code.
 * @param what    the access. Without HV_X64_MEMORY_ACCESS_GVA_VALID the message holds no gva.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL an argument is NULL, a size field is wrong or a field is out of range.
 * Thread: any.
 */
VSM_EXPORT int vsm_message_memory(struct hv_message *out,
				  const struct vsm_intercept_context *context,
				  const struct vsm_memory_intercept *what);

/**
 * MsrIntercept, 64 bytes. The receiver relies on the instruction length (TLFS 13.2).
 *
 * @param out     filled in. Untouched on failure.
 * @param context access is read or write; instruction_length is not 0.
 * @param what    the MSR.
 * @return as vsm_message_memory(). Thread: any.
 */
VSM_EXPORT int vsm_message_msr(struct hv_message *out, const struct vsm_intercept_context *context,
			       const struct vsm_msr_intercept *what);

/**
 * RegisterIntercept, 64 bytes.
 *
 * @param out     filled in. Untouched on failure.
 * @param context access is read or write.
 * @param what    the register; of value, address and destination the one that fits is used.
 * @return as vsm_message_memory(). Thread: any.
 */
VSM_EXPORT int vsm_message_register(struct hv_message *out,
				    const struct vsm_intercept_context *context,
				    const struct vsm_register_intercept *what);

/**
 * ExceptionIntercept, 240 bytes.
 *
 * @param out     filled in. Untouched on failure.
 * @param context the intercepted code.
 * @param what    the exception.
 * @return as vsm_message_memory(). Thread: any.
 */
VSM_EXPORT int vsm_message_exception(struct hv_message *out,
				     const struct vsm_intercept_context *context,
				     const struct vsm_exception_intercept *what);

/**
 * X64IoPortIntercept, 128 bytes. The receiver relies on the instruction length (TLFS 13.2).
 *
 * @param out     filled in. Untouched on failure.
 * @param context access is read or write; instruction_length is not 0.
 * @param what    the port.
 * @return as vsm_message_memory(). Thread: any.
 */
VSM_EXPORT int vsm_message_io_port(struct hv_message *out,
				   const struct vsm_intercept_context *context,
				   const struct vsm_io_port_intercept *what);

/**
 * X64CpuidIntercept, 104 bytes. The receiver relies on the instruction length (TLFS 13.2).
 *
 * @param out     filled in. Untouched on failure.
 * @param context instruction_length is not 0.
 * @param what    leaf, and what the answer would be.
 * @return as vsm_message_memory(). Thread: any.
 */
VSM_EXPORT int vsm_message_cpuid(struct hv_message *out,
				 const struct vsm_intercept_context *context,
				 const struct vsm_cpuid_intercept *what);

/**
 * HypercallIntercept, 208 bytes.
 *
 * @param out     filled in. Untouched on failure.
 * @param context the intercepted code.
 * @param what    the registers of the call.
 * @return as vsm_message_memory(). Thread: any.
 */
VSM_EXPORT int vsm_message_hypercall(struct hv_message *out,
				     const struct vsm_intercept_context *context,
				     const struct vsm_hypercall_intercept *what);

/**
 * X64SipiIntercept, 48 bytes.
 *
 * @param out     filled in. Untouched on failure.
 * @param context the code that sent it.
 * @param target  VP that is to start.
 * @param vector  0 .. 255.
 * @return as vsm_message_memory(). Thread: any.
 */
VSM_EXPORT int vsm_message_sipi(struct hv_message *out, const struct vsm_intercept_context *context,
				uint32_t target, uint32_t vector);

/**
 * SynicSintDeliverable, 48 bytes.
 *
 * @param out     filled in. Untouched on failure.
 * @param context the code that made them so.
 * @param sints   bit n: SINTn; at least one.
 * @return as vsm_message_memory(). Thread: any.
 */
VSM_EXPORT int vsm_message_sint_deliverable(struct hv_message *out,
					    const struct vsm_intercept_context *context,
					    uint16_t sints);

/**
 * X64InterruptionDeliverable, 48 bytes.
 *
 * @param out     filled in. Untouched on failure.
 * @param context the code that made it so.
 * @param pending #HV_PENDING_INTERRUPTION_TYPE_EXTERNAL or #HV_PENDING_INTERRUPTION_TYPE_NMI.
 * @return as vsm_message_memory(). Thread: any.
 */
VSM_EXPORT int vsm_message_interruption_deliverable(struct hv_message *out,
						    const struct vsm_intercept_context *context,
						    uint32_t pending);

/**
 * UnrecoverableException, 40 bytes: a triple fault.
 *
 * @param out     filled in. Untouched on failure.
 * @param context the code that caused it.
 * @return as vsm_message_memory(). Thread: any.
 */
VSM_EXPORT int vsm_message_unrecoverable_exception(struct hv_message *out,
						   const struct vsm_intercept_context *context);

/**
 * X64Halt, 40 bytes.
 *
 * @param out     filled in. Untouched on failure.
 * @param context the code that halted.
 * @return as vsm_message_memory(). Thread: any.
 */
VSM_EXPORT int vsm_message_halt(struct hv_message *out,
				const struct vsm_intercept_context *context);

/**
 * InvalidVpRegisterValue, 8 bytes: the VP cannot go on with what its registers hold (TLFS 7.3).
 *
 * @param out      filled in. Untouched on failure.
 * @param vp_index the VP.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL out is NULL.
 * Thread: any.
 */
VSM_EXPORT int vsm_message_invalid_register(struct hv_message *out, uint32_t vp_index);

/**
 * UnsupportedFeature, 16 bytes.
 *
 * @param out       filled in. Untouched on failure.
 * @param vp_index  the VP.
 * @param code      what it tried to use.
 * @param parameter depends on the code.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL out is NULL.
 * Thread: any.
 */
VSM_EXPORT int vsm_message_unsupported_feature(struct hv_message *out, uint32_t vp_index,
					       uint32_t code, uint64_t parameter);

/**
 * X64ApicEoi, 8 bytes.
 *
 * @param out      filled in. Untouched on failure.
 * @param vp_index the VP.
 * @param vector   0 .. 255.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL out is NULL or vector is out of range.
 * Thread: any.
 */
VSM_EXPORT int vsm_message_apic_eoi(struct hv_message *out, uint32_t vp_index, uint32_t vector);

/**
 * TimerExpired, 24 bytes (TLFS ch. 12).
 *
 * @param out       filled in. Untouched on failure.
 * @param index     0 .. 3.
 * @param due       when it was due, reference time in 100 ns.
 * @param delivered the time at which the message is written to its slot.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL out is NULL or index is out of range.
 * Thread: any.
 */
VSM_EXPORT int vsm_message_timer(struct hv_message *out, uint32_t index, uint64_t due,
				 uint64_t delivered);

VSM_END_DECLS

#endif /* VSM_MESSAGE_H */
