/* SPDX-License-Identifier: BSD-3-Clause */
/* VTL switches on KVM: what is shared, what is private, and what it costs (TLFS 15.11). */
#include "kvmtest.h"

#include <sys/ioctl.h>

#define HV_NAME_GPR(i) (HV_X64_REGISTER_RAX + (i))

START_TEST(vtl1_starts_with_its_context)
{
	struct kt *t = kt_new(NULL);

	kt_enable_vtl1(t);
	kt_switch(t, 0);
	ck_assert_uint_eq(vsm_vp_active_vtl(vsm_kvm_vp_vsm(t->vp)), 1);
	ck_assert_uint_eq(kt_get(t, 1, HV_X64_REGISTER_RIP), CODE1_GPA + 2);
	ck_assert_uint_eq(kt_get(t, 1, HV_X64_REGISTER_RSP), STACK_GPA - 0x2000);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RSP), STACK_GPA);
	kt_free(t);
}
END_TEST

START_TEST(gprs_cross_in_both_directions)
{
	struct kt *t = kt_new(NULL);

	kt_vtl1(t);
	kt_switch(t, 1);
	for (uint32_t i = 2; i < 16; i++) {
		if (i != 4)
			kt_set(t, 0, HV_NAME_GPR(i), 0x1111111100000000ull + i);
	}
	kt_switch(t, 0);
	for (uint32_t i = 2; i < 16; i++) {
		if (i == 4)
			continue;
		ck_assert_uint_eq(kt_get(t, 1, HV_NAME_GPR(i)), 0x1111111100000000ull + i);
		kt_set(t, 1, HV_NAME_GPR(i), 0x2222222200000000ull + i);
	}
	kt_switch(t, 1);
	for (uint32_t i = 2; i < 16; i++) {
		if (i != 4)
			ck_assert_uint_eq(kt_get(t, 0, HV_NAME_GPR(i)), 0x2222222200000000ull + i);
	}
	kt_free(t);
}
END_TEST

START_TEST(cr2_is_shared)
{
	struct kt *t = kt_new(NULL);

	kt_vtl1(t);
	kt_set(t, 1, HV_X64_REGISTER_CR2, 0xabc000);
	kt_switch(t, 1);
	/* mov %cr2,%rbx */
	KT_CODE(t, 0, 0x0f, 0x20, 0xd3, STOP);
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBX), 0xabc000);
	kt_free(t);
}
END_TEST

/* movdqu (%rdi),%xmm0 and movdqu %xmm0,(%rdi) */
#define LOAD_XMM0  0xf3, 0x0f, 0x6f, 0x07
#define STORE_XMM0 0xf3, 0x0f, 0x7f, 0x07

static void xmm_load(struct kt *t, uint32_t vtl, uint8_t value)
{
	memset(t->ram + OTHER_GPA, value, 16);
	kt_set(t, vtl, HV_X64_REGISTER_RDI, OTHER_GPA);
	KT_CODE(t, vtl, LOAD_XMM0, STOP);
	ck_assert_uint_eq(kt_stop(t), vtl);
}

static uint8_t xmm_store(struct kt *t, uint32_t vtl)
{
	memset(t->ram + OTHER_GPA, 0xcc, 16);
	kt_set(t, vtl, HV_X64_REGISTER_RDI, OTHER_GPA);
	KT_CODE(t, vtl, STORE_XMM0, STOP);
	ck_assert_uint_eq(kt_stop(t), vtl);
	return t->ram[OTHER_GPA];
}

/* A vCPU that never ran has SSE state in its initial form; that must not eat what is set. */
START_TEST(xmm_reaches_a_vtl_that_never_ran)
{
	struct kt *t = kt_new(NULL);

	kt_enable_vtl1(t);
	xmm_load(t, 0, 0x5a);
	kt_switch(t, 0);
	ck_assert_uint_eq(xmm_store(t, 1), 0x5a);
	kt_free(t);
}
END_TEST

