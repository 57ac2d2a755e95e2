/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All VPs that there are: VTL1 is enabled on each, and VP 0 starts the others by
 * HvCallStartVirtualProcessor. Each VP calls its own VTL1; then each writes to a page of its own at
 * CPL 3 all the time, and the VTL1 of VP 0 takes one page after the other away. The word
 * "impatient": what does not happen within a second is a failure, not within 20.
 */
#include "lib/cpu.h"
#include "lib/hv.h"
#include "lib/vtl.h"

#define VPS	     8u
#define ROUNDS	     20u /* of all VPs together, at least */
#define ADDS	     200u
#define SINT0_VECTOR 0x40u
#define CALL_START   1
#define CALL_WHO     2
#define CALL_RIGHTS  3 /* RSI of the page of VP RDI */
#define CALL_ENABLE  4 /* VTL1 on VP RDI, with the context at RSI; gives the HV status */
#define SECOND	     10000000ull /* of the reference counter */

static struct vp {
	struct guest_hv hv; /* VTL0's */
	struct guest_hv hv1; /* VTL1's */
	struct hv_vp_assist_page assist __attribute__((aligned(4096)));
	struct hv_message simp[HV_SIMP_SLOT_COUNT] __attribute__((aligned(4096)));
	struct guest_context context; /* VTL0's, of VP 1 */
	struct guest_context context1; /* VTL1's */
	uint8_t stack[GUEST_STACK_SIZE] __attribute__((aligned(16)));
	uint8_t stack1[GUEST_STACK_SIZE] __attribute__((aligned(16)));
	volatile uint64_t page[HV_PAGE_SIZE / 8] __attribute__((aligned(4096)));
	volatile uint32_t started, intercepts, wrong;
	volatile uint32_t reached; /* how far VTL0 has come: AT_* */
	volatile uint32_t stop;
} vps[VPS] __attribute__((aligned(4096)));

enum {
	AT_NOTHING,
	AT_START,
	AT_ADDED,
	AT_WRITING,
	AT_END
};

static volatile uint32_t sum, go;
static uint32_t count = 1; /* VPs */
static uint64_t patience;

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
		must(hv_protect(&v->hv1, (void *)(uintptr_t)vps[r->rdi].page, (uint32_t)r->rsi),
		     "protect");
	if (r->rdx == CALL_ENABLE)
		r->rdx = hv_enable_vp_vtl_of(&v->hv1, (uint32_t)r->rdi, 1, (const void *)r->rsi);
	else
		r->rdx = 0x100 + index;
	r->rcx = HV_VTL_RETURN_FAST;
}

