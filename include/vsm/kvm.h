/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file vsm/kvm.h
 * libvsm-kvm: ready-made host ops over an unmodified KVM.
 *
 * One KVM virtual machine per VTL over its own mmap view of the same RAM, one vCPU per (VP, VTL),
 * one thread of the VMM per VP that owns all vCPUs of that VP. The library starts no thread and
 * installs no signal handler.
 *
 * The order: vsm_kvm_create() → vsm_kvm_config() → vsm_partition_create(config, vsm_kvm_ops(), k) →
 * vsm_kvm_bind() → vsm_kvm_ram_add() and vsm_kvm_device_add() → vsm_partition_realise() →
 * vsm_kvm_vp_create() for each VP → vsm_kvm_run() in a loop on the VP's thread. Memory may also be
 * added later, while VPs run.
 * With #VSM_KVM_ENFORCE_UFFD one more thread of the VMM calls vsm_kvm_service().
 * At the end: vsm_partition_destroy(), then vsm_kvm_destroy().
 *
 * A VMM that has VTL logic of its own finds the state of plain vCPUs in vsm/kvm_state.h.
 */
#ifndef VSM_KVM_H
#define VSM_KVM_H

#include <stddef.h>
#include <stdint.h>

#include <vsm/export.h>
#include <vsm/kvm_state.h>
#include <vsm/partition.h>
#include <vsm/vp.h>

VSM_BEGIN_DECLS

/** The backend of one partition. Opaque. */
struct vsm_kvm;

/** A VP of the backend, with its vCPUs. Opaque. */
struct vsm_kvm_vp;

/**
 * @defgroup enforce How rights of pages are enforced: vsm_kvm_options.enforce
 *
 * All but memory slots and KVM's attributes take rights from the page tables of this process, in
 * the mmap view that the VM of a VTL has of RAM; the views of other VTLs and the library's own are
 * not touched. A change is complete when the hypercall that asked for it returns.
 *
 * Shared memory may consist of huge pages: of a tmpfs mounted with huge=, or made so by
 * MADV_COLLAPSE or khugepaged. Views are placed so that entries of 2 MiB can map these; if `gpa`
 * and `offset` of vsm_kvm_ram_add() are alike modulo 2 MiB, KVM can use them too. Rights, and when
 * they hold, are the same for each page. The first change in 2 MiB splits that one entry, in the
 * view of the VTL that is restricted: the file keeps its huge page, and entries of other 2 MiB and
 * of other views stay. After that
 *  - with #VSM_KVM_ENFORCE_UFFD and #VSM_KVM_ENFORCE_SIGBUS the rest of these 2 MiB is mapped page
 *    by page in the same change, which then takes about as long as one of 512 pages. The kernel
 *    does not make such memory one entry again.
 *  - with #VSM_KVM_ENFORCE_GUARD and #VSM_KVM_ENFORCE_MPROTECT the kernel maps the rest as it is
 *    used, and when all is granted again MADV_COLLAPSE or khugepaged can make it one entry.
 *  - with #VSM_KVM_ENFORCE_ATTRIBUTES the view stays as it is, and what KVM has mapped is KVM's.
 *  - with #VSM_KVM_ENFORCE_MEMSLOT the view stays as it is. Each change drops what KVM has mapped
 *    of all RAM, huge or not.
 *
 * Memory that becomes huge while it is in use loses its entries in all views for a moment, as with
 * any reclaim. What is denied stays denied. The rest is mapped again as it is used, with
 * #VSM_KVM_ENFORCE_UFFD by an event for each 2 MiB, with the others by the kernel alone.
 *
 * RAM of hugetlbfs is protected by attributes, else by slots: its page tables know no smaller unit.
 * @{
 */
/** The best that the host has, in the order of the numbers. #VSM_KVM_ENFORCE_UFFD only if
 *  vsm_kvm_options.serves says that it will be served. */
#define VSM_KVM_ENFORCE_AUTO	   0u
/** Memory attributes of KVM for R, W and X: no access, R, R+W, R+X. No released Linux has them, and
 *  what is proposed differs in what a bit means; so vsm_kvm_create() tries out on a small VM what
 *  each value does to loads, stores and fetches, and without a value that was seen to enforce
 *  exactly each of these masks it is not there. It was tested on a simulation of such kernels
 *  only. */
#define VSM_KVM_ENFORCE_ATTRIBUTES 1u
/** userfaultfd with events: no access, R+X. Needs a thread of the VMM that calls
 *  vsm_kvm_service(), Linux 6.6 or newer, and privilege. */
#define VSM_KVM_ENFORCE_UFFD	   2u
/** userfaultfd without events: no access, R+X. As above without the thread. */
#define VSM_KVM_ENFORCE_SIGBUS	   3u
/** MADV_GUARD_INSTALL: no access. Linux 6.15 or newer. Masks with R but without W are refused. */
#define VSM_KVM_ENFORCE_GUARD	   4u
/** mprotect(): no access, R+X. Slow, and bounded by vm.max_map_count: at that limit the guest gets
 *  INSUFFICIENT_MEMORY. */
