/* SPDX-License-Identifier: BSD-3-Clause */
#include "vreg.h"

#include <string.h>

#include "clock.h"
#include "config_register.h"
#include "context.h"
#include "cpuid.h"
#include "crash.h"
#include "host.h"
#include "hypercall_page.h"
#include "intercept.h"
#include "mbec.h"
#include "ops.h"
#include "overlay.h"

#define ENABLE	   1ULL
#define PFN_MASK   (~(uint64_t)(HV_PAGE_SIZE - 1))
#define EFER_LMA   0x400u
#define HZ_PER_KHZ 1000u

typedef int (*vreg_fn)(const struct vreg *reg, struct hv_register_value *value);

static struct vp_vtl *state_of(const struct vreg *reg)
{
	return &reg->target->vtl[reg->vtl];
}

static struct vtl_state *partition_state_of(const struct vreg *reg)
{
	return &reg->vp->vsm->vtl[reg->vtl];
}

static int has_cap(const struct vreg *reg, uint32_t cap)
{
	return (reg->vp->vsm->capabilities & cap) != 0;
}

/* Partition-wide MSRs of the hypercall page (TLFS 3.13, 2.6). */

static int get_guest_os_id(const struct vreg *reg, struct hv_register_value *value)
{
	value->low = msr_load(&partition_state_of(reg)->guest_os_id);
	return HV_STATUS_SUCCESS;
}

static int set_guest_os_id(const struct vreg *reg, struct hv_register_value *value)
{
	struct vtl_state *state = partition_state_of(reg);
	uint64_t hypercall;

	if (value->low != 0) {
		msr_store(&state->guest_os_id, value->low);
		return HV_STATUS_SUCCESS;
	}
	/* Another VP may be about to place the page, so look only when nobody is. */
	if (!op_acquire(reg->vp))
		return R_BUSY;
	hypercall = msr_load(&state->hypercall);
	if ((hypercall & HV_X64_MSR_HYPERCALL_ENABLE) == 0) {
		msr_store(&state->guest_os_id, 0);
		op_release(reg->vp);
		return HV_STATUS_SUCCESS;
	}
	/* TLFS 3.13: an identity of zero takes the hypercall page away, unless it is locked. */
	if ((hypercall & HV_X64_MSR_HYPERCALL_LOCKED) != 0) {
		op_release(reg->vp);
		return HV_STATUS_INVALID_REGISTER_VALUE;
	}
	reg->vp->overlay.clear = &state->guest_os_id;
	return overlay_write(reg->vp, reg->vtl, OVERLAY_HYPERCALL, &state->hypercall,
			     hypercall & ~HV_X64_MSR_HYPERCALL_ENABLE);
}

static int get_hypercall(const struct vreg *reg, struct hv_register_value *value)
{
	value->low = msr_load(&partition_state_of(reg)->hypercall);
	return HV_STATUS_SUCCESS;
}

static int set_hypercall(const struct vreg *reg, struct hv_register_value *value)
{
	const struct vsm *vsm = reg->vp->vsm;
	struct vtl_state *state = partition_state_of(reg);

	if ((value->low & PFN_MASK) >> vsm->config.phys_bits != 0)
		return HV_STATUS_INVALID_REGISTER_VALUE;
	/* One MSR for all VPs: what it allows is asked while no other VP can change it. */
	if (!op_acquire(reg->vp))
		return R_BUSY;
	if ((msr_load(&state->hypercall) & HV_X64_MSR_HYPERCALL_LOCKED) != 0) {
		op_release(reg->vp);
		return HV_STATUS_INVALID_REGISTER_VALUE;
	}
	/* TLFS 3.13: the enable bit does not stick while the guest has no identity. */
	if (msr_load(&state->guest_os_id) == 0)
		value->low &= ~HV_X64_MSR_HYPERCALL_ENABLE;
	return overlay_write(reg->vp, reg->vtl, OVERLAY_HYPERCALL, &state->hypercall, value->low);
}

/* Constants and clocks. */

static int get_vp_index(const struct vreg *reg, struct hv_register_value *value)
{
	value->low = reg->target->index;
	return HV_STATUS_SUCCESS;
}

static int get_apic_id(const struct vreg *reg, struct hv_register_value *value)
{
	value->low = reg->target->apic_id;
	return HV_STATUS_SUCCESS;
}

