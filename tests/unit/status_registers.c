/* SPDX-License-Identifier: BSD-3-Clause */
/* GetVpRegisters and SetVpRegisters (TLFS 7.10, 15.3, 15.9.1). */
#include "status.h"

#define HEADER struct hv_input_get_vp_registers
#define VTL0   VSMTEST_VTL(0)
#define VTL1   VSMTEST_VTL(1)
#define CONFIG HV_REGISTER_VSM_PARTITION_CONFIG

/* Every legal mask, where a right to execute may differ by mode (TLFS 15.9.2). */
#define ENFORCEABLE_MBEC 0xaa0bu

static int is_set(const struct probe *p)
{
	return probe_code(p) == HVCALL_SET_VP_REGISTERS;
}

static uint8_t *element(struct probe *p, uint32_t i)
{
	return p->in + sizeof(HEADER) + (is_set(p) ? sizeof(struct hv_register_assoc) : 4) * i;
}

static void name(struct probe *p, uint32_t value)
{
	memcpy(element(p, p->element), &value, sizeof(value));
}

static void value(struct probe *p, uint64_t low, uint64_t high)
{
	struct hv_register_value v = { low, high };

	memcpy(element(p, p->element) + 16, &v, sizeof(v));
}

static void name_all(struct probe *p, uint32_t reg)
{
	uint32_t i;

	for (i = 0; i < STATUS_REPS; i++)
		memcpy(element(p, i), &reg, sizeof(reg));
}

static void good_header(struct probe *p)
{
	PUT(p, HEADER, partition_id, HV_PARTITION_ID_SELF);
	PUT(p, HEADER, vp_index, HV_VP_INDEX_SELF);
}

static void good_get(struct probe *p)
{
	static const uint32_t names[STATUS_REPS] = { HV_X64_REGISTER_KERNEL_GS_BASE,
						     HV_X64_REGISTER_CR3, HV_X64_REGISTER_CR0 };

	good_header(p);
	memcpy(element(p, 0), names, sizeof(names));
}

/* VTL1 sets what VTL0 has. The register may as well be set by the VTL that runs. */
static void good_set(struct probe *p)
{
	uint32_t i;

	good_header(p);
	p->caller = 1;
	PUT(p, HEADER, input_vtl, VTL0);
	name_all(p, HV_X64_REGISTER_KERNEL_GS_BASE);
	for (i = 0; i < STATUS_REPS; i++)
		element(p, i)[17] = 0x10;
}

static int above(struct probe *p, uint32_t variant)
{
	static const uint8_t vtls[] = { 2, 3, 15 };

	if (variant >= VSMTEST_COUNT(vtls))
		return 0;
	p->in[12] |= VSMTEST_VTL(vtls[variant]);
	return 1;
}

/* Unknown; without such access; VsmPartitionConfig of VTL0, which has none. */
static int bad_name(struct probe *p, uint32_t variant)
{
	static const uint32_t get[] = { 0x12345678, HV_REGISTER_EXPLICIT_SUSPEND };
	static const uint32_t set[] = { 0x12345678, HV_REGISTER_VSM_VP_STATUS, HV_REGISTER_VP_INDEX,
					HV_REGISTER_VSM_CAPABILITIES };

	uint32_t count = is_set(p) ? VSMTEST_COUNT(set) : VSMTEST_COUNT(get);

	if (variant < count)
		name(p, is_set(p) ? set[variant] : get[variant]);
	if (variant == count) {
		PUT(p, HEADER, input_vtl, VTL0);
		name(p, CONFIG);
	}
	return variant <= count;
}

static int not_offered(struct probe *p, uint32_t variant)
{
	p->opts.null_ops |= VSMTEST_BIT(VSMTEST_TSC) | VSMTEST_BIT(VSMTEST_CRASH);
	if (variant == 0)
		name(p, HV_REGISTER_REFERENCE_TSC);
	else if (variant == 1)
		name(p, HV_REGISTER_CRASH_P0);
	else if (variant == 2)
		name(p, HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL0);
	else
		name(p, HV_REGISTER_TIME_REF_COUNT);
	return variant < (is_set(p) ? 3 : 4);
}

