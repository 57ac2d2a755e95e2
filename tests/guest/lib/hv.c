/* SPDX-License-Identifier: BSD-3-Clause */
#include "hv.h"

#include "cpu.h"

#define PAT_RESET    0x0007040600070406ull /* SDM 3A 12.12.4 */
#define RFLAGS_FIXED 0x2u

#define ATTR_CODE64 0xa09b /* G L P S, execute, read, accessed */
#define ATTR_DATA   0xc093 /* G D P S, write, accessed */
#define ATTR_TSS    0x008b /* P, busy */
#define ATTR_LDT    0x0082 /* P */

void *memset(void *to, int c, size_t n);

void hv_setup(struct guest_hv *hv, uint64_t os_id)
{
	wrmsr(HV_X64_MSR_GUEST_OS_ID, os_id);
	wrmsr(HV_X64_MSR_HYPERCALL, (uintptr_t)hv->code | HV_X64_MSR_HYPERCALL_ENABLE);
	hv->page = hv->code;
}

void hv_share(struct guest_hv *hv, const struct guest_hv *owner)
{
	hv->page = owner->page;
	hv->vtl_call = owner->vtl_call;
	hv->vtl_return = owner->vtl_return;
}

uint64_t hv_hypercall(struct guest_hv *hv, uint64_t control)
{
	register uint64_t output __asm__("r8") = (uintptr_t)hv->output;
	uint64_t result;

	__asm__ volatile("call *%[page]"
			 : "=a"(result), "+c"(control)
			 : [page] "r"(hv->page), "d"(hv->input), "r"(output)
			 : "memory", "cc");
	return result;
}

static uint64_t rep1(uint16_t code)
{
	return code | 1ull << HV_HYPERCALL_REP_COUNT_SHIFT;
}

static uint16_t status(uint64_t result)
{
	return (uint16_t)(result & HV_HYPERCALL_RESULT_STATUS_MASK);
}

uint16_t hv_setup_vtl_stubs(struct guest_hv *hv)
{
	uint64_t offsets;
	uint16_t s = hv_get_register(hv, HV_REGISTER_VSM_CODE_PAGE_OFFSETS, &offsets);

	if (s != HV_STATUS_SUCCESS)
		return s;
	hv->vtl_call = hv->code + (offsets & HV_VSM_CODE_PAGE_OFFSETS_VTL_CALL_MASK);
	hv->vtl_return = hv->code + ((offsets & HV_VSM_CODE_PAGE_OFFSETS_VTL_RETURN_MASK) >>
				     HV_VSM_CODE_PAGE_OFFSETS_VTL_RETURN_SHIFT);
	return s;
}

uint16_t hv_get_register(struct guest_hv *hv, uint32_t name, uint64_t *value)
{
	return hv_get_register_of(hv, HV_VP_INDEX_SELF, name, value);
}

uint16_t hv_get_register_of(struct guest_hv *hv, uint32_t vp, uint32_t name, uint64_t *value)
{
	struct hv_input_get_vp_registers *in = (void *)hv->input;
	uint16_t s;

	in->partition_id = HV_PARTITION_ID_SELF;
	in->vp_index = vp;
	in->input_vtl = 0;
	in->reserved[0] = in->reserved[1] = in->reserved[2] = 0;
	*(uint32_t *)(in + 1) = name;
	s = status(hv_hypercall(hv, rep1(HVCALL_GET_VP_REGISTERS)));
	*value = ((struct hv_register_value *)hv->output)->low;
	return s;
}

uint16_t hv_set_register(struct guest_hv *hv, uint32_t name, uint64_t value)
{
	struct hv_input_set_vp_registers *in = (void *)hv->input;
	struct hv_register_assoc *element = (void *)(in + 1);

	in->partition_id = HV_PARTITION_ID_SELF;
	in->vp_index = HV_VP_INDEX_SELF;
	in->input_vtl = 0;
	in->reserved[0] = in->reserved[1] = in->reserved[2] = 0;
	element->name = name;
	element->reserved1 = 0;
	element->reserved2 = 0;
	element->value.low = value;
	element->value.high = 0;
	return status(hv_hypercall(hv, rep1(HVCALL_SET_VP_REGISTERS)));
}

uint16_t hv_enable_partition_vtl(struct guest_hv *hv, uint8_t vtl)
{
	return hv_enable_partition_vtl_with(hv, vtl, 0);
}

