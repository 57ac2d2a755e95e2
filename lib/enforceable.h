/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rights that the host can enforce, and who denies an access (TLFS 15.9).
 */
#ifndef VSM_ENFORCEABLE_H
#define VSM_ENFORCEABLE_H

#include "internal.h"

/* The mask that the host is given for these rights. */
uint32_t protect_host_rights(const struct vsm *vsm, uint32_t rights);
/* Is this a legal mask in the set of VTL `owner` (TLFS 15.9.2)? */
int protect_legal(const struct vsm *vsm, uint32_t owner, uint32_t mask);
/* May the guest ask for this legal mask there? */
int protect_accepted(const struct vsm *vsm, uint32_t owner, uint32_t mask);

/*
 * The VTL that forbids `vtl` an access to RAM, 0 if none does, or a negative error. Two sets can
 * meet in a mask that the host cannot enforce and makes stricter; then the lowest VTL that
 * restricts the page answers for it. Lock-free. Only gpa_judge() asks: all others ask that.
 */
int protect_denier(const struct vsm *vsm, uint32_t vtl, uint64_t gpa, uint32_t wanted);

#endif /* VSM_ENFORCEABLE_H */
