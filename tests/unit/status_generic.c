/* SPDX-License-Identifier: BSD-3-Clause */
/* Checks that every call goes through (TLFS ch. 3). */
#include "status.h"

/* The machine has 40 address bits. */
static const uint64_t beyond[] = { 1ull << 40, 1ull << 41,	   1ull << 51,
				   1ull << 52, 0xfffffffffffff000, 0xfffffffffffffff8 };

static int cpl(struct probe *p, uint32_t variant)
{
	static const uint32_t modes[] = { MODE_CPL3, MODE_CPL1, MODE_CPL2, MODE_REAL, MODE_V86 };

	if (variant >= VSMTEST_COUNT(modes))
		return 0;
	p->mode = modes[variant];
	return 1;
}

static int page(struct probe *p, uint32_t variant)
{
	p->no_page = 1;
	return variant == 0;
}

/* Without VTLs above 0, or without a way to switch, there is no AccessVsm. */
static int privilege(struct probe *p, uint32_t variant)
{
	if (variant == 0)
		p->opts.config.max_vtl = 0;
	else
		p->opts.null_ops |= VSMTEST_BIT(VSMTEST_SWITCH_VTL);
	p->caller = p->enabled = p->first = p->protect = 0;
	return variant < 2;
}

static int reserved(struct probe *p, uint32_t variant)
{
	static const uint8_t bits[] = { 27, 28, 29, 30, 31, 44, 45, 46, 47, 60, 61, 62, 63 };

	if (variant >= VSMTEST_COUNT(bits))
		return 0;
	p->control |= 1ull << bits[variant];
	return 1;
}

static int unknown(struct probe *p, uint32_t variant)
{
	static const uint16_t codes[] = { 0x7fff,
					  0x0000,
					  0xffff,
					  HVCALL_DISABLE_PARTITION_VTL,
					  HVCALL_DISABLE_VP_VTL,
					  HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE };

	if (variant >= VSMTEST_COUNT(codes))
		return 0;
	p->control = (p->control & ~HV_HYPERCALL_CODE_MASK) | codes[variant];
	return 1;
}

static int form(struct probe *p, uint32_t variant)
{
	static const uint32_t ops[] = { VSMTEST_BIT(VSMTEST_XMM_GET) | VSMTEST_BIT(VSMTEST_XMM_SET),
					VSMTEST_BIT(VSMTEST_XMM_GET),
					VSMTEST_BIT(VSMTEST_XMM_SET) };

	if (variant >= VSMTEST_COUNT(ops))
		return 0;
	p->opts.null_ops |= ops[variant];
	p->control |= HV_HYPERCALL_FAST;
	return 1;
}

/* Each bit of a variable header; then what does not suit the kind of the call. */
static int fields(struct probe *p, uint32_t variant)
{
	static const uint16_t bad_reps[][2] = {
		{ 0, 0 }, { 3, 3 }, { 1, 4095 }, { 4095, 4095 }, { 0, 1 }
	};
	static const uint16_t bad_simple[][2] = {
		{ 1, 0 }, { 0, 1 }, { 4095, 0 }, { 0, 4095 }, { 2, 1 }
	};
	const uint16_t(*bad)[2] = probe_info(p).kind == VSM_HYPERCALL_REP ? bad_reps : bad_simple;

	if (variant < 10) {
		p->control |= 1ull << (HV_HYPERCALL_VARHEAD_SHIFT + variant);
		return 1;
	}
	if (variant >= 10 + VSMTEST_COUNT(bad_reps))
		return 0;
	p->control &= ~(HV_HYPERCALL_REP_COUNT_MASK | HV_HYPERCALL_REP_START_MASK);
	p->control |= VSMTEST_REP_AT(0, bad[variant - 10][0], bad[variant - 10][1]);
	return 1;
}

/* One element more than fits into seven pairs; a call that takes memory only never fits. */
static int registers(struct probe *p, uint32_t variant)
{
	struct vsm_hypercall_info info = probe_info(p);
	uint32_t count = 0;

	if (info.kind == VSM_HYPERCALL_REP)
		for (count = 1; (info.fixed_in + info.rep_in * count + 15) / 16 +
					(info.rep_out * count + 15) / 16 <=
				VSM_FAST_PAIRS;
		     count++)
			;
	if (variant == 1 && count)
		count = 4095;
	p->control &= ~HV_HYPERCALL_REP_COUNT_MASK;
	p->control |= VSMTEST_REP(HV_HYPERCALL_FAST, count);
	return variant == 0 || (variant == 1 && count);
}

/* Of both blocks: each misalignment, one byte too far, beyond the space. */
static int place(struct probe *p, uint32_t variant)
{
	struct vsm_hypercall_info info = probe_info(p);
	uint64_t *gpa = &p->in_gpa;
	uint32_t bytes = info.fixed_in + info.rep_in * STATUS_REPS;
	uint32_t kinds = 8 + VSMTEST_COUNT(beyond);

	if (variant >= kinds) {
		gpa = &p->out_gpa;
		bytes = info.fixed_out + info.rep_out * STATUS_REPS;
		variant -= kinds;
		if (!bytes)
			return 0;
	}
	if (variant < 7)
		*gpa += variant + 1;
	else if (variant == 7) /* A block of 8 bytes crosses no page unless it is misaligned. */
		*gpa += bytes > 8 ? VSMTEST_PAGE - ((bytes - 1) & ~7u) : VSMTEST_PAGE - 4;
	else if (variant < kinds)
		*gpa = beyond[variant - 8];
	return variant < kinds;
}

