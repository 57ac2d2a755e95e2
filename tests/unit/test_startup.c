/* SPDX-License-Identifier: BSD-3-Clause */
/* HvCallStartVirtualProcessor and VPs that wait for it (TLFS 15.12, 15.15). */
#define _POSIX_C_SOURCE 200112L

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vsmtest.h"

#define VTL1	VSMTEST_VTL(1)
#define BLOCKED VSMTEST_VERDICT(VSM_VERDICT_BLOCKED)
#define DENY	HV_VSM_PARTITION_CONFIG_DENY_LOWER_VTL_STARTUP
#define CONFIG	0x3eull /* VsmPartitionConfig at first */

#define ROUNDS_ALL   4000u
#define ROUNDS_SHORT 200u

/* VP 0 runs in VTL0; those of `waiting` wait. Slots are indices. */
static struct vsmtest *machine(uint32_t vps, uint32_t max_vtl, uint32_t waiting)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	opts.vps = vps;
	opts.config.max_vps = 8;
	opts.config.max_vtl = max_vtl;
	opts.config.host_flags = VSM_HOST_STARTS_VPS;
	opts.waiting = waiting;
	t = vsmtest_new(&opts);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	return t;
}

static void input(struct hv_input_start_virtual_processor *in, uint32_t index, uint32_t vtl)
{
	memset(in, 0, sizeof(*in));
	in->target_partition_id = HV_PARTITION_ID_SELF;
	in->vp_index = index;
	in->target_vtl = (uint8_t)vtl;
	vsmtest_context64(&in->vp_context);
	in->vp_context.rip = 0xffffffff80005000ull;
	in->vp_context.cr3 = 0x77000;
}

static uint32_t call(struct vsmtest *t, uint32_t vp,
		     const struct hv_input_start_virtual_processor *in)
{
	return vsmtest_call_mem(t, vp, HVCALL_START_VIRTUAL_PROCESSOR, in, sizeof(*in));
}

static uint32_t start(struct vsmtest *t, uint32_t vp, uint32_t index, uint32_t vtl)
{
	struct hv_input_start_virtual_processor in;

	input(&in, index, vtl);
	return call(t, vp, &in);
}

/* It waits, whatever it is asked. */
static void waits(struct vsmtest *t, uint32_t vp)
{
	uint64_t value;

	ck_assert_int_eq(vsm_vp_runnable(t->vp[vp].vp), 0);
	assert_verdict(vsmtest_prepare(t, vp), VSM_VERDICT_BLOCKED);
	assert_err(vsmtest_rdmsr(t, vp, HV_X64_MSR_VP_INDEX, &value), -VSM_ERR_MISUSE);
}

static void climb(struct vsmtest *t, uint32_t vp)
{
	assert_status(vsmtest_enter_vtl1(t, vp), HV_STATUS_SUCCESS);
}

/* VP 0, in a VTL that may, enables a VTL on a VP. */
static void give_vtl(struct vsmtest *t, uint32_t index, uint32_t vtl)
{
	struct hv_initial_vp_context context;

	vsmtest_context64(&context);
	assert_status(vsmtest_enable_vp_vtl(t, 0, index, vtl, &context), HV_STATUS_SUCCESS);
}

/* VTL1 of VP 0 enables VTL1 on another VP. */
static void give_vtl1(struct vsmtest *t, uint32_t index)
{
	give_vtl(t, index, 1);
}

