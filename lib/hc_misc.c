/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "hc.h"

int hc_own_partition(const struct vsm_vp *vp, uint64_t id)
{
	return id == HV_PARTITION_ID_SELF || id == vp->vsm->config.partition_id;
}

int hc_zero(const uint8_t *bytes, uint32_t count)
{
	uint8_t any = 0;

	for (uint32_t i = 0; i < count; i++)
		any |= bytes[i];
	return any == 0;
}

int hc_input_vtl(const struct vsm_vp *vp, uint8_t input, uint32_t *vtl)
{
	if ((input & HV_INPUT_VTL_RSVD_MASK) != 0)
		return 0;
	*vtl = (input & HV_INPUT_VTL_USE_TARGET_VTL) != 0 ? input & HV_INPUT_VTL_TARGET_VTL_MASK :
							    vp_active(vp);
	return 1;
}

struct vsm_vp *hc_vp(struct vsm_vp *vp, uint32_t index)
{
	if (index == HV_VP_INDEX_SELF)
		return vp;
	return index < vp->vsm->config.max_vps ? vp->vsm->vp[index] : NULL;
}

uint32_t hc_budget_end(const struct vsm_vp *vp)
{
	uint32_t left = vp->hc.call.rep_count - vp->hc.done;
	uint32_t budget = vp->vsm->config.hypercall_budget;

	return vp->hc.done + (left < budget ? left : budget);
}

/* TLFS 10.5.1: a hint, there is nothing to do that the host's scheduler does not do better. */
int hc_notify_long_spin_wait(struct vsm_vp *vp)
{
	(void)vp;
	return HV_STATUS_SUCCESS;
}

static struct vsm_vp *find_apic_id(const struct vsm *vsm, uint32_t apic_id)
{
	for (uint32_t i = 0; i < vsm->config.max_vps; i++) {
		if (vsm->vp[i] != NULL && vsm->vp[i]->apic_id == apic_id)
			return vsm->vp[i];
	}
	return NULL;
}

/* TLFS 15.15.12 */
int hc_get_vp_index_from_apic_id(struct vsm_vp *vp)
{
	struct hv_input_get_vp_index_from_apic_id in;
	struct hc *hc = &vp->hc;
	uint32_t end = hc_budget_end(vp);

	memcpy(&in, hc->in, sizeof(in));
	if (in.target_vtl > HV_VTL_MAX)
		return HV_STATUS_INVALID_PARAMETER;
	if (!hc_own_partition(vp, in.partition_id))
		return HV_STATUS_INVALID_PARTITION_ID;
	if (in.target_vtl > vp_active(vp))
		return HV_STATUS_ACCESS_DENIED;
	for (; hc->done < end; hc->done++) {
		const struct vsm_vp *found;
		uint32_t apic_id;

		memcpy(&apic_id, hc->in + sizeof(in) + hc->done * sizeof(apic_id), sizeof(apic_id));
		found = find_apic_id(vp->vsm, apic_id);
		if (found == NULL)
			return HV_STATUS_INVALID_PARAMETER;
		memcpy(hc->out + hc->done * sizeof(found->index), &found->index,
		       sizeof(found->index));
	}
	return hc->done < hc->call.rep_count ? R_AGAIN : HV_STATUS_SUCCESS;
}
