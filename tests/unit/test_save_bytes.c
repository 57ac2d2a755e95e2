/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Saved state that is not as it was written (case 39, I6 of doc/hostile-cases.md): it is
 * refused and nothing has changed, or it is a state as any other.
 */
#include <stdio.h>

#include "saved_bytes.h"

START_TEST(case_39_i6_golden_bytes_load)
{
	struct fixture f = fixture_of(golden());
	struct blob now;

	for (uint32_t id = 1; id <= ID_VP_VTL; id++)
		find(&f.b, id);
	assert_err(vsmtest_load(f.target.t, f.b.bytes, f.b.size), 0);
	now = saved(f.target.t);
	forget_clock(&f.b);
	forget_clock(&now);
	ck_assert(same(&f.b, &now));
	start_anew(&f.target);
	assert_new(&f.target);
	free(now.bytes);
	fixture_free(&f);
}
END_TEST

START_TEST(case_39_i6_every_truncation)
{
	struct fixture f = fixture_of(golden());

	for (size_t size = 0; size < f.b.size; size++)
		ck_assert_int_ne(try_bytes(&f.target, f.b.bytes, size), 0);
	/* And with what says how long it is. */
	for (size_t size = HEADER + TRAILER; size < f.b.size; size += 8) {
		struct blob shorter = copy_of(&f.b);

		shorter.size = size;
		seal(&shorter, 0);
		ck_assert_int_ne(try_blob(&f.target, &shorter), 0);
		free(shorter.bytes);
	}
	/* A byte more. */
	f.b.bytes[f.b.size] = 0;
	ck_assert_int_ne(try_bytes(&f.target, f.b.bytes, f.b.size + 1), 0);
	ck_assert_int_ne(try_bytes(&f.target, f.b.bytes, f.b.size + 8), 0);
	assert_new(&f.target);
	fixture_free(&f);
}
END_TEST