#define VSM_KVM_ENFORCE_MPROTECT   5u
/** Memory slots of KVM: no access, R+X. For a few static ranges; each change stops all VPs. All
 *  denied stores come from KVM's emulator: one that reaches from a page that may be written into
 *  one that may not leaves its first part written (see vsm_kvm_run()). */
#define VSM_KVM_ENFORCE_MEMSLOT	   6u
/** @} */

/** Pages that vsm_kvm_options.emulate_execute may ask for. */
#define VSM_KVM_EMULATE_MAX 4096u

/**
 * @defgroup emulate Execute rights by emulation: vsm_kvm_options.emulate_execute
 *
 * KVM cannot deny fetches alone, but by #VSM_KVM_ENFORCE_ATTRIBUTES, where the option does nothing
 * since these masks are enforced anyway. With this option pages with the masks R and R+W are denied
 * altogether, in each mechanism by leaving them out of the memory slots of their VTL; what is no
 * fetch is then carried out by vsm_kvm_run(). A fetch, also of the last bytes of an instruction
 * that begins in another page, is an EXECUTE intercept with RIP on the instruction. A load or store
 * costs two exits, a change of rights some memory slots, during which all VPs stop. When a protect
 * op asks for more pages than the option gives, nothing changes and the guest gets
 * INSUFFICIENT_MEMORY; so the masks will hardly do as default masks. The pages are those of all
 * restricted VTLs together; VTLs above them are not affected.
 *
 * What a guest can notice:
 *  - KVM must know the instruction that accesses such a page. SSE and x87 arithmetic, AVX,
 *    CMPXCHG16B and others it does not: #UD in user code, #VSM_KVM_EXIT_EMULATION in kernel code.
 *  - A read-modify-write, locked or not, of 1, 2, 4 or 8 naturally aligned bytes is atomic. One
 *    that is not aligned, or that is wider, is not, even when locked: it is a load and a store.
 *    Wider accesses come in parts of up to 8 bytes.
 *  - What the CPU reads by itself must not lie there: page tables, descriptor tables, the TSS, the
 *    stack on which an exception or interrupt is delivered. It gets a fault, as with a page
 *    without rights.
 *  - A denied store of a read-modify-write has RIP on the instruction; other denied stores are
 *    held, as vsm_kvm_run() tells.
 */

/** A way to enforce rights. Texts are static. */
struct vsm_kvm_enforcement {
	size_t size; /**< sizeof(struct vsm_kvm_enforcement), set by the caller. */
	uint32_t mechanism; /**< VSM_KVM_ENFORCE_* */
	uint32_t enforceable; /**< Rights masks, as in vsm_config; those emulated included. */
	uint32_t available; /**< 1: this host has it. */
	uint32_t needs_service; /**< 1: the VMM must call vsm_kvm_service(). */
	/** "attributes", "uffd", "sigbus", "guard", "mprotect" or "memslot" */
	const char *name;
	const char *missing; /**< What the host lacks and what can be done; NULL if available. */
	uint32_t emulated; /**< Masks that `k` emulates: vsm_kvm_options.emulate_execute. */
	uint32_t reserved; /**< 0 */
};

/* Bits of vsm_kvm_host.flags. */
#define VSM_KVM_HAS_SYNC_REGS	   0x001u /**< State through kvm_run. Required. */
#define VSM_KVM_HAS_IMMEDIATE_EXIT 0x002u /**< Required. */
#define VSM_KVM_HAS_USER_MSR	   0x004u /**< MSR exits to user space. Required. */
#define VSM_KVM_HAS_MSR_FILTER	   0x008u /**< Required. */
#define VSM_KVM_HAS_READONLY_MEM \
	0x010u /**< Read-only slots: R+X rights, hypercall page. Required. */
#define VSM_KVM_HAS_XSAVE2	   0x020u /**< XSAVE areas above 4 KiB. */
#define VSM_KVM_HAS_TSC_OFFSET	   0x040u /**< The same TSC offset can be set for all VTLs. */
#define VSM_KVM_HAS_DEBUGREGS	   0x080u /**< DR0..DR7 can be read and set. */
#define VSM_KVM_HAS_XCRS	   0x100u /**< XCR0 can be read and set. */
#define VSM_KVM_OUT_RIP_ADVANCED   0x200u /**< RIP is past an OUT when it exits (measured). */
#define VSM_KVM_TSC_IS_HOST	   0x400u /**< The guest reads the host's TSC (measured). */
/** KVM announces memory attributes for R, W and X. No released kernel does. Whether they work is
 *  measured, and stands in `mechanisms`: #VSM_KVM_ENFORCE_ATTRIBUTES. */
