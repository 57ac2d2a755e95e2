/* SPDX-License-Identifier: BSD-3-Clause */
/* What a VTL switch moves and what it leaves, register by register (TLFS 15.11). */
#include <string.h>

#include "vsmtest.h"

#define VTL0 VSMTEST_VTL(0)
#define VTL1 VSMTEST_VTL(1)

static struct vsmtest *in_vtl1(uint32_t host_flags)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	opts.config.host_flags |= host_flags;
	t = vsmtest_new(&opts);
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	return t;
}

/* Registers that decide whether the guest may make the call at all, or that the call itself sets:
 * values for VTL0 and VTL1 with which it goes through. */
static const struct {
	uint32_t name;
	uint64_t low[2];
} tame[] = {
	{ HV_X64_REGISTER_RAX, { 0, 1 } },
	{ HV_X64_REGISTER_RCX, { HVCALL_VTL_CALL, HVCALL_VTL_RETURN } },
	{ HV_X64_REGISTER_RFLAGS, { 0x203, 0x42 } },
	{ HV_X64_REGISTER_CR0, { 0x80010033, 0x80040033 } },
	{ HV_X64_REGISTER_CR4, { 0x620, 0x2a0 } },
	{ HV_X64_REGISTER_EFER, { 0xd00, 0x501 } },
};

/* A value that no other register and no other VTL has. */
static struct hv_register_value value_for(struct vsmtest *t, uint32_t row, uint32_t vtl)
{
	const struct vsm_register_info *info = &t->row[row];
	struct hv_register_value value = { 0x1110000ull * (vtl + 1) + row, 0 };
	struct hv_segment_register segment;
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(tame); i++)
		if (tame[i].name == info->name)
			value.low = tame[i].low[vtl];
	if (info->bytes == 16)
		value.high = 0x2220000ull * (vtl + 1) + row;
	if (info->name == HV_X64_REGISTER_CS || info->name == HV_X64_REGISTER_SS) {
		memcpy(&segment, vsmtest_slot(t, 0, vtl, info->name), sizeof(segment));
		segment.base = value.low;
		segment.selector = (uint16_t)(0x28 + 8 * vtl);
		memcpy(&value, &segment, sizeof(value));
	}
	return value;
}

static void assert_value(struct vsmtest *t, uint32_t row, uint32_t vtl,
			 struct hv_register_value want)
{
	const struct hv_register_value *got = vsmtest_slot(t, 0, vtl, t->row[row].name);

	ck_assert_msg(got->low == want.low && got->high == want.high,
		      "%s of VTL%u: %llx %llx, not %llx %llx", t->row[row].text, vtl,
		      (unsigned long long)got->high, (unsigned long long)got->low,
		      (unsigned long long)want.high, (unsigned long long)want.low);
}

static void call_and_return(struct vsmtest *t, uint32_t row, int shared)
{
	uint32_t name = t->row[row].name;
	struct hv_register_value own = *vsmtest_slot(t, 0, 1, name);
	struct hv_register_value of0 = value_for(t, row, 0), of1;

	*vsmtest_slot(t, 0, 0, name) = of0;
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	assert_value(t, row, 1, shared ? of0 : own);
	if (!shared)
		assert_value(t, row, 0, of0);
	of1 = value_for(t, row, 1);
	ck_assert_int_ne(memcmp(&of0, &of1, sizeof(of0)), 0);
	*vsmtest_slot(t, 0, 1, name) = of1;
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	assert_value(t, row, 0, shared ? of1 : of0);
	if (!shared)
		assert_value(t, row, 1, of1);
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	if (!shared)
		assert_value(t, row, 1, of1);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
}

/* Every register that the host keeps, but RIP, which has a test of its own. */
static void each_host_register(uint32_t host_flags, int dr6_shared)
{
	struct vsmtest *t = in_vtl1(host_flags);
	uint32_t i, shared = 0, private = 0, rows = 0;

	t->relaxed = 1;
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	for (i = 0; i < t->rows; i++) {
		const struct vsm_register_info *row = &t->row[i];
		int is_shared = row->scope == VSM_SCOPE_SHARED ||
				(row->scope == VSM_SCOPE_MIXED && dr6_shared);

		if (row->owner != VSM_OWNER_HOST || row->flags & VSM_REG_ALIAS)
			continue;
		rows++;
		ck_assert_msg(is_shared || row->scope == VSM_SCOPE_PRIVATE ||
				      row->scope == VSM_SCOPE_MIXED,
			      "%s: a host register of scope %u", row->text, row->scope);
		if (row->name == HV_X64_REGISTER_RIP)
			continue;
		call_and_return(t, i, is_shared);
		shared += is_shared ? 1 : 0;
		private += !is_shared ? 1 : 0;
	}
	ck_assert_uint_eq(shared + private + 1, rows);
	/* 15 GPRs, 18 of SSE, CR2, XCR0, DR0..3; RSP, RFLAGS, 4 CRs, DR7, 10 segments, 12 MSRs. */
	ck_assert_uint_ge(shared, 39);
	ck_assert_uint_ge(private, 29);
	vsmtest_free(t);
}

