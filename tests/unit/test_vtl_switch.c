/* SPDX-License-Identifier: BSD-3-Clause */
/* VTL call and return (TLFS 15.6, 15.7, 15.11). */
#include <string.h>

#include "vsmtest.h"

static struct vsmtest *enabled(void)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_status(vsmtest_enable_vtl1(t, 0), HV_STATUS_SUCCESS);
	return t;
}

static struct vsmtest *in_vtl1(void)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	return t;
}

/* Execute the trap with these in RCX and RAX; #UD and nothing changed. */
static void assert_ud(struct vsmtest *t, uint64_t rcx, uint64_t rax)
{
	uint32_t active = t->vp[0].active;
	uint64_t hash;

	vsmtest_reg_set(t, 0, active, HV_X64_REGISTER_RCX, rcx);
	vsmtest_reg_set(t, 0, active, HV_X64_REGISTER_RAX, rax);
	vsmtest_reg_set(t, 0, active, HV_X64_REGISTER_RIP, VSMTEST_TRAP_RIP);
	hash = vsmtest_hash(t);
	assert_exception(t, 0, vsmtest_trap(t, 0, VSMTEST_TRAP_RIP, 3), X86_UD);
	assert_same(t, hash);
}

START_TEST(a_call_without_a_higher_vtl_is_ud)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	assert_ud(t, HVCALL_VTL_CALL, 0);
	assert_status(vsmtest_enable_partition_vtl(t, 0, 1), HV_STATUS_SUCCESS);
	assert_ud(t, HVCALL_VTL_CALL, 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_call_from_the_highest_vtl_is_ud)
{
	struct vsmtest *t = in_vtl1();

	assert_ud(t, HVCALL_VTL_CALL, 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_return_from_vtl0_is_ud)
{
	struct vsmtest *t = enabled();

	assert_ud(t, HVCALL_VTL_RETURN, 0);
	assert_ud(t, HVCALL_VTL_RETURN, 1);
	vsmtest_free(t);
}
END_TEST

START_TEST(any_other_bit_of_the_input_value_is_ud)
{
	struct vsmtest *t = enabled();
	int bit;

	t->relaxed = 1;
	for (bit = 16; bit < 64; bit++)
		assert_ud(t, HVCALL_VTL_CALL | 1ull << bit, 0);
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	for (bit = 16; bit < 64; bit++)
		assert_ud(t, HVCALL_VTL_RETURN | 1ull << bit, 1);
	vsmtest_free(t);
}
END_TEST

START_TEST(the_control_input_of_a_call_must_be_0)
{
	struct vsmtest *t = enabled();
	int bit;

	t->relaxed = 1;
	for (bit = 0; bit < 64; bit++)
		assert_ud(t, HVCALL_VTL_CALL, 1ull << bit);
	vsmtest_free(t);
}
END_TEST

START_TEST(the_control_input_of_a_return_has_one_bit)
{
	struct vsmtest *t = in_vtl1();
	int bit;

	t->relaxed = 1;
	for (bit = 1; bit < 64; bit++) {
		assert_ud(t, HVCALL_VTL_RETURN, 1ull << bit);
		assert_ud(t, HVCALL_VTL_RETURN, 1ull << bit | 1);
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(user_mode_cannot_switch)
{
	struct vsmtest *t = enabled();

	vsmtest_cpl(t, 0, 3);
	assert_ud(t, HVCALL_VTL_CALL, 0);
	vsmtest_cpl(t, 0, 0);
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	vsmtest_cpl(t, 0, 3);
	assert_ud(t, HVCALL_VTL_RETURN, 1);
	vsmtest_free(t);
}
END_TEST

START_TEST(both_sides_go_on_behind_their_trap)
{
	struct vsmtest *t = enabled();
	uint32_t i;

	t->trap_len = 2;
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 1);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RIP), VSMTEST_TRAP_RIP + 2);
	/* First entry: at the context's RIP. */
	ck_assert_uint_eq(vsmtest_reg(t, 0, 1, HV_X64_REGISTER_RIP), 0x140001000);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	for (i = 0; i < 3; i++) {
		uint64_t here = 0x5000 + 0x100 * i;

		vsmtest_reg_set(t, 0, 1, HV_X64_REGISTER_RCX, HVCALL_VTL_RETURN);
		vsmtest_reg_set(t, 0, 1, HV_X64_REGISTER_RAX, 1);
		assert_verdict(vsmtest_trap(t, 0, here, 2), VSM_VERDICT_SWITCHED);
		ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 0);
		ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RIP), VSMTEST_TRAP_RIP + 2);
		assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
		/* Later entries: behind VTL1's last return. */
		ck_assert_uint_eq(vsmtest_reg(t, 0, 1, HV_X64_REGISTER_RIP), here + 2);
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(a_call_leaves_rax_and_rcx_as_the_stub_did)
{
	struct vsmtest *t = enabled();

	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 1, HV_X64_REGISTER_RAX), 0);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 1, HV_X64_REGISTER_RCX), HVCALL_VTL_CALL);
	vsmtest_free(t);
}
END_TEST

