/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Denied accesses of AVX2 and AVX-512 code in user mode: gathers, scatters and masks. KVM's
 * emulator knows none of it, so the processor must execute it; where it does not, there is nothing
 * to test.
 */
#include "kvmtest.h"

#include <sys/ioctl.h>

#define DATA_GPA OTHER_GPA
#define AT_MASK	 (DATA_GPA + 0x20) /* of YMM2 */
#define AT_K1	 (DATA_GPA + 0x40)

#define P	 PAGE_GPA /* Denied, between two pages that are not. */
#define RD	 HV_INTERCEPT_ACCESS_READ
#define WR	 HV_INTERCEPT_ACCESS_WRITE
#define NO	 0xffu /* No intercept: it completes. */
#define MAY	 0x80u /* This intercept, or none: the architecture leaves it to the processor. */
#define ON	 0x80000000u
#define Q(value) (uint32_t)(value), (uint32_t)((uint64_t)(int64_t)(value) >> 32)

/* An instruction, and what it runs with. */
struct shape {
	const char *name;
	uint8_t code[10];
	uint8_t size;
	uint8_t access; /* of the intercept: RD, WR, NO; MAY */
	uint64_t rdi;
	uint64_t gpa; /* of the intercept */
	uint64_t k1;
	uint32_t reg[16]; /* YMM1, ZMM1 and ZMM17 */
	uint32_t mask[8]; /* YMM2 */
};

/* clang-format off */
/* vmovdqu (%rsi),%ymm1; vmovdqu 0x20(%rsi),%ymm2; vpxor %ymm0,%ymm0,%ymm0 */
static const uint8_t avx2_before[] = { 0xc5, 0xfe, 0x6f, 0x0e, 0xc5, 0xfe, 0x6f, 0x56, 0x20,
				       0xc5, 0xfd, 0xef, 0xc0 };
/* vmovdqu %ymm0,0x80(%rsi) */
static const uint8_t avx2_after[] = { 0xc5, 0xfe, 0x7f, 0x86, 0x80, 0, 0, 0, STOP };
/* kmovq 0x40(%rsi),%k1; vmovdqu64 (%rsi),%zmm1; vmovdqa64 %zmm1,%zmm17;
 * vpxord %zmm0,%zmm0,%zmm0 */
static const uint8_t avx512_before[] = { 0xc4, 0xe1, 0xf8, 0x90, 0x4e, 0x40,
					 0x62, 0xf1, 0xfe, 0x48, 0x6f, 0x0e,
					 0x62, 0xe1, 0xfd, 0x48, 0x6f, 0xc9,
					 0x62, 0xf1, 0x7d, 0x48, 0xef, 0xc0 };
/* vmovdqu64 %zmm0,0x80(%rsi) */
static const uint8_t avx512_after[] = { 0x62, 0xf1, 0xfe, 0x48, 0x7f, 0x46, 0x02, STOP };

#define ALL8 { ON, ON, ON, ON, ON, ON, ON, ON }
#define ALLQ { 0, ON, 0, ON, 0, ON, 0, ON }

#define SEVERAL { 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26 }
#define SPREAD	{ -1u, 2, -2u, 3, 4, [7] = -4u, [15] = -3u }
#define SPREADQ { Q(-2), Q(-3), Q(2), Q(0), Q(0), Q(0), Q(0), Q(-4) }

