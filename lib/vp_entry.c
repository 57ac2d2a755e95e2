/* SPDX-License-Identifier: BSD-3-Clause */
/* The entries of vsm/vp.h: one per kind of exit, and the one before the VP runs. */
#include <string.h>

#include "context.h"
#include "cpuid.h"
#include "exception.h"
#include "gpa_access.h"
#include "host.h"
#include "hypercall.h"
#include "intercept.h"
#include "msr.h"
#include "ops.h"
#include "startup.h"
#include "thread.h"
#include "vp_entry.h"

#define CR4_SMEP 0x100000ULL

static int leave(struct vsm_vp *vp, int result)
{
	atomic_store_explicit(&vp->busy, 0, memory_order_release);
	return result;
}

static int refuse_busy(struct vsm_vp *vp, const char *who)
{
	log_misuse(vp->vsm, who, "the VP is in another entry");
	return -VSM_ERR_MISUSE;
}

/*
 * One entry at a time per VP, and none from within its own host ops. The thread comes before
 * `busy`: one that may not enter never holds it, and so is in nobody's way. The first look at
 * `busy` keeps an entry that is refused, as during a reset, from taking the VP.
 */
static int enter(struct vsm_vp *vp, const char *who)
{
	uint64_t self;
	int r = thread_check(vp, who, &self);

	if (r != 0)
		return r;
	if (atomic_load_explicit(&vp->busy, memory_order_relaxed) != 0)
		return refuse_busy(vp, who);
	r = thread_bind(vp, who, self);
	if (r != 0)
		return r;
	if (atomic_exchange_explicit(&vp->busy, 1, memory_order_acquire) != 0)
		return refuse_busy(vp, who);
	vp->has_exception = 0;
	return 0;
}

/* An exit can only come from a VP that ran. */
static int enter_exit(struct vsm_vp *vp, const char *who)
{
	int r = enter(vp, who);

	if (r != 0)
		return r;
	if (atomic_load_explicit(&vp->wait, memory_order_relaxed) == WAIT_NONE)
		return 0;
	log_misuse(vp->vsm, who, "the VP is blocked: call vsm_vp_run_prepare() first");
	return leave(vp, -VSM_ERR_MISUSE);
}

int entry_begin(struct vsm_vp *vp, const char *who)
{
	return enter_exit(vp, who);
}

int entry_end(struct vsm_vp *vp, int result)
{
	return leave(vp, result);
}

int vsm_vp_hypercall(struct vsm_vp *vp, uint64_t trap_rip, uint32_t trap_length)
{
	int r;

	if (vp == NULL)
		return -VSM_ERR_INVAL;
	if (trap_length == 0 || trap_length > 15) {
		log_misuse(vp->vsm, "vsm_vp_hypercall", "trap_length is not in 1..15");
		return -VSM_ERR_INVAL;
	}
	r = enter_exit(vp, "vsm_vp_hypercall");
	return r != 0 ? r : leave(vp, hypercall_run(vp, trap_rip, trap_length));
}

static int is_synthetic(uint32_t msr)
{
	return msr >= MSR_FIRST && msr <= MSR_LAST;
}

/* A refused MSR access is #GP; RIP stands at the instruction already. */
static int msr_verdict(struct vsm_vp *vp, int r)
{
	if (r == HV_STATUS_SUCCESS)
		return VSM_VERDICT_RESUME;
	if (r < 0)
		return r;
	exception_raise(vp, VECTOR_GP, NULL);
	return VSM_VERDICT_EXCEPTION;
}

int vsm_vp_rdmsr(struct vsm_vp *vp, uint32_t msr, uint64_t *value)
{
	int r;

	if (vp == NULL)
		return -VSM_ERR_INVAL;
	if (value == NULL) {
		log_misuse(vp->vsm, "vsm_vp_rdmsr", "value is NULL");
		return -VSM_ERR_INVAL;
	}
	r = enter_exit(vp, "vsm_vp_rdmsr");
	if (r != 0)
		return r;
	if (!is_synthetic(msr))
		return leave(vp, VSM_VERDICT_NOT_MINE);
	return leave(vp, msr_verdict(vp, msr_read(vp, msr, value)));
}

static int write_msr(struct vsm_vp *vp, uint32_t msr, uint64_t value)
{
	int r = msr_write(vp, msr, value);

	if (r != R_BLOCKED && r != R_BUSY)
		return msr_verdict(vp, r);
	if (r == R_BUSY && vp->vsm->ops.kick == NULL)
		return VSM_VERDICT_RETRY; /* The other VP is in an entry: no kick tells its end. */
	vp->wait_msr = msr;
	vp->wait_value = value;
	atomic_store(&vp->wait, r == R_BUSY ? WAIT_OWNER_MSR : WAIT_OP_MSR);
	return VSM_VERDICT_BLOCKED;
}

