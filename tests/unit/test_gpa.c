/* SPDX-License-Identifier: BSD-3-Clause */
/* vsm/gpa.h: the one answer for every access to guest memory (TLFS 15.9, 8.8). */
#include <string.h>

#include "enforceable.h"
#include "internal.h"
#include "vsmtest.h"

#define PAGE0 VSMTEST_DATA_GPA
#define READ  VSM_ACCESS_READ
#define WRITE VSM_ACCESS_WRITE
#define EXEC  VSM_ACCESS_EXECUTE

static struct vsm_gpa_answer answer;

/* The answer to a question, and in `answer` what goes with it. */
static int ask(struct vsmtest *t, uint32_t vp, uint32_t vtl, uint64_t gpa, uint64_t len,
	       uint32_t access)
{
	memset(&answer, 0xee, sizeof(answer));
	answer.size = sizeof(answer);
	return vsm_gpa_access(t->vsm, vp, vtl, gpa, len, access, &answer);
}

/* VTL1 is on and protects nothing yet; it is the active one. */
static struct vsmtest *protecting(void)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	return t;
}

static void protect(struct vsmtest *t, uint32_t page, uint32_t rights)
{
	assert_status(vsmtest_modify_gpa(t, 0, rights, PAGE0 + page * VSMTEST_PAGE), 0);
}

/* Who may do what, against the rules in words: 5 masks, 3 accesses, alone and together. */
START_TEST(every_mask_and_access_is_judged_by_its_rights)
{
	static const uint32_t masks[] = { 0x0, 0x1, 0x3, 0xd, 0xf };
	static const uint32_t whos[] = { 0, VSM_ALL_VPS, VSM_VP_DMA };
	struct vsmtest *t = protecting();
	uint32_t asked = 0;

	for (uint32_t i = 0; i < 5; i++)
		protect(t, i, masks[i]);
	for (uint32_t i = 0; i < 5; i++)
		for (uint32_t access = 1; access < 8; access++)
			for (uint32_t who = 0; who < 3; who++) {
				uint32_t user = asked % 2 ? VSM_ACCESS_USER : 0;
				/* Bits of accesses and of masks agree, and KX is UX here. */
				int allowed = (masks[i] & access) == access;

				assert_err(ask(t, whos[who], 0, PAGE0 + i * VSMTEST_PAGE + 5, 7,
					       access | user),
					   allowed ? 0 : -VSM_ERR_DENIED);
				ck_assert_uint_eq(answer.length, 7);
				ck_assert_uint_eq(answer.vtl, allowed ? 0 : 1);
				ck_assert_ptr_null(answer.overlay);
				ck_assert_uint_eq(answer.reserved, 0);
				asked++;
			}
	ck_assert_uint_eq(asked, 105);
	/* VTL1 itself is not restricted. */
	for (uint32_t i = 0; i < 5; i++)
		assert_err(ask(t, 0, 1, PAGE0 + i * VSMTEST_PAGE, VSMTEST_PAGE,
			       READ | WRITE | EXEC),
			   0);
	vsmtest_free(t);
}
END_TEST

