/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A machine of four VPs for tests that go through all registers: who calls, what every register
 * holds, and a mirror of all state that tells at once what a call has changed.
 *
 * VP 0 calls, in any VTL. VP 1 is idle in VTL0. VP 2 runs its highest VTL, on a thread of its own.
 * VP 3 is idle and has VTL0 only, with three VTLs also VTL2.
 */
#ifndef REGISTER_WORLD_H
#define REGISTER_WORLD_H

#include <semaphore.h>

#include "internal.h"
#include "register_oracle.h"

#define W_VPS	  4u
#define W_CALLER  0u
#define W_IDLE	  1u
#define W_RUNNING 2u
#define W_POOR	  3u
#define W_VTLS	  3u
#define W_APIC_HZ 200000000u
#define W_RIP	  VSMTEST_TRAP_RIP
/* Of the TSC since the partition was realised. */
#define W_TICKS	  25001000ull

static const uint32_t w_index[W_VPS] = { 0, 5, 7, 9 };

/* Library state of one VTL: of the partition, and of each VP. */
struct w_library {
	uint64_t wide[W_VTLS][4]; /* GUEST_OS_ID, HYPERCALL, REFERENCE_TSC, PartitionConfig */
	uint64_t vp[W_VPS][W_VTLS]
		   [7]; /* assist, SIMP, SIEFP, SCONTROL, SINT0, PendingEvent0 low, high */
	uint64_t crash[CRASH_PARAMS];
	uint32_t active[W_VPS];
	uint32_t enabled[W_VPS + 1]; /* The last one: of the partition. */
};

/* What an instruction that executes the trap is told to have been. */
struct w_call {
	uint64_t partition;
	uint32_t index;
	uint8_t input;
	uint8_t set;
	uint32_t name;
	struct hv_register_value value;
	uint32_t reserved[3]; /* Of the element. */
};

struct world {
	struct vsmtest *t;
	struct oracle oracle;
	uint32_t vtls;
	uint32_t vtl; /* Of the caller. */
	uint32_t index; /* VP that the last call named. */
	uint32_t blocked; /* The last call went to another VP. */
	uint32_t kicks; /* Calls of the op in the last call. */
	uint64_t result; /* Of the last call. */
	struct vsmtest_file mirror[W_VPS][W_VTLS + 1]; /* Last: the only vCPU, if swapped. */
	struct w_library library;
	sem_t kicked[W_VPS];
	pthread_t thread;
	_Atomic uint32_t stop;
	_Atomic uint32_t served; /* Entries of the thread. */
	uint32_t has_thread;
	uint32_t loose; /* 1: the mirror does not follow the calls. */
};

static void w_on_op(struct vsmtest *t, enum vsmtest_op op, uint32_t vp)
{
	struct world *w = t->hook_arg;

	if (op == VSMTEST_KICK)
		sem_post(&w->kicked[vp]);
}

/* The thread of VP 2: it "runs" until it is kicked, leaves the guest, and asks before it goes
 * on. */
static void *w_run(void *arg)
{
	struct world *w = arg;
	uint64_t value;

	for (;;) {
		sem_wait(&w->kicked[W_RUNNING]);
		if (atomic_load(&w->stop))
			return NULL;
		/* The exit that the kick came into. */
		vsmtest_rdmsr(w->t, W_RUNNING, HV_X64_MSR_VP_INDEX, &value);
		vsmtest_prepare(w->t, W_RUNNING);
		atomic_fetch_add(&w->served, 1);
	}
}

/* The mirror. */

static struct vsmtest_file *w_file(struct world *w, uint32_t vp, uint32_t i)
{
	return i < W_VTLS ? &w->t->vp[vp].file[i] : &w->t->vp[vp].cpu;
}

static void w_copy_file(const struct world *w, struct vsmtest_file *to,
			const struct vsmtest_file *from)
{
	struct hv_register_value *values = to->values;

	if (!from->values)
		return;
	if (!values)
		values = malloc((w->t->rows + 1u) * sizeof(*values));
	*to = *from;
	to->values = values;
	memcpy(values, from->values, w->t->rows * sizeof(*values));
}

