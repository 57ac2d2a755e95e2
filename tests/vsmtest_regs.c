/* SPDX-License-Identifier: BSD-3-Clause */
/* The fake host's registers, kept in either of the two ways that hosts keep them. */
#include <stdlib.h>
#include <string.h>

#include "vsmtest_internal.h"

#define POISON 0xa5a5a5a5a5a5a5a5ull

const char *vsmtest_model_name(uint32_t model)
{
	return model == VSMTEST_SWAPPED ? "swapped" : "replicated";
}

int vsmtest_model_from_env(uint32_t *model)
{
	const char *text = getenv("VSMTEST_MODEL");
	uint32_t i;

	*model = VSMTEST_REPLICATED;
	if (!text)
		return 0;
	for (i = VSMTEST_REPLICATED; i <= VSMTEST_SWAPPED; i++)
		if (!strcmp(text, vsmtest_model_name(i))) {
			*model = i;
			return 0;
		}
	return -VSM_ERR_INVAL;
}

/* Where a VTL's registers are: its own vCPU, or the only one, or the slot of a VTL that is out. */
struct vsmtest_file *vsmtest_file_of(struct vsmtest_vp *vp, uint32_t vtl, int shared)
{
	if (vp->t->opts.model == VSMTEST_SWAPPED && (shared || vtl == vp->loaded))
		return &vp->cpu;
	return &vp->file[vtl];
}

/* Other names of a register: the library must not ask a host for them, tests may. */
static uint32_t real_name(uint32_t name)
{
	switch (name) {
	case HV_X64_REGISTER_INTERMEDIATE_CR0:
		return HV_X64_REGISTER_CR0;
	case HV_X64_REGISTER_INTERMEDIATE_CR3:
		return HV_X64_REGISTER_CR3;
	case HV_X64_REGISTER_INTERMEDIATE_CR4:
		return HV_X64_REGISTER_CR4;
	case HV_X64_REGISTER_INTERMEDIATE_CR8:
		return HV_X64_REGISTER_CR8;
	default:
		if (name >= HV_X64_REGISTER_YMM0_LOW && name <= HV_X64_REGISTER_YMM15_LOW)
			return name - HV_X64_REGISTER_YMM0_LOW + HV_X64_REGISTER_XMM0;
		return name;
	}
}

struct hv_register_value *vsmtest_slot(struct vsmtest *t, uint32_t vp, uint32_t vtl, uint32_t name)
{
	struct vsmtest_vp *at = &t->vp[vp];
	int row;

	name = real_name(name);
	if (name >= HV_X64_REGISTER_XMM0 && name <= HV_X64_REGISTER_XMM5)
		return &vsmtest_file_of(at, vtl, 1)->xmm[name - HV_X64_REGISTER_XMM0];
	row = vsmtest_row(t, name);
	if (row < 0)
		return NULL;
	return &vsmtest_file_of(at, vtl, vsmtest_row_shared(t, &t->row[row]))->values[row];
}

struct vsmtest_hidden *vsmtest_hidden(struct vsmtest *t, uint32_t vp, uint32_t vtl)
{
	return &vsmtest_file_of(&t->vp[vp], vtl, 0)->hidden;
}

int vsmtest_row_shared(const struct vsmtest *t, const struct vsm_register_info *row)
{
	if (row->owner != VSM_OWNER_HOST)
		return 0;
	if (row->scope == VSM_SCOPE_MIXED)
		return (t->opts.config.host_flags & VSM_HOST_DR6_SHARED) != 0;
	return row->scope == VSM_SCOPE_SHARED;
}

/* The batch rules of regs_get and regs_set. */
static int check_batch(struct vsmtest_vp *vp, enum vsmtest_op op, uint32_t groups,
		       const struct vsm_reg *regs, uint32_t count)
{
	struct vsmtest *t = vp->t;
	uint32_t all = 0, i;

	if (count < 1 || count > 32)
		vsmtest_breach(t, "%s with %u registers", vsmtest_op_name(op), count);
	for (i = 0; i < count; i++) {
		int row = vsmtest_row(t, regs[i].name);

		if (regs[i].reserved)
			vsmtest_breach(t, "%s: reserved field of register %x", vsmtest_op_name(op),
				       regs[i].name);
		if (row < 0 || t->row[row].owner != VSM_OWNER_HOST) {
			vsmtest_breach(t, "%s: register %x is not the host's", vsmtest_op_name(op),
				       regs[i].name);
			return -VSM_ERR_NOTFOUND;
		}
		if (!t->row[row].group || (t->row[row].flags & VSM_REG_ALIAS))
			vsmtest_breach(t, "%s: %s is no register for hosts", vsmtest_op_name(op),
				       t->row[row].text);
		all |= t->row[row].group;
		if (regs[i].name == t->missing_reg)
			return -VSM_ERR_NOTFOUND;
		if (regs[i].name == t->refused_reg && op == VSMTEST_REGS_SET)
			return -VSM_ERR_INVAL;
	}
	if (all != groups)
		vsmtest_breach(t, "%s: groups %x, but its registers are of %x", vsmtest_op_name(op),
			       groups, all);
	return 0;
}