START_TEST(xmm_crosses_in_both_directions)
{
	struct kt *t = kt_new(NULL);

	kt_vtl1(t);
	for (uint8_t i = 1; i < 6; i++) {
		xmm_load(t, 1, i);
		kt_switch(t, 1);
		ck_assert_uint_eq(xmm_store(t, 0), i);
		xmm_load(t, 0, (uint8_t)(i + 0x40));
		kt_switch(t, 0);
		ck_assert_uint_eq(xmm_store(t, 1), i + 0x40);
	}
	kt_free(t);
}
END_TEST

/* Initial state takes the place of what was there, also in KVM's memory (KVM_GET_FPU). */
START_TEST(initial_state_crosses_too)
{
	struct kt *t = kt_new(NULL);
	struct kvm_fpu fpu;
	uint8_t image[4096];

	kt_vtl1(t);
	xmm_load(t, 1, 0x33);
	kt_switch(t, 1);
	kt_switch(t, 0);
	ck_assert_int_eq(ioctl(vsm_kvm_vcpu_fd(t->vp, 1), KVM_GET_XSAVE, image), 0);
	memset(image + VK_XSTATE_BV, 0, 8);
	ck_assert_int_eq(ioctl(vsm_kvm_vcpu_fd(t->vp, 1), KVM_SET_XSAVE, image), 0);
	kt_switch(t, 1);
	ck_assert_int_eq(ioctl(vsm_kvm_vcpu_fd(t->vp, 0), KVM_GET_FPU, &fpu), 0);
	ck_assert_uint_eq(fpu.xmm[0][0], 0);
	kt_free(t);
}
END_TEST

START_TEST(xmm_is_set_only_when_it_changed)
{
	struct kt *t = kt_new(NULL);
	struct vsm_kvm_stats a, b;

	kt_vtl1(t);
	kt_switch(t, 1);
	kt_switch(t, 0);
	a = kt_stats(t);
	for (uint32_t i = 0; i < 4; i++) {
		kt_switch(t, 1);
		kt_switch(t, 0);
	}
	b = kt_stats(t);
	ck_assert_uint_eq(b.carried, a.carried);
	xmm_load(t, 1, 0x77);
	kt_switch(t, 1);
	ck_assert_uint_eq(kt_stats(t).carried, b.carried + 1);
	kt_free(t);
}
END_TEST

START_TEST(debug_registers_cross_but_dr7_stays)
{
	struct kt *t = kt_new(NULL);

	kt_vtl1(t);
	kt_set(t, 1, HV_X64_REGISTER_RBX, 0x123456);
	kt_set(t, 1, HV_X64_REGISTER_RDX, 0x600);
	/* mov %rbx,%db1; mov %rdx,%db7 */
	KT_CODE(t, 1, 0x0f, 0x23, 0xcb, 0x0f, 0x23, 0xfa, STOP);
	ck_assert_uint_eq(kt_stop(t), 1);
	ck_assert_uint_eq(kt_get(t, 1, HV_X64_REGISTER_DR7), 0x600);
	kt_switch(t, 1);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_DR1), 0x123456);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_DR7), 0x400);
	ck_assert_uint_eq(kt_get(t, 1, HV_X64_REGISTER_DR7), 0x600);
	/* mov %db1,%rdx */
	KT_CODE(t, 0, 0x0f, 0x21, 0xca, STOP);
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RDX), 0x123456);
	kt_free(t);
}
END_TEST

START_TEST(private_msrs_stay)
{
	static const uint32_t msrs[] = { 0xc0000081u, 0xc0000082u, 0xc0000084u, 0xc0000102u,
					 0x174u,      0x175u,	   0x176u };
	struct kt *t = kt_new(NULL);

	kt_vtl1(t);
	for (uint32_t i = 0; i < VSMTEST_COUNT(msrs); i++)
		kt_wrmsr(t, 1, msrs[i], 0x1000 + i);
	kt_switch(t, 1);
	for (uint32_t i = 0; i < VSMTEST_COUNT(msrs); i++) {
		ck_assert_uint_eq(kt_rdmsr(t, 0, msrs[i]), 0);
		kt_wrmsr(t, 0, msrs[i], 0x2000 + i);
	}
	kt_switch(t, 0);
	for (uint32_t i = 0; i < VSMTEST_COUNT(msrs); i++)
		ck_assert_uint_eq(kt_rdmsr(t, 1, msrs[i]), 0x1000 + i);
	kt_free(t);
}
END_TEST

