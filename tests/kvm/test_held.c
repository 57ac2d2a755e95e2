/* SPDX-License-Identifier: BSD-3-Clause */
/* A machine on KVM is saved while a denied store is held, and goes on in another one. */
#include <vsm/kvm_state.h>

#include "kvmtest.h"

#define NONE   0u
#define RWX    HV_MAP_GPA_PERMISSIONS_MASK
#define VALUE  0x1122334455667788ull
#define OLD    0x1716151413121110ull
#define TARGET (PAGE_GPA + 0x10)

#define XMMS 16u
#define GPRS 16u

/* Saved: what libvsm has, what the backend holds, registers, RAM. */
struct image {
	uint8_t *core;
	size_t core_size;
	uint8_t *held;
	size_t held_size;
	struct vsm_private_state private[2];
	struct vsm_reg shared[GPRS + 1 + XMMS];
	uint32_t shared_count;
	uint64_t saved[16];
	uint8_t *ram;
};

/* Shared registers (TLFS 15.11.2) of this guest: the test lists them by hand. */
static void name_shared(struct image *image)
{
	uint32_t n = 0;

	memset(image->shared, 0, sizeof(image->shared));
	for (uint32_t i = 0; i < GPRS; i++)
		if (HV_X64_REGISTER_RAX + i != HV_X64_REGISTER_RSP)
			image->shared[n++].name = HV_X64_REGISTER_RAX + i;
	image->shared[n++].name = HV_X64_REGISTER_CR2;
	for (uint32_t i = 0; i < XMMS; i++)
		image->shared[n++].name = HV_X64_REGISTER_XMM0 + i;
	image->shared_count = n;
}

/* What a VMM does to have no exit half done: the second kick ends what the first found. */
static void finish_exit(struct kt *t)
{
	for (uint32_t i = 0; i < 2; i++) {
		vsm_kvm_kick(t->vp);
		assert_err(vsm_kvm_run(t->vp, &t->exit), 0);
		ck_assert_uint_eq(t->exit.kind, VSM_KVM_EXIT_INTR);
	}
}

static void save(struct kt *t, struct image *image)
{
	uint32_t active = vsm_vp_active_vtl(vsm_kvm_vp_vsm(t->vp)), enabled;
	size_t used = 0;

	finish_exit(t);
	enabled = vsm_vp_enabled_vtls(vsm_kvm_vp_vsm(t->vp));
	for (uint32_t vtl = 0; vtl < 2 && enabled >> vtl & 1; vtl++)
		assert_err(vsm_vtl_state_save(vsm_kvm_vp_vsm(t->vp), vtl, &image->private[vtl]), 0);
	name_shared(image);
	for (uint32_t i = 0; i < image->shared_count; i++)
		assert_err(vsm_kvm_vp_get(t->vp, active, &image->shared[i], 1), 0);
	image->held = malloc(vsm_kvm_held_size());
	assert_err(vsm_kvm_held_save(t->vp, image->held, vsm_kvm_held_size(), &image->held_size),
		   0);
	assert_err(vsm_save_size(t->vsm, &image->core_size), 0);
	image->core = malloc(image->core_size);
	assert_err(vsm_save(t->vsm, image->core, image->core_size, &used), 0);
	ck_assert_uint_eq(used, image->core_size);
	image->ram = malloc(RAM_SIZE);
	memcpy(image->ram, t->ram, RAM_SIZE);
	memcpy(image->saved, t->saved, sizeof(image->saved));
}

static struct kt *load(const struct image *image)
{
	struct kt *t = kt_new(NULL);
	uint32_t active, enabled;

	memcpy(t->ram, image->ram, RAM_SIZE);
	assert_err(vsm_load(t->vsm, image->core, image->core_size), 0);
	active = vsm_vp_active_vtl(vsm_kvm_vp_vsm(t->vp));
	enabled = vsm_vp_enabled_vtls(vsm_kvm_vp_vsm(t->vp));
	for (uint32_t vtl = 0; vtl < 2 && enabled >> vtl & 1; vtl++)
		assert_err(vsm_vtl_state_load(vsm_kvm_vp_vsm(t->vp), vtl, &image->private[vtl]), 0);
	for (uint32_t i = 0; i < image->shared_count; i++)
		assert_err(vsm_kvm_vp_set(t->vp, active, &image->shared[i], 1), 0);
	assert_err(vsm_kvm_held_load(t->vp, image->held, image->held_size), 0);
	memcpy(t->saved, image->saved, sizeof(t->saved));
	return t;
}

