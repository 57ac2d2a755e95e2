/* SPDX-License-Identifier: BSD-3-Clause */
#include "overlay.h"

#include <string.h>

#include "host.h"
#include "ops.h"

#define ENABLE	 1ULL
#define PFN_MASK (~(uint64_t)(HV_PAGE_SIZE - 1))

uint32_t overlay_slot_vp(uint32_t vp_index, uint32_t which)
{
	return OVERLAY_OF_VPS + OVERLAYS_PER_VP * vp_index + which;
}

static uint32_t slot_index(const struct vsm *vsm, uint32_t vtl, uint32_t slot)
{
	return vtl * vsm->overlays_per_vtl + slot;
}

uint8_t *overlay_page(const struct vsm *vsm, uint32_t vtl, uint32_t slot)
{
	return vsm->arena + (uint64_t)slot_index(vsm, vtl, slot) * HV_PAGE_SIZE;
}

const struct overlay_slot *overlay_slot(const struct vsm *vsm, uint32_t vtl, uint32_t slot)
{
	return &vsm->overlay[slot_index(vsm, vtl, slot)];
}

/* Code, the time, or data of the guest (TLFS 3.13, ch. 12; 7.8.7, 11.8, 11.9). */
uint32_t overlay_rights(uint32_t slot)
{
	if (slot == OVERLAY_HYPERCALL)
		return HV_MAP_GPA_READABLE | HV_MAP_GPA_EXECUTABLE;
	if (slot == OVERLAY_TSC)
		return HV_MAP_GPA_READABLE;
	return HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE;
}

/* The MSRs say what the host shows, and are read by any VP while another one writes them. */
static int msr_covers(const _Atomic uint64_t *msr, uint64_t gpa)
{
	uint64_t value = msr_load(msr);

	return (value & ENABLE) != 0 && (value & PFN_MASK) == (gpa & PFN_MASK);
}

/* Placed later than what was found so far? */
static void newest(const struct vsm *vsm, uint32_t vtl, uint32_t slot, uint32_t *found,
		   uint64_t *order)
{
	const struct overlay_slot *s = &vsm->overlay[slot_index(vsm, vtl, slot)];
	uint64_t at = __atomic_load_n(&s->order, __ATOMIC_RELAXED);

	if (*order != 0 && at <= *order)
		return;
	*found = slot;
	*order = at != 0 ? at : 1; /* Its MSR says that the host shows it. */
}

int overlay_find(const struct vsm *vsm, uint32_t vtl, uint64_t gpa, uint32_t *slot)
{
	uint64_t order = 0;

	if (msr_covers(&vsm->vtl[vtl].hypercall, gpa))
		newest(vsm, vtl, OVERLAY_HYPERCALL, slot, &order);
	if (msr_covers(&vsm->vtl[vtl].reference_tsc, gpa))
		newest(vsm, vtl, OVERLAY_TSC, slot, &order);
	for (uint32_t i = 0; i < vsm->config.max_vps; i++) {
		const struct vsm_vp *vp = vsm->vp[i];

		if (vp == NULL)
			continue;
		for (uint32_t which = 0; which < OVERLAYS_PER_VP; which++) {
			if (msr_covers(&vp->vtl[vtl].page[which], gpa))
				newest(vsm, vtl, overlay_slot_vp(i, which), slot, &order);
		}
	}
	return order != 0;
}

static uint32_t slot_owner(uint32_t slot)
{
	return slot < OVERLAY_OF_VPS ? VSM_ALL_VPS : (slot - OVERLAY_OF_VPS) / OVERLAYS_PER_VP;
}

/* One writer, the owner of the op; overlay_find() reads the order on any thread. */
static void slot_put(struct overlay_slot *slot, uint64_t gpa, uint64_t order)
{
	slot->gpa = gpa;
	__atomic_store_n(&slot->order, order, __ATOMIC_RELAXED);
}

/* Tell the host what a VTL sees at a page now. */
static int show(struct vsm *vsm, struct vsm_vp *vp, uint32_t vtl, uint64_t gpa, uint64_t token)
{
	struct vsm_overlay overlay = { .gpa = gpa, .vtl = vtl, .vp = VSM_ALL_VPS };
	uint64_t newest = 0;

	if (gpa >> vsm->config.phys_bits != 0)
		return 0; /* TLFS 11.9: accepted, but out of anybody's reach. */
	for (uint32_t i = 0; i < vsm->overlays_per_vtl; i++) {
		const struct overlay_slot *slot = &vsm->overlay[slot_index(vsm, vtl, i)];

		if (slot->order > newest && slot->gpa == gpa) {
			newest = slot->order;
			overlay.page = overlay_page(vsm, vtl, i);
			overlay.rights = overlay_rights(i);
			overlay.vp = slot_owner(i);
		}
	}
	return host_overlay_map(vsm, vp, &overlay, token);
}

