/* SPDX-License-Identifier: BSD-3-Clause */
#include "gpa_access.h"

#include "enforceable.h"
#include "guestmem.h"
#include "mbec.h"
#include "overlay.h"
#include "sized.h"

#define KINDS	     (VSM_ACCESS_READ | VSM_ACCESS_WRITE | VSM_ACCESS_EXECUTE)
#define FLAGS	     (VSM_ACCESS_USER | VSM_ACCESS_WALK | VSM_ACCESS_BENEATH | VSM_ACCESS_NO_SMEP)
#define ANSWER_LEAST sizeof(struct vsm_gpa_answer)
/* Pages that one answer looks at: the length is often the guest's word. */
#define PAGES_MAX    512u

static uint32_t wanted_rights(const struct vsm *vsm, uint32_t vp, uint32_t vtl, uint32_t access)
{
	uint32_t wanted = 0;

	if ((access & VSM_ACCESS_READ) != 0)
		wanted |= HV_MAP_GPA_READABLE;
	if ((access & VSM_ACCESS_WRITE) != 0)
		wanted |= HV_MAP_GPA_WRITABLE;
	if ((access & VSM_ACCESS_EXECUTE) != 0)
		wanted |= mbec_execute_right(vsm, vp, vtl, access);
	return wanted;
}

/* Who sees overlay pages: code of the VTL. Devices, page walks and hypercall blocks do not. */
static int sees_overlays(uint32_t vp, uint32_t access)
{
	return vp != VSM_VP_DMA && (access & (VSM_ACCESS_WALK | VSM_ACCESS_BENEATH)) == 0;
}

void gpa_judge(const struct vsm *vsm, uint32_t vp, uint32_t vtl, uint64_t gpa, uint32_t access,
	       struct gpa_judgement *out)
{
	uint32_t wanted = wanted_rights(vsm, vp, vtl, access);
	int denier;

	out->result = 0;
	out->vtl = 0;
	out->slot = 0;
	out->is_overlay = sees_overlays(vp, access) && overlay_find(vsm, vtl, gpa, &out->slot);
	if (out->is_overlay) {
		/* TLFS 8.8: the protections of the page beneath are not applied to it. */
		if ((overlay_rights(out->slot) & wanted) != wanted)
			out->result = -VSM_ERR_DENIED;
		return;
	}
	if (!is_ram(vsm, gpa, 1)) {
		out->result = -VSM_ERR_RANGE;
		return;
	}
	denier = protect_denier(vsm, vtl, gpa, wanted);
	if (denier == 0)
		return;
	/* A map that cannot answer for RAM would be no reason to let an access through. */
	out->result = -VSM_ERR_DENIED;
	out->vtl = denier > 0 ? (uint32_t)denier : vsm->config.max_vtl;
}

int gpa_arguments(const struct vsm *vsm, uint32_t vp, uint32_t vtl, uint64_t gpa, uint64_t len,
		  uint32_t access)
{
	if (vsm == NULL || len == 0 || gpa + (len - 1) < gpa)
		return -VSM_ERR_INVAL;
	if ((access & KINDS) == 0 || (access & ~(KINDS | FLAGS)) != 0)
		return -VSM_ERR_INVAL;
	if (!vsm->realised)
		return -VSM_ERR_MISUSE;
	if (vtl >= vsm->vtl_count || (vp == VSM_VP_DMA && vtl != 0))
		return -VSM_ERR_INVAL;
	if (vp == VSM_VP_DMA || vp == VSM_ALL_VPS)
		return 0;
	return vp < vsm->config.max_vps && vsm->vp[vp] != NULL ? 0 : -VSM_ERR_NOTFOUND;
}

static int same(const struct gpa_judgement *a, const struct gpa_judgement *b)
{
	/* The pages of two overlays do not lie side by side in the arena. */
	return !a->is_overlay && !b->is_overlay && a->result == b->result && a->vtl == b->vtl;
}

int vsm_gpa_access(const struct vsm *vsm, uint32_t vp, uint32_t vtl, uint64_t gpa, uint64_t len,
		   uint32_t access, struct vsm_gpa_answer *answer)
{
	struct vsm_gpa_answer found = { .size = sizeof(found) };
	uint32_t offset = (uint32_t)(gpa & (HV_PAGE_SIZE - 1));
	struct gpa_judgement first, next;
	uint64_t length = HV_PAGE_SIZE - offset;
	int r = answer == NULL ? -VSM_ERR_INVAL : gpa_arguments(vsm, vp, vtl, gpa, len, access);

	if (r != 0)
		return r;
	gpa_judge(vsm, vp, vtl, gpa, access, &first);
	for (uint32_t i = 1; i < PAGES_MAX && length < len; i++) {
		gpa_judge(vsm, vp, vtl, gpa + length, access, &next);
		if (!same(&first, &next))
			break;
		length += HV_PAGE_SIZE;
	}
	found.length = length < len ? length : len;
	found.vtl = first.vtl;
	if (first.is_overlay && first.result == 0)
		found.overlay = overlay_page(vsm, vtl, first.slot) + offset;
	return sized_out(answer, &found, sizeof(found), ANSWER_LEAST) ? first.result :
									-VSM_ERR_INVAL;
}
