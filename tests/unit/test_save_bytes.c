/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Saved state that is not as it was written (case 39, I6 of the threat model), and hosts that fail
 * while it is loaded: nothing has changed then, or the partition is as new.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "protmap.h"
#include "vsmtest.h"

#define R   HV_MAP_GPA_READABLE
#define RX  (R | HV_MAP_GPA_KERNEL_EXECUTABLE | HV_MAP_GPA_USER_EXECUTABLE)
#define RWX VSM_RIGHTS_ALL

/* The layout of doc/saved-state.md, by hand: nothing here comes from lib/. */
#define HEADER	       40u
#define HEAD	       16u
#define TRAILER	       8u
#define AT_SECTIONS    12u
#define AT_BYTES       16u
#define ID_PARTITION   3u
#define ID_VTL	       4u
#define ID_MASKS       5u
#define ID_VP	       6u
#define ID_VP_VTL      7u
#define AT_REFERENCE   16u /* in PARTITION: 8 bytes, then the sequence */
#define AT_CLOCK_BYTES 12u
#define AT_CONFIG      40u /* in VTL */
#define SECTIONS_MAX   64u

struct section {
	size_t at; /* of its head */
	size_t length; /* of head and payload */
	uint32_t id;
};

/* Saved state in a buffer with some room behind it. */
struct blob {
	uint8_t *bytes;
	size_t size;
	uint32_t count;
	struct section section[SECTIONS_MAX];
};

static uint64_t get(const uint8_t *at, uint32_t bytes)
{
	uint64_t value = 0;

	while (bytes-- > 0)
		value = value << 8 | at[bytes];
	return value;
}

