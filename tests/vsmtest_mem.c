/* SPDX-License-Identifier: BSD-3-Clause */
/* The fake host's memory: RAM, overlays, rights, translations. */
#include <stdlib.h>
#include <string.h>

#include "vsmtest_internal.h"

int vsmtest_page(uint64_t gpa)
{
	if (gpa < VSMTEST_RAM0_SIZE)
		return (int)(gpa / VSMTEST_PAGE);
	if (gpa >= VSMTEST_RAM1_GPA && gpa - VSMTEST_RAM1_GPA < VSMTEST_RAM1_SIZE)
		return (int)((VSMTEST_RAM0_SIZE + gpa - VSMTEST_RAM1_GPA) / VSMTEST_PAGE);
	if (gpa >= VSMTEST_HOT_GPA && gpa - VSMTEST_HOT_GPA < VSMTEST_HOT_SIZE)
		return (int)(VSMTEST_PAGES + (gpa - VSMTEST_HOT_GPA) / VSMTEST_PAGE);
	return -1;
}

uint8_t *vsmtest_ram(struct vsmtest *t, uint64_t gpa)
{
	if (gpa < VSMTEST_RAM0_SIZE)
		return t->ram[0] + gpa;
	if (gpa >= VSMTEST_RAM1_GPA && gpa - VSMTEST_RAM1_GPA < VSMTEST_RAM1_SIZE)
		return t->ram[1] + (gpa - VSMTEST_RAM1_GPA);
	if (gpa >= VSMTEST_HOT_GPA && gpa - VSMTEST_HOT_GPA < VSMTEST_HOT_SIZE)
		return t->ram[2] + (gpa - VSMTEST_HOT_GPA);
	return NULL;
}

static int in_one_page(uint64_t gpa, uint32_t len)
{
	return len && len <= VSMTEST_PAGE && gpa / VSMTEST_PAGE == (gpa + len - 1) / VSMTEST_PAGE;
}

/* I3 of doc/hostile-cases.md: a VTL gets no access through the library that it has not itself. */
static void check_rights(struct vsmtest *t, const char *op, uint64_t gpa, uint32_t wanted)
{
	const struct vsmtest_entry *entry = vsmtest_entry();
	uint32_t rights = 0, vtl;

	if (t->relaxed || entry->t != t || entry->vp == VSMTEST_ENTRY_PARTITION)
		return;
	vtl = entry->vp == VSMTEST_ENTRY_DEVICE ? entry->before : t->vp[entry->vp].active;
	if (vsm_gpa_rights(t->vsm, vtl, gpa, &rights) || (rights & wanted) != wanted)
		vsmtest_breach(t, "%s at %llx: VTL %u has rights %x only", op,
			       (unsigned long long)gpa, vtl, rights);
}

static void check_read_once(struct vsmtest *t, uint64_t gpa, uint32_t len)
{
	struct vsmtest_entry *entry = vsmtest_entry();
	uint32_t i;

	for (i = 0; i < entry->reads; i++)
		if (gpa < entry->read[i].gpa + entry->read[i].len && entry->read[i].gpa < gpa + len)
			vsmtest_breach(t, "guest bytes at %llx, length %u, were read before",
				       (unsigned long long)gpa, len);
	if (entry->reads == VSMTEST_MAX_READS) {
		vsmtest_breach(t, "more than %u reads of guest memory", VSMTEST_MAX_READS);
		return;
	}
	entry->read[entry->reads].gpa = gpa;
	entry->read[entry->reads++].len = len;
}

/* Guests may race for their memory; the tools that look for races of ours must not see it. */
static void move(struct vsmtest *t, void *to, const void *from, uint32_t len)
{
	if (t->threads)
		pthread_mutex_lock(&t->lock);
	memcpy(to, from, len);
	if (t->threads)
		pthread_mutex_unlock(&t->lock);
}

