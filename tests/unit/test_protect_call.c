/* SPDX-License-Identifier: BSD-3-Clause */
/* ModifyVtlProtectionMask and the default mask, up to the host (TLFS 15.9). */
#include <string.h>

#include "protect_common.h"

START_TEST(a_vtl_takes_rights_from_the_vtls_below)
{
	struct vsmtest *t = ready();
	uint32_t rights;

	assert_status(call(t, 1), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->reps, 1);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), R);
	assert_err(vsm_gpa_rights(t->vsm, 0, VSMTEST_DATA_GPA + 0xfff, &rights), 0);
	ck_assert_uint_eq(rights, R);
	/* A VTL never restricts itself. */
	assert_err(vsm_gpa_rights(t->vsm, 1, VSMTEST_DATA_GPA, &rights), 0);
	ck_assert_uint_eq(rights, VSM_RIGHTS_ALL);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA + 0x1000), VSM_RIGHTS_ALL);
	vsmtest_free(t);
}
END_TEST

START_TEST(the_target_is_the_protecting_vtl)
{
	struct vsmtest *t = ready();

	/* Unset and own VTL mean the caller's set. */
	block.header.target_vtl = VSMTEST_VTL(1);
	assert_status(call(t, 1), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), R);
	/* Guests written from the TLFS text name the restricted VTL: the caller's set as well. */
	block.header.target_vtl = VSMTEST_VTL(0);
	block.header.map_flags = RX;
	assert_status(call(t, 1), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), RX);
	vsmtest_free(t);
}
END_TEST

START_TEST(refusals_come_in_the_order_of_the_call)
{
	struct vsmtest *t = ready();

	block.header.target_vtl = 0xf1;
	block.header.target_partition_id = 0x1234;
	block.header.map_flags = 0x80;
	block.page[0] = 0xffffffffff;
	assert_status(call(t, 1), HV_STATUS_INVALID_PARAMETER);
	block.header.target_vtl = VSMTEST_VTL(2);
	assert_status(call(t, 1), HV_STATUS_ACCESS_DENIED);
	block.header.target_partition_id = HV_PARTITION_ID_SELF;
	assert_status(call(t, 1), HV_STATUS_ACCESS_DENIED);
	block.header.target_vtl = VSMTEST_VTL(1);
	assert_status(call(t, 1), HV_STATUS_INVALID_PARAMETER);
	block.header.map_flags = 0x2;
	assert_status(call(t, 1), HV_STATUS_INVALID_REGISTER_VALUE);
	block.header.map_flags = R;
	assert_status(call(t, 1), HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(t->reps, 0);
	ck_assert_uint_eq(t->count[VSMTEST_PROTECT], 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(reserved_bytes_must_be_0)
{
	struct vsmtest *t = ready();
	uint32_t i;

	for (i = 0; i < 3; i++) {
		memset(block.header.reserved, 0, 3);
		block.header.reserved[i] = 0x40;
		assert_status(call(t, 1), HV_STATUS_INVALID_PARAMETER);
	}
	ck_assert_uint_eq(t->count[VSMTEST_PROTECT], 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(case_25_vtl0_protects_nothing)
{
	struct vsmtest *t = ready();

	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	/* Own VTL is 0, which protects nobody. */
	assert_status(call(t, 1), HV_STATUS_INVALID_PARAMETER);
	block.header.target_vtl = VSMTEST_VTL(0);
	assert_status(call(t, 1), HV_STATUS_INVALID_PARAMETER);
	block.header.target_vtl = VSMTEST_VTL(1);
	assert_status(call(t, 1), HV_STATUS_ACCESS_DENIED);
	ck_assert_uint_eq(t->count[VSMTEST_PROTECT], 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(case_25_protection_must_be_switched_on_first)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint64_t page = PAGE(0);

	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify(t, 0, R, &page, 1), HV_STATUS_ACCESS_DENIED);
	ck_assert_uint_eq(t->count[VSMTEST_PROTECT], 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_higher_vtl_may_protect_for_a_lower_one_before_it_is_on)
{
	struct vsmtest *t = vsmtest_new_vtls(2);

	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_enter_vtl2(t, 0), HV_STATUS_SUCCESS);
	vsmtest_modify_init(&block, R);
	block.header.target_vtl = VSMTEST_VTL(1);
	block.page[0] = PAGE(0);
	/* Recorded in VTL1's set; it acts when VTL1 switches it on. */
	assert_status(call(t, 1), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), VSM_RIGHTS_ALL);
	assert_status(vsmtest_set(t, 0, VSMTEST_VTL(1), HV_REGISTER_VSM_PARTITION_CONFIG, 0x3f),
		      HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), R);
	ck_assert_uint_eq(vsmtest_view(t, 1, VSMTEST_DATA_GPA), VSM_RIGHTS_ALL);
	vsmtest_free(t);
}
END_TEST

START_TEST(rights_are_the_intersection_of_all_sets_above)
{
	struct vsmtest *t = vsmtest_new_vtls(2);

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, RW, VSMTEST_DATA_GPA), HV_STATUS_SUCCESS);
	assert_status(vsmtest_enter_vtl2(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 0x3f),
		      HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, RX, VSMTEST_DATA_GPA), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), R);
	ck_assert_uint_eq(vsmtest_view(t, 1, VSMTEST_DATA_GPA), RX);
	ck_assert_uint_eq(vsmtest_view(t, 2, VSMTEST_DATA_GPA), VSM_RIGHTS_ALL);
	vsmtest_free(t);
}
END_TEST

