/* SPDX-License-Identifier: BSD-3-Clause */
/* What is carried out for the guest asks the table each time: a denial counts from the moment that
 * VTL1 made it, before slots, entries and the set of emulated pages follow. */
#include "kvmtest_emulate.h"
#include "kvmtest_window.h"

#define GP 13u

/* An access to an emulated page of each kind that leaves KVM. RBX is VALUE. */
struct access {
	const char *name;
	uint8_t code[6];
	uint8_t size;
	uint64_t rdi, rsi, rsp;
};

/* clang-format off */
static const struct access accesses[] = {
	{ "load", { 0x48, 0x8b, 0x1f }, 3, TARGET, 0, 0 },
	{ "load into it", { 0x48, 0x8b, 0x1f }, 3, PAGE_GPA - 3, 0, 0 },
	{ "load out of it", { 0x48, 0x8b, 0x1f }, 3, NEXT - 3, 0, 0 },
	{ "compare", { 0x48, 0x39, 0x1f }, 3, TARGET, 0, 0 },
	{ "store", { 0x48, 0x89, 0x1f }, 3, TARGET, 0, 0 },
	{ "store of a byte", { 0x88, 0x1f }, 2, TARGET, 0, 0 },
	{ "read-modify-write", { 0x48, 0x01, 0x1f }, 3, TARGET, 0, 0 },
	{ "the same, locked", { 0xf0, 0x48, 0x01, 0x1f }, 4, TARGET, 0, 0 },
	{ "exchange", { 0x48, 0x87, 0x1f }, 3, TARGET, 0, 0 },
	{ "string, from it", { 0x48, 0xa5 }, 2, OTHER_GPA, TARGET, 0 },
	{ "string, to it", { 0x48, 0xa5 }, 2, TARGET, OTHER_GPA, 0 },
	{ "push of memory", { 0xff, 0x37 }, 2, TARGET, 0, OTHER_GPA + 8 },
	{ "pop to memory", { 0x8f, 0x07 }, 2, TARGET, 0, OTHER_GPA },
	{ "push", { 0x53 }, 1, 0, 0, TARGET + 8 },
	{ "push across pages", { 0x53 }, 1, 0, 0, NEXT + 4 },
	{ "pop", { 0x5b }, 1, 0, 0, TARGET },
	{ "call", { 0xe8, 0, 0, 0, 0 }, 5, 0, 0, TARGET + 8 },
};
/* clang-format on */

/* What VTL0 could see of it or change. */
struct seen {
	uint8_t memory[0x3000], other[16];
	uint64_t rbx;
};

static void see(struct pair *p, struct seen *out)
{
	memcpy(out->memory, p->t->ram + PAGE_GPA - 4096, sizeof(out->memory));
	memcpy(out->other, p->t->ram + OTHER_GPA, sizeof(out->other));
	out->rbx = kt_get(&p->one, 0, HV_X64_REGISTER_RBX);
}

static void access_ready(struct pair *p, const struct access *a, uint32_t cpl)
{
	uint8_t code[8] = { 0 };

	memcpy(code, a->code, a->size);
	code[a->size] = 0xe6;
	code[a->size + 1] = STOP_PORT;
	memcpy(p->t->ram + SPIN_GPA, code, sizeof(code));
	kt_long_mode(&p->one, 0, cpl);
	kt_set(&p->one, 0, HV_X64_REGISTER_RSP, a->rsp != 0 ? a->rsp : STACK_GPA + 0x2000);
	kt_set(&p->one, 0, HV_X64_REGISTER_RDI, a->rdi);
	kt_set(&p->one, 0, HV_X64_REGISTER_RSI, a->rsi);
	kt_set(&p->one, 0, HV_X64_REGISTER_RBX, VALUE);
	kt_set(&p->one, 0, HV_X64_REGISTER_RBP, 0xff);
	kt_set(&p->one, 0, HV_X64_REGISTER_RIP, SPIN_GPA);
}

static uint32_t access_cpl;
static const struct access *access_now;

static void *runs(void *arg)
{
	struct pair *p = arg;

	kt_stop(&p->one);
	return NULL;
}

/* In the window. VTL1 is not enabled on VP 1: a denial is #GP there. */
static void is_denied(struct pair *p)
{
	static struct seen before, after;

	access_ready(p, access_now, access_cpl);
	see(p, &before);
	ck_assert_int_eq(pthread_create(&p->runner, NULL, runs, p), 0);
	pthread_join(p->runner, NULL);
	ck_assert_msg(kt_get(&p->one, 0, HV_X64_REGISTER_RBP) == GP, "%s at CPL%u: vector %llu",
		      access_now->name, access_cpl,
		      (unsigned long long)kt_get(&p->one, 0, HV_X64_REGISTER_RBP));
	see(p, &after);
	ck_assert_msg(memcmp(&before, &after, sizeof(before)) == 0, "%s at CPL%u: a trace of it",
		      access_now->name, access_cpl);
	ck_assert_uint_ne(kvm_emulated(p->t->k, 0, PAGE_GPA), 0);
}

