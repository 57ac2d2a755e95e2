/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every list that is answered, continued by every kind of guest (TLFS 3.9): a continuation is what
 * the guest's registers say and nothing else, whatever happened to them in between. The calls are
 * the good ones of the status_*.c files.
 */
#include <stdio.h>

#include "hypercall.h"
#include "status.h"

#define GARBAGE 0xdeadbeef00000000ull

/* The n-th call that is answered; 0 if there are no more. Code 0 is none. */
static uint16_t answered(uint32_t n)
{
	uint64_t handled = hypercall_handled();
	uint32_t i;

	for (i = 0; i < vsm_hypercall_count(); i++) {
		struct vsm_hypercall_info info = { .size = sizeof(info) };

		ck_assert_int_eq(vsm_hypercall_info(i, &info), 0);
		if ((handled >> i & 1) && n-- == 0)
			return info.code;
	}
	return 0;
}

static int is_list(uint16_t code)
{
	struct vsm_hypercall_info info = { .size = sizeof(info) };

	ck_assert_int_eq(vsm_hypercall_info((uint32_t)vsm_hypercall_row(code), &info), 0);
	return info.kind == VSM_HYPERCALL_REP;
}

/* The n-th list that is answered; 0 if there are no more. */
static uint16_t list(uint32_t n)
{
	uint32_t i;
	uint16_t code;

	for (i = 0; (code = answered(i)) != 0; i++)
		if (is_list(code) && n-- == 0)
			return code;
	return 0;
}

static void good(struct probe *p, uint16_t code, uint32_t narrow, uint32_t budget)
{
	probe_good(p, code);
	p->narrow = narrow;
	p->opts.config.hypercall_budget = budget;
}

static uint32_t vtl_of(struct vsmtest *t, const struct probe *p)
{
	return t->vp[p->vp].active;
}

static const uint32_t parameters[] = { HV_X64_REGISTER_RAX, HV_X64_REGISTER_RBX,
				       HV_X64_REGISTER_RCX, HV_X64_REGISTER_RDX,
				       HV_X64_REGISTER_RSI, HV_X64_REGISTER_RDI,
				       HV_X64_REGISTER_R8 };

/* What an interrupt between two entries may leave in the high halves, or nothing. */
static void high_halves(struct vsmtest *t, const struct probe *p, uint64_t high)
{
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(parameters); i++) {
		uint64_t low = (uint32_t)vsmtest_reg(t, p->vp, vtl_of(t, p), parameters[i]);

		vsmtest_reg_set(t, p->vp, vtl_of(t, p), parameters[i], high | low);
	}
}

static uint64_t control_of(struct vsmtest *t, const struct probe *p)
{
	uint32_t vtl = vtl_of(t, p);

	if (!p->narrow)
		return vsmtest_reg(t, p->vp, vtl, HV_X64_REGISTER_RCX);
	return vsmtest_reg(t, p->vp, vtl, HV_X64_REGISTER_RDX) << 32 |
	       (uint32_t)vsmtest_reg(t, p->vp, vtl, HV_X64_REGISTER_RAX);
}

static void set_control(struct vsmtest *t, const struct probe *p, uint64_t control)
{
	uint32_t vtl = vtl_of(t, p);

	if (!p->narrow) {
		vsmtest_reg_set(t, p->vp, vtl, HV_X64_REGISTER_RCX, control);
		vsmtest_reg_set(t, p->vp, vtl, HV_X64_REGISTER_RAX, 0);
		return;
	}
	vsmtest_reg_set(t, p->vp, vtl, HV_X64_REGISTER_RDX, GARBAGE | control >> 32);
	vsmtest_reg_set(t, p->vp, vtl, HV_X64_REGISTER_RAX, GARBAGE | (uint32_t)control);
}

