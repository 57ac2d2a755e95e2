/* SPDX-License-Identifier: BSD-3-Clause */
/* vsm_vtl_state_save() and vsm_vtl_state_load(): private state of a VTL out and in. */
#include <string.h>

#include "vsmtest.h"
#include "vsmtest_internal.h"

#define VTL0 VSMTEST_VTL(0)

/* The fake host's VTL0 starts with limits in TR and LDTR that no processor would have. */
static void legal_segments(struct vsmtest *t, uint32_t vtl)
{
	struct hv_segment_register tr = { 0, 0x67, 0x40, 0x8b }, ldtr = { 0, 0, 0, 0 };

	memcpy(vsmtest_slot(t, 0, vtl, HV_X64_REGISTER_TR), &tr, sizeof(tr));
	memcpy(vsmtest_slot(t, 0, vtl, HV_X64_REGISTER_LDTR), &ldtr, sizeof(ldtr));
}

static struct vsmtest *in_vtl1(void)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	legal_segments(t, 0);
	return t;
}

/* Entries of the VP's thread, watched by the oracles of the fake host. */
static void watch(struct vsmtest *t, uint32_t slot)
{
	struct vsmtest_entry *entry = vsmtest_entry();

	entry->t = t;
	entry->vp = slot;
	entry->reads = 0;
	entry->before = vsm_vp_active_vtl(t->vp[slot].vp);
}

static int unwatch(struct vsmtest *t, int result)
{
	vsmtest_entry()->t = NULL;
	vsmtest_report(t);
	return result;
}

static int save(struct vsmtest *t, uint32_t vtl, struct vsm_private_state *state)
{
	watch(t, 0);
	return unwatch(t, vsm_vtl_state_save(t->vp[0].vp, vtl, state));
}

static int load(struct vsmtest *t, uint32_t vtl, const struct vsm_private_state *state)
{
	watch(t, 0);
	return unwatch(t, vsm_vtl_state_load(t->vp[0].vp, vtl, state));
}

static struct vsm_private_state saved(struct vsmtest *t, uint32_t vtl)
{
	struct vsm_private_state state;

	memset(&state, 0x5a, sizeof(state));
	assert_err(save(t, vtl, &state), 0);
	return state;
}

static uint64_t low_of(const struct vsm_private_state *state, uint32_t name)
{
	struct hv_register_value value = { 0, 0 };

	assert_err(vsm_private_state_get(state, name, &value), 0);
	return value.low;
}

/* Past vsm_private_state_set(), which would refuse some of what load has to refuse. */
static void put(struct vsm_private_state *state, uint32_t name, uint64_t low)
{
	uint32_t i;

	for (i = 0; i < state->count; i++) {
		if (state->regs[i].name != name)
			continue;
		state->regs[i].value.low = low;
		return;
	}
	ck_abort_msg("%s is not in it", vsm_register_name(name));
}

