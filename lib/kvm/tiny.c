/* SPDX-License-Identifier: BSD-3-Clause */
#include "tiny.h"

#include <sys/mman.h>
#include <unistd.h>

#include "kvm_private.h"

void kvm_tiny_close(struct vk_tiny *t)
{
	if (t->run != MAP_FAILED)
		munmap(t->run, t->run_size);
	if (t->vcpu_fd >= 0)
		close(t->vcpu_fd);
	if (t->vm_fd >= 0)
		close(t->vm_fd);
	if (t->ram != MAP_FAILED)
		munmap(t->ram, t->ram_size);
}

int kvm_tiny_open(struct vk_tiny *t, int kvm_fd, uint32_t pages)
{
	struct kvm_userspace_memory_region region = { .memory_size = pages * VK_PAGE };
	int size = kvm_ioctl(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, NULL);

	*t = (struct vk_tiny){ .vm_fd = -1, .vcpu_fd = -1, .run = MAP_FAILED, .ram = MAP_FAILED };
	t->vm_fd = kvm_ioctl(kvm_fd, KVM_CREATE_VM, NULL);
	if (t->vm_fd < 0 || size < (int)sizeof(struct kvm_run))
		return -1;
	t->run_size = (size_t)size;
	t->ram_size = (size_t)region.memory_size;
	t->ram = mmap(NULL, t->ram_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (t->ram == MAP_FAILED)
		return -1;
	region.userspace_addr = (uint64_t)(uintptr_t)t->ram;
	if (kvm_ioctl(t->vm_fd, KVM_SET_USER_MEMORY_REGION, &region) != 0)
		return -1;
	t->vcpu_fd = kvm_ioctl(t->vm_fd, KVM_CREATE_VCPU, NULL);
	if (t->vcpu_fd < 0)
		return -1;
	t->run = mmap(NULL, t->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, t->vcpu_fd, 0);
	return t->run == MAP_FAILED ? -1 : 0;
}
