/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * The guest of the fake host: what an operating system in VTL0 and a secure kernel in VTL1 do, one
 * line each. Every helper makes real exits; none reaches into the library.
 *
 * `vp` is always the slot of the VP. Helpers act in the VTL that is active on it.
 */
#ifndef VSMTEST_GUEST_H
#define VSMTEST_GUEST_H

#include "vsmtest_host.h"

/** Where a helper returns a status: the call ended with this verdict (or error) instead. */
#define VSMTEST_VERDICT(v) (0x10000u + (uint32_t)(0x100 + (v)))

/** Control word of a simple call. */
#define VSMTEST_SIMPLE(code) ((uint64_t)(code))
/** Control word of a rep call with n elements. */
#define VSMTEST_REP(code, n) ((uint64_t)(code) | (uint64_t)(n) << HV_HYPERCALL_REP_COUNT_SHIFT)
/** Control word of a rep call with n elements that starts at element s. */
#define VSMTEST_REP_AT(code, n, s) \
	(VSMTEST_REP(code, n) | (uint64_t)(s) << HV_HYPERCALL_REP_START_SHIFT)

/** HV_INPUT_VTL that names a VTL. */
#define VSMTEST_VTL(n) ((uint8_t)(HV_INPUT_VTL_USE_TARGET_VTL | (n)))

/** Set RCX, RDX and R8 of a 64-bit caller and execute the trap once. @return the verdict. */
int vsmtest_hypercall(struct vsmtest *t, uint32_t vp, uint64_t control, uint64_t rdx, uint64_t r8);

/** The same for a 32-bit caller, with garbage in the high halves of all registers. */
int vsmtest_hypercall32(struct vsmtest *t, uint32_t vp, uint64_t control, uint64_t in,
			uint64_t out);

/** Execute the trap again with the registers as they are. */
int vsmtest_again(struct vsmtest *t, uint32_t vp);

/** Result value: RAX, or EDX:EAX of a 32-bit caller. */
uint64_t vsmtest_result(struct vsmtest *t, uint32_t vp);

/** Status of the result value; sets t->reps. */
uint32_t vsmtest_status(struct vsmtest *t, uint32_t vp);

/**
 * A whole call through memory: put the input at VSMTEST_IN_GPA, execute until the verdict is not
 * RETRY, count the RETRYs in t->continuations.
 *
 * @return the status, or VSMTEST_VERDICT().
 */
uint32_t vsmtest_call_mem(struct vsmtest *t, uint32_t vp, uint64_t control, const void *in,
			  size_t len);

/** The same through registers: RDX, R8, XMM0..XMM5. Sets the fast bit. */
uint32_t vsmtest_call_fast(struct vsmtest *t, uint32_t vp, uint64_t control, const void *in,
			   size_t len);

/** Output block of the last vsmtest_call_mem(). */
void *vsmtest_out(struct vsmtest *t, uint32_t vp);

/** GetVpRegisters of one register of the own VP. @param vtl HV_INPUT_VTL. @return status. */
uint32_t vsmtest_get(struct vsmtest *t, uint32_t vp, uint8_t vtl, uint32_t name,
		     struct hv_register_value *out);

/** The same of any VP, by HV index. */
uint32_t vsmtest_get_of(struct vsmtest *t, uint32_t vp, uint32_t index, uint8_t vtl, uint32_t name,
			struct hv_register_value *out);

/** SetVpRegisters of one register of the own VP. @return status. */
uint32_t vsmtest_set(struct vsmtest *t, uint32_t vp, uint8_t vtl, uint32_t name, uint64_t low);

/** The same of any VP, by HV index, all 128 bits. */
uint32_t vsmtest_set_of(struct vsmtest *t, uint32_t vp, uint32_t index, uint8_t vtl, uint32_t name,
			struct hv_register_value value);

/** Low half of a register that must be readable; a breach if it is not. */
uint64_t vsmtest_value(struct vsmtest *t, uint32_t vp, uint8_t vtl, uint32_t name);

/** GUEST_OS_ID and the hypercall page of the active VTL. @return 0 or the first bad verdict. */
int vsmtest_hypercalls_on(struct vsmtest *t, uint32_t vp);

/** Assist page and SIMP of the active VTL, SINT0 unmasked and polled. @return 0 or bad verdict. */
int vsmtest_synic_on(struct vsmtest *t, uint32_t vp);

/** A good 64-bit context for EnableVpVtl. */
void vsmtest_context64(struct hv_initial_vp_context *context);

