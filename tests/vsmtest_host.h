/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * The fake host: a whole machine in memory that drives libvsm, without any test framework.
 *
 * It owns guest RAM, registers, the overlay and rights views of every VTL, a clock, an allocator
 * and a log, and serves every host op from them. It keeps registers in one of the two ways of
 * doc/host-contract.md: a register file per (VP, VTL), or one per VP and a slot for the private
 * state of each VTL that does not run. While it does so it watches the library and reports the
 * first breach of the host contract that it sees:
 *
 *  - a guest byte read twice within one entry (read-once oracle);
 *  - guest memory touched without the rights of the VTL that runs (confused deputy);
 *  - a batch whose group mask is not exactly the union of its registers' groups, an op on the wrong
 *    thread, outside of an entry, with arguments out of range, or after the partition was
 *    destroyed;
 *  - an allocation after the last VP was created, a leak, a free of another size;
 *  - a VTL switch left between PREPARE and COMMIT, or another VTL active without a verdict that
 *    says so;
 *  - rights that the host was told and vsm_gpa_rights() disagree, or a right taken away without a
 *    flush.
 *
 * Breaches are kept in vsmtest.breach and handed to #vsmtest_on_failure when the entry is over,
 * never from inside an op: no op may unwind. Fuzzers use this file and vsmtest_guest.c as they are;
 * unit tests use vsmtest.h, which reports through `check`.
 */
#ifndef VSMTEST_HOST_H
#define VSMTEST_HOST_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include <vsm/vsm.h>

#define VSMTEST_MAX_VPS	     8u
#define VSMTEST_MAX_OVERLAYS 256u
#define VSMTEST_MAX_RANGES   8192u
#define VSMTEST_MAX_CALLS    4096u
#define VSMTEST_MAX_READS    4096u
#define VSMTEST_MAX_LINES    64u
#define VSMTEST_PAGE	     4096u

/* Where the machine has RAM, and where it has none though the address is one. */
#define VSMTEST_RAM0_GPA  0x0ull
#define VSMTEST_RAM0_SIZE 0x400000ull
#define VSMTEST_RAM1_GPA  0x10000000ull
#define VSMTEST_RAM1_SIZE 0x100000ull
#define VSMTEST_HOLE_GPA  0x800000ull
/* RAM that the machine has, but the partition only by vsmtest_hot_add(). */
#define VSMTEST_HOT_GPA	  0x30000000ull
#define VSMTEST_HOT_SIZE  0x40000ull
#define VSMTEST_HOT_PAGES ((uint32_t)(VSMTEST_HOT_SIZE / VSMTEST_PAGE))
#define VSMTEST_PAGES	  ((uint32_t)((VSMTEST_RAM0_SIZE + VSMTEST_RAM1_SIZE) / VSMTEST_PAGE))

/* Where the guest of the helper functions keeps its pages. */
#define VSMTEST_HC_GPA(vtl)	    (0x10000ull + 0x1000ull * (vtl))
#define VSMTEST_ASSIST_GPA(vp, vtl) (0x20000ull + 0x1000ull * ((vp)*16ull + (vtl)))
#define VSMTEST_SIMP_GPA(vp, vtl)   (0xa0000ull + 0x1000ull * ((vp)*16ull + (vtl)))
#define VSMTEST_IN_GPA(vp)	    (0x300000ull + 0x4000ull * (vp))
#define VSMTEST_OUT_GPA(vp)	    (0x301000ull + 0x4000ull * (vp))
/** A page for tests to protect; 64 of them are free. */
#define VSMTEST_DATA_GPA	    0x200000ull
/** RIP of the trap instruction that the helpers pretend to execute. */
#define VSMTEST_TRAP_RIP	    0x7fff00001000ull
#define VSMTEST_TRAP_RIP32	    0x00401000ull

/* x86 bits that tests need by name. */
#define X86_CR0_PE    0x1ull
#define X86_CR0_AM    0x40000ull
#define X86_CR0_PG    0x80000000ull
#define X86_CR4_PAE   0x20ull
#define X86_EFER_SCE  0x1ull
#define X86_EFER_LME  0x100ull
#define X86_EFER_LMA  0x400ull
#define X86_EFER_NXE  0x800ull
#define X86_RFLAGS_VM 0x20000ull
#define X86_UD	      6u
#define X86_GP	      13u
#define X86_PF	      14u

