/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "clock.h"
#include "config.h"
#include "context.h"
#include "cpuid.h"
#include "crash.h"
#include "enforceable.h"
#include "guestmem.h"
#include "host.h"
#include "hypercall_page.h"
#include "lock.h"
#include "overlay.h"
#include "partition.h"
#include "protmap.h"
#include "sized.h"

/* Sizes in the first release; a caller's structure may not be smaller. */
#define CONFIG_LEAST	   sizeof(struct vsm_config)
#define OPS_LEAST	   sizeof(struct vsm_host_ops)
#define CAPABILITIES_LEAST sizeof(struct vsm_capabilities)
#define STATS_LEAST	   sizeof(struct vsm_stats)

#define MIN_TSC_HZ 10000000u

void *partition_alloc(struct vsm *vsm, size_t size)
{
	return host_alloc(&vsm->ops, vsm->opaque, size);
}

void partition_free(struct vsm *vsm, void *ptr, size_t size)
{
	host_free(&vsm->ops, vsm->opaque, ptr, size);
}

int vsm_partition_create(const struct vsm_config *config, const struct vsm_host_ops *ops,
			 void *opaque, struct vsm **out)
{
	struct vsm probe;
	struct vsm *vsm;
	int r;

	if (config == NULL || ops == NULL || out == NULL)
		return -VSM_ERR_INVAL;
	memset(&probe, 0, sizeof(probe));
	probe.opaque = opaque;
	if (!sized_in(&probe.ops, sizeof(probe.ops), ops, OPS_LEAST))
		return -VSM_ERR_INVAL;
	if (!sized_in(&probe.config, sizeof(probe.config), config, CONFIG_LEAST)) {
		log_misuse(&probe, "vsm_partition_create", "config.size is wrong");
		return -VSM_ERR_INVAL;
	}
	r = config_check_ops(&probe);
	if (r == 0)
		r = config_check(&probe);
	if (r != 0)
		return r;
	vsm = host_alloc(&probe.ops, opaque, sizeof(*vsm));
	if (vsm == NULL) {
		log_misuse(&probe, "vsm_partition_create", "no memory");
		return -VSM_ERR_NOMEM;
	}
	vsm->config = probe.config;
	vsm->ops = probe.ops;
	vsm->opaque = opaque;
	vsm->vtl_count = probe.config.max_vtl + 1;
	*out = vsm;
	return 0;
}

int configure_begin(struct vsm *vsm, const char *who)
{
	if (atomic_exchange(&vsm->configuring, 1) == 0)
		return 1;
	log_misuse(vsm, who, "called from within a host op");
	return 0;
}

void configure_end(struct vsm *vsm)
{
	atomic_store(&vsm->configuring, 0);
}

int entries_running(const struct vsm *vsm)
{
	if (atomic_load(&vsm->resetting) != 0 || atomic_load(&vsm->hot_add) != 0)
		return 1;
	for (uint32_t i = 0; vsm->vp != NULL && i < vsm->config.max_vps; i++) {
		if (vsm->vp[i] != NULL && atomic_load(&vsm->vp[i]->busy) != 0)
			return 1;
	}
	return 0;
}

static size_t overlay_bytes(const struct vsm *vsm)
{
	return (size_t)vsm->vtl_count * vsm->overlays_per_vtl * sizeof(*vsm->overlay);
}

/* Everything that vsm_partition_realise() made. Forgotten first: an op `free` may look around. */
static void unrealise(struct vsm *vsm)
{
	struct vsm_protmap *map = vsm->map;
	struct overlay_slot *overlay = vsm->overlay;
	struct vsm_vp **vp = vsm->vp;
	struct vtl_state *vtl = vsm->vtl;
	void *arena = vsm->arena_memory;

	vsm->map = NULL;
	vsm->overlay = NULL;
	vsm->vp = NULL;
	vsm->vtl = NULL;
	vsm->arena = NULL;
	vsm->arena_memory = NULL;
	vsm_protmap_destroy(map);
	partition_free(vsm, overlay, overlay_bytes(vsm));
	partition_free(vsm, vp, vsm->config.max_vps * sizeof(*vp));
	partition_free(vsm, vtl, vsm->vtl_count * sizeof(*vtl));
	partition_free(vsm, arena, (size_t)vsm->arena_size + HV_PAGE_SIZE);
}

