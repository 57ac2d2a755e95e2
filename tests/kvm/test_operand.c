/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses of memory operands, found from the bytes of an instruction. */
#include "kvmtest.h"

#define RIP	0x100000u
#define UNKNOWN UINT64_MAX

struct row {
	const char *text;
	uint8_t code[14];
	uint8_t size;
	uint64_t want;
};

/* RAX..R15 hold 0x1000 times their number plus one: RAX 0x1000, RCX 0x2000, ... R15 0x10000. */
static const struct row long_rows[] = {
	{ "pxor (%rax),%xmm0", { 0x66, 0x0f, 0xef, 0x00 }, 4, 0x1000 },
	{ "pxor 0x10(%rcx),%xmm0", { 0x66, 0x0f, 0xef, 0x41, 0x10 }, 5, 0x2010 },
	{ "pxor -0x10(%rcx),%xmm0", { 0x66, 0x0f, 0xef, 0x41, 0xf0 }, 5, 0x1ff0 },
	{ "pxor 0x12345678(%rdx),%xmm0",
	  { 0x66, 0x0f, 0xef, 0x82, 0x78, 0x56, 0x34, 0x12 },
	  8,
	  0x12348678 },
	{ "pxor -0x8(%rbp),%xmm0", { 0x66, 0x0f, 0xef, 0x45, 0xf8 }, 5, 0x5ff8 },
	{ "pxor (%rsp),%xmm0", { 0x66, 0x0f, 0xef, 0x04, 0x24 }, 5, 0x5000 },
	{ "pxor (%rax,%rcx,8),%xmm0", { 0x66, 0x0f, 0xef, 0x04, 0xc8 }, 5, 0x11000 },
	{ "pxor 0x4(%rax,%rcx,1),%xmm0", { 0x66, 0x0f, 0xef, 0x44, 0x08, 0x04 }, 6, 0x3004 },
	{ "pxor 0x5000(,%rcx,2),%xmm0", { 0x66, 0x0f, 0xef, 0x04, 0x4d, 0, 0x50, 0, 0 }, 9, 0x9000 },
	{ "pxor 0x5000,%xmm0", { 0x66, 0x0f, 0xef, 0x04, 0x25, 0, 0x50, 0, 0 }, 9, 0x5000 },
	{ "pxor (%r12),%xmm8", { 0x66, 0x45, 0x0f, 0xef, 0x04, 0x24 }, 6, 0xd000 },
	{ "pxor 0x0(%r13),%xmm0", { 0x66, 0x41, 0x0f, 0xef, 0x45, 0x00 }, 6, 0xe000 },
	{ "pxor (%r8,%r15,4),%xmm0", { 0x66, 0x43, 0x0f, 0xef, 0x04, 0xb8 }, 6, 0x49000 },
	{ "pxor (%rax,%r12,1),%xmm0", { 0x66, 0x42, 0x0f, 0xef, 0x04, 0x20 }, 6, 0xe000 },
	{ "pxor 0x20(%rip),%xmm0", { 0x66, 0x0f, 0xef, 0x05, 0x20, 0, 0, 0 }, 8, RIP + 8 + 0x20 },
	{ "palignr $1,0x20(%rip),%xmm0",
	  { 0x66, 0x0f, 0x3a, 0x0f, 0x05, 0x20, 0, 0, 0, 1 },
	  10,
	  RIP + 10 + 0x20 },
	{ "pshufd $1,0x20(%rip),%xmm0",
	  { 0x66, 0x0f, 0x70, 0x05, 0x20, 0, 0, 0, 1 },
	  9,
	  RIP + 9 + 0x20 },
	{ "pxor %fs:(%rax),%xmm0", { 0x64, 0x66, 0x0f, 0xef, 0x00 }, 5, 0xf1000 },
	{ "pxor %gs:0x8(%rax),%xmm0", { 0x65, 0x66, 0x0f, 0xef, 0x40, 0x08 }, 6, 0x1f1008 },
	{ "pxor %ds:(%rax),%xmm0", { 0x3e, 0x66, 0x0f, 0xef, 0x00 }, 5, 0x1000 },
	{ "pxor -0x1001(%eax),%xmm0",
	  { 0x67, 0x66, 0x0f, 0xef, 0x80, 0xff, 0xef, 0xff, 0xff },
	  9,
	  0xffffffff },
	{ "pxor -0x1002(%rax),%xmm0",
	  { 0x66, 0x0f, 0xef, 0x80, 0xfe, 0xef, 0xff, 0xff },
	  8,
	  UINT64_MAX - 1 },
	{ "fldl (%rcx)", { 0xdd, 0x01 }, 2, 0x2000 },
	{ "pshufb (%rcx),%xmm0", { 0x66, 0x0f, 0x38, 0x00, 0x01 }, 5, 0x2000 },
	{ "vpxor (%rcx),%xmm1,%xmm0", { 0xc5, 0xf1, 0xef, 0x01 }, 4, 0x2000 },
	{ "vpxor (%r9),%xmm1,%xmm0", { 0xc4, 0xc1, 0x71, 0xef, 0x01 }, 5, 0xa000 },
	{ "vpshufb (%rcx,%r9),%xmm1,%xmm0", { 0xc4, 0xa2, 0x71, 0x00, 0x04, 0x09 }, 6, 0xc000 },
	{ "vpalignr $1,0x20(%rip),%xmm1,%xmm0",
	  { 0xc4, 0xe3, 0x71, 0x0f, 0x05, 0x20, 0, 0, 0, 1 },
	  10,
	  RIP + 10 + 0x20 },
	{ "vmovdqu64 (%rcx),%zmm0", { 0x62, 0xf1, 0xfe, 0x48, 0x6f, 0x01 }, 6, 0x2000 },
	{ "vmovdqu64 0x40(%rcx),%zmm0", { 0x62, 0xf1, 0xfe, 0x48, 0x6f, 0x41, 0x01 }, 7, UNKNOWN },
	{ "iretq", { 0x48, 0xcf }, 2, 0x5000 },
	{ "pxor %xmm1,%xmm0", { 0x66, 0x0f, 0xef, 0xc1 }, 4, UNKNOWN },
	{ "emms", { 0x0f, 0x77 }, 2, UNKNOWN },
	{ "ud2", { 0x0f, 0x0b }, 2, UNKNOWN },
	{ "hlt", { 0xf4 }, 1, UNKNOWN },
	{ "cut off in its displacement", { 0x66, 0x0f, 0xef, 0x82, 0x78, 0x56 }, 6, UNKNOWN },
	{ "prefixes only", { 0x66, 0x66, 0x66 }, 3, UNKNOWN },
	{ "nothing", { 0 }, 0, UNKNOWN },
};