int vsmtest_op_regs_get(void *opaque, uint32_t vtl, uint32_t groups, struct vsm_reg *regs,
			uint32_t count)
{
	struct vsmtest_vp *vp = opaque;
	int result = vsmtest_op_begin(vp->t, VSMTEST_REGS_GET, vp, vtl, regs[0].name, count);
	uint32_t i;

	if (!result)
		result = check_batch(vp, VSMTEST_REGS_GET, groups, regs, count);
	if (result)
		return result;
	for (i = 0; i < count; i++)
		regs[i].value = *vsmtest_slot(vp->t, vp->slot, vtl, regs[i].name);
	return 0;
}

/* What the host keeps besides the registers, and has to keep true to them. */
static void follow(struct vsmtest_vp *vp, uint32_t vtl, const struct vsm_reg *reg)
{
	struct vsmtest_hidden *hidden = &vsmtest_file_of(vp, vtl, 0)->hidden;
	struct hv_segment_register ss;

	if (reg->name == HV_X64_REGISTER_SS) {
		memcpy(&ss, &reg->value, sizeof(ss));
		hidden->cpl = ss.attributes >> HV_X64_SEGMENT_DPL_SHIFT & 3u;
	}
	if (reg->name == HV_REGISTER_INTERRUPT_STATE) {
		hidden->interrupt_shadow = reg->value.low & 1u;
		hidden->nmi_masked = reg->value.low >> 1 & 1u;
	}
}

int vsmtest_op_regs_set(void *opaque, uint32_t vtl, uint32_t groups, const struct vsm_reg *regs,
			uint32_t count)
{
	struct vsmtest_vp *vp = opaque;
	int result = vsmtest_op_begin(vp->t, VSMTEST_REGS_SET, vp, vtl, regs[0].name, count);
	uint32_t i;

	if (!result)
		result = check_batch(vp, VSMTEST_REGS_SET, groups, regs, count);
	if (result)
		return result;
	for (i = 0; i < count; i++) {
		const struct vsm_register_info *row = &vp->t->row[vsmtest_row(vp->t, regs[i].name)];

		if ((row->bytes < 16 && regs[i].value.high) ||
		    (row->bytes < 8 && regs[i].value.low >> 32))
			vsmtest_breach(vp->t, "regs_set: %s is not zero-extended", row->text);
		*vsmtest_slot(vp->t, vp->slot, vtl, regs[i].name) = regs[i].value;
		follow(vp, vtl, &regs[i]);
	}
	return 0;
}

int vsmtest_op_xmm_get(void *opaque, uint32_t vtl, struct vsm_xmm_block *block)
{
	struct vsmtest_vp *vp = opaque;
	int result = vsmtest_op_begin(vp->t, VSMTEST_XMM_GET, vp, vtl, 0, 0);

	if (result)
		return result;
	if (vtl != vp->active)
		vsmtest_breach(vp->t, "xmm_get of VTL %u while %u is active", vtl, vp->active);
	memcpy(block->bytes, vsmtest_file_of(vp, vtl, 1)->xmm, sizeof(block->bytes));
	return 0;
}

int vsmtest_op_xmm_set(void *opaque, uint32_t vtl, const struct vsm_xmm_block *block)
{
	struct vsmtest_vp *vp = opaque;
	int result = vsmtest_op_begin(vp->t, VSMTEST_XMM_SET, vp, vtl, 0, 0);

	if (result)
		return result;
	if (vtl != vp->active)
		vsmtest_breach(vp->t, "xmm_set of VTL %u while %u is active", vtl, vp->active);
	memcpy(vsmtest_file_of(vp, vtl, 1)->xmm, block->bytes, sizeof(block->bytes));
	return 0;
}

