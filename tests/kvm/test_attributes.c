/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rights by memory attributes of KVM, on simulated kernels (simkvm.h): which of them are taken, and
 * what they then enforce.
 */
#include "kvmtest_hot.h"
#include "kvmtest_region.h"
#include "simkvm.h"

#define R      HV_MAP_GPA_READABLE
#define FIRST  0x700000u /* Pages of their own. */
#define MASKS  0xa00bu
#define DENIED "does not enforce them: "

static void play(const char *kernel)
{
	if (kernel == NULL)
		unsetenv("VSM_SIM_KVM");
	else
		setenv("VSM_SIM_KVM", kernel, 1);
	simkvm_fail(0, 0, 0);
}

static const uint32_t masks[] = { NONE, R, RW, R_X, RWX };

/* What a page of VTL0 has. */
static uint32_t value_at(struct kt *t, uint64_t gpa)
{
	return simkvm_value(t->k->space[0].vm_fd, gpa);
}

/* The value for a mask where bits take rights away. */
static uint32_t value_of(uint32_t rights)
{
	uint32_t x = (rights & HV_MAP_GPA_EXECUTABLE) != 0 ? 4 : 0;

	return ~((rights & 3) | x) & 7;
}

/* ---- which kernels it is there on ---- */

/* Whatever the mechanism: VTL0 is denied a page and VTL1 told. */
static void check_denies(const char *kernel, int takes_it)
{
	struct kt *t = kt_new(NULL);
	struct hv_message message;

	ck_assert_msg(kt_uses(t, VSM_KVM_ENFORCE_ATTRIBUTES) == takes_it, "%s: %s", kernel,
		      t->k->mechanism->name);
	kt_vtl1(t);
	kt_deny(t, PAGE_GPA, NONE);
	kt_switch(t, 1);
	start(t, 0, 3, load_rbx, PAGE_GPA);
	ck_assert_uint_eq(kt_stop(t), 1);
	message = kt_intercept(t);
	ck_assert_uint_eq(message.header.message_type, HVMSG_GPA_INTERCEPT);
	kt_free(t);
}

START_TEST(only_what_was_seen_to_work_is_taken)
{
	static const struct {
		const char *kernel, *missing;
	} rows[] = {
		{ "deny", NULL },
		{ "allow", NULL },
		{ "allow3", "not each of the masks" },
		{ "nothing", DENIED "nothing is denied" },
		{ "nofetch", DENIED "fetches are not denied" },
		{ "emulator", DENIED "its emulator" },
		{ "leaky", DENIED "reads or writes" },
		{ "invalid", DENIED "nothing is denied" },
	};
	struct vsm_kvm_enforcement e = { .size = sizeof(e) };
	struct vsm_kvm_host host = { .size = sizeof(host) };
	struct vsm_kvm_options o;
	struct vsm_kvm *k = NULL;

	vsm_kvm_options_init(&o);
	o.enforce = VSM_KVM_ENFORCE_ATTRIBUTES;
	for (uint32_t i = 0; i < VSMTEST_COUNT(rows); i++) {
		int works = rows[i].missing == NULL;

		play(rows[i].kernel);
		assert_err(vsm_kvm_enforcement(NULL, VSM_KVM_ENFORCE_ATTRIBUTES, &e), 0);
		ck_assert_str_eq(e.name, "attributes");
		ck_assert_uint_eq(e.enforceable, MASKS);
		ck_assert_msg(works ? e.missing == NULL :
				      e.missing != NULL && strstr(e.missing, rows[i].missing),
			      "%s: %s", rows[i].kernel, e.missing);
		assert_err(vsm_kvm_probe(-1, &host), 0);
		ck_assert_uint_ne(host.flags & VSM_KVM_HAS_RWX_ATTRIBUTES, 0);
		ck_assert_int_eq((int)(host.mechanisms >> VSM_KVM_ENFORCE_ATTRIBUTES & 1), works);
		ck_assert_uint_eq(host.enforceable, works ? MASKS : 0xa001);
		ck_assert_uint_eq(host.emulatable, 0xa);
		assert_err(vsm_kvm_create(&o, &k), works ? 0 : -VSM_ERR_NOSUP);
		if (works) {
			assert_err(vsm_kvm_enforcement(k, VSM_KVM_ENFORCE_AUTO, &e), 0);
			ck_assert_uint_eq(e.available, 1);
			vsm_kvm_destroy(k);
		}
		check_denies(rows[i].kernel, works);
	}
}
END_TEST