static void image_free(struct image *image)
{
	free(image->core);
	free(image->held);
	free(image->ram);
	memset(image, 0, sizeof(*image));
}

/* Everything is destroyed before anything of the new machine is made. */
static struct kt *moved(struct kt *t)
{
	struct image image = { 0 };

	save(t, &image);
	kt_free(t);
	t = load(&image);
	image_free(&image);
	return t;
}

/* VTL0 at CPL 0 has written a page that VTL1 denies: mov %rbx,(%rdi); VTL1 has been told. */
static struct kt *denied(void)
{
	struct kt *t = kt_new(NULL);

	kt_vtl1(t);
	kt_deny(t, PAGE_GPA, NONE);
	kt_switch(t, 1);
	kt_long_mode(t, 0, 0);
	kt_set(t, 0, HV_X64_REGISTER_RBX, VALUE);
	kt_set(t, 0, HV_X64_REGISTER_RDI, TARGET);
	KT_CODE(t, 0, 0x48, 0x89, 0x1f, STOP);
	ck_assert_uint_eq(kt_stop(t), 1);
	ck_assert_uint_eq(kt_intercept(t).header.message_type, HVMSG_GPA_INTERCEPT);
	return t;
}

/* Processors that execute kernel code themselves leave RIP on the store: it comes again. */
static int is_held(const struct kt *t)
{
	return t->vp->vcpu[0].store.count != 0;
}

static uint64_t records(const struct image *image)
{
	uint32_t n;

	memcpy(&n, image->held + 12, sizeof(n));
	return n;
}

START_TEST(a_held_store_is_performed_elsewhere)
{
	struct kt *t = denied();
	uint64_t gpa = PAGE_GPA;
	int held = is_held(t);

	t = moved(t);
	ck_assert_int_eq(is_held(t), held);
	ck_assert_uint_eq(kt_view(t, 0, TARGET) == NULL, 1);
	ck_assert_uint_eq(*kt_at(t, TARGET), OLD);
	ck_assert_uint_eq(kt_protect(t, 1, RWX, &gpa, 1), REPS(1));
	ck_assert_uint_eq(kt_resume(t), 0);
	ck_assert_uint_eq(*kt_at(t, TARGET), VALUE);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RIP), CODE_GPA + 5);
	ck_assert_uint_eq(kt_stats(t).stores_done, (uint64_t)held);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBX), VALUE);
	kt_free(t);
}
END_TEST

START_TEST(a_held_store_that_is_not_granted_is_dropped_elsewhere)
{
	struct kt *t = denied();
	int held = is_held(t);

	t = moved(t);
	/* Without a grant it is dropped; or it is executed again, and told again. */
	ck_assert_uint_eq(kt_resume(t), held ? 0 : 1);
	ck_assert_uint_eq(*kt_at(t, TARGET), OLD);
	ck_assert_uint_eq(kt_stats(t).stores_dropped, (uint64_t)held);
	ck_assert_uint_eq(kt_stats(t).stores_done, 0);
	kt_free(t);
}
END_TEST

START_TEST(a_held_store_is_dropped_when_rip_moved)
{
	struct kt *t = moved(denied());
	int held = is_held(t);
	uint64_t gpa = PAGE_GPA;

	ck_assert_uint_eq(kt_protect(t, 1, RWX, &gpa, 1), REPS(1));
	/* The last instruction of VTL0's code: the store is behind it for good. */
	kt_set(t, 0, HV_X64_REGISTER_RIP, CODE_GPA + 4);
	memset(t->ram + CODE_GPA + 4, 0x90, 1);
	t->ram[CODE_GPA + 5] = 0xe6;
	t->ram[CODE_GPA + 6] = STOP_PORT;
	ck_assert_uint_eq(kt_resume(t), 0);
	ck_assert_uint_eq(*kt_at(t, TARGET), OLD);
	ck_assert_uint_eq(kt_stats(t).stores_dropped, (uint64_t)held);
	kt_free(t);
}
END_TEST

/* Again and again, and in between it runs: what was saved twice is the same. */
START_TEST(a_machine_moves_twice)
{
	struct kt *t = moved(denied());
	uint64_t gpa = PAGE_GPA;

	t = moved(t);
	ck_assert_uint_eq(kt_protect(t, 1, RWX, &gpa, 1), REPS(1));
	t = moved(t);
	ck_assert_uint_eq(kt_resume(t), 0);
	ck_assert_uint_eq(*kt_at(t, TARGET), VALUE);
	/* VTL1's protections act there like here. */
	kt_switch(t, 0);
	kt_deny(t, PAGE_GPA, NONE);
	t = moved(t);
	ck_assert_ptr_null(kt_view(t, 0, TARGET));
	kt_free(t);
}
END_TEST

