/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ops that call back what they must not: from every op, in every phase of a partition's life, each
 * function that takes a handle. What may not be called is refused; the phase ends as if nothing had
 * been, and the machine is the same.
 */
#include <string.h>

#include "internal.h"
#include "vsmtest.h"
#include "vsmtest_internal.h"

static struct vsm_host_ops plain; /* The fake host's own ops. */
static uint32_t meddled[VSMTEST_OPS]; /* How often each op has called back. */
static uint32_t depth, deepest; /* Of ops within ops. */
static uint32_t on; /* 0: the ops behave. */
static uint32_t wrong; /* Calls that were let in. */
static const char *which;

static void expect(int got, int want, const char *what)
{
	if (got == want || wrong++ != 0)
		return;
	which = what;
}

/* Life of the partition: of these none may be let in anywhere. */
static void call_partition(struct vsmtest *t)
{
	struct vsm_vp_config config = { .size = sizeof(config), .index = 1, .apic_id = 0x77 };
	struct vsm_vp *vp = NULL;

	expect(vsm_ram_add(t->vsm, 0x20000000, 0x1000), -VSM_ERR_MISUSE, "vsm_ram_add");
	expect(vsm_partition_realise(t->vsm), -VSM_ERR_MISUSE, "vsm_partition_realise");
	expect(vsm_vp_create(t->vsm, &config, &vp), -VSM_ERR_MISUSE, "vsm_vp_create");
	expect(vsm_partition_reset(t->vsm), -VSM_ERR_MISUSE, "vsm_partition_reset");
	expect(vp == NULL, 1, "vsm_vp_create");
	vsm_partition_destroy(t->vsm);
}

static void call_vp(struct vsm_vp *vp)
{
	static struct vsm_private_state state;
	struct vsm_memory_fault fault;
	struct vsm_cpuid cpuid;
	uint64_t value;

	vsmtest_fault_init(&fault, VSMTEST_DATA_GPA, HV_INTERCEPT_ACCESS_WRITE);
	expect(vsm_vp_run_prepare(vp), -VSM_ERR_MISUSE, "vsm_vp_run_prepare");
	expect(vsm_vp_hypercall(vp, VSMTEST_TRAP_RIP, 3), -VSM_ERR_MISUSE, "vsm_vp_hypercall");
	expect(vsm_vp_rdmsr(vp, HV_X64_MSR_VP_INDEX, &value), -VSM_ERR_MISUSE, "vsm_vp_rdmsr");
	expect(vsm_vp_wrmsr(vp, HV_X64_MSR_SIMP, 0), -VSM_ERR_MISUSE, "vsm_vp_wrmsr");
	expect(vsm_vp_cpuid(vp, HV_CPUID_MIN, 0, &cpuid), -VSM_ERR_MISUSE, "vsm_vp_cpuid");
	expect(vsm_vp_memory_fault(vp, &fault), -VSM_ERR_MISUSE, "vsm_vp_memory_fault");
	expect(vsm_vp_set_opaque(vp, NULL), -VSM_ERR_MISUSE, "vsm_vp_set_opaque");
	expect(vsm_vp_thread_release(vp), -VSM_ERR_MISUSE, "vsm_vp_thread_release");
	expect(vsm_vtl_state_save(vp, 0, &state), -VSM_ERR_MISUSE, "vsm_vtl_state_save");
	vsm_private_state_init(&state, 0);
	expect(vsm_vtl_state_load(vp, 0, &state), -VSM_ERR_MISUSE, "vsm_vtl_state_load");
}

