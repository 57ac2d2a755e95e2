/* SPDX-License-Identifier: BSD-3-Clause */
/* Private state of a plain vCPU: how many ioctls it takes, and what a failure of each leaves. */
#include "plain.h"

static const struct vsm_register_limits limits = { .size = sizeof(limits),
						   .cr4_mask = UINT64_MAX,
						   .efer_mask = UINT64_MAX,
						   .phys_bits = 52 };

static void put(struct vsm_private_state *s, uint32_t name, uint64_t value)
{
	struct vsm_reg reg = { .name = name, .value = { .low = value } };

	assert_err(vsm_private_state_set(s, &limits, &reg), 0);
}

/* A vCPU as it starts, and its state. */
static struct plain *start(struct vsm_private_state *s)
{
	struct plain *p = plain_new();

	plain_shared_fill(p, 0, 3);
	assert_err(vsm_private_state_init(s, 0), 0);
	plain_count_start();
	assert_err(vsm_kvm_private_save(p->fd[0], p->run[0], s), 0);
	return p;
}

static int load(struct plain *p, const struct vsm_private_state *s)
{
	plain_count_start();
	return vsm_kvm_private_load(p->fd[0], p->run[0], s);
}

/* KVM_GET_MSRS of one look, from what the header says of gaps. */
static uint32_t gets(struct plain *p)
{
	static const uint32_t list[] = { 0xc0000102, 0x277,	 0x174,	     0x176,
					 0x175,	     0xc0000081, 0xc0000082, 0xc0000083,
					 0xc0000084, 0xc0000103, 0x48,	     0xda0,
					 0xc001011f, 0x6a2,	 0x6a8,	     0xd90 };
	uint32_t eax = 7, ebx, ecx = 0, edx, n = 1, at = 0;
	uint64_t value;

	__asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	while (at < VSMTEST_COUNT(list)) {
		if (plain_msr_get(p->fd[0], list[at], &value) == 1) {
			at++;
			continue;
		}
		at += list[at] == 0x6a2 ? 2 : 1;
		if (at == 15 && (ebx & 1u << 14) == 0)
			at++;
		n += at < VSMTEST_COUNT(list);
	}
	return n;
}

static void assert_calls(struct plain *p, uint32_t set_sregs, uint32_t set_msrs, uint32_t set_debug)
{
	ck_assert_uint_eq(plain_calls_of(KVM_GET_MSRS), gets(p));
	ck_assert_uint_eq(plain_calls_of(KVM_GET_DEBUGREGS), 1);
	ck_assert_uint_eq(plain_calls_of(KVM_SET_SREGS), set_sregs);
	ck_assert_uint_eq(plain_calls_of(KVM_SET_MSRS), set_msrs);
	ck_assert_uint_eq(plain_calls_of(KVM_SET_DEBUGREGS), set_debug);
	ck_assert_uint_eq(plain_calls.all, gets(p) + 1 + set_sregs + set_msrs + set_debug);
}

START_TEST(a_save_takes_two_ioctls)
{
	struct vsm_private_state s;
	struct plain *p = start(&s);

	printf("# private_save: %u ioctls, KVM_GET_MSRS %u\n", plain_calls.all, gets(p));
	assert_calls(p, 0, 0, 0);
	/* Without gaps before CET, and without MPX, it is what the header promises. */
	if (gets(p) == 1)
		ck_assert_uint_eq(plain_calls.all, 2);
	plain_free(p);
}
END_TEST

/* The same of a guest that uses XSAVE, whose host can be asked for MPX in another way. */
START_TEST(a_guest_with_xsave_costs_no_more)
{
	struct vsm_private_state s, t;
	struct plain *p = start(&s);

	put(&s, HV_X64_REGISTER_CR4, 1 << 18);
	if (load(p, &s) == 0) {
		plain_flush(p, 0);
		t = s;
		plain_count_start();
		assert_err(vsm_kvm_private_save(p->fd[0], p->run[0], &t), 0);
		ck_assert_mem_eq(&t, &s, sizeof(s));
		assert_calls(p, 0, 0, 0);
	}
	plain_free(p);
}
END_TEST

struct cost {
	const char *what;
	uint32_t name;
	uint64_t value;
	uint32_t set_sregs, set_msrs, set_debug;
};

