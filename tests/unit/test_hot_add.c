/* SPDX-License-Identifier: BSD-3-Clause */
/* vsm_ram_hot_add(): RAM that comes while the guest runs follows the default masks from the
 * start. */
#include <string.h>

#include "vsmtest.h"

#define HOT VSMTEST_HOT_GPA
#define R   HV_MAP_GPA_READABLE
#define RW  (HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE)

/* VTL1 protects, and leaves the pages that it does not name `mask`. */
static struct vsmtest *with_default(uint32_t mask)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 1 | mask << 1),
		      HV_STATUS_SUCCESS);
	return t;
}

static int rights_of(struct vsmtest *t, uint32_t vtl, uint64_t gpa)
{
	uint32_t rights = 0;
	int err = vsm_gpa_rights(t->vsm, vtl, gpa, &rights);

	return err ? err : (int)rights;
}

struct run_row {
	const char *what;
	uint32_t vtl;
	uint64_t gpa, size;
	int err;
	uint64_t length;
	uint32_t rights;
};

/* VTL1 leaves pages R, but for two: a run ends where rights, RAM or what was asked for end. */
START_TEST(rights_are_told_in_runs)
{
	static const uint64_t page = VSMTEST_PAGE, data = VSMTEST_DATA_GPA;
	static const uint64_t ram1_end = VSMTEST_RAM1_GPA + VSMTEST_RAM1_SIZE;
	const struct run_row rows[] = {
		{ "up to the change", 0, data, 64 * page, 0, 3 * page, R },
		{ "the change", 0, data + 3 * page, 64 * page, 0, 2 * page, RW },
		{ "what is asked", 0, data + 3 * page, page, 0, page, RW },
		{ "behind it", 0, data + 5 * page, 7 * page, 0, 7 * page, R },
		{ "nobody is above", 1, data, 64 * page, 0, 64 * page, 15 },
		{ "all of RAM", 1, 0, 1ull << 40, 0, VSMTEST_RAM0_SIZE, 15 },
		{ "the end of RAM", 0, ram1_end - 2 * page, 9 * page, 0, 2 * page, R },
		{ "no RAM", 0, HOT, page, -VSM_ERR_RANGE, 0, 0 },
		{ "wraps", 0, data, 0 - page, -VSM_ERR_RANGE, 0, 0 },
		{ "nothing", 0, data, 0, -VSM_ERR_INVAL, 0, 0 },
		{ "half a page", 0, data, page / 2, -VSM_ERR_INVAL, 0, 0 },
		{ "within a page", 0, data + 1, page, -VSM_ERR_INVAL, 0, 0 },
		{ "no such VTL", 2, data, page, -VSM_ERR_INVAL, 0, 0 },
	};
	struct vsmtest *t = with_default(R);
	uint64_t length;
	uint32_t rights;

	assert_status(vsmtest_modify_gpa(t, 0, RW, data + 3 * page), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, RW, data + 4 * page), HV_STATUS_SUCCESS);
	for (uint32_t i = 0; i < VSMTEST_COUNT(rows); i++) {
		const struct run_row *row = &rows[i];
		int err;

		length = 0;
		rights = 0;
		err = vsm_gpa_rights_run(t->vsm, row->vtl, row->gpa, row->size, &length, &rights);
		ck_assert_msg(err == row->err && length == row->length && rights == row->rights,
			      "%s: %d, %#llx, %u", row->what, err, (unsigned long long)length,
			      rights);
	}
	assert_err(vsm_gpa_rights_run(t->vsm, 0, data, page, NULL, &rights), -VSM_ERR_INVAL);
	assert_err(vsm_gpa_rights_run(t->vsm, 0, data, page, &length, NULL), -VSM_ERR_INVAL);
	vsmtest_free(t);
}
END_TEST

/* Without VTLs that protect there is no table: only RAM matters. */
START_TEST(runs_without_a_table_are_ranges_of_ram)
{
	uint64_t length;
	uint32_t rights;
	struct vsmtest *t = vsmtest_new_vtls(0);

	assert_err(vsm_gpa_rights_run(t->vsm, 0, 4096, 1ull << 40, &length, &rights), 0);
	ck_assert_uint_eq(length, VSMTEST_RAM0_SIZE - 4096);
	ck_assert_uint_eq(rights, 15);
	assert_err(vsm_gpa_rights_run(t->vsm, 0, VSMTEST_RAM1_GPA, 8192, &length, &rights), 0);
	ck_assert_uint_eq(length, 8192);
	assert_err(vsm_gpa_rights_run(t->vsm, 0, HOT, 4096, &length, &rights), -VSM_ERR_RANGE);
	vsmtest_free(t);
}
END_TEST

