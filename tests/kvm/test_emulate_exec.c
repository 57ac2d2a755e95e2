/* SPDX-License-Identifier: BSD-3-Clause */
/* Execute rights by emulation: pages that may be read, or read and written, but not executed. */
#include "kvmtest_emulate.h"
#include "kvmtest_pair.h"
#include "kvmtest_view.h"

/* ---- fetches ---- */

static void check_fetch(struct kt *t, uint64_t gpa, uint64_t rip, uint32_t cpl)
{
	struct hv_message message = kt_intercept(t);
	const struct hv_x64_memory_intercept_message *m = (const void *)message.payload;

	ck_assert_uint_eq(message.header.message_type, HVMSG_GPA_INTERCEPT);
	ck_assert_uint_eq(m->header.intercept_access_type, HV_INTERCEPT_ACCESS_EXECUTE);
	ck_assert_uint_eq(m->guest_physical_address, gpa);
	ck_assert_uint_eq(m->guest_virtual_address, gpa);
	ck_assert_uint_eq(m->memory_access_info & HV_X64_MEMORY_ACCESS_GVA_VALID, 1);
	ck_assert_uint_eq(m->header.rip, rip);
	ck_assert_uint_eq(m->header.execution_state & HV_X64_EXECUTION_STATE_CPL_MASK, cpl);
}

static void fetch(uint32_t cpl, uint32_t rights)
{
	static const uint8_t stop[] = { STOP };
	struct kt *t = machine(1);
	uint64_t gpa = PAGE_GPA;

	memcpy(t->ram + TARGET, stop, sizeof(stop));
	kt_deny(t, PAGE_GPA, rights);
	kt_switch(t, 1);
	kt_long_mode(t, 0, cpl);
	kt_set(t, 0, HV_X64_REGISTER_RDI, TARGET);
	KT_CODE(t, 0, 0x8b, 0x1f, 0xff, 0xe7); /* mov (%rdi),%ebx; jmp *%rdi */
	for (uint32_t i = 0; i < 3; i++) {
		/* Not granted: told again. The load before it was none of this. */
		ck_assert_uint_eq(i == 0 ? kt_stop(t) : kt_resume(t), 1);
		check_fetch(t, TARGET, TARGET, cpl);
	}
	ck_assert_uint_eq((uint32_t)t->saved[3] & 0xffff, 0xe6u | STOP_PORT << 8);
	ck_assert_uint_eq(kt_stats(t).emulated_accesses, 1);
	ck_assert_int_eq(kt_protect(t, 1, RX, &gpa, 1) == REPS(1), kt_can(t, RX));
	if (!kt_can(t, RX))
		ck_assert_uint_eq(kt_protect(t, 1, RWX, &gpa, 1), REPS(1));
	ck_assert_uint_eq(kt_stats(t).emulated_pages, 0);
	ck_assert_uint_eq(kt_resume(t), 0);
	ck_assert_uint_eq(t->exit.rip, TARGET + 2);
	kt_free(t);
}

START_TEST(fetches_are_intercepted)
{
	fetch(0, RW);
	fetch(3, RW);
	fetch(0, R);
	fetch(3, R);
}
END_TEST

/* An instruction of 10 bytes of which `before` lie in the page before. */
static void straddle(uint32_t cpl, uint32_t before)
{
	static const uint8_t code[] = { 0x48, 0xbb, 1, 2, 3, 4, 5, 6, 7, 8, STOP }; /* movabs */
	struct kt *t = machine(1);
	uint64_t gpa = PAGE_GPA;

	memcpy(t->ram + PAGE_GPA - before, code, sizeof(code));
	kt_deny(t, PAGE_GPA, RW);
	kt_switch(t, 1);
	kt_long_mode(t, 0, cpl);
	kt_set(t, 0, HV_X64_REGISTER_RIP, PAGE_GPA - before);
	ck_assert_uint_eq(kt_stop(t), 1);
	check_fetch(t, PAGE_GPA, PAGE_GPA - before, cpl);
	ck_assert_uint_eq(kt_protect(t, 1, RWX, &gpa, 1), REPS(1));
	ck_assert_uint_eq(kt_resume(t), 0);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBX), 0x0807060504030201ull);
	kt_free(t);
}

