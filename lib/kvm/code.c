/* SPDX-License-Identifier: BSD-3-Clause */
/* The instruction at RIP. */
#include "kvm_private.h"

#include <string.h>

#define EFER_LMA (1ull << 10)

uint32_t kvm_cpl(const struct kvm_run *run)
{
	/* KVM keeps the CPL in SS, also while CS is a conforming segment. */
	return run->s.regs.sregs.ss.dpl;
}

uint64_t kvm_code_linear(const struct kvm_run *run)
{
	const struct kvm_sregs *s = &run->s.regs.sregs;
	uint64_t linear = s->cs.base + run->s.regs.regs.rip;

	return (s->efer & EFER_LMA) != 0 && s->cs.l ? run->s.regs.regs.rip : (uint32_t)linear;
}

int kvm_code_gpa(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, uint64_t linear, uint64_t *gpa)
{
	struct kvm_translation t = { .linear_address = linear };
	int r;

	/* The guest's page tables lie in slots too, and of those none is to be on the way. */
	pthread_mutex_lock(&kvp->k->lock);
	r = kvm_vcpu_ioctl(kvp, v, KVM_TRANSLATE, &t);
	pthread_mutex_unlock(&kvp->k->lock);
	if (r != 0 || !t.valid)
		return -1;
	*gpa = t.physical_address;
	return 0;
}

/* Bytes of one page as the VTL itself sees it. */
static uint32_t read_page(struct vsm_kvm *k, uint32_t vtl, uint64_t gpa, uint8_t *buf, uint32_t len)
{
	const uint8_t *p;

	pthread_mutex_lock(&k->lock);
	p = kvm_sees(k, vtl, gpa, VK_SEES_CODE);
	if (p != NULL)
		memcpy(buf, p, len);
	pthread_mutex_unlock(&k->lock);
	return p != NULL ? len : 0;
}

uint32_t kvm_code_read(struct vsm_kvm_vp *kvp, uint32_t vtl, uint8_t bytes[16])
{
	struct vk_vcpu *v = &kvp->vcpu[vtl];
	uint64_t linear = kvm_code_linear(v->run);
	uint32_t first = (uint32_t)(VK_PAGE - linear % VK_PAGE);
	uint64_t gpa;
	uint32_t n;

	memset(bytes, 0, 16);
	if (first > 16)
		first = 16;
	if (kvm_code_gpa(kvp, v, linear, &gpa) != 0)
		return 0;
	n = read_page(kvp->k, vtl, gpa, bytes, first);
	if (n != first || first == 16 || kvm_code_gpa(kvp, v, linear + first, &gpa) != 0)
		return n;
	return n + read_page(kvp->k, vtl, gpa, bytes + first, 16 - first);
}
