/* SPDX-License-Identifier: BSD-3-Clause */
/* Mappings of RAM's file in this process, placed so that huge pages of it can be mapped whole. */
#include "kvm_private.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/vfs.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define HUGETLBFS_MAGIC 0x958458f6

uint64_t kvm_file_huge(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) != 0 || fs.f_type != HUGETLBFS_MAGIC)
		return 0;
	return (uint64_t)fs.f_bsize;
}

/* So often a place is looked for that another thread takes meanwhile. */
#define TRIES_MAX 16u

static void *map(void *at, int fd, uint64_t offset, uint64_t size)
{
	return mmap(at, (size_t)size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_POPULATE | (at == NULL ? 0 : MAP_FIXED_NOREPLACE), fd,
		    (off_t)offset);
}

/* Where there is room just now, at an address like `offset`; NULL with errno. */
static void *place(uint64_t offset, uint64_t size)
{
	uint64_t room = size + VK_HUGE;
	void *p = mmap(NULL, (size_t)room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	munmap(p, (size_t)room);
	return (uint8_t *)p + (offset - (uint64_t)(uintptr_t)p) % VK_HUGE;
}

/*
 * A huge page of the file can be one entry only where address and offset are alike modulo its size,
 * and not every kernel sees to that. Nothing that is mapped is ever replaced: when MAP_FIXED fails
 * its place may be free, and what is there a moment later another thread's. If others are always
 * faster, or before Linux 4.17, which takes the address for a hint, any place will do.
 */
static void *map_aligned(int fd, uint64_t offset, uint64_t size)
{
	for (uint32_t i = 0; i < TRIES_MAX; i++) {
		void *at = place(offset, size);
		void *p = at == NULL ? MAP_FAILED : map(at, fd, offset, size);

		if (p != MAP_FAILED || errno != EEXIST)
			return p;
	}
	return map(NULL, fd, offset, size);
}

uint8_t *kvm_view_map(int fd, uint64_t offset, uint64_t size)
{
	/* hugetlbfs places its mappings itself, by its own size of pages. */
	int aligns = size >= VK_HUGE && kvm_file_huge(fd) == 0;
	void *p = aligns ? map_aligned(fd, offset, size) : map(NULL, fd, offset, size);

	if (p == MAP_FAILED)
		return NULL;
	/* MAP_POPULATE does not say when memory is short; kernels before 5.14 have nothing
	 * better. */
	if (madvise(p, (size_t)size, MADV_POPULATE_WRITE) != 0 && errno != EINVAL) {
		int saved = errno;

		munmap(p, (size_t)size);
		errno = saved;
		return NULL;
	}
	return p;
}