static int get_time_ref_count(const struct vreg *reg, struct hv_register_value *value)
{
	if (!has_cap(reg, VSM_CAP_CLOCK))
		return HV_STATUS_INVALID_PARAMETER;
	value->low = clock_reference(reg->vp->vsm);
	return HV_STATUS_SUCCESS;
}

/* The reference TSC page (TLFS ch. 12). */

static int get_reference_tsc(const struct vreg *reg, struct hv_register_value *value)
{
	value->low = msr_load(&partition_state_of(reg)->reference_tsc);
	return HV_STATUS_SUCCESS;
}

static int set_reference_tsc(const struct vreg *reg, struct hv_register_value *value)
{
	if (!op_acquire(reg->vp))
		return R_BUSY;
	return overlay_write(reg->vp, reg->vtl, OVERLAY_TSC,
			     &partition_state_of(reg)->reference_tsc, value->low);
}

/* The registers are in kHz; the MSRs of the same name are in Hz and are made from this. */
static int get_tsc_frequency(const struct vreg *reg, struct hv_register_value *value)
{
	if (!has_cap(reg, VSM_CAP_CLOCK))
		return HV_STATUS_INVALID_PARAMETER;
	value->low = reg->vp->vsm->tsc_hz / HZ_PER_KHZ;
	return HV_STATUS_SUCCESS;
}

static int get_apic_frequency(const struct vreg *reg, struct hv_register_value *value)
{
	if (reg->vp->vsm->config.apic_hz == 0)
		return HV_STATUS_INVALID_PARAMETER;
	value->low = reg->vp->vsm->config.apic_hz / HZ_PER_KHZ;
	return HV_STATUS_SUCCESS;
}

/* TLFS 7.8.2: each of these is a CPUID leaf as EAX, EBX, ECX, EDX. */
static int get_cpuid_leaf(const struct vreg *reg, struct hv_register_value *value)
{
	uint32_t leaf =
		reg->name == HV_REGISTER_HYPERVISOR_VERSION ?
			HV_CPUID_VERSION :
			HV_CPUID_FEATURES + (reg->name - HV_REGISTER_PRIVILEGES_AND_FEATURES_INFO);
	struct vsm_cpuid out;

	cpuid_leaf(reg->vp->vsm, leaf, &out);
	value->low = out.eax | ((uint64_t)out.ebx << 32);
	value->high = out.ecx | ((uint64_t)out.edx << 32);
	return HV_STATUS_SUCCESS;
}

static int get_crash(const struct vreg *reg, struct hv_register_value *value)
{
	value->low = crash_get(reg->vp->vsm, reg->name);
	return HV_STATUS_SUCCESS;
}

static int set_crash(const struct vreg *reg, struct hv_register_value *value)
{
	crash_set(reg->vp, reg->name, value->low);
	return HV_STATUS_SUCCESS;
}

/* Overlay pages of a VP (TLFS 7.8.7, 11.8). */

static uint32_t page_of(const struct vreg *reg)
{
	switch (reg->name) {
	case HV_REGISTER_VP_ASSIST_PAGE:
		return OVERLAY_ASSIST;
	case HV_REGISTER_SIMP:
		return OVERLAY_SIMP;
	default:
		return OVERLAY_SIEFP;
	}
}

static int get_page(const struct vreg *reg, struct hv_register_value *value)
{
	value->low = msr_load(&state_of(reg)->page[page_of(reg)]);
	return HV_STATUS_SUCCESS;
}

static int set_page(const struct vreg *reg, struct hv_register_value *value)
{
	uint32_t which = page_of(reg);

	if (!op_acquire(reg->vp))
		return R_BUSY;
	return overlay_write(reg->vp, reg->vtl, overlay_slot_vp(reg->target->index, which),
			     &state_of(reg)->page[which], value->low);
}

/* SynIC (TLFS 11.8). */

static int get_scontrol(const struct vreg *reg, struct hv_register_value *value)
{
	value->low = msr_load(&state_of(reg)->scontrol);
	return HV_STATUS_SUCCESS;
}

static int set_scontrol(const struct vreg *reg, struct hv_register_value *value)
{
	msr_store(&state_of(reg)->scontrol, value->low);
	return HV_STATUS_SUCCESS;
}

static int get_sversion(const struct vreg *reg, struct hv_register_value *value)
{
	(void)reg;
	value->low = 1;
	return HV_STATUS_SUCCESS;
}

