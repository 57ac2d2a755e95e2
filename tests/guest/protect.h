/* SPDX-License-Identifier: BSD-3-Clause */
/* What the two VTLs of the guests `protect` and `storm` agree on. */
#ifndef PROTECT_H
#define PROTECT_H

#include "lib/hv.h"
#include "lib/vtl.h"

/* What VTL0 wants, in RDX of a VTL call. RDX of the return: see below. */
#define PROTECT_START \
	1 /* protection on, default mask RSI; the image is granted if that is not all */
#define PROTECT_LIST	   2 /* R8 pages from RSI, R9 apart, get rights RDI; element R10 is bad */
#define PROTECT_POLICY	   3 /* what to do with intercepts: RSI; RDI to go on at */
#define PROTECT_PEEK	   4 /* the word at RSI, as VTL1 sees it, in RDX */
#define PROTECT_POKE	   5 /* the word at RSI becomes RDI */
#define PROTECT_DONE	   0x600d
/* VsmPartitionConfig, and the HV status when it is to become RSI; both in RDX. */
#define PROTECT_CONFIG	   9
#define PROTECT_SET_CONFIG 10

/* For `storm`: RDX of the return counts what succeeded. */
#define PROTECT_STORM_SINGLES 6 /* RSI hypercalls of one page */
#define PROTECT_STORM_LISTS   7 /* RSI hypercalls of 510 scattered pages */
#define PROTECT_STORM_GRANT   8 /* all of it */
#define STORM_BASE	      0x4000000u
#define STORM_PAGES	      16384u
#define STORM_LIST	      510u
#define STORM_LIST_STEP	      31u

/* Elements that are bad: none. */
#define PROTECT_NO_BAD 0xffff

/* PROTECT_POLICY: */
#define POLICY_NONE  0 /* there must be none */
#define POLICY_SKIP  1 /* the instruction is not executed: VTL0 goes on at RDI */
#define POLICY_GRANT 2 /* the page is granted; the instruction is executed again */

/* The last intercept. */
struct protect_seen {
	uint32_t count; /* since the last PROTECT_POLICY */
	uint32_t access;
	uint32_t cpl;
	uint32_t length;
	uint32_t byte_count;
	uint32_t flags; /* memory_access_info */
	uint64_t gpa;
	uint64_t gva;
	uint64_t rip;
	uint8_t bytes[16];
};

/* First page of list i; even lists take write away, odd ones give all. */
static inline uint32_t storm_list_start(uint32_t i)
{
	return i * 4999u % STORM_PAGES / 32;
}

/* VTL1's part (protect_vtl1.c). */
void protect_vtl1_context(struct hv_initial_vp_context *c);
const volatile struct protect_seen *protect_seen(void);
/* What VTL1 remembers of the rights that it gave. */
extern uint8_t protect_storm_rights[STORM_PAGES];

/* VTL0's calls (protect_calls.c). They panic where there is nothing to test any more. */
extern struct guest_hv protect_hv;
void protect_enable(uint8_t flags); /* HV_ENABLE_PARTITION_VTL_* */
uint64_t protect_call(uint64_t what, uint64_t rsi, uint64_t rdi, uint64_t r8, uint64_t r9,
		      uint64_t r10);
/* Rights of `count` pages, `step` pages apart, in one hypercall; its result value. */
uint64_t protect_list(uint64_t gpa, uint32_t rights, uint32_t count, uint32_t step, uint32_t bad);
void protect_page(const void *page, uint32_t rights);
void protect_policy(uint32_t policy, const void *resume);

#endif
