/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Denials are immediate in RAM of huge pages too: a VP that stores to a page makes no store more
 * when the hypercall that denies it has returned.
 */
#include "kvmtest_hammer.h"
#include "kvmtest_region.h"
#include "kvmtest_view.h"

#define RWX HV_MAP_GPA_PERMISSIONS_MASK
#define R_X (HV_MAP_GPA_READABLE | HV_MAP_GPA_EXECUTABLE)

#define ROUNDS	2000u
#define REGIONS 32u
/* Regions of hugetlbfs, which hosts keep few of, and of machines that end soon. */
#define FEW	8u

struct arena {
	struct hammer h;
	uint32_t regions;
	uint32_t split; /* Regions that are not mapped by one entry any more. */
	int fd;
	_Atomic uint64_t denied; /* The page that is denied now. */
	uint32_t collapsed; /* Regions that were made huge meanwhile. */
};

/* Of a round: another region than in the one before, and another page of it. */
static uint64_t page(const struct arena *a, uint32_t round)
{
	return kr_gpa(round % a->regions) + round * 37ull % PAGES * 4096;
}

/* VP 1 stores to the page of round `first`. */
static void arena_start(struct arena *a, int fd, uint32_t regions, uint32_t first)
{
	memset(a, 0, sizeof(*a));
	a->fd = fd;
	a->regions = regions;
	pair_bare(&a->h.p, VSM_KVM_ENFORCE_AUTO, 0, vsm_kvm_ops);
	kr_add(a->h.p.t, fd, regions);
	pair_realise(&a->h.p);
	kt_vtl1(a->h.p.t);
	hammer_prepare(&a->h, 3, page(a, first));
	hammer_go(&a->h);
}

static void arena_free(struct arena *a)
{
	kr_check(a->h.p.t);
	kt_free(a->h.p.t);
	close(a->fd);
}

static void arena_end(struct arena *a)
{
	vp1_end(&a->h.p);
	arena_free(a);
}

/* Its region is mapped by one entry when it begins, and so are all that no round has touched. */
static void check_huge(struct arena *a)
{
	struct kt *t = a->h.p.t;
	uint64_t all = a->regions * HUGE_PAGE;

	ck_assert_uint_eq(kr_mapped(t, 0), all - a->split * HUGE_PAGE);
	ck_assert_uint_eq(kr_mapped(t, 1), all);
	ck_assert_uint_eq(kh_mapped(kr_range(t)->host, all), all);
}

/* The page is granted again at the end; VP 1 stores to the next one then. */
static void deny(struct arena *a, uint32_t round)
{
	struct timespec us50 = { 0, 50000 };
	struct hammer *h = &a->h;
	struct kt *t = h->p.t;
	uint64_t gpa = page(a, round), after;

	hammer_runs(h);
	atomic_store(&h->gpa, page(a, round + 1));
	atomic_store(&a->denied, gpa);
	kt_deny(t, gpa, round % 2 && kt_can(t, R_X) ? R_X : 0);
	after = hammer_count_at(h, gpa);
	nanosleep(&us50, NULL);
	ck_assert_uint_eq(hammer_count_at(h, gpa), after);
	hammer_runs(h);
	ck_assert_uint_eq(hammer_count_at(h, gpa), after);
	ck_assert_uint_eq(kt_protect(t, 1, RWX, &gpa, 1), REPS(1));
}

/* Have the kernel map the view by entries of huge pages again. With userfaultfd it does not. */
static int make_huge(struct arena *a)
{
	struct vk_range *range = kr_range(a->h.p.t);
	struct timespec ms10 = { 0, 10000000 };
	int r = -1;

	for (uint32_t i = 0; i < 50 && r != 0 && a->h.p.t->k->uffd < 0; i++) {
		r = madvise(range->view[0], (size_t)range->size, MADV_COLLAPSE);
		if (r != 0)
			nanosleep(&ms10, NULL);
	}
	if (r == 0)
		a->split = 0;
	return r;
}

START_TEST(no_store_lands_in_a_huge_page)
{
	static const char what[] = "rounds of denying a page of a huge one under a writing VP";
	uint32_t rounds = kv_rounds(ROUNDS, what), machines = 0, again = 0;
	int fd = kr_file(what, REGIONS);
	struct arena a;

	for (uint32_t i = 0; i < rounds && fd >= 0; i++) {
		if (i == 0)
			arena_start(&a, fd, REGIONS, i);
		if (a.split == REGIONS && make_huge(&a) == 0)
			again++;
		if (a.split == REGIONS) {
			arena_end(&a);
			arena_start(&a, kr_file(what, REGIONS), REGIONS, i);
			machines++;
		}
		check_huge(&a);
		deny(&a, i);
		a.split += (uint32_t)kt_by_ptes(a.h.p.t);
	}
	if (fd >= 0)
		arena_end(&a);
	printf("# %u times made huge again, %u times in a machine anew\n", again, machines);
}
END_TEST

START_TEST(no_store_lands_in_hugetlbfs)
{
	static const char what[] = "rounds of denying a page of hugetlbfs under a writing VP";
	struct arena a;
	uint32_t rounds;
	int fd = kr_hugetlb(what, FEW);

	if (fd < 0)
		return;
	rounds = kv_rounds(ROUNDS, what);
	arena_start(&a, fd, FEW, 0);
	for (uint32_t i = 0; i < rounds; i++) {
		check_huge(&a);
		deny(&a, i);
	}
	arena_end(&a);
}
END_TEST

/* Make the region huge in which a page is being denied. */
static void *collapse_thread(void *arg)
{
	struct arena *a = arg;
	uint64_t done = 0;

	while (!atomic_load(&a->h.p.stop)) {
		uint64_t gpa = atomic_load(&a->denied);

		if (gpa != done &&
		    kh_collapse(a->fd, (gpa - HUGE_GPA) / HUGE_PAGE * HUGE_PAGE, HUGE_PAGE) == 0)
			a->collapsed++;
		done = gpa;
	}
	return NULL;
}

/* The kernel makes pages huge, as khugepaged does, while one of them is denied. */
START_TEST(no_store_lands_while_pages_become_huge)
{
	static const char what[] = "rounds of denying a page while the kernel makes it huge";
	uint32_t rounds = kv_rounds(ROUNDS, what), collapsed = 0;
	pthread_t thread;
	struct arena a;

	if (kh_missing() != NULL) {
		kh_none(what, kh_missing());
		return;
	}
	for (uint32_t i = 0; i < rounds; i++) {
		if (i % FEW == 0) {
			arena_start(&a, kt_memfd(FEW * HUGE_PAGE), FEW, i);
			ck_assert_uint_eq(kr_mapped(a.h.p.t, 0), 0);
			ck_assert_int_eq(pthread_create(&thread, NULL, collapse_thread, &a), 0);
		}
		deny(&a, i);
		if (i % FEW == FEW - 1 || i + 1 == rounds) {
			vp1_end(&a.h.p);
			pthread_join(thread, NULL);
			collapsed += a.collapsed;
			arena_free(&a);
		}
	}
	printf("# %u regions became huge meanwhile\n", collapsed);
	ck_assert_uint_gt(collapsed, rounds / 2);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(no_store_lands_in_a_huge_page),
	VSMTEST_CASE(no_store_lands_in_hugetlbfs),
	VSMTEST_CASE(no_store_lands_while_pages_become_huge),
};

int main(void)
{
	return kt_main("kvm_huge_deny", cases, VSMTEST_COUNT(cases));
}
