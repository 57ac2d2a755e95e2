/* SPDX-License-Identifier: BSD-3-Clause */
/* Registers by HV name: each goes to the right place, batches are all or nothing. */
#include "kvmtest.h"

struct row {
	uint32_t name;
	uint64_t low, high;
};

static const struct row rows[] = {
	{ HV_X64_REGISTER_RAX, 0x0101, 0 },
	{ HV_X64_REGISTER_RCX, 0x0202, 0 },
	{ HV_X64_REGISTER_RDX, 0x0303, 0 },
	{ HV_X64_REGISTER_RBX, 0x0404, 0 },
	{ HV_X64_REGISTER_RSP, 0x0505, 0 },
	{ HV_X64_REGISTER_RBP, 0x0606, 0 },
	{ HV_X64_REGISTER_RSI, 0x0707, 0 },
	{ HV_X64_REGISTER_RDI, 0x0808, 0 },
	{ HV_X64_REGISTER_R8, 0x0909, 0 },
	{ HV_X64_REGISTER_R9, 0x0a0a, 0 },
	{ HV_X64_REGISTER_R10, 0x0b0b, 0 },
	{ HV_X64_REGISTER_R11, 0x0c0c, 0 },
	{ HV_X64_REGISTER_R12, 0x0d0d, 0 },
	{ HV_X64_REGISTER_R13, 0x0e0e, 0 },
	{ HV_X64_REGISTER_R14, 0x0f0f, 0 },
	{ HV_X64_REGISTER_R15, 0x1010, 0 },
	{ HV_X64_REGISTER_RIP, CODE_GPA + 7, 0 },
	{ HV_X64_REGISTER_RFLAGS, 0x246, 0 },
	{ HV_X64_REGISTER_XMM0, 0x1111222233334444ull, 0x5555666677778888ull },
	{ HV_X64_REGISTER_XMM15, 0x1, 0x2 },
	{ HV_X64_REGISTER_XMM_CONTROL_STATUS, 0, 0x0000ffff00001f00ull },
	{ HV_X64_REGISTER_FP_CONTROL_STATUS, 0x000000000000027full, 0 },
	{ HV_X64_REGISTER_CR2, 0x123456789000ull, 0 },
	{ HV_X64_REGISTER_CR3, TABLES_GPA + 0x18, 0 },
	{ HV_X64_REGISTER_CR8, 0x7, 0 },
	{ HV_X64_REGISTER_DR0, 0x1000, 0 },
	{ HV_X64_REGISTER_DR3, 0x4000, 0 },
	{ HV_X64_REGISTER_DR7, 0x600, 0 },
	{ HV_X64_REGISTER_KERNEL_GS_BASE, 0xffff800000001000ull, 0 },
	{ HV_X64_REGISTER_PAT, 0x0007040600070404ull, 0 },
	{ HV_X64_REGISTER_SYSENTER_CS, 0x8, 0 },
	{ HV_X64_REGISTER_SYSENTER_EIP, 0x9000, 0 },
	{ HV_X64_REGISTER_SYSENTER_ESP, 0xa000, 0 },
	{ HV_X64_REGISTER_STAR, 0x0023001000000000ull, 0 },
	{ HV_X64_REGISTER_LSTAR, 0xffff800000002000ull, 0 },
	{ HV_X64_REGISTER_CSTAR, 0xffff800000003000ull, 0 },
	{ HV_X64_REGISTER_SFMASK, 0x700, 0 },
	{ HV_X64_REGISTER_TSC_AUX, 0x5, 0 },
};

static void round_trip(struct kt *t, uint32_t vtl)
{
	struct vsm_reg reg;

	for (uint32_t i = 0; i < VSMTEST_COUNT(rows); i++) {
		reg = (struct vsm_reg){ .name = rows[i].name,
					.value = { rows[i].low, rows[i].high } };
		assert_err(vsm_kvm_vp_set(t->vp, vtl, &reg, 1), 0);
	}
	for (uint32_t i = 0; i < VSMTEST_COUNT(rows); i++) {
		reg = (struct vsm_reg){ .name = rows[i].name, .value = { 1, 1 } };
		assert_err(vsm_kvm_vp_get(t->vp, vtl, &reg, 1), 0);
		ck_assert_msg(reg.value.low == rows[i].low && reg.value.high == rows[i].high,
			      "VTL%u %s: %#llx %#llx", vtl, vsm_register_name(rows[i].name),
			      (unsigned long long)reg.value.low,
			      (unsigned long long)reg.value.high);
	}
}

