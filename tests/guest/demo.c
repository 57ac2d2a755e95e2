/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The demo, VTL0's part: finds VSM, enables VTL1, calls it, and touches what it protects. Each
 * step says what it does; each "ok" is a check.
 */
#include "demo.h"

#include "lib/cpu.h"

static struct guest_hv hv;
static uint8_t page[HV_PAGE_SIZE] __attribute__((aligned(4096)));
static uint32_t vtl_calls;

void demo_check(int condition, const char *who, const char *text)
{
	char line[120];
	uint32_t n = 0;

	while (*who && n < sizeof(line) - 3)
		line[n++] = *who++;
	line[n++] = ':';
	line[n++] = ' ';
	while (*text && n < sizeof(line) - 1)
		line[n++] = *text++;
	line[n] = 0;
	guest_check(condition, line);
}

void demo_read_private(struct demo_private *p)
{
	p->cr3 = read_cr3();
	p->gdtr = read_gdtr().base;
	p->idtr = read_idtr().base;
	p->efer = rdmsr(MSR_EFER);
	p->fs_base = rdmsr(MSR_FS_BASE);
	p->gs_base = rdmsr(MSR_GS_BASE);
	p->star = rdmsr(MSR_STAR);
	p->lstar = rdmsr(MSR_LSTAR);
	p->cr8 = read_cr8();
}

static void compare(uint64_t got, uint64_t want, const char *who, const char *name,
		    const char *what)
{
	guest_print("  %s: %s: %s %s (0x%lx)\n", got == want ? "ok" : "FAILED", who, name, what,
		    got);
	guest_count(got == want);
}

void demo_compare_private(const struct demo_private *got, const struct demo_private *want,
			  const char *who, const char *what)
{
	compare(got->cr3, want->cr3, who, "CR3", what);
	compare(got->gdtr, want->gdtr, who, "GDTR", what);
	compare(got->idtr, want->idtr, who, "IDTR", what);
	compare(got->efer, want->efer, who, "EFER", what);
	compare(got->fs_base, want->fs_base, who, "FS base", what);
	compare(got->gs_base, want->gs_base, who, "GS base", what);
	compare(got->star, want->star, who, "STAR", what);
	compare(got->lstar, want->lstar, who, "LSTAR", what);
	compare(got->cr8, want->cr8, who, "CR8", what);
}

static void must(uint16_t status, const char *text)
{
	if (status != HV_STATUS_SUCCESS)
		guest_panic("VTL0: %s: HV status 0x%x", text, status);
	demo_check(1, "VTL0", text);
}

static void call(struct vtl_gprs *r)
{
	vtl_calls++;
	vtl_call(r, hv.vtl_call);
}

static void find_vsm(void)
{
	struct cpuid_regs r;

	guest_print("Step 1: VTL0 looks for the hypervisor interface through CPUID.\n");
	if (!(cpuid(1).ecx & HV_CPUID_1_ECX_HYPERVISOR_PRESENT))
		guest_panic("VTL0: CPUID tells of no hypervisor");
	if (cpuid(HV_CPUID_INTERFACE).eax != HV_CPUID_INTERFACE_HV1)
		guest_panic("VTL0: the hypervisor's interface is not Hv#1");
	demo_check(1, "VTL0", "the interface is Hv#1");
	r = cpuid(HV_CPUID_FEATURES);
	if (!(((uint64_t)r.ebx << 32 | r.eax) & HV_PRIV_ACCESS_VSM))
		guest_panic("VTL0: no privilege AccessVsm (CPUID 0x40000003 EBX 0x%x)", r.ebx);
	demo_check(1, "VTL0", "this partition may use VSM (AccessVsm)");
}

static void enable_vtl1(void)
{
	struct hv_initial_vp_context context;

	guest_print("Step 2: VTL0 says who it is, maps the hypercall page and enables VTL1.\n");
	hv_setup(&hv, GUEST_OS_ID_VTL(0));
	must(hv_enable_partition_vtl(&hv, 1), "EnablePartitionVtl(1)");
	demo_vtl1_context(&context);
	must(hv_enable_vp_vtl(&hv, 1, &context), "EnableVpVtl(1) with VTL1's first state");
	must(hv_setup_vtl_stubs(&hv), "VsmCodePageOffsets tell where the VTL call is");
}

