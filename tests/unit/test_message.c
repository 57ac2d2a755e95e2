/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Intercept messages against offsets that are written out here from the published layouts (TLFS
 * ch. 11 and 13), byte by byte, and not taken from the structures that the library uses.
 */
#include "message_common.h"

#define SLOT	256u
#define PAYLOAD 16u /* Where it begins in the slot. */

/* What the slot should hold. */
struct want {
	uint8_t bytes[SLOT];
};

static void put(struct want *w, uint32_t at, uint64_t value, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++)
		w->bytes[at + i] = (uint8_t)(value >> (8 * i));
}

/* A field of the payload. */
static void field(struct want *w, uint32_t offset, uint64_t value, uint32_t size)
{
	put(w, PAYLOAD + offset, value, size);
}

static void segment(struct want *w, uint32_t offset, const struct hv_segment_register *s)
{
	field(w, offset, s->base, 8);
	field(w, offset + 8, s->limit, 4);
	field(w, offset + 12, s->selector, 2);
	field(w, offset + 14, s->attributes, 2);
}

static void instruction(struct want *w, uint32_t offset, uint8_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		field(w, offset + i, (uint8_t)(first + i), 1);
}

static struct want want_message(uint32_t type, uint32_t size)
{
	struct want w = { { 0 } };

	put(&w, 0, type, 4);
	put(&w, 4, size, 1);
	return w;
}

/* Offsets of the common part; protected long mode, CPL 3, alignment checks on, VTL 1. */
static struct want want_intercept(uint32_t type, uint32_t size)
{
	struct vsm_intercept_context c = good_context();
	struct want w = want_message(type, size);

	field(&w, 0, 0x51525354, 4);
	field(&w, 4, 0xa3, 1);
	field(&w, 5, 1, 1);
	field(&w, 6, 3 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 7, 2);
	segment(&w, 8, &c.cs);
	field(&w, 24, c.rip, 8);
	field(&w, 32, c.rflags, 8);
	return w;
}

static void assert_message(const struct hv_message *got, const struct want *want)
{
	uint8_t bytes[SLOT];

	ck_assert_uint_eq(sizeof(*got), SLOT);
	memcpy(bytes, got, SLOT);
	for (uint32_t i = 0; i < SLOT; i++) {
		if (bytes[i] != want->bytes[i])
			ck_abort_msg("byte %u is %#x, not %#x", i, bytes[i], want->bytes[i]);
	}
}

/* Layouts */

START_TEST(gpa_intercept_byte_by_byte)
{
	struct vsm_intercept_context c = good_context();
	struct vsm_memory_intercept in = good_memory();
	struct want w = want_intercept(0x80000001, 80);
	struct hv_message m = stale();

	field(&w, 40, 6, 4);
	field(&w, 44, 16, 1);
	field(&w, 45, 0x1f, 1);
	field(&w, 46, 0xf, 1);
	field(&w, 48, 0x6061626364656667ull, 8);
	field(&w, 56, 0x7071727374757677ull, 8);
	instruction(&w, 64, 0x80, 16);
	ck_assert_int_eq(vsm_message_memory(&m, &c, &in), 0);
	assert_message(&m, &w);
}
END_TEST

START_TEST(unmapped_gpa_differs_in_its_type_alone)
{
	struct vsm_intercept_context c = good_context();
	struct vsm_memory_intercept in = good_memory();
	struct hv_message denied = stale();
	struct hv_message unmapped = stale();

	ck_assert_int_eq(vsm_message_memory(&denied, &c, &in), 0);
	in.message_type = 0x80000000;
	ck_assert_int_eq(vsm_message_memory(&unmapped, &c, &in), 0);
	ck_assert_uint_eq(unmapped.header.message_type, 0x80000000);
	unmapped.header.message_type = 0x80000001;
	ck_assert_mem_eq(&unmapped, &denied, SLOT);
}
END_TEST

START_TEST(msr_intercept_byte_by_byte)
{
	struct vsm_intercept_context c = good_context();
	struct want w = want_intercept(0x80010001, 64);
	struct hv_message m = stale();

	field(&w, 40, 0xc0000080, 4);
	field(&w, 48, 0x6061626364656667ull, 8);
	field(&w, 56, 0x7071727374757677ull, 8);
	ck_assert_int_eq(make_msr(&m, &c), 0);
	assert_message(&m, &w);
}
END_TEST

