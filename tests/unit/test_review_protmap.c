/* SPDX-License-Identifier: BSD-3-Clause */
/* What a reader of the protection map finds while a writer is between two of its stores. */
#include <signal.h>
#include <sys/mman.h>

#include "protmap_common.h"
#include "protmap_leaf.h"

#define GIB_PAGES (1u << BLOCK_SHIFT)
#define NONE	  PROTMAP_EXPLICIT
#define OPEN	  (PROTMAP_EXPLICIT | ALL)

/* The words of the regions of 1 GiB, which are a page of their own; its reader stops there. */
static void *regions;
static struct protmap_block *block;
static volatile sig_atomic_t stops;

/* The writer gives the whole block one code, and has not yet said that the regions are out of
 * use. */
static void first_store_of_a_fill(int number)
{
	(void)number;
	stops++;
	mprotect(regions, PAGE, PROT_READ | PROT_WRITE);
	word_store(&block->word, word_make(LEAF_UNIFORM, NONE, 0, 0));
}

START_TEST(a_run_is_no_longer_than_the_word_it_was_read_from)
{
	struct sigaction action = { .sa_handler = first_store_of_a_fill };
	const struct vsm_range gib = { .gpa = 0, .size = GIB_PAGES * PAGE };
	struct vsm_protmap *map = NULL;
	struct protmap_range range;
	uint64_t end = 0;

	/* No access but in the first 2 MiB. */
	ck_assert_int_eq(vsm_protmap_create(NULL, 1, &gib, 1, PLENTY, &map), 0);
	ck_assert_int_eq(vsm_protmap_set(map, 1, 0, GIB_PAGES, 0), 0);
	ck_assert_int_eq(vsm_protmap_set(map, 1, 0, REGION_PAGES, ALL), 0);
	range = *protmap_range_of(map, 0);
	ck_assert_uint_eq(range.region_count * sizeof(*range.regions), PAGE);
	regions = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert(regions != MAP_FAILED);
	memcpy(regions, (const void *)range.regions, PAGE);
	range.regions = regions;
	block = block_at(&range, 1, 0);
	ck_assert_int_eq(sigaction(SIGSEGV, &action, NULL), 0);
	ck_assert_int_eq(mprotect(regions, PAGE, PROT_NONE), 0);
	ck_assert_uint_eq(protmap_span(&range, 1, 0, &end), OPEN);
	ck_assert_int_eq(stops, 1);
	ck_assert_uint_eq(end, REGION_PAGES);
	/* Who comes later finds the block. */
	ck_assert_uint_eq(protmap_span(&range, 1, 0, &end), NONE);
	ck_assert_uint_eq(end, GIB_PAGES);
	signal(SIGSEGV, SIG_DFL);
	munmap(regions, PAGE);
	vsm_protmap_destroy(map);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, a_run_is_no_longer_than_the_word_it_was_read_from);
}

int main(void)
{
	return vsmtest_suite("review_protmap", add_tests);
}
