/* SPDX-License-Identifier: BSD-3-Clause */
/* RAM that is added to a machine that runs: it is there for every VTL at once, with the rights of
 * the default mask; what is refused or fails leaves nothing. */
#include "kvmtest_faults.h"
#include "kvmtest_hot.h"

/* ---- it is there ---- */

START_TEST(new_ram_is_there_for_every_vtl)
{
	struct hot h = protecting(RWX);
	uint64_t value = 0;

	check_no_ram(&h);
	assert_err(hot_add(&h), 0);
	check_rights(&h, 0, HOT_PAGES, RWX);
	check_use(&h, 1, 0, TARGET);
	kt_switch(h.t, 1);
	check_use(&h, 0, 3, TARGET);
	check_use(&h, 0, 0, HOT_GPA + HOT_SIZE - 8);
	/* And for devices, and for whoever asks the library. */
	assert_err(vsm_gpa_read(h.t->vsm, VSM_VP_DMA, 0, TARGET, &value, 8), 0);
	ck_assert_uint_eq(value, ~VALUE);
	assert_err(vsm_gpa_write(h.t->vsm, VSM_VP_DMA, 0, TARGET, &(uint64_t){ SECRET }, 8), 0);
	ck_assert_uint_eq(*hot_at(&h, TARGET), SECRET);
	hot_free(&h);
}
END_TEST

/* An access that began before is a device's to answer, the next one finds RAM. */
START_TEST(an_exit_from_before_is_answered_as_before)
{
	struct hot h = { .t = kt_new(NULL) };

	for (uint32_t cpl = 0; cpl <= 3; cpl += 3) {
		h = hot_new(cpl == 0 ? h.t : kt_new(NULL));
		*hot_at(&h, TARGET) = SECRET;
		start(h.t, 0, cpl, load_rbx, TARGET);
		ck_assert_uint_eq(kt_run(h.t), VSM_KVM_EXIT_MMIO);
		ck_assert_uint_eq(h.t->exit.address, TARGET);
		assert_err(hot_add(&h), 0);
		memset(h.t->exit.data, 0x77, 8);
		ck_assert_uint_eq(kt_stop(h.t), 0);
		ck_assert_uint_eq(kt_get(h.t, 0, HV_X64_REGISTER_RBX), 0x7777777777777777ull);
		start(h.t, 0, cpl, load_rbx, TARGET);
		ck_assert_uint_eq(kt_stop(h.t), 0);
		ck_assert_uint_eq(kt_get(h.t, 0, HV_X64_REGISTER_RBX), SECRET);
		hot_free(&h);
	}
}
END_TEST

/* Input and output of hypercalls may lie there: the op gpa_read finds it. */
START_TEST(hypercalls_take_it)
{
	struct hot h = protecting(RWX);
	struct hv_input_modify_vtl_protection_mask *in;
	uint64_t gpa = TARGET & ~4095ull;

	assert_err(hot_add(&h), 0);
	in = (void *)hot_at(&h, HOT_GPA);
	in->target_partition_id = HV_PARTITION_ID_SELF;
	in->map_flags = NONE;
	*hot_at(&h, HOT_GPA + sizeof(*in)) = gpa / 4096;
	ck_assert_uint_eq(kt_hypercall(h.t, 1, HVCALL_MODIFY_VTL_PROTECTION_MASK | REPS(1), HOT_GPA,
				       0),
			  REPS(1));
	check_rights(&h, 2, 1, NONE);
	check_rights(&h, 3, 1, RWX);
	hot_free(&h);
}
END_TEST

/* ---- rights ---- */

