/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Operations on a protection map beside a model that is too simple to be wrong: one byte per page.
 * What is done is picked from bytes, those of a fuzzer, or random ones.
 */
#ifndef PROTMAP_MODEL_H
#define PROTMAP_MODEL_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vsm/error.h>
#include <vsm/hv.h>

#include "protmap.h"
#include "random.h"

#define MODEL_BLOCK  262144u /* pages of 1 GiB */
#define MODEL_REGION 4096u /* pages that are compared in one step */
#define MODEL_RANGES 5u
#define MODEL_VTLS   2u
#define MODEL_UNSET  0u
#define MODEL_LIST   64u

/* One that holds all of a GiB and begins and ends within regions, one that adjoins it, one of a few
 * pages, and two to be added later: one that fits a gap exactly, one above all others. */
static const struct {
	uint64_t first;
	uint32_t pages;
} model_ram[MODEL_RANGES] = {
	{ 5, 9 },
	{ MODEL_BLOCK - 1000, 1000 + MODEL_BLOCK + 300 },
	{ 2 * MODEL_BLOCK + 300, 600 },
	{ MODEL_BLOCK - 1500, 500 },
	{ 3 * MODEL_BLOCK + 100, 2000 },
};
#define MODEL_FIRST_RANGES 3u

struct model {
	struct vsm_protmap *map;
	uint8_t *code[MODEL_VTLS + 1][MODEL_RANGES];
	uint8_t defaults[MODEL_VTLS + 1];
	uint8_t enabled[MODEL_VTLS + 1];
	uint32_t ranges;
	uint64_t idle; /* bytes in use without explicit pages */
	/* Where bytes come from; when there are none any more, from the seed unless that is 0. */
	const uint8_t *data;
	size_t size;
	uint64_t seed;
	uint64_t ops, changes, refused; /* counted */
};

