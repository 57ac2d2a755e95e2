/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory of the machine on libunicorn: RAM in blocks of 2 MiB. A block in which a page lacks read
 * or write is mapped without both, and libunicorn asks at each access (on_denied() in
 * unicorn_engine.c): changing rights page by page takes it milliseconds. What a mapping takes it
 * grows with the square of their number, so each span of 64 MiB is one until a block of it is
 * closed, or an overlay lies over it.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "unicorn_machine.h"

_Static_assert(((uint64_t)VMM_MEMORY_MAX_MIB << 20) / UNI_SPAN_SIZE <= 64,
	       "uni_cpu.split has a bit for each span");

#define RIGHTS_RW (HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE)

static uint64_t block_size(const struct unicorn_machine *m, uint64_t block)
{
	uint64_t left = m->vmm->ram_size - block * UNI_BLOCK_SIZE;

	return left < UNI_BLOCK_SIZE ? left : UNI_BLOCK_SIZE;
}

static const struct vsm_overlay *find_overlay(const struct uni_view *v, uint64_t gpa)
{
	for (uint32_t i = 0; i < v->overlays; i++) {
		if (v->overlay[i].gpa == gpa / UNI_PAGE_SIZE * UNI_PAGE_SIZE)
			return &v->overlay[i];
	}
	return NULL;
}

int uni_memory_is_overlay(const struct unicorn_machine *m, uint32_t vtl, uint64_t gpa)
{
	return find_overlay(&m->view[vtl], gpa) != NULL;
}

uint8_t *uni_memory_page(struct unicorn_machine *m, uint32_t vtl, uint64_t gpa)
{
	const struct vsm_overlay *o = find_overlay(&m->view[vtl], gpa);

	if (o)
		return o->page;
	return gpa < m->vmm->ram_size ? m->vmm->ram + gpa / UNI_PAGE_SIZE * UNI_PAGE_SIZE : NULL;
}

uint32_t uni_memory_rights(const struct unicorn_machine *m, uint32_t vtl, uint64_t gpa)
{
	const struct vsm_overlay *o = find_overlay(&m->view[vtl], gpa);

	if (o)
		return o->rights;
	return gpa < m->vmm->ram_size ? m->view[vtl].rights[gpa / UNI_PAGE_SIZE] : 0;
}

/*
 * Translations that an engine may have of a page's code. One page at a time: dropping all of them
 * takes libunicorn seconds.
 */
static void drop_code(struct uni_cpu *c, uint64_t gpa)
{
	uint64_t page = gpa / UNI_PAGE_SIZE * UNI_PAGE_SIZE;

	uc_ctl_remove_cache(c->uc, page, page + UNI_PAGE_SIZE);
	c->m->counters.code_drops++;
}

void uni_memory_written(struct unicorn_machine *m, uint64_t gpa, uint32_t bit)
{
	uint32_t *code = &m->code[gpa / UNI_PAGE_SIZE], others = *code & ~bit;

	*code &= bit;
	for (uint32_t i = 0; others; i++, others >>= 1) {
		if (others & 1)
			drop_code(&m->vp[i / UNI_VTLS].cpu[i % UNI_VTLS], gpa);
	}
}

/* Before the mapping of RAM changes: libunicorn finds code by what is mapped. */
static void forget_code(struct uni_cpu *c, uint64_t from, uint64_t end)
{
	for (; from < end && from < c->m->vmm->ram_size; from += UNI_PAGE_SIZE) {
		uint32_t *code = &c->m->code[from / UNI_PAGE_SIZE];

		if (*code & c->bit)
			drop_code(c, from);
		*code &= ~c->bit;
	}
}

/* RAM of [from, end), in pieces of this size. */
static int map_pieces(struct uni_cpu *c, uint64_t from, uint64_t end, uint64_t size)
{
	uint64_t next;

	for (; from < end; from = next) {
		next = from + size < end ? from + size : end;
		if (uc_mem_map_ptr(c->uc, from, next - from, UC_PROT_ALL, c->m->vmm->ram + from) !=
		    UC_ERR_OK)
			return -1;
	}
	return 0;
}

int uni_memory_map(struct uni_cpu *c)
{
	return map_pieces(c, 0, c->m->vmm->ram_size, UNI_SPAN_SIZE);
}

