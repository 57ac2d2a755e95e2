/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every host op fails at every call of every scenario, in each of several ways. After a failed
 * entry nothing that the guest can see has changed, and the same entry made again ends as if
 * nothing had been. Of a hypercall that failed after its work was done, the output and what it set
 * may stay: the guest stands at the trap, and making the call again does the same.
 */
#include <stdio.h>
#include <string.h>

#include "vsmtest.h"

#define A 0x150000ull
#define B 0x151000ull
#define R HV_MAP_GPA_READABLE

#define GARBAGE 0x7eadbeef

/* How an op fails: errors that mean something to some ops, and what is no answer at all. */
static const int32_t kinds[] = { -VSM_ERR_HOST, -VSM_ERR_NOMEM, -VSM_ERR_INVAL, GARBAGE };

/* Failures that were made and judged in this process; one process runs all tests. */
static uint32_t points;
static uint32_t points_of[VSMTEST_OPS];

struct scenario {
	const char *name;
	/* Brings the machine to where the entry is due. */
	void (*setup)(struct vsmtest *t);
	/* Makes the entry. @return its verdict. */
	int (*step)(struct vsmtest *t);
	/* Verdict of the entry when nothing fails. */
	int verdict;
	/* 1: a call that does the same when it is made again; it may be found half done. */
	int repeatable;
};

/* What of the state an answered but refused call may change: result and RIP. */
struct result_registers {
	struct hv_register_value rax;
	struct hv_register_value rip;
};

static void keep(struct vsmtest *t, struct result_registers *r)
{
	uint32_t vtl = t->vp[0].active;

	r->rax = *vsmtest_slot(t, 0, vtl, HV_X64_REGISTER_RAX);
	r->rip = *vsmtest_slot(t, 0, vtl, HV_X64_REGISTER_RIP);
}

static void put_back(struct vsmtest *t, const struct result_registers *r)
{
	uint32_t vtl = t->vp[0].active;

	*vsmtest_slot(t, 0, vtl, HV_X64_REGISTER_RAX) = r->rax;
	*vsmtest_slot(t, 0, vtl, HV_X64_REGISTER_RIP) = r->rip;
}

static struct vsmtest *prepared(const struct scenario *s)
{
	struct vsmtest *t = vsmtest_new(NULL);

	s->setup(t);
	/* Registers of the call are set by the step; set them now too, so that hashes agree. */
	return t;
}

static uint64_t clean_end(const struct scenario *s, uint32_t *failable)
{
	struct vsmtest *t = prepared(s);
	uint32_t before = t->failable;
	uint64_t hash;
	int verdict = s->step(t);

	ck_assert_msg(verdict == s->verdict, "%s: %s", s->name, vsmtest_verdict_text(verdict));
	*failable = t->failable - before;
	hash = vsmtest_hash(t);
	vsmtest_free(t);
	return hash;
}

/* One failure was made: of which op? */
static void count_point(const struct vsmtest *t, uint32_t since)
{
	uint32_t i;

	ck_assert_uint_eq(t->faults_hit, 1);
	for (i = since; i != t->calls; i++)
		if (t->call[i % VSMTEST_MAX_CALLS].result == t->fault_result)
			points_of[t->call[i % VSMTEST_MAX_CALLS].op]++;
	points++;
}

/* A first try that fails at once shows the registers that the step itself sets. */
static void show_registers(const struct scenario *s, struct vsmtest *t)
{
	int verdict;

	t->fault_any = t->failable + 1;
	verdict = s->step(t);
	t->fault_any = 0;
	ck_assert_msg(verdict < 0 || verdict == VSM_VERDICT_EXCEPTION,
		      "%s: %s although the first op failed", s->name,
		      vsmtest_verdict_text(verdict));
}

