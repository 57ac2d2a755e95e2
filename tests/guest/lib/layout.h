/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers that the assembler parts and the C parts of a guest share. */
#ifndef GUEST_LAYOUT_H
#define GUEST_LAYOUT_H

#define GUEST_KERNEL_CS32 0x08
#define GUEST_KERNEL_CS	  0x10
#define GUEST_KERNEL_DS	  0x18
#define GUEST_USER_DS	  0x23
#define GUEST_USER_CS	  0x2b
#define GUEST_TSS	  0x30
#define GUEST_GDT_SIZE	  0x40

#define GUEST_TRAPS	32
#define GUEST_STUB_SIZE 16

/* struct guest_cpu */
#define GUEST_CPU_RESUME_RSP 0
#define GUEST_CPU_RESULT_RAX 8

#define GUEST_STACK_SIZE 16384

#endif
