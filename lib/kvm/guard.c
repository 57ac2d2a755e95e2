/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rights by guard markers in the page tables of the views (Linux 6.15 for shared memory): all or
 * nothing. Never used on memory that is registered with userfaultfd: over a write-protected entry
 * MADV_GUARD_INSTALL does not return.
 */
#include "kvm_private.h"

#include <sys/mman.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE  103
#endif

#define MASKS ((1u << 0x0) | (1u << 0xf))

static const char *probe(const struct vk_facts *facts)
{
	void *p = mmap(NULL, VK_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int works;

	(void)facts;
	if (p == MAP_FAILED)
		return "guard: no memory to try it out";
	works = madvise(p, VK_PAGE, MADV_GUARD_INSTALL) == 0;
	munmap(p, VK_PAGE);
	return works ? NULL :
		       "guard: this kernel has no guard markers in shared memory: Linux 6.15 has";
}

static int open_guard(struct vsm_kvm *k)
{
	return kvm_madvise_open(k, MADV_GUARD_INSTALL);
}

static int change(struct vsm_kvm *k, const struct vk_run *run, uint32_t count)
{
	if (kvm_madvise_runs(k, run, count, 1u << VK_PTE_NONE, MADV_GUARD_INSTALL) != 0)
		return -1;
	return kvm_madvise_runs(k, run, count, 1u << VK_PTE_ALL, MADV_GUARD_REMOVE);
}

const struct vk_mechanism kvm_mechanism_guard = {
	.id = VSM_KVM_ENFORCE_GUARD,
	.name = "guard",
	.masks = MASKS,
	.flags = VK_MECH_PTES,
	.probe = probe,
	.open = open_guard,
	.change = change,
};