/* What a failed entry left behind. @return 1 if there is nothing to make good. */
static int judge(const struct scenario *s, struct vsmtest *t, uint64_t hash, uint64_t end,
		 const struct result_registers *before)
{
	int verdict = t->verdict;

	/* Whatever the op said, the caller of an entry learns that it was the host. */
	if (verdict < 0)
		assert_err(verdict, -VSM_ERR_HOST);
	/* A failure that costs nothing, such as a lost interrupt. */
	if (verdict == s->verdict && verdict != VSM_VERDICT_RESUME)
		return 1;
	if (verdict == VSM_VERDICT_RESUME) {
		/* Answered: refused with a status, or not harmed at all. */
		if (vsmtest_hash(t) == end)
			return 1;
		put_back(t, before);
	}
	ck_assert_msg(s->repeatable || vsmtest_hash(t) == hash,
		      "%s: an op failed with %d, %s, and something has changed", s->name,
		      t->fault_result, vsmtest_verdict_text(verdict));
	return 0;
}

/* The step with its n-th op failing in one way. */
static void one_failure(const struct scenario *s, uint32_t n, int32_t kind, uint64_t end)
{
	struct vsmtest *t = prepared(s);
	struct result_registers before;
	uint64_t hash;
	uint32_t since;
	int verdict;

	show_registers(s, t);
	hash = vsmtest_hash(t);
	keep(t, &before);
	t->faults_hit = 0;
	t->fault_result = kind;
	t->fault_any = t->failable + n;
	since = t->calls;
	s->step(t);
	count_point(t, since);
	t->fault_any = 0;
	if (!judge(s, t, hash, end, &before)) {
		verdict = s->step(t);
		ck_assert_msg(verdict == s->verdict, "%s: after op call %u had failed with %d: %s",
			      s->name, n, kind, vsmtest_verdict_text(verdict));
		ck_assert_msg(vsmtest_hash(t) == end,
			      "%s: after op call %u had failed with %d it ends elsewhere", s->name,
			      n, kind);
	}
	vsmtest_free(t);
}

static void all_failures(const struct scenario *s)
{
	uint32_t failable, n, i;
	uint64_t end = clean_end(s, &failable);

	ck_assert_msg(failable > 0, "%s makes no host call", s->name);
	for (n = 1; n <= failable; n++)
		for (i = 0; i < VSMTEST_COUNT(kinds); i++)
			one_failure(s, n, kinds[i], end);
}

static void nothing(struct vsmtest *t)
{
	(void)t;
}

static void hypercalls(struct vsmtest *t)
{
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
}

static void partition_vtl1(struct vsmtest *t)
{
	hypercalls(t);
	assert_status(vsmtest_enable_partition_vtl(t, 0, 1), HV_STATUS_SUCCESS);
}

static void enabled_vtl1(struct vsmtest *t)
{
	assert_status(vsmtest_enable_vtl1(t, 0), HV_STATUS_SUCCESS);
}

static void in_vtl1(struct vsmtest *t)
{
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
}

static void protecting(struct vsmtest *t)
{
	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
}

static void back_in_vtl0(struct vsmtest *t)
{
	protecting(t);
	assert_status(vsmtest_modify_gpa(t, 0, R, VSMTEST_DATA_GPA), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
}

static void with_interrupt(struct vsmtest *t)
{
	back_in_vtl0(t);
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SINT0, 0x40), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
}

static void denied_input(struct vsmtest *t)
{
	protecting(t);
	assert_status(vsmtest_modify_gpa(t, 0, 0, VSMTEST_IN_GPA(0)), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
}

static void with_simp(struct vsmtest *t)
{
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, A | 1), VSM_VERDICT_RESUME);
	memset(vsmtest_see(t, 0, A), 0x51, VSMTEST_PAGE);
}

static void stacked(struct vsmtest *t)
{
	with_simp(t);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_VP_ASSIST_PAGE, A | 1), VSM_VERDICT_RESUME);
}

static int call_vtl1(struct vsmtest *t)
{
	return vsmtest_vtl_call(t, 0);
}

static int return_fast(struct vsmtest *t)
{
	return vsmtest_vtl_return(t, 0, 1);
}

