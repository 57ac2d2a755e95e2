/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file vsm/host.h
 * What a VMM gives to the library: the table of host operations.
 *
 * The library never runs a vCPU, opens a file or starts a thread; whatever it needs of the world it
 * asks for through these ops. The table is copied by vsm_partition_create().
 *
 * Rules that hold for every op, unless its own comment says otherwise:
 *  - **Thread**: the thread that made the entry into libvsm. Ops whose first argument is a VP's own
 *    pointer run on that VP's thread. Exceptions are named at the op.
 *  - **Locks**: libvsm holds none of its locks over any op, so an op may take any lock of the VMM.
 *  - **Failure**: 0 is success, a negative `enum vsm_err` is failure, and a failed op must have
 *    changed nothing unless it reports how far it came. libvsm then undoes what it did in the same
 *    entry.
 *  - **Pending**: only ops that take a token may return #VSM_PENDING, and only when the token is
 *    not 0. The VP then waits; vsm_op_complete() ends it. A token of 0 asks for an answer at once:
 *    libvsm takes something back, or resets.
 *  - **Re-entry**: an op must not call vsm_* functions, except vsm_gpa_rights(),
 *    vsm_gpa_rights_run(), vsm_gpa_access(), vsm_op_complete(), those that only look at a VP
 *    (vsm_vp_index(), vsm_vp_opaque(), vsm_vp_active_vtl(), vsm_vp_enabled_vtls(), vsm_vp_mbec(),
 *    vsm_vp_runnable()) and those that take no handle. "Re-entry: no" at an op means this. The
 *    entries of vp.h, vsm_partition_reset() and what configures answer -VSM_ERR_MISUSE,
 *    vsm_partition_destroy() does nothing.
 *  - An op must return: no longjmp, no exception, no thread exit.
 *
 * `size`, regs_get, regs_set, gpa_read and gpa_write are mandatory. Any other op may be NULL; what
 * the guest then loses is reported by vsm_capabilities_get() and taken out of CPUID.
 */
#ifndef VSM_HOST_H
#define VSM_HOST_H

#include <stddef.h>
#include <stdint.h>

#include <vsm/types.h>

/**
 * Groups of registers. Every batch carries the union of the groups of its registers, so that a host
 * that must fetch state from elsewhere fetches each group once and no group in vain.
 */
#define VSM_REGS_GPR	 0x01u /**< RAX..R15, RSP included, RIP, RFLAGS */
#define VSM_REGS_SEGMENT 0x02u /**< ES..GS, SS, LDTR, TR, IDTR, GDTR */
#define VSM_REGS_CONTROL 0x04u /**< CR0, CR2, CR3, CR4, CR8, EFER, APIC_BASE */
#define VSM_REGS_MSR	 0x08u /**< PAT, STAR, LSTAR, SYSENTER_*, KERNEL_GS_BASE, TSC_AUX ... */
#define VSM_REGS_DEBUG	 0x10u /**< DR0..DR3, DR6, DR7 */
#define VSM_REGS_XMM	 0x20u /**< XMM0..XMM15 and the x87/SSE control words */
#define VSM_REGS_XCR	 0x40u /**< XFEM (XCR0) */
#define VSM_REGS_EVENT	 0x80u /**< INTERRUPT_STATE, PENDING_INTERRUPTION (TLFS 7.8.2) */

/** Phases of vsm_host_ops.switch_vtl. */
#define VSM_SWITCH_PREPARE 0u /**< Make `to` ready to run; may fail. */
#define VSM_SWITCH_COMMIT  1u /**< `to` is the active VTL from now on; must not fail. */
#define VSM_SWITCH_ABORT   2u /**< Undo PREPARE; must not fail. */

/** Levels of log lines. */
#define VSM_LOG_ERROR 0 /**< The VMM misused the library, or a host op failed. */
#define VSM_LOG_WARN  1 /**< Something the operator should know, such as an unenforced right. */
#define VSM_LOG_INFO  2 /**< Milestones: a VTL was enabled, protections were switched on. */