static int w_same_file(const struct world *w, const struct vsmtest_file *a,
		       const struct vsmtest_file *b)
{
	if (!a->values)
		return 1;
	return !memcmp(a->values, b->values, w->t->rows * sizeof(*a->values)) &&
	       !memcmp(a->xmm, b->xmm, sizeof(a->xmm)) &&
	       !memcmp(&a->hidden, &b->hidden, sizeof(a->hidden)) &&
	       !memcmp(&a->event, &b->event, sizeof(a->event)) && a->has_event == b->has_event;
}

static void w_read_library(const struct world *w, struct w_library *to)
{
	const struct vsm *vsm = w->t->vsm;
	uint32_t vp, vtl, i;

	memset(to, 0, sizeof(*to));
	for (vtl = 0; vtl < w->vtls; vtl++) {
		to->wide[vtl][0] = atomic_load(&vsm->vtl[vtl].guest_os_id);
		to->wide[vtl][1] = atomic_load(&vsm->vtl[vtl].hypercall);
		to->wide[vtl][2] = atomic_load(&vsm->vtl[vtl].reference_tsc);
		to->wide[vtl][3] = atomic_load(&vsm->vtl[vtl].config);
	}
	for (vp = 0; vp < W_VPS; vp++) {
		const struct vsm_vp *at = w->t->vp[vp].vp;

		to->active[vp] = vsm_vp_active_vtl(at);
		to->enabled[vp] = vsm_vp_enabled_vtls(at);
		for (vtl = 0; vtl < w->vtls; vtl++) {
			to->vp[vp][vtl][0] = atomic_load(&at->vtl[vtl].page[OVERLAY_ASSIST]);
			to->vp[vp][vtl][1] = atomic_load(&at->vtl[vtl].page[OVERLAY_SIMP]);
			to->vp[vp][vtl][2] = atomic_load(&at->vtl[vtl].page[OVERLAY_SIEFP]);
			to->vp[vp][vtl][3] = atomic_load(&at->vtl[vtl].scontrol);
			to->vp[vp][vtl][4] = atomic_load(&at->vtl[vtl].sint0);
			to->vp[vp][vtl][5] = at->vtl[vtl].pending_event.low;
			to->vp[vp][vtl][6] = at->vtl[vtl].pending_event.high;
		}
	}
	for (i = 0; i < CRASH_PARAMS; i++)
		to->crash[i] = atomic_load(&vsm->crash[i]);
	to->enabled[W_VPS] = atomic_load(&vsm->enabled);
}

/* From now on this is how everything should be. */
static inline void w_sync(struct world *w)
{
	uint32_t vp, i;

	for (vp = 0; vp < W_VPS; vp++)
		for (i = 0; i <= W_VTLS; i++)
			w_copy_file(w, &w->mirror[vp][i], w_file(w, vp, i));
	w_read_library(w, &w->library);
}

/* Is everything as the mirror says? */
static inline int w_same(struct world *w)
{
	struct w_library now;
	uint32_t vp, i;

	w_read_library(w, &now);
	if (memcmp(&now, &w->library, sizeof(now)))
		return 0;
	for (vp = 0; vp < W_VPS; vp++)
		for (i = 0; i <= W_VTLS; i++)
			if (!w_same_file(w, &w->mirror[vp][i], w_file(w, vp, i)))
				return 0;
	return 1;
}

/* The mirror's copy of a register slot, and in *at the file it is in. */
static struct hv_register_value *
w_twin(struct world *w, uint32_t vp, const struct hv_register_value *slot, struct vsmtest_file **at)
{
	uint32_t i;

	for (i = 0; i <= W_VTLS; i++) {
		const struct vsmtest_file *file = w_file(w, vp, i);

		*at = &w->mirror[vp][i];
		if (file->values && slot >= file->values && slot < file->values + w->t->rows)
			return (*at)->values + (slot - file->values);
		if (slot >= file->xmm && slot < file->xmm + VSMTEST_COUNT(file->xmm))
			return (*at)->xmm + (slot - file->xmm);
	}
	ck_abort_msg("a register that is in no file");
	return NULL;
}

/* The mirror expects this value in a host register. */
static inline void w_expect(struct world *w, uint32_t vp, uint32_t vtl, uint32_t name,
			    struct hv_register_value value)
{
	struct vsmtest_file *file;
	struct hv_segment_register ss;

	*w_twin(w, vp, vsmtest_slot(w->t, vp, vtl, name), &file) = value;
	if (name == HV_X64_REGISTER_SS) {
		memcpy(&ss, &value, sizeof(ss));
		file->hidden.cpl = ss.attributes >> HV_X64_SEGMENT_DPL_SHIFT & 3u;
	}
}

