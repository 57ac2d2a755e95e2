/* SPDX-License-Identifier: BSD-3-Clause */
/* See vtl.h. */

	.macro store_gprs base
	mov %rax, 0(\base)
	mov %rcx, 8(\base)
	mov %rdx, 16(\base)
	mov %rbx, 24(\base)
	mov %rbp, 32(\base)
	mov %rsi, 40(\base)
	mov %rdi, 48(\base)
	mov %r8, 56(\base)
	mov %r9, 64(\base)
	mov %r10, 72(\base)
	mov %r11, 80(\base)
	mov %r12, 88(\base)
	mov %r13, 96(\base)
	mov %r14, 104(\base)
	mov %r15, 112(\base)
	.endm

	/* All but RAX. */
	.macro load_gprs base
	mov 8(\base), %rcx
	mov 16(\base), %rdx
	mov 24(\base), %rbx
	mov 32(\base), %rbp
	mov 40(\base), %rsi
	mov 48(\base), %rdi
	mov 56(\base), %r8
	mov 64(\base), %r9
	mov 72(\base), %r10
	mov 80(\base), %r11
	mov 88(\base), %r12
	mov 96(\base), %r13
	mov 104(\base), %r14
	mov 112(\base), %r15
	.endm

	.text
	.code64

	/* RSP is private: each VTL of each VP has its registers on its own stack meanwhile. */
	.set AT_STUB, 15 * 8
	.set AT_REGS, 16 * 8
	.set FRAME, 17 * 8

	.globl vtl_call
	.type vtl_call, @function
vtl_call:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	sub $FRAME, %rsp
	mov %rsi, AT_STUB(%rsp)
	mov %rdi, AT_REGS(%rsp)
	mov %rdi, %rsi
	mov %rsp, %rdi
	mov $15, %ecx
	cld
	rep movsq
	load_gprs %rsp
	xor %ecx, %ecx /* TLFS 15.6: the control input is 0 */
	xor %eax, %eax
	call *AT_STUB(%rsp)
	store_gprs %rsp
	mov AT_REGS(%rsp), %rdi
	mov %rsp, %rsi
	mov $15, %ecx
	cld
	rep movsq
	add $FRAME, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret
	.size vtl_call, . - vtl_call

	.globl vtl1_entry
	.type vtl1_entry, @function
vtl1_entry:
	sub $FRAME, %rsp
1:	store_gprs %rsp
	mov %rsp, %rdi
	cld
	call vtl1_handle
	mov %rax, AT_STUB(%rsp)
	load_gprs %rsp
	call *AT_STUB(%rsp)
	/* Each later entry comes back here, on this stack. */
	jmp 1b
	.size vtl1_entry, . - vtl1_entry

	.section .note.GNU-stack, "", @progbits