START_TEST(a_fetch_that_reaches_into_the_page)
{
	static const uint32_t before[] = { 1, 2, 6, 9 };

	for (uint32_t i = 0; i < VSMTEST_COUNT(before); i++) {
		straddle(0, before[i]);
		straddle(3, before[i]);
	}
}
END_TEST

/* The last instruction before the page, and the first behind it, are nobody's business. */
START_TEST(code_beside_the_page_runs)
{
	/* movabs, up to the last byte; it ends where `jmp` stands */
	static const uint8_t code[] = { 0x48, 0xbb, 1, 2, 3, 4, 5, 6, 7, 8 };
	static const uint8_t stop[] = { STOP };

	for (uint32_t cpl = 0; cpl <= 3; cpl += 3) {
		struct kt *t = machine(1);

		memcpy(t->ram + PAGE_GPA - 2, stop, sizeof(stop));
		memcpy(t->ram + PAGE_GPA - 2 - sizeof(code), code, sizeof(code));
		memcpy(t->ram + NEXT, stop, sizeof(stop));
		kt_deny(t, PAGE_GPA, RW);
		kt_switch(t, 1);
		kt_long_mode(t, 0, cpl);
		kt_set(t, 0, HV_X64_REGISTER_RIP, PAGE_GPA - 2 - sizeof(code));
		ck_assert_uint_eq(kt_stop(t), 0);
		ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBX), 0x0807060504030201ull);
		kt_set(t, 0, HV_X64_REGISTER_RIP, NEXT);
		ck_assert_uint_eq(kt_stop(t), 0);
		kt_free(t);
	}
}
END_TEST

START_TEST(vtl1_is_not_affected)
{
	static const uint8_t stop[] = { STOP };
	struct kt *t = machine(1);

	memcpy(t->ram + TARGET, stop, sizeof(stop));
	kt_deny(t, PAGE_GPA, R);
	kt_set(t, 1, HV_X64_REGISTER_RDI, PAGE_GPA + 0x80);
	kt_set(t, 1, HV_X64_REGISTER_RBX, VALUE);
	kt_set(t, 1, HV_X64_REGISTER_RSI, TARGET);
	/* pxor (%rdi),%xmm0 would do in user mode; mov %rbx,(%rdi); jmp *%rsi */
	KT_CODE(t, 1, 0x48, 0x89, 0x1f, 0xff, 0xe6);
	ck_assert_uint_eq(kt_stop(t), 1);
	ck_assert_uint_eq(*kt_at(t, PAGE_GPA + 0x80), VALUE);
	ck_assert_uint_eq(kt_get(t, 1, HV_X64_REGISTER_RIP), TARGET + 2);
	ck_assert_uint_eq(kt_stats(t).emulated_accesses, 0);
	kt_free(t);
}
END_TEST

/* ---- what KVM does not emulate ---- */

START_TEST(unknown_instructions_end_in_a_defined_way)
{
	static const uint8_t pxor[] = { 0x66, 0x0f, 0xef, 0x07, STOP }; /* pxor (%rdi),%xmm0 */
	struct kt *t = machine(1);
	uint64_t frame;

	kt_deny(t, PAGE_GPA, RW);
	kt_switch(t, 1);
	kt_long_mode(t, 0, 3);
	kt_set(t, 0, HV_X64_REGISTER_RDI, TARGET);
	kt_set(t, 0, HV_X64_REGISTER_RBP, 0xff);
	kt_code(t, 0, pxor, sizeof(pxor));
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBP), 6);
	frame = kt_get(t, 0, HV_X64_REGISTER_RSP);
	ck_assert_uint_eq(kt_at(t, frame)[0], CODE_GPA);
	kt_long_mode(t, 0, 0);
	kt_code(t, 0, pxor, sizeof(pxor));
	ck_assert_uint_eq(kt_run(t), VSM_KVM_EXIT_EMULATION);
	ck_assert_uint_eq(t->exit.rip, CODE_GPA);
	ck_assert_uint_ge(t->exit.byte_count, 4);
	ck_assert_mem_eq(t->exit.bytes, pxor, 4);
	kt_free(t);
}
END_TEST

