/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file vsm/partition.h
 * The partition: configure, realise, look at, reset, destroy.
 *
 * A partition is made in three steps. vsm_partition_create() takes configuration and ops,
 * vsm_ram_add() tells where RAM is, vsm_partition_realise() allocates what depends on both and
 * fixes what the guest is offered. VPs come after that (vp.h). Two partitions of one process share
 * nothing.
 */
#ifndef VSM_PARTITION_H
#define VSM_PARTITION_H

#include <stddef.h>
#include <stdint.h>

#include <vsm/export.h>
#include <vsm/host.h>
#include <vsm/types.h>

VSM_BEGIN_DECLS

/* Flags of vsm_config.flags. */

/** The operator accepts that execute rights are recorded but not enforced. See
 *  vsm_config.enforceable. Off by default; the capability report and the log say so when it is
 *  on. */
#define VSM_CONFIG_ACCEPT_UNENFORCED_EXECUTE 0x1u
/** SCONTROL starts at 0, as TLFS 11.8.1 says, instead of 1 as guests find it on Hyper-V. */
#define VSM_CONFIG_SCONTROL_RESET_0	     0x2u
/** For debugging a VMM: a VP belongs to the thread that entered it first, and what runs on "the
 *  VP's" thread is refused on any other with -VSM_ERR_MISUSE and a log line, before anything
 *  changes. Needs vsm_host_ops.thread_id. vsm_vp_thread_release() and vsm_partition_reset() give
 *  the VP up. */
#define VSM_CONFIG_CHECK_THREADS	     0x4u

/* Flags of vsm_config.host_flags. */

/** The `protect` op drops stale translations itself; `tlb_flush` is not called after it. */
#define VSM_HOST_PROTECT_FLUSHES 0x1u
/** The host gives the guest System Management Mode: refused, VTLs and SMM do not mix. */
#define VSM_HOST_HAS_SMM	 0x2u
/** The host gives the guest nested VMX or SVM: refused. */
#define VSM_HOST_HAS_NESTED	 0x4u
/** DR6 is one register for all VTLs (VsmCapabilities.Dr6Shared, TLFS 15.11). */
#define VSM_HOST_DR6_SHARED	 0x8u
/** VPs other than the first are created with #VSM_VP_WAIT_FOR_STARTUP and started by the guest's
 *  HvCallStartVirtualProcessor alone: the host has no INIT and no SIPI for them, or drops both.
 *  Then the call is offered, and with it VsmPartitionConfig.DenyLowerVtlStartup (TLFS 15.12). */
#define VSM_HOST_STARTS_VPS	 0x10u

/* Kinds of trap instruction in the hypercall page: vsm_config.trap_kind. */

#define VSM_TRAP_OUT	 0u /**< OUT imm8, AL: works on every host. Port in vsm_config.trap_port. */
#define VSM_TRAP_VMCALL	 1u /**< VMCALL (Intel) */
#define VSM_TRAP_VMMCALL 2u /**< VMMCALL (AMD) */