START_TEST(case_26_every_mask_without_mbec)
{
	struct vsmtest *t = ready();
	uint32_t mask, legal = 0xa00b;

	for (mask = 0; mask < 16; mask++) {
		block.header.map_flags = mask;
		assert_status(call(t, 1), legal >> mask & 1 ? HV_STATUS_SUCCESS :
							      HV_STATUS_INVALID_REGISTER_VALUE);
		if (legal >> mask & 1)
			ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), mask);
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(case_26_flag_bits_above_the_mask_are_refused)
{
	/* Those with a name make an invalid combination (TLFS 15.9.2), the others are reserved. */
	const uint32_t named = 0x8070;
	struct vsmtest *t = ready();
	uint32_t bit;

	for (bit = 4; bit < 32; bit++) {
		block.header.map_flags = R | 1u << bit;
		assert_status(call(t, 1), named >> bit & 1 ? HV_STATUS_INVALID_REGISTER_VALUE :
							     HV_STATUS_INVALID_PARAMETER);
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(legal_masks_this_host_cannot_enforce_are_denied)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;
	uint32_t mask;

	vsmtest_opts_init(&opts);
	/* Stock KVM without fetch control: nothing, read-execute, all. */
	opts.config.enforceable = 0xa001;
	t = with(&opts);
	block.page[1] = PAGE(1);
	for (mask = 0; mask < 16; mask++) {
		uint32_t want = HV_STATUS_INVALID_REGISTER_VALUE;

		if (vsm_rights_valid(mask, 0))
			want = 0xa001 >> mask & 1 ? HV_STATUS_SUCCESS : HV_STATUS_OPERATION_DENIED;
		block.header.map_flags = mask;
		assert_status(vsmtest_call_mem(
				      t, 0, VSMTEST_REP_AT(HVCALL_MODIFY_VTL_PROTECTION_MASK, 2, 1),
				      &block, 32),
			      want);
		/* Nothing was attempted: reps are those of the start index. */
		ck_assert_uint_eq(t->reps, want == HV_STATUS_SUCCESS ? 2 : 1);
	}
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), VSM_RIGHTS_ALL);
	vsmtest_free(t);
}
END_TEST

