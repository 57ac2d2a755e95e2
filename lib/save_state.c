/* SPDX-License-Identifier: BSD-3-Clause */
/* What saved state belongs to, and whether a partition can be saved, or loaded into, now. */
#include <string.h>

#include "context.h"
#include "host.h"
#include "overlay.h"
#include "save.h"
#include "wire.h"

#define ENABLE 1ULL

/* What shows in guests' registers or decides over their calls. */
#define FLAGS_TOLD  (VSM_CONFIG_ACCEPT_UNENFORCED_EXECUTE | VSM_CONFIG_SCONTROL_RESET_0)
/* How the host flushes and how SINTs are told is no matter of the guest's. */
#define CAPS_UNTOLD ((uint32_t)VSM_CAP_TLB_FLUSH)

const uint8_t save_magic[8] = { 'V', 'S', 'M', 'S', 'A', 'V', 'E', 'D' };

void save_config(const struct vsm *vsm, struct save_word words[SAVE_WORDS])
{
	const struct vsm_config *c = &vsm->config;
	const struct save_word all[SAVE_WORDS] = {
		{ c->max_vps, "config.max_vps", 0 },
		{ c->max_vtl, "config.max_vtl", 0 },
		{ c->phys_bits, "config.phys_bits", 0 },
		{ c->flags & FLAGS_TOLD, "config.flags", 0 },
		{ c->host_flags & VSM_HOST_DR6_SHARED, "config.host_flags", 0 },
		{ c->trap_kind, "config.trap_kind", 0 },
		{ c->trap_port, "config.trap_port", 0 },
		{ c->long_spin_count, "config.long_spin_count", 0 },
		{ c->build_number, "config.build_number", 0 },
		{ c->version, "config.version", 0 },
		{ c->partition_id, "config.partition_id", 0 },
		{ c->apic_hz, "config.apic_hz", 0 },
		{ vsm->tsc_hz, "the rate that op tsc_hz gave", 0 },
		{ vsm->recommendations, "recommendations in CPUID", 0 },
		{ vsm->capabilities & ~CAPS_UNTOLD, "capabilities", 1 },
		{ vsm->caps.privileges, "privileges in CPUID", 1 },
		{ vsm->caps.features, "features in CPUID", 1 },
		{ c->cr4_mask, "config.cr4_mask", 1 },
		{ c->efer_mask, "config.efer_mask", 1 },
		/* Of what was enforced nothing may be merely accepted here. */
		{ c->enforceable, "config.enforceable", 1 },
		{ c->enforceable_mbec, "config.enforceable_mbec", 1 },
		{ vsm->accepted, "accepted rights masks", 1 },
		{ vsm->accepted_mbec, "accepted rights masks with MBEC", 1 },
	};

	memcpy(words, all, sizeof(all));
}

uint32_t save_ram(const struct vsm *vsm, struct vsm_range ranges[RAM_RANGES_MAX])
{
	uint32_t all = ram_ranges(vsm);
	uint32_t count = 0;
	uint64_t from = 0;

	/* Ranges do not overlap: the next one is that which begins next. */
	for (uint32_t n = 0; n < all; n++) {
		const struct vsm_range *next = NULL;

		for (uint32_t i = 0; i < all; i++) {
			const struct vsm_range *ram = &vsm->ram[i];

			if (ram->gpa >= from && (next == NULL || ram->gpa < next->gpa))
				next = ram;
		}
		if (next == NULL)
			break;
		if (count != 0 && from == next->gpa)
			ranges[count - 1].size += next->size;
		else
			ranges[count++] = *next;
		from = next->gpa + next->size;
	}
	return count;
}

/* An overlay is where its MSR says, or the host did not follow. */
static int overlay_agrees(const struct vsm *vsm, uint32_t vtl, uint32_t slot, uint64_t msr)
{
	return (overlay_slot(vsm, vtl, slot)->order != 0) == ((msr & ENABLE) != 0);
}

static int vp_vtl_agrees(const struct vsm_vp *vp, uint32_t vtl)
{
	const struct vp_vtl *state = &vp->vtl[vtl];

	for (uint32_t which = 0; which < OVERLAYS_PER_VP; which++) {
		if (!overlay_agrees(vp->vsm, vtl, overlay_slot_vp(vp->index, which),
				    msr_load(&state->page[which])))
			return 0;
	}
	return 1;
}

/* What a VTL leaves behind that is not enabled (any more) is in no section. */
static int vp_vtl_empty(const struct vsm_vp *vp, uint32_t vtl)
{
	const struct vp_vtl *state = &vp->vtl[vtl];

	for (uint32_t which = 0; which < OVERLAYS_PER_VP; which++) {
		if (msr_load(&state->page[which]) != 0)
			return 0;
	}
	return !state->has_message;
}