START_TEST(a_vp_waits_until_it_is_started_and_begins_where_it_was_told)
{
	struct vsmtest *t = machine(2, 1, 2);
	struct hv_input_start_virtual_processor in;
	uint32_t since;

	waits(t, 1);
	since = t->calls;
	ck_assert_uint_eq(t->vp[1].kicks, 0);
	input(&in, 1, 0);
	assert_status(call(t, 0, &in), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->vp[1].kicks, 1);
	/* Nothing of VP 1 was touched by the thread of VP 0. */
	for (uint32_t i = since; i != t->calls; i++)
		ck_assert(t->call[i % VSMTEST_MAX_CALLS].vp != 1 ||
			  t->call[i % VSMTEST_MAX_CALLS].op == VSMTEST_KICK);
	ck_assert_int_eq(vsm_vp_runnable(t->vp[1].vp), 1);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 0, HV_X64_REGISTER_RIP), in.vp_context.rip);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 0, HV_X64_REGISTER_RSP), in.vp_context.rsp);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 0, HV_X64_REGISTER_CR3), 0x77000);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 0, HV_X64_REGISTER_CR4), in.vp_context.cr4);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 0, HV_X64_REGISTER_PAT), in.vp_context.msr_cr_pat);
	ck_assert_mem_eq(vsmtest_slot(t, 1, 0, HV_X64_REGISTER_CS), &in.vp_context.cs, 16);
	ck_assert_mem_eq(vsmtest_slot(t, 1, 0, HV_X64_REGISTER_GDTR), &in.vp_context.gdtr, 16);
	/* It runs like any other from now on, and cannot be started again. */
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	assert_status(start(t, 0, 1, 0), HV_STATUS_INVALID_VP_STATE);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 0, HV_X64_REGISTER_CR3), 0x77000);
	vsmtest_free(t);
}
END_TEST

static uint32_t privilege(struct vsmtest *t)
{
	struct vsm_cpuid out = { 0, 0, 0, 0 };

	assert_err(vsm_cpuid_get(t->vsm, HV_CPUID_FEATURES, &out), 0);
	return (uint32_t)(((uint64_t)out.ebx << 32 & HV_PRIV_START_VIRTUAL_PROCESSOR) != 0);
}

START_TEST(it_is_offered_with_all_it_needs_or_not_at_all)
{
	for (uint32_t i = 0; i < 3; i++) {
		struct vsm_capabilities caps = { .size = sizeof(caps) };
		struct vsmtest_opts opts;
		struct vsmtest *t;
		uint64_t bit17;

		vsmtest_opts_init(&opts);
		opts.vps = 2;
		opts.config.host_flags = i != 1 ? VSM_HOST_STARTS_VPS : 0;
		opts.null_ops = i == 2 ? VSMTEST_BIT(VSMTEST_KICK) : 0;
		t = vsmtest_new(&opts);
		assert_err(vsm_capabilities_get(t->vsm, &caps), 0);
		ck_assert_uint_eq((caps.flags & VSM_CAP_STARTUP) != 0, i == 0);
		ck_assert_uint_eq(privilege(t), i == 0);
		assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
		assert_status(start(t, 0, 1, 0), i == 0 ? HV_STATUS_INVALID_VP_STATE :
							  HV_STATUS_INVALID_HYPERCALL_CODE);
		climb(t, 0);
		bit17 = vsmtest_value(t, 0, 0, HV_REGISTER_VSM_CAPABILITIES) >> 17 & 1;
		ck_assert_uint_eq(bit17, i == 0);
		assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, CONFIG | DENY),
			      i == 0 ? HV_STATUS_SUCCESS : HV_STATUS_INVALID_REGISTER_VALUE);
		ck_assert_uint_eq(vsmtest_value(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG),
				  i == 0 ? CONFIG | DENY : CONFIG);
		vsmtest_free(t);
	}
}
END_TEST

START_TEST(a_vp_that_nobody_could_start_is_not_created)
{
	struct vsm_vp_config config = {
		.size = sizeof(config), .index = 1, .apic_id = 1, .flags = VSM_VP_WAIT_FOR_STARTUP
	};
	struct vsmtest_opts opts;
	struct vsm_vp *vp = NULL;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	opts.config.max_vps = 2;
	t = vsmtest_new(&opts);
	t->may_allocate = 1;
	assert_err(vsm_vp_create(t->vsm, &config, &vp), -VSM_ERR_NOSUP);
	ck_assert(vsmtest_logged(t, "VSM_HOST_STARTS_VPS"));
	config.flags = 2;
	assert_err(vsm_vp_create(t->vsm, &config, &vp), -VSM_ERR_INVAL);
	config.flags = 0;
	config.reserved = 1;
	assert_err(vsm_vp_create(t->vsm, &config, &vp), -VSM_ERR_INVAL);
	ck_assert_ptr_null(vp);
	vsmtest_free(t);
}
END_TEST