/* To its end. @param high what a 32-bit caller has in its high halves before each entry. */
static uint64_t run_list(const struct probe *p, uint64_t high)
{
	struct vsmtest *t = probe_build(p);
	uint32_t budget = p->opts.config.hypercall_budget;
	uint64_t hash;
	uint32_t i;

	for (i = 0; i < STATUS_REPS; i += budget) {
		if (p->narrow)
			high_halves(t, p, high);
		ck_assert_uint_eq(control_of(t, p), p->control | VSMTEST_REP_AT(0, 0, i));
		assert_verdict(probe_trap(t, p),
			       i + budget < STATUS_REPS ? VSM_VERDICT_RETRY : VSM_VERDICT_RESUME);
	}
	assert_status(vsmtest_status(t, p->vp), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->reps, STATUS_REPS);
	/* Behind it, the input value still tells of the last continuation. */
	if (p->narrow)
		high_halves(t, p, 0);
	else
		vsmtest_reg_set(t, p->vp, vtl_of(t, p), HV_X64_REGISTER_RCX, 0);
	hash = vsmtest_hash(t);
	vsmtest_free(t);
	return hash;
}

START_TEST(high_halves_of_a_32_bit_caller_do_not_count_at_any_entry)
{
	struct probe p;
	uint16_t code;
	uint32_t n;

	for (n = 0; (code = list(n)) != 0; n++) {
		good(&p, code, 1, 1);
		ck_assert_uint_eq(run_list(&p, GARBAGE), run_list(&p, 0));
		if (!probe_info(&p).fast || probe_info(&p).rep_out)
			continue;
		p.control |= HV_HYPERCALL_FAST;
		ck_assert_uint_eq(run_list(&p, GARBAGE), run_list(&p, 0));
	}
	ck_assert_uint_ge(n, 4);
}
END_TEST

START_TEST(a_list_in_pieces_ends_as_in_one_go)
{
	uint32_t n, form;
	uint16_t code;

	for (n = 0; (code = list(n)) != 0; n++)
		for (form = 0; form < 3; form++) {
			struct probe p;
			uint64_t pieces;

			good(&p, code, form == 2, 1);
			p.control |= form == 1 ? HV_HYPERCALL_FAST : 0;
			pieces = run_list(&p, 0);
			p.opts.config.hypercall_budget = 512;
			ck_assert_uint_eq(pieces, run_list(&p, 0));
		}
	ck_assert_uint_ge(n, 4);
}
END_TEST

/* One element of the list is done, by an entry or by a call of its own; then this input value. */
static const char *go_on(struct vsmtest *t, const struct probe *p, uint64_t control, uint64_t *hash,
			 uint32_t *reps)
{
	static char text[64];
	int verdict;

	set_control(t, p, control);
	verdict = probe_trap(t, p);
	snprintf(text, sizeof(text), "%s", outcome_text(t, p, verdict));
	*reps = verdict == VSM_VERDICT_RESUME ? t->reps : 0;
	*hash = vsmtest_hash(t);
	vsmtest_free(t);
	return text;
}

/*
 * Whatever the guest makes of the input value after a continuation, the answer is the one that it
 * would get if it had come with this input value in the first place.
 */
static void same_as_fresh(const struct probe *p, uint64_t control)
{
	struct probe single = *p;
	struct vsmtest *continued, *fresh;
	uint64_t hash[2];
	uint32_t reps[2];
	char text[64];

	continued = probe_build(p);
	assert_verdict(probe_trap(continued, p), VSM_VERDICT_RETRY);
	single.control = (p->control & ~HV_HYPERCALL_REP_COUNT_MASK) | VSMTEST_REP(0, 1);
	fresh = probe_build(&single);
	assert_verdict(probe_trap(fresh, &single), VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(fresh, p->vp), HV_STATUS_SUCCESS);
	strcpy(text, go_on(continued, p, control, &hash[0], &reps[0]));
	ck_assert_str_eq(go_on(fresh, p, control, &hash[1], &reps[1]), text);
	ck_assert_uint_eq(reps[0], reps[1]);
	ck_assert_msg(hash[0] == hash[1], "%llx after %llx: %s leaves another machine",
		      (unsigned long long)control, (unsigned long long)p->control, text);
}

