/* SPDX-License-Identifier: BSD-3-Clause */
/* madvise() for many runs of pages at once: process_madvise() on this process itself. */
#include "kvm_private.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

/* As many as the kernel takes (UIO_MAXIOV). */
#define VECTOR_MAX 1024u

/* A kernel that has no such advice for several ranges takes them one by one. */
int kvm_madvise_open(struct vsm_kvm *k, int advice)
{
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	struct iovec v = { .iov_len = VK_PAGE };
	ssize_t n;

	if (pidfd < 0)
		return 0;
	v.iov_base = mmap(NULL, VK_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (v.iov_base == MAP_FAILED) {
		close(pidfd);
		return -1;
	}
	n = syscall(SYS_process_madvise, pidfd, &v, 1, advice, 0);
	munmap(v.iov_base, VK_PAGE);
	if (n == (ssize_t)VK_PAGE)
		k->pidfd = pidfd;
	else
		close(pidfd);
	return 0;
}

/* All of the vector. A call may stop early; what it has done is done. */
static int advise(struct vsm_kvm *k, struct iovec *v, uint32_t count, int advice)
{
	uint32_t i = 0;

	while (i < count) {
		ssize_t n;

		if (k->pidfd < 0) {
			if (madvise(v[i].iov_base, v[i].iov_len, advice) == 0)
				i++;
			else if (errno != EAGAIN)
				return -1;
			continue;
		}
		n = syscall(SYS_process_madvise, k->pidfd, v + i, count - i, advice, 0);
		if (n <= 0 && errno != EAGAIN && errno != EINTR)
			return -1;
		for (; n > 0 && i < count && (size_t)n >= v[i].iov_len; i++)
			n -= (ssize_t)v[i].iov_len;
		if (n > 0 && i < count) {
			v[i].iov_base = (uint8_t *)v[i].iov_base + n;
			v[i].iov_len -= (size_t)n;
		}
	}
	return 0;
}

int kvm_madvise_runs(struct vsm_kvm *k, const struct vk_run *run, uint32_t count, uint32_t to_mask,
		     int advice)
{
	struct iovec v[VECTOR_MAX];
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct vk_run *r = &run[i];

		if ((to_mask >> r->to & 1) == 0)
			continue;
		v[n].iov_base = r->range->view[r->vtl] + r->first * VK_PAGE;
		v[n++].iov_len = (size_t)(r->pages * VK_PAGE);
		if (n == VECTOR_MAX) {
			if (advise(k, v, n, advice) != 0)
				return -1;
			n = 0;
		}
	}
	return n == 0 ? 0 : advise(k, v, n, advice);
}