static int get_sint0(const struct vreg *reg, struct hv_register_value *value)
{
	value->low = msr_load(&state_of(reg)->sint0);
	return HV_STATUS_SUCCESS;
}

/* Vectors below 16 are illegal, but guests write a masked SINT back as they found it. */
int vreg_sint_legal(uint64_t sint)
{
	return (sint & HV_SYNIC_SINT_VECTOR_MASK) >= 16 || (sint & HV_SYNIC_SINT_MASKED) != 0;
}

static int set_sint0(const struct vreg *reg, struct hv_register_value *value)
{
	if (!vreg_sint_legal(value->low))
		return HV_STATUS_INVALID_REGISTER_VALUE;
	msr_store(&state_of(reg)->sint0, value->low);
	return HV_STATUS_SUCCESS;
}

static int get_zero(const struct vreg *reg, struct hv_register_value *value)
{
	(void)reg;
	(void)value;
	return HV_STATUS_SUCCESS;
}

/* EOM: any value; the queues are looked at again (TLFS 11.10.3), which vreg_set() does. */
static int set_eom(const struct vreg *reg, struct hv_register_value *value)
{
	(void)reg;
	(void)value;
	return HV_STATUS_SUCCESS;
}

/* VSM (TLFS 15.5.1). */

static int get_code_page_offsets(const struct vreg *reg, struct hv_register_value *value)
{
	struct vsm_reg efer = { .name = HV_X64_REGISTER_EFER };
	int r;

	/* A VTL that this VP has not runs in no mode at all. */
	if ((atomic_load(&reg->vp->enabled) & (1u << reg->vtl)) == 0)
		return HV_STATUS_INVALID_VTL_STATE;
	/* The stubs that fit the mode of the VTL that is asked about. Of another VP, whose
	 * registers only its own thread may read, the caller's mode is taken: the page is one for
	 * all VPs. */
	r = context_apply(reg->vp, reg->vtl);
	if (r == -VSM_ERR_INVAL) /* Nor one whose context the host refuses. */
		return HV_STATUS_INVALID_VTL_STATE;
	if (r == 0)
		r = host_regs_get(reg->vp, reg->vtl, VSM_REGS_CONTROL, &efer, 1);
	if (r != 0)
		return -VSM_ERR_HOST;
	value->low = hypercall_page_offsets((efer.value.low & EFER_LMA) != 0);
	return HV_STATUS_SUCCESS;
}

static int get_vp_status(const struct vreg *reg, struct hv_register_value *value)
{
	uint32_t active = vp_active(reg->target);

	value->low = active | ((uint64_t)atomic_load(&reg->target->enabled)
			       << HV_VSM_VP_STATUS_ENABLED_VTL_SET_SHIFT);
	if (vsm_vp_mbec(reg->target, active))
		value->low |= HV_VSM_VP_STATUS_ACTIVE_MBEC_ENABLED;
	return HV_STATUS_SUCCESS;
}

static int get_partition_status(const struct vreg *reg, struct hv_register_value *value)
{
	const struct vsm *vsm = reg->vp->vsm;
	uint64_t maximum = has_cap(reg, VSM_CAP_VSM) ? vsm->config.max_vtl : 0;

	value->low = atomic_load(&vsm->enabled) |
		     (maximum << HV_VSM_PARTITION_STATUS_MAXIMUM_VTL_SHIFT) |
		     ((uint64_t)mbec_enabled_set(vsm)
		      << HV_VSM_PARTITION_STATUS_MBEC_ENABLED_VTL_SET_SHIFT);
	return HV_STATUS_SUCCESS;
}

static int get_capabilities(const struct vreg *reg, struct hv_register_value *value)
{
	int shared = (reg->vp->vsm->config.host_flags & VSM_HOST_DR6_SHARED) != 0;

	value->low = shared ? HV_VSM_CAPABILITIES_DR6_SHARED : 0;
	if (has_cap(reg, VSM_CAP_STARTUP))
		value->low |= HV_VSM_CAPABILITIES_DENY_LOWER_VTL_STARTUP;
	value->low |= (uint64_t)mbec_vtl_mask(reg->vp->vsm)
		      << HV_VSM_CAPABILITIES_MBEC_VTL_MASK_SHIFT;
	return HV_STATUS_SUCCESS;
}

static int get_partition_config(const struct vreg *reg, struct hv_register_value *value)
{
	value->low = msr_load(&partition_state_of(reg)->config);
	return HV_STATUS_SUCCESS;
}

