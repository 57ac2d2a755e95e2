/* SPDX-License-Identifier: BSD-3-Clause */
/* What all hosts tell in the same words. */
#ifndef VMM_REPORT_H
#define VMM_REPORT_H

#include <stdint.h>

#include <vsm/vsm.h>

#include "vmm.h"

/* How a guest ended; the status to exit with. */
int report_guest_exit(const struct vmm *vmm);
int report_guest_died(const char *how, uint32_t vtl, uint64_t rip);
int report_timeout(const struct vmm *vmm);

/* --probe: masks as in vsm_config.enforceable. */
void report_rights(uint32_t enforceable);

/* --stats: one line "stats: name=value ..." on stderr. -1: there is nothing to tell. */
int report_stats_begin(const char *host, const struct vsm *vsm);
void report_number(const char *name, uint64_t value);
void report_text(const char *name, const char *value);
void report_stats_end(void);

#endif