/* PendingEvent0 of VTL0, set by VTL1 (TLFS 7.8.2). */
START_TEST(a_queued_event_is_raised_elsewhere)
{
	struct kt *t = kt_new(NULL);
	struct hv_input_set_vp_registers *in;
	struct hv_register_assoc *reg;

	kt_vtl1(t);
	in = (void *)kt_at(t, INPUT_GPA);
	reg = (void *)(in + 1);
	memset(in, 0, sizeof(*in) + sizeof(*reg));
	in->partition_id = HV_PARTITION_ID_SELF;
	in->vp_index = HV_VP_INDEX_SELF;
	in->input_vtl = 0x10;
	reg->name = HV_REGISTER_PENDING_EVENT0;
	reg->value.low = HV_X64_PENDING_EVENT_PENDING |
			 HV_X64_PENDING_EXCEPTION_DELIVER_ERROR_CODE |
			 14ull << HV_X64_PENDING_EXCEPTION_VECTOR_SHIFT;
	reg->value.high = 0x123456;
	ck_assert_uint_eq(kt_hypercall(t, 1, HVCALL_SET_VP_REGISTERS | REPS(1), INPUT_GPA, 0),
			  REPS(1));
	ck_assert_uint_eq(t->vp->vcpu[0].event_queued, 1);
	t = moved(t);
	ck_assert_uint_eq(t->vp->vcpu[0].event_queued, 1);
	ck_assert_uint_eq(t->vp->vcpu[0].event.parameter, 0x123456);
	kt_set(t, 0, HV_X64_REGISTER_RBP, 0xff);
	kt_switch(t, 1);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBP), 14);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_CR2), 0x123456);
	kt_free(t);
}
END_TEST

START_TEST(only_when_no_exit_is_half_done)
{
	struct kt *t = kt_new(NULL);
	uint8_t *buf = malloc(vsm_kvm_held_size());
	size_t used = 77;

	KT_CODE(t, 0, STOP);
	ck_assert_uint_eq(kt_stop(t), 0);
	assert_err(vsm_kvm_held_save(t->vp, buf, vsm_kvm_held_size(), &used), -VSM_ERR_BUSY);
	ck_assert_uint_eq(used, 77);
	assert_err(vsm_kvm_held_load(t->vp, buf, 32), -VSM_ERR_MISUSE);
	ck_assert_ptr_nonnull(strstr(t->line, "exit is not finished"));
	finish_exit(t);
	assert_err(vsm_kvm_held_save(NULL, buf, vsm_kvm_held_size(), &used), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_held_save(t->vp, NULL, vsm_kvm_held_size(), &used), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_held_save(t->vp, buf, vsm_kvm_held_size(), NULL), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_held_save(t->vp, buf, 31, &used), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_held_save(t->vp, buf, 32, &used), 0);
	ck_assert_uint_eq(used, 32);
	assert_err(vsm_kvm_held_load(NULL, buf, used), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_held_load(t->vp, NULL, used), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_held_load(t->vp, buf, used), 0);
	free(buf);
	kt_free(t);
}
END_TEST

/* ---- objects that nobody wrote ---- */

#define HEADER 24u
#define RECORD 40u

static void seal(uint8_t *bytes, size_t size)
{
	uint64_t sum = 0xcbf29ce484222325ull, word;

	for (size_t at = 0; at + 8 < size; at += 8) {
		memcpy(&word, bytes + at, 8);
		sum = (sum ^ word) * 0x100000001b3ull;
	}
	memcpy(bytes + size - 8, &sum, 8);
}

