/* SPDX-License-Identifier: BSD-3-Clause */
#include "startup.h"

#include "context.h"
#include "host.h"
#include "vtl_switch.h"

void startup_reset(struct vsm_vp *vp)
{
	int waits = (vp->flags & VSM_VP_WAIT_FOR_STARTUP) != 0;

	atomic_store(&vp->startup, waits ? STARTUP_WAITING : STARTUP_NONE);
	if (waits)
		atomic_store(&vp->wait, WAIT_STARTUP);
}

int startup_due(const struct vsm_vp *vp)
{
	return atomic_load(&vp->startup) == STARTUP_POSTED;
}

/* The start came to nothing; the guest may start the VP again. */
static void start_lost(struct vsm_vp *vp, const char *why)
{
	atomic_store(&vp->startup, STARTUP_WAITING);
	log_line(vp->vsm, LOG_STARTUP, VSM_LOG_ERROR, why);
}

static int load(struct vsm_vp *vp)
{
	uint32_t enabled = atomic_load(&vp->enabled);
	int r;

	/* The call that enabled the VTL here may have been taken back since. */
	if ((enabled & (1u << vp->start_vtl)) == 0) {
		start_lost(vp, "a VP was started in a VTL that is not enabled on it any more");
		return VSM_VERDICT_BLOCKED;
	}
	/* A VTL may have been enabled after run-prepare looked for contexts. Those go first, or one
	 * would be loaded over this one when its VTL is entered. */
	r = context_apply_all(vp);
	if (r == 0)
		r = context_load(vp, vp->start_vtl, &vp->start_context);
	if (r != -VSM_ERR_INVAL)
		return r == 0 ? 0 : -VSM_ERR_HOST;
	/* The guest chose the values, and must not be able to stop the whole machine by them. */
	start_lost(vp, "the host cannot take the context that a VP was started with");
	return VSM_VERDICT_BLOCKED;
}

int startup_run(struct vsm_vp *vp)
{
	uint32_t highest;
	int r;

	if (!startup_due(vp))
		return VSM_VERDICT_BLOCKED;
	r = load(vp);
	if (r != 0)
		return r;
	/* Whichever VTL was started, the highest runs first, and leaves by VTL return. */
	highest = 31u - (uint32_t)__builtin_clz(atomic_load(&vp->enabled));
	if (highest != vp_active(vp) &&
	    vtl_enter(vp, highest, HV_VTL_ENTRY_RESERVED, NULL) != R_SWITCHED)
		return -VSM_ERR_HOST;
	atomic_store(&vp->startup, STARTUP_NONE);
	atomic_store(&vp->wait, WAIT_NONE);
	return highest == 0 ? VSM_VERDICT_RESUME : VSM_VERDICT_SWITCHED;
}

int startup_denied(const struct vsm *vsm, uint32_t caller)
{
	for (uint32_t vtl = caller + 1; vtl < vsm->vtl_count; vtl++) {
		if ((msr_load(&vsm->vtl[vtl].config) &
		     HV_VSM_PARTITION_CONFIG_DENY_LOWER_VTL_STARTUP) != 0)
			return 1;
	}
	return 0;
}
