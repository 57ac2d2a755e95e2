/* SPDX-License-Identifier: BSD-3-Clause */
/* From the multiboot entry (32-bit, no paging) to guest_main() in long mode. */
#include "layout.h"

#define MB_MAGIC 0x1badb002
#define MB_FLAGS 0x2 /* memory information wanted */

#define CR0_FLAGS 0x80010033 /* PG WP NE ET MP PE */
#define CR4_FLAGS 0x620	     /* PAE OSFXSR OSXMMEXCPT */
#define MSR_EFER 0xc0000080
#define EFER_LME 0x100

	.section .multiboot, "a"
	.balign 4
	.long MB_MAGIC
	.long MB_FLAGS
	.long -(MB_MAGIC + MB_FLAGS)

	.text
	.code32
	.globl _start
	.type _start, @function
_start:
	mov %eax, %ebp
	lgdt start_gdtr
	mov $CR4_FLAGS, %eax
	mov %eax, %cr4
	mov $guest_pml4, %eax
	mov %eax, %cr3
	mov $MSR_EFER, %ecx
	mov $EFER_LME, %eax
	xor %edx, %edx
	wrmsr
	mov $CR0_FLAGS, %eax
	mov %eax, %cr0
	mov %ebp, %eax
	ljmp $GUEST_KERNEL_CS, $start64
	.size _start, . - _start

	.code64
	/*
	 * Hosts that run 64-bit code only start here: EAX and EBX as at the multiboot entry, memory
	 * mapped one to one, CR0, CR4 and EFER as above, but another GDT and other page tables.
	 */
	.globl start64
start64:
	mov $guest_stack_top, %esp
	mov %eax, guest_boot_magic
	mov %ebx, guest_boot_info
	lgdt start_gdtr64
	mov $guest_pml4, %eax
	mov %rax, %cr3
	mov $GUEST_KERNEL_DS, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %ss
	xor %eax, %eax
	mov %eax, %fs
	mov %eax, %gs
	xor %ebp, %ebp
	call guest_start
1:	hlt
	jmp 1b

	.section .rodata
	.balign 8
	/* The order of the user segments is that of SYSRET. */
	.globl guest_gdt_template
guest_gdt_template:
	.quad 0
	.quad 0x00cf9b000000ffff /* 0x08 code, 32-bit */
	.quad 0x00af9b000000ffff /* 0x10 code, 64-bit */
	.quad 0x00cf93000000ffff /* 0x18 data */
	.quad 0x00cff3000000ffff /* 0x20 data, user */
	.quad 0x00affb000000ffff /* 0x28 code, 64-bit, user */
	.quad 0, 0		 /* 0x30 TSS, filled in at run time */
start_gdtr:
	.word GUEST_GDT_SIZE - 1
	.long guest_gdt_template
start_gdtr64:
	.word GUEST_GDT_SIZE - 1
	.quad guest_gdt_template

	/*
	 * 4 GiB mapped one to one in 2 MiB pages, user pages all of them (0x7: present, writable,
	 * user; 0xe0: accessed, dirty, large). Made by the assembler: where CPL 0 is interpreted
	 * a loop over 2,048 entries would be seen.
	 */
	.section .tables, "aw"
	.balign 4096
	.globl guest_pml4
guest_pml4:
	.quad guest_pdpt + 0x27
	.fill 511, 8, 0
	/* The same mapping under another root: what another VTL puts into its CR3. */
	.globl guest_pml4_alt
guest_pml4_alt:
	.quad guest_pdpt + 0x27
	.fill 511, 8, 0
guest_pdpt:
	.quad guest_pd + 0x27, guest_pd + 0x1027, guest_pd + 0x2027, guest_pd + 0x3027
	.fill 508, 8, 0
guest_pd:
	.set address, 0
	.rept 2048
	.quad address + 0xe7
	.set address, address + 0x200000
	.endr

	.bss
	.balign 16
	.space GUEST_STACK_SIZE
guest_stack_top:

	.section .note.GNU-stack, "", @progbits
