/* SPDX-License-Identifier: BSD-3-Clause */
#include "protect_list.h"

#include <string.h>

#include "enforceable.h"
#include "protect_plan.h"
#include "protmap.h"

#define GPN_BITS    (52 - HV_PAGE_SHIFT)
#define DIGIT_BITS  8u
#define DIGIT_COUNT (1u << DIGIT_BITS)

static uint64_t element_gpn(const struct vsm_vp *vp, uint32_t element)
{
	uint64_t gpn;

	memcpy(&gpn,
	       vp->hc.in + sizeof(struct hv_input_modify_vtl_protection_mask) +
		       element * sizeof(gpn),
	       sizeof(gpn));
	return gpn;
}

/* Elements up to the first that names no RAM become pages of the plan. */
static void validate(struct vsm_vp *vp, uint32_t end)
{
	struct protect_plan *plan = &vp->plan;
	const struct protmap_range *range = NULL;

	for (uint32_t i = plan->end; i < end; i++) {
		uint64_t gpn = element_gpn(vp, i);

		if (gpn >> GPN_BITS == 0 && vp->vsm->map != NULL)
			range = protmap_range_near(vp->vsm->map, range, gpn);
		else
			range = NULL;
		if (range == NULL) {
			plan->status = HV_STATUS_INVALID_PARAMETER;
			break;
		}
		plan->pages[plan->page_count].gpn = gpn;
		plan->pages[plan->page_count].element = (uint16_t)i;
		plan->page_count++;
	}
}

/* In the order of the list, so that an end of memory has an element. */
static void change_map(struct vsm_vp *vp)
{
	struct protect_plan *plan = &vp->plan;
	const struct protmap_range *range = NULL;

	for (uint32_t i = 0; i < plan->page_count; i++) {
		struct plan_page *page = &plan->pages[i];

		range = protmap_range_near(vp->vsm->map, range, page->gpn);
		if (protmap_page_swap(range, plan->owner_vtl, page->gpn,
				      PROTMAP_EXPLICIT | plan->mask, &page->old) != 0) {
			plan->page_count = i;
			plan->status = HV_STATUS_INSUFFICIENT_MEMORY;
			break;
		}
	}
	plan->end += plan->page_count;
}

/* One pass of a radix sort, which keeps the order of equal digits. */
static void sort_digit(const struct plan_page *from, struct plan_page *to, uint32_t count,
		       uint32_t shift)
{
	uint16_t start[DIGIT_COUNT] = { 0 };
	uint16_t sum = 0;

	for (uint32_t i = 0; i < count; i++)
		start[from[i].gpn >> shift & (DIGIT_COUNT - 1)]++;
	for (uint32_t digit = 0; digit < DIGIT_COUNT; digit++) {
		uint16_t here = start[digit];

		start[digit] = sum;
		sum = (uint16_t)(sum + here);
	}
	for (uint32_t i = 0; i < count; i++)
		to[start[from[i].gpn >> shift & (DIGIT_COUNT - 1)]++] = from[i];
}

static void sort_pages(struct protect_plan *plan)
{
	struct plan_page *from = plan->pages;
	struct plan_page *to = plan->pages + HC_LIST_MAX;
	uint64_t differ = 0;
	int ascending = 1;

	for (uint32_t i = 1; i < plan->page_count; i++) {
		differ |= from[i].gpn ^ from[0].gpn;
		ascending &= from[i].gpn >= from[i - 1].gpn;
	}
	for (uint32_t shift = 0; shift < GPN_BITS && !ascending; shift += DIGIT_BITS) {
		struct plan_page *other = to;

		if ((differ >> shift & (DIGIT_COUNT - 1)) == 0)
			continue;
		sort_digit(from, to, plan->page_count, shift);
		to = from;
		from = other;
	}
	plan->sorted = from;
}

/* The sets that decide together with the one that is changed. */
struct sets {
	const struct vsm *vsm;
	struct protmap_view view;
	uint32_t owner;
	uint32_t mask;
};

static struct sets sets_of(const struct vsm_vp *vp)
{
	struct sets sets = { .vsm = vp->vsm, .owner = vp->plan.owner_vtl, .mask = vp->plan.mask };

	if (vp->vsm->map != NULL)
		protmap_view_now(vp->vsm->map, &sets.view);
	return sets;
}

/* 0: the set does not act yet; what is recorded in it changes nobody's rights. */
static int sets_act(const struct sets *sets)
{
	return (sets->view.enabled >> sets->owner & 1) != 0;
}

/* Rights of a VTL to a page before and after. A page that is named again had the new mask
 * before. */
