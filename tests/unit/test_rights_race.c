/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hostile case 32: VTL1 on VP 0 changes rights while VTL0 on seven other VPs faults, emulates and
 * makes hypercalls on the same pages, and memory is added meanwhile.
 *
 * The oracle needs no luck. A word for each page says which rights it has, or that they are just
 * being changed. An access for whose whole time the word stood still must be answered as it says;
 * and a page that VTL1 closed and then marked keeps the mark until it is opened again.
 */
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "vsmtest.h"

#define VPS	     8u
#define PAGES	     8u /* from VSMTEST_DATA_GPA on */
#define HOT	     4u /* ranges of one page, added while all run */
#define ALL_PAGES    (PAGES + HOT)
#define ROUNDS_ALL   120u
#define ROUNDS_SHORT (ROUNDS_ALL / 20)
#define STEPS	     300u

#define R   HV_MAP_GPA_READABLE
#define RW  (HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE)
#define RX  (HV_MAP_GPA_READABLE | HV_MAP_GPA_KERNEL_EXECUTABLE | HV_MAP_GPA_USER_EXECUTABLE)
#define RWX VSM_RIGHTS_ALL

/* A word of the oracle: a number that never comes again, and in the low byte rights. */
#define STABLE 0x10u /* They stand still. */
#define NO_RAM 0x20u /* The page may not have been added yet; then nothing is granted. */

struct race {
	struct vsmtest *t;
	_Atomic uint64_t word[ALL_PAGES];
	_Atomic uint32_t stop;
	_Atomic uint32_t failed;
	char text[160];
	_Atomic uint64_t granted, denied, unsure;
	_Atomic uint64_t hot_accesses;
	/* Order of the host between its own accesses and changes: doc/host-contract.md,
	 * "Devices". */
	pthread_rwlock_t devices;
};

struct runner {
	struct race *race;
	pthread_t thread;
	uint32_t vp;
	uint64_t random;
};

static uint32_t pick(uint64_t *random, uint32_t n)
{
	return (uint32_t)(random_next(random) >> 20) % n;
}

static uint64_t page_gpa(uint32_t page)
{
	return page < PAGES ? VSMTEST_DATA_GPA + page * (uint64_t)VSMTEST_PAGE :
			      VSMTEST_HOT_GPA + (page - PAGES) * 2ull * VSMTEST_PAGE;
}

/* From any thread: the first failure is kept. */
static void failed(struct race *race, const char *fmt, ...)
{
	va_list ap;

	if (atomic_exchange(&race->failed, 1) == 0) {
		va_start(ap, fmt);
		vsnprintf(race->text, sizeof(race->text), fmt, ap);
		va_end(ap);
	}
	atomic_store(&race->stop, 1);
}

/* VTL1 of a worker's VP hears of an intercept and goes back. */
static void back_to_vtl0(struct runner *r)
{
	struct vsmtest *t = r->race->t;
	int verdict;

	vsmtest_message(t, r->vp, 1)->header.message_type = HVMSG_NONE;
	verdict = vsmtest_vtl_return(t, r->vp, 1);
	if (verdict != VSM_VERDICT_SWITCHED || vsmtest_prepare(t, r->vp) != VSM_VERDICT_RESUME)
		failed(r->race, "VP %u: VTL return: verdict %d", r->vp, verdict);
}

/* Each gives 1: granted, 0: denied, -1: something that must not be. */

static int outcome(struct runner *r, int verdict, int granted)
{
	if (verdict == granted)
		return 1;
	if (verdict != VSM_VERDICT_SWITCHED)
		return verdict == VSM_VERDICT_NOT_MINE ? 0 : -1;
	back_to_vtl0(r);
	return 0;
}

static int by_fault(struct runner *r, uint64_t gpa, uint32_t access)
{
	struct vsm_memory_fault fault;

	vsmtest_fault_init(&fault, gpa, access);
	return outcome(r, vsmtest_memory_fault(r->race->t, r->vp, &fault), VSM_VERDICT_RETRY);
}

static int error_outcome(int err)
{
	if (err == 0)
		return 1;
	return err == -VSM_ERR_DENIED || err == -VSM_ERR_RANGE ? 0 : -1;
}