static int return_normal(struct vsmtest *t)
{
	vsmtest_assist(t, 0, 1)->vtl_control.vtl_return_x64_rax = 0x1111;
	return vsmtest_vtl_return(t, 0, 0);
}

/* One trap with this block in memory. */
static int trap(struct vsmtest *t, uint64_t control, const void *in, size_t len)
{
	memcpy(vsmtest_ram(t, VSMTEST_IN_GPA(0)), in, len);
	return vsmtest_hypercall(t, 0, control, VSMTEST_IN_GPA(0), VSMTEST_OUT_GPA(0));
}

static int enable_partition(struct vsmtest *t)
{
	struct hv_input_enable_partition_vtl in = { .target_partition_id = HV_PARTITION_ID_SELF,
						    .target_vtl = 1 };

	return trap(t, HVCALL_ENABLE_PARTITION_VTL, &in, sizeof(in));
}

static int enable_vp(struct vsmtest *t)
{
	struct hv_input_enable_vp_vtl in = { .target_partition_id = HV_PARTITION_ID_SELF,
					     .vp_index = HV_VP_INDEX_SELF,
					     .target_vtl = 1 };

	vsmtest_context64(&in.vp_vtl_context);
	return trap(t, HVCALL_ENABLE_VP_VTL, &in, sizeof(in));
}

static int get_registers(struct vsmtest *t)
{
	struct {
		struct hv_input_get_vp_registers header;
		uint32_t name[4];
	} in = { { HV_PARTITION_ID_SELF, HV_VP_INDEX_SELF, 0, { 0 } },
		 { HV_X64_REGISTER_CR3, HV_REGISTER_VSM_VP_STATUS, HV_X64_REGISTER_RSP,
		   HV_X64_REGISTER_GDTR } };

	return trap(t, VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 4), &in, sizeof(in));
}

static int get_fast(struct vsmtest *t)
{
	struct hv_register_value *xmm = vsmtest_slot(t, 0, t->vp[0].active, HV_X64_REGISTER_XMM0);

	memset(xmm, 0, 6 * sizeof(*xmm));
	xmm[0].low = HV_X64_REGISTER_CR3;
	return vsmtest_hypercall(t, 0, VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 1) | HV_HYPERCALL_FAST,
				 HV_PARTITION_ID_SELF, HV_VP_INDEX_SELF);
}

static int set_registers(struct vsmtest *t)
{
	struct {
		struct hv_input_set_vp_registers header;
		struct hv_register_assoc assoc[3];
	} in = { { HV_PARTITION_ID_SELF, HV_VP_INDEX_SELF, VSMTEST_VTL(0), { 0 } },
		 { { HV_X64_REGISTER_CR3, 0, 0, { 0x7000, 0 } },
		   { HV_X64_REGISTER_RIP, 0, 0, { 0x8000, 0 } },
		   { HV_X64_REGISTER_RBX, 0, 0, { 0x9000, 0 } } } };

	return trap(t, VSMTEST_REP(HVCALL_SET_VP_REGISTERS, 3), &in, sizeof(in));
}

static int set_one(struct vsmtest *t, uint8_t vtl, uint32_t name, uint64_t low)
{
	struct {
		struct hv_input_set_vp_registers header;
		struct hv_register_assoc assoc;
	} in = { { HV_PARTITION_ID_SELF, HV_VP_INDEX_SELF, vtl, { 0 } },
		 { name, 0, 0, { low, 0 } } };

	return trap(t, VSMTEST_REP(HVCALL_SET_VP_REGISTERS, 1), &in, sizeof(in));
}

static int set_event(struct vsmtest *t)
{
	return set_one(t, VSMTEST_VTL(0), HV_REGISTER_PENDING_EVENT0, 1 | 6 << 16);
}

static int set_assist(struct vsmtest *t)
{
	return set_one(t, VSMTEST_VTL(0), HV_REGISTER_VP_ASSIST_PAGE, B | 1);
}

