/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing saved state. doc/saved-state.md has the layout. */
#include "save.h"

#include <string.h>

#include "clock.h"
#include "host.h"
#include "overlay.h"
#include "partition.h"
#include "protmap.h"
#include "wire.h"

#define PROTECT HV_VSM_PARTITION_CONFIG_ENABLE_VTL_PROTECTION

/* Where it goes. The same code first only counts: then there is no buffer. */
struct out {
	const struct vsm *vsm;
	uint8_t *bytes;
	size_t room;
	size_t used; /* May be more than there is room for. */
	size_t section; /* Where the section under way begins. */
	uint32_t sections;
	uint32_t protecting;
	uint64_t taken;
};

static void put_bytes(struct out *out, const void *bytes, size_t size)
{
	if (out->bytes != NULL && out->used <= out->room && size <= out->room - out->used)
		memcpy(out->bytes + out->used, bytes, size);
	out->used += size;
}

static void put32(struct out *out, uint32_t value)
{
	uint8_t bytes[4];

	wire_put32(bytes, value);
	put_bytes(out, bytes, sizeof(bytes));
}

static void put64(struct out *out, uint64_t value)
{
	uint8_t bytes[8];

	wire_put64(bytes, value);
	put_bytes(out, bytes, sizeof(bytes));
}

static void begin(struct out *out, uint32_t id, uint32_t of)
{
	out->section = out->used;
	out->sections++;
	put32(out, id);
	put32(out, of);
	put64(out, 0);
}

/* The length is known now. */
static void end(struct out *out)
{
	size_t length = out->used - out->section - SAVE_SECTION_BYTES;

	if (out->bytes != NULL && out->used <= out->room)
		wire_put64(out->bytes + out->section + 8, length);
}

static void config(struct out *out)
{
	struct save_word words[SAVE_WORDS];

	save_config(out->vsm, words);
	begin(out, SAVE_CONFIG, 0);
	for (uint32_t i = 0; i < SAVE_WORDS; i++)
		put64(out, words[i].value);
	end(out);
}

static void ram(struct out *out)
{
	struct vsm_range ranges[RAM_RANGES_MAX];
	uint32_t count = save_ram(out->vsm, ranges);

	begin(out, SAVE_RAM, 0);
	for (uint32_t i = 0; i < count; i++) {
		put64(out, ranges[i].gpa);
		put64(out, ranges[i].size);
	}
	end(out);
}

static void partition(struct out *out)
{
	const struct vsm *vsm = out->vsm;
	int has_clock = (vsm->capabilities & VSM_CAP_CLOCK) != 0;

	begin(out, SAVE_PARTITION, 0);
	put32(out, atomic_load(&vsm->enabled));
	put32(out, vsm->flush_owed);
	put64(out, overlay_newest(vsm));
	put64(out, has_clock ? clock_reference(vsm) : 0);
	put32(out, vsm->tsc_sequence);
	put32(out, 0);
	for (uint32_t i = 0; i < CRASH_PARAMS; i++)
		put64(out, msr_load(&vsm->crash[i]));
	end(out);
}

static void vtl_of_partition(struct out *out, uint32_t vtl)
{
	const struct vsm *vsm = out->vsm;
	const struct vtl_state *state = &vsm->vtl[vtl];
	uint64_t bits = msr_load(&state->config);

	if ((bits & PROTECT) != 0)
		out->protecting |= 1u << vtl;
	out->taken += save_config_weight(bits);
	begin(out, SAVE_VTL, vtl);
	put64(out, msr_load(&state->guest_os_id));
	put64(out, msr_load(&state->hypercall));
	put64(out, overlay_slot(vsm, vtl, OVERLAY_HYPERCALL)->order);
	put64(out, msr_load(&state->reference_tsc));
	put64(out, overlay_slot(vsm, vtl, OVERLAY_TSC)->order);
	put64(out, bits);
	put32(out, atomic_load(&state->mbec));
	put32(out, 0);
	end(out);
}

static void masks(struct out *out, uint32_t vtl)
{
	uint64_t first, last = 0;
	uint32_t mask;

	begin(out, SAVE_MASKS, vtl);
	while (out->vsm->map != NULL &&
	       protmap_next_set(out->vsm->map, vtl, last, &first, &last, &mask) == 0) {
		put64(out, first << HV_PAGE_SHIFT | mask);
		put64(out, (last - first) << HV_PAGE_SHIFT);
		out->taken += save_mask_weight(mask) * (last - first);
	}
	end(out);
}

static void vp_itself(struct out *out, const struct vsm_vp *vp)
{
	uint32_t startup = atomic_load(&vp->startup);

	begin(out, SAVE_VP, vp->index);
	put32(out, vp->apic_id);
	put32(out, vp->flags);
	put32(out, vp_active(vp));
	put32(out, atomic_load(&vp->enabled));
	put32(out, startup);
	put32(out, startup == STARTUP_POSTED ? vp->start_vtl : 0);
	if (startup == STARTUP_POSTED)
		put_bytes(out, &vp->start_context, sizeof(vp->start_context));
	end(out);
}

