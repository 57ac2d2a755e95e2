/* SPDX-License-Identifier: BSD-3-Clause */
/* The protection map (TLFS 15.9): creation, masks, defaults, rights, walking. */
#include "protmap_common.h"

/* Legal masks */

START_TEST(legal_masks_without_mbec)
{
	static const int legal[16] = { [0x0] = 1, [0x1] = 1, [0x3] = 1, [0xd] = 1, [0xf] = 1 };
	uint32_t mask;

	for (mask = 0; mask < 16; mask++)
		ck_assert_msg(vsm_rights_valid(mask, 0) == legal[mask], "mask %#x", mask);
}
END_TEST

START_TEST(legal_masks_with_mbec)
{
	static const int legal[16] = {
		[0x0] = 1, [0x1] = 1, [0x3] = 1, [0x9] = 1, [0xb] = 1, [0xd] = 1, [0xf] = 1,
	};
	uint32_t mask;

	for (mask = 0; mask < 16; mask++) {
		ck_assert_msg(vsm_rights_valid(mask, 1) == legal[mask], "mask %#x", mask);
		ck_assert_int_eq(vsm_rights_valid(mask, -1), legal[mask]);
	}
}
END_TEST

START_TEST(bits_above_3_are_illegal)
{
	unsigned int bit;
	uint32_t mask;

	for (bit = 4; bit < 32; bit++) {
		for (mask = 0; mask < 16; mask++) {
			ck_assert_int_eq(vsm_rights_valid(mask | 1u << bit, 0), 0);
			ck_assert_int_eq(vsm_rights_valid(mask | 1u << bit, 1), 0);
		}
	}
}
END_TEST

/* Creation */

START_TEST(create_refuses_bad_arguments)
{
	struct vsm_protmap *out = (void *)&out;
	struct counter counter;
	struct vsm_allocator good = counting(&counter);
	struct vsm_allocator no_alloc = { &counter, NULL, counter_free };
	struct vsm_allocator no_free = { &counter, counter_alloc, NULL };
	struct vsm_range many[65];
	uint32_t i;

	for (i = 0; i < 65; i++) {
		many[i].gpa = i * PAGE;
		many[i].size = PAGE;
	}
	ck_assert_int_eq(vsm_protmap_create(&no_alloc, 1, ram, 1, PLENTY, &out), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_create(&no_free, 1, ram, 1, PLENTY, &out), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_create(&good, 0, ram, 1, PLENTY, &out), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_create(&good, 16, ram, 1, PLENTY, &out), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_create(&good, 1, NULL, 1, PLENTY, &out), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_create(&good, 1, ram, 0, PLENTY, &out), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_create(&good, 1, many, 65, PLENTY, &out), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_create(&good, 1, ram, 1, PLENTY, NULL), -VSM_ERR_INVAL);
	ck_assert_ptr_eq(out, &out);
	ck_assert_uint_eq(counter.allocs, 0);
	ck_assert_int_eq(vsm_protmap_create(&good, 1, many, 64, PLENTY, &out), 0);
	vsm_protmap_destroy(out);
	ck_assert_uint_eq(counter.frees, 1);
}
END_TEST

START_TEST(create_refuses_bad_ranges)
{
	static const struct vsm_range bad[] = {
		{ .gpa = 0, .size = 0 },
		{ .gpa = 0x1000, .size = 0 },
		{ .gpa = 1, .size = PAGE },
		{ .gpa = 0x800, .size = PAGE },
		{ .gpa = 0, .size = 1 },
		{ .gpa = 0, .size = PAGE + 0x800 },
		{ .gpa = 0, .size = UINT64_MAX },
		{ .gpa = 0, .size = UINT64_MAX - 4095 },
		{ .gpa = UINT64_MAX - 4095, .size = PAGE },
		{ .gpa = UINT64_MAX - 4095, .size = 2 * PAGE },
		{ .gpa = 1ull << 63, .size = 1ull << 63 },
		{ .gpa = 1ull << 52, .size = PAGE },
		{ .gpa = (1ull << 52) - PAGE, .size = 2 * PAGE },
		{ .gpa = PAGE, .size = 1ull << 52 },
	};
	struct counter counter;
	struct vsm_allocator allocator = counting(&counter);
	struct vsm_protmap *out = (void *)&out;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct vsm_range pair[2] = { { .gpa = 1ull << 40, .size = PAGE }, bad[i] };

		ck_assert_int_eq(vsm_protmap_create(&allocator, 1, &bad[i], 1, UINT64_MAX, &out),
				 -VSM_ERR_INVAL);
		ck_assert_int_eq(vsm_protmap_create(&allocator, 1, pair, 2, UINT64_MAX, &out),
				 -VSM_ERR_INVAL);
	}
	ck_assert_ptr_eq(out, &out);
	ck_assert_uint_eq(counter.allocs, 0);
}
END_TEST