static void set_private(struct demo_private *p)
{
	wrmsr(MSR_FS_BASE, 0x0000100000000000);
	wrmsr(MSR_GS_BASE, 0x0000100000001000);
	wrmsr(MSR_STAR, 0x0023001000000000);
	wrmsr(MSR_LSTAR, 0xffff800000001000);
	write_cr8(5);
	demo_read_private(p);
}

/* All general registers but RAX, RCX and those that carry arguments. */
static int gprs_are_vtl1s(const struct vtl_gprs *r)
{
	return r->rbx == DEMO_VTL1_GPR(3) && r->rbp == DEMO_VTL1_GPR(5) &&
	       r->r10 == DEMO_VTL1_GPR(10) && r->r11 == DEMO_VTL1_GPR(11) &&
	       r->r12 == DEMO_VTL1_GPR(12) && r->r13 == DEMO_VTL1_GPR(13) &&
	       r->r14 == DEMO_VTL1_GPR(14) && r->r15 == DEMO_VTL1_GPR(15);
}

static void first_call(void)
{
	struct cpu_xmm xmm = { { DEMO_VTL0_XMM, ~DEMO_VTL0_XMM } };
	struct demo_private before, after;
	struct vtl_gprs r = { .rdx = DEMO_START,
			      .rbx = DEMO_VTL0_GPR(3),
			      .rbp = DEMO_VTL0_GPR(5),
			      .r10 = DEMO_VTL0_GPR(10),
			      .r11 = DEMO_VTL0_GPR(11),
			      .r12 = DEMO_VTL0_GPR(12),
			      .r13 = DEMO_VTL0_GPR(13),
			      .r14 = DEMO_VTL0_GPR(14),
			      .r15 = DEMO_VTL0_GPR(15) };
	uint64_t rsp;

	guest_print("Step 3: VTL0 fills its registers and makes the first VTL call.\n");
	set_private(&before);
	write_cr2(DEMO_VTL0_CR2);
	write_xmm0(&xmm);
	rsp = read_rsp();
	call(&r);
	xmm = read_xmm0();
	guest_print("Step 4: back in VTL0, which looks what VTL1 has left.\n");
	demo_check(r.rdx == DEMO_DONE, "VTL0", "VTL1 has answered in RDX");
	demo_check(gprs_are_vtl1s(&r), "VTL0", "general registers hold VTL1's values: shared");
	demo_check(xmm.q[0] == DEMO_VTL1_XMM && xmm.q[1] == ~DEMO_VTL1_XMM, "VTL0",
		   "XMM0 holds VTL1's value: shared");
	demo_check(read_cr2() == DEMO_VTL1_CR2, "VTL0", "CR2 holds VTL1's value: shared");
	demo_check(read_rsp() == rsp, "VTL0", "RSP is VTL0's again: private");
	demo_check(r.rax == DEMO_RETURN_RAX && r.rcx == DEMO_RETURN_RCX, "VTL0",
		   "RAX and RCX come from VTL1's VP assist page");
	demo_read_private(&after);
	demo_compare_private(&after, &before, "VTL0", "is VTL0's again: private");
}

static void more_calls(void)
{
	struct vtl_gprs add = { .rdx = DEMO_ADD, .rsi = 40, .rdi = 2 };
	struct vtl_gprs look = { .rdx = DEMO_LOOK };

	guest_print("Step 5: VTL0 calls with arguments: 40 in RSI, 2 in RDI.\n");
	call(&add);
	demo_check(add.rdx == 42, "VTL0", "VTL1 gives back 42 in RDX");
	demo_check(add.rax == HV_VTL_RETURN_FAST && add.rcx == HVCALL_VTL_RETURN, "VTL0",
		   "this return was a fast one: RAX and RCX are as VTL1 left them");
	guest_print("Step 6: once more, to see what VTL1 has kept.\n");
	call(&look);
	demo_check(look.rdx == DEMO_DONE, "VTL0", "VTL1 has answered");
}

/* Both run at CPL 3 or CPL 0; RAX and RCX must come through an intercept unharmed. */
static uint64_t read_word(uint64_t address, uint64_t unused)
{
	uint64_t rax = DEMO_VTL0_GPR(0), rcx = DEMO_VTL0_GPR(1), value;

	(void)unused;
	__asm__ volatile("mov (%3), %0"
			 : "=&r"(value), "+a"(rax), "+c"(rcx)
			 : "r"(address)
			 : "memory");
	return rax == DEMO_VTL0_GPR(0) && rcx == DEMO_VTL0_GPR(1) ? value : 0;
}

