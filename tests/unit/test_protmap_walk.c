/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The protection map as a whole: walking it, readers beside a writer, and random operations
 * against a model that is too simple to be wrong.
 */
#include "protmap_common.h"
#include "random.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

/* Walking */

static void expect_run(const struct vsm_protmap *map, uint32_t vtl, uint64_t from, uint64_t gpa,
		       uint64_t pages, uint32_t rights)
{
	struct vsm_range run = { 0x5a, 0x5a };
	uint32_t got = 0x5a;

	ck_assert_int_eq(vsm_protmap_next(map, vtl, from, &run, &got), 0);
	ck_assert_uint_eq(run.gpa, gpa);
	ck_assert_uint_eq(run.size, pages * PAGE);
	ck_assert_uint_eq(got, rights);
}

START_TEST(a_run_ends_where_rights_change)
{
	struct vsm_protmap *map = new_map(1);

	ck_assert_int_eq(vsm_protmap_set(map, 1, 2 * PAGE, 3, R), 0);
	expect_run(map, 0, 0, 0, LOW_PAGES, ALL);
	ck_assert_int_eq(vsm_protmap_enable(map, 1, 1), 0);
	expect_run(map, 0, 0, 0, 2, ALL);
	expect_run(map, 0, 2 * PAGE, 2 * PAGE, 3, R);
	expect_run(map, 0, 5 * PAGE, 5 * PAGE, LOW_PAGES - 5, ALL);
	expect_run(map, 1, 0, 0, LOW_PAGES, ALL);
	vsm_protmap_destroy(map);
}
END_TEST

/* Explicit, by default, or by another VTL: only the rights count. */
START_TEST(equal_rights_are_one_run_whatever_gives_them)
{
	struct vsm_protmap *map = new_map(2);

	ck_assert_int_eq(vsm_protmap_default_set(map, 1, R | W), 0);
	ck_assert_int_eq(vsm_protmap_set(map, 1, PAGE, 1, R | W), 0);
	ck_assert_int_eq(vsm_protmap_set(map, 1, 2 * PAGE, 1, ALL), 0);
	ck_assert_int_eq(vsm_protmap_set(map, 2, 2 * PAGE, 1, R | W), 0);
	ck_assert_int_eq(vsm_protmap_enable(map, 1, 1), 0);
	ck_assert_int_eq(vsm_protmap_enable(map, 2, 1), 0);
	expect_run(map, 0, 0, 0, LOW_PAGES, R | W);
	expect_run(map, 1, 0, 0, 2, ALL);
	vsm_protmap_destroy(map);
}
END_TEST

START_TEST(a_walk_begins_at_the_page_or_the_next_ram)
{
	struct vsm_protmap *map = new_map(1);

	expect_run(map, 0, 5 * PAGE + 1, 5 * PAGE, LOW_PAGES - 5, ALL);
	expect_run(map, 0, LOW_PAGES * PAGE - 1, (LOW_PAGES - 1) * PAGE, 1, ALL);
	expect_run(map, 0, LOW_PAGES * PAGE, MID_GPA, MID_PAGES, ALL);
	expect_run(map, 0, MID_GPA - 1, MID_GPA, MID_PAGES, ALL);
	expect_run(map, 0, HIGH_GPA + 3 * PAGE, HIGH_GPA + 3 * PAGE, 1, ALL);
	vsm_protmap_destroy(map);
}
END_TEST

/* Hosts have a mapping for each range; a run across two of them would have to be cut again. */
START_TEST(a_run_ends_with_its_range)
{
	struct vsm_protmap *map = new_map(1);

	expect_run(map, 0, MID_GPA, MID_GPA, MID_PAGES, ALL);
	expect_run(map, 0, HIGH_GPA, HIGH_GPA, HIGH_PAGES, ALL);
	vsm_protmap_destroy(map);
}
END_TEST

