/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * x87 and SSE registers, which KVM shows by ioctl only, as an XSAVE image (SDM vol. 1, 13.4).
 *
 * KVM_SET_FPU will not do: it leaves XSTATE_BV as it is, so that a vCPU whose SSE state is still
 * the initial one loses what was set.
 */
#include "kvm_private.h"

#include <string.h>

#include <vsm/hv.h>

/* Offsets in the image. */
#define AT_FCW	   0u
#define AT_RIP	   8u
#define AT_RDP	   16u
#define AT_MXCSR   24u
#define AT_ST	   32u
#define AT_XMM	   160u
#define BV_X87_SSE 3u
#define MXCSR_MASK 0xffffu /* SDM vol. 1, 10.2.3: DAZ included, every 64-bit CPU has it. */

/* Where 128 bits of a register lie as they are, or 0. */
static uint32_t vector(uint32_t name)
{
	if (name >= HV_X64_REGISTER_XMM0 && name <= HV_X64_REGISTER_XMM15)
		return AT_XMM + 16 * (name - HV_X64_REGISTER_XMM0);
	if (name >= HV_X64_REGISTER_FPMMX0 && name <= HV_X64_REGISTER_FPMMX7)
		return AT_ST + 16 * (name - HV_X64_REGISTER_FPMMX0);
	return 0;
}

int kvm_fpu_get(const uint8_t *image, struct vsm_reg *reg)
{
	uint32_t mxcsr[2] = { 0, MXCSR_MASK };

	if (vector(reg->name) != 0) {
		memcpy(&reg->value, image + vector(reg->name), 16);
	} else if (reg->name == HV_X64_REGISTER_FP_CONTROL_STATUS) {
		/* FCW, FSW, FTW, FOP, RIP: TLFS 7.8.2 has them in the order of FXSAVE. */
		memcpy(&reg->value, image + AT_FCW, 16);
	} else if (reg->name == HV_X64_REGISTER_XMM_CONTROL_STATUS) {
		memcpy(&reg->value.low, image + AT_RDP, 8);
		memcpy(mxcsr, image + AT_MXCSR, 4);
		memcpy(&reg->value.high, mxcsr, 8);
	} else {
		return -VSM_ERR_NOTFOUND;
	}
	return 0;
}

void kvm_fpu_image_full(uint8_t *image)
{
	uint64_t bv;

	memcpy(&bv, image + VK_XSTATE_BV, sizeof(bv));
	bv |= BV_X87_SSE;
	memcpy(image + VK_XSTATE_BV, &bv, sizeof(bv));
}

int kvm_fpu_put(uint8_t *image, const struct vsm_reg *reg)
{
	uint32_t mxcsr = (uint32_t)reg->value.high;

	if (vector(reg->name) != 0) {
		memcpy(image + vector(reg->name), &reg->value, 16);
	} else if (reg->name == HV_X64_REGISTER_FP_CONTROL_STATUS) {
		memcpy(image + AT_FCW, &reg->value, 16);
	} else if (reg->name == HV_X64_REGISTER_XMM_CONTROL_STATUS) {
		if ((mxcsr & ~MXCSR_MASK) != 0)
			return -VSM_ERR_INVAL;
		memcpy(image + AT_RDP, &reg->value.low, 8);
		memcpy(image + AT_MXCSR, &mxcsr, 4);
	} else {
		return -VSM_ERR_NOTFOUND;
	}
	kvm_fpu_image_full(image);
	return 0;
}

int kvm_fpu_save(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, uint8_t *image)
{
	return kvm_vcpu_ioctl(
		kvp, v, kvp->k->facts.xsave_size > 4096 ? VK_GET_XSAVE2 : KVM_GET_XSAVE, image);
}

int kvm_fpu_restore(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, uint8_t *image)
{
	kvm_fpu_image_full(image);
	return kvm_vcpu_ioctl(kvp, v, KVM_SET_XSAVE, image);
}

int kvm_op_xmm_get(void *vp, uint32_t vtl, struct vsm_xmm_block *block)
{
	struct vsm_kvm_vp *kvp = vp;
	uint8_t *image = kvp->shared.work;

	if (kvm_fpu_save(kvp, &kvp->vcpu[vtl], image) != 0)
		return -VSM_ERR_HOST;
	memcpy(block->bytes, image + AT_XMM, sizeof(block->bytes));
	return 0;
}

int kvm_op_xmm_set(void *vp, uint32_t vtl, const struct vsm_xmm_block *block)
{
	struct vsm_kvm_vp *kvp = vp;
	uint8_t *image = kvp->shared.work;
	struct vsm_reg reg;

	if (kvm_fpu_save(kvp, &kvp->vcpu[vtl], image) != 0)
		return -VSM_ERR_HOST;
	for (uint32_t i = 0; i < 6; i++) {
		reg.name = HV_X64_REGISTER_XMM0 + i;
		memcpy(&reg.value, block->bytes + (size_t)16 * i, 16);
		kvm_fpu_put(image, &reg);
	}
	return kvm_fpu_restore(kvp, &kvp->vcpu[vtl], image) != 0 ? -VSM_ERR_HOST : 0;
}