/** Configuration of a partition. Start from vsm_config_init(). */
struct vsm_config {
	size_t size; /**< sizeof(struct vsm_config); set by vsm_config_init(). */
	uint32_t flags; /**< VSM_CONFIG_*; default 0. */
	uint32_t host_flags; /**< VSM_HOST_*; default 0. */
	uint32_t max_vps; /**< VPs that may be created, 1 .. #VSM_VP_MAX; default 1. */
	uint32_t max_vtl; /**< Highest VTL offered, 1 .. #VSM_VTL_MAX; default 1. 0: no VSM. */
	uint32_t phys_bits; /**< Guest physical address bits, 32 .. 52; default 40. */
	/** One bit per rights mask that `protect` can enforce exactly: bit n = mask n (R 1, W 2,
	 *  KX 4, UX 8). Must hold bit 15. Default 0x8000: nothing can be taken away. */
	uint32_t enforceable;
	/** The same on a VP where mode-based execute control is on (vsm_vp_mbec()), when KX and UX
	 *  may differ (TLFS 15.9.2). Default 0: MBEC is not offered. Else it holds all masks of
	 *  enforceable, and for each further one enforceable holds the mask without UX, which is
	 *  what is left of it where MBEC is off. */
	uint32_t enforceable_mbec;
	uint32_t hypercall_budget; /**< List elements worked on per entry, 1 .. 512; default 512. */
	uint32_t trap_kind; /**< VSM_TRAP_*; default VSM_TRAP_OUT. */
	uint32_t trap_port; /**< Port of VSM_TRAP_OUT, 0 .. 255; default 0x7e. */
	uint32_t long_spin_count; /**< CPUID 0x40000004 EBX; default 0xffffffff (never notify). */
	uint32_t build_number; /**< CPUID 0x40000002 EAX; default 0. */
	uint32_t version; /**< CPUID 0x40000002 EBX, major << 16 | minor; default 10.0. */
	/** Those of enforceable and enforceable_mbec that the host emulates: exact, but each access
	 *  is slow, and the pages are few: beyond them `protect` answers #VSM_ERR_NOMEM. Default
	 *  0. */
	uint32_t emulated;
	uint64_t partition_id; /**< This partition's id; accepted like SELF. Default 1. */
	/** CR4 bits that the guest may set. Default: those of a plain 64-bit CPU, no VMXE, no
	 *  SMXE. */
	uint64_t cr4_mask;
	/** EFER bits that the guest may set. Default SCE, LME, LMA, NXE. */
	uint64_t efer_mask;
	uint64_t apic_hz; /**< APIC_FREQUENCY in Hz; default 0: that MSR does not exist. */
	/** Upper bound of the protection map's memory; default 256 MiB. About 850 bytes per 2 MiB
	 *  of RAM and protecting VTL are reserved at most; with less than that a guest that
	 *  protects pages one by one may get INSUFFICIENT_MEMORY. See protect.h. */
	uint64_t protmap_max_bytes;
};

/* Bits of vsm_capabilities.flags: what this partition has, given its ops and configuration. */

#define VSM_CAP_VSM		   0x001u /**< VTLs above 0: switch_vtl, overlays, max_vtl > 0. */
#define VSM_CAP_OVERLAYS	   0x002u /**< Hypercall, assist page, SIMP, SIEFP: overlay_map. */
#define VSM_CAP_XMM		   0x004u /**< XMM input and register output of fast hypercalls. */
#define VSM_CAP_PROTECT		   0x008u /**< Rights can be taken: vsm_capabilities.enforceable. */
#define VSM_CAP_TLB_FLUSH	   0x010u /**< The host can drop translations on request. */
#define VSM_CAP_CROSS_VP	   0x020u /**< Registers of other VPs, VSM_PENDING: needs kick. */
#define VSM_CAP_INJECT		   0x040u /**< PendingEvent0: needs inject_event. */
#define VSM_CAP_INTERRUPT	   0x080u /**< SINTs raise interrupts; otherwise they are polled. */
#define VSM_CAP_CLOCK		   0x100u /**< Reference time, TSC frequency: tsc and tsc_hz. */
#define VSM_CAP_UNENFORCED_EXECUTE 0x200u /**< Execute rights are accepted but not enforced. */
#define VSM_CAP_CRASH		   0x400u /**< The guest can report its crash: needs crash. */
/** Mode-based execute control: needs vsm_config.enforceable_mbec, PROTECT and VSM. */
#define VSM_CAP_MBEC		   0x1000u
/** The guest can start VPs: needs #VSM_HOST_STARTS_VPS, kick and overlays. */
#define VSM_CAP_STARTUP		   0x800u

/** What the partition can do. */
struct vsm_capabilities {
	size_t size; /**< sizeof(struct vsm_capabilities), set by the caller. */
	uint32_t flags; /**< VSM_CAP_* */
	uint32_t enforceable; /**< Rights masks enforced exactly, bit n = mask n. */
	uint32_t accepted; /**< Rights masks the guest may ask for, unenforced execute included. */
	uint32_t enforceable_mbec; /**< Those exact with MBEC; 0 without #VSM_CAP_MBEC. */
	uint32_t accepted_mbec; /**< Those the guest may ask for with MBEC, as above. */
	uint32_t max_vtl; /**< Highest VTL offered, 0 without #VSM_CAP_VSM. */
	uint64_t privileges; /**< CPUID 0x40000003 EBX:EAX. */
	uint32_t features; /**< CPUID 0x40000003 EDX. */
	uint32_t emulated; /**< Of those enforced exactly, the emulated: vsm_config.emulated. */
};

