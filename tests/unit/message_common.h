/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of the message builder share: good input of each kind. */
#ifndef MESSAGE_COMMON_H
#define MESSAGE_COMMON_H

#include <check.h>
#include <string.h>

#include <vsm/error.h>
#include <vsm/message.h>

#include "vsmtest.h"

static const struct hv_segment_register segment_ds = { 0xd0d1d2d3d4d5d6d7ull, 0xd8d9dadb, 0xdcdd,
						       0xdedf };
static const struct hv_segment_register segment_es = { 0xe0e1e2e3e4e5e6e7ull, 0xe8e9eaeb, 0xeced,
						       0xeeef };

static inline struct vsm_intercept_context good_context(void)
{
	struct vsm_intercept_context c = {
		.size = sizeof(c),
		.rip = 0x1011121314151617ull,
		.rflags = 0x2021222324252627ull & ~0x20000ull,
		.cr0 = 0x80040011,
		.efer = 0xd01,
		.cs = { 0x3031323334353637ull, 0x38393a3b, 0x3c3d, 0x3e3f },
		.ss = { 0x4041424344454647ull, 0x48494a4b, 0x4c4d, 0xc0f3 },
		.vp_index = 0x51525354,
		.vtl = 1,
		.cr8 = 0xa,
		.instruction_length = 3,
		.access = HV_INTERCEPT_ACCESS_WRITE,
	};

	return c;
}

static inline struct hv_message stale(void)
{
	struct hv_message m;

	memset(&m, 0xa5, sizeof(m));
	return m;
}

static inline void assert_stale(const struct hv_message *m)
{
	struct hv_message untouched = stale();

	ck_assert_mem_eq(m, &untouched, sizeof(*m));
}

/* Good input of each kind */

static inline struct vsm_memory_intercept good_memory(void)
{
	struct vsm_memory_intercept in = {
		.size = sizeof(in),
		.gva = 0x6061626364656667ull,
		.gpa = 0x7071727374757677ull,
		.message_type = 0x80000001,
		.cache_type = 6,
		.access_info = 0x1f,
		.tpr_priority = 0xf,
		.instruction_byte_count = 16,
	};

	for (uint32_t i = 0; i < 16; i++)
		in.instruction_bytes[i] = (uint8_t)(0x80 + i);
	return in;
}

static inline struct vsm_msr_intercept good_msr(void)
{
	struct vsm_msr_intercept in = { .size = sizeof(in),
					.rdx = 0x6061626364656667ull,
					.rax = 0x7071727374757677ull,
					.msr = 0xc0000080 };

	return in;
}

static inline struct vsm_register_intercept good_register(void)
{
	struct vsm_register_intercept in = {
		.size = sizeof(in),
		.value = { 0x6061626364656667ull, 0x68696a6b6c6d6e6full },
		.address = 0x7071727374757677ull,
		.name = 0x00040000,
		.destination = 0x00020003,
	};

	return in;
}

static inline struct vsm_exception_intercept good_exception(void)
{
	struct vsm_exception_intercept in = {
		.size = sizeof(in),
		.parameter = 0x6061626364656667ull,
		.ds = segment_ds,
		.error_code = 0x68696a6b,
		.vector = 14,
		.info = 0x3,
		.instruction_byte_count = 15,
	};

	for (uint32_t i = 0; i < 16; i++) {
		in.gpr[i] = 0x9000000000000000ull + i;
		in.instruction_bytes[i] = (uint8_t)(0x80 + i);
	}
	return in;
}

static inline struct vsm_io_port_intercept good_io_port(void)
{
	struct vsm_io_port_intercept in = {
		.size = sizeof(in),
		.rax = 0x61,
		.rcx = 0x62,
		.rsi = 0x63,
		.rdi = 0x64,
		.ds = segment_ds,
		.es = segment_es,
		.port = 0x3f8,
		.access_size = 4,
		.flags = 0x18,
		.instruction_byte_count = 2,
	};

	for (uint32_t i = 0; i < 16; i++)
		in.instruction_bytes[i] = (uint8_t)(0x80 + i);
	return in;
}

