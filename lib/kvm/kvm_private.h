/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of libvsm-kvm share. */
#ifndef VSM_KVM_PRIVATE_H
#define VSM_KVM_PRIVATE_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/kvm.h>

#include <vsm/error.h>
#include <vsm/host.h>
#include <vsm/hv.h>
#include <vsm/kvm.h>

#include "attributes.h"
#include "emulate.h"
#include "enforce.h"

#define VK_VTLS_MAX   4u
#define VK_VPS_MAX    64u
#define VK_RANGES_MAX 128u
#define VK_CPUID_MAX  256u
#define VK_PAGE	      4096ull
#define VK_HUGE	      (2ull << 20) /* What an entry one level up maps. */

/* No more slots than this are kept book of, whatever KVM offers. */
#define VK_SLOTS_MAX 32764u

/* A denied store of one instruction: KVM reports up to 8 bytes at a time, and the widest that its
 * emulator stores at once is an FXSAVE image. */
#define VK_FRAGMENTS_MAX 64u

/* Rights masks: none and all; and R+X too. A bit each (TLFS 15.9.2). */
#define VK_MASKS_RX ((1u << 0x0) | (1u << 0xd) | (1u << 0xf))

#define VK_SYNC_ALL (KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS)

/* KVM_CAP_EXIT_ON_EMULATION_FAILURE, which headers have from Linux 5.15 on. */
#define VK_CAP_EXIT_ON_EMULATION_FAILURE 204

#define VK_X86_CR4_OSXSAVE (1ull << 18)

/* struct kvm_cpuid2 with room. */
struct vk_cpuid_list {
	uint32_t nent;
	uint32_t padding;
	struct kvm_cpuid_entry2 entries[VK_CPUID_MAX];
};

/* struct kvm_msrs with one entry. */
struct vk_msr_list {
	uint32_t nmsrs;
	uint32_t padding;
	struct kvm_msr_entry entry;
};

/* What a KVM can do, and the CPUID it supports. */
struct vk_facts {
	struct vsm_kvm_host host;
	uint32_t xsave_size; /* Bytes of the XSAVE image, at least 4096. */
	struct vk_attributes attributes;
	struct vk_cpuid_list cpuid;
};

/* Memory of the guest: RAM, or memory of a device. */
struct vk_range {
	uint64_t gpa;
	uint64_t size;
	uint32_t is_ram;
	uint32_t flags; /* KVM_MEM_READONLY or 0 */
	uint8_t *view[VK_VTLS_MAX]; /* What the VM of a VTL maps. */
	uint8_t *host; /* RAM: the view that no right is ever taken from. */
	uint32_t by_ptes; /* 1: rights are set page by page (VK_MECH_PTES), 0: slots */
	uint8_t *pte[VK_VTLS_MAX]; /* A byte for each page: VK_PTE_*; NULL: all rights */
	uint8_t *split[VK_VTLS_MAX]; /* A byte for each region: something in it was changed. */
};

/* A page of the arena that is seen at a GPA. */
struct vk_overlay {
	uint64_t gpa;
	uint8_t *page;
	uint32_t flags;
	uint32_t hidden; /* 1: not even readable */
};

/* A run of pages that one memory slot shows. */
struct vk_piece {
	uint64_t gpa;
	uint64_t size;
	uint8_t *hva;
	uint32_t flags; /* KVM_MEM_READONLY or 0 */
	uint32_t source; /* Pieces of different sources are never joined. */
	uint32_t slot;
};

/* Pieces in ascending order that do not overlap. */
struct vk_layout {
	struct vk_piece *piece;
	uint32_t count;
	uint32_t max;
	uint32_t floor; /* While it is built: pieces before it are finished. */
};

/* An interval of GPAs whose pieces must be found anew. */
struct vk_dirty {
	uint64_t gpa;
	uint64_t end;
};

/* Guest physical memory as one VTL sees it. */
struct vk_space {
	int vm_fd;
	struct vk_layout now; /* What the slots show. */
	struct vk_layout next; /* What they are to show. */
	uint32_t *free_slot; /* Stack of slot numbers. */
	uint32_t free_count;
	struct vk_overlay *overlay;
	uint32_t overlay_count;
	uint32_t overlay_max;
	struct vk_pages emulated, planned;
};

/* A store that KVM has retired and nobody performed yet. */
struct vk_fragment {
	uint64_t gpa;
	uint32_t len;
	uint32_t is_device; /* 1: the part that reached from RAM into a device */
	uint8_t data[8];
};

