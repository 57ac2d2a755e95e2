/* SPDX-License-Identifier: BSD-3-Clause */
/* vsm-vmm's op insn_decode: lengths of instructions, and of what is none. Prints TAP. */
#include <stdio.h>
#include <string.h>

#include "../../examples/vmm/decode.h"

static const struct {
	const char *name;
	uint8_t bytes[16];
	uint32_t count;
	uint32_t mode;
	int want;
} cases[] = {
	{ "nop", { 0x90 }, 16, 64, 1 },
	{ "nop, one byte is there", { 0x90 }, 1, 64, 1 },
	{ "mov (%rbx), %rax", { 0x48, 0x8b, 0x03 }, 16, 64, 3 },
	{ "the same bytes, 32-bit: dec %eax", { 0x48, 0x8b, 0x03 }, 16, 32, 1 },
	{ "mov imm32, 32-bit", { 0xb8, 1, 2, 3, 4 }, 16, 32, 5 },
	{ "mov imm16, 16-bit", { 0xb8, 1, 2 }, 16, 16, 3 },
	{ "movabs", { 0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8 }, 16, 64, 10 },
	{ "movabs, cut", { 0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8 }, 9, 64, 0 },
	{ "lock cmpxchg16b", { 0xf0, 0x48, 0x0f, 0xc7, 0x0b }, 16, 64, 5 },
	{ "vmovdqu", { 0xc5, 0xfe, 0x6f, 0x03 }, 16, 64, 4 },
	{ "15 bytes",
	  { 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
	    0x90 },
	  16,
	  64,
	  15 },
	{ "16 prefixes",
	  { 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
	    0x66, 0x66 },
	  16,
	  64,
	  0 },
	{ "push %es, 64-bit: no instruction", { 0x06 }, 16, 64, 0 },
	{ "push %es, 32-bit", { 0x06 }, 16, 32, 1 },
	{ "unknown mode", { 0x90 }, 16, 48, 0 },
};

int main(void)
{
	uint32_t count = sizeof(cases) / sizeof(cases[0]), failed = 0;

	printf("1..%u\n", count);
	for (uint32_t i = 0; i < count; i++) {
		int got = decode_length(NULL, cases[i].bytes, cases[i].count, cases[i].mode);

		failed |= got != cases[i].want;
		printf("%sok %u - %s: %d\n", got == cases[i].want ? "" : "not ", i + 1,
		       cases[i].name, got);
	}
	return failed != 0;
}
