/* SPDX-License-Identifier: BSD-3-Clause */
/* The rules of host.h: threads, locks, re-entry, missing ops, allocation, log. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "guestmem.h"
#include "host.h"
#include "lock.h"
#include "vsmtest.h"

static const uint64_t data_page = VSMTEST_DATA_GPA >> HV_PAGE_SHIFT;

/* A guest's life that calls every op at least once. */
static void scenario(struct vsmtest *t)
{
	uint64_t value;
	uint8_t list[24];
	uint32_t apic_id = 0x10;
	uint64_t self = HV_PARTITION_ID_SELF;

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SINT0, 0x40), VSM_VERDICT_RESUME);
	assert_status(vsmtest_modify(t, 0, HV_MAP_GPA_READABLE, &data_page, 1), HV_STATUS_SUCCESS);
	memset(list, 0, sizeof(list));
	memcpy(list, &self, 8);
	memcpy(list + 16, &apic_id, 4);
	assert_status(vsmtest_call_fast(t, 0, VSMTEST_REP(HVCALL_GET_VP_INDEX_FROM_APIC_ID, 1),
					list, sizeof(list)),
		      HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_return(t, 0, 0), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_fault(t, 0, VSMTEST_DATA_GPA, HV_INTERCEPT_ACCESS_WRITE),
		       VSM_VERDICT_SWITCHED);
	assert_status(vsmtest_set(t, 0, VSMTEST_VTL(0), HV_REGISTER_PENDING_EVENT0,
				  HV_X64_PENDING_EVENT_PENDING |
					  6ull << HV_X64_PENDING_EXCEPTION_VECTOR_SHIFT),
		      HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_rdmsr(t, 0, HV_X64_MSR_TIME_REF_COUNT, &value), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	/* The message is taken, and a second intercept has a place. */
	assert_verdict(vsmtest_take_message(t, 0), VSM_VERDICT_RESUME);
}

struct probe {
	uint32_t seen[VSMTEST_OPS];
	uint32_t bad;
	char what[64];
};

static void expect(struct probe *probe, int got, int want, const char *what)
{
	if (got == want || probe->bad)
		return;
	probe->bad = 1;
	strncpy(probe->what, what, sizeof(probe->what) - 1);
}

static void forbidden_calls(struct vsmtest *t, enum vsmtest_op op, uint32_t slot)
{
	struct probe *probe = t->hook_arg;
	struct vsm_vp *vp = t->vp[0].vp;
	struct vsm_memory_fault fault;
	struct vsm_cpuid cpuid;
	uint64_t value;

	(void)slot;
	if (!vp)
		return;
	probe->seen[op]++;
	vsmtest_fault_init(&fault, VSMTEST_DATA_GPA, HV_INTERCEPT_ACCESS_WRITE);
	expect(probe, vsm_vp_run_prepare(vp), -VSM_ERR_MISUSE, "vsm_vp_run_prepare");
	expect(probe, vsm_vp_hypercall(vp, VSMTEST_TRAP_RIP, 3), -VSM_ERR_MISUSE,
	       "vsm_vp_hypercall");
	expect(probe, vsm_vp_rdmsr(vp, HV_X64_MSR_VP_INDEX, &value), -VSM_ERR_MISUSE,
	       "vsm_vp_rdmsr");
	expect(probe, vsm_vp_wrmsr(vp, HV_X64_MSR_SIMP, 0), -VSM_ERR_MISUSE, "vsm_vp_wrmsr");
	expect(probe, vsm_vp_cpuid(vp, 0x40000000, 0, &cpuid), -VSM_ERR_MISUSE, "vsm_vp_cpuid");
	expect(probe, vsm_vp_memory_fault(vp, &fault), -VSM_ERR_MISUSE, "vsm_vp_memory_fault");
	expect(probe, vsm_partition_reset(t->vsm), -VSM_ERR_MISUSE, "vsm_partition_reset");
}

