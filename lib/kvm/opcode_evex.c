/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What EVEX-encoded instructions do to memory (SDM vol. 2A, 2.7; each instruction's tuple type and
 * class of exceptions in vol. 2B to 2D).
 *
 * Masks count where the class has fault suppression and each bit belongs to one element in memory.
 * Elsewhere all of the operand is accessed. Not here, and so unknown: the prefetches of AVX512PF,
 * and AVX512_4FMAPS and AVX512_4VNNIW.
 */
#include "insn.h"

#include <stddef.h>

#define NP 1u
#define P6 2u /* 66 */
#define F3 4u
#define F2 8u
#define W0 0x10u /* These alone: else W chooses nothing, or the size */
#define W1 0x20u

#define X VK_SIZE_VEX
#define H VK_SIZE_V2
#define Q VK_SIZE_V4
#define E VK_SIZE_V8
#define Y VK_SIZE_Y
#define B VK_SIZE_B
#define G VK_SIZE_GPR

#define BITS   VK_MASK_BITS
#define PACKED VK_MASK_PACKED
#define REPEAT VK_MASK_REPEAT
#define GATHER VK_MASK_GATHER
#define BCAST  0x10u /* EVEX.b may be set */
#define STORE  0x20u
#define IMM8   0x40u
#define BM     (BCAST | BITS)

/* Opcodes first..last. The first row that fits counts. */
struct row {
	uint8_t first, last;
	uint8_t when; /* Prefixes, and W0 or W1 */
	uint8_t size, element;
	uint8_t how; /* VK_MASK_*, BCAST, STORE, IMM8 */
};

