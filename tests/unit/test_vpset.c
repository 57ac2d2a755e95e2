/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sets of VPs against a model that holds one byte per VP, and against what a hostile guest puts
 * into a set: counts that lie, formats that do not exist, VPs that are not there.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vsm/error.h>
#include <vsm/vpset.h>

#include "random.h"
#include "vsmtest.h"

#define VPS_MAX	     4096u
#define BLOCK_MAX    (16u + 65u * 8u)
#define ALLOW	     VSM_VPSET_ALLOW_ALL
#define REFUSE	     VSM_VPSET_REFUSE_ABSENT
#define INVALID	     5 /* HV_STATUS_INVALID_PARAMETER */
#define ROUNDS_ALL   40000u
#define ROUNDS_SHORT (ROUNDS_ALL / 20)

/* A block as a guest would write it, byte by byte. */
struct block {
	uint8_t bytes[BLOCK_MAX + 1];
	size_t len;
};

static void put64(struct block *b, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		b->bytes[b->len++] = (uint8_t)(value >> (8 * i));
}

static struct block block_of(uint64_t format, uint64_t mask, const uint64_t *banks, uint32_t count)
{
	struct block b = { .len = 0 };

	put64(&b, format);
	put64(&b, mask);
	for (uint32_t i = 0; i < count; i++)
		put64(&b, banks[i]);
	return b;
}

static int parse(const struct block *b, uint32_t policy, uint32_t live, struct vsm_vpset *set)
{
	return vsm_vpset_parse(b->bytes, b->len, policy, live, set);
}

/* Refused, and the result was not touched. */
static void assert_refused(const struct block *b, uint32_t policy, uint32_t live, int want)
{
	struct vsm_vpset set;
	struct vsm_vpset before;

	memset(&set, 0xa5, sizeof(set));
	before = set;
	ck_assert_int_eq(parse(b, policy, live, &set), want);
	ck_assert_mem_eq(&set, &before, sizeof(set));
}

/* The walk meets exactly these VPs, in this order. */
static void assert_walk(const struct vsm_vpset *set, uint32_t live, const uint32_t *want,
			uint32_t count)
{
	uint32_t vp = vsm_vpset_next(set, live, 0);

	for (uint32_t i = 0; i < count; i++) {
		ck_assert_uint_eq(vp, want[i]);
		ck_assert_int_eq(vsm_vpset_contains(set, live, vp), 1);
		vp = vsm_vpset_next(set, live, vp + 1);
	}
	ck_assert_uint_eq(vp, live);
	ck_assert_uint_eq(vsm_vpset_count(set, live), count);
}

/* Arguments of the host programmer */

START_TEST(null_and_unknown_policies_are_the_programmers_errors)
{
	struct block b = block_of(0, 0, NULL, 0);
	struct vsm_vpset set;

	ck_assert_int_eq(vsm_vpset_parse(NULL, 16, 0, 1, &set), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_vpset_parse(b.bytes, 16, 0, 1, NULL), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_vpset_from_mask(1, 0, 1, NULL), -VSM_ERR_INVAL);
	for (uint32_t bit = 2; bit < 32; bit++) {
		assert_refused(&b, 1u << bit, 1, -VSM_ERR_INVAL);
		ck_assert_int_eq(vsm_vpset_from_mask(1, 1u << bit, 1, &set), -VSM_ERR_INVAL);
	}
}
END_TEST

START_TEST(no_set_is_the_empty_set)
{
	ck_assert_int_eq(vsm_vpset_empty(NULL), 1);
	ck_assert_int_eq(vsm_vpset_contains(NULL, 8, 0), 0);
	ck_assert_uint_eq(vsm_vpset_count(NULL, 8), 0);
	ck_assert_uint_eq(vsm_vpset_next(NULL, 8, 0), 8);
}
END_TEST

/* Form */

