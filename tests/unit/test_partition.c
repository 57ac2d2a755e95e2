/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of a partition: configure, realise, create VPs, reset, destroy. */
#include <stdlib.h>
#include <string.h>

#include "vsmtest.h"

/* A machine whose partition the test makes itself. */
static struct vsmtest *bare(struct vsm_host_ops *ops)
{
	struct vsmtest *t = vsmtest_alloc(NULL);

	ck_assert_ptr_nonnull(t);
	vsmtest_ops(t, ops);
	t->may_allocate = 1;
	return t;
}

START_TEST(defaults_are_as_documented)
{
	struct vsm_config config;

	memset(&config, 0xff, sizeof(config));
	vsm_config_init(&config);
	ck_assert_uint_eq(config.size, sizeof(config));
	ck_assert_uint_eq(config.flags, 0);
	ck_assert_uint_eq(config.host_flags, 0);
	ck_assert_uint_eq(config.max_vps, 1);
	ck_assert_uint_eq(config.max_vtl, 1);
	ck_assert_uint_eq(config.phys_bits, 40);
	ck_assert_uint_eq(config.enforceable, 0x8000);
	ck_assert_uint_eq(config.enforceable_mbec, 0);
	ck_assert_uint_eq(config.hypercall_budget, 512);
	ck_assert_uint_eq(config.trap_kind, VSM_TRAP_OUT);
	ck_assert_uint_eq(config.trap_port, 0x7e);
	ck_assert_uint_eq(config.long_spin_count, 0xffffffff);
	ck_assert_uint_eq(config.build_number, 0);
	ck_assert_uint_eq(config.version, 10u << 16);
	ck_assert_uint_eq(config.emulated, 0);
	ck_assert_uint_eq(config.partition_id, 1);
	ck_assert_uint_eq(config.efer_mask, 0xd01);
	ck_assert_uint_eq(config.apic_hz, 0);
	ck_assert_uint_eq(config.protmap_max_bytes, 256ull << 20);
	/* No VMXE, no SMXE; PAE must be there. */
	ck_assert_uint_eq(config.cr4_mask & 0x6000, 0);
	ck_assert_uint_eq(config.cr4_mask & X86_CR4_PAE, X86_CR4_PAE);
	vsm_config_init(NULL);
}
END_TEST

START_TEST(create_refuses_null_and_leaves_out_alone)
{
	struct vsm_host_ops ops;
	struct vsmtest *t = bare(&ops);
	struct vsm *vsm = (struct vsm *)(void *)t;

	assert_err(vsm_partition_create(NULL, &ops, t, &vsm), -VSM_ERR_INVAL);
	assert_err(vsm_partition_create(&t->opts.config, NULL, t, &vsm), -VSM_ERR_INVAL);
	assert_err(vsm_partition_create(&t->opts.config, &ops, t, NULL), -VSM_ERR_INVAL);
	ck_assert_ptr_eq(vsm, (struct vsm *)(void *)t);
	ck_assert_uint_eq(t->live, 0);
	vsmtest_free(t);
}
END_TEST

#define FIELD(member, bad)                                            \
	{                                                             \
#member, offsetof(struct vsm_config, member),         \
			sizeof(((struct vsm_config *)0)->member), bad \
	}

static const struct {
	const char *name;
	size_t offset;
	size_t size;
	uint64_t bad;
} bad_fields[] = {
	FIELD(flags, 0x8),
	FIELD(flags, 0x80000000),
	FIELD(host_flags, 0x20),
	FIELD(max_vps, 0),
	FIELD(max_vps, VSM_VP_MAX + 1),
	FIELD(max_vtl, VSM_VTL_MAX + 1),
	FIELD(phys_bits, 31),
	FIELD(phys_bits, 53),
	FIELD(enforceable, 0x0001),
	FIELD(enforceable, 0x18000),
	FIELD(enforceable_mbec, 0x8000),
	FIELD(enforceable_mbec, 0x1aa0b),
	FIELD(hypercall_budget, 0),
	FIELD(hypercall_budget, 513),
	FIELD(trap_kind, 3),
	FIELD(trap_port, 256),
	FIELD(emulated, 0x4),
	FIELD(emulated, 0x10000),
};

