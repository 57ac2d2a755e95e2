/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ModifyVtlProtectionMask by the guest of the fake host, beside a model: what a list does, element
 * by element, how far it comes when the host fails, and what each VTL may do with each page then.
 */
#ifndef PROTECT_MODEL_H
#define PROTECT_MODEL_H

#include <string.h>

#include "protmap_model.h"
#include "vsmtest.h"

#define PM_LOW	 96u /* pages from VSMTEST_DATA_GPA on */
#define PM_HIGH	 32u /* the last of the second range of RAM */
#define PM_PAGES (PM_LOW + PM_HIGH)
#define PM_LIST	 510u

struct protect_model {
	struct model source; /* of bytes only */
	struct vsmtest *t;
	uint32_t top; /* the VTL that calls, 1 or 2 */
	uint32_t budget;
	uint8_t code[3][PM_PAGES];
	uint8_t enabled[3];
	uint8_t defaults[3];
	uint64_t calls, done, partial, failed, refused;
};

/* The list as it is given, and how each of its elements is to be understood. */
struct protect_list {
	struct {
		struct hv_input_modify_vtl_protection_mask header;
		uint64_t gpn[PM_LIST];
	} block;
	int page[PM_LIST]; /* -1: no RAM */
	uint32_t count;
	uint32_t start;
	uint32_t owner;
	uint32_t mask;
};

static inline uint64_t pm_gpn(uint32_t page)
{
	if (page < PM_LOW)
		return VSMTEST_DATA_GPA / HV_PAGE_SIZE + page;
	return (VSMTEST_RAM1_GPA + VSMTEST_RAM1_SIZE) / HV_PAGE_SIZE - PM_HIGH + page - PM_LOW;
}

static inline uint32_t pm_rights(const struct protect_model *pm, uint32_t vtl, uint32_t page)
{
	uint32_t rights = VSM_RIGHTS_ALL;

	for (uint32_t above = vtl + 1; above <= pm->top; above++) {
		uint8_t code = pm->code[above][page];

		if (pm->enabled[above])
			rights &= code ? code & VSM_RIGHTS_ALL : pm->defaults[above];
	}
	return rights;
}

static inline void pm_open(struct protect_model *pm)
{
	struct hv_initial_vp_context context;
	struct vsmtest_opts opts;
	struct model *model = &pm->source;

	pm->top = 1 + model_pick(model, 2);
	pm->budget = model_pick(model, 2) ? 1 + model_pick(model, 12) : 512;
	vsmtest_opts_init(&opts);
	opts.config.max_vtl = pm->top;
	opts.config.hypercall_budget = pm->budget;
	pm->t = vsmtest_new(&opts);
	memset(pm->code, 0, sizeof(pm->code));
	memset(pm->enabled, 0, sizeof(pm->enabled));
	memset(pm->defaults, VSM_RIGHTS_ALL, sizeof(pm->defaults));
	MODEL_CHECK(vsmtest_enter_vtl1(pm->t, 0) == HV_STATUS_SUCCESS);
	if (pm->top == 2) {
		MODEL_CHECK(vsmtest_enable_partition_vtl(pm->t, 0, 2) == HV_STATUS_SUCCESS);
		vsmtest_context64(&context);
		MODEL_CHECK(vsmtest_enable_vp_vtl(pm->t, 0, HV_VP_INDEX_SELF, 2, &context) ==
			    HV_STATUS_SUCCESS);
		MODEL_CHECK(vsmtest_vtl_call(pm->t, 0) == VSM_VERDICT_SWITCHED);
		MODEL_CHECK(vsmtest_hypercalls_on(pm->t, 0) == VSM_VERDICT_RESUME);
	}
	MODEL_CHECK(vsmtest_set(pm->t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 0x3f) ==
		    HV_STATUS_SUCCESS);
	pm->enabled[pm->top] = 1;
}

