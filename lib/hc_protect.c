/* SPDX-License-Identifier: BSD-3-Clause */
/* HvCallModifyVtlProtectionMask (TLFS 15.9.2, 15.15.1) */
#include <string.h>

#include "enforceable.h"
#include "hc.h"
#include "ops.h"
#include "protect_list.h"
#include "protect_plan.h"

/* Flags that TLFS names, but that mean nothing without shadow stacks or to a guest. */
#define OTHER_FLAGS                                                           \
	(HV_MAP_GPA_SUPERVISOR_SHADOW_STACK | HV_MAP_GPA_PAGING_WRITABILITY | \
	 HV_MAP_GPA_VERIFY_PAGING_WRITABILITY | HV_MAP_GPA_ADJUSTABLE)

/*
 * The set that is changed. TLFS words the target as the restricted VTL, guests name the protecting
 * one; a target below the caller therefore means the caller's own set.
 */
static int find_owner(const struct vsm_vp *vp, const struct hv_input_modify_vtl_protection_mask *in,
		      uint32_t *owner)
{
	uint32_t active = vp_active(vp);
	const struct vsm *vsm = vp->vsm;

	if (!hc_input_vtl(vp, in->target_vtl, owner) || !hc_zero(in->reserved, 3))
		return HV_STATUS_INVALID_PARAMETER;
	if (!hc_own_partition(vp, in->target_partition_id))
		return HV_STATUS_ACCESS_DENIED;
	if (*owner > active)
		return HV_STATUS_ACCESS_DENIED;
	if (active == 0) /* There is no VTL below that VTL0 could restrict. */
		return HV_STATUS_INVALID_PARAMETER;
	if (*owner == 0)
		*owner = active;
	if (*owner == active && (msr_load(&vsm->vtl[*owner].config) &
				 HV_VSM_PARTITION_CONFIG_ENABLE_VTL_PROTECTION) == 0)
		return HV_STATUS_ACCESS_DENIED;
	if ((atomic_load(&vsm->enabled) & (1u << *owner)) == 0)
		return HV_STATUS_INVALID_VTL_STATE;
	return HV_STATUS_SUCCESS;
}

static int check_mask(const struct vsm *vsm, uint32_t owner, uint32_t mask)
{
	if ((mask & ~(HV_MAP_GPA_PERMISSIONS_MASK | OTHER_FLAGS)) != 0)
		return HV_STATUS_INVALID_PARAMETER;
	/* No legal mask has any of OTHER_FLAGS. */
	if (!protect_legal(vsm, owner, mask))
		return HV_STATUS_INVALID_REGISTER_VALUE;
	/* A right that cannot be enforced is refused, not announced. */
	return protect_accepted(vsm, owner, mask) ? HV_STATUS_SUCCESS : HV_STATUS_OPERATION_DENIED;
}

static void count_pages(struct vsm_vp *vp, uint32_t end)
{
	struct protect_plan *plan = &vp->plan;

	stat_add(&vp->stats.pages_protected, end - plan->first);
	if (plan->unenforced)
		stat_add(&vp->stats.unenforced_execute, end - plan->first);
}

static int undo(struct vsm_vp *vp, uint32_t applied, int result)
{
	uint32_t element = list_take_back(vp, applied);

	count_pages(vp, element);
	vp->hc.done = element;
	return result == -VSM_ERR_NOMEM ? HV_STATUS_INSUFFICIENT_MEMORY :
					  HV_STATUS_OPERATION_DENIED;
}

static int done(struct vsm_vp *vp)
{
	struct protect_plan *plan = &vp->plan;

	list_keep(vp);
	count_pages(vp, plan->end);
	vp->hc.done = plan->end;
	if (plan->status != HV_STATUS_SUCCESS)
		return plan->status;
	return plan->end < vp->hc.call.rep_count ? R_AGAIN : HV_STATUS_SUCCESS;
}

int hc_modify_vtl_protection_mask(struct vsm_vp *vp)
{
	struct hv_input_modify_vtl_protection_mask in;
	struct protect_plan *plan = &vp->plan;
	uint32_t end = hc_budget_end(vp);
	uint32_t owner = 0;
	int status;

	memcpy(&in, vp->hc.in, sizeof(in));
	status = find_owner(vp, &in, &owner);
	if (status == HV_STATUS_SUCCESS)
		status = check_mask(vp->vsm, owner, in.map_flags);
	if (status != HV_STATUS_SUCCESS)
		return status;
	if (!op_acquire(vp))
		return R_BUSY;
	plan_start(vp, owner, vp->hc.done);
	plan->unenforced = protect_host_rights(vp->vsm, in.map_flags) != in.map_flags;
	list_apply(vp, end, in.map_flags);
	return plan_run(vp, undo, done);
}
