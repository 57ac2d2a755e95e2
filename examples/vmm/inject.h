/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * --inject-bug: a host that does one thing wrong. A guest that tests its machine must notice; a
 * test of the guest is that it does.
 */
#ifndef VMM_INJECT_H
#define VMM_INJECT_H

#include <vsm/vsm.h>

enum inject_bug {
	INJECT_NONE,
	INJECT_SKIP_ENFORCEMENT, /* every eighth change that takes rights away does nothing */
	INJECT_SHORT_LIST, /* the last range of a list is forgotten */
	INJECT_STUCK_OVERLAY, /* an overlay of VTL0 stays when it is lifted */
	INJECT_UNCHECKED_DMA, /* devices ask nobody */
	INJECT_LOST_START, /* a VP that the guest starts is not */
	INJECT_WRONG_ACCESS, /* faults: a read is told as a write */
	INJECT_WRONG_GPA, /* faults: 8 bytes further */
	INJECT_WRONG_RIP, /* faults: RIP is one byte further */
};

/* The bug of that name, or -1. `list` gets all names, with commas, if it is none. */
int inject_find(const char *name, const char **list);

/* Is this one made by the host's run loop, and not by inject_ops()? */
int inject_is_of_fault(enum inject_bug bug);

/* Puts itself before the ops. One machine in a process. */
void inject_ops(struct vsm_host_ops *ops, enum inject_bug bug);

/* Spoils a fault on its way to libvsm. */
void inject_fault(struct vsm_memory_fault *fault, uint64_t *rip, enum inject_bug bug);

#endif
