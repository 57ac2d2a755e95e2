/* SPDX-License-Identifier: BSD-3-Clause */
/* Saved state: when it can be had, and where it can be loaded. */
#include "saved_machine.h"

static void cannot_be_saved(struct vsmtest *t, int why)
{
	uint8_t buf[16];
	size_t size = 77, used = 77;

	assert_err(vsm_save_size(t->vsm, &size), why);
	assert_err(vsm_save(t->vsm, buf, sizeof(buf), &used), why);
	ck_assert_uint_eq(size, 77);
	ck_assert_uint_eq(used, 77);
}

static void can_be_saved(struct vsmtest *t)
{
	size_t size = 0;

	assert_err(vsm_save_size(t->vsm, &size), 0);
	ck_assert_uint_ne(size, 0);
}

START_TEST(not_while_an_op_is_pending)
{
	struct vsmtest *t = machine(2, 1, 0, 0);

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	can_be_saved(t);
	vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, VSM_PENDING);
	assert_status(vsmtest_modify_gpa(t, 0, R, VSMTEST_DATA_GPA),
		      VSMTEST_VERDICT(VSM_VERDICT_BLOCKED));
	cannot_be_saved(t, -VSM_ERR_BUSY);
	ck_assert(vsmtest_logged(t, "a VP is blocked"));
	/* VP 1 waits for VP 0 with its write of an MSR. */
	assert_verdict(vsmtest_wrmsr(t, 1, HV_X64_MSR_SIMP, VSMTEST_DATA_GPA | 1),
		       VSM_VERDICT_BLOCKED);
	assert_err(vsmtest_complete(t, VSMTEST_PROTECT, 0, 0), 0);
	cannot_be_saved(t, -VSM_ERR_BUSY);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	cannot_be_saved(t, -VSM_ERR_BUSY);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	can_be_saved(t);
	vsmtest_free(moved(t));
}
END_TEST

START_TEST(not_while_a_vp_waits_for_another)
{
	struct vsmtest *t = machine(2, 1, 0, 0);
	struct hv_register_value value = { 0x42000, 0 };

	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	assert_status(vsmtest_set_of(t, 0, 1, 0, HV_X64_REGISTER_LSTAR, value),
		      VSMTEST_VERDICT(VSM_VERDICT_BLOCKED));
	cannot_be_saved(t, -VSM_ERR_BUSY);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	cannot_be_saved(t, -VSM_ERR_BUSY);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	can_be_saved(t);
	vsmtest_free(moved(t));
}
END_TEST

static int within[3];

static void from_an_op(struct vsmtest *t, enum vsmtest_op op, uint32_t vp)
{
	uint8_t buf[8];
	size_t used;

	(void)op;
	(void)vp;
	within[0] = vsm_save_size(t->vsm, &used);
	within[1] = vsm_save(t->vsm, buf, sizeof(buf), &used);
	within[2] = vsm_load(t->vsm, buf, sizeof(buf));
}

START_TEST(not_from_within_an_op)
{
	struct vsmtest *t = machine(1, 1, 0, 0), *twin;
	uint8_t *bytes = NULL;
	size_t size = 0;

	t->hook = from_an_op;
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, VSMTEST_DATA_GPA | 1),
		       VSM_VERDICT_RESUME);
	for (uint32_t i = 0; i < 3; i++)
		assert_err(within[i], -VSM_ERR_MISUSE);
	/* Nor from one of the load itself. */
	memset(within, 0, sizeof(within));
	t->hook = NULL;
	twin = vsmtest_twin(t);
	twin->hook = from_an_op;
	assert_err(vsmtest_save(t, &bytes, &size), 0);
	assert_err(vsmtest_load(twin, bytes, size), 0);
	for (uint32_t i = 0; i < 3; i++)
		assert_err(within[i], -VSM_ERR_MISUSE);
	free(bytes);
	vsmtest_free(t);
	vsmtest_free(twin);
}
END_TEST

/* Neither saved nor loaded into, until a reset has succeeded. */
static void has_parted(struct vsmtest *t)
{
	struct vsmtest *twin = vsmtest_twin(t);
	uint8_t *bytes = NULL;
	size_t size = 0;

	assert_err(vsmtest_save(twin, &bytes, &size), 0);
	cannot_be_saved(t, -VSM_ERR_STATE);
	ck_assert(vsmtest_logged(t, "could not follow"));
	assert_err(vsmtest_load(t, bytes, size), -VSM_ERR_MISUSE);
	vsmtest_no_faults(t);
	assert_err(vsmtest_reset(t), 0);
	can_be_saved(t);
	for (uint32_t i = 0; i < t->vps; i++)
		t->vp[i].active = VSM_VTL_MAX + 1;
	assert_err(vsmtest_load(t, bytes, size), 0);
	free(bytes);
	vsmtest_free(twin);
}

