/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory faults and secure intercepts (TLFS 15.9.3, 15.13, ch. 13). */
#include <string.h>

#include "vsmtest.h"

#define R      HV_MAP_GPA_READABLE
#define RW     (HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE)
#define RX     (HV_MAP_GPA_READABLE | HV_MAP_GPA_EXECUTABLE)
#define READ   HV_INTERCEPT_ACCESS_READ
#define WRITE  HV_INTERCEPT_ACCESS_WRITE
#define FETCH  HV_INTERCEPT_ACCESS_EXECUTE
#define TARGET (VSMTEST_DATA_GPA + 0x123)

/* VTL1 left these rights on VSMTEST_DATA_GPA, and VTL0 runs. */
static struct vsmtest *denied(uint32_t rights)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, rights, VSMTEST_DATA_GPA), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RIP, 0x401000);
	return t;
}

START_TEST(rights_decide_between_retry_and_intercept)
{
	static const struct {
		uint32_t rights;
		uint32_t access;
		int verdict;
	} rows[] = {
		{ 0, READ, VSM_VERDICT_SWITCHED },   { 0, WRITE, VSM_VERDICT_SWITCHED },
		{ 0, FETCH, VSM_VERDICT_SWITCHED },  { R, READ, VSM_VERDICT_RETRY },
		{ R, WRITE, VSM_VERDICT_SWITCHED },  { R, FETCH, VSM_VERDICT_SWITCHED },
		{ RW, READ, VSM_VERDICT_RETRY },     { RW, WRITE, VSM_VERDICT_RETRY },
		{ RW, FETCH, VSM_VERDICT_SWITCHED }, { RX, READ, VSM_VERDICT_RETRY },
		{ RX, WRITE, VSM_VERDICT_SWITCHED }, { RX, FETCH, VSM_VERDICT_RETRY },
		{ 15, READ, VSM_VERDICT_RETRY },     { 15, WRITE, VSM_VERDICT_RETRY },
		{ 15, FETCH, VSM_VERDICT_RETRY },
	};
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(rows); i++) {
		struct vsmtest *t = denied(rows[i].rights);
		struct vsm_memory_fault fault;
		uint32_t user;

		vsmtest_fault_init(&fault, TARGET, rows[i].access);
		for (user = 0; user < 2; user++) {
			fault.user = (uint8_t)user;
			assert_verdict(vsmtest_memory_fault(t, 0, &fault), rows[i].verdict);
			if (rows[i].verdict != VSM_VERDICT_SWITCHED)
				continue;
			ck_assert_uint_eq(vsmtest_intercept(t, 0, 1)->header.intercept_access_type,
					  rows[i].access);
			assert_verdict(vsmtest_take_message(t, 0), VSM_VERDICT_RESUME);
			assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
		}
		vsmtest_free(t);
	}
}
END_TEST

START_TEST(what_is_no_ram_is_not_ours)
{
	struct vsmtest *t = denied(0);
	uint64_t hash = vsmtest_hash(t);

	assert_verdict(vsmtest_fault(t, 0, VSMTEST_HOLE_GPA, WRITE), VSM_VERDICT_NOT_MINE);
	assert_verdict(vsmtest_fault(t, 0, 0xfee00000, READ), VSM_VERDICT_NOT_MINE);
	assert_verdict(vsmtest_fault(t, 0, 1ull << 52, READ), VSM_VERDICT_NOT_MINE);
	assert_verdict(vsmtest_fault(t, 0, 0xffffffffffffffff, FETCH), VSM_VERDICT_NOT_MINE);
	assert_same(t, hash);
	vsmtest_free(t);
}
END_TEST