static uint64_t with(const struct probe *p, uint32_t count, uint32_t start)
{
	return (p->control & ~(HV_HYPERCALL_REP_COUNT_MASK | HV_HYPERCALL_REP_START_MASK)) |
	       VSMTEST_REP_AT(0, count, start);
}

/* Where the list stands is where the guest says: back, forward, the last one, beyond. */
START_TEST(the_guest_edits_start_and_count_between_continuations)
{
	static const uint16_t edits[][2] = { { 3, 0 }, { 3, 1 },    { 3, 2 },	 { 3, 3 },
					     { 3, 4 }, { 3, 4095 }, { 1, 1 },	 { 2, 1 },
					     { 0, 1 }, { 4, 3 },    { 4095, 1 }, { 0, 0 } };
	uint32_t n, narrow, calls = 0;
	uint16_t code;
	size_t i;

	for (n = 0; (code = list(n)) != 0; n++)
		for (narrow = 0; narrow < 2; narrow++)
			for (i = 0; i < VSMTEST_COUNT(edits); i++, calls++) {
				struct probe p;

				good(&p, code, narrow, 1);
				same_as_fresh(&p, with(&p, edits[i][0], edits[i][1]));
			}
	printf("# %u input values edited\n", calls);
}
END_TEST

static const char *outcome_after(const struct probe *p, uint32_t count, uint32_t start,
				 uint32_t *reps)
{
	struct vsmtest *t = probe_build(p);
	uint64_t hash;

	assert_verdict(probe_trap(t, p), VSM_VERDICT_RETRY);
	return go_on(t, p, with(p, count, start), &hash, reps);
}

/* The same with what each of them has to answer. */
START_TEST(a_start_beyond_the_list_is_refused_and_any_other_goes_on)
{
	uint32_t n, narrow, reps;
	uint16_t code;

	for (n = 0; (code = list(n)) != 0; n++)
		for (narrow = 0; narrow < 2; narrow++) {
			struct probe p;

			good(&p, code, narrow, 1);
			ck_assert_str_eq(outcome_after(&p, 3, 0, &reps), "RETRY");
			ck_assert_str_eq(outcome_after(&p, 3, 1, &reps), "RETRY");
			ck_assert_str_eq(outcome_after(&p, 3, 2, &reps), "SUCCESS");
			ck_assert_uint_eq(reps, 3);
			ck_assert_str_eq(outcome_after(&p, 2, 1, &reps), "SUCCESS");
			ck_assert_uint_eq(reps, 2);
			ck_assert_str_eq(outcome_after(&p, 3, 3, &reps), "INVALID_HYPERCALL_INPUT");
			ck_assert_uint_eq(reps, 0);
			ck_assert_str_eq(outcome_after(&p, 3, 4095, &reps),
					 "INVALID_HYPERCALL_INPUT");
			ck_assert_str_eq(outcome_after(&p, 0, 1, &reps), "INVALID_HYPERCALL_INPUT");
			ck_assert_str_eq(outcome_after(&p, 4095, 1, &reps), "INVALID_ALIGNMENT");
			ck_assert_uint_eq(reps, 1);
		}
}
END_TEST

/* From each list to each call, with the rep fields that the continuation left. */
START_TEST(the_guest_goes_on_with_another_call)
{
	static const uint16_t unknown[] = { 0x7fff, HVCALL_DISABLE_VP_VTL,
					    HVCALL_FLUSH_VIRTUAL_ADDRESS_LIST };
	uint32_t n, m, narrow, calls = 0;
	uint16_t code, other;

	for (n = 0; (code = list(n)) != 0; n++)
		for (narrow = 0; narrow < 2; narrow++) {
			struct probe p;
			uint64_t rest;

			good(&p, code, narrow, 1);
			rest = with(&p, 3, 1) & ~HV_HYPERCALL_CODE_MASK;
			for (m = 0; (other = answered(m)) != 0; m++, calls++) {
				same_as_fresh(&p, rest | other);
				same_as_fresh(&p, other | (is_list(other) ? VSMTEST_REP(0, 2) : 0));
			}
			for (m = 0; m < VSMTEST_COUNT(unknown); m++)
				same_as_fresh(&p, rest | unknown[m]);
		}
	printf("# %u changes of the call\n", calls);
}
END_TEST

