/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rights by mprotect() on the views. Each boundary between pages of different rights costs the
 * process a mapping, and vm.max_map_count bounds these.
 */
#include "kvm_private.h"

#include <sys/mman.h>

static const char *probe(const struct vk_facts *facts)
{
	(void)facts;
	return NULL;
}

static int protection(uint32_t to)
{
	return to == VK_PTE_ALL	 ? PROT_READ | PROT_WRITE :
	       to == VK_PTE_READ ? PROT_READ :
				   PROT_NONE;
}

/* Backwards, and so is what takes it back: in the steps that it came by, the mappings fit. */
static int change(struct vsm_kvm *k, const struct vk_run *run, uint32_t count)
{
	(void)k;
	for (uint32_t i = count; i-- > 0;) {
		const struct vk_run *r = &run[i];

		if (mprotect(r->range->view[r->vtl] + r->first * VK_PAGE,
			     (size_t)(r->pages * VK_PAGE), protection(r->to)) != 0)
			return -1;
	}
	return 0;
}

const struct vk_mechanism kvm_mechanism_mprotect = {
	.id = VSM_KVM_ENFORCE_MPROTECT,
	.name = "mprotect",
	.masks = VK_MASKS_RX,
	.flags = VK_MECH_PTES,
	.probe = probe,
	.change = change,
};