static int by_question(struct runner *r, uint64_t gpa, uint32_t access)
{
	static const uint32_t kinds[] = { VSM_ACCESS_READ, VSM_ACCESS_WRITE, VSM_ACCESS_EXECUTE };
	struct vsm_gpa_answer answer = { .size = sizeof(answer) };

	return error_outcome(
		vsm_gpa_access(r->race->t->vsm, r->vp, 0, gpa, 8, kinds[access], &answer));
}

static int by_emulation(struct runner *r, uint64_t gpa, uint32_t access)
{
	uint32_t who = pick(&r->random, 2) ? r->vp : VSM_VP_DMA;
	uint64_t bytes = 0x5a5a5a5a5a5a5a5aull;
	int err;

	if (access == HV_INTERCEPT_ACCESS_EXECUTE)
		return by_question(r, gpa, access);
	pthread_rwlock_rdlock(&r->race->devices);
	if (access == HV_INTERCEPT_ACCESS_WRITE)
		err = vsmtest_gpa_write(r->race->t, who, 0, gpa, &bytes, 8);
	else
		err = vsmtest_gpa_read(r->race->t, who, 0, gpa, &bytes, 8);
	pthread_rwlock_unlock(&r->race->devices);
	return error_outcome(err);
}

/* GetVpRegisters with its input or its output in the page. */
static int by_hypercall(struct runner *r, uint64_t gpa, uint32_t access)
{
	struct {
		struct hv_input_get_vp_registers header;
		uint32_t name;
	} in = { { HV_PARTITION_ID_SELF, HV_VP_INDEX_SELF, 0, { 0 } }, HV_X64_REGISTER_CR2 };
	struct vsmtest *t = r->race->t;
	uint64_t input = VSMTEST_IN_GPA(r->vp), output = VSMTEST_OUT_GPA(r->vp);
	int result;

	if (access == HV_INTERCEPT_ACCESS_EXECUTE)
		return by_fault(r, gpa, access);
	memcpy(vsmtest_ram(t, input), &in, sizeof(in));
	result = vsmtest_hypercall(t, r->vp, VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 1),
				   access == HV_INTERCEPT_ACCESS_READ ? gpa : input,
				   access == HV_INTERCEPT_ACCESS_WRITE ? gpa : output);
	if (result == VSM_VERDICT_RESUME && vsmtest_status(t, r->vp) == HV_STATUS_INVALID_ALIGNMENT)
		return 0; /* No RAM yet. */
	/* As input the page is whatever it is; that it was taken counts, not what came of it. */
	return outcome(r, result, VSM_VERDICT_RESUME);
}

static void judge(struct runner *r, uint32_t page, uint32_t access, uint64_t before, uint64_t after,
		  int got)
{
	static const uint32_t needs[] = { R, HV_MAP_GPA_WRITABLE, HV_MAP_GPA_KERNEL_EXECUTABLE };
	struct race *race = r->race;
	int allowed = (before & needs[access]) != 0;

	if (got < 0) {
		failed(race, "VP %u, page %u, access %u: an answer that is none", r->vp, page,
		       access);
	} else if (!(before & STABLE) || before != after) {
		atomic_fetch_add(&race->unsure, 1);
	} else if (got != allowed && !(before & NO_RAM && !got)) {
		failed(race, "VP %u, page %u, access %u: %s, but the rights are %x", r->vp, page,
		       access, got ? "granted" : "denied", (uint32_t)before & 15);
	} else {
		atomic_fetch_add(got ? &race->granted : &race->denied, 1);
		if (page >= PAGES && !(before & NO_RAM))
			atomic_fetch_add(&race->hot_accesses, 1);
	}
}

static void *worker(void *arg)
{
	static int (*const ways[])(struct runner *, uint64_t,
				   uint32_t) = { by_fault,     by_question,  by_emulation,
						 by_hypercall, by_emulation, by_hypercall };
	struct runner *r = arg;
	struct race *race = r->race;

	while (!atomic_load(&race->stop)) {
		uint32_t page = pick(&r->random, ALL_PAGES), access = pick(&r->random, 3);
		uint32_t way = pick(&r->random, VSMTEST_COUNT(ways));
		uint64_t before = atomic_load(&race->word[page]);
		uint64_t gpa = page_gpa(page) + 8 * pick(&r->random, 256);
		int got = ways[way](r, gpa, access);

		judge(r, page, access, before, atomic_load(&race->word[page]), got);
	}
	return NULL;
}

