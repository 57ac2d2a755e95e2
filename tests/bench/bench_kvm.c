/* SPDX-License-Identifier: BSD-3-Clause */
/* Figures of KVM. Batches of all kinds take turns, so that what disturbs one disturbs its
 * rivals. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "kvm_trips.h"

#define BATCH_TRIPS 25u
#define ROUNDS	    30u /* For each repetition. */
#define WARM_UP	    1000u

enum kind {
	FLOOR,
	BARE,
	EXACT,
	DIRTY_FLOOR,
	DIRTY_EXACT,
	SWAPPED,
	KINDS
};

enum {
	TRIPS, /* libvsm-kvm */
	PLAIN, /* a floor */
	EXCHANGE /* one vCPU for both VTLs */
};

/* The guest changes XMM0 in each VTL, or it does not. The floors have no carry. */
static const struct {
	uint32_t how;
	uint32_t dirty;
	uint32_t carry;
} kinds[KINDS] = {
	[FLOOR] = { PLAIN, 0, 0 },
	[BARE] = { TRIPS, 0, 0 },
	[EXACT] = { TRIPS, 0, VSM_KVM_CARRY_DEFAULT },
	[DIRTY_FLOOR] = { PLAIN, 1, 0 },
	[DIRTY_EXACT] = { TRIPS, 1, VSM_KVM_CARRY_DEFAULT },
	[SWAPPED] = { EXCHANGE, 0, 0 },
};

struct rival {
	struct kvm_floor floor;
	struct kvm_trips trips;
	struct kvm_swapped swapped;
	const char *why; /* Why it cannot be measured, or NULL. */
	double *ns; /* One trip, for each round. */
	uint32_t is_open;
};

struct bench {
	struct rival rival[KINDS];
	double *scratch;
	uint32_t rounds;
	uint64_t ioctls; /* Of all batches of BARE. */
};

static void run(struct bench *b, uint32_t kind, uint32_t trips)
{
	struct rival *v = &b->rival[kind];

	if (kinds[kind].how == PLAIN) {
		if (kvm_floor_run(&v->floor, trips) != 0)
			v->why = v->floor.why;
	} else if (kinds[kind].how == EXCHANGE) {
		if (kvm_swapped_run(&v->swapped, trips) != 0)
			v->why = v->swapped.why;
	} else if (kvm_trips_run(&v->trips, trips) != 0) {
		v->why = v->trips.why;
	}
}

static void open_trips(struct bench *b, uint32_t kind)
{
	struct rival *v = &b->rival[kind];

	v->is_open = 1;
	if (kvm_trips_open(&v->trips, kinds[kind].carry, kinds[kind].dirty) != 0)
		v->why = v->trips.why;
}

/* A floor takes its registers and its code from BARE, and so does SWAPPED. */
static void open_floor(struct bench *b, uint32_t kind)
{
	struct rival *v = &b->rival[kind];

	v->why = b->rival[BARE].why;
	if (v->why != NULL)
		return;
	v->is_open = 1;
	if (kinds[kind].how == EXCHANGE) {
		if (kvm_swapped_open(&v->swapped, &b->rival[BARE].trips) != 0)
			v->why = v->swapped.why;
	} else if (kvm_floor_open(&v->floor, &b->rival[BARE].trips, kinds[kind].dirty) != 0)
		v->why = v->floor.why;
}

static void open_all(struct bench *b)
{
	for (uint32_t kind = 0; kind < KINDS; kind++) {
		if (kinds[kind].how == TRIPS)
			open_trips(b, kind);
	}
	for (uint32_t kind = 0; kind < KINDS; kind++) {
		if (kinds[kind].how != TRIPS)
			open_floor(b, kind);
	}
}

static void close_all(struct bench *b)
{
	for (uint32_t kind = 0; kind < KINDS; kind++) {
		if (!b->rival[kind].is_open)
			continue;
		if (kinds[kind].how == PLAIN)
			kvm_floor_close(&b->rival[kind].floor);
		else if (kinds[kind].how == EXCHANGE)
			kvm_swapped_close(&b->rival[kind].swapped);
		else
			kvm_trips_close(&b->rival[kind].trips);
	}
}

static void measure(struct bench *b, uint32_t kind, uint32_t round)
{
	uint64_t ioctls, begin;

	if (b->rival[kind].why != NULL)
		return;
	ioctls = kvm_trips_ioctls(&b->rival[BARE].trips);
	begin = bench_now();
	run(b, kind, BATCH_TRIPS);
	b->rival[kind].ns[round] = (double)(bench_now() - begin) / BATCH_TRIPS;
	if (kind == BARE)
		b->ioctls += kvm_trips_ioctls(&b->rival[BARE].trips) - ioctls;
}

