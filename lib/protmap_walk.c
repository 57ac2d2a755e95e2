/* SPDX-License-Identifier: BSD-3-Clause */
/* Walking the protection map in runs: of equal rights, and of rights that differ. */
#include "protmap.h"

#include "vsm/error.h"

void protmap_view_now(const struct vsm_protmap *map, struct protmap_view *view)
{
	uint32_t vtl;

	view->enabled = atomic_load_explicit(&map->enabled, memory_order_acquire);
	for (vtl = 0; vtl <= VSM_VTL_MAX; vtl++)
		view->defaults[vtl] =
			atomic_load_explicit(&map->defaults[vtl], memory_order_acquire);
}

/* Sets of the view that restrict `vtl`. */
static uint32_t acting_sets(const struct protmap_view *view, uint32_t vtl)
{
	return view->enabled & ~((2u << vtl) - 1);
}

uint32_t protmap_view_rights(const struct protmap_range *range, const struct protmap_view *view,
			     uint32_t vtl, uint32_t only, uint64_t page)
{
	uint32_t rights = VSM_RIGHTS_ALL;
	uint32_t sets;

	for (sets = acting_sets(view, vtl) & only; sets; sets &= sets - 1) {
		uint32_t above = (uint32_t)__builtin_ctz(sets);

		rights &= code_mask(protmap_code(range, above, page), view->defaults[above]);
	}
	return rights;
}

/* Rights in two views, and how far they are known to stay as they are. */
struct step {
	uint32_t rights[2];
	uint64_t end;
};

static struct step step_at(const struct protmap_range *range,
			   const struct protmap_view *const view[2], uint32_t vtl, uint64_t page)
{
	uint32_t acting[2] = { acting_sets(view[0], vtl), acting_sets(view[1], vtl) };
	struct step step = { { VSM_RIGHTS_ALL, VSM_RIGHTS_ALL }, range_end(range) };
	uint32_t sets;
	uint32_t i;

	for (sets = acting[0] | acting[1]; sets; sets &= sets - 1) {
		uint32_t above = (uint32_t)__builtin_ctz(sets);
		uint64_t end;
		uint32_t code = protmap_span(range, above, page, &end);

		if (end < step.end)
			step.end = end;
		for (i = 0; i < 2; i++) {
			if (acting[i] >> above & 1)
				step.rights[i] &= code_mask(code, view[i]->defaults[above]);
		}
	}
	return step;
}

/* The longest run from `page` on in which neither of the rights changes; nobody asks for what lies
 * at `limit` and behind it, which is not above the end of the range. */
static struct step run_at(const struct protmap_range *range,
			  const struct protmap_view *const view[2], uint32_t vtl, uint64_t page,
			  uint64_t limit)
{
	struct step run = step_at(range, view, vtl, page);

	while (run.end < limit) {
		struct step next = step_at(range, view, vtl, run.end);

		if (next.rights[0] != run.rights[0] || next.rights[1] != run.rights[1])
			break;
		run.end = next.end;
	}
	if (run.end > limit)
		run.end = limit;
	return run;
}

static void run_out(struct vsm_range *run, uint64_t page, uint64_t end)
{
	run->gpa = page << HV_PAGE_SHIFT;
	run->size = (end - page) << HV_PAGE_SHIFT;
}

int vsm_protmap_next(const struct vsm_protmap *map, uint32_t vtl, uint64_t gpa,
		     struct vsm_range *run, uint32_t *rights)
{
	const struct protmap_view *views[2];
	const struct protmap_range *range;
	uint64_t page = gpa >> HV_PAGE_SHIFT;
	struct protmap_view view;
	struct step step;

	if (!map || vtl > map->max_vtl || !run || !rights)
		return -VSM_ERR_INVAL;
	range = protmap_range_from(atomic_load_explicit(&map->table, memory_order_acquire), page);
	if (!range)
		return -VSM_ERR_NOTFOUND;
	if (page < range->first)
		page = range->first;
	protmap_view_now(map, &view);
	views[0] = &view;
	views[1] = &view;
	step = run_at(range, views, vtl, page, range_end(range));
	*rights = step.rights[0];
	run_out(run, page, step.end);
	return 0;
}

