/* SPDX-License-Identifier: BSD-3-Clause */
/* Saved state: what is in it. */
#include "saved_machine.h"

static void fill(struct vsmtest *t, uint32_t vtl, uint64_t gpa, int byte)
{
	memset(vsmtest_see(t, vtl, gpa), byte, VSMTEST_PAGE);
}

static int is_all(struct vsmtest *t, uint32_t vtl, uint64_t gpa, int byte)
{
	const uint8_t *page = vsmtest_see(t, vtl, gpa);

	for (uint32_t i = 0; i < VSMTEST_PAGE; i++)
		if (page[i] != byte)
			return 0;
	return 1;
}

START_TEST(a_machine_that_has_done_nothing)
{
	struct vsmtest *t = moved(machine(3, 2, 0, 0));

	vsmtest_free(moved(t));
}
END_TEST

START_TEST(a_machine_without_vtls)
{
	struct vsmtest_opts opts;

	vsmtest_opts_init(&opts);
	opts.null_ops = VSMTEST_BIT(VSMTEST_SWITCH_VTL) | VSMTEST_BIT(VSMTEST_OVERLAY_MAP) |
			VSMTEST_BIT(VSMTEST_PROTECT) | VSMTEST_BIT(VSMTEST_TLB_FLUSH) |
			VSMTEST_BIT(VSMTEST_INJECT_EVENT) | VSMTEST_BIT(VSMTEST_TSC) |
			VSMTEST_BIT(VSMTEST_KICK) | VSMTEST_BIT(VSMTEST_OVERLAY_ARENA);
	opts.config.max_vtl = 0;
	vsmtest_free(moved(vsmtest_new(&opts)));
}
END_TEST

/* Case 29 of doc/hostile-cases.md: contents follow the overlay, and what is beneath comes back. */
static void overlays(uint32_t vtl)
{
	struct vsmtest *t = machine(2, 1, 0, 0);
	uint64_t page = VSMTEST_DATA_GPA, other = VSMTEST_DATA_GPA + VSMTEST_PAGE;

	if (vtl == 1)
		assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	fill(t, vtl, page, 0xdd);
	fill(t, vtl, other, 0xee);
	/* Two on one page: the SIMP came later and is seen. */
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_VP_ASSIST_PAGE, page | 1),
		       VSM_VERDICT_RESUME);
	fill(t, vtl, page, 0x11);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, other | 1), VSM_VERDICT_RESUME);
	fill(t, vtl, other, 0x22);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, page | 1), VSM_VERDICT_RESUME);
	ck_assert(is_all(t, vtl, page, 0x22));
	t = moved(t);
	ck_assert(is_all(t, vtl, page, 0x22));
	ck_assert(is_all(t, vtl, other, 0xee));
	ck_assert(is_all(t, 1 - vtl, page, 0xdd));
	ck_assert_uint_eq(vsmtest_overlays(t, vtl), vtl ? 2 : 1);
	/* Not placed, but not forgotten either. */
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, 0), VSM_VERDICT_RESUME);
	ck_assert(is_all(t, vtl, page, 0x11));
	t = moved(t);
	ck_assert(is_all(t, vtl, page, 0x11));
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, other | 1), VSM_VERDICT_RESUME);
	ck_assert(is_all(t, vtl, other, 0x22));
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_VP_ASSIST_PAGE, 0), VSM_VERDICT_RESUME);
	ck_assert(is_all(t, vtl, page, 0xdd));
	t = moved(t);
	/* It vanishes on reset there too. */
	assert_err(vsmtest_reset(t), 0);
	ck_assert_uint_eq(vsmtest_overlays(t, vtl), 0);
	vsmtest_free(moved(t));
}

START_TEST(case_29_overlay_pages_survive_save_and_load)
{
	overlays(0);
	overlays(1);
}
END_TEST

