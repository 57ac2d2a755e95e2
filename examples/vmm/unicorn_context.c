/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What libunicorn does not show: segment registers with their hidden parts, the error code of an
 * exception. They are in the image that uc_context_save() makes. Where, is found out by writing
 * what can be written by name and looking what has changed; a libunicorn that keeps them otherwise
 * is refused.
 */
#include <stdlib.h>
#include <string.h>

#include "unicorn_machine.h"

#define MAGIC_FS   0x00005a5a12345678ull
#define MAGIC_GS   0x0000a5a587654321ull
#define MAGIC_DR0  0x0000000013572468ull
#define FIRST_EFER 0x500ull /* LMA, LME */

/* struct SegmentCache: selector, base, limit, flags; hflags stands before six of them. */
#define CACHE_SIZE	24u
#define CACHE_BASE	8u
#define CACHE_LIMIT	16u
#define CACHE_FLAGS	20u
/* Before DR0: error code, is-software, next RIP; behind DR7 and four pointers: the exception that
 * is being delivered. */
#define BEFORE_DR_ERROR 16u
#define BEFORE_DR_SOFT	12u
#define BEFORE_DR_NEXT	8u
#define BEHIND_DR_OLD	96u

#define HF_CPL	  0x3u
#define HF_CS32	  0x10u
#define HF_SS32	  0x20u
#define HF_ADDSEG 0x40u
#define HF_LMA	  0x4000u
#define HF_CS64	  0x8000u

#define FLAG_L	       0x200000u
#define FLAGS_DPL(f)   ((f) >> 13 & 3u)
#define NO_EXCEPTION   0xffffffffu
#define EXCEPTION_PF   14u
#define TEST_CODE_PAGE 0x1000u

static struct {
	size_t hflags, segments, dr, efer;
} at;

static uint32_t load32(const uint8_t *image, size_t offset)
{
	uint32_t v;

	memcpy(&v, image + offset, sizeof(v));
	return v;
}

static void store32(uint8_t *image, size_t offset, uint32_t v)
{
	memcpy(image + offset, &v, sizeof(v));
}

/* The only place of a value in the image, or 0. */
static size_t find(const uint8_t *image, size_t size, uint64_t value)
{
	size_t found = 0;

	for (size_t i = 8; i + 8 <= size; i += 8) {
		if (memcmp(image + i, &value, sizeof(value)) != 0)
			continue;
		if (found)
			return 0;
		found = i;
	}
	return found;
}

static void on_exception(uc_engine *uc, uint32_t number, void *opaque)
{
	*(uint32_t *)opaque = number;
	uc_emu_stop(uc);
}

/* A store to memory without a page table gives #PF with error code 2 (write, CPL 0). */
static int check_exception(uc_engine *uc, uc_context *context)
{
	static const uint8_t code[] = { 0x48, 0x89, 0x03 }; /* mov %rax, (%rbx) */
	const uint8_t *image = (const uint8_t *)context;
	uint64_t zero = 0, cr4 = 0x620, cr0 = 0x80010033, rbx = TEST_CODE_PAGE + 0x200000;
	uint64_t table[3] = { TEST_CODE_PAGE + 0x1000 + 3, TEST_CODE_PAGE + 0x2000 + 3, 0x83 };
	uint64_t cr3 = TEST_CODE_PAGE;
	uint32_t number = 0;
	uc_hook hook;

	if (uc_mem_map(uc, 0, 2 * UNI_BLOCK_SIZE, UC_PROT_ALL) ||
	    uc_mem_write(uc, TEST_CODE_PAGE, &table[0], 8) ||
	    uc_mem_write(uc, TEST_CODE_PAGE + 0x1000, &table[1], 8) ||
	    uc_mem_write(uc, TEST_CODE_PAGE + 0x2000, &table[2], 8) ||
	    uc_mem_write(uc, 0x8000, code, sizeof(code)) ||
	    uc_hook_add(uc, &hook, UC_HOOK_INTR, UNI_HOOK(on_exception), &number, 1, 0) ||
	    uc_reg_write(uc, UC_X86_REG_CR4, &cr4) || uc_reg_write(uc, UC_X86_REG_CR3, &cr3) ||
	    uc_reg_write(uc, UC_X86_REG_CR0, &cr0) || uc_reg_write(uc, UC_X86_REG_RAX, &zero) ||
	    uc_reg_write(uc, UC_X86_REG_RBX, &rbx))
		return -1;
	uc_emu_start(uc, 0x8000, 0x8000 + sizeof(code), 0, 1);
	if (uc_context_save(uc, context) != UC_ERR_OK)
		return -1;
	return number == EXCEPTION_PF && load32(image, at.dr - BEFORE_DR_ERROR) == UNI_PF_WRITE &&
			       load32(image, at.dr - BEFORE_DR_SOFT) == 0 &&
			       load32(image, at.dr + BEHIND_DR_OLD) == EXCEPTION_PF ?
		       0 :
		       -1;
}

