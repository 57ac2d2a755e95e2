/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files that look for memory operands share. */
#ifndef VSM_KVM_OPERAND_H
#define VSM_KVM_OPERAND_H

#include <stdint.h>

#include <linux/kvm.h>

#include "insn.h"

struct vk_decoder {
	const uint8_t *code;
	uint32_t count, at;
	uint32_t cut; /* 1: ran out of bytes */
	uint32_t bad; /* 1: a form that is not known here */
	uint32_t mode; /* 16, 32, 64 */
	uint32_t operand_16, repeat; /* 66; f2 or f3 */
	uint32_t address; /* Bytes of an address */
	uint32_t wide; /* REX.W */
	uint32_t rex_r, rex_x, rex_b; /* 0 or 8 */
	uint32_t vector; /* Bytes of a vector */
	uint32_t vvvv; /* Register of VEX and EVEX */
	uint32_t high; /* EVEX.V': 0 or 16 */
	uint32_t opmask; /* EVEX.aaa */
	uint32_t broadcast; /* EVEX.b */
	uint32_t lanes; /* EVEX: bits of the opmask that count */
	uint32_t unit; /* What a short displacement counts */
	uint32_t index, shift; /* VSIB: number of the vector register, scale */
	uint32_t mod, reg, rm;
	struct vk_opcode_key key;
	struct vk_opcode is;
	const struct kvm_segment *override;
	const struct kvm_sregs *s;
	const struct kvm_sync_regs *regs;
	const struct vk_vectors *vectors;
};

/* operand.c */
/* Bytes for a size of the tables. */
uint32_t kvm_operand_bytes(const struct vk_decoder *d, uint32_t size);
/* From an effective address to the linear one. */
uint64_t kvm_operand_linear(const struct vk_decoder *d, const struct kvm_segment *segment,
			    uint64_t address);
void kvm_operand_add(const struct vk_decoder *d, struct vk_operands *out, uint64_t linear,
		     uint32_t size, uint32_t access);

/* operand_vector.c */
/* What EVEX makes of the row of its opcode: masks, broadcast, the unit of a short displacement (SDM
 * vol. 2A, 2.7.4, 2.7.5, 2.7.6). */
void kvm_operand_evex(struct vk_decoder *d);
/* An operand of which a mask decides what is accessed. */
void kvm_operand_masked(struct vk_decoder *d, struct vk_operands *out, uint64_t linear,
			uint32_t access);
/* Elements each at their own address; `address` is without the index. */
void kvm_operand_gather(struct vk_decoder *d, struct vk_operands *out,
			const struct kvm_segment *segment, uint64_t address);

#endif /* VSM_KVM_OPERAND_H */
