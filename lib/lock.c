/* SPDX-License-Identifier: BSD-3-Clause */
#include "lock.h"

void lock_take(struct vsm *vsm, struct vsm_vp *vp)
{
	while (atomic_exchange_explicit(&vsm->lock, 1, memory_order_acquire) != 0) {
		while (atomic_load_explicit(&vsm->lock, memory_order_relaxed) != 0)
			__builtin_ia32_pause();
	}
	if (vp != NULL)
		vp->locks_held++;
}

void lock_drop(struct vsm *vsm, struct vsm_vp *vp)
{
	if (vp != NULL)
		vp->locks_held--;
	atomic_store_explicit(&vsm->lock, 0, memory_order_release);
}