struct vk_store {
	uint32_t count; /* 0: none is held */
	uint64_t waits; /* 0: held since it is denied; else for a grant: so often it was tried. */
	uint64_t rip; /* Behind the store, as KVM left it. */
	struct vk_fragment fragment[VK_FRAGMENTS_MAX];
};

/* State of KVM's half-done I/O on a vCPU. */
#define VK_IO_NONE     0u
#define VK_IO_WAITS    1u /* The VMM has not answered yet. */
#define VK_IO_ANSWERED 2u /* The next KVM_RUN completes it. */

struct vk_vcpu {
	int fd;
	uint32_t io; /* KVM_IO_* */
	struct kvm_run *run;
	uint64_t fpu_age; /* Which shared FPU image it holds. */
	uint64_t debug_age; /* The same of DR0..DR3. */
	uint64_t xcr_age; /* The same of XCR0. */
	uint32_t event_queued;
	uint32_t signal_mask_set;
	struct vsm_exception event;
	struct vk_store store;
	struct vk_read read; /* From an emulated page. */
};

/* KVM_GET_XSAVE2, which headers have from Linux 5.17 on. */
#define VK_GET_XSAVE2 _IOR(KVMIO, 0xcf, struct kvm_xsave)

/* Offset of XSTATE_BV in an XSAVE image (SDM vol. 1, 13.4.2). */
#define VK_XSTATE_BV 512u

/* x87, SSE and whatever XSAVE adds, as KVM hands it out. */

struct vk_shared {
	uint64_t fpu_age, debug_age, xcr_age;
	uint64_t xcr0;
	uint64_t db[4];
	uint8_t *fpu; /* Image of fpu_age. */
	uint8_t *work; /* As large. */
};

/* Of one VP, written by its thread. */
struct vk_count {
	atomic_uint_least64_t runs, ioctls, switches, carried, held, done, dropped, undone, native;
	atomic_uint_least64_t emulated, again;
};

/* A SIGBUS that was taken from KVM_RUN. */
struct vk_bus {
	uint32_t pending;
	uint32_t repeats; /* Times in a row that its page was allowed. */
	int32_t code; /* si_code */
	uint64_t hva; /* si_addr */
	siginfo_t info;
};

/* An access of a VP's thread that userfaultfd told of and that was not let through. See hit.c. */
struct vk_hit {
	uint32_t thread; /* That runs the VP; 0: none has yet. */
	uint32_t vtl;
	uint64_t page; /* GPA */
	uint64_t looked; /* What `run` was before the events were read. */
	atomic_uint_least64_t run; /* How often it has entered the guest. Its thread's. */
	atomic_uint access; /* VK_SEES_READ + 1, VK_SEES_WRITE + 1; 0: none. Set under pte_lock. */
};

struct vk_start;

struct vsm_kvm_vp {
	struct vsm_kvm *k;
	struct vsm_vp *vp;
	uint32_t index;
	uint32_t apic_id;
	uint32_t active; /* VTL that runs or ran last. */
	uint32_t preparing; /* 1 between PREPARE and COMMIT or ABORT. */
	uint32_t left; /* VSM_KVM_EXIT_* + 1 that the VMM has to answer, 0 none. */
	uint32_t waits_msr; /* 1: an MSR exit is BLOCKED. */
	uint32_t attend; /* 1: kicked; run-prepare comes before the guest. */
	uint32_t device_next; /* Of device[]: the next to be handed to the VMM. */
	uint32_t device_count;
	atomic_uint kicked;
	atomic_uint in_guest;
	uint64_t epoch; /* Of vsm_kvm, when the guest was entered. */
	uint32_t faults; /* Faults in a row without a cause. */
	const void *thread; /* The one whose signals are set up, see signals.c; NULL: none. */
	struct vk_bus bus;
	struct vk_vcpu vcpu[VK_VTLS_MAX];
	struct vk_shared shared;
	struct vk_count count;
	struct vk_fragment device[VK_FRAGMENTS_MAX]; /* Of a store that was performed. */
	struct kvm_sync_regs saved; /* Of the VTL that a switch prepares. */
	uint64_t saved_dirty;
	struct vk_start *start; /* What vsm_kvm_vp_reset() goes back to. */
};

struct vk_msr_name {
	uint32_t name;
	uint32_t msr;
};

#define VK_MSR_NAMES_MAX 256u