/* VTL1 of VP 0. An entry that has to wait is finished when there is something to do. */
static uint32_t finish(struct race *race, uint32_t status)
{
	struct vsmtest *t = race->t;

	while (status == VSMTEST_VERDICT(VSM_VERDICT_BLOCKED) ||
	       status == VSMTEST_VERDICT(VSM_VERDICT_RETRY)) {
		int verdict;

		while (!vsm_vp_runnable(t->vp[0].vp))
			sched_yield();
		verdict = vsmtest_prepare(t, 0);
		if (verdict == VSM_VERDICT_RETRY)
			verdict = vsmtest_again(t, 0);
		status = verdict == VSM_VERDICT_RESUME ? vsmtest_status(t, 0) :
							 VSMTEST_VERDICT(verdict);
	}
	return status;
}

static void set_word(struct race *race, uint32_t page, uint32_t low)
{
	uint64_t number = atomic_load(&race->word[page]) >> 8;

	atomic_store(&race->word[page], (number + 1) << 8 | low);
}

static void mark(struct race *race, uint32_t page, uint8_t byte)
{
	pthread_mutex_lock(&race->t->lock);
	memset(vsmtest_ram(race->t, page_gpa(page)), byte, VSMTEST_PAGE);
	pthread_mutex_unlock(&race->t->lock);
}

static int marked(struct race *race, uint32_t page, uint8_t byte)
{
	const uint8_t *ram = vsmtest_ram(race->t, page_gpa(page));
	int same = 1;

	pthread_mutex_lock(&race->t->lock);
	for (uint32_t i = 0; i < VSMTEST_PAGE; i++)
		same &= ram[i] == byte;
	pthread_mutex_unlock(&race->t->lock);
	return same;
}

/* One call of VTL1, for one page or for two. */
static void change(struct race *race, uint64_t *random, uint32_t step, uint32_t *added)
{
	static const uint32_t masks[] = { 0, R, RX, RW, RWX };
	uint32_t mask = masks[pick(random, VSMTEST_COUNT(masks))];
	uint32_t first = pick(random, PAGES + *added), second = pick(random, PAGES + *added);
	uint64_t gpn[2] = { page_gpa(first) >> HV_PAGE_SHIFT, page_gpa(second) >> HV_PAGE_SHIFT };
	uint32_t status;

	set_word(race, first, 0);
	set_word(race, second, 0);
	status = finish(race, vsmtest_modify(race->t, 0, mask, gpn, 2));
	if (status != HV_STATUS_SUCCESS) {
		failed(race, "step %u: ModifyVtlProtectionMask: %x", step, status);
		return;
	}
	/* VTL1 relies on it from here on. */
	if (!(mask & HV_MAP_GPA_WRITABLE)) {
		mark(race, first, (uint8_t)step);
		mark(race, second, (uint8_t)step);
	}
	set_word(race, first, STABLE | mask);
	set_word(race, second, STABLE | mask);
	if (mask & HV_MAP_GPA_WRITABLE)
		return;
	for (uint32_t i = pick(random, 4); i > 0; i--)
		sched_yield();
	if (!marked(race, first, (uint8_t)step) || !marked(race, second, (uint8_t)step))
		failed(race, "step %u: a page was written after the right to was gone", step);
}

/* The host adds a page: from now on it may be read, which is the default mask. */
static void add_page(struct race *race, uint32_t *added)
{
	uint64_t gpa = page_gpa(PAGES + *added);
	int err;

	do
		err = vsmtest_hot_add(race->t, gpa, VSMTEST_PAGE);
	while (err == -VSM_ERR_BUSY);
	if (err)
		failed(race, "hot-add: %s", vsm_strerror(err));
	set_word(race, PAGES + *added, STABLE | R);
	++*added;
}

/* The ops take their time, so that others come in between; protect outlasts what devices were
 * allowed before. */
static void dawdle(struct vsmtest *t, enum vsmtest_op op, uint32_t vp)
{
	struct race *race = t->hook_arg;

	(void)vp;
	if (op == VSMTEST_PROTECT) {
		pthread_rwlock_wrlock(&race->devices);
		pthread_rwlock_unlock(&race->devices);
	}
	if (op == VSMTEST_GPA_READ || op == VSMTEST_GPA_WRITE || op == VSMTEST_PROTECT)
		sched_yield();
}

