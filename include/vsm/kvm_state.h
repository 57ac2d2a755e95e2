/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file vsm/kvm_state.h
 * Private and shared VTL state of plain KVM vCPUs (TLFS 15.11), for a VMM with VTL logic of its
 * own.
 *
 * No partition and no struct vsm_kvm: a vCPU is a file descriptor and its mapped kvm_run. Nothing
 * is allocated or kept between calls.
 *
 * **Registers in kvm_run.** General purpose, control and segment registers and events are read and
 * written there (KVM_CAP_SYNC_REGS), which costs no system call. vsm_kvm_sync_regs() sets it up,
 * once for each vCPU. Registers whose bit is set in kvm_run.kvm_dirty_regs are those of kvm_run,
 * not those that KVM still has. CR8 is kvm_run.cr8.
 *
 * **Where a switch is possible.** The exit before it must be complete: KVM finishes port, MMIO and
 * MSR exits with the next KVM_RUN only, and would write into the registers of another VTL. After
 * such an exit call KVM_RUN once more with kvm_run.immediate_exit set to 1; it fails with EINTR.
 *
 * **Interrupts.** KVM_INTERRUPT, KVM_NMI and KVM_SMI queue events that kvm_run does not show. A VMM
 * that uses one of them calls vsm_kvm_sync_regs() before the next switch, or runs the vCPU: else
 * the interrupt is lost and the NMI taken by another VTL. After a switch
 * kvm_run.ready_for_interrupt_injection is 0 and KVM_INTERRUPT would be lost, until the next
 * KVM_RUN has said that the new VTL takes one; that may be one with immediate_exit set to 1.
 *
 * **What stays the VMM's.** Registers that libvsm keeps elsewhere (hypercall page, SynIC ...) are
 * in the object, and these functions leave them alone. So they do with the local APIC but for CR8,
 * with the TSC - one counter serves all VTLs, and it counts on while a VTL does not run - and with
 * what KVM calls the MP state. vsm_kvm_private_left_out() and vsm_kvm_shared_left_out() name every
 * register of the table that a host keeps and these functions do not move.
 *
 * One vCPU for all VTLs of a VP (the swapped model); the VTLs take turns for ever, each HLT of the
 * guest is a switch, and memory is left out:
 *
 *     struct vsm_private_state state[2];      // of the VTL that does not run
 *     uint32_t vtl = 0;
 *
 *     if (vsm_kvm_sync_regs(fd, run) != 0)
 *             return failed("kvm_run");
 *     vsm_private_state_init(&state[0], 0);
 *     vsm_private_state_init(&state[1], 0);
 *     if (vsm_kvm_private_save(fd, run, &state[1]) != 0 || start(&state[1], entry_of_vtl1) != 0)
 *             return failed("VTL1");
 *     while (ioctl(fd, KVM_RUN, 0) == 0 && run->exit_reason == KVM_EXIT_HLT) {
 *             if (vsm_kvm_private_exchange(fd, run, &state[vtl], &state[!vtl]) != 0)
 *                     return failed("VTL switch");
 *             vtl = !vtl;
 *     }
 *
 * where start() sets RIP, RSP and what else VTL1 is to begin with by vsm_private_state_set().
 *
 * One vCPU for each VTL (the replicated model); private state stays where it is:
 *
 *     struct vsm_kvm_vcpu vcpu[2] = {
 *             { .size = sizeof(vcpu[0]), .fd = fd[0], .run = run[0] },
 *             { .size = sizeof(vcpu[1]), .fd = fd[1], .run = run[1] },
 *     };
 *
 *     if (vsm_kvm_sync_regs(fd[0], run[0]) != 0 || vsm_kvm_sync_regs(fd[1], run[1]) != 0)
 *             return failed("kvm_run");
 *     while (ioctl(fd[vtl], KVM_RUN, 0) == 0 && run[vtl]->exit_reason == KVM_EXIT_HLT) {
 *             if (vsm_kvm_shared_copy(&vcpu[vtl], &vcpu[!vtl], VSM_KVM_CARRY_FPU) != 0)
 *                     return failed("VTL switch");
 *             vtl = !vtl;
 *     }
 *
 * Both run in tests/kvm/test_state_loop.c.
 *
 * **What libvsm-kvm holds.** The last functions are for a VMM that does use struct vsm_kvm: what
 * its backend holds for a VP besides registers, to be saved with the VP.
 */
#ifndef VSM_KVM_STATE_H
#define VSM_KVM_STATE_H

#include <stddef.h>
#include <stdint.h>

#include <vsm/export.h>
#include <vsm/state.h>

VSM_BEGIN_DECLS

/** Of <linux/kvm.h>. */
struct kvm_run;