START_TEST(an_overlay_out_of_reach_is_placed_nowhere)
{
	struct vsmtest *t = machine(1, 1, 0, 0);
	uint64_t far = 1ull << 45;

	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, far | 1), VSM_VERDICT_RESUME);
	t = moved(t);
	ck_assert_uint_eq(t->count[VSMTEST_OVERLAY_MAP], 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(rights_of_two_vtls)
{
	struct vsmtest *t = machine(1, 2, 0, 0);
	uint64_t gpn[6], at = VSMTEST_DATA_GPA >> HV_PAGE_SHIFT;
	uint32_t calls;

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	for (uint32_t i = 0; i < 6; i++)
		gpn[i] = at + i + i / 3;
	assert_status(vsmtest_modify(t, 0, R, gpn, 6), HV_STATUS_SUCCESS);
	gpn[0] = (VSMTEST_RAM1_GPA >> HV_PAGE_SHIFT) + 255;
	assert_status(vsmtest_modify(t, 0, 0, gpn, 1), HV_STATUS_SUCCESS);
	/* Set, but to what all others have: it must stay set. */
	gpn[0] = at + 9;
	assert_status(vsmtest_modify(t, 0, RWX, gpn, 1), HV_STATUS_SUCCESS);
	assert_status(vsmtest_enter_vtl2(t, 0), HV_STATUS_SUCCESS);
	/* Without W for all but a few pages. */
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG,
				  HV_VSM_PARTITION_CONFIG_ENABLE_VTL_PROTECTION | RX << 1),
		      HV_STATUS_SUCCESS);
	gpn[0] = at + 2;
	gpn[1] = at + 9;
	gpn[2] = VSMTEST_IN_GPA(0) >> HV_PAGE_SHIFT;
	gpn[3] = VSMTEST_OUT_GPA(0) >> HV_PAGE_SHIFT;
	assert_status(vsmtest_modify(t, 0, RWX, gpn, 4), HV_STATUS_SUCCESS);
	t = moved(t);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), R);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA + 2 * VSMTEST_PAGE), R);
	ck_assert_uint_eq(vsmtest_view(t, 1, VSMTEST_DATA_GPA + 2 * VSMTEST_PAGE), RWX);
	ck_assert_uint_eq(vsmtest_view(t, 1, VSMTEST_DATA_GPA), RX);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_RAM1_GPA + 255 * VSMTEST_PAGE), 0);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA + 9 * VSMTEST_PAGE), RWX);
	/* One diff, and one flush for each VTL that lost rights. */
	ck_assert_uint_eq(t->count[VSMTEST_PROTECT], 1);
	ck_assert_uint_eq(t->count[VSMTEST_TLB_FLUSH], 2);
	/* The guest goes on with its protections. */
	calls = t->calls;
	assert_status(vsmtest_modify(t, 0, 0, gpn, 1), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsmtest_calls_since(t, calls, VSMTEST_PROTECT), 1);
	ck_assert_uint_ne(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, CONFIG_ON), 0);
	vsmtest_free(moved(t));
}
END_TEST

/* More ranges than one call of `protect` takes. */
START_TEST(rights_of_very_many_ranges)
{
	struct vsmtest *t = machine(1, 1, 0, 0);
	uint32_t pages = (uint32_t)(VSMTEST_RAM0_SIZE / VSMTEST_PAGE);
	uint64_t gpn[64];

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	for (uint32_t page = 0; page < pages; page += 128) {
		for (uint32_t i = 0; i < 64; i++)
			gpn[i] = page + 2 * i;
		assert_status(vsmtest_modify(t, 0, RX, gpn, 64), HV_STATUS_SUCCESS);
	}
	for (uint32_t page = 0x210; page < 0x2f0; page++) {
		gpn[0] = page;
		assert_status(vsmtest_modify(t, 0, page % 3 ? R : 0, gpn, 1), HV_STATUS_SUCCESS);
	}
	t = moved(t);
	ck_assert_uint_eq(t->count[VSMTEST_PROTECT], 2);
	vsmtest_free(moved(t));
}
END_TEST

/* Case 39: saved inside VTL1, with an intercept that waits for its slot. */
START_TEST(case_39_saved_with_a_pending_intercept)
{
	struct vsmtest *t = machine(1, 1, 0, 0);
	struct hv_message *slot;

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, R, VSMTEST_DATA_GPA), HV_STATUS_SUCCESS);
	vsmtest_message(t, 0, 1)->header.message_type = 0x77;
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	t = moved(t);
	assert_verdict(vsmtest_fault(t, 0, VSMTEST_DATA_GPA + 8, HV_INTERCEPT_ACCESS_WRITE),
		       VSM_VERDICT_SWITCHED);
	t = moved(t);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 1);
	/* VTL0 does not run while it waits (case 31). */
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 1);
	t = moved(t);
	slot = vsmtest_message(t, 0, 1);
	ck_assert_uint_eq(slot->header.message_type, 0x77);
	ck_assert_uint_eq(slot->header.message_flags & HV_MESSAGE_FLAG_PENDING,
			  HV_MESSAGE_FLAG_PENDING);
	assert_verdict(vsmtest_take_message(t, 0), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(slot->header.message_type, HVMSG_GPA_INTERCEPT);
	ck_assert_uint_eq(vsmtest_intercept(t, 0, 1)->guest_physical_address, VSMTEST_DATA_GPA + 8);
	vsmtest_free(moved(t));
}
END_TEST