START_TEST(a_kernel_without_them)
{
	struct vsm_kvm_enforcement e = { .size = sizeof(e) };
	struct vsm_kvm_host host = { .size = sizeof(host) };

	play(NULL);
	assert_err(vsm_kvm_probe(-1, &host), 0);
	if ((host.flags & VSM_KVM_HAS_RWX_ATTRIBUTES) != 0) {
		printf("# this KVM has them\n");
		return;
	}
	assert_err(vsm_kvm_enforcement(NULL, VSM_KVM_ENFORCE_ATTRIBUTES, &e), 0);
	ck_assert_uint_eq(e.available, 0);
	ck_assert_ptr_nonnull(strstr(e.missing, "no released Linux has"));
	check_denies("real", 0);
}
END_TEST

/* ---- what is enforced ---- */

struct access {
	uint8_t code[5], type;
	uint32_t needs;
};

static const struct access accesses[] = {
	{ { 0x48, 0x8b, 0x1f, STOP }, HV_INTERCEPT_ACCESS_READ, R },
	{ { 0x48, 0x89, 0x1f, STOP }, HV_INTERCEPT_ACCESS_WRITE, HV_MAP_GPA_WRITABLE },
	{ { 0xff, 0xe7 }, HV_INTERCEPT_ACCESS_EXECUTE, HV_MAP_GPA_EXECUTABLE }, /* jmp *%rdi */
};

#define AT (FIRST + 0x120)

/* One more than the library takes for a grant that is on its way. */
#define ENDLESS 1001u

/* VTL1 was told of exactly this. A store that KVM has retired has RIP behind it. */
static void check_intercept(struct kt *t, const struct access *a, uint32_t cpl)
{
	struct hv_message message = kt_intercept(t);
	const struct hv_x64_memory_intercept_message *m = (const void *)message.payload;
	int fetch = a->type == HV_INTERCEPT_ACCESS_EXECUTE;
	int held = t->vp->vcpu[0].store.count != 0;

	ck_assert_uint_eq(message.header.message_type, HVMSG_GPA_INTERCEPT);
	ck_assert_uint_eq(m->header.intercept_access_type, a->type);
	ck_assert_uint_eq(m->guest_physical_address, AT);
	ck_assert_uint_eq(m->header.rip, fetch ? AT : held ? CODE_GPA + 3u : CODE_GPA);
	ck_assert(!held || cpl == 0);
}

/* VTL1 runs before and after it. */
static void try_access(struct kt *t, const struct access *a, uint32_t cpl, uint32_t mask)
{
	static const uint8_t stop[8] = { STOP };
	int allowed = (mask & a->needs) != 0;
	uint64_t gpa = FIRST, before;

	memcpy(t->ram + AT, stop, sizeof(stop));
	before = *kt_at(t, AT);
	kt_deny(t, gpa, mask);
	kt_switch(t, 1);
	start(t, 0, cpl, a->code, AT);
	if (!allowed) {
		ck_assert_uint_eq(kt_stop(t), 1);
		check_intercept(t, a, cpl);
		ck_assert_uint_eq(*kt_at(t, AT), before);
		ck_assert_uint_eq(kt_protect(t, 1, RWX, &gpa, 1), REPS(1));
		ck_assert_uint_eq(kt_resume(t), 0);
	} else {
		ck_assert_uint_eq(kt_stop(t), 0);
	}
	if (a->type == HV_INTERCEPT_ACCESS_EXECUTE)
		ck_assert_uint_eq(t->exit.rip, AT + 2);
	else
		ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBX), *kt_at(t, AT));
	ck_assert_int_eq(*kt_at(t, AT) != before, a->type == HV_INTERCEPT_ACCESS_WRITE);
	kt_long_mode(t, 0, 0);
	kt_switch(t, 0);
}