/* DS has base 0x100000, SS 0x200000. */
static const struct row legacy_rows[] = {
	{ "pxor (%eax),%xmm0", { 0x66, 0x0f, 0xef, 0x00 }, 4, 0x101000 },
	{ "pxor -0x8(%ebp),%xmm0", { 0x66, 0x0f, 0xef, 0x45, 0xf8 }, 5, 0x205ff8 },
	{ "pxor (%esp),%xmm0", { 0x66, 0x0f, 0xef, 0x04, 0x24 }, 5, 0x205000 },
	{ "pxor %ss:(%eax),%xmm0", { 0x36, 0x66, 0x0f, 0xef, 0x00 }, 5, 0x201000 },
	{ "pxor 0x5000,%xmm0", { 0x66, 0x0f, 0xef, 0x05, 0, 0x50, 0, 0 }, 8, 0x105000 },
	{ "vpxor (%ecx),%xmm1,%xmm0", { 0xc5, 0xf1, 0xef, 0x01 }, 4, 0x102000 },
	{ "pxor (%bx,%si),%xmm0", { 0x67, 0x66, 0x0f, 0xef, 0x00 }, 5, UNKNOWN },
	{ "iret", { 0xcf }, 1, 0x205000 },
};

static struct kvm_run run;

static void machine(int is_long)
{
	struct kvm_sync_regs *s = &run.s.regs;
	struct vsm_reg reg;
	uint64_t what;

	memset(&run, 0, sizeof(run));
	for (uint32_t i = 0; i < 16; i++) {
		reg.name = HV_X64_REGISTER_RAX + i;
		reg.value.low = 0x1000ull * (i + 1);
		kvm_sync_put(s, &reg, &what);
	}
	s->regs.rip = RIP;
	s->sregs.fs.base = 0xf0000;
	s->sregs.gs.base = 0x1f0000;
	s->sregs.ds.base = 0x100000;
	s->sregs.ss.base = 0x200000;
	s->sregs.cs.l = is_long != 0;
	s->sregs.cs.db = !is_long;
	s->sregs.efer = is_long ? 0x500 : 0;
}

static void check(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t linear = 0xdead;
		int r = kvm_operand_linear(&run, rows[i].code, rows[i].size, &linear);

		if (rows[i].want == UNKNOWN)
			ck_assert_msg(r == -1 && linear == 0xdead, "%s: %#llx", rows[i].text,
				      (unsigned long long)linear);
		else
			ck_assert_msg(r == 0 && linear == rows[i].want, "%s: %d %#llx",
				      rows[i].text, r, (unsigned long long)linear);
	}
}

START_TEST(operands_of_64_bit_code)
{
	machine(1);
	check(long_rows, VSMTEST_COUNT(long_rows));
}
END_TEST

START_TEST(operands_of_32_bit_code)
{
	machine(0);
	check(legacy_rows, VSMTEST_COUNT(legacy_rows));
}
END_TEST

START_TEST(no_operands_of_16_bit_code)
{
	uint64_t linear;

	machine(0);
	run.s.regs.sregs.cs.db = 0;
	ck_assert_int_eq(kvm_operand_linear(&run, legacy_rows[0].code, 4, &linear), -1);
}
END_TEST

/* Whatever the bytes are, nothing beyond them is looked at. */
START_TEST(random_bytes_are_bounded)
{
	uint32_t seed = 7, known = 0;
	uint64_t linear;

	machine(1);
	for (uint32_t i = 0; i < 200000; i++) {
		uint32_t size = i % 16;
		uint8_t *code = malloc(size + 1u);

		for (uint32_t j = 0; j < size; j++) {
			seed = seed * 1103515245u + 12345u;
			code[j] = (uint8_t)(seed >> 16);
		}
		known += kvm_operand_linear(&run, code, size, &linear) == 0;
		free(code);
	}
	ck_assert_uint_gt(known, 1000);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(operands_of_64_bit_code),
	VSMTEST_CASE(operands_of_32_bit_code),
	VSMTEST_CASE(no_operands_of_16_bit_code),
	VSMTEST_CASE(random_bytes_are_bounded),
};

int main(void)
{
	return vsmtest_main("kvm_operand", cases, VSMTEST_COUNT(cases));
}
