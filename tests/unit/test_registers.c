/* SPDX-License-Identifier: BSD-3-Clause */
/* GetVpRegisters and SetVpRegisters (TLFS 7.10, 15.3). */
#include <string.h>

#include "vsmtest.h"

#define VTL0 VSMTEST_VTL(0)
#define VTL1 VSMTEST_VTL(1)

static struct vsmtest *in_vtl1(void)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	return t;
}

static struct vsmtest *in_vtl0(void)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	return t;
}

struct get_block {
	struct hv_input_get_vp_registers header;
	uint32_t name[8];
};

struct set_block {
	struct hv_input_set_vp_registers header;
	struct hv_register_assoc assoc[4];
};

static uint32_t raw_get(struct vsmtest *t, struct get_block *in, uint32_t count)
{
	memset(vsmtest_out(t, 0), 0xee, VSMTEST_PAGE);
	return vsmtest_call_mem(t, 0, VSMTEST_REP(HVCALL_GET_VP_REGISTERS, count), in,
				16 + 4 * (size_t)count);
}

static uint32_t raw_set(struct vsmtest *t, struct set_block *in, uint32_t count)
{
	return vsmtest_call_mem(t, 0, VSMTEST_REP(HVCALL_SET_VP_REGISTERS, count), in,
				16 + 32 * (size_t)count);
}

static void no_output(struct vsmtest *t, uint32_t first)
{
	const uint8_t *out = vsmtest_out(t, 0);
	uint32_t i;

	/* An assertion for each byte would take its time. */
	for (i = 16 * first; i < VSMTEST_PAGE && out[i] == 0xee; i++)
		;
	ck_assert_msg(i == VSMTEST_PAGE, "output byte %u was written", i);
}

START_TEST(get_refuses_in_its_order)
{
	struct vsmtest *t = in_vtl0();
	struct get_block in = { { 0x1234, 77, 0xf1, { 1, 0, 0 } }, { 0x12345678 } };

	/* Input VTL, partition, VP, right, name. */
	assert_status(raw_get(t, &in, 1), HV_STATUS_INVALID_PARAMETER);
	in.header.input_vtl = VTL1;
	assert_status(raw_get(t, &in, 1), HV_STATUS_INVALID_PARAMETER);
	in.header.reserved[0] = 0;
	assert_status(raw_get(t, &in, 1), HV_STATUS_ACCESS_DENIED);
	in.header.partition_id = HV_PARTITION_ID_SELF;
	assert_status(raw_get(t, &in, 1), HV_STATUS_INVALID_VP_INDEX);
	in.header.vp_index = HV_VP_INDEX_SELF;
	assert_status(raw_get(t, &in, 1), HV_STATUS_ACCESS_DENIED);
	in.header.input_vtl = 0;
	assert_status(raw_get(t, &in, 1), HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(t->reps, 0);
	no_output(t, 0);
	in.name[0] = HV_REGISTER_VSM_VP_STATUS;
	assert_status(raw_get(t, &in, 1), HV_STATUS_SUCCESS);
	vsmtest_free(t);
}
END_TEST

START_TEST(set_refuses_in_its_order)
{
	struct vsmtest *t = in_vtl1();
	struct set_block in = { { 0x1234, 77, 0x91, { 0, 0, 1 } },
				{ { 0x12345678, 1, 0, { 0, 0 } } } };

	assert_status(raw_set(t, &in, 1), HV_STATUS_INVALID_PARAMETER);
	in.header.input_vtl = VTL0;
	assert_status(raw_set(t, &in, 1), HV_STATUS_INVALID_PARAMETER);
	in.header.reserved[2] = 0;
	assert_status(raw_set(t, &in, 1), HV_STATUS_ACCESS_DENIED);
	in.header.partition_id = t->opts.config.partition_id;
	assert_status(raw_set(t, &in, 1), HV_STATUS_INVALID_VP_INDEX);
	in.header.vp_index = 0;
	assert_status(raw_set(t, &in, 1), HV_STATUS_INVALID_PARAMETER);
	in.assoc[0].name = HV_X64_REGISTER_CR3;
	in.assoc[0].value.low = 0x3000;
	assert_status(raw_set(t, &in, 1), HV_STATUS_INVALID_PARAMETER);
	in.assoc[0].reserved1 = 0;
	in.assoc[0].reserved2 = 1ull << 63;
	assert_status(raw_set(t, &in, 1), HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_CR3), 0x1000);
	in.assoc[0].reserved2 = 0;
	assert_status(raw_set(t, &in, 1), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_CR3), 0x3000);
	vsmtest_free(t);
}
END_TEST