START_TEST(save_gives_what_the_host_has)
{
	struct vsmtest *t = in_vtl1();
	uint32_t vtl, i, n;

	for (vtl = 0; vtl < 2; vtl++) {
		struct vsm_private_state state = saved(t, vtl);

		for (i = 0, n = 0; i < t->rows; i++) {
			const struct vsm_register_info *row = &t->row[i];
			struct hv_register_value value;

			if (row->owner != VSM_OWNER_HOST || row->group == 0 ||
			    vsm_private_state_get(&state, row->name, &value) != 0)
				continue;
			ck_assert_msg(!memcmp(vsmtest_slot(t, 0, vtl, row->name), &value,
					      sizeof(value)),
				      "%s of VTL%u", row->text, vtl);
			n++;
		}
		ck_assert_uint_ge(n, 38);
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(save_gives_what_the_library_has)
{
	struct vsmtest *t = in_vtl1();
	struct vsm_private_state one, zero;

	assert_verdict(vsmtest_synic_on(t, 0), VSM_VERDICT_RESUME);
	one = saved(t, 1);
	zero = saved(t, 0);
	ck_assert_uint_eq(low_of(&one, HV_REGISTER_VP_ASSIST_PAGE), VSMTEST_ASSIST_GPA(0, 1) | 1);
	ck_assert_uint_eq(low_of(&one, HV_REGISTER_SIMP), VSMTEST_SIMP_GPA(0, 1) | 1);
	ck_assert_uint_eq(low_of(&zero, HV_REGISTER_HYPERCALL), VSMTEST_HC_GPA(0) | 1);
	ck_assert_uint_ne(low_of(&zero, HV_REGISTER_GUEST_OS_ID), 0);
	ck_assert_uint_eq(low_of(&one, HV_REGISTER_VSM_PARTITION_CONFIG), 0x3e);
	ck_assert_uint_eq(low_of(&one, HV_REGISTER_SINT15), 0x10000);
	vsmtest_free(t);
}
END_TEST

START_TEST(save_asks_in_few_batches)
{
	struct vsmtest *t = in_vtl1();
	uint32_t since = t->calls;

	saved(t, 0);
	/* GPRs, segments and control registers; MSRs; debug registers; events. */
	ck_assert_uint_eq(vsmtest_calls_since(t, since, VSMTEST_REGS_GET), 4);
	ck_assert_uint_eq(t->calls - since, 4);
	vsmtest_free(t);
}
END_TEST

START_TEST(save_changes_nothing)
{
	struct vsmtest *t = in_vtl1();
	uint64_t before = vsmtest_hash(t);

	saved(t, 0);
	saved(t, 1);
	assert_same(t, before);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_vtl_that_was_never_entered_is_saved_with_its_first_context)
{
	struct vsmtest *t = vsmtest_new(NULL);
	struct hv_initial_vp_context context;
	struct vsm_private_state state;

	assert_status(vsmtest_enable_vtl1(t, 0), HV_STATUS_SUCCESS);
	vsmtest_context64(&context);
	state = saved(t, 1);
	ck_assert_uint_eq(low_of(&state, HV_X64_REGISTER_RIP), context.rip);
	ck_assert_uint_eq(low_of(&state, HV_X64_REGISTER_CR3), context.cr3);
	ck_assert_uint_eq(low_of(&state, HV_X64_REGISTER_DR7), 0x400);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_register_that_the_host_lacks_stays_at_its_reset_value)
{
	struct vsmtest *t = in_vtl1();
	struct vsm_private_state state;

	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_XSS, 0x800);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_LSTAR, 0x8000);
	t->missing_reg = HV_X64_REGISTER_XSS;
	state = saved(t, 0);
	ck_assert_uint_eq(low_of(&state, HV_X64_REGISTER_XSS), 0);
	ck_assert_uint_eq(low_of(&state, HV_X64_REGISTER_LSTAR), 0x8000);
	/* The same state comes back, but not one that has that register. */
	assert_err(load(t, 0, &state), 0);
	put(&state, HV_X64_REGISTER_XSS, 0x800);
	assert_err(load(t, 0, &state), -VSM_ERR_NOSUP);
	vsmtest_free(t);
}
END_TEST

START_TEST(save_refuses_bad_arguments)
{
	struct vsmtest *t = vsmtest_new(NULL);
	struct vsm_private_state state, before;

	memset(&state, 0x5a, sizeof(state));
	before = state;
	assert_err(vsm_vtl_state_save(NULL, 0, &state), -VSM_ERR_INVAL);
	assert_err(save(t, 0, NULL), -VSM_ERR_INVAL);
	assert_err(save(t, 2, &state), -VSM_ERR_INVAL);
	assert_err(save(t, UINT32_MAX, &state), -VSM_ERR_INVAL);
	assert_err(save(t, 1, &state), -VSM_ERR_NOTFOUND);
	ck_assert_mem_eq(&state, &before, sizeof(state));
	vsmtest_free(t);
}
END_TEST

