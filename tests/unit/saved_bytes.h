/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Saved state as bytes: the layout of doc/saved-state.md by hand, a machine with something in each
 * section, and one into which its bytes are loaded. Nothing of it comes from lib/.
 */
#ifndef SAVED_BYTES_H
#define SAVED_BYTES_H

#include "saved_machine.h"

#define HEADER	       40u
#define HEAD	       16u
#define TRAILER	       8u
#define AT_SECTIONS    12u
#define AT_BYTES       16u
#define AT_TAKEN       24u
#define ID_RAM	       2u
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

static inline uint64_t get(const uint8_t *at, uint32_t bytes)
{
	uint64_t value = 0;

	while (bytes-- > 0)
		value = value << 8 | at[bytes];
	return value;
}

static inline void put(uint8_t *at, uint32_t bytes, uint64_t value)
{
	for (uint32_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static inline void find_sections(struct blob *b)
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

/* The checksum fits again; and number of sections and length. */
static inline void seal_sum(struct blob *b)
{
	uint64_t sum = 0xcbf29ce484222325ull;

	for (size_t at = 0; at + TRAILER < b->size; at += 8)
		sum = (sum ^ get(b->bytes + at, 8)) * 0x100000001b3ull;
	put(b->bytes + b->size - TRAILER, 8, sum);
}

static inline void seal(struct blob *b, int32_t more)
{
	put(b->bytes + AT_SECTIONS, 4, get(b->bytes + AT_SECTIONS, 4) + (uint32_t)more);
	put(b->bytes + AT_BYTES, 8, b->size);
	seal_sum(b);
}

static inline struct blob saved(struct vsmtest *t)
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

static inline struct blob copy_of(const struct blob *b)
{
	struct blob copy = *b;

	copy.bytes = malloc(3 * b->size);
	memcpy(copy.bytes, b->bytes, b->size);
	return copy;
}

/* Reference time and sequence go on; all else is the same. */
static inline void forget_clock(struct blob *b)
{
	memset(b->bytes + find(b, ID_PARTITION)->at + HEAD + AT_REFERENCE, 0, AT_CLOCK_BYTES);
	seal(b, 0);
}

static inline int same(const struct blob *a, const struct blob *b)
{
	return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

/* Where bytes are loaded: the twin of a machine, and what it saves while it is new. */
struct target {
	struct vsmtest *t;
	struct blob new;
	uint64_t tried, accepted;
};

static inline struct target target_of(struct vsmtest *t)
{
	struct target target = { .t = vsmtest_twin(t) };

	ck_assert_ptr_nonnull(target.t);
	target.new = saved(target.t);
	forget_clock(&target.new);
	return target;
}

static inline void target_free(struct target *target)
{
	vsmtest_free(target->t);
	free(target->new.bytes);
}

/* A machine, what it saves, and where that is loaded. */
struct fixture {
	struct vsmtest *from;
	struct blob b;
	struct target target;
};

static inline struct fixture fixture_of(struct vsmtest *from)
{
	struct fixture f = { .from = from, .target = target_of(from) };

	f.b = saved(from);
	return f;
}

static inline void fixture_free(struct fixture *f)
{
	free(f->b.bytes);
	target_free(&f->target);
	vsmtest_free(f->from);
}

static inline void assert_new(struct target *target)
{
	struct blob now = saved(target->t);

	forget_clock(&now);
	ck_assert_msg(same(&now, &target->new), "the partition is not as it was created");
	free(now.bytes);
}

static inline uint32_t host_calls(const struct vsmtest *t)
{
	return t->count[VSMTEST_PROTECT] + t->count[VSMTEST_OVERLAY_MAP] +
	       t->count[VSMTEST_TLB_FLUSH] + t->count[VSMTEST_INJECT_EVENT] +
	       t->count[VSMTEST_SWITCH_VTL] + t->count[VSMTEST_REGS_SET] +
	       t->count[VSMTEST_GPA_WRITE];
}

static inline void start_anew(struct target *target)
{
	struct vsmtest *t = target->t;

	memset(t->stale, 0, sizeof(t->stale));
	assert_err(vsmtest_reset(t), 0);
	/* The host's own part of what is loaded. */
	for (uint32_t i = 0; i < t->vps; i++)
		t->vp[i].active = VSM_VTL_MAX + 1;
}

/* What was accepted is a state as any other: it is saved, loaded again, and saved as the same. */
static inline void assert_state(struct target *target)
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
static inline int try_bytes(struct target *target, const uint8_t *bytes, size_t size)
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

static inline int try_blob(struct target *target, const struct blob *b)
{
	return try_bytes(target, b->bytes, b->size);
}

/* A machine with something in each section. */
static inline struct vsmtest *golden(void)
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
	assert_verdict(vsmtest_wrmsr(t, 1, HV_X64_MSR_SIEFP, VSMTEST_DATA_GPA | 1),
		       VSM_VERDICT_RESUME);
	vsmtest_see(t, 0, VSMTEST_DATA_GPA)[0x100] = 0x5f;
	assert_verdict(vsmtest_wrmsr(t, 1, HV_X64_MSR_CRASH_P0, 0xdead), VSM_VERDICT_RESUME);
	return t;
}

static inline void machine_is_new(struct target *target)
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

#endif /* SAVED_BYTES_H */