START_TEST(an_allowed_access_is_retried_and_changes_nothing)
{
	struct vsmtest *t = denied(R);
	uint64_t hash = vsmtest_hash(t);

	assert_verdict(vsmtest_fault(t, 0, TARGET, READ), VSM_VERDICT_RETRY);
	assert_verdict(vsmtest_fault(t, 0, TARGET + 0x1000, WRITE), VSM_VERDICT_RETRY);
	assert_same(t, hash);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_field_out_of_range_is_named)
{
#define BAD(member, value)                                                \
	{                                                                 \
#member, offsetof(struct vsm_memory_fault, member), value \
	}
	static const struct {
		const char *name;
		size_t offset;
		uint8_t value;
	} bad[] = {
		BAD(size, 0),
		BAD(access, 3),
		BAD(access, 255),
		BAD(user, 2),
		BAD(flags, 0x4),
		BAD(instruction_length, 16),
		BAD(instruction_byte_count, 17),
	};
#undef BAD
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(bad); i++) {
		struct vsmtest *t = denied(0);
		uint64_t hash = vsmtest_hash(t);
		struct vsm_memory_fault fault;

		vsmtest_fault_init(&fault, TARGET, WRITE);
		memcpy((char *)&fault + bad[i].offset, &bad[i].value, 1);
		assert_err(vsmtest_memory_fault(t, 0, &fault), -VSM_ERR_INVAL);
		ck_assert_msg(vsmtest_logged(t, bad[i].name), "no log line names %s", bad[i].name);
		assert_same(t, hash);
		vsmtest_free(t);
	}
}
END_TEST

START_TEST(the_message_is_exact_in_each_byte)
{
	struct vsmtest *t = denied(0);
	struct vsm_memory_fault fault;
	uint8_t slot[256], want[256];
	struct hv_segment_register cs;
	static const uint8_t code[16] = {
		0x66, 0x0f, 0x7f, 0x07, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2
	};
	uint64_t value;
	uint32_t word;
	uint16_t half;

	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RIP, 0xffff800000401234);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RFLAGS, 0x10246);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_CR8, 0x5);
	memcpy(&cs, vsmtest_slot(t, 0, 0, HV_X64_REGISTER_CS), sizeof(cs));
	vsmtest_fault_init(&fault, TARGET, WRITE);
	fault.gva = 0xffff888000abc123;
	fault.instruction_length = 4;
	fault.instruction_byte_count = 16;
	memcpy(fault.instruction_bytes, code, 16);
	assert_verdict(vsmtest_memory_fault(t, 0, &fault), VSM_VERDICT_SWITCHED);

	/* Offsets in the slot: the header of a message is 16 bytes, the payload 80. */
	memset(want, 0, sizeof(want));
	word = 0x80000001;
	memcpy(want + 0, &word, 4);
	want[4] = 80;
	/* 16: VpIndex 0; 20: length and CR8; 21: access; 22: state of the execution. */
	memcpy(slot, vsmtest_message(t, 0, 1), sizeof(slot));
	want[20] = 0x54;
	want[21] = 1;
	/* CPL 0, CR0.PE, CR0.AM, EFER.LMA, VTL 0. */
	half = HV_X64_EXECUTION_STATE_CR0_PE | HV_X64_EXECUTION_STATE_CR0_AM |
	       HV_X64_EXECUTION_STATE_EFER_LMA;
	memcpy(want + 22, &half, 2);
	memcpy(want + 24, &cs, 16);
	value = 0xffff800000401234;
	memcpy(want + 40, &value, 8);
	value = 0x10246;
	memcpy(want + 48, &value, 8);
	/* 56: cache type WB; 60: byte count; 61: GVA valid, GPA of the final access. */
	word = HV_CACHE_TYPE_WRITE_BACK;
	memcpy(want + 56, &word, 4);
	want[60] = 16;
	want[61] = 3;
	/* 62: TPR priority, which nobody knows without a local APIC; 63: reserved. */
	value = 0xffff888000abc123;
	memcpy(want + 64, &value, 8);
	value = TARGET;
	memcpy(want + 72, &value, 8);
	memcpy(want + 80, code, 16);
	/* 8: OriginationId 0 (doc/conformance.md). */
	ck_assert_mem_eq(slot, want, sizeof(slot));
	vsmtest_free(t);
}
END_TEST

