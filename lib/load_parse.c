/* SPDX-License-Identifier: BSD-3-Clause */
/* The sections of saved state, one by one: read, judged, stored. */
#include <string.h>

#include "vsm/state.h"

#include "clock.h"
#include "config_register.h"
#include "fmt.h"
#include "host.h"
#include "load.h"
#include "overlay.h"
#include "protmap.h"
#include "save.h"
#include "vreg.h"
#include "wire.h"

#define ENABLE	 1ULL
#define PFN_MASK (~(uint64_t)(HV_PAGE_SIZE - 1))
#define PROTECT	 HV_VSM_PARTITION_CONFIG_ENABLE_VTL_PROTECTION

/* A section. Reading beyond its end gives zeroes, and is found by in_done(). */
struct in {
	const uint8_t *at;
	size_t left;
	uint32_t id;
	uint32_t of;
	int bad;
};

static const uint8_t *in_bytes(struct in *in, size_t size)
{
	const uint8_t *at = in->at;

	if (in->left < size) {
		in->bad = 1;
		return NULL;
	}
	in->at += size;
	in->left -= size;
	return at;
}

static uint32_t in32(struct in *in)
{
	const uint8_t *at = in_bytes(in, 4);

	return at == NULL ? 0 : wire_get32(at);
}

static uint64_t in64(struct in *in)
{
	const uint8_t *at = in_bytes(in, 8);

	return at == NULL ? 0 : wire_get64(at);
}

static void in_copy(struct in *in, void *to, size_t size)
{
	const uint8_t *at = in_bytes(in, size);

	if (at != NULL)
		memcpy(to, at, size);
	else
		memset(to, 0, size);
}

static int in_done(const struct in *in)
{
	return !in->bad && in->left == 0;
}

/* The head of the next section, without taking it. 0: there is none. */
static int peek(const struct load *l, struct in *in)
{
	if (l->left < SAVE_SECTION_BYTES)
		return 0;
	in->id = wire_get32(l->at);
	in->of = wire_get32(l->at + 4);
	return 1;
}

static int take(struct load *l, uint32_t id, uint32_t of, struct in *in)
{
	uint64_t length;

	if (l->sections == 0 || !peek(l, in) || in->id != id || in->of != of)
		return 0;
	length = wire_get64(l->at + 8);
	if (length > l->left - SAVE_SECTION_BYTES || length % 8 != 0)
		return 0;
	in->at = l->at + SAVE_SECTION_BYTES;
	in->left = (size_t)length;
	in->bad = 0;
	l->at = in->at + in->left;
	l->left -= SAVE_SECTION_BYTES + in->left;
	l->sections--;
	return 1;
}

static int other_machine(const struct load *l, const char *what)
{
	struct line line;

	line_init(&line);
	line_str(&line, "saved on another machine: ");
	line_str(&line, what);
	log_misuse(l->vsm, "vsm_load", line.text);
	return -VSM_ERR_NOSUP;
}

static int config(struct load *l)
{
	struct save_word words[SAVE_WORDS];
	struct in in;

	if (!take(l, SAVE_CONFIG, 0, &in) || in.left != SAVE_WORDS * sizeof(uint64_t))
		return -VSM_ERR_INVAL;
	save_config(l->vsm, words);
	for (uint32_t i = 0; i < SAVE_WORDS; i++) {
		uint64_t saved = in64(&in);

		if (words[i].at_least ? (saved & ~words[i].value) != 0 : saved != words[i].value)
			return other_machine(l, words[i].name);
	}
	return 0;
}

static int ram(struct load *l)
{
	struct vsm_range ranges[RAM_RANGES_MAX];
	uint32_t count = save_ram(l->vsm, ranges);
	struct in in;

	if (!take(l, SAVE_RAM, 0, &in))
		return -VSM_ERR_INVAL;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t gpa = in64(&in);

		if (gpa != ranges[i].gpa || in64(&in) != ranges[i].size)
			return other_machine(l, "ranges of RAM");
	}
	return in_done(&in) ? 0 : other_machine(l, "ranges of RAM");
}

static int has(const struct load *l, uint32_t capabilities)
{
	return (l->vsm->capabilities & capabilities) == capabilities;
}