START_TEST(reserved_bits_of_the_input_vtl_are_invalid)
{
	struct vsmtest *t = in_vtl1();
	uint32_t bit;

	for (bit = 5; bit < 8; bit++) {
		assert_status(vsmtest_get(t, 0, (uint8_t)(1u << bit), HV_X64_REGISTER_CR0, NULL),
			      HV_STATUS_INVALID_PARAMETER);
		assert_status(vsmtest_set(t, 0, (uint8_t)(VTL0 | 1u << bit), HV_X64_REGISTER_CR3,
					  0x1000),
			      HV_STATUS_INVALID_PARAMETER);
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(a_target_vtl_counts_only_with_its_flag)
{
	struct vsmtest *t = in_vtl0();
	struct hv_register_value value;

	/* TargetVtl without UseTargetVtl is ignored: the own VTL. */
	assert_status(vsmtest_get(t, 0, 0x0f, HV_X64_REGISTER_CR3, &value), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(value.low, 0x1000);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_higher_vtl_is_out_of_reach)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint32_t i;

	assert_status(vsmtest_enable_vtl1(t, 0), HV_STATUS_SUCCESS);
	for (i = 0; i < t->rows; i++) {
		struct get_block in = { { HV_PARTITION_ID_SELF, HV_VP_INDEX_SELF, VTL1, { 0 } },
					{ t->row[i].name } };

		assert_status(raw_get(t, &in, 1), HV_STATUS_ACCESS_DENIED);
		no_output(t, 0);
		assert_status(vsmtest_set(t, 0, VTL1, t->row[i].name, 0), HV_STATUS_ACCESS_DENIED);
	}
	assert_status(vsmtest_get(t, 0, VSMTEST_VTL(15), HV_X64_REGISTER_CR0, NULL),
		      HV_STATUS_ACCESS_DENIED);
	vsmtest_free(t);
}
END_TEST

START_TEST(vtl1_reads_what_vtl0_has)
{
	struct vsmtest *t = in_vtl1();
	uint32_t i, n = 0;

	for (i = 0; i < t->rows; i++) {
		const struct vsm_register_info *row = &t->row[i];
		uint32_t home = vsmtest_row_shared(t, row) ? 1 : 0;
		struct hv_register_value value, *slot;

		if (row->owner != VSM_OWNER_HOST || !(row->flags & VSM_REG_READABLE))
			continue;
		slot = vsmtest_slot(t, 0, home, row->name);
		/* Registers of the call itself are what they are. */
		if (home == 0) {
			slot->low = 0x1230000 + i;
			slot->high = row->bytes == 16 ? 0x4560000 + i : 0;
		}
		assert_status(vsmtest_get(t, 0, VTL0, row->name, &value), HV_STATUS_SUCCESS);
		slot = vsmtest_slot(t, 0, home, row->name);
		if (row->name != HV_X64_REGISTER_RAX)
			ck_assert_msg(value.low == slot->low && value.high == slot->high,
				      "%s: %llx %llx, not %llx %llx", row->text,
				      (unsigned long long)value.low, (unsigned long long)value.high,
				      (unsigned long long)slot->low,
				      (unsigned long long)slot->high);
		n++;
	}
	ck_assert_uint_ge(n, 50);
	vsmtest_free(t);
}
END_TEST

START_TEST(vtl1_writes_what_vtl0_has)
{
	struct vsmtest *t = in_vtl1();
	uint32_t i, n = 0;

	for (i = 0; i < t->rows; i++) {
		const struct vsm_register_info *row = &t->row[i];
		struct hv_register_value value;

		if (row->owner != VSM_OWNER_HOST || !(row->flags & VSM_REG_WRITABLE) ||
		    vsmtest_row_shared(t, row))
			continue;
		/* VTL1's own value is a legal one for any VTL. */
		value = *vsmtest_slot(t, 0, 1, row->name);
		assert_status(vsmtest_set_of(t, 0, HV_VP_INDEX_SELF, VTL0, row->name, value),
			      HV_STATUS_SUCCESS);
		ck_assert_msg(memcmp(vsmtest_slot(t, 0, 0, row->name), &value, 16) == 0, "%s",
			      row->text);
		n++;
	}
	ck_assert_uint_ge(n, 28);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_shared_register_is_written_where_it_lives)
{
	struct vsmtest *t = in_vtl1();

	/* RBX of VTL0 is RBX of the VP: VTL1 carries it now. */
	assert_status(vsmtest_set(t, 0, VTL0, HV_X64_REGISTER_RBX, 0x77), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 1, HV_X64_REGISTER_RBX), 0x77);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RBX), 0x77);
	vsmtest_free(t);
}
END_TEST