/* Case 39: a list of which some elements are done; its registers say how many. */
START_TEST(case_39_saved_in_the_middle_of_a_list)
{
	struct vsmtest *t;
	struct vsmtest_opts opts;
	struct {
		struct hv_input_modify_vtl_protection_mask header;
		uint64_t gpn[5];
	} in;

	vsmtest_opts_init(&opts);
	opts.config.hypercall_budget = 2;
	t = vsmtest_new(&opts);
	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	memset(&in, 0, sizeof(in));
	in.header.target_partition_id = HV_PARTITION_ID_SELF;
	in.header.map_flags = R;
	for (uint32_t i = 0; i < 5; i++)
		in.gpn[i] = (VSMTEST_DATA_GPA >> HV_PAGE_SHIFT) + 2 * i;
	memcpy(vsmtest_ram(t, VSMTEST_IN_GPA(0)), &in, sizeof(in));
	assert_verdict(vsmtest_hypercall(t, 0, VSMTEST_REP(HVCALL_MODIFY_VTL_PROTECTION_MASK, 5),
					 VSMTEST_IN_GPA(0), 0),
		       VSM_VERDICT_RETRY);
	t = moved(t);
	ck_assert_uint_eq(vsmtest_view(t, 0, in.gpn[1] << HV_PAGE_SHIFT), R);
	ck_assert_uint_eq(vsmtest_view(t, 0, in.gpn[2] << HV_PAGE_SHIFT), RWX);
	assert_verdict(vsmtest_again(t, 0), VSM_VERDICT_RETRY);
	t = moved(t);
	assert_verdict(vsmtest_again(t, 0), VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->reps, 5);
	for (uint32_t i = 0; i < 5; i++)
		ck_assert_uint_eq(vsmtest_view(t, 0, in.gpn[i] << HV_PAGE_SHIFT), R);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_context_that_waits_for_its_vp)
{
	struct vsmtest *t = machine(2, 1, 0, 0);
	struct hv_initial_vp_context context;

	vsmtest_context64(&context);
	context.rip = 0xffffffff80123000ull;
	context.cr3 = 0x55000;
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_enable_vp_vtl(t, 0, 1, 1, &context), HV_STATUS_SUCCESS);
	t = moved(t);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_vtl_call(t, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 1, HV_X64_REGISTER_RIP), context.rip);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 1, HV_X64_REGISTER_CR3), context.cr3);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 1, HV_X64_REGISTER_DR7), 0x400);
	/* EnableVpVtl knows that there is VTL1 somewhere: VTL0 may not any more. */
	t = moved(t);
	assert_status(vsmtest_enable_vp_vtl(t, 0, 1, 1, &context), HV_STATUS_VTL_ALREADY_ENABLED);
	vsmtest_free(t);
}
END_TEST

START_TEST(vtl0_may_not_enable_where_another_vp_has_the_vtl)
{
	struct vsmtest *t = machine(2, 1, 0, 0);
	struct hv_initial_vp_context context;

	vsmtest_context64(&context);
	assert_status(vsmtest_enable_vtl1(t, 0), HV_STATUS_SUCCESS);
	t = moved(t);
	assert_status(vsmtest_enable_vp_vtl(t, 1, 1, 1, &context), HV_STATUS_ACCESS_DENIED);
	vsmtest_free(t);
}
END_TEST

START_TEST(vps_that_wait_for_their_start)
{
	struct vsmtest *t = machine(3, 1, VSM_HOST_STARTS_VPS, 6);
	struct hv_input_start_virtual_processor in;

	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	memset(&in, 0, sizeof(in));
	in.target_partition_id = HV_PARTITION_ID_SELF;
	in.vp_index = 1;
	vsmtest_context64(&in.vp_context);
	in.vp_context.rip = 0xffffffff80005000ull;
	assert_status(vsmtest_call_mem(t, 0, HVCALL_START_VIRTUAL_PROCESSOR, &in, sizeof(in)), 0);
	t = vsmtest_move(t);
	ck_assert_int_eq(vsm_vp_runnable(t->vp[1].vp), 1);
	ck_assert_int_eq(vsm_vp_runnable(t->vp[2].vp), 0);
	assert_verdict(vsmtest_prepare(t, 2), VSM_VERDICT_BLOCKED);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 0, HV_X64_REGISTER_RIP), in.vp_context.rip);
	t = vsmtest_move(t);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_prepare(t, 2), VSM_VERDICT_BLOCKED);
	in.vp_index = 2;
	assert_status(vsmtest_call_mem(t, 0, HVCALL_START_VIRTUAL_PROCESSOR, &in, sizeof(in)), 0);
	assert_verdict(vsmtest_prepare(t, 2), VSM_VERDICT_RESUME);
	vsmtest_free(moved(t));
}
END_TEST

