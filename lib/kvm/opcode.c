/* SPDX-License-Identifier: BSD-3-Clause */
/* What opcodes do to memory (SDM vol. 2D, app. A). */
#include "insn.h"

#include <stddef.h>

#define R  VK_READ
#define W  VK_WRITE
#define RW (VK_READ | VK_WRITE)
#define V  VK_SIZE_V
#define S  VK_SIZE_STACK
#define X  VK_SIZE_VEX
#define Y  VK_SIZE_Y
#define G  VK_SIZE_GPR
#define H  VK_SIZE_V2
#define Q  VK_SIZE_V4
#define Z  VK_IMM_Z
#define J  VK_IMM_J
#define M  1u /* has ModR/M */

#define PP_NONE 1u
#define PP_66	2u
#define PP_F3	4u
#define PP_F2	8u
#define PP_ANY	15u
#define REG_ANY 0xffu

/* Opcodes first..last of a map. The first row that fits counts. */
struct row {
	uint8_t first, last;
	uint8_t regs; /* Bit n: ModR/M.reg n */
	uint8_t pp; /* PP_* */
	struct vk_opcode is;
};

/* What is left out is 0. */
#define IS(access, modrm, size, immediate, implicit, mask, element, ...)   \
	{                                                                  \
		access, modrm, size, immediate, implicit, mask, element, 0 \
	}
#define SOME(first, last, regs, pp, ...)                                    \
	{                                                                   \
		first, last, regs, pp, IS(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0) \
	}
#define ROW(first, last, ...)	  SOME(first, last, REG_ANY, PP_ANY, __VA_ARGS__)
#define REG(opcode, regs, ...)	  SOME(opcode, opcode, regs, PP_ANY, __VA_ARGS__)
#define PRE(first, last, pp, ...) SOME(first, last, REG_ANY, pp, __VA_ARGS__)