static void each_mask(const char *kernel)
{
	struct kt *t;

	play(kernel);
	t = kt_new(NULL);
	kt_vtl1(t);
	for (uint32_t m = 0; m < VSMTEST_COUNT(masks); m++) {
		for (uint32_t i = 0; i < 2 * VSMTEST_COUNT(accesses); i++)
			try_access(t, &accesses[i / 2], i % 2 * 3, masks[m]);
	}
	kt_free(t);
}

START_TEST(each_mask_is_enforced_where_bits_deny)
{
	each_mask("deny");
}
END_TEST

START_TEST(each_mask_is_enforced_where_bits_allow)
{
	each_mask("allow");
}
END_TEST

/* From each mask to each other one. */
START_TEST(rights_go_from_any_to_any)
{
	struct kt *t;

	play("deny");
	t = kt_new(NULL);
	kt_vtl1(t);
	for (uint32_t i = 0; i < 25; i++) {
		uint32_t step[] = { masks[i / 5], masks[i % 5] };

		for (uint32_t n = 0; n < 2; n++) {
			uint64_t gpa = FIRST + i * 0x2000ull;

			kt_deny(t, gpa, step[n]);
			ck_assert_uint_eq(value_at(t, gpa), value_of(step[n]));
			ck_assert_uint_eq(kvm_pte_rights(kvm_pte(&t->k->range[0], 0, gpa / 4096)),
					  step[n]);
			ck_assert_int_eq(kvm_sees(t->k, 0, gpa, VK_SEES_READ) != NULL,
					 (step[n] & R) != 0);
			ck_assert_int_eq(kvm_sees(t->k, 0, gpa, VK_SEES_WRITE) != NULL,
					 (step[n] & HV_MAP_GPA_WRITABLE) != 0);
			ck_assert_int_eq(kvm_sees(t->k, 0, gpa, VK_SEES_CODE) != NULL,
					 (step[n] & HV_MAP_GPA_EXECUTABLE) != 0);
			ck_assert_uint_eq(value_at(t, gpa + 4096), 0);
			ck_assert_uint_eq(simkvm_value(t->k->space[1].vm_fd, gpa), 0);
		}
	}
	kt_free(t);
}
END_TEST

/* A run of pages is one call. */
START_TEST(runs_are_set_at_once)
{
	uint64_t gpa[64];
	struct kt *t;

	play("deny");
	t = kt_new(NULL);
	kt_vtl1(t);
	for (uint32_t i = 0; i < 64; i++)
		gpa[i] = FIRST + i * 4096ull;
	simkvm_fail(0, 0, 0);
	ck_assert_uint_eq(kt_protect(t, 1, R, gpa, 64), REPS(64));
	ck_assert_uint_eq(simkvm_calls(), 1);
	ck_assert_uint_eq(kt_protect(t, 1, R, gpa, 64), REPS(64));
	ck_assert_uint_eq(simkvm_calls(), 1);
	kt_free(t);
}
END_TEST

START_TEST(nothing_needs_to_be_emulated)
{
	struct vsm_capabilities caps = { .size = sizeof(caps) };
	struct vsm_kvm_options o;
	uint64_t gpa[16];
	struct kt *t;

	play("deny");
	vsm_kvm_options_init(&o);
	o.emulate_execute = 1;
	t = kt_new(&o);
	kt_vtl1(t);
	assert_err(vsm_capabilities_get(t->vsm, &caps), 0);
	ck_assert_uint_eq(caps.emulated, 0);
	ck_assert_uint_eq(caps.enforceable, MASKS);
	for (uint32_t i = 0; i < 16; i++)
		gpa[i] = FIRST + i * 4096ull;
	ck_assert_uint_eq(kt_protect(t, 1, R, gpa, 16), REPS(16));
	ck_assert_uint_eq(kt_stats(t).emulated_pages, 0);
	kt_free(t);
}
END_TEST

