/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guests of the example deferred-host, instruction by instruction. In each round VTL1 forbids
 * VTL0 to write to a page, VTL0 writes, VTL1 gets the intercept and allows it again. Both VPs do so
 * at once, each with a page of its own, and VTL1 reads a register of the other VP meanwhile.
 */
#include <string.h>

#include "deferred-host.h"

#define IN_GPA(i) (0x2000u + 0x2000u * (i)) /* Input of hypercalls; the output is one page on. */
#define DATA(i)	  (0x8000u + 0x1000u * (i)) /* The page that VTL1 protects. */
#define SIMP(i)	  (0xa000u + 0x1000u * (i))
#define CR3(i, v) (0x1000u + 0x100000u * (v) + 0x10000u * (i))

static int wrmsr(struct vcpu *c, uint32_t msr, uint64_t value)
{
	const struct exit e = { .kind = WRMSR, .msr = msr, .value = value };

	return execute(c, &e) == VSM_VERDICT_RESUME;
}

static int trap(struct vcpu *c, uint64_t rax, uint64_t rcx, int want)
{
	const struct exit e = { .kind = TRAP };

	*value_of(c, HV_X64_REGISTER_RAX) = rax;
	*value_of(c, HV_X64_REGISTER_RCX) = rcx;
	*value_of(c, HV_X64_REGISTER_RIP) = TRAP_RIP;
	return execute(c, &e) == want;
}

static int hypercall(struct vcpu *c, uint64_t control, const void *in, size_t size)
{
	memcpy(c->m->ram + IN_GPA(c->index), in, size);
	*value_of(c, HV_X64_REGISTER_RDX) = IN_GPA(c->index);
	*value_of(c, HV_X64_REGISTER_R8) = IN_GPA(c->index) + HV_PAGE_SIZE;
	return trap(c, 0, control, VSM_VERDICT_RESUME) &&
	       (uint16_t)*value_of(c, HV_X64_REGISTER_RAX) == HV_STATUS_SUCCESS;
}

static int vtl_call(struct vcpu *c)
{
	return trap(c, 0, HVCALL_VTL_CALL, VSM_VERDICT_SWITCHED) && c->loaded == 1 &&
	       *value_of(c, HV_X64_REGISTER_CR3) == CR3(c->index, 1) && !c->nmi_masked;
}

static int vtl_return(struct vcpu *c)
{
	return trap(c, HV_VTL_RETURN_FAST, HVCALL_VTL_RETURN, VSM_VERDICT_SWITCHED) &&
	       c->loaded == 0 && *value_of(c, HV_X64_REGISTER_CR3) == CR3(c->index, 0) &&
	       c->nmi_masked;
}

static int modify(struct vcpu *c, uint32_t rights)
{
	const struct {
		struct hv_input_modify_vtl_protection_mask header;
		uint64_t page;
	} in = { { .target_partition_id = HV_PARTITION_ID_SELF, .map_flags = rights },
		 DATA(c->index) / HV_PAGE_SIZE };

	return hypercall(c,
			 HVCALL_MODIFY_VTL_PROTECTION_MASK | 1ull << HV_HYPERCALL_REP_COUNT_SHIFT,
			 &in, sizeof(in));
}

/* VTL1 reads CR3 of VTL0 on the other VP, whose thread has to answer whatever it is doing. */
static int look_at_other(struct vcpu *c)
{
	const uint32_t other = 1 - c->index;
	const struct {
		struct hv_input_get_vp_registers header;
		uint32_t name;
	} in = { { .partition_id = HV_PARTITION_ID_SELF,
		   .vp_index = other,
		   .input_vtl = HV_INPUT_VTL_USE_TARGET_VTL },
		 HV_X64_REGISTER_CR3 };
	uint64_t cr3;

	if (!hypercall(c, HVCALL_GET_VP_REGISTERS | 1ull << HV_HYPERCALL_REP_COUNT_SHIFT, &in, 20))
		return 0;
	memcpy(&cr3, c->m->ram + IN_GPA(c->index) + HV_PAGE_SIZE, sizeof(cr3));
	c->looks++;
	return cr3 == CR3(other, 0);
}

/* VTL1 takes the message from its SIMP. */
static int take_message(struct vcpu *c)
{
	struct hv_x64_memory_intercept_message what;
	struct hv_message *slot = NULL;
	int taken = lock(c->m);

	for (uint32_t i = 0; i < OVERLAYS; i++) {
		if (c->m->shown[i].gpa == SIMP(c->index) && c->m->shown[i].vtl == 1)
			slot = c->m->shown[i].page;
	}
	unlock(c->m, taken);
	if (slot == NULL || slot->header.message_type != HVMSG_GPA_INTERCEPT)
		return 0;
	memcpy(&what, slot->payload, sizeof(what));
	slot->header.message_type = HVMSG_NONE;
	c->intercepts++;
	return what.guest_physical_address == DATA(c->index);
}