/* Shared state that KVM shows only by an ioctl of its own, moved at each VTL switch if asked for:
 * vsm_kvm_options.carry, vsm_kvm_shared_copy(). GPRs and CR2 are always moved and cost no ioctl. */
#define VSM_KVM_CARRY_FPU     0x1u /**< x87, MXCSR, XMM; with XSAVE all user components. */
#define VSM_KVM_CARRY_DEBUG   0x2u /**< DR0..DR3 (TLFS 15.11.2) */
#define VSM_KVM_CARRY_XCR0    0x4u /**< XCR0 */
/** MTRRs, MCG_STATUS, IA32_MISC_ENABLE, DEBUGCTL, TSX_CTRL, U_CET and PL0..PL3_SSP.
 *  vsm_kvm_shared_copy() only: libvsm-kvm itself lets the guest write them in all VTLs at once. */
#define VSM_KVM_CARRY_MSR     0x8u
/** DR6 too, where VsmCapabilities.Dr6Shared is 1 (TLFS 15.3.2). vsm_kvm_shared_copy() only. */
#define VSM_KVM_CARRY_DR6     0x10u
/** All that the guest's CPUID exposes. vsm_kvm_options.carry only. */
#define VSM_KVM_CARRY_DEFAULT 0x80000000u

/** A vCPU with its kvm_run, for vsm_kvm_shared_copy(). */
struct vsm_kvm_vcpu {
	size_t size; /**< sizeof(struct vsm_kvm_vcpu) */
	int32_t fd; /**< As KVM_CREATE_VCPU gave it. */
	/** Bytes of xsave: what KVM_CAP_XSAVE2 of its VM says. 0: 4096, on the stack. */
	uint32_t xsave_size;
	struct kvm_run *run; /**< mmap() of fd */
	void *xsave; /**< With xsave_size: memory of the caller, overwritten. */
};

/**
 * Make kvm_run hold a vCPU's registers: now, and after each KVM_RUN. Once for each vCPU, and again
 * after registers were changed by KVM_SET_REGS, KVM_SET_SREGS or KVM_SET_VCPU_EVENTS, or an event
 * was queued by KVM_INTERRUPT, KVM_NMI or KVM_SMI. Three ioctls.
 *
 * @param vcpu_fd of the vCPU.
 * @param run     its kvm_run: kvm_valid_regs, kvm_dirty_regs, cr8 and the registers are set.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL run is NULL or vcpu_fd is below 0.
 * @retval -VSM_ERR_SYS   an ioctl failed; errno tells why.
 * Thread: the vCPU's.
 */
VSM_EXPORT int vsm_kvm_sync_regs(int vcpu_fd, struct kvm_run *run);

/**
 * Fill an object with the private state of a vCPU (TLFS 15.11.1): RIP, RSP, RFLAGS, CR0, CR3, CR4,
 * CR8, DR7, DR6 unless the object has #VSM_PRIVATE_STATE_DR6_SHARED, segment and table registers,
 * EFER, APIC_BASE, the event being delivered, interrupt shadow and NMI mask, and the MSRs. What of
 * these KVM has not, and every other register of the object, stays as it is there.
 *
 * **Two ioctls**: KVM_GET_MSRS, KVM_GET_DEBUGREGS. Another KVM_GET_MSRS for each gap, a private MSR
 * that this KVM lacks though it has a later one of its list.
 *
 * @param vcpu_fd of the vCPU.
 * @param run     its kvm_run, see vsm_kvm_sync_regs().
 * @param state   initialised; its flags say whose DR6 is. Untouched on failure.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL  an argument is NULL, vcpu_fd is below 0, or state is not initialised.
 * @retval -VSM_ERR_MISUSE kvm_valid_regs lacks a bit: kvm_run holds no registers.
 * @retval -VSM_ERR_NOSUP  the vCPU has state that no register names and that would stay behind for
 *                         the next VTL: an NMI, SMI, triple fault or exception with payload that
 *                         waits in kvm_run.s.regs.events, or a second event that is being
 *                         delivered (keep and clear it there, set KVM_SYNC_X86_EVENTS in
 *                         kvm_dirty_regs, and put it back when that VTL runs again; KVM shows a
 *                         triple fault only with KVM_CAP_X86_TRIPLE_FAULT_EVENT); or CR4.CET is 1:
 *                         SSP is no MSR.
 * @retval -VSM_ERR_SYS    an ioctl failed; errno tells why.
 * Thread: the vCPU's.
 */
VSM_EXPORT int vsm_kvm_private_save(int vcpu_fd, struct kvm_run *run,
				    struct vsm_private_state *state);

