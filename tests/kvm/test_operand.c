/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses of memory operands, found from the bytes of an instruction. */
#include "kvmtest.h"

#include "insn.h"

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
	{ "pxor %fs:(%rax),%xmm0, a DS that is ignored",
	  { 0x64, 0x3e, 0x66, 0x0f, 0xef, 0x00 },
	  6,
	  0xf1000 },
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
	{ "vmovdqu64 0x40(%rcx),%zmm0", { 0x62, 0xf1, 0xfe, 0x48, 0x6f, 0x41, 0x01 }, 7, 0x2040 },
	{ "vmovdqu64 -0x40(%rcx),%zmm0", { 0x62, 0xf1, 0xfe, 0x48, 0x6f, 0x41, 0xff }, 7, 0x1fc0 },
	{ "vaddps 0x10(%rcx){1to16},%zmm1,%zmm0",
	  { 0x62, 0xf1, 0x74, 0x58, 0x58, 0x41, 0x04 },
	  7,
	  0x2010 },
	{ "vmovdqu64 with a vector of 128 bytes",
	  { 0x62, 0xf1, 0xfe, 0x68, 0x6f, 0x01 },
	  6,
	  UNKNOWN },
	{ "vmovdqu64 with a broadcast, that has none",
	  { 0x62, 0xf1, 0xfe, 0x58, 0x6f, 0x01 },
	  6,
	  UNKNOWN },
	{ "vmovdqu64 (%r17),%zmm0, of APX", { 0x62, 0xf9, 0xfe, 0x48, 0x6f, 0x01 }, 6, UNKNOWN },
	{ "v4fmaddps (%rcx),%zmm1,%zmm0", { 0x62, 0xf2, 0x77, 0x48, 0x9a, 0x01 }, 6, UNKNOWN },
	{ "vgatherpf0dps (%rcx,%zmm1,4){%k1}",
	  { 0x62, 0xf2, 0x7d, 0x49, 0xc6, 0x0c, 0x89 },
	  7,
	  UNKNOWN },
	{ "vpcmov %xmm2,(%rcx),%xmm0,%xmm1, of XOP",
	  { 0x8f, 0xe8, 0x78, 0xa2, 0x09, 0x20 },
	  6,
	  UNKNOWN },
	{ "tileloadd (%rcx,%rax,1),%tmm0", { 0xc4, 0xe2, 0x7b, 0x4b, 0x04, 0x01 }, 6, UNKNOWN },
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
	{ "pxor (%bx,%si),%xmm0", { 0x67, 0x66, 0x0f, 0xef, 0x00 }, 5, 0x10b000 },
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
		struct vk_operands list;
		int r = kvm_operands(&run, NULL, rows[i].code, rows[i].size, &list);

		if (rows[i].want == UNKNOWN)
			ck_assert_msg(list.count == 0, "%s: %#llx", rows[i].text,
				      (unsigned long long)list.op[0].linear);
		else
			ck_assert_msg(r == 0 && list.count == 1 &&
					      list.op[0].linear == rows[i].want,
				      "%s: %d %u %#llx", rows[i].text, r, list.count,
				      (unsigned long long)list.op[0].linear);
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

/* What is done at which addresses, by instructions of all kinds. */
struct access_row {
	const char *text;
	uint8_t code[12];
	uint8_t size;
	uint8_t count;
	struct vk_operand op[3];
};

#define R  VK_READ
#define W  VK_WRITE
#define RW (VK_READ | VK_WRITE)