START_TEST(each_register_of_the_running_vtl)
{
	struct kt *t = kt_new(NULL);

	round_trip(t, 0);
	kt_free(t);
}
END_TEST

START_TEST(each_register_of_a_vtl_that_does_not_run)
{
	struct kt *t = kt_new(NULL);

	kt_long_mode(t, 1, 0);
	round_trip(t, 1);
	/* What is shared was set for the one that runs. */
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBX), 0x0404);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RSP), STACK_GPA);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_XMM15), 1);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_DR7), 0x400);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_STAR), 0);
	kt_free(t);
}
END_TEST

/* KVM itself holds what was set: it is the same after the guest ran. */
START_TEST(registers_outlive_a_run)
{
	struct kt *t = kt_new(NULL);

	for (uint32_t i = 2; i < 16; i++) {
		if (i != 4)
			kt_set(t, 0, HV_X64_REGISTER_RAX + i, 0xabc000 + i);
	}
	kt_set(t, 0, HV_X64_REGISTER_CR8, 5);
	kt_set(t, 0, HV_X64_REGISTER_CR2, 0x4000);
	KT_CODE(t, 0, 0x44, 0x0f, 0x20, 0xc0, STOP); /* mov %cr8,%rax */
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RAX), 5);
	for (uint32_t i = 2; i < 16; i++) {
		if (i != 4)
			ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RAX + i), 0xabc000 + i);
	}
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_CR8), 5);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_CR2), 0x4000);
	KT_CODE(t, 0, 0xb8, 3, 0, 0, 0, 0x44, 0x0f, 0x22, 0xc0, STOP); /* mov $3,%eax; to CR8 */
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_CR8), 3);
	kt_free(t);
}
END_TEST

START_TEST(segments_keep_all_their_bits)
{
	static const uint16_t attributes[] = { 0xc0f3, 0x10f3, 0x40f1, 0x8093 };
	struct kt *t = kt_new(NULL);
	struct vsm_reg reg = { .name = HV_X64_REGISTER_FS };
	struct hv_segment_register s, got;

	for (uint32_t i = 0; i < VSMTEST_COUNT(attributes); i++) {
		s = (struct hv_segment_register){ .base = 0xffff800012345678ull,
						  .limit = 0xfffff,
						  .selector = 0x2b,
						  .attributes = attributes[i] };
		if (attributes[i] & HV_X64_SEGMENT_GRANULARITY)
			s.limit = 0xffffffff;
		memcpy(&reg.value, &s, sizeof(s));
		assert_err(vsm_kvm_vp_set(t->vp, 0, &reg, 1), 0);
		memset(&reg.value, 0, sizeof(reg.value));
		assert_err(vsm_kvm_vp_get(t->vp, 0, &reg, 1), 0);
		memcpy(&got, &reg.value, sizeof(got));
		ck_assert_mem_eq(&got, &s, sizeof(s));
	}
	kt_free(t);
}
END_TEST

/* Some CPUs cannot enter a guest without a busy TSS: it has an empty one until it loads its own. */
START_TEST(an_absent_task_register_is_made_up)
{
	struct kt *t = kt_new(NULL);
	struct vsm_reg reg = { .name = HV_X64_REGISTER_TR };
	struct hv_segment_register s;

	assert_err(vsm_kvm_vp_set(t->vp, 0, &reg, 1), 0);
	assert_err(vsm_kvm_vp_get(t->vp, 0, &reg, 1), 0);
	memcpy(&s, &reg.value, sizeof(s));
	ck_assert_uint_eq(s.attributes, HV_X64_SEGMENT_PRESENT | 11);
	ck_assert_uint_eq(s.limit, 0);
	KT_CODE(t, 0, STOP);
	ck_assert_uint_eq(kt_stop(t), 0);
	kt_free(t);
}
END_TEST

