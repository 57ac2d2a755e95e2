/* SPDX-License-Identifier: BSD-3-Clause */
#include "thread.h"

#include "host.h"

static int refuse(const struct vsm_vp *vp, const char *who, const char *what)
{
	log_misuse(vp->vsm, who, what);
	return -VSM_ERR_MISUSE;
}

static int refuse_other(const struct vsm_vp *vp, const char *who)
{
	return refuse(vp, who,
		      "the VP belongs to another thread: call it there, or give the VP up with "
		      "vsm_vp_thread_release() before it moves");
}

int thread_check(const struct vsm_vp *vp, const char *who, uint64_t *self)
{
	const struct vsm *vsm = vp->vsm;
	uint64_t owner;

	*self = 0;
	if ((vsm->config.flags & VSM_CONFIG_CHECK_THREADS) == 0)
		return 0;
	*self = vsm->ops.thread_id(vsm->opaque);
	if (*self == 0)
		return refuse(vp, who, "op thread_id gave 0, which is no thread");
	owner = atomic_load_explicit(&vp->thread, memory_order_acquire);
	return owner == 0 || owner == *self ? 0 : refuse_other(vp, who);
}

int thread_bind(struct vsm_vp *vp, const char *who, uint64_t self)
{
	uint64_t owner = 0;

	if (self == 0 || atomic_compare_exchange_strong(&vp->thread, &owner, self) || owner == self)
		return 0;
	return refuse_other(vp, who);
}

int vsm_vp_thread_release(struct vsm_vp *vp)
{
	if (vp == NULL)
		return -VSM_ERR_INVAL;
	if (atomic_load(&vp->busy) != 0)
		return refuse(vp, "vsm_vp_thread_release", "the VP is in an entry");
	atomic_store_explicit(&vp->thread, 0, memory_order_release);
	return 0;
}