/* Give every host register of a VTL a value that says whose it is. */
static void brand(struct vsmtest *t, uint32_t vtl, uint64_t base, int shared)
{
	uint32_t i;

	for (i = 0; i < t->rows; i++) {
		const struct vsm_register_info *row = &t->row[i];
		struct hv_register_value *slot;

		if (row->owner != VSM_OWNER_HOST || row->flags & VSM_REG_ALIAS ||
		    vsmtest_row_shared(t, row) != shared)
			continue;
		/* Registers that say who may call. */
		if (row->name == HV_X64_REGISTER_CR0 || row->name == HV_X64_REGISTER_CR4 ||
		    row->name == HV_X64_REGISTER_EFER || row->name == HV_X64_REGISTER_RFLAGS ||
		    row->name == HV_X64_REGISTER_CS || row->name == HV_X64_REGISTER_SS ||
		    row->name == HV_X64_REGISTER_RIP)
			continue;
		slot = vsmtest_slot(t, 0, vtl, row->name);
		slot->low = base + i;
		slot->high = row->bytes == 16 ? base + 0x10000 + i : 0;
	}
}

static void check_brand(struct vsmtest *t, uint32_t vtl, uint64_t base, int shared, uint32_t *n)
{
	uint32_t i;

	for (i = 0; i < t->rows; i++) {
		const struct vsm_register_info *row = &t->row[i];

		if (row->owner != VSM_OWNER_HOST || row->flags & VSM_REG_ALIAS ||
		    vsmtest_row_shared(t, row) != shared || row->name == HV_X64_REGISTER_RAX ||
		    row->name == HV_X64_REGISTER_RCX || row->name == HV_X64_REGISTER_CR0 ||
		    row->name == HV_X64_REGISTER_CR4 || row->name == HV_X64_REGISTER_EFER ||
		    row->name == HV_X64_REGISTER_RFLAGS || row->name == HV_X64_REGISTER_CS ||
		    row->name == HV_X64_REGISTER_SS || row->name == HV_X64_REGISTER_RIP)
			continue;
		(*n)++;
		ck_assert_msg(vsmtest_reg(t, 0, vtl, row->name) == base + i, "%s is %llx, not %llx",
			      row->text, (unsigned long long)vsmtest_reg(t, 0, vtl, row->name),
			      (unsigned long long)(base + i));
	}
}

START_TEST(shared_registers_cross_both_ways)
{
	struct vsmtest *t = in_vtl1();
	uint32_t n = 0;

	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	brand(t, 0, 0x111000, 1);
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	check_brand(t, 1, 0x111000, 1, &n);
	brand(t, 1, 0x222000, 1);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	check_brand(t, 0, 0x222000, 1, &n);
	/* 13 GPRs besides RAX and RCX, CR2, DR0..3, XCR0, both ways. */
	ck_assert_uint_ge(n, 2 * 19);
	vsmtest_free(t);
}
END_TEST