/* The host shows what no MSR tells: the state would be another one after the load. */
START_TEST(not_when_the_host_could_not_follow)
{
	static const uint32_t msrs[] = { HV_X64_MSR_SIMP, HV_X64_MSR_VP_ASSIST_PAGE,
					 HV_X64_MSR_HYPERCALL, HV_X64_MSR_REFERENCE_TSC };

	for (uint32_t i = 0; i < VSMTEST_COUNT(msrs); i++) {
		struct vsmtest *t = machine(1, 1, 0, 0);

		assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_GUEST_OS_ID, 1), VSM_VERDICT_RESUME);
		assert_verdict(vsmtest_wrmsr(t, 0, msrs[i], VSMTEST_DATA_GPA | 1),
			       VSM_VERDICT_RESUME);
		vsmtest_fail_op(t, VSMTEST_OVERLAY_MAP, 1, 1, -VSM_ERR_HOST);
		assert_err(vsmtest_reset(t), -VSM_ERR_HOST);
		has_parted(t);
		vsmtest_free(t);
	}
}
END_TEST

/* A page that a move was about to leave is named by no MSR and no overlay. */
START_TEST(not_when_a_page_is_left_covered)
{
	struct vsmtest *t = machine(1, 1, 0, 0);

	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, VSMTEST_DATA_GPA | 1),
		       VSM_VERDICT_RESUME);
	vsmtest_fail_op(t, VSMTEST_OVERLAY_MAP, 2, 1, VSM_PENDING);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, (VSMTEST_DATA_GPA + VSMTEST_PAGE) | 1),
		       VSM_VERDICT_BLOCKED);
	vsmtest_fail_op(t, VSMTEST_OVERLAY_MAP, 2, 1, -VSM_ERR_HOST);
	assert_err(vsmtest_reset(t), -VSM_ERR_HOST);
	has_parted(t);
	vsmtest_free(t);
}
END_TEST

/* What VTL1 wanted zeroed is still there. */
START_TEST(not_when_ram_is_still_to_be_zeroed)
{
	struct vsmtest *t = machine(1, 1, 0, 0);

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	vsmtest_fail_op(t, VSMTEST_GPA_WRITE, 1, 1, -VSM_ERR_HOST);
	assert_err(vsmtest_reset(t), -VSM_ERR_HOST);
	has_parted(t);
	vsmtest_free(t);
}
END_TEST

/* All that is left of its past is that it runs. */
START_TEST(not_into_a_vp_that_was_started)
{
	struct vsmtest *t = machine(2, 1, VSM_HOST_STARTS_VPS, 2), *from;
	struct hv_input_start_virtual_processor in;
	uint8_t *bytes = NULL;
	size_t size = 0;

	from = machine(2, 1, VSM_HOST_STARTS_VPS, 2);
	assert_err(vsmtest_save(from, &bytes, &size), 0);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	memset(&in, 0, sizeof(in));
	in.target_partition_id = HV_PARTITION_ID_SELF;
	in.vp_index = 1;
	vsmtest_context64(&in.vp_context);
	assert_status(vsmtest_call_mem(t, 0, HVCALL_START_VIRTUAL_PROCESSOR, &in, sizeof(in)), 0);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_GUEST_OS_ID, 0), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_HYPERCALL, 0), VSM_VERDICT_RESUME);
	assert_err(vsmtest_load(t, bytes, size), -VSM_ERR_MISUSE);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	assert_err(vsmtest_load(t, bytes, size), -VSM_ERR_MISUSE);
	assert_err(vsmtest_reset(t), 0);
	assert_err(vsmtest_load(t, bytes, size), 0);
	free(bytes);
	vsmtest_free(from);
	vsmtest_free(t);
}
END_TEST

