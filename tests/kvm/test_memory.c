/* SPDX-License-Identifier: BSD-3-Clause */
/* Guest memory on KVM: adding it, and what slots show of it after rights and overlays changed. */
#include "kvmtest.h"

#include <fcntl.h>

#define RWX HV_MAP_GPA_PERMISSIONS_MASK
#define R_X (HV_MAP_GPA_READABLE | HV_MAP_GPA_EXECUTABLE)

static void ram_refused(struct kt *t, uint64_t gpa, uint64_t size, int fd, uint64_t offset, int err,
			const char *word)
{
	uint64_t ops = t->k->slot_ops;

	t->lines = 0;
	assert_err(vsm_kvm_ram_add(t->k, gpa, size, fd, offset, 0), -err);
	ck_assert_msg(t->lines == 1 && strstr(t->line, word) != NULL, "log line: %s", t->line);
	ck_assert_uint_eq(t->k->slot_ops, ops);
	ck_assert_uint_eq(t->k->range_count, 0);
}

START_TEST(ram_arguments_are_checked)
{
	struct kt *t = kt_bare(NULL);
	uint64_t top = 1ull << t->k->facts.host.phys_bits;
	int fd = t->memfd;

	assert_err(vsm_kvm_ram_add(NULL, 0, 4096, fd, 0, 0), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_ram_add(t->k, 0, 4096, fd, 0, 1), -VSM_ERR_INVAL);
	ram_refused(t, 1, 4096, fd, 0, VSM_ERR_INVAL, "4096");
	ram_refused(t, 0, 4095, fd, 0, VSM_ERR_INVAL, "4096");
	ram_refused(t, 0, 0, fd, 0, VSM_ERR_INVAL, "4096");
	ram_refused(t, 0, 4096, fd, 12, VSM_ERR_INVAL, "offset");
	ram_refused(t, top, 4096, fd, 0, VSM_ERR_RANGE, "address space");
	ram_refused(t, top - 4096, 4096, fd, 0, VSM_ERR_RANGE, "address space");
	ram_refused(t, 4096, (uint64_t)-4096, fd, 0, VSM_ERR_RANGE, "address space");
	ram_refused(t, 0, RAM_SIZE + 4096, fd, 0, VSM_ERR_INVAL, "short");
	ram_refused(t, 0, 8192, fd, RAM_SIZE - 4096, VSM_ERR_INVAL, "short");
	ram_refused(t, 0, 4096, fd, (uint64_t)-4096, VSM_ERR_INVAL, "short");
	kt_free(t);
}
END_TEST

START_TEST(ram_must_be_shared_memory)
{
	struct kt *t = kt_bare(NULL);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int sealed = kt_memfd(8192);

	ram_refused(t, 0, 4096, -1, 0, VSM_ERR_INVAL, "fd");
	ram_refused(t, 0, 4096, null, 0, VSM_ERR_INVAL, "shared memory");
	ram_refused(t, 0, 4096, self, 0, VSM_ERR_INVAL, "shared memory");
	ck_assert_int_eq(fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE), 0);
	ram_refused(t, 0, 4096, sealed, 0, VSM_ERR_INVAL, "sealed");
	close(null);
	close(self);
	close(sealed);
	kt_free(t);
}
END_TEST

START_TEST(ranges_must_not_overlap)
{
	static uint8_t device[8192] __attribute__((aligned(4096)));
	struct kt *t = kt_bare(NULL);

	assert_err(vsm_kvm_ram_add(t->k, 0x100000, 0x100000, t->memfd, 0, 0), 0);
	assert_err(vsm_kvm_ram_add(t->k, 0x1ff000, 0x2000, t->memfd, 0, 0), -VSM_ERR_EXISTS);
	assert_err(vsm_kvm_ram_add(t->k, 0xff000, 0x2000, t->memfd, 0, 0), -VSM_ERR_EXISTS);
	assert_err(vsm_kvm_device_add(t->k, 0x180000, 8192, device, 0), -VSM_ERR_EXISTS);
	assert_err(vsm_kvm_ram_add(t->k, 0x200000, 0x1000, t->memfd, 0x300000, 0), 0);
	ck_assert_uint_eq(t->k->range_count, 2);
	kt_free(t);
}
END_TEST

