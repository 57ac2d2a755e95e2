/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who is in the guest. Slots cannot be exchanged in one step, so while they change no VP may be in
 * there; and a kick must reach a VP that is about to enter.
 *
 * A VP says that it is in the guest before it looks whether it may; the one that parks says that
 * nobody may before it looks who is. Both orders are sequentially consistent, so one sees the
 * other.
 */
#include "kvm_private.h"

#include <poll.h>

void kvm_guest_enter(struct vsm_kvm_vp *kvp)
{
	struct vsm_kvm *k = kvp->k;

	for (;;) {
		atomic_store(&kvp->in_guest, 1);
		if (!atomic_load(&k->parked))
			return;
		atomic_store(&kvp->in_guest, 0);
		/* Whoever parks holds the lock until it is done. */
		pthread_mutex_lock(&k->lock);
		pthread_mutex_unlock(&k->lock);
	}
}

void kvm_guest_leave(struct vsm_kvm_vp *kvp)
{
	atomic_store(&kvp->in_guest, 0);
}

static void expel(struct vsm_kvm_vp *kvp)
{
	struct vsm_kvm *k = kvp->k;

	/* Before immediate_exit: see kvm_enter(). */
	atomic_store(&kvp->kicked, 1);
	for (uint32_t vtl = 0; vtl < k->vtls; vtl++)
		__atomic_store_n(&kvp->vcpu[vtl].run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	atomic_fetch_add(&k->kicks, 1);
	if (k->options.kick != NULL)
		k->options.kick(k->options.opaque, kvp->index);
}

static void park(struct vsm_kvm *k)
{
	kvm_count(&k->parks, 1);
	atomic_store(&k->parked, 1);
	for (uint32_t i = 0; i < k->options.max_vps; i++) {
		if (k->vp[i] != NULL && atomic_load(&k->vp[i]->in_guest))
			expel(k->vp[i]);
	}
	for (uint32_t i = 0; i < k->options.max_vps; i++) {
		while (k->vp[i] != NULL && atomic_load(&k->vp[i]->in_guest)) {
			/* It may stand in KVM's emulator, where no signal reaches it, until its
			 * access is served; do not rely on the VMM's thread. */
			if (k->mechanism->serve != NULL)
				k->mechanism->serve(k);
			poll(NULL, 0, 0);
		}
	}
}

/* The caller's own VP is in a host op, hence not in the guest. */
void kvm_park(struct vsm_kvm *k)
{
	if (k->options.max_vps > 1 && !atomic_load(&k->parked))
		park(k);
}

/* The caller may be no VP. Without a signal one that is in the guest may stay there for ever. */
int kvm_park_all(struct vsm_kvm *k)
{
	int has_signal = k->options.kick_signal != 0 && k->options.kick != NULL;

	atomic_store(&k->parked, 1);
	for (uint32_t i = 0; i < k->options.max_vps && !has_signal; i++) {
		if (k->vp[i] != NULL && atomic_load(&k->vp[i]->in_guest))
			return -VSM_ERR_BUSY;
	}
	park(k);
	return 0;
}

void kvm_unpark(struct vsm_kvm *k)
{
	atomic_store(&k->parked, 0);
}

void kvm_lock_served(struct vsm_kvm *k, pthread_mutex_t *mutex)
{
	struct pollfd event = { .fd = k->uffd, .events = POLLIN };

	if (k->mechanism->serve == NULL) {
		pthread_mutex_lock(mutex);
		return;
	}
	while (pthread_mutex_trylock(mutex) != 0) {
		k->mechanism->serve(k);
		poll(&event, 1, 1);
	}
}

void kvm_op_kick(void *vp)
{
	expel(vp);
}

void vsm_kvm_kick(struct vsm_kvm_vp *kvp)
{
	if (kvp != NULL)
		expel(kvp);
}
