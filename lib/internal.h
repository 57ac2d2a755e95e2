/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The partition, the VP and what belongs to them. Private to lib/.
 *
 * Who may write what:
 *  - configuration and tables: nobody after vsm_partition_realise();
 *  - protection map, overlays, partition-wide synthetic MSRs: the VP that owns vsm->op_owner, or
 *    vsm_ram_hot_add() while vsm->hot_add is set, or vsm_partition_reset() and vsm_load(), with all
 *    VPs stopped;
 *  - VTL enablement, posts, op_owner itself: under vsm->lock, which is never held over a host op;
 *  - everything else of a VP: its own thread.
 */
#ifndef VSM_INTERNAL_H
#define VSM_INTERNAL_H

#include <stdatomic.h>
#include <stdint.h>

#include <vsm/vsm.h>

/*
 * Results inside the library. 0 .. 0xffff are HV statuses, negative values are vsm_err, and these
 * say what else became of a piece of work.
 */
#define R_BLOCKED   0x10000 /* A host op or another VP goes on with it. */
#define R_BUSY	    0x10001 /* Another VP owns the partition's op; try again after the kick. */
#define R_AGAIN	    0x10002 /* The budget of this entry is spent. */
#define R_SWITCHED  0x10003 /* An intercept was delivered: another VTL is active. */
#define R_EXCEPTION 0x10004 /* vp->exception is due. */

#define HC_LIST_MAX    512u /* Elements of a 4 KiB block of 8-byte elements. */
#define RAM_RANGES_MAX 64u
#define CRASH_PARAMS   5u

/* Overlay slots of one VTL: two of the partition, then three of each VP. Slot n shows arena page
 * n. */
#define OVERLAY_HYPERCALL 0u
#define OVERLAY_TSC	  1u
#define OVERLAY_OF_VPS	  2u
#define OVERLAY_ASSIST	  0u
#define OVERLAY_SIMP	  1u
#define OVERLAY_SIEFP	  2u
#define OVERLAYS_PER_VP	  3u

struct overlay_slot {
	uint64_t gpa;
	uint64_t order; /* 0: not placed; else the higher was placed later. */
};

/* What an overlay change did, so that it can be undone. */
struct overlay_change {
	struct overlay_slot before;
	_Atomic uint64_t *msr; /* Written when the host has followed. */
	uint64_t msr_value;
	_Atomic uint64_t *clear; /* An MSR that becomes 0 together with it, or NULL. */
	uint64_t lift_gpa; /* Second step: the page that was left, if lift is set. */
	uint32_t slot;
	uint32_t vtl;
	uint32_t lift;
};

/* Partition-wide state of one VTL. */
struct vtl_state {
	_Atomic uint64_t guest_os_id;
	_Atomic uint64_t hypercall;
	_Atomic uint64_t reference_tsc;
	_Atomic uint64_t config; /* VsmPartitionConfig */
	_Atomic uint32_t mbec; /* It was enabled with EnableMbec. */
};

/* State of one VTL on one VP. */
struct vp_vtl {
	_Atomic uint64_t page[OVERLAYS_PER_VP]; /* VP_ASSIST_PAGE, SIMP, SIEFP: by OVERLAY_* */
	_Atomic uint64_t scontrol;
	_Atomic uint64_t sint0;
	struct hv_register_value pending_event;
	struct hv_initial_vp_context context; /* To be loaded while context_pending has the bit. */
	struct hv_message message; /* The intercept message that waits, if has_message. */
	uint32_t has_message;
};

/* A hypercall on its way. */
struct hc {
	struct vsm_hypercall call;
	struct vsm_hypercall_regs regs;
	uint64_t trap_rip;
	uint32_t trap_length;
	uint32_t done; /* Elements finished, counted from element 0. */
	uint32_t have_xmm;
	uint32_t in_element; /* The work that is blocked is that of element `done`. */
	void (*undo)(struct vsm_vp *vp); /* Takes back what a call did whose result got lost. */
	uint32_t undo_arg[2];
	void (*commit)(
		struct vsm_vp *vp); /* Makes a call seen by others once its result is written. */
	_Alignas(16) uint8_t in[HV_PAGE_SIZE];
	_Alignas(16) uint8_t out[HV_PAGE_SIZE];
	struct vsm_xmm_block xmm;
};