/* The same goes through while it is allowed, and by emulation. */
static void is_emulated(struct pair *p)
{
	uint64_t before = kt_stats(p->t).emulated_accesses;

	access_ready(p, access_now, access_cpl);
	kt_stop(&p->one);
	ck_assert_msg(kt_get(&p->one, 0, HV_X64_REGISTER_RBP) == 0xff, "%s at CPL%u: denied",
		      access_now->name, access_cpl);
	ck_assert_uint_gt(kt_stats(p->t).emulated_accesses, before);
}

static void all_accesses(uint32_t cpl)
{
	uint64_t gpa = PAGE_GPA;
	struct pair p;

	access_cpl = cpl;
	window_start(&p, 4);
	kt_deny(p.t, gpa, RW);
	for (uint32_t i = 0; i < VSMTEST_COUNT(accesses); i++) {
		access_now = &accesses[i];
		/* The stack of the exception must not lie there. */
		if (cpl == 0 && access_now->rsp != 0)
			continue;
		is_emulated(&p);
		window_call = is_denied;
		ck_assert_uint_eq(kt_protect(p.t, 1, 0, &gpa, 1), REPS(1));
		ck_assert(window_call == NULL);
		ck_assert_uint_eq(kt_protect(p.t, 1, RW, &gpa, 1), REPS(1));
	}
	kt_free(p.t);
}

START_TEST(no_access_of_kernel_code_after_the_denial)
{
	all_accesses(0);
}
END_TEST

START_TEST(no_access_of_user_code_after_the_denial)
{
	all_accesses(3);
}
END_TEST

/* In the window, between the load of an instruction and its store. */
static void second_half_is_denied(struct pair *p)
{
	struct vk_vcpu *v = &p->one.vp->vcpu[0];
	int is_device = 1;

	ck_assert_uint_eq(v->run->exit_reason, KVM_EXIT_MMIO);
	ck_assert_uint_eq(v->run->mmio.is_write, 1);
	ck_assert_int_eq(kvm_fault_mmio(p->one.vp, 0, &is_device), VSM_VERDICT_EXCEPTION);
	ck_assert_int_eq(is_device, 0);
	ck_assert_uint_eq(*kt_at(p->t, TARGET), OLD);
}

START_TEST(no_store_after_a_load_before_the_denial)
{
	static const struct access add = { "add", { 0x48, 0x01, 0x1f }, 3, TARGET, 0, 0 };
	static const uint32_t rights[] = { R, 0 };

	for (uint32_t i = 0; i < VSMTEST_COUNT(rights); i++) {
		uint64_t gpa = PAGE_GPA;
		struct vk_vcpu *v;
		int is_device = 1;
		struct pair p;

		window_start(&p, 4);
		kt_deny(p.t, gpa, RW);
		access_ready(&p, &add, 3);
		v = &p.one.vp->vcpu[0];
		ck_assert_int_eq(kvm_enter(p.one.vp, v), 0);
		ck_assert_int_eq(kvm_fault_mmio(p.one.vp, 0, &is_device), VSM_VERDICT_RESUME);
		ck_assert_int_eq(is_device, 0);
		ck_assert_int_eq(kvm_enter_not(p.one.vp, v), 0);
		window_call = second_half_is_denied;
		ck_assert_uint_eq(kt_protect(p.t, 1, rights[i], &gpa, 1), REPS(1));
		ck_assert(window_call == NULL);
		kt_free(p.t);
	}
}
END_TEST

static uint32_t code_bytes(struct pair *p, uint64_t rip)
{
	uint8_t bytes[16];

	kt_set(&p->one, 0, HV_X64_REGISTER_RIP, rip);
	return kvm_code_read(p->one.vp, 0, bytes);
}

/* Slots show what they show until they change, to the guest as well. */
static void code_is_denied(struct pair *p)
{
	uint32_t shown = kt_by_ptes(p->t) ? 0 : 16;

	ck_assert_uint_eq(code_bytes(p, TARGET), shown);
	ck_assert_uint_eq(code_bytes(p, PAGE_GPA - 5), shown == 0 ? 5 : 16);
	ck_assert_uint_eq(code_bytes(p, NEXT - 5), shown);
}

/* Bytes of instructions are what the VTL may execute, and so in no case those of emulated pages. */
START_TEST(code_is_read_from_where_it_may_be_executed)
{
	uint64_t gpa = PAGE_GPA;
	struct pair p;

	window_start(&p, 4);
	kt_long_mode(&p.one, 0, 3);
	ck_assert_uint_eq(code_bytes(&p, PAGE_GPA - 5), 16);
	window_call = code_is_denied;
	ck_assert_uint_eq(kt_protect(p.t, 1, 0, &gpa, 1), REPS(1));
	ck_assert(window_call == NULL);
	ck_assert_uint_eq(kt_protect(p.t, 1, RW, &gpa, 1), REPS(1));
	ck_assert_uint_eq(code_bytes(&p, TARGET), 0);
	ck_assert_uint_eq(code_bytes(&p, PAGE_GPA - 5), 5);
	kt_free(p.t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(no_access_of_kernel_code_after_the_denial),
	VSMTEST_CASE(no_access_of_user_code_after_the_denial),
	VSMTEST_CASE(no_store_after_a_load_before_the_denial),
	VSMTEST_CASE(code_is_read_from_where_it_may_be_executed),
};

int main(void)
{
	return kt_main("kvm_emulate_window", cases, VSMTEST_COUNT(cases));
}