struct vsm_kvm {
	struct vsm_kvm_options options;
	struct vsm *vsm;
	int kvm_fd;
	int own_fd;
	int run_size;
	uint32_t vtls;
	uint32_t carry;
	struct vsm_host_ops ops;
	struct vk_facts facts;
	pthread_mutex_t lock; /* Spaces, ranges, slots; innermost of all locks. */
	pthread_key_t thread_key; /* The number of a thread that runs VPs. */
	uint32_t has_thread_key;
	_Atomic uintptr_t threads; /* How many there were. */
	atomic_uint parked; /* 1: no VP may enter the guest. */
	atomic_uint emulated_pages; /* Of all VTLs. */
	atomic_uint_least64_t slot_ops, changes, changed_ranges, changed_pages, parks;
	const struct vk_mechanism *mechanism;
	/* Page-table entries of the views; inside k->lock. Never held while waiting for a VP, so
	 * that events can be served while k->lock is. */
	pthread_mutex_t pte_lock;
	int uffd, pidfd; /* -1: none */
	atomic_uint_least64_t served, bounced, foreign; /* Written under pte_lock, as the next. */
	uint32_t bouncing; /* Pages that are VK_PTE_BOUNCE. */
	struct vk_hit hit[VK_VPS_MAX]; /* Under pte_lock. */
	atomic_uint_least64_t kicks;
	atomic_uint_least64_t epoch; /* Changes whenever rights or what enforces them do. */
	struct vk_run *run;
	uint32_t run_count;
	struct vk_space space[VK_VTLS_MAX];
	struct vk_range range[VK_RANGES_MAX];
	atomic_uint range_count; /* Those that are found without a lock. Only grows. */
	uint32_t placed; /* One more while a range is being added. */
	uint32_t lost; /* At the end of range[]: failed, and KVM may show them. Under `adding`. */
	uint32_t new_rights[VK_VTLS_MAX]; /* Of that one. */
	atomic_uintptr_t adder; /* Thread that is in vsm_ram_hot_add(), or 0. */
	pthread_mutex_t adding; /* One range or VP at a time; outside of `lock`. */
	uint8_t *arena;
	size_t arena_bytes;
	struct vk_dirty *dirty;
	uint32_t dirty_max;
	uint32_t msr_count;
	struct vk_msr_name msr[VK_MSR_NAMES_MAX];
	struct vsm_kvm_vp
		*vp[VK_VPS_MAX]; /* Written under `lock`, read by any thread: kvm_vp_at(). */
	struct vsm_kvm_vp *spare[VK_VPS_MAX]; /* Creating them failed. Under `adding`. */
};

/* Count on. One thread at a time may, by the lock or the VP that the counter belongs to; all may
 * read. So no locked instruction is needed. */
static inline void kvm_count(atomic_uint_least64_t *counter, uint64_t more)
{
	uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, now + more, memory_order_relaxed);
}

/* create.c */
void kvm_vp_free(struct vsm_kvm_vp *kvp);

/* vp.c */
/* NULL: there is none with that index. */
struct vsm_kvm_vp *kvm_vp_at(const struct vsm_kvm *k, uint32_t index);

/* sys.c: system calls and log lines */

/* 0 or a positive result; -1 with errno. Counted by kvm_vcpu_ioctl() only. */
int kvm_ioctl(int fd, unsigned long request, void *arg);
int kvm_vcpu_ioctl(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, unsigned long request, void *arg);
/* "what" or "what: errno N" as a log line; gives `err` back. */
int kvm_fail(const struct vsm_kvm *k, int err, const char *what);
int kvm_fail_sys(const struct vsm_kvm *k, const char *what);
void kvm_log(const struct vsm_kvm *k, int32_t level, const char *what, uint64_t number);
void kvm_log_name(const struct vsm_kvm *k, int32_t level, const char *what, const char *name);

/* signals.c */
/* Before a vCPU is run: the signals that may end KVM_RUN. 0 or -1 with errno. */
int kvm_signals_set(struct vsm_kvm_vp *kvp, struct vk_vcpu *v);
/* Take those that did. */
void kvm_signals_collect(struct vsm_kvm_vp *kvp);
/* Wait for a kick that is a signal, for so long. 1: it came. */
int kvm_signals_wait(const struct vsm_kvm_vp *kvp, long nanoseconds);
/* Raise a SIGBUS again that is none of ours. */
void kvm_bus_raise(struct vsm_kvm_vp *kvp);

