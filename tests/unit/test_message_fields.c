/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Intercept messages: the common part field by field (TLFS 13.2), and what the builder refuses. A
 * refused call leaves the message as it was.
 */
#include <stdlib.h>

#include "message_common.h"

static void assert_all_refuse(const struct vsm_intercept_context *c)
{
	for (size_t i = 0; i < KINDS; i++) {
		struct hv_message m = stale();

		ck_assert_int_eq(kinds[i].make(&m, c), -VSM_ERR_INVAL);
		assert_stale(&m);
	}
}

/* The common part */

static uint32_t state_of(const struct vsm_intercept_context *c)
{
	struct hv_message m = stale();

	ck_assert_int_eq(vsm_message_halt(&m, c), 0);
	return (uint32_t)(m.payload[6] | m.payload[7] << 8);
}

START_TEST(cpl_is_that_of_ss_in_protected_mode_alone)
{
	for (uint32_t dpl = 0; dpl < 4; dpl++) {
		struct vsm_intercept_context c = good_context();

		c.ss.attributes = (uint16_t)(0xff9f | dpl << 5);
		ck_assert_uint_eq(state_of(&c) & 3, dpl);
		c.rflags |= 0x20000; /* Virtual-8086 mode */
		ck_assert_uint_eq(state_of(&c) & 3, 3);
		c.cr0 &= ~1ull; /* Real mode */
		ck_assert_uint_eq(state_of(&c) & 7, 0);
	}
}
END_TEST

START_TEST(execution_state_bits_come_from_their_registers)
{
	struct vsm_intercept_context c = { .size = sizeof(c) };

	ck_assert_uint_eq(state_of(&c), 0);
	c.cr0 = 1;
	ck_assert_uint_eq(state_of(&c), 1 << 2);
	c.cr0 = 1 << 18;
	ck_assert_uint_eq(state_of(&c), 1 << 3);
	c.cr0 = 0;
	c.efer = 1 << 10;
	ck_assert_uint_eq(state_of(&c), 1 << 4);
	c.efer = ~(1ull << 10);
	c.cr0 = ~(1ull << 18 | 1);
	ck_assert_uint_eq(state_of(&c), 0);
}
END_TEST

START_TEST(execution_state_bits_that_the_caller_knows)
{
	/* DebugActive, InterruptionPending, EnclaveMode, InterruptShadow, VirtualizationFault */
	uint32_t known = 1 << 5 | 1 << 6 | 1 << 11 | 1 << 12 | 1 << 13;

	for (uint32_t bit = 0; bit < 16; bit++) {
		struct vsm_intercept_context c = { .size = sizeof(c) };

		c.execution_state = (uint16_t)(1u << bit);
		if ((known & 1u << bit) != 0)
			ck_assert_uint_eq(state_of(&c), 1u << bit);
		else
			assert_all_refuse(&c);
	}
}
END_TEST

START_TEST(every_vtl_has_its_number)
{
	struct vsm_intercept_context c = { .size = sizeof(c) };

	for (uint32_t vtl = 0; vtl < 16; vtl++) {
		c.vtl = (uint8_t)vtl;
		ck_assert_uint_eq(state_of(&c), vtl << 7);
	}
	c.vtl = 16;
	assert_all_refuse(&c);
	c.vtl = 255;
	assert_all_refuse(&c);
}
END_TEST

START_TEST(instruction_length_and_cr8_share_a_byte)
{
	struct vsm_intercept_context c = { .size = sizeof(c) };

	for (uint32_t length = 0; length < 256; length++) {
		for (uint32_t cr8 = 0; cr8 < 256; cr8 += length < 16 ? 1 : 51) {
			struct hv_message m = stale();
			int good = length < 16 && cr8 < 16;

			c.instruction_length = (uint8_t)length;
			c.cr8 = (uint8_t)cr8;
			ck_assert_int_eq(vsm_message_halt(&m, &c), good ? 0 : -VSM_ERR_INVAL);
			if (good)
				ck_assert_uint_eq(m.payload[4], length | cr8 << 4);
			else
				assert_stale(&m);
		}
	}
}
END_TEST

START_TEST(only_possible_accesses_are_told)
{
	for (size_t i = 0; i < KINDS; i++) {
		for (uint32_t access = 0; access < 256; access++) {
			struct vsm_intercept_context c = good_context();
			struct hv_message m = stale();
			int good = access < 3 && (kinds[i].accesses >> access & 1);

			c.access = (uint8_t)access;
			ck_assert_int_eq(kinds[i].make(&m, &c), good ? 0 : -VSM_ERR_INVAL);
			if (good)
				ck_assert_uint_eq(m.payload[5], access);
			else
				assert_stale(&m);
		}
	}
}
END_TEST

START_TEST(the_length_is_known_where_the_receiver_relies_on_it)
{
	struct vsm_intercept_context c = good_context();

	c.instruction_length = 0;
	for (size_t i = 0; i < KINDS; i++) {
		struct hv_message m = stale();

		ck_assert_int_eq(kinds[i].make(&m, &c), kinds[i].needs_length ? -VSM_ERR_INVAL : 0);
		if (kinds[i].needs_length)
			assert_stale(&m);
	}
}
END_TEST