static int partition_bad(const struct load *l)
{
	const struct vsm *vsm = l->vsm;
	uint32_t vtls = has(l, VSM_CAP_VSM) ? (1u << vsm->vtl_count) - 1u : 1u;

	if ((l->enabled & ~vtls) != 0 || (l->enabled & 1) == 0)
		return 1;
	/* Only VTLs below another lose rights. */
	if ((l->flush & ~(vtls >> 1)) != 0 || l->order_max > SAVE_ORDER_MAX)
		return 1;
	if (!has(l, VSM_CAP_CLOCK))
		return l->sequence != 0 || l->reference != 0;
	return l->sequence == 0 || l->sequence > CLOCK_SEQUENCE_MAX;
}

static int partition(struct load *l)
{
	uint64_t crash[CRASH_PARAMS];
	struct in in;

	if (!take(l, SAVE_PARTITION, 0, &in))
		return -VSM_ERR_INVAL;
	l->enabled = in32(&in);
	l->flush = in32(&in);
	l->order_max = in64(&in);
	l->reference = in64(&in);
	l->sequence = in32(&in);
	if (in32(&in) != 0)
		return -VSM_ERR_INVAL;
	for (uint32_t i = 0; i < CRASH_PARAMS; i++)
		crash[i] = in64(&in);
	if (!in_done(&in) || partition_bad(l))
		return -VSM_ERR_INVAL;
	if (!l->apply)
		return 0;
	atomic_store(&l->vsm->enabled, l->enabled);
	l->vsm->overlay_order = l->order_max;
	for (uint32_t i = 0; i < CRASH_PARAMS; i++)
		msr_store(&l->vsm->crash[i], crash[i]);
	return 0;
}

/* An overlay is placed if its MSR says so, and only where there are overlays. */
static int overlay_bad(const struct load *l, uint64_t msr, uint64_t order)
{
	if ((msr & ENABLE) == 0)
		return order != 0;
	return order == 0 || order > l->order_max || !has(l, VSM_CAP_OVERLAYS);
}

static void overlay_store(const struct load *l, uint32_t vtl, uint32_t slot, _Atomic uint64_t *msr,
			  uint64_t value, uint64_t order)
{
	if (order != 0)
		overlay_put(l->vsm, vtl, slot, value & PFN_MASK, order);
	msr_store(msr, value);
}

/* What one VTL has in common on all VPs. */
struct common {
	uint64_t guest_os_id;
	uint64_t hypercall;
	uint64_t hypercall_order;
	uint64_t reference_tsc;
	uint64_t tsc_order;
	uint64_t config;
	uint32_t mbec;
};

/* Nothing of it exists before the VTL is enabled for the partition (TLFS 15.5.2). */
static int common_empty(const struct common *c)
{
	return (c->guest_os_id | c->hypercall | c->hypercall_order | c->reference_tsc |
		c->tsc_order | c->config | c->mbec) == 0;
}

static int common_bad(const struct load *l, uint32_t vtl, const struct common *c)
{
	const struct vsm *vsm = l->vsm;

	if (overlay_bad(l, c->hypercall, c->hypercall_order) ||
	    overlay_bad(l, c->reference_tsc, c->tsc_order))
		return 1;
	/* Reserved bits are the guest's. TLFS 3.13: the page is within reach, and there is none
	 * without an identity. */
	if ((c->hypercall & PFN_MASK) >> vsm->config.phys_bits != 0 ||
	    ((c->hypercall & ENABLE) != 0 && c->guest_os_id == 0))
		return 1;
	if ((c->reference_tsc & ENABLE) != 0 && !has(l, VSM_CAP_CLOCK))
		return 1;
	/* VTL0 is not enabled by anybody, and has no lower VTL. */
	if (c->mbec > 1 || (c->mbec && (vtl == 0 || !has(l, VSM_CAP_MBEC))))
		return 1;
	return !config_register_legal(vsm, vtl, c->config, (int)c->mbec);
}

static void common_store(const struct load *l, uint32_t vtl, const struct common *c)
{
	struct vtl_state *state = &l->vsm->vtl[vtl];

	msr_store(&state->guest_os_id, c->guest_os_id);
	overlay_store(l, vtl, OVERLAY_HYPERCALL, &state->hypercall, c->hypercall,
		      c->hypercall_order);
	overlay_store(l, vtl, OVERLAY_TSC, &state->reference_tsc, c->reference_tsc, c->tsc_order);
	atomic_store(&state->mbec, c->mbec);
	msr_store(&state->config, c->config);
}