/* All that can be wrong is wrong at first, and is mended one by one. */
START_TEST(refusals_come_in_the_order_of_the_call)
{
	struct vsmtest *t = machine(3, 1, 4);
	struct hv_input_start_virtual_processor in;

	climb(t, 0);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, CONFIG | DENY),
		      HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	input(&in, 0, 16);
	in.target_partition_id = 77;
	in.reserved[2] = 1;
	in.vp_context.rip = 1ull << 60;
	assert_status(call(t, 0, &in), HV_STATUS_INVALID_PARAMETER);
	in.target_vtl = 15;
	assert_status(call(t, 0, &in), HV_STATUS_INVALID_PARAMETER);
	in.reserved[2] = 0;
	assert_status(call(t, 0, &in), HV_STATUS_INVALID_PARTITION_ID);
	in.target_partition_id = 1;
	assert_status(call(t, 0, &in), HV_STATUS_INVALID_VP_INDEX);
	in.vp_index = HV_VP_INDEX_SELF;
	assert_status(call(t, 0, &in), HV_STATUS_INVALID_VP_INDEX);
	in.vp_index = 3;
	assert_status(call(t, 0, &in), HV_STATUS_INVALID_VP_INDEX);
	in.vp_index = 8;
	assert_status(call(t, 0, &in), HV_STATUS_INVALID_VP_INDEX);
	in.vp_index = 1; /* It runs. */
	assert_status(call(t, 0, &in), HV_STATUS_ACCESS_DENIED);
	in.target_vtl = 1; /* Not the caller's to give, nor is it enabled there. */
	assert_status(call(t, 0, &in), HV_STATUS_ACCESS_DENIED);
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	assert_status(call(t, 0, &in), HV_STATUS_INVALID_VP_STATE);
	in.target_vtl = 0;
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	assert_status(call(t, 0, &in), HV_STATUS_ACCESS_DENIED); /* DenyLowerVtlStartup */
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	assert_status(call(t, 0, &in), HV_STATUS_INVALID_VP_STATE);
	in.vp_index = 2;
	assert_status(call(t, 0, &in), HV_STATUS_INVALID_REGISTER_VALUE);
	waits(t, 2);
	ck_assert_uint_eq(t->vp[2].kicks, 0);
	in.vp_context.rip = 0x1000;
	assert_status(call(t, 0, &in), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_prepare(t, 2), VSM_VERDICT_RESUME);
	vsmtest_free(t);
}
END_TEST

/* States of the VP that is to be started. */
enum {
	WAITING,
	WAITING_WITH_VTL1,
	RUNNING,
	POSTED,
	STATES
};

static uint32_t expected(uint32_t caller, uint32_t target, uint32_t state, uint32_t deny)
{
	if (target > caller)
		return HV_STATUS_ACCESS_DENIED;
	if (target == 1 && state != WAITING_WITH_VTL1)
		return HV_STATUS_INVALID_VP_STATE;
	if (caller == 0 && deny)
		return HV_STATUS_ACCESS_DENIED;
	return state == RUNNING || state == POSTED ? HV_STATUS_INVALID_VP_STATE : HV_STATUS_SUCCESS;
}

static struct vsmtest *in_state(uint32_t state, uint32_t caller, uint32_t deny)
{
	struct vsmtest *t = machine(2, 1, state == RUNNING ? 0 : 2);

	climb(t, 0);
	if (state == WAITING_WITH_VTL1)
		give_vtl1(t, 1);
	if (state == POSTED)
		assert_status(start(t, 0, 1, 0), HV_STATUS_SUCCESS);
	if (deny)
		assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, CONFIG | DENY),
			      HV_STATUS_SUCCESS);
	if (caller == 0)
		assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	return t;
}

