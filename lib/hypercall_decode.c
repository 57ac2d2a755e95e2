/* SPDX-License-Identifier: BSD-3-Clause */
#include "hypercall_table.h"

#include "vsm/error.h"
#include "vsm/hv.h"
#include "vsm/hypercall.h"
#include "vsm/types.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VECTOR_UD  6
#define PAIR_BYTES 16u

/* Sizes of the two blocks, before they are known to fit anywhere. */
struct blocks {
	uint32_t variable;
	uint32_t input;
	uint32_t output;
};

/*
 * The largest row and control word give 65535 + 8 * 1023 + 65535 * 4095 bytes, which is less than
 * 2^32: sums and products of struct blocks cannot wrap.
 */
_Static_assert(UINT16_MAX + 8ull * 1023 + UINT16_MAX * 4095ull <= UINT32_MAX, "block sizes");

static int arguments_valid(const struct vsm_hypercall_regs *regs,
			   const struct vsm_hypercall_caps *caps, const struct vsm_hypercall *out)
{
	const uint32_t modes = VSM_CALLER_PROTECTED | VSM_CALLER_LONG | VSM_CALLER_V86;

	if (!regs || !caps || !out)
		return 0;
	if (regs->size != sizeof(*regs) || caps->size != sizeof(*caps) || out->size != sizeof(*out))
		return 0;
	return !(regs->mode & ~modes) && regs->cpl <= 3 && caps->phys_bits >= 32 &&
	       caps->phys_bits <= 52 && caps->reserved == 0;
}

static int refuse(struct vsm_hypercall *out, uint16_t status)
{
	out->status = status;
	return VSM_DECODE_STATUS;
}

static int raise_ud(struct vsm_hypercall *out)
{
	out->vector = VECTOR_UD;
	return VSM_DECODE_EXCEPTION;
}

/* TLFS 3.5: from CPL 0 of protected mode only. */
static int caller_may_call(const struct vsm_hypercall_regs *regs)
{
	return (regs->mode & VSM_CALLER_PROTECTED) && !(regs->mode & VSM_CALLER_V86) &&
	       regs->cpl == 0;
}

static uint64_t pair32(uint64_t high, uint64_t low)
{
	return high << 32 | (low & UINT32_MAX);
}

/*
 * TLFS 3.7. High halves are cut off here, before anything looks at them: outside of 64-bit mode
 * they hold whatever the guest left in them.
 */
static void load_registers(const struct vsm_hypercall_regs *regs, struct vsm_hypercall *out)
{
	if (regs->mode & VSM_CALLER_LONG) {
		out->flags = VSM_HYPERCALL_LONG;
		out->control = regs->rcx;
		out->param[0] = regs->rdx;
		out->param[1] = regs->r8;
	} else {
		out->control = pair32(regs->rdx, regs->rax);
		out->param[0] = pair32(regs->rbx, regs->rcx);
		out->param[1] = pair32(regs->rdi, regs->rsi);
	}
	out->code = (uint16_t)(out->control & HV_HYPERCALL_CODE_MASK);
}

/* The row of the call if the guest was offered it; what was not offered does not exist. */
static const struct hypercall_row *offered_row(const struct vsm_hypercall_caps *caps,
					       struct vsm_hypercall *out)
{
	int index = vsm_hypercall_row(out->code);
	const struct hypercall_row *row;

	if (index < 0)
		return NULL;
	out->row = (uint32_t)index;
	row = hypercall_row_at(out->row);
	return row->known && (caps->calls >> index & 1) ? row : NULL;
}

static int privileged(const struct hypercall_row *row, const struct vsm_hypercall_caps *caps)
{
	return (caps->privileges & row->privilege) == row->privilege;
}

/* TLFS 15.6 and 15.7: each error of a VTL call or return is #UD, there is no status. */
static int decode_vtl(const struct vsm_hypercall_regs *regs, const struct vsm_hypercall_caps *caps,
		      const struct hypercall_row *row, struct vsm_hypercall *out)
{
	uint64_t allowed = out->code == HVCALL_VTL_RETURN ? HV_VTL_RETURN_FAST : 0;

	out->kind = VSM_HYPERCALL_VTL;
	out->vtl_control = out->flags & VSM_HYPERCALL_LONG ? regs->rax : regs->rcx & UINT32_MAX;
	if (out->control != out->code || (out->vtl_control & ~allowed))
		return raise_ud(out);
	if (!row || !privileged(row, caps))
		return raise_ud(out);
	return VSM_DECODE_OK;
}

static void load_control(const struct hypercall_row *row, struct vsm_hypercall *out)
{
	uint64_t control = out->control;

	if (control & HV_HYPERCALL_FAST)
		out->flags |= VSM_HYPERCALL_FAST;
	out->rep_count = (control & HV_HYPERCALL_REP_COUNT_MASK) >> HV_HYPERCALL_REP_COUNT_SHIFT &
			 UINT32_MAX;
	out->rep_start = (control & HV_HYPERCALL_REP_START_MASK) >> HV_HYPERCALL_REP_START_SHIFT &
			 UINT32_MAX;
	if (!row)
		return;
	out->kind = row->kind;
	out->rep_in_size = row->rep_in;
	out->rep_out_size = row->rep_out;
}