/* ---- overlays ---- */

/* A byte of the page at CPL 3. @return the VTL that runs after it. */
static uint32_t load(struct kt *t, uint64_t gpa)
{
	start(t, 0, 3, load_rbx, gpa);
	return kt_stop(t);
}

static void set_page(struct kt *t, uint64_t value, uint64_t vector)
{
	kt_long_mode(t, 0, 0);
	kt_wrmsr(t, 0, HV_X64_MSR_HYPERCALL, value);
	ck_assert_uint_eq(kt_vector(t, 0), vector);
}

/* VTL0 runs; its hypercall page is at CODE_PAGE0. */
static struct kt *denied(uint32_t mask)
{
	struct kt *t;

	play("deny");
	t = kt_new(NULL);
	kt_vtl1(t);
	kt_deny(t, PAGE_GPA, mask);
	kt_switch(t, 1);
	return t;
}

START_TEST(an_overlay_has_rights_of_its_own)
{
	for (uint32_t i = 0; i < VSMTEST_COUNT(masks); i++) {
		struct kt *t = denied(masks[i]);
		uint32_t own = value_of(masks[i]);

		set_page(t, PAGE_GPA | 1, 0xff);
		ck_assert_uint_eq(value_at(t, PAGE_GPA), 0);
		ck_assert_uint_eq(load(t, PAGE_GPA), 0);
		ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBX),
				  *(uint64_t *)(void *)kt_view(t, 0, PAGE_GPA));
		/* It may not be written, and that is its slot's doing. */
		start(t, 0, 0, store_rbx, PAGE_GPA);
		kt_set(t, 0, HV_X64_REGISTER_RBP, 0xff);
		ck_assert_uint_eq(kt_stop(t), 0);
		ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBP), 13);
		/* Rights of the page beneath wait. */
		set_page(t, CODE_PAGE0 | 1, 0xff);
		ck_assert_uint_eq(value_at(t, PAGE_GPA), own);
		ck_assert_uint_eq(value_at(t, CODE_PAGE0), 0);
		ck_assert_uint_eq(load(t, PAGE_GPA), (masks[i] & R) == 0);
		kt_free(t);
	}
}
END_TEST

START_TEST(rights_beneath_an_overlay_wait)
{
	uint64_t gpa[] = { PAGE_GPA - 4096, PAGE_GPA, PAGE_GPA + 4096 };
	struct kt *t = denied(RWX);

	set_page(t, PAGE_GPA | 1, 0xff);
	kt_switch(t, 0);
	ck_assert_uint_eq(kt_protect(t, 1, NONE, gpa, 3), REPS(3));
	kt_deny(t, CODE_PAGE0, R);
	ck_assert_uint_eq(value_at(t, gpa[0]), 7);
	ck_assert_uint_eq(value_at(t, gpa[1]), 0);
	ck_assert_uint_eq(value_at(t, gpa[2]), 7);
	ck_assert_uint_eq(value_at(t, CODE_PAGE0), value_of(R));
	kt_switch(t, 1);
	set_page(t, CODE_PAGE0 | 1, 0xff);
	ck_assert_uint_eq(value_at(t, PAGE_GPA), 7);
	ck_assert_uint_eq(value_at(t, CODE_PAGE0), 0);
	ck_assert_uint_eq(load(t, PAGE_GPA), 1);
	kt_free(t);
}
END_TEST