/** In vsm_host_ops.interrupt: a non-maskable interrupt instead of a vector. */
#define VSM_VECTOR_NMI 0x100u

/** One range of equal rights, as given to vsm_host_ops.protect. */
struct vsm_protect_range {
	uint64_t gpa; /**< First byte, page-aligned. */
	uint64_t size; /**< Bytes, a multiple of 4096, never 0. */
	uint32_t vtl; /**< The VTL that is restricted. */
	uint32_t rights; /**< To enforce, HV_MAP_GPA_* bits 0..3; a mask the host declared. */
};

/** XMM0..XMM5: see vsm_host_ops.xmm_get. */
struct vsm_xmm_block {
	uint8_t bytes[96]; /**< 16 of each, XMM0 first, as the registers lie in memory. */
};

/** What a guest says of its crash: see vsm_host_ops.crash. */
struct vsm_crash {
	uint64_t params[5]; /**< HV_X64_MSR_CRASH_P0..P4 */
	uint64_t control; /**< The value written to HV_X64_MSR_CRASH_CTL, HV_CRASH_CTL_*. */
};

/** What is to be seen at one guest page by one VTL: see vsm_host_ops.overlay_map. */
struct vsm_overlay {
	uint64_t gpa; /**< Page-aligned guest physical address. */
	void *page; /**< Page of the arena to show, or NULL: show RAM (or nothing) again. */
	uint32_t vtl; /**< The only VTL that sees it. */
	uint32_t vp; /**< Owner: a VP index, or #VSM_ALL_VPS. All VPs of `vtl` see the page. */
	uint32_t rights; /**< HV_MAP_GPA_* that the guest gets; page-table rights apply as well. */
	uint32_t reserved; /**< 0 */
};

/**
 * The host operations. `opaque` is the pointer given to vsm_partition_create(), `vp` the one given
 * to vsm_vp_create() or vsm_vp_set_opaque().
 */
struct vsm_host_ops {
	/** sizeof(struct vsm_host_ops) as the VMM was compiled. A longer table than this version
	 *  knows is accepted only if its tail is zero. */
	size_t size;

	/**
	 * Read registers of a VTL of a VP, active or not.
	 *
	 * @param vtl    0 .. the partition's max_vtl.
	 * @param groups VSM_REGS_* of all registers in the batch.
	 * @param regs   names are set; fill in the values.
	 * @param count  1 .. 32.
	 * Thread: the VP's. Locks: none. May fail: the entry fails with -VSM_ERR_HOST. If the guest
	 * asked for a register that this host does not have, -VSM_ERR_NOTFOUND gives it
	 * INVALID_PARAMETER. Re-entry: no. Mandatory.
	 */
	int (*regs_get)(void *vp, uint32_t vtl, uint32_t groups, struct vsm_reg *regs,
			uint32_t count);

	/**
	 * Write registers of a VTL of a VP, active or not: all of the batch or none.
	 *
	 * Values come from the guest and were checked against the architecture. A host that still
	 * cannot take one answers -VSM_ERR_INVAL: the guest gets INVALID_REGISTER_VALUE, or, where
	 * it is of a context that another VP gave, a VTL that cannot be entered on this VP. A host
	 * need not have every private register of a VTL that is enabled: -VSM_ERR_NOTFOUND, alone
	 * in its batch, is then passed over.
	 * RIP of the active VTL given here is where the guest goes on.
	 * @param vtl    0 .. the partition's max_vtl.
	 * @param groups VSM_REGS_* of all registers in the batch.
	 * @param regs   names and values.
	 * @param count  1 .. 32.
	 * Thread: the VP's. Locks: none. May fail: the entry is rolled back and fails with
	 * -VSM_ERR_HOST. Re-entry: no. Mandatory.
	 */
	int (*regs_set)(void *vp, uint32_t vtl, uint32_t groups, const struct vsm_reg *regs,
			uint32_t count);

	/**
	 * Read the block XMM0..XMM5 of the active VTL.
	 *
	 * @param block filled in.
	 * Thread: the VP's. Locks: none. May fail: the entry fails. Re-entry: no.
	 * NULL (either of the two): fast hypercalls are limited to RDX and R8, #VSM_CAP_XMM is off.
	 */
	int (*xmm_get)(void *vp, uint32_t vtl, struct vsm_xmm_block *block);

