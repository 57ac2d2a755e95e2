/* SPDX-License-Identifier: BSD-3-Clause */
/* Two VPs at once: rights hold for both before the one that asked goes on. */
#include "kvmtest_pair.h"

#include "internal.h"

START_TEST(no_write_lands_after_the_page_was_denied)
{
	struct timespec ms20 = { 0, 20000000 };
	struct pair p;
	uint64_t after;

	pair_start(&p);
	*kt_at(p.t, PAGE_GPA) = 0;
	vp1_start(&p, spin, sizeof(spin));
	wait_for_change(&p);
	kt_deny(p.t, PAGE_GPA, 0);
	after = *kt_at(p.t, PAGE_GPA);
	nanosleep(&ms20, NULL);
	ck_assert_uint_eq(*kt_at(p.t, PAGE_GPA), after);
	vp1_end(&p);
	/* VTL1 was never enabled on VP 1: there is nobody to tell, and the access must not go
	 * through. It ran into #GP and stopped there. */
	ck_assert_uint_eq(p.last_kind, VSM_KVM_EXIT_PIO);
	ck_assert_uint_eq(kt_get(&p.one, 0, HV_X64_REGISTER_RBP), 13);
	kt_free(p.t);
}
END_TEST

START_TEST(rights_of_other_pages_do_not_disturb_a_vp)
{
	uint64_t gpa[] = { 0x500000, 0x502000, 0x600000 };
	struct pair p;

	pair_start(&p);
	*kt_at(p.t, PAGE_GPA) = 0;
	vp1_start(&p, spin, sizeof(spin));
	wait_for_change(&p);
	for (uint32_t i = 0; i < 50; i++) {
		ck_assert_uint_eq(kt_protect(p.t, 1, 0, gpa, 3), REPS(3));
		ck_assert_uint_eq(kt_protect(p.t, 1, HV_MAP_GPA_PERMISSIONS_MASK, gpa, 3), REPS(3));
	}
	wait_for_change(&p);
	vp1_end(&p);
	ck_assert_uint_eq(p.last_kind, VSM_KVM_EXIT_INTR);
	kt_free(p.t);
}
END_TEST

/* The count of a VP that writes while its page goes to and fro between R+X... and back is never
 * off: what was held is performed or the VP is stopped, nothing is done twice. */
START_TEST(a_kick_storm_loses_no_instruction)
{
	struct pair p;
	/* mov $200000,%ecx; 1: incq (%rdi); dec %ecx; jnz 1b; out %al,$STOP_PORT */
	static const uint8_t count[] = { 0xb9, 0x40, 0x0d, 0x03, 0x00, 0x48, 0xff,
					 0x07, 0xff, 0xc9, 0x75, 0xf9, STOP };

	pair_start(&p);
	*kt_at(p.t, PAGE_GPA) = 0;
	vp1_start(&p, count, sizeof(count));
	for (uint32_t i = 0; i < 300; i++)
		vsm_kvm_kick(p.one.vp);
	for (uint32_t i = 0; i < 20; i++) {
		uint64_t gpa = 0x700000;

		kt_deny(p.t, gpa, 0);
		ck_assert_uint_eq(kt_protect(p.t, 1, HV_MAP_GPA_PERMISSIONS_MASK, &gpa, 1),
				  REPS(1));
	}
	pthread_join(p.runner, NULL);
	ck_assert_uint_eq(p.last_kind, VSM_KVM_EXIT_PIO);
	ck_assert_uint_eq(*kt_at(p.t, PAGE_GPA), 200000);
	kt_free(p.t);
}
END_TEST

