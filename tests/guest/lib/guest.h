/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Run time of the test guests: console, exit, exceptions, CPL 3. A guest defines guest_main().
 *
 * Code at CPL 0 may be interpreted, at half a microsecond an instruction, by hosts that do not
 * know XMM arithmetic, INT n or XSAVE: keep guests short and use general registers only.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stddef.h>
#include <stdint.h>

#include "layout.h"

/* As pushed by the stubs of trap.S. */
struct guest_trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
	uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

struct guest_tss {
	uint32_t reserved0;
	uint32_t rsp0[2];
	uint32_t rsp1[2];
	uint32_t rsp2[2];
	uint32_t reserved1[2];
	uint32_t ist[7][2];
	uint32_t reserved2[2];
	uint16_t reserved3;
	uint16_t io_map;
};

struct guest_table_pointer {
	uint16_t pad[3];
	uint16_t limit;
	uint64_t base;
};

/*
 * What one VTL of one processor needs to take exceptions. The frame of an exception is pushed
 * right below this structure: so the handler finds it without a segment base, which tests are
 * free to use.
 */
struct guest_cpu {
	uint64_t resume_rsp; /* not 0: a guest_call() or guest_user_call() waits */
	uint64_t result_rax;
	uint64_t result_vector;
	uint64_t result_error;
	uint64_t result_rip;
	const char *name;
	struct guest_table_pointer gdtr;
	struct guest_table_pointer idtr;
	uint64_t gdt[GUEST_GDT_SIZE / 8];
	uint64_t idt[GUEST_TRAPS][2];
	struct guest_tss tss;
};

/* A cpu with the stack that its exceptions use. */
struct guest_context {
	uint8_t trap_stack[GUEST_STACK_SIZE];
	struct guest_cpu cpu __attribute__((aligned(16)));
};

/* How a called function ended. */
#define GUEST_NO_TRAP 0xffffffffu
struct guest_result {
	uint64_t value; /* what it returned */
	uint32_t vector; /* the exception that ended it, or GUEST_NO_TRAP */
	uint32_t error;
	uint64_t rip;
};

typedef uint64_t guest_fn(uint64_t a, uint64_t b);

/* Supplied by the guest. What it returns is written to the exit port: 0 all passed, 1 failed. */
uint32_t guest_main(void);

/* The context of the boot processor's VTL0. */
extern struct guest_context guest_boot_context;
extern uint64_t guest_pml4[512], guest_pml4_alt[512];
/* Lower 4 GiB of a guest are mapped one to one: an address is its own guest-physical address. */
extern char guest_image_end[];

/* Fills GDT, IDT and TSS; loading them is another matter (EnableVpVtl can do it). */
void guest_cpu_init(struct guest_context *ctx, const char *name);
void guest_cpu_load(struct guest_cpu *cpu);

/* Runs fn(a, b) at CPL 0 or 3 until it returns or raises an exception. */
struct guest_result guest_call(struct guest_cpu *cpu, guest_fn *fn, uint64_t a, uint64_t b);
struct guest_result guest_user_call(struct guest_cpu *cpu, guest_fn *fn, uint64_t a, uint64_t b);

/* %s %c %d %u %x, with l for 64 bits; %x takes a width after 0. A line ends with \n. */
__attribute__((format(printf, 1, 2))) void guest_print(const char *format, ...);

/* Prints "ok: TEXT" or "FAILED: TEXT" and counts. Gives the condition back. */
int guest_check(int condition, const char *text);
/* Only counts. */
void guest_count(int condition);
uint32_t guest_checks(void);
uint32_t guest_failures(void);

__attribute__((noreturn)) void guest_exit(uint32_t code);
__attribute__((noreturn, format(printf, 1, 2))) void guest_panic(const char *format, ...);

/* The command line from the multiboot information, or "". */
const char *guest_cmdline(void);
/* Is this one of its words? */
int guest_has_word(const char *want);
/* RAM above 1 MiB in KiB. */
uint32_t guest_mem_upper(void);

#endif
