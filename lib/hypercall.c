/* SPDX-License-Identifier: BSD-3-Clause */
#include "hypercall.h"

#include <string.h>

#include "exception.h"
#include "guestmem.h"
#include "hc.h"
#include "host.h"
#include "vtl_switch.h"

#define CR0_PE	  0x1u
#define EFER_LMA  0x400u
#define RFLAGS_VM 0x20000u
#define PAIR_SIZE 16u

/* Calls that this version answers. CPUID, the decoder and this dispatch agree by this table. */
static const struct {
	uint16_t code;
	int (*run)(struct vsm_vp *vp);
} handlers[] = {
	{ HVCALL_NOTIFY_LONG_SPIN_WAIT, hc_notify_long_spin_wait },
	{ HVCALL_MODIFY_VTL_PROTECTION_MASK, hc_modify_vtl_protection_mask },
	{ HVCALL_ENABLE_PARTITION_VTL, hc_enable_partition_vtl },
	{ HVCALL_ENABLE_VP_VTL, hc_enable_vp_vtl },
	{ HVCALL_VTL_CALL, vtl_call },
	{ HVCALL_VTL_RETURN, vtl_return },
	{ HVCALL_GET_VP_REGISTERS, hc_get_vp_registers },
	{ HVCALL_SET_VP_REGISTERS, hc_set_vp_registers },
	{ HVCALL_START_VIRTUAL_PROCESSOR, hc_start_virtual_processor },
	{ HVCALL_GET_VP_INDEX_FROM_APIC_ID, hc_get_vp_index_from_apic_id },
};

#define HANDLERS (sizeof(handlers) / sizeof(handlers[0]))

uint64_t hypercall_handled(void)
{
	uint64_t rows = 0;

	for (size_t i = 0; i < HANDLERS; i++) {
		int row = vsm_hypercall_row(handlers[i].code);

		if (row >= 0)
			rows |= 1ULL << row;
	}
	return rows;
}

/* The registers that any form of call may use, in the order of vsm_hypercall_regs. */
static int read_registers(struct vsm_vp *vp)
{
	static const uint32_t names[] = {
		HV_X64_REGISTER_RAX,	HV_X64_REGISTER_RBX, HV_X64_REGISTER_RCX,
		HV_X64_REGISTER_RDX,	HV_X64_REGISTER_RSI, HV_X64_REGISTER_RDI,
		HV_X64_REGISTER_R8,	HV_X64_REGISTER_CR0, HV_X64_REGISTER_EFER,
		HV_X64_REGISTER_RFLAGS, HV_X64_REGISTER_CS,  HV_X64_REGISTER_SS,
	};
	struct vsm_hypercall_regs *out = &vp->hc.regs;
	struct vsm_reg regs[12];
	struct hv_segment_register cs, ss;
	int long_mode;

	regs_name(regs, names, 12);
	if (host_regs_get(vp, vp_active(vp), VSM_REGS_GPR | VSM_REGS_SEGMENT | VSM_REGS_CONTROL,
			  regs, 12) != 0)
		return -VSM_ERR_HOST;
	memcpy(&cs, &regs[10].value, sizeof(cs));
	memcpy(&ss, &regs[11].value, sizeof(ss));
	long_mode = (regs[8].value.low & EFER_LMA) != 0;
	out->size = sizeof(*out);
	out->mode = (regs[7].value.low & CR0_PE) != 0 ? VSM_CALLER_PROTECTED : 0;
	if (long_mode && (cs.attributes & HV_X64_SEGMENT_LONG) != 0)
		out->mode |= VSM_CALLER_LONG;
	if (!long_mode && (regs[9].value.low & RFLAGS_VM) != 0)
		out->mode |= VSM_CALLER_V86;
	/* SDM vol. 3A 5.5: the DPL of SS is the CPL. */
	out->cpl = (uint32_t)(ss.attributes & HV_X64_SEGMENT_DPL_MASK) >> HV_X64_SEGMENT_DPL_SHIFT;
	out->rax = regs[0].value.low;
	out->rbx = regs[1].value.low;
	out->rcx = regs[2].value.low;
	out->rdx = regs[3].value.low;
	out->rsi = regs[4].value.low;
	out->rdi = regs[5].value.low;
	out->r8 = regs[6].value.low;
	return 0;
}