static int set_config(struct vsmtest *t)
{
	return set_one(t, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 0x20 | 0xd << 1 | 1);
}

static int modify(struct vsmtest *t)
{
	struct {
		struct hv_input_modify_vtl_protection_mask header;
		uint64_t page[3];
	} in = { { HV_PARTITION_ID_SELF, R, 0, { 0 } },
		 { VSMTEST_DATA_GPA >> 12, (VSMTEST_DATA_GPA >> 12) + 1,
		   (VSMTEST_DATA_GPA >> 12) + 9 } };

	return trap(t, VSMTEST_REP(HVCALL_MODIFY_VTL_PROTECTION_MASK, 3), &in, sizeof(in));
}

static int write_fault(struct vsmtest *t)
{
	return vsmtest_fault(t, 0, VSMTEST_DATA_GPA, HV_INTERCEPT_ACCESS_WRITE);
}

static int os_id(struct vsmtest *t)
{
	return vsmtest_wrmsr(t, 0, HV_X64_MSR_GUEST_OS_ID, 0);
}

static int hypercall_page(struct vsmtest *t)
{
	return vsmtest_wrmsr(t, 0, HV_X64_MSR_HYPERCALL, B | 1);
}

static int move_simp(struct vsmtest *t)
{
	return vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, B | 1);
}

static int drop_simp(struct vsmtest *t)
{
	return vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, 0);
}

static int move_assist(struct vsmtest *t)
{
	return vsmtest_wrmsr(t, 0, HV_X64_MSR_VP_ASSIST_PAGE, B | 1);
}

static int get_xmm(struct vsmtest *t)
{
	struct hv_register_value *xmm = vsmtest_slot(t, 0, t->vp[0].active, HV_X64_REGISTER_XMM0);

	memset(xmm, 0, 6 * sizeof(*xmm));
	xmm[0].low = HV_X64_REGISTER_CR3 | (uint64_t)HV_X64_REGISTER_RSP << 32;
	xmm[0].high = HV_REGISTER_VP_INDEX | (uint64_t)HV_X64_REGISTER_RBX << 32;
	return vsmtest_hypercall(t, 0, VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 4) | HV_HYPERCALL_FAST,
				 HV_PARTITION_ID_SELF, HV_VP_INDEX_SELF);
}

static int reference_tsc(struct vsmtest *t)
{
	return vsmtest_wrmsr(t, 0, HV_X64_MSR_REFERENCE_TSC, B | 1);
}

static int set_cr3(struct vsmtest *t)
{
	return set_one(t, VSMTEST_VTL(0), HV_X64_REGISTER_CR3, 0x7000);
}

static int read_fault(struct vsmtest *t)
{
	return vsmtest_fault(t, 0, VSMTEST_IN_GPA(0), HV_INTERCEPT_ACCESS_READ);
}

static void caller32(struct vsmtest *t)
{
	hypercalls(t);
	vsmtest_mode32(t, 0);
}

static int get_registers32(struct vsmtest *t)
{
	struct {
		struct hv_input_get_vp_registers header;
		uint32_t name[2];
	} in = { { HV_PARTITION_ID_SELF, HV_VP_INDEX_SELF, 0, { 0 } },
		 { HV_X64_REGISTER_CR3, HV_X64_REGISTER_RSP } };

	memcpy(vsmtest_ram(t, VSMTEST_IN_GPA(0)), &in, sizeof(in));
	return vsmtest_hypercall32(t, 0, VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 2), VSMTEST_IN_GPA(0),
				   VSMTEST_OUT_GPA(0));
}

