/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of hypercalls, as the library itself reads it: by reference, without the copy that
 * vsm_hypercall_info() makes.
 */
#ifndef HYPERCALL_TABLE_H
#define HYPERCALL_TABLE_H

#include "vsm/hypercall.h"

#include <stdint.h>

/*
 * One call. The name lies in the row: a pointer would need a relocation in a shared library and so
 * take the table out of read-only memory.
 */
struct hypercall_row {
	uint64_t privilege; /* HV_PRIV_*, all of them are needed */
	uint16_t code;
	uint8_t kind; /* VSM_HYPERCALL_SIMPLE, _REP, _VTL */
	uint8_t fast; /* 0: memory only */
	uint8_t variable; /* 1: has a variable header */
	uint8_t known; /* 0: only name and code are published */
	uint16_t fixed_in;
	uint16_t rep_in;
	uint16_t rep_out;
	uint16_t fixed_out;
	char name[48];
};

/* Row `row`, or NULL beyond the end. */
const struct hypercall_row *hypercall_row_at(uint32_t row);

#endif