START_TEST(what_is_not_known_is_not_claimed)
{
	struct vsmtest *t = denied(0);
	struct vsm_memory_fault fault;

	vsmtest_fault_init(&fault, TARGET, READ);
	fault.flags = 0;
	fault.instruction_length = 0;
	fault.instruction_byte_count = 0;
	memset(fault.instruction_bytes, 0, sizeof(fault.instruction_bytes));
	assert_verdict(vsmtest_memory_fault(t, 0, &fault), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_intercept(t, 0, 1)->memory_access_info, 0);
	ck_assert_uint_eq(vsmtest_intercept(t, 0, 1)->guest_virtual_address, 0);
	ck_assert_uint_eq(vsmtest_intercept(t, 0, 1)->header.instruction_length_cr8 & 0xf, 0);
	ck_assert_uint_eq(vsmtest_intercept(t, 0, 1)->instruction_byte_count, 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(the_mode_of_the_intercepted_code_is_told)
{
	struct vsmtest *t = denied(0);
	uint32_t state;

	vsmtest_cpl(t, 0, 3);
	assert_verdict(vsmtest_fault(t, 0, TARGET, READ), VSM_VERDICT_SWITCHED);
	state = vsmtest_intercept(t, 0, 1)->header.execution_state;
	ck_assert_uint_eq(state & HV_X64_EXECUTION_STATE_CPL_MASK, 3);
	ck_assert_uint_eq(state & HV_X64_EXECUTION_STATE_EFER_LMA, HV_X64_EXECUTION_STATE_EFER_LMA);
	assert_verdict(vsmtest_take_message(t, 0), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	vsmtest_mode32(t, 0);
	assert_verdict(vsmtest_fault(t, 0, TARGET, READ), VSM_VERDICT_SWITCHED);
	state = vsmtest_intercept(t, 0, 1)->header.execution_state;
	ck_assert_uint_eq(state, HV_X64_EXECUTION_STATE_CR0_PE);
	assert_verdict(vsmtest_take_message(t, 0), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_CR0, 0x10);
	assert_verdict(vsmtest_fault(t, 0, TARGET, READ), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_intercept(t, 0, 1)->header.execution_state, 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(the_lower_vtl_stays_on_its_instruction)
{
	struct vsmtest *t = denied(0);

	assert_verdict(vsmtest_fault(t, 0, TARGET, WRITE), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 1);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RIP), 0x401000);
	assert_verdict(vsmtest_take_message(t, 0), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RIP), 0x401000);
	vsmtest_free(t);
}
END_TEST

START_TEST(the_entry_reason_is_an_interrupt)
{
	struct vsmtest *t = denied(0);

	assert_verdict(vsmtest_fault(t, 0, TARGET, WRITE), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_assist(t, 0, 1)->vtl_control.entry_reason,
			  HV_VTL_ENTRY_INTERRUPT);
	vsmtest_free(t);
}
END_TEST

START_TEST(the_interrupted_registers_are_those_vtl1_finds)
{
	struct vsmtest *t = denied(0);
	struct hv_vp_assist_page *assist = vsmtest_assist(t, 0, 1);

	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RAX, 0x1212);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RCX, 0x3434);
	assert_verdict(vsmtest_fault(t, 0, TARGET, WRITE), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 1, HV_X64_REGISTER_RAX), 0x1212);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 1, HV_X64_REGISTER_RCX), 0x3434);
	/* VTL1 gives them back by a normal return. */
	assist->vtl_control.vtl_return_x64_rax = 0x1212;
	assist->vtl_control.vtl_return_x64_rcx = 0x3434;
	assert_verdict(vsmtest_take_message(t, 0), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_vtl_return(t, 0, 0), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RAX), 0x1212);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RCX), 0x3434);
	vsmtest_free(t);
}
END_TEST

