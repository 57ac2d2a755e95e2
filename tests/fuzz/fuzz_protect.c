/* SPDX-License-Identifier: BSD-3-Clause */
/* ModifyVtlProtectionMask on the fake host beside the model (tests/unit/protect_model.h). */
#include "protect_model.h"

#include "fuzz.h"

#define CALLS_MAX 40u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct protect_model pm = { .source = { .data = data, .size = size } };

	pm_open(&pm);
	while (!model_spent(&pm.source) && pm.source.ops < CALLS_MAX)
		pm_step(&pm);
	pm_close(&pm);
	return 0;
}
