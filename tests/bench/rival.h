/* SPDX-License-Identifier: BSD-3-Clause */
/* A structure that keeps a mask for each page: the protection map, or what else one could take. */
#ifndef RIVAL_H
#define RIVAL_H

#include <stdint.h>

#define RIVAL_PAGES (16u << 20) /* 64 GiB */

#ifdef __cplusplus
extern "C" {
#endif

struct rival {
	const char *name;
	void *(*open)(void); /* NULL: no memory */
	void (*close)(void *map);
	int (*set)(void *map, uint64_t page, uint64_t count, uint32_t mask); /* 0: done */
	uint32_t (*get)(void *map, uint64_t page); /* 15 for a page that was never set */
	uint64_t (*bytes)(void *map); /* NULL: what malloc() gave since open */
};

extern const struct rival rival_radix;
#ifdef HAVE_CPLUSPLUS
extern const struct rival rival_stdmap;
#endif
#ifdef HAVE_GLIB
extern const struct rival rival_gtree;
#endif

#ifdef __cplusplus
}
#endif

#endif