static const struct shape avx2[] = {
	{ "vpgatherdd %ymm2,(%rdi,%ymm1,4),%ymm0", { 0xc4, 0xe2, 0x6d, 0x90, 0x04, 0x8f }, 6,
	  RD, P - 0x1000, P + 0x14, 0, { 0, 1, 0x405, 2, 3, 0x406, 4, 5 }, ALL8 },
	{ "vpgatherdd, what is denied is masked off", { 0xc4, 0xe2, 0x6d, 0x90, 0x04, 0x8f }, 6,
	  NO, P - 0x1000, 0, 0, { 0, 1, 0x405, 2, 3, 0x406, 4, 5 }, { ON, ON, 0x7fffffff, ON, ON, 0, ON, ON } },
	{ "vpgatherdd, the first denied one is masked off", { 0xc4, 0xe2, 0x6d, 0x90, 0x04, 0x8f }, 6,
	  RD, P - 0x1000, P + 0x18, 0, { 0, 1, 0x405, 2, 3, 0x406, 4, 5 }, { 0, 0, 0, 0, 0, ON, ON, 0 } },
	{ "vpgatherdq %ymm2,(%rdi,%xmm1,8),%ymm0", { 0xc4, 0xe2, 0xed, 0x90, 0x04, 0xcf }, 6,
	  RD, P, P + 8, 0, { -2u, -1u, 1, -3u }, ALLQ },
	{ "vpgatherqd %xmm2,(%rdi,%ymm1,4),%xmm0", { 0xc4, 0xe2, 0x6d, 0x91, 0x04, 0x8f }, 6,
	  RD, P, P + 12, 0, { Q(-1), Q(-2), Q(3), Q(-4) }, ALL8 },
	{ "vpgatherqq %ymm2,(%rdi,%ymm1,8),%ymm0", { 0xc4, 0xe2, 0xed, 0x91, 0x04, 0xcf }, 6,
	  RD, P, P + 16, 0, { Q(-1), Q(-2), Q(2), Q(-3) }, ALLQ },
	{ "vgatherdps %xmm2,0x10(%rdi,%xmm1,4),%xmm0", { 0xc4, 0xe2, 0x69, 0x92, 0x44, 0x8f, 0x10 }, 7,
	  RD, P, P + 16, 0, { -8u, -9u, 0, -10u }, ALL8 },
	{ "vgatherdpd %xmm2,(%rdi,%xmm1,8),%xmm0", { 0xc4, 0xe2, 0xe9, 0x92, 0x04, 0xcf }, 6,
	  RD, P, P + 24, 0, { -8u, 3 }, ALLQ },
	{ "vgatherqps %xmm2,(%rdi,%ymm1,4),%xmm0", { 0xc4, 0xe2, 0x6d, 0x93, 0x04, 0x8f }, 6,
	  RD, P, P + 12, 0, { Q(-1), Q(-2), Q(3), Q(-4) }, ALL8 },
	{ "vgatherqpd %xmm2,-8(%rdi,%xmm1,8),%xmm0", { 0xc4, 0xe2, 0xe9, 0x93, 0x44, 0xcf, 0xf8 }, 7,
	  RD, P, P + 16, 0, { Q(-1), Q(3) }, ALLQ },
	{ "vmaskmovps (%rdi),%ymm2,%ymm0", { 0xc4, 0xe2, 0x6d, 0x2c, 0x07 }, 5,
	  RD, P - 16, P + 4, 0, { 0 }, { ON, 0, 0, ON, 0, ON, 0, 0 } },
	{ "vmaskmovps (%rdi),%ymm2,%ymm0, masked off", { 0xc4, 0xe2, 0x6d, 0x2c, 0x07 }, 5,
	  NO, P - 16, 0, 0, { 0 }, { ON, ON, ON, ON, 0, 0, 0, 0 } },
	{ "vmaskmovps %ymm1,%ymm2,(%rdi)", { 0xc4, 0xe2, 0x6d, 0x2e, 0x0f }, 5,
	  WR, P - 16, P + 4, 0, SEVERAL, { ON, 0, 0, 0, 0, ON, 0, 0 } },
	{ "vmaskmovps %ymm1,%ymm2,(%rdi), masked off", { 0xc4, 0xe2, 0x6d, 0x2e, 0x0f }, 5,
	  NO, P - 16, 0, 0, SEVERAL, { ON, 0, 0, ON, 0, 0, 0, 0 } },
	{ "vpmaskmovq %ymm1,%ymm2,(%rdi)", { 0xc4, 0xe2, 0xed, 0x8e, 0x0f }, 5,
	  WR, P - 16, P + 8, 0, SEVERAL, { 0, ON, 0, 0, ON, 0, 0, ON } },
	{ "vmaskmovdqu %xmm2,%xmm1", { 0xc5, 0xf9, 0xf7, 0xca }, 4,
	  WR, P - 8, P + 4, 0, SEVERAL, { 0x80808080, 0, 0, 0x80808080 } },
	{ "maskmovdqu %xmm2,%xmm1, masked off", { 0x66, 0x0f, 0xf7, 0xca }, 4,
	  WR | MAY, P - 8, P, 0, SEVERAL, { 0x80808080, 0x80808080, 0, 0 } },
};