START_TEST(reserved_bytes_of_the_context_are_zero)
{
	for (size_t i = 0; i < 6; i++) {
		struct vsm_intercept_context c = good_context();

		c.reserved[i] = 1;
		assert_all_refuse(&c);
	}
}
END_TEST

/* Arguments */

START_TEST(null_arguments_are_refused)
{
	struct vsm_intercept_context c = good_context();
	struct hv_message m = stale();

	assert_all_refuse(NULL);
	for (size_t i = 0; i < KINDS; i++)
		ck_assert_int_eq(kinds[i].make(NULL, &c), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_message_memory(&m, &c, NULL), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_message_msr(&m, &c, NULL), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_message_register(&m, &c, NULL), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_message_exception(&m, &c, NULL), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_message_io_port(&m, &c, NULL), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_message_cpuid(&m, &c, NULL), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_message_hypercall(&m, &c, NULL), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_message_invalid_register(NULL, 0), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_message_unsupported_feature(NULL, 0, 0, 0), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_message_apic_eoi(NULL, 0, 0), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_message_timer(NULL, 0, 0, 0), -VSM_ERR_INVAL);
	assert_stale(&m);
}
END_TEST

typedef int (*make_fn)(struct hv_message *out, const struct vsm_intercept_context *c,
		       const void *what);

/* Each structure with sizes of older and newer callers, and with garbage. */
static void check_sizes(const void *good, size_t size, make_fn make)
{
	static const size_t hostile[] = { 0, 1, 7, 8, SIZE_MAX, SIZE_MAX - 7, 65537, 1ull << 32 };
	struct vsm_intercept_context c = good_context();
	uint8_t *bytes = calloc(1, size + 16);
	size_t claimed;

	ck_assert_ptr_nonnull(bytes);
	memcpy(bytes, good, size);
	for (size_t i = 0; i < VSMTEST_COUNT(hostile) + 2; i++) {
		struct hv_message m = stale();

		claimed = i < VSMTEST_COUNT(hostile) ? hostile[i] : size - 1;
		if (i == VSMTEST_COUNT(hostile))
			claimed = size - 8;
		memcpy(bytes, &claimed, sizeof(claimed));
		ck_assert_int_eq(make(&m, &c, bytes), -VSM_ERR_INVAL);
		assert_stale(&m);
	}
	claimed = size + 16;
	memcpy(bytes, &claimed, sizeof(claimed));
	for (size_t at = size; at < size + 16; at++) {
		struct hv_message m = stale();

		bytes[at] = 1;
		ck_assert_int_eq(make(&m, &c, bytes), -VSM_ERR_INVAL);
		assert_stale(&m);
		bytes[at] = 0;
		ck_assert_int_eq(make(&m, &c, bytes), 0);
	}
	free(bytes);
}

static int any_memory(struct hv_message *out, const struct vsm_intercept_context *c, const void *in)
{
	return vsm_message_memory(out, c, in);
}

static int any_msr(struct hv_message *out, const struct vsm_intercept_context *c, const void *in)
{
	return vsm_message_msr(out, c, in);
}

static int any_register(struct hv_message *out, const struct vsm_intercept_context *c,
			const void *in)
{
	return vsm_message_register(out, c, in);
}

static int any_exception(struct hv_message *out, const struct vsm_intercept_context *c,
			 const void *in)
{
	return vsm_message_exception(out, c, in);
}

static int any_io_port(struct hv_message *out, const struct vsm_intercept_context *c,
		       const void *in)
{
	return vsm_message_io_port(out, c, in);
}

static int any_cpuid(struct hv_message *out, const struct vsm_intercept_context *c, const void *in)
{
	return vsm_message_cpuid(out, c, in);
}

static int any_hypercall(struct hv_message *out, const struct vsm_intercept_context *c,
			 const void *in)
{
	return vsm_message_hypercall(out, c, in);
}

static int any_context(struct hv_message *out, const struct vsm_intercept_context *c,
		       const void *in)
{
	(void)c;
	return vsm_message_halt(out, in);
}

START_TEST(hostile_sizes_are_refused)
{
	struct vsm_intercept_context context = good_context();
	struct vsm_memory_intercept memory = good_memory();
	struct vsm_msr_intercept msr = good_msr();
	struct vsm_register_intercept reg = good_register();
	struct vsm_exception_intercept exception = good_exception();
	struct vsm_io_port_intercept port = good_io_port();
	struct vsm_cpuid_intercept cpuid = good_cpuid();
	struct vsm_hypercall_intercept hypercall = good_hypercall();

	check_sizes(&context, sizeof(context), any_context);
	check_sizes(&memory, sizeof(memory), any_memory);
	check_sizes(&msr, sizeof(msr), any_msr);
	check_sizes(&reg, sizeof(reg), any_register);
	check_sizes(&exception, sizeof(exception), any_exception);
	check_sizes(&port, sizeof(port), any_io_port);
	check_sizes(&cpuid, sizeof(cpuid), any_cpuid);
	check_sizes(&hypercall, sizeof(hypercall), any_hypercall);
}
END_TEST

