/* SPDX-License-Identifier: BSD-3-Clause */
/* VSM_CONFIG_CHECK_THREADS: what is for a VP's thread is refused on every other one. */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vsmtest.h"
#include "vsmtest_internal.h"

#define FIRST  71u
#define OTHER  72u
#define ADVICE "the VP belongs to another thread: call it there, or give the VP up"

static struct vsm_private_state state;

static int prepare(struct vsm_vp *vp)
{
	return vsm_vp_run_prepare(vp);
}

static int hypercall(struct vsm_vp *vp)
{
	return vsm_vp_hypercall(vp, VSMTEST_TRAP_RIP, 3);
}

static int rdmsr(struct vsm_vp *vp)
{
	uint64_t value;

	return vsm_vp_rdmsr(vp, HV_X64_MSR_VP_INDEX, &value);
}

static int wrmsr(struct vsm_vp *vp)
{
	return vsm_vp_wrmsr(vp, HV_X64_MSR_GUEST_OS_ID, 0x1234);
}

static int cpuid(struct vsm_vp *vp)
{
	struct vsm_cpuid out;

	return vsm_vp_cpuid(vp, HV_CPUID_MIN, 0, &out);
}

static int memory_fault(struct vsm_vp *vp)
{
	const struct vsm_memory_fault fault = { .size = sizeof(fault), .gpa = VSMTEST_DATA_GPA };

	return vsm_vp_memory_fault(vp, &fault);
}

static int exception(struct vsm_vp *vp)
{
	struct vsm_exception out;

	return vsm_vp_exception(vp, &out);
}

static int set_opaque(struct vsm_vp *vp)
{
	return vsm_vp_set_opaque(vp, vsm_vp_opaque(vp));
}

static int state_save(struct vsm_vp *vp)
{
	struct vsm_private_state out;

	return vsm_vtl_state_save(vp, 0, &out);
}

static int state_load(struct vsm_vp *vp)
{
	return vsm_vtl_state_load(vp, 0, &state);
}

static int any_opaque(struct vsm_vp *vp)
{
	return vsm_vp_opaque(vp) != NULL ? 0 : -VSM_ERR_INVAL;
}

static int any_index(struct vsm_vp *vp)
{
	return (int)vsm_vp_index(vp);
}

static int any_active(struct vsm_vp *vp)
{
	return (int)vsm_vp_active_vtl(vp);
}

static int any_enabled(struct vsm_vp *vp)
{
	return vsm_vp_enabled_vtls(vp) == 1 ? 0 : -VSM_ERR_STATE;
}

static int any_mbec(struct vsm_vp *vp)
{
	return vsm_vp_mbec(vp, 0);
}

static int any_runnable(struct vsm_vp *vp)
{
	return vsm_vp_runnable(vp) == 1 ? 0 : -VSM_ERR_STATE;
}

enum kind {
	BINDS, /* An entry: the VP belongs to its thread from then on. */
	CHECKS, /* Refused on another thread, but the VP is left to the next entry. */
	ANY, /* For any thread. */
};

