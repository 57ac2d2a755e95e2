/* SPDX-License-Identifier: BSD-3-Clause */
#include "boot64.h"

#include <stdio.h>
#include <string.h>

#define PAGE_SIZE   4096u
#define LOW_END	    0xa0000u
#define HIGH_START  0x100000u
#define DIRECTORIES 4u /* 1 GiB each */
#define TABLES	    (2 + DIRECTORIES)
#define ENTRY_TABLE 0x27u /* present, writable, user, accessed */
#define ENTRY_2MIB  0xe7u /* the same, dirty, large */
#define ENTRY_BYTES 8u
#define ENTRIES	    512u
#define LARGE_PAGE  0x200000u

static void put_entry(uint8_t *table, uint32_t index, uint64_t value)
{
	for (uint32_t i = 0; i < ENTRY_BYTES; i++)
		table[index * ENTRY_BYTES + i] = (uint8_t)(value >> 8 * i);
}

static int is_free(const struct image *img, uint64_t gpa, uint32_t info)
{
	uint64_t size = TABLES * PAGE_SIZE;

	return !image_overlaps(img, gpa, size) && (info < gpa || info >= gpa + size);
}

static uint32_t find_room(uint64_t ram_size, const struct image *img, uint32_t info)
{
	uint64_t size = TABLES * PAGE_SIZE, gpa;

	for (gpa = PAGE_SIZE; gpa + size <= LOW_END; gpa += PAGE_SIZE) {
		if (is_free(img, gpa, info))
			return (uint32_t)gpa;
	}
	for (gpa = ram_size - size; gpa >= HIGH_START; gpa -= PAGE_SIZE) {
		if (is_free(img, gpa, info))
			return (uint32_t)gpa;
	}
	return 0;
}

int boot64_build(uint8_t *ram, uint64_t ram_size, const struct image *img, uint32_t info,
		 const char *name, uint32_t *cr3)
{
	uint32_t gpa = find_room(ram_size, img, info), i;
	uint8_t *p = ram + gpa;

	if (gpa == 0) {
		fprintf(stderr, "vsm-vmm: image '%s': leaves no %u pages free for page tables\n",
			name, TABLES);
		return -1;
	}
	memset(p, 0, TABLES * PAGE_SIZE);
	put_entry(p, 0, gpa + PAGE_SIZE + ENTRY_TABLE);
	for (i = 0; i < DIRECTORIES; i++)
		put_entry(p + PAGE_SIZE, i, gpa + (2 + i) * PAGE_SIZE + ENTRY_TABLE);
	for (i = 0; i < DIRECTORIES * ENTRIES; i++)
		put_entry(p + 2 * PAGE_SIZE, i, (uint64_t)i * LARGE_PAGE + ENTRY_2MIB);
	*cr3 = gpa;
	return 0;
}
