/* SPDX-License-Identifier: BSD-3-Clause */
/* Many protected pages, and many VPs that protect. */
#include "kvmtest_pair.h"
#include "kvmtest_view.h"

#include <fcntl.h>

#define RWX HV_MAP_GPA_PERMISSIONS_MASK
#define R_X (HV_MAP_GPA_READABLE | HV_MAP_GPA_EXECUTABLE)

#define BIG_GPA	 (4ull << 30)
#define LIST_MAX 500u

/* A machine with `pages` more pages of RAM. */
static struct kt *big_new(uint32_t pages, int *fd)
{
	struct kt *t = kt_bare(NULL);

	*fd = kt_memfd((uint64_t)pages * 4096);
	assert_err(vsm_kvm_ram_add(t->k, BIG_GPA, (uint64_t)pages * 4096, *fd, 0, 0), 0);
	kt_start(t);
	kt_vtl1(t);
	return t;
}

/* Each other page of the big range, from the first on. @return how many were done. */
static uint32_t protect_scattered(struct kt *t, uint32_t rights, uint32_t count)
{
	uint64_t gpa[LIST_MAX];

	for (uint32_t at = 0; at < count; at += LIST_MAX) {
		uint32_t n = count - at < LIST_MAX ? count - at : LIST_MAX;
		uint64_t result;

		for (uint32_t i = 0; i < n; i++)
			gpa[i] = BIG_GPA + (uint64_t)(at + i) * 8192;
		result = kt_protect(t, 1, rights, gpa, n);
		if (result != REPS(n)) {
			ck_assert_uint_eq(result & 0xffff, HV_STATUS_INSUFFICIENT_MEMORY);
			return at + (uint32_t)(result >> 32);
		}
	}
	return count;
}

static void check_sample(struct kt *t, uint32_t denied, uint32_t of)
{
	for (uint32_t i = 0; i < of; i += of / 500 + 1) {
		uint64_t gpa = BIG_GPA + (uint64_t)i * 8192;

		ck_assert_int_eq(kv_table(t, 0, gpa), i < denied ? 0 : 2);
		kv_check(t, gpa);
	}
}

#define SCATTERED_ALL 300000u

/* Scattered protections: as many as the guest likes; mprotect and slots have an end, at which the
 * guest is told so and all stays consistent. */
START_TEST(hundreds_of_thousands_of_scattered_pages)
{
	uint32_t count = getenv("VSM_TEST_ALL") != NULL ? SCATTERED_ALL : 40000;
	uint32_t done;
	struct kt *t;
	int fd;

	if (kt_enforce() == VSM_KVM_ENFORCE_MEMSLOT)
		count = 2000; /* Slots are for few: here is only that they count. */
	else if (kt_enforce() == VSM_KVM_ENFORCE_ATTRIBUTES)
		count = 10000; /* The simulated kernel enforces them by mappings. */
	printf("# %u scattered pages of %u\n", count, SCATTERED_ALL);
	t = big_new(2 * count, &fd);
	done = protect_scattered(t, 0, count);
	if (kt_uses(t, VSM_KVM_ENFORCE_MPROTECT)) {
		ck_assert_uint_lt(done, count);
		ck_assert_uint_gt(done, 20000);
		printf("# mprotect: %u pages, then INSUFFICIENT_MEMORY\n", done);
		/* The kernel has no mapping left, neither for this process: make room. */
		ck_assert_uint_eq(protect_scattered(t, RWX, LIST_MAX), LIST_MAX);
		ck_assert_uint_eq(protect_scattered(t, 0, LIST_MAX), LIST_MAX);
	} else {
		ck_assert_uint_eq(done, count);
	}
	check_sample(t, done, count);
	ck_assert_uint_eq(protect_scattered(t, RWX, count), count);
	check_sample(t, 0, count);
	kt_free(t);
	close(fd);
}
END_TEST

/* Protections of pages neither split mappings nor slots: what they do not touch is not slowed
 * down. */