/* VTL1 of VP 0 enables VTL1 on another VP, which then stands in VTL0. */
static void give_vtl1(struct vsmtest *t, uint32_t vp)
{
	struct hv_initial_vp_context context;

	vsmtest_context64(&context);
	assert_status(vsmtest_enable_vp_vtl(t, 0, vp, 1, &context), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_prepare(t, vp), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_vtl_call(t, vp), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_synic_on(t, vp), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_vtl_return(t, vp, 1), VSM_VERDICT_SWITCHED);
}

/* The pages that the test itself works with stay open. */
static void open_blocks(struct race *race)
{
	uint64_t gpn[2 * VPS];

	for (uint32_t vp = 0; vp < VPS; vp++) {
		gpn[2 * vp] = VSMTEST_IN_GPA(vp) >> HV_PAGE_SHIFT;
		gpn[2 * vp + 1] = VSMTEST_OUT_GPA(vp) >> HV_PAGE_SHIFT;
	}
	assert_status(vsmtest_modify(race->t, 0, RWX, gpn, 2 * VPS), HV_STATUS_SUCCESS);
}

/* All VPs with both VTLs; VP 0 in VTL1, the others in VTL0. Default mask: read. */
static void set_up(struct race *race, uint32_t added)
{
	struct vsmtest *t = race->t;

	t->relaxed = t->threads = 1;
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	for (uint32_t vp = 1; vp < VPS; vp++)
		give_vtl1(t, vp);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 1 | R << 1),
		      HV_STATUS_SUCCESS);
	open_blocks(race);
	for (uint32_t page = 0; page < ALL_PAGES; page++)
		set_word(race, page, STABLE | R | (page >= PAGES + added ? NO_RAM : 0));
	t->hook_arg = race;
	t->hook = dawdle;
}

static void let_run(struct race *race, uint64_t *random, uint32_t *added, uint32_t add)
{
	struct runner runner[VPS];

	atomic_store(&race->stop, 0);
	for (uint32_t vp = 1; vp < VPS; vp++) {
		runner[vp] =
			(struct runner){ .race = race, .vp = vp, .random = *random * (2 * vp + 1) };
		ck_assert_int_eq(pthread_create(&runner[vp].thread, NULL, worker, &runner[vp]), 0);
	}
	for (uint32_t step = 0; step < STEPS && !atomic_load(&race->stop); step++) {
		if (add && step % (STEPS / add) == STEPS / add / 2)
			add_page(race, added);
		change(race, random, step, added);
	}
	atomic_store(&race->stop, 1);
	for (uint32_t vp = 1; vp < VPS; vp++)
		pthread_join(runner[vp].thread, NULL);
	race->t->hook = NULL;
	ck_assert_msg(!race->failed, "%s", race->text);
	vsmtest_report(race->t);
}

START_TEST(case_32_i4_no_old_right_outlives_its_end)
{
	uint32_t rounds = getenv("VSM_TEST_ALL") ? ROUNDS_ALL : ROUNDS_SHORT;
	uint64_t granted = 0, denied = 0, unsure = 0, hot = 0;
	uint64_t random = 0x9e3779b97f4a7c15ull;

	for (uint32_t i = 0; i < rounds; i++) {
		static struct race race;
		struct vsmtest_opts opts;
		uint32_t added = 0;

		memset(&race, 0, sizeof(race));
		pthread_rwlock_init(&race.devices, NULL);
		vsmtest_opts_init(&opts);
		opts.vps = opts.config.max_vps = VPS;
		race.t = vsmtest_new(&opts);
		set_up(&race, added);
		let_run(&race, &random, &added, HOT / 2);
		/* All of it once more after a reset, which forgets rights but not RAM. */
		assert_err(vsmtest_reset(race.t), 0);
		set_up(&race, added);
		let_run(&race, &random, &added, HOT / 2);
		ck_assert_uint_eq(added, HOT);
		granted += race.granted;
		denied += race.denied;
		unsure += race.unsure;
		hot += race.hot_accesses;
		vsmtest_free(race.t);
		pthread_rwlock_destroy(&race.devices);
	}
	printf("# %u rounds: %llu accesses granted, %llu denied, %llu while rights changed; %llu to "
	       "memory that was added\n",
	       rounds, (unsigned long long)granted, (unsigned long long)denied,
	       (unsigned long long)unsure, (unsigned long long)hot);
	ck_assert_uint_gt(granted, rounds);
	ck_assert_uint_gt(denied, rounds);
	ck_assert_uint_gt(hot, rounds);
}
END_TEST

