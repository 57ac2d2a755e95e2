/* SPDX-License-Identifier: BSD-3-Clause */
/* The guest of the fake host, by real exits. */
#include <string.h>

#include "vsmtest_guest.h"

#define GARBAGE 0xdeadbeef00000000ull

static uint32_t active(struct vsmtest *t, uint32_t vp)
{
	return t->vp[vp].active;
}

static void set_gpr(struct vsmtest *t, uint32_t vp, uint32_t name, uint64_t value)
{
	vsmtest_reg_set(t, vp, active(t, vp), name, value);
}

static uint64_t gpr(struct vsmtest *t, uint32_t vp, uint32_t name)
{
	return vsmtest_reg(t, vp, active(t, vp), name);
}

static int is_long(struct vsmtest *t, uint32_t vp)
{
	const struct hv_register_value *cs = vsmtest_slot(t, vp, active(t, vp), HV_X64_REGISTER_CS);
	struct hv_segment_register segment;

	memcpy(&segment, cs, sizeof(segment));
	return (gpr(t, vp, HV_X64_REGISTER_EFER) & X86_EFER_LMA) &&
	       (segment.attributes & HV_X64_SEGMENT_LONG);
}

int vsmtest_again(struct vsmtest *t, uint32_t vp)
{
	uint64_t rip = is_long(t, vp) ? VSMTEST_TRAP_RIP : VSMTEST_TRAP_RIP32;

	set_gpr(t, vp, HV_X64_REGISTER_RIP, t->rip_moved ? rip + t->trap_len : rip);
	return vsmtest_trap(t, vp, rip, t->trap_len);
}

int vsmtest_hypercall(struct vsmtest *t, uint32_t vp, uint64_t control, uint64_t rdx, uint64_t r8)
{
	set_gpr(t, vp, HV_X64_REGISTER_RCX, control);
	set_gpr(t, vp, HV_X64_REGISTER_RDX, rdx);
	set_gpr(t, vp, HV_X64_REGISTER_R8, r8);
	return vsmtest_again(t, vp);
}

int vsmtest_hypercall32(struct vsmtest *t, uint32_t vp, uint64_t control, uint64_t in, uint64_t out)
{
	set_gpr(t, vp, HV_X64_REGISTER_RDX, GARBAGE | control >> 32);
	set_gpr(t, vp, HV_X64_REGISTER_RAX, GARBAGE | (uint32_t)control);
	set_gpr(t, vp, HV_X64_REGISTER_RBX, GARBAGE | in >> 32);
	set_gpr(t, vp, HV_X64_REGISTER_RCX, GARBAGE | (uint32_t)in);
	set_gpr(t, vp, HV_X64_REGISTER_RDI, GARBAGE | out >> 32);
	set_gpr(t, vp, HV_X64_REGISTER_RSI, GARBAGE | (uint32_t)out);
	set_gpr(t, vp, HV_X64_REGISTER_R8, GARBAGE | 0xdeadbeef);
	return vsmtest_again(t, vp);
}

uint64_t vsmtest_result(struct vsmtest *t, uint32_t vp)
{
	if (is_long(t, vp))
		return gpr(t, vp, HV_X64_REGISTER_RAX);
	return gpr(t, vp, HV_X64_REGISTER_RDX) << 32 | (uint32_t)gpr(t, vp, HV_X64_REGISTER_RAX);
}

uint32_t vsmtest_status(struct vsmtest *t, uint32_t vp)
{
	uint64_t result = vsmtest_result(t, vp);

	if (!t->threads)
		t->reps = (uint32_t)((result & HV_HYPERCALL_RESULT_REPS_MASK) >>
				     HV_HYPERCALL_RESULT_REPS_SHIFT);
	if (result & ~(HV_HYPERCALL_RESULT_REPS_MASK | HV_HYPERCALL_RESULT_STATUS_MASK))
		vsmtest_breach(t, "reserved bits in the result %llx", (unsigned long long)result);
	return (uint32_t)(result & HV_HYPERCALL_RESULT_STATUS_MASK);
}

