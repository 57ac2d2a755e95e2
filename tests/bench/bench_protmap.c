/* SPDX-License-Identifier: BSD-3-Clause */
/* Figures of the protection map, of 64 GiB of RAM, and of lists of pages up to the host. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vsm/vsm.h>

#include "bench.h"
#include "null_host.h"
#include "rival.h"

#define GIB_PAGES (1u << 18)
#define LOOKUPS	  4096u
#define SCATTERED 500u
#define LIST	  510u
#define GIBS	  16u
#define IN_GPA	  0x6000u

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 20;
}

/* The protection map as one of the rivals. */
static void *protmap_open(void)
{
	const struct vsm_range ram = { 0, (uint64_t)RIVAL_PAGES * HV_PAGE_SIZE };
	struct vsm_protmap *map;

	if (vsm_protmap_create(NULL, 1, &ram, 1, 256ull << 20, &map) != 0)
		return NULL;
	vsm_protmap_enable(map, 1, 1);
	return map;
}

static void protmap_close(void *map)
{
	vsm_protmap_destroy(map);
}

static int protmap_set(void *map, uint64_t page, uint64_t count, uint32_t mask)
{
	return vsm_protmap_set(map, 1, page * HV_PAGE_SIZE, count, mask);
}

static uint32_t protmap_get(void *map, uint64_t page)
{
	uint32_t rights = 0;

	vsm_protmap_rights(map, 0, page * HV_PAGE_SIZE, &rights);
	return rights;
}

static uint64_t protmap_bytes(void *map)
{
	return vsm_protmap_used(map);
}

static const struct rival protmap = { "protmap",   protmap_open, protmap_close,
				      protmap_set, protmap_get,	 protmap_bytes };

/* What was measured of one of them when so many percent of all pages are protected one by one. */
struct figures {
	double lookup, set_random, set_1gib, mib_per_tib;
};