#define VSM_KVM_HAS_RWX_ATTRIBUTES 0x800u

/** What this host's KVM can do. */
struct vsm_kvm_host {
	size_t size; /**< sizeof(struct vsm_kvm_host), set by the caller. */
	uint32_t flags; /**< VSM_KVM_HAS_* and measured facts. */
	uint32_t missing; /**< Required flags that are absent; 0: this KVM will do. */
	uint32_t memslots; /**< Memory slots per VM. */
	uint32_t phys_bits; /**< Guest physical address bits. */
	uint32_t enforceable; /**< Rights masks that a mechanism can enforce, as in vsm_config. */
	uint32_t carry; /**< VSM_KVM_CARRY_* that can be carried. */
	uint32_t mechanisms; /**< Bit n: VSM_KVM_ENFORCE_* number n is there. */
	uint32_t max_map_count; /**< vm.max_map_count, which bounds mprotect(); 0 unknown. */
	uint64_t tsc_hz; /**< Guest TSC rate in Hz; 0 unknown. */
	/** Masks that vsm_kvm_options.emulate_execute adds to what a mechanism enforces. */
	uint32_t emulatable;
	uint32_t reserved; /**< 0 */
};

/**
 * @defgroup callbacks Callbacks: vsm_kvm_options.kick and vsm_kvm_options.log
 *
 * They are called on any thread that is in a function of this library, or of libvsm for this
 * partition: a VP's, one that serves, one that adds memory, one that reads guest memory for a
 * device. That thread may hold locks of the backend:
 *  - kick and log: that of rights, overlay pages, memory slots and the list of memory, which is
 *    held until all VPs that have to leave the guest have left it;
 *  - kick and log: that by which calls of vsm_kvm_ram_add(), vsm_kvm_device_add() and
 *    vsm_kvm_vp_create() go one after the other;
 *  - log alone: that of page-table entries, under which vsm_kvm_service() serves.
 *
 * Most functions of both libraries wait for one of them, vsm_kvm_run() and vsm_kvm_service()
 * included. So a callback
 *  - calls nothing of this library, nor of libvsm for this partition;
 *  - does not wait for a VP to do anything, be it to leave the guest, nor for a thread that may be
 *    in a function of either library;
 *  - takes only such locks as no thread holds while it calls one: that of the flag on which a VP's
 *    thread sleeps (doc/host-contract.md) will do, a big lock that is held over vsm_kvm_run(),
 *    vsm_kvm_ram_add() or an entry of libvsm will not;
 *  - returns soon, and in the usual way: VPs may stand still for as long as it takes.
 *
 * The callback log is also called by vsm_kvm_create(), without a lock.
 */

/** Options of vsm_kvm_create(). Start from vsm_kvm_options_init(). */
struct vsm_kvm_options {
	size_t size; /**< sizeof(struct vsm_kvm_options) */
	int32_t kvm_fd; /**< Open /dev/kvm, stays the caller's; -1: opened and closed here. */
	uint32_t carry; /**< VSM_KVM_CARRY_FPU, DEBUG, XCR0; default #VSM_KVM_CARRY_DEFAULT. */
	uint32_t max_vps; /**< 1 .. 64; default 1. */
	uint32_t max_vtl; /**< 1 .. 3; default 1. One VM is made per VTL. */
	uint32_t trap_port; /**< Port of the hypercall trap, 0 .. 255; default 0x7e. */
	uint32_t enforce; /**< VSM_KVM_ENFORCE_*; default #VSM_KVM_ENFORCE_AUTO. */
	uint32_t serves; /**< 1: vsm_kvm_service() will be called; default 0. */
	/** Signal that the VMM sends to a VP's thread to get it out of the guest, not SIGBUS; it
	 *  must be blocked in all threads. vsm_kvm_run() unblocks it inside KVM_RUN. 0: none, kicks
	 *  only set immediate_exit and reach a running guest at its next exit. */
	uint32_t kick_signal;
	/** Called by the kick op after immediate_exit is set: send the signal to the VP's thread
	 *  and wake it if it sleeps. Thread and locks: see @ref callbacks. May be NULL. */
	void (*kick)(void *opaque, uint32_t vp);
	/** Log lines of libvsm and of the backend, as the op log gets them, gone after the return.
	 *  Thread and locks: see @ref callbacks. May be NULL. */
	void (*log)(void *opaque, int32_t level, const char *line);
	void *opaque; /**< First argument of kick and log. */
	/** Pages, of all VTLs together, whose execute rights may be taken away with R left to them
	 *  (masks R and R+W), 0 .. #VSM_KVM_EMULATE_MAX; default 0: such masks are refused. See
	 *  @ref emulate. */
	uint32_t emulate_execute;
	uint32_t reserved; /**< 0 */
};