/* A failure ends the program, as a fuzzer expects it and a unit test reports it. */
#define MODEL_CHECK(condition)                                               \
	do {                                                                 \
		if (!(condition)) {                                          \
			printf("# %s:%d: op %llu: %s\n", __FILE__, __LINE__, \
			       (unsigned long long)model->ops, #condition);  \
			fflush(stdout);                                      \
			abort();                                             \
		}                                                            \
	} while (0)

static inline int model_spent(const struct model *model)
{
	return !model->size && !model->seed;
}

static inline uint32_t model_byte(struct model *model)
{
	if (model->size) {
		model->size--;
		return *model->data++;
	}
	return (uint32_t)(random_next(&model->seed) >> 24) & 0xff;
}

static inline uint32_t model_pick(struct model *model, uint32_t limit)
{
	uint32_t value = model_byte(model);

	if (limit > 0x100)
		value |= model_byte(model) << 8;
	if (limit > 0x10000)
		value |= model_byte(model) << 16;
	return value % limit;
}

static inline uint8_t *model_find(struct model *model, uint32_t vtl, uint64_t page)
{
	uint32_t i;

	for (i = 0; i < model->ranges; i++) {
		if (page >= model_ram[i].first && page - model_ram[i].first < model_ram[i].pages)
			return &model->code[vtl][i][page - model_ram[i].first];
	}
	return NULL;
}

/* So many of `pages` pages from `page` on lie in the range that `page` lies in. */
static inline uint64_t model_room(const struct model *model, uint64_t page, uint64_t pages)
{
	uint64_t room;

	for (uint32_t i = 0; i < model->ranges; i++) {
		if (page < model_ram[i].first || page - model_ram[i].first >= model_ram[i].pages)
			continue;
		room = model_ram[i].first + model_ram[i].pages - page;
		return room < pages ? room : pages;
	}
	return 0;
}

static inline void model_clear(struct model *model)
{
	uint32_t vtl, i;

	for (vtl = 1; vtl <= MODEL_VTLS; vtl++) {
		for (i = 0; i < MODEL_RANGES; i++)
			memset(model->code[vtl][i], MODEL_UNSET, model_ram[i].pages);
	}
	memset(model->defaults, VSM_RIGHTS_ALL, sizeof(model->defaults));
	memset(model->enabled, 0, sizeof(model->enabled));
}

/* max_bytes 0: plenty. */
static inline void model_open(struct model *model, uint64_t max_bytes)
{
	struct vsm_range ranges[MODEL_FIRST_RANGES];
	uint32_t vtl, i;

	for (i = 0; i < MODEL_FIRST_RANGES; i++) {
		ranges[i].gpa = model_ram[i].first * HV_PAGE_SIZE;
		ranges[i].size = model_ram[i].pages * (uint64_t)HV_PAGE_SIZE;
	}
	for (vtl = 1; vtl <= MODEL_VTLS; vtl++) {
		for (i = 0; i < MODEL_RANGES; i++)
			model->code[vtl][i] = malloc(model_ram[i].pages);
	}
	model_clear(model);
	model->ranges = MODEL_FIRST_RANGES;
	MODEL_CHECK(vsm_protmap_create(NULL, MODEL_VTLS, ranges, MODEL_FIRST_RANGES,
				       max_bytes ? max_bytes : 64u << 20, &model->map) == 0);
	model->idle = vsm_protmap_used(model->map);
}

static inline uint32_t model_mask(const struct model *model, uint32_t vtl, uint8_t code)
{
	return code == MODEL_UNSET ? model->defaults[vtl] : code & VSM_RIGHTS_ALL;
}

static inline uint32_t model_rights(struct model *model, uint32_t vtl, uint64_t page)
{
	uint32_t rights = VSM_RIGHTS_ALL;
	uint32_t above;

	for (above = vtl + 1; above <= MODEL_VTLS; above++) {
		if (model->enabled[above])
			rights &= model_mask(model, above, *model_find(model, above, page));
	}
	return rights;
}

/* What the map says of one page. */
static inline void model_compare_page(struct model *model, uint64_t page)
{
	uint32_t vtl, got, is_explicit;

	for (vtl = 0; vtl <= MODEL_VTLS; vtl++) {
		int known = model_find(model, 1, page) != NULL;

		MODEL_CHECK(vsm_protmap_rights(model->map, vtl, page * HV_PAGE_SIZE, &got) ==
			    (known ? 0 : -VSM_ERR_RANGE));
		if (!known)
			continue;
		MODEL_CHECK(got == model_rights(model, vtl, page));
		if (!vtl)
			continue;
		MODEL_CHECK(
			!vsm_protmap_get(model->map, vtl, page * HV_PAGE_SIZE, &got, &is_explicit));
		MODEL_CHECK(is_explicit == (*model_find(model, vtl, page) != MODEL_UNSET));
		MODEL_CHECK(got == model_mask(model, vtl, *model_find(model, vtl, page)));
	}
}

/* Rights that the codes of one page, or of pages that are all alike, come to. */
static inline uint32_t model_codes_rights(const struct model *model, const uint8_t *const *code,
					  uint32_t vtl, uint64_t i)
{
	uint32_t got = VSM_RIGHTS_ALL;

	for (uint32_t above = vtl + 1; above <= MODEL_VTLS; above++) {
		if (model->enabled[above])
			got &= model_mask(model, above, code[above][i]);
	}
	return got;
}

/* Are the rights of so many pages from `first` on these? They all lie in one range. Regions whose
 * codes are alike, which most are, are looked at as a whole. */
static inline int model_run_is(struct model *model, uint32_t vtl, uint64_t first, uint64_t pages,
			       uint32_t rights)
{
	const uint8_t *code[MODEL_VTLS + 1] = { NULL };
	uint64_t i, at, len;
	uint32_t above;
	int alike;

	for (above = vtl + 1; above <= MODEL_VTLS; above++)
		code[above] = model_find(model, above, first);
	for (at = 0; at < pages; at += len) {
		len = pages - at < MODEL_REGION ? pages - at : MODEL_REGION;
		alike = 1;
		for (above = vtl + 1; above <= MODEL_VTLS; above++)
			alike &= !memcmp(code[above] + at, code[above] + at + 1, len - 1);
		for (i = at; i < (alike ? at + 1 : at + len); i++) {
			if (model_codes_rights(model, code, vtl, i) != rights)
				return 0;
		}
	}
	return 1;
}

/* The whole map, by walking it: each page once, in order; no two runs of a range are one. */
static inline void model_compare_all(struct model *model)
{
	uint32_t vtl, rights, before, i;

	for (vtl = 0; vtl < MODEL_VTLS; vtl++) {
		struct vsm_range run = { 0, 0 };
		uint64_t seen = 0, end = 0, total = 0, page;

		before = VSM_RIGHTS_ALL + 1;
		while (vsm_protmap_next(model->map, vtl, end, &run, &rights) == 0) {
			uint64_t first = run.gpa / HV_PAGE_SIZE;

			MODEL_CHECK(run.gpa >= end && run.size && rights <= VSM_RIGHTS_ALL);
			for (i = 0; i < model->ranges; i++) {
				if (model_ram[i].first == first)
					before = VSM_RIGHTS_ALL + 1;
			}
			MODEL_CHECK(rights != before);
			page = first + run.size / HV_PAGE_SIZE - 1;
			MODEL_CHECK(model_find(model, 1, page) - model_find(model, 1, first) ==
				    (int64_t)(page - first));
			MODEL_CHECK(model_run_is(model, vtl, first, page - first + 1, rights));
			seen += run.size / HV_PAGE_SIZE;
			end = run.gpa + run.size;
			before = rights;
		}
		for (i = 0; i < model->ranges; i++)
			total += model_ram[i].pages;
		MODEL_CHECK(seen == total);
	}
	MODEL_CHECK(vsm_protmap_used(model->map) <= vsm_protmap_bytes(model->map));
}

/* When no page is explicit any more, nothing of what they needed is left. */
static inline void model_close(struct model *model)
{
	uint32_t vtl, i;

	model_compare_all(model);
	for (vtl = 1; vtl <= MODEL_VTLS; vtl++) {
		for (i = 0; i < model->ranges; i++)
			MODEL_CHECK(!vsm_protmap_unset(model->map, vtl,
						       model_ram[i].first * HV_PAGE_SIZE,
						       model_ram[i].pages));
	}
	MODEL_CHECK(vsm_protmap_used(model->map) == model->idle);
	vsm_protmap_destroy(model->map);
	for (vtl = 1; vtl <= MODEL_VTLS; vtl++) {
		for (i = 0; i < MODEL_RANGES; i++)
			free(model->code[vtl][i]);
	}
}

/* A page, mostly in one of few regions so that these get into every state. */
static inline uint64_t model_page(struct model *model)
{
	static const uint64_t hot[] = { MODEL_BLOCK, MODEL_BLOCK + 512, 2 * MODEL_BLOCK - 512,
					2 * MODEL_BLOCK, MODEL_BLOCK - 512 };
	uint32_t choice = model_pick(model, 16);
	uint32_t range;

	if (choice < 13)
		return hot[choice % 5] + model_pick(model, 512);
	if (choice == 13)
		return model_ram[1].first + model_pick(model, model_ram[1].pages);
	range = model_pick(model, model->ranges);
	return model_ram[range].first + model_pick(model, model_ram[range].pages);
}

/* Few kinds of codes at a time, or all of them. */
static inline uint8_t model_code(struct model *model)
{
	static const uint8_t usual[] = { 0, 0x11, 0x11, 0x13, 0x1d, 0x1f, 0x10 };
	uint32_t choice = model_pick(model, 16);

	if (choice < 8)
		return choice % 2 ? 0x11 : 0;
	if (choice < 14)
		return usual[model_pick(model, sizeof(usual))];
	return (uint8_t)(0x10 | model_pick(model, 16));
}

static inline void model_write(struct model *model, uint32_t vtl, uint64_t page, uint64_t pages,
			       uint8_t code)
{
	uint64_t gpa = page * HV_PAGE_SIZE;
	uint64_t known = 0, room, i;
	int err;

	while ((room = model_room(model, page + known, pages - known)) != 0)
		known += room;
	err = code == MODEL_UNSET ?
		      vsm_protmap_unset(model->map, vtl, gpa, pages) :
		      vsm_protmap_set(model->map, vtl, gpa, pages, code & VSM_RIGHTS_ALL);
	if (known < pages) {
		MODEL_CHECK(err == -VSM_ERR_RANGE);
	} else if (err) {
		MODEL_CHECK(err == -VSM_ERR_NOMEM);
		model->refused++;
	} else {
		for (i = 0; i < pages; i += room) {
			room = model_room(model, page + i, pages - i);
			memset(model_find(model, vtl, page + i), code, room);
		}
		model->changes++;
	}
	model_compare_page(model, page);
	model_compare_page(model, page + pages - 1);
	model_compare_page(model, page + pages);
}

/* A list as of a hypercall: all pages get one code, then some get back what they had. */
static inline void model_list(struct model *model, uint32_t vtl)
{
	uint32_t count = 1 + model_pick(model, MODEL_LIST);
	uint8_t code = model_code(model);
	uint64_t page[MODEL_LIST];
	uint8_t old[MODEL_LIST];
	uint64_t near = model_page(model);
	uint32_t stride = model_pick(model, 3);
	uint32_t done, back, i;

	for (done = 0; done < count; done++) {
		page[done] = stride ? near + stride * done : model_page(model);
		if (!model_find(model, vtl, page[done]))
			break;
		if (protmap_page_swap(protmap_range_of(model->map, page[done]), vtl, page[done],
				      code, &old[done])) {
			model->refused++;
			break;
		}
		MODEL_CHECK(old[done] == *model_find(model, vtl, page[done]));
		*model_find(model, vtl, page[done]) = code;
	}
	/* From the last to `back`, so that a page that was named twice has the oldest in the
	 * end. */
	back = model_pick(model, 3) ? done : model_pick(model, MODEL_LIST + 1);
	for (i = done; i-- > back;) {
		protmap_page_restore(protmap_range_of(model->map, page[i]), vtl, page[i], old[i]);
		*model_find(model, vtl, page[i]) = old[i];
		model_compare_page(model, page[i]);
	}
	for (i = 0; i < done; i++)
		protmap_settle(protmap_range_of(model->map, page[i]), vtl, page[i]);
	for (i = 0; i < done; i++)
		model_compare_page(model, page[i]);
	model->changes += done;
}

static inline void model_whole(struct model *model, uint32_t vtl)
{
	uint32_t range = model_pick(model, model->ranges);
	uint8_t code = model_code(model);

	switch (model_pick(model, 4)) {
	case 0: /* a GiB */
		model_write(model, vtl, MODEL_BLOCK, MODEL_BLOCK, code);
		break;
	case 1: /* a range */
		model_write(model, vtl, model_ram[range].first, model_ram[range].pages, code);
		break;
	case 2: /* two ranges that adjoin, beginning anywhere in the first */
		model_write(model, vtl, MODEL_BLOCK + model_pick(model, 2000),
			    MODEL_BLOCK - model_pick(model, 2000), code);
		break;
	default:
		model_write(model, vtl, 2 * MODEL_BLOCK + model_pick(model, 300), 500, code);
	}
}

static inline void model_add(struct model *model)
{
	uint64_t gpa = model_ram[model->ranges % MODEL_RANGES].first * HV_PAGE_SIZE;
	uint64_t size = model_ram[model->ranges % MODEL_RANGES].pages * (uint64_t)HV_PAGE_SIZE;
	uint64_t used = vsm_protmap_used(model->map);
	int err = vsm_protmap_add(model->map, gpa, size);

	if (model->ranges == MODEL_RANGES) {
		MODEL_CHECK(err == -VSM_ERR_EXISTS);
		return;
	}
	MODEL_CHECK(err == 0 || err == -VSM_ERR_NOMEM);
	if (err)
		return;
	model->ranges++;
	model->idle += vsm_protmap_used(model->map) - used;
	model_compare_page(model, gpa / HV_PAGE_SIZE);
}

static inline void model_rare(struct model *model)
{
	switch (model_pick(model, 16)) {
	case 0:
		vsm_protmap_reset(model->map);
		model_clear(model);
		break;
	case 1:
		model_add(model);
		break;
	case 2:
	case 3:
		model_compare_all(model);
		break;
	default:
		break;
	}
}

/* One operation. */
static inline void model_step(struct model *model)
{
	uint32_t vtl = 1 + model_pick(model, 4) / 3;
	uint32_t on;

	model->ops++;
	switch (model_pick(model, 16)) {
	case 0:
		model->defaults[vtl] = (uint8_t)model_pick(model, 16);
		MODEL_CHECK(!vsm_protmap_default_set(model->map, vtl, model->defaults[vtl]));
		break;
	case 1:
		on = model_pick(model, 4) != 0;
		model->enabled[vtl] = (uint8_t)on;
		MODEL_CHECK(!vsm_protmap_enable(model->map, vtl, (int)on));
		break;
	case 2:
	case 3:
		model_list(model, vtl);
		break;
	case 4:
		model_whole(model, vtl);
		break;
	case 5:
		model_write(model, vtl, model_page(model) & ~511ull,
			    512 * (1 + model_pick(model, 3)), model_code(model));
		break;
	case 6:
	case 7:
		model_write(model, vtl, model_page(model), 1 + model_pick(model, 1200),
			    model_code(model));
		break;
	case 8:
	case 9:
		model_write(model, vtl, model_page(model), 1 + model_pick(model, 20),
			    model_code(model));
		break;
	case 10:
		model_rare(model);
		break;
	default:
		model_write(model, vtl, model_page(model), 1, model_code(model));
	}
}

#endif