START_TEST(device_arguments_are_checked)
{
	static uint8_t device[8192] __attribute__((aligned(4096)));
	struct kt *t = kt_bare(NULL);

	assert_err(vsm_kvm_device_add(NULL, 0, 4096, device, 0), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_device_add(t->k, 0, 4096, device, 2), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_device_add(t->k, 0, 4096, NULL, 0), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_device_add(t->k, 0, 4096, device + 1, 0), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_device_add(t->k, 7, 4096, device, 0), -VSM_ERR_INVAL);
	ck_assert_uint_eq(t->k->range_count, 0);
	kt_free(t);
}
END_TEST

START_TEST(device_memory_is_seen_by_every_vtl)
{
	static uint8_t rom[4096] __attribute__((aligned(4096)));
	static uint8_t fb[4096] __attribute__((aligned(4096)));
	struct kt *t = kt_bare(NULL);

	memset(rom, 0x5a, sizeof(rom));
	assert_err(vsm_kvm_device_add(t->k, 0x2000000, 4096, rom, VSM_KVM_MAP_READONLY), 0);
	assert_err(vsm_kvm_device_add(t->k, 0x2001000, 4096, fb, 0), 0);
	kt_start(t);
	kt_vtl1(t);
	for (uint32_t vtl = 1; vtl < 2; vtl--) {
		if (vtl == 0)
			kt_switch(t, 1);
		kt_set(t, vtl, HV_X64_REGISTER_RDI, 0x2000000);
		/* mov (%rdi),%rbx; mov %rbx,0x1000(%rdi); mov %rbx,(%rdi) */
		KT_CODE(t, vtl, 0x48, 0x8b, 0x1f, 0x48, 0x89, 0x9f, 0x00, 0x10, 0, 0, 0x48, 0x89,
			0x1f, STOP);
		memset(fb, 0, 8);
		ck_assert_uint_eq(kt_run(t), VSM_KVM_EXIT_MMIO);
		ck_assert_uint_eq(t->exit.address, 0x2000000);
		ck_assert_uint_eq(t->exit.vtl, vtl);
		ck_assert_uint_eq(fb[0], 0x5a);
		ck_assert_uint_eq(kt_stop(t), vtl);
	}
	kt_free(t);
}
END_TEST

START_TEST(views_are_one_memory)
{
	struct kt *t = kt_new(NULL);
	struct vk_range *r = &t->k->range[0];

	ck_assert_ptr_ne(r->view[0], r->view[1]);
	ck_assert_ptr_ne(r->view[0], r->host);
	r->view[0][0x5000] = 0x42;
	ck_assert_uint_eq(r->view[1][0x5000], 0x42);
	ck_assert_uint_eq(r->host[0x5000], 0x42);
	ck_assert_uint_eq(t->ram[0x5000], 0x42);
	kt_free(t);
}
END_TEST

START_TEST(gpa_ops_stay_within_ram)
{
	struct kt *t = kt_new(NULL);
	const struct vsm_host_ops *ops = vsm_kvm_ops(t->k);
	uint8_t buf[16] = { 1, 2, 3 };

	assert_err(ops->gpa_write(t->k, RAM_SIZE - 16, buf, 16), 0);
	ck_assert_uint_eq(t->ram[RAM_SIZE - 16], 1);
	assert_err(ops->gpa_write(t->k, RAM_SIZE - 15, buf, 16), -VSM_ERR_RANGE);
	assert_err(ops->gpa_read(t->k, RAM_SIZE, buf, 1), -VSM_ERR_RANGE);
	assert_err(ops->gpa_read(t->k, UINT64_MAX, buf, 16), -VSM_ERR_RANGE);
	kt_free(t);
}
END_TEST

/* ---- what slots show ---- */

/* What is shown of a page: 0 nothing, 1 read-only, 2 all. */
static int shown(struct kt *t, uint32_t vtl, uint64_t gpa)
{
	if (kvm_sees(t->k, vtl, gpa, 0) == NULL)
		return 0;
	return kvm_sees(t->k, vtl, gpa, 1) == NULL ? 1 : 2;
}

/* Pieces are in order and apart, and each slot is in one place. No ck_assert in the loops: it is
 * slow. */
static void check_layout(struct kt *t, uint32_t vtl)
{
	static uint8_t seen[VK_SLOTS_MAX];
	const struct vk_space *s = &t->k->space[vtl];
	uint64_t end = 0;
	int bad = 0;

	memset(seen, 0, sizeof(seen));
	for (uint32_t i = 0; i < s->now.count; i++) {
		const struct vk_piece *p = &s->now.piece[i];

		bad |= p->gpa < end || p->size == 0 || seen[p->slot]++ != 0;
		end = p->gpa + p->size;
	}
	for (uint32_t i = 0; i < s->free_count; i++)
		bad |= seen[s->free_slot[i]]++ != 0;
	ck_assert_int_eq(bad, 0);
}