static void put(uint8_t *at, uint32_t bytes, uint64_t value)
{
	for (uint32_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static void find_sections(struct blob *b)
{
	b->count = 0;
	for (size_t at = HEADER; at + TRAILER < b->size;) {
		struct section *s = &b->section[b->count++];

		ck_assert_uint_le(b->count, SECTIONS_MAX);
		s->at = at;
		s->id = (uint32_t)get(b->bytes + at, 4);
		s->length = HEAD + get(b->bytes + at + 8, 8);
		at += s->length;
	}
}

static const struct section *find(const struct blob *b, uint32_t id)
{
	for (uint32_t i = 0; i < b->count; i++)
		if (b->section[i].id == id)
			return &b->section[i];
	ck_abort_msg("no section %u", id);
	return NULL;
}

/* Number of sections, length and checksum fit again. */
static void seal(struct blob *b, int32_t more)
{
	uint64_t sum = 0xcbf29ce484222325ull;

	put(b->bytes + AT_SECTIONS, 4, get(b->bytes + AT_SECTIONS, 4) + (uint32_t)more);
	put(b->bytes + AT_BYTES, 8, b->size);
	for (size_t at = 0; at + TRAILER < b->size; at += 8)
		sum = (sum ^ get(b->bytes + at, 8)) * 0x100000001b3ull;
	put(b->bytes + b->size - TRAILER, 8, sum);
}

static struct blob saved(struct vsmtest *t)
{
	struct blob b = { 0 };
	uint8_t *bytes = NULL;

	assert_err(vsmtest_save(t, &bytes, &b.size), 0);
	b.bytes = calloc(3, b.size);
	memcpy(b.bytes, bytes, b.size);
	free(bytes);
	find_sections(&b);
	ck_assert_uint_eq(b.count, get(b.bytes + AT_SECTIONS, 4));
	return b;
}

static struct blob copy_of(const struct blob *b)
{
	struct blob copy = *b;

	copy.bytes = malloc(3 * b->size);
	memcpy(copy.bytes, b->bytes, b->size);
	return copy;
}

/* Reference time and sequence go on; all else is the same. */
static void forget_clock(struct blob *b)
{
	memset(b->bytes + find(b, ID_PARTITION)->at + HEAD + AT_REFERENCE, 0, AT_CLOCK_BYTES);
	seal(b, 0);
}

static int same(const struct blob *a, const struct blob *b)
{
	return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

/* Where bytes are loaded: the twin of a machine, and what it saves while it is new. */
struct target {
	struct vsmtest *t;
	struct blob new;
	uint64_t tried, accepted;
};

static struct target target_of(struct vsmtest *t)
{
	struct target target = { .t = vsmtest_twin(t) };

	ck_assert_ptr_nonnull(target.t);
	target.new = saved(target.t);
	forget_clock(&target.new);
	return target;
}

static void target_free(struct target *target)
{
	vsmtest_free(target->t);
	free(target->new.bytes);
}

static void assert_new(struct target *target)
{
	struct blob now = saved(target->t);

	forget_clock(&now);
	ck_assert_msg(same(&now, &target->new), "the partition is not as it was created");
	free(now.bytes);
}

static uint32_t host_calls(const struct vsmtest *t)
{
	return t->count[VSMTEST_PROTECT] + t->count[VSMTEST_OVERLAY_MAP] +
	       t->count[VSMTEST_TLB_FLUSH] + t->count[VSMTEST_INJECT_EVENT] +
	       t->count[VSMTEST_SWITCH_VTL] + t->count[VSMTEST_REGS_SET] +
	       t->count[VSMTEST_GPA_WRITE];
}

static void start_anew(struct target *target)
{
	struct vsmtest *t = target->t;

	memset(t->stale, 0, sizeof(t->stale));
	assert_err(vsmtest_reset(t), 0);
	/* The host's own part of what is loaded. */
	for (uint32_t i = 0; i < t->vps; i++)
		t->vp[i].active = VSM_VTL_MAX + 1;
}

/* What was accepted is a state as any other: it is saved, loaded again, and saved as the same. */
static void assert_state(struct target *target)
{
	struct blob first = saved(target->t), second;

	start_anew(target);
	assert_err(vsmtest_load(target->t, first.bytes, first.size), 0);
	second = saved(target->t);
	forget_clock(&first);
	forget_clock(&second);
	ck_assert_msg(same(&first, &second), "a state that was accepted is saved as another one");
	free(first.bytes);
	free(second.bytes);
}

/* I6: refused and nothing has changed, or accepted. */
static int try_bytes(struct target *target, const uint8_t *bytes, size_t size)
{
	uint32_t calls = host_calls(target->t);
	int err = vsmtest_load(target->t, bytes, size);

	target->tried++;
	if (err == 0) {
		target->accepted++;
		assert_state(target);
		start_anew(target);
	} else {
		ck_assert_msg(err == -VSM_ERR_INVAL || err == -VSM_ERR_NOSUP, "error %d", err);
		ck_assert_uint_eq(host_calls(target->t), calls);
	}
	return err;
}

static int try_blob(struct target *target, const struct blob *b)
{
	return try_bytes(target, b->bytes, b->size);
}

/* A machine with something in each section. */
static struct vsmtest *golden(void)
{
	static const struct hv_register_value event = {
		HV_X64_PENDING_EVENT_PENDING | 6ull << HV_X64_PENDING_EXCEPTION_VECTOR_SHIFT, 0
	};
	struct hv_input_start_virtual_processor start;
	struct hv_initial_vp_context context;
	struct vsmtest_opts opts;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	opts.vps = opts.config.max_vps = 3;
	opts.config.host_flags = VSM_HOST_STARTS_VPS;
	opts.config.enforceable_mbec = 0xaa0b;
	opts.waiting = 4;
	t = vsmtest_new(&opts);
	vsmtest_context64(&context);
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_enable_vp_vtl(t, 0, 1, 1, &context), HV_STATUS_SUCCESS);
	memset(&start, 0, sizeof(start));
	start.target_partition_id = HV_PARTITION_ID_SELF;
	start.vp_index = 2;
	start.vp_context = context;
	assert_status(vsmtest_call_mem(t, 0, HVCALL_START_VIRTUAL_PROCESSOR, &start, sizeof(start)),
		      HV_STATUS_SUCCESS);
	/* Without ZeroMemoryOnReset, which takes its time. */
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG,
				  HV_VSM_PARTITION_CONFIG_ENABLE_VTL_PROTECTION | RWX << 1),
		      HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, R, VSMTEST_DATA_GPA), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, RX, VSMTEST_DATA_GPA + VSMTEST_PAGE), 0);
	assert_status(vsmtest_modify_gpa(t, 0, 0, VSMTEST_RAM1_GPA), HV_STATUS_SUCCESS);
	vsmtest_message(t, 0, 1)->header.message_type = 0x77;
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_fault(t, 0, VSMTEST_DATA_GPA, HV_INTERCEPT_ACCESS_WRITE),
		       VSM_VERDICT_SWITCHED);
	assert_status(vsmtest_set_of(t, 0, HV_VP_INDEX_SELF, VSMTEST_VTL(0),
				     HV_REGISTER_PENDING_EVENT0, event),
		      HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_wrmsr(t, 1, HV_X64_MSR_SIMP, VSMTEST_SIMP_GPA(1, 0) | 1),
		       VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_wrmsr(t, 1, HV_X64_MSR_CRASH_P0, 0xdead), VSM_VERDICT_RESUME);
	return t;
}