/* clang-format off */
static const struct row map_1[] = {
	{ 0x10, 0x10, NP | P6, X, Y, BITS }, { 0x11, 0x11, NP | P6, X, Y, BITS | STORE },
	{ 0x10, 0x10, F3 | F2, Y, Y, BITS }, { 0x11, 0x11, F3 | F2, Y, Y, BITS | STORE },
	{ 0x12, 0x12, NP | P6, 8, 0, 0 }, { 0x12, 0x12, F3, X, 0, 0 }, { 0x12, 0x12, F2, VK_SIZE_DUP, 0, 0 },
	{ 0x13, 0x13, NP | P6, 8, 0, STORE }, { 0x14, 0x15, NP | P6, X, Y, BCAST },
	{ 0x16, 0x16, NP | P6, 8, 0, 0 }, { 0x16, 0x16, F3, X, 0, 0 }, { 0x17, 0x17, NP | P6, 8, 0, STORE },
	{ 0x28, 0x28, NP | P6, X, Y, BITS }, { 0x29, 0x29, NP | P6, X, Y, BITS | STORE },
	{ 0x2a, 0x2a, F3 | F2, G, 0, 0 }, { 0x2b, 0x2b, NP | P6, X, 0, STORE },
	{ 0x2c, 0x2d, F3, 4, 0, 0 }, { 0x2c, 0x2d, F2, 8, 0, 0 }, { 0x2e, 0x2f, NP | P6, Y, 0, 0 },
	{ 0x5a, 0x5a, NP, H, 4, BM }, { 0x5b, 0x5b, NP | P6 | F3, X, Y, BM },
	{ 0x51, 0x5f, NP | P6, X, Y, BM }, { 0x51, 0x5f, F3 | F2, Y, Y, BITS },
	{ 0x60, 0x61, P6, X, 0, 0 }, { 0x62, 0x62, P6, X, 4, BCAST }, { 0x63, 0x63, P6, X, 0, 0 },
	{ 0x64, 0x64, P6, X, 1, BITS }, { 0x65, 0x65, P6, X, 2, BITS }, { 0x66, 0x66, P6, X, 4, BM },
	{ 0x67, 0x69, P6, X, 0, 0 }, { 0x6a, 0x6b, P6, X, 4, BCAST }, { 0x6c, 0x6d, P6, X, 8, BCAST },
	{ 0x6e, 0x6e, P6, G, 0, 0 }, { 0x6f, 0x6f, P6 | F3, X, Y, BITS }, { 0x6f, 0x6f, F2, X, B, BITS },
	{ 0x70, 0x70, P6, X, 4, BCAST | IMM8 }, { 0x70, 0x70, F3 | F2, X, 0, IMM8 },
	{ 0x71, 0x71, P6, X, 2, BITS | IMM8 }, { 0x72, 0x72, P6, X, Y, BM | IMM8 },
	{ 0x73, 0x73, P6, X, 8, BM | IMM8 }, { 0x74, 0x74, P6, X, 1, BITS }, { 0x75, 0x75, P6, X, 2, BITS },
	{ 0x76, 0x76, P6, X, 4, BM }, { 0x78, 0x79, NP, X, Y, BM }, { 0x78, 0x7b, P6 | W0, H, 4, BM },
	{ 0x78, 0x7b, P6 | W1, X, 8, BM }, { 0x78, 0x79, F3, 4, 0, 0 }, { 0x78, 0x79, F2, 8, 0, 0 },
	{ 0x7a, 0x7a, F3 | W0, H, 4, BM }, { 0x7a, 0x7a, F3 | W1, X, 8, BM }, { 0x7a, 0x7a, F2, X, Y, BM },
	{ 0x7b, 0x7b, F3 | F2, G, 0, 0 }, { 0x7e, 0x7e, P6, G, 0, STORE }, { 0x7e, 0x7e, F3, 8, 0, 0 },
	{ 0x7f, 0x7f, P6 | F3, X, Y, BITS | STORE }, { 0x7f, 0x7f, F2, X, B, BITS | STORE },
	{ 0xc2, 0xc2, NP | P6, X, Y, BM | IMM8 }, { 0xc2, 0xc2, F3 | F2, Y, Y, BITS | IMM8 },
	{ 0xc4, 0xc4, P6, 2, 0, IMM8 }, { 0xc6, 0xc6, NP | P6, X, Y, BCAST | IMM8 },
	{ 0xd1, 0xd3, P6, 16, 0, 0 }, { 0xd4, 0xd4, P6, X, 8, BM }, { 0xd5, 0xd5, P6, X, 2, BITS },
	{ 0xd6, 0xd6, P6, 8, 0, STORE }, { 0xd8, 0xd8, P6, X, 1, BITS }, { 0xd9, 0xd9, P6, X, 2, BITS },
	{ 0xda, 0xda, P6, X, 1, BITS }, { 0xdb, 0xdb, P6, X, Y, BM }, { 0xdc, 0xdc, P6, X, 1, BITS },
	{ 0xdd, 0xdd, P6, X, 2, BITS }, { 0xde, 0xde, P6, X, 1, BITS }, { 0xdf, 0xdf, P6, X, Y, BM },
	{ 0xe0, 0xe0, P6, X, 1, BITS }, { 0xe1, 0xe2, P6, 16, 0, 0 }, { 0xe3, 0xe5, P6, X, 2, BITS },
	{ 0xe6, 0xe6, P6 | F2, X, 8, BM }, { 0xe6, 0xe6, F3 | W0, H, 4, BM }, { 0xe6, 0xe6, F3 | W1, X, 8, BM },
	{ 0xe7, 0xe7, P6, X, 0, STORE }, { 0xe8, 0xe8, P6, X, 1, BITS }, { 0xe9, 0xea, P6, X, 2, BITS },
	{ 0xeb, 0xeb, P6, X, Y, BM }, { 0xec, 0xec, P6, X, 1, BITS }, { 0xed, 0xee, P6, X, 2, BITS },
	{ 0xef, 0xef, P6, X, Y, BM }, { 0xf1, 0xf3, P6, 16, 0, 0 }, { 0xf4, 0xf4, P6, X, 8, BM },
	{ 0xf5, 0xf6, P6, X, 0, 0 }, { 0xf8, 0xf8, P6, X, 1, BITS }, { 0xf9, 0xf9, P6, X, 2, BITS },
	{ 0xfa, 0xfa, P6, X, 4, BM }, { 0xfb, 0xfb, P6, X, 8, BM }, { 0xfc, 0xfc, P6, X, 1, BITS },
	{ 0xfd, 0xfd, P6, X, 2, BITS }, { 0xfe, 0xfe, P6, X, 4, BM },
};

/* VPMOVSX and VPMOVZX load integers and make them larger, VPMOV and its saturating forms make them
 * smaller and store them: bytes beside 2, 4 and 8 bytes, words beside 4 and 8, doublewords beside
 * 8. */
