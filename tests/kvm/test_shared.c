/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared state from one plain vCPU to another, register by register. */
#include "plain.h"

#define ALL                                                                                 \
	(VSM_KVM_CARRY_FPU | VSM_KVM_CARRY_DEBUG | VSM_KVM_CARRY_XCR0 | VSM_KVM_CARRY_MSR | \
	 VSM_KVM_CARRY_DR6)

enum kind {
	GPR, /* by number */
	CR2,
	DR, /* DR0..DR3; 6 for DR6 */
	IMAGE, /* at: offset in the XSAVE image; size bytes */
	XCR0,
	MSR,
};

/* A shared register, what brings it along, and a value it does not start with. */
struct row {
	uint32_t name; /* 0: it has none. */
	uint32_t carry;
	uint32_t kind, at, size;
	uint64_t value;
};

#define G(reg, n)                                                                \
	{                                                                        \
		HV_X64_REGISTER_##reg, 0, GPR, n, 8, 0x1111111100000000ull + (n) \
	}
#define XMM(n)                                                                        \
	{                                                                             \
		HV_X64_REGISTER_XMM##n, VSM_KVM_CARRY_FPU, IMAGE, 160 + 16 * (n), 16, \
			0x2222222200000001ull + (n)                                   \
	}
#define ST(n)                                                                         \
	{                                                                             \
		HV_X64_REGISTER_FPMMX##n, VSM_KVM_CARRY_FPU, IMAGE, 32 + 16 * (n), 8, \
			0x8333333300000001ull + (n)                                   \
	}
#define M(id, msr, value)                                                   \
	{                                                                   \
		HV_X64_REGISTER_##id, VSM_KVM_CARRY_MSR, MSR, msr, 8, value \
	}