/* Go on while the library wants the trap executed again. */
static uint32_t finish(struct vsmtest *t, uint32_t vp, int verdict)
{
	uint32_t again = 0;

	while (verdict == VSM_VERDICT_RETRY && again < 5000) {
		again++;
		verdict = vsmtest_again(t, vp);
	}
	if (!t->threads)
		t->continuations = again;
	return verdict == VSM_VERDICT_RESUME ? vsmtest_status(t, vp) : VSMTEST_VERDICT(verdict);
}

uint32_t vsmtest_call_mem(struct vsmtest *t, uint32_t vp, uint64_t control, const void *in,
			  size_t len)
{
	uint64_t in_gpa = VSMTEST_IN_GPA(vp), out_gpa = VSMTEST_OUT_GPA(vp);

	if (len)
		memcpy(vsmtest_ram(t, in_gpa), in, len);
	if (is_long(t, vp))
		return finish(t, vp, vsmtest_hypercall(t, vp, control, in_gpa, out_gpa));
	return finish(t, vp, vsmtest_hypercall32(t, vp, control, in_gpa, out_gpa));
}

uint32_t vsmtest_call_fast(struct vsmtest *t, uint32_t vp, uint64_t control, const void *in,
			   size_t len)
{
	struct hv_register_value block[7];

	memset(block, 0, sizeof(block));
	memcpy(block, in, len < sizeof(block) ? len : sizeof(block));
	memcpy(vsmtest_slot(t, vp, active(t, vp), HV_X64_REGISTER_XMM0), &block[1],
	       sizeof(block) - sizeof(block[0]));
	control |= HV_HYPERCALL_FAST;
	if (is_long(t, vp))
		return finish(t, vp,
			      vsmtest_hypercall(t, vp, control, block[0].low, block[0].high));
	return finish(t, vp, vsmtest_hypercall32(t, vp, control, block[0].low, block[0].high));
}

void *vsmtest_out(struct vsmtest *t, uint32_t vp)
{
	return vsmtest_ram(t, VSMTEST_OUT_GPA(vp));
}

uint32_t vsmtest_get_of(struct vsmtest *t, uint32_t vp, uint32_t index, uint8_t vtl, uint32_t name,
			struct hv_register_value *out)
{
	struct {
		struct hv_input_get_vp_registers header;
		uint32_t name;
		uint32_t pad;
	} in = { { HV_PARTITION_ID_SELF, index, vtl, { 0 } }, name, 0 };
	uint32_t status = vsmtest_call_mem(t, vp, VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 1), &in, 20);

	if (out && status == HV_STATUS_SUCCESS)
		memcpy(out, vsmtest_out(t, vp), sizeof(*out));
	return status;
}

uint32_t vsmtest_get(struct vsmtest *t, uint32_t vp, uint8_t vtl, uint32_t name,
		     struct hv_register_value *out)
{
	return vsmtest_get_of(t, vp, HV_VP_INDEX_SELF, vtl, name, out);
}

uint64_t vsmtest_value(struct vsmtest *t, uint32_t vp, uint8_t vtl, uint32_t name)
{
	struct hv_register_value value = { 0, 0 };
	uint32_t status = vsmtest_get(t, vp, vtl, name, &value);

	if (status != HV_STATUS_SUCCESS) {
		vsmtest_breach(t, "register %x of VTL %x: status %x", name, vtl, status);
		vsmtest_report(t);
	}
	return value.low;
}

uint32_t vsmtest_set_of(struct vsmtest *t, uint32_t vp, uint32_t index, uint8_t vtl, uint32_t name,
			struct hv_register_value value)
{
	struct {
		struct hv_input_set_vp_registers header;
		struct hv_register_assoc assoc;
	} in = { { HV_PARTITION_ID_SELF, index, vtl, { 0 } }, { name, 0, 0, value } };

	return vsmtest_call_mem(t, vp, VSMTEST_REP(HVCALL_SET_VP_REGISTERS, 1), &in, sizeof(in));
}

uint32_t vsmtest_set(struct vsmtest *t, uint32_t vp, uint8_t vtl, uint32_t name, uint64_t low)
{
	struct hv_register_value value = { low, 0 };

	return vsmtest_set_of(t, vp, HV_VP_INDEX_SELF, vtl, name, value);
}

