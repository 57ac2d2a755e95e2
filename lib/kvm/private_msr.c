/* SPDX-License-Identifier: BSD-3-Clause */
#include "vcpu_state.h"

#include <vsm/hv.h>

/*
 * MSRs of TLFS 15.11.1 and those that the register table calls private; EFER, FS.BASE, GS.BASE and
 * APIC_BASE are in kvm_run. What some KVMs lack comes last. KVM has shadow stacks only where it has
 * S_CET.
 */
const struct vk_msr_row kvm_private_msrs[] = {
	{ HV_X64_REGISTER_KERNEL_GS_BASE, 0xc0000102, 0, 0 },
	{ HV_X64_REGISTER_PAT, 0x277, 0, 0 },
	{ HV_X64_REGISTER_SYSENTER_CS, 0x174, 0, 0 },
	{ HV_X64_REGISTER_SYSENTER_EIP, 0x176, 0, 0 },
	{ HV_X64_REGISTER_SYSENTER_ESP, 0x175, 0, 0 },
	{ HV_X64_REGISTER_STAR, 0xc0000081, 0, 0 },
	{ HV_X64_REGISTER_LSTAR, 0xc0000082, 0, 0 },
	{ HV_X64_REGISTER_CSTAR, 0xc0000083, 0, 0 },
	{ HV_X64_REGISTER_SFMASK, 0xc0000084, 0, 0 },
	{ HV_X64_REGISTER_TSC_AUX, 0xc0000103, 0, 0 },
	{ HV_X64_REGISTER_SPEC_CTRL, 0x48, 1, 0 },
	{ HV_X64_REGISTER_XSS, 0xda0, 1, 0 },
	{ HV_X64_REGISTER_VIRT_SPEC_CTRL, 0xc001011f, 1, 0 },
	{ HV_X64_REGISTER_S_CET, 0x6a2, 1, 2 },
	{ HV_X64_REGISTER_INTERRUPT_SSP_TABLE_ADDR, 0x6a8, 1, 0 },
	{ HV_X64_REGISTER_BNDCFGS, 0xd90, 1, 0 },
};

uint32_t kvm_private_msr_count(void)
{
	return sizeof(kvm_private_msrs) / sizeof(kvm_private_msrs[0]);
}

int kvm_private_msr_keeps(int fd, uint32_t name)
{
	for (uint32_t i = 0; i < kvm_private_msr_count(); i++) {
		if (kvm_private_msrs[i].name == name)
			return kvm_msr_keeps(fd, kvm_private_msrs[i].msr);
	}
	return 0;
}