START_TEST(vtl1_grants_and_vtl0_goes_on)
{
	struct vsmtest *t = denied(0);

	assert_verdict(vsmtest_fault(t, 0, TARGET, WRITE), VSM_VERDICT_SWITCHED);
	assert_status(vsmtest_modify_gpa(t, 0, RW, VSMTEST_DATA_GPA), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_take_message(t, 0), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_view(t, 0, TARGET), RW);
	assert_verdict(vsmtest_fault(t, 0, TARGET, WRITE), VSM_VERDICT_RETRY);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_busy_slot_keeps_vtl0_away_until_the_message_fits)
{
	struct vsmtest *t = denied(0);
	struct hv_message *slot = vsmtest_message(t, 0, 1);
	uint32_t round;

	assert_verdict(vsmtest_fault(t, 0, TARGET, WRITE), VSM_VERDICT_SWITCHED);
	/* VTL1 grants nothing, keeps the slot and returns: VTL0 faults again elsewhere. */
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 0);
	assert_verdict(vsmtest_fault(t, 0, TARGET + 8, READ), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 1);
	ck_assert_uint_eq(vsmtest_intercept(t, 0, 1)->guest_physical_address, TARGET);
	ck_assert_uint_eq(slot->header.message_flags & HV_MESSAGE_FLAG_PENDING,
			  HV_MESSAGE_FLAG_PENDING);
	/* Whatever VTL1 does without emptying it, it is back at once. */
	for (round = 0; round < 3; round++) {
		assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
		ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 1);
	}
	/* EOM with the slot still full changes nothing. */
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_EOM, 0), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(vsmtest_intercept(t, 0, 1)->guest_physical_address, TARGET);
	assert_verdict(vsmtest_take_message(t, 0), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(slot->header.message_type, HVMSG_GPA_INTERCEPT);
	ck_assert_uint_eq(vsmtest_intercept(t, 0, 1)->guest_physical_address, TARGET + 8);
	ck_assert_uint_eq(slot->header.message_flags & HV_MESSAGE_FLAG_PENDING, 0);
	assert_verdict(vsmtest_take_message(t, 0), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(slot->header.message_type, HVMSG_NONE);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_return_with_an_emptied_slot_delivers_what_waits)
{
	struct vsmtest *t = denied(0);

	assert_verdict(vsmtest_fault(t, 0, TARGET, WRITE), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_fault(t, 0, TARGET + 8, READ), VSM_VERDICT_SWITCHED);
	/* The guest forgot EOM; its return is as good (TLFS 11.10: retried now and then). */
	vsmtest_message(t, 0, 1)->header.message_type = HVMSG_NONE;
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 1);
	ck_assert_uint_eq(vsmtest_intercept(t, 0, 1)->guest_physical_address, TARGET + 8);
	ck_assert_uint_eq(vsmtest_assist(t, 0, 1)->vtl_control.entry_reason,
			  HV_VTL_ENTRY_INTERRUPT);
	vsmtest_free(t);
}
END_TEST

START_TEST(without_a_message_page_the_intercept_waits_for_it)
{
	struct vsmtest *t = denied(0);

	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, VSMTEST_SIMP_GPA(0, 1)),
		       VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	/* VTL1 is entered all the same; VTL0 never runs on. */
	assert_verdict(vsmtest_fault(t, 0, TARGET, WRITE), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 1);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 1);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, VSMTEST_SIMP_GPA(0, 1) | 1),
		       VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_EOM, 0), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(vsmtest_message(t, 0, 1)->header.message_type, HVMSG_GPA_INTERCEPT);
	ck_assert_uint_eq(vsmtest_intercept(t, 0, 1)->guest_physical_address, TARGET);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_disabled_synic_holds_messages_back)
{
	struct vsmtest *t = denied(0);

	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SCONTROL, 0), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_fault(t, 0, TARGET, WRITE), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_message(t, 0, 1)->header.message_type, HVMSG_NONE);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 1);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SCONTROL, 1), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_EOM, 0), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(vsmtest_message(t, 0, 1)->header.message_type, HVMSG_GPA_INTERCEPT);
	vsmtest_free(t);
}
END_TEST

