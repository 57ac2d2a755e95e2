/* SPDX-License-Identifier: BSD-3-Clause */
/* Mode-based execute control: KX and UX of a page may differ (TLFS 15.5.2, 15.9.2). */
#ifndef VSM_MBEC_H
#define VSM_MBEC_H

#include "internal.h"

/* Was this VTL enabled with EnableMbec? Its masks may then differ in KX and UX. */
int mbec_given(const struct vsm *vsm, uint32_t vtl);
/* VsmPartitionStatus.MbecEnabledVtlSet: such VTLs, and the enabled ones below each. */
uint32_t mbec_enabled_set(const struct vsm *vsm);
/* VsmCapabilities.MbecVtlMask: the VTLs that a higher one can restrict by mode. */
uint32_t mbec_vtl_mask(const struct vsm *vsm);

/* The right that an instruction fetch needs, HV_MAP_GPA_*; arguments as gpa_judge(). */
uint32_t mbec_execute_right(const struct vsm *vsm, uint32_t vp, uint32_t vtl, uint32_t access);

/* VsmVpSecureConfigVtlN of a VP, with its owner: statuses (TLFS 15.5.1). */
int mbec_secure_config_get(const struct vsm_vp *target, uint32_t owner, uint64_t *value);
int mbec_secure_config_set(const struct vsm_vp *target, uint32_t owner, uint64_t value);

#endif /* VSM_MBEC_H */
