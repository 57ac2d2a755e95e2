/* SPDX-License-Identifier: BSD-3-Clause */
/* The part of the test tools that knows the test framework. */
#include <stdio.h>
#include <stdlib.h>

#include "vsmtest.h"

static void fail_test(const char *text)
{
	ck_abort_msg("contract breach: %s", text);
}

/* In one process: sanitizers and debuggers see all of it. */
static int run(Suite *s)
{
	SRunner *runner = srunner_create(s);
	int failed;

	srunner_set_fork_status(runner, CK_NOFORK);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int vsmtest_suite(const char *suite, void (*add)(TCase *tests))
{
	Suite *s = suite_create(suite);
	TCase *tests = tcase_create(suite);

	suite_add_tcase(s, tests);
	add(tests);
	return run(s);
}

int vsmtest_main(const char *suite, const struct vsmtest_case *cases, size_t count)
{
	Suite *s = suite_create(suite);
	uint32_t model;
	size_t i;

	if (vsmtest_model_from_env(&model)) {
		printf("Bail out! VSMTEST_MODEL is neither replicated nor swapped\n");
		return EXIT_FAILURE;
	}
	vsmtest_on_failure = fail_test;
	for (i = 0; i < count; i++) {
		TCase *tc = tcase_create((*cases[i].test)->name);

		tcase_add_test(tc, *cases[i].test);
		suite_add_tcase(s, tc);
	}
	return run(s);
}

struct vsmtest *vsmtest_new(const struct vsmtest_opts *opts)
{
	struct vsmtest *t = vsmtest_alloc(opts);
	int err;

	ck_assert_ptr_nonnull(t);
	err = vsmtest_create(t);
	vsmtest_report(t);
	ck_assert_msg(err == 0, "no partition: %s; last log line: %s", vsm_strerror(err),
		      t->lines ? t->line[(t->lines - 1) % VSMTEST_MAX_LINES] : "none");
	return t;
}

struct vsmtest *vsmtest_new_vps(uint32_t vps)
{
	struct vsmtest_opts opts;

	vsmtest_opts_init(&opts);
	opts.vps = vps;
	return vsmtest_new(&opts);
}

struct vsmtest *vsmtest_new_vtls(uint32_t max_vtl)
{
	struct vsmtest_opts opts;

	vsmtest_opts_init(&opts);
	opts.config.max_vtl = max_vtl;
	return vsmtest_new(&opts);
}

const char *vsmtest_verdict_text(int verdict)
{
	static const char *const names[] = { "RESUME",	"RETRY",     "SWITCHED",
					     "BLOCKED", "EXCEPTION", "NOT_MINE" };

	if (verdict < 0)
		return vsm_strerror(verdict);
	return verdict <= VSM_VERDICT_NOT_MINE ? names[verdict] : "no verdict";
}

const char *vsmtest_status_text(uint32_t status)
{
	static char text[4][80];
	static unsigned int next;
	char *out = text[next++ % 4];

	if (status >= 0x10000)
		snprintf(out, sizeof(text[0]), "verdict %s",
			 vsmtest_verdict_text((int)(status - 0x10100)));
	else
		snprintf(out, sizeof(text[0]), "%s (0x%x)", vsm_hv_status_name((uint16_t)status),
			 status);
	return out;
}
