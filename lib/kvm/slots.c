/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory slots of KVM: from the layout that is to the layout that is to be. */
#include "kvm_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Dirty intervals of one op at most: 512 ranges for each VTL (vsm_host_ops.protect). */
#define DIRTY_MAX (512u * VK_VTLS_MAX)

static int slot_set(struct vsm_kvm *k, uint32_t vtl, const struct vk_piece *piece, int present)
{
	struct kvm_userspace_memory_region region = {
		.slot = piece->slot,
		.flags = present ? piece->flags : 0,
		.guest_phys_addr = piece->gpa,
		.memory_size = present ? piece->size : 0,
		.userspace_addr = (uint64_t)(uintptr_t)piece->hva,
	};

	kvm_count(&k->slot_ops, 1);
	return kvm_ioctl(k->space[vtl].vm_fd, KVM_SET_USER_MEMORY_REGION, &region);
}

static int same(const struct vk_piece *a, const struct vk_piece *b)
{
	return a->gpa == b->gpa && a->size == b->size && a->hva == b->hva && a->flags == b->flags;
}

/*
 * Walk two layouts side by side: the pieces of `a` that `b` has not got, from *i on. Equal pieces
 * hand their slot on. NULL at the end.
 */
static struct vk_piece *only_in(struct vk_layout *a, struct vk_layout *b, uint32_t *i, uint32_t *j)
{
	while (*i < a->count) {
		struct vk_piece *piece = &a->piece[*i];

		while (*j < b->count && b->piece[*j].gpa < piece->gpa)
			(*j)++;
		(*i)++;
		if (*j == b->count || !same(piece, &b->piece[*j]))
			return piece;
		b->piece[*j].slot = piece->slot;
	}
	return NULL;
}

/* Delete what is only in `from`; 0, or -1 after all is back as it was. */
static int delete_old(struct vsm_kvm *k, uint32_t vtl, struct vk_layout *from, struct vk_layout *to)
{
	struct vk_space *space = &k->space[vtl];
	uint32_t i = 0, j = 0, back = 0, back_j = 0;
	struct vk_piece *piece, *undo;

	while ((piece = only_in(from, to, &i, &j)) != NULL) {
		if (slot_set(k, vtl, piece, 0) == 0) {
			space->free_slot[space->free_count++] = piece->slot;
			continue;
		}
		while ((undo = only_in(from, to, &back, &back_j)) != piece) {
			undo->slot = space->free_slot[--space->free_count];
			slot_set(k, vtl, undo, 1);
		}
		return -1;
	}
	return 0;
}

/* Add what is only in `to`; on failure those added are deleted again. */
static int add_new(struct vsm_kvm *k, uint32_t vtl, struct vk_layout *from, struct vk_layout *to)
{
	struct vk_space *space = &k->space[vtl];
	uint32_t i = 0, j = 0, back = 0, back_j = 0;
	struct vk_piece *piece, *undo;
	int saved;

	while ((piece = only_in(to, from, &i, &j)) != NULL) {
		piece->slot = space->free_slot[--space->free_count];
		if (slot_set(k, vtl, piece, 1) == 0)
			continue;
		saved = errno;
		space->free_slot[space->free_count++] = piece->slot;
		while ((undo = only_in(to, from, &back, &back_j)) != piece) {
			slot_set(k, vtl, undo, 0);
			space->free_slot[space->free_count++] = undo->slot;
		}
		errno = saved;
		return -1;
	}
	return 0;
}

static void swap(struct vk_space *space)
{
	struct vk_layout layout = space->now;

	space->now = space->next;
	space->next = layout;
}

int kvm_slots_apply(struct vsm_kvm *k, uint32_t vtl)
{
	struct vk_space *space = &k->space[vtl];
	int saved;

	if (delete_old(k, vtl, &space->now, &space->next) != 0)
		return -VSM_ERR_SYS;
	if (add_new(k, vtl, &space->now, &space->next) == 0) {
		swap(space);
		return 0;
	}
	saved = errno;
	/* Back to what was: it fitted before. If even that fails the VM lacks memory that the guest
	 * has a right to, and the caller is told so. */
	if (add_new(k, vtl, &space->next, &space->now) != 0)
		return -VSM_ERR_STATE;
	errno = saved;
	return saved == ENOMEM || saved == EINVAL ? -VSM_ERR_NOMEM : -VSM_ERR_SYS;
}

