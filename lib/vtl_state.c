/* SPDX-License-Identifier: BSD-3-Clause */
/* Private state of a VTL from and to a struct vsm_private_state (TLFS 15.11.1). */
#include <string.h>

#include "context.h"
#include "host.h"
#include "intercept.h"
#include "ops.h"
#include "overlay.h"
#include "private_state.h"
#include "register_table.h"
#include "vp_entry.h"
#include "vreg.h"

#define ENABLE	 1ULL
#define PFN_MASK (~(uint64_t)(HV_PAGE_SIZE - 1))

/*
 * Registers of a batch. GPRs, segments and control registers go together: a host may refuse one of
 * them that contradicts another, such as CS.L and EFER.LMA.
 */
static const uint32_t classes[] = {
	VSM_REGS_GPR | VSM_REGS_SEGMENT | VSM_REGS_CONTROL,
	VSM_REGS_MSR,
	VSM_REGS_DEBUG,
	VSM_REGS_EVENT,
};

#define CLASSES (sizeof(classes) / sizeof(classes[0]))

/* A VTL and what is known of it. */
struct subject {
	struct vsm_vp *vp;
	uint32_t vtl;
	uint8_t known[VSM_PRIVATE_STATE_REGS]; /* By position: there is such a register here. */
};

struct batch {
	struct vsm_reg regs[REGS_MAX];
	uint32_t at[REGS_MAX]; /* Position in the object. */
	uint32_t groups;
	uint32_t count;
};

static uint32_t state_flags(const struct vsm *vsm)
{
	uint32_t flags = 0;

	if ((vsm->config.host_flags & VSM_HOST_DR6_SHARED) != 0)
		flags |= VSM_PRIVATE_STATE_DR6_SHARED;
	if ((vsm->config.flags & VSM_CONFIG_SCONTROL_RESET_0) != 0)
		flags |= VSM_PRIVATE_STATE_SCONTROL_0;
	return flags;
}

/*
 * The next batch of registers of a class at or behind *from. With `other`, those only whose value
 * differs there.
 */
static int batch_fill(struct batch *b, const struct vsm_private_state *state,
		      const struct vsm_private_state *other, uint32_t class, uint32_t *from)
{
	b->count = 0;
	b->groups = 0;
	for (; *from < state->count && b->count < REGS_MAX; ++*from) {
		const struct vsm_reg *reg = &state->regs[*from];
		const struct vsm_register_info *row = register_row(reg->name);

		if (row->owner != VSM_OWNER_HOST || (row->group & class) == 0)
			continue;
		if (other != NULL &&
		    memcmp(&reg->value, &other->regs[*from].value, sizeof(reg->value)) == 0)
			continue;
		b->regs[b->count] = *reg;
		b->at[b->count++] = *from;
		b->groups |= row->group;
	}
	return b->count != 0;
}

static void batch_store(struct subject *s, struct vsm_private_state *state, const struct batch *b)
{
	for (uint32_t i = 0; i < b->count; i++) {
		state->regs[b->at[i]].value = b->regs[i].value;
		s->known[b->at[i]] = 1;
	}
}

/* A host that lacks a register of a batch refuses it whole: then each is asked for alone. */
static int batch_get(struct subject *s, struct vsm_private_state *state, struct batch *b)
{
	int r = host_regs_get(s->vp, s->vtl, b->groups, b->regs, b->count);

	if (r == 0)
		batch_store(s, state, b);
	if (r != -VSM_ERR_NOTFOUND)
		return r;
	for (uint32_t i = 0; i < b->count; i++) {
		struct batch one = { .count = 1 };

		one.regs[0].name = b->regs[i].name;
		one.at[0] = b->at[i];
		one.groups = register_row(b->regs[i].name)->group;
		r = host_regs_get(s->vp, s->vtl, one.groups, one.regs, 1);
		if (r == 0)
			batch_store(s, state, &one);
		else if (r != -VSM_ERR_NOTFOUND)
			return r;
	}
	return 0;
}

static int get_host(struct subject *s, struct vsm_private_state *state)
{
	for (size_t i = 0; i < CLASSES; i++) {
		uint32_t from = 0;
		struct batch b;

		while (batch_fill(&b, state, NULL, classes[i], &from)) {
			int r = batch_get(s, state, &b);

			if (r != 0)
				return r;
		}
	}
	return 0;
}

