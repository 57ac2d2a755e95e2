/* SPDX-License-Identifier: BSD-3-Clause */
/* Denied accesses on KVM: what VTL1 is told, and what VTL0's instruction has done in the end. */
#include "kvmtest.h"

#define NONE   0u
#define R_X    (HV_MAP_GPA_READABLE | HV_MAP_GPA_EXECUTABLE)
#define RWX    HV_MAP_GPA_PERMISSIONS_MASK
#define TARGET (PAGE_GPA + 0x10)
#define VALUE  0x1122334455667788ull

/* Bytes 0x10.. of the page as kt_tables() filled it. */
#define OLD 0x1716151413121110ull

/* The registers with which each shape of access runs. */
struct shape {
	const char *name;
	uint8_t code[12];
	uint8_t size;
	uint64_t rdi, rsi, rsp;
	uint8_t access; /* HV_INTERCEPT_ACCESS_* of the first intercept with no rights */
	uint8_t read_only; /* 0: R+X allows it; 1: denies it; 2: with RIP on it */
	uint64_t gpa; /* of the intercept */
	uint64_t want; /* 8 bytes at TARGET when all is done */
	uint64_t want_rbx;
	uint64_t want_other; /* 8 bytes at OTHER_GPA */
};

#define CC	 0xccccccccccccccccull
#define AT_READ	 HV_INTERCEPT_ACCESS_READ
#define AT_WRITE HV_INTERCEPT_ACCESS_WRITE

/* clang-format off */
static const struct shape shapes[] = {
	{ "mov (%rdi),%rbx", { 0x48, 0x8b, 0x1f }, 3,
	  TARGET, 0, 0, AT_READ, 0, TARGET, OLD, OLD, CC },
	{ "mov %rbx,(%rdi)", { 0x48, 0x89, 0x1f }, 3,
	  TARGET, 0, 0, AT_WRITE, 1, TARGET, VALUE, VALUE, CC },
	{ "mov %bl,(%rdi)", { 0x88, 0x1f }, 2,
	  TARGET, 0, 0, AT_WRITE, 1, TARGET, (OLD & ~0xffull) | 0x88, VALUE, CC },
	{ "push %rbx", { 0x53 }, 1,
	  0, 0, TARGET + 8, AT_WRITE, 1, TARGET, VALUE, VALUE, CC },
	{ "pop %rbx", { 0x5b }, 1,
	  0, 0, TARGET, AT_READ, 0, TARGET, OLD, OLD, CC },
	{ "push (%rdi)", { 0xff, 0x37 }, 2,
	  TARGET, 0, OTHER_GPA + 8, AT_READ, 0, TARGET, OLD, VALUE, OLD },
	{ "movsq, from it", { 0x48, 0xa5 }, 2,
	  OTHER_GPA, TARGET, 0, AT_READ, 0, TARGET, OLD, VALUE, OLD },
	{ "movsq, to it", { 0x48, 0xa5 }, 2,
	  TARGET, OTHER_GPA, 0, AT_WRITE, 1, TARGET, CC, VALUE, CC },
	{ "rep movsb, from it", { 0xf3, 0xa4 }, 2,
	  OTHER_GPA, TARGET, 0, AT_READ, 0, TARGET, OLD, VALUE, OLD },
	{ "rep movsb, to it", { 0xf3, 0xa4 }, 2,
	  TARGET, OTHER_GPA, 0, AT_WRITE, 1, TARGET, CC, VALUE, CC },
	{ "movdqu (%rdi),%xmm0; to %rsi", { 0xf3, 0x0f, 0x6f, 0x07, 0xf3, 0x0f, 0x7f, 0x06 }, 8,
	  TARGET, OTHER_GPA, 0, AT_READ, 0, TARGET, OLD, VALUE, OLD },
	{ "movdqu %xmm0,(%rdi)", { 0xf3, 0x0f, 0x7f, 0x07 }, 4,
	  TARGET, 0, 0, AT_WRITE, 1, TARGET, 0, VALUE, CC },
	{ "add %rbx,(%rdi)", { 0x48, 0x01, 0x1f }, 3,
	  TARGET, 0, 0, AT_READ, 1, TARGET, OLD + VALUE, VALUE, CC },
	{ "lock add %rbx,(%rdi)", { 0xf0, 0x48, 0x01, 0x1f }, 4,
	  TARGET, 0, 0, AT_READ, 1, TARGET, OLD + VALUE, VALUE, CC },
	{ "xchg %rbx,(%rdi)", { 0x48, 0x87, 0x1f }, 3,
	  TARGET, 0, 0, AT_READ, 1, TARGET, VALUE, OLD, CC },
	{ "mov (%rdi),%rbx, into it", { 0x48, 0x8b, 0x1f }, 3,
	  PAGE_GPA - 3, 0, 0, AT_READ, 0, PAGE_GPA, OLD, 0x0403020100000000ull, CC },
	{ "mov %rbx,(%rdi), into it", { 0x48, 0x89, 0x1f }, 3,
	  PAGE_GPA - 3, 0, 0, AT_WRITE, 1, PAGE_GPA, OLD, VALUE, CC },
};

