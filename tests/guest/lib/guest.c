/* SPDX-License-Identifier: BSD-3-Clause */
#include "guest.h"

#include "cpu.h"

#define BOOT_MAGIC	  0x2badb002u
#define BOOT_INFO_MEMORY  0x1u
#define BOOT_INFO_CMDLINE 0x4u

#define GATE_INTERRUPT 0x8e00u
#define TSS_AVAILABLE  0x89u

_Static_assert(offsetof(struct guest_cpu, resume_rsp) == GUEST_CPU_RESUME_RSP, "trap.S");
_Static_assert(offsetof(struct guest_cpu, result_rax) == GUEST_CPU_RESULT_RAX, "trap.S");
_Static_assert(sizeof(struct guest_tss) == 104, "SDM 3A 8.7");
_Static_assert(sizeof(struct guest_trap_frame) == 22 * 8, "trap.S");

uint32_t guest_boot_magic, guest_boot_info;
struct guest_context guest_boot_context;

extern char guest_trap_stubs[], guest_user_exit[];
extern const uint64_t guest_gdt_template[];

void guest_call_enter(struct guest_cpu *cpu, guest_fn *fn, uint64_t a, uint64_t b);
void guest_user_enter(struct guest_cpu *cpu, guest_fn *fn, uint64_t a, uint64_t b, void *stack);
struct guest_cpu *guest_trap(struct guest_trap_frame *f);
void guest_start(void);

static uint8_t user_stack[GUEST_STACK_SIZE] __attribute__((aligned(16)));

void guest_cpu_init(struct guest_context *ctx, const char *name)
{
	struct guest_cpu *cpu = &ctx->cpu;
	uint64_t tss = (uintptr_t)&cpu->tss, stub = (uintptr_t)guest_trap_stubs;
	uint32_t i;

	cpu->name = name;
	for (i = 0; i < GUEST_TSS / 8; i++)
		cpu->gdt[i] = guest_gdt_template[i];
	cpu->gdt[i] = (sizeof(cpu->tss) - 1) | (tss & 0xffffff) << 16 |
		      (uint64_t)TSS_AVAILABLE << 40 | (tss >> 24 & 0xff) << 56;
	cpu->gdt[i + 1] = tss >> 32;
	/* Exceptions from CPL 3 and, by IST 1, those from CPL 0 push right below the cpu. */
	cpu->tss.rsp0[0] = (uint32_t)(uintptr_t)cpu;
	cpu->tss.ist[0][0] = (uint32_t)(uintptr_t)cpu;
	cpu->tss.io_map = sizeof(cpu->tss);
	for (i = 0; i < GUEST_TRAPS; i++, stub += GUEST_STUB_SIZE) {
		cpu->idt[i][0] = (stub & 0xffff) | GUEST_KERNEL_CS << 16 |
				 (uint64_t)(GATE_INTERRUPT | 1) << 32 | (stub >> 16 & 0xffff) << 48;
		cpu->idt[i][1] = stub >> 32;
	}
	cpu->gdtr.limit = sizeof(cpu->gdt) - 1;
	cpu->gdtr.base = (uintptr_t)cpu->gdt;
	cpu->idtr.limit = sizeof(cpu->idt) - 1;
	cpu->idtr.base = (uintptr_t)cpu->idt;
}

void guest_cpu_load(struct guest_cpu *cpu)
{
	__asm__ volatile("lgdt %0" : : "m"(cpu->gdtr.limit), "m"(cpu->gdtr));
	__asm__ volatile("lidt %0" : : "m"(cpu->idtr.limit), "m"(cpu->idtr));
	__asm__ volatile("ltr %w0" : : "r"(GUEST_TSS) : "memory");
}

/* Called by trap.S. */
struct guest_cpu *guest_trap(struct guest_trap_frame *f)
{
	struct guest_cpu *cpu = (struct guest_cpu *)(f + 1);

	if (!cpu->resume_rsp)
		guest_panic("%s: exception %lu, error 0x%lx, at 0x%lx:0x%lx, cr2 0x%lx",
			    cpu->name ? cpu->name : "?", f->vector, f->error, f->cs, f->rip,
			    read_cr2());
	cpu->result_rax = f->rax;
	cpu->result_vector = f->vector;
	cpu->result_error = f->error;
	cpu->result_rip = f->rip;
	return cpu;
}

static struct guest_result take_result(const struct guest_cpu *cpu)
{
	struct guest_result r;

	r.value = cpu->result_rax;
	r.vector = (uint32_t)cpu->result_vector;
	r.error = (uint32_t)cpu->result_error;
	r.rip = cpu->result_rip;
	return r;
}

struct guest_result guest_call(struct guest_cpu *cpu, guest_fn *fn, uint64_t a, uint64_t b)
{
	cpu->result_vector = GUEST_NO_TRAP;
	guest_call_enter(cpu, fn, a, b);
	return take_result(cpu);
}

struct guest_result guest_user_call(struct guest_cpu *cpu, guest_fn *fn, uint64_t a, uint64_t b)
{
	struct guest_result r;

	guest_user_enter(cpu, fn, a, b, user_stack + sizeof(user_stack));
	r = take_result(cpu);
	if (r.rip == (uintptr_t)guest_user_exit && r.vector == 13)
		r.vector = GUEST_NO_TRAP;
	return r;
}

static const uint8_t *boot_info(uint32_t flag)
{
	const uint8_t *info = (const uint8_t *)(uintptr_t)guest_boot_info;

	if (guest_boot_magic != BOOT_MAGIC || !(*(const uint32_t *)info & flag))
		return NULL;
	return info;
}

const char *guest_cmdline(void)
{
	const uint8_t *info = boot_info(BOOT_INFO_CMDLINE);

	return info ? (const char *)(uintptr_t) * (const uint32_t *)(info + 16) : "";
}

uint32_t guest_mem_upper(void)
{
	const uint8_t *info = boot_info(BOOT_INFO_MEMORY);

	return info ? *(const uint32_t *)(info + 8) : 0;
}

/* Called by start.S. */
void guest_start(void)
{
	guest_cpu_init(&guest_boot_context, "VTL0");
	guest_cpu_load(&guest_boot_context.cpu);
	guest_exit(guest_main());
}

int guest_has_word(const char *want)
{
	const char *line = guest_cmdline();

	while (*line) {
		uint32_t n = 0;

		while (want[n] && line[n] == want[n])
			n++;
		if (!want[n] && (line[n] == ' ' || line[n] == 0))
			return 1;
		while (*line && *line != ' ')
			line++;
		line += *line == ' ';
	}
	return 0;
}
