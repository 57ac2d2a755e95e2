/* SPDX-License-Identifier: BSD-3-Clause */
/* The ops that change what a VTL sees: rights of pages, and overlay pages. */
#include "kvm_private.h"

#include <string.h>
#include <sys/mman.h>

void *kvm_op_overlay_arena(void *opaque, size_t bytes)
{
	struct vsm_kvm *k = opaque;
	void *p;

	if (k->arena != NULL)
		return k->arena_bytes == bytes ? k->arena :
						 NULL; /* A realise that is tried again. */
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	k->arena = p;
	k->arena_bytes = bytes;
	return p;
}

/* Bring the slots of one VTL up to date. */
static int update(struct vsm_kvm *k, uint32_t vtl, uint32_t count)
{
	int r;

	count = kvm_dirty_sort(k->dirty, count);
	r = kvm_layout_build(k, vtl, k->dirty, count);
	if (r == 0)
		r = kvm_slots_apply(k, vtl);
	if (r == -VSM_ERR_SYS)
		kvm_fail_sys(k, "memory slots: KVM refused, errno");
	else if (r != 0)
		kvm_fail(k, -r, "memory slots: there are not enough of them");
	return r == -VSM_ERR_SYS ? -VSM_ERR_HOST : r;
}

static struct vk_overlay *overlay_find(struct vk_space *space, uint64_t gpa)
{
	for (uint32_t i = 0; i < space->overlay_count; i++) {
		if (space->overlay[i].gpa == gpa)
			return &space->overlay[i];
	}
	return NULL;
}

int kvm_overlay_covers(struct vsm_kvm *k, uint32_t vtl, uint64_t gpa)
{
	int covers;

	pthread_mutex_lock(&k->lock);
	covers = overlay_find(&k->space[vtl], gpa & ~(VK_PAGE - 1)) != NULL;
	pthread_mutex_unlock(&k->lock);
	return covers;
}

/* Note an overlay, or that there is none any more. */
static int overlay_note(struct vk_space *space, const struct vsm_overlay *overlay)
{
	struct vk_overlay *o = overlay_find(space, overlay->gpa);

	if (overlay->page == NULL) {
		if (o != NULL)
			*o = space->overlay[--space->overlay_count];
		return 0;
	}
	if (o == NULL) {
		if (space->overlay_count == space->overlay_max)
			return -VSM_ERR_NOMEM;
		o = &space->overlay[space->overlay_count++];
	}
	o->gpa = overlay->gpa;
	o->page = overlay->page;
	o->flags = (overlay->rights & HV_MAP_GPA_WRITABLE) != 0 ? 0 : KVM_MEM_READONLY;
	o->hidden = (overlay->rights & HV_MAP_GPA_READABLE) == 0;
	return 0;
}

/* Its slot, or the slot of what is beneath it. */
static int overlay_slot(struct vsm_kvm *k, uint32_t vtl, uint64_t gpa)
{
	k->dirty[0] = (struct vk_dirty){ gpa, gpa + VK_PAGE };
	return update(k, vtl, 1);
}

/* Its rights, where they belong to the GPA: all of them, or those of the page beneath it. */
static int overlay_rights(struct vsm_kvm *k, uint32_t vtl, uint64_t gpa)
{
	k->dirty[0] = (struct vk_dirty){ gpa, gpa + VK_PAGE };
	if ((k->mechanism->flags & VK_MECH_GPAS) == 0)
		return 0;
	return kvm_enforce_apply(k, vtl, 1);
}

/* What was done first is taken back: `before` is in effect again. */
static int overlay_undo(struct vsm_kvm *k, const struct vsm_overlay *before, uint32_t vtl,
			int is_slot, int why)
{
	struct vk_dirty where = { before->gpa, before->gpa + VK_PAGE };
	int r;

	overlay_note(&k->space[vtl], before);
	k->dirty[0] = where;
	r = is_slot ? update(k, vtl, 1) : kvm_enforce_undo(k, vtl, 1);
	return r == 0 ? why : -VSM_ERR_STATE;
}

