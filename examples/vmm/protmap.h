/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VMM_PROTMAP_H
#define VMM_PROTMAP_H

#include <vsm/vsm.h>

#include "vmm.h"

/* The file, so that one that cannot be written is known before the guest runs; 0 or a status. */
int protmap_open(struct vmm *vmm);
void protmap_close(struct vmm *vmm);

/*
 * --protmap: draws the rights of each VTL to the guest's pages as an SVG image: one row is 512
 * cells from left to right, addresses grow downwards; a cell is a page, or several in large
 * machines. 0, or a status to exit with after a message.
 */
int protmap_write(struct vmm *vmm, const struct vsm *vsm, uint32_t vtls);

#endif
