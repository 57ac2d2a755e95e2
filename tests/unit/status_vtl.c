/* SPDX-License-Identifier: BSD-3-Clause */
/* EnablePartitionVtl, EnableVpVtl, StartVirtualProcessor, VtlCall, VtlReturn (TLFS 15.5 to
 * 15.15). */
#include "status.h"

#define PARTITION struct hv_input_enable_partition_vtl
#define VP	  struct hv_input_enable_vp_vtl

static void good_enable_partition(struct probe *p)
{
	PUT(p, PARTITION, target_partition_id, HV_PARTITION_ID_SELF);
	PUT(p, PARTITION, target_vtl, 1);
}

static int partition_number(struct probe *p, uint32_t variant)
{
	static const uint8_t vtls[] = { 16, 17, 0x11, 0x81, 0xff };

	if (variant >= VSMTEST_COUNT(vtls))
		return 0;
	PUT(p, PARTITION, target_vtl, vtls[variant]);
	return 1;
}

static int partition_target(struct probe *p, uint32_t variant)
{
	static const uint8_t vtls[] = { 0, 2, 3, 15, 2 };

	if (variant >= VSMTEST_COUNT(vtls))
		return 0;
	if (variant == 4) /* VTL0 would not have the right to it either. */
		p->enabled = 2;
	PUT(p, PARTITION, target_vtl, vtls[variant]);
	return 1;
}

/* Each bit of the flags and of the reserved bytes behind them. */
static int partition_flag(struct probe *p, uint32_t variant)
{
	p->in[9 + variant / 8] |= (uint8_t)(1u << variant % 8);
	return variant < 56;
}

static int partition_right(struct probe *p, uint32_t variant)
{
	p->opts.config.max_vtl = 2;
	p->enabled = 2;
	PUT(p, PARTITION, target_vtl, 2);
	return variant == 0;
}

/* By the VTL below, and by itself. */
static int partition_enabled(struct probe *p, uint32_t variant)
{
	p->enabled = 2;
	if (variant == 1)
		p->caller = 1;
	return variant < 2;
}

static void good_enable_vp(struct probe *p)
{
	struct hv_initial_vp_context context;

	vsmtest_context64(&context);
	p->enabled = 2;
	PUT(p, VP, target_partition_id, HV_PARTITION_ID_SELF);
	PUT(p, VP, vp_index, HV_VP_INDEX_SELF);
	PUT(p, VP, target_vtl, 1);
	PUT(p, VP, vp_vtl_context, context);
}

/* Each bit of the reserved bytes; VTLs that are none. */
static int vp_number(struct probe *p, uint32_t variant)
{
	static const uint8_t vtls[] = { 16, 17, 0x11, 0x81, 0xff };

	if (variant < 24) {
		p->in[13 + variant / 8] |= (uint8_t)(1u << variant % 8);
		return 1;
	}
	if (variant >= 24 + VSMTEST_COUNT(vtls))
		return 0;
	PUT(p, VP, target_vtl, vtls[variant - 24]);
	return 1;
}

static int vp_target(struct probe *p, uint32_t variant)
{
	static const uint8_t vtls[] = { 0, 2, 15 };

	if (variant >= VSMTEST_COUNT(vtls))
		return 0;
	PUT(p, VP, target_vtl, vtls[variant]);
	return 1;
}

static int vp_off(struct probe *p, uint32_t variant)
{
	p->caller = 0;
	p->enabled = 0;
	return variant == 0;
}

/* Another VP; a VTL that this VP has already; a VTL above another one that is enabled. */
static int vp_right(struct probe *p, uint32_t variant)
{
	p->caller = 0;
	if (variant == 0)
		PUT(p, VP, vp_index, 1);
	if (variant == 1)
		p->first = 1;
	if (variant == 2) {
		p->opts.config.max_vtl = 2;
		p->enabled = 6;
		PUT(p, VP, target_vtl, 2);
	}
	return variant < 3;
}

