/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * RAM that is added to a machine that runs, and what a test sees of it.
 */
#ifndef KVMTEST_HOT_H
#define KVMTEST_HOT_H

#include "kvmtest_pair.h"
#include "kvmtest_view.h"

#include "internal.h"
#include "protmap.h"

#define NONE	  0u
#define RW	  (HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE)
#define R_X	  (HV_MAP_GPA_READABLE | HV_MAP_GPA_EXECUTABLE)
#define RWX	  HV_MAP_GPA_PERMISSIONS_MASK
#define HOT_GPA	  0x2000000u
#define HOT_PAGES 64u
#define HOT_SIZE  (HOT_PAGES * 4096u)
#define FILE_SIZE (16u << 20)
#define TARGET	  (HOT_GPA + 0x2010)
#define VALUE	  0x1122334455667788ull
#define SECRET	  0x5ec7e75ec7e75ec7ull

/* RAM to be added, and what the test sees of it. */
struct hot {
	struct kt *t;
	int fd;
	uint8_t *ram;
};

static inline struct hot hot_new(struct kt *t)
{
	struct hot h = { .t = t, .fd = kt_memfd(FILE_SIZE) };

	h.ram = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, h.fd, 0);
	ck_assert(h.ram != MAP_FAILED);
	return h;
}

static inline void hot_free(struct hot *h)
{
	munmap(h->ram, FILE_SIZE);
	close(h->fd);
	kt_free(h->t);
}

static inline int hot_add(struct hot *h)
{
	return vsm_kvm_ram_add(h->t->k, HOT_GPA, HOT_SIZE, h->fd, 0, 0);
}

static inline uint64_t *hot_at(struct hot *h, uint64_t gpa)
{
	return (uint64_t *)(void *)(h->ram + (gpa - HOT_GPA));
}

/* A VTL gives those below all rights to pages, whatever its default mask. */
static inline void grant_of(struct kt *t, uint32_t vtl, uint64_t gpa, uint64_t pages)
{
	uint64_t list[500];

	while (pages != 0) {
		uint32_t n = pages < 500 ? (uint32_t)pages : 500;

		for (uint32_t i = 0; i < n; i++, gpa += 4096)
			list[i] = gpa;
		ck_assert_uint_eq(kt_protect(t, vtl, RWX, list, n), REPS(n));
		pages -= n;
	}
}

static inline void grant(struct kt *t, uint64_t gpa, uint64_t pages)
{
	grant_of(t, 1, gpa, pages);
}

/* VTL1 runs; RAM that VTL0 had is all its own, new RAM has `mask`. */
static inline struct hot protecting_with(uint32_t mask, uint32_t emulated)
{
	struct vsm_kvm_options o;
	struct kt *t;

	vsm_kvm_options_init(&o);
	o.emulate_execute = emulated;
	t = kt_new(&o);
	kt_vtl1_with(t, mask);
	if (mask != RWX)
		grant(t, 0, RAM_SIZE / 4096);
	return hot_new(t);
}

static inline struct hot protecting(uint32_t mask)
{
	return protecting_with(mask, 0);
}

static const uint8_t load_rbx[] = { 0x48, 0x8b, 0x1f, STOP }; /* mov (%rdi),%rbx */
static const uint8_t store_rbx[] = { 0x48, 0x89, 0x1f, STOP }; /* mov %rbx,(%rdi) */

static inline void start(struct kt *t, uint32_t vtl, uint32_t cpl, const uint8_t *code,
			 uint64_t gpa)
{
	if (vtl == 0)
		kt_long_mode(t, 0, cpl);
	kt_set(t, vtl, HV_X64_REGISTER_RBX, VALUE);
	kt_set(t, vtl, HV_X64_REGISTER_RDI, gpa);
	kt_code(t, vtl, code, sizeof(load_rbx));
}

/* It is RAM for this VTL: what it stores is in the file, what is in the file it loads. */
static inline void check_use(struct hot *h, uint32_t vtl, uint32_t cpl, uint64_t gpa)
{
	struct kt *t = h->t;

	*hot_at(h, gpa) = 0;
	start(t, vtl, cpl, store_rbx, gpa);
	ck_assert_uint_eq(kt_stop(t), vtl);
	ck_assert_uint_eq(*hot_at(h, gpa), VALUE);
	*hot_at(h, gpa) = ~VALUE;
	start(t, vtl, cpl, load_rbx, gpa);
	ck_assert_uint_eq(kt_stop(t), vtl);
	ck_assert_uint_eq(kt_get(t, vtl, HV_X64_REGISTER_RBX), ~VALUE);
}

static inline void check_no_ram(struct hot *h)
{
	uint32_t rights;

	ck_assert_int_eq(vsm_gpa_rights(h->t->vsm, 0, HOT_GPA, &rights), -VSM_ERR_RANGE);
	for (uint32_t vtl = 0; vtl < 2; vtl++) {
		for (uint32_t i = 0; i < HOT_PAGES; i++)
			ck_assert_ptr_null(kvm_sees(h->t->k, vtl, HOT_GPA + i * 4096ull, 0));
	}
}

/* What is enforced is what the table says, and that is `rights`. */
static inline void check_rights(struct hot *h, uint32_t first, uint32_t pages, uint32_t rights)
{
	uint32_t told;

	for (uint32_t i = first; i < first + pages; i++) {
		assert_err(vsm_gpa_rights(h->t->vsm, 0, HOT_GPA + i * 4096ull, &told), 0);
		ck_assert_uint_eq(told, rights);
		kv_check(h->t, HOT_GPA + i * 4096ull);
	}
}

/* All that a failure must leave as it was. */
struct state {
	uint32_t ranges, placed, pieces[2], free[2];
	uint64_t views, emulated, protmap;
};

/* Views of the RAM that the tests give; a sanitizer has mappings that come and go. */
static inline uint64_t views(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];
	uint64_t n = 0;

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL)
		n += strstr(line, "memfd:vsm-test") != NULL;
	fclose(f);
	return n;
}

static inline struct state state_of(struct hot *h)
{
	struct vsm_kvm *k = h->t->k;
	struct state s = { .ranges = k->range_count, .placed = k->placed };

	for (uint32_t vtl = 0; vtl < 2; vtl++) {
		s.pieces[vtl] = k->space[vtl].now.count;
		s.free[vtl] = k->space[vtl].free_count;
	}
	s.emulated = kt_stats(h->t).emulated_pages;
	s.protmap = vsm_protmap_bytes(h->t->vsm->map);
	s.views = views();
	return s;
}

static inline void check_state(struct hot *h, const struct state *before, const char *what,
			       uint32_t n)
{
	struct state now = state_of(h);

	ck_assert_msg(memcmp(&now, before, sizeof(now)) == 0,
		      "%s %u: ranges %u, %u; pieces %u, %u; views %u, %u", what, n, now.ranges,
		      now.placed, now.pieces[0], now.pieces[1], (uint32_t)now.views,
		      (uint32_t)before->views);
	ck_assert_uint_eq(atomic_load(&h->t->k->parked), 0);
	check_no_ram(h);
}

#endif /* KVMTEST_HOT_H */
