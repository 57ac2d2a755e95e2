/* SPDX-License-Identifier: BSD-3-Clause */
#include "enforceable.h"

#include "mbec.h"

#define EXECUTE (HV_MAP_GPA_KERNEL_EXECUTABLE | HV_MAP_GPA_USER_EXECUTABLE)

static int enforced(const struct vsm *vsm, uint32_t mask)
{
	/* Masks that only MBEC knows get into a set only with it; the others are in both words. */
	return ((vsm->config.enforceable | vsm->config.enforceable_mbec) & (1u << mask)) != 0;
}

uint32_t protect_host_rights(const struct vsm *vsm, uint32_t rights)
{
	if (enforced(vsm, rights))
		return rights;
	/* Two sets can meet in a mask that neither of them asked for. What the host cannot give
	 * exactly it must give less of, except for execute rights that the operator gave up. */
	if (enforced(vsm, rights | EXECUTE) && rights != 0 &&
	    (vsm->config.flags & VSM_CONFIG_ACCEPT_UNENFORCED_EXECUTE) != 0)
		return rights | EXECUTE;
	return 0;
}

int protect_legal(const struct vsm *vsm, uint32_t owner, uint32_t mask)
{
	return vsm_rights_valid(mask, mbec_given(vsm, owner));
}

int protect_accepted(const struct vsm *vsm, uint32_t owner, uint32_t mask)
{
	uint32_t accepted = mbec_given(vsm, owner) ? vsm->accepted_mbec : vsm->accepted;

	return (accepted & (1u << mask)) != 0;
}

int protect_denier(const struct vsm *vsm, uint32_t vtl, uint64_t gpa, uint32_t wanted)
{
	uint32_t rights = VSM_RIGHTS_ALL;
	int denier;

	if (vsm->map == NULL)
		return 0;
	denier = vsm_gpa_rights(vsm, vtl, gpa, &rights);
	if (denier != 0 || (rights & wanted) == wanted)
		return denier;
	denier = vsm_protmap_denier(vsm->map, vtl, gpa, wanted);
	return denier > 0 ? denier : vsm_protmap_denier(vsm->map, vtl, gpa, VSM_RIGHTS_ALL);
}