/* Before a part of it is mapped otherwise: libunicorn would copy the rest. */
static int split_span(struct uni_cpu *c, uint64_t gpa)
{
	uint64_t from = gpa / UNI_SPAN_SIZE * UNI_SPAN_SIZE, end = from + UNI_SPAN_SIZE;
	uint64_t bit = 1ull << gpa / UNI_SPAN_SIZE;

	if (c->split & bit)
		return 0;
	if (end > c->m->vmm->ram_size)
		end = c->m->vmm->ram_size;
	forget_code(c, from, end);
	if (uc_mem_unmap(c->uc, from, end - from) != UC_ERR_OK)
		return -1;
	c->split |= bit;
	return map_pieces(c, from, end, UNI_BLOCK_SIZE);
}

/*
 * Mapped anew and not by uc_mem_protect(): that makes memory read-only in a way in which stores
 * that on_denied() lets through are lost.
 */
static int map_ram(struct uni_cpu *c, uint64_t from, uint64_t end, int closed)
{
	if (from == end)
		return 0;
	forget_code(c, from, end);
	if (uc_mem_unmap(c->uc, from, end - from) != UC_ERR_OK ||
	    uc_mem_map_ptr(c->uc, from, end - from, closed ? UC_PROT_EXEC : UC_PROT_ALL,
			   c->m->vmm->ram + from) != UC_ERR_OK)
		return -1;
	return 0;
}

/* The block's mapping in one engine, around overlay pages. */
static int map_block(struct uni_cpu *c, uint64_t block, int closed)
{
	uint64_t from = block * UNI_BLOCK_SIZE, end = from + block_size(c->m, block), at;

	if (split_span(c, from) < 0)
		return -1;
	for (at = from; at < end; at += UNI_PAGE_SIZE) {
		if (!find_overlay(&c->m->view[c->vtl], at))
			continue;
		if (map_ram(c, from, at, closed) < 0)
			return -1;
		from = at + UNI_PAGE_SIZE;
	}
	return map_ram(c, from, end, closed);
}

static int set_block(struct unicorn_machine *m, uint32_t vtl, uint64_t block, int closed)
{
	for (uint32_t i = 0; i < m->vps; i++) {
		if (map_block(&m->vp[i].cpu[vtl], block, closed) < 0)
			return -1;
	}
	m->view[vtl].closed[block] = closed != 0;
	m->counters.blocks_closed += closed != 0;
	return 0;
}

static void set_rights(struct uni_view *v, uint64_t page, uint8_t rights)
{
	uint64_t block = page / (UNI_BLOCK_SIZE / UNI_PAGE_SIZE);
	int was = (v->rights[page] & RIGHTS_RW) != RIGHTS_RW;
	int is = (rights & RIGHTS_RW) != RIGHTS_RW;

	v->rights[page] = rights;
	v->restricted[block] = (uint16_t)(v->restricted[block] + is - was);
}

/*
 * A block whose last restriction goes stays closed unless all of it was named: pages that are taken
 * and granted again one by one would change its mapping each time.
 */
int uni_memory_protect(struct unicorn_machine *m, const struct vsm_protect_range *range)
{
	struct uni_view *v = &m->view[range->vtl];
	uint64_t page = range->gpa / UNI_PAGE_SIZE, end = page + range->size / UNI_PAGE_SIZE;
	uint64_t first = range->gpa / UNI_BLOCK_SIZE;
	uint64_t last = (range->gpa + range->size - 1) / UNI_BLOCK_SIZE;
	int is_new = range->gpa >= m->vmm->ram_size;
	uint32_t rights = range->rights;

	for (; page < end; page++) {
		/* The table, not the request: doc/host-contract.md. New RAM is not in it
		 * yet. */
		if (!is_new &&
		    vsm_gpa_rights(m->vsm, range->vtl, page * UNI_PAGE_SIZE, &rights) < 0)
			return -VSM_ERR_RANGE;
		set_rights(v, page, (uint8_t)rights);
	}
	for (uint64_t b = first; b <= last && !is_new; b++) {
		int whole = range->gpa <= b * UNI_BLOCK_SIZE &&
			    range->gpa + range->size >= b * UNI_BLOCK_SIZE + block_size(m, b);

		if (v->restricted[b] && !v->closed[b]) {
			if (set_block(m, range->vtl, b, 1) < 0)
				return -VSM_ERR_STATE;
		} else if (!v->restricted[b] && v->closed[b] && whole) {
			if (set_block(m, range->vtl, b, 0) < 0)
				return -VSM_ERR_STATE;
		}
	}
	return 0;
}