/* Stores to a page that may be read only, by instructions that KVM does not know: still told. */
START_TEST(unknown_instructions_that_are_denied_are_told)
{
	struct kt *t = machine(1);
	struct hv_message message;
	const struct hv_x64_memory_intercept_message *m = (const void *)message.payload;

	kt_deny(t, PAGE_GPA, R);
	kt_switch(t, 1);
	kt_long_mode(t, 0, 3);
	kt_set(t, 0, HV_X64_REGISTER_RDI, TARGET);
	KT_CODE(t, 0, 0x66, 0x0f, 0x7e, 0x07, STOP); /* movd %xmm0,(%rdi) */
	ck_assert_uint_eq(kt_stop(t), 1);
	message = kt_intercept(t);
	ck_assert_uint_eq(m->header.intercept_access_type, HV_INTERCEPT_ACCESS_WRITE);
	ck_assert_uint_eq(m->guest_physical_address, TARGET);
	ck_assert_uint_eq(m->header.rip, CODE_GPA);
	kt_free(t);
}
END_TEST

/* ---- how many ---- */

static uint32_t rights(struct kt *t, uint64_t gpa)
{
	uint32_t r = 0;

	assert_err(vsm_gpa_rights(t->vsm, 0, gpa, &r), 0);
	return r;
}

START_TEST(more_pages_than_that_are_refused)
{
	uint64_t gpa[] = { 0x500000, 0x700000, 0x600000, 0x701000 };
	struct kt *t = machine(2);

	ck_assert_uint_eq(kt_protect(t, 1, RW, gpa, 3), HV_STATUS_INSUFFICIENT_MEMORY);
	ck_assert_uint_eq(kt_stats(t).emulated_pages, 0);
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_uint_eq(rights(t, gpa[i]), RWX);
		kv_check(t, gpa[i]);
	}
	ck_assert_uint_eq(kt_protect(t, 1, RW, gpa, 2), REPS(2));
	ck_assert_uint_eq(kt_stats(t).emulated_pages, 2);
	/* Those that are there already are not counted twice. */
	ck_assert_uint_eq(kt_protect(t, 1, R, gpa, 2), REPS(2));
	ck_assert_uint_eq(kt_protect(t, 1, RW, gpa, 2), REPS(2));
	ck_assert_uint_eq(kt_protect(t, 1, R, gpa + 2, 1), HV_STATUS_INSUFFICIENT_MEMORY);
	ck_assert_uint_eq(rights(t, gpa[2]), RWX);
	/* No access is no emulation. */
	ck_assert_uint_eq(kt_protect(t, 1, 0, gpa, 1), REPS(1));
	ck_assert_uint_eq(kt_stats(t).emulated_pages, 1);
	ck_assert_uint_eq(kt_protect(t, 1, R, gpa + 2, 1), REPS(1));
	ck_assert_uint_eq(kt_stats(t).emulated_pages, 2);
	ck_assert_uint_eq(kt_protect(t, 1, RW, gpa, 1), HV_STATUS_INSUFFICIENT_MEMORY);
	ck_assert_uint_eq(rights(t, gpa[0]), 0);
	ck_assert_uint_eq(kt_protect(t, 1, RWX, gpa, 4), REPS(4));
	ck_assert_uint_eq(kt_stats(t).emulated_pages, 0);
	for (uint32_t i = 0; i < 4; i++)
		kv_check(t, gpa[i]);
	kt_free(t);
}
END_TEST

#define BLOCK_GPA   0x500000u
#define BLOCK_PAGES 8u

/* Pages side by side, each as the table has it, and no other one. */
static void check_block(struct kt *t, const uint32_t *want, uint32_t count)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t given = want[i] == R || want[i] == RW ? want[i] : 0;

		ck_assert_msg(kvm_emulated(t->k, 0, BLOCK_GPA + i * 4096u) == given, "page %u: %#x",
			      i, kvm_emulated(t->k, 0, BLOCK_GPA + i * 4096u));
		if (given == 0)
			kv_check(t, BLOCK_GPA + i * 4096u);
		n += given != 0;
	}
	ck_assert_uint_eq(kt_stats(t).emulated_pages, n);
	ck_assert_uint_eq(kvm_emulated(t->k, 0, BLOCK_GPA - 4096), 0);
	ck_assert_uint_eq(kvm_emulated(t->k, 0, BLOCK_GPA + count * 4096u), 0);
}

