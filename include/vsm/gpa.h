/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file vsm/gpa.h
 * May this access to guest memory be made? One answer for everybody who touches guest memory on
 * behalf of a guest or of a device: libvsm itself, instruction emulators, page walkers, device
 * models (TLFS 15.9).
 *
 * Rights hold for implicit accesses too: what the processor reads of a page table, the accessed and
 * dirty bits that it writes there, and what a device does. A device has the rights of VTL0.
 *
 *     struct vsm_gpa_answer answer = { .size = sizeof(answer) };
 *
 *     // A packet that arrives, in two steps: check all of it, then store it.
 *     r = vsm_gpa_write(vsm, VSM_VP_DMA, 0, gpa, packet, len);
 *     if (r == -VSM_ERR_DENIED)
 *             ...a VTL forbids it: nothing was stored; report a bus error to the device
 *
 *     // A page that is to be mapped for a device: only as far as the answer reaches.
 *     r = vsm_gpa_access(vsm, VSM_VP_DMA, 0, gpa, len, VSM_ACCESS_READ | VSM_ACCESS_WRITE,
 *                        &answer);
 *     // r is the answer for [gpa, gpa + answer.length)
 *
 * Answers hold at the moment they are given. A host that keeps what it was allowed (a mapping, an
 * IOMMU entry, a translation) is told of every later change of rights by the op `protect`, whose
 * ranges name what to drop; doc/host-contract.md, "Devices".
 */
#ifndef VSM_GPA_H
#define VSM_GPA_H

#include <stddef.h>
#include <stdint.h>

#include <vsm/export.h>
#include <vsm/types.h>

VSM_BEGIN_DECLS

/** As VP index: no VP but a device, which has the rights of VTL0 and sees no overlay pages. */
#define VSM_VP_DMA 0xfffffffeu

/* What an access does; READ, WRITE and EXECUTE may be combined, each must be allowed. */

#define VSM_ACCESS_READ	   0x01u /**< Load, instruction operand, descriptor. */
#define VSM_ACCESS_WRITE   0x02u /**< Store; both for a read-modify-write. */
#define VSM_ACCESS_EXECUTE 0x04u /**< Instruction fetch. */
/** With EXECUTE: the fetch is a user-mode access, else a supervisor one (not: CPL is 3). */
#define VSM_ACCESS_USER	   0x08u
/** A page walk: READ fetches an entry, WRITE sets accessed or dirty in it. A page table is what
 *  lies in RAM, whatever overlay covers it. */
#define VSM_ACCESS_WALK	   0x10u
/** With EXECUTE: CR4.SMEP of the VTL is 0 on a processor that has it. Then mode-based execute
 *  control treats user-mode fetches like supervisor ones (TLFS 15.9.2). */
#define VSM_ACCESS_NO_SMEP 0x40u
/** RAM, whatever overlay covers it: how libvsm takes the blocks of a hypercall. */
#define VSM_ACCESS_BENEATH 0x20u

/** Where an access goes, or who forbids it. */
struct vsm_gpa_answer {
	size_t size; /**< sizeof(struct vsm_gpa_answer), set by the caller. */
	/** Bytes from gpa on for which this is the answer, 1 .. len. What follows may still have
	 *  the same answer: ask again from there. */
	uint64_t length;
	/** Allowed: the byte of the arena behind gpa, if an overlay page is seen there; NULL: RAM.
	 *  The guest may write it at any time. It belongs to the arena and lives as long. */
	void *overlay;
	/** Denied: the VTL whose protections forbid it. 0: the rights of the overlay page do. */
	uint32_t vtl;
	uint32_t reserved; /**< 0 */
};