/* clang-format off */
static const struct access_row access_rows[] = {
	{ "mov (%rdi),%rbx", { 0x48, 0x8b, 0x1f }, 3, 1, { { 0x8000, 8, R } } },
	{ "mov %ebx,(%rdi)", { 0x89, 0x1f }, 2, 1, { { 0x8000, 4, W } } },
	{ "mov %bx,(%rdi)", { 0x66, 0x89, 0x1f }, 3, 1, { { 0x8000, 2, W } } },
	{ "mov %bl,(%rdi)", { 0x88, 0x1f }, 2, 1, { { 0x8000, 1, W } } },
	{ "movl $1,0x10(%rip)", { 0xc7, 0x05, 0x10, 0, 0, 0, 1, 0, 0, 0 }, 10, 1,
	  { { RIP + 26, 4, W } } },
	{ "lock add %rbx,(%rdi)", { 0xf0, 0x48, 0x01, 0x1f }, 4, 1, { { 0x8000, 8, RW } } },
	{ "add (%rdi),%rbx", { 0x48, 0x03, 0x1f }, 3, 1, { { 0x8000, 8, R } } },
	{ "cmp %rbx,(%rdi)", { 0x48, 0x39, 0x1f }, 3, 1, { { 0x8000, 8, R } } },
	{ "cmpl $1,(%rdi)", { 0x83, 0x3f, 1 }, 3, 1, { { 0x8000, 4, R } } },
	{ "incq (%rdi)", { 0x48, 0xff, 0x07 }, 3, 1, { { 0x8000, 8, RW } } },
	{ "lock cmpxchg16b (%rdi)", { 0xf0, 0x48, 0x0f, 0xc7, 0x0f }, 5, 1, { { 0x8000, 16, RW } } },
	{ "lock cmpxchg8b (%rdi)", { 0xf0, 0x0f, 0xc7, 0x0f }, 4, 1, { { 0x8000, 8, RW } } },
	{ "bts %rax,(%rdi)", { 0x48, 0x0f, 0xab, 0x07 }, 4, 1, { { 0x8000 + 0x1000 / 8, 8, RW } } },
	{ "bt $3,(%rdi)", { 0x0f, 0xba, 0x27, 3 }, 4, 1, { { 0x8000, 4, R } } },
	{ "sete (%rdi)", { 0x0f, 0x94, 0x07 }, 3, 1, { { 0x8000, 1, W } } },
	{ "push %rbx", { 0x53 }, 1, 1, { { 0x4ff8, 8, W } } },
	{ "push $5", { 0x6a, 5 }, 2, 1, { { 0x4ff8, 8, W } } },
	{ "pop %rbx", { 0x5b }, 1, 1, { { 0x5000, 8, R } } },
	{ "push (%rdi)", { 0xff, 0x37 }, 2, 2, { { 0x8000, 8, R }, { 0x4ff8, 8, W } } },
	{ "pop (%rdi)", { 0x8f, 0x07 }, 2, 2, { { 0x5000, 8, R }, { 0x8000, 8, W } } },
	{ "pop 8(%rsp)", { 0x8f, 0x44, 0x24, 8 }, 4, 2, { { 0x5000, 8, R }, { 0x5010, 8, W } } },
	{ "pop (%r12)", { 0x41, 0x8f, 0x04, 0x24 }, 4, 2, { { 0x5000, 8, R }, { 0xd000, 8, W } } },
	{ "call .+5", { 0xe8, 0, 0, 0, 0 }, 5, 1, { { 0x4ff8, 8, W } } },
	{ "call *(%rdi)", { 0xff, 0x17 }, 2, 2, { { 0x8000, 8, R }, { 0x4ff8, 8, W } } },
	{ "jmp *(%rdi)", { 0xff, 0x27 }, 2, 1, { { 0x8000, 8, R } } },
	{ "ret", { 0xc3 }, 1, 1, { { 0x5000, 8, R } } },
	{ "leave", { 0xc9 }, 1, 1, { { 0x6000, 8, R } } },
	{ "rep movsb", { 0xf3, 0xa4 }, 2, 2, { { 0x7000, 1, R }, { 0x8000, 1, W } } },
	{ "movsq", { 0x48, 0xa5 }, 2, 2, { { 0x7000, 8, R }, { 0x8000, 8, W } } },
	{ "stosl", { 0xab }, 1, 1, { { 0x8000, 4, W } } },
	{ "lodsw", { 0x66, 0xad }, 2, 1, { { 0x7000, 2, R } } },
	{ "scasb", { 0xae }, 1, 1, { { 0x8000, 1, R } } },
	{ "cmpsb", { 0xa6 }, 1, 2, { { 0x7000, 1, R }, { 0x8000, 1, R } } },
	{ "mov 0x1234,%al", { 0xa0, 0x34, 0x12, 0, 0, 0, 0, 0, 0 }, 9, 1, { { 0x1234, 1, R } } },
	{ "mov %rax,0x1234", { 0x48, 0xa3, 0x34, 0x12, 0, 0, 0, 0, 0, 0 }, 10, 1,
	  { { 0x1234, 8, W } } },
	{ "xlat", { 0xd7 }, 1, 1, { { 0x4000, 1, R } } },
	{ "movdqu %xmm0,(%rdi)", { 0xf3, 0x0f, 0x7f, 0x07 }, 4, 1, { { 0x8000, 16, W } } },
	{ "movss %xmm0,(%rdi)", { 0xf3, 0x0f, 0x11, 0x07 }, 4, 1, { { 0x8000, 4, W } } },
	{ "movd %xmm0,(%rdi)", { 0x66, 0x0f, 0x7e, 0x07 }, 4, 1, { { 0x8000, 4, W } } },
	{ "movq (%rdi),%xmm0", { 0xf3, 0x0f, 0x7e, 0x07 }, 4, 1, { { 0x8000, 8, R } } },
	{ "vmovdqu %ymm0,(%rdi)", { 0xc5, 0xfe, 0x7f, 0x07 }, 4, 1, { { 0x8000, 32, W } } },
	{ "vextractf128 $1,%ymm0,(%rdi)", { 0xc4, 0xe3, 0x7d, 0x19, 0x07, 1 }, 6, 1,
	  { { 0x8000, 16, W } } },
	{ "fstpl (%rdi)", { 0xdd, 0x1f }, 2, 1, { { 0x8000, 8, W } } },
	{ "fldt (%rdi)", { 0xdb, 0x2f }, 2, 1, { { 0x8000, 10, R } } },
	{ "fxsave (%rdi)", { 0x0f, 0xae, 0x07 }, 3, 1, { { 0x8000, 512, W } } },
	{ "vmovss %xmm0,4(%rdi)", { 0x62, 0xf1, 0x7e, 0x08, 0x11, 0x47, 0x01 }, 7, 1, { { 0x8004, 4, W } } },
	{ "vpmovqb %zmm1,8(%rdi)", { 0x62, 0xf2, 0x7e, 0x48, 0x32, 0x4f, 0x01 }, 7, 1, { { 0x8008, 8, W } } },
	{ "vpternlogd $1,0x40(%rdi),%zmm0,%zmm0", { 0x62, 0xf3, 0x7d, 0x48, 0x25, 0x47, 0x01, 0x01 }, 8, 1,
	  { { 0x8040, 64, R } } },
	{ "mov %ebx,(%rdi), a REX too many", { 0x48, 0x40, 0x89, 0x1f }, 4, 1, { { 0x8000, 4, W } } },
	{ "mov %bx,(%rdi), REX too early", { 0x48, 0x66, 0x89, 0x1f }, 4, 1, { { 0x8000, 2, W } } },
	{ "lea (%rdi),%rax", { 0x48, 0x8d, 0x07 }, 3, 0, { { 0, 0, 0 } } },
	{ "prefetcht0 (%rdi)", { 0x0f, 0x18, 0x0f }, 3, 0, { { 0, 0, 0 } } },
	{ "mov %rax,%rbx", { 0x48, 0x89, 0xc3 }, 3, 0, { { 0, 0, 0 } } },
	{ "fxch", { 0xd9, 0xc9 }, 2, 0, { { 0, 0, 0 } } },
};