static uint32_t parts_of(const struct vsm_vp *vp, uint32_t vtl)
{
	uint32_t parts = vp->vtl[vtl].has_message ? SAVE_HAS_MESSAGE : 0;

	if ((atomic_load(&vp->context_pending) & (1u << vtl)) != 0)
		parts |= SAVE_HAS_CONTEXT;
	for (uint32_t which = 0; which < OVERLAYS_PER_VP; which++) {
		if (!save_page_empty(vp->vsm, vtl, overlay_slot_vp(vp->index, which)))
			parts |= SAVE_HAS_PAGE(which);
	}
	return parts;
}

static void vtl_of_vp(struct out *out, const struct vsm_vp *vp, uint32_t vtl)
{
	uint32_t slot = overlay_slot_vp(vp->index, 0);
	const struct vp_vtl *state = &vp->vtl[vtl];
	uint32_t parts = parts_of(vp, vtl);

	begin(out, SAVE_VP_VTL, vp->index);
	put32(out, vtl);
	put32(out, parts);
	for (uint32_t which = 0; which < OVERLAYS_PER_VP; which++) {
		put64(out, msr_load(&state->page[which]));
		put64(out, overlay_slot(out->vsm, vtl, slot + which)->order);
	}
	put64(out, msr_load(&state->scontrol));
	put64(out, msr_load(&state->sint0));
	put64(out, state->pending_event.low);
	put64(out, state->pending_event.high);
	if ((parts & SAVE_HAS_MESSAGE) != 0)
		put_bytes(out, &state->message, sizeof(state->message));
	if ((parts & SAVE_HAS_CONTEXT) != 0)
		put_bytes(out, &state->context, sizeof(state->context));
	for (uint32_t which = 0; which < OVERLAYS_PER_VP; which++) {
		if ((parts & SAVE_HAS_PAGE(which)) != 0)
			put_bytes(out, overlay_page(out->vsm, vtl, slot + which), HV_PAGE_SIZE);
	}
	end(out);
}

static void vps(struct out *out)
{
	for (uint32_t i = 0; i < out->vsm->config.max_vps; i++) {
		const struct vsm_vp *vp = out->vsm->vp[i];

		if (vp == NULL)
			continue;
		vp_itself(out, vp);
		for (uint32_t vtl = 0; vtl < out->vsm->vtl_count; vtl++) {
			if ((atomic_load(&vp->enabled) & (1u << vtl)) != 0)
				vtl_of_vp(out, vp, vtl);
		}
	}
}

/* What stands at the two ends is known last. */
static void frame(const struct out *out)
{
	uint8_t *bytes = out->bytes;

	memcpy(bytes, save_magic, sizeof(save_magic));
	wire_put32(bytes + 8, VSM_SAVED_VERSION);
	wire_put32(bytes + 12, out->sections);
	wire_put64(bytes + 16, out->used);
	wire_put64(bytes + 24, out->taken);
	wire_put32(bytes + 32, out->protecting);
	wire_put32(bytes + 36, 0);
	wire_put64(bytes + out->used - SAVE_TRAILER_BYTES,
		   wire_sum(WIRE_SUM_START, bytes, out->used - SAVE_TRAILER_BYTES));
}

static void write_all(struct out *out)
{
	out->used = SAVE_HEADER_BYTES;
	config(out);
	ram(out);
	partition(out);
	for (uint32_t vtl = 0; vtl < out->vsm->vtl_count; vtl++)
		vtl_of_partition(out, vtl);
	for (uint32_t vtl = 1; vtl < out->vsm->vtl_count; vtl++)
		masks(out, vtl);
	vps(out);
	out->used += SAVE_TRAILER_BYTES;
	if (out->bytes != NULL && out->used <= out->room)
		frame(out);
}

/* With a buffer, or without one to know the size. */
static int save(struct vsm *vsm, const char *who, struct out *out)
{
	int r;

	if (!partition_stop(vsm, who))
		return -VSM_ERR_MISUSE;
	r = save_settled(vsm);
	if (r == 0)
		write_all(out);
	partition_go(vsm);
	return r;
}

int vsm_save_size(struct vsm *vsm, size_t *size)
{
	struct out out = { .vsm = vsm };
	int r;

	if (vsm == NULL || size == NULL)
		return -VSM_ERR_INVAL;
	r = save(vsm, "vsm_save_size", &out);
	if (r == 0)
		*size = out.used;
	return r;
}

int vsm_save(struct vsm *vsm, void *buf, size_t size, size_t *used)
{
	struct out out = { .vsm = vsm, .bytes = buf, .room = size };
	int r;

	if (vsm == NULL || buf == NULL || used == NULL)
		return -VSM_ERR_INVAL;
	r = save(vsm, "vsm_save", &out);
	if (r == 0 && out.used > size) {
		log_misuse(vsm, "vsm_save", "size is below what vsm_save_size() gives");
		return -VSM_ERR_INVAL;
	}
	if (r == 0)
		*used = out.used;
	return r;
}