START_TEST(create_refuses_overlaps)
{
	static const struct vsm_range bad[] = {
		{ .gpa = 0x10000, .size = 0x4000 }, { .gpa = 0x10000, .size = 0x1000 },
		{ .gpa = 0x13000, .size = 0x1000 }, { .gpa = 0x13000, .size = 0x8000 },
		{ .gpa = 0xf000, .size = 0x2000 },  { .gpa = 0x0, .size = 0x100000 },
		{ .gpa = 0x11000, .size = 0x1000 },
	};
	struct counter counter;
	struct vsm_allocator allocator = counting(&counter);
	struct vsm_protmap *out = (void *)&out;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct vsm_range pair[2] = { { .gpa = 0x10000, .size = 0x4000 }, bad[i] };
		struct vsm_range turned[2] = { pair[1], pair[0] };

		ck_assert_int_eq(vsm_protmap_create(&allocator, 1, pair, 2, PLENTY, &out),
				 -VSM_ERR_EXISTS);
		ck_assert_int_eq(vsm_protmap_create(&allocator, 1, turned, 2, PLENTY, &out),
				 -VSM_ERR_EXISTS);
	}
	ck_assert_ptr_eq(out, &out);
	ck_assert_uint_eq(counter.allocs, 0);
}
END_TEST

START_TEST(a_bad_range_comes_before_an_overlap)
{
	struct vsm_range ranges[3] = { { 0, PAGE }, { 0, PAGE }, { PAGE, 1 } };
	struct vsm_protmap *out;

	ck_assert_int_eq(vsm_protmap_create(NULL, 1, ranges, 3, PLENTY, &out), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_create(NULL, 1, ranges, 2, 0, &out), -VSM_ERR_EXISTS);
}
END_TEST

START_TEST(the_bound_is_kept_or_nothing_is_allocated)
{
	struct counter counter;
	struct vsm_allocator allocator = counting(&counter);
	struct vsm_protmap *out = (void *)&out;
	uint64_t least = 0;
	uint64_t max;

	for (max = 0; max < 16384; max += 8) {
		int err = vsm_protmap_create(&allocator, 2, ram, RAM_RANGES, max, &out);

		if (err) {
			ck_assert_int_eq(err, -VSM_ERR_NOMEM);
			ck_assert_uint_eq(counter.allocs, 0);
			ck_assert_uint_eq(least, 0);
			ck_assert_ptr_eq(out, &out);
			continue;
		}
		least = least ? least : max;
		ck_assert_uint_le(counter.size, max);
		ck_assert_uint_eq(counter.size, vsm_protmap_bytes(out));
		vsm_protmap_destroy(out);
	}
	ck_assert_uint_gt(least, 0);
	ck_assert_uint_eq(counter.frees, counter.allocs);
	ck_assert_int_eq(counter.mismatch, 0);
}
END_TEST

START_TEST(each_failing_allocation_is_reported)
{
	uint32_t fail_at;
	struct counter counter;
	struct vsm_allocator allocator;
	struct vsm_protmap *out = (void *)&out;

	for (fail_at = 1;; fail_at++) {
		int err;

		allocator = counting(&counter);
		counter.fail_at = fail_at;
		err = vsm_protmap_create(&allocator, 15, ram, RAM_RANGES, PLENTY, &out);
		if (!err)
			break;
		ck_assert_int_eq(err, -VSM_ERR_NOMEM);
		ck_assert_ptr_eq(out, &out);
		ck_assert_uint_eq(counter.frees, counter.allocs - 1);
	}
	/* All its memory is one allocation. */
	ck_assert_uint_eq(fail_at, 2);
	vsm_protmap_destroy(out);
	ck_assert_uint_eq(counter.frees, counter.allocs);
	ck_assert_int_eq(counter.mismatch, 0);
}
END_TEST

