/* SPDX-License-Identifier: BSD-3-Clause */
/* Hosts that fail while saved state is loaded: the partition is as new then. */
#include "internal.h"
#include "protmap.h"
#include "saved_bytes.h"

START_TEST(each_op_of_a_load_fails_once)
{
	struct fixture f = fixture_of(golden());
	uint8_t *ram = malloc(VSMTEST_RAM0_SIZE);
	uint32_t n;
	int err;

	memcpy(ram, f.target.t->ram[0], VSMTEST_RAM0_SIZE);
	for (n = 1;; n++) {
		f.target.t->faults_hit = 0;
		f.target.t->fault_any = f.target.t->failable + n;
		f.target.t->fault_result = n % 2 ? -VSM_ERR_HOST : -VSM_ERR_NOMEM;
		err = vsmtest_load(f.target.t, f.b.bytes, f.b.size);
		vsmtest_no_faults(f.target.t);
		if (!f.target.t->faults_hit)
			break;
		assert_err(err, -VSM_ERR_HOST);
		machine_is_new(&f.target);
	}
	assert_err(err, 0);
	ck_assert_int_eq(memcmp(ram, f.target.t->ram[0], VSMTEST_RAM0_SIZE), 0);
	/* protect, flush, nine overlays and an event at least. */
	ck_assert_uint_gt(n, 8);
	free(ram);
	fixture_free(&f);
}
END_TEST

/* Where not even the way back works the error says so, and a reset mends it. */
START_TEST(the_way_back_fails_as_well)
{
	static const enum vsmtest_op ops[] = { VSMTEST_PROTECT, VSMTEST_OVERLAY_MAP,
					       VSMTEST_INJECT_EVENT };
	struct fixture f = fixture_of(golden());

	for (uint32_t i = 0; i < VSMTEST_COUNT(ops); i++) {
		if (ops[i] == VSMTEST_OVERLAY_MAP)
			vsmtest_fail_op(f.target.t, VSMTEST_OVERLAY_MAP, 2, 100, -VSM_ERR_HOST);
		else
			vsmtest_fail_op(f.target.t, ops[i], 1, 100, -VSM_ERR_HOST);
		assert_err(vsmtest_load(f.target.t, f.b.bytes, f.b.size), -VSM_ERR_STATE);
		vsmtest_no_faults(f.target.t);
		start_anew(&f.target);
		machine_is_new(&f.target);
		assert_err(vsmtest_load(f.target.t, f.b.bytes, f.b.size), 0);
		start_anew(&f.target);
	}
	fixture_free(&f);
}
END_TEST

/* Two VPs in VTL1, each with an event for its VTL0. */
static struct vsmtest *two_events(void)
{
	static const struct hv_register_value event = {
		HV_X64_PENDING_EVENT_PENDING | 6ull << HV_X64_PENDING_EXCEPTION_VECTOR_SHIFT, 0
	};
	struct hv_initial_vp_context context;
	struct vsmtest_opts opts;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	opts.vps = opts.config.max_vps = 2;
	t = vsmtest_new(&opts);
	vsmtest_context64(&context);
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_enable_vp_vtl(t, 0, 1, 1, &context), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_vtl_call(t, 1), VSM_VERDICT_SWITCHED);
	for (uint32_t vp = 0; vp < 2; vp++)
		assert_status(vsmtest_set_of(t, vp, HV_VP_INDEX_SELF, VSMTEST_VTL(0),
					     HV_REGISTER_PENDING_EVENT0, event),
			      HV_STATUS_SUCCESS);
	return t;
}

/* One event is queued, and then the host takes neither another one nor that one back: no guest that
 * runs after the reset may meet it. */
START_TEST(an_event_that_is_not_taken_back_is_not_forgotten)
{
	struct vsmtest *t = two_events();
	struct target target = target_of(t);
	struct blob b = saved(t);

	vsmtest_fail_op(target.t, VSMTEST_INJECT_EVENT, 2, 100, -VSM_ERR_HOST);
	assert_err(vsmtest_load(target.t, b.bytes, b.size), -VSM_ERR_STATE);
	ck_assert_uint_eq(target.t->vp[0].file[0].has_event, 1);
	assert_err(vsmtest_load(target.t, b.bytes, b.size), -VSM_ERR_MISUSE);
	vsmtest_no_faults(target.t);
	start_anew(&target);
	machine_is_new(&target);
	assert_err(vsmtest_load(target.t, b.bytes, b.size), 0);
	free(b.bytes);
	target_free(&target);
	vsmtest_free(t);
}
END_TEST

/* PENDING is no answer here. */
START_TEST(an_op_that_would_end_later)
{
	struct fixture f = fixture_of(golden());

	vsmtest_fail_op(f.target.t, VSMTEST_PROTECT, 1, 1, VSM_PENDING);
	assert_err(vsmtest_load(f.target.t, f.b.bytes, f.b.size), -VSM_ERR_HOST);
	memset(f.target.t->pending, 0, sizeof(f.target.t->pending));
	machine_is_new(&f.target);
	assert_err(vsmtest_load(f.target.t, f.b.bytes, f.b.size), 0);
	fixture_free(&f);
}
END_TEST

START_TEST(a_map_that_is_too_small)
{
	struct target target = { 0 };
	struct vsmtest_opts opts;
	struct protmap_pool *pool;
	struct vsmtest *t;
	struct blob b;
	uint64_t gpn[64];
	uint32_t unit;

	vsmtest_opts_init(&opts);
	t = vsmtest_new(&opts);
	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	for (uint32_t i = 0; i < 64; i++)
		gpn[i] = (VSMTEST_DATA_GPA >> HV_PAGE_SHIFT) + 3 * i;
	assert_status(vsmtest_modify(t, 0, R, gpn, 64), HV_STATUS_SUCCESS);
	for (uint32_t i = 0; i < 64; i++)
		gpn[i] = 0x20 + 3 * i;
	assert_status(vsmtest_modify(t, 0, RX, gpn, 64), HV_STATUS_SUCCESS);
	b = saved(t);
	target.t = vsmtest_new(&opts);
	pool = protmap_range_of(target.t->vsm->map, 0)->pool;
	while (pool_take(pool, 1, &unit))
		;
	target.new = saved(target.t);
	forget_clock(&target.new);
	assert_err(vsmtest_load(target.t, b.bytes, b.size), -VSM_ERR_NOMEM);
	ck_assert(vsmtest_logged(target.t, "protmap_max_bytes"));
	ck_assert_uint_eq(host_calls(target.t), 0);
	machine_is_new(&target);
	/* What the test took is back as well: now there is room. */
	target.t->vp[0].active = 1;
	assert_err(vsmtest_load(target.t, b.bytes, b.size), 0);
	free(b.bytes);
	target_free(&target);
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(each_op_of_a_load_fails_once),
	VSMTEST_CASE(the_way_back_fails_as_well),
	VSMTEST_CASE(an_event_that_is_not_taken_back_is_not_forgotten),
	VSMTEST_CASE(an_op_that_would_end_later),
	VSMTEST_CASE(a_map_that_is_too_small),
};

int main(void)
{
	return vsmtest_main("save_host", cases, VSMTEST_COUNT(cases));
}