START_TEST(new_ram_has_the_rights_of_the_default_mask)
{
	static const uint32_t masks[] = { 0, R, RW, 13, 15 };

	for (uint32_t i = 0; i < VSMTEST_COUNT(masks); i++) {
		struct vsmtest *t = with_default(masks[i]);
		uint32_t asked = t->count[VSMTEST_PROTECT], flushed = t->count[VSMTEST_TLB_FLUSH];
		uint8_t byte = 1;

		ck_assert_int_eq(rights_of(t, 0, HOT), -VSM_ERR_RANGE);
		assert_err(vsmtest_gpa_read(t, VSM_VP_DMA, 0, HOT, &byte, 1), -VSM_ERR_RANGE);
		assert_err(vsmtest_hot_add(t, HOT, 8 * VSMTEST_PAGE), 0);
		ck_assert_uint_eq(t->count[VSMTEST_PROTECT], asked + (masks[i] != 15));
		ck_assert_uint_eq(t->count[VSMTEST_TLB_FLUSH], flushed);
		for (uint32_t page = 0; page < 8; page++) {
			uint64_t gpa = HOT + page * (uint64_t)VSMTEST_PAGE;

			ck_assert_int_eq(rights_of(t, 0, gpa), (int)masks[i]);
			ck_assert_int_eq(rights_of(t, 1, gpa), 15);
			ck_assert_uint_eq(vsmtest_view(t, 0, gpa), masks[i]);
		}
		ck_assert_int_eq(rights_of(t, 0, HOT + 8 * VSMTEST_PAGE), -VSM_ERR_RANGE);
		assert_err(vsmtest_gpa_write(t, VSM_VP_DMA, 0, HOT, &byte, 1),
			   masks[i] & HV_MAP_GPA_WRITABLE ? 0 : -VSM_ERR_DENIED);
		/* It can be protected like any other page. */
		assert_status(vsmtest_modify_gpa(t, 0, R, HOT + VSMTEST_PAGE), HV_STATUS_SUCCESS);
		ck_assert_int_eq(rights_of(t, 0, HOT + VSMTEST_PAGE), R);
		assert_status(vsmtest_modify_gpa(t, 0, R, HOT + 8 * VSMTEST_PAGE),
			      HV_STATUS_INVALID_PARAMETER);
		vsmtest_free(t);
	}
}
END_TEST

START_TEST(before_anybody_protects_new_ram_has_all_rights)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_err(vsmtest_hot_add(t, HOT, VSMTEST_HOT_SIZE), 0);
	ck_assert_uint_eq(t->count[VSMTEST_PROTECT], 0);
	ck_assert_int_eq(rights_of(t, 0, HOT), 15);
	/* A default mask that comes later takes it in, in the guest's hypercall. */
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 1 | R << 1),
		      HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsmtest_view(t, 0, HOT + VSMTEST_HOT_SIZE - 1), R);
	vsmtest_free(t);
}
END_TEST

/* Two protecting VTLs: each lower one gets what all above leave it. */
START_TEST(the_masks_of_all_vtls_above_meet)
{
	struct vsmtest *t = vsmtest_new_vtls(2);

	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 1 | R << 1),
		      HV_STATUS_SUCCESS);
	assert_status(vsmtest_enter_vtl2(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 1 | RW << 1),
		      HV_STATUS_SUCCESS);
	assert_err(vsmtest_hot_add(t, HOT, VSMTEST_PAGE), 0);
	ck_assert_uint_eq(t->ranges, 2);
	ck_assert_uint_eq(t->range[0].vtl, 0);
	ck_assert_uint_eq(t->range[0].rights, R);
	ck_assert_uint_eq(t->range[1].vtl, 1);
	ck_assert_uint_eq(t->range[1].rights, RW);
	ck_assert_int_eq(rights_of(t, 0, HOT), R);
	ck_assert_int_eq(rights_of(t, 1, HOT), RW);
	vsmtest_free(t);
}
END_TEST