static void default_holds(uint32_t mask, uint32_t cpl, int is_store)
{
	struct hot h = protecting(mask);
	struct kt *t = h.t;
	uint64_t gpa = TARGET & ~4095ull;
	const struct hv_x64_memory_intercept_message *m;
	struct hv_message message;

	*hot_at(&h, TARGET) = SECRET;
	kt_switch(t, 1);
	assert_err(hot_add(&h), 0);
	check_rights(&h, 0, HOT_PAGES, mask);
	start(t, 0, cpl, is_store ? store_rbx : load_rbx, TARGET);
	if (mask == R_X && !is_store) {
		ck_assert_uint_eq(kt_stop(t), 0);
		ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBX), SECRET);
		hot_free(&h);
		return;
	}
	ck_assert_uint_eq(kt_stop(t), 1);
	message = kt_intercept(t);
	m = (const void *)message.payload;
	ck_assert_uint_eq(message.header.message_type, HVMSG_GPA_INTERCEPT);
	ck_assert_uint_eq(m->guest_physical_address, TARGET);
	ck_assert_uint_eq(m->header.intercept_access_type,
			  is_store ? HV_INTERCEPT_ACCESS_WRITE : HV_INTERCEPT_ACCESS_READ);
	ck_assert_uint_eq(t->saved[3], VALUE);
	ck_assert_uint_eq(*hot_at(&h, TARGET), SECRET);
	check_use(&h, 1, 0, TARGET + 8);
	/* Granted, it is done. */
	ck_assert_uint_eq(kt_protect(t, 1, RWX, &gpa, 1), REPS(1));
	check_rights(&h, 2, 1, RWX);
	check_rights(&h, 3, 1, mask);
	ck_assert_uint_eq(kt_resume(t), 0);
	ck_assert_uint_eq(*hot_at(&h, TARGET), is_store ? VALUE : SECRET);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBX), is_store ? VALUE : SECRET);
	hot_free(&h);
}

START_TEST(the_default_mask_holds_at_once)
{
	static const uint32_t masks[] = { NONE, R_X };

	for (uint32_t i = 0; i < VSMTEST_COUNT(masks); i++) {
		if ((kt_masks() >> masks[i] & 1) == 0)
			continue;
		for (uint32_t cpl = 0; cpl <= 3; cpl += 3) {
			default_holds(masks[i], cpl, 0);
			default_holds(masks[i], cpl, 1);
		}
	}
}
END_TEST

START_TEST(scattered_pages_of_it_can_be_protected)
{
	struct hot h = protecting(RWX);
	uint64_t gpa[HOT_PAGES / 2];
	uint32_t n = VSMTEST_COUNT(gpa);

	assert_err(hot_add(&h), 0);
	for (uint32_t i = 0; i < n; i++)
		gpa[i] = HOT_GPA + i * 2 * 4096ull;
	ck_assert_uint_eq(kt_protect(h.t, 1, NONE, gpa, n), REPS(n));
	for (uint32_t i = 0; i < HOT_PAGES; i++)
		check_rights(&h, i, 1, i % 2 == 0 ? NONE : RWX);
	ck_assert_uint_eq(kt_protect(h.t, 1, RWX, gpa, n / 2), REPS(n / 2));
	for (uint32_t i = 0; i < HOT_PAGES; i++)
		check_rights(&h, i, 1, i % 2 == 0 && i >= HOT_PAGES / 2 ? NONE : RWX);
	assert_err(vsm_partition_reset(h.t->vsm), 0);
	check_rights(&h, 0, HOT_PAGES, RWX);
	hot_free(&h);
}
END_TEST

/* VTL1 enables VTL2, which runs after it and leaves VTL1 and VTL0 `mask`. */
static void enable_vtl2(struct kt *t, uint32_t mask)
{
	static const uint8_t stop[] = { STOP };
	struct hv_initial_vp_context context;

	kt_context(&context);
	context.rip = CODE1_GPA + 0x1000;
	ck_assert_uint_eq(kt_enable_next(t, 1, &context), 0);
	memcpy(t->ram + CODE1_GPA + 0x1000, stop, sizeof(stop));
	kt_set(t, 1, HV_X64_REGISTER_RAX, 0);
	kt_set(t, 1, HV_X64_REGISTER_RCX, HVCALL_VTL_CALL);
	KT_CODE(t, 1, 0xe6, 0x7e, 0x90, STOP);
	ck_assert_uint_eq(kt_stop(t), 2);
	kt_wrmsr(t, 2, HV_X64_MSR_GUEST_OS_ID, 1);
	kt_wrmsr(t, 2, HV_X64_MSR_HYPERCALL, CODE_PAGE1 | 1);
	kt_set_hv(t, 2, HV_REGISTER_VSM_PARTITION_CONFIG, 1 | mask << 1);
}