/* Work on registers of a VP, done by that VP's thread for another VP that waits. */
struct post {
	struct vsm_vp *target;
	struct post *next;
	struct vsm_vp *from;
	_Atomic uint32_t state; /* POST_* */
	int32_t result;
};

enum {
	POST_IDLE,
	POST_QUEUED,
	POST_DONE
};

/* A host op that may end later. */
struct deferred {
	_Atomic uint32_t state; /* DEFERRED_* */
	_Atomic uint64_t token;
	int (*finish)(struct vsm_vp *vp, int result, uint32_t done);
	int32_t result;
	uint32_t done;
};

enum {
	DEFERRED_IDLE,
	DEFERRED_RUNNING,
	DEFERRED_WAITING,
	DEFERRED_DONE
};

/* Why a VP is blocked. */
enum wait {
	WAIT_NONE,
	WAIT_OP, /* deferred: a hypercall */
	WAIT_OP_MSR, /* deferred: an MSR write */
	WAIT_POST, /* post */
	WAIT_OWNER, /* op_wait: execute the hypercall again */
	WAIT_OWNER_MSR, /* op_wait: do the MSR write again */
	WAIT_STARTUP, /* startup: nobody has started the VP */
};

/* How far the start of a VP is (HvCallStartVirtualProcessor). */
enum {
	STARTUP_NONE, /* It runs, or never waits. */
	STARTUP_WAITING,
	STARTUP_RESERVED, /* A call is about to start it; its result is not written yet. */
	STARTUP_POSTED /* start_vtl and start_context wait for its thread. */
};

/* A page of a list: what it had before. */
struct plan_page {
	uint64_t gpn;
	uint16_t element;
	uint8_t old; /* code in the protection map */
};

/* One change of the protection map on its way to the host. */
struct protect_plan {
	struct vsm_protect_range *ranges; /* Room for max_ranges; by VTL, then ascending. */
	struct plan_page *pages; /* Of a list: room for 2 × HC_LIST_MAX, half of it for sorting. */
	struct plan_page *sorted; /* page_count of them, ascending, then by element. */
	uint32_t max_ranges;
	uint32_t count;
	uint32_t page_count;
	uint32_t first; /* First element of this entry. */
	uint32_t end; /* Behind the last element that was applied. */
	uint32_t flush; /* VTLs that lost rights. */
	uint32_t flushing; /* The VTL that the host flushes at this moment. */
	uint32_t failed; /* The host did not follow: `status` says why. */
	uint32_t all_back; /* And nobody knows how far it came: no element stays. */
	uint32_t owner_vtl;
	uint32_t mask; /* All pages of a list get it. */
	uint32_t unenforced; /* Pages whose execute right is recorded only. */
	int32_t status; /* Status when the host has followed. */
	uint64_t config; /* VsmPartitionConfig before the change. */
};

struct vp_stats {
	_Atomic uint64_t hypercalls, continuations, vtl_calls, vtl_returns, vtl_entries, intercepts;
	_Atomic uint64_t faults_retried, pages_protected, unenforced_execute, exceptions;
};

struct vsm_vp {
	struct vsm *vsm;
	void *opaque;
	uint32_t index;
	uint32_t apic_id;
	_Atomic uint32_t active_vtl;
	_Atomic uint32_t enabled; /* Set of VTLs. */
	_Atomic uint32_t context_pending; /* VTLs whose first context waits for this VP's thread. */
	uint32_t message_pending; /* VTLs with vp_vtl.has_message. */
	_Atomic uint32_t busy; /* An entry is running. */
	_Atomic uint64_t thread; /* Of the op thread_id; 0: none yet, or nothing is checked. */
	uint32_t locks_held;
	_Atomic uint32_t wait; /* enum wait */
	_Atomic uint32_t op_wait; /* Waits for op_owner. */
	_Atomic uint32_t touching; /* It is between the check and the end of an access to memory. */
	_Atomic uint32_t awaited; /* Somebody waits for the end of that access. */
	uint32_t flags; /* VSM_VP_* */
	_Atomic uint32_t startup; /* STARTUP_*; from WAITING only under vsm->lock. */
	uint32_t start_vtl;
	struct hv_initial_vp_context start_context;
	uint32_t wait_msr;
	uint64_t wait_value;
	uint32_t has_exception;
	struct vsm_exception exception;
	uint32_t event_owed; /* VTLs for which the host keeps a PendingEvent0 of before a reset. */
	struct post post;
	_Atomic(struct post *) inbox;
	struct deferred deferred;
	struct overlay_change overlay;
	struct protect_plan plan;
	int (*plan_undo)(struct vsm_vp *vp, uint32_t applied, int result);
	int (*plan_done)(struct vsm_vp *vp);
	struct vp_stats stats;
	struct hc hc;
	struct vp_vtl vtl[];
};