/** A good 32-bit one, paging off. */
void vsmtest_context32(struct hv_initial_vp_context *context);

/** EnablePartitionVtl. @return status. */
uint32_t vsmtest_enable_partition_vtl(struct vsmtest *t, uint32_t vp, uint32_t vtl);

/** EnableVpVtl of the VP with this HV index. @return status. */
uint32_t vsmtest_enable_vp_vtl(struct vsmtest *t, uint32_t vp, uint32_t index, uint32_t vtl,
			       const struct hv_initial_vp_context *context);

/**
 * The way a guest goes: GUEST_OS_ID, HYPERCALL, EnablePartitionVtl, EnableVpVtl for VTL1 of this VP
 * with a 64-bit context; steps that are done already are left out.
 *
 * @return 0 or the first bad status.
 */
uint32_t vsmtest_enable_vtl1(struct vsmtest *t, uint32_t vp);

/** HvCallVtlCall. @return the verdict. */
int vsmtest_vtl_call(struct vsmtest *t, uint32_t vp);

/** HvCallVtlReturn. @param fast 1: fast return. @return the verdict. */
int vsmtest_vtl_return(struct vsmtest *t, uint32_t vp, uint32_t fast);

/**
 * vsmtest_enable_vtl1(), VTL call, and in VTL1 hypercall page, assist page, SIMP and SINT0.
 *
 * @return 0 or the first bad status.
 */
uint32_t vsmtest_enter_vtl1(struct vsmtest *t, uint32_t vp);

/**
 * From VTL1 into VTL2: EnablePartitionVtl, EnableVpVtl for this VP with a 64-bit context, VTL call,
 * and in VTL2 the hypercall page.
 *
 * @return 0 or the first bad status.
 */
uint32_t vsmtest_enter_vtl2(struct vsmtest *t, uint32_t vp);

/** vsmtest_enter_vtl1(), and VTL1 switches its protections on. @return 0 or bad status. */
uint32_t vsmtest_protect_vtl1(struct vsmtest *t, uint32_t vp);

/** Input of ModifyVtlProtectionMask, as long as fits into its page. */
struct vsmtest_modify {
	struct hv_input_modify_vtl_protection_mask header;
	uint64_t page[510];
};

/** For the caller's own set; all page numbers are 0. */
void vsmtest_modify_init(struct vsmtest_modify *in, uint32_t flags);

/** ModifyVtlProtectionMask with the first `count` pages. @return status. */
uint32_t vsmtest_modify_call(struct vsmtest *t, uint32_t vp, const struct vsmtest_modify *in,
			     uint32_t count);

/** ModifyVtlProtectionMask of the caller's own set. @param pages page numbers. @return status. */
uint32_t vsmtest_modify(struct vsmtest *t, uint32_t vp, uint32_t flags, const uint64_t *pages,
			uint32_t count);

/** The same for one page by its address. */
uint32_t vsmtest_modify_gpa(struct vsmtest *t, uint32_t vp, uint32_t flags, uint64_t gpa);

/** A fault description with all fields known. */
void vsmtest_fault_init(struct vsm_memory_fault *fault, uint64_t gpa, uint32_t access);

/** A memory fault of the active VTL. @return the verdict. */
int vsmtest_fault(struct vsmtest *t, uint32_t vp, uint64_t gpa, uint32_t access);

/** Make the active VTL a 32-bit protected-mode caller without paging. */
void vsmtest_mode32(struct vsmtest *t, uint32_t vp);

/** Set CPL of the active VTL in CS and SS. */
void vsmtest_cpl(struct vsmtest *t, uint32_t vp, uint32_t cpl);

/** Slot 0 of the SIMP of a VTL as that VTL sees it. */
struct hv_message *vsmtest_message(struct vsmtest *t, uint32_t vp, uint32_t vtl);

/** What it tells of a memory access, if it is a message about one. */
const struct hv_x64_memory_intercept_message *vsmtest_intercept(struct vsmtest *t, uint32_t vp,
								uint32_t vtl);

/** VTL1 empties slot 0 of its SIMP and writes EOM (TLFS 11.10.2). @return the verdict. */
int vsmtest_take_message(struct vsmtest *t, uint32_t vp);

/** Assist page of a VTL as that VTL sees it. */
struct hv_vp_assist_page *vsmtest_assist(struct vsmtest *t, uint32_t vp, uint32_t vtl);

#endif /* VSMTEST_GUEST_H */
