/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loads and stores of emulated pages, which KVM hands over one by one.
 *
 * KVM splits a read-modify-write, locked or not, into a load and a store, between which other VPs
 * and other VTLs may come. Such a store replaces exactly what was loaded, in one step; where that
 * is not there any more the instruction gets its registers back and is executed again.
 */
#include "kvm_private.h"

#include <string.h>

#include "insn.h"

static int is_atomic(const uint8_t *p, uint32_t len)
{
	return (len == 1 || len == 2 || len == 4 || len == 8) && (uintptr_t)p % len == 0;
}

/* Naturally aligned data are seen whole, as the guest's own access would see them. */
static uint64_t get(const uint8_t *from, uint32_t len)
{
	const void *p = from;
	uint64_t value = 0;

	if (!is_atomic(from, len))
		memcpy(&value, p, len);
	else if (len == 8)
		value = __atomic_load_n((const uint64_t *)p, __ATOMIC_SEQ_CST);
	else if (len == 4)
		value = __atomic_load_n((const uint32_t *)p, __ATOMIC_SEQ_CST);
	else if (len == 2)
		value = __atomic_load_n((const uint16_t *)p, __ATOMIC_SEQ_CST);
	else
		value = __atomic_load_n(from, __ATOMIC_SEQ_CST);
	return value;
}

static void put(uint8_t *to, uint64_t value, uint32_t len)
{
	void *p = to;

	if (!is_atomic(to, len))
		memcpy(p, &value, len);
	else if (len == 8)
		__atomic_store_n((uint64_t *)p, value, __ATOMIC_SEQ_CST);
	else if (len == 4)
		__atomic_store_n((uint32_t *)p, (uint32_t)value, __ATOMIC_SEQ_CST);
	else if (len == 2)
		__atomic_store_n((uint16_t *)p, (uint16_t)value, __ATOMIC_SEQ_CST);
	else
		__atomic_store_n(to, (uint8_t)value, __ATOMIC_SEQ_CST);
}

#define EXCHANGE(type, p, old, value)                                                      \
	__atomic_compare_exchange_n((type *)(p), &(type){ (type)(old) }, (type)(value), 0, \
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

/* 1: `old` was there, and `value` is. */
static int exchange(uint8_t *to, uint64_t old, uint64_t value, uint32_t len)
{
	void *p = to;

	switch (len) {
	case 8:
		return EXCHANGE(uint64_t, p, old, value);
	case 4:
		return EXCHANGE(uint32_t, p, old, value);
	case 2:
		return EXCHANGE(uint16_t, p, old, value);
	default:
		return EXCHANGE(uint8_t, p, old, value);
	}
}

/*
 * Of an operand that reaches into another page KVM tells the parts, and those in other memory not
 * at all: it has written them when it tells the rest, so nothing of it can be taken back.
 */
static int is_part(struct vsm_kvm_vp *kvp, uint32_t vtl)
{
	const struct kvm_run *run = kvp->vcpu[vtl].run;
	uint64_t first = run->mmio.phys_addr % VK_PAGE;
	struct vk_operands list;
	uint8_t code[16];

	if (first != 0 && first + run->mmio.len != VK_PAGE)
		return 0;
	if (kvm_operands(run, NULL, code, kvm_code_read(kvp, vtl, code), &list) != 0)
		return 1;
	for (uint32_t i = 0; i < list.count; i++) {
		if (list.op[i].linear % VK_PAGE + list.op[i].size > VK_PAGE)
			return 1;
	}
	return 0;
}

int kvm_emulate_load(struct vsm_kvm_vp *kvp, uint32_t vtl)
{
	struct vsm_kvm *k = kvp->k;
	struct vk_vcpu *v = &kvp->vcpu[vtl];
	struct kvm_run *run = v->run;
	uint64_t gpa = run->mmio.phys_addr;
	uint32_t len = run->mmio.len;
	const uint8_t *from = NULL;

	if (len == 0 || len > sizeof(run->mmio.data) || len > VK_PAGE - gpa % VK_PAGE)
		return 0;
	pthread_mutex_lock(&k->lock);
	if (kvm_emulated(k, vtl, gpa) != 0)
		from = kvm_sees(k, vtl, gpa, VK_SEES_READ);
	if (from != NULL)
		v->read.value = get(from, len);
	pthread_mutex_unlock(&k->lock);
	if (from == NULL)
		return 0;
	memcpy(run->mmio.data, &v->read.value, len);
	v->read.waits = 1;
	v->read.part = (uint32_t)is_part(kvp, vtl);
	v->read.gpa = gpa;
	v->read.len = len;
	v->read.regs = run->s.regs;
	v->io = VK_IO_ANSWERED;
	kvm_count(&kvp->count.emulated, 1);
	return 1;
}

/* Does the one store of the instruction under way go where it has read last? */
static int is_second_half(const struct vk_vcpu *v)
{
	const struct vk_fragment *f = &v->store.fragment[0];

	return v->read.waits && !v->read.part && v->store.count == 1 && !f->is_device &&
	       f->gpa == v->read.gpa && f->len == v->read.len;
}

static void again(struct vk_vcpu *v)
{
	v->read.waits = 0;
	v->run->s.regs = v->read.regs;
	v->run->kvm_dirty_regs = VK_SYNC_ALL;
}

void kvm_emulate_store(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, uint8_t *to,
		       const struct vk_fragment *f)
{
	uint64_t value = 0;

	memcpy(&value, f->data, f->len);
	if (!is_second_half(v) || !is_atomic(to, f->len)) {
		put(to, value, f->len);
	} else if (!exchange(to, v->read.value, value, f->len)) {
		kvm_count(&kvp->count.again, 1);
		again(v);
	}
}

int kvm_emulate_take_back(struct vk_vcpu *v)
{
	if (!is_second_half(v))
		return 0;
	v->store.count = 0;
	again(v);
	return 1;
}