/* Pages for overlays: the host's, or from the allocator, which knows nothing of pages. */
static int make_arena(struct vsm *vsm)
{
	uintptr_t at;

	vsm->arena_size = (uint64_t)vsm->vtl_count * vsm->overlays_per_vtl * (uint64_t)HV_PAGE_SIZE;
	if (vsm->ops.overlay_arena != NULL) {
		vsm->arena = vsm->ops.overlay_arena(vsm->opaque, (size_t)vsm->arena_size);
		if (((uintptr_t)vsm->arena & (HV_PAGE_SIZE - 1)) != 0) {
			log_misuse(vsm, "vsm_partition_realise",
				   "op overlay_arena gave memory that is not page-aligned");
			vsm->arena = NULL;
		}
		return vsm->arena != NULL;
	}
	vsm->arena_memory = partition_alloc(vsm, (size_t)vsm->arena_size + HV_PAGE_SIZE);
	if (vsm->arena_memory == NULL)
		return 0;
	at = (uintptr_t)vsm->arena_memory;
	vsm->arena = (uint8_t *)vsm->arena_memory + (HV_PAGE_SIZE - at % HV_PAGE_SIZE);
	return 1;
}

static int make_map(struct vsm *vsm)
{
	struct vsm_allocator allocator = { vsm->opaque, vsm->ops.alloc, vsm->ops.free };

	if (ram_ranges(vsm) == 0 || vsm->config.max_vtl == 0)
		return 0;
	return vsm_protmap_create(vsm->ops.alloc != NULL ? &allocator : NULL, vsm->config.max_vtl,
				  vsm->ram, ram_ranges(vsm), vsm->config.protmap_max_bytes,
				  &vsm->map);
}

static int make_tables(struct vsm *vsm)
{
	vsm->overlays_per_vtl = OVERLAY_OF_VPS + OVERLAYS_PER_VP * vsm->config.max_vps;
	vsm->vtl = partition_alloc(vsm, vsm->vtl_count * sizeof(*vsm->vtl));
	vsm->vp = partition_alloc(vsm, vsm->config.max_vps * sizeof(*vsm->vp));
	vsm->overlay = partition_alloc(vsm, overlay_bytes(vsm));
	if (vsm->vtl == NULL || vsm->vp == NULL || vsm->overlay == NULL || !make_arena(vsm))
		return -VSM_ERR_NOMEM;
	return make_map(vsm);
}

static int start_clock(struct vsm *vsm)
{
	if (vsm->ops.tsc == NULL || vsm->ops.tsc_hz == NULL)
		return 0;
	vsm->tsc_hz = vsm->ops.tsc_hz(vsm->opaque);
	if (vsm->tsc_hz <= MIN_TSC_HZ) {
		log_misuse(vsm, "vsm_partition_realise", "op tsc_hz gave 10 MHz or less");
		return -VSM_ERR_INVAL;
	}
	clock_start(vsm);
	return 0;
}

/* The pages whose contents are the library's. */
static void fill_pages(struct vsm *vsm)
{
	for (uint32_t vtl = 0; vtl < vsm->vtl_count; vtl++) {
		hypercall_page_fill(overlay_page(vsm, vtl, OVERLAY_HYPERCALL),
				    vsm->config.trap_kind, vsm->config.trap_port);
		clock_page_fill(vsm, overlay_page(vsm, vtl, OVERLAY_TSC));
	}
}

static void say_what_is_not_enforced(struct vsm *vsm)
{
	if ((vsm->capabilities & VSM_CAP_UNENFORCED_EXECUTE) != 0)
		log_line(vsm, LOG_UNENFORCED, VSM_LOG_WARN,
			 "execute rights are accepted from the guest but not enforced, as the "
			 "operator asked (VSM_CONFIG_ACCEPT_UNENFORCED_EXECUTE)");
}