/* Kinds of vsm_kvm_exit.kind: what vsm_kvm_run() leaves to the VMM. */
#define VSM_KVM_EXIT_INTR      0u /**< Kicked or signalled: nothing to do. */
#define VSM_KVM_EXIT_PIO       1u /**< Port access: data points at count × size bytes. */
#define VSM_KVM_EXIT_MMIO      2u /**< Access to a GPA that is no RAM: data points at size bytes. */
#define VSM_KVM_EXIT_RDMSR     3u /**< MSR that KVM does not know: set msr_value or msr_fault. */
#define VSM_KVM_EXIT_WRMSR     4u /**< As RDMSR; msr_value is what the guest writes. */
#define VSM_KVM_EXIT_HLT       5u /**< HLT in `vtl`. */
#define VSM_KVM_EXIT_SHUTDOWN  6u /**< Triple fault. */
#define VSM_KVM_EXIT_BLOCKED   7u /**< The VP waits: sleep until the kick callback. */
#define VSM_KVM_EXIT_EMULATION 8u /**< KVM could not emulate an instruction; bytes are given. */
#define VSM_KVM_EXIT_UNKNOWN \
	9u /**< Anything else; reason is KVM's number. Of 39, a memory
				    *   fault at no page of RAM, address is the GPA. */

/** An exit for the VMM. Pointers are valid until the next vsm_kvm_run() of that VP. */
struct vsm_kvm_exit {
	size_t size; /**< sizeof(struct vsm_kvm_exit), set by the caller. */
	uint32_t kind; /**< VSM_KVM_EXIT_* */
	uint32_t vp; /**< VP index */
	uint32_t vtl; /**< VTL that ran. */
	uint32_t reason; /**< KVM's exit reason. */
	uint64_t address; /**< Port, GPA or MSR index. */
	uint8_t *data; /**< PIO, MMIO: bytes to take (write) or to fill in (read). */
	uint32_t data_size; /**< Bytes of one unit: 1, 2, 4, 8. */
	uint32_t count; /**< PIO: units; else 1. */
	uint32_t is_write; /**< 1: the guest writes. */
	uint32_t msr_fault; /**< Set by the VMM: 1 raises #GP. */
	uint64_t msr_value; /**< Value written, or to be set by the VMM. */
	uint64_t rip; /**< RIP of the VTL at the exit. */
	uint8_t bytes[16]; /**< EMULATION: instruction bytes. */
	uint32_t byte_count; /**< EMULATION: how many of them are valid. */
	uint32_t reserved; /**< 0 */
};

/** Counters of the backend: see vsm_kvm_stats_get(). */
struct vsm_kvm_stats {
	size_t size; /**< sizeof(struct vsm_kvm_stats), set by the caller. */
	uint64_t runs; /**< KVM_RUN ioctls. */
	uint64_t ioctls; /**< All other ioctls on vCPUs. */
	uint64_t slot_ops; /**< KVM_SET_USER_MEMORY_REGION ioctls. */
	uint64_t switches; /**< VTL switches. */
	uint64_t carried; /**< Switches at which carried state had changed and was set. */
	uint64_t held_stores; /**< Stores held: denied, or for a grant (see vsm_kvm_run()). */
	uint64_t stores_done; /**< Of those, performed after the grant. */
	uint64_t stores_dropped; /**< Of those, dropped. */
	uint64_t undone_loads; /**< Denied loads taken back, to be executed again. */
	uint64_t changes; /**< Calls of the op protect. */
	uint64_t changed_ranges; /**< Runs of pages whose rights changed, slots not counted. */
	uint64_t changed_pages; /**< Their pages. */
	uint64_t parks; /**< Times that all VPs were got out of the guest. */
	uint64_t kicks; /**< Signals that took. */
	uint64_t native_faults; /**< Accesses stopped by this process's page tables, or
				 *   by attributes. */
	uint64_t served; /**< userfaultfd events. */
	uint64_t bounced; /**< Of those, stores to pages that may not be written. */
	uint64_t emulated_pages; /**< Pages that are emulated now (#VSM_KVM_EMULATE_MAX). */
	uint64_t emulated_accesses; /**< Loads, stores of such pages, in parts of up to 8 bytes. */
	uint64_t emulated_again; /**< Instructions executed again since another VP was faster. */
	/** Of `served`, accesses by threads that run no VP to what a VTL may not: a mistake of the
	 *  VMM. */
	uint64_t foreign;
};

/**
 * Tell about a way to enforce rights. Tries it out on a page of its own; attributes of KVM in a
 * small VM, unless there is a `k`, for which vsm_kvm_create() did.
 *
 * @param k         a backend, for #VSM_KVM_ENFORCE_AUTO; else it may be NULL.
 * @param mechanism VSM_KVM_ENFORCE_*; #VSM_KVM_ENFORCE_AUTO: the one that `k` uses.
 * @param out       caller sets out->size; filled in.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL out is NULL, out->size is wrong, or there is no such mechanism.
 * Thread: any.
 */
