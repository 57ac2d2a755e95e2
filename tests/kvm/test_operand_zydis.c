/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory operands of VEX and EVEX encodings beside what the disassembler Zydis says of them:
 * length, address, size and access; and beside a model that works byte by byte, which of it masks
 * leave.
 */
#include "kvmtest.h"
#include "random.h"

#include <Zydis/Zydis.h>

#include "insn.h"

#define RIP   0x7ffff0u
#define IMAGE 4096u

/* What a test runs with: the registers as the decoder gets them, and as the model reads them. */
static struct kvm_run run;
static uint8_t image[IMAGE];
static struct vk_vectors vectors = { image, sizeof(image), { 0 } };
static uint8_t zmm[32][64];
static uint64_t opmask[8];
static ZydisDecoder decoder;
static uint32_t is_long;

/* Of one instruction. */
struct insn {
	uint8_t code[16];
	ZydisDecodedInstruction in;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	const ZydisDecodedOperand *mem; /* Its only one. */
};

/* What is to be found. */
struct want {
	uint64_t linear; /* of the operand, without masks */
	uint32_t size, access, masked;
	uint8_t touched[64]; /* 1: this byte is accessed */
	uint32_t elements; /* of a gather or scatter, that are accessed */
	uint64_t at[16];
};

static uint64_t state = 88172645463325252ull;

static uint64_t any(void)
{
	return random_next(&state);
}

/* ---- the machine ---- */

static void segments(void)
{
	struct kvm_sregs *s = &run.s.regs.sregs;

	s->ds.base = 0x10000000;
	s->ss.base = 0x20000000;
	s->es.base = 0x30000000;
	s->fs.base = 0xf0000000;
	s->gs.base = 0x1f0000;
	s->cs.base = 0x40000000;
	s->cs.l = is_long != 0;
	s->cs.db = !is_long;
	s->ss.db = !is_long;
	s->efer = is_long ? 0x500 : 0;
}

static void gprs(void)
{
	for (uint32_t i = 0; i < 16; i++) {
		struct vsm_reg reg = { .name = HV_X64_REGISTER_RAX + i };
		uint64_t what;

		reg.value.low = any();
		/* Often right before the end of a page. */
		if (any() % 2 != 0)
			reg.value.low |= 0xfc0;
		kvm_sync_put(&run.s.regs, &reg, &what);
	}
	run.s.regs.regs.rip = RIP;
}

/* Registers with signs, indices and opmasks of all kinds, and an image that holds them. */
static void vector_state(void)
{
	uint64_t there = any() % 4 != 0 ? 0xe7 : any() & 0xe7;

	memset(image, 0xa5, sizeof(image));
	for (uint32_t i = 0; i < sizeof(zmm); i++)
		((uint8_t *)zmm)[i] = (uint8_t)any();
	for (uint32_t i = 0; i < 8; i++)
		opmask[i] = any() & any() & (any() % 4 != 0 ? UINT64_MAX : 0);
	memcpy(image + VK_XSTATE_BV, &there, 8);
	for (uint32_t i = 32; i < 160; i++)
		image[i] = (uint8_t)any();
	image[3] = (uint8_t)any();
	for (uint32_t i = 0; i < 32; i++) {
		if (i >= 16) {
			memcpy(image + vectors.at[7] + 64 * (i - 16), zmm[i], 64);
			memset(zmm[i], 0, (there & 0x80) != 0 ? 0 : 64);
			continue;
		}
		memcpy(image + 160 + 16 * i, zmm[i], 16);
		memcpy(image + vectors.at[2] + 16 * i, zmm[i] + 16, 16);
		memcpy(image + vectors.at[6] + 32 * i, zmm[i] + 32, 32);
		memset(zmm[i], 0, (there & 2) != 0 ? 0 : 16);
		memset(zmm[i] + 16, 0, (there & 4) != 0 ? 0 : 16);
		memset(zmm[i] + 32, 0, (there & 0x40) != 0 ? 0 : 32);
	}
	memcpy(image + vectors.at[5], opmask, sizeof(opmask));
	if ((there & 0x20) == 0)
		memset(opmask, 0, sizeof(opmask));
}