/* What KVM does not emulate (but FNSTCW), and so the CPU executes in user mode only. */
static const struct shape native[] = {
	{ "pxor (%rdi),%xmm0; to %rsi", { 0x66, 0x0f, 0xef, 0x07, 0xf3, 0x0f, 0x7f, 0x06 }, 8,
	  TARGET, OTHER_GPA, 0, AT_READ, 0, TARGET, OLD, VALUE, OLD },
	{ "pxor 0x100008(%rip),%xmm0; to %rsi",
	  { 0x66, 0x0f, 0xef, 0x05, 0x08, 0x00, 0x10, 0x00, 0xf3, 0x0f, 0x7f, 0x06 }, 12,
	  TARGET, OTHER_GPA, 0, AT_READ, 0, TARGET, OLD, VALUE, OLD },
	{ "fldl (%rdi); fstpl (%rsi)", { 0xdd, 0x07, 0xdd, 0x1e }, 4,
	  TARGET, OTHER_GPA, 0, AT_READ, 0, TARGET, OLD, VALUE, OLD },
	{ "fnstcw (%rdi)", { 0xd9, 0x3f }, 2,
	  TARGET, 0, 0, AT_WRITE, 1, TARGET, (OLD & ~0xffffull) | 0x37f, VALUE, CC },
	{ "movd %xmm0,(%rdi)", { 0x66, 0x0f, 0x7e, 0x07 }, 4,
	  TARGET, 0, 0, AT_WRITE, 2, TARGET, OLD & ~0xffffffffull, VALUE, CC },
};
/* clang-format on */

static void shape_start(struct kt *t, const struct shape *s, uint32_t cpl)
{
	kt_long_mode(t, 0, cpl);
	kt_set(t, 0, HV_X64_REGISTER_RBX, VALUE);
	kt_set(t, 0, HV_X64_REGISTER_RDI, s->rdi);
	kt_set(t, 0, HV_X64_REGISTER_RSI, s->rsi);
	kt_set(t, 0, HV_X64_REGISTER_RCX, 8);
	if (s->rsp != 0)
		kt_set(t, 0, HV_X64_REGISTER_RSP, s->rsp);
	kt_code_then_stop(t, s->code, s->size);
}

static void xmm0_clear(struct kt *t)
{
	struct vsm_reg reg = { .name = HV_X64_REGISTER_XMM0 };

	assert_err(vsm_kvm_vp_set(t->vp, 0, &reg, 1), 0);
}