static int vsm_register(struct probe *p, uint32_t variant)
{
	static const uint32_t names[] = { HV_REGISTER_VSM_VP_STATUS,
					  HV_REGISTER_VSM_PARTITION_STATUS,
					  HV_REGISTER_VSM_CAPABILITIES,
					  HV_REGISTER_VSM_CODE_PAGE_OFFSETS };

	if (variant >= VSMTEST_COUNT(names))
		return 0;
	p->opts.config.max_vtl = 0;
	name(p, names[variant]);
	return 1;
}

static void with_mbec(struct probe *p)
{
	p->opts.config.enforceable_mbec = ENFORCEABLE_MBEC;
}

/* Of VTL0, which has nobody below. */
static int secure_owner(struct probe *p, uint32_t variant)
{
	with_mbec(p);
	p->in[12] = (uint8_t)((p->in[12] & ~HV_INPUT_VTL_TARGET_VTL_MASK) | VTL0);
	name(p, HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL0 + variant);
	return variant < 2;
}

/* VTL2 runs, there is no VTL1; VTL1 runs here, and the other VP has none. */
static int off(struct probe *p, uint32_t variant)
{
	p->opts.config.max_vtl = 2;
	p->caller = variant ? 1 : 2;
	if (variant)
		PUT(p, HEADER, vp_index, 1);
	p->in[12] |= VTL1;
	/* The last one has no value for another VP either. */
	name_all(p, variant == 2 ? HV_REGISTER_PENDING_EVENT0 : HV_X64_REGISTER_KERNEL_GS_BASE);
	if (variant > 2) {
		p->caller = 2;
		PUT(p, HEADER, vp_index, HV_VP_INDEX_SELF);
		name_all(p, variant == 3 ? HV_REGISTER_VSM_CODE_PAGE_OFFSETS :
					   HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL0);
		with_mbec(p);
	}
	return variant < (is_set(p) ? 3 : 5);
}

static int no_value(struct probe *p, uint32_t variant)
{
	p->opts.config.apic_hz = 0;
	name(p, variant ? HV_REGISTER_PENDING_EVENT0 : HV_REGISTER_APIC_FREQUENCY);
	return variant < 2;
}

static int elsewhere(struct probe *p, uint32_t variant)
{
	p->opts.null_ops |= VSMTEST_BIT(VSMTEST_KICK);
	PUT(p, HEADER, vp_index, 1);
	name_all(p, HV_X64_REGISTER_KERNEL_GS_BASE);
	if (variant == 1)
		p->missing_reg = HV_X64_REGISTER_KERNEL_GS_BASE;
	return variant < 2;
}

static int in_use(struct probe *p, uint32_t variant)
{
	p->caller = 0;
	p->busy = 1;
	PUT(p, HEADER, vp_index, 1);
	name_all(p, variant ? HV_X64_REGISTER_R15 : HV_X64_REGISTER_RAX);
	if (variant == 1)
		p->missing_reg = HV_X64_REGISTER_R15;
	return variant < 2;
}

/* The first register that would be loaded is refused: nothing of the VTL's state is. */
static int no_state(struct probe *p, uint32_t variant)
{
	static const uint32_t names[] = { HV_X64_REGISTER_TSC_AUX, HV_X64_REGISTER_LSTAR,
					  HV_X64_REGISTER_KERNEL_GS_BASE };

	if (variant >= VSMTEST_COUNT(names))
		return 0;
	p->caller = 1;
	p->unloaded = 1;
	p->in[12] |= VTL1;
	PUT(p, HEADER, vp_index, 1);
	name_all(p, names[variant]);
	p->refused_reg = HV_REGISTER_PENDING_INTERRUPTION;
	return 1;
}

static int host_lacks(struct probe *p, uint32_t variant)
{
	p->missing_reg = HV_X64_REGISTER_TSC_AUX;
	name(p, HV_X64_REGISTER_TSC_AUX);
	if (is_set(p))
		value(p, 0, 0);
	return variant == 0;
}

/* Set only. */

static int reserved_field(struct probe *p, uint32_t variant)
{
	element(p, p->element)[4 + variant / 8] |= (uint8_t)(1u << variant % 8);
	return variant < 96;
}