START_TEST(shared_msrs_are_written_in_every_vtl)
{
	struct kt *t = kt_new(NULL);

	kt_vtl1(t);
	kt_wrmsr(t, 1, 0x200, 0x10000006); /* MTRR_PHYS_BASE0 */
	ck_assert_uint_eq(kt_vector(t, 1), 0xff);
	kt_wrmsr(t, 1, 0x2ff, 0xc06);
	ck_assert_uint_eq(kt_vector(t, 1), 0xff);
	kt_switch(t, 1);
	ck_assert_uint_eq(kt_rdmsr(t, 0, 0x200), 0x10000006);
	ck_assert_uint_eq(kt_rdmsr(t, 0, 0x2ff), 0xc06);
	kt_wrmsr(t, 0, 0x2ff, 0x806);
	kt_switch(t, 0);
	ck_assert_uint_eq(kt_rdmsr(t, 1, 0x2ff), 0x806);
	kt_free(t);
}
END_TEST

START_TEST(bad_shared_msr_raises_gp_and_changes_nothing)
{
	struct kt *t = kt_new(NULL);

	kt_vtl1(t);
	kt_wrmsr(t, 1, 0x2ff, 0xc06);
	ck_assert_uint_eq(kt_vector(t, 1), 0xff);
	kt_wrmsr(t, 1, 0x2ff, 0x2); /* There is no memory type 2. */
	ck_assert_uint_eq(kt_vector(t, 1), 13);
	ck_assert_uint_eq(kt_rdmsr(t, 1, 0x2ff), 0xc06);
	kt_switch(t, 1);
	ck_assert_uint_eq(kt_rdmsr(t, 0, 0x2ff), 0xc06);
	kt_free(t);
}
END_TEST

START_TEST(a_fast_return_leaves_rax_and_rcx)
{
	struct kt *t = kt_new(NULL);

	kt_vtl1(t);
	kt_switch(t, 1);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RAX), 1);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RCX), HVCALL_VTL_RETURN);
	kt_free(t);
}
END_TEST

START_TEST(a_vtl_call_at_cpl3_is_ud)
{
	struct kt *t = kt_new(NULL);

	kt_vtl1(t);
	kt_switch(t, 1);
	kt_long_mode(t, 0, 3);
	kt_set(t, 0, HV_X64_REGISTER_RAX, 0);
	kt_set(t, 0, HV_X64_REGISTER_RCX, HVCALL_VTL_CALL);
	KT_CODE(t, 0, 0xe6, 0x7e, 0x90, STOP);
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBP), 6);
	/* The frame says where: on the trap. */
	ck_assert_uint_eq(*kt_at(t, kt_get(t, 0, HV_X64_REGISTER_RSP)), CODE_GPA);
	kt_free(t);
}
END_TEST

/* carry 0: two KVM_RUN a round trip and not one other ioctl. */
START_TEST(a_round_trip_costs_two_ioctls)
{
	struct vsm_kvm_options o;
	struct vsm_kvm_stats a, b;
	struct kt *t;

	vsm_kvm_options_init(&o);
	o.carry = 0;
	t = kt_new(&o);
	kt_enable_vtl1(t);
	kt_switch(t, 0);
	kt_wrmsr(t, 1, HV_X64_MSR_GUEST_OS_ID, 1);
	kt_wrmsr(t, 1, HV_X64_MSR_HYPERCALL, CODE_PAGE1 | 1);
	/* VTL1: 1: mov $1,%eax; mov $0x12,%ecx; out %al,$0x7e; jmp 1b */
	KT_CODE(t, 1, 0xb8, 1, 0, 0, 0, 0xb9, 0x12, 0, 0, 0, 0xe6, 0x7e, 0xeb, 0xf2);
	ck_assert_uint_eq(kt_stop(t), 0);
	kt_set(t, 0, HV_X64_REGISTER_RBX, 100);
	/* VTL0: 1: xor %eax,%eax; mov $0x11,%ecx; out %al,$0x7e; dec %ebx; jnz 1b */
	KT_CODE(t, 0, 0x31, 0xc0, 0xb9, 0x11, 0, 0, 0, 0xe6, 0x7e, 0xff, 0xcb, 0x75, 0xf3, STOP);
	a = kt_stats(t);
	ck_assert_uint_eq(kt_stop(t), 0);
	b = kt_stats(t);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBX), 0);
	ck_assert_uint_eq(b.switches - a.switches, 200);
	/* Completing the stop before it, and the stop itself. */
	ck_assert_uint_le(b.runs - a.runs, 202);
	ck_assert_uint_eq(b.ioctls - a.ioctls, 0);
	kt_free(t);
}
END_TEST