/* clang-format off */
/* access, ModR/M, size, immediate, implicit */
static const struct row one_byte[] = {
	ROW(0x06, 0x06, 0, 0, S, 0, VK_IMPLICIT_PUSH), ROW(0x0e, 0x0e, 0, 0, S, 0, VK_IMPLICIT_PUSH),
	ROW(0x16, 0x16, 0, 0, S, 0, VK_IMPLICIT_PUSH), ROW(0x1e, 0x1e, 0, 0, S, 0, VK_IMPLICIT_PUSH),
	ROW(0x07, 0x07, 0, 0, S, 0, VK_IMPLICIT_POP), ROW(0x17, 0x17, 0, 0, S, 0, VK_IMPLICIT_POP),
	ROW(0x1f, 0x1f, 0, 0, S, 0, VK_IMPLICIT_POP),
	ROW(0x27, 0x27, 0), ROW(0x2f, 0x2f, 0), ROW(0x37, 0x37, 0), ROW(0x3f, 0x3f, 0),
	ROW(0x40, 0x4f, 0),
	ROW(0x50, 0x57, 0, 0, S, 0, VK_IMPLICIT_PUSH), ROW(0x58, 0x5f, 0, 0, S, 0, VK_IMPLICIT_POP),
	ROW(0x60, 0x60, 0, 0, S, 0, VK_IMPLICIT_PUSHA), ROW(0x61, 0x61, 0, 0, S, 0, VK_IMPLICIT_POPA),
	ROW(0x62, 0x62, R, M, 8), ROW(0x63, 0x63, R, M, 4),
	ROW(0x68, 0x68, 0, 0, S, Z, VK_IMPLICIT_PUSH), ROW(0x69, 0x69, R, M, V, Z),
	ROW(0x6a, 0x6a, 0, 0, S, 1, VK_IMPLICIT_PUSH), ROW(0x6b, 0x6b, R, M, V, 1),
	ROW(0x6c, 0x6c, 0, 0, 1, 0, VK_IMPLICIT_DI_W), ROW(0x6d, 0x6d, 0, 0, V, 0, VK_IMPLICIT_DI_W),
	ROW(0x6e, 0x6e, 0, 0, 1, 0, VK_IMPLICIT_SI), ROW(0x6f, 0x6f, 0, 0, V, 0, VK_IMPLICIT_SI),
	ROW(0x70, 0x7f, 0, 0, 0, 1),
	REG(0x80, 0x80, R, M, 1, 1), REG(0x80, 0x7f, RW, M, 1, 1),
	REG(0x81, 0x80, R, M, V, Z), REG(0x81, 0x7f, RW, M, V, Z),
	REG(0x82, 0x80, R, M, 1, 1), REG(0x82, 0x7f, RW, M, 1, 1),
	REG(0x83, 0x80, R, M, V, 1), REG(0x83, 0x7f, RW, M, V, 1),
	ROW(0x84, 0x84, R, M, 1), ROW(0x85, 0x85, R, M, V),
	ROW(0x86, 0x86, RW, M, 1), ROW(0x87, 0x87, RW, M, V),
	ROW(0x88, 0x88, W, M, 1), ROW(0x89, 0x89, W, M, V),
	ROW(0x8a, 0x8a, R, M, 1), ROW(0x8b, 0x8b, R, M, V),
	ROW(0x8c, 0x8c, W, M, 2), ROW(0x8d, 0x8d, 0, M), ROW(0x8e, 0x8e, R, M, 2),
	ROW(0x8f, 0x8f, W, M, S, 0, VK_IMPLICIT_POP),
	ROW(0x90, 0x99, 0), ROW(0x9a, 0x9a, 0, 0, S, VK_IMM_FAR, VK_IMPLICIT_PUSH), ROW(0x9b, 0x9b, 0),
	ROW(0x9c, 0x9c, 0, 0, S, 0, VK_IMPLICIT_PUSH), ROW(0x9d, 0x9d, 0, 0, S, 0, VK_IMPLICIT_POP),
	ROW(0x9e, 0x9f, 0),
	ROW(0xa0, 0xa0, R, 0, 1, VK_IMM_MOFFS, VK_IMPLICIT_OFFS),
	ROW(0xa1, 0xa1, R, 0, V, VK_IMM_MOFFS, VK_IMPLICIT_OFFS),
	ROW(0xa2, 0xa2, W, 0, 1, VK_IMM_MOFFS, VK_IMPLICIT_OFFS),
	ROW(0xa3, 0xa3, W, 0, V, VK_IMM_MOFFS, VK_IMPLICIT_OFFS),
	ROW(0xa4, 0xa4, 0, 0, 1, 0, VK_IMPLICIT_MOVS), ROW(0xa5, 0xa5, 0, 0, V, 0, VK_IMPLICIT_MOVS),
	ROW(0xa6, 0xa6, 0, 0, 1, 0, VK_IMPLICIT_CMPS), ROW(0xa7, 0xa7, 0, 0, V, 0, VK_IMPLICIT_CMPS),
	ROW(0xa8, 0xa8, 0, 0, 0, 1), ROW(0xa9, 0xa9, 0, 0, 0, Z),
	ROW(0xaa, 0xaa, 0, 0, 1, 0, VK_IMPLICIT_DI_W), ROW(0xab, 0xab, 0, 0, V, 0, VK_IMPLICIT_DI_W),
	ROW(0xac, 0xac, 0, 0, 1, 0, VK_IMPLICIT_SI), ROW(0xad, 0xad, 0, 0, V, 0, VK_IMPLICIT_SI),
	ROW(0xae, 0xae, 0, 0, 1, 0, VK_IMPLICIT_DI_R), ROW(0xaf, 0xaf, 0, 0, V, 0, VK_IMPLICIT_DI_R),
	ROW(0xb0, 0xb7, 0, 0, 0, 1), ROW(0xb8, 0xbf, 0, 0, 0, VK_IMM_V),
	ROW(0xc0, 0xc0, RW, M, 1, 1), ROW(0xc1, 0xc1, RW, M, V, 1),
	ROW(0xc2, 0xc2, 0, 0, S, 2, VK_IMPLICIT_POP), ROW(0xc3, 0xc3, 0, 0, S, 0, VK_IMPLICIT_POP),
	ROW(0xc4, 0xc5, R, M, 6), ROW(0xc6, 0xc6, W, M, 1, 1), ROW(0xc7, 0xc7, W, M, V, Z),
	ROW(0xc8, 0xc8, 0, 0, S, 3, VK_IMPLICIT_PUSH), ROW(0xc9, 0xc9, 0, 0, S, 0, VK_IMPLICIT_BP),
	ROW(0xca, 0xca, 0, 0, S, 2, VK_IMPLICIT_POP), ROW(0xcb, 0xcb, 0, 0, S, 0, VK_IMPLICIT_POP),
	ROW(0xcc, 0xcc, 0), ROW(0xcd, 0xcd, 0, 0, 0, 1), ROW(0xce, 0xce, 0),
	ROW(0xcf, 0xcf, 0, 0, S, 0, VK_IMPLICIT_POP),
	ROW(0xd0, 0xd0, RW, M, 1), ROW(0xd1, 0xd1, RW, M, V),
	ROW(0xd2, 0xd2, RW, M, 1), ROW(0xd3, 0xd3, RW, M, V),
	ROW(0xd4, 0xd5, 0, 0, 0, 1), ROW(0xd6, 0xd6, 0), ROW(0xd7, 0xd7, 0, 0, 1, 0, VK_IMPLICIT_XLAT),
	ROW(0xd8, 0xd8, R, M, 4), ROW(0xda, 0xda, R, M, 4), ROW(0xdc, 0xdc, R, M, 8),
	ROW(0xde, 0xde, R, M, 2),
	REG(0xd9, 0x01, R, M, 4), REG(0xd9, 0x0c, W, M, 4), REG(0xd9, 0x10, R, M, 28),
	REG(0xd9, 0x20, R, M, 2), REG(0xd9, 0x40, W, M, 28), REG(0xd9, 0x80, W, M, 2),
	REG(0xdb, 0x01, R, M, 4), REG(0xdb, 0x0e, W, M, 4), REG(0xdb, 0x20, R, M, 10),
	REG(0xdb, 0x80, W, M, 10),
	REG(0xdd, 0x01, R, M, 8), REG(0xdd, 0x0e, W, M, 8), REG(0xdd, 0x10, R, M, 108),
	REG(0xdd, 0x40, W, M, 108), REG(0xdd, 0x80, W, M, 2),
	REG(0xdf, 0x01, R, M, 2), REG(0xdf, 0x0e, W, M, 2), REG(0xdf, 0x10, R, M, 10),
	REG(0xdf, 0x20, R, M, 8), REG(0xdf, 0x40, W, M, 10), REG(0xdf, 0x80, W, M, 8),
	ROW(0xe0, 0xe7, 0, 0, 0, 1), ROW(0xe8, 0xe8, 0, 0, S, J, VK_IMPLICIT_PUSH),
	ROW(0xe9, 0xe9, 0, 0, 0, J), ROW(0xea, 0xea, 0, 0, 0, VK_IMM_FAR), ROW(0xeb, 0xeb, 0, 0, 0, 1),
	ROW(0xec, 0xef, 0), ROW(0xf1, 0xf1, 0), ROW(0xf4, 0xf5, 0),
	REG(0xf6, 0x03, R, M, 1, 1), REG(0xf6, 0x0c, RW, M, 1), REG(0xf6, 0xf0, R, M, 1),
	REG(0xf7, 0x03, R, M, V, Z), REG(0xf7, 0x0c, RW, M, V), REG(0xf7, 0xf0, R, M, V),
	ROW(0xf8, 0xfd, 0), REG(0xfe, 0x03, RW, M, 1), REG(0xff, 0x03, RW, M, V),
	REG(0xff, 0x04, R, M, S, 0, VK_IMPLICIT_PUSH), REG(0xff, 0x08, R, M, 10, 0, VK_IMPLICIT_PUSH),
	REG(0xff, 0x10, R, M, S), REG(0xff, 0x20, R, M, 10),
	REG(0xff, 0x40, R, M, S, 0, VK_IMPLICIT_PUSH),
};

