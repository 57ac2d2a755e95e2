/* SPDX-License-Identifier: BSD-3-Clause */
/* Enabling VTLs for the partition and for VPs (TLFS 15.4, 15.5). */
#define _POSIX_C_SOURCE 200112L

#include <pthread.h>
#include <string.h>

#include "vsmtest.h"
#include "vsmtest_internal.h"

static struct vsmtest *machine(uint32_t vps, uint32_t max_vtl)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;
	uint32_t i;

	vsmtest_opts_init(&opts);
	opts.vps = vps;
	opts.config.max_vps = 8;
	opts.config.max_vtl = max_vtl;
	t = vsmtest_new(&opts);
	for (i = 0; i < vps; i++)
		assert_verdict(vsmtest_hypercalls_on(t, i), VSM_VERDICT_RESUME);
	return t;
}

static uint64_t partition_status(struct vsmtest *t)
{
	return vsmtest_value(t, 0, 0, HV_REGISTER_VSM_PARTITION_STATUS);
}

/* Enter a higher VTL and let it make hypercalls. */
static void climb(struct vsmtest *t, uint32_t vp)
{
	assert_verdict(vsmtest_vtl_call(t, vp), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_hypercalls_on(t, vp), VSM_VERDICT_RESUME);
}

START_TEST(partition_vtl1_is_enabled_by_vtl0)
{
	struct vsmtest *t = machine(1, 1);
	struct hv_input_enable_partition_vtl in = { .target_partition_id = 1, .target_vtl = 1 };

	ck_assert_uint_eq(partition_status(t), 0x10001);
	/* The partition's own id instead of SELF. */
	assert_status(vsmtest_call_mem(t, 0, HVCALL_ENABLE_PARTITION_VTL, &in, sizeof(in)),
		      HV_STATUS_SUCCESS);
	ck_assert_uint_eq(partition_status(t), 0x10003);
	/* No VP is touched by that. */
	ck_assert_uint_eq(vsm_vp_enabled_vtls(t->vp[0].vp), 1);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 0);
	assert_exception(t, 0, vsmtest_vtl_call(t, 0), X86_UD);
	vsmtest_free(t);
}
END_TEST

START_TEST(impossible_partition_vtls_are_invalid_parameters)
{
	static const uint32_t bad[] = { 0, 2, 3, 15, 16, 17, 128, 255 };
	struct vsmtest *t = machine(1, 1);
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(bad); i++)
		assert_status(vsmtest_enable_partition_vtl(t, 0, bad[i]),
			      HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(partition_status(t), 0x10001);
	vsmtest_free(t);
}
END_TEST

