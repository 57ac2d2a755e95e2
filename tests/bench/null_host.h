/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The null host: one VP, VTL0 and VTL1, no guest that runs. What its ops cost is little more than
 * the bytes they move, so that what remains of a figure is the library's.
 */
#ifndef NULL_HOST_H
#define NULL_HOST_H

#include <vsm/vsm.h>

#define NULL_RAM_BYTES (16u * HV_PAGE_SIZE)
#define NULL_TRAP_RIP  0x1000u
#define NULL_TRAP_SIZE 2u

/** Registers of a VTL: GPRs, RIP and RFLAGS in HV order, the others by class and number. */
struct null_file {
	uint64_t gpr[18];
	struct hv_register_value other[6][32];
	uint8_t fpu[512];
};

/* RAM that can be protected, but has no bytes. */
#define NULL_MORE_GPA	(1ull << 32)
#define NULL_MORE_BYTES (64ull << 30)

#define NULL_CPU	 2u
#define NULL_PRIVATE_MAX 64u

/** How the host keeps the registers of two VTLs: see doc/host-contract.md. */
enum null_model {
	NULL_REPLICATED, /* A vCPU for each VTL: what is shared is copied. */
	NULL_SWAPPED /* One vCPU: what is private goes to a slot and comes from one. */
};

struct null_host {
	struct vsm *vsm;
	struct vsm_vp *vp;
	struct null_file file[3]; /* Replicated: the vCPUs. Swapped: two slots and the vCPU. */
	uint32_t where[2]; /* The file that a VTL has now. */
	uint16_t private_at[NULL_PRIVATE_MAX]; /* Swapped: what to move besides RSP, RIP, RFLAGS. */
	uint32_t private_count;
	uint64_t undo[18]; /* Swapped: the GPRs at PREPARE. */
	uint8_t *assist; /* The page that VTL1 sees as its VP assist page. */
	uint64_t protected_ranges; /* that `protect` was given */
	uint8_t ram[NULL_RAM_BYTES];
};

/**
 * Make a partition on a host of this model whose guest has enabled VTL1 and, in both VTLs, the
 * assist page and the SIMP. VTL0 is active and about to make a VTL call.
 *
 * @return NULL, or what could not be done.
 */
const char *null_host_open(struct null_host *h, enum null_model model);
void null_host_close(struct null_host *h);

/** To VTL1, which switches its protections on. @return NULL, or what could not be done. */
const char *null_host_protect(struct null_host *h);

/** A GPR of the active VTL by its HV name. */
static inline uint64_t *null_gpr(struct null_host *h, uint32_t vtl, uint32_t name)
{
	return &h->file[h->where[vtl]].gpr[name - HV_X64_REGISTER_RAX];
}

/** Execute the trap instruction of the hypercall page. @return the verdict. */
static inline int null_trap(struct null_host *h)
{
	return vsm_vp_hypercall(h->vp, NULL_TRAP_RIP, NULL_TRAP_SIZE);
}

#endif