START_TEST(an_answer_reaches_as_far_as_it_is_the_same)
{
	struct vsmtest *t = protecting();
	uint32_t p;

	for (p = 2; p < 5; p++)
		protect(t, p, 0);
	protect(t, 5, HV_MAP_GPA_READABLE);
	assert_err(ask(t, VSM_VP_DMA, 0, PAGE0 + 0x10, 64 * VSMTEST_PAGE, WRITE), 0);
	ck_assert_uint_eq(answer.length, 2 * VSMTEST_PAGE - 0x10);
	/* For a write pages without access and read-only pages are the same. */
	assert_err(ask(t, VSM_VP_DMA, 0, PAGE0 + 2 * VSMTEST_PAGE, 64 * VSMTEST_PAGE, WRITE),
		   -VSM_ERR_DENIED);
	ck_assert_uint_eq(answer.length, 4 * VSMTEST_PAGE);
	ck_assert_uint_eq(answer.vtl, 1);
	assert_err(ask(t, VSM_VP_DMA, 0, PAGE0 + 2 * VSMTEST_PAGE, 64 * VSMTEST_PAGE, READ),
		   -VSM_ERR_DENIED);
	ck_assert_uint_eq(answer.length, 3 * VSMTEST_PAGE);
	/* RAM ends, and what is behind it is nothing. */
	assert_err(ask(t, 0, 0, VSMTEST_RAM0_SIZE - 1, 2, READ), 0);
	ck_assert_uint_eq(answer.length, 1);
	assert_err(ask(t, 0, 0, VSMTEST_HOLE_GPA + 1, 5000, READ), -VSM_ERR_RANGE);
	ck_assert_uint_eq(answer.length, 5000);
	ck_assert_uint_eq(answer.vtl, 0);
	/* One answer looks at no more than 512 pages, whatever the guest says. */
	assert_err(ask(t, VSM_VP_DMA, 0, 0, ~0ull, READ), 0);
	ck_assert_uint_eq(answer.length, 512 * VSMTEST_PAGE);
	assert_err(ask(t, 0, 0, VSMTEST_HOLE_GPA, 1ull << 52, READ), -VSM_ERR_RANGE);
	ck_assert_uint_eq(answer.length, 512 * VSMTEST_PAGE);
	assert_err(ask(t, 0, 0, ~0ull, 1, READ), -VSM_ERR_RANGE);
	ck_assert_uint_eq(answer.length, 1);
	vsmtest_free(t);
}
END_TEST

START_TEST(overlays_answer_for_vps_of_their_vtl_only)
{
	struct vsmtest *t = protecting();
	const uint64_t hc = VSMTEST_HC_GPA(1), assist = VSMTEST_ASSIST_GPA(0, 1);

	/* Assist page: read and write, on the arena. */
	assert_err(ask(t, 0, 1, assist + 8, VSMTEST_PAGE, READ | WRITE), 0);
	ck_assert_ptr_eq(answer.overlay, vsmtest_see(t, 1, assist + 8));
	ck_assert_uint_eq(answer.length, VSMTEST_PAGE - 8);
	assert_err(ask(t, VSM_ALL_VPS, 1, assist, 8, EXEC), -VSM_ERR_DENIED);
	ck_assert_uint_eq(answer.vtl, 0);
	ck_assert_ptr_null(answer.overlay);
	/* Hypercall page: read and execute. */
	assert_err(ask(t, 0, 1, hc, 8, READ | EXEC), 0);
	ck_assert_ptr_eq(answer.overlay, vsmtest_see(t, 1, hc));
	assert_err(ask(t, 0, 1, hc, 8, WRITE), -VSM_ERR_DENIED);
	ck_assert_uint_eq(answer.length, 8);
	/* Page tables, hypercall blocks, devices and the other VTL have the RAM beneath. */
	assert_err(ask(t, 0, 1, hc, 8, WRITE | VSM_ACCESS_WALK), 0);
	ck_assert_ptr_null(answer.overlay);
	assert_err(ask(t, 0, 1, hc, 8, WRITE | VSM_ACCESS_BENEATH), 0);
	ck_assert_ptr_null(answer.overlay);
	assert_err(ask(t, 0, 0, hc, 8, WRITE), 0);
	ck_assert_ptr_null(answer.overlay);
	assert_err(ask(t, VSM_VP_DMA, 0, VSMTEST_HC_GPA(0), 8, WRITE), 0);
	ck_assert_ptr_null(answer.overlay);
	/* RAM up to the overlay, then the overlay: two answers. */
	assert_err(ask(t, 0, 1, hc - 16, 32, READ), 0);
	ck_assert_uint_eq(answer.length, 16);
	/* Also where no RAM is. */
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, VSMTEST_HOLE_GPA | 1),
		       VSM_VERDICT_RESUME);
	assert_err(ask(t, 0, 1, VSMTEST_HOLE_GPA + 4, 4, WRITE), 0);
	ck_assert_ptr_eq(answer.overlay, vsmtest_see(t, 1, VSMTEST_HOLE_GPA + 4));
	assert_err(ask(t, 0, 0, VSMTEST_HOLE_GPA + 4, 4, WRITE), -VSM_ERR_RANGE);
	vsmtest_free(t);
}
END_TEST