/* Calls. */

/* Put a value into a register of the caller, and into the mirror. */
static void w_put(struct world *w, uint32_t name, uint64_t low)
{
	struct hv_register_value value = { low, 0 };

	*vsmtest_slot(w->t, W_CALLER, w->vtl, name) = value;
	w_expect(w, W_CALLER, w->vtl, name, value);
}

static void w_write_block(struct world *w, const struct w_call *call)
{
	struct hv_input_get_vp_registers header = {
		call->partition, call->index, call->input, { 0 }
	};
	uint8_t *in = vsmtest_ram(w->t, VSMTEST_IN_GPA(W_CALLER));

	memcpy(in, &header, sizeof(header));
	memcpy(in + 16, &call->name, 4);
	memcpy(in + 20, call->reserved, 12);
	memcpy(in + 32, &call->value, 16);
	memset(vsmtest_out(w->t, W_CALLER), 0xee, 64);
}

/* Another VP has to do it. */
static int w_wait(struct world *w)
{
	int verdict = VSM_VERDICT_BLOCKED;

	w->blocked = 1;
	/* Nothing has been done, and the caller stands at its trap. */
	if (!w->loose && w->index != w_index[W_RUNNING] && !w_same(w))
		vsmtest_breach(w->t, "a call that waits has changed something");
	vsmtest_prepare(w->t, W_IDLE);
	vsmtest_prepare(w->t, W_POOR);
	while (verdict == VSM_VERDICT_BLOCKED) {
		sem_wait(&w->kicked[W_CALLER]);
		verdict = vsmtest_prepare(w->t, W_CALLER);
	}
	return verdict;
}

/* The registers with which VP 0 makes the call: also what it finds if it asks for them. */
static inline void w_arm(struct world *w, const struct w_call *call)
{
	w_put(w, HV_X64_REGISTER_RAX, 0x5a5a5a5a);
	w_put(w, HV_X64_REGISTER_RCX,
	      VSMTEST_REP(call->set ? HVCALL_SET_VP_REGISTERS : HVCALL_GET_VP_REGISTERS, 1));
	w_put(w, HV_X64_REGISTER_RDX, VSMTEST_IN_GPA(W_CALLER));
	w_put(w, HV_X64_REGISTER_R8, VSMTEST_OUT_GPA(W_CALLER));
	w_put(w, HV_X64_REGISTER_RIP, W_RIP);
	w_write_block(w, call);
	w->index = call->index;
}

/* Execute the trap; the mirror expects the result and RIP. @return status or VSMTEST_VERDICT(). */
static inline uint32_t w_go(struct world *w)
{
	uint32_t kicks = w->t->count[VSMTEST_KICK];
	int verdict = vsmtest_trap(w->t, W_CALLER, W_RIP, 3);

	w->blocked = 0;
	if (verdict == VSM_VERDICT_BLOCKED)
		verdict = w_wait(w);
	w->kicks = w->t->count[VSMTEST_KICK] - kicks;
	if (verdict != VSM_VERDICT_RESUME)
		return VSMTEST_VERDICT(verdict);
	w->result = vsmtest_reg(w->t, W_CALLER, w->vtl, HV_X64_REGISTER_RAX);
	w_expect(w, W_CALLER, w->vtl, HV_X64_REGISTER_RAX,
		 (struct hv_register_value){ w->result, 0 });
	w_expect(w, W_CALLER, w->vtl, HV_X64_REGISTER_RIP,
		 (struct hv_register_value){ W_RIP + 3, 0 });
	return (uint32_t)w->result & 0xffff;
}

/* The machine. */

