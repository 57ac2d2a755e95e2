/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file vsm/hypercall.h
 * Decoding of hypercalls (TLFS ch. 3), as a pure function: usable without a partition.
 *
 * vsm_hypercall_decode() takes the registers at the trap and what the guest was offered, and says
 * which call it is, where its parameters are and how large, or the exact status or exception that
 * refuses it. It reads no guest memory. A 64-bit kernel asks for two registers, say:
 *
 *     const struct vsm_hypercall_regs regs = {
 *             .size = sizeof(regs),
 *             .mode = VSM_CALLER_PROTECTED | VSM_CALLER_LONG,
 *             .rcx = HVCALL_GET_VP_REGISTERS | 2ull << 32,
 *             .rdx = 0x1000,
 *             .r8 = 0x2000,
 *     };
 *     const struct vsm_hypercall_caps caps = {
 *             .size = sizeof(caps),
 *             .privileges = HV_PRIV_ACCESS_VP_REGISTERS,
 *             .phys_bits = 46,
 *             .calls = 1ull << vsm_hypercall_row(HVCALL_GET_VP_REGISTERS),
 *             .enabled = 1,
 *     };
 *     struct vsm_hypercall call = { .size = sizeof(call) };
 *
 *     if (vsm_hypercall_decode(&regs, &caps, &call) != VSM_DECODE_OK)
 *             return failed("a good call is refused");
 *     if (call.rep_count != 2 || call.param[0] != 0x1000 || call.input_size != 16 + 2 * 4)
 *             return failed("the input block is not two register names behind a header");
 */
#ifndef VSM_HYPERCALL_H
#define VSM_HYPERCALL_H

#include <stddef.h>
#include <stdint.h>

#include <vsm/export.h>
#include <vsm/types.h>

VSM_BEGIN_DECLS

/** Number of register pairs of a fast call: {RDX, R8}, XMM0 .. XMM5 (TLFS 3.7.1). */
#define VSM_FAST_PAIRS 7u

/* Mode of the caller: vsm_hypercall_regs.mode. */
#define VSM_CALLER_PROTECTED 0x1u /**< CR0.PE is 1. */
#define VSM_CALLER_LONG	     0x2u /**< EFER.LMA and CS.L are 1: the 64-bit register mapping. */
#define VSM_CALLER_V86	     0x4u /**< RFLAGS.VM is 1 outside of long mode. */

/** Registers at the trap instruction. */
struct vsm_hypercall_regs {
	size_t size; /**< sizeof(struct vsm_hypercall_regs) */
	uint32_t mode; /**< VSM_CALLER_* */
	uint32_t cpl; /**< 0..3 */
	uint64_t rax; /**< RAX */
	uint64_t rbx; /**< RBX */
	uint64_t rcx; /**< RCX */
	uint64_t rdx; /**< RDX */
	uint64_t rsi; /**< RSI */
	uint64_t rdi; /**< RDI */
	uint64_t r8; /**< R8 */
};

/** What the guest was offered. */
struct vsm_hypercall_caps {
	size_t size; /**< sizeof(struct vsm_hypercall_caps) */
	uint64_t privileges; /**< CPUID 0x40000003 EBX:EAX, HV_PRIV_* */
	uint32_t features; /**< CPUID 0x40000003 EDX, HV_FEATURE_* */
	uint32_t phys_bits; /**< Guest physical address bits, 32..52. */
	uint64_t calls; /**< Offered calls: bit n = row n of the table, vsm_hypercall_row(). */
	uint32_t enabled; /**< 1: the hypercall page of the caller's VTL is enabled. */
	uint32_t reserved; /**< 0 */
};

/* Kinds of calls: vsm_hypercall.kind. */
#define VSM_HYPERCALL_SIMPLE 0u /**< One operation. */
#define VSM_HYPERCALL_REP    1u /**< A list of elements. */
#define VSM_HYPERCALL_VTL    2u /**< VtlCall and VtlReturn: no parameter block, no result. */

/* Flags of vsm_hypercall.flags. */
#define VSM_HYPERCALL_FAST 0x1u /**< Parameters are in registers. */
#define VSM_HYPERCALL_LONG 0x2u /**< 64-bit caller. */

