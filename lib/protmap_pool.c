/* SPDX-License-Identifier: BSD-3-Clause */
#include "protmap_pool.h"

/* Index of a size: 1, 4, 8 units. */
static uint32_t size_of(uint32_t units)
{
	return units / 4;
}

void pool_count(struct protmap_pool *pool, int64_t bytes)
{
	/* One writer: no locked instruction needed. */
	uint64_t used = atomic_load_explicit(&pool->used, memory_order_relaxed);

	atomic_store_explicit(&pool->used, used + (uint64_t)bytes, memory_order_relaxed);
}

int pool_take(struct protmap_pool *pool, uint32_t units, uint32_t *unit)
{
	uint32_t *chain = &pool->free[size_of(units)];

	if (*chain) {
		*unit = *chain - 1;
		*chain = (uint32_t)atomic_load_explicit(pool_words(pool, *unit),
							memory_order_relaxed);
	} else {
		if (units > pool->count - pool->fresh)
			return 0;
		*unit = pool->fresh;
		pool->fresh += units;
	}
	pool_count(pool, (int64_t)units * UNIT_BYTES);
	return 1;
}

void pool_give(struct protmap_pool *pool, uint32_t units, uint32_t unit)
{
	uint32_t *chain = &pool->free[size_of(units)];

	/* Released, like all that is written to a slot: a reader that finds this in a leaf finds a
	 * new sequence number of its block as well. */
	atomic_store_explicit(pool_words(pool, unit), *chain, memory_order_release);
	*chain = unit + 1;
	pool_count(pool, -(int64_t)units * UNIT_BYTES);
}

void pool_reset(struct protmap_pool *pool)
{
	uint32_t i;

	pool->fresh = 0;
	for (i = 0; i < POOL_SIZES; i++)
		pool->free[i] = 0;
	atomic_store_explicit(&pool->used, 0, memory_order_relaxed);
}