/* What a call in registers does not need for itself it may set. */
START_TEST(a_fast_call_sets_the_xmm_registers_it_does_not_lie_in)
{
	struct vsmtest *t = in_vtl1();
	struct {
		struct hv_input_set_vp_registers header;
		struct hv_register_assoc assoc[2];
	} in = { .header = { HV_PARTITION_ID_SELF, HV_VP_INDEX_SELF, VTL0, { 0 } } };

	for (uint32_t count = 1; count <= 2; count++) {
		for (uint32_t n = 0; n < 8; n++) {
			uint32_t free = n >= 2 * count;

			in.assoc[0].name = HV_X64_REGISTER_XMM0 + n;
			in.assoc[0].value.low = 0x5500 + n;
			in.assoc[1] = in.assoc[0];
			assert_status(vsmtest_call_fast(t, 0,
							VSMTEST_REP(HVCALL_SET_VP_REGISTERS, count),
							&in, 16 + 32 * count),
				      free ? HV_STATUS_SUCCESS : HV_STATUS_ACCESS_DENIED);
			if (free)
				ck_assert_uint_eq(vsmtest_reg(t, 0, 1, in.assoc[0].name),
						  0x5500 + n);
		}
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(rip_set_from_above_is_where_vtl0_goes_on)
{
	struct vsmtest *t = in_vtl1();

	assert_status(vsmtest_set(t, 0, VTL0, HV_X64_REGISTER_RIP, 0x123456), HV_STATUS_SUCCESS);
	assert_status(vsmtest_set(t, 0, VTL0, HV_X64_REGISTER_RSP, 0xabc0), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RIP), 0x123456);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RSP), 0xabc0);
	vsmtest_free(t);
}
END_TEST