static int need_xmm(struct vsm_vp *vp)
{
	if (vp->hc.have_xmm)
		return 0;
	if (host_xmm_get(vp, vp_active(vp), &vp->hc.xmm) != 0)
		return -VSM_ERR_HOST;
	vp->hc.have_xmm = 1;
	return 0;
}

/* Fast parameters: register pairs {RDX, R8} (or their 32-bit halves), XMM0 .. XMM5. */
static int gather_fast(struct vsm_vp *vp)
{
	struct hc *hc = &vp->hc;
	uint32_t size = hc->call.input_size;

	memcpy(hc->in, hc->call.param, PAIR_SIZE);
	if (size <= PAIR_SIZE)
		return 0;
	if (need_xmm(vp) != 0)
		return -VSM_ERR_HOST;
	memcpy(hc->in + PAIR_SIZE, &hc->xmm, sizeof(hc->xmm));
	return 0;
}

/* One bounded copy of the input; both lists are judged before the call runs (TLFS 3.6). */
static int gather(struct vsm_vp *vp)
{
	const struct vsm_hypercall *call = &vp->hc.call;
	int r = 0;

	if ((call->flags & VSM_HYPERCALL_FAST) != 0)
		return gather_fast(vp);
	if (call->output_size != 0)
		r = guestmem_check(vp, call->param[1], call->output_size,
				   HV_INTERCEPT_ACCESS_WRITE);
	if (r == 0 && call->input_size != 0)
		r = guestmem_read(vp, call->param[0], vp->hc.in, call->input_size);
	return r;
}

/* Where the output that is finished lies in the output block. */
static void output_range(const struct hc *hc, int status, uint32_t *from, uint32_t *to)
{
	const struct vsm_hypercall *call = &hc->call;

	*from = 0;
	*to = status == HV_STATUS_SUCCESS ? call->output_size : 0;
	if (call->kind == VSM_HYPERCALL_REP) {
		*from = call->rep_out_size * call->rep_start;
		*to = call->rep_out_size * hc->done;
	}
}

static void put(struct vsm_reg *reg, uint32_t name, uint64_t value)
{
	*reg = (struct vsm_reg){ .name = name, .value = { .low = value } };
}

/* Output in registers; bytes of a pair that are not part of it keep their values (TLFS 3.7.2). */
static int scatter_fast(struct vsm_vp *vp, uint32_t from, uint32_t to, struct vsm_reg *regs,
			uint32_t *count)
{
	struct hc *hc = &vp->hc;
	uint32_t base = hc->call.output_pair * PAIR_SIZE;
	uint8_t image[VSM_FAST_PAIRS * PAIR_SIZE];
	struct vsm_xmm_block xmm;
	uint64_t pair[2];

	if (need_xmm(vp) != 0)
		return -VSM_ERR_HOST;
	memcpy(image, hc->call.param, PAIR_SIZE);
	memcpy(image + PAIR_SIZE, &hc->xmm, sizeof(hc->xmm));
	memcpy(image + base + from, hc->out + from, to - from);
	if (base + from < PAIR_SIZE) {
		memcpy(pair, image, sizeof(pair));
		put(&regs[(*count)++], HV_X64_REGISTER_RDX, pair[0]);
		put(&regs[(*count)++], HV_X64_REGISTER_R8, pair[1]);
	}
	if (base + to <= PAIR_SIZE)
		return 0;
	memcpy(&xmm, image + PAIR_SIZE, sizeof(xmm));
	return host_xmm_set(vp, vp_active(vp), &xmm);
}

static int scatter(struct vsm_vp *vp, int status, struct vsm_reg *regs, uint32_t *count)
{
	struct hc *hc = &vp->hc;
	uint32_t from, to;

	output_range(hc, status, &from, &to);
	if (to <= from)
		return 0;
	if ((hc->call.flags & VSM_HYPERCALL_FAST) != 0)
		return scatter_fast(vp, from, to, regs, count);
	return guestmem_write(vp, hc->call.param[1] + from, hc->out + from, to - from);
}

