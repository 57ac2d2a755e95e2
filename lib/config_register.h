/* SPDX-License-Identifier: BSD-3-Clause */
/* HvRegisterVsmPartitionConfig (TLFS 15.5.1.2) */
#ifndef VSM_CONFIG_REGISTER_H
#define VSM_CONFIG_REGISTER_H

#include "internal.h"

/* Value when the VTL is enabled for the partition. */
#define CONFIG_INITIAL                                  \
	(HV_VSM_PARTITION_CONFIG_ZERO_MEMORY_ON_RESET | \
	 HV_VSM_PARTITION_CONFIG_DEFAULT_VTL_PROTECTION_MASK)

/* Can a VTL that is enabled for the partition, with or without EnableMbec, have this value? */
int config_register_legal(const struct vsm *vsm, uint32_t vtl, uint64_t value, int mbec);
/* The protection map gets default mask and switch of a VTL as its register says. */
void config_register_load(const struct vsm *vsm, uint32_t vtl);

/* Status, R_BLOCKED, R_BUSY or an error. */
int config_register_set(struct vsm_vp *vp, uint32_t vtl, uint64_t value);

#endif /* VSM_CONFIG_REGISTER_H */