START_TEST(case_39_i6_every_bit_flip)
{
	struct fixture f = fixture_of(golden());

	for (size_t bit = 0; bit < 8 * f.b.size; bit++) {
		f.b.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ck_assert_msg(try_blob(&f.target, &f.b) != 0, "bit %zu is not missed", bit);
		f.b.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_new(&f.target);
	fixture_free(&f);
}
END_TEST

/* Bytes of overlay pages may be anything: few of them do. */
static size_t next_bit(const struct blob *b, size_t bit)
{
	for (uint32_t i = 0; i < b->count; i++) {
		const struct section *s = &b->section[i];
		size_t from = 8 * (s->at + 1024), to = 8 * (s->at + s->length);

		if (s->id == ID_VP_VTL && bit >= from && bit + 997 < to)
			return bit + 997;
	}
	return bit + 1;
}

START_TEST(case_39_i6_every_bit_flip_with_a_checksum_that_fits)
{
	struct fixture f = fixture_of(golden());

	for (size_t bit = 0; bit < 8 * (f.b.size - TRAILER); bit = next_bit(&f.b, bit)) {
		struct blob other = copy_of(&f.b);

		other.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (bit / 8 < AT_SECTIONS || bit / 8 >= AT_BYTES + 8)
			seal(&other, 0);
		try_blob(&f.target, &other);
		free(other.bytes);
	}
	printf("# %llu flips of %zu bytes, %llu of them give another state\n",
	       (unsigned long long)f.target.tried, f.b.size, (unsigned long long)f.target.accepted);
	/* Most of what is left is the guest's own: contexts, messages, pages, masks of bits. */
	ck_assert_uint_gt(f.target.accepted, 100);
	ck_assert_uint_gt(f.target.tried - f.target.accepted, 5000);
	assert_new(&f.target);
	fixture_free(&f);
}
END_TEST

/* A blob with section i replaced by `n` copies of section j. */
static struct blob with(const struct blob *b, uint32_t i, uint32_t n, uint32_t j)
{
	struct blob out = copy_of(b);
	size_t at = b->section[i].at, behind = at + b->section[i].length;
	size_t rest = b->size - behind;

	for (uint32_t k = 0; k < n; k++) {
		memcpy(out.bytes + at, b->bytes + b->section[j].at, b->section[j].length);
		at += b->section[j].length;
	}
	memcpy(out.bytes + at, b->bytes + behind, rest);
	out.size = at + rest;
	seal(&out, (int32_t)n - 1);
	return out;
}

static void refused(struct target *target, struct blob b, const char *what, uint32_t i)
{
	ck_assert_msg(try_blob(target, &b) != 0, "section %u %s: accepted", i, what);
	free(b.bytes);
}

static struct blob with_head(const struct blob *b, uint32_t i, uint32_t offset, uint32_t bytes,
			     uint64_t value)
{
	struct blob out = copy_of(b);

	put(out.bytes + b->section[i].at + offset, bytes, value);
	seal(&out, 0);
	return out;
}

/* Section i with 8 bytes more, or less, at its end. */
static struct blob resized(const struct blob *b, uint32_t i, int32_t bytes)
{
	struct blob out = copy_of(b);
	size_t behind = b->section[i].at + b->section[i].length;
	size_t to = behind + (size_t)bytes;

	memset(out.bytes + behind, 0, 8);
	memcpy(out.bytes + to, b->bytes + behind, b->size - behind);
	put(out.bytes + b->section[i].at + 8, 8, b->section[i].length - HEAD + (size_t)bytes);
	out.size = b->size + (size_t)bytes;
	seal(&out, 0);
	return out;
}

START_TEST(case_39_i6_sections_dropped_doubled_reordered_unknown)
{
	struct fixture f = fixture_of(golden());

	for (uint32_t i = 0; i < f.b.count; i++) {
		refused(&f.target, with(&f.b, i, 0, i), "dropped", i);
		refused(&f.target, with(&f.b, i, 2, i), "doubled", i);
		for (uint32_t j = 0; j < f.b.count; j++)
			if (j != i)
				refused(&f.target, with(&f.b, i, 1, j), "replaced", i);
		refused(&f.target, with_head(&f.b, i, 0, 4, 0), "without id", i);
		refused(&f.target, with_head(&f.b, i, 0, 4, 8), "of an unknown id", i);
		refused(&f.target, with_head(&f.b, i, 0, 4, UINT32_MAX), "of an unknown id", i);
		refused(&f.target, with_head(&f.b, i, 4, 4, 77), "of somebody else", i);
		refused(&f.target, with_head(&f.b, i, 8, 8, 0), "of length 0", i);
		refused(&f.target, with_head(&f.b, i, 8, 8, UINT32_MAX), "of length 2^32 - 1", i);
		refused(&f.target, with_head(&f.b, i, 8, 8, UINT64_MAX - 7), "of length 2^64 - 8",
			i);
		refused(&f.target, with_head(&f.b, i, 8, 8, f.b.section[i].length - HEAD + 8),
			"that reaches into the next", i);
		refused(&f.target, resized(&f.b, i, 8), "too long", i);
		if (f.b.section[i].length != HEAD)
			refused(&f.target, resized(&f.b, i, -8), "too short", i);
	}
	for (uint32_t i = 0; i + 1 < f.b.count; i++) {
		struct blob swapped = with(&f.b, i, 1, i + 1);
		size_t at = f.b.section[i].at + f.b.section[i + 1].length;

		memcpy(swapped.bytes + at, f.b.bytes + f.b.section[i].at, f.b.section[i].length);
		swapped.size = f.b.size;
		memcpy(swapped.bytes + at + f.b.section[i].length,
		       f.b.bytes + f.b.section[i + 1].at + f.b.section[i + 1].length,
		       f.b.size - f.b.section[i + 1].at - f.b.section[i + 1].length);
		seal(&swapped, 0);
		refused(&f.target, swapped, "exchanged with the next", i);
	}
	/* Another number of sections, and a version to come. */
	seal(&f.b, 1);
	ck_assert_int_eq(try_blob(&f.target, &f.b), -VSM_ERR_INVAL);
	seal(&f.b, -2);
	ck_assert_int_eq(try_blob(&f.target, &f.b), -VSM_ERR_INVAL);
	seal(&f.b, 1);
	f.b.bytes[8] = 2;
	seal(&f.b, 0);
	ck_assert_int_eq(try_blob(&f.target, &f.b), -VSM_ERR_NOSUP);
	assert_new(&f.target);
	fixture_free(&f);
}
END_TEST

/* Rights that are not taken any more, while the header says that they are. */
START_TEST(case_39_less_protected_than_the_header_says)
{
	struct fixture f = fixture_of(golden());
	struct blob other;
	const struct section *masks = find(&f.b, ID_MASKS);
	uint32_t runs = (uint32_t)((masks->length - HEAD) / 16), vtl1 = 0;

	ck_assert_uint_eq(runs, 3);
	for (uint32_t run = 0; run < runs; run++) {
		other = copy_of(&f.b);
		other.bytes[masks->at + HEAD + 16 * run] |= RWX;
		seal(&other, 0);
		refused(&f.target, other, "run with more rights", run);
	}
	/* The last run is gone. */
	other = copy_of(&f.b);
	memmove(other.bytes + masks->at + masks->length - 16,
		other.bytes + masks->at + masks->length, f.b.size - masks->at - masks->length);
	other.size -= 16;
	put(other.bytes + masks->at + 8, 8, masks->length - HEAD - 16);
	seal(&other, 0);
	refused(&f.target, other, "without its last run", 0);
	/* VTL1's protections are off. */
	while (f.b.section[vtl1].id != ID_VTL || get(f.b.bytes + f.b.section[vtl1].at + 4, 4) != 1)
		vtl1++;
	other = copy_of(&f.b);
	other.bytes[f.b.section[vtl1].at + HEAD + AT_CONFIG] &= 0xfe;
	seal(&other, 0);
	refused(&f.target, other, "with protections off", vtl1);
	assert_new(&f.target);
	fixture_free(&f);
}
END_TEST

/* Single fields with values that no guest can bring about. */
static const struct {
	uint32_t id;
	uint32_t nth; /* of the sections of that id */
	uint32_t offset;
	uint32_t bytes;
	uint64_t value;
	const char *what;
} impossible[] = {
	{ ID_PARTITION, 0, 0, 4, 2, "VTL0 is not enabled" },
	{ ID_PARTITION, 0, 0, 4, 7, "VTL2 is enabled" },
	{ ID_PARTITION, 0, 0, 4, 1, "VTL1 is enabled on VPs only" },
	{ ID_PARTITION, 0, 4, 4, 2, "a flush of the highest VTL is owed" },
	{ ID_PARTITION, 0, 8, 8, UINT64_MAX, "the next overlay has no number" },
	{ ID_PARTITION, 0, 8, 8, 1, "overlays come from the future" },
	{ ID_PARTITION, 0, 24, 4, 0, "the reference TSC page is not valid" },
	{ ID_PARTITION, 0, 24, 4, UINT32_MAX, "nor with that sequence" },
	{ ID_PARTITION, 0, 28, 4, 1, "a field that is none" },
	{ ID_VTL, 0, 52, 4, 1, "another one" },
	{ ID_VTL, 0, 0, 8, 0, "a hypercall page without an identity" },
	{ ID_VTL, 0, 8, 8, 1ull << 44 | 1, "a hypercall page out of reach" },
	{ ID_VTL, 0, 16, 8, 0, "a hypercall page that is nowhere" },
	{ ID_VTL, 0, 24, 8, 0x5001, "a reference TSC page that is nowhere" },
	{ ID_VTL, 0, 32, 8, 1, "an overlay that is placed without its MSR" },
	{ ID_VTL, 0, 40, 8, 0x3e, "VTL0 has a configuration" },
	{ ID_VTL, 1, 40, 8, 0x1ull << 20 | 1, "bits of the configuration that do nothing" },
	{ ID_VTL, 1, 40, 8, 1 | 5 << 1, "a default mask that is none" },
	{ ID_VTL, 0, 48, 4, 1, "VTL0 was enabled with MBEC" },
	{ ID_VTL, 1, 48, 4, 2, "an unknown kind of MBEC" },
	{ ID_MASKS, 0, 0, 8, VSMTEST_DATA_GPA | 2, "W without R" },
	{ ID_MASKS, 0, 0, 8, VSMTEST_DATA_GPA | 9, "UX without MBEC" },
	{ ID_MASKS, 0, 0, 8, VSMTEST_DATA_GPA | 0x11, "a bit behind the mask" },
	{ ID_MASKS, 0, 0, 8, VSMTEST_HOLE_GPA | 1, "a mask where no RAM is" },
	{ ID_MASKS, 0, 0, 8, 1ull << 60 | 1, "a mask beyond all memory" },
	{ ID_MASKS, 0, 8, 8, 0x2000, "runs that overlap" },
	{ ID_MASKS, 0, 8, 8, 0, "a run of nothing" },
	{ ID_MASKS, 0, 8, 8, 0x1001, "half a page" },
	{ ID_MASKS, 0, 8, 8, UINT64_MAX << 12, "a run around the end of memory" },
	{ ID_MASKS, 0, 16, 8, VSMTEST_DATA_GPA - VSMTEST_PAGE, "runs that descend" },
	{ ID_VP, 0, 8, 4, 2, "VTL2 is active" },
	{ ID_VP, 0, 8, 4, 32, "a VTL that there never is" },
	{ ID_VP, 0, 8, 4, UINT32_MAX, "nor that" },
	{ ID_VP, 0, 12, 4, 1, "the active VTL is not enabled" },
	{ ID_VP, 0, 12, 4, 2, "VTL0 is not enabled on a VP" },
	{ ID_VP, 1, 8, 4, 1, "a VTL runs and waits for its context" },
	{ ID_VP, 0, 16, 4, 1, "a VP waits that never does" },
	{ ID_VP, 0, 20, 4, 1, "it starts in a VTL without being started" },
	{ ID_VP, 2, 16, 4, 2, "a call that starts it is under way" },
	{ ID_VP, 2, 16, 4, 4, "an unknown way of waiting" },
	{ ID_VP, 2, 20, 4, 2, "it starts in a VTL that there never is" },
	{ ID_VP, 2, 24, 8, 1ull << 63, "it starts at no address" },
	{ ID_VP_VTL, 0, 0, 4, 1, "another VTL than the next" },
	{ ID_VP_VTL, 0, 4, 4, 0x20, "an unknown part" },
	{ ID_VP_VTL, 1, 16, 8, 0, "an assist page that is nowhere" },
	{ ID_VP_VTL, 1, 32, 8, 0, "a message page that is nowhere" },
	{ ID_VP_VTL, 2, 48, 8, 0, "an event flags page that is nowhere" },
	{ ID_VP_VTL, 1, 64, 8, 3, "a vector that no interrupt has" },
	{ ID_VP_VTL, 0, 72, 8, 0x60002, "an event that is not pending" },
	{ ID_VP_VTL, 0, 72, 8, 0x90001, "an event that is no exception" },
	{ ID_VP_VTL, 1, 72, 8, 0x60001, "an event for the VTL that runs" },
	{ ID_VP_VTL, 1, 88, 4, 0x80000002, "a message that never waits" },
	{ ID_VP_VTL, 1, 92, 1, 255, "a message that is longer than its slot" },
	{ ID_VP_VTL, 1, 93, 1, 1, "a flag of a slot in a message" },
	{ ID_VP_VTL, 1, 94, 2, 1, "a message with a field that is none" },
};

static size_t nth(const struct blob *b, uint32_t id, uint32_t n)
{
	for (uint32_t i = 0; i < b->count; i++)
		if (b->section[i].id == id && n-- == 0)
			return b->section[i].at + HEAD;
	ck_abort_msg("no section %u", id);
	return 0;
}

START_TEST(case_39_values_that_no_guest_can_bring_about)
{
	struct fixture f = fixture_of(golden());

	for (size_t i = 0; i < VSMTEST_COUNT(impossible); i++) {
		struct blob other = copy_of(&f.b);
		uint8_t *at = other.bytes + nth(&f.b, impossible[i].id, impossible[i].nth) +
			      impossible[i].offset;

		ck_assert_uint_ne(get(at, impossible[i].bytes), impossible[i].value);
		put(at, impossible[i].bytes, impossible[i].value);
		seal(&other, 0);
		ck_assert_msg(try_blob(&f.target, &other) == -VSM_ERR_INVAL, "%s: accepted",
			      impossible[i].what);
		free(other.bytes);
	}
	assert_new(&f.target);
	fixture_free(&f);
}
END_TEST

/* With a run of one page in the first MASKS section, of which the header knows. */
static struct blob with_run(const struct blob *b, uint32_t mask)
{
	size_t at = find(b, ID_MASKS)->at;
	struct blob out = copy_of(b);

	ck_assert_uint_eq(get(b->bytes + at + 8, 8), 0);
	put(out.bytes + at + 8, 8, 16);
	put(out.bytes + at + HEAD, 8, VSMTEST_DATA_GPA | mask);
	put(out.bytes + at + HEAD + 8, 8, VSMTEST_PAGE);
	memcpy(out.bytes + at + HEAD + 16, b->bytes + at + HEAD, b->size - at - HEAD);
	put(out.bytes + AT_TAKEN, 8, 1 + (uint64_t)__builtin_popcount(~mask & 15u));
	out.size += 16;
	seal(&out, 0);
	return out;
}

/* A run that is all right by itself, where its VTL could not have set it. */
START_TEST(case_39_masks_that_their_vtl_cannot_set)
{
	struct vsmtest_opts opts;
	struct target target;
	struct vsmtest *t;
	struct blob b, other;

	vsmtest_opts_init(&opts);
	opts.config.enforceable = 0xa001;
	t = vsmtest_new(&opts);
	target = target_of(t);
	b = saved(t);
	refused(&target, with_run(&b, RX), "of a VTL that is not enabled", 0);
	free(b.bytes);
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	b = saved(t);
	refused(&target, with_run(&b, R), "with a mask that cannot be enforced", 0);
	refused(&target, with_run(&b, 2), "with a mask that there is not", 0);
	assert_new(&target);
	other = with_run(&b, RX);
	assert_err(try_blob(&target, &other), 0);
	free(other.bytes);
	free(b.bytes);
	target_free(&target);
	vsmtest_free(t);
}
END_TEST

/* In section i `out` bytes at `at` make room for `bytes` of `from`. */
static struct blob spliced(const struct blob *b, uint32_t i, size_t at, size_t out,
			   const void *from, size_t bytes)
{
	struct blob other = copy_of(b);
	size_t to = b->section[i].at + HEAD + at;

	memcpy(other.bytes + to, from, bytes);
	memcpy(other.bytes + to + bytes, b->bytes + to + out, b->size - to - out);
	put(other.bytes + b->section[i].at + 8, 8, b->section[i].length - HEAD + bytes - out);
	other.size = b->size + bytes - out;
	seal(&other, 0);
	return other;
}

static uint32_t nth_section(const struct blob *b, uint32_t id, uint32_t n)
{
	for (uint32_t i = 0; i < b->count; i++)
		if (b->section[i].id == id && n-- == 0)
			return i;
	ck_abort_msg("no section %u", id);
	return 0;
}

/* A message tells of an entry, and that has loaded the context. */
START_TEST(case_39_a_message_for_a_vtl_that_was_never_entered)
{
	static const uint8_t no_parts[4] = { 0 }, message[4] = { 1 }, both[4] = { 3 };
	struct vsmtest *t = golden();
	struct target target = target_of(t);
	struct blob b = saved(t), without, other;
	uint32_t of_vp1 = nth_section(&b, ID_VP_VTL, 3);
	const uint8_t *bytes = b.bytes + b.section[nth_section(&b, ID_VP_VTL, 1)].at + HEAD + 88;

	other = spliced(&b, of_vp1, 88, 0, bytes, 256);
	memcpy(other.bytes + b.section[of_vp1].at + HEAD + 4, both, 4);
	seal(&other, 0);
	refused(&target, other, "with message and context", of_vp1);
	/* The message alone, of a VTL that was entered and left again, is all right. */
	without = spliced(&b, of_vp1, 88, 224, bytes, 256);
	memcpy(without.bytes + b.section[of_vp1].at + HEAD + 4, message, 4);
	seal(&without, 0);
	assert_err(try_blob(&target, &without), 0);
	free(without.bytes);
	without = spliced(&b, of_vp1, 88, 224, bytes, 0);
	memcpy(without.bytes + b.section[of_vp1].at + HEAD + 4, no_parts, 4);
	seal(&without, 0);
	assert_err(try_blob(&target, &without), 0);
	free(without.bytes);
	free(b.bytes);
	target_free(&target);
	vsmtest_free(t);
}
END_TEST

START_TEST(case_39_a_message_for_a_vp_that_waits_for_its_start)
{
	static const uint8_t message[4] = { 1 };
	struct hv_initial_vp_context context;
	struct vsmtest_opts opts;
	struct vsmtest *t, *from = golden();
	struct target target;
	struct blob b, other, with_message = saved(from);
	uint32_t of_vp1;

	vsmtest_opts_init(&opts);
	opts.vps = opts.config.max_vps = 2;
	opts.config.host_flags = VSM_HOST_STARTS_VPS;
	opts.waiting = 2;
	t = vsmtest_new(&opts);
	vsmtest_context64(&context);
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_enable_vp_vtl(t, 0, 1, 1, &context), HV_STATUS_SUCCESS);
	target = target_of(t);
	b = saved(t);
	of_vp1 = nth_section(&b, ID_VP_VTL, 3);
	other = spliced(&b, of_vp1, 88, 224,
			with_message.bytes +
				with_message.section[nth_section(&with_message, ID_VP_VTL, 1)].at +
				HEAD + 88,
			256);
	memcpy(other.bytes + b.section[of_vp1].at + HEAD + 4, message, 4);
	seal(&other, 0);
	refused(&target, other, "of a VP that never ran", of_vp1);
	assert_err(try_blob(&target, &b), 0);
	free(b.bytes);
	free(with_message.bytes);
	target_free(&target);
	vsmtest_free(t);
	vsmtest_free(from);
}
END_TEST