static uint64_t behind_trap(const struct hc *hc)
{
	uint64_t rip = hc->trap_rip + hc->trap_length;

	return (hc->regs.mode & VSM_CALLER_LONG) != 0 ? rip : (uint32_t)rip;
}

/* A 64-bit value goes to one register, or to EDX and another one (TLFS 3.7). */
static uint32_t put_value(const struct hc *hc, struct vsm_reg *regs, uint32_t wide, uint64_t value)
{
	if ((hc->regs.mode & VSM_CALLER_LONG) != 0) {
		put(&regs[0], wide, value);
		return 1;
	}
	put(&regs[0], HV_X64_REGISTER_RAX, (uint32_t)value);
	put(&regs[1], HV_X64_REGISTER_RDX, value >> 32);
	return 2;
}

static int write_registers(struct vsm_vp *vp, const struct vsm_reg *regs, uint32_t count)
{
	return host_regs_set(vp, vp_active(vp), VSM_REGS_GPR, regs, count) != 0 ? -VSM_ERR_HOST : 0;
}

/* The result value and RIP behind the trap. */
static int finish(struct vsm_vp *vp, int status)
{
	struct hc *hc = &vp->hc;
	struct vsm_reg regs[6];
	uint64_t result = (uint64_t)status;
	uint32_t count = 0;
	int r;

	r = scatter(vp, status, regs, &count);
	if (r != 0)
		return r;
	if (hc->call.kind == VSM_HYPERCALL_REP)
		result |= (uint64_t)hc->done << HV_HYPERCALL_RESULT_REPS_SHIFT;
	count += put_value(hc, &regs[count], HV_X64_REGISTER_RAX, result);
	put(&regs[count++], HV_X64_REGISTER_RIP, behind_trap(hc));
	r = write_registers(vp, regs, count);
	if (r == 0)
		stat_inc(&vp->stats.hypercalls);
	return r;
}

/* Back to the guest with a new rep start; it executes the trap again (TLFS 3.9). */
static int continuation(struct vsm_vp *vp)
{
	struct hc *hc = &vp->hc;
	struct vsm_reg regs[6];
	uint64_t control = hc->call.control;
	uint32_t count = 0;
	int r;

	r = scatter(vp, HV_STATUS_SUCCESS, regs, &count);
	if (r != 0)
		return r;
	if (hc->call.kind == VSM_HYPERCALL_REP) {
		control &= ~HV_HYPERCALL_REP_START_MASK;
		control |= (uint64_t)hc->done << HV_HYPERCALL_REP_START_SHIFT;
		count += put_value(hc, &regs[count], HV_X64_REGISTER_RCX, control);
	}
	put(&regs[count++], HV_X64_REGISTER_RIP, hc->trap_rip);
	r = write_registers(vp, regs, count);
	if (r == 0)
		stat_inc(&vp->stats.continuations);
	return r;
}

/* While the VP waits it stands at the trap, whatever the host has done to RIP. */
static void stand_at_trap(struct vsm_vp *vp)
{
	struct vsm_reg reg;

	put(&reg, HV_X64_REGISTER_RIP, vp->hc.trap_rip);
	write_registers(vp, &reg, 1);
}

/* The host failed: leave the guest before the call, so that it can be made again. */
static int give_up(struct vsm_vp *vp)
{
	if (vp->hc.undo != NULL)
		vp->hc.undo(vp);
	vp->hc.undo = NULL;
	vp->hc.commit = NULL;
	stand_at_trap(vp);
	return -VSM_ERR_HOST;
}