static uint64_t write_word(uint64_t address, uint64_t value)
{
	uint64_t rax = DEMO_VTL0_GPR(0), rcx = DEMO_VTL0_GPR(1);

	__asm__ volatile("mov %3, (%2)"
			 : "+a"(rax), "+c"(rcx)
			 : "r"(address), "r"(value)
			 : "memory");
	return rax == DEMO_VTL0_GPR(0) && rcx == DEMO_VTL0_GPR(1) ? value : 0;
}

static struct guest_result touch(guest_fn *fn, uint32_t cpl)
{
	uint64_t address = (uintptr_t)page + DEMO_OFFSET;

	if (cpl == 3)
		return guest_user_call(&guest_boot_context.cpu, fn, address, DEMO_UPDATE);
	return guest_call(&guest_boot_context.cpu, fn, address, DEMO_UPDATE);
}

static void check_touched(const struct guest_result *r, uint64_t want)
{
	demo_check(r->vector == GUEST_NO_TRAP, "VTL0", "the access has ended without an exception");
	demo_check(r->value == want, "VTL0", "the data is right, RAX and RCX are unharmed");
}

static void deny(uint32_t rights, uint32_t access, uint32_t cpl)
{
	struct vtl_gprs r = {
		.rdx = DEMO_DENY, .rsi = (uintptr_t)page, .rdi = rights, .r8 = access, .r9 = cpl
	};

	call(&r);
	demo_check(r.rdx == DEMO_DONE, "VTL0", "VTL1 has changed the page's rights");
}

static void denied_read(uint32_t cpl)
{
	uint32_t before = demo_vtl1_intercepts();
	struct guest_result r;

	guest_print("VTL1 takes away all access to a page; VTL0 reads it from CPL %u.\n", cpl);
	deny(HV_MAP_GPA_PERMISSIONS_NONE, HV_INTERCEPT_ACCESS_READ, cpl);
	demo_check(hv_protect(&hv, page, HV_MAP_GPA_PERMISSIONS_MASK) != HV_STATUS_SUCCESS, "VTL0",
		   "VTL0 itself cannot take the page back");
	r = touch(read_word, cpl);
	check_touched(&r, DEMO_SECRET);
	demo_check(demo_vtl1_intercepts() == before + 1, "VTL0", "VTL1 was entered once for it");
}

static void denied_write(uint32_t rights, uint32_t cpl)
{
	uint32_t before = demo_vtl1_intercepts();
	struct vtl_gprs confirm = { .rdx = DEMO_CONFIRM,
				    .rsi = (uintptr_t)page,
				    .rdi = DEMO_UPDATE };
	struct guest_result r;

	guest_print("VTL1 takes away %s to a page; VTL0 writes to it from CPL %u.\n",
		    rights ? "write access" : "all access", cpl);
	deny(rights, HV_INTERCEPT_ACCESS_WRITE, cpl);
	if (rights) {
		r = touch(read_word, cpl);
		check_touched(&r, DEMO_SECRET);
		demo_check(demo_vtl1_intercepts() == before, "VTL0",
			   "reading is allowed: VTL1 was not entered");
	}
	r = touch(write_word, cpl);
	check_touched(&r, DEMO_UPDATE);
	demo_check(demo_vtl1_intercepts() == before + 1, "VTL0", "VTL1 was entered once for it");
	call(&confirm);
	demo_check(confirm.rdx == DEMO_DONE, "VTL0", "VTL1 sees what VTL0 has written");
}

uint32_t guest_main(void)
{
	find_vsm();
	enable_vtl1();
	first_call();
	more_calls();
	guest_print("Step 7: reads of a page that VTL1 denies.\n");
	denied_read(3);
	denied_read(0);
	guest_print("Step 8: writes to a page that VTL1 denies.\n");
	denied_write(HV_MAP_GPA_PERMISSIONS_NONE, 3);
	denied_write(HV_MAP_GPA_PERMISSIONS_NONE, 0);
	guest_print("Step 9: writes to a page that VTL1 makes read-only.\n");
	denied_write(HV_MAP_GPA_READABLE | HV_MAP_GPA_EXECUTABLE, 3);
	denied_write(HV_MAP_GPA_READABLE | HV_MAP_GPA_EXECUTABLE, 0);
	guest_print("demo: %u VTL calls, %u intercepts, %u checks, %u failed\n", vtl_calls,
		    demo_vtl1_intercepts(), guest_checks(), guest_failures());
	return guest_failures() != 0;
}
