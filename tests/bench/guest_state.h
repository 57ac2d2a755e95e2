/* SPDX-License-Identifier: BSD-3-Clause */
/* The state that every guest of the measurements is in: a kernel in 64-bit mode. */
#ifndef GUEST_STATE_H
#define GUEST_STATE_H

#include <vsm/hv.h>

/** @param cr3 of page tables, 4 levels. */
void guest_state_init(struct hv_initial_vp_context *c, uint64_t rip, uint64_t cr3);

/** Input of EnablePartitionVtl for VTL1. */
void guest_enable_partition(struct hv_input_enable_partition_vtl *in);

/** Input of EnableVpVtl for VTL1 of the caller's VP, up to the context. */
void guest_enable_vp(struct hv_input_enable_vp_vtl *in);

#endif
