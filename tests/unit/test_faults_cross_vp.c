/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Registers of another VP take three entries of two VPs. Every host op of any of them fails at
 * every call, in each of several ways: the caller is never told of a success that was none, no
 * other VP notices, and the call made again ends as if nothing had been.
 */
#include <stdio.h>
#include <string.h>

#include "vsmtest.h"

#define CALLER 0u
#define TARGET 1u
#define ROUNDS 6u

static const int32_t kinds[] = { -VSM_ERR_HOST, -VSM_ERR_NOMEM, -VSM_ERR_INVAL, 0x7eadbeef };

struct call {
	/* Makes the hypercall. @return its verdict. */
	int (*make)(struct vsmtest *t);
	const char *name;
};

static struct vsmtest *machine(void)
{
	struct vsmtest *t = vsmtest_new_vps(2);

	assert_verdict(vsmtest_hypercalls_on(t, CALLER), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_hypercalls_on(t, TARGET), VSM_VERDICT_RESUME);
	vsmtest_reg_set(t, TARGET, 0, HV_X64_REGISTER_CR3, 0x11000);
	vsmtest_reg_set(t, TARGET, 0, HV_X64_REGISTER_RIP, 0x770001);
	return t;
}

static int get(struct vsmtest *t)
{
	struct {
		struct hv_input_get_vp_registers header;
		uint32_t name[2];
	} in = { { HV_PARTITION_ID_SELF, TARGET, 0, { 0 } },
		 { HV_X64_REGISTER_CR3, HV_X64_REGISTER_RIP } };

	memcpy(vsmtest_ram(t, VSMTEST_IN_GPA(CALLER)), &in, sizeof(in));
	return vsmtest_hypercall(t, CALLER, VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 2),
				 VSMTEST_IN_GPA(CALLER), VSMTEST_OUT_GPA(CALLER));
}

static int set(struct vsmtest *t)
{
	struct {
		struct hv_input_set_vp_registers header;
		struct hv_register_assoc assoc[2];
	} in = { { HV_PARTITION_ID_SELF, TARGET, VSMTEST_VTL(0), { 0 } },
		 { { HV_X64_REGISTER_CR3, 0, 0, { 0x5000, 0 } },
		   { HV_X64_REGISTER_RBX, 0, 0, { 0x6000, 0 } } } };

	memcpy(vsmtest_ram(t, VSMTEST_IN_GPA(CALLER)), &in, sizeof(in));
	return vsmtest_hypercall(t, CALLER, VSMTEST_REP(HVCALL_SET_VP_REGISTERS, 2),
				 VSMTEST_IN_GPA(CALLER), VSMTEST_OUT_GPA(CALLER));
}

/* Drives both VPs until the caller goes on. @return its verdict: RESUME, or what went wrong. */
static int drive(struct vsmtest *t, const struct call *call)
{
	int verdict = call->make(t);
	uint32_t i;

	for (i = 0; i < ROUNDS && verdict == VSM_VERDICT_BLOCKED; i++) {
		/* The target's run does not suffer for others. */
		assert_verdict(vsmtest_prepare(t, TARGET), VSM_VERDICT_RESUME);
		verdict = vsmtest_prepare(t, CALLER);
	}
	return verdict;
}

static uint64_t clean_end(const struct call *call, uint32_t *failable)
{
	struct vsmtest *t = machine();
	uint32_t before = t->failable;
	uint64_t hash;

	assert_verdict(drive(t, call), VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, CALLER), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->reps, 2);
	*failable = t->failable - before;
	hash = vsmtest_hash(t);
	vsmtest_free(t);
	return hash;
}

static void one_failure(const struct call *call, uint32_t n, int32_t kind, uint64_t end)
{
	struct vsmtest *t = machine();
	int verdict;

	t->fault_result = kind;
	t->fault_any = t->failable + n;
	verdict = drive(t, call);
	t->fault_any = 0;
	ck_assert_uint_eq(t->faults_hit, 1);
	if (verdict != VSM_VERDICT_RESUME) {
		assert_err(verdict, -VSM_ERR_HOST);
		ck_assert_uint_eq(vsmtest_reg(t, CALLER, 0, HV_X64_REGISTER_RIP), VSMTEST_TRAP_RIP);
	} else if (vsmtest_status(t, CALLER) == HV_STATUS_SUCCESS) {
		ck_assert_msg(vsmtest_hash(t) == end, "%s: op call %u failed with %d: no success",
			      call->name, n, kind);
	}
	ck_assert_uint_eq(vsmtest_reg(t, TARGET, 0, HV_X64_REGISTER_RIP), 0x770001);
	assert_verdict(drive(t, call), VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, CALLER), HV_STATUS_SUCCESS);
	ck_assert_msg(vsmtest_hash(t) == end, "%s: after op call %u had failed with %d: elsewhere",
		      call->name, n, kind);
	vsmtest_free(t);
}

static void all_failures(const struct call *call)
{
	uint32_t failable, n, i;
	uint64_t end = clean_end(call, &failable);

	for (n = 1; n <= failable; n++)
		for (i = 0; i < VSMTEST_COUNT(kinds); i++)
			one_failure(call, n, kinds[i], end);
	printf("# %u host-op failures in a %s across VPs\n",
	       failable * (uint32_t)VSMTEST_COUNT(kinds), call->name);
	ck_assert_uint_ge(failable, 4);
}

START_TEST(failures_in_a_get_across_vps)
{
	static const struct call call = { get, "get" };

	all_failures(&call);
}
END_TEST

START_TEST(failures_in_a_set_across_vps)
{
	static const struct call call = { set, "set" };

	all_failures(&call);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(failures_in_a_get_across_vps),
	VSMTEST_CASE(failures_in_a_set_across_vps),
};

int main(void)
{
	return vsmtest_main("faults_cross_vp", cases, VSMTEST_COUNT(cases));
}
