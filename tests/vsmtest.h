/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * How unit tests of libvsm are written: the fake host, its guest, and `check`.
 *
 * A test makes a machine, lets its guest do what guests do, and looks at the outcome:
 *
 *     START_TEST(a_denied_write_reaches_vtl1)
 *     {
 *             struct vsmtest *t = vsmtest_new(NULL);
 *
 *             assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
 *             assert_status(vsmtest_modify_gpa(t, 0, HV_MAP_GPA_READABLE, VSMTEST_DATA_GPA), 0);
 *             assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
 *             assert_verdict(vsmtest_fault(t, 0, VSMTEST_DATA_GPA, HV_INTERCEPT_ACCESS_WRITE),
 *                            VSM_VERDICT_SWITCHED);
 *             ck_assert_uint_eq(vsmtest_message(t, 0, 1)->header.message_type,
 *                               HVMSG_GPA_INTERCEPT);
 *             vsmtest_free(t);
 *     }
 *     END_TEST
 *
 * and is put into a suite by name:
 *
 *     static const struct vsmtest_case cases[] = {
 *             VSMTEST_CASE(a_denied_write_reaches_vtl1),
 *     };
 *     int main(void)
 *     {
 *             return vsmtest_main("intercept", cases, VSMTEST_COUNT(cases));
 *     }
 *
 * What else there is:
 *  - other machines: vsmtest_new_vps(2), vsmtest_new_vtls(2), or all that is in vsmtest_opts:
 *    `struct vsmtest_opts o; vsmtest_opts_init(&o); o.waiting = 2; vsmtest_new(&o)`;
 *  - failing ops: vsmtest_fail_op(t, VSMTEST_PROTECT, 1, 1, -VSM_ERR_HOST);
 *  - ops that take their time: the same with #VSM_PENDING, then vsmtest_complete();
 *  - "nothing changed": the same vsmtest_hash() before and after;
 *  - code within an op: vsmtest.hook;
 *  - what was called: vsmtest.call[], vsmtest.count[], vsmtest_calls_since().
 *
 * The oracles of vsmtest_host.h watch every test; vsmtest_free() reports leaks.
 */
#ifndef VSMTEST_H
#define VSMTEST_H

#include <check.h>

#include "vsmtest_guest.h"
#include "vsmtest_host.h"

/** One test by its name. */
struct vsmtest_case {
	const TTest **test;
};

#define VSMTEST_CASE(name) \
	{                  \
		&(name)    \
	}
#define VSMTEST_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/** Run the tests of one executable; prints TAP. @return exit status. */
int vsmtest_main(const char *suite, const struct vsmtest_case *cases, size_t count);

/** The same for tests that are no vsmtest_case: `add` adds them to the suite's only test case. */
int vsmtest_suite(const char *suite, void (*add)(TCase *tests));

/** A machine with partition and VPs; the test fails if it cannot be made. */
struct vsmtest *vsmtest_new(const struct vsmtest_opts *opts);

/** The usual machine, but with so many VPs. */
struct vsmtest *vsmtest_new_vps(uint32_t vps);

/** The usual machine, but with VTLs up to this one. */
struct vsmtest *vsmtest_new_vtls(uint32_t max_vtl);

/** A status or VSMTEST_VERDICT() for people; the text lives until the 4th next call. */
const char *vsmtest_status_text(uint32_t status);

/** A verdict or error for people. */
const char *vsmtest_verdict_text(int verdict);

#define assert_status(got, want)                                                                \
	do {                                                                                    \
		uint32_t got_ = (got), want_ = (want);                                          \
		ck_assert_msg(got_ == want_, "%s: %s, not %s", #got, vsmtest_status_text(got_), \
			      vsmtest_status_text(want_));                                      \
	} while (0)

#define assert_verdict(got, want)                                                                \
	do {                                                                                     \
		int got_ = (got), want_ = (want);                                                \
		ck_assert_msg(got_ == want_, "%s: %s, not %s", #got, vsmtest_verdict_text(got_), \
			      vsmtest_verdict_text(want_));                                      \
	} while (0)

/** The entry asked for this exception, and RIP stayed at the trap. */
#define assert_exception(t, slot, verdict, want_vector)                               \
	do {                                                                          \
		struct vsm_exception exception_ = { 0 };                              \
		assert_verdict(verdict, VSM_VERDICT_EXCEPTION);                       \
		ck_assert_int_eq(vsm_vp_exception((t)->vp[slot].vp, &exception_), 0); \
		ck_assert_uint_eq(exception_.vector, want_vector);                    \
	} while (0)

#define assert_same(t, hash_before) \
	ck_assert_msg(vsmtest_hash(t) == (hash_before), "guest-visible state has changed")

#define assert_err(got, want)                                                        \
	do {                                                                         \
		int got_ = (got), want_ = (want);                                    \
		ck_assert_msg(got_ == want_, "%s: %d (%s), not %d (%s)", #got, got_, \
			      got_ ? vsm_strerror(got_) : "0", want_,                \
			      want_ ? vsm_strerror(want_) : "0");                    \
	} while (0)

#endif /* VSMTEST_H */
