/* SPDX-License-Identifier: BSD-3-Clause */
/* Exceptions, and calls that an exception ends. */
#include "layout.h"

	.text
	.code64

	/*
	 * One stub of GUEST_STUB_SIZE bytes for each vector. Vectors without an error code push a 0,
	 * so that all frames have one size.
	 */
	.balign GUEST_STUB_SIZE
	.globl guest_trap_stubs
guest_trap_stubs:
	.set vector, 0
	.rept GUEST_TRAPS
	.balign GUEST_STUB_SIZE
	.if !((vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17) || \
	      (vector == 21) || (vector == 29) || (vector == 30))
	push $0
	.endif
	push $vector
	jmp trap_common
	.set vector, vector + 1
	.endr

	.balign 16
trap_common:
	push %rax
	push %rcx
	push %rdx
	push %rbx
	push %rbp
	push %rsi
	push %rdi
	push %r8
	push %r9
	push %r10
	push %r11
	push %r12
	push %r13
	push %r14
	push %r15
	cld
	mov %rsp, %rdi
	/* It gives back a cpu to resume after a guest_call, or does not return. */
	call guest_trap
	mov $GUEST_KERNEL_DS, %ecx
	mov %ecx, %ss
	mov GUEST_CPU_RESUME_RSP(%rax), %rsp
	movq $0, GUEST_CPU_RESUME_RSP(%rax)
	jmp call_end

	/*
	 * void guest_call_enter(cpu, fn, a, b): fn(a, b) at CPL 0. Comes back when fn returns or
	 * raises an exception.
	 */
	.globl guest_call_enter
	.type guest_call_enter, @function
guest_call_enter:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	push %rdi
	mov %rsp, GUEST_CPU_RESUME_RSP(%rdi)
	mov %rsi, %rax
	mov %rdx, %rdi
	mov %rcx, %rsi
	call *%rax
	mov (%rsp), %rdi
	mov %rax, GUEST_CPU_RESULT_RAX(%rdi)
	movq $0, GUEST_CPU_RESUME_RSP(%rdi)
call_end:
	pop %rdi
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret
	.size guest_call_enter, . - guest_call_enter

	/*
	 * void guest_user_enter(cpu, fn, a, b, user_stack): the same at CPL 3. fn returns to
	 * guest_user_exit, whose HLT is a #GP there: the only way back that needs neither a gate
	 * for INT nor SYSCALL.
	 */
	.globl guest_user_enter
	.type guest_user_enter, @function
guest_user_enter:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	push %rdi
	mov %rsp, GUEST_CPU_RESUME_RSP(%rdi)
	movq $guest_user_exit, -8(%r8)
	sub $8, %r8
	push $GUEST_USER_DS
	push %r8
	push $2
	push $GUEST_USER_CS
	push %rsi
	mov %rdx, %rdi
	mov %rcx, %rsi
	iretq
	.size guest_user_enter, . - guest_user_enter

	.globl guest_user_exit
guest_user_exit:
	hlt
	jmp guest_user_exit

	.section .note.GNU-stack, "", @progbits