/* By the VTL itself: it is not below its target. */
static int vp_twice(struct probe *p, uint32_t variant)
{
	p->caller = 1;
	PUT(p, VP, vp_index, variant ? 0 : HV_VP_INDEX_SELF);
	return variant < 2;
}

static int vp_context(struct probe *p, uint32_t variant)
{
	if (variant == 0)
		PUT(p, VP, vp_vtl_context.cr0, 0);
	if (variant == 1)
		PUT(p, VP, vp_vtl_context.rip, 1ull << 63);
	if (variant == 2)
		PUT(p, VP, vp_vtl_context.efer, 1ull << 20);
	return variant < 3;
}

static int vp_host_context(struct probe *p, uint32_t variant)
{
	static const uint32_t names[] = { HV_X64_REGISTER_CR3, HV_X64_REGISTER_LSTAR,
					  HV_X64_REGISTER_CS };

	if (variant >= VSMTEST_COUNT(names))
		return 0;
	p->refused_reg = names[variant];
	return 1;
}

/* StartVirtualProcessor: the block is that of EnableVpVtl. */

static void good_start(struct probe *p)
{
	p->opts.config.host_flags |= VSM_HOST_STARTS_VPS;
	p->opts.waiting = 2;
	good_enable_vp(p);
	p->enabled = 0;
	PUT(p, VP, vp_index, 1);
	PUT(p, VP, target_vtl, 0);
}

static int start_offered(struct probe *p, uint32_t variant)
{
	p->opts.waiting = 0;
	if (variant == 0)
		p->opts.config.host_flags = 0;
	else
		p->opts.null_ops |= VSMTEST_BIT(VSMTEST_KICK);
	return variant < 2;
}

static int start_index(struct probe *p, uint32_t variant)
{
	static const uint32_t indices[] = { 2, 77, HV_VP_INDEX_ANY, HV_VP_INDEX_SELF, 0 };

	if (variant >= VSMTEST_COUNT(indices))
		return 0;
	PUT(p, VP, vp_index, indices[variant]);
	return 1;
}

static int start_above(struct probe *p, uint32_t variant)
{
	static const uint8_t vtls[] = { 1, 2, 15 };

	if (variant >= VSMTEST_COUNT(vtls))
		return 0;
	p->caller = 0;
	PUT(p, VP, target_vtl, vtls[variant]);
	return 1;
}

static int start_off(struct probe *p, uint32_t variant)
{
	p->caller = 1;
	PUT(p, VP, target_vtl, 1);
	return variant == 0;
}

static int start_denied(struct probe *p, uint32_t variant)
{
	p->opts.config.host_flags |= VSM_HOST_STARTS_VPS;
	p->caller = 0;
	p->deny_startup = 1;
	return variant == 0;
}

static int start_running(struct probe *p, uint32_t variant)
{
	p->opts.waiting = 0;
	return variant == 0;
}

/* VTL call and return */

static void good_call(struct probe *p)
{
	p->first = 1;
}

static void good_return(struct probe *p)
{
	p->caller = 1;
	p->vtl_control = HV_VTL_RETURN_FAST;
}

static int word(struct probe *p, uint32_t variant)
{
	p->control |= 1ull << (16 + variant % 48);
	return variant < 48;
}

/* The high half of the register is none for a 32-bit caller. */
static int control(struct probe *p, uint32_t variant)
{
	uint32_t skip = probe_code(p) == HVCALL_VTL_RETURN;

	p->vtl_control |= 1ull << ((variant + skip) % 64);
	return variant + skip < (p->narrow ? 32 : 64);
}

static int no_other_vtl(struct probe *p, uint32_t variant)
{
	p->first = probe_code(p) == HVCALL_VTL_RETURN;
	p->caller = 0;
	return variant == 0;
}

/* From the highest VTL no call leads on. */
static int no_higher_vtl(struct probe *p, uint32_t variant)
{
	if (variant == 1)
		p->caller = 1;
	else
		p->first = 0;
	return variant < 2;
}