/**
 * May a VTL of a VP, or a device, make this access?
 *
 * The VP matters where VPs differ: overlay pages are seen by VPs only, and vsm_vp_mbec() decides
 * which right a user-mode fetch needs. Lock-free, and callable from within host ops. The work is
 * bounded: no more than 512 pages are looked at.
 *
 * @param vsm    realised.
 * @param vp     VP index; #VSM_ALL_VPS: allowed only if it is for each VP; #VSM_VP_DMA: a device.
 * @param vtl    0 .. max_vtl; 0 for #VSM_VP_DMA.
 * @param gpa    first byte.
 * @param len    bytes, at least 1; gpa + len does not wrap.
 * @param access VSM_ACCESS_*, at least one of READ, WRITE, EXECUTE.
 * @param answer caller sets answer->size. Filled in also for DENIED and RANGE.
 * @retval 0 allowed for answer->length bytes.
 * @retval -VSM_ERR_DENIED   forbidden for answer->length bytes, by answer->vtl or by the rights of
 *                           an overlay page. For an access of a VP give it to
 *                           vsm_vp_memory_fault() on that VP's thread: it tells who has to know.
 * @retval -VSM_ERR_RANGE    neither RAM nor overlay page for answer->length bytes: a device, or
 *                           nothing.
 * @retval -VSM_ERR_INVAL    an argument is NULL or out of range.
 * @retval -VSM_ERR_NOTFOUND there is no such VP.
 * @retval -VSM_ERR_MISUSE   not realised.
 * Thread: any; for #VSM_ALL_VPS and VP indices, not while VPs are created.
 */
VSM_EXPORT int vsm_gpa_access(const struct vsm *vsm, uint32_t vp, uint32_t vtl, uint64_t gpa,
			      uint64_t len, uint32_t access, struct vsm_gpa_answer *answer);

/**
 * Read guest memory for a device model or an emulator.
 *
 * All of the range is checked before a byte is read, and each page once more before its bytes are:
 * the buffer never holds what was not allowed. RAM is read by the op `gpa_read`.
 *
 * @param vsm realised.
 * @param vp  as for vsm_gpa_access().
 * @param vtl as for vsm_gpa_access().
 * @param gpa first byte; the range may cross pages.
 * @param buf room for len bytes; all zero if the call fails once the arguments were found right.
 * @param len bytes, at least 1.
 * @retval 0 done.
 * @retval -VSM_ERR_DENIED a VTL forbids a part of it; nothing was read, or what was is cleared.
 * @retval -VSM_ERR_RANGE  a part is neither RAM nor overlay page; nothing was read.
 * @retval -VSM_ERR_HOST   the op failed.
 * @return otherwise as vsm_gpa_access().
 * Thread: any, but not from within a host op: it calls one itself, on this thread.
 */
VSM_EXPORT int vsm_gpa_read(struct vsm *vsm, uint32_t vp, uint32_t vtl, uint64_t gpa, void *buf,
			    uint64_t len);

/**
 * Write guest memory for a device model or an emulator: the counterpart of vsm_gpa_read(), by the
 * op `gpa_write`.
 *
 * A right that is taken away on another thread between the check and the store is that host's to
 * order: doc/host-contract.md, "Devices".
 *
 * @param vsm realised.
 * @param vp  as for vsm_gpa_access().
 * @param vtl as for vsm_gpa_access().
 * @param gpa first byte; the range may cross pages.
 * @param buf len bytes.
 * @param len bytes, at least 1.
 * @retval 0 done.
 * @retval -VSM_ERR_DENIED a VTL forbids a part of it; nothing was written, unless the right was
 *                         taken away while pages before it were written.
 * @retval -VSM_ERR_RANGE  a part is neither RAM nor overlay page; nothing was written.
 * @retval -VSM_ERR_HOST   the op failed; pages before the one that failed are written.
 * @return otherwise as vsm_gpa_access().
 * Thread: any, but not from within a host op: it calls one itself, on this thread.
 */
VSM_EXPORT int vsm_gpa_write(struct vsm *vsm, uint32_t vp, uint32_t vtl, uint64_t gpa,
			     const void *buf, uint64_t len);

VSM_END_DECLS

#endif /* VSM_GPA_H */
