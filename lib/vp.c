/* SPDX-License-Identifier: BSD-3-Clause */
/* Life and attributes of a VP. Its entries are in vp_entry.c. */
#include <string.h>

#include "context.h"
#include "host.h"
#include "inflight.h"
#include "partition.h"
#include "sized.h"
#include "startup.h"
#include "thread.h"

static size_t vp_bytes(const struct vsm *vsm)
{
	return sizeof(struct vsm_vp) + vsm->vtl_count * sizeof(struct vp_vtl);
}

/* Ranges that one list of elements can need: one per element and restricted VTL. */
static uint32_t plan_ranges(const struct vsm *vsm)
{
	return HC_LIST_MAX * (vsm->config.max_vtl == 0 ? 1 : vsm->config.max_vtl);
}

static void free_plan(struct vsm *vsm, struct protect_plan *plan, uint32_t n)
{
	partition_free(vsm, plan->ranges, n * sizeof(*plan->ranges));
	partition_free(vsm, plan->pages, 2 * HC_LIST_MAX * sizeof(*plan->pages));
}

static int alloc_plan(struct vsm *vsm, struct protect_plan *plan)
{
	uint32_t n = plan_ranges(vsm);

	plan->ranges = partition_alloc(vsm, n * sizeof(*plan->ranges));
	plan->pages = partition_alloc(vsm, 2 * HC_LIST_MAX * sizeof(*plan->pages));
	plan->max_ranges = n;
	if (plan->ranges != NULL && plan->pages != NULL)
		return 1;
	free_plan(vsm, plan, n);
	return 0;
}

void vp_free(struct vsm *vsm, struct vsm_vp *vp)
{
	if (vp == NULL)
		return;
	free_plan(vsm, &vp->plan, plan_ranges(vsm));
	partition_free(vsm, vp, vp_bytes(vsm));
}

void vp_reset(struct vsm_vp *vp)
{
	atomic_store(&vp->active_vtl, 0);
	atomic_store(&vp->enabled, 1u);
	atomic_store(&vp->context_pending, 0);
	vp->message_pending = 0;
	atomic_store(&vp->wait, WAIT_NONE);
	atomic_store(&vp->op_wait, 0);
	atomic_store(&vp->inbox, NULL);
	atomic_store(&vp->post.state, POST_IDLE);
	atomic_store(&vp->deferred.state, DEFERRED_IDLE);
	vp->has_exception = 0;
	atomic_store(&vp->thread, 0);
	vp->overlay.clear = NULL;
	inflight_reset(vp);
	startup_reset(vp);
	for (uint32_t vtl = 0; vtl < vp->vsm->vtl_count; vtl++)
		context_reset_library(vp, vtl);
}

static int check_flags(struct vsm *vsm, const struct vsm_vp_config *config)
{
	if ((config->flags & ~VSM_VP_WAIT_FOR_STARTUP) != 0 || config->reserved != 0) {
		log_misuse(vsm, "vsm_vp_create", "config.flags has an unknown bit");
		return -VSM_ERR_INVAL;
	}
	if (config->flags != 0 && (vsm->capabilities & VSM_CAP_STARTUP) == 0) {
		log_misuse(
			vsm, "vsm_vp_create",
			"VSM_VP_WAIT_FOR_STARTUP without VSM_HOST_STARTS_VPS, op kick or overlays");
		return -VSM_ERR_NOSUP;
	}
	return 0;
}

static int check_free(struct vsm *vsm, const struct vsm_vp_config *config)
{
	if (config->index >= vsm->config.max_vps) {
		log_misuse(vsm, "vsm_vp_create", "config.index is not below max_vps");
		return -VSM_ERR_INVAL;
	}
	for (uint32_t i = 0; i < vsm->config.max_vps; i++) {
		if (vsm->vp[i] == NULL)
			continue;
		if (i == config->index || vsm->vp[i]->apic_id == config->apic_id) {
			log_misuse(vsm, "vsm_vp_create", "config.index or apic_id is in use");
			return -VSM_ERR_EXISTS;
		}
	}
	return 0;
}

