/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two VPs: VP 0 enables VTL1 on both and starts VP 1 by HvCallStartVirtualProcessor. Each VP calls
 * its VTL1; then VP 1 writes to a page at CPL 3 all the time, until the VTL1 of VP 0 takes it away.
 */
#include "lib/cpu.h"
#include "lib/hv.h"
#include "lib/vtl.h"

#define VPS	     2
#define ROUNDS	     20u
#define ADDS	     200u
#define SINT0_VECTOR 0x40u
#define CALL_START   1
#define CALL_WHO     2
#define CALL_RIGHTS  3 /* of the page: RSI */
#define CALL_ENABLE  4 /* VTL1 on VP 1, with the context at RSI; gives the HV status */

static struct vp {
	struct guest_hv hv; /* VTL0's */
	struct guest_hv hv1; /* VTL1's */
	struct hv_vp_assist_page assist __attribute__((aligned(4096)));
	struct hv_message simp[HV_SIMP_SLOT_COUNT] __attribute__((aligned(4096)));
	struct guest_context context; /* VTL0's, of VP 1 */
	struct guest_context context1; /* VTL1's */
	uint8_t stack[GUEST_STACK_SIZE] __attribute__((aligned(16)));
	uint8_t stack1[GUEST_STACK_SIZE] __attribute__((aligned(16)));
	volatile uint32_t started, intercepts, who;
} vps[VPS] __attribute__((aligned(4096)));

static volatile uint64_t page[HV_PAGE_SIZE / 8] __attribute__((aligned(4096)));
static volatile uint32_t sum, checked_in, stop;

static void must(uint16_t status, const char *text)
{
	if (status != HV_STATUS_SUCCESS)
		guest_panic("%s: HV status 0x%x", text, status);
}

static uint32_t my_index(void)
{
	return (uint32_t)rdmsr(HV_X64_MSR_VP_INDEX);
}

/* VTL1 */

static void start_vtl1(struct vp *v, uint32_t index)
{
	uint64_t config;

	if (index == 0) {
		hv_setup(&v->hv1, GUEST_OS_ID_VTL(1));
		must(hv_setup_vtl_stubs(&v->hv1), "VTL1: VsmCodePageOffsets");
	} else {
		hv_share(&v->hv1, &vps[0].hv1);
	}
	wrmsr(HV_X64_MSR_VP_ASSIST_PAGE, (uintptr_t)&v->assist | HV_X64_MSR_VP_ASSIST_PAGE_ENABLE);
	wrmsr(HV_X64_MSR_SIMP, (uintptr_t)v->simp | HV_SYNIC_SIMP_ENABLE);
	wrmsr(HV_X64_MSR_SINT0, SINT0_VECTOR | HV_SYNIC_SINT_POLLING);
	wrmsr(HV_X64_MSR_SCONTROL, HV_SYNIC_SCONTROL_ENABLE);
	if (index != 0)
		return;
	must(hv_get_register(&v->hv1, HV_REGISTER_VSM_PARTITION_CONFIG, &config), "config");
	config |= HV_VSM_PARTITION_CONFIG_ENABLE_VTL_PROTECTION |
		  (uint64_t)HV_MAP_GPA_PERMISSIONS_MASK
			  << HV_VSM_PARTITION_CONFIG_DEFAULT_VTL_PROTECTION_SHIFT;
	must(hv_set_register(&v->hv1, HV_REGISTER_VSM_PARTITION_CONFIG, config), "protection on");
}

static void handle_call(struct vp *v, uint32_t index, struct vtl_gprs *r)
{
	if (r->rdx == CALL_RIGHTS)
		must(hv_protect(&v->hv1, (void *)(uintptr_t)page, (uint32_t)r->rsi), "protect");
	if (r->rdx == CALL_ENABLE)
		r->rdx = hv_enable_vp_vtl_of(&v->hv1, 1, 1, (const void *)r->rsi);
	else
		r->rdx = 0x100 + index;
	r->rcx = HV_VTL_RETURN_FAST;
}

/* The page is granted again by the VTL1 of the VP that was stopped. */
static void handle_intercept(struct vp *v, struct vtl_gprs *r)
{
	struct hv_message *slot = &v->simp[HV_SYNIC_INTERCEPT_SINT];
	const struct hv_x64_memory_intercept_message *m = (const void *)slot->payload;

	if (slot->header.message_type != HVMSG_GPA_INTERCEPT ||
	    (m->guest_physical_address ^ (uintptr_t)page) >> HV_PAGE_SHIFT)
		guest_panic("VTL1: a wrong message");
	v->who = m->header.vp_index;
	v->intercepts++;
	*(volatile uint32_t *)&slot->header.message_type = HVMSG_NONE;
	must(hv_protect(&v->hv1, (void *)(uintptr_t)page, HV_MAP_GPA_PERMISSIONS_MASK), "grant");
	v->assist.vtl_control.vtl_return_x64_rax = r->rax;
	v->assist.vtl_control.vtl_return_x64_rcx = r->rcx;
	r->rcx = 0;
}

const void *vtl1_handle(struct vtl_gprs *regs)
{
	uint32_t index = my_index();
	struct vp *v = &vps[index];

	if (!v->started) {
		/* On VP 0 the first call; a VP that is started begins in its highest VTL. */
		start_vtl1(v, index);
		v->started = 1;
		regs->rcx = HV_VTL_RETURN_FAST;
	} else if (v->assist.vtl_control.entry_reason == HV_VTL_ENTRY_INTERRUPT) {
		handle_intercept(v, regs);
	} else {
		handle_call(v, index, regs);
	}
	return v->hv1.vtl_return;
}

/* VTL0 */