int vsm_vp_wrmsr(struct vsm_vp *vp, uint32_t msr, uint64_t value)
{
	int r;

	if (vp == NULL)
		return -VSM_ERR_INVAL;
	r = enter_exit(vp, "vsm_vp_wrmsr");
	if (r != 0)
		return r;
	if (!is_synthetic(msr))
		return leave(vp, VSM_VERDICT_NOT_MINE);
	return leave(vp, write_msr(vp, msr, value));
}

int vsm_vp_cpuid(struct vsm_vp *vp, uint32_t leaf, uint32_t subleaf, struct vsm_cpuid *out)
{
	int r;

	(void)subleaf; /* No leaf of this range has subleaves. */
	if (vp == NULL)
		return -VSM_ERR_INVAL;
	if (out == NULL) {
		log_misuse(vp->vsm, "vsm_vp_cpuid", "out is NULL");
		return -VSM_ERR_INVAL;
	}
	r = enter_exit(vp, "vsm_vp_cpuid");
	if (r != 0)
		return r;
	if (leaf < HV_CPUID_MIN || leaf > CPUID_LAST)
		return leave(vp, VSM_VERDICT_NOT_MINE);
	cpuid_leaf(vp->vsm, leaf, out);
	return leave(vp, VSM_VERDICT_RESUME);
}

/* What is wrong with it, for the log; NULL: nothing. */
static const char *fault_bad(const struct vsm_memory_fault *fault)
{
	if (fault->size != sizeof(*fault))
		return "fault.size is wrong";
	if (fault->access > HV_INTERCEPT_ACCESS_EXECUTE)
		return "fault.access is no access type";
	if (fault->user > 1)
		return "fault.user is neither 0 nor 1";
	if (fault->instruction_length > 15)
		return "fault.instruction_length is above 15";
	if (fault->instruction_byte_count > sizeof(fault->instruction_bytes))
		return "fault.instruction_byte_count is above 16";
	if ((fault->flags & ~(VSM_FAULT_GVA_VALID | VSM_FAULT_FINAL)) != 0)
		return "fault.flags has unknown bits";
	return NULL;
}

static uint32_t fault_access(const struct vsm_memory_fault *fault)
{
	if (fault->access == HV_INTERCEPT_ACCESS_READ)
		return VSM_ACCESS_READ;
	if (fault->access == HV_INTERCEPT_ACCESS_WRITE)
		return VSM_ACCESS_WRITE;
	return VSM_ACCESS_EXECUTE | (fault->user ? VSM_ACCESS_USER : 0);
}

/* TLFS 15.9.2: what a user-mode fetch needs depends on the guest's use of SMEP. */
static int fault_smep(struct vsm_vp *vp, uint32_t *access)
{
	struct vsm_reg cr4 = { .name = HV_X64_REGISTER_CR4 };

	if ((*access & VSM_ACCESS_USER) == 0 || !vsm_vp_mbec(vp, vp_active(vp)) ||
	    (vp->vsm->config.cr4_mask & CR4_SMEP) == 0)
		return 0;
	if (host_regs_get(vp, vp_active(vp), VSM_REGS_CONTROL, &cr4, 1) != 0)
		return -VSM_ERR_HOST;
	if ((cr4.value.low & CR4_SMEP) == 0)
		*access |= VSM_ACCESS_NO_SMEP;
	return 0;
}

/* TLFS 8.8: an overlay has rights of its own; 3.13: of the hypercall page a write is #GP. */
static int overlay_denied(struct vsm_vp *vp, uint32_t access, uint32_t slot)
{
	exception_raise(
		vp, access == VSM_ACCESS_WRITE && slot == OVERLAY_HYPERCALL ? VECTOR_GP : VECTOR_MC,
		NULL);
	return VSM_VERDICT_EXCEPTION;
}

static int memory_fault(struct vsm_vp *vp, const struct vsm_memory_fault *fault)
{
	uint32_t access = fault_access(fault);
	struct gpa_judgement judgement;
	int r = fault_smep(vp, &access);

	if (r != 0)
		return r;
	gpa_judge(vp->vsm, vp->index, vp_active(vp), fault->gpa, access, &judgement);
	if (judgement.result == -VSM_ERR_RANGE)
		return VSM_VERDICT_NOT_MINE;
	if (judgement.result == 0) {
		stat_inc(&vp->stats.faults_retried);
		return VSM_VERDICT_RETRY;
	}
	if (judgement.is_overlay)
		return overlay_denied(vp, access, judgement.slot);
	r = intercept_memory(vp, judgement.vtl, fault, NULL);
	if (r == R_SWITCHED)
		return VSM_VERDICT_SWITCHED;
	return r == R_EXCEPTION ? VSM_VERDICT_EXCEPTION : r;
}