static const struct shape avx512[] = {
	{ "vmovdqu32 %zmm1,(%rdi){%k1}", { 0x62, 0xf1, 0x7e, 0x49, 0x7f, 0x0f }, 6,
	  WR, P - 0x20, P + 0x1c, 0x8001, SEVERAL, { 0 } },
	{ "vmovdqu32 %zmm1,(%rdi){%k1}, masked off", { 0x62, 0xf1, 0x7e, 0x49, 0x7f, 0x0f }, 6,
	  NO, P - 0x20, 0, 0x81, SEVERAL, { 0 } },
	{ "vmovdqu32 (%rdi),%zmm0{%k1}{z}", { 0x62, 0xf1, 0x7e, 0xc9, 0x6f, 0x07 }, 6,
	  RD, P - 0x20, P + 0x1c, 0x8001, { 0 }, { 0 } },
	{ "vmovdqu32 (%rdi),%zmm0{%k1}{z}, masked off", { 0x62, 0xf1, 0x7e, 0xc9, 0x6f, 0x07 }, 6,
	  NO, P - 0x20, 0, 0x81, { 0 }, { 0 } },
	{ "vmovdqu8 %zmm1,(%rdi){%k1}", { 0x62, 0xf1, 0x7f, 0x49, 0x7f, 0x0f }, 6,
	  WR, P - 0x20, P + 4, 0xf00000000full, SEVERAL, { 0 } },
	{ "vmovdqu64 -0x40(%rdi),%zmm0", { 0x62, 0xf1, 0xfe, 0x48, 0x6f, 0x47, 0xff }, 7,
	  RD, P + 0x30, P, 0, { 0 }, { 0 } },
	{ "vmovdqu64 %zmm17,0x40(%rdi)", { 0x62, 0xe1, 0xfe, 0x48, 0x7f, 0x4f, 0x01 }, 7,
	  WR, P - 0x60, P, 0, SEVERAL, { 0 } },
	{ "vpaddd 0x14(%rdi){1to16},%zmm1,%zmm0", { 0x62, 0xf1, 0x75, 0x58, 0xfe, 0x47, 0x05 }, 7,
	  RD, P, P + 0x14, 0, SEVERAL, { 0 } },
	{ "vpcompressd %zmm1,(%rdi){%k1}", { 0x62, 0xf2, 0x7d, 0x49, 0x8b, 0x0f }, 6,
	  WR, P - 8, P, 0x8811, SEVERAL, { 0 } },
	{ "vpcompressd %zmm1,(%rdi){%k1}, not so far", { 0x62, 0xf2, 0x7d, 0x49, 0x8b, 0x0f }, 6,
	  NO, P - 8, 0, 0x8001, SEVERAL, { 0 } },
	{ "vpexpandd (%rdi),%zmm0{%k1}{z}", { 0x62, 0xf2, 0x7d, 0xc9, 0x89, 0x07 }, 6,
	  RD, P - 8, P, 0x8101, { 0 }, { 0 } },
	{ "vpmovdb %zmm1,(%rdi){%k1}", { 0x62, 0xf2, 0x7e, 0x49, 0x31, 0x0f }, 6,
	  WR, P - 8, P + 4, 0xf000, SEVERAL, { 0 } },
	{ "vpgatherdd (%rdi,%zmm1,4),%zmm0{%k1}", { 0x62, 0xf2, 0x7d, 0x49, 0x90, 0x04, 0x8f }, 7,
	  RD, P, P + 12, 0x8d, SPREAD, { 0 } },
	{ "vpgatherdd (%rdi,%zmm17,4),%zmm0{%k1}", { 0x62, 0xf2, 0x7d, 0x41, 0x90, 0x04, 0x8f }, 7,
	  RD, P, P + 12, 0x8d, SPREAD, { 0 } },
	{ "vpgatherqq 8(%rdi,%zmm1,8),%zmm0{%k1}", { 0x62, 0xf2, 0xfd, 0x49, 0x91, 0x44, 0xcf, 0x01 }, 8,
	  RD, P, P + 24, 0x87, SPREADQ, { 0 } },
	{ "vpscatterdd %zmm1,(%rdi,%zmm1,4){%k1}", { 0x62, 0xf2, 0x7d, 0x49, 0xa0, 0x0c, 0x8f }, 7,
	  WR, P, P + 12, 0x8d, SPREAD, { 0 } },
	{ "vscatterqpd %zmm1,(%rdi,%zmm1,8){%k1}", { 0x62, 0xf2, 0xfd, 0x49, 0xa3, 0x0c, 0xcf }, 7,
	  WR, P, P + 16, 0x87, SPREADQ, { 0 } },
	{ "vpscatterdd, what is denied is masked off", { 0x62, 0xf2, 0x7d, 0x49, 0xa0, 0x0c, 0x8f }, 7,
	  NO, P, 0, 0x85, SPREAD, { 0 } },
	{ "vpunpckldq (%rdi),%zmm1,%zmm0{%k1}{z}", { 0x62, 0xf1, 0x75, 0xc9, 0x62, 0x07 }, 6,
	  RD | MAY, P - 0x20, P, 1, SEVERAL, { 0 } },
	{ "vextracti32x4 $1,%zmm1,(%rdi){%k1}", { 0x62, 0xf3, 0x7d, 0x49, 0x39, 0x0f, 0x01 }, 7,
	  WR | MAY, P - 4, P, 1, SEVERAL, { 0 } },
	{ "vbroadcasti32x4 (%rdi),%zmm0{%k1}{z}", { 0x62, 0xf2, 0x7d, 0xc9, 0x5a, 0x07 }, 6,
	  RD, P - 8, P + 4, 0x0801, { 0 }, { 0 } },
	{ "vbroadcasti32x4 (%rdi),%zmm0{%k1}{z}, masked off", { 0x62, 0xf2, 0x7d, 0xc9, 0x5a, 0x07 }, 6,
	  RD | MAY, P - 8, P, 0x0011, { 0 }, { 0 } },
};
/* clang-format on */

