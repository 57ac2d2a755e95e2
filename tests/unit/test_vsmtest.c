/* SPDX-License-Identifier: BSD-3-Clause */
/* The watch of the fake host: each oracle is shown a breach and must see it. */
#include <string.h>

#include "vsmtest.h"

static char seen[256];

static void note(const char *text)
{
	strncpy(seen, text, sizeof(seen) - 1);
}

/* A library gone wrong, once, from within the op of an innocent entry. */
static void (*wrong)(struct vsmtest *t, const struct vsm_host_ops *ops);

static void go_wrong(struct vsmtest *t, enum vsmtest_op op, uint32_t slot)
{
	struct vsm_host_ops ops;

	(void)op;
	(void)slot;
	t->hook = NULL;
	vsmtest_ops(t, &ops);
	wrong(t, &ops);
}

static void expect_breach(void (*how)(struct vsmtest *t, const struct vsm_host_ops *ops),
			  const char *text)
{
	void (*before)(const char *) = vsmtest_on_failure;
	struct vsmtest *t = vsmtest_new(NULL);

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	seen[0] = 0;
	vsmtest_on_failure = note;
	wrong = how;
	t->hook = go_wrong;
	vsmtest_hypercall(t, 0, HVCALL_NOTIFY_LONG_SPIN_WAIT | HV_HYPERCALL_FAST, 0, 0);
	vsmtest_report(t);
	vsmtest_on_failure = before;
	ck_assert_msg(strstr(seen, text) != NULL, "seen: \"%s\", not \"%s\"", seen, text);
	/* What the wrong library did may keep the end from being clean. */
	t->breached = 1;
	vsmtest_on_failure = note;
	vsmtest_free(t);
	vsmtest_on_failure = before;
}

static void read_twice(struct vsmtest *t, const struct vsm_host_ops *ops)
{
	uint8_t buf[16];

	ops->gpa_read(t, VSMTEST_IN_GPA(0), buf, 16);
	ops->gpa_read(t, VSMTEST_IN_GPA(0) + 15, buf, 1);
}

START_TEST(a_second_read_of_a_byte_is_seen)
{
	expect_breach(read_twice, "were read before");
}
END_TEST

static void read_beyond_page(struct vsmtest *t, const struct vsm_host_ops *ops)
{
	uint8_t buf[16];

	ops->gpa_read(t, VSMTEST_IN_GPA(0) + 4090, buf, 16);
}

START_TEST(a_read_over_a_page_end_is_seen)
{
	expect_breach(read_beyond_page, "gpa_read at");
}
END_TEST

static void drop_rights(struct vsmtest *t, const struct vsm_host_ops *ops)
{
	struct vsm_protect_range range = { VSMTEST_DATA_GPA, 4096, 0, HV_MAP_GPA_READABLE };
	uint32_t done = 0;

	ops->protect(t, &range, 1, &done, 1);
}

START_TEST(a_view_that_differs_from_the_table_is_seen)
{
	expect_breach(drop_rights, "but the table says");
}
END_TEST

static void wrong_groups(struct vsmtest *t, const struct vsm_host_ops *ops)
{
	struct vsm_reg reg = { .name = HV_X64_REGISTER_CR3 };

	ops->regs_get(&t->vp[0], 1, VSM_REGS_GPR, &reg, 1);
}

START_TEST(wrong_register_groups_are_seen)
{
	expect_breach(wrong_groups, "its registers are of");
}
END_TEST

static void half_switch(struct vsmtest *t, const struct vsm_host_ops *ops)
{
	ops->switch_vtl(&t->vp[0], 1, 0, VSM_SWITCH_PREPARE);
}

START_TEST(a_switch_left_half_done_is_seen)
{
	expect_breach(half_switch, "between PREPARE and COMMIT");
}
END_TEST

static void secret_switch(struct vsmtest *t, const struct vsm_host_ops *ops)
{
	ops->switch_vtl(&t->vp[0], 1, 0, VSM_SWITCH_PREPARE);
	ops->switch_vtl(&t->vp[0], 1, 0, VSM_SWITCH_COMMIT);
}

START_TEST(a_switch_the_library_does_not_know_of_is_seen)
{
	expect_breach(secret_switch, "but the host runs");
}
END_TEST

static void allocate(struct vsmtest *t, const struct vsm_host_ops *ops)
{
	ops->free(t, ops->alloc(t, 8), 8);
}

START_TEST(an_allocation_on_the_run_path_is_seen)
{
	expect_breach(allocate, "on the run path");
}
END_TEST