/* All VTLs of VP 0, which ends in its highest; then those of the others. */
static void w_enable(struct world *w)
{
	struct hv_initial_vp_context context;
	struct vsmtest *t = w->t;
	uint32_t vp, vtl;

	vsmtest_context64(&context);
	assert_status(vsmtest_enter_vtl1(t, W_CALLER), HV_STATUS_SUCCESS);
	for (vtl = 2; vtl < w->vtls; vtl++) {
		assert_status(vsmtest_enable_partition_vtl(t, W_CALLER, vtl), HV_STATUS_SUCCESS);
		assert_status(vsmtest_enable_vp_vtl(t, W_CALLER, 0, vtl, &context),
			      HV_STATUS_SUCCESS);
		assert_verdict(vsmtest_vtl_call(t, W_CALLER), VSM_VERDICT_SWITCHED);
		assert_verdict(vsmtest_hypercalls_on(t, W_CALLER), VSM_VERDICT_RESUME);
	}
	for (vp = 1; vp < W_VPS; vp++)
		for (vtl = vp == W_POOR ? 2 : 1; vtl < w->vtls; vtl++)
			assert_status(vsmtest_enable_vp_vtl(t, W_CALLER, w_index[vp], vtl,
							    &context),
				      HV_STATUS_SUCCESS);
	for (vp = 1; vp < W_VPS; vp++)
		assert_verdict(vsmtest_prepare(t, vp), VSM_VERDICT_RESUME);
	for (vtl = 1; vtl < w->vtls; vtl++)
		assert_verdict(vsmtest_vtl_call(t, W_RUNNING), VSM_VERDICT_SWITCHED);
}

/* No two registers hold the same, but those with which VP 0 runs. */
static inline void w_fill(struct world *w)
{
	static const uint32_t keep[] = { HV_X64_REGISTER_CR0,  HV_X64_REGISTER_CR4,
					 HV_X64_REGISTER_EFER, HV_X64_REGISTER_RFLAGS,
					 HV_X64_REGISTER_CS,   HV_X64_REGISTER_SS };
	uint32_t vp, vtl, i, k;

	for (i = 0; i < w->t->rows * w->vtls * W_VPS; i++) {
		const struct vsm_register_info *row = &w->t->row[i % w->t->rows];
		struct hv_register_value *slot;

		vtl = i / w->t->rows % w->vtls;
		vp = i / w->t->rows / w->vtls;
		for (k = 0; k < VSMTEST_COUNT(keep) && keep[k] != row->name; k++)
			;
		if (k < VSMTEST_COUNT(keep) || row->flags & VSM_REG_ALIAS ||
		    (vsmtest_row_shared(w->t, row) && vtl != w->t->vp[vp].active))
			continue;
		slot = vsmtest_slot(w->t, vp, vtl, row->name);
		slot->low = 0x5100000000000000ull | (vp * 16ull + vtl) << 32 | (i % w->t->rows);
		slot->high = row->bytes == 16 ? ~slot->low : 0;
	}
}

static inline void w_new(struct world *w, uint32_t vtls, uint32_t vtl, uint32_t host_flags)
{
	struct vsmtest_opts opts;
	uint32_t i;

	memset(w, 0, sizeof(*w));
	oracle_load(&w->oracle);
	w->vtls = vtls;
	w->vtl = vtls - 1;
	vsmtest_opts_init(&opts);
	opts.vps = W_VPS;
	opts.config.max_vps = 12;
	opts.config.max_vtl = vtls - 1;
	opts.config.apic_hz = W_APIC_HZ;
	opts.config.host_flags |= host_flags;
	memcpy(opts.vp_index, w_index, sizeof(w_index));
	w->t = vsmtest_new(&opts);
	w->t->tsc += W_TICKS;
	w_enable(w);
	for (; w->vtl > vtl; w->vtl--)
		assert_verdict(vsmtest_vtl_return(w->t, W_CALLER, 1), VSM_VERDICT_SWITCHED);
	for (i = 0; i < W_VPS; i++)
		sem_init(&w->kicked[i], 0, 0);
	w->t->hook_arg = w;
	w->t->hook = w_on_op;
	/* Rights never change here; the mirror is the tighter check. */
	w->t->relaxed = 1;
}

static inline void w_start_thread(struct world *w)
{
	w->t->threads = w->has_thread = 1;
	ck_assert_int_eq(pthread_create(&w->thread, NULL, w_run, w), 0);
}

static inline void w_free(struct world *w)
{
	uint32_t vp, i;

	if (w->has_thread) {
		atomic_store(&w->stop, 1);
		sem_post(&w->kicked[W_RUNNING]);
		pthread_join(w->thread, NULL);
	}
	w->t->hook = NULL;
	for (i = 0; i < W_VPS; i++)
		sem_destroy(&w->kicked[i]);
	for (vp = 0; vp < W_VPS; vp++)
		for (i = 0; i <= W_VTLS; i++)
			free(w->mirror[vp][i].values);
	vsmtest_free(w->t);
}

#endif