static void shape_end(struct kt *t, const struct shape *s)
{
	ck_assert_msg(*kt_at(t, TARGET) == s->want, "%s: memory is %#llx", s->name,
		      (unsigned long long)*kt_at(t, TARGET));
	ck_assert_msg(kt_get(t, 0, HV_X64_REGISTER_RBX) == s->want_rbx, "%s: RBX is %#llx", s->name,
		      (unsigned long long)kt_get(t, 0, HV_X64_REGISTER_RBX));
	ck_assert_msg(*kt_at(t, OTHER_GPA) == s->want_other, "%s: other memory is %#llx", s->name,
		      (unsigned long long)*kt_at(t, OTHER_GPA));
	if (s->rdi == PAGE_GPA - 3 && s->access == AT_WRITE)
		ck_assert_uint_eq(*kt_at(t, PAGE_GPA - 8) >> 40, VALUE & 0xffffff);
}

/*
 * A denied store that KVM's emulator carries out is held: RIP is past it when KVM reports it. Slots
 * send every access there; page tables only what KVM interprets, and of that not what is locked.
 */
static int is_held(struct kt *t, const struct shape *s, uint32_t cpl)
{
	int locked = strncmp(s->name, "lock", 4) == 0 || strncmp(s->name, "xchg", 4) == 0;

	if (!kt_by_ptes(t))
		return s->read_only != 2;
	return cpl == 0 && s->read_only != 2 && !locked && t->vp->vcpu[0].store.count != 0;
}

static void check_message(struct kt *t, const struct shape *s, uint32_t cpl, uint8_t access)
{
	struct hv_message message = kt_intercept(t);
	const struct hv_x64_memory_intercept_message *m = (const void *)message.payload;
	uint64_t behind = CODE_GPA + s->size;

	ck_assert_msg(message.header.message_type == HVMSG_GPA_INTERCEPT, "%s: message type %#x",
		      s->name, message.header.message_type);
	ck_assert_msg(m->guest_physical_address == s->gpa, "%s: GPA %#llx", s->name,
		      (unsigned long long)m->guest_physical_address);
	ck_assert_msg(m->header.intercept_access_type == access, "%s: access %u", s->name,
		      m->header.intercept_access_type);
	ck_assert_uint_eq(m->header.execution_state & HV_X64_EXECUTION_STATE_CPL_MASK, cpl);
	ck_assert_uint_eq(m->header.instruction_length_cr8 & 0xf, 0);
	if (access == AT_WRITE && is_held(t, s, cpl)) {
		ck_assert_uint_eq(m->instruction_byte_count, 0);
		return;
	}
	ck_assert_msg(m->header.rip == CODE_GPA, "%s: RIP %#llx", s->name,
		      (unsigned long long)m->header.rip);
	ck_assert_uint_ge(m->instruction_byte_count, behind - CODE_GPA);
	ck_assert_mem_eq(m->instruction_bytes, s->code, s->size);
}

/* Deny, run, be told, grant, go on: in the end the instruction has done its work once. */
static void deny_and_grant(const struct shape *s, uint32_t cpl, uint32_t rights)
{
	struct kt *t = kt_new(NULL);
	uint64_t gpa = PAGE_GPA;
	uint32_t vtl;

	if (!kt_can(t, rights)) {
		kt_free(t);
		return;
	}
	kt_vtl1(t);
	kt_deny(t, PAGE_GPA, rights);
	kt_switch(t, 1);
	xmm0_clear(t);
	shape_start(t, s, cpl);
	vtl = kt_stop(t);
	if (rights == R_X && !s->read_only) {
		ck_assert_msg(vtl == 0, "%s: intercepted though R+X allows it", s->name);
		shape_end(t, s);
		kt_free(t);
		return;
	}
	ck_assert_msg(vtl == 1, "%s: not intercepted", s->name);
	check_message(t, s, cpl, rights == R_X ? AT_WRITE : s->access);
	ck_assert_msg(*kt_at(t, TARGET) == OLD, "%s: memory has changed already", s->name);
	ck_assert_uint_eq(*kt_at(t, OTHER_GPA), CC);
	ck_assert_uint_eq(kt_protect(t, 1, RWX, &gpa, 1), REPS(1));
	ck_assert_uint_eq(kt_resume(t), 0);
	shape_end(t, s);
	kt_free(t);
}