#define RESIZING(opcode, prefix, stores) \
	{ (opcode), (opcode), prefix, H, 1, BITS | (stores) }, \
	{ (opcode) + 1, (opcode) + 1, prefix, Q, 1, BITS | (stores) }, \
	{ (opcode) + 2, (opcode) + 2, prefix, E, 1, BITS | (stores) }, \
	{ (opcode) + 3, (opcode) + 3, prefix, H, 2, BITS | (stores) }, \
	{ (opcode) + 4, (opcode) + 4, prefix, Q, 2, BITS | (stores) }, \
	{ (opcode) + 5, (opcode) + 5, prefix, H, 4, BITS | (stores) }
#define WIDENING(opcode) RESIZING(opcode, P6, 0)
#define NARROWING(opcode) RESIZING(opcode, F3, STORE)

static const struct row map_2[] = {
	{ 0x00, 0x00, P6, X, 0, 0 }, { 0x04, 0x04, P6, X, 0, 0 }, { 0x0b, 0x0b, P6, X, 2, BITS },
	{ 0x0c, 0x0c, P6, X, 4, BCAST }, { 0x0d, 0x0d, P6, X, 8, BCAST }, { 0x10, 0x12, P6, X, 2, BITS },
	{ 0x13, 0x13, P6, H, 2, BITS }, { 0x14, 0x15, P6, X, Y, BM }, { 0x16, 0x16, P6, X, Y, BCAST },
	NARROWING(0x10),
	{ 0x18, 0x18, P6, 4, 4, REPEAT }, { 0x19, 0x19, P6, 8, Y, REPEAT }, { 0x1a, 0x1a, P6, 16, Y, REPEAT },
	{ 0x1b, 0x1b, P6, 32, Y, REPEAT }, { 0x1c, 0x1c, P6, X, 1, BITS }, { 0x1d, 0x1d, P6, X, 2, BITS },
	{ 0x1e, 0x1e, P6, X, 4, BM }, { 0x1f, 0x1f, P6, X, 8, BM },
	WIDENING(0x20), NARROWING(0x20),
	{ 0x26, 0x26, P6 | F3, X, B, BITS }, { 0x27, 0x27, P6 | F3, X, Y, BM }, { 0x28, 0x29, P6, X, 8, BM },
	{ 0x2a, 0x2a, P6, X, 0, 0 }, { 0x2b, 0x2b, P6, X, 4, BCAST }, { 0x2c, 0x2c, P6, X, Y, BM },
	{ 0x2d, 0x2d, P6, Y, Y, BITS },
	WIDENING(0x30), NARROWING(0x30),
	{ 0x36, 0x36, P6, X, Y, BCAST }, { 0x37, 0x37, P6, X, 8, BM }, { 0x38, 0x38, P6, X, 1, BITS },
	{ 0x39, 0x39, P6, X, Y, BM }, { 0x3a, 0x3a, P6, X, 2, BITS }, { 0x3b, 0x3b, P6, X, Y, BM },
	{ 0x3c, 0x3c, P6, X, 1, BITS }, { 0x3d, 0x3d, P6, X, Y, BM }, { 0x3e, 0x3e, P6, X, 2, BITS },
	{ 0x3f, 0x40, P6, X, Y, BM }, { 0x42, 0x42, P6, X, Y, BM }, { 0x43, 0x43, P6, Y, Y, BITS },
	{ 0x44, 0x47, P6, X, Y, BM }, { 0x4c, 0x4c, P6, X, Y, BM }, { 0x4d, 0x4d, P6, Y, Y, BITS },
	{ 0x4e, 0x4e, P6, X, Y, BM }, { 0x4f, 0x4f, P6, Y, Y, BITS }, { 0x50, 0x53, P6, X, 4, BM },
	{ 0x52, 0x52, F3, X, 4, BM }, { 0x54, 0x54, P6, X, B, BITS }, { 0x55, 0x55, P6, X, Y, BM },
	{ 0x58, 0x58, P6, 4, 4, REPEAT }, { 0x59, 0x59, P6, 8, Y, REPEAT }, { 0x5a, 0x5a, P6, 16, Y, REPEAT },
	{ 0x5b, 0x5b, P6, 32, Y, REPEAT }, { 0x62, 0x62, P6, X, B, PACKED }, { 0x63, 0x63, P6, X, B, PACKED | STORE },
	{ 0x64, 0x65, P6, X, Y, BM }, { 0x66, 0x66, P6, X, B, BITS }, { 0x68, 0x68, F2, X, Y, BCAST },
	{ 0x70, 0x70, P6, X, 2, BITS }, { 0x71, 0x71, P6, X, Y, BM }, { 0x72, 0x72, P6, X, 2, BITS },
	{ 0x72, 0x72, F3, X, 4, BM }, { 0x72, 0x72, F2, X, 4, BCAST }, { 0x73, 0x73, P6, X, Y, BM },
	{ 0x75, 0x75, P6, X, 0, 0 }, { 0x76, 0x77, P6, X, Y, BCAST }, { 0x78, 0x78, P6, 1, 1, REPEAT },
	{ 0x79, 0x79, P6, 2, 2, REPEAT }, { 0x7d, 0x7d, P6, X, 0, 0 }, { 0x7e, 0x7f, P6, X, Y, BCAST },
	{ 0x83, 0x83, P6, X, 8, BCAST }, { 0x88, 0x89, P6, X, Y, PACKED }, { 0x8a, 0x8b, P6, X, Y, PACKED | STORE },
	{ 0x8d, 0x8d, P6, X, 0, 0 }, { 0x8f, 0x8f, P6, X, 1, BITS }, { 0x90, 0x93, P6, Y, Y, GATHER },
	{ 0x96, 0x98, P6, X, Y, BM }, { 0x99, 0x99, P6, Y, Y, BITS }, { 0x9a, 0x9a, P6, X, Y, BM },
	{ 0x9b, 0x9b, P6, Y, Y, BITS }, { 0x9c, 0x9c, P6, X, Y, BM }, { 0x9d, 0x9d, P6, Y, Y, BITS },
	{ 0x9e, 0x9e, P6, X, Y, BM }, { 0x9f, 0x9f, P6, Y, Y, BITS }, { 0xa0, 0xa3, P6, Y, Y, GATHER | STORE },
	{ 0xa6, 0xa8, P6, X, Y, BM }, { 0xa9, 0xa9, P6, Y, Y, BITS }, { 0xaa, 0xaa, P6, X, Y, BM },
	{ 0xab, 0xab, P6, Y, Y, BITS }, { 0xac, 0xac, P6, X, Y, BM }, { 0xad, 0xad, P6, Y, Y, BITS },
	{ 0xae, 0xae, P6, X, Y, BM }, { 0xaf, 0xaf, P6, Y, Y, BITS }, { 0xb4, 0xb5, P6, X, 8, BM },
	{ 0xb6, 0xb8, P6, X, Y, BM }, { 0xb9, 0xb9, P6, Y, Y, BITS }, { 0xba, 0xba, P6, X, Y, BM },
	{ 0xbb, 0xbb, P6, Y, Y, BITS }, { 0xbc, 0xbc, P6, X, Y, BM }, { 0xbd, 0xbd, P6, Y, Y, BITS },
	{ 0xbe, 0xbe, P6, X, Y, BM }, { 0xbf, 0xbf, P6, Y, Y, BITS }, { 0xc4, 0xc4, P6, X, Y, BCAST },
	{ 0xc8, 0xc8, P6, X, Y, BM }, { 0xca, 0xca, P6, X, Y, BM }, { 0xcb, 0xcb, P6, Y, Y, BITS },
	{ 0xcc, 0xcc, P6, X, Y, BM }, { 0xcd, 0xcd, P6, Y, Y, BITS }, { 0xcf, 0xcf, P6, X, 1, BITS },
	{ 0xdc, 0xdf, P6, X, 0, 0 },
};

