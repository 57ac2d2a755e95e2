/* SPDX-License-Identifier: BSD-3-Clause */
/* The thread that a VP belongs to, if the VMM wants that checked (VSM_CONFIG_CHECK_THREADS). */
#ifndef VSM_THREAD_H
#define VSM_THREAD_H

#include "internal.h"

/* May the calling thread enter? 0, or -VSM_ERR_MISUSE and a log line in the name of `who`. `self`
 * is set to its number, 0 if nothing is checked. Changes nothing. */
int thread_check(const struct vsm_vp *vp, const char *who, uint64_t *self);

/* The VP belongs to thread `self`, of thread_check(), from now on. The same results: another thread
 * may have been quicker. */
int thread_bind(struct vsm_vp *vp, const char *who, uint64_t self);

#endif /* VSM_THREAD_H */
