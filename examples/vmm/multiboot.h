/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VMM_MULTIBOOT_H
#define VMM_MULTIBOOT_H

#include <stdint.h>

#include "image.h"

/* In EAX at the entry of a multiboot image. */
#define MULTIBOOT_MAGIC 0x2badb002u

/* Largest command line, the final NUL included. */
#define MULTIBOOT_CMDLINE_MAX 2048u

/*
 * Builds the multiboot information for a loaded image in its RAM, outside of page 0 and of every
 * segment. On success *info_gpa is what EBX holds at the entry; else a message that names the
 * argument goes to stderr, -1 is returned and the RAM is as it was.
 */
int multiboot_build(uint8_t *ram, uint64_t ram_size, const struct image *img, const char *name,
		    char *const *args, uint32_t *info_gpa);

#endif