/* 16-bit code: DS has base 0x100000, SS 0x200000; BX 0x4000, SI 0x7000, DI 0x8000, BP 0x6000. */
static const struct access_row real_rows[] = {
	{ "mov (%bx,%si),%ax", { 0x8b, 0x00 }, 2, 1, { { 0x10b000, 2, R } } },
	{ "mov %ax,2(%bp,%di)", { 0x89, 0x43, 2 }, 3, 1, { { 0x20e002, 2, W } } },
	{ "mov %ax,0x1234", { 0x89, 0x06, 0x34, 0x12 }, 4, 1, { { 0x101234, 2, W } } },
	{ "mov %eax,-2(%bx)", { 0x66, 0x89, 0x47, 0xfe }, 4, 1, { { 0x103ffe, 4, W } } },
	{ "mov %ax,(%eax)", { 0x67, 0x89, 0x00 }, 3, 1, { { 0x101000, 2, W } } },
	{ "push %ax", { 0x50 }, 1, 1, { { 0x204ffe, 2, W } } },
};
/* clang-format on */

static void check_access_with(const struct access_row *rows, size_t count,
			      const struct vk_vectors *vectors)
{
	for (size_t i = 0; i < count; i++) {
		struct vk_operands list;
		int r = kvm_operands(&run, vectors, rows[i].code, rows[i].size, &list);

		ck_assert_msg(r == 0 && list.count == rows[i].count && !list.cut, "%s: %d %u",
			      rows[i].text, r, list.count);
		for (uint32_t n = 0; n < list.count; n++) {
			ck_assert_msg(list.op[n].linear == rows[i].op[n].linear &&
					      list.op[n].size == rows[i].op[n].size &&
					      list.op[n].access == rows[i].op[n].access,
				      "%s: %u: %#llx %u %u", rows[i].text, n,
				      (unsigned long long)list.op[n].linear, list.op[n].size,
				      list.op[n].access);
		}
		for (uint32_t n = 0; n < rows[i].size; n++) {
			kvm_operands(&run, vectors, rows[i].code, n, &list);
			ck_assert_msg(list.cut, "%s: not cut at %u", rows[i].text, n);
		}
	}
}