/* Neighbouring pages from `first` on in runs: each is as long as its rights reach. */
static inline void pm_compare_runs(struct protect_model *pm, uint32_t vtl, uint32_t first,
				   uint32_t count)
{
	struct model *model = &pm->source;
	uint32_t end = first + count;

	while (first < end) {
		uint64_t left = (uint64_t)(end - first) * HV_PAGE_SIZE, length = 0;
		uint32_t rights = 0x5a, want = pm_rights(pm, vtl, first);

		MODEL_CHECK(vsm_gpa_rights_run(pm->t->vsm, vtl, pm_gpn(first) * HV_PAGE_SIZE, left,
					       &length, &rights) == 0);
		MODEL_CHECK(rights == want && length >= HV_PAGE_SIZE && length <= left &&
			    length % HV_PAGE_SIZE == 0);
		for (; length > 0; length -= HV_PAGE_SIZE)
			MODEL_CHECK(pm_rights(pm, vtl, first++) == want);
		MODEL_CHECK(first == end || pm_rights(pm, vtl, first) != want);
	}
}

static inline void pm_compare(struct protect_model *pm)
{
	struct model *model = &pm->source;

	for (uint32_t vtl = 0; vtl <= pm->top; vtl++) {
		for (uint32_t page = 0; page < PM_PAGES; page++) {
			uint64_t gpa = pm_gpn(page) * HV_PAGE_SIZE;
			uint32_t rights = 0x5a;

			MODEL_CHECK(vsm_gpa_rights(pm->t->vsm, vtl, gpa, &rights) == 0);
			MODEL_CHECK(rights == pm_rights(pm, vtl, page));
			MODEL_CHECK(vtl == pm->top || vsmtest_view(pm->t, vtl, gpa) == rights);
		}
		pm_compare_runs(pm, vtl, 0, PM_LOW);
		pm_compare_runs(pm, vtl, PM_LOW, PM_HIGH);
	}
}

static inline void pm_list(struct protect_model *pm, struct protect_list *list)
{
	/* Beyond RAM, MMIO, beyond 2^52 so that a shift would wrap, and far off. */
	static const uint64_t bad[] = { VSMTEST_HOLE_GPA >> 12, 1ull << 28, 1ull << 40,
					(1ull << 52) + 0x200, ~0ull };
	static const uint32_t usual[] = { 0, 1, 3, 13, 15, 1 };
	struct model *model = &pm->source;
	uint32_t flags = model_pick(model, 16);

	memset(list, 0, sizeof(*list));
	list->owner = pm->top == 2 && model_pick(model, 3) == 0 ? 1 : pm->top;
	list->count = 1 + (model_pick(model, 8) ? model_pick(model, 24) : model_pick(model, 510));
	list->start = model_pick(model, 6) ? 0 : model_pick(model, list->count);
	list->mask = model_pick(model, 8) ? usual[model_pick(model, 6)] : model_pick(model, 16);
	if (flags == 0)
		list->mask |= 1u << (4 + model_pick(model, 28));
	list->block.header.target_partition_id = HV_PARTITION_ID_SELF;
	list->block.header.map_flags = list->mask;
	list->block.header.target_vtl = VSMTEST_VTL(list->owner);
	for (uint32_t i = 0; i < list->count; i++) {
		/* Runs up and down, and pages anywhere, hence also twice. */
		uint32_t how = model_pick(model, 16);
		int last = i ? list->page[i - 1] : 0;

		list->page[i] = how < 6	 ? last + (last >= 0 && last + 1 < (int)PM_PAGES) :
				how < 10 ? last - (last > 0) :
					   (int)model_pick(model, PM_PAGES);
		if (list->count < 40 && model_pick(model, 64) == 0)
			list->page[i] = -1;
		list->block.gpn[i] = list->page[i] < 0 ? bad[model_pick(model, 5)] :
							 pm_gpn((uint32_t)list->page[i]);
	}
}