static int set_partition_config(const struct vreg *reg, struct hv_register_value *value)
{
	return config_register_set(reg->vp, reg->vtl, value->low);
}

static int get_secure_config(const struct vreg *reg, struct hv_register_value *value)
{
	return mbec_secure_config_get(reg->target, reg->vtl, &value->low);
}

static int set_secure_config(const struct vreg *reg, struct hv_register_value *value)
{
	return mbec_secure_config_set(reg->target, reg->vtl, value->low);
}

/* PendingEvent0: an exception for a lower VTL (TLFS 7.8.2). */

#define EVENT_PENDING		 0x1ULL
#define EVENT_TYPE_MASK		 0xfeULL /* Type 0 is an exception; bits 7:4 are reserved. */
#define EVENT_DELIVER_ERROR_CODE 0x100ULL
#define EVENT_RSVD		 0xfe00ULL
#define EVENT_VECTORS		 0x2f7dfbu /* 0,1,3..8,10..14,16..19,21 */
#define EVENT_WITH_ERROR_CODE	 0x227d00u /* 8,10..14,17,21 */

/* An event of another VP belongs to that VP's thread: not offered. */
static int get_pending_event(const struct vreg *reg, struct hv_register_value *value)
{
	if (!has_cap(reg, VSM_CAP_INJECT) || reg->target != reg->vp ||
	    reg->vtl >= vp_active(reg->target))
		return HV_STATUS_INVALID_PARAMETER;
	*value = state_of(reg)->pending_event;
	return HV_STATUS_SUCCESS;
}

static int event_legal(const struct hv_register_value *value)
{
	uint32_t vector = (uint32_t)(value->low >> 16) & 0xffff;

	if ((value->low & (EVENT_TYPE_MASK | EVENT_RSVD)) != 0 || vector > 31 ||
	    (EVENT_VECTORS & (1u << vector)) == 0)
		return 0;
	return (value->low & EVENT_DELIVER_ERROR_CODE) == 0 ||
	       (EVENT_WITH_ERROR_CODE & (1u << vector)) != 0;
}

int vreg_event_legal(const struct hv_register_value *value)
{
	return (value->low & EVENT_PENDING) == 0 || event_legal(value);
}

int vreg_event_inject(struct vsm_vp *vp, uint32_t vtl, const struct hv_register_value *value)
{
	struct vsm_exception event = { 0 };

	if ((value->low & EVENT_PENDING) == 0)
		return host_inject(vp, vtl, NULL);
	event.vector = (uint8_t)(value->low >> 16);
	event.has_error_code = (value->low & EVENT_DELIVER_ERROR_CODE) != 0;
	event.error_code = event.has_error_code ? (uint32_t)(value->low >> 32) : 0;
	event.has_parameter = event.vector == 14 || event.vector == 1;
	event.parameter = event.has_parameter ? value->high : 0;
	return host_inject(vp, vtl, &event);
}

static int set_pending_event(const struct vreg *reg, struct hv_register_value *value)
{
	if (!has_cap(reg, VSM_CAP_INJECT) || reg->target != reg->vp ||
	    reg->vtl >= vp_active(reg->target))
		return HV_STATUS_INVALID_PARAMETER;
	if (!vreg_event_legal(value))
		return HV_STATUS_INVALID_REGISTER_VALUE;
	if (vreg_event_inject(reg->vp, reg->vtl, value) != 0)
		return -VSM_ERR_HOST;
	memset(&state_of(reg)->pending_event, 0, sizeof(*value));
	if ((value->low & EVENT_PENDING) != 0)
		state_of(reg)->pending_event = *value;
	return HV_STATUS_SUCCESS;
}