static void all_shapes(uint32_t cpl, uint32_t rights)
{
	for (uint32_t i = 0; i < VSMTEST_COUNT(shapes); i++)
		deny_and_grant(&shapes[i], cpl, rights);
}

START_TEST(no_access_from_cpl0)
{
	all_shapes(0, NONE);
}
END_TEST

START_TEST(no_access_from_cpl3)
{
	all_shapes(3, NONE);
}
END_TEST

START_TEST(read_only_from_cpl0)
{
	all_shapes(0, R_X);
}
END_TEST

START_TEST(read_only_from_cpl3)
{
	all_shapes(3, R_X);
}
END_TEST

/* A store that KVM gives up on stands on its instruction: RIP is not past it. */
START_TEST(instructions_that_kvm_does_not_emulate)
{
	for (uint32_t i = 0; i < VSMTEST_COUNT(native); i++) {
		deny_and_grant(&native[i], 3, NONE);
		deny_and_grant(&native[i], 3, R_X);
	}
}
END_TEST

/* A machine in which VTL1 has denied the page and VTL0 is about to run a shape. */
static struct kt *denied(uint32_t shape, uint32_t cpl, uint32_t rights)
{
	struct kt *t = kt_new(NULL);

	kt_vtl1(t);
	kt_deny(t, PAGE_GPA, rights);
	kt_switch(t, 1);
	shape_start(t, &shapes[shape], cpl);
	return t;
}

enum {
	LOAD = 0,
	STORE = 1,
	PUSH_MEMORY = 5,
	MOVS_FROM = 6,
	LOCK_ADD = 13
};

START_TEST(a_load_not_granted_is_intercepted_again)
{
	struct kt *t = denied(LOAD, 0, NONE);

	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_uint_eq(i == 0 ? kt_stop(t) : kt_resume(t), 1);
		check_message(t, &shapes[LOAD], 0, AT_READ);
	}
	ck_assert_uint_eq(kt_stats(t).undone_loads, 3);
	kt_free(t);
}
END_TEST

START_TEST(a_store_not_granted_is_dropped)
{
	uint32_t cpl = kt_enforce() == VSM_KVM_ENFORCE_MEMSLOT ? 3 : 0;
	struct kt *t = denied(STORE, cpl, NONE);

	ck_assert_uint_eq(kt_stop(t), 1);
	check_message(t, &shapes[STORE], cpl, AT_WRITE);
	if (t->vp->vcpu[0].store.count == 0) {
		/* This processor executes kernel code itself: the store comes again. */
		ck_assert_uint_eq(kt_resume(t), 1);
		kt_free(t);
		return;
	}
	ck_assert_uint_eq(kt_resume(t), 0);
	ck_assert_uint_eq(*kt_at(t, TARGET), OLD);
	ck_assert_uint_eq(kt_stats(t).held_stores, 1);
	ck_assert_uint_eq(kt_stats(t).stores_dropped, 1);
	ck_assert_uint_eq(kt_stats(t).stores_done, 0);
	kt_free(t);
}
END_TEST

/* What is denied is never written. The part in front of it is, by KVM's emulator and by nobody
 * else, and stays when the store is dropped (vsm_kvm_run()). */