START_TEST(entries_from_within_an_op_are_misuse)
{
	struct vsmtest *t = vsmtest_new(NULL);
	struct probe probe;

	memset(&probe, 0, sizeof(probe));
	t->hook = forbidden_calls;
	t->hook_arg = &probe;
	scenario(t);
	t->hook = NULL;
	ck_assert_msg(!probe.bad, "%s was let in from an op", probe.what);
	/* The scenario did come by all of them. */
	ck_assert_uint_gt(probe.seen[VSMTEST_REGS_GET], 0);
	ck_assert_uint_gt(probe.seen[VSMTEST_REGS_SET], 0);
	ck_assert_uint_gt(probe.seen[VSMTEST_XMM_GET], 0);
	ck_assert_uint_gt(probe.seen[VSMTEST_XMM_SET], 0);
	ck_assert_uint_gt(probe.seen[VSMTEST_SWITCH_VTL], 0);
	ck_assert_uint_gt(probe.seen[VSMTEST_GPA_READ], 0);
	ck_assert_uint_gt(probe.seen[VSMTEST_GPA_WRITE], 0);
	ck_assert_uint_gt(probe.seen[VSMTEST_OVERLAY_MAP], 0);
	ck_assert_uint_gt(probe.seen[VSMTEST_PROTECT], 0);
	ck_assert_uint_gt(probe.seen[VSMTEST_TLB_FLUSH], 0);
	ck_assert_uint_gt(probe.seen[VSMTEST_INJECT_EVENT], 0);
	ck_assert_uint_gt(probe.seen[VSMTEST_INTERRUPT], 0);
	vsmtest_free(t);
}
END_TEST

static void allowed_calls(struct vsmtest *t, enum vsmtest_op op, uint32_t slot)
{
	struct probe *probe = t->hook_arg;
	struct vsm_gpa_answer answer = { .size = sizeof(answer) };
	const struct vsm_vp *vp = t->vp[0].vp;
	uint64_t length;
	uint32_t rights = 99;

	(void)slot;
	if (!vp)
		return;
	probe->seen[op]++;
	expect(probe, vsm_gpa_access(t->vsm, 0, 0, 0x3000, 1, VSM_ACCESS_READ, &answer), 0,
	       "vsm_gpa_access");
	expect(probe, vsm_vp_opaque(vp) == &t->vp[0], 1, "vsm_vp_opaque");
	expect(probe, vsm_vp_active_vtl(vp) <= 1, 1, "vsm_vp_active_vtl");
	expect(probe, (vsm_vp_enabled_vtls(vp) & 1) != 0, 1, "vsm_vp_enabled_vtls");
	expect(probe, vsm_vp_mbec(vp, 0), 0, "vsm_vp_mbec");
	expect(probe, vsm_vp_runnable(vp), 1, "vsm_vp_runnable");
	expect(probe, vsm_gpa_rights(t->vsm, 0, VSMTEST_DATA_GPA, &rights), 0, "vsm_gpa_rights");
	expect(probe,
	       vsm_gpa_rights_run(t->vsm, 0, VSMTEST_DATA_GPA, VSMTEST_PAGE, &length, &rights), 0,
	       "vsm_gpa_rights_run");
	expect(probe, (int)vsm_vp_index(vp), 0, "vsm_vp_index");
	expect(probe, vsm_op_complete(t->vsm, ~0ull, 0, 0), -VSM_ERR_NOTFOUND, "vsm_op_complete");
	expect(probe, vsm_strerror(1) != NULL, 1, "vsm_strerror");
}

START_TEST(the_named_functions_may_be_called_from_an_op)
{
	struct vsmtest *t = vsmtest_new(NULL);
	struct probe probe;

	memset(&probe, 0, sizeof(probe));
	t->hook = allowed_calls;
	t->hook_arg = &probe;
	scenario(t);
	t->hook = NULL;
	ck_assert_msg(!probe.bad, "%s did not work within an op", probe.what);
	ck_assert_uint_gt(probe.seen[VSMTEST_PROTECT], 0);
	vsmtest_free(t);
}
END_TEST

static void *any_thread_calls(void *arg)
{
	struct vsmtest *t = arg;
	struct vsm_capabilities caps = { .size = sizeof(caps) };
	struct vsm_stats stats = { .size = sizeof(stats) };
	uint32_t rights, i;
	int all = 0;

	for (i = 0; i < t->vps; i++) {
		all += vsm_vp_runnable(t->vp[i].vp) >= 0;
		all += vsm_vp_active_vtl(t->vp[i].vp) <= 1;
		all += (vsm_vp_enabled_vtls(t->vp[i].vp) & 1) == 1;
	}
	all += vsm_gpa_rights(t->vsm, 0, 0, &rights) == 0;
	all += vsm_op_complete(t->vsm, ~0ull, 0, 0) == -VSM_ERR_NOTFOUND;
	all += vsm_stats_get(t->vsm, &stats) == 0;
	all += vsm_capabilities_get(t->vsm, &caps) == 0;
	return (void *)(intptr_t)all;
}

