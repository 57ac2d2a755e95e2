/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Two vCPUs of plain KVM, without a partition and without struct vsm_kvm, for the tests of
 * vsm/kvm_state.h. What libvsm-kvm asks of KVM goes through an ioctl() of this file, which counts
 * and can fail; what the test asks goes to the kernel directly.
 */
#ifndef PLAIN_H
#define PLAIN_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "kvmtest.h"

#define PLAIN_REQUESTS 16u

/* ioctls of the library since plain_count_start(). */
struct plain_calls {
	uint32_t all;
	uint32_t fail_at; /* The call that fails, 1 the first; 0 none. */
	uint32_t fail_on; /* 1: so do all after it. */
	int fail_errno;
	unsigned long request[PLAIN_REQUESTS];
};

static struct plain_calls plain_calls;

static inline int raw(int fd, unsigned long request, const void *arg)
{
	return (int)syscall(SYS_ioctl, fd, request, arg);
}

int ioctl(int fd, unsigned long request, ...)
{
	struct plain_calls *c = &plain_calls;
	va_list list;
	void *arg;

	va_start(list, request);
	arg = va_arg(list, void *);
	va_end(list);
	if (c->all < PLAIN_REQUESTS)
		c->request[c->all] = request;
	c->all++;
	if (c->fail_at == 0 || c->all < c->fail_at || (c->all > c->fail_at && !c->fail_on))
		return raw(fd, request, arg);
	/* KVM does not fail so, it stops at the first. */
	if (request == KVM_SET_MSRS && c->fail_errno == 0)
		return 0;
	errno = c->fail_errno != 0 ? c->fail_errno : EINVAL;
	return -1;
}

static inline void plain_count_start(void)
{
	memset(&plain_calls, 0, sizeof(plain_calls));
}

/* How often the library made such a call. */
static inline uint32_t plain_calls_of(unsigned long request)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < plain_calls.all && i < PLAIN_REQUESTS; i++)
		n += plain_calls.request[i] == request;
	return n;
}

struct plain {
	int kvm, vm, memfd;
	int fd[2];
	struct kvm_run *run[2];
	size_t run_size;
	struct kt t; /* ram only */
};

struct plain_cpuid {
	uint32_t nent, padding;
	struct kvm_cpuid_entry2 entry[VK_CPUID_MAX];
};

/* What KVM can give a guest; the list is one for all. */
static inline const struct plain_cpuid *plain_supported(const struct plain *p)
{
	static struct plain_cpuid list;

	list.nent = VK_CPUID_MAX;
	ck_assert_int_eq(raw(p->kvm, KVM_GET_SUPPORTED_CPUID, &list), 0);
	return &list;
}

static inline void plain_set_cpuid(struct plain *p)
{
	struct plain_cpuid list = *plain_supported(p);

	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(raw(p->fd[i], KVM_SET_CPUID2, &list), 0);
}

static inline struct plain *plain_new(void)
{
	struct kvm_userspace_memory_region slot = { .memory_size = RAM_SIZE };
	struct plain *p = calloc(1, sizeof(*p));

	ck_assert_ptr_nonnull(p);
	plain_count_start();
	p->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	p->vm = raw(p->kvm, KVM_CREATE_VM, NULL);
	ck_assert_int_ge(p->vm, 0);
	p->memfd = kt_memfd(RAM_SIZE);
	p->t.ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, p->memfd, 0);
	ck_assert(p->t.ram != MAP_FAILED);
	slot.userspace_addr = (uintptr_t)p->t.ram;
	ck_assert_int_eq(raw(p->vm, KVM_SET_USER_MEMORY_REGION, &slot), 0);
	p->run_size = (size_t)raw(p->kvm, KVM_GET_VCPU_MMAP_SIZE, NULL);
	for (intptr_t i = 0; i < 2; i++) {
		p->fd[i] = raw(p->vm, KVM_CREATE_VCPU, (void *)i);
		ck_assert_int_ge(p->fd[i], 0);
		p->run[i] =
			mmap(NULL, p->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, p->fd[i], 0);
		ck_assert(p->run[i] != MAP_FAILED);
	}
	plain_set_cpuid(p);
	kt_tables(&p->t);
	for (int i = 0; i < 2; i++)
		assert_err(vsm_kvm_sync_regs(p->fd[i], p->run[i]), 0);
	plain_count_start();
	return p;
}

