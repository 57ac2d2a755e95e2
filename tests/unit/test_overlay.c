/* SPDX-License-Identifier: BSD-3-Clause */
/* Overlay pages (TLFS 5.2.1) and the hypercall page (TLFS 3.13, 15.8). */
#include <string.h>

#include "vsmtest.h"

#define A 0x150000ull
#define B 0x151000ull

static struct vsmtest *ready(void)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_GUEST_OS_ID, 0x8100), VSM_VERDICT_RESUME);
	memset(vsmtest_ram(t, A), 0xaa, VSMTEST_PAGE);
	memset(vsmtest_ram(t, B), 0xbb, VSMTEST_PAGE);
	return t;
}

static void wr(struct vsmtest *t, uint32_t msr, uint64_t value)
{
	assert_verdict(vsmtest_wrmsr(t, 0, msr, value), VSM_VERDICT_RESUME);
}

static int is_filled(const uint8_t *page, uint8_t byte)
{
	uint32_t i;

	for (i = 0; i < VSMTEST_PAGE; i++)
		if (page[i] != byte)
			return 0;
	return 1;
}

START_TEST(an_overlay_hides_and_gives_back)
{
	struct vsmtest *t = ready();
	const struct vsm_overlay *overlay;

	wr(t, HV_X64_MSR_SIMP, A | 1);
	overlay = vsmtest_overlay(t, 0, A);
	ck_assert_ptr_nonnull(overlay);
	ck_assert_uint_eq(overlay->rights & 3, 3);
	ck_assert_uint_eq(overlay->vp, 0);
	ck_assert(is_filled(vsmtest_see(t, 0, A), 0));
	/* The other VTL still sees memory there. */
	ck_assert(is_filled(vsmtest_see(t, 1, A), 0xaa));
	memset(vsmtest_see(t, 0, A), 0x11, VSMTEST_PAGE);
	wr(t, HV_X64_MSR_SIMP, A);
	ck_assert_ptr_null(vsmtest_overlay(t, 0, A));
	ck_assert(is_filled(vsmtest_see(t, 0, A), 0xaa));
	vsmtest_free(t);
}
END_TEST

/* Event flags (TLFS 11.8): a page like the others, and none of them. */
START_TEST(an_event_flags_page_is_an_overlay_of_its_own)
{
	struct vsmtest *t = ready();
	const struct vsm_overlay *overlay;

	wr(t, HV_X64_MSR_SIEFP, A | 0xfff);
	overlay = vsmtest_overlay(t, 0, A);
	ck_assert_ptr_nonnull(overlay);
	ck_assert_uint_eq(overlay->rights, HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE);
	ck_assert_uint_eq(overlay->vp, 0);
	ck_assert(is_filled(vsmtest_see(t, 0, A), 0));
	ck_assert(is_filled(vsmtest_see(t, 1, A), 0xaa));
	memset(vsmtest_see(t, 0, A), 0xef, VSMTEST_PAGE);
	wr(t, HV_X64_MSR_SIMP, B | 1);
	ck_assert(is_filled(vsmtest_see(t, 0, B), 0));
	wr(t, HV_X64_MSR_SIEFP, B | 1);
	ck_assert(is_filled(vsmtest_see(t, 0, A), 0xaa));
	ck_assert(is_filled(vsmtest_see(t, 0, B), 0xef));
	wr(t, HV_X64_MSR_SIMP, 0);
	ck_assert(is_filled(vsmtest_see(t, 0, B), 0xef));
	assert_err(vsmtest_reset(t), 0);
	ck_assert_uint_eq(vsmtest_overlays(t, 0), 0);
	wr(t, HV_X64_MSR_SIEFP, B | 1);
	ck_assert(is_filled(vsmtest_see(t, 0, B), 0));
	vsmtest_free(t);
}
END_TEST

