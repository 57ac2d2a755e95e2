/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_register.h"

#include "enforceable.h"
#include "host.h"
#include "ops.h"
#include "protect_plan.h"
#include "protmap.h"

#define PROTECT	     HV_VSM_PARTITION_CONFIG_ENABLE_VTL_PROTECTION
#define DEFAULT_MASK HV_VSM_PARTITION_CONFIG_DEFAULT_VTL_PROTECTION_MASK

/* What this version acts upon; a bit that would do nothing is refused. */
static uint64_t writable(const struct vsm *vsm)
{
	uint64_t bits = PROTECT | DEFAULT_MASK | HV_VSM_PARTITION_CONFIG_ZERO_MEMORY_ON_RESET;

	if ((vsm->capabilities & VSM_CAP_STARTUP) != 0)
		bits |= HV_VSM_PARTITION_CONFIG_DENY_LOWER_VTL_STARTUP;
	return bits;
}

static uint32_t default_mask(uint64_t config)
{
	return (uint32_t)((config & DEFAULT_MASK) >>
			  HV_VSM_PARTITION_CONFIG_DEFAULT_VTL_PROTECTION_SHIFT);
}

static int check(const struct vsm_vp *vp, uint32_t vtl, uint64_t value)
{
	const struct vsm *vsm = vp->vsm;
	uint64_t old = msr_load(&vsm->vtl[vtl].config);
	uint32_t mask = default_mask(value);

	if ((value & ~writable(vsm)) != 0)
		return HV_STATUS_INVALID_REGISTER_VALUE;
	if ((atomic_load(&vsm->enabled) & (1u << vtl)) == 0)
		return HV_STATUS_INVALID_VTL_STATE;
	if ((old & PROTECT) != 0 && (value & PROTECT) == 0)
		return HV_STATUS_INVALID_REGISTER_VALUE;
	if (!protect_legal(vsm, vtl, mask) || !protect_accepted(vsm, vtl, mask))
		return HV_STATUS_INVALID_REGISTER_VALUE;
	if ((old & PROTECT) != 0 && mask != default_mask(old))
		return HV_STATUS_INVALID_REGISTER_VALUE;
	return HV_STATUS_SUCCESS;
}

static void map_set(const struct vsm *vsm, uint32_t vtl, uint64_t config)
{
	vsm_protmap_default_set(vsm->map, vtl, default_mask(config));
	vsm_protmap_enable(vsm->map, vtl, (config & PROTECT) != 0);
}

int config_register_legal(const struct vsm *vsm, uint32_t vtl, uint64_t value, int mbec)
{
	uint32_t mask = default_mask(value);

	if (vtl == 0)
		return value == 0;
	if ((value & ~writable(vsm)) != 0 || ((value & PROTECT) != 0 && vsm->map == NULL))
		return 0;
	return vsm_rights_valid(mask, mbec) &&
	       ((mbec ? vsm->accepted_mbec : vsm->accepted) & (1u << mask)) != 0;
}

void config_register_load(const struct vsm *vsm, uint32_t vtl)
{
	if (vsm->map != NULL)
		map_set(vsm, vtl, msr_load(&vsm->vtl[vtl].config));
}

/* What the set of `vtl` adds to the map as it is. */
static struct protmap_view view_with(const struct vsm *vsm, uint32_t vtl, uint32_t mask)
{
	struct protmap_view view;

	protmap_view_now(vsm->map, &view);
	view.enabled |= 1u << vtl;
	view.defaults[vtl] = (uint8_t)mask;
	return view;
}

/*
 * The set of `vtl` begins to act: what it takes from the VTLs below. The map is walked by runs, so
 * that a default mask costs what the pages cost that were set before (TLFS 15.9.1), not what RAM
 * costs. 0: more runs than a plan, and so a host, has room for.
 */
