/* SPDX-License-Identifier: BSD-3-Clause */
/* VTL1 of the guests `protect` and `storm`: changes rights, and does with intercepts as it is
 * told. */
#include "protect.h"

#include "lib/cpu.h"

#define SINT0_VECTOR   0x40u
#define PAGE_MASK      (~(uint64_t)(HV_PAGE_SIZE - 1))
#define LIST_MAX       510u
/* So many intercepts of one policy are no progress. */
#define INTERCEPTS_MAX 8u
#define BAD_GPN	       0x7ffffffffull

static struct guest_hv hv;
static struct guest_context context;
static uint8_t stack[GUEST_STACK_SIZE] __attribute__((aligned(16)));
/* Under the overlay pages. */
static struct hv_vp_assist_page assist __attribute__((aligned(4096)));
static struct hv_message simp[HV_SIMP_SLOT_COUNT] __attribute__((aligned(4096)));

static volatile struct protect_seen seen;
uint8_t protect_storm_rights[STORM_PAGES];

void *memset(void *to, int c, size_t n);

static uint32_t policy;
static uint64_t resume_rip;

void protect_vtl1_context(struct hv_initial_vp_context *c)
{
	guest_cpu_init(&context, "VTL1");
	hv_context_init(c, &context.cpu, vtl1_entry, stack + sizeof(stack));
}

const volatile struct protect_seen *protect_seen(void)
{
	return &seen;
}

static void must(uint16_t status, const char *text)
{
	if (status != HV_STATUS_SUCCESS)
		guest_panic("VTL1: %s: HV status 0x%x", text, status);
}

static uint64_t list(uint64_t gpa, uint32_t rights, uint64_t count, uint64_t step, uint64_t bad)
{
	struct hv_input_modify_vtl_protection_mask *in = (void *)hv.input;
	uint64_t *gpn = (uint64_t *)(in + 1);

	in->target_partition_id = HV_PARTITION_ID_SELF;
	in->map_flags = rights;
	in->target_vtl = 0;
	in->reserved[0] = in->reserved[1] = in->reserved[2] = 0;
	gpa >>= HV_PAGE_SHIFT;
	for (uint64_t i = 0; i < count; i++, gpa += step)
		gpn[i] = gpa;
	if (bad < count)
		gpn[bad] = BAD_GPN;
	return hv_hypercall(&hv, HVCALL_MODIFY_VTL_PROTECTION_MASK |
					 count << HV_HYPERCALL_REP_COUNT_SHIFT);
}

static void grant_range(uint64_t from, uint64_t end)
{
	while (from < end) {
		uint64_t count = (end - from) >> HV_PAGE_SHIFT;

		count = count < LIST_MAX ? count : LIST_MAX;
		must((uint16_t)list(from, HV_MAP_GPA_PERMISSIONS_MASK, count, 1, PROTECT_NO_BAD),
		     "granting the image");
		from += count << HV_PAGE_SHIFT;
	}
}

static void start(uint64_t mask)
{
	uint64_t config;

	memset(protect_storm_rights, HV_MAP_GPA_PERMISSIONS_MASK, sizeof(protect_storm_rights));
	hv_setup(&hv, GUEST_OS_ID_VTL(1));
	must(hv_setup_vtl_stubs(&hv), "VsmCodePageOffsets");
	wrmsr(HV_X64_MSR_VP_ASSIST_PAGE, (uintptr_t)&assist | HV_X64_MSR_VP_ASSIST_PAGE_ENABLE);
	wrmsr(HV_X64_MSR_SIMP, (uintptr_t)simp | HV_SYNIC_SIMP_ENABLE);
	wrmsr(HV_X64_MSR_SINT0, SINT0_VECTOR | HV_SYNIC_SINT_POLLING);
	wrmsr(HV_X64_MSR_SCONTROL, HV_SYNIC_SCONTROL_ENABLE);
	must(hv_get_register(&hv, HV_REGISTER_VSM_PARTITION_CONFIG, &config), "VsmPartitionConfig");
	config &= ~HV_VSM_PARTITION_CONFIG_DEFAULT_VTL_PROTECTION_MASK;
	config |= HV_VSM_PARTITION_CONFIG_ENABLE_VTL_PROTECTION |
		  mask << HV_VSM_PARTITION_CONFIG_DEFAULT_VTL_PROTECTION_SHIFT;
	must(hv_set_register(&hv, HV_REGISTER_VSM_PARTITION_CONFIG, config), "VsmPartitionConfig");
	if (mask != HV_MAP_GPA_PERMISSIONS_MASK)
		grant_range(0x100000, (uintptr_t)guest_image_end);
}

