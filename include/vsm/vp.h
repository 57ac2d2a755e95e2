/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file vsm/vp.h
 * Virtual processors, and one entry per kind of exit.
 *
 * The run loop of a VP:
 *
 *     for (;;) {
 *         verdict = vsm_vp_run_prepare(vp);          // what an earlier exit or another VP left
 *         ...BLOCKED: sleep until kicked, again...
 *         run the vCPU of vsm_vp_active_vtl(vp)
 *         verdict = one of the entries below, if the exit is its kind
 *     }
 *
 * All functions that take a `vsm_vp` run on that VP's own thread, with or without locks of the VMM;
 * the exceptions say so. One entry at a time per VP. An entry never sleeps.
 */
#ifndef VSM_VP_H
#define VSM_VP_H

#include <stddef.h>
#include <stdint.h>

#include <vsm/export.h>
#include <vsm/partition.h>
#include <vsm/types.h>

VSM_BEGIN_DECLS

/** How a VP is created. */
struct vsm_vp_config {
	size_t size; /**< sizeof(struct vsm_vp_config) */
	uint32_t index; /**< VP index, 0 .. max_vps - 1; need not be dense. */
	uint32_t apic_id; /**< Initial APIC id, unique in the partition. */
	void *opaque; /**< First argument of the per-VP ops. Stays the caller's. */
};

/* Flags of vsm_memory_fault.flags. */

#define VSM_FAULT_GVA_VALID 0x1u /**< gva is known. */
#define VSM_FAULT_FINAL	    0x2u /**< gpa is of the final access, not of a page-table entry. */

/** A guest access that the host stopped. */
struct vsm_memory_fault {
	size_t size; /**< sizeof(struct vsm_memory_fault) */
	uint64_t gpa; /**< Guest physical byte address of the access. */
	uint64_t gva; /**< Guest virtual byte address, with #VSM_FAULT_GVA_VALID. */
	uint32_t flags; /**< VSM_FAULT_* */
	uint8_t access; /**< HV_INTERCEPT_ACCESS_READ, _WRITE or _EXECUTE. */
	uint8_t user; /**< 1: the access itself was a user-mode access (not: CPL is 3). */
	uint8_t instruction_length; /**< 1..15; 0: not known, or RIP is past it already. */
	uint8_t instruction_byte_count; /**< Valid bytes in instruction_bytes, 0..16. */
	uint8_t instruction_bytes[16]; /**< Bytes at RIP; the rest is 0. */
};

/**
 * Create a VP in VTL0, all its VTL contexts included. After the last VP is created the library
 * allocates nothing any more.
 *
 * @param config copied.
 * @param out    the VP; lives as long as the partition. Untouched on failure.
 * @retval -VSM_ERR_INVAL  an argument is NULL, config->size is wrong or index >= max_vps.
 * @retval -VSM_ERR_EXISTS index or apic_id is in use.
 * @retval -VSM_ERR_MISUSE the partition is not realised.
 * @retval -VSM_ERR_NOMEM  no memory.
 * Thread: that of create and realise; not while another VP is in an entry.
 */
VSM_EXPORT int vsm_vp_create(struct vsm *vsm, const struct vsm_vp_config *config,
			     struct vsm_vp **out);

/** The VP's own pointer. Thread: any. NULL for a NULL vp. */
VSM_EXPORT void *vsm_vp_opaque(const struct vsm_vp *vp);

/** Change the VP's own pointer. Thread: the VP's, or before it runs. */
VSM_EXPORT int vsm_vp_set_opaque(struct vsm_vp *vp, void *opaque);

/** VP index, or #VSM_ALL_VPS for a NULL vp. Thread: any. */
VSM_EXPORT uint32_t vsm_vp_index(const struct vsm_vp *vp);

/** The VTL that runs on this VP, 0 for a NULL vp. Thread: any; exact on the VP's own. */
VSM_EXPORT uint32_t vsm_vp_active_vtl(const struct vsm_vp *vp);

/** Set of VTLs enabled on this VP, bit n = VTL n (TLFS 15.4); 0 for a NULL vp. Thread: any. */
VSM_EXPORT uint32_t vsm_vp_enabled_vtls(const struct vsm_vp *vp);

/**
 * 1 if vsm_vp_run_prepare() would let the VP run or has work for it, 0 if it waits for a host op or
 * for another VP. Lock-free.
 *
 * Thread: any, also under locks of the host. The answer may be old when it arrives; a kick follows
 * each change to 1.
 */
VSM_EXPORT int vsm_vp_runnable(const struct vsm_vp *vp);