/* The page is granted again by the VTL1 of the VP that was stopped: the own one, it must be. */
static void handle_intercept(struct vp *v, struct vtl_gprs *r)
{
	struct hv_message *slot = &v->simp[HV_SYNIC_INTERCEPT_SINT];
	const struct hv_x64_memory_intercept_message *m = (const void *)slot->payload;

	if (slot->header.message_type != HVMSG_GPA_INTERCEPT ||
	    (m->guest_physical_address ^ (uintptr_t)v->page) >> HV_PAGE_SHIFT ||
	    m->header.intercept_access_type != HV_INTERCEPT_ACCESS_WRITE)
		guest_panic("VTL1: a wrong message");
	v->wrong += m->header.vp_index != (uint32_t)(v - vps);
	v->intercepts++;
	hv_message_done(slot);
	must(hv_protect(&v->hv1, (void *)(uintptr_t)v->page, HV_MAP_GPA_PERMISSIONS_MASK), "grant");
	vtl1_resume_vtl0(&v->assist, r);
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

static int check(int condition, const char *text, uint32_t vp)
{
	guest_count(condition);
	if (!condition)
		guest_print("  FAILED: %s (VP %u)\n", text, vp);
	return condition;
}

static uint64_t call(struct vp *v, uint64_t what, uint64_t rsi, uint64_t rdi)
{
	struct vtl_gprs r = { .rdx = what, .rsi = rsi, .rdi = rdi };

	vtl_call(&r, v->hv.vtl_call);
	return r.rdx;
}

/* 0: it has not come, and the guest need not wait for ever to say so. */
static int wait_for(const volatile uint32_t *number, uint32_t value)
{
	uint64_t end = rdmsr(HV_X64_MSR_TIME_REF_COUNT) + patience;

	for (uint32_t i = 1; __atomic_load_n(number, __ATOMIC_SEQ_CST) < value; i++) {
		if (i % 1024 == 0 && rdmsr(HV_X64_MSR_TIME_REF_COUNT) > end)
			return 0;
		__asm__ volatile("pause");
	}
	return 1;
}

static int wait_for_change(const volatile uint64_t *word)
{
	uint64_t end = rdmsr(HV_X64_MSR_TIME_REF_COUNT) + patience, before = *word;

	for (uint32_t i = 1; *word == before; i++) {
		if (i % 1024 == 0 && rdmsr(HV_X64_MSR_TIME_REF_COUNT) > end)
			return 0;
		__asm__ volatile("pause");
	}
	return 1;
}

static uint64_t write_until_stopped(uint64_t vp, uint64_t b)
{
	struct vp *v = &vps[vp];

	(void)b;
	while (!v->stop)
		v->page[1]++;
	return 0;
}

static void add(void)
{
	for (uint32_t i = 0; i < ADDS; i++)
		__atomic_fetch_add(&sum, 1, __ATOMIC_SEQ_CST);
}

static void reach(struct vp *v, uint32_t what)
{
	__atomic_store_n(&v->reached, what, __ATOMIC_SEQ_CST);
}

static void other_main(void)
{
	uint32_t index = my_index();
	struct vp *v = &vps[index];

	if (index == 0 || index >= VPS || v->reached != AT_NOTHING)
		guest_panic("VP %u is started as if it were another one", index);
	guest_cpu_load(&v->context.cpu);
	hv_share(&v->hv, &vps[0].hv);
	if (!v->started || call(v, CALL_WHO, 0, 0) != 0x100 + index)
		guest_panic("VP %u has the VTL1 of another one", index);
	reach(v, AT_START);
	add();
	reach(v, AT_ADDED);
	while (!go)
		__asm__ volatile("pause");
	reach(v, AT_WRITING);
	guest_user_call(&v->context.cpu, write_until_stopped, index, 0);
	reach(v, AT_END);
	for (;;)
		__asm__ volatile("pause");
}

static void vtl1_context(struct hv_initial_vp_context *c, struct vp *v)
{
	guest_cpu_init(&v->context1, "VTL1");
	hv_context_init(c, &v->context1.cpu, vtl1_entry, v->stack1 + sizeof(v->stack1));
}

/* TLFS 15.5.3: where VTL1 is enabled on one VP, it is VTL1 that enables it on others. */
static uint16_t give_vtl1(uint32_t vp)
{
	struct hv_initial_vp_context c;
	uint16_t status;

	vtl1_context(&c, &vps[vp < VPS ? vp : VPS - 1]);
	status = (uint16_t)call(&vps[0], CALL_ENABLE, (uintptr_t)&c, vp);
	if (status != HV_STATUS_SUCCESS)
		return status;
	check(hv_enable_vp_vtl_of(&vps[0].hv, vp, 1, &c) == HV_STATUS_ACCESS_DENIED,
	      "VTL0 may not enable VTL1 there", vp);
	check(call(&vps[0], CALL_ENABLE, (uintptr_t)&c, vp) == HV_STATUS_VTL_ALREADY_ENABLED,
	      "VTL1 may, once", vp);
	return status;
}

static int start(uint32_t vp)
{
	struct guest_hv *hv = &vps[0].hv;
	struct hv_initial_vp_context c;
	struct vp *v = &vps[vp];

	guest_cpu_init(&v->context, "VTL0");
	hv_context_init(&c, &v->context.cpu, other_main, v->stack + sizeof(v->stack) - 8);
	c.cr0 = 0; /* EFER.LMA without paging: no processor would enter that */
	check(hv_start_vp(hv, vp, 0, &c) == HV_STATUS_INVALID_REGISTER_VALUE,
	      "a context that is none", vp);
	hv_context_init(&c, &v->context.cpu, other_main, v->stack + sizeof(v->stack) - 8);
	c.cr3 = (uintptr_t)guest_pml4;
	check(hv_start_vp(hv, vp, 1, &c) == HV_STATUS_ACCESS_DENIED,
	      "VTL0 may not start it in VTL1", vp);
	check(v->reached == AT_NOTHING, "refused starts start nothing", vp);
	check(hv_start_vp(hv, vp, 0, &c) == HV_STATUS_SUCCESS, "it is started", vp);
	check(hv_start_vp(hv, vp, 0, &c) == HV_STATUS_INVALID_VP_STATE, "but not twice", vp);
	return check(wait_for(&v->reached, AT_START), "it and its VTL1 check in", vp);
}

static void start_all(void)
{
	struct hv_initial_vp_context c;
	uint32_t vp;

	for (vp = 1; vp < VPS; vp++) {
		uint16_t status = give_vtl1(vp);

		if (status == HV_STATUS_INVALID_VP_INDEX)
			break;
		if (!check(status == HV_STATUS_SUCCESS, "VTL1 is enabled there", vp) || !start(vp))
			return;
	}
	count = vp;
	guest_check(count > 1, "there is more than one VP");
	vtl1_context(&c, &vps[VPS - 1]);
	check(hv_start_vp(&vps[0].hv, count, 0, &c) == HV_STATUS_INVALID_VP_INDEX,
	      "there is none of that index", count);
	check(hv_start_vp(&vps[0].hv, 0, 0, &c) == HV_STATUS_INVALID_VP_INDEX,
	      "a VP does not start itself", 0);
	guest_print("smp: %u VPs, %u checks, %u failed\n", count, guest_checks(), guest_failures());
}

/* Of VPs that run: their own threads have to answer. */
static void registers(void)
{
	for (uint32_t vp = 1; vp < count; vp++) {
		struct guest_hv *hv = &vps[0].hv;
		uint64_t value = 0;

		check(hv_get_register_of(hv, vp, HV_REGISTER_VP_INDEX, &value) == 0 && value == vp,
		      "its index as a register", vp);
		check(hv_get_register_of(hv, vp, HV_REGISTER_VSM_VP_STATUS, &value) == 0 &&
			      (value & HV_VSM_VP_STATUS_ACTIVE_VTL_MASK) == 0,
		      "it runs VTL0", vp);
		check(hv_get_register_of(hv, vp, HV_X64_REGISTER_CR3, &value) == 0 &&
			      value == (uintptr_t)guest_pml4,
		      "its CR3", vp);
	}
}

/* It is writing; its next store must meet its own VTL1, which grants the page. */
static int stop_once(struct vp *v)
{
	uint32_t before = v->intercepts;

	if (!wait_for_change(&v->page[1]))
		return 0;
	call(&vps[0], CALL_RIGHTS, HV_MAP_GPA_READABLE | HV_MAP_GPA_EXECUTABLE,
	     (uint64_t)(v - vps));
	return wait_for(&v->intercepts, before + 1) && wait_for_change(&v->page[1]) &&
	       v->intercepts == before + 1;
}

static void rounds(void)
{
	uint32_t good = 1, each = (ROUNDS + count - 2) / (count - 1);

	__atomic_store_n(&go, 1, __ATOMIC_SEQ_CST);
	for (uint32_t vp = 1; vp < count; vp++)
		good &= (uint32_t)check(wait_for(&vps[vp].reached, AT_WRITING), "it writes", vp);
	for (uint32_t i = 0; i < each && good; i++) {
		for (uint32_t vp = 1; vp < count && good; vp++)
			good = (uint32_t)check(stop_once(&vps[vp]),
					       "it is stopped at once, and then goes on", vp);
	}
	for (uint32_t vp = 1; vp < count; vp++) {
		vps[vp].stop = 1;
		check(wait_for(&vps[vp].reached, AT_END), "it has come to the end", vp);
		check(vps[vp].intercepts == each && vps[vp].wrong == 0,
		      "its own VTL1 was told, each time", vp);
	}
}

uint32_t guest_main(void)
{
	struct hv_initial_vp_context c;
	struct vp *v = &vps[0];

	patience = guest_has_word("impatient") ? SECOND : 20 * SECOND;
	hv_setup(&v->hv, GUEST_OS_ID_VTL(0));
	guest_check(hv_enable_partition_vtl(&v->hv, 1) == HV_STATUS_SUCCESS,
		    "EnablePartitionVtl(1)");
	vtl1_context(&c, v);
	guest_check(hv_enable_vp_vtl(&v->hv, 1, &c) == HV_STATUS_SUCCESS,
		    "VTL1 is enabled on VP 0");
	must(hv_setup_vtl_stubs(&v->hv), "VsmCodePageOffsets");
	guest_check(my_index() == 0, "VP 0 has index 0");
	call(v, CALL_START, 0, 0);
	guest_check(call(v, CALL_WHO, 0, 0) == 0x100, "VTL1 of VP 0 has answered");
	start_all();
	if (guest_failures())
		return 1;
	registers();
	add();
	for (uint32_t vp = 1; vp < count; vp++)
		check(wait_for(&vps[vp].reached, AT_ADDED), "it has added", vp);
	guest_check(sum == count * ADDS, "locked additions of all VPs are all there");
	rounds();
	guest_check(v->intercepts == 0, "VTL1 of VP 0 has seen no intercept");
	guest_print("smp: %u checks, %u failed\n", guest_checks(), guest_failures());
	return guest_failures() != 0;
}
