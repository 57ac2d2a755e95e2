/* SPDX-License-Identifier: BSD-3-Clause */
/* MSRs: which of them leave KVM, and how those stay equal that all VTLs of a VP share. */
#include "kvm_private.h"

#include <string.h>

#include <vsm/hv.h>
#include <vsm/registers.h>

#define MSR_TSC		  0x10u
#define MSR_TSC_ADJUST	  0x3bu
#define MSR_APIC_BASE	  0x1bu
#define MSR_MCG_STATUS	  0x17au
#define MSR_MISC_ENABLE	  0x1a0u
#define MSR_DEBUGCTL	  0x1d9u
#define MSR_MTRR_FIRST	  0x200u /* 16 pairs */
#define MSR_MTRR_LAST	  0x21fu
#define MSR_MTRR_DEF_TYPE 0x2ffu
#define MSR_TSC_DEADLINE  0x6e0u

/* Bits of MISC_ENABLE that software cannot change (SDM vol. 4): EMON, BTS and PEBS unavailable. */
#define MISC_ENABLE_READ_ONLY (1ull << 7 | 1ull << 11 | 1ull << 12)

/* KVM's own paravirtual MSRs (Linux, Documentation/virt/kvm/x86/msr.rst). */
#define MSR_KVM_OLD_WALL_CLOCK	0x11u
#define MSR_KVM_OLD_SYSTEM_TIME 0x12u
#define KVM_MSRS		0x4b564d00u
#define KVM_MSRS_NR		0x100u

#define LOW_MSRS     0x1000u
#define SYNTHETIC    0x40000000u
#define SYNTHETIC_NR 0x200u

/*
 * Shared by all VTLs (TLFS 15.11.2). KVM keeps a copy in each vCPU; they stay equal because a write
 * leaves KVM and is done in all of them. MSRs that the hardware changes by itself cannot be kept
 * equal so: vsm_kvm_left_out() names them.
 */
int kvm_msr_mirrored(uint32_t msr)
{
	switch (msr) {
	case MSR_TSC:
	case MSR_TSC_ADJUST:
	case MSR_MCG_STATUS:
	case MSR_MISC_ENABLE:
	case MSR_DEBUGCTL:
	case MSR_MTRR_DEF_TYPE:
	case 0x250:
	case 0x258:
	case 0x259:
		return 1;
	default:
		return (msr >= MSR_MTRR_FIRST && msr <= MSR_MTRR_LAST) ||
		       (msr >= 0x268 && msr <= 0x26f);
	}
}

static void deny(uint8_t *bitmap, uint32_t msr)
{
	bitmap[msr / 8] &= (uint8_t) ~(1u << msr % 8);
}

int kvm_msr_filter_set(struct vsm_kvm *k, int vm_fd)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_X86_USER_SPACE_MSR,
				      .args = { KVM_MSR_EXIT_REASON_INVAL |
						KVM_MSR_EXIT_REASON_UNKNOWN |
						KVM_MSR_EXIT_REASON_FILTER } };
	uint8_t writes[LOW_MSRS / 8], reads[LOW_MSRS / 8], synthetic[SYNTHETIC_NR / 8];
	uint8_t paravirtual[KVM_MSRS_NR / 8] = { 0 };
	struct kvm_msr_filter filter = { .flags = KVM_MSR_FILTER_DEFAULT_ALLOW };

	memset(writes, 0xff, sizeof(writes));
	memset(reads, 0xff, sizeof(reads));
	memset(synthetic, 0, sizeof(synthetic));
	for (uint32_t msr = 0; msr < LOW_MSRS; msr++) {
		if (kvm_msr_mirrored(msr))
			deny(writes, msr);
	}
	/* KVM would swallow these, and there is no local APIC behind them here: the VMM answers. */
	deny(writes, MSR_APIC_BASE);
	deny(writes, MSR_TSC_DEADLINE);
	deny(reads, MSR_TSC_DEADLINE);
	/* The guest is told of no KVM, and these would let each VTL have KVM write to its
	 * memory. */
	for (uint32_t msr = MSR_KVM_OLD_WALL_CLOCK; msr <= MSR_KVM_OLD_SYSTEM_TIME; msr++) {
		deny(writes, msr);
		deny(reads, msr);
	}
	/* The first range that matches counts, one for each direction. */
	filter.ranges[0] =
		(struct kvm_msr_filter_range){ KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE,
					       SYNTHETIC_NR, SYNTHETIC, synthetic };
	filter.ranges[1] =
		(struct kvm_msr_filter_range){ KVM_MSR_FILTER_WRITE, LOW_MSRS, 0, writes };
	filter.ranges[2] = (struct kvm_msr_filter_range){ KVM_MSR_FILTER_READ, LOW_MSRS, 0, reads };
	filter.ranges[3] =
		(struct kvm_msr_filter_range){ KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE,
					       KVM_MSRS_NR, KVM_MSRS, paravirtual };
	if (kvm_ioctl(vm_fd, KVM_ENABLE_CAP, &cap) != 0 ||
	    kvm_ioctl(vm_fd, KVM_X86_SET_MSR_FILTER, &filter) != 0)
		return kvm_fail_sys(k, "vsm_kvm_create: KVM refused the MSR filter, errno");
	return 0;
}