/**
 * To be called before the vCPU is run, after each kick: does the work that other VPs posted here
 * and finishes an exit that waited.
 *
 * @return VSM_VERDICT_RESUME: run. After an MSR exit that was BLOCKED: it is done, complete it.
 *         VSM_VERDICT_RETRY, _SWITCHED, _EXCEPTION: the outcome of an exit that was BLOCKED, to be
 *         treated as if that entry had returned it; then run.
 *         VSM_VERDICT_BLOCKED: sleep until kicked.
 * @retval -VSM_ERR_INVAL  vp is NULL.
 * @retval -VSM_ERR_MISUSE called from within an entry.
 * @retval -VSM_ERR_HOST   a host op failed; may be called again.
 */
VSM_EXPORT int vsm_vp_run_prepare(struct vsm_vp *vp);

/**
 * The trap instruction of the hypercall page was executed (TLFS ch. 3).
 *
 * @param trap_rip    address (RIP, without CS base) of the first byte of the trap instruction,
 *                    also if the host has moved RIP past it already.
 * @param trap_length length of the trap instruction proper, 1..15.
 * @return VSM_VERDICT_RESUME (result is set, RIP is behind the trap), _RETRY (continuation: RIP is
 *         at the trap), _SWITCHED (VTL call or return, or a memory intercept), _BLOCKED, _EXCEPTION
 *         (#UD or #GP, RIP is at the trap).
 * @retval -VSM_ERR_INVAL  vp is NULL or trap_length is out of range.
 * @retval -VSM_ERR_MISUSE the VP is in an entry, or waits.
 * @retval -VSM_ERR_HOST   a host op failed; nothing has changed, RIP is at the trap if it could be
 *                         set.
 */
VSM_EXPORT int vsm_vp_hypercall(struct vsm_vp *vp, uint64_t trap_rip, uint32_t trap_length);

/**
 * RDMSR in the active VTL.
 *
 * @param msr   index.
 * @param value set on VSM_VERDICT_RESUME.
 * @return VSM_VERDICT_RESUME, _EXCEPTION (#GP), or _NOT_MINE for an MSR outside 0x40000000 ..
 *         0x400001ff.
 * @retval -VSM_ERR_INVAL  vp or value is NULL.
 * @retval -VSM_ERR_MISUSE the VP is in an entry, or waits.
 */
VSM_EXPORT int vsm_vp_rdmsr(struct vsm_vp *vp, uint32_t msr, uint64_t *value);

/**
 * WRMSR in the active VTL; as vsm_vp_rdmsr(), and
 *
 * @return also VSM_VERDICT_BLOCKED: leave the exit uncompleted, vsm_vp_run_prepare() will say
 *         RESUME or EXCEPTION.
 * @retval -VSM_ERR_HOST a host op failed; nothing has changed.
 */
VSM_EXPORT int vsm_vp_wrmsr(struct vsm_vp *vp, uint32_t msr, uint64_t value);

/**
 * CPUID in the active VTL, for hosts that see the instruction; others use vsm_cpuid_get().
 *
 * @param out set on VSM_VERDICT_RESUME.
 * @return VSM_VERDICT_RESUME, or _NOT_MINE for a leaf outside 0x40000000 .. 0x400000ff.
 * @retval -VSM_ERR_INVAL vp or out is NULL.
 * @retval -VSM_ERR_MISUSE the VP is in an entry, or waits.
 */
VSM_EXPORT int vsm_vp_cpuid(struct vsm_vp *vp, uint32_t leaf, uint32_t subleaf,
			    struct vsm_cpuid *out);

/**
 * The host stopped a memory access of the active VTL (TLFS 15.9.3).
 *
 * Allowed by the table (a stale view, a race): RETRY. Denied by a VTL: a memory intercept message
 * goes to SINT0 of that VTL on this VP, which is entered with reason 2; RIP of the lower VTL stays.
 *
 * @return VSM_VERDICT_RETRY, _SWITCHED, or _NOT_MINE (not RAM).
 * @retval -VSM_ERR_INVAL  vp or fault is NULL, or a field is out of range.
 * @retval -VSM_ERR_MISUSE the VP is in an entry, or waits.
 * @retval -VSM_ERR_HOST   a host op failed; nothing has changed.
 */
VSM_EXPORT int vsm_vp_memory_fault(struct vsm_vp *vp, const struct vsm_memory_fault *fault);

/**
 * The exception that belongs to the last VSM_VERDICT_EXCEPTION of this VP.
 *
 * @retval -VSM_ERR_INVAL    vp or out is NULL.
 * @retval -VSM_ERR_NOTFOUND the last entry did not ask for one.
 */
VSM_EXPORT int vsm_vp_exception(const struct vsm_vp *vp, struct vsm_exception *out);

VSM_END_DECLS

#endif /* VSM_VP_H */