int vsmtest_op_gpa_read(void *opaque, uint64_t gpa, void *buf, uint32_t len)
{
	struct vsmtest *t = opaque;
	int result = vsmtest_op_begin(t, VSMTEST_GPA_READ, NULL, 0, gpa, len);
	const uint8_t *ram = vsmtest_ram(t, gpa);

	if (!ram || !in_one_page(gpa, len)) {
		vsmtest_breach(t, "gpa_read at %llx, length %u", (unsigned long long)gpa, len);
		return -VSM_ERR_RANGE;
	}
	check_rights(t, "gpa_read", gpa, HV_MAP_GPA_READABLE);
	check_read_once(t, gpa, len);
	if (!result)
		move(t, buf, ram, len);
	return result;
}

int vsmtest_op_gpa_write(void *opaque, uint64_t gpa, const void *buf, uint32_t len)
{
	struct vsmtest *t = opaque;
	int result = vsmtest_op_begin(t, VSMTEST_GPA_WRITE, NULL, 0, gpa, len);
	uint8_t *ram = vsmtest_ram(t, gpa);

	if (!ram || !in_one_page(gpa, len)) {
		vsmtest_breach(t, "gpa_write at %llx, length %u", (unsigned long long)gpa, len);
		return -VSM_ERR_RANGE;
	}
	check_rights(t, "gpa_write", gpa, HV_MAP_GPA_WRITABLE);
	if (!result)
		move(t, ram, buf, len);
	return result;
}

void *vsmtest_op_overlay_arena(void *opaque, size_t bytes)
{
	struct vsmtest *t = opaque;
	size_t pages = (2u + 3u * t->opts.config.max_vps) * (t->opts.config.max_vtl + 1u);

	if (vsmtest_op_begin(t, VSMTEST_OVERLAY_ARENA, NULL, 0, bytes, 0))
		return NULL;
	if (bytes != pages * VSMTEST_PAGE)
		vsmtest_breach(t, "overlay_arena of %zu bytes", bytes);
	if (t->arena) {
		if (t->arena_size < bytes)
			return NULL;
		memset(t->arena, 0, t->arena_size);
		return t->arena;
	}
	t->arena = aligned_alloc(VSMTEST_PAGE, bytes);
	if (!t->arena)
		return NULL;
	memset(t->arena, 0, bytes);
	t->arena_size = bytes;
	return t->arena;
}

const struct vsm_overlay *vsmtest_overlay(struct vsmtest *t, uint32_t vtl, uint64_t gpa)
{
	uint32_t i;

	for (i = 0; i < VSMTEST_MAX_OVERLAYS; i++)
		if (t->overlay[i].page && t->overlay[i].vtl == vtl &&
		    t->overlay[i].gpa / VSMTEST_PAGE == gpa / VSMTEST_PAGE)
			return &t->overlay[i];
	return NULL;
}

/* Show a page: what was shown there before is replaced. */
static int overlay_apply(struct vsmtest *t, const struct vsm_overlay *overlay)
{
	uint32_t i, hole = VSMTEST_MAX_OVERLAYS;

	for (i = 0; i < VSMTEST_MAX_OVERLAYS; i++) {
		struct vsm_overlay *old = &t->overlay[i];

		if (old->page && old->vtl == overlay->vtl && old->gpa == overlay->gpa)
			old->page = NULL;
		if (!old->page && hole == VSMTEST_MAX_OVERLAYS)
			hole = i;
	}
	if (!overlay->page)
		return 0;
	if (hole == VSMTEST_MAX_OVERLAYS)
		return -VSM_ERR_NOMEM;
	t->overlay[hole] = *overlay;
	return 0;
}

static void check_overlay(struct vsmtest *t, const struct vsm_overlay *overlay)
{
	const uint8_t *page = overlay->page;

	if (overlay->gpa % VSMTEST_PAGE || overlay->reserved ||
	    overlay->gpa >> t->opts.config.phys_bits || overlay->rights > VSM_RIGHTS_ALL)
		vsmtest_breach(t, "overlay_map at %llx", (unsigned long long)overlay->gpa);
	if (page && t->arena &&
	    (page < t->arena || page >= t->arena + t->arena_size ||
	     (size_t)(page - t->arena) % VSMTEST_PAGE))
		vsmtest_breach(t, "overlay_map of a page outside of the arena");
	if ((uintptr_t)page % VSMTEST_PAGE)
		vsmtest_breach(t, "overlay_map of a page that is not page-aligned");
}