/** The host ops, for fault switches, missing ops and the call log. */
enum vsmtest_op {
	VSMTEST_REGS_GET,
	VSMTEST_REGS_SET,
	VSMTEST_XMM_GET,
	VSMTEST_XMM_SET,
	VSMTEST_SWITCH_VTL,
	VSMTEST_GPA_READ,
	VSMTEST_GPA_WRITE,
	VSMTEST_OVERLAY_ARENA,
	VSMTEST_OVERLAY_MAP,
	VSMTEST_PROTECT,
	VSMTEST_TLB_FLUSH,
	VSMTEST_KICK,
	VSMTEST_INJECT_EVENT,
	VSMTEST_INTERRUPT,
	VSMTEST_TSC,
	VSMTEST_TSC_HZ,
	VSMTEST_ALLOC,
	VSMTEST_FREE,
	VSMTEST_LOG,
	VSMTEST_CRASH,
	VSMTEST_INSN_DECODE,
	VSMTEST_THREAD_ID,
	VSMTEST_OPS
};

/** Bit of an op in vsmtest_opts.null_ops. */
#define VSMTEST_BIT(op) (1u << (op))

/** How the host keeps the registers of the VTLs of a VP. */
enum vsmtest_model {
	VSMTEST_REPLICATED, /**< One vCPU per VTL: shared registers are copied at a switch. */
	VSMTEST_SWAPPED /**< One vCPU per VP: private state moves to a slot and back. */
};

/** What vsmtest_new() builds. Start from vsmtest_opts_init(). */
struct vsmtest_opts {
	struct vsm_config config; /**< Given to vsm_partition_create(). */
	uint32_t vps; /**< VPs to create, default 1. */
	uint32_t vp_index[VSMTEST_MAX_VPS]; /**< HV index of each, default 0, 1, 2 ... */
	uint32_t apic_id[VSMTEST_MAX_VPS]; /**< APIC id of each, default 0x10, 0x12 ... */
	uint32_t waiting; /**< Bit n: VP of slot n is created with #VSM_VP_WAIT_FOR_STARTUP. */
	uint32_t null_ops; /**< VSMTEST_BIT() of ops that the table lacks. */
	uint64_t tsc_hz; /**< Answer of tsc_hz, default 2.5 GHz. */
	uint32_t model; /**< enum vsmtest_model, default what VSMTEST_MODEL says. */
	/** Bit n: the n-th page from #VSMTEST_HOT_GPA on is RAM from the start, as where a machine
	 *  to which it was added is loaded. */
	uint64_t hot_pages;
};

/** Lets calls of an op fail. See vsmtest_fail_op(). */
struct vsmtest_fault {
	uint32_t at; /**< Fails at the at-th call from now, 1 = the next; 0: off. */
	uint32_t times; /**< So many calls in a row. */
	int32_t result; /**< What the op answers, or #VSM_PENDING. */
	uint32_t done; /**< PROTECT: ranges applied before the failure, and told so. */
};

/** One call of an op. */
struct vsmtest_call {
	uint32_t op; /**< enum vsmtest_op */
	uint32_t vp; /**< Slot of the VP, or #VSM_ALL_VPS. */
	uint32_t vtl; /**< VTL argument, 0 if the op has none. */
	int32_t result; /**< What it answered. */
	uint64_t a; /**< First argument of the op that is worth telling. */
	uint64_t b; /**< Second one. */
};

/** An op that answered #VSM_PENDING. */
struct vsmtest_pending {
	uint32_t active; /**< 1: vsmtest_complete() is due. */
	uint32_t count; /**< PROTECT: number of ranges. */
	uint64_t token; /**< Token of the op. */
	struct vsm_overlay overlay; /**< OVERLAY_MAP: what was asked. */
	uint32_t vtl; /**< TLB_FLUSH: what was asked. */
	uint32_t vp; /**< TLB_FLUSH: what was asked. */
};

struct vsmtest;

/** Private state of a VTL that is no register of the table: a host keeps it beside them. */
struct vsmtest_hidden {
	uint32_t cpl; /**< As of the last SS. */
	uint32_t interrupt_shadow;
	uint32_t nmi_masked;
	uint32_t lazy_flags; /**< Test: whatever else an emulator has. */
};

/** Registers of a vCPU, or in the swapped model the slot of a VTL that is not loaded. */
struct vsmtest_file {
	struct hv_register_value *values; /**< One per row of the register table. */
	struct hv_register_value xmm[6]; /**< XMM0..XMM5 */
	struct vsmtest_hidden hidden;
	struct vsm_exception event; /**< Queued by inject_event. */
	uint32_t has_event; /**< 1: event is queued. */
	uint32_t reserved;
};