/* probe.c */
int kvm_facts_get(int kvm_fd, uint32_t trap_port, struct vk_facts *facts);
int kvm_tsc_offset_set(int vcpu_fd, uint64_t offset);
uint64_t kvm_host_tsc(void);

/* cpuid.c */
const struct kvm_cpuid_entry2 *kvm_cpuid_find(const struct vk_facts *facts, uint32_t leaf);
int kvm_cpuid_set(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, uint32_t apic_id);
uint64_t kvm_cpuid_cr4_mask(const struct vk_facts *facts);

/* layout.c: pure */
/* Fill space->next: space->now with the dirty intervals (ascending, disjoint) found anew.
 * 0 or -VSM_ERR_NOMEM. */
int kvm_layout_build(struct vsm_kvm *k, uint32_t vtl, const struct vk_dirty *dirty, uint32_t count);
/* The overlay at a GPA, or NULL; and the first one above it, or `end`. */
const struct vk_overlay *kvm_overlay_at(const struct vk_space *space, uint64_t gpa);
uint64_t kvm_overlay_next(const struct vk_space *space, uint64_t gpa, uint64_t end);
/* Where a byte of a VTL's view lies, or NULL. */
uint8_t *kvm_layout_find(const struct vk_layout *layout, uint64_t gpa, int write);
#define VK_SEES_READ  0
#define VK_SEES_WRITE 1
#define VK_SEES_CODE  2
/* Under k->lock: a byte that a VTL may read, write or execute (VK_SEES_*) now; NULL if it may
 * not. */
uint8_t *kvm_sees(struct vsm_kvm *k, uint32_t vtl, uint64_t gpa, int access);

/* ranges.c */
/* How many ranges any thread may look at. */
uint32_t kvm_ranges(const struct vsm_kvm *k);
/* Of any thread: the range that a GPA lies in, or NULL. */
const struct vk_range *kvm_range_find(const struct vsm_kvm *k, uint64_t gpa);
/* Under k->lock, as what follows: so too if it is only just being added. */
const struct vk_range *kvm_range_placed(const struct vsm_kvm *k, uint64_t gpa);
/* Start of the first range above `gpa`, or `end`. */
uint64_t kvm_range_next(const struct vsm_kvm *k, uint64_t gpa, uint64_t end);
/* Rights that a VTL is to have in RAM. The same for all pages up to *end, which is what was asked
 * for or before it. */
uint32_t kvm_rights(const struct vsm_kvm *k, uint32_t vtl, uint64_t gpa, uint64_t *end);
/* Of any thread: does this one hold the lock already, since it adds RAM? */
int kvm_is_adding(const struct vsm_kvm *k);
/* Then: what the partition says of the rights of the new range. */
void kvm_rights_told(struct vsm_kvm *k, const struct vsm_protect_range *ranges, uint32_t count);
/*
 * Under k->adding only. Add a range that was checked and mapped. 0 or -VSM_ERR_*, with a log line;
 * then it can be unmapped, but for -VSM_ERR_STATE: KVM may show it until its VMs are closed.
 */
int kvm_range_add(struct vsm_kvm *k, const struct vk_range *range);

/* slots.c */
int kvm_space_init(struct vsm_kvm *k, uint32_t vtl);
void kvm_space_fini(struct vsm_kvm *k, uint32_t vtl);
/* Under k->lock: make the slots of a VTL show space->next. All or nothing. */
int kvm_slots_apply(struct vsm_kvm *k, uint32_t vtl);
/* Under k->lock: take all slots of a VTL away, and give them back. */
int kvm_slots_withdraw(struct vsm_kvm *k, uint32_t vtl);
int kvm_slots_restore(struct vsm_kvm *k, uint32_t vtl);
/* Sort and join; returns how many are left. */
uint32_t kvm_dirty_sort(struct vk_dirty *dirty, uint32_t count);

/* view.c */
/* Of hugetlbfs: bytes of its pages. Of any other file 0. */
uint64_t kvm_file_huge(int fd);
/* All of it, populated; NULL with errno. */
uint8_t *kvm_view_map(int fd, uint64_t offset, uint64_t size);

/* memory.c */
void kvm_memory_fini(struct vsm_kvm *k);
int kvm_op_gpa_read(void *opaque, uint64_t gpa, void *buf, uint32_t len);
int kvm_op_gpa_write(void *opaque, uint64_t gpa, const void *buf, uint32_t len);

