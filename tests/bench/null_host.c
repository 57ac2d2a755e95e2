/* SPDX-License-Identifier: BSD-3-Clause */
#include "null_host.h"

#include <string.h>

#include "guest_state.h"

#define GPR_CLASS   (HV_X64_REGISTER_RAX >> 16)
#define OTHER_FIRST 3u /* Classes of HV register names: XMM, control, debug, segment, table, MSR. */

#define RSP (HV_X64_REGISTER_RSP - HV_X64_REGISTER_RAX)

#define IN_GPA	   0x1000u
#define ASSIST_GPA 0x4000u
#define SIMP_GPA   0x5000u
#define GUEST_OS   0x8100000000000000ull

static struct hv_register_value *other(struct null_file *f, uint32_t name)
{
	uint32_t class = (name >> 16) - OTHER_FIRST;
	uint32_t number = name & 0xffff;

	return class < 6 && number < 32 ? &f->other[class][number] : NULL;
}

static int op_regs_get(void *vp, uint32_t vtl, uint32_t groups, struct vsm_reg *regs,
		       uint32_t count)
{
	struct null_file *f = &((struct null_host *)vp)->file[vtl];

	(void)groups;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t number = regs[i].name - HV_X64_REGISTER_RAX;
		const struct hv_register_value *value;

		if (number < 18) {
			regs[i].value.low = f->gpr[number];
			regs[i].value.high = 0;
			continue;
		}
		value = other(f, regs[i].name);
		if (value == NULL)
			return -VSM_ERR_NOTFOUND;
		regs[i].value = *value;
	}
	return 0;
}

static int op_regs_set(void *vp, uint32_t vtl, uint32_t groups, const struct vsm_reg *regs,
		       uint32_t count)
{
	struct null_file *f = &((struct null_host *)vp)->file[vtl];

	(void)groups;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t number = regs[i].name - HV_X64_REGISTER_RAX;
		struct hv_register_value *value;

		if (number < 18) {
			f->gpr[number] = regs[i].value.low;
			continue;
		}
		value = other(f, regs[i].name);
		if (value == NULL)
			return -VSM_ERR_NOTFOUND;
		*value = regs[i].value;
	}
	return 0;
}

/* TLFS 15.11.2: what the VTLs share. RSP, RIP and RFLAGS are not. */
static int op_switch_vtl(void *vp, uint32_t from, uint32_t to, uint32_t phase)
{
	struct null_file *a = &((struct null_host *)vp)->file[from];
	struct null_file *b = &((struct null_host *)vp)->file[to];
	uint64_t rsp = b->gpr[RSP];

	if (phase != VSM_SWITCH_PREPARE)
		return 0;
	memcpy(b->gpr, a->gpr, 16 * sizeof(b->gpr[0]));
	b->gpr[RSP] = rsp;
	*other(b, HV_X64_REGISTER_CR2) = *other(a, HV_X64_REGISTER_CR2);
	memcpy(b->fpu, a->fpu, sizeof(b->fpu));
	return 0;
}

static int op_gpa_read(void *opaque, uint64_t gpa, void *buf, uint32_t len)
{
	struct null_host *h = opaque;

	memcpy(buf, h->ram + gpa, len);
	return 0;
}

static int op_gpa_write(void *opaque, uint64_t gpa, const void *buf, uint32_t len)
{
	struct null_host *h = opaque;

	memcpy(h->ram + gpa, buf, len);
	return 0;
}

static int op_overlay_map(void *opaque, const struct vsm_overlay *overlay, uint64_t token)
{
	struct null_host *h = opaque;

	(void)token;
	if (overlay->vtl == 1 && overlay->gpa == ASSIST_GPA)
		h->assist = overlay->page;
	return 0;
}

static const struct vsm_host_ops null_ops = {
	.size = sizeof(struct vsm_host_ops),
	.regs_get = op_regs_get,
	.regs_set = op_regs_set,
	.switch_vtl = op_switch_vtl,
	.gpa_read = op_gpa_read,
	.gpa_write = op_gpa_write,
	.overlay_map = op_overlay_map,
};

static void set_vtl0(struct null_host *h)
{
	struct hv_initial_vp_context c;
	struct null_file *f = &h->file[0];

	guest_state_init(&c, NULL_TRAP_RIP, 0);
	memcpy(other(f, HV_X64_REGISTER_CS), &c.cs, sizeof(c.cs));
	memcpy(other(f, HV_X64_REGISTER_SS), &c.ss, sizeof(c.ss));
	other(f, HV_X64_REGISTER_CR0)->low = c.cr0;
	other(f, HV_X64_REGISTER_EFER)->low = c.efer;
}