	/** Write the block XMM0..XMM5 of the active VTL; the counterpart of xmm_get. */
	int (*xmm_set)(void *vp, uint32_t vtl, const struct vsm_xmm_block *block);

	/**
	 * Change the VTL that runs on a VP (TLFS 15.11).
	 *
	 * PREPARE: private state of `from` is kept, `to` gets its own private state back, and the
	 * shared registers of `from` are visible in `to`: every row of the register table that has
	 * scope shared and owner host (see vsm_register_info()). A *replicated* host, with one vCPU
	 * per VTL, copies the shared registers; a *swapped* host, with one vCPU, changes the
	 * private ones. Between PREPARE and COMMIT libvsm may set registers of both. COMMIT and
	 * ABORT end it.
	 *
	 * Thread: the VP's. Locks: none. PREPARE may fail: the guest stays in `from` unchanged.
	 * COMMIT and ABORT must return 0. Re-entry: no.
	 * NULL: VSM is not offered (#VSM_CAP_VSM is off).
	 */
	int (*switch_vtl)(void *vp, uint32_t from, uint32_t to, uint32_t phase);

	/**
	 * Read guest RAM, as the host sees it: no VTL rights, no overlays.
	 *
	 * libvsm has checked the rights, and reads a byte once in an entry. The range lies within
	 * one page and within RAM declared by vsm_ram_add().
	 * Thread: that of the entry, or that which called vsm_gpa_read(). Locks: none. May fail:
	 * the entry fails with -VSM_ERR_HOST, the guest stands at the trap. Re-entry: no.
	 * Mandatory.
	 */
	int (*gpa_read)(void *opaque, uint64_t gpa, void *buf, uint32_t len);

	/** Write guest RAM; the counterpart of gpa_read. All of it or nothing. Called for
	 *  hypercalls and vsm_gpa_write(), and by vsm_partition_reset() to zero RAM, page by page.
	 *  Mandatory. */
	int (*gpa_write)(void *opaque, uint64_t gpa, const void *buf, uint32_t len);

	/**
	 * Give memory for the overlay pages of the partition: page-aligned, zeroed, out of the
	 * guest's reach until overlay_map shows a page of it, valid until vsm_partition_destroy().
	 *
	 * @param bytes (2 + 3 × max_vps) × (max_vtl + 1) pages.
	 * Thread: that of vsm_partition_realise(). Locks: none. NULL result, or one that is not
	 * page-aligned: realise fails with -VSM_ERR_NOMEM; if it is tried again, so is this op.
	 * Re-entry: no. NULL op: the allocator is asked instead. The memory stays the host's.
	 */
	void *(*overlay_arena)(void *opaque, size_t bytes);

	/**
	 * Show a page of the arena, or RAM again, at one guest page of one VTL.
	 *
	 * The newest overlay of a page wins; libvsm computes it, the host just does as told. Rights
	 * and bytes of the covered page are untouched and come back when it is uncovered. Effective
	 * on all VPs before the calling VP executes its next guest instruction.
	 *
	 * Thread: that of the entry, of vsm_partition_reset(), vsm_load() or vsm_vtl_state_load().
	 * Locks: none. May fail: the guest's MSR write is refused with #GP, a SetVpRegisters with
	 * INVALID_REGISTER_VALUE. May return #VSM_PENDING and end by vsm_op_complete(token).
	 * Re-entry: no.
	 * NULL: no overlay page, hence no hypercalls and no VSM (#VSM_CAP_OVERLAYS is off).
	 */
	int (*overlay_map)(void *opaque, const struct vsm_overlay *overlay, uint64_t token);

