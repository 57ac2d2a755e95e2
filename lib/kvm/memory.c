/* SPDX-License-Identifier: BSD-3-Clause */
/* Guest memory: where it lies in this process, and in each VTL's VM. */
#include "kvm_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#ifndef F_GET_SEALS
#define F_GET_SEALS 1034
#endif
#ifndef F_SEAL_WRITE
#define F_SEAL_WRITE 0x0008
#endif

static int check_place(const struct vsm_kvm *k, uint64_t gpa, uint64_t size)
{
	uint64_t limit = 1ull << k->facts.host.phys_bits;
	uint32_t count = kvm_ranges(k);

	if (gpa % VK_PAGE != 0 || size % VK_PAGE != 0 || size == 0)
		return kvm_fail(k, VSM_ERR_INVAL, "memory: gpa or size is not a multiple of 4096");
	/* The last page is kept free: the undoing of loads needs a GPA where nothing is. */
	if (gpa >= limit - VK_PAGE || size > limit - VK_PAGE - gpa)
		return kvm_fail(k, VSM_ERR_RANGE, "memory: outside the physical address space");
	for (uint32_t i = 0; i < count; i++) {
		const struct vk_range *r = &k->range[i];

		if (gpa < r->gpa + r->size && r->gpa < gpa + size)
			return kvm_fail(k, VSM_ERR_EXISTS,
					"memory: overlaps what was added before");
	}
	if (count + k->lost == VK_RANGES_MAX)
		return kvm_fail(k, VSM_ERR_NOMEM, "memory: too many ranges");
	return 0;
}

/* Of such a file mmap() takes other sizes, munmap() does not. */
static int check_huge(const struct vsm_kvm *k, int fd, uint64_t offset, uint64_t size)
{
	uint64_t huge = kvm_file_huge(fd);

	if (huge == 0 || (offset % huge == 0 && size % huge == 0))
		return 0;
	kvm_log(k, VSM_LOG_ERROR,
		offset % huge != 0 ?
			"vsm_kvm_ram_add: offset is not a multiple of the file's huge pages of" :
			"vsm_kvm_ram_add: size is not a multiple of the file's huge pages of",
		huge);
	return -VSM_ERR_INVAL;
}

static int check_fd(const struct vsm_kvm *k, int fd, uint64_t offset, uint64_t size)
{
	struct stat st;
	int seals;

	if (offset % VK_PAGE != 0)
		return kvm_fail(k, VSM_ERR_INVAL,
				"vsm_kvm_ram_add: offset is not a multiple of 4096");
	if (fstat(fd, &st) != 0)
		return kvm_fail(k, VSM_ERR_INVAL, "vsm_kvm_ram_add: fd is not open");
	/* Only shared memory has seals: memfd, tmpfs and hugetlbfs files. */
	seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || !S_ISREG(st.st_mode))
		return kvm_fail(
			k, VSM_ERR_INVAL,
			"vsm_kvm_ram_add: fd is not shared memory (memfd, shmem, hugetlbfs)");
	if ((seals & F_SEAL_WRITE) != 0)
		return kvm_fail(k, VSM_ERR_INVAL, "vsm_kvm_ram_add: fd is sealed against writing");
	if (st.st_size < 0 || offset > (uint64_t)st.st_size || size > (uint64_t)st.st_size - offset)
		return kvm_fail(k, VSM_ERR_INVAL, "vsm_kvm_ram_add: fd is too short");
	return check_huge(k, fd, offset, size);
}

static void unmap(struct vsm_kvm *k, struct vk_range *range)
{
	if (!range->is_ram)
		return;
	for (uint32_t vtl = 0; vtl < k->vtls; vtl++) {
		if (range->view[vtl] != NULL)
			munmap(range->view[vtl], (size_t)range->size);
	}
	if (range->host != NULL)
		munmap(range->host, (size_t)range->size);
	kvm_enforce_detach(k, range);
}

static int map_views(const struct vsm_kvm *k, struct vk_range *range, int fd, uint64_t offset)
{
	range->host = kvm_view_map(fd, offset, range->size);
	if (range->host == NULL)
		return -1;
	for (uint32_t vtl = 0; vtl < k->vtls; vtl++) {
		range->view[vtl] = kvm_view_map(fd, offset, range->size);
		if (range->view[vtl] == NULL)
			return -1;
	}
	return 0;
}

