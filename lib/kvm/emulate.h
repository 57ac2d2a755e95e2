/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pages without execute right that may be read, or read and written.
 *
 * KVM cannot tell a fetch from a load. So such a page is in no memory slot of its VTL: a fetch
 * fails, and loads and stores come out of KVM one by one and are carried out here. See emulate.c.
 */
#ifndef VSM_KVM_EMULATE_H
#define VSM_KVM_EMULATE_H

#include <stdint.h>

#include <linux/kvm.h>

struct vsm_kvm;
struct vsm_kvm_vp;
struct vk_dirty;
struct vk_fragment;
struct vk_vcpu;

/* Rights masks that are emulated: R and R+W. A bit each. */
#define VK_MASKS_EMULATED ((1u << 0x1) | (1u << 0x3))

/* Pages of one VTL in ascending order: the GPA, and bit 0 if it may be written. */
struct vk_pages {
	uint64_t *page;
	uint32_t count;
};

/* What the instruction under way has read last, and the registers that it began with. */
struct vk_read {
	uint32_t waits; /* 1: KVM has the data and has not finished the instruction. */
	uint32_t part; /* 1: of an operand that may reach into another page */
	uint32_t len;
	uint64_t gpa;
	uint64_t value;
	struct kvm_sync_regs regs;
};

/* emulate.c */
int kvm_emulate_init(struct vsm_kvm *k, uint32_t vtl);
void kvm_emulate_fini(struct vsm_kvm *k, uint32_t vtl);
/* Are pages with these rights emulated? */
int kvm_emulates(const struct vsm_kvm *k, uint32_t rights);
/*
 * Under k->lock, as all that follows. Find the pages that are to be emulated once the table is
 * enforced in k->dirty[0..count). `*left`: how many there may be; gets less. 0 or -VSM_ERR_NOMEM.
 */
int kvm_emulate_plan(struct vsm_kvm *k, uint32_t vtl, uint32_t count, uint32_t *left);
/* What was planned counts; once more: what was before does. */
void kvm_emulate_turn(struct vsm_kvm *k);
/* None are in an interval that has no RAM any more. */
void kvm_emulate_forget(struct vsm_kvm *k, const struct vk_dirty *dirty);
/* Between plan and the next one: are other pages emulated in an interval than were before? */
int kvm_emulate_changed(const struct vsm_kvm *k, uint32_t vtl, const struct vk_dirty *dirty);
/* Rights of an emulated page, R or R+W; 0 if it is none. */
uint32_t kvm_emulated(const struct vsm_kvm *k, uint32_t vtl, uint64_t gpa);
/* The first emulated page in [gpa, end), or `end`. */
uint64_t kvm_emulated_next(const struct vsm_kvm *k, uint32_t vtl, uint64_t gpa, uint64_t end);

/* access.c: accesses to emulated pages */
/* KVM waits for data. 1: it has them; 0: the page is none of these, or not to be read. */
int kvm_emulate_load(struct vsm_kvm_vp *kvp, uint32_t vtl);
/* Under k->lock: write what KVM has handed over to `to`. The instruction that finds other data
 * there than it has read is to be executed again. */
void kvm_emulate_store(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, uint8_t *to,
		       const struct vk_fragment *f);
/* The store that was collected is the second half of a read-modify-write: take both back. 1:
 * done. */
int kvm_emulate_take_back(struct vk_vcpu *v);

#endif /* VSM_KVM_EMULATE_H */