START_TEST(contents_follow_the_overlay)
{
	struct vsmtest *t = ready();

	wr(t, HV_X64_MSR_VP_ASSIST_PAGE, A | 1);
	memset(vsmtest_see(t, 0, A), 0x11, VSMTEST_PAGE);
	wr(t, HV_X64_MSR_VP_ASSIST_PAGE, B | 1);
	ck_assert(is_filled(vsmtest_see(t, 0, A), 0xaa));
	ck_assert(is_filled(vsmtest_see(t, 0, B), 0x11));
	ck_assert_uint_eq(vsmtest_overlays(t, 0), 1);
	vsmtest_free(t);
}
END_TEST

START_TEST(two_on_one_page_the_newest_wins_and_both_come_off)
{
	uint32_t order;

	for (order = 0; order < 2; order++) {
		struct vsmtest *t = ready();

		wr(t, HV_X64_MSR_SIMP, A | 1);
		memset(vsmtest_see(t, 0, A), 0x51, VSMTEST_PAGE);
		wr(t, HV_X64_MSR_VP_ASSIST_PAGE, A | 1);
		ck_assert(is_filled(vsmtest_see(t, 0, A), 0));
		memset(vsmtest_see(t, 0, A), 0xa5, VSMTEST_PAGE);
		wr(t, order ? HV_X64_MSR_SIMP : HV_X64_MSR_VP_ASSIST_PAGE, 0);
		/* The other one is seen now, with its own bytes. */
		ck_assert(is_filled(vsmtest_see(t, 0, A), order ? 0xa5 : 0x51));
		wr(t, order ? HV_X64_MSR_VP_ASSIST_PAGE : HV_X64_MSR_SIMP, 0);
		ck_assert(is_filled(vsmtest_see(t, 0, A), 0xaa));
		ck_assert_uint_eq(vsmtest_overlays(t, 0), 0);
		vsmtest_free(t);
	}
}
END_TEST

START_TEST(a_move_off_a_stack_uncovers_what_is_below)
{
	struct vsmtest *t = ready();

	wr(t, HV_X64_MSR_SIMP, A | 1);
	memset(vsmtest_see(t, 0, A), 0x51, VSMTEST_PAGE);
	wr(t, HV_X64_MSR_VP_ASSIST_PAGE, A | 1);
	memset(vsmtest_see(t, 0, A), 0xa5, VSMTEST_PAGE);
	wr(t, HV_X64_MSR_VP_ASSIST_PAGE, B | 1);
	ck_assert(is_filled(vsmtest_see(t, 0, A), 0x51));
	ck_assert(is_filled(vsmtest_see(t, 0, B), 0xa5));
	/* And back on top. */
	wr(t, HV_X64_MSR_VP_ASSIST_PAGE, A | 1);
	ck_assert(is_filled(vsmtest_see(t, 0, A), 0xa5));
	ck_assert(is_filled(vsmtest_see(t, 0, B), 0xbb));
	vsmtest_free(t);
}
END_TEST

START_TEST(writing_the_same_value_again_changes_nothing)
{
	struct vsmtest *t = ready();
	uint64_t hash;

	wr(t, HV_X64_MSR_SIMP, A | 1);
	memset(vsmtest_see(t, 0, A), 0x51, 16);
	hash = vsmtest_hash(t);
	wr(t, HV_X64_MSR_SIMP, A | 1);
	assert_same(t, hash);
	vsmtest_free(t);
}
END_TEST

