/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * RAM of huge pages, and what the kernel says of how it is mapped.
 */
#ifndef KVMTEST_HUGE_H
#define KVMTEST_HUGE_H

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "kvm_private.h"
#include "vsmtest.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MFD_HUGETLB
#define MFD_HUGETLB 0x0004u
#endif
#ifndef MFD_HUGE_2MB
#define MFD_HUGE_2MB (21u << 26)
#endif

#define HUGE_PAGE (2ull << 20)
/* RAM that nothing but the test uses; the guest's page tables map it, and once more 1 GiB higher.
 */
#define HUGE_GPA  0x1000000ull

/* Populate a file with huge pages, through a mapping of its own. 0 or -1 with errno. While somebody
 * else does something to the pages it is tried again. */
static inline int kh_collapse(int fd, uint64_t offset, uint64_t size)
{
	uint8_t *p = kvm_view_map(fd, offset, size);
	struct timespec ms10 = { 0, 10000000 };
	int r = -1, saved = errno;

	for (uint32_t i = 0; p != NULL && i < 50 && r != 0; i++) {
		if (i != 0)
			nanosleep(&ms10, NULL);
		r = madvise(p, (size_t)size, MADV_COLLAPSE);
		saved = errno;
		if (r != 0 && saved == ENOMEM)
			break;
	}
	if (p != NULL)
		munmap(p, (size_t)size);
	errno = saved;
	return r;
}

/* NULL, or why this kernel gives no huge pages of shared memory. Asserts nothing: it may be asked
 * before any test runs. */
static inline const char *kh_missing(void)
{
	static char why[120];
	static int known;
	int fd;

	if (known)
		return why[0] == '\0' ? NULL : why;
	fd = memfd_create("vsm-test", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)HUGE_PAGE) != 0 || kh_collapse(fd, 0, HUGE_PAGE) != 0)
		snprintf(why, sizeof(why), "no huge pages of shared memory here: MADV_COLLAPSE: %s",
			 strerror(errno));
	close(fd);
	known = 1;
	return why[0] == '\0' ? NULL : why;
}

/* What was not tried, and why: a count of its own at the end of the run. */
static inline void kh_none(const char *what, const char *why)
{
	printf("# 0 %s: %s\n", what, why);
	fflush(stdout);
}

/* Bytes between two addresses that entries of huge pages map: of shared memory, or of hugetlbfs. */
static inline uint64_t kh_mapped(const void *at, uint64_t size)
{
	uint64_t first = (uintptr_t)at, start, end, kib, total = 0;
	FILE *f = fopen("/proc/self/smaps", "re");
	char line[512];
	int in = 0;

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*4c", &start, &end) == 2)
			in = start >= first && end <= first + size;
		else if (in && (sscanf(line, "ShmemPmdMapped: %" SCNu64 " kB", &kib) == 1 ||
				sscanf(line, "Shared_Hugetlb: %" SCNu64 " kB", &kib) == 1 ||
				sscanf(line, "Private_Hugetlb: %" SCNu64 " kB", &kib) == 1))
			total += kib << 10;
	}
	fclose(f);
	return total;
}

static inline uint64_t kh_number(const char *name)
{
	uint64_t n = 0;
	char path[120];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-2048kB/%s", name);
	f = fopen(path, "re");
	if (f == NULL || fscanf(f, "%" SCNu64, &n) != 1)
		n = 0;
	if (f != NULL)
		fclose(f);
	return n;
}

/* A hugetlbfs file. It takes no pages yet. -1 where the kernel has no such files. */
static inline int kh_hugetlb(uint64_t size)
{
	int fd = memfd_create("vsm-test", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB);

	if (fd >= 0)
		ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	return fd;
}

#endif /* KVMTEST_HUGE_H */