/* Each VTL has what the default masks of all above leave it. */
START_TEST(three_vtls)
{
	uint32_t one = (kt_masks() >> R_X & 1) != 0 ? R_X : RWX;
	struct vsm_kvm_options o;
	struct hot h;
	struct kt *t;

	vsm_kvm_options_init(&o);
	o.max_vtl = 2;
	t = kt_new(&o);
	kt_vtl1_with(t, NONE);
	grant(t, 0, RAM_SIZE / 4096);
	enable_vtl2(t, one);
	if (one != RWX)
		grant_of(t, 2, 0, RAM_SIZE / 4096);
	h = hot_new(t);
	assert_err(hot_add(&h), 0);
	for (uint64_t gpa = HOT_GPA; gpa < HOT_GPA + HOT_SIZE; gpa += 4096) {
		ck_assert_ptr_null(kvm_sees(t->k, 0, gpa, VK_SEES_READ));
		ck_assert_ptr_nonnull(kvm_sees(t->k, 1, gpa, VK_SEES_READ));
		ck_assert_int_eq(kvm_sees(t->k, 1, gpa, VK_SEES_WRITE) != NULL, one == RWX);
		ck_assert_ptr_nonnull(kvm_sees(t->k, 2, gpa, VK_SEES_WRITE));
		if (!kt_by_ptes(t))
			continue;
		ck_assert_int_eq(kv_entries(t, 0, gpa), 0);
		ck_assert_int_eq(kv_entries(t, 1, gpa), one == RWX ? 2 : 1);
		ck_assert_int_eq(kv_entries(t, 2, gpa), 2);
	}
	hot_free(&h);
}
END_TEST

/* Where an overlay lies already the RAM is beneath it: in that VTL only, and with its rights. */
START_TEST(it_goes_beneath_overlays)
{
	struct hot h = protecting(NONE);
	uint64_t page = TARGET & ~4095ull, first;

	kt_switch(h.t, 1);
	kt_wrmsr(h.t, 0, HV_X64_MSR_HYPERCALL, page | 1);
	first = *(uint64_t *)(void *)kvm_sees(h.t->k, 0, page, 0);
	assert_err(hot_add(&h), 0);
	*hot_at(&h, page) = SECRET;
	start(h.t, 0, 3, load_rbx, page);
	ck_assert_uint_eq(kt_stop(h.t), 0);
	ck_assert_uint_eq(kt_get(h.t, 0, HV_X64_REGISTER_RBX), first);
	ck_assert_uint_eq(*(uint64_t *)(void *)kvm_sees(h.t->k, 1, page, 0), SECRET);
	ck_assert_ptr_null(kvm_sees(h.t->k, 0, page + 4096, 0));
	ck_assert_ptr_null(kvm_sees(h.t->k, 0, page - 4096, 0));
	kt_long_mode(h.t, 0, 0);
	kt_wrmsr(h.t, 0, HV_X64_MSR_HYPERCALL, 0);
	check_rights(&h, 0, HOT_PAGES, NONE);
	hot_free(&h);
}
END_TEST

