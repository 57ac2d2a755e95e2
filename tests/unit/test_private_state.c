/* SPDX-License-Identifier: BSD-3-Clause */
/* Private VTL state as an object (TLFS 15.11.1), and its encoded form against any damage. */
#include <stdlib.h>
#include <string.h>

#include "register_table.h"
#include "vsmtest.h"

static const struct vsm_register_limits limits = { .size = sizeof(limits),
						   .cr4_mask = 0x3f07ff,
						   .efer_mask = 0xd01,
						   .phys_bits = 40 };

#define BLOB_MAX (24u + 24u * VSM_PRIVATE_STATE_REGS + 8u)

static struct vsm_private_state fresh(uint32_t flags)
{
	struct vsm_private_state state;

	memset(&state, 0x5a, sizeof(state));
	assert_err(vsm_private_state_init(&state, flags), 0);
	return state;
}

static uint64_t low_of(const struct vsm_private_state *state, uint32_t name)
{
	struct hv_register_value value = { 0, 0 };

	ck_assert_msg(vsm_private_state_get(state, name, &value) == 0, "%s",
		      vsm_register_name(name));
	return value.low;
}

static int set(struct vsm_private_state *state, uint32_t name, uint64_t low)
{
	struct vsm_reg reg = { .name = name, .value = { low, 0 } };

	return vsm_private_state_set(state, &limits, &reg);
}

/* A state in which no register of a kind that matters has its reset value. */
static struct vsm_private_state busy(void)
{
	struct vsm_private_state state = fresh(0);
	struct hv_segment_register cs = { 0, 0xffffffff, 0x10, 0xa09b };
	struct vsm_reg reg = { .name = HV_X64_REGISTER_CS };

	memcpy(&reg.value, &cs, sizeof(cs));
	assert_err(vsm_private_state_set(&state, &limits, &reg), 0);
	assert_err(set(&state, HV_X64_REGISTER_RIP, 0xffffffff81000000), 0);
	assert_err(set(&state, HV_X64_REGISTER_CR0, 0x80050033), 0);
	assert_err(set(&state, HV_X64_REGISTER_EFER, 0xd01), 0);
	assert_err(set(&state, HV_X64_REGISTER_TSC, 0x123456789abcdef), 0);
	assert_err(set(&state, HV_X64_REGISTER_APIC_IRR7, 0x80000000), 0);
	assert_err(set(&state, HV_REGISTER_HYPERCALL, 0x1001), 0);
	assert_err(set(&state, HV_REGISTER_SINT15, 0x10030), 0);
	reg = (struct vsm_reg){ .name = HV_REGISTER_PENDING_EVENT0, .value = { 0xd0101, 0x1234 } };
	assert_err(vsm_private_state_set(&state, &limits, &reg), 0);
	return state;
}

static size_t encode(const struct vsm_private_state *state, uint8_t *blob)
{
	size_t used = 0;

	assert_err(vsm_private_state_encode(state, blob, BLOB_MAX, &used), 0);
	return used;
}

/* The last 8 bytes again, by the description in vsm/state.h. */
static void seal(uint8_t *blob, size_t size)
{
	uint64_t sum = 0xcbf29ce484222325ull, word;
	size_t i;

	for (i = 0; i + 8 < size; i += 8) {
		memcpy(&word, blob + i, 8);
		sum = (sum ^ word) * 0x100000001b3ull;
	}
	memcpy(blob + size - 8, &sum, 8);
}

static void refused(const uint8_t *blob, size_t size, int error)
{
	struct vsm_private_state state, before;
	uint8_t *exact = malloc(size ? size : 1);

	/* Of exactly that size, so that a sanitizer sees a byte read behind it. */
	memcpy(exact, blob, size);
	memset(&state, 0x77, sizeof(state));
	before = state;
	assert_err(vsm_private_state_decode(&state, &limits, exact, size), error);
	ck_assert_mem_eq(&state, &before, sizeof(state));
	free(exact);
}

static void put32(uint8_t *blob, size_t at, uint32_t value)
{
	memcpy(blob + at, &value, 4);
}