START_TEST(own_registers_can_be_read_but_not_all_set)
{
	static const uint32_t denied[] = { HV_X64_REGISTER_RIP,	   HV_X64_REGISTER_RSP,
					   HV_X64_REGISTER_RFLAGS, HV_X64_REGISTER_RAX,
					   HV_X64_REGISTER_CR0,	   HV_X64_REGISTER_EFER };
	struct vsmtest *t = in_vtl0();
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(denied); i++) {
		uint64_t before = vsmtest_value(t, 0, 0, denied[i]);

		assert_status(vsmtest_set(t, 0, 0, denied[i], before), HV_STATUS_ACCESS_DENIED);
		assert_status(vsmtest_set(t, 0, VTL0, denied[i], before), HV_STATUS_ACCESS_DENIED);
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(registers_with_the_own_flag_can_be_set_by_their_vtl)
{
	struct vsmtest *t = in_vtl1();
	uint32_t i, n = 0;

	for (i = 0; i < t->rows; i++) {
		const struct vsm_register_info *row = &t->row[i];
		struct hv_register_value value;
		uint32_t status;

		if (row->owner != VSM_OWNER_HOST || !(row->flags & VSM_REG_WRITABLE))
			continue;
		value = *vsmtest_slot(t, 0, 1, row->name);
		status = vsmtest_set_of(t, 0, HV_VP_INDEX_SELF, 0, row->name, value);
		ck_assert_msg(status == (row->flags & VSM_REG_SET_OWN ? HV_STATUS_SUCCESS :
									HV_STATUS_ACCESS_DENIED),
			      "%s: %s", row->text, vsmtest_status_text(status));
		n += (row->flags & VSM_REG_SET_OWN) != 0;
	}
	ck_assert_uint_ge(n, 5);
	vsmtest_free(t);
}
END_TEST

START_TEST(unknown_names_are_invalid_parameters)
{
	static const uint32_t names[] = { 0xffffffff, 0x00020012, 0x0002ffff, 0x000d0000,
					  0x000d0001, 0x00080098, 0x12345678, 0x80020000 };
	struct vsmtest *t = in_vtl1();
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(names); i++) {
		assert_status(vsmtest_get(t, 0, VTL0, names[i], NULL), HV_STATUS_INVALID_PARAMETER);
		assert_status(vsmtest_set(t, 0, VTL0, names[i], 0), HV_STATUS_INVALID_PARAMETER);
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(what_the_table_does_not_have_is_refused_never_swallowed)
{
	struct vsm_register_info info = { .size = sizeof(info) };
	struct vsmtest *t = in_vtl1();
	uint32_t high, low;

	t->relaxed = 1;
	/* Every block of names of TLFS 7.8.2, sampled. */
	for (high = 0; high < 0x10; high++)
		for (low = 0; low < 0x100; low++) {
			uint32_t name = high << 16 | low;

			if (vsm_register_info(name, &info) == 0)
				continue;
			assert_status(vsmtest_get(t, 0, VTL0, name, NULL),
				      HV_STATUS_INVALID_PARAMETER);
			assert_status(vsmtest_set(t, 0, VTL0, name, 0),
				      HV_STATUS_INVALID_PARAMETER);
		}
	vsmtest_free(t);
}
END_TEST

START_TEST(read_only_registers_refuse_any_value)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;
	uint32_t i, n = 0;

	vsmtest_opts_init(&opts);
	opts.config.apic_hz = 200000000;
	t = vsmtest_new(&opts);
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	for (i = 0; i < t->rows; i++) {
		struct hv_register_value value = { 0, 0 };

		if (t->row[i].flags & VSM_REG_WRITABLE)
			continue;
		if (t->row[i].flags & VSM_REG_READABLE)
			assert_status(vsmtest_get(t, 0, VTL0, t->row[i].name, &value),
				      HV_STATUS_SUCCESS);
		assert_status(vsmtest_set_of(t, 0, HV_VP_INDEX_SELF, VTL0, t->row[i].name, value),
			      HV_STATUS_INVALID_PARAMETER);
		n++;
	}
	/* VSM status and capability registers, code page offsets, CPUID copies. */
	ck_assert_uint_ge(n, 14);
	vsmtest_free(t);
}
END_TEST

START_TEST(earlier_elements_stay_when_one_fails)
{
	struct vsmtest *t = in_vtl1();
	struct set_block in = { { HV_PARTITION_ID_SELF, HV_VP_INDEX_SELF, VTL0, { 0 } },
				{ { HV_X64_REGISTER_CR3, 0, 0, { 0x3000, 0 } },
				  { HV_X64_REGISTER_RSP, 0, 0, { 0x4000, 0 } },
				  { 0x12345678, 0, 0, { 0, 0 } },
				  { HV_X64_REGISTER_RIP, 0, 0, { 0x5000, 0 } } } };
	struct get_block get = { { HV_PARTITION_ID_SELF, HV_VP_INDEX_SELF, VTL0, { 0 } },
				 { HV_X64_REGISTER_CR3, HV_X64_REGISTER_RSP, 0x12345678,
				   HV_X64_REGISTER_RIP } };
	uint64_t rip = vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RIP);
	const struct hv_register_value *out = vsmtest_out(t, 0);

	assert_status(raw_set(t, &in, 4), HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(t->reps, 2);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_CR3), 0x3000);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RSP), 0x4000);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RIP), rip);
	assert_status(raw_get(t, &get, 4), HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(t->reps, 2);
	ck_assert_uint_eq(out[0].low, 0x3000);
	ck_assert_uint_eq(out[1].low, 0x4000);
	no_output(t, 2);
	vsmtest_free(t);
}
END_TEST

