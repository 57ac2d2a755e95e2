/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Accesses that userfaultfd told of: which VP made them, where, and whether it was going to write.
 *
 * A poison marker, by which such an access is thrown out of the guest, tells the page and no more,
 * and every other VP may run into it as well. Where the instruction does not tell it is the event
 * that says who wanted to write: the kernel names the thread (UFFD_FEATURE_THREAD_ID).
 *
 * The kernel hands out an event only while its thread waits. A moment later a signal may have got
 * that thread out, and it may be on another instruction. So a VP counts its entries into the guest,
 * and a note is made only if the count is what it was before the event was read: within one such
 * run the thread does not get past an access that is not let through. If it entered in between,
 * nobody can tell, and there is no note: the instruction is executed again, or, if the page has
 * lost all rights since, its access is told as a read.
 */
#include "kvm_private.h"

#include <sys/syscall.h>
#include <unistd.h>

void kvm_hit_enlist(struct vsm_kvm_vp *kvp)
{
	struct vk_hit *hit = &kvp->k->hit[kvp->index];

	pthread_mutex_lock(&kvp->k->pte_lock);
	hit->thread = (uint32_t)syscall(SYS_gettid);
	atomic_store(&hit->access, 0);
	pthread_mutex_unlock(&kvp->k->pte_lock);
}

/* Either this sees the note, or whoever makes it sees the new count: both are written before the
 * other is looked at. */
void kvm_hit_begin(struct vsm_kvm_vp *kvp)
{
	struct vk_hit *hit = &kvp->k->hit[kvp->index];

	if (kvp->k->mechanism->serve == NULL)
		return;
	atomic_store(&hit->run, atomic_load_explicit(&hit->run, memory_order_relaxed) + 1);
	if (atomic_load(&hit->access) == 0)
		return;
	pthread_mutex_lock(&kvp->k->pte_lock);
	atomic_store(&hit->access, 0);
	pthread_mutex_unlock(&kvp->k->pte_lock);
}

void kvm_hit_look(struct vsm_kvm *k)
{
	for (uint32_t i = 0; i < k->options.max_vps; i++)
		k->hit[i].looked = atomic_load(&k->hit[i].run);
}

int kvm_hit_note(struct vsm_kvm *k, uint32_t thread, uint32_t vtl, uint64_t page, uint32_t access)
{
	int found = 0;

	/* A thread may run several VPs, one at a time: the note is for whichever it is. */
	for (uint32_t i = 0; i < k->options.max_vps; i++) {
		struct vk_hit *hit = &k->hit[i];

		if (hit->thread == 0 || hit->thread != thread)
			continue;
		hit->vtl = vtl;
		hit->page = page;
		atomic_store(&hit->access, access);
		if (atomic_load(&hit->run) != hit->looked)
			atomic_store(&hit->access, 0);
		found = 1;
	}
	return found;
}

void kvm_hit_forget(struct vsm_kvm *k)
{
	for (uint32_t i = 0; i < k->options.max_vps; i++)
		atomic_store(&k->hit[i].access, 0);
}

/* Always under the lock: whoever is about to make the note may have let the thread go already. */
uint32_t kvm_hit_take(struct vsm_kvm_vp *kvp, uint32_t vtl, uint64_t page)
{
	struct vk_hit *hit = &kvp->k->hit[kvp->index];
	uint32_t access = 0;

	pthread_mutex_lock(&kvp->k->pte_lock);
	if (hit->vtl == vtl && hit->page == page)
		access = atomic_load(&hit->access);
	atomic_store(&hit->access, 0);
	pthread_mutex_unlock(&kvp->k->pte_lock);
	return access;
}
