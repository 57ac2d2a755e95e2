/* SPDX-License-Identifier: BSD-3-Clause */
/* HvCallGetVpRegisters and HvCallSetVpRegisters (TLFS 7.10) */
#include "hc_registers.h"

#include <string.h>

#include "context.h"
#include "hc.h"
#include "host.h"
#include "msr.h"
#include "ops.h"
#include "register_table.h"
#include "vreg.h"

#define R_ELSEWHERE 0x20000 /* This element needs the thread of the target VP. */

_Static_assert(sizeof(struct hv_input_get_vp_registers) == sizeof(struct hv_input_set_vp_registers),
	       "TLFS 7.10: both calls have one header");

/* What the header of the call asks for. */
struct access {
	struct vsm_vp *target;
	uint32_t vtl;
	uint32_t caller_vtl;
	int set;
};

static int parse(struct vsm_vp *vp, struct access *access)
{
	struct hv_input_get_vp_registers in;

	memcpy(&in, vp->hc.in, sizeof(in));
	if (!hc_input_vtl(vp, in.input_vtl, &access->vtl) || !hc_zero(in.reserved, 3))
		return HV_STATUS_INVALID_PARAMETER;
	if (!hc_own_partition(vp, in.partition_id))
		return HV_STATUS_ACCESS_DENIED;
	access->target = hc_vp(vp, in.vp_index);
	if (access->target == NULL)
		return HV_STATUS_INVALID_VP_INDEX;
	access->caller_vtl = vp_active(vp);
	if (access->vtl > access->caller_vtl)
		return HV_STATUS_ACCESS_DENIED;
	access->set = vp->hc.call.code == HVCALL_SET_VP_REGISTERS;
	return HV_STATUS_SUCCESS;
}

static int is_shared(const struct vsm *vsm, const struct vsm_register_info *row)
{
	if (row->scope == VSM_SCOPE_MIXED)
		return (vsm->config.host_flags & VSM_HOST_DR6_SHARED) != 0;
	return row->scope == VSM_SCOPE_SHARED;
}

/* Private state of a VTL exists on a VP only once it is enabled there, and what it has in common on
 * all VPs once it is for the partition. VsmPartitionConfig looks itself: its value is judged first
 * (TLFS 15.5.1). */
static int vtl_exists(const struct access *access, const struct vsm_register_info *row)
{
	int is_private = row->scope == VSM_SCOPE_PRIVATE || row->scope == VSM_SCOPE_MIXED;
	const struct vsm *vsm = access->target->vsm;

	if (row->scope == VSM_SCOPE_PARTITION_VTL && row->name != HV_REGISTER_VSM_PARTITION_CONFIG)
		return (atomic_load(&vsm->enabled) & (1u << access->vtl)) != 0;
	if (!is_private || is_shared(vsm, row))
		return 1;
	return (atomic_load(&access->target->enabled) & (1u << access->vtl)) != 0;
}

/* TLFS 15.3: the VSM registers need AccessVsm. */
static int vsm_denied(const struct vsm *vsm, const struct vsm_register_info *row)
{
	return row->name >= HV_REGISTER_VSM_CODE_PAGE_OFFSETS &&
	       row->name <= HV_REGISTER_VSM_PARTITION_CONFIG &&
	       (vsm->caps.privileges & HV_PRIV_ACCESS_VSM) == 0;
}

/* Elements of a fast call lie in XMM0 .. XMM5, behind one pair of general registers. */
static int holds_input(const struct vsm_hypercall *call, uint32_t name)
{
	uint32_t n = register_base(name) - HV_X64_REGISTER_XMM0;
	uint32_t size = (uint32_t)sizeof(struct hv_register_value);

	return n < VSM_FAST_PAIRS - 1 && (n + 1) * size < call->input_size;
}

/*
 * Registers that the call under way reads again when it is continued, or that its result goes to:
 * what is set there would be lost, or lead the call astray, whichever VTL is named (TLFS 3.7).
 */
static int carries_call(const struct vsm_hypercall *call, uint32_t name)
{
	int is_long = (call->flags & VSM_HYPERCALL_LONG) != 0;
	int is_fast = (call->flags & VSM_HYPERCALL_FAST) != 0;

	switch (name) {
	case HV_X64_REGISTER_RAX:
	case HV_X64_REGISTER_RCX:
	case HV_X64_REGISTER_RDX:
		return 1;
	case HV_X64_REGISTER_RBX:
		return !is_long;
	case HV_X64_REGISTER_RSI:
	case HV_X64_REGISTER_RDI:
		return is_fast && !is_long;
	case HV_X64_REGISTER_R8:
		return is_fast && is_long;
	default:
		return is_fast && holds_input(call, name);
	}
}

