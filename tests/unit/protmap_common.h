/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of the protection map share: a map of three ranges, and a counting allocator. */
#ifndef PROTMAP_COMMON_H
#define PROTMAP_COMMON_H

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <vsm/error.h>
#include <vsm/hv.h>
#include <vsm/protect.h>

#include "vsmtest.h"

#define PAGE 4096ull
#define R    HV_MAP_GPA_READABLE
#define W    HV_MAP_GPA_WRITABLE
#define KX   HV_MAP_GPA_KERNEL_EXECUTABLE
#define UX   HV_MAP_GPA_USER_EXECUTABLE
#define ALL  VSM_RIGHTS_ALL

/* 16 pages at 0, a hole, 8 pages at 1 MiB, and 4 pages that adjoin them. */
#define LOW_PAGES  16u
#define MID_GPA	   0x100000ull
#define MID_PAGES  8u
#define HIGH_GPA   (MID_GPA + MID_PAGES * PAGE)
#define HIGH_PAGES 4u

#define PLENTY (1ull << 20)

static const struct vsm_range ram[] = {
	{ .gpa = MID_GPA, .size = MID_PAGES * PAGE },
	{ .gpa = 0, .size = LOW_PAGES * PAGE },
	{ .gpa = HIGH_GPA, .size = HIGH_PAGES * PAGE },
};
#define RAM_RANGES ((uint32_t)(sizeof(ram) / sizeof(ram[0])))

static inline struct vsm_protmap *new_map(uint32_t max_vtl)
{
	struct vsm_protmap *map = NULL;

	ck_assert_int_eq(vsm_protmap_create(NULL, max_vtl, ram, RAM_RANGES, PLENTY, &map), 0);
	ck_assert_ptr_nonnull(map);
	return map;
}

/* Counts, and fails the allocation number `fail_at`. */
struct counter {
	uint32_t allocs;
	uint32_t frees;
	uint32_t fail_at; /* 0: never; 1: the first */
	size_t size; /* of the last allocation */
	void *ptr;
	int mismatch; /* a free that does not match its allocation */
};

static inline void *counter_alloc(void *opaque, size_t size)
{
	struct counter *counter = opaque;

	counter->allocs++;
	counter->size = size;
	if (counter->allocs == counter->fail_at)
		return NULL;
	counter->ptr = calloc(1, size);
	return counter->ptr;
}

static inline void counter_free(void *opaque, void *ptr, size_t size)
{
	struct counter *counter = opaque;

	counter->frees++;
	if (!ptr || ptr != counter->ptr || size != counter->size)
		counter->mismatch = 1;
	free(ptr);
}

static inline struct vsm_allocator counting(struct counter *counter)
{
	struct vsm_allocator allocator = { counter, counter_alloc, counter_free };

	memset(counter, 0, sizeof(*counter));
	return allocator;
}

static inline uint32_t rights_of(const struct vsm_protmap *map, uint32_t vtl, uint64_t gpa)
{
	uint32_t rights = 0xa5;

	ck_assert_int_eq(vsm_protmap_rights(map, vtl, gpa, &rights), 0);
	return rights;
}

/* Mask of a page, with 0x100 added if it was set explicitly. */
#define EXPLICIT 0x100u
static inline uint32_t entry_of(const struct vsm_protmap *map, uint32_t vtl, uint64_t gpa)
{
	uint32_t mask = 0xa5;
	uint32_t is_explicit = 0xa5;

	ck_assert_int_eq(vsm_protmap_get(map, vtl, gpa, &mask, &is_explicit), 0);
	ck_assert_uint_le(mask, ALL);
	ck_assert_uint_le(is_explicit, 1);
	return mask | (is_explicit ? EXPLICIT : 0);
}

#endif