static const struct cost costs[] = {
	{ "nothing", HV_X64_REGISTER_RIP, 0xfff0, 0, 0, 0 },
	{ "RIP", HV_X64_REGISTER_RIP, 0x1234, 0, 0, 0 },
	{ "CR3", HV_X64_REGISTER_CR3, 0xffffff000, 0, 0, 0 },
	{ "a high CR3", HV_X64_REGISTER_CR3, 0x1000000000, 1, 0, 0 },
	{ "CR8", HV_X64_REGISTER_CR8, 3, 0, 0, 0 },
	{ "NMI mask", HV_REGISTER_INTERRUPT_STATE, 2, 0, 0, 0 },
	{ "CR0", HV_X64_REGISTER_CR0, 0x11, 1, 0, 0 },
	{ "CR4", HV_X64_REGISTER_CR4, 0x20, 1, 0, 0 },
	{ "EFER", HV_X64_REGISTER_EFER, 0x1, 1, 0, 0 },
	{ "APIC_BASE", HV_X64_REGISTER_APIC_BASE, 0xfee00800, 1, 0, 0 },
	{ "one MSR", HV_X64_REGISTER_LSTAR, 0x1000, 0, 1, 0 },
	{ "DR6", HV_X64_REGISTER_DR6, 0xffff0ff1, 0, 0, 1 },
	{ "DR7", HV_X64_REGISTER_DR7, 0x700, 0, 0, 1 },
};

START_TEST(a_load_pays_for_what_changes)
{
	for (uint32_t i = 0; i < VSMTEST_COUNT(costs); i++) {
		const struct cost *c = &costs[i];
		struct vsm_private_state s, out;
		struct plain *p = start(&s);

		if (i != 0)
			put(&s, c->name, c->value);
		printf("# load, %s\n", c->what);
		assert_err(load(p, &s), 0);
		assert_calls(p, c->set_sregs, c->set_msrs, c->set_debug);
		plain_flush(p, 0);
		plain_free(p);

		/* An exchange costs no more. */
		p = start(&s);
		if (i != 0)
			put(&s, c->name, c->value);
		assert_err(vsm_private_state_init(&out, 0), 0);
		plain_count_start();
		assert_err(vsm_kvm_private_exchange(p->fd[0], p->run[0], &out, &s), 0);
		assert_calls(p, c->set_sregs, c->set_msrs, c->set_debug);
		plain_free(p);
	}
}
END_TEST

static void two_of_a_kind(struct vsm_private_state *s)
{
	put(s, HV_X64_REGISTER_CR4, 0x620);
	put(s, HV_X64_REGISTER_RIP, 0x1234);
	put(s, HV_X64_REGISTER_LSTAR, 0x1000);
	put(s, HV_X64_REGISTER_STAR, 0x23001000000000);
	put(s, HV_X64_REGISTER_DR7, 0x700);
	put(s, HV_X64_REGISTER_CR8, 5);
}

START_TEST(all_msrs_go_in_one_batch)
{
	struct vsm_private_state s;
	struct plain *p = start(&s);

	two_of_a_kind(&s);
	assert_err(load(p, &s), 0);
	assert_calls(p, 1, 1, 1);
	/* SREGS that wait for KVM_RUN already are given to KVM at once. */
	put(&s, HV_X64_REGISTER_CR3, 0x2000);
	assert_err(load(p, &s), 0);
	assert_calls(p, 0, 0, 0);
	ck_assert_uint_ne(p->run[0]->kvm_dirty_regs & KVM_SYNC_X86_SREGS, 0);
	assert_err(load(p, &s), 0);
	assert_calls(p, 1, 0, 0);
	ck_assert_uint_eq(p->run[0]->kvm_dirty_regs & KVM_SYNC_X86_SREGS, 0);
	plain_free(p);
}
END_TEST

