/* SPDX-License-Identifier: BSD-3-Clause */
#include "protect_plan.h"

#include "enforceable.h"
#include "host.h"
#include "inflight.h"
#include "ops.h"

void plan_start(struct vsm_vp *vp, uint32_t owner_vtl, uint32_t first)
{
	struct protect_plan *plan = &vp->plan;

	plan->count = 0;
	plan->page_count = 0;
	plan->flush = 0;
	plan->unenforced = 0;
	plan->failed = 0;
	plan->all_back = 0;
	plan->first = first;
	plan->end = first;
	plan->owner_vtl = owner_vtl;
	plan->status = HV_STATUS_SUCCESS;
}

int plan_add(struct vsm_vp *vp, uint32_t vtl, uint64_t gpa, uint64_t size, uint32_t before,
	     uint32_t after)
{
	struct protect_plan *plan = &vp->plan;
	uint32_t from = protect_host_rights(vp->vsm, before);
	uint32_t to = protect_host_rights(vp->vsm, after);
	struct vsm_protect_range *last;

	if (from == to)
		return 1;
	if ((from & ~to) != 0)
		plan->flush |= 1u << vtl;
	if (plan->count != 0) {
		last = &plan->ranges[plan->count - 1];
		if (last->vtl == vtl && last->gpa + last->size == gpa && last->rights == to) {
			last->size += size;
			return 1;
		}
	}
	if (plan->count == plan->max_ranges)
		return 0;
	plan->ranges[plan->count] = (struct vsm_protect_range){ gpa, size, vtl, to };
	plan->count++;
	return 1;
}

struct plan_bound plan_bound(const struct protect_plan *plan, uint32_t applied)
{
	struct plan_bound bound = { 0, 0 };

	if (applied != 0) {
		bound.vtl = plan->ranges[applied - 1].vtl;
		bound.gpa = plan->ranges[applied - 1].gpa + plan->ranges[applied - 1].size;
	}
	return bound;
}

uint64_t plan_applied(struct plan_bound bound, uint32_t vtl, uint64_t gpa, uint64_t size)
{
	if (vtl != bound.vtl)
		return vtl < bound.vtl ? size : 0;
	if (gpa >= bound.gpa)
		return 0;
	return size < bound.gpa - gpa ? size : bound.gpa - gpa;
}

/* The host gives back what `undo` planned. */
static int restore_host(struct vsm_vp *vp)
{
	struct protect_plan *plan = &vp->plan;
	uint32_t ignored;

	if (plan->count == 0 ||
	    host_protect(vp->vsm, vp, plan->ranges, plan->count, &ignored, 0) == 0)
		return 0;
	log_line(vp->vsm, LOG_PROTECT, VSM_LOG_ERROR,
		 "protect: the host could not take back what it had applied");
	return -VSM_ERR_STATE;
}

static int plan_end(struct vsm_vp *vp)
{
	int r = vp->plan.failed ? vp->plan.status : vp->plan_done(vp);

	op_release(vp);
	return r;
}

/* Other VPs' hypercalls are no longer in accesses that the old rights allowed. */
static int settled(struct vsm_vp *vp, int result, uint32_t done)
{
	(void)result;
	(void)done;
	return plan_end(vp);
}

/*
 * TLFS 15.9.2: no VP may use the old rights when the call returns. A flush that failed stays owed:
 * the call fails, and no later one succeeds before it was made up for.
 */
static int flush_next(struct vsm_vp *vp, int result, uint32_t done)
{
	struct vsm *vsm = vp->vsm;
	/* A flush that was owed is of a change whose call failed: nobody has waited for it
	 * either. */
	uint32_t lost = vp->plan.flush | vp->plan.flushing;
	uint32_t vtl;

	(void)done;
	if (result != 0) {
		op_release(vp);
		return -VSM_ERR_HOST;
	}
	vsm->flush_owed &= ~vp->plan.flushing;
	vp->plan.flushing = 0;
	if (vsm->flush_owed == 0)
		return lost != 0 ? inflight_wait(vp, settled) : plan_end(vp);
	vtl = (uint32_t)__builtin_ctz(vsm->flush_owed);
	vp->plan.flushing = 1u << vtl;
	return deferred_end(vp, host_tlb_flush(vsm, vp, vtl, deferred_begin(vp, flush_next)), 0);
}

static int flush_all(struct vsm_vp *vp)
{
	struct vsm *vsm = vp->vsm;

	if ((vsm->config.host_flags & VSM_HOST_PROTECT_FLUSHES) == 0)
		vsm->flush_owed |= vp->plan.flush;
	vp->plan.flushing = 0;
	return flush_next(vp, 0, 0);
}

/*
 * Undo all but the elements that the host has wholly applied. A host that fails and says that it
 * has applied all, or more than there was, cannot be believed: all is taken back, on it too.
 */
static int take_back(struct vsm_vp *vp, uint32_t applied, int result)
{
	struct protect_plan *plan = &vp->plan;

	plan->all_back = applied >= plan->count;
	if (plan->all_back)
		applied = plan->count;
	return vp->plan_undo(vp, applied, result);
}

static int protect_finished(struct vsm_vp *vp, int result, uint32_t applied)
{
	struct protect_plan *plan = &vp->plan;

	if (result == -VSM_ERR_STATE) {
		/* The host does not know any more what it enforces: nothing may run on. */
		vp->plan_undo(vp, 0, result);
		op_release(vp);
		return -VSM_ERR_HOST;
	}
	if (result != 0) {
		plan->failed = 1;
		plan->status = take_back(vp, applied, result);
		if (restore_host(vp) != 0) {
			op_release(vp);
			return -VSM_ERR_HOST; /* As above: host and table have parted. */
		}
	}
	return flush_all(vp);
}

int plan_run(struct vsm_vp *vp, int (*undo)(struct vsm_vp *vp, uint32_t applied, int result),
	     int (*done)(struct vsm_vp *vp))
{
	struct protect_plan *plan = &vp->plan;
	uint32_t applied = 0;
	uint64_t token;
	int r;

	vp->plan_undo = undo;
	vp->plan_done = done;
	if (plan->count == 0)
		return flush_all(vp);
	token = deferred_begin(vp, protect_finished);
	r = host_protect(vp->vsm, vp, plan->ranges, plan->count, &applied, token);
	return deferred_end(vp, r, applied);
}
