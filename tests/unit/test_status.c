/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of doc/statuses.csv, row by row: each check of each call that is answered refuses with
 * exactly its status, and changes nothing; of two checks that both fail, the earlier row wins. Each
 * row that was proven is printed; tests/guards/statuses.py compares them with the table.
 */
#include <stdio.h>
#include <stdlib.h>

#include "hypercall.h"
#include "status.h"

#define VARIANTS_MAX 128u

static const struct status_row *table;
static uint32_t rows;
static uint32_t probes; /* Calls that were made and judged. */
static uint32_t skipped;
static uint32_t hashes; /* Of those the ones whose whole machine was compared. */

static const struct status_family *const families[] = { &status_lists, &status_vtl,
							&status_registers, &status_generic };

/* A call's own scenario goes before that of any call. */
static const struct scenario *find(const struct status_row *row)
{
	size_t f;
	uint32_t i;

	for (f = 0; f < VSMTEST_COUNT(families); f++)
		for (i = 0; i < families[f]->scenario_count; i++) {
			const struct scenario *s = &families[f]->scenarios[i];

			if ((s->code == row->code || s->code == STATUS_ANY) &&
			    strcmp(s->check, row->check) == 0)
				return s;
		}
	return NULL;
}

static int occurs(const struct status_row *row)
{
	return strcmp(row->check, "-") != 0;
}

static const char *code_text(uint32_t code)
{
	static char text[8];

	snprintf(text, sizeof(text), "0x%04x", code & 0xffff);
	return code == STATUS_OTHER ? "other" : text;
}

static const char *name_of(const struct status_row *row)
{
	static char text[4][80];
	static uint32_t next;
	char *out = text[next++ % 4];

	snprintf(out, sizeof(text[0]), "%s %s (%s)", code_text(row->code), row->check,
		 row->outcome);
	return out;
}

static void load_table(void)
{
	rows = status_rows(&table);
	ck_assert_uint_gt(rows, 100);
}

/* A call that is answered without rows, or rows of a call that is not. */
START_TEST(the_table_has_the_calls_that_are_answered)
{
	uint64_t handled = hypercall_handled();
	uint64_t listed = 0;
	uint32_t i;

	load_table();
	for (i = 0; i < rows; i++)
		if (table[i].code != STATUS_OTHER) {
			int row = vsm_hypercall_row((uint16_t)table[i].code);

			ck_assert_msg(row >= 0, "0x%04x is no call", table[i].code);
			listed |= 1ull << row;
		}
	for (i = 0; i < vsm_hypercall_count(); i++) {
		struct vsm_hypercall_info info = { .size = sizeof(info) };

		ck_assert_int_eq(vsm_hypercall_info(i, &info), 0);
		if (handled >> i & 1)
			printf("# call 0x%04x %s\n", info.code, info.name);
		ck_assert_msg((handled >> i & 1) == (listed >> i & 1),
			      "0x%04x %s is %s, but has %s in doc/statuses.csv", info.code,
			      info.name, handled >> i & 1 ? "answered" : "not answered",
			      listed >> i & 1 ? "rows" : "no row");
	}
}
END_TEST

static int has_row(uint32_t code, const char *check)
{
	uint32_t i;

	for (i = 0; i < rows; i++)
		if (table[i].code == code && strcmp(table[i].check, check) == 0)
			return 1;
	return 0;
}

static void require(const struct vsm_hypercall_info *info, const char *check, int wanted)
{
	ck_assert_msg(has_row(info->code, check) == wanted, "0x%04x %s %s a row \"%s\"", info->code,
		      info->name, wanted ? "needs" : "must not have", check);
}