static const struct row two_byte[] = {
	REG(0x00, 0x03, W, M, 2), REG(0x00, 0x3c, R, M, 2),
	REG(0x01, 0x03, W, M, 10), REG(0x01, 0x0c, R, M, 10), REG(0x01, 0x10, W, M, 2),
	REG(0x01, 0x40, R, M, 2), ROW(0x01, 0x01, 0, M),
	ROW(0x02, 0x03, R, M, 2), ROW(0x05, 0x0b, 0), ROW(0x0d, 0x0d, 0, M), ROW(0x0e, 0x0e, 0),
	PRE(0x10, 0x10, PP_F3, R, M, 4), PRE(0x10, 0x10, PP_F2, R, M, 8), ROW(0x10, 0x10, R, M, X),
	PRE(0x11, 0x11, PP_F3, W, M, 4), PRE(0x11, 0x11, PP_F2, W, M, 8), ROW(0x11, 0x11, W, M, X),
	PRE(0x12, 0x12, PP_F3, R, M, X), PRE(0x12, 0x12, PP_F2, R, M, VK_SIZE_DUP), ROW(0x12, 0x12, R, M, 8), ROW(0x13, 0x13, W, M, 8),
	ROW(0x14, 0x15, R, M, X), PRE(0x16, 0x16, PP_F3, R, M, X), ROW(0x16, 0x16, R, M, 8),
	ROW(0x17, 0x17, W, M, 8), ROW(0x18, 0x1f, 0, M), ROW(0x20, 0x23, 0, 0, 0, 1),
	ROW(0x28, 0x28, R, M, X), ROW(0x29, 0x29, W, M, X),
	PRE(0x2a, 0x2a, PP_F3 | PP_F2, R, M, G), ROW(0x2a, 0x2a, R, M, 8),
	PRE(0x2b, 0x2b, PP_F3, W, M, 4), PRE(0x2b, 0x2b, PP_F2, W, M, 8), ROW(0x2b, 0x2b, W, M, X),
	PRE(0x2c, 0x2d, PP_F3, R, M, 4), PRE(0x2c, 0x2d, PP_NONE | PP_F2, R, M, 8),
	ROW(0x2c, 0x2d, R, M, 16), PRE(0x2e, 0x2f, PP_66, R, M, 8), ROW(0x2e, 0x2f, R, M, 4),
	ROW(0x30, 0x37, 0), ROW(0x40, 0x4f, R, M, V),
	PRE(0x5a, 0x5a, PP_NONE, R, M, H), ROW(0x5b, 0x5b, R, M, X), PRE(0x51, 0x5f, PP_F3, R, M, 4),
	PRE(0x51, 0x5f, PP_F2, R, M, 8), ROW(0x51, 0x5f, R, M, X), ROW(0x6e, 0x6e, R, M, G),
	PRE(0x6f, 0x6f, PP_NONE, R, M, 8), ROW(0x6f, 0x6f, R, M, X),
	PRE(0x60, 0x62, PP_NONE, R, M, 4), PRE(0x63, 0x6b, PP_NONE, R, M, 8), ROW(0x60, 0x6d, R, M, X),
	PRE(0x70, 0x70, PP_NONE, R, M, 8, 1), ROW(0x70, 0x70, R, M, X, 1), ROW(0x71, 0x73, R, M, X, 1),
	PRE(0x74, 0x76, PP_NONE, R, M, 8), ROW(0x74, 0x76, R, M, X), ROW(0x77, 0x77, 0),
	ROW(0x7c, 0x7d, R, M, X), PRE(0x7e, 0x7e, PP_F3, R, M, 8), ROW(0x7e, 0x7e, W, M, G),
	PRE(0x7f, 0x7f, PP_NONE, W, M, 8), ROW(0x7f, 0x7f, W, M, X),
	ROW(0x80, 0x8f, 0, 0, 0, J), ROW(0x90, 0x9f, W, M, 1),
	ROW(0xa0, 0xa0, 0, 0, S, 0, VK_IMPLICIT_PUSH), ROW(0xa1, 0xa1, 0, 0, S, 0, VK_IMPLICIT_POP),
	ROW(0xa2, 0xa2, 0), ROW(0xa3, 0xa3, R, M, V), ROW(0xa4, 0xa4, RW, M, V, 1),
	ROW(0xa5, 0xa5, RW, M, V), ROW(0xa8, 0xa8, 0, 0, S, 0, VK_IMPLICIT_PUSH),
	ROW(0xa9, 0xa9, 0, 0, S, 0, VK_IMPLICIT_POP), ROW(0xaa, 0xaa, 0), ROW(0xab, 0xab, RW, M, V),
	ROW(0xac, 0xac, RW, M, V, 1), ROW(0xad, 0xad, RW, M, V),
	REG(0xae, 0x01, W, M, VK_SIZE_BIG), REG(0xae, 0x02, R, M, VK_SIZE_BIG), REG(0xae, 0x04, R, M, 4),
	REG(0xae, 0x08, W, M, 4), REG(0xae, 0x10, W, M, VK_SIZE_BIG), REG(0xae, 0x20, R, M, VK_SIZE_BIG),
	SOME(0xae, 0xae, 0x40, PP_NONE, W, M, VK_SIZE_BIG), REG(0xae, 0xc0, R, M, 1),
	ROW(0xaf, 0xaf, R, M, V), ROW(0xb0, 0xb0, RW, M, 1), ROW(0xb1, 0xb1, RW, M, V),
	ROW(0xb2, 0xb2, R, M, 10), ROW(0xb3, 0xb3, RW, M, V), ROW(0xb4, 0xb5, R, M, 10),
	ROW(0xb6, 0xb6, R, M, 1), ROW(0xb7, 0xb7, R, M, 2), ROW(0xb8, 0xb9, R, M, V),
	REG(0xba, 0x10, R, M, V, 1), REG(0xba, 0xe0, RW, M, V, 1), ROW(0xbb, 0xbb, RW, M, V),
	ROW(0xbc, 0xbd, R, M, V), ROW(0xbe, 0xbe, R, M, 1), ROW(0xbf, 0xbf, R, M, 2),
	ROW(0xc0, 0xc0, RW, M, 1), ROW(0xc1, 0xc1, RW, M, V),
	PRE(0xc2, 0xc2, PP_F3, R, M, 4, 1), PRE(0xc2, 0xc2, PP_F2, R, M, 8, 1),
	ROW(0xc2, 0xc2, R, M, X, 1), ROW(0xc3, 0xc3, W, M, G), ROW(0xc4, 0xc4, R, M, 2, 1),
	ROW(0xc5, 0xc5, 0, M, 0, 1), ROW(0xc6, 0xc6, R, M, X, 1),
	REG(0xc7, 0x02, RW, M, VK_SIZE_PAIR), REG(0xc7, 0x08, R, M, VK_SIZE_BIG), REG(0xc7, 0x30, W, M, VK_SIZE_BIG),
	ROW(0xc8, 0xcf, 0), ROW(0xd6, 0xd6, W, M, 8), PRE(0xe7, 0xe7, PP_NONE, W, M, 8),
	ROW(0xe7, 0xe7, W, M, X), ROW(0xf0, 0xf0, R, M, X),
	PRE(0xf7, 0xf7, PP_NONE, 0, M, 8, 0, VK_IMPLICIT_MASK, VK_MASK_BYTES, 1),
	ROW(0xf7, 0xf7, 0, M, 16, 0, VK_IMPLICIT_MASK, VK_MASK_BYTES, 1),
	PRE(0xe6, 0xe6, PP_F3, R, M, H), PRE(0xd1, 0xfe, PP_NONE, R, M, 8), ROW(0xd1, 0xd3, R, M, 16),
	ROW(0xe1, 0xe2, R, M, 16), ROW(0xf1, 0xf3, R, M, 16),
	ROW(0xd0, 0xfe, R, M, X),
};