START_TEST(every_length_but_the_right_one_is_refused)
{
	uint64_t banks[65];
	struct vsm_vpset set;

	memset(banks, 0xff, sizeof(banks));
	for (uint32_t bits = 0; bits <= 64; bits++) {
		uint64_t mask = bits == 64 ? UINT64_MAX : (1ull << bits) - 1;
		struct block b = block_of(0, mask, banks, 65);

		for (b.len = 0; b.len <= BLOCK_MAX; b.len++) {
			if (b.len == 16 + 8 * bits)
				ck_assert_int_eq(parse(&b, 0, 1, &set), 0);
			else
				assert_refused(&b, 0, 1, INVALID);
		}
	}
}
END_TEST

START_TEST(lengths_that_wrap_are_refused)
{
	static const size_t lens[] = { SIZE_MAX, SIZE_MAX - 7, SIZE_MAX / 2 + 1,
				       (size_t)UINT32_MAX + 1 + 16 };
	struct block b = block_of(0, 0, NULL, 0);

	for (size_t i = 0; i < VSMTEST_COUNT(lens); i++) {
		b.len = lens[i];
		assert_refused(&b, 0, 1, INVALID);
	}
}
END_TEST

START_TEST(every_unknown_format_is_refused)
{
	struct block b;

	for (int bit = 1; bit < 64; bit++) {
		b = block_of(1ull << bit, 0, NULL, 0);
		assert_refused(&b, ALLOW, 1, INVALID);
		b = block_of(1ull << bit | 1, 0, NULL, 0);
		assert_refused(&b, ALLOW, 1, INVALID);
	}
	b = block_of(UINT64_MAX, 0, NULL, 0);
	assert_refused(&b, ALLOW, 1, INVALID);
	b = block_of(2, 0, NULL, 0);
	assert_refused(&b, ALLOW, 1, INVALID);
}
END_TEST

START_TEST(all_is_a_format_only_where_it_is_allowed)
{
	struct block b = block_of(1, 0, NULL, 0);
	struct vsm_vpset set;

	assert_refused(&b, 0, 4, INVALID);
	assert_refused(&b, REFUSE, 4, INVALID);
	ck_assert_int_eq(parse(&b, ALLOW, 4, &set), 0);
	ck_assert_int_eq(parse(&b, ALLOW | REFUSE, 4, &set), 0);
}
END_TEST

START_TEST(a_forbidden_all_is_not_read_as_banks)
{
	uint64_t bank = 1;
	struct block b = block_of(1, 1, &bank, 1);

	assert_refused(&b, 0, 4, INVALID);
}
END_TEST

START_TEST(all_with_banks_ignores_them)
{
	uint64_t banks[3] = { 0x1, 0xf00, UINT64_MAX };
	struct block b = block_of(1, 0x5, banks, 3);
	struct vsm_vpset set;
	struct vsm_vpset plain;
	struct block none = block_of(1, 0, NULL, 0);

	ck_assert_int_eq(parse(&none, ALLOW, 3, &plain), 0);
	for (b.len = 16; b.len <= 16 + 24; b.len += 8) {
		memset(&set, 0xa5, sizeof(set));
		ck_assert_int_eq(parse(&b, ALLOW | REFUSE, 3, &set), 0);
		ck_assert_mem_eq(&set, &plain, sizeof(set));
	}
	ck_assert_uint_eq(vsm_vpset_count(&set, 3), 3);
	b.len = 15;
	assert_refused(&b, ALLOW, 3, INVALID);
}
END_TEST

START_TEST(a_set_may_lie_at_any_address)
{
	uint64_t bank = 0x8000000000000001ull;
	struct block b = block_of(0, 0x2, &bank, 1);
	uint8_t moved[64];
	struct vsm_vpset set;

	for (size_t shift = 0; shift < 8; shift++) {
		memcpy(moved + shift, b.bytes, b.len);
		ck_assert_int_eq(vsm_vpset_parse(moved + shift, b.len, 0, 1, &set), 0);
		ck_assert_uint_eq(set.bank[1], bank);
	}
}
END_TEST

