/* SPDX-License-Identifier: BSD-3-Clause */
/* vsm_kvm_vp_reset(): a VP is as it was made, whatever was done to it, and boots again. */
#include <sys/ioctl.h>

#include "kvmtest.h"

#define RWX    HV_MAP_GPA_PERMISSIONS_MASK
#define VALUE  0x1122334455667788ull
#define OLD    0x1716151413121110ull
#define TARGET (PAGE_GPA + 0x10)
#define DEVICE (RAM_SIZE + 0x1000ull)

#define MSRS_MAX 512u

#define MSR_TSC	       0x10u
#define MSR_TSC_ADJUST 0x3bu
#define MSR_MTRR_BASE0 0x200u

/* All that KVM tells of a vCPU, asked by the test itself. */
struct snapshot {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_vcpu_events events;
	struct kvm_debugregs debug;
	struct kvm_xcrs xcrs;
	uint8_t image[16384];
	uint32_t msrs;
	struct kvm_msr_entry msr[2 * MSRS_MAX];
};

/* Time, and what guests cannot reach: synthetic MSRs are libvsm's, KVM's own are kept from them. */
static int is_compared(uint32_t msr)
{
	return msr != MSR_TSC && msr != MSR_TSC_ADJUST && msr >> 9 != 0x40000000u >> 9 &&
	       msr >> 8 != 0x4b564d00u >> 8;
}

static int get_msr(int fd, uint32_t msr, uint64_t *value)
{
	struct vk_msr_list one = { .nmsrs = 1, .entry = { .index = msr } };

	if (ioctl(fd, KVM_GET_MSRS, &one) != 1)
		return -1;
	*value = one.entry.data;
	return 0;
}

static int set_msr(int fd, uint32_t msr, uint64_t value)
{
	struct vk_msr_list one = { .nmsrs = 1, .entry = { .index = msr, .data = value } };

	return ioctl(fd, KVM_SET_MSRS, &one) == 1 ? 0 : -1;
}

static void snapshot_msrs(struct kt *t, int fd, struct snapshot *s)
{
	/* MTRRs, fixed ones and their default: these KVM does not name. */
	static const uint32_t more[] = { 0x250, 0x258, 0x259, 0x268, 0x269, 0x26a,
					 0x26b, 0x26c, 0x26d, 0x26e, 0x26f, 0x2ff };
	struct {
		uint32_t count, name[MSRS_MAX + 156];
	} list = { .count = MSRS_MAX };

	ck_assert_int_eq(ioctl(t->k->kvm_fd, KVM_GET_MSR_INDEX_LIST, &list), 0);
	for (uint32_t i = 0; i < 16; i++)
		list.name[list.count++] = MSR_MTRR_BASE0 + i;
	for (uint32_t i = 0; i < VSMTEST_COUNT(more); i++)
		list.name[list.count++] = more[i];
	for (uint32_t i = 0; i < 128; i++) /* Banks of machine checks. */
		list.name[list.count++] = 0x400 + i;
	for (uint32_t i = 0; i < list.count; i++) {
		struct kvm_msr_entry *entry = &s->msr[s->msrs];

		entry->index = list.name[i];
		if (is_compared(entry->index) &&
		    get_msr(fd, entry->index, (uint64_t *)&entry->data) == 0)
			s->msrs++;
	}
	ck_assert_uint_ge(s->msrs, 40);
}

static void snapshot(struct kt *t, uint32_t vtl, struct snapshot *s)
{
	int fd = vsm_kvm_vcpu_fd(t->vp, vtl);

	memset(s, 0, sizeof(*s));
	ck_assert_uint_le(t->k->facts.xsave_size, sizeof(s->image));
	ck_assert_int_eq(ioctl(fd, KVM_GET_REGS, &s->regs), 0);
	ck_assert_int_eq(ioctl(fd, KVM_GET_SREGS, &s->sregs), 0);
	ck_assert_int_eq(ioctl(fd, KVM_GET_VCPU_EVENTS, &s->events), 0);
	ck_assert_int_eq(ioctl(fd, KVM_GET_DEBUGREGS, &s->debug), 0);
	ck_assert_int_eq(ioctl(fd, KVM_GET_XCRS, &s->xcrs), 0);
	ck_assert_int_eq(kvm_fpu_save(t->vp, &t->vp->vcpu[vtl], s->image), 0);
	/* Which components are called initial is the processor's affair. */
	kvm_fpu_image_full(s->image);
	snapshot_msrs(t, fd, s);
}