START_TEST(every_private_register_of_the_table_is_there_at_its_reset_value)
{
	struct vsm_private_state state = fresh(0);
	const struct vsm_register_info *row;
	struct hv_register_value value;
	uint32_t i, n = 0;

	for (i = 0; (row = register_row_at(i)) != NULL; i++) {
		int is_private = row->scope == VSM_SCOPE_PRIVATE || row->scope == VSM_SCOPE_MIXED ||
				 row->scope == VSM_SCOPE_PARTITION_VTL;
		int expected = is_private && !(row->flags & (VSM_REG_ALIAS | VSM_REG_STATELESS));

		assert_err(vsm_private_state_get(&state, row->name, &value),
			   expected ? 0 : -VSM_ERR_NOTFOUND);
		if (!expected)
			continue;
		ck_assert_msg(value.low == row->reset && value.high == 0, "%s", row->text);
		n++;
	}
	ck_assert_uint_eq(state.count, n);
	ck_assert_uint_eq(state.size, sizeof(state));
	/* Room is left for registers of later versions. */
	ck_assert_uint_le(n, VSM_PRIVATE_STATE_REGS - 32);
}
END_TEST

/* TLFS 15.11.1, by name: what no VTL may share with another. */
START_TEST(the_registers_of_the_tlfs_list_are_private)
{
	static const uint32_t names[] = {
		HV_X64_REGISTER_RIP,
		HV_X64_REGISTER_RSP,
		HV_X64_REGISTER_RFLAGS,
		HV_X64_REGISTER_CR0,
		HV_X64_REGISTER_CR3,
		HV_X64_REGISTER_CR4,
		HV_X64_REGISTER_CR8,
		HV_X64_REGISTER_DR7,
		HV_X64_REGISTER_DR6,
		HV_X64_REGISTER_CS,
		HV_X64_REGISTER_FS,
		HV_X64_REGISTER_GS,
		HV_X64_REGISTER_TR,
		HV_X64_REGISTER_LDTR,
		HV_X64_REGISTER_IDTR,
		HV_X64_REGISTER_GDTR,
		HV_X64_REGISTER_TSC,
		HV_X64_REGISTER_EFER,
		HV_X64_REGISTER_PAT,
		HV_X64_REGISTER_STAR,
		HV_X64_REGISTER_LSTAR,
		HV_X64_REGISTER_CSTAR,
		HV_X64_REGISTER_SFMASK,
		HV_X64_REGISTER_KERNEL_GS_BASE,
		HV_X64_REGISTER_TSC_AUX,
		HV_X64_REGISTER_SYSENTER_CS,
		HV_X64_REGISTER_SYSENTER_ESP,
		HV_X64_REGISTER_S_CET,
		HV_X64_REGISTER_SSP,
		HV_X64_REGISTER_XSS,
		HV_X64_REGISTER_APIC_BASE,
		HV_X64_REGISTER_APIC_ISR0,
		HV_REGISTER_HYPERCALL,
		HV_REGISTER_GUEST_OS_ID,
		HV_REGISTER_REFERENCE_TSC,
		HV_REGISTER_VP_ASSIST_PAGE,
		HV_REGISTER_SCONTROL,
		HV_REGISTER_SIEFP,
		HV_REGISTER_SIMP,
		HV_REGISTER_SIRBP,
		HV_REGISTER_SINT15,
		HV_REGISTER_STIMER3_COUNT,
		HV_REGISTER_VSM_VINA,
		HV_REGISTER_PENDING_EVENT0,
		HV_REGISTER_INTERRUPT_STATE,
	};
	struct vsm_private_state state = fresh(0);
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(names); i++)
		low_of(&state, names[i]);
}
END_TEST