static inline struct vsm_cpuid_intercept good_cpuid(void)
{
	struct vsm_cpuid_intercept in = {
		sizeof(in), 0x61, 0x62, 0x63, 0x64, 0x71, 0x72, 0x73, 0x74
	};

	return in;
}

static inline struct vsm_hypercall_intercept good_hypercall(void)
{
	struct vsm_hypercall_intercept in = {
		.size = sizeof(in),
		.rax = 0x61,
		.rbx = 0x62,
		.rcx = 0x63,
		.rdx = 0x64,
		.r8 = 0x65,
		.rsi = 0x66,
		.rdi = 0x67,
		.flags = 1,
	};

	for (uint32_t i = 0; i < 6; i++) {
		in.xmm[i].low = 0x7000 + i;
		in.xmm[i].high = 0x8000 + i;
	}
	return in;
}

/* Every kind with a context, for what they have in common */

static inline int make_memory(struct hv_message *out, const struct vsm_intercept_context *c)
{
	struct vsm_memory_intercept in = good_memory();

	return vsm_message_memory(out, c, &in);
}

static inline int make_msr(struct hv_message *out, const struct vsm_intercept_context *c)
{
	struct vsm_msr_intercept in = good_msr();

	return vsm_message_msr(out, c, &in);
}

static inline int make_register(struct hv_message *out, const struct vsm_intercept_context *c)
{
	struct vsm_register_intercept in = good_register();

	return vsm_message_register(out, c, &in);
}

static inline int make_exception(struct hv_message *out, const struct vsm_intercept_context *c)
{
	struct vsm_exception_intercept in = good_exception();

	return vsm_message_exception(out, c, &in);
}

static inline int make_io_port(struct hv_message *out, const struct vsm_intercept_context *c)
{
	struct vsm_io_port_intercept in = good_io_port();

	return vsm_message_io_port(out, c, &in);
}

static inline int make_cpuid(struct hv_message *out, const struct vsm_intercept_context *c)
{
	struct vsm_cpuid_intercept in = good_cpuid();

	return vsm_message_cpuid(out, c, &in);
}

static inline int make_hypercall(struct hv_message *out, const struct vsm_intercept_context *c)
{
	struct vsm_hypercall_intercept in = good_hypercall();

	return vsm_message_hypercall(out, c, &in);
}

static inline int make_sipi(struct hv_message *out, const struct vsm_intercept_context *c)
{
	return vsm_message_sipi(out, c, 0x61626364, 0x9a);
}

static inline int make_sint(struct hv_message *out, const struct vsm_intercept_context *c)
{
	return vsm_message_sint_deliverable(out, c, 0x8421);
}

static inline int make_interruption(struct hv_message *out, const struct vsm_intercept_context *c)
{
	return vsm_message_interruption_deliverable(out, c, 2);
}

static const struct {
	int (*make)(struct hv_message *out, const struct vsm_intercept_context *c);
	uint32_t type;
	uint32_t size; /* Bytes of the payload. */
	uint32_t accesses; /* Bit n: access type n is possible. */
	uint32_t needs_length; /* TLFS 13.2: the receiver relies on it. */
} kinds[] = {
	{ make_memory, 0x80000001, 80, 7, 0 },
	{ make_msr, 0x80010001, 64, 3, 1 },
	{ make_register, 0x80010006, 64, 3, 0 },
	{ make_exception, 0x80010003, 240, 7, 0 },
	{ make_io_port, 0x80010000, 128, 3, 1 },
	{ make_cpuid, 0x80010002, 104, 7, 1 },
	{ make_hypercall, 0x80000050, 208, 7, 0 },
	{ make_sipi, 0x80010009, 48, 7, 0 },
	{ make_sint, 0x80000062, 48, 7, 0 },
	{ make_interruption, 0x80010008, 48, 7, 0 },
	{ vsm_message_unrecoverable_exception, 0x80000021, 40, 7, 0 },
	{ vsm_message_halt, 0x80010007, 40, 7, 0 },
};
#define KINDS VSMTEST_COUNT(kinds)

#endif
