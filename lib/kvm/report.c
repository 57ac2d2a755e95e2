/* SPDX-License-Identifier: BSD-3-Clause */
/* What the backend tells about itself. */
#include "kvm_private.h"

#include <vsm/hv.h>
#include <vsm/registers.h>

static uint64_t get(const atomic_uint_least64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void add(struct vsm_kvm_stats *out, const struct vk_count *c)
{
	out->runs += get(&c->runs);
	out->ioctls += get(&c->ioctls);
	out->switches += get(&c->switches);
	out->carried += get(&c->carried);
	out->held_stores += get(&c->held);
	out->stores_done += get(&c->done);
	out->stores_dropped += get(&c->dropped);
	out->undone_loads += get(&c->undone);
	out->native_faults += get(&c->native);
	out->emulated_accesses += get(&c->emulated);
	out->emulated_again += get(&c->again);
}

/* Without a lock: one of those is held while a VP is waited for. */
int vsm_kvm_stats_get(const struct vsm_kvm *k, struct vsm_kvm_stats *out)
{
	if (k == NULL || out == NULL || out->size != sizeof(*out))
		return -VSM_ERR_INVAL;
	*out = (struct vsm_kvm_stats){ .size = sizeof(*out) };
	out->slot_ops = get(&k->slot_ops);
	out->changes = get(&k->changes);
	out->changed_ranges = get(&k->changed_ranges);
	out->changed_pages = get(&k->changed_pages);
	out->parks = get(&k->parks);
	out->kicks = get(&k->kicks);
	out->served = get(&k->served);
	out->bounced = get(&k->bounced);
	out->foreign = get(&k->foreign);
	out->emulated_pages = atomic_load_explicit(&k->emulated_pages, memory_order_relaxed);
	for (uint32_t i = 0; i < k->options.max_vps; i++) {
		const struct vsm_kvm_vp *kvp = kvm_vp_at(k, i);

		if (kvp != NULL)
			add(out, &kvp->count);
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
