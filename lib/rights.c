/* SPDX-License-Identifier: BSD-3-Clause */
#include "vsm/hv.h"
#include "vsm/protect.h"

#include <stdint.h>

/*
 * Bit n stands for mask n. W, KX and UX need R, as no x86 page table can express them without
 * (TLFS 15.9.2). KX without UX is undefined in TLFS 15.9.2 and refused here. Without mode-based
 * execute control KX and UX must agree: TLFS lets KX rule then, so a guest that asks for two
 * different answers would not get what it asks for.
 */
#define LEGAL_WITHOUT_MBEC 0xa00bu /* ---, R, RW, R+KX+UX, RW+KX+UX */
#define LEGAL_WITH_MBEC	   0xaa0bu /* and R+UX, RW+UX */

int vsm_rights_valid(uint32_t mask, int mbec)
{
	uint32_t legal = mbec ? LEGAL_WITH_MBEC : LEGAL_WITHOUT_MBEC;

	if (mask > HV_MAP_GPA_PERMISSIONS_MASK)
		return 0;
	return (int)((legal >> mask) & 1);
}