/* Offsets of the state components differ from processor to processor. */
static void machine(uint32_t long_mode)
{
	static const uint32_t at[2][VK_XSTATES] = { { 0, 0, 576, 0, 0, 832, 896, 1408 },
						    { 0, 0, 576, 960, 1024, 1088, 1152, 1664 } };

	is_long = long_mode;
	memset(&run, 0, sizeof(run));
	memcpy(vectors.at, at[long_mode], sizeof(vectors.at));
	segments();
	gprs();
	vector_state();
	ZydisDecoderInit(&decoder,
			 is_long ? ZYDIS_MACHINE_MODE_LONG_64 : ZYDIS_MACHINE_MODE_LEGACY_32,
			 is_long ? ZYDIS_STACK_WIDTH_64 : ZYDIS_STACK_WIDTH_32);
}

/* ---- the model ---- */

static uint64_t reg_value(const struct insn *i, ZydisRegister reg)
{
	if (reg == ZYDIS_REGISTER_NONE)
		return 0;
	if (reg == ZYDIS_REGISTER_RIP || reg == ZYDIS_REGISTER_EIP)
		return RIP + i->in.length;
	return kvm_gpr(&run.s.regs, (uint32_t)ZydisRegisterGetId(reg));
}

static uint64_t segment_base(ZydisRegister segment)
{
	const struct kvm_sregs *s = &run.s.regs.sregs;

	if (segment == ZYDIS_REGISTER_FS || segment == ZYDIS_REGISTER_GS)
		return segment == ZYDIS_REGISTER_FS ? s->fs.base : s->gs.base;
	if (is_long)
		return 0;
	return segment == ZYDIS_REGISTER_SS ? s->ss.base :
	       segment == ZYDIS_REGISTER_ES ? s->es.base :
	       segment == ZYDIS_REGISTER_CS ? s->cs.base :
					      s->ds.base;
}

static uint64_t linear_of(const struct insn *i, uint64_t index)
{
	const ZydisDecodedOperandMem *m = &i->mem->mem;
	uint64_t address = reg_value(i, m->base) + index * m->scale + (uint64_t)m->disp.value;

	if (i->in.address_width != 64)
		address &= (1ull << i->in.address_width) - 1;
	address += segment_base(m->segment);
	return is_long ? address : (uint32_t)address;
}

static const uint8_t *vector_of(ZydisRegister reg)
{
	return zmm[ZydisRegisterGetId(reg)];
}

/* MM registers lie in the image with the FPU's, counted from the top of its stack. */
static const uint8_t *mask_register(const struct insn *i)
{
	static const uint8_t none[16];
	ZydisRegister reg = i->op[1].reg.value;
	uint32_t slot;

	if (ZydisRegisterGetClass(reg) != ZYDIS_REGCLASS_MMX)
		return vector_of(reg);
	slot = (8u + (uint32_t)ZydisRegisterGetId(reg) - (image[3] >> 3) % 8u) % 8u;
	return (image[VK_XSTATE_BV] & 1) != 0 ? image + 32 + 16 * slot : none;
}

static int is_mnemonic(const struct insn *i, const char *part)
{
	return strstr(ZydisMnemonicGetString(i->in.mnemonic), part) != NULL;
}

static uint64_t sign_bits(const uint8_t *vector, uint32_t element, uint32_t bytes)
{
	uint64_t bits = 0;

	for (uint32_t n = 0; n < bytes / element; n++)
		bits |= (uint64_t)(vector[(n + 1) * element - 1] >> 7) << n;
	return bits;
}

/* Classes without fault suppression, and what Zydis files under another class than the SDM; or no
 * mask is given. */