START_TEST(a_dropped_store_across_pages)
{
	uint32_t straddles = VSMTEST_COUNT(shapes) - 1;

	for (uint32_t cpl = 0; cpl <= 3; cpl += 3) {
		struct kt *t = denied(straddles, cpl, NONE);
		uint64_t before = *kt_at(t, PAGE_GPA - 8), page = *kt_at(t, PAGE_GPA);
		uint64_t want = before;

		ck_assert_uint_eq(shapes[straddles].rdi, PAGE_GPA - 3);
		ck_assert_uint_eq(kt_stop(t), 1);
		check_message(t, &shapes[straddles], cpl, AT_WRITE);
		if (t->vp->vcpu[0].store.count != 0)
			want = (before & 0xffffffffffull) | VALUE << 40;
		ck_assert_int_eq(t->vp->vcpu[0].store.count != 0,
				 is_held(t, &shapes[straddles], cpl));
		ck_assert_uint_eq(*kt_at(t, PAGE_GPA), page);
		ck_assert_uint_eq(*kt_at(t, PAGE_GPA - 8), want);
		ck_assert_uint_eq(kt_resume(t), want == before);
		ck_assert_uint_eq(*kt_at(t, PAGE_GPA), page);
		ck_assert_uint_eq(*kt_at(t, PAGE_GPA - 8), want);
		kt_free(t);
	}
}
END_TEST

/* VTL1 sets a register of VTL0 by hypercall. */
static void set_vtl0(struct kt *t, uint32_t name, uint64_t low, uint64_t high)
{
	struct hv_input_set_vp_registers *in = (void *)kt_at(t, INPUT_GPA);
	struct hv_register_assoc *reg = (void *)(in + 1);

	memset(in, 0, sizeof(*in) + sizeof(*reg));
	in->partition_id = HV_PARTITION_ID_SELF;
	in->vp_index = HV_VP_INDEX_SELF;
	in->input_vtl = 0x10; /* VTL0, named */
	reg->name = name;
	reg->value.low = low;
	reg->value.high = high;
	ck_assert_uint_eq(kt_hypercall(t, 1, HVCALL_SET_VP_REGISTERS | REPS(1), INPUT_GPA, 0),
			  REPS(1));
}

START_TEST(a_store_is_dropped_when_vtl1_moves_rip)
{
	struct kt *t = denied(STORE, 0, NONE);
	uint64_t gpa = PAGE_GPA;

	ck_assert_uint_eq(kt_stop(t), 1);
	kt_intercept(t);
	ck_assert_uint_eq(kt_protect(t, 1, RWX, &gpa, 1), REPS(1));
	t->ram[CODE_GPA + 0x40] = 0xe6;
	t->ram[CODE_GPA + 0x41] = STOP_PORT;
	set_vtl0(t, HV_X64_REGISTER_RIP, CODE_GPA + 0x40, 0);
	ck_assert_uint_eq(kt_resume(t), 0);
	ck_assert_uint_eq(t->exit.rip, CODE_GPA + 0x42);
	ck_assert_uint_eq(*kt_at(t, TARGET), OLD);
	ck_assert_uint_eq(kt_stats(t).stores_dropped, 1);
	kt_free(t);
}
END_TEST

/* Nothing of a load that VTL1 skips may be seen: no data, and no junk in what it would have set. */
static void skipped(uint32_t shape, uint32_t cpl)
{
	struct kt *t = denied(shape, cpl, NONE);

	ck_assert_uint_eq(kt_stop(t), 1);
	kt_intercept(t);
	set_vtl0(t, HV_X64_REGISTER_RIP, CODE_GPA + shapes[shape].size, 0);
	ck_assert_uint_eq(kt_resume(t), 0);
	ck_assert_uint_eq(*kt_at(t, TARGET), OLD);
	ck_assert_uint_eq(*kt_at(t, OTHER_GPA), CC);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBX), VALUE);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RDI), shapes[shape].rdi);
	kt_free(t);
}

START_TEST(a_skipped_load_leaves_no_trace)
{
	static const uint32_t which[] = { LOAD, PUSH_MEMORY, MOVS_FROM, LOCK_ADD };

	for (uint32_t i = 0; i < VSMTEST_COUNT(which); i++) {
		skipped(which[i], 0);
		skipped(which[i], 3);
	}
}
END_TEST

