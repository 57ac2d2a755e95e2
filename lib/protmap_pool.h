/* SPDX-License-Identifier: BSD-3-Clause */
/* Slots for the leaves of a protection map: three sizes, recycled by size, never given back. */
#ifndef PROTMAP_POOL_H
#define PROTMAP_POOL_H

#include <stdatomic.h>
#include <stdint.h>

#define UNIT_BYTES 64u
#define UNIT_WORDS (UNIT_BYTES / 8)

#define POOL_SIZES 3u
#define POOL_UNITS_MAX \
	0xfffffff0u /* Units have 32-bit numbers, and one behind the last must exist. */

struct protmap_pool {
	_Atomic uint64_t *words; /* count units */
	uint32_t count;
	uint32_t fresh; /* No unit from here on was ever used. */
	uint32_t free[POOL_SIZES]; /* A chain for each size: number of the unit + 1; 0: none. */
	_Atomic uint64_t used; /* Bytes of leaves and regions in use. */
};

/* @param units 1, 4 or 8. 0: the pool is at its end. The contents are whatever they were. */
int pool_take(struct protmap_pool *pool, uint32_t units, uint32_t *unit);
void pool_give(struct protmap_pool *pool, uint32_t units, uint32_t unit);
/* All slots are free again. */
void pool_reset(struct protmap_pool *pool);
void pool_count(struct protmap_pool *pool, int64_t bytes);

static inline _Atomic uint64_t *pool_words(const struct protmap_pool *pool, uint32_t unit)
{
	return &pool->words[(uint64_t)unit * UNIT_WORDS];
}

#endif
