/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VMM_DECODE_H
#define VMM_DECODE_H

#include <stdint.h>

/*
 * Length of an x86 instruction: the op insn_decode of libvsm. `bytes` may hold anything, `count` of
 * them are there; `mode` is 16, 32 or 64. 0: not known.
 */
int decode_length(void *opaque, const uint8_t *bytes, uint32_t count, uint32_t mode);

#endif
