/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Saved state in which one thing is wrong and all else is right, counts in the header included, so
 * that only the check of that thing can find it (case 39 of doc/hostile-cases.md).
 */
#include "saved_bytes.h"

#define PAGE	 VSMTEST_PAGE
#define RAM0_END (VSMTEST_RAM0_GPA + VSMTEST_RAM0_SIZE)
#define RAM1_END (VSMTEST_RAM1_GPA + VSMTEST_RAM1_SIZE)

struct run {
	uint64_t word; /* address and mask */
	uint64_t size;
};

static const struct {
	const char *what;
	struct run run[2];
	int result;
} runs[] = {
	{ "one run", { { VSMTEST_DATA_GPA | R, PAGE } }, 0 },
	{ "two runs", { { VSMTEST_DATA_GPA | R, PAGE }, { VSMTEST_RAM1_GPA, PAGE } }, 0 },
	{ "runs that touch",
	  { { VSMTEST_DATA_GPA | R, PAGE }, { (VSMTEST_DATA_GPA + PAGE) | RX, PAGE } },
	  0 },
	{ "all of a range", { { VSMTEST_RAM1_GPA | R, VSMTEST_RAM1_SIZE } }, 0 },
	{ "the last page", { { (RAM1_END - PAGE) | R, PAGE } }, 0 },
	{ "a run of nothing", { { VSMTEST_DATA_GPA | R, 0 } }, -VSM_ERR_INVAL },
	{ "a page and a byte", { { VSMTEST_DATA_GPA | R, PAGE + 1 } }, -VSM_ERR_INVAL },
	{ "bits behind the mask", { { VSMTEST_DATA_GPA | 0x10 | R, PAGE } }, -VSM_ERR_INVAL },
	{ "no RAM", { { VSMTEST_HOLE_GPA | R, PAGE } }, -VSM_ERR_INVAL },
	{ "in front of RAM", { { (VSMTEST_RAM1_GPA - PAGE) | R, PAGE } }, -VSM_ERR_INVAL },
	{ "half of it behind RAM", { { (RAM0_END - PAGE) | R, 2 * PAGE } }, -VSM_ERR_INVAL },
	{ "behind the last RAM", { { RAM1_END | R, PAGE } }, -VSM_ERR_INVAL },
	{ "beyond all memory", { { 1ull << 60 | R, PAGE } }, -VSM_ERR_INVAL },
	{ "around the end of memory", { { (RAM1_END - PAGE) | R, 0 - PAGE } }, -VSM_ERR_INVAL },
	{ "the same page twice",
	  { { VSMTEST_DATA_GPA | R, PAGE }, { VSMTEST_DATA_GPA | R, PAGE } },
	  -VSM_ERR_INVAL },
	{ "runs that overlap",
	  { { VSMTEST_DATA_GPA | R, 2 * PAGE }, { (VSMTEST_DATA_GPA + PAGE) | R, PAGE } },
	  -VSM_ERR_INVAL },
	{ "runs that descend",
	  { { VSMTEST_RAM1_GPA | R, PAGE }, { VSMTEST_DATA_GPA | R, PAGE } },
	  -VSM_ERR_INVAL },
};

static uint64_t weight(const struct run *run)
{
	return (1 + (uint64_t)__builtin_popcount(~(uint32_t)run->word & 15u)) * (run->size >> 12);
}

/* With such runs in the first MASKS section, which has none. */
static struct blob with_runs(const struct blob *b, const struct run *run)
{
	uint32_t count = run[1].size != 0 ? 2 : 1;
	size_t at = find(b, ID_MASKS)->at, more = 16u * (size_t)count;
	struct blob out = copy_of(b);
	uint64_t taken = 0;

	ck_assert_uint_eq(get(b->bytes + at + 8, 8), 0);
	put(out.bytes + at + 8, 8, more);
	memcpy(out.bytes + at + HEAD + more, b->bytes + at + HEAD, b->size - at - HEAD);
	for (uint32_t i = 0; i < count; i++) {
		put(out.bytes + at + HEAD + 16 * (size_t)i, 8, run[i].word);
		put(out.bytes + at + HEAD + 16 * (size_t)i + 8, 8, run[i].size);
		taken += weight(&run[i]);
	}
	put(out.bytes + AT_TAKEN, 8, taken);
	out.size += more;
	seal(&out, 0);
	return out;
}

