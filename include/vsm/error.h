/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file vsm/error.h
 * Errors for the host programmer, and names of things for people.
 *
 * Three channels are never mixed: a 16-bit HV status answers the guest, a negative `enum vsm_err`
 * answers the programmer of the VMM, and a verdict (types.h) answers the run loop.
 * A call that configures, creates or enters something and fails also logs a line through
 * vsm_host_ops.log that names the function, the argument and what was wrong with it; so does each
 * host op that failed. Lines that a guest can cause are thinned out: the 1st, 2nd, 4th, 8th ... of
 * a kind. Look-ups log nothing.
 */
#ifndef VSM_ERROR_H
#define VSM_ERROR_H

#include <stdint.h>

#include <vsm/export.h>

VSM_BEGIN_DECLS

/** Errors. Functions return them negated: `-VSM_ERR_MISUSE`. */
enum vsm_err {
	VSM_ERR_MISUSE = 1, /**< Call in the wrong order, state, thread or from within a host op. */
	VSM_ERR_INVAL = 2, /**< An argument is NULL, out of range or contradicts another. */
	VSM_ERR_NOMEM = 3, /**< The allocator gave no memory; nothing was changed. */
	VSM_ERR_HOST = 4, /**< A host op failed; the log line tells which. */
	VSM_ERR_NOSUP = 5, /**< Neither this version nor this host can do what is asked. */
	VSM_ERR_EXISTS = 6, /**< The VP index, APIC id or range is taken already. */
	VSM_ERR_NOTFOUND = 7, /**< No such VP, register, range or token. */
	VSM_ERR_RANGE = 8, /**< A guest physical range lies outside of RAM or wraps. */
	VSM_ERR_DENIED = 9, /**< The rights of a VTL forbid the access. */
	VSM_ERR_STATE = 10, /**< Host state is not as it must be after a failed roll-back. */
	VSM_ERR_SYS = 11, /**< libvsm-kvm: a system call failed; errno tells which. */
	VSM_ERR_BUSY = 12, /**< Somebody else changes the same just now; try again later. */
};

/** Host ops only: the work goes on, vsm_op_complete() tells its end (see host.h). */
#define VSM_PENDING 1

/**
 * Text for an error, for example "out of memory".
 *
 * @param err a value as returned (negative) or an `enum vsm_err` (positive); 0 is "success".
 * @return static text, never NULL; "unknown error" for others.
 * Thread: any.
 */
VSM_EXPORT const char *vsm_strerror(int err);

/**
 * Name of an HV status, for example "HV_STATUS_INVALID_PARAMETER" (TLFS App. B).
 *
 * @param status HV_STATUS_*, for example bits 15:0 of a hypercall result value.
 * @return static text, never NULL; "HV_STATUS_UNKNOWN" for a number without a name.
 * Thread: any.
 */
VSM_EXPORT const char *vsm_hv_status_name(uint16_t status);

VSM_END_DECLS

#endif /* VSM_ERROR_H */