/* An immediate byte follows all of them. */
static const struct row map_3[] = {
	{ 0x00, 0x01, P6, X, 8, BCAST }, { 0x03, 0x03, P6, X, Y, BCAST }, { 0x04, 0x04, P6, X, 4, BCAST },
	{ 0x05, 0x05, P6, X, 8, BCAST }, { 0x08, 0x08, NP, X, 2, BM }, { 0x08, 0x08, P6, X, 4, BM },
	{ 0x09, 0x09, P6, X, 8, BM }, { 0x0a, 0x0a, NP, 2, 2, BITS }, { 0x0a, 0x0a, P6, 4, 4, BITS },
	{ 0x0b, 0x0b, P6, 8, 8, BITS }, { 0x0f, 0x0f, P6, X, 0, 0 }, { 0x14, 0x14, P6, 1, 0, STORE },
	{ 0x15, 0x15, P6, 2, 0, STORE }, { 0x16, 0x16, P6, G, 0, STORE }, { 0x17, 0x17, P6, 4, 0, STORE },
	{ 0x18, 0x18, P6, 16, 0, 0 }, { 0x19, 0x19, P6, 16, 0, STORE }, { 0x1a, 0x1a, P6, 32, 0, 0 },
	{ 0x1b, 0x1b, P6, 32, 0, STORE }, { 0x1d, 0x1d, P6, H, 2, BITS | STORE }, { 0x1e, 0x1f, P6, X, Y, BM },
	{ 0x20, 0x20, P6, 1, 0, 0 }, { 0x21, 0x21, P6, 4, 0, 0 }, { 0x22, 0x22, P6, G, 0, 0 },
	{ 0x23, 0x23, P6, X, Y, BCAST }, { 0x25, 0x25, P6, X, Y, BM }, { 0x26, 0x26, NP, X, 2, BM },
	{ 0x26, 0x26, P6, X, Y, BM }, { 0x27, 0x27, NP, 2, 2, BITS }, { 0x27, 0x27, P6, Y, Y, BITS },
	{ 0x38, 0x38, P6, 16, 0, 0 }, { 0x39, 0x39, P6, 16, 0, STORE }, { 0x3a, 0x3a, P6, 32, 0, 0 },
	{ 0x3b, 0x3b, P6, 32, 0, STORE }, { 0x3e, 0x3f, P6, X, B, BITS }, { 0x42, 0x42, P6, X, 0, 0 },
	{ 0x43, 0x43, P6, X, Y, BCAST }, { 0x44, 0x44, P6, X, 0, 0 }, { 0x50, 0x50, P6, X, Y, BM },
	{ 0x51, 0x51, P6, Y, Y, BITS }, { 0x54, 0x54, P6, X, Y, BM }, { 0x55, 0x55, P6, Y, Y, BITS },
	{ 0x56, 0x56, NP, X, 2, BM }, { 0x56, 0x56, P6, X, Y, BM }, { 0x57, 0x57, NP, 2, 2, BITS },
	{ 0x57, 0x57, P6, Y, Y, BITS }, { 0x66, 0x66, NP, X, 2, BM }, { 0x66, 0x66, P6, X, Y, BM },
	{ 0x67, 0x67, NP, 2, 2, BITS }, { 0x67, 0x67, P6, Y, Y, BITS }, { 0x70, 0x70, P6, X, 2, BITS },
	{ 0x71, 0x71, P6, X, Y, BM }, { 0x72, 0x72, P6, X, 2, BITS }, { 0x73, 0x73, P6, X, Y, BM },
	{ 0xc2, 0xc2, NP, X, 2, BM }, { 0xc2, 0xc2, F3, 2, 2, BITS }, { 0xce, 0xcf, P6, X, 8, BCAST },
};