START_TEST(a_walk_ends_above_the_last_ram)
{
	uint64_t end = HIGH_GPA + HIGH_PAGES * PAGE;
	uint64_t above[] = { end, end + 1, 1ull << 52, UINT64_MAX - 4095, UINT64_MAX };
	struct vsm_protmap *map = new_map(1);
	struct vsm_range run = { 1, 2 };
	uint32_t rights = 3;
	size_t i;

	for (i = 0; i < sizeof(above) / sizeof(above[0]); i++)
		ck_assert_int_eq(vsm_protmap_next(map, 0, above[i], &run, &rights),
				 -VSM_ERR_NOTFOUND);
	ck_assert_uint_eq(run.gpa, 1);
	ck_assert_uint_eq(run.size, 2);
	ck_assert_uint_eq(rights, 3);
	vsm_protmap_destroy(map);
}
END_TEST

START_TEST(next_refuses_bad_arguments)
{
	struct vsm_protmap *map = new_map(1);
	struct vsm_range run;
	uint32_t rights;

	ck_assert_int_eq(vsm_protmap_next(NULL, 0, 0, &run, &rights), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_next(map, 2, 0, &run, &rights), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_next(map, 0, 0, NULL, &rights), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_next(map, 0, 0, &run, NULL), -VSM_ERR_INVAL);
	vsm_protmap_destroy(map);
}
END_TEST

/* The highest page that an address can name: a walk must end there, not begin anew. */
START_TEST(a_walk_to_the_end_of_the_address_space)
{
	struct vsm_range ranges[2] = { { 0, PAGE }, { (1ull << 52) - 2 * PAGE, 2 * PAGE } };
	uint64_t last = (1ull << 52) - PAGE;
	struct vsm_protmap *map;
	struct vsm_range run;
	uint32_t rights;

	ck_assert_int_eq(vsm_protmap_create(NULL, 1, ranges, 2, PLENTY, &map), 0);
	ck_assert_int_eq(vsm_protmap_enable(map, 1, 1), 0);
	ck_assert_int_eq(vsm_protmap_set(map, 1, last, 1, R), 0);
	ck_assert_int_eq(vsm_protmap_set(map, 1, last, 2, R), -VSM_ERR_RANGE);
	expect_run(map, 0, PAGE, last - PAGE, 1, ALL);
	expect_run(map, 0, last, last, 1, R);
	ck_assert_int_eq(vsm_protmap_next(map, 0, last + PAGE, &run, &rights), -VSM_ERR_NOTFOUND);
	vsm_protmap_destroy(map);
}
END_TEST

/* Random operations against a model */

#define OPS_ALL	     20000u
#define OPS_SHORT    (OPS_ALL / 20)
#define MODEL_PAGES  (LOW_PAGES + MID_PAGES + HIGH_PAGES)
#define NOT_EXPLICIT 0xff

/* The rights of each page for each VTL, in the simplest form that can hold them. */
struct model {
	uint32_t max_vtl;
	uint8_t page[16][MODEL_PAGES]; /* mask or NOT_EXPLICIT */
	uint8_t defaults[16];
	uint8_t enabled[16];
};

static uint64_t seed;

static uint32_t below(uint32_t limit)
{
	return (uint32_t)(random_next(&seed) >> 16) % limit;
}

static uint64_t model_gpa(uint32_t page)
{
	return page < LOW_PAGES ? page * PAGE : MID_GPA + (page - LOW_PAGES) * PAGE;
}

/* Number of the page, or -1 outside of RAM. */
static int model_page(uint64_t gpa)
{
	uint32_t page;

	for (page = 0; page < MODEL_PAGES; page++) {
		if (gpa / PAGE == model_gpa(page) / PAGE)
			return (int)page;
	}
	return -1;
}

static void model_reset(struct model *model, uint32_t max_vtl)
{
	memset(model, 0, sizeof(*model));
	model->max_vtl = max_vtl;
	memset(model->page, NOT_EXPLICIT, sizeof(model->page));
	memset(model->defaults, ALL, sizeof(model->defaults));
}

