/* SPDX-License-Identifier: BSD-3-Clause */
/* A radix tree of 64 ways with 8 bytes for each page, as kernels keep attributes of pages. */
#include <stdlib.h>

#include "rival.h"

#define WAYS   64u
#define LEVELS 4u /* 24 bits of page number */

struct node {
	union {
		struct node *child;
		uintptr_t value; /* mask + 1 */
	} slot[WAYS];
};

static void *radix_open(void)
{
	return calloc(1, sizeof(struct node));
}

static void node_free(struct node *node, uint32_t level)
{
	for (uint32_t i = 0; level > 1 && i < WAYS; i++) {
		if (node->slot[i].child != NULL)
			node_free(node->slot[i].child, level - 1);
	}
	free(node);
}

static void radix_close(void *map)
{
	node_free(map, LEVELS);
}

static int set_one(struct node *node, uint64_t page, uint32_t mask)
{
	for (uint32_t level = LEVELS - 1; level > 0; level--) {
		uint32_t i = (uint32_t)(page >> 6 * level) % WAYS;

		if (node->slot[i].child == NULL)
			node->slot[i].child = calloc(1, sizeof(*node));
		node = node->slot[i].child;
		if (node == NULL)
			return -1;
	}
	node->slot[page % WAYS].value = mask + 1;
	return 0;
}

static int radix_set(void *map, uint64_t page, uint64_t count, uint32_t mask)
{
	int r = 0;

	for (; count != 0 && r == 0; count--)
		r = set_one(map, page++, mask);
	return r;
}

static uint32_t radix_get(void *map, uint64_t page)
{
	const struct node *node = map;

	for (uint32_t level = LEVELS - 1; level > 0; level--) {
		node = node->slot[(page >> 6 * level) % WAYS].child;
		if (node == NULL)
			return 15;
	}
	return node->slot[page % WAYS].value != 0 ? (uint32_t)node->slot[page % WAYS].value - 1 :
						    15;
}

const struct rival rival_radix = { "radix", radix_open, radix_close, radix_set, radix_get, NULL };
