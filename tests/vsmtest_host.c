/* SPDX-License-Identifier: BSD-3-Clause */
/* The host ops of the fake host, and the watch over how the library uses them. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vsmtest_internal.h"

#define ALLOC_HEAD 32u

static void default_failure(const char *text)
{
	fprintf(stderr, "vsmtest: %s\n", text);
	abort();
}

void (*vsmtest_on_failure)(const char *text) = default_failure;

static const char *const op_names[VSMTEST_OPS] = {
	"regs_get",	"regs_set",	 "xmm_get",	"xmm_set",   "switch_vtl", "gpa_read",
	"gpa_write",	"overlay_arena", "overlay_map", "protect",   "tlb_flush",  "kick",
	"inject_event", "interrupt",	 "tsc",		"tsc_hz",    "alloc",	   "free",
	"log",		"crash",	 "insn_decode", "thread_id",
};

const char *vsmtest_op_name(uint32_t op)
{
	return op < VSMTEST_OPS ? op_names[op] : "no op";
}

void vsmtest_breach(struct vsmtest *t, const char *fmt, ...)
{
	va_list ap;

	if (t->breached)
		return;
	va_start(ap, fmt);
	vsnprintf(t->breach, sizeof(t->breach), fmt, ap);
	va_end(ap);
	t->breached = 1;
}

struct vsmtest_entry *vsmtest_entry(void)
{
	static _Thread_local struct vsmtest_entry entry;

	return &entry;
}

int vsmtest_row(const struct vsmtest *t, uint32_t name)
{
	uint32_t low = 0, high = t->rows;

	while (low < high) {
		uint32_t mid = (low + high) / 2;

		if (t->row[mid].name == name)
			return (int)mid;
		if (t->row[mid].name < name)
			low = mid + 1;
		else
			high = mid;
	}
	return -1;
}

/* The next call of an op fails by its own switch, or by the one that counts all ops. */
static int fault_due(struct vsmtest *t, enum vsmtest_op op, int failable)
{
	struct vsmtest_fault *fault = &t->fault[op];

	if (t->quiet || !failable)
		return 0;
	t->failable++;
	if (t->fault_any && t->failable == t->fault_any) {
		t->faults_hit++;
		return t->fault_result ? t->fault_result : -VSM_ERR_HOST;
	}
	if (!fault->at)
		return 0;
	if (fault->at > 1) {
		fault->at--;
		return 0;
	}
	if (!fault->times)
		return 0;
	fault->times--;
	t->faults_hit++;
	return fault->result;
}

static void record(struct vsmtest *t, enum vsmtest_op op, uint32_t vp, uint32_t vtl, uint64_t a,
		   uint64_t b, int result)
{
	struct vsmtest_call *call = &t->call[t->calls % VSMTEST_MAX_CALLS];

	if (t->quiet)
		return;
	call->op = op;
	call->vp = vp;
	call->vtl = vtl;
	call->a = a;
	call->b = b;
	call->result = result;
	t->calls++;
}

int vsmtest_op_begin(struct vsmtest *t, enum vsmtest_op op, struct vsmtest_vp *vp, uint32_t vtl,
		     uint64_t a, uint64_t b)
{
	const struct vsmtest_entry *entry = vsmtest_entry();
	uint32_t slot = vp ? vp->slot : VSM_ALL_VPS;
	int failable = op != VSMTEST_KICK && op != VSMTEST_TSC && op != VSMTEST_TSC_HZ &&
		       op != VSMTEST_CRASH;
	int result;

	pthread_mutex_lock(&t->lock);
	t->count[op]++;
	if (t->dead)
		vsmtest_breach(t, "%s after the partition was destroyed", op_names[op]);
	if (vp && op != VSMTEST_KICK &&
	    (entry->t != t || (entry->vp != slot && entry->vp != VSMTEST_ENTRY_PARTITION)))
		vsmtest_breach(t, "%s for VP %u outside of its entry or thread", op_names[op],
			       slot);
	if (!vp && op != VSMTEST_TSC && op != VSMTEST_TSC_HZ && op != VSMTEST_OVERLAY_ARENA &&
	    entry->t != t)
		vsmtest_breach(t, "%s outside of an entry", op_names[op]);
	if (vtl > t->opts.config.max_vtl)
		vsmtest_breach(t, "%s for VTL %u, which does not exist", op_names[op], vtl);
	if (op == VSMTEST_SWITCH_VTL && b != VSM_SWITCH_PREPARE)
		failable = 0;
	result = fault_due(t, op, failable);
	record(t, op, slot, vtl, a, b, result);
	pthread_mutex_unlock(&t->lock);
	if (t->hook && !t->quiet)
		t->hook(t, op, slot);
	return result;
}