START_TEST(case_39_i6_golden_bytes_load)
{
	struct vsmtest *t = golden();
	struct target target = target_of(t);
	struct blob b = saved(t), now;

	for (uint32_t id = 1; id <= ID_VP_VTL; id++)
		find(&b, id);
	assert_err(vsmtest_load(target.t, b.bytes, b.size), 0);
	now = saved(target.t);
	forget_clock(&b);
	forget_clock(&now);
	ck_assert(same(&b, &now));
	start_anew(&target);
	assert_new(&target);
	free(b.bytes);
	free(now.bytes);
	target_free(&target);
	vsmtest_free(t);
}
END_TEST

START_TEST(case_39_i6_every_truncation)
{
	struct vsmtest *t = golden();
	struct target target = target_of(t);
	struct blob b = saved(t);

	for (size_t size = 0; size < b.size; size++)
		ck_assert_int_ne(try_bytes(&target, b.bytes, size), 0);
	/* And with what says how long it is. */
	for (size_t size = HEADER + TRAILER; size < b.size; size += 8) {
		struct blob shorter = copy_of(&b);

		shorter.size = size;
		seal(&shorter, 0);
		ck_assert_int_ne(try_blob(&target, &shorter), 0);
		free(shorter.bytes);
	}
	/* A byte more. */
	b.bytes[b.size] = 0;
	ck_assert_int_ne(try_bytes(&target, b.bytes, b.size + 1), 0);
	ck_assert_int_ne(try_bytes(&target, b.bytes, b.size + 8), 0);
	assert_new(&target);
	free(b.bytes);
	target_free(&target);
	vsmtest_free(t);
}
END_TEST