/* Two overlays on one page: the rights and bytes of the newest, as the host was told to show. */
START_TEST(the_newest_of_two_overlays_answers)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint32_t round;

	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	for (round = 0; round < 2; round++) {
		uint32_t first = round ? HV_X64_MSR_REFERENCE_TSC : HV_X64_MSR_SIMP;
		uint32_t second = round ? HV_X64_MSR_SIMP : HV_X64_MSR_REFERENCE_TSC;

		assert_verdict(vsmtest_wrmsr(t, 0, first, PAGE0 | 1), VSM_VERDICT_RESUME);
		assert_verdict(vsmtest_wrmsr(t, 0, second, PAGE0 | 1), VSM_VERDICT_RESUME);
		assert_err(ask(t, 0, 0, PAGE0, 8, WRITE), round ? 0 : -VSM_ERR_DENIED);
		assert_err(ask(t, 0, 0, PAGE0, 8, READ), 0);
		ck_assert_ptr_eq(answer.overlay, vsmtest_see(t, 0, PAGE0));
		assert_verdict(vsmtest_wrmsr(t, 0, second, 0), VSM_VERDICT_RESUME);
		assert_err(ask(t, 0, 0, PAGE0, 8, WRITE), round ? -VSM_ERR_DENIED : 0);
		assert_verdict(vsmtest_wrmsr(t, 0, first, 0), VSM_VERDICT_RESUME);
		assert_err(ask(t, 0, 0, PAGE0, 8, WRITE), 0);
		ck_assert_ptr_null(answer.overlay);
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(bad_arguments_are_refused)
{
	struct vsmtest *t = protecting();
	struct vsm_gpa_answer small = { .size = sizeof(small) - 1 };
	uint8_t byte = 7;

	assert_err(vsm_gpa_access(NULL, 0, 0, 0, 1, READ, &answer), -VSM_ERR_INVAL);
	assert_err(vsm_gpa_access(t->vsm, 0, 0, 0, 1, READ, NULL), -VSM_ERR_INVAL);
	assert_err(vsm_gpa_access(t->vsm, 0, 0, 0, 1, READ, &small), -VSM_ERR_INVAL);
	assert_err(ask(t, 0, 0, 0, 0, READ), -VSM_ERR_INVAL);
	assert_err(ask(t, 0, 0, ~0ull, 2, READ), -VSM_ERR_INVAL);
	assert_err(ask(t, 0, 0, 0, 1, 0), -VSM_ERR_INVAL);
	assert_err(ask(t, 0, 0, 0, 1, VSM_ACCESS_USER), -VSM_ERR_INVAL);
	assert_err(ask(t, 0, 0, 0, 1, READ | 0x80), -VSM_ERR_INVAL);
	assert_err(ask(t, 0, 2, 0, 1, READ), -VSM_ERR_INVAL);
	assert_err(ask(t, VSM_VP_DMA, 1, 0, 1, READ), -VSM_ERR_INVAL);
	assert_err(ask(t, 1, 0, 0, 1, READ), -VSM_ERR_NOTFOUND);
	assert_err(ask(t, 0xfffffffd, 0, 0, 1, READ), -VSM_ERR_NOTFOUND);
	assert_err(vsm_gpa_read(NULL, 0, 0, 0, &byte, 1), -VSM_ERR_INVAL);
	assert_err(vsm_gpa_read(t->vsm, 0, 0, 0, NULL, 1), -VSM_ERR_INVAL);
	assert_err(vsm_gpa_read(t->vsm, 0, 0, 0, &byte, 0), -VSM_ERR_INVAL);
	assert_err(vsm_gpa_read(t->vsm, VSM_VP_DMA, 1, 0, &byte, 1), -VSM_ERR_INVAL);
	assert_err(vsm_gpa_write(NULL, 0, 0, 0, &byte, 1), -VSM_ERR_INVAL);
	assert_err(vsm_gpa_write(t->vsm, 0, 0, 0, NULL, 1), -VSM_ERR_INVAL);
	assert_err(vsm_gpa_write(t->vsm, 0, 0, ~0ull, &byte, 2), -VSM_ERR_INVAL);
	assert_err(vsm_gpa_write(t->vsm, 3, 0, 0, &byte, 1), -VSM_ERR_NOTFOUND);
	ck_assert_uint_eq(byte, 7);
	vsmtest_free(t);
}
END_TEST

START_TEST(before_realise_nothing_is_answered)
{
	struct vsmtest *t = vsmtest_alloc(NULL);
	struct vsm_host_ops ops;
	uint8_t byte = 0;

	vsmtest_ops(t, &ops);
	t->may_allocate = 1;
	assert_err(vsm_partition_create(&t->opts.config, &ops, t, &t->vsm), 0);
	assert_err(ask(t, VSM_VP_DMA, 0, 0, 1, READ), -VSM_ERR_MISUSE);
	assert_err(vsm_gpa_read(t->vsm, VSM_VP_DMA, 0, 0, &byte, 1), -VSM_ERR_MISUSE);
	assert_err(vsm_gpa_write(t->vsm, VSM_VP_DMA, 0, 0, &byte, 1), -VSM_ERR_MISUSE);
	vsmtest_free(t);
}
END_TEST

START_TEST(transfers_move_every_byte_across_pages)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint8_t out[3 * VSMTEST_PAGE], in[sizeof(out)];
	uint32_t calls;

	for (uint32_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7 + i / 256);
	assert_err(vsmtest_gpa_write(t, VSM_VP_DMA, 0, PAGE0 + 100, out, sizeof(out)), 0);
	ck_assert_mem_eq(vsmtest_ram(t, PAGE0 + 100), out, sizeof(out));
	calls = t->calls;
	assert_err(vsmtest_gpa_read(t, VSM_VP_DMA, 0, PAGE0 + 100, in, sizeof(in)), 0);
	ck_assert_mem_eq(in, out, sizeof(in));
	ck_assert_uint_eq(vsmtest_calls_since(t, calls, VSMTEST_GPA_READ), 4);
	/* A VP sees its overlay pages, a device what is beneath. */
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, (PAGE0 + VSMTEST_PAGE) | 1),
		       VSM_VERDICT_RESUME);
	assert_err(vsmtest_gpa_write(t, 0, 0, PAGE0 + VSMTEST_PAGE - 4, "abcdefgh", 8), 0);
	ck_assert_mem_eq(vsmtest_ram(t, PAGE0 + VSMTEST_PAGE - 4), "abcd", 4);
	ck_assert_mem_eq(vsmtest_ram(t, PAGE0 + VSMTEST_PAGE), out + VSMTEST_PAGE - 100, 4);
	ck_assert_mem_eq(vsmtest_see(t, 0, PAGE0 + VSMTEST_PAGE), "efgh", 4);
	assert_err(vsmtest_gpa_read(t, 0, 0, PAGE0 + VSMTEST_PAGE - 4, in, 8), 0);
	ck_assert_mem_eq(in, "abcdefgh", 8);
	assert_err(vsmtest_gpa_read(t, VSM_VP_DMA, 0, PAGE0 + VSMTEST_PAGE, in, 4), 0);
	ck_assert_mem_eq(in, out + VSMTEST_PAGE - 100, 4);
	vsmtest_free(t);
}
END_TEST