/* The bytes behind the set are not read: the last one ends where the memory does. */
START_TEST(nothing_behind_the_set_is_read)
{
	uint64_t banks[64];
	struct vsm_vpset set;

	memset(banks, 0x11, sizeof(banks));
	for (uint32_t bits = 0; bits <= 64; bits++) {
		uint64_t mask = bits == 64 ? UINT64_MAX : (1ull << bits) - 1;
		struct block b = block_of(0, mask, banks, bits);
		uint8_t *exact = malloc(b.len);

		ck_assert_ptr_nonnull(exact);
		memcpy(exact, b.bytes, b.len);
		ck_assert_int_eq(vsm_vpset_parse(exact, b.len, 0, 1, &set), 0);
		free(exact);
		for (uint32_t n = bits; n < 64; n++)
			ck_assert_uint_eq(set.bank[n], 0);
	}
}
END_TEST

/* Contents */

START_TEST(a_parsed_set_has_no_stale_bytes)
{
	struct block b = block_of(0, 0, NULL, 0);
	static const struct vsm_vpset zero;
	struct vsm_vpset set;

	memset(&set, 0xa5, sizeof(set));
	ck_assert_int_eq(parse(&b, 0, 1, &set), 0);
	ck_assert_mem_eq(&set, &zero, sizeof(set));
}
END_TEST

START_TEST(each_bank_alone_stands_for_its_64_vps)
{
	for (uint32_t n = 0; n < 64; n++) {
		uint64_t bank = 0x8000000000000001ull;
		struct block b = block_of(0, 1ull << n, &bank, 1);
		uint32_t want[2] = { 64 * n, 64 * n + 63 };
		struct vsm_vpset set;

		ck_assert_int_eq(parse(&b, 0, VPS_MAX, &set), 0);
		assert_walk(&set, VPS_MAX, want, 2);
		ck_assert_uint_eq(vsm_vpset_count(&set, 64 * n), 0);
		ck_assert_uint_eq(vsm_vpset_count(&set, 64 * n + 1), 1);
		ck_assert_uint_eq(vsm_vpset_count(&set, 64 * n + 63), 1);
		ck_assert_uint_eq(vsm_vpset_count(&set, 64 * n + 64), 2);
	}
}
END_TEST

START_TEST(banks_come_in_ascending_order)
{
	uint64_t banks[3] = { 0x1, 0x2, 0x4 };
	struct block b = block_of(0, 1ull << 1 | 1ull << 7 | 1ull << 63, banks, 3);
	uint32_t want[3] = { 64, 64 * 7 + 1, 64 * 63 + 2 };
	struct vsm_vpset set;

	ck_assert_int_eq(parse(&b, 0, VPS_MAX, &set), 0);
	assert_walk(&set, VPS_MAX, want, 3);
}
END_TEST

START_TEST(a_bank_of_zeros_names_nobody)
{
	uint64_t banks[64] = { 0 };
	struct block b = block_of(0, UINT64_MAX, banks, 64);
	struct vsm_vpset set;

	ck_assert_int_eq(parse(&b, REFUSE, 0, &set), 0);
	ck_assert_int_eq(vsm_vpset_empty(&set), 1);
	assert_walk(&set, 64, NULL, 0);
}
END_TEST

START_TEST(an_empty_mask_names_nobody)
{
	struct block b = block_of(0, 0, NULL, 0);
	struct vsm_vpset set;

	ck_assert_int_eq(parse(&b, ALLOW, 4, &set), 0);
	ck_assert_int_eq(vsm_vpset_empty(&set), 1);
	assert_walk(&set, 4, NULL, 0);
}
END_TEST

START_TEST(emptiness_asks_what_is_named_not_what_is_there)
{
	uint64_t bank = 1ull << 5;
	struct block b = block_of(0, 1, &bank, 1);
	struct block all = block_of(1, 0, NULL, 0);
	struct vsm_vpset set;

	ck_assert_int_eq(parse(&b, 0, 4, &set), 0);
	ck_assert_int_eq(vsm_vpset_empty(&set), 0);
	ck_assert_uint_eq(vsm_vpset_count(&set, 4), 0);
	ck_assert_int_eq(parse(&all, ALLOW, 0, &set), 0);
	ck_assert_int_eq(vsm_vpset_empty(&set), 0);
	ck_assert_uint_eq(vsm_vpset_count(&set, 0), 0);
}
END_TEST

/* Live VPs */