/* FP16. */
static const struct row map_5[] = {
	{ 0x10, 0x10, F3, 2, 2, BITS }, { 0x11, 0x11, F3, 2, 2, BITS | STORE }, { 0x1d, 0x1d, NP, 4, 4, BITS },
	{ 0x1d, 0x1d, P6, X, 4, BM }, { 0x2a, 0x2a, F3, G, 0, 0 }, { 0x2c, 0x2d, F3, 2, 0, 0 },
	{ 0x2e, 0x2f, NP, 2, 0, 0 }, { 0x5a, 0x5a, NP, Q, 2, BM }, { 0x5a, 0x5a, P6, X, 8, BM },
	{ 0x5a, 0x5a, F2, 8, 8, BITS }, { 0x5b, 0x5b, NP, X, Y, BM }, { 0x5b, 0x5b, P6 | F3, H, 2, BM },
	{ 0x51, 0x5f, NP, X, 2, BM }, { 0x51, 0x5f, F3, 2, 2, BITS }, { 0x6e, 0x6e, P6, 2, 0, 0 },
	{ 0x78, 0x79, NP, H, 2, BM }, { 0x78, 0x7b, P6, Q, 2, BM }, { 0x78, 0x79, F3, 2, 0, 0 },
	{ 0x7a, 0x7a, F2, X, Y, BM }, { 0x7b, 0x7b, F3, G, 0, 0 },
	{ 0x7c, 0x7d, NP | P6 | F3 | F2, X, 2, BM }, { 0x7e, 0x7e, P6, 2, 0, STORE },
};