/* Caller × target × state × DenyLowerVtlStartup (case 24 of the hostile cases). */
START_TEST(case_24_callers_targets_and_states)
{
	uint32_t successes = 0, n = 0;

	for (uint32_t i = 0; i < 2 * 3 * STATES * 2; i++) {
		uint32_t caller = i % 2, target = i / 2 % 3, state = i / 6 % STATES;
		uint32_t deny = i / (6 * STATES), want, highest = state == WAITING_WITH_VTL1;
		struct vsmtest *t = in_state(state, caller, deny);
		uint64_t hash = vsmtest_hash(t);

		t->vp[1].kicks = 0;
		want = expected(caller, target, state, deny);
		assert_status(start(t, 0, 1, target), want);
		ck_assert_uint_eq(t->vp[1].kicks, want == HV_STATUS_SUCCESS);
		if (want != HV_STATUS_SUCCESS && state == WAITING)
			waits(t, 1);
		if (want == HV_STATUS_SUCCESS) {
			assert_verdict(vsmtest_prepare(t, 1),
				       highest ? VSM_VERDICT_SWITCHED : VSM_VERDICT_RESUME);
			ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[1].vp), highest);
			ck_assert_uint_eq(vsmtest_reg(t, 1, target, HV_X64_REGISTER_CR3), 0x77000);
			ck_assert(vsmtest_hash(t) != hash);
			successes++;
		}
		vsmtest_free(t);
		n++;
	}
	ck_assert_uint_eq(n, 48);
	ck_assert_uint_eq(successes, 8);
}
END_TEST

START_TEST(vtl0_is_started_but_vtl1_runs_first)
{
	struct vsmtest *t = machine(2, 1, 2);
	struct hv_initial_vp_context context;

	climb(t, 0);
	give_vtl1(t, 1);
	/* Its context may be loaded already; that starts nothing. */
	waits(t, 1);
	assert_status(start(t, 0, 1, 0), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[1].vp), 1);
	vsmtest_context64(&context);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 1, HV_X64_REGISTER_RIP), context.rip);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_vtl_return(t, 1, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 0, HV_X64_REGISTER_RIP), 0xffffffff80005000ull);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 0, HV_X64_REGISTER_CR3), 0x77000);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_start_in_vtl1_replaces_the_context_it_was_enabled_with)
{
	struct vsmtest *t = machine(2, 1, 2);
	uint64_t rip0 = vsmtest_reg(t, 1, 0, HV_X64_REGISTER_RIP);

	climb(t, 0);
	give_vtl1(t, 1);
	assert_status(start(t, 0, 1, 1), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[1].vp), 1);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 1, HV_X64_REGISTER_RIP), 0xffffffff80005000ull);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 1, HV_X64_REGISTER_CR3), 0x77000);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 0, HV_X64_REGISTER_RIP), rip0);
	vsmtest_free(t);
}
END_TEST