static uint32_t uc_rights(uint32_t rights)
{
	return (rights & HV_MAP_GPA_READABLE ? UC_PROT_READ : 0) |
	       (rights & HV_MAP_GPA_WRITABLE ? UC_PROT_WRITE : 0) | UC_PROT_EXEC;
}

/* What was at the page goes; RAM or an overlay page comes. `page` NULL: nothing. */
static int map_page(struct uni_cpu *c, uint64_t gpa, int was_mapped, void *page, uint32_t rights)
{
	if (gpa < c->m->vmm->ram_size && split_span(c, gpa) < 0)
		return -1;
	forget_code(c, gpa, gpa + UNI_PAGE_SIZE);
	if (was_mapped && uc_mem_unmap(c->uc, gpa, UNI_PAGE_SIZE) != UC_ERR_OK)
		return -1;
	if (page && uc_mem_map_ptr(c->uc, gpa, UNI_PAGE_SIZE, uc_rights(rights), page) != UC_ERR_OK)
		return -1;
	return 0;
}

/* What lies beneath an overlay, as set_block() would have it. */
static int map_beneath(struct uni_cpu *c, uint64_t gpa)
{
	int closed;

	if (gpa >= c->m->vmm->ram_size)
		return map_page(c, gpa, 1, NULL, 0);
	closed = c->m->view[c->vtl].closed[gpa / UNI_BLOCK_SIZE];
	return map_page(c, gpa, 1, c->m->vmm->ram + gpa, closed ? 0 : RIGHTS_RW);
}

static uint64_t on_device_read(uc_engine *uc, uint64_t offset, unsigned size, void *opaque)
{
	const struct uni_device_page *d = opaque;
	uint64_t data = 0;

	(void)uc;
	devices_mmio_read(&d->cpu->m->vmm->devices, d->gpa + offset, &data, size > 8 ? 8 : size);
	return data;
}

static void on_device_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value,
			    void *opaque)
{
	const struct uni_device_page *d = opaque;

	(void)uc;
	(void)size;
	(void)value;
	devices_mmio_write(&d->cpu->m->vmm->devices, d->gpa + offset);
}

int uni_memory_unmap_devices(struct uni_cpu *c)
{
	while (c->device_pages) {
		if (uc_mem_unmap(c->uc, c->device_page[c->device_pages - 1].gpa, UNI_PAGE_SIZE))
			return -1;
		c->device_pages--;
	}
	return 0;
}

int uni_memory_map_device(struct uni_cpu *c, uint64_t gpa)
{
	struct uni_device_page *d;

	if (c->device_pages == UNI_DEVICE_PAGES && uni_memory_unmap_devices(c) < 0)
		return -1;
	d = &c->device_page[c->device_pages];
	d->cpu = c;
	d->gpa = gpa;
	if (uc_mmio_map(c->uc, gpa, UNI_PAGE_SIZE, on_device_read, d, on_device_write, d))
		return -1;
	c->device_pages++;
	return 0;
}

static int map_overlay(struct uni_cpu *c, const struct vsm_overlay *o, int had)
{
	/* One of them may be where the overlay goes. */
	if (uni_memory_unmap_devices(c) < 0)
		return -1;
	return map_page(c, o->gpa, had || o->gpa < c->m->vmm->ram_size, o->page, o->rights);
}

static void forget_overlay(struct uni_view *v, uint64_t gpa)
{
	for (uint32_t i = 0; i < v->overlays; i++) {
		if (v->overlay[i].gpa == gpa)
			v->overlay[i--] = v->overlay[--v->overlays];
	}
}

int uni_memory_overlay(struct unicorn_machine *m, const struct vsm_overlay *overlay)
{
	struct uni_view *v = &m->view[overlay->vtl];
	int had = find_overlay(v, overlay->gpa) != NULL;
	int r = 0;

	if (!had && !overlay->page)
		return 0;
	if (!had && v->overlays == UNI_OVERLAYS_MAX)
		return -VSM_ERR_NOMEM;
	for (uint32_t i = 0; i < m->vps && r == 0; i++) {
		struct uni_cpu *c = &m->vp[i].cpu[overlay->vtl];

		r = overlay->page ? map_overlay(c, overlay, had) : map_beneath(c, overlay->gpa);
	}
	if (r < 0)
		return -VSM_ERR_STATE;
	forget_overlay(v, overlay->gpa);
	if (overlay->page)
		v->overlay[v->overlays++] = *overlay;
	return 0;
}

