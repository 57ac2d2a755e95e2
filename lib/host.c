/* SPDX-License-Identifier: BSD-3-Clause */
#include "host.h"

#include <stdlib.h>
#include <string.h>

#include "fmt.h"

/* A log op that makes calls which are logged would never end; more threads than this are rare. */
#define LINES_AT_ONCE 4u

static void emit(struct vsm *vsm, int32_t level, const char *text)
{
	if (vsm->ops.log == NULL)
		return;
	if (atomic_fetch_add(&vsm->logging, 1) < LINES_AT_ONCE)
		vsm->ops.log(vsm->opaque, level, text);
	atomic_fetch_sub(&vsm->logging, 1);
}

/* 1st, 2nd, 4th, 8th ... line of a kind: a guest cannot flood the log. */
static int log_due(struct vsm *vsm, enum log_kind kind)
{
	uint32_t n = atomic_fetch_add_explicit(&vsm->log_count[kind], 1, memory_order_relaxed) + 1;

	return (n & (n - 1)) == 0;
}

void log_line(struct vsm *vsm, enum log_kind kind, int32_t level, const char *text)
{
	if (log_due(vsm, kind))
		emit(vsm, level, text);
}

void log_misuse(struct vsm *vsm, const char *who, const char *what)
{
	struct line line;

	line_init(&line);
	line_str(&line, who);
	line_str(&line, ": ");
	line_str(&line, what);
	emit(vsm, VSM_LOG_ERROR, line.text);
}

/* Ops may take any lock of the VMM, so none of ours may be held around them. */
int host_may_call(struct vsm *vsm, struct vsm_vp *vp, const char *op)
{
	if (vp == NULL || vp->locks_held == 0)
		return 1;
	log_misuse(vsm, op, "a lock of libvsm is held over a host op");
	return 0;
}

static int failed(struct vsm *vsm, const char *op, int result)
{
	struct line line;

	atomic_fetch_add_explicit(&vsm->host_errors, 1, memory_order_relaxed);
	if (log_due(vsm, LOG_HOST_OP)) {
		line_init(&line);
		line_str(&line, "host op ");
		line_str(&line, op);
		line_str(&line, " failed with ");
		line_int(&line, result);
		line_str(&line, ": ");
		line_str(&line, vsm_strerror(result));
		emit(vsm, VSM_LOG_ERROR, line.text);
	}
	return -VSM_ERR_HOST;
}

/* What an op without a meaningful error of its own comes to. */
int host_outcome(struct vsm *vsm, const char *op, int result)
{
	return result == 0 ? 0 : failed(vsm, op, result);
}

/* What an op that may be pending comes to: not without a token, nor without a kick to end it. */
static int outcome_deferred(struct vsm *vsm, const char *op, int result, uint64_t token)
{
	if (result == 0)
		return 0;
	if (result == VSM_PENDING && token != 0 && vsm->ops.kick != NULL)
		return VSM_PENDING;
	failed(vsm, op, result);
	return result < 0 ? result : -VSM_ERR_HOST;
}

void regs_name(struct vsm_reg *regs, const uint32_t *names, uint32_t count)
{
	memset(regs, 0, count * sizeof(*regs));
	for (uint32_t i = 0; i < count; i++)
		regs[i].name = names[i];
}

int host_regs_get(struct vsm_vp *vp, uint32_t vtl, uint32_t groups, struct vsm_reg *regs,
		  uint32_t count)
{
	int r;

	if (!host_may_call(vp->vsm, vp, "regs_get"))
		return -VSM_ERR_HOST;
	r = vp->vsm->ops.regs_get(vp->opaque, vtl, groups, regs, count);
	if (r == 0 || r == -VSM_ERR_NOTFOUND)
		return r;
	return failed(vp->vsm, "regs_get", r);
}

int host_regs_set(struct vsm_vp *vp, uint32_t vtl, uint32_t groups, const struct vsm_reg *regs,
		  uint32_t count)
{
	int r;

	if (!host_may_call(vp->vsm, vp, "regs_set"))
		return -VSM_ERR_HOST;
	r = vp->vsm->ops.regs_set(vp->opaque, vtl, groups, regs, count);
	if (r == 0 || r == -VSM_ERR_NOTFOUND || r == -VSM_ERR_INVAL)
		return r;
	return failed(vp->vsm, "regs_set", r);
}