/* A field that was set to `value` is accepted exactly if `good`. */
#define TRY(call, in_, value, member, good)                                           \
	do {                                                                          \
		struct hv_message m_ = stale();                                       \
		__typeof__(in_) copy_ = (in_);                                        \
		int r_;                                                               \
		copy_.member = (__typeof__(copy_.member))(value);                     \
		r_ = call(&m_, &context, &copy_);                                     \
		ck_assert_msg(r_ == ((good) ? 0 : -VSM_ERR_INVAL), #member " %u: %d", \
			      (unsigned int)(value), r_);                             \
		if (r_ != 0)                                                          \
			assert_stale(&m_);                                            \
	} while (0)

START_TEST(fields_of_a_memory_intercept_are_in_range)
{
	struct vsm_intercept_context context = good_context();
	struct vsm_memory_intercept in = good_memory();
	static const uint32_t types[] = { 0,	      1,	  0x80000002, 0x80000003,
					  0x80000004, 0x80010001, UINT32_MAX };
	static const uint32_t caches[] = { 32, 38, 64, 256, UINT32_MAX };

	for (size_t i = 0; i < VSMTEST_COUNT(types); i++)
		TRY(vsm_message_memory, in, types[i], message_type, 0);
	for (uint32_t v = 0; v < 32; v++)
		TRY(vsm_message_memory, in, v, cache_type,
		    v == 0 || v == 1 || v == 4 || v == 5 || v == 6);
	for (size_t i = 0; i < VSMTEST_COUNT(caches); i++)
		TRY(vsm_message_memory, in, caches[i], cache_type, 0);
	for (uint32_t v = 0; v < 256; v++) {
		TRY(vsm_message_memory, in, v, access_info, v < 0x20);
		TRY(vsm_message_memory, in, v, tpr_priority, v < 16);
		TRY(vsm_message_memory, in, v, instruction_byte_count, v <= 16);
	}
	for (uint32_t i = 0; i < 5; i++)
		TRY(vsm_message_memory, in, 1, reserved[i], 0);
}
END_TEST

START_TEST(fields_of_the_other_intercepts_are_in_range)
{
	struct vsm_intercept_context context = good_context();
	struct vsm_exception_intercept exception = good_exception();
	struct vsm_io_port_intercept port = good_io_port();
	struct vsm_register_intercept reg = good_register();
	struct vsm_hypercall_intercept hypercall = good_hypercall();
	struct vsm_msr_intercept msr = good_msr();

	for (uint32_t v = 0; v < 256; v++) {
		TRY(vsm_message_exception, exception, v, vector, v < 32);
		TRY(vsm_message_exception, exception, v, info, v < 4);
		TRY(vsm_message_exception, exception, v, instruction_byte_count, v <= 16);
		TRY(vsm_message_exception, exception, v, reserved, v == 0);
		TRY(vsm_message_io_port, port, v, access_size, v == 1 || v == 2 || v == 4);
		TRY(vsm_message_io_port, port, v, flags, (v & ~0x18u) == 0);
		TRY(vsm_message_io_port, port, v, instruction_byte_count, v <= 16);
		TRY(vsm_message_register, reg, v, memory_op, v < 2);
	}
	for (uint32_t bit = 0; bit < 32; bit++) {
		TRY(vsm_message_hypercall, hypercall, 1u << bit, flags, bit == 0);
		TRY(vsm_message_hypercall, hypercall, 1u << bit, reserved, 0);
		TRY(vsm_message_msr, msr, 1u << bit, reserved, 0);
		TRY(vsm_message_msr, msr, 1u << bit, msr, 1);
	}
	for (uint32_t i = 0; i < 3; i++)
		TRY(vsm_message_io_port, port, 1, reserved[i], 0);
	for (uint32_t i = 0; i < 7; i++)
		TRY(vsm_message_register, reg, 1, reserved[i], 0);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(cpl_is_that_of_ss_in_protected_mode_alone),
	VSMTEST_CASE(execution_state_bits_come_from_their_registers),
	VSMTEST_CASE(execution_state_bits_that_the_caller_knows),
	VSMTEST_CASE(every_vtl_has_its_number),
	VSMTEST_CASE(instruction_length_and_cr8_share_a_byte),
	VSMTEST_CASE(only_possible_accesses_are_told),
	VSMTEST_CASE(the_length_is_known_where_the_receiver_relies_on_it),
	VSMTEST_CASE(reserved_bytes_of_the_context_are_zero),
	VSMTEST_CASE(null_arguments_are_refused),
	VSMTEST_CASE(hostile_sizes_are_refused),
	VSMTEST_CASE(fields_of_a_memory_intercept_are_in_range),
	VSMTEST_CASE(fields_of_the_other_intercepts_are_in_range),
};

int main(void)
{
	return vsmtest_main("message_fields", cases, VSMTEST_COUNT(cases));
}
