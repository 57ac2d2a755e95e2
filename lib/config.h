/* SPDX-License-Identifier: BSD-3-Clause */
/* Judging what the VMM gives to vsm_partition_create(). */
#ifndef VSM_CONFIG_H
#define VSM_CONFIG_H

#include "internal.h"

/* 0, or the error with a log line that names the field. */
int config_check(struct vsm *vsm);
int config_check_ops(struct vsm *vsm);

#endif /* VSM_CONFIG_H */