/*
 * Show it, or what is beneath it: all of it or nothing. Rights are given when the page that they
 * are of is seen already, and taken while it is still: whatever fails on the way, and on the way
 * back, nobody has rights to a page that are another's.
 */
static int overlay_show(struct vsm_kvm *k, const struct vsm_overlay *overlay,
			const struct vsm_overlay *before)
{
	int lifts = overlay->page == NULL;
	uint32_t vtl = overlay->vtl;
	int r = overlay_note(&k->space[vtl], overlay);

	if (r != 0)
		return r;
	r = lifts ? overlay_rights(k, vtl, overlay->gpa) : overlay_slot(k, vtl, overlay->gpa);
	if (r != 0) {
		overlay_note(&k->space[vtl], before);
		return r;
	}
	r = lifts ? overlay_slot(k, vtl, overlay->gpa) : overlay_rights(k, vtl, overlay->gpa);
	return r == 0 ? 0 : overlay_undo(k, before, vtl, !lifts, r);
}

int kvm_op_overlay_map(void *opaque, const struct vsm_overlay *overlay, uint64_t token)
{
	struct vsm_kvm *k = opaque;
	struct vk_space *space = &k->space[overlay->vtl];
	struct vsm_overlay before = { .gpa = overlay->gpa };
	const struct vk_overlay *o;
	int r;

	(void)token;
	if (overlay->vtl >= k->vtls || overlay->gpa >= (1ull << k->facts.host.phys_bits) - VK_PAGE)
		return -VSM_ERR_RANGE;
	pthread_mutex_lock(&k->lock);
	kvm_park(k);
	o = overlay_find(space, overlay->gpa);
	if (o != NULL) {
		before.page = o->page;
		before.rights = (o->hidden ? 0 : HV_MAP_GPA_READABLE) |
				(o->flags == 0 ? HV_MAP_GPA_WRITABLE : 0);
	}
	r = overlay_show(k, overlay, &before);
	k->dirty[0] = (struct vk_dirty){ overlay->gpa, overlay->gpa + VK_PAGE };
	if ((k->mechanism->flags & VK_MECH_GPAS) != 0)
		kvm_enforce_keep(k, overlay->vtl, 1);
	atomic_fetch_add(&k->epoch, 1);
	kvm_unpark(k);
	pthread_mutex_unlock(&k->lock);
	return r;
}

/* Dirty intervals of one VTL among the ranges, sorted. */
static uint32_t collect(struct vsm_kvm *k, uint32_t vtl, const struct vsm_protect_range *ranges,
			uint32_t count)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (ranges[i].vtl != vtl)
			continue;
		k->dirty[n].gpa = ranges[i].gpa;
		k->dirty[n++].end = ranges[i].gpa + ranges[i].size;
	}
	return kvm_dirty_sort(k->dirty, n);
}

/* An interval that reaches over several ranges is one for slots as soon as one of them is: what has
 * not changed comes out as it was. */
static int is_for_slots(const struct vsm_kvm *k, uint32_t vtl, const struct vk_dirty *d)
{
	for (uint32_t i = 0; i < k->placed; i++) {
		const struct vk_range *range = &k->range[i];

		if (!range->by_ptes && d->gpa < range->gpa + range->size && range->gpa < d->end)
			return 1;
	}
	return kvm_emulate_changed(k, vtl, d);
}

/* Leave in k->dirty only what slots protect: of other RAM the slots stay as they are. */
static uint32_t keep_slots(struct vsm_kvm *k, uint32_t vtl, uint32_t count)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct vk_dirty d = k->dirty[i];

		if (is_for_slots(k, vtl, &d))
			k->dirty[n++] = d;
	}
	return n;
}

/* The rights of VTLs below `end` are taken back by what they were before: their slots are the older
 * layout, which kvm_slots_apply() has left in `next`. */