int vsmtest_hypercalls_on(struct vsmtest *t, uint32_t vp)
{
	uint64_t page = VSMTEST_HC_GPA(active(t, vp)) | HV_X64_MSR_HYPERCALL_ENABLE;
	int verdict = vsmtest_wrmsr(t, vp, HV_X64_MSR_GUEST_OS_ID, 0x8100000000060001ull);

	if (verdict == VSM_VERDICT_RESUME)
		verdict = vsmtest_wrmsr(t, vp, HV_X64_MSR_HYPERCALL, page);
	return verdict;
}

int vsmtest_synic_on(struct vsmtest *t, uint32_t vp)
{
	uint32_t vtl = active(t, vp);
	int verdict =
		vsmtest_wrmsr(t, vp, HV_X64_MSR_VP_ASSIST_PAGE, VSMTEST_ASSIST_GPA(vp, vtl) | 1);

	if (verdict == VSM_VERDICT_RESUME)
		verdict = vsmtest_wrmsr(t, vp, HV_X64_MSR_SIMP, VSMTEST_SIMP_GPA(vp, vtl) | 1);
	if (verdict == VSM_VERDICT_RESUME)
		verdict = vsmtest_wrmsr(t, vp, HV_X64_MSR_SINT0, HV_SYNIC_SINT_POLLING | 0x40);
	return verdict;
}

static void segment(struct hv_segment_register *s, uint16_t selector, uint16_t attributes)
{
	s->base = 0;
	s->limit = 0xffffffff;
	s->selector = selector;
	s->attributes = attributes;
}

void vsmtest_context64(struct hv_initial_vp_context *context)
{
	memset(context, 0, sizeof(*context));
	context->rip = 0x140001000;
	context->rsp = 0x7000;
	context->rflags = 0x2;
	segment(&context->cs, 0x10, 0xa09b);
	segment(&context->ds, 0x18, 0xc093);
	segment(&context->es, 0x18, 0xc093);
	segment(&context->fs, 0x18, 0xc093);
	segment(&context->gs, 0x18, 0xc093);
	segment(&context->ss, 0x18, 0xc093);
	segment(&context->tr, 0x40, 0x8b);
	context->tr.limit = 0x67;
	segment(&context->ldtr, 0, 0x82);
	context->ldtr.limit = 0;
	context->idtr.limit = 0xfff;
	context->idtr.base = 0x5000;
	context->gdtr.limit = 0x7f;
	context->gdtr.base = 0x6000;
	context->efer = X86_EFER_SCE | X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE;
	context->cr0 = 0x80050033;
	context->cr3 = 0x2000;
	context->cr4 = 0x6a0;
	context->msr_cr_pat = 0x0007040600070406ull;
}

void vsmtest_context32(struct hv_initial_vp_context *context)
{
	vsmtest_context64(context);
	context->rip = 0x101000;
	context->cs.attributes = 0xc09b;
	context->efer = 0;
	context->cr0 = 0x11;
	context->cr3 = 0;
	context->cr4 = 0;
}

uint32_t vsmtest_enable_partition_vtl(struct vsmtest *t, uint32_t vp, uint32_t vtl)
{
	struct hv_input_enable_partition_vtl in = { .target_partition_id = HV_PARTITION_ID_SELF,
						    .target_vtl = (uint8_t)vtl };

	return vsmtest_call_mem(t, vp, HVCALL_ENABLE_PARTITION_VTL, &in, sizeof(in));
}

uint32_t vsmtest_enable_vp_vtl(struct vsmtest *t, uint32_t vp, uint32_t index, uint32_t vtl,
			       const struct hv_initial_vp_context *context)
{
	struct hv_input_enable_vp_vtl in = { .target_partition_id = HV_PARTITION_ID_SELF,
					     .vp_index = index,
					     .target_vtl = (uint8_t)vtl,
					     .vp_vtl_context = *context };

	return vsmtest_call_mem(t, vp, HVCALL_ENABLE_VP_VTL, &in, sizeof(in));
}