static int refused(struct vsm_vp *vp, int result)
{
	struct vsm *vsm = vp->vsm;
	struct overlay_change *c = &vp->overlay;

	slot_put(&vsm->overlay[slot_index(vsm, c->vtl, c->slot)], c->before.gpa, c->before.order);
	c->clear = NULL;
	c->lift = 0;
	op_release(vp);
	if (result == -VSM_ERR_STATE)
		return -VSM_ERR_HOST; /* The host does not know any more what the guest sees. */
	log_line(vsm, LOG_OVERLAY, VSM_LOG_WARN,
		 "overlay: the host cannot place the page, the guest's write is refused");
	return HV_STATUS_INVALID_REGISTER_VALUE;
}

static int placed(struct vsm_vp *vp)
{
	uint32_t owner = slot_owner(vp->overlay.slot);

	msr_store(vp->overlay.msr, vp->overlay.msr_value);
	if (vp->overlay.clear != NULL)
		msr_store(vp->overlay.clear, 0);
	vp->overlay.clear = NULL;
	vp->overlay.lift = 0;
	op_release(vp);
	/* A message that waits for this page is written by the VP's own thread, which may sleep. */
	if (owner != VSM_ALL_VPS && owner != vp->index)
		host_kick(vp, vp->vsm->vp[owner]);
	return HV_STATUS_SUCCESS;
}

/* Second step done: the page that was left shows what lies beneath. */
static int lifted(struct vsm_vp *vp, int result, uint32_t done)
{
	struct overlay_change *c = &vp->overlay;
	struct vsm *vsm = vp->vsm;
	uint64_t new_gpa = vsm->overlay[slot_index(vsm, c->vtl, c->slot)].gpa;
	int placed_too = vsm->overlay[slot_index(vsm, c->vtl, c->slot)].order != 0;

	(void)done;
	if (result == 0)
		return placed(vp);
	slot_put(&vsm->overlay[slot_index(vsm, c->vtl, c->slot)], c->before.gpa, c->before.order);
	if (placed_too && show(vsm, vp, c->vtl, new_gpa, 0) != 0) {
		log_line(vsm, LOG_OVERLAY, VSM_LOG_ERROR,
			 "overlay: the host could not take back a page that it had placed");
		result = -VSM_ERR_STATE; /* It shows what the guest did not get. */
	}
	return refused(vp, result);
}

/* First step done: the overlay is seen at its new page. Now uncover the old one. */
static int placed_first(struct vsm_vp *vp, int result, uint32_t done)
{
	struct overlay_change *c = &vp->overlay;

	(void)done;
	if (result != 0)
		return refused(vp, result);
	if (!c->lift)
		return placed(vp);
	return deferred_end(vp, show(vp->vsm, vp, c->vtl, c->lift_gpa, deferred_begin(vp, lifted)),
			    0);
}

int overlay_write(struct vsm_vp *vp, uint32_t vtl, uint32_t slot, _Atomic uint64_t *msr,
		  uint64_t value)
{
	struct vsm *vsm = vp->vsm;
	struct overlay_slot *s = &vsm->overlay[slot_index(vsm, vtl, slot)];
	struct overlay_change *c = &vp->overlay;
	uint64_t gpa = value & PFN_MASK;
	int on = (value & ENABLE) != 0;
	int was_on = s->order != 0;

	c->before = *s;
	c->msr = msr;
	c->msr_value = value;
	c->slot = slot;
	c->vtl = vtl;
	if (on == was_on && (!on || gpa == s->gpa))
		return placed(vp); /* Nobody sees a difference. */
	c->lift = (uint32_t)was_on;
	c->lift_gpa = s->gpa;
	if (!on) {
		slot_put(s, s->gpa, 0);
		return placed_first(vp, 0, 0);
	}
	slot_put(s, gpa, ++vsm->overlay_order);
	return deferred_end(vp, show(vsm, vp, vtl, gpa, deferred_begin(vp, placed_first)), 0);
}

int overlay_load(struct vsm_vp *vp, uint32_t vtl, uint32_t slot, _Atomic uint64_t *msr,
		 uint64_t value)
{
	struct vsm *vsm = vp->vsm;
	struct overlay_slot *s = &vsm->overlay[slot_index(vsm, vtl, slot)];
	struct overlay_slot before = *s;
	uint64_t gpa = value & PFN_MASK;
	int on = (value & ENABLE) != 0;
	int was_on = before.order != 0;
	int moves = on != was_on || (on && gpa != before.gpa);

	if (moves)
		slot_put(s, on ? gpa : before.gpa, on ? ++vsm->overlay_order : 0);
	if (moves && on && show(vsm, vp, vtl, gpa, 0) != 0) {
		slot_put(s, before.gpa, before.order);
		return -VSM_ERR_HOST;
	}
	if (moves && was_on && show(vsm, vp, vtl, before.gpa, 0) != 0) {
		slot_put(s, before.gpa, before.order);
		return on && show(vsm, vp, vtl, gpa, 0) != 0 ? -VSM_ERR_STATE : -VSM_ERR_HOST;
	}
	msr_store(msr, value);
	return 0;
}

