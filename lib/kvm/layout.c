/* SPDX-License-Identifier: BSD-3-Clause */
/* What a VTL is to see at each guest page. No system call is made here. */
#include "kvm_private.h"

#define SOURCE_OVERLAY 0xffffffffu

const struct vk_overlay *kvm_overlay_at(const struct vk_space *space, uint64_t gpa)
{
	for (uint32_t i = 0; i < space->overlay_count; i++) {
		if (space->overlay[i].gpa == gpa)
			return &space->overlay[i];
	}
	return NULL;
}

uint64_t kvm_overlay_next(const struct vk_space *space, uint64_t gpa, uint64_t end)
{
	for (uint32_t i = 0; i < space->overlay_count; i++) {
		if (space->overlay[i].gpa > gpa && space->overlay[i].gpa < end)
			end = space->overlay[i].gpa;
	}
	return end;
}

/* Append a piece, or lengthen the last one unless that lies before `floor`. */
static int emit(struct vk_layout *out, const struct vk_piece *piece)
{
	struct vk_piece *last = out->count <= out->floor ? NULL : &out->piece[out->count - 1];

	if (last != NULL && last->gpa + last->size == piece->gpa &&
	    last->hva + last->size == piece->hva && last->flags == piece->flags &&
	    last->source == piece->source) {
		last->size += piece->size;
		return 0;
	}
	if (out->count == out->max)
		return -VSM_ERR_NOMEM;
	out->piece[out->count++] = *piece;
	return 0;
}

/* Rights as slots can show them: -1 hole, 0 all, KVM_MEM_READONLY. The same for all pages up to
 * *end, which is what was asked for or before it. */
static int run_flags(const struct vsm_kvm *k, uint32_t vtl, uint64_t gpa, uint64_t *end)
{
	uint32_t rights = kvm_rights(k, vtl, gpa, end);

	if ((rights & HV_MAP_GPA_READABLE) == 0)
		return -1;
	return (rights & HV_MAP_GPA_WRITABLE) != 0 ? 0 : (int)KVM_MEM_READONLY;
}

/* A piece without the pages that are emulated. */
static int emit_around(struct vsm_kvm *k, uint32_t vtl, struct vk_piece piece)
{
	uint64_t end = piece.gpa + piece.size;

	for (;;) {
		uint64_t hole = kvm_emulated_next(k, vtl, piece.gpa, end);
		int r = 0;

		piece.size = hole - piece.gpa;
		if (piece.size != 0)
			r = emit(&k->space[vtl].next, &piece);
		if (r != 0 || hole == end || hole + VK_PAGE == end)
			return r;
		piece.hva += piece.size + VK_PAGE;
		piece.gpa = hole + VK_PAGE;
	}
}

/* Pages [gpa, end) of one range without overlays. */
static int emit_range(struct vsm_kvm *k, uint32_t vtl, const struct vk_range *range, uint64_t gpa,
		      uint64_t end)
{
	struct vk_piece piece = { .source = (uint32_t)(range - k->range) };
	int r = 0;

	piece.gpa = gpa;
	piece.size = end - gpa;
	piece.hva = range->view[vtl] + (gpa - range->gpa);
	piece.flags = range->flags;
	if (!range->is_ram || range->by_ptes)
		return emit_around(k, vtl, piece);
	while (gpa < end && r == 0) {
		uint64_t stop = end;
		int flags = run_flags(k, vtl, gpa, &stop);

		piece.gpa = gpa;
		piece.size = stop - gpa;
		piece.flags = (uint32_t)flags;
		piece.hva = range->view[vtl] + (gpa - range->gpa);
		if (flags >= 0)
			r = emit_around(k, vtl, piece);
		gpa = stop;
	}
	return r;
}

static int emit_overlay(struct vk_layout *out, const struct vk_overlay *overlay)
{
	struct vk_piece piece = { .gpa = overlay->gpa,
				  .size = VK_PAGE,
				  .hva = overlay->page,
				  .flags = overlay->flags,
				  .source = SOURCE_OVERLAY };

	return overlay->hidden ? 0 : emit(out, &piece);
}

/* Find the pieces of [gpa, end) anew. */
static int emit_anew(struct vsm_kvm *k, uint32_t vtl, uint64_t gpa, uint64_t end)
{
	struct vk_space *space = &k->space[vtl];
	int r = 0;

	while (gpa < end && r == 0) {
		const struct vk_overlay *overlay = kvm_overlay_at(space, gpa);
		const struct vk_range *range = kvm_range_placed(k, gpa);
		uint64_t stop = kvm_overlay_next(space, gpa, end);

		if (overlay != NULL) {
			r = emit_overlay(&space->next, overlay);
			gpa += VK_PAGE;
		} else if (range != NULL) {
			if (stop > range->gpa + range->size)
				stop = range->gpa + range->size;
			r = emit_range(k, vtl, range, gpa, stop);
			gpa = stop;
		} else {
			gpa = kvm_range_next(k, gpa, stop);
		}
	}
	return r;
}

