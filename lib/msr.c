/* SPDX-License-Identifier: BSD-3-Clause */
#include "msr.h"

#include "register_table.h"
#include "vreg.h"

/*
 * MSRs that this version has, and the privileges (CPUID 0x40000003 EBX:EAX) or features (EDX) of
 * which the guest needs one. The VP assist page belongs to the interrupt control MSRs, but its VTL
 * control is also what a VTL call needs (TLFS 15.6), so VSM alone opens it while there is no local
 * APIC.
 */
static const struct {
	uint32_t msr;
	uint8_t readable;
	uint8_t writable;
	uint64_t privilege;
	uint32_t feature;
} msrs[] = {
	{ HV_X64_MSR_GUEST_OS_ID, 1, 1, HV_PRIV_ACCESS_HYPERCALL_MSRS, 0 },
	{ HV_X64_MSR_HYPERCALL, 1, 1, HV_PRIV_ACCESS_HYPERCALL_MSRS, 0 },
	{ HV_X64_MSR_VP_INDEX, 1, 0, HV_PRIV_ACCESS_VP_INDEX, 0 },
	{ HV_X64_MSR_TIME_REF_COUNT, 1, 0, HV_PRIV_ACCESS_PARTITION_REFERENCE_COUNTER, 0 },
	{ HV_X64_MSR_REFERENCE_TSC, 1, 1, HV_PRIV_ACCESS_PARTITION_REFERENCE_TSC, 0 },
	{ HV_X64_MSR_TSC_FREQUENCY, 1, 0, HV_PRIV_ACCESS_FREQUENCY_REGS, 0 },
	{ HV_X64_MSR_APIC_FREQUENCY, 1, 0, HV_PRIV_ACCESS_FREQUENCY_REGS, 0 },
	{ HV_X64_MSR_VP_ASSIST_PAGE, 1, 1, HV_PRIV_ACCESS_INTR_CTRL_REGS | HV_PRIV_ACCESS_VSM, 0 },
	{ HV_X64_MSR_SCONTROL, 1, 1, HV_PRIV_ACCESS_SYNIC_REGS, 0 },
	{ HV_X64_MSR_SVERSION, 1, 0, HV_PRIV_ACCESS_SYNIC_REGS, 0 },
	{ HV_X64_MSR_SIEFP, 1, 1, HV_PRIV_ACCESS_SYNIC_REGS, 0 },
	{ HV_X64_MSR_SIMP, 1, 1, HV_PRIV_ACCESS_SYNIC_REGS, 0 },
	{ HV_X64_MSR_EOM, 1, 1, HV_PRIV_ACCESS_SYNIC_REGS, 0 },
	{ HV_X64_MSR_SINT0, 1, 1, HV_PRIV_ACCESS_SYNIC_REGS, 0 },
	{ HV_X64_MSR_CRASH_P0, 1, 1, 0, HV_FEATURE_GUEST_CRASH_REGS },
	{ HV_X64_MSR_CRASH_P1, 1, 1, 0, HV_FEATURE_GUEST_CRASH_REGS },
	{ HV_X64_MSR_CRASH_P2, 1, 1, 0, HV_FEATURE_GUEST_CRASH_REGS },
	{ HV_X64_MSR_CRASH_P3, 1, 1, 0, HV_FEATURE_GUEST_CRASH_REGS },
	{ HV_X64_MSR_CRASH_P4, 1, 1, 0, HV_FEATURE_GUEST_CRASH_REGS },
	{ HV_X64_MSR_CRASH_CTL, 1, 1, 0, HV_FEATURE_GUEST_CRASH_REGS },
};

int msr_privileged(const struct vsm *vsm, uint32_t msr)
{
	for (size_t i = 0; i < sizeof(msrs) / sizeof(msrs[0]); i++) {
		if (msrs[i].msr == msr)
			return (vsm->caps.privileges & msrs[i].privilege) != 0 ||
			       (vsm->caps.features & msrs[i].feature) != 0;
	}
	return 1;
}

/* The register behind an MSR that this guest may access so; 0 if there is none. */
static uint32_t register_of(const struct vsm_vp *vp, uint32_t msr, int write)
{
	for (size_t i = 0; i < sizeof(msrs) / sizeof(msrs[0]); i++) {
		const struct vsm_register_info *row;

		if (msrs[i].msr != msr)
			continue;
		if (!(write ? msrs[i].writable : msrs[i].readable) || !msr_privileged(vp->vsm, msr))
			return 0;
		row = register_row_by_msr(msr);
		return row == NULL ? 0 : row->name;
	}
	return 0;
}

int msr_read(struct vsm_vp *vp, uint32_t msr, uint64_t *value)
{
	struct vreg reg = { vp, vp, vp_active(vp), register_of(vp, msr, 0) };
	struct hv_register_value result;
	int r;

	if (reg.name == 0)
		return HV_STATUS_ACCESS_DENIED;
	r = vreg_get(&reg, &result);
	if (r != HV_STATUS_SUCCESS)
		return r;
	/* The registers of the same name are in kHz (TLFS 7.8.2), these MSRs in Hz (12.6). */
	if (msr == HV_X64_MSR_TSC_FREQUENCY)
		result.low = vp->vsm->tsc_hz;
	else if (msr == HV_X64_MSR_APIC_FREQUENCY)
		result.low = vp->vsm->config.apic_hz;
	*value = result.low;
	return HV_STATUS_SUCCESS;
}

int msr_write(struct vsm_vp *vp, uint32_t msr, uint64_t value)
{
	struct vreg reg = { vp, vp, vp_active(vp), register_of(vp, msr, 1) };
	struct hv_register_value wanted = { value, 0 };

	if (reg.name == 0)
		return HV_STATUS_ACCESS_DENIED;
	return vreg_set(&reg, &wanted);
}