static int own(struct probe *p, uint32_t variant)
{
	static const uint32_t names[] = { HV_X64_REGISTER_RSP, HV_X64_REGISTER_RIP,
					  HV_X64_REGISTER_RFLAGS, HV_X64_REGISTER_CR0,
					  HV_X64_REGISTER_EFER };

	if (variant >= VSMTEST_COUNT(names))
		return 0;
	p->in[12] |= VTL1;
	name(p, names[variant]);
	return 1;
}

/* Where parameters are depends on mode and form: 1 in the ones in which the register is used. */
static const struct {
	uint32_t name;
	uint8_t long_memory, long_fast, narrow_memory, narrow_fast;
} uses[] = {
	{ HV_X64_REGISTER_RAX, 1, 1, 1, 1 },	  { HV_X64_REGISTER_RCX, 1, 1, 1, 1 },
	{ HV_X64_REGISTER_RDX, 1, 1, 1, 1 },	  { HV_X64_REGISTER_RBX, 0, 0, 1, 1 },
	{ HV_X64_REGISTER_RSI, 0, 0, 0, 1 },	  { HV_X64_REGISTER_RDI, 0, 0, 0, 1 },
	{ HV_X64_REGISTER_R8, 0, 1, 0, 0 },	  { HV_X64_REGISTER_R9, 0, 0, 0, 0 },
	{ HV_X64_REGISTER_XMM0, 0, 1, 0, 1 },	  { HV_X64_REGISTER_XMM5, 0, 1, 0, 1 },
	{ HV_X64_REGISTER_YMM3_LOW, 0, 1, 0, 1 }, { HV_X64_REGISTER_XMM6, 0, 0, 0, 0 },
};

/* The n-th register in the n-th form that the call does use, or does not. */
static int use(struct probe *p, uint32_t n, int used)
{
	uint32_t i, fast;

	for (i = 0; i < VSMTEST_COUNT(uses); i++)
		for (fast = 0; fast < 2; fast++) {
			int is_used = p->narrow ?
					      (fast ? uses[i].narrow_fast : uses[i].narrow_memory) :
					      (fast ? uses[i].long_fast : uses[i].long_memory);

			if (is_used != used || n--)
				continue;
			name(p, uses[i].name);
			p->control |= fast ? HV_HYPERCALL_FAST : 0;
			return 1;
		}
	return 0;
}

static int carries(struct probe *p, uint32_t variant)
{
	return use(p, variant, 1);
}

/* As it is, in registers, and with each register that the call does not use. */
static int set_success(struct probe *p, uint32_t variant)
{
	if (variant == 1)
		p->control |= HV_HYPERCALL_FAST;
	return variant < 2 || use(p, variant - 2, 0);
}

/* Not canonical; beyond the width; a reserved bit. */
static int bad_value(struct probe *p, uint32_t variant)
{
	if (variant == 0)
		element(p, p->element)[16 + 7] = 0x80;
	else if (variant == 1)
		element(p, p->element)[16 + 8] = 1;
	else {
		name(p, HV_X64_REGISTER_PAT);
		value(p, 0x2, 0);
	}
	return variant < 3;
}

static int own_event(struct probe *p, uint32_t variant)
{
	p->in[12] |= VTL1;
	name(p, HV_REGISTER_PENDING_EVENT0);
	value(p, variant ? 0x2 : 0, 0); /* The second one is no exception. */
	return variant < 2;
}

static int synthetic(struct probe *p, uint32_t variant)
{
	static const struct {
		uint32_t name;
		uint64_t value;
	} bad[] = {
		{ HV_REGISTER_PENDING_EVENT0, 0x1 | 2ull << 16 }, /* NMI */
		{ HV_REGISTER_PENDING_EVENT0, 0x1 | 32ull << 16 },
		{ HV_REGISTER_PENDING_EVENT0, 0x101 | 6ull << 16 }, /* #UD has no error code. */
		{ HV_REGISTER_SINT0, 0xf },
		{ HV_REGISTER_HYPERCALL, 1ull << 40 | 1 },
	};

	if (variant >= VSMTEST_COUNT(bad))
		return 0;
	name(p, bad[variant].name);
	value(p, bad[variant].value, 0);
	return 1;
}