int protmap_run(const struct vsm_protmap *map, uint32_t vtl, uint64_t page, uint64_t limit,
		uint64_t *end, uint32_t *rights)
{
	const struct protmap_range *range = protmap_range_of(map, page);
	const struct protmap_view *views[2];
	struct protmap_view view;
	struct step run;

	if (!range)
		return -VSM_ERR_RANGE;
	if (limit > range_end(range))
		limit = range_end(range);
	protmap_view_now(map, &view);
	views[0] = &view;
	views[1] = &view;
	run = run_at(range, views, vtl, page, limit);
	*rights = run.rights[0];
	*end = run.end;
	return 0;
}

int protmap_view_diff(const struct vsm_protmap *map, const struct protmap_view *before,
		      const struct protmap_view *after, uint32_t vtl, uint64_t gpa,
		      struct vsm_range *run, uint32_t *rights_before, uint32_t *rights_after)
{
	const struct protmap_view *const views[2] = { before, after };
	const struct protmap_table *table = atomic_load_explicit(&map->table, memory_order_acquire);
	const struct protmap_range *range = protmap_range_from(table, gpa >> HV_PAGE_SHIFT);
	uint64_t page = gpa >> HV_PAGE_SHIFT;

	for (; range && range < &table->ranges[table->count]; range++) {
		struct step step;

		if (page < range->first)
			page = range->first;
		for (; page < range_end(range); page = step.end) {
			step = run_at(range, views, vtl, page, range_end(range));
			if (step.rights[0] == step.rights[1])
				continue;
			*rights_before = step.rights[0];
			*rights_after = step.rights[1];
			run_out(run, page, step.end);
			return 0;
		}
	}
	return -VSM_ERR_NOTFOUND;
}

int protmap_next_set(const struct vsm_protmap *map, uint32_t vtl, uint64_t page, uint64_t *first,
		     uint64_t *end, uint32_t *mask)
{
	const struct protmap_table *table = atomic_load_explicit(&map->table, memory_order_acquire);
	const struct protmap_range *range = protmap_range_from(table, page);

	for (; range && range < &table->ranges[table->count]; range++) {
		uint32_t found = 0;

		if (page < range->first)
			page = range->first;
		for (uint64_t next; page < range_end(range); page = next) {
			uint32_t code = protmap_span(range, vtl, page, &next);

			if (found != 0 && code != found)
				break;
			if (found == 0)
				*first = page;
			found = code;
			*end = next;
		}
		if (found != 0) {
			*mask = code_mask(found, 0);
			return 0;
		}
	}
	return -VSM_ERR_NOTFOUND;
}

/* What two runs of two maps have in common, beginning where the later one begins. */
static int overlap(const struct vsm_range *a, const struct vsm_range *b, struct vsm_range *run)
{
	uint64_t end_a = a->gpa + a->size;
	uint64_t end_b = b->gpa + b->size;
	uint64_t end = end_a < end_b ? end_a : end_b;

	run->gpa = a->gpa > b->gpa ? a->gpa : b->gpa;
	if (run->gpa >= end)
		return 0;
	run->size = end - run->gpa;
	return 1;
}

int vsm_protmap_diff(const struct vsm_protmap *before, const struct vsm_protmap *after,
		     uint32_t vtl, uint64_t gpa, struct vsm_range *run, uint32_t *rights_before,
		     uint32_t *rights_after)
{
	struct vsm_range runs[2];
	struct vsm_range both;
	uint32_t rights[2];

	if (!before || !after || vtl > before->max_vtl || vtl > after->max_vtl || !run ||
	    !rights_before || !rights_after)
		return -VSM_ERR_INVAL;
	while (vsm_protmap_next(before, vtl, gpa, &runs[0], &rights[0]) == 0 &&
	       vsm_protmap_next(after, vtl, gpa, &runs[1], &rights[1]) == 0) {
		if (!overlap(&runs[0], &runs[1], &both)) {
			gpa = runs[0].gpa > runs[1].gpa ? runs[0].gpa : runs[1].gpa;
			continue;
		}
		if (rights[0] != rights[1]) {
			*run = both;
			*rights_before = rights[0];
			*rights_after = rights[1];
			return 0;
		}
		gpa = both.gpa + both.size;
	}
	return -VSM_ERR_NOTFOUND;
}
