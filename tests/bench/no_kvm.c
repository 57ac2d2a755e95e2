/* SPDX-License-Identifier: BSD-3-Clause */
/* In place of the KVM part, where libvsm-kvm was not built. */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

int bench_kvm(uint32_t repeat)
{
	(void)repeat;
	return bench_missing("kvm_*", "built without libvsm-kvm");
}

int bench_enforce(uint32_t repeat)
{
	(void)repeat;
	return bench_missing("enforce_*", "built without libvsm-kvm");
}

int bench_huge(uint32_t repeat)
{
	(void)repeat;
	return bench_missing("huge_*", "built without libvsm-kvm");
}

int bench_kvm_trips(uint32_t trips)
{
	fprintf(stderr, "bench-vsm: %u round trips: built without libvsm-kvm\n", trips);
	return EXIT_FAILURE;
}