START_TEST(pages_of_several_vps_are_seen_by_their_whole_vtl)
{
	uint32_t i;
	struct vsmtest *t = vsmtest_new_vps(3);

	for (i = 0; i < 3; i++)
		assert_verdict(vsmtest_synic_on(t, i), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(vsmtest_overlays(t, 0), 6);
	for (i = 0; i < 3; i++) {
		ck_assert_uint_eq(vsmtest_overlay(t, 0, VSMTEST_SIMP_GPA(i, 0))->vp, i);
		ck_assert_uint_eq(vsmtest_overlay(t, 0, VSMTEST_ASSIST_GPA(i, 0))->vp, i);
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(two_vps_on_one_page)
{
	struct vsmtest *t = vsmtest_new_vps(2);

	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, A | 1), VSM_VERDICT_RESUME);
	memset(vsmtest_see(t, 0, A), 0x10, VSMTEST_PAGE);
	assert_verdict(vsmtest_wrmsr(t, 1, HV_X64_MSR_SIMP, A | 1), VSM_VERDICT_RESUME);
	ck_assert(is_filled(vsmtest_see(t, 0, A), 0));
	assert_verdict(vsmtest_wrmsr(t, 1, HV_X64_MSR_SIMP, 0), VSM_VERDICT_RESUME);
	ck_assert(is_filled(vsmtest_see(t, 0, A), 0x10));
	vsmtest_free(t);
}
END_TEST

START_TEST(pages_are_zero_at_first_even_over_dirty_memory)
{
	struct vsmtest *t = ready();

	wr(t, HV_X64_MSR_SIMP, A | 1);
	wr(t, HV_X64_MSR_VP_ASSIST_PAGE, B | 1);
	ck_assert(is_filled(vsmtest_see(t, 0, A), 0));
	ck_assert(is_filled(vsmtest_see(t, 0, B), 0));
	vsmtest_free(t);
}
END_TEST

START_TEST(after_a_reset_pages_are_zero_again)
{
	struct vsmtest *t = ready();

	wr(t, HV_X64_MSR_SIMP, A | 1);
	wr(t, HV_X64_MSR_VP_ASSIST_PAGE, B | 1);
	memset(vsmtest_see(t, 0, A), 0x77, VSMTEST_PAGE);
	memset(vsmtest_see(t, 0, B), 0x77, VSMTEST_PAGE);
	assert_err(vsmtest_reset(t), 0);
	ck_assert_uint_eq(vsmtest_overlays(t, 0), 0);
	wr(t, HV_X64_MSR_SIMP, A | 1);
	wr(t, HV_X64_MSR_VP_ASSIST_PAGE, B | 1);
	ck_assert(is_filled(vsmtest_see(t, 0, A), 0));
	ck_assert(is_filled(vsmtest_see(t, 0, B), 0));
	vsmtest_free(t);
}
END_TEST

START_TEST(an_overlay_over_a_protected_page_gains_nothing)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint32_t rights;

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	memset(vsmtest_ram(t, A), 0xaa, VSMTEST_PAGE);
	assert_status(vsmtest_modify_gpa(t, 0, 0, A), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	wr(t, HV_X64_MSR_SIMP, A | 1);
	assert_err(vsm_gpa_rights(t->vsm, 0, A, &rights), 0);
	ck_assert_uint_eq(rights, 0);
	ck_assert_uint_eq(vsmtest_view(t, 0, A), 0);
	ck_assert(is_filled(vsmtest_see(t, 0, A), 0));
	memset(vsmtest_see(t, 0, A), 0x66, VSMTEST_PAGE);
	ck_assert(is_filled(vsmtest_ram(t, A), 0xaa));
	wr(t, HV_X64_MSR_SIMP, 0);
	ck_assert(is_filled(vsmtest_ram(t, A), 0xaa));
	ck_assert_uint_eq(vsmtest_view(t, 0, A), 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(protections_set_under_an_overlay_stay_when_it_goes)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, A | 1), VSM_VERDICT_RESUME);
	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, HV_MAP_GPA_READABLE, A), HV_STATUS_SUCCESS);
	ck_assert_ptr_nonnull(vsmtest_overlay(t, 0, A));
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	wr(t, HV_X64_MSR_SIMP, 0);
	ck_assert_uint_eq(vsmtest_view(t, 0, A), HV_MAP_GPA_READABLE);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_page_outside_of_the_gpa_space_is_enabled_and_unreachable)
{
	struct vsmtest *t = ready();
	uint64_t value;

	/* SIMP and assist page: accepted, never mapped (TLFS 5.2.1). */
	wr(t, HV_X64_MSR_SIMP, 1ull << 40 | 1);
	ck_assert_uint_eq(vsmtest_overlays(t, 0), 0);
	assert_verdict(vsmtest_rdmsr(t, 0, HV_X64_MSR_SIMP, &value), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(value, 1ull << 40 | 1);
	wr(t, HV_X64_MSR_SIMP, 0);
	wr(t, HV_X64_MSR_VP_ASSIST_PAGE, 0xfffffffffffff001);
	ck_assert_uint_eq(vsmtest_overlays(t, 0), 0);
	vsmtest_free(t);
}
END_TEST

static const struct {
	uint32_t kind;
	uint32_t port;
	uint8_t trap[3];
} traps[] = {
	/* The trap proper, padded with NOP to 3 bytes. */
	{ VSM_TRAP_OUT, 0x7e, { 0xe6, 0x7e, 0x90 } },
	{ VSM_TRAP_OUT, 0x99, { 0xe6, 0x99, 0x90 } },
	{ VSM_TRAP_VMCALL, 0, { 0x0f, 0x01, 0xc1 } },
	{ VSM_TRAP_VMMCALL, 0, { 0x0f, 0x01, 0xd9 } },
};

/* The trap proper and a near return. */
static void check_trap(const uint8_t *at, const uint8_t trap[3])
{
	ck_assert_mem_eq(at, trap, 3);
	ck_assert_uint_eq(at[3], 0xc3);
}

/* The same behind what a stub does first. */
static void check_stub(const uint8_t *page, uint64_t offset, const uint8_t *code, size_t len,
		       const uint8_t trap[3])
{
	ck_assert_uint_le(offset + len + 4, VSMTEST_PAGE);
	ck_assert_mem_eq(page + offset, code, len);
	check_trap(page + offset + len, trap);
}

static struct vsmtest *with_trap(size_t i)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	opts.config.trap_kind = traps[i].kind;
	opts.config.trap_port = traps[i].port;
	t = vsmtest_new(&opts);
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	return t;
}