static int vtl_of_partition(struct load *l, uint32_t vtl)
{
	struct common c;
	struct in in;

	if (!take(l, SAVE_VTL, vtl, &in))
		return -VSM_ERR_INVAL;
	c.guest_os_id = in64(&in);
	c.hypercall = in64(&in);
	c.hypercall_order = in64(&in);
	c.reference_tsc = in64(&in);
	c.tsc_order = in64(&in);
	c.config = in64(&in);
	c.mbec = in32(&in);
	if (in32(&in) != 0 || !in_done(&in))
		return -VSM_ERR_INVAL;
	if ((l->enabled & (1u << vtl)) == 0 ? !common_empty(&c) : common_bad(l, vtl, &c))
		return -VSM_ERR_INVAL;
	if (c.mbec)
		l->mbec |= 1u << vtl;
	if ((c.config & PROTECT) != 0)
		l->protects |= 1u << vtl;
	l->taken_seen += save_config_weight(c.config);
	if (l->apply)
		common_store(l, vtl, &c);
	return 0;
}

/* May this VTL have given such rights to a page (TLFS 15.9.2)? */
static int mask_bad(const struct load *l, uint32_t vtl, uint32_t mask)
{
	int mbec = (l->mbec & (1u << vtl)) != 0;
	uint32_t accepted = mbec ? l->vsm->accepted_mbec : l->vsm->accepted;

	return (l->enabled & (1u << vtl)) == 0 || !vsm_rights_valid(mask, mbec) ||
	       (accepted & (1u << mask)) == 0;
}

/* Is all of it RAM? Ranges that touch each other are one to the caller. */
static int run_is_ram(const struct vsm *vsm, uint64_t gpn, uint64_t pages)
{
	while (pages != 0) {
		const struct protmap_range *range =
			vsm->map == NULL ? NULL : protmap_range_of(vsm->map, gpn);
		uint64_t here;

		if (range == NULL)
			return 0;
		here = range_end(range) - gpn;
		if (here > pages)
			here = pages;
		gpn += here;
		pages -= here;
	}
	return 1;
}

static int masks(struct load *l, uint32_t vtl)
{
	uint64_t behind = 0; /* All before it was spoken of. */
	struct in in;

	if (!take(l, SAVE_MASKS, vtl, &in) || in.left % SAVE_RUN_BYTES != 0)
		return -VSM_ERR_INVAL;
	while (in.left != 0) {
		uint64_t word = in64(&in), size = in64(&in);
		uint64_t gpa = word & PFN_MASK, pages = size >> HV_PAGE_SHIFT;
		uint32_t mask = (uint32_t)(word & SAVE_RUN_MASK);

		if ((gpa | mask) != word || size == 0 || (size & ~PFN_MASK) != 0 || gpa < behind ||
		    mask_bad(l, vtl, mask) || !run_is_ram(l->vsm, gpa >> HV_PAGE_SHIFT, pages))
			return -VSM_ERR_INVAL;
		behind = gpa + size; /* No wrap: all of it is RAM. */
		l->taken_seen += save_mask_weight(mask) * pages;
		if (l->apply && vsm_protmap_set(l->vsm->map, vtl, gpa, pages, mask) != 0)
			return -VSM_ERR_NOMEM;
	}
	return 0;
}

static int startup_bad(const struct load *l, const struct vsm_vp *vp, uint32_t startup)
{
	if (startup == STARTUP_NONE)
		return 0;
	/* A VP that waits has never run. */
	return (vp->flags & VSM_VP_WAIT_FOR_STARTUP) == 0 || l->vp_active != 0 ||
	       (startup != STARTUP_WAITING && startup != STARTUP_POSTED);
}

static void vp_store(const struct load *l, struct vsm_vp *vp, uint32_t startup, uint32_t start_vtl,
		     const struct hv_initial_vp_context *context)
{
	atomic_store(&vp->active_vtl, l->vp_active);
	atomic_store(&vp->enabled, l->vp_enabled);
	atomic_fetch_or(&l->vsm->any_enabled, l->vp_enabled & ~1u);
	vp->start_vtl = start_vtl;
	vp->start_context = *context;
	atomic_store(&vp->startup, startup);
	atomic_store(&vp->wait, startup == STARTUP_NONE ? WAIT_NONE : WAIT_STARTUP);
}