static void check_access(const struct access_row *rows, size_t count)
{
	check_access_with(rows, count, NULL);
}

START_TEST(accesses_of_64_bit_code)
{
	machine(1);
	check_access(access_rows, VSMTEST_COUNT(access_rows));
}
END_TEST

START_TEST(accesses_of_16_bit_code)
{
	machine(0);
	run.s.regs.sregs.cs.db = 0;
	check_access(real_rows, VSMTEST_COUNT(real_rows));
}
END_TEST

/* With vector registers that a test has filled. */
struct image {
	uint8_t bytes[4096];
	struct vk_vectors v;
};

static const uint32_t offsets[VK_XSTATES] = { 0, 0, 576, 0, 0, 832, 896, 1408 };

static void image_init(struct image *m)
{
	memset(m, 0, sizeof(*m));
	m->bytes[VK_XSTATE_BV] = 0xe7;
	m->v.image = m->bytes;
	m->v.size = sizeof(m->bytes);
	memcpy(m->v.at, offsets, sizeof(offsets));
}

static void xmm(struct image *m, uint32_t number, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	uint32_t value[] = { a, b, c, d };

	memcpy(m->bytes + 160 + 16 * (size_t)number, value, sizeof(value));
}

static void k1(struct image *m, uint64_t value)
{
	memcpy(m->bytes + offsets[VK_XSTATE_OPMASK] + 8, &value, sizeof(value));
}

#define MAYBE VK_MAYBE

