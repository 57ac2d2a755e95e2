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
 * doc/host-contract.md has it in full, with the sleep that loses no kick.
 *
 * All functions that take a `vsm_vp` run on that VP's own thread, with or without locks of the VMM;
 * the exceptions say so. One entry at a time per VP. An entry never sleeps. A VMM may let libvsm
 * watch over the threads (#VSM_CONFIG_CHECK_THREADS): the first entry of a VP binds it to its
 * thread, and on another one functions that are not for any thread answer -VSM_ERR_MISUSE, with a
 * line in the log. vsm_vp_exception() and vsm_vp_set_opaque() are refused so too, but bind nothing.
 */
#ifndef VSM_VP_H
#define VSM_VP_H

#include <stddef.h>
#include <stdint.h>

#include <vsm/export.h>
#include <vsm/partition.h>
#include <vsm/types.h>

VSM_BEGIN_DECLS

/* Flags of vsm_vp_config.flags. */

/** The VP does not run before the guest starts it by HvCallStartVirtualProcessor: until then
 *  vsm_vp_run_prepare() answers VSM_VERDICT_BLOCKED. Its thread serves kicks meanwhile, as other
 *  VPs may ask for its registers. Needs #VSM_CAP_STARTUP. */
#define VSM_VP_WAIT_FOR_STARTUP 0x1u

/** How a VP is created. */
struct vsm_vp_config {
	size_t size; /**< sizeof(struct vsm_vp_config) */
	uint32_t index; /**< VP index, 0 .. max_vps - 1; need not be dense. */
	uint32_t apic_id; /**< Initial APIC id, unique in the partition. */
	void *opaque; /**< First argument of the per-VP ops. Stays the caller's. */
	uint32_t flags; /**< VSM_VP_*; 0: the VP runs at once. */
	uint32_t reserved; /**< 0 */
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
	/** 1..15; 0: not known (if there are bytes, vsm_host_ops.insn_decode is asked), or RIP is
	 *  past it already (then there must be no bytes). */
	uint8_t instruction_length;
	uint8_t instruction_byte_count; /**< Valid bytes in instruction_bytes, 0..16. */
	uint8_t instruction_bytes[16]; /**< Bytes at RIP; the rest is 0. */
};

/**
 * Create a VP in VTL0, all its VTL contexts included. After the last VP is created the library
 * allocates nothing any more.
 *
 * @param vsm    realised.
 * @param config copied.
 * @param out    the VP; lives as long as the partition. Untouched on failure.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL  an argument is NULL, config->size is wrong, index >= max_vps, or flags
 *                         has an unknown bit.
 * @retval -VSM_ERR_NOSUP  #VSM_VP_WAIT_FOR_STARTUP without #VSM_CAP_STARTUP: nobody could start it.
 * @retval -VSM_ERR_EXISTS index or apic_id is in use.
 * @retval -VSM_ERR_MISUSE the partition is not realised, or a VP is in an entry.
 * @retval -VSM_ERR_NOMEM  no memory.
 * Thread: that of create and realise; not while another VP is in an entry.
 */
VSM_EXPORT int vsm_vp_create(struct vsm *vsm, const struct vsm_vp_config *config,
			     struct vsm_vp **out);

/**
 * The VP's own pointer.
 *
 * @param vp may be NULL.
 * @return what vsm_vp_create() or vsm_vp_set_opaque() was given; NULL for a NULL vp.
 * Thread: any, while nobody changes it.
 */
VSM_EXPORT void *vsm_vp_opaque(const struct vsm_vp *vp);

/**
 * Change the VP's own pointer, the first argument of the per-VP ops.
 *
 * @param vp     not in an entry.
 * @param opaque stays the caller's.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL  vp is NULL.
 * @retval -VSM_ERR_MISUSE the VP is in an entry, or belongs to another thread.
 * Thread: the VP's, or before it runs.
 */
VSM_EXPORT int vsm_vp_set_opaque(struct vsm_vp *vp, void *opaque);

/**
 * Give the VP up: it belongs to the thread that enters it next. Without #VSM_CONFIG_CHECK_THREADS
 * there is nothing to give up.
 *
 * The VMM sees to it that the thread that had the VP makes no entry any more.
 *
 * @param vp not in an entry; may be blocked.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL  vp is NULL.
 * @retval -VSM_ERR_MISUSE the VP is in an entry.
 * Thread: any.
 */
VSM_EXPORT int vsm_vp_thread_release(struct vsm_vp *vp);

/**
 * The VP's index.
 *
 * @param vp may be NULL.
 * @return 0 .. max_vps - 1, or #VSM_ALL_VPS for a NULL vp.
 * Thread: any.
 */
VSM_EXPORT uint32_t vsm_vp_index(const struct vsm_vp *vp);

/**
 * The VTL that runs on this VP (TLFS 15.2).
 *
 * @param vp may be NULL.
 * @return 0 .. max_vtl; 0 for a NULL vp.
 * Thread: any; exact on the VP's own, elsewhere it may be old when it arrives.
 */
VSM_EXPORT uint32_t vsm_vp_active_vtl(const struct vsm_vp *vp);

/**
 * The VTLs that are enabled on this VP (TLFS 15.4).
 *
 * @param vp may be NULL.
 * @return bit n = VTL n, bit 0 always; 0 for a NULL vp.
 * Thread: any.
 */
VSM_EXPORT uint32_t vsm_vp_enabled_vtls(const struct vsm_vp *vp);

/**
 * Is mode-based execute control on for a VTL of this VP (TLFS 15.9.2)? Then user-mode fetches need
 * UX and supervisor fetches KX; else both need KX, and UX does not count. While it is on and
 * CR4.SMEP of the VTL is 0 on a processor that has SMEP, both need KX as well.
 *
 * It is, once a higher VTL that was enabled with EnableMbec is enabled on the VP. So the answer
 * changes in a hypercall of this VP, in one of another VP that then kicks it, and by a reset: a
 * host asks before it runs the vCPU. Off is never the weaker of the two.
 *
 * @param vp  may be NULL.
 * @param vtl 0 .. max_vtl.
 * @return 1 or 0; 0 for a NULL vp or a VTL out of range, and for the highest VTL of the VP.
 * Thread: any, also within host ops.
 */
VSM_EXPORT int vsm_vp_mbec(const struct vsm_vp *vp, uint32_t vtl);

/**
 * Is there anything to do for the VP's thread? Lock-free.
 *
 * @param vp may be NULL.
 * @return 1 if vsm_vp_run_prepare() would let the VP run or has work for it; 0 if it waits for a
 *         host op, for another VP or for its start, or vp is NULL.
 * Thread: any, also under locks of the host. The answer may be old when it arrives; a kick follows
 * each change to 1.
 */
VSM_EXPORT int vsm_vp_runnable(const struct vsm_vp *vp);

/**
 * To be called before the vCPU is run, after each kick: does the work that other VPs posted here
 * and finishes an exit that waited.
 *
 * @param vp its VP.
 * @return VSM_VERDICT_RESUME: run. After an MSR exit that was BLOCKED: it is done, complete it.
 *         VSM_VERDICT_RETRY, _SWITCHED, _EXCEPTION: the outcome of an exit that was BLOCKED, to be
 *         treated as if that entry had returned it; then run.
 *         VSM_VERDICT_BLOCKED: sleep until kicked.
 *         Of a VP that waited for its start: RESUME or SWITCHED, the registers of the VTL that the
 *         guest named are set; run.
 * @retval -VSM_ERR_INVAL  vp is NULL.
 * @retval -VSM_ERR_MISUSE called from within an entry, or on another thread.
 * @retval -VSM_ERR_HOST   a host op failed; may be called again.
 */
VSM_EXPORT int vsm_vp_run_prepare(struct vsm_vp *vp);

/**
 * The trap instruction of the hypercall page was executed (TLFS ch. 3).
 *
 * @param vp          its VP.
 * @param trap_rip    address (RIP, without CS base) of the first byte of the trap instruction,
 *                    also if the host has moved RIP past it already.
 * @param trap_length length of the trap instruction proper, 1..15.
 * @return VSM_VERDICT_RESUME (result is set, RIP is behind the trap), _RETRY (continuation: RIP is
 *         at the trap), _SWITCHED (VTL call or return, or a memory intercept), _BLOCKED, _EXCEPTION
 *         (#UD or #GP, RIP is at the trap).
 * @retval -VSM_ERR_INVAL  vp is NULL or trap_length is out of range.
 * @retval -VSM_ERR_MISUSE the VP is in an entry, waits, or belongs to another thread.
 * @retval -VSM_ERR_HOST   a host op failed; RIP is at the trap if it could be set, and the call may
 *                         be made again. What it had changed is taken back, but for elements of
 *                         a list that were finished and rights that only a flush is owed for.
 */
VSM_EXPORT int vsm_vp_hypercall(struct vsm_vp *vp, uint64_t trap_rip, uint32_t trap_length);

/**
 * RDMSR in the active VTL.
 *
 * @param vp    its VP.
 * @param msr   index.
 * @param value set on VSM_VERDICT_RESUME.
 * @return VSM_VERDICT_RESUME, _EXCEPTION (#GP), or _NOT_MINE for an MSR outside 0x40000000 ..
 *         0x400001ff.
 * @retval -VSM_ERR_INVAL  vp or value is NULL.
 * @retval -VSM_ERR_MISUSE the VP is in an entry, waits, or belongs to another thread.
 */
VSM_EXPORT int vsm_vp_rdmsr(struct vsm_vp *vp, uint32_t msr, uint64_t *value);

/**
 * WRMSR in the active VTL.
 *
 * @param vp    its VP.
 * @param msr   index.
 * @param value EDX:EAX.
 * @return VSM_VERDICT_RESUME, _EXCEPTION (#GP: also when the host could not place an overlay page,
 *         nothing has changed then), _NOT_MINE as vsm_vp_rdmsr(), or _BLOCKED: leave the exit
 *         uncompleted, vsm_vp_run_prepare() will say RESUME or EXCEPTION. Hosts without the kick op
 *         get _RETRY instead of _BLOCKED: another VP is changing the same, execute WRMSR again.
 * @retval -VSM_ERR_INVAL  vp is NULL.
 * @retval -VSM_ERR_MISUSE the VP is in an entry, waits, or belongs to another thread.
 * @retval -VSM_ERR_HOST   the host could neither follow nor go back; the VP must not run on.
 */
VSM_EXPORT int vsm_vp_wrmsr(struct vsm_vp *vp, uint32_t msr, uint64_t value);

/**
 * CPUID in the active VTL, for hosts that see the instruction; others use vsm_cpuid_get().
 *
 * @param vp      its VP.
 * @param leaf    EAX.
 * @param subleaf ECX; ignored, no leaf of this range has subleaves.
 * @param out     set on VSM_VERDICT_RESUME.
 * @return VSM_VERDICT_RESUME, or _NOT_MINE for a leaf outside 0x40000000 .. 0x400000ff.
 * @retval -VSM_ERR_INVAL  vp or out is NULL.
 * @retval -VSM_ERR_MISUSE the VP is in an entry, waits, or belongs to another thread.
 */
VSM_EXPORT int vsm_vp_cpuid(struct vsm_vp *vp, uint32_t leaf, uint32_t subleaf,
			    struct vsm_cpuid *out);

/**
 * The host stopped a memory access of the active VTL (TLFS 15.9.3).
 *
 * Allowed by the table (a stale view, a race): RETRY. Denied by a VTL: a memory intercept message
 * goes to SINT0 of that VTL on this VP, which is entered with reason 2; RIP of the lower VTL stays.
 * An overlay page has rights of its own (TLFS 8.8): what they allow is RETRY, a write to the
 * hypercall page is #GP, other accesses #MC; the page beneath does not matter.
 *
 * @param vp    its VP.
 * @param fault the access; copied.
 * @return VSM_VERDICT_RETRY, _SWITCHED, _NOT_MINE (neither RAM nor overlay), or _EXCEPTION (of an
 *         overlay; or #GP: the VTL that forbids the access is not enabled on this VP, so that there
 *         is nobody to tell).
 * @retval -VSM_ERR_INVAL  vp or fault is NULL, or a field is out of range.
 * @retval -VSM_ERR_MISUSE the VP is in an entry, waits, or belongs to another thread.
 * @retval -VSM_ERR_HOST   a host op failed; nothing has changed.
 */
VSM_EXPORT int vsm_vp_memory_fault(struct vsm_vp *vp, const struct vsm_memory_fault *fault);

/**
 * The exception that belongs to the last VSM_VERDICT_EXCEPTION of this VP. The next entry forgets
 * it.
 *
 * @param vp  its VP.
 * @param out filled in.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL    vp or out is NULL.
 * @retval -VSM_ERR_NOTFOUND the last entry did not ask for one.
 * @retval -VSM_ERR_MISUSE   the VP belongs to another thread.
 */
VSM_EXPORT int vsm_vp_exception(const struct vsm_vp *vp, struct vsm_exception *out);

VSM_END_DECLS

#endif /* VSM_VP_H */
