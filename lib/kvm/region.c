/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Regions of 2 MiB of a view. One entry may map all of it; when a page of it is changed the kernel
 * drops that entry, and of shared memory it leaves the other pages to be faulted in anew. Where a
 * fault is this library's to serve that is done at once: it would cost the guest an exit for each
 * page.
 */
#include "kvm_private.h"

#define PAGES (VK_HUGE / VK_PAGE)

struct stretch {
	struct vk_range *range;
	uint64_t first, end; /* Pages of the range. */
	uint32_t vtl;
};

/* Pages of a region that lie before the view. */
static uint64_t lead(const struct vk_range *range, uint32_t vtl)
{
	return (uint64_t)(uintptr_t)range->view[vtl] % VK_HUGE / VK_PAGE;
}

/* The region of a page. */
static struct stretch around(struct vk_range *range, uint32_t vtl, uint64_t page)
{
	uint64_t before = lead(range, vtl);
	uint64_t at = (page + before) / PAGES * PAGES;
	struct stretch s = { .range = range, .vtl = vtl };

	s.first = at > before ? at - before : 0;
	s.end = at + PAGES - before;
	if (s.end > range->size / VK_PAGE)
		s.end = range->size / VK_PAGE;
	return s;
}

/* Show pages as the notes say, up to one that is there already. */
static void show(struct vsm_kvm *k, struct stretch s)
{
	const uint8_t *pte = s.range->pte[s.vtl];
	struct vk_run run = { .range = s.range, .vtl = s.vtl };

	for (run.first = s.first; run.first < s.end; run.first += run.pages) {
		/* Whoever ends a change takes marks off meanwhile, without this lock. */
		uint8_t note = __atomic_load_n(&pte[run.first], __ATOMIC_ACQUIRE);

		run.to = note & VK_PTE_MASK;
		run.pages = 1 + kvm_notes_same(&pte[run.first + 1], s.end - run.first - 1, note);
		if ((run.to == VK_PTE_ALL || run.to == VK_PTE_READ) &&
		    k->mechanism->show(k, &run) != run.pages)
			return;
	}
}

uint64_t kvm_regions(const struct vk_range *range)
{
	return range->size / VK_HUGE + 2;
}

void kvm_region_show(struct vsm_kvm *k, struct vk_range *range, uint32_t vtl, uint64_t page)
{
	struct stretch before = around(range, vtl, page), behind = before;

	before.end = page;
	behind.first = page + 1;
	show(k, before);
	show(k, behind);
}

void kvm_regions_show(struct vsm_kvm *k, const struct vk_run *run)
{
	uint8_t *split = run->range->split[run->vtl];
	uint64_t before = lead(run->range, run->vtl);
	uint64_t end = run->first + run->pages, page = run->first;

	while (k->mechanism->show != NULL && page < end) {
		uint64_t n = (page + before) / PAGES;
		struct stretch s = around(run->range, run->vtl, page);

		/* Once split, a region that is registered with userfaultfd stays so; and one that
		 * reaches beyond the view never was one entry. */
		if (!split[n] && s.end - s.first == PAGES)
			show(k, s);
		split[n] = 1;
		page = s.end;
	}
}