/* Every function that takes a VP. */
static const struct row {
	const char *name;
	int (*call)(struct vsm_vp *vp);
	enum kind kind;
	int result; /* On the VP's thread, in a machine that was just made. */
} rows[] = {
	{ "vsm_vp_run_prepare", prepare, BINDS, VSM_VERDICT_RESUME },
	{ "vsm_vp_hypercall", hypercall, BINDS, VSM_VERDICT_EXCEPTION },
	{ "vsm_vp_rdmsr", rdmsr, BINDS, VSM_VERDICT_RESUME },
	{ "vsm_vp_wrmsr", wrmsr, BINDS, VSM_VERDICT_RESUME },
	{ "vsm_vp_cpuid", cpuid, BINDS, VSM_VERDICT_RESUME },
	{ "vsm_vp_memory_fault", memory_fault, BINDS, VSM_VERDICT_RETRY },
	{ "vsm_vtl_state_save", state_save, BINDS, 0 },
	{ "vsm_vtl_state_load", state_load, BINDS, 0 },
	{ "vsm_vp_exception", exception, CHECKS, -VSM_ERR_NOTFOUND },
	{ "vsm_vp_set_opaque", set_opaque, CHECKS, 0 },
	{ "vsm_vp_opaque", any_opaque, ANY, 0 },
	{ "vsm_vp_index", any_index, ANY, 0 },
	{ "vsm_vp_active_vtl", any_active, ANY, 0 },
	{ "vsm_vp_enabled_vtls", any_enabled, ANY, 0 },
	{ "vsm_vp_mbec", any_mbec, ANY, 0 },
	{ "vsm_vp_runnable", any_runnable, ANY, 0 },
	{ "vsm_vp_thread_release", vsm_vp_thread_release, ANY, 0 },
};

/* A machine that checks, with VPs that belong to nobody. */
static struct vsmtest *checking(uint32_t vps)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	opts.vps = vps;
	opts.config.flags = VSM_CONFIG_CHECK_THREADS;
	t = vsmtest_new(&opts);
	t->thread = FIRST;
	assert_err(vsmtest_entry()->t == NULL, 1);
	return t;
}

/* A call as thread `thread`, so that the fake host takes its ops for those of an entry. */
static int call_as(struct vsmtest *t, const struct row *row, uint32_t slot, uint64_t thread)
{
	int r;

	t->thread = thread;
	vsmtest_entry()->t = t;
	vsmtest_entry()->vp = slot;
	vsmtest_entry()->reads = 0;
	r = row->call(t->vp[slot].vp);
	vsmtest_entry()->t = NULL;
	return r;
}

static void fresh_state(struct vsmtest *t)
{
	vsmtest_entry()->t = t;
	assert_err(vsm_vtl_state_save(t->vp[0].vp, 0, &state), 0);
	vsmtest_entry()->t = NULL;
	assert_err(vsm_vp_thread_release(t->vp[0].vp), 0);
}

START_TEST(another_thread_is_refused_told_so_and_changes_nothing)
{
	uint32_t i, refused = 0;

	for (i = 0; i < VSMTEST_COUNT(rows); i++) {
		const struct row *row = &rows[i];
		struct vsmtest *t = checking(1);
		uint32_t lines, calls;
		uint64_t hash;
		char text[300];

		fresh_state(t);
		hash = vsmtest_hash(t); /* Entries of FIRST. */
		lines = t->lines;
		calls = t->calls;
		if (row->kind == ANY) {
			assert_err(call_as(t, row, 0, OTHER), row->result);
			ck_assert_uint_eq(t->lines, lines);
		} else {
			assert_err(call_as(t, row, 0, OTHER), -VSM_ERR_MISUSE);
			ck_assert_uint_eq(t->lines, lines + 1);
			snprintf(text, sizeof(text), "%s: %s", row->name, ADVICE);
			ck_assert_msg(vsmtest_logged(t, text), "%s: %s", row->name, t->line[lines]);
			ck_assert(vsmtest_logged(t, "vsm_vp_thread_release()"));
			refused++;
		}
		ck_assert_uint_eq(t->calls, calls);
		t->thread = FIRST;
		assert_same(t, hash);
		vsmtest_free(t);
	}
	ck_assert_uint_eq(refused, 10);
}
END_TEST

START_TEST(the_first_entry_binds_and_its_thread_goes_on)
{
	uint32_t i;

	for (i = 0; i < VSMTEST_COUNT(rows); i++) {
		const struct row *row = &rows[i];
		struct vsmtest *t = checking(1);

		fresh_state(t);
		assert_err(call_as(t, row, 0, FIRST), row->result);
		assert_err(call_as(t, &rows[0], 0, OTHER),
			   row->kind == BINDS ? -VSM_ERR_MISUSE : VSM_VERDICT_RESUME);
		if (row->kind == BINDS)
			assert_err(call_as(t, &rows[0], 0, FIRST), VSM_VERDICT_RESUME);
		vsmtest_free(t);
	}
}
END_TEST