START_TEST(shared_state_constants_and_aliases_are_not_in_it)
{
	static const uint32_t names[] = {
		HV_X64_REGISTER_RAX,
		HV_X64_REGISTER_R15,
		HV_X64_REGISTER_CR2,
		HV_X64_REGISTER_XFEM,
		HV_X64_REGISTER_DR0,
		HV_X64_REGISTER_DR3,
		HV_X64_REGISTER_XMM0,
		HV_X64_REGISTER_U_CET,
		HV_X64_REGISTER_PL0_SSP,
		HV_X64_REGISTER_MTRR_CAP,
		HV_REGISTER_VP_INDEX,
		HV_REGISTER_TIME_REF_COUNT,
		HV_REGISTER_SVERSION,
		HV_REGISTER_EOM,
		HV_REGISTER_TPR,
		HV_REGISTER_CRASH_P0,
		0x12345678,
		UINT32_MAX,
		HV_X64_REGISTER_INTERMEDIATE_CR0,
	};
	struct vsm_private_state state = fresh(0), before = state;
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(names); i++)
		assert_err(set(&state, names[i], 0), -VSM_ERR_NOTFOUND);
	ck_assert_mem_eq(&state, &before, sizeof(state));
}
END_TEST

START_TEST(dr6_is_there_only_if_each_vtl_has_its_own)
{
	struct vsm_private_state own = fresh(0);
	struct vsm_private_state shared = fresh(VSM_PRIVATE_STATE_DR6_SHARED);

	ck_assert_uint_eq(low_of(&own, HV_X64_REGISTER_DR6), 0xffff0ff0);
	ck_assert_uint_eq(shared.count, own.count - 1);
	assert_err(set(&shared, HV_X64_REGISTER_DR6, 0), -VSM_ERR_NOTFOUND);
}
END_TEST

START_TEST(scontrol_starts_as_the_flag_says)
{
	struct vsm_private_state one = fresh(0), zero = fresh(VSM_PRIVATE_STATE_SCONTROL_0);

	ck_assert_uint_eq(low_of(&one, HV_REGISTER_SCONTROL), 1);
	ck_assert_uint_eq(low_of(&zero, HV_REGISTER_SCONTROL), 0);
}
END_TEST

START_TEST(init_refuses_unknown_flags_and_changes_nothing)
{
	struct vsm_private_state state, before;
	uint32_t bit;

	memset(&state, 0x5a, sizeof(state));
	before = state;
	for (bit = 2; bit < 32; bit++)
		assert_err(vsm_private_state_init(&state, 1u << bit), -VSM_ERR_INVAL);
	assert_err(vsm_private_state_init(NULL, 0), -VSM_ERR_INVAL);
	ck_assert_mem_eq(&state, &before, sizeof(state));
}
END_TEST

START_TEST(what_is_set_is_what_is_got_and_nothing_else_moves)
{
	struct vsm_private_state state = fresh(0), before = state;
	struct hv_register_value value;
	uint32_t i, k;

	for (i = 0; i < state.count; i++) {
		struct vsm_reg reg = before.regs[i];

		reg.value.low ^= 0x10;
		if (vsm_register_check(&limits, &reg) != 1)
			continue;
		state = before;
		assert_err(vsm_private_state_set(&state, &limits, &reg), 0);
		assert_err(vsm_private_state_get(&state, reg.name, &value), 0);
		ck_assert_uint_eq(value.low, reg.value.low);
		for (k = 0; k < state.count; k++)
			ck_assert(k == i ||
				  !memcmp(&state.regs[k], &before.regs[k], sizeof(state.regs[k])));
	}
}
END_TEST

START_TEST(illegal_values_are_refused_and_change_nothing)
{
	static const struct {
		uint32_t name;
		uint64_t low;
	} bad[] = {
		{ HV_X64_REGISTER_RIP, 0x800000000000 },
		{ HV_X64_REGISTER_RFLAGS, 0 },
		{ HV_X64_REGISTER_CR0, 0x80000000 },
		{ HV_X64_REGISTER_CR3, 1ull << 40 },
		{ HV_X64_REGISTER_CR4, 1ull << 40 },
		{ HV_X64_REGISTER_CR8, 0x10 },
		{ HV_X64_REGISTER_EFER, 0x1000 },
		{ HV_X64_REGISTER_DR7, 0x100000400 },
		{ HV_X64_REGISTER_PAT, 2 },
		{ HV_X64_REGISTER_TSC_AUX, 1ull << 32 },
		{ HV_X64_REGISTER_APIC_TPR, 1ull << 32 },
		{ HV_X64_REGISTER_XSS, 1 },
		{ HV_X64_REGISTER_S_CET, 0xc00 },
		{ HV_X64_REGISTER_SSP, 2 },
		{ HV_REGISTER_INTERRUPT_STATE, 4 },
	};
	struct vsm_private_state state = fresh(0), before = state;
	struct vsm_reg high = { .name = HV_X64_REGISTER_STAR, .value = { 0, 1 } };
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(bad); i++)
		ck_assert_msg(set(&state, bad[i].name, bad[i].low) == -VSM_ERR_INVAL, "%s",
			      vsm_register_name(bad[i].name));
	assert_err(vsm_private_state_set(&state, &limits, &high), -VSM_ERR_INVAL);
	ck_assert_mem_eq(&state, &before, sizeof(state));
}
END_TEST