#define SCENARIO_TEST(test, ...)                                         \
	START_TEST(test)                                                 \
	{                                                                \
		static const struct scenario s = { #test, __VA_ARGS__ }; \
		all_failures(&s);                                        \
	}                                                                \
	END_TEST

SCENARIO_TEST(failures_in_a_first_vtl_call, enabled_vtl1, call_vtl1, VSM_VERDICT_SWITCHED, 0)
SCENARIO_TEST(failures_in_a_later_vtl_call, back_in_vtl0, call_vtl1, VSM_VERDICT_SWITCHED, 0)
SCENARIO_TEST(failures_in_a_fast_return, in_vtl1, return_fast, VSM_VERDICT_SWITCHED, 0)
SCENARIO_TEST(failures_in_a_normal_return, in_vtl1, return_normal, VSM_VERDICT_SWITCHED, 0)
SCENARIO_TEST(failures_in_enable_partition_vtl, hypercalls, enable_partition, VSM_VERDICT_RESUME, 0)
SCENARIO_TEST(failures_in_enable_vp_vtl, partition_vtl1, enable_vp, VSM_VERDICT_RESUME, 0)
SCENARIO_TEST(failures_in_get_registers, in_vtl1, get_registers, VSM_VERDICT_RESUME, 1)
SCENARIO_TEST(failures_in_a_fast_get, hypercalls, get_fast, VSM_VERDICT_RESUME, 1)
SCENARIO_TEST(failures_in_set_event, in_vtl1, set_event, VSM_VERDICT_RESUME, 1)
SCENARIO_TEST(failures_in_set_assist, in_vtl1, set_assist, VSM_VERDICT_RESUME, 1)
SCENARIO_TEST(failures_in_set_config, in_vtl1, set_config, VSM_VERDICT_RESUME, 1)
SCENARIO_TEST(failures_in_modify, protecting, modify, VSM_VERDICT_RESUME, 1)
SCENARIO_TEST(failures_in_a_memory_fault, back_in_vtl0, write_fault, VSM_VERDICT_SWITCHED, 0)
SCENARIO_TEST(failures_with_an_interrupt, with_interrupt, write_fault, VSM_VERDICT_SWITCHED, 0)
SCENARIO_TEST(failures_in_an_intercepted_call, denied_input, get_registers, VSM_VERDICT_SWITCHED, 0)
SCENARIO_TEST(failures_in_enabling_the_hypercall_page, hypercalls, hypercall_page,
	      VSM_VERDICT_RESUME, 0)
SCENARIO_TEST(failures_in_clearing_guest_os_id, hypercalls, os_id, VSM_VERDICT_RESUME, 0)
SCENARIO_TEST(failures_in_a_first_overlay, nothing, move_simp, VSM_VERDICT_RESUME, 0)
SCENARIO_TEST(failures_in_moving_an_overlay, with_simp, move_simp, VSM_VERDICT_RESUME, 0)
SCENARIO_TEST(failures_in_lifting_an_overlay, with_simp, drop_simp, VSM_VERDICT_RESUME, 0)
SCENARIO_TEST(failures_in_moving_off_a_stack, stacked, move_assist, VSM_VERDICT_RESUME, 0)
SCENARIO_TEST(failures_in_lifting_below_a_stack, stacked, drop_simp, VSM_VERDICT_RESUME, 0)
SCENARIO_TEST(failures_in_set_registers, in_vtl1, set_registers, VSM_VERDICT_RESUME, 1)
SCENARIO_TEST(failures_in_a_get_that_fills_xmm, hypercalls, get_xmm, VSM_VERDICT_RESUME, 1)
SCENARIO_TEST(failures_in_a_32_bit_get, caller32, get_registers32, VSM_VERDICT_RESUME, 1)
SCENARIO_TEST(failures_in_set_cr3, in_vtl1, set_cr3, VSM_VERDICT_RESUME, 1)
SCENARIO_TEST(failures_in_a_reference_tsc_page, nothing, reference_tsc, VSM_VERDICT_RESUME, 0)
SCENARIO_TEST(failures_in_a_read_fault, denied_input, read_fault, VSM_VERDICT_SWITCHED, 0)

/* @return 0 if a reset makes fewer calls than n. */
static int reset_failure(uint32_t n, int32_t kind)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint32_t since;
	int err;

	in_vtl1(t);
	/* Page by page zeroing would make it long; see below. */
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 0x1f),
		      HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, R, VSMTEST_DATA_GPA), HV_STATUS_SUCCESS);
	t->relaxed = 1;
	t->faults_hit = 0;
	t->fault_result = kind;
	t->fault_any = t->failable + n;
	since = t->calls;
	err = vsmtest_reset(t);
	t->fault_any = 0;
	if (!t->faults_hit) {
		assert_err(err, 0);
		vsmtest_free(t);
		return 0;
	}
	count_point(t, since);
	assert_err(err, -VSM_ERR_HOST);
	assert_err(vsmtest_reset(t), 0);
	t->relaxed = 0;
	ck_assert_uint_eq(vsmtest_overlays(t, 0) + vsmtest_overlays(t, 1), 0);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), VSM_RIGHTS_ALL);
	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	vsmtest_free(t);
	return 1;
}