/* A lock of the library held over the op would make the other thread wait for ever. */
static void from_another_thread(struct vsmtest *t, enum vsmtest_op op, uint32_t slot)
{
	struct probe *probe = t->hook_arg;
	pthread_t thread;
	void *all = NULL;

	(void)slot;
	if (!t->vps)
		return;
	probe->seen[op]++;
	if (pthread_create(&thread, NULL, any_thread_calls, t))
		return;
	pthread_join(thread, &all);
	expect(probe, (int)(intptr_t)all, (int)(4 + 3 * t->vps), vsmtest_op_name(op));
}

START_TEST(no_lock_is_held_over_any_op)
{
	struct vsmtest *t = vsmtest_new(NULL);
	struct probe probe;

	memset(&probe, 0, sizeof(probe));
	t->hook = from_another_thread;
	t->hook_arg = &probe;
	scenario(t);
	t->hook = NULL;
	ck_assert_msg(!probe.bad, "another thread failed during %s", probe.what);
	ck_assert_uint_gt(probe.seen[VSMTEST_PROTECT], 0);
	ck_assert_uint_gt(probe.seen[VSMTEST_OVERLAY_MAP], 0);
	vsmtest_free(t);
}
END_TEST

/* The library's own guard, tripped on purpose: with its lock held no op is reached. */
START_TEST(an_op_under_a_lock_is_refused_and_logged)
{
	struct vsmtest *t = vsmtest_new(NULL);
	struct vsm_vp *vp = t->vp[0].vp;
	struct vsm_reg reg = { .name = HV_X64_REGISTER_RAX };
	struct vsm_overlay overlay = { .vp = VSM_ALL_VPS };
	struct vsm_protect_range range = { 0, VSMTEST_PAGE, 0, VSM_RIGHTS_ALL };
	struct vsm_xmm_block xmm = { { 0 } };
	uint8_t bytes[8] = { 0 };
	uint32_t calls = t->calls, done;

	lock_take(t->vsm, vp);
	assert_err(host_regs_get(vp, 0, VSM_REGS_GPR, &reg, 1), -VSM_ERR_HOST);
	assert_err(host_regs_set(vp, 0, VSM_REGS_GPR, &reg, 1), -VSM_ERR_HOST);
	assert_err(host_xmm_get(vp, 0, &xmm), -VSM_ERR_HOST);
	assert_err(host_xmm_set(vp, 0, &xmm), -VSM_ERR_HOST);
	assert_err(host_switch(vp, 0, 1, VSM_SWITCH_PREPARE), -VSM_ERR_HOST);
	assert_err(guestmem_read(vp, 0, bytes, 8), -VSM_ERR_HOST);
	assert_err(guestmem_write(vp, 0, bytes, 8), -VSM_ERR_HOST);
	assert_err(host_overlay_map(t->vsm, vp, &overlay, 0), -VSM_ERR_HOST);
	assert_err(host_protect(t->vsm, vp, &range, 1, &done, 0), -VSM_ERR_HOST);
	assert_err(host_tlb_flush(t->vsm, vp, 0, 0), -VSM_ERR_HOST);
	assert_err(host_inject(vp, 0, NULL), -VSM_ERR_HOST);
	assert_err(host_interrupt(vp, 0, 32, 0), -VSM_ERR_HOST);
	host_kick(vp, vp);
	lock_drop(t->vsm, vp);
	ck_assert_uint_eq(t->calls, calls);
	ck_assert(vsmtest_logged(t, "regs_get: a lock of libvsm is held over a host op"));
	ck_assert(vsmtest_logged(t, "kick: a lock of libvsm is held over a host op"));
	vsmtest_free(t);
}
END_TEST

