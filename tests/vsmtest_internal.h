/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * What the files of the fake host share and tests do not see.
 */
#ifndef VSMTEST_INTERNAL_H
#define VSMTEST_INTERNAL_H

#include "vsmtest_host.h"

/** In vsmtest_entry.vp: an entry for the whole partition. */
#define VSMTEST_ENTRY_PARTITION 0xfffffffeu
/** The same: an access of a device model or an emulator, by the VTL in vsmtest_entry.before. */
#define VSMTEST_ENTRY_DEVICE	0xfffffffdu

/** A range of guest memory that was read. */
struct vsmtest_read {
	uint64_t gpa;
	uint64_t len;
};

/** The entry that a thread is in, for the read-once oracle and the thread rules. */
struct vsmtest_entry {
	struct vsmtest *t; /**< NULL: in none. */
	uint32_t vp; /**< Slot, or #VSMTEST_ENTRY_PARTITION. */
	uint32_t before; /**< VTL that was active when it began. */
	uint32_t reads;
	struct vsmtest_read read[VSMTEST_MAX_READS];
};

/** The calling thread's. */
struct vsmtest_entry *vsmtest_entry(void);

/** Row number of a host register, -1 if the table has none. */
int vsmtest_row(const struct vsmtest *t, uint32_t name);

/** Number of a RAM page, -1 if there is no RAM. */
int vsmtest_page(uint64_t gpa);

/**
 * Begin of every op: liveness, thread, log, fault, hook.
 *
 * @return 0, or what the op has to fail with.
 */
int vsmtest_op_begin(struct vsmtest *t, enum vsmtest_op op, struct vsmtest_vp *vp, uint32_t vtl,
		     uint64_t a, uint64_t b);

/** Around each entry into the library. @return what it gave. */
void vsmtest_entry_begin(struct vsmtest *t, uint32_t vp);
int vsmtest_entry_end(struct vsmtest *t, int verdict);

/** The registers of a VTL: shared ones, or private ones with the hidden state and the event. */
struct vsmtest_file *vsmtest_file_of(struct vsmtest_vp *vp, uint32_t vtl, int shared);

void vsmtest_files_alloc(struct vsmtest_vp *vp);
void vsmtest_files_free(struct vsmtest_vp *vp);

/** All registers are poison, those of the VTL that is active from now on are zero. */
void vsmtest_files_reset(struct vsmtest_vp *vp, uint32_t active);

/** The phases of switch_vtl in either model. @param commit 0: ABORT. */
void vsmtest_switch_prepare(struct vsmtest_vp *vp, uint32_t from, uint32_t to);
void vsmtest_switch_end(struct vsmtest_vp *vp, int commit);

/* The ops that deal with registers. */

int vsmtest_op_regs_get(void *opaque, uint32_t vtl, uint32_t groups, struct vsm_reg *regs,
			uint32_t count);
int vsmtest_op_regs_set(void *opaque, uint32_t vtl, uint32_t groups, const struct vsm_reg *regs,
			uint32_t count);
int vsmtest_op_xmm_get(void *opaque, uint32_t vtl, struct vsm_xmm_block *block);
int vsmtest_op_xmm_set(void *opaque, uint32_t vtl, const struct vsm_xmm_block *block);

/* The ops that deal with memory. */

int vsmtest_op_gpa_read(void *opaque, uint64_t gpa, void *buf, uint32_t len);
int vsmtest_op_gpa_write(void *opaque, uint64_t gpa, const void *buf, uint32_t len);
void *vsmtest_op_overlay_arena(void *opaque, size_t bytes);
int vsmtest_op_overlay_map(void *opaque, const struct vsm_overlay *overlay, uint64_t token);
int vsmtest_op_protect(void *opaque, const struct vsm_protect_range *ranges, uint32_t count,
		       uint32_t *done, uint64_t token);
int vsmtest_op_tlb_flush(void *opaque, uint32_t vtl, uint32_t vp, uint64_t token);

#endif /* VSMTEST_INTERNAL_H */
