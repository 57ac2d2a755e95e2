/* SPDX-License-Identifier: BSD-3-Clause */
/* Loads and stores of pages whose execute right is taken away by emulation. */
#include "kvmtest_emulate.h"

#define READS  1u
#define WRITES 2u
#define MODIFY 4u /* stores what it has loaded from the same place */

/* Each runs with RBX = VALUE, RAX = OLD, RCX = 8. */
struct shape {
	const char *name;
	uint8_t code[12];
	uint8_t size;
	uint8_t does; /* to the page */
	uint64_t rdi, rsi, rsp;
};

/* clang-format off */
static const struct shape shapes[] = {
	{ "mov (%rdi),%bl", { 0x8a, 0x1f }, 2, READS, TARGET, 0, 0 },
	{ "mov (%rdi),%bx", { 0x66, 0x8b, 0x1f }, 3, READS, TARGET, 0, 0 },
	{ "mov (%rdi),%ebx", { 0x8b, 0x1f }, 2, READS, TARGET, 0, 0 },
	{ "mov (%rdi),%rbx", { 0x48, 0x8b, 0x1f }, 3, READS, TARGET, 0, 0 },
	{ "mov (%rdi),%rbx, odd", { 0x48, 0x8b, 0x1f }, 3, READS, TARGET + 3, 0, 0 },
	{ "mov (%rdi),%rbx, into it", { 0x48, 0x8b, 0x1f }, 3, READS, PAGE_GPA - 3, 0, 0 },
	{ "mov (%rdi),%rbx, out of it", { 0x48, 0x8b, 0x1f }, 3, READS, NEXT - 3, 0, 0 },
	{ "movzbl (%rdi),%ebx", { 0x0f, 0xb6, 0x1f }, 3, READS, TARGET, 0, 0 },
	{ "movslq (%rdi),%rbx", { 0x48, 0x63, 0x1f }, 3, READS, TARGET, 0, 0 },
	{ "cmp %rax,(%rdi)", { 0x48, 0x39, 0x07 }, 3, READS, TARGET, 0, 0 },
	{ "test %bl,(%rdi)", { 0x84, 0x1f }, 2, READS, TARGET, 0, 0 },
	{ "pop %rbx", { 0x5b }, 1, READS, 0, 0, TARGET },
	{ "push (%rdi)", { 0xff, 0x37 }, 2, READS, TARGET, 0, OTHER_GPA + 8 },
	{ "movsq, from it", { 0x48, 0xa5 }, 2, READS, OTHER_GPA, TARGET, 0 },
	{ "rep movsb, from it", { 0xf3, 0xa4 }, 2, READS, OTHER_GPA, TARGET, 0 },
	{ "rep movsq, from it", { 0xf3, 0x48, 0xa5 }, 3, READS, OTHER_GPA, NEXT - 16, 0 },
	{ "rep lodsb", { 0xf3, 0xac }, 2, READS, 0, TARGET, 0 },
	{ "cmpsq", { 0x48, 0xa7 }, 2, READS, OTHER_GPA, TARGET, 0 },
	{ "cmpsq, both in it", { 0x48, 0xa7 }, 2, READS, TARGET, TARGET + 8, 0 },
	{ "repne scasb", { 0xf2, 0xae }, 2, READS, TARGET, 0, 0 },
	{ "movdqu (%rdi),%xmm0; to %rsi", { 0xf3, 0x0f, 0x6f, 0x07, 0xf3, 0x0f, 0x7f, 0x06 }, 8,
	  READS, TARGET, OTHER_GPA, 0 },
	{ "mov %bl,(%rdi)", { 0x88, 0x1f }, 2, WRITES, TARGET, 0, 0 },
	{ "mov %bx,(%rdi)", { 0x66, 0x89, 0x1f }, 3, WRITES, TARGET, 0, 0 },
	{ "mov %ebx,(%rdi)", { 0x89, 0x1f }, 2, WRITES, TARGET, 0, 0 },
	{ "mov %rbx,(%rdi)", { 0x48, 0x89, 0x1f }, 3, WRITES, TARGET, 0, 0 },
	{ "mov %rbx,(%rdi), odd", { 0x48, 0x89, 0x1f }, 3, WRITES, TARGET + 3, 0, 0 },
	{ "mov %rbx,(%rdi), into it", { 0x48, 0x89, 0x1f }, 3, WRITES, PAGE_GPA - 3, 0, 0 },
	{ "mov %rbx,(%rdi), out of it", { 0x48, 0x89, 0x1f }, 3, WRITES, NEXT - 3, 0, 0 },
	{ "movl $imm,(%rdi)", { 0xc7, 0x07, 0x78, 0x56, 0x34, 0x12 }, 6, WRITES, TARGET, 0, 0 },
	{ "push %rbx", { 0x53 }, 1, WRITES, 0, 0, TARGET + 8 },
	{ "call; pop %rbx", { 0xe8, 0, 0, 0, 0, 0x5b }, 6, READS | WRITES, 0, 0, TARGET + 8 },
	{ "movsq, to it", { 0x48, 0xa5 }, 2, WRITES, TARGET, OTHER_GPA, 0 },
	{ "movsq, within it", { 0x48, 0xa5 }, 2, READS | WRITES, TARGET, TARGET + 0x80, 0 },
	{ "rep movsb, within it", { 0xf3, 0xa4 }, 2, READS | WRITES, TARGET + 1, TARGET, 0 },
	{ "rep movsb, to it", { 0xf3, 0xa4 }, 2, WRITES, TARGET, OTHER_GPA, 0 },
	{ "rep stosq, out of it", { 0xf3, 0x48, 0xab }, 3, WRITES, NEXT - 16, 0, 0 },
	{ "movdqu %xmm0,(%rdi)", { 0xf3, 0x0f, 0x7f, 0x07 }, 4, WRITES, TARGET, 0, 0 },
	{ "movdqu %xmm0,(%rdi), out of it", { 0xf3, 0x0f, 0x7f, 0x07 }, 4, WRITES, NEXT - 5, 0, 0 },
	{ "sete (%rdi)", { 0x0f, 0x94, 0x07 }, 3, WRITES, TARGET, 0, 0 },
	{ "add %bl,(%rdi)", { 0x00, 0x1f }, 2, READS | MODIFY, TARGET, 0, 0 },
	{ "add %bx,(%rdi)", { 0x66, 0x01, 0x1f }, 3, READS | MODIFY, TARGET, 0, 0 },
	{ "add %rbx,(%rdi)", { 0x48, 0x01, 0x1f }, 3, READS | MODIFY, TARGET, 0, 0 },
	{ "add %rbx,(%rdi), odd", { 0x48, 0x01, 0x1f }, 3, READS | MODIFY, TARGET + 3, 0, 0 },
	{ "add %rbx,(%rdi), out of it", { 0x48, 0x01, 0x1f }, 3, READS | WRITES, NEXT - 3, 0, 0 },
	{ "add %rbx,(%rdi), half out of it", { 0x48, 0x01, 0x1f }, 3, READS | WRITES, NEXT - 4, 0, 0 },
	{ "add %rbx,(%rdi), half into it", { 0x48, 0x01, 0x1f }, 3, READS | WRITES, PAGE_GPA - 4, 0, 0 },
	{ "add %rbx,(%rdi), at its begin", { 0x48, 0x01, 0x1f }, 3, READS | MODIFY, PAGE_GPA, 0, 0 },
	{ "lock add %rbx,(%rdi), at its end", { 0xf0, 0x48, 0x01, 0x1f }, 4, READS | MODIFY, NEXT - 8, 0, 0 },
	{ "incl (%rdi)", { 0xff, 0x07 }, 2, READS | MODIFY, TARGET, 0, 0 },
	{ "negq (%rdi)", { 0x48, 0xf7, 0x1f }, 3, READS | MODIFY, TARGET, 0, 0 },
	{ "lock add %rbx,(%rdi)", { 0xf0, 0x48, 0x01, 0x1f }, 4, READS | MODIFY, TARGET, 0, 0 },
	{ "lock incw (%rdi)", { 0xf0, 0x66, 0xff, 0x07 }, 4, READS | MODIFY, TARGET, 0, 0 },
	{ "lock xadd %rbx,(%rdi)", { 0xf0, 0x48, 0x0f, 0xc1, 0x1f }, 5, READS | MODIFY, TARGET, 0, 0 },
	{ "lock btsl $3,(%rdi)", { 0xf0, 0x0f, 0xba, 0x2f, 0x03 }, 5, READS | MODIFY, TARGET, 0, 0 },
	{ "xchg %rbx,(%rdi)", { 0x48, 0x87, 0x1f }, 3, READS | MODIFY, TARGET, 0, 0 },
	{ "lock cmpxchg %rbx,(%rdi)", { 0xf0, 0x48, 0x0f, 0xb1, 0x1f }, 5, READS | MODIFY, TARGET, 0, 0 },
	{ "lock cmpxchg %rbx,(%rdi), other", { 0xf0, 0x48, 0x0f, 0xb1, 0x1f }, 5, READS | MODIFY,
	  TARGET + 8, 0, 0 },
	{ "lock cmpxchg8b (%rdi)", { 0xf0, 0x0f, 0xc7, 0x0f }, 4, READS | MODIFY, TARGET, 0, 0 },
};
/* clang-format on */