static int get_library(struct subject *s, struct vsm_private_state *state)
{
	for (uint32_t i = 0; i < state->count; i++) {
		struct vsm_reg *reg = &state->regs[i];
		const struct vsm_register_info *row = register_row(reg->name);
		struct vreg vreg = { s->vp, s->vp, s->vtl, reg->name };
		struct hv_register_value value;
		int r;

		if (row->owner != VSM_OWNER_LIBRARY || s->vtl < row->min_vtl)
			continue;
		r = vreg_get(&vreg, &value);
		if (r < 0)
			return r;
		if (r != HV_STATUS_SUCCESS) /* This partition does not offer it. */
			continue;
		reg->value = value;
		s->known[i] = 1;
	}
	return 0;
}

static int get_all(struct subject *s, struct vsm_private_state *state)
{
	int r = context_apply(s->vp, s->vtl);

	if (r != 0) /* Not a failure of the host's: the guest gave it what it cannot take. */
		return r == -VSM_ERR_INVAL ? -VSM_ERR_NOSUP : -VSM_ERR_HOST;
	memset(s->known, 0, sizeof(s->known));
	vsm_private_state_init(state, state_flags(s->vp->vsm));
	r = get_host(s, state);
	if (r == 0)
		r = get_library(s, state);
	return r;
}

static int begin(struct vsm_vp *vp, uint32_t vtl, const char *who)
{
	int r;

	if (vp == NULL || vtl >= vp->vsm->vtl_count)
		return -VSM_ERR_INVAL;
	r = entry_begin(vp, who);
	if (r != 0)
		return r;
	if ((atomic_load(&vp->enabled) & (1u << vtl)) == 0)
		return entry_end(vp, -VSM_ERR_NOTFOUND);
	return 0;
}

int vsm_vtl_state_save(struct vsm_vp *vp, uint32_t vtl, struct vsm_private_state *state)
{
	struct subject s = { .vp = vp, .vtl = vtl };
	struct vsm_private_state now;
	int r;

	if (state == NULL)
		return -VSM_ERR_INVAL;
	r = begin(vp, vtl, "vsm_vtl_state_save");
	if (r != 0)
		return r;
	r = get_all(&s, &now);
	if (r == 0)
		*state = now;
	return entry_end(vp, r);
}

static uint64_t low_of(const struct vsm_private_state *state, uint32_t name)
{
	int at = private_state_find(state, name);

	return at < 0 ? 0 : state->regs[at].value.low;
}

/* What single values do not tell: the rules that the guest's own writes obey. */
static int library_legal(const struct vsm *vsm, const struct vsm_private_state *state)
{
	uint64_t hypercall = low_of(state, HV_REGISTER_HYPERCALL);
	uint64_t sint0 = low_of(state, HV_REGISTER_SINT0);

	if ((hypercall & PFN_MASK) >> vsm->config.phys_bits != 0)
		return 0;
	/* TLFS 3.13: no hypercall page without an identity. */
	if ((hypercall & ENABLE) != 0 && low_of(state, HV_REGISTER_GUEST_OS_ID) == 0)
		return 0;
	return (sint0 & HV_SYNIC_SINT_MASKED) != 0 || (sint0 & HV_SYNIC_SINT_VECTOR_MASK) >= 16;
}

/* May this register be written here? */
static int is_loadable(const struct subject *s, uint32_t position, uint32_t name)
{
	/* Rights of lower VTLs hang on it. */
	if (name == HV_REGISTER_VSM_PARTITION_CONFIG)
		return 0;
	return s->known[position];
}

static int check_load(const struct subject *s, const struct vsm_private_state *now,
		      const struct vsm_private_state *state)
{
	for (uint32_t i = 0; i < state->count; i++) {
		const struct vsm_reg *reg = &state->regs[i];

		if (memcmp(&reg->value, &now->regs[i].value, sizeof(reg->value)) == 0)
			continue;
		if (vsm_register_check(&s->vp->vsm->limits, reg) != 1)
			return -VSM_ERR_INVAL;
		if (!is_loadable(s, i, reg->name))
			return -VSM_ERR_NOSUP;
	}
	return library_legal(s->vp->vsm, state) ? 0 : -VSM_ERR_INVAL;
}

static int set_host(struct subject *s, const struct vsm_private_state *state,
		    const struct vsm_private_state *now)
{
	for (size_t i = 0; i < CLASSES; i++) {
		uint32_t from = 0;
		struct batch b;

		while (batch_fill(&b, state, now, classes[i], &from)) {
			int r = host_regs_set(s->vp, s->vtl, b.groups, b.regs, b.count);

			if (r != 0)
				return r == -VSM_ERR_NOTFOUND ? -VSM_ERR_NOSUP : r;
		}
	}
	return 0;
}