static int ram_add(struct vsm_kvm *k, struct vk_range *range, int fd, uint64_t offset)
{
	int r = check_place(k, range->gpa, range->size);

	if (r == 0)
		r = check_fd(k, fd, offset, range->size);
	if (r != 0)
		return r;
	if (map_views(k, range, fd, offset) != 0 || kvm_enforce_attach(k, range, fd) != 0)
		r = kvm_fail_sys(k, "vsm_kvm_ram_add: a view cannot be mapped or watched, errno");
	else
		r = kvm_range_add(k, range);
	/* KVM may show it as long as there is a VM: there was room for one more. */
	if (r == -VSM_ERR_STATE)
		k->range[VK_RANGES_MAX - ++k->lost] = *range;
	else if (r != 0)
		unmap(k, range);
	return r;
}

int vsm_kvm_ram_add(struct vsm_kvm *k, uint64_t gpa, uint64_t size, int fd, uint64_t offset,
		    uint32_t flags)
{
	struct vk_range range = { .gpa = gpa, .size = size, .is_ram = 1 };
	int r;

	if (k == NULL)
		return -VSM_ERR_INVAL;
	if (flags != 0)
		return kvm_fail(k, VSM_ERR_INVAL, "vsm_kvm_ram_add: flags is not 0");
	if (k->vsm == NULL)
		return kvm_fail(k, VSM_ERR_MISUSE, "vsm_kvm_ram_add: not bound to a partition");
	kvm_lock_served(k, &k->adding);
	r = ram_add(k, &range, fd, offset);
	pthread_mutex_unlock(&k->adding);
	return r;
}

int vsm_kvm_device_add(struct vsm_kvm *k, uint64_t gpa, uint64_t size, void *memory, uint32_t flags)
{
	struct vk_range range = { .gpa = gpa, .size = size };
	int r;

	if (k == NULL)
		return -VSM_ERR_INVAL;
	if ((flags & ~VSM_KVM_MAP_READONLY) != 0)
		return kvm_fail(k, VSM_ERR_INVAL, "vsm_kvm_device_add: unknown flags");
	if (memory == NULL || (uintptr_t)memory % VK_PAGE != 0)
		return kvm_fail(k, VSM_ERR_INVAL, "vsm_kvm_device_add: memory is not page-aligned");
	range.flags = (flags & VSM_KVM_MAP_READONLY) != 0 ? KVM_MEM_READONLY : 0;
	for (uint32_t vtl = 0; vtl < k->vtls; vtl++)
		range.view[vtl] = memory;
	kvm_lock_served(k, &k->adding);
	r = check_place(k, gpa, size);
	if (r == 0)
		r = kvm_range_add(k, &range);
	pthread_mutex_unlock(&k->adding);
	return r;
}

static uint8_t *ram_at(struct vsm_kvm *k, uint64_t gpa, uint32_t len)
{
	const struct vk_range *range = kvm_range_find(k, gpa);

	/* The partition asks for RAM only; what it knows since just now is counted when whoever
	 * adds it lets go of the lock. */
	if (range == NULL) {
		pthread_mutex_lock(&k->lock);
		range = kvm_range_find(k, gpa);
		pthread_mutex_unlock(&k->lock);
	}
	if (range == NULL || !range->is_ram || len > range->size - (gpa - range->gpa))
		return NULL;
	return range->host + (gpa - range->gpa);
}

int kvm_op_gpa_read(void *opaque, uint64_t gpa, void *buf, uint32_t len)
{
	const uint8_t *p = ram_at(opaque, gpa, len);

	if (p == NULL)
		return -VSM_ERR_RANGE;
	memcpy(buf, p, len);
	return 0;
}

int kvm_op_gpa_write(void *opaque, uint64_t gpa, const void *buf, uint32_t len)
{
	uint8_t *p = ram_at(opaque, gpa, len);

	if (p == NULL)
		return -VSM_ERR_RANGE;
	memcpy(p, buf, len);
	return 0;
}

/* The VMs are closed. */
void kvm_memory_fini(struct vsm_kvm *k)
{
	for (uint32_t i = 0; i < k->range_count; i++)
		unmap(k, &k->range[i]);
	for (uint32_t i = VK_RANGES_MAX - k->lost; i < VK_RANGES_MAX; i++)
		unmap(k, &k->range[i]);
	if (k->arena != NULL)
		munmap(k->arena, k->arena_bytes);
}
