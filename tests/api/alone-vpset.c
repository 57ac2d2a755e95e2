/* SPDX-License-Identifier: BSD-3-Clause */
/* A flush hypercall names its VPs: the example of vsm/vpset.h as a program that has nothing
 * else. */
#include <stdio.h>

#include <vsm/vpset.h>

#define VPS 130u

static uint32_t flushed[8];
static uint32_t flushes;

static int failed(const char *what)
{
	printf("alone-vpset: %s\n", what);
	return 1;
}

static void flush(uint32_t vp)
{
	if (flushes < sizeof(flushed) / sizeof(flushed[0]))
		flushed[flushes] = vp;
	flushes++;
}

static int example(void)
{
	const uint64_t block[] = { HV_GENERIC_SET_SPARSE_4K, 0x7, 0x2, 0x1, 0x6 };
	struct vsm_vpset set;
	int status;
	uint32_t vp;

	status = vsm_vpset_parse(block, sizeof(block), VSM_VPSET_ALLOW_ALL, VPS, &set);
	if (status != HV_STATUS_SUCCESS)
		return failed("a good set is refused");
	for (vp = vsm_vpset_next(&set, VPS, 0); vp < VPS; vp = vsm_vpset_next(&set, VPS, vp + 1))
		flush(vp);

	if (flushes != 3 || flushed[0] != 1 || flushed[1] != 64 || flushed[2] != 129)
		return failed("the walk met other VPs");
	if (vsm_vpset_count(&set, VPS) != 3 || vsm_vpset_contains(&set, VPS, 130))
		return failed("the absent VP counts");
	return 0;
}

static int refusals(void)
{
	const uint64_t block[] = { HV_GENERIC_SET_SPARSE_4K, 0x7, 0x2, 0x1, 0x6 };
	const uint64_t all[] = { HV_GENERIC_SET_ALL, 0 };
	struct vsm_vpset set;

	if (vsm_vpset_parse(block, sizeof(block) - 8, 0, VPS, &set) != HV_STATUS_INVALID_PARAMETER)
		return failed("a set with a bank too few passes");
	if (vsm_vpset_parse(block, sizeof(block), VSM_VPSET_REFUSE_ABSENT, VPS, &set) !=
	    HV_STATUS_INVALID_PARAMETER)
		return failed("an absent VP passes where it is an error");
	if (vsm_vpset_parse(all, sizeof(all), 0, VPS, &set) != HV_STATUS_INVALID_PARAMETER)
		return failed("all VPs pass where that is no format");
	if (vsm_vpset_from_mask(0, 0, VPS, &set) != HV_STATUS_SUCCESS || !vsm_vpset_empty(&set))
		return failed("an empty mask is not the empty set");
	return 0;
}

int main(void)
{
	if (example() != 0 || refusals() != 0)
		return 1;
	puts("alone-vpset: ok");
	return 0;
}