START_TEST(without_carry_vector_state_stays_and_is_reported)
{
	struct vsm_kvm_options o;
	uint32_t names[64];
	struct kt *t;
	int n, xmm = 0;

	vsm_kvm_options_init(&o);
	o.carry = 0;
	t = kt_new(&o);
	ck_assert_uint_eq(vsm_kvm_carry(t->k), 0);
	n = vsm_kvm_left_out(t->k, names, 64);
	ck_assert_int_gt(n, 0);
	for (int i = 0; i < n && i < 64; i++)
		xmm += names[i] == HV_X64_REGISTER_XMM0;
	ck_assert_int_eq(xmm, 1);
	ck_assert_int_eq(vsm_kvm_left_out(t->k, names, 1), n);
	kt_vtl1(t);
	xmm_load(t, 1, 0x5a);
	kt_switch(t, 1);
	ck_assert_uint_ne(xmm_store(t, 0), 0x5a);
	kt_free(t);
}
END_TEST

START_TEST(with_the_default_only_unmirrored_msrs_are_left_out)
{
	static const uint32_t some[] = { HV_X64_REGISTER_U_CET, HV_X64_REGISTER_PL3_SSP,
					 HV_X64_REGISTER_XFD,	HV_X64_REGISTER_MPERF_MCOUNT,
					 HV_X64_REGISTER_PMC0,	HV_X64_REGISTER_LBR_FROM0 };
	struct kt *t = kt_new(NULL);
	struct vsm_register_info info = { .size = sizeof(info) };
	uint32_t names[64], found = 0;
	int n = vsm_kvm_left_out(t->k, names, 64);

	ck_assert_int_eq(n, 35);
	for (int i = 0; i < n; i++) {
		ck_assert_int_eq(vsm_register_info(names[i], &info), 0);
		ck_assert_msg(info.group == 0 || info.group == VSM_REGS_MSR, "%s", info.text);
		ck_assert_msg(!kvm_msr_mirrored(info.msr), "%s", info.text);
		for (size_t k = 0; k < VSMTEST_COUNT(some); k++)
			found += names[i] == some[k];
	}
	ck_assert_uint_eq(found, VSMTEST_COUNT(some));
	ck_assert_uint_eq(vsm_kvm_carry(t->k), t->k->facts.host.carry);
	kt_free(t);
}
END_TEST

START_TEST(a_failed_switch_changes_nothing)
{
	struct kt *t = kt_new(NULL);
	struct kvm_sync_regs before;
	uint64_t dirty;

	kt_vtl1(t);
	kt_switch(t, 1);
	kt_set(t, 0, HV_X64_REGISTER_RBX, 0x99);
	before = t->vp->vcpu[1].run->s.regs;
	dirty = t->vp->vcpu[1].run->kvm_dirty_regs;
	assert_err(kvm_op_switch_vtl(t->vp, 0, 1, VSM_SWITCH_PREPARE), 0);
	ck_assert_uint_eq(t->vp->vcpu[1].run->s.regs.regs.rbx, 0x99);
	assert_err(kvm_op_switch_vtl(t->vp, 0, 1, VSM_SWITCH_ABORT), 0);
	ck_assert_mem_eq(&before, &t->vp->vcpu[1].run->s.regs, sizeof(before));
	ck_assert_uint_eq(t->vp->vcpu[1].run->kvm_dirty_regs, dirty);
	assert_err(kvm_op_switch_vtl(t->vp, 0, 2, VSM_SWITCH_PREPARE), -VSM_ERR_INVAL);
	assert_err(kvm_op_switch_vtl(t->vp, 0, 1, 7), -VSM_ERR_INVAL);
	kt_free(t);
}
END_TEST