static int probe(uc_engine *uc, uc_context *context)
{
	const uint8_t *image = (const uint8_t *)context;
	uint64_t fs = MAGIC_FS, gs = MAGIC_GS, dr0 = MAGIC_DR0;
	size_t size = uc_context_size(uc), fs_base, gs_base;

	if (uc_reg_write(uc, UC_X86_REG_FS_BASE, &fs) ||
	    uc_reg_write(uc, UC_X86_REG_GS_BASE, &gs) || uc_reg_write(uc, UC_X86_REG_DR0, &dr0) ||
	    uc_context_save(uc, context))
		return -1;
	fs_base = find(image, size, fs);
	gs_base = find(image, size, gs);
	at.dr = find(image, size, dr0);
	at.efer = find(image, size, FIRST_EFER);
	if (at.efer == 0 || fs_base < 4 * CACHE_SIZE + 24 || gs_base != fs_base + CACHE_SIZE ||
	    at.dr < gs_base + 24 || at.dr + BEHIND_DR_OLD + 4 > size)
		return -1;
	at.segments = fs_base - CACHE_BASE - UNI_SEG_FS * CACHE_SIZE;
	at.hflags = at.segments - 8;
	if ((load32(image, at.hflags) & (HF_CPL | HF_CS64 | HF_LMA)) != (HF_CS64 | HF_LMA) ||
	    load32(image, at.dr + BEHIND_DR_OLD) != NO_EXCEPTION)
		return -1;
	return check_exception(uc, context);
}

int uni_context_probe(void)
{
	uc_context *context = NULL;
	uc_engine *uc = NULL;
	int r = -1;

	if (uc_open(UC_ARCH_X86, UC_MODE_64, &uc) == UC_ERR_OK &&
	    uc_context_alloc(uc, &context) == UC_ERR_OK)
		r = probe(uc, context);
	if (context)
		uc_context_free(context);
	if (uc)
		uc_close(uc);
	return r;
}

int uni_context_open(struct uni_cpu *c)
{
	return uc_context_alloc(c->uc, &c->context) == UC_ERR_OK ? 0 : -1;
}

/* The image of a VTL's registers; NULL if there is none. */
static uint8_t *save(struct uni_cpu *c)
{
	return uc_context_save(c->uc, c->context) == UC_ERR_OK ? (uint8_t *)c->context : NULL;
}

int uni_segment_get(struct uni_cpu *c, uint32_t index, struct hv_segment_register *s)
{
	const uint8_t *image = save(c);
	size_t from = at.segments + index * CACHE_SIZE;
	uint32_t flags;

	if (!image)
		return -1;
	flags = load32(image, from + CACHE_FLAGS);
	memcpy(&s->base, image + from + CACHE_BASE, 8);
	s->limit = load32(image, from + CACHE_LIMIT);
	s->selector = (uint16_t)load32(image, from);
	/* Bits 8..23 of the second half of a descriptor, without the limit's upper part. */
	s->attributes = (uint16_t)(flags >> 8 & 0xf0ff);
	return 0;
}

static uint32_t new_hflags(uint32_t hflags, uint32_t index, uint32_t flags)
{
	if (index == UNI_SEG_SS)
		return (hflags & ~HF_CPL) | FLAGS_DPL(flags);
	if (index == UNI_SEG_CS && (hflags & HF_LMA) && (flags & FLAG_L))
		return (hflags | HF_CS32 | HF_SS32 | HF_CS64) & ~HF_ADDSEG;
	return hflags;
}

int uni_segment_set(struct uni_cpu *c, uint32_t index, const struct hv_segment_register *s)
{
	uint32_t flags = (uint32_t)(s->attributes & 0xf0ff) << 8;
	size_t to = at.segments + index * CACHE_SIZE;
	uint8_t *image = save(c);

	/* 64-bit code only. */
	if (!image || (index == UNI_SEG_CS && !(flags & FLAG_L)))
		return -1;
	store32(image, to, s->selector);
	memcpy(image + to + CACHE_BASE, &s->base, 8);
	store32(image, to + CACHE_LIMIT, s->limit);
	store32(image, to + CACHE_FLAGS, flags);
	store32(image, at.hflags, new_hflags(load32(image, at.hflags), index, flags));
	return uc_context_restore(c->uc, c->context) == UC_ERR_OK ? 0 : -1;
}

/* By name libunicorn 2.0.1 lets none of the bits of EFER be changed. */
uint64_t uni_efer_get(struct uni_cpu *c)
{
	const uint8_t *image = save(c);

	return image ? load32(image, at.efer) : 0;
}

int uni_efer_set(struct uni_cpu *c, uint64_t efer)
{
	uint8_t *image = save(c);

	if (!image)
		return -1;
	store32(image, at.efer, (uint32_t)efer);
	return uc_context_restore(c->uc, c->context) == UC_ERR_OK ? 0 : -1;
}

int uni_context_exception(struct uni_cpu *c, struct uni_exit *e)
{
	uint8_t *image = save(c);

	if (!image)
		return -1;
	e->event.error_code = load32(image, at.dr - BEFORE_DR_ERROR);
	e->event_soft = load32(image, at.dr - BEFORE_DR_SOFT) != 0;
	if (e->event_soft)
		memcpy(&e->event_rip, image + at.dr - BEFORE_DR_NEXT, 8);
	/* Else the next one would be taken for one that came on the way. */
	store32(image, at.dr + BEHIND_DR_OLD, NO_EXCEPTION);
	return uc_context_restore(c->uc, c->context) == UC_ERR_OK ? 0 : -1;
}