START_TEST(register_intercept_of_a_write_holds_the_value)
{
	struct vsm_intercept_context c = good_context();
	struct want w = want_intercept(0x80010006, 64);
	struct hv_message m = stale();

	field(&w, 44, 0x00040000, 4);
	field(&w, 48, 0x6061626364656667ull, 8);
	field(&w, 56, 0x68696a6b6c6d6e6full, 8);
	ck_assert_int_eq(make_register(&m, &c), 0);
	assert_message(&m, &w);
}
END_TEST

START_TEST(register_intercept_of_a_read_names_the_destination)
{
	struct vsm_intercept_context c = good_context();
	struct want w = want_intercept(0x80010006, 64);
	struct hv_message m = stale();

	c.access = HV_INTERCEPT_ACCESS_READ;
	field(&w, 5, 0, 1);
	field(&w, 44, 0x00040000, 4);
	field(&w, 48, 0x00020003, 4);
	ck_assert_int_eq(make_register(&m, &c), 0);
	assert_message(&m, &w);
}
END_TEST

START_TEST(register_intercept_of_a_memory_operand_holds_its_address)
{
	struct vsm_register_intercept in = good_register();
	struct vsm_intercept_context c = good_context();
	struct want w = want_intercept(0x80010006, 64);
	struct hv_message m = stale();

	in.memory_op = 1;
	field(&w, 40, 1, 1);
	field(&w, 44, 0x00040000, 4);
	field(&w, 48, 0x7071727374757677ull, 8);
	ck_assert_int_eq(vsm_message_register(&m, &c, &in), 0);
	assert_message(&m, &w);
	c.access = HV_INTERCEPT_ACCESS_READ;
	field(&w, 5, 0, 1);
	ck_assert_int_eq(vsm_message_register(&m, &c, &in), 0);
	assert_message(&m, &w);
}
END_TEST

START_TEST(exception_intercept_byte_by_byte)
{
	struct vsm_intercept_context c = good_context();
	struct want w = want_intercept(0x80010003, 240);
	struct hv_message m = stale();

	field(&w, 40, 14, 2);
	field(&w, 42, 3, 1);
	field(&w, 43, 15, 1);
	field(&w, 44, 0x68696a6b, 4);
	field(&w, 48, 0x6061626364656667ull, 8);
	instruction(&w, 64, 0x80, 15);
	segment(&w, 80, &segment_ds);
	segment(&w, 96, &c.ss);
	for (uint32_t i = 0; i < 16; i++)
		field(&w, 112 + 8 * i, 0x9000000000000000ull + i, 8);
	ck_assert_int_eq(make_exception(&m, &c), 0);
	assert_message(&m, &w);
}
END_TEST

START_TEST(an_exception_without_error_code_shows_none)
{
	struct vsm_intercept_context c = good_context();
	struct vsm_exception_intercept in = good_exception();
	struct hv_message m = stale();

	in.info = 0;
	in.vector = 6;
	ck_assert_int_eq(vsm_message_exception(&m, &c, &in), 0);
	ck_assert_uint_eq(m.payload[40], 6);
	ck_assert_uint_eq(m.payload[42], 0);
	for (uint32_t i = 44; i < 48; i++)
		ck_assert_uint_eq(m.payload[i], 0);
}
END_TEST

START_TEST(io_port_intercept_byte_by_byte)
{
	struct vsm_intercept_context c = good_context();
	struct want w = want_intercept(0x80010000, 128);
	struct hv_message m = stale();

	field(&w, 40, 0x3f8, 2);
	field(&w, 42, 4 | 1 << 3 | 1 << 4, 1);
	field(&w, 43, 2, 1);
	field(&w, 48, 0x61, 8);
	instruction(&w, 56, 0x80, 2);
	segment(&w, 72, &segment_ds);
	segment(&w, 88, &segment_es);
	field(&w, 104, 0x62, 8);
	field(&w, 112, 0x63, 8);
	field(&w, 120, 0x64, 8);
	ck_assert_int_eq(make_io_port(&m, &c), 0);
	assert_message(&m, &w);
}
END_TEST

START_TEST(cpuid_intercept_byte_by_byte)
{
	struct vsm_intercept_context c = good_context();
	struct want w = want_intercept(0x80010002, 104);
	struct hv_message m = stale();

	for (uint32_t i = 0; i < 4; i++) {
		field(&w, 40 + 8 * i, 0x61 + i, 8);
		field(&w, 72 + 8 * i, 0x71 + i, 8);
	}
	ck_assert_int_eq(make_cpuid(&m, &c), 0);
	assert_message(&m, &w);
}
END_TEST