/* rights.c: the ops that change what a VTL sees */
void *kvm_op_overlay_arena(void *opaque, size_t bytes);
int kvm_op_overlay_map(void *opaque, const struct vsm_overlay *overlay, uint64_t token);
int kvm_op_protect(void *opaque, const struct vsm_protect_range *ranges, uint32_t count,
		   uint32_t *done, uint64_t token);
int kvm_overlay_covers(struct vsm_kvm *k, uint32_t vtl, uint64_t gpa);

/* park.c: who is in the guest */
void kvm_guest_enter(struct vsm_kvm_vp *kvp);
void kvm_guest_leave(struct vsm_kvm_vp *kvp);
/* Under k->lock: get all VPs but `self` out of the guest, once; unpark lets them in again. */
void kvm_park(struct vsm_kvm *k);
/* The same of a thread that may be no VP's. 0, or -VSM_ERR_BUSY: one is in there and cannot be
 * told. Then too unpark has to follow. */
int kvm_park_all(struct vsm_kvm *k);
void kvm_unpark(struct vsm_kvm *k);
/* pthread_mutex_lock() for a thread that may be the only one that serves: a VP that has the lock
 * may be waiting for an access of KVM's to be served. */
void kvm_lock_served(struct vsm_kvm *k, pthread_mutex_t *mutex);
void kvm_op_kick(void *vp);

/* regs.c */
int kvm_regs_load(struct vsm_kvm_vp *kvp, struct vk_vcpu *v);
int kvm_op_regs_get(void *vp, uint32_t vtl, uint32_t groups, struct vsm_reg *regs, uint32_t count);
int kvm_op_regs_set(void *vp, uint32_t vtl, uint32_t groups, const struct vsm_reg *regs,
		    uint32_t count);

/* regs_sync.c: registers that lie in kvm_run */
int kvm_sync_get(const struct kvm_sync_regs *s, struct vsm_reg *reg);
/* RAX, RCX .. R15 by their number in an instruction. */
uint64_t kvm_gpr(const struct kvm_sync_regs *s, uint32_t number);
/* Put a register into a copy; `*what` gets the KVM_SYNC_X86_* bit it belongs to. */
int kvm_sync_put(struct kvm_sync_regs *s, const struct vsm_reg *reg, uint64_t *what);

/* regs_fpu.c: registers of the XSAVE image */
int kvm_fpu_get(const uint8_t *image, struct vsm_reg *reg);
int kvm_fpu_put(uint8_t *image, const struct vsm_reg *reg);
/*
 * What KVM has handed out is complete, also where XSTATE_BV calls a component initial.
 * KVM_SET_XSAVE leaves such a component of the vCPU in memory as it was, MXCSR included, which
 * XRSTOR loads in its standard form all the same (SDM vol. 1, 13.8.1).
 */
void kvm_fpu_image_full(uint8_t *image);
int kvm_op_xmm_get(void *vp, uint32_t vtl, struct vsm_xmm_block *block);
int kvm_op_xmm_set(void *vp, uint32_t vtl, const struct vsm_xmm_block *block);
int kvm_fpu_save(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, uint8_t *image);
int kvm_fpu_restore(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, uint8_t *image);

/* carry.c */
/* Shared registers in kvm_run: GPRs except RSP, and CR2. */
void kvm_gprs_copy(const struct kvm_run *from, struct kvm_run *to);
int kvm_op_switch_vtl(void *vp, uint32_t from, uint32_t to, uint32_t phase);
int kvm_carry_init(struct vsm_kvm_vp *kvp);
void kvm_carry_fini(struct vsm_kvm_vp *kvp);

/* reset.c */
/* The vCPUs are new: note what they have. 0 or -VSM_ERR_*. */
int kvm_start_init(struct vsm_kvm_vp *kvp);
void kvm_start_fini(struct vsm_kvm_vp *kvp);

/* msr.c */
int kvm_msr_filter_set(struct vsm_kvm *k, int vm_fd);
int kvm_msr_mirrored(uint32_t msr);
void kvm_msr_names(struct vsm_kvm *k);
uint32_t kvm_msr_of(const struct vsm_kvm *k, uint32_t name);
int kvm_msr_get(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, uint32_t msr, uint64_t *value);
int kvm_msr_set(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, uint32_t msr, uint64_t value);
/* The guest wrote a shared MSR: 0 done, -VSM_ERR_INVAL refused, nothing changed. */
int kvm_msr_share(struct vsm_kvm_vp *kvp, uint32_t vtl, uint32_t msr, uint64_t value);