static const char *make_partition(struct null_host *h)
{
	struct vsm_vp_config vp = { .size = sizeof(vp), .opaque = h };
	struct vsm_config config;

	vsm_config_init(&config);
	if (vsm_partition_create(&config, &null_ops, h, &h->vsm) != 0)
		return "no partition";
	if (vsm_ram_add(h->vsm, 0, NULL_RAM_BYTES) != 0)
		return "no RAM";
	if (vsm_partition_realise(h->vsm) != 0 || vsm_vp_create(h->vsm, &vp, &h->vp) != 0)
		return "no VP";
	return NULL;
}

/* A call through memory; 0 if it succeeded. */
static int call(struct null_host *h, uint64_t control, const void *in, size_t size)
{
	memcpy(h->ram + IN_GPA, in, size);
	*null_gpr(h, 0, HV_X64_REGISTER_RCX) = control;
	*null_gpr(h, 0, HV_X64_REGISTER_RDX) = IN_GPA;
	*null_gpr(h, 0, HV_X64_REGISTER_R8) = 0;
	return null_trap(h) != VSM_VERDICT_RESUME || *null_gpr(h, 0, HV_X64_REGISTER_RAX) != 0;
}

static const char *enable_vtl1(struct null_host *h)
{
	struct hv_input_enable_partition_vtl partition;
	struct hv_input_enable_vp_vtl vp;

	guest_enable_partition(&partition);
	guest_enable_vp(&vp);
	guest_state_init(&vp.vp_vtl_context, NULL_TRAP_RIP, 0);
	if (call(h, HVCALL_ENABLE_PARTITION_VTL, &partition, sizeof(partition)) != 0)
		return "EnablePartitionVtl was refused";
	if (call(h, HVCALL_ENABLE_VP_VTL, &vp, sizeof(vp)) != 0)
		return "EnableVpVtl was refused";
	return NULL;
}

/* What a kernel does first, in the VTL that is active. */
static const char *enable_pages(struct null_host *h)
{
	static const struct {
		uint32_t msr;
		uint64_t value;
	} writes[] = {
		{ HV_X64_MSR_GUEST_OS_ID, GUEST_OS },
		{ HV_X64_MSR_HYPERCALL, NULL_TRAP_RIP | HV_X64_MSR_HYPERCALL_ENABLE },
		{ HV_X64_MSR_VP_ASSIST_PAGE, ASSIST_GPA | HV_X64_MSR_VP_ASSIST_PAGE_ENABLE },
		{ HV_X64_MSR_SIMP, SIMP_GPA | 1 },
	};

	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		if (vsm_vp_wrmsr(h->vp, writes[i].msr, writes[i].value) != VSM_VERDICT_RESUME)
			return "a synthetic MSR was refused";
	}
	return NULL;
}

/* Once to VTL1 and back, so that VTL1 can prepare what its normal returns load: TLFS 15.7.1. */
static const char *visit_vtl1(struct null_host *h)
{
	struct hv_vp_assist_page *assist;
	const char *why;

	*null_gpr(h, 0, HV_X64_REGISTER_RAX) = 0;
	*null_gpr(h, 0, HV_X64_REGISTER_RCX) = HVCALL_VTL_CALL;
	if (null_trap(h) != VSM_VERDICT_SWITCHED)
		return "VtlCall was refused";
	why = enable_pages(h);
	if (why != NULL)
		return why;
	assist = (struct hv_vp_assist_page *)(void *)h->assist;
	assist->vtl_control.vtl_return_x64_rax = 0;
	assist->vtl_control.vtl_return_x64_rcx = HVCALL_VTL_CALL;
	*null_gpr(h, 1, HV_X64_REGISTER_RCX) = HVCALL_VTL_RETURN;
	if (null_trap(h) != VSM_VERDICT_SWITCHED ||
	    *null_gpr(h, 0, HV_X64_REGISTER_RCX) != HVCALL_VTL_CALL)
		return "VtlReturn was refused";
	return NULL;
}

const char *null_host_open(struct null_host *h)
{
	const char *why;

	memset(h, 0, sizeof(*h));
	set_vtl0(h);
	why = make_partition(h);
	if (why == NULL)
		why = enable_pages(h);
	if (why == NULL)
		why = enable_vtl1(h);
	if (why == NULL)
		why = visit_vtl1(h);
	return why;
}

void null_host_close(struct null_host *h)
{
	vsm_partition_destroy(h->vsm);
}