static int page_load(struct subject *s, uint32_t which, uint64_t value)
{
	return overlay_load(s->vp, s->vtl, overlay_slot_vp(s->vp->index, which),
			    &s->vp->vtl[s->vtl].page[which], value);
}

/* One register of the library. */
static int set_library_one(struct subject *s, const struct vsm_reg *reg)
{
	struct vtl_state *shared = &s->vp->vsm->vtl[s->vtl];
	struct vp_vtl *own = &s->vp->vtl[s->vtl];
	struct vreg vreg = { s->vp, s->vp, s->vtl, reg->name };
	int r;

	switch (reg->name) {
	case HV_REGISTER_GUEST_OS_ID:
		msr_store(&shared->guest_os_id, reg->value.low);
		return 0;
	case HV_REGISTER_HYPERCALL:
		return overlay_load(s->vp, s->vtl, OVERLAY_HYPERCALL, &shared->hypercall,
				    reg->value.low);
	case HV_REGISTER_REFERENCE_TSC:
		return overlay_load(s->vp, s->vtl, OVERLAY_TSC, &shared->reference_tsc,
				    reg->value.low);
	case HV_REGISTER_VP_ASSIST_PAGE:
		return page_load(s, OVERLAY_ASSIST, reg->value.low);
	case HV_REGISTER_SIMP:
		return page_load(s, OVERLAY_SIMP, reg->value.low);
	case HV_REGISTER_SIEFP:
		return page_load(s, OVERLAY_SIEFP, reg->value.low);
	case HV_REGISTER_SCONTROL:
		msr_store(&own->scontrol, reg->value.low);
		return 0;
	case HV_REGISTER_SINT0:
		msr_store(&own->sint0, reg->value.low);
		return 0;
	case HV_REGISTER_PENDING_EVENT0:
		r = vreg_set(&vreg, &reg->value);
		return r > 0 ? -VSM_ERR_INVAL : r;
	default:
		return -VSM_ERR_NOSUP;
	}
}

static int set_library(struct subject *s, const struct vsm_private_state *state,
		       const struct vsm_private_state *now)
{
	for (uint32_t i = 0; i < state->count; i++) {
		const struct vsm_reg *reg = &state->regs[i];
		int r;

		if (register_row(reg->name)->owner != VSM_OWNER_LIBRARY ||
		    memcmp(&reg->value, &now->regs[i].value, sizeof(reg->value)) == 0)
			continue;
		r = set_library_one(s, reg);
		if (r != 0)
			return r;
	}
	return 0;
}

/* Back to what was before, as far as anything has changed. */
static int put_back(struct subject *s, const struct vsm_private_state *before, int why)
{
	struct vsm_private_state now;

	if (get_all(s, &now) != 0 || set_library(s, before, &now) != 0 ||
	    set_host(s, before, &now) != 0)
		return -VSM_ERR_STATE;
	return why;
}

static int load(struct subject *s, const struct vsm_private_state *state)
{
	struct vsm_private_state before;
	int r = get_all(s, &before);

	if (r == 0)
		r = check_load(s, &before, state);
	if (r != 0)
		return r;
	r = set_host(s, state, &before);
	if (r == 0)
		r = set_library(s, state, &before);
	return r == 0 ? 0 : put_back(s, &before, r);
}

int vsm_vtl_state_load(struct vsm_vp *vp, uint32_t vtl, const struct vsm_private_state *state)
{
	struct subject s = { .vp = vp, .vtl = vtl };
	int r;

	if (vp == NULL || state == NULL || !private_state_whole(state) ||
	    state->flags != state_flags(vp->vsm))
		return -VSM_ERR_INVAL;
	r = begin(vp, vtl, "vsm_vtl_state_load");
	if (r != 0)
		return r;
	if (!op_acquire(vp)) {
		atomic_store(&vp->op_wait, 0);
		log_misuse(vp->vsm, "vsm_vtl_state_load",
			   "another VP is changing rights or overlays");
		return entry_end(vp, -VSM_ERR_MISUSE);
	}
	r = load(&s, state);
	op_release(vp);
	/* As after a write of any of these registers: a message may be deliverable now. */
	intercept_rescan(vp, vtl);
	return entry_end(vp, r);
}