static int vp_itself(struct load *l, struct vsm_vp *vp)
{
	struct hv_initial_vp_context context = { 0 };
	uint32_t startup, start_vtl;
	struct in in;

	if (!peek(l, &in) || (in.id == SAVE_VP && in.of != vp->index))
		return other_machine(l, "VPs");
	if (!take(l, SAVE_VP, vp->index, &in))
		return -VSM_ERR_INVAL;
	if (in32(&in) != vp->apic_id || in32(&in) != vp->flags)
		return other_machine(l, "APIC ids or flags of VPs");
	l->vp_active = in32(&in);
	l->vp_enabled = in32(&in);
	startup = in32(&in);
	start_vtl = in32(&in);
	if (startup == STARTUP_POSTED)
		in_copy(&in, &context, sizeof(context));
	if (!in_done(&in) || (l->vp_enabled & 1) == 0 || (l->vp_enabled & ~l->enabled) != 0)
		return -VSM_ERR_INVAL;
	if (l->vp_active >= l->vsm->vtl_count || (l->vp_enabled & (1u << l->vp_active)) == 0)
		return -VSM_ERR_INVAL;
	/* What EnableVpVtl is given comes from RAM. */
	if (l->vp_enabled != 1 && l->vsm->map == NULL)
		return -VSM_ERR_INVAL;
	if (startup_bad(l, vp, startup))
		return -VSM_ERR_INVAL;
	l->vp_waits = startup != STARTUP_NONE;
	if (startup == STARTUP_POSTED ? start_vtl >= l->vsm->vtl_count ||
						vsm_context_check(&l->vsm->limits, &context) != 1 :
					start_vtl != 0)
		return -VSM_ERR_INVAL;
	if (l->apply)
		vp_store(l, vp, startup, start_vtl, &context);
	return 0;
}

/* A VTL of a VP; the pages stay where they are until they are stored. */
struct own {
	uint32_t parts;
	uint64_t msr[OVERLAYS_PER_VP]; /* Of its overlay pages. */
	uint64_t order[OVERLAYS_PER_VP];
	const uint8_t *page[OVERLAYS_PER_VP];
	uint64_t scontrol;
	uint64_t sint0;
	struct hv_register_value event;
	struct hv_message message;
	struct hv_initial_vp_context context;
};

static int own_read(struct in *in, uint32_t vtl, struct own *own)
{
	memset(own, 0, sizeof(*own));
	if (in32(in) != vtl)
		return 0;
	own->parts = in32(in);
	for (uint32_t which = 0; which < OVERLAYS_PER_VP; which++) {
		own->msr[which] = in64(in);
		own->order[which] = in64(in);
	}
	own->scontrol = in64(in);
	own->sint0 = in64(in);
	own->event.low = in64(in);
	own->event.high = in64(in);
	if ((own->parts & SAVE_HAS_MESSAGE) != 0)
		in_copy(in, &own->message, sizeof(own->message));
	if ((own->parts & SAVE_HAS_CONTEXT) != 0)
		in_copy(in, &own->context, sizeof(own->context));
	for (uint32_t which = 0; which < OVERLAYS_PER_VP; which++) {
		if ((own->parts & SAVE_HAS_PAGE(which)) != 0)
			own->page[which] = in_bytes(in, HV_PAGE_SIZE);
	}
	return in_done(in) && (own->parts & ~SAVE_HAS_ALL) == 0;
}

/* The only message that waits is a memory intercept; its payload is copied by its length. */
static int message_bad(const struct hv_message *message)
{
	return message->header.message_type != HVMSG_GPA_INTERCEPT ||
	       message->header.payload_size != sizeof(struct hv_x64_memory_intercept_message) ||
	       message->header.message_flags != 0 || message->header.reserved != 0;
}

static int event_bad(const struct load *l, uint32_t vtl, const struct hv_register_value *event)
{
	if ((event->low | event->high) == 0)
		return 0;
	/* It is raised, and gone, with the entry into its VTL; only a higher one can queue it. */
	return !has(l, VSM_CAP_INJECT) || vtl >= l->vp_active || (event->low & 1) == 0 ||
	       !vreg_event_legal(event);
}

/* What belongs to a time that is over for this VTL, or has not come. */
static int parts_bad(const struct load *l, uint32_t vtl, uint32_t parts)
{
	uint32_t waiting = parts & (SAVE_HAS_MESSAGE | SAVE_HAS_CONTEXT);

	/* VTL0 is told of no intercepts, and starts without a context of the guest's. */
	if (vtl == 0)
		return waiting != 0;
	/* A message comes with the entry into its VTL, of a VP that runs, and that loads the
	 * context: never both. */
	if ((waiting & SAVE_HAS_MESSAGE) != 0 && (l->vp_waits || waiting != SAVE_HAS_MESSAGE))
		return 1;
	return (waiting & SAVE_HAS_CONTEXT) != 0 && vtl == l->vp_active;
}

