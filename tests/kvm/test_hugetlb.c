/* SPDX-License-Identifier: BSD-3-Clause */
/* RAM of hugetlbfs, and how views are placed so that huge pages of any file can be mapped. */
#include "kvmtest_hot.h"
#include "kvmtest_region.h"

#define REGIONS 4u
#define SIZE	(REGIONS * HUGE_PAGE)

START_TEST(views_are_placed_for_huge_pages)
{
	static const uint64_t offsets[] = { 0, 0x1000, 0x1ff000, 0x200000, 0x3ff000 };

	for (uint32_t i = 0; i < VSMTEST_COUNT(offsets); i++) {
		uint32_t mappings;
		struct kt *t = kt_bare(NULL);
		const struct vk_range *range = &t->k->range[0];

		mappings = kv_mappings();
		assert_err(vsm_kvm_ram_add(t->k, 0, 2 * HUGE_PAGE, t->memfd, offsets[i], 0), 0);
		for (uint32_t vtl = 0; vtl < t->k->vtls; vtl++)
			ck_assert_uint_eq(((uintptr_t)range->view[vtl] - offsets[i]) % HUGE_PAGE,
					  0);
		ck_assert_uint_eq(((uintptr_t)range->host - offsets[i]) % HUGE_PAGE, 0);
		/* A note for each view that can be restricted; nothing else is left over. */
		ck_assert_uint_le(kv_mappings(), mappings + 2 * t->k->vtls);
		for (uint32_t n = 0; n < 2 * HUGE_PAGE / 4096; n += 511)
			ck_assert_ptr_eq(memset(range->view[0] + n * 4096ull, (int)n, 1),
					 range->view[0] + n * 4096ull);
		ck_assert_uint_eq(t->ram[offsets[i] + 511 * 4096ull], (uint8_t)511);
		kt_free(t);
	}
}
END_TEST

static void refused(struct kt *t, uint64_t size, int fd, uint64_t offset, const char *word)
{
	uint32_t mappings = kv_mappings();

	t->lines = 0;
	assert_err(vsm_kvm_ram_add(t->k, 0, size, fd, offset, 0), -VSM_ERR_INVAL);
	ck_assert_msg(t->lines == 1 && strstr(t->line, word) != NULL &&
			      strstr(t->line, "2097152") != NULL,
		      "log line: %s", t->line);
	ck_assert_uint_eq(t->k->range_count, 0);
	ck_assert_uint_eq(kv_mappings(), mappings);
}

/* mmap() of hugetlbfs rounds a size up and munmap() refuses it: such a view could not be undone. */
START_TEST(parts_of_huge_pages_are_refused)
{
	struct kt *t = kt_bare(NULL);
	int fd = kh_hugetlb(SIZE);

	if (fd < 0) {
		kh_none("sizes of hugetlbfs", "this kernel has none");
	} else {
		refused(t, 4096, fd, 0, "size");
		refused(t, SIZE - 4096, fd, 0, "size");
		refused(t, HUGE_PAGE + HUGE_PAGE / 2, fd, HUGE_PAGE, "size");
		refused(t, HUGE_PAGE, fd, 4096, "offset");
		refused(t, HUGE_PAGE, fd, HUGE_PAGE / 2, "offset");
		refused(t, 4096, fd, 4096, "offset");
		close(fd);
	}
	kt_free(t);
}
END_TEST

/* More than the host has: an error that names errno, and nothing stays behind. */
START_TEST(pages_that_are_not_reserved)
{
	struct kt *t = kt_bare(NULL);
	uint64_t size =
		(kh_number("nr_hugepages") + kh_number("nr_overcommit_hugepages") + 1) * HUGE_PAGE;
	int fd = kh_hugetlb(size);
	uint32_t mappings = kv_mappings();

	if (fd >= 0) {
		t->lines = 0;
		errno = 0;
		assert_err(vsm_kvm_ram_add(t->k, 0, size, fd, 0, 0), -VSM_ERR_SYS);
		ck_assert_int_eq(errno, ENOMEM);
		ck_assert_msg(strstr(t->line, "errno") != NULL, "log line: %s", t->line);
		ck_assert_uint_eq(t->k->range_count, 0);
		ck_assert_uint_eq(kv_mappings(), mappings);
		close(fd);
	}
	kt_free(t);
}
END_TEST