static void assert_as_before(const struct snapshot *a, const struct snapshot *b)
{
	ck_assert_mem_eq(&a->regs, &b->regs, sizeof(a->regs));
	ck_assert_mem_eq(&a->sregs, &b->sregs, sizeof(a->sregs));
	ck_assert_mem_eq(&a->events, &b->events, sizeof(a->events));
	ck_assert_mem_eq(&a->debug, &b->debug, sizeof(a->debug));
	ck_assert_mem_eq(&a->xcrs, &b->xcrs, sizeof(a->xcrs));
	ck_assert_mem_eq(a->image, b->image, sizeof(a->image));
	ck_assert_uint_eq(a->msrs, b->msrs);
	for (uint32_t i = 0; i < a->msrs; i++)
		ck_assert_msg(
			a->msr[i].index == b->msr[i].index && a->msr[i].data == b->msr[i].data,
			"MSR %#x was %#llx, is %#llx", a->msr[i].index,
			(unsigned long long)a->msr[i].data, (unsigned long long)b->msr[i].data);
}

/* Whatever MSRs take another value get one. @return how many do. */
static uint32_t spoil_msrs(int fd, const struct snapshot *s)
{
	static const uint64_t flips[] = { 0x1000, 1, 0x40, 6 };
	uint32_t spoilt = 0;

	for (uint32_t i = 0; i < s->msrs; i++) {
		uint64_t value = s->msr[i].data;

		for (uint32_t f = 0; f < VSMTEST_COUNT(flips) && value == s->msr[i].data; f++) {
			if (set_msr(fd, s->msr[i].index, s->msr[i].data ^ flips[f]) == 0)
				ck_assert_int_eq(get_msr(fd, s->msr[i].index, &value), 0);
		}
		spoilt += value != s->msr[i].data;
	}
	return spoilt;
}

/* All else that a vCPU has. */
static void spoil(struct kt *t, uint32_t vtl, const struct snapshot *s)
{
	int fd = vsm_kvm_vcpu_fd(t->vp, vtl);
	struct kvm_debugregs debug = s->debug;
	struct kvm_vcpu_events events = s->events;
	struct kvm_xcrs xcrs = s->xcrs;
	struct vsm_reg xmm = { .name = HV_X64_REGISTER_XMM7, .value = { VALUE, OLD } };

	kt_long_mode(t, vtl, 3);
	for (uint32_t i = 0; i < 16; i++)
		kt_set(t, vtl, HV_X64_REGISTER_RAX + i, VALUE + i);
	kt_set(t, vtl, HV_X64_REGISTER_CR2, VALUE);
	kt_set(t, vtl, HV_X64_REGISTER_CR8, 5);
	assert_err(vsm_kvm_vp_set(t->vp, vtl, &xmm, 1), 0);
	debug.db[2] = VALUE >> 17;
	debug.dr7 |= 0x20;
	debug.dr6 |= 8;
	ck_assert_int_eq(ioctl(fd, KVM_SET_DEBUGREGS, &debug), 0);
	if (xcrs.nr_xcrs != 0) {
		xcrs.xcrs[0].value ^= 2;
		ck_assert_int_eq(ioctl(fd, KVM_SET_XCRS, &xcrs), 0);
	}
	/* Not taken over from kvm_run with the next KVM_RUN: they are not its guest's any more. */
	events.exception.injected = 1;
	events.exception.nr = 13;
	events.exception.has_error_code = 1;
	events.nmi.masked = 1;
	events.nmi.pending = 1;
	events.interrupt.shadow = 1;
	events.flags |= KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;
	ck_assert_int_eq(ioctl(fd, KVM_SET_VCPU_EVENTS, &events), 0);
	ck_assert_uint_ge(spoil_msrs(fd, s), 15);
}

/* Up to the VP, which has not been touched. */
static struct kt *new_vp(void)
{
	struct kt *t = kt_bare(NULL);

	kt_tables(t);
	assert_err(vsm_kvm_ram_add(t->k, 0, RAM_SIZE, t->memfd, 0, 0), 0);
	assert_err(vsm_partition_realise(t->vsm), 0);
	assert_err(vsm_kvm_vp_create(t->k, 0, 0, &t->vp), 0);
	return t;
}