static const struct row map_6[] = {
	{ 0x13, 0x13, NP, 2, 2, BITS }, { 0x13, 0x13, P6, H, 2, BM }, { 0x2c, 0x2c, P6, X, 2, BM },
	{ 0x2d, 0x2d, P6, 2, 2, BITS }, { 0x42, 0x42, P6, X, 2, BM }, { 0x43, 0x43, P6, 2, 2, BITS },
	{ 0x4c, 0x4c, P6, X, 2, BM }, { 0x4d, 0x4d, P6, 2, 2, BITS }, { 0x4e, 0x4e, P6, X, 2, BM },
	{ 0x4f, 0x4f, P6, 2, 2, BITS }, { 0x56, 0x56, F3 | F2, X, 4, BM }, { 0x57, 0x57, F3 | F2, 4, 4, BITS },
	{ 0xd6, 0xd6, F3 | F2, X, 4, BM }, { 0xd7, 0xd7, F3 | F2, 4, 4, BITS },
	{ 0x96, 0x98, P6, X, 2, BM }, { 0x99, 0x99, P6, 2, 2, BITS }, { 0x9a, 0x9a, P6, X, 2, BM },
	{ 0x9b, 0x9b, P6, 2, 2, BITS }, { 0x9c, 0x9c, P6, X, 2, BM }, { 0x9d, 0x9d, P6, 2, 2, BITS },
	{ 0x9e, 0x9e, P6, X, 2, BM }, { 0x9f, 0x9f, P6, 2, 2, BITS }, { 0xa6, 0xa8, P6, X, 2, BM },
	{ 0xa9, 0xa9, P6, 2, 2, BITS }, { 0xaa, 0xaa, P6, X, 2, BM }, { 0xab, 0xab, P6, 2, 2, BITS },
	{ 0xac, 0xac, P6, X, 2, BM }, { 0xad, 0xad, P6, 2, 2, BITS }, { 0xae, 0xae, P6, X, 2, BM },
	{ 0xaf, 0xaf, P6, 2, 2, BITS }, { 0xb6, 0xb8, P6, X, 2, BM }, { 0xb9, 0xb9, P6, 2, 2, BITS },
	{ 0xba, 0xba, P6, X, 2, BM }, { 0xbb, 0xbb, P6, 2, 2, BITS }, { 0xbc, 0xbc, P6, X, 2, BM },
	{ 0xbd, 0xbd, P6, 2, 2, BITS }, { 0xbe, 0xbe, P6, X, 2, BM }, { 0xbf, 0xbf, P6, 2, 2, BITS },
};
/* clang-format on */

#define MAP(rows)                                    \
	{                                            \
		rows, sizeof(rows) / sizeof(rows[0]) \
	}

static const struct map {
	const struct row *rows;
	size_t count;
} maps[8] = {
	[1] = MAP(map_1), [2] = MAP(map_2), [3] = MAP(map_3), [5] = MAP(map_5), [6] = MAP(map_6),
};

static int fits(const struct row *r, const struct vk_opcode_key *key)
{
	uint32_t w = r->when & (W0 | W1);
	uint32_t pp = key->pp == 0x66 ? P6 : key->pp == 0xf3 ? F3 : key->pp == 0xf2 ? F2 : NP;

	return key->opcode >= r->first && key->opcode <= r->last && (r->when & pp) != 0 &&
	       (w == 0 || w == (key->wide ? W1 : W0));
}

int kvm_opcode_evex(const struct vk_opcode_key *key, struct vk_opcode *out)
{
	const struct map *map = &maps[key->map & 7u];

	for (size_t i = 0; i < map->count; i++) {
		const struct row *r = &map->rows[i];

		if (!fits(r, key))
			continue;
		*out = (struct vk_opcode){
			.access = (r->how & STORE) ? VK_WRITE : VK_READ,
			.modrm = 1,
			.size = r->size,
			.immediate = (r->how & IMM8) || key->map == 3,
			.mask = r->how & 0x0f,
			.element = r->element,
			.broadcasts = (r->how & BCAST) != 0,
		};
		return 0;
	}
	return -1;
}