/* All is as it was before. */
static void overlay_fails(uint32_t mask)
{
	struct kt *t = denied(mask);
	struct vk_space *space = &t->k->space[0];
	const uint8_t *ram = t->k->range[0].host + PAGE_GPA;
	uint32_t own = value_of(mask), max = space->now.max;

	/* There is no slot: no right was given before it. */
	space->now.max = space->next.max = space->now.count;
	simkvm_fail(0, 0, 0);
	set_page(t, PAGE_GPA | 1, 13);
	ck_assert_uint_eq(simkvm_calls(), 0);
	ck_assert_uint_eq(value_at(t, PAGE_GPA), own);
	ck_assert_uint_eq(kvm_pte_rights(kvm_pte(&t->k->range[0], 0, PAGE_GPA / 4096)), mask);
	space->now.max = space->next.max = max;
	/* The slot is there, and gone again as it gets no rights. */
	simkvm_fail(1, 1, ENOMEM);
	set_page(t, PAGE_GPA | 1, 13);
	ck_assert_uint_eq(value_at(t, PAGE_GPA), own);
	ck_assert_uint_eq(kt_rdmsr(t, 0, HV_X64_MSR_HYPERCALL), CODE_PAGE0 | 1);
	/* Away from there: what is beneath cannot be restricted. */
	set_page(t, PAGE_GPA | 1, 0xff);
	simkvm_fail(1, 1, ENOMEM);
	set_page(t, 0, 13);
	ck_assert_uint_eq(value_at(t, PAGE_GPA), 0);
	ck_assert_ptr_nonnull(kvm_sees(t->k, 0, PAGE_GPA, VK_SEES_READ));
	ck_assert_ptr_ne(kvm_sees(t->k, 0, PAGE_GPA, VK_SEES_READ), ram);
	simkvm_fail(0, 0, 0);
	set_page(t, 0, 0xff);
	ck_assert_uint_eq(simkvm_calls(), 1);
	ck_assert_uint_eq(value_at(t, PAGE_GPA), own);
	ck_assert_uint_eq(load(t, PAGE_GPA), (mask & R) == 0);
	kt_free(t);
}

START_TEST(an_overlay_that_fails_changes_nothing)
{
	for (uint32_t i = 0; masks[i] != RWX; i++)
		overlay_fails(masks[i]);
}
END_TEST

START_TEST(an_overlay_that_cannot_go_back_is_told)
{
	struct kt *t = denied(NONE);
	uint8_t *page = t->k->arena;
	struct vsm_overlay show = { .gpa = PAGE_GPA, .page = page, .rights = R };

	simkvm_fail(1, 2, ENOMEM);
	assert_err(kvm_op_overlay_map(t->k, &show, 0), -VSM_ERR_STATE);
	/* Nothing is told of it to the VP, and nothing was given. */
	simkvm_fail(0, 0, 0);
	ck_assert_uint_eq(value_at(t, PAGE_GPA), value_of(NONE));
	ck_assert_uint_eq(load(t, PAGE_GPA), 1);
	kt_free(t);
}
END_TEST

/* ---- RAM that comes later ---- */

START_TEST(new_ram_has_the_default_mask)
{
	for (uint32_t i = 0; i < VSMTEST_COUNT(masks); i++) {
		struct hot h;

		play("deny");
		h = protecting(masks[i]);
		*hot_at(&h, TARGET) = SECRET;
		kt_switch(h.t, 1);
		assert_err(hot_add(&h), 0);
		for (uint32_t n = 0; n < HOT_PAGES; n++)
			ck_assert_uint_eq(value_at(h.t, HOT_GPA + n * 4096ull), value_of(masks[i]));
		ck_assert_uint_eq(load(h.t, TARGET), (masks[i] & R) == 0);
		hot_free(&h);
	}
}
END_TEST