VSM_EXPORT int vsm_kvm_enforcement(const struct vsm_kvm *k, uint32_t mechanism,
				   struct vsm_kvm_enforcement *out);

/**
 * Ask KVM what it can do. Makes a small VM for a moment.
 *
 * @param kvm_fd open /dev/kvm, or -1 to open it here.
 * @param out    caller sets out->size; filled in.
 * @retval 0 done; what is missing stands in out->missing.
 * @retval -VSM_ERR_INVAL out is NULL or out->size is wrong.
 * @retval -VSM_ERR_SYS   /dev/kvm cannot be opened or used; errno tells why.
 * Thread: any.
 */
VSM_EXPORT int vsm_kvm_probe(int kvm_fd, struct vsm_kvm_host *out);

/**
 * Fill options with the defaults.
 *
 * @param options cleared and set. NULL is ignored.
 * Thread: any.
 */
VSM_EXPORT void vsm_kvm_options_init(struct vsm_kvm_options *options);

/**
 * Open the VMs of all VTLs. What the process asks of arch_prctl(ARCH_REQ_XCOMP_GUEST_PERM) it has
 * to ask before: the size of XSAVE images is taken here.
 *
 * @param options copied. More than one VP needs kick_signal and kick.
 * @param out     the backend, for vsm_kvm_destroy(). Untouched on failure.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL an argument or field is wrong.
 * @retval -VSM_ERR_NOSUP this KVM lacks something required; the log names it.
 * @retval -VSM_ERR_NOMEM no memory.
 * @retval -VSM_ERR_SYS   a system call failed; errno tells why.
 * Thread: any.
 */
VSM_EXPORT int vsm_kvm_create(const struct vsm_kvm_options *options, struct vsm_kvm **out);

/**
 * Close everything. The partition must be destroyed before.
 *
 * @param k may be NULL. None of its VPs may be running. A thread that calls vsm_kvm_service() or
 *          polls vsm_kvm_service_fd() must have ended before: the number of the fd is given to
 *          others. It has to serve until the last vsm_kvm_run() has returned, so VPs end first,
 *          then that thread.
 * Thread: any.
 */
VSM_EXPORT void vsm_kvm_destroy(struct vsm_kvm *k);

/**
 * Fill in what a partition on this host must be configured with: ranges of registers, address bits,
 * enforceable masks, trap. The caller may then change the fields that are policy.
 *
 * @param k      the backend.
 * @param config as vsm_config_init() left it.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL an argument is NULL.
 * Thread: any.
 */
VSM_EXPORT int vsm_kvm_config(const struct vsm_kvm *k, struct vsm_config *config);

/**
 * The ops, to be given to vsm_partition_create() with `k` as opaque.
 *
 * @param k the backend.
 * @return lives as long as `k`; NULL for NULL.
 * Thread: any.
 */
VSM_EXPORT const struct vsm_host_ops *vsm_kvm_ops(const struct vsm_kvm *k);

/**
 * Tell the backend its partition, before RAM is added.
 *
 * @param k   the backend.
 * @param vsm made with vsm_kvm_ops(); not realised yet. Stays the caller's.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL  an argument is NULL.
 * @retval -VSM_ERR_MISUSE bound already.
 * Thread: that of create.
 */
VSM_EXPORT int vsm_kvm_bind(struct vsm_kvm *k, struct vsm *vsm);

/** Flag of vsm_kvm_device_add(): the guest may not write it (ROM); a write is an MMIO exit. */
#define VSM_KVM_MAP_READONLY 0x1u