#define PAGES_AT   (P - 0x1000)
#define PAGES_SIZE 0x3000u

/* What the instructions touch: three pages that hold their addresses, and the registers' values. */
static void fill(struct kt *t, const struct shape *s, int wide)
{
	for (uint64_t gpa = PAGES_AT; gpa < PAGES_AT + PAGES_SIZE; gpa += 4)
		memcpy(t->ram + gpa, &(uint32_t){ (uint32_t)gpa }, 4);
	memset(t->ram + DATA_GPA, 0, 0x100);
	memcpy(t->ram + DATA_GPA, s->reg, sizeof(s->reg));
	if (wide)
		memcpy(t->ram + AT_K1, &s->k1, 8);
	else
		memcpy(t->ram + AT_MASK, s->mask, sizeof(s->mask));
}

/* Where the host announces XSAVE, the guest has to ask for the registers. */
static void enable(struct kt *t)
{
	struct kvm_xcrs x = { .nr_xcrs = 1 };

	if ((kvm_cpuid_cr4_mask(&t->k->facts) & VK_X86_CR4_OSXSAVE) == 0)
		return;
	kt_set(t, 0, HV_X64_REGISTER_CR4, 0x620 | VK_X86_CR4_OSXSAVE);
	x.xcrs[0].value = 0xe7;
	if (ioctl(vsm_kvm_vcpu_fd(t->vp, 0), KVM_SET_XCRS, &x) == 0)
		return;
	x.xcrs[0].value = 7;
	ck_assert_int_eq(ioctl(vsm_kvm_vcpu_fd(t->vp, 0), KVM_SET_XCRS, &x), 0);
}

/* @return where the instruction is. */
static uint64_t start(struct kt *t, const struct shape *s, int wide)
{
	uint32_t before = wide ? sizeof(avx512_before) : sizeof(avx2_before);
	uint32_t after = wide ? sizeof(avx512_after) : sizeof(avx2_after);
	uint8_t code[64];

	memcpy(code, wide ? avx512_before : avx2_before, before);
	memcpy(code + before, s->code, s->size);
	memcpy(code + before + s->size, wide ? avx512_after : avx2_after, after);
	kt_long_mode(t, 0, 3);
	enable(t);
	kt_set(t, 0, HV_X64_REGISTER_RBP, 0xff);
	kt_set(t, 0, HV_X64_REGISTER_RSI, DATA_GPA);
	kt_set(t, 0, HV_X64_REGISTER_RDI, s->rdi);
	kt_code(t, 0, code, before + s->size + after);
	return CODE_GPA + before;
}

/* Does the guest execute it, with nothing denied? What it has done then is what it is to do. */
static int executes(struct kt *t, const struct shape *s, int wide)
{
	fill(t, s, wide);
	start(t, s, wide);
	ck_assert_uint_eq(kt_stop(t), 0);
	return kt_get(t, 0, HV_X64_REGISTER_RBP) == 0xff;
}