/** A VP. Its address is the opaque pointer of the per-VP ops. */
struct vsmtest_vp {
	struct vsmtest *t;
	struct vsm_vp *vp;
	/** Replicated: the vCPU of each VTL. Swapped: slots. Ask vsmtest_slot() for registers. */
	struct vsmtest_file file[VSM_VTL_MAX + 1];
	struct vsmtest_file cpu; /**< Swapped: the only vCPU. */
	struct vsmtest_file undo; /**< Swapped: shared registers as they were at PREPARE. */
	uint32_t slot; /**< Number in vsmtest.vp[]. */
	uint32_t active; /**< VTL that the host runs. */
	uint32_t loaded; /**< Swapped: VTL whose private state is in the vCPU. */
	uint32_t switching; /**< 1: between PREPARE and COMMIT or ABORT. */
	uint32_t from; /**< Of the switch under way. */
	uint32_t to; /**< Of the switch under way. */
	uint32_t kicks; /**< Calls of kick since the test cleared it. */
	uint32_t interrupts; /**< Calls of interrupt. */
	uint32_t last_vector; /**< Of the last one. */
	uint32_t last_vtl; /**< Of the last one. */
	uint32_t last_auto_eoi; /**< Of the last one. */
};

/** The machine. Tests may read everything, and write what says so. */
struct vsmtest {
	struct vsmtest_opts opts;
	struct vsm *vsm;
	struct vsmtest_vp vp[VSMTEST_MAX_VPS];
	uint32_t vps; /**< VPs created. */

	uint8_t *ram[3]; /**< The last is that for hot-add. */
	/** Rights that the host enforces, one byte per page; at last those of the pages for
	 *  hot-add. */
	uint8_t *view[VSM_VTL_MAX + 1];
	uint64_t hot_end; /**< Hot-add under way: the range that the library does not know yet. */
	uint64_t hot_gpa;
	uint8_t stale[VSM_VTL_MAX + 1]; /**< A right was taken away and not flushed yet. */
	uint8_t *arena;
	size_t arena_size;
	struct vsm_overlay overlay[VSMTEST_MAX_OVERLAYS]; /**< What is shown; page NULL: free. */

	struct vsmtest_fault fault[VSMTEST_OPS];
	uint32_t fault_any; /**< Test: the n-th failable call of any op fails; 0: off. */
	int32_t fault_result; /**< Test: what it answers then; 0: -VSM_ERR_HOST. */
	uint32_t failable; /**< Failable calls so far; counts also when none fails. */
	uint32_t faults_hit; /**< Injected failures so far. */
	uint32_t count[VSMTEST_OPS]; /**< Calls of each op. */
	struct vsmtest_pending pending[VSMTEST_OPS];

	struct vsmtest_call call[VSMTEST_MAX_CALLS]; /**< Ring; the n-th is at n % MAX_CALLS. */
	uint32_t calls; /**< Calls in all, LOG, ALLOC, FREE excluded. */

	struct vsm_protect_range range[VSMTEST_MAX_RANGES]; /**< Ranges of the last protect. */
	uint32_t ranges;
	uint32_t flush_vtl; /**< Of the last tlb_flush. */
	uint32_t flush_vp; /**< Of the last tlb_flush. */

	int insn_length; /**< Answer of insn_decode, default 0. */
	uint32_t insn_mode; /**< Mode it was last asked for. */
	uint32_t insn_count; /**< Bytes it was last given. */
	uint8_t insn_bytes[16]; /**< Those. */
	struct vsm_crash crash; /**< What the last crash said. */

	uint64_t thread; /**< Test: what thread_id answers; 0: a number of the real thread. */
	uint32_t no_thread; /**< Test: 1: thread_id answers 0. */

	uint64_t tsc; /**< Test: what the op answers. */
	uint64_t tsc_step; /**< Test: added after each reading. */

	uint32_t may_allocate; /**< 1 within create, realise and vp_create. */
	uint32_t alloc_fail_at; /**< Test: the n-th allocation from now fails; 0: off. */
	uint32_t alloc_fail_on; /**< Test: 1: all later ones fail as well. */
	uint32_t live; /**< Blocks that are not freed. */
	uint64_t live_bytes;

