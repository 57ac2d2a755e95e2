/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory of the partition, and the life of its VPs. */
#ifndef VSM_PARTITION_PRIVATE_H
#define VSM_PARTITION_PRIVATE_H

#include "internal.h"

void *partition_alloc(struct vsm *vsm, size_t size);
void partition_free(struct vsm *vsm, void *ptr, size_t size);

/* What configures runs alone. 0 and a log line in the name of `who`: an op of it calls back. */
int configure_begin(struct vsm *vsm, const char *who);
void configure_end(struct vsm *vsm);

/* Is a VP in an entry, or a reset under way? */
int entries_running(const struct vsm *vsm);

void vp_free(struct vsm *vsm, struct vsm_vp *vp);
/* As created: VTL0 alone, nothing pending. */
void vp_reset(struct vsm_vp *vp);

#endif /* VSM_PARTITION_PRIVATE_H */