START_TEST(enable_partition_vtl_checks_the_partition_before_the_vtl)
{
	struct vsmtest *t = machine(1, 1);
	static const uint64_t bad[] = { 0, 2, 0xfffffffffffffffe };
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(bad); i++) {
		struct hv_input_enable_partition_vtl in = { .target_partition_id = bad[i],
							    .target_vtl = 99 };

		assert_status(vsmtest_call_mem(t, 0, HVCALL_ENABLE_PARTITION_VTL, &in, sizeof(in)),
			      HV_STATUS_INVALID_PARTITION_ID);
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(flags_and_reserved_bytes_of_enable_partition_vtl_must_be_0)
{
	struct vsmtest *t = machine(1, 1);
	uint32_t i;

	/* Bit 0 is EnableMbec, which this version does not offer. */
	for (i = 0; i < 8; i++) {
		struct hv_input_enable_partition_vtl in = { .target_partition_id =
								    HV_PARTITION_ID_SELF,
							    .target_vtl = 1,
							    .flags = (uint8_t)(1u << i) };

		assert_status(vsmtest_call_mem(t, 0, HVCALL_ENABLE_PARTITION_VTL, &in, sizeof(in)),
			      HV_STATUS_INVALID_PARAMETER);
	}
	for (i = 0; i < 6; i++) {
		struct hv_input_enable_partition_vtl in = {
			.target_partition_id = HV_PARTITION_ID_SELF, .target_vtl = 1
		};

		in.reserved[i] = 1;
		assert_status(vsmtest_call_mem(t, 0, HVCALL_ENABLE_PARTITION_VTL, &in, sizeof(in)),
			      HV_STATUS_INVALID_PARAMETER);
	}
	ck_assert_uint_eq(partition_status(t), 0x10001);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_partition_vtl_is_enabled_once)
{
	struct vsmtest *t = machine(1, 1);

	assert_status(vsmtest_enable_partition_vtl(t, 0, 1), HV_STATUS_SUCCESS);
	assert_status(vsmtest_enable_partition_vtl(t, 0, 1), HV_STATUS_INVALID_VTL_STATE);
	vsmtest_free(t);
}
END_TEST

START_TEST(partition_vtls_need_not_be_consecutive)
{
	struct vsmtest *t = machine(1, 3);

	ck_assert_uint_eq(partition_status(t), 0x30001);
	assert_status(vsmtest_enable_partition_vtl(t, 0, 3), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(partition_status(t), 0x30009);
	/* VTL0 is still the highest enabled one below 1 and 2. */
	assert_status(vsmtest_enable_partition_vtl(t, 0, 1), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(partition_status(t), 0x3000b);
	vsmtest_free(t);
}
END_TEST

START_TEST(only_the_highest_enabled_lower_vtl_may_enable_a_higher_one)
{
	struct hv_initial_vp_context context;
	struct vsmtest *t = machine(1, 3);

	assert_status(vsmtest_enable_partition_vtl(t, 0, 1), HV_STATUS_SUCCESS);
	/* VTL1 is now the highest enabled one below 2 and 3, so VTL0 may not. */
	assert_status(vsmtest_enable_partition_vtl(t, 0, 2), HV_STATUS_ACCESS_DENIED);
	assert_status(vsmtest_enable_partition_vtl(t, 0, 3), HV_STATUS_ACCESS_DENIED);
	vsmtest_context64(&context);
	assert_status(vsmtest_enable_vp_vtl(t, 0, HV_VP_INDEX_SELF, 1, &context),
		      HV_STATUS_SUCCESS);
	climb(t, 0);
	assert_status(vsmtest_enable_partition_vtl(t, 0, 3), HV_STATUS_SUCCESS);
	assert_status(vsmtest_enable_partition_vtl(t, 0, 2), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(partition_status(t), 0x3000f);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_higher_vtl_may_always_enable_a_lower_one)
{
	struct hv_initial_vp_context context;
	struct vsmtest *t = machine(1, 3);

	assert_status(vsmtest_enable_partition_vtl(t, 0, 3), HV_STATUS_SUCCESS);
	vsmtest_context64(&context);
	assert_status(vsmtest_enable_vp_vtl(t, 0, HV_VP_INDEX_SELF, 3, &context),
		      HV_STATUS_SUCCESS);
	climb(t, 0);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 3);
	assert_status(vsmtest_enable_partition_vtl(t, 0, 2), HV_STATUS_SUCCESS);
	assert_status(vsmtest_enable_vp_vtl(t, 0, HV_VP_INDEX_SELF, 2, &context),
		      HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsm_vp_enabled_vtls(t->vp[0].vp), 0xd);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_new_vtl_starts_with_default_configuration)
{
	struct vsmtest *t = machine(1, 1);

	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	/* All rights by default, ZeroMemoryOnReset (TLFS 15.5.1). */
	ck_assert_uint_eq(vsmtest_value(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG), 0x3e);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_vp_vtl_needs_the_partition_vtl)
{
	struct hv_initial_vp_context context;
	struct vsmtest *t = machine(1, 1);

	vsmtest_context64(&context);
	assert_status(vsmtest_enable_vp_vtl(t, 0, HV_VP_INDEX_SELF, 1, &context),
		      HV_STATUS_INVALID_VTL_STATE);
	ck_assert_uint_eq(vsm_vp_enabled_vtls(t->vp[0].vp), 1);
	vsmtest_free(t);
}
END_TEST

START_TEST(enable_vp_vtl_leaves_the_active_vtl)
{
	struct vsmtest *t = machine(1, 1);

	assert_status(vsmtest_enable_vtl1(t, 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 0);
	ck_assert_uint_eq(vsm_vp_enabled_vtls(t->vp[0].vp), 3);
	ck_assert_uint_eq(vsmtest_value(t, 0, 0, HV_REGISTER_VSM_VP_STATUS), 0x30000);
	vsmtest_free(t);
}
END_TEST

START_TEST(enable_vp_vtl_refuses_in_its_order)
{
	struct vsmtest *t = machine(2, 1);
	struct hv_input_enable_vp_vtl in = { .target_partition_id = 0x1234,
					     .vp_index = 77,
					     .target_vtl = 16 };

	/* The VTL number, reserved bytes, partition, VP, possible VTL, partition VTL, right,
	 * context. */
	assert_status(vsmtest_call_mem(t, 0, HVCALL_ENABLE_VP_VTL, &in, sizeof(in)),
		      HV_STATUS_INVALID_PARAMETER);
	in.target_vtl = 1;
	in.reserved[1] = 1;
	assert_status(vsmtest_call_mem(t, 0, HVCALL_ENABLE_VP_VTL, &in, sizeof(in)),
		      HV_STATUS_INVALID_PARAMETER);
	in.reserved[1] = 0;
	assert_status(vsmtest_call_mem(t, 0, HVCALL_ENABLE_VP_VTL, &in, sizeof(in)),
		      HV_STATUS_INVALID_PARTITION_ID);
	in.target_partition_id = HV_PARTITION_ID_SELF;
	assert_status(vsmtest_call_mem(t, 0, HVCALL_ENABLE_VP_VTL, &in, sizeof(in)),
		      HV_STATUS_INVALID_VP_INDEX);
	in.vp_index = HV_VP_INDEX_ANY;
	assert_status(vsmtest_call_mem(t, 0, HVCALL_ENABLE_VP_VTL, &in, sizeof(in)),
		      HV_STATUS_INVALID_VP_INDEX);
	in.vp_index = 1;
	in.target_vtl = 0;
	assert_status(vsmtest_call_mem(t, 0, HVCALL_ENABLE_VP_VTL, &in, sizeof(in)),
		      HV_STATUS_INVALID_PARAMETER);
	in.target_vtl = 2;
	assert_status(vsmtest_call_mem(t, 0, HVCALL_ENABLE_VP_VTL, &in, sizeof(in)),
		      HV_STATUS_INVALID_PARAMETER);
	in.target_vtl = 1;
	assert_status(vsmtest_call_mem(t, 0, HVCALL_ENABLE_VP_VTL, &in, sizeof(in)),
		      HV_STATUS_INVALID_VTL_STATE);
	assert_status(vsmtest_enable_partition_vtl(t, 0, 1), HV_STATUS_SUCCESS);
	/* From below only for the calling VP. */
	assert_status(vsmtest_call_mem(t, 0, HVCALL_ENABLE_VP_VTL, &in, sizeof(in)),
		      HV_STATUS_ACCESS_DENIED);
	in.vp_index = 0;
	assert_status(vsmtest_call_mem(t, 0, HVCALL_ENABLE_VP_VTL, &in, sizeof(in)),
		      HV_STATUS_INVALID_REGISTER_VALUE);
	vsmtest_context64(&in.vp_vtl_context);
	assert_status(vsmtest_call_mem(t, 0, HVCALL_ENABLE_VP_VTL, &in, sizeof(in)),
		      HV_STATUS_SUCCESS);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_second_enabling_is_denied_below_and_already_enabled_above)
{
	struct hv_initial_vp_context context;
	struct vsmtest *t = machine(1, 1);

	vsmtest_context64(&context);
	assert_status(vsmtest_enable_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_enable_vp_vtl(t, 0, HV_VP_INDEX_SELF, 1, &context),
		      HV_STATUS_ACCESS_DENIED);
	climb(t, 0);
	assert_status(vsmtest_enable_vp_vtl(t, 0, HV_VP_INDEX_SELF, 1, &context),
		      HV_STATUS_VTL_ALREADY_ENABLED);
	vsmtest_free(t);
}
END_TEST

START_TEST(once_vtl1_runs_anywhere_vtl0_enables_it_nowhere)
{
	struct hv_initial_vp_context context;
	struct vsmtest *t = machine(2, 1);

	vsmtest_context64(&context);
	assert_status(vsmtest_enable_vtl1(t, 0), HV_STATUS_SUCCESS);
	/* Not even VP 1 for itself: a context planted from below would be VTL0's code in VTL1. */
	assert_status(vsmtest_enable_vp_vtl(t, 1, HV_VP_INDEX_SELF, 1, &context),
		      HV_STATUS_ACCESS_DENIED);
	ck_assert_uint_eq(vsm_vp_enabled_vtls(t->vp[1].vp), 1);
	vsmtest_free(t);
}
END_TEST

START_TEST(vtl1_enables_itself_on_the_target_not_on_the_caller)
{
	struct hv_initial_vp_context context;
	struct vsmtest *t = machine(2, 1);

	assert_status(vsmtest_enable_vtl1(t, 0), HV_STATUS_SUCCESS);
	climb(t, 0);
	vsmtest_context64(&context);
	context.rip = 0x222000;
	context.rsp = 0x8880;
	assert_status(vsmtest_enable_vp_vtl(t, 0, 1, 1, &context), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsm_vp_enabled_vtls(t->vp[1].vp), 3);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[1].vp), 0);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_vtl_call(t, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 1, HV_X64_REGISTER_RIP), 0x222000);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 1, HV_X64_REGISTER_RSP), 0x8880);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_context_for_another_vp_is_loaded_by_that_vp)
{
	struct hv_initial_vp_context context;
	struct vsmtest *t = machine(2, 1);
	uint32_t since, i;

	assert_status(vsmtest_enable_vtl1(t, 0), HV_STATUS_SUCCESS);
	climb(t, 0);
	vsmtest_context64(&context);
	since = t->calls;
	assert_status(vsmtest_enable_vp_vtl(t, 0, 1, 1, &context), HV_STATUS_SUCCESS);
	for (i = since; i != t->calls; i++)
		ck_assert_msg(t->call[i % VSMTEST_MAX_CALLS].vp != 1 ||
				      t->call[i % VSMTEST_MAX_CALLS].op == VSMTEST_KICK,
			      "%s for VP 1 in an entry of VP 0",
			      vsmtest_op_name(t->call[i % VSMTEST_MAX_CALLS].op));
	vsmtest_free(t);
}
END_TEST