int guest_round(struct vcpu *c, uint32_t n)
{
	struct exit e = { .kind = FAULT,
			  .fault = { .size = sizeof(e.fault),
				     .gpa = DATA(c->index),
				     .flags = VSM_FAULT_FINAL,
				     .access = HV_INTERCEPT_ACCESS_WRITE } };

	return store(c, DATA(c->index), n) && vtl_call(c) && modify(c, HV_MAP_GPA_READABLE) &&
	       look_at_other(c) && vtl_return(c) && !store(c, DATA(c->index), ~0ull) &&
	       execute(c, &e) == VSM_VERDICT_SWITCHED && take_message(c) &&
	       modify(c, VSM_RIGHTS_ALL) && vtl_return(c) && store(c, DATA(c->index), n + 1);
}

static void context(struct hv_initial_vp_context *to, uint64_t cr3)
{
	const struct hv_segment_register code = { 0, 0xffffffff, 0x10, 0xa09b };
	const struct hv_segment_register data = { 0, 0xffffffff, 0x18, 0xc093 };
	const struct hv_segment_register tr = { 0, 0x67, 0x20, 0x8b }, ldtr = { 0, 0, 0, 0x82 };

	memset(to, 0, sizeof(*to));
	to->rip = TRAP_RIP;
	to->rflags = 2;
	to->cs = code;
	to->ds = to->es = to->fs = to->gs = to->ss = data;
	to->tr = tr;
	to->ldtr = ldtr;
	to->efer = 0xd01; /* NXE, LMA, LME, SCE */
	to->cr0 = 0x80050033; /* PG, AM, WP, NE, ET, MP, PE */
	to->cr3 = cr3;
	to->cr4 = 0x6a0; /* OSXMMEXCPT, OSFXSR, PGE, PAE */
	to->msr_cr_pat = 0x0007040600070406;
}

/* VTL0 as an operating system runs. That its NMIs are masked is to show that this is private. */
void guest_reset(struct vcpu *c)
{
	struct hv_initial_vp_context start;

	context(&start, CR3(c->index, 0));
	*value_of(c, HV_X64_REGISTER_CR0) = start.cr0;
	*value_of(c, HV_X64_REGISTER_CR3) = start.cr3;
	*value_of(c, HV_X64_REGISTER_EFER) = start.efer;
	memcpy(value_of(c, HV_X64_REGISTER_CS), &start.cs, sizeof(start.cs));
	memcpy(value_of(c, HV_X64_REGISTER_SS), &start.ss, sizeof(start.ss));
	c->nmi_masked = 1;
}

static int enable_vtl1(struct vcpu *c, uint32_t index)
{
	struct hv_input_enable_vp_vtl in = { .target_partition_id = HV_PARTITION_ID_SELF,
					     .vp_index = index,
					     .target_vtl = 1 };

	context(&in.vp_vtl_context, CR3(index, 1));
	return hypercall(c, HVCALL_ENABLE_VP_VTL, &in, sizeof(in));
}

static int hypercalls_on(struct vcpu *c)
{
	return wrmsr(c, HV_X64_MSR_GUEST_OS_ID, 0x8100000000000001) &&
	       wrmsr(c, HV_X64_MSR_HYPERCALL, TRAP_RIP | HV_X64_MSR_HYPERCALL_ENABLE);
}

int guest_start(struct vcpu *c)
{
	return vtl_call(c) && wrmsr(c, HV_X64_MSR_SIMP, SIMP(c->index) | 1) && vtl_return(c);
}

/* VP0 starts the secure kernel, which enables VTL1 on both VPs and switches protections on. */
int guest_boot(struct vcpu *c)
{
	const struct hv_input_enable_partition_vtl partition = {
		.target_partition_id = HV_PARTITION_ID_SELF, .target_vtl = 1
	};
	struct {
		struct hv_input_set_vp_registers header;
		struct hv_register_assoc assoc;
	} set = { { .partition_id = HV_PARTITION_ID_SELF, .vp_index = HV_VP_INDEX_SELF },
		  { .name = HV_REGISTER_VSM_PARTITION_CONFIG } };

	set.assoc.value.low = HV_VSM_PARTITION_CONFIG_ENABLE_VTL_PROTECTION |
			      HV_VSM_PARTITION_CONFIG_DEFAULT_VTL_PROTECTION_MASK;
	return hypercalls_on(c) &&
	       hypercall(c, HVCALL_ENABLE_PARTITION_VTL, &partition, sizeof(partition)) &&
	       enable_vtl1(c, 0) && vtl_call(c) && hypercalls_on(c) &&
	       hypercall(c, HVCALL_SET_VP_REGISTERS | 1ull << HV_HYPERCALL_REP_COUNT_SHIFT, &set,
			 sizeof(set)) &&
	       enable_vtl1(c, 1) && vtl_return(c);
}