START_TEST(table_registers)
{
	struct kt *t = kt_new(NULL);
	struct vsm_reg reg = { .name = HV_X64_REGISTER_IDTR, .value = kt_table(0x12345000, 0xabc) };
	struct hv_table_register got;

	assert_err(vsm_kvm_vp_set(t->vp, 0, &reg, 1), 0);
	memset(&reg.value, 0, sizeof(reg.value));
	assert_err(vsm_kvm_vp_get(t->vp, 0, &reg, 1), 0);
	memcpy(&got, &reg.value, sizeof(got));
	ck_assert_uint_eq(got.base, 0x12345000);
	ck_assert_uint_eq(got.limit, 0xabc);
	reg.name = HV_X64_REGISTER_GDTR;
	assert_err(vsm_kvm_vp_get(t->vp, 0, &reg, 1), 0);
	memcpy(&got, &reg.value, sizeof(got));
	ck_assert_uint_eq(got.base, GDT_GPA);
	kt_free(t);
}
END_TEST

/* A batch of two of which KVM refuses the second: the first is as it was. */
static void half_refused(uint32_t name, uint64_t value, uint32_t bad,
			 struct hv_register_value bad_value)
{
	struct kt *t = kt_new(NULL);
	uint64_t before = kt_get(t, 0, name), bad_before = kt_get(t, 0, bad);
	struct vsm_reg regs[] = { { .name = name, .value = { .low = value } },
				  { .name = bad, .value = bad_value } };

	ck_assert_uint_ne(before, value);
	assert_err(vsm_kvm_vp_set(t->vp, 0, regs, 2), -VSM_ERR_INVAL);
	ck_assert_msg(kt_get(t, 0, name) == before, "%s has changed", vsm_register_name(name));
	ck_assert_uint_eq(kt_get(t, 0, bad), bad_before);
	KT_CODE(t, 0, STOP);
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(kt_get(t, 0, name), before);
	kt_free(t);
}

START_TEST(a_refused_batch_changes_nothing)
{
	struct hv_register_value cr4 = { 0x620 | 1ull << 40, 0 };
	struct hv_register_value mxcsr = { 0, 0x11f80 }; /* A bit that no MXCSR has. */

	half_refused(HV_X64_REGISTER_RBX, 7, HV_X64_REGISTER_CR4, cr4);
	half_refused(HV_X64_REGISTER_CR3, TABLES_GPA + 0x18, HV_X64_REGISTER_CR4, cr4);
	half_refused(HV_X64_REGISTER_RBX, 7, HV_X64_REGISTER_XMM_CONTROL_STATUS, mxcsr);
	half_refused(HV_X64_REGISTER_STAR, 7, HV_X64_REGISTER_XMM_CONTROL_STATUS, mxcsr);
	half_refused(HV_X64_REGISTER_CR3, TABLES_GPA + 0x18, HV_X64_REGISTER_XMM_CONTROL_STATUS,
		     mxcsr);
	half_refused(HV_X64_REGISTER_CR8, 4, HV_X64_REGISTER_XMM_CONTROL_STATUS, mxcsr);
	half_refused(HV_X64_REGISTER_DR0, 4, HV_X64_REGISTER_XMM_CONTROL_STATUS, mxcsr);
}
END_TEST

START_TEST(a_bad_mxcsr_is_refused)
{
	struct kt *t = kt_new(NULL);
	struct vsm_reg reg = { .name = HV_X64_REGISTER_XMM_CONTROL_STATUS,
			       .value = { 0, 0x11f80 } };

	assert_err(vsm_kvm_vp_set(t->vp, 0, &reg, 1), -VSM_ERR_INVAL);
	kt_free(t);
}
END_TEST

START_TEST(unknown_registers_are_not_found)
{
	static const uint32_t names[] = {
		HV_REGISTER_VSM_VP_STATUS, 0x00020012, 0x00060008, 0x00070002,
		HV_X64_REGISTER_DEBUGCTL,  0xffffffff
	};
	struct kt *t = kt_new(NULL);
	struct vsm_reg regs[2] = { { .name = HV_X64_REGISTER_RBX, .value = { .low = 77 } } };

	for (uint32_t i = 0; i < VSMTEST_COUNT(names); i++) {
		regs[1].name = names[i];
		assert_err(vsm_kvm_vp_get(t->vp, 0, regs, 2), -VSM_ERR_NOTFOUND);
		regs[0].value.low = 77;
		assert_err(vsm_kvm_vp_set(t->vp, 0, regs, 2), -VSM_ERR_NOTFOUND);
		ck_assert_uint_ne(kt_get(t, 0, HV_X64_REGISTER_RBX), 77);
	}
	kt_free(t);
}
END_TEST