#define PAIR(n)                                                               \
	M(MTRR_PHYS_BASE##n, 0x200 + 2 * (n), 0x10000000ull * ((n) + 1) | 6), \
		M(MTRR_PHYS_MASK##n, 0x201 + 2 * (n), 0xff0000800ull)
/* Where XSAVE has it on every CPU (SDM vol. 1, 13.4.2, CPUID leaf 0xd). */
#define YMM(n)                                                                               \
	{                                                                                    \
		HV_X64_REGISTER_YMM##n##_HIGH, VSM_KVM_CARRY_FPU, IMAGE, 576 + 16 * (n), 16, \
			0x4444444400000001ull + (n)                                          \
	}

static const struct row rows[] = {
	G(RAX, 0),
	G(RCX, 1),
	G(RDX, 2),
	G(RBX, 3),
	G(RBP, 5),
	G(RSI, 6),
	G(RDI, 7),
	G(R8, 8),
	G(R9, 9),
	G(R10, 10),
	G(R11, 11),
	G(R12, 12),
	G(R13, 13),
	G(R14, 14),
	G(R15, 15),
	{ HV_X64_REGISTER_CR2, 0, CR2, 0, 8, 0x123456789000 },
	XMM(0),
	XMM(1),
	XMM(2),
	XMM(3),
	XMM(4),
	XMM(5),
	XMM(6),
	XMM(7),
	XMM(8),
	XMM(9),
	XMM(10),
	XMM(11),
	XMM(12),
	XMM(13),
	XMM(14),
	XMM(15),
	YMM(0),
	YMM(1),
	YMM(2),
	YMM(3),
	YMM(4),
	YMM(5),
	YMM(6),
	YMM(7),
	YMM(8),
	YMM(9),
	YMM(10),
	YMM(11),
	YMM(12),
	YMM(13),
	YMM(14),
	YMM(15),
	ST(0),
	ST(1),
	ST(2),
	ST(3),
	ST(4),
	ST(5),
	ST(6),
	ST(7),
	{ HV_X64_REGISTER_FP_CONTROL_STATUS, VSM_KVM_CARRY_FPU, IMAGE, 0, 2, 0x0a7f },
	{ HV_X64_REGISTER_XMM_CONTROL_STATUS, VSM_KVM_CARRY_FPU, IMAGE, 24, 4, 0x5f80 },
	{ HV_X64_REGISTER_XFEM, VSM_KVM_CARRY_XCR0, XCR0, 0, 8, 3 },
	{ HV_X64_REGISTER_DR0, VSM_KVM_CARRY_DEBUG, DR, 0, 8, 0x1000 },
	{ HV_X64_REGISTER_DR1, VSM_KVM_CARRY_DEBUG, DR, 1, 8, 0x2000 },
	{ HV_X64_REGISTER_DR2, VSM_KVM_CARRY_DEBUG, DR, 2, 8, 0x3000 },
	{ HV_X64_REGISTER_DR3, VSM_KVM_CARRY_DEBUG, DR, 3, 8, 0x4000 },
	{ HV_X64_REGISTER_DR6, VSM_KVM_CARRY_DR6, DR, 6, 8, 0xffff0ff3 },
	M(MTRR_DEF_TYPE, 0x2ff, 0xc06),
	PAIR(0),
	PAIR(1),
	PAIR(2),
	PAIR(3),
	PAIR(4),
	PAIR(5),
	PAIR(6),
	PAIR(7),
	M(MTRR_FIX_64K_00000, 0x250, 0x0606060606060606),
	M(MTRR_FIX_16K_80000, 0x258, 0x0606060606060605),
	M(MTRR_FIX_16K_A0000, 0x259, 0x0606060606060604),
	M(MTRR_FIX_4K_C0000, 0x268, 0x0606060606060601),
	M(MTRR_FIX_4K_C8000, 0x269, 0x0606060606060506),
	M(MTRR_FIX_4K_D0000, 0x26a, 0x0606060606060406),
	M(MTRR_FIX_4K_D8000, 0x26b, 0x0606060606060106),
	M(MTRR_FIX_4K_E0000, 0x26c, 0x0606060606050606),
	M(MTRR_FIX_4K_E8000, 0x26d, 0x0606060606040606),
	M(MTRR_FIX_4K_F0000, 0x26e, 0x0606060606010606),
	M(MTRR_FIX_4K_F8000, 0x26f, 0x0606060605060606),
	{ 0, VSM_KVM_CARRY_MSR, MSR, 0x17a, 8, 5 }, /* MCG_STATUS */
	M(IA32_MISC_ENABLE, 0x1a0, 0x9),
	M(DEBUGCTL, 0x1d9, 1),
	M(TSX_CTRL, 0x122, 1),
	M(U_CET, 0x6a0, 4),
	M(PL0_SSP, 0x6a4, 0x1000),
	M(PL1_SSP, 0x6a5, 0x1000),
	M(PL2_SSP, 0x6a6, 0x1000),
	M(PL3_SSP, 0x6a7, 0x1000),
};

#define ROWS VSMTEST_COUNT(rows)

/* ---- a register in KVM, without the library ---- */

static uint64_t *gpr(struct kvm_regs *g, uint32_t number)
{
	uint64_t *by_number[] = { (uint64_t *)&g->rax, (uint64_t *)&g->rcx, (uint64_t *)&g->rdx,
				  (uint64_t *)&g->rbx, (uint64_t *)&g->rsp, (uint64_t *)&g->rbp,
				  (uint64_t *)&g->rsi, (uint64_t *)&g->rdi };

	return number < 8 ? by_number[number] : (uint64_t *)&g->r8 + (number - 8);
}

/* The half of it that tells; with `value`, set. */
static uint64_t reg_access(int fd, const struct row *row, const uint64_t *value)
{
	struct kvm_debugregs d;
	struct kvm_sregs s;
	struct kvm_regs g;
	struct kvm_xcrs x = { .nr_xcrs = 0 };
	uint8_t image[4096];
	uint64_t got = 0, bv;

	switch (row->kind) {
	case GPR:
		ck_assert_int_eq(raw(fd, KVM_GET_REGS, &g), 0);
		got = *gpr(&g, row->at);
		if (value != NULL)
			*gpr(&g, row->at) = *value;
		ck_assert_int_eq(raw(fd, KVM_SET_REGS, &g), 0);
		return got;
	case CR2:
		ck_assert_int_eq(raw(fd, KVM_GET_SREGS, &s), 0);
		got = s.cr2;
		if (value != NULL)
			s.cr2 = *value;
		ck_assert_int_eq(raw(fd, KVM_SET_SREGS, &s), 0);
		return got;
	case DR:
		ck_assert_int_eq(raw(fd, KVM_GET_DEBUGREGS, &d), 0);
		got = row->at == 6 ? d.dr6 : d.db[row->at];
		if (value != NULL)
			*(row->at == 6 ? &d.dr6 : &d.db[row->at]) = *value;
		ck_assert_int_eq(raw(fd, KVM_SET_DEBUGREGS, &d), 0);
		return got;
	case XCR0:
		ck_assert_int_eq(raw(fd, KVM_GET_XCRS, &x), 0);
		got = x.xcrs[0].value;
		if (value != NULL)
			x.xcrs[0].value = *value;
		ck_assert_int_eq(raw(fd, KVM_SET_XCRS, &x), 0);
		return got;
	case IMAGE:
		ck_assert_int_eq(raw(fd, KVM_GET_XSAVE, image), 0);
		memcpy(&got, image + row->at, row->size < 8 ? row->size : 8);
		if (value == NULL)
			return got;
		memcpy(image + row->at, value, row->size < 8 ? row->size : 8);
		memcpy(&bv, image + VK_XSTATE_BV, 8);
		bv |= row->at < 576 ? 3 : 4;
		memcpy(image + VK_XSTATE_BV, &bv, 8);
		ck_assert_int_eq(raw(fd, KVM_SET_XSAVE, image), 0);
		return got;
	default:
		if (value == NULL)
			plain_msr_get(fd, row->at, &got);
		else
			ck_assert_int_eq(plain_msr_set(fd, row->at, *value), 1);
		return got;
	}
}

static int has_avx(struct plain *p)
{
	const struct plain_cpuid *list = plain_supported(p);

	for (uint32_t i = 0; i < list->nent; i++) {
		if (list->entry[i].function == 0xd && list->entry[i].index == 0)
			return (list->entry[i].eax & 4) != 0;
	}
	return 0;
}

/* KVM has the register, and the value is one that it keeps. */
static int is_kept(struct plain *p, const struct row *row)
{
	struct kvm_xcrs x = { .nr_xcrs = 0 };
	uint64_t old;
	int r;

	if (row->kind == MSR)
		return plain_msr_keeps(p->fd[0], row->at, row->value);
	/* Not every CPU has AVX. */
	if (row->kind == IMAGE && row->at >= 576)
		return has_avx(p);
	if (row->kind != XCR0)
		return 1;
	ck_assert_int_eq(raw(p->fd[0], KVM_GET_XCRS, &x), 0);
	old = x.xcrs[0].value;
	x.xcrs[0].value = row->value;
	r = raw(p->fd[0], KVM_SET_XCRS, &x);
	x.xcrs[0].value = old;
	raw(p->fd[0], KVM_SET_XCRS, &x);
	return r == 0;
}

/* ---- the two vCPUs ---- */

static int copy(struct plain *p, uint32_t carry)
{
	struct vsm_kvm_vcpu from = { .size = sizeof(from), .fd = p->fd[0], .run = p->run[0] };
	struct vsm_kvm_vcpu to = { .size = sizeof(to), .fd = p->fd[1], .run = p->run[1] };

	plain_count_start();
	return vsm_kvm_shared_copy(&from, &to, carry);
}

static void resync(struct plain *p)
{
	for (int i = 0; i < 2; i++)
		assert_err(vsm_kvm_sync_regs(p->fd[i], p->run[i]), 0);
}

/* Private state that is not that of a vCPU at its start, and another DR6 and DR7. */
static void private_fill(struct plain *p, int i, uint64_t seed)
{
	struct kvm_debugregs d;
	struct kvm_sregs s;
	struct kvm_regs g;

	ck_assert_int_eq(raw(p->fd[i], KVM_GET_REGS, &g), 0);
	g.rip = 0x1000 * seed;
	g.rsp = 0x2000 * seed;
	g.rflags = seed % 2 ? 0x246 : 0x2;
	ck_assert_int_eq(raw(p->fd[i], KVM_SET_REGS, &g), 0);
	ck_assert_int_eq(raw(p->fd[i], KVM_GET_SREGS, &s), 0);
	s.cr3 = 0x3000 * seed;
	s.cr8 = seed;
	s.fs.base = 0x4000 * seed;
	s.gdt.base = 0x5000 * seed;
	ck_assert_int_eq(raw(p->fd[i], KVM_SET_SREGS, &s), 0);
	ck_assert_int_eq(raw(p->fd[i], KVM_GET_DEBUGREGS, &d), 0);
	d.dr7 = 0x400 | seed << 8;
	d.dr6 = 0xffff0ff0 | seed;
	ck_assert_int_eq(raw(p->fd[i], KVM_SET_DEBUGREGS, &d), 0);
	for (uint32_t n = 4; n < 9; n++) /* SYSENTER_ESP .. SFMASK */
		ck_assert_int_eq(plain_msr_set(p->fd[i], plain_private_msrs[n], 0x600 * seed), 1);
}

/* Shared state is the same, private state is not. */
static struct plain *start(void)
{
	struct plain *p = plain_new();

	for (int i = 0; i < 2; i++) {
		plain_shared_fill(p, i, 5);
		private_fill(p, i, 1 + (uint64_t)i);
	}
	resync(p);
	return p;
}

struct view {
	struct plain_shared shared;
	struct plain_private own;
};

static void view(struct plain *p, int i, struct view *v)
{
	plain_look(p, i, &v->shared, &v->own);
}

START_TEST(each_shared_register_arrives_alone)
{
	struct plain *p = start();
	struct view from, to, from_now, to_now;
	uint32_t kept = 0;

	view(p, 1, &to);
	for (uint32_t i = 0; i < ROWS; i++) {
		const struct row *row = &rows[i];
		uint64_t old;

		if (!is_kept(p, row)) {
			printf("# KVM does not keep %s\n", vsm_register_name(row->name));
			continue;
		}
		old = reg_access(p->fd[0], row, NULL);
		ck_assert_uint_ne(old, row->value);
		reg_access(p->fd[0], row, &row->value);
		resync(p);
		view(p, 0, &from);
		/* All but what brings it along. */
		if (row->carry != 0) {
			assert_err(copy(p, ALL & ~row->carry), 0);
			plain_flush(p, 1);
			ck_assert_uint_ne(reg_access(p->fd[1], row, NULL), row->value);
		}
		assert_err(copy(p, ALL), 0);
		view(p, 1, &to_now);
		ck_assert_msg(reg_access(p->fd[1], row, NULL) == row->value, "row %u, name %s", i,
			      vsm_register_name(row->name));
		/* The rest of the shared state was equal and is; private state is its own. */
		ck_assert_mem_eq(&to_now.shared, &from.shared, sizeof(from.shared));
		ck_assert_uint_eq(to_now.own.dr6, from.own.dr6);
		to_now.own.dr6 = to.own.dr6;
		ck_assert_msg(memcmp(&to_now.own, &to.own, sizeof(to.own)) == 0, "row %u", i);
		view(p, 0, &from_now);
		ck_assert_mem_eq(&from_now, &from, sizeof(from));
		reg_access(p->fd[0], row, &old);
		reg_access(p->fd[1], row, &old);
		resync(p);
		kept++;
	}
	printf("# %u of %zu shared registers exist here\n", kept, ROWS);
	ck_assert_uint_ge(kept, 75);
	plain_free(p);
}
END_TEST

/* GPRs and CR2 alone, and DR6 is private. */
START_TEST(without_carry_only_kvm_run_is_moved)
{
	struct plain *p = start();
	struct view from, to, now;

	plain_shared_fill(p, 0, 6);
	view(p, 0, &from);
	view(p, 1, &to);
	assert_err(copy(p, 0), 0);
	ck_assert_uint_eq(plain_calls.all, 0);
	view(p, 1, &now);
	ck_assert_mem_eq(now.shared.gpr, from.shared.gpr, sizeof(now.shared.gpr));
	ck_assert_uint_eq(now.shared.cr2, from.shared.cr2);
	ck_assert_mem_eq(now.shared.db, to.shared.db, sizeof(now.shared.db));
	ck_assert_mem_eq(now.shared.image, to.shared.image, sizeof(now.shared.image));
	ck_assert_mem_eq(&now.own, &to.own, sizeof(to.own));
	plain_free(p);
}
END_TEST

START_TEST(dr6_moves_only_where_it_is_shared)
{
	struct plain *p = start();
	struct view from, to, now;

	plain_shared_fill(p, 0, 6);
	private_fill(p, 0, 1);
	resync(p);
	view(p, 0, &from);
	view(p, 1, &to);
	assert_err(copy(p, VSM_KVM_CARRY_DEBUG), 0);
	view(p, 1, &now);
	ck_assert_uint_eq(now.own.dr6, to.own.dr6);
	ck_assert_mem_eq(now.shared.db, from.shared.db, sizeof(now.shared.db));
	assert_err(copy(p, VSM_KVM_CARRY_DR6), 0);
	view(p, 1, &now);
	ck_assert_uint_eq(now.own.dr6, from.own.dr6);
	ck_assert_uint_eq(now.own.dr7, to.own.dr7);
	plain_free(p);
}
END_TEST

/* SSE state that is still the initial one must not lose what arrives (KVM_SET_FPU would). */
START_TEST(sse_arrives_on_a_new_vcpu)
{
	struct plain *p = plain_new();
	struct view from, to;

	plain_shared_fill(p, 0, 6);
	assert_err(copy(p, VSM_KVM_CARRY_FPU), 0);
	view(p, 0, &from);
	view(p, 1, &to);
	ck_assert_mem_eq(to.shared.image, from.shared.image, 512);
	plain_free(p);
}
END_TEST

/* And what is initial arrives where something else was, also in KVM's memory, from which XRSTOR may
 * take MXCSR. KVM_GET_FPU shows that. */
START_TEST(initial_state_arrives)
{
	struct plain *p = plain_new();
	struct kvm_fpu from, to;
	uint8_t image[4096];

	plain_shared_fill(p, 1, 6);
	ck_assert_int_eq(raw(p->fd[0], KVM_GET_XSAVE, image), 0);
	memset(image + VK_XSTATE_BV, 0, 8);
	ck_assert_int_eq(raw(p->fd[0], KVM_SET_XSAVE, image), 0);
	ck_assert_int_eq(raw(p->fd[0], KVM_GET_XSAVE, image), 0);
	assert_err(copy(p, VSM_KVM_CARRY_FPU), 0);
	ck_assert_int_eq(raw(p->fd[0], KVM_GET_FPU, &from), 0);
	ck_assert_int_eq(raw(p->fd[1], KVM_GET_FPU, &to), 0);
	ck_assert_uint_eq(to.fcw, 0x37f);
	ck_assert_mem_eq(to.xmm, from.xmm, sizeof(to.xmm));
	ck_assert_mem_eq(to.fpr, from.fpr, sizeof(to.fpr));
	ck_assert_int_eq(raw(p->fd[1], KVM_GET_XSAVE, image), 0);
	ck_assert_uint_eq(image[VK_XSTATE_BV] & 3, 3);
	plain_free(p);
}
END_TEST

START_TEST(memory_of_the_caller_serves_as_well)
{
	struct plain *p = start();
	uint32_t size = (uint32_t)raw(p->vm, KVM_CHECK_EXTENSION, (void *)208); /* XSAVE2 */
	struct vsm_kvm_vcpu from = { .size = sizeof(from), .fd = p->fd[0], .run = p->run[0] };
	struct vsm_kvm_vcpu to = { .size = sizeof(to), .fd = p->fd[1], .run = p->run[1] };
	struct view a, b;

	from.xsave_size = size < 4096 ? 4096 : size;
	from.xsave = calloc(1, from.xsave_size);
	plain_shared_fill(p, 0, 6);
	assert_err(vsm_kvm_shared_copy(&from, &to, VSM_KVM_CARRY_FPU), 0);
	view(p, 0, &a);
	view(p, 1, &b);
	ck_assert_mem_eq(b.shared.image, a.shared.image, 512);
	free(from.xsave);
	plain_free(p);
}
END_TEST

/* ---- what is left out ---- */

START_TEST(what_is_left_out_is_named)
{
	static const uint32_t carries[] = { ALL,
					    0,
					    VSM_KVM_CARRY_FPU,
					    VSM_KVM_CARRY_DEBUG,
					    VSM_KVM_CARRY_XCR0,
					    VSM_KVM_CARRY_MSR };
	uint32_t names[256];

	for (uint32_t c = 0; c < VSMTEST_COUNT(carries); c++) {
		struct vsm_register_info info = { .size = sizeof(info) };
		int n = vsm_kvm_shared_left_out(carries[c], names, 256), at = 0;

		ck_assert_int_gt(n, 0);
		ck_assert_int_le(n, 256);
		for (uint32_t i = 0; vsm_register_at(i, &info) == 0; i++) {
			int moved = 0, named;

			for (uint32_t j = 0; j < ROWS; j++)
				moved |= rows[j].name == info.name &&
					 (rows[j].carry & ~carries[c]) == 0;
			named = at < n && names[at] == info.name;
			at += named;
			ck_assert_msg(
				named == (info.owner == VSM_OWNER_HOST &&
					  info.scope == VSM_SCOPE_SHARED &&
					  (info.flags & (VSM_REG_ALIAS | VSM_REG_STATELESS)) == 0 &&
					  !moved),
				"%s, carry %#x", info.text, carries[c]);
		}
		ck_assert_int_eq(at, n);
	}
	names[1] = 0xabcd;
	ck_assert_int_gt(vsm_kvm_shared_left_out(0, names, 1), 1);
	ck_assert_uint_eq(names[1], 0xabcd);
	assert_err(vsm_kvm_shared_left_out(0, NULL, 1), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_shared_left_out(VSM_KVM_CARRY_DEFAULT, names, 1), -VSM_ERR_INVAL);
}
END_TEST

/* ---- what it costs ---- */

static void assert_cost(struct plain *p, uint32_t carry, uint32_t want, const char *what)
{
	assert_err(copy(p, carry), 0);
	ck_assert_msg(plain_calls.all == want, "carry %#x, %s: %u ioctls, not %u", carry, what,
		      plain_calls.all, want);
}

START_TEST(two_ioctls_a_bit_and_one_for_a_change)
{
	static const uint32_t carries[] = { VSM_KVM_CARRY_FPU, VSM_KVM_CARRY_DEBUG,
					    VSM_KVM_CARRY_DR6, VSM_KVM_CARRY_XCR0,
					    VSM_KVM_CARRY_MSR };
	struct plain *p = start();
	uint64_t type = 0xc06;

	assert_err(copy(p, ALL), 0);
	for (uint32_t i = 0; i < VSMTEST_COUNT(carries); i++)
		assert_cost(p, carries[i], 2, "nothing changed");
	assert_cost(p, VSM_KVM_CARRY_DEBUG | VSM_KVM_CARRY_DR6, 2, "nothing changed");
	assert_cost(p, ALL, 8, "nothing changed");
	private_fill(p, 0, 3);
	plain_shared_fill(p, 0, 7);
	ck_assert_int_eq(plain_msr_set(p->fd[0], 0x2ff, type), 1);
	assert_cost(p, VSM_KVM_CARRY_FPU, 2, "all changed");
	assert_cost(p, VSM_KVM_CARRY_DEBUG, 3, "all changed");
	assert_cost(p, VSM_KVM_CARRY_DR6, 3, "all changed");
	assert_cost(p, VSM_KVM_CARRY_MSR, 3, "all changed");
	assert_cost(p, ALL, 8, "nothing left");
	plain_free(p);
}
END_TEST

/* ---- failures ---- */

static void change_all(struct plain *p)
{
	struct kvm_xcrs x = { .nr_xcrs = 1 };

	plain_shared_fill(p, 0, 7);
	private_fill(p, 0, 3);
	ck_assert_int_eq(plain_msr_set(p->fd[0], 0x2ff, 0xc06), 1);
	ck_assert_int_eq(plain_msr_set(p->fd[0], 0x250, 0x0606060606060606), 1);
	x.xcrs[0].value = 3;
	raw(p->fd[0], KVM_SET_XCRS, &x); /* If it has SSE in XCR0. */
	resync(p);
}

static int copy_failing(struct plain *p, uint32_t call, uint32_t on, int err)
{
	struct vsm_kvm_vcpu from = { .size = sizeof(from), .fd = p->fd[0], .run = p->run[0] };
	struct vsm_kvm_vcpu to = { .size = sizeof(to), .fd = p->fd[1], .run = p->run[1] };

	plain_count_start();
	plain_calls.fail_at = call;
	plain_calls.fail_on = on;
	plain_calls.fail_errno = err;
	return vsm_kvm_shared_copy(&from, &to, ALL);
}

START_TEST(a_failure_changes_nothing)
{
	static const int errnos[] = { 0, EIO };
	struct plain *p = start();
	struct view before, now;
	uint32_t calls, points = 0, states = 0;

	/* Count on a machine of its own. */
	change_all(p);
	assert_err(copy(p, ALL), 0);
	calls = plain_calls.all;
	ck_assert_uint_ge(calls, 10);
	plain_free(p);
	p = start();
	change_all(p);
	view(p, 1, &before);
	for (uint32_t e = 0; e < VSMTEST_COUNT(errnos); e++) {
		for (uint32_t i = 1; i <= calls; i++, points++) {
			int r = copy_failing(p, i, 0, errnos[e]);

			ck_assert_msg(r == -VSM_ERR_SYS || (errnos[e] == 0 && r == -VSM_ERR_INVAL),
				      "call %u: %d", i, r);
			if (errnos[e] != 0)
				ck_assert_int_eq(errno, EIO);
			view(p, 1, &now);
			ck_assert_msg(memcmp(&now, &before, sizeof(now)) == 0, "call %u", i);
		}
	}
	plain_free(p);
	for (uint32_t i = 1; i <= calls; i++) {
		int r;

		p = start();
		change_all(p);
		r = copy_failing(p, i, 1, EIO);
		ck_assert(r == -VSM_ERR_SYS || r == -VSM_ERR_STATE);
		states += r == -VSM_ERR_STATE;
		plain_free(p);
	}
	ck_assert_uint_ge(states, 6);
	printf("# %u failures of a copy of %u ioctls\n", points, calls);
}
END_TEST

START_TEST(misuse_is_an_error)
{
	struct plain *p = start();
	struct vsm_kvm_vcpu from = { .size = sizeof(from), .fd = p->fd[0], .run = p->run[0] };
	struct vsm_kvm_vcpu to = { .size = sizeof(to), .fd = p->fd[1], .run = p->run[1] };
	struct vsm_kvm_vcpu bad;

	assert_err(vsm_kvm_shared_copy(NULL, &to, 0), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_shared_copy(&from, NULL, 0), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_shared_copy(&from, &from, 0), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_shared_copy(&from, &to, 0x20), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_shared_copy(&from, &to, VSM_KVM_CARRY_DEFAULT), -VSM_ERR_INVAL);
	for (uint32_t i = 0; i < 6; i++) {
		bad = to;
		bad.size = i == 0 ? 0 : bad.size;
		bad.fd = i == 1 ? -1 : i == 5 ? p->fd[0] : bad.fd;
		bad.run = i == 2 ? NULL : bad.run;
		bad.xsave_size = i == 3 ? 4095 : i == 4 ? 4096 : 0;
		bad.xsave = i == 3 ? &bad : NULL;
		assert_err(vsm_kvm_shared_copy(&from, &bad, 0), -VSM_ERR_INVAL);
		if (i != 5)
			assert_err(vsm_kvm_shared_copy(&bad, &to, 0), -VSM_ERR_INVAL);
	}
	bad = to;
	bad.fd = p->memfd;
	for (uint32_t carry = 1; carry <= 0x10; carry <<= 1) {
		assert_err(vsm_kvm_shared_copy(&from, &bad, carry), -VSM_ERR_SYS);
		assert_err(vsm_kvm_shared_copy(&bad, &from, carry), -VSM_ERR_SYS);
	}
	for (int i = 0; i < 2; i++) {
		p->run[i]->kvm_valid_regs = KVM_SYNC_X86_REGS;
		assert_err(vsm_kvm_shared_copy(&from, &to, 0), -VSM_ERR_MISUSE);
		p->run[i]->kvm_valid_regs = 7;
	}
	assert_err(vsm_kvm_shared_copy(&from, &to, 0), 0);
	/* KVM would read behind an image that is smaller than those of `to`. */
	bad = to;
	bad.xsave_size = 8192;
	bad.xsave = &bad;
	assert_err(vsm_kvm_shared_copy(&from, &bad, VSM_KVM_CARRY_FPU), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_shared_copy(&from, &bad, VSM_KVM_CARRY_XCR0), 0);
	plain_free(p);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(each_shared_register_arrives_alone),
	VSMTEST_CASE(without_carry_only_kvm_run_is_moved),
	VSMTEST_CASE(dr6_moves_only_where_it_is_shared),
	VSMTEST_CASE(sse_arrives_on_a_new_vcpu),
	VSMTEST_CASE(initial_state_arrives),
	VSMTEST_CASE(memory_of_the_caller_serves_as_well),
	VSMTEST_CASE(what_is_left_out_is_named),
	VSMTEST_CASE(two_ioctls_a_bit_and_one_for_a_change),
	VSMTEST_CASE(a_failure_changes_nothing),
	VSMTEST_CASE(misuse_is_an_error),
};

int main(void)
{
	return kt_main("kvm_shared", cases, VSMTEST_COUNT(cases));
}
