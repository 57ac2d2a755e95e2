/* SPDX-License-Identifier: BSD-3-Clause */
/* ModifyVtlProtectionMask: the list for the host, and lists that end early (TLFS 15.9.2). */
#include "internal.h"
#include "protmap.h"

#include "protect_common.h"

START_TEST(the_host_gets_a_list_sorted_and_merged)
{
	static const uint32_t order[] = { 9, 3, 5, 4, 20, 8, 3, 7 };
	struct vsmtest *t = ready();
	uint32_t i;

	for (i = 0; i < VSMTEST_COUNT(order); i++)
		block.page[i] = PAGE(order[i]);
	assert_status(call(t, VSMTEST_COUNT(order)), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->count[VSMTEST_PROTECT], 1);
	ck_assert_uint_eq(t->ranges, 3);
	ck_assert_uint_eq(t->range[0].gpa, PAGE(3) << 12);
	ck_assert_uint_eq(t->range[0].size, 3 * 4096);
	ck_assert_uint_eq(t->range[1].gpa, PAGE(7) << 12);
	ck_assert_uint_eq(t->range[1].size, 3 * 4096);
	ck_assert_uint_eq(t->range[2].gpa, PAGE(20) << 12);
	/* What had other rights before becomes one range with the same rights. */
	block.page[0] = PAGE(6);
	block.header.map_flags = RX;
	assert_status(call(t, 1), HV_STATUS_SUCCESS);
	for (i = 0; i < 10; i++)
		block.page[i] = PAGE(12 - i);
	block.header.map_flags = RW;
	assert_status(call(t, 10), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->ranges, 1);
	ck_assert_uint_eq(t->range[0].gpa, PAGE(3) << 12);
	ck_assert_uint_eq(t->range[0].size, 10 * 4096);
	vsmtest_free(t);
}
END_TEST

/* Elements in list order, ranges in page order: reps are the first element that lacks a page, and
 * what was applied of later ones is given back (case 27). */
START_TEST(case_27_reps_are_exact_when_a_sorted_list_fails)
{
	static const struct {
		uint32_t page[5];
		uint32_t done; /* ranges; the pages are apart: 1 3 5 7 */
		uint32_t reps;
	} lists[] = {
		{ { 1, 3, 5, 7, 7 }, 2, 2 }, /* as they come */
		{ { 7, 5, 3, 1, 1 }, 2, 0 }, /* backwards: the first element is the last range */
		{ { 3, 7, 1, 5, 5 }, 3, 1 },
		{ { 1, 7, 1, 3, 5 }, 3, 1 }, /* a page twice: it stays, as element 0 named it */
		{ { 3, 1, 5, 3, 7 }, 3, 4 },
		{ { 5, 5, 5, 1, 3 }, 2, 0 },
		{ { 5, 1, 5, 3, 5 }, 0, 0 },
	};
	struct vsmtest *t = ready();
	uint32_t n, i;

	for (n = 0; n < VSMTEST_COUNT(lists); n++) {
		uint32_t page;

		for (i = 0; i < 5; i++)
			block.page[i] = PAGE(lists[n].page[i]);
		block.header.map_flags = R;
		vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, -VSM_ERR_HOST);
		t->fault[VSMTEST_PROTECT].done = lists[n].done;
		assert_status(call(t, 5), HV_STATUS_OPERATION_DENIED);
		ck_assert_msg(t->reps == lists[n].reps, "list %u: %u reps", n, t->reps);
		for (page = 0; page < 9; page++) {
			uint32_t want = VSM_RIGHTS_ALL;

			for (i = 0; i < lists[n].reps; i++)
				want = lists[n].page[i] == page ? R : want;
			ck_assert_uint_eq(vsmtest_view(t, 0, PAGE(page) << 12), want);
		}
		vsmtest_no_faults(t);
		block.header.map_flags = VSM_RIGHTS_ALL;
		assert_status(call(t, 5), HV_STATUS_SUCCESS);
	}
	vsmtest_free(t);
}
END_TEST

/* At the end of the map's memory: what came before in the list stays, nothing after it is
 * touched. */