START_TEST(arguments)
{
	struct vsmtest *t = machine(1, 1, 0, 0);
	struct vsmtest_opts opts;
	struct vsmtest *raw;
	struct vsm_host_ops ops;
	uint8_t *bytes = NULL, *room;
	size_t size = 0, used = 77;

	assert_err(vsm_save_size(NULL, &size), -VSM_ERR_INVAL);
	assert_err(vsm_save_size(t->vsm, NULL), -VSM_ERR_INVAL);
	assert_err(vsmtest_save(t, &bytes, &size), 0);
	room = malloc(size);
	assert_err(vsm_save(NULL, room, size, &used), -VSM_ERR_INVAL);
	assert_err(vsm_save(t->vsm, NULL, size, &used), -VSM_ERR_INVAL);
	assert_err(vsm_save(t->vsm, room, size, NULL), -VSM_ERR_INVAL);
	for (size_t n = 0; n < size; n++) {
		uint8_t *exact = malloc(n + 1);

		exact[n] = 0x5a;
		assert_err(vsm_save(t->vsm, exact, n, &used), -VSM_ERR_INVAL);
		ck_assert_uint_eq(exact[n], 0x5a);
		free(exact);
	}
	ck_assert_uint_eq(used, 77);
	assert_err(vsm_save(t->vsm, room, size, &used), 0);
	ck_assert_uint_eq(used, size);
	ck_assert_int_eq(memcmp(room, bytes, size), 0);
	assert_err(vsm_load(NULL, bytes, size), -VSM_ERR_INVAL);
	assert_err(vsm_load(t->vsm, NULL, size), -VSM_ERR_INVAL);
	/* Before it is realised. */
	vsmtest_opts_init(&opts);
	raw = vsmtest_alloc(&opts);
	vsmtest_ops(raw, &ops);
	raw->may_allocate = 1;
	assert_err(vsm_partition_create(&opts.config, &ops, raw, &raw->vsm), 0);
	cannot_be_saved(raw, -VSM_ERR_MISUSE);
	assert_err(vsm_load(raw->vsm, bytes, size), -VSM_ERR_MISUSE);
	vsmtest_free(raw);
	free(room);
	free(bytes);
	vsmtest_free(t);
}
END_TEST

static const struct {
	uint32_t msr;
	uint64_t value;
} changed[] = {
	{ HV_X64_MSR_GUEST_OS_ID, 1 },	       { HV_X64_MSR_HYPERCALL, 0x5000 },
	{ HV_X64_MSR_REFERENCE_TSC, 0x5000 },  { HV_X64_MSR_SIMP, 0x5001 },
	{ HV_X64_MSR_VP_ASSIST_PAGE, 0x5000 }, { HV_X64_MSR_SCONTROL, 0 },
	{ HV_X64_MSR_SINT0, 0x10020 },	       { HV_X64_MSR_CRASH_P4, 1 },
};

/* Something that a guest does. 0: there is no more. */
static int change(struct vsmtest *t, uint32_t what)
{
	uint32_t more = what - (uint32_t)VSMTEST_COUNT(changed);
	uint32_t msr = more == 2 ? HV_X64_MSR_SIMP : HV_X64_MSR_VP_ASSIST_PAGE;

	if (what < VSMTEST_COUNT(changed)) {
		assert_verdict(vsmtest_wrmsr(t, 1, changed[what].msr, changed[what].value),
			       VSM_VERDICT_RESUME);
	} else if (more == 0) {
		assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
		assert_status(vsmtest_enable_partition_vtl(t, 0, 1), 0);
		/* That it is enabled is all that is left. */
		assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_GUEST_OS_ID, 0), VSM_VERDICT_RESUME);
		assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_HYPERCALL, 0), VSM_VERDICT_RESUME);
	} else if (more == 1) {
		assert_status(vsmtest_enable_vtl1(t, 1), HV_STATUS_SUCCESS);
	} else if (more < 4) { /* Bytes that are seen when the page is placed again. */
		assert_verdict(vsmtest_wrmsr(t, 1, msr, VSMTEST_DATA_GPA | 1), VSM_VERDICT_RESUME);
		vsmtest_see(t, 0, VSMTEST_DATA_GPA)[4095] = 1;
		assert_verdict(vsmtest_wrmsr(t, 1, msr, 0), VSM_VERDICT_RESUME);
	} else {
		return 0;
	}
	return 1;
}

/* Each thing that a guest can have changed is in the way of a load. */
START_TEST(only_into_a_partition_that_is_as_it_was_created)
{
	struct vsmtest *t, *from = machine(2, 1, 0, 0);
	uint8_t *bytes = NULL;
	size_t size = 0;
	uint64_t before;

	assert_err(vsmtest_save(from, &bytes, &size), 0);
	for (uint32_t what = 0;; what++) {
		t = machine(2, 1, 0, 0);
		if (!change(t, what))
			break;
		before = vsmtest_hash(t);
		assert_err(vsmtest_load(t, bytes, size), -VSM_ERR_MISUSE);
		assert_same(t, before);
		/* A reset makes it new. */
		assert_err(vsmtest_reset(t), 0);
		assert_err(vsmtest_load(t, bytes, size), 0);
		vsmtest_free(t);
	}
	vsmtest_free(t);
	free(bytes);
	vsmtest_free(from);
}
END_TEST

