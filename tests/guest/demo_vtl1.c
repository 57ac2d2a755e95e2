/* SPDX-License-Identifier: BSD-3-Clause */
/* The demo, VTL1's part: answers calls and protects a page. */
#include "demo.h"

#include "lib/cpu.h"

#define VTL1_FS_BASE 0x0000200000000000ull
#define VTL1_GS_BASE 0x0000200000001000ull
#define SINT0_VECTOR 0x40u

static struct guest_hv hv;
static struct guest_context context;
static uint8_t stack[GUEST_STACK_SIZE] __attribute__((aligned(16)));
/* Under the overlay pages. */
static struct hv_vp_assist_page assist __attribute__((aligned(4096)));
static struct hv_message simp[HV_SIMP_SLOT_COUNT] __attribute__((aligned(4096)));

static struct demo_private mine;
static uint32_t intercepts;

/* What the next intercept must be about. */
static struct {
	uint64_t *word;
	uint32_t access;
	uint32_t cpl;
} expected;

void demo_vtl1_context(struct hv_initial_vp_context *c)
{
	guest_cpu_init(&context, "VTL1");
	hv_context_init(c, &context.cpu, vtl1_entry, stack + sizeof(stack));
	c->fs.base = VTL1_FS_BASE;
	c->gs.base = VTL1_GS_BASE;
	c->efer |= EFER_SCE;
	mine.cr3 = c->cr3;
	mine.gdtr = c->gdtr.base;
	mine.idtr = c->idtr.base;
	mine.efer = c->efer;
	mine.fs_base = c->fs.base;
	mine.gs_base = c->gs.base;
}

uint32_t demo_vtl1_intercepts(void)
{
	return intercepts;
}

static void must(uint16_t status, const char *text)
{
	if (status != HV_STATUS_SUCCESS)
		guest_panic("VTL1: %s: HV status 0x%x", text, status);
	demo_check(1, "VTL1", text);
}

static int gprs_are_vtl0s(const struct vtl_gprs *r)
{
	return r->rbx == DEMO_VTL0_GPR(3) && r->rbp == DEMO_VTL0_GPR(5) &&
	       r->r10 == DEMO_VTL0_GPR(10) && r->r11 == DEMO_VTL0_GPR(11) &&
	       r->r12 == DEMO_VTL0_GPR(12) && r->r13 == DEMO_VTL0_GPR(13) &&
	       r->r14 == DEMO_VTL0_GPR(14) && r->r15 == DEMO_VTL0_GPR(15);
}

static void leave_own_gprs(struct vtl_gprs *r)
{
	r->rbx = DEMO_VTL1_GPR(3);
	r->rbp = DEMO_VTL1_GPR(5);
	r->r10 = DEMO_VTL1_GPR(10);
	r->r11 = DEMO_VTL1_GPR(11);
	r->r12 = DEMO_VTL1_GPR(12);
	r->r13 = DEMO_VTL1_GPR(13);
	r->r14 = DEMO_VTL1_GPR(14);
	r->r15 = DEMO_VTL1_GPR(15);
}

static void look_at_shared(const struct vtl_gprs *r)
{
	struct cpu_xmm xmm = read_xmm0();

	demo_check(gprs_are_vtl0s(r), "VTL1", "general registers hold VTL0's values: shared");
	demo_check(xmm.q[0] == DEMO_VTL0_XMM && xmm.q[1] == ~DEMO_VTL0_XMM, "VTL1",
		   "XMM0 holds VTL0's value: shared");
	demo_check(read_cr2() == DEMO_VTL0_CR2, "VTL1", "CR2 holds VTL0's value: shared");
}

static void look_at_private(void)
{
	uint64_t rsp = read_rsp();
	struct demo_private got;

	demo_check(rsp > (uintptr_t)stack && rsp < (uintptr_t)stack + sizeof(stack), "VTL1",
		   "RSP is in VTL1's stack: private");
	demo_read_private(&got);
	demo_compare_private(&got, &mine, "VTL1", "is VTL1's own: private");
}