START_TEST(each_register_of_the_host_is_private_or_shared_as_the_table_says)
{
	each_host_register(0, 0);
}
END_TEST

START_TEST(so_with_a_shared_dr6)
{
	each_host_register(VSM_HOST_DR6_SHARED, 1);
}
END_TEST

START_TEST(rip_is_private)
{
	struct vsmtest *t = in_vtl1(0);

	vsmtest_reg_set(t, 0, 1, HV_X64_REGISTER_RAX, 1);
	vsmtest_reg_set(t, 0, 1, HV_X64_REGISTER_RCX, HVCALL_VTL_RETURN);
	assert_verdict(vsmtest_trap(t, 0, 0x6000, 2), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RIP), VSMTEST_TRAP_RIP + 3);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 1, HV_X64_REGISTER_RIP), 0x6002);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RAX, 0);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RCX, HVCALL_VTL_CALL);
	assert_verdict(vsmtest_trap(t, 0, 0x8000, 3), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RIP), 0x8003);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 1, HV_X64_REGISTER_RIP), 0x6002);
	vsmtest_free(t);
}
END_TEST

/* Give a library register another value by flipping the first bit that may be flipped, the address
 * of a page before its enable bit. 0: it has no such bit. */
static int change(struct vsmtest *t, uint8_t vtl, uint32_t name, struct hv_register_value *value)
{
	struct hv_register_value now = { 0, 0 };
	uint32_t i;

	for (i = 0; i < 64; i++) {
		uint64_t bit = 1ull << (i < 52 ? i + 12 : 63 - i);

		if (vsmtest_set(t, 0, vtl, name, value->low ^ bit) != HV_STATUS_SUCCESS)
			continue;
		assert_status(vsmtest_get(t, 0, vtl, name, &now), HV_STATUS_SUCCESS);
		if (now.low == value->low)
			continue;
		*value = now;
		return 1;
	}
	return 0;
}

static void assert_library(struct vsmtest *t, uint32_t row, uint8_t vtl, uint64_t want)
{
	struct hv_register_value now = { 0, 0 };

	assert_status(vsmtest_get(t, 0, vtl, t->row[row].name, &now), HV_STATUS_SUCCESS);
	ck_assert_msg(now.low == want, "%s of VTL%u: %llx, not %llx", t->row[row].text, vtl & 0xfu,
		      (unsigned long long)now.low, (unsigned long long)want);
}

/* VTL1 changes its own and that of VTL0; neither sees the other's, here or after switches. */
static int two_instances(struct vsmtest *t, uint32_t row)
{
	uint32_t name = t->row[row].name;
	struct hv_register_value of0, of1;
	int changed;

	if (vsmtest_get(t, 0, VTL0, name, &of0) || vsmtest_get(t, 0, VTL1, name, &of1))
		return 0;
	changed = change(t, VTL1, name, &of1);
	assert_library(t, row, VTL0, of0.low);
	if (change(t, VTL0, name, &of0))
		changed++;
	if (of0.low == of1.low && change(t, VTL0, name, &of0))
		changed++;
	assert_library(t, row, VTL1, of1.low);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	assert_library(t, row, 0, of0.low);
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	assert_library(t, row, 0, of1.low);
	assert_library(t, row, VTL0, of0.low);
	return changed >= 2;
}

static int one_instance(struct vsmtest *t, uint32_t row)
{
	uint32_t name = t->row[row].name;
	struct hv_register_value of0, of1;

	if (vsmtest_get(t, 0, VTL0, name, &of0) || vsmtest_get(t, 0, VTL1, name, &of1))
		return 0;
	ck_assert_msg(!memcmp(&of0, &of1, sizeof(of0)), "%s differs", t->row[row].text);
	if (t->row[row].flags & VSM_REG_SET_OWN && change(t, VTL1, name, &of1))
		assert_library(t, row, VTL0, of1.low);
	return 1;
}