/* The whole world in one: what a test about the machine loads. */
static struct vsmtest *busy_machine(void)
{
	struct vsmtest *t = machine(2, 1, 0, 0);

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, R, VSMTEST_DATA_GPA), HV_STATUS_SUCCESS);
	return t;
}

/* What differs, and whether the other machine will do. */
static const struct {
	const char *name;
	size_t offset;
	size_t bytes;
	uint64_t value;
	int result;
} differences[] = {
#define DIFFERENCE(member, value, result)                                       \
	{                                                                       \
		"config." #member, offsetof(struct vsm_config, member),         \
			sizeof(((struct vsm_config *)0)->member), value, result \
	}
	DIFFERENCE(max_vps, 3, -VSM_ERR_NOSUP),
	DIFFERENCE(max_vtl, 2, -VSM_ERR_NOSUP),
	DIFFERENCE(phys_bits, 41, -VSM_ERR_NOSUP),
	DIFFERENCE(flags, VSM_CONFIG_SCONTROL_RESET_0, -VSM_ERR_NOSUP),
	DIFFERENCE(flags, VSM_CONFIG_ACCEPT_UNENFORCED_EXECUTE, -VSM_ERR_NOSUP),
	DIFFERENCE(flags, VSM_CONFIG_CHECK_THREADS, 0),
	DIFFERENCE(host_flags, VSM_HOST_DR6_SHARED, -VSM_ERR_NOSUP),
	DIFFERENCE(host_flags, VSM_HOST_PROTECT_FLUSHES, 0),
	DIFFERENCE(trap_kind, VSM_TRAP_VMCALL, -VSM_ERR_NOSUP),
	DIFFERENCE(trap_port, 0x7f, -VSM_ERR_NOSUP),
	DIFFERENCE(long_spin_count, 100, -VSM_ERR_NOSUP),
	DIFFERENCE(build_number, 1, -VSM_ERR_NOSUP),
	DIFFERENCE(version, 1, -VSM_ERR_NOSUP),
	DIFFERENCE(partition_id, 2, -VSM_ERR_NOSUP),
	DIFFERENCE(apic_hz, 200000000, -VSM_ERR_NOSUP),
	/* Here it is a restriction, as the default of the tests has all masks. */
	DIFFERENCE(enforceable, 0xa001, -VSM_ERR_NOSUP),
	DIFFERENCE(enforceable_mbec, 0xaa0b, 0),
	DIFFERENCE(cr4_mask, 0x370ffe, -VSM_ERR_NOSUP),
	DIFFERENCE(cr4_mask, 0x770fff, 0),
	DIFFERENCE(efer_mask, 0x500, -VSM_ERR_NOSUP),
	DIFFERENCE(efer_mask, 0x4d01, 0),
	DIFFERENCE(hypercall_budget, 3, 0),
	DIFFERENCE(protmap_max_bytes, 200 << 20, 0),
#undef DIFFERENCE
};

static void load_elsewhere(const uint8_t *bytes, size_t size, const struct vsmtest_opts *opts,
			   int result, const char *name)
{
	struct vsmtest *t = vsmtest_new(opts);
	uint64_t before = vsmtest_hash(t);
	int err = vsmtest_load(t, bytes, size);

	ck_assert_msg(err == result, "%s: %d, not %d", name, err, result);
	if (err) {
		assert_same(t, before);
		ck_assert_uint_eq(t->count[VSMTEST_PROTECT], 0);
	}
	if (err == -VSM_ERR_NOSUP)
		ck_assert_msg(vsmtest_logged(t, name), "%s is not in the log", name);
	vsmtest_free(t);
}