/* One question to the table is about many pages. */
START_TEST(pages_side_by_side_are_those_of_the_table)
{
	static const struct {
		uint32_t first, pages, rights;
	} steps[] = { { 0, 8, RW }, { 2, 3, R }, { 3, 1, RWX }, { 4, 4, 0 },
		      { 1, 6, R },  { 7, 1, R }, { 0, 2, RWX }, { 0, 8, RWX } };
	uint32_t want[BLOCK_PAGES];
	struct kt *t = machine(BLOCK_PAGES);

	for (uint32_t i = 0; i < BLOCK_PAGES; i++)
		want[i] = RWX;
	for (uint32_t n = 0; n < VSMTEST_COUNT(steps); n++) {
		uint64_t gpa[BLOCK_PAGES];

		for (uint32_t i = 0; i < steps[n].pages; i++) {
			gpa[i] = BLOCK_GPA + (steps[n].first + i) * 4096ull;
			want[steps[n].first + i] = steps[n].rights;
		}
		ck_assert_uint_eq(kt_protect(t, 1, steps[n].rights, gpa, steps[n].pages),
				  REPS(steps[n].pages));
		check_block(t, want, BLOCK_PAGES);
	}
	kt_free(t);
}
END_TEST

START_TEST(a_default_mask_is_too_many)
{
	struct hv_input_set_vp_registers *in;
	struct hv_register_assoc *reg;
	struct vsm_kvm_options o;
	struct kt *t;

	vsm_kvm_options_init(&o);
	o.emulate_execute = 4;
	t = kt_new(&o);
	kt_enable_vtl1(t);
	kt_switch(t, 0);
	kt_wrmsr(t, 1, HV_X64_MSR_GUEST_OS_ID, 1);
	kt_wrmsr(t, 1, HV_X64_MSR_HYPERCALL, CODE_PAGE1 | 1);
	in = (void *)kt_at(t, INPUT_GPA);
	reg = (void *)(in + 1);
	memset(in, 0, sizeof(*in) + sizeof(*reg));
	in->partition_id = HV_PARTITION_ID_SELF;
	in->vp_index = HV_VP_INDEX_SELF;
	reg->name = HV_REGISTER_VSM_PARTITION_CONFIG;
	reg->value.low = 1 | RW << 1;
	ck_assert_uint_eq(kt_hypercall(t, 1, HVCALL_SET_VP_REGISTERS | REPS(1), INPUT_GPA, 0),
			  HV_STATUS_INSUFFICIENT_MEMORY);
	ck_assert_uint_eq(rights(t, PAGE_GPA), RWX);
	ck_assert_uint_eq(kt_stats(t).emulated_pages, 0);
	kv_check(t, PAGE_GPA);
	/* The VTL that asked goes on. */
	kt_set_hv(t, 1, HV_REGISTER_VSM_PARTITION_CONFIG, 1 | RWX << 1);
	kt_deny(t, PAGE_GPA, RW);
	ck_assert_uint_eq(kt_stats(t).emulated_pages, 1);
	kt_free(t);
}
END_TEST