static void measure_all(struct bench *b)
{
	for (uint32_t kind = 0; kind < KINDS; kind++) {
		if (b->rival[kind].why == NULL)
			run(b, kind, WARM_UP);
	}
	for (uint32_t round = 0; round < b->rounds; round++) {
		/* Forth and back, so that none is always the first. */
		for (uint32_t n = 0; n < KINDS; n++)
			measure(b, round % 2 == 0 ? n : KINDS - 1 - n, round);
	}
}

static int print_ns(struct bench *b, const char *name, uint32_t kind)
{
	if (b->rival[kind].why != NULL)
		return bench_missing(name, b->rival[kind].why);
	memcpy(b->scratch, b->rival[kind].ns, b->rounds * sizeof(*b->scratch));
	bench_print(name, bench_median(b->scratch, b->rounds), "ns");
	return 0;
}

static int print_ratio(struct bench *b, const char *name, uint32_t kind, uint32_t floor)
{
	if (b->rival[kind].why != NULL || b->rival[floor].why != NULL)
		return bench_missing(name, b->rival[b->rival[kind].why != NULL ? kind : floor].why);
	for (uint32_t i = 0; i < b->rounds; i++)
		b->scratch[i] = b->rival[kind].ns[i] / b->rival[floor].ns[i];
	bench_print(name, bench_median(b->scratch, b->rounds), "ratio");
	return 0;
}

static int print_ioctls(const struct bench *b, const char *name)
{
	if (b->rival[BARE].why != NULL)
		return bench_missing(name, b->rival[BARE].why);
	bench_print(name, (double)b->ioctls / (b->rounds * BATCH_TRIPS), "ioctls");
	return 0;
}

static int print_switch_ioctls(const struct bench *b, const char *name)
{
	const struct rival *v = &b->rival[SWAPPED];

	if (v->why != NULL)
		return bench_missing(name, v->why);
	bench_print(name, (double)v->swapped.ioctls / (double)v->swapped.switches, "ioctls");
	return 0;
}

int bench_kvm(uint32_t repeat)
{
	struct bench b;
	int missing;

	memset(&b, 0, sizeof(b));
	b.rounds = repeat * ROUNDS;
	b.scratch = calloc((size_t)b.rounds * (KINDS + 1), sizeof(*b.scratch));
	if (b.scratch == NULL)
		return bench_missing("kvm_*", "no memory");
	for (uint32_t kind = 0; kind < KINDS; kind++)
		b.rival[kind].ns = b.scratch + (size_t)(kind + 1) * b.rounds;
	open_all(&b);
	measure_all(&b);
	missing = print_ns(&b, "kvm_two_exit_floor_ns", FLOOR);
	missing += print_ns(&b, "kvm_vtl_roundtrip_ns", BARE);
	missing += print_ratio(&b, "kvm_roundtrip_ratio", BARE, FLOOR);
	missing += print_ratio(&b, "kvm_roundtrip_exact_ratio", EXACT, FLOOR);
	missing += print_ratio(&b, "kvm_roundtrip_exact_dirty_ratio", DIRTY_EXACT, DIRTY_FLOOR);
	missing += print_ioctls(&b, "kvm_ioctls_per_roundtrip");
	missing += print_switch_ioctls(&b, "kvm_private_save_load_ioctls");
	missing += print_ratio(&b, "kvm_private_save_load_ratio", SWAPPED, FLOOR);
	close_all(&b);
	free(b.scratch);
	return missing;
}

static int mark(const char *text)
{
	size_t size = strlen(text);

	return write(STDOUT_FILENO, text, size) == (ssize_t)size ? 0 : -1;
}

int bench_kvm_trips(uint32_t trips)
{
	struct kvm_trips t;
	int r = kvm_trips_open(&t, 0, 0);

	if (r == 0)
		r = mark("kvm-trips begin\n");
	if (r == 0)
		r = kvm_trips_run(&t, trips);
	if (r == 0)
		r = mark("kvm-trips end\n");
	if (r != 0)
		fprintf(stderr, "bench-vsm: --kvm-trips: %s\n",
			t.why[0] != '\0' ? t.why : "standard output cannot be written");
	kvm_trips_close(&t);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