static int realise(struct vsm *vsm)
{
	int r = start_clock(vsm);

	if (r == 0)
		r = make_tables(vsm);
	if (r == -VSM_ERR_NOMEM)
		log_misuse(vsm, "vsm_partition_realise",
			   "no memory, or more RAM than config.protmap_max_bytes can track");
	if (r != 0) {
		unrealise(vsm);
		return r;
	}
	fill_pages(vsm);
	vsm->limits.size = sizeof(vsm->limits);
	vsm->limits.cr4_mask = vsm->config.cr4_mask;
	vsm->limits.efer_mask = vsm->config.efer_mask;
	vsm->limits.phys_bits = vsm->config.phys_bits;
	cpuid_decide(vsm);
	atomic_store(&vsm->enabled, 1u);
	atomic_store(&vsm->token, 1);
	vsm->realised = 1;
	say_what_is_not_enforced(vsm);
	return 0;
}

int vsm_partition_realise(struct vsm *vsm)
{
	int r;

	if (vsm == NULL)
		return -VSM_ERR_INVAL;
	if (vsm->realised) {
		log_misuse(vsm, "vsm_partition_realise", "the partition is realised already");
		return -VSM_ERR_MISUSE;
	}
	if (!configure_begin(vsm, "vsm_partition_realise"))
		return -VSM_ERR_MISUSE;
	r = realise(vsm);
	configure_end(vsm);
	return r;
}

void vsm_partition_destroy(struct vsm *vsm)
{
	static const char who[] = "vsm_partition_destroy";
	struct vsm_host_ops ops;
	void *opaque;

	if (vsm == NULL || !configure_begin(vsm, who))
		return;
	/* What is below us on the stack would go on with memory that is gone. */
	if (entries_running(vsm) || atomic_load(&vsm->logging) != 0) {
		configure_end(vsm);
		log_misuse(vsm, who, "called from within a host op, or a VP is in an entry");
		return;
	}
	vsm->realised = 0;
	for (uint32_t i = 0; vsm->vp != NULL && i < vsm->config.max_vps; i++) {
		struct vsm_vp *vp = vsm->vp[i];

		vsm->vp[i] = NULL;
		vp_free(vsm, vp);
	}
	unrealise(vsm);
	ops = vsm->ops;
	opaque = vsm->opaque;
	host_free(&ops, opaque, vsm, sizeof(*vsm));
}

/* Rights of all RAM back to everything, for each VTL that may have been restricted. */
static int lift_protections(struct vsm *vsm)
{
	int result = 0;

	for (uint32_t vtl = 0; vtl < vsm->config.max_vtl; vtl++) {
		for (uint32_t i = 0; i < ram_ranges(vsm); i++) {
			struct vsm_protect_range range = { vsm->ram[i].gpa, vsm->ram[i].size, vtl,
							   VSM_RIGHTS_ALL };
			uint32_t done;

			if (host_protect(vsm, NULL, &range, 1, &done, 0) != 0)
				result = -VSM_ERR_HOST;
		}
	}
	return result;
}

static int reset_memory(struct vsm *vsm)
{
	int result = overlay_reset(vsm);

	/* Before any right is lifted: a device may run on, and must not find what was kept from
	 * it. If RAM cannot be zeroed the rights stay. */
	if (vsm->zero_owed && guestmem_zero(vsm) != 0)
		return -VSM_ERR_HOST;
	vsm->zero_owed = 0;
	if (vsm->map != NULL)
		vsm_protmap_reset(vsm->map);
	if ((vsm->capabilities & VSM_CAP_PROTECT) != 0 && lift_protections(vsm) != 0)
		result = -VSM_ERR_HOST;
	return result;
}

static void entries_allow(struct vsm *vsm, uint32_t vps)
{
	for (uint32_t i = 0; i < vps; i++) {
		if (vsm->vp[i] != NULL)
			atomic_store(&vsm->vp[i]->busy, 0);
	}
	atomic_store(&vsm->resetting, 0);
}

