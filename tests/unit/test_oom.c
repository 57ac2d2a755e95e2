/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every allocation fails once, and once together with all later ones. The call that made it says
 * so, owns no more memory than before, and has changed nothing; made again it succeeds, and the
 * machine that comes of it is the one that never saw a failure.
 */
#include <stdio.h>

#include "vsmtest.h"

#define VPS   3u
#define STEPS (2u + VPS)

/* A machine on which nothing has been called yet. */
static struct vsmtest *bare(struct vsm_host_ops *ops)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	opts.vps = VPS;
	opts.config.max_vps = VPS;
	t = vsmtest_alloc(&opts);
	vsmtest_ops(t, ops);
	t->may_allocate = 1;
	return t;
}

static int create_vp(struct vsmtest *t, uint32_t slot)
{
	struct vsm_vp_config config = {
		.size = sizeof(config),
		.index = slot,
		.apic_id = t->opts.apic_id[slot],
		.opaque = &t->vp[slot],
	};
	int err = vsm_vp_create(t->vsm, &config, &t->vp[slot].vp);

	if (!err)
		t->vps = slot + 1;
	return err;
}

/* The calls that may allocate, in their order. */
static int step(struct vsmtest *t, const struct vsm_host_ops *ops, uint32_t n)
{
	int err;

	if (n > 1)
		return create_vp(t, n - 2);
	if (n == 1)
		return vsm_partition_realise(t->vsm);
	err = vsm_partition_create(&t->opts.config, ops, t, &t->vsm);
	if (err)
		return err;
	/* Ranges of RAM are kept in the partition itself: no allocation, so no failure. */
	assert_err(vsm_ram_add(t->vsm, VSMTEST_RAM0_GPA, VSMTEST_RAM0_SIZE), 0);
	assert_err(vsm_ram_add(t->vsm, VSMTEST_RAM1_GPA, VSMTEST_RAM1_SIZE), 0);
	return 0;
}

/* What may be hashed: before the first VP there is nobody to see anything. */
static uint64_t state(struct vsmtest *t)
{
	return t->vps ? vsmtest_hash(t) : 0;
}

/* VTL1 comes up, on the other VPs through that of the first: what was allocated is used. */
static uint64_t finished(struct vsmtest *t)
{
	struct hv_initial_vp_context context;
	uint64_t hash;
	uint32_t i;

	t->may_allocate = 0;
	vsmtest_context64(&context);
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	for (i = 1; i < VPS; i++) {
		assert_status(vsmtest_enable_vp_vtl(t, 0, i, 1, &context), HV_STATUS_SUCCESS);
		assert_status(vsmtest_enter_vtl1(t, i), HV_STATUS_SUCCESS);
	}
	hash = vsmtest_hash(t);
	vsmtest_free(t);
	return hash;
}

static uint64_t undisturbed(void)
{
	struct vsm_host_ops ops;
	struct vsmtest *t = bare(&ops);
	uint32_t n;

	for (n = 0; n < STEPS; n++)
		assert_err(step(t, &ops, n), 0);
	return finished(t);
}

/* The at-th allocation of one step fails. @return 0 if the step makes fewer. */
static int one_failure(uint32_t failing, uint32_t at, uint32_t persistent, uint64_t end)
{
	struct vsm_host_ops ops;
	struct vsmtest *t = bare(&ops);
	uint64_t hash, bytes;
	uint32_t n, live;
	int err;

	for (n = 0; n < failing; n++)
		assert_err(step(t, &ops, n), 0);
	hash = state(t);
	live = t->live;
	bytes = t->live_bytes;
	t->alloc_fail_at = at;
	t->alloc_fail_on = persistent;
	err = step(t, &ops, failing);
	t->alloc_fail_at = t->alloc_fail_on = 0;
	if (!t->faults_hit) {
		assert_err(err, 0);
		vsmtest_free(t);
		return 0;
	}
	assert_err(err, -VSM_ERR_NOMEM);
	ck_assert_msg(t->live == live && t->live_bytes == bytes,
		      "step %u keeps memory after allocation %u has failed", failing, at);
	if (!failing)
		ck_assert_ptr_null(t->vsm);
	ck_assert_msg(state(t) == hash, "step %u: allocation %u failed, and something has changed",
		      failing, at);
	for (n = failing; n < STEPS; n++)
		assert_err(step(t, &ops, n), 0);
	ck_assert_msg(finished(t) == end,
		      "step %u: after allocation %u had failed it ends elsewhere", failing, at);
	return 1;
}

/* All failures of one step. @return their number. */
static uint32_t all_failures(uint32_t failing, uint64_t end)
{
	uint32_t at, persistent, points = 0;

	for (persistent = 0; persistent < 2; persistent++)
		for (at = 1; one_failure(failing, at, persistent, end); at++)
			points++;
	return points;
}

START_TEST(no_allocation_of_create_changes_anything_by_failing)
{
	uint32_t points = all_failures(0, undisturbed());

	printf("# %u failed allocations in create\n", points);
	ck_assert_uint_ge(points, 2);
}
END_TEST

START_TEST(no_allocation_of_realise_changes_anything_by_failing)
{
	uint32_t points = all_failures(1, undisturbed());

	printf("# %u failed allocations in realise\n", points);
	ck_assert_uint_ge(points, 4);
}
END_TEST

START_TEST(no_allocation_of_vp_create_changes_anything_by_failing)
{
	uint64_t end = undisturbed();
	uint32_t n, points = 0;

	for (n = 2; n < STEPS; n++)
		points += all_failures(n, end);
	printf("# %u failed allocations in vp_create\n", points);
	ck_assert_uint_ge(points, 2 * VPS);
}
END_TEST

/* The arena is memory too, though the host gives it by an op of its own. */
START_TEST(realise_may_be_made_again_when_there_was_no_arena)
{
	uint64_t end = undisturbed();
	struct vsm_host_ops ops;
	struct vsmtest *t = bare(&ops);
	uint32_t n, live;

	assert_err(step(t, &ops, 0), 0);
	live = t->live;
	vsmtest_fail_op(t, VSMTEST_OVERLAY_ARENA, 1, 1, -VSM_ERR_NOMEM);
	assert_err(step(t, &ops, 1), -VSM_ERR_NOMEM);
	ck_assert_uint_eq(t->live, live);
	for (n = 1; n < STEPS; n++)
		assert_err(step(t, &ops, n), 0);
	ck_assert_uint_eq(finished(t), end);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(no_allocation_of_create_changes_anything_by_failing),
	VSMTEST_CASE(no_allocation_of_realise_changes_anything_by_failing),
	VSMTEST_CASE(no_allocation_of_vp_create_changes_anything_by_failing),
	VSMTEST_CASE(realise_may_be_made_again_when_there_was_no_arena),
};

int main(void)
{
	return vsmtest_main("oom", cases, VSMTEST_COUNT(cases));
}
