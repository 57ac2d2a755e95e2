/* SPDX-License-Identifier: BSD-3-Clause */
/* Hostile case 31: VTL0 loops on a protected page while the slot for intercept messages is full. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "vsmtest.h"

#define ROUNDS_ALL   200000u
#define ROUNDS_SHORT (ROUNDS_ALL / 20)
#define TARGET	     VSMTEST_DATA_GPA
#define RIP	     0x401000ull

static uint32_t rounds(void)
{
	return getenv("VSM_TEST_ALL") ? ROUNDS_ALL : ROUNDS_SHORT;
}

/* One VP in VTL0, a page without rights, VTL1's slot empty. */
static struct vsmtest *stormy(void)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, 0, TARGET), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_RIP, RIP);
	return t;
}

/* The n-th access that VTL0 tries, told apart by its address. */
static int storm_fault(struct vsmtest *t, uint64_t n)
{
	struct vsm_memory_fault fault;

	vsmtest_fault_init(&fault, TARGET + n % 512 * 8, HV_INTERCEPT_ACCESS_WRITE);
	fault.gva = n << 12 | n % 512 * 8;
	return vsmtest_memory_fault(t, 0, &fault);
}

/* The same by a hypercall whose input lies in the page: no bytes of it are taken. */
static int storm_call(struct vsmtest *t, uint64_t n)
{
	return vsmtest_hypercall(t, 0, VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 1),
				 TARGET + n % 500 * 8, VSMTEST_OUT_GPA(0));
}

/* What a guest could make grow. */
struct stock {
	uint32_t allocations;
	uint64_t bytes;
	uint32_t lines;
	uint32_t ops[VSMTEST_OPS];
};

static struct stock stock_of(const struct vsmtest *t)
{
	struct stock s = { t->count[VSMTEST_ALLOC], t->live_bytes, t->lines, { 0 } };

	memcpy(s.ops, t->count, sizeof(s.ops));
	return s;
}

static void no_growth(const struct vsmtest *t, const struct stock *s, uint64_t entries)
{
	ck_assert_uint_eq(t->count[VSMTEST_ALLOC], s->allocations);
	ck_assert_uint_eq(t->count[VSMTEST_FREE], s->ops[VSMTEST_FREE]);
	ck_assert_uint_eq(t->live_bytes, s->bytes);
	ck_assert_uint_eq(t->lines, s->lines);
	/* Work per entry is a constant. */
	for (uint32_t op = 0; op < VSMTEST_OPS; op++)
		ck_assert_uint_le(t->count[op] - s->ops[op], 8 * entries);
}

START_TEST(case_31_vtl0_makes_no_progress_while_the_slot_is_full)
{
	struct vsmtest *t = stormy();
	struct hv_message first;
	struct stock before;
	uint32_t n = rounds();

	assert_verdict(storm_fault(t, 1), VSM_VERDICT_SWITCHED);
	first = *vsmtest_message(t, 0, 1);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	assert_verdict(storm_fault(t, 2), VSM_VERDICT_SWITCHED);
	before = stock_of(t);
	/* VTL1 leaves the first message where it is: when it leaves, it is entered again before
	 * VTL0 has executed an instruction, whether or not the VMM asks before it runs the VP. */
	for (uint32_t i = 0; i < n; i++) {
		assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
		ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 1);
		if (i % 2)
			assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
		ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RIP), RIP);
		ck_assert_mem_eq(&vsmtest_message(t, 0, 1)->payload, &first.payload,
				 sizeof(first.payload));
		ck_assert_uint_ne(vsmtest_message(t, 0, 1)->header.message_flags &
					  HV_MESSAGE_FLAG_PENDING,
				  0);
	}
	no_growth(t, &before, 2ull * n);
	/* The second was not lost, and is there once. */
	assert_verdict(vsmtest_take_message(t, 0), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(vsmtest_message(t, 0, 1)->header.message_type, HVMSG_GPA_INTERCEPT);
	ck_assert_uint_eq(vsmtest_intercept(t, 0, 1)->guest_virtual_address >> 12, 2);
	assert_verdict(vsmtest_take_message(t, 0), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(vsmtest_message(t, 0, 1)->header.message_type, HVMSG_NONE);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	printf("# %u times back into VTL1\n", n);
	vsmtest_free(t);
}
END_TEST

/* VTL1's side of the storm: what it has been told, and what it does before it leaves. */
struct listener {
	uint64_t random;
	uint64_t heard;
	uint64_t waited; /* It left without having emptied the slot. */
	uint32_t deaf; /* Its SIMP is off. */
};

static uint32_t pick(struct listener *l, uint32_t n)
{
	return (uint32_t)(random_next(&l->random) >> 20) % n;
}

static void hear(struct vsmtest *t, struct listener *l)
{
	struct hv_message *slot = vsmtest_message(t, 0, 1);

	if (slot->header.message_type == HVMSG_NONE)
		return;
	ck_assert_uint_eq(slot->header.message_type, HVMSG_GPA_INTERCEPT);
	l->heard++;
	/* In order, none missing, none twice. */
	if (vsmtest_intercept(t, 0, 1)->memory_access_info & HV_X64_MEMORY_ACCESS_GVA_VALID)
		ck_assert_uint_eq(vsmtest_intercept(t, 0, 1)->guest_virtual_address >> 12,
				  l->heard);
	ck_assert_uint_eq(vsmtest_intercept(t, 0, 1)->guest_physical_address >> HV_PAGE_SHIFT,
			  TARGET >> HV_PAGE_SHIFT);
	assert_verdict(vsmtest_take_message(t, 0), VSM_VERDICT_RESUME);
}

/* With a SIMP that VTL1 has switched off for a while there is no slot at all. */
static void turn_ear(struct vsmtest *t, struct listener *l)
{
	l->deaf = !l->deaf && pick(l, 8) == 0;
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP,
				     VSMTEST_SIMP_GPA(0, 1) | (l->deaf ? 0 : 1)),
		       VSM_VERDICT_RESUME);
}