/* What does not change is not given to KVM again. */
/* Events always are: KVM may have some that it does not show. */
START_TEST(only_what_changes_is_dirty)
{
	struct vsm_private_state s;
	struct plain *p = start(&s);
	struct kvm_run *run = p->run[0];

	assert_err(load(p, &s), 0);
	ck_assert_uint_eq(run->kvm_dirty_regs, KVM_SYNC_X86_EVENTS);
	put(&s, HV_X64_REGISTER_RIP, 0x1234);
	assert_err(load(p, &s), 0);
	ck_assert_uint_eq(run->kvm_dirty_regs, KVM_SYNC_X86_EVENTS | KVM_SYNC_X86_REGS);
	plain_flush(p, 0);
	put(&s, HV_REGISTER_INTERRUPT_STATE, 2);
	assert_err(load(p, &s), 0);
	ck_assert_uint_eq(run->kvm_dirty_regs, KVM_SYNC_X86_EVENTS);
	plain_flush(p, 0);
	put(&s, HV_X64_REGISTER_CR3, 0x2000);
	assert_err(load(p, &s), 0);
	ck_assert_uint_eq(run->kvm_dirty_regs, KVM_SYNC_X86_EVENTS | KVM_SYNC_X86_SREGS);
	plain_free(p);
}
END_TEST

/* A speculation control that changes is looked at again. */
START_TEST(doubtful_msrs_are_read_back)
{
	struct vsm_private_state s;
	struct plain *p = start(&s);
	int kept = plain_msr_keeps(p->fd[0], 0x48, 1);
	uint64_t value;

	if (plain_msr_get(p->fd[0], 0x48, &value) == 1 && plain_msr_set(p->fd[0], 0x48, 1) == 1) {
		ck_assert_int_eq(plain_msr_set(p->fd[0], 0x48, 0), 1);
		put(&s, HV_X64_REGISTER_SPEC_CTRL, 1);
		assert_err(load(p, &s), kept ? 0 : -VSM_ERR_NOSUP);
		ck_assert_uint_eq(plain_calls_of(KVM_GET_MSRS), gets(p) + 1);
		ck_assert_uint_eq(plain_calls_of(KVM_SET_MSRS), kept ? 1 : 2);
	}
	plain_free(p);
}
END_TEST

/* ---- failures ---- */

struct view {
	struct plain_shared shared;
	struct plain_private own;
};

static void view(struct plain *p, struct view *v)
{
	plain_look(p, 0, &v->shared, &v->own);
}

static void assert_view(const struct view *a, const struct view *b, uint32_t call)
{
	ck_assert_msg(memcmp(a, b, sizeof(*a)) == 0, "call %u", call);
}

static void fail_from(uint32_t call, uint32_t on, int err)
{
	plain_count_start();
	plain_calls.fail_at = call;
	plain_calls.fail_on = on;
	plain_calls.fail_errno = err;
}

/* MSRs that are written to find out whether KVM keeps them have their values again. */
START_TEST(asking_changes_nothing)
{
	struct vsm_private_state s;
	struct plain *p = start(&s);
	struct view before, after;

	two_of_a_kind(&s);
	assert_err(load(p, &s), 0);
	view(p, &before);
	ck_assert_int_gt(vsm_kvm_private_left_out(p->fd[0], 1, NULL, 0), 0);
	view(p, &after);
	assert_view(&before, &after, 0);
	plain_free(p);
}
END_TEST

/* Every ioctl of an exchange fails once, in two ways: nothing has changed, and it works then. */
START_TEST(a_failure_changes_nothing)
{
	static const int errnos[] = { 0, EIO };
	struct vsm_private_state s, out, old_out;
	struct plain *p = start(&s);
	struct view before, after;
	uint32_t calls, points = 0;

	two_of_a_kind(&s);
	view(p, &before);
	assert_err(vsm_private_state_init(&out, 0), 0);
	old_out = out;
	plain_count_start();
	assert_err(vsm_kvm_private_exchange(p->fd[0], p->run[0], &out, &s), 0);
	calls = plain_calls.all;
	assert_err(load(p, &out), 0);
	view(p, &after);
	assert_view(&before, &after, 0);
	for (uint32_t e = 0; e < VSMTEST_COUNT(errnos); e++) {
		for (uint32_t i = 1; i <= calls; i++, points++) {
			int r;

			out = old_out;
			fail_from(i, 0, errnos[e]);
			r = vsm_kvm_private_exchange(p->fd[0], p->run[0], &out, &s);
			ck_assert_uint_ge(plain_calls.all, i);
			/* A value that KVM refuses is the caller's; all else is the system's. */
			ck_assert_int_eq(r, errnos[e] == 0 && i + 3 > calls ? -VSM_ERR_INVAL :
									      -VSM_ERR_SYS);
			if (errnos[e] != 0)
				ck_assert_int_eq(errno, EIO);
			ck_assert_mem_eq(&out, &old_out, sizeof(out));
			view(p, &after);
			assert_view(&before, &after, i);
		}
	}
	printf("# %u failures of an exchange of %u ioctls\n", points, calls);
	assert_err(vsm_kvm_private_exchange(p->fd[0], p->run[0], &out, &s), 0);
	plain_free(p);
}
END_TEST

