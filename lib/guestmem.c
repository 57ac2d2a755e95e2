/* SPDX-License-Identifier: BSD-3-Clause */
#include "guestmem.h"

#include "enforceable.h"
#include "host.h"
#include "intercept.h"

#define MAX_GPN (1ULL << (52 - HV_PAGE_SHIFT))

int gpn_to_gpa(uint64_t gpn, uint64_t *gpa)
{
	if (gpn >= MAX_GPN)
		return 0;
	*gpa = gpn << HV_PAGE_SHIFT;
	return 1;
}

int is_ram(const struct vsm *vsm, uint64_t gpa, uint64_t size)
{
	for (uint32_t i = 0; i < vsm->ram_count; i++) {
		const struct vsm_range *ram = &vsm->ram[i];

		if (gpa >= ram->gpa && gpa - ram->gpa < ram->size &&
		    size <= ram->size - (gpa - ram->gpa))
			return 1;
	}
	return 0;
}

int guestmem_check(struct vsm_vp *vp, uint64_t gpa, uint32_t len, uint32_t access)
{
	uint32_t wanted = access == HV_INTERCEPT_ACCESS_WRITE ? HV_MAP_GPA_WRITABLE :
								HV_MAP_GPA_READABLE;
	struct vsm_memory_fault fault = { .size = sizeof(fault) };
	int denier;

	if (!is_ram(vp->vsm, gpa, len))
		return HV_STATUS_INVALID_ALIGNMENT;
	denier = protect_denier(vp, gpa, wanted);
	if (denier <= 0)
		return 0;
	/* TLFS 3.8: the caller is intercepted as if it had made the access itself. */
	fault.gpa = gpa;
	fault.flags = VSM_FAULT_FINAL;
	fault.access = (uint8_t)access;
	fault.instruction_length = (uint8_t)vp->hc.trap_length;
	return intercept_memory(vp, (uint32_t)denier, &fault, &vp->hc.trap_rip);
}

int guestmem_read(struct vsm_vp *vp, uint64_t gpa, void *buf, uint32_t len)
{
	int r = guestmem_check(vp, gpa, len, HV_INTERCEPT_ACCESS_READ);

	return r != 0 ? r : host_gpa_read(vp->vsm, vp, gpa, buf, len);
}

int guestmem_write(struct vsm_vp *vp, uint64_t gpa, const void *buf, uint32_t len)
{
	/* Checked again although the output page was checked before the call ran: another VP may
	 * have taken the right away since. */
	int r = guestmem_check(vp, gpa, len, HV_INTERCEPT_ACCESS_WRITE);

	return r != 0 ? r : host_gpa_write(vp->vsm, vp, gpa, buf, len);
}

int guestmem_zero(struct vsm *vsm)
{
	static const uint8_t zero[HV_PAGE_SIZE];
	int result = 0;

	for (uint32_t i = 0; i < vsm->ram_count; i++) {
		for (uint64_t at = 0; at < vsm->ram[i].size; at += HV_PAGE_SIZE) {
			int r = host_gpa_write(vsm, NULL, vsm->ram[i].gpa + at, zero, HV_PAGE_SIZE);

			if (r < 0)
				result = r;
		}
	}
	return result;
}
