/* SPDX-License-Identifier: BSD-3-Clause */
/* Who may touch which page: the example of vsm/protect.h as a program that has nothing else. */
#include <stdio.h>
#include <string.h>

#include <vsm/protect.h>

static int failed(const char *what)
{
	printf("alone-protmap: %s\n", what);
	return 1;
}

static int example(void)
{
	const struct vsm_range ram = { .gpa = 0, .size = 64 << 20 };
	struct vsm_protmap *map;
	uint32_t rights;

	if (vsm_protmap_create(NULL, 1, &ram, 1, 1 << 20, &map) != 0)
		return failed("no map");
	vsm_protmap_enable(map, 1, 1);
	vsm_protmap_set(map, 1, 0x5000, 1, HV_MAP_GPA_READABLE);
	vsm_protmap_rights(map, 0, 0x5000, &rights);
	if (rights != HV_MAP_GPA_READABLE)
		return failed("VTL0 has other rights than VTL1 left it");
	vsm_protmap_destroy(map);

	return 0;
}

/* Memory of the caller's own, so that a program needs no heap. */
static struct {
	uint64_t words[0x8000];
	size_t given;
	int live;
} arena;

static void *arena_alloc(void *opaque, size_t size)
{
	size_t words = (size + 7) / 8;
	void *at = &arena.words[arena.given];

	(void)opaque;
	if (words > sizeof(arena.words) / 8 - arena.given)
		return NULL;
	arena.given += words;
	arena.live++;
	return at;
}

static void arena_free(void *opaque, void *ptr, size_t size)
{
	(void)opaque;
	memset(ptr, 0, size);
	arena.live--;
}

static int own_memory(void)
{
	const struct vsm_allocator allocator = { .alloc = arena_alloc, .free = arena_free };
	const struct vsm_range ram = { .gpa = 1ull << 32, .size = 16 << 20 };
	struct vsm_protmap *map = NULL;
	struct vsm_range run;
	uint32_t rights;

	if (vsm_protmap_create(&allocator, 2, &ram, 1, 1 << 20, &map) != 0 || arena.live == 0)
		return failed("no map in the arena");
	if (vsm_protmap_enable(map, 2, 1) != 0 || vsm_protmap_default_set(map, 2, 0) != 0)
		return failed("the default of VTL2 is refused");
	if (vsm_protmap_denier(map, 1, ram.gpa, HV_MAP_GPA_READABLE) != 2)
		return failed("it is not VTL2 who denies");
	if (vsm_protmap_next(map, 1, 0, &run, &rights) != 0 || rights != 0 || run.gpa != ram.gpa ||
	    run.size != ram.size)
		return failed("the map is not one run of nothing");
	if (vsm_protmap_set(map, 2, ram.gpa + ram.size - 4096, 2, 0) == 0)
		return failed("a page beyond RAM is set");
	vsm_protmap_destroy(map);
	return arena.live == 0 ? 0 : failed("memory is left");
}

int main(void)
{
	if (example() != 0 || own_memory() != 0)
		return 1;
	puts("alone-protmap: ok");
	return 0;
}
