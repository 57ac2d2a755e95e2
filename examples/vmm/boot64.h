/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VMM_BOOT64_H
#define VMM_BOOT64_H

#include <stdint.h>

#include "image.h"

/*
 * The entry of images on hosts that only run 64-bit code, at the symbol start64: EAX and EBX as at
 * the multiboot entry, flat 64-bit segments (CS 0x10, others 0x18, without a GDT behind them),
 * lower 4 GiB mapped one to one, no interrupts, no stack.
 */
#define BOOT64_CR0  0x80010033u /* PG WP NE ET MP PE */
#define BOOT64_CR4  0x620u /* PAE OSFXSR OSXMMEXCPT */
#define BOOT64_EFER 0x500u /* LMA LME */

/*
 * Builds the page tables in free RAM, away from the image, page 0 and the page at `info`. On
 * success *cr3 is the root; else a message goes to stderr and -1 is returned.
 */
int boot64_build(uint8_t *ram, uint64_t ram_size, const struct image *img, uint32_t info,
		 const char *name, uint32_t *cr3);

#endif