/* A reset that fails somewhere says so, and a second one makes it good. */
START_TEST(failures_in_a_reset)
{
	uint32_t n, i;

	for (i = 0; i < VSMTEST_COUNT(kinds); i++) {
		for (n = 1; n < 200 && reset_failure(n, kinds[i]); n++)
			;
		ck_assert_uint_gt(n, 2);
		ck_assert_uint_lt(n, 200);
	}
}
END_TEST

START_TEST(memory_that_cannot_be_zeroed_is_an_error)
{
	struct vsmtest *t = vsmtest_new(NULL);

	back_in_vtl0(t);
	*vsmtest_ram(t, VSMTEST_RAM1_GPA) = 0x5a;
	vsmtest_fail_op(t, VSMTEST_GPA_WRITE, 500, 1, -VSM_ERR_HOST);
	assert_err(vsmtest_reset(t), -VSM_ERR_HOST);
	/* The second one still owes the zeroes, although no VTL is enabled any more. */
	memset(vsmtest_ram(t, 0), 0x5a, VSMTEST_RAM0_SIZE);
	memset(vsmtest_ram(t, VSMTEST_RAM1_GPA), 0x5a, VSMTEST_RAM1_SIZE);
	assert_err(vsmtest_reset(t), 0);
	ck_assert_uint_eq(*vsmtest_ram(t, 0), 0);
	ck_assert_uint_eq(*vsmtest_ram(t, VSMTEST_RAM0_SIZE - 1), 0);
	ck_assert_uint_eq(*vsmtest_ram(t, VSMTEST_RAM1_GPA), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(host_errors_are_counted)
{
	struct vsmtest *t = vsmtest_new(NULL);
	struct vsm_stats stats = { .size = sizeof(stats) };

	enabled_vtl1(t);
	vsmtest_fail_op(t, VSMTEST_SWITCH_VTL, 1, 3, -VSM_ERR_HOST);
	assert_err(call_vtl1(t), -VSM_ERR_HOST);
	assert_err(call_vtl1(t), -VSM_ERR_HOST);
	assert_err(call_vtl1(t), -VSM_ERR_HOST);
	assert_verdict(call_vtl1(t), VSM_VERDICT_SWITCHED);
	assert_err(vsm_stats_get(t->vsm, &stats), 0);
	ck_assert_uint_eq(stats.host_errors, 3);
	ck_assert_msg(vsmtest_logged(t, "switch_vtl"), "no log line names the op");
	vsmtest_free(t);
}
END_TEST

START_TEST(a_failed_call_stands_at_its_trap_wherever_rip_was)
{
	static int (*const steps[])(struct vsmtest * t) = { call_vtl1, get_registers, get_fast,
							    enable_partition };
	size_t i;
	uint32_t n;

	for (i = 0; i < VSMTEST_COUNT(steps); i++)
		for (n = 1; n < 20; n++) {
			struct vsmtest *t = vsmtest_new(NULL);
			int verdict;

			if (steps[i] == call_vtl1)
				enabled_vtl1(t);
			else
				hypercalls(t);
			t->rip_moved = 1;
			t->fault_any = t->failable + n;
			verdict = steps[i](t);
			if (verdict >= 0) {
				vsmtest_free(t);
				break;
			}
			assert_err(verdict, -VSM_ERR_HOST);
			ck_assert_uint_eq(vsmtest_reg(t, 0, 0, HV_X64_REGISTER_RIP),
					  VSMTEST_TRAP_RIP);
			vsmtest_free(t);
		}
}
END_TEST

/* The last one: counts what the others did. */
START_TEST(every_op_has_failed_often_enough)
{
	static const enum vsmtest_op ops[] = {
		VSMTEST_REGS_GET,  VSMTEST_REGS_SET,	 VSMTEST_XMM_GET,   VSMTEST_XMM_SET,
		VSMTEST_GPA_READ,  VSMTEST_GPA_WRITE,	 VSMTEST_PROTECT,   VSMTEST_OVERLAY_MAP,
		VSMTEST_TLB_FLUSH, VSMTEST_INJECT_EVENT, VSMTEST_INTERRUPT, VSMTEST_SWITCH_VTL,
	};
	size_t i;

	printf("# %u host-op failures, each judged:", points);
	for (i = 0; i < VSMTEST_COUNT(ops); i++)
		printf(" %s %u", vsmtest_op_name(ops[i]), points_of[ops[i]]);
	printf("\n");
	for (i = 0; i < VSMTEST_COUNT(ops); i++)
		ck_assert_msg(points_of[ops[i]] >= VSMTEST_COUNT(kinds), "%s has not failed",
			      vsmtest_op_name(ops[i]));
	ck_assert_uint_ge(points, 300);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(failures_in_a_first_vtl_call),
	VSMTEST_CASE(failures_in_a_later_vtl_call),
	VSMTEST_CASE(failures_in_a_fast_return),
	VSMTEST_CASE(failures_in_a_normal_return),
	VSMTEST_CASE(failures_in_enable_partition_vtl),
	VSMTEST_CASE(failures_in_enable_vp_vtl),
	VSMTEST_CASE(failures_in_get_registers),
	VSMTEST_CASE(failures_in_a_fast_get),
	VSMTEST_CASE(failures_in_set_registers),
	VSMTEST_CASE(failures_in_set_event),
	VSMTEST_CASE(failures_in_set_assist),
	VSMTEST_CASE(failures_in_set_config),
	VSMTEST_CASE(failures_in_modify),
	VSMTEST_CASE(failures_in_a_memory_fault),
	VSMTEST_CASE(failures_with_an_interrupt),
	VSMTEST_CASE(failures_in_an_intercepted_call),
	VSMTEST_CASE(failures_in_enabling_the_hypercall_page),
	VSMTEST_CASE(failures_in_clearing_guest_os_id),
	VSMTEST_CASE(failures_in_a_first_overlay),
	VSMTEST_CASE(failures_in_moving_an_overlay),
	VSMTEST_CASE(failures_in_lifting_an_overlay),
	VSMTEST_CASE(failures_in_moving_off_a_stack),
	VSMTEST_CASE(failures_in_lifting_below_a_stack),
	VSMTEST_CASE(failures_in_a_get_that_fills_xmm),
	VSMTEST_CASE(failures_in_a_32_bit_get),
	VSMTEST_CASE(failures_in_set_cr3),
	VSMTEST_CASE(failures_in_a_reference_tsc_page),
	VSMTEST_CASE(failures_in_a_read_fault),
	VSMTEST_CASE(failures_in_a_reset),
	VSMTEST_CASE(memory_that_cannot_be_zeroed_is_an_error),
	VSMTEST_CASE(host_errors_are_counted),
	VSMTEST_CASE(a_failed_call_stands_at_its_trap_wherever_rip_was),
	VSMTEST_CASE(every_op_has_failed_often_enough),
};

int main(void)
{
	return vsmtest_main("faults", cases, VSMTEST_COUNT(cases));
}