static int is_whole(const struct insn *i)
{
	static const char *const others[] = { "dbpsadbw", "gf2p8affine", "cvtne2ps2bf16" };

	for (size_t n = 0; n < VSMTEST_COUNT(others); n++) {
		if (is_mnemonic(i, others[n]))
			return 1;
	}
	switch (i->in.meta.exception_class) {
	case ZYDIS_EXCEPTION_CLASS_E1NF:
	case ZYDIS_EXCEPTION_CLASS_E3NF:
	case ZYDIS_EXCEPTION_CLASS_E4NF:
	case ZYDIS_EXCEPTION_CLASS_E5NF:
	case ZYDIS_EXCEPTION_CLASS_E6NF:
	case ZYDIS_EXCEPTION_CLASS_E9NF:
	case ZYDIS_EXCEPTION_CLASS_E10NF:
		return 1;
	default:
		return i->in.avx.mask.mode == ZYDIS_MASK_MODE_DISABLED;
	}
}

static uint32_t broadcast_count(const struct insn *i)
{
	static const uint8_t count[] = {
		[ZYDIS_BROADCAST_MODE_1_TO_2] = 2,   [ZYDIS_BROADCAST_MODE_1_TO_4] = 4,
		[ZYDIS_BROADCAST_MODE_1_TO_8] = 8,   [ZYDIS_BROADCAST_MODE_1_TO_16] = 16,
		[ZYDIS_BROADCAST_MODE_1_TO_32] = 32,
	};

	if ((i->in.attributes & ZYDIS_ATTRIB_HAS_EVEX) != 0 && i->in.raw.evex.b != 0)
		return count[i->in.avx.broadcast.mode];
	return (uint32_t)(i->in.avx.vector_length / i->mem->element_size);
}

static void touch(struct want *w, uint32_t element, uint64_t bits)
{
	for (uint32_t n = 0; n < w->size; n++)
		w->touched[n] = bits >> n / element & 1;
	w->masked = 1;
}

static uint64_t low(uint32_t count)
{
	return count >= 64 ? UINT64_MAX : (1ull << count) - 1;
}

/* A bit for each of `count` elements, which are used again and again. */
static uint64_t folded(uint64_t bits, uint32_t count)
{
	uint64_t used = 0;

	for (uint32_t n = 0; n < 64; n++)
		used |= (bits >> n & 1) << n % count;
	return used;
}

static void touch_evex(const struct insn *i, struct want *w)
{
	uint64_t bits = opmask[i->in.raw.evex.aaa];
	uint32_t element = i->mem->element_size / 8u;

	if (i->in.avx.broadcast.mode != ZYDIS_BROADCAST_MODE_INVALID)
		bits = folded(bits & low(broadcast_count(i)), w->size / element);
	else if (is_mnemonic(i, "compress") || is_mnemonic(i, "expand"))
		bits = low((uint32_t)__builtin_popcountll(bits & low(w->size / element)));
	touch(w, element, bits);
}

static void want_gather(const struct insn *i, struct want *w)
{
	uint32_t element = w->size, vector = i->in.avx.vector_length / 8u;
	uint32_t wide = is_mnemonic(i, "gatherq") || is_mnemonic(i, "scatterq") ? 8 : 4;
	uint32_t count = vector / (wide > element ? wide : element);
	const uint8_t *index = vector_of(i->mem->mem.index);
	uint64_t bits = i->in.encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX ?
				opmask[i->in.raw.evex.aaa] :
				sign_bits(vector_of(i->op[2].reg.value), element, count * element);

	for (uint32_t n = 0; n < count; n++) {
		int64_t value = wide == 4 ? ((const int32_t *)(const void *)index)[n] :
					    ((const int64_t *)(const void *)index)[n];

		if ((bits >> n & 1) != 0)
			w->at[w->elements++] = linear_of(i, (uint64_t)value);
	}
}