START_TEST(misuse_is_refused_and_the_report_is_true)
{
	struct vsm_kvm_enforcement e = { .size = sizeof(e) };
	struct vsm_kvm_host host = { .size = sizeof(host) };
	struct vsm_capabilities caps = { .size = sizeof(caps) };
	struct vsm_kvm_options o;
	struct vsm_kvm *k = NULL;
	uint64_t gpa = PAGE_GPA;
	struct kt *t;

	vsm_kvm_options_init(&o);
	ck_assert_uint_eq(o.emulate_execute, 0);
	o.emulate_execute = VSM_KVM_EMULATE_MAX + 1;
	assert_err(vsm_kvm_create(&o, &k), -VSM_ERR_INVAL);
	o.emulate_execute = 1;
	o.reserved = 1;
	assert_err(vsm_kvm_create(&o, &k), -VSM_ERR_INVAL);
	ck_assert_ptr_null(k);

	t = machine(0);
	ck_assert_uint_eq(kt_protect(t, 1, RW, &gpa, 1), HV_STATUS_OPERATION_DENIED);
	ck_assert_uint_eq(kt_protect(t, 1, R, &gpa, 1), HV_STATUS_OPERATION_DENIED);
	assert_err(vsm_capabilities_get(t->vsm, &caps), 0);
	ck_assert_uint_eq(caps.emulated, 0);
	kt_free(t);

	t = machine(VSM_KVM_EMULATE_MAX);
	assert_err(vsm_capabilities_get(t->vsm, &caps), 0);
	ck_assert_uint_eq(caps.emulated, 0x000a);
	ck_assert_uint_eq(caps.enforceable, kt_masks() | 0x000a);
	assert_err(vsm_kvm_enforcement(t->k, VSM_KVM_ENFORCE_AUTO, &e), 0);
	ck_assert_uint_eq(e.emulated, 0x000a);
	ck_assert_uint_eq(e.enforceable, kt_masks() | 0x000a);
	assert_err(vsm_kvm_enforcement(NULL, e.mechanism, &e), 0);
	ck_assert_uint_eq(e.emulated, 0);
	ck_assert_uint_eq(e.enforceable, kt_masks());
	assert_err(vsm_kvm_probe(-1, &host), 0);
	ck_assert_uint_eq(host.emulatable, 0x000a);
	ck_assert_uint_eq(host.enforceable & host.emulatable, 0);
	/* Masks that nobody can enforce stay refused. */
	ck_assert_uint_eq(kt_protect(t, 1, RW | HV_MAP_GPA_KERNEL_EXECUTABLE, &gpa, 1) == REPS(1),
			  0);
	kt_free(t);
}
END_TEST

/* ---- overlays ---- */

/* The page as VTL0 has it. */
static void check_page(struct kt *t, uint64_t want, int emulated)
{
	uint64_t before = kt_stats(t).emulated_accesses;

	kt_long_mode(t, 0, 0);
	kt_set(t, 0, HV_X64_REGISTER_RDI, TARGET);
	KT_CODE(t, 0, 0x48, 0x8b, 0x1f, STOP);
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBX), want);
	ck_assert_uint_eq(kt_stats(t).emulated_accesses - before, (uint64_t)emulated);
}

START_TEST(an_overlay_covers_the_page_and_gives_it_back)
{
	struct kt *t = machine(1);
	uint64_t gpa = PAGE_GPA;

	kt_deny(t, PAGE_GPA, RW);
	kt_switch(t, 1);
	check_page(t, OLD, 1);
	kt_wrmsr(t, 0, HV_X64_MSR_VP_ASSIST_PAGE, PAGE_GPA | 1);
	check_page(t, 0, 0);
	/* A store goes to the overlay. */
	kt_set(t, 0, HV_X64_REGISTER_RDI, TARGET);
	kt_set(t, 0, HV_X64_REGISTER_RBX, VALUE);
	KT_CODE(t, 0, 0x48, 0x89, 0x1f, STOP);
	ck_assert_uint_eq(kt_stop(t), 0);
	check_page(t, VALUE, 0);
	ck_assert_uint_eq(*kt_at(t, TARGET), OLD);
	kt_wrmsr(t, 0, HV_X64_MSR_VP_ASSIST_PAGE, 0);
	check_page(t, OLD, 1);
	/* And when rights change beneath it. */
	kt_wrmsr(t, 0, HV_X64_MSR_VP_ASSIST_PAGE, PAGE_GPA | 1);
	kt_switch(t, 0);
	ck_assert_uint_eq(kt_protect(t, 1, RWX, &gpa, 1), REPS(1));
	ck_assert_uint_eq(kt_protect(t, 1, R, &gpa, 1), REPS(1));
	kt_switch(t, 1);
	kt_wrmsr(t, 0, HV_X64_MSR_VP_ASSIST_PAGE, 0);
	check_page(t, OLD, 1);
	kt_set(t, 0, HV_X64_REGISTER_RDI, TARGET);
	KT_CODE(t, 0, 0xff, 0xe7);
	ck_assert_uint_eq(kt_stop(t), 1);
	check_fetch(t, TARGET, TARGET, 0);
	kt_free(t);
}
END_TEST

