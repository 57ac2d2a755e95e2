/* SPDX-License-Identifier: BSD-3-Clause */
/* Rights by memory slots: what a VTL may not use is in no slot of its VM. slots.c does the work. */
#include "kvm_private.h"

static const char *probe(const struct vk_facts *facts)
{
	(void)facts;
	return NULL; /* KVM_CAP_READONLY_MEM is required of every KVM. */
}

const struct vk_mechanism kvm_mechanism_memslot = {
	.id = VSM_KVM_ENFORCE_MEMSLOT,
	.name = "memslot",
	.masks = VK_MASKS_RX,
	.probe = probe,
};