START_TEST(hypercall_intercept_byte_by_byte)
{
	struct vsm_intercept_context c = good_context();
	struct want w = want_intercept(0x80000050, 208);
	struct hv_message m = stale();

	for (uint32_t i = 0; i < 7; i++)
		field(&w, 40 + 8 * i, 0x61 + i, 8);
	for (uint32_t i = 0; i < 6; i++) {
		field(&w, 96 + 16 * i, 0x7000 + i, 8);
		field(&w, 104 + 16 * i, 0x8000 + i, 8);
	}
	field(&w, 192, 1, 4);
	ck_assert_int_eq(make_hypercall(&m, &c), 0);
	assert_message(&m, &w);
}
END_TEST

START_TEST(sipi_intercept_byte_by_byte)
{
	struct vsm_intercept_context c = good_context();
	struct want w = want_intercept(0x80010009, 48);
	struct hv_message m = stale();

	field(&w, 40, 0x61626364, 4);
	field(&w, 44, 0x9a, 4);
	ck_assert_int_eq(make_sipi(&m, &c), 0);
	assert_message(&m, &w);
	m = stale();
	ck_assert_int_eq(vsm_message_sipi(&m, &c, 0, 256), -VSM_ERR_INVAL);
	assert_stale(&m);
	ck_assert_int_eq(vsm_message_sipi(&m, &c, 0, 255), 0);
}
END_TEST

START_TEST(sint_deliverable_byte_by_byte)
{
	struct vsm_intercept_context c = good_context();
	struct want w = want_intercept(0x80000062, 48);
	struct hv_message m = stale();

	field(&w, 40, 0x8421, 2);
	ck_assert_int_eq(make_sint(&m, &c), 0);
	assert_message(&m, &w);
	m = stale();
	ck_assert_int_eq(vsm_message_sint_deliverable(&m, &c, 0), -VSM_ERR_INVAL);
	assert_stale(&m);
}
END_TEST

START_TEST(interruption_deliverable_is_interrupt_or_nmi)
{
	struct vsm_intercept_context c = good_context();
	struct want w = want_intercept(0x80010008, 48);

	for (uint32_t type = 0; type < 300; type++) {
		struct hv_message m = stale();
		int r = vsm_message_interruption_deliverable(&m, &c, type);

		if (type == 0 || type == 2) {
			field(&w, 40, type, 4);
			ck_assert_int_eq(r, 0);
			assert_message(&m, &w);
		} else {
			ck_assert_int_eq(r, -VSM_ERR_INVAL);
			assert_stale(&m);
		}
	}
}
END_TEST

START_TEST(unrecoverable_exception_and_halt_are_the_header_alone)
{
	struct vsm_intercept_context c = good_context();
	struct want fault = want_intercept(0x80000021, 40);
	struct want halt = want_intercept(0x80010007, 40);
	struct hv_message m = stale();

	ck_assert_int_eq(vsm_message_unrecoverable_exception(&m, &c), 0);
	assert_message(&m, &fault);
	m = stale();
	ck_assert_int_eq(vsm_message_halt(&m, &c), 0);
	assert_message(&m, &halt);
}
END_TEST

START_TEST(messages_without_the_common_part)
{
	struct want invalid = want_message(0x80000020, 8);
	struct want feature = want_message(0x80000022, 16);
	struct want eoi = want_message(0x80010004, 8);
	struct hv_message m = stale();

	field(&invalid, 0, 0x61626364, 4);
	ck_assert_int_eq(vsm_message_invalid_register(&m, 0x61626364), 0);
	assert_message(&m, &invalid);
	m = stale();
	field(&feature, 0, 0x61626364, 4);
	field(&feature, 4, 0x71727374, 4);
	field(&feature, 8, 0x8182838485868788ull, 8);
	ck_assert_int_eq(vsm_message_unsupported_feature(&m, 0x61626364, 0x71727374,
							 0x8182838485868788ull),
			 0);
	assert_message(&m, &feature);
	m = stale();
	field(&eoi, 0, 0x61626364, 4);
	field(&eoi, 4, 0xff, 4);
	ck_assert_int_eq(vsm_message_apic_eoi(&m, 0x61626364, 0xff), 0);
	assert_message(&m, &eoi);
	m = stale();
	ck_assert_int_eq(vsm_message_apic_eoi(&m, 0, 256), -VSM_ERR_INVAL);
	assert_stale(&m);
}
END_TEST

START_TEST(timer_message_byte_by_byte)
{
	struct want w = want_message(0x80000010, 24);

	for (uint32_t index = 0; index < 6; index++) {
		struct hv_message m = stale();
		int r = vsm_message_timer(&m, index, 0x6061626364656667ull, UINT64_MAX - 1);

		if (index >= 4) {
			ck_assert_int_eq(r, -VSM_ERR_INVAL);
			assert_stale(&m);
			continue;
		}
		field(&w, 0, index, 4);
		field(&w, 8, 0x6061626364656667ull, 8);
		field(&w, 16, UINT64_MAX - 1, 8);
		ck_assert_int_eq(r, 0);
		assert_message(&m, &w);
	}
}
END_TEST