/* A shared MSR that differs from vCPU to vCPU could be read and written at one VTL only. */
static int is_served(const struct vsm_register_info *info)
{
	return info->owner == VSM_OWNER_HOST && info->group == VSM_REGS_MSR &&
	       info->msr != VSM_NO_MSR &&
	       (info->scope != VSM_SCOPE_SHARED || kvm_msr_mirrored(info->msr) ||
		(info->flags & VSM_REG_STATELESS) != 0);
}

void kvm_msr_names(struct vsm_kvm *k)
{
	struct vsm_register_info info = { .size = sizeof(info) };

	for (uint32_t i = 0; vsm_register_at(i, &info) == 0; i++) {
		if (!is_served(&info) || k->msr_count == VK_MSR_NAMES_MAX)
			continue;
		k->msr[k->msr_count++] = (struct vk_msr_name){ info.name, info.msr };
	}
}

uint32_t kvm_msr_of(const struct vsm_kvm *k, uint32_t name)
{
	for (uint32_t i = 0; i < k->msr_count; i++) {
		if (k->msr[i].name == name)
			return k->msr[i].msr;
	}
	return VSM_NO_MSR;
}

int kvm_msr_get(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, uint32_t msr, uint64_t *value)
{
	struct vk_msr_list list = { .nmsrs = 1, .entry = { .index = msr } };

	if (kvm_vcpu_ioctl(kvp, v, KVM_GET_MSRS, &list) != 1)
		return -VSM_ERR_NOTFOUND;
	*value = list.entry.data;
	return 0;
}

int kvm_msr_set(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, uint32_t msr, uint64_t value)
{
	struct vk_msr_list list = { .nmsrs = 1, .entry = { .index = msr, .data = value } };

	return kvm_vcpu_ioctl(kvp, v, KVM_SET_MSRS, &list) == 1 ? 0 : -VSM_ERR_INVAL;
}

static int share(struct vsm_kvm_vp *kvp, uint32_t msr, uint64_t before, uint64_t value)
{
	for (uint32_t i = 0; i < kvp->k->vtls; i++) {
		if (kvm_msr_set(kvp, &kvp->vcpu[i], msr, value) == 0)
			continue;
		while (i-- > 0)
			kvm_msr_set(kvp, &kvp->vcpu[i], msr, before);
		return -VSM_ERR_INVAL;
	}
	return 0;
}

int kvm_msr_share(struct vsm_kvm_vp *kvp, uint32_t vtl, uint32_t msr, uint64_t value)
{
	uint64_t before = 0;

	/* One counter serves all VTLs and the reference time: a VTL that could move it would forge
	 * the time of those above it. What changes nothing may be written. */
	if (msr == MSR_TSC)
		return -VSM_ERR_INVAL;
	if (kvm_msr_get(kvp, &kvp->vcpu[vtl], msr, &before) != 0)
		return -VSM_ERR_INVAL;
	if (msr == MSR_MISC_ENABLE && ((before ^ value) & MISC_ENABLE_READ_ONLY) != 0)
		return -VSM_ERR_INVAL;
	if (msr == MSR_TSC_ADJUST)
		return value == before ? 0 : -VSM_ERR_INVAL;
	return share(kvp, msr, before, value);
}