/* What a call goes through follows from its layout, so that no new call forgets one of them. */
static void require_generic(const struct vsm_hypercall_info *info)
{
	int output = info->rep_out || info->fixed_out;
	int always_fits = info->fast && info->kind == VSM_HYPERCALL_SIMPLE;

	require(info, "cpl", 1);
	require(info, "page", 1);
	require(info, "success", 1);
	if (info->kind == VSM_HYPERCALL_VTL)
		return;
	require(info, "privilege", (info->privilege & HV_PRIV_ACCESS_VSM) != 0);
	require(info, "reserved", 1);
	require(info, "fields", 1);
	require(info, "form",
		info->fast && (info->rep_in || output || info->fixed_in > HV_HYPERCALL_FAST_BYTES));
	require(info, "registers", !always_fits);
	require(info, "place", 1);
	require(info, "no-ram-out", output);
	require(info, "denied-out", output);
	require(info, "no-ram-in", info->fixed_in != 0);
	require(info, "denied-in", info->fixed_in != 0);
	require(info, "denied-mute", info->fixed_in != 0);
}

START_TEST(each_call_has_the_checks_that_its_layout_brings)
{
	uint64_t handled = hypercall_handled();
	uint32_t i;

	load_table();
	for (i = 0; i < vsm_hypercall_count(); i++) {
		struct vsm_hypercall_info info = { .size = sizeof(info) };

		ck_assert_int_eq(vsm_hypercall_info(i, &info), 0);
		if (handled >> i & 1)
			require_generic(&info);
	}
}
END_TEST

/* Neither a row without a scenario nor a scenario without a row. */
START_TEST(rows_and_scenarios_belong_together)
{
	uint32_t i, j;
	size_t f;

	load_table();
	for (i = 0; i < rows; i++)
		ck_assert_msg(!occurs(&table[i]) || find(&table[i]),
			      "%s: no scenario in tests/unit/status_*.c", name_of(&table[i]));
	for (f = 0; f < VSMTEST_COUNT(families); f++)
		for (i = 0; i < families[f]->scenario_count; i++) {
			const struct scenario *s = &families[f]->scenarios[i];

			for (j = 0; j < rows && find(&table[j]) != s; j++)
				;
			ck_assert_msg(j < rows, "scenario 0x%04x %s: no row in doc/statuses.csv",
				      s->code, s->check);
		}
}
END_TEST

/* What a call changes that was refused: the result and RIP. */
struct result_registers {
	struct hv_register_value rax, rdx, rip;
};

static void keep(struct vsmtest *t, const struct probe *p, struct result_registers *r, int back)
{
	uint32_t vtl = t->vp[p->vp].active;
	struct hv_register_value *at[] = { vsmtest_slot(t, p->vp, vtl, HV_X64_REGISTER_RAX),
					   vsmtest_slot(t, p->vp, vtl, HV_X64_REGISTER_RDX),
					   vsmtest_slot(t, p->vp, vtl, HV_X64_REGISTER_RIP) };
	struct hv_register_value *kept[] = { &r->rax, &r->rdx, &r->rip };
	size_t i;

	for (i = 0; i < 3; i++)
		if (back)
			*at[i] = *kept[i];
		else
			*kept[i] = *at[i];
}

/* The host is asked for the result and RIP, and for nothing else. */
static void check_host_calls(struct vsmtest *t, const uint32_t *before, const struct scenario *s,
			     const struct status_row *row)
{
	static const uint8_t writing[] = { VSMTEST_GPA_WRITE,	 VSMTEST_XMM_SET,
					   VSMTEST_PROTECT,	 VSMTEST_TLB_FLUSH,
					   VSMTEST_OVERLAY_MAP,	 VSMTEST_KICK,
					   VSMTEST_INJECT_EVENT, VSMTEST_CRASH };
	size_t i;

	if (s->flags & STATUS_ACTS)
		return;
	for (i = 0; i < VSMTEST_COUNT(writing); i++)
		ck_assert_msg(t->count[writing[i]] == before[writing[i]], "%s: the host's %s",
			      name_of(row), vsmtest_op_name(writing[i]));
	if (s->flags & STATUS_EARLY)
		ck_assert_msg(t->count[VSMTEST_GPA_READ] == before[VSMTEST_GPA_READ],
			      "%s: guest memory was read", name_of(row));
	if (strcmp(row->outcome, "INTERCEPT") == 0)
		return;
	ck_assert_msg(t->count[VSMTEST_SWITCH_VTL] == before[VSMTEST_SWITCH_VTL],
		      "%s: a VTL switch", name_of(row));
	ck_assert_msg(t->count[VSMTEST_REGS_SET] == before[VSMTEST_REGS_SET] + 1,
		      "%s: %u writes of registers", name_of(row),
		      t->count[VSMTEST_REGS_SET] - before[VSMTEST_REGS_SET]);
}

