/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Registers of the example deferred-host, in the swapped model: a VP has one vCPU. What TLFS
 * 15.11.2 shares stays in it at a VTL switch; what 15.11.1 makes private goes to a slot of the VTL
 * that is left and comes from that of the VTL that is entered. The register table of libvsm says
 * which is which. All of this runs on the VP's thread and needs no lock.
 */
#include <string.h>

#include "deferred-host.h"

/* The private registers of a VTL that is not loaded are in its slot; all others are in the vCPU. */
static struct hv_register_value *reg(struct vcpu *c, uint32_t vtl, uint32_t name)
{
	for (uint32_t i = 0; vtl != c->loaded && i < c->m->private_count; i++) {
		if (c->m->private_name[i] == name)
			return &c->slot[vtl].value[i];
	}
	if (name >> 16 > 15 || (name & 0xffff) > 255)
		return NULL; /* Not in this machine. */
	return &c->file[name >> 16][name & 0xffff];
}

uint64_t *value_of(struct vcpu *c, uint32_t name)
{
	return &reg(c, c->loaded, name)->low;
}

int regs_get(void *vp, uint32_t vtl, uint32_t groups, struct vsm_reg *regs, uint32_t n)
{
	(void)groups;
	for (uint32_t i = 0; i < n; i++) {
		const struct hv_register_value *value = reg(vp, vtl, regs[i].name);

		if (value == NULL)
			return -VSM_ERR_NOTFOUND;
		regs[i].value = *value;
	}
	return 0;
}

int regs_set(void *vp, uint32_t vtl, uint32_t groups, const struct vsm_reg *regs, uint32_t n)
{
	(void)groups;
	for (uint32_t i = 0; i < n; i++) {
		if (reg(vp, vtl, regs[i].name) == NULL)
			return -VSM_ERR_NOTFOUND; /* Before anything is written: all or none. */
	}
	for (uint32_t i = 0; i < n; i++)
		*reg(vp, vtl, regs[i].name) = regs[i].value;
	return 0;
}

/* The register table says what is private (TLFS 15.11.1). DR6 is: VSM_HOST_DR6_SHARED is not
 * set. */
int list_private(struct machine *m)
{
	struct vsm_register_info info = { .size = sizeof(info) };

	for (uint32_t i = 0; vsm_register_at(i, &info) == 0; i++) {
		if (info.owner != VSM_OWNER_HOST || (info.flags & VSM_REG_ALIAS) != 0 ||
		    (info.scope != VSM_SCOPE_PRIVATE && info.scope != VSM_SCOPE_MIXED) ||
		    reg(&m->vcpu[0], 0, info.name) == NULL)
			continue;
		if (m->private_count == PRIVATE)
			return -1;
		m->private_name[m->private_count++] = info.name;
	}
	return 0;
}

static void exchange(struct vcpu *c, uint32_t from, uint32_t to)
{
	for (uint32_t i = 0; i < c->m->private_count; i++) {
		uint32_t name = c->m->private_name[i];

		c->slot[from].value[i] = c->file[name >> 16][name & 0xffff];
		c->file[name >> 16][name & 0xffff] = c->slot[to].value[i];
	}
	c->slot[from].nmi_masked = c->nmi_masked;
	c->nmi_masked = c->slot[to].nmi_masked;
	c->loaded = to;
}

int switch_vtl(void *vp, uint32_t from, uint32_t to, uint32_t phase)
{
	struct vcpu *c = vp;
	struct hv_register_value *gpr = reg(c, c->loaded, HV_X64_REGISTER_RAX);

	if (phase == VSM_SWITCH_PREPARE) {
		/* RAX, RCX and RDX are one behind the other. libvsm may set them before it ABORTs,
		 * and being shared they have no second copy. */
		memcpy(c->undo, gpr, sizeof(c->undo));
		exchange(c, from, to);
	} else if (phase == VSM_SWITCH_ABORT) {
		exchange(c, to, from);
		memcpy(gpr, c->undo, sizeof(c->undo));
	}
	return 0; /* COMMIT: the vCPU holds `to` already. */
}