/* A whole span, or the last one. What lies there already stays on top. */
static int map_new_span(struct uni_cpu *c, uint64_t from, uint64_t end)
{
	const struct uni_view *v = &c->m->view[c->vtl];
	uint64_t at, size = UNI_SPAN_SIZE;

	for (uint32_t i = 0; i < v->overlays; i++) {
		if (v->overlay[i].gpa - from < end - from)
			size = UNI_BLOCK_SIZE;
	}
	if (size == UNI_BLOCK_SIZE)
		c->split |= 1ull << from / UNI_SPAN_SIZE;
	for (at = from; at < end; at += UNI_PAGE_SIZE) {
		if (!find_overlay(v, at))
			continue;
		if (map_pieces(c, from, at, size) < 0)
			return -1;
		from = at + UNI_PAGE_SIZE;
	}
	return map_pieces(c, from, end, size);
}

static int map_new(struct uni_cpu *c, uint64_t from, uint64_t end)
{
	uint64_t next;

	/* One of them may be where RAM comes. */
	if (uni_memory_unmap_devices(c) < 0)
		return -1;
	for (; from < end; from = next) {
		next = from + UNI_SPAN_SIZE < end ? from + UNI_SPAN_SIZE : end;
		if (map_new_span(c, from, next) < 0)
			return -1;
	}
	return 0;
}

/* No engine runs; before one does, what the default masks deny is closed. */
static int show_new(struct unicorn_machine *m, uint64_t from, uint64_t end)
{
	for (uint32_t i = 0; i < m->vps * UNI_VTLS; i++) {
		if (map_new(&m->vp[i / UNI_VTLS].cpu[i % UNI_VTLS], from, end) < 0)
			return -VSM_ERR_STATE;
	}
	for (uint32_t vtl = 0; vtl < UNI_VTLS; vtl++) {
		for (uint64_t b = from / UNI_BLOCK_SIZE; b < m->blocks; b++) {
			if (m->view[vtl].restricted[b] && set_block(m, vtl, b, 1) < 0)
				return -VSM_ERR_STATE;
		}
	}
	return 0;
}

int uni_memory_plug(struct unicorn_machine *m)
{
	struct vmm *vmm = m->vmm;
	uint64_t from = vmm->ram_size, size = vmm->ram_more;
	int r = vsm_ram_hot_add(m->vsm, from, size);

	/* What `protect` said of it is void. */
	for (uint64_t page = from / UNI_PAGE_SIZE; r < 0 && page < m->pages; page++) {
		for (uint32_t vtl = 0; vtl < UNI_VTLS; vtl++)
			set_rights(&m->view[vtl], page, HV_MAP_GPA_PERMISSIONS_MASK);
	}
	if (r < 0)
		return r;
	vmm->ram_size += size;
	vmm->ram_more = 0;
	return show_new(m, from, from + size);
}

int uni_memory_open(struct unicorn_machine *m)
{
	uint64_t size = m->vmm->ram_size + m->vmm->ram_more;

	m->pages = size / UNI_PAGE_SIZE;
	m->blocks = (size + UNI_BLOCK_SIZE - 1) / UNI_BLOCK_SIZE;
	m->code = calloc(m->pages, sizeof(*m->code));
	if (!m->code)
		return -1;
	for (uint32_t vtl = 0; vtl < UNI_VTLS; vtl++) {
		struct uni_view *v = &m->view[vtl];

		v->rights = malloc(m->pages);
		v->restricted = calloc(m->blocks, sizeof(*v->restricted));
		v->closed = calloc(m->blocks, 1);
		if (!v->rights || !v->restricted || !v->closed)
			return -1;
		memset(v->rights, HV_MAP_GPA_PERMISSIONS_MASK, m->pages);
	}
	return 0;
}

void uni_memory_close(struct unicorn_machine *m)
{
	for (uint32_t vtl = 0; vtl < UNI_VTLS; vtl++) {
		free(m->view[vtl].rights);
		free(m->view[vtl].restricted);
		free(m->view[vtl].closed);
	}
	free(m->code);
	if (m->arena)
		munmap(m->arena, m->arena_size);
}