static uint64_t call(struct vp *v, uint64_t what, uint64_t rsi)
{
	struct vtl_gprs r = { .rdx = what, .rsi = rsi };

	vtl_call(&r, v->hv.vtl_call);
	return r.rdx;
}

static uint64_t write_until_stopped(uint64_t a, uint64_t b)
{
	(void)a;
	(void)b;
	while (!stop)
		page[1]++;
	return 0;
}

static void add(void)
{
	for (uint32_t i = 0; i < ADDS; i++)
		__atomic_fetch_add(&sum, 1, __ATOMIC_SEQ_CST);
}

static void vp1_main(void)
{
	struct vp *v = &vps[1];
	uint64_t who;

	guest_cpu_load(&v->context.cpu);
	if (my_index() != 1)
		guest_panic("VP 1 has index %u", my_index());
	hv_share(&v->hv, &vps[0].hv);
	who = v->started ? call(v, CALL_WHO, 0) : 0;
	if (who != 0x101)
		guest_panic("VTL1 of VP 1 says 0x%lx", who);
	__atomic_store_n(&checked_in, 1, __ATOMIC_SEQ_CST);
	add();
	__atomic_store_n(&checked_in, 2, __ATOMIC_SEQ_CST);
	guest_user_call(&v->context.cpu, write_until_stopped, 0, 0);
	__atomic_store_n(&checked_in, 3, __ATOMIC_SEQ_CST);
	for (;;)
		__asm__ volatile("pause");
}

static void wait_for(volatile uint32_t *number, uint32_t value)
{
	while (__atomic_load_n(number, __ATOMIC_SEQ_CST) < value)
		__asm__ volatile("pause");
}

static void start_vp1(void)
{
	struct hv_initial_vp_context c;
	struct vp *v = &vps[1];

	guest_cpu_init(&v->context1, "VP 1, VTL1");
	hv_context_init(&c, &v->context1.cpu, vtl1_entry, v->stack1 + sizeof(v->stack1));
	/* TLFS 15.5.3: where VTL1 is enabled on one VP, it is VTL1 that enables it on others. */
	guest_check(hv_enable_vp_vtl_of(&vps[0].hv, 1, 1, &c) == HV_STATUS_ACCESS_DENIED,
		    "VTL0 may not enable VTL1 on VP 1");
	guest_check(call(&vps[0], CALL_ENABLE, (uintptr_t)&c) == HV_STATUS_SUCCESS,
		    "VTL1 may: it is enabled on VP 1");
	guest_cpu_init(&v->context, "VP 1, VTL0");
	hv_context_init(&c, &v->context.cpu, vp1_main, v->stack + sizeof(v->stack) - 8);
	c.cr3 = (uintptr_t)guest_pml4;
	guest_check(hv_start_vp(&vps[0].hv, 1, 0, &c) == HV_STATUS_SUCCESS, "VP 1 is started");
	guest_check(hv_start_vp(&vps[0].hv, 1, 0, &c) != HV_STATUS_SUCCESS, "but not twice");
	guest_check(hv_start_vp(&vps[0].hv, 0, 0, &c) != HV_STATUS_SUCCESS, "VP 0 runs already");
	guest_check(hv_start_vp(&vps[0].hv, 7, 0, &c) != HV_STATUS_SUCCESS, "there is no VP 7");
}

static uint32_t rounds(void)
{
	uint32_t good = 0;

	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint64_t before, after;

		/* VP 1 is writing. */
		before = page[1];
		while (page[1] == before)
			__asm__ volatile("pause");
		call(&vps[0], CALL_RIGHTS, HV_MAP_GPA_READABLE | HV_MAP_GPA_EXECUTABLE);
		/* Its next store must meet its VTL1, which grants the page. */
		wait_for(&vps[1].intercepts, i + 1);
		after = page[1];
		while (page[1] == after)
			__asm__ volatile("pause");
		good += vps[1].intercepts == i + 1 && vps[1].who == 1;
	}
	return good;
}

uint32_t guest_main(void)
{
	struct hv_initial_vp_context c;
	struct vp *v = &vps[0];

	hv_setup(&v->hv, GUEST_OS_ID_VTL(0));
	guest_check(hv_enable_partition_vtl(&v->hv, 1) == HV_STATUS_SUCCESS,
		    "EnablePartitionVtl(1)");
	guest_cpu_init(&v->context1, "VP 0, VTL1");
	hv_context_init(&c, &v->context1.cpu, vtl1_entry, v->stack1 + sizeof(v->stack1));
	guest_check(hv_enable_vp_vtl(&v->hv, 1, &c) == HV_STATUS_SUCCESS,
		    "VTL1 is enabled on VP 0");
	must(hv_setup_vtl_stubs(&v->hv), "VsmCodePageOffsets");
	guest_check(my_index() == 0, "VP 0 has index 0");
	call(v, CALL_START, 0);
	guest_check(call(v, CALL_WHO, 0) == 0x100, "VTL1 of VP 0 has answered");
	start_vp1();
	if (guest_failures())
		return 1;
	add();
	wait_for(&checked_in, 1);
	guest_check(1, "VP 1 and its VTL1 have checked in");
	wait_for(&checked_in, 2);
	guest_check(sum == 2 * ADDS, "locked additions of both VPs are all there");
	guest_check(rounds() == ROUNDS,
		    "each time VP 1 is stopped at once, and tells its own VTL1");
	__atomic_store_n(&stop, 1, __ATOMIC_SEQ_CST);
	wait_for(&checked_in, 3);
	guest_check(vps[0].intercepts == 0, "VTL1 of VP 0 has seen no intercept");
	guest_print("smp: %u checks, %u failed\n", guest_checks(), guest_failures());
	return guest_failures() != 0;
}
