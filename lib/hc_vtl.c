/* SPDX-License-Identifier: BSD-3-Clause */
/* HvCallEnablePartitionVtl and HvCallEnableVpVtl (TLFS 15.5.2, 15.5.3) */
#include <string.h>

#include "config_register.h"
#include "context.h"
#include "hc.h"
#include "host.h"
#include "lock.h"

/*
 * A VTL may always enable a lower one; a higher one only if nothing enabled lies between (TLFS
 * 15.3). `enabled`: the VTLs enabled for the partition.
 */
static int may_enable(uint32_t enabled, uint32_t caller, uint32_t target)
{
	uint32_t below = enabled & ((1u << target) - 1u);

	return caller >= target || (below >> caller) == 1u;
}

static void undo_partition(struct vsm_vp *vp)
{
	uint32_t vtl = vp->hc.undo_arg[0];

	lock_take(vp->vsm, vp);
	atomic_fetch_and(&vp->vsm->enabled, ~(1u << vtl));
	lock_drop(vp->vsm, vp);
	msr_store(&vp->vsm->vtl[vtl].config, 0);
	atomic_store(&vp->vsm->vtl[vtl].mbec, 0);
}

int hc_enable_partition_vtl(struct vsm_vp *vp)
{
	struct hv_input_enable_partition_vtl in;
	struct vsm *vsm = vp->vsm;
	uint32_t known = (vsm->capabilities & VSM_CAP_MBEC) != 0 ? HV_ENABLE_PARTITION_VTL_MBEC : 0;
	int status = HV_STATUS_SUCCESS;

	memcpy(&in, vp->hc.in, sizeof(in));
	if (!hc_own_partition(vp, in.target_partition_id))
		return HV_STATUS_INVALID_PARTITION_ID;
	if (in.target_vtl == 0 || in.target_vtl > vsm->config.max_vtl)
		return HV_STATUS_INVALID_PARAMETER;
	/* The other flags name what this version cannot do (shadow stacks, HVPT). */
	if ((in.flags & ~known) != 0 || !hc_zero(in.reserved, sizeof(in.reserved)))
		return HV_STATUS_INVALID_PARAMETER;
	lock_take(vsm, vp);
	if (!may_enable(atomic_load(&vsm->enabled) | 1u, vp_active(vp), in.target_vtl))
		status = HV_STATUS_ACCESS_DENIED;
	else if ((atomic_load(&vsm->enabled) & (1u << in.target_vtl)) != 0)
		status = HV_STATUS_INVALID_VTL_STATE;
	if (status == HV_STATUS_SUCCESS) {
		/* Its configuration first: another VP may look as soon as the VTL is enabled. */
		msr_store(&vsm->vtl[in.target_vtl].config, CONFIG_INITIAL);
		atomic_store(&vsm->vtl[in.target_vtl].mbec,
			     in.flags & HV_ENABLE_PARTITION_VTL_MBEC);
		atomic_fetch_or(&vsm->enabled, 1u << in.target_vtl);
	}
	lock_drop(vsm, vp);
	if (status != HV_STATUS_SUCCESS)
		return status;
	vp->hc.undo = undo_partition;
	vp->hc.undo_arg[0] = in.target_vtl;
	log_line(vsm, LOG_MILESTONE, VSM_LOG_INFO, "a VTL was enabled for the partition");
	return HV_STATUS_SUCCESS;
}

static void forget_vp_vtl(struct vsm_vp *vp, struct vsm_vp *target, uint32_t vtl, int first)
{
	lock_take(vp->vsm, vp);
	atomic_fetch_and(&target->enabled, ~(1u << vtl));
	atomic_fetch_and(&target->context_pending, ~(1u << vtl));
	if (first)
		atomic_fetch_and(&vp->vsm->any_enabled, ~(1u << vtl));
	lock_drop(vp->vsm, vp);
}