/* VTL1 runs until VTL0 may. */
static void vtl1_turn(struct vsmtest *t, struct listener *l, uint64_t sent)
{
	for (;;) {
		if (!l->deaf && pick(l, 3) == 0)
			hear(t, l);
		if (pick(l, 4) == 0)
			turn_ear(t, l);
		assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
		assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
		if (vsm_vp_active_vtl(t->vp[0].vp) == 0)
			return;
		ck_assert_uint_lt(l->heard, sent);
		l->waited++;
	}
}

START_TEST(case_31_no_message_is_lost_in_a_storm)
{
	struct vsmtest *t = stormy();
	struct listener l = { .random = 0x9e3779b97f4a7c15ull };
	struct vsm_stats stats = { .size = sizeof(stats) };
	struct stock before = stock_of(t);
	uint32_t n = rounds() / 4;
	uint64_t calls = 0;

	for (uint64_t i = 1; i <= n; i++) {
		uint32_t call = pick(&l, 4) == 0;
		uint64_t rip = vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RIP);

		calls += call;
		assert_verdict(call ? storm_call(t, i) : storm_fault(t, i), VSM_VERDICT_SWITCHED);
		if (!call)
			ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RIP), rip);
		vtl1_turn(t, &l, i);
	}
	/* One may be in the slot, none waits behind it any more: VTL0 was let run. */
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	l.deaf = 0;
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, VSMTEST_SIMP_GPA(0, 1) | 1),
		       VSM_VERDICT_RESUME);
	hear(t, &l);
	ck_assert_uint_eq(vsmtest_message(t, 0, 1)->header.message_type, HVMSG_NONE);
	ck_assert_uint_eq(l.heard, n);
	assert_err(vsm_stats_get(t->vsm, &stats), 0);
	ck_assert_uint_eq(stats.intercepts, n);
	ck_assert_uint_eq(t->count[VSMTEST_ALLOC], before.allocations);
	ck_assert_uint_eq(t->live_bytes, before.bytes);
	/* Milestones may be told, each the 1st, 2nd, 4th ... time. */
	ck_assert_uint_le(t->lines - before.lines, 20);
	ck_assert_uint_gt(l.waited, n / 8);
	printf("# %u intercepts, %llu of them of hypercalls; VTL1 was entered again %llu times\n",
	       n, (unsigned long long)calls, (unsigned long long)l.waited);
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(case_31_vtl0_makes_no_progress_while_the_slot_is_full),
	VSMTEST_CASE(case_31_no_message_is_lost_in_a_storm),
};

int main(void)
{
	return vsmtest_main("fault_storm", cases, VSMTEST_COUNT(cases));
}