static uint32_t model_mask(const struct model *model, uint32_t vtl, uint32_t page)
{
	uint8_t mask = model->page[vtl][page];

	return mask == NOT_EXPLICIT ? model->defaults[vtl] : mask;
}

static uint32_t model_rights(const struct model *model, uint32_t vtl, uint32_t page)
{
	uint32_t rights = ALL;
	uint32_t above;

	for (above = vtl + 1; above <= model->max_vtl; above++) {
		if (model->enabled[above])
			rights &= model_mask(model, above, page);
	}
	return rights;
}

static int model_write(struct model *model, uint32_t vtl, uint64_t gpa, uint64_t pages,
		       uint32_t mask, uint8_t entry)
{
	uint64_t i;

	if (vtl < 1 || vtl > model->max_vtl || gpa % PAGE || !pages || mask > ALL)
		return -VSM_ERR_INVAL;
	for (i = 0; i < pages; i++) {
		if (model_page(gpa + i * PAGE) < 0)
			return -VSM_ERR_RANGE;
	}
	for (i = 0; i < pages; i++)
		model->page[vtl][model_page(gpa + i * PAGE)] = entry;
	return 0;
}

/* One operation on both; now and then one that must fail. */
static void random_op(struct vsm_protmap *map, struct model *model)
{
	uint32_t vtl = below(20) ? 1 + below(model->max_vtl) : below(17);
	uint64_t gpa = model_gpa(below(MODEL_PAGES)) + (below(50) ? 0 : below(4096));
	uint64_t pages = below(20) ? 1 + below(6) : below(40);
	uint32_t mask = below(50) ? below(16) : below(32);
	int on = (int)below(3);
	int good = vtl >= 1 && vtl <= model->max_vtl;

	switch (below(10)) {
	case 0:
		ck_assert_int_eq(vsm_protmap_default_set(map, vtl, mask),
				 good && mask <= ALL ? 0 : -VSM_ERR_INVAL);
		if (good && mask <= ALL)
			model->defaults[vtl] = (uint8_t)mask;
		break;
	case 1:
		ck_assert_int_eq(vsm_protmap_enable(map, vtl, on), good ? 0 : -VSM_ERR_INVAL);
		if (good)
			model->enabled[vtl] = on != 0;
		break;
	case 2:
	case 3:
	case 4:
		ck_assert_int_eq(vsm_protmap_unset(map, vtl, gpa, pages),
				 model_write(model, vtl, gpa, pages, 0, NOT_EXPLICIT));
		break;
	default:
		ck_assert_int_eq(vsm_protmap_set(map, vtl, gpa, pages, mask),
				 model_write(model, vtl, gpa, pages, mask, (uint8_t)mask));
	}
	if (!below(500)) {
		vsm_protmap_reset(map);
		model_reset(model, model->max_vtl);
	}
}

static int model_denier(const struct model *model, uint32_t vtl, uint32_t page, uint32_t wanted)
{
	uint32_t above;

	for (above = vtl + 1; above <= model->max_vtl; above++) {
		if (model->enabled[above] && (model_mask(model, above, page) & wanted) != wanted)
			return (int)above;
	}
	return 0;
}

static void compare_pages(const struct vsm_protmap *map, const struct model *model)
{
	uint32_t vtl;
	uint32_t page;

	for (vtl = 0; vtl <= model->max_vtl; vtl++) {
		for (page = 0; page < MODEL_PAGES; page++) {
			uint64_t gpa = model_gpa(page);
			uint32_t wanted = below(16);

			ck_assert_uint_eq(rights_of(map, vtl, gpa + below(4096)),
					  model_rights(model, vtl, page));
			ck_assert_int_eq(vsm_protmap_denier(map, vtl, gpa, wanted),
					 model_denier(model, vtl, page, wanted));
			if (!vtl)
				continue;
			ck_assert_uint_eq(
				entry_of(map, vtl, gpa),
				model_mask(model, vtl, page) |
					(model->page[vtl][page] == NOT_EXPLICIT ? 0 : EXPLICIT));
		}
	}
}