static void wide_value(struct vsmtest *t, const struct vsm_host_ops *ops)
{
	struct vsm_reg reg = { .name = HV_X64_REGISTER_CR3, .value = { 0, 1 } };

	ops->regs_set(&t->vp[0], 1, VSM_REGS_CONTROL, &reg, 1);
}

START_TEST(a_value_that_is_not_zero_extended_is_seen)
{
	expect_breach(wide_value, "zero-extended");
}
END_TEST

static void other_vp(struct vsmtest *t, const struct vsm_host_ops *ops)
{
	struct vsm_reg reg = { .name = HV_X64_REGISTER_CR3 };

	t->vp[1].t = t;
	t->vp[1].slot = 1;
	t->vp[1].file[1] = t->vp[0].file[1];
	ops->regs_get(&t->vp[1], 1, VSM_REGS_CONTROL, &reg, 1);
	memset(&t->vp[1], 0, sizeof(t->vp[1]));
}

START_TEST(an_op_for_another_vp_is_seen)
{
	expect_breach(other_vp, "outside of its entry");
}
END_TEST

START_TEST(memory_that_vtl0_may_not_read_is_not_read_for_it)
{
	void (*before)(const char *) = vsmtest_on_failure;
	struct vsmtest *t = vsmtest_new(NULL);

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, 0, VSMTEST_IN_GPA(0)), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	seen[0] = 0;
	vsmtest_on_failure = note;
	wrong = read_twice;
	t->hook = go_wrong;
	vsmtest_hypercall(t, 0, HVCALL_NOTIFY_LONG_SPIN_WAIT | HV_HYPERCALL_FAST, 0, 0);
	vsmtest_on_failure = before;
	ck_assert_msg(strstr(seen, "VTL 0 has rights 0 only") != NULL, "seen: \"%s\"", seen);
	vsmtest_free(t);
}
END_TEST

START_TEST(the_hash_sees_each_kind_of_state)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint64_t first, last;

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	first = last = vsmtest_hash(t);
	ck_assert(vsmtest_hash(t) == first);
#define DIFFERS(change)                                                          \
	do {                                                                     \
		change;                                                          \
		ck_assert_msg(vsmtest_hash(t) != last, "not seen: %s", #change); \
		last = vsmtest_hash(t);                                          \
	} while (0)
	DIFFERS(vsmtest_reg_set(t, 0, 1, HV_X64_REGISTER_CR3, 0x123000));
	DIFFERS(vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_CR3, 0x123000));
	DIFFERS(vsmtest_reg_set(t, 0, 1, HV_X64_REGISTER_R9, 9));
	DIFFERS(vsmtest_slot(t, 0, 1, HV_X64_REGISTER_XMM5)->high++);
	DIFFERS(vsmtest_hidden(t, 0, 1)->lazy_flags++);
	DIFFERS(vsmtest_hidden(t, 0, 0)->nmi_masked++);
	DIFFERS(*vsmtest_ram(t, VSMTEST_RAM1_GPA + 17) ^= 1);
	DIFFERS(vsmtest_see(t, 1, VSMTEST_SIMP_GPA(0, 1))[100] ^= 1);
	DIFFERS(vsmtest_wrmsr(t, 0, HV_X64_MSR_SCONTROL, 0));
	DIFFERS(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 0x1f));
	DIFFERS(vsmtest_modify_gpa(t, 0, 0, VSMTEST_DATA_GPA));
	DIFFERS(vsmtest_set(t, 0, VSMTEST_VTL(0), HV_REGISTER_PENDING_EVENT0, 1 | 6 << 16));
#undef DIFFERS
	/* Stale copies of shared registers are no state; a swapped host has none. */
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_R9, 0x999);
	ck_assert((vsmtest_hash(t) == last) == (t->opts.model == VSMTEST_REPLICATED));
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(a_second_read_of_a_byte_is_seen),
	VSMTEST_CASE(a_read_over_a_page_end_is_seen),
	VSMTEST_CASE(a_view_that_differs_from_the_table_is_seen),
	VSMTEST_CASE(wrong_register_groups_are_seen),
	VSMTEST_CASE(a_switch_left_half_done_is_seen),
	VSMTEST_CASE(a_switch_the_library_does_not_know_of_is_seen),
	VSMTEST_CASE(an_allocation_on_the_run_path_is_seen),
	VSMTEST_CASE(a_value_that_is_not_zero_extended_is_seen),
	VSMTEST_CASE(an_op_for_another_vp_is_seen),
	VSMTEST_CASE(memory_that_vtl0_may_not_read_is_not_read_for_it),
	VSMTEST_CASE(the_hash_sees_each_kind_of_state),
};

int main(void)
{
	return vsmtest_main("vsmtest", cases, VSMTEST_COUNT(cases));
}