/* A default mask that is emulated: the new pages are counted among those that may be. */
START_TEST(pages_that_are_emulated_come_too)
{
	struct hot h = protecting_with(RW, RAM_SIZE / 4096);
	static const uint8_t stop[] = { STOP };
	int emulates = !kt_uses(h.t, VSM_KVM_ENFORCE_ATTRIBUTES);

	ck_assert_int_eq(vsm_kvm_ram_add(h.t->k, HOT_GPA, RAM_SIZE, h.fd, 0, 0), 0);
	hot_free(&h);
	if (!emulates)
		return;

	h = protecting_with(RW, RAM_SIZE / 4096);
	kt_deny(h.t, PAGE_GPA, RW);
	assert_err(vsm_kvm_ram_add(h.t->k, HOT_GPA, RAM_SIZE, h.fd, 0, 0), -VSM_ERR_NOMEM);
	check_no_ram(&h);
	ck_assert_uint_eq(kt_stats(h.t).emulated_pages, 1);
	assert_err(hot_add(&h), 0);
	ck_assert_uint_eq(kt_stats(h.t).emulated_pages, 1 + HOT_PAGES);
	memcpy(hot_at(&h, TARGET), stop, sizeof(stop));
	kt_switch(h.t, 1);
	check_use(&h, 0, 3, TARGET + 8);
	check_use(&h, 0, 0, HOT_GPA);
	kt_set(h.t, 0, HV_X64_REGISTER_RIP, TARGET);
	ck_assert_uint_eq(kt_stop(h.t), 1);
	ck_assert_uint_eq(kt_intercept(h.t).header.message_type, HVMSG_GPA_INTERCEPT);
	hot_free(&h);
}
END_TEST

/* ---- what is refused ---- */

static void refused(struct hot *h, uint64_t gpa, uint64_t size, uint64_t offset, int err)
{
	struct state before = state_of(h);

	assert_err(vsm_kvm_ram_add(h->t->k, gpa, size, h->fd, offset, 0), -err);
	check_state(h, &before, "refused", (uint32_t)err);
}

START_TEST(bad_ranges_are_refused)
{
	static uint8_t device[4096] __attribute__((aligned(4096)));
	struct hot h = protecting(NONE);
	uint64_t top = 1ull << h.t->k->facts.host.phys_bits;

	assert_err(vsm_kvm_device_add(h.t->k, HOT_GPA + HOT_SIZE, 4096, device, 0), 0);
	refused(&h, HOT_GPA, HOT_SIZE + 4096, 0, VSM_ERR_EXISTS);
	refused(&h, RAM_SIZE - 4096, 8192, 0, VSM_ERR_EXISTS);
	refused(&h, 0, 4096, 0, VSM_ERR_EXISTS);
	refused(&h, HOT_GPA + 1, 4096, 0, VSM_ERR_INVAL);
	refused(&h, HOT_GPA, 4095, 0, VSM_ERR_INVAL);
	refused(&h, HOT_GPA, 0, 0, VSM_ERR_INVAL);
	refused(&h, HOT_GPA, 4096, 1, VSM_ERR_INVAL);
	refused(&h, HOT_GPA, 8192, FILE_SIZE - 4096, VSM_ERR_INVAL);
	refused(&h, top - 4096, 4096, 0, VSM_ERR_RANGE);
	assert_err(hot_add(&h), 0);
	assert_err(hot_add(&h), -VSM_ERR_EXISTS);
	hot_free(&h);
}
END_TEST

START_TEST(there_are_64_ranges_of_ram_and_then_no_more)
{
	struct hot h = protecting(NONE);
	uint64_t gpa = HOT_GPA + HOT_SIZE;

	for (uint32_t i = 1; i < 64; i++)
		assert_err(vsm_kvm_ram_add(h.t->k, gpa + i * 8192ull, 4096, h.fd, i * 4096, 0), 0);
	refused(&h, HOT_GPA, HOT_SIZE, 0, VSM_ERR_NOMEM);
	ck_assert_int_eq(kv_table(h.t, 0, gpa + 63 * 8192ull), 0);
	hot_free(&h);
}
END_TEST