/* Without a way back it is said. */
START_TEST(a_failed_way_back_is_told)
{
	struct vsm_private_state s;
	struct plain *p = start(&s);
	uint32_t calls, first;

	two_of_a_kind(&s);
	plain_count_start();
	calls = gets(p) + 4;
	first = gets(p) + 2;
	for (uint32_t i = 1; i <= calls; i++) {
		fail_from(i, 1, EIO);
		assert_err(vsm_kvm_private_load(p->fd[0], p->run[0], &s),
			   i <= first ? -VSM_ERR_SYS : -VSM_ERR_STATE);
	}
	plain_free(p);
}
END_TEST

/* KVM is asked about what only it can know. */
START_TEST(what_kvm_refuses_is_refused)
{
	static const struct {
		uint32_t name;
		uint64_t value;
	} bad[] = {
		{ HV_X64_REGISTER_CR4, 1ull << 40 },
		{ HV_X64_REGISTER_CR0, 0x80000010 },
		{ HV_X64_REGISTER_CR0, 1ull << 40 },
		{ HV_X64_REGISTER_EFER, 0x400 },
		{ HV_X64_REGISTER_APIC_BASE, 1ull << 60 },
		{ HV_X64_REGISTER_LSTAR, 1ull << 60 },
		{ HV_X64_REGISTER_PAT, 2 },
		{ HV_X64_REGISTER_DR7, 1ull << 40 },
		{ HV_X64_REGISTER_RFLAGS, 0 },
		{ HV_X64_REGISTER_CR8, 16 },
		{ HV_X64_REGISTER_TSC_AUX, 1ull << 32 },
	};
	struct vsm_private_state good, s, out, old;
	struct plain *p = start(&good);
	struct view before, after;

	view(p, &before);
	assert_err(vsm_private_state_init(&out, 0), 0);
	old = out;
	two_of_a_kind(&good);
	for (uint32_t i = 0; i < VSMTEST_COUNT(bad); i++) {
		s = good;
		for (uint32_t n = 0; n < s.count; n++)
			if (s.regs[n].name == bad[i].name)
				s.regs[n].value.low = bad[i].value;
		ck_assert_msg(load(p, &s) == -VSM_ERR_INVAL, "row %u", i);
		assert_err(vsm_kvm_private_exchange(p->fd[0], p->run[0], &out, &s), -VSM_ERR_INVAL);
		ck_assert_mem_eq(&out, &old, sizeof(out));
		view(p, &after);
		assert_view(&before, &after, i);
	}
	plain_free(p);
}
END_TEST

START_TEST(modes_that_do_not_exist_are_refused)
{
	struct vsm_private_state s;
	struct plain *p = start(&s);
	struct hv_segment_register cs = { .limit = 0xffffffff,
					  .selector = 8,
					  .attributes = 0xa09b };
	struct vsm_reg reg = { .name = HV_X64_REGISTER_CS };

	memcpy(&reg.value, &cs, sizeof(cs));
	assert_err(vsm_private_state_set(&s, &limits, &reg), 0);
	assert_err(load(p, &s), -VSM_ERR_INVAL); /* CS.L in real mode */
	put(&s, HV_X64_REGISTER_CR0, 0x80000011);
	put(&s, HV_X64_REGISTER_EFER, 0x500);
	assert_err(load(p, &s), -VSM_ERR_INVAL); /* no PAE */
	put(&s, HV_X64_REGISTER_CR4, 0x20);
	assert_err(load(p, &s), 0);
	put(&s, HV_X64_REGISTER_EFER, 0x100);
	assert_err(load(p, &s), -VSM_ERR_INVAL); /* no LMA */
	plain_free(p);
}
END_TEST