#define BAD(field, value)                                                           \
	{                                                                           \
#field " = " #value, offsetof(struct hv_initial_vp_context, field), \
			sizeof(((struct hv_initial_vp_context *)0)->field), value   \
	}

static const struct {
	const char *name;
	size_t offset;
	size_t size;
	uint64_t value;
} bad_context[] = {
	BAD(rip, 0x0000800000000000),
	BAD(rip, 0x8000000000000000),
	BAD(rflags, 0),
	BAD(rflags, 0x8002),
	BAD(rflags, 0x20002),
	BAD(cr0, 0),
	BAD(cr0, 0x10),
	BAD(cr0, 0x80000010),
	BAD(cr0, 0xa0050033),
	BAD(cr0, 0x180050033),
	BAD(cr4, 0),
	BAD(cr4, 0x8000000000000020),
	BAD(cr4, 0x2020),
	BAD(efer, 0),
	BAD(efer, 0x100),
	BAD(efer, 0x400),
	BAD(efer, 0x1d01),
	BAD(efer, 0x8000000000000500),
	BAD(cr3, 0x10000000000),
	BAD(msr_cr_pat, 0x0007040600070402),
	BAD(msr_cr_pat, 0x0807040600070406),
	BAD(cs.attributes, 0xa01b),
	BAD(cs.attributes, 0xa093),
	BAD(cs.attributes, 0xe09b),
	BAD(ss.attributes, 0xc0f3),
	BAD(tr.attributes, 0x83),
	BAD(tr.attributes, 0x9b),
	BAD(es.selector, 0x1b),
	BAD(gdtr.base, 0x0000800000000000),
	BAD(idtr.base, 0x8000000000000000),
	BAD(fs.base, 0x0000800000000000),
	BAD(gs.base, 0x8000000000000000),
};