/* event.c */
int kvm_op_inject_event(void *vp, uint32_t vtl, const struct vsm_exception *event);
/* Raise an exception with the next entry of a vCPU. */
int kvm_event_raise(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, const struct vsm_exception *event);
int kvm_event_flush(struct vsm_kvm_vp *kvp, struct vk_vcpu *v);

/* enter.c: KVM_RUN in its variants */
/* Run the guest. 0 or -errno. */
int kvm_enter(struct vsm_kvm_vp *kvp, struct vk_vcpu *v);
/* In place of kvm_enter(): wait for a moment. 0, or -EINTR if the VP was kicked. */
int kvm_enter_later(struct vsm_kvm_vp *kvp);
/* Complete half-done I/O without executing an instruction. */
int kvm_complete(struct vsm_kvm_vp *kvp, struct vk_vcpu *v);
/* One KVM_RUN that executes nothing. 0 (there is an exit) or -errno. */
int kvm_enter_not(struct vsm_kvm_vp *kvp, struct vk_vcpu *v);

/* undo.c */
/* End an instruction that waits in KVM where it reaches no memory. Registers, FPU and events are
 * anything after it. 0 or -VSM_ERR_SYS. */
int kvm_run_out(struct vsm_kvm_vp *kvp, uint32_t vtl);
/* Take back a load that waits in KVM: RIP is on the instruction, nothing is pending. */
int kvm_undo_load(struct vsm_kvm_vp *kvp, uint32_t vtl);

/* fault.c: exits of accesses to what may be RAM. A verdict, or -VSM_ERR_*; *mmio is set to 1 if the
 * exit is the VMM's. */
int kvm_fault_mmio(struct vsm_kvm_vp *kvp, uint32_t vtl, int *mmio);
/* Before a VTL is run: perform or drop what is held. RESUME: the VTL may run; RETRY: it waits, see
 * kvm_enter_later(); else as kvm_fault_mmio(). */
int kvm_store_settle(struct vsm_kvm_vp *kvp, uint32_t vtl);
int kvm_is_ours(struct vsm_kvm *k, uint32_t vtl, uint64_t gpa);
/* Tell of an access whose instruction will be executed again. What turns out to be neither RAM nor
 * overlay was one a moment ago: the next time it is a device's. */
int kvm_fault_tell(struct vsm_kvm_vp *kvp, const struct vsm_memory_fault *fault);

/* native.c: accesses that left RIP on their instruction. A verdict, or -VSM_ERR_*; *mine is 0 if no
 * denied page was the cause. */
#define VK_NO_PAGE UINT64_MAX
/* `page`: GPA of the page if it is known. */
int kvm_fault_native(struct vsm_kvm_vp *kvp, uint32_t vtl, uint64_t page, int *mine);
/* 1: what rights are enforced has changed since the guest was entered: it is to try again. */
int kvm_fault_stale(const struct vsm_kvm_vp *kvp);
/* The SIGBUS that ended KVM_RUN. */
int kvm_fault_bus(struct vsm_kvm_vp *kvp, uint32_t vtl, int *mine);

/* hit.c: what userfaultfd told of the accesses of VPs */
/* This thread runs the VP from now on. */
void kvm_hit_enlist(struct vsm_kvm_vp *kvp);
/* It is about to enter the guest: what was noted is of the past. */
void kvm_hit_begin(struct vsm_kvm_vp *kvp);
/* Under pte_lock, before events are read and let go only when all of them are noted. */
void kvm_hit_look(struct vsm_kvm *k);
/* Under pte_lock: a thread was not let through. 0: it runs no VP. */
int kvm_hit_note(struct vsm_kvm *k, uint32_t thread, uint32_t vtl, uint64_t page, uint32_t access);
/* Under pte_lock: rights were given, so accesses that were noted may get through now. */
void kvm_hit_forget(struct vsm_kvm *k);
/* What the VP was going to do with the page since it entered the guest: VK_SEES_READ + 1,
 * VK_SEES_WRITE + 1; 0: no such note is there. None is after it. */
uint32_t kvm_hit_take(struct vsm_kvm_vp *kvp, uint32_t vtl, uint64_t page);

/* code.c: bytes at RIP */
uint64_t kvm_code_linear(const struct kvm_run *run);
int kvm_code_gpa(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, uint64_t linear, uint64_t *gpa);
uint32_t kvm_code_read(struct vsm_kvm_vp *kvp, uint32_t vtl, uint8_t bytes[16]);
uint32_t kvm_cpl(const struct kvm_run *run);

#endif /* VSM_KVM_PRIVATE_H */