static void want_of(const struct insn *i, struct want *w)
{
	uint32_t element = is_mnemonic(i, "maskmovq") ? 8u : i->mem->element_size / 8u;

	memset(w, 0, sizeof(*w));
	memset(w->touched, 1, sizeof(w->touched));
	w->size = i->mem->size / 8u;
	w->access = (i->mem->actions & ZYDIS_OPERAND_ACTION_MASK_READ ? VK_READ : 0u) |
		    (i->mem->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE ? VK_WRITE : 0u);
	if (i->mem->mem.type == ZYDIS_MEMOP_TYPE_VSIB) {
		want_gather(i, w);
		return;
	}
	w->linear = linear_of(i, reg_value(i, i->mem->mem.index));
	if (i->in.opcode == 0xf7 && i->in.opcode_map == ZYDIS_OPCODE_MAP_0F)
		touch(w, 1, sign_bits(mask_register(i), 1, w->size));
	else if (is_mnemonic(i, "maskmov"))
		touch(w, element, sign_bits(mask_register(i), element, w->size));
	else if (i->in.encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX && !is_whole(i))
		touch_evex(i, w);
}

/* ---- the comparison ---- */

#define CHECK(i, what)                                                                       \
	do {                                                                                 \
		if (!(what))                                                                 \
			ck_abort_msg("%s: %02x %02x %02x %02x %02x %02x %02x: %s",           \
				     ZydisMnemonicGetString((i)->in.mnemonic), (i)->code[0], \
				     (i)->code[1], (i)->code[2], (i)->code[3], (i)->code[4], \
				     (i)->code[5], (i)->code[6], #what);                     \
	} while (0)

static void check_gather(const struct insn *i, const struct want *w, const struct vk_operands *l)
{
	CHECK(i, l->count == w->elements);
	for (uint32_t n = 0; n < l->count; n++) {
		CHECK(i, l->op[n].linear == w->at[n]);
		CHECK(i, l->op[n].size == w->size && l->op[n].access == w->access);
	}
}

/* Each byte that is accessed is in a piece; no piece begins or ends with another byte, or reaches
 * into a second page. */
static void check_pieces(const struct insn *i, const struct want *w, const struct vk_operands *l)
{
	uint8_t covered[64] = { 0 };
	uint32_t n, all = 1;

	for (n = 0; n < l->count && (l->op[n].access & VK_MAYBE) == 0; n++) {
		uint64_t apart = l->op[n].linear - w->linear;
		uint64_t from = is_long ? apart : (uint32_t)apart, to = from + l->op[n].size;

		CHECK(i, l->op[n].access == w->access && l->op[n].size != 0);
		CHECK(i, from < to && to <= w->size && w->touched[from] && w->touched[to - 1]);
		CHECK(i, l->op[n].linear % VK_PAGE + l->op[n].size <= VK_PAGE);
		CHECK(i, n == 0 || l->op[n].linear % VK_PAGE == 0 ||
				 l->op[n].linear / VK_PAGE != l->op[n - 1].linear / VK_PAGE);
		memset(covered + from, 1, to - from);
	}
	for (uint32_t b = 0; b < w->size; b++) {
		CHECK(i, covered[b] || !w->touched[b]);
		all &= w->touched[b];
	}
	CHECK(i, l->count == n + !all && (all || l->op[n].access == (w->access | VK_MAYBE)));
	CHECK(i, all || (l->op[n].linear == w->linear && l->op[n].size == w->size));
}

static void check_plain(const struct insn *i, const struct want *w, const struct vk_operands *l)
{
	CHECK(i, l->count == 1 && l->op[0].linear == w->linear);
	CHECK(i, l->op[0].size == w->size);
	CHECK(i, l->op[0].access == w->access);
}

static void compare(const struct insn *i)
{
	struct vk_operands list;
	struct want w;

	CHECK(i, kvm_operands(&run, &vectors, i->code, i->in.length - 1u, &list) == -1 && list.cut);
	CHECK(i, kvm_operands(&run, &vectors, i->code, i->in.length, &list) == 0 && !list.cut);
	want_of(i, &w);
	if (i->mem->mem.type == ZYDIS_MEMOP_TYPE_VSIB)
		check_gather(i, &w, &list);
	else if (w.masked)
		check_pieces(i, &w, &list);
	else
		check_plain(i, &w, &list);
}

/* Not known to the library: vsm_kvm_run(). */
static int is_left_out(const struct insn *i)
{
	return i->in.meta.exception_class == ZYDIS_EXCEPTION_CLASS_E12NP ||
	       i->in.meta.isa_set == ZYDIS_ISA_SET_AVX512_4FMAPS_512 ||
	       i->in.meta.isa_set == ZYDIS_ISA_SET_AVX512_4FMAPS_SCALAR ||
	       i->in.meta.isa_set == ZYDIS_ISA_SET_AVX512_4VNNIW_512 ||
	       is_mnemonic(i, "tileload") || is_mnemonic(i, "tilestore");
}

static const ZydisDecodedOperand *memory_of(const struct insn *i)
{
	const ZydisDecodedOperand *mem = NULL;

	for (uint32_t n = 0; n < i->in.operand_count; n++) {
		if (i->op[n].type != ZYDIS_OPERAND_TYPE_MEMORY)
			continue;
		if (mem != NULL)
			return NULL;
		mem = &i->op[n];
	}
	return mem;
}

/* 1: it is an instruction with one memory operand. */
static int take(struct insn *i)
{
	if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, i->code, 15, &i->in, i->op)))
		return 0;
	i->mem = memory_of(i);
	/* Prefetches are no accesses: not those of Knights Corner either. */
	if (i->mem == NULL || i->mem->actions == 0 || is_mnemonic(i, "vprefetch") ||
	    i->in.encoding == ZYDIS_INSTRUCTION_ENCODING_MVEX)
		return 0;
	return 1;
}