/* Every entry answers MISUSE from now on, also one from an op of the reset. 0: one is running. */
static int entries_forbid(struct vsm *vsm)
{
	if (atomic_exchange(&vsm->resetting, 1) != 0)
		return 0;
	for (uint32_t i = 0; i < vsm->config.max_vps; i++) {
		if (vsm->vp[i] != NULL && atomic_exchange(&vsm->vp[i]->busy, 1) != 0) {
			entries_allow(vsm, i);
			return 0;
		}
	}
	/* Who adds RAM looks at `resetting` under the lock. */
	lock_take(vsm, NULL);
	lock_drop(vsm, NULL);
	if (atomic_load(&vsm->hot_add) == 0)
		return 1;
	entries_allow(vsm, vsm->config.max_vps);
	return 0;
}

int partition_stop(struct vsm *vsm, const char *who)
{
	if (vsm->realised && atomic_load(&vsm->configuring) == 0 && entries_forbid(vsm))
		return 1;
	log_misuse(vsm, who, "not realised, called from within a host op, or a VP is in an entry");
	return 0;
}

void partition_go(struct vsm *vsm)
{
	entries_allow(vsm, vsm->config.max_vps);
}

void partition_forget(struct vsm *vsm)
{
	memset(vsm->vtl, 0, vsm->vtl_count * sizeof(*vsm->vtl));
	for (uint32_t i = 0; i < vsm->config.max_vps; i++) {
		if (vsm->vp[i] != NULL)
			vp_reset(vsm->vp[i]);
	}
	atomic_store(&vsm->enabled, 1u);
	atomic_store(&vsm->any_enabled, 0);
	crash_reset(vsm);
	atomic_store(&vsm->op_owner, NULL);
	vsm->flush_owed = 0;
}

int partition_power_on(struct vsm *vsm)
{
	partition_forget(vsm);
	return reset_memory(vsm);
}

/* What the host does not take back stays owed until the next reset. */
static int event_take_back(struct vsm_vp *vp)
{
	int result = 0;

	for (uint32_t vtl = 0; vtl < vp->vsm->vtl_count; vtl++) {
		if (vp->vtl[vtl].pending_event.low != 0)
			vp->event_owed |= 1u << vtl;
		if ((vp->event_owed >> vtl & 1) == 0)
			continue;
		if (host_inject(vp, vtl, NULL) != 0)
			result = -VSM_ERR_HOST;
		else
			vp->event_owed &= ~(1u << vtl);
	}
	return result;
}

int partition_events_take_back(struct vsm *vsm)
{
	int result = 0;

	for (uint32_t i = 0; i < vsm->config.max_vps; i++) {
		if (vsm->vp[i] != NULL && event_take_back(vsm->vp[i]) != 0)
			result = -VSM_ERR_HOST;
	}
	return result;
}

int vsm_partition_reset(struct vsm *vsm)
{
	int r;

	if (vsm == NULL)
		return -VSM_ERR_INVAL;
	if (!partition_stop(vsm, "vsm_partition_reset"))
		return -VSM_ERR_MISUSE;
	for (uint32_t vtl = 0; vtl < vsm->vtl_count; vtl++) {
		if ((msr_load(&vsm->vtl[vtl].config) &
		     HV_VSM_PARTITION_CONFIG_ZERO_MEMORY_ON_RESET) != 0)
			vsm->zero_owed = 1; /* Until it was done, if need be by the next reset. */
	}
	r = partition_events_take_back(vsm);
	if (partition_power_on(vsm) != 0)
		r = -VSM_ERR_HOST;
	partition_go(vsm);
	return r;
}

int vsm_capabilities_get(const struct vsm *vsm, struct vsm_capabilities *out)
{
	struct vsm_capabilities c = { .size = sizeof(c) };

	if (vsm == NULL || out == NULL)
		return -VSM_ERR_INVAL;
	if (!vsm->realised)
		return -VSM_ERR_MISUSE;
	c.flags = vsm->capabilities;
	c.enforceable = vsm->config.enforceable;
	c.accepted = vsm->accepted;
	c.enforceable_mbec = vsm->config.enforceable_mbec;
	c.accepted_mbec = vsm->accepted_mbec;
	c.max_vtl = (vsm->capabilities & VSM_CAP_VSM) != 0 ? vsm->config.max_vtl : 0;
	c.privileges = vsm->caps.privileges;
	c.features = vsm->caps.features;
	c.emulated = vsm->config.emulated & (c.enforceable | c.enforceable_mbec);
	return sized_out(out, &c, sizeof(c), CAPABILITIES_LEAST) ? 0 : -VSM_ERR_INVAL;
}