START_TEST(vtl1_may_emulate_a_load)
{
	struct kt *t = denied(LOAD, 3, NONE);

	ck_assert_uint_eq(kt_stop(t), 1);
	kt_intercept(t);
	set_vtl0(t, HV_X64_REGISTER_RIP, CODE_GPA + shapes[LOAD].size, 0);
	t->saved[3] = 0x4711; /* RBX is shared: what VTL1 leaves there is what VTL0 has. */
	ck_assert_uint_eq(kt_resume(t), 0);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBX), 0x4711);
	kt_free(t);
}
END_TEST

START_TEST(a_changed_address_register_counts)
{
	struct kt *t = denied(LOAD, 0, NONE);

	ck_assert_uint_eq(kt_stop(t), 1);
	kt_intercept(t);
	t->saved[7] = OTHER_GPA; /* RDI */
	ck_assert_uint_eq(kt_resume(t), 0);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBX), CC);
	kt_free(t);
}
END_TEST

START_TEST(vtl1_may_raise_an_exception_instead)
{
	struct kt *t = denied(LOAD, 3, NONE);
	uint64_t frame;

	ck_assert_uint_eq(kt_stop(t), 1);
	kt_intercept(t);
	/* Pending, type exception, with error code 0x18, vector 13 (TLFS 7.8.2). */
	set_vtl0(t, HV_REGISTER_PENDING_EVENT0, 1 | 1 << 8 | 13 << 16 | 0x18ull << 32, 0);
	ck_assert_uint_eq(kt_resume(t), 0);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBP), 13);
	frame = kt_get(t, 0, HV_X64_REGISTER_RSP);
	ck_assert_uint_eq(kt_at(t, frame)[0], 0x18);
	ck_assert_uint_eq(kt_at(t, frame)[1], CODE_GPA);
	kt_free(t);
}
END_TEST

static void fetch(uint32_t cpl)
{
	static const uint8_t stop[] = { STOP };
	struct kt *t = kt_new(NULL);
	struct hv_message message;
	const struct hv_x64_memory_intercept_message *m = (const void *)message.payload;
	uint64_t gpa = PAGE_GPA;

	kt_vtl1(t);
	memcpy(t->ram + TARGET, stop, sizeof(stop));
	kt_deny(t, PAGE_GPA, NONE);
	kt_switch(t, 1);
	kt_long_mode(t, 0, cpl);
	kt_set(t, 0, HV_X64_REGISTER_RDI, TARGET);
	KT_CODE(t, 0, 0xff, 0xe7); /* jmp *%rdi */
	ck_assert_uint_eq(kt_stop(t), 1);
	message = kt_intercept(t);
	ck_assert_uint_eq(m->header.intercept_access_type, HV_INTERCEPT_ACCESS_EXECUTE);
	ck_assert_uint_eq(m->guest_physical_address, TARGET);
	ck_assert_uint_eq(m->guest_virtual_address, TARGET);
	ck_assert_uint_eq(m->memory_access_info & HV_X64_MEMORY_ACCESS_GVA_VALID, 1);
	ck_assert_uint_eq(m->header.rip, TARGET);
	ck_assert_uint_eq(kt_protect(t, 1, RWX, &gpa, 1), REPS(1));
	ck_assert_uint_eq(kt_resume(t), 0);
	ck_assert_uint_eq(t->exit.rip, TARGET + 2);
	kt_free(t);
}

START_TEST(a_fetch_is_intercepted)
{
	fetch(0);
	fetch(3);
}
END_TEST