START_TEST(the_hypercall_page_begins_with_the_trap)
{
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(traps); i++) {
		struct vsmtest *t = with_trap(i);
		const struct vsm_overlay *overlay = vsmtest_overlay(t, 0, VSMTEST_HC_GPA(0));

		ck_assert_ptr_nonnull(overlay);
		/* Read and execute, for all VPs. */
		ck_assert_uint_eq(overlay->rights, HV_MAP_GPA_READABLE | HV_MAP_GPA_EXECUTABLE);
		ck_assert_uint_eq(overlay->vp, VSM_ALL_VPS);
		check_trap(overlay->page, traps[i].trap);
		vsmtest_free(t);
	}
}
END_TEST

START_TEST(the_64_bit_stubs_move_rcx_and_trap)
{
	/* mov rax, rcx; mov ecx, code; trap; ret */
	static const uint8_t call[] = { 0x48, 0x89, 0xc8, 0xb9, 0x11, 0, 0, 0 };
	static const uint8_t ret[] = { 0x48, 0x89, 0xc8, 0xb9, 0x12, 0, 0, 0 };
	static const uint8_t call2[] = { 0x48, 0x8b, 0xc1, 0xb9, 0x11, 0, 0, 0 };
	static const uint8_t ret2[] = { 0x48, 0x8b, 0xc1, 0xb9, 0x12, 0, 0, 0 };
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(traps); i++) {
		struct vsmtest *t = with_trap(i);
		uint64_t offsets = vsmtest_value(t, 0, 0, HV_REGISTER_VSM_CODE_PAGE_OFFSETS);
		uint64_t call_at = offsets & 0xfff, ret_at = offsets >> 12 & 0xfff;
		const uint8_t *page = vsmtest_see(t, 0, VSMTEST_HC_GPA(0));

		ck_assert_uint_eq(offsets >> 24, 0);
		/* Both encodings of MOV are good. */
		check_stub(page, call_at, page[call_at + 1] == 0x89 ? call : call2, sizeof(call),
			   traps[i].trap);
		check_stub(page, ret_at, page[ret_at + 1] == 0x89 ? ret : ret2, sizeof(ret),
			   traps[i].trap);
		vsmtest_free(t);
	}
}
END_TEST

