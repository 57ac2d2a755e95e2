/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file vsm/types.h
 * Types that more than one header needs: handles, verdicts, events.
 */
#ifndef VSM_TYPES_H
#define VSM_TYPES_H

#include <stddef.h>
#include <stdint.h>

#include <vsm/hv.h>

/** A partition: one virtual machine that is offered VSM. Opaque. */
struct vsm;

/** A virtual processor of a partition, with one context per VTL. Opaque. */
struct vsm_vp;

/** Highest VTL number that a partition may be configured for (TLFS 15.2 allows 16 levels). */
#define VSM_VTL_MAX 15u

/** Largest VP count of a partition. VP indices are 0 .. VSM_VP_MAX - 1. */
#define VSM_VP_MAX 2048u

/** Where an op takes a VP's own pointer or a VP index: all VPs of the partition. */
#define VSM_ALL_VPS 0xffffffffu

/**
 * What the run loop does after an entry of vp.h. Entries return a verdict (>= 0) or a negative
 * error. After an error the guest stands where it stood, so that the exit can be made again;
 * elements of a list that were finished before stay done, as repeating them does no harm.
 */
enum vsm_verdict {
	/** The exit is dealt with: go on in the active VTL. For a hypercall RIP stands behind the
	 *  trap already; for MSR and CPUID exits the VMM completes the instruction with the given
	 *  values. */
	VSM_VERDICT_RESUME = 0,
	/** Run the same instruction again: RIP of the active VTL points at it. */
	VSM_VERDICT_RETRY = 1,
	/** Another VTL is active now: ask vsm_vp_active_vtl() and run that one. */
	VSM_VERDICT_SWITCHED = 2,
	/** The VP may not run: sleep until the kick op is called for it, then call
	 *  vsm_vp_run_prepare(). A hypercall stays at its trap; an MSR exit stays uncompleted and
	 *  gets its verdict from vsm_vp_run_prepare(). */
	VSM_VERDICT_BLOCKED = 3,
	/** Raise the exception of vsm_vp_exception() in the active VTL. RIP points at the
	 *  instruction that caused it. */
	VSM_VERDICT_EXCEPTION = 4,
	/** Not the library's: the VMM deals with the exit as if libvsm were not there. */
	VSM_VERDICT_NOT_MINE = 5,
};

/** An exception for the guest: see VSM_VERDICT_EXCEPTION and vsm_host_ops.inject_event. */
struct vsm_exception {
	uint8_t vector; /**< 0..31, for example 6 (#UD) or 13 (#GP). */
	uint8_t has_error_code; /**< 1: error_code is pushed. */
	uint8_t has_parameter; /**< 1: parameter holds CR2 (#PF) or DR6 (#DB). */
	uint8_t reserved; /**< 0 */
	uint32_t error_code; /**< Error code, 0 if none. */
	uint64_t parameter; /**< CR2 or DR6, 0 if none. */
};

/** One register by its HV name. Values narrower than 128 bits are zero-extended. */
struct vsm_reg {
	uint32_t name; /**< HV_X64_REGISTER_* or HV_REGISTER_* */
	uint32_t reserved; /**< 0 */
	struct hv_register_value value; /**< Layouts of segment and table registers: TLFS 7.8.4. */
};

#endif /* VSM_TYPES_H */