/* Where two lie on one page the number tells which is seen. */
START_TEST(case_39_two_overlays_with_one_number)
{
	struct vsmtest *t = golden();
	struct target target = target_of(t);
	struct blob b = saved(t), other;
	size_t vtl1 = nth(&b, ID_VTL, 1), own = nth(&b, ID_VP_VTL, 1);
	uint8_t *assist, *simp;

	other = copy_of(&b);
	assist = other.bytes + own + 16;
	simp = other.bytes + own + 32;
	ck_assert(get(assist, 8) != 0 && get(simp, 8) != 0);
	put(simp, 8, get(assist, 8));
	seal(&other, 0);
	refused(&target, other, "of assist and message page", 0);
	other = copy_of(&b);
	put(other.bytes + own + 32, 8, get(b.bytes + vtl1 + 16, 8));
	seal(&other, 0);
	refused(&target, other, "of hypercall and message page", 0);
	/* The order itself is free. */
	other = copy_of(&b);
	put(other.bytes + own + 16, 8, get(b.bytes + own + 32, 8));
	put(other.bytes + own + 32, 8, get(b.bytes + own + 16, 8));
	seal(&other, 0);
	assert_err(try_blob(&target, &other), 0);
	assert_new(&target);
	free(other.bytes);
	free(b.bytes);
	target_free(&target);
	vsmtest_free(t);
}
END_TEST

