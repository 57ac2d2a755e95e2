/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rights by memory attributes of KVM: per VM, hence per VTL, and for fetches apart. They belong to
 * the GPA, whatever lies there; so RAM may be of any kind, and a page that an overlay covers gets
 * its own back when that goes.
 */
#include <fcntl.h>
#include <unistd.h>

#include "kvm_private.h"

#define MASKS (VK_MASKS_RX | VK_MASKS_EMULATED)

/* Nobody has asked KVM yet. */
static const char *ask(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	struct vk_attributes learned;
	struct vk_cpuid_list cpuid = { .nent = VK_CPUID_MAX };

	if (fd < 0)
		return "attributes: /dev/kvm cannot be opened";
	learned.missing = "attributes: /dev/kvm does not answer";
	if (kvm_ioctl(fd, KVM_GET_SUPPORTED_CPUID, &cpuid) == 0)
		kvm_attributes_measure(fd, &cpuid, &learned);
	close(fd);
	return learned.missing;
}

static const char *probe(const struct vk_facts *facts)
{
	return facts != NULL ? facts->attributes.missing : ask();
}

static int set(struct vsm_kvm *k, uint32_t vtl, uint64_t gpa, uint64_t size, uint32_t to)
{
	struct vk_memory_attributes a = { .address = gpa,
					  .size = size,
					  .attributes = k->facts.attributes.value[to] };

	return kvm_ioctl(k->space[vtl].vm_fd, VK_SET_MEMORY_ATTRIBUTES, &a);
}

static int change(struct vsm_kvm *k, const struct vk_run *run, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (set(k, run[i].vtl, run[i].range->gpa + run[i].first * VK_PAGE,
			run[i].pages * VK_PAGE, run[i].to) != 0)
			return -1;
	}
	return 0;
}

static int forget(struct vsm_kvm *k, const struct vk_range *range, uint32_t vtl)
{
	return set(k, vtl, range->gpa, range->size, VK_PTE_ALL);
}

const struct vk_mechanism kvm_mechanism_attributes = {
	.id = VSM_KVM_ENFORCE_ATTRIBUTES,
	.name = "attributes",
	.masks = MASKS,
	.flags = VK_MECH_PTES | VK_MECH_GPAS,
	.probe = probe,
	.change = change,
	.forget = forget,
};