int vsmtest_op_overlay_map(void *opaque, const struct vsm_overlay *overlay, uint64_t token)
{
	struct vsmtest *t = opaque;
	int result = vsmtest_op_begin(t, VSMTEST_OVERLAY_MAP, NULL, overlay->vtl, overlay->gpa,
				      overlay->page != NULL);

	check_overlay(t, overlay);
	if (result == VSM_PENDING) {
		struct vsmtest_pending *pending = &t->pending[VSMTEST_OVERLAY_MAP];

		if (pending->active)
			vsmtest_breach(t, "overlay_map while another is pending");
		pending->active = 1;
		pending->token = token;
		pending->overlay = *overlay;
		if (t->early)
			vsmtest_complete(t, VSMTEST_OVERLAY_MAP, 0, 0);
		return result;
	}
	return result ? result : overlay_apply(t, overlay);
}

/* One page: enforce what the table says now, and notice when that is not what was asked. */
static void protect_page(struct vsmtest *t, const struct vsm_protect_range *range, uint64_t gpa)
{
	int page = vsmtest_page(gpa);
	uint32_t rights = 0;
	uint8_t *view;

	if (page < 0) {
		vsmtest_breach(t, "protect at %llx, which is not RAM", (unsigned long long)gpa);
		return;
	}
	view = &t->view[range->vtl][page];
	if (vsmtest_entry()->vp == VSMTEST_ENTRY_PARTITION && gpa >= t->hot_gpa &&
	    gpa < t->hot_end) {
		/* Nobody reaches it yet, so nothing can be stale. */
		if (vsm_gpa_rights(t->vsm, range->vtl, gpa, &rights) != -VSM_ERR_RANGE)
			vsmtest_breach(t, "new RAM at %llx is known before its rights",
				       (unsigned long long)gpa);
		*view = (uint8_t)range->rights;
		return;
	}
	if (!t->relaxed && !(t->opts.config.flags & VSM_CONFIG_ACCEPT_UNENFORCED_EXECUTE) &&
	    (vsm_gpa_rights(t->vsm, range->vtl, gpa, &rights) || rights != range->rights))
		vsmtest_breach(t, "protect %x at %llx, but the table says %x", range->rights,
			       (unsigned long long)gpa, rights);
	if (*view & ~range->rights)
		t->stale[range->vtl] = 1;
	/* Only a reset may repeat itself: after a failure it cannot know what the host has. */
	if (*view == range->rights && !t->relaxed && vsmtest_entry()->vp != VSMTEST_ENTRY_PARTITION)
		vsmtest_breach(t, "protect at %llx changes nothing", (unsigned long long)gpa);
	*view = (uint8_t)range->rights;
}

static void protect_apply(struct vsmtest *t, uint32_t count)
{
	uint64_t offset;
	uint32_t i;

	for (i = 0; i < count && i < t->ranges; i++)
		for (offset = 0; offset < t->range[i].size; offset += VSMTEST_PAGE)
			protect_page(t, &t->range[i], t->range[i].gpa + offset);
}

/* By VTL, then ascending, and no two that could be one (vsm_host_ops.protect). */
static int in_order(const struct vsm_protect_range *last, const struct vsm_protect_range *next)
{
	if (last->vtl != next->vtl)
		return last->vtl < next->vtl;
	if (last->gpa + last->size == next->gpa)
		return last->rights != next->rights;
	return last->gpa + last->size < next->gpa;
}

