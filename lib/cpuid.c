/* SPDX-License-Identifier: BSD-3-Clause */
#include "cpuid.h"

#include <string.h>

#include "hypercall.h"

/* Isolation, leaf 0x4000000C, is for isolated partitions; the maximum stays below it (TLFS 2.4). */
#define LEAF_MAX HV_CPUID_IPT_FEATURES

#define MASK_RWX (1u << VSM_RIGHTS_ALL)
#define EXECUTE	 (HV_MAP_GPA_KERNEL_EXECUTABLE | HV_MAP_GPA_USER_EXECUTABLE)

static int has(const struct vsm *vsm, uint32_t capability)
{
	return (vsm->capabilities & capability) != 0;
}

/* Each op that is missing costs a capability. */
static void decide_capabilities(struct vsm *vsm)
{
	const struct vsm_host_ops *ops = &vsm->ops;
	int flushes = (vsm->config.host_flags & VSM_HOST_PROTECT_FLUSHES) != 0 ||
		      ops->tlb_flush != NULL;
	uint32_t caps = 0;

	if (ops->overlay_map != NULL)
		caps |= VSM_CAP_OVERLAYS;
	if (ops->overlay_map != NULL && ops->switch_vtl != NULL && vsm->config.max_vtl > 0)
		caps |= VSM_CAP_VSM;
	if (ops->xmm_get != NULL && ops->xmm_set != NULL)
		caps |= VSM_CAP_XMM;
	if (ops->protect != NULL && flushes && (vsm->config.enforceable & ~MASK_RWX) != 0)
		caps |= VSM_CAP_PROTECT;
	if ((caps & VSM_CAP_VSM) != 0 && (caps & VSM_CAP_PROTECT) != 0 &&
	    vsm->config.enforceable_mbec != 0)
		caps |= VSM_CAP_MBEC;
	if (ops->tlb_flush != NULL)
		caps |= VSM_CAP_TLB_FLUSH;
	if (ops->kick != NULL)
		caps |= VSM_CAP_CROSS_VP;
	if (ops->inject_event != NULL)
		caps |= VSM_CAP_INJECT;
	if (ops->interrupt != NULL)
		caps |= VSM_CAP_INTERRUPT;
	if (ops->tsc != NULL && ops->tsc_hz != NULL)
		caps |= VSM_CAP_CLOCK;
	if (ops->crash != NULL)
		caps |= VSM_CAP_CRASH;
	/* Without a kick a VP that was started would sleep on. */
	if ((vsm->config.host_flags & VSM_HOST_STARTS_VPS) != 0 && ops->kick != NULL &&
	    ops->overlay_map != NULL)
		caps |= VSM_CAP_STARTUP;
	if ((vsm->config.flags & VSM_CONFIG_ACCEPT_UNENFORCED_EXECUTE) != 0)
		caps |= VSM_CAP_UNENFORCED_EXECUTE;
	vsm->capabilities = caps;
}

/* Masks that a guest may ask for: those enforced, and with the operator's consent those of which
 * only the execute rights are not. */
static uint32_t accepted(const struct vsm *vsm, uint32_t enforceable, int mbec)
{
	uint32_t masks = enforceable;

	if (!has(vsm, VSM_CAP_UNENFORCED_EXECUTE))
		return masks;
	for (uint32_t mask = 1; mask <= VSM_RIGHTS_ALL; mask++) {
		if (vsm_rights_valid(mask, mbec) && (enforceable & (1u << (mask | EXECUTE))) != 0)
			masks |= 1u << mask;
	}
	return masks;
}

static void decide_accepted(struct vsm *vsm)
{
	if (!has(vsm, VSM_CAP_PROTECT))
		vsm->config.enforceable = MASK_RWX;
	if (!has(vsm, VSM_CAP_MBEC))
		vsm->config.enforceable_mbec = 0;
	vsm->accepted = accepted(vsm, vsm->config.enforceable, 0);
	vsm->accepted_mbec = 0;
	if (has(vsm, VSM_CAP_MBEC))
		vsm->accepted_mbec = accepted(vsm, vsm->config.enforceable_mbec, 1);
}

static uint64_t privileges(const struct vsm *vsm)
{
	uint64_t p = HV_PRIV_ACCESS_VP_INDEX;

	if (has(vsm, VSM_CAP_CLOCK))
		p |= HV_PRIV_ACCESS_PARTITION_REFERENCE_COUNTER | HV_PRIV_ACCESS_FREQUENCY_REGS;
	if (has(vsm, VSM_CAP_OVERLAYS))
		p |= HV_PRIV_ACCESS_HYPERCALL_MSRS | HV_PRIV_ACCESS_SYNIC_REGS |
		     HV_PRIV_ACCESS_VP_REGISTERS;
	if (has(vsm, VSM_CAP_CLOCK) && has(vsm, VSM_CAP_OVERLAYS))
		p |= HV_PRIV_ACCESS_PARTITION_REFERENCE_TSC;
	if (has(vsm, VSM_CAP_VSM))
		p |= HV_PRIV_ACCESS_VSM;
	if (has(vsm, VSM_CAP_STARTUP))
		p |= HV_PRIV_START_VIRTUAL_PROCESSOR;
	if (has(vsm, VSM_CAP_XMM))
		p |= HV_PRIV_FAST_HYPERCALL_OUTPUT;
	return p;
}