/* TLFS ch. 9: both pages are checked before any byte moves, whichever of them is denied. */
START_TEST(a_transfer_that_touches_a_denied_page_moves_nothing)
{
	struct vsmtest *t = protecting();
	uint8_t in[3 * VSMTEST_PAGE], zero[sizeof(in)] = { 0 };
	uint32_t denied;

	for (denied = 0; denied < 3; denied++) {
		uint64_t page = PAGE0 + denied * VSMTEST_PAGE;
		uint64_t hash;

		memset(vsmtest_ram(t, PAGE0), 0x5a, sizeof(in));
		assert_status(vsmtest_modify_gpa(t, 0, 0, page), 0);
		hash = vsmtest_hash(t);
		memset(in, 0xa5, sizeof(in));
		assert_err(vsmtest_gpa_write(t, VSM_VP_DMA, 0, PAGE0, in, sizeof(in)),
			   -VSM_ERR_DENIED);
		assert_err(vsmtest_gpa_read(t, VSM_VP_DMA, 0, PAGE0, in, sizeof(in)),
			   -VSM_ERR_DENIED);
		ck_assert_mem_eq(in, zero, sizeof(in));
		assert_same(t, hash);
		/* A page that may be read may still not be written. */
		assert_status(vsmtest_modify_gpa(t, 0, HV_MAP_GPA_READABLE, page), 0);
		hash = vsmtest_hash(t);
		assert_err(vsmtest_gpa_read(t, VSM_VP_DMA, 0, PAGE0, in, sizeof(in)), 0);
		assert_err(vsmtest_gpa_write(t, VSM_VP_DMA, 0, PAGE0, zero, sizeof(in)),
			   -VSM_ERR_DENIED);
		assert_same(t, hash);
		assert_status(vsmtest_modify_gpa(t, 0, VSM_RIGHTS_ALL, page), 0);
	}
	/* The end of RAM is such a border too. */
	assert_err(vsmtest_gpa_write(t, VSM_VP_DMA, 0, VSMTEST_RAM0_SIZE - 4, in, 8),
		   -VSM_ERR_RANGE);
	assert_err(vsmtest_gpa_read(t, VSM_VP_DMA, 0, VSMTEST_RAM0_SIZE - 4, in, 8),
		   -VSM_ERR_RANGE);
	ck_assert_mem_eq(in, zero, 8);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_failing_op_ends_a_transfer_and_clears_the_buffer)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint8_t in[2 * VSMTEST_PAGE], zero[sizeof(in)] = { 0 };

	memset(vsmtest_ram(t, PAGE0), 0x5a, sizeof(in));
	memset(in, 0xa5, sizeof(in));
	vsmtest_fail_op(t, VSMTEST_GPA_READ, 2, 1, -VSM_ERR_RANGE);
	assert_err(vsmtest_gpa_read(t, VSM_VP_DMA, 0, PAGE0, in, sizeof(in)), -VSM_ERR_HOST);
	ck_assert_mem_eq(in, zero, sizeof(in));
	vsmtest_fail_op(t, VSMTEST_GPA_WRITE, 1, 1, -VSM_ERR_HOST);
	assert_err(vsmtest_gpa_write(t, VSM_VP_DMA, 0, PAGE0, in, sizeof(in)), -VSM_ERR_HOST);
	ck_assert_uint_eq(*vsmtest_ram(t, PAGE0), 0x5a);
	assert_err(vsmtest_gpa_write(t, VSM_VP_DMA, 0, PAGE0, in, sizeof(in)), 0);
	ck_assert_uint_eq(*vsmtest_ram(t, PAGE0), 0);
	vsmtest_free(t);
}
END_TEST

