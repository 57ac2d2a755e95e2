/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The protection map beside the model, with ranges larger than a GiB: each form of a leaf, and each
 * way from one to another. The fuzzer of tests/fuzz does the same from other bytes.
 */
#include "protmap_common.h"
#include "protmap_leaf.h"
#include "protmap_model.h"

/* check makes a system call for each assertion; there are millions of these. */
#define expect(condition)                               \
	do {                                            \
		if (!(condition))                       \
			ck_abort_msg("%s", #condition); \
	} while (0)

#define STEPS_ALL   100000u
#define STEPS_SHORT (STEPS_ALL / 20)

static uint32_t steps(void)
{
	return getenv("VSM_TEST_ALL") ? STEPS_ALL : STEPS_SHORT;
}

static void run_model(uint64_t seed, uint64_t max_bytes, int expect_refused)
{
	struct model model = { .seed = seed };
	uint32_t i, count = steps();

	model_open(&model, max_bytes);
	for (i = 0; i < count; i++) {
		model_step(&model);
		if (i % 256 == 0)
			model_compare_all(&model);
	}
	model_close(&model);
	printf("# %llu operations, %llu changes, %llu refused for want of memory\n",
	       (unsigned long long)model.ops, (unsigned long long)model.changes,
	       (unsigned long long)model.refused);
	ck_assert_uint_gt(model.changes, count / 2);
	ck_assert_int_eq(model.refused != 0, expect_refused);
}

START_TEST(random_operations_with_plenty_of_memory)
{
	run_model(0x9e3779b97f4a7c15ull, 0, 0);
	run_model(0x123456789abcdefull, 0, 0);
}
END_TEST

/* At the end of the pool a change fails and leaves all as it was. */
START_TEST(random_operations_with_too_little_memory)
{
	struct model model = { .seed = 1 };
	uint64_t idle;

	model_open(&model, 0);
	idle = model.idle;
	model_close(&model);
	/* Words of all regions, and room for some leaves only. */
	run_model(0x9e3779b97f4a7c15ull, idle + 2 * 515 * 8 + 40 * UNIT_BYTES, 1);
	run_model(0xfedcba987654321ull, idle + 2 * 515 * 8 + 24 * UNIT_BYTES, 1);
}
END_TEST

/* Every pair of forms: the codes of one region in the one, then in the other. */
#define FORMS 7u

static uint8_t form_code(uint32_t form, uint32_t page)
{
	static const uint8_t many[] = { 0, 0x11, 0x13, 0x1d, 0x1f, 0x10, 0x19, 0x1b };

	switch (form) {
	case 0:
		return 0x11;
	case 1: /* sparse, two codes */
		return page % 50 ? 0 : 0x11;
	case 2: /* sparse, many codes */
		return page % 20 ? 0x11 : many[page / 20 % 8];
	case 3: /* bits */
		return page % 2 ? 0x1d : 0;
	case 4: /* nibbles */
		return many[page * 7 % 8];
	case 5: /* sparse, and a list can make all that differ equal */
		return page < 25 ? 0x13 : 0;
	default: /* bytes: with write but no read */
		return page % 3 ? many[page % 8] : 0x12;
	}
}

static void put(struct vsm_protmap *map, uint32_t page, uint8_t code)
{
	int err = code ? vsm_protmap_set(map, 1, page * PAGE, 1, code & ALL) :
			 vsm_protmap_unset(map, 1, page * PAGE, 1);

	expect(err == 0);
}

static void expect_form(const struct vsm_protmap *map, uint32_t form)
{
	uint32_t page, mask, is_explicit;

	for (page = 0; page < REGION_PAGES; page++) {
		uint8_t code = form_code(form, page);

		expect(vsm_protmap_get(map, 1, page * PAGE, &mask, &is_explicit) == 0);
		expect(mask == (code ? code & ALL : ALL) && is_explicit == (code != 0));
	}
}

START_TEST(every_form_of_a_leaf_becomes_every_other_page_by_page)
{
	static const uint32_t largest[FORMS] = { 0, 64, 64, 64, 256, 64, 512 };
	struct vsm_range range = { 0, 2 * REGION_PAGES * PAGE };
	uint32_t from, to, i, order;

	for (order = 0; order < 3; order++) {
		for (from = 0; from < FORMS * FORMS; from++) {
			struct vsm_protmap *map;
			uint64_t idle;

			to = from % FORMS;
			ck_assert_int_eq(vsm_protmap_create(NULL, 1, &range, 1, PLENTY, &map), 0);
			idle = vsm_protmap_used(map) + 2 * sizeof(uint64_t);
			for (i = 0; i < REGION_PAGES; i++)
				put(map, i, form_code(from / FORMS, i));
			ck_assert_uint_le(vsm_protmap_used(map), idle + largest[from / FORMS]);
			expect_form(map, from / FORMS);
			for (i = 0; i < REGION_PAGES; i++) {
				/* Upwards, downwards, all over. */
				uint32_t page = order == 0 ? i :
						order == 1 ? REGION_PAGES - 1 - i :
							     i * 77 % REGION_PAGES;

				put(map, page, form_code(to, page));
			}
			expect_form(map, to);
			vsm_protmap_unset(map, 1, 0, REGION_PAGES);
			ck_assert_uint_eq(vsm_protmap_used(map), idle - 2 * sizeof(uint64_t));
			vsm_protmap_destroy(map);
		}
	}
}
END_TEST

/* A list that is taken back, wholly or in part, from each form: without memory, in any order. */
static void list_back(uint32_t form, uint8_t code, uint32_t count, uint32_t keep, uint32_t stride)
{
	struct vsm_range range = { 0, REGION_PAGES * PAGE };
	const struct protmap_range *place;
	struct vsm_protmap *map;
	uint8_t old[REGION_PAGES];
	uint32_t i;

	ck_assert_int_eq(vsm_protmap_create(NULL, 1, &range, 1, PLENTY, &map), 0);
	place = protmap_range_of(map, 0);
	for (i = 0; i < REGION_PAGES; i++)
		put(map, i, form_code(form, i));
	for (i = 0; i < count; i++)
		expect(protmap_page_swap(place, 1, i * stride % REGION_PAGES, code, &old[i]) == 0);
	for (i = keep; i < count; i++)
		protmap_page_restore(place, 1, i * stride % REGION_PAGES, old[i]);
	for (i = 0; i < count; i++)
		protmap_settle(place, 1, i * stride % REGION_PAGES);
	for (i = 0; i < keep; i++)
		expect(protmap_code(place, 1, i * stride % REGION_PAGES) == code);
	for (i = keep; i < REGION_PAGES; i++)
		expect(protmap_code(place, 1, i * stride % REGION_PAGES) ==
		       form_code(form, i * stride % REGION_PAGES));
	vsm_protmap_destroy(map);
}

START_TEST(a_list_can_be_taken_back_from_every_form)
{
	static const uint32_t counts[] = { 1, 10, 33, 60, 300, REGION_PAGES };
	uint32_t form, code, i;

	for (form = 0; form < FORMS; form++) {
		for (code = 0; code <= 16; code++) {
			for (i = 0; i < 6; i++) {
				uint8_t as = (uint8_t)(code ? 0xf + code : 0);

				list_back(form, as, counts[i], 0, 77);
				list_back(form, as, counts[i], counts[i] / 2, 77);
				list_back(form, as, counts[i], counts[i] / 3, 1);
			}
		}
	}
}
END_TEST

static void list_all_over(const struct protmap_range *place, uint8_t code, uint32_t stride)
{
	uint8_t old;

	for (uint32_t i = 0; i < REGION_PAGES; i += stride)
		expect(protmap_page_swap(place, 1, i, code, &old) == 0);
	protmap_settle(place, 1, 0);
}

/* Between two lists the pages of the first have one code, and one by one they get another. */
START_TEST(lists_that_take_and_give_back_make_no_new_leaf)
{
	struct vsm_range range = { 0, REGION_PAGES * PAGE };
	const struct protmap_range *place;
	struct vsm_protmap *map;
	uint64_t word, used, idle;

	ck_assert_int_eq(vsm_protmap_create(NULL, 1, &range, 1, PLENTY, &map), 0);
	idle = vsm_protmap_used(map);
	place = protmap_range_of(map, 0);
	list_all_over(place, 0x10, 7);
	/* Who takes rights and never gives them back pays for two codes. */
	ck_assert_uint_eq(word_kind(word_load(region_at(place, 1, 0))), LEAF_BITS);
	list_all_over(place, 0x1f, 7);
	word = word_load(region_at(place, 1, 0));
	used = vsm_protmap_used(map);
	for (uint32_t i = 0; i < 10; i++) {
		list_all_over(place, i % 2 ? 0x1f : 0x10, 7);
		ck_assert_uint_eq(word_load(region_at(place, 1, 0)), word);
		ck_assert_uint_eq(vsm_protmap_used(map), used);
	}
	/* It is made smaller where few differ, and goes when none does. */
	list_all_over(place, 0, 14);
	list_all_over(place, 0, 21);
	list_all_over(place, 0, 7 * 5);
	ck_assert_uint_eq(word_kind(word_load(region_at(place, 1, 0))), LEAF_SPARSE);
	list_all_over(place, 0, 1);
	ck_assert_uint_eq(vsm_protmap_used(map), idle);
	vsm_protmap_destroy(map);
}
END_TEST

/* Pages that have become alike again cost nothing again, however they became so. */
START_TEST(uniform_again_is_one_word_again)
{
	struct vsm_range range = { 0, (uint64_t)MODEL_BLOCK * PAGE };
	struct vsm_protmap *map;
	uint64_t idle;
	uint64_t page;

	ck_assert_int_eq(vsm_protmap_create(NULL, 1, &range, 1, 64u << 20, &map), 0);
	idle = vsm_protmap_used(map);
	for (page = 0; page < MODEL_BLOCK; page++)
		put(map, (uint32_t)(page * 4099 % MODEL_BLOCK), 0x11);
	ck_assert_uint_eq(vsm_protmap_used(map), idle);
	put(map, 77, 0);
	ck_assert_uint_eq(vsm_protmap_used(map), idle + 512 * 8 + 64);
	put(map, 77, 0x11);
	ck_assert_uint_eq(vsm_protmap_used(map), idle);
	vsm_protmap_destroy(map);
}
END_TEST

/* Case 30: alternate rights on every page. 64 bytes per 2 MiB if there are two kinds, 256 with all
 * that a guest may ask for; a page costs the same whatever was done before. */
static void fragment(uint64_t max_bytes, uint32_t kinds, uint64_t bound, int full)
{
	static const uint8_t code[] = { 0x11, 0x1f, 0x13, 0x1d, 0x10, 0x19, 0x1b };
	struct vsm_range range = { 0, 16ull * MODEL_BLOCK * PAGE };
	struct vsm_protmap *map;
	uint32_t rights;
	uint64_t page;
	int err = 0;

	ck_assert_int_eq(vsm_protmap_create(NULL, 1, &range, 1, max_bytes, &map), 0);
	ck_assert_uint_le(vsm_protmap_bytes(map), max_bytes);
	ck_assert_int_eq(vsm_protmap_enable(map, 1, 1), 0);
	for (page = 0; page < 16ull * MODEL_BLOCK && !err; page++)
		err = vsm_protmap_set(map, 1, page * PAGE, 1, code[page % kinds] & ALL);
	ck_assert_int_eq(err, full ? -VSM_ERR_NOMEM : 0);
	ck_assert_uint_le(vsm_protmap_used(map), bound);
	/* The page that failed is as it was, those before it are as they were set. */
	if (full) {
		page--;
		ck_assert_uint_eq(rights_of(map, 0, page * PAGE), ALL);
	}
	while (page-- > 0) {
		vsm_protmap_rights(map, 0, page * PAGE, &rights);
		expect(rights == (code[page % kinds] & ALL));
	}
	vsm_protmap_destroy(map);
}

START_TEST(case_30_fragmentation_stays_under_its_bound)
{
	uint64_t regions = 16 * 512;

	fragment(64u << 20, 2, 4096 + regions * (64 + 8), 0);
	fragment(64u << 20, 7, 4096 + regions * (256 + 8), 0);
	/* A third of what that needs. */
	fragment(800u << 10, 7, 800u << 10, 1);
}
END_TEST

/* Adding RAM */

START_TEST(added_ram_follows_the_default)
{
	struct vsm_protmap *map = new_map(2);
	uint64_t bytes = vsm_protmap_bytes(map);

	ck_assert_int_eq(vsm_protmap_enable(map, 1, 1), 0);
	ck_assert_int_eq(vsm_protmap_set(map, 1, MID_GPA, 4, R), 0);
	ck_assert_int_eq(vsm_protmap_default_set(map, 1, R | W), 0);
	ck_assert_int_eq(vsm_protmap_add(map, MID_GPA - 4 * PAGE, 4 * PAGE), 0);
	ck_assert_uint_gt(vsm_protmap_bytes(map), bytes);
	ck_assert_uint_eq(rights_of(map, 0, MID_GPA - PAGE), R | W);
	ck_assert_uint_eq(rights_of(map, 0, MID_GPA), R);
	/* It is one with its neighbour to a writer. */
	ck_assert_int_eq(vsm_protmap_set(map, 1, MID_GPA - 2 * PAGE, 6, R | KX | UX), 0);
	ck_assert_uint_eq(rights_of(map, 0, MID_GPA - 2 * PAGE), R | KX | UX);
	ck_assert_uint_eq(rights_of(map, 0, MID_GPA - 3 * PAGE), R | W);
	ck_assert_int_eq(vsm_protmap_set(map, 1, MID_GPA - 5 * PAGE, 2, R), -VSM_ERR_RANGE);
	vsm_protmap_destroy(map);
}
END_TEST

START_TEST(add_refuses_what_create_refuses)
{
	struct vsm_protmap *map = new_map(1);
	uint32_t i;

	ck_assert_int_eq(vsm_protmap_add(NULL, 1ull << 30, PAGE), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_add(map, 1ull << 30, 0), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_add(map, 1, PAGE), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_add(map, 1ull << 30, PAGE + 1), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_add(map, 1ull << 52, PAGE), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_add(map, MID_GPA - PAGE, 2 * PAGE), -VSM_ERR_EXISTS);
	ck_assert_int_eq(vsm_protmap_add(map, MID_GPA - PAGE, 1 << 30), -VSM_ERR_EXISTS);
	ck_assert_int_eq(vsm_protmap_add(map, 0, PAGE), -VSM_ERR_EXISTS);
	for (i = RAM_RANGES; i < 64; i++)
		ck_assert_int_eq(vsm_protmap_add(map, (2ull + i) << 30, PAGE), 0);
	ck_assert_int_eq(vsm_protmap_add(map, 1ull << 30, PAGE), -VSM_ERR_NOMEM);
	vsm_protmap_destroy(map);
}
END_TEST

START_TEST(adding_keeps_to_the_bound_and_the_allocator)
{
	struct vsm_range range = { 0, PAGE };
	struct counter counter;
	struct vsm_allocator allocator = counting(&counter);
	struct vsm_protmap *map;
	uint64_t bytes;

	ck_assert_int_eq(vsm_protmap_create(&allocator, 1, &range, 1, 64 << 10, &map), 0);
	bytes = vsm_protmap_bytes(map);
	counter.fail_at = 2;
	ck_assert_int_eq(vsm_protmap_add(map, 1 << 20, PAGE), -VSM_ERR_NOMEM);
	ck_assert_uint_eq(counter.allocs, 2);
	/* The words of this range alone pass the bound. */
	ck_assert_int_eq(vsm_protmap_add(map, 1ull << 40, 1ull << 40), -VSM_ERR_NOMEM);
	ck_assert_uint_eq(counter.allocs, 2);
	ck_assert_uint_eq(vsm_protmap_bytes(map), bytes);
	ck_assert_int_eq(vsm_protmap_set(map, 1, 1 << 20, 1, R), -VSM_ERR_RANGE);
	counter.ptr = map; /* of the allocation that is left */
	counter.size = bytes;
	vsm_protmap_destroy(map);
	ck_assert_uint_eq(counter.frees, 1);
}
END_TEST

/* Differences */

START_TEST(differences_of_two_maps)
{
	struct vsm_protmap *a = new_map(1);
	struct vsm_protmap *b = new_map(1);
	struct vsm_range run;
	uint32_t x, y;

	ck_assert_int_eq(vsm_protmap_diff(a, b, 0, 0, &run, &x, &y), -VSM_ERR_NOTFOUND);
	ck_assert_int_eq(vsm_protmap_enable(a, 1, 1), 0);
	ck_assert_int_eq(vsm_protmap_enable(b, 1, 1), 0);
	ck_assert_int_eq(vsm_protmap_set(a, 1, 2 * PAGE, 4, R), 0);
	ck_assert_int_eq(vsm_protmap_set(b, 1, 4 * PAGE, 4, R), 0);
	ck_assert_int_eq(vsm_protmap_add(b, 1ull << 30, PAGE), 0);
	ck_assert_int_eq(vsm_protmap_set(b, 1, 1ull << 30, 1, 0), 0);
	ck_assert_int_eq(vsm_protmap_set(b, 1, HIGH_GPA, 1, 0), 0);
	ck_assert_int_eq(vsm_protmap_diff(a, b, 0, 0, &run, &x, &y), 0);
	ck_assert(run.gpa == 2 * PAGE && run.size == 2 * PAGE && x == R && y == ALL);
	ck_assert_int_eq(vsm_protmap_diff(a, b, 0, run.gpa + run.size, &run, &x, &y), 0);
	ck_assert(run.gpa == 6 * PAGE && run.size == 2 * PAGE && x == ALL && y == R);
	ck_assert_int_eq(vsm_protmap_diff(a, b, 0, run.gpa + run.size, &run, &x, &y), 0);
	ck_assert(run.gpa == HIGH_GPA && run.size == PAGE && x == ALL && y == 0);
	ck_assert_int_eq(vsm_protmap_diff(a, b, 0, run.gpa + run.size, &run, &x, &y),
			 -VSM_ERR_NOTFOUND);
	ck_assert_int_eq(vsm_protmap_diff(a, b, 1, 0, &run, &x, &y), -VSM_ERR_NOTFOUND);
	ck_assert_int_eq(vsm_protmap_diff(a, a, 0, 0, &run, &x, &y), -VSM_ERR_NOTFOUND);
	ck_assert_int_eq(vsm_protmap_diff(NULL, b, 0, 0, &run, &x, &y), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_diff(a, NULL, 0, 0, &run, &x, &y), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_diff(a, b, 2, 0, &run, &x, &y), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_diff(a, b, 0, 0, NULL, &x, &y), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_diff(a, b, 0, 0, &run, NULL, &y), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_diff(a, b, 0, 0, &run, &x, NULL), -VSM_ERR_INVAL);
	vsm_protmap_destroy(a);
	vsm_protmap_destroy(b);
}
END_TEST

/* What a default mask or an enabled set would change, before it is changed. */
START_TEST(differences_of_two_views)
{
	struct protmap_view before, after;
	struct vsm_protmap *map = new_map(2);
	struct vsm_range run;
	uint32_t x, y;

	ck_assert_int_eq(vsm_protmap_set(map, 1, 3 * PAGE, 2, R | W), 0);
	ck_assert_int_eq(vsm_protmap_set(map, 1, 5 * PAGE, 1, ALL), 0);
	protmap_view_now(map, &before);
	after = before;
	after.enabled |= 1u << 1;
	after.defaults[1] = R;
	ck_assert_int_eq(protmap_view_diff(map, &before, &after, 0, 0, &run, &x, &y), 0);
	ck_assert(run.gpa == 0 && run.size == 3 * PAGE && x == ALL && y == R);
	ck_assert_int_eq(protmap_view_diff(map, &before, &after, 0, 3 * PAGE, &run, &x, &y), 0);
	ck_assert(run.gpa == 3 * PAGE && run.size == 2 * PAGE && x == ALL && y == (R | W));
	ck_assert_int_eq(protmap_view_diff(map, &before, &after, 0, 5 * PAGE, &run, &x, &y), 0);
	ck_assert(run.gpa == 6 * PAGE && run.size == 10 * PAGE && x == ALL && y == R);
	ck_assert_int_eq(protmap_view_diff(map, &before, &after, 1, 0, &run, &x, &y),
			 -VSM_ERR_NOTFOUND);
	vsm_protmap_destroy(map);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_set_timeout(tc, 240);
	tcase_add_test(tc, random_operations_with_plenty_of_memory);
	tcase_add_test(tc, random_operations_with_too_little_memory);
	tcase_add_test(tc, every_form_of_a_leaf_becomes_every_other_page_by_page);
	tcase_add_test(tc, a_list_can_be_taken_back_from_every_form);
	tcase_add_test(tc, lists_that_take_and_give_back_make_no_new_leaf);
	tcase_add_test(tc, uniform_again_is_one_word_again);
	tcase_add_test(tc, case_30_fragmentation_stays_under_its_bound);
	tcase_add_test(tc, added_ram_follows_the_default);
	tcase_add_test(tc, add_refuses_what_create_refuses);
	tcase_add_test(tc, adding_keeps_to_the_bound_and_the_allocator);
	tcase_add_test(tc, differences_of_two_maps);
	tcase_add_test(tc, differences_of_two_views);
}

int main(void)
{
	return vsmtest_suite("protmap_model", add_tests);
}