/**
 * Add RAM: makes a view and slots in every VTL's VM, populates it, has it watched by what enforces
 * rights, and declares it to the partition (vsm_ram_add()).
 *
 * After vsm_partition_realise(), also while VPs run, it is memory hot-add. This function then calls
 * vsm_ram_hot_add() itself; that one alone would give the VMs nothing. The views are made first,
 * while the guest runs. Then all VPs are got out of the guest, and before they are let in again the
 * slots are there, the partition knows the range, and what the default masks of enabled VTLs deny
 * (TLFS 15.9.1) is denied: at no moment has a VTL more rights to the pages than it is to have. VPs
 * stand still for about as long as it takes the guest to have these rights changed by hypercall.
 * Overlay pages that lie in the range already stay, with the RAM beneath them. An access that left
 * the guest before, as #VSM_KVM_EXIT_MMIO, may still have to be answered when this has returned.
 * RAM cannot be removed. The VMM tells the guest of the RAM afterwards, and tells devices or other
 * processes that access guest memory.
 *
 * Whatever fails, nothing has changed; but for -VSM_ERR_STATE.
 *
 * @param k      bound to a partition.
 * @param gpa    page-aligned. The last page of the physical address space must stay free.
 * @param size   bytes, a multiple of 4096, not 0; of hugetlbfs a multiple of its pages.
 * @param fd     shared memory (memfd, shmem or hugetlbfs file); stays the caller's, must not be
 *               truncated, nor holes punched into it, while in use. Other mappings of it, of this
 *               process or another, are restricted by nobody.
 * @param offset of the range in fd, page-aligned; of hugetlbfs a multiple of its pages.
 * @param flags  0
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL  an argument is wrong; fd is not shared memory or is too short.
 * @retval -VSM_ERR_RANGE  the range lies outside the physical address space, or in its last page.
 * @retval -VSM_ERR_EXISTS it overlaps memory that was added before.
 * @retval -VSM_ERR_NOMEM  no memory, more than 64 ranges of RAM or 128 of all memory, no memory
 *                         slots left, or the default masks deny execution alone to more pages than
 *                         vsm_kvm_options.emulate_execute.
 * @retval -VSM_ERR_SYS    mmap or KVM refused; errno tells why.
 * @retval -VSM_ERR_MISUSE not bound.
 * @retval -VSM_ERR_BUSY   later only: for a tenth of a second a VP was changing rights or overlays
 *                         whenever this was tried, or was in the guest and there is no kick_signal
 *                         and kick to get it out; or the partition is being reset. Try again.
 * @retval -VSM_ERR_HOST   later only: the default masks could not be enforced; the log tells why.
 * @retval -VSM_ERR_NOSUP  later only: there was no RAM when the partition was realised.
 * @retval -VSM_ERR_STATE  it failed, and KVM did not let go of the memory: the guest must not run
 *                         on. The memory stays mapped until vsm_kvm_destroy().
 * Thread: that of create until vsm_partition_realise(). Later any, a VP's too, but not from within
 * an op, nor as @ref callbacks excludes. A thread that calls vsm_kvm_service() may: what it waits
 * for is served meanwhile, but nothing while the views are made. Calls of
 * several threads go one after the other. Calls the allocator.
 */
VSM_EXPORT int vsm_kvm_ram_add(struct vsm_kvm *k, uint64_t gpa, uint64_t size, int fd,
			       uint64_t offset, uint32_t flags);

/**
 * Map memory of a device (ROM, frame buffer) at the same place in every VTL's VM. It is no RAM for
 * VSM: not protectable, not usable for hypercalls. After vsm_partition_realise() all VPs are got
 * out of the guest meanwhile, as by vsm_kvm_ram_add().
 *
 * @param k      the backend.
 * @param gpa    page-aligned.
 * @param size   bytes, a multiple of 4096, not 0.
 * @param memory page-aligned host memory, stays the caller's, must outlive `k`.
 * @param flags  #VSM_KVM_MAP_READONLY or 0.
 * @return as vsm_kvm_ram_add().
 * Thread: as vsm_kvm_ram_add().
 */
VSM_EXPORT int vsm_kvm_device_add(struct vsm_kvm *k, uint64_t gpa, uint64_t size, void *memory,
				  uint32_t flags);

/**
 * Create a VP: its vCPUs in every VTL's VM, CPUID with the partition's hypervisor leaves, MSR
 * filter, and the libvsm VP. It starts at the reset vector unless vsm_kvm_vp_set() says otherwise.
 * With #VSM_HOST_STARTS_VPS in vsm_config.host_flags all VPs but 0 wait until the guest starts
 * them.
 *
 * @param k       bound to a realised partition.
 * @param index   VP index, below vsm_kvm_options.max_vps.
 * @param apic_id initial APIC id, unique in the partition; also in the guest's CPUID.
 * @param out     the VP; lives as long as `k`. Untouched on failure.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL  an argument is wrong.
 * @retval -VSM_ERR_MISUSE not bound, or the partition is not realised; or it is being reset, or
 *                         another VP was in an entry of libvsm: try again.
 * @retval -VSM_ERR_EXISTS index or apic_id is in use.
 * @retval -VSM_ERR_NOMEM  no memory.
 * @retval -VSM_ERR_SYS    KVM refused; errno tells why.
 * After a failure it can be tried again. Thread: any, also several at once, but not from within an
 * op, nor as @ref callbacks excludes; the VP belongs to the thread that first runs it.
 */
VSM_EXPORT int vsm_kvm_vp_create(struct vsm_kvm *k, uint32_t index, uint32_t apic_id,
				 struct vsm_kvm_vp **out);

/**
 * The libvsm VP.
 *
 * @param kvp may be NULL.
 * @return lives as long as the partition; NULL for NULL.
 * Thread: any.
 */
VSM_EXPORT struct vsm_vp *vsm_kvm_vp_vsm(const struct vsm_kvm_vp *kvp);

