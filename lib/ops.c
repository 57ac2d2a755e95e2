/* SPDX-License-Identifier: BSD-3-Clause */
#include "ops.h"

#include "hc_registers.h"
#include "host.h"
#include "lock.h"

int op_acquire(struct vsm_vp *vp)
{
	struct vsm *vsm = vp->vsm;
	int mine;

	lock_take(vsm, vp);
	mine = atomic_load(&vsm->op_owner) == NULL && atomic_load(&vsm->hot_add) == 0;
	if (mine)
		atomic_store(&vsm->op_owner, vp);
	else
		atomic_store(&vp->op_wait, 1); /* Under the lock: the owner cannot miss it. */
	lock_drop(vsm, vp);
	return mine;
}

static void wake_waiting(struct vsm *vsm, struct vsm_vp *vp)
{
	for (uint32_t i = 0; i < vsm->config.max_vps; i++) {
		struct vsm_vp *other = vsm->vp[i];

		if (other != NULL && atomic_exchange(&other->op_wait, 0) != 0)
			host_kick(vp, other);
	}
}

void op_release(struct vsm_vp *vp)
{
	struct vsm *vsm = vp->vsm;

	lock_take(vsm, vp);
	atomic_store(&vsm->op_owner, NULL);
	lock_drop(vsm, vp);
	wake_waiting(vsm, vp);
}

int op_acquire_host(struct vsm *vsm)
{
	int mine;

	lock_take(vsm, NULL);
	/* A reset forgets the owner; it looks at hot_add after it has forbidden entries. */
	mine = atomic_load(&vsm->op_owner) == NULL && atomic_load(&vsm->resetting) == 0;
	if (mine)
		atomic_store(&vsm->hot_add, 1);
	lock_drop(vsm, NULL);
	return mine;
}

void op_release_host(struct vsm *vsm)
{
	lock_take(vsm, NULL);
	atomic_store(&vsm->hot_add, 0);
	lock_drop(vsm, NULL);
	wake_waiting(vsm, NULL);
}

uint64_t deferred_begin(struct vsm_vp *vp,
			int (*finish)(struct vsm_vp *vp, int result, uint32_t done))
{
	/* The VP index in the low bits lets vsm_op_complete() find the VP. */
	uint64_t token = (atomic_fetch_add(&vp->vsm->token, 1) << 16) | vp->index;

	vp->deferred.finish = finish;
	/* Under the lock, as vsm_op_complete() looks at both: a late completion of an earlier op
	 * must not be taken for one of this. */
	lock_take(vp->vsm, vp);
	atomic_store(&vp->deferred.token, token);
	atomic_store(&vp->deferred.state, DEFERRED_RUNNING);
	lock_drop(vp->vsm, vp);
	return token;
}

int deferred_end(struct vsm_vp *vp, int result, uint32_t done)
{
	struct deferred *d = &vp->deferred;
	uint32_t running = DEFERRED_RUNNING;

	if (result != VSM_PENDING) {
		atomic_store(&d->state, DEFERRED_IDLE);
		return d->finish(vp, result, done);
	}
	/* The host may have completed it before its op returned. */
	if (!atomic_compare_exchange_strong(&d->state, &running, DEFERRED_WAITING))
		return deferred_poll(vp);
	return R_BLOCKED;
}

int deferred_poll(struct vsm_vp *vp)
{
	struct deferred *d = &vp->deferred;

	if (atomic_load(&d->state) != DEFERRED_DONE)
		return R_BLOCKED;
	atomic_store(&d->state, DEFERRED_IDLE);
	return d->finish(vp, d->result, d->done);
}

int vsm_op_complete(struct vsm *vsm, uint64_t token, int result, uint32_t done)
{
	uint32_t index = (uint32_t)(token & 0xffff);
	struct vsm_vp *vp;
	struct deferred *d;
	uint32_t state;
	int found;

	if (vsm == NULL || result > 0)
		return -VSM_ERR_INVAL;
	if (!vsm->realised || index >= vsm->config.max_vps || vsm->vp[index] == NULL)
		return -VSM_ERR_NOTFOUND;
	vp = vsm->vp[index];
	d = &vp->deferred;
	lock_take(vsm, NULL);
	state = atomic_load(&d->state);
	found = atomic_load(&d->token) == token &&
		(state == DEFERRED_RUNNING || state == DEFERRED_WAITING);
	if (found) {
		d->result = result;
		d->done = done;
		atomic_store(&d->state, DEFERRED_DONE);
	}
	lock_drop(vsm, NULL);
	if (!found)
		return -VSM_ERR_NOTFOUND;
	host_kick(NULL, vp);
	return 0;
}

void post_send(struct vsm_vp *vp, struct vsm_vp *target)
{
	struct post *post = &vp->post;

	post->from = vp;
	post->target = target;
	atomic_store(&post->state, POST_QUEUED);
	lock_take(vp->vsm, vp);
	post->next = atomic_load(&target->inbox);
	atomic_store(&target->inbox, post);
	lock_drop(vp->vsm, vp);
	host_kick(vp, target);
}

void post_drain(struct vsm_vp *vp)
{
	struct post *post;

	if (atomic_load(&vp->inbox) == NULL)
		return;
	lock_take(vp->vsm, vp);
	post = atomic_exchange(&vp->inbox, NULL);
	lock_drop(vp->vsm, vp);
	while (post != NULL) {
		struct post *next = post->next; /* Gone when its owner is told. */
		struct vsm_vp *from = post->from;

		post->result = registers_run(from, vp);
		atomic_store(&post->state, POST_DONE);
		host_kick(vp, from);
		post = next;
	}
}