uint16_t hv_enable_partition_vtl_with(struct guest_hv *hv, uint8_t vtl, uint8_t flags)
{
	struct hv_input_enable_partition_vtl *in = (void *)hv->input;

	memset(in, 0, sizeof(*in));
	in->target_partition_id = HV_PARTITION_ID_SELF;
	in->target_vtl = vtl;
	in->flags = flags;
	return status(hv_hypercall(hv, HVCALL_ENABLE_PARTITION_VTL));
}

uint16_t hv_enable_vp_vtl(struct guest_hv *hv, uint8_t vtl,
			  const struct hv_initial_vp_context *context)
{
	return hv_enable_vp_vtl_of(hv, HV_VP_INDEX_SELF, vtl, context);
}

uint16_t hv_enable_vp_vtl_of(struct guest_hv *hv, uint32_t vp, uint8_t vtl,
			     const struct hv_initial_vp_context *context)
{
	struct hv_input_enable_vp_vtl *in = (void *)hv->input;

	memset(in, 0, sizeof(*in));
	in->target_partition_id = HV_PARTITION_ID_SELF;
	in->vp_index = vp;
	in->target_vtl = vtl;
	in->vp_vtl_context = *context;
	return status(hv_hypercall(hv, HVCALL_ENABLE_VP_VTL));
}

uint16_t hv_start_vp(struct guest_hv *hv, uint32_t vp, uint8_t vtl,
		     const struct hv_initial_vp_context *context)
{
	struct hv_input_start_virtual_processor *in = (void *)hv->input;

	memset(in, 0, sizeof(*in));
	in->target_partition_id = HV_PARTITION_ID_SELF;
	in->vp_index = vp;
	in->target_vtl = vtl;
	in->vp_context = *context;
	return status(hv_hypercall(hv, HVCALL_START_VIRTUAL_PROCESSOR));
}

uint16_t hv_protect(struct guest_hv *hv, const void *page, uint32_t rights)
{
	struct hv_input_modify_vtl_protection_mask *in = (void *)hv->input;

	memset(in, 0, sizeof(*in));
	in->target_partition_id = HV_PARTITION_ID_SELF;
	in->map_flags = rights;
	*(uint64_t *)(in + 1) = (uintptr_t)page >> HV_PAGE_SHIFT;
	return status(hv_hypercall(hv, rep1(HVCALL_MODIFY_VTL_PROTECTION_MASK)));
}

void hv_message_done(struct hv_message *slot)
{
	uint8_t flags = slot->header.message_flags;

	*(volatile uint32_t *)&slot->header.message_type = HVMSG_NONE;
	if (flags & HV_MESSAGE_FLAG_PENDING)
		wrmsr(HV_X64_MSR_EOM, 0);
}

static struct hv_segment_register segment(uint16_t selector, uint32_t limit, uint16_t attributes)
{
	struct hv_segment_register s = { 0, limit, selector, attributes };

	return s;
}

void hv_context_init(struct hv_initial_vp_context *c, struct guest_cpu *cpu, void (*entry)(void),
		     void *stack_top)
{
	memset(c, 0, sizeof(*c));
	c->rip = (uintptr_t)entry;
	c->rsp = (uintptr_t)stack_top;
	c->rflags = RFLAGS_FIXED;
	c->cs = segment(GUEST_KERNEL_CS, 0xffffffff, ATTR_CODE64);
	c->ds = segment(GUEST_KERNEL_DS, 0xffffffff, ATTR_DATA);
	c->es = c->ds;
	c->fs = c->ds;
	c->gs = c->ds;
	c->ss = c->ds;
	c->tr = segment(GUEST_TSS, sizeof(cpu->tss) - 1, ATTR_TSS);
	c->tr.base = (uintptr_t)&cpu->tss;
	c->ldtr = segment(0, 0xffff, ATTR_LDT);
	c->idtr.limit = cpu->idtr.limit;
	c->idtr.base = cpu->idtr.base;
	c->gdtr.limit = cpu->gdtr.limit;
	c->gdtr.base = cpu->gdtr.base;
	c->efer = rdmsr(MSR_EFER);
	c->cr0 = read_cr0();
	c->cr3 = (uintptr_t)guest_pml4_alt;
	c->cr4 = read_cr4();
	c->msr_cr_pat = PAT_RESET;
}
