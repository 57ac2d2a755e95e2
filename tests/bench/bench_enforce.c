/* SPDX-License-Identifier: BSD-3-Clause */
/* Figures of enforcing rights of pages, for each mechanism that the host has. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "enforce_machine.h"

#define ROUNDS	    5u /* For each repetition. */
#define SLOT_ROUNDS 1u /* Slots are slow, and only compared with. */
#define SCATTERED   7u /* Pages from one to the next. */
#define ALL_RIGHTS  HV_MAP_GPA_PERMISSIONS_MASK

enum figure {
	SCATTERED_DENY,
	SCATTERED_GRANT,
	CONTIG_DENY,
	CONTIG_GRANT,
	HELD_DENY,
	HELD_GRANT,
	CROWDED_DENY,
	CROWDED_GRANT,
	SINGLE_OP,
	SINGLE_AFTER,
	SINGLE_COST, /* The two together. */
	FAULT_EXIT,
	TRACKING, /* Of a scattered deny: what the library needs beside the op, to the op. */
	FIGURES
};

static const struct {
	const char *name;
	const char *unit;
} figures[FIGURES] = {
	[SCATTERED_DENY] = { "enforce_scattered_deny_ns_per_page", "ns" },
	[SCATTERED_GRANT] = { "enforce_scattered_grant_ns_per_page", "ns" },
	[CONTIG_DENY] = { "enforce_contig_deny_ns_per_page", "ns" },
	[CONTIG_GRANT] = { "enforce_contig_grant_ns_per_page", "ns" },
	[HELD_DENY] = { "enforce_held_deny_ns_per_page", "ns" },
	[HELD_GRANT] = { "enforce_held_grant_ns_per_page", "ns" },
	[CROWDED_DENY] = { "enforce_crowded_deny_ns_per_page", "ns" },
	[CROWDED_GRANT] = { "enforce_crowded_grant_ns_per_page", "ns" },
	[SINGLE_OP] = { "enforce_single_deny_us", "us" },
	[SINGLE_AFTER] = { "enforce_single_deny_after_us", "us" },
	[SINGLE_COST] = { "enforce_single_deny_cost_us", "us" },
	[FAULT_EXIT] = { "fault_exit_us", "us" },
	[TRACKING] = { "enforce_tracking_ratio", "ratio" },
};

struct result {
	double *value[FIGURES]; /* One for each round. */
	uint32_t count[FIGURES];
};

static void add(struct result *r, enum figure f, double value)
{
	r->value[f][r->count[f]++] = value;
}

/* Deny and grant once; the time is the op's alone. */
static int there_and_back(struct enforce_machine *m, struct result *r, enum figure deny,
			  uint32_t stride)
{
	if (enforce_protect(m, 0, stride) != 0)
		return -1;
	add(r, deny, (double)m->op_ns / ENFORCE_LIST);
	if (deny == SCATTERED_DENY)
		add(r, TRACKING, (double)(m->call_ns - m->op_ns) / (double)m->op_ns);
	if (enforce_protect(m, ALL_RIGHTS, stride) != 0)
		return -1;
	add(r, deny + 1, (double)m->op_ns / ENFORCE_LIST);
	return 0;
}

static int faults(struct enforce_machine *m, struct result *r, uint32_t rounds)
{
	uint64_t out, fault;

	if (enforce_protect(m, 0, SCATTERED) != 0)
		return -1;
	for (uint32_t i = 0; i < rounds; i++) {
		if (enforce_fault(m, &out, &fault) != 0)
			return -1;
		add(r, FAULT_EXIT, (double)(int64_t)(fault - out) / 1000);
	}
	return enforce_protect(m, ALL_RIGHTS, SCATTERED);
}

/* What a short protection costs a guest: the operation, and what it has to fetch again after it. */
static int single(struct enforce_machine *m, struct result *r)
{
	uint64_t op, after, undisturbed;
	double more;

	if (enforce_single(m, &op, &after, &undisturbed) != 0)
		return -1;
	more = (double)(int64_t)(after - undisturbed) / 1000;
	add(r, SINGLE_OP, (double)op / 1000);
	add(r, SINGLE_AFTER, more);
	add(r, SINGLE_COST, (double)op / 1000 + more);
	return 0;
}