/* An overlay that may not be read hides what is emulated beneath it. */
START_TEST(a_hidden_overlay_hides_the_page)
{
	struct vsm_overlay hide = { .gpa = PAGE_GPA, .page = "", .rights = 0 };
	struct vsm_overlay show = { .gpa = PAGE_GPA };
	struct kt *t = machine(1);

	kt_deny(t, PAGE_GPA, RW);
	ck_assert_ptr_nonnull(kvm_sees(t->k, 0, PAGE_GPA, VK_SEES_WRITE));
	ck_assert_ptr_null(kvm_sees(t->k, 0, PAGE_GPA, VK_SEES_CODE));
	assert_err(kvm_op_overlay_map(t->k, &hide, 0), 0);
	ck_assert_ptr_null(kvm_sees(t->k, 0, PAGE_GPA, VK_SEES_READ));
	ck_assert_ptr_null(kvm_sees(t->k, 0, PAGE_GPA + 8, VK_SEES_WRITE));
	assert_err(kvm_op_overlay_map(t->k, &show, 0), 0);
	ck_assert_ptr_nonnull(kvm_sees(t->k, 0, PAGE_GPA, VK_SEES_WRITE));
	kt_free(t);
}
END_TEST

/* When there are no slots for it the pages stay as they were. */
START_TEST(what_cannot_be_done_leaves_no_trace)
{
	uint64_t gpa[] = { PAGE_GPA, 0x500000 };
	struct kt *t = machine(2);
	uint32_t max = t->k->space[0].next.max;

	kt_deny(t, gpa[0], RW);
	t->k->space[0].next.max = t->k->space[0].now.count;
	ck_assert_uint_eq(kt_protect(t, 1, R, gpa, 2), HV_STATUS_INSUFFICIENT_MEMORY);
	ck_assert_uint_eq(kt_stats(t).emulated_pages, 1);
	ck_assert_ptr_nonnull(kvm_sees(t->k, 0, gpa[0], VK_SEES_WRITE));
	ck_assert_ptr_null(kvm_sees(t->k, 0, gpa[0], VK_SEES_CODE));
	ck_assert_ptr_nonnull(kvm_sees(t->k, 0, gpa[1], VK_SEES_CODE));
	kv_check(t, gpa[1]);
	t->k->space[0].next.max = max;
	ck_assert_uint_eq(kt_protect(t, 1, R, gpa, 2), REPS(2));
	ck_assert_uint_eq(kt_stats(t).emulated_pages, 2);
	ck_assert_ptr_null(kvm_sees(t->k, 0, gpa[0], VK_SEES_WRITE));
	ck_assert_ptr_null(kvm_sees(t->k, 0, gpa[1], VK_SEES_CODE));
	kt_free(t);
}
END_TEST

START_TEST(a_page_goes_through_all_rights)
{
	static const uint32_t masks[] = { 0, R, RW, RX, RWX };
	struct kt *t = machine(1);

	for (uint32_t i = 0; i < VSMTEST_COUNT(masks) * VSMTEST_COUNT(masks); i++) {
		uint32_t from = masks[i / VSMTEST_COUNT(masks)];
		uint32_t to = masks[i % VSMTEST_COUNT(masks)];
		int code = to == RX || to == RWX;

		if ((from == RX || to == RX) && !kt_can(t, RX))
			continue;
		kt_deny(t, PAGE_GPA, from);
		kt_deny(t, PAGE_GPA, to);
		ck_assert_int_eq(kvm_sees(t->k, 0, TARGET, VK_SEES_READ) != NULL, to != 0);
		ck_assert_int_eq(kvm_sees(t->k, 0, TARGET, VK_SEES_WRITE) != NULL, (to & 2) != 0);
		ck_assert_int_eq(kvm_sees(t->k, 0, TARGET, VK_SEES_CODE) != NULL, code);
		ck_assert_uint_eq(kt_stats(t).emulated_pages, to == R || to == RW);
		/* KVM itself has nothing to fetch from. */
		if (!code && kt_by_ptes(t))
			ck_assert_int_eq(kv_entries(t, 0, PAGE_GPA), 0);
		ck_assert_int_eq(kvm_layout_find(&t->k->space[0].now, TARGET, 0) != NULL,
				 code || (to == 0 && kt_by_ptes(t)));
	}
	kt_free(t);
}
END_TEST

/* ---- several VPs ---- */