static int op_switch_vtl(void *opaque, uint32_t from, uint32_t to, uint32_t phase)
{
	struct vsmtest_vp *vp = opaque;
	struct vsmtest *t = vp->t;
	int result = vsmtest_op_begin(t, VSMTEST_SWITCH_VTL, vp, to, from, phase);

	if (from > t->opts.config.max_vtl || from == to || phase > VSM_SWITCH_ABORT) {
		vsmtest_breach(t, "switch_vtl %u to %u, phase %u", from, to, phase);
		return -VSM_ERR_INVAL;
	}
	if (phase == VSM_SWITCH_PREPARE) {
		if (vp->switching)
			vsmtest_breach(t, "switch_vtl: PREPARE within a switch");
		if (from != vp->active)
			vsmtest_breach(t, "switch_vtl from %u while %u is active", from,
				       vp->active);
		if (!result)
			vsmtest_switch_prepare(vp, from, to);
		return result;
	}
	if (!vp->switching || vp->from != from || vp->to != to)
		vsmtest_breach(t, "switch_vtl: COMMIT or ABORT of no switch under way");
	vsmtest_switch_end(vp, phase == VSM_SWITCH_COMMIT);
	return 0;
}

static void op_kick(void *opaque)
{
	struct vsmtest_vp *vp = opaque;

	vsmtest_op_begin(vp->t, VSMTEST_KICK, vp, 0, 0, 0);
	pthread_mutex_lock(&vp->t->lock);
	vp->kicks++;
	pthread_mutex_unlock(&vp->t->lock);
}

static int op_inject_event(void *opaque, uint32_t vtl, const struct vsm_exception *event)
{
	struct vsmtest_vp *vp = opaque;
	int result = vsmtest_op_begin(vp->t, VSMTEST_INJECT_EVENT, vp, vtl,
				      event ? event->vector : ~0ull, 0);
	struct vsmtest_file *file;

	if (result)
		return result;
	if (vtl == vp->active)
		vsmtest_breach(vp->t, "inject_event into the VTL that runs");
	if (event && (event->vector > 31 || event->reserved))
		vsmtest_breach(vp->t, "inject_event of vector %u", event->vector);
	file = vsmtest_file_of(vp, vtl, 0);
	file->has_event = event != NULL;
	memset(&file->event, 0, sizeof(file->event));
	if (event)
		file->event = *event;
	return 0;
}

static int op_interrupt(void *opaque, uint32_t vtl, uint32_t vector, uint32_t auto_eoi)
{
	struct vsmtest_vp *vp = opaque;
	int result = vsmtest_op_begin(vp->t, VSMTEST_INTERRUPT, vp, vtl, vector, auto_eoi);

	if ((vector < 16 || vector > 255) && vector != VSM_VECTOR_NMI)
		vsmtest_breach(vp->t, "interrupt %u", vector);
	if (result)
		return result;
	vp->interrupts++;
	vp->last_vector = vector;
	vp->last_vtl = vtl;
	vp->last_auto_eoi = auto_eoi;
	return 0;
}

static uint64_t op_tsc(void *opaque)
{
	struct vsmtest *t = opaque;
	uint64_t now;

	vsmtest_op_begin(t, VSMTEST_TSC, NULL, 0, 0, 0);
	pthread_mutex_lock(&t->lock);
	now = t->tsc;
	t->tsc += t->tsc_step;
	pthread_mutex_unlock(&t->lock);
	return now;
}

static uint64_t op_tsc_hz(void *opaque)
{
	struct vsmtest *t = opaque;

	vsmtest_op_begin(t, VSMTEST_TSC_HZ, NULL, 0, 0, 0);
	return t->opts.tsc_hz;
}

/* Each block remembers its size in front of it, so that free can be checked. */
static void *op_alloc(void *opaque, size_t size)
{
	struct vsmtest *t = opaque;
	uint8_t *block;

	t->count[VSMTEST_ALLOC]++;
	if (t->dead)
		vsmtest_breach(t, "alloc after the partition was destroyed");
	if (!t->may_allocate)
		vsmtest_breach(t, "alloc of %zu bytes on the run path", size);
	if (t->alloc_fail_at && --t->alloc_fail_at == 0) {
		t->alloc_fail_at = t->alloc_fail_on ? 1 : 0;
		t->faults_hit++;
		return NULL;
	}
	block = calloc(1, size + ALLOC_HEAD);
	if (!block)
		return NULL;
	memcpy(block, &size, sizeof(size));
	t->live++;
	t->live_bytes += size;
	return block + ALLOC_HEAD;
}

static void op_free(void *opaque, void *ptr, size_t size)
{
	struct vsmtest *t = opaque;
	uint8_t *block = ptr;
	size_t asked;

	t->count[VSMTEST_FREE]++;
	if (!ptr) {
		vsmtest_breach(t, "free of NULL");
		return;
	}
	block -= ALLOC_HEAD;
	memcpy(&asked, block, sizeof(asked));
	if (asked != size)
		vsmtest_breach(t, "free of %zu bytes that were allocated as %zu", size, asked);
	t->live--;
	t->live_bytes -= asked;
	memset(block, 0xdd, asked + ALLOC_HEAD);
	free(block);
}