/* What is not valid is not shown */

START_TEST(an_unknown_gva_is_not_shown)
{
	struct vsm_intercept_context c = good_context();
	struct vsm_memory_intercept in = good_memory();
	struct hv_message m = stale();

	in.access_info = 0x1e;
	ck_assert_int_eq(vsm_message_memory(&m, &c, &in), 0);
	ck_assert_uint_eq(m.payload[45], 0x1e);
	for (uint32_t i = 48; i < 56; i++)
		ck_assert_uint_eq(m.payload[i], 0);
}
END_TEST

START_TEST(instruction_bytes_beyond_the_count_are_not_shown)
{
	struct vsm_intercept_context c = good_context();

	for (uint32_t count = 0; count <= 16; count++) {
		struct vsm_memory_intercept memory = good_memory();
		struct vsm_exception_intercept exception = good_exception();
		struct vsm_io_port_intercept port = good_io_port();
		struct hv_message m[3] = { stale(), stale(), stale() };

		memory.instruction_byte_count = (uint8_t)count;
		exception.instruction_byte_count = (uint8_t)count;
		port.instruction_byte_count = (uint8_t)count;
		ck_assert_int_eq(vsm_message_memory(&m[0], &c, &memory), 0);
		ck_assert_int_eq(vsm_message_exception(&m[1], &c, &exception), 0);
		ck_assert_int_eq(vsm_message_io_port(&m[2], &c, &port), 0);
		for (uint32_t i = 0; i < 16; i++) {
			uint32_t want = i < count ? 0x80 + i : 0;

			ck_assert_uint_eq(m[0].payload[64 + i], want);
			ck_assert_uint_eq(m[1].payload[64 + i], want);
			ck_assert_uint_eq(m[2].payload[56 + i], want);
		}
	}
}
END_TEST

START_TEST(types_and_sizes_and_nothing_stale)
{
	struct vsm_intercept_context c = good_context();

	for (size_t i = 0; i < KINDS; i++) {
		struct hv_message m = stale();
		struct hv_message again;

		memset(&again, 0x5a, sizeof(again));
		ck_assert_int_eq(kinds[i].make(&m, &c), 0);
		ck_assert_int_eq(kinds[i].make(&again, &c), 0);
		ck_assert_mem_eq(&m, &again, sizeof(m));
		ck_assert_uint_eq(m.header.message_type, kinds[i].type);
		ck_assert_uint_eq(m.header.payload_size, kinds[i].size);
		for (uint32_t at = kinds[i].size; at < 240; at++) {
			if (m.payload[at] != 0)
				ck_abort_msg("kind %zu, byte %u behind the payload", i, at);
		}
	}
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(gpa_intercept_byte_by_byte),
	VSMTEST_CASE(unmapped_gpa_differs_in_its_type_alone),
	VSMTEST_CASE(msr_intercept_byte_by_byte),
	VSMTEST_CASE(register_intercept_of_a_write_holds_the_value),
	VSMTEST_CASE(register_intercept_of_a_read_names_the_destination),
	VSMTEST_CASE(register_intercept_of_a_memory_operand_holds_its_address),
	VSMTEST_CASE(exception_intercept_byte_by_byte),
	VSMTEST_CASE(an_exception_without_error_code_shows_none),
	VSMTEST_CASE(io_port_intercept_byte_by_byte),
	VSMTEST_CASE(cpuid_intercept_byte_by_byte),
	VSMTEST_CASE(hypercall_intercept_byte_by_byte),
	VSMTEST_CASE(sipi_intercept_byte_by_byte),
	VSMTEST_CASE(sint_deliverable_byte_by_byte),
	VSMTEST_CASE(interruption_deliverable_is_interrupt_or_nmi),
	VSMTEST_CASE(unrecoverable_exception_and_halt_are_the_header_alone),
	VSMTEST_CASE(messages_without_the_common_part),
	VSMTEST_CASE(timer_message_byte_by_byte),
	VSMTEST_CASE(an_unknown_gva_is_not_shown),
	VSMTEST_CASE(instruction_bytes_beyond_the_count_are_not_shown),
	VSMTEST_CASE(types_and_sizes_and_nothing_stale),
};

int main(void)
{
	return vsmtest_main("message", cases, VSMTEST_COUNT(cases));
}