	/**
	 * Enforce rights of guest pages.
	 *
	 * The ranges are also the notice for what keeps a permission outside of the VPs: of VTL0's
	 * ranges devices lose what `rights` lack (a mapping, an IOMMU entry), and accesses of
	 * theirs that were checked before are over when this returns. doc/host-contract.md,
	 * "Devices".
	 *
	 * Each range is applied wholly or not at all. Effective on all VPs before the calling VP
	 * executes its next guest instruction. A host that serves VPs in parallel takes its own
	 * lock and enforces what vsm_gpa_rights() says *then*, not what the ranges say, so that two
	 * VPs that protect at once cannot leave a stale view. Overlay pages keep their own rights.
	 *
	 * @param ranges changed ranges only: by VTL, then ascending, neighbours of equal rights
	 *               merged. vsm_partition_reset() gives all of RAM, vsm_load() and
	 *               vsm_ram_hot_add(), of the new RAM, all that lacks a right.
	 * @param count  1 .. 512 × max_vtl.
	 * @param done   set by the host when it fails: ranges that were applied, 0 .. count - 1.
	 *               With a larger number nobody knows how far it came: all is given back.
	 * Thread: that of the entry, of vsm_partition_reset(), vsm_load() or vsm_ram_hot_add().
	 * Locks: none. May fail: -VSM_ERR_NOMEM gives the guest INSUFFICIENT_MEMORY;
	 * -VSM_ERR_STATE, for a host that could not go back either, fails the entry, and the VP
	 * must not run on; others give OPERATION_DENIED. The guest is told of the elements of its
	 * list before the first that lacks a page. That one and all after it are rolled back in the
	 * table, and what was applied of them is given back by a second call with token 0.
	 * May return #VSM_PENDING. Re-entry: no.
	 * NULL: no right can be taken away (#VSM_CAP_PROTECT is off).
	 */
	int (*protect)(void *opaque, const struct vsm_protect_range *ranges, uint32_t count,
		       uint32_t *done, uint64_t token);

	/**
	 * Drop all guest translations of one VTL on one VP or on #VSM_ALL_VPS; this version asks
	 * for all VPs only.
	 *
	 * Called after `protect` took rights away, unless the host declared
	 * #VSM_HOST_PROTECT_FLUSHES. Effective before the calling VP's next guest instruction.
	 * Thread: that of the entry, or of vsm_load(). Locks: none. May fail: the entry or the
	 * function fails with -VSM_ERR_HOST, and no later change of rights succeeds before the
	 * flush was made up for. May return #VSM_PENDING. Re-entry: no.
	 * NULL: #VSM_CAP_TLB_FLUSH is off; without #VSM_HOST_PROTECT_FLUSHES also #VSM_CAP_PROTECT.
	 */
	int (*tlb_flush)(void *opaque, uint32_t vtl, uint32_t vp, uint64_t token);

	/**
	 * Make a VP leave the guest, or wake its thread, and call vsm_vp_run_prepare() soon.
	 *
	 * Must not wait for the VP. A kick that comes while the VP is on its way to sleep must not
	 * be lost: test a flag under the lock that the sleep releases (doc/host-contract.md).
	 * Thread: any, also under locks of the host if the host called in so. Locks: none of
	 * libvsm. Cannot fail. Re-entry: no.
	 * NULL: VPs are entered one at a time, registers of other VPs cannot be reached and no op
	 * may return #VSM_PENDING (#VSM_CAP_CROSS_VP is off).
	 */
	void (*kick)(void *vp);

	/**
	 * Queue an exception for a VTL of a VP that is not running; it is raised on its next entry
	 * (PendingEvent0, TLFS 7.8.2). NULL event: take a queued one back.
	 *
	 * Thread: the VP's, or that of vsm_load() before the VP has run, or that of
	 * vsm_partition_reset(), which takes back what is queued. Locks: none. May fail: the entry
	 * or the function fails with -VSM_ERR_HOST. Re-entry: no.
	 * NULL: PendingEvent0 is no register of this partition (#VSM_CAP_INJECT is off).
	 */
	int (*inject_event)(void *vp, uint32_t vtl, const struct vsm_exception *event);

