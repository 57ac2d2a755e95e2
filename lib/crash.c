/* SPDX-License-Identifier: BSD-3-Clause */
#include "crash.h"

#include "host.h"

uint64_t crash_get(const struct vsm *vsm, uint32_t name)
{
	/* Says what can be told, not what was. */
	if (name == HV_REGISTER_CRASH_CTL)
		return HV_CRASH_CTL_CAPABILITIES;
	return msr_load(&vsm->crash[name - HV_REGISTER_CRASH_P0]);
}

void crash_set(struct vsm_vp *vp, uint32_t name, uint64_t value)
{
	struct vsm *vsm = vp->vsm;
	struct vsm_crash crash;

	if (name != HV_REGISTER_CRASH_CTL) {
		msr_store(&vsm->crash[name - HV_REGISTER_CRASH_P0], value);
		return;
	}
	if ((value & HV_CRASH_CTL_NOTIFY) == 0)
		return;
	for (uint32_t i = 0; i < CRASH_PARAMS; i++)
		crash.params[i] = msr_load(&vsm->crash[i]);
	crash.control = value;
	host_crash(vp, &crash);
}

void crash_reset(struct vsm *vsm)
{
	for (uint32_t i = 0; i < CRASH_PARAMS; i++)
		msr_store(&vsm->crash[i], 0);
}