START_TEST(slots_and_mappings_stay_as_they_are)
{
	uint32_t slots, mappings;
	struct kt *t;
	int fd;

	t = big_new(4096, &fd);
	slots = t->k->space[0].now.count;
	mappings = kv_mappings();
	ck_assert_uint_eq(protect_scattered(t, 0, 1000), 1000);
	if (kt_by_ptes(t))
		ck_assert_uint_eq(t->k->space[0].now.count, slots);
	else
		ck_assert_uint_gt(t->k->space[0].now.count, slots);
	if (kt_uses(t, VSM_KVM_ENFORCE_MPROTECT))
		ck_assert_uint_gt(kv_mappings(), mappings);
	else if (!kt_uses(t, VSM_KVM_ENFORCE_ATTRIBUTES)) /* The simulated kernel's. */
		ck_assert_uint_eq(kv_mappings(), mappings);
	if (kt_by_ptes(t)) {
		ck_assert_uint_eq(kt_stats(t).changed_pages, 1000);
		ck_assert_uint_eq(kt_stats(t).changed_ranges, 1000);
		ck_assert_uint_eq(kt_stats(t).parks, 0); /* One VP: nobody is to be parked. */
	}
	ck_assert_uint_ge(kt_stats(t).changes, 2);
	kt_free(t);
	close(fd);
}
END_TEST

/* ---- four VPs that protect at once ---- */

#define VPS 4u

struct many {
	struct kt *t; /* VP 0 */
	struct kt vp[VPS]; /* vp[0] is *t */
	pthread_t thread[VPS];
	atomic_uint failed;
	atomic_uint ready;
	uint32_t rounds;
};

struct one {
	struct many *m;
	uint32_t index;
};

static void kick_many(void *opaque, uint32_t vp)
{
	struct many *m = opaque;

	if (m->thread[vp] != 0)
		pthread_kill(m->thread[vp], SIGUSR1);
}

/* VTL1 of VP 0 enables VTL1 of another VP, which then goes there. */
static void into_vtl1(struct many *m, uint32_t index)
{
	struct hv_input_enable_vp_vtl *in = (void *)kt_at(m->t, INPUT_GPA);
	static const uint8_t stop[] = { STOP };
	struct kt *t = &m->vp[index];

	memset(in, 0, sizeof(*in));
	in->target_partition_id = HV_PARTITION_ID_SELF;
	in->vp_index = index;
	in->target_vtl = 1;
	kt_context(&in->vp_vtl_context);
	in->vp_vtl_context.rip = CODE1_GPA + t->shift;
	in->vp_vtl_context.rsp = STACK_GPA - 0x2000;
	memcpy(t->ram + CODE1_GPA + t->shift, stop, sizeof(stop));
	ck_assert_uint_eq(kt_hypercall(m->t, 1, HVCALL_ENABLE_VP_VTL, INPUT_GPA, 0), 0);
	kt_long_mode(t, 0, 0);
	kt_switch(t, 0);
}

static void many_start(struct many *m)
{
	struct vsm_kvm_options o;
	sigset_t usr1;

	memset(m, 0, sizeof(*m));
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &usr1, NULL);
	vsm_kvm_options_init(&o);
	o.max_vps = VPS;
	o.kick_signal = SIGUSR1;
	o.kick = kick_many;
	o.opaque = m;
	m->t = kt_bare(&o);
	m->t->k->options.log = pair_log;
	kt_start(m->t);
	kt_vtl1(m->t);
	m->vp[0] = *m->t;
	for (uint32_t i = 1; i < VPS; i++) {
		m->vp[i] = *m->t;
		m->vp[i].shift = i * 0x2000;
		assert_err(vsm_kvm_vp_create(m->t->k, i, i, &m->vp[i].vp), 0);
		into_vtl1(m, i);
	}
}