	/**
	 * Assert an edge interrupt in the local APIC that the host keeps for a VTL of a VP.
	 *
	 * @param vector 16..255, or #VSM_VECTOR_NMI.
	 * @param auto_eoi 1: the in-service bit is cleared at once.
	 * Thread: the VP's. Locks: none. May fail: logged; the message is in its slot all the same.
	 * Re-entry: no. NULL: SINTs work in polling form only (#VSM_CAP_INTERRUPT is off).
	 */
	int (*interrupt)(void *vp, uint32_t vtl, uint32_t vector, uint32_t auto_eoi);

	/**
	 * The time-stamp counter as the guest reads it.
	 *
	 * Thread: any. Locks: none. Cannot fail, must never go back. Re-entry: no.
	 * NULL (either of the two): no reference time (#VSM_CAP_CLOCK is off).
	 */
	uint64_t (*tsc)(void *opaque);

	/** Rate of that counter in Hz, above 10,000,000. Asked once, in vsm_partition_realise(). */
	uint64_t (*tsc_hz)(void *opaque);

	/**
	 * Allocate zeroed memory, aligned for any type.
	 *
	 * Called by vsm_partition_create(), vsm_partition_realise(), vsm_vp_create() and
	 * vsm_ram_hot_add() only. Thread: theirs. Locks: none. NULL result: the call fails with
	 * -VSM_ERR_NOMEM and leaves nothing behind. Re-entry: no. NULL (both): calloc() and free().
	 */
	void *(*alloc)(void *opaque, size_t size);

	/** Free memory of `alloc`; `size` is the one it was asked for. `ptr` is never NULL. */
	void (*free)(void *opaque, void *ptr, size_t size);

	/**
	 * Take one line of text: no newline, at most 200 characters, gone after the return.
	 *
	 * Lines that a guest can cause are thinned out (the 1st, 2nd, 4th, 8th ... of a kind).
	 * While four calls of this op are running, in threads or one within the other, lines are
	 * dropped. Thread: any. Locks: none. Cannot fail. Re-entry: no. NULL: no log.
	 */
	void (*log)(void *opaque, int32_t level, const char *line);

	/**
	 * The guest says that it has crashed (write of HV_X64_MSR_CRASH_CTL with
	 * #HV_CRASH_CTL_NOTIFY). It runs on after this; what becomes of it is the VMM's decision.
	 *
	 * @param crash gone after the return. With #HV_CRASH_CTL_MESSAGE the last two parameters
	 *              are the guest physical address and the length of a text. All of it is the
	 *              guest's word, unchecked: read the text with the rules of gpa_read, at most a
	 *              page.
	 * Thread: that of the entry; other VPs may report at the same time. Locks: none. Cannot
	 * fail. Re-entry: no. NULL: the crash MSRs do not exist (#VSM_CAP_CRASH is off).
	 */
	void (*crash)(void *opaque, const struct vsm_crash *crash);

	/**
	 * Tell how long an instruction is, from its bytes alone: a disassembler of the VMM.
	 *
	 * Asked for intercepts whose fault carries bytes but no length (vsm_memory_fault). A pure
	 * function: no state of the VP or of the VMM counts.
	 *
	 * @param bytes what stands at RIP; the guest's, it may be anything.
	 * @param count 1 .. 16; the instruction may reach beyond them.
	 * @param mode  16, 32 or 64: default operand and address size of the code segment.
	 * @return its length, 1 .. 15; 0 or negative: not known. A length above `count` counts as
	 * 0.
	 * Thread: that of the entry. Locks: none. Re-entry: no.
	 * NULL: the length is 0 where the fault does not tell it.
	 */
	int (*insn_decode)(void *opaque, const uint8_t *bytes, uint32_t count, uint32_t mode);

	/**
	 * A number of the calling thread that no other living thread of the VMM has; not 0. Asked
	 * only with #VSM_CONFIG_CHECK_THREADS, once in each entry and on functions for the VP's
	 * thread.
	 *
	 * Thread: any. Locks: none. Cannot fail; 0 refuses the call. Re-entry: no. NULL: that
	 * option cannot be used.
	 */
	uint64_t (*thread_id)(void *opaque);
};

#endif /* VSM_HOST_H */