int vsm_vp_memory_fault(struct vsm_vp *vp, const struct vsm_memory_fault *fault)
{
	const char *bad;
	int r;

	if (vp == NULL)
		return -VSM_ERR_INVAL;
	if (fault == NULL) {
		log_misuse(vp->vsm, "vsm_vp_memory_fault", "fault is NULL");
		return -VSM_ERR_INVAL;
	}
	bad = fault_bad(fault);
	if (bad != NULL) {
		log_misuse(vp->vsm, "vsm_vp_memory_fault", bad);
		return -VSM_ERR_INVAL;
	}
	r = enter_exit(vp, "vsm_vp_memory_fault");
	return r != 0 ? r : leave(vp, memory_fault(vp, fault));
}

/* The exit for which the VP waited. */
static int resume_wait(struct vsm_vp *vp)
{
	int r;

	switch (atomic_load(&vp->wait)) {
	case WAIT_OP:
		return hypercall_resume(vp, deferred_poll(vp));
	case WAIT_OP_MSR:
		r = deferred_poll(vp);
		if (r == R_BLOCKED)
			return VSM_VERDICT_BLOCKED;
		atomic_store(&vp->wait, WAIT_NONE);
		return msr_verdict(vp, r);
	case WAIT_POST:
		if (atomic_load(&vp->post.state) != POST_DONE)
			return VSM_VERDICT_BLOCKED;
		atomic_store(&vp->post.state, POST_IDLE);
		atomic_store(&vp->wait, WAIT_NONE);
		return hypercall_conclude(vp, vp->post.result);
	case WAIT_OWNER:
		if (atomic_load(&vp->op_wait) != 0)
			return VSM_VERDICT_BLOCKED;
		atomic_store(&vp->wait, WAIT_NONE);
		return VSM_VERDICT_RETRY;
	case WAIT_OWNER_MSR:
		if (atomic_load(&vp->op_wait) != 0)
			return VSM_VERDICT_BLOCKED;
		atomic_store(&vp->wait, WAIT_NONE);
		return write_msr(vp, vp->wait_msr, vp->wait_value);
	case WAIT_STARTUP:
		return startup_run(vp);
	default:
		return VSM_VERDICT_RESUME;
	}
}

static int run_prepare(struct vsm_vp *vp)
{
	int verdict, r;

	post_drain(vp);
	r = context_apply_all(vp);
	/* What the host refuses waits on: its VTL cannot be entered, and the others can run. */
	if (r == -VSM_ERR_INVAL)
		log_line(vp->vsm, LOG_STARTUP, VSM_LOG_ERROR,
			 "the host cannot take the context that a VTL was enabled with");
	else if (r != 0)
		return -VSM_ERR_HOST;
	verdict = resume_wait(vp);
	if (verdict != VSM_VERDICT_RESUME || vp->message_pending == 0)
		return verdict;
	/* A message may have become deliverable, or its re-entry failed before. */
	for (uint32_t vtl = 1; vtl < vp->vsm->vtl_count; vtl++)
		intercept_rescan(vp, vtl);
	if ((vp->message_pending >> (vp_active(vp) + 1)) == 0)
		return verdict;
	return intercept_reenter(vp) < 0 ? -VSM_ERR_HOST : VSM_VERDICT_SWITCHED;
}

int vsm_vp_run_prepare(struct vsm_vp *vp)
{
	int r;

	if (vp == NULL)
		return -VSM_ERR_INVAL;
	r = enter(vp, "vsm_vp_run_prepare");
	return r != 0 ? r : leave(vp, run_prepare(vp));
}

int vsm_vp_runnable(const struct vsm_vp *vp)
{
	if (vp == NULL)
		return 0;
	if (atomic_load(&vp->inbox) != NULL)
		return 1;
	switch (atomic_load(&vp->wait)) {
	case WAIT_OP:
	case WAIT_OP_MSR:
		return atomic_load(&vp->deferred.state) == DEFERRED_DONE;
	case WAIT_POST:
		return atomic_load(&vp->post.state) == POST_DONE;
	case WAIT_OWNER:
	case WAIT_OWNER_MSR:
		return atomic_load(&vp->op_wait) == 0;
	case WAIT_STARTUP:
		return startup_due(vp);
	default:
		return 1;
	}
}
