/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guest's page tables (SDM vol. 3A, 4.5), for what libunicorn does not do itself: delivery of
 * exceptions, and the question whether a denied access is a page fault first.
 */
#include <string.h>

#include "unicorn_machine.h"

#define PTE_P	  0x1u
#define PTE_W	  0x2u
#define PTE_U	  0x4u
#define PTE_PS	  0x80u
#define PTE_NX	  (1ull << 63)
#define PTE_FRAME 0x000ffffffffff000ull
#define CR0_WP	  0x10000u
#define EFER_NXE  0x800u

/* One entry, with the rights of the VTL; 0, not present, where there is no table. */
static uint64_t read_entry(struct uni_cpu *c, uint64_t gpa)
{
	const uint8_t *page = uni_memory_page(c->m, c->vtl, gpa);
	uint64_t entry = 0;

	if (page && (uni_memory_rights(c->m, c->vtl, gpa) & HV_MAP_GPA_READABLE))
		memcpy(&entry, page + gpa % UNI_PAGE_SIZE, sizeof(entry));
	return entry;
}

static struct uni_walk page_fault(struct uni_walk w, uint32_t access, uint32_t present)
{
	w.fault = 14;
	w.error = access | present;
	return w;
}

struct uni_walk uni_walk(struct uni_cpu *c, uint64_t gva, uint32_t access)
{
	uint64_t entry, all = PTE_W | PTE_U, table = uni_reg(c, UC_X86_REG_CR3) & PTE_FRAME;
	uint64_t any_nx = 0, offset = 0;
	struct uni_walk w = { 0 };
	uint32_t shift;

	if ((int64_t)gva >> 47 != 0 && (int64_t)gva >> 47 != -1) {
		w.fault = 13;
		return w;
	}
	for (shift = 39;; shift -= 9) {
		entry = read_entry(c, table + (gva >> shift & 0x1ff) * 8);
		if (!(entry & PTE_P))
			return page_fault(w, access, 0);
		all &= entry;
		any_nx |= entry & PTE_NX;
		table = entry & PTE_FRAME;
		if (shift == 12 || (shift <= 30 && (entry & PTE_PS)))
			break;
	}
	offset = gva & ((1ull << shift) - 1);
	w.gpa = (table & ~((1ull << shift) - 1)) | offset;
	if (((access & UNI_PF_USER) && !(all & PTE_U)) ||
	    ((access & UNI_PF_FETCH) && any_nx && (uni_efer_get(c) & EFER_NXE)) ||
	    ((access & UNI_PF_WRITE) && !(all & PTE_W) &&
	     ((access & UNI_PF_USER) || (uni_reg(c, UC_X86_REG_CR0) & CR0_WP))))
		return page_fault(w, access, UNI_PF_PRESENT);
	return w;
}

static int stop_at(struct uni_cpu *c, const struct uni_walk *w, uint64_t gva)
{
	c->exit.kind = UNI_EXIT_EXCEPTION;
	c->exit.event = (struct vsm_exception){ .vector = (uint8_t)w->fault,
						.has_error_code = 1,
						.has_parameter = w->fault == 14,
						.error_code = w->error,
						.parameter = w->fault == 14 ? gva : 0 };
	return -1;
}

/* Within one page. */
static int access_page(struct uni_cpu *c, uint64_t gva, uint8_t *data, uint32_t size, int is_write)
{
	struct uni_walk w = uni_walk(c, gva, is_write ? UNI_PF_WRITE : 0);
	uint32_t need = is_write ? HV_MAP_GPA_WRITABLE : HV_MAP_GPA_READABLE;
	uint8_t *page;

	if (w.fault)
		return stop_at(c, &w, gva);
	page = uni_memory_page(c->m, c->vtl, w.gpa);
	if (!page || !(uni_memory_rights(c->m, c->vtl, w.gpa) & need)) {
		c->exit.kind = page ? UNI_EXIT_FAULT : UNI_EXIT_HOST;
		c->exit.gpa = w.gpa;
		c->exit.access = is_write ? HV_INTERCEPT_ACCESS_WRITE : HV_INTERCEPT_ACCESS_READ;
		c->exit.user = 0;
		c->exit.text = "descriptor tables or the stack of an exception lie outside of RAM";
		return -1;
	}
	if (!data)
		return 0;
	if (is_write) {
		memcpy(page + w.gpa % UNI_PAGE_SIZE, data, size);
		if (w.gpa < c->m->vmm->ram_size)
			uni_memory_written(c->m, w.gpa, 0);
	} else {
		memcpy(data, page + w.gpa % UNI_PAGE_SIZE, size);
	}
	return 0;
}

static int access_all(struct uni_cpu *c, uint64_t gva, uint8_t *data, uint32_t size, int is_write)
{
	while (size) {
		uint32_t part = UNI_PAGE_SIZE - (uint32_t)(gva % UNI_PAGE_SIZE);

		part = part < size ? part : size;
		if (access_page(c, gva, data, part, is_write) < 0)
			return -1;
		gva += part;
		data = data ? data + part : NULL;
		size -= part;
	}
	return 0;
}

int uni_system_access(struct uni_cpu *c, uint64_t gva, void *data, uint32_t size, int is_write)
{
	/* All of it is checked before a byte moves. */
	if (access_all(c, gva, NULL, size, is_write) < 0)
		return -1;
	return access_all(c, gva, data, size, is_write);
}