static uint32_t expected_reps(const struct probe *p, const struct scenario *s)
{
	if (strcmp(s->check, "success") == 0)
		return probe_info(p).kind == VSM_HYPERCALL_REP ? STATUS_REPS : 0;
	return s->flags & STATUS_ELEMENT ? p->element : probe_start(p);
}

static int changes_nothing(const struct status_row *row, const struct probe *p,
			   const struct scenario *s)
{
	static const char *const changing[] = { "SUCCESS", "SWITCHED", "INTERCEPT" };
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(changing); i++)
		if (strcmp(row->outcome, changing[i]) == 0)
			return 0;
	return !(s->flags & STATUS_ELEMENT) || p->element == probe_start(p);
}

/*
 * The host op counts of every variant say that nothing was written; of the first one, and of all
 * with VSM_TEST_ALL, the whole machine is compared besides.
 */
static void prove(const struct status_row *row, const struct scenario *s, const struct probe *p,
		  uint32_t variant)
{
	struct vsmtest *t = probe_build(p);
	struct result_registers kept;
	uint32_t before[VSMTEST_OPS];
	int same = changes_nothing(row, p, s);
	int whole = same && (variant == 0 || getenv("VSM_TEST_ALL"));
	uint64_t hash = whole ? vsmtest_hash(t) : 0;
	const char *got;
	int verdict;

	keep(t, p, &kept, 0);
	memcpy(before, t->count, sizeof(before));
	verdict = probe_trap(t, p);
	probes++;
	got = outcome_text(t, p, verdict);
	ck_assert_msg(strcmp(got, row->outcome) == 0, "%s, variant %u, %s: %s", name_of(row),
		      variant, p->narrow ? "32 bits" : "64 bits", got);
	if (verdict == VSM_VERDICT_RESUME)
		ck_assert_msg(t->reps == expected_reps(p, s), "%s, variant %u: %u reps, not %u",
			      name_of(row), variant, t->reps, expected_reps(p, s));
	if (same)
		check_host_calls(t, before, s, row);
	if (whole) {
		hashes++;
		keep(t, p, &kept, 1);
		ck_assert_msg(vsmtest_hash(t) == hash, "%s, variant %u: something has changed",
			      name_of(row), variant);
	}
	vsmtest_free(t);
}

/* A list that goes on from element `start`, of which element `element` is bad. */
static void prove_from(const struct status_row *row, const struct scenario *s, uint32_t variant,
		       uint32_t narrow, uint32_t start, uint32_t element)
{
	struct probe p;

	probe_good(&p, row->code);
	p.narrow = narrow;
	p.element = element;
	p.control |= VSMTEST_REP_AT(0, 0, start);
	if (s->spoil(&p, variant))
		prove(row, s, &p, variant);
}

static void prove_row(const struct status_row *row)
{
	const struct scenario *s = find(row);
	uint32_t variant, narrow, variants = 0;

	for (narrow = 0; narrow < 2; narrow++)
		for (variant = 0; variant < VARIANTS_MAX; variant++) {
			struct probe p;

			probe_good(&p, row->code);
			p.narrow = narrow;
			if (!s->spoil(&p, variant))
				break;
			prove(row, s, &p, variant);
			variants++;
			if (variant || probe_info(&p).kind != VSM_HYPERCALL_REP)
				continue;
			prove_from(row, s, variant, narrow, 1, 1);
			prove_from(row, s, variant, narrow, 0, 2);
			prove_from(row, s, variant, narrow, 1, 2);
		}
	ck_assert_msg(variants >= 2, "%s: no variant", name_of(row));
	printf("# proven %s %s %s\n", code_text(row->code), row->check, row->outcome);
}