int kvm_slots_withdraw(struct vsm_kvm *k, uint32_t vtl)
{
	struct vk_layout *now = &k->space[vtl].now;

	for (uint32_t i = 0; i < now->count; i++) {
		if (slot_set(k, vtl, &now->piece[i], 0) != 0)
			return -VSM_ERR_SYS;
	}
	return 0;
}

int kvm_slots_restore(struct vsm_kvm *k, uint32_t vtl)
{
	struct vk_layout *now = &k->space[vtl].now;
	int r = 0;

	for (uint32_t i = 0; i < now->count; i++) {
		if (slot_set(k, vtl, &now->piece[i], 1) != 0)
			r = -VSM_ERR_STATE;
	}
	return r;
}

/* Let an element of a heap of `count` sink to its place. */
static void sink(struct vk_dirty *heap, uint32_t i, uint32_t count)
{
	struct vk_dirty d = heap[i];

	for (uint32_t child = 2 * i + 1; child < count; child = 2 * i + 1) {
		if (child + 1 < count && heap[child + 1].gpa > heap[child].gpa)
			child++;
		if (heap[child].gpa <= d.gpa)
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = d;
}

/* By heaps: a guest must not be able to make it slow, and nothing is allocated. */
static void sort(struct vk_dirty *dirty, uint32_t count)
{
	for (uint32_t i = count / 2; i-- > 0;)
		sink(dirty, i, count);
	for (uint32_t n = count; n-- > 1;) {
		struct vk_dirty last = dirty[n];

		dirty[n] = dirty[0];
		dirty[0] = last;
		sink(dirty, 0, n);
	}
}

uint32_t kvm_dirty_sort(struct vk_dirty *dirty, uint32_t count)
{
	uint32_t n = 0;

	/* Lists of guests are mostly sorted already. */
	for (uint32_t i = 1; i < count; i++) {
		if (dirty[i - 1].gpa > dirty[i].gpa) {
			sort(dirty, count);
			break;
		}
	}
	for (uint32_t i = 0; i < count; i++) {
		if (n > 0 && dirty[i].gpa <= dirty[n - 1].end) {
			if (dirty[i].end > dirty[n - 1].end)
				dirty[n - 1].end = dirty[i].end;
		} else {
			dirty[n++] = dirty[i];
		}
	}
	return n;
}

int kvm_space_init(struct vsm_kvm *k, uint32_t vtl)
{
	struct vk_space *space = &k->space[vtl];
	uint32_t max = k->facts.host.memslots;

	if (max > VK_SLOTS_MAX)
		max = VK_SLOTS_MAX;
	space->now.piece = calloc(max, sizeof(*space->now.piece));
	space->next.piece = calloc(max, sizeof(*space->next.piece));
	space->free_slot = calloc(max, sizeof(*space->free_slot));
	space->overlay_max = 2 + 3 * k->options.max_vps;
	space->overlay = calloc(space->overlay_max, sizeof(*space->overlay));
	if (k->dirty == NULL) {
		k->dirty = calloc(DIRTY_MAX, sizeof(*k->dirty));
		k->dirty_max = DIRTY_MAX;
	}
	if (kvm_emulate_init(k, vtl) != 0 || space->now.piece == NULL ||
	    space->next.piece == NULL || space->free_slot == NULL || space->overlay == NULL ||
	    k->dirty == NULL)
		return -VSM_ERR_NOMEM;
	space->now.max = max;
	space->next.max = max;
	/* The stack gives low numbers first. */
	for (uint32_t i = 0; i < max; i++)
		space->free_slot[i] = max - 1 - i;
	space->free_count = max;
	return 0;
}

void kvm_space_fini(struct vsm_kvm *k, uint32_t vtl)
{
	struct vk_space *space = &k->space[vtl];

	free(space->now.piece);
	free(space->next.piece);
	free(space->free_slot);
	free(space->overlay);
	kvm_emulate_fini(k, vtl);
}
