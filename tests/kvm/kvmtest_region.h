/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * A range of RAM that only the test uses, region of 2 MiB by region.
 */
#ifndef KVMTEST_REGION_H
#define KVMTEST_REGION_H

#include "kvmtest.h"

#include <fcntl.h>

#define PAGES (HUGE_PAGE / 4096) /* Of a region. */

static inline uint64_t kr_gpa(uint32_t region)
{
	return HUGE_GPA + region * HUGE_PAGE;
}

static inline struct vk_range *kr_range(struct kt *t)
{
	return &t->k->range[kvm_range_find(t->k, HUGE_GPA) - t->k->range];
}

/* Add it, before kt_start(); each page gets a number of its own. */
static inline void kr_add(struct kt *t, int fd, uint32_t regions)
{
	assert_err(vsm_kvm_ram_add(t->k, HUGE_GPA, regions * HUGE_PAGE, fd, 0, 0), 0);
	for (uint64_t at = 0; at < regions * HUGE_PAGE; at += 4096)
		memcpy(kr_range(t)->host + at + 8, &at, sizeof(at));
}

/* They still have it. */
static inline void kr_check(struct kt *t)
{
	for (uint64_t at = 0; at < kr_range(t)->size; at += 4096)
		ck_assert_int_eq(memcmp(kr_range(t)->host + at + 8, &at, sizeof(at)), 0);
}

/* Bytes that a VTL's view maps by entries of huge pages. */
static inline uint64_t kr_mapped(struct kt *t, uint32_t vtl)
{
	return kh_mapped(kr_range(t)->view[vtl], kr_range(t)->size);
}

/* A file of huge pages, or -1 and why not on standard output. */
static inline int kr_file(const char *what, uint32_t regions)
{
	int fd;

	if (kh_missing() != NULL) {
		kh_none(what, kh_missing());
		return -1;
	}
	fd = kt_memfd(regions * HUGE_PAGE);
	ck_assert_int_eq(kh_collapse(fd, 0, regions * HUGE_PAGE), 0);
	return fd;
}

/* A hugetlbfs file that has its pages, or -1 and why not on standard output. Other tests may take
 * pages at the same time. */
static inline int kr_hugetlb(const char *what, uint32_t regions)
{
	int fd = kh_hugetlb(regions * HUGE_PAGE);
	char why[120];

	if (fd >= 0 && fallocate(fd, 0, 0, (off_t)(regions * HUGE_PAGE)) == 0)
		return fd;
	snprintf(why, sizeof(why), "%u huge pages are needed, vm.nr_hugepages is %" PRIu64, regions,
		 kh_number("nr_hugepages"));
	kh_none(what, why);
	if (fd >= 0)
		close(fd);
	return -1;
}

#endif /* KVMTEST_REGION_H */