/* Copy the private or the shared registers of the table. */
static void copy_rows(struct vsmtest *t, struct vsmtest_file *to, const struct vsmtest_file *from,
		      int shared)
{
	uint32_t i;

	for (i = 0; i < t->rows; i++)
		if (t->row[i].owner == VSM_OWNER_HOST &&
		    vsmtest_row_shared(t, &t->row[i]) == shared)
			to->values[i] = from->values[i];
	if (shared) {
		memcpy(to->xmm, from->xmm, sizeof(to->xmm));
		return;
	}
	to->hidden = from->hidden;
	to->event = from->event;
	to->has_event = from->has_event;
}

static void poison_rows(struct vsmtest *t, struct vsmtest_file *file, int shared)
{
	uint32_t i;

	for (i = 0; i < t->rows; i++)
		if (vsmtest_row_shared(t, &t->row[i]) == shared)
			file->values[i].low = file->values[i].high = POISON;
	if (shared)
		memset(file->xmm, 0xa5, sizeof(file->xmm));
	else
		memset(&file->hidden, 0xa5, sizeof(file->hidden));
}

/* One vCPU: put the private state of one VTL into its slot, take that of another out of its own. */
static void exchange(struct vsmtest_vp *vp, uint32_t from, uint32_t to)
{
	copy_rows(vp->t, &vp->file[from], &vp->cpu, 0);
	copy_rows(vp->t, &vp->cpu, &vp->file[to], 0);
	poison_rows(vp->t, &vp->file[to], 0);
	vp->file[to].has_event = 0;
	vp->loaded = to;
}

void vsmtest_switch_prepare(struct vsmtest_vp *vp, uint32_t from, uint32_t to)
{
	if (vp->t->opts.model == VSMTEST_SWAPPED) {
		/* What is written between here and an ABORT goes into the only copy there is. */
		copy_rows(vp->t, &vp->undo, &vp->cpu, 1);
		exchange(vp, from, to);
	} else {
		copy_rows(vp->t, &vp->file[to], &vp->file[from], 1);
	}
	vp->switching = 1;
	vp->from = from;
	vp->to = to;
}

void vsmtest_switch_end(struct vsmtest_vp *vp, int commit)
{
	vp->switching = 0;
	if (commit)
		vp->active = vp->to;
	if (vp->t->opts.model != VSMTEST_SWAPPED) {
		/* What a replicated host does not copy goes stale. */
		poison_rows(vp->t, &vp->file[commit ? vp->from : vp->to], 1);
	} else if (!commit) {
		exchange(vp, vp->to, vp->from);
		copy_rows(vp->t, &vp->cpu, &vp->undo, 1);
	}
}

static void file_reset(const struct vsmtest *t, struct vsmtest_file *file)
{
	struct hv_register_value *values = file->values;

	memset(file, 0, sizeof(*file));
	file->values = values;
	memset(values, 0xa5, t->rows * sizeof(*values));
	memset(file->xmm, 0xa5, sizeof(file->xmm));
}

void vsmtest_files_reset(struct vsmtest_vp *vp, uint32_t active)
{
	struct vsmtest *t = vp->t;
	struct vsmtest_file *file;
	uint32_t vtl;

	for (vtl = 0; vtl <= t->opts.config.max_vtl; vtl++)
		file_reset(t, &vp->file[vtl]);
	file_reset(t, &vp->cpu);
	file_reset(t, &vp->undo);
	vp->active = vp->loaded = active;
	vp->switching = 0;
	/* The VTL that runs first starts with zeroes. */
	file = vsmtest_file_of(vp, active, 0);
	memset(file->values, 0, t->rows * sizeof(*file->values));
}

static void file_alloc(const struct vsmtest *t, struct vsmtest_file *file)
{
	file->values = malloc((t->rows + 1u) * sizeof(*file->values));
}

void vsmtest_files_alloc(struct vsmtest_vp *vp)
{
	uint32_t vtl;

	for (vtl = 0; vtl <= vp->t->opts.config.max_vtl; vtl++)
		file_alloc(vp->t, &vp->file[vtl]);
	file_alloc(vp->t, &vp->cpu);
	file_alloc(vp->t, &vp->undo);
}

void vsmtest_files_free(struct vsmtest_vp *vp)
{
	uint32_t vtl;

	for (vtl = 0; vtl <= VSM_VTL_MAX; vtl++)
		free(vp->file[vtl].values);
	free(vp->cpu.values);
	free(vp->undo.values);
}