static uint32_t features(const struct vsm *vsm)
{
	uint32_t f = 0;

	if (has(vsm, VSM_CAP_XMM))
		f |= HV_FEATURE_XMM_HYPERCALL_INPUT | HV_FEATURE_FAST_HYPERCALL_OUTPUT;
	if (has(vsm, VSM_CAP_CLOCK))
		f |= HV_FEATURE_FREQUENCY_REGS;
	if (has(vsm, VSM_CAP_OVERLAYS))
		f |= HV_FEATURE_HYPERCALL_MSR_LOCK | HV_FEATURE_SINT_POLLING_MODE;
	if (has(vsm, VSM_CAP_CRASH))
		f |= HV_FEATURE_GUEST_CRASH_REGS;
	if (has(vsm, VSM_CAP_VSM))
		f |= HV_FEATURE_VSM_PAT_REGISTER;
	return f;
}

void cpuid_decide(struct vsm *vsm)
{
	decide_capabilities(vsm);
	decide_accepted(vsm);
	vsm->caps.size = sizeof(vsm->caps);
	vsm->caps.privileges = privileges(vsm);
	vsm->caps.features = features(vsm);
	vsm->caps.phys_bits = vsm->config.phys_bits;
	/* A call whose privilege is missing answers ACCESS_DENIED, one without a handler does not
	 * exist. */
	vsm->caps.calls = hypercall_handled();
	if (!has(vsm, VSM_CAP_STARTUP)) /* Nor does one that could never succeed. */
		vsm->caps.calls &= ~(1ULL << vsm_hypercall_row(HVCALL_START_VIRTUAL_PROCESSOR));
	/* The hints say how to use what there is: no watchdog panics, no AutoEOI. */
	vsm->recommendations = HV_RECOMMEND_RELAXED_TIMING | HV_RECOMMEND_DEPRECATE_AUTO_EOI;
}

static void leaf_identity(const struct vsm *vsm, uint32_t leaf, struct vsm_cpuid *out)
{
	switch (leaf) {
	case HV_CPUID_VENDOR_AND_MAX_FUNCTION:
		out->eax = LEAF_MAX;
		out->ebx = HV_CPUID_VENDOR_EBX;
		out->ecx = HV_CPUID_VENDOR_ECX;
		out->edx = HV_CPUID_VENDOR_EDX;
		break;
	case HV_CPUID_INTERFACE:
		out->eax = HV_CPUID_INTERFACE_HV1;
		break;
	default: /* Given also before GUEST_OS_ID is set: guests read it that early. */
		out->eax = vsm->config.build_number;
		out->ebx = vsm->config.version;
		break;
	}
}

void cpuid_leaf(const struct vsm *vsm, uint32_t leaf, struct vsm_cpuid *out)
{
	memset(out, 0, sizeof(*out));
	switch (leaf) {
	case HV_CPUID_VENDOR_AND_MAX_FUNCTION:
	case HV_CPUID_INTERFACE:
	case HV_CPUID_VERSION:
		leaf_identity(vsm, leaf, out);
		break;
	case HV_CPUID_FEATURES:
		out->eax = (uint32_t)vsm->caps.privileges;
		out->ebx = (uint32_t)(vsm->caps.privileges >> 32);
		out->edx = vsm->caps.features;
		break;
	case HV_CPUID_ENLIGHTENMENT_INFO:
		out->eax = vsm->recommendations;
		out->ebx = vsm->config.long_spin_count;
		out->ecx = vsm->config.phys_bits;
		break;
	case HV_CPUID_IMPLEMENTATION_LIMITS:
		out->eax = vsm->config.max_vps;
		out->ebx = vsm->config.max_vps;
		break;
	default: /* Nothing of the other leaves is offered. */
		break;
	}
}

int vsm_cpuid_get(const struct vsm *vsm, uint32_t leaf, struct vsm_cpuid *out)
{
	if (vsm == NULL || out == NULL || leaf < HV_CPUID_MIN || leaf > CPUID_LAST)
		return -VSM_ERR_INVAL;
	if (!vsm->realised)
		return -VSM_ERR_MISUSE;
	cpuid_leaf(vsm, leaf, out);
	return 0;
}