static inline void plain_free(struct plain *p)
{
	for (int i = 0; i < 2; i++) {
		munmap(p->run[i], p->run_size);
		close(p->fd[i]);
	}
	munmap(p->t.ram, RAM_SIZE);
	close(p->memfd);
	close(p->vm);
	close(p->kvm);
	free(p);
}

/* Let KVM take what kvm_run has for it. No instruction is executed. */
static inline void plain_flush(struct plain *p, int i)
{
	p->run[i]->immediate_exit = 1;
	ck_assert_int_eq(raw(p->fd[i], KVM_RUN, NULL), -1);
	ck_assert_int_eq(errno, EINTR);
	p->run[i]->immediate_exit = 0;
}

/* 1: there is such an MSR. */
static inline int plain_msr_get(int fd, uint32_t msr, uint64_t *value)
{
	struct vk_msr_list list = { .nmsrs = 1, .entry = { .index = msr } };
	int n = raw(fd, KVM_GET_MSRS, &list);

	*value = list.entry.data;
	return n;
}

static inline int plain_msr_set(int fd, uint32_t msr, uint64_t value)
{
	struct vk_msr_list list = { .nmsrs = 1, .entry = { .index = msr, .data = value } };

	return raw(fd, KVM_SET_MSRS, &list);
}

/* Does KVM keep that value in it? It has its old one after that. */
static inline int plain_msr_keeps(int fd, uint32_t msr, uint64_t value)
{
	uint64_t old, now = 0;
	int n = plain_msr_get(fd, msr, &old);

	if (n != 1)
		return 0;
	if (plain_msr_set(fd, msr, value) == 1)
		plain_msr_get(fd, msr, &now);
	else
		return 0;
	ck_assert_int_eq(plain_msr_set(fd, msr, old), 1);
	return now == value;
}

/* ---- all state of a vCPU that KVM shows, for "nothing has changed" ---- */

static const uint32_t plain_shared_msrs[] = {
	0x2ff, 0x200, 0x201, 0x202, 0x203, 0x204, 0x205, 0x206, 0x207, 0x208, 0x209, 0x20a, 0x20b,
	0x20c, 0x20d, 0x20e, 0x20f, 0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d,
	0x26e, 0x26f, 0x17a, 0x1a0, 0x1d9, 0x122, 0x6a0, 0x6a4, 0x6a5, 0x6a6, 0x6a7,
};

static const uint32_t plain_private_msrs[] = {
	0xc0000102, 0x277,	0x174, 0x176, 0x175,	  0xc0000081, 0xc0000082, 0xc0000083,
	0xc0000084, 0xc0000103, 0x48,  0xda0, 0xc001011f, 0x6a2,      0x6a8,	  0xd90,
};

struct plain_shared {
	uint64_t gpr[16]; /* By number; RSP is 0. */
	uint64_t cr2, db[4], xcr0;
	uint64_t msr[VSMTEST_COUNT(plain_shared_msrs)];
	uint8_t image[4096];
};

struct plain_private {
	uint64_t rip, rsp, rflags, dr6, dr7;
	struct kvm_sregs sregs; /* CR2 is 0 */
	struct kvm_vcpu_events events;
	uint64_t msr[VSMTEST_COUNT(plain_private_msrs)];
};

/* DR6 is private here. */
static inline void plain_look(struct plain *p, int i, struct plain_shared *s,
			      struct plain_private *v)
{
	struct kvm_debugregs d;
	struct kvm_xcrs x = { .nr_xcrs = 0 };
	struct kvm_sync_regs r;