START_TEST(unenforced_execute_is_never_given_silently)
{
	struct vsm_capabilities caps = { .size = sizeof(caps) };
	struct vsm_stats stats = { .size = sizeof(stats) };
	struct vsmtest_opts opts;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	opts.config.enforceable = 0xa001;
	opts.config.flags = VSM_CONFIG_ACCEPT_UNENFORCED_EXECUTE;
	t = with(&opts);
	assert_err(vsm_capabilities_get(t->vsm, &caps), 0);
	ck_assert_uint_eq(caps.flags & VSM_CAP_UNENFORCED_EXECUTE, VSM_CAP_UNENFORCED_EXECUTE);
	ck_assert_uint_eq(caps.enforceable, 0xa001);
	ck_assert_uint_eq(caps.accepted, 0xa00b);
	/* R needs execute taken away: enforced as R+X. */
	assert_status(call(t, 1), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), RX);
	block.header.map_flags = RW;
	assert_status(call(t, 1), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), VSM_RIGHTS_ALL);
	block.header.map_flags = RX;
	assert_status(call(t, 1), HV_STATUS_SUCCESS);
	assert_err(vsm_stats_get(t->vsm, &stats), 0);
	/* R and RW; RX is enforced as it is. */
	ck_assert_uint_eq(stats.unenforced_execute, 2);
	ck_assert_uint_eq(stats.pages_protected, 3);
	ck_assert_msg(vsmtest_logged(t, "execute"), "no log line tells of it");
	vsmtest_free(t);
}
END_TEST

START_TEST(the_knob_does_not_loosen_read_or_write)
{
	struct vsmtest_opts opts;
	struct vsm_capabilities caps = { .size = sizeof(caps) };
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	/* Only all or nothing: R could only be "enforced" with write left open. */
	opts.config.enforceable = 0x8001;
	opts.config.flags = VSM_CONFIG_ACCEPT_UNENFORCED_EXECUTE;
	t = with(&opts);
	assert_err(vsm_capabilities_get(t->vsm, &caps), 0);
	ck_assert_uint_eq(caps.accepted, 0x8009);
	block.header.map_flags = R;
	assert_status(call(t, 1), HV_STATUS_OPERATION_DENIED);
	block.header.map_flags = RX;
	assert_status(call(t, 1), HV_STATUS_OPERATION_DENIED);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), VSM_RIGHTS_ALL);
	vsmtest_free(t);
}
END_TEST

START_TEST(case_27_pages_that_are_no_ram_end_the_list_there)
{
	static const uint64_t bad[] = {
		VSMTEST_HOLE_GPA >> 12, 1ull << 28,	     1ull << 40, 1ull << 52,
		0xffffffffffffffff,	(1ull << 52) + 0x200
	};
	struct vsmtest *t = ready();
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(bad); i++) {
		block.header.map_flags = i % 2 ? RX : R;
		block.page[0] = PAGE(0);
		block.page[1] = PAGE(1);
		block.page[2] = bad[i];
		block.page[3] = PAGE(3);
		assert_status(call(t, 4), HV_STATUS_INVALID_PARAMETER);
		ck_assert_uint_eq(t->reps, 2);
		/* The first two are applied and flushed, the last is not touched. */
		ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), block.header.map_flags);
		ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA + 0x1000),
				  block.header.map_flags);
		ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA + 0x3000), VSM_RIGHTS_ALL);
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(neighbouring_pages_become_one_range)
{
	struct vsmtest *t = ready();
	uint32_t i;

	for (i = 0; i < 64; i++)
		block.page[i] = PAGE(i);
	assert_status(call(t, 64), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->count[VSMTEST_PROTECT], 1);
	ck_assert_uint_eq(t->ranges, 1);
	ck_assert_uint_eq(t->range[0].gpa, VSMTEST_DATA_GPA);
	ck_assert_uint_eq(t->range[0].size, 64 * 4096);
	ck_assert_uint_eq(t->range[0].vtl, 0);
	ck_assert_uint_eq(t->range[0].rights, R);
	ck_assert_uint_eq(t->count[VSMTEST_TLB_FLUSH], 1);
	ck_assert_uint_eq(t->flush_vtl, 0);
	ck_assert_uint_eq(t->flush_vp, VSM_ALL_VPS);
	vsmtest_free(t);
}
END_TEST