START_TEST(bad_contexts_are_refused_and_leave_nothing)
{
	struct hv_input_enable_vp_vtl in = { .target_partition_id = HV_PARTITION_ID_SELF,
					     .vp_index = HV_VP_INDEX_SELF,
					     .target_vtl = 1 };
	struct vsmtest *t = machine(1, 1);
	size_t i;

	assert_status(vsmtest_enable_partition_vtl(t, 0, 1), HV_STATUS_SUCCESS);
	for (i = 0; i < VSMTEST_COUNT(bad_context); i++) {
		uint32_t status;

		vsmtest_context64(&in.vp_vtl_context);
		memcpy((char *)&in.vp_vtl_context + bad_context[i].offset, &bad_context[i].value,
		       bad_context[i].size);
		status = vsmtest_call_mem(t, 0, HVCALL_ENABLE_VP_VTL, &in, sizeof(in));
		ck_assert_msg(status == HV_STATUS_INVALID_REGISTER_VALUE, "%s: %s",
			      bad_context[i].name, vsmtest_status_text(status));
		ck_assert_uint_eq(vsm_vp_enabled_vtls(t->vp[0].vp), 1);
	}
	assert_exception(t, 0, vsmtest_vtl_call(t, 0), X86_UD);
	/* VTL0 keeps its one chance. */
	vsmtest_context64(&in.vp_vtl_context);
	assert_status(vsmtest_call_mem(t, 0, HVCALL_ENABLE_VP_VTL, &in, sizeof(in)),
		      HV_STATUS_SUCCESS);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_refused_enabling_changes_nothing)
{
	struct hv_initial_vp_context context;
	struct vsmtest *t = machine(1, 1);
	uint64_t hash;

	assert_status(vsmtest_enable_partition_vtl(t, 0, 1), HV_STATUS_SUCCESS);
	vsmtest_context64(&context);
	context.cr0 = 0;
	assert_status(vsmtest_enable_vp_vtl(t, 0, HV_VP_INDEX_SELF, 1, &context),
		      HV_STATUS_INVALID_REGISTER_VALUE);
	hash = vsmtest_hash(t);
	assert_verdict(vsmtest_again(t, 0), VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_INVALID_REGISTER_VALUE);
	assert_same(t, hash);
	vsmtest_free(t);
}
END_TEST

