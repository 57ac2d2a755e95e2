/* SPDX-License-Identifier: BSD-3-Clause */
/* Reference time: the TSC page and the counter that must agree with it (TLFS ch. 12). */
#include <string.h>

#include "clock.h"
#include "msr_access.h"

__extension__ typedef unsigned __int128 u128;

#define PAGE_GPA 0x30000ull
#define ENABLED	 (PAGE_GPA | HV_X64_MSR_REFERENCE_TSC_ENABLE)

static const struct hv_reference_tsc_page *page_of(struct vsmtest *t, uint32_t vtl, uint64_t gpa)
{
	const struct vsm_overlay *overlay = vsmtest_overlay(t, vtl, gpa);

	ck_assert_msg(overlay != NULL, "VTL %u sees no overlay at %llx", vtl,
		      (unsigned long long)gpa);
	return overlay->page;
}

/* What a guest makes of the page. */
static uint64_t page_time(const struct hv_reference_tsc_page *page, uint64_t tsc)
{
	ck_assert_uint_ne(page->tsc_sequence, 0);
	return (uint64_t)(((u128)tsc * page->tsc_scale) >> 64) + (uint64_t)page->tsc_offset;
}

static struct vsmtest *machine(uint64_t tsc_hz, uint64_t tsc_at_creation)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	opts.tsc_hz = tsc_hz;
	t = vsmtest_alloc(&opts);
	t->tsc = tsc_at_creation;
	assert_err(vsmtest_create(t), 0);
	t->relaxed = 1; /* No rights change here, and there are many entries. */
	return t;
}

static const struct {
	uint64_t hz;
	uint64_t scale;
} scales[] = {
	{ 1000000000, 0x028f5c28f5c28f5c }, { 2000000000, 0x0147ae147ae147ae },
	{ 2100000000, 0x0138138138138138 }, { 2500000000, 0x010624dd2f1a9fbe },
	{ 2592000000, 0x00fcd6e9e06522c3 }, { 3000000000, 0x00da740da740da74 },
	{ 3792877000, 0x00acc97ba0b1b595 },
};

START_TEST(the_scale_is_exact_for_common_rates)
{
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(scales); i++)
		ck_assert_uint_eq(clock_scale(scales[i].hz), scales[i].scale);
}
END_TEST

START_TEST(the_scale_is_the_128_bit_quotient_rounded_down)
{
	uint64_t hz = 10000001, k;

	ck_assert_uint_eq(clock_scale(20000000), 1ull << 63);
	for (k = 0; k < 20000 && hz < UINT64_MAX - (hz >> 8); k++) {
		uint64_t scale = clock_scale(hz);

		ck_assert_uint_eq(scale, (uint64_t)(((u128)10000000 << 64) / hz));
		/* Low by less than one: scale * hz <= 10^7 * 2^64 < (scale + 1) * hz. */
		ck_assert((u128)scale * hz <= (u128)10000000 << 64);
		ck_assert(((u128)scale + 1) * hz > (u128)10000000 << 64);
		hz += 1 + (hz >> 9) + k;
	}
	ck_assert_uint_gt(hz, 1ull << 63);
}
END_TEST

START_TEST(the_page_shows_the_scale_of_the_machine)
{
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(scales); i++) {
		struct vsmtest *t = machine(scales[i].hz, 0);

		wr(t, 0, HV_X64_MSR_REFERENCE_TSC, ENABLED);
		ck_assert_uint_eq(page_of(t, 0, PAGE_GPA)->tsc_scale, scales[i].scale);
		vsmtest_free(t);
	}
}
END_TEST

