/* SPDX-License-Identifier: BSD-3-Clause */
/* What the two VTLs of the demo guest agree on. */
#ifndef DEMO_H
#define DEMO_H

#include "lib/hv.h"
#include "lib/vtl.h"

/* What VTL0 wants, in RDX of a VTL call; RSI, RDI, R8 and R9 are arguments. */
#define DEMO_START   1 /* VTL1 looks around and sets itself up */
#define DEMO_ADD     2 /* RDX = RSI + RDI */
#define DEMO_LOOK    3 /* VTL1 looks whether its registers are as it left them */
#define DEMO_DENY    4 /* page RSI gets rights RDI; access R8 from CPL R9 is expected */
#define DEMO_CONFIRM 5 /* the first word at DEMO_OFFSET of page RSI is RDI */
#define DEMO_DONE    0x600d /* what VTL1 answers in RDX */

/* Which word of the protected page is used. */
#define DEMO_OFFSET 0x128

/* What each VTL finds in the word: VTL1 writes the first, VTL0 the second. */
#define DEMO_SECRET 0x5ec2e75ec2e75ec2ull
#define DEMO_UPDATE 0x0bdafe0bdafe0bdaull

/* Shared registers: VTL0's values at a call and VTL1's at the return. */
#define DEMO_VTL0_GPR(n) (0xa000000000000000ull + (n))
#define DEMO_VTL1_GPR(n) (0xb000000000000000ull + (n))
#define DEMO_VTL0_CR2	 0x0000000011110000ull
#define DEMO_VTL1_CR2	 0x0000000022220000ull
#define DEMO_VTL0_XMM	 0xa5a5000011112222ull
#define DEMO_VTL1_XMM	 0x5a5a000033334444ull

/* RAX and RCX after a normal return are what VTL1 wrote into its VP assist page. */
#define DEMO_RETURN_RAX 0x7e7e7e7e00000001ull
#define DEMO_RETURN_RCX 0x7e7e7e7e00000002ull

/* Private registers: each VTL keeps its own. */
struct demo_private {
	uint64_t cr3, gdtr, idtr, efer, fs_base, gs_base, star, lstar, cr8;
};

void demo_read_private(struct demo_private *p);
/* One check a line; `who` and `what` go into the text. */
void demo_compare_private(const struct demo_private *got, const struct demo_private *want,
			  const char *who, const char *what);
void demo_check(int condition, const char *who, const char *text);

/* VTL1's part (demo_vtl1.c). Its pages lie in memory that VTL0 can reach: a demo, no fortress. */
void demo_vtl1_context(struct hv_initial_vp_context *c);
uint32_t demo_vtl1_intercepts(void);

#endif