/* Between the load and the store of a locked add somebody else writes. */
START_TEST(a_read_modify_write_that_lost_is_done_again)
{
	/* add %rbx,(%rdi); lock xadd %rbx,(%rdi) */
	static const uint8_t code[2][6] = { { 0x48, 0x01, 0x1f, STOP },
					    { 0xf0, 0x48, 0x0f, 0xc1, 0x1f, 0x90 } };
	static const uint8_t stop[] = { STOP };
	struct kt *t = machine(1);
	struct vk_vcpu *v;
	int mmio;

	kt_deny(t, PAGE_GPA, RW);
	kt_switch(t, 1);
	v = &t->vp->vcpu[0];
	for (uint32_t i = 0; i < 2; i++) {
		kt_long_mode(t, 0, 3);
		kt_set(t, 0, HV_X64_REGISTER_RDI, TARGET);
		kt_set(t, 0, HV_X64_REGISTER_RBX, 5);
		*kt_at(t, TARGET) = 100;
		kt_code(t, 0, code[i], sizeof(code[i]));
		memcpy(t->ram + CODE_GPA + sizeof(code[i]), stop, sizeof(stop));
		assert_err(kvm_enter(t->vp, v), 0);
		ck_assert_uint_eq(v->run->exit_reason, KVM_EXIT_MMIO);
		ck_assert_int_eq(kvm_fault_mmio(t->vp, 0, &mmio), VSM_VERDICT_RESUME);
		ck_assert_int_eq(mmio, 0);
		*kt_at(t, TARGET) = 1000;
		ck_assert_uint_eq(kt_stop(t), 0);
		ck_assert_uint_eq(*kt_at(t, TARGET), 1005);
		ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBX), i == 0 ? 5 : 1000);
		ck_assert_uint_eq(kt_stats(t).emulated_again, i + 1);
	}
	kt_free(t);
}
END_TEST

#define ADDS 0x200u

/* mov $ADDS,%ecx; 1: lock incq (%rdi); dec %ecx; jnz 1b; out %al,$STOP_PORT */
static const uint8_t adds[] = { 0xb9, ADDS & 0xff, ADDS >> 8, 0,    0,	  0xf0, 0x48,
				0xff, 0x07,	   0xff,      0xc9, 0x75, 0xf8, STOP };

START_TEST(locked_adds_of_two_vps_add_up)
{
	struct pair p;

	pair_start_emulating(&p, 1);
	kt_deny(p.t, PAGE_GPA, RW);
	kt_switch(p.t, 1);
	*kt_at(p.t, PAGE_GPA) = 0;
	vp1_start(&p, adds, sizeof(adds));
	kt_long_mode(p.t, 0, 3);
	kt_set(p.t, 0, HV_X64_REGISTER_RDI, PAGE_GPA);
	kt_code(p.t, 0, adds, sizeof(adds));
	ck_assert_uint_eq(kt_stop(p.t), 0);
	pthread_join(p.runner, NULL);
	ck_assert_uint_eq(p.last_kind, VSM_KVM_EXIT_PIO);
	ck_assert_uint_eq(*kt_at(p.t, PAGE_GPA), 2 * ADDS);
	printf("# of %u locked additions %llu were done again\n", 2 * ADDS,
	       (unsigned long long)kt_stats(p.t).emulated_again);
	kt_free(p.t);
}
END_TEST