/**
 * File descriptor of a vCPU, for what the backend does not do.
 *
 * @param kvp the VP.
 * @param vtl 0 .. max_vtl.
 * @return stays the backend's; -1 for a bad argument.
 * Thread: the VP's.
 */
VSM_EXPORT int vsm_kvm_vcpu_fd(const struct vsm_kvm_vp *kvp, uint32_t vtl);

/**
 * Set start registers of a VTL, by HV name, as the op regs_set does.
 *
 * @param kvp   the VP.
 * @param vtl   0 .. max_vtl.
 * @param regs  names and values.
 * @param count 1 .. 32.
 * @retval 0 all of them are set.
 * @retval -VSM_ERR_INVAL    an argument is wrong or KVM refuses a value.
 * @retval -VSM_ERR_NOTFOUND KVM does not keep one of them.
 * @retval -VSM_ERR_HOST     KVM failed.
 * Thread: the VP's, or before it runs.
 */
VSM_EXPORT int vsm_kvm_vp_set(struct vsm_kvm_vp *kvp, uint32_t vtl, const struct vsm_reg *regs,
			      uint32_t count);

/**
 * Read registers of a VTL, by HV name, as the op regs_get does.
 *
 * @param kvp   the VP.
 * @param vtl   0 .. max_vtl.
 * @param regs  names are set; values are filled in.
 * @param count 1 .. 32.
 * @return as vsm_kvm_vp_set().
 * Thread: the VP's, or before it runs.
 */
VSM_EXPORT int vsm_kvm_vp_get(struct vsm_kvm_vp *kvp, uint32_t vtl, struct vsm_reg *regs,
			      uint32_t count);

/**
 * Reset the VP's vCPUs, those of all VTLs, to the state in which vsm_kvm_vp_create() made them: all
 * registers, the MSRs that KVM names, MTRRs and banks of machine checks, events that wait or were
 * being delivered, NMI mask, half-done exits, held stores. A partition is reset by this for each of
 * its VPs, then vsm_partition_reset(). What was set by vsm_kvm_vp_set() or on vsm_kvm_vcpu_fd()
 * is to be set anew. The TSC, which guests cannot set, goes on.
 *
 * @param kvp the VP.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL  kvp is NULL.
 * @retval -VSM_ERR_MISUSE it is running.
 * @retval -VSM_ERR_SYS    KVM refused; errno tells why, the log names the MSR. The VP must not run;
 *                         call again or give up the machine.
 * Thread: any, with all VPs stopped.
 */
VSM_EXPORT int vsm_kvm_vp_reset(struct vsm_kvm_vp *kvp);

/**
 * Run the VP until the VMM has to do something. Hypercalls, synthetic MSRs, protected pages and
 * VTL switches are dealt with inside.
 *
 * A denied store of which KVM has retired the instruction already (RIP is past it) is *held*: when
 * its VTL resumes with RIP unchanged and the page writable it is performed, otherwise dropped. The
 * intercept of such a store has instruction length 0.
 * KVM writes such a store page by page. Where it crosses from a page that the VTL may write into
 * one that it may not, the part in the first page has been written already and stays, whatever
 * becomes of the rest: what is denied is never written, but the store is not all or nothing.
 * A store that the protections allow while another VP has yet to enforce the grant waits in here,
 * before anything else of its VTL. A kick ends the wait like any other: the store stays with the VP
 * and is done by a later call. It is dropped only if RIP is changed meanwhile.
 * What is held is no part of what vsm_save() saves: vsm_kvm_held_save() of vsm/kvm_state.h saves it
 * with the VP. There is something as long as held_stores of vsm_kvm_stats_get() is more than
 * stores_done and stores_dropped together.
 * A denied load is taken back at once: RIP is on the instruction, which is executed again when its
 * VTL resumes.
 *
 * That is what KVM's emulator does: with #VSM_KVM_ENFORCE_MEMSLOT for every access, otherwise for
 * code that KVM interprets. What the processor executes itself, and what KVM does not emulate (SSE
 * and x87 arithmetic, AVX), has its operands looked up: RIP is on the instruction for loads, stores
 * and fetches, and the intercept carries its bytes. A read-modify-write of a page without any
 * rights is told as a read. Of gathers, scatters and masked instructions only the elements that
 * the mask selects are accesses, and the first denied one of them is told; a page of which only
 * what is masked off lies in the operand is told if the processor faulted there all the same, as
 * it may with MASKMOVDQU and with instructions without fault suppression (SDM vol. 2A, 2.7.4).
 * If no denied page was the cause, user code gets #UD and kernel code is
 * #VSM_KVM_EXIT_EMULATION. Where the mechanism tells no address (#VSM_KVM_ENFORCE_GUARD,
 * #VSM_KVM_ENFORCE_MPROTECT) so it is, too, with denied accesses of instructions that are not
 * known here: those of APX, AMX tile loads and stores, XOP, 3DNow!, and the parts of AVX-512 that
 * only Xeon Phi had (AVX512PF, AVX512_4FMAPS, AVX512_4VNNIW).
 *
 * Where rights are enforced by userfaultfd, KVM tells of denied accesses by SIGBUS. No handler is
 * needed: this function blocks SIGBUS in its thread, for good, has it unblocked inside KVM_RUN
 * only, and takes it from there. One that is not of a denied page (a memory error of the machine, a
 * signal of another process) is raised again in this thread, where
 * SIGBUS is unblocked for that moment: the VMM's handler gets it, or the default action.
 *
 * Only accesses of the guest's own instructions are intercepted. What the CPU reads by itself of a
 * page without rights - page tables, descriptor tables, the stack of an exception - gives the guest
 * a fault or a triple fault, or stops it in that instruction until a kick. Where KVM tells of it
 * (#VSM_KVM_ENFORCE_ATTRIBUTES) it is an intercept.
 *
 * @param kvp  the VP.
 * @param exit caller sets exit->size; filled in. The VMM answers by writing to exit->data or to
 *             the msr_ fields before it calls again with the same struct.
 * @retval 0             exit is filled in.
 * @retval -VSM_ERR_INVAL an argument is wrong.
 * @retval -VSM_ERR_SYS   KVM_RUN failed; errno tells why.
 * @retval -VSM_ERR_HOST  an op failed.
 * Thread: the VP's.
 */