/* What a shape has done. */
struct result {
	uint64_t gpr[16];
	uint64_t rip, rflags;
	uint8_t memory[0x3000]; /* from the page before it to the page behind */
	uint8_t other[64];
};

static void fill(struct kt *t)
{
	for (uint32_t i = 0; i < 0x3000; i++)
		t->ram[PAGE_GPA - 4096 + i] = (uint8_t)(i - 4096);
	memset(t->ram + OTHER_GPA, 0xcc, 4096);
}

static void shape_start(struct kt *t, const struct shape *s, uint32_t cpl)
{
	struct vsm_reg xmm = { .name = HV_X64_REGISTER_XMM0, .value = { VALUE, ~VALUE } };

	assert_err(vsm_kvm_vp_set(t->vp, 0, &xmm, 1), 0);
	kt_long_mode(t, 0, cpl);
	for (uint32_t i = 8; i < 16; i++)
		kt_set(t, 0, HV_X64_REGISTER_RAX + i, i * 0x0101010101010101ull);
	kt_set(t, 0, HV_X64_REGISTER_RAX, OLD);
	kt_set(t, 0, HV_X64_REGISTER_RBX, VALUE);
	kt_set(t, 0, HV_X64_REGISTER_RCX, 8);
	kt_set(t, 0, HV_X64_REGISTER_RDX, OLD >> 32);
	kt_set(t, 0, HV_X64_REGISTER_RBP, 0xff);
	kt_set(t, 0, HV_X64_REGISTER_RDI, s->rdi);
	kt_set(t, 0, HV_X64_REGISTER_RSI, s->rsi);
	if (s->rsp != 0)
		kt_set(t, 0, HV_X64_REGISTER_RSP, s->rsp);
	kt_code_then_stop(t, s->code, s->size);
}