/* What other VPs set before it starts is there when it runs: registers, pages, VTLs. */
START_TEST(a_waiting_vp_serves_the_others)
{
	struct vsmtest *t = machine(2, 1, 2);
	struct hv_register_value value = { 0x1234000, 0 };

	climb(t, 0);
	give_vtl1(t, 1);
	assert_status(vsmtest_set_of(t, 0, 1, VSMTEST_VTL(0), HV_X64_REGISTER_LSTAR, value),
		      BLOCKED);
	ck_assert_int_eq(vsm_vp_runnable(t->vp[1].vp), 1);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_BLOCKED);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
	value.low = VSMTEST_SIMP_GPA(1, 1) | 1;
	assert_status(vsmtest_set_of(t, 0, 1, VTL1, HV_REGISTER_SIMP, value), HV_STATUS_SUCCESS);
	waits(t, 1);
	assert_status(start(t, 0, 1, 0), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 0, HV_X64_REGISTER_LSTAR), 0x1234000);
	ck_assert_uint_eq(vsmtest_value(t, 1, 0, HV_REGISTER_SIMP), VSMTEST_SIMP_GPA(1, 1) | 1);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_reset_makes_them_wait_again)
{
	struct vsmtest *t = machine(3, 1, 6);
	uint32_t round;

	for (round = 0; round < 3; round++) {
		waits(t, 1);
		waits(t, 2);
		assert_status(start(t, 0, 1, 0), HV_STATUS_SUCCESS);
		/* Once it runs, once the start is still on its way. */
		if (round != 1)
			assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
		assert_err(vsmtest_reset(t), 0);
		assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
		assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(a_host_that_cannot_load_the_context_leaves_the_vp_waiting)
{
	struct vsmtest *t = machine(2, 1, 2);
	uint64_t hash;
	uint32_t i;

	climb(t, 0);
	give_vtl1(t, 1);
	waits(t, 1);
	assert_status(start(t, 0, 1, 0), HV_STATUS_SUCCESS);
	hash = vsmtest_hash(t);
	for (i = 0; i < 3; i++) {
		vsmtest_fail_op(t, VSMTEST_REGS_SET, 1, 1, -VSM_ERR_HOST);
		assert_verdict(vsmtest_prepare(t, 1), -VSM_ERR_HOST);
		assert_same(t, hash);
		ck_assert_int_eq(vsm_vp_runnable(t->vp[1].vp), 1);
	}
	/* The context is loaded, but VTL1 cannot be entered. */
	vsmtest_fail_op(t, VSMTEST_SWITCH_VTL, 1, 1, -VSM_ERR_HOST);
	assert_verdict(vsmtest_prepare(t, 1), -VSM_ERR_HOST);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[1].vp), 0);
	ck_assert_int_eq(vsm_vp_runnable(t->vp[1].vp), 1);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 0, HV_X64_REGISTER_CR3), 0x77000);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_context_that_the_host_refuses_may_be_followed_by_another)
{
	struct vsmtest *t = machine(2, 1, 2);

	assert_status(start(t, 0, 1, 0), HV_STATUS_SUCCESS);
	vsmtest_fail_op(t, VSMTEST_REGS_SET, 1, 1, -VSM_ERR_INVAL);
	/* Not an error of the entry, by which the guest could stop the machine. */
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_BLOCKED);
	ck_assert_int_eq(vsmtest_logged(t, "cannot take the context that a VP was started with"),
			 1);
	waits(t, 1);
	assert_status(start(t, 0, 1, 0), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	vsmtest_free(t);
}
END_TEST

/* Nor is a VP started while the host refuses the context of a VTL that it would enter. */
START_TEST(a_start_waits_for_vtls_whose_context_the_host_refuses)
{
	struct vsmtest *t = machine(2, 1, 2);

	climb(t, 0);
	t->refused_reg = HV_X64_REGISTER_CR3;
	give_vtl1(t, 1);
	waits(t, 1);
	assert_status(start(t, 0, 1, 1), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_BLOCKED);
	waits(t, 1);
	t->refused_reg = ~0u;
	assert_status(start(t, 0, 1, 1), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_SWITCHED);
	vsmtest_free(t);
}
END_TEST