/* Its GPAs are as they were, so that it can be offered again. */
START_TEST(ram_that_is_taken_back_leaves_no_attributes)
{
	struct vsm_protmap *map;
	struct state before;
	struct hot h;
	uint64_t max;

	play("deny");
	h = protecting(NONE);
	map = h.t->vsm->map;
	before = state_of(&h);
	max = map->max_bytes;
	map->max_bytes = vsm_protmap_bytes(map);
	simkvm_fail(0, 0, 0);
	assert_err(hot_add(&h), -VSM_ERR_NOMEM);
	ck_assert_uint_eq(simkvm_calls(), 2); /* there and back */
	check_state(&h, &before, "no room", 0);
	for (uint32_t n = 0; n < HOT_PAGES; n++)
		ck_assert_uint_eq(value_at(h.t, HOT_GPA + n * 4096ull), 0);
	simkvm_fail(1, 1, ENOMEM);
	assert_err(hot_add(&h), -VSM_ERR_NOMEM);
	check_state(&h, &before, "attributes", 0);
	for (uint32_t n = 0; n < HOT_PAGES; n++)
		ck_assert_uint_eq(value_at(h.t, HOT_GPA + n * 4096ull), 0);
	map->max_bytes = max;
	assert_err(hot_add(&h), 0);
	hot_free(&h);

	/* What KVM does not take back is said. */
	h = protecting(NONE);
	h.t->vsm->map->max_bytes = vsm_protmap_bytes(h.t->vsm->map);
	simkvm_fail(2, 1, ENOMEM);
	assert_err(hot_add(&h), -VSM_ERR_STATE);
	hot_free(&h);
}
END_TEST

/* ---- huge pages that entries could not divide ---- */

START_TEST(pages_of_hugetlbfs_are_protected_one_by_one)
{
	uint64_t gpa = HUGE_GPA + 0x5000;
	uint32_t slots;
	struct kt *t;
	int fd;

	play("deny");
	fd = kr_hugetlb("attributes of pages of hugetlbfs", 2);
	if (fd < 0)
		return;
	t = kt_bare(NULL);
	kr_add(t, fd, 2);
	kt_start(t);
	kt_vtl1(t);
	slots = t->k->space[0].now.count;
	for (uint32_t i = 0; i < 2 * VSMTEST_COUNT(masks); i++) {
		uint32_t mask = masks[i / 2], cpl = i % 2 * 3;

		kt_deny(t, gpa, mask);
		ck_assert_uint_eq(value_at(t, gpa), value_of(mask));
		ck_assert_uint_eq(t->k->space[0].now.count, slots);
		kt_switch(t, 1);
		start(t, 0, cpl, load_rbx, gpa - 4096);
		ck_assert_uint_eq(kt_stop(t), 0);
		start(t, 0, cpl, store_rbx, gpa + 4096);
		ck_assert_uint_eq(kt_stop(t), 0);
		start(t, 0, cpl, load_rbx, gpa + 8);
		ck_assert_uint_eq(kt_stop(t), (mask & R) == 0);
		if ((mask & R) == 0) {
			struct hv_message message = kt_intercept(t);
			const struct hv_x64_memory_intercept_message *m =
				(const void *)message.payload;

			ck_assert_uint_eq(m->guest_physical_address, gpa + 8);
			ck_assert_uint_eq(kt_protect(t, 1, RWX, &gpa, 1), REPS(1));
			ck_assert_uint_eq(kt_resume(t), 0);
		}
		ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBX), 0x5000);
		kt_long_mode(t, 0, 0);
		kt_switch(t, 0);
	}
	kt_free(t);
	close(fd);
}
END_TEST

/* ---- failures ---- */

#define SOME 12u

static void snapshot(struct kt *t, uint32_t *values)
{
	uint32_t rights;

	for (uint32_t i = 0; i < 2 * SOME; i++) {
		uint64_t gpa = FIRST + i * 4096ull;

		assert_err(vsm_gpa_rights(t->vsm, 0, gpa, &rights), 0);
		values[i] = value_at(t, gpa);
		ck_assert_uint_eq(values[i], value_of(rights));
		ck_assert_uint_eq(kvm_pte(&t->k->range[0], 0, gpa / 4096) & VK_PTE_CHANGED, 0);
	}
}