static void take(struct kt *t, struct result *out)
{
	for (uint32_t i = 0; i < 16; i++)
		out->gpr[i] = kt_get(t, 0, HV_X64_REGISTER_RAX + i);
	out->rip = kt_get(t, 0, HV_X64_REGISTER_RIP);
	/* AF is undefined after some of them. */
	out->rflags = kt_get(t, 0, HV_X64_REGISTER_RFLAGS) & ~0x10ull;
	memcpy(out->memory, t->ram + PAGE_GPA - 4096, sizeof(out->memory));
	memcpy(out->other, t->ram + OTHER_GPA, sizeof(out->other));
}

static void run_shape(struct kt *t, const struct shape *s, uint32_t cpl, struct result *out)
{
	fill(t);
	shape_start(t, s, cpl);
	ck_assert_msg(kt_stop(t) == 0, "%s at CPL%u: intercepted", s->name, cpl);
	take(t, out);
}

static void same(const struct shape *s, uint32_t cpl, const struct result *a,
		 const struct result *b)
{
	for (uint32_t i = 0; i < 16; i++)
		ck_assert_msg(a->gpr[i] == b->gpr[i],
			      "%s at CPL%u: register %u is %#llx, not %#llx", s->name, cpl, i,
			      (unsigned long long)b->gpr[i], (unsigned long long)a->gpr[i]);
	ck_assert_msg(a->rip == b->rip && a->rflags == b->rflags, "%s at CPL%u: RFLAGS", s->name,
		      cpl);
	ck_assert_msg(memcmp(a->memory, b->memory, sizeof(a->memory)) == 0 &&
			      memcmp(a->other, b->other, sizeof(a->other)) == 0,
		      "%s at CPL%u: memory differs", s->name, cpl);
}

