/* SPDX-License-Identifier: BSD-3-Clause */
#include "kvm_private.h"

#include <string.h>

/* SDM vol. 2A, CPUID; AMD APM vol. 3, appendix E. */
#define LEAF1_ECX_VMX	       (1u << 5)
#define LEAF1_ECX_SMX	       (1u << 6)
#define LEAF1_ECX_PCID	       (1u << 17)
#define LEAF1_ECX_X2APIC       (1u << 21)
#define LEAF1_ECX_TSC_DEADLINE (1u << 24)
#define LEAF1_ECX_XSAVE	       (1u << 26)
#define LEAF1_ECX_HYPERVISOR   (1u << 31)
#define LEAF1_EDX_APIC	       (1u << 9)
#define LEAF7_EBX_FSGSBASE     (1u << 0)
#define LEAF7_EBX_SGX	       (1u << 2)
#define LEAF7_EBX_SMEP	       (1u << 7)
#define LEAF7_EBX_SMAP	       (1u << 20)
#define LEAF7_ECX_UMIP	       (1u << 2)
#define LEAF7_ECX_PKU	       (1u << 3)
#define LEAF7_ECX_SHSTK	       (1u << 7)
#define LEAF7_EDX_IBT	       (1u << 20)
#define LEAF8000_0001_ECX_SVM  (1u << 2)

#define HV_LEAF_FIRST 0x40000000u
#define HV_LEAF_LAST  0x400000ffu

const struct kvm_cpuid_entry2 *kvm_cpuid_find(const struct vk_facts *facts, uint32_t leaf)
{
	for (uint32_t i = 0; i < facts->cpuid.nent; i++) {
		const struct kvm_cpuid_entry2 *e = &facts->cpuid.entries[i];

		if (e->function == leaf && e->index == 0)
			return e;
	}
	return NULL;
}

uint64_t kvm_cpuid_cr4_mask(const struct vk_facts *facts)
{
	const struct kvm_cpuid_entry2 *one = kvm_cpuid_find(facts, 1);
	const struct kvm_cpuid_entry2 *seven = kvm_cpuid_find(facts, 7);
	uint64_t mask = 0x7ff; /* VME .. OSXMMEXCPT: each 64-bit CPU has them. */

	if (one != NULL && (one->ecx & LEAF1_ECX_PCID) != 0)
		mask |= 1ull << 17;
	if (one != NULL && (one->ecx & LEAF1_ECX_XSAVE) != 0)
		mask |= VK_X86_CR4_OSXSAVE;
	if (seven == NULL)
		return mask;
	if ((seven->ecx & LEAF7_ECX_UMIP) != 0)
		mask |= 1ull << 11;
	if ((seven->ebx & LEAF7_EBX_FSGSBASE) != 0)
		mask |= 1ull << 16;
	if ((seven->ebx & LEAF7_EBX_SMEP) != 0)
		mask |= 1ull << 20;
	if ((seven->ebx & LEAF7_EBX_SMAP) != 0)
		mask |= 1ull << 21;
	if ((seven->ecx & LEAF7_ECX_PKU) != 0)
		mask |= 1ull << 22;
	return mask;
}

/*
 * What the guest must not see: nested virtualization, which VSM excludes; CET and SGX, whose shared
 * state KVM would not let move; the local APIC, which the backend has not got. A VMM that brings
 * one sets CPUID again through vsm_kvm_vcpu_fd().
 */
static void cut(struct kvm_cpuid_entry2 *e, uint32_t apic_id)
{
	switch (e->function) {
	case 1:
		e->ecx &= ~(LEAF1_ECX_VMX | LEAF1_ECX_SMX | LEAF1_ECX_X2APIC |
			    LEAF1_ECX_TSC_DEADLINE);
		e->ecx |= LEAF1_ECX_HYPERVISOR;
		e->edx &= ~LEAF1_EDX_APIC;
		e->ebx = (e->ebx & 0x00ffffffu) | (apic_id & 0xff) << 24;
		break;
	case 7:
		if (e->index != 0)
			break;
		e->ebx &= ~LEAF7_EBX_SGX;
		e->ecx &= ~LEAF7_ECX_SHSTK;
		e->edx &= ~LEAF7_EDX_IBT;
		break;
	case 0xb:
	case 0x1f:
		e->edx = apic_id;
		break;
	case 0x80000001:
		e->ecx &= ~LEAF8000_0001_ECX_SVM;
		break;
	default:
		break;
	}
}

static int add_hypervisor_leaves(const struct vsm_kvm *k, struct vk_cpuid_list *set)
{
	struct vsm_cpuid leaf;
	uint32_t last = HV_LEAF_FIRST;

	for (uint32_t f = HV_LEAF_FIRST; f <= last && f <= HV_LEAF_LAST; f++) {
		int r = vsm_cpuid_get(k->vsm, f, &leaf);

		if (r != 0)
			return r;
		if (f == HV_LEAF_FIRST)
			last = leaf.eax;
		if (set->nent == VK_CPUID_MAX)
			return -VSM_ERR_NOSUP;
		set->entries[set->nent++] = (struct kvm_cpuid_entry2){ .function = f,
								       .eax = leaf.eax,
								       .ebx = leaf.ebx,
								       .ecx = leaf.ecx,
								       .edx = leaf.edx };
	}
	return 0;
}

int kvm_cpuid_set(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, uint32_t apic_id)
{
	const struct vk_facts *facts = &kvp->k->facts;
	struct vk_cpuid_list set;
	int r;

	memset(&set, 0, sizeof(set));
	for (uint32_t i = 0; i < facts->cpuid.nent; i++) {
		struct kvm_cpuid_entry2 e = facts->cpuid.entries[i];

		/* KVM's own leaves, and those of hypervisors that a guest could ask as well. */
		if (e.function >> 28 == 4)
			continue;
		cut(&e, apic_id);
		set.entries[set.nent++] = e;
	}
	r = add_hypervisor_leaves(kvp->k, &set);
	if (r != 0)
		return r;
	if (kvm_vcpu_ioctl(kvp, v, KVM_SET_CPUID2, &set) != 0)
		return kvm_fail_sys(kvp->k, "vsm_kvm_vp_create: KVM refused CPUID");
	return 0;
}
