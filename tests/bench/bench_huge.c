/* SPDX-License-Identifier: BSD-3-Clause */
/* What denying a page does to the huge pages of RAM, for each mechanism that the host has. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "enforce_machine.h"

#define HUGE_PAGE  0x200000ull
#define VIEWS_MAX  16u
#define ROUNDS_MAX 16u /* Each has a huge page of its own. */
#define FAR_GPA	   0x4000000u /* Memory that no change touches. */
#define FAR_PAGES  8192u
#define NEAR_PAGES 256u /* In the huge page of the one that is denied. */

/* The mappings of RAM in this process: what they map by entries of huge pages. */
struct views {
	uint64_t start[VIEWS_MAX];
	uint64_t bytes[VIEWS_MAX];
	uint32_t count;
};

static double mib(uint64_t bytes)
{
	return (double)bytes / (1u << 20);
}

/* The view that a mapping is, or is a part of since its rights differ. */
static uint32_t view_of(const struct views *v, uint64_t start)
{
	uint32_t i = 0;

	while (i < v->count && start - v->start[i] >= ENFORCE_RAM)
		i++;
	return i;
}

/* Those of /proc/self/smaps; views that are known from before keep their place. */
static int look(struct views *v)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	uint32_t at = VIEWS_MAX;
	uint64_t start, kib;
	char line[512];

	memset(v->bytes, 0, sizeof(v->bytes));
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%" SCNx64 "-%*x %*4c", &start) == 1 &&
		    strstr(line, " kB") == NULL) {
			at = strstr(line, ENFORCE_FILE) == NULL ? VIEWS_MAX : view_of(v, start);
			if (at == v->count && at < VIEWS_MAX)
				v->start[v->count++] = start;
		} else if (at < VIEWS_MAX && sscanf(line, "ShmemPmdMapped: %" SCNu64, &kib) == 1) {
			v->bytes[at] += kib << 10;
		}
	}
	if (f != NULL)
		fclose(f);
	return f == NULL || v->count < 2 ? -1 : 0;
}

struct result {
	uint64_t denied, others; /* Bytes of huge pages after the first deny. */
	double far[ROUNDS_MAX], near[ROUNDS_MAX];
	double first[ROUNDS_MAX], next[ROUNDS_MAX]; /* Nanoseconds of a deny. */
	uint32_t rounds;
};

/* The view that maps least is the one in which a page is denied; and the least of the others. */
static void compare(const struct views *before, const struct views *after, struct result *r)
{
	r->denied = ENFORCE_RAM;
	r->others = ENFORCE_RAM;
	for (uint32_t i = 0; i < before->count; i++) {
		if (after->bytes[i] < r->denied) {
			r->others = r->denied;
			r->denied = after->bytes[i];
		} else if (after->bytes[i] < r->others) {
			r->others = after->bytes[i];
		}
	}
}

static int one_round(struct enforce_machine *m, struct result *r, uint32_t i)
{
	uint64_t page = ENFORCE_GPA + i * HUGE_PAGE, near = page + HUGE_PAGE / 2;
	uint64_t far_ns[2], near_ns[2];

	/* The second walk is the one that finds everything in place. */
	if (enforce_walk(m, FAR_GPA, FAR_PAGES, &far_ns[0]) != 0 ||
	    enforce_walk(m, FAR_GPA, FAR_PAGES, &far_ns[0]) != 0 ||
	    enforce_walk(m, near, NEAR_PAGES, &near_ns[0]) != 0 ||
	    enforce_walk(m, near, NEAR_PAGES, &near_ns[0]) != 0 ||
	    enforce_protect_one(m, 0, page) != 0)
		return -1;
	r->first[i] = (double)m->op_ns;
	if (enforce_walk(m, FAR_GPA, FAR_PAGES, &far_ns[1]) != 0 ||
	    enforce_walk(m, near, NEAR_PAGES, &near_ns[1]) != 0 ||
	    enforce_protect_one(m, 0, page + 8192) != 0)
		return -1;
	r->next[i] = (double)m->op_ns;
	r->far[i] = (double)far_ns[1] / (double)far_ns[0];
	r->near[i] = (double)near_ns[1] / (double)near_ns[0];
	return 0;
}

static int measure(struct enforce_machine *m, struct result *r)
{
	struct views before = { .count = 0 }, after;

	if (look(&before) != 0)
		return -1;
	after = before;
	for (uint32_t i = 0; i < r->rounds; i++) {
		if (one_round(m, r, i) != 0 || (i == 0 && look(&after) != 0))
			return -1;
		if (i == 0)
			compare(&before, &after, r);
	}
	return 0;
}

static void line(const char *name, const char *suffix, double value, const char *unit)
{
	char full[80];

	snprintf(full, sizeof(full), "%s_%s", name, suffix);
	bench_print(full, value, unit);
}

/* @return how many figures are missing. */
static int one(const struct vsm_kvm_enforcement *e, uint32_t rounds)
{
	struct enforce_machine *m = calloc(1, sizeof(*m));
	struct result r = { .rounds = rounds };
	int missing = 0;

	if (m == NULL)
		return bench_missing("huge_*", "no memory");
	if (enforce_open_huge(m, e->mechanism) != 0) {
		/* The host gives none: nothing is wrong, but there is nothing to measure. */
		missing = m->no_huge ? 0 : 1;
		bench_missing("huge_*", m->why);
	} else if (measure(m, &r) != 0) {
		missing = bench_missing("huge_*", m->why[0] == '\0' ? "/proc/self/smaps" : m->why);
	} else {
		line("huge_denied_view_mib", e->name, mib(r.denied), "MiB");
		line("huge_other_views_mib", e->name, mib(r.others), "MiB");
		line("huge_first_deny_us", e->name, bench_median(r.first, rounds) / 1000, "us");
		line("huge_next_deny_us", e->name, bench_median(r.next, rounds) / 1000, "us");
		line("huge_far_walk_ratio", e->name, bench_median(r.far, rounds), "ratio");
		line("huge_near_walk_ratio", e->name, bench_median(r.near, rounds), "ratio");
	}
	enforce_close(m);
	free(m);
	return missing;
}

int bench_huge(uint32_t repeat)
{
	struct vsm_kvm_enforcement e = { .size = sizeof(e) };
	uint32_t rounds = repeat < ROUNDS_MAX ? repeat : ROUNDS_MAX;
	int missing = 0;

	for (uint32_t i = 1; missing == 0 && vsm_kvm_enforcement(NULL, i, &e) == 0; i++) {
		if (e.available)
			missing = one(&e, rounds);
		else
			fprintf(stderr, "bench-vsm: huge_*_%s: %s\n", e.name, e.missing);
	}
	return missing;
}