static const struct {
	uint32_t name;
	uint64_t low;
	uint64_t high;
} bad_values[] = {
	{ HV_X64_REGISTER_CR0, 0x100000001, 0 },
	{ HV_X64_REGISTER_CR0, 0x80000000, 0 },
	{ HV_X64_REGISTER_CR0, 0x20000011, 0 },
	{ HV_X64_REGISTER_CR0, 0x11, 1 },
	{ HV_X64_REGISTER_CR3, 1ull << 52, 0 },
	{ HV_X64_REGISTER_CR3, 1ull << 40, 0 },
	{ HV_X64_REGISTER_CR4, 0x2020, 0 },
	{ HV_X64_REGISTER_CR4, 0x4020, 0 },
	{ HV_X64_REGISTER_CR4, 1ull << 40, 0 },
	{ HV_X64_REGISTER_CR8, 16, 0 },
	{ HV_X64_REGISTER_EFER, 0x2, 0 },
	{ HV_X64_REGISTER_EFER, 0x1000, 0 },
	{ HV_X64_REGISTER_RFLAGS, 0x0, 0 },
	{ HV_X64_REGISTER_RFLAGS, 0x8002, 0 },
	{ HV_X64_REGISTER_RIP, 0x0000900000000000, 0 },
	{ HV_X64_REGISTER_PAT, 0x0007040600070403, 0 },
	{ HV_X64_REGISTER_PAT, 0x0007040600070402, 0 },
	{ HV_X64_REGISTER_LSTAR, 0x8000000000000000, 0 },
	{ HV_X64_REGISTER_KERNEL_GS_BASE, 0x4000000000000000, 0 },
	{ HV_X64_REGISTER_SYSENTER_EIP, 0x4000000000000000, 0 },
	{ HV_X64_REGISTER_DR7, 1ull << 32, 0 },
	{ HV_X64_REGISTER_DR6, 1ull << 32, 0 },
	{ HV_X64_REGISTER_RSP, 0, 1 },
	{ HV_X64_REGISTER_CS, 0, 0x0f9b00100000ffff },
	{ HV_X64_REGISTER_GDTR, 0x007f000000000001, 0x6000 },
	{ HV_X64_REGISTER_GDTR, 0x007f000000000000, 0x8000000000000000 },
};

START_TEST(bad_values_are_refused_and_not_set)
{
	struct vsmtest *t = in_vtl1();
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(bad_values); i++) {
		struct hv_register_value value = { bad_values[i].low, bad_values[i].high };
		struct hv_register_value before = *vsmtest_slot(t, 0, 0, bad_values[i].name);
		uint32_t status =
			vsmtest_set_of(t, 0, HV_VP_INDEX_SELF, VTL0, bad_values[i].name, value);

		ck_assert_msg(status == HV_STATUS_INVALID_REGISTER_VALUE, "%s = %llx %llx: %s",
			      vsm_register_name(bad_values[i].name), (unsigned long long)value.low,
			      (unsigned long long)value.high, vsmtest_status_text(status));
		ck_assert_mem_eq(vsmtest_slot(t, 0, 0, bad_values[i].name), &before, 16);
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(vsm_status_registers_tell_the_truth)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(vsmtest_value(t, 0, 0, HV_REGISTER_VSM_PARTITION_STATUS), 0x10001);
	ck_assert_uint_eq(vsmtest_value(t, 0, 0, HV_REGISTER_VSM_VP_STATUS), 0x10000);
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsmtest_value(t, 0, 0, HV_REGISTER_VSM_PARTITION_STATUS), 0x10003);
	ck_assert_uint_eq(vsmtest_value(t, 0, 0, HV_REGISTER_VSM_VP_STATUS), 0x30001);
	/* Both are the same whichever VTL is named. */
	ck_assert_uint_eq(vsmtest_value(t, 0, VTL0, HV_REGISTER_VSM_VP_STATUS), 0x30001);
	ck_assert_uint_eq(vsmtest_value(t, 0, VTL0, HV_REGISTER_VSM_PARTITION_STATUS), 0x10003);
	vsmtest_free(t);
}
END_TEST