/* As a VMM does it, up to a guest that runs. */
static void reboot(struct kt *t)
{
	assert_err(vsm_kvm_vp_reset(t->vp), 0);
	assert_err(vsm_partition_reset(t->vsm), 0);
	memset(t->ram, 0, RAM_SIZE);
	kt_tables(t);
	kt_long_mode(t, 0, 0);
}

/* The whole way: VTL1 comes up, protects, is told. */
static void all_works(struct kt *t)
{
	kt_vtl1(t);
	kt_deny(t, PAGE_GPA, 0);
	kt_switch(t, 1);
	kt_long_mode(t, 0, 3);
	kt_set(t, 0, HV_X64_REGISTER_RDI, TARGET);
	KT_CODE(t, 0, 0x48, 0x8b, 0x1f, STOP); /* mov (%rdi),%rbx */
	ck_assert_uint_eq(kt_stop(t), 1);
	ck_assert_uint_eq(kt_intercept(t).header.message_type, HVMSG_GPA_INTERCEPT);
	kt_deny(t, PAGE_GPA, RWX);
	ck_assert_uint_eq(kt_resume(t), 0);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBX), OLD);
}

START_TEST(everything_is_as_new)
{
	const struct vsm_exception gp = { .vector = 13, .has_error_code = 1 };
	struct snapshot *s = calloc(4, sizeof(*s));
	struct kt *t = new_vp();

	ck_assert_ptr_nonnull(s);
	for (uint32_t vtl = 0; vtl < 2; vtl++)
		snapshot(t, vtl, &s[vtl]);
	kt_long_mode(t, 0, 0);
	all_works(t);
	kt_long_mode(t, 0, 0);
	kt_switch(t, 0);
	for (uint32_t vtl = 0; vtl < 2; vtl++)
		spoil(t, vtl, &s[vtl]);
	assert_err(vsm_kvm_ops(t->k)->inject_event(t->vp, 0, &gp), 0);
	ck_assert_uint_eq(t->vp->active, 1);
	assert_err(vsm_partition_reset(t->vsm), 0);
	assert_err(vsm_kvm_vp_reset(t->vp), 0);
	ck_assert_uint_eq(t->vp->active, 0);
	for (uint32_t vtl = 0; vtl < 2; vtl++) {
		snapshot(t, vtl, &s[2 + vtl]);
		assert_as_before(&s[vtl], &s[2 + vtl]);
		ck_assert_uint_eq(t->vp->vcpu[vtl].run->kvm_dirty_regs, 0);
	}
	/* Again: nothing is different the second time. */
	assert_err(vsm_kvm_vp_reset(t->vp), 0);
	snapshot(t, 0, &s[2]);
	assert_as_before(&s[0], &s[2]);
	reboot(t);
	kt_set(t, 0, HV_X64_REGISTER_RBP, 0xff);
	KT_CODE(t, 0, STOP);
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBP), 0xff); /* No #GP came first. */
	all_works(t);
	kt_free(t);
	free(s);
}
END_TEST

/* Shared state that is what it was before the reset: the other vCPU has it no more. */
START_TEST(shared_state_is_carried_after_it)
{
	static const uint32_t names[] = { HV_X64_REGISTER_XMM0, HV_X64_REGISTER_DR2 };
	struct kt *t = kt_new(NULL);

	for (uint32_t round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < VSMTEST_COUNT(names); i++)
			kt_set(t, 0, names[i], VALUE >> 17);
		kt_vtl1(t);
		for (uint32_t i = 0; i < VSMTEST_COUNT(names); i++)
			ck_assert_uint_eq(kt_get(t, 1, names[i]), VALUE >> 17);
		reboot(t);
		for (uint32_t i = 0; i < VSMTEST_COUNT(names); i++)
			ck_assert_uint_eq(kt_get(t, 0, names[i]), 0);
	}
	kt_free(t);
}
END_TEST