START_TEST(the_context_is_what_the_vtl_starts_with)
{
	static const struct {
		uint32_t name;
		uint64_t want;
	} rows[] = {
		{ HV_X64_REGISTER_RIP, 0x140001000 }, { HV_X64_REGISTER_RSP, 0x7000 },
		{ HV_X64_REGISTER_RFLAGS, 0x2 },      { HV_X64_REGISTER_CR0, 0x80050033 },
		{ HV_X64_REGISTER_CR3, 0x2000 },      { HV_X64_REGISTER_CR4, 0x6a0 },
		{ HV_X64_REGISTER_EFER, 0xd01 },      { HV_X64_REGISTER_PAT, 0x0007040600070406 },
	};
	static const struct {
		uint32_t name;
		size_t offset;
	} wide[] = {
		{ HV_X64_REGISTER_CS, offsetof(struct hv_initial_vp_context, cs) },
		{ HV_X64_REGISTER_DS, offsetof(struct hv_initial_vp_context, ds) },
		{ HV_X64_REGISTER_ES, offsetof(struct hv_initial_vp_context, es) },
		{ HV_X64_REGISTER_FS, offsetof(struct hv_initial_vp_context, fs) },
		{ HV_X64_REGISTER_GS, offsetof(struct hv_initial_vp_context, gs) },
		{ HV_X64_REGISTER_SS, offsetof(struct hv_initial_vp_context, ss) },
		{ HV_X64_REGISTER_TR, offsetof(struct hv_initial_vp_context, tr) },
		{ HV_X64_REGISTER_LDTR, offsetof(struct hv_initial_vp_context, ldtr) },
		{ HV_X64_REGISTER_IDTR, offsetof(struct hv_initial_vp_context, idtr) },
		{ HV_X64_REGISTER_GDTR, offsetof(struct hv_initial_vp_context, gdtr) },
	};
	struct hv_initial_vp_context context;
	struct vsmtest *t = machine(1, 1);
	size_t i;

	vsmtest_context64(&context);
	context.fs.base = 0x11000;
	context.gs.base = 0xffff900000012000;
	context.es.selector = 0x20;
	assert_status(vsmtest_enable_partition_vtl(t, 0, 1), HV_STATUS_SUCCESS);
	assert_status(vsmtest_enable_vp_vtl(t, 0, HV_VP_INDEX_SELF, 1, &context),
		      HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	for (i = 0; i < VSMTEST_COUNT(rows); i++)
		ck_assert_msg(vsmtest_reg(t, 0, 1, rows[i].name) == rows[i].want, "%s: %llx",
			      vsm_register_name(rows[i].name),
			      (unsigned long long)vsmtest_reg(t, 0, 1, rows[i].name));
	for (i = 0; i < VSMTEST_COUNT(wide); i++)
		ck_assert_msg(memcmp(vsmtest_slot(t, 0, 1, wide[i].name),
				     (char *)&context + wide[i].offset, 16) == 0,
			      "%s", vsm_register_name(wide[i].name));
	vsmtest_free(t);
}
END_TEST

START_TEST(what_the_context_does_not_name_has_its_reset_value)
{
	static const struct {
		uint32_t name;
		uint64_t want;
	} rows[] = {
		{ HV_X64_REGISTER_CR8, 0 },
		{ HV_X64_REGISTER_DR7, 0x400 },
		{ HV_X64_REGISTER_DR6, 0xffff0ff0 },
		{ HV_X64_REGISTER_SYSENTER_CS, 0 },
		{ HV_X64_REGISTER_SYSENTER_EIP, 0 },
		{ HV_X64_REGISTER_SYSENTER_ESP, 0 },
		{ HV_X64_REGISTER_STAR, 0 },
		{ HV_X64_REGISTER_LSTAR, 0 },
		{ HV_X64_REGISTER_CSTAR, 0 },
		{ HV_X64_REGISTER_SFMASK, 0 },
		{ HV_X64_REGISTER_KERNEL_GS_BASE, 0 },
		{ HV_X64_REGISTER_TSC_AUX, 0 },
		{ HV_REGISTER_INTERRUPT_STATE, 0 },
		{ HV_REGISTER_PENDING_INTERRUPTION, 0 },
	};
	struct vsmtest *t = machine(1, 1);
	size_t i, n = 0;

	assert_status(vsmtest_enable_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	for (i = 0; i < VSMTEST_COUNT(rows); i++) {
		if (!vsmtest_slot(t, 0, 1, rows[i].name))
			continue;
		n++;
		ck_assert_msg(vsmtest_reg(t, 0, 1, rows[i].name) == rows[i].want, "%s: %llx",
			      vsm_register_name(rows[i].name),
			      (unsigned long long)vsmtest_reg(t, 0, 1, rows[i].name));
	}
	ck_assert_uint_ge(n, 10);
	vsmtest_free(t);
}
END_TEST

START_TEST(no_private_register_of_a_new_vtl_is_left_to_chance)
{
	struct vsmtest *t = machine(1, 1);
	uint32_t i;

	assert_status(vsmtest_enable_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	for (i = 0; i < t->rows; i++) {
		const struct vsm_register_info *row = &t->row[i];

		if (row->owner != VSM_OWNER_HOST || vsmtest_row_shared(t, row) ||
		    (row->flags & VSM_REG_ALIAS))
			continue;
		/* What no op can name, such as a local APIC, the host starts by itself. */
		if (!row->group)
			continue;
		/* Read-only for everybody: the APIC base belongs to the host's APIC. */
		if (row->name == HV_X64_REGISTER_APIC_BASE)
			continue;
		/* The fake host fills what nobody set with 0xa5. */
		ck_assert_msg(vsmtest_reg(t, 0, 1, row->name) != 0xa5a5a5a5a5a5a5a5ull,
			      "%s was not set", row->text);
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(a_32_bit_vtl_is_possible)
{
	struct hv_initial_vp_context context;
	struct vsmtest *t = machine(1, 1);

	vsmtest_context32(&context);
	assert_status(vsmtest_enable_partition_vtl(t, 0, 1), HV_STATUS_SUCCESS);
	assert_status(vsmtest_enable_vp_vtl(t, 0, HV_VP_INDEX_SELF, 1, &context),
		      HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 1, HV_X64_REGISTER_CR0), 0x11);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 1, HV_X64_REGISTER_EFER), 0);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(vsmtest_value(t, 0, 0, HV_REGISTER_VSM_VP_STATUS), 0x30001);
	vsmtest_free(t);
}
END_TEST

START_TEST(without_vsm_the_vtl_calls_do_not_exist)
{
	struct vsmtest *t = machine(1, 0);
	struct hv_initial_vp_context context;

	vsmtest_context64(&context);
	assert_status(vsmtest_enable_partition_vtl(t, 0, 1), HV_STATUS_ACCESS_DENIED);
	assert_status(vsmtest_enable_vp_vtl(t, 0, HV_VP_INDEX_SELF, 1, &context),
		      HV_STATUS_ACCESS_DENIED);
	assert_exception(t, 0, vsmtest_vtl_call(t, 0), X86_UD);
	vsmtest_free(t);
}
END_TEST

struct race {
	struct vsmtest *t;
	uint32_t vp;
	pthread_barrier_t *barrier;
	uint32_t status;
};

static void *race_thread(void *arg)
{
	struct race *race = arg;
	struct hv_initial_vp_context context;

	vsmtest_context64(&context);
	pthread_barrier_wait(race->barrier);
	race->status = vsmtest_enable_vp_vtl(race->t, race->vp, HV_VP_INDEX_SELF, 1, &context);
	return NULL;
}

START_TEST(of_two_vps_that_enable_at_once_one_succeeds)
{
	uint32_t round, wins = 0;

	for (round = 0; round < 50; round++) {
		struct vsmtest *t = machine(2, 1);
		pthread_barrier_t barrier;
		struct race race[2];
		pthread_t thread[2];
		uint32_t i;

		t->relaxed = t->threads = 1;
		assert_status(vsmtest_enable_partition_vtl(t, 0, 1), HV_STATUS_SUCCESS);
		pthread_barrier_init(&barrier, NULL, 2);
		for (i = 0; i < 2; i++) {
			race[i] = (struct race){ t, i, &barrier, 0 };
			pthread_create(&thread[i], NULL, race_thread, &race[i]);
		}
		for (i = 0; i < 2; i++)
			pthread_join(thread[i], NULL);
		pthread_barrier_destroy(&barrier);
		for (i = 0; i < 2; i++) {
			ck_assert(race[i].status == HV_STATUS_SUCCESS ||
				  race[i].status == HV_STATUS_ACCESS_DENIED);
			wins += race[i].status == HV_STATUS_SUCCESS;
		}
		ck_assert_uint_eq(wins, round + 1);
		vsmtest_free(t);
	}
}
END_TEST

/* What the host refuses later, on the thread of another VP, keeps that VTL from being entered, and
 * nobody from running: no entry fails by values that the guest chose. */
START_TEST(a_vtl_whose_context_the_host_refuses_is_not_entered)
{
	struct hv_initial_vp_context context;
	struct vsmtest *t = vsmtest_new_vps(2);

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, 0, VSMTEST_DATA_GPA), HV_STATUS_SUCCESS);
	vsmtest_context64(&context);
	t->refused_reg = HV_X64_REGISTER_CR3;
	assert_status(vsmtest_enable_vp_vtl(t, 0, 1, 1, &context), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	ck_assert(vsmtest_logged(t, "cannot take the context that a VTL was enabled with"));
	assert_verdict(vsmtest_hypercalls_on(t, 1), VSM_VERDICT_RESUME);
	assert_exception(t, 1, vsmtest_vtl_call(t, 1), X86_UD);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[1].vp), 0);
	assert_exception(t, 1, vsmtest_fault(t, 1, VSMTEST_DATA_GPA, HV_INTERCEPT_ACCESS_WRITE),
			 X86_GP);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[1].vp), 0);
	t->refused_reg = ~0u;
	assert_verdict(vsmtest_again(t, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[1].vp), 1);
	vsmtest_free(t);
}
END_TEST

