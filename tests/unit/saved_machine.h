/* SPDX-License-Identifier: BSD-3-Clause */
/* Machines whose state is saved, and that move. */
#ifndef SAVED_MACHINE_H
#define SAVED_MACHINE_H

#include <stdlib.h>
#include <string.h>

#include "vsmtest.h"

#define VTL0 VSMTEST_VTL(0)
#define VTL1 VSMTEST_VTL(1)

#define R   HV_MAP_GPA_READABLE
#define RX  (R | HV_MAP_GPA_KERNEL_EXECUTABLE | HV_MAP_GPA_USER_EXECUTABLE)
#define RWX VSM_RIGHTS_ALL
#define CONFIG_ON \
	(HV_VSM_PARTITION_CONFIG_ENABLE_VTL_PROTECTION | 0xfull << 1) /* default mask: all */

static inline struct vsmtest *machine(uint32_t vps, uint32_t max_vtl, uint32_t host_flags,
				      uint32_t waiting)
{
	struct vsmtest_opts opts;

	vsmtest_opts_init(&opts);
	opts.vps = opts.config.max_vps = vps;
	opts.config.max_vtl = max_vtl;
	opts.config.host_flags |= host_flags;
	opts.waiting = waiting;
	return vsmtest_new(&opts);
}

/* It moves, and is the same there for its guest. */
static inline struct vsmtest *moved(struct vsmtest *t)
{
	uint64_t before = vsmtest_hash(t);

	t = vsmtest_move(t);
	assert_same(t, before);
	return t;
}

#endif /* SAVED_MACHINE_H */
