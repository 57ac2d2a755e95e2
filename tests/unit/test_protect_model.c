/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ModifyVtlProtectionMask beside the model: cases 25 to 27, with failures of the host at any range.
 * The fuzzer of tests/fuzz does the same from other bytes.
 */
#include <stdio.h>

#include "protect_model.h"

#define MACHINES_ALL   400u
#define MACHINES_SHORT (MACHINES_ALL / 20)
#define CALLS	       100u

START_TEST(random_lists_do_what_the_model_does)
{
	uint32_t machines = getenv("VSM_TEST_ALL") ? MACHINES_ALL : MACHINES_SHORT;
	struct protect_model pm = { .source = { .seed = 0x9e3779b97f4a7c15ull } };

	for (uint32_t i = 0; i < machines; i++) {
		pm_open(&pm);
		for (uint32_t call = 0; call < CALLS; call++)
			pm_step(&pm);
		pm_close(&pm);
	}
	printf("# %u machines, %llu calls: %llu done, %llu refused, in %llu the host failed, %llu of "
	       "these in part\n",
	       machines, (unsigned long long)pm.calls, (unsigned long long)pm.done,
	       (unsigned long long)pm.refused, (unsigned long long)pm.failed,
	       (unsigned long long)pm.partial);
	/* Each outcome is a real part of it. */
	ck_assert_uint_gt(pm.done, pm.calls / 4);
	ck_assert_uint_gt(pm.failed, pm.calls / 20);
	ck_assert_uint_gt(pm.partial, pm.calls / 100);
	ck_assert_uint_gt(pm.refused, pm.failed + pm.calls / 20);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(random_lists_do_what_the_model_does),
};

int main(void)
{
	return vsmtest_main("protect_model", cases, VSMTEST_COUNT(cases));
}
