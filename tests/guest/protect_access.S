/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Accesses: uint64_t f(address, value), each with the one instruction that is stopped at NAME_insn
 * and the next one at NAME_next. RAX and RCX carry what they must still carry after a stop.
 */
	.macro begin name
	.globl \name, \name\()_insn, \name\()_next
	.type \name, @function
\name:
	.endm

	.macro insn name, line:vararg
\name\()_insn:
	\line
\name\()_next:
	.endm

	.text
	.code64

	/* Gives the word; a canary if the instruction was skipped. */
	begin access_read
	mov $0x600d, %eax
	insn access_read, mov (%rdi), %rax
	ret

	begin access_write
	xor %eax, %eax
	insn access_write, mov %rsi, (%rdi)
	ret

	begin access_rmw
	xor %eax, %eax
	insn access_rmw, lock add %rsi, (%rdi)
	ret

	begin access_push
	mov %rsp, %rdx
	lea 8(%rdi), %rsp
	insn access_push, push %rsi
	mov %rsp, %rcx
	mov %rdx, %rsp
	xor %eax, %eax
	ret

	/* One element of a string store. */
	begin access_string
	mov %rsi, %rax
	mov $1, %ecx
	cld
	insn access_string, rep stosq
	xor %eax, %eax
	ret

	/* Half of it lies in the page before. */
	begin access_cross
	xor %eax, %eax
	insn access_cross, mov %rsi, -4(%rdi)
	ret

	/* To the code at the address. */
	begin access_call
	mov $0x600d, %eax
	jmp *%rdi
	.globl access_call_back
access_call_back:
	ret

	.section .note.GNU-stack, "", @progbits
