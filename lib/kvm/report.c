/* SPDX-License-Identifier: BSD-3-Clause */
/* What the backend tells about itself. */
#include "kvm_private.h"

#include <vsm/hv.h>
#include <vsm/registers.h>

int vsm_kvm_stats_get(const struct vsm_kvm *k, struct vsm_kvm_stats *out)
{
	if (k == NULL || out == NULL || out->size != sizeof(*out))
		return -VSM_ERR_INVAL;
	*out = (struct vsm_kvm_stats){ .size = sizeof(*out), .slot_ops = k->slot_ops };
	out->changes = k->changes;
	out->changed_ranges = k->changed_ranges;
	out->changed_pages = k->changed_pages;
	out->parks = k->parks;
	out->kicks = k->kicks;
	out->served = k->served;
	out->bounced = k->bounced;
	out->foreign = k->foreign;
	out->emulated_pages = kvm_emulated_pages(k);
	for (uint32_t i = 0; i < k->options.max_vps; i++) {
		const struct vk_count *c = k->vp[i] == NULL ? NULL : &k->vp[i]->count;

		if (c == NULL)
			continue;
		out->runs += c->runs;
		out->ioctls += c->ioctls;
		out->switches += c->switches;
		out->carried += c->carried;
		out->held_stores += c->held;
		out->stores_done += c->done;
		out->stores_dropped += c->dropped;
		out->undone_loads += c->undone;
		out->native_faults += c->native;
		out->emulated_accesses += c->emulated;
		out->emulated_again += c->again;
	}
	return 0;
}

uint32_t vsm_kvm_carry(const struct vsm_kvm *k)
{
	return k == NULL ? 0 : k->carry;
}

static int is_moved(const struct vsm_kvm *k, const struct vsm_register_info *info)
{
	switch (info->group) {
	case VSM_REGS_GPR:
		return 1;
	case VSM_REGS_CONTROL:
		return info->name == HV_X64_REGISTER_CR2;
	case VSM_REGS_XMM:
		return (k->carry & VSM_KVM_CARRY_FPU) != 0;
	case VSM_REGS_DEBUG:
		return (k->carry & VSM_KVM_CARRY_DEBUG) != 0;
	case VSM_REGS_XCR:
		/* Where CPUID has no XSAVE there is no XCR0 to move. */
		return (k->carry & VSM_KVM_CARRY_XCR0) != 0 ||
		       (k->facts.host.carry & VSM_KVM_CARRY_XCR0) == 0;
	default:
		return kvm_msr_mirrored(info->msr);
	}
}

int vsm_kvm_left_out(const struct vsm_kvm *k, uint32_t *names, uint32_t max)
{
	struct vsm_register_info info = { .size = sizeof(info) };
	int n = 0;

	if (k == NULL || (names == NULL && max != 0))
		return -VSM_ERR_INVAL;
	for (uint32_t i = 0; vsm_register_at(i, &info) == 0; i++) {
		if (info.owner != VSM_OWNER_HOST || info.scope != VSM_SCOPE_SHARED ||
		    (info.flags & VSM_REG_STATELESS) != 0 || is_moved(k, &info))
			continue;
		if ((uint32_t)n < max)
			names[n] = info.name;
		n++;
	}
	return n;
}