/* Stores of the maps 0F 38 and 0F 3A; all else there reads. */
static const struct row map_38[] = {
	PRE(0xf0, 0xf0, PP_NONE | PP_66, R, M, V), PRE(0xf1, 0xf1, PP_NONE | PP_66, W, M, V),
	ROW(0xf0, 0xf1, R, M, V), ROW(0xf9, 0xf9, W, M, Y), PRE(0xf6, 0xf6, PP_NONE, W, M, Y),
	PRE(0x00, 0x1e, PP_NONE, R, M, 8),
};
/* With VEX or without. */
static const struct row map_38_any[] = {
	ROW(0x20, 0x20, R, M, H), ROW(0x21, 0x21, R, M, Q), ROW(0x22, 0x22, R, M, VK_SIZE_V8),
	ROW(0x23, 0x23, R, M, H), ROW(0x24, 0x24, R, M, Q), ROW(0x25, 0x25, R, M, H),
	ROW(0x30, 0x30, R, M, H), ROW(0x31, 0x31, R, M, Q), ROW(0x32, 0x32, R, M, VK_SIZE_V8),
	ROW(0x33, 0x33, R, M, H), ROW(0x34, 0x34, R, M, Q), ROW(0x35, 0x35, R, M, H),
};
static const struct row map_38_vex[] = {
	ROW(0x13, 0x13, R, M, H),
	ROW(0x2c, 0x2c, R, M, X, 0, 0, VK_MASK_SIGNS, 4), ROW(0x2d, 0x2d, R, M, X, 0, 0, VK_MASK_SIGNS, 8),
	ROW(0x2e, 0x2e, W, M, X, 0, 0, VK_MASK_SIGNS, 4), ROW(0x2f, 0x2f, W, M, X, 0, 0, VK_MASK_SIGNS, 8),
	ROW(0x8c, 0x8c, R, M, X, 0, 0, VK_MASK_SIGNS, Y), ROW(0x8e, 0x8e, W, M, X, 0, 0, VK_MASK_SIGNS, Y),
	ROW(0x90, 0x93, R, M, Y, 0, 0, VK_MASK_GATHER, Y),
	ROW(0x18, 0x18, R, M, 4), ROW(0x19, 0x19, R, M, 8), ROW(0x1a, 0x1a, R, M, 16),
	PRE(0x49, 0x49, PP_66, W, M, 64), ROW(0x49, 0x49, R, M, 64),
	ROW(0x58, 0x58, R, M, 4), ROW(0x59, 0x59, R, M, 8), ROW(0x5a, 0x5a, R, M, 16),
	ROW(0x78, 0x78, R, M, 1), ROW(0x79, 0x79, R, M, 2),
	ROW(0x99, 0x99, R, M, Y), ROW(0x9b, 0x9b, R, M, Y), ROW(0x9d, 0x9d, R, M, Y), ROW(0x9f, 0x9f, R, M, Y),
	ROW(0xa9, 0xa9, R, M, Y), ROW(0xab, 0xab, R, M, Y), ROW(0xad, 0xad, R, M, Y), ROW(0xaf, 0xaf, R, M, Y),
	ROW(0xb9, 0xb9, R, M, Y), ROW(0xbb, 0xbb, R, M, Y), ROW(0xbd, 0xbd, R, M, Y), ROW(0xbf, 0xbf, R, M, Y),
	ROW(0xf0, 0xf7, R, M, G),
};
static const struct row map_3a[] = {
	ROW(0x0a, 0x0a, R, M, 4, 1), ROW(0x0b, 0x0b, R, M, 8, 1), PRE(0x0f, 0x0f, PP_NONE, R, M, 8, 1),
	ROW(0x14, 0x14, W, M, 1, 1), ROW(0x15, 0x15, W, M, 2, 1), ROW(0x16, 0x16, W, M, G, 1),
	ROW(0x17, 0x17, W, M, 4, 1), ROW(0x20, 0x20, R, M, 1, 1), ROW(0x21, 0x21, R, M, 4, 1),
	ROW(0x22, 0x22, R, M, G, 1),
};
static const struct row map_3a_vex[] = {
	ROW(0x18, 0x18, R, M, 16, 1), ROW(0x19, 0x19, W, M, 16, 1), ROW(0x1d, 0x1d, W, M, H, 1),
	ROW(0x38, 0x38, R, M, 16, 1), ROW(0x39, 0x39, W, M, 16, 1), ROW(0xf0, 0xf0, R, M, G, 1),
	ROW(0x6a, 0x6a, R, M, 4, 1), ROW(0x6b, 0x6b, R, M, 8, 1), ROW(0x6e, 0x6e, R, M, 4, 1),
	ROW(0x6f, 0x6f, R, M, 8, 1), ROW(0x7a, 0x7a, R, M, 4, 1), ROW(0x7b, 0x7b, R, M, 8, 1),
	ROW(0x7e, 0x7e, R, M, 4, 1), ROW(0x7f, 0x7f, R, M, 8, 1),
};
/* clang-format on */

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static uint32_t pp_bit(uint32_t pp)
{
	return pp == 0x66 ? PP_66 : pp == 0xf3 ? PP_F3 : pp == 0xf2 ? PP_F2 : PP_NONE;
}

