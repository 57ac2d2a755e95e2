/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory operands of which vector registers or opmasks decide what is accessed (SDM vol. 2A, 2.3.12
 * and 2.7.4): what is masked off is no access, and gathers and scatters have an address for each
 * element.
 */
#include "operand.h"

#include <string.h>

#include "kvm_private.h"

#define VECTOR_MAX 64u

/* In the image: of the x87 status word, ST(0) and XMM0. */
#define AT_FSW 2u
#define AT_ST  32u
#define AT_XMM 160u

struct part {
	uint32_t component, from, bytes;
};

/* A component in its initial state is all 0 (SDM vol. 1, 13.6), and so is one that is not there. */
static void copy(const struct vk_vectors *v, const struct part *p, uint8_t *to)
{
	uint32_t at = p->component <= VK_XSTATE_SSE ? 0 : v->at[p->component];
	uint64_t there;

	memset(to, 0, p->bytes);
	if (v->size < VK_XSTATE_BV + sizeof(there))
		return;
	memcpy(&there, v->image + VK_XSTATE_BV, sizeof(there));
	if ((there >> p->component & 1) == 0 || (p->component > VK_XSTATE_SSE && at == 0) ||
	    at > v->size || v->size - at < p->from + p->bytes)
		return;
	memcpy(to, v->image + at + p->from, p->bytes);
}

/* SDM vol. 1, 13.5: XMM, the upper half of YMM and that of ZMM lie apart, ZMM16..31 are whole. */
static void vector_read(const struct vk_decoder *d, uint32_t number, uint8_t to[VECTOR_MAX])
{
	struct part xmm = { VK_XSTATE_SSE, AT_XMM + 16 * number, 16 };
	struct part ymm = { VK_XSTATE_AVX, 16 * number, 16 };
	struct part zmm = { VK_XSTATE_ZMM_HI256, 32 * number, 32 };
	struct part all = { VK_XSTATE_HI16_ZMM, 64 * (number & 15), 64 };

	if (number >= 16) {
		copy(d->vectors, &all, to);
		return;
	}
	copy(d->vectors, &xmm, to);
	copy(d->vectors, &ymm, to + 16);
	copy(d->vectors, &zmm, to + 32);
}

/*
 * MM0..MM7 are the x87 registers R0..R7, and the image has these as ST(0)..ST(7), counted from TOP
 * (SDM vol. 1, 9.2.2 and 10.5.1). MMX instructions leave TOP at 0, but this one has yet to execute.
 */
static void mmx_read(const struct vk_decoder *d, uint32_t number, uint8_t to[8])
{
	struct part fsw = { VK_XSTATE_X87, AT_FSW, 2 };
	struct part mm = { VK_XSTATE_X87, AT_ST, 8 };
	uint8_t status[2];

	copy(d->vectors, &fsw, status);
	mm.from += 16 * ((number - (status[1] >> 3 & 7u)) & 7u);
	copy(d->vectors, &mm, to);
}

static uint64_t opmask_read(const struct vk_decoder *d)
{
	struct part k = { VK_XSTATE_OPMASK, 8 * d->opmask, 8 };
	uint64_t value;

	copy(d->vectors, &k, (uint8_t *)&value);
	return value;
}

/* The lowest `count` bits, up to 64. */
static uint64_t low_bits(uint32_t count)
{
	return count >= 64 ? UINT64_MAX : (1ull << count) - 1;
}

static uint32_t count_bits(uint64_t bits)
{
	uint32_t count = 0;

	for (; bits != 0; bits &= bits - 1)
		count++;
	return count;
}

static uint64_t signs(const uint8_t *vector, uint32_t element, uint32_t count)
{
	uint64_t bits = 0;

	for (uint32_t i = 0; i < count; i++)
		bits |= (uint64_t)(vector[(i + 1) * element - 1] >> 7) << i;
	return bits;
}

static uint32_t element_bytes(const struct vk_decoder *d)
{
	return kvm_operand_bytes(d, d->is.element);
}

/* Bits that say which elements are accessed; 0 < count <= 64. */
static uint64_t mask_of(const struct vk_decoder *d, uint32_t count)
{
	uint8_t vector[VECTOR_MAX];

	if (d->key.is_evex)
		return opmask_read(d) & low_bits(count);
	if (d->is.mask != VK_MASK_BYTES)
		vector_read(d, d->vvvv, vector);
	else if (count > 8)
		vector_read(d, d->rm | d->rex_b, vector);
	else
		mmx_read(d, d->rm, vector);
	return signs(vector, element_bytes(d), count);
}