START_TEST(case_39_runs_of_masks)
{
	struct vsmtest *t = vsmtest_new(NULL);
	struct target target;
	struct blob b, other;

	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	target = target_of(t);
	b = saved(t);
	for (uint32_t i = 0; i < VSMTEST_COUNT(runs); i++) {
		other = with_runs(&b, runs[i].run);
		ck_assert_msg(try_blob(&target, &other) == runs[i].result, "%s", runs[i].what);
		free(other.bytes);
	}
	free(b.bytes);
	target_free(&target);
	vsmtest_free(t);
}
END_TEST

/* VP 0 runs, VP 1 waits for its start; there is no VTL1 yet. */
static const struct {
	const char *what;
	uint32_t vp;
	uint32_t offset;
	uint64_t value;
} of_vps[] = {
	{ "a VTL runs that is not enabled", 0, 8, 1 },
	{ "a VP waits that never does", 0, 16, 1 },
	{ "a call that starts it is under way", 1, 16, 2 },
	{ "an unknown way of waiting", 1, 16, 4 },
	{ "it starts in a VTL without being started", 1, 20, 1 },
};

static struct vsmtest *with_waiting_vp(void)
{
	struct vsmtest_opts opts;

	vsmtest_opts_init(&opts);
	opts.vps = opts.config.max_vps = 2;
	opts.config.host_flags = VSM_HOST_STARTS_VPS;
	opts.waiting = 2;
	return vsmtest_new(&opts);
}

static const struct section *nth(const struct blob *b, uint32_t id, uint32_t n)
{
	for (uint32_t i = 0; i < b->count; i++)
		if (b->section[i].id == id && n-- == 0)
			return &b->section[i];
	ck_abort_msg("no section %u", id);
	return NULL;
}

START_TEST(case_39_how_a_vp_runs_or_waits)
{
	struct vsmtest *t = with_waiting_vp();
	struct target target = target_of(t);
	struct blob b = saved(t);

	for (uint32_t i = 0; i < VSMTEST_COUNT(of_vps); i++) {
		struct blob other = copy_of(&b);

		put(other.bytes + nth(&b, ID_VP, of_vps[i].vp)->at + HEAD + of_vps[i].offset, 4,
		    of_vps[i].value);
		seal(&other, 0);
		ck_assert_msg(try_blob(&target, &other) == -VSM_ERR_INVAL, "%s", of_vps[i].what);
		free(other.bytes);
	}
	ck_assert_int_eq(try_blob(&target, &b), 0);
	free(b.bytes);
	target_free(&target);
	vsmtest_free(t);
}
END_TEST

/* VTL1 of a VP, while the partition has none and nothing of it is there. */
START_TEST(case_39_a_vtl_that_only_a_vp_has)
{
	struct vsmtest *t = vsmtest_new(NULL);
	struct target target;
	struct blob b;

	assert_status(vsmtest_enable_vtl1(t, 0), HV_STATUS_SUCCESS);
	target = target_of(t);
	b = saved(t);
	ck_assert_int_eq(try_blob(&target, &b), 0);
	put(b.bytes + nth(&b, ID_PARTITION, 0)->at + HEAD, 4, 1);
	memset(b.bytes + nth(&b, ID_VTL, 1)->at + HEAD, 0, 56);
	seal(&b, 0);
	ck_assert_int_eq(try_blob(&target, &b), -VSM_ERR_INVAL);
	free(b.bytes);
	target_free(&target);
	vsmtest_free(t);
}
END_TEST

/* VTL1 of a VP that waits: it has run, and its context is gone, before it was ever started. */
START_TEST(case_39_a_vp_that_waits_in_vtl1)
{
	struct vsmtest *t = with_waiting_vp();
	struct hv_initial_vp_context context;
	const struct section *own;
	struct target target;
	struct blob b;

	vsmtest_context64(&context);
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_enable_vp_vtl(t, 0, 1, 1, &context), HV_STATUS_SUCCESS);
	target = target_of(t);
	b = saved(t);
	own = nth(&b, ID_VP_VTL, 3);
	ck_assert_uint_eq(own->at + own->length + TRAILER, b.size);
	put(b.bytes + own->at + 8, 8, 88);
	put(b.bytes + own->at + HEAD + 4, 4, 0);
	b.size -= own->length - HEAD - 88;
	seal(&b, 0);
	ck_assert_int_eq(try_blob(&target, &b), 0);
	put(b.bytes + nth(&b, ID_VP, 1)->at + HEAD + 8, 4, 1);
	seal(&b, 0);
	ck_assert_int_eq(try_blob(&target, &b), -VSM_ERR_INVAL);
	free(b.bytes);
	target_free(&target);
	vsmtest_free(t);
}
END_TEST