/* XMM1 is the index, XMM2 the mask; RDI 0x8000, RBP 0x6000. */
/* clang-format off */
static const struct masked_row {
	struct access_row a;
	uint32_t index[4], mask[4];
	uint64_t k1;
} masked_rows[] = {
	{ { "vpgatherdd %xmm2,(%rdi,%xmm1,4),%xmm0", { 0xc4, 0xe2, 0x69, 0x90, 0x04, 0x8f }, 6, 3,
	    { { 0x8004, 4, R }, { 0x7ffc, 4, R }, { 0xfffffffe00008000, 4, R } } },
	  { 1, 0, -1u, 0x80000000 }, { -1u, 1, 0x80000000, -1u }, 0 },
	{ { "vpgatherqq %xmm2,-8(%rdi,%xmm1,8),%xmm0", { 0xc4, 0xe2, 0xe9, 0x91, 0x44, 0xcf, 0xf8 }, 7, 2,
	    { { 0x8008, 8, R }, { 0x7ff0, 8, R } } }, { 2, 0, -1u, -1u }, { 0, -1u, 0, -1u }, 0 },
	{ { "vpgatherqd, address of 32 bits", { 0x67, 0xc4, 0xe2, 0x69, 0x91, 0x04, 0x8f }, 7, 1,
	    { { 0x7ffc, 4, R } } }, { 0x3fffffff, 0, 0, 0 }, { -1u, 0, 0, 0 }, 0 },
	{ { "vpscatterdd %xmm3,(%rdi,%xmm1,4){%k1}", { 0x62, 0xf2, 0x7d, 0x09, 0xa0, 0x1c, 0x8f }, 7, 2,
	    { { 0x8008, 4, W }, { 0x8004, 4, W } } }, { 0, 2, 3, 1 }, { 0 }, 0xfa },
	{ { "vmaskmovps %xmm1,%xmm2,(%rdi)", { 0xc4, 0xe2, 0x69, 0x2e, 0x0f }, 5, 2,
	    { { 0x8004, 8, W }, { 0x8000, 16, W | MAYBE } } }, { 0 }, { 0, -1u, -1u, 0 }, 0 },
	{ { "maskmovdqu %xmm2,%xmm0", { 0x66, 0x0f, 0xf7, 0xc2 }, 4, 2,
	    { { 0x8003, 10, W }, { 0x8000, 16, W | MAYBE } } }, { 0 }, { 0x80000000, 0, 0, 0x80 }, 0 },
	{ { "%fs: maskmovdqu %xmm2,%xmm0", { 0x64, 0x66, 0x0f, 0xf7, 0xc2 }, 5, 1,
	    { { 0xf8000, 16, W } } }, { 0 }, { -1u, -1u, -1u, -1u }, 0 },
	{ { "vmovdqu32 %zmm1,-0x20(%rdi){%k1}",
	    { 0x62, 0xf1, 0x7e, 0x49, 0x7f, 0x8f, 0xe0, 0xff, 0xff, 0xff }, 10, 3,
	    { { 0x7fe4, 28, W }, { 0x8008, 4, W }, { 0x7fe0, 64, W | MAYBE } } }, { 0 }, { 0 }, 0x0482 },
	{ { "vpcompressd %zmm1,-4(%rdi){%k1}", { 0x62, 0xf2, 0x7d, 0x49, 0x8b, 0x4f, 0xff }, 7, 3,
	    { { 0x7ffc, 4, W }, { 0x8000, 8, W }, { 0x7ffc, 64, W | MAYBE } } }, { 0 }, { 0 }, 0x8180 },
	{ { "vaddps 4(%rdi){1to16},%zmm1,%zmm0{%k1}", { 0x62, 0xf1, 0x74, 0x59, 0x58, 0x47, 0x01 }, 7, 1,
	    { { 0x8004, 4, R } } }, { 0 }, { 0 }, 0x8000 },
	{ { "vaddps 4(%rdi){1to16}, nothing", { 0x62, 0xf1, 0x74, 0x59, 0x58, 0x47, 0x01 }, 7, 1,
	    { { 0x8004, 4, R | MAYBE } } }, { 0 }, { 0 }, 0x10000 },
	{ { "vbroadcasti32x4 (%rdi),%zmm0{%k1}", { 0x62, 0xf2, 0x7d, 0x49, 0x5a, 0x07 }, 6, 2,
	    { { 0x8004, 8, R }, { 0x8000, 16, R | MAYBE } } }, { 0 }, { 0 }, 0x0420 },
};
/* clang-format on */

START_TEST(masks_and_indices)
{
	struct image m;

	machine(1);
	for (uint32_t i = 0; i < VSMTEST_COUNT(masked_rows); i++) {
		const struct masked_row *r = &masked_rows[i];

		image_init(&m);
		xmm(&m, 1, r->index[0], r->index[1], r->index[2], r->index[3]);
		xmm(&m, 2, r->mask[0], r->mask[1], r->mask[2], r->mask[3]);
		k1(&m, r->k1);
		check_access_with(&r->a, 1, &m.v);
	}
}
END_TEST

/* The image has MMX registers where the x87 stack has them: MASKMOVQ with MM2, which is R2. */
START_TEST(mmx_registers_in_the_order_of_the_stack)
{
	static const uint8_t maskmovq[] = { 0x0f, 0xf7, 0xca };
	struct vk_operands list;
	struct image m;

	machine(1);
	for (uint32_t top = 0; top < 8; top++) {
		image_init(&m);
		m.bytes[3] = (uint8_t)(0xc7 | top << 3); /* All other bits of the byte are set. */
		m.bytes[32 + 16 * ((2 - top) & 7) + 5] = 0x80;
		ck_assert_int_eq(kvm_operands(&run, &m.v, maskmovq, sizeof(maskmovq), &list), 0);
		ck_assert_uint_eq(list.count, 2);
		ck_assert_uint_eq(list.op[0].linear, 0x8005);
		ck_assert_uint_eq(list.op[0].size, 1);
		ck_assert_uint_eq(list.op[1].access, W | MAYBE);
	}
}
END_TEST