static void check_message(struct kt *t, const struct shape *s, uint64_t rip)
{
	struct hv_message message = kt_intercept(t);
	const struct hv_x64_memory_intercept_message *m = (const void *)message.payload;

	ck_assert_msg(message.header.message_type == HVMSG_GPA_INTERCEPT, "%s: message type %#x",
		      s->name, message.header.message_type);
	ck_assert_msg(m->guest_physical_address == s->gpa, "%s: GPA %#llx", s->name,
		      (unsigned long long)m->guest_physical_address);
	ck_assert_msg(m->header.intercept_access_type == (s->access & ~MAY), "%s: access %u",
		      s->name, m->header.intercept_access_type);
	ck_assert_msg(m->header.rip == rip, "%s: RIP %#llx", s->name,
		      (unsigned long long)m->header.rip);
	ck_assert_mem_eq(m->instruction_bytes, s->code, s->size);
}

/* Deny, run, be told, grant, go on. */
static void deny_and_grant(struct kt *t, const struct shape *s, int wide)
{
	uint64_t gpa = P, rip;
	uint32_t vtl;

	kt_long_mode(t, 0, 0);
	kt_vtl1(t);
	fill(t, s, wide);
	kt_deny(t, P, 0);
	kt_switch(t, 1);
	rip = start(t, s, wide);
	vtl = kt_stop(t);
	ck_assert_msg((s->access & MAY) != 0 || vtl == (s->access != NO), "%s: stops in VTL%u",
		      s->name, vtl);
	if (vtl == 1) {
		check_message(t, s, rip);
		for (uint32_t i = 0; i < 4096; i += 4)
			ck_assert_uint_eq(*(uint32_t *)(void *)(t->ram + P + i), P + i);
		ck_assert_uint_eq(kt_protect(t, 1, HV_MAP_GPA_PERMISSIONS_MASK, &gpa, 1), REPS(1));
		ck_assert_msg(kt_resume(t) == 0, "%s: a second intercept", s->name);
	}
	ck_assert_msg(kt_get(t, 0, HV_X64_REGISTER_RBP) == 0xff, "%s: exception %u", s->name,
		      (unsigned int)kt_get(t, 0, HV_X64_REGISTER_RBP));
}

static void one(const struct shape *s, int wide)
{
	uint8_t *want = malloc(PAGES_SIZE + 0x100);
	struct kt *t = kt_new(NULL);

	ck_assert_ptr_nonnull(want);
	ck_assert(executes(t, s, wide));
	memcpy(want, t->ram + PAGES_AT, PAGES_SIZE);
	memcpy(want + PAGES_SIZE, t->ram + DATA_GPA, 0x100);
	deny_and_grant(t, s, wide);
	ck_assert_msg(memcmp(want, t->ram + PAGES_AT, PAGES_SIZE) == 0, "%s: memory", s->name);
	ck_assert_msg(memcmp(want + PAGES_SIZE, t->ram + DATA_GPA, 0x100) == 0, "%s: registers",
		      s->name);
	kt_free(t);
	free(want);
}

static void all(const char *what, const struct shape *shapes, size_t count, int wide)
{
	struct kt *t = kt_new(NULL);
	int there = executes(t, &shapes[0], wide);

	kt_free(t);
	if (!there)
		printf("# this guest does not execute %s: only the decoder is tested\n", what);
	for (size_t i = 0; i < count && there; i++)
		one(&shapes[i], wide);
}

START_TEST(avx2_in_user_mode)
{
	all("AVX2", avx2, VSMTEST_COUNT(avx2), 0);
}
END_TEST

START_TEST(avx512_in_user_mode)
{
	all("AVX-512", avx512, VSMTEST_COUNT(avx512), 1);
}
END_TEST

/* What MASKMOVQ stores with, wherever the x87 stack has its top: MM0..MM7 are the registers
 * themselves, an image has them as the stack does. A processor may have set TOP to 0 when it
 * faults, though, and then there is nothing to be told apart: test_operand.c. */