/* The default mask is judged also while it does not act. */
START_TEST(case_39_a_default_mask_that_cannot_be_enforced)
{
	struct vsmtest_opts opts;
	struct target target;
	struct vsmtest *t;
	struct blob b, other;

	vsmtest_opts_init(&opts);
	opts.config.enforceable = 0xa000;
	t = vsmtest_new(&opts);
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 0),
		      HV_STATUS_INVALID_REGISTER_VALUE);
	target = target_of(t);
	b = saved(t);
	for (uint64_t mask = 0; mask < 16; mask++) {
		other = copy_of(&b);
		put(other.bytes + nth(&b, ID_VTL, 1) + AT_CONFIG, 8, mask << 1);
		seal(&other, 0);
		ck_assert_int_eq(try_blob(&target, &other),
				 mask == RX || mask == RWX ? 0 : -VSM_ERR_INVAL);
		free(other.bytes);
	}
	free(b.bytes);
	target_free(&target);
	vsmtest_free(t);
}
END_TEST

/* A partition without RAM has no protection map, and nobody there can have enabled a VTL. */
START_TEST(case_39_vtl1_where_no_ram_is)
{
	struct vsmtest *t = vsmtest_new(NULL), *bare;
	struct vsm_vp_config config;
	struct vsm_host_ops ops;
	struct blob b, other;

	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	b = saved(t);
	bare = vsmtest_alloc(&t->opts);
	vsmtest_ops(bare, &ops);
	bare->may_allocate = 1;
	assert_err(vsm_partition_create(&t->opts.config, &ops, bare, &bare->vsm), 0);
	assert_err(vsm_partition_realise(bare->vsm), 0);
	memset(&config, 0, sizeof(config));
	config.size = sizeof(config);
	config.opaque = &bare->vp[0];
	config.apic_id = t->opts.apic_id[0];
	assert_err(vsm_vp_create(bare->vsm, &config, &bare->vp[0].vp), 0);
	other = spliced(&b, 1, 0, b.section[1].length - HEAD, b.bytes, 0);
	assert_err(vsm_load(bare->vsm, other.bytes, other.size), -VSM_ERR_INVAL);
	ck_assert_uint_eq(vsm_vp_active_vtl(bare->vp[0].vp), 0);
	free(other.bytes);
	free(b.bytes);
	vsmtest_free(bare);
	vsmtest_free(t);
}
END_TEST