START_TEST(create_refuses_each_bad_field_and_names_it)
{
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(bad_fields); i++) {
		struct vsm_host_ops ops;
		struct vsmtest *t = bare(&ops);
		struct vsm *vsm = NULL;

		memcpy((char *)&t->opts.config + bad_fields[i].offset, &bad_fields[i].bad,
		       bad_fields[i].size);
		ck_assert_msg(vsm_partition_create(&t->opts.config, &ops, t, &vsm) ==
				      -VSM_ERR_INVAL,
			      "%s %llx was not refused", bad_fields[i].name,
			      (unsigned long long)bad_fields[i].bad);
		ck_assert_ptr_null(vsm);
		ck_assert_msg(vsmtest_logged(t, bad_fields[i].name), "no log line names %s",
			      bad_fields[i].name);
		t->opts.config.max_vtl = 1;
		vsmtest_free(t);
	}
}
END_TEST

START_TEST(create_refuses_reserved_partition_ids)
{
	static const uint64_t bad[] = { HV_PARTITION_ID_INVALID, HV_PARTITION_ID_SELF };
	size_t i;

	/* 0 is "no partition", all ones means SELF: neither can be somebody's name (TLFS ch. 4). */
	for (i = 0; i < VSMTEST_COUNT(bad); i++) {
		struct vsm_host_ops ops;
		struct vsmtest *t = bare(&ops);
		struct vsm *vsm = NULL;

		t->opts.config.partition_id = bad[i];
		assert_err(vsm_partition_create(&t->opts.config, &ops, t, &vsm), -VSM_ERR_INVAL);
		vsmtest_free(t);
	}
}
END_TEST

START_TEST(what_the_host_says_does_not_mix_with_vtls_is_refused)
{
	static const uint32_t flags[] = { VSM_HOST_HAS_SMM, VSM_HOST_HAS_NESTED };
	struct vsm_host_ops ops;
	struct vsmtest *t = bare(&ops);
	struct vsm *vsm = NULL;
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(flags); i++) {
		t->opts.config.host_flags = flags[i];
		assert_err(vsm_partition_create(&t->opts.config, &ops, t, &vsm), -VSM_ERR_NOSUP);
	}
	ck_assert_ptr_null(vsm);
	vsmtest_free(t);
}
END_TEST

START_TEST(config_size_rules)
{
	struct {
		struct vsm_config config;
		uint8_t tail[8];
	} big;
	struct vsm_host_ops ops;
	struct vsmtest *t = bare(&ops);
	struct vsm *vsm = NULL;

	memset(&big, 0, sizeof(big));
	big.config = t->opts.config;
	big.config.size = 0;
	assert_err(vsm_partition_create(&big.config, &ops, t, &vsm), -VSM_ERR_INVAL);
	ck_assert_msg(vsmtest_logged(t, "config.size"), "no log line names config.size");
	big.config.size = sizeof(big.config) - 1;
	assert_err(vsm_partition_create(&big.config, &ops, t, &vsm), -VSM_ERR_INVAL);
	big.config.size = sizeof(big);
	big.tail[7] = 1;
	assert_err(vsm_partition_create(&big.config, &ops, t, &vsm), -VSM_ERR_INVAL);
	ck_assert_ptr_null(vsm);
	/* A newer VMM that asks for nothing new is welcome. */
	big.tail[7] = 0;
	assert_err(vsm_partition_create(&big.config, &ops, t, &vsm), 0);
	vsm_partition_destroy(vsm);
	vsmtest_free(t);
}
END_TEST

START_TEST(ops_size_rules)
{
	struct {
		struct vsm_host_ops ops;
		uint8_t tail[8];
	} big;
	struct vsm_host_ops ops;
	struct vsmtest *t = bare(&ops);
	struct vsm *vsm = NULL;

	memset(&big, 0, sizeof(big));
	big.ops = ops;
	big.ops.size = 0;
	assert_err(vsm_partition_create(&t->opts.config, &big.ops, t, &vsm), -VSM_ERR_INVAL);
	big.ops.size = sizeof(ops) - 1;
	assert_err(vsm_partition_create(&t->opts.config, &big.ops, t, &vsm), -VSM_ERR_INVAL);
	big.ops.size = sizeof(big);
	big.tail[0] = 1;
	assert_err(vsm_partition_create(&t->opts.config, &big.ops, t, &vsm), -VSM_ERR_INVAL);
	ck_assert_ptr_null(vsm);
	big.tail[0] = 0;
	assert_err(vsm_partition_create(&t->opts.config, &big.ops, t, &vsm), 0);
	vsm_partition_destroy(vsm);
	vsmtest_free(t);
}
END_TEST