START_TEST(xcr0_exists_only_with_xsave)
{
	struct kt *t = kt_new(NULL);
	struct vsm_reg reg = { .name = HV_X64_REGISTER_XFEM };
	int has = (t->k->facts.host.carry & VSM_KVM_CARRY_XCR0) != 0;

	assert_err(vsm_kvm_vp_get(t->vp, 0, &reg, 1), has ? 0 : -VSM_ERR_NOTFOUND);
	reg.value.low = 2; /* x87 must be on. */
	assert_err(vsm_kvm_vp_set(t->vp, 0, &reg, 1), has ? -VSM_ERR_INVAL : -VSM_ERR_NOTFOUND);
	kt_free(t);
}
END_TEST

START_TEST(set_and_get_check_their_arguments)
{
	struct kt *t = kt_new(NULL);
	struct vsm_reg regs[33] = { { .name = HV_X64_REGISTER_RBX } };

	assert_err(vsm_kvm_vp_set(NULL, 0, regs, 1), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_vp_set(t->vp, 0, NULL, 1), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_vp_set(t->vp, 2, regs, 1), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_vp_set(t->vp, 0, regs, 0), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_vp_set(t->vp, 0, regs, 33), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_vp_get(t->vp, 2, regs, 1), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_vp_get(t->vp, 0, regs, 33), -VSM_ERR_INVAL);
	kt_free(t);
}
END_TEST

START_TEST(xmm_block_ops)
{
	struct kt *t = kt_new(NULL);
	const struct vsm_host_ops *ops = vsm_kvm_ops(t->k);
	struct vsm_reg reg = { .name = HV_X64_REGISTER_XMM5 };
	struct vsm_xmm_block block, got;

	for (uint32_t i = 0; i < sizeof(block.bytes); i++)
		block.bytes[i] = (uint8_t)(i * 3 + 1);
	assert_err(ops->xmm_set(t->vp, 0, &block), 0);
	assert_err(ops->xmm_get(t->vp, 0, &got), 0);
	ck_assert_mem_eq(block.bytes, got.bytes, sizeof(block.bytes));
	assert_err(vsm_kvm_vp_get(t->vp, 0, &reg, 1), 0);
	ck_assert_mem_eq(&reg.value, block.bytes + 80, 16);
	/* The guest has it too: movdqu %xmm5,(%rdi) */
	kt_set(t, 0, HV_X64_REGISTER_RDI, OTHER_GPA);
	KT_CODE(t, 0, 0xf3, 0x0f, 0x7f, 0x2f, STOP);
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_mem_eq(t->ram + OTHER_GPA, block.bytes + 80, 16);
	kt_free(t);
}
END_TEST

/* A register set while a port read is under way counts from the next instruction on. */
START_TEST(a_set_completes_half_done_io)
{
	struct kt *t = kt_new(NULL);

	KT_CODE(t, 0, 0xe4, 0x60, 0xf4, 0xf4, STOP); /* in $0x60,%al; hlt; hlt */
	ck_assert_uint_eq(kt_run(t), VSM_KVM_EXIT_PIO);
	ck_assert_uint_eq(t->exit.rip, CODE_GPA);
	t->exit.data[0] = 0x99;
	kt_set(t, 0, HV_X64_REGISTER_RIP, CODE_GPA + 4);
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(t->exit.rip, CODE_GPA + 6);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RAX) & 0xff, 0x99);
	kt_free(t);
}
END_TEST