/* Whatever the mechanism: what a VTL sees is what it may. */
START_TEST(rights_come_and_go)
{
	static const uint32_t path[] = { 0, R_X, 0, RWX, R_X, RWX, R_X, 0, RWX };
	struct kt *t = kt_new(NULL);
	uint64_t gpa = PAGE_GPA;

	kt_vtl1(t);
	for (uint32_t i = 0; i < VSMTEST_COUNT(path); i++) {
		if (!kt_can(t, path[i]))
			continue;
		ck_assert_uint_eq(kt_protect(t, 1, path[i], &gpa, 1), REPS(1));
		ck_assert_int_eq(shown(t, 0, gpa), path[i] == RWX ? 2 : path[i] == R_X);
		ck_assert_int_eq(shown(t, 0, gpa - 1), 2);
		ck_assert_int_eq(shown(t, 0, gpa + 4096), 2);
		ck_assert_int_eq(shown(t, 1, gpa), 2);
	}
	kt_free(t);
}
END_TEST

START_TEST(rights_are_shown_and_lifted)
{
	struct kt *t = kt_slots_new();
	uint64_t gpa = PAGE_GPA;
	uint32_t before;

	kt_vtl1(t);
	before = t->k->space[0].now.count;
	kt_deny(t, gpa, 0);
	ck_assert_int_eq(shown(t, 0, gpa), 0);
	ck_assert_int_eq(shown(t, 0, gpa - 1), 2);
	ck_assert_int_eq(shown(t, 0, gpa + 4096), 2);
	ck_assert_int_eq(shown(t, 1, gpa), 2);
	ck_assert_uint_eq(t->k->space[0].now.count, before + 1);
	kt_deny(t, gpa, R_X);
	ck_assert_int_eq(shown(t, 0, gpa), 1);
	ck_assert_uint_eq(t->k->space[0].now.count, before + 2);
	check_layout(t, 0);
	ck_assert_uint_eq(kt_protect(t, 1, RWX, &gpa, 1), REPS(1));
	ck_assert_int_eq(shown(t, 0, gpa), 2);
	ck_assert_uint_eq(t->k->space[0].now.count, before + 2); /* not joined: see the next test */
	check_layout(t, 0);
	kt_free(t);
}
END_TEST

/* The second time a page is denied and granted costs one slot operation each. */
START_TEST(a_page_that_comes_and_goes_is_cheap)
{
	struct kt *t = kt_slots_new();
	uint64_t gpa = PAGE_GPA, ops;

	kt_vtl1(t);
	kt_deny(t, gpa, 0);
	ck_assert_uint_eq(kt_protect(t, 1, RWX, &gpa, 1), REPS(1));
	ops = t->k->slot_ops;
	kt_deny(t, gpa, 0);
	ck_assert_uint_eq(t->k->slot_ops, ops + 1);
	ck_assert_uint_eq(kt_protect(t, 1, RWX, &gpa, 1), REPS(1));
	ck_assert_uint_eq(t->k->slot_ops, ops + 2);
	kt_free(t);
}
END_TEST

START_TEST(slots_are_joined_when_they_run_out)
{
	uint64_t a = 0x500000, b = 0x600000;
	struct kt *t = kt_slots_new();
	uint32_t before;

	kt_vtl1(t);
	before = t->k->space[0].now.count;
	t->k->space[0].now.max = before + 2;
	t->k->space[0].next.max = before + 2;
	kt_deny(t, a, 0);
	ck_assert_uint_eq(kt_protect(t, 1, RWX, &a, 1), REPS(1));
	ck_assert_uint_eq(t->k->space[0].now.count, before + 2);
	kt_deny(t, b, 0);
	ck_assert_uint_eq(t->k->space[0].now.count, before + 1);
	ck_assert_int_eq(shown(t, 0, a), 2);
	ck_assert_int_eq(shown(t, 0, b), 0);
	kt_free(t);
}
END_TEST