static int find(const struct row *rows, size_t count, const struct vk_opcode_key *key,
		struct vk_opcode *out)
{
	for (size_t i = 0; i < count; i++) {
		const struct row *r = &rows[i];

		if (key->opcode < r->first || key->opcode > r->last ||
		    (r->regs >> key->reg & 1) == 0 || (r->pp & pp_bit(key->pp)) == 0)
			continue;
		*out = r->is;
		return 0;
	}
	return -1;
}

/* ADD, OR, ADC, SBB, AND, SUB, XOR, CMP: six forms each. */
static int arithmetic(const struct vk_opcode_key *key, struct vk_opcode *out)
{
	uint32_t form = key->opcode & 7u;
	int is_cmp = (key->opcode & 0x38u) == 0x38;

	if (form >= 6)
		return -1;
	*out = (struct vk_opcode){ .size = (form & 1) ? VK_SIZE_V : 1 };
	if (form >= 4) {
		out->immediate = form == 4 ? 1 : VK_IMM_Z;
		return 0;
	}
	out->modrm = 1;
	out->access = form < 2 && !is_cmp ? RW : R;
	return 0;
}

/* KMOVW, KMOVQ, KMOVB, KMOVD: without VEX these are SETcc. */
static int kmov(const struct vk_opcode_key *key, struct vk_opcode *out)
{
	static const uint8_t bytes[2][2] = { { 2, 8 }, { 1, 4 } };

	*out = (struct vk_opcode){ .access = key->opcode == 0x90 ? R : W, .modrm = 1 };
	out->size = bytes[key->pp == 0x66][key->wide != 0];
	return 0;
}