/* The n-th call fails: table and enforcement are what they were, and no rep is done. */
START_TEST(a_call_that_fails_changes_nothing)
{
	static const int errors[] = { EINVAL, ENOMEM };
	uint32_t before[2 * SOME], after[2 * SOME];
	uint64_t gpa[SOME];
	struct kt *t;

	play("deny");
	t = kt_new(NULL);
	kt_vtl1(t);
	for (uint32_t i = 0; i < SOME; i++) {
		gpa[i] = FIRST + i * 0x2000ull;
		kt_deny(t, gpa[i], masks[i % 5]);
	}
	for (uint32_t n = 1; n <= 2 * SOME; n++) {
		uint32_t failed = 0;
		uint64_t status;

		snapshot(t, before);
		simkvm_fail(n / 2 + 1, 1, errors[n % 2]);
		status = kt_protect(t, 1, n % 2 ? R : RW, gpa, SOME);
		failed = simkvm_calls() >= n / 2 + 1;
		simkvm_fail(0, 0, 0);
		snapshot(t, after);
		if (!failed) {
			ck_assert_uint_eq(status, REPS(SOME));
			continue;
		}
		ck_assert_uint_ne(status & 0xffff, HV_STATUS_SUCCESS);
		ck_assert_uint_eq(status >> 32 & 0xfff, 0);
		ck_assert_mem_eq(before, after, sizeof(before));
	}
	ck_assert_uint_eq(kt_protect(t, 1, RW, gpa, SOME), REPS(SOME));
	snapshot(t, after);
	kt_free(t);
}
END_TEST

/* ---- exits that nothing explains ---- */

START_TEST(faults_that_nothing_explains_end_in_the_vmm)
{
	uint64_t native;
	struct kt *t;

	play("deny");
	t = kt_new(NULL);
	kt_vtl1(t);
	kt_switch(t, 1);
	native = kt_stats(t).native_faults;
	/* Where no RAM is. */
	start(t, 0, 3, load_rbx, FIRST);
	simkvm_fault(RAM_SIZE + 0x3000, UINT32_MAX);
	ck_assert_uint_eq(kt_run(t), VSM_KVM_EXIT_UNKNOWN);
	ck_assert_uint_eq(t->exit.reason, VK_EXIT_MEMORY_FAULT);
	ck_assert_uint_eq(t->exit.address, RAM_SIZE + 0x3000);
	ck_assert_uint_eq(t->exit.rip, CODE_GPA);
	ck_assert_uint_eq(kt_stats(t).native_faults, native);
	/* At a page that may be used, over and over: a user program cannot stop the machine. */
	simkvm_fault(FIRST, ENDLESS);
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBP), 6);
	ck_assert_uint_ge(kt_stats(t).native_faults, native + 2);
	start(t, 0, 0, load_rbx, FIRST);
	simkvm_fault(FIRST, UINT32_MAX);
	ck_assert_uint_eq(kt_run(t), VSM_KVM_EXIT_EMULATION);
	ck_assert_uint_eq(t->exit.rip, CODE_GPA);
	simkvm_fault(0, 0);
	ck_assert_uint_eq(kt_stop(t), 0);
	kt_free(t);
}
END_TEST