int hypercall_conclude(struct vsm_vp *vp, int r)
{
	int verdict = VSM_VERDICT_RESUME;

	if (r == R_BLOCKED) {
		if (atomic_load(&vp->wait) == WAIT_NONE)
			atomic_store(&vp->wait, WAIT_OP);
		vp->hc.have_xmm = 0; /* Another VP may set them while this one waits. */
		stand_at_trap(vp);
		return VSM_VERDICT_BLOCKED;
	}
	if (r == R_AGAIN || r == R_BUSY) {
		/* Without a kick nothing would end the wait; then the owner is busy for one
		 * entry. */
		int waits = r == R_BUSY && vp->vsm->ops.kick != NULL;

		verdict = waits ? VSM_VERDICT_BLOCKED : VSM_VERDICT_RETRY;
		r = continuation(vp);
		atomic_store(&vp->wait, waits && r == 0 ? WAIT_OWNER : WAIT_NONE);
	} else if (is_status(r)) {
		r = finish(vp, r);
	}
	if (is_status(r) && r != 0) {
		/* There is no RAM for the output: the caller gets the status alone. */
		vp->hc.call.output_size = 0;
		vp->hc.call.rep_out_size = 0;
		r = finish(vp, r);
	}
	if (r == R_SWITCHED)
		return VSM_VERDICT_SWITCHED;
	if (r == R_EXCEPTION)
		return VSM_VERDICT_EXCEPTION;
	if (r < 0)
		return give_up(vp);
	if (vp->hc.commit != NULL)
		vp->hc.commit(vp);
	vp->hc.commit = NULL;
	return verdict;
}

int hypercall_resume(struct vsm_vp *vp, int r)
{
	if (r == R_BLOCKED)
		return VSM_VERDICT_BLOCKED;
	atomic_store(&vp->wait, WAIT_NONE);
	if (r == HV_STATUS_SUCCESS && vp->hc.in_element) {
		vp->hc.done++;
		if (vp->hc.done < vp->hc.call.rep_count)
			r = R_AGAIN;
	}
	vp->hc.in_element = 0;
	return hypercall_conclude(vp, r);
}

static int dispatch(struct vsm_vp *vp)
{
	for (size_t i = 0; i < HANDLERS; i++) {
		if (handlers[i].code == vp->hc.call.code)
			return handlers[i].run(vp);
	}
	return HV_STATUS_INVALID_HYPERCALL_CODE;
}

static int decode(struct vsm_vp *vp)
{
	struct vsm_hypercall_caps caps = vp->vsm->caps;
	struct hc *hc = &vp->hc;

	caps.enabled = (msr_load(&vp->vsm->vtl[vp_active(vp)].hypercall) &
			HV_X64_MSR_HYPERCALL_ENABLE) != 0;
	memset(&hc->call, 0, sizeof(hc->call));
	hc->call.size = sizeof(hc->call);
	return vsm_hypercall_decode(&hc->regs, &caps, &hc->call);
}

/* Elements that earlier entries finished stay counted when this one is refused (TLFS 3.9). */
static uint32_t valid_start(const struct vsm_hypercall *call)
{
	if (call->kind != VSM_HYPERCALL_REP || call->rep_start >= call->rep_count)
		return 0;
	return call->rep_start;
}

int hypercall_run(struct vsm_vp *vp, uint64_t trap_rip, uint32_t trap_length)
{
	struct hc *hc = &vp->hc;
	int r;

	hc->trap_rip = trap_rip;
	hc->trap_length = trap_length;
	hc->have_xmm = 0;
	hc->in_element = 0;
	hc->undo = NULL;
	hc->commit = NULL;
	if (read_registers(vp) != 0)
		return give_up(vp);
	r = decode(vp);
	hc->done = valid_start(&hc->call);
	if (r == VSM_DECODE_EXCEPTION)
		return hypercall_conclude(vp, exception_raise(vp, hc->call.vector, &trap_rip));
	if (r == VSM_DECODE_STATUS)
		return hypercall_conclude(vp, hc->call.status);
	if (r < 0)
		return r;
	if (hc->call.kind != VSM_HYPERCALL_VTL) {
		r = gather(vp);
		if (r != 0)
			return hypercall_conclude(vp, r);
	}
	return hypercall_conclude(vp, dispatch(vp));
}
