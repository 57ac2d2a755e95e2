/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VTL call and return with every shared register under control: TLFS 15.11 shares the general
 * registers but RSP, so that both sides save and load them by hand.
 */
#ifndef GUEST_VTL_H
#define GUEST_VTL_H

#include <stdint.h>

#include <vsm/hv.h>

/* Offsets are known to vtl.S. */
struct vtl_gprs {
	uint64_t rax, rcx, rdx, rbx, rbp, rsi, rdi;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
};

/*
 * Loads the registers (RAX and RCX are the call's own), calls `stub`, the VTL call of the hypercall
 * page, and stores all of them as VTL1 left them.
 */
void vtl_call(struct vtl_gprs *regs, const void *stub);

/*
 * Where VTL1 starts. At each entry it calls vtl1_handle() with the registers as it found them, then
 * loads what that left in them and returns: RCX is the control input of the return, RAX is the
 * stub's. vtl1_handle() gives the stub for VTL return in the hypercall page.
 */
void vtl1_entry(void);
const void *vtl1_handle(struct vtl_gprs *regs);

/* VTL1 was entered by an intercept and gives VTL0 all of its registers back. RAX and RCX are shared
 * and the stub changes them: a return that is not fast takes them from the assist page. */
static inline void vtl1_resume_vtl0(struct hv_vp_assist_page *assist, struct vtl_gprs *regs)
{
	assist->vtl_control.vtl_return_x64_rax = regs->rax;
	assist->vtl_control.vtl_return_x64_rcx = regs->rcx;
	regs->rcx = 0;
}

#endif