static const struct hv_register_value page_fault = {
	HV_X64_PENDING_EVENT_PENDING | HV_X64_PENDING_EXCEPTION_DELIVER_ERROR_CODE |
		14ull << HV_X64_PENDING_EXCEPTION_VECTOR_SHIFT |
		0x15ull << HV_X64_PENDING_EXCEPTION_ERROR_CODE_SHIFT,
	0xfff123
};

START_TEST(an_event_that_is_pending)
{
	struct vsmtest *t = machine(1, 1, 0, 0);
	struct hv_register_value value = { 0, 0 };

	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_set_of(t, 0, HV_VP_INDEX_SELF, VTL0, HV_REGISTER_PENDING_EVENT0,
				     page_fault),
		      HV_STATUS_SUCCESS);
	t = moved(t); /* The hash has the event that the host got to know. */
	ck_assert_uint_eq(t->count[VSMTEST_INJECT_EVENT], 1);
	assert_status(vsmtest_get(t, 0, VTL0, HV_REGISTER_PENDING_EVENT0, &value),
		      HV_STATUS_SUCCESS);
	ck_assert(value.low == page_fault.low && value.high == page_fault.high);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	vsmtest_free(t);
}
END_TEST

__extension__ typedef unsigned __int128 u128;

static const struct hv_reference_tsc_page *tsc_page(struct vsmtest *t)
{
	return (const void *)vsmtest_see(t, 0, VSMTEST_DATA_GPA);
}

static uint64_t page_time(struct vsmtest *t)
{
	const struct hv_reference_tsc_page *page = tsc_page(t);

	return (uint64_t)((u128)t->tsc * page->tsc_scale >> 64) + (uint64_t)page->tsc_offset;
}

START_TEST(reference_time_goes_on)
{
	struct vsmtest *t = machine(1, 1, 0, 0), *twin;
	uint64_t before = 0, after = 0;
	size_t size = 0;
	uint8_t *bytes;
	uint32_t sequence;

	t->tsc += 123456789;
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_REFERENCE_TSC, VSMTEST_DATA_GPA | 1),
		       VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_rdmsr(t, 0, HV_X64_MSR_TIME_REF_COUNT, &before), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(page_time(t), before);
	sequence = tsc_page(t)->tsc_sequence;
	twin = vsmtest_twin(t);
	ck_assert_ptr_nonnull(twin);
	assert_err(vsmtest_save(t, &bytes, &size), 0);
	t->tsc += 777;
	twin->tsc = 55; /* A machine that was just switched on. */
	assert_err(vsmtest_load(twin, bytes, size), 0);
	assert_verdict(vsmtest_rdmsr(twin, 0, HV_X64_MSR_TIME_REF_COUNT, &after),
		       VSM_VERDICT_RESUME);
	ck_assert_uint_eq(after, before);
	ck_assert_uint_eq(page_time(twin), before);
	/* TLFS ch. 12: a guest that was just reading the page reads it again. */
	ck_assert_uint_eq(tsc_page(twin)->tsc_sequence, sequence + 1);
	twin->tsc += 2500;
	assert_verdict(vsmtest_rdmsr(twin, 0, HV_X64_MSR_TIME_REF_COUNT, &after),
		       VSM_VERDICT_RESUME);
	ck_assert_uint_eq(after, before + 10);
	free(bytes);
	vsmtest_free(t);
	t = vsmtest_move(twin);
	ck_assert_uint_eq(tsc_page(t)->tsc_sequence, sequence + 2);
	vsmtest_free(t);
}
END_TEST

START_TEST(crash_registers)
{
	struct vsmtest *t = machine(1, 1, 0, 0);
	uint64_t value = 0;

	for (uint32_t i = 0; i < 5; i++)
		assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_CRASH_P0 + i, 0x1000 + i),
			       VSM_VERDICT_RESUME);
	t = moved(t);
	assert_verdict(vsmtest_rdmsr(t, 0, HV_X64_MSR_CRASH_P4, &value), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(value, 0x1004);
	vsmtest_free(t);
}
END_TEST