START_TEST(an_unmasked_sint0_raises_its_vector)
{
	struct vsmtest *t = denied(0);

	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SINT0, 0x60 | HV_SYNIC_SINT_AUTO_EOI),
		       VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_fault(t, 0, TARGET, WRITE), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(t->vp[0].interrupts, 1);
	ck_assert_uint_eq(t->vp[0].last_vtl, 1);
	ck_assert_uint_eq(t->vp[0].last_vector, 0x60);
	ck_assert_uint_eq(t->vp[0].last_auto_eoi, 1);
	vsmtest_free(t);
}
END_TEST

START_TEST(polled_and_masked_sints_raise_nothing_but_get_the_message)
{
	static const uint64_t sints[] = { 0x60 | HV_SYNIC_SINT_POLLING, 0x60 | HV_SYNIC_SINT_MASKED,
					  HV_SYNIC_SINT_MASKED };
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(sints); i++) {
		struct vsmtest *t = denied(0);

		assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
		assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SINT0, sints[i]), VSM_VERDICT_RESUME);
		assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
		assert_verdict(vsmtest_fault(t, 0, TARGET, WRITE), VSM_VERDICT_SWITCHED);
		ck_assert_uint_eq(t->vp[0].interrupts, 0);
		ck_assert_uint_eq(vsmtest_message(t, 0, 1)->header.message_type,
				  HVMSG_GPA_INTERCEPT);
		vsmtest_free(t);
	}
}
END_TEST

START_TEST(a_failed_interrupt_does_not_lose_the_message)
{
	struct vsmtest *t = denied(0);

	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SINT0, 0x60), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	vsmtest_fail_op(t, VSMTEST_INTERRUPT, 1, 1, -VSM_ERR_HOST);
	assert_verdict(vsmtest_fault(t, 0, TARGET, WRITE), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_message(t, 0, 1)->header.message_type, HVMSG_GPA_INTERCEPT);
	vsmtest_free(t);
}
END_TEST

START_TEST(the_vps_own_vtl1_is_told)
{
	struct hv_initial_vp_context context;
	struct vsmtest *t = vsmtest_new_vps(2);

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	vsmtest_context64(&context);
	assert_status(vsmtest_enable_vp_vtl(t, 0, 1, 1, &context), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, R, VSMTEST_DATA_GPA), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_vtl_call(t, 1), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_synic_on(t, 1), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_vtl_return(t, 1, 1), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_fault(t, 1, TARGET, WRITE), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_message(t, 0, 1)->header.message_type, HVMSG_NONE);
	ck_assert_uint_eq(vsmtest_message(t, 1, 1)->header.message_type, HVMSG_GPA_INTERCEPT);
	ck_assert_uint_eq(vsmtest_intercept(t, 1, 1)->header.vp_index, 1);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_vp_without_the_protecting_vtl_stays_denied)
{
	uint32_t round;
	struct vsmtest *t = vsmtest_new_vps(2);

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, R, VSMTEST_DATA_GPA), HV_STATUS_SUCCESS);
	/* VTL1 is not enabled on VP 1: nobody to tell, but no access either (TLFS 15.5.3). */
	for (round = 0; round < 3; round++) {
		int verdict = vsmtest_fault(t, 1, TARGET, WRITE);

		ck_assert_msg(verdict != VSM_VERDICT_SWITCHED && verdict != VSM_VERDICT_NOT_MINE,
			      "%s", vsmtest_verdict_text(verdict));
		ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[1].vp), 0);
		ck_assert_uint_eq(vsmtest_view(t, 0, TARGET), R);
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(the_lowest_denying_vtl_is_told)
{
	struct vsmtest *t = vsmtest_new_vtls(2);

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, RW, VSMTEST_DATA_GPA), HV_STATUS_SUCCESS);
	assert_status(vsmtest_enter_vtl2(t, 0), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_synic_on(t, 0), VSM_VERDICT_RESUME);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 0x3f),
		      HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, R, VSMTEST_DATA_GPA), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	/* VTL1 itself may read only: VTL2 is told. */
	assert_verdict(vsmtest_fault(t, 0, TARGET, WRITE), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 2);
	ck_assert_uint_eq(vsmtest_intercept(t, 0, 2)->header.execution_state &
				  HV_X64_EXECUTION_STATE_VTL_MASK,
			  1 << HV_X64_EXECUTION_STATE_VTL_SHIFT);
	vsmtest_message(t, 0, 2)->header.message_type = HVMSG_NONE;
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	/* VTL0: a fetch is denied by both, VTL1 is told; a write by VTL2 alone. */
	assert_verdict(vsmtest_fault(t, 0, TARGET, FETCH), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 1);
	assert_verdict(vsmtest_take_message(t, 0), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_fault(t, 0, TARGET, WRITE), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 2);
	vsmtest_free(t);
}
END_TEST