START_TEST(nothing_is_allocated_after_the_last_vp)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint32_t allocs = t->count[VSMTEST_ALLOC], frees = t->count[VSMTEST_FREE];

	scenario(t);
	assert_err(vsmtest_reset(t), 0);
	scenario(t);
	ck_assert_uint_eq(t->count[VSMTEST_ALLOC], allocs);
	ck_assert_uint_eq(t->count[VSMTEST_FREE], frees);
	vsmtest_free(t);
}
END_TEST

START_TEST(the_ops_table_is_copied)
{
	struct vsmtest *t = vsmtest_alloc(NULL);
	struct vsm_vp_config vp = { .size = sizeof(vp), .apic_id = 0x10, .opaque = &t->vp[0] };
	struct vsm_host_ops ops;

	vsmtest_ops(t, &ops);
	t->may_allocate = 1;
	assert_err(vsm_partition_create(&t->opts.config, &ops, t, &t->vsm), 0);
	memset(&ops, 0, sizeof(ops));
	assert_err(vsm_ram_add(t->vsm, VSMTEST_RAM0_GPA, VSMTEST_RAM0_SIZE), 0);
	assert_err(vsm_ram_add(t->vsm, VSMTEST_RAM1_GPA, VSMTEST_RAM1_SIZE), 0);
	assert_err(vsm_partition_realise(t->vsm), 0);
	assert_err(vsm_vp_create(t->vsm, &vp, &t->vp[0].vp), 0);
	t->vps = 1;
	t->may_allocate = 0;
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	vsmtest_free(t);
}
END_TEST

START_TEST(entries_name_a_null_argument)
{
	struct vsmtest *t = vsmtest_new(NULL);
	struct vsm_vp *vp = t->vp[0].vp;
	struct vsm_memory_fault fault;
	struct vsm_cpuid cpuid;
	uint64_t value;

	vsmtest_fault_init(&fault, 0, 0);
	assert_err(vsm_vp_hypercall(NULL, 0, 3), -VSM_ERR_INVAL);
	assert_err(vsm_vp_rdmsr(NULL, 0x40000000, &value), -VSM_ERR_INVAL);
	assert_err(vsm_vp_rdmsr(vp, 0x40000000, NULL), -VSM_ERR_INVAL);
	assert_err(vsm_vp_wrmsr(NULL, 0x40000000, 0), -VSM_ERR_INVAL);
	assert_err(vsm_vp_cpuid(NULL, 0x40000000, 0, &cpuid), -VSM_ERR_INVAL);
	assert_err(vsm_vp_cpuid(vp, 0x40000000, 0, NULL), -VSM_ERR_INVAL);
	assert_err(vsm_vp_memory_fault(NULL, &fault), -VSM_ERR_INVAL);
	assert_err(vsm_vp_memory_fault(vp, NULL), -VSM_ERR_INVAL);
	assert_err(vsm_vp_exception(vp, NULL), -VSM_ERR_INVAL);
	assert_err(vsm_vp_set_opaque(NULL, t), -VSM_ERR_INVAL);
	vsmtest_free(t);
}
END_TEST

START_TEST(trap_length_is_1_to_15)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint64_t hash;

	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	hash = vsmtest_hash(t);
	assert_err(vsmtest_trap(t, 0, VSMTEST_TRAP_RIP, 0), -VSM_ERR_INVAL);
	ck_assert_msg(vsmtest_logged(t, "trap_length"), "no log line names trap_length");
	assert_err(vsmtest_trap(t, 0, VSMTEST_TRAP_RIP, 16), -VSM_ERR_INVAL);
	assert_same(t, hash);
	vsmtest_free(t);
}
END_TEST

START_TEST(the_vps_pointer_can_be_changed)
{
	struct vsmtest *t = vsmtest_new(NULL);
	int other;

	ck_assert_ptr_eq(vsm_vp_opaque(t->vp[0].vp), &t->vp[0]);
	assert_err(vsm_vp_set_opaque(t->vp[0].vp, &other), 0);
	ck_assert_ptr_eq(vsm_vp_opaque(t->vp[0].vp), &other);
	assert_err(vsm_vp_set_opaque(t->vp[0].vp, &t->vp[0]), 0);
	vsmtest_free(t);
}
END_TEST