/* Of legacy encodings those that are about vectors. */
static int is_vector(const struct insn *i)
{
	if (i->in.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY)
		return i->in.encoding != ZYDIS_INSTRUCTION_ENCODING_3DNOW;
	switch (i->in.meta.isa_ext) {
	case ZYDIS_ISA_EXT_MMX:
	case ZYDIS_ISA_EXT_SSE:
	case ZYDIS_ISA_EXT_SSE2:
	case ZYDIS_ISA_EXT_SSE3:
	case ZYDIS_ISA_EXT_SSSE3:
	case ZYDIS_ISA_EXT_SSE4:
	case ZYDIS_ISA_EXT_SSE4A:
		return !is_mnemonic(i, "prefetch") && !is_mnemonic(i, "crc32");
	default:
		return 0;
	}
}

static uint32_t compare_all(struct insn *i)
{
	struct vk_operands list;

	if (!take(i) || !is_vector(i))
		return 0;
	if (is_left_out(i)) {
		CHECK(i, kvm_operands(&run, &vectors, i->code, 15, &list) == -1);
		return 0;
	}
	compare(i);
	return 1;
}

/* A form of ModR/M, SIB and displacement of each kind, and what follows. */
static void tail(uint8_t *at, uint32_t form)
{
	for (uint32_t n = 0; n < 10; n++)
		at[n] = (uint8_t)any();
	at[0] = (uint8_t)((at[0] & 0x3f) | (form % 4) << 6);
	if (form / 4 % 2 != 0)
		at[0] = (at[0] & 0xf8) | 4; /* SIB */
}

static void shake(uint32_t one_in)
{
	if (any() % one_in != 0)
		return;
	gprs();
	vector_state();
}

