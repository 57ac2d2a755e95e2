/* SPDX-License-Identifier: BSD-3-Clause */
#include "register_table.h"

#include <stddef.h>
#include <stdint.h>

#include "vsm/error.h"
#include "vsm/host.h"
#include "vsm/hv.h"

/*
 * What is not in here does not exist: Get/SetVpRegisters and MSR exits refuse it. The text lies in
 * the row, not behind a pointer, so that the table needs no relocation and stays read-only.
 */

#define RO	 VSM_REG_READABLE
#define RW	 (VSM_REG_READABLE | VSM_REG_WRITABLE)
/* Writable, and safe to write for the VTL that runs on it: the hypercall does not depend on it. */
#define OWN	 (RW | VSM_REG_SET_OWN)
/* No register for a hypercall, only an MSR. */
#define MSR_ONLY 0u

#define ROW(name_, msr_, group_, bytes_, scope_, owner_, flags_, vtl_, reset_, text_)     \
	{                                                                                 \
		.size = sizeof(struct vsm_register_info), .name = (name_), .msr = (msr_), \
		.group = (group_), .bytes = (bytes_), .scope = VSM_SCOPE_##scope_,        \
		.owner = VSM_OWNER_##owner_, .flags = (flags_), .min_vtl = (vtl_),        \
		.reset = (reset_), .text = text_                                          \
	}

