/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of vsm_hypercall_decode() share: calls that are good, and how they are refused. */
#ifndef DECODE_COMMON_H
#define DECODE_COMMON_H

#include <check.h>
#include <stdint.h>
#include <string.h>

#include <vsm/error.h>
#include <vsm/hv.h>
#include <vsm/hypercall.h>

#include "hypercall_csv.h"
#include "vsmtest.h"

/* Where good calls have their blocks. */
#define INPUT_GPA  0x0000000123456000ull
#define OUTPUT_GPA 0x0000000523457000ull
#define PHYS_BITS  46u

#define GARBAGE	 0xdeadbeef00000000ull
#define XMM_BOTH (HV_FEATURE_XMM_HYPERCALL_INPUT | HV_FEATURE_FAST_HYPERCALL_OUTPUT)

#define FAST	       HV_HYPERCALL_FAST
#define REPS(count)    ((uint64_t)(count) << 32)
#define START(index)   ((uint64_t)(index) << 48)
#define VARHEAD(units) ((uint64_t)(units) << 17)

/* The two register mappings (TLFS 3.7). */
enum width {
	WIDTH_32,
	WIDTH_64,
	WIDTHS
};

static struct csv csv;

static inline int row_is(const struct csv_row *row, const char *kind)
{
	return csv_is(row->kind, kind);
}

/* Has a parameter block and can be offered: all but VTL calls and rows without a layout. */
static inline int ordinary(const struct csv_row *row)
{
	return row->known && !row_is(row, "vtl");
}

static inline struct vsm_hypercall_caps full_caps(void)
{
	struct vsm_hypercall_caps caps = {
		.size = sizeof(caps),
		.privileges = UINT64_MAX,
		.features = UINT32_MAX,
		.phys_bits = PHYS_BITS,
		.calls = UINT64_MAX,
		.enabled = 1,
	};

	return caps;
}

/* Registers of a caller; all that its mode does not look at is garbage. */
static inline struct vsm_hypercall_regs registers(enum width width, uint64_t control, uint64_t in,
						  uint64_t out)
{
	struct vsm_hypercall_regs regs = {
		.size = sizeof(regs),
		.mode = VSM_CALLER_PROTECTED,
		.rax = 0x1111111111111111ull,
		.rbx = 0x2222222222222222ull,
		.rcx = 0x3333333333333333ull,
		.rdx = 0x4444444444444444ull,
		.rsi = 0x5555555555555555ull,
		.rdi = 0x6666666666666666ull,
		.r8 = 0x7777777777777777ull,
	};

	if (width == WIDTH_64) {
		regs.mode |= VSM_CALLER_LONG;
		regs.rcx = control;
		regs.rdx = in;
		regs.r8 = out;
		return regs;
	}
	regs.rdx = GARBAGE | control >> 32;
	regs.rax = GARBAGE | (control & 0xffffffffu);
	regs.rbx = GARBAGE | in >> 32;
	regs.rcx = GARBAGE | (in & 0xffffffffu);
	regs.rdi = GARBAGE | out >> 32;
	regs.rsi = GARBAGE | (out & 0xffffffffu);
	return regs;
}

static inline struct vsm_hypercall_regs memory_call(enum width width, uint64_t control)
{
	return registers(width, control, INPUT_GPA, OUTPUT_GPA);
}

/* A VTL call or return: the control input is in RAX or ECX (TLFS 15.6, 15.7). */
static inline struct vsm_hypercall_regs vtl_call(enum width width, uint64_t control, uint64_t input)
{
	struct vsm_hypercall_regs regs = memory_call(width, control);

	if (width == WIDTH_64)
		regs.rax = input;
	else
		regs.rcx = GARBAGE | (input & 0xffffffffu);
	return regs;
}

/* The control word of the smallest good call of a row. */
static inline uint64_t good_control(const struct csv_row *row)
{
	return row->code | (row_is(row, "rep") ? REPS(1) : 0);
}

/* The smallest good call of a row, VTL calls included. */
static inline struct vsm_hypercall_regs good_call(const struct csv_row *row, enum width width)
{
	if (row_is(row, "vtl"))
		return vtl_call(width, row->code, 0);
	return memory_call(width, good_control(row));
}

/* Decode, and hold the answer to what must be true of every answer. */
static inline int decode(const struct vsm_hypercall_regs *regs,
			 const struct vsm_hypercall_caps *caps, struct vsm_hypercall *out)
{
	const struct vsm_hypercall_regs regs_before = *regs;
	const struct vsm_hypercall_caps caps_before = *caps;
	int ret;

	memset(out, 0xa5, sizeof(*out));
	out->size = sizeof(*out);
	ret = vsm_hypercall_decode(regs, caps, out);
	ck_assert_mem_eq(regs, &regs_before, sizeof(*regs));
	ck_assert_mem_eq(caps, &caps_before, sizeof(*caps));
	ck_assert_uint_eq(out->size, sizeof(*out));
	ck_assert_uint_eq(out->reserved, 0);
	ck_assert_uint_le(out->input_size, HV_PAGE_SIZE);
	ck_assert_uint_le(out->output_size, HV_PAGE_SIZE);
	ck_assert_int_eq(out->status != 0, ret == VSM_DECODE_STATUS);
	ck_assert_uint_eq(out->vector, ret == VSM_DECODE_EXCEPTION ? 6 : 0);
	return ret;
}

static inline void expect_ud(const struct vsm_hypercall_regs *regs,
			     const struct vsm_hypercall_caps *caps)
{
	struct vsm_hypercall out;
	int ret = decode(regs, caps, &out);

	ck_assert_msg(ret == VSM_DECODE_EXCEPTION,
		      "call %#x rcx %#llx mode %u: result %d status %#x, not #UD", out.code,
		      (unsigned long long)regs->rcx, regs->mode, ret, out.status);
}

static inline void expect_status(const struct vsm_hypercall_regs *regs,
				 const struct vsm_hypercall_caps *caps, uint16_t status)
{
	struct vsm_hypercall out;
	int ret = decode(regs, caps, &out);

	ck_assert_msg(ret == VSM_DECODE_STATUS && out.status == status,
		      "call %#x control %#llx: result %d status %#x, not %#x", out.code,
		      (unsigned long long)out.control, ret, out.status, status);
}

static inline struct vsm_hypercall expect_ok(const struct vsm_hypercall_regs *regs,
					     const struct vsm_hypercall_caps *caps)
{
	struct vsm_hypercall out;
	int ret = decode(regs, caps, &out);

	ck_assert_msg(ret == VSM_DECODE_OK, "call %#x control %#llx: result %d status %#x",
		      out.code, (unsigned long long)out.control, ret, out.status);
	return out;
}

/* For loops over each row with each register mapping, VTL calls and unknown layouts included. */
struct call {
	const struct csv_row *row;
	enum width width;
};

static inline const struct csv_row *rows_end(void)
{
	return csv.rows + csv.count;
}

static inline struct call first_call(void)
{
	struct call call = { csv.rows, WIDTH_32 };

	return call;
}

static inline struct call next_call(struct call call)
{
	if (call.width == WIDTH_64)
		call.row++;
	call.width = call.width == WIDTH_64 ? WIDTH_32 : WIDTH_64;
	return call;
}

/* The bit of a row in vsm_hypercall_caps.calls. */
static inline uint64_t row_bit(const struct csv_row *row)
{
	return 1ull << (row - csv.rows);
}

static inline int run_suite(const char *name, void (*add)(TCase *tc))
{
	return csv_load(&csv) ? vsmtest_suite(name, add) : 1;
}

#endif