static int vp_agrees(const struct vsm_vp *vp)
{
	uint32_t enabled = atomic_load(&vp->enabled);

	/* A reset could not uncover the page that was left, or take back what was queued. */
	if (vp->overlay.lift || vp->event_owed != 0)
		return 0;
	for (uint32_t vtl = 0; vtl < vp->vsm->vtl_count; vtl++) {
		if (!vp_vtl_agrees(vp, vtl) ||
		    ((enabled & (1u << vtl)) == 0 && !vp_vtl_empty(vp, vtl)))
			return 0;
	}
	return 1;
}

static int agrees(const struct vsm *vsm)
{
	if (vsm->zero_owed)
		return 0;
	for (uint32_t vtl = 0; vtl < vsm->vtl_count; vtl++) {
		const struct vtl_state *state = &vsm->vtl[vtl];

		if (!overlay_agrees(vsm, vtl, OVERLAY_HYPERCALL, msr_load(&state->hypercall)) ||
		    !overlay_agrees(vsm, vtl, OVERLAY_TSC, msr_load(&state->reference_tsc)))
			return 0;
	}
	for (uint32_t i = 0; i < vsm->config.max_vps; i++) {
		if (vsm->vp[i] != NULL && !vp_agrees(vsm->vp[i]))
			return 0;
	}
	return 1;
}

static int vp_idle(const struct vsm_vp *vp)
{
	uint32_t wait = atomic_load(&vp->wait);

	return (wait == WAIT_NONE || wait == WAIT_STARTUP) && atomic_load(&vp->inbox) == NULL &&
	       atomic_load(&vp->startup) != STARTUP_RESERVED;
}

int save_settled(struct vsm *vsm)
{
	int idle = atomic_load(&vsm->op_owner) == NULL;

	for (uint32_t i = 0; i < vsm->config.max_vps; i++) {
		if (vsm->vp[i] != NULL)
			idle &= vp_idle(vsm->vp[i]);
	}
	if (!idle) {
		log_misuse(vsm, "vsm_save",
			   "a VP is blocked: call vsm_vp_run_prepare() for all VPs until none is");
		return -VSM_ERR_BUSY;
	}
	if (agrees(vsm))
		return 0;
	log_misuse(vsm, "vsm_save", "the host could not follow the library before");
	return -VSM_ERR_STATE;
}

int save_page_empty(const struct vsm *vsm, uint32_t vtl, uint32_t slot)
{
	const uint8_t *page = overlay_page(vsm, vtl, slot);
	uint64_t any = 0;

	for (size_t at = 0; at < HV_PAGE_SIZE; at += 8)
		any |= wire_get64(page + at);
	return any == 0;
}

/* What of VTL0 stays behind when its overlays are lifted. */
static int vtl0_fresh(const struct vsm_vp *vp)
{
	for (uint32_t which = 0; which < OVERLAYS_PER_VP; which++) {
		if (!save_page_empty(vp->vsm, 0, overlay_slot_vp(vp->index, which)))
			return 0;
	}
	return msr_load(&vp->vtl[0].scontrol) == context_scontrol_reset(vp->vsm) &&
	       msr_load(&vp->vtl[0].sint0) == HV_SYNIC_SINT_RESET;
}

static int vp_fresh(const struct vsm_vp *vp)
{
	uint32_t startup = atomic_load(&vp->startup);
	int waits = (vp->flags & VSM_VP_WAIT_FOR_STARTUP) != 0;

	if (vp_active(vp) != 0 || atomic_load(&vp->enabled) != 1u || vp->message_pending != 0)
		return 0;
	if (startup != (waits ? STARTUP_WAITING : STARTUP_NONE) || !vp_idle(vp))
		return 0;
	return vp_vtl_empty(vp, 0) && vtl0_fresh(vp) && vp_agrees(vp);
}

int save_fresh(const struct vsm *vsm)
{
	const struct vtl_state *vtl0 = &vsm->vtl[0];

	if (atomic_load(&vsm->enabled) != 1u || atomic_load(&vsm->op_owner) != NULL ||
	    vsm->flush_owed != 0 || !agrees(vsm))
		return 0;
	if (msr_load(&vtl0->guest_os_id) != 0 || msr_load(&vtl0->hypercall) != 0 ||
	    msr_load(&vtl0->reference_tsc) != 0)
		return 0;
	for (uint32_t i = 0; i < CRASH_PARAMS; i++) {
		if (msr_load(&vsm->crash[i]) != 0)
			return 0;
	}
	for (uint32_t i = 0; i < vsm->config.max_vps; i++) {
		if (vsm->vp[i] != NULL && !vp_fresh(vsm->vp[i]))
			return 0;
	}
	return 1;
}
