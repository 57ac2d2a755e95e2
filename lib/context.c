/* SPDX-License-Identifier: BSD-3-Clause */
#include "context.h"

#include <string.h>

#include "host.h"
#include "lock.h"
#include "register_table.h"

/* Where the fields of HV_INITIAL_VP_CONTEXT go. */
static const struct {
	uint32_t name;
	uint16_t offset;
	uint16_t size;
} context_fields[] = {
#define FIELD(reg, member)                                                            \
	{                                                                             \
		reg, (uint16_t)offsetof(struct hv_initial_vp_context, member),        \
			(uint16_t)sizeof(((struct hv_initial_vp_context *)0)->member) \
	}
	FIELD(HV_X64_REGISTER_RIP, rip),       FIELD(HV_X64_REGISTER_RSP, rsp),
	FIELD(HV_X64_REGISTER_RFLAGS, rflags), FIELD(HV_X64_REGISTER_CS, cs),
	FIELD(HV_X64_REGISTER_DS, ds),	       FIELD(HV_X64_REGISTER_ES, es),
	FIELD(HV_X64_REGISTER_FS, fs),	       FIELD(HV_X64_REGISTER_GS, gs),
	FIELD(HV_X64_REGISTER_SS, ss),	       FIELD(HV_X64_REGISTER_TR, tr),
	FIELD(HV_X64_REGISTER_LDTR, ldtr),     FIELD(HV_X64_REGISTER_IDTR, idtr),
	FIELD(HV_X64_REGISTER_GDTR, gdtr),     FIELD(HV_X64_REGISTER_EFER, efer),
	FIELD(HV_X64_REGISTER_CR0, cr0),       FIELD(HV_X64_REGISTER_CR3, cr3),
	FIELD(HV_X64_REGISTER_CR4, cr4),       FIELD(HV_X64_REGISTER_PAT, msr_cr_pat),
#undef FIELD
};

#define CONTEXT_FIELDS (sizeof(context_fields) / sizeof(context_fields[0]))

static int in_context(uint32_t name)
{
	for (size_t i = 0; i < CONTEXT_FIELDS; i++) {
		if (context_fields[i].name == name)
			return 1;
	}
	return 0;
}

int context_load(struct vsm_vp *vp, uint32_t vtl, const struct hv_initial_vp_context *values)
{
	const uint8_t *context = (const uint8_t *)values;
	struct vsm_reg regs[CONTEXT_FIELDS];

	memset(regs, 0, sizeof(regs));
	for (size_t i = 0; i < CONTEXT_FIELDS; i++) {
		regs[i].name = context_fields[i].name;
		memcpy(&regs[i].value, context + context_fields[i].offset, context_fields[i].size);
	}
	return host_regs_set(vp, vtl,
			     VSM_REGS_GPR | VSM_REGS_SEGMENT | VSM_REGS_CONTROL | VSM_REGS_MSR,
			     regs, CONTEXT_FIELDS);
}

/* Is this a register of which each VTL has its own, and which the host keeps? */
static int is_private(const struct vsm *vsm, const struct vsm_register_info *row)
{
	if (row->owner != VSM_OWNER_HOST || (row->flags & VSM_REG_ALIAS) != 0)
		return 0;
	/* Guests may not write what is on its way to them, but a new VTL starts without it. */
	if ((row->flags & VSM_REG_WRITABLE) == 0 && row->group != VSM_REGS_EVENT)
		return 0;
	if (row->scope == VSM_SCOPE_MIXED)
		return (vsm->config.host_flags & VSM_HOST_DR6_SHARED) == 0;
	return row->scope == VSM_SCOPE_PRIVATE;
}

/* Private registers that are not in the context start at their reset values. */
static int load_rest(struct vsm_vp *vp, uint32_t vtl)
{
	const struct vsm_register_info *row;

	for (uint32_t i = 0; (row = register_row_at(i)) != NULL; i++) {
		struct vsm_reg reg = { .name = row->name };
		int r;

		if (!is_private(vp->vsm, row) || in_context(row->name))
			continue;
		reg.value.low = row->reset;
		r = host_regs_set(vp, vtl, row->group, &reg, 1);
		if (r != 0 && r != -VSM_ERR_NOTFOUND) /* A host need not have each of them. */
			return r;
	}
	return 0;
}

/* The context that waits for a VTL. Another VP may take it back and leave another one meanwhile. */
static int take_context(struct vsm_vp *vp, uint32_t vtl, struct hv_initial_vp_context *context)
{
	int waits;

	lock_take(vp->vsm, vp);
	waits = (atomic_load(&vp->context_pending) & (1u << vtl)) != 0;
	*context = vp->vtl[vtl].context;
	lock_drop(vp->vsm, vp);
	return waits;
}

/* It is loaded. 0: another one waits instead, or none. */
static int context_loaded(struct vsm_vp *vp, uint32_t vtl,
			  const struct hv_initial_vp_context *context)
{
	int same;

	lock_take(vp->vsm, vp);
	same = memcmp(context, &vp->vtl[vtl].context, sizeof(*context)) == 0;
	if (same)
		atomic_fetch_and(&vp->context_pending, ~(1u << vtl));
	lock_drop(vp->vsm, vp);
	return same;
}

int context_apply(struct vsm_vp *vp, uint32_t vtl)
{
	struct hv_initial_vp_context context;
	int r;

	if ((atomic_load_explicit(&vp->context_pending, memory_order_acquire) & (1u << vtl)) == 0 ||
	    !take_context(vp, vtl, &context))
		return 0;
	r = load_rest(vp, vtl);
	if (r == 0)
		r = context_load(vp, vtl, &context);
	if (r != 0)
		return r == -VSM_ERR_INVAL ? r : -VSM_ERR_HOST;
	/* A context is taken back only where a host op has failed. This entry fails too; the next
	 * one finds what waits then. */
	return context_loaded(vp, vtl, &context) ? 0 : -VSM_ERR_HOST;
}

int context_apply_all(struct vsm_vp *vp)
{
	int result = 0;

	if (atomic_load_explicit(&vp->context_pending, memory_order_acquire) == 0)
		return 0;
	for (uint32_t vtl = 1; vtl < vp->vsm->vtl_count; vtl++) {
		int r = context_apply(vp, vtl);

		if (r != 0 && result != -VSM_ERR_HOST)
			result = r;
	}
	return result;
}

uint64_t context_scontrol_reset(const struct vsm *vsm)
{
	/* TLFS resets it to 0, guests expect to find it enabled (TLFS 11.8.1). */
	if ((vsm->config.flags & VSM_CONFIG_SCONTROL_RESET_0) != 0)
		return 0;
	return HV_SYNIC_SCONTROL_ENABLE;
}

void context_reset_library(struct vsm_vp *vp, uint32_t vtl)
{
	struct vp_vtl *state = &vp->vtl[vtl];

	for (uint32_t i = 0; i < OVERLAYS_PER_VP; i++)
		msr_store(&state->page[i], 0);
	msr_store(&state->scontrol, context_scontrol_reset(vp->vsm));
	msr_store(&state->sint0, HV_SYNIC_SINT_RESET);
	memset(&state->pending_event, 0, sizeof(state->pending_event));
	memset(&state->message, 0, sizeof(state->message));
	state->has_message = 0;
}
