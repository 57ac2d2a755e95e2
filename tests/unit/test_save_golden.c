/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Saved state of each version that there was, as files: tests/data/saved-state-VERSION. They load
 * for ever, into what the same scenario makes of the machine today, and are saved again as they
 * are, byte for byte.
 *
 * A file is made once, when VSM_SAVED_VERSION gets its number, and never changed:
 *
 *     VSM_GOLDEN=write build/tests/test_save_golden
 *
 * writes that of the present version and nothing else; a scenario with more in it
 * belongs to a new version too.
 */
#include <stdio.h>

#include "saved_bytes.h"

#define RUX	  (R | HV_MAP_GPA_USER_EXECUTABLE)
#define ID_CONFIG 1u
/* Words of CONFIG in which the machine of today may have more, from the first to the last. */
#define MORE_FROM 14u
#define MORE_TO	  23u
#define SLOT_TYPE 0x77u
#define TSC_GPA	  (VSMTEST_DATA_GPA + 0x10000)
#define SIEFP_GPA 0x6d000u

static void mbec(struct vsmtest *t)
{
	struct hv_input_enable_partition_vtl in = {
		.target_partition_id = HV_PARTITION_ID_SELF,
		.target_vtl = 1,
		.flags = HV_ENABLE_PARTITION_VTL_MBEC,
	};

	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	assert_status(vsmtest_call_mem(t, 0, HVCALL_ENABLE_PARTITION_VTL, &in, sizeof(in)), 0);
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
}

/* A context waits for VP 1, and VP 2 was started. */
static void other_vps(struct vsmtest *t)
{
	struct hv_input_start_virtual_processor start;
	struct hv_initial_vp_context context;

	vsmtest_context64(&context);
	context.rip = 0xffffffff80123000ull;
	assert_status(vsmtest_enable_vp_vtl(t, 0, 1, 1, &context), HV_STATUS_SUCCESS);
	memset(&start, 0, sizeof(start));
	start.target_partition_id = HV_PARTITION_ID_SELF;
	start.vp_index = 2;
	start.vp_context = context;
	start.vp_context.rip = 0xffffffff80456000ull;
	assert_status(vsmtest_call_mem(t, 0, HVCALL_START_VIRTUAL_PROCESSOR, &start, sizeof(start)),
		      HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_wrmsr(t, 1, HV_X64_MSR_SIMP, VSMTEST_SIMP_GPA(1, 0) | 1),
		       VSM_VERDICT_RESUME);
	vsmtest_see(t, 0, VSMTEST_SIMP_GPA(1, 0))[0xfff] = 0x51;
	assert_verdict(vsmtest_wrmsr(t, 1, HV_X64_MSR_SIEFP, SIEFP_GPA | 1), VSM_VERDICT_RESUME);
	vsmtest_see(t, 0, SIEFP_GPA)[0x2ff] = 0x5f;
	assert_verdict(vsmtest_wrmsr(t, 1, HV_X64_MSR_CRASH_P0, 0xdead), VSM_VERDICT_RESUME);
}

static void rights(struct vsmtest *t)
{
	uint64_t gpn[3] = { VSMTEST_DATA_GPA >> HV_PAGE_SHIFT };

	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG,
				  HV_VSM_PARTITION_CONFIG_ENABLE_VTL_PROTECTION | RWX << 1),
		      HV_STATUS_SUCCESS);
	gpn[1] = gpn[0] + 1;
	gpn[2] = gpn[0] + 3;
	assert_status(vsmtest_modify(t, 0, R, gpn, 3), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, RUX, VSMTEST_DATA_GPA + 2 * VSMTEST_PAGE), 0);
	assert_status(vsmtest_modify_gpa(t, 0, 0, VSMTEST_RAM1_GPA), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, RWX, VSMTEST_RAM1_GPA + VSMTEST_PAGE), 0);
}

static struct vsmtest *full_machine(void)
{
	static const struct hv_register_value event = {
		HV_X64_PENDING_EVENT_PENDING | 6ull << HV_X64_PENDING_EXCEPTION_VECTOR_SHIFT, 0
	};
	struct vsmtest_opts opts;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	opts.vps = opts.config.max_vps = 3;
	opts.config.max_vtl = 2;
	opts.config.host_flags = VSM_HOST_STARTS_VPS;
	opts.config.enforceable_mbec = 0xaa0b;
	opts.waiting = 4;
	t = vsmtest_new(&opts);
	mbec(t);
	other_vps(t);
	rights(t);
	t->tsc += 123456789;
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_REFERENCE_TSC, TSC_GPA | 1),
		       VSM_VERDICT_RESUME);
	/* An intercept that waits for its slot. */
	vsmtest_message(t, 0, 1)->header.message_type = SLOT_TYPE;
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_fault(t, 0, VSMTEST_DATA_GPA + 8, HV_INTERCEPT_ACCESS_WRITE),
		       VSM_VERDICT_SWITCHED);
	assert_status(vsmtest_set_of(t, 0, HV_VP_INDEX_SELF, VSMTEST_VTL(0),
				     HV_REGISTER_PENDING_EVENT0, event),
		      HV_STATUS_SUCCESS);
	return t;
}