static uint64_t malloced(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static int fill(const struct rival *rival, void *map, uint32_t percent, uint64_t *seed)
{
	static const uint32_t masks[] = { 0, 1, 3, 13 };
	uint64_t count = (uint64_t)RIVAL_PAGES * percent / 100;

	for (uint64_t i = 0; i < count; i++) {
		uint64_t random = next_random(seed);

		if (rival->set(map, random % RIVAL_PAGES, 1, masks[random >> 40 & 3]) != 0)
			return -1;
	}
	return 0;
}

static double measure_lookup(const struct rival *rival, void *map, uint32_t rounds, uint64_t *seed)
{
	static uint32_t pages[LOOKUPS];
	uint64_t best = UINT64_MAX;
	volatile uint32_t sink = 0;

	for (uint32_t round = 0; round < rounds; round++) {
		uint64_t begin, took;

		for (uint32_t i = 0; i < LOOKUPS; i++)
			pages[i] = (uint32_t)(next_random(seed) % RIVAL_PAGES);
		begin = bench_now();
		for (uint32_t i = 0; i < LOOKUPS; i++)
			sink = sink + rival->get(map, pages[i]);
		took = bench_now() - begin;
		best = took < best ? took : best;
	}
	return (double)best / LOOKUPS;
}

/* Pages anywhere get another mask; then, untimed, their old one. */
static double measure_random(const struct rival *rival, void *map, uint32_t rounds, uint64_t *seed)
{
	uint32_t page[SCATTERED], old[SCATTERED];
	uint64_t best = UINT64_MAX;

	for (uint32_t round = 0; round < rounds; round++) {
		uint64_t begin, took;

		for (uint32_t i = 0; i < SCATTERED; i++) {
			page[i] = (uint32_t)(next_random(seed) % RIVAL_PAGES);
			old[i] = rival->get(map, page[i]);
		}
		begin = bench_now();
		for (uint32_t i = 0; i < SCATTERED; i++)
			rival->set(map, page[i], 1, old[i] == 1 ? 3 : 1);
		took = bench_now() - begin;
		best = took < best ? took : best;
		for (uint32_t i = SCATTERED; i-- > 0;)
			rival->set(map, page[i], 1, old[i]);
	}
	return (double)best / SCATTERED;
}

static double measure_gib(const struct rival *rival, void *map)
{
	uint64_t best = UINT64_MAX;

	for (uint32_t i = 0; i < GIBS; i++) {
		uint64_t begin = bench_now(), took;

		rival->set(map, (uint64_t)i * GIB_PAGES, GIB_PAGES, 1);
		took = bench_now() - begin;
		best = took < best ? took : best;
	}
	return (double)best / GIB_PAGES;
}

static int measure(const struct rival *rival, uint32_t percent, uint32_t repeat, struct figures *f)
{
	uint64_t before = malloced();
	uint64_t seed = 0x9e3779b97f4a7c15ull;
	void *map = rival->open();
	uint64_t bytes;

	if (map == NULL || fill(rival, map, percent, &seed) != 0)
		return -1;
	bytes = rival->bytes != NULL ? rival->bytes(map) : malloced() - before;
	f->mib_per_tib = (double)bytes * 16 / (1 << 20);
	f->lookup = measure_lookup(rival, map, repeat * 50, &seed);
	f->set_random = measure_random(rival, map, repeat * 10, &seed);
	f->set_1gib = measure_gib(rival, map);
	rival->close(map);
	return 0;
}

static double largest(double a, double b, double c)
{
	double ab = a > b ? a : b;

	return ab > c ? ab : c;
}

static void print_of(const char *name, const char *what, double value, const char *unit)
{
	char line[64];

	snprintf(line, sizeof(line), "%s_%s", name, what);
	bench_print(line, value, unit);
}

/* The cheapest thing that could be done to a page: half a byte of a flat array. */
static void memset_floor(uint32_t repeat)
{
	size_t bytes = GIB_PAGES * (size_t)GIBS / 2;
	uint8_t *flat = malloc(bytes);
	uint64_t best = UINT64_MAX;

	for (uint32_t i = 0; flat != NULL && i < repeat * 10; i++) {
		uint64_t begin = bench_now(), took;

		memset(flat, (int)i & 0xff, bytes);
		__asm__ volatile("" : : "r"(flat) : "memory");
		took = bench_now() - begin;
		best = took < best ? took : best;
	}
	free(flat);
	bench_print("memset_floor_ns_per_page", (double)best / (GIB_PAGES * GIBS), "ns");
}

/* As VTL1, lists of pages all over RAM; two masks take turns, so that each page changes. */
static int list_calls(struct null_host *h, uint32_t repeat, double *ns)
{
	struct hv_input_modify_vtl_protection_mask in = { .target_partition_id =
								  HV_PARTITION_ID_SELF };
	uint64_t best = UINT64_MAX;
	uint64_t seed = 1;
	uint64_t gpn[LIST];

	for (uint32_t round = 0; round < repeat * 100; round++) {
		uint64_t begin, took;

		for (uint32_t i = 0; i < LIST && round % 2 == 0; i++)
			gpn[i] = (NULL_MORE_GPA + next_random(&seed) % NULL_MORE_BYTES) /
				 HV_PAGE_SIZE;
		in.map_flags = round % 2 == 0 ? 1 : 3;
		memcpy(h->ram + IN_GPA, &in, sizeof(in));
		memcpy(h->ram + IN_GPA + sizeof(in), gpn, sizeof(gpn));
		*null_gpr(h, 1, HV_X64_REGISTER_RCX) = HVCALL_MODIFY_VTL_PROTECTION_MASK |
						       (uint64_t)LIST
							       << HV_HYPERCALL_REP_COUNT_SHIFT;
		*null_gpr(h, 1, HV_X64_REGISTER_RDX) = IN_GPA;
		*null_gpr(h, 1, HV_X64_REGISTER_R8) = 0;
		begin = bench_now();
		if (null_trap(h) != VSM_VERDICT_RESUME)
			return -1;
		took = bench_now() - begin;
		if ((*null_gpr(h, 1, HV_X64_REGISTER_RAX) & 0xffff) != HV_STATUS_SUCCESS)
			return -1;
		best = took < best ? took : best;
	}
	*ns = (double)best / LIST;
	return h->protected_ranges >= LIST * (uint64_t)repeat * 90 ? 0 : -1;
}

static int hypercall_figure(uint32_t repeat)
{
	static const char name[] = "protect_hypercall_510_ns_per_page";
	struct null_host *h = malloc(sizeof(*h));
	const char *why;
	double ns;

	if (h == NULL)
		return bench_missing(name, "no memory");
	why = null_host_open(h, NULL_REPLICATED);
	if (why == NULL)
		why = null_host_protect(h);
	if (why == NULL && list_calls(h, repeat, &ns) != 0)
		why = "the library gave another verdict than it should";
	if (why == NULL)
		bench_print(name, ns, "ns");
	null_host_close(h);
	free(h);
	return why != NULL ? bench_missing(name, why) : 0;
}

int bench_protmap(uint32_t repeat)
{
	struct figures f[3];

	if (measure(&protmap, 0, repeat, &f[0]) != 0 || measure(&protmap, 1, repeat, &f[1]) != 0 ||
	    measure(&protmap, 50, repeat, &f[2]) != 0)
		return bench_missing("protmap_lookup_ns", "no memory") + 6;
	memset_floor(repeat);
	bench_print("protmap_lookup_ns", f[1].lookup, "ns");
	bench_print("protmap_set_random_ns_per_page",
		    largest(f[0].set_random, f[1].set_random, f[2].set_random), "ns");
	bench_print("protmap_set_1gib_ns_per_page",
		    largest(f[0].set_1gib, f[1].set_1gib, f[2].set_1gib), "ns");
	bench_print("protmap_mib_per_tib_0", f[0].mib_per_tib, "MiB");
	bench_print("protmap_mib_per_tib_1", f[1].mib_per_tib, "MiB");
	bench_print("protmap_mib_per_tib_50", f[2].mib_per_tib, "MiB");
	return hypercall_figure(repeat);
}

/* The same of what else one could take, at one percent. */
void bench_rivals(uint32_t repeat)
{
	static const struct rival *const rivals[] = {
		&rival_radix,
#ifdef HAVE_CPLUSPLUS
		&rival_stdmap,
#endif
#ifdef HAVE_GLIB
		&rival_gtree,
#endif
	};

	for (size_t i = 0; i < sizeof(rivals) / sizeof(rivals[0]); i++) {
		struct figures f;

		if (measure(rivals[i], 1, repeat, &f) != 0) {
			bench_missing(rivals[i]->name, "no memory");
			continue;
		}
		print_of(rivals[i]->name, "lookup_ns", f.lookup, "ns");
		print_of(rivals[i]->name, "set_random_ns_per_page", f.set_random, "ns");
		print_of(rivals[i]->name, "set_1gib_ns_per_page", f.set_1gib, "ns");
		print_of(rivals[i]->name, "mib_per_tib_1", f.mib_per_tib, "MiB");
	}
#ifndef HAVE_CPLUSPLUS
	bench_missing("stdmap_lookup_ns", "built without a C++ compiler");
#endif
#ifndef HAVE_GLIB
	bench_missing("gtree_lookup_ns", "built without GLib (libglib2.0-dev)");
#endif
}
