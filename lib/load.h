/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading saved state: what load.c, which deals with the whole and with the host, and load_parse.c,
 * which deals with the sections, share. */
#ifndef VSM_LOAD_H
#define VSM_LOAD_H

#include "internal.h"

struct load {
	struct vsm *vsm;
	int apply; /* Not only looked at, but stored. */
	/* Sections that are left. */
	const uint8_t *at;
	size_t left;
	uint32_t sections;
	/* What the header promises, and what was found of it. */
	uint32_t protecting;
	uint32_t protects;
	uint64_t taken;
	uint64_t taken_seen;
	/* What later sections are held against, or needed when all is stored. */
	uint32_t enabled;
	uint32_t mbec;
	uint32_t flush;
	uint32_t sequence;
	uint64_t order_max;
	uint64_t reference;
	uint32_t vp_active;
	uint32_t vp_enabled;
	uint32_t vp_waits; /* For its start. */
};

/*
 * Read all sections. Each record is checked, and then, with `apply`, stored in the library; no op
 * is called. 0, -VSM_ERR_INVAL, -VSM_ERR_NOSUP, or with `apply` -VSM_ERR_NOMEM.
 */
int load_sections(struct load *l);

#endif /* VSM_LOAD_H */