/* What only looks gives an answer, or says that it is too early. */
static void look(struct vsmtest *t)
{
	struct vsm_capabilities caps = { .size = sizeof(caps) };
	struct vsm_stats stats = { .size = sizeof(stats) };
	struct vsm_exception exception;
	struct vsm_cpuid cpuid;
	uint32_t rights;

	vsm_capabilities_get(t->vsm, &caps);
	vsm_cpuid_get(t->vsm, HV_CPUID_MIN, &cpuid);
	vsm_gpa_rights(t->vsm, 0, VSMTEST_DATA_GPA, &rights);
	expect(vsm_stats_get(t->vsm, &stats), 0, "vsm_stats_get");
	expect(vsm_op_complete(t->vsm, ~0ull, 0, 0), -VSM_ERR_NOTFOUND, "vsm_op_complete");
	if (t->vp[0].vp != NULL) {
		vsm_vp_exception(t->vp[0].vp, &exception);
		expect(vsm_vp_opaque(t->vp[0].vp) == &t->vp[0], 1, "vsm_vp_opaque");
		vsm_vp_runnable(t->vp[0].vp);
	}
}

static void meddle(struct vsmtest *t, enum vsmtest_op op)
{
	if (!on || t->vsm == NULL)
		return;
	depth++;
	deepest = depth > deepest ? depth : deepest;
	meddled[op]++;
	/* Each refusal is a line, and each line calls back: all of them at every depth would take
	 * for ever. */
	if (depth > 2) {
		expect(vsm_ram_add(t->vsm, 0x20000000, 0x1000), -VSM_ERR_MISUSE, "vsm_ram_add");
	} else {
		call_partition(t);
		if (t->vp[0].vp != NULL)
			call_vp(t->vp[0].vp);
		look(t);
	}
	depth--;
}

static void from_hook(struct vsmtest *t, enum vsmtest_op op, uint32_t vp)
{
	(void)vp;
	meddle(t, op);
}

/* These have no hook in the fake host. */

static void *meddling_alloc(void *opaque, size_t size)
{
	meddle(opaque, VSMTEST_ALLOC);
	return plain.alloc(opaque, size);
}

static void meddling_free(void *opaque, void *ptr, size_t size)
{
	meddle(opaque, VSMTEST_FREE);
	plain.free(opaque, ptr, size);
}

static void meddling_log(void *opaque, int32_t level, const char *line)
{
	plain.log(opaque, level, line);
	meddle(opaque, VSMTEST_LOG);
}

static struct vsmtest *created(void)
{
	struct vsmtest *t = vsmtest_alloc(NULL);
	struct vsm_host_ops ops;

	memset(meddled, 0, sizeof(meddled));
	on = wrong = depth = deepest = 0;
	vsmtest_ops(t, &plain);
	ops = plain;
	ops.alloc = meddling_alloc;
	ops.free = meddling_free;
	ops.log = meddling_log;
	t->opts.config.max_vps = 2;
	t->may_allocate = 1;
	t->hook = from_hook;
	assert_err(vsm_partition_create(&t->opts.config, &ops, t, &t->vsm), 0);
	assert_err(vsm_ram_add(t->vsm, VSMTEST_RAM0_GPA, VSMTEST_RAM0_SIZE), 0);
	assert_err(vsm_ram_add(t->vsm, VSMTEST_RAM1_GPA, VSMTEST_RAM1_SIZE), 0);
	return t;
}

static void add_vp(struct vsmtest *t)
{
	struct vsm_vp_config config = { .size = sizeof(config),
					.apic_id = 0x10,
					.opaque = &t->vp[0] };

	assert_err(vsm_vp_create(t->vsm, &config, &t->vp[0].vp), 0);
	t->vps = 1;
	t->may_allocate = 0;
}

static struct vsmtest *running(void)
{
	struct vsmtest *t = created();

	assert_err(vsm_partition_realise(t->vsm), 0);
	add_vp(t);
	return t;
}

static void nothing_got_in(struct vsmtest *t)
{
	on = 0;
	ck_assert_msg(wrong == 0, "%s was let in", which);
	ck_assert_uint_eq(deepest, 5); /* One op, and the lines at once that host.c allows. */
	ck_assert_ptr_nonnull(t->vsm);
}