static int create(struct vsm *vsm, const struct vsm_vp_config *config, struct vsm_vp **out)
{
	struct vsm_vp *vp;
	int r = check_flags(vsm, config);

	if (r == 0)
		r = check_free(vsm, config);
	if (r != 0)
		return r;
	vp = partition_alloc(vsm, vp_bytes(vsm));
	if (vp == NULL || !alloc_plan(vsm, &vp->plan)) {
		partition_free(vsm, vp, vp_bytes(vsm));
		log_misuse(vsm, "vsm_vp_create", "no memory");
		return -VSM_ERR_NOMEM;
	}
	vp->vsm = vsm;
	vp->opaque = config->opaque;
	vp->index = config->index;
	vp->apic_id = config->apic_id;
	vp->flags = config->flags;
	vp_reset(vp);
	vsm->vp[config->index] = vp;
	*out = vp;
	return 0;
}

int vsm_vp_create(struct vsm *vsm, const struct vsm_vp_config *config, struct vsm_vp **out)
{
	struct vsm_vp_config copy;
	int r;

	if (vsm == NULL)
		return -VSM_ERR_INVAL;
	if (config == NULL || out == NULL) {
		log_misuse(vsm, "vsm_vp_create", "config or out is NULL");
		return -VSM_ERR_INVAL;
	}
	if (!vsm->realised) {
		log_misuse(vsm, "vsm_vp_create", "the partition is not realised");
		return -VSM_ERR_MISUSE;
	}
	if (!sized_in(&copy, sizeof(copy), config, sizeof(copy))) {
		log_misuse(vsm, "vsm_vp_create", "config.size is wrong");
		return -VSM_ERR_INVAL;
	}
	if (!configure_begin(vsm, "vsm_vp_create"))
		return -VSM_ERR_MISUSE;
	if (entries_running(vsm)) {
		log_misuse(vsm, "vsm_vp_create", "a VP is in an entry");
		r = -VSM_ERR_MISUSE;
	} else {
		r = create(vsm, &copy, out);
	}
	configure_end(vsm);
	return r;
}

void *vsm_vp_opaque(const struct vsm_vp *vp)
{
	return vp == NULL ? NULL : vp->opaque;
}

int vsm_vp_set_opaque(struct vsm_vp *vp, void *opaque)
{
	uint64_t self;
	int r;

	if (vp == NULL)
		return -VSM_ERR_INVAL;
	r = thread_check(vp, "vsm_vp_set_opaque", &self);
	if (r != 0)
		return r;
	if (atomic_load(&vp->busy) != 0) {
		log_misuse(vp->vsm, "vsm_vp_set_opaque", "called from within an entry");
		return -VSM_ERR_MISUSE;
	}
	vp->opaque = opaque;
	return 0;
}

uint32_t vsm_vp_index(const struct vsm_vp *vp)
{
	return vp == NULL ? VSM_ALL_VPS : vp->index;
}

uint32_t vsm_vp_active_vtl(const struct vsm_vp *vp)
{
	return vp == NULL ? 0 : atomic_load_explicit(&vp->active_vtl, memory_order_acquire);
}

uint32_t vsm_vp_enabled_vtls(const struct vsm_vp *vp)
{
	return vp == NULL ? 0 : atomic_load(&vp->enabled);
}

int vsm_vp_exception(const struct vsm_vp *vp, struct vsm_exception *out)
{
	uint64_t self;
	int r;

	if (vp == NULL || out == NULL)
		return -VSM_ERR_INVAL;
	r = thread_check(vp, "vsm_vp_exception", &self);
	if (r != 0)
		return r;
	if (!vp->has_exception)
		return -VSM_ERR_NOTFOUND;
	*out = vp->exception;
	return 0;
}