/* A VP that holds as much as it can: a store of VTL1, one of VTL0, parts for a device, an event. */
static void hold(struct kt *t)
{
	struct vk_fragment part = { .gpa = PAGE_GPA, .len = 8, .data = { 1, 2, 3, 4, 5, 6, 7, 8 } };
	struct vk_fragment device = {
		.gpa = RAM_SIZE + 0x1000, .len = 3, .is_device = 1, .data = { 9, 8, 7 }
	};
	struct vk_vcpu *v = t->vp->vcpu;

	v[0].store.count = 2;
	v[0].store.rip = CODE_GPA;
	v[0].store.fragment[0] = part;
	v[0].store.fragment[1] = device;
	v[1].store.count = 1;
	v[1].store.rip = CODE1_GPA;
	v[1].store.waits = 5;
	v[1].store.fragment[0] = part;
	v[1].event_queued = 1;
	v[1].event = (struct vsm_exception){ .vector = 14,
					     .has_error_code = 1,
					     .error_code = 2,
					     .has_parameter = 1,
					     .parameter = 0x1000 };
	t->vp->device[0] = device;
	t->vp->device[1] = device;
	t->vp->device_next = 1;
	t->vp->device_count = 2;
}

static void let_go(struct kt *t)
{
	t->vp->device_count = t->vp->device_next = 0;
	for (uint32_t vtl = 0; vtl < 2; vtl++) {
		t->vp->vcpu[vtl].store.count = 0;
		t->vp->vcpu[vtl].event_queued = 0;
	}
}

static int holds_nothing(const struct kt *t)
{
	return t->vp->device_count == 0 && t->vp->vcpu[0].store.count == 0 &&
	       t->vp->vcpu[1].store.count == 0 && !t->vp->vcpu[0].event_queued &&
	       !t->vp->vcpu[1].event_queued;
}

/* The object of a VP that holds all that. @return its size. */
static size_t object_of(struct kt *t, uint8_t *bytes, size_t room)
{
	size_t size = 0;

	kt_vtl1(t);
	finish_exit(t);
	hold(t);
	assert_err(vsm_kvm_held_save(t->vp, bytes, room, &size), 0);
	return size;
}

static void try_object(struct kt *t, const uint8_t *bytes, size_t size)
{
	uint8_t *exact = malloc(size + 1), again[512];
	size_t used = 0;
	int err;

	memcpy(exact, bytes, size);
	err = vsm_kvm_held_load(t->vp, exact, size);
	if (err == 0) {
		assert_err(vsm_kvm_held_save(t->vp, again, sizeof(again), &used), 0);
		ck_assert_uint_eq(used, size);
		let_go(t);
	} else {
		ck_assert(err == -VSM_ERR_INVAL || err == -VSM_ERR_NOSUP);
		ck_assert(holds_nothing(t));
	}
	free(exact);
}

START_TEST(objects_that_nobody_wrote)
{
	struct kt *t = kt_new(NULL);
	uint8_t bytes[512], copy[512];
	size_t size = object_of(t, bytes, sizeof(bytes));

	ck_assert_uint_eq(size, HEADER + 5 * RECORD + 8);
	/* Not over what is there. */
	assert_err(vsm_kvm_held_load(t->vp, bytes, size), -VSM_ERR_MISUSE);
	ck_assert_ptr_nonnull(strstr(t->line, "holds a store already"));
	let_go(t);
	assert_err(vsm_kvm_held_load(t->vp, bytes, size), 0);
	ck_assert_uint_eq(t->vp->vcpu[0].store.count, 2);
	ck_assert_uint_eq(t->vp->vcpu[0].store.waits, 0);
	ck_assert_uint_ne(t->vp->vcpu[1].store.waits, 0);
	ck_assert_uint_eq(t->vp->vcpu[0].store.fragment[1].is_device, 1);
	ck_assert_mem_eq(t->vp->vcpu[1].store.fragment[0].data, "\1\2\3\4\5\6\7\10", 8);
	ck_assert_uint_eq(t->vp->device_count - t->vp->device_next, 1);
	ck_assert_uint_eq(t->vp->vcpu[1].event.error_code, 2);
	assert_err(vsm_kvm_held_save(t->vp, copy, sizeof(copy), &size), 0);
	ck_assert_mem_eq(copy, bytes, size);
	let_go(t);
	for (size_t n = 0; n < size; n++) {
		ck_assert_int_ne(vsm_kvm_held_load(t->vp, bytes, n), 0);
		memcpy(copy, bytes, n);
		if (n % 8 != 0 || n < 32)
			continue;
		seal(copy, n);
		ck_assert_int_ne(vsm_kvm_held_load(t->vp, copy, n), 0);
	}
	for (size_t bit = 0; bit < 8 * size; bit++) {
		memcpy(copy, bytes, size);
		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ck_assert_int_ne(vsm_kvm_held_load(t->vp, copy, size), 0);
		seal(copy, size);
		if (bit / 8 < size - 8)
			try_object(t, copy, size);
	}
	ck_assert(holds_nothing(t));
	kt_free(t);
}
END_TEST

