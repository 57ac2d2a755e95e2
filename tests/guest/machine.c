/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The machine as a guest without VSM sees it: command line, devices, exceptions, CPL 3. With one
 * argument it does one thing instead: ways to end, and not to end.
 */
#include "lib/cpu.h"
#include "lib/guest.h"

#define PORT_UNKNOWN 0x1234

static struct guest_cpu *const cpu = &guest_boot_context.cpu;
static volatile uint64_t shared_word;

static uint64_t user_add(uint64_t a, uint64_t b)
{
	shared_word = a;
	return a + b;
}

static uint64_t run_cli(uint64_t a, uint64_t b)
{
	(void)a;
	(void)b;
	__asm__ volatile("cli");
	return 0;
}

static uint64_t load_from(uint64_t a, uint64_t b)
{
	(void)b;
	return *(volatile uint64_t *)a;
}

static uint64_t run_ud2(uint64_t a, uint64_t b)
{
	(void)a;
	(void)b;
	__asm__ volatile("ud2");
	return 0;
}

static uint64_t lock_cpuid(uint64_t a, uint64_t b)
{
	uint32_t eax = (uint32_t)a, ebx, ecx = (uint32_t)b, edx;

	__asm__ volatile(".byte 0xf0\n\tcpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	return eax;
}

static uint32_t string_length(const char *s)
{
	uint32_t n = 0;

	while (s[n])
		n++;
	return n;
}

static int string_equal(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static uint32_t fw_read(uint16_t key, uint32_t bytes)
{
	uint32_t v = 0, i;

	outw(0x510, key);
	for (i = 0; i < bytes; i++)
		v |= (uint32_t)inb(0x511) << (8 * i);
	return v;
}

static const char *last_word(void)
{
	const char *line = guest_cmdline(), *word = line;

	for (; *line; line++) {
		if (*line == ' ')
			word = line + 1;
	}
	return word;
}

static void check_boot(void)
{
	const char *line = guest_cmdline(), *want = "machine.elf two words";
	uint32_t len = string_length(line), want_len = string_length(want);

	guest_check(len >= want_len && string_equal(line + len - want_len, want),
		    "command line is the image's name and both arguments");
	guest_check(guest_mem_upper() >= 15 * 1024, "multiboot information tells the RAM");
}

static void check_devices(void)
{
	guest_check(fw_read(0, 4) == 0x554d4551, "fw_cfg key 0 is QEMU");
	guest_check(fw_read(5, 2) == 1, "fw_cfg key 5 is one processor");
	guest_check(fw_read(0x11, 4) == 0, "fw_cfg key 0x11 is 0");
	outb(0x21, 0xa5);
	guest_check(inb(0x21) == 0xa5, "PIC mask keeps its value");
	guest_check(inb(PORT_UNKNOWN) == 0xff, "unknown port reads as ones, 1 byte");
	guest_check(inw(PORT_UNKNOWN) == 0xffff, "unknown port reads as ones, 2 bytes");
	guest_check(inl(PORT_UNKNOWN) == 0xffffffff, "unknown port reads as ones, 4 bytes");
}

static void check_traps(void)
{
	struct guest_result r;

	r = guest_call(cpu, user_add, 3, 4);
	guest_check(r.vector == GUEST_NO_TRAP && r.value == 7, "call at CPL 0");
	r = guest_call(cpu, run_ud2, 0, 0);
	guest_check(r.vector == 6, "#UD at CPL 0");
	r = guest_call(cpu, load_from, 0x8000000000, 0);
	guest_check(r.vector == 14 && read_cr2() == 0x8000000000, "#PF at CPL 0 with its CR2");
	r = guest_user_call(cpu, user_add, 5, 6);
	guest_check(r.vector == GUEST_NO_TRAP && r.value == 11 && shared_word == 5,
		    "call at CPL 3");
	r = guest_user_call(cpu, run_cli, 0, 0);
	guest_check(r.vector == 13 && r.error == 0, "#GP at CPL 3");
	r = guest_user_call(cpu, load_from, 0x8000000000, 0);
	guest_check(r.vector == 14 && r.error == 4 && read_cr2() == 0x8000000000,
		    "#PF at CPL 3 with its error code and CR2");
	r = guest_user_call(cpu, run_ud2, 0, 0);
	guest_check(r.vector == 6, "#UD at CPL 3");
}

#define OS_ID 0x40000000u

/* Prefixes that an instruction does not need change nothing of it, and of several REX the last. */
static void check_prefixes(void)
{
	uint32_t eax = 0x40000001, ebx, ecx = 0, edx;
	uint64_t id = 0x8100000000000001;

	__asm__ volatile(".byte 0x3e, 0x65\n\tcpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	guest_check(eax == 0x31237648, "CPUID behind segment prefixes is Hv#1's");
	eax = 0x40000001;
	__asm__ volatile(".byte 0x48, 0x66\n\tcpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	guest_check(eax == 0x31237648, "so is it behind REX and another prefix");
	__asm__ volatile(".byte 0x26\n\twrmsr"
			 :
			 : "c"(OS_ID), "a"((uint32_t)id), "d"((uint32_t)(id >> 32)));
	guest_check(rdmsr(OS_ID) == id, "WRMSR behind a segment prefix writes");
	__asm__ volatile(".byte 0x2e\n\trdmsr" : "=a"(eax), "=d"(edx) : "c"(OS_ID));
	guest_check(((uint64_t)edx << 32 | eax) == id, "RDMSR behind a segment prefix reads");
	wrmsr(OS_ID, 0);
	guest_check(guest_call(cpu, lock_cpuid, 0, 0).vector == 6, "LOCK CPUID is #UD");
}

static void check_registers(void)
{
	struct cpu_xmm a = { { 0x1122334455667788, 0x99aabbccddeeff00 } }, b;

	write_xmm0(&a);
	b = read_xmm0();
	guest_check(a.q[0] == b.q[0] && a.q[1] == b.q[1], "XMM0 holds what was written");
	wrmsr(MSR_GS_BASE, 0x123456789000);
	guest_check(rdmsr(MSR_GS_BASE) == 0x123456789000, "GS base holds what was written");
	write_cr8(5);
	guest_check(read_cr8() == 5, "CR8 holds what was written");
	write_cr8(0);
}

/* For ever if a is b. */
static uint64_t spin(uint64_t a, uint64_t b)
{
	while (a == b)
		__asm__ volatile("pause");
	return a;
}

static void end_by_triple_fault(void)
{
	struct cpu_table none = { 0, 0 };

	__asm__ volatile("lidt %0; ud2" : : "m"(none));
}

/* Comes back if the word is none of those that name an end. */
static void end_by(const char *word)
{
	if (string_equal(word, "spin-cpl0"))
		spin(0, 0);
	if (string_equal(word, "spin-cpl3"))
		guest_user_call(cpu, spin, 0, 0);
	if (string_equal(word, "halt"))
		__asm__ volatile("hlt");
	if (string_equal(word, "triple-fault"))
		end_by_triple_fault();
	if (string_equal(word, "exit-100"))
		guest_exit(100);
	if (string_equal(word, "fail"))
		guest_check(0, "asked to fail");
	if (string_equal(word, "mmio"))
		guest_check(load_from(0xd0000000, 0) == ~(uint64_t)0, "no device reads as ones");
}

uint32_t guest_main(void)
{
	const char *word = last_word();

	guest_print("machine: %s, %u KiB above 1 MiB\n", guest_cmdline(), guest_mem_upper());
	end_by(word);
	if (string_equal(word, "words")) {
		check_boot();
		check_devices();
		check_traps();
		check_prefixes();
		check_registers();
	}
	guest_print("machine: %u checks, %u failed\n", guest_checks(), guest_failures());
	return guest_failures() != 0;
}