/**
 * Give a vCPU the private state of an object; shared state (TLFS 15.11.2) stays. All values are
 * looked at first, KVM's word on them comes next, and what it had taken by then is taken back: but
 * for -VSM_ERR_STATE a failure changes nothing.
 *
 * Registers in kvm_run are marked dirty, events always, and reach KVM with the next KVM_RUN.
 * Control registers that KVM could refuse there are given to it at once.
 *
 * **Two ioctls** to see what the vCPU has, as in vsm_kvm_private_save(), **and one each for what is
 * to change**: KVM_SET_MSRS; KVM_SET_DEBUGREGS; KVM_SET_SREGS if CR0, CR4, EFER or APIC_BASE
 * changes, CR3 gets a bit above 35, or kvm_dirty_regs still has KVM_SYNC_X86_SREGS; KVM_GET_MSRS
 * again if a speculation control, XSS, CET or MPX register changes, because some KVMs take such
 * values without keeping them. Six at most, plus those for gaps.
 *
 * @param vcpu_fd of the vCPU.
 * @param run     its kvm_run, see vsm_kvm_sync_regs().
 * @param state   initialised.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL  as vsm_kvm_private_save(); or a value is not legal, alone or with others.
 * @retval -VSM_ERR_MISUSE as vsm_kvm_private_save().
 * @retval -VSM_ERR_NOSUP  as vsm_kvm_private_save(), about the vCPU or the object; or KVM does not
 *                         keep a register whose value in the object is not 0; or it cannot express
 *                         the event: a software interrupt or exception (it shows none either: the
 *                         guest executes the instruction again), an instruction length, a nested
 *                         event.
 * @retval -VSM_ERR_SYS    an ioctl failed; errno tells why.
 * @retval -VSM_ERR_STATE  so did the way back: the state is neither old nor new.
 * Thread: the vCPU's.
 */
VSM_EXPORT int vsm_kvm_private_load(int vcpu_fd, struct kvm_run *run,
				    const struct vsm_private_state *state);

/**
 * vsm_kvm_private_save() and vsm_kvm_private_load() at once, in fewer ioctls: two, and one each for
 * what is to change. This is the VTL switch of a VMM with one vCPU for each VP.
 *
 * @param vcpu_fd of the vCPU.
 * @param run     its kvm_run, see vsm_kvm_sync_regs().
 * @param out     as for save; not the same object as `in`.
 * @param in      as for load, with the same flags as `out`.
 * @return as vsm_kvm_private_load(). `out` is untouched on failure.
 * Thread: the vCPU's.
 */
VSM_EXPORT int vsm_kvm_private_exchange(int vcpu_fd, struct kvm_run *run,
					struct vsm_private_state *out,
					const struct vsm_private_state *in);

/**
 * Private registers that a host keeps (#VSM_OWNER_HOST) and that the three functions do not move
 * for this vCPU: the local APIC and the TSC, which are the VMM's to move, and what this KVM or the
 * vCPU's CPUID does not have. To find out, MSRs are written and put back. For the start, not for a
 * switch: it takes an ioctl for each of them.
 *
 * @param vcpu_fd of the vCPU, after KVM_SET_CPUID2.
 * @param flags   VSM_PRIVATE_STATE_* of the objects.
 * @param names   filled with HV names, ascending; may be NULL if max is 0.
 * @param max     capacity.
 * @return how many there are, may be above max.
 * @retval -VSM_ERR_INVAL names is NULL, vcpu_fd is below 0, or a flag is unknown.
 * @retval -VSM_ERR_SYS   an ioctl failed; errno tells why.
 * Thread: the vCPU's.
 */
VSM_EXPORT int vsm_kvm_private_left_out(int vcpu_fd, uint32_t flags, uint32_t *names, uint32_t max);

/**
 * Carry shared state (TLFS 15.11.2) from the vCPU of one VTL to that of another. GPRs except RSP,
 * and CR2, always; these cost no ioctl. Private state of both stays. But for -VSM_ERR_STATE a
 * failure changes nothing.
 *
 * ioctls: **two for each bit** of carry (DR6 comes with DR0..DR3), and a third for MSRs, debug
 * registers and XCR0 if they differ. MSRs that `from` lacks stay.
 *
 * @param from  the vCPU that ran. Only its xsave memory is changed.
 * @param to    the vCPU to run next, another one of the same CPUID. Where the FPU is carried its
 *              xsave_size is not above that of `from`: KVM reads as many bytes as `to` has.
 * @param carry VSM_KVM_CARRY_* without DEFAULT.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL  an argument is NULL, a field is wrong, both are the same vCPU, a bit of
 *                         carry is unknown, or KVM refuses a value.
 * @retval -VSM_ERR_MISUSE kvm_valid_regs of one lacks a bit, see vsm_kvm_sync_regs().
 * @retval -VSM_ERR_NOSUP  `to` lacks an MSR that `from` has, or there is no XCR0.
 * @retval -VSM_ERR_SYS    an ioctl failed; errno tells why. KVM_GET_XSAVE fails where XSAVE images
 *                         are larger than 4096 bytes: give xsave_size.
 * @retval -VSM_ERR_STATE  the way back failed: the state of `to` is neither old nor new.
 * Thread: that of both vCPUs.
 */