START_TEST(save_passes_failures_of_the_host_on)
{
	struct vsmtest *t = in_vtl1();
	struct vsm_private_state state, before;
	uint32_t at;

	memset(&state, 0x5a, sizeof(state));
	before = state;
	for (at = 1; at <= 4; at++) {
		vsmtest_fail_op(t, VSMTEST_REGS_GET, at, 1, -VSM_ERR_SYS);
		assert_err(save(t, 0, &state), -VSM_ERR_HOST);
		ck_assert_mem_eq(&state, &before, sizeof(state));
	}
	vsmtest_no_faults(t);
	assert_err(save(t, 0, &state), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(loading_what_was_saved_writes_nothing)
{
	struct vsmtest *t = in_vtl1();
	struct vsm_private_state state = saved(t, 0);
	uint64_t before = vsmtest_hash(t);
	uint32_t since = t->calls;

	assert_err(load(t, 0, &state), 0);
	ck_assert_uint_eq(vsmtest_calls_since(t, since, VSMTEST_REGS_SET), 0);
	ck_assert_uint_eq(vsmtest_calls_since(t, since, VSMTEST_OVERLAY_MAP), 0);
	assert_same(t, before);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_load_takes_a_vtl_back_to_what_was_saved)
{
	struct vsmtest *t = in_vtl1();
	struct vsm_private_state state = saved(t, 0), back;

	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RIP, 0x1234);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_CR3, 0x7000);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_LSTAR, 0x9000);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_DR7, 0x401);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_TR, 0);
	vsmtest_reg_set(t, 0, 0, HV_REGISTER_INTERRUPT_STATE, 1);
	assert_status(vsmtest_set(t, 0, VTL0, HV_REGISTER_SINT0, 0x30), HV_STATUS_SUCCESS);
	assert_status(vsmtest_set(t, 0, VTL0, HV_REGISTER_SCONTROL, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_set(t, 0, VTL0, HV_REGISTER_SIMP, 0x55001), HV_STATUS_SUCCESS);
	assert_err(load(t, 0, &state), 0);
	back = saved(t, 0);
	ck_assert_mem_eq(&back, &state, sizeof(state));
	ck_assert_ptr_null(vsmtest_overlay(t, 0, 0x55000));
	vsmtest_free(t);
}
END_TEST