static void change_of(const struct sets *sets, uint32_t vtl, const struct plan_page *page,
		      uint32_t *before, uint32_t *after)
{
	uint32_t others = sets->view.enabled & ~(1u << sets->owner) & ~((2u << vtl) - 1);
	uint32_t rights = VSM_RIGHTS_ALL;

	if (others != 0)
		rights = protmap_view_rights(protmap_range_of(sets->vsm->map, page->gpn),
					     &sets->view, vtl, others, page->gpn);
	*before = rights & code_mask(page->old, sets->view.defaults[sets->owner]);
	*after = rights & sets->mask;
}

static void plan_pages(struct vsm_vp *vp)
{
	const struct protect_plan *plan = &vp->plan;
	struct sets sets = sets_of(vp);
	uint32_t before, after;

	if (!sets_act(&sets))
		return;
	for (uint32_t vtl = 0; vtl < plan->owner_vtl; vtl++) {
		for (uint32_t i = 0; i < plan->page_count; i++) {
			const struct plan_page *page = &plan->sorted[i];

			change_of(&sets, vtl, page, &before, &after);
			/* max_ranges is elements × VTLs: there is room. */
			plan_add(vp, vtl, page->gpn << HV_PAGE_SHIFT, HV_PAGE_SIZE, before, after);
		}
	}
}

void list_apply(struct vsm_vp *vp, uint32_t end, uint32_t mask)
{
	vp->plan.mask = mask;
	validate(vp, end);
	change_map(vp);
	sort_pages(&vp->plan);
	plan_pages(vp);
}

void list_keep(struct vsm_vp *vp)
{
	const struct protect_plan *plan = &vp->plan;
	uint64_t region = UINT64_MAX;

	for (uint32_t i = 0; i < plan->page_count; i++) {
		uint64_t gpn = plan->sorted[i].gpn;

		if (gpn >> REGION_SHIFT == region)
			continue;
		region = gpn >> REGION_SHIFT;
		protmap_settle(protmap_range_of(vp->vsm->map, gpn), plan->owner_vtl, gpn);
	}
}

/* Did this page have to change for the host, and was it not? */
static int left_out(const struct vsm_vp *vp, const struct sets *sets, uint32_t vtl,
		    const struct plan_page *page, struct plan_bound bound)
{
	uint32_t before, after;

	change_of(sets, vtl, page, &before, &after);
	return protect_host_rights(vp->vsm, before) != protect_host_rights(vp->vsm, after) &&
	       plan_applied(bound, vtl, page->gpn << HV_PAGE_SHIFT, HV_PAGE_SIZE) == 0;
}

static uint32_t first_left_out(const struct vsm_vp *vp, const struct sets *sets,
			       struct plan_bound bound)
{
	const struct protect_plan *plan = &vp->plan;
	uint32_t first = plan->end;

	for (uint32_t vtl = 0; vtl < plan->owner_vtl; vtl++) {
		for (uint32_t i = 0; i < plan->page_count; i++) {
			const struct plan_page *page = &plan->sorted[i];

			if (page->element < first && left_out(vp, sets, vtl, page, bound))
				first = page->element;
		}
	}
	return first;
}

/* Of a page that is named more than once the earliest of the elements that go decides. */
static void restore_map(const struct vsm_vp *vp, uint32_t element)
{
	const struct protect_plan *plan = &vp->plan;
	uint64_t restored = UINT64_MAX;

	for (uint32_t i = 0; i < plan->page_count; i++) {
		const struct plan_page *page = &plan->sorted[i];

		if (page->element < element || page->gpn == restored)
			continue;
		restored = page->gpn;
		protmap_page_restore(protmap_range_of(vp->vsm->map, page->gpn), plan->owner_vtl,
				     page->gpn, page->old);
	}
}

/* An element that goes may have been applied, in whole or for one VTL. */
static void plan_restore(struct vsm_vp *vp, const struct sets *sets, uint32_t element,
			 struct plan_bound bound)
{
	struct protect_plan *plan = &vp->plan;
	uint32_t before, after;

	plan->count = 0;
	for (uint32_t vtl = 0; vtl < plan->owner_vtl; vtl++) {
		for (uint32_t i = 0; i < plan->page_count; i++) {
			const struct plan_page *page = &plan->sorted[i];
			uint64_t gpa = page->gpn << HV_PAGE_SHIFT;

			if (page->element < element ||
			    plan_applied(bound, vtl, gpa, HV_PAGE_SIZE) == 0)
				continue;
			change_of(sets, vtl, page, &before, &after);
			plan_add(vp, vtl, gpa, HV_PAGE_SIZE, after, before);
		}
	}
}

uint32_t list_take_back(struct vsm_vp *vp, uint32_t applied)
{
	struct sets sets = sets_of(vp);
	struct plan_bound bound = plan_bound(&vp->plan, applied);
	uint32_t element = vp->plan.all_back ? vp->plan.first : first_left_out(vp, &sets, bound);

	restore_map(vp, element);
	plan_restore(vp, &sets, element, bound);
	list_keep(vp);
	return element;
}
