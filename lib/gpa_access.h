/* SPDX-License-Identifier: BSD-3-Clause */
/* The one place that decides about accesses to guest memory (TLFS 15.9, 8.8). */
#ifndef VSM_GPA_ACCESS_H
#define VSM_GPA_ACCESS_H

#include "internal.h"

/* What is true of an access to one page. */
struct gpa_judgement {
	int result; /* 0, -VSM_ERR_DENIED or -VSM_ERR_RANGE. */
	int is_overlay; /* It is about an overlay page: `slot` says which. */
	uint32_t slot;
	uint32_t vtl; /* Denied by the protections of this VTL; 0: by the overlay page. */
};

/*
 * Judge an access by a VTL of a VP (VSM_ALL_VPS, VSM_VP_DMA) to the page of `gpa`. Arguments are
 * right: vtl < vtl_count, a VP that exists. Lock-free, from any thread.
 */
void gpa_judge(const struct vsm *vsm, uint32_t vp, uint32_t vtl, uint64_t gpa, uint32_t access,
	       struct gpa_judgement *out);

/* Arguments of the functions of vsm/gpa.h: 0 or a negative error. */
int gpa_arguments(const struct vsm *vsm, uint32_t vp, uint32_t vtl, uint64_t gpa, uint64_t len,
		  uint32_t access);

#endif /* VSM_GPA_ACCESS_H */
