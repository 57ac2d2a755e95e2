/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * System calls and allocations of the library that fail when a test says so. The program is linked
 * with --wrap for each of them (tests/meson.build). Only calls of the thread that asked for it.
 */
#ifndef KVMTEST_FAULTS_H
#define KVMTEST_FAULTS_H

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct kf_faults {
	uint32_t armed;
	uint32_t calls; /* since it was armed */
	uint32_t fail_at; /* the call that fails, 1 the first; 0 none */
	uint32_t fail_on; /* 1: so do all behind it */
};

static _Thread_local struct kf_faults kf;

static int kf_fails(void)
{
	if (!kf.armed)
		return 0;
	kf.calls++;
	if (kf.fail_at == 0 || kf.calls < kf.fail_at || (kf.calls > kf.fail_at && !kf.fail_on))
		return 0;
	errno = ENOMEM;
	return 1;
}

static inline void kf_start(uint32_t fail_at, uint32_t fail_on)
{
	kf = (struct kf_faults){ .armed = 1, .fail_at = fail_at, .fail_on = fail_on };
}

/* @return whether a call was made to fail. */
static inline int kf_end(void)
{
	kf.armed = 0;
	return kf.fail_at != 0 && kf.calls >= kf.fail_at;
}

/* Called before a mapping is made at a given place. 1: the call fails. */
static _Thread_local int (*kf_before_fixed)(void *at, size_t size, int flags);

static int kf_fails_at(void *at, size_t size, int flags)
{
	return at != NULL && kf_before_fixed != NULL && kf_before_fixed(at, size, flags);
}

#define KF_FAILED ((void *)-1)

int __real_ioctl(int fd, unsigned long request, void *arg);
int __wrap_ioctl(int fd, unsigned long request, void *arg);
int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
	return kf_fails() ? -1 : __real_ioctl(fd, request, arg);
}

void *__real_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
	if (kf_fails_at(at, size, flags))
		return KF_FAILED;
	return kf_fails() ? KF_FAILED : __real_mmap(at, size, prot, flags, fd, offset);
}

void *__real_mmap64(void *at, size_t size, int prot, int flags, int fd, off64_t offset);
void *__wrap_mmap64(void *at, size_t size, int prot, int flags, int fd, off64_t offset);
void *__wrap_mmap64(void *at, size_t size, int prot, int flags, int fd, off64_t offset)
{
	if (kf_fails_at(at, size, flags))
		return KF_FAILED;
	return kf_fails() ? KF_FAILED : __real_mmap64(at, size, prot, flags, fd, offset);
}

int __real_madvise(void *at, size_t size, int advice);
int __wrap_madvise(void *at, size_t size, int advice);
int __wrap_madvise(void *at, size_t size, int advice)
{
	return kf_fails() ? -1 : __real_madvise(at, size, advice);
}

int __real_mprotect(void *at, size_t size, int prot);
int __wrap_mprotect(void *at, size_t size, int prot);
int __wrap_mprotect(void *at, size_t size, int prot)
{
	return kf_fails() ? -1 : __real_mprotect(at, size, prot);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
	return kf_fails() ? NULL : __real_calloc(count, size);
}

/* With up to five arguments, as the library has it. */
long __real_syscall(long number, long a, long b, long c, long d, long e);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
	va_list list;
	long a[5];

	if (kf_fails())
		return -1;
	va_start(list, number);
	for (int i = 0; i < 5; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	return __real_syscall(number, a[0], a[1], a[2], a[3], a[4]);
}

#endif /* KVMTEST_FAULTS_H */