	char line[VSMTEST_MAX_LINES][208]; /**< Log, ring. */
	int32_t level[VSMTEST_MAX_LINES];
	uint32_t lines;

	uint32_t missing_reg; /**< Test: register this host does not have; ~0: none. */
	uint32_t refused_reg; /**< Test: register of which it takes no value; ~0: none. */
	uint32_t early; /**< Test: 1: a pending op ends before the op says so. */
	/** Test: 1: VPs run in threads: verdict, reps, continuations are not kept. */
	uint32_t threads;
	uint32_t relaxed; /**< Test: 1: do not compare rights views (races, broken hosts). */
	uint32_t quiet; /**< 1: no faults, no log, no hook (vsmtest_hash). */
	uint32_t dead; /**< 1: the partition is destroyed. */
	uint32_t trap_len; /**< Test: length of the trap, default 3. */
	uint32_t rip_moved; /**< Test: 1: host has moved RIP past the trap already. */
	uint32_t continuations; /**< RETRYs of the last vsmtest_call*(). */
	uint32_t reps; /**< Reps completed of the last result read. */
	int32_t verdict; /**< Of the last entry. */
	uint32_t breached; /**< 1: breach holds the first breach of the contract. */
	char breach[256];

	/** Test: called at the start of every op, without locks; NULL: none. */
	void (*hook)(struct vsmtest *t, enum vsmtest_op op, uint32_t vp);
	void *hook_arg; /**< Test: whatever the hook needs. */

	struct vsm_register_info *row; /**< The register table. */
	uint32_t rows;
	pthread_mutex_t lock;
};

/** What happens to a breach of the contract. Default: print and abort(). */
extern void (*vsmtest_on_failure)(const char *text);

/** Name of an op, such as "protect". */
const char *vsmtest_op_name(uint32_t op);

/** Defaults: 1 VP, VTL0 and VTL1, every legal rights mask enforceable, all ops present. */
void vsmtest_opts_init(struct vsmtest_opts *opts);

/** A machine without a partition. @param opts NULL: defaults. */
struct vsmtest *vsmtest_alloc(const struct vsmtest_opts *opts);

/** The ops table of a machine, as vsmtest_create() uses it. */
void vsmtest_ops(struct vsmtest *t, struct vsm_host_ops *ops);

/**
 * Create the partition, declare RAM, realise, create the VPs.
 *
 * @return 0 or the first error of the library; on error vsmtest_destroy() is still allowed.
 */
int vsmtest_create(struct vsmtest *t);

/** Destroy the partition; from now on any op but none is a breach. */
void vsmtest_destroy(struct vsmtest *t);

/** Destroy what is left, report leaks and breaches, free the machine. */
void vsmtest_free(struct vsmtest *t);