static const struct {
	uint32_t first;
	uint32_t last;
	vreg_fn get;
	vreg_fn set;
} vregs[] = {
	{ HV_REGISTER_HYPERVISOR_VERSION, HV_REGISTER_HYPERVISOR_VERSION, get_cpuid_leaf, NULL },
	{ HV_REGISTER_PRIVILEGES_AND_FEATURES_INFO, HV_REGISTER_ISOLATION_CONFIGURATION,
	  get_cpuid_leaf, NULL },
	{ HV_REGISTER_CRASH_P0, HV_REGISTER_CRASH_CTL, get_crash, set_crash },
	{ HV_REGISTER_TSC_FREQUENCY, HV_REGISTER_TSC_FREQUENCY, get_tsc_frequency, NULL },
	{ HV_REGISTER_APIC_FREQUENCY, HV_REGISTER_APIC_FREQUENCY, get_apic_frequency, NULL },
	{ HV_REGISTER_PENDING_EVENT0, HV_REGISTER_PENDING_EVENT0, get_pending_event,
	  set_pending_event },
	{ HV_X64_REGISTER_INITIAL_APIC_ID, HV_X64_REGISTER_INITIAL_APIC_ID, get_apic_id, NULL },
	{ HV_REGISTER_HYPERCALL, HV_REGISTER_HYPERCALL, get_hypercall, set_hypercall },
	{ HV_REGISTER_GUEST_OS_ID, HV_REGISTER_GUEST_OS_ID, get_guest_os_id, set_guest_os_id },
	{ HV_REGISTER_VP_INDEX, HV_REGISTER_VP_INDEX, get_vp_index, NULL },
	{ HV_REGISTER_TIME_REF_COUNT, HV_REGISTER_TIME_REF_COUNT, get_time_ref_count, NULL },
	{ HV_REGISTER_VP_ASSIST_PAGE, HV_REGISTER_VP_ASSIST_PAGE, get_page, set_page },
	{ HV_REGISTER_REFERENCE_TSC, HV_REGISTER_REFERENCE_TSC, get_reference_tsc,
	  set_reference_tsc },
	{ HV_REGISTER_SINT0, HV_REGISTER_SINT0, get_sint0, set_sint0 },
	{ HV_REGISTER_SCONTROL, HV_REGISTER_SCONTROL, get_scontrol, set_scontrol },
	{ HV_REGISTER_SVERSION, HV_REGISTER_SVERSION, get_sversion, NULL },
	{ HV_REGISTER_SIEFP, HV_REGISTER_SIEFP, get_page, set_page },
	{ HV_REGISTER_SIMP, HV_REGISTER_SIMP, get_page, set_page },
	{ HV_REGISTER_EOM, HV_REGISTER_EOM, get_zero, set_eom },
	{ HV_REGISTER_VSM_CODE_PAGE_OFFSETS, HV_REGISTER_VSM_CODE_PAGE_OFFSETS,
	  get_code_page_offsets, NULL },
	{ HV_REGISTER_VSM_VP_STATUS, HV_REGISTER_VSM_VP_STATUS, get_vp_status, NULL },
	{ HV_REGISTER_VSM_PARTITION_STATUS, HV_REGISTER_VSM_PARTITION_STATUS, get_partition_status,
	  NULL },
	{ HV_REGISTER_VSM_CAPABILITIES, HV_REGISTER_VSM_CAPABILITIES, get_capabilities, NULL },
	{ HV_REGISTER_VSM_PARTITION_CONFIG, HV_REGISTER_VSM_PARTITION_CONFIG, get_partition_config,
	  set_partition_config },
	{ HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL0, HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL14,
	  get_secure_config, set_secure_config },
};

static vreg_fn find(uint32_t name, int set)
{
	for (size_t i = 0; i < sizeof(vregs) / sizeof(vregs[0]); i++) {
		if (name >= vregs[i].first && name <= vregs[i].last)
			return set ? vregs[i].set : vregs[i].get;
	}
	return NULL;
}

int vreg_get(const struct vreg *reg, struct hv_register_value *value)
{
	vreg_fn get = find(reg->name, 0);

	value->low = 0;
	value->high = 0;
	if (get == NULL)
		return HV_STATUS_INVALID_PARAMETER;
	return get(reg, value);
}

int vreg_set(const struct vreg *reg, const struct hv_register_value *value)
{
	vreg_fn set = find(reg->name, 1);
	struct hv_register_value copy = *value;
	int r;

	if (set == NULL)
		return HV_STATUS_INVALID_PARAMETER;
	r = set(reg, &copy);
	/* Whatever was written, a message may be deliverable now (SIMP, SCONTROL, SINT0, EOM). Of
	 * another VP its own thread looks, in vsm_vp_run_prepare(); it may be asleep. */
	if (reg->target == reg->vp)
		intercept_rescan(reg->vp, reg->vtl);
	else if (r == HV_STATUS_SUCCESS &&
		 (reg->name == HV_REGISTER_SCONTROL || reg->name == HV_REGISTER_SINT0))
		host_kick(reg->vp, reg->target);
	return r;
}