/* The processor sets bits in page tables by itself. No instruction tells of it. */
START_TEST(a_store_of_no_instruction)
{
	struct hv_message message;
	const struct hv_x64_memory_intercept_message *m = (const void *)message.payload;
	uint64_t gpa = FIRST;
	struct kt *t;

	for (uint32_t i = 0; i < VSMTEST_COUNT(masks); i++) {
		play("deny");
		t = kt_new(NULL);
		kt_vtl1(t);
		kt_deny(t, FIRST, masks[i]);
		kt_switch(t, 1);
		start(t, 0, 3, load_rbx, PAGE_GPA);
		simkvm_fault(FIRST, (masks[i] & HV_MAP_GPA_WRITABLE) != 0 ? ENDLESS : 1);
		if ((masks[i] & HV_MAP_GPA_WRITABLE) != 0) {
			ck_assert_uint_eq(kt_stop(t), 0);
			ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBP), 6);
			kt_free(t);
			continue;
		}
		ck_assert_uint_eq(kt_stop(t), 1);
		message = kt_intercept(t);
		ck_assert_uint_eq(m->guest_physical_address, FIRST);
		ck_assert_uint_eq(m->header.rip, CODE_GPA);
		ck_assert_uint_eq(m->header.intercept_access_type,
				  (masks[i] & R) != 0 ? HV_INTERCEPT_ACCESS_WRITE :
							HV_INTERCEPT_ACCESS_READ);
		ck_assert_uint_eq(kt_protect(t, 1, RWX, &gpa, 1), REPS(1));
		ck_assert_uint_eq(kt_resume(t), 0);
		kt_free(t);
	}
}
END_TEST

/* TILELOADD, of which nothing is known here, reaches from an executable page into another. */
START_TEST(a_fetch_of_an_unknown_instruction)
{
	static const uint8_t tile[] = { 0xc4, 0xe2, 0x7b, 0x4b, 0x04, 0x20 };
	static const uint32_t without_x[] = { R, R | HV_MAP_GPA_WRITABLE };
	struct hv_message message;
	const struct hv_x64_memory_intercept_message *m = (const void *)message.payload;

	for (uint32_t i = 0; i < VSMTEST_COUNT(without_x); i++) {
		struct kt *t;

		play("deny");
		t = kt_new(NULL);
		kt_vtl1(t);
		memcpy(t->ram + FIRST - 5, tile, sizeof(tile));
		kt_deny(t, FIRST, without_x[i]);
		kt_switch(t, 1);
		start(t, 0, 3, load_rbx, PAGE_GPA);
		kt_set(t, 0, HV_X64_REGISTER_RIP, FIRST - 5);
		simkvm_fault(FIRST, 1);
		ck_assert_uint_eq(kt_stop(t), 1);
		message = kt_intercept(t);
		ck_assert_uint_eq(m->header.intercept_access_type, HV_INTERCEPT_ACCESS_EXECUTE);
		ck_assert_uint_eq(m->guest_physical_address, FIRST);
		ck_assert_uint_eq(m->header.rip, FIRST - 5);
		kt_free(t);
	}
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(only_what_was_seen_to_work_is_taken),
	VSMTEST_CASE(a_kernel_without_them),
	VSMTEST_CASE(each_mask_is_enforced_where_bits_deny),
	VSMTEST_CASE(each_mask_is_enforced_where_bits_allow),
	VSMTEST_CASE(rights_go_from_any_to_any),
	VSMTEST_CASE(runs_are_set_at_once),
	VSMTEST_CASE(nothing_needs_to_be_emulated),
	VSMTEST_CASE(an_overlay_has_rights_of_its_own),
	VSMTEST_CASE(rights_beneath_an_overlay_wait),
	VSMTEST_CASE(an_overlay_that_fails_changes_nothing),
	VSMTEST_CASE(an_overlay_that_cannot_go_back_is_told),
	VSMTEST_CASE(new_ram_has_the_default_mask),
	VSMTEST_CASE(ram_that_is_taken_back_leaves_no_attributes),
	VSMTEST_CASE(pages_of_hugetlbfs_are_protected_one_by_one),
	VSMTEST_CASE(a_call_that_fails_changes_nothing),
	VSMTEST_CASE(faults_that_nothing_explains_end_in_the_vmm),
	VSMTEST_CASE(a_store_of_no_instruction),
	VSMTEST_CASE(a_fetch_of_an_unknown_instruction),
};

int main(void)
{
	unsetenv("VSM_TEST_ENFORCE");
	return kt_main("kvm_attributes", cases, VSMTEST_COUNT(cases));
}