START_TEST(neighbours_are_one_slot)
{
	uint64_t gpa[] = { 0x502000, 0x500000, 0x501000, 0x503000 };
	struct kt *t = kt_slots_new();
	uint32_t before;

	kt_vtl1(t);
	before = t->k->space[0].now.count;
	ck_assert_uint_eq(kt_protect(t, 1, R_X, gpa, 4), REPS(4));
	ck_assert_uint_eq(t->k->space[0].now.count, before + 2);
	for (uint32_t i = 0; i < 4; i++)
		ck_assert_int_eq(shown(t, 0, gpa[i]), 1);
	check_layout(t, 0);
	kt_free(t);
}
END_TEST

START_TEST(many_scattered_pages)
{
	struct kt *t = kt_new(NULL);
	uint64_t gpa[200];

	kt_vtl1(t);
	for (uint32_t i = 0; i < 200; i++)
		gpa[i] = 0x500000 + 0x2000ull * ((i * 7) % 200);
	ck_assert_uint_eq(kt_protect(t, 1, 0, gpa, 200), REPS(200));
	ck_assert_uint_eq(t->k->space[0].free_count + t->k->space[0].now.count,
			  t->k->space[0].now.max);
	check_layout(t, 0);
	for (uint32_t i = 0; i < 200; i++) {
		ck_assert_int_eq(shown(t, 0, gpa[i]), 0);
		ck_assert_int_eq(shown(t, 0, gpa[i] + 0x1000), 2);
	}
	ck_assert_uint_eq(kt_protect(t, 1, RWX, gpa, 200), REPS(200));
	check_layout(t, 0);
	ck_assert_int_eq(shown(t, 0, gpa[17]), 2);
	kt_free(t);
}
END_TEST

START_TEST(random_rights_are_what_the_table_says)
{
	struct kt *t = kt_new(NULL);
	uint32_t masks[] = { 0, kt_can(t, R_X) ? R_X : 0, RWX };
	uint64_t gpa[6];
	uint32_t seed = 1, rights;

	kt_vtl1(t);
	for (uint32_t round = 0; round < 24; round++) {
		if (round == 12 &&
		    !kt_by_ptes(t)) /* From here on they must be joined now and then. */
			t->k->space[0].next.max = t->k->space[0].now.max =
				t->k->space[0].now.count + 3;
		for (uint32_t i = 0; i < 6; i++) {
			seed = seed * 1103515245u + 12345u;
			gpa[i] = 0x600000 + (uint64_t)(seed >> 16 & 15) * 4096;
		}
		ck_assert_uint_eq(kt_protect(t, 1, masks[round % 3], gpa, 6), REPS(6));
		ck_assert_uint_eq(kt_protect(t, 1, masks[seed >> 8 & 1], gpa, 3), REPS(3));
		for (uint64_t g = 0x5f0000; g < 0x620000; g += 4096) {
			if (vsm_gpa_rights(t->vsm, 0, g, &rights) != 0 ||
			    shown(t, 0, g) != (rights == RWX ? 2 : rights == R_X))
				ck_abort_msg("round %u, gpa %#llx", round, (unsigned long long)g);
		}
		check_layout(t, 0);
	}
	kt_free(t);
}
END_TEST

/* When slots run out nothing has changed, and the guest is told so. */
START_TEST(without_slots_nothing_changes)
{
	uint64_t gpa[] = { 0x500000, 0x502000, 0x504000 };
	struct kt *t = kt_slots_new();
	uint32_t before, rights;

	kt_vtl1(t);
	before = t->k->space[0].now.count;
	t->k->space[0].now.max = before + 2;
	t->k->space[0].next.max = before + 2;
	ck_assert_uint_eq(kt_protect(t, 1, 0, gpa, 3), HV_STATUS_INSUFFICIENT_MEMORY);
	ck_assert_uint_eq(t->k->space[0].now.count, before);
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_int_eq(shown(t, 0, gpa[i]), 2);
		assert_err(vsm_gpa_rights(t->vsm, 0, gpa[i], &rights), 0);
		ck_assert_uint_eq(rights, RWX);
	}
	ck_assert_uint_eq(kt_protect(t, 1, 0, gpa, 2), REPS(2));
	ck_assert_int_eq(shown(t, 0, gpa[1]), 0);
	kt_free(t);
}
END_TEST

