/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest that does nothing but VTL round trips. Some hosts interpret code of a kernel, so a loop has
 * no instruction that it does not need: the trap stands in it, instead of a call into the hypercall
 * page, and VTL0 gets RAX and RCX of the next call from the assist page of VTL1. If RBX is not 0
 * each VTL changes XMM0 before it leaves.
 */
#include "kvm_guest.h"

/* TLFS App. A, B */
#define ENABLE_PARTITION_VTL 0x0d
#define ENABLE_VP_VTL	     0x0f
#define VTL_CALL	     0x11
#define VTL_RETURN	     0x12
#define MSR_GUEST_OS_ID	     0x40000000
#define MSR_HYPERCALL	     0x40000001
#define MSR_VP_ASSIST_PAGE   0x40000073
#define MSR_SIMP	     0x40000083

.macro write_msr msr, value
	movl	$\msr, %ecx
	movl	$\value, %eax
	xorl	%edx, %edx
	wrmsr
.endm

.macro enable_pages
	write_msr MSR_GUEST_OS_ID, 1
	write_msr MSR_HYPERCALL, GUEST_HYPERCALL + 1
	write_msr MSR_VP_ASSIST_PAGE, GUEST_ASSIST + 1
	write_msr MSR_SIMP, GUEST_SIMP + 1
.endm

/* A simple call in memory. A guest that was refused halts. */
.macro hypercall code, input
	movl	$\code, %ecx
	movl	$\input, %edx
	xorl	%r8d, %r8d
	outb	%al, $GUEST_TRAP_PORT
	testq	%rax, %rax
	jnz	refused
.endm

.macro label name
	.globl	\name
	.hidden	\name
\name:
.endm

	.section .rodata
	.code64

label guest_code
	enable_pages
	hypercall ENABLE_PARTITION_VTL, GUEST_IN_PARTITION
	hypercall ENABLE_VP_VTL, GUEST_IN_VP
	movl	$VTL_CALL, %ecx
	xorl	%eax, %eax
	testl	%ebx, %ebx
	jnz	guest_code_vtl0_dirty
label guest_code_vtl0_loop
	outb	%al, $GUEST_TRAP_PORT
	jmp	guest_code_vtl0_loop
label guest_code_vtl0_dirty
	movdqu	GUEST_CODE, %xmm0
	outb	%al, $GUEST_TRAP_PORT
	jmp	guest_code_vtl0_dirty

refused:
	hlt
	jmp	refused

label guest_code_vtl1
	enable_pages
	movq	$0, GUEST_ASSIST + GUEST_ASSIST_RAX
	movq	$VTL_CALL, GUEST_ASSIST + GUEST_ASSIST_RCX
	xorl	%eax, %eax
	testl	%ebx, %ebx
	jnz	guest_code_vtl1_dirty
label guest_code_vtl1_loop
	movl	$VTL_RETURN, %ecx
	outb	%al, $GUEST_TRAP_PORT
	jmp	guest_code_vtl1_loop
label guest_code_vtl1_dirty
	movdqu	GUEST_CODE + 16, %xmm0
	movl	$VTL_RETURN, %ecx
	outb	%al, $GUEST_TRAP_PORT
	jmp	guest_code_vtl1_dirty
label guest_code_end

	.section .note.GNU-stack, "", @progbits