START_TEST(scattered_pages_reach_the_host_in_one_list)
{
	struct vsmtest *t = ready();
	uint32_t i;

	for (i = 0; i < 32; i++)
		block.page[i] = PAGE(2 * i);
	assert_status(call(t, 32), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->count[VSMTEST_PROTECT], 1);
	ck_assert_uint_eq(t->ranges, 32);
	for (i = 0; i < 32; i++)
		ck_assert_uint_eq(t->range[i].gpa, PAGE(2 * i) << 12);
	vsmtest_free(t);
}
END_TEST

START_TEST(only_changed_pages_reach_the_host)
{
	struct vsmtest *t = ready();
	uint32_t i;

	for (i = 0; i < 8; i++)
		block.page[i] = PAGE(i);
	assert_status(call(t, 8), HV_STATUS_SUCCESS);
	/* The same again: no host call at all. */
	assert_status(call(t, 8), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->reps, 8);
	ck_assert_uint_eq(t->count[VSMTEST_PROTECT], 1);
	ck_assert_uint_eq(t->count[VSMTEST_TLB_FLUSH], 1);
	/* One page of them differs. */
	assert_status(vsmtest_modify_gpa(t, 0, RX, VSMTEST_DATA_GPA + 0x4000), HV_STATUS_SUCCESS);
	assert_status(call(t, 8), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->ranges, 1);
	ck_assert_uint_eq(t->range[0].gpa, VSMTEST_DATA_GPA + 0x4000);
	ck_assert_uint_eq(t->range[0].size, 4096);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_page_named_twice_counts_twice_and_changes_once)
{
	struct vsmtest *t = ready();

	block.page[1] = PAGE(0);
	block.page[2] = PAGE(0);
	assert_status(call(t, 3), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->reps, 3);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), R);
	vsmtest_free(t);
}
END_TEST

START_TEST(giving_rights_back_needs_no_flush)
{
	struct vsmtest *t = ready();
	uint32_t flushes;

	assert_status(call(t, 1), HV_STATUS_SUCCESS);
	flushes = t->count[VSMTEST_TLB_FLUSH];
	block.header.map_flags = VSM_RIGHTS_ALL;
	assert_status(call(t, 1), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->count[VSMTEST_TLB_FLUSH], flushes);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), VSM_RIGHTS_ALL);
	vsmtest_free(t);
}
END_TEST

START_TEST(the_longest_list_works_in_any_order)
{
	struct vsmtest *t = ready();
	uint32_t i;

	for (i = 0; i < 510; i++)
		block.page[i] = 0x100 + 509 - i;
	/* Pages of this guest's own parameters stay readable and writable for VTL1. */
	assert_status(call(t, 510), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->reps, 510);
	for (i = 0; i < 510; i++)
		ck_assert_uint_eq(vsmtest_view(t, 0, (0x100 + i) * 4096ull), R);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_budget_splits_a_list_between_elements)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;
	uint32_t i;

	vsmtest_opts_init(&opts);
	opts.config.hypercall_budget = 4;
	t = with(&opts);
	for (i = 0; i < 10; i++)
		block.page[i] = PAGE(i);
	assert_status(call(t, 10), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->continuations, 2);
	ck_assert_uint_eq(t->reps, 10);
	ck_assert_uint_eq(t->count[VSMTEST_PROTECT], 3);
	for (i = 0; i < 10; i++)
		ck_assert_uint_eq(vsmtest_view(t, 0, PAGE(i) << 12), R);
	vsmtest_free(t);
}
END_TEST

