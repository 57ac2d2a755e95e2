/* SPDX-License-Identifier: BSD-3-Clause */
/* HvCallStartVirtualProcessor (TLFS 15.12, 15.15) */
#include <string.h>

#include "vsm/state.h"

#include "hc.h"
#include "host.h"
#include "lock.h"
#include "startup.h"

static struct vsm_vp *started(const struct vsm_vp *vp)
{
	return vp->vsm->vp[vp->hc.undo_arg[0]];
}

/* The call was not made after all: it was not yet visible to anybody. */
static void undo_start(struct vsm_vp *vp)
{
	atomic_store(&started(vp)->startup, STARTUP_WAITING);
}

/* The caller has its result. The VP's own thread loads the context, and it sleeps. */
static void commit_start(struct vsm_vp *vp)
{
	struct vsm_vp *target = started(vp);

	atomic_store(&target->startup, STARTUP_POSTED);
	host_kick(vp, target);
}

/* Rules 4 to 7 of the call, and the context last. Under the lock. */
static int judge(const struct vsm_vp *vp, const struct vsm_vp *target,
		 const struct hv_input_start_virtual_processor *in)
{
	const struct vsm *vsm = vp->vsm;

	if (in->target_vtl > vp_active(vp))
		return HV_STATUS_ACCESS_DENIED;
	if ((atomic_load(&target->enabled) & (1u << in->target_vtl)) == 0)
		return HV_STATUS_INVALID_VP_STATE;
	if (startup_denied(vsm, vp_active(vp)))
		return HV_STATUS_ACCESS_DENIED;
	if (atomic_load(&target->startup) != STARTUP_WAITING)
		return HV_STATUS_INVALID_VP_STATE;
	if (vsm_context_check(&vsm->limits, &in->vp_context) != 1)
		return HV_STATUS_INVALID_REGISTER_VALUE;
	return HV_STATUS_SUCCESS;
}

int hc_start_virtual_processor(struct vsm_vp *vp)
{
	struct hv_input_start_virtual_processor in;
	struct vsm_vp *target;
	int status;

	memcpy(&in, vp->hc.in, sizeof(in));
	if (in.target_vtl > HV_VTL_MAX || !hc_zero(in.reserved, sizeof(in.reserved)))
		return HV_STATUS_INVALID_PARAMETER;
	if (!hc_own_partition(vp, in.target_partition_id))
		return HV_STATUS_INVALID_PARTITION_ID;
	target = hc_vp(vp, in.vp_index);
	if (target == NULL || target == vp)
		return HV_STATUS_INVALID_VP_INDEX;
	lock_take(vp->vsm, vp);
	status = judge(vp, target, &in);
	if (status == HV_STATUS_SUCCESS) {
		/* Its thread reads these when the start is posted, not before. */
		target->start_vtl = in.target_vtl;
		target->start_context = in.vp_context;
		atomic_store(&target->startup, STARTUP_RESERVED);
	}
	lock_drop(vp->vsm, vp);
	if (status != HV_STATUS_SUCCESS)
		return status;
	vp->hc.undo = undo_start;
	vp->hc.commit = commit_start;
	vp->hc.undo_arg[0] = target->index;
	return HV_STATUS_SUCCESS;
}