START_TEST(each_vp_has_a_thread_of_its_own)
{
	struct vsmtest *t = checking(2);

	assert_err(call_as(t, &rows[0], 0, FIRST), VSM_VERDICT_RESUME);
	assert_err(call_as(t, &rows[0], 1, OTHER), VSM_VERDICT_RESUME);
	assert_err(call_as(t, &rows[0], 0, OTHER), -VSM_ERR_MISUSE);
	assert_err(call_as(t, &rows[0], 1, FIRST), -VSM_ERR_MISUSE);
	/* One thread may run several. */
	assert_err(vsm_vp_thread_release(t->vp[1].vp), 0);
	assert_err(call_as(t, &rows[0], 1, FIRST), VSM_VERDICT_RESUME);
	assert_err(call_as(t, &rows[0], 0, FIRST), VSM_VERDICT_RESUME);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_released_vp_belongs_to_who_enters_next)
{
	struct vsmtest *t = checking(1);

	assert_err(vsm_vp_thread_release(NULL), -VSM_ERR_INVAL);
	assert_err(vsm_vp_thread_release(t->vp[0].vp), 0);
	assert_err(call_as(t, &rows[0], 0, FIRST), VSM_VERDICT_RESUME);
	assert_err(vsm_vp_thread_release(t->vp[0].vp), 0);
	assert_err(call_as(t, &rows[0], 0, OTHER), VSM_VERDICT_RESUME);
	assert_err(call_as(t, &rows[0], 0, FIRST), -VSM_ERR_MISUSE);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_blocked_vp_can_move)
{
	struct vsmtest *t = checking(1);

	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_GUEST_OS_ID, 1), VSM_VERDICT_RESUME);
	vsmtest_fail_op(t, VSMTEST_OVERLAY_MAP, 1, 1, VSM_PENDING);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_HYPERCALL, VSMTEST_HC_GPA(0) | 1),
		       VSM_VERDICT_BLOCKED);
	assert_err(vsm_vp_thread_release(t->vp[0].vp), 0);
	assert_err(vsmtest_complete(t, VSMTEST_OVERLAY_MAP, 0, 0), 0);
	t->thread = OTHER;
	assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
	ck_assert_ptr_nonnull(vsmtest_overlay(t, 0, VSMTEST_HC_GPA(0)));
	vsmtest_free(t);
}
END_TEST

START_TEST(reset_releases)
{
	struct vsmtest *t = checking(2);

	assert_err(call_as(t, &rows[0], 0, FIRST), VSM_VERDICT_RESUME);
	assert_err(call_as(t, &rows[0], 1, FIRST), VSM_VERDICT_RESUME);
	t->thread = OTHER;
	assert_err(vsmtest_reset(t), 0);
	assert_err(call_as(t, &rows[0], 0, OTHER), VSM_VERDICT_RESUME);
	assert_err(call_as(t, &rows[0], 1, OTHER), VSM_VERDICT_RESUME);
	assert_err(call_as(t, &rows[0], 1, FIRST), -VSM_ERR_MISUSE);
	vsmtest_free(t);
}
END_TEST

static int inner[2];

static void enter_and_release(struct vsmtest *t, enum vsmtest_op op, uint32_t vp)
{
	(void)op;
	(void)vp;
	t->hook = NULL;
	inner[0] = vsm_vp_run_prepare(t->vp[0].vp);
	inner[1] = vsm_vp_thread_release(t->vp[0].vp);
}