int host_xmm_get(struct vsm_vp *vp, uint32_t vtl, struct vsm_xmm_block *block)
{
	if (!host_may_call(vp->vsm, vp, "xmm_get"))
		return -VSM_ERR_HOST;
	return host_outcome(vp->vsm, "xmm_get", vp->vsm->ops.xmm_get(vp->opaque, vtl, block));
}

int host_xmm_set(struct vsm_vp *vp, uint32_t vtl, const struct vsm_xmm_block *block)
{
	if (!host_may_call(vp->vsm, vp, "xmm_set"))
		return -VSM_ERR_HOST;
	return host_outcome(vp->vsm, "xmm_set", vp->vsm->ops.xmm_set(vp->opaque, vtl, block));
}

int host_switch(struct vsm_vp *vp, uint32_t from, uint32_t to, uint32_t phase)
{
	if (!host_may_call(vp->vsm, vp, "switch_vtl"))
		return -VSM_ERR_HOST;
	return host_outcome(vp->vsm, "switch_vtl",
			    vp->vsm->ops.switch_vtl(vp->opaque, from, to, phase));
}

int host_overlay_map(struct vsm *vsm, struct vsm_vp *vp, const struct vsm_overlay *overlay,
		     uint64_t token)
{
	if (!host_may_call(vsm, vp, "overlay_map"))
		return -VSM_ERR_HOST;
	return outcome_deferred(vsm, "overlay_map",
				vsm->ops.overlay_map(vsm->opaque, overlay, token), token);
}

int host_protect(struct vsm *vsm, struct vsm_vp *vp, const struct vsm_protect_range *ranges,
		 uint32_t count, uint32_t *done, uint64_t token)
{
	int r;

	*done = 0;
	if (!host_may_call(vsm, vp, "protect"))
		return -VSM_ERR_HOST;
	r = vsm->ops.protect(vsm->opaque, ranges, count, done, token);
	return outcome_deferred(vsm, "protect", r, token);
}

int host_tlb_flush(struct vsm *vsm, struct vsm_vp *vp, uint32_t vtl, uint64_t token)
{
	if (!host_may_call(vsm, vp, "tlb_flush"))
		return -VSM_ERR_HOST;
	return outcome_deferred(vsm, "tlb_flush",
				vsm->ops.tlb_flush(vsm->opaque, vtl, VSM_ALL_VPS, token), token);
}

void host_kick(struct vsm_vp *vp, struct vsm_vp *target)
{
	if (target->vsm->ops.kick != NULL && host_may_call(target->vsm, vp, "kick"))
		target->vsm->ops.kick(target->opaque);
}

int host_inject(struct vsm_vp *vp, uint32_t vtl, const struct vsm_exception *event)
{
	if (!host_may_call(vp->vsm, vp, "inject_event"))
		return -VSM_ERR_HOST;
	return host_outcome(vp->vsm, "inject_event",
			    vp->vsm->ops.inject_event(vp->opaque, vtl, event));
}

int host_interrupt(struct vsm_vp *vp, uint32_t vtl, uint32_t vector, uint32_t auto_eoi)
{
	if (!host_may_call(vp->vsm, vp, "interrupt"))
		return -VSM_ERR_HOST;
	return host_outcome(vp->vsm, "interrupt",
			    vp->vsm->ops.interrupt(vp->opaque, vtl, vector, auto_eoi));
}

uint8_t host_insn_decode(struct vsm_vp *vp, const uint8_t *bytes, uint32_t count, uint32_t mode)
{
	int length;

	if (vp->vsm->ops.insn_decode == NULL || !host_may_call(vp->vsm, vp, "insn_decode"))
		return 0;
	length = vp->vsm->ops.insn_decode(vp->vsm->opaque, bytes, count, mode);
	/* No instruction is longer than 15 bytes (SDM vol. 2A, 2.3.11). */
	return length > 0 && length <= 15 && (uint32_t)length <= count ? (uint8_t)length : 0;
}

void host_crash(struct vsm_vp *vp, const struct vsm_crash *crash)
{
	if (host_may_call(vp->vsm, vp, "crash"))
		vp->vsm->ops.crash(vp->vsm->opaque, crash);
}

void *host_alloc(const struct vsm_host_ops *ops, void *opaque, size_t size)
{
	return ops->alloc != NULL ? ops->alloc(opaque, size) : calloc(1, size);
}

void host_free(const struct vsm_host_ops *ops, void *opaque, void *ptr, size_t size)
{
	if (ptr == NULL)
		return;
	if (ops->alloc != NULL)
		ops->free(opaque, ptr, size);
	else
		free(ptr);
}
