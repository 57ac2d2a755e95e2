/* SPDX-License-Identifier: BSD-3-Clause */
#include "inflight.h"

#include "ops.h"

void inflight_begin(struct vsm_vp *vp)
{
	atomic_store(&vp->touching, 1);
	/* Either what is checked now is the changed map, or whoever changed it sees `touching`. */
	atomic_thread_fence(memory_order_seq_cst);
}

void inflight_end(struct vsm_vp *vp)
{
	struct vsm *vsm = vp->vsm;

	atomic_store(&vp->touching, 0);
	if (atomic_load(&vp->awaited) == 0 || atomic_exchange(&vp->awaited, 0) == 0)
		return;
	if (atomic_fetch_sub(&vsm->inflight_left, 1) == 1)
		vsm_op_complete(vsm, atomic_load(&vsm->inflight_token), 0, 0);
}

/* Wait for this VP's access. It may end meanwhile, and then one of the two takes the note back. */
static void await(struct vsm *vsm, struct vsm_vp *other)
{
	atomic_fetch_add(&vsm->inflight_left, 1);
	atomic_store(&other->awaited, 1);
	if (atomic_load(&other->touching) == 0 && atomic_exchange(&other->awaited, 0) != 0)
		atomic_fetch_sub(&vsm->inflight_left, 1);
}

/* Is anybody in such an access? The last of them then completes the token. One waiter at a time:
 * the owner of the op. */
static int pending(struct vsm_vp *vp, uint64_t token)
{
	struct vsm *vsm = vp->vsm;

	if (vsm->ops.kick == NULL)
		return 0; /* Nothing would end the wait; such a host runs one VP at a time. */
	atomic_thread_fence(memory_order_seq_cst); /* As in inflight_begin(). */
	atomic_store(&vsm->inflight_token, token);
	atomic_store(&vsm->inflight_left, 1);
	for (uint32_t i = 0; i < vsm->config.max_vps; i++) {
		struct vsm_vp *other = vsm->vp[i];

		if (other != NULL && other != vp && atomic_load(&other->touching) != 0)
			await(vsm, other);
	}
	return atomic_fetch_sub(&vsm->inflight_left, 1) != 1;
}

int inflight_wait(struct vsm_vp *vp, int (*finish)(struct vsm_vp *vp, int result, uint32_t done))
{
	uint64_t token = deferred_begin(vp, finish);

	return deferred_end(vp, pending(vp, token) ? VSM_PENDING : 0, 0);
}

void inflight_reset(struct vsm_vp *vp)
{
	atomic_store(&vp->touching, 0);
	atomic_store(&vp->awaited, 0);
}