START_TEST(only_where_the_guest_finds_the_machine_it_knows)
{
	struct vsmtest *t = busy_machine();
	struct vsmtest_opts opts;
	uint8_t *bytes = NULL;
	size_t size = 0;

	assert_err(vsmtest_save(t, &bytes, &size), 0);
	for (size_t i = 0; i < VSMTEST_COUNT(differences); i++) {
		opts = t->opts;
		memcpy((uint8_t *)&opts.config + differences[i].offset, &differences[i].value,
		       differences[i].bytes);
		load_elsewhere(bytes, size, &opts, differences[i].result, differences[i].name);
	}
	opts = t->opts;
	opts.tsc_hz++;
	load_elsewhere(bytes, size, &opts, -VSM_ERR_NOSUP, "tsc_hz");
	opts = t->opts;
	opts.null_ops = VSMTEST_BIT(VSMTEST_INJECT_EVENT);
	load_elsewhere(bytes, size, &opts, -VSM_ERR_NOSUP, "capabilities");
	opts.null_ops = VSMTEST_BIT(VSMTEST_PROTECT);
	load_elsewhere(bytes, size, &opts, -VSM_ERR_NOSUP, "capabilities");
	opts = t->opts;
	opts.vps = 1;
	load_elsewhere(bytes, size, &opts, -VSM_ERR_NOSUP, "VPs");
	opts = t->opts;
	opts.apic_id[1]++;
	load_elsewhere(bytes, size, &opts, -VSM_ERR_NOSUP, "APIC ids");
	opts = t->opts;
	opts.hot_pages = 1;
	load_elsewhere(bytes, size, &opts, -VSM_ERR_NOSUP, "RAM");
	free(bytes);
	vsmtest_free(t);
}
END_TEST

START_TEST(more_vps_there_or_others)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;
	uint8_t *bytes = NULL;
	size_t size = 0;

	vsmtest_opts_init(&opts);
	opts.config.max_vps = 4;
	opts.vps = 2;
	opts.vp_index[1] = 2;
	t = vsmtest_new(&opts);
	assert_err(vsmtest_save(t, &bytes, &size), 0);
	load_elsewhere(bytes, size, &opts, 0, "VPs");
	opts.vp_index[1] = 1;
	load_elsewhere(bytes, size, &opts, -VSM_ERR_NOSUP, "VPs");
	opts.vp_index[1] = 3;
	load_elsewhere(bytes, size, &opts, -VSM_ERR_NOSUP, "VPs");
	opts.vp_index[1] = 2;
	opts.vps = 3;
	opts.vp_index[2] = 3;
	load_elsewhere(bytes, size, &opts, -VSM_ERR_NOSUP, "VPs");
	free(bytes);
	vsmtest_free(t);
}
END_TEST

/* A host that enforces more than the one before may take over; one that enforces less may not. */
START_TEST(rights_are_nowhere_enforced_less)
{
	struct vsmtest_opts few;
	struct vsmtest *t, *twin;
	uint8_t *bytes = NULL;
	size_t size = 0;

	vsmtest_opts_init(&few);
	few.config.enforceable = 0xa001;
	few.config.flags = VSM_CONFIG_ACCEPT_UNENFORCED_EXECUTE;
	t = vsmtest_new(&few);
	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	/* R alone: here VTL0 keeps the right to execute. */
	assert_status(vsmtest_modify_gpa(t, 0, R, VSMTEST_DATA_GPA), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), RX);
	assert_err(vsmtest_save(t, &bytes, &size), 0);
	few.config.enforceable = 0xa00b;
	twin = vsmtest_new(&few);
	twin->vp[0].active = 1;
	vsmtest_free(twin);
	twin = vsmtest_twin(t);
	vsmtest_destroy(twin);
	twin->opts.config.enforceable = 0xa00b;
	assert_err(vsmtest_create(twin), 0);
	assert_err(vsmtest_load(twin, bytes, size), 0);
	ck_assert_uint_eq(vsmtest_view(twin, 0, VSMTEST_DATA_GPA), R);
	free(bytes);
	assert_err(vsmtest_save(twin, &bytes, &size), 0);
	load_elsewhere(bytes, size, &t->opts, -VSM_ERR_NOSUP, "config.enforceable");
	free(bytes);
	vsmtest_free(t);
	vsmtest_free(twin);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(not_while_an_op_is_pending),
	VSMTEST_CASE(not_while_a_vp_waits_for_another),
	VSMTEST_CASE(not_from_within_an_op),
	VSMTEST_CASE(not_when_the_host_could_not_follow),
	VSMTEST_CASE(not_when_a_page_is_left_covered),
	VSMTEST_CASE(not_when_ram_is_still_to_be_zeroed),
	VSMTEST_CASE(not_into_a_vp_that_was_started),
	VSMTEST_CASE(arguments),
	VSMTEST_CASE(only_into_a_partition_that_is_as_it_was_created),
	VSMTEST_CASE(only_where_the_guest_finds_the_machine_it_knows),
	VSMTEST_CASE(more_vps_there_or_others),
	VSMTEST_CASE(rights_are_nowhere_enforced_less),
};

int main(void)
{
	return vsmtest_main("save_rules", cases, VSMTEST_COUNT(cases));
}