enum log_kind {
	LOG_HOST_OP,
	LOG_PROTECT,
	LOG_OVERLAY,
	LOG_UNENFORCED,
	LOG_MILESTONE,
	LOG_STARTUP,
	LOG_KINDS
};

struct vsm {
	struct vsm_config config;
	struct vsm_host_ops ops;
	void *opaque;
	struct vsm_register_limits limits;
	struct vsm_hypercall_caps caps;
	uint32_t recommendations;
	uint32_t capabilities; /* VSM_CAP_* */
	uint32_t accepted; /* Rights masks the guest may ask for. */
	uint32_t accepted_mbec; /* The same of a VTL that was enabled with EnableMbec. */
	uint32_t realised;
	uint32_t vtl_count; /* max_vtl + 1 */
	uint32_t overlays_per_vtl;
	struct vsm_range ram[RAM_RANGES_MAX];
	_Atomic uint32_t ram_count; /* Ranges are only added, each before it is counted. */
	uint64_t tsc_hz;
	uint64_t tsc_scale;
	uint64_t tsc_offset;
	uint32_t tsc_sequence; /* Of the reference TSC page. */
	_Atomic uint64_t crash[CRASH_PARAMS]; /* CRASH_P0 .. P4, for all VPs and VTLs. */
	struct vsm_protmap *map;
	uint8_t *arena;
	uint64_t arena_size;
	void *arena_memory; /* What the allocator gave for the arena, or NULL. */
	struct overlay_slot *overlay;
	uint64_t overlay_order;
	uint32_t flush_owed; /* VTLs whose translations are still to be dropped. */
	uint32_t zero_owed; /* RAM is to be zeroed by a reset; an earlier one could not. */
	struct vsm_vp **vp; /* config.max_vps */
	struct vtl_state *vtl;
	_Atomic uint32_t enabled; /* Set of VTLs of the partition. */
	_Atomic uint32_t any_enabled; /* Set of VTLs that are enabled on some VP. */
	_Atomic uint32_t resetting;
	_Atomic uint32_t configuring; /* realise, vp_create, hot_add or destroy is running. */
	_Atomic uint32_t logging; /* Lines that the host takes at this moment. */
	_Atomic uint32_t lock;
	_Atomic(struct vsm_vp *) op_owner;
	_Atomic uint32_t hot_add; /* vsm_ram_hot_add() owns the op. */
	_Atomic uint64_t host_errors;
	_Atomic uint64_t token;
	_Atomic uint64_t inflight_token; /* Of the VP that waits for accesses of others. */
	_Atomic uint32_t inflight_left; /* How many. */
	_Atomic uint32_t log_count[LOG_KINDS];
};

static inline void stat_inc(_Atomic uint64_t *counter)
{
	/* One writer, any reader: no locked instruction needed. */
	uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, value + 1, memory_order_relaxed);
}

static inline void stat_add(_Atomic uint64_t *counter, uint64_t n)
{
	uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, value + n, memory_order_relaxed);
}

static inline uint32_t ram_ranges(const struct vsm *vsm)
{
	return atomic_load_explicit(&vsm->ram_count, memory_order_acquire);
}

static inline uint32_t vp_active(const struct vsm_vp *vp)
{
	return atomic_load_explicit(&vp->active_vtl, memory_order_relaxed);
}

static inline uint64_t msr_load(const _Atomic uint64_t *msr)
{
	return atomic_load_explicit(msr, memory_order_acquire);
}

static inline void msr_store(_Atomic uint64_t *msr, uint64_t value)
{
	atomic_store_explicit(msr, value, memory_order_release);
}

/* A status becomes a number that says "done" only when it is one. */
static inline int is_status(int result)
{
	return result >= 0 && result <= 0xffff;
}

#endif /* VSM_INTERNAL_H */