START_TEST(the_32_bit_stubs_move_eax_and_trap)
{
	/* mov ecx, eax; mov eax, code; trap; ret */
	static const uint8_t call[] = { 0x89, 0xc1, 0xb8, 0x11, 0, 0, 0 };
	static const uint8_t ret[] = { 0x89, 0xc1, 0xb8, 0x12, 0, 0, 0 };
	static const uint8_t call2[] = { 0x8b, 0xc8, 0xb8, 0x11, 0, 0, 0 };
	static const uint8_t ret2[] = { 0x8b, 0xc8, 0xb8, 0x12, 0, 0, 0 };
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(traps); i++) {
		struct vsmtest *t = with_trap(i);
		const uint8_t *page = vsmtest_see(t, 0, VSMTEST_HC_GPA(0));
		uint64_t offsets, call_at, ret_at;

		vsmtest_mode32(t, 0);
		offsets = vsmtest_value(t, 0, 0, HV_REGISTER_VSM_CODE_PAGE_OFFSETS);
		ck_assert_uint_eq(offsets >> 24, 0);
		call_at = offsets & 0xfff;
		ret_at = offsets >> 12 & 0xfff;
		check_stub(page, call_at, page[call_at] == 0x89 ? call : call2, sizeof(call),
			   traps[i].trap);
		check_stub(page, ret_at, page[ret_at] == 0x89 ? ret : ret2, sizeof(ret),
			   traps[i].trap);
		vsmtest_free(t);
	}
}
END_TEST

START_TEST(offsets_are_for_the_mode_of_the_target)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint64_t own, lower;

	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	own = vsmtest_value(t, 0, 0, HV_REGISTER_VSM_CODE_PAGE_OFFSETS);
	ck_assert_uint_eq(vsmtest_value(t, 0, VSMTEST_VTL(0), HV_REGISTER_VSM_CODE_PAGE_OFFSETS),
			  own);
	/* VTL0 goes to 32 bits behind VTL1's back. */
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_EFER, 0);
	vsmtest_reg_set(t, 0, 0, HV_X64_REGISTER_CR0, 0x11);
	lower = vsmtest_value(t, 0, VSMTEST_VTL(0), HV_REGISTER_VSM_CODE_PAGE_OFFSETS);
	ck_assert_uint_ne(lower, own);
	ck_assert_uint_eq(vsmtest_value(t, 0, 0, HV_REGISTER_VSM_CODE_PAGE_OFFSETS), own);
	vsmtest_free(t);
}
END_TEST

START_TEST(stubs_do_not_overlap)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint64_t wide, narrow;
	uint32_t start[5], i, j;

	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	wide = vsmtest_value(t, 0, 0, HV_REGISTER_VSM_CODE_PAGE_OFFSETS);
	vsmtest_mode32(t, 0);
	narrow = vsmtest_value(t, 0, 0, HV_REGISTER_VSM_CODE_PAGE_OFFSETS);
	start[0] = 0;
	start[1] = narrow & 0xfff;
	start[2] = narrow >> 12 & 0xfff;
	start[3] = wide & 0xfff;
	start[4] = wide >> 12 & 0xfff;
	for (i = 0; i < 5; i++)
		for (j = 0; j < i; j++) {
			uint32_t gap = start[i] > start[j] ? start[i] - start[j] :
							     start[j] - start[i];

			ck_assert_uint_ge(gap, 4);
		}
	vsmtest_free(t);
}
END_TEST

START_TEST(both_vtls_get_the_same_code_at_their_own_place)
{
	struct vsmtest *t = vsmtest_new(NULL);
	const uint8_t *lower, *higher;

	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	lower = vsmtest_see(t, 0, VSMTEST_HC_GPA(0));
	higher = vsmtest_see(t, 1, VSMTEST_HC_GPA(1));
	ck_assert_ptr_ne(lower, higher);
	ck_assert_mem_eq(lower, higher, VSMTEST_PAGE);
	ck_assert_ptr_null(vsmtest_overlay(t, 1, VSMTEST_HC_GPA(0)));
	ck_assert_ptr_null(vsmtest_overlay(t, 0, VSMTEST_HC_GPA(1)));
	vsmtest_free(t);
}
END_TEST

