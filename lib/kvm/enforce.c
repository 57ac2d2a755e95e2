/* SPDX-License-Identifier: BSD-3-Clause */
/* From the table to page-table entries: what differs, in runs, and back if it cannot be done. */
#include "kvm_private.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

static uint8_t load(const uint8_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

uint32_t kvm_pte(const struct vk_range *range, uint32_t vtl, uint64_t page)
{
	return range->pte[vtl] == NULL ? VK_PTE_ALL : load(&range->pte[vtl][page]) & VK_PTE_MASK;
}

uint32_t kvm_pte_rights(uint32_t pte)
{
	static const uint8_t rights[VK_PTE_MASK + 1] = {
		[VK_PTE_ALL] = HV_MAP_GPA_PERMISSIONS_MASK,
		[VK_PTE_READ] = HV_MAP_GPA_READABLE | HV_MAP_GPA_EXECUTABLE,
		[VK_PTE_BOUNCE] = HV_MAP_GPA_READABLE | HV_MAP_GPA_EXECUTABLE,
		[VK_PTE_R] = HV_MAP_GPA_READABLE,
		[VK_PTE_RW] = HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE,
	};

	return rights[pte & VK_PTE_MASK];
}

int kvm_enforces_execute(const struct vsm_kvm *k)
{
	return (k->mechanism->masks & VK_MASKS_EMULATED) == VK_MASKS_EMULATED;
}

/* ---- views ---- */

/* A byte for each page, and one for each region. */
static size_t notes_size(const struct vk_range *range)
{
	return (size_t)(range->size / VK_PAGE + kvm_regions(range));
}

int kvm_enforce_attach(struct vsm_kvm *k, struct vk_range *range, int fd)
{
	if ((k->mechanism->flags & VK_MECH_PTES) == 0)
		return 0;
	/* Entries of 2 MiB and more cannot give different rights to their pages. */
	if ((k->mechanism->flags & VK_MECH_GPAS) == 0 && kvm_file_huge(fd) != 0) {
		kvm_log(k, VSM_LOG_WARN, "RAM of huge pages is protected by memory slots", 0);
		return 0;
	}
	/* The highest VTL is restricted by nobody. */
	for (uint32_t vtl = 0; vtl + 1 < k->vtls; vtl++) {
		void *note = mmap(NULL, notes_size(range), PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (note == MAP_FAILED)
			return -1;
		range->pte[vtl] = note;
		range->split[vtl] = range->pte[vtl] + range->size / VK_PAGE;
		if (k->mechanism->attach != NULL && k->mechanism->attach(k, range, vtl) != 0)
			return -1;
	}
	range->by_ptes = 1;
	return 0;
}

void kvm_enforce_detach(struct vsm_kvm *k, struct vk_range *range)
{
	for (uint32_t vtl = 0; vtl < k->vtls; vtl++) {
		if (range->pte[vtl] != NULL)
			munmap(range->pte[vtl], notes_size(range));
	}
}

int kvm_enforce_forget(struct vsm_kvm *k, const struct vk_range *range)
{
	int r = 0;

	for (uint32_t vtl = 0; vtl + 1 < k->vtls && k->mechanism->forget != NULL; vtl++) {
		if (range->by_ptes && k->mechanism->forget(k, range, vtl) != 0)
			r = -1;
	}
	return r;
}

int kvm_view_find(struct vsm_kvm *k, uint32_t vtl, uint64_t hva, uint64_t *gpa)
{
	uint32_t count = kvm_ranges(k);

	for (uint32_t i = 0; i < count; i++) {
		const struct vk_range *range = &k->range[i];
		uint64_t offset = hva - (uint64_t)(uintptr_t)range->view[vtl];

		if (range->is_ram && offset < range->size) {
			*gpa = range->gpa + offset;
			return 0;
		}
	}
	return -1;
}

int kvm_enforce_touch(struct vsm_kvm *k, uint32_t vtl, uint64_t gpa)
{
	const struct vk_range *found = kvm_range_find(k, gpa);
	struct vk_range *range;
	int r;

	if (found == NULL || !found->by_ptes || found->pte[vtl] == NULL ||
	    k->mechanism->touch == NULL)
		return 0;
	range = &k->range[found - k->range];
	pthread_mutex_lock(&k->pte_lock);
	r = k->mechanism->touch(k, range, vtl, (gpa - range->gpa) / VK_PAGE);
	pthread_mutex_unlock(&k->pte_lock);
	return r;
}

/* ---- changes ---- */

/* Fails closed: what the mechanism cannot give is not there. */
static uint32_t pte_of(const struct vsm_kvm *k, uint32_t rights)
{
	int runs = (rights & HV_MAP_GPA_EXECUTABLE) != 0 || !kvm_enforces_execute(k);

	if ((rights & HV_MAP_GPA_READABLE) == 0 || kvm_emulates(k, rights))
		return VK_PTE_NONE;
	if ((rights & HV_MAP_GPA_WRITABLE) != 0)
		return runs ? VK_PTE_ALL : VK_PTE_RW;
	if (!runs)
		return VK_PTE_R;
	return (k->mechanism->masks & VK_MASKS_RX) == VK_MASKS_RX ? VK_PTE_READ : VK_PTE_NONE;
}

/* What a page is to be given. The same for all pages up to *end, which is what was asked for or
 * before it. Rights of a GPA would restrict an overlay page that lies there: its slot does that. */
static uint32_t wanted(const struct vsm_kvm *k, uint32_t vtl, uint64_t gpa, uint64_t *end)
{
	const struct vk_space *space = &k->space[vtl];

	if ((k->mechanism->flags & VK_MECH_GPAS) != 0) {
		if (kvm_overlay_at(space, gpa) != NULL) {
			*end = gpa + VK_PAGE;
			return VK_PTE_ALL;
		}
		*end = kvm_overlay_next(space, gpa, *end);
	}
	return pte_of(k, kvm_rights(k, vtl, gpa, end));
}

static int tightens(const struct vk_run *run)
{
	return run->to != VK_PTE_ALL && run->from != VK_PTE_NONE;
}

static void note(const struct vk_run *run, int undo)
{
	uint8_t *pte = run->range->pte[run->vtl] + run->first;
	uint32_t value = undo ? run->to : run->to | VK_PTE_CHANGED | (uint32_t)run->from << 4;

	kvm_notes_fill(pte, run->pages, (uint8_t)value);
}

/* Turn the runs round: their end first, what they went to is what they come from. */
static void turn(struct vk_run *run, uint32_t count)
{
	for (uint32_t i = 0; i < count / 2; i++) {
		struct vk_run other = run[i];

		run[i] = run[count - 1 - i];
		run[count - 1 - i] = other;
	}
	for (uint32_t i = 0; i < count; i++) {
		uint8_t from = run[i].from;

		run[i].from = run[i].to;
		run[i].to = from;
	}
}

/* Under pte_lock, which is let go meanwhile: what was given is taken away again. */
static int failed(struct vsm_kvm *k)
{
	int saved = errno;

	pthread_mutex_unlock(&k->pte_lock);
	kvm_park(k);
	pthread_mutex_lock(&k->pte_lock);
	turn(k->run, k->run_count);
	if (k->mechanism->change(k, k->run, k->run_count) != 0) {
		kvm_fail_sys(k, "enforcing rights: cannot go back, errno");
		return -VSM_ERR_STATE;
	}
	errno = saved;
	kvm_fail_sys(k, "enforcing rights failed, errno");
	return saved == ENOMEM ? -VSM_ERR_NOMEM : -VSM_ERR_HOST;
}

/* Under pte_lock: end bounces in pages that change, so that they are what the runs say they are. */
static void settle(struct vsm_kvm *k)
{
	for (uint32_t i = 0; i < k->run_count && k->bouncing != 0; i++) {
		const struct vk_run *run = &k->run[i];

		for (uint64_t n = 0; run->from == VK_PTE_READ && n < run->pages; n++) {
			if (kvm_pte(run->range, run->vtl, run->first + n) == VK_PTE_BOUNCE)
				k->mechanism->touch(k, run->range, run->vtl, run->first + n);
		}
	}
}

/* Siblings are got out of the guest once for all that an op takes away: with them in there, each
 * page costs an interrupt to each of their processors. What is given needs nobody's absence. */
static int flush(struct vsm_kvm *k, int undo)
{
	int r = 0;

	for (uint32_t i = 0; i < k->run_count; i++) {
		if (tightens(&k->run[i])) {
			kvm_park(k);
			break;
		}
	}
	pthread_mutex_lock(&k->pte_lock);
	settle(k);
	if (k->mechanism->change(k, k->run, k->run_count) == 0) {
		for (uint32_t i = 0; i < k->run_count; i++) {
			note(&k->run[i], undo);
			kvm_count(&k->changed_pages, k->run[i].pages);
		}
		kvm_count(&k->changed_ranges, k->run_count);
		atomic_fetch_add(&k->epoch, 1);
	} else {
		r = failed(k);
	}
	for (uint32_t i = 0; i < k->run_count; i++)
		kvm_regions_show(k, &k->run[i]);
	pthread_mutex_unlock(&k->pte_lock);
	k->run_count = 0;
	return r;
}

/* Pages of a range that a step looks at: [first, end). */
struct span {
	struct vk_range *range;
	uint64_t first, end;
	uint32_t vtl;
};

/* Add pages to the runs. */
static int emit(struct vsm_kvm *k, const struct span *s, uint32_t from, uint32_t to, int undo)
{
	struct vk_run *last = k->run_count == 0 ? NULL : &k->run[k->run_count - 1];
	int r = 0;

	if (last != NULL && last->range == s->range && last->first + last->pages == s->first &&
	    last->from == from && last->to == to) {
		last->pages += s->end - s->first;
		return 0;
	}
	if (k->run_count == VK_RUNS_MAX)
		r = flush(k, undo);
	k->run[k->run_count++] = (struct vk_run){ .range = s->range,
						  .vtl = s->vtl,
						  .first = s->first,
						  .pages = s->end - s->first,
						  .from = (uint8_t)from,
						  .to = (uint8_t)to };
	return r;
}

/* Bounces begin and end while nothing is locked; flush() ends those that matter. */
static uint32_t rights_of(uint32_t pte)
{
	return (pte & VK_PTE_MASK) == VK_PTE_BOUNCE ? VK_PTE_READ : pte & VK_PTE_MASK;
}

/* Bring pages that are to be alike to `to`: of those that are not yet, a run for each note. */
static int apply_alike(struct vsm_kvm *k, struct span s, uint32_t to)
{
	const uint8_t *pte = s.range->pte[s.vtl];
	uint64_t end = s.end;
	int r = 0;

	while (s.first < end && r == 0) {
		uint8_t note = load(&pte[s.first]);

		s.end = s.first + 1;
		s.end += kvm_notes_same(&pte[s.end], end - s.end, note);
		if (rights_of(note) != to)
			r = emit(k, &s, rights_of(note), to, 0);
		s.first = s.end;
	}
	return r;
}

static int apply_span(struct vsm_kvm *k, const struct span *all)
{
	uint64_t gpa = all->range->gpa + all->first * VK_PAGE;
	uint64_t end = all->range->gpa + all->end * VK_PAGE;
	int r = 0;

	while (gpa < end && r == 0) {
		struct span s = *all;
		uint64_t stop = end;
		uint32_t to = wanted(k, s.vtl, gpa, &stop);

		s.first = (gpa - s.range->gpa) / VK_PAGE;
		s.end = (stop - s.range->gpa) / VK_PAGE;
		r = apply_alike(k, s, to);
		gpa = stop;
	}
	return r;
}

static int undo_span(struct vsm_kvm *k, const struct span *all)
{
	const uint8_t *pte = all->range->pte[all->vtl];
	struct span s = *all;
	int r = 0;

	for (; s.first < all->end && r == 0; s.first = s.end) {
		uint32_t note = load(&pte[s.first]);

		s.end = s.first + 1;
		s.end += kvm_notes_same(&pte[s.end], all->end - s.end, (uint8_t)note);
		if ((note & VK_PTE_CHANGED) != 0)
			r = emit(k, &s, rights_of(note), note >> 4 & VK_PTE_MASK, 1);
	}
	return r;
}

static int keep_span(struct vsm_kvm *k, const struct span *s)
{
	(void)k;
	/* The fault path of another VP changes the rest of it under pte_lock. */
	kvm_notes_and(s->range->pte[s->vtl] + s->first, s->end - s->first, VK_PTE_MASK);
	return 0;
}

typedef int span_step(struct vsm_kvm *k, const struct span *s);

/* The pages of the dirty intervals whose rights are page-table entries. */
static int walk(struct vsm_kvm *k, uint32_t vtl, uint32_t count, span_step *step)
{
	int r = 0;

	for (uint32_t n = 0; n < count && r == 0; n++) {
		const struct vk_dirty *d = &k->dirty[n];

		for (uint32_t i = 0; i < k->placed && r == 0; i++) {
			struct vk_range *range = &k->range[i];
			uint64_t end = range->gpa + range->size;
			uint64_t gpa = d->gpa > range->gpa ? d->gpa : range->gpa;
			struct span s = { .range = range, .vtl = vtl };

			end = end < d->end ? end : d->end;
			if (!range->by_ptes || range->pte[vtl] == NULL || gpa >= end)
				continue;
			s.first = (gpa - range->gpa) / VK_PAGE;
			s.end = (end - range->gpa) / VK_PAGE;
			r = step(k, &s);
		}
	}
	return r;
}

int kvm_enforce_undo(struct vsm_kvm *k, uint32_t vtl, uint32_t count)
{
	int r;

	k->run_count = 0;
	r = walk(k, vtl, count, undo_span);
	if (r == 0 && k->run_count != 0)
		r = flush(k, 1);
	return r == 0 ? 0 : -VSM_ERR_STATE;
}

int kvm_enforce_apply(struct vsm_kvm *k, uint32_t vtl, uint32_t count)
{
	int r;

	k->run_count = 0;
	r = walk(k, vtl, count, apply_span);
	if (r == 0 && k->run_count != 0)
		r = flush(k, 0);
	if (r == 0 || r == -VSM_ERR_STATE)
		return r;
	return kvm_enforce_undo(k, vtl, count) == 0 ? r : -VSM_ERR_STATE;
}

void kvm_enforce_keep(struct vsm_kvm *k, uint32_t vtl, uint32_t count)
{
	walk(k, vtl, count, keep_span);
}