START_TEST(bad_arguments_of_set_are_refused)
{
	struct vsm_private_state state = fresh(0), before = state;
	struct vsm_register_limits wrong = limits;
	struct vsm_reg reg = { .name = HV_X64_REGISTER_STAR, .value = { 7, 0 } };

	assert_err(vsm_private_state_set(NULL, &limits, &reg), -VSM_ERR_INVAL);
	assert_err(vsm_private_state_set(&state, NULL, &reg), -VSM_ERR_INVAL);
	assert_err(vsm_private_state_set(&state, &limits, NULL), -VSM_ERR_INVAL);
	wrong.phys_bits = 53;
	assert_err(vsm_private_state_set(&state, &wrong, &reg), -VSM_ERR_INVAL);
	reg.reserved = 1;
	assert_err(vsm_private_state_set(&state, &limits, &reg), -VSM_ERR_INVAL);
	ck_assert_mem_eq(&state, &before, sizeof(state));
}
END_TEST

struct walk {
	uint32_t seen;
	uint32_t stop_at;
	const struct vsm_private_state *state;
};

static int visit(void *opaque, const struct vsm_reg *reg)
{
	struct walk *walk = opaque;

	ck_assert_mem_eq(reg, &walk->state->regs[walk->seen], sizeof(*reg));
	walk->seen++;
	return walk->seen == walk->stop_at ? 1000 + (int)walk->seen : 0;
}

START_TEST(an_object_that_was_never_initialised_is_refused)
{
	struct vsm_private_state good = fresh(0), bad;
	struct hv_register_value value;
	struct vsm_reg reg;
	uint8_t blob[BLOB_MAX];
	size_t used;
	int i;

	for (i = 0; i < 5; i++) {
		bad = good;
		if (i == 0)
			memset(&bad, 0, sizeof(bad));
		if (i == 1)
			bad.size++;
		if (i == 2)
			bad.count = VSM_PRIVATE_STATE_REGS + 1;
		if (i == 3)
			bad.flags = 0x80;
		if (i == 4)
			bad.count = 0;
		assert_err(vsm_private_state_get(&bad, HV_X64_REGISTER_RIP, &value),
			   -VSM_ERR_INVAL);
		assert_err(set(&bad, HV_X64_REGISTER_RIP, 0), -VSM_ERR_INVAL);
		assert_err(vsm_private_state_at(&bad, 0, &reg), -VSM_ERR_INVAL);
		assert_err(vsm_private_state_print(&bad, NULL, NULL), -VSM_ERR_INVAL);
		assert_err(vsm_private_state_for_each(&bad, visit, NULL), -VSM_ERR_INVAL);
		assert_err(vsm_private_state_encode(&bad, blob, sizeof(blob), &used),
			   -VSM_ERR_INVAL);
	}
}
END_TEST