/* Pages 0, 2, 4, 6 are four ranges; the host fails after `done` of them. */
static void host_fails(uint32_t done, int err, uint32_t want)
{
	struct vsmtest *t = ready();
	uint32_t i;

	for (i = 0; i < 4; i++)
		block.page[i] = PAGE(2 * i);
	vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, err);
	t->fault[VSMTEST_PROTECT].done = done;
	assert_status(call(t, 4), want);
	ck_assert_uint_eq(t->reps, done);
	for (i = 0; i < 4; i++) {
		uint32_t rights;

		assert_err(vsm_gpa_rights(t->vsm, 0, PAGE(2 * i) << 12, &rights), 0);
		ck_assert_uint_eq(rights, i < done ? R : VSM_RIGHTS_ALL);
	}
	/* And the guest may go on where it stopped. */
	assert_status(vsmtest_call_mem(t, 0,
				       VSMTEST_REP_AT(HVCALL_MODIFY_VTL_PROTECTION_MASK, 4, done),
				       &block, 16 + 32),
		      HV_STATUS_SUCCESS);
	vsmtest_free(t);
}

START_TEST(a_host_failure_keeps_what_was_applied_and_no_more)
{
	uint32_t done;

	for (done = 0; done < 4; done++)
		host_fails(done, -VSM_ERR_HOST, HV_STATUS_OPERATION_DENIED);
}
END_TEST

START_TEST(a_host_without_memory_says_insufficient_memory)
{
	host_fails(0, -VSM_ERR_NOMEM, HV_STATUS_INSUFFICIENT_MEMORY);
	host_fails(2, -VSM_ERR_NOMEM, HV_STATUS_INSUFFICIENT_MEMORY);
}
END_TEST

START_TEST(a_failure_within_a_coalesced_range_takes_back_all_of_it)
{
	struct vsmtest *t = ready();
	uint32_t i;

	/* 3 pages in one range, then one alone: the host fails at the second range. */
	for (i = 0; i < 3; i++)
		block.page[i] = PAGE(i);
	block.page[3] = PAGE(9);
	vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, -VSM_ERR_HOST);
	t->fault[VSMTEST_PROTECT].done = 1;
	assert_status(call(t, 4), HV_STATUS_OPERATION_DENIED);
	ck_assert_uint_eq(t->reps, 3);
	vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, -VSM_ERR_HOST);
	block.header.map_flags = RX;
	assert_status(call(t, 4), HV_STATUS_OPERATION_DENIED);
	ck_assert_uint_eq(t->reps, 0);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), R);
	vsmtest_free(t);
}
END_TEST

/* A host that fails and has applied all, as it says, or more: nothing stays, neither in the table
 * nor on the host, whose views are compared when the entry is over. */
START_TEST(a_failure_that_left_nothing_out_takes_back_all)
{
	static const uint32_t dones[] = { 4, 5, 0x7fffffff, 0xffffffff };

	for (uint32_t i = 0; i < 2 * VSMTEST_COUNT(dones); i++) {
		struct vsmtest *t = ready();
		uint32_t before = t->count[VSMTEST_PROTECT];

		for (uint32_t page = 0; page < 4; page++)
			block.page[page] = PAGE(2 * page);
		vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, i % 2 ? -VSM_ERR_NOMEM : -VSM_ERR_HOST);
		t->fault[VSMTEST_PROTECT].done = dones[i / 2];
		assert_status(call(t, 4),
			      i % 2 ? HV_STATUS_INSUFFICIENT_MEMORY : HV_STATUS_OPERATION_DENIED);
		ck_assert_uint_eq(t->reps, 0);
		ck_assert_uint_eq(t->count[VSMTEST_PROTECT], before + 2);
		for (uint32_t page = 0; page < 4; page++)
			ck_assert_uint_eq(vsmtest_view(t, 0, PAGE(2 * page) << 12), VSM_RIGHTS_ALL);
		assert_status(call(t, 4), HV_STATUS_SUCCESS);
		ck_assert_uint_eq(vsmtest_view(t, 0, PAGE(6) << 12), R);
		vsmtest_free(t);
	}
}
END_TEST