static void evex_of(struct insn *i, uint32_t n)
{
	uint32_t l = n / 16 % 4, b = n / 8 % 2;

	memset(i, 0, sizeof(*i));
	i->code[0] = 0x62;
	i->code[1] = (uint8_t)((is_long ? any() & 0xf0 : 0xf0) | n / 16384);
	i->code[2] = (uint8_t)((n & 4) << 5 | (any() & 0x78) | 4 | (n & 3));
	i->code[3] = (uint8_t)((any() & 0x8f) | l << 5 | b << 4);
	i->code[4] = (uint8_t)(n / 64);
	tail(i->code + 5, (uint32_t)any());
	/* Many instructions have no vvvv, some no mask. */
	if (any() % 2 != 0)
		i->code[2] |= 0x78;
	if (any() % 2 != 0)
		i->code[3] |= 8;
	if (any() % 4 == 0)
		i->code[3] &= 0x78;
}

static void vex_of(struct insn *i, uint32_t n)
{
	memset(i, 0, sizeof(*i));
	i->code[0] = 0xc4;
	i->code[1] = (uint8_t)((is_long ? any() & 0xe0 : 0xe0) | n / 4096);
	i->code[2] = (uint8_t)((n & 4) << 5 | (any() & 0x78) | (n & 8) >> 1 | (n & 3));
	i->code[3] = (uint8_t)(n / 16);
	tail(i->code + 4, (uint32_t)any());
	if (any() % 2 != 0)
		i->code[2] |= 0x78;
}

/* Legacy encodings of the maps 0F, 0F 38 and 0F 3A. */
static void legacy_of(struct insn *i, uint32_t n)
{
	static const uint8_t prefix[] = { 0, 0x66, 0xf3, 0xf2 };
	uint8_t *at = i->code;

	memset(i, 0, sizeof(*i));
	if (any() % 4 == 0)
		*at++ = 0x64;
	if (n % 4 != 0)
		*at++ = prefix[n % 4];
	if (is_long && any() % 2 != 0)
		*at++ = 0x40 | (uint8_t)(any() & 15);
	*at++ = 0x0f;
	if (n / 1024 != 0)
		*at++ = n / 1024 == 1 ? 0x38 : 0x3a;
	*at++ = (uint8_t)(n / 4);
	tail(at, (uint32_t)any());
}

/* Each opcode with each of its prefixes, in several forms of operand. */
static void enumerate(uint32_t long_mode, void (*make)(struct insn *, uint32_t), uint32_t count,
		      uint32_t least)
{
	uint32_t known = 0, kinds = 0;
	struct insn i;

	machine(long_mode);
	for (uint32_t n = 0; n < count; n++) {
		uint32_t before = known;

		for (uint32_t round = 0; round < 32; round++) {
			shake(64);
			make(&i, n);
			known += compare_all(&i);
		}
		kinds += known != before;
	}
	printf("# %u encodings of %u kinds agree\n", known, kinds);
	ck_assert_uint_ge(kinds, least);
}

START_TEST(evex_of_64_bit_code)
{
	enumerate(1, evex_of, 8 * 16384, 2900);
}
END_TEST

START_TEST(evex_of_32_bit_code)
{
	enumerate(0, evex_of, 8 * 16384, 2900);
}
END_TEST

START_TEST(vex_of_64_bit_code)
{
	enumerate(1, vex_of, 4 * 4096, 1200);
}
END_TEST

START_TEST(vex_of_32_bit_code)
{
	enumerate(0, vex_of, 4 * 4096, 1200);
}
END_TEST

START_TEST(legacy_encodings)
{
	enumerate(1, legacy_of, 3 * 1024, 300);
	enumerate(0, legacy_of, 3 * 1024, 300);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(evex_of_64_bit_code), VSMTEST_CASE(evex_of_32_bit_code),
	VSMTEST_CASE(vex_of_64_bit_code),  VSMTEST_CASE(vex_of_32_bit_code),
	VSMTEST_CASE(legacy_encodings),
};

int main(void)
{
	return vsmtest_main("kvm_operand_zydis", cases, VSMTEST_COUNT(cases));
}