/* It is said that they are wanted, and nothing else; a component that is not in the image is 0. */
START_TEST(vector_registers_that_are_not_there)
{
	static const uint8_t gather[] = { 0xc4, 0xe2, 0x69, 0x90, 0x04, 0x0f };
	static const uint8_t scatter[] = { 0x62, 0xf2, 0x7d, 0x09, 0xa0, 0x1c, 0x8f };
	static const uint8_t load[] = { 0xc5, 0xfe, 0x6f, 0x0e };
	struct vk_operands list;
	struct image m;

	machine(1);
	image_init(&m);
	ck_assert_int_eq(kvm_operands(&run, NULL, gather, sizeof(gather), &list), -1);
	ck_assert_uint_eq(list.count, 0);
	ck_assert_uint_eq(list.wants_vectors, 1);
	ck_assert_int_eq(kvm_operands(&run, NULL, load, sizeof(load), &list), 0);
	ck_assert_uint_eq(list.wants_vectors, 0);
	k1(&m, 0xff);
	ck_assert_int_eq(kvm_operands(&run, &m.v, scatter, sizeof(scatter), &list), 0);
	ck_assert_uint_eq(list.count, 4);
	m.v.size = offsets[VK_XSTATE_OPMASK] + 15; /* K1 ends behind it. */
	ck_assert_int_eq(kvm_operands(&run, &m.v, scatter, sizeof(scatter), &list), 0);
	ck_assert_uint_eq(list.count, 0);
	m.v.size = sizeof(m.bytes);
	m.v.at[VK_XSTATE_OPMASK] = 0;
	ck_assert_int_eq(kvm_operands(&run, &m.v, scatter, sizeof(scatter), &list), 0);
	ck_assert_uint_eq(list.count, 0);
}
END_TEST

static uint32_t seed = 7;

static uint8_t any(void)
{
	seed = seed * 1103515245u + 12345u;
	return (uint8_t)(seed >> 16);
}

/* Whatever bytes and registers are, nothing beyond them is looked at, and operands are few. */
START_TEST(random_bytes_are_bounded)
{
	static const uint8_t first[] = { 0xc4, 0xc5, 0x62, 0x66 };
	uint32_t known = 0, masked = 0;
	struct vk_operands list;

	for (uint32_t i = 0; i < 400000; i++) {
		uint32_t size = i % 16, image_size = (uint32_t)any() * 16;
		uint8_t *code = malloc(size + 1u), *image = malloc(image_size + 1u);
		struct vk_vectors v = { image, image_size, { 0 } };

		machine((i & 16) != 0);
		for (uint32_t j = 0; j < size; j++)
			code[j] = any();
		if (size > 7 && (i & 32) != 0) {
			code[0] = first[any() % 4];
			code[1] = (code[0] == 0x62 ? 0xf0 : 0xe0) | (any() & 3);
			code[2] |= 4;
		}
		for (uint32_t j = 0; j < image_size; j++)
			image[j] = any();
		for (uint32_t j = 0; j < VK_XSTATES; j++)
			v.at[j] = (i & 64) != 0 ? offsets[j] : (uint32_t)any() << 24 | any();
		known += kvm_operands(&run, (i & 128) != 0 ? &v : NULL, code, size, &list) == 0;
		ck_assert_uint_le(list.count, VK_OPERANDS_MAX);
		for (uint32_t j = 0; j < list.count; j++)
			masked += (list.op[j].access & VK_MAYBE) != 0;
		free(code);
		free(image);
	}
	printf("# %u known, %u of them masked\n", known, masked);
	ck_assert_uint_gt(known, 1000);
	ck_assert_uint_gt(masked, 200);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(operands_of_64_bit_code),
	VSMTEST_CASE(operands_of_32_bit_code),
	VSMTEST_CASE(accesses_of_64_bit_code),
	VSMTEST_CASE(accesses_of_16_bit_code),
	VSMTEST_CASE(masks_and_indices),
	VSMTEST_CASE(mmx_registers_in_the_order_of_the_stack),
	VSMTEST_CASE(vector_registers_that_are_not_there),
	VSMTEST_CASE(random_bytes_are_bounded),
};

int main(void)
{
	return vsmtest_main("kvm_operand", cases, VSMTEST_COUNT(cases));
}
