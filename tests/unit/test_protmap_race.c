/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Readers of the protection map beside a writer that takes regions through every form of a leaf:
 * nobody may ever see what was not there, such as the contents of a slot that was given away.
 */
#include "protmap_common.h"
#include "random.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#define REGION	     512u
#define REGIONS	     8u
#define STILL	     100u /* The page of each region that keeps its mask. */
#define ROUNDS_ALL   40000u
#define ROUNDS_SHORT (ROUNDS_ALL / 20)
#define READERS	     2u

struct race {
	struct vsm_protmap *map;
	_Atomic int stop;
	_Atomic uint64_t wrong;
	_Atomic uint64_t reads;
};

static uint64_t seed = 0x9e3779b97f4a7c15ull;

static uint32_t below(uint32_t limit)
{
	return (uint32_t)(random_next(&seed) >> 16) % limit;
}

/* Two masks are those of one region only. That of region 2 is the one that takes the largest
 * leaf. */
static uint32_t mask_of(uint32_t region, uint32_t kind)
{
	return region | (kind ? 8 : 0);
}

/* In two blocks, so that slots also go from one to the other. */
static uint64_t base_of(uint32_t region)
{
	return (((region & 1) << 18) + (region >> 1) * REGION) * PAGE;
}

static int allowed(uint32_t region, uint32_t rights)
{
	return rights == mask_of(region, 0) || rights == mask_of(region, 1) || rights == ALL;
}

static void check_page(struct race *race, uint32_t region, uint32_t page)
{
	uint32_t rights = 0;

	vsm_protmap_rights(race->map, 0, base_of(region) + page * PAGE, &rights);
	if (!allowed(region, rights) || (page == STILL && rights != mask_of(region, 1)))
		race->wrong++;
	race->reads++;
}

static void *read_pages(void *opaque)
{
	struct race *race = opaque;
	uint32_t at = 0;

	while (!atomic_load(&race->stop)) {
		struct vsm_range run;
		uint32_t rights;

		uint32_t region;

		at = at * 1103515245u + 12345u;
		region = at >> 8 & (REGIONS - 1);
		check_page(race, region, STILL);
		check_page(race, region, at >> 12 & (REGION - 1));
		if (vsm_protmap_next(race->map, 0, base_of(region) + (at >> 21 & 255) * PAGE, &run,
				     &rights) != 0 ||
		    !run.size || !allowed(region, rights))
			race->wrong++;
	}
	return NULL;
}

/* All but the page that keeps its mask, in one piece or one by one. */
static void write_region(struct race *race, uint32_t region)
{
	uint64_t gpa = base_of(region);
	uint32_t how = below(6), i;

	if (how == 0) {
		vsm_protmap_unset(race->map, 1, gpa, STILL);
		vsm_protmap_unset(race->map, 1, gpa + (STILL + 1) * PAGE, REGION - STILL - 1);
	}
	if (how < 3) /* the whole region alike */
		vsm_protmap_set(race->map, 1, gpa, REGION, mask_of(region, 1));
	for (i = 0; i < 1u << how * 2; i++) {
		uint32_t page = below(REGION);
		uint32_t kind = below(3);

		if (page == STILL)
			continue;
		if (kind == 2)
			vsm_protmap_unset(race->map, 1, gpa + page * PAGE, 1);
		else
			vsm_protmap_set(race->map, 1, gpa + page * PAGE, 1, mask_of(region, kind));
	}
}

/* What comes back to a reader that was late: slots are taken again by other regions at once. */
static void run_race(uint32_t rounds)
{
	const struct vsm_range range = { 0, (1ull << 30) + REGIONS / 2 * REGION * PAGE };
	struct race race = { .reads = 0 };
	pthread_t reader[READERS];
	uint64_t before;
	uint32_t i;

	ck_assert_int_eq(vsm_protmap_create(NULL, 1, &range, 1, PLENTY, &race.map), 0);
	for (i = 0; i < REGIONS; i++)
		ck_assert_int_eq(vsm_protmap_set(race.map, 1, base_of(i), REGION, mask_of(i, 1)),
				 0);
	ck_assert_int_eq(vsm_protmap_enable(race.map, 1, 1), 0);
	for (i = 0; i < READERS; i++)
		ck_assert_int_eq(pthread_create(&reader[i], NULL, read_pages, &race), 0);
	for (i = 0; i < rounds; i++) {
		write_region(&race, below(REGIONS));
		before = atomic_load(&race.reads);
		while (i % 16 == 0 && atomic_load(&race.reads) == before)
			sched_yield();
		if (i % 64 == 63) /* until there are 64 ranges */
			vsm_protmap_add(race.map, (1ull << 40) + i * PAGE, PAGE);
	}
	atomic_store(&race.stop, 1);
	for (i = 0; i < READERS; i++)
		pthread_join(reader[i], NULL);
	printf("# %u rounds, %llu reads\n", rounds, (unsigned long long)race.reads);
	vsm_protmap_destroy(race.map);
	ck_assert_uint_eq(atomic_load(&race.wrong), 0);
	ck_assert_uint_gt(race.reads, rounds / 16);
}

/* Case 32, as far as the map: also while RAM is added. */
START_TEST(case_32_readers_see_only_what_was_there)
{
	run_race(getenv("VSM_TEST_ALL") ? ROUNDS_ALL : ROUNDS_SHORT);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, case_32_readers_see_only_what_was_there);
}

int main(void)
{
	return vsmtest_suite("protmap_race", add_tests);
}
