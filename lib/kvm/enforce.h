/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rights of pages as page-table entries of the views, or as attributes of GPAs.
 *
 * The library's table (vsm_gpa_rights()) is the only authority; what the entries give is a cache of
 * it, and vk_range.pte is a note of what they give. Changes are: compare with the note, merge, get
 * everybody out of the guest if something is taken away, one call of the mechanism.
 */
#ifndef VSM_KVM_ENFORCE_H
#define VSM_KVM_ENFORCE_H

#include <stdint.h>

struct vsm_kvm;
struct vk_facts;
struct vk_range;
struct vsm_protect_range;

/* What the entries of a page, or its attributes, give; the low bits of its byte in vk_range.pte. */
#define VK_PTE_ALL  0u
#define VK_PTE_READ 1u
#define VK_PTE_NONE 2u
#define VK_PTE_BOUNCE \
	3u /* R+X by right, none for the moment: a store is thrown out of the guest. */
#define VK_PTE_R       4u /* R and R+W without X: memory attributes only. */
#define VK_PTE_RW      5u
#define VK_PTE_MASK    7u
/* While a change is under way: the page has changed, bits 4..6 are what it was. */
#define VK_PTE_CHANGED 0x80u

/* Pages that go from one to another. */
struct vk_run {
	struct vk_range *range;
	uint64_t first, pages; /* Of the range. */
	uint32_t vtl;
	uint8_t from, to; /* VK_PTE_*, never VK_PTE_BOUNCE */
};

#define VK_RUNS_MAX 2048u

#define VK_MECH_PTES	1u /* Rights are set page by page; without it, memory slots. */
#define VK_MECH_SIGBUS	2u /* Denied accesses may come out as SIGBUS. */
#define VK_MECH_SERVICE 4u /* The VMM must serve events. */
#define VK_MECH_UFFD	8u
#define VK_MECH_GPAS	16u /* Rights are those of a GPA, not of what lies there. */

struct vk_mechanism {
	uint32_t id; /* VSM_KVM_ENFORCE_* */
	const char *name;
	uint32_t masks; /* Enforceable: bit n = mask n. */
	uint32_t flags; /* VK_MECH_* */
	/* NULL, or what the host lacks and what can be done. Leaves nothing behind. `facts`: NULL
	 * if KVM was not asked yet. */
	const char *(*probe)(const struct vk_facts *facts);
	/* 0 or -1 with errno. NULL: nothing to do. */
	int (*open)(struct vsm_kvm *k);
	/* A view was mapped and populated. 0 or -1 with errno. NULL: nothing to do. */
	int (*attach)(struct vsm_kvm *k, struct vk_range *range, uint32_t vtl);
	/*
	 * Bring all pages of the runs to `to`. Some of them may be there already. 0 or -1 with
	 * errno; then any of them may be either.
	 */
	int (*change)(struct vsm_kvm *k, const struct vk_run *run, uint32_t count);
	/* The range is no more, but its GPAs are there: they get all rights. 0 or -1 with errno.
	 * NULL: nothing to do. */
	int (*forget)(struct vsm_kvm *k, const struct vk_range *range, uint32_t vtl);
	/* A page whose entries should allow something did not: make them. 1: there was something to
	 * be done. NULL: the kernel does it by itself. */
	int (*touch)(struct vsm_kvm *k, struct vk_range *range, uint32_t vtl, uint64_t page);
	/* Make the entries of pages that have none, up to one that has. How many were made. NULL:
	 * the kernel does it by itself, and fast enough. */
	uint64_t (*show)(struct vsm_kvm *k, const struct vk_run *run);
	/* Serve what waits. Events served, or -1 with errno. */
	int (*serve)(struct vsm_kvm *k);
};

/* mechanism.c */
const struct vk_mechanism *kvm_mechanism(uint32_t id);
/* Choose by the options, open, and log what is missing. 0 or -VSM_ERR_*. */
int kvm_mechanism_open(struct vsm_kvm *k);
void kvm_mechanism_close(struct vsm_kvm *k);
uint32_t kvm_mechanisms_there(const struct vk_facts *facts);
uint32_t kvm_max_map_count(void);

/* enforce.c */
/* Prepare the views of a range; decides whether its rights are page-table entries. 0 or -1 with
 * errno. */
int kvm_enforce_attach(struct vsm_kvm *k, struct vk_range *range, int fd);
void kvm_enforce_detach(struct vsm_kvm *k, struct vk_range *range);
/* Under k->lock: enforce the table in those of the dirty intervals (sorted) that are such ranges.
 * On failure nothing has changed (-VSM_ERR_NOMEM, -VSM_ERR_HOST), or nobody knows
 * (-VSM_ERR_STATE). */
int kvm_enforce_apply(struct vsm_kvm *k, uint32_t vtl, uint32_t count);
/* Forget how it was before, or go back to it. */
void kvm_enforce_keep(struct vsm_kvm *k, uint32_t vtl, uint32_t count);
int kvm_enforce_undo(struct vsm_kvm *k, uint32_t vtl, uint32_t count);
/* What the entries of a page give, VK_PTE_*. */
uint32_t kvm_pte(const struct vk_range *range, uint32_t vtl, uint64_t page);
/* Rights (HV_MAP_GPA_*) that a VK_PTE_* gives. */
uint32_t kvm_pte_rights(uint32_t pte);
/* Execute rights are enforced by themselves. */
int kvm_enforces_execute(const struct vsm_kvm *k);
/* Under k->lock: a range is taken back. 0 or -1 with errno. */
int kvm_enforce_forget(struct vsm_kvm *k, const struct vk_range *range);
/* A page that the guest could not use though it may: mend it. 1: something was mended. */
int kvm_enforce_touch(struct vsm_kvm *k, uint32_t vtl, uint64_t gpa);
/* Page of a view: its GPA. 0, or -1 if it is in no view of that VTL. */
int kvm_view_find(struct vsm_kvm *k, uint32_t vtl, uint64_t hva, uint64_t *gpa);

/*
 * notes.c: many bytes of vk_range.pte at a time, beside others that read them or, under pte_lock,
 * change single ones.
 */
void kvm_notes_fill(uint8_t *pte, uint64_t pages, uint8_t value);
/* How many of the first pages have this note. */
uint64_t kvm_notes_same(const uint8_t *pte, uint64_t pages, uint8_t value);
void kvm_notes_and(uint8_t *pte, uint64_t pages, uint8_t mask);

/* region.c, under pte_lock */
/* Bytes that the notes of regions take. */
uint64_t kvm_regions(const struct vk_range *range);
/* A page was missing: what is missing around it goes with it. */
void kvm_region_show(struct vsm_kvm *k, struct vk_range *range, uint32_t vtl, uint64_t page);
/* The same after a change, of regions in which it was the first. */
void kvm_regions_show(struct vsm_kvm *k, const struct vk_run *run);

/* vector.c: madvise() on the views of those runs whose `to` is in the mask. 0 or -1 with errno. */
int kvm_madvise_open(struct vsm_kvm *k, int advice);
int kvm_madvise_runs(struct vsm_kvm *k, const struct vk_run *run, uint32_t count, uint32_t to_mask,
		     int advice);

extern const struct vk_mechanism kvm_mechanism_attributes;
extern const struct vk_mechanism kvm_mechanism_uffd;
extern const struct vk_mechanism kvm_mechanism_sigbus;
extern const struct vk_mechanism kvm_mechanism_guard;
extern const struct vk_mechanism kvm_mechanism_mprotect;
extern const struct vk_mechanism kvm_mechanism_memslot;

#endif /* VSM_KVM_ENFORCE_H */
