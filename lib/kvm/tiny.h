/* SPDX-License-Identifier: BSD-3-Clause */
/* A guest of a few instructions, to see what KVM does rather than what it says. */
#ifndef VSM_KVM_TINY_H
#define VSM_KVM_TINY_H

#include <stddef.h>
#include <stdint.h>

#include <linux/kvm.h>

struct vk_tiny {
	int vm_fd, vcpu_fd;
	struct kvm_run *run;
	size_t run_size, ram_size;
	uint8_t *ram; /* At GPA 0 */
};

/* 0 or -1; to be closed in both cases. */
int kvm_tiny_open(struct vk_tiny *t, int kvm_fd, uint32_t pages);
void kvm_tiny_close(struct vk_tiny *t);

#endif /* VSM_KVM_TINY_H */
