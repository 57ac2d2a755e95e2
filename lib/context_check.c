/* SPDX-License-Identifier: BSD-3-Clause */
#include "register_check.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "vsm/error.h"
#include "vsm/hv.h"

/*
 * TLFS 15.5.3 asks for a valid protected-mode state and lists no rules. These are the ones that a
 * processor has: each register alone (vsm_register_check), then what SDM vol. 3C 26.3.1 says about
 * registers together, for a VTL that begins at CPL 0.
 */

struct field {
	uint32_t name;
	uint16_t offset;
	uint16_t bytes;
};

#define FIELD(id, member)                                                             \
	{                                                                             \
		HV_X64_REGISTER_##id, offsetof(struct hv_initial_vp_context, member), \
			sizeof(((struct hv_initial_vp_context *)0)->member)           \
	}

static const struct field fields[] = {
	FIELD(RIP, rip),   FIELD(RSP, rsp),	   FIELD(RFLAGS, rflags), FIELD(CS, cs),
	FIELD(DS, ds),	   FIELD(ES, es),	   FIELD(FS, fs),	  FIELD(GS, gs),
	FIELD(SS, ss),	   FIELD(TR, tr),	   FIELD(LDTR, ldtr),	  FIELD(IDTR, idtr),
	FIELD(GDTR, gdtr), FIELD(EFER, efer),	   FIELD(CR0, cr0),	  FIELD(CR3, cr3),
	FIELD(CR4, cr4),   FIELD(PAT, msr_cr_pat),
};

static int registers_ok(const struct vsm_register_limits *limits,
			const struct hv_initial_vp_context *context)
{
	struct vsm_register_limits own = *limits;
	size_t i;

	/* Addresses are as wide as the paging that this context chooses. */
	if (!(context->cr4 & CR4_LA57))
		own.cr4_mask &= ~CR4_LA57;
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct vsm_reg reg = { .name = fields[i].name };

		memcpy(&reg.value, (const uint8_t *)context + fields[i].offset, fields[i].bytes);
		if (vsm_register_check(&own, &reg) != 1)
			return 0;
	}
	return 1;
}

/* SDM vol. 3A 4.1, 9.8.5; vol. 3C 26.3.1.1. */
static int modes_ok(const struct hv_initial_vp_context *context)
{
	int paging = (context->cr0 & CR0_PG) != 0;
	int lme = (context->efer & EFER_LME) != 0;
	int lma = (context->efer & EFER_LMA) != 0;

	/* TLFS 15.5.3: no real mode above VTL0; nor virtual-8086 mode, which cannot make calls. */
	if (!(context->cr0 & CR0_PE) || (context->rflags & RFLAGS_VM))
		return 0;
	if (lma != (lme && paging))
		return 0;
	if (lma && !(context->cr4 & CR4_PAE))
		return 0;
	if ((context->cr4 & CR4_PCIDE) && !lma)
		return 0;
	return !(context->cr4 & CR4_CET) || (context->cr0 & CR0_WP);
}

static unsigned int dpl(const struct hv_segment_register *segment)
{
	return (segment->attributes & HV_X64_SEGMENT_DPL_MASK) >> HV_X64_SEGMENT_DPL_SHIFT;
}

static unsigned int rpl(const struct hv_segment_register *segment)
{
	return segment->selector & SELECTOR_RPL_MASK;
}

/*
 * Code at CPL 0, in a segment of 64 bits (long mode) or 32: TLFS 15.5.3 knows no others. SDM
 * vol. 3C 26.3.1.2: the CPL is the DPL of SS, and CS and SS agree with it.
 */
static int code_ok(const struct hv_initial_vp_context *context)
{
	const struct hv_segment_register *cs = &context->cs;
	int is_long = (cs->attributes & HV_X64_SEGMENT_LONG) != 0;

	if (!(cs->attributes & HV_X64_SEGMENT_PRESENT) || !(cs->attributes & TYPE_CODE))
		return 0;
	if (dpl(cs) || rpl(cs))
		return 0;
	if (is_long)
		return (context->efer & EFER_LMA) != 0;
	/* SDM vol. 3C 26.3.1.4: RIP outside of 64-bit code has 32 bits. */
	return (cs->attributes & HV_X64_SEGMENT_DEFAULT) && context->rip >> 32 == 0;
}

/* SDM vol. 3A 5.4.1.1: only 64-bit code at CPL < 3 can run with a null SS. */
static int stack_ok(const struct hv_initial_vp_context *context)
{
	if (dpl(&context->ss) || rpl(&context->ss))
		return 0;
	return (context->ss.attributes & HV_X64_SEGMENT_PRESENT) ||
	       (context->cs.attributes & HV_X64_SEGMENT_LONG);
}

/* SDM vol. 3C 26.3.1.2: no selector asks for more than its segment grants; conforming code may. */
static int data_ok(const struct hv_segment_register *segment)
{
	const unsigned int conforming = TYPE_CODE | TYPE_CONFORMING;

	if (!(segment->attributes & HV_X64_SEGMENT_PRESENT) ||
	    (segment->attributes & conforming) == conforming)
		return 1;
	return dpl(segment) >= rpl(segment);
}

/*
 * SDM vol. 3C 26.3.1.2: long mode has no 16-bit TSS. An absent TR is taken, as on AMD processors: a
 * kernel may start without one and load it later. A host whose processor cannot enter the guest
 * without a busy TSS makes one up.
 */
static int task_ok(const struct hv_initial_vp_context *context)
{
	if (!(context->tr.attributes & HV_X64_SEGMENT_PRESENT) || !(context->efer & EFER_LMA))
		return 1;
	return (context->tr.attributes & HV_X64_SEGMENT_TYPE_MASK) == TYPE_TSS_BUSY;
}

int vsm_context_check(const struct vsm_register_limits *limits,
		      const struct hv_initial_vp_context *context)
{
	if (!register_limits_valid(limits) || !context)
		return -VSM_ERR_INVAL;
	if (!registers_ok(limits, context) || !modes_ok(context))
		return 0;
	return code_ok(context) && stack_ok(context) && task_ok(context) && data_ok(&context->ds) &&
	       data_ok(&context->es) && data_ok(&context->fs) && data_ok(&context->gs);
}