START_TEST(interrupt_state_and_pending_interruption)
{
	struct kt *t = kt_new(NULL);
	struct vsm_exception pf = { .vector = 14,
				    .has_error_code = 1,
				    .has_parameter = 1,
				    .error_code = 0x12,
				    .parameter = 0xdead000 };
	struct vsm_reg reg = { .name = HV_REGISTER_INTERRUPT_STATE };

	assert_err(vsm_kvm_vp_get(t->vp, 0, &reg, 1), 0);
	ck_assert_uint_eq(reg.value.low, 0);
	ck_assert_uint_eq(kt_get(t, 0, HV_REGISTER_PENDING_INTERRUPTION), 0);
	assert_err(kvm_event_raise(t->vp, &t->vp->vcpu[0], &pf), 0);
	/* Pending, exception, error code, vector 14 (TLFS 7.8.2). */
	ck_assert_uint_eq(kt_get(t, 0, HV_REGISTER_PENDING_INTERRUPTION),
			  0x12ull << 32 | 14 << 16 | 1 << 4 | 3 << 1 | 1);
	KT_CODE(t, 0, STOP);
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBP), 14);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_CR2), 0xdead000);
	ck_assert_uint_eq(kt_at(t, kt_get(t, 0, HV_X64_REGISTER_RSP))[0], 0x12);
	kt_free(t);
}
END_TEST

START_TEST(an_injected_event_can_be_taken_back)
{
	struct kt *t = kt_new(NULL);
	const struct vsm_host_ops *ops = vsm_kvm_ops(t->k);
	struct vsm_exception gp = { .vector = 13, .has_error_code = 1 };

	assert_err(ops->inject_event(t->vp, 0, &gp), 0);
	assert_err(ops->inject_event(t->vp, 0, NULL), 0);
	kt_set(t, 0, HV_X64_REGISTER_RBP, 0xff);
	KT_CODE(t, 0, STOP);
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBP), 0xff);
	assert_err(ops->inject_event(t->vp, 0, &gp), 0);
	KT_CODE(t, 0, STOP);
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBP), 13);
	/* Refused rather than lost: one is under way. */
	assert_err(kvm_event_raise(t->vp, &t->vp->vcpu[0], &gp), 0);
	assert_err(ops->inject_event(t->vp, 0, &gp), -VSM_ERR_HOST);
	kt_free(t);
}
END_TEST

/* What VTL1 had in store for VTL0 is not for the guest that boots after a reset. */
START_TEST(an_injected_event_does_not_outlive_a_reset)
{
	struct kt *t = kt_new(NULL);
	struct hv_input_set_vp_registers *in = (void *)kt_at(t, INPUT_GPA);
	struct hv_register_assoc *reg = (void *)(in + 1);

	kt_vtl1(t);
	memset(in, 0, sizeof(*in) + sizeof(*reg));
	in->partition_id = HV_PARTITION_ID_SELF;
	in->vp_index = HV_VP_INDEX_SELF;
	in->input_vtl = 0x10; /* VTL0 */
	reg->name = HV_REGISTER_PENDING_EVENT0;
	reg->value.low = 13 << 16 | 0x100 | 1; /* #GP(0) */
	ck_assert_uint_eq(kt_hypercall(t, 1, HVCALL_SET_VP_REGISTERS | REPS(1), INPUT_GPA, 0),
			  REPS(1));
	assert_err(vsm_partition_reset(t->vsm), 0);
	kt_tables(t);
	kt_long_mode(t, 0, 0);
	kt_set(t, 0, HV_X64_REGISTER_RBP, 0xff);
	KT_CODE(t, 0, STOP);
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBP), 0xff);
	kt_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(each_register_of_the_running_vtl),
	VSMTEST_CASE(each_register_of_a_vtl_that_does_not_run),
	VSMTEST_CASE(registers_outlive_a_run),
	VSMTEST_CASE(segments_keep_all_their_bits),
	VSMTEST_CASE(an_absent_task_register_is_made_up),
	VSMTEST_CASE(table_registers),
	VSMTEST_CASE(a_refused_batch_changes_nothing),
	VSMTEST_CASE(a_bad_mxcsr_is_refused),
	VSMTEST_CASE(unknown_registers_are_not_found),
	VSMTEST_CASE(xcr0_exists_only_with_xsave),
	VSMTEST_CASE(set_and_get_check_their_arguments),
	VSMTEST_CASE(xmm_block_ops),
	VSMTEST_CASE(a_set_completes_half_done_io),
	VSMTEST_CASE(interrupt_state_and_pending_interruption),
	VSMTEST_CASE(an_injected_event_can_be_taken_back),
	VSMTEST_CASE(an_injected_event_does_not_outlive_a_reset),
};

int main(void)
{
	return kt_main("kvm_regs", cases, VSMTEST_COUNT(cases));
}