static void op_log(void *opaque, int32_t level, const char *line)
{
	struct vsmtest *t = opaque;

	pthread_mutex_lock(&t->lock);
	t->count[VSMTEST_LOG]++;
	if (t->dead)
		vsmtest_breach(t, "log after the partition was destroyed");
	if (level < VSM_LOG_ERROR || level > VSM_LOG_INFO || strlen(line) > 200 ||
	    strchr(line, '\n'))
		vsmtest_breach(t, "log line of level %d, %zu characters", level, strlen(line));
	snprintf(t->line[t->lines % VSMTEST_MAX_LINES], sizeof(t->line[0]), "%s", line);
	t->level[t->lines % VSMTEST_MAX_LINES] = level;
	t->lines++;
	pthread_mutex_unlock(&t->lock);
}

static void op_crash(void *opaque, const struct vsm_crash *crash)
{
	struct vsmtest *t = opaque;

	vsmtest_op_begin(t, VSMTEST_CRASH, NULL, 0, crash->control, crash->params[0]);
	t->crash = *crash;
}

/* No op of the guest's: not in the log of calls, and it may come from any thread. */
static uint64_t op_thread_id(void *opaque)
{
	struct vsmtest *t = opaque;

	pthread_mutex_lock(&t->lock);
	t->count[VSMTEST_THREAD_ID]++;
	pthread_mutex_unlock(&t->lock);
	if (t->no_thread)
		return 0;
	return t->thread != 0 ? t->thread : (uint64_t)pthread_self();
}

static int op_insn_decode(void *opaque, const uint8_t *bytes, uint32_t count, uint32_t mode)
{
	struct vsmtest *t = opaque;
	int r = vsmtest_op_begin(t, VSMTEST_INSN_DECODE, NULL, 0, count, mode);

	if (count == 0 || count > 16 || (mode != 16 && mode != 32 && mode != 64))
		vsmtest_breach(t, "insn_decode of %u bytes in mode %u", count, mode);
	else
		memcpy(t->insn_bytes, bytes, count);
	t->insn_count = count;
	t->insn_mode = mode;
	return r != 0 ? r : t->insn_length;
}

/* Clear the ops that the test wants absent. */
static void drop_ops(struct vsm_host_ops *ops, uint32_t absent)
{
#define DROP(bit, member)                      \
	do {                                   \
		if (absent & VSMTEST_BIT(bit)) \
			ops->member = NULL;    \
	} while (0)
	DROP(VSMTEST_REGS_GET, regs_get);
	DROP(VSMTEST_REGS_SET, regs_set);
	DROP(VSMTEST_XMM_GET, xmm_get);
	DROP(VSMTEST_XMM_SET, xmm_set);
	DROP(VSMTEST_SWITCH_VTL, switch_vtl);
	DROP(VSMTEST_GPA_READ, gpa_read);
	DROP(VSMTEST_GPA_WRITE, gpa_write);
	DROP(VSMTEST_OVERLAY_ARENA, overlay_arena);
	DROP(VSMTEST_OVERLAY_MAP, overlay_map);
	DROP(VSMTEST_PROTECT, protect);
	DROP(VSMTEST_TLB_FLUSH, tlb_flush);
	DROP(VSMTEST_KICK, kick);
	DROP(VSMTEST_INJECT_EVENT, inject_event);
	DROP(VSMTEST_INTERRUPT, interrupt);
	DROP(VSMTEST_TSC, tsc);
	DROP(VSMTEST_TSC_HZ, tsc_hz);
	DROP(VSMTEST_ALLOC, alloc);
	DROP(VSMTEST_FREE, free);
	DROP(VSMTEST_LOG, log);
	DROP(VSMTEST_CRASH, crash);
	DROP(VSMTEST_INSN_DECODE, insn_decode);
	DROP(VSMTEST_THREAD_ID, thread_id);
#undef DROP
}

void vsmtest_ops(struct vsmtest *t, struct vsm_host_ops *ops)
{
	const struct vsm_host_ops all = {
		.size = sizeof(all),
		.regs_get = vsmtest_op_regs_get,
		.regs_set = vsmtest_op_regs_set,
		.xmm_get = vsmtest_op_xmm_get,
		.xmm_set = vsmtest_op_xmm_set,
		.switch_vtl = op_switch_vtl,
		.gpa_read = vsmtest_op_gpa_read,
		.gpa_write = vsmtest_op_gpa_write,
		.overlay_arena = vsmtest_op_overlay_arena,
		.overlay_map = vsmtest_op_overlay_map,
		.protect = vsmtest_op_protect,
		.tlb_flush = vsmtest_op_tlb_flush,
		.kick = op_kick,
		.inject_event = op_inject_event,
		.interrupt = op_interrupt,
		.tsc = op_tsc,
		.tsc_hz = op_tsc_hz,
		.alloc = op_alloc,
		.free = op_free,
		.log = op_log,
		.crash = op_crash,
		.insn_decode = op_insn_decode,
		.thread_id = op_thread_id,
	};

	*ops = all;
	drop_ops(ops, t->opts.null_ops);
}