/** A decoded hypercall. */
struct vsm_hypercall {
	size_t size; /**< sizeof(struct vsm_hypercall), set by the caller. */
	uint64_t control; /**< Hypercall input value, masked by mode. */
	uint64_t param[2]; /**< Input and output GPA; fast: the first 16 bytes. */
	uint64_t vtl_control; /**< Kind VTL: the control input (RAX, or ECX of 32-bit callers). */
	uint32_t row; /**< Row of the table. */
	uint16_t code; /**< Call code. */
	uint8_t kind; /**< VSM_HYPERCALL_SIMPLE, _REP or _VTL */
	uint8_t flags; /**< VSM_HYPERCALL_FAST, VSM_HYPERCALL_LONG */
	uint32_t rep_count; /**< Elements in all; 0 for simple calls. */
	uint32_t rep_start; /**< First element to work on. */
	uint32_t header_size; /**< Fixed and variable header, bytes. */
	uint32_t variable_size; /**< Variable header alone, bytes. */
	uint32_t rep_in_size; /**< Bytes of one input element. */
	uint32_t rep_out_size; /**< Bytes of one output element. */
	uint32_t input_size; /**< Whole input block, bytes, 0..4096. */
	uint32_t output_size; /**< Whole output block, bytes, 0..4096. */
	uint32_t output_pair; /**< Fast: register pair where the output begins. */
	uint16_t status; /**< HV_STATUS_* when refused, else HV_STATUS_SUCCESS. */
	uint8_t vector; /**< Exception vector when one is due, else 0. */
	uint8_t reserved; /**< 0 */
};

/* Results of vsm_hypercall_decode(). */
#define VSM_DECODE_OK	     0 /**< The call is good so far; memory is still to be read. */
#define VSM_DECODE_STATUS    1 /**< Refused: give the caller vsm_hypercall.status. */
#define VSM_DECODE_EXCEPTION 2 /**< Refused: raise exception vsm_hypercall.vector. */

/**
 * Decode a hypercall. Checks, in this order: CPL and mode (#UD), hypercalls enabled (#UD); of VTL
 * call and return form, offer and privilege (all #UD); of others privilege (ACCESS_DENIED),
 * reserved bits (INVALID_HYPERCALL_INPUT), unknown or unoffered code (INVALID_HYPERCALL_CODE),
 * unoffered register forms (#UD), rep fields and variable header (INVALID_HYPERCALL_INPUT), size of
 * the blocks in registers (INVALID_HYPERCALL_INPUT) or their alignment, page crossing and GPA space
 * in memory (INVALID_ALIGNMENT).
 *
 * For a 32-bit caller only the low halves of the registers are looked at.
 *
 * @param regs registers at the trap.
 * @param caps what is offered.
 * @param out  caller sets out->size; filled in as far as decoding came.
 * @return VSM_DECODE_OK, VSM_DECODE_STATUS or VSM_DECODE_EXCEPTION.
 * @retval -VSM_ERR_INVAL an argument is NULL, a size field is wrong, or mode, cpl, phys_bits or
 *                        reserved is out of range.
 * Thread: any.
 */
VSM_EXPORT int vsm_hypercall_decode(const struct vsm_hypercall_regs *regs,
				    const struct vsm_hypercall_caps *caps,
				    struct vsm_hypercall *out);

/** One row of the table of hypercalls (TLFS App. A). */
struct vsm_hypercall_info {
	size_t size; /**< sizeof(struct vsm_hypercall_info), set by the caller. */
	uint64_t privilege; /**< HV_PRIV_* the caller needs, all of them; 0: none. */
	uint16_t code; /**< Call code. */
	uint8_t kind; /**< VSM_HYPERCALL_* kind. */
	uint8_t fast; /**< 1: may be fast as far as its block fits; 0: memory only. */
	uint8_t variable; /**< 1: has a variable header. */
	uint8_t known; /**< 0: no layout is published; never offered. */
	uint16_t fixed_in; /**< Fixed header, bytes. */
	uint16_t rep_in; /**< Input element, bytes. */
	uint16_t rep_out; /**< Output element, bytes. */
	uint16_t fixed_out; /**< Output of a simple call, bytes. */
	uint16_t reserved; /**< 0 */
	char name[48]; /**< TLFS name, NUL-terminated. */
};

/**
 * Number of rows of the table.
 *
 * @return 1 .. 64.
 * Thread: any.
 */
VSM_EXPORT uint32_t vsm_hypercall_count(void);

/**
 * Row of a call code.
 *
 * @param code HVCALL_*
 * @return row, or -VSM_ERR_NOTFOUND.
 * Thread: any.
 */
VSM_EXPORT int vsm_hypercall_row(uint16_t code);

/**
 * Read a row.
 *
 * @param row  0 .. vsm_hypercall_count() - 1.
 * @param info caller sets info->size; filled in.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL    info is NULL or info->size is wrong.
 * @retval -VSM_ERR_NOTFOUND no such row.
 * Thread: any.
 */
VSM_EXPORT int vsm_hypercall_info(uint32_t row, struct vsm_hypercall_info *info);

/**
 * Name of a call, for example "HvCallVtlCall".
 *
 * @param code HVCALL_*
 * @return static text, never NULL; "unknown hypercall" for others.
 * Thread: any.
 */
VSM_EXPORT const char *vsm_hypercall_name(uint16_t code);

VSM_END_DECLS

#endif /* VSM_HYPERCALL_H */
