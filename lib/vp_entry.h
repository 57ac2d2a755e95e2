/* SPDX-License-Identifier: BSD-3-Clause */
/* Entries on a VP's thread that are not in vp_entry.c. */
#ifndef VSM_VP_ENTRY_H
#define VSM_VP_ENTRY_H

#include "internal.h"

/* 0, or -VSM_ERR_MISUSE: the VP is in another entry, or blocked. `who` is for the log line. */
int entry_begin(struct vsm_vp *vp, const char *who);
/* Gives `result` back. */
int entry_end(struct vsm_vp *vp, int result);

#endif /* VSM_VP_ENTRY_H */