/** Counters since vsm_partition_create(); each is exact, together they are no snapshot. */
struct vsm_stats {
	size_t size; /**< sizeof(struct vsm_stats), set by the caller. */
	uint64_t hypercalls; /**< Hypercalls that were given a result, VTL calls excluded. */
	uint64_t continuations; /**< Hypercalls sent back to the guest to go on. */
	uint64_t vtl_calls; /**< Entries into a higher VTL by VTL call. */
	uint64_t vtl_returns; /**< Returns to a lower VTL. */
	uint64_t vtl_entries; /**< Entries into a higher VTL by interrupt or intercept. */
	uint64_t intercepts; /**< Memory intercept messages written for a VTL. */
	uint64_t faults_retried; /**< Memory faults that the table allowed. */
	uint64_t pages_protected; /**< Page rights changed by ModifyVtlProtectionMask. */
	uint64_t unenforced_execute; /**< Of those, pages whose execute right is not enforced. */
	uint64_t exceptions; /**< Exceptions asked for. */
	uint64_t host_errors; /**< Host ops that failed. */
};

/** One CPUID leaf. */
struct vsm_cpuid {
	uint32_t eax; /**< EAX */
	uint32_t ebx; /**< EBX */
	uint32_t ecx; /**< ECX */
	uint32_t edx; /**< EDX */
};

/**
 * Fill a configuration with the defaults.
 *
 * @param config cleared and set. NULL is ignored.
 * Thread: any.
 */
VSM_EXPORT void vsm_config_init(struct vsm_config *config);

/**
 * Create a partition.
 *
 * @param config copied. Unknown flags, a non-zero tail behind what this version knows and values
 *               out of range are refused.
 * @param ops    copied.
 * @param opaque first argument of the partition-wide ops. Stays the caller's.
 * @param out    the new partition, to be given to vsm_partition_destroy(). Untouched on failure.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL an argument or field is wrong; the log line names it, unless an argument
 *                        is NULL or ops->size is wrong.
 * @retval -VSM_ERR_NOSUP SMM or nested virtualization was declared.
 * @retval -VSM_ERR_NOMEM no memory.
 * Thread: any; the partition belongs to that thread until it is realised.
 */
VSM_EXPORT int vsm_partition_create(const struct vsm_config *config, const struct vsm_host_ops *ops,
				    void *opaque, struct vsm **out);

/**
 * Destroy a partition and its VPs. No entry may be running or be made any more.
 *
 * From within a host op, or while a VP is in an entry, nothing is destroyed and a log line says so.
 *
 * @param vsm may be NULL.
 * Thread: any.
 */
VSM_EXPORT void vsm_partition_destroy(struct vsm *vsm);

/**
 * Declare a range of guest RAM. Only RAM can be protected or named in hypercalls.
 *
 * @param vsm  not realised yet.
 * @param gpa  page-aligned start.
 * @param size bytes, a multiple of 4096, not 0; the range must lie within vsm_config.phys_bits.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL  vsm is NULL, or gpa or size is not page-aligned, or size is 0.
 * @retval -VSM_ERR_RANGE  the range wraps or lies outside the physical address space.
 * @retval -VSM_ERR_EXISTS it overlaps a range declared before.
 * @retval -VSM_ERR_NOMEM  more than 64 ranges.
 * @retval -VSM_ERR_MISUSE the partition is realised already.
 * Thread: that of create.
 */
VSM_EXPORT int vsm_ram_add(struct vsm *vsm, uint64_t gpa, uint64_t size);