/* Copy what `now` has in [gpa, end); *i is the first piece that may reach into it. */
static int emit_kept(struct vk_space *space, uint32_t *i, uint64_t gpa, uint64_t end, int join)
{
	int r = 0;

	for (; *i < space->now.count && r == 0; (*i)++) {
		struct vk_piece piece = space->now.piece[*i];
		uint64_t piece_end = piece.gpa + piece.size;

		if (piece.gpa >= end)
			break;
		if (piece_end <= gpa)
			continue;
		if (piece.gpa < gpa) {
			piece.hva += gpa - piece.gpa;
			piece.gpa = gpa;
		}
		piece.size = (piece_end < end ? piece_end : end) - piece.gpa;
		space->next.floor = join ? 0 : space->next.count;
		r = emit(&space->next, &piece);
		if (piece_end > end)
			break;
	}
	return r;
}

static int build(struct vsm_kvm *k, uint32_t vtl, const struct vk_dirty *dirty, uint32_t count,
		 int join)
{
	struct vk_space *space = &k->space[vtl];
	uint64_t at = 0;
	uint32_t i = 0;
	int r = 0;

	space->next.count = 0;
	space->next.floor = 0;
	for (uint32_t n = 0; n < count && r == 0; n++) {
		r = emit_kept(space, &i, at, dirty[n].gpa, join);
		space->next.floor = join ? 0 : space->next.count;
		if (r == 0)
			r = emit_anew(k, vtl, dirty[n].gpa, dirty[n].end);
		at = dirty[n].end;
	}
	return r != 0 ? r : emit_kept(space, &i, at, UINT64_MAX, join);
}

/*
 * Changed pages are not joined with what lies around them: the guest that denied a page and grants
 * it again will do so once more, and then one slot is exchanged instead of three. Only when slots
 * run out everything that can be is joined.
 */
int kvm_layout_build(struct vsm_kvm *k, uint32_t vtl, const struct vk_dirty *dirty, uint32_t count)
{
	int r = build(k, vtl, dirty, count, 0);

	return r == -VSM_ERR_NOMEM ? build(k, vtl, dirty, count, 1) : r;
}

uint8_t *kvm_layout_find(const struct vk_layout *layout, uint64_t gpa, int write)
{
	uint32_t low = 0, high = layout->count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		const struct vk_piece *piece = &layout->piece[mid];

		if (gpa < piece->gpa)
			high = mid;
		else if (gpa - piece->gpa >= piece->size)
			low = mid + 1;
		else if (write && (piece->flags & KVM_MEM_READONLY) != 0)
			return NULL;
		else
			return piece->hva + (gpa - piece->gpa);
	}
	return NULL;
}

/* A page in no slot. Both, table and set: see below. */
static uint8_t *sees_emulated(struct vsm_kvm *k, uint32_t vtl, const struct vk_range *range,
			      uint64_t gpa, uint32_t need)
{
	uint32_t rights;

	if (range == NULL || kvm_overlay_at(&k->space[vtl], gpa & ~(VK_PAGE - 1)) != NULL ||
	    vsm_gpa_rights(k->vsm, vtl, gpa, &rights) != 0)
		return NULL;
	rights &= kvm_emulated(k, vtl, gpa);
	return (rights & need) != 0 ? range->host + (gpa - range->gpa) : NULL;
}

uint8_t *kvm_sees(struct vsm_kvm *k, uint32_t vtl, uint64_t gpa, int access)
{
	int write = access == VK_SEES_WRITE;
	uint8_t *p = kvm_layout_find(&k->space[vtl].now, gpa, write);
	const struct vk_range *range = kvm_range_find(k, gpa);
	uint32_t need = write ? HV_MAP_GPA_WRITABLE : HV_MAP_GPA_READABLE;
	uint64_t offset;
	uint32_t rights;

	if (p == NULL && access != VK_SEES_CODE)
		return sees_emulated(k, vtl, range, gpa, need);
	if (p == NULL || range == NULL || !range->by_ptes)
		return p;
	offset = gpa - range->gpa;
	if (p != range->view[vtl] + offset)
		return p; /* An overlay. */
	if (access == VK_SEES_CODE && kvm_enforces_execute(k))
		need = HV_MAP_GPA_EXECUTABLE;
	/* Both: the table is ahead of the entries while another VP changes them, and may go
	 * back. */
	if ((kvm_pte_rights(kvm_pte(range, vtl, offset / VK_PAGE)) & need) == 0 ||
	    vsm_gpa_rights(k->vsm, vtl, gpa, &rights) != 0 || (rights & need) == 0)
		return NULL;
	return range->host + offset;
}