static int measure(struct enforce_machine *m, struct result *r, uint32_t rounds)
{
	for (uint32_t i = 0; i < rounds; i++) {
		if (there_and_back(m, r, SCATTERED_DENY, SCATTERED) != 0 ||
		    there_and_back(m, r, CONTIG_DENY, 1) != 0)
			return -1;
	}
	if (faults(m, r, rounds) != 0 || enforce_sibling(m, 1) != 0)
		return -1;
	for (uint32_t i = 0; i < rounds; i++) {
		if (there_and_back(m, r, HELD_DENY, SCATTERED) != 0)
			return -1;
	}
	if (enforce_sibling(m, 0) != 0 || enforce_crowd(m) != 0)
		return -1;
	for (uint32_t i = 0; i < rounds; i++) {
		if (there_and_back(m, r, CROWDED_DENY, SCATTERED) != 0 || single(m, r) != 0)
			return -1;
	}
	return 0;
}

static double median(const struct result *r, enum figure f)
{
	return bench_median(r->value[f], r->count[f]);
}

static void print(const struct result *r, const char *suffix)
{
	char name[80];

	for (uint32_t f = 0; f < FIGURES; f++) {
		/* Where nothing was subtracted that was larger. */
		double value = median(r, f) > 0.001 ? median(r, f) : 0.001;

		snprintf(name, sizeof(name), "%s%s%s", figures[f].name, suffix[0] ? "_" : "",
			 suffix);
		bench_print(name, value, figures[f].unit);
	}
}

static int result_init(struct result *r, uint32_t rounds)
{
	double *room = calloc((size_t)FIGURES * rounds, sizeof(*room));

	memset(r, 0, sizeof(*r));
	for (uint32_t f = 0; f < FIGURES; f++)
		r->value[f] = room == NULL ? NULL : room + (size_t)f * rounds;
	return room == NULL ? -1 : 0;
}

/* What one mechanism is compared with another by: the operation for one page, that and what the
 * guest pays after it, and a page of a list. */
struct cost {
	double op, whole, listed;
};

/* One mechanism. @return how many figures are missing. */
static int one(uint32_t mechanism, const char *suffix, uint32_t rounds, struct cost *cost)
{
	struct enforce_machine *m = calloc(1, sizeof(*m));
	struct result r;
	int bad = m == NULL || result_init(&r, rounds) != 0;
	int missing = 0;

	if (bad) {
		free(m);
		return bench_missing("enforce_*", "no memory");
	}
	if (enforce_open(m, mechanism) != 0 || measure(m, &r, rounds) != 0) {
		missing = bench_missing("enforce_*", m->why);
	} else {
		print(&r, suffix);
		cost->op = median(&r, SINGLE_OP);
		cost->whole = median(&r, SINGLE_COST);
		cost->listed = median(&r, CROWDED_DENY);
	}
	enforce_close(m);
	free(m);
	free(r.value[0]);
	return missing;
}

/* What the probe chooses when somebody serves it. */
static uint32_t chosen(void)
{
	struct vsm_kvm_enforcement e = { .size = sizeof(e) };

	for (uint32_t i = 1; vsm_kvm_enforcement(NULL, i, &e) == 0; i++) {
		if (e.available)
			return i;
	}
	return VSM_KVM_ENFORCE_MEMSLOT;
}

int bench_enforce(uint32_t repeat)
{
	struct vsm_kvm_enforcement e = { .size = sizeof(e) };
	uint32_t best = chosen();
	struct cost cost = { 0 }, slots = { 0 }, ignored;
	int missing = one(best, "", repeat * ROUNDS, &cost);

	for (uint32_t i = 1; missing == 0 && vsm_kvm_enforcement(NULL, i, &e) == 0; i++) {
		if (i == best)
			continue;
		if (!e.available)
			fprintf(stderr, "bench-vsm: enforce_*_%s: %s\n", e.name, e.missing);
		else if (i == VSM_KVM_ENFORCE_MEMSLOT)
			missing += one(i, e.name, repeat * SLOT_ROUNDS, &slots);
		else
			missing += one(i, e.name, repeat * ROUNDS, &ignored);
	}
	if (missing == 0 && best != VSM_KVM_ENFORCE_MEMSLOT) {
		bench_print("enforce_vs_memslot_ratio", slots.op / cost.op, "ratio");
		bench_print("enforce_vs_memslot_cost_ratio", slots.whole / cost.whole, "ratio");
		bench_print("enforce_vs_memslot_list_ratio", slots.listed / cost.listed, "ratio");
	}
	return missing;
}