/* ---- misuse ---- */

START_TEST(misuse_is_an_error)
{
	struct vsm_private_state s, t, empty = { .size = 0 };
	struct plain *p = start(&s);
	int fd = p->fd[0];
	struct kvm_run *run = p->run[0];

	assert_err(vsm_private_state_init(&t, 0), 0);
	assert_err(vsm_kvm_sync_regs(-1, run), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_sync_regs(fd, NULL), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_sync_regs(p->memfd, run), -VSM_ERR_SYS);
	assert_err(vsm_kvm_private_save(-1, run, &t), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_private_save(fd, NULL, &t), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_private_save(fd, run, NULL), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_private_save(fd, run, &empty), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_private_save(p->memfd, run, &t), -VSM_ERR_SYS);
	assert_err(vsm_kvm_private_load(-1, run, &s), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_private_load(fd, NULL, &s), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_private_load(fd, run, NULL), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_private_load(fd, run, &empty), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_private_load(p->memfd, run, &s), -VSM_ERR_SYS);
	assert_err(vsm_kvm_private_exchange(fd, run, &s, &s), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_private_exchange(fd, run, &t, &empty), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_private_exchange(fd, run, &empty, &t), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_private_exchange(fd, run, NULL, &t), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_private_exchange(fd, NULL, &t, &s), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_private_left_out(-1, 0, NULL, 0), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_private_left_out(fd, 0, NULL, 1), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_private_left_out(fd, 4, NULL, 0), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_private_left_out(p->memfd, 0, NULL, 0), -VSM_ERR_SYS);
	for (uint32_t bit = 1; bit <= 4; bit <<= 1) {
		run->kvm_valid_regs = 7 & ~bit;
		assert_err(vsm_kvm_private_save(fd, run, &t), -VSM_ERR_MISUSE);
		assert_err(vsm_kvm_private_load(fd, run, &s), -VSM_ERR_MISUSE);
		assert_err(vsm_kvm_private_exchange(fd, run, &t, &s), -VSM_ERR_MISUSE);
	}
	plain_free(p);
}
END_TEST

/* An object that somebody has written to. */
START_TEST(a_damaged_object_is_refused)
{
	struct vsm_private_state good, s;
	struct plain *p = start(&good);
	uint32_t tried = 0;

	for (uint32_t i = 0; i < good.count; i++) {
		uint32_t name = good.regs[i].name;
		struct vsm_register_info info = { .size = sizeof(info) };

		assert_err(vsm_register_info(name, &info), 0);
		if (info.owner != VSM_OWNER_HOST || info.group == 0)
			continue;
		s = good;
		s.regs[i].name = 0xffffffff;
		assert_err(load(p, &s), -VSM_ERR_INVAL);
		s = good;
		s.regs[i].reserved = 1;
		if (name != HV_X64_REGISTER_SSP)
			assert_err(load(p, &s), -VSM_ERR_INVAL);
		tried++;
	}
	ck_assert_uint_gt(tried, 30);
	s = good;
	s.flags |= VSM_PRIVATE_STATE_DR6_SHARED;
	assert_err(load(p, &s), -VSM_ERR_INVAL);
	s = good;
	s.count = 3;
	assert_err(load(p, &s), -VSM_ERR_INVAL);
	plain_free(p);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(a_save_takes_two_ioctls),
	VSMTEST_CASE(a_guest_with_xsave_costs_no_more),
	VSMTEST_CASE(a_load_pays_for_what_changes),
	VSMTEST_CASE(all_msrs_go_in_one_batch),
	VSMTEST_CASE(only_what_changes_is_dirty),
	VSMTEST_CASE(doubtful_msrs_are_read_back),
	VSMTEST_CASE(asking_changes_nothing),
	VSMTEST_CASE(a_failure_changes_nothing),
	VSMTEST_CASE(a_failed_way_back_is_told),
	VSMTEST_CASE(what_kvm_refuses_is_refused),
	VSMTEST_CASE(modes_that_do_not_exist_are_refused),
	VSMTEST_CASE(misuse_is_an_error),
	VSMTEST_CASE(a_damaged_object_is_refused),
};

int main(void)
{
	return kt_main("kvm_private_calls", cases, VSMTEST_COUNT(cases));
}
