/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bits that the checks of single registers and of whole contexts both look at (SDM vol. 3A 2.2,
 * 2.3, 2.5, 3.4.5).
 */
#ifndef VSM_REGISTER_CHECK_H
#define VSM_REGISTER_CHECK_H

#include <stdint.h>

#include "vsm/registers.h"

#define CR0_PE 0x00000001ull
#define CR0_WP 0x00010000ull
#define CR0_NW 0x20000000ull
#define CR0_CD 0x40000000ull
#define CR0_PG 0x80000000ull

#define CR4_PAE	  0x00000020ull
#define CR4_LA57  0x00001000ull
#define CR4_PCIDE 0x00020000ull
#define CR4_CET	  0x00800000ull

#define EFER_LME 0x00000100ull
#define EFER_LMA 0x00000400ull

#define RFLAGS_VM 0x00020000ull

/* Segment types (SDM vol. 3A 3.4.5.1, 3.5). */
#define TYPE_ACCESSED	0x1u
#define TYPE_READ_WRITE 0x2u /* data: writable; code: readable */
#define TYPE_CONFORMING 0x4u /* code; data: expand-down */
#define TYPE_CODE	0x8u
#define TYPE_LDT	0x2u
#define TYPE_TSS16_BUSY 0x3u
#define TYPE_TSS_BUSY	0xbu

#define SELECTOR_RPL_MASK 0x3u
#define SELECTOR_TI	  0x4u

/* The rules that the parameter docs of vsm/registers.h state. */
int register_limits_valid(const struct vsm_register_limits *limits);

#endif /* VSM_REGISTER_CHECK_H */