/* A hypercall of VTL0 whose input or output page VTL1 denies. */
static struct vsmtest *denied_block(uint64_t gpa, uint32_t rights)
{
	struct vsmtest *t = vsmtest_new(NULL);
	struct hv_input_get_vp_registers header = {
		HV_PARTITION_ID_SELF, HV_VP_INDEX_SELF, 0, { 0 }
	};
	uint32_t name = HV_X64_REGISTER_CR3;

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	/* VTL1 speaks through its own pages from here on. */
	assert_status(vsmtest_modify_gpa(t, 0, rights, gpa), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	memcpy(vsmtest_ram(t, VSMTEST_IN_GPA(0)), &header, sizeof(header));
	memcpy(vsmtest_ram(t, VSMTEST_IN_GPA(0) + 16), &name, 4);
	memset(vsmtest_out(t, 0), 0xee, VSMTEST_PAGE);
	return t;
}

START_TEST(a_denied_input_page_is_an_intercept)
{
	struct vsmtest *t = denied_block(VSMTEST_IN_GPA(0), 0);
	uint64_t control = VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 1);
	uint32_t reads = t->count[VSMTEST_GPA_READ];

	assert_verdict(vsmtest_hypercall(t, 0, control, VSMTEST_IN_GPA(0) + 0, VSMTEST_OUT_GPA(0)),
		       VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 1);
	ck_assert_uint_eq(t->count[VSMTEST_GPA_READ], reads);
	ck_assert_uint_eq(vsmtest_intercept(t, 0, 1)->header.intercept_access_type, READ);
	ck_assert_uint_eq(vsmtest_intercept(t, 0, 1)->guest_physical_address & ~0xfffull,
			  VSMTEST_IN_GPA(0));
	ck_assert_uint_eq(
		vsmtest_intercept(t, 0, 1)->memory_access_info & HV_X64_MEMORY_ACCESS_GVA_VALID, 0);
	/* The call stays at its trap, its registers untouched. */
	ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RIP), VSMTEST_TRAP_RIP);
	ck_assert_uint_eq(vsmtest_reg(t, 0, 1, HV_X64_REGISTER_RCX), control);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_denied_output_page_is_an_intercept_and_stays_clean)
{
	struct vsmtest *t = denied_block(VSMTEST_OUT_GPA(0), R);
	uint64_t control = VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 1);
	const uint8_t *out = vsmtest_out(t, 0);
	uint32_t i;

	assert_verdict(vsmtest_hypercall(t, 0, control, VSMTEST_IN_GPA(0), VSMTEST_OUT_GPA(0)),
		       VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_intercept(t, 0, 1)->header.intercept_access_type, WRITE);
	ck_assert_uint_eq(vsmtest_intercept(t, 0, 1)->guest_physical_address & ~0xfffull,
			  VSMTEST_OUT_GPA(0));
	for (i = 0; i < VSMTEST_PAGE && out[i] == 0xee; i++)
		;
	ck_assert_uint_eq(i, VSMTEST_PAGE);
	/* VTL1 grants and returns the registers as it found them: the call is made again. */
	vsmtest_assist(t, 0, 1)->vtl_control.vtl_return_x64_rax = 0;
	vsmtest_assist(t, 0, 1)->vtl_control.vtl_return_x64_rcx = control;
	assert_verdict(vsmtest_take_message(t, 0), VSM_VERDICT_RESUME);
	{
		struct {
			struct hv_input_modify_vtl_protection_mask header;
			uint64_t page;
		} grant = { { HV_PARTITION_ID_SELF, VSM_RIGHTS_ALL, 0, { 0 } },
			    VSMTEST_OUT_GPA(0) >> 12 };

		assert_status(vsmtest_call_fast(t, 0,
						VSMTEST_REP(HVCALL_MODIFY_VTL_PROTECTION_MASK, 1),
						&grant, sizeof(grant)),
			      HV_STATUS_SUCCESS);
	}
	vsmtest_reg_set(t, 0, 1, HV_X64_REGISTER_RDX, VSMTEST_IN_GPA(0));
	vsmtest_reg_set(t, 0, 1, HV_X64_REGISTER_R8, VSMTEST_OUT_GPA(0));
	assert_verdict(vsmtest_vtl_return(t, 0, 0), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_trap(t, 0, VSMTEST_TRAP_RIP, 3), VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(((const struct hv_register_value *)vsmtest_out(t, 0))->low, 0x1000);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_secret_page_is_no_output_page_even_if_the_call_fails)
{
	struct vsmtest *t = denied_block(VSMTEST_OUT_GPA(0), 0);

	/* An unknown register: the page is looked at first, and VTL1 is told (TLFS 3.8). */
	*(uint32_t *)(void *)vsmtest_ram(t, VSMTEST_IN_GPA(0) + 16) = 0x12345678;
	assert_verdict(vsmtest_hypercall(t, 0, VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 1),
					 VSMTEST_IN_GPA(0), VSMTEST_OUT_GPA(0)),
		       VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(*(uint8_t *)vsmtest_out(t, 0), 0xee);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_fault_storm_loses_no_message_and_grows_nothing)
{
	struct vsmtest *t = denied(0);
	struct vsm_stats stats = { .size = sizeof(stats) };
	uint32_t i;

	for (i = 0; i < 1000; i++) {
		assert_verdict(vsmtest_fault(t, 0, TARGET + i, WRITE), VSM_VERDICT_SWITCHED);
		ck_assert_uint_eq(vsmtest_intercept(t, 0, 1)->guest_physical_address, TARGET + i);
		assert_verdict(vsmtest_take_message(t, 0), VSM_VERDICT_RESUME);
		assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
		ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 0);
	}
	assert_err(vsm_stats_get(t->vsm, &stats), 0);
	ck_assert_uint_eq(stats.intercepts, 1000);
	ck_assert_uint_eq(stats.vtl_entries, 1000);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_hostile_slot_is_only_ever_full_or_empty)
{
	struct vsmtest *t = denied(0);
	struct hv_message *slot = vsmtest_message(t, 0, 1);
	struct hv_message saved;

	/* The type alone says "full"; sizes and flags that VTL1 leaves behind mean nothing. */
	memset(slot, 0xff, sizeof(*slot));
	saved = *slot;
	assert_verdict(vsmtest_fault(t, 0, TARGET, WRITE), VSM_VERDICT_SWITCHED);
	saved.header.message_flags |= HV_MESSAGE_FLAG_PENDING;
	ck_assert_mem_eq(slot, &saved, sizeof(saved));
	slot->header.message_type = HVMSG_NONE;
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_EOM, 0), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(slot->header.message_type, HVMSG_GPA_INTERCEPT);
	ck_assert_uint_eq(slot->header.payload_size, 80);
	ck_assert_uint_eq(slot->header.reserved, 0);
	ck_assert_uint_eq(slot->header.message_flags, 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_re_entry_that_failed_comes_before_vtl0_runs)
{
	struct vsmtest *t = denied(0);

	assert_verdict(vsmtest_fault(t, 0, TARGET, WRITE), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	/* The slot is full, so this one waits, and VTL1's return is followed by a re-entry. */
	assert_verdict(vsmtest_fault(t, 0, TARGET + 8, WRITE), VSM_VERDICT_SWITCHED);
	/* PREPARE and COMMIT of the return, then PREPARE of the re-entry. */
	vsmtest_fail_op(t, VSMTEST_SWITCH_VTL, 2, 1, -VSM_ERR_HOST);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(t->faults_hit, 1);
	vsmtest_no_faults(t);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 0);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 1);
	assert_verdict(vsmtest_take_message(t, 0), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(vsmtest_intercept(t, 0, 1)->guest_physical_address, TARGET + 8);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_first_entry_may_be_an_intercept)
{
	struct hv_initial_vp_context context;
	struct vsmtest *t = vsmtest_new_vps(2);

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, R, VSMTEST_DATA_GPA), HV_STATUS_SUCCESS);
	vsmtest_context64(&context);
	context.rip = 0x150000000;
	assert_status(vsmtest_enable_vp_vtl(t, 0, 1, 1, &context), HV_STATUS_SUCCESS);
	vsmtest_reg_set(t, 1, 0, HV_X64_REGISTER_RIP, 0x401000);
	/* Without run_prepare before: an exit may be under way when the VTL is enabled. */
	assert_verdict(vsmtest_fault(t, 1, TARGET, WRITE), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[1].vp), 1);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 1, HV_X64_REGISTER_RIP), 0x150000000);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 0, HV_X64_REGISTER_RIP), 0x401000);
	/* It finds the message once it has a page for it. */
	assert_verdict(vsmtest_synic_on(t, 1), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_wrmsr(t, 1, HV_X64_MSR_EOM, 0), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(vsmtest_intercept(t, 1, 1)->guest_physical_address, TARGET);
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(rights_decide_between_retry_and_intercept),
	VSMTEST_CASE(what_is_no_ram_is_not_ours),
	VSMTEST_CASE(an_allowed_access_is_retried_and_changes_nothing),
	VSMTEST_CASE(a_field_out_of_range_is_named),
	VSMTEST_CASE(the_message_is_exact_in_each_byte),
	VSMTEST_CASE(what_is_not_known_is_not_claimed),
	VSMTEST_CASE(the_mode_of_the_intercepted_code_is_told),
	VSMTEST_CASE(the_lower_vtl_stays_on_its_instruction),
	VSMTEST_CASE(the_entry_reason_is_an_interrupt),
	VSMTEST_CASE(the_interrupted_registers_are_those_vtl1_finds),
	VSMTEST_CASE(vtl1_grants_and_vtl0_goes_on),
	VSMTEST_CASE(a_busy_slot_keeps_vtl0_away_until_the_message_fits),
	VSMTEST_CASE(a_return_with_an_emptied_slot_delivers_what_waits),
	VSMTEST_CASE(without_a_message_page_the_intercept_waits_for_it),
	VSMTEST_CASE(a_disabled_synic_holds_messages_back),
	VSMTEST_CASE(an_unmasked_sint0_raises_its_vector),
	VSMTEST_CASE(polled_and_masked_sints_raise_nothing_but_get_the_message),
	VSMTEST_CASE(a_failed_interrupt_does_not_lose_the_message),
	VSMTEST_CASE(the_vps_own_vtl1_is_told),
	VSMTEST_CASE(a_vp_without_the_protecting_vtl_stays_denied),
	VSMTEST_CASE(the_lowest_denying_vtl_is_told),
	VSMTEST_CASE(a_denied_input_page_is_an_intercept),
	VSMTEST_CASE(a_denied_output_page_is_an_intercept_and_stays_clean),
	VSMTEST_CASE(a_secret_page_is_no_output_page_even_if_the_call_fails),
	VSMTEST_CASE(a_fault_storm_loses_no_message_and_grows_nothing),
	VSMTEST_CASE(a_hostile_slot_is_only_ever_full_or_empty),
	VSMTEST_CASE(a_re_entry_that_failed_comes_before_vtl0_runs),
	VSMTEST_CASE(a_first_entry_may_be_an_intercept),
};

int main(void)
{
	return vsmtest_main("intercept", cases, VSMTEST_COUNT(cases));
}
