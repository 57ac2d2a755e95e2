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

/* Nobody enters from now on, also no op of what is done meanwhile. 0 and a log line in the name of
 * `who`: the partition is not realised, or somebody is in an entry. */
int partition_stop(struct vsm *vsm, const char *who);
void partition_go(struct vsm *vsm);

/* PendingEvent0 was meant for a guest that is no more: the host forgets it. 0 or -VSM_ERR_HOST. */
int partition_events_take_back(struct vsm *vsm);
/* As at power-on, but for the protection map and overlays; no op is called. */
void partition_forget(struct vsm *vsm);
/* Wholly so; RAM is zeroed if that is owed. 0 or -VSM_ERR_HOST. */
int partition_power_on(struct vsm *vsm);

void vp_free(struct vsm *vsm, struct vsm_vp *vp);
/* As created: VTL0 alone, nothing pending. */
void vp_reset(struct vsm_vp *vp);

#endif /* VSM_PARTITION_PRIVATE_H */
