/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The list of guest memory. It only grows, also while VPs run: threads that hold no lock find what
 * `range_count` counts, which is raised when everything about a range is in place.
 *
 * Whoever adds RAM holds the lock from before the first slot shows it until the partition knows it,
 * and keeps all VPs out of the guest. So nobody in there can tell the steps apart, and each of them
 * can be taken back. In between the range is the one that is `placed` and not counted; its rights
 * are what vsm_ram_hot_add() says by the op protect, for the table does not know them yet.
 */
#include "kvm_private.h"

#include <errno.h>
#include <poll.h>

#define RWX HV_MAP_GPA_PERMISSIONS_MASK

/* So often RAM is offered to a partition of which a VP changes rights just now, a millisecond
 * apart. */
#define TRIES_MAX 100u

uint32_t kvm_ranges(const struct vsm_kvm *k)
{
	return atomic_load_explicit(&k->range_count, memory_order_acquire);
}

static const struct vk_range *find(const struct vsm_kvm *k, uint32_t count, uint64_t gpa)
{
	for (uint32_t i = 0; i < count; i++) {
		if (gpa - k->range[i].gpa < k->range[i].size)
			return &k->range[i];
	}
	return NULL;
}

const struct vk_range *kvm_range_find(const struct vsm_kvm *k, uint64_t gpa)
{
	return find(k, kvm_ranges(k), gpa);
}

const struct vk_range *kvm_range_placed(const struct vsm_kvm *k, uint64_t gpa)
{
	return find(k, k->placed, gpa);
}

uint64_t kvm_range_next(const struct vsm_kvm *k, uint64_t gpa, uint64_t end)
{
	for (uint32_t i = 0; i < k->placed; i++) {
		if (k->range[i].gpa > gpa && k->range[i].gpa < end)
			end = k->range[i].gpa;
	}
	return end;
}

/* The range that is being added, or NULL. */
static const struct vk_range *newcomer(const struct vsm_kvm *k)
{
	uint32_t count = kvm_ranges(k);

	return k->placed == count ? NULL : &k->range[count];
}

uint32_t kvm_rights(const struct vsm_kvm *k, uint32_t vtl, uint64_t gpa, uint64_t *end)
{
	const struct vk_range *new = newcomer(k);
	uint64_t length = VK_PAGE;
	uint32_t rights;

	if (new != NULL && gpa - new->gpa < new->size) {
		if (*end > new->gpa + new->size)
			*end = new->gpa + new->size;
		return k->new_rights[vtl];
	}
	/* Fails closed: what the table cannot tell is not there. */
	if (vsm_gpa_rights_run(k->vsm, vtl, gpa, *end - gpa, &length, &rights) != 0)
		rights = 0;
	*end = gpa + length;
	return rights;
}

int kvm_is_adding(const struct vsm_kvm *k)
{
	return atomic_load(&k->adder) == (uintptr_t)pthread_self();
}

void kvm_rights_told(struct vsm_kvm *k, const struct vsm_protect_range *ranges, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		k->new_rights[ranges[i].vtl] = ranges[i].rights;
}

/* Slots as the list says now, in each VTL. */
static int show(struct vsm_kvm *k, const struct vk_dirty *where)
{
	int result = 0;

	for (uint32_t vtl = 0; vtl < k->vtls; vtl++) {
		int r = kvm_layout_build(k, vtl, where, 1);

		if (r == 0)
			r = kvm_slots_apply(k, vtl);
		if (r == -VSM_ERR_SYS)
			kvm_fail_sys(k, "memory: KVM refused a slot, errno");
		else if (r != 0)
			kvm_fail(k, -r, "memory: there are not enough slots");
		result = result != 0 ? result : r;
	}
	return result;
}

static int is_realised(const struct vsm_kvm *k)
{
	struct vsm_capabilities caps = { .size = sizeof(caps) };

	return k->vsm != NULL && vsm_capabilities_get(k->vsm, &caps) == 0;
}

/* The partition takes the range; its op protect comes back to this thread (kvm_is_adding()). */
static int tell(struct vsm_kvm *k, const struct vk_range *range, int realised)
{
	int r;

	if (!range->is_ram)
		return 0;
	if (!realised)
		return vsm_ram_add(k->vsm, range->gpa, range->size);
	atomic_store(&k->adder, (uintptr_t)pthread_self());
	r = vsm_ram_hot_add(k->vsm, range->gpa, range->size);
	atomic_store(&k->adder, 0);
	return r;
}

/* The range is no more; `error` is why. */
static int take_back(struct vsm_kvm *k, const struct vk_dirty *where, int error)
{
	int saved = errno;

	int rights = kvm_enforce_forget(k, &k->range[k->placed - 1]);

	k->placed--;
	kvm_emulate_forget(k, where);
	if (show(k, where) != 0 || rights != 0)
		error = kvm_fail(k, VSM_ERR_STATE, "memory: it cannot be taken back");
	errno = saved;
	return error;
}

/* Under k->lock, with nobody in the guest. */
static int place(struct vsm_kvm *k, const struct vk_range *range, int realised)
{
	struct vk_dirty where = { range->gpa, range->gpa + range->size };
	uint32_t count = kvm_ranges(k);
	int r;

	k->range[count] = *range;
	for (uint32_t vtl = 0; vtl < VK_VTLS_MAX; vtl++)
		k->new_rights[vtl] = RWX;
	k->placed = count + 1;
	r = show(k, &where);
	if (r == 0)
		r = tell(k, range, realised);
	/* Whoever faulted where nothing was is to look again. */
	atomic_fetch_add(&k->epoch, 1);
	if (r != 0)
		return take_back(k, &where, r);
	atomic_store_explicit(&k->range_count, count + 1, memory_order_release);
	return 0;
}

static int try_to_place(struct vsm_kvm *k, const struct vk_range *range)
{
	int realised = is_realised(k);
	int r;

	kvm_lock_served(k, &k->lock);
	r = realised ? kvm_park_all(k) : 0;
	if (r == 0)
		r = place(k, range, realised);
	kvm_unpark(k);
	pthread_mutex_unlock(&k->lock);
	return r;
}

int kvm_range_add(struct vsm_kvm *k, const struct vk_range *range)
{
	int r = try_to_place(k, range);

	for (uint32_t i = 1; i < TRIES_MAX && r == -VSM_ERR_BUSY; i++) {
		poll(NULL, 0, 1);
		r = try_to_place(k, range);
	}
	return r != -VSM_ERR_BUSY ?
		       r :
		       kvm_fail(k, VSM_ERR_BUSY,
				"memory: a VP changes rights, or is in the guest and not kicked");
}