START_TEST(within_an_op_a_vp_is_neither_taken_nor_given_up)
{
	struct vsmtest *t = checking(1);

	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	t->hook = enter_and_release;
	assert_status(vsmtest_enable_partition_vtl(t, 0, 1), HV_STATUS_SUCCESS);
	assert_err(inner[0], -VSM_ERR_MISUSE);
	assert_err(inner[1], -VSM_ERR_MISUSE);
	ck_assert(vsmtest_logged(t, "vsm_vp_thread_release: the VP is in an entry"));
	assert_err(call_as(t, &rows[0], 0, OTHER), -VSM_ERR_MISUSE);

	/* During a reset it belongs to nobody, and an entry that is refused does not take it. */
	t->hook = enter_and_release;
	t->thread = OTHER;
	memset(inner, 0, sizeof(inner));
	assert_err(vsmtest_reset(t), 0);
	ck_assert(t->hook == NULL);
	assert_err(inner[0], -VSM_ERR_MISUSE);
	assert_err(inner[1], -VSM_ERR_MISUSE);
	assert_err(call_as(t, &rows[0], 0, FIRST), VSM_VERDICT_RESUME);
	vsmtest_free(t);
}
END_TEST

START_TEST(a_number_of_no_thread_is_refused)
{
	const struct row zero = { "", prepare, BINDS, 0 };
	struct vsmtest *t = checking(1);
	struct vsm_host_ops ops;

	vsmtest_ops(t, &ops);
	ck_assert_uint_eq(ops.thread_id(t), FIRST);
	t->no_thread = 1;
	ck_assert_uint_eq(ops.thread_id(t), 0);
	assert_err(call_as(t, &zero, 0, FIRST), -VSM_ERR_MISUSE);
	ck_assert(vsmtest_logged(t, "vsm_vp_run_prepare: op thread_id gave 0"));
	t->no_thread = 0;
	assert_err(call_as(t, &zero, 0, OTHER), VSM_VERDICT_RESUME);
	vsmtest_free(t);
}
END_TEST

START_TEST(the_option_needs_the_op)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	opts.config.flags = VSM_CONFIG_CHECK_THREADS;
	opts.null_ops = VSMTEST_BIT(VSMTEST_THREAD_ID);
	t = vsmtest_alloc(&opts);
	assert_err(vsmtest_create(t), -VSM_ERR_INVAL);
	ck_assert(vsmtest_logged(t, "config.flags: VSM_CONFIG_CHECK_THREADS needs the op "
				    "thread_id"));
	vsmtest_free(t);
}
END_TEST

START_TEST(without_the_option_nobody_is_asked)
{
	struct vsmtest *t = vsmtest_new(NULL);
	uint32_t i;

	fresh_state(t);
	for (i = 0; i < VSMTEST_COUNT(rows); i++)
		ck_assert_int_ne(call_as(t, &rows[i], 0, FIRST + i), -VSM_ERR_MISUSE);
	ck_assert_uint_eq(t->count[VSMTEST_THREAD_ID], 0);
	vsmtest_free(t);
}
END_TEST

#define TRIES 2000u

static pthread_barrier_t start;

static void *enter_often(void *opaque)
{
	struct vsm_vp *vp = opaque;
	uintptr_t entered = 0;

	pthread_barrier_wait(&start);
	for (uint32_t i = 0; i < TRIES; i++)
		entered += vsm_vp_run_prepare(vp) == VSM_VERDICT_RESUME;
	return (void *)entered;
}

/* Real threads: whoever is first has the VP, and the other is not in its way. */
START_TEST(of_two_threads_that_race_for_a_vp_one_gets_it)
{
	struct vsmtest *t = checking(1);
	pthread_t thread[2];
	uint32_t round;

	t->thread = 0;
	for (round = 0; round < 20; round++) {
		void *entered[2];

		assert_err(vsm_vp_thread_release(t->vp[0].vp), 0);
		pthread_barrier_init(&start, NULL, 2);
		pthread_create(&thread[0], NULL, enter_often, t->vp[0].vp);
		pthread_create(&thread[1], NULL, enter_often, t->vp[0].vp);
		pthread_join(thread[0], &entered[0]);
		pthread_join(thread[1], &entered[1]);
		pthread_barrier_destroy(&start);
		ck_assert((uintptr_t)entered[0] == 0 || (uintptr_t)entered[1] == 0);
		ck_assert_uint_eq((uintptr_t)entered[0] + (uintptr_t)entered[1], TRIES);
	}
	vsmtest_free(t);
}
END_TEST

