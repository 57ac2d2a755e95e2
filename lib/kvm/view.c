/* SPDX-License-Identifier: BSD-3-Clause */
/* Mappings of RAM's file in this process, placed so that huge pages of it can be mapped whole. */
#include "kvm_private.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/vfs.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define HUGETLBFS_MAGIC 0x958458f6

uint64_t kvm_file_huge(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) != 0 || fs.f_type != HUGETLBFS_MAGIC)
		return 0;
	return (uint64_t)fs.f_bsize;
}

static void *map(void *at, int fd, uint64_t offset, uint64_t size)
{
	return mmap(at, (size_t)size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_POPULATE | (at == NULL ? 0 : MAP_FIXED), fd, (off_t)offset);
}

/*
 * A huge page of the file can be one entry only where address and offset are alike modulo its size,
 * and not every kernel sees to that. More is reserved than needed, and what is left over returned.
 */
static void *map_aligned(int fd, uint64_t offset, uint64_t size)
{
	uint64_t room = size + VK_HUGE;
	void *p = mmap(NULL, (size_t)room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0);
	uint8_t *start = p;
	uint64_t before;

	if (p == MAP_FAILED)
		return p;
	before = (offset - (uint64_t)(uintptr_t)start) % VK_HUGE;
	p = map(start + before, fd, offset, size);
	if (p == MAP_FAILED) {
		int saved = errno;

		munmap(start, (size_t)room);
		errno = saved;
		return p;
	}
	if (before != 0)
		munmap(start, (size_t)before);
	munmap(start + before + size, (size_t)(VK_HUGE - before));
	return p;
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