/* An instruction that begins before the page and ends in it. */
START_TEST(a_fetch_that_reaches_into_the_page)
{
	static const uint8_t code[] = { 0x48, 0xbb, 1, 2, 3, 4, 5, 6, 7, 8, STOP }; /* movabs */
	struct kt *t = kt_new(NULL);
	struct hv_message message;
	const struct hv_x64_memory_intercept_message *m = (const void *)message.payload;
	uint64_t gpa = PAGE_GPA;

	kt_vtl1(t);
	memcpy(t->ram + PAGE_GPA - 4, code, sizeof(code));
	kt_deny(t, PAGE_GPA, NONE);
	kt_switch(t, 1);
	kt_long_mode(t, 0, 0);
	kt_set(t, 0, HV_X64_REGISTER_RIP, PAGE_GPA - 4);
	ck_assert_uint_eq(kt_stop(t), 1);
	message = kt_intercept(t);
	ck_assert_uint_eq(m->header.intercept_access_type, HV_INTERCEPT_ACCESS_EXECUTE);
	ck_assert_uint_eq(m->guest_physical_address, PAGE_GPA);
	ck_assert_uint_eq(m->header.rip, PAGE_GPA - 4);
	ck_assert_uint_eq(kt_protect(t, 1, RWX, &gpa, 1), REPS(1));
	ck_assert_uint_eq(kt_resume(t), 0);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBX), 0x0807060504030201ull);
	kt_free(t);
}
END_TEST

START_TEST(code_in_a_read_only_page_runs)
{
	static const uint8_t stop[] = { STOP };
	struct kt *t = kt_new(NULL);

	if (!kt_can(t, R_X)) {
		printf("# no page can be read-only with this mechanism\n");
		kt_free(t);
		return;
	}
	kt_vtl1(t);
	memcpy(t->ram + TARGET, stop, sizeof(stop));
	kt_deny(t, PAGE_GPA, R_X);
	kt_switch(t, 1);
	kt_set(t, 0, HV_X64_REGISTER_RIP, TARGET);
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(t->exit.rip, TARGET + 2);
	kt_free(t);
}
END_TEST

START_TEST(vtl1_is_never_denied)
{
	struct kt *t = kt_new(NULL);

	kt_vtl1(t);
	kt_deny(t, PAGE_GPA, NONE);
	kt_set(t, 1, HV_X64_REGISTER_RDI, TARGET);
	kt_set(t, 1, HV_X64_REGISTER_RBX, VALUE);
	/* mov (%rdi),%rdx; mov %rbx,(%rdi) */
	KT_CODE(t, 1, 0x48, 0x8b, 0x17, 0x48, 0x89, 0x1f, STOP);
	ck_assert_uint_eq(kt_stop(t), 1);
	ck_assert_uint_eq(kt_get(t, 1, HV_X64_REGISTER_RDX), OLD);
	ck_assert_uint_eq(*kt_at(t, TARGET), VALUE);
	kt_free(t);
}
END_TEST

/* TLFS 3.13: a write to the hypercall page is the guest's own #GP. */
START_TEST(a_write_to_the_hypercall_page_is_gp)
{
	struct kt *t = kt_new(NULL);

	kt_vtl1(t);
	kt_switch(t, 1);
	kt_set(t, 0, HV_X64_REGISTER_RDI, CODE_PAGE0);
	kt_set(t, 0, HV_X64_REGISTER_RBP, 0xff);
	KT_CODE(t, 0, 0x48, 0x89, 0x1f, STOP);
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBP), 13);
	ck_assert_uint_eq(*kt_at(t, CODE_PAGE0), 0); /* RAM beneath */
	kt_free(t);
}
END_TEST

/* Where KVM cannot emulate what user code does, user code gets the #UD, not the machine its end. */
START_TEST(what_kvm_cannot_emulate_at_cpl3_is_ud)
{
	struct kt *t = kt_new(NULL);

	kt_set(t, 0, HV_X64_REGISTER_RDI, RAM_SIZE + 0x1000); /* A device would be here. */
	kt_long_mode(t, 0, 3);
	KT_CODE(t, 0, 0x66, 0x0f, 0x3a, 0x0f, 0x07, 0x01, STOP); /* palignr $1,(%rdi),%xmm0 */
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBP), 6);
	ck_assert_uint_eq(*kt_at(t, kt_get(t, 0, HV_X64_REGISTER_RSP)), CODE_GPA);
	kt_free(t);
}
END_TEST