/* What a kick is about comes before the guest goes on, also when the kick meets half-done I/O. */
START_TEST(posted_work_goes_before_the_guest)
{
	struct hv_input_set_vp_registers *in;
	struct hv_register_assoc *reg;
	struct pair p;
	/* in $0x60,%al; mov $1000,%ecx; 1: dec %ecx; jnz 1b; out %al,$0x81 */
	static const uint8_t code[] = { 0xe4, 0x60, 0xb9, 0xe8, 0x03, 0,   0,
					0xff, 0xc9, 0x75, 0xfc, 0xe6, 0x81 };
	static const uint8_t stop[] = { STOP };

	pair_start(&p);
	kt_long_mode(&p.one, 0, 0);
	memcpy(p.t->ram + SPIN_GPA, code, sizeof(code));
	memcpy(p.t->ram + SPIN_GPA + 0x100, stop, sizeof(stop));
	kt_set(&p.one, 0, HV_X64_REGISTER_RIP, SPIN_GPA);
	ck_assert_uint_eq(kt_run(&p.one), VSM_KVM_EXIT_PIO);
	p.one.exit.data[0] = 0x5a;
	/* VTL1 of VP 0 moves RIP of VP 1. */
	in = (void *)kt_at(p.t, INPUT_GPA);
	reg = (void *)(in + 1);
	memset(in, 0, sizeof(*in) + sizeof(*reg));
	in->partition_id = HV_PARTITION_ID_SELF;
	in->vp_index = 1;
	in->input_vtl = 0x10;
	reg->name = HV_X64_REGISTER_RIP;
	reg->value.low = SPIN_GPA + 0x100;
	kt_set(p.t, 1, HV_X64_REGISTER_RCX, HVCALL_SET_VP_REGISTERS | REPS(1));
	kt_set(p.t, 1, HV_X64_REGISTER_RDX, INPUT_GPA);
	KT_CODE(p.t, 1, 0xe6, 0x7e, 0x90, STOP);
	ck_assert_uint_eq(kt_run(p.t), VSM_KVM_EXIT_BLOCKED);
	ck_assert_uint_eq(kt_run(&p.one), VSM_KVM_EXIT_PIO);
	ck_assert_uint_eq(p.one.exit.address, STOP_PORT);
	ck_assert_uint_eq(p.one.exit.rip, SPIN_GPA + 0x102);
	ck_assert_uint_eq(kt_get(&p.one, 0, HV_X64_REGISTER_RAX) & 0xff, 0x5a);
	ck_assert_uint_eq(kt_stop(p.t), 1);
	ck_assert_uint_eq(kt_get(p.t, 1, HV_X64_REGISTER_RAX), REPS(1));
	kt_free(p.t);
}
END_TEST

START_TEST(the_second_vp_has_its_own_vtls)
{
	struct vsm_kvm_vp *vp = NULL;
	struct pair p;

	pair_start(&p);
	assert_err(vsm_kvm_vp_create(p.t->k, 1, 7, &vp), -VSM_ERR_EXISTS);
	ck_assert_ptr_null(vp);
	ck_assert_uint_eq(vsm_vp_active_vtl(vsm_kvm_vp_vsm(p.t->vp)), 1);
	ck_assert_uint_eq(vsm_vp_active_vtl(vsm_kvm_vp_vsm(p.one.vp)), 0);
	ck_assert_uint_eq(vsm_vp_enabled_vtls(vsm_kvm_vp_vsm(p.one.vp)), 1);
	kt_long_mode(&p.one, 0, 0);
	ck_assert_uint_eq(kt_rdmsr(&p.one, 0, HV_X64_MSR_VP_INDEX), 1);
	ck_assert_uint_eq(p.one.exit.vp, 1);
	kt_free(p.t);
}
END_TEST

#define MANY 16u

struct creator {
	struct vsm_kvm *k;
	uint32_t index;
	struct vsm_kvm_vp *vp;
	int result;
};

static void *creates(void *arg)
{
	struct creator *c = arg;

	c->result = vsm_kvm_vp_create(c->k, c->index, c->index, &c->vp);
	return NULL;
}

/* Each thread creates the VP that it will run. */
START_TEST(vps_are_created_by_several_threads_at_once)
{
	struct creator c[MANY] = { { .index = 0 } };
	struct vsm_kvm_options o;
	pthread_t thread[MANY];
	struct pair p;
	struct kt *t;

	pair_bare(&p, VSM_KVM_ENFORCE_AUTO, 0, vsm_kvm_ops);
	o = p.t->k->options;
	kt_free(p.t);
	o.max_vps = MANY;
	t = kt_bare(&o);
	t->k->options.log = pair_log;
	kt_tables(t);
	assert_err(vsm_kvm_ram_add(t->k, 0, RAM_SIZE, t->memfd, 0, 0), 0);
	assert_err(vsm_partition_realise(t->vsm), 0);
	for (uint32_t i = 0; i < MANY; i++) {
		c[i].k = t->k;
		c[i].index = i;
		ck_assert_int_eq(pthread_create(&thread[i], NULL, creates, &c[i]), 0);
	}
	for (uint32_t i = 0; i < MANY; i++)
		pthread_join(thread[i], NULL);
	for (uint32_t i = 0; i < MANY; i++) {
		assert_err(c[i].result, 0);
		ck_assert_ptr_eq(t->k->vp[i], c[i].vp);
	}
	kt_free(t);
}
END_TEST