START_TEST(ops_of_realise)
{
	struct vsmtest *t = created();

	on = 1;
	assert_err(vsm_partition_realise(t->vsm), 0);
	nothing_got_in(t);
	ck_assert_uint_gt(meddled[VSMTEST_ALLOC], 0);
	ck_assert_uint_gt(meddled[VSMTEST_OVERLAY_ARENA], 0);
	ck_assert_uint_gt(meddled[VSMTEST_TSC], 0);
	ck_assert_uint_gt(meddled[VSMTEST_TSC_HZ], 0);
	ck_assert_uint_gt(meddled[VSMTEST_LOG], 0);
	add_vp(t);
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	vsmtest_free(t);
}
END_TEST

START_TEST(ops_of_a_realise_that_fails)
{
	struct vsmtest *t = created();

	on = 1;
	vsmtest_fail_op(t, VSMTEST_OVERLAY_ARENA, 1, 1, -VSM_ERR_NOMEM);
	assert_err(vsm_partition_realise(t->vsm), -VSM_ERR_NOMEM);
	nothing_got_in(t);
	ck_assert_uint_gt(meddled[VSMTEST_FREE], 0);
	assert_err(vsm_partition_realise(t->vsm), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(ops_of_vp_create)
{
	struct vsmtest *t = created();
	struct vsm_vp *vp = NULL;
	struct vsm_vp_config config = { .size = sizeof(config), .index = 1, .apic_id = 0x12 };

	assert_err(vsm_partition_realise(t->vsm), 0);
	on = 1;
	assert_err(vsm_vp_create(t->vsm, &config, &vp), 0);
	nothing_got_in(t);
	ck_assert_uint_gt(meddled[VSMTEST_ALLOC], 0);
	ck_assert_uint_eq(vsm_vp_index(vp), 1);
	vsmtest_free(t);
}
END_TEST

/* A guest's life that comes by every op of an entry. */
static void scenario(struct vsmtest *t)
{
	const uint64_t element[3] = { HV_PARTITION_ID_SELF, 0, 0x10 };
	uint64_t value;

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SINT0, 0x40), VSM_VERDICT_RESUME);
	assert_status(vsmtest_modify_gpa(t, 0, HV_MAP_GPA_READABLE, VSMTEST_DATA_GPA),
		      HV_STATUS_SUCCESS);
	assert_status(vsmtest_call_fast(t, 0, VSMTEST_REP(HVCALL_GET_VP_INDEX_FROM_APIC_ID, 1),
					element, sizeof(element)),
		      HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_return(t, 0, 0), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_fault(t, 0, VSMTEST_DATA_GPA, HV_INTERCEPT_ACCESS_WRITE),
		       VSM_VERDICT_SWITCHED);
	assert_status(vsmtest_set(t, 0, VSMTEST_VTL(0), HV_REGISTER_PENDING_EVENT0,
				  HV_X64_PENDING_EVENT_PENDING |
					  6ull << HV_X64_PENDING_EXCEPTION_VECTOR_SHIFT),
		      HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_rdmsr(t, 0, HV_X64_MSR_TIME_REF_COUNT, &value), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_CRASH_CTL, HV_CRASH_CTL_NOTIFY),
		       VSM_VERDICT_RESUME);
}

START_TEST(ops_of_entries)
{
	static const enum vsmtest_op ops[] = {
		VSMTEST_REGS_GET,   VSMTEST_REGS_SET,  VSMTEST_XMM_GET,	     VSMTEST_XMM_SET,
		VSMTEST_SWITCH_VTL, VSMTEST_GPA_READ,  VSMTEST_GPA_WRITE,    VSMTEST_OVERLAY_MAP,
		VSMTEST_PROTECT,    VSMTEST_TLB_FLUSH, VSMTEST_INJECT_EVENT, VSMTEST_INTERRUPT,
		VSMTEST_TSC,	    VSMTEST_CRASH,     VSMTEST_LOG,
	};
	struct vsmtest *calm = running(), *t;
	uint64_t hash;

	scenario(calm);
	hash = vsmtest_hash(calm);
	vsmtest_free(calm);
	t = running();
	on = 1;
	scenario(t);
	nothing_got_in(t);
	for (uint32_t i = 0; i < VSMTEST_COUNT(ops); i++)
		ck_assert_msg(meddled[ops[i]] > 0, "%s was not called", vsmtest_op_name(ops[i]));
	assert_same(t, hash);
	vsmtest_free(t);
}
END_TEST