START_TEST(mandatory_ops_must_be_there)
{
	static const enum vsmtest_op mandatory[] = { VSMTEST_REGS_GET, VSMTEST_REGS_SET,
						     VSMTEST_GPA_READ, VSMTEST_GPA_WRITE };
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(mandatory); i++) {
		struct vsmtest *t = vsmtest_alloc(NULL);

		t->opts.null_ops = VSMTEST_BIT(mandatory[i]);
		assert_err(vsmtest_create(t), -VSM_ERR_INVAL);
		ck_assert_msg(vsmtest_logged(t, vsmtest_op_name(mandatory[i])),
			      "no log line names %s", vsmtest_op_name(mandatory[i]));
		vsmtest_free(t);
	}
}
END_TEST

START_TEST(half_an_allocator_is_refused)
{
	static const enum vsmtest_op half[] = { VSMTEST_ALLOC, VSMTEST_FREE };
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(half); i++) {
		struct vsmtest *t = vsmtest_alloc(NULL);

		t->opts.null_ops = VSMTEST_BIT(half[i]);
		assert_err(vsmtest_create(t), -VSM_ERR_INVAL);
		vsmtest_free(t);
	}
}
END_TEST

START_TEST(without_an_allocator_the_heap_is_used)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	opts.null_ops = VSMTEST_BIT(VSMTEST_ALLOC) | VSMTEST_BIT(VSMTEST_FREE) |
			VSMTEST_BIT(VSMTEST_OVERLAY_ARENA);
	t = vsmtest_new(&opts);
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->count[VSMTEST_ALLOC], 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(ram_must_be_whole_pages_inside_of_the_gpa_space)
{
	struct vsm_host_ops ops;
	struct vsmtest *t = bare(&ops);
	uint64_t end = 1ull << 40;

	assert_err(vsm_partition_create(&t->opts.config, &ops, t, &t->vsm), 0);
	assert_err(vsm_ram_add(NULL, 0, 4096), -VSM_ERR_INVAL);
	assert_err(vsm_ram_add(t->vsm, 1, 4096), -VSM_ERR_INVAL);
	assert_err(vsm_ram_add(t->vsm, 0, 4095), -VSM_ERR_INVAL);
	assert_err(vsm_ram_add(t->vsm, 0, 0), -VSM_ERR_INVAL);
	assert_err(vsm_ram_add(t->vsm, end, 4096), -VSM_ERR_RANGE);
	assert_err(vsm_ram_add(t->vsm, end - 4096, 8192), -VSM_ERR_RANGE);
	assert_err(vsm_ram_add(t->vsm, 0xfffffffffffff000, 0x1000), -VSM_ERR_RANGE);
	assert_err(vsm_ram_add(t->vsm, 0x1000, 0xfffffffffffff000), -VSM_ERR_RANGE);
	assert_err(vsm_ram_add(t->vsm, end - 4096, 4096), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(ram_ranges_may_not_overlap)
{
	struct vsm_host_ops ops;
	struct vsmtest *t = bare(&ops);

	assert_err(vsm_partition_create(&t->opts.config, &ops, t, &t->vsm), 0);
	assert_err(vsm_ram_add(t->vsm, 0x4000, 0x4000), 0);
	assert_err(vsm_ram_add(t->vsm, 0x4000, 0x4000), -VSM_ERR_EXISTS);
	assert_err(vsm_ram_add(t->vsm, 0x7000, 0x1000), -VSM_ERR_EXISTS);
	assert_err(vsm_ram_add(t->vsm, 0x3000, 0x2000), -VSM_ERR_EXISTS);
	assert_err(vsm_ram_add(t->vsm, 0x0, 0x10000), -VSM_ERR_EXISTS);
	assert_err(vsm_ram_add(t->vsm, 0x8000, 0x1000), 0);
	assert_err(vsm_ram_add(t->vsm, 0x3000, 0x1000), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(there_is_room_for_64_ram_ranges)
{
	struct vsm_host_ops ops;
	struct vsmtest *t = bare(&ops);
	uint64_t i;

	assert_err(vsm_partition_create(&t->opts.config, &ops, t, &t->vsm), 0);
	for (i = 0; i < 64; i++)
		assert_err(vsm_ram_add(t->vsm, i << 16, 0x1000), 0);
	assert_err(vsm_ram_add(t->vsm, 64 << 16, 0x1000), -VSM_ERR_NOMEM);
	assert_err(vsm_partition_realise(t->vsm), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(steps_out_of_order_are_misuse)
{
	struct vsm_capabilities caps = { .size = sizeof(caps) };
	struct vsm_host_ops ops;
	struct vsmtest *t = bare(&ops);
	struct vsm_vp_config config = { .size = sizeof(config), .opaque = &t->vp[0] };
	struct vsm_cpuid cpuid;
	struct vsm_vp *vp = NULL;
	uint32_t rights;
	uint64_t length;

	assert_err(vsm_partition_create(&t->opts.config, &ops, t, &t->vsm), 0);
	assert_err(vsm_vp_create(t->vsm, &config, &vp), -VSM_ERR_MISUSE);
	assert_err(vsm_capabilities_get(t->vsm, &caps), -VSM_ERR_MISUSE);
	assert_err(vsm_cpuid_get(t->vsm, 0x40000000, &cpuid), -VSM_ERR_MISUSE);
	assert_err(vsm_gpa_rights(t->vsm, 0, 0, &rights), -VSM_ERR_MISUSE);
	assert_err(vsm_gpa_rights_run(t->vsm, 0, 0, 4096, &length, &rights), -VSM_ERR_MISUSE);
	assert_err(vsm_partition_reset(t->vsm), -VSM_ERR_MISUSE);
	ck_assert_ptr_null(vp);
	assert_err(vsm_ram_add(t->vsm, 0, 0x100000), 0);
	assert_err(vsm_partition_realise(t->vsm), 0);
	assert_err(vsm_partition_realise(t->vsm), -VSM_ERR_MISUSE);
	assert_err(vsm_ram_add(t->vsm, 0x200000, 0x1000), -VSM_ERR_MISUSE);
	assert_err(vsm_vp_create(t->vsm, &config, &vp), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(vp_create_checks_its_arguments)
{
	struct vsm_host_ops ops;
	struct vsmtest *t = bare(&ops);
	struct vsm_vp_config config = { .size = sizeof(config), .opaque = &t->vp[0] };
	struct vsm_vp *vp = NULL, *other = NULL;

	t->opts.config.max_vps = 4;
	assert_err(vsm_partition_create(&t->opts.config, &ops, t, &t->vsm), 0);
	assert_err(vsm_ram_add(t->vsm, 0, 0x100000), 0);
	assert_err(vsm_partition_realise(t->vsm), 0);
	assert_err(vsm_vp_create(NULL, &config, &vp), -VSM_ERR_INVAL);
	assert_err(vsm_vp_create(t->vsm, NULL, &vp), -VSM_ERR_INVAL);
	assert_err(vsm_vp_create(t->vsm, &config, NULL), -VSM_ERR_INVAL);
	config.index = 4;
	assert_err(vsm_vp_create(t->vsm, &config, &vp), -VSM_ERR_INVAL);
	config.index = 3;
	config.size = 0;
	assert_err(vsm_vp_create(t->vsm, &config, &vp), -VSM_ERR_INVAL);
	config.size = sizeof(config);
	config.apic_id = 7;
	assert_err(vsm_vp_create(t->vsm, &config, &vp), 0);
	assert_err(vsm_vp_create(t->vsm, &config, &other), -VSM_ERR_EXISTS);
	config.index = 2;
	assert_err(vsm_vp_create(t->vsm, &config, &other), -VSM_ERR_EXISTS);
	config.index = 3;
	config.apic_id = 8;
	assert_err(vsm_vp_create(t->vsm, &config, &other), -VSM_ERR_EXISTS);
	ck_assert_ptr_null(other);
	config.index = 0;
	assert_err(vsm_vp_create(t->vsm, &config, &other), 0);
	ck_assert_uint_eq(vsm_vp_index(vp), 3);
	ck_assert_uint_eq(vsm_vp_index(other), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(getters_answer_for_null)
{
	struct vsm_exception exception;
	uint32_t rights = 0;
	uint64_t length = 0;

	ck_assert_ptr_null(vsm_vp_opaque(NULL));
	ck_assert_uint_eq(vsm_vp_index(NULL), VSM_ALL_VPS);
	ck_assert_uint_eq(vsm_vp_active_vtl(NULL), 0);
	ck_assert_uint_eq(vsm_vp_enabled_vtls(NULL), 0);
	assert_err(vsm_vp_exception(NULL, &exception), -VSM_ERR_INVAL);
	assert_err(vsm_vp_run_prepare(NULL), -VSM_ERR_INVAL);
	assert_err(vsm_gpa_rights(NULL, 0, 0, &rights), -VSM_ERR_INVAL);
	assert_err(vsm_gpa_rights_run(NULL, 0, 0, 4096, &length, &rights), -VSM_ERR_INVAL);
	assert_err(vsm_op_complete(NULL, 0, 0, 0), -VSM_ERR_INVAL);
	assert_err(vsm_partition_reset(NULL), -VSM_ERR_INVAL);
	assert_err(vsm_partition_realise(NULL), -VSM_ERR_INVAL);
	vsm_partition_destroy(NULL);
}
END_TEST

START_TEST(out_structs_say_their_size)
{
	struct vsmtest *t = vsmtest_new(NULL);
	struct vsm_capabilities caps = { .size = 0 };
	struct vsm_stats stats = { .size = 0 };
	struct vsm_cpuid cpuid;

	assert_err(vsm_capabilities_get(t->vsm, &caps), -VSM_ERR_INVAL);
	assert_err(vsm_capabilities_get(t->vsm, NULL), -VSM_ERR_INVAL);
	assert_err(vsm_capabilities_get(NULL, &caps), -VSM_ERR_INVAL);
	assert_err(vsm_stats_get(t->vsm, &stats), -VSM_ERR_INVAL);
	assert_err(vsm_stats_get(t->vsm, NULL), -VSM_ERR_INVAL);
	assert_err(vsm_cpuid_get(t->vsm, 0x3fffffff, &cpuid), -VSM_ERR_INVAL);
	assert_err(vsm_cpuid_get(t->vsm, 0x40000100, &cpuid), -VSM_ERR_INVAL);
	assert_err(vsm_cpuid_get(t->vsm, 0x40000000, NULL), -VSM_ERR_INVAL);
	vsmtest_free(t);
}
END_TEST

START_TEST(every_failing_allocation_leaves_nothing_behind)
{
	struct vsmtest_opts opts;
	uint32_t n, persistent;

	vsmtest_opts_init(&opts);
	opts.vps = 3;
	for (persistent = 0; persistent < 2; persistent++)
		for (n = 1; n < 200; n++) {
			struct vsmtest *t = vsmtest_alloc(&opts);
			int err;

			t->alloc_fail_at = n;
			t->alloc_fail_on = persistent;
			err = vsmtest_create(t);
			if (!t->faults_hit) {
				assert_err(err, 0);
				vsmtest_free(t);
				break;
			}
			assert_err(err, -VSM_ERR_NOMEM);
			vsmtest_free(t);
		}
	/* At least the partition, its map and three VPs were allocated. */
	ck_assert_uint_gt(n, 5);
	ck_assert_uint_lt(n, 200);
}
END_TEST

START_TEST(realise_may_be_tried_again_after_nomem)
{
	uint32_t n;

	for (n = 1; n < 100; n++) {
		struct vsm_host_ops ops;
		struct vsmtest *t = bare(&ops);
		uint32_t before, hit;

		assert_err(vsm_partition_create(&t->opts.config, &ops, t, &t->vsm), 0);
		assert_err(vsm_ram_add(t->vsm, 0, 0x100000), 0);
		before = t->live;
		t->alloc_fail_at = n;
		t->alloc_fail_on = 1;
		hit = vsm_partition_realise(t->vsm) == -VSM_ERR_NOMEM;
		t->alloc_fail_at = t->alloc_fail_on = 0;
		if (!hit) {
			vsmtest_free(t);
			break;
		}
		ck_assert_uint_eq(t->live, before);
		assert_err(vsm_partition_realise(t->vsm), 0);
		vsmtest_free(t);
	}
	ck_assert_uint_gt(n, 1);
	ck_assert_uint_lt(n, 100);
}
END_TEST

START_TEST(no_arena_is_no_memory)
{
	struct vsmtest *t = vsmtest_alloc(NULL);

	vsmtest_fail_op(t, VSMTEST_OVERLAY_ARENA, 1, 1, -VSM_ERR_NOMEM);
	assert_err(vsmtest_create(t), -VSM_ERR_NOMEM);
	vsmtest_free(t);
}
END_TEST

START_TEST(the_protection_map_keeps_its_bound)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	opts.config.protmap_max_bytes = 16;
	t = vsmtest_alloc(&opts);
	assert_err(vsmtest_create(t), -VSM_ERR_NOMEM);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_slow_tsc_is_refused)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	opts.tsc_hz = 10000000;
	t = vsmtest_alloc(&opts);
	assert_err(vsmtest_create(t), -VSM_ERR_INVAL);
	vsmtest_free(t);
	opts.tsc_hz = 10000001;
	t = vsmtest_new(&opts);
	vsmtest_free(t);
}
END_TEST

START_TEST(two_partitions_are_strangers)
{
	struct vsmtest *a = vsmtest_new(NULL), *b = vsmtest_new(NULL);
	uint64_t hash = vsmtest_hash(b);
	uint32_t calls = b->calls;

	assert_status(vsmtest_protect_vtl1(a, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(a, 0, 0, VSMTEST_DATA_GPA), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(b->calls, calls);
	assert_same(b, hash);
	vsmtest_free(a);
	assert_status(vsmtest_protect_vtl1(b, 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsmtest_view(b, 0, VSMTEST_DATA_GPA), VSM_RIGHTS_ALL);
	vsmtest_free(b);
}
END_TEST

START_TEST(reset_is_power_on)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint64_t value;

	*vsmtest_ram(t, VSMTEST_DATA_GPA) = 0x5a;
	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, HV_MAP_GPA_READABLE, VSMTEST_DATA_GPA),
		      HV_STATUS_SUCCESS);
	assert_err(vsmtest_reset(t), 0);
	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 0);
	ck_assert_uint_eq(vsm_vp_enabled_vtls(t->vp[0].vp), 1);
	ck_assert_uint_eq(vsmtest_overlays(t, 0) + vsmtest_overlays(t, 1), 0);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA), VSM_RIGHTS_ALL);
	/* VsmPartitionConfig.ZeroMemoryOnReset is on unless the VTL cleared it (TLFS 15.5.1.2). */
	ck_assert_uint_eq(*vsmtest_ram(t, VSMTEST_DATA_GPA), 0);
	assert_verdict(vsmtest_rdmsr(t, 0, HV_X64_MSR_GUEST_OS_ID, &value), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(value, 0);
	assert_verdict(vsmtest_rdmsr(t, 0, HV_X64_MSR_HYPERCALL, &value), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(value, 0);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(vsmtest_value(t, 0, 0, HV_REGISTER_VSM_PARTITION_STATUS), 0x10001);
	ck_assert_uint_eq(vsmtest_value(t, 0, 0, HV_REGISTER_VSM_VP_STATUS), 0x10000);
	vsmtest_free(t);
}
END_TEST

START_TEST(reset_is_idempotent_and_the_guest_can_start_over)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint32_t i;

	for (i = 0; i < 3; i++) {
		assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
		assert_status(vsmtest_modify_gpa(t, 0, 0, VSMTEST_DATA_GPA), HV_STATUS_SUCCESS);
		ck_assert_uint_eq(vsmtest_value(t, 0, 0, HV_REGISTER_VSM_PARTITION_STATUS) & 0xffff,
				  3);
		assert_err(vsmtest_reset(t), 0);
		assert_err(vsmtest_reset(t), 0);
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(reset_keeps_memory_if_no_vtl_wants_it_zeroed)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 0x1f),
		      HV_STATUS_SUCCESS);
	*vsmtest_ram(t, VSMTEST_DATA_GPA) = 0x5a;
	assert_err(vsmtest_reset(t), 0);
	ck_assert_uint_eq(*vsmtest_ram(t, VSMTEST_DATA_GPA), 0x5a);
	vsmtest_free(t);
}
END_TEST

START_TEST(reset_without_vtls_keeps_memory)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	*vsmtest_ram(t, VSMTEST_DATA_GPA) = 0x5a;
	assert_err(vsmtest_reset(t), 0);
	ck_assert_uint_eq(*vsmtest_ram(t, VSMTEST_DATA_GPA), 0x5a);
	ck_assert_uint_eq(vsmtest_overlays(t, 0), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(counters_count)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;
	struct vsm_stats stats = { .size = sizeof(stats) };

	vsmtest_opts_init(&opts);
	t = vsmtest_new(&opts);
	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, HV_MAP_GPA_READABLE, VSMTEST_DATA_GPA), 0);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_fault(t, 0, VSMTEST_DATA_GPA, HV_INTERCEPT_ACCESS_READ),
		       VSM_VERDICT_RETRY);
	assert_verdict(vsmtest_fault(t, 0, VSMTEST_DATA_GPA, HV_INTERCEPT_ACCESS_WRITE),
		       VSM_VERDICT_SWITCHED);
	vsmtest_cpl(t, 0, 3);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_EXCEPTION);
	assert_err(vsm_stats_get(t->vsm, &stats), 0);
	ck_assert_uint_eq(stats.vtl_calls, 1);
	ck_assert_uint_eq(stats.vtl_returns, 1);
	ck_assert_uint_eq(stats.vtl_entries, 1);
	ck_assert_uint_eq(stats.intercepts, 1);
	ck_assert_uint_eq(stats.faults_retried, 1);
	ck_assert_uint_eq(stats.pages_protected, 1);
	ck_assert_uint_eq(stats.unenforced_execute, 0);
	ck_assert_uint_eq(stats.exceptions, 1);
	ck_assert_uint_eq(stats.host_errors, 0);
	/* PartitionStatus, EnablePartitionVtl, EnableVpVtl, PartitionConfig, Modify. */
	ck_assert_uint_eq(stats.hypercalls, 5);
	ck_assert_uint_eq(stats.continuations, 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(limits_themselves_are_allowed)
{
	static const uint32_t bits[] = { 32, 52 };
	static const uint32_t vtls[] = { 1, VSM_VTL_MAX };
	size_t i;

	for (i = 0; i < 2; i++) {
		struct vsmtest_opts opts;
		struct vsmtest *t;

		vsmtest_opts_init(&opts);
		opts.config.phys_bits = bits[i];
		opts.config.max_vtl = vtls[i];
		opts.config.hypercall_budget = i ? 512 : 1;
		opts.config.trap_port = i ? 255 : 0;
		t = vsmtest_new(&opts);
		assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
		ck_assert_uint_eq(vsmtest_value(t, 0, 0, HV_REGISTER_VSM_PARTITION_STATUS),
				  3 | vtls[i] << 16);
		vsmtest_free(t);
	}
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(defaults_are_as_documented),
	VSMTEST_CASE(create_refuses_null_and_leaves_out_alone),
	VSMTEST_CASE(create_refuses_each_bad_field_and_names_it),
	VSMTEST_CASE(create_refuses_reserved_partition_ids),
	VSMTEST_CASE(what_the_host_says_does_not_mix_with_vtls_is_refused),
	VSMTEST_CASE(config_size_rules),
	VSMTEST_CASE(ops_size_rules),
	VSMTEST_CASE(mandatory_ops_must_be_there),
	VSMTEST_CASE(half_an_allocator_is_refused),
	VSMTEST_CASE(without_an_allocator_the_heap_is_used),
	VSMTEST_CASE(ram_must_be_whole_pages_inside_of_the_gpa_space),
	VSMTEST_CASE(ram_ranges_may_not_overlap),
	VSMTEST_CASE(there_is_room_for_64_ram_ranges),
	VSMTEST_CASE(steps_out_of_order_are_misuse),
	VSMTEST_CASE(vp_create_checks_its_arguments),
	VSMTEST_CASE(getters_answer_for_null),
	VSMTEST_CASE(out_structs_say_their_size),
	VSMTEST_CASE(every_failing_allocation_leaves_nothing_behind),
	VSMTEST_CASE(realise_may_be_tried_again_after_nomem),
	VSMTEST_CASE(no_arena_is_no_memory),
	VSMTEST_CASE(the_protection_map_keeps_its_bound),
	VSMTEST_CASE(a_slow_tsc_is_refused),
	VSMTEST_CASE(two_partitions_are_strangers),
	VSMTEST_CASE(reset_is_power_on),
	VSMTEST_CASE(reset_is_idempotent_and_the_guest_can_start_over),
	VSMTEST_CASE(reset_keeps_memory_if_no_vtl_wants_it_zeroed),
	VSMTEST_CASE(reset_without_vtls_keeps_memory),
	VSMTEST_CASE(counters_count),
	VSMTEST_CASE(limits_themselves_are_allowed),
};

int main(void)
{
	return vsmtest_main("partition", cases, VSMTEST_COUNT(cases));
}