/* Each kind of rights for a page, a piece across two huge ones, and back; contents stay. */
START_TEST(rights_of_pages_within_huge_ones)
{
	static const uint32_t masks[] = { 0, R_X, RWX };
	uint64_t gpa[] = { HUGE_GPA, HUGE_GPA + 0x5000, HUGE_GPA + HUGE_PAGE - 4096,
			   HUGE_GPA + HUGE_PAGE };
	int fd = kr_hugetlb("rights of pages of hugetlbfs", REGIONS);
	struct kt *t;

	if (fd < 0)
		return;
	t = kt_bare(NULL);
	kr_add(t, fd, REGIONS);
	ck_assert_uint_eq(kr_mapped(t, 0), SIZE);
	kt_start(t);
	kt_vtl1(t);
	for (uint32_t i = 0; i < VSMTEST_COUNT(masks); i++) {
		if (!kt_can(t, masks[i]))
			continue;
		ck_assert_uint_eq(kt_protect(t, 1, masks[i], gpa, 4), REPS(4));
		for (uint32_t n = 0; n < 4; n++)
			ck_assert_int_eq(kvm_sees(t->k, 0, gpa[n], 1) != NULL ?
						 2 :
						 kvm_sees(t->k, 0, gpa[n], 0) != NULL,
					 kv_table(t, 0, gpa[n]));
		ck_assert_ptr_nonnull(kvm_sees(t->k, 0, HUGE_GPA + 4096, 1));
		ck_assert_ptr_nonnull(kvm_sees(t->k, 1, HUGE_GPA, 1));
	}
	kr_check(t);
	ck_assert_ptr_eq(kt_view(t, 0, HUGE_GPA + 4096), kr_range(t)->view[0] + 4096);
	ck_assert_uint_eq(kr_mapped(t, 0), SIZE);
	kt_free(t);
	close(fd);
	ck_assert_uint_eq(kh_mapped(NULL, UINT64_MAX), 0);
}
END_TEST

/* Added while the guest runs: of each page the default mask leaves nothing. */
START_TEST(huge_pages_that_come_later)
{
	uint64_t gpa = HUGE_GPA + 0x5000;
	int fd = kr_hugetlb("hot-add of hugetlbfs", REGIONS);
	struct kt *t;

	if (fd < 0)
		return;
	t = kt_new(NULL);
	kt_vtl1_with(t, NONE);
	grant(t, 0, RAM_SIZE / 4096);
	assert_err(vsm_kvm_ram_add(t->k, HUGE_GPA, SIZE, fd, 0, 0), 0);
	for (uint64_t at = 0; at < SIZE; at += 4096) {
		ck_assert_ptr_null(kvm_sees(t->k, 0, HUGE_GPA + at, 0));
		ck_assert_ptr_nonnull(kvm_sees(t->k, 1, HUGE_GPA + at, 1));
	}
	ck_assert_uint_eq(kt_protect(t, 1, RWX, &gpa, 1), REPS(1));
	ck_assert_ptr_nonnull(kvm_sees(t->k, 0, gpa, 1));
	ck_assert_ptr_null(kvm_sees(t->k, 0, gpa + 4096, 0));
	ck_assert_ptr_null(kvm_sees(t->k, 0, gpa - 4096, 0));
	kt_free(t);
	close(fd);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(views_are_placed_for_huge_pages),
	VSMTEST_CASE(parts_of_huge_pages_are_refused),
	VSMTEST_CASE(pages_that_are_not_reserved),
	VSMTEST_CASE(rights_of_pages_within_huge_ones),
	VSMTEST_CASE(huge_pages_that_come_later),
};

int main(void)
{
	return kt_main("kvm_hugetlb", cases, VSMTEST_COUNT(cases));
}