	memset(s, 0, sizeof(*s));
	memset(v, 0, sizeof(*v));
	plain_flush(p, i);
	ck_assert_int_eq(raw(p->fd[i], KVM_GET_REGS, &r.regs), 0);
	ck_assert_int_eq(raw(p->fd[i], KVM_GET_SREGS, &v->sregs), 0);
	ck_assert_int_eq(raw(p->fd[i], KVM_GET_VCPU_EVENTS, &v->events), 0);
	ck_assert_int_eq(raw(p->fd[i], KVM_GET_DEBUGREGS, &d), 0);
	ck_assert_int_eq(raw(p->fd[i], KVM_GET_XCRS, &x), 0);
	ck_assert_int_eq(raw(p->fd[i], KVM_GET_XSAVE, s->image), 0);
	for (uint32_t n = 0; n < 16; n++)
		s->gpr[n] = n == 4 ? 0 : kvm_gpr(&r, n);
	for (uint32_t n = 0; n < 4; n++)
		s->db[n] = d.db[n];
	s->xcr0 = x.nr_xcrs == 0 ? 0 : x.xcrs[0].value;
	s->cr2 = v->sregs.cr2;
	v->sregs.cr2 = 0;
	v->rip = r.regs.rip;
	v->rsp = r.regs.rsp;
	v->rflags = r.regs.rflags;
	v->dr6 = d.dr6;
	v->dr7 = d.dr7;
	for (uint32_t n = 0; n < VSMTEST_COUNT(plain_shared_msrs); n++)
		plain_msr_get(p->fd[i], plain_shared_msrs[n], &s->msr[n]);
	for (uint32_t n = 0; n < VSMTEST_COUNT(plain_private_msrs); n++)
		plain_msr_get(p->fd[i], plain_private_msrs[n], &v->msr[n]);
}

/* Shared state that differs from what a vCPU starts with, and from that of another seed. */
static inline void plain_shared_fill(struct plain *p, int i, uint64_t seed)
{
	struct kvm_debugregs d;
	struct kvm_sregs sregs;
	struct kvm_regs g;
	uint8_t image[4096];
	uint64_t bv;

	ck_assert_int_eq(raw(p->fd[i], KVM_GET_REGS, &g), 0);
	for (uint32_t n = 0; n < 6; n++)
		(&g.rax)[n] = seed * 0x1111 + n; /* RAX RBX RCX RDX RSI RDI */
	g.rbp = seed * 0x2222;
	for (uint32_t n = 0; n < 8; n++)
		(&g.r8)[n] = seed * 0x3333 + n;
	ck_assert_int_eq(raw(p->fd[i], KVM_SET_REGS, &g), 0);
	ck_assert_int_eq(raw(p->fd[i], KVM_GET_SREGS, &sregs), 0);
	sregs.cr2 = seed * 0x5555000;
	ck_assert_int_eq(raw(p->fd[i], KVM_SET_SREGS, &sregs), 0);
	ck_assert_int_eq(raw(p->fd[i], KVM_GET_DEBUGREGS, &d), 0);
	for (uint32_t n = 0; n < 4; n++)
		d.db[n] = seed * 0x1000 + n;
	ck_assert_int_eq(raw(p->fd[i], KVM_SET_DEBUGREGS, &d), 0);
	ck_assert_int_eq(raw(p->fd[i], KVM_GET_XSAVE, image), 0);
	for (uint32_t n = 0; n < 8 * 16; n++) /* FPMMX0 .. 7: 80 bits each */
		image[32 + n] = n % 16 < 10 ? (uint8_t)(seed * 7 + n) : 0;
	for (uint32_t n = 0; n < 16 * 16; n++)
		image[160 + n] = (uint8_t)(seed * 5 + n);
	memcpy(image, &(uint16_t){ (uint16_t)(0x27f + (seed << 10 & 0xc00)) }, 2);
	memcpy(image + 24, &(uint32_t){ (uint32_t)(0x1f80 + (seed << 13 & 0x6000)) }, 4);
	memcpy(&bv, image + VK_XSTATE_BV, 8);
	bv |= 3;
	memcpy(image + VK_XSTATE_BV, &bv, 8);
	ck_assert_int_eq(raw(p->fd[i], KVM_SET_XSAVE, image), 0);
	assert_err(vsm_kvm_sync_regs(p->fd[i], p->run[i]), 0);
}

#endif /* PLAIN_H */