/* The walk shows each page once, in order, with its rights, and no two runs that are one. */
static void compare_walk(const struct vsm_protmap *map, const struct model *model, uint32_t vtl)
{
	struct vsm_range run = { 0, 0 };
	uint64_t end = 0;
	uint32_t before = ALL + 1;
	uint32_t seen = 0;
	uint32_t rights;
	uint64_t gpa;

	while (vsm_protmap_next(map, vtl, end, &run, &rights) == 0) {
		ck_assert_uint_ge(run.gpa, end);
		ck_assert_uint_gt(run.size, 0);
		if (run.gpa == end && end != HIGH_GPA)
			ck_assert_uint_ne(rights, before);
		for (gpa = run.gpa; gpa < run.gpa + run.size; gpa += PAGE) {
			ck_assert_int_eq(model_page(gpa), (int)seen++);
			ck_assert_uint_eq(rights,
					  model_rights(model, vtl, (uint32_t)model_page(gpa)));
		}
		end = run.gpa + run.size;
		before = rights;
	}
	ck_assert_uint_eq(seen, MODEL_PAGES);
}

static void compare_random(uint32_t max_vtl)
{
	uint32_t ops = getenv("VSM_TEST_ALL") ? OPS_ALL : OPS_SHORT;
	struct vsm_protmap *map = new_map(max_vtl);
	struct model model;
	uint32_t i;

	seed = 0x9e3779b97f4a7c15ull + max_vtl;
	model_reset(&model, max_vtl);
	for (i = 0; i < ops; i++) {
		random_op(map, &model);
		compare_walk(map, &model, below(max_vtl + 1));
		if (i % 8 == 0)
			compare_pages(map, &model);
	}
	vsm_protmap_destroy(map);
	printf("# %u random operations, highest VTL %u\n", ops, max_vtl);
}

START_TEST(random_operations_of_two_vtls)
{
	compare_random(2);
}
END_TEST

START_TEST(random_operations_of_fifteen_vtls)
{
	compare_random(15);
}
END_TEST

/* Readers beside a writer */

#define ROUNDS_ALL   100u
#define ROUNDS_SHORT (ROUNDS_ALL / 20)
#define RACE_PAGES   4096u

struct race {
	struct vsm_protmap *map;
	_Atomic int stop;
	_Atomic uint32_t wrong;
	_Atomic uint64_t reads;
};

/* However busy the machine is: the reader gets its turn. */
static void let_read(struct race *race)
{
	uint64_t before = atomic_load(&race->reads);

	while (atomic_load(&race->reads) == before)
		sched_yield();
}

static struct vsm_protmap *race_map(void)
{
	struct vsm_range range = { 0, RACE_PAGES * PAGE };
	struct vsm_protmap *map;

	ck_assert_int_eq(vsm_protmap_create(NULL, 2, &range, 1, PLENTY, &map), 0);
	ck_assert_int_eq(vsm_protmap_enable(map, 1, 1), 0);
	return map;
}

/* A page and the one before it, which is written first: who sees the later one sees both. */
static void *read_backwards(void *opaque)
{
	struct race *race = opaque;

	while (!atomic_load(&race->stop)) {
		uint64_t page;

		for (page = RACE_PAGES - 1; page > 0; page--) {
			uint32_t later = ALL;
			uint32_t earlier = ALL;

			vsm_protmap_rights(race->map, 0, page * PAGE, &later);
			vsm_protmap_rights(race->map, 0, (page - 1) * PAGE, &earlier);
			if (later == R && earlier != R)
				race->wrong++;
			if (later != R && later != ALL)
				race->wrong++;
			race->reads++;
		}
	}
	return NULL;
}

