/* SPDX-License-Identifier: BSD-3-Clause */
/* Handlers of hypercalls, one file per family, and what they share. */
#ifndef VSM_HC_H
#define VSM_HC_H

#include "internal.h"

/*
 * A handler looks at vp->hc.in (the copy of the input block), writes vp->hc.out, counts vp->hc.done
 * and returns a status, an R_ value or an error.
 */
int hc_modify_vtl_protection_mask(struct vsm_vp *vp);
int hc_enable_partition_vtl(struct vsm_vp *vp);
int hc_enable_vp_vtl(struct vsm_vp *vp);
int hc_start_virtual_processor(struct vsm_vp *vp);
int hc_get_vp_registers(struct vsm_vp *vp);
int hc_set_vp_registers(struct vsm_vp *vp);
int hc_notify_long_spin_wait(struct vsm_vp *vp);
int hc_get_vp_index_from_apic_id(struct vsm_vp *vp);

/* Is this the caller's own partition (TLFS 2.2)? */
int hc_own_partition(const struct vsm_vp *vp, uint64_t id);
/* Are these bytes all zero? */
int hc_zero(const uint8_t *bytes, uint32_t count);
/* HV_INPUT_VTL to a number; 0 if its reserved bits are set (TLFS 15.3.1). */
int hc_input_vtl(const struct vsm_vp *vp, uint8_t input, uint32_t *vtl);
/* VP of an index, SELF included; NULL if there is none. */
struct vsm_vp *hc_vp(struct vsm_vp *vp, uint32_t index);
/* Elements that this entry may work on, from `done` to the end of the list. */
uint32_t hc_budget_end(const struct vsm_vp *vp);

#endif /* VSM_HC_H */
