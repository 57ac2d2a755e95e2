/* SPDX-License-Identifier: BSD-3-Clause */
/* x87 and SSE registers, which KVM shows by ioctl only. */
#include "kvm_private.h"

#include <string.h>

#include <vsm/hv.h>

#ifndef KVM_GET_XSAVE2
#define KVM_GET_XSAVE2 _IOR(KVMIO, 0xcf, struct kvm_xsave)
#endif

/* HV_X64_FP_CONTROL_STATUS_REGISTER (TLFS 7.8.2) */
struct fp_control {
	uint16_t control;
	uint16_t status;
	uint8_t tag;
	uint8_t reserved;
	uint16_t last_op;
	uint64_t last_rip;
};

/* HV_X64_XMM_CONTROL_STATUS_REGISTER (TLFS 7.8.2) */
struct xmm_control {
	uint64_t last_rdp;
	uint32_t mxcsr;
	uint32_t mxcsr_mask;
};

#define MXCSR_MASK 0xffffu /* SDM vol. 1, 10.2.3: DAZ included, every 64-bit CPU has it. */

static uint8_t *vector(const struct kvm_fpu *fpu, uint32_t name)
{
	if (name >= HV_X64_REGISTER_XMM0 && name <= HV_X64_REGISTER_XMM15)
		return (uint8_t *)(uintptr_t)fpu->xmm[name - HV_X64_REGISTER_XMM0];
	if (name >= HV_X64_REGISTER_FPMMX0 && name <= HV_X64_REGISTER_FPMMX7)
		return (uint8_t *)(uintptr_t)fpu->fpr[name - HV_X64_REGISTER_FPMMX0];
	return NULL;
}

int kvm_fpu_get(const struct kvm_fpu *fpu, struct vsm_reg *reg)
{
	struct fp_control fp = { .control = fpu->fcw,
				 .status = fpu->fsw,
				 .tag = fpu->ftwx,
				 .last_op = fpu->last_opcode,
				 .last_rip = fpu->last_ip };
	struct xmm_control xmm = { fpu->last_dp, fpu->mxcsr, MXCSR_MASK };

	if (vector(fpu, reg->name) != NULL)
		memcpy(&reg->value, vector(fpu, reg->name), sizeof(reg->value));
	else if (reg->name == HV_X64_REGISTER_FP_CONTROL_STATUS)
		memcpy(&reg->value, &fp, sizeof(reg->value));
	else if (reg->name == HV_X64_REGISTER_XMM_CONTROL_STATUS)
		memcpy(&reg->value, &xmm, sizeof(reg->value));
	else
		return -VSM_ERR_NOTFOUND;
	return 0;
}

int kvm_fpu_put(struct kvm_fpu *fpu, const struct vsm_reg *reg)
{
	struct fp_control fp;
	struct xmm_control xmm;

	if (vector(fpu, reg->name) != NULL) {
		memcpy(vector(fpu, reg->name), &reg->value, sizeof(reg->value));
	} else if (reg->name == HV_X64_REGISTER_FP_CONTROL_STATUS) {
		memcpy(&fp, &reg->value, sizeof(fp));
		fpu->fcw = fp.control;
		fpu->fsw = fp.status;
		fpu->ftwx = fp.tag;
		fpu->last_opcode = fp.last_op;
		fpu->last_ip = fp.last_rip;
	} else if (reg->name == HV_X64_REGISTER_XMM_CONTROL_STATUS) {
		memcpy(&xmm, &reg->value, sizeof(xmm));
		if ((xmm.mxcsr & ~MXCSR_MASK) != 0)
			return -VSM_ERR_INVAL;
		fpu->last_dp = xmm.last_rdp;
		fpu->mxcsr = xmm.mxcsr;
	} else {
		return -VSM_ERR_NOTFOUND;
	}
	return 0;
}

int kvm_op_xmm_get(void *vp, uint32_t vtl, uint8_t block[96])
{
	struct vsm_kvm_vp *kvp = vp;
	struct kvm_fpu fpu;

	if (kvm_vcpu_ioctl(kvp, &kvp->vcpu[vtl], KVM_GET_FPU, &fpu) != 0)
		return -VSM_ERR_HOST;
	memcpy(block, fpu.xmm, 96);
	return 0;
}

int kvm_op_xmm_set(void *vp, uint32_t vtl, const uint8_t block[96])
{
	struct vsm_kvm_vp *kvp = vp;
	struct kvm_fpu fpu;

	if (kvm_vcpu_ioctl(kvp, &kvp->vcpu[vtl], KVM_GET_FPU, &fpu) != 0)
		return -VSM_ERR_HOST;
	memcpy(fpu.xmm, block, 96);
	return kvm_vcpu_ioctl(kvp, &kvp->vcpu[vtl], KVM_SET_FPU, &fpu) != 0 ? -VSM_ERR_HOST : 0;
}

uint32_t kvm_fpu_bytes(const struct vsm_kvm *k)
{
	return k->facts.xsave_size != 0 ? k->facts.xsave_size : (uint32_t)sizeof(struct kvm_fpu);
}

int kvm_fpu_save(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, uint8_t *image)
{
	uint32_t size = kvp->k->facts.xsave_size;

	if (size == 0)
		return kvm_vcpu_ioctl(kvp, v, KVM_GET_FPU, image);
	return kvm_vcpu_ioctl(kvp, v, size > 4096 ? KVM_GET_XSAVE2 : KVM_GET_XSAVE, image);
}

int kvm_fpu_restore(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, uint8_t *image)
{
	return kvm_vcpu_ioctl(kvp, v, kvp->k->facts.xsave_size == 0 ? KVM_SET_FPU : KVM_SET_XSAVE,
			      image);
}