/* A flush that failed is still owed, whatever machine it is. */
START_TEST(a_flush_that_is_owed)
{
	struct vsmtest *t = machine(1, 1, 0, 0);

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, R, VSMTEST_DATA_GPA), HV_STATUS_SUCCESS);
	vsmtest_fail_op(t, VSMTEST_TLB_FLUSH, 1, 1, -VSM_ERR_HOST);
	assert_status(vsmtest_modify_gpa(t, 0, 0, VSMTEST_DATA_GPA),
		      VSMTEST_VERDICT(-VSM_ERR_HOST));
	t = vsmtest_move(t);
	ck_assert_uint_eq(t->count[VSMTEST_TLB_FLUSH], 1);
	ck_assert_uint_eq(t->flush_vtl, 0);
	ck_assert_uint_eq(t->flush_vp, VSM_ALL_VPS);
	/* Made up for: the next change flushes once. */
	assert_status(vsmtest_modify_gpa(t, 0, R, VSMTEST_DATA_GPA), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->count[VSMTEST_TLB_FLUSH], 1);
	vsmtest_free(t);
}
END_TEST

/* The set loses nothing, so only what was owed makes VTL0's translations go. */
START_TEST(a_flush_that_is_owed_without_rights_that_lack)
{
	struct vsmtest *t = machine(1, 1, 0, 0);

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	vsmtest_fail_op(t, VSMTEST_TLB_FLUSH, 1, 2, -VSM_ERR_HOST);
	assert_status(vsmtest_modify_gpa(t, 0, R, VSMTEST_DATA_GPA),
		      VSMTEST_VERDICT(-VSM_ERR_HOST));
	assert_status(vsmtest_modify_gpa(t, 0, RWX, VSMTEST_DATA_GPA),
		      VSMTEST_VERDICT(-VSM_ERR_HOST));
	t = vsmtest_move(t);
	ck_assert_uint_eq(t->count[VSMTEST_PROTECT], 0);
	ck_assert_uint_eq(t->count[VSMTEST_TLB_FLUSH], 1);
	vsmtest_free(t);
}
END_TEST

/* Where `protect` flushes nobody is asked for a flush, and there need not be an op for it. */
START_TEST(a_host_whose_protect_flushes)
{
	for (uint32_t with_op = 0; with_op < 2; with_op++) {
		struct vsmtest_opts opts;
		struct vsmtest *t;

		vsmtest_opts_init(&opts);
		opts.config.host_flags = VSM_HOST_PROTECT_FLUSHES;
		opts.null_ops = with_op ? 0 : VSMTEST_BIT(VSMTEST_TLB_FLUSH);
		t = vsmtest_new(&opts);
		assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
		assert_status(vsmtest_modify_gpa(t, 0, R, VSMTEST_DATA_GPA), HV_STATUS_SUCCESS);
		t = moved(t);
		ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), R);
		ck_assert_uint_eq(t->count[VSMTEST_PROTECT], 1);
		ck_assert_uint_eq(t->count[VSMTEST_TLB_FLUSH], 0);
		vsmtest_free(t);
	}
}
END_TEST

START_TEST(a_partition_without_vps)
{
	struct vsmtest_opts opts;

	vsmtest_opts_init(&opts);
	opts.vps = 0;
	vsmtest_free(moved(vsmtest_new(&opts)));
}
END_TEST

/* VTL2 is there, VTL1 is not: nobody can give it anything before it is enabled, and so nothing of
 * it has to be saved. */