static void set_private(void)
{
	wrmsr(MSR_FS_BASE, VTL1_FS_BASE + 0x10000);
	wrmsr(MSR_GS_BASE, VTL1_GS_BASE + 0x10000);
	wrmsr(MSR_STAR, 0x0033002000000000);
	wrmsr(MSR_LSTAR, 0xffff800000002000);
	write_cr8(9);
	demo_read_private(&mine);
}

/* TLFS 15.13: intercepts come as messages to SINT0 of the VTL that protects. */
static void set_up_synic(void)
{
	demo_check(rdmsr(HV_X64_MSR_SINT0) & HV_SYNIC_SINT_MASKED, "VTL1",
		   "SINT0 of VTL1 is masked at first");
	wrmsr(HV_X64_MSR_SIMP, (uintptr_t)simp | HV_SYNIC_SIMP_ENABLE);
	/* Without a local APIC there is nobody to interrupt: VTL1 looks at the slot instead. */
	wrmsr(HV_X64_MSR_SINT0, SINT0_VECTOR | HV_SYNIC_SINT_POLLING);
	wrmsr(HV_X64_MSR_SCONTROL, HV_SYNIC_SCONTROL_ENABLE);
	demo_check(simp[HV_SYNIC_INTERCEPT_SINT].header.message_type == HVMSG_NONE, "VTL1",
		   "SIMP is mapped, slot 0 is empty, SINT0 is polled");
}

static void set_up(void)
{
	uint64_t config;

	demo_check(rdmsr(HV_X64_MSR_GUEST_OS_ID) == 0, "VTL1", "GUEST_OS_ID of VTL1 is not VTL0's");
	hv_setup(&hv, GUEST_OS_ID_VTL(1));
	must(hv_setup_vtl_stubs(&hv), "hypercall page of VTL1 is mapped and works");
	wrmsr(HV_X64_MSR_VP_ASSIST_PAGE, (uintptr_t)&assist | HV_X64_MSR_VP_ASSIST_PAGE_ENABLE);
	demo_check(rdmsr(HV_X64_MSR_VP_ASSIST_PAGE) ==
			   ((uintptr_t)&assist | HV_X64_MSR_VP_ASSIST_PAGE_ENABLE),
		   "VTL1", "VP assist page of VTL1 is mapped");
	set_up_synic();
	must(hv_get_register(&hv, HV_REGISTER_VSM_PARTITION_CONFIG, &config),
	     "VsmPartitionConfig can be read");
	config &= ~HV_VSM_PARTITION_CONFIG_DEFAULT_VTL_PROTECTION_MASK;
	config |= HV_VSM_PARTITION_CONFIG_ENABLE_VTL_PROTECTION |
		  (uint64_t)HV_MAP_GPA_PERMISSIONS_MASK
			  << HV_VSM_PARTITION_CONFIG_DEFAULT_VTL_PROTECTION_SHIFT;
	must(hv_set_register(&hv, HV_REGISTER_VSM_PARTITION_CONFIG, config),
	     "VsmPartitionConfig: protection is on, default R+W+X");
}

static void start(struct vtl_gprs *r)
{
	struct cpu_xmm xmm = { { DEMO_VTL1_XMM, ~DEMO_VTL1_XMM } };

	guest_print("VTL1 runs for the first time and looks around.\n");
	look_at_shared(r);
	look_at_private();
	guest_print("VTL1 sets itself up.\n");
	set_up();
	set_private();
	leave_own_gprs(r);
	write_cr2(DEMO_VTL1_CR2);
	write_xmm0(&xmm);
}

static void deny(const struct vtl_gprs *r)
{
	expected.word = (uint64_t *)(r->rsi + DEMO_OFFSET);
	expected.access = (uint32_t)r->r8;
	expected.cpl = (uint32_t)r->r9;
	*expected.word = DEMO_SECRET;
	must(hv_protect(&hv, (void *)r->rsi, (uint32_t)r->rdi),
	     r->rdi ? "ModifyVtlProtectionMask(R+X)" : "ModifyVtlProtectionMask(no access)");
	demo_check(*expected.word == DEMO_SECRET, "VTL1", "VTL1 itself can still read the page");
}