/* KVM itself refuses a slot: the old ones are back, and the guest still runs in them. */
START_TEST(a_slot_that_kvm_refuses_changes_nothing)
{
	struct kt *t = kt_slots_new();
	struct vk_range *range = &t->k->range[0];
	uint64_t gpa = PAGE_GPA;
	uint8_t *view = range->view[0];
	uint32_t before;

	kt_vtl1(t);
	before = t->k->space[0].now.count;
	range->view[0] = view + 1; /* Not page-aligned: the read-only piece is refused. */
	ck_assert_uint_eq(kt_protect(t, 1, R_X, &gpa, 1), HV_STATUS_INSUFFICIENT_MEMORY);
	range->view[0] = view;
	ck_assert_uint_eq(t->k->space[0].now.count, before);
	check_layout(t, 0);
	kt_switch(t, 1);
	kt_set(t, 0, HV_X64_REGISTER_RDI, gpa);
	KT_CODE(t, 0, 0x48, 0x89, 0x3f, STOP);
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(*kt_at(t, gpa), gpa);
	kt_free(t);
}
END_TEST

START_TEST(an_overlay_hides_ram_in_its_vtl_only)
{
	struct kt *t = kt_new(NULL);

	memset(t->ram + CODE_PAGE0, 0x77, 4096);
	kt_wrmsr(t, 0, HV_X64_MSR_GUEST_OS_ID, 1);
	kt_wrmsr(t, 0, HV_X64_MSR_HYPERCALL, CODE_PAGE0 | 1);
	ck_assert_int_eq(shown(t, 0, CODE_PAGE0), 1);
	ck_assert_int_eq(shown(t, 1, CODE_PAGE0), 2);
	ck_assert_uint_ne(*kt_view(t, 0, CODE_PAGE0), 0x77);
	ck_assert_uint_eq(*kt_view(t, 1, CODE_PAGE0), 0x77);
	check_layout(t, 0);
	kt_set(t, 0, HV_X64_REGISTER_RDI, CODE_PAGE0);
	KT_CODE(t, 0, 0x48, 0x8b, 0x1f, STOP); /* mov (%rdi),%rbx */
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBX),
			  *(uint64_t *)(void *)kt_view(t, 0, CODE_PAGE0));
	kt_wrmsr(t, 0, HV_X64_MSR_HYPERCALL, 0);
	ck_assert_uint_eq(*kt_view(t, 0, CODE_PAGE0), 0x77);
	ck_assert_int_eq(shown(t, 0, CODE_PAGE0), 2);
	kt_free(t);
}
END_TEST

START_TEST(an_overlay_moves)
{
	struct kt *t = kt_new(NULL);

	kt_wrmsr(t, 0, HV_X64_MSR_GUEST_OS_ID, 1);
	kt_wrmsr(t, 0, HV_X64_MSR_HYPERCALL, CODE_PAGE0 | 1);
	kt_wrmsr(t, 0, HV_X64_MSR_HYPERCALL, 0x600000 | 1);
	ck_assert_int_eq(shown(t, 0, CODE_PAGE0), 2);
	ck_assert_int_eq(shown(t, 0, 0x600000), 1);
	ck_assert_uint_eq(t->k->space[0].overlay_count, 1);
	kt_free(t);
}
END_TEST

START_TEST(an_overlay_that_finds_no_slot_is_refused)
{
	struct kt *t = kt_new(NULL);
	struct vk_space *space = &t->k->space[0];

	kt_wrmsr(t, 0, HV_X64_MSR_GUEST_OS_ID, 1);
	kt_wrmsr(t, 0, HV_X64_MSR_HYPERCALL, CODE_PAGE0 | 1);
	space->now.max = space->next.max = space->now.count;
	kt_wrmsr(t, 0, HV_X64_MSR_HYPERCALL, 0x600000 | 1);
	ck_assert_uint_eq(kt_vector(t, 0), 13);
	ck_assert_uint_eq(space->overlay_count, 1);
	ck_assert_int_eq(shown(t, 0, 0x600000), 2);
	ck_assert_int_eq(shown(t, 0, CODE_PAGE0), 1);
	ck_assert_uint_eq(kt_rdmsr(t, 0, HV_X64_MSR_HYPERCALL), CODE_PAGE0 | 1);
	kt_free(t);
}
END_TEST

START_TEST(an_overlay_where_no_ram_is)
{
	struct kt *t = kt_new(NULL);

	kt_wrmsr(t, 0, HV_X64_MSR_GUEST_OS_ID, 1);
	kt_wrmsr(t, 0, HV_X64_MSR_HYPERCALL, 0xfee00000ull | 1);
	ck_assert_int_eq(shown(t, 0, 0xfee00000ull), 1);
	kt_wrmsr(t, 0, HV_X64_MSR_HYPERCALL, 0);
	ck_assert_int_eq(shown(t, 0, 0xfee00000ull), 0);
	kt_free(t);
}
END_TEST