START_TEST(mmx_registers_and_the_top_of_the_stack)
{
	/* fninit; movq 8*n(%rsi),%mm<n> for n 0..7 */
	static const uint8_t before[] = { 0xdb, 0xe3, 0x0f, 0x6f, 0x06, 0x0f, 0x6f, 0x4e, 0x08,
					  0x0f, 0x6f, 0x56, 0x10, 0x0f, 0x6f, 0x5e, 0x18, 0x0f,
					  0x6f, 0x66, 0x20, 0x0f, 0x6f, 0x6e, 0x28, 0x0f, 0x6f,
					  0x76, 0x30, 0x0f, 0x6f, 0x7e, 0x38 };
	uint64_t rip, gpa = P;
	uint8_t code[64];

	for (uint32_t top = 0; top < 8; top++) {
		struct kt *t = kt_new(NULL);
		size_t n = sizeof(before);
		struct hv_message message;
		const struct hv_x64_memory_intercept_message *m = (const void *)message.payload;

		kt_vtl1(t);
		memset(t->ram + P, 0, 4096);
		memset(t->ram + DATA_GPA, 0xff, 64);
		*kt_at(t, DATA_GPA + 8) = 0x1122334455667788ull;
		/* Of the bytes in the denied page only the second. */
		*kt_at(t, DATA_GPA + 16) = 0x800000000000ull;
		kt_deny(t, P, 0);
		kt_switch(t, 1);
		kt_long_mode(t, 0, 3);
		memcpy(code, before, n);
		for (uint32_t i = 0; i < top; i++, n += 2)
			memcpy(code + n, "\xd9\xf7", 2); /* fincstp */
		memcpy(code + n, "\xdf\xe0", 2); /* fnstsw %ax */
		n += 2;
		rip = CODE_GPA + n;
		/* maskmovq %mm2,%mm1 */
		memcpy(code + n, "\x0f\xf7\xca\xe6\x80", 5);
		kt_set(t, 0, HV_X64_REGISTER_RSI, DATA_GPA);
		kt_set(t, 0, HV_X64_REGISTER_RDI, P - 4);
		kt_code(t, 0, code, n + 5);
		ck_assert_uint_eq(kt_stop(t), 1);
		message = kt_intercept(t);
		ck_assert_uint_eq(message.header.message_type, HVMSG_GPA_INTERCEPT);
		ck_assert_msg(m->guest_physical_address == P + 1, "TOP %u: GPA %#llx", top,
			      (unsigned long long)m->guest_physical_address);
		ck_assert_uint_eq(m->header.intercept_access_type, WR);
		ck_assert_uint_eq(m->header.rip, rip);
		ck_assert_uint_eq(t->saved[0] >> 11 & 7, top);
		ck_assert_uint_eq(kt_protect(t, 1, HV_MAP_GPA_PERMISSIONS_MASK, &gpa, 1), REPS(1));
		ck_assert_uint_eq(kt_resume(t), 0);
		ck_assert_uint_eq(*kt_at(t, P), 0x3300);
		kt_free(t);
	}
}
END_TEST

/* A part that is masked off is to blame when nothing else can be: not if rights have changed since
 * the guest was entered, so that what stopped it may be gone. */
START_TEST(a_mask_is_not_to_blame_for_what_was_granted_meanwhile)
{
	struct kt *t = kt_new(NULL);
	struct vsm_reg mask = { .name = HV_X64_REGISTER_XMM2 };
	int mine;

	kt_vtl1(t);
	kt_deny(t, P, 0);
	kt_switch(t, 1);
	kt_long_mode(t, 0, 3);
	assert_err(vsm_kvm_vp_set(t->vp, 0, &mask, 1), 0);
	kt_set(t, 0, HV_X64_REGISTER_RDI, P - 8);
	KT_CODE(t, 0, 0x66, 0x0f, 0xf7, 0xca); /* maskmovdqu %xmm2,%xmm1 */
	t->vp->epoch = atomic_load(&t->k->epoch) - 1;
	ck_assert_int_eq(kvm_fault_native(t->vp, 0, VK_NO_PAGE, &mine), VSM_VERDICT_RETRY);
	ck_assert_int_eq(mine, 1);
	t->vp->epoch = atomic_load(&t->k->epoch);
	ck_assert_int_eq(kvm_fault_native(t->vp, 0, VK_NO_PAGE, &mine), VSM_VERDICT_SWITCHED);
	ck_assert_int_eq(mine, 1);
	kt_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(avx2_in_user_mode),
	VSMTEST_CASE(avx512_in_user_mode),
	VSMTEST_CASE(mmx_registers_and_the_top_of_the_stack),
	VSMTEST_CASE(a_mask_is_not_to_blame_for_what_was_granted_meanwhile),
};

int main(void)
{
	return kt_main("kvm_vectors", cases, VSMTEST_COUNT(cases));
}
