/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which pages are emulated: R and R+W, that is all but execute.
 *
 * In the slots they are holes, in the page tables of this process they are not accessible either;
 * so whatever goes wrong, nothing is executed from them. The set is bounded, since each of them
 * divides a slot and each access to them leaves the guest.
 */
#include "kvm_private.h"

#include <stdlib.h>

#define EXECUTE	 (HV_MAP_GPA_KERNEL_EXECUTABLE | HV_MAP_GPA_USER_EXECUTABLE)
#define WRITABLE 1ull

int kvm_emulate_init(struct vsm_kvm *k, uint32_t vtl)
{
	struct vk_space *space = &k->space[vtl];
	uint32_t max = k->options.emulate_execute;

	if (max == 0)
		return 0;
	space->emulated.page = calloc(max, sizeof(uint64_t));
	space->planned.page = calloc(max, sizeof(uint64_t));
	return space->emulated.page == NULL || space->planned.page == NULL ? -VSM_ERR_NOMEM : 0;
}

void kvm_emulate_fini(struct vsm_kvm *k, uint32_t vtl)
{
	free(k->space[vtl].emulated.page);
	free(k->space[vtl].planned.page);
}

int kvm_emulates(const struct vsm_kvm *k, uint32_t rights)
{
	return k->options.emulate_execute != 0 && (rights & HV_MAP_GPA_READABLE) != 0 &&
	       (rights & EXECUTE) == 0;
}

static uint64_t gpa_of(uint64_t page)
{
	return page & ~WRITABLE;
}

/* Index of the first page from `gpa` on. */
static uint32_t find(const struct vk_pages *set, uint64_t gpa)
{
	uint32_t low = 0, high = set->count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (gpa_of(set->page[mid]) < gpa)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int push(struct vk_pages *set, uint64_t page, uint32_t *left)
{
	if (*left == 0)
		return -VSM_ERR_NOMEM;
	(*left)--;
	set->page[set->count++] = page;
	return 0;
}

/* Pages of a range that have the same rights, of which there may be many. */
static int push_run(struct vsm_kvm *k, uint32_t vtl, uint64_t gpa, uint64_t end, uint32_t rights,
		    uint32_t *left)
{
	uint64_t writable = (rights & HV_MAP_GPA_WRITABLE) != 0 ? WRITABLE : 0;
	int r = 0;

	for (; gpa < end && r == 0 && kvm_emulates(k, rights); gpa += VK_PAGE)
		r = push(&k->space[vtl].planned, gpa | writable, left);
	return r;
}

/* RAM pages of an interval whose rights are to be emulated. */
static int push_anew(struct vsm_kvm *k, uint32_t vtl, const struct vk_dirty *d, uint32_t *left)
{
	uint64_t gpa = d->gpa;
	int r = 0;

	while (gpa < d->end && r == 0) {
		const struct vk_range *range = kvm_range_placed(k, gpa);
		uint64_t end = range == NULL ? kvm_range_next(k, gpa, d->end) :
					       range->gpa + range->size;
		uint32_t rights = 0;

		end = end < d->end ? end : d->end;
		if (range != NULL && range->is_ram)
			rights = kvm_rights(k, vtl, gpa, &end);
		r = push_run(k, vtl, gpa, end, rights, left);
		gpa = end;
	}
	return r;
}

int kvm_emulate_plan(struct vsm_kvm *k, uint32_t vtl, uint32_t count, uint32_t *left)
{
	const struct vk_pages *now = &k->space[vtl].emulated;
	struct vk_pages *set = &k->space[vtl].planned;
	uint32_t i = 0;
	int r = 0;

	set->count = 0;
	for (uint32_t n = 0; n < count && r == 0; n++) {
		uint32_t stop = find(now, k->dirty[n].gpa);

		for (; i < stop && r == 0; i++)
			r = push(set, now->page[i], left);
		i = find(now, k->dirty[n].end);
		if (r == 0)
			r = push_anew(k, vtl, &k->dirty[n], left);
	}
	for (; i < now->count && r == 0; i++)
		r = push(set, now->page[i], left);
	return r;
}

void kvm_emulate_turn(struct vsm_kvm *k)
{
	uint32_t pages = 0;

	for (uint32_t vtl = 0; vtl < k->vtls; vtl++) {
		struct vk_pages now = k->space[vtl].emulated;

		k->space[vtl].emulated = k->space[vtl].planned;
		k->space[vtl].planned = now;
		pages += k->space[vtl].emulated.count;
	}
	atomic_store_explicit(&k->emulated_pages, pages, memory_order_relaxed);
}

/* There is no RAM any more in it: what is left is less, so it fits. */
void kvm_emulate_forget(struct vsm_kvm *k, const struct vk_dirty *dirty)
{
	uint32_t left = k->options.emulate_execute;

	if (left == 0)
		return;
	k->dirty[0] = *dirty;
	for (uint32_t vtl = 0; vtl < k->vtls; vtl++)
		kvm_emulate_plan(k, vtl, 1, &left);
	kvm_emulate_turn(k);
}

int kvm_emulate_changed(const struct vsm_kvm *k, uint32_t vtl, const struct vk_dirty *dirty)
{
	const struct vk_pages *a = &k->space[vtl].emulated, *b = &k->space[vtl].planned;
	uint32_t i = find(a, dirty->gpa), j = find(b, dirty->gpa);

	for (;; i++, j++) {
		uint64_t in_a = i < a->count ? gpa_of(a->page[i]) : UINT64_MAX;
		uint64_t in_b = j < b->count ? gpa_of(b->page[j]) : UINT64_MAX;

		if (in_a >= dirty->end && in_b >= dirty->end)
			return 0;
		if (in_a != in_b)
			return 1;
	}
}

uint32_t kvm_emulated(const struct vsm_kvm *k, uint32_t vtl, uint64_t gpa)
{
	const struct vk_pages *set = &k->space[vtl].emulated;
	uint64_t page = gpa & ~(VK_PAGE - 1);
	uint32_t i = find(set, page);

	if (i == set->count || gpa_of(set->page[i]) != page)
		return 0;
	return (set->page[i] & WRITABLE) != 0 ? HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE :
						HV_MAP_GPA_READABLE;
}

uint64_t kvm_emulated_next(const struct vsm_kvm *k, uint32_t vtl, uint64_t gpa, uint64_t end)
{
	const struct vk_pages *set = &k->space[vtl].emulated;
	uint32_t i = find(set, gpa);

	return i < set->count && gpa_of(set->page[i]) < end ? gpa_of(set->page[i]) : end;
}