static uint64_t load(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void add_stats(struct vsm_stats *sum, const struct vp_stats *vp)
{
	sum->hypercalls += load(&vp->hypercalls);
	sum->continuations += load(&vp->continuations);
	sum->vtl_calls += load(&vp->vtl_calls);
	sum->vtl_returns += load(&vp->vtl_returns);
	sum->vtl_entries += load(&vp->vtl_entries);
	sum->intercepts += load(&vp->intercepts);
	sum->faults_retried += load(&vp->faults_retried);
	sum->pages_protected += load(&vp->pages_protected);
	sum->unenforced_execute += load(&vp->unenforced_execute);
	sum->exceptions += load(&vp->exceptions);
}

int vsm_stats_get(const struct vsm *vsm, struct vsm_stats *out)
{
	struct vsm_stats sum = { .size = sizeof(sum) };

	if (vsm == NULL || out == NULL)
		return -VSM_ERR_INVAL;
	for (uint32_t i = 0; vsm->vp != NULL && i < vsm->config.max_vps; i++) {
		if (vsm->vp[i] != NULL)
			add_stats(&sum, &vsm->vp[i]->stats);
	}
	sum.host_errors = load(&vsm->host_errors);
	return sized_out(out, &sum, sizeof(sum), STATS_LEAST) ? 0 : -VSM_ERR_INVAL;
}

int vsm_gpa_rights(const struct vsm *vsm, uint32_t vtl, uint64_t gpa, uint32_t *rights)
{
	uint32_t recorded;
	int r;

	if (vsm == NULL || rights == NULL)
		return -VSM_ERR_INVAL;
	if (!vsm->realised)
		return -VSM_ERR_MISUSE;
	if (vtl >= vsm->vtl_count)
		return -VSM_ERR_INVAL;
	if (vsm->map == NULL) {
		if (!is_ram(vsm, gpa, 1))
			return -VSM_ERR_RANGE;
		*rights = VSM_RIGHTS_ALL;
		return 0;
	}
	r = vsm_protmap_rights(vsm->map, vtl, gpa, &recorded);
	if (r == 0)
		*rights = protect_host_rights(vsm, recorded);
	return r;
}

/* Without a map: the range of RAM that the page lies in, up to `end`. */
static int run_of_ram(const struct vsm *vsm, uint64_t gpa, uint64_t *end)
{
	uint32_t count = ram_ranges(vsm);

	for (uint32_t i = 0; i < count; i++) {
		const struct vsm_range *ram = &vsm->ram[i];

		if (gpa - ram->gpa >= ram->size)
			continue;
		if (*end > ram->gpa + ram->size)
			*end = ram->gpa + ram->size;
		return 0;
	}
	return -VSM_ERR_RANGE;
}

int vsm_gpa_rights_run(const struct vsm *vsm, uint32_t vtl, uint64_t gpa, uint64_t size,
		       uint64_t *length, uint32_t *rights)
{
	uint64_t end = gpa + size;
	uint32_t recorded = VSM_RIGHTS_ALL;
	int r;

	if (vsm == NULL || length == NULL || rights == NULL)
		return -VSM_ERR_INVAL;
	if (!vsm->realised)
		return -VSM_ERR_MISUSE;
	if (vtl >= vsm->vtl_count || size == 0 || ((gpa | size) & (HV_PAGE_SIZE - 1)) != 0)
		return -VSM_ERR_INVAL;
	if (end < gpa)
		return -VSM_ERR_RANGE;
	if (vsm->map == NULL) {
		r = run_of_ram(vsm, gpa, &end);
	} else {
		r = protmap_run(vsm->map, vtl, gpa >> HV_PAGE_SHIFT, end >> HV_PAGE_SHIFT, &end,
				&recorded);
		end <<= HV_PAGE_SHIFT;
	}
	if (r != 0)
		return r;
	*length = end - gpa;
	*rights = vsm->map == NULL ? recorded : protect_host_rights(vsm, recorded);
	return 0;
}