START_TEST(each_register_of_the_library_has_one_instance_or_one_for_each_vtl)
{
	/* They have to be seen to differ; the others depend on what the partition offers. */
	static const uint32_t twofold[] = {
		HV_REGISTER_GUEST_OS_ID, HV_REGISTER_HYPERCALL, HV_REGISTER_VP_ASSIST_PAGE,
		HV_REGISTER_SINT0,	 HV_REGISTER_SCONTROL,	HV_REGISTER_SIMP,
	};
	struct vsmtest *t = in_vtl1(0);
	uint32_t i, k, single = 0, seen = 0;

	for (i = 0; i < t->rows; i++) {
		const struct vsm_register_info *row = &t->row[i];

		if (row->owner != VSM_OWNER_LIBRARY || !(row->flags & VSM_REG_READABLE))
			continue;
		if (row->scope == VSM_SCOPE_SHARED || row->scope == VSM_SCOPE_PARTITION) {
			single += one_instance(t, i) ? 1 : 0;
			continue;
		}
		if (!(row->flags & VSM_REG_WRITABLE))
			continue;
		k = two_instances(t, i) ? 1 : 0;
		for (k *= VSMTEST_COUNT(twofold); k; k--)
			seen += twofold[k - 1] == row->name;
	}
	ck_assert_uint_eq(seen, VSMTEST_COUNT(twofold));
	/* 11 CPUID leaves, VP index, APIC id, three of VSM, two of the clock. */
	ck_assert_uint_ge(single, 18);
	vsmtest_free(t);
}
END_TEST

static void brand_hidden(struct vsmtest *t, uint32_t vtl, uint32_t mark)
{
	struct vsmtest_hidden *hidden = vsmtest_hidden(t, 0, vtl);

	hidden->interrupt_shadow = mark;
	hidden->nmi_masked = !mark;
	hidden->lazy_flags = 0x1000 + mark;
}

static void assert_hidden(struct vsmtest *t, uint32_t vtl, uint32_t mark)
{
	const struct vsmtest_hidden *hidden = vsmtest_hidden(t, 0, vtl);

	ck_assert_uint_eq(hidden->interrupt_shadow, mark);
	ck_assert_uint_eq(hidden->nmi_masked, !mark);
	ck_assert_uint_eq(hidden->lazy_flags, 0x1000 + mark);
}

START_TEST(state_that_is_no_register_moves_with_its_vtl)
{
	struct vsmtest *t = in_vtl1(0);
	uint32_t i;

	brand_hidden(t, 0, 0);
	brand_hidden(t, 1, 1);
	for (i = 0; i < 3; i++) {
		assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
		assert_hidden(t, 0, 0);
		assert_hidden(t, 1, 1);
		assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
		assert_hidden(t, 0, 0);
		assert_hidden(t, 1, 1);
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(a_new_vtl_starts_at_cpl_0_without_shadow_and_with_nmis)
{
	struct vsmtest *t = vsmtest_new(NULL);
	const struct vsmtest_hidden *hidden;

	vsmtest_hidden(t, 0, 0)->nmi_masked = 1;
	vsmtest_hidden(t, 0, 0)->interrupt_shadow = 1;
	memset(vsmtest_hidden(t, 0, 1), 0xff, sizeof(struct vsmtest_hidden));
	assert_status(vsmtest_enable_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	hidden = vsmtest_hidden(t, 0, 1);
	ck_assert_uint_eq(hidden->cpl, 0);
	ck_assert_uint_eq(hidden->nmi_masked, 0);
	ck_assert_uint_eq(hidden->interrupt_shadow, 0);
	ck_assert_uint_eq(vsmtest_hidden(t, 0, 0)->nmi_masked, 1);
	vsmtest_free(t);
}
END_TEST

/* Whatever fails between PREPARE and COMMIT, the VTL that wanted to leave is as it was. */
START_TEST(an_abort_brings_everything_back)
{
	struct vsmtest *t = in_vtl1(0);
	uint32_t at, aborts = 0;
	int verdict = -VSM_ERR_HOST;

	vsmtest_assist(t, 0, 1)->vtl_control.vtl_return_x64_rax = 0xaaaa;
	vsmtest_assist(t, 0, 1)->vtl_control.vtl_return_x64_rcx = 0xcccc;
	brand_hidden(t, 0, 0);
	brand_hidden(t, 1, 1);
	vsmtest_reg_set(t, 0, 1, HV_X64_REGISTER_RAX, 0);
	vsmtest_reg_set(t, 0, 1, HV_X64_REGISTER_RCX, HVCALL_VTL_RETURN);
	vsmtest_reg_set(t, 0, 1, HV_X64_REGISTER_RIP, VSMTEST_TRAP_RIP);
	for (at = 1; verdict == -VSM_ERR_HOST && at < 10; at++) {
		uint64_t hash = vsmtest_hash(t);
		uint32_t i, since = t->calls;

		vsmtest_fail_op(t, VSMTEST_REGS_SET, at, 1, -VSM_ERR_HOST);
		verdict = vsmtest_trap(t, 0, VSMTEST_TRAP_RIP, 3);
		vsmtest_no_faults(t);
		for (i = since; i != t->calls; i++)
			aborts += t->call[i % VSMTEST_MAX_CALLS].op == VSMTEST_SWITCH_VTL &&
				  t->call[i % VSMTEST_MAX_CALLS].b == VSM_SWITCH_ABORT;
		if (verdict == -VSM_ERR_HOST)
			assert_same(t, hash);
	}
	assert_verdict(verdict, VSM_VERDICT_SWITCHED);
	/* The registers of VTL0 and RIP of VTL1 are set apart: two places to fail. */
	ck_assert_uint_eq(aborts, 2);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RAX), 0xaaaa);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RCX), 0xcccc);
	assert_hidden(t, 0, 0);
	assert_hidden(t, 1, 1);
	vsmtest_free(t);
}
END_TEST