static int overlay_host(struct probe *p, uint32_t variant)
{
	static const uint32_t names[] = { HV_REGISTER_SIMP, HV_REGISTER_VP_ASSIST_PAGE,
					  HV_REGISTER_REFERENCE_TSC, HV_REGISTER_HYPERCALL,
					  HV_REGISTER_SIEFP };

	if (variant >= VSMTEST_COUNT(names))
		return 0;
	p->fail_op = VSMTEST_OVERLAY_MAP;
	p->fail_at = 1;
	p->fail_result = -VSM_ERR_HOST;
	name(p, names[variant]);
	value(p, 0x150001, 0);
	return 1;
}

/* VsmPartitionConfig of VTL1: protection on, all rights by default, but for some bits. */
static int config(struct probe *p, uint64_t set, uint64_t clear)
{
	uint32_t named;
	uint64_t low;

	memcpy(&named, element(p, p->element), sizeof(named));
	memcpy(&low, element(p, p->element) + 16, sizeof(low));
	if (named != CONFIG)
		low = 0x3f;
	p->in[12] |= VTL1;
	name(p, CONFIG);
	value(p, (low | set) & ~clear, 0);
	return 1;
}

/* The default mask alone: bits 4:1. */
static int config_default(struct probe *p, uint32_t mask)
{
	return config(p, (uint64_t)mask << 1, (uint64_t)(~mask & VSM_RIGHTS_ALL) << 1);
}

/* Each bit but those of protection, default mask and ZeroMemoryOnReset. */
static int config_bits(struct probe *p, uint32_t variant)
{
	return config(p, 1ull << (6 + variant % 58), 0) && variant < 58;
}

static int config_vtl(struct probe *p, uint32_t variant)
{
	p->opts.config.max_vtl = 2;
	p->caller = 2;
	return config(p, 0, 0) && variant == 0;
}

static int config_clear(struct probe *p, uint32_t variant)
{
	p->caller = 1;
	p->protect = 1;
	return config(p, 0, 1) && variant == 0;
}

/* Every illegal default mask; one that the host cannot enforce. */
static int config_mask(struct probe *p, uint32_t variant)
{
	static const uint8_t masks[] = { 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 1 };

	if (variant >= VSMTEST_COUNT(masks))
		return 0;
	if (masks[variant] == 1)
		p->opts.config.enforceable = 0xa001;
	return config_default(p, masks[variant]);
}

static int config_fixed(struct probe *p, uint32_t variant)
{
	p->caller = 1;
	p->protect = 1;
	return config_default(p, HV_MAP_GPA_READABLE) && variant == 0;
}

static int config_host(struct probe *p, uint32_t variant)
{
	p->fail_op = VSMTEST_PROTECT;
	p->fail_at = 1;
	p->fail_result = -VSM_ERR_HOST;
	return config_default(p, HV_MAP_GPA_READABLE) && variant == 0;
}

static int config_memory(struct probe *p, uint32_t variant)
{
	p->fail_op = VSMTEST_PROTECT;
	p->fail_at = 1;
	p->fail_result = -VSM_ERR_NOMEM;
	return config_default(p, HV_MAP_GPA_READABLE) && variant == 0;
}

/* VsmVpSecureConfigVtl0 of VTL1, with these bits. */
static int secure(struct probe *p, uint64_t bits)
{
	uint32_t named;
	uint64_t low;

	memcpy(&named, element(p, p->element), sizeof(named));
	memcpy(&low, element(p, p->element) + 16, sizeof(low));
	if (named != HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL0)
		low = 0;
	with_mbec(p);
	p->in[12] |= VTL1;
	name(p, HV_REGISTER_VSM_VP_SECURE_CONFIG_VTL0);
	value(p, low | bits, 0);
	return 1;
}

static int secure_bits(struct probe *p, uint32_t variant)
{
	return secure(p, 1ull << (1 + variant % 63)) && variant < 63;
}

static int secure_vtl(struct probe *p, uint32_t variant)
{
	p->opts.config.max_vtl = 2;
	p->caller = 2;
	return secure(p, 0) && variant == 0;
}

static int secure_mbec(struct probe *p, uint32_t variant)
{
	return secure(p, HV_VSM_VP_SECURE_CONFIG_MBEC_ENABLED) && variant == 0;
}

