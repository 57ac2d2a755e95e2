/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RAM whose file has huge pages: rights of pages within them, and what becomes of the rest.
 * VSM_TEST_RAM=thp lets other tests of this folder run on such RAM too.
 */
#include "kvmtest_region.h"
#include "kvmtest_view.h"

#include <fcntl.h>

#define RWX HV_MAP_GPA_PERMISSIONS_MASK
#define R_X (HV_MAP_GPA_READABLE | HV_MAP_GPA_EXECUTABLE)

#define REGIONS 8u
#define SIZE	(REGIONS * HUGE_PAGE)

/* A machine with the range in huge pages; NULL, and why, where the host gives none. */
static struct kt *huge_new(const char *what, int *fd)
{
	struct kt *t;

	*fd = kr_file(what, REGIONS);
	if (*fd < 0)
		return NULL;
	t = kt_bare(NULL);
	kr_add(t, *fd, REGIONS);
	for (uint32_t vtl = 0; vtl < t->k->vtls; vtl++)
		ck_assert_uint_eq(kr_mapped(t, vtl), SIZE);
	kt_start(t);
	kt_vtl1(t);
	return t;
}

static void huge_free(struct kt *t, int fd)
{
	kr_check(t);
	kt_free(t);
	close(fd);
}

/* Pages of a view's region that have an entry, as the kernel tells. */
static uint32_t entries(const uint8_t *view)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry[PAGES];
	uint32_t n = 0;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, entry, sizeof(entry), (off_t)((uintptr_t)view / 4096 * 8)),
			 sizeof(entry));
	close(fd);
	for (uint32_t i = 0; i < PAGES; i++)
		n += (uint32_t)(entry[i] >> 63);
	return n;
}

/* A protection of one page does not touch what is mapped for the other regions, nor other views. */
START_TEST(other_regions_stay_huge)
{
	static const uint32_t masks[] = { 0, R_X };
	uint32_t touched = 0;
	struct kt *t;
	int fd;

	t = huge_new("protections in huge pages", &fd);
	for (uint32_t i = 0; t != NULL && i < VSMTEST_COUNT(masks); i++) {
		uint64_t gpa = kr_gpa(i) + 0x5000;

		if (!kt_can(t, masks[i]))
			continue;
		kt_deny(t, gpa, masks[i]);
		touched += (uint32_t)kt_by_ptes(t);
		ck_assert_uint_eq(kr_mapped(t, 0), SIZE - touched * HUGE_PAGE);
		for (uint32_t vtl = 1; vtl < t->k->vtls; vtl++)
			ck_assert_uint_eq(kr_mapped(t, vtl), SIZE);
		ck_assert_uint_eq(kh_mapped(kr_range(t)->host, SIZE), SIZE);
		kv_check(t, gpa);
		kv_check(t, gpa - 4096);
		kv_check(t, gpa + 4096);
	}
	if (t != NULL)
		huge_free(t, fd);
}
END_TEST

/* Of a huge page all entries go at once. With userfaultfd the kernel brings none of them back, so
 * libvsm-kvm has to: each would cost the guest an exit, and where page tables lie more. */
START_TEST(neighbours_keep_their_entries)
{
	struct kt *t;
	int fd;

	t = huge_new("neighbours of protected pages", &fd);
	if (t == NULL)
		return;
	for (uint32_t i = 0; i < 4 && t->k->uffd >= 0; i++) {
		uint64_t gpa[] = { kr_gpa(i), kr_gpa(i) + 0x9000, kr_gpa(i + 1) - 4096 };

		ck_assert_uint_eq(kt_protect(t, 1, i % 2 ? R_X : 0, gpa, 3), REPS(3));
		ck_assert_uint_eq(entries(kr_range(t)->view[0] + i * HUGE_PAGE),
				  i % 2 ? PAGES : PAGES - 3);
		ck_assert_uint_eq(kt_protect(t, 1, RWX, gpa, 3), REPS(3));
		ck_assert_uint_eq(entries(kr_range(t)->view[0] + i * HUGE_PAGE), PAGES);
		for (uint32_t n = 0; n < 3; n++)
			kv_check(t, gpa[n]);
	}
	huge_free(t, fd);
}
END_TEST

/* An overlay over a page within a huge one, protected or not, is a slot of its own. */
START_TEST(overlays_split_no_entry)
{
	uint64_t gpa = kr_gpa(2) + 0x7000;
	struct vsm_overlay show = { .gpa = gpa, .rights = R_X, .vp = VSM_ALL_VPS };
	struct vsm_overlay lift = { .gpa = gpa, .vp = VSM_ALL_VPS };
	struct kt *t;
	int fd;

	t = huge_new("overlays over huge pages", &fd);
	for (uint32_t i = 0; t != NULL && i < 4; i++) {
		uint64_t mapped;

		ck_assert_uint_eq(kt_protect(t, 1, i % 2 ? 0 : RWX, &gpa, 1), REPS(1));
		mapped = kr_mapped(t, 0);
		show.page = t->k->arena + 4096;
		assert_err(kvm_op_overlay_map(t->k, &show, 0), 0);
		ck_assert_ptr_eq(kt_view(t, 0, gpa), t->k->arena + 4096);
		ck_assert_ptr_eq(kvm_sees(t->k, 0, gpa, 1), NULL);
		ck_assert_ptr_eq(kvm_sees(t->k, 1, gpa, 1), kt_view(t, 1, gpa));
		ck_assert_uint_eq(kr_mapped(t, 0), mapped);
		assert_err(kvm_op_overlay_map(t->k, &lift, 0), 0);
		ck_assert_uint_eq(kr_mapped(t, 0), mapped);
		kv_check(t, gpa);
		kv_check(t, gpa + 4096);
	}
	if (t != NULL)
		huge_free(t, fd);
}
END_TEST

