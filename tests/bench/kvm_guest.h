/* SPDX-License-Identifier: BSD-3-Clause */
/* The guest that makes round trips: where its parts lie. Read by the assembler too. */
#ifndef KVM_GUEST_H
#define KVM_GUEST_H

#define GUEST_RAM_BYTES 0x200000

#define GUEST_PML4	   0x1000
#define GUEST_PDPT	   0x2000
#define GUEST_PD	   0x3000
#define GUEST_CODE	   0x4000
#define GUEST_IN_PARTITION 0x5000 /* Input of EnablePartitionVtl. */
#define GUEST_IN_VP	   0x6000 /* Input of EnableVpVtl. */
#define GUEST_HYPERCALL	   0x8000
#define GUEST_ASSIST	   0x9000
#define GUEST_SIMP	   0xa000

#define GUEST_TRAP_PORT 0x7e

/* VTL_RETURN fields of the VP assist page (TLFS 15.7.1). */
#define GUEST_ASSIST_RAX 16
#define GUEST_ASSIST_RCX 24

#ifndef __ASSEMBLER__

#include <stdint.h>

/* The code: VTL0 starts at its first byte. The loops are entered with RAX 0. */
extern const uint8_t guest_code[], guest_code_vtl1[], guest_code_end[];
extern const uint8_t guest_code_vtl0_loop[], guest_code_vtl1_loop[];
extern const uint8_t guest_code_vtl0_dirty[], guest_code_vtl1_dirty[];

/* GPA of a label of the code. */
static inline uint64_t guest_gpa(const uint8_t *label)
{
	return GUEST_CODE + (uint64_t)(label - guest_code);
}

#endif

#endif
