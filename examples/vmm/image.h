/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VMM_IMAGE_H
#define VMM_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#define IMAGE_SEGMENTS_MAX 16u

/* One PT_LOAD segment: file bytes at a physical address, the rest of its memory is zero. */
struct image_segment {
	uint32_t gpa;
	uint32_t mem_size;
	uint32_t file_offset;
	uint32_t file_size;
};

/* A multiboot v1 image (ELF32, EM_386), checked against the RAM it will be copied to. */
struct image {
	uint8_t *file;
	size_t file_size;
	uint32_t entry;
	uint32_t entry64; /* the symbol start64, or 0 */
	uint32_t segment_count;
	struct image_segment segment[IMAGE_SEGMENTS_MAX];
};

/*
 * Reads and checks an image. On failure a message that names the file goes to stderr, -1 is
 * returned and there is nothing to free.
 */
int image_open(struct image *img, const char *path, uint64_t ram_size);

/* Copies the segments; image_open() has proved that they fit into the same ram_size. */
void image_load(const struct image *img, uint8_t *ram);

/* 1 if [gpa, gpa + size) touches a segment. */
int image_overlaps(const struct image *img, uint64_t gpa, uint64_t size);

void image_close(struct image *img);

#endif