/** Record a breach; only the first one is kept. */
void vsmtest_breach(struct vsmtest *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** Hand a recorded breach to #vsmtest_on_failure. */
void vsmtest_report(struct vsmtest *t);

/* The entries of vp.h and partition.h, watched. `vp` is the slot of the VP. */

int vsmtest_prepare(struct vsmtest *t, uint32_t vp);
int vsmtest_trap(struct vsmtest *t, uint32_t vp, uint64_t rip, uint32_t len);
int vsmtest_rdmsr(struct vsmtest *t, uint32_t vp, uint32_t msr, uint64_t *value);
int vsmtest_wrmsr(struct vsmtest *t, uint32_t vp, uint32_t msr, uint64_t value);
int vsmtest_cpuid(struct vsmtest *t, uint32_t vp, uint32_t leaf, struct vsm_cpuid *out);
int vsmtest_memory_fault(struct vsmtest *t, uint32_t vp, const struct vsm_memory_fault *fault);

/* vsm_gpa_read() and vsm_gpa_write(), watched. `index`: HV index of a VP, or #VSM_VP_DMA. */

int vsmtest_gpa_read(struct vsmtest *t, uint32_t index, uint32_t vtl, uint64_t gpa, void *buf,
		     uint64_t len);
int vsmtest_gpa_write(struct vsmtest *t, uint32_t index, uint32_t vtl, uint64_t gpa,
		      const void *buf, uint64_t len);

/** vsm_partition_reset(), after which all VPs stand in VTL0 with the registers they started
 *  with. */
int vsmtest_reset(struct vsmtest *t);

/**
 * vsm_ram_hot_add() of pages from #VSMTEST_HOT_GPA on, watched. If it fails, the machine forgets
 * what `protect` said of them.
 */
int vsmtest_hot_add(struct vsmtest *t, uint64_t gpa, uint64_t size);

/**
 * vsm_save() into memory that the caller frees.
 *
 * @return 0 or the error; bytes and size are set with 0 only.
 */
int vsmtest_save(struct vsmtest *t, uint8_t **bytes, size_t *size);

/** vsm_load(), watched. The bytes are given in a block of exactly that size. */
int vsmtest_load(struct vsmtest *t, const void *bytes, size_t size);

/**
 * A machine like this one, with its RAM and all that its host keeps, but PendingEvent0; the
 * partition is new, and with vsmtest_load() becomes what the other one is.
 *
 * @return NULL if the partition cannot be made.
 */
struct vsmtest *vsmtest_twin(struct vsmtest *t);

/** Save, make a twin, load, free the old machine. @return the twin; a breach if a step fails. */
struct vsmtest *vsmtest_move(struct vsmtest *t);

/** Let an op fail: the at-th call from now and the times - 1 after it answer `result`. */
void vsmtest_fail_op(struct vsmtest *t, enum vsmtest_op op, uint32_t at, uint32_t times,
		     int32_t result);

/** Switch all faults off. */
void vsmtest_no_faults(struct vsmtest *t);

/**
 * End an op that answered #VSM_PENDING: does its work (on success, or up to `done` ranges) and
 * calls vsm_op_complete().
 *
 * @return what vsm_op_complete() answered.
 */
int vsmtest_complete(struct vsmtest *t, enum vsmtest_op op, int result, uint32_t done);

/** Memory of a guest page, NULL if there is no RAM. Overlays are not looked at. */
uint8_t *vsmtest_ram(struct vsmtest *t, uint64_t gpa);

/** What a VTL sees at a byte: overlay, else RAM, else NULL. */
uint8_t *vsmtest_see(struct vsmtest *t, uint32_t vtl, uint64_t gpa);

/** The overlay that a VTL sees at a page, NULL if none. */
const struct vsm_overlay *vsmtest_overlay(struct vsmtest *t, uint32_t vtl, uint64_t gpa);

/** Number of overlays shown to a VTL. */
uint32_t vsmtest_overlays(struct vsmtest *t, uint32_t vtl);

/** Rights that the host enforces for a VTL on a page. */
uint32_t vsmtest_view(struct vsmtest *t, uint32_t vtl, uint64_t gpa);

/** Name of a host model, as VSMTEST_MODEL gives it. */
const char *vsmtest_model_name(uint32_t model);

/** Model that VSMTEST_MODEL asks for. @return 0, or -VSM_ERR_INVAL if it names none. */
int vsmtest_model_from_env(uint32_t *model);

/** State of a VTL that is no register. */
struct vsmtest_hidden *vsmtest_hidden(struct vsmtest *t, uint32_t vp, uint32_t vtl);

/**
 * Value of a host register of any VTL. Where it is may change with each VTL switch. Shared
 * registers of an inactive VTL are poison in the replicated model, and those of the active one in
 * the swapped. XMM0..XMM5 lie one behind the other.
 */
struct hv_register_value *vsmtest_slot(struct vsmtest *t, uint32_t vp, uint32_t vtl, uint32_t name);

/** Low half of a host register. */
uint64_t vsmtest_reg(struct vsmtest *t, uint32_t vp, uint32_t vtl, uint32_t name);

/** Set the low half of a host register, and clear the high one. */
void vsmtest_reg_set(struct vsmtest *t, uint32_t vp, uint32_t vtl, uint32_t name, uint64_t value);

/** Is this row of the register table kept by the host once for all VTLs of a VP? */
int vsmtest_row_shared(const struct vsmtest *t, const struct vsm_register_info *row);

/** Number of calls of an op in the log at or behind position `since` (vsmtest.calls then). */
uint32_t vsmtest_calls_since(const struct vsmtest *t, uint32_t since, enum vsmtest_op op);

/** 1 if a log line of this level or above holds the text. */
int vsmtest_logged(const struct vsmtest *t, const char *text);

/**
 * Hash of all that a guest can see: registers of every VTL, RAM, what each VTL sees of it and with
 * which rights, queued events, synthetic MSRs and VSM registers. Equal before and after: nothing
 * changed. Leaves everything as it was, but makes entries: take it between exits only.
 */
uint64_t vsmtest_hash(struct vsmtest *t);

#endif /* VSMTEST_HOST_H */