/* The way for guests without 4-level paging: no memory at all while KVM is let run out. */
START_TEST(a_load_is_undone_without_paging)
{
	struct kt *t = kt_bare(NULL);
	struct vsm_overlay hide = { .gpa = PAGE_GPA, .page = "", .rights = 0 };
	struct vsm_overlay show = { .gpa = PAGE_GPA };
	struct vsm_reg flat[] = {
		{ .name = HV_X64_REGISTER_CS, .value = kt_segment(KERNEL_CS, 0xc09b) },
		{ .name = HV_X64_REGISTER_SS, .value = kt_segment(KERNEL_SS, ATTR_DATA) },
		{ .name = HV_X64_REGISTER_DS, .value = kt_segment(KERNEL_SS, ATTR_DATA) },
		{ .name = HV_X64_REGISTER_ES, .value = kt_segment(KERNEL_SS, ATTR_DATA) },
		{ .name = HV_X64_REGISTER_CR0, .value = { .low = 0x33 } },
		{ .name = HV_X64_REGISTER_RSI, .value = { .low = TARGET } },
		{ .name = HV_X64_REGISTER_RDI, .value = { .low = OTHER_GPA } },
	};
	struct kvm_sync_regs before;
	struct vk_vcpu *v;

	kt_tables(t);
	assert_err(vsm_kvm_ram_add(t->k, 0, RAM_SIZE, t->memfd, 0, 0), 0);
	assert_err(vsm_partition_realise(t->vsm), 0);
	assert_err(vsm_kvm_vp_create(t->k, 0, 0, &t->vp), 0);
	assert_err(vsm_kvm_vp_set(t->vp, 0, flat, VSMTEST_COUNT(flat)), 0);
	KT_CODE(t, 0, 0xa5, STOP); /* movsl */
	assert_err(kvm_op_overlay_map(t->k, &hide, 0), 0);
	v = &t->vp->vcpu[0];
	assert_err(kvm_enter(t->vp, v), 0);
	ck_assert_uint_eq(v->run->exit_reason, KVM_EXIT_MMIO);
	ck_assert_uint_eq(v->run->mmio.phys_addr, TARGET);
	before = v->run->s.regs;
	assert_err(kvm_undo_load(t->vp, 0), 0);
	ck_assert_mem_eq(&before, &v->run->s.regs, sizeof(before));
	ck_assert_uint_eq(*kt_at(t, OTHER_GPA), CC);
	assert_err(kvm_op_overlay_map(t->k, &show, 0), 0);
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(*kt_at(t, OTHER_GPA), (CC & ~0xffffffffull) | (uint32_t)OLD);
	kt_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(no_access_from_cpl0),
	VSMTEST_CASE(no_access_from_cpl3),
	VSMTEST_CASE(read_only_from_cpl0),
	VSMTEST_CASE(read_only_from_cpl3),
	VSMTEST_CASE(instructions_that_kvm_does_not_emulate),
	VSMTEST_CASE(a_load_not_granted_is_intercepted_again),
	VSMTEST_CASE(a_store_not_granted_is_dropped),
	VSMTEST_CASE(a_dropped_store_across_pages),
	VSMTEST_CASE(a_store_is_dropped_when_vtl1_moves_rip),
	VSMTEST_CASE(a_skipped_load_leaves_no_trace),
	VSMTEST_CASE(vtl1_may_emulate_a_load),
	VSMTEST_CASE(a_changed_address_register_counts),
	VSMTEST_CASE(vtl1_may_raise_an_exception_instead),
	VSMTEST_CASE(a_fetch_is_intercepted),
	VSMTEST_CASE(a_fetch_that_reaches_into_the_page),
	VSMTEST_CASE(code_in_a_read_only_page_runs),
	VSMTEST_CASE(vtl1_is_never_denied),
	VSMTEST_CASE(a_write_to_the_hypercall_page_is_gp),
	VSMTEST_CASE(what_kvm_cannot_emulate_at_cpl3_is_ud),
	VSMTEST_CASE(a_load_is_undone_without_paging),
};

int main(void)
{
	return kt_main("kvm_fault", cases, VSMTEST_COUNT(cases));
}