/* TILELOADD, TILESTORED: an address for each row of a tile, whose number is in TILECFG. */
static int is_tile(const struct vk_opcode_key *key)
{
	return key->is_vex && key->opcode == 0x4b;
}

static int map_2(const struct vk_opcode_key *key, struct vk_opcode *out)
{
	if (is_tile(key))
		return -1;
	*out = (struct vk_opcode){ .access = R, .modrm = 1, .size = VK_SIZE_VEX };
	if (find(map_38_any, COUNT(map_38_any), key, out) == 0)
		return 0;
	if (!key->is_vex)
		find(map_38, COUNT(map_38), key, out);
	else
		find(map_38_vex, COUNT(map_38_vex), key, out);
	return 0;
}

static int map_3(const struct vk_opcode_key *key, struct vk_opcode *out)
{
	*out = (struct vk_opcode){ .access = R, .modrm = 1, .size = VK_SIZE_VEX, .immediate = 1 };
	if (!key->is_vex || find(map_3a_vex, COUNT(map_3a_vex), key, out) != 0)
		find(map_3a, COUNT(map_3a), key, out);
	return 0;
}

int kvm_opcode(const struct vk_opcode_key *key, struct vk_opcode *out)
{
	if (key->is_evex)
		return kvm_opcode_evex(key, out);
	switch (key->map) {
	case 0:
		if (key->opcode < 0x40 && arithmetic(key, out) == 0)
			return 0;
		return find(one_byte, COUNT(one_byte), key, out);
	case 1:
		if (key->is_vex && (key->opcode == 0x90 || key->opcode == 0x91))
			return kmov(key, out);
		return find(two_byte, COUNT(two_byte), key, out);
	case 2:
		return map_2(key, out);
	case 3:
		return map_3(key, out);
	default:
		return -1;
	}
}