static int host_value(struct probe *p, uint32_t variant)
{
	p->refused_reg = HV_X64_REGISTER_LSTAR;
	name(p, HV_X64_REGISTER_LSTAR);
	return variant == 0;
}

#define GET HVCALL_GET_VP_REGISTERS
#define SET HVCALL_SET_VP_REGISTERS
#define E   STATUS_ELEMENT

/* clang-format off */
static const struct scenario scenarios[] = {
	{ GET, "above", 0, USES_TARGET, above },
	{ GET, "name", E, USES_NAME, bad_name },
	{ GET, "offered", E, USES_NAME, not_offered },
	{ GET, "secure-owner", E, USES_NAME | USES_TARGET, secure_owner },
	{ GET, "vsm", E, USES_NAME | USES_MACHINE, vsm_register },
	{ GET, "off", 0, USES_MACHINE | USES_TARGET | USES_VP | USES_NAME, off },
	{ GET, "no-value", E, USES_NAME, no_value },
	{ GET, "elsewhere", 0, USES_VP | USES_NAME, elsewhere },
	{ GET, "in-use", STATUS_ACTS, USES_VP | USES_NAME | USES_MACHINE, in_use },
	{ GET, "no-state", STATUS_ACTS, USES_VP | USES_NAME | USES_TARGET | USES_MACHINE | USES_HOST, no_state },
	{ GET, "host-lacks", E, USES_NAME, host_lacks },
	{ SET, "above", 0, USES_TARGET, above },
	{ SET, "element", E, 0, reserved_field },
	{ SET, "name", E, USES_NAME, bad_name },
	{ SET, "offered", E, USES_NAME, not_offered },
	{ SET, "secure-owner", E, USES_NAME | USES_TARGET, secure_owner },
	{ SET, "off", 0, USES_MACHINE | USES_TARGET | USES_VP | USES_NAME, off },
	{ SET, "own", E, USES_NAME | USES_TARGET, own },
	{ SET, "carries", E, USES_NAME, carries },
	{ SET, "elsewhere", 0, USES_VP | USES_NAME, elsewhere },
	{ SET, "in-use", STATUS_ACTS, USES_VP | USES_NAME | USES_MACHINE, in_use },
	{ SET, "success", STATUS_ACTS, 0, set_success },
	{ SET, "value", E, USES_NAME, bad_value },
	{ SET, "event", E, USES_NAME | USES_TARGET, own_event },
	{ SET, "synthetic", E, USES_NAME, synthetic },
	{ SET, "overlay-host", E | STATUS_ACTS, USES_NAME | USES_HOST, overlay_host },
	{ SET, "config-bits", E, USES_NAME | USES_TARGET, config_bits },
	{ SET, "config-vtl", 0, USES_NAME | USES_TARGET | USES_MACHINE, config_vtl },
	{ SET, "config-clear", E, USES_NAME | USES_TARGET | USES_MACHINE, config_clear },
	{ SET, "config-mask", E, USES_NAME | USES_TARGET, config_mask },
	{ SET, "config-fixed", E, USES_NAME | USES_TARGET | USES_MACHINE, config_fixed },
	{ SET, "config-host", E | STATUS_ACTS, USES_NAME | USES_TARGET | USES_HOST, config_host },
	{ SET, "config-memory", E | STATUS_ACTS, USES_NAME | USES_TARGET | USES_HOST, config_memory },
	{ SET, "secure-bits", E, USES_NAME | USES_TARGET, secure_bits },
	{ SET, "secure-vtl", 0, USES_NAME | USES_TARGET | USES_MACHINE, secure_vtl },
	{ SET, "secure-mbec", E, USES_NAME | USES_TARGET, secure_mbec },
	{ SET, "no-state", STATUS_ACTS, USES_VP | USES_NAME | USES_TARGET | USES_MACHINE | USES_HOST, no_state },
	{ SET, "host-lacks", E | STATUS_ACTS, USES_NAME, host_lacks },
	{ SET, "host-value", E | STATUS_ACTS, USES_HOST | USES_NAME, host_value },
};
/* clang-format on */

static const struct good_call calls[] = {
	{ GET, good_get },
	{ SET, good_set },
};

const struct status_family status_registers = { scenarios, VSMTEST_COUNT(scenarios), calls,
						VSMTEST_COUNT(calls) };
