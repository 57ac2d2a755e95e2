/* SPDX-License-Identifier: BSD-3-Clause */
#include "vtl_switch.h"

#include <string.h>

#include "context.h"
#include "exception.h"
#include "host.h"
#include "intercept.h"
#include "overlay.h"

#define ENABLE 1ULL

int vtl_above(const struct vsm_vp *vp, uint32_t vtl)
{
	uint32_t set = atomic_load(&vp->enabled) & ~((2u << vtl) - 1u);

	return set == 0 ? -1 : __builtin_ctz(set);
}

int vtl_below(const struct vsm_vp *vp, uint32_t vtl)
{
	uint32_t set = atomic_load(&vp->enabled) & ((1u << vtl) - 1u);

	return set == 0 ? -1 : 31 - __builtin_clz(set);
}

static struct hv_vp_assist_page *assist_page(const struct vsm_vp *vp, uint32_t vtl)
{
	if ((msr_load(&vp->vtl[vtl].page[OVERLAY_ASSIST]) & ENABLE) == 0)
		return NULL;
	return (struct hv_vp_assist_page *)(void *)overlay_page(
		vp->vsm, vtl, overlay_slot_vp(vp->index, OVERLAY_ASSIST));
}

/*
 * Prepare, set what the switch itself changes, commit. RIP of the VTL that is left is the last
 * thing that may fail, so that an abort leaves that VTL as it was.
 */
static int switch_to(struct vsm_vp *vp, uint32_t to, const uint64_t *rip,
		     const struct vsm_reg *to_regs, uint32_t to_count)
{
	uint32_t from = vp_active(vp);
	struct vsm_reg left = { .name = HV_X64_REGISTER_RIP };
	int r = context_apply(vp, to);

	if (r == -VSM_ERR_INVAL)
		return r;
	if (r == 0)
		r = host_switch(vp, from, to, VSM_SWITCH_PREPARE);
	if (r != 0)
		return -VSM_ERR_HOST;
	if (to_count != 0)
		r = host_regs_set(vp, to, VSM_REGS_GPR, to_regs, to_count);
	if (r == 0 && rip != NULL) {
		left.value.low = *rip;
		r = host_regs_set(vp, from, VSM_REGS_GPR, &left, 1);
	}
	if (r != 0) {
		host_switch(vp, from, to, VSM_SWITCH_ABORT);
		return -VSM_ERR_HOST;
	}
	host_switch(vp, from, to, VSM_SWITCH_COMMIT);
	atomic_store_explicit(&vp->active_vtl, to, memory_order_release);
	/* The host raises it with this entry. */
	memset(&vp->vtl[to].pending_event, 0, sizeof(vp->vtl[to].pending_event));
	return R_SWITCHED;
}

static void tell_reason(struct vsm_vp *vp, uint32_t vtl, uint32_t reason)
{
	struct hv_vp_assist_page *page = assist_page(vp, vtl);

	if (page != NULL)
		__atomic_store_n(&page->vtl_control.entry_reason, reason, __ATOMIC_RELAXED);
}

int vtl_enter(struct vsm_vp *vp, uint32_t to, uint32_t reason, const uint64_t *rip)
{
	int r = switch_to(vp, to, rip, NULL, 0);

	if (r != R_SWITCHED)
		return r;
	tell_reason(vp, to, reason);
	stat_inc(reason == HV_VTL_ENTRY_VTL_CALL ? &vp->stats.vtl_calls : &vp->stats.vtl_entries);
	return R_SWITCHED;
}

static uint64_t rip_behind_trap(const struct hc *hc)
{
	uint64_t rip = hc->trap_rip + hc->trap_length;

	return (hc->regs.mode & VSM_CALLER_LONG) != 0 ? rip : (uint32_t)rip;
}

/* To a VTL that cannot be entered is as to one that is not there: the values of its context are the
 * guest's, and must not stop the VP. */
static int call_end(struct vsm_vp *vp, int r)
{
	return r == -VSM_ERR_INVAL ? exception_raise(vp, VECTOR_UD, &vp->hc.trap_rip) : r;
}

int vtl_call(struct vsm_vp *vp)
{
	uint64_t rip = rip_behind_trap(&vp->hc);
	int to = vtl_above(vp, vp_active(vp));

	if (to < 0)
		return exception_raise(vp, VECTOR_UD, &vp->hc.trap_rip);
	return call_end(vp, vtl_enter(vp, (uint32_t)to, HV_VTL_ENTRY_VTL_CALL, &rip));
}

/* TLFS 15.7.1: a normal return takes RAX and RCX from the assist page of the VTL that returns. */
static uint32_t return_registers(const struct vsm_vp *vp, struct vsm_reg *regs)
{
	static const uint32_t names[] = { HV_X64_REGISTER_RAX, HV_X64_REGISTER_RCX,
					  HV_X64_REGISTER_RDX };
	struct hv_vp_assist_page *page = assist_page(vp, vp_active(vp));
	uint64_t rax, rcx;

	if ((vp->hc.call.vtl_control & HV_VTL_RETURN_FAST) != 0 || page == NULL)
		return 0;
	/* Other VPs of this VTL may write the page: each word is read once. */
	rax = __atomic_load_n(&page->vtl_control.vtl_return_x64_rax, __ATOMIC_RELAXED);
	rcx = __atomic_load_n(&page->vtl_control.vtl_return_x64_rcx, __ATOMIC_RELAXED);
	if ((vp->hc.regs.mode & VSM_CALLER_LONG) != 0) {
		regs_name(regs, names, 2);
		regs[0].value.low = rax;
		regs[1].value.low = rcx;
		return 2;
	}
	regs_name(regs, names, 3); /* EAX, ECX and EDX lie packed in the same place. */
	regs[0].value.low = (uint32_t)rax;
	regs[1].value.low = rax >> 32;
	regs[2].value.low = (uint32_t)rcx;
	return 3;
}

int vtl_return(struct vsm_vp *vp)
{
	uint64_t rip = rip_behind_trap(&vp->hc);
	int to = vtl_below(vp, vp_active(vp));
	struct vsm_reg regs[3];
	uint32_t count;
	int r;

	if (to < 0)
		return exception_raise(vp, VECTOR_UD, &vp->hc.trap_rip);
	count = return_registers(vp, regs);
	r = call_end(vp, switch_to(vp, (uint32_t)to, &rip, regs, count));
	if (r != R_SWITCHED)
		return r;
	stat_inc(&vp->stats.vtl_returns);
	if (vp->message_pending != 0)
		intercept_reenter(vp); /* If the host fails now, vsm_vp_run_prepare() repeats it. */
	return R_SWITCHED;
}