/* The result could not be written: the call was not made, and is made again. */
START_TEST(a_call_without_its_result_starts_nothing)
{
	struct vsmtest *t = machine(2, 1, 2);
	uint64_t hash = vsmtest_hash(t);

	vsmtest_fail_op(t, VSMTEST_REGS_SET, 1, 1, -VSM_ERR_HOST);
	assert_status(start(t, 0, 1, 0), VSMTEST_VERDICT(-VSM_ERR_HOST));
	ck_assert_uint_eq(t->vp[1].kicks, 0);
	ck_assert(hash != 0);
	waits(t, 1);
	assert_verdict(vsmtest_again(t, 0), VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	vsmtest_free(t);
}
END_TEST

/* Every op of the call and of the load fails at each call in several ways, and then no more. */
static const int32_t kinds[] = { -VSM_ERR_HOST, -VSM_ERR_NOMEM, -VSM_ERR_INVAL, 0x7eadbeef };

static struct vsmtest *before_start(uint32_t vtl)
{
	struct vsmtest *t = machine(2, 1, 2);

	climb(t, 0);
	give_vtl1(t, 1);
	waits(t, 1);
	if (vtl == 0)
		assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	return t;
}

/* @return 0 if there are fewer calls than n. */
static int failing_call(uint32_t vtl, uint32_t n, int32_t kind)
{
	struct vsmtest *t = before_start(vtl);
	uint32_t hit;

	t->fault_result = kind;
	t->fault_any = t->failable + n;
	assert_status(start(t, 0, 1, vtl),
		      t->faults_hit ? VSMTEST_VERDICT(-VSM_ERR_HOST) : HV_STATUS_SUCCESS);
	t->fault_any = 0;
	hit = t->faults_hit;
	if (hit) {
		ck_assert_uint_eq(t->vp[1].kicks, 1); /* Of EnableVpVtl. */
		waits(t, 1);
		assert_verdict(vsmtest_again(t, 0), VSM_VERDICT_RESUME);
		assert_status(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
	}
	ck_assert_uint_eq(t->vp[1].kicks, 2);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_reg(t, 1, vtl, HV_X64_REGISTER_CR3), 0x77000);
	vsmtest_free(t);
	return hit != 0;
}

static int failing_load(uint32_t vtl, uint32_t n, int32_t kind)
{
	struct vsmtest *t = before_start(vtl);
	uint32_t hit;
	int verdict;

	assert_status(start(t, 0, 1, vtl), HV_STATUS_SUCCESS);
	t->fault_result = kind;
	t->fault_any = t->failable + n;
	verdict = vsmtest_prepare(t, 1);
	t->fault_any = 0;
	hit = t->faults_hit;
	if (hit) {
		/* What the host refused will not do better: the guest may name another context. */
		int blocked = !vsm_vp_runnable(t->vp[1].vp);

		assert_verdict(verdict, blocked ? VSM_VERDICT_BLOCKED : -VSM_ERR_HOST);
		ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[1].vp), 0);
		if (blocked) {
			ck_assert_int_eq(kind, -VSM_ERR_INVAL);
			assert_status(start(t, 0, 1, vtl), HV_STATUS_SUCCESS);
		}
		verdict = vsmtest_prepare(t, 1);
	}
	assert_verdict(verdict, VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_reg(t, 1, vtl, HV_X64_REGISTER_CR3), 0x77000);
	vsmtest_free(t);
	return hit != 0;
}

START_TEST(every_op_of_a_start_fails_once)
{
	uint32_t points = 0;

	for (uint32_t i = 0; i < 2 * VSMTEST_COUNT(kinds); i++) {
		uint32_t n;

		for (n = 1; n < 50 && failing_call(i % 2, n, kinds[i / 2]); n++)
			points++;
		ck_assert_uint_gt(n, 2); /* Registers, input, result. */
		for (n = 1; n < 50 && failing_load(i % 2, n, kinds[i / 2]); n++)
			points++;
		ck_assert_uint_gt(n, 2); /* Context, switch. */
		ck_assert_uint_lt(n, 50);
	}
	printf("# %u points\n", points);
}
END_TEST

/* Two VPs start a third one at once. */
struct racer {
	struct vsmtest *t;
	pthread_barrier_t *gate;
	uint32_t vp;
	uint32_t status;
};

static void *race(void *opaque)
{
	struct racer *racer = opaque;

	pthread_barrier_wait(racer->gate);
	racer->status = start(racer->t, racer->vp, 2, 0);
	return NULL;
}

START_TEST(of_two_starts_at_once_one_succeeds)
{
	uint32_t rounds = getenv("VSM_TEST_ALL") ? ROUNDS_ALL : ROUNDS_SHORT;
	struct vsmtest *t = machine(3, 1, 4);
	uint32_t first = 0;

	t->threads = 1;
	for (uint32_t i = 0; i < rounds; i++) {
		struct racer racers[2];
		pthread_t threads[2];
		pthread_barrier_t gate;
		uint32_t winner;

		if (i != 0) {
			assert_err(vsmtest_reset(t), 0);
			assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
		}
		pthread_barrier_init(&gate, NULL, 2);
		for (uint32_t k = 0; k < 2; k++) {
			racers[k] = (struct racer){ t, &gate, k, 0 };
			pthread_create(&threads[k], NULL, race, &racers[k]);
		}
		for (uint32_t k = 0; k < 2; k++)
			pthread_join(threads[k], NULL);
		pthread_barrier_destroy(&gate);
		winner = racers[0].status == HV_STATUS_SUCCESS ? 0 : 1;
		assert_status(racers[winner].status, HV_STATUS_SUCCESS);
		assert_status(racers[1 - winner].status, HV_STATUS_INVALID_VP_STATE);
		first += 1 - winner;
		assert_verdict(vsmtest_prepare(t, 2), VSM_VERDICT_RESUME);
		ck_assert_uint_eq(vsmtest_reg(t, 2, 0, HV_X64_REGISTER_CR3), 0x77000);
	}
	printf("# %u rounds, VP 0 was first in %u\n", rounds, first);
	vsmtest_free(t);
}
END_TEST