/* Scattered: neighbours of a page get other rights at another time. */
static uint64_t storm_singles(uint64_t count)
{
	static const uint8_t rights[] = { HV_MAP_GPA_PERMISSIONS_NONE,
					  HV_MAP_GPA_READABLE | HV_MAP_GPA_EXECUTABLE,
					  HV_MAP_GPA_PERMISSIONS_MASK };
	struct hv_input_modify_vtl_protection_mask *in = (void *)hv.input;
	uint64_t done = 0, page = 0;
	uint32_t kind = 0;

	list(STORM_BASE, HV_MAP_GPA_PERMISSIONS_MASK, 1, 1, PROTECT_NO_BAD);
	for (uint64_t i = 0; i < count; i++) {
		in->map_flags = rights[kind];
		*(uint64_t *)(in + 1) = (STORM_BASE >> HV_PAGE_SHIFT) + page;
		done += hv_hypercall(&hv, HVCALL_MODIFY_VTL_PROTECTION_MASK |
						  1ull << HV_HYPERCALL_REP_COUNT_SHIFT) ==
			1ull << HV_HYPERCALL_RESULT_REPS_SHIFT;
		protect_storm_rights[page] = rights[kind];
		page = (page + 7919) & (STORM_PAGES - 1);
		kind = kind == 2 ? 0 : kind + 1;
	}
	return done;
}

static uint64_t storm_lists(uint64_t count)
{
	uint64_t done = 0, result;

	for (uint64_t i = 0; i < count; i++) {
		uint32_t first = storm_list_start((uint32_t)i);
		uint8_t rights = i & 1 ? HV_MAP_GPA_PERMISSIONS_MASK :
					 HV_MAP_GPA_READABLE | HV_MAP_GPA_EXECUTABLE;

		result = list(STORM_BASE + (uint64_t)first * HV_PAGE_SIZE, rights, STORM_LIST,
			      STORM_LIST_STEP, PROTECT_NO_BAD);
		done += result >> HV_HYPERCALL_RESULT_REPS_SHIFT;
		for (uint32_t j = 0; j < STORM_LIST; j++)
			protect_storm_rights[first + j * STORM_LIST_STEP] = rights;
	}
	return done;
}

static uint64_t storm_grant(void)
{
	uint64_t done = 0;

	for (uint64_t at = 0; at < STORM_PAGES; at += LIST_MAX) {
		uint64_t count = STORM_PAGES - at < LIST_MAX ? STORM_PAGES - at : LIST_MAX;

		done += list(STORM_BASE + at * HV_PAGE_SIZE, HV_MAP_GPA_PERMISSIONS_MASK, count, 1,
			     PROTECT_NO_BAD) >>
			HV_HYPERCALL_RESULT_REPS_SHIFT;
	}
	memset(protect_storm_rights, HV_MAP_GPA_PERMISSIONS_MASK, sizeof(protect_storm_rights));
	return done;
}