START_TEST(nothing_is_allocated_after_creation)
{
	struct counter counter;
	struct vsm_allocator allocator = counting(&counter);
	struct vsm_protmap *map;
	struct vsm_range run;
	uint32_t value;

	ck_assert_int_eq(vsm_protmap_create(&allocator, 2, ram, RAM_RANGES, PLENTY, &map), 0);
	ck_assert_int_eq(vsm_protmap_enable(map, 1, 1), 0);
	ck_assert_int_eq(vsm_protmap_set(map, 1, 0, LOW_PAGES, R), 0);
	ck_assert_int_eq(vsm_protmap_unset(map, 1, 0, 1), 0);
	ck_assert_int_eq(vsm_protmap_default_set(map, 1, R | W), 0);
	ck_assert_int_eq(vsm_protmap_rights(map, 0, 0, &value), 0);
	ck_assert_int_eq(vsm_protmap_next(map, 0, 0, &run, &value), 0);
	vsm_protmap_reset(map);
	ck_assert_uint_eq(counter.allocs, 1);
	ck_assert_uint_eq(counter.frees, 0);
	vsm_protmap_destroy(map);
	ck_assert_uint_eq(counter.frees, 1);
	ck_assert_int_eq(counter.mismatch, 0);
}
END_TEST

/* All of a 52-bit space for 15 VTLs: sizes stay right although no host has that much. */
START_TEST(sizes_of_huge_maps_do_not_wrap)
{
	struct vsm_range huge = { .gpa = 0, .size = 1ull << 52 };
	uint64_t words = 15 * (8ull << 31);
	struct counter counter;
	struct vsm_allocator allocator = counting(&counter);
	struct vsm_protmap *out;

	counter.fail_at = 1;
	ck_assert_int_eq(vsm_protmap_create(&allocator, 15, &huge, 1, words, &out), -VSM_ERR_NOMEM);
	ck_assert_uint_eq(counter.allocs, 0);
	ck_assert_int_eq(vsm_protmap_create(&allocator, 15, &huge, 1, UINT64_MAX, &out),
			 -VSM_ERR_NOMEM);
	ck_assert_uint_eq(counter.allocs, 1);
	ck_assert_uint_gt(counter.size, words);
	ck_assert_uint_lt(counter.size, 15 * (850ull << 31));
}
END_TEST

/* What protect.h tells who chooses max_bytes. */
START_TEST(a_region_reserves_less_than_850_bytes_per_protecting_vtl)
{
	struct vsm_range range = { .gpa = 0, .size = PAGE };
	struct vsm_protmap *map;
	uint64_t fixed;
	uint32_t vtl;

	for (vtl = 1; vtl <= VSM_VTL_MAX; vtl++) {
		range.size = PAGE;
		ck_assert_int_eq(vsm_protmap_create(NULL, vtl, &range, 1, PLENTY, &map), 0);
		fixed = vsm_protmap_bytes(map);
		ck_assert_uint_lt(fixed, 3072 + 1024 * vtl);
		vsm_protmap_destroy(map);
		range.size = 65ull << 21;
		ck_assert_int_eq(vsm_protmap_create(NULL, vtl, &range, 1, PLENTY, &map), 0);
		ck_assert_uint_gt(vsm_protmap_bytes(map), fixed + 64 * 840 * vtl - 64);
		ck_assert_uint_lt(vsm_protmap_bytes(map), fixed + 64 * 850 * vtl);
		vsm_protmap_destroy(map);
	}
}
END_TEST

START_TEST(no_map_is_an_empty_map)
{
	vsm_protmap_destroy(NULL);
	vsm_protmap_reset(NULL);
	ck_assert_uint_eq(vsm_protmap_bytes(NULL), 0);
	ck_assert_uint_eq(vsm_protmap_used(NULL), 0);
	ck_assert_uint_eq(vsm_protmap_default(NULL, 1), ALL);
}
END_TEST

START_TEST(sixty_four_ranges_in_any_order)
{
	struct vsm_range ranges[64];
	struct vsm_protmap *map;
	uint32_t i;

	for (i = 0; i < 64; i++) {
		/* 37 has no factor in common with 64: each place is taken once. */
		ranges[i].gpa = (i * 37 % 64) * 16 * PAGE;
		ranges[i].size = 8 * PAGE;
	}
	ck_assert_int_eq(vsm_protmap_create(NULL, 1, ranges, 64, PLENTY, &map), 0);
	ck_assert_int_eq(vsm_protmap_enable(map, 1, 1), 0);
	for (i = 0; i < 64 * 16; i++) {
		int expected = i % 16 < 8 ? 0 : -VSM_ERR_RANGE;

		ck_assert_int_eq(vsm_protmap_set(map, 1, i * PAGE, 1, i / 16 % 16), expected);
	}
	for (i = 0; i < 64 * 16; i++) {
		if (i % 16 < 8)
			ck_assert_uint_eq(rights_of(map, 0, i * PAGE), i / 16 % 16);
	}
	vsm_protmap_destroy(map);
}
END_TEST