/* What takes an op that this host has not. */
START_TEST(case_39_what_the_host_cannot_do)
{
	struct vsmtest_opts opts;
	struct target target;
	struct vsmtest *t;
	struct blob b;

	vsmtest_opts_init(&opts);
	opts.null_ops = VSMTEST_BIT(VSMTEST_OVERLAY_MAP);
	t = vsmtest_new(&opts);
	target = target_of(t);
	b = saved(t);
	put(b.bytes + nth(&b, ID_PARTITION, 0)->at + HEAD + 8, 8, 1);
	put(b.bytes + nth(&b, ID_VP_VTL, 0)->at + HEAD + 24, 8, VSMTEST_DATA_GPA | 1);
	put(b.bytes + nth(&b, ID_VP_VTL, 0)->at + HEAD + 32, 8, 1);
	seal(&b, 0);
	ck_assert_int_eq(try_blob(&target, &b), -VSM_ERR_INVAL);
	free(b.bytes);
	target_free(&target);
	vsmtest_free(t);

	/* A flush that is owed to nobody, by nobody. */
	opts.null_ops = VSMTEST_BIT(VSMTEST_TLB_FLUSH);
	t = vsmtest_new(&opts);
	target = target_of(t);
	b = saved(t);
	put(b.bytes + nth(&b, ID_PARTITION, 0)->at + HEAD + 4, 4, 1);
	seal(&b, 0);
	ck_assert_int_eq(try_blob(&target, &b), 0);
	free(b.bytes);
	target_free(&target);
	vsmtest_free(t);

	opts.null_ops = VSMTEST_BIT(VSMTEST_INJECT_EVENT);
	t = vsmtest_new(&opts);
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	target = target_of(t);
	b = saved(t);
	ck_assert_int_eq(try_blob(&target, &b), 0);
	put(b.bytes + nth(&b, ID_VP_VTL, 0)->at + HEAD + 72, 8, 0x60001);
	seal(&b, 0);
	ck_assert_int_eq(try_blob(&target, &b), -VSM_ERR_INVAL);
	free(b.bytes);
	target_free(&target);
	vsmtest_free(t);
}
END_TEST

/* VTL0 is told of no intercepts. */
START_TEST(case_39_a_message_for_vtl0)
{
	struct vsmtest *t = golden();
	struct target target = target_of(t);
	struct blob b = saved(t), other = copy_of(&b);
	const struct section *vtl0 = nth(&b, ID_VP_VTL, 0), *vtl1 = nth(&b, ID_VP_VTL, 1);
	size_t at = vtl0->at + HEAD + 88;

	ck_assert_uint_eq(get(b.bytes + vtl0->at + HEAD + 4, 4), 0);
	memcpy(other.bytes + at, b.bytes + vtl1->at + HEAD + 88, 256);
	memcpy(other.bytes + at + 256, b.bytes + at, b.size - at);
	put(other.bytes + vtl0->at + 8, 8, 88 + 256);
	put(other.bytes + vtl0->at + HEAD + 4, 4, 1);
	other.size += 256;
	seal(&other, 0);
	ck_assert_int_eq(try_blob(&target, &other), -VSM_ERR_INVAL);
	free(other.bytes);
	free(b.bytes);
	target_free(&target);
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(case_39_runs_of_masks),
	VSMTEST_CASE(case_39_how_a_vp_runs_or_waits),
	VSMTEST_CASE(case_39_a_vtl_that_only_a_vp_has),
	VSMTEST_CASE(case_39_a_vp_that_waits_in_vtl1),
	VSMTEST_CASE(case_39_what_the_host_cannot_do),
	VSMTEST_CASE(case_39_a_message_for_vtl0),
};

int main(void)
{
	return vsmtest_main("save_checks", cases, VSMTEST_COUNT(cases));
}