VSM_EXPORT int vsm_kvm_shared_copy(const struct vsm_kvm_vcpu *from, const struct vsm_kvm_vcpu *to,
				   uint32_t carry);

/**
 * Shared registers that a host keeps (#VSM_OWNER_HOST) and that vsm_kvm_shared_copy() does not move
 * with this carry: performance counters, branch records and others that the hardware changes by
 * itself, and those of features that it does not know (XFD, UMWAIT_CONTROL, PASID, SGX).
 *
 * @param carry VSM_KVM_CARRY_* without DEFAULT.
 * @param names filled with HV names, ascending; may be NULL if max is 0.
 * @param max   capacity.
 * @return how many there are, may be above max.
 * @retval -VSM_ERR_INVAL names is NULL or a bit of carry is unknown.
 * Thread: any.
 */
VSM_EXPORT int vsm_kvm_shared_left_out(uint32_t carry, uint32_t *names, uint32_t max);

/** Of vsm/kvm.h. */
struct vsm_kvm_vp;

/**
 * Most bytes that vsm_kvm_held_save() writes in this version.
 *
 * @return bytes.
 * Thread: any.
 */
VSM_EXPORT size_t vsm_kvm_held_size(void);

/**
 * Save what the backend holds for a VP: stores that KVM has retired, so that RIP is behind them,
 * and that wait until their VTL resumes (see vsm_kvm_run()); parts of them that are for a device
 * and that the VMM has not been given yet; and exceptions that are raised with the next entry of a
 * VTL. Nothing changes by it.
 *
 * No exit may be half done. So a VMM answers its last exit, then calls vsm_kvm_kick() and
 * vsm_kvm_run(), deals with what comes, and repeats both until the exit is #VSM_KVM_EXIT_INTR and
 * this function has no more to say against it. No instruction is executed by that.
 *
 * The bytes, all little-endian:
 *
 *     0   8   "VSMKHELD"
 *     8   4   version: 1
 *     12  4   n, number of records
 *     16  4   VP index
 *     20  4   0
 *     24  40n records
 *     ..  8   checksum as that of vsm/state.h
 *
 * Records of a store come in its order:
 *
 *     0   4   kind: 1 part of a held store, 2 part for a device, 3 exception
 *     4   4   VTL; of kind 2: 0
 *     8   8   RIP behind the store; 0; parameter of the exception (CR2, DR6)
 *     16  8   GPA; GPA; vector
 *     24  8   bytes, the first in the lowest; the same; error code
 *     32  4   number of bytes, 1 .. 8; the same; 1: there is an error code
 *     36  4   1: for a device, 2: it waits for a grant and was told to nobody; 1; 1: there is a
 *             parameter
 *
 * @param kvp  the VP.
 * @param buf  filled in; untouched on failure.
 * @param size of buf; vsm_kvm_held_size() is always enough.
 * @param used set to the bytes written, a multiple of 8; on success only.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL an argument is NULL, or size is too small.
 * @retval -VSM_ERR_BUSY  an exit is half done.
 * Thread: the VP's.
 */
VSM_EXPORT int vsm_kvm_held_save(const struct vsm_kvm_vp *kvp, void *buf, size_t size,
				 size_t *used);

/**
 * Give a VP what another one held. After vsm_load(), before the VP runs; registers may be set
 * before or after it. All bytes are read and checked before anything changes, and nothing in them
 * is trusted: a store is performed only where its VTL may write then.
 *
 * @param kvp  a VP that holds nothing.
 * @param buf  what vsm_kvm_held_save() wrote for a VP of this index.
 * @param size exactly those bytes.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL  an argument is NULL, or the bytes are damaged: wrong start, length or
 *                         checksum, an unknown kind or flag, a VTL that is not enabled on the VP,
 *                         or what KVM never gives. Nothing has changed.
 * @retval -VSM_ERR_NOSUP  of a version that this library does not know, or of another VP. Nothing
 *                         has changed.
 * @retval -VSM_ERR_MISUSE the VP holds something, or an exit is half done.
 * Thread: the VP's.
 */
VSM_EXPORT int vsm_kvm_held_load(struct vsm_kvm_vp *kvp, const void *buf, size_t size);

VSM_END_DECLS

#endif /* VSM_KVM_STATE_H */
