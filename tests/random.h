/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers that look random and are the same in each run: xorshift, of Marsaglia. */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdint.h>

/* @param seed not 0. */
static inline uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

#endif /* RANDOM_H */