START_TEST(bad_ranges_and_wrong_times_are_refused)
{
	const uint64_t end = 1ull << 40;
	struct vsmtest *t = with_default(R);
	struct vsmtest *bare = vsmtest_alloc(NULL);
	struct vsm_host_ops ops;
	uint64_t before = vsmtest_hash(t);

	assert_err(vsm_ram_hot_add(NULL, HOT, VSMTEST_PAGE), -VSM_ERR_INVAL);
	assert_err(vsmtest_hot_add(t, HOT + 1, VSMTEST_PAGE), -VSM_ERR_INVAL);
	assert_err(vsmtest_hot_add(t, HOT, VSMTEST_PAGE - 1), -VSM_ERR_INVAL);
	assert_err(vsmtest_hot_add(t, HOT, 0), -VSM_ERR_INVAL);
	assert_err(vsmtest_hot_add(t, end, VSMTEST_PAGE), -VSM_ERR_RANGE);
	assert_err(vsmtest_hot_add(t, end - VSMTEST_PAGE, 2 * VSMTEST_PAGE), -VSM_ERR_RANGE);
	assert_err(vsmtest_hot_add(t, VSMTEST_RAM0_SIZE - VSMTEST_PAGE, 2 * VSMTEST_PAGE),
		   -VSM_ERR_EXISTS);
	assert_same(t, before);
	vsmtest_ops(bare, &ops);
	bare->may_allocate = 1;
	assert_err(vsm_partition_create(&bare->opts.config, &ops, bare, &bare->vsm), 0);
	assert_err(vsm_ram_hot_add(bare->vsm, HOT, VSMTEST_PAGE), -VSM_ERR_MISUSE);
	bare->may_allocate = 0;
	vsmtest_free(bare);
	vsmtest_free(t);
}
END_TEST

START_TEST(there_are_64_ranges_and_then_no_more)
{
	struct vsmtest *t = with_default(R);
	uint32_t i;

	for (i = 2; i < 34; i++)
		assert_err(vsmtest_hot_add(t, HOT + (i - 2) * 2ull * VSMTEST_PAGE, VSMTEST_PAGE),
			   0);
	for (; i < 64; i++)
		assert_err(vsmtest_hot_add(t, HOT + (i - 34) * 2ull * VSMTEST_PAGE + VSMTEST_PAGE,
					   VSMTEST_PAGE),
			   0);
	assert_err(vsmtest_hot_add(t, HOT + 61ull * VSMTEST_PAGE, VSMTEST_PAGE), -VSM_ERR_NOMEM);
	ck_assert_int_eq(rights_of(t, 0, HOT + 60ull * VSMTEST_PAGE), R);
	ck_assert_int_eq(rights_of(t, 0, HOT + 61ull * VSMTEST_PAGE), -VSM_ERR_RANGE);
	vsmtest_free(t);
}
END_TEST

/* What fails leaves nothing, and can be tried again. */
START_TEST(a_failure_leaves_no_ram)
{
	static const struct {
		int32_t given, got;
	} rows[] = { { -VSM_ERR_HOST, -VSM_ERR_HOST },
		     { -VSM_ERR_NOMEM, -VSM_ERR_NOMEM },
		     { -VSM_ERR_STATE, -VSM_ERR_HOST },
		     { VSM_PENDING, -VSM_ERR_HOST } };
	struct vsmtest *t = with_default(R);
	uint64_t before = vsmtest_hash(t);

	for (uint32_t i = 0; i < VSMTEST_COUNT(rows); i++) {
		vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, rows[i].given);
		assert_err(vsmtest_hot_add(t, HOT, VSMTEST_PAGE), rows[i].got);
		t->pending[VSMTEST_PROTECT].active = 0;
		vsmtest_no_faults(t);
		assert_same(t, before);
		ck_assert_int_eq(rights_of(t, 0, HOT), -VSM_ERR_RANGE);
	}
	t->alloc_fail_at = 1;
	assert_err(vsmtest_hot_add(t, HOT, VSMTEST_PAGE), -VSM_ERR_NOMEM);
	ck_assert_int_eq(rights_of(t, 0, HOT), -VSM_ERR_RANGE);
	ck_assert_uint_eq(vsmtest_view(t, 0, HOT), VSM_RIGHTS_ALL);
	assert_err(vsmtest_hot_add(t, HOT, VSMTEST_PAGE), 0);
	ck_assert_int_eq(rights_of(t, 0, HOT), R);
	vsmtest_free(t);
}
END_TEST

static struct vsmtest *two_vps(void)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	opts.vps = opts.config.max_vps = 2;
	t = vsmtest_new(&opts);
	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	return t;
}

START_TEST(while_a_vp_changes_rights_it_is_too_early)
{
	struct vsmtest *t = two_vps();

	vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, VSM_PENDING);
	assert_status(vsmtest_modify_gpa(t, 0, R, VSMTEST_DATA_GPA),
		      VSMTEST_VERDICT(VSM_VERDICT_BLOCKED));
	vsmtest_no_faults(t);
	assert_err(vsmtest_hot_add(t, HOT, VSMTEST_PAGE), -VSM_ERR_BUSY);
	ck_assert_int_eq(rights_of(t, 0, HOT), -VSM_ERR_RANGE);
	assert_err(vsmtest_complete(t, VSMTEST_PROTECT, 0, 0), 0);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	assert_err(vsmtest_hot_add(t, HOT, VSMTEST_PAGE), 0);
	vsmtest_free(t);
}
END_TEST