static int no_ram_out(struct probe *p, uint32_t variant)
{
	p->out_gpa = VSMTEST_HOLE_GPA + (variant ? VSMTEST_PAGE - 512u : 0);
	return variant < 2;
}

static int no_ram_in(struct probe *p, uint32_t variant)
{
	p->in_gpa = variant ? VSMTEST_RAM1_GPA + VSMTEST_RAM1_SIZE : VSMTEST_HOLE_GPA;
	return variant < 2;
}

/* VTL0 calls, and VTL1 has all it needs to deny it something. */
static void deny(struct probe *p)
{
	struct vsmtest_opts opts;

	vsmtest_opts_init(&opts);
	p->opts.config.max_vtl = opts.config.max_vtl;
	p->opts.config.enforceable = opts.config.enforceable;
	p->caller = p->enabled = p->protect = p->vp = p->busy = 0;
}

static int denied_out(struct probe *p, uint32_t variant)
{
	deny(p);
	p->deny_out = 1;
	return variant == 0;
}

static int denied_in(struct probe *p, uint32_t variant)
{
	deny(p);
	p->deny_in = 1;
	return variant == 0;
}

static int denied_mute(struct probe *p, uint32_t variant)
{
	int ok = denied_in(p, variant);

	p->vp = 1;
	p->opts.waiting = 0;
	p->in_gpa += VSMTEST_IN_GPA(1) - VSMTEST_IN_GPA(0);
	p->out_gpa += VSMTEST_IN_GPA(1) - VSMTEST_IN_GPA(0);
	return ok;
}

/* Fields that many calls have at the same place. */

static int partition(struct probe *p, uint32_t variant)
{
	static const uint64_t ids[] = { 0x1234, 0, HV_PARTITION_ID_SELF - 1, 1ull << 32 | 1 };

	if (variant >= VSMTEST_COUNT(ids))
		return 0;
	memcpy(p->in, &ids[variant], sizeof(ids[0]));
	return 1;
}

static int vp_index(struct probe *p, uint32_t variant)
{
	static const uint32_t indices[] = { 2, 77, HV_VP_INDEX_ANY, HV_VP_INDEX_SELF - 1 };

	if (variant >= VSMTEST_COUNT(indices))
		return 0;
	memcpy(p->in + 8, &indices[variant], sizeof(indices[0]));
	return 1;
}

/* Each reserved bit of HV_INPUT_VTL and of the three bytes behind it. */
static int input_vtl(struct probe *p, uint32_t variant)
{
	p->in[12 + (variant + 5) / 8] |= (uint8_t)(1u << (variant + 5) % 8);
	return variant < 27;
}

/* As it is, and in registers if it fits there. */
static int success(struct probe *p, uint32_t variant)
{
	struct vsm_hypercall_info info = probe_info(p);

	if (variant == 1)
		p->control |= HV_HYPERCALL_FAST;
	return variant == 0 ||
	       (variant == 1 && info.fast && !(p->narrow && (info.rep_out || info.fixed_out)));
}

static const struct scenario scenarios[] = {
	{ STATUS_ANY, "cpl", STATUS_EARLY, 0, cpl },
	{ STATUS_ANY, "page", STATUS_EARLY, 0, page },
	{ STATUS_ANY, "privilege", STATUS_EARLY, USES_MACHINE, privilege },
	{ STATUS_ANY, "reserved", STATUS_EARLY, 0, reserved },
	{ STATUS_ANY, "unknown", STATUS_EARLY, 0, unknown },
	{ STATUS_ANY, "form", STATUS_EARLY, USES_FORM, form },
	{ STATUS_ANY, "fields", STATUS_EARLY, USES_FORM, fields },
	{ STATUS_ANY, "registers", STATUS_EARLY, USES_FORM, registers },
	{ STATUS_ANY, "place", STATUS_EARLY, USES_FORM, place },
	{ STATUS_ANY, "no-ram-out", STATUS_EARLY, USES_FORM, no_ram_out },
	{ STATUS_ANY, "denied-out", STATUS_EARLY, USES_FORM | USES_MACHINE | USES_VP, denied_out },
	{ STATUS_ANY, "no-ram-in", STATUS_EARLY, USES_FORM, no_ram_in },
	{ STATUS_ANY, "denied-in", STATUS_EARLY, USES_FORM | USES_MACHINE | USES_VP, denied_in },
	{ STATUS_ANY, "denied-mute", STATUS_EARLY, USES_FORM | USES_MACHINE | USES_VP,
	  denied_mute },
	{ STATUS_ANY, "partition", 0, 0, partition },
	{ STATUS_ANY, "index", 0, USES_VP, vp_index },
	{ STATUS_ANY, "input-vtl", 0, 0, input_vtl },
	{ STATUS_ANY, "success", STATUS_ACTS, 0, success },
};

const struct status_family status_generic = { scenarios, VSMTEST_COUNT(scenarios), NULL, 0 };