START_TEST(a_failed_flush_stops_the_vp_not_the_protection)
{
	struct vsmtest *t = ready();

	vsmtest_fail_op(t, VSMTEST_TLB_FLUSH, 1, 1, -VSM_ERR_HOST);
	assert_status(call(t, 1), VSMTEST_VERDICT(-VSM_ERR_HOST));
	/* The guest goes on only after a flush that worked. */
	assert_verdict(vsmtest_again(t, 0), VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), R);
	vsmtest_free(t);
}
END_TEST

START_TEST(switching_protection_on_applies_the_default_mask)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 0x20 | RX << 1),
		      HV_STATUS_SUCCESS);
	/* Not before bit 0 is set (TLFS 15.5.1.1). */
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), VSM_RIGHTS_ALL);
	ck_assert_uint_eq(t->count[VSMTEST_PROTECT], 0);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 0x21 | RX << 1),
		      HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsmtest_view(t, 0, 0), RX);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_RAM1_GPA + VSMTEST_RAM1_SIZE - 1), RX);
	ck_assert_uint_eq(t->count[VSMTEST_PROTECT], 1);
	/* Whole ranges of RAM, not page by page. */
	ck_assert_uint_le(t->ranges, 4);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_page_set_explicitly_ignores_the_default)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 0x21 | RX << 1),
		      HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, VSM_RIGHTS_ALL, VSMTEST_DATA_GPA),
		      HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), VSM_RIGHTS_ALL);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA + 0x1000), RX);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_failed_default_mask_is_no_register_change)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, -VSM_ERR_HOST);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 0x21),
		      HV_STATUS_OPERATION_DENIED);
	ck_assert_uint_eq(vsmtest_value(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG), 0x3e);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), VSM_RIGHTS_ALL);
	vsmtest_free(t);
}
END_TEST

START_TEST(protections_outlive_vtl_switches)
{
	struct vsmtest *t = ready();

	assert_status(call(t, 1), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), R);
	vsmtest_free(t);
}
END_TEST