/* What may and may not be done while RAM is being added, seen from its op. */
static void beside(struct vsmtest *t, enum vsmtest_op op, uint32_t vp)
{
	uint32_t *runs = t->hook_arg;
	struct vsm_vp_config config = { .size = sizeof(config), .index = 1 };
	struct vsm_vp *out = NULL;

	(void)vp;
	if (op != VSMTEST_PROTECT || (*runs)++ != 0)
		return;
	ck_assert_int_eq(vsm_ram_hot_add(t->vsm, HOT + VSMTEST_PAGE, VSMTEST_PAGE),
			 -VSM_ERR_MISUSE);
	ck_assert_int_eq(vsm_partition_reset(t->vsm), -VSM_ERR_MISUSE);
	ck_assert_int_eq(vsm_vp_create(t->vsm, &config, &out), -VSM_ERR_MISUSE);
	vsm_partition_destroy(t->vsm);
	/* A VP that wants to change something meanwhile waits, and is kicked. */
	ck_assert_int_eq(vsm_vp_wrmsr(t->vp[0].vp, HV_X64_MSR_SIMP, VSMTEST_SIMP_GPA(0, 1) | 1),
			 VSM_VERDICT_BLOCKED);
}

START_TEST(nothing_else_changes_while_ram_is_added)
{
	struct vsmtest *t = with_default(R);
	uint32_t runs = 0;

	t->vp[0].kicks = 0;
	t->hook_arg = &runs;
	t->hook = beside;
	assert_err(vsmtest_hot_add(t, HOT, VSMTEST_PAGE), 0);
	t->hook = NULL;
	ck_assert_uint_eq(runs, 1);
	ck_assert_uint_eq(t->vp[0].kicks, 1);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	ck_assert_int_eq(rights_of(t, 0, HOT), R);
	ck_assert_int_eq(rights_of(t, 0, HOT + VSMTEST_PAGE), -VSM_ERR_RANGE);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_reset_keeps_the_ram_and_zeroes_it_if_asked)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG,
				  1 | HV_VSM_PARTITION_CONFIG_ZERO_MEMORY_ON_RESET),
		      HV_STATUS_SUCCESS);
	assert_err(vsmtest_hot_add(t, HOT, VSMTEST_PAGE), 0);
	ck_assert_int_eq(rights_of(t, 0, HOT), 0);
	memset(vsmtest_ram(t, HOT), 0x5e, VSMTEST_PAGE);
	assert_err(vsmtest_reset(t), 0);
	ck_assert_int_eq(rights_of(t, 0, HOT), 15);
	ck_assert_uint_eq(vsmtest_view(t, 0, HOT), 15);
	ck_assert_uint_eq(*vsmtest_ram(t, HOT), 0);
	vsmtest_free(t);
}
END_TEST

/* Without a map: VTL0 alone, and a partition that had no RAM. */
START_TEST(partitions_without_a_map)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;
	struct vsm_host_ops ops;

	vsmtest_opts_init(&opts);
	opts.config.max_vtl = 0;
	t = vsmtest_new(&opts);
	assert_err(vsmtest_hot_add(t, HOT, VSMTEST_PAGE), 0);
	ck_assert_int_eq(rights_of(t, 0, HOT), 15);
	vsmtest_free(t);
	t = vsmtest_alloc(NULL);
	vsmtest_ops(t, &ops);
	t->may_allocate = 1;
	assert_err(vsm_partition_create(&t->opts.config, &ops, t, &t->vsm), 0);
	assert_err(vsm_partition_realise(t->vsm), 0);
	assert_err(vsm_ram_hot_add(t->vsm, HOT, VSMTEST_PAGE), -VSM_ERR_NOSUP);
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(rights_are_told_in_runs),
	VSMTEST_CASE(runs_without_a_table_are_ranges_of_ram),
	VSMTEST_CASE(new_ram_has_the_rights_of_the_default_mask),
	VSMTEST_CASE(before_anybody_protects_new_ram_has_all_rights),
	VSMTEST_CASE(the_masks_of_all_vtls_above_meet),
	VSMTEST_CASE(bad_ranges_and_wrong_times_are_refused),
	VSMTEST_CASE(there_are_64_ranges_and_then_no_more),
	VSMTEST_CASE(a_failure_leaves_no_ram),
	VSMTEST_CASE(while_a_vp_changes_rights_it_is_too_early),
	VSMTEST_CASE(nothing_else_changes_while_ram_is_added),
	VSMTEST_CASE(a_reset_keeps_the_ram_and_zeroes_it_if_asked),
	VSMTEST_CASE(partitions_without_a_map),
};

int main(void)
{
	return vsmtest_main("hot_add", cases, VSMTEST_COUNT(cases));
}