static void handle_call(struct vtl_gprs *r)
{
	uint64_t what = r->rdx;

	r->rdx = DEMO_DONE;
	assist.vtl_control.vtl_return_x64_rax = DEMO_RETURN_RAX;
	assist.vtl_control.vtl_return_x64_rcx = DEMO_RETURN_RCX;
	switch (what) {
	case DEMO_START:
		start(r);
		/* The page was not there when the values were written above. */
		assist.vtl_control.vtl_return_x64_rax = DEMO_RETURN_RAX;
		assist.vtl_control.vtl_return_x64_rcx = DEMO_RETURN_RCX;
		break;
	case DEMO_ADD:
		r->rdx = r->rsi + r->rdi;
		r->rcx = HV_VTL_RETURN_FAST;
		return;
	case DEMO_LOOK:
		look_at_private();
		break;
	case DEMO_DENY:
		deny(r);
		break;
	case DEMO_CONFIRM:
		demo_check(*(uint64_t *)(r->rsi + DEMO_OFFSET) == r->rdi, "VTL1",
			   "the page holds VTL0's data");
		break;
	default:
		guest_panic("VTL1: call 0x%lx is unknown", what);
	}
	r->rcx = 0;
}

static const char *access_name(uint32_t access)
{
	return access == HV_INTERCEPT_ACCESS_READ  ? "read" :
	       access == HV_INTERCEPT_ACCESS_WRITE ? "write" :
						     "fetch";
}

static void check_message(const struct hv_message *slot)
{
	const struct hv_x64_memory_intercept_message *m = (const void *)slot->payload;
	uint32_t cpl = m->header.execution_state & HV_X64_EXECUTION_STATE_CPL_MASK;

	guest_print("VTL1 is entered: VTL%u, CPL %u, RIP 0x%lx: %s at GPA 0x%lx.\n",
		    (m->header.execution_state & HV_X64_EXECUTION_STATE_VTL_MASK) >>
			    HV_X64_EXECUTION_STATE_VTL_SHIFT,
		    cpl, m->header.rip, access_name(m->header.intercept_access_type),
		    m->guest_physical_address);
	demo_check(slot->header.message_type == HVMSG_GPA_INTERCEPT, "VTL1",
		   "slot 0 of the SIMP holds a memory intercept");
	demo_check(m->guest_physical_address == (uintptr_t)expected.word, "VTL1",
		   "its GPA is right");
	demo_check(m->header.intercept_access_type == expected.access, "VTL1",
		   "its access type is right");
	demo_check(cpl == expected.cpl, "VTL1", "its CPL is right");
	demo_check(*expected.word == DEMO_SECRET, "VTL1", "the page is as it was");
}

static void handle_intercept(struct vtl_gprs *r)
{
	struct hv_message *slot = &simp[HV_SYNIC_INTERCEPT_SINT];

	intercepts++;
	demo_check(assist.vtl_control.entry_reason == HV_VTL_ENTRY_INTERRUPT, "VTL1",
		   "entry reason in the VP assist page is 2, an interrupt");
	check_message(slot);
	hv_message_done(slot);
	must(hv_protect(&hv, (void *)((uintptr_t)expected.word & ~(uint64_t)(HV_PAGE_SIZE - 1)),
			HV_MAP_GPA_PERMISSIONS_MASK),
	     "the page is granted again");
	vtl1_resume_vtl0(&assist, r);
}

const void *vtl1_handle(struct vtl_gprs *regs)
{
	if (assist.vtl_control.entry_reason == HV_VTL_ENTRY_INTERRUPT)
		handle_intercept(regs);
	else
		handle_call(regs);
	return hv.vtl_return;
}