/* A protect call of VTL1; while another VP is at it the VP is blocked. @return RAX, or 1 */
static uint64_t call(struct kt *t, uint32_t rights, const uint64_t *gpa, uint32_t count)
{
	struct hv_input_modify_vtl_protection_mask *in = (void *)kt_at(t, INPUT_GPA + t->shift);
	static const uint8_t code[] = { 0xe6, 0x7e, 0x90, STOP };
	struct timespec us50 = { 0, 50000 };
	uint64_t at = CODE1_GPA + t->shift;
	struct vsm_reg regs[] = {
		{ .name = HV_X64_REGISTER_RCX,
		  .value = { .low = HVCALL_MODIFY_VTL_PROTECTION_MASK | REPS(count) } },
		{ .name = HV_X64_REGISTER_RDX, .value = { .low = INPUT_GPA + t->shift } },
		{ .name = HV_X64_REGISTER_R8 },
		{ .name = HV_X64_REGISTER_RIP, .value = { .low = at } },
	};
	struct vsm_reg rax = { .name = HV_X64_REGISTER_RAX };

	memset(in, 0, sizeof(*in));
	in->target_partition_id = HV_PARTITION_ID_SELF;
	in->map_flags = rights;
	for (uint32_t i = 0; i < count; i++)
		kt_at(t, INPUT_GPA + t->shift + sizeof(*in))[i] = gpa[i] / 4096;
	memcpy(t->ram + at, code, sizeof(code));
	if (vsm_kvm_vp_set(t->vp, 1, regs, VSMTEST_COUNT(regs)) != 0)
		return 1;
	do {
		if (vsm_kvm_run(t->vp, &t->exit) != 0)
			return 1;
		if (t->exit.kind == VSM_KVM_EXIT_BLOCKED)
			nanosleep(&us50, NULL);
	} while (t->exit.kind == VSM_KVM_EXIT_BLOCKED || t->exit.kind == VSM_KVM_EXIT_INTR);
	if (t->exit.kind != VSM_KVM_EXIT_PIO || vsm_kvm_vp_get(t->vp, 1, &rax, 1) != 0)
		return 1;
	return rax.value.low;
}

#define SHARED_GPA   0x800000u
#define SHARED_PAGES 64u
#define SHARED_LIST  16u

static void *protector(void *arg)
{
	struct one *one = arg;
	struct many *m = one->m;
	struct kt *t = &m->vp[one->index];
	uint32_t seed = one->index + 1, masks[] = { 0, RWX, kt_can(t, R_X) ? R_X : 0 };
	uint64_t gpa[SHARED_LIST];

	m->thread[one->index] = pthread_self();
	atomic_fetch_add(&m->ready, 1);
	while (atomic_load(&m->ready) < VPS)
		;
	for (uint32_t i = 0; i < m->rounds / VPS; i++) {
		for (uint32_t n = 0; n < SHARED_LIST; n++) {
			seed = seed * 1103515245u + 12345u;
			gpa[n] = SHARED_GPA + (uint64_t)(seed >> 16) % SHARED_PAGES * 4096;
		}
		if (call(t, masks[(seed >> 8) % 3], gpa, SHARED_LIST) != REPS(SHARED_LIST))
			atomic_store(&m->failed, one->index + 1);
	}
	return NULL;
}

/* Overlapping lists by four VPs: it comes to an end, and the view is what the table says. */
START_TEST(four_vps_protect_the_same_pages)
{
	struct one one[VPS];
	pthread_t thread[VPS];
	struct many m;

	many_start(&m);
	m.rounds = kv_rounds(10000, "protect calls by 4 VPs");
	for (uint32_t i = 0; i < VPS; i++) {
		one[i] = (struct one){ &m, i };
		ck_assert_int_eq(pthread_create(&thread[i], NULL, protector, &one[i]), 0);
	}
	for (uint32_t i = 0; i < VPS; i++)
		pthread_join(thread[i], NULL);
	ck_assert_uint_eq(atomic_load(&m.failed), 0);
	for (uint32_t i = 0; i < SHARED_PAGES; i++)
		kv_check(m.t, SHARED_GPA + i * 4096ull);
	if (kt_by_ptes(m.t))
		ck_assert_uint_gt(kt_stats(m.t).changed_pages, 0);
	kt_free(m.t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(slots_and_mappings_stay_as_they_are),
	VSMTEST_CASE(four_vps_protect_the_same_pages),
	VSMTEST_CASE(hundreds_of_thousands_of_scattered_pages),
};

int main(void)
{
	return kt_main("kvm_scale", cases, VSMTEST_COUNT(cases));
}