START_TEST(there_are_128_ranges_of_memory_and_then_no_more)
{
	static uint8_t device[4096] __attribute__((aligned(4096)));
	struct hot h = protecting(NONE);
	uint64_t gpa = HOT_GPA + HOT_SIZE;

	for (uint32_t i = 1; i < VK_RANGES_MAX; i++)
		assert_err(vsm_kvm_device_add(h.t->k, gpa + i * 8192ull, 4096, device, 0), 0);
	refused(&h, HOT_GPA, HOT_SIZE, 0, VSM_ERR_NOMEM);
	assert_err(vsm_kvm_device_add(h.t->k, gpa, 4096, device, 0), -VSM_ERR_NOMEM);
	hot_free(&h);
}
END_TEST

/* ---- failures ---- */

/* Each call of the kernel and the allocator that it makes fails, alone or with all behind it. */
static void calls_fail(uint32_t mask, uint32_t emulated, uint32_t fail_on)
{
	struct hot h = protecting_with(mask, emulated);
	struct state before = state_of(&h);
	uint32_t i = 0;
	int r, failed;

	do {
		kf_start(++i, fail_on);
		r = hot_add(&h);
		failed = kf_end();
		if (!failed)
			break;
		ck_assert_msg(r == -VSM_ERR_NOMEM || r == -VSM_ERR_SYS || r == -VSM_ERR_HOST ||
				      (fail_on && r == -VSM_ERR_STATE),
			      "call %u: %d", i, r);
		/* What KVM did not take away it may show on; that is said. A new machine, then. */
		if (r == -VSM_ERR_STATE) {
			hot_free(&h);
			ck_assert_uint_eq(views(), 0);
			h = protecting_with(mask, emulated);
			before = state_of(&h);
		}
		check_state(&h, &before, "call", i);
	} while (i < 1000);
	printf("# mask %u: %u calls, each failed%s\n", mask, i - 1,
	       fail_on ? " with the rest" : "");
	ck_assert_uint_gt(i, 6);
	assert_err(r, 0);
	if (emulated != 0)
		ck_assert_uint_eq(kt_stats(h.t).emulated_pages,
				  kt_uses(h.t, VSM_KVM_ENFORCE_ATTRIBUTES) ? 0 : HOT_PAGES);
	else
		check_rights(&h, 0, HOT_PAGES, mask);
	check_use(&h, 1, 0, TARGET);
	hot_free(&h);
}

START_TEST(a_call_that_fails_leaves_nothing)
{
	calls_fail(RWX, 0, 0);
	calls_fail(NONE, 0, 0);
	if ((kt_masks() >> R_X & 1) != 0)
		calls_fail(R_X, 0, 0);
	calls_fail(RW, RAM_SIZE / 4096, 0);
}
END_TEST

START_TEST(calls_that_go_on_failing_are_survived)
{
	calls_fail(RWX, 0, 1);
	calls_fail(NONE, 0, 1);
}
END_TEST

/* Each call of the kernel and the allocator that vsm_kvm_vp_create() makes fails once, and then it
 * is tried again: the vCPUs that are there already are taken. */
START_TEST(a_vp_is_tried_until_it_is_there)
{
	uint32_t i = 0;
	struct pair p;
	int r;

	pair_bare(&p, kt_enforce(), 0, vsm_kvm_ops);
	kt_start(p.t);
	p.one = *p.t;
	p.one.vp = NULL;
	do {
		kf_start(++i, 0);
		r = vsm_kvm_vp_create(p.t->k, 1, 1, &p.one.vp);
		if (!kf_end())
			break;
		ck_assert_msg(r == -VSM_ERR_NOMEM || r == -VSM_ERR_SYS || r == 0, "call %u: %d", i,
			      r);
		ck_assert(r == 0 || p.one.vp == NULL);
	} while (r != 0 && i < 100);
	assert_err(r, 0);
	printf("# %u calls\n", i);
	ck_assert_uint_gt(i, 6);
	kt_long_mode(&p.one, 0, 0);
	ck_assert_uint_eq(kt_rdmsr(&p.one, 0, HV_X64_MSR_VP_INDEX), 1);
	kt_free(p.t);
}
END_TEST

#define THEFTS_MAX 256u

static void *stolen[THEFTS_MAX];
static uint32_t thefts, thefts_end;

