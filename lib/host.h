/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls of host ops: the one place where they are made, checked and counted. Those for guest memory
 * are in guestmem.c. */
#ifndef VSM_HOST_CALLS_H
#define VSM_HOST_CALLS_H

#include "internal.h"

/* Registers of one batch: no op sees more. */
#define REGS_MAX 32u

/* What each call of an op begins and ends with; for guestmem.c, which has ops of its own. */
int host_may_call(struct vsm *vsm, struct vsm_vp *vp, const char *op);
int host_outcome(struct vsm *vsm, const char *op, int result);

/* Fill names and clear values. */
void regs_name(struct vsm_reg *regs, const uint32_t *names, uint32_t count);

/* -VSM_ERR_NOTFOUND and (set) -VSM_ERR_INVAL come through; any other failure is -VSM_ERR_HOST. */
int host_regs_get(struct vsm_vp *vp, uint32_t vtl, uint32_t groups, struct vsm_reg *regs,
		  uint32_t count);
int host_regs_set(struct vsm_vp *vp, uint32_t vtl, uint32_t groups, const struct vsm_reg *regs,
		  uint32_t count);
int host_xmm_get(struct vsm_vp *vp, uint32_t vtl, struct vsm_xmm_block *block);
int host_xmm_set(struct vsm_vp *vp, uint32_t vtl, const struct vsm_xmm_block *block);
int host_switch(struct vsm_vp *vp, uint32_t from, uint32_t to, uint32_t phase);
/* 0, VSM_PENDING or a negative error. */
int host_overlay_map(struct vsm *vsm, struct vsm_vp *vp, const struct vsm_overlay *overlay,
		     uint64_t token);
/* `done` is the word of the host: it may be anything. */
int host_protect(struct vsm *vsm, struct vsm_vp *vp, const struct vsm_protect_range *ranges,
		 uint32_t count, uint32_t *done, uint64_t token);
int host_tlb_flush(struct vsm *vsm, struct vsm_vp *vp, uint32_t vtl, uint64_t token);
/* `vp` is who calls (may be NULL), `target` who is kicked. */
void host_kick(struct vsm_vp *vp, struct vsm_vp *target);
int host_inject(struct vsm_vp *vp, uint32_t vtl, const struct vsm_exception *event);
int host_interrupt(struct vsm_vp *vp, uint32_t vtl, uint32_t vector, uint32_t auto_eoi);
/* Length of an instruction, 0 if it is not known. */
uint8_t host_insn_decode(struct vsm_vp *vp, const uint8_t *bytes, uint32_t count, uint32_t mode);
void host_crash(struct vsm_vp *vp, const struct vsm_crash *crash);
void *host_alloc(const struct vsm_host_ops *ops, void *opaque, size_t size);
void host_free(const struct vsm_host_ops *ops, void *opaque, void *ptr, size_t size);

/* Log "who: what" for the author of the VMM each time; or thinned out by kind, if a guest can cause
 * the line. */
void log_misuse(struct vsm *vsm, const char *who, const char *what);
void log_line(struct vsm *vsm, enum log_kind kind, int32_t level, const char *text);

#endif /* VSM_HOST_CALLS_H */