START_TEST(absent_vps_are_ignored_or_refused)
{
	for (uint32_t vp = 0; vp < 256; vp++) {
		uint64_t banks[4] = { 0 };
		struct block b;
		struct vsm_vpset set;

		banks[vp / 64] = 1ull << (vp % 64);
		b = block_of(0, 0xf, banks, 4);
		assert_refused(&b, REFUSE, vp, INVALID);
		ck_assert_int_eq(parse(&b, 0, vp, &set), 0);
		assert_walk(&set, vp, NULL, 0);
		ck_assert_int_eq(parse(&b, REFUSE, vp + 1, &set), 0);
		assert_walk(&set, vp + 1, &vp, 1);
	}
}
END_TEST

START_TEST(one_absent_vp_among_live_ones_refuses_all)
{
	uint64_t banks[2] = { UINT64_MAX, 0x3 };
	struct block b = block_of(0, 0x3, banks, 2);
	struct vsm_vpset set;

	assert_refused(&b, REFUSE, 65, INVALID);
	ck_assert_int_eq(parse(&b, REFUSE, 66, &set), 0);
	ck_assert_uint_eq(vsm_vpset_count(&set, 66), 66);
}
END_TEST

START_TEST(a_full_set_never_leads_beyond_the_live_vps)
{
	static const uint32_t lives[] = { 0, 1, 2, 63, 64, 65, 127, 128, 2048, 4095, 4096 };
	uint64_t banks[64];
	struct vsm_vpset set;
	struct block b;

	memset(banks, 0xff, sizeof(banks));
	b = block_of(0, UINT64_MAX, banks, 64);
	for (size_t i = 0; i < VSMTEST_COUNT(lives); i++) {
		uint32_t live = lives[i];
		uint32_t met = 0;

		ck_assert_int_eq(parse(&b, 0, live, &set), 0);
		for (uint32_t vp = vsm_vpset_next(&set, live, 0); vp < live;
		     vp = vsm_vpset_next(&set, live, vp + 1))
			ck_assert_uint_eq(vp, met++);
		ck_assert_uint_eq(met, live);
		ck_assert_uint_eq(vsm_vpset_count(&set, live), live);
		ck_assert_int_eq(vsm_vpset_contains(&set, live, live), 0);
	}
}
END_TEST

START_TEST(a_sparse_set_ends_at_its_4096_vps)
{
	uint64_t banks[64];
	struct vsm_vpset set;
	struct block b;

	memset(banks, 0xff, sizeof(banks));
	b = block_of(0, UINT64_MAX, banks, 64);
	ck_assert_int_eq(parse(&b, REFUSE, UINT32_MAX, &set), 0);
	ck_assert_uint_eq(vsm_vpset_count(&set, UINT32_MAX), VPS_MAX);
	ck_assert_int_eq(vsm_vpset_contains(&set, UINT32_MAX, VPS_MAX - 1), 1);
	ck_assert_int_eq(vsm_vpset_contains(&set, UINT32_MAX, VPS_MAX), 0);
	ck_assert_uint_eq(vsm_vpset_next(&set, UINT32_MAX, VPS_MAX - 1), VPS_MAX - 1);
	ck_assert_uint_eq(vsm_vpset_next(&set, UINT32_MAX, VPS_MAX), UINT32_MAX);
}
END_TEST

START_TEST(all_vps_are_the_live_ones)
{
	static const uint32_t lives[] = { 0, 1, 64, 2048, 5000 };
	struct block b = block_of(1, 0, NULL, 0);
	struct vsm_vpset set;

	ck_assert_int_eq(parse(&b, ALLOW, 0, &set), 0);
	for (size_t i = 0; i < VSMTEST_COUNT(lives); i++) {
		uint32_t live = lives[i];

		ck_assert_uint_eq(vsm_vpset_count(&set, live), live);
		ck_assert_uint_eq(vsm_vpset_next(&set, live, 0), 0);
		ck_assert_int_eq(vsm_vpset_contains(&set, live, live), 0);
		for (uint32_t vp = 0; vp < live; vp++) {
			if (!vsm_vpset_contains(&set, live, vp) ||
			    vsm_vpset_next(&set, live, vp) != vp)
				ck_abort_msg("VP %u of %u", vp, live);
		}
	}
}
END_TEST