START_TEST(a_reader_sees_changes_in_their_order)
{
	uint32_t rounds = getenv("VSM_TEST_ALL") ? ROUNDS_ALL : ROUNDS_SHORT;
	struct race race = { .reads = 0 };
	uint32_t i;

	for (i = 0; i < rounds; i++) {
		pthread_t reader;
		uint64_t page;

		race.map = race_map();
		atomic_store(&race.stop, 0);
		ck_assert_int_eq(pthread_create(&reader, NULL, read_backwards, &race), 0);
		for (page = 0; page < RACE_PAGES; page++) {
			if (page % 512 == 0)
				let_read(&race);
			vsm_protmap_set(race.map, 1, page * PAGE, 1, R);
		}
		atomic_store(&race.stop, 1);
		ck_assert_int_eq(pthread_join(reader, NULL), 0);
		vsm_protmap_destroy(race.map);
	}
	printf("# %u rounds, %llu reads\n", rounds, (unsigned long long)race.reads);
	ck_assert_uint_eq(atomic_load(&race.wrong), 0);
}
END_TEST

/* Rights that no moment has are never seen: not half of a mask, nor a default of no page. */
static void *read_all(void *opaque)
{
	struct race *race = opaque;

	while (!atomic_load(&race->stop)) {
		uint64_t end = 0;
		struct vsm_range run;
		uint32_t rights;

		while (vsm_protmap_next(race->map, 0, end, &run, &rights) == 0) {
			if (rights != R && rights != (R | W) && rights != (R | KX | UX) &&
			    rights != ALL)
				race->wrong++;
			if (run.gpa != end || run.size % PAGE || !run.size)
				race->wrong++;
			end = run.gpa + run.size;
		}
		if (end != RACE_PAGES * PAGE || vsm_protmap_denier(race->map, 0, 0, R))
			race->wrong++;
		race->reads++;
	}
	return NULL;
}

START_TEST(a_reader_runs_beside_every_writer)
{
	static const uint32_t masks[] = { R, R | W, R | KX | UX, ALL };
	uint32_t rounds = getenv("VSM_TEST_ALL") ? ROUNDS_ALL : ROUNDS_SHORT;
	struct race race = { .reads = 0 };
	pthread_t reader;
	uint32_t i;

	seed = 1;
	race.map = race_map();
	ck_assert_int_eq(pthread_create(&reader, NULL, read_all, &race), 0);
	for (i = 0; i < rounds * 200; i++) {
		uint64_t gpa = below(RACE_PAGES - 64) * PAGE;

		vsm_protmap_set(race.map, 1, gpa, 1 + below(64), masks[below(4)]);
		vsm_protmap_unset(race.map, 1, gpa, 1 + below(64));
		vsm_protmap_default_set(race.map, 1, masks[below(4)]);
		if (i % 64 == 0) {
			let_read(&race);
			vsm_protmap_reset(race.map);
			vsm_protmap_enable(race.map, 1, 1);
		}
	}
	atomic_store(&race.stop, 1);
	ck_assert_int_eq(pthread_join(reader, NULL), 0);
	vsm_protmap_destroy(race.map);
	printf("# %u writes, %llu walks\n", rounds * 600, (unsigned long long)race.reads);
	ck_assert_uint_eq(atomic_load(&race.wrong), 0);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, a_run_ends_where_rights_change);
	tcase_add_test(tc, equal_rights_are_one_run_whatever_gives_them);
	tcase_add_test(tc, a_walk_begins_at_the_page_or_the_next_ram);
	tcase_add_test(tc, a_run_ends_with_its_range);
	tcase_add_test(tc, a_walk_ends_above_the_last_ram);
	tcase_add_test(tc, next_refuses_bad_arguments);
	tcase_add_test(tc, a_walk_to_the_end_of_the_address_space);
	tcase_add_test(tc, random_operations_of_two_vtls);
	tcase_add_test(tc, random_operations_of_fifteen_vtls);
	tcase_add_test(tc, a_reader_sees_changes_in_their_order);
	tcase_add_test(tc, a_reader_runs_beside_every_writer);
}

int main(void)
{
	return vsmtest_suite("protmap_walk", add_tests);
}
