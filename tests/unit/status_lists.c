/* SPDX-License-Identifier: BSD-3-Clause */
/* ModifyVtlProtectionMask, GetVpIndexFromApicId, NotifyLongSpinWait (TLFS 15.15.1, 15.15.12). */
#include "status.h"

#define MODIFY	   struct hv_input_modify_vtl_protection_mask
#define APIC	   struct hv_input_get_vp_index_from_apic_id
#define PAGE_OF(n) ((VSMTEST_DATA_GPA >> HV_PAGE_SHIFT) + (n))
#define R	   HV_MAP_GPA_READABLE

static void put_page(struct probe *p, uint32_t element, uint64_t page)
{
	memcpy(p->in + sizeof(MODIFY) + 8 * element, &page, sizeof(page));
}

static void good_modify(struct probe *p)
{
	uint32_t i;

	p->caller = 1;
	p->protect = 1;
	PUT(p, MODIFY, target_partition_id, HV_PARTITION_ID_SELF);
	PUT(p, MODIFY, map_flags, R);
	for (i = 0; i < STATUS_REPS; i++)
		put_page(p, i, PAGE_OF(i));
}

static int modify_above(struct probe *p, uint32_t variant)
{
	static const uint8_t vtls[] = { 2, 3, 15 };

	if (variant >= VSMTEST_COUNT(vtls))
		return 0;
	p->in[12] |= VSMTEST_VTL(vtls[variant]);
	return 1;
}

static int modify_vtl0(struct probe *p, uint32_t variant)
{
	p->caller = p->protect = 0;
	if (variant == 1)
		PUT(p, MODIFY, target_vtl, VSMTEST_VTL(0));
	return variant < 2;
}

static int modify_off(struct probe *p, uint32_t variant)
{
	p->caller = 1;
	p->protect = 0;
	if (variant)
		PUT(p, MODIFY, target_vtl, VSMTEST_VTL(variant - 1));
	return variant < 3;
}

/* VTLs need not be consecutive: VTL2 runs, there is no VTL1. */
static int modify_state(struct probe *p, uint32_t variant)
{
	p->opts.config.max_vtl = 2;
	p->caller = 2;
	p->in[12] |= VSMTEST_VTL(1);
	return variant == 0;
}

static int modify_flag(struct probe *p, uint32_t variant)
{
	static const uint8_t nameless[] = { 7,	8,  9,	10, 11, 12, 13, 14, 16, 17, 18, 19,
					    20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31 };
	uint32_t flags;

	if (variant >= VSMTEST_COUNT(nameless))
		return 0;
	memcpy(&flags, p->in + 8, sizeof(flags));
	PUT(p, MODIFY, map_flags, flags | 1u << nameless[variant]);
	return 1;
}

/* Each combination that is illegal without mode-based execute control; named flags. */
static int modify_mask(struct probe *p, uint32_t variant)
{
	static const uint16_t masks[] = { 0x8,	  0x2,	0x4,  0x5,  0x6,   0x7,	 0x9,
					  0xa,	  0xb,	0xc,  0xe,  0x10,  0x20, 0x40,
					  0x8000, 0x1f, 0x2f, 0x4f, 0x800f };
	uint32_t flags;

	if (variant >= VSMTEST_COUNT(masks))
		return 0;
	memcpy(&flags, p->in + 8, sizeof(flags));
	if (variant)
		flags &= ~(uint32_t)VSM_RIGHTS_ALL;
	PUT(p, MODIFY, map_flags, flags | masks[variant]);
	return 1;
}

static int modify_unenforced(struct probe *p, uint32_t variant)
{
	p->opts.config.enforceable = variant ? 0xa001 : 0x8001;
	return variant < 2;
}

static int modify_page(struct probe *p, uint32_t variant)
{
	static const uint64_t pages[] = {
		VSMTEST_HOLE_GPA >> 12,	   1ull << 28, 1ull << 40, (1ull << 52) - 1, 1ull << 52,
		(1ull << 52) + PAGE_OF(0), UINT64_MAX
	};

	if (variant >= VSMTEST_COUNT(pages))
		return 0;
	put_page(p, p->element, pages[variant]);
	return 1;
}