static int plan_switch_on(struct vsm_vp *vp, uint32_t vtl, const struct protmap_view *before,
			  const struct protmap_view *after)
{
	struct vsm_range run;
	uint32_t from, to;

	for (uint32_t lower = 0; lower < vtl; lower++) {
		uint32_t runs = 0;

		for (uint64_t gpa = 0; protmap_view_diff(vp->vsm->map, before, after, lower, gpa,
							 &run, &from, &to) == 0;
		     gpa = run.gpa + run.size) {
			/* Runs count, not the ranges they become: they may have to be given back
			 * one by one. */
			if (++runs > HC_LIST_MAX ||
			    !plan_add(vp, lower, run.gpa, run.size, from, to))
				return 0;
		}
	}
	return 1;
}

static int switch_on(struct vsm_vp *vp, uint32_t vtl, uint32_t mask)
{
	struct protmap_view before;
	struct protmap_view after = view_with(vp->vsm, vtl, mask);

	protmap_view_now(vp->vsm->map, &before);
	return plan_switch_on(vp, vtl, &before, &after);
}

/* What the host has applied of it goes back. */
static void plan_switch_off(struct vsm_vp *vp, uint32_t vtl, struct plan_bound bound,
			    const struct protmap_view *before, const struct protmap_view *after)
{
	struct vsm_range run;
	uint32_t from, to;

	for (uint32_t lower = 0; lower < vtl; lower++) {
		for (uint64_t gpa = 0; protmap_view_diff(vp->vsm->map, before, after, lower, gpa,
							 &run, &from, &to) == 0;
		     gpa = run.gpa + run.size) {
			uint64_t size = plan_applied(bound, lower, run.gpa, run.size);

			if (size != 0)
				plan_add(vp, lower, run.gpa, size, to, from);
		}
	}
}

static int undo(struct vsm_vp *vp, uint32_t applied, int result)
{
	struct protect_plan *plan = &vp->plan;
	struct plan_bound bound = plan_bound(plan, applied);
	struct protmap_view before, after;

	protmap_view_now(vp->vsm->map, &after);
	msr_store(&vp->vsm->vtl[plan->owner_vtl].config, plan->config);
	map_set(vp->vsm, plan->owner_vtl, plan->config);
	protmap_view_now(vp->vsm->map, &before);
	plan->count = 0;
	plan_switch_off(vp, plan->owner_vtl, bound, &before, &after);
	return result == -VSM_ERR_NOMEM ? HV_STATUS_INSUFFICIENT_MEMORY :
					  HV_STATUS_OPERATION_DENIED;
}

static int done(struct vsm_vp *vp)
{
	struct protect_plan *plan = &vp->plan;
	uint64_t config = msr_load(&vp->vsm->vtl[plan->owner_vtl].config);

	if (((plan->config ^ config) & PROTECT) != 0)
		log_line(vp->vsm, LOG_MILESTONE, VSM_LOG_INFO,
			 "a VTL switched its page protections on");
	return HV_STATUS_SUCCESS;
}

int config_register_set(struct vsm_vp *vp, uint32_t vtl, uint64_t value)
{
	uint64_t old;
	int status = check(vp, vtl, value);

	if (status != HV_STATUS_SUCCESS)
		return status;
	if (!op_acquire(vp))
		return R_BUSY;
	status = check(vp, vtl, value); /* Another VP may have written it before we owned the op. */
	if (status != HV_STATUS_SUCCESS) {
		op_release(vp);
		return status;
	}
	old = msr_load(&vp->vsm->vtl[vtl].config);
	plan_start(vp, vtl, 0);
	vp->plan.config = old;
	if ((value & ~old & PROTECT) != 0 && !switch_on(vp, vtl, default_mask(value))) {
		op_release(vp);
		return HV_STATUS_INSUFFICIENT_MEMORY;
	}
	/* Together, so that they agree also while only a flush is owed. */
	msr_store(&vp->vsm->vtl[vtl].config, value);
	map_set(vp->vsm, vtl, value);
	return plan_run(vp, undo, done);
}
