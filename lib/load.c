/* SPDX-License-Identifier: BSD-3-Clause */
/* Loading saved state: frame, host, and the way back. doc/saved-state.md has the layout. */
#include "load.h"

#include <string.h>

#include "clock.h"
#include "config_register.h"
#include "host.h"
#include "overlay.h"
#include "partition.h"
#include "protect_plan.h"
#include "protmap.h"
#include "save.h"
#include "vreg.h"
#include "wire.h"

static const char who[] = "vsm_load";

static int damaged(struct vsm *vsm)
{
	log_misuse(vsm, who, "the bytes are damaged, or no guest could have brought them about");
	return -VSM_ERR_INVAL;
}

/* Header and checksum; l->at and l->left are the sections then. */
static int frame(struct load *l, const uint8_t *bytes, size_t size)
{
	if (size < SAVE_HEADER_BYTES + SAVE_TRAILER_BYTES || size % 8 != 0 ||
	    memcmp(bytes, save_magic, sizeof(save_magic)) != 0)
		return damaged(l->vsm);
	if (wire_get32(bytes + 8) != VSM_SAVED_VERSION) {
		log_misuse(l->vsm, who, "of a version that this library does not know");
		return -VSM_ERR_NOSUP;
	}
	l->sections = wire_get32(bytes + 12);
	l->taken = wire_get64(bytes + 24);
	l->protecting = wire_get32(bytes + 32);
	l->at = bytes + SAVE_HEADER_BYTES;
	l->left = size - SAVE_HEADER_BYTES - SAVE_TRAILER_BYTES;
	if (wire_get64(bytes + 16) != size || wire_get32(bytes + 36) != 0 ||
	    wire_get64(bytes + size - SAVE_TRAILER_BYTES) !=
		    wire_sum(WIRE_SUM_START, bytes, size - SAVE_TRAILER_BYTES))
		return damaged(l->vsm);
	return 0;
}

static struct vsm_vp *any_vp(const struct vsm *vsm)
{
	for (uint32_t i = 0; i < vsm->config.max_vps; i++) {
		if (vsm->vp[i] != NULL)
			return vsm->vp[i];
	}
	return NULL;
}

static int protect_send(struct vsm_vp *vp)
{
	struct protect_plan *plan = &vp->plan;
	uint32_t ignored;
	int r = 0;

	if (plan->count != 0)
		r = host_protect(vp->vsm, NULL, plan->ranges, plan->count, &ignored, 0);
	plan->count = 0;
	return r;
}

/* The host has given all rights to all: it is told what differs, as much in a call as fits. */
static int protect_all(struct vsm_vp *vp, uint32_t *lost)
{
	struct vsm *vsm = vp->vsm;
	struct protmap_view all = { .enabled = 0 };
	struct protmap_view now;
	struct vsm_range run;
	uint32_t from, to;
	int r = 0;

	protmap_view_now(vsm->map, &now);
	plan_start(vp, 0, 0);
	for (uint32_t vtl = 0; vtl < vsm->config.max_vtl; vtl++) {
		for (uint64_t gpa = 0; r == 0 && protmap_view_diff(vsm->map, &all, &now, vtl, gpa,
								   &run, &from, &to) == 0;
		     gpa = run.gpa + run.size) {
			if (plan_add(vp, vtl, run.gpa, run.size, from, to))
				continue;
			r = protect_send(vp);
			plan_add(vp, vtl, run.gpa, run.size, from, to);
		}
	}
	if (r == 0)
		r = protect_send(vp);
	*lost = vp->plan.flush;
	return r;
}

static int flush(struct vsm *vsm, uint32_t vtls)
{
	int r = 0;

	if ((vsm->config.host_flags & VSM_HOST_PROTECT_FLUSHES) != 0 || vsm->ops.tlb_flush == NULL)
		return 0; /* `protect` has done it, or there is nothing that protects. */
	for (uint32_t vtl = 0; vtl < vsm->config.max_vtl && r == 0; vtl++) {
		if ((vtls & (1u << vtl)) != 0)
			r = host_tlb_flush(vsm, NULL, vtl, 0);
	}
	return r;
}