START_TEST(special_indices_are_in_no_set)
{
	static const uint32_t special[] = { 0xfffffffeu, 0xffffffffu, 0x80000000u, VPS_MAX };
	uint64_t banks[64];
	struct block sparse;
	struct block all = block_of(1, 0, NULL, 0);
	struct vsm_vpset set;

	memset(banks, 0xff, sizeof(banks));
	sparse = block_of(0, UINT64_MAX, banks, 64);
	for (size_t i = 0; i < VSMTEST_COUNT(special); i++) {
		ck_assert_int_eq(parse(&sparse, 0, 2048, &set), 0);
		ck_assert_int_eq(vsm_vpset_contains(&set, 2048, special[i]), 0);
		ck_assert_uint_eq(vsm_vpset_next(&set, 2048, special[i]), 2048);
		ck_assert_int_eq(parse(&all, ALLOW, 2048, &set), 0);
		ck_assert_int_eq(vsm_vpset_contains(&set, 2048, special[i]), 0);
		ck_assert_uint_eq(vsm_vpset_next(&set, 2048, special[i]), 2048);
	}
}
END_TEST

/* Plain masks */

START_TEST(a_plain_mask_covers_the_first_64_vps)
{
	struct vsm_vpset set;

	for (uint32_t vp = 0; vp < 64; vp++) {
		memset(&set, 0xa5, sizeof(set));
		ck_assert_int_eq(vsm_vpset_from_mask(1ull << vp, REFUSE, vp + 1, &set), 0);
		assert_walk(&set, 2048, &vp, 1);
		memset(&set, 0xa5, sizeof(set));
		ck_assert_int_eq(vsm_vpset_from_mask(1ull << vp, REFUSE, vp, &set), INVALID);
		ck_assert_uint_eq(set.all, 0xa5a5a5a5u);
		ck_assert_int_eq(vsm_vpset_from_mask(1ull << vp, 0, vp, &set), 0);
		assert_walk(&set, vp, NULL, 0);
	}
	ck_assert_int_eq(vsm_vpset_from_mask(UINT64_MAX, 0, 0, &set), 0);
	ck_assert_uint_eq(vsm_vpset_count(&set, 2048), 64);
	ck_assert_int_eq(vsm_vpset_contains(&set, 2048, 64), 0);
	ck_assert_int_eq(vsm_vpset_from_mask(0, REFUSE, 0, &set), 0);
	ck_assert_int_eq(vsm_vpset_empty(&set), 1);
}
END_TEST

/* The model */

static uint64_t seed;

static uint64_t next(void)
{
	return random_next(&seed);
}

struct model {
	uint8_t in[VPS_MAX];
	int status;
};

static void model_parse(struct model *m, const struct block *b, uint32_t policy, uint32_t live)
{
	size_t at = 16;

	memset(m, 0, sizeof(*m));
	if (b->bytes[0] == 1 && (policy & ALLOW)) {
		memset(m->in, 1, sizeof(m->in));
		return;
	}
	m->status = b->bytes[0] == 0 ? 0 : INVALID;
	for (uint32_t n = 0; n < 64; n++) {
		if (!(b->bytes[8 + n / 8] >> (n % 8) & 1))
			continue;
		for (uint32_t bit = 0; bit < 64 && at + 8 <= b->len; bit++)
			m->in[64 * n + bit] = b->bytes[at + bit / 8] >> (bit % 8) & 1;
		at += 8;
	}
	if (at != b->len)
		m->status = INVALID;
	for (uint32_t vp = live; vp < VPS_MAX; vp++)
		m->status = m->in[vp] && (policy & REFUSE) ? INVALID : m->status;
}

static struct block random_block(void)
{
	uint64_t banks[65];
	uint64_t mask = next() & next() & (next() % 2 ? UINT64_MAX : 0xf);
	uint32_t count = (uint32_t)__builtin_popcountll(mask);
	uint64_t format = next() % 8 ? 0 : next() % 3;