START_TEST(a_load_writes_changed_registers_only_in_one_batch_of_each_kind)
{
	struct vsmtest *t = in_vtl1();
	struct vsm_private_state state = saved(t, 0);
	uint32_t since;

	put(&state, HV_X64_REGISTER_RIP, 0x7000);
	put(&state, HV_X64_REGISTER_CR3, 0x8000);
	put(&state, HV_X64_REGISTER_LSTAR, 0x9000);
	put(&state, HV_X64_REGISTER_STAR, 0xa000);
	since = t->calls;
	assert_err(load(t, 0, &state), 0);
	ck_assert_uint_eq(vsmtest_calls_since(t, since, VSMTEST_REGS_SET), 2);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RIP), 0x7000);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_STAR), 0xa000);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 1, HV_X64_REGISTER_STAR), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_load_moves_overlays_even_a_locked_one)
{
	struct vsmtest *t = in_vtl1();
	struct vsm_private_state state = saved(t, 0);
	uint64_t old = VSMTEST_HC_GPA(0);
	uint8_t first = *vsmtest_see(t, 0, old);

	assert_status(vsmtest_set(t, 0, VTL0, HV_REGISTER_HYPERCALL, old | 3), HV_STATUS_SUCCESS);
	put(&state, HV_REGISTER_HYPERCALL, 0x66001);
	put(&state, HV_REGISTER_SIMP, 0x67001);
	assert_err(load(t, 0, &state), 0);
	ck_assert_ptr_null(vsmtest_overlay(t, 0, old));
	ck_assert_ptr_nonnull(vsmtest_overlay(t, 0, 0x66000));
	ck_assert_ptr_nonnull(vsmtest_overlay(t, 0, 0x67000));
	ck_assert_uint_eq(*vsmtest_see(t, 0, 0x66000), first);
	ck_assert_uint_eq(vsmtest_value(t, 0, VTL0, HV_REGISTER_HYPERCALL), 0x66001);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_load_lifts_overlays)
{
	struct vsmtest *t = in_vtl1();
	struct vsm_private_state state = saved(t, 0);

	put(&state, HV_REGISTER_HYPERCALL, 0);
	put(&state, HV_REGISTER_GUEST_OS_ID, 0);
	assert_err(load(t, 0, &state), 0);
	ck_assert_ptr_null(vsmtest_overlay(t, 0, VSMTEST_HC_GPA(0)));
	ck_assert_uint_eq(vsmtest_value(t, 0, VTL0, HV_REGISTER_GUEST_OS_ID), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_load_queues_and_takes_back_an_event_of_a_lower_vtl)
{
	struct vsmtest *t = in_vtl1();
	struct vsm_private_state quiet = saved(t, 0), event = quiet;

	put(&event, HV_REGISTER_PENDING_EVENT0, 0x60001); /* #UD */
	assert_err(load(t, 0, &event), 0);
	ck_assert_uint_eq(t->vp[0].file[0].has_event, 1);
	ck_assert_uint_eq(t->vp[0].file[0].event.vector, 6);
	assert_err(load(t, 0, &quiet), 0);
	ck_assert_uint_eq(t->vp[0].file[0].has_event, 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(what_cannot_be_written_is_refused_before_anything_changes)
{
	static const struct {
		uint32_t name;
		uint64_t low;
		int error;
	} bad[] = {
		{ HV_X64_REGISTER_TSC, 1, -VSM_ERR_NOSUP },
		{ HV_X64_REGISTER_APIC_TPR, 0x20, -VSM_ERR_NOSUP },
		{ HV_REGISTER_SINT1, 0x30, -VSM_ERR_NOSUP },
		{ HV_REGISTER_STIMER0_COUNT, 1, -VSM_ERR_NOSUP },
		{ HV_REGISTER_VSM_VINA, 1, -VSM_ERR_NOSUP },
		{ HV_REGISTER_VSM_PARTITION_CONFIG, 0x3f, -VSM_ERR_NOSUP },
		{ HV_X64_REGISTER_RIP, 0x800000000000, -VSM_ERR_INVAL },
		{ HV_X64_REGISTER_CR0, 0x80000000, -VSM_ERR_INVAL },
		{ HV_X64_REGISTER_PAT, 2, -VSM_ERR_INVAL },
		{ HV_REGISTER_SINT0, 0xf, -VSM_ERR_INVAL },
		{ HV_REGISTER_HYPERCALL, 1ull << 40 | 1, -VSM_ERR_INVAL },
		{ HV_REGISTER_GUEST_OS_ID, 0, -VSM_ERR_INVAL },
	};
	struct vsmtest *t = in_vtl1();
	struct vsm_private_state good = saved(t, 0), state;
	uint64_t before = vsmtest_hash(t);
	uint32_t since = t->calls;
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(bad); i++) {
		state = good;
		put(&state, HV_X64_REGISTER_LSTAR, 0x9000);
		put(&state, bad[i].name, bad[i].low);
		ck_assert_msg(load(t, 0, &state) == bad[i].error, "%s",
			      vsm_register_name(bad[i].name));
	}
	ck_assert_uint_eq(vsmtest_calls_since(t, since, VSMTEST_REGS_SET), 0);
	assert_same(t, before);
	vsmtest_free(t);
}
END_TEST

START_TEST(an_event_of_the_vtl_that_runs_is_refused)
{
	struct vsmtest *t = in_vtl1();
	struct vsm_private_state state = saved(t, 1);

	put(&state, HV_REGISTER_PENDING_EVENT0, 0x60001);
	assert_err(load(t, 1, &state), -VSM_ERR_NOSUP);
	vsmtest_free(t);
}
END_TEST

START_TEST(load_refuses_bad_arguments)
{
	struct vsmtest *t = vsmtest_new(NULL);
	struct vsm_private_state state = saved(t, 0), bad = state;

	assert_err(vsm_vtl_state_load(NULL, 0, &state), -VSM_ERR_INVAL);
	assert_err(load(t, 0, NULL), -VSM_ERR_INVAL);
	assert_err(load(t, 2, &state), -VSM_ERR_INVAL);
	assert_err(load(t, 1, &state), -VSM_ERR_NOTFOUND);
	bad.size--;
	assert_err(load(t, 0, &bad), -VSM_ERR_INVAL);
	bad = state;
	bad.regs[7].name = HV_X64_REGISTER_RAX;
	assert_err(load(t, 0, &bad), -VSM_ERR_INVAL);
	vsm_private_state_init(&bad, VSM_PRIVATE_STATE_DR6_SHARED);
	assert_err(load(t, 0, &bad), -VSM_ERR_INVAL);
	vsm_private_state_init(&bad, VSM_PRIVATE_STATE_SCONTROL_0);
	assert_err(load(t, 0, &bad), -VSM_ERR_INVAL);
	vsmtest_free(t);
}
END_TEST

/* A state in which something of every kind differs from what VTL0 has. */
static struct vsm_private_state all_different(struct vsmtest *t)
{
	struct vsm_private_state state = saved(t, 0);

	put(&state, HV_X64_REGISTER_RIP, 0x7000);
	put(&state, HV_X64_REGISTER_CR3, 0x8000);
	put(&state, HV_X64_REGISTER_LSTAR, 0x9000);
	put(&state, HV_X64_REGISTER_DR7, 0x401);
	put(&state, HV_REGISTER_INTERRUPT_STATE, 1);
	put(&state, HV_REGISTER_PENDING_EVENT0, 0x60001);
	put(&state, HV_REGISTER_GUEST_OS_ID, 0x77);
	put(&state, HV_REGISTER_HYPERCALL, 0x66001);
	put(&state, HV_REGISTER_SIMP, 0x67001);
	put(&state, HV_REGISTER_VP_ASSIST_PAGE, 0x68001);
	put(&state, HV_REGISTER_SINT0, 0x40);
	put(&state, HV_REGISTER_SCONTROL, 0);
	return state;
}

START_TEST(a_failure_of_any_op_at_any_call_leaves_everything_as_it_was)
{
	struct vsmtest *t = in_vtl1();
	struct vsm_private_state state = all_different(t), back;
	uint64_t before = vsmtest_hash(t);
	uint32_t at, n;

	for (at = 1;; at++) {
		t->faults_hit = 0;
		t->failable = 0;
		t->fault_any = at;
		n = load(t, 0, &state) == 0;
		t->fault_any = 0;
		if (t->faults_hit == 0)
			break;
		ck_assert_msg(!n, "call %u", at);
		ck_assert_msg(vsmtest_hash(t) == before, "call %u", at);
	}
	/* 4 reads, 4 batches, an event, 3 pages placed and 1 lifted. */
	ck_assert_uint_eq(at - 1, 4 + 4 + 1 + 3 + 1);
	back = saved(t, 0);
	ck_assert_mem_eq(&back, &state, sizeof(state));
	vsmtest_free(t);
}
END_TEST

START_TEST(a_way_back_that_fails_too_is_told)
{
	struct vsmtest *t = in_vtl1();
	struct vsm_private_state state = all_different(t);

	t->relaxed = 1;
	vsmtest_fail_op(t, VSMTEST_OVERLAY_MAP, 1, 1, -VSM_ERR_SYS);
	vsmtest_fail_op(t, VSMTEST_REGS_SET, 5, 1, -VSM_ERR_SYS);
	assert_err(load(t, 0, &state), -VSM_ERR_STATE);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_value_that_the_host_refuses_is_told_from_a_failure)
{
	struct vsmtest *t = in_vtl1();
	struct vsm_private_state state = all_different(t);
	uint64_t before = vsmtest_hash(t);

	vsmtest_fail_op(t, VSMTEST_REGS_SET, 2, 1, -VSM_ERR_INVAL);
	assert_err(load(t, 0, &state), -VSM_ERR_INVAL);
	vsmtest_fail_op(t, VSMTEST_REGS_SET, 2, 1, -VSM_ERR_NOTFOUND);
	assert_err(load(t, 0, &state), -VSM_ERR_NOSUP);
	assert_same(t, before);
	vsmtest_free(t);
}
END_TEST

static struct vsm_private_state scratch;
static int inner[2];

static void call_from_within(struct vsmtest *t, enum vsmtest_op op, uint32_t vp)
{
	(void)op;
	inner[0] = vsm_vtl_state_save(t->vp[vp].vp, 0, &scratch);
	inner[1] = vsm_vtl_state_load(t->vp[vp].vp, 0, &scratch);
}

START_TEST(calls_from_within_an_op_are_misuse)
{
	struct vsmtest *t = in_vtl1();
	struct vsm_private_state state;

	scratch = saved(t, 0);
	t->hook = call_from_within;
	assert_err(save(t, 0, &state), 0);
	t->hook = NULL;
	assert_err(inner[0], -VSM_ERR_MISUSE);
	assert_err(inner[1], -VSM_ERR_MISUSE);
	ck_assert(vsmtest_logged(t, "vsm_vtl_state_load: the VP is in another entry"));
	vsmtest_free(t);
}
END_TEST

START_TEST(a_blocked_vp_is_left_alone)
{
	struct vsmtest *t = in_vtl1();
	struct vsm_private_state state = saved(t, 0);

	vsmtest_fail_op(t, VSMTEST_OVERLAY_MAP, 1, 1, VSM_PENDING);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, 0x69001), VSM_VERDICT_BLOCKED);
	assert_err(save(t, 0, &state), -VSM_ERR_MISUSE);
	assert_err(load(t, 0, &state), -VSM_ERR_MISUSE);
	assert_err(vsmtest_complete(t, VSMTEST_OVERLAY_MAP, 0, 0), 0);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	assert_err(load(t, 0, &state), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_change_of_another_vp_is_not_overtaken)
{
	struct vsm_private_state state;
	struct vsmtest *t = vsmtest_new_vps(2);

	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	state = saved(t, 0);
	vsmtest_fail_op(t, VSMTEST_OVERLAY_MAP, 1, 1, VSM_PENDING);
	assert_verdict(vsmtest_wrmsr(t, 1, HV_X64_MSR_SIMP, 0x69001), VSM_VERDICT_BLOCKED);
	assert_err(load(t, 0, &state), -VSM_ERR_MISUSE);
	ck_assert(vsmtest_logged(t, "vsm_vtl_state_load: another VP"));
	assert_err(vsmtest_complete(t, VSMTEST_OVERLAY_MAP, 0, 0), 0);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	assert_err(load(t, 0, &state), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(state_moves_to_another_partition_by_its_bytes)
{
	struct vsmtest *from = in_vtl1(), *to = in_vtl1();
	const struct vsm_register_limits limits = {
		.size = sizeof(limits), .cr4_mask = ~0ull, .efer_mask = ~0ull, .phys_bits = 52
	};
	struct vsm_private_state state, there, back;
	uint8_t blob[8192];
	size_t used;

	vsmtest_reg_set(from, 0, 0, HV_X64_REGISTER_LSTAR, 0xffffffff82000000);
	assert_status(vsmtest_set(from, 0, VTL0, HV_REGISTER_SINT0, 0x55), HV_STATUS_SUCCESS);
	state = saved(from, 0);
	assert_err(vsm_private_state_encode(&state, blob, sizeof(blob), &used), 0);
	assert_err(vsm_private_state_decode(&there, &limits, blob, used), 0);
	assert_err(load(to, 0, &there), 0);
	back = saved(to, 0);
	ck_assert_mem_eq(&back, &state, sizeof(state));
	vsmtest_free(from);
	vsmtest_free(to);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(save_gives_what_the_host_has),
	VSMTEST_CASE(save_gives_what_the_library_has),
	VSMTEST_CASE(save_asks_in_few_batches),
	VSMTEST_CASE(save_changes_nothing),
	VSMTEST_CASE(a_vtl_that_was_never_entered_is_saved_with_its_first_context),
	VSMTEST_CASE(a_register_that_the_host_lacks_stays_at_its_reset_value),
	VSMTEST_CASE(save_refuses_bad_arguments),
	VSMTEST_CASE(save_passes_failures_of_the_host_on),
	VSMTEST_CASE(loading_what_was_saved_writes_nothing),
	VSMTEST_CASE(a_load_takes_a_vtl_back_to_what_was_saved),
	VSMTEST_CASE(a_load_writes_changed_registers_only_in_one_batch_of_each_kind),
	VSMTEST_CASE(a_load_moves_overlays_even_a_locked_one),
	VSMTEST_CASE(a_load_lifts_overlays),
	VSMTEST_CASE(a_load_queues_and_takes_back_an_event_of_a_lower_vtl),
	VSMTEST_CASE(what_cannot_be_written_is_refused_before_anything_changes),
	VSMTEST_CASE(an_event_of_the_vtl_that_runs_is_refused),
	VSMTEST_CASE(load_refuses_bad_arguments),
	VSMTEST_CASE(a_failure_of_any_op_at_any_call_leaves_everything_as_it_was),
	VSMTEST_CASE(a_way_back_that_fails_too_is_told),
	VSMTEST_CASE(a_value_that_the_host_refuses_is_told_from_a_failure),
	VSMTEST_CASE(calls_from_within_an_op_are_misuse),
	VSMTEST_CASE(a_blocked_vp_is_left_alone),
	VSMTEST_CASE(a_change_of_another_vp_is_not_overtaken),
	VSMTEST_CASE(state_moves_to_another_partition_by_its_bytes),
};

int main(void)
{
	return vsmtest_main("vtl_load", cases, VSMTEST_COUNT(cases));
}