START_TEST(no_call_keeps_other_vps_from_theirs)
{
	static const uint32_t want[] = {
		HV_STATUS_SUCCESS,
		HV_STATUS_INVALID_REGISTER_VALUE,
		HV_STATUS_INVALID_PARAMETER,
		HV_STATUS_ACCESS_DENIED,
		HV_STATUS_INVALID_PARAMETER,
		HV_STATUS_OPERATION_DENIED,
		VSMTEST_VERDICT(-VSM_ERR_HOST),
	};
	struct vsmtest_opts opts;
	struct vsmtest *t;
	uint32_t round;

	vsmtest_opts_init(&opts);
	opts.vps = 2;
	t = with(&opts);
	for (round = 0; round < VSMTEST_COUNT(want); round++) {
		block.header.map_flags = round == 1 ? 0x2 : round == 2 ? 0x80 : R;
		block.header.target_vtl = round == 3 ? VSMTEST_VTL(2) : 0;
		block.page[0] = round == 4 ? 0xffffffffff : PAGE(round);
		if (round == 5)
			vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, -VSM_ERR_HOST);
		if (round == 6)
			vsmtest_fail_op(t, VSMTEST_TLB_FLUSH, 1, 1, -VSM_ERR_HOST);
		assert_status(call(t, 1), want[round]);
		/* A flush that failed is made up for first. */
		if (round == 6)
			assert_verdict(vsmtest_again(t, 0), VSM_VERDICT_RESUME);
		/* Refused, failed or done: the other VP finds nothing taken. */
		assert_verdict(vsmtest_wrmsr(t, 1, HV_X64_MSR_SIMP,
					     round % 2 ? 0x170001 : 0x171001),
			       VSM_VERDICT_RESUME);
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(a_half_applied_element_is_taken_back_on_the_host_too)
{
	uint32_t done, i;
	struct vsmtest *t = vsmtest_new_vtls(2);

	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_enter_vtl2(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 0x3f),
		      HV_STATUS_SUCCESS);
	vsmtest_modify_init(&block, R);
	for (i = 0; i < 3; i++)
		block.page[i] = PAGE(2 * i);
	/* VTL2 restricts VTL0 and VTL1: three ranges for VTL0, then three for VTL1. */
	for (done = 0; done < 6; done++) {
		uint32_t reps = done < 3 ? 0 : done - 3;

		block.header.map_flags = R;
		vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, -VSM_ERR_HOST);
		t->fault[VSMTEST_PROTECT].done = done;
		assert_status(call(t, 3), HV_STATUS_OPERATION_DENIED);
		ck_assert_uint_eq(t->reps, reps);
		for (i = 0; i < 3; i++) {
			uint32_t want = i < reps ? R : VSM_RIGHTS_ALL;

			ck_assert_uint_eq(vsmtest_view(t, 0, PAGE(2 * i) << 12), want);
			ck_assert_uint_eq(vsmtest_view(t, 1, PAGE(2 * i) << 12), want);
		}
		vsmtest_no_faults(t);
		block.header.map_flags = VSM_RIGHTS_ALL;
		assert_status(call(t, 3), HV_STATUS_SUCCESS);
	}
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(a_vtl_takes_rights_from_the_vtls_below),
	VSMTEST_CASE(the_target_is_the_protecting_vtl),
	VSMTEST_CASE(refusals_come_in_the_order_of_the_call),
	VSMTEST_CASE(reserved_bytes_must_be_0),
	VSMTEST_CASE(case_25_vtl0_protects_nothing),
	VSMTEST_CASE(case_25_protection_must_be_switched_on_first),
	VSMTEST_CASE(a_higher_vtl_may_protect_for_a_lower_one_before_it_is_on),
	VSMTEST_CASE(rights_are_the_intersection_of_all_sets_above),
	VSMTEST_CASE(case_26_every_mask_without_mbec),
	VSMTEST_CASE(case_26_flag_bits_above_the_mask_are_refused),
	VSMTEST_CASE(legal_masks_this_host_cannot_enforce_are_denied),
	VSMTEST_CASE(unenforced_execute_is_never_given_silently),
	VSMTEST_CASE(the_knob_does_not_loosen_read_or_write),
	VSMTEST_CASE(case_27_pages_that_are_no_ram_end_the_list_there),
	VSMTEST_CASE(neighbouring_pages_become_one_range),
	VSMTEST_CASE(scattered_pages_reach_the_host_in_one_list),
	VSMTEST_CASE(only_changed_pages_reach_the_host),
	VSMTEST_CASE(a_page_named_twice_counts_twice_and_changes_once),
	VSMTEST_CASE(giving_rights_back_needs_no_flush),
	VSMTEST_CASE(the_longest_list_works_in_any_order),
	VSMTEST_CASE(a_budget_splits_a_list_between_elements),
	VSMTEST_CASE(a_host_failure_keeps_what_was_applied_and_no_more),
	VSMTEST_CASE(a_host_without_memory_says_insufficient_memory),
	VSMTEST_CASE(a_failure_within_a_coalesced_range_takes_back_all_of_it),
	VSMTEST_CASE(a_failure_that_left_nothing_out_takes_back_all),
	VSMTEST_CASE(a_failed_flush_stops_the_vp_not_the_protection),
	VSMTEST_CASE(switching_protection_on_applies_the_default_mask),
	VSMTEST_CASE(a_page_set_explicitly_ignores_the_default),
	VSMTEST_CASE(a_failed_default_mask_is_no_register_change),
	VSMTEST_CASE(protections_outlive_vtl_switches),
	VSMTEST_CASE(no_call_keeps_other_vps_from_theirs),
	VSMTEST_CASE(a_half_applied_element_is_taken_back_on_the_host_too),
};

int main(void)
{
	return vsmtest_main("protect_call", cases, VSMTEST_COUNT(cases));
}
