/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Saved state: what save.c, which writes it, and load.c, which reads it, share. doc/saved-state.md
 * has the layout, and says of each field of internal.h whether it is saved.
 */
#ifndef VSM_SAVE_PRIVATE_H
#define VSM_SAVE_PRIVATE_H

#include <vsm/save.h>

#include "internal.h"

#define SAVE_HEADER_BYTES  40u
#define SAVE_SECTION_BYTES 16u /* Head of a section: id (4), of (4), length (8). */
#define SAVE_TRAILER_BYTES 8u

extern const uint8_t save_magic[8];

/* Sections in the order in which they are written; VP and VP_VTL take turns. */
enum {
	SAVE_CONFIG = 1,
	SAVE_RAM = 2,
	SAVE_PARTITION = 3,
	SAVE_VTL = 4, /* of: each VTL */
	SAVE_MASKS = 5, /* of: each VTL above 0 */
	SAVE_VP = 6, /* of: each VP */
	SAVE_VP_VTL = 7, /* of: that VP; each VTL that is enabled on it */
	SAVE_LAST = SAVE_VP_VTL
};

/* Which parts a VP_VTL section has, in this order. */
#define SAVE_HAS_MESSAGE     0x1u
#define SAVE_HAS_CONTEXT     0x2u
/* An overlay page of the VP, by OVERLAY_*, if not all of it is zero. */
#define SAVE_HAS_PAGE(which) (0x4u << (which))
#define SAVE_HAS_ALL	     0x1fu

/* A run of pages to which a VTL has given rights: address and mask in one word. */
#define SAVE_RUN_BYTES 16u
#define SAVE_RUN_MASK  0xfu

/* Numbers of the library that are numbers of the layout. */
_Static_assert(STARTUP_NONE == 0 && STARTUP_WAITING == 1 && STARTUP_POSTED == 3, "VP section");

/* Overlays are numbered as they are placed: no guest ever gets here. */
#define SAVE_ORDER_MAX (1ULL << 62)

/* A word of the configuration: what the guest was told of the machine. */
struct save_word {
	uint64_t value;
	const char *name;
	uint32_t at_least; /* This machine may have more bits. */
};

#define SAVE_WORDS 23u

/*
 * What the header counts, so that rights which got lost on the way are missed: each page that a VTL
 * has set, each right that its mask lacks, and each right that a default mask in force lacks.
 */
static inline uint64_t save_lacks(uint64_t mask)
{
	uint64_t lacks = ~mask & HV_MAP_GPA_PERMISSIONS_MASK;

	return (lacks & 1) + (lacks >> 1 & 1) + (lacks >> 2 & 1) + (lacks >> 3 & 1);
}

static inline uint64_t save_mask_weight(uint32_t mask)
{
	return 1 + save_lacks(mask);
}

static inline uint64_t save_config_weight(uint64_t config)
{
	if ((config & HV_VSM_PARTITION_CONFIG_ENABLE_VTL_PROTECTION) == 0)
		return 0;
	return save_lacks(config >> HV_VSM_PARTITION_CONFIG_DEFAULT_VTL_PROTECTION_SHIFT);
}

/* The words as this partition has them, in the order in which they are saved. */
void save_config(const struct vsm *vsm, struct save_word words[SAVE_WORDS]);

/* RAM as the guest sees it: ascending, neighbours joined. Number of ranges. */
uint32_t save_ram(const struct vsm *vsm, struct vsm_range ranges[RAM_RANGES_MAX]);

/* Is the overlay page of this slot all zero? Such pages are not saved. */
int save_page_empty(const struct vsm *vsm, uint32_t vtl, uint32_t slot);

/* 0, or why the partition cannot be saved now. Nobody is in an entry. */
int save_settled(struct vsm *vsm);
/* Is the partition as it was created? Nobody is in an entry. */
int save_fresh(const struct vsm *vsm);

#endif /* VSM_SAVE_PRIVATE_H */