static int slots_undo(struct vsm_kvm *k, uint32_t end, const struct vsm_protect_range *ranges,
		      uint32_t count)
{
	int r = 0;

	for (uint32_t vtl = end; vtl > 0; vtl--) {
		if (keep_slots(k, vtl - 1, collect(k, vtl - 1, ranges, count)) != 0 &&
		    kvm_slots_apply(k, vtl - 1) != 0)
			r = -VSM_ERR_STATE;
	}
	return r;
}

static int slots_apply(struct vsm_kvm *k, const struct vsm_protect_range *ranges, uint32_t count)
{
	for (uint32_t vtl = 0; vtl < k->vtls; vtl++) {
		uint32_t n = keep_slots(k, vtl, collect(k, vtl, ranges, count));
		int r = 0;

		if (n != 0) {
			kvm_park(k);
			r = update(k, vtl, n);
			atomic_fetch_add(&k->epoch, 1);
		}
		if (r != 0)
			return slots_undo(k, vtl, ranges, count) != 0 ? -VSM_ERR_STATE : r;
	}
	return 0;
}

static int entries_apply(struct vsm_kvm *k, const struct vsm_protect_range *ranges, uint32_t count)
{
	int r = 0;

	for (uint32_t vtl = 0; vtl + 1 < k->vtls && r == 0; vtl++)
		r = kvm_enforce_apply(k, vtl, collect(k, vtl, ranges, count));
	return r;
}

/* The end of it: all VTLs keep what they have now, or go back. */
static int entries_end(struct vsm_kvm *k, const struct vsm_protect_range *ranges, uint32_t count,
		       int result)
{
	for (uint32_t vtl = 0; vtl + 1 < k->vtls; vtl++) {
		uint32_t n = collect(k, vtl, ranges, count);

		if (result != 0 && kvm_enforce_undo(k, vtl, n) != 0)
			result = -VSM_ERR_STATE;
		kvm_enforce_keep(k, vtl, n);
	}
	return result;
}

/* Find out which pages are to be emulated before anything is changed: there may be too many. */
static int plan(struct vsm_kvm *k, const struct vsm_protect_range *ranges, uint32_t count)
{
	uint32_t left = k->options.emulate_execute;
	int r = 0;

	if (left == 0)
		return 0;
	for (uint32_t vtl = 0; vtl + 1 < k->vtls && r == 0; vtl++)
		r = kvm_emulate_plan(k, vtl, collect(k, vtl, ranges, count), &left);
	if (r != 0)
		return kvm_fail(k, -r, "pages without execute right: more than are to be emulated");
	kvm_emulate_turn(k);
	return 0;
}

static int apply(struct vsm_kvm *k, const struct vsm_protect_range *ranges, uint32_t count)
{
	int by_ptes = (k->mechanism->flags & VK_MECH_PTES) != 0;
	int r = plan(k, ranges, count);

	if (r != 0)
		return r;
	if (by_ptes)
		r = entries_apply(k, ranges, count);
	if (r == 0)
		r = slots_apply(k, ranges, count);
	if (by_ptes)
		r = entries_end(k, ranges, count, r);
	if (r != 0)
		kvm_emulate_turn(k);
	return r;
}

/*
 * All ranges or none. vsm_gpa_rights() is what counts: what another VP changed meanwhile in the
 * same pages is applied with it.
 */
int kvm_op_protect(void *opaque, const struct vsm_protect_range *ranges, uint32_t count,
		   uint32_t *done, uint64_t token)
{
	struct vsm_kvm *k = opaque;
	int r;

	(void)token;
	*done = 0;
	if (count > k->dirty_max)
		return -VSM_ERR_NOMEM;
	/* RAM comes: this thread holds the lock, and has all VPs out of the guest. */
	if (kvm_is_adding(k)) {
		kvm_rights_told(k, ranges, count);
		return apply(k, ranges, count);
	}
	pthread_mutex_lock(&k->lock);
	kvm_count(&k->changes, 1);
	r = apply(k, ranges, count);
	kvm_unpark(k);
	pthread_mutex_unlock(&k->lock);
	return r;
}