/* What becomes of the flags (TLFS 15.9.2), without MBEC. */
static inline uint32_t pm_flags_status(uint32_t mask)
{
	const uint32_t named = 0x8070;

	if (mask & ~(named | 0xfu))
		return HV_STATUS_INVALID_PARAMETER;
	return !(mask & named) && (0xa00bu >> mask & 1) ? HV_STATUS_SUCCESS :
							  HV_STATUS_INVALID_REGISTER_VALUE;
}

/* A page that a VTL may use otherwise than before. */
struct pm_change {
	uint32_t vtl;
	uint32_t page;
	uint32_t element; /* that named it first */
	uint32_t range; /* of the list for the host */
};

struct pm_chunk {
	struct pm_change change[2 * PM_PAGES];
	uint8_t old[PM_PAGES];
	int named[PM_PAGES]; /* element that named it first, or -1 */
	uint32_t changes;
	uint32_t ranges;
	uint32_t from;
	uint32_t end; /* behind the last element that names RAM */
};

static inline void pm_sort_changes(struct protect_model *pm, struct pm_chunk *chunk,
				   uint8_t before[2][PM_PAGES])
{
	uint32_t rights = 0;

	for (uint32_t vtl = 0; vtl < pm->top; vtl++) {
		for (uint32_t page = 0; page < PM_PAGES; page++) {
			struct pm_change *change = &chunk->change[chunk->changes];
			struct pm_change *last = change - 1;
			uint32_t now = pm_rights(pm, vtl, page);

			if (now == before[vtl][page])
				continue;
			if (!chunk->changes || last->vtl != vtl ||
			    pm_gpn(last->page) + 1 != pm_gpn(page) || rights != now)
				chunk->ranges++;
			rights = now;
			change->vtl = vtl;
			change->page = page;
			change->element = (uint32_t)chunk->named[page];
			change->range = chunk->ranges - 1;
			chunk->changes++;
		}
	}
}

/* One entry's worth of the list, as if nothing could go wrong. */
static inline void pm_apply(struct protect_model *pm, const struct protect_list *list,
			    struct pm_chunk *chunk, uint32_t from, uint32_t to)
{
	uint8_t before[2][PM_PAGES];

	memset(chunk, 0, sizeof(*chunk));
	memset(chunk->named, -1, sizeof(chunk->named));
	memcpy(chunk->old, pm->code[list->owner], PM_PAGES);
	for (uint32_t vtl = 0; vtl < pm->top; vtl++) {
		for (uint32_t page = 0; page < PM_PAGES; page++)
			before[vtl][page] = (uint8_t)pm_rights(pm, vtl, page);
	}
	chunk->from = from;
	for (chunk->end = from; chunk->end < to && list->page[chunk->end] >= 0; chunk->end++) {
		int page = list->page[chunk->end];

		if (chunk->named[page] < 0)
			chunk->named[page] = (int)chunk->end;
		pm->code[list->owner][page] = (uint8_t)(0x10 | list->mask);
	}
	pm_sort_changes(pm, chunk, before);
}

/* The host did `applied` ranges: the first element that lacks a page, and all after it, never
 * were. */
static inline uint32_t pm_take_back(struct protect_model *pm, const struct protect_list *list,
				    const struct pm_chunk *chunk, uint32_t applied)
{
	uint32_t first = chunk->end;

	for (uint32_t i = 0; i < chunk->changes; i++) {
		if (chunk->change[i].range >= applied && chunk->change[i].element < first)
			first = chunk->change[i].element;
	}
	for (uint32_t page = 0; page < PM_PAGES; page++) {
		if (chunk->named[page] >= (int)first)
			pm->code[list->owner][page] = chunk->old[page];
	}
	return first;
}

