/* SPDX-License-Identifier: BSD-3-Clause */
#include "mbec.h"

#define SECURE_CONFIG HV_VSM_VP_SECURE_CONFIG_MBEC_ENABLED

static int offered(const struct vsm *vsm)
{
	return (vsm->capabilities & VSM_CAP_MBEC) != 0;
}

int mbec_given(const struct vsm *vsm, uint32_t vtl)
{
	return atomic_load(&vsm->vtl[vtl].mbec) != 0;
}

uint32_t mbec_enabled_set(const struct vsm *vsm)
{
	uint32_t enabled = atomic_load(&vsm->enabled) | 1u;
	uint32_t set = 0;

	for (uint32_t vtl = 1; vtl < vsm->vtl_count; vtl++) {
		if (mbec_given(vsm, vtl))
			set |= enabled & ((2u << vtl) - 1u);
	}
	return set;
}

uint32_t mbec_vtl_mask(const struct vsm *vsm)
{
	return offered(vsm) ? (1u << vsm->config.max_vtl) - 1u : 0;
}

int vsm_vp_mbec(const struct vsm_vp *vp, uint32_t vtl)
{
	uint32_t above;

	if (vp == NULL || vtl >= vp->vsm->vtl_count)
		return 0;
	above = atomic_load(&vp->enabled) & ~((2u << vtl) - 1u);
	for (uint32_t i = vtl + 1; i < vp->vsm->vtl_count; i++) {
		if ((above & (1u << i)) != 0 && mbec_given(vp->vsm, i))
			return 1;
	}
	return 0;
}

/* Of no VP in particular: only if it is so on each. */
static int on_all_vps(const struct vsm *vsm, uint32_t vtl)
{
	for (uint32_t i = 0; i < vsm->config.max_vps; i++) {
		if (vsm->vp[i] != NULL && !vsm_vp_mbec(vsm->vp[i], vtl))
			return 0;
	}
	return 1;
}

/*
 * TLFS 15.9.2: without MBEC KX holds for both modes, and so it does with it while the guest has
 * SMEP but does not use it. Every legal mask with KX has UX, so that KX is never the weaker answer.
 */
uint32_t mbec_execute_right(const struct vsm *vsm, uint32_t vp, uint32_t vtl, uint32_t access)
{
	int on;

	if (!offered(vsm) || vp == VSM_VP_DMA || (access & VSM_ACCESS_USER) == 0 ||
	    (access & VSM_ACCESS_NO_SMEP) != 0)
		return HV_MAP_GPA_KERNEL_EXECUTABLE;
	on = vp == VSM_ALL_VPS ? on_all_vps(vsm, vtl) : vsm_vp_mbec(vsm->vp[vp], vtl);
	return on ? HV_MAP_GPA_USER_EXECUTABLE : HV_MAP_GPA_KERNEL_EXECUTABLE;
}

static int owner_exists(const struct vsm_vp *target, uint32_t owner)
{
	return (atomic_load(&target->enabled) & (1u << owner)) != 0;
}

int mbec_secure_config_get(const struct vsm_vp *target, uint32_t owner, uint64_t *value)
{
	if (!owner_exists(target, owner))
		return HV_STATUS_INVALID_VTL_STATE;
	*value = mbec_given(target->vsm, owner) ? SECURE_CONFIG : 0;
	return HV_STATUS_SUCCESS;
}

int mbec_secure_config_set(const struct vsm_vp *target, uint32_t owner, uint64_t value)
{
	/* There is no TLB lock, shadow stack or HVPT that the other bits could name. */
	if ((value & ~SECURE_CONFIG) != 0)
		return HV_STATUS_INVALID_REGISTER_VALUE;
	if (!owner_exists(target, owner))
		return HV_STATUS_INVALID_VTL_STATE;
	/* The host has one view of rights for all VPs: MBEC is on for a VP as for the partition. */
	if ((value != 0) != mbec_given(target->vsm, owner))
		return HV_STATUS_INVALID_REGISTER_VALUE;
	return HV_STATUS_SUCCESS;
}