/* The same on the way down: a VTL is not left for one that cannot be entered, and that one is not
 * passed over. */
START_TEST(a_return_to_a_vtl_whose_context_the_host_refuses_is_ud)
{
	struct vsmtest *t = machine(2, 2);
	struct hv_initial_vp_context context;
	struct hv_register_value value;
	struct vsm_private_state state;

	vsmtest_context64(&context);
	assert_status(vsmtest_enable_partition_vtl(t, 0, 2), HV_STATUS_SUCCESS);
	assert_status(vsmtest_enable_vp_vtl(t, 0, 0, 2, &context), HV_STATUS_SUCCESS);
	climb(t, 0);
	assert_status(vsmtest_enable_vp_vtl(t, 0, 1, 2, &context), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	climb(t, 1);
	assert_status(vsmtest_enable_partition_vtl(t, 0, 1), HV_STATUS_SUCCESS);
	t->refused_reg = HV_X64_REGISTER_CR4;
	assert_status(vsmtest_enable_vp_vtl(t, 0, 1, 1, &context), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	assert_exception(t, 1, vsmtest_vtl_return(t, 1, 1), X86_UD);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[1].vp), 2);
	assert_status(vsmtest_get(t, 1, VSMTEST_VTL(1), HV_REGISTER_VSM_CODE_PAGE_OFFSETS, &value),
		      HV_STATUS_INVALID_VTL_STATE);
	assert_status(vsmtest_get(t, 1, VSMTEST_VTL(1), HV_X64_REGISTER_LSTAR, &value),
		      HV_STATUS_INVALID_VTL_STATE);
	assert_status(vsmtest_set(t, 1, VSMTEST_VTL(1), HV_X64_REGISTER_LSTAR, 0x1000),
		      HV_STATUS_INVALID_VTL_STATE);
	vsmtest_entry_begin(t, 1);
	assert_verdict(vsmtest_entry_end(t, vsm_vtl_state_save(t->vp[1].vp, 1, &state)),
		       -VSM_ERR_NOSUP);
	vsm_private_state_init(&state, 0);
	vsmtest_entry_begin(t, 1);
	assert_verdict(vsmtest_entry_end(t, vsm_vtl_state_load(t->vp[1].vp, 1, &state)),
		       -VSM_ERR_NOSUP);
	/* A host that fails is something else: it is worth trying again. */
	vsmtest_fail_op(t, VSMTEST_REGS_SET, 1, 1, -VSM_ERR_HOST);
	vsmtest_entry_begin(t, 1);
	assert_verdict(vsmtest_entry_end(t, vsm_vtl_state_save(t->vp[1].vp, 1, &state)),
		       -VSM_ERR_HOST);
	vsmtest_no_faults(t);
	t->refused_reg = ~0u;
	assert_verdict(vsmtest_vtl_return(t, 1, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[1].vp), 1);
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(partition_vtl1_is_enabled_by_vtl0),
	VSMTEST_CASE(impossible_partition_vtls_are_invalid_parameters),
	VSMTEST_CASE(enable_partition_vtl_checks_the_partition_before_the_vtl),
	VSMTEST_CASE(flags_and_reserved_bytes_of_enable_partition_vtl_must_be_0),
	VSMTEST_CASE(a_partition_vtl_is_enabled_once),
	VSMTEST_CASE(partition_vtls_need_not_be_consecutive),
	VSMTEST_CASE(only_the_highest_enabled_lower_vtl_may_enable_a_higher_one),
	VSMTEST_CASE(a_higher_vtl_may_always_enable_a_lower_one),
	VSMTEST_CASE(a_new_vtl_starts_with_default_configuration),
	VSMTEST_CASE(a_vp_vtl_needs_the_partition_vtl),
	VSMTEST_CASE(enable_vp_vtl_leaves_the_active_vtl),
	VSMTEST_CASE(enable_vp_vtl_refuses_in_its_order),
	VSMTEST_CASE(a_second_enabling_is_denied_below_and_already_enabled_above),
	VSMTEST_CASE(once_vtl1_runs_anywhere_vtl0_enables_it_nowhere),
	VSMTEST_CASE(vtl1_enables_itself_on_the_target_not_on_the_caller),
	VSMTEST_CASE(a_context_for_another_vp_is_loaded_by_that_vp),
	VSMTEST_CASE(bad_contexts_are_refused_and_leave_nothing),
	VSMTEST_CASE(a_refused_enabling_changes_nothing),
	VSMTEST_CASE(a_vtl_whose_context_the_host_refuses_is_not_entered),
	VSMTEST_CASE(a_return_to_a_vtl_whose_context_the_host_refuses_is_ud),
	VSMTEST_CASE(the_context_is_what_the_vtl_starts_with),
	VSMTEST_CASE(what_the_context_does_not_name_has_its_reset_value),
	VSMTEST_CASE(no_private_register_of_a_new_vtl_is_left_to_chance),
	VSMTEST_CASE(a_32_bit_vtl_is_possible),
	VSMTEST_CASE(without_vsm_the_vtl_calls_do_not_exist),
	VSMTEST_CASE(of_two_vps_that_enable_at_once_one_succeeds),
};

int main(void)
{
	return vsmtest_main("vtl_enable", cases, VSMTEST_COUNT(cases));
}