START_TEST(an_object_with_foreign_names_is_not_encoded)
{
	struct vsm_private_state bad = fresh(0);
	uint8_t blob[BLOB_MAX];
	size_t used;

	bad.regs[3].name = HV_X64_REGISTER_RAX;
	assert_err(vsm_private_state_encode(&bad, blob, sizeof(blob), &used), -VSM_ERR_INVAL);
	bad = fresh(0);
	bad.regs[3].reserved = 1;
	assert_err(vsm_private_state_encode(&bad, blob, sizeof(blob), &used), -VSM_ERR_INVAL);
	bad = fresh(0);
	bad.count--;
	assert_err(vsm_private_state_encode(&bad, blob, sizeof(blob), &used), -VSM_ERR_INVAL);
	bad = fresh(0);
	bad.count++;
	assert_err(vsm_private_state_encode(&bad, blob, sizeof(blob), &used), -VSM_ERR_INVAL);
	bad = fresh(0);
	bad.flags = VSM_PRIVATE_STATE_DR6_SHARED;
	assert_err(vsm_private_state_encode(&bad, blob, sizeof(blob), &used), -VSM_ERR_INVAL);
}
END_TEST

START_TEST(positions_walk_all_registers_in_order)
{
	struct vsm_private_state state = busy();
	struct vsm_reg reg, last = { 0 };
	uint32_t i;

	for (i = 0; vsm_private_state_at(&state, i, &reg) == 0; i++) {
		struct hv_register_value value;

		ck_assert(i == 0 || reg.name > last.name);
		assert_err(vsm_private_state_get(&state, reg.name, &value), 0);
		ck_assert_mem_eq(&reg.value, &value, sizeof(value));
		last = reg;
	}
	ck_assert_uint_eq(i, state.count);
	assert_err(vsm_private_state_at(&state, i, &reg), -VSM_ERR_NOTFOUND);
	assert_err(vsm_private_state_at(&state, UINT32_MAX, &reg), -VSM_ERR_NOTFOUND);
	assert_err(vsm_private_state_at(&state, 0, NULL), -VSM_ERR_INVAL);
}
END_TEST

struct lines {
	uint32_t count;
	uint32_t found;
};

static void take_line(void *opaque, const char *text)
{
	static const char *const expected[] = {
		"CR0 0x80050033",
		"CS selector 0x10 base 0x0 limit 0xffffffff attributes 0xa09b",
		"GDTR base 0x0 limit 0x0",
		"PENDING_EVENT0 0xd0101 high 0x1234",
		"SINT15 0x10030",
	};
	struct lines *lines = opaque;
	size_t i;

	ck_assert_uint_le(strlen(text), 200);
	ck_assert_ptr_null(strchr(text, '\n'));
	for (i = 0; i < VSMTEST_COUNT(expected); i++)
		lines->found += !strcmp(text, expected[i]);
	lines->count++;
}

START_TEST(for_each_visits_all_registers_in_order_until_it_is_stopped)
{
	struct vsm_private_state state = busy();
	struct walk walk = { .state = &state };

	assert_err(vsm_private_state_for_each(&state, visit, &walk), 0);
	ck_assert_uint_eq(walk.seen, state.count);
	for (uint32_t stop = 1; stop <= state.count; stop++) {
		walk.seen = 0;
		walk.stop_at = stop;
		ck_assert_int_eq(vsm_private_state_for_each(&state, visit, &walk),
				 1000 + (int)stop);
		ck_assert_uint_eq(walk.seen, stop);
	}
	walk.seen = 0;
	assert_err(vsm_private_state_for_each(NULL, visit, &walk), -VSM_ERR_INVAL);
	assert_err(vsm_private_state_for_each(&state, NULL, &walk), -VSM_ERR_INVAL);
	ck_assert_uint_eq(walk.seen, 0);
}
END_TEST

START_TEST(print_gives_one_line_for_each_register)
{
	struct vsm_private_state state = busy();
	struct lines lines = { 0, 0 };

	assert_err(vsm_private_state_print(&state, take_line, &lines), 0);
	ck_assert_uint_eq(lines.count, state.count);
	ck_assert_uint_eq(lines.found, 5);
	assert_err(vsm_private_state_print(&state, NULL, NULL), -VSM_ERR_INVAL);
}
END_TEST