START_TEST(private_registers_stay_where_they_are)
{
	struct vsmtest *t = in_vtl1();
	uint32_t n = 0;

	brand(t, 1, 0x333000, 0);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	brand(t, 0, 0x444000, 0);
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	check_brand(t, 1, 0x333000, 0, &n);
	check_brand(t, 0, 0x444000, 0, &n);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	check_brand(t, 0, 0x444000, 0, &n);
	/* RSP, CR3, CR8, DR7, 6 segments, GDTR, IDTR, 11 MSRs: three looks. */
	ck_assert_uint_ge(n, 3 * 24);
	vsmtest_free(t);
}
END_TEST

START_TEST(the_xmm_block_is_shared)
{
	struct vsmtest *t = enabled();
	uint8_t mark[96];

	memset(mark, 0x3c, sizeof(mark));
	memcpy(vsmtest_slot(t, 0, 0, HV_X64_REGISTER_XMM0), mark, sizeof(mark));
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	ck_assert_mem_eq(vsmtest_slot(t, 0, 1, HV_X64_REGISTER_XMM0), mark, sizeof(mark));
	vsmtest_free(t);
}
END_TEST

START_TEST(the_scopes_of_the_table_are_those_of_tlfs_15_11)
{
	static const uint32_t shared[] = {
		HV_X64_REGISTER_RAX, HV_X64_REGISTER_RBX, HV_X64_REGISTER_R15,	HV_X64_REGISTER_CR2,
		HV_X64_REGISTER_DR0, HV_X64_REGISTER_DR3, HV_X64_REGISTER_XFEM,
	};
	static const uint32_t private[] = {
		HV_X64_REGISTER_RSP,	      HV_X64_REGISTER_RIP,
		HV_X64_REGISTER_RFLAGS,	      HV_X64_REGISTER_CR0,
		HV_X64_REGISTER_CR3,	      HV_X64_REGISTER_CR4,
		HV_X64_REGISTER_CR8,	      HV_X64_REGISTER_DR7,
		HV_X64_REGISTER_CS,	      HV_X64_REGISTER_GS,
		HV_X64_REGISTER_TR,	      HV_X64_REGISTER_IDTR,
		HV_X64_REGISTER_EFER,	      HV_X64_REGISTER_STAR,
		HV_X64_REGISTER_LSTAR,	      HV_X64_REGISTER_KERNEL_GS_BASE,
		HV_X64_REGISTER_PAT,	      HV_X64_REGISTER_TSC_AUX,
		HV_X64_REGISTER_SYSENTER_EIP, HV_X64_REGISTER_SFMASK,
	};
	struct vsm_register_info info = { .size = sizeof(info) };
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(shared); i++) {
		assert_err(vsm_register_info(shared[i], &info), 0);
		ck_assert_uint_eq(info.scope, VSM_SCOPE_SHARED);
		ck_assert_uint_eq(info.owner, VSM_OWNER_HOST);
	}
	for (i = 0; i < VSMTEST_COUNT(private); i++) {
		assert_err(vsm_register_info(private[i], &info), 0);
		ck_assert_uint_eq(info.scope, VSM_SCOPE_PRIVATE);
		ck_assert_uint_eq(info.owner, VSM_OWNER_HOST);
	}
	assert_err(vsm_register_info(HV_X64_REGISTER_DR6, &info), 0);
	ck_assert_uint_eq(info.scope, VSM_SCOPE_MIXED);
}
END_TEST