static int own_bad(const struct load *l, uint32_t vtl, const struct own *own)
{
	for (uint32_t which = 0; which < OVERLAYS_PER_VP; which++) {
		if (overlay_bad(l, own->msr[which], own->order[which]))
			return 1;
	}
	if (!vreg_sint_legal(own->sint0) || event_bad(l, vtl, &own->event))
		return 1;
	if (parts_bad(l, vtl, own->parts))
		return 1;
	if ((own->parts & SAVE_HAS_MESSAGE) != 0 && message_bad(&own->message))
		return 1;
	return (own->parts & SAVE_HAS_CONTEXT) != 0 &&
	       vsm_context_check(&l->vsm->limits, &own->context) != 1;
}

static void page_store(const struct load *l, uint32_t vtl, uint32_t slot, const uint8_t *page)
{
	if (page != NULL)
		memcpy(overlay_page(l->vsm, vtl, slot), page, HV_PAGE_SIZE);
	else
		memset(overlay_page(l->vsm, vtl, slot), 0, HV_PAGE_SIZE);
}

static void own_store(const struct load *l, struct vsm_vp *vp, uint32_t vtl, const struct own *own)
{
	struct vp_vtl *state = &vp->vtl[vtl];

	for (uint32_t which = 0; which < OVERLAYS_PER_VP; which++) {
		uint32_t slot = overlay_slot_vp(vp->index, which);

		page_store(l, vtl, slot, own->page[which]);
		overlay_store(l, vtl, slot, &state->page[which], own->msr[which],
			      own->order[which]);
	}
	msr_store(&state->scontrol, own->scontrol);
	msr_store(&state->sint0, own->sint0);
	state->pending_event = own->event;
	state->message = own->message;
	state->has_message = (own->parts & SAVE_HAS_MESSAGE) != 0;
	if (state->has_message)
		vp->message_pending |= 1u << vtl;
	state->context = own->context;
	if ((own->parts & SAVE_HAS_CONTEXT) != 0)
		atomic_fetch_or(&vp->context_pending, 1u << vtl);
}

static int vtl_of_vp(struct load *l, struct vsm_vp *vp, uint32_t vtl)
{
	struct own own;
	struct in in;

	if (!take(l, SAVE_VP_VTL, vp->index, &in) || !own_read(&in, vtl, &own) ||
	    own_bad(l, vtl, &own))
		return -VSM_ERR_INVAL;
	if (l->apply)
		own_store(l, vp, vtl, &own);
	return 0;
}

static int vps(struct load *l)
{
	uint32_t count = 0;
	int r = 0;

	for (uint32_t i = 0; i < l->vsm->config.max_vps && r == 0; i++) {
		struct vsm_vp *vp = l->vsm->vp[i];

		if (vp == NULL)
			continue;
		count++;
		r = vp_itself(l, vp);
		for (uint32_t vtl = 0; vtl < l->vsm->vtl_count && r == 0; vtl++) {
			if ((l->vp_enabled & (1u << vtl)) != 0)
				r = vtl_of_vp(l, vp, vtl);
		}
	}
	/* VTLs are enabled by VPs. */
	return r == 0 && count == 0 && l->enabled != 1 ? -VSM_ERR_INVAL : r;
}

static int vtls(struct load *l)
{
	int r = 0;

	for (uint32_t vtl = 0; vtl < l->vsm->vtl_count && r == 0; vtl++)
		r = vtl_of_partition(l, vtl);
	for (uint32_t vtl = 1; vtl < l->vsm->vtl_count && r == 0; vtl++)
		r = masks(l, vtl);
	return r;
}

int load_sections(struct load *l)
{
	struct in in;
	int r = config(l);

	if (r == 0)
		r = ram(l);
	if (r == 0)
		r = partition(l);
	if (r == 0)
		r = vtls(l);
	/* Rights that got lost on the way are not those that were taken. */
	if (r == 0 && (l->protects != l->protecting || l->taken_seen != l->taken))
		r = -VSM_ERR_INVAL;
	if (r == 0)
		r = vps(l);
	if (r == 0 && peek(l, &in) && in.id == SAVE_VP)
		r = other_machine(l, "VPs");
	return r == 0 && (l->left != 0 || l->sections != 0) ? -VSM_ERR_INVAL : r;
}