static int is_secure_config(uint32_t name)
{
	return name >= HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL0 &&
	       name <= HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL14;
}

/* VsmVpSecureConfigVtlN: here only with MBEC, and of VTLs above N. The register itself looks
 * whether that VTL is enabled, as its value is judged first (TLFS 15.5.1). */
static int secure_config_permitted(const struct vsm_vp *caller, const struct access *access,
				   const struct vsm_register_info *row)
{
	if ((caller->vsm->capabilities & VSM_CAP_MBEC) == 0)
		return HV_STATUS_INVALID_PARAMETER;
	return access->vtl < row->min_vtl ? HV_STATUS_ACCESS_DENIED : HV_STATUS_SUCCESS;
}

static int permitted(const struct vsm_vp *caller, const struct access *access,
		     const struct vsm_register_info *row)
{
	uint32_t needed = access->set ? VSM_REG_WRITABLE : VSM_REG_READABLE;

	if (row == NULL || (row->flags & needed) == 0)
		return HV_STATUS_INVALID_PARAMETER;
	if (is_secure_config(row->name))
		return secure_config_permitted(caller, access, row);
	if (access->vtl < row->min_vtl)
		return HV_STATUS_INVALID_PARAMETER;
	/* A register that is not offered as an MSR does not exist by its name either. */
	if (!msr_privileged(caller->vsm, row->msr))
		return HV_STATUS_INVALID_PARAMETER;
	if (vsm_denied(caller->vsm, row))
		return HV_STATUS_ACCESS_DENIED;
	if (!vtl_exists(access, row))
		return HV_STATUS_INVALID_VTL_STATE;
	/* A VTL cannot pull its own running state from under itself (TLFS 7.10.1). */
	if (access->set && access->target == caller && access->vtl == vp_active(caller) &&
	    (row->flags & VSM_REG_SET_OWN) == 0)
		return HV_STATUS_ACCESS_DENIED;
	if (access->set && access->target == caller && carries_call(&caller->hc.call, row->name))
		return HV_STATUS_ACCESS_DENIED;
	return HV_STATUS_SUCCESS;
}

/* Shared registers are those that the active VTL of the VP holds. */
static uint32_t where(const struct access *access, const struct vsm_register_info *row)
{
	return is_shared(access->target->vsm, row) ? vp_active(access->target) : access->vtl;
}

/*
 * While a VP runs a VTL, what is in its shared registers is that VTL's: the VTLs below find only
 * what it leaves there when it returns (TLFS 15.11.2). Only the target's thread knows which VTL
 * that is.
 */
static int in_use_above(const struct access *access, const struct vsm_register_info *row)
{
	return is_shared(access->target->vsm, row) &&
	       vp_active(access->target) > access->caller_vtl;
}

/* The private state of the VTL is there, or is loaded now. One whose context the host refuses has
 * none, whatever register is asked for. */
static int own_state(const struct access *access)
{
	int r = context_apply(access->target, access->vtl);

	if (r == -VSM_ERR_INVAL)
		return HV_STATUS_INVALID_VTL_STATE;
	if (r != 0)
		return -VSM_ERR_HOST;
	return HV_STATUS_SUCCESS;
}

static int host_get(const struct access *access, const struct vsm_register_info *row,
		    struct hv_register_value *value)
{
	struct vsm_reg reg = { .name = register_base(row->name) };
	int r;

	if (in_use_above(access, row))
		return HV_STATUS_ACCESS_DENIED;
	r = own_state(access);
	if (r != HV_STATUS_SUCCESS)
		return r;
	r = host_regs_get(access->target, where(access, row), row->group, &reg, 1);
	if (r == -VSM_ERR_NOTFOUND)
		return HV_STATUS_INVALID_PARAMETER;
	if (r != 0)
		return -VSM_ERR_HOST;
	*value = reg.value;
	return HV_STATUS_SUCCESS;
}