/* Another VP within gpa_read or gpa_write, after the library has checked the access. */
struct inside {
	enum vsmtest_op op;
	uint32_t runs;
	uint32_t flush_fails; /* The first call fails after the table changed, and is made again. */
	uint32_t status;
};

static void *take_away(void *arg)
{
	struct vsmtest *t = arg;
	struct inside *inside = t->hook_arg;

	if (inside->flush_fails)
		vsmtest_fail_op(t, VSMTEST_TLB_FLUSH, 1, 1, -VSM_ERR_HOST);
	inside->status = vsmtest_modify_gpa(t, 0, 0, VSMTEST_DATA_GPA);
	if (inside->flush_fails && inside->status == VSMTEST_VERDICT(-VSM_ERR_HOST))
		inside->status = VSMTEST_VERDICT(vsmtest_again(t, 0));
	return NULL;
}

static void from_inside(struct vsmtest *t, enum vsmtest_op op, uint32_t vp)
{
	struct inside *inside = t->hook_arg;
	pthread_t thread;

	(void)vp;
	if (op != inside->op || inside->runs++ != 0)
		return;
	if (pthread_create(&thread, NULL, take_away, t) == 0)
		pthread_join(thread, NULL);
}

static struct vsmtest *two_vps(void)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	opts.vps = opts.config.max_vps = 2;
	t = vsmtest_new(&opts);
	t->relaxed = t->threads = 1;
	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	give_vtl1(t, 1);
	return t;
}

/* GetVpRegisters of VP 1 with its input (0) or its output (1) in the page. */
static int call_page(struct vsmtest *t, uint32_t way)
{
	struct {
		struct hv_input_get_vp_registers header;
		uint32_t name;
	} in = { { HV_PARTITION_ID_SELF, HV_VP_INDEX_SELF, 0, { 0 } }, HV_X64_REGISTER_CR2 };
	uint64_t other = way ? VSMTEST_IN_GPA(1) : VSMTEST_OUT_GPA(1);

	memcpy(vsmtest_ram(t, way ? other : VSMTEST_DATA_GPA), &in, sizeof(in));
	return vsmtest_hypercall(t, 1, VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 1),
				 way ? other : VSMTEST_DATA_GPA, way ? VSMTEST_DATA_GPA : other);
}

/* Read-once and rights oracles look at the entry of the thread, which the hook leaves alone. */
START_TEST(case_32_i4_a_change_waits_for_the_access_that_was_checked_before)
{
	static const enum vsmtest_op ops[] = { VSMTEST_GPA_READ, VSMTEST_GPA_WRITE };

	for (uint32_t i = 0; i < 4; i++) {
		uint32_t way = i / 2;
		struct vsmtest *t = two_vps();
		struct inside inside = { .op = ops[way], .flush_fails = i % 2 };
		uint32_t kicks = t->vp[0].kicks;

		t->hook_arg = &inside;
		t->hook = from_inside;
		assert_verdict(call_page(t, way), VSM_VERDICT_RESUME);
		t->hook = NULL;
		ck_assert_uint_ge(inside.runs, 1);
		/* Not done while the bytes moved; done, and VP 0 told, when they had. */
		assert_status(inside.status, VSMTEST_VERDICT(VSM_VERDICT_BLOCKED));
		ck_assert_uint_eq(t->vp[0].kicks, kicks + 1);
		ck_assert_int_eq(vsm_vp_runnable(t->vp[0].vp), 1);
		assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
		assert_status(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
		assert_verdict(vsmtest_fault(t, 1, VSMTEST_DATA_GPA, HV_INTERCEPT_ACCESS_READ),
			       VSM_VERDICT_SWITCHED);
		vsmtest_free(t);
	}
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(case_32_i4_no_old_right_outlives_its_end),
	VSMTEST_CASE(case_32_i4_a_change_waits_for_the_access_that_was_checked_before),
};

int main(void)
{
	return vsmtest_main("rights_race", cases, VSMTEST_COUNT(cases));
}