START_TEST(the_page_has_its_layout_and_nothing_else)
{
	struct vsmtest *t = machine(2500000000, 2500000000);
	const uint8_t *bytes;
	static const uint8_t want[24] = {
		1,    0,    0,	  0,	0,    0,    0,	  0, /* sequence, reserved */
		0xbe, 0x9f, 0x1a, 0x2f, 0xdd, 0x24, 0x06, 0x01, /* scale */
		0x81, 0x69, 0x67, 0xff, 0xff, 0xff, 0xff, 0xff, /* offset: -(10^7 - 1) */
	};
	uint32_t i;

	wr(t, 0, HV_X64_MSR_REFERENCE_TSC, ENABLED);
	bytes = vsmtest_overlay(t, 0, PAGE_GPA)->page;
	ck_assert_mem_eq(bytes, want, sizeof(want));
	for (i = sizeof(want); i < VSMTEST_PAGE; i++)
		ck_assert_uint_eq(bytes[i], 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(the_guest_may_read_the_page_and_nothing_else)
{
	struct vsmtest *t = vsmtest_new(NULL);
	const struct vsm_overlay *overlay;

	wr(t, 0, HV_X64_MSR_REFERENCE_TSC, ENABLED);
	overlay = vsmtest_overlay(t, 0, PAGE_GPA);
	ck_assert_uint_eq(overlay->rights, HV_MAP_GPA_READABLE);
	ck_assert_uint_eq(overlay->vp, VSM_ALL_VPS);
	ck_assert_uint_eq(overlay->vtl, 0);
	vsmtest_free(t);
}
END_TEST

/* TLFS 8.8, and nobody but the guest itself hears of it. */
START_TEST(a_store_or_fetch_is_mc_and_a_load_is_repeated)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint8_t before[VSMTEST_PAGE];

	wr(t, 0, HV_X64_MSR_REFERENCE_TSC, ENABLED);
	memcpy(before, vsmtest_see(t, 0, PAGE_GPA), sizeof(before));
	assert_exception(t, 0, vsmtest_fault(t, 0, PAGE_GPA, HV_INTERCEPT_ACCESS_WRITE), 18);
	assert_exception(t, 0, vsmtest_fault(t, 0, PAGE_GPA + 8, HV_INTERCEPT_ACCESS_EXECUTE), 18);
	assert_verdict(vsmtest_fault(t, 0, PAGE_GPA, HV_INTERCEPT_ACCESS_READ), VSM_VERDICT_RETRY);
	ck_assert_mem_eq(vsmtest_see(t, 0, PAGE_GPA), before, sizeof(before));
	vsmtest_free(t);
}
END_TEST

START_TEST(the_hypercall_page_is_still_code)
{
	struct vsmtest *t = vsmtest_new(NULL);
	const struct vsm_overlay *overlay;
	uint8_t before[VSMTEST_PAGE];

	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	memcpy(before, vsmtest_see(t, 0, VSMTEST_HC_GPA(0)), sizeof(before));
	wr(t, 0, HV_X64_MSR_REFERENCE_TSC, ENABLED);
	overlay = vsmtest_overlay(t, 0, VSMTEST_HC_GPA(0));
	ck_assert_mem_eq(overlay->page, before, sizeof(before));
	ck_assert_uint_eq(overlay->rights, HV_MAP_GPA_READABLE | HV_MAP_GPA_EXECUTABLE);
	assert_err(vsmtest_reset(t), 0);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	ck_assert_mem_eq(vsmtest_see(t, 0, VSMTEST_HC_GPA(0)), before, sizeof(before));
	vsmtest_free(t);
}
END_TEST

/* Page and counter at one TSC value. */
static void assert_agreed(struct vsmtest *t, const struct hv_reference_tsc_page *page, uint64_t tsc)
{
	t->tsc = tsc;
	ck_assert_uint_eq(rd(t, 0, HV_X64_MSR_TIME_REF_COUNT), page_time(page, tsc));
}

START_TEST(page_and_counter_agree_at_every_tsc)
{
	static const uint64_t bases[] = { 0, 1, 999, 1000000, 1ull << 40, 0xfedcba9876543210ull };
	size_t b, h;
	uint64_t k;

	for (b = 0; b < VSMTEST_COUNT(bases); b++)
		for (h = 0; h < VSMTEST_COUNT(scales); h++) {
			struct vsmtest *t = machine(scales[h].hz, bases[b]);
			const struct hv_reference_tsc_page *page;
			uint64_t tsc = bases[b];

			wr(t, 0, HV_X64_MSR_REFERENCE_TSC, ENABLED);
			page = page_of(t, 0, PAGE_GPA);
			for (k = 0; k < 300; k++)
				assert_agreed(t, page, bases[b] + k);
			for (k = 0; k < 300 && tsc < UINT64_MAX - (tsc >> 5) - k; k++) {
				assert_agreed(t, page, tsc);
				tsc += 1 + (tsc >> 5) + k;
			}
			for (k = 0; k < 300; k++)
				assert_agreed(t, page, UINT64_MAX - k * 37);
			vsmtest_free(t);
		}
}
END_TEST

START_TEST(time_starts_at_0_whatever_the_tsc_is)
{
	static const uint64_t bases[] = { 0, 249, 250, 251, 1ull << 63, UINT64_MAX };
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(bases); i++) {
		struct vsmtest *t = machine(2500000000, bases[i]);

		ck_assert_uint_eq(rd(t, 0, HV_X64_MSR_TIME_REF_COUNT), 0);
		vsmtest_free(t);
	}
}
END_TEST