static const struct {
	uint32_t op;
	uint32_t lost; /* Capabilities that go with it. */
	uint32_t features; /* Bits of CPUID 0x40000003 EDX that must go. */
	uint64_t privileges; /* Bits of EBX:EAX that must go. */
} optional[] = {
	{ VSMTEST_XMM_GET, VSM_CAP_XMM,
	  HV_FEATURE_XMM_HYPERCALL_INPUT | HV_FEATURE_FAST_HYPERCALL_OUTPUT,
	  HV_PRIV_FAST_HYPERCALL_OUTPUT },
	{ VSMTEST_XMM_SET, VSM_CAP_XMM,
	  HV_FEATURE_XMM_HYPERCALL_INPUT | HV_FEATURE_FAST_HYPERCALL_OUTPUT,
	  HV_PRIV_FAST_HYPERCALL_OUTPUT },
	{ VSMTEST_SWITCH_VTL, VSM_CAP_VSM | VSM_CAP_PROTECT | VSM_CAP_INJECT, 0,
	  HV_PRIV_ACCESS_VSM },
	{ VSMTEST_OVERLAY_ARENA, 0, 0, 0 },
	{ VSMTEST_OVERLAY_MAP, VSM_CAP_OVERLAYS | VSM_CAP_VSM | VSM_CAP_PROTECT | VSM_CAP_INJECT, 0,
	  HV_PRIV_ACCESS_VSM | HV_PRIV_ACCESS_PARTITION_REFERENCE_TSC },
	{ VSMTEST_PROTECT, VSM_CAP_PROTECT, 0, 0 },
	{ VSMTEST_TLB_FLUSH, VSM_CAP_TLB_FLUSH | VSM_CAP_PROTECT, 0, 0 },
	{ VSMTEST_KICK, VSM_CAP_CROSS_VP, 0, 0 },
	{ VSMTEST_INJECT_EVENT, VSM_CAP_INJECT, 0, 0 },
	{ VSMTEST_INTERRUPT, VSM_CAP_INTERRUPT, 0, 0 },
	{ VSMTEST_TSC, VSM_CAP_CLOCK, HV_FEATURE_FREQUENCY_REGS,
	  HV_PRIV_ACCESS_PARTITION_REFERENCE_COUNTER | HV_PRIV_ACCESS_FREQUENCY_REGS |
		  HV_PRIV_ACCESS_PARTITION_REFERENCE_TSC },
	{ VSMTEST_TSC_HZ, VSM_CAP_CLOCK, HV_FEATURE_FREQUENCY_REGS,
	  HV_PRIV_ACCESS_PARTITION_REFERENCE_COUNTER | HV_PRIV_ACCESS_FREQUENCY_REGS |
		  HV_PRIV_ACCESS_PARTITION_REFERENCE_TSC },
	{ VSMTEST_LOG, 0, 0, 0 },
	{ VSMTEST_THREAD_ID, 0, 0, 0 },
	{ VSMTEST_CRASH, VSM_CAP_CRASH, HV_FEATURE_GUEST_CRASH_REGS, 0 },
};

static void capabilities(struct vsmtest *t, struct vsm_capabilities *caps)
{
	memset(caps, 0, sizeof(*caps));
	caps->size = sizeof(*caps);
	assert_err(vsm_capabilities_get(t->vsm, caps), 0);
}

START_TEST(all_ops_give_all_capabilities)
{
	struct vsmtest *t = vsmtest_new(NULL);
	struct vsm_capabilities caps;

	capabilities(t, &caps);
	ck_assert_uint_eq(caps.flags, 0x5ff);
	ck_assert_uint_eq(caps.enforceable, 0xa00b);
	ck_assert_uint_eq(caps.accepted, 0xa00b);
	ck_assert_uint_eq(caps.max_vtl, 1);
	vsmtest_free(t);
}
END_TEST