/**
 * Add a range of RAM to a partition that runs (memory hot-add).
 *
 * The pages follow the default masks of the VTLs that protect (TLFS 15.9.1). What these deny the op
 * `protect` is told before any VP can find the pages: in that call vsm_gpa_rights() still answers
 * -VSM_ERR_RANGE for them, and the ranges say what to enforce. Until then a host has all rights for
 * them, and it lets no VP and no device reach them before this function has returned 0. Whatever
 * else is returned, the range is no RAM, and what `protect` said of it is void. No translation can
 * be stale: `tlb_flush` is not called. `protect` may not answer #VSM_PENDING here.
 *
 * @param vsm  realised with RAM, or with max_vtl 0.
 * @param gpa  as for vsm_ram_add().
 * @param size as for vsm_ram_add().
 * @retval 0 done; the range can be protected and named in hypercalls.
 * @retval -VSM_ERR_BUSY   a VP changes rights or overlays at this moment, or the partition is being
 *                         reset. Try again, not under a lock that an op waits for.
 * @retval -VSM_ERR_HOST   op `protect` failed.
 * @retval -VSM_ERR_INVAL  vsm is NULL, or gpa or size is not page-aligned, or size is 0.
 * @retval -VSM_ERR_RANGE  the range wraps or lies outside the physical address space.
 * @retval -VSM_ERR_EXISTS it overlaps a range declared before.
 * @retval -VSM_ERR_NOMEM  no memory, more than 64 ranges, or the map would pass
 *                         vsm_config.protmap_max_bytes.
 * @retval -VSM_ERR_NOSUP  there was no RAM when the partition was realised.
 * @retval -VSM_ERR_MISUSE not realised, or beside vsm_vp_create() or another call of this function.
 * Thread: any, also while VPs run, but not from within a host op. Calls the allocator.
 */
VSM_EXPORT int vsm_ram_hot_add(struct vsm *vsm, uint64_t gpa, uint64_t size);

/**
 * End of configuration: allocate, fix what the guest is offered, allow VPs to be created.
 *
 * @param vsm a partition whose RAM is declared. Without RAM, or with max_vtl 0, nothing can be
 *            protected.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL  vsm is NULL, or tsc_hz gave 10,000,000 or less.
 * @retval -VSM_ERR_MISUSE realised already, or called from within an op.
 * @retval -VSM_ERR_NOMEM  no memory, or the map would pass vsm_config.protmap_max_bytes. May be
 *                         tried again.
 * Thread: that of create.
 */
VSM_EXPORT int vsm_partition_realise(struct vsm *vsm);

/**
 * Reset the partition as at power-on: all VPs in VTL0, other VTLs disabled, synthetic registers and
 * overlays gone, events queued by PendingEvent0 taken back, RAM zeroed if an enabled VTL asked for
 * it (ZeroMemoryOnReset, TLFS 15.5.1.2), then rights lifted. VPs created with
 * #VSM_VP_WAIT_FOR_STARTUP wait again. Architectural registers of VTL0 are the VMM's to reset.
 * Idempotent.
 *
 * No VP may be in an entry or in the guest. A host op that was pending is forgotten: its
 * vsm_op_complete() finds nobody. Ops may not answer #VSM_PENDING here. With
 * #VSM_CONFIG_CHECK_THREADS no VP belongs to a thread afterwards.
 *
 * @param vsm realised.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL  vsm is NULL.
 * @retval -VSM_ERR_MISUSE not realised, or a VP is in an entry.
 * @retval -VSM_ERR_HOST   an op failed: the reset went on, but its effect is missing on the host,
 *                         and if RAM could not be zeroed no right was lifted; call again or give up
 *                         the machine.
 * Thread: any, with all VPs stopped.
 */
VSM_EXPORT int vsm_partition_reset(struct vsm *vsm);

/**
 * What the partition can do. Fixed by vsm_partition_realise().
 *
 * @param vsm realised.
 * @param out caller sets out->size; filled in.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL  an argument is NULL or out->size is too small.
 * @retval -VSM_ERR_MISUSE not realised.
 * Thread: any.
 */
VSM_EXPORT int vsm_capabilities_get(const struct vsm *vsm, struct vsm_capabilities *out);