/* Each shape does with R+W what it does with all rights, and each comes here for it. */
static void data_goes_through(uint32_t cpl)
{
	static struct result all[VSMTEST_COUNT(shapes)], emulated;
	struct kt *t = machine(1);
	uint64_t before;

	kt_switch(t, 1);
	for (uint32_t i = 0; i < VSMTEST_COUNT(shapes); i++)
		run_shape(t, &shapes[i], cpl, &all[i]);
	kt_long_mode(t, 0, 0);
	kt_switch(t, 0);
	ck_assert_uint_eq(kt_stats(t).emulated_accesses, 0);
	kt_deny(t, PAGE_GPA, RW);
	ck_assert_uint_eq(kt_stats(t).emulated_pages, 1);
	kt_switch(t, 1);
	for (uint32_t i = 0; i < VSMTEST_COUNT(shapes); i++) {
		before = kt_stats(t).emulated_accesses;
		run_shape(t, &shapes[i], cpl, &emulated);
		same(&shapes[i], cpl, &all[i], &emulated);
		ck_assert_msg(kt_stats(t).emulated_accesses > before, "%s: not emulated",
			      shapes[i].name);
	}
	ck_assert_uint_eq(kt_stats(t).emulated_again, 0);
	ck_assert_uint_eq(kt_stats(t).held_stores, 0);
	ck_assert_uint_eq(kt_stats(t).undone_loads, 0);
	kt_free(t);
}

START_TEST(data_of_kernel_code_goes_through)
{
	data_goes_through(0);
}
END_TEST

START_TEST(data_of_user_code_goes_through)
{
	data_goes_through(3);
}
END_TEST

static void check_store(struct kt *t, const struct shape *s, uint32_t cpl)
{
	struct hv_message message = kt_intercept(t);
	const struct hv_x64_memory_intercept_message *m = (const void *)message.payload;

	ck_assert_uint_eq(message.header.message_type, HVMSG_GPA_INTERCEPT);
	ck_assert_msg(m->header.intercept_access_type == HV_INTERCEPT_ACCESS_WRITE, "%s: access %u",
		      s->name, m->header.intercept_access_type);
	ck_assert_uint_eq(m->guest_physical_address & ~4095ull, PAGE_GPA);
	ck_assert_uint_eq(m->header.execution_state & HV_X64_EXECUTION_STATE_CPL_MASK, cpl);
	if ((s->does & MODIFY) == 0)
		return;
	/* The load is taken back with the store. */
	ck_assert_msg(m->header.rip == CODE_GPA, "%s: RIP %#llx", s->name,
		      (unsigned long long)m->header.rip);
	ck_assert_uint_ge(m->instruction_byte_count, s->size);
	ck_assert_mem_eq(m->instruction_bytes, s->code, s->size);
}

/* In a page that may be read only, loads go through; a store is told, and performed once
 * granted. */
static void stores_are_intercepted(uint32_t cpl)
{
	static struct result all, after;
	struct kt *t = machine(1);
	uint64_t gpa = PAGE_GPA;
	uint32_t vtl;

	for (uint32_t i = 0; i < VSMTEST_COUNT(shapes); i++) {
		const struct shape *s = &shapes[i];

		kt_switch(t, 1);
		run_shape(t, s, cpl, &all);
		kt_long_mode(t, 0, 0);
		kt_switch(t, 0);
		kt_deny(t, PAGE_GPA, R);
		kt_switch(t, 1);
		fill(t);
		shape_start(t, s, cpl);
		vtl = kt_stop(t);
		ck_assert_msg(vtl == ((s->does & (WRITES | MODIFY)) != 0), "%s at CPL%u: in VTL%u",
			      s->name, cpl, vtl);
		if (vtl == 1) {
			check_store(t, s, cpl);
			ck_assert_msg(*kt_at(t, TARGET) == OLD, "%s: stored", s->name);
			ck_assert_uint_eq(kt_protect(t, 1, RW, &gpa, 1), REPS(1));
			ck_assert_uint_eq(kt_resume(t), 0);
		}
		take(t, &after);
		same(s, cpl, &all, &after);
		kt_long_mode(t, 0, 0);
		kt_switch(t, 0);
		ck_assert_uint_eq(kt_protect(t, 1, RWX, &gpa, 1), REPS(1));
		ck_assert_uint_eq(kt_stats(t).emulated_pages, 0);
	}
	kt_free(t);
}

START_TEST(stores_of_kernel_code_to_a_read_only_page)
{
	stores_are_intercepted(0);
}
END_TEST

START_TEST(stores_of_user_code_to_a_read_only_page)
{
	stores_are_intercepted(3);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(data_of_kernel_code_goes_through),
	VSMTEST_CASE(data_of_user_code_goes_through),
	VSMTEST_CASE(stores_of_kernel_code_to_a_read_only_page),
	VSMTEST_CASE(stores_of_user_code_to_a_read_only_page),
};

int main(void)
{
	return kt_main("kvm_emulate_data", cases, VSMTEST_COUNT(cases));
}