/* As another thread's mmap() in the moment in which nothing is there. MAP_FIXED gives up what it is
 * to replace, and can fail then. */
static int steal(void *at, size_t size, int flags)
{
	int replaces = (flags & MAP_FIXED) != 0;

	if (thefts == thefts_end)
		return 0;
	if (replaces)
		munmap(at, size);
	stolen[thefts] = __real_mmap(at, 4096, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (stolen[thefts] == KF_FAILED)
		abort();
	*(uint32_t *)stolen[thefts] = thefts;
	thefts++;
	errno = ENOMEM;
	return replaces;
}

/* 1: a page is what its owner has mapped. */
static int is_there(void *page, uint32_t value)
{
	int fd[2];
	ssize_t n;

	ck_assert_int_eq(pipe(fd), 0);
	n = write(fd[1], page, sizeof(value));
	close(fd[0]);
	close(fd[1]);
	return n == (ssize_t)sizeof(value) && *(uint32_t *)page == value;
}

static void others_map(uint32_t count)
{
	struct kt *t = kt_new(NULL);
	int fd = kt_memfd(RAM_SIZE), r;

	thefts = 0;
	thefts_end = count;
	kf_before_fixed = steal;
	r = vsm_kvm_ram_add(t->k, HOT_GPA, RAM_SIZE, fd, 0, 0);
	kf_before_fixed = NULL;
	for (uint32_t i = 0; i < thefts; i++) {
		ck_assert_msg(is_there(stolen[i], i), "theft %u of %u", i, thefts);
		munmap(stolen[i], 4096);
	}
	assert_err(r, 0);
	ck_assert_uint_gt(thefts, 0);
	ck_assert_ptr_nonnull(kvm_sees(t->k, 0, HOT_GPA + RAM_SIZE - 4096, VK_SEES_WRITE));
	kt_free(t);
	close(fd);
	ck_assert_uint_eq(views(), 0);
}

/* Where a view was to be is somebody else's by then: it is left alone, once or always. */
START_TEST(a_place_that_another_thread_takes)
{
	others_map(1);
	others_map(THEFTS_MAX);
}
END_TEST

START_TEST(the_partition_has_no_room)
{
	struct hot h = protecting(NONE);
	struct vsm_protmap *map = h.t->vsm->map;
	uint64_t max = map->max_bytes;
	struct state before = state_of(&h);

	map->max_bytes = vsm_protmap_bytes(map);
	assert_err(hot_add(&h), -VSM_ERR_NOMEM);
	check_state(&h, &before, "no room", 0);
	map->max_bytes = max;
	assert_err(hot_add(&h), 0);
	check_rights(&h, 0, HOT_PAGES, NONE);
	hot_free(&h);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(new_ram_is_there_for_every_vtl),
	VSMTEST_CASE(an_exit_from_before_is_answered_as_before),
	VSMTEST_CASE(hypercalls_take_it),
	VSMTEST_CASE(the_default_mask_holds_at_once),
	VSMTEST_CASE(scattered_pages_of_it_can_be_protected),
	VSMTEST_CASE(three_vtls),
	VSMTEST_CASE(it_goes_beneath_overlays),
	VSMTEST_CASE(pages_that_are_emulated_come_too),
	VSMTEST_CASE(bad_ranges_are_refused),
	VSMTEST_CASE(there_are_64_ranges_of_ram_and_then_no_more),
	VSMTEST_CASE(there_are_128_ranges_of_memory_and_then_no_more),
	VSMTEST_CASE(a_call_that_fails_leaves_nothing),
	VSMTEST_CASE(calls_that_go_on_failing_are_survived),
	VSMTEST_CASE(a_vp_is_tried_until_it_is_there),
	VSMTEST_CASE(a_place_that_another_thread_takes),
	VSMTEST_CASE(the_partition_has_no_room),
};

int main(void)
{
	return kt_main("kvm_hot_add", cases, VSMTEST_COUNT(cases));
}