START_TEST(hypercalls_go_on_while_the_page_moves)
{
	struct vsmtest *t = ready();

	wr(t, HV_X64_MSR_HYPERCALL, A | 1);
	wr(t, HV_X64_MSR_HYPERCALL, B | 1);
	ck_assert(is_filled(vsmtest_see(t, 0, A), 0xaa));
	ck_assert_uint_eq(*vsmtest_see(t, 0, B), 0xe6);
	assert_verdict(vsmtest_hypercall(t, 0, HVCALL_NOTIFY_LONG_SPIN_WAIT | HV_HYPERCALL_FAST, 1,
					 0),
		       VSM_VERDICT_RESUME);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_host_failure_in_a_move_leaves_the_old_place)
{
	struct vsmtest *t = ready();
	uint32_t at;

	/* A move is at least a lift and a placing: each may fail. */
	for (at = 1; at <= 2; at++) {
		uint64_t hash;

		wr(t, HV_X64_MSR_SIMP, A | 1);
		memset(vsmtest_see(t, 0, A), 0x51, VSMTEST_PAGE);
		hash = vsmtest_hash(t);
		vsmtest_fail_op(t, VSMTEST_OVERLAY_MAP, at, 1, -VSM_ERR_HOST);
		assert_exception(t, 0, vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, B | 1), X86_GP);
		vsmtest_no_faults(t);
		assert_same(t, hash);
		wr(t, HV_X64_MSR_SIMP, 0);
	}
	vsmtest_free(t);
}
END_TEST

/* The old page cannot be uncovered, nor the new one: the VP must not run on. */
START_TEST(a_host_that_cannot_go_back_stops_the_vp)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, 0x6001), VSM_VERDICT_RESUME);
	vsmtest_fail_op(t, VSMTEST_OVERLAY_MAP, 2, 2, -VSM_ERR_HOST);
	assert_err(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, 0x7001), -VSM_ERR_HOST);
	ck_assert(vsmtest_logged(t, "could not take back"));
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(an_overlay_hides_and_gives_back),
	VSMTEST_CASE(an_event_flags_page_is_an_overlay_of_its_own),
	VSMTEST_CASE(contents_follow_the_overlay),
	VSMTEST_CASE(two_on_one_page_the_newest_wins_and_both_come_off),
	VSMTEST_CASE(a_move_off_a_stack_uncovers_what_is_below),
	VSMTEST_CASE(writing_the_same_value_again_changes_nothing),
	VSMTEST_CASE(pages_of_several_vps_are_seen_by_their_whole_vtl),
	VSMTEST_CASE(two_vps_on_one_page),
	VSMTEST_CASE(pages_are_zero_at_first_even_over_dirty_memory),
	VSMTEST_CASE(after_a_reset_pages_are_zero_again),
	VSMTEST_CASE(an_overlay_over_a_protected_page_gains_nothing),
	VSMTEST_CASE(protections_set_under_an_overlay_stay_when_it_goes),
	VSMTEST_CASE(a_page_outside_of_the_gpa_space_is_enabled_and_unreachable),
	VSMTEST_CASE(the_hypercall_page_begins_with_the_trap),
	VSMTEST_CASE(the_64_bit_stubs_move_rcx_and_trap),
	VSMTEST_CASE(the_32_bit_stubs_move_eax_and_trap),
	VSMTEST_CASE(offsets_are_for_the_mode_of_the_target),
	VSMTEST_CASE(stubs_do_not_overlap),
	VSMTEST_CASE(both_vtls_get_the_same_code_at_their_own_place),
	VSMTEST_CASE(hypercalls_go_on_while_the_page_moves),
	VSMTEST_CASE(a_host_failure_in_a_move_leaves_the_old_place),
	VSMTEST_CASE(a_host_that_cannot_go_back_stops_the_vp),
};

int main(void)
{
	return vsmtest_main("overlay", cases, VSMTEST_COUNT(cases));
}