/* The outcome of the whole list; a failure of the host is prepared on the way. */
static inline uint32_t pm_predict(struct protect_model *pm, const struct protect_list *list,
				  uint32_t *reps)
{
	struct model *model = &pm->source;
	uint32_t fail_at = model_pick(model, 3) ? 0 : 1 + model_pick(model, 3);
	int nomem = model_pick(model, 2) != 0;
	uint32_t status = pm_flags_status(list->mask);
	struct pm_chunk chunk;
	uint32_t calls = 0;
	uint32_t at;

	*reps = list->start;
	if (status != HV_STATUS_SUCCESS)
		return status;
	for (at = list->start; at < list->count; at = chunk.end) {
		uint32_t to = list->count - at < pm->budget ? list->count : at + pm->budget;

		pm_apply(pm, list, &chunk, at, to);
		if (chunk.ranges && ++calls == fail_at) {
			uint32_t applied = model_pick(model, chunk.ranges);

			vsmtest_fail_op(pm->t, VSMTEST_PROTECT, fail_at, 1,
					nomem ? -VSM_ERR_NOMEM : -VSM_ERR_HOST);
			pm->t->fault[VSMTEST_PROTECT].done = applied;
			*reps = pm_take_back(pm, list, &chunk, applied);
			pm->failed++;
			pm->partial += *reps > chunk.from;
			return nomem ? HV_STATUS_INSUFFICIENT_MEMORY : HV_STATUS_OPERATION_DENIED;
		}
		*reps = chunk.end;
		if (chunk.end < to)
			return HV_STATUS_INVALID_PARAMETER;
	}
	return HV_STATUS_SUCCESS;
}

static inline void pm_call(struct protect_model *pm)
{
	struct model *model = &pm->source;
	struct protect_list list;
	uint32_t status, reps, got;

	pm_list(pm, &list);
	status = pm_predict(pm, &list, &reps);
	got = vsmtest_call_mem(
		pm->t, 0, VSMTEST_REP_AT(HVCALL_MODIFY_VTL_PROTECTION_MASK, list.count, list.start),
		&list.block, 16 + 8 * (size_t)list.count);
	vsmtest_no_faults(pm->t);
	MODEL_CHECK(got == status);
	MODEL_CHECK(pm->t->reps == reps);
	pm->calls++;
	pm->done += status == HV_STATUS_SUCCESS;
	pm->refused += status != HV_STATUS_SUCCESS;
}

/* VTL2 switches on the set of VTL1, in which it may have set pages before. */
static inline void pm_switch_on(struct protect_model *pm)
{
	static const uint8_t masks[] = { 0, 1, 3, 13, 15 };
	struct model *model = &pm->source;
	uint8_t mask = masks[model_pick(model, 5)];
	int fail = model_pick(model, 3) == 0;
	uint32_t got;

	if (pm->top < 2 || pm->enabled[1])
		return;
	pm->defaults[1] = mask;
	pm->enabled[1] = 1;
	/* All of RAM but the pages of the model follows the default: that the host is asked is sure
	 * only if that takes something. */
	if (fail && mask != VSM_RIGHTS_ALL) {
		vsmtest_fail_op(pm->t, VSMTEST_PROTECT, 1, 1, -VSM_ERR_HOST);
		pm->t->fault[VSMTEST_PROTECT].done = 0;
		pm->enabled[1] = 0;
		pm->defaults[1] = VSM_RIGHTS_ALL;
	}
	got = vsmtest_set(pm->t, 0, VSMTEST_VTL(1), HV_REGISTER_VSM_PARTITION_CONFIG,
			  0x21u | (uint32_t)mask << 1);
	vsmtest_no_faults(pm->t);
	MODEL_CHECK((got == HV_STATUS_SUCCESS) == (pm->enabled[1] != 0));
}

static inline void pm_step(struct protect_model *pm)
{
	pm->source.ops++;
	if (model_pick(&pm->source, 40) == 0)
		pm_switch_on(pm);
	else
		pm_call(pm);
	pm_compare(pm);
}

static inline void pm_close(struct protect_model *pm)
{
	vsmtest_free(pm->t);
}

#endif
