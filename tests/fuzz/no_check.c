/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fake host asserts by check, which needs a running test. A fuzzer has none: here an assertion
 * that fails ends the process, which is what a fuzzer calls a finding.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "vsmtest.h"

void _mark_point(const char *file, int line)
{
	(void)file;
	(void)line;
}

void _ck_assert_failed(const char *file, int line, const char *expr, const char *msg, ...)
{
	va_list ap;

	printf("# %s:%d: %s: ", file, line, expr);
	va_start(ap, msg);
	if (msg != NULL)
		vprintf(msg, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	abort();
}

struct vsmtest *vsmtest_new(const struct vsmtest_opts *opts)
{
	struct vsmtest *t = vsmtest_alloc(opts);

	if (t == NULL || vsmtest_create(t) != 0)
		abort();
	return t;
}