/* TLFS 3.7.1: the full rep count makes the size, whatever the start index. */
static void measure(const struct hypercall_row *row, const struct vsm_hypercall *out,
		    struct blocks *blocks)
{
	uint32_t units = (uint32_t)((out->control & HV_HYPERCALL_VARHEAD_MASK) >>
				    HV_HYPERCALL_VARHEAD_SHIFT);
	uint32_t reps = row->kind == VSM_HYPERCALL_REP ? out->rep_count : 0;

	blocks->variable = row->variable ? 8 * units : 0;
	blocks->input = row->fixed_in + blocks->variable + row->rep_in * reps;
	blocks->output = row->fixed_out + row->rep_out * reps;
}

/*
 * TLFS 3.7.1: registers beyond RDX and R8, and output in registers, exist only where CPUID says
 * so. A call that takes memory only has no register form that could be missing.
 */
static int form_offered(const struct hypercall_row *row, const struct vsm_hypercall_caps *caps,
			const struct vsm_hypercall *out, const struct blocks *blocks)
{
	if (!(out->flags & VSM_HYPERCALL_FAST) || !row->fast)
		return 1;
	if (blocks->input > HV_HYPERCALL_FAST_BYTES &&
	    !(caps->features & HV_FEATURE_XMM_HYPERCALL_INPUT))
		return 0;
	return !blocks->output || (caps->features & HV_FEATURE_FAST_HYPERCALL_OUTPUT);
}

/* TLFS 3.7: rep fields and variable header belong to calls that have them. */
static int control_fits(const struct hypercall_row *row, const struct vsm_hypercall *out)
{
	if (!row->variable && (out->control & HV_HYPERCALL_VARHEAD_MASK))
		return 0;
	if (row->kind == VSM_HYPERCALL_REP)
		return out->rep_start < out->rep_count;
	return !out->rep_count && !out->rep_start;
}

static uint32_t pairs(uint32_t bytes)
{
	return (bytes + PAIR_BYTES - 1) / PAIR_BYTES;
}

/* TLFS 3.7.1: output begins at the first pair that no input touches. */
static int place_in_registers(const struct hypercall_row *row, const struct blocks *blocks,
			      struct vsm_hypercall *out)
{
	int is_long = out->flags & VSM_HYPERCALL_LONG;

	if (!row->fast || (blocks->output && !is_long) ||
	    pairs(blocks->input) + pairs(blocks->output) > VSM_FAST_PAIRS)
		return refuse(out, HV_STATUS_INVALID_HYPERCALL_INPUT);
	out->output_pair = pairs(blocks->input);
	return VSM_DECODE_OK;
}

/* TLFS 3.6: aligned to 8 bytes, within one page, within the GPA space. */
static int block_placed(const struct vsm_hypercall_caps *caps, uint64_t gpa, uint32_t bytes)
{
	if (!bytes)
		return 1;
	if (gpa % 8 || (gpa & (HV_PAGE_SIZE - 1)) + bytes > HV_PAGE_SIZE)
		return 0;
	/* The block ends in the page where it begins, so its first byte speaks for all of them. */
	return gpa >> caps->phys_bits == 0;
}

static int place(const struct hypercall_row *row, const struct vsm_hypercall_caps *caps,
		 const struct blocks *blocks, struct vsm_hypercall *out)
{
	if (out->flags & VSM_HYPERCALL_FAST)
		return place_in_registers(row, blocks, out);
	if (!block_placed(caps, out->param[0], blocks->input) ||
	    !block_placed(caps, out->param[1], blocks->output))
		return refuse(out, HV_STATUS_INVALID_ALIGNMENT);
	return VSM_DECODE_OK;
}

/* The order of the checks is the one that hypercall.h promises. */
static int decode_parameters(const struct hypercall_row *row, const struct vsm_hypercall_caps *caps,
			     struct vsm_hypercall *out)
{
	struct blocks blocks;
	int ret;

	load_control(row, out);
	if (row && !privileged(row, caps))
		return refuse(out, HV_STATUS_ACCESS_DENIED);
	if (out->control & (HV_HYPERCALL_RSVD_MASK | HV_HYPERCALL_NESTED))
		return refuse(out, HV_STATUS_INVALID_HYPERCALL_INPUT);
	if (!row)
		return refuse(out, HV_STATUS_INVALID_HYPERCALL_CODE);
	measure(row, out, &blocks);
	if (!form_offered(row, caps, out, &blocks))
		return raise_ud(out);
	if (!control_fits(row, out))
		return refuse(out, HV_STATUS_INVALID_HYPERCALL_INPUT);
	ret = place(row, caps, &blocks, out);
	if (ret != VSM_DECODE_OK)
		return ret;
	out->variable_size = blocks.variable;
	out->header_size = row->fixed_in + blocks.variable;
	out->input_size = blocks.input;
	out->output_size = blocks.output;
	return VSM_DECODE_OK;
}

int vsm_hypercall_decode(const struct vsm_hypercall_regs *regs,
			 const struct vsm_hypercall_caps *caps, struct vsm_hypercall *out)
{
	const struct hypercall_row *row;

	if (!arguments_valid(regs, caps, out))
		return -VSM_ERR_INVAL;
	memset(out, 0, sizeof(*out));
	out->size = sizeof(*out);
	if (!caller_may_call(regs) || !caps->enabled)
		return raise_ud(out);
	load_registers(regs, out);
	row = offered_row(caps, out);
	if (out->code == HVCALL_VTL_CALL || out->code == HVCALL_VTL_RETURN)
		return decode_vtl(regs, caps, row, out);
	return decode_parameters(row, caps, out);
}