/* The partition takes no VP while another one is in an entry. That is no reason to lose it. */
START_TEST(a_vp_is_created_when_the_others_let_it)
{
	struct vsm_kvm_vp *vp = NULL;
	struct pair p;

	pair_bare(&p, VSM_KVM_ENFORCE_AUTO, 0, vsm_kvm_ops);
	kt_start(p.t);
	atomic_store(&p.t->vsm->vp[0]->busy, 1);
	for (uint32_t i = 0; i < 3; i++)
		assert_err(vsm_kvm_vp_create(p.t->k, 1, 1 + i, &vp), -VSM_ERR_MISUSE);
	atomic_store(&p.t->vsm->vp[0]->busy, 0);
	ck_assert_ptr_null(vp);
	assert_err(vsm_kvm_vp_create(p.t->k, 1, 5, &vp), 0);
	p.one = *p.t;
	p.one.vp = vp;
	kt_long_mode(&p.one, 0, 0);
	ck_assert_uint_eq(kt_rdmsr(&p.one, 0, HV_X64_MSR_VP_INDEX), 1);
	kt_free(p.t);
}
END_TEST

struct counters {
	struct pair *p;
	struct vsm_kvm_stats last;
	uint64_t reads;
	atomic_int stop, wrong;
};

/* Words of the struct that never get less. */
static int is_less(const struct vsm_kvm_stats *now, const struct vsm_kvm_stats *before)
{
	size_t skip = offsetof(struct vsm_kvm_stats, emulated_pages) / 8;
	uint64_t a[sizeof(*now) / 8], b[sizeof(*now) / 8];

	memcpy(a, now, sizeof(a));
	memcpy(b, before, sizeof(b));
	for (size_t i = 0; i < VSMTEST_COUNT(a); i++) {
		if (i != skip && a[i] < b[i])
			return 1;
	}
	return 0;
}

static void *reads_counters(void *arg)
{
	struct counters *c = arg;

	while (!atomic_load(&c->stop)) {
		struct vsm_kvm_stats now = kt_stats(c->p->t);

		if (is_less(&now, &c->last))
			atomic_store(&c->wrong, 1);
		c->last = now;
		c->reads++;
	}
	return NULL;
}

/* By a thread that runs no VP, while both of them run and pages are emulated. Also for a sanitizer
 * of races to look at. */
START_TEST(counters_are_read_while_vps_run)
{
	uint64_t gpa[] = { 0x500000, 0x502000, 0x600000 };
	struct counters c = { .reads = 0 };
	struct vsm_kvm_stats end;
	pthread_t reader;
	struct pair p;

	pair_start_emulating(&p, 8);
	*kt_at(p.t, PAGE_GPA) = 0;
	c.p = &p;
	ck_assert_int_eq(pthread_create(&reader, NULL, reads_counters, &c), 0);
	vp1_start(&p, spin, sizeof(spin));
	wait_for_change(&p);
	for (uint32_t i = 0; i < 20; i++) {
		ck_assert_uint_eq(kt_protect(p.t, 1, i % 2 == 0 ? 0 : 3, gpa, 3), REPS(3));
		ck_assert_uint_eq(kt_protect(p.t, 1, HV_MAP_GPA_PERMISSIONS_MASK, gpa, 3), REPS(3));
	}
	vp1_end(&p);
	atomic_store(&c.stop, 1);
	pthread_join(reader, NULL);
	end = kt_stats(p.t);
	ck_assert_int_eq(atomic_load(&c.wrong), 0);
	ck_assert_uint_gt(c.reads, 0);
	ck_assert_int_eq(is_less(&end, &c.last), 0);
	ck_assert_uint_eq(end.changes, 40);
	ck_assert_uint_gt(end.runs, 40);
	ck_assert_uint_eq(end.emulated_pages, 0);
	kt_free(p.t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(no_write_lands_after_the_page_was_denied),
	VSMTEST_CASE(rights_of_other_pages_do_not_disturb_a_vp),
	VSMTEST_CASE(a_kick_storm_loses_no_instruction),
	VSMTEST_CASE(posted_work_goes_before_the_guest),
	VSMTEST_CASE(the_second_vp_has_its_own_vtls),
	VSMTEST_CASE(vps_are_created_by_several_threads_at_once),
	VSMTEST_CASE(a_vp_is_created_when_the_others_let_it),
	VSMTEST_CASE(counters_are_read_while_vps_run),
};

int main(void)
{
	return kt_main("kvm_parallel", cases, VSMTEST_COUNT(cases));
}