/* Masks */

START_TEST(a_new_map_protects_nothing)
{
	struct vsm_protmap *map = new_map(15);
	uint32_t vtl;
	uint64_t gpa;

	for (vtl = 0; vtl <= 15; vtl++) {
		ck_assert_uint_eq(vsm_protmap_default(map, vtl), ALL);
		for (gpa = 0; gpa < LOW_PAGES * PAGE; gpa += PAGE) {
			if (vtl)
				ck_assert_uint_eq(entry_of(map, vtl, gpa), ALL);
			ck_assert_uint_eq(rights_of(map, vtl, gpa), ALL);
			ck_assert_int_eq(vsm_protmap_denier(map, vtl, gpa, ALL), 0);
		}
	}
	vsm_protmap_destroy(map);
}
END_TEST

START_TEST(set_changes_the_named_pages_of_one_vtl)
{
	struct vsm_protmap *map = new_map(2);
	uint64_t page;

	ck_assert_int_eq(vsm_protmap_set(map, 1, 3 * PAGE, 4, R), 0);
	for (page = 0; page < LOW_PAGES; page++) {
		int inside = page >= 3 && page < 7;

		ck_assert_uint_eq(entry_of(map, 1, page * PAGE), inside ? EXPLICIT | R : ALL);
		ck_assert_uint_eq(entry_of(map, 2, page * PAGE), ALL);
	}
	ck_assert_uint_eq(entry_of(map, 1, MID_GPA), ALL);
	vsm_protmap_destroy(map);
}
END_TEST

START_TEST(each_mask_of_each_vtl_is_kept)
{
	struct vsm_protmap *map = new_map(15);
	uint32_t vtl;
	uint32_t mask;

	for (mask = 0; mask < 16; mask++) {
		for (vtl = 1; vtl <= 15; vtl++)
			ck_assert_int_eq(
				vsm_protmap_set(map, vtl, mask * PAGE, 1, (mask + vtl) & 0xf), 0);
	}
	for (mask = 0; mask < 16; mask++) {
		for (vtl = 1; vtl <= 15; vtl++)
			ck_assert_uint_eq(entry_of(map, vtl, mask * PAGE),
					  EXPLICIT | ((mask + vtl) & 0xf));
	}
	vsm_protmap_destroy(map);
}
END_TEST

