/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The naive model beside which random sequences are run: an array of rights per page and VTL, a
 * list of overlay pages, and the bytes of each page as they were. Nothing of it comes from lib/.
 */
#ifndef INVARIANT_MODEL_H
#define INVARIANT_MODEL_H

#include <stdlib.h>
#include <string.h>

#include "vsmtest.h"

#define IM_VPS	    2u
#define IM_LOW	    16u /* pages from VSMTEST_DATA_GPA on */
#define IM_HIGH	    4u /* the last of the second range of RAM */
#define IM_HOT	    4u /* added one by one */
#define IM_PAGES    (IM_LOW + IM_HIGH + IM_HOT)
#define IM_OVERLAYS (3u * IM_VPS)

struct im_overlay {
	uint32_t order; /* 0: not there; else the higher was placed later. */
	uint32_t page;
};

struct model_state {
	uint32_t protects; /* VTL1's set acts. */
	uint32_t default_mask;
	uint32_t code[IM_PAGES]; /* 0x10 | mask: VTL1 has set the page */
	uint32_t hot; /* pages added */
	struct im_overlay overlay[IM_OVERLAYS]; /* VTL0's: assist page, SIMP, SIEFP of each VP */
	uint32_t orders;
	uint32_t vtl1[IM_VPS]; /* VTL1 is enabled on the VP. */
	uint32_t active[IM_VPS];
	uint8_t bytes[IM_PAGES][VSMTEST_PAGE];
};

static inline uint64_t im_gpa(uint32_t page)
{
	if (page < IM_LOW)
		return VSMTEST_DATA_GPA + page * (uint64_t)VSMTEST_PAGE;
	if (page < IM_LOW + IM_HIGH)
		return VSMTEST_RAM1_GPA + VSMTEST_RAM1_SIZE -
		       (IM_LOW + IM_HIGH - page) * (uint64_t)VSMTEST_PAGE;
	return VSMTEST_HOT_GPA + (page - IM_LOW - IM_HIGH) * (uint64_t)VSMTEST_PAGE;
}

static inline int im_is_ram(const struct model_state *m, uint32_t page)
{
	return page < IM_LOW + IM_HIGH + m->hot;
}

/* TLFS 15.9: VTL1 has all rights, VTL0 those that VTL1 leaves it. */
static inline uint32_t im_rights(const struct model_state *m, uint32_t vtl, uint32_t page)
{
	if (vtl == 1 || !m->protects)
		return VSM_RIGHTS_ALL;
	return m->code[page] ? m->code[page] & VSM_RIGHTS_ALL : m->default_mask;
}

/* The topmost overlay page of VTL0 at a page, or NULL. */
static inline const struct im_overlay *im_overlay_at(const struct model_state *m, uint32_t page)
{
	const struct im_overlay *top = NULL;

	for (uint32_t i = 0; i < IM_OVERLAYS; i++) {
		const struct im_overlay *o = &m->overlay[i];

		if (o->order && o->page == page && (!top || o->order > top->order))
			top = o;
	}
	return top;
}

static inline uint32_t im_needs(uint32_t access)
{
	static const uint32_t needs[] = { HV_MAP_GPA_READABLE, HV_MAP_GPA_WRITABLE,
					  HV_MAP_GPA_KERNEL_EXECUTABLE };

	return needs[access];
}

enum im_answer {
	IM_ALLOWED,
	IM_DENIED, /* by VTL1 */
	IM_OVERLAY, /* by the rights of an overlay page */
	IM_NOTHING /* no RAM */
};

/* `sees`: whether overlay pages are seen; devices and hypercall blocks do not. */
static inline enum im_answer im_access(const struct model_state *m, uint32_t vtl, uint32_t page,
				       uint32_t access, int sees)
{
	if (sees && vtl == 0 && im_overlay_at(m, page))
		return access == HV_INTERCEPT_ACCESS_EXECUTE ? IM_OVERLAY : IM_ALLOWED;
	if (!im_is_ram(m, page))
		return IM_NOTHING;
	return im_rights(m, vtl, page) & im_needs(access) ? IM_ALLOWED : IM_DENIED;
}

static inline void im_place(struct model_state *m, uint32_t which, uint32_t on, uint32_t page)
{
	struct im_overlay *o = &m->overlay[which];

	if (!on)
		o->order = 0;
	else if (!o->order || o->page != page)
		o->order = ++m->orders;
	o->page = page;
}

static inline void im_take_bytes(struct model_state *m, struct vsmtest *t, uint32_t page)
{
	memcpy(m->bytes[page], vsmtest_ram(t, im_gpa(page)), VSMTEST_PAGE);
}

static inline int im_bytes_same(const struct model_state *m, struct vsmtest *t, uint32_t page)
{
	return memcmp(m->bytes[page], vsmtest_ram(t, im_gpa(page)), VSMTEST_PAGE) == 0;
}

/* Power-on: no rights taken, no overlay pages, VTL0 everywhere. RAM stays RAM. */
static inline void im_reset(struct model_state *m, struct vsmtest *t)
{
	uint32_t hot = m->hot;

	memset(m, 0, sizeof(*m));
	m->hot = hot;
	m->default_mask = VSM_RIGHTS_ALL;
	for (uint32_t page = 0; page < IM_PAGES; page++)
		im_take_bytes(m, t, page);
}

/* `check` writes to a file for each assertion, which the inner loops cannot afford. */
#define IM_CHECK(condition, ...)                   \
	do {                                       \
		if (!(condition))                  \
			ck_abort_msg(__VA_ARGS__); \
	} while (0)

static inline void im_compare_page(const struct model_state *m, struct vsmtest *t, uint32_t vtl,
				   uint32_t page)
{
	uint32_t rights = 0x5a, want = im_rights(m, vtl, page);
	uint32_t view = vsmtest_view(t, vtl, im_gpa(page));
	int err = vsm_gpa_rights(t->vsm, vtl, im_gpa(page), &rights);

	if (!im_is_ram(m, page)) {
		IM_CHECK(err == -VSM_ERR_RANGE, "page %u is RAM", page);
		return;
	}
	IM_CHECK(err == 0 && rights == want && view == want,
		 "VTL %u, page %u: error %d, table %x, host %x, model %x", vtl, page, err, rights,
		 view, want);
}

/* Table and host's view are what the model says: everywhere, for both VTLs. */
static inline void im_compare(const struct model_state *m, struct vsmtest *t)
{
	for (uint32_t page = 0; page < IM_PAGES; page++) {
		im_compare_page(m, t, 0, page);
		im_compare_page(m, t, 1, page);
		IM_CHECK((vsmtest_overlay(t, 0, im_gpa(page)) != NULL) ==
				 (im_overlay_at(m, page) != NULL),
			 "page %u: overlay page or none", page);
	}
	for (uint32_t vp = 0; vp < IM_VPS; vp++) {
		IM_CHECK(vsm_vp_active_vtl(t->vp[vp].vp) == m->active[vp], "VP %u: active VTL", vp);
		IM_CHECK(vsm_vp_enabled_vtls(t->vp[vp].vp) == (1 | m->vtl1[vp] << 1),
			 "VP %u: enabled VTLs", vp);
	}
}

#endif