static int modify_host(struct probe *p, uint32_t variant)
{
	static const int32_t results[] = { -VSM_ERR_HOST, -VSM_ERR_INVAL, -VSM_ERR_RANGE };

	if (variant >= VSMTEST_COUNT(results))
		return 0;
	p->fail_op = VSMTEST_PROTECT;
	p->fail_at = 1;
	p->fail_result = results[variant];
	return 1;
}

static int modify_host_memory(struct probe *p, uint32_t variant)
{
	p->fail_op = VSMTEST_PROTECT;
	p->fail_at = 1;
	p->fail_result = -VSM_ERR_NOMEM;
	return variant == 0;
}

static void put_apic_id(struct probe *p, uint32_t element, uint32_t id)
{
	memcpy(p->in + sizeof(APIC) + 4 * element, &id, sizeof(id));
}

static void good_apic(struct probe *p)
{
	uint32_t i;

	PUT(p, APIC, partition_id, HV_PARTITION_ID_SELF);
	for (i = 0; i < STATUS_REPS; i++)
		put_apic_id(p, i, p->opts.apic_id[i % p->opts.vps]);
}

static int apic_number(struct probe *p, uint32_t variant)
{
	static const uint8_t vtls[] = { 0x20, 16, 17, 0x81, 0xff };

	if (variant >= VSMTEST_COUNT(vtls))
		return 0;
	p->in[8] |= vtls[variant];
	return 1;
}

static int apic_above(struct probe *p, uint32_t variant)
{
	static const uint8_t vtls[] = { 1, 2, 15 };

	if (variant >= VSMTEST_COUNT(vtls))
		return 0;
	p->in[8] |= vtls[variant];
	return 1;
}

static int apic_id(struct probe *p, uint32_t variant)
{
	static const uint32_t ids[] = { 0x777, 0, 1, 0x11, 0xff, UINT32_MAX };

	if (variant >= VSMTEST_COUNT(ids))
		return 0;
	put_apic_id(p, p->element, ids[variant]);
	return 1;
}

static void good_spin(struct probe *p)
{
	PUT(p, struct hv_input_notify_long_spin_wait, spin_count, 0xffff);
}

static const struct scenario scenarios[] = {
	{ HVCALL_MODIFY_VTL_PROTECTION_MASK, "above", 0, USES_TARGET, modify_above },
	{ HVCALL_MODIFY_VTL_PROTECTION_MASK, "vtl0", 0, USES_MACHINE, modify_vtl0 },
	{ HVCALL_MODIFY_VTL_PROTECTION_MASK, "off", 0, USES_MACHINE, modify_off },
	{ HVCALL_MODIFY_VTL_PROTECTION_MASK, "vtl-state", 0, USES_MACHINE | USES_TARGET,
	  modify_state },
	{ HVCALL_MODIFY_VTL_PROTECTION_MASK, "flag", 0, 0, modify_flag },
	{ HVCALL_MODIFY_VTL_PROTECTION_MASK, "mask", 0, 0, modify_mask },
	{ HVCALL_MODIFY_VTL_PROTECTION_MASK, "unenforced", 0, USES_MACHINE, modify_unenforced },
	{ HVCALL_MODIFY_VTL_PROTECTION_MASK, "ram", STATUS_ELEMENT, 0, modify_page },
	{ HVCALL_MODIFY_VTL_PROTECTION_MASK, "host", STATUS_ACTS, USES_HOST, modify_host },
	{ HVCALL_MODIFY_VTL_PROTECTION_MASK, "host-memory", STATUS_ACTS, USES_HOST,
	  modify_host_memory },
	{ HVCALL_GET_VP_INDEX_FROM_APIC_ID, "number", 0, 0, apic_number },
	{ HVCALL_GET_VP_INDEX_FROM_APIC_ID, "above", 0, 0, apic_above },
	{ HVCALL_GET_VP_INDEX_FROM_APIC_ID, "apic-id", STATUS_ELEMENT, 0, apic_id },
};

static const struct good_call calls[] = {
	{ HVCALL_NOTIFY_LONG_SPIN_WAIT, good_spin },
	{ HVCALL_MODIFY_VTL_PROTECTION_MASK, good_modify },
	{ HVCALL_GET_VP_INDEX_FROM_APIC_ID, good_apic },
};

const struct status_family status_lists = { scenarios, VSMTEST_COUNT(scenarios), calls,
					    VSMTEST_COUNT(calls) };