START_TEST(a_call_tells_its_reason)
{
	struct vsmtest *t = in_vtl1();

	/* The very first entry came before the page was there. */
	ck_assert_uint_eq(vsmtest_assist(t, 0, 1)->vtl_control.entry_reason, 0);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_assist(t, 0, 1)->vtl_control.entry_reason, HV_VTL_ENTRY_VTL_CALL);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_normal_return_loads_rax_and_rcx_from_the_assist_page)
{
	struct vsmtest *t = in_vtl1();
	struct hv_vp_assist_page *assist = vsmtest_assist(t, 0, 1);

	assist->vtl_control.vtl_return_x64_rax = 0x1111222233334444;
	assist->vtl_control.vtl_return_x64_rcx = 0x5555666677778888;
	vsmtest_reg_set(t, 0, 1, HV_X64_REGISTER_RDX, 0xddddddddeeeeeeee);
	assert_verdict(vsmtest_vtl_return(t, 0, 0), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RAX), 0x1111222233334444);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RCX), 0x5555666677778888);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RDX), 0xddddddddeeeeeeee);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_fast_return_leaves_the_registers)
{
	struct vsmtest *t = in_vtl1();
	struct hv_vp_assist_page *assist = vsmtest_assist(t, 0, 1);

	assist->vtl_control.vtl_return_x64_rax = 0x1111222233334444;
	assist->vtl_control.vtl_return_x64_rcx = 0x5555666677778888;
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RAX), 1);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RCX), HVCALL_VTL_RETURN);
	vsmtest_free(t);
}
END_TEST

START_TEST(without_an_assist_page_a_normal_return_leaves_the_registers)
{
	struct vsmtest *t = in_vtl1();
	uint8_t under = *vsmtest_ram(t, VSMTEST_ASSIST_GPA(0, 1) + 16);

	vsmtest_assist(t, 0, 1)->vtl_control.vtl_return_x64_rax = 0x99;
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_VP_ASSIST_PAGE, 0), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_vtl_return(t, 0, 0), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RAX), 0);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RCX), HVCALL_VTL_RETURN);
	ck_assert_uint_eq(*vsmtest_ram(t, VSMTEST_ASSIST_GPA(0, 1) + 16), under);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_32_bit_vtl_returns_eax_ecx_edx)
{
	struct vsmtest *t = vsmtest_new(NULL);
	struct hv_initial_vp_context context;
	struct hv_vp_assist_page *assist;

	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	vsmtest_context32(&context);
	assert_status(vsmtest_enable_partition_vtl(t, 0, 1), HV_STATUS_SUCCESS);
	assert_status(vsmtest_enable_vp_vtl(t, 0, HV_VP_INDEX_SELF, 1, &context),
		      HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_synic_on(t, 0), VSM_VERDICT_RESUME);
	assist = vsmtest_assist(t, 0, 1);
	assist->vtl_control.vtl_return_x64_rax = 0xcccccccaaaaaaaa0;
	assist->vtl_control.vtl_return_x64_rcx = 0xffffffffdddddd00;
	assert_verdict(vsmtest_vtl_return(t, 0, 0), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RAX), 0xaaaaaaa0);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RCX), 0xccccccca);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RDX), 0xdddddd00);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_32_bit_caller_calls_with_eax_and_ecx)
{
	struct vsmtest *t = enabled();
	uint64_t hash;

	vsmtest_mode32(t, 0);
	/* A control input in ECX is refused, whatever RAX's high half holds. */
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RAX, HVCALL_VTL_CALL);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RDX, 0);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RCX, 2);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RIP, VSMTEST_TRAP_RIP32);
	hash = vsmtest_hash(t);
	assert_exception(t, 0, vsmtest_again(t, 0), X86_UD);
	assert_same(t, hash);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RAX, 0xdead000000000000 | HVCALL_VTL_CALL);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RDX, 0xdead000000000000);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RCX, 0xdead000000000000);
	assert_verdict(vsmtest_again(t, 0), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RIP), VSMTEST_TRAP_RIP32 + 3);
	vsmtest_free(t);
}
END_TEST

START_TEST(the_high_half_of_the_input_value_counts_for_32_bit_callers)
{
	struct vsmtest *t = enabled();

	vsmtest_mode32(t, 0);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RAX, HVCALL_VTL_CALL);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RDX, 1);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RCX, 0);
	assert_exception(t, 0, vsmtest_again(t, 0), X86_UD);
	vsmtest_free(t);
}
END_TEST