uint32_t vsmtest_enable_vtl1(struct vsmtest *t, uint32_t vp)
{
	struct hv_initial_vp_context context;
	uint64_t hypercall = 0;
	uint32_t status;
	int verdict = vsmtest_rdmsr(t, vp, HV_X64_MSR_HYPERCALL, &hypercall);

	if (verdict == VSM_VERDICT_RESUME && !(hypercall & HV_X64_MSR_HYPERCALL_ENABLE))
		verdict = vsmtest_hypercalls_on(t, vp);
	if (verdict != VSM_VERDICT_RESUME)
		return VSMTEST_VERDICT(verdict);
	if (!(vsmtest_value(t, vp, 0, HV_REGISTER_VSM_PARTITION_STATUS) & 2)) {
		status = vsmtest_enable_partition_vtl(t, vp, 1);
		if (status)
			return status;
	}
	if (vsm_vp_enabled_vtls(t->vp[vp].vp) & 2)
		return 0;
	vsmtest_context64(&context);
	return vsmtest_enable_vp_vtl(t, vp, HV_VP_INDEX_SELF, 1, &context);
}

int vsmtest_vtl_call(struct vsmtest *t, uint32_t vp)
{
	if (!is_long(t, vp)) {
		set_gpr(t, vp, HV_X64_REGISTER_RAX, HVCALL_VTL_CALL);
		set_gpr(t, vp, HV_X64_REGISTER_RDX, 0);
		set_gpr(t, vp, HV_X64_REGISTER_RCX, 0);
	} else {
		set_gpr(t, vp, HV_X64_REGISTER_RCX, HVCALL_VTL_CALL);
		set_gpr(t, vp, HV_X64_REGISTER_RAX, 0);
	}
	return vsmtest_again(t, vp);
}

int vsmtest_vtl_return(struct vsmtest *t, uint32_t vp, uint32_t fast)
{
	if (!is_long(t, vp)) {
		set_gpr(t, vp, HV_X64_REGISTER_RAX, HVCALL_VTL_RETURN);
		set_gpr(t, vp, HV_X64_REGISTER_RDX, 0);
		set_gpr(t, vp, HV_X64_REGISTER_RCX, fast);
	} else {
		set_gpr(t, vp, HV_X64_REGISTER_RCX, HVCALL_VTL_RETURN);
		set_gpr(t, vp, HV_X64_REGISTER_RAX, fast);
	}
	return vsmtest_again(t, vp);
}

uint32_t vsmtest_enter_vtl1(struct vsmtest *t, uint32_t vp)
{
	uint32_t status = vsmtest_enable_vtl1(t, vp);
	int verdict;

	if (status)
		return status;
	verdict = vsmtest_vtl_call(t, vp);
	if (verdict != VSM_VERDICT_SWITCHED)
		return VSMTEST_VERDICT(verdict);
	verdict = vsmtest_hypercalls_on(t, vp);
	if (verdict == VSM_VERDICT_RESUME)
		verdict = vsmtest_synic_on(t, vp);
	return verdict == VSM_VERDICT_RESUME ? 0 : VSMTEST_VERDICT(verdict);
}

uint32_t vsmtest_enter_vtl2(struct vsmtest *t, uint32_t vp)
{
	struct hv_initial_vp_context context;
	uint32_t status = vsmtest_enable_partition_vtl(t, vp, 2);
	int verdict;

	if (status)
		return status;
	vsmtest_context64(&context);
	status = vsmtest_enable_vp_vtl(t, vp, HV_VP_INDEX_SELF, 2, &context);
	if (status)
		return status;
	verdict = vsmtest_vtl_call(t, vp);
	if (verdict != VSM_VERDICT_SWITCHED)
		return VSMTEST_VERDICT(verdict);
	verdict = vsmtest_hypercalls_on(t, vp);
	return verdict == VSM_VERDICT_RESUME ? 0 : VSMTEST_VERDICT(verdict);
}

uint32_t vsmtest_protect_vtl1(struct vsmtest *t, uint32_t vp)
{
	uint32_t status = vsmtest_enter_vtl1(t, vp);

	if (status)
		return status;
	return vsmtest_set(t, vp, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 0x3f);
}

void vsmtest_modify_init(struct vsmtest_modify *in, uint32_t flags)
{
	memset(in, 0, sizeof(*in));
	in->header.target_partition_id = HV_PARTITION_ID_SELF;
	in->header.map_flags = flags;
}

uint32_t vsmtest_modify_call(struct vsmtest *t, uint32_t vp, const struct vsmtest_modify *in,
			     uint32_t count)
{
	return vsmtest_call_mem(t, vp, VSMTEST_REP(HVCALL_MODIFY_VTL_PROTECTION_MASK, count), in,
				16 + 8 * (size_t)count);
}