START_TEST(case_30_a_map_without_memory_says_insufficient_memory)
{
	struct vsmtest *t = ready();
	struct protmap_pool *pool = protmap_range_of(t->vsm->map, 0)->pool;
	uint32_t unit, taken, i;

	/* The region of the data pages gets its leaf, then the pool runs out. */
	assert_status(call(t, 1), HV_STATUS_SUCCESS);
	for (taken = 0; pool_take(pool, 1, &unit);)
		taken++;
	ck_assert_uint_gt(taken, 0);
	block.page[0] = PAGE(3);
	block.page[1] = PAGE(1);
	block.page[2] = 5; /* of a region without a leaf */
	block.page[3] = PAGE(7);
	assert_status(call(t, 4), HV_STATUS_INSUFFICIENT_MEMORY);
	ck_assert_uint_eq(t->reps, 2);
	ck_assert_uint_eq(vsmtest_view(t, 0, PAGE(3) << 12), R);
	ck_assert_uint_eq(vsmtest_view(t, 0, PAGE(1) << 12), R);
	ck_assert_uint_eq(vsmtest_view(t, 0, 5 << 12), VSM_RIGHTS_ALL);
	ck_assert_uint_eq(vsmtest_view(t, 0, PAGE(7) << 12), VSM_RIGHTS_ALL);
	/* Neither the host's failure nor what it undoes needs memory. */
	for (i = 0; i < 4; i++)
		block.page[i] = PAGE(10 + 2 * i);
	vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, -VSM_ERR_HOST);
	t->fault[VSMTEST_PROTECT].done = 1;
	assert_status(call(t, 4), HV_STATUS_OPERATION_DENIED);
	ck_assert_uint_eq(t->reps, 1);
	ck_assert_uint_eq(vsmtest_view(t, 0, PAGE(12) << 12), VSM_RIGHTS_ALL);
	/* And there is memory again when pages have become alike. */
	block.header.map_flags = VSM_RIGHTS_ALL;
	assert_status(call(t, 1), HV_STATUS_SUCCESS);
	pool_give(pool, 1, unit);
	block.page[0] = 5;
	block.header.map_flags = R;
	assert_status(call(t, 1), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsmtest_view(t, 0, 5 << 12), R);
	vsmtest_free(t);
}
END_TEST

/* Case 25: the default mask may change until the set acts, which is for good. A refused change
 * changes nothing, neither in the register nor for the guest. */
START_TEST(case_25_the_default_mask_is_fixed_by_the_switch)
{
	static const uint64_t refused[] = { 0x20 | RX << 1, 0x21 | RX << 1, 0x21 | R << 1, 0x3e };
	struct vsmtest *t = vsmtest_new(NULL);
	size_t i;

	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 0x20 | R << 1),
		      HV_STATUS_SUCCESS);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 0x20 | RW << 1),
		      HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->count[VSMTEST_PROTECT], 0);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 0x21 | RW << 1),
		      HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), RW);
	for (i = 0; i < VSMTEST_COUNT(refused); i++) {
		assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, refused[i]),
			      HV_STATUS_INVALID_REGISTER_VALUE);
		ck_assert_uint_eq(vsmtest_value(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG),
				  0x21 | RW << 1);
		ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), RW);
	}
	ck_assert_uint_eq(t->count[VSMTEST_PROTECT], 1);
	vsmtest_free(t);
}
END_TEST

/* Many pages were set before the set acts: they become runs, and where these are too many for one
 * call of the host, the switch is refused and nothing has changed. */
START_TEST(runs_that_were_set_before_the_switch)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;
	uint32_t pages, i;

	for (pages = 64; pages <= 640; pages += 576) {
		vsmtest_opts_init(&opts);
		opts.config.max_vtl = 2;
		t = vsmtest_new(&opts);
		assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
		assert_status(vsmtest_enter_vtl2(t, 0), HV_STATUS_SUCCESS);
		vsmtest_modify_init(&block, R);
		block.header.target_vtl = VSMTEST_VTL(1);
		for (i = 0; i < pages / 2; i++)
			block.page[i] = 0x10 + 2 * i;
		assert_status(call(t, pages / 2), HV_STATUS_SUCCESS);
		ck_assert_uint_eq(t->count[VSMTEST_PROTECT], 0);
		if (pages == 64) {
			assert_status(vsmtest_set(t, 0, VSMTEST_VTL(1),
						  HV_REGISTER_VSM_PARTITION_CONFIG, 0x21 | RX << 1),
				      HV_STATUS_SUCCESS);
			/* A run for each page and for what lies between, and for each range of
			 * RAM. */
			ck_assert_uint_eq(t->ranges, 2 * 32 + 2);
			ck_assert_uint_eq(vsmtest_view(t, 0, 0x10 << 12), R);
			ck_assert_uint_eq(vsmtest_view(t, 0, 0x11 << 12), RX);
		} else {
			assert_status(vsmtest_set(t, 0, VSMTEST_VTL(1),
						  HV_REGISTER_VSM_PARTITION_CONFIG, 0x21 | RX << 1),
				      HV_STATUS_INSUFFICIENT_MEMORY);
			ck_assert_uint_eq(t->count[VSMTEST_PROTECT], 0);
			ck_assert_uint_eq(vsmtest_view(t, 0, 0x11 << 12), VSM_RIGHTS_ALL);
		}
		vsmtest_free(t);
	}
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(the_host_gets_a_list_sorted_and_merged),
	VSMTEST_CASE(case_27_reps_are_exact_when_a_sorted_list_fails),
	VSMTEST_CASE(case_30_a_map_without_memory_says_insufficient_memory),
	VSMTEST_CASE(case_25_the_default_mask_is_fixed_by_the_switch),
	VSMTEST_CASE(runs_that_were_set_before_the_switch),
};

int main(void)
{
	return vsmtest_main("protect_list", cases, VSMTEST_COUNT(cases));
}