START_TEST(calls_and_returns_go_one_enabled_vtl_at_a_time)
{
	struct hv_initial_vp_context context;
	struct vsmtest *t = vsmtest_new_vtls(3);

	vsmtest_context64(&context);
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_enable_partition_vtl(t, 0, 3), HV_STATUS_SUCCESS);
	assert_status(vsmtest_enable_vp_vtl(t, 0, HV_VP_INDEX_SELF, 3, &context),
		      HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 0);
	/* VTL3 is enabled too, but VTL1 comes first. */
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 1);
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 3);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 1);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_switch_is_prepare_then_commit)
{
	struct vsmtest *t = enabled();
	uint32_t i, phases[8], n = 0, since = t->calls;

	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	for (i = since; i != t->calls; i++) {
		const struct vsmtest_call *call = &t->call[i % VSMTEST_MAX_CALLS];

		if (call->op == VSMTEST_SWITCH_VTL && n < 8)
			phases[n++] = (uint32_t)call->b;
	}
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(phases[0], VSM_SWITCH_PREPARE);
	ck_assert_uint_eq(phases[1], VSM_SWITCH_COMMIT);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_failed_prepare_leaves_the_caller_at_its_trap)
{
	struct vsmtest *t = enabled();
	uint64_t hash;

	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RCX, HVCALL_VTL_CALL);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RAX, 0);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RIP, VSMTEST_TRAP_RIP);
	hash = vsmtest_hash(t);
	vsmtest_fail_op(t, VSMTEST_SWITCH_VTL, 1, 1, -VSM_ERR_HOST);
	assert_err(vsmtest_again(t, 0), -VSM_ERR_HOST);
	assert_same(t, hash);
	assert_verdict(vsmtest_again(t, 0), VSM_VERDICT_SWITCHED);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_round_trip_is_neutral)
{
	struct vsmtest *t = in_vtl1();
	uint64_t hash;

	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	hash = vsmtest_hash(t);
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	assert_same(t, hash);
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(a_call_without_a_higher_vtl_is_ud),
	VSMTEST_CASE(a_call_from_the_highest_vtl_is_ud),
	VSMTEST_CASE(a_return_from_vtl0_is_ud),
	VSMTEST_CASE(any_other_bit_of_the_input_value_is_ud),
	VSMTEST_CASE(the_control_input_of_a_call_must_be_0),
	VSMTEST_CASE(the_control_input_of_a_return_has_one_bit),
	VSMTEST_CASE(user_mode_cannot_switch),
	VSMTEST_CASE(both_sides_go_on_behind_their_trap),
	VSMTEST_CASE(a_call_leaves_rax_and_rcx_as_the_stub_did),
	VSMTEST_CASE(shared_registers_cross_both_ways),
	VSMTEST_CASE(private_registers_stay_where_they_are),
	VSMTEST_CASE(the_xmm_block_is_shared),
	VSMTEST_CASE(the_scopes_of_the_table_are_those_of_tlfs_15_11),
	VSMTEST_CASE(a_call_tells_its_reason),
	VSMTEST_CASE(a_normal_return_loads_rax_and_rcx_from_the_assist_page),
	VSMTEST_CASE(a_fast_return_leaves_the_registers),
	VSMTEST_CASE(without_an_assist_page_a_normal_return_leaves_the_registers),
	VSMTEST_CASE(a_32_bit_vtl_returns_eax_ecx_edx),
	VSMTEST_CASE(a_32_bit_caller_calls_with_eax_and_ecx),
	VSMTEST_CASE(the_high_half_of_the_input_value_counts_for_32_bit_callers),
	VSMTEST_CASE(calls_and_returns_go_one_enabled_vtl_at_a_time),
	VSMTEST_CASE(a_switch_is_prepare_then_commit),
	VSMTEST_CASE(a_failed_prepare_leaves_the_caller_at_its_trap),
	VSMTEST_CASE(a_round_trip_is_neutral),
};

int main(void)
{
	return vsmtest_main("vtl_switch", cases, VSMTEST_COUNT(cases));
}