VSM_EXPORT int vsm_kvm_run(struct vsm_kvm_vp *kvp, struct vsm_kvm_exit *exit);

/**
 * Make the VP leave the guest soon: vsm_kvm_run() returns VSM_KVM_EXIT_INTR. Calls the callback
 * vsm_kvm_options.kick.
 *
 * @param kvp may be NULL.
 * Thread: any.
 */
VSM_EXPORT void vsm_kvm_kick(struct vsm_kvm_vp *kvp);

/**
 * File descriptor that is readable when vsm_kvm_service() has something to do.
 *
 * @param k may be NULL.
 * @return stays the backend's, for poll() only; -1 if nothing has to be served.
 * Thread: any.
 */
VSM_EXPORT int vsm_kvm_service_fd(const struct vsm_kvm *k);

/**
 * Serve guest accesses that the kernel handed over (#VSM_KVM_ENFORCE_UFFD). Never waits. Until it
 * is called the VPs of these accesses stand still, and some of them cannot be kicked: call it on a
 * thread that runs no VP and that takes no lock a VP's thread may hold while it runs, whenever
 * vsm_kvm_service_fd() is readable, from the first vsm_kvm_run() to the last.
 *
 * @param k the backend.
 * @return how many accesses were served, 0 or more. At most 64; what is left keeps the fd readable.
 * @retval -VSM_ERR_INVAL k is NULL.
 * @retval -VSM_ERR_SYS   the kernel refused; errno tells why.
 * Thread: any but a VP's; several may.
 */
VSM_EXPORT int vsm_kvm_service(struct vsm_kvm *k);

/**
 * Read the counters, also while VPs run. Each is read whole and never goes back, but for
 * emulated_pages, which is what is so now. They are read one after the other: different counters
 * can be compared only when nobody counts, that is with all VPs stopped (the caller may be the
 * thread of one) and no other function of this backend under way.
 *
 * @param k   the backend.
 * @param out caller sets out->size; filled in.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL an argument is NULL or out->size is wrong.
 * Thread: any. Waits for nobody.
 */
VSM_EXPORT int vsm_kvm_stats_get(const struct vsm_kvm *k, struct vsm_kvm_stats *out);

/**
 * What switches move beside GPRs and CR2.
 *
 * @param k the backend.
 * @return VSM_KVM_CARRY_*: the options' set cut to what KVM and CPUID have.
 * Thread: any.
 */
VSM_EXPORT uint32_t vsm_kvm_carry(const struct vsm_kvm *k);

/**
 * Shared registers of the register table that switches do not move, for a report.
 *
 * Even with all of #VSM_KVM_CARRY_DEFAULT there are some: MSRs that the hardware changes by itself
 * (MPERF, performance counters, branch records), that KVM has in newer versions only (CET), or that
 * exist with a feature of CPUID only (UMWAIT_CONTROL, TSX_CTRL, XFD): a guest that uses such a
 * feature sets it up in each VTL. They are named whether this KVM and the guest's CPUID have them
 * or not.
 *
 * @param k     the backend.
 * @param names filled with HV names; may be NULL if max is 0.
 * @param max   capacity.
 * @return how many there are, may be above max.
 * @retval -VSM_ERR_INVAL k or names is NULL.
 * Thread: any.
 */
VSM_EXPORT int vsm_kvm_left_out(const struct vsm_kvm *k, uint32_t *names, uint32_t max);

VSM_END_DECLS

#endif /* VSM_KVM_H */