/* Rights of a page under an overlay wait for it to go. */
START_TEST(rights_and_overlays_do_not_mix)
{
	struct kt *t = kt_new(NULL);

	kt_vtl1(t);
	ck_assert_int_eq(shown(t, 0, CODE_PAGE0), 1);
	kt_deny(t, CODE_PAGE0, 0);
	ck_assert_int_eq(shown(t, 0, CODE_PAGE0), 1);
	kt_switch(t, 1);
	kt_wrmsr(t, 0, HV_X64_MSR_HYPERCALL, 0);
	ck_assert_int_eq(shown(t, 0, CODE_PAGE0), 0);
	kt_free(t);
}
END_TEST

START_TEST(reset_lifts_everything)
{
	struct kt *t = kt_new(NULL);

	kt_vtl1(t);
	kt_deny(t, PAGE_GPA, 0);
	assert_err(vsm_partition_reset(t->vsm), 0);
	for (uint32_t vtl = 0; vtl < 2; vtl++) {
		check_layout(t, vtl);
		ck_assert_int_eq(shown(t, vtl, CODE_PAGE0), 2);
		ck_assert_int_eq(shown(t, vtl, PAGE_GPA), 2);
		ck_assert_uint_eq(t->k->space[vtl].overlay_count, 0);
	}
	/* And the machine starts again. */
	kt_tables(t);
	kt_long_mode(t, 0, 0);
	kt_vtl1(t);
	kt_free(t);
}
END_TEST

/* Notes, in words where they are aligned: each place and length beside a loop over bytes. */
START_TEST(notes_are_kept_byte_by_byte)
{
	_Alignas(8) uint8_t notes[48], want[48];

	for (uint32_t at = 0; at < 10; at++) {
		for (uint32_t n = 0; n < 36; n++) {
			for (uint32_t i = 0; i < sizeof(notes); i++)
				notes[i] = want[i] = (uint8_t)(i % 3 ? 0x81 : 0x92);
			for (uint32_t i = at; i < at + n; i++)
				want[i] &= 0x03;
			kvm_notes_and(notes + at, n, 0x03);
			ck_assert_mem_eq(notes, want, sizeof(notes));
			memset(want + at, 0xa5, n);
			kvm_notes_fill(notes + at, n, 0xa5);
			ck_assert_mem_eq(notes, want, sizeof(notes));
			/* As far as they are alike, and no further than was asked for. */
			ck_assert_uint_eq(kvm_notes_same(notes + at, 38, 0xa5), n);
			ck_assert_uint_eq(kvm_notes_same(notes + at, n / 2, 0xa5), n / 2);
		}
	}
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(notes_are_kept_byte_by_byte),
	VSMTEST_CASE(ram_arguments_are_checked),
	VSMTEST_CASE(ram_must_be_shared_memory),
	VSMTEST_CASE(ranges_must_not_overlap),
	VSMTEST_CASE(device_arguments_are_checked),
	VSMTEST_CASE(device_memory_is_seen_by_every_vtl),
	VSMTEST_CASE(views_are_one_memory),
	VSMTEST_CASE(gpa_ops_stay_within_ram),
	VSMTEST_CASE(rights_come_and_go),
	VSMTEST_CASE(rights_are_shown_and_lifted),
	VSMTEST_CASE(a_page_that_comes_and_goes_is_cheap),
	VSMTEST_CASE(slots_are_joined_when_they_run_out),
	VSMTEST_CASE(neighbours_are_one_slot),
	VSMTEST_CASE(many_scattered_pages),
	VSMTEST_CASE(random_rights_are_what_the_table_says),
	VSMTEST_CASE(without_slots_nothing_changes),
	VSMTEST_CASE(a_slot_that_kvm_refuses_changes_nothing),
	VSMTEST_CASE(an_overlay_hides_ram_in_its_vtl_only),
	VSMTEST_CASE(an_overlay_moves),
	VSMTEST_CASE(an_overlay_that_finds_no_slot_is_refused),
	VSMTEST_CASE(an_overlay_where_no_ram_is),
	VSMTEST_CASE(rights_and_overlays_do_not_mix),
	VSMTEST_CASE(reset_lifts_everything),
};

int main(void)
{
	return kt_main("kvm_memory", cases, VSMTEST_COUNT(cases));
}