START_TEST(each_missing_op_takes_its_capability_and_cpuid_bits)
{
	struct vsm_capabilities all, caps;
	struct vsmtest *t = vsmtest_new(NULL);
	struct vsm_cpuid leaf;
	size_t i;

	capabilities(t, &all);
	vsmtest_free(t);
	for (i = 0; i < VSMTEST_COUNT(optional); i++) {
		const char *name = vsmtest_op_name(optional[i].op);
		struct vsmtest_opts opts;
		uint32_t must, may;

		vsmtest_opts_init(&opts);
		opts.null_ops = VSMTEST_BIT(optional[i].op);
		t = vsmtest_new(&opts);
		capabilities(t, &caps);
		/* What hangs on VSM as a whole may go with it. */
		must = optional[i].lost & ~(VSM_CAP_PROTECT | VSM_CAP_INJECT);
		if (!(optional[i].lost & VSM_CAP_VSM))
			must = optional[i].lost;
		may = optional[i].lost;
		ck_assert_msg((all.flags & ~caps.flags & must) == must, "%s: flags %x", name,
			      caps.flags);
		ck_assert_msg((all.flags & ~caps.flags & ~may) == 0, "%s: flags %x", name,
			      caps.flags);
		assert_err(vsm_cpuid_get(t->vsm, 0x40000003, &leaf), 0);
		ck_assert_uint_eq(leaf.edx, caps.features);
		ck_assert_uint_eq(leaf.eax | (uint64_t)leaf.ebx << 32, caps.privileges);
		ck_assert_msg((leaf.edx & optional[i].features) == 0, "%s: edx %x", name, leaf.edx);
		ck_assert_msg((caps.privileges & optional[i].privileges) == 0,
			      "%s: privileges %llx", name, (unsigned long long)caps.privileges);
		if (caps.flags & VSM_CAP_VSM)
			ck_assert_uint_eq(caps.max_vtl, 1);
		else
			ck_assert_uint_eq(caps.max_vtl, 0);
		vsmtest_free(t);
	}
}
END_TEST

START_TEST(without_protect_no_right_can_be_taken_away)
{
	static const uint32_t absent[] = { VSMTEST_BIT(VSMTEST_PROTECT),
					   VSMTEST_BIT(VSMTEST_TLB_FLUSH) };
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(absent); i++) {
		struct vsm_capabilities caps;
		struct vsmtest_opts opts;
		struct vsmtest *t;

		vsmtest_opts_init(&opts);
		opts.null_ops = absent[i];
		t = vsmtest_new(&opts);
		capabilities(t, &caps);
		ck_assert_uint_eq(caps.enforceable, 0x8000);
		assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
		assert_status(vsmtest_modify(t, 0, HV_MAP_GPA_READABLE, &data_page, 1),
			      HV_STATUS_OPERATION_DENIED);
		ck_assert_uint_eq(t->count[VSMTEST_PROTECT], 0);
		assert_status(vsmtest_modify(t, 0, VSM_RIGHTS_ALL, &data_page, 1),
			      HV_STATUS_SUCCESS);
		vsmtest_free(t);
	}
}
END_TEST

START_TEST(a_host_that_flushes_in_protect_needs_no_tlb_flush)
{
	struct vsm_capabilities caps;
	struct vsmtest_opts opts;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	opts.config.host_flags = VSM_HOST_PROTECT_FLUSHES;
	opts.null_ops = VSMTEST_BIT(VSMTEST_TLB_FLUSH);
	t = vsmtest_new(&opts);
	capabilities(t, &caps);
	ck_assert_uint_eq(caps.flags & VSM_CAP_PROTECT, VSM_CAP_PROTECT);
	vsmtest_free(t);
	opts.null_ops = 0;
	t = vsmtest_new(&opts);
	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify(t, 0, 0, &data_page, 1), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->count[VSMTEST_PROTECT], 1);
	ck_assert_uint_eq(t->count[VSMTEST_TLB_FLUSH], 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(without_an_overlay_op_hypercalls_cannot_be_enabled)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	opts.null_ops = VSMTEST_BIT(VSMTEST_OVERLAY_MAP);
	t = vsmtest_new(&opts);
	assert_exception(t, 0, vsmtest_wrmsr(t, 0, HV_X64_MSR_GUEST_OS_ID, 1), X86_GP);
	assert_exception(t, 0, vsmtest_wrmsr(t, 0, HV_X64_MSR_HYPERCALL, 0x10001), X86_GP);
	assert_exception(t, 0,
			 vsmtest_hypercall(t, 0, HVCALL_NOTIFY_LONG_SPIN_WAIT | HV_HYPERCALL_FAST,
					   1, 0),
			 X86_UD);
	vsmtest_free(t);
}
END_TEST