START_TEST(set_and_unset_refuse_bad_arguments)
{
	struct vsm_protmap *map = new_map(2);
	static const struct {
		uint32_t vtl;
		uint64_t gpa;
		uint64_t pages;
	} bad[] = {
		{ 0, 0, 1 }, { 3, 0, 1 },     { UINT32_MAX, 0, 1 }, { 1, 1, 1 },
		{ 1, 8, 1 }, { 1, 0xfff, 1 }, { 1, UINT64_MAX, 1 }, { 1, 0, 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(vsm_protmap_set(map, bad[i].vtl, bad[i].gpa, bad[i].pages, R),
				 -VSM_ERR_INVAL);
		ck_assert_int_eq(vsm_protmap_unset(map, bad[i].vtl, bad[i].gpa, bad[i].pages),
				 -VSM_ERR_INVAL);
	}
	ck_assert_int_eq(vsm_protmap_set(map, 1, 0, 1, 16), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_set(map, 1, 0, 1, UINT32_MAX), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_set(NULL, 1, 0, 1, R), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_unset(NULL, 1, 0, 1), -VSM_ERR_INVAL);
	for (i = 0; i < LOW_PAGES; i++)
		ck_assert_uint_eq(entry_of(map, 1, i * PAGE), ALL);
	vsm_protmap_destroy(map);
}
END_TEST

START_TEST(all_or_nothing_of_it_is_ram)
{
	struct vsm_protmap *map = new_map(1);
	static const struct {
		uint64_t gpa;
		uint64_t pages;
	} outside[] = {
		{ LOW_PAGES * PAGE, 1 },
		{ MID_GPA - PAGE, 1 },
		{ MID_GPA - PAGE, 2 },
		{ HIGH_GPA + HIGH_PAGES * PAGE, 1 },
		{ 0, LOW_PAGES + 1 },
		{ (LOW_PAGES - 1) * PAGE, 2 },
		{ 0, MID_GPA / PAGE + 1 },
		{ MID_GPA, MID_PAGES + HIGH_PAGES + 1 },
		{ HIGH_GPA, HIGH_PAGES + 1 },
		{ 0, UINT64_MAX },
		{ MID_GPA, 1ull << 52 },
		{ MID_GPA, (1ull << 52) - MID_GPA / PAGE },
		{ 0, 1ull << 63 },
		{ UINT64_MAX - 4095, 1 },
		{ UINT64_MAX - 4095, UINT64_MAX },
	};
	size_t i;
	uint64_t page;

	for (i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
		ck_assert_int_eq(vsm_protmap_set(map, 1, outside[i].gpa, outside[i].pages, 0),
				 -VSM_ERR_RANGE);
		ck_assert_int_eq(vsm_protmap_unset(map, 1, outside[i].gpa, outside[i].pages),
				 -VSM_ERR_RANGE);
	}
	for (page = 0; page < LOW_PAGES; page++)
		ck_assert_uint_eq(entry_of(map, 1, page * PAGE), ALL);
	for (page = 0; page < MID_PAGES + HIGH_PAGES; page++)
		ck_assert_uint_eq(entry_of(map, 1, MID_GPA + page * PAGE), ALL);
	vsm_protmap_destroy(map);
}
END_TEST

START_TEST(adjoining_ranges_are_one_to_the_writer)
{
	struct vsm_protmap *map = new_map(1);
	uint64_t page;

	ck_assert_int_eq(vsm_protmap_set(map, 1, MID_GPA, MID_PAGES + HIGH_PAGES, R), 0);
	for (page = 0; page < MID_PAGES + HIGH_PAGES; page++)
		ck_assert_uint_eq(entry_of(map, 1, MID_GPA + page * PAGE), EXPLICIT | R);
	ck_assert_int_eq(vsm_protmap_unset(map, 1, HIGH_GPA - PAGE, 2), 0);
	ck_assert_uint_eq(entry_of(map, 1, HIGH_GPA - 2 * PAGE), EXPLICIT | R);
	ck_assert_uint_eq(entry_of(map, 1, HIGH_GPA - PAGE), ALL);
	ck_assert_uint_eq(entry_of(map, 1, HIGH_GPA), ALL);
	ck_assert_uint_eq(entry_of(map, 1, HIGH_GPA + PAGE), EXPLICIT | R);
	vsm_protmap_destroy(map);
}
END_TEST

START_TEST(get_refuses_bad_arguments)
{
	struct vsm_protmap *map = new_map(2);
	uint32_t mask = 77;
	uint32_t set = 78;

	ck_assert_int_eq(vsm_protmap_get(NULL, 1, 0, &mask, &set), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_get(map, 0, 0, &mask, &set), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_get(map, 3, 0, &mask, &set), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_get(map, 1, 0, NULL, &set), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_get(map, 1, 8, &mask, &set), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_get(map, 1, LOW_PAGES * PAGE, &mask, &set), -VSM_ERR_RANGE);
	ck_assert_int_eq(vsm_protmap_get(map, 1, UINT64_MAX - 4095, &mask, &set), -VSM_ERR_RANGE);
	ck_assert_uint_eq(mask, 77);
	ck_assert_uint_eq(set, 78);
	ck_assert_int_eq(vsm_protmap_get(map, 1, 0, &mask, NULL), 0);
	ck_assert_uint_eq(mask, ALL);
	vsm_protmap_destroy(map);
}
END_TEST

/* Defaults */

START_TEST(the_default_is_for_pages_that_were_not_set)
{
	struct vsm_protmap *map = new_map(2);

	/* Set to what the default is anyway: explicit all the same (TLFS 15.9.3). */
	ck_assert_int_eq(vsm_protmap_set(map, 1, 0, 1, ALL), 0);
	ck_assert_int_eq(vsm_protmap_set(map, 1, PAGE, 1, 0), 0);
	ck_assert_int_eq(vsm_protmap_default_set(map, 1, R | W), 0);
	ck_assert_uint_eq(vsm_protmap_default(map, 1), R | W);
	ck_assert_uint_eq(vsm_protmap_default(map, 2), ALL);
	ck_assert_uint_eq(entry_of(map, 1, 0), EXPLICIT | ALL);
	ck_assert_uint_eq(entry_of(map, 1, PAGE), EXPLICIT);
	ck_assert_uint_eq(entry_of(map, 1, 2 * PAGE), R | W);
	ck_assert_uint_eq(entry_of(map, 1, HIGH_GPA), R | W);
	ck_assert_uint_eq(entry_of(map, 2, 2 * PAGE), ALL);
	ck_assert_int_eq(vsm_protmap_unset(map, 1, 0, 2), 0);
	ck_assert_uint_eq(entry_of(map, 1, 0), R | W);
	ck_assert_uint_eq(entry_of(map, 1, PAGE), R | W);
	ck_assert_int_eq(vsm_protmap_default_set(map, 1, 0), 0);
	ck_assert_uint_eq(entry_of(map, 1, 0), 0);
	vsm_protmap_destroy(map);
}
END_TEST

START_TEST(default_refuses_bad_arguments)
{
	struct vsm_protmap *map = new_map(2);

	ck_assert_int_eq(vsm_protmap_default_set(NULL, 1, R), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_default_set(map, 0, R), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_default_set(map, 3, R), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_default_set(map, UINT32_MAX, R), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_default_set(map, 1, 16), -VSM_ERR_INVAL);
	ck_assert_uint_eq(vsm_protmap_default(map, 1), ALL);
	ck_assert_int_eq(vsm_protmap_default_set(map, 1, R), 0);
	ck_assert_uint_eq(vsm_protmap_default(map, 1), R);
	ck_assert_uint_eq(vsm_protmap_default(map, 0), ALL);
	ck_assert_uint_eq(vsm_protmap_default(map, 3), ALL);
	ck_assert_uint_eq(vsm_protmap_default(map, UINT32_MAX), ALL);
	vsm_protmap_destroy(map);
}
END_TEST

/* Rights */

START_TEST(a_set_acts_when_it_is_enabled)
{
	struct vsm_protmap *map = new_map(2);

	ck_assert_int_eq(vsm_protmap_set(map, 2, 0, 1, R), 0);
	ck_assert_uint_eq(rights_of(map, 0, 0), ALL);
	ck_assert_int_eq(vsm_protmap_enable(map, 2, 1), 0);
	ck_assert_uint_eq(rights_of(map, 0, 0), R);
	ck_assert_uint_eq(rights_of(map, 1, 0), R);
	ck_assert_int_eq(vsm_protmap_enable(map, 2, 1), 0);
	ck_assert_uint_eq(rights_of(map, 0, 0), R);
	ck_assert_int_eq(vsm_protmap_enable(map, 1, 0), 0);
	ck_assert_uint_eq(rights_of(map, 0, 0), R);
	ck_assert_int_eq(vsm_protmap_enable(map, 2, 0), 0);
	ck_assert_uint_eq(rights_of(map, 0, 0), ALL);
	ck_assert_uint_eq(entry_of(map, 2, 0), EXPLICIT | R);
	vsm_protmap_destroy(map);
}
END_TEST

START_TEST(enable_refuses_bad_arguments)
{
	struct vsm_protmap *map = new_map(2);

	ck_assert_int_eq(vsm_protmap_default_set(map, 1, 0), 0);
	ck_assert_int_eq(vsm_protmap_default_set(map, 2, 0), 0);
	ck_assert_int_eq(vsm_protmap_enable(NULL, 1, 1), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_enable(map, 0, 1), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_enable(map, 3, 1), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_enable(map, 33, 1), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_enable(map, UINT32_MAX, 1), -VSM_ERR_INVAL);
	ck_assert_uint_eq(rights_of(map, 0, 0), ALL);
	vsm_protmap_destroy(map);
}
END_TEST

/* Each of 15 sets takes one right away in its own page: who loses it is who is below. */
START_TEST(sets_restrict_the_vtls_below_them_only)
{
	struct vsm_protmap *map = new_map(15);
	uint32_t owner;
	uint32_t vtl;

	for (owner = 1; owner <= 15; owner++) {
		ck_assert_int_eq(vsm_protmap_set(map, owner, owner * PAGE, 1, R | KX), 0);
		ck_assert_int_eq(vsm_protmap_enable(map, owner, 1), 0);
	}
	for (owner = 1; owner <= 15; owner++) {
		for (vtl = 0; vtl <= 15; vtl++) {
			uint32_t expected = vtl < owner ? R | KX : ALL;

			ck_assert_uint_eq(rights_of(map, vtl, owner * PAGE), expected);
		}
	}
	vsm_protmap_destroy(map);
}
END_TEST

START_TEST(rights_are_the_intersection)
{
	struct vsm_protmap *map = new_map(3);

	ck_assert_int_eq(vsm_protmap_default_set(map, 1, R | W | UX), 0);
	ck_assert_int_eq(vsm_protmap_set(map, 2, 0, 1, R | W | KX), 0);
	ck_assert_int_eq(vsm_protmap_set(map, 3, 0, 1, R | KX | UX), 0);
	ck_assert_int_eq(vsm_protmap_enable(map, 1, 1), 0);
	ck_assert_int_eq(vsm_protmap_enable(map, 2, 1), 0);
	ck_assert_int_eq(vsm_protmap_enable(map, 3, 1), 0);
	ck_assert_uint_eq(rights_of(map, 0, 0), R);
	ck_assert_uint_eq(rights_of(map, 1, 0), R | KX);
	ck_assert_uint_eq(rights_of(map, 2, 0), R | KX | UX);
	ck_assert_uint_eq(rights_of(map, 3, 0), ALL);
	ck_assert_int_eq(vsm_protmap_enable(map, 2, 0), 0);
	ck_assert_uint_eq(rights_of(map, 0, 0), R | UX);
	vsm_protmap_destroy(map);
}
END_TEST

START_TEST(any_byte_of_a_page_names_it)
{
	struct vsm_protmap *map = new_map(1);

	ck_assert_int_eq(vsm_protmap_set(map, 1, PAGE, 1, 0), 0);
	ck_assert_int_eq(vsm_protmap_enable(map, 1, 1), 0);
	ck_assert_uint_eq(rights_of(map, 0, PAGE - 1), ALL);
	ck_assert_uint_eq(rights_of(map, 0, PAGE), 0);
	ck_assert_uint_eq(rights_of(map, 0, PAGE + 1234), 0);
	ck_assert_uint_eq(rights_of(map, 0, 2 * PAGE - 1), 0);
	ck_assert_uint_eq(rights_of(map, 0, 2 * PAGE), ALL);
	ck_assert_int_eq(vsm_protmap_denier(map, 0, 2 * PAGE - 1, R), 1);
	vsm_protmap_destroy(map);
}
END_TEST

START_TEST(rights_and_denier_refuse_bad_arguments)
{
	struct vsm_protmap *map = new_map(2);
	uint32_t rights = 77;

	ck_assert_int_eq(vsm_protmap_rights(NULL, 0, 0, &rights), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_rights(map, 3, 0, &rights), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_rights(map, UINT32_MAX, 0, &rights), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_rights(map, 0, 0, NULL), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_rights(map, 0, MID_GPA - 1, &rights), -VSM_ERR_RANGE);
	ck_assert_int_eq(vsm_protmap_rights(map, 2, UINT64_MAX, &rights), -VSM_ERR_RANGE);
	ck_assert_uint_eq(rights, 77);
	ck_assert_int_eq(vsm_protmap_denier(NULL, 0, 0, R), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_denier(map, 3, 0, R), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_denier(map, 0, 0, 16), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_protmap_denier(map, 0, MID_GPA - 1, R), -VSM_ERR_RANGE);
	vsm_protmap_destroy(map);
}
END_TEST

/* TLFS 13.1: of several that forbid an access, the lowest is told. */
START_TEST(the_lowest_denying_vtl_is_told)
{
	struct vsm_protmap *map = new_map(15);
	uint32_t owner;
	uint32_t vtl;

	for (owner = 15; owner >= 1; owner--) {
		ck_assert_int_eq(vsm_protmap_set(map, owner, 0, 1, R), 0);
		ck_assert_int_eq(vsm_protmap_denier(map, 0, 0, W), owner == 15 ? 0 : owner + 1);
		ck_assert_int_eq(vsm_protmap_enable(map, owner, 1), 0);
		for (vtl = 0; vtl < owner; vtl++) {
			ck_assert_int_eq(vsm_protmap_denier(map, vtl, 0, R | W), (int)owner);
			ck_assert_int_eq(vsm_protmap_denier(map, vtl, 0, R), 0);
			ck_assert_int_eq(vsm_protmap_denier(map, vtl, 0, 0), 0);
		}
	}
	ck_assert_int_eq(vsm_protmap_denier(map, 15, 0, ALL), 0);
	ck_assert_int_eq(vsm_protmap_denier(map, 14, 0, ALL), 15);
	vsm_protmap_destroy(map);
}
END_TEST

/* Reset */

START_TEST(reset_returns_to_the_start)
{
	struct vsm_protmap *map = new_map(2);
	uint64_t page;
	uint32_t vtl;

	for (vtl = 1; vtl <= 2; vtl++) {
		ck_assert_int_eq(vsm_protmap_set(map, vtl, vtl * PAGE, 8, R), 0);
		ck_assert_int_eq(vsm_protmap_set(map, vtl, MID_GPA, MID_PAGES + HIGH_PAGES, 0), 0);
		ck_assert_int_eq(vsm_protmap_default_set(map, vtl, 0), 0);
		ck_assert_int_eq(vsm_protmap_enable(map, vtl, 1), 0);
	}
	vsm_protmap_reset(map);
	for (vtl = 1; vtl <= 2; vtl++) {
		ck_assert_uint_eq(vsm_protmap_default(map, vtl), ALL);
		for (page = 0; page < LOW_PAGES; page++)
			ck_assert_uint_eq(entry_of(map, vtl, page * PAGE), ALL);
		for (page = 0; page < MID_PAGES + HIGH_PAGES; page++)
			ck_assert_uint_eq(entry_of(map, vtl, MID_GPA + page * PAGE), ALL);
	}
	/* Enabled is off as well: a new mask does not act. */
	ck_assert_int_eq(vsm_protmap_set(map, 1, 0, 1, 0), 0);
	ck_assert_int_eq(vsm_protmap_set(map, 2, 0, 1, 0), 0);
	ck_assert_uint_eq(rights_of(map, 0, 0), ALL);
	vsm_protmap_destroy(map);
}
END_TEST

START_TEST(maps_are_strangers)
{
	struct vsm_protmap *one = new_map(1);
	struct vsm_protmap *two = new_map(1);

	ck_assert_int_eq(vsm_protmap_set(one, 1, 0, LOW_PAGES, 0), 0);
	ck_assert_int_eq(vsm_protmap_default_set(one, 1, 0), 0);
	ck_assert_int_eq(vsm_protmap_enable(one, 1, 1), 0);
	ck_assert_int_eq(vsm_protmap_enable(two, 1, 1), 0);
	ck_assert_uint_eq(rights_of(one, 0, 0), 0);
	ck_assert_uint_eq(rights_of(two, 0, 0), ALL);
	vsm_protmap_destroy(one);
	ck_assert_uint_eq(rights_of(two, 0, MID_GPA), ALL);
	vsm_protmap_destroy(two);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, legal_masks_without_mbec);
	tcase_add_test(tc, legal_masks_with_mbec);
	tcase_add_test(tc, bits_above_3_are_illegal);
	tcase_add_test(tc, create_refuses_bad_arguments);
	tcase_add_test(tc, create_refuses_bad_ranges);
	tcase_add_test(tc, create_refuses_overlaps);
	tcase_add_test(tc, a_bad_range_comes_before_an_overlap);
	tcase_add_test(tc, the_bound_is_kept_or_nothing_is_allocated);
	tcase_add_test(tc, each_failing_allocation_is_reported);
	tcase_add_test(tc, nothing_is_allocated_after_creation);
	tcase_add_test(tc, sizes_of_huge_maps_do_not_wrap);
	tcase_add_test(tc, a_region_reserves_less_than_850_bytes_per_protecting_vtl);
	tcase_add_test(tc, no_map_is_an_empty_map);
	tcase_add_test(tc, sixty_four_ranges_in_any_order);
	tcase_add_test(tc, a_new_map_protects_nothing);
	tcase_add_test(tc, set_changes_the_named_pages_of_one_vtl);
	tcase_add_test(tc, each_mask_of_each_vtl_is_kept);
	tcase_add_test(tc, set_and_unset_refuse_bad_arguments);
	tcase_add_test(tc, all_or_nothing_of_it_is_ram);
	tcase_add_test(tc, adjoining_ranges_are_one_to_the_writer);
	tcase_add_test(tc, get_refuses_bad_arguments);
	tcase_add_test(tc, the_default_is_for_pages_that_were_not_set);
	tcase_add_test(tc, default_refuses_bad_arguments);
	tcase_add_test(tc, a_set_acts_when_it_is_enabled);
	tcase_add_test(tc, enable_refuses_bad_arguments);
	tcase_add_test(tc, sets_restrict_the_vtls_below_them_only);
	tcase_add_test(tc, rights_are_the_intersection);
	tcase_add_test(tc, any_byte_of_a_page_names_it);
	tcase_add_test(tc, rights_and_denier_refuse_bad_arguments);
	tcase_add_test(tc, the_lowest_denying_vtl_is_told);
	tcase_add_test(tc, reset_returns_to_the_start);
	tcase_add_test(tc, maps_are_strangers);
}

int main(void)
{
	return vsmtest_suite("protmap", add_tests);
}
