/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guest memory, with the rights of the VTL on whose behalf it is touched. The only file that calls
 * the host's guest-memory ops; a guard holds the others to it.
 */
#ifndef VSM_GUESTMEM_H
#define VSM_GUESTMEM_H

#include "internal.h"

/* May the active VTL access [gpa, gpa + len)? The range lies in one page. 0: yes;
 * HV_STATUS_INVALID_ALIGNMENT: no RAM there; R_SWITCHED, R_EXCEPTION or an error: an intercept was
 * tried. */
int guestmem_check(struct vsm_vp *vp, uint64_t gpa, uint32_t len, uint32_t access);
/* Check and copy; results as above, 0 when copied. */
int guestmem_read(struct vsm_vp *vp, uint64_t gpa, void *buf, uint32_t len);
int guestmem_write(struct vsm_vp *vp, uint64_t gpa, const void *buf, uint32_t len);
/* Zero all RAM (ZeroMemoryOnReset). */
int guestmem_zero(struct vsm *vsm);

/* Page number to address; 0 if the address would pass the 52 bits of any x86 machine. */
int gpn_to_gpa(uint64_t gpn, uint64_t *gpa);

/* Is the byte range RAM? */
int is_ram(const struct vsm *vsm, uint64_t gpa, uint64_t size);

#endif /* VSM_GUESTMEM_H */
