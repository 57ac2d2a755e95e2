/* SPDX-License-Identifier: BSD-3-Clause */
/* An instruction taken apart, as far as its memory operands need it (SDM vol. 2A, ch. 2). */
#ifndef VSM_KVM_INSN_H
#define VSM_KVM_INSN_H

#include <stdint.h>

#include <linux/kvm.h>

/* The elements of a gather or scatter. */
#define VK_OPERANDS_MAX 16u

#define VK_READ	 1u
#define VK_WRITE 2u
/* Masked off in part. With some instructions a processor may fault on that part all the same (AMD64
 * Architecture Programmer's Manual vol. 4, VMASKMOVPS; SDM vol. 2B, MASKMOVDQU): it is to blame if
 * nothing else is. Comes after all others. */
#define VK_MAYBE 4u

/* What an instruction does to memory at one address. */
struct vk_operand {
	uint64_t linear;
	uint32_t size; /* Bytes; at most, where it depends on more than the instruction. */
	uint32_t access; /* VK_READ, VK_WRITE or both; VK_MAYBE */
};

struct vk_operands {
	struct vk_operand op[VK_OPERANDS_MAX]; /* In the order of the accesses. */
	uint32_t count;
	uint32_t cut; /* 1: the instruction goes on behind the bytes. */
	uint32_t wants_vectors; /* 1: vector registers tell the rest, and there were none. */
};

/* State components of XSAVE (SDM vol. 1, 13.1). */
#define VK_XSTATE_X87	    0u
#define VK_XSTATE_SSE	    1u
#define VK_XSTATE_AVX	    2u
#define VK_XSTATE_OPMASK    5u
#define VK_XSTATE_ZMM_HI256 6u
#define VK_XSTATE_HI16_ZMM  7u
#define VK_XSTATES	    8u

/* Vector registers and opmasks: an XSAVE image in standard format. */
struct vk_vectors {
	const uint8_t *image;
	uint32_t size;
	uint32_t at[VK_XSTATES]; /* Offset of a state component; 0: this processor has it not. */
};

/* What the tables tell of an opcode. */
struct vk_opcode {
	uint8_t access; /* VK_READ, VK_WRITE of the operand that ModR/M names; 0 none or not used */
	uint8_t modrm; /* 1: there is a ModR/M byte */
	uint8_t size; /* Bytes of the operand, or VK_SIZE_* */
	uint8_t immediate; /* Bytes behind the operand, or VK_IMM_* */
	uint8_t implicit; /* VK_IMPLICIT_* */
	uint8_t mask; /* VK_MASK_*: what decides which elements are accessed */
	uint8_t element; /* Bytes of an element of the operand, or VK_SIZE_* */
	uint8_t broadcasts; /* 1: EVEX.b makes it one element */
};

/* Sizes that follow from prefixes. */
#define VK_SIZE_V     0x80u /* 2, 4 or 8 by operand size */
#define VK_SIZE_STACK 0x81u /* that of a push */
#define VK_SIZE_VEX   0x82u /* 16, 32, 64 by vector length; less for scalars */
#define VK_SIZE_Y     0x83u /* 4 or 8 by REX.W */
#define VK_SIZE_PAIR  0x85u /* 8 or 16 by REX.W */
#define VK_SIZE_BIG   0x84u /* up to 4096: XSAVE areas */
#define VK_SIZE_V2    0x86u /* half a vector */
#define VK_SIZE_V4    0x87u /* a quarter */
#define VK_SIZE_V8    0x88u
#define VK_SIZE_DUP   0x89u /* a vector, but 8 of the shortest: VMOVDDUP */
#define VK_SIZE_B     0x8au /* 1 or 2 by EVEX.W */
#define VK_SIZE_GPR   0x8bu /* as VK_SIZE_Y in 64-bit mode, else 4 */

#define VK_IMM_Z     0x80u /* 2 or 4 by operand size */
#define VK_IMM_J     0x84u /* of a jump: 2 or 4 */
#define VK_IMM_V     0x81u /* 2, 4 or 8 */
#define VK_IMM_MOFFS 0x82u /* an address */
#define VK_IMM_FAR   0x83u /* a selector and an offset */

#define VK_IMPLICIT_PUSH  1u
#define VK_IMPLICIT_POP	  2u
#define VK_IMPLICIT_SI	  3u /* reads at SI */
#define VK_IMPLICIT_DI_W  4u /* writes at DI */
#define VK_IMPLICIT_DI_R  5u
#define VK_IMPLICIT_MOVS  6u /* reads at SI, writes at DI */
#define VK_IMPLICIT_CMPS  7u /* reads at both */
#define VK_IMPLICIT_OFFS  8u /* the address is the immediate */
#define VK_IMPLICIT_BP	  9u /* reads at BP: LEAVE */
#define VK_IMPLICIT_XLAT  10u
#define VK_IMPLICIT_PUSHA 11u /* eight of them */
#define VK_IMPLICIT_POPA  12u
#define VK_IMPLICIT_MASK  13u /* writes at DI, but in DS unless a prefix says otherwise */

/* What decides which elements are accessed. */
#define VK_MASK_BITS   1u /* opmask, a bit for each element */
#define VK_MASK_PACKED 2u /* opmask: as many elements as it has bits, side by side */
#define VK_MASK_REPEAT 3u /* opmask: a bit for each time that an element is used */
#define VK_MASK_SIGNS  4u /* the signs of the elements of VEX.vvvv */
#define VK_MASK_BYTES  5u /* the signs of the bytes of ModR/M.rm */
#define VK_MASK_GATHER 6u /* opmask or VEX.vvvv; each element has an address of its own */

/* Selects a row: the map of the opcode, its prefixes, and what follows. */
struct vk_opcode_key {
	uint32_t map; /* 0 one byte, 1 0F, 2 0F 38, 3 0F 3A; of EVEX 5 and 6 too */
	uint32_t opcode;
	uint32_t reg; /* Bits 3..5 of ModR/M; 0 if there is none */
	uint32_t pp; /* 0, 0x66, 0xf3 or 0xf2: the last of them */
	uint32_t is_vex, is_evex, is_long;
	uint32_t wide; /* W */
};

/* 0, or -1 if it is not known what the instruction does. */
int kvm_opcode(const struct vk_opcode_key *key, struct vk_opcode *out);
/* The same of EVEX encodings. */
int kvm_opcode_evex(const struct vk_opcode_key *key, struct vk_opcode *out);

/*
 * The memory operands of an instruction. 0; -1 if they are not known. What is not an access of the
 * instruction itself is not told: page tables, descriptor tables, task switches. `vectors` may be
 * NULL; instructions that need them are not known then, and say so.
 */
int kvm_operands(const struct kvm_run *run, const struct vk_vectors *vectors, const uint8_t *code,
		 uint32_t count, struct vk_operands *out);

struct vsm_kvm_vp;

/* Those of the instruction at RIP of a vCPU, with its vector registers if it takes them. */
int kvm_operands_of(struct vsm_kvm_vp *kvp, uint32_t vtl, const uint8_t *code, uint32_t count,
		    struct vk_operands *out);

#endif /* VSM_KVM_INSN_H */