/* All pages of a region at once. */
static void whole(struct kt *t, uint64_t gpa, uint32_t rights)
{
	uint64_t list[PAGES / 2];

	for (uint32_t half = 0; half < 2; half++) {
		for (uint32_t i = 0; i < PAGES / 2; i++)
			list[i] = gpa + (half * PAGES / 2 + i) * 4096ull;
		ck_assert_uint_eq(kt_protect(t, 1, rights, list, PAGES / 2), REPS(PAGES / 2));
	}
}

START_TEST(a_whole_region_to_and_fro)
{
	static const uint32_t masks[] = { 0, RWX, R_X, RWX, 0, R_X, 0, RWX };
	uint64_t gpa = kr_gpa(3);
	struct kt *t;
	int fd;

	t = huge_new("protections of whole huge pages", &fd);
	for (uint32_t i = 0; t != NULL && i < VSMTEST_COUNT(masks); i++) {
		if (!kt_can(t, masks[i]))
			continue;
		whole(t, gpa, masks[i]);
		for (uint32_t n = 0; n < PAGES; n += 73)
			kv_check(t, gpa + n * 4096ull);
		kv_check(t, gpa - 4096);
		kv_check(t, gpa + HUGE_PAGE);
		ck_assert_uint_ge(kr_mapped(t, 0), SIZE - HUGE_PAGE);
	}
	if (t != NULL)
		huge_free(t, fd);
}
END_TEST

/* Run code of user or kernel mode that loads from RDI, in VTL0; it is to get through. */
static void loads(struct kt *t, uint32_t cpl, uint64_t gpa)
{
	uint64_t want = *kt_at(t, gpa);

	kt_switch(t, 1);
	kt_long_mode(t, 0, cpl);
	kt_set(t, 0, HV_X64_REGISTER_RDI, gpa);
	kt_set(t, 0, HV_X64_REGISTER_RBX, 0);
	kt_set(t, 0, HV_X64_REGISTER_RBP, 0xff);
	KT_CODE(t, 0, 0x48, 0x8b, 0x1f, STOP);
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBP), 0xff);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBX), want);
	kt_long_mode(t, 0, 0);
	kt_switch(t, 0);
}

/* The guest's page tables lie in the same huge page as what is protected. */
START_TEST(page_tables_beside_a_protected_page)
{
	static const uint32_t masks[] = { 0, R_X, RWX };
	uint64_t gpa = TABLES_GPA + 0x8000;
	struct kt *t;

	if (kh_missing() != NULL) {
		kh_none("page tables in huge pages", kh_missing());
		return;
	}
	t = kt_bare(NULL);
	ck_assert_int_eq(kh_collapse(t->memfd, 0, RAM_SIZE), 0);
	kt_start(t);
	ck_assert_uint_eq(kh_mapped(t->k->range[0].view[0], RAM_SIZE), RAM_SIZE);
	kt_vtl1(t);
	for (uint32_t i = 0; i < 2 * VSMTEST_COUNT(masks); i++) {
		if (!kt_can(t, masks[i / 2]))
			continue;
		kt_deny(t, gpa, masks[i / 2]);
		loads(t, i % 2 ? 3 : 0, PAGE_GPA + 0x10);
		loads(t, i % 2 ? 3 : 0, gpa + 0x1000);
		kv_check(t, gpa);
	}
	kt_free(t);
}
END_TEST

/* Somebody else makes the pages of the file huge while rights are enforced, which takes entries of
 * all views away: what is denied stays so, what is allowed works. */
START_TEST(pages_become_huge_later)
{
	uint64_t gpa[] = { TABLES_GPA + 0x8000, PAGE_GPA, PAGE_GPA + 0x5000, 0x600000, 0x7ff000 };
	struct kt *t;

	if (kh_missing() != NULL) {
		kh_none("pages that become huge later", kh_missing());
		return;
	}
	t = kt_new(NULL);
	kt_vtl1(t);
	for (uint32_t i = 0; i < VSMTEST_COUNT(gpa); i++)
		kt_deny(t, gpa[i], i % 2 && kt_can(t, R_X) ? R_X : 0);
	ck_assert_int_eq(kh_collapse(t->memfd, 0, RAM_SIZE), 0);
	for (uint32_t i = 0; i < VSMTEST_COUNT(gpa); i++)
		kv_check(t, gpa[i]);
	for (uint32_t cpl = 0; cpl <= 3; cpl += 3) {
		loads(t, cpl, PAGE_GPA + 0x1000);
		loads(t, cpl, OTHER_GPA);
		loads(t, cpl, 0x601000);
		/* Served once for all of a region, not page by page. */
		if (kt_uses(t, VSM_KVM_ENFORCE_UFFD))
			ck_assert_uint_ge(entries(t->k->range[0].view[0] + 0x600000), PAGES - 1);
		ck_assert_int_eq(kh_collapse(t->memfd, 0, RAM_SIZE), 0);
	}
	for (uint32_t i = 0; i < VSMTEST_COUNT(gpa); i++) {
		kv_check(t, gpa[i]);
		ck_assert_uint_eq(kt_protect(t, 1, RWX, &gpa[i], 1), REPS(1));
		kv_check(t, gpa[i]);
	}
	kt_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(other_regions_stay_huge),
	VSMTEST_CASE(neighbours_keep_their_entries),
	VSMTEST_CASE(overlays_split_no_entry),
	VSMTEST_CASE(a_whole_region_to_and_fro),
	VSMTEST_CASE(page_tables_beside_a_protected_page),
	VSMTEST_CASE(pages_become_huge_later),
};

int main(void)
{
	return kt_main("kvm_huge", cases, VSMTEST_COUNT(cases));
}