START_TEST(case_39_i6_every_bit_flip)
{
	struct vsmtest *t = golden();
	struct target target = target_of(t);
	struct blob b = saved(t);

	for (size_t bit = 0; bit < 8 * b.size; bit++) {
		b.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ck_assert_msg(try_blob(&target, &b) != 0, "bit %zu is not missed", bit);
		b.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_new(&target);
	free(b.bytes);
	target_free(&target);
	vsmtest_free(t);
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
	struct vsmtest *t = golden();
	struct target target = target_of(t);
	struct blob b = saved(t);

	for (size_t bit = 0; bit < 8 * (b.size - TRAILER); bit = next_bit(&b, bit)) {
		struct blob other = copy_of(&b);

		other.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (bit / 8 < AT_SECTIONS || bit / 8 >= AT_BYTES + 8)
			seal(&other, 0);
		try_blob(&target, &other);
		free(other.bytes);
	}
	printf("# %llu flips of %zu bytes, %llu of them give another state\n",
	       (unsigned long long)target.tried, b.size, (unsigned long long)target.accepted);
	/* Most of what is left is the guest's own: contexts, messages, pages, masks of bits. */
	ck_assert_uint_gt(target.accepted, 100);
	ck_assert_uint_gt(target.tried - target.accepted, 5000);
	assert_new(&target);
	free(b.bytes);
	target_free(&target);
	vsmtest_free(t);
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
	struct vsmtest *t = golden();
	struct target target = target_of(t);
	struct blob b = saved(t);

	for (uint32_t i = 0; i < b.count; i++) {
		refused(&target, with(&b, i, 0, i), "dropped", i);
		refused(&target, with(&b, i, 2, i), "doubled", i);
		for (uint32_t j = 0; j < b.count; j++)
			if (j != i)
				refused(&target, with(&b, i, 1, j), "replaced", i);
		refused(&target, with_head(&b, i, 0, 4, 0), "without id", i);
		refused(&target, with_head(&b, i, 0, 4, 8), "of an unknown id", i);
		refused(&target, with_head(&b, i, 0, 4, UINT32_MAX), "of an unknown id", i);
		refused(&target, with_head(&b, i, 4, 4, 77), "of somebody else", i);
		refused(&target, with_head(&b, i, 8, 8, 0), "of length 0", i);
		refused(&target, with_head(&b, i, 8, 8, UINT32_MAX), "of length 2^32 - 1", i);
		refused(&target, with_head(&b, i, 8, 8, UINT64_MAX - 7), "of length 2^64 - 8", i);
		refused(&target, with_head(&b, i, 8, 8, b.section[i].length - HEAD + 8),
			"that reaches into the next", i);
		refused(&target, resized(&b, i, 8), "too long", i);
		if (b.section[i].length != HEAD)
			refused(&target, resized(&b, i, -8), "too short", i);
	}
	for (uint32_t i = 0; i + 1 < b.count; i++) {
		struct blob swapped = with(&b, i, 1, i + 1);
		size_t at = b.section[i].at + b.section[i + 1].length;

		memcpy(swapped.bytes + at, b.bytes + b.section[i].at, b.section[i].length);
		swapped.size = b.size;
		memcpy(swapped.bytes + at + b.section[i].length,
		       b.bytes + b.section[i + 1].at + b.section[i + 1].length,
		       b.size - b.section[i + 1].at - b.section[i + 1].length);
		seal(&swapped, 0);
		refused(&target, swapped, "exchanged with the next", i);
	}
	/* Another number of sections, and a version to come. */
	seal(&b, 1);
	ck_assert_int_eq(try_blob(&target, &b), -VSM_ERR_INVAL);
	seal(&b, -2);
	ck_assert_int_eq(try_blob(&target, &b), -VSM_ERR_INVAL);
	seal(&b, 1);
	b.bytes[8] = 2;
	seal(&b, 0);
	ck_assert_int_eq(try_blob(&target, &b), -VSM_ERR_NOSUP);
	assert_new(&target);
	free(b.bytes);
	target_free(&target);
	vsmtest_free(t);
}
END_TEST

/* Rights that are not taken any more, while the header says that they are. */
START_TEST(case_39_less_protected_than_the_header_says)
{
	struct vsmtest *t = golden();
	struct target target = target_of(t);
	struct blob b = saved(t), other;
	const struct section *masks = find(&b, ID_MASKS);
	uint32_t runs = (uint32_t)((masks->length - HEAD) / 16), vtl1 = 0;

	ck_assert_uint_eq(runs, 3);
	for (uint32_t run = 0; run < runs; run++) {
		other = copy_of(&b);
		other.bytes[masks->at + HEAD + 16 * run] |= RWX;
		seal(&other, 0);
		refused(&target, other, "run with more rights", run);
	}
	/* The last run is gone. */
	other = copy_of(&b);
	memmove(other.bytes + masks->at + masks->length - 16,
		other.bytes + masks->at + masks->length, b.size - masks->at - masks->length);
	other.size -= 16;
	put(other.bytes + masks->at + 8, 8, masks->length - HEAD - 16);
	seal(&other, 0);
	refused(&target, other, "without its last run", 0);
	/* VTL1's protections are off. */
	while (b.section[vtl1].id != ID_VTL || get(b.bytes + b.section[vtl1].at + 4, 4) != 1)
		vtl1++;
	other = copy_of(&b);
	other.bytes[b.section[vtl1].at + HEAD + AT_CONFIG] &= 0xfe;
	seal(&other, 0);
	refused(&target, other, "with protections off", vtl1);
	assert_new(&target);
	free(b.bytes);
	target_free(&target);
	vsmtest_free(t);
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
	{ ID_VTL, 0, 32, 8, 1, "an overlay that is placed without its MSR" },
	{ ID_VTL, 0, 40, 8, 0x3e, "VTL0 has a configuration" },
	{ ID_VTL, 1, 40, 8, 0x1ull << 20 | 1, "bits of the configuration that do nothing" },
	{ ID_VTL, 1, 40, 8, 1 | 5 << 1, "a default mask that is none" },
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
	{ ID_VP, 0, 8, 4, UINT32_MAX, "a VTL that there never is" },
	{ ID_VP, 0, 12, 4, 1, "the active VTL is not enabled" },
	{ ID_VP, 0, 12, 4, 2, "VTL0 is not enabled on a VP" },
	{ ID_VP, 0, 16, 4, 1, "a VP waits that never does" },
	{ ID_VP, 0, 20, 4, 1, "it starts in a VTL without being started" },
	{ ID_VP, 2, 16, 4, 2, "a call that starts it is under way" },
	{ ID_VP, 2, 16, 4, 4, "an unknown way of waiting" },
	{ ID_VP, 2, 20, 4, 2, "it starts in a VTL that there never is" },
	{ ID_VP, 2, 24, 8, 1ull << 63, "it starts at no address" },
	{ ID_VP_VTL, 0, 0, 4, 1, "another VTL than the next" },
	{ ID_VP_VTL, 0, 4, 4, 0x10, "an unknown part" },
	{ ID_VP_VTL, 1, 16, 8, 0, "an assist page that is nowhere" },
	{ ID_VP_VTL, 1, 48, 8, 3, "a vector that no interrupt has" },
	{ ID_VP_VTL, 0, 56, 8, 0x60002, "an event that is not pending" },
	{ ID_VP_VTL, 0, 56, 8, 0x90001, "an event that is no exception" },
	{ ID_VP_VTL, 1, 56, 8, 0x60001, "an event for the VTL that runs" },
	{ ID_VP_VTL, 1, 72, 4, 0x80000002, "a message that never waits" },
	{ ID_VP_VTL, 1, 76, 1, 255, "a message that is longer than its slot" },
	{ ID_VP_VTL, 1, 77, 1, 1, "a flag of a slot in a message" },
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
	struct vsmtest *t = golden();
	struct target target = target_of(t);
	struct blob b = saved(t);

	for (size_t i = 0; i < VSMTEST_COUNT(impossible); i++) {
		struct blob other = copy_of(&b);
		uint8_t *at = other.bytes + nth(&b, impossible[i].id, impossible[i].nth) +
			      impossible[i].offset;

		ck_assert_uint_ne(get(at, impossible[i].bytes), impossible[i].value);
		put(at, impossible[i].bytes, impossible[i].value);
		seal(&other, 0);
		ck_assert_msg(try_blob(&target, &other) == -VSM_ERR_INVAL, "%s: accepted",
			      impossible[i].what);
		free(other.bytes);
	}
	assert_new(&target);
	free(b.bytes);
	target_free(&target);
	vsmtest_free(t);
}
END_TEST

static void machine_is_new(struct target *target)
{
	struct vsmtest *t = target->t;

	for (uint32_t vtl = 0; vtl <= t->opts.config.max_vtl; vtl++) {
		ck_assert_uint_eq(vsmtest_overlays(t, vtl), 0);
		for (uint64_t gpa = 0; gpa < VSMTEST_RAM0_SIZE; gpa += VSMTEST_PAGE)
			ck_assert_uint_eq(vsmtest_view(t, vtl, gpa), RWX);
		for (uint32_t vp = 0; vp < t->vps; vp++)
			ck_assert_uint_eq(t->vp[vp].file[vtl].has_event, 0);
	}
	assert_new(target);
}

START_TEST(each_op_of_a_load_fails_once)
{
	struct vsmtest *t = golden();
	struct target target = target_of(t);
	struct blob b = saved(t);
	uint8_t *ram = malloc(VSMTEST_RAM0_SIZE);
	uint32_t n;
	int err;

	memcpy(ram, target.t->ram[0], VSMTEST_RAM0_SIZE);
	for (n = 1;; n++) {
		target.t->faults_hit = 0;
		target.t->fault_any = target.t->failable + n;
		target.t->fault_result = n % 2 ? -VSM_ERR_HOST : -VSM_ERR_NOMEM;
		err = vsmtest_load(target.t, b.bytes, b.size);
		vsmtest_no_faults(target.t);
		if (!target.t->faults_hit)
			break;
		assert_err(err, -VSM_ERR_HOST);
		machine_is_new(&target);
	}
	assert_err(err, 0);
	ck_assert_int_eq(memcmp(ram, target.t->ram[0], VSMTEST_RAM0_SIZE), 0);
	/* protect, flush, nine overlays and an event at least. */
	ck_assert_uint_gt(n, 8);
	free(ram);
	free(b.bytes);
	target_free(&target);
	vsmtest_free(t);
}
END_TEST

/* Where not even the way back works the error says so, and a reset mends it. */
START_TEST(the_way_back_fails_as_well)
{
	static const enum vsmtest_op ops[] = { VSMTEST_PROTECT, VSMTEST_OVERLAY_MAP,
					       VSMTEST_INJECT_EVENT };
	struct vsmtest *t = golden();
	struct target target = target_of(t);
	struct blob b = saved(t);

	for (uint32_t i = 0; i < VSMTEST_COUNT(ops); i++) {
		if (ops[i] == VSMTEST_OVERLAY_MAP)
			vsmtest_fail_op(target.t, VSMTEST_OVERLAY_MAP, 2, 100, -VSM_ERR_HOST);
		else
			vsmtest_fail_op(target.t, ops[i], 1, 100, -VSM_ERR_HOST);
		assert_err(vsmtest_load(target.t, b.bytes, b.size), -VSM_ERR_STATE);
		vsmtest_no_faults(target.t);
		start_anew(&target);
		machine_is_new(&target);
		assert_err(vsmtest_load(target.t, b.bytes, b.size), 0);
		start_anew(&target);
	}
	free(b.bytes);
	target_free(&target);
	vsmtest_free(t);
}
END_TEST

/* PENDING is no answer here. */
START_TEST(an_op_that_would_end_later)
{
	struct vsmtest *t = golden();
	struct target target = target_of(t);
	struct blob b = saved(t);

	vsmtest_fail_op(target.t, VSMTEST_PROTECT, 1, 1, VSM_PENDING);
	assert_err(vsmtest_load(target.t, b.bytes, b.size), -VSM_ERR_HOST);
	memset(target.t->pending, 0, sizeof(target.t->pending));
	machine_is_new(&target);
	assert_err(vsmtest_load(target.t, b.bytes, b.size), 0);
	free(b.bytes);
	target_free(&target);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_map_that_is_too_small)
{
	struct target target = { 0 };
	struct vsmtest_opts opts;
	struct protmap_pool *pool;
	struct vsmtest *t;
	struct blob b;
	uint64_t gpn[64];
	uint32_t unit;

	vsmtest_opts_init(&opts);
	t = vsmtest_new(&opts);
	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	for (uint32_t i = 0; i < 64; i++)
		gpn[i] = (VSMTEST_DATA_GPA >> HV_PAGE_SHIFT) + 3 * i;
	assert_status(vsmtest_modify(t, 0, R, gpn, 64), HV_STATUS_SUCCESS);
	for (uint32_t i = 0; i < 64; i++)
		gpn[i] = 0x20 + 3 * i;
	assert_status(vsmtest_modify(t, 0, RX, gpn, 64), HV_STATUS_SUCCESS);
	b = saved(t);
	target.t = vsmtest_new(&opts);
	pool = protmap_range_of(target.t->vsm->map, 0)->pool;
	while (pool_take(pool, 1, &unit))
		;
	target.new = saved(target.t);
	forget_clock(&target.new);
	assert_err(vsmtest_load(target.t, b.bytes, b.size), -VSM_ERR_NOMEM);
	ck_assert(vsmtest_logged(target.t, "protmap_max_bytes"));
	ck_assert_uint_eq(host_calls(target.t), 0);
	machine_is_new(&target);
	/* What the test took is back as well: now there is room. */
	target.t->vp[0].active = 1;
	assert_err(vsmtest_load(target.t, b.bytes, b.size), 0);
	free(b.bytes);
	target_free(&target);
	vsmtest_free(t);
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
	VSMTEST_CASE(each_op_of_a_load_fails_once),
	VSMTEST_CASE(the_way_back_fails_as_well),
	VSMTEST_CASE(an_op_that_would_end_later),
	VSMTEST_CASE(a_map_that_is_too_small),
};

int main(void)
{
	return vsmtest_main("save_bytes", cases, VSMTEST_COUNT(cases));
}
