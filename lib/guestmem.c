/* SPDX-License-Identifier: BSD-3-Clause */
#include "guestmem.h"

#include <string.h>

#include "gpa_access.h"
#include "host.h"
#include "inflight.h"
#include "intercept.h"
#include "overlay.h"

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
	uint32_t count = ram_ranges(vsm);

	for (uint32_t i = 0; i < count; i++) {
		const struct vsm_range *ram = &vsm->ram[i];

		if (gpa >= ram->gpa && gpa - ram->gpa < ram->size &&
		    size <= ram->size - (gpa - ram->gpa))
			return 1;
	}
	return 0;
}

/* The ops are called here and nowhere else, so that no access goes past the checks of this file. */
static int host_read(struct vsm *vsm, struct vsm_vp *vp, uint64_t gpa, void *buf, uint32_t len)
{
	if (!host_may_call(vsm, vp, "gpa_read"))
		return -VSM_ERR_HOST;
	return host_outcome(vsm, "gpa_read", vsm->ops.gpa_read(vsm->opaque, gpa, buf, len));
}

static int host_write(struct vsm *vsm, struct vsm_vp *vp, uint64_t gpa, const void *buf,
		      uint32_t len)
{
	if (!host_may_call(vsm, vp, "gpa_write"))
		return -VSM_ERR_HOST;
	return host_outcome(vsm, "gpa_write", vsm->ops.gpa_write(vsm->opaque, gpa, buf, len));
}

int guestmem_check(struct vsm_vp *vp, uint64_t gpa, uint32_t len, uint32_t access)
{
	struct vsm_memory_fault fault = { .size = sizeof(fault) };
	uint32_t wanted = access == HV_INTERCEPT_ACCESS_WRITE ? VSM_ACCESS_WRITE : VSM_ACCESS_READ;
	struct gpa_judgement judgement;

	if (!is_ram(vp->vsm, gpa, len))
		return HV_STATUS_INVALID_ALIGNMENT;
	/* TLFS leaves a block on an overlay page undefined: it is the RAM beneath. */
	gpa_judge(vp->vsm, vp->index, vp_active(vp), gpa, wanted | VSM_ACCESS_BENEATH, &judgement);
	if (judgement.result == 0)
		return 0;
	/* TLFS 3.8: the caller is intercepted as if it had made the access itself. */
	fault.gpa = gpa;
	fault.flags = VSM_FAULT_FINAL;
	fault.access = (uint8_t)access;
	fault.instruction_length = (uint8_t)vp->hc.trap_length;
	return intercept_memory(vp, judgement.vtl, &fault, &vp->hc.trap_rip);
}

int guestmem_read(struct vsm_vp *vp, uint64_t gpa, void *buf, uint32_t len)
{
	int r;

	inflight_begin(vp);
	r = guestmem_check(vp, gpa, len, HV_INTERCEPT_ACCESS_READ);
	if (r == 0)
		r = host_read(vp->vsm, vp, gpa, buf, len);
	inflight_end(vp);
	return r;
}

int guestmem_write(struct vsm_vp *vp, uint64_t gpa, const void *buf, uint32_t len)
{
	int r;

	/* Checked again although the output page was checked before the call ran: another VP may
	 * have taken the right away since. From here on it waits for the end. */
	inflight_begin(vp);
	r = guestmem_check(vp, gpa, len, HV_INTERCEPT_ACCESS_WRITE);
	if (r == 0)
		r = host_write(vp->vsm, vp, gpa, buf, len);
	inflight_end(vp);
	return r;
}

/* An access of vsm_gpa_read() or vsm_gpa_write(). */
struct transfer {
	struct vsm *vsm;
	uint32_t vp;
	uint32_t vtl;
	uint32_t access;
	uint64_t gpa;
	uint64_t len;
	uint8_t *in; /* Read into this. */
	const uint8_t *out; /* Written from this, if `in` is NULL. */
};

/* Bytes of the transfer from `at` on that lie in one page. */
static uint32_t piece(const struct transfer *t, uint64_t at)
{
	uint64_t room = HV_PAGE_SIZE - ((t->gpa + at) & (HV_PAGE_SIZE - 1));

	return (uint32_t)(room < t->len - at ? room : t->len - at);
}

static int move_piece(const struct transfer *t, uint64_t at, uint32_t len)
{
	uint64_t gpa = t->gpa + at;
	struct gpa_judgement judgement;
	uint8_t *page;

	/* Once more: another thread may have taken the right away since. */
	gpa_judge(t->vsm, t->vp, t->vtl, gpa, t->access, &judgement);
	if (judgement.result != 0)
		return judgement.result;
	if (!judgement.is_overlay)
		return t->in != NULL ? host_read(t->vsm, NULL, gpa, t->in + at, len) :
				       host_write(t->vsm, NULL, gpa, t->out + at, len);
	page = overlay_page(t->vsm, t->vtl, judgement.slot) + (gpa & (HV_PAGE_SIZE - 1));
	if (t->in != NULL)
		memcpy(t->in + at, page, len);
	else
		memcpy(page, t->out + at, len);
	return 0;
}

/* TLFS ch. 9: an access that crosses pages is checked completely before any byte moves. */
static int transfer_run(const struct transfer *t)
{
	struct gpa_judgement judgement;
	int r = 0;

	for (uint64_t at = 0; at < t->len; at += piece(t, at)) {
		gpa_judge(t->vsm, t->vp, t->vtl, t->gpa + at, t->access, &judgement);
		if (judgement.result != 0)
			return judgement.result;
	}
	for (uint64_t at = 0; at < t->len && r == 0; at += piece(t, at))
		r = move_piece(t, at, piece(t, at));
	return r;
}

int vsm_gpa_read(struct vsm *vsm, uint32_t vp, uint32_t vtl, uint64_t gpa, void *buf, uint64_t len)
{
	struct transfer t = { vsm, vp, vtl, VSM_ACCESS_READ, gpa, len, buf, NULL };
	int r = buf == NULL ? -VSM_ERR_INVAL : gpa_arguments(vsm, vp, vtl, gpa, len, t.access);

	if (r != 0)
		return r;
	r = transfer_run(&t);
	if (r != 0)
		memset(buf, 0, (size_t)len);
	return r;
}

int vsm_gpa_write(struct vsm *vsm, uint32_t vp, uint32_t vtl, uint64_t gpa, const void *buf,
		  uint64_t len)
{
	struct transfer t = { vsm, vp, vtl, VSM_ACCESS_WRITE, gpa, len, NULL, buf };
	int r = buf == NULL ? -VSM_ERR_INVAL : gpa_arguments(vsm, vp, vtl, gpa, len, t.access);

	return r != 0 ? r : transfer_run(&t);
}

int guestmem_zero(struct vsm *vsm)
{
	static const uint8_t zero[HV_PAGE_SIZE];
	int result = 0;

	uint32_t count = ram_ranges(vsm);

	for (uint32_t i = 0; i < count; i++) {
		for (uint64_t at = 0; at < vsm->ram[i].size; at += HV_PAGE_SIZE) {
			int r = host_write(vsm, NULL, vsm->ram[i].gpa + at, zero, HV_PAGE_SIZE);

			if (r < 0)
				result = r;
		}
	}
	return result;
}