/* Nothing of time exists where the host has no clock. */
START_TEST(case_39_time_without_a_clock)
{
	static const struct {
		uint32_t id;
		uint32_t offset;
		uint64_t value;
	} row[] = { { ID_PARTITION, AT_REFERENCE, 1 }, { ID_PARTITION, AT_REFERENCE + 8, 1 } };
	struct vsmtest_opts opts;
	struct target target;
	struct vsmtest *t;
	struct blob b, other;

	vsmtest_opts_init(&opts);
	opts.null_ops = VSMTEST_BIT(VSMTEST_TSC);
	t = vsmtest_new(&opts);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	target = target_of(t);
	b = saved(t);
	for (uint32_t i = 0; i < VSMTEST_COUNT(row); i++) {
		other = copy_of(&b);
		put(other.bytes + nth(&b, row[i].id, 0) + row[i].offset, 4, row[i].value);
		seal(&other, 0);
		ck_assert_int_eq(try_blob(&target, &other), -VSM_ERR_INVAL);
		free(other.bytes);
	}
	/* A page of it, with a number of its own. */
	other = copy_of(&b);
	put(other.bytes + nth(&b, ID_PARTITION, 0) + 8, 8, 2);
	put(other.bytes + nth(&b, ID_VTL, 0) + 24, 8, VSMTEST_DATA_GPA | 1);
	put(other.bytes + nth(&b, ID_VTL, 0) + 32, 8, 2);
	seal(&other, 0);
	ck_assert_int_eq(try_blob(&target, &other), -VSM_ERR_INVAL);
	ck_assert_int_eq(try_blob(&target, &b), 0);
	free(other.bytes);
	free(b.bytes);
	target_free(&target);
	vsmtest_free(t);
}
END_TEST