static char *text_of(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 1 << 18);
	size_t size;

	ck_assert_msg(f != NULL && text != NULL, "%s", path);
	size = fread(text, 1, (1 << 18) - 1, f);
	ck_assert(size > 0 && feof(f));
	fclose(f);
	return text;
}

static const struct row *row_of(const char *declaration)
{
	for (uint32_t i = 0; i < VSMTEST_COUNT(rows); i++) {
		size_t length = strlen(rows[i].name);
		const char *at = strstr(declaration, rows[i].name);

		if (at != NULL && at[length] == '(')
			return &rows[i];
	}
	return NULL;
}

/* Has it a VP as an argument? A place for a new one is none. */
static int takes_a_vp(const char *declaration)
{
	static const char type[] = "struct vsm_vp *";
	const char *at = strchr(declaration, '(');

	while (at != NULL && (at = strstr(at, type)) != NULL) {
		at += sizeof(type) - 1;
		if (*at != '*')
			return 1;
	}
	return 0;
}

/* Functions of one header that take a VP: each is in the table, as its comment says. */
static uint32_t check_header(const char *path)
{
	char *text = text_of(path);
	uint32_t found = 0;

	for (char *at = text; (at = strstr(at, "\nVSM_EXPORT")) != NULL;) {
		char *end = strchr(at, ';'), *comment = at;
		const struct row *row;
		int any;

		ck_assert_ptr_nonnull(end);
		*at = *end = '\0';
		if (takes_a_vp(at + 1)) {
			row = row_of(at + 1);
			ck_assert_msg(row != NULL, "%s: not in the table: %s", path, at + 1);
			while (strncmp(comment, "/**", 3) != 0)
				comment--;
			any = strstr(comment, "Thread: any") != NULL;
			ck_assert_msg(any == (row->kind == ANY), "%s: another kind", row->name);
			found++;
		}
		at = end + 1;
	}
	free(text);
	return found;
}

START_TEST(every_function_of_a_vp_is_in_the_table)
{
	static const char include[] = VSM_SOURCE_ROOT "/include/vsm";
	DIR *dir = opendir(include);
	struct dirent *entry;
	char path[sizeof(include) + 260];
	uint32_t found = 0;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", include, entry->d_name);
		found += check_header(path);
	}
	closedir(dir);
	ck_assert_uint_eq(found, VSMTEST_COUNT(rows));
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(another_thread_is_refused_told_so_and_changes_nothing),
	VSMTEST_CASE(the_first_entry_binds_and_its_thread_goes_on),
	VSMTEST_CASE(each_vp_has_a_thread_of_its_own),
	VSMTEST_CASE(a_released_vp_belongs_to_who_enters_next),
	VSMTEST_CASE(a_blocked_vp_can_move),
	VSMTEST_CASE(reset_releases),
	VSMTEST_CASE(within_an_op_a_vp_is_neither_taken_nor_given_up),
	VSMTEST_CASE(a_number_of_no_thread_is_refused),
	VSMTEST_CASE(the_option_needs_the_op),
	VSMTEST_CASE(without_the_option_nobody_is_asked),
	VSMTEST_CASE(of_two_threads_that_race_for_a_vp_one_gets_it),
	VSMTEST_CASE(every_function_of_a_vp_is_in_the_table),
};

int main(void)
{
	return vsmtest_main("threads", cases, VSMTEST_COUNT(cases));
}
