/* SPDX-License-Identifier: BSD-3-Clause */
#include "image.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define IMAGE_FILE_MAX (256u << 20)

/* Multiboot specification 0.6.96, 3.1: where the header may stand and what it holds. */
#define MB_SEARCH	 8192u
#define MB_HEADER_MAGIC	 0x1badb002u
#define MB_REQUIRED	 0xffffu
#define MB_ALIGN_MODULES 0x1u
#define MB_MEMORY_INFO	 0x2u
#define MB_AOUT_KLUDGE	 0x10000u

#define PAGE_SIZE 4096u

__attribute__((format(printf, 2, 3))) static int bad(const char *path, const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "vsm-vmm: image '%s': ", path);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	return -1;
}

static uint32_t load_le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static int read_fd(struct image *img, const char *path, int fd)
{
	struct stat st;
	size_t got = 0;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return bad(path, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return bad(path, "is not a regular file");
	if (st.st_size <= 0 || st.st_size > (off_t)IMAGE_FILE_MAX)
		return bad(path, "has %lld bytes, want 1 to %u", (long long)st.st_size,
			   IMAGE_FILE_MAX);
	img->file_size = (size_t)st.st_size;
	img->file = malloc(img->file_size);
	if (!img->file)
		return bad(path, "no memory for its %zu bytes", img->file_size);
	while (got < img->file_size) {
		n = read(fd, img->file + got, img->file_size - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return bad(path, "%s",
				   n < 0 ? strerror(errno) : "shrank while it was read");
		got += (size_t)n;
	}
	return 0;
}

static int check_header(const struct image *img, const char *path, const Elf32_Ehdr *eh)
{
	if (memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0)
		return bad(path, "is not an ELF file");
	if (eh->e_ident[EI_CLASS] != ELFCLASS32 || eh->e_ident[EI_DATA] != ELFDATA2LSB)
		return bad(path, "is not a 32-bit little-endian ELF file");
	if (eh->e_ident[EI_VERSION] != EV_CURRENT || eh->e_version != EV_CURRENT)
		return bad(path, "has an unknown ELF version");
	if (eh->e_type != ET_EXEC || eh->e_machine != EM_386)
		return bad(path, "is not an executable for EM_386 (type %u, machine %u)",
			   eh->e_type, eh->e_machine);
	if (eh->e_phentsize != sizeof(Elf32_Phdr))
		return bad(path, "has program headers of %u bytes, want %zu", eh->e_phentsize,
			   sizeof(Elf32_Phdr));
	if (eh->e_phnum == 0)
		return bad(path, "has no program headers");
	if (eh->e_phoff > img->file_size ||
	    (uint64_t)eh->e_phnum * sizeof(Elf32_Phdr) > img->file_size - eh->e_phoff)
		return bad(path, "ends inside its program headers");
	return 0;
}

static int check_multiboot(const struct image *img, const char *path)
{
	size_t end = img->file_size < MB_SEARCH ? img->file_size : MB_SEARCH;
	uint32_t flags;
	size_t at;

	for (at = 0; at + 12 <= end; at += 4) {
		if (load_le32(img->file + at) != MB_HEADER_MAGIC)
			continue;
		flags = load_le32(img->file + at + 4);
		/* The sum tells a header from a constant that happens to look like its start. */
		if (MB_HEADER_MAGIC + flags + load_le32(img->file + at + 8) != 0)
			continue;
		if (flags & MB_REQUIRED & ~(MB_ALIGN_MODULES | MB_MEMORY_INFO))
			return bad(path,
				   "its multiboot header asks for more than is offered "
				   "(flags 0x%x)",
				   flags);
		if (flags & MB_AOUT_KLUDGE)
			return bad(path,
				   "its multiboot header has load addresses of its own "
				   "(flags 0x%x), only ELF segments are loaded",
				   flags);
		return 0;
	}
	return bad(path, "has no valid multiboot header in its first %u bytes", MB_SEARCH);
}

static int add_segment(struct image *img, const char *path, const Elf32_Phdr *ph, uint64_t ram_size)
{
	struct image_segment *s = &img->segment[img->segment_count];

	if (ph->p_filesz > ph->p_memsz)
		return bad(path, "a segment at 0x%x has more file bytes than memory", ph->p_paddr);
	if (ph->p_offset > img->file_size || ph->p_filesz > img->file_size - ph->p_offset)
		return bad(path, "ends inside its segment at 0x%x", ph->p_paddr);
	/* Start-up of further processors overwrites page 0. */
	if (ph->p_paddr < PAGE_SIZE)
		return bad(path, "a segment at 0x%x lies in page 0", ph->p_paddr);
	if (ph->p_paddr > ram_size || ph->p_memsz > ram_size - ph->p_paddr)
		return bad(path,
			   "a segment of %u bytes at 0x%x does not fit into %llu MiB of RAM "
			   "(--memory)",
			   ph->p_memsz, ph->p_paddr, (unsigned long long)(ram_size >> 20));
	if (image_overlaps(img, ph->p_paddr, ph->p_memsz))
		return bad(path, "the segment at 0x%x overlaps another", ph->p_paddr);
	if (img->segment_count == IMAGE_SEGMENTS_MAX)
		return bad(path, "has more than %u segments to load", IMAGE_SEGMENTS_MAX);
	s->gpa = ph->p_paddr;
	s->mem_size = ph->p_memsz;
	s->file_offset = ph->p_offset;
	s->file_size = ph->p_filesz;
	img->segment_count++;
	return 0;
}

static int collect_segments(struct image *img, const char *path, const Elf32_Ehdr *eh,
			    uint64_t ram_size)
{
	Elf32_Phdr ph;
	uint32_t i;

	for (i = 0; i < eh->e_phnum; i++) {
		memcpy(&ph, img->file + eh->e_phoff + i * sizeof(ph), sizeof(ph));
		if (ph.p_type != PT_LOAD || ph.p_memsz == 0)
			continue;
		if (add_segment(img, path, &ph, ram_size) < 0)
			return -1;
	}
	if (img->segment_count == 0)
		return bad(path, "has no segment to load");
	if (!image_overlaps(img, eh->e_entry, 1))
		return bad(path, "its entry 0x%x lies in none of its segments", eh->e_entry);
	img->entry = eh->e_entry;
	return 0;
}

static int section(const struct image *img, const Elf32_Ehdr *eh, uint32_t index, Elf32_Shdr *sh)
{
	if (index >= eh->e_shnum)
		return -1;
	memcpy(sh, img->file + eh->e_shoff + index * sizeof(*sh), sizeof(*sh));
	if (sh->sh_type != SHT_NOBITS &&
	    (sh->sh_offset > img->file_size || sh->sh_size > img->file_size - sh->sh_offset))
		return -1;
	return 0;
}

static uint32_t find_symbol(const struct image *img, const Elf32_Shdr *symbols,
			    const Elf32_Shdr *strings, const char *name)
{
	uint32_t count = symbols->sh_size / (uint32_t)sizeof(Elf32_Sym);
	size_t size = strlen(name) + 1;
	Elf32_Sym sym;

	for (uint32_t i = 0; i < count; i++) {
		memcpy(&sym, img->file + symbols->sh_offset + i * sizeof(sym), sizeof(sym));
		if (sym.st_name < strings->sh_size && strings->sh_size - sym.st_name >= size &&
		    memcmp(img->file + strings->sh_offset + sym.st_name, name, size) == 0)
			return sym.st_value;
	}
	return 0;
}

/*
 * An image need not have symbols: what cannot be understood of them counts as none. The gABI allows
 * one symbol table; thousands would keep us busy.
 */
static void find_entry64(struct image *img, const Elf32_Ehdr *eh)
{
	Elf32_Shdr symbols, strings;

	if (eh->e_shentsize != sizeof(Elf32_Shdr) || eh->e_shoff > img->file_size ||
	    (uint64_t)eh->e_shnum * sizeof(Elf32_Shdr) > img->file_size - eh->e_shoff)
		return;
	for (uint32_t i = 0; i < eh->e_shnum; i++) {
		if (section(img, eh, i, &symbols) < 0 || symbols.sh_type != SHT_SYMTAB)
			continue;
		if (section(img, eh, symbols.sh_link, &strings) == 0 &&
		    strings.sh_type == SHT_STRTAB)
			img->entry64 = find_symbol(img, &symbols, &strings, "start64");
		break;
	}
	if (!image_overlaps(img, img->entry64, 1))
		img->entry64 = 0;
}

static int parse(struct image *img, const char *path, uint64_t ram_size)
{
	Elf32_Ehdr eh;

	if (img->file_size < sizeof(eh))
		return bad(path, "is too short for an ELF header");
	memcpy(&eh, img->file, sizeof(eh));
	if (check_header(img, path, &eh) < 0 || check_multiboot(img, path) < 0)
		return -1;
	if (collect_segments(img, path, &eh, ram_size) < 0)
		return -1;
	find_entry64(img, &eh);
	return 0;
}

int image_open(struct image *img, const char *path, uint64_t ram_size)
{
	int fd, r;

	memset(img, 0, sizeof(*img));
	/* O_NONBLOCK: a FIFO is refused instead of waited for. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return bad(path, "%s", strerror(errno));
	r = read_fd(img, path, fd);
	close(fd);
	if (r == 0)
		r = parse(img, path, ram_size);
	if (r < 0)
		image_close(img);
	return r;
}

void image_load(const struct image *img, uint8_t *ram)
{
	const struct image_segment *s;
	uint32_t i;

	for (i = 0; i < img->segment_count; i++) {
		s = &img->segment[i];
		memcpy(ram + s->gpa, img->file + s->file_offset, s->file_size);
		memset(ram + s->gpa + s->file_size, 0, s->mem_size - s->file_size);
	}
}

int image_overlaps(const struct image *img, uint64_t gpa, uint64_t size)
{
	const struct image_segment *s;
	uint32_t i;

	for (i = 0; i < img->segment_count; i++) {
		s = &img->segment[i];
		if (gpa < (uint64_t)s->gpa + s->mem_size && s->gpa < gpa + size)
			return 1;
	}
	return 0;
}

void image_close(struct image *img)
{
	free(img->file);
	memset(img, 0, sizeof(*img));
}