START_TEST(vsm_capabilities_claim_nothing_that_is_not_there)
{
	struct vsmtest_opts opts;
	struct vsmtest *t = in_vtl0();

	/* No MBEC, no DenyLowerVtlStartup in this version; DR6 is private. */
	ck_assert_uint_eq(vsmtest_value(t, 0, 0, HV_REGISTER_VSM_CAPABILITIES), 0);
	vsmtest_free(t);
	vsmtest_opts_init(&opts);
	opts.config.host_flags = VSM_HOST_DR6_SHARED;
	t = vsmtest_new(&opts);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(vsmtest_value(t, 0, 0, HV_REGISTER_VSM_CAPABILITIES), 1);
	vsmtest_free(t);
}
END_TEST

START_TEST(dr6_is_shared_only_if_the_host_says_so)
{
	uint32_t shared;

	for (shared = 0; shared < 2; shared++) {
		struct vsmtest_opts opts;
		struct vsmtest *t;

		vsmtest_opts_init(&opts);
		opts.config.host_flags = shared ? VSM_HOST_DR6_SHARED : 0;
		t = vsmtest_new(&opts);
		vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_DR6, 0xffff4ff1);
		assert_status(vsmtest_enable_vtl1(t, 0), HV_STATUS_SUCCESS);
		assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
		ck_assert_uint_eq(vsmtest_reg(t, 0, 1, HV_X64_REGISTER_DR6),
				  shared ? 0xffff4ff1 : 0xffff0ff0);
		vsmtest_free(t);
	}
}
END_TEST

START_TEST(partition_config_is_for_vtls_above_0)
{
	struct vsmtest *t = in_vtl1();

	assert_status(vsmtest_get(t, 0, VTL0, HV_REGISTER_VSM_PARTITION_CONFIG, NULL),
		      HV_STATUS_INVALID_PARAMETER);
	assert_status(vsmtest_set(t, 0, VTL0, HV_REGISTER_VSM_PARTITION_CONFIG, 0x3f),
		      HV_STATUS_INVALID_PARAMETER);
	assert_status(vsmtest_get(t, 0, VTL1, HV_REGISTER_VSM_PARTITION_CONFIG, NULL),
		      HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	assert_status(vsmtest_get(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, NULL),
		      HV_STATUS_INVALID_PARAMETER);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 0x3f),
		      HV_STATUS_INVALID_PARAMETER);
	vsmtest_free(t);
}
END_TEST

START_TEST(partition_config_takes_known_bits_only)
{
	struct vsmtest *t = in_vtl1();
	int bit;

	/* DenyLowerVtlStartup (6) and the intercept bits are not offered. */
	for (bit = 6; bit < 64; bit++)
		assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG,
					  0x3e | 1ull << bit),
			      HV_STATUS_INVALID_REGISTER_VALUE);
	ck_assert_uint_eq(vsmtest_value(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG), 0x3e);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 0x1e),
		      HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsmtest_value(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG), 0x1e);
	vsmtest_free(t);
}
END_TEST

START_TEST(protection_once_on_stays_on)
{
	struct vsmtest *t = in_vtl1();

	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 0x3f),
		      HV_STATUS_SUCCESS);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 0x3e),
		      HV_STATUS_INVALID_REGISTER_VALUE);
	ck_assert_uint_eq(vsmtest_value(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG), 0x3f);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 0x1f),
		      HV_STATUS_SUCCESS);
	vsmtest_free(t);
}
END_TEST