/* What VP 0 does in VTL2 while VP 1 loads the context of its VTL2. */
static void *enable_and_start(void *opaque)
{
	struct vsmtest *t = opaque;

	give_vtl(t, 1, 1);
	assert_status(start(t, 0, 1, 1), HV_STATUS_SUCCESS);
	return NULL;
}

static void beside_the_load(struct vsmtest *t, enum vsmtest_op op, uint32_t slot)
{
	pthread_t thread;

	if (op != VSMTEST_REGS_SET || slot != 1)
		return;
	t->hook = NULL;
	ck_assert_int_eq(pthread_create(&thread, NULL, enable_and_start, t), 0);
	pthread_join(thread, NULL);
}

/* The VTL is enabled and the VP started in it when its thread has just looked for contexts: the one
 * of the start counts, also when the VTL is entered later. */
START_TEST(a_start_is_not_undone_by_the_context_it_came_with)
{
	struct vsmtest *t = machine(2, 2, 2);

	climb(t, 0);
	assert_status(vsmtest_enable_partition_vtl(t, 0, 2), HV_STATUS_SUCCESS);
	give_vtl(t, 0, 2);
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	give_vtl(t, 1, 2);
	t->threads = 1;
	t->hook = beside_the_load;
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_SWITCHED);
	ck_assert(t->hook == NULL);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[1].vp), 2);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 1, HV_X64_REGISTER_CR3), 0x77000);
	assert_verdict(vsmtest_vtl_return(t, 1, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[1].vp), 1);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 1, HV_X64_REGISTER_RIP), 0xffffffff80005000ull);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 1, HV_X64_REGISTER_CR3), 0x77000);
	vsmtest_free(t);
}
END_TEST

static void *start_in_vtl1(void *opaque)
{
	assert_status(start(opaque, 2, 1, 1), HV_STATUS_SUCCESS);
	return NULL;
}

/* VP 0 cannot be given the result of its EnableVpVtl; VP 2 has used that VTL already. */
static void beside_the_result(struct vsmtest *t, enum vsmtest_op op, uint32_t slot)
{
	pthread_t thread;

	if (op != VSMTEST_REGS_SET || slot != 0)
		return;
	t->hook = NULL;
	ck_assert_int_eq(pthread_create(&thread, NULL, start_in_vtl1, t), 0);
	pthread_join(thread, NULL);
}

START_TEST(a_start_in_a_vtl_that_was_taken_back_is_none)
{
	struct vsmtest *t = machine(3, 1, 2);
	struct hv_initial_vp_context context;

	climb(t, 0);
	give_vtl(t, 2, 1);
	assert_verdict(vsmtest_prepare(t, 2), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_vtl_call(t, 2), VSM_VERDICT_SWITCHED);
	vsmtest_context64(&context);
	t->threads = 1;
	vsmtest_fail_op(t, VSMTEST_REGS_SET, 1, 1, -VSM_ERR_HOST);
	t->hook = beside_the_result;
	assert_status(vsmtest_enable_vp_vtl(t, 0, 1, 1, &context), VSMTEST_VERDICT(-VSM_ERR_HOST));
	ck_assert(t->hook == NULL);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_BLOCKED);
	ck_assert(vsmtest_logged(t, "not enabled on it any more"));
	waits(t, 1);
	/* All of it once more. */
	give_vtl(t, 1, 1);
	assert_status(start(t, 2, 1, 1), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 1, HV_X64_REGISTER_CR3), 0x77000);
	vsmtest_free(t);
}
END_TEST

