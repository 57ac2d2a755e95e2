/* SPDX-License-Identifier: BSD-3-Clause */
#include "multiboot.h"

#include <stdio.h>
#include <string.h>

/* Multiboot specification 0.6.96, 3.3: flags and offsets of the information structure. */
#define INFO_MEMORY	 0x01u
#define INFO_CMDLINE	 0x04u
#define INFO_MMAP	 0x40u
#define INFO_LOADER_NAME 0x200u

#define AT_FLAGS       0u
#define AT_MEM_LOWER   4u
#define AT_MEM_UPPER   8u
#define AT_CMDLINE     16u
#define AT_MMAP_LENGTH 44u
#define AT_MMAP_ADDR   48u
#define AT_LOADER_NAME 64u
#define INFO_SIZE      120u

#define MMAP_ENTRY_SIZE 24u
#define MMAP_ENTRIES	2u
#define MMAP_AVAILABLE	1u

/* How the block is laid out behind its start. */
#define BLOCK_MMAP    128u
#define BLOCK_NAME    192u
#define BLOCK_CMDLINE 256u
#define BLOCK_SIZE    (BLOCK_CMDLINE + MULTIBOOT_CMDLINE_MAX)

#define PAGE_SIZE  4096u
#define LOW_END	   0xa0000u
#define HIGH_START 0x100000u

_Static_assert(BLOCK_MMAP + MMAP_ENTRIES * MMAP_ENTRY_SIZE <= BLOCK_NAME, "mmap fits");
_Static_assert(BLOCK_SIZE <= PAGE_SIZE, "one page holds all");

static void put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

static void put_mmap(uint8_t *p, uint64_t base, uint64_t end)
{
	uint64_t len = end - base;

	/* The size field does not count itself. */
	put32(p, MMAP_ENTRY_SIZE - 4);
	put32(p + 4, (uint32_t)base);
	put32(p + 8, (uint32_t)(base >> 32));
	put32(p + 12, (uint32_t)len);
	put32(p + 16, (uint32_t)(len >> 32));
	put32(p + 20, MMAP_AVAILABLE);
}

/* A free page below the legacy hole, else the highest free one: never page 0. */
static uint32_t find_page(uint64_t ram_size, const struct image *img)
{
	uint64_t gpa;

	for (gpa = PAGE_SIZE; gpa < LOW_END; gpa += PAGE_SIZE) {
		if (!image_overlaps(img, gpa, PAGE_SIZE))
			return (uint32_t)gpa;
	}
	for (gpa = ram_size - PAGE_SIZE; gpa >= HIGH_START; gpa -= PAGE_SIZE) {
		if (!image_overlaps(img, gpa, PAGE_SIZE))
			return (uint32_t)gpa;
	}
	return 0;
}

static int append(char *line, size_t *used, const char *word)
{
	size_t len = strlen(word);

	if (len + 2 > MULTIBOOT_CMDLINE_MAX - *used) {
		fprintf(stderr,
			"vsm-vmm: ARGS: the command line for the guest is longer than %u "
			"bytes at '%.32s'\n",
			MULTIBOOT_CMDLINE_MAX, word);
		return -1;
	}
	if (*used > 0)
		line[(*used)++] = ' ';
	memcpy(line + *used, word, len + 1);
	*used += len;
	return 0;
}

static int build_cmdline(char *line, const char *name, char *const *args)
{
	size_t used = 0;

	if (append(line, &used, name) < 0)
		return -1;
	for (; *args; args++) {
		if (append(line, &used, *args) < 0)
			return -1;
	}
	return 0;
}

int multiboot_build(uint8_t *ram, uint64_t ram_size, const struct image *img, const char *name,
		    char *const *args, uint32_t *info_gpa)
{
	static const char loader[] = "vsm-vmm";
	char line[MULTIBOOT_CMDLINE_MAX] = { 0 };
	uint32_t gpa = find_page(ram_size, img);
	uint8_t *p;

	if (gpa == 0) {
		fprintf(stderr,
			"vsm-vmm: image '%s': leaves no page free for the multiboot "
			"information (--memory)\n",
			name);
		return -1;
	}
	if (build_cmdline(line, name, args) < 0)
		return -1;
	p = ram + gpa;
	memset(p, 0, PAGE_SIZE);
	put32(p + AT_FLAGS, INFO_MEMORY | INFO_CMDLINE | INFO_MMAP | INFO_LOADER_NAME);
	put32(p + AT_MEM_LOWER, LOW_END / 1024);
	put32(p + AT_MEM_UPPER, (uint32_t)((ram_size - HIGH_START) / 1024));
	put32(p + AT_CMDLINE, gpa + BLOCK_CMDLINE);
	put32(p + AT_MMAP_LENGTH, MMAP_ENTRIES * MMAP_ENTRY_SIZE);
	put32(p + AT_MMAP_ADDR, gpa + BLOCK_MMAP);
	put32(p + AT_LOADER_NAME, gpa + BLOCK_NAME);
	put_mmap(p + BLOCK_MMAP, 0, LOW_END);
	put_mmap(p + BLOCK_MMAP + MMAP_ENTRY_SIZE, HIGH_START, ram_size);
	memcpy(p + BLOCK_NAME, loader, sizeof(loader));
	memcpy(p + BLOCK_CMDLINE, line, sizeof(line));
	*info_gpa = gpa;
	return 0;
}
