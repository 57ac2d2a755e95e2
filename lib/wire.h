/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers in saved objects: little-endian, whatever the alignment. */
#ifndef VSM_WIRE_H
#define VSM_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define WIRE_SUM_START 0xcbf29ce484222325ull
#define WIRE_SUM_PRIME 0x100000001b3ull

static inline void wire_put32(uint8_t *to, uint32_t value)
{
	for (unsigned int i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> (8 * i));
}

static inline void wire_put64(uint8_t *to, uint64_t value)
{
	wire_put32(to, (uint32_t)value);
	wire_put32(to + 4, (uint32_t)(value >> 32));
}

static inline uint32_t wire_get32(const uint8_t *from)
{
	return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
	       (uint32_t)from[3] << 24;
}

static inline uint64_t wire_get64(const uint8_t *from)
{
	return wire_get32(from) | (uint64_t)wire_get32(from + 4) << 32;
}

/*
 * Checksum of a multiple of 8 bytes, or of more of them behind those that gave `sum`. Each step is
 * a bijection, so that a change within 8 bytes never goes unseen.
 */
static inline uint64_t wire_sum(uint64_t sum, const uint8_t *bytes, size_t size)
{
	for (size_t at = 0; at < size; at += 8)
		sum = (sum ^ wire_get64(bytes + at)) * WIRE_SUM_PRIME;
	return sum;
}

#endif /* VSM_WIRE_H */