START_TEST(each_row_of_the_table)
{
	uint32_t i;

	load_table();
	probes = hashes = 0;
	for (i = 0; i < rows; i++)
		if (occurs(&table[i]) && find(&table[i]))
			prove_row(&table[i]);
	printf("# %u calls by %u rows, of %u the whole machine compared\n", probes, rows, hashes);
}
END_TEST

/* Order */

/*
 * Neighbours in the table that cannot both fail, with the reason. All other neighbours, and all
 * pairs that are no neighbours and do not claim the same thing for themselves, are tried.
 */
static const struct {
	uint32_t code;
	const char *first;
	const char *second;
	const char *why;
} apart[] = {
	{ STATUS_ANY, "denied-in", "denied-mute", "the VP has the denying VTL, or has not" },
	{ HVCALL_MODIFY_VTL_PROTECTION_MASK, "vtl0", "off", "every case of \"vtl0\" is both" },
	{ HVCALL_MODIFY_VTL_PROTECTION_MASK, "off", "vtl-state",
	  "the own set, or that of another VTL" },
	{ HVCALL_MODIFY_VTL_PROTECTION_MASK, "host", "host-memory", "a host fails in one way" },
	{ HVCALL_ENABLE_VP_VTL, "right", "twice", "variant 1 of \"right\" is both" },
	{ HVCALL_START_VIRTUAL_PROCESSOR, "above", "off", "every case of \"above\" is both" },
	{ HVCALL_START_VIRTUAL_PROCESSOR, "off", "denied", "VTL0, which VTL1 denies, is on" },
	{ HVCALL_GET_VP_REGISTERS, "offered", "secure-owner", "variant 2 of \"offered\" is both" },
	{ HVCALL_GET_VP_REGISTERS, "vsm", "off", "without VSM there is no other VTL" },
	{ HVCALL_GET_VP_REGISTERS, "off", "no-value", "variant 2 of \"off\" is both" },
	{ HVCALL_GET_VP_REGISTERS, "no-value", "elsewhere",
	  "the library's register, or the host's" },
	{ HVCALL_GET_VP_REGISTERS, "in-use", "no-state", "the VP has run that VTL, or has not" },
	{ HVCALL_SET_VP_REGISTERS, "offered", "secure-owner", "variant 2 of \"offered\" is both" },
	{ HVCALL_SET_VP_REGISTERS, "secure-owner", "off", "that register judges its VTL itself" },
	{ HVCALL_SET_VP_REGISTERS, "off", "own", "the VTL that runs is enabled" },
	{ HVCALL_SET_VP_REGISTERS, "value", "event",
	  "PendingEvent0 judges its value itself: variant 1 of \"event\" is both" },
	{ HVCALL_SET_VP_REGISTERS, "event", "synthetic", "of the own VTL, or of a lower one" },
	{ HVCALL_SET_VP_REGISTERS, "config-vtl", "config-clear",
	  "a VTL that is off protects nothing" },
	{ HVCALL_SET_VP_REGISTERS, "config-host", "config-memory", "a host fails in one way" },
	{ HVCALL_SET_VP_REGISTERS, "config-memory", "secure-bits", "another register" },
	{ HVCALL_SET_VP_REGISTERS, "secure-mbec", "no-state",
	  "the library's register, or the host's" },
	{ HVCALL_SET_VP_REGISTERS, "host-lacks", "host-value",
	  "the host has the register, or has not" },
};

static uint8_t apart_seen[VSMTEST_COUNT(apart)];