static int rights(struct load *l)
{
	struct vsm *vsm = l->vsm;
	struct vsm_vp *vp = any_vp(vsm);
	uint32_t lost = 0;
	int r = 0;

	for (uint32_t vtl = 1; vtl < vsm->vtl_count; vtl++) {
		if ((l->enabled & (1u << vtl)) != 0)
			config_register_load(vsm, vtl);
	}
	if (vsm->map != NULL && vp != NULL)
		r = protect_all(vp, &lost);
	return r != 0 ? r : flush(vsm, lost | l->flush);
}

/* All events that wait. */
static int events(struct vsm *vsm)
{
	int r = 0;

	for (uint32_t i = 0; i < vsm->config.max_vps; i++) {
		struct vsm_vp *vp = vsm->vp[i];

		for (uint32_t vtl = 0; vp != NULL && vtl < vp_active(vp) && r == 0; vtl++) {
			const struct hv_register_value *event = &vp->vtl[vtl].pending_event;

			if (event->low != 0)
				r = vreg_event_inject(vp, vtl, event);
		}
	}
	return r;
}

/* Nothing of it is left in the library; no op was called. */
static void forget(struct vsm *vsm)
{
	overlay_forget(vsm);
	if (vsm->map != NULL)
		vsm_protmap_reset(vsm->map);
	partition_forget(vsm);
}

/* The library has it; now the host. A failure leaves nothing of it in either. */
static int tell_host(struct load *l)
{
	struct vsm *vsm = l->vsm;
	int back;
	int r = rights(l);

	if (r == 0)
		r = overlay_show_all(vsm);
	else
		overlay_forget(vsm);
	if (r == 0)
		r = events(vsm);
	if (r == 0)
		return 0;
	back = partition_events_take_back(vsm);
	if (partition_power_on(vsm) != 0)
		back = -VSM_ERR_STATE;
	return back == 0 ? -VSM_ERR_HOST : -VSM_ERR_STATE;
}

static void start_clock(const struct load *l)
{
	struct vsm *vsm = l->vsm;

	if ((vsm->capabilities & VSM_CAP_CLOCK) == 0)
		return;
	clock_restore(vsm, l->reference, l->sequence);
	for (uint32_t vtl = 0; vtl < vsm->vtl_count; vtl++)
		clock_page_fill(vsm, overlay_page(vsm, vtl, OVERLAY_TSC));
}

static int load(struct vsm *vsm, const uint8_t *bytes, size_t size)
{
	struct load check = { .vsm = vsm };
	struct load store;
	int r;

	if (!save_fresh(vsm)) {
		log_misuse(vsm, who, "the partition is not as it was created");
		return -VSM_ERR_MISUSE;
	}
	r = frame(&check, bytes, size);
	if (r != 0)
		return r;
	store = check;
	store.apply = 1;
	r = load_sections(&check);
	if (r == -VSM_ERR_INVAL)
		return damaged(vsm);
	if (r != 0)
		return r;
	r = load_sections(&store);
	if (r != 0) {
		forget(vsm);
		if (r == -VSM_ERR_NOMEM)
			log_misuse(vsm, who, "config.protmap_max_bytes is too small");
		return r;
	}
	if (overlay_doubled(vsm)) {
		forget(vsm);
		return damaged(vsm);
	}
	r = tell_host(&store);
	if (r == 0)
		start_clock(&store);
	return r;
}

int vsm_load(struct vsm *vsm, const void *buf, size_t size)
{
	int r;

	if (vsm == NULL || buf == NULL)
		return -VSM_ERR_INVAL;
	if (!partition_stop(vsm, who))
		return -VSM_ERR_MISUSE;
	r = load(vsm, buf, size);
	partition_go(vsm);
	return r;
}