uint64_t overlay_newest(const struct vsm *vsm)
{
	uint32_t slots = vsm->vtl_count * vsm->overlays_per_vtl;
	uint64_t order = 0;

	for (uint32_t i = 0; i < slots; i++) {
		if (vsm->overlay[i].order > order)
			order = vsm->overlay[i].order;
	}
	return order;
}

void overlay_put(struct vsm *vsm, uint32_t vtl, uint32_t slot, uint64_t gpa, uint64_t order)
{
	slot_put(&vsm->overlay[slot_index(vsm, vtl, slot)], gpa, order);
}

int overlay_show_all(struct vsm *vsm)
{
	int result = 0;

	for (uint32_t vtl = 0; vtl < vsm->vtl_count; vtl++) {
		for (uint32_t i = 0; i < vsm->overlays_per_vtl; i++) {
			struct overlay_slot *slot = &vsm->overlay[slot_index(vsm, vtl, i)];

			if (slot->order == 0)
				continue;
			if (result == 0 && show(vsm, NULL, vtl, slot->gpa, 0) != 0)
				result = -VSM_ERR_HOST;
			if (result != 0)
				slot_put(slot, slot->gpa, 0);
		}
	}
	return result;
}

static int is_doubled(const struct vsm *vsm, uint32_t vtl, uint32_t slot)
{
	uint64_t order = vsm->overlay[slot_index(vsm, vtl, slot)].order;

	for (uint32_t i = 0; order != 0 && i < slot; i++) {
		if (vsm->overlay[slot_index(vsm, vtl, i)].order == order)
			return 1;
	}
	return 0;
}

int overlay_doubled(const struct vsm *vsm)
{
	for (uint32_t vtl = 0; vtl < vsm->vtl_count; vtl++) {
		for (uint32_t i = 0; i < vsm->overlays_per_vtl; i++) {
			if (is_doubled(vsm, vtl, i))
				return 1;
		}
	}
	return 0;
}

static void clear_page(struct vsm *vsm, uint32_t vtl, uint32_t slot)
{
	if (slot >= OVERLAY_OF_VPS) /* No guest can write the others. */
		memset(overlay_page(vsm, vtl, slot), 0, HV_PAGE_SIZE);
}

void overlay_forget(struct vsm *vsm)
{
	for (uint32_t vtl = 0; vtl < vsm->vtl_count; vtl++) {
		for (uint32_t i = 0; i < vsm->overlays_per_vtl; i++) {
			slot_put(&vsm->overlay[slot_index(vsm, vtl, i)], 0, 0);
			clear_page(vsm, vtl, i);
		}
	}
	vsm->overlay_order = 0;
}

/* A slot that the host could not uncover stays placed: the next reset or write tries again. */
static int lift_slot(struct vsm *vsm, uint32_t vtl, struct overlay_slot *slot)
{
	uint64_t order = slot->order;

	if (order == 0)
		return 0;
	slot_put(slot, slot->gpa, 0);
	if (show(vsm, NULL, vtl, slot->gpa, 0) == 0)
		return 0;
	slot_put(slot, slot->gpa, order);
	return -VSM_ERR_HOST;
}

/* A change that was on its way has left its old page covered, and no slot names that page. */
static int lift_left_page(struct vsm *vsm, struct overlay_change *c)
{
	if (!c->lift)
		return 0;
	if (show(vsm, NULL, c->vtl, c->lift_gpa, 0) != 0)
		return -VSM_ERR_HOST;
	c->lift = 0;
	return 0;
}

int overlay_reset(struct vsm *vsm)
{
	int result = 0;

	for (uint32_t vtl = 0; vtl < vsm->vtl_count; vtl++) {
		for (uint32_t i = 0; i < vsm->overlays_per_vtl; i++) {
			struct overlay_slot *slot = &vsm->overlay[slot_index(vsm, vtl, i)];

			if (lift_slot(vsm, vtl, slot) != 0)
				result = -VSM_ERR_HOST;
			clear_page(vsm, vtl, i);
		}
	}
	for (uint32_t i = 0; i < vsm->config.max_vps; i++) {
		if (vsm->vp[i] != NULL && lift_left_page(vsm, &vsm->vp[i]->overlay) != 0)
			result = -VSM_ERR_HOST;
	}
	vsm->overlay_order = overlay_newest(vsm);
	return result;
}