static void name_of(uint32_t version, char *path, size_t size)
{
	snprintf(path, size, "%s/tests/data/saved-state-%u", VSM_SOURCE_ROOT, version);
}

static struct blob from_file(uint32_t version)
{
	struct blob b = { 0 };
	char path[4096];
	FILE *file;

	name_of(version, path, sizeof(path));
	file = fopen(path, "rb");
	ck_assert_msg(file != NULL, "%s: not there", path);
	b.bytes = calloc(1, 1 << 20);
	b.size = fread(b.bytes, 1, 1 << 20, file);
	fclose(file);
	ck_assert_uint_eq(get(b.bytes + 8, 4), version);
	find_sections(&b);
	return b;
}

static int writes_file(void)
{
	const char *golden = getenv("VSM_GOLDEN");
	struct vsmtest *t;
	char path[4096];
	struct blob b;
	FILE *file;

	if (golden == NULL || strcmp(golden, "write") != 0)
		return 0;
	t = full_machine();
	b = saved(t);
	name_of(VSM_SAVED_VERSION, path, sizeof(path));
	file = fopen(path, "wb");
	ck_assert_msg(file != NULL && fwrite(b.bytes, 1, b.size, file) == b.size &&
			      fclose(file) == 0,
		      "%s: cannot be written", path);
	printf("# %s: %zu bytes\n", path, b.size);
	free(b.bytes);
	vsmtest_free(t);
	return 1;
}

/* A library that can do more is no reason for another file. */
static void take_over_more(struct blob *to, const struct blob *from)
{
	uint8_t *there = to->bytes + find(to, ID_CONFIG)->at + HEAD;
	const uint8_t *here = from->bytes + find(from, ID_CONFIG)->at + HEAD;

	for (uint32_t i = MORE_FROM; i < MORE_TO; i++) {
		uint64_t was = get(there + 8 * (size_t)i, 8), is = get(here + 8 * (size_t)i, 8);

		ck_assert_msg((was & ~is) == 0, "word %u of CONFIG lost something", i);
		put(there + 8 * (size_t)i, 8, is);
	}
	seal(to, 0);
}

static void next_sequence(struct blob *b)
{
	uint8_t *at = b->bytes + find(b, ID_PARTITION)->at + HEAD + 24;

	put(at, 4, get(at, 4) + 1);
	seal(b, 0);
}

static void assert_bytes(const struct blob *a, const struct blob *b)
{
	size_t at = 0;

	ck_assert_uint_eq(a->size, b->size);
	while (at < a->size && a->bytes[at] == b->bytes[at])
		at++;
	ck_assert_msg(at == a->size, "byte %zu differs", at);
}

START_TEST(the_same_scenario_is_saved_as_the_same_bytes)
{
	struct blob file, now;
	struct vsmtest *t;

	if (writes_file())
		return;
	file = from_file(VSM_SAVED_VERSION);
	t = full_machine();
	now = saved(t);
	take_over_more(&file, &now);
	assert_bytes(&file, &now);
	free(file.bytes);
	free(now.bytes);
	vsmtest_free(t);
}
END_TEST

/* The guest goes on where it was. */
static void runs_on(struct vsmtest *t)
{
	struct hv_message *slot = vsmtest_message(t, 0, 1);

	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 1);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA + VSMTEST_PAGE), R);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_DATA_GPA + 2 * VSMTEST_PAGE), RUX);
	ck_assert_uint_eq(vsmtest_view(t, 0, VSMTEST_RAM1_GPA), 0);
	ck_assert_uint_eq(t->vp[0].file[0].event.vector, 6);
	ck_assert_uint_eq(vsmtest_see(t, 0, VSMTEST_SIMP_GPA(1, 0))[0xfff], 0x51);
	ck_assert_uint_eq(vsmtest_see(t, 0, SIEFP_GPA)[0x2ff], 0x5f);
	ck_assert_uint_eq(slot->header.message_type, SLOT_TYPE);
	slot->header.message_type = HVMSG_NONE;
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_EOM, 0), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(slot->header.message_type, HVMSG_GPA_INTERCEPT);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(vsmtest_reg(t, 1, 1, HV_X64_REGISTER_RIP), 0xffffffff80123000ull);
	assert_verdict(vsmtest_prepare(t, 2), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(vsmtest_reg(t, 2, 0, HV_X64_REGISTER_RIP), 0xffffffff80456000ull);
}

START_TEST(each_version_loads_and_is_saved_again_as_it_was)
{
	for (uint32_t version = 1; version <= VSM_SAVED_VERSION; version++) {
		struct blob file = from_file(version), now;
		struct vsmtest *t = full_machine(), *twin = vsmtest_twin(t);

		assert_err(vsmtest_load(twin, file.bytes, file.size), 0);
		now = saved(twin);
		if (version == VSM_SAVED_VERSION) {
			take_over_more(&file, &now);
			next_sequence(&file);
			assert_bytes(&file, &now);
		}
		runs_on(twin);
		free(file.bytes);
		free(now.bytes);
		vsmtest_free(twin);
		vsmtest_free(t);
	}
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(the_same_scenario_is_saved_as_the_same_bytes),
	VSMTEST_CASE(each_version_loads_and_is_saved_again_as_it_was),
};

int main(void)
{
	return vsmtest_main("save_golden", cases, VSMTEST_COUNT(cases));
}