/* A normal return as well; that there is an assist page or not makes no difference. */
static int switched(struct probe *p, uint32_t variant)
{
	if (variant == 1)
		p->vtl_control = 0;
	return variant == 0 || (variant == 1 && probe_code(p) == HVCALL_VTL_RETURN);
}

static const struct scenario scenarios[] = {
	{ HVCALL_ENABLE_PARTITION_VTL, "number", 0, USES_TARGET, partition_number },
	{ HVCALL_ENABLE_PARTITION_VTL, "target", 0, USES_TARGET, partition_target },
	{ HVCALL_ENABLE_PARTITION_VTL, "flag", 0, 0, partition_flag },
	{ HVCALL_ENABLE_PARTITION_VTL, "right", 0, USES_TARGET | USES_MACHINE, partition_right },
	{ HVCALL_ENABLE_PARTITION_VTL, "enabled", 0, USES_MACHINE, partition_enabled },
	{ HVCALL_ENABLE_VP_VTL, "number", 0, USES_TARGET, vp_number },
	{ HVCALL_ENABLE_VP_VTL, "target", 0, USES_TARGET, vp_target },
	{ HVCALL_ENABLE_VP_VTL, "off", 0, USES_MACHINE, vp_off },
	{ HVCALL_ENABLE_VP_VTL, "right", 0, USES_MACHINE | USES_VP | USES_TARGET, vp_right },
	{ HVCALL_ENABLE_VP_VTL, "twice", 0, USES_MACHINE | USES_VP, vp_twice },
	{ HVCALL_ENABLE_VP_VTL, "context", 0, 0, vp_context },
	{ HVCALL_ENABLE_VP_VTL, "host-context", STATUS_ACTS, USES_HOST, vp_host_context },
	{ HVCALL_START_VIRTUAL_PROCESSOR, "offered", STATUS_EARLY, USES_MACHINE, start_offered },
	{ HVCALL_START_VIRTUAL_PROCESSOR, "number", 0, USES_TARGET, vp_number },
	{ HVCALL_START_VIRTUAL_PROCESSOR, "index", 0, USES_VP, start_index },
	{ HVCALL_START_VIRTUAL_PROCESSOR, "above", 0, USES_TARGET | USES_MACHINE, start_above },
	{ HVCALL_START_VIRTUAL_PROCESSOR, "off", 0, USES_TARGET | USES_MACHINE, start_off },
	{ HVCALL_START_VIRTUAL_PROCESSOR, "denied", 0, USES_MACHINE, start_denied },
	{ HVCALL_START_VIRTUAL_PROCESSOR, "running", 0, USES_MACHINE, start_running },
	{ HVCALL_START_VIRTUAL_PROCESSOR, "context", 0, 0, vp_context },
	{ HVCALL_VTL_CALL, "word", STATUS_EARLY, 0, word },
	{ HVCALL_VTL_CALL, "control", STATUS_EARLY, 0, control },
	{ HVCALL_VTL_CALL, "state", STATUS_EARLY, USES_MACHINE, no_higher_vtl },
	{ HVCALL_VTL_CALL, "success", STATUS_ACTS, 0, switched },
	{ HVCALL_VTL_RETURN, "word", STATUS_EARLY, 0, word },
	{ HVCALL_VTL_RETURN, "control", STATUS_EARLY, 0, control },
	{ HVCALL_VTL_RETURN, "state", STATUS_EARLY, USES_MACHINE, no_other_vtl },
	{ HVCALL_VTL_RETURN, "success", STATUS_ACTS, 0, switched },
};

static const struct good_call calls[] = {
	{ HVCALL_ENABLE_PARTITION_VTL, good_enable_partition },
	{ HVCALL_ENABLE_VP_VTL, good_enable_vp },
	{ HVCALL_START_VIRTUAL_PROCESSOR, good_start },
	{ HVCALL_VTL_CALL, good_call },
	{ HVCALL_VTL_RETURN, good_return },
};

const struct status_family status_vtl = { scenarios, VSMTEST_COUNT(scenarios), calls,
					  VSMTEST_COUNT(calls) };