static int host_set(const struct access *access, const struct vsm_register_info *row,
		    const struct hv_register_value *value)
{
	struct vsm_reg reg = { .name = register_base(row->name), .value = *value };
	int r;

	if (in_use_above(access, row))
		return HV_STATUS_ACCESS_DENIED;
	if (vsm_register_check(&access->target->vsm->limits, &reg) != 1)
		return HV_STATUS_INVALID_REGISTER_VALUE;
	r = own_state(access);
	if (r != HV_STATUS_SUCCESS)
		return r;
	r = host_regs_set(access->target, where(access, row), row->group, &reg, 1);
	if (r == -VSM_ERR_NOTFOUND)
		return HV_STATUS_INVALID_PARAMETER;
	if (r == -VSM_ERR_INVAL)
		return HV_STATUS_INVALID_REGISTER_VALUE;
	if (r != 0)
		return -VSM_ERR_HOST;
	return HV_STATUS_SUCCESS;
}

static int library_set(struct vsm_vp *caller, const struct access *access,
		       const struct vsm_register_info *row, const struct hv_register_value *value)
{
	struct vreg vreg = { caller, access->target, access->vtl, row->name };
	struct vsm_reg reg = { .name = row->name, .value = *value };

	if (vsm_register_check(&caller->vsm->limits, &reg) != 1)
		return HV_STATUS_INVALID_REGISTER_VALUE;
	return vreg_set(&vreg, value);
}

static int get_element(struct vsm_vp *caller, struct vsm_vp *self, const struct access *access,
		       uint32_t element)
{
	struct hc *hc = &caller->hc;
	const struct vsm_register_info *row;
	struct hv_register_value value = { 0, 0 };
	uint32_t name;
	int r;

	memcpy(&name, hc->in + hc->call.header_size + element * sizeof(name), sizeof(name));
	row = register_row(name);
	r = permitted(caller, access, row);
	if (r != HV_STATUS_SUCCESS)
		return r;
	if (row->owner == VSM_OWNER_LIBRARY) {
		struct vreg vreg = { caller, access->target, access->vtl, name };

		r = self == caller ? vreg_get(&vreg, &value) : R_AGAIN;
	} else {
		r = self == access->target ? host_get(access, row, &value) : R_ELSEWHERE;
	}
	if (r == HV_STATUS_SUCCESS)
		memcpy(hc->out + element * sizeof(value), &value, sizeof(value));
	return r;
}

static int set_element(struct vsm_vp *caller, struct vsm_vp *self, const struct access *access,
		       uint32_t element)
{
	struct hc *hc = &caller->hc;
	const struct vsm_register_info *row;
	struct hv_register_assoc in;
	int r;

	memcpy(&in, hc->in + hc->call.header_size + element * sizeof(in), sizeof(in));
	if (in.reserved1 != 0 || in.reserved2 != 0)
		return HV_STATUS_INVALID_PARAMETER;
	row = register_row(in.name);
	r = permitted(caller, access, row);
	if (r != HV_STATUS_SUCCESS)
		return r;
	if (row->owner == VSM_OWNER_LIBRARY)
		return self == caller ? library_set(caller, access, row, &in.value) : R_AGAIN;
	return self == access->target ? host_set(access, row, &in.value) : R_ELSEWHERE;
}

/* Elements in order; those before a failure stay applied (TLFS 7.10). */
static int run(struct vsm_vp *caller, struct vsm_vp *self, const struct access *access)
{
	struct hc *hc = &caller->hc;
	uint32_t end = hc_budget_end(caller);

	for (; hc->done < end; hc->done++) {
		int r = access->set ? set_element(caller, self, access, hc->done) :
				      get_element(caller, self, access, hc->done);

		if (r != HV_STATUS_SUCCESS)
			return r;
	}
	return hc->done < hc->call.rep_count ? R_AGAIN : HV_STATUS_SUCCESS;
}

int registers_run(struct vsm_vp *caller, struct vsm_vp *self)
{
	struct access access;
	int r = parse(caller, &access);

	return r != HV_STATUS_SUCCESS ? r : run(caller, self, &access);
}

static int call(struct vsm_vp *vp)
{
	struct access access;
	int r = parse(vp, &access);

	if (r != HV_STATUS_SUCCESS)
		return r;
	r = run(vp, vp, &access);
	if (r == R_BLOCKED)
		vp->hc.in_element = 1;
	if (r != R_ELSEWHERE)
		return r;
	if ((vp->vsm->capabilities & VSM_CAP_CROSS_VP) == 0)
		return HV_STATUS_ACCESS_DENIED;
	atomic_store(&vp->wait, WAIT_POST);
	post_send(vp, access.target);
	return R_BLOCKED;
}

int hc_get_vp_registers(struct vsm_vp *vp)
{
	return call(vp);
}

int hc_set_vp_registers(struct vsm_vp *vp)
{
	return call(vp);
}