static void handle_call(struct vtl_gprs *r)
{
	uint64_t what = r->rdx;

	r->rdx = PROTECT_DONE;
	switch (what) {
	case PROTECT_START:
		start(r->rsi);
		break;
	case PROTECT_LIST:
		r->rdx = list(r->rsi, (uint32_t)r->rdi, r->r8, r->r9, r->r10);
		break;
	case PROTECT_POLICY:
		policy = (uint32_t)r->rsi;
		resume_rip = r->rdi;
		seen.count = 0;
		break;
	case PROTECT_PEEK:
		r->rdx = *(volatile uint64_t *)r->rsi;
		break;
	case PROTECT_POKE:
		*(volatile uint64_t *)r->rsi = r->rdi;
		break;
	case PROTECT_CONFIG:
		must(hv_get_register(&hv, HV_REGISTER_VSM_PARTITION_CONFIG, &r->rdx), "config");
		break;
	case PROTECT_SET_CONFIG:
		r->rdx = hv_set_register(&hv, HV_REGISTER_VSM_PARTITION_CONFIG, r->rsi);
		break;
	case PROTECT_STORM_SINGLES:
		r->rdx = storm_singles(r->rsi);
		break;
	case PROTECT_STORM_LISTS:
		r->rdx = storm_lists(r->rsi);
		break;
	case PROTECT_STORM_GRANT:
		r->rdx = storm_grant();
		break;
	default:
		guest_panic("VTL1: call 0x%lx is unknown", what);
	}
	r->rcx = HV_VTL_RETURN_FAST;
}

static uint16_t set_vtl0_rip(uint64_t rip)
{
	struct hv_input_set_vp_registers *in = (void *)hv.input;
	struct hv_register_assoc *element = (void *)(in + 1);

	in->partition_id = HV_PARTITION_ID_SELF;
	in->vp_index = HV_VP_INDEX_SELF;
	in->input_vtl = HV_INPUT_VTL_USE_TARGET_VTL; /* VTL 0 */
	in->reserved[0] = in->reserved[1] = in->reserved[2] = 0;
	element->name = HV_X64_REGISTER_RIP;
	element->reserved1 = 0;
	element->reserved2 = 0;
	element->value.low = rip;
	element->value.high = 0;
	return (uint16_t)hv_hypercall(&hv, HVCALL_SET_VP_REGISTERS |
						   1ull << HV_HYPERCALL_REP_COUNT_SHIFT);
}

static void note(const struct hv_message *slot)
{
	const struct hv_x64_memory_intercept_message *m = (const void *)slot->payload;

	if (slot->header.message_type != HVMSG_GPA_INTERCEPT)
		guest_panic("VTL1: message 0x%x in slot 0", slot->header.message_type);
	seen.count++;
	seen.access = m->header.intercept_access_type;
	seen.cpl = m->header.execution_state & HV_X64_EXECUTION_STATE_CPL_MASK;
	seen.length = m->header.instruction_length_cr8 & 0xf;
	seen.byte_count = m->instruction_byte_count;
	seen.gpa = m->guest_physical_address;
	seen.rip = m->header.rip;
	for (uint32_t i = 0; i < 16; i++)
		seen.bytes[i] = m->instruction_bytes[i];
	if (seen.count > INTERCEPTS_MAX)
		guest_panic("VTL1: the same instruction is stopped again and again, RIP 0x%lx, "
			    "GPA 0x%lx",
			    seen.rip, seen.gpa);
}

static void handle_intercept(struct vtl_gprs *r)
{
	struct hv_message *slot = &simp[HV_SYNIC_INTERCEPT_SINT];

	note(slot);
	hv_message_done(slot);
	if (policy == POLICY_SKIP)
		must(set_vtl0_rip(resume_rip), "RIP of VTL0");
	else if (policy == POLICY_GRANT)
		must(hv_protect(&hv, (void *)(seen.gpa & PAGE_MASK), HV_MAP_GPA_PERMISSIONS_MASK),
		     "the grant");
	else
		guest_panic("VTL1: access %u to GPA 0x%lx at RIP 0x%lx is stopped, none should be",
			    seen.access, seen.gpa, seen.rip);
	vtl1_resume_vtl0(&assist, r);
}

const void *vtl1_handle(struct vtl_gprs *regs)
{
	/* At the first entry there is no assist page, and the reason reads as 0 of its own page. */
	if (assist.vtl_control.entry_reason == HV_VTL_ENTRY_INTERRUPT)
		handle_intercept(regs);
	else
		handle_call(regs);
	return hv.vtl_return;
}