START_TEST(all_vtls_read_one_clock)
{
	struct kt *t = kt_new(NULL);
	uint64_t a, b, c;

	kt_vtl1(t);
	a = kt_rdmsr(t, 1, 0x10);
	kt_switch(t, 1);
	b = kt_rdmsr(t, 0, 0x10);
	kt_switch(t, 0);
	c = kt_rdmsr(t, 1, 0x10);
	ck_assert_uint_lt(a, b);
	ck_assert_uint_lt(b, c);
	kt_free(t);
}
END_TEST

static uint64_t tsc_offset(struct kt *t, uint32_t vtl)
{
	uint64_t offset = 1;
	struct kvm_device_attr attr = { .addr = (uint64_t)(uintptr_t)&offset };

	ck_assert_int_eq(kvm_ioctl(vsm_kvm_vcpu_fd(t->vp, vtl), KVM_GET_DEVICE_ATTR, &attr), 0);
	return offset;
}

/* A VTL that could move the one clock would forge the time of the others. */
START_TEST(no_vtl_moves_the_clock)
{
	struct kt *t = kt_new(NULL);
	uint64_t adjust;

	kt_vtl1(t);
	for (uint32_t vtl = 1; vtl < 2; vtl--) {
		uint64_t before = tsc_offset(t, vtl);

		adjust = kt_rdmsr(t, vtl, 0x3b);
		kt_wrmsr(t, vtl, 0x10, 1);
		ck_assert_uint_eq(kt_vector(t, vtl), 13);
		kt_wrmsr(t, vtl, 0x3b, adjust + 0x1000);
		ck_assert_uint_eq(kt_vector(t, vtl), 13);
		ck_assert_uint_eq(kt_rdmsr(t, vtl, 0x3b), adjust);
		kt_wrmsr(t, vtl, 0x3b, adjust); /* Changes nothing. */
		ck_assert_uint_eq(kt_vector(t, vtl), 0xff);
		ck_assert_uint_eq(tsc_offset(t, vtl), before);
		if (vtl == 1)
			kt_switch(t, 1);
	}
	ck_assert_uint_eq(tsc_offset(t, 0), tsc_offset(t, 1));
	kt_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(vtl1_starts_with_its_context),
	VSMTEST_CASE(gprs_cross_in_both_directions),
	VSMTEST_CASE(cr2_is_shared),
	VSMTEST_CASE(xmm_reaches_a_vtl_that_never_ran),
	VSMTEST_CASE(xmm_crosses_in_both_directions),
	VSMTEST_CASE(initial_state_crosses_too),
	VSMTEST_CASE(xmm_is_set_only_when_it_changed),
	VSMTEST_CASE(debug_registers_cross_but_dr7_stays),
	VSMTEST_CASE(private_msrs_stay),
	VSMTEST_CASE(shared_msrs_are_written_in_every_vtl),
	VSMTEST_CASE(bad_shared_msr_raises_gp_and_changes_nothing),
	VSMTEST_CASE(a_fast_return_leaves_rax_and_rcx),
	VSMTEST_CASE(a_vtl_call_at_cpl3_is_ud),
	VSMTEST_CASE(a_round_trip_costs_two_ioctls),
	VSMTEST_CASE(without_carry_vector_state_stays_and_is_reported),
	VSMTEST_CASE(with_the_default_only_unmirrored_msrs_are_left_out),
	VSMTEST_CASE(a_failed_switch_changes_nothing),
	VSMTEST_CASE(all_vtls_read_one_clock),
	VSMTEST_CASE(no_vtl_moves_the_clock),
};

int main(void)
{
	return kt_main("kvm_vtl", cases, VSMTEST_COUNT(cases));
}