static int is_apart(const struct status_row *a, const struct status_row *b)
{
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(apart); i++)
		if ((apart[i].code == a->code || apart[i].code == STATUS_ANY) &&
		    strcmp(apart[i].first, a->check) == 0 && strcmp(apart[i].second, b->check) == 0)
			return apart_seen[i] = 1;
	return 0;
}

/* Spoil a call twice, the first one at element `a`, the second one at element `b`. */
static void spoil_both(struct probe *p, const struct status_row *row, const struct scenario *first,
		       uint32_t a, const struct scenario *second, uint32_t b)
{
	probe_good(p, row->code);
	p->element = a;
	ck_assert(first->spoil(p, 0));
	p->element = b;
	ck_assert(second->spoil(p, 0));
	p->element = 0;
}

/* 1: both conditions hold at once, whichever was brought about first. */
static int both_hold(struct probe *p, const struct status_row *row, const struct scenario *a,
		     const struct scenario *b, uint32_t element_b)
{
	struct probe other;

	spoil_both(p, row, a, 0, b, element_b);
	spoil_both(&other, row, b, element_b, a, 0);
	return memcmp(p, &other, sizeof(other)) == 0;
}

static void try_pair(const struct status_row *a, const struct status_row *b, const struct probe *p,
		     const struct status_row *winner)
{
	struct vsmtest *t = probe_build(p);
	int verdict = probe_trap(t, p);
	const char *got = outcome_text(t, p, verdict);

	ck_assert_msg(strcmp(got, winner->outcome) == 0, "both %s and %s: %s", name_of(a),
		      name_of(b), got);
	vsmtest_free(t);
	probes++;
}

static void order_of(uint32_t i, uint32_t j)
{
	const struct status_row *a = &table[i], *b = &table[j];
	const struct scenario *sa = find(a), *sb = find(b);
	struct probe p;
	int both = both_hold(&p, a, sa, sb, 0);

	ck_assert_msg(both || (sa->uses & sb->uses), "%s and %s undo each other", name_of(a),
		      name_of(b));
	if (j == i + 1)
		ck_assert_msg(both != is_apart(a, b), "%s and %s %s", name_of(a), name_of(b),
			      both ? "can be had together" : "cannot be had together");
	if (both)
		try_pair(a, b, &p, a);
	else
		skipped++;
	/* Of two elements the first counts, whatever is wrong with the second. */
	if ((sa->flags & sb->flags & STATUS_ELEMENT) && !((sa->uses | sb->uses) & ~USES_NAME) &&
	    both_hold(&p, a, sb, sa, 1))
		try_pair(a, b, &p, b);
}

START_TEST(of_two_checks_the_earlier_row_wins)
{
	uint32_t i, j;

	load_table();
	probes = skipped = 0;
	memset(apart_seen, 0, sizeof(apart_seen));
	for (i = 0; i < rows; i++)
		for (j = i + 1; j < rows && table[j].code == table[i].code; j++)
			if (occurs(&table[i]) && occurs(&table[j]) &&
			    strcmp(find(&table[j])->check, "success") &&
			    strcmp(table[i].outcome, table[j].outcome))
				order_of(i, j);
	for (i = 0; i < VSMTEST_COUNT(apart); i++)
		ck_assert_msg(apart_seen[i], "%s and %s are no neighbours (%s)", apart[i].first,
			      apart[i].second, apart[i].why);
	printf("# %u pairs of checks in their order, %u pairs that cannot be\n", probes, skipped);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(the_table_has_the_calls_that_are_answered),
	VSMTEST_CASE(each_call_has_the_checks_that_its_layout_brings),
	VSMTEST_CASE(rows_and_scenarios_belong_together),
	VSMTEST_CASE(each_row_of_the_table),
	VSMTEST_CASE(of_two_checks_the_earlier_row_wins),
};

int main(void)
{
	return vsmtest_main("status", cases, VSMTEST_COUNT(cases));
}
