/* SPDX-License-Identifier: BSD-3-Clause */
/* The protection map beside a model of one byte a page (tests/unit/protmap_model.h). */
#include "protmap_model.h"

#include "fuzz.h"

#define STEPS_MAX 400u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* The first byte says how much memory there is for leaves. */
	static const uint64_t units[] = { 0, 24, 40, 120 };
	struct model model = { .data = data, .size = size };
	uint64_t max = units[model_byte(&model) % 4];

	model_open(&model, max != 0 ? 16384 + max * UNIT_BYTES : 0);
	while (!model_spent(&model) && model.ops < STEPS_MAX)
		model_step(&model);
	model_close(&model);
	return 0;
}