	for (uint32_t i = 0; i < 65; i++)
		banks[i] = next() % 4 ? next() & next() & next() : 0;
	if (next() % 8 == 0)
		count = count + (uint32_t)(next() % 3) - (count > 0);
	return block_of(format, mask, banks, count);
}

static void compare(const struct model *m, const struct vsm_vpset *set, uint32_t live)
{
	uint32_t want = vsm_vpset_next(set, live, 0);
	uint32_t count = 0;

	for (uint32_t vp = 0; vp < VPS_MAX; vp++) {
		int in = m->in[vp] && vp < live;

		/* Each ck_assert is a system call, and here are millions. */
		if (vsm_vpset_contains(set, live, vp) != in || (in && vp != want))
			ck_abort_msg("VP %u of %u, next %u", vp, live, want);
		if (!in)
			continue;
		want = vsm_vpset_next(set, live, vp + 1);
		count++;
	}
	ck_assert_uint_eq(want, live);
	ck_assert_uint_eq(vsm_vpset_count(set, live), count);
	ck_assert_int_eq(vsm_vpset_empty(set), memchr(m->in, 1, sizeof(m->in)) == NULL);
}

START_TEST(random_sets_are_those_of_the_model)
{
	uint32_t rounds = getenv("VSM_TEST_ALL") ? ROUNDS_ALL : ROUNDS_SHORT;
	uint32_t good = 0;

	seed = 0x9e3779b97f4a7c15ull;
	for (uint32_t i = 0; i < rounds; i++) {
		struct block b = random_block();
		uint32_t policy = (uint32_t)(next() % 4);
		uint32_t live = (uint32_t)(next() % (next() % 4 ? VPS_MAX + 1 : 130));
		struct vsm_vpset set;
		struct model m;

		model_parse(&m, &b, policy, live);
		if (m.status != 0) {
			assert_refused(&b, policy, live, m.status);
			continue;
		}
		ck_assert_int_eq(parse(&b, policy, live, &set), 0);
		compare(&m, &set, live);
		good++;
	}
	printf("# %u random sets, %u of them good\n", rounds, good);
	ck_assert_uint_gt(good, rounds / 4);
	ck_assert_uint_lt(good, rounds - rounds / 10);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(null_and_unknown_policies_are_the_programmers_errors),
	VSMTEST_CASE(no_set_is_the_empty_set),
	VSMTEST_CASE(every_length_but_the_right_one_is_refused),
	VSMTEST_CASE(lengths_that_wrap_are_refused),
	VSMTEST_CASE(every_unknown_format_is_refused),
	VSMTEST_CASE(all_is_a_format_only_where_it_is_allowed),
	VSMTEST_CASE(a_forbidden_all_is_not_read_as_banks),
	VSMTEST_CASE(all_with_banks_ignores_them),
	VSMTEST_CASE(a_set_may_lie_at_any_address),
	VSMTEST_CASE(nothing_behind_the_set_is_read),
	VSMTEST_CASE(a_parsed_set_has_no_stale_bytes),
	VSMTEST_CASE(each_bank_alone_stands_for_its_64_vps),
	VSMTEST_CASE(banks_come_in_ascending_order),
	VSMTEST_CASE(a_bank_of_zeros_names_nobody),
	VSMTEST_CASE(an_empty_mask_names_nobody),
	VSMTEST_CASE(emptiness_asks_what_is_named_not_what_is_there),
	VSMTEST_CASE(absent_vps_are_ignored_or_refused),
	VSMTEST_CASE(one_absent_vp_among_live_ones_refuses_all),
	VSMTEST_CASE(a_full_set_never_leads_beyond_the_live_vps),
	VSMTEST_CASE(a_sparse_set_ends_at_its_4096_vps),
	VSMTEST_CASE(all_vps_are_the_live_ones),
	VSMTEST_CASE(special_indices_are_in_no_set),
	VSMTEST_CASE(a_plain_mask_covers_the_first_64_vps),
	VSMTEST_CASE(random_sets_are_those_of_the_model),
};

int main(void)
{
	return vsmtest_main("vpset", cases, VSMTEST_COUNT(cases));
}