/* Architectural state, kept by the host. */
#define ARCH(id, group, bytes, scope, flags, reset)                                           \
	ROW(HV_X64_REGISTER_##id, VSM_NO_MSR, VSM_REGS_##group, bytes, scope, HOST, flags, 0, \
	    reset, #id)
#define ARCH_MSR(id, msr, group, scope, flags, reset) \
	ROW(HV_X64_REGISTER_##id, msr, VSM_REGS_##group, 8, scope, HOST, flags, 0, reset, #id)
#define EVENT(id, flags) \
	ROW(HV_REGISTER_##id, VSM_NO_MSR, VSM_REGS_EVENT, 8, PRIVATE, HOST, flags, 0, 0, #id)

/* Hypervisor state, kept by the library. */
#define HV(id, bytes, scope, flags, min_vtl, reset) \
	ROW(HV_REGISTER_##id, VSM_NO_MSR, 0, bytes, scope, LIBRARY, flags, min_vtl, reset, #id)
#define HV_MSR(id, scope, flags, reset) \
	ROW(HV_REGISTER_##id, HV_X64_MSR_##id, 0, 8, scope, LIBRARY, flags, 0, reset, #id)

/*
 * Ascending by name. Scopes are those of TLFS 15.11. The reset value matters for private state
 * that HV_INITIAL_VP_CONTEXT does not carry; elsewhere it is the power-up value (SDM vol. 3A,
 * table 9-1) as far as its low half can say it, because shared state stays as a lower VTL left it.
 */
static const struct vsm_register_info rows[] = {
	/* Copies of CPUID leaves. */
	HV(HYPERVISOR_VERSION, 16, PARTITION, RO, 0, 0),
	HV(PRIVILEGES_AND_FEATURES_INFO, 16, PARTITION, RO, 0, 0),
	HV(FEATURES_INFO, 16, PARTITION, RO, 0, 0),
	HV(IMPLEMENTATION_LIMITS_INFO, 16, PARTITION, RO, 0, 0),
	HV(HARDWARE_FEATURES_INFO, 16, PARTITION, RO, 0, 0),
	HV(CPU_MANAGEMENT_FEATURES_INFO, 16, PARTITION, RO, 0, 0),
	HV(SVM_FEATURES_INFO, 16, PARTITION, RO, 0, 0),
	HV(SKIP_LEVEL_FEATURES_INFO, 16, PARTITION, RO, 0, 0),
	HV(NESTED_VIRT_FEATURES_INFO, 16, PARTITION, RO, 0, 0),
	HV(IPT_FEATURES_INFO, 16, PARTITION, RO, 0, 0),
	HV(ISOLATION_CONFIGURATION, 16, PARTITION, RO, 0, 0),

	/* kHz as registers, Hz as MSRs (TLFS 7.8.2, 12.4). */
	HV_MSR(TSC_FREQUENCY, PARTITION, RO, 0),
	HV_MSR(APIC_FREQUENCY, PARTITION_VTL, RO, 0),

	EVENT(PENDING_INTERRUPTION, RO),
	EVENT(INTERRUPT_STATE, RO),
	HV(PENDING_EVENT0, 16, PRIVATE, OWN, 0, 0),

	/* A VTL that set its own GPRs, RIP or flags would change the hypercall under way. */
	ARCH(RAX, GPR, 8, SHARED, RW, 0),
	ARCH(RCX, GPR, 8, SHARED, RW, 0),
	ARCH(RDX, GPR, 8, SHARED, RW, 0),
	ARCH(RBX, GPR, 8, SHARED, RW, 0),
	ARCH(RSP, GPR, 8, PRIVATE, RW, 0),
	ARCH(RBP, GPR, 8, SHARED, RW, 0),
	ARCH(RSI, GPR, 8, SHARED, RW, 0),
	ARCH(RDI, GPR, 8, SHARED, RW, 0),
	ARCH(R8, GPR, 8, SHARED, RW, 0),
	ARCH(R9, GPR, 8, SHARED, RW, 0),
	ARCH(R10, GPR, 8, SHARED, RW, 0),
	ARCH(R11, GPR, 8, SHARED, RW, 0),
	ARCH(R12, GPR, 8, SHARED, RW, 0),
	ARCH(R13, GPR, 8, SHARED, RW, 0),
	ARCH(R14, GPR, 8, SHARED, RW, 0),
	ARCH(R15, GPR, 8, SHARED, RW, 0),
	ARCH(RIP, GPR, 8, PRIVATE, RW, 0xfff0),
	ARCH(RFLAGS, GPR, 8, PRIVATE, RW, 0x2),

	ARCH(XMM0, XMM, 16, SHARED, RW, 0),
	ARCH(XMM1, XMM, 16, SHARED, RW, 0),
	ARCH(XMM2, XMM, 16, SHARED, RW, 0),
	ARCH(XMM3, XMM, 16, SHARED, RW, 0),
	ARCH(XMM4, XMM, 16, SHARED, RW, 0),
	ARCH(XMM5, XMM, 16, SHARED, RW, 0),
	ARCH(XMM6, XMM, 16, SHARED, RW, 0),
	ARCH(XMM7, XMM, 16, SHARED, RW, 0),
	ARCH(XMM8, XMM, 16, SHARED, RW, 0),
	ARCH(XMM9, XMM, 16, SHARED, RW, 0),
	ARCH(XMM10, XMM, 16, SHARED, RW, 0),
	ARCH(XMM11, XMM, 16, SHARED, RW, 0),
	ARCH(XMM12, XMM, 16, SHARED, RW, 0),
	ARCH(XMM13, XMM, 16, SHARED, RW, 0),
	ARCH(XMM14, XMM, 16, SHARED, RW, 0),
	ARCH(XMM15, XMM, 16, SHARED, RW, 0),
	/* FCW 0x40, all tags "not empty". */
	ARCH(FP_CONTROL_STATUS, XMM, 16, SHARED, RW, 0x000000ff00000040),
	ARCH(XMM_CONTROL_STATUS, XMM, 16, SHARED, RW, 0),

	ARCH(CR0, CONTROL, 8, PRIVATE, RW, 0x60000010),
	ARCH(CR2, CONTROL, 8, SHARED, RW, 0),
	ARCH(CR3, CONTROL, 8, PRIVATE, OWN, 0),
	ARCH(CR4, CONTROL, 8, PRIVATE, RW, 0),
	ARCH(CR8, CONTROL, 8, PRIVATE, OWN, 0),
	ARCH(XFEM, XCR, 8, SHARED, RW, 0x1),

	ARCH(DR0, DEBUG, 8, SHARED, OWN, 0),
	ARCH(DR1, DEBUG, 8, SHARED, OWN, 0),
	ARCH(DR2, DEBUG, 8, SHARED, OWN, 0),
	ARCH(DR3, DEBUG, 8, SHARED, OWN, 0),
	/* TLFS 15.3.2: shared if VsmCapabilities.Dr6Shared says so. */
	ARCH(DR6, DEBUG, 8, MIXED, OWN, 0xffff0ff0),
	ARCH(DR7, DEBUG, 8, PRIVATE, OWN, 0x400),

	ARCH(ES, SEGMENT, 16, PRIVATE, OWN, 0),
	ARCH(CS, SEGMENT, 16, PRIVATE, RW, 0),
	ARCH(SS, SEGMENT, 16, PRIVATE, RW, 0),
	ARCH(DS, SEGMENT, 16, PRIVATE, OWN, 0),
	ARCH(FS, SEGMENT, 16, PRIVATE, OWN, 0),
	ARCH(GS, SEGMENT, 16, PRIVATE, OWN, 0),
	ARCH(LDTR, SEGMENT, 16, PRIVATE, OWN, 0),
	ARCH(TR, SEGMENT, 16, PRIVATE, OWN, 0),
	ARCH(IDTR, SEGMENT, 16, PRIVATE, OWN, 0),
	ARCH(GDTR, SEGMENT, 16, PRIVATE, OWN, 0),

	ARCH_MSR(EFER, MSR_IA32_EFER, CONTROL, PRIVATE, RW, 0),
	ARCH_MSR(KERNEL_GS_BASE, MSR_IA32_KERNEL_GS_BASE, MSR, PRIVATE, OWN, 0),
	ARCH_MSR(APIC_BASE, MSR_IA32_APIC_BASE, CONTROL, PRIVATE, RO, 0xfee00800),
	ARCH_MSR(PAT, MSR_IA32_PAT, MSR, PRIVATE, OWN, 0x0007040600070406),
	ARCH_MSR(SYSENTER_CS, MSR_IA32_SYSENTER_CS, MSR, PRIVATE, OWN, 0),
	ARCH_MSR(SYSENTER_EIP, MSR_IA32_SYSENTER_EIP, MSR, PRIVATE, OWN, 0),
	ARCH_MSR(SYSENTER_ESP, MSR_IA32_SYSENTER_ESP, MSR, PRIVATE, OWN, 0),
	ARCH_MSR(STAR, MSR_IA32_STAR, MSR, PRIVATE, OWN, 0),
	ARCH_MSR(LSTAR, MSR_IA32_LSTAR, MSR, PRIVATE, OWN, 0),
	ARCH_MSR(CSTAR, MSR_IA32_CSTAR, MSR, PRIVATE, OWN, 0),
	ARCH_MSR(SFMASK, MSR_IA32_FMASK, MSR, PRIVATE, OWN, 0),
	/* The VMM named it when it made the VP. */
	ROW(HV_X64_REGISTER_INITIAL_APIC_ID, VSM_NO_MSR, 0, 8, SHARED, LIBRARY, RO, 0, 0,
	    "INITIAL_APIC_ID"),
	ARCH_MSR(TSC_AUX, MSR_IA32_TSC_AUX, MSR, PRIVATE, OWN, 0),

	HV_MSR(HYPERCALL, PARTITION_VTL, OWN, 0),
	HV_MSR(GUEST_OS_ID, PARTITION_VTL, OWN, 0),
	HV_MSR(VP_INDEX, SHARED, RO, 0),
	HV_MSR(TIME_REF_COUNT, PARTITION, RO, 0),
	HV_MSR(VP_ASSIST_PAGE, PRIVATE, OWN, 0),
	HV_MSR(REFERENCE_TSC, PARTITION_VTL, OWN, 0),

	HV_MSR(SINT0, PRIVATE, OWN, HV_SYNIC_SINT_RESET),
	/* TLFS ch. 11 says 0. Hypervisors in use start at 1, and a guest may count on that. */
	HV_MSR(SCONTROL, PRIVATE, OWN, HV_SYNIC_SCONTROL_ENABLE),
	HV_MSR(SVERSION, PRIVATE, RO, HV_SYNIC_VERSION_1),
	HV_MSR(SIMP, PRIVATE, OWN, 0),
	HV_MSR(EOM, PRIVATE, MSR_ONLY, 0),

	/* No MSRs: TLFS 15.3 reaches them by register name only. */
	HV(VSM_CODE_PAGE_OFFSETS, 8, PARTITION_VTL, RO, 0, 0),
	HV(VSM_VP_STATUS, 8, SHARED, RO, 0, 0),
	HV(VSM_PARTITION_STATUS, 8, PARTITION, RO, 0, 0),
	HV(VSM_CAPABILITIES, 8, PARTITION, RO, 0, 0),
	/* TLFS 15.5.1: all rights by default, memory is zeroed on reset; VTL0 has no lower VTL. */
	HV(VSM_PARTITION_CONFIG, 8, PARTITION_VTL, OWN, 1,
	   HV_VSM_PARTITION_CONFIG_DEFAULT_VTL_PROTECTION_MASK |
		   HV_VSM_PARTITION_CONFIG_ZERO_MEMORY_ON_RESET),
};

#define ROW_COUNT ((uint32_t)(sizeof(rows) / sizeof(rows[0])))

struct msr_name {
	uint32_t msr;
	uint32_t name;
};

#define ARCH_NAME(msr, id)                \
	{                                 \
		msr, HV_X64_REGISTER_##id \
	}
#define HV_NAME(id)                               \
	{                                         \
		HV_X64_MSR_##id, HV_REGISTER_##id \
	}

/* The rows that have an MSR, ascending by it. */
static const struct msr_name msrs[] = {
	ARCH_NAME(MSR_IA32_APIC_BASE, APIC_BASE),
	ARCH_NAME(MSR_IA32_SYSENTER_CS, SYSENTER_CS),
	ARCH_NAME(MSR_IA32_SYSENTER_ESP, SYSENTER_ESP),
	ARCH_NAME(MSR_IA32_SYSENTER_EIP, SYSENTER_EIP),
	ARCH_NAME(MSR_IA32_PAT, PAT),
	HV_NAME(GUEST_OS_ID),
	HV_NAME(HYPERCALL),
	HV_NAME(VP_INDEX),
	HV_NAME(TIME_REF_COUNT),
	HV_NAME(REFERENCE_TSC),
	HV_NAME(TSC_FREQUENCY),
	HV_NAME(APIC_FREQUENCY),
	HV_NAME(VP_ASSIST_PAGE),
	HV_NAME(SCONTROL),
	HV_NAME(SVERSION),
	HV_NAME(SIMP),
	HV_NAME(EOM),
	HV_NAME(SINT0),
	ARCH_NAME(MSR_IA32_EFER, EFER),
	ARCH_NAME(MSR_IA32_STAR, STAR),
	ARCH_NAME(MSR_IA32_LSTAR, LSTAR),
	ARCH_NAME(MSR_IA32_CSTAR, CSTAR),
	ARCH_NAME(MSR_IA32_FMASK, SFMASK),
	ARCH_NAME(MSR_IA32_KERNEL_GS_BASE, KERNEL_GS_BASE),
	ARCH_NAME(MSR_IA32_TSC_AUX, TSC_AUX),
};

uint32_t register_count(void)
{
	return ROW_COUNT;
}

const struct vsm_register_info *register_row_at(uint32_t position)
{
	return position < ROW_COUNT ? &rows[position] : NULL;
}

const struct vsm_register_info *register_row(uint32_t name)
{
	uint32_t low = 0;
	uint32_t high = ROW_COUNT;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (rows[middle].name == name)
			return &rows[middle];
		if (rows[middle].name < name)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct vsm_register_info *register_row_by_msr(uint32_t msr)
{
	size_t low = 0;
	size_t high = sizeof(msrs) / sizeof(msrs[0]);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (msrs[middle].msr == msr)
			return register_row(msrs[middle].name);
		if (msrs[middle].msr < msr)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static int row_copy(const struct vsm_register_info *row, struct vsm_register_info *info)
{
	if (!info || info->size != sizeof(*info))
		return -VSM_ERR_INVAL;
	if (!row)
		return -VSM_ERR_NOTFOUND;
	*info = *row;
	return 0;
}

int vsm_register_info(uint32_t name, struct vsm_register_info *info)
{
	return row_copy(register_row(name), info);
}

int vsm_register_at(uint32_t position, struct vsm_register_info *info)
{
	return row_copy(register_row_at(position), info);
}

const char *vsm_register_name(uint32_t name)
{
	const struct vsm_register_info *row = register_row(name);

	return row ? row->text : "unknown register";
}