/**
 * Read the counters.
 *
 * @param vsm in any state.
 * @param out caller sets out->size; filled in.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL an argument is NULL or out->size is too small.
 * Thread: any.
 */
VSM_EXPORT int vsm_stats_get(const struct vsm *vsm, struct vsm_stats *out);

/**
 * A leaf of the hypervisor CPUID range, for hosts that set CPUID once (TLFS 2.4).
 *
 * Leaves depend on configuration and ops only, never on run-time state; they are the same for all
 * VPs and VTLs. Leaves above the maximum read 0.
 *
 * @param vsm  realised.
 * @param leaf 0x40000000 .. 0x400000ff.
 * @param out  filled in.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL  an argument is NULL, or leaf is outside that range.
 * @retval -VSM_ERR_MISUSE not realised.
 * Thread: any.
 */
VSM_EXPORT int vsm_cpuid_get(const struct vsm *vsm, uint32_t leaf, struct vsm_cpuid *out);

/**
 * Rights that a VTL has to a guest page now, given what every higher VTL protects and what the host
 * can enforce: what a host is to enforce. Whether one access may be made says vsm_gpa_access().
 *
 * KX and UX differ only if a VTL asked for it with mode-based execute control. On a VP where
 * vsm_vp_mbec() is 0 UX does not count: KX is for both modes.
 *
 * Lock-free, callable from within host ops. Overlays are not looked at.
 *
 * @param vsm    realised.
 * @param vtl    0 .. max_vtl.
 * @param gpa    any byte of the page.
 * @param rights set to HV_MAP_GPA_* bits 0..3.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL  vsm or rights is NULL, or vtl is too large.
 * @retval -VSM_ERR_RANGE  gpa is not RAM.
 * @retval -VSM_ERR_MISUSE not realised.
 * Thread: any.
 */
VSM_EXPORT int vsm_gpa_rights(const struct vsm *vsm, uint32_t vtl, uint64_t gpa, uint32_t *rights);

/**
 * The same for many pages at once: rights to a page, and how far they reach. A gigabyte of equal
 * pages costs little more than one.
 *
 * The run ends where rights change, at the end of a range of RAM, and with `size`. What comes
 * behind it may have the same rights. Beside somebody who changes rights each page of it had these
 * rights at some time between the call and its return, as with vsm_gpa_rights().
 *
 * Lock-free, callable from within host ops. Overlays are not looked at.
 *
 * @param vsm    realised.
 * @param vtl    0 .. max_vtl.
 * @param gpa    page-aligned, where the run begins.
 * @param size   bytes that are asked for, a multiple of 4096, not 0. They may reach beyond RAM.
 * @param length set to the bytes of the run: 4096 .. size, a multiple of 4096. May not be NULL.
 * @param rights set to HV_MAP_GPA_* bits 0..3.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL  vsm, length or rights is NULL, vtl is too large, or gpa or size is not as
 *                         above.
 * @retval -VSM_ERR_RANGE  gpa is not RAM, or gpa + size wraps.
 * @retval -VSM_ERR_MISUSE not realised.
 * Thread: any.
 */
VSM_EXPORT int vsm_gpa_rights_run(const struct vsm *vsm, uint32_t vtl, uint64_t gpa, uint64_t size,
				  uint64_t *length, uint32_t *rights);

/**
 * End of a host op that returned #VSM_PENDING.
 *
 * The VP that waits is kicked and finishes its exit in vsm_vp_run_prepare().
 *
 * @param vsm    of which the op was called.
 * @param token  as given to the op.
 * @param result 0 or a negative `enum vsm_err`.
 * @param done   for `protect` with a negative result: ranges that were applied; else ignored.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL    vsm is NULL or result is positive.
 * @retval -VSM_ERR_NOTFOUND nobody waits for that token: never given, ended already, or forgotten
 *                           by a reset.
 * Thread: any, also under locks of the host.
 */
VSM_EXPORT int vsm_op_complete(struct vsm *vsm, uint64_t token, int result, uint32_t done);

VSM_END_DECLS

#endif /* VSM_PARTITION_H */