uint32_t vsmtest_modify(struct vsmtest *t, uint32_t vp, uint32_t flags, const uint64_t *pages,
			uint32_t count)
{
	struct vsmtest_modify in;

	vsmtest_modify_init(&in, flags);
	memcpy(in.page, pages, count * sizeof(*pages));
	return vsmtest_modify_call(t, vp, &in, count);
}

uint32_t vsmtest_modify_gpa(struct vsmtest *t, uint32_t vp, uint32_t flags, uint64_t gpa)
{
	uint64_t page = gpa >> HV_PAGE_SHIFT;

	return vsmtest_modify(t, vp, flags, &page, 1);
}

void vsmtest_fault_init(struct vsm_memory_fault *fault, uint64_t gpa, uint32_t access)
{
	static const uint8_t bytes[] = { 0x48, 0x89, 0x07 };

	memset(fault, 0, sizeof(*fault));
	fault->size = sizeof(*fault);
	fault->gpa = gpa;
	fault->gva = 0xffff800000000000ull | gpa;
	fault->flags = VSM_FAULT_GVA_VALID | VSM_FAULT_FINAL;
	fault->access = (uint8_t)access;
	fault->instruction_length = sizeof(bytes);
	fault->instruction_byte_count = sizeof(bytes);
	memcpy(fault->instruction_bytes, bytes, sizeof(bytes));
}

int vsmtest_fault(struct vsmtest *t, uint32_t vp, uint64_t gpa, uint32_t access)
{
	struct vsm_memory_fault fault;

	vsmtest_fault_init(&fault, gpa, access);
	return vsmtest_memory_fault(t, vp, &fault);
}

static void set_attributes(struct vsmtest *t, uint32_t vp, uint32_t name, uint16_t selector,
			   uint16_t attributes)
{
	struct hv_segment_register s;

	segment(&s, selector, attributes);
	memcpy(vsmtest_slot(t, vp, active(t, vp), name), &s, sizeof(s));
}

void vsmtest_mode32(struct vsmtest *t, uint32_t vp)
{
	set_gpr(t, vp, HV_X64_REGISTER_CR0, 0x11);
	set_gpr(t, vp, HV_X64_REGISTER_EFER, 0);
	set_gpr(t, vp, HV_X64_REGISTER_CR4, 0);
	set_attributes(t, vp, HV_X64_REGISTER_CS, 0x10, 0xc09b);
	set_attributes(t, vp, HV_X64_REGISTER_SS, 0x18, 0xc093);
}

void vsmtest_cpl(struct vsmtest *t, uint32_t vp, uint32_t cpl)
{
	uint16_t rpl = (uint16_t)cpl, dpl = (uint16_t)(cpl << HV_X64_SEGMENT_DPL_SHIFT);

	set_attributes(t, vp, HV_X64_REGISTER_CS, (uint16_t)(0x10 | rpl),
		       (uint16_t)((is_long(t, vp) ? 0xa09b : 0xc09b) | dpl));
	set_attributes(t, vp, HV_X64_REGISTER_SS, (uint16_t)(0x18 | rpl), (uint16_t)(0xc093 | dpl));
}

struct hv_message *vsmtest_message(struct vsmtest *t, uint32_t vp, uint32_t vtl)
{
	return (struct hv_message *)(void *)vsmtest_see(t, vtl, VSMTEST_SIMP_GPA(vp, vtl));
}

const struct hv_x64_memory_intercept_message *vsmtest_intercept(struct vsmtest *t, uint32_t vp,
								uint32_t vtl)
{
	return (const void *)vsmtest_message(t, vp, vtl)->payload;
}

int vsmtest_take_message(struct vsmtest *t, uint32_t vp)
{
	vsmtest_message(t, vp, 1)->header.message_type = HVMSG_NONE;
	return vsmtest_wrmsr(t, vp, HV_X64_MSR_EOM, 0);
}

struct hv_vp_assist_page *vsmtest_assist(struct vsmtest *t, uint32_t vp, uint32_t vtl)
{
	return (struct hv_vp_assist_page *)(void *)vsmtest_see(t, vtl, VSMTEST_ASSIST_GPA(vp, vtl));
}
