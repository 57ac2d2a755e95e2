/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a guest with VSM does at boot: page protections by the ten thousand. 100,000 hypercalls of
 * one page, 1,000 of 510 scattered pages, then all is granted; "short" on the command line: a
 * twentieth. After each part pages are tried out against what VTL1 remembers of them.
 */
#include "protect.h"

#include "lib/cpu.h"

#define SINGLES 100000u
#define LISTS	1000u
#define SHORT	20u
#define SAMPLES 24u
#define STEP	683u /* between samples, in pages */

#define ACCESS(name)                                          \
	uint64_t access_##name(uint64_t address, uint64_t v); \
	extern const char access_##name##_next[];
ACCESS(read)
ACCESS(write)

static int is_denied(guest_fn *fn, const void *resume, uint64_t address)
{
	protect_policy(POLICY_SKIP, resume);
	guest_user_call(&guest_boot_context.cpu, fn, address, 1);
	return protect_seen()->count == 1;
}

/* The last page of the list that is i lists before the last one. */
static uint32_t end_of_list(uint32_t lists, uint32_t i)
{
	return storm_list_start(lists - 1 - i) + (STORM_LIST - 1) * STORM_LIST_STEP;
}

/* `mixed`: of the pages that are tried out some are denied and some are not. */
static void try_out(uint32_t lists, int mixed, const char *what)
{
	uint32_t failed = guest_failures(), denied = 0;

	for (uint32_t i = 0; i < SAMPLES; i++) {
		/* Ends of lists are where a list could be cut. */
		uint32_t page = lists && i % 2 ? end_of_list(lists, i) : i * STEP % STORM_PAGES;
		uint64_t address = STORM_BASE + (uint64_t)page * HV_PAGE_SIZE + 8;
		uint8_t rights = protect_storm_rights[page];
		int no_write = is_denied(access_write, access_write_next, address);

		denied += (uint32_t)no_write;
		guest_count(no_write == !(rights & HV_MAP_GPA_WRITABLE));
		guest_count(is_denied(access_read, access_read_next, address) ==
			    !(rights & HV_MAP_GPA_READABLE));
	}
	guest_check(failed == guest_failures(), what);
	guest_count(mixed ? denied > 0 && denied < SAMPLES : denied == 0);
	guest_print("  %u of %u pages that were tried out may not be written\n", denied, SAMPLES);
}

static int is_short(void)
{
	const char *line = guest_cmdline(), *word = "short";
	uint32_t n = 0;

	for (; *line && word[n]; line++)
		n = *line == word[n] ? n + 1 : 0;
	return word[n] == 0;
}

uint32_t guest_main(void)
{
	uint32_t part = is_short() ? SHORT : 1;
	uint64_t done;

	protect_enable(0);
	protect_call(PROTECT_START, HV_MAP_GPA_PERMISSIONS_MASK, 0, 0, 0, 0);
	done = protect_call(PROTECT_STORM_SINGLES, SINGLES / part, 0, 0, 0, 0);
	guest_print("%lu of %u hypercalls of one page succeeded\n", done, SINGLES / part);
	guest_check(done == SINGLES / part, "each of them");
	try_out(0, 1, "single pages have the rights that they got last");
	done = protect_call(PROTECT_STORM_LISTS, LISTS / part, 0, 0, 0, 0);
	guest_print("%lu of %u pages in %u lists succeeded\n", done, LISTS / part * STORM_LIST,
		    LISTS / part);
	guest_check(done == LISTS / part * STORM_LIST, "each of them");
	try_out(LISTS / part, 1, "pages in lists have the rights that they got last");
	done = protect_call(PROTECT_STORM_GRANT, 0, 0, 0, 0, 0);
	guest_check(done == STORM_PAGES, "all pages are granted");
	try_out(LISTS / part, 0, "all pages can be read and written");
	guest_print("storm: %u calls, %u lists, %u checks, %u failed\n", SINGLES / part,
		    LISTS / part, guest_checks(), guest_failures());
	return guest_failures() != 0;
}