static void check_ranges(struct vsmtest *t, const struct vsm_protect_range *ranges, uint32_t count)
{
	uint32_t i;

	if (count < 1 || count > 512 * (t->opts.config.max_vtl + 1) || count > VSMTEST_MAX_RANGES) {
		vsmtest_breach(t, "protect of %u ranges", count);
		count = count > VSMTEST_MAX_RANGES ? VSMTEST_MAX_RANGES : count;
	}
	for (i = 0; i < count; i++) {
		const struct vsm_protect_range *range = &ranges[i];

		if (range->gpa % VSMTEST_PAGE || range->size % VSMTEST_PAGE || !range->size ||
		    range->vtl >= t->opts.config.max_vtl || range->rights > VSM_RIGHTS_ALL ||
		    !((t->opts.config.enforceable | t->opts.config.enforceable_mbec) &
		      (1u << range->rights)))
			vsmtest_breach(t, "protect: range %u: gpa %llx size %llx vtl %u rights %x",
				       i, (unsigned long long)range->gpa,
				       (unsigned long long)range->size, range->vtl, range->rights);
		if (i && !in_order(&ranges[i - 1], range))
			vsmtest_breach(t, "protect: range %u: gpa %llx vtl %u is not in order", i,
				       (unsigned long long)range->gpa, range->vtl);
	}
	memcpy(t->range, ranges, count * sizeof(*ranges));
	t->ranges = count;
}

int vsmtest_op_protect(void *opaque, const struct vsm_protect_range *ranges, uint32_t count,
		       uint32_t *done, uint64_t token)
{
	struct vsmtest *t = opaque;
	int result = vsmtest_op_begin(t, VSMTEST_PROTECT, NULL, 0, ranges[0].gpa, count);

	check_ranges(t, ranges, count);
	if (result == VSM_PENDING) {
		struct vsmtest_pending *pending = &t->pending[VSMTEST_PROTECT];

		if (pending->active)
			vsmtest_breach(t, "protect while another is pending");
		pending->active = 1;
		pending->token = token;
		pending->count = count;
		if (t->early)
			vsmtest_complete(t, VSMTEST_PROTECT, 0, 0);
		return result;
	}
	if (result) {
		*done = t->fault[VSMTEST_PROTECT].done;
		/* Beyond the end: it has done all and says more. */
		protect_apply(t, *done <= count ? *done : count);
		return result;
	}
	protect_apply(t, count);
	return 0;
}

static void flush_apply(struct vsmtest *t, uint32_t vtl, uint32_t vp)
{
	if (vp == VSM_ALL_VPS)
		t->stale[vtl] = 0;
}

int vsmtest_op_tlb_flush(void *opaque, uint32_t vtl, uint32_t vp, uint64_t token)
{
	struct vsmtest *t = opaque;
	int result = vsmtest_op_begin(t, VSMTEST_TLB_FLUSH, NULL, vtl, vp, 0);

	t->flush_vtl = vtl;
	t->flush_vp = vp;
	if (result == VSM_PENDING) {
		struct vsmtest_pending *pending = &t->pending[VSMTEST_TLB_FLUSH];

		pending->active = 1;
		pending->token = token;
		pending->vtl = vtl;
		pending->vp = vp;
		if (t->early)
			vsmtest_complete(t, VSMTEST_TLB_FLUSH, 0, 0);
		return result;
	}
	if (!result)
		flush_apply(t, vtl, vp);
	return result;
}

int vsmtest_complete(struct vsmtest *t, enum vsmtest_op op, int result, uint32_t done)
{
	struct vsmtest_pending *pending = &t->pending[op];
	uint64_t token = pending->token;

	pthread_mutex_lock(&t->lock);
	pending->active = 0;
	if (op == VSMTEST_PROTECT)
		protect_apply(t, result ? done : pending->count);
	if (op == VSMTEST_OVERLAY_MAP && !result)
		overlay_apply(t, &pending->overlay);
	if (op == VSMTEST_TLB_FLUSH && !result)
		flush_apply(t, pending->vtl, pending->vp);
	pthread_mutex_unlock(&t->lock);
	return vsm_op_complete(t->vsm, token, result, done);
}
