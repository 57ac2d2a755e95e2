/* SPDX-License-Identifier: BSD-3-Clause */
/* Registers that libvsm itself keeps: one getter and setter each, for MSR exits and hypercalls. */
#ifndef VSM_VREG_H
#define VSM_VREG_H

#include "internal.h"

/* Which register of whom. */
struct vreg {
	struct vsm_vp *vp; /* Whose thread this is. */
	struct vsm_vp *target; /* Whose register. */
	uint32_t vtl; /* Which VTL's. */
	uint32_t name;
};

/* HV status, or R_BLOCKED, R_BUSY (set only), or an error. */
int vreg_get(const struct vreg *reg, struct hv_register_value *value);
int vreg_set(const struct vreg *reg, const struct hv_register_value *value);

/* PendingEvent0 (TLFS 7.8.2): may a guest write it, and tell the host of it. */
int vreg_event_legal(const struct hv_register_value *value);
int vreg_event_inject(struct vsm_vp *vp, uint32_t vtl, const struct hv_register_value *value);

/* May a guest write it into SINT0? Its reserved bits are judged elsewhere. */
int vreg_sint_legal(uint64_t sint);

#endif /* VSM_VREG_H */