void kvm_operand_evex(struct vk_decoder *d)
{
	uint32_t size = kvm_operand_bytes(d, d->is.size), element = element_bytes(d);

	if (d->vector > VECTOR_MAX) {
		d->bad = 1;
		return;
	}
	d->unit = size;
	if (d->is.mask == VK_MASK_PACKED || d->is.mask == VK_MASK_GATHER)
		d->unit = element;
	if (d->is.mask != 0)
		d->lanes = (d->is.mask == VK_MASK_REPEAT ? d->vector : size) / element;
	if (d->broadcast) {
		d->bad |= !d->is.broadcasts;
		d->is.size = d->is.element;
		d->unit = element;
		d->is.mask = d->is.mask != 0 ? VK_MASK_REPEAT : 0;
	}
	if (d->opmask == 0) {
		/* All elements; gathers and scatters with k0 are #UD (SDM vol. 2B, VGATHERDPS). */
		d->bad |= d->is.mask == VK_MASK_GATHER;
		d->is.mask = 0;
	}
}

/* Bytes from..to of an operand; what they span within a page is one access. */
static void span(struct vk_operand *op, uint64_t linear, uint32_t from, uint32_t to)
{
	if (from >= to)
		return;
	if (op->size == 0)
		op->linear = linear + from;
	op->size = (uint32_t)(linear + to - op->linear);
}

/* The elements of an operand whose bits are set, page by page. */
static void add_elements(const struct vk_decoder *d, struct vk_operands *out, uint64_t linear,
			 uint64_t bits, uint32_t access)
{
	uint32_t here = (uint32_t)(VK_PAGE - linear % VK_PAGE), element = element_bytes(d);
	struct vk_operand op[2] = { { .size = 0 }, { .size = 0 } };

	for (uint32_t i = 0; i < 64; i++) {
		uint32_t from = i * element, to = from + element;

		if ((bits >> i & 1) == 0)
			continue;
		span(&op[0], linear, from, to < here ? to : here);
		span(&op[1], linear, from > here ? from : here, to);
	}
	for (uint32_t i = 0; i < 2; i++) {
		if (op[i].size != 0)
			kvm_operand_add(d, out, op[i].linear, op[i].size, access);
	}
}

static int have_vectors(struct vk_decoder *d, struct vk_operands *out)
{
	if (d->vectors != NULL)
		return 1;
	out->wants_vectors = 1;
	d->bad = 1;
	return 0;
}

/* Each of `count` elements in memory is that of several bits. */
static uint64_t fold(uint64_t bits, uint32_t lanes, uint32_t count)
{
	uint64_t folded = 0;

	for (uint32_t i = 0; i < lanes; i += count)
		folded |= bits >> i;
	return folded & low_bits(count);
}

void kvm_operand_masked(struct vk_decoder *d, struct vk_operands *out, uint64_t linear,
			uint32_t access)
{
	uint32_t size = kvm_operand_bytes(d, d->is.size), count = size / element_bytes(d);
	uint64_t bits;

	if (!have_vectors(d, out))
		return;
	bits = mask_of(d, d->key.is_evex ? d->lanes : count);
	if (d->is.mask == VK_MASK_PACKED)
		bits = low_bits(count_bits(bits));
	else if (d->is.mask == VK_MASK_REPEAT)
		bits = fold(bits, d->lanes, count);
	add_elements(d, out, linear, bits, access);
	if (bits != low_bits(count))
		kvm_operand_add(d, out, linear, size, access | VK_MAYBE);
}

static uint64_t index_of(const uint8_t *vector, uint32_t bytes, uint32_t i)
{
	uint64_t value = 0;

	memcpy(&value, vector + (size_t)bytes * i, bytes);
	return bytes == 4 ? (uint64_t)(int32_t)value : value;
}

/* SDM vol. 2B, VPGATHERDD and VPGATHERQD: a fault is that of the lowest element left. */
void kvm_operand_gather(struct vk_decoder *d, struct vk_operands *out,
			const struct kvm_segment *segment, uint64_t address)
{
	uint32_t element = element_bytes(d), bytes = (d->key.opcode & 1) ? 8 : 4;
	uint32_t count = d->vector / (element > bytes ? element : bytes);
	uint8_t index[VECTOR_MAX];
	uint64_t bits;

	if (!have_vectors(d, out))
		return;
	bits = mask_of(d, count);
	vector_read(d, d->index, index);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t at = address + (index_of(index, bytes, i) << d->shift);

		if ((bits >> i & 1) != 0)
			kvm_operand_add(d, out, kvm_operand_linear(d, segment, at), element,
					d->is.access);
	}
}