START_TEST(the_encoded_form_is_as_documented)
{
	struct vsm_private_state state = busy();
	uint8_t blob[BLOB_MAX], copy[BLOB_MAX];
	size_t used = encode(&state, blob);
	uint32_t i, word;

	ck_assert_uint_eq(used, 24 + 24 * (size_t)state.count + 8);
	ck_assert_uint_le(used, vsm_private_state_size());
	ck_assert_mem_eq(blob, "VSMPRIVS\1\0\0\0\0\0\0\0", 16);
	memcpy(&word, blob + 16, 4);
	ck_assert_uint_eq(word, state.count);
	for (i = 0; i < state.count; i++)
		ck_assert_mem_eq(blob + 24 + 24 * (size_t)i, &state.regs[i], 24);
	memcpy(copy, blob, used);
	seal(copy, used);
	ck_assert_mem_eq(copy, blob, used);
}
END_TEST

START_TEST(encode_and_decode_are_inverse)
{
	static const uint32_t flags[] = { 0, 1, 2, 3 };
	struct vsm_private_state state, back;
	uint8_t blob[BLOB_MAX], again[BLOB_MAX];
	size_t i, used;

	for (i = 0; i <= VSMTEST_COUNT(flags); i++) {
		state = i == 4 ? busy() : fresh(flags[i]);
		used = encode(&state, blob);
		memset(&back, 0x33, sizeof(back));
		assert_err(vsm_private_state_decode(&back, &limits, blob, used), 0);
		ck_assert_mem_eq(&back, &state, sizeof(state));
		ck_assert_uint_eq(encode(&back, again), used);
		ck_assert_mem_eq(again, blob, used);
	}
}
END_TEST

START_TEST(encode_refuses_short_buffers_and_leaves_them)
{
	struct vsm_private_state state = busy();
	uint8_t blob[BLOB_MAX], before[BLOB_MAX];
	size_t used = encode(&state, blob), size, out = 77;

	memset(blob, 0x66, sizeof(blob));
	memcpy(before, blob, sizeof(blob));
	for (size = 0; size < used; size++)
		assert_err(vsm_private_state_encode(&state, blob, size, &out), -VSM_ERR_INVAL);
	assert_err(vsm_private_state_encode(&state, NULL, BLOB_MAX, &out), -VSM_ERR_INVAL);
	assert_err(vsm_private_state_encode(&state, blob, BLOB_MAX, NULL), -VSM_ERR_INVAL);
	ck_assert_uint_eq(out, 77);
	ck_assert_mem_eq(blob, before, sizeof(blob));
	assert_err(vsm_private_state_encode(&state, blob, used, &out), 0);
	ck_assert_uint_eq(out, used);
}
END_TEST

START_TEST(every_truncation_and_extension_is_refused)
{
	struct vsm_private_state state = busy();
	uint8_t blob[BLOB_MAX + 64] = { 0 };
	size_t used = encode(&state, blob), size;

	for (size = 0; size < used; size++)
		refused(blob, size, -VSM_ERR_INVAL);
	for (size = used + 1; size < used + 64; size++)
		refused(blob, size, -VSM_ERR_INVAL);
}
END_TEST