/* In the page: 1: incq (%rdi), which is another page; jmp 1b */
START_TEST(no_fetch_after_the_right_was_taken)
{
	uint32_t rounds = kv_rounds(400, "times that a VP lost the page that it ran in");
	static const uint8_t jump[] = { 0xff, 0xe6 }; /* jmp *%rsi */
	volatile uint64_t *counter;
	uint64_t gpa = PAGE_GPA, after;
	struct pair p;

	pair_start_emulating(&p, 1);
	counter = kt_at(p.t, OTHER_GPA);
	memcpy(p.t->ram + PAGE_GPA, spin, sizeof(spin));
	for (uint32_t i = 0; i < rounds; i++) {
		*counter = 0;
		atomic_store(&p.stop, 0);
		kt_set(&p.one, 0, HV_X64_REGISTER_RSI, PAGE_GPA);
		kt_set(&p.one, 0, HV_X64_REGISTER_RBP, 0xff);
		memcpy(p.t->ram + SPIN_GPA, jump, sizeof(jump));
		kt_long_mode(&p.one, 0, 3);
		kt_set(&p.one, 0, HV_X64_REGISTER_RDI, OTHER_GPA);
		kt_set(&p.one, 0, HV_X64_REGISTER_RIP, SPIN_GPA);
		ck_assert_int_eq(pthread_create(&p.runner, NULL, vp1_thread, &p), 0);
		p.thread[1] = p.runner;
		for (uint32_t ms = 0; ms < 5000 && *counter == 0; ms++)
			poll(NULL, 0, 1);
		ck_assert_uint_ne(*counter, 0);
		kt_deny(p.t, PAGE_GPA, i % 2 == 0 ? RW : R);
		after = *counter;
		poll(NULL, 0, 1);
		ck_assert_uint_eq(*counter, after);
		pthread_join(p.runner, NULL);
		p.thread[1] = pthread_self();
		/* VTL1 is not enabled on VP 1, so that it got #GP at the page's instruction. */
		ck_assert_uint_eq(p.last_kind, VSM_KVM_EXIT_PIO);
		ck_assert_uint_eq(kt_get(&p.one, 0, HV_X64_REGISTER_RBP), 13);
		ck_assert_uint_eq(*counter, after);
		ck_assert_uint_eq(kt_protect(p.t, 1, RWX, &gpa, 1), REPS(1));
	}
	ck_assert_uint_eq(kt_stats(p.t).emulated_accesses, 0);
	kt_free(p.t);
}
END_TEST

/* A VP counts in the page while its rights go to and fro between emulated and not: none is lost. */
START_TEST(changes_lose_no_access)
{
	/* mov $20000,%ecx; 1: lock incq (%rdi); dec %ecx; jnz 1b; out %al,$STOP_PORT */
	static const uint8_t count[] = { 0xb9, 0x20, 0x4e, 0,	 0,    0xf0, 0x48,
					 0xff, 0x07, 0xff, 0xc9, 0x75, 0xf8, STOP };
	uint64_t gpa = PAGE_GPA;
	struct pair p;

	pair_start_emulating(&p, 1);
	*kt_at(p.t, PAGE_GPA) = 0;
	vp1_start(&p, count, sizeof(count));
	for (uint32_t i = 0; i < 20; i++) {
		kt_deny(p.t, gpa, RW);
		poll(NULL, 0, 1);
		ck_assert_uint_eq(kt_protect(p.t, 1, RWX, &gpa, 1), REPS(1));
	}
	pthread_join(p.runner, NULL);
	ck_assert_uint_eq(p.last_kind, VSM_KVM_EXIT_PIO);
	ck_assert_uint_eq(*kt_at(p.t, PAGE_GPA), 20000);
	kt_free(p.t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(fetches_are_intercepted),
	VSMTEST_CASE(a_fetch_that_reaches_into_the_page),
	VSMTEST_CASE(code_beside_the_page_runs),
	VSMTEST_CASE(vtl1_is_not_affected),
	VSMTEST_CASE(unknown_instructions_end_in_a_defined_way),
	VSMTEST_CASE(unknown_instructions_that_are_denied_are_told),
	VSMTEST_CASE(more_pages_than_that_are_refused),
	VSMTEST_CASE(pages_side_by_side_are_those_of_the_table),
	VSMTEST_CASE(a_default_mask_is_too_many),
	VSMTEST_CASE(misuse_is_refused_and_the_report_is_true),
	VSMTEST_CASE(an_overlay_covers_the_page_and_gives_it_back),
	VSMTEST_CASE(a_hidden_overlay_hides_the_page),
	VSMTEST_CASE(what_cannot_be_done_leaves_no_trace),
	VSMTEST_CASE(a_page_goes_through_all_rights),
	VSMTEST_CASE(a_read_modify_write_that_lost_is_done_again),
	VSMTEST_CASE(locked_adds_of_two_vps_add_up),
	VSMTEST_CASE(no_fetch_after_the_right_was_taken),
	VSMTEST_CASE(changes_lose_no_access),
};

int main(void)
{
	return kt_main("kvm_emulate_exec", cases, VSMTEST_COUNT(cases));
}
