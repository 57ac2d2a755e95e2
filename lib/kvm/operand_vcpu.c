/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory operands of the instruction that a vCPU stands on. */
#include "kvm_private.h"

#include "insn.h"

/* KVM hands the image out in the standard format of the host, whose CPUID tells where things lie
 * (SDM vol. 1, 13.2; CPUID leaf 0DH, sub-leaf n: EBX). */
static uint32_t offset_of(const struct vk_facts *facts, uint32_t component)
{
	for (uint32_t i = 0; i < facts->cpuid.nent; i++) {
		const struct kvm_cpuid_entry2 *e = &facts->cpuid.entries[i];

		if (e->function == 0xd && e->index == component)
			return e->ebx;
	}
	return 0;
}

static int vectors_get(struct vsm_kvm_vp *kvp, uint32_t vtl, struct vk_vectors *v)
{
	if (kvm_fpu_save(kvp, &kvp->vcpu[vtl], kvp->shared.work) != 0)
		return -1;
	v->image = kvp->shared.work;
	v->size = kvp->k->facts.xsave_size;
	for (uint32_t i = 0; i < VK_XSTATES; i++)
		v->at[i] = i < VK_XSTATE_AVX ? 0 : offset_of(&kvp->k->facts, i);
	return 0;
}

int kvm_operands_of(struct vsm_kvm_vp *kvp, uint32_t vtl, const uint8_t *code, uint32_t count,
		    struct vk_operands *out)
{
	const struct kvm_run *run = kvp->vcpu[vtl].run;
	int r = kvm_operands(run, NULL, code, count, out);
	struct vk_vectors v;

	/* Few instructions need them, and they cost a system call. */
	if (r == 0 || !out->wants_vectors || vectors_get(kvp, vtl, &v) != 0)
		return r;
	return kvm_operands(run, &v, code, count, out);
}