/* A host op fails, which is logged, and the log op calls back as well. */
START_TEST(ops_of_an_entry_that_fails)
{
	struct vsm_stats stats = { .size = sizeof(stats) };
	struct vsmtest *t = running();
	uint64_t hash;

	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	hash = vsmtest_hash(t);
	on = 1;
	vsmtest_fail_op(t, VSMTEST_OVERLAY_MAP, 1, 1, -VSM_ERR_HOST);
	assert_exception(t, 0, vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, VSMTEST_SIMP_GPA(0, 0) | 1),
			 X86_GP);
	nothing_got_in(t);
	ck_assert_uint_gt(meddled[VSMTEST_LOG], 0);
	assert_err(vsm_stats_get(t->vsm, &stats), 0);
	ck_assert_uint_eq(stats.host_errors, 1);
	ck_assert(vsmtest_logged(t, "vsm_partition_destroy: called from within a host op"));
	assert_same(t, hash);
	vsmtest_free(t);
}
END_TEST

START_TEST(ops_of_reset)
{
	struct vsmtest *t = running();

	scenario(t);
	memset(meddled, 0, sizeof(meddled));
	on = 1;
	assert_err(vsmtest_reset(t), 0);
	nothing_got_in(t);
	ck_assert_uint_gt(meddled[VSMTEST_OVERLAY_MAP], 0);
	ck_assert_uint_gt(meddled[VSMTEST_PROTECT], 0);
	ck_assert_uint_gt(meddled[VSMTEST_GPA_WRITE], 0);
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	vsmtest_free(t);
}
END_TEST

/* The fake host reports a block that is freed twice or not at all. */
START_TEST(ops_of_destroy_find_a_partition_that_is_as_good_as_gone)
{
	struct vsmtest *t = running();
	uint32_t blocks = t->live;

	scenario(t);
	t->vp[0].vp = NULL; /* From now on no handle of a VP is one. */
	memset(meddled, 0, sizeof(meddled));
	on = 1;
	vsmtest_destroy(t);
	on = 0;
	ck_assert_msg(wrong == 0, "%s was let in", which);
	ck_assert_uint_eq(meddled[VSMTEST_FREE], blocks);
	ck_assert_uint_eq(t->live, 0);
	vsmtest_free(t);
}
END_TEST

/* Without an entry a destroy does what it says; with a log op in between, it does not. */
static void destroying_log(void *opaque, int32_t level, const char *line)
{
	struct vsmtest *t = opaque;

	plain.log(opaque, level, line);
	vsm_partition_destroy(t->vsm);
}

START_TEST(a_log_op_cannot_destroy_what_logs)
{
	struct vsmtest *t = running();

	t->vsm->ops.log = destroying_log;
	assert_err(vsm_ram_add(t->vsm, 0x20000000, 0x1000), -VSM_ERR_MISUSE);
	assert_err(vsm_vp_set_opaque(t->vp[0].vp, &t->vp[0]), 0);
	ck_assert(vsmtest_logged(t, "vsm_ram_add: the partition is realised already"));
	ck_assert(vsmtest_logged(t, "vsm_partition_destroy: called from within a host op"));
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	t->vsm->ops.log = plain.log;
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(ops_of_realise),
	VSMTEST_CASE(ops_of_a_realise_that_fails),
	VSMTEST_CASE(ops_of_vp_create),
	VSMTEST_CASE(ops_of_entries),
	VSMTEST_CASE(ops_of_an_entry_that_fails),
	VSMTEST_CASE(ops_of_reset),
	VSMTEST_CASE(ops_of_destroy_find_a_partition_that_is_as_good_as_gone),
	VSMTEST_CASE(a_log_op_cannot_destroy_what_logs),
};

int main(void)
{
	return vsmtest_main("reentry", cases, VSMTEST_COUNT(cases));
}