START_TEST(the_default_mask_must_be_legal_and_enforceable)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;
	uint64_t mask;

	vsmtest_opts_init(&opts);
	opts.config.enforceable = 0xa001;
	t = vsmtest_new(&opts);
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	for (mask = 0; mask < 16; mask++) {
		uint32_t status =
			vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 0x20 | mask << 1);

		ck_assert_msg(status == (opts.config.enforceable >> mask & 1 ?
						 HV_STATUS_SUCCESS :
						 HV_STATUS_INVALID_REGISTER_VALUE),
			      "mask %x: %s", (unsigned)mask, vsmtest_status_text(status));
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(the_default_mask_is_fixed_once_protection_is_on)
{
	struct vsmtest *t = in_vtl1();

	/* Read-execute by default, then on. */
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 0x20 | 0xd << 1 | 1),
		      HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), 0xd);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_RAM1_GPA), 0xd);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 0x3f),
		      HV_STATUS_INVALID_REGISTER_VALUE);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), 0xd);
	vsmtest_free(t);
}
END_TEST

START_TEST(cpuid_copies_equal_cpuid)
{
	static const struct {
		uint32_t name;
		uint32_t leaf;
	} copies[] = {
		{ HV_REGISTER_HYPERVISOR_VERSION, 0x40000002 },
		{ HV_REGISTER_PRIVILEGES_AND_FEATURES_INFO, 0x40000003 },
		{ HV_REGISTER_FEATURES_INFO, 0x40000004 },
		{ HV_REGISTER_IMPLEMENTATION_LIMITS_INFO, 0x40000005 },
		{ HV_REGISTER_HARDWARE_FEATURES_INFO, 0x40000006 },
		{ HV_REGISTER_NESTED_VIRT_FEATURES_INFO, 0x4000000a },
		{ HV_REGISTER_ISOLATION_CONFIGURATION, 0x4000000c },
	};
	struct vsmtest *t = in_vtl0();
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(copies); i++) {
		struct hv_register_value value;
		struct vsm_cpuid leaf;

		assert_status(vsmtest_get(t, 0, 0, copies[i].name, &value), HV_STATUS_SUCCESS);
		assert_err(vsm_cpuid_get(t->vsm, copies[i].leaf, &leaf), 0);
		ck_assert_uint_eq(value.low, leaf.eax | (uint64_t)leaf.ebx << 32);
		ck_assert_uint_eq(value.high, leaf.ecx | (uint64_t)leaf.edx << 32);
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(a_register_this_host_lacks_is_unknown_to_the_guest)
{
	struct vsmtest *t = in_vtl1();

	t->missing_reg = HV_X64_REGISTER_TSC_AUX;
	assert_status(vsmtest_get(t, 0, VTL0, HV_X64_REGISTER_TSC_AUX, NULL),
		      HV_STATUS_INVALID_PARAMETER);
	assert_status(vsmtest_set(t, 0, VTL0, HV_X64_REGISTER_TSC_AUX, 0),
		      HV_STATUS_INVALID_PARAMETER);
	assert_status(vsmtest_get(t, 0, VTL0, HV_X64_REGISTER_CR0, NULL), HV_STATUS_SUCCESS);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_vtl_starts_on_a_host_that_lacks_a_register)
{
	struct vsmtest *t = vsmtest_new(NULL);

	t->missing_reg = HV_X64_REGISTER_TSC_AUX;
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_value_the_host_cannot_take_is_a_bad_value)
{
	struct vsmtest *t = in_vtl1();

	assert_status(vsmtest_set(t, 0, VTL0, HV_X64_REGISTER_CR4, 0x6a0), HV_STATUS_SUCCESS);
	vsmtest_fail_op(t, VSMTEST_REGS_SET, 1, 1, -VSM_ERR_INVAL);
	assert_status(vsmtest_set(t, 0, VTL0, HV_X64_REGISTER_CR4, 0x20),
		      HV_STATUS_INVALID_REGISTER_VALUE);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_CR4), 0x6a0);
	vsmtest_free(t);
}
END_TEST