START_TEST(time_never_goes_back_and_stays_within_a_unit)
{
	struct vsmtest *t = machine(2592000000, 0x123456789abull);
	uint64_t last = 0, k;

	for (k = 0; k < 20000; k++) {
		uint64_t ticks = k * 131, now;

		t->tsc = 0x123456789abull + ticks;
		now = rd(t, 0, HV_X64_MSR_TIME_REF_COUNT);
		ck_assert_uint_ge(now, last);
		/* Two truncations, of the origin and of now, and the scale's own. */
		ck_assert_uint_le(now, ticks * 10 / 2592 + 1);
		ck_assert_uint_ge(now + 1, ticks * 10 / 2592);
		last = now;
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(the_privilege_needs_clock_and_overlays)
{
	static const uint32_t ops[] = { VSMTEST_TSC, VSMTEST_TSC_HZ, VSMTEST_OVERLAY_MAP };
	struct vsmtest *t = vsmtest_new(NULL);
	struct vsm_cpuid leaf;
	uint64_t value;
	size_t i;

	assert_err(vsm_cpuid_get(t->vsm, HV_CPUID_FEATURES, &leaf), 0);
	ck_assert_uint_eq(leaf.eax & HV_PRIV_ACCESS_PARTITION_REFERENCE_TSC,
			  HV_PRIV_ACCESS_PARTITION_REFERENCE_TSC);
	vsmtest_free(t);
	for (i = 0; i < VSMTEST_COUNT(ops); i++) {
		struct vsmtest_opts opts;

		vsmtest_opts_init(&opts);
		opts.null_ops = VSMTEST_BIT(ops[i]);
		t = vsmtest_new(&opts);
		assert_err(vsm_cpuid_get(t->vsm, HV_CPUID_FEATURES, &leaf), 0);
		ck_assert_uint_eq(leaf.eax & HV_PRIV_ACCESS_PARTITION_REFERENCE_TSC, 0);
		assert_exception(t, 0, vsmtest_rdmsr(t, 0, HV_X64_MSR_REFERENCE_TSC, &value),
				 X86_GP);
		assert_exception(t, 0, vsmtest_wrmsr(t, 0, HV_X64_MSR_REFERENCE_TSC, ENABLED),
				 X86_GP);
		ck_assert_uint_eq(vsmtest_overlays(t, 0), 0);
		vsmtest_free(t);
	}
}
END_TEST

START_TEST(without_a_clock_the_register_does_not_exist_either)
{
	struct hv_register_value value;
	struct vsmtest_opts opts;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	opts.null_ops = VSMTEST_BIT(VSMTEST_TSC);
	t = vsmtest_new(&opts);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	assert_status(vsmtest_get(t, 0, 0, HV_REGISTER_REFERENCE_TSC, &value),
		      HV_STATUS_INVALID_PARAMETER);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_REFERENCE_TSC, ENABLED),
		      HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(vsmtest_overlays(t, 0), 1);
	vsmtest_free(t);
}
END_TEST

/* Linux switches it on before it has told who it is. */
START_TEST(no_guest_os_id_is_needed)
{
	struct vsmtest *t = vsmtest_new(NULL);

	ck_assert_uint_eq(rd(t, 0, HV_X64_MSR_REFERENCE_TSC), 0);
	wr(t, 0, HV_X64_MSR_REFERENCE_TSC, ENABLED);
	ck_assert_uint_eq(rd(t, 0, HV_X64_MSR_REFERENCE_TSC), ENABLED);
	ck_assert_uint_eq(page_of(t, 0, PAGE_GPA)->tsc_sequence, 1);
	wr(t, 0, HV_X64_MSR_GUEST_OS_ID, 0);
	ck_assert_uint_eq(vsmtest_overlays(t, 0), 1);
	vsmtest_free(t);
}
END_TEST

START_TEST(reserved_bits_are_preserved)
{
	static const uint64_t values[] = {
		0xffe, PAGE_GPA | 0xfff, PAGE_GPA | 0x554, PAGE_GPA | 0xaab, ENABLED, 0
	};
	struct vsmtest *t = vsmtest_new(NULL);
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(values); i++) {
		wr(t, 0, HV_X64_MSR_REFERENCE_TSC, values[i]);
		ck_assert_uint_eq(rd(t, 0, HV_X64_MSR_REFERENCE_TSC), values[i]);
		ck_assert_uint_eq(vsmtest_overlays(t, 0), values[i] & 1);
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(beyond_the_gpa_space_it_is_accepted_and_nowhere)
{
	static const uint64_t values[] = { 1ull << 40 | 1, 0xfffffffffffff001 };
	struct vsmtest *t = vsmtest_new(NULL);
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(values); i++) {
		uint32_t calls = t->calls;

		wr(t, 0, HV_X64_MSR_REFERENCE_TSC, values[i]);
		ck_assert_uint_eq(rd(t, 0, HV_X64_MSR_REFERENCE_TSC), values[i]);
		ck_assert_uint_eq(vsmtest_overlays(t, 0), 0);
		ck_assert_uint_eq(vsmtest_calls_since(t, calls, VSMTEST_OVERLAY_MAP), 0);
	}
	wr(t, 0, HV_X64_MSR_REFERENCE_TSC, ENABLED);
	ck_assert_uint_eq(page_of(t, 0, PAGE_GPA)->tsc_sequence, 1);
	wr(t, 0, HV_X64_MSR_REFERENCE_TSC, values[0]);
	ck_assert_uint_eq(vsmtest_overlays(t, 0), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(switching_off_uncovers_what_lay_beneath)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint8_t before[VSMTEST_PAGE];

	memset(vsmtest_ram(t, PAGE_GPA), 0x5a, VSMTEST_PAGE);
	memcpy(before, vsmtest_ram(t, PAGE_GPA), sizeof(before));
	wr(t, 0, HV_X64_MSR_REFERENCE_TSC, ENABLED);
	ck_assert_mem_eq(vsmtest_ram(t, PAGE_GPA), before, sizeof(before));
	ck_assert_int_ne(memcmp(vsmtest_see(t, 0, PAGE_GPA), before, sizeof(before)), 0);
	wr(t, 0, HV_X64_MSR_REFERENCE_TSC, PAGE_GPA);
	ck_assert_mem_eq(vsmtest_see(t, 0, PAGE_GPA), before, sizeof(before));
	ck_assert_uint_eq(vsmtest_overlays(t, 0), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(moved_or_switched_on_again_it_shows_the_same)
{
	struct vsmtest *t = machine(2100000000, 777777777);
	struct hv_reference_tsc_page before;

	wr(t, 0, HV_X64_MSR_REFERENCE_TSC, ENABLED);
	before = *page_of(t, 0, PAGE_GPA);
	wr(t, 0, HV_X64_MSR_REFERENCE_TSC, ENABLED + VSMTEST_PAGE);
	ck_assert_ptr_null(vsmtest_overlay(t, 0, PAGE_GPA));
	ck_assert_mem_eq(page_of(t, 0, PAGE_GPA + VSMTEST_PAGE), &before, sizeof(before));
	wr(t, 0, HV_X64_MSR_REFERENCE_TSC, 0);
	t->tsc += 1000000;
	wr(t, 0, HV_X64_MSR_REFERENCE_TSC, ENABLED);
	ck_assert_mem_eq(page_of(t, 0, PAGE_GPA), &before, sizeof(before));
	vsmtest_free(t);
}
END_TEST

START_TEST(over_another_overlay_the_newest_is_seen)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint64_t gpa = VSMTEST_HC_GPA(0);
	uint8_t code[VSMTEST_PAGE];

	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	memcpy(code, vsmtest_see(t, 0, gpa), sizeof(code));
	wr(t, 0, HV_X64_MSR_REFERENCE_TSC, gpa | 1);
	ck_assert_uint_eq(page_of(t, 0, gpa)->tsc_sequence, 1);
	ck_assert_uint_eq(vsmtest_overlay(t, 0, gpa)->rights, HV_MAP_GPA_READABLE);
	wr(t, 0, HV_X64_MSR_REFERENCE_TSC, 0);
	ck_assert_mem_eq(vsmtest_see(t, 0, gpa), code, sizeof(code));
	vsmtest_free(t);
}
END_TEST

START_TEST(each_vtl_has_its_own_and_vtl0_does_not_see_that_of_vtl1)
{
	struct vsmtest *t = vsmtest_new(NULL);

	wr(t, 0, HV_X64_MSR_REFERENCE_TSC, ENABLED);
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(rd(t, 0, HV_X64_MSR_REFERENCE_TSC), 0);
	ck_assert_ptr_null(vsmtest_overlay(t, 1, PAGE_GPA));
	wr(t, 0, HV_X64_MSR_REFERENCE_TSC, ENABLED + VSMTEST_PAGE);
	ck_assert_ptr_null(vsmtest_overlay(t, 0, PAGE_GPA + VSMTEST_PAGE));
	ck_assert_ptr_ne(page_of(t, 1, PAGE_GPA + VSMTEST_PAGE), page_of(t, 0, PAGE_GPA));
	/* The same parameters in both (TLFS ch. 12). */
	ck_assert_mem_eq(page_of(t, 1, PAGE_GPA + VSMTEST_PAGE), page_of(t, 0, PAGE_GPA),
			 VSMTEST_PAGE);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(rd(t, 0, HV_X64_MSR_REFERENCE_TSC), ENABLED);
	wr(t, 0, HV_X64_MSR_REFERENCE_TSC, 0);
	ck_assert_uint_eq(vsmtest_overlays(t, 0), 1); /* The hypercall page. */
	page_of(t, 1, PAGE_GPA + VSMTEST_PAGE);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_higher_vtl_may_place_that_of_a_lower_one_and_not_the_reverse)
{
	struct vsmtest *t = vsmtest_new(NULL);
	struct hv_register_value value;

	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_set(t, 0, VSMTEST_VTL(0), HV_REGISTER_REFERENCE_TSC, ENABLED),
		      HV_STATUS_SUCCESS);
	ck_assert_uint_eq(page_of(t, 0, PAGE_GPA)->tsc_sequence, 1);
	ck_assert_ptr_null(vsmtest_overlay(t, 1, PAGE_GPA));
	ck_assert_uint_eq(vsmtest_value(t, 0, VSMTEST_VTL(0), HV_REGISTER_REFERENCE_TSC), ENABLED);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(rd(t, 0, HV_X64_MSR_REFERENCE_TSC), ENABLED);
	assert_status(vsmtest_set(t, 0, VSMTEST_VTL(1), HV_REGISTER_REFERENCE_TSC, ENABLED),
		      HV_STATUS_ACCESS_DENIED);
	assert_status(vsmtest_get(t, 0, VSMTEST_VTL(1), HV_REGISTER_REFERENCE_TSC, &value),
		      HV_STATUS_ACCESS_DENIED);
	vsmtest_free(t);
}
END_TEST

START_TEST(it_is_one_for_all_vps_of_a_vtl)
{
	struct vsmtest *t = vsmtest_new_vps(3);

	wr(t, 1, HV_X64_MSR_REFERENCE_TSC, ENABLED);
	ck_assert_uint_eq(rd(t, 0, HV_X64_MSR_REFERENCE_TSC), ENABLED);
	wr(t, 2, HV_X64_MSR_REFERENCE_TSC, 0);
	ck_assert_uint_eq(rd(t, 1, HV_X64_MSR_REFERENCE_TSC), 0);
	ck_assert_uint_eq(vsmtest_overlays(t, 0), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_host_that_cannot_place_it_gives_gp_and_nothing_changes)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint64_t hash;

	wr(t, 0, HV_X64_MSR_REFERENCE_TSC, ENABLED);
	hash = vsmtest_hash(t);
	vsmtest_fail_op(t, VSMTEST_OVERLAY_MAP, 1, 1, -VSM_ERR_NOMEM);
	assert_exception(t, 0,
			 vsmtest_wrmsr(t, 0, HV_X64_MSR_REFERENCE_TSC, ENABLED + VSMTEST_PAGE),
			 X86_GP);
	assert_same(t, hash);
	/* The second step: the new place is taken back. */
	vsmtest_fail_op(t, VSMTEST_OVERLAY_MAP, 2, 1, -VSM_ERR_NOMEM);
	assert_exception(t, 0,
			 vsmtest_wrmsr(t, 0, HV_X64_MSR_REFERENCE_TSC, ENABLED + VSMTEST_PAGE),
			 X86_GP);
	assert_same(t, hash);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_host_that_takes_its_time_blocks_the_vp)
{
	struct vsmtest *t = vsmtest_new_vps(2);

	vsmtest_fail_op(t, VSMTEST_OVERLAY_MAP, 1, 1, VSM_PENDING);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_REFERENCE_TSC, ENABLED), VSM_VERDICT_BLOCKED);
	/* Not there before the host is done, and nobody else's meanwhile. */
	ck_assert_uint_eq(rd(t, 1, HV_X64_MSR_REFERENCE_TSC), 0);
	assert_verdict(vsmtest_wrmsr(t, 1, HV_X64_MSR_REFERENCE_TSC, 0x31001), VSM_VERDICT_BLOCKED);
	assert_err(vsmtest_complete(t, VSMTEST_OVERLAY_MAP, 0, 0), 0);
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(rd(t, 0, HV_X64_MSR_REFERENCE_TSC), ENABLED);
	assert_verdict(vsmtest_prepare(t, 1), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(rd(t, 0, HV_X64_MSR_REFERENCE_TSC), 0x31001);
	ck_assert_uint_eq(vsmtest_overlays(t, 0), 1);
	page_of(t, 0, 0x31000);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_reset_lifts_it_and_time_goes_on)
{
	struct vsmtest *t = machine(2500000000, 5000000000);
	struct hv_reference_tsc_page before;

	wr(t, 0, HV_X64_MSR_REFERENCE_TSC, ENABLED);
	before = *page_of(t, 0, PAGE_GPA);
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	wr(t, 0, HV_X64_MSR_REFERENCE_TSC, ENABLED);
	t->tsc += 2500000000;
	assert_err(vsmtest_reset(t), 0);
	ck_assert_uint_eq(vsmtest_overlays(t, 0) + vsmtest_overlays(t, 1), 0);
	ck_assert_uint_eq(rd(t, 0, HV_X64_MSR_REFERENCE_TSC), 0);
	wr(t, 0, HV_X64_MSR_REFERENCE_TSC, ENABLED);
	ck_assert_mem_eq(page_of(t, 0, PAGE_GPA), &before, sizeof(before));
	/* TLFS ch. 12: counted since the partition was created. */
	ck_assert_uint_ge(rd(t, 0, HV_X64_MSR_TIME_REF_COUNT), 9999999);
	assert_agreed(t, page_of(t, 0, PAGE_GPA), t->tsc);
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(the_scale_is_exact_for_common_rates),
	VSMTEST_CASE(the_scale_is_the_128_bit_quotient_rounded_down),
	VSMTEST_CASE(the_page_shows_the_scale_of_the_machine),
	VSMTEST_CASE(the_page_has_its_layout_and_nothing_else),
	VSMTEST_CASE(the_guest_may_read_the_page_and_nothing_else),
	VSMTEST_CASE(a_store_or_fetch_is_mc_and_a_load_is_repeated),
	VSMTEST_CASE(the_hypercall_page_is_still_code),
	VSMTEST_CASE(page_and_counter_agree_at_every_tsc),
	VSMTEST_CASE(time_starts_at_0_whatever_the_tsc_is),
	VSMTEST_CASE(time_never_goes_back_and_stays_within_a_unit),
	VSMTEST_CASE(the_privilege_needs_clock_and_overlays),
	VSMTEST_CASE(without_a_clock_the_register_does_not_exist_either),
	VSMTEST_CASE(no_guest_os_id_is_needed),
	VSMTEST_CASE(reserved_bits_are_preserved),
	VSMTEST_CASE(beyond_the_gpa_space_it_is_accepted_and_nowhere),
	VSMTEST_CASE(switching_off_uncovers_what_lay_beneath),
	VSMTEST_CASE(moved_or_switched_on_again_it_shows_the_same),
	VSMTEST_CASE(over_another_overlay_the_newest_is_seen),
	VSMTEST_CASE(each_vtl_has_its_own_and_vtl0_does_not_see_that_of_vtl1),
	VSMTEST_CASE(a_higher_vtl_may_place_that_of_a_lower_one_and_not_the_reverse),
	VSMTEST_CASE(it_is_one_for_all_vps_of_a_vtl),
	VSMTEST_CASE(a_host_that_cannot_place_it_gives_gp_and_nothing_changes),
	VSMTEST_CASE(a_host_that_takes_its_time_blocks_the_vp),
	VSMTEST_CASE(a_reset_lifts_it_and_time_goes_on),
};

int main(void)
{
	return vsmtest_main("reference_tsc", cases, VSMTEST_COUNT(cases));
}
