/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory attributes of KVM for R, W and X.
 *
 * No released Linux has them, and what has been proposed differs in what a bit means. So nothing is
 * assumed of the bits: what each value lets through is measured, and what is not seen to be
 * enforced is not used.
 */
#ifndef VSM_KVM_ATTRIBUTES_H
#define VSM_KVM_ATTRIBUTES_H

#include <stdint.h>

#include <linux/kvm.h>

#ifndef KVM_CAP_MEMORY_ATTRIBUTES
#define KVM_CAP_MEMORY_ATTRIBUTES 233
#endif

/* KVM_SET_MEMORY_ATTRIBUTES and its argument, which headers have from Linux 6.8 on. */
struct vk_memory_attributes {
	uint64_t address, size, attributes, flags;
};
#define VK_SET_MEMORY_ATTRIBUTES _IOW(KVMIO, 0xd2, struct vk_memory_attributes)

/* An exit that comes with -EFAULT, from Linux 6.8 on; where struct kvm_run has its union. */
#define VK_EXIT_MEMORY_FAULT 39u
struct vk_memory_fault {
	uint64_t flags, gpa, size;
};
void kvm_memory_fault_of(const struct kvm_run *run, struct vk_memory_fault *out);

/* The bits for R, W and X, whatever they mean. */
#define VK_ATTRIBUTES_RWX    7
/* Not to be tried: a page that is private to a confidential guest. */
#define VK_ATTRIBUTE_PRIVATE 8

/* Kinds of access: of the instruction itself, and of KVM's emulator. */
#define VK_TRY_READ  0u
#define VK_TRY_WRITE 1u
#define VK_TRY_FETCH 2u
#define VK_TRY_OUTS  3u
#define VK_TRY_INS   4u
#define VK_TRY_KINDS 5u

/* What came of it. */
#define VK_SEEN_OTHER	0u
#define VK_SEEN_ALLOWED 1u
#define VK_SEEN_DENIED	2u

/* What a value of the attributes was seen to do: at CPL 0 and CPL 3. */
struct vk_try {
	uint64_t value;
	uint8_t seen[2][VK_TRY_KINDS];
};
#define VK_TRIES_MAX 16u

/* What was learned. */
struct vk_attributes {
	const char *missing; /* NULL: there is a value for each mask. Static. */
	uint64_t value[8]; /* By VK_PTE_* */
};

/* attributes_probe.c */
/* Pure: from what was seen to values. */
void kvm_attributes_derive(const struct vk_try *tries, uint32_t count, struct vk_attributes *out);
/* Makes a small VM for a moment if KVM announces them. `cpuid`: struct kvm_cpuid2. */
void kvm_attributes_measure(int kvm_fd, void *cpuid, struct vk_attributes *out);

#endif /* VSM_KVM_ATTRIBUTES_H */