/* Another VP takes the right away while the first page is moved. */
static void revoke(struct vsmtest *t, enum vsmtest_op op, uint32_t vp)
{
	(void)vp;
	if (op == VSMTEST_GPA_READ || op == VSMTEST_GPA_WRITE)
		ck_assert_int_eq(vsm_protmap_set(t->vsm->map, 1, PAGE0 + VSMTEST_PAGE, 1, 0), 0);
}

START_TEST(a_right_that_goes_during_a_transfer_is_missed)
{
	struct vsmtest *t = protecting();
	uint8_t in[2 * VSMTEST_PAGE], zero[sizeof(in)] = { 0 };
	uint32_t write;

	memset(vsmtest_ram(t, PAGE0), 0x5a, sizeof(in));
	t->relaxed = 1;
	t->hook = revoke;
	for (write = 0; write < 2; write++) {
		vsm_protmap_set(t->vsm->map, 1, PAGE0 + VSMTEST_PAGE, 1, VSM_RIGHTS_ALL);
		memset(in, 0xa5, sizeof(in));
		assert_err(write ? vsmtest_gpa_write(t, 0, 0, PAGE0, in, sizeof(in)) :
				   vsmtest_gpa_read(t, 0, 0, PAGE0, in, sizeof(in)),
			   -VSM_ERR_DENIED);
		ck_assert_uint_eq(*vsmtest_ram(t, PAGE0 + VSMTEST_PAGE), 0x5a);
		if (!write)
			ck_assert_mem_eq(in, zero, sizeof(in));
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(without_vsm_ram_is_free_for_all)
{
	struct vsmtest *t = vsmtest_new_vtls(0);

	assert_err(ask(t, VSM_VP_DMA, 0, 0, 2 * VSMTEST_PAGE, READ | WRITE | EXEC), 0);
	ck_assert_uint_eq(answer.length, 2 * VSMTEST_PAGE);
	assert_err(ask(t, VSM_VP_DMA, 0, VSMTEST_HOLE_GPA, 1, READ), -VSM_ERR_RANGE);
	vsmtest_free(t);
}
END_TEST

/* RW of one set and R+X of another leave R, which this host has not: less is given, never more. */
START_TEST(a_mask_that_no_set_asked_for_is_given_less_of)
{
	for (uint32_t consent = 0; consent < 2; consent++) {
		struct vsmtest_opts opts;
		struct vsmtest *t;

		vsmtest_opts_init(&opts);
		opts.config.enforceable = 0xa009;
		opts.config.flags = consent ? VSM_CONFIG_ACCEPT_UNENFORCED_EXECUTE : 0;
		t = vsmtest_new(&opts);
		ck_assert_uint_eq(protect_host_rights(t->vsm, 0x0), 0x0);
		ck_assert_uint_eq(protect_host_rights(t->vsm, 0x3), 0x3);
		ck_assert_uint_eq(protect_host_rights(t->vsm, 0xd), 0xd);
		ck_assert_uint_eq(protect_host_rights(t->vsm, 0x1), consent ? 0xd : 0x0);
		vsmtest_free(t);
	}
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(every_mask_and_access_is_judged_by_its_rights),
	VSMTEST_CASE(an_answer_reaches_as_far_as_it_is_the_same),
	VSMTEST_CASE(overlays_answer_for_vps_of_their_vtl_only),
	VSMTEST_CASE(the_newest_of_two_overlays_answers),
	VSMTEST_CASE(bad_arguments_are_refused),
	VSMTEST_CASE(before_realise_nothing_is_answered),
	VSMTEST_CASE(transfers_move_every_byte_across_pages),
	VSMTEST_CASE(a_transfer_that_touches_a_denied_page_moves_nothing),
	VSMTEST_CASE(a_failing_op_ends_a_transfer_and_clears_the_buffer),
	VSMTEST_CASE(a_right_that_goes_during_a_transfer_is_missed),
	VSMTEST_CASE(a_mask_that_no_set_asked_for_is_given_less_of),
	VSMTEST_CASE(without_vsm_ram_is_free_for_all),
};

int main(void)
{
	return vsmtest_main("gpa", cases, VSMTEST_COUNT(cases));
}