static void undo_vp(struct vsm_vp *vp)
{
	struct vsm_vp *target = vp->vsm->vp[vp->hc.undo_arg[0]];

	forget_vp_vtl(vp, target, vp->hc.undo_arg[1] & 0xff, (vp->hc.undo_arg[1] & 0x100) != 0);
}

/* Who may enable `vtl` on `target` (TLFS 15.5.3): rules 5 to 7 of the call. Under the lock. */
static int judge(const struct vsm_vp *vp, const struct vsm_vp *target, uint32_t vtl)
{
	const struct vsm *vsm = vp->vsm;
	uint32_t enabled = atomic_load(&vsm->enabled);
	uint32_t bit = 1u << vtl;

	if ((enabled & bit) == 0)
		return HV_STATUS_INVALID_VTL_STATE;
	if (vp_active(vp) < vtl && ((atomic_load(&vsm->any_enabled) & bit) != 0 || target != vp ||
				    !may_enable(enabled | 1u, vp_active(vp), vtl)))
		return HV_STATUS_ACCESS_DENIED;
	if ((atomic_load(&target->enabled) & bit) != 0)
		return HV_STATUS_VTL_ALREADY_ENABLED;
	return HV_STATUS_SUCCESS;
}

/* Rules in the order of the call; the context last. Reserves the VTL on the VP when all hold. */
static int reserve(struct vsm_vp *vp, const struct hv_input_enable_vp_vtl *in,
		   struct vsm_vp **target, int *first)
{
	struct vsm *vsm = vp->vsm;
	int status;

	if (in->target_vtl > HV_VTL_MAX || !hc_zero(in->reserved, sizeof(in->reserved)))
		return HV_STATUS_INVALID_PARAMETER;
	if (!hc_own_partition(vp, in->target_partition_id))
		return HV_STATUS_INVALID_PARTITION_ID;
	*target = hc_vp(vp, in->vp_index);
	if (*target == NULL)
		return HV_STATUS_INVALID_VP_INDEX;
	if (in->target_vtl == 0 || in->target_vtl > vsm->config.max_vtl)
		return HV_STATUS_INVALID_PARAMETER;
	lock_take(vsm, vp);
	status = judge(vp, *target, in->target_vtl);
	if (status == HV_STATUS_SUCCESS &&
	    vsm_context_check(&vsm->limits, &in->vp_vtl_context) != 1)
		status = HV_STATUS_INVALID_REGISTER_VALUE;
	if (status == HV_STATUS_SUCCESS) {
		uint32_t bit = 1u << in->target_vtl;

		*first = (atomic_fetch_or(&vsm->any_enabled, bit) & bit) == 0;
		/* The context is stored before the VTL can be entered. */
		context_reset_library(*target, in->target_vtl);
		(*target)->vtl[in->target_vtl].context = in->vp_vtl_context;
		atomic_fetch_or(&(*target)->context_pending, bit);
		atomic_fetch_or(&(*target)->enabled, bit);
	}
	lock_drop(vsm, vp);
	return status;
}

int hc_enable_vp_vtl(struct vsm_vp *vp)
{
	struct hv_input_enable_vp_vtl in;
	struct vsm_vp *target = NULL;
	int first = 0;
	int r;

	memcpy(&in, vp->hc.in, sizeof(in));
	r = reserve(vp, &in, &target, &first);
	if (r != HV_STATUS_SUCCESS)
		return r;
	vp->hc.undo = undo_vp;
	vp->hc.undo_arg[0] = target->index;
	vp->hc.undo_arg[1] = in.target_vtl | (first ? 0x100u : 0u);
	if (target != vp) {
		/* Its registers belong to its own thread, which loads them before it runs. */
		host_kick(vp, target);
		return HV_STATUS_SUCCESS;
	}
	r = context_apply(vp, in.target_vtl);
	if (r == 0)
		return HV_STATUS_SUCCESS;
	forget_vp_vtl(vp, target, in.target_vtl, first);
	vp->hc.undo = NULL;
	if (r == -VSM_ERR_INVAL)
		return HV_STATUS_INVALID_REGISTER_VALUE;
	return r;
}
