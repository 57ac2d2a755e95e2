/* SPDX-License-Identifier: BSD-3-Clause */
#include "null_host.h"

#include <string.h>

#include "guest_state.h"

#define GPR_CLASS   (HV_X64_REGISTER_RAX >> 16)
#define OTHER_FIRST 3u /* Classes of HV register names: XMM, control, debug, segment, table, MSR. */

#define GPRS   16u
#define RSP    (HV_X64_REGISTER_RSP - HV_X64_REGISTER_RAX)
#define RIP    (HV_X64_REGISTER_RIP - HV_X64_REGISTER_RAX)
#define RFLAGS (HV_X64_REGISTER_RFLAGS - HV_X64_REGISTER_RAX)

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

static struct null_file *file_of(void *vp, uint32_t vtl)
{
	struct null_host *h = vp;

	return &h->file[h->where[vtl]];
}

static int op_regs_get(void *vp, uint32_t vtl, uint32_t groups, struct vsm_reg *regs,
		       uint32_t count)
{
	struct null_file *f = file_of(vp, vtl);

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
	struct null_file *f = file_of(vp, vtl);

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
static int op_switch_replicated(void *vp, uint32_t from, uint32_t to, uint32_t phase)
{
	struct null_file *a = file_of(vp, from);
	struct null_file *b = file_of(vp, to);
	uint64_t rsp = b->gpr[RSP];

	if (phase != VSM_SWITCH_PREPARE)
		return 0;
	memcpy(b->gpr, a->gpr, GPRS * sizeof(b->gpr[0]));
	b->gpr[RSP] = rsp;
	*other(b, HV_X64_REGISTER_CR2) = *other(a, HV_X64_REGISTER_CR2);
	memcpy(b->fpu, a->fpu, sizeof(b->fpu));
	return 0;
}

/* TLFS 15.11.1: what each VTL has of its own. */
static void copy_private(const struct null_host *h, struct null_file *to,
			 const struct null_file *from)
{
	const struct hv_register_value *source = &from->other[0][0];
	struct hv_register_value *target = &to->other[0][0];

	to->gpr[RSP] = from->gpr[RSP];
	to->gpr[RIP] = from->gpr[RIP];
	to->gpr[RFLAGS] = from->gpr[RFLAGS];
	for (uint32_t i = 0; i < h->private_count; i++)
		target[h->private_at[i]] = source[h->private_at[i]];
}

static void exchange(struct null_host *h, uint32_t from, uint32_t to)
{
	copy_private(h, &h->file[from], &h->file[NULL_CPU]);
	copy_private(h, &h->file[NULL_CPU], &h->file[to]);
	h->where[from] = from;
	h->where[to] = NULL_CPU;
}

static int op_switch_swapped(void *vp, uint32_t from, uint32_t to, uint32_t phase)
{
	struct null_host *h = vp;
	uint64_t *gpr = h->file[NULL_CPU].gpr;

	if (phase == VSM_SWITCH_PREPARE) {
		/* RAX, RCX and RDX may be set before an ABORT, in the only copy there is. */
		memcpy(h->undo, gpr, sizeof(h->undo));
		exchange(h, from, to);
	} else if (phase == VSM_SWITCH_ABORT) {
		exchange(h, to, from);
		memcpy(gpr, h->undo, sizeof(h->undo));
	}
	return 0;
}

/* The private registers of the table, by their place in null_file.other. */
static const char *list_private(struct null_host *h)
{
	struct vsm_register_info info = { .size = sizeof(info) };

	for (uint32_t i = 0; vsm_register_at(i, &info) == 0; i++) {
		const struct hv_register_value *value = other(&h->file[0], info.name);

		if (info.owner != VSM_OWNER_HOST || (info.flags & VSM_REG_ALIAS) != 0 ||
		    value == NULL ||
		    (info.scope != VSM_SCOPE_PRIVATE && info.scope != VSM_SCOPE_MIXED))
			continue;
		if (h->private_count == NULL_PRIVATE_MAX)
			return "too many private registers";
		h->private_at[h->private_count++] = (uint16_t)(value - &h->file[0].other[0][0]);
	}
	return NULL;
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

static int op_protect(void *opaque, const struct vsm_protect_range *ranges, uint32_t count,
		      uint32_t *done, uint64_t token)
{
	struct null_host *h = opaque;

	(void)ranges;
	(void)done;
	(void)token;
	h->protected_ranges += count;
	return 0;
}

static const struct vsm_host_ops null_ops = {
	.size = sizeof(struct vsm_host_ops),
	.regs_get = op_regs_get,
	.regs_set = op_regs_set,
	.switch_vtl = op_switch_replicated,
	.gpa_read = op_gpa_read,
	.gpa_write = op_gpa_write,
	.overlay_map = op_overlay_map,
	.protect = op_protect,
};

static void set_vtl0(struct null_host *h)
{
	struct hv_initial_vp_context c;
	struct null_file *f = file_of(h, 0);

	guest_state_init(&c, NULL_TRAP_RIP, 0);
	memcpy(other(f, HV_X64_REGISTER_CS), &c.cs, sizeof(c.cs));
	memcpy(other(f, HV_X64_REGISTER_SS), &c.ss, sizeof(c.ss));
	other(f, HV_X64_REGISTER_CR0)->low = c.cr0;
	other(f, HV_X64_REGISTER_EFER)->low = c.efer;
}

static const char *make_partition(struct null_host *h, enum null_model model)
{
	struct vsm_host_ops ops = null_ops;
	struct vsm_vp_config vp = { .size = sizeof(vp), .opaque = h };
	struct vsm_config config;

	if (model == NULL_SWAPPED)
		ops.switch_vtl = op_switch_swapped;
	vsm_config_init(&config);
	config.enforceable = 0xa00b;
	config.host_flags = VSM_HOST_PROTECT_FLUSHES;
	if (vsm_partition_create(&config, &ops, h, &h->vsm) != 0)
		return "no partition";
	if (vsm_ram_add(h->vsm, 0, NULL_RAM_BYTES) != 0 ||
	    vsm_ram_add(h->vsm, NULL_MORE_GPA, NULL_MORE_BYTES) != 0)
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

const char *null_host_open(struct null_host *h, enum null_model model)
{
	const char *why;

	memset(h, 0, sizeof(*h));
	h->where[0] = model == NULL_SWAPPED ? NULL_CPU : 0;
	h->where[1] = 1;
	set_vtl0(h);
	why = list_private(h);
	if (why == NULL)
		why = make_partition(h, model);
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

const char *null_host_protect(struct null_host *h)
{
	const struct hv_input_set_vp_registers header = { .partition_id = HV_PARTITION_ID_SELF,
							  .vp_index = HV_VP_INDEX_SELF };
	struct hv_register_assoc config = { .name = HV_REGISTER_VSM_PARTITION_CONFIG,
					    .value = { .low = 0x1f } };

	*null_gpr(h, 0, HV_X64_REGISTER_RAX) = 0;
	*null_gpr(h, 0, HV_X64_REGISTER_RCX) = HVCALL_VTL_CALL;
	if (null_trap(h) != VSM_VERDICT_SWITCHED)
		return "VtlCall was refused";
	memcpy(h->ram + IN_GPA, &header, sizeof(header));
	memcpy(h->ram + IN_GPA + sizeof(header), &config, sizeof(config));
	*null_gpr(h, 1, HV_X64_REGISTER_RCX) = HVCALL_SET_VP_REGISTERS |
					       1ull << HV_HYPERCALL_REP_COUNT_SHIFT;
	*null_gpr(h, 1, HV_X64_REGISTER_RDX) = IN_GPA;
	if (null_trap(h) != VSM_VERDICT_RESUME ||
	    (*null_gpr(h, 1, HV_X64_REGISTER_RAX) & 0xffff) != HV_STATUS_SUCCESS)
		return "the protections could not be switched on";
	return NULL;
}