START_TEST(what_vtl1_gives_vtl0_is_there_when_vtl0_runs)
{
	struct vsmtest *t = in_vtl1(0);
	struct hv_register_value value, given[512];
	uint32_t i, n = 0;

	ck_assert_uint_lt(t->rows, VSMTEST_COUNT(given));
	for (i = 0; i < t->rows; i++) {
		const struct vsm_register_info *row = &t->row[i];

		if (row->owner != VSM_OWNER_HOST || vsmtest_row_shared(t, row))
			continue;
		given[i] = *vsmtest_slot(t, 0, 1, row->name); /* Legal for any VTL. */
		if (row->flags & VSM_REG_WRITABLE)
			assert_status(vsmtest_set_of(t, 0, HV_VP_INDEX_SELF, VTL0, row->name,
						     given[i]),
				      HV_STATUS_SUCCESS);
		if (!(row->flags & VSM_REG_READABLE))
			continue;
		assert_status(vsmtest_get(t, 0, VTL0, row->name, &value), HV_STATUS_SUCCESS);
		if (row->flags & VSM_REG_WRITABLE)
			ck_assert_mem_eq(&value, &given[i], sizeof(value));
	}
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	for (i = 0; i < t->rows; i++) {
		const struct vsm_register_info *row = &t->row[i];

		if (row->owner != VSM_OWNER_HOST || vsmtest_row_shared(t, row) ||
		    !(row->flags & VSM_REG_WRITABLE))
			continue;
		assert_value(t, i, 0, given[i]);
		n++;
	}
	ck_assert_uint_ge(n, 28);
	vsmtest_free(t);
}
END_TEST

START_TEST(three_vtls_keep_three_states)
{
	uint32_t vtl;
	struct vsmtest *t = vsmtest_new_vtls(2);

	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_enter_vtl2(t, 0), HV_STATUS_SUCCESS);
	for (vtl = 0; vtl < 3; vtl++)
		vsmtest_reg_set(t, 0, vtl, HV_X64_REGISTER_CR3, 0x10000 * (vtl + 1));
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(t->vp[0].active, 1);
	for (vtl = 0; vtl < 3; vtl++)
		ck_assert_uint_eq(vsmtest_reg(t, 0, vtl, HV_X64_REGISTER_CR3), 0x10000 * (vtl + 1));
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(each_register_of_the_host_is_private_or_shared_as_the_table_says),
	VSMTEST_CASE(so_with_a_shared_dr6),
	VSMTEST_CASE(rip_is_private),
	VSMTEST_CASE(each_register_of_the_library_has_one_instance_or_one_for_each_vtl),
	VSMTEST_CASE(state_that_is_no_register_moves_with_its_vtl),
	VSMTEST_CASE(a_new_vtl_starts_at_cpl_0_without_shadow_and_with_nmis),
	VSMTEST_CASE(an_abort_brings_everything_back),
	VSMTEST_CASE(what_vtl1_gives_vtl0_is_there_when_vtl0_runs),
	VSMTEST_CASE(three_vtls_keep_three_states),
};

int main(void)
{
	return vsmtest_main("vtl_state", cases, VSMTEST_COUNT(cases));
}