/* Fields of the first record, a part of a store of VTL0, that are none. */
static const struct {
	uint32_t offset;
	uint32_t bytes;
	uint64_t value;
	const char *what;
} wrong[] = {
	{ 0, 4, 0, "no kind" },
	{ 0, 4, 4, "an unknown kind" },
	{ 4, 4, 2, "a VTL that there is not" },
	{ 4, 4, UINT32_MAX, "a VTL that there never is" },
	{ 8, 8, 1, "parts of two instructions" },
	{ 16, 8, PAGE_GPA + 4089, "into the next page" },
	{ 32, 4, 0, "no bytes" },
	{ 32, 4, 9, "nine bytes" },
	{ 32, 4, UINT32_MAX, "very many bytes" },
	{ 32, 4, 7, "bytes behind the last" },
	{ 36, 4, 1, "a device where RAM is" },
	{ 36, 4, 2, "one part that waits, and one that does not" },
	{ 36, 4, 4, "an unknown flag" },
};

START_TEST(values_that_kvm_never_gives)
{
	struct kt *t = kt_new(NULL);
	uint8_t bytes[512], copy[512];
	size_t size = object_of(t, bytes, sizeof(bytes));

	let_go(t);
	for (size_t i = 0; i < VSMTEST_COUNT(wrong); i++) {
		memcpy(copy, bytes, size);
		memcpy(copy + HEADER + wrong[i].offset, &wrong[i].value, wrong[i].bytes);
		seal(copy, size);
		ck_assert_msg(vsm_kvm_held_load(t->vp, copy, size) == -VSM_ERR_INVAL, "%s",
			      wrong[i].what);
		ck_assert(holds_nothing(t));
	}
	/* Another VP's. */
	memcpy(copy, bytes, size);
	copy[16] = 1;
	seal(copy, size);
	assert_err(vsm_kvm_held_load(t->vp, copy, size), -VSM_ERR_NOSUP);
	memcpy(copy, bytes, size);
	copy[8] = 2;
	seal(copy, size);
	assert_err(vsm_kvm_held_load(t->vp, copy, size), -VSM_ERR_NOSUP);
	kt_free(t);
}
END_TEST

/* A part that waits for a grant where neither RAM nor overlay is: it goes to the VMM. */
START_TEST(a_store_to_what_is_nothing_is_a_devices)
{
	struct vk_store store = { .count = 2, .waits = 1 };
	struct kt *t = kt_new(NULL);

	KT_CODE(t, 0, STOP);
	store.rip = CODE_GPA;
	for (uint32_t i = 0; i < 2; i++)
		store.fragment[i] = (struct vk_fragment){ .gpa = RAM_SIZE + 0x1000 + 8 * i,
							  .len = 8,
							  .data = { (uint8_t)i, 2 } };
	t->vp->vcpu[0].store = store;
	for (uint32_t i = 0; i < 2; i++) {
		ck_assert_uint_eq(kt_run(t), VSM_KVM_EXIT_MMIO);
		ck_assert_uint_eq(t->exit.address, store.fragment[i].gpa);
		ck_assert_uint_eq(t->exit.is_write, 1);
		ck_assert_mem_eq(t->exit.data, store.fragment[i].data, 8);
	}
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(kt_stats(t).stores_done, 1);
	kt_free(t);
}
END_TEST

/* What the object says is what was there. */
START_TEST(the_object_holds_the_store)
{
	struct kt *t = denied();
	struct image image = { 0 };

	save(t, &image);
	ck_assert_uint_eq(records(&image), is_held(t) ? 1 : 0);
	image_free(&image);
	kt_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(a_held_store_is_performed_elsewhere),
	VSMTEST_CASE(a_held_store_that_is_not_granted_is_dropped_elsewhere),
	VSMTEST_CASE(a_held_store_is_dropped_when_rip_moved),
	VSMTEST_CASE(a_machine_moves_twice),
	VSMTEST_CASE(a_queued_event_is_raised_elsewhere),
	VSMTEST_CASE(only_when_no_exit_is_half_done),
	VSMTEST_CASE(objects_that_nobody_wrote),
	VSMTEST_CASE(values_that_kvm_never_gives),
	VSMTEST_CASE(a_store_to_what_is_nothing_is_a_devices),
	VSMTEST_CASE(the_object_holds_the_store),
};

int main(void)
{
	return kt_main("held", cases, VSMTEST_COUNT(cases));
}