/* VP 1 within the load of a context, until it is let go on. */
struct loader {
	pthread_barrier_t gate;
	pthread_t thread;
	uint32_t started;
	int verdict;
};

static void *load_context(void *opaque)
{
	struct vsmtest *t = opaque;
	struct loader *loader = t->hook_arg;

	loader->verdict = vsmtest_prepare(t, 1);
	return NULL;
}

/* The result of VP 0 gets lost when VP 1 is in the middle of it. */
static void within_the_load(struct vsmtest *t, enum vsmtest_op op, uint32_t slot)
{
	struct loader *loader = t->hook_arg;

	if (op != VSMTEST_REGS_SET)
		return;
	if (slot == 0 && loader->started++ == 0) {
		ck_assert_int_eq(pthread_create(&loader->thread, NULL, load_context, t), 0);
		pthread_barrier_wait(&loader->gate);
	} else if (slot == 1) {
		t->hook = NULL;
		pthread_barrier_wait(&loader->gate);
		pthread_barrier_wait(&loader->gate);
	}
}

START_TEST(a_context_that_was_taken_back_is_not_taken_for_the_next)
{
	struct vsmtest *t = machine(2, 1, 2);
	struct hv_initial_vp_context context;
	struct loader loader = { .started = 0, .verdict = 99 };

	climb(t, 0);
	vsmtest_context64(&context);
	context.cr3 = 0x55000;
	t->threads = 1;
	t->hook_arg = &loader;
	pthread_barrier_init(&loader.gate, NULL, 2);
	vsmtest_fail_op(t, VSMTEST_REGS_SET, 1, 1, -VSM_ERR_HOST);
	t->hook = within_the_load;
	assert_status(vsmtest_enable_vp_vtl(t, 0, 1, 1, &context), VSMTEST_VERDICT(-VSM_ERR_HOST));
	context.cr3 = 0x66000;
	assert_status(vsmtest_enable_vp_vtl(t, 0, 1, 1, &context), HV_STATUS_SUCCESS);
	pthread_barrier_wait(&loader.gate);
	pthread_join(loader.thread, NULL);
	pthread_barrier_destroy(&loader.gate);
	assert_verdict(loader.verdict, -VSM_ERR_HOST);
	waits(t, 1);
	assert_status(start(t, 0, 1, 0), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 1, HV_X64_REGISTER_CR3), 0x66000);
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(a_vp_waits_until_it_is_started_and_begins_where_it_was_told),
	VSMTEST_CASE(it_is_offered_with_all_it_needs_or_not_at_all),
	VSMTEST_CASE(a_vp_that_nobody_could_start_is_not_created),
	VSMTEST_CASE(refusals_come_in_the_order_of_the_call),
	VSMTEST_CASE(case_24_callers_targets_and_states),
	VSMTEST_CASE(vtl0_is_started_but_vtl1_runs_first),
	VSMTEST_CASE(a_start_in_vtl1_replaces_the_context_it_was_enabled_with),
	VSMTEST_CASE(a_waiting_vp_serves_the_others),
	VSMTEST_CASE(a_reset_makes_them_wait_again),
	VSMTEST_CASE(a_host_that_cannot_load_the_context_leaves_the_vp_waiting),
	VSMTEST_CASE(a_context_that_the_host_refuses_may_be_followed_by_another),
	VSMTEST_CASE(a_start_waits_for_vtls_whose_context_the_host_refuses),
	VSMTEST_CASE(a_call_without_its_result_starts_nothing),
	VSMTEST_CASE(every_op_of_a_start_fails_once),
	VSMTEST_CASE(of_two_starts_at_once_one_succeeds),
	VSMTEST_CASE(a_start_is_not_undone_by_the_context_it_came_with),
	VSMTEST_CASE(a_start_in_a_vtl_that_was_taken_back_is_none),
	VSMTEST_CASE(a_context_that_was_taken_back_is_not_taken_for_the_next),
};

int main(void)
{
	return vsmtest_main("startup", cases, VSMTEST_COUNT(cases));
}