START_TEST(a_vtl_below_that_is_not_enabled)
{
	static const uint32_t names[] = { HV_REGISTER_GUEST_OS_ID, HV_REGISTER_HYPERCALL,
					  HV_REGISTER_REFERENCE_TSC };
	struct hv_register_value value = { VSMTEST_DATA_GPA | 1, 0 };
	struct vsmtest *t = machine(1, 2, 0, 0);
	struct hv_initial_vp_context context;

	vsmtest_context64(&context);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	assert_status(vsmtest_enable_partition_vtl(t, 0, 2), HV_STATUS_SUCCESS);
	assert_status(vsmtest_enable_vp_vtl(t, 0, 0, 2, &context), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	for (uint32_t i = 0; i < VSMTEST_COUNT(names); i++) {
		assert_status(vsmtest_set_of(t, 0, HV_VP_INDEX_SELF, VTL1, names[i], value),
			      HV_STATUS_INVALID_VTL_STATE);
		assert_status(vsmtest_get(t, 0, VTL1, names[i], &value),
			      HV_STATUS_INVALID_VTL_STATE);
		t = moved(t);
	}
	assert_status(vsmtest_enable_partition_vtl(t, 0, 1), HV_STATUS_SUCCESS);
	for (uint32_t i = 0; i < VSMTEST_COUNT(names); i++) {
		value.low = VSMTEST_DATA_GPA | 1;
		assert_status(vsmtest_set_of(t, 0, HV_VP_INDEX_SELF, VTL1, names[i], value),
			      HV_STATUS_SUCCESS);
		t = vsmtest_move(t); /* The time page has another sequence number. */
	}
	vsmtest_free(t);
}
END_TEST

/* RAM that was added while the guest ran is RAM from the start where it is loaded. */
static void added(int downwards)
{
	struct vsmtest *t = machine(1, 1, 0, 0);

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	for (uint32_t i = 0; i < 3; i++)
		assert_err(vsmtest_hot_add(t,
					   VSMTEST_HOT_GPA + (downwards ? 2 - i : i) * VSMTEST_PAGE,
					   VSMTEST_PAGE),
			   0);
	assert_status(vsmtest_modify_gpa(t, 0, R, VSMTEST_HOT_GPA + VSMTEST_PAGE), 0);
	assert_status(vsmtest_modify_gpa(t, 0, R, VSMTEST_HOT_GPA + 2 * VSMTEST_PAGE), 0);
	t = moved(t);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_HOT_GPA), RWX);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_HOT_GPA + VSMTEST_PAGE), R);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_HOT_GPA + 2 * VSMTEST_PAGE), R);
	vsmtest_free(moved(t));
}

START_TEST(ram_that_was_added)
{
	added(0);
	added(1);
}
END_TEST

START_TEST(mode_based_execute_control)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;
	struct hv_input_enable_partition_vtl in = {
		.target_partition_id = HV_PARTITION_ID_SELF,
		.target_vtl = 1,
		.flags = HV_ENABLE_PARTITION_VTL_MBEC,
	};
	uint32_t rux = R | HV_MAP_GPA_USER_EXECUTABLE;

	vsmtest_opts_init(&opts);
	opts.config.enforceable_mbec = 0xaa0b;
	t = vsmtest_new(&opts);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	assert_status(vsmtest_call_mem(t, 0, HVCALL_ENABLE_PARTITION_VTL, &in, sizeof(in)), 0);
	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, rux, VSMTEST_DATA_GPA), HV_STATUS_SUCCESS);
	ck_assert_int_eq(vsm_vp_mbec(t->vp[0].vp, 0), 1);
	t = moved(t);
	ck_assert_int_eq(vsm_vp_mbec(t->vp[0].vp, 0), 1);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), rux);
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(a_machine_that_has_done_nothing),
	VSMTEST_CASE(a_machine_without_vtls),
	VSMTEST_CASE(case_29_overlay_pages_survive_save_and_load),
	VSMTEST_CASE(an_overlay_out_of_reach_is_placed_nowhere),
	VSMTEST_CASE(rights_of_two_vtls),
	VSMTEST_CASE(rights_of_very_many_ranges),
	VSMTEST_CASE(case_39_saved_with_a_pending_intercept),
	VSMTEST_CASE(case_39_saved_in_the_middle_of_a_list),
	VSMTEST_CASE(a_context_that_waits_for_its_vp),
	VSMTEST_CASE(vtl0_may_not_enable_where_another_vp_has_the_vtl),
	VSMTEST_CASE(vps_that_wait_for_their_start),
	VSMTEST_CASE(an_event_that_is_pending),
	VSMTEST_CASE(reference_time_goes_on),
	VSMTEST_CASE(crash_registers),
	VSMTEST_CASE(a_flush_that_is_owed),
	VSMTEST_CASE(a_flush_that_is_owed_without_rights_that_lack),
	VSMTEST_CASE(a_host_whose_protect_flushes),
	VSMTEST_CASE(a_partition_without_vps),
	VSMTEST_CASE(a_vtl_below_that_is_not_enabled),
	VSMTEST_CASE(ram_that_was_added),
	VSMTEST_CASE(mode_based_execute_control),
};

int main(void)
{
	return vsmtest_main("save", cases, VSMTEST_COUNT(cases));
}
