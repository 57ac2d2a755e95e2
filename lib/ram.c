/* SPDX-License-Identifier: BSD-3-Clause */
/* Guest RAM: declared before realise, or added while the guest runs. */
#include "enforceable.h"
#include "host.h"
#include "ops.h"
#include "partition.h"
#include "protmap.h"

/* 0, or what is wrong with a new range. Ranges may only be added by one thread at a time. */
static int check_range(struct vsm *vsm, const char *who, uint64_t gpa, uint64_t size)
{
	uint64_t limit = 1ULL << vsm->config.phys_bits;
	uint32_t count = ram_ranges(vsm);

	if (size == 0 || ((gpa | size) & (HV_PAGE_SIZE - 1)) != 0) {
		log_misuse(vsm, who, "gpa or size is not page-aligned, or size is 0");
		return -VSM_ERR_INVAL;
	}
	if (gpa >= limit || size > limit - gpa) {
		log_misuse(vsm, who, "the range is outside of config.phys_bits");
		return -VSM_ERR_RANGE;
	}
	for (uint32_t i = 0; i < count; i++) {
		const struct vsm_range *ram = &vsm->ram[i];

		if (gpa < ram->gpa + ram->size && ram->gpa < gpa + size) {
			log_misuse(vsm, who, "the range overlaps an earlier one");
			return -VSM_ERR_EXISTS;
		}
	}
	if (count == RAM_RANGES_MAX) {
		log_misuse(vsm, who, "more than 64 ranges");
		return -VSM_ERR_NOMEM;
	}
	return 0;
}

/* Readers find the range from here on. */
static void publish(struct vsm *vsm, uint64_t gpa, uint64_t size)
{
	uint32_t count = ram_ranges(vsm);

	vsm->ram[count].gpa = gpa;
	vsm->ram[count].size = size;
	atomic_store_explicit(&vsm->ram_count, count + 1, memory_order_release);
}

int vsm_ram_add(struct vsm *vsm, uint64_t gpa, uint64_t size)
{
	static const char who[] = "vsm_ram_add";
	int r;

	if (vsm == NULL)
		return -VSM_ERR_INVAL;
	if (vsm->realised || atomic_load(&vsm->configuring) != 0) {
		log_misuse(vsm, who, "the partition is realised already, or just now");
		return -VSM_ERR_MISUSE;
	}
	r = check_range(vsm, who, gpa, size);
	if (r == 0)
		publish(vsm, gpa, size);
	return r;
}

/* What the default masks leave a VTL of pages that nobody has set (TLFS 15.9.1). */
static uint32_t default_rights(const struct vsm *vsm, uint32_t vtl)
{
	struct protmap_view view;
	uint32_t rights = VSM_RIGHTS_ALL;

	protmap_view_now(vsm->map, &view);
	for (uint32_t above = vtl + 1; above < vsm->vtl_count; above++) {
		if ((view.enabled >> above & 1) != 0)
			rights &= view.defaults[above];
	}
	return protect_host_rights(vsm, rights);
}

/* The host enforces the rights before anybody can find the pages. */
static int protect_new(struct vsm *vsm, uint64_t gpa, uint64_t size)
{
	struct vsm_protect_range ranges[VSM_VTL_MAX];
	uint32_t count = 0;
	uint32_t done;
	int r;

	for (uint32_t vtl = 0; vtl < vsm->config.max_vtl; vtl++) {
		uint32_t rights = default_rights(vsm, vtl);

		if (rights != VSM_RIGHTS_ALL)
			ranges[count++] = (struct vsm_protect_range){ gpa, size, vtl, rights };
	}
	if (count == 0)
		return 0;
	r = host_protect(vsm, NULL, ranges, count, &done, 0);
	if (r == 0)
		return 0;
	return r == -VSM_ERR_NOMEM ? r : -VSM_ERR_HOST;
}

/* Owner of the op: no mask changes meanwhile. */
static int hot_add(struct vsm *vsm, const char *who, uint64_t gpa, uint64_t size)
{
	int r = check_range(vsm, who, gpa, size);

	if (r != 0)
		return r;
	if (vsm->map == NULL && vsm->config.max_vtl != 0) {
		log_misuse(vsm, who, "there was no RAM when the partition was realised");
		return -VSM_ERR_NOSUP;
	}
	if (vsm->map != NULL) {
		r = protect_new(vsm, gpa, size);
		if (r == 0)
			r = vsm_protmap_add(vsm->map, gpa, size);
	}
	if (r == 0)
		publish(vsm, gpa, size);
	return r;
}

int vsm_ram_hot_add(struct vsm *vsm, uint64_t gpa, uint64_t size)
{
	static const char who[] = "vsm_ram_hot_add";
	int r = -VSM_ERR_BUSY;

	if (vsm == NULL)
		return -VSM_ERR_INVAL;
	if (!vsm->realised) {
		log_misuse(vsm, who, "the partition is not realised: use vsm_ram_add()");
		return -VSM_ERR_MISUSE;
	}
	if (!configure_begin(vsm, who))
		return -VSM_ERR_MISUSE;
	if (op_acquire_host(vsm)) {
		r = hot_add(vsm, who, gpa, size);
		op_release_host(vsm);
	}
	configure_end(vsm);
	return r;
}