/* IN, a load from a device, RDMSR: the VMM has not answered. */
START_TEST(half_done_exits_are_gone)
{
	static const uint8_t codes[][8] = {
		{ 0xe4, 0x55, STOP }, /* in $0x55,%al */
		{ 0x48, 0x8b, 0x1f, STOP }, /* mov (%rdi),%rbx */
		{ 0xff, 0x37, STOP }, /* push (%rdi) */
		{ 0x0f, 0x32, STOP }, /* rdmsr */
		{ 0x48, 0x89, 0x1f, STOP }, /* mov %rbx,(%rdi) */
		{ 0x48, 0xa5, STOP }, /* movsq, into RAM */
	};
	static const uint32_t kinds[] = { VSM_KVM_EXIT_PIO,   VSM_KVM_EXIT_MMIO, VSM_KVM_EXIT_MMIO,
					  VSM_KVM_EXIT_RDMSR, VSM_KVM_EXIT_MMIO, VSM_KVM_EXIT_MMIO };
	struct snapshot *s = calloc(2, sizeof(*s));
	struct kt *t = new_vp();

	ck_assert_ptr_nonnull(s);
	snapshot(t, 0, &s[0]);
	for (uint32_t i = 0; i < VSMTEST_COUNT(codes); i++) {
		kt_long_mode(t, 0, 0);
		kt_set(t, 0, HV_X64_REGISTER_RSI, DEVICE);
		kt_set(t, 0, HV_X64_REGISTER_RDI, codes[i][1] == 0xa5 ? OTHER_GPA : DEVICE);
		kt_set(t, 0, HV_X64_REGISTER_RCX, 0x4711);
		kt_code(t, 0, codes[i], sizeof(codes[i]));
		ck_assert_uint_eq(kt_run(t), kinds[i]);
		assert_err(vsm_kvm_vp_reset(t->vp), 0);
		ck_assert_uint_eq(*kt_at(t, OTHER_GPA), 0xccccccccccccccccull);
		ck_assert_uint_eq(t->vp->left, 0); /* No answer to it is taken. */
		/* What KVM would still do comes now, and no instruction of the guest. */
		ck_assert_int_eq(kvm_enter_not(t->vp, &t->vp->vcpu[0]), -EINTR);
		snapshot(t, 0, &s[1]);
		assert_as_before(&s[0], &s[1]);
		assert_err(vsm_partition_reset(t->vsm), 0);
	}
	kt_long_mode(t, 0, 0);
	all_works(t);
	kt_free(t);
	free(s);
}
END_TEST

/* A store that VTL1 has not allowed yet is not for the guest that boots next. */
START_TEST(held_stores_are_dropped)
{
	struct kt *t = kt_new(NULL);
	struct vsm_kvm_stats s;

	kt_vtl1(t);
	kt_deny(t, PAGE_GPA, 0);
	kt_switch(t, 1);
	kt_long_mode(t, 0, 0);
	kt_set(t, 0, HV_X64_REGISTER_RBX, VALUE);
	kt_set(t, 0, HV_X64_REGISTER_RDI, TARGET);
	KT_CODE(t, 0, 0x48, 0x89, 0x1f, STOP); /* mov %rbx,(%rdi) */
	ck_assert_uint_eq(kt_stop(t), 1);
	reboot(t);
	s = kt_stats(t);
	ck_assert_uint_eq(s.held_stores, s.stores_done + s.stores_dropped);
	/* Even with RIP where the store left it. */
	memcpy(t->ram + CODE_GPA, (const uint8_t[]){ 0x90, 0x90, 0x90, STOP }, 5);
	kt_set(t, 0, HV_X64_REGISTER_RIP, CODE_GPA + 3);
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(*kt_at(t, TARGET), OLD);
	kt_free(t);
}
END_TEST

START_TEST(misuse_and_failure_are_told)
{
	struct kt *t = kt_new(NULL);
	int fd = t->vp->vcpu[1].fd;

	assert_err(vsm_kvm_vp_reset(NULL), -VSM_ERR_INVAL);
	atomic_store(&t->vp->in_guest, 1);
	assert_err(vsm_kvm_vp_reset(t->vp), -VSM_ERR_MISUSE);
	atomic_store(&t->vp->in_guest, 0);
	t->vp->vcpu[1].fd = -1;
	errno = 0;
	assert_err(vsm_kvm_vp_reset(t->vp), -VSM_ERR_SYS);
	ck_assert_int_eq(errno, EBADF);
	t->vp->vcpu[1].fd = fd;
	reboot(t);
	all_works(t);
	kt_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(everything_is_as_new),	   VSMTEST_CASE(shared_state_is_carried_after_it),
	VSMTEST_CASE(half_done_exits_are_gone),	   VSMTEST_CASE(held_stores_are_dropped),
	VSMTEST_CASE(misuse_and_failure_are_told),
};

int main(void)
{
	return kt_main("kvm_reset", cases, VSMTEST_COUNT(cases));
}