/* Input and output on one page */

/* Of each call that has output: what it writes when nothing overlaps. */
static uint32_t output_of(const struct probe *p, uint8_t *out)
{
	struct vsm_hypercall_info info = probe_info(p);
	uint32_t bytes = info.fixed_out + info.rep_out * STATUS_REPS;
	struct vsmtest *t = probe_build(p);

	assert_verdict(probe_trap(t, p), VSM_VERDICT_RESUME);
	assert_status(vsmtest_status(t, p->vp), HV_STATUS_SUCCESS);
	memcpy(out, vsmtest_ram(t, p->out_gpa), bytes);
	vsmtest_free(t);
	return bytes;
}

/* Within one entry the input is read before the output is written: it never feeds back. */
START_TEST(output_may_lie_anywhere_on_the_input)
{
	uint32_t n, places = 0;
	uint16_t code;

	for (n = 0; (code = answered(n)) != 0; n++) {
		uint8_t want[VSMTEST_PAGE], got[VSMTEST_PAGE];
		struct vsm_hypercall_info info;
		uint32_t bytes, at;
		struct probe p;

		good(&p, code, 0, 512);
		info = probe_info(&p);
		if (!info.rep_out && !info.fixed_out)
			continue;
		bytes = output_of(&p, want);
		for (at = 0; at < 512; at += 8, places++) {
			p.in_gpa = VSMTEST_IN_GPA(0);
			p.out_gpa = p.in_gpa + at;
			ck_assert_uint_eq(output_of(&p, got), bytes);
			ck_assert_mem_eq(got, want, bytes);
		}
	}
	ck_assert_uint_ge(places, 128);
}
END_TEST

/* Between entries it does, which is the guest's own doing: any status, and nothing else. */
START_TEST(overlap_across_continuations_harms_nobody_else)
{
	uint32_t n, at, again;
	uint16_t code;

	for (n = 0; (code = list(n)) != 0; n++) {
		struct probe p;

		good(&p, code, 0, 1);
		if (!probe_info(&p).rep_out)
			continue;
		for (at = 0; at < 64; at += 8) {
			struct vsmtest *t;
			int verdict;

			p.out_gpa = p.in_gpa + at;
			t = probe_build(&p);
			verdict = probe_trap(t, &p);
			for (again = 0; verdict == VSM_VERDICT_RETRY && again < STATUS_REPS;
			     again++)
				verdict = probe_trap(t, &p);
			assert_verdict(verdict, VSM_VERDICT_RESUME);
			ck_assert_uint_le(vsmtest_status(t, 0), UINT16_MAX);
			ck_assert_uint_le(t->reps, STATUS_REPS);
			ck_assert_uint_eq(*vsmtest_ram(t, p.in_gpa + VSMTEST_PAGE - 1), 0);
			vsmtest_free(t);
		}
	}
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(high_halves_of_a_32_bit_caller_do_not_count_at_any_entry),
	VSMTEST_CASE(a_list_in_pieces_ends_as_in_one_go),
	VSMTEST_CASE(the_guest_edits_start_and_count_between_continuations),
	VSMTEST_CASE(a_start_beyond_the_list_is_refused_and_any_other_goes_on),
	VSMTEST_CASE(the_guest_goes_on_with_another_call),
	VSMTEST_CASE(output_may_lie_anywhere_on_the_input),
	VSMTEST_CASE(overlap_across_continuations_harms_nobody_else),
};

int main(void)
{
	return vsmtest_main("continuation", cases, VSMTEST_COUNT(cases));
}
