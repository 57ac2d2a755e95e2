/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * What the page-table entries of a view really give, asked of the kernel and not of libvsm-kvm.
 */
#ifndef KVMTEST_VIEW_H
#define KVMTEST_VIEW_H

#include "kvmtest.h"

/*
 * 0 nothing, 1 read, 2 all: the kernel itself is made to read a byte of the page and to write it
 * back. What it cannot do is EFAULT, whatever the mechanism. Not while a guest changes that byte.
 */
static inline int kv_entries(struct kt *t, uint32_t vtl, uint64_t gpa)
{
	const struct vk_range *range = kvm_range_find(t->k, gpa);
	uint8_t *p = range->view[vtl] + (gpa - range->gpa);
	int given = 0;
	int fd[2];

	ck_assert_int_eq(pipe(fd), 0);
	if (write(fd[1], p, 1) == 1)
		given = read(fd[0], p, 1) == 1 ? 2 : 1;
	close(fd[0]);
	close(fd[1]);
	/* With events that store was thrown out: the page is shown again by whoever comes next. */
	kvm_enforce_touch(t->k, vtl, gpa);
	return given;
}

/* What the table says they ought to give. */
static inline int kv_table(struct kt *t, uint32_t vtl, uint64_t gpa)
{
	uint32_t rights;

	assert_err(vsm_gpa_rights(t->vsm, vtl, gpa, &rights), 0);
	if ((rights & HV_MAP_GPA_READABLE) == 0)
		return 0;
	return (rights & HV_MAP_GPA_WRITABLE) != 0 ? 2 : 1;
}

/* Entries and table agree. With slots the views are never restricted. */
static inline void kv_check(struct kt *t, uint64_t gpa)
{
	int want = kv_table(t, 0, gpa);

	if (kt_by_ptes(t)) {
		int have = kv_entries(t, 0, gpa);

		ck_assert_msg(have == want, "GPA %#llx: entries give %d, the table %d",
			      (unsigned long long)gpa, have, want);
		/* Nobody else's view has changed. */
		ck_assert_int_eq(kv_entries(t, 1, gpa), 2);
	} else {
		int have = kvm_sees(t->k, 0, gpa, 1) ? 2 : kvm_sees(t->k, 0, gpa, 0) != NULL;

		ck_assert_int_eq(have, want);
	}
}

/* Mappings of this process. */
static inline uint32_t kv_mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	uint32_t n = 0;
	int c;

	ck_assert_ptr_nonnull(f);
	while ((c = getc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

/* So many rounds in full, a twentieth in the short run; says which. */
static inline uint32_t kv_rounds(uint32_t full, const char *what)
{
	uint32_t n = getenv("VSM_TEST_ALL") != NULL ? full : (full + 19) / 20;

	printf("# %u %s of %u\n", n, what, full);
	fflush(stdout);
	return n;
}

#endif /* KVMTEST_VIEW_H */