START_TEST(synthetic_msrs_are_registers_too)
{
	struct vsmtest *t = in_vtl1();
	uint64_t value;

	/* VTL1 gives VTL0 an assist page. */
	assert_status(vsmtest_set(t, 0, VTL0, HV_REGISTER_VP_ASSIST_PAGE,
				  VSMTEST_ASSIST_GPA(0, 0) | 1),
		      HV_STATUS_SUCCESS);
	ck_assert_ptr_nonnull(vsmtest_overlay(t, 0, VSMTEST_ASSIST_GPA(0, 0)));
	ck_assert_uint_eq(vsmtest_value(t, 0, VTL0, HV_REGISTER_VP_ASSIST_PAGE),
			  VSMTEST_ASSIST_GPA(0, 0) | 1);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_rdmsr(t, 0, HV_X64_MSR_VP_ASSIST_PAGE, &value), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(value, VSMTEST_ASSIST_GPA(0, 0) | 1);
	/* What a WRMSR would answer with #GP is a bad value here. */
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_SINT0, 5), HV_STATUS_INVALID_REGISTER_VALUE);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_HYPERCALL, 1ull << 40 | 1),
		      HV_STATUS_INVALID_REGISTER_VALUE);
	/* Read-only ones stay so. */
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VP_INDEX, 0), HV_STATUS_INVALID_PARAMETER);
	vsmtest_free(t);
}
END_TEST

START_TEST(the_tsc_frequency_register_counts_khz)
{
	struct vsmtest *t = in_vtl0();

	ck_assert_uint_eq(vsmtest_value(t, 0, 0, HV_REGISTER_TSC_FREQUENCY), 2500000);
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(get_refuses_in_its_order),
	VSMTEST_CASE(set_refuses_in_its_order),
	VSMTEST_CASE(reserved_bits_of_the_input_vtl_are_invalid),
	VSMTEST_CASE(a_target_vtl_counts_only_with_its_flag),
	VSMTEST_CASE(a_higher_vtl_is_out_of_reach),
	VSMTEST_CASE(vtl1_reads_what_vtl0_has),
	VSMTEST_CASE(vtl1_writes_what_vtl0_has),
	VSMTEST_CASE(a_shared_register_is_written_where_it_lives),
	VSMTEST_CASE(a_fast_call_sets_the_xmm_registers_it_does_not_lie_in),
	VSMTEST_CASE(rip_set_from_above_is_where_vtl0_goes_on),
	VSMTEST_CASE(own_registers_can_be_read_but_not_all_set),
	VSMTEST_CASE(registers_with_the_own_flag_can_be_set_by_their_vtl),
	VSMTEST_CASE(unknown_names_are_invalid_parameters),
	VSMTEST_CASE(what_the_table_does_not_have_is_refused_never_swallowed),
	VSMTEST_CASE(read_only_registers_refuse_any_value),
	VSMTEST_CASE(earlier_elements_stay_when_one_fails),
	VSMTEST_CASE(bad_values_are_refused_and_not_set),
	VSMTEST_CASE(vsm_status_registers_tell_the_truth),
	VSMTEST_CASE(vsm_capabilities_claim_nothing_that_is_not_there),
	VSMTEST_CASE(dr6_is_shared_only_if_the_host_says_so),
	VSMTEST_CASE(partition_config_is_for_vtls_above_0),
	VSMTEST_CASE(partition_config_takes_known_bits_only),
	VSMTEST_CASE(protection_once_on_stays_on),
	VSMTEST_CASE(the_default_mask_must_be_legal_and_enforceable),
	VSMTEST_CASE(the_default_mask_is_fixed_once_protection_is_on),
	VSMTEST_CASE(cpuid_copies_equal_cpuid),
	VSMTEST_CASE(a_register_this_host_lacks_is_unknown_to_the_guest),
	VSMTEST_CASE(a_vtl_starts_on_a_host_that_lacks_a_register),
	VSMTEST_CASE(a_value_the_host_cannot_take_is_a_bad_value),
	VSMTEST_CASE(synthetic_msrs_are_registers_too),
	VSMTEST_CASE(the_tsc_frequency_register_counts_khz),
};

int main(void)
{
	return vsmtest_main("registers", cases, VSMTEST_COUNT(cases));
}