/* As much RAM elsewhere, more or less of it, or a range more or less, is another machine. */
START_TEST(case_39_other_ram)
{
	struct vsmtest *t = golden();
	struct target target = target_of(t);
	struct blob b = saved(t), other;
	size_t ram = nth(&b, ID_RAM, 0);

	ck_assert_uint_eq(get(b.bytes + ram - 8, 8), 32);
	for (uint32_t at = 0; at < 32; at += 8) {
		other = copy_of(&b);
		put(other.bytes + ram + at, 8, get(b.bytes + ram + at, 8) + VSMTEST_PAGE);
		seal(&other, 0);
		ck_assert_int_eq(try_blob(&target, &other), -VSM_ERR_NOSUP);
		free(other.bytes);
	}
	other = spliced(&b, 1, 16, 16, b.bytes, 0);
	ck_assert_int_eq(try_blob(&target, &other), -VSM_ERR_NOSUP);
	free(other.bytes);
	other = spliced(&b, 1, 32, 0, b.bytes + ram, 16);
	ck_assert_int_eq(try_blob(&target, &other), -VSM_ERR_NOSUP);
	free(other.bytes);
	assert_new(&target);
	free(b.bytes);
	target_free(&target);
	vsmtest_free(t);
}
END_TEST

/* The header with a checksum that fits. */
START_TEST(case_39_the_header_says_something_else)
{
	static const struct {
		uint32_t at;
		uint32_t bytes;
	} field[] = { { 0, 8 }, { 12, 4 }, { 16, 8 }, { 24, 8 }, { 32, 4 }, { 36, 4 } };
	struct fixture f = fixture_of(golden());

	for (uint32_t i = 0; i < VSMTEST_COUNT(field); i++) {
		struct blob other = copy_of(&f.b);
		uint8_t *at = other.bytes + field[i].at;

		put(at, field[i].bytes, get(at, field[i].bytes) + 1);
		seal_sum(&other);
		ck_assert_msg(try_blob(&f.target, &other) == -VSM_ERR_INVAL, "byte %u: accepted",
			      field[i].at);
		free(other.bytes);
	}
	assert_new(&f.target);
	fixture_free(&f);
}
END_TEST

