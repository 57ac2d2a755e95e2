/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file vsm/vpset.h
 * Sets of VPs as hypercalls name them (HV_VP_SET, and the plain 64-bit masks). Usable without a
 * partition; allocates nothing.
 *
 * A set is parsed from the caller's private copy of a parameter block and then walked. What walks
 * it says how many VPs there are: a set may name 4096 of them, and a guest with two VPs is free to
 * set every bit. Here a machine with 130 VPs is asked to flush VPs 1, 64 and 129, and one more that
 * it does not have:
 *
 *     const uint64_t block[] = { HV_GENERIC_SET_SPARSE_4K, 0x7, 0x2, 0x1, 0x6 };
 *     struct vsm_vpset set;
 *     int status;
 *     uint32_t vp;
 *
 *     status = vsm_vpset_parse(block, sizeof(block), VSM_VPSET_ALLOW_ALL, VPS, &set);
 *     if (status != HV_STATUS_SUCCESS)
 *             return failed("a good set is refused");
 *     for (vp = vsm_vpset_next(&set, VPS, 0); vp < VPS; vp = vsm_vpset_next(&set, VPS, vp + 1))
 *             flush(vp);
 *
 * VP indices need not be dense: a caller whose machine has holes looks for them on the walk.
 */
#ifndef VSM_VPSET_H
#define VSM_VPSET_H

#include <stddef.h>
#include <stdint.h>

#include <vsm/export.h>
#include <vsm/types.h>

VSM_BEGIN_DECLS

/** Banks of a set, each of 64 VPs. */
#define VSM_VPSET_BANKS 64u

/* What a hypercall makes of a set: argument `policy`. */
#define VSM_VPSET_ALLOW_ALL	0x1u /**< The format "all VPs" is allowed. */
#define VSM_VPSET_REFUSE_ABSENT 0x2u /**< A VP that is not there is an error, else it is ignored. */

/** A parsed set. Its layout is bounded by the TLFS and does not grow. */
struct vsm_vpset {
	uint64_t bank[VSM_VPSET_BANKS]; /**< Bit b of bank n: VP 64n+b; 0 if not given. */
	uint32_t all; /**< 1: all VPs, and the banks are 0. */
	uint32_t reserved; /**< 0 */
};

/**
 * Parse an HV_VP_SET.
 *
 * Of a sparse set there must be exactly as many banks as the mask has bits. Of the format "all VPs"
 * mask and banks are ignored.
 *
 * @param bytes  the set, a copy that the guest cannot reach: format, mask, banks. Any alignment.
 * @param len    its bytes, from the format to the end of the call's header.
 * @param policy VSM_VPSET_*
 * @param live   number of VPs; looked at with #VSM_VPSET_REFUSE_ABSENT only.
 * @param set    filled in. Untouched on failure.
 * @return an HV status for the guest, or a negative error.
 * @retval HV_STATUS_SUCCESS done.
 * @retval HV_STATUS_INVALID_PARAMETER unknown format, or one that policy forbids; too few or too
 *                                     many banks; an absent VP, if policy refuses it.
 * @retval -VSM_ERR_INVAL bytes or set is NULL, or policy has an unknown bit.
 * Thread: any.
 */
VSM_EXPORT int vsm_vpset_parse(const void *bytes, size_t len, uint32_t policy, uint32_t live,
			       struct vsm_vpset *set);

/**
 * The set of a plain 64-bit processor mask.
 *
 * @param mask   bit n: VP n.
 * @param policy VSM_VPSET_*
 * @param live   as for vsm_vpset_parse().
 * @param set    filled in. Untouched on failure.
 * @return as vsm_vpset_parse().
 * Thread: any.
 */
VSM_EXPORT int vsm_vpset_from_mask(uint64_t mask, uint32_t policy, uint32_t live,
				   struct vsm_vpset *set);

/**
 * Is the VP in the set, and is there such a VP?
 *
 * @param set  may be NULL: the empty set.
 * @param live number of VPs.
 * @param vp   any number.
 * @return 1 or 0; 0 for every vp that is not below live.
 * Thread: any.
 */
VSM_EXPORT int vsm_vpset_contains(const struct vsm_vpset *set, uint32_t live, uint32_t vp);

/**
 * The next VP of the set, for walking it in ascending order.
 *
 * @param set  may be NULL: the empty set.
 * @param live number of VPs.
 * @param from where to look first: 0, then one more than the last result.
 * @return a VP in from .. live - 1; live: there is none.
 * Thread: any.
 */
VSM_EXPORT uint32_t vsm_vpset_next(const struct vsm_vpset *set, uint32_t live, uint32_t from);

/**
 * How many VPs a walk would meet.
 *
 * @param set  may be NULL: the empty set.
 * @param live number of VPs.
 * @return 0 .. live.
 * Thread: any.
 */
VSM_EXPORT uint32_t vsm_vpset_count(const struct vsm_vpset *set, uint32_t live);

/**
 * Does the guest name nobody? Says nothing about whether those it names exist: a call may refuse
 * the empty set, and yet ignore absent VPs.
 *
 * @param set may be NULL: the empty set.
 * @return 1 or 0.
 * Thread: any.
 */
VSM_EXPORT int vsm_vpset_empty(const struct vsm_vpset *set);

VSM_END_DECLS

#endif /* VSM_VPSET_H */
