/* SPDX-License-Identifier: BSD-3-Clause */
/* The code that the guest calls (TLFS 3.13, 15.5.1.1). */
#ifndef VSM_HYPERCALL_PAGE_H
#define VSM_HYPERCALL_PAGE_H

#include <stdint.h>

/* Fill a page for a VSM_TRAP_* kind. */
void hypercall_page_fill(uint8_t *page, uint32_t trap_kind, uint32_t trap_port);

/* Value of VsmCodePageOffsets for a VTL in 64-bit (1) or 32-bit (0) mode. */
uint64_t hypercall_page_offsets(int long_mode);

#endif /* VSM_HYPERCALL_PAGE_H */