START_TEST(guest_caused_lines_are_thinned_out)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint32_t i;

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1000, -VSM_ERR_HOST);
	t->lines = 0;
	for (i = 0; i < 1000; i++)
		assert_status(vsmtest_modify(t, 0, 0, &data_page, 1), HV_STATUS_OPERATION_DENIED);
	ck_assert_uint_ge(t->lines, 1);
	/* The 1st, 2nd, 4th ... 512th of each kind; one failure may be of two kinds. */
	ck_assert_uint_le(t->lines, 20);
	vsmtest_free(t);
}
END_TEST

START_TEST(misuse_is_logged_with_its_function)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_err(vsm_partition_realise(t->vsm), -VSM_ERR_MISUSE);
	ck_assert_msg(vsmtest_logged(t, "vsm_partition_realise"), "no log line");
	assert_err(vsm_ram_add(t->vsm, 0, 0x1000), -VSM_ERR_MISUSE);
	ck_assert_msg(vsmtest_logged(t, "vsm_ram_add"), "no log line");
	vsmtest_free(t);
}
END_TEST

static _Atomic int other_result;

static void *other_entry(void *arg)
{
	struct vsmtest *t = arg;
	uint64_t value;

	atomic_store(&other_result, vsm_vp_rdmsr(t->vp[0].vp, HV_X64_MSR_VP_INDEX, &value));
	return NULL;
}

static void enter_from_elsewhere(struct vsmtest *t, enum vsmtest_op op, uint32_t slot)
{
	pthread_t thread;

	(void)slot;
	if (op != VSMTEST_OVERLAY_MAP || pthread_create(&thread, NULL, other_entry, t))
		return;
	pthread_join(thread, NULL);
}

START_TEST(one_entry_at_a_time_per_vp)
{
	struct vsmtest *t = vsmtest_new(NULL);

	atomic_store(&other_result, 1);
	t->hook = enter_from_elsewhere;
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	t->hook = NULL;
	assert_err(atomic_load(&other_result), -VSM_ERR_MISUSE);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_null_exit_asks_for_few_ops)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint64_t value;
	uint32_t calls;

	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	calls = t->calls;
	assert_verdict(vsmtest_rdmsr(t, 0, HV_X64_MSR_VP_INDEX, &value), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(t->calls - calls, 0);
	calls = t->calls;
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(t->calls - calls, 0);
	/* One batch in, one batch out. */
	calls = t->calls;
	assert_verdict(vsmtest_hypercall(t, 0, HVCALL_NOTIFY_LONG_SPIN_WAIT | HV_HYPERCALL_FAST, 1,
					 0),
		       VSM_VERDICT_RESUME);
	ck_assert_uint_eq(t->calls - calls, 2);
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(entries_from_within_an_op_are_misuse),
	VSMTEST_CASE(the_named_functions_may_be_called_from_an_op),
	VSMTEST_CASE(no_lock_is_held_over_any_op),
	VSMTEST_CASE(an_op_under_a_lock_is_refused_and_logged),
	VSMTEST_CASE(nothing_is_allocated_after_the_last_vp),
	VSMTEST_CASE(the_ops_table_is_copied),
	VSMTEST_CASE(entries_name_a_null_argument),
	VSMTEST_CASE(trap_length_is_1_to_15),
	VSMTEST_CASE(the_vps_pointer_can_be_changed),
	VSMTEST_CASE(all_ops_give_all_capabilities),
	VSMTEST_CASE(each_missing_op_takes_its_capability_and_cpuid_bits),
	VSMTEST_CASE(without_protect_no_right_can_be_taken_away),
	VSMTEST_CASE(a_host_that_flushes_in_protect_needs_no_tlb_flush),
	VSMTEST_CASE(without_an_overlay_op_hypercalls_cannot_be_enabled),
	VSMTEST_CASE(guest_caused_lines_are_thinned_out),
	VSMTEST_CASE(misuse_is_logged_with_its_function),
	VSMTEST_CASE(one_entry_at_a_time_per_vp),
	VSMTEST_CASE(a_null_exit_asks_for_few_ops),
};

int main(void)
{
	return vsmtest_main("host_contract", cases, VSMTEST_COUNT(cases));
}