START_TEST(every_flipped_bit_is_refused)
{
	struct vsm_private_state state = busy(), out;
	uint8_t blob[BLOB_MAX];
	size_t used = encode(&state, blob), bit;

	for (bit = 0; bit < used * 8; bit++) {
		blob[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_msg(vsm_private_state_decode(&out, &limits, blob, used) != 0, "bit %zu",
			      bit);
		blob[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}
END_TEST

/* Whoever makes the checksum anew gets in what is legal, and only that. */
START_TEST(every_flipped_bit_with_a_new_checksum_is_refused_or_legal)
{
	struct vsm_private_state state = busy(), out;
	uint8_t blob[BLOB_MAX], again[BLOB_MAX];
	size_t used = encode(&state, blob), bit;
	uint32_t taken = 0, i;

	for (bit = 0; bit < (used - 8) * 8; bit++) {
		blob[bit / 8] ^= (uint8_t)(1u << bit % 8);
		seal(blob, used);
		if (vsm_private_state_decode(&out, &limits, blob, used) == 0) {
			taken++;
			for (i = 0; i < out.count; i++)
				if (vsm_register_check(&limits, &out.regs[i]) != 1)
					ck_abort_msg("bit %zu", bit);
			if (encode(&out, again) == used && out.flags == 0)
				ck_assert_mem_eq(again, blob, used);
		}
		blob[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	ck_assert_uint_gt(taken, 1000);
}
END_TEST

START_TEST(random_bytes_are_refused)
{
	uint8_t blob[512];
	uint32_t round, i;

	srand(15);
	for (round = 0; round < 20000; round++) {
		size_t size = 32 + 24 * (size_t)(rand() % 19);

		for (i = 0; i < size; i++)
			blob[i] = (uint8_t)rand();
		if (round % 2)
			memcpy(blob, "VSMPRIVS\1\0\0\0\0\0\0\0", 16);
		if (round % 4 == 3)
			put32(blob, 16, (uint32_t)(size - 32) / 24);
		put32(blob, 20, 0);
		/* No record at all is a fresh state. */
		if (size == 32)
			continue;
		seal(blob, size);
		ck_assert_int_ne(vsm_private_state_decode(&(struct vsm_private_state){ 0 }, &limits,
							  blob, size),
				 0);
	}
}
END_TEST

START_TEST(another_version_is_told_from_damage)
{
	struct vsm_private_state state = busy();
	uint8_t blob[BLOB_MAX];
	size_t used = encode(&state, blob);

	put32(blob, 8, 2);
	refused(blob, used, -VSM_ERR_NOSUP);
	seal(blob, used);
	refused(blob, used, -VSM_ERR_NOSUP);
	put32(blob, 8, 0);
	seal(blob, used);
	refused(blob, used, -VSM_ERR_NOSUP);
}
END_TEST

START_TEST(reserved_words_and_unknown_flags_are_refused)
{
	struct vsm_private_state state = busy();
	uint8_t blob[BLOB_MAX];
	size_t used = encode(&state, blob);

	put32(blob, 20, 1);
	seal(blob, used);
	refused(blob, used, -VSM_ERR_INVAL);
	put32(blob, 20, 0);
	put32(blob, 12, 4);
	seal(blob, used);
	refused(blob, used, -VSM_ERR_INVAL);
	put32(blob, 12, 0);
	put32(blob, 24 + 24 * 5 + 4, 1);
	seal(blob, used);
	refused(blob, used, -VSM_ERR_INVAL);
}
END_TEST

START_TEST(duplicates_and_wrong_order_are_refused)
{
	struct vsm_private_state state = busy();
	uint8_t blob[BLOB_MAX], record[24];
	size_t used = encode(&state, blob);

	memcpy(record, blob + 24 + 24 * 4, 24);
	memcpy(blob + 24 + 24 * 5, record, 24);
	seal(blob, used);
	refused(blob, used, -VSM_ERR_INVAL);
	encode(&state, blob);
	memmove(blob + 24 + 24 * 4, blob + 24 + 24 * 5, 24);
	memcpy(blob + 24 + 24 * 5, record, 24);
	seal(blob, used);
	refused(blob, used, -VSM_ERR_INVAL);
}
END_TEST

START_TEST(registers_that_are_no_private_state_are_not_found)
{
	static const uint32_t names[] = { HV_X64_REGISTER_RAX, HV_X64_REGISTER_CR2,
					  HV_X64_REGISTER_XMM0, 0x00020012 };
	uint8_t blob[24 + 24 + 8] = "VSMPRIVS\1\0\0\0\0\0\0\0\1";
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(names); i++) {
		put32(blob, 24, names[i]);
		seal(blob, sizeof(blob));
		refused(blob, sizeof(blob), -VSM_ERR_NOTFOUND);
	}
	/* Private, but not with the flag that says it is shared. */
	put32(blob, 24, HV_X64_REGISTER_DR6);
	put32(blob, 12, VSM_PRIVATE_STATE_DR6_SHARED);
	seal(blob, sizeof(blob));
	refused(blob, sizeof(blob), -VSM_ERR_NOTFOUND);
}
END_TEST

START_TEST(an_older_version_may_lack_registers)
{
	uint8_t blob[24 + 24 + 8] = "VSMPRIVS\1\0\0\0\0\0\0\0\1";
	struct vsm_private_state state, expected = fresh(0);

	put32(blob, 24, HV_X64_REGISTER_LSTAR);
	put32(blob, 32, 0x5000);
	seal(blob, sizeof(blob));
	assert_err(vsm_private_state_decode(&state, &limits, blob, sizeof(blob)), 0);
	assert_err(set(&expected, HV_X64_REGISTER_LSTAR, 0x5000), 0);
	ck_assert_mem_eq(&state, &expected, sizeof(state));
}
END_TEST

START_TEST(values_are_judged_by_the_limits_of_the_machine_that_decodes)
{
	struct vsm_private_state state = fresh(0), out;
	struct vsm_register_limits small = limits;
	uint8_t blob[BLOB_MAX];
	size_t used;

	assert_err(set(&state, HV_X64_REGISTER_CR3, 1ull << 39), 0);
	used = encode(&state, blob);
	small.phys_bits = 36;
	assert_err(vsm_private_state_decode(&out, &small, blob, used), -VSM_ERR_INVAL);
	assert_err(vsm_private_state_decode(&out, &limits, blob, used), 0);
}
END_TEST

START_TEST(bad_arguments_of_decode_are_refused)
{
	struct vsm_private_state state = fresh(0), out;
	struct vsm_register_limits wrong = limits;
	uint8_t blob[BLOB_MAX];
	size_t used = encode(&state, blob);

	wrong.size--;
	assert_err(vsm_private_state_decode(NULL, &limits, blob, used), -VSM_ERR_INVAL);
	assert_err(vsm_private_state_decode(&out, NULL, blob, used), -VSM_ERR_INVAL);
	assert_err(vsm_private_state_decode(&out, &wrong, blob, used), -VSM_ERR_INVAL);
	assert_err(vsm_private_state_decode(&out, &limits, NULL, used), -VSM_ERR_INVAL);
	assert_err(vsm_private_state_decode(&out, &limits, blob, 0), -VSM_ERR_INVAL);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(every_private_register_of_the_table_is_there_at_its_reset_value),
	VSMTEST_CASE(the_registers_of_the_tlfs_list_are_private),
	VSMTEST_CASE(shared_state_constants_and_aliases_are_not_in_it),
	VSMTEST_CASE(dr6_is_there_only_if_each_vtl_has_its_own),
	VSMTEST_CASE(scontrol_starts_as_the_flag_says),
	VSMTEST_CASE(init_refuses_unknown_flags_and_changes_nothing),
	VSMTEST_CASE(what_is_set_is_what_is_got_and_nothing_else_moves),
	VSMTEST_CASE(illegal_values_are_refused_and_change_nothing),
	VSMTEST_CASE(bad_arguments_of_set_are_refused),
	VSMTEST_CASE(an_object_that_was_never_initialised_is_refused),
	VSMTEST_CASE(an_object_with_foreign_names_is_not_encoded),
	VSMTEST_CASE(positions_walk_all_registers_in_order),
	VSMTEST_CASE(for_each_visits_all_registers_in_order_until_it_is_stopped),
	VSMTEST_CASE(print_gives_one_line_for_each_register),
	VSMTEST_CASE(the_encoded_form_is_as_documented),
	VSMTEST_CASE(encode_and_decode_are_inverse),
	VSMTEST_CASE(encode_refuses_short_buffers_and_leaves_them),
	VSMTEST_CASE(every_truncation_and_extension_is_refused),
	VSMTEST_CASE(every_flipped_bit_is_refused),
	VSMTEST_CASE(every_flipped_bit_with_a_new_checksum_is_refused_or_legal),
	VSMTEST_CASE(random_bytes_are_refused),
	VSMTEST_CASE(another_version_is_told_from_damage),
	VSMTEST_CASE(reserved_words_and_unknown_flags_are_refused),
	VSMTEST_CASE(duplicates_and_wrong_order_are_refused),
	VSMTEST_CASE(registers_that_are_no_private_state_are_not_found),
	VSMTEST_CASE(an_older_version_may_lack_registers),
	VSMTEST_CASE(values_are_judged_by_the_limits_of_the_machine_that_decodes),
	VSMTEST_CASE(bad_arguments_of_decode_are_refused),
};

int main(void)
{
	return vsmtest_main("private_state", cases, VSMTEST_COUNT(cases));
}