START_TEST(case_39_a_vtl_that_is_not_enabled_has_nothing)
{
	struct fixture f = fixture_of(vsmtest_new(NULL));

	for (uint32_t at = 0; at < 56; at += 4) {
		struct blob other = copy_of(&f.b);

		put(other.bytes + nth(&f.b, ID_VTL, 1) + at, 4, at == 40 ? 0x3e : 1);
		seal(&other, 0);
		ck_assert_msg(try_blob(&f.target, &other) == -VSM_ERR_INVAL, "byte %u: accepted",
			      at);
		free(other.bytes);
	}
	fixture_free(&f);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(case_39_i6_golden_bytes_load),
	VSMTEST_CASE(case_39_i6_every_truncation),
	VSMTEST_CASE(case_39_i6_every_bit_flip),
	VSMTEST_CASE(case_39_i6_every_bit_flip_with_a_checksum_that_fits),
	VSMTEST_CASE(case_39_i6_sections_dropped_doubled_reordered_unknown),
	VSMTEST_CASE(case_39_less_protected_than_the_header_says),
	VSMTEST_CASE(case_39_values_that_no_guest_can_bring_about),
	VSMTEST_CASE(case_39_masks_that_their_vtl_cannot_set),
	VSMTEST_CASE(case_39_a_message_for_a_vtl_that_was_never_entered),
	VSMTEST_CASE(case_39_a_message_for_a_vp_that_waits_for_its_start),
	VSMTEST_CASE(case_39_two_overlays_with_one_number),
	VSMTEST_CASE(case_39_a_default_mask_that_cannot_be_enforced),
	VSMTEST_CASE(case_39_vtl1_where_no_ram_is),
	VSMTEST_CASE(case_39_time_without_a_clock),
	VSMTEST_CASE(case_39_other_ram),
	VSMTEST_CASE(case_39_the_header_says_something_else),
	VSMTEST_CASE(case_39_a_vtl_that_is_not_enabled_has_nothing),
};

int main(void)
{
	return vsmtest_main("save_bytes", cases, VSMTEST_COUNT(cases));
}
