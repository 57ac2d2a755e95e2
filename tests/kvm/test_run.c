/* SPDX-License-Identifier: BSD-3-Clause */
/* Exits that are the VMM's: what it is told, and that its answers arrive. */
#include "kvmtest.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

#define DEVICE_GPA (RAM_SIZE + 0x5000u)

START_TEST(bad_arguments_are_refused)
{
	struct kt *t = kt_new(NULL);
	struct vsm_kvm_exit exit = { .size = sizeof(exit) - 1 };

	assert_err(vsm_kvm_run(NULL, &t->exit), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_run(t->vp, NULL), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_run(t->vp, &exit), -VSM_ERR_INVAL);
	kt_free(t);
}
END_TEST

START_TEST(a_port_write_shows_its_data)
{
	struct kt *t = kt_new(NULL);

	kt_set(t, 0, HV_X64_REGISTER_RAX, 0x11223344);
	kt_set(t, 0, HV_X64_REGISTER_RDX, 0x3f8);
	KT_CODE(t, 0, 0xef, STOP); /* out %eax,%dx */
	ck_assert_uint_eq(kt_run(t), VSM_KVM_EXIT_PIO);
	ck_assert_uint_eq(t->exit.address, 0x3f8);
	ck_assert_uint_eq(t->exit.is_write, 1);
	ck_assert_uint_eq(t->exit.data_size, 4);
	ck_assert_uint_eq(t->exit.count, 1);
	ck_assert_uint_eq(*(uint32_t *)(void *)t->exit.data, 0x11223344);
	ck_assert_uint_eq(t->exit.vp, 0);
	ck_assert_uint_eq(t->exit.vtl, 0);
	ck_assert_uint_eq(kt_stop(t), 0);
	kt_free(t);
}
END_TEST

START_TEST(a_port_read_gets_the_answer)
{
	struct kt *t = kt_new(NULL);

	kt_set(t, 0, HV_X64_REGISTER_RAX, 0xffffffff);
	KT_CODE(t, 0, 0x66, 0xe5, 0x60, STOP); /* in $0x60,%ax */
	ck_assert_uint_eq(kt_run(t), VSM_KVM_EXIT_PIO);
	ck_assert_uint_eq(t->exit.address, 0x60);
	ck_assert_uint_eq(t->exit.is_write, 0);
	ck_assert_uint_eq(t->exit.data_size, 2);
	memcpy(t->exit.data, "\x34\x12", 2);
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RAX), 0xffff1234);
	kt_free(t);
}
END_TEST

START_TEST(the_trap_port_is_no_device)
{
	struct kt *t = kt_new(NULL);

	/* Two bytes at the trap port, and a read of it, are no hypercall. */
	KT_CODE(t, 0, 0x66, 0xe7, 0x7e, 0xe4, 0x7e, STOP);
	ck_assert_uint_eq(kt_run(t), VSM_KVM_EXIT_PIO);
	ck_assert_uint_eq(t->exit.address, 0x7e);
	ck_assert_uint_eq(t->exit.data_size, 2);
	ck_assert_uint_eq(kt_run(t), VSM_KVM_EXIT_PIO);
	ck_assert_uint_eq(t->exit.is_write, 0);
	ck_assert_uint_eq(kt_stop(t), 0);
	kt_free(t);
}
END_TEST

START_TEST(another_trap_port)
{
	struct vsm_kvm_options o;
	struct kt *t;

	vsm_kvm_options_init(&o);
	o.trap_port = 0x55;
	t = kt_new(&o);
	kt_wrmsr(t, 0, HV_X64_MSR_GUEST_OS_ID, 1);
	kt_wrmsr(t, 0, HV_X64_MSR_HYPERCALL, CODE_PAGE0 | 1);
	kt_set(t, 0, HV_X64_REGISTER_RCX, 0x7777); /* no such call */
	KT_CODE(t, 0, 0xe6, 0x55, 0x90, STOP);
	ck_assert_uint_eq(kt_stop(t), 0);
	assert_status((uint32_t)kt_get(t, 0, HV_X64_REGISTER_RAX),
		      HV_STATUS_INVALID_HYPERCALL_CODE);
	kt_free(t);
}
END_TEST

/* Where KVM leaves RIP on an OUT until it is completed, it is completed first. */
START_TEST(hypercalls_where_rip_is_late)
{
	struct kt *t = kt_new(NULL);

	t->k->facts.host.flags &= ~VSM_KVM_OUT_RIP_ADVANCED;
	kt_vtl1(t);
	kt_switch(t, 1);
	kt_switch(t, 0);
	kt_set(t, 1, HV_X64_REGISTER_RCX, 0x7777);
	KT_CODE(t, 1, 0xe6, 0x7e, 0x90, STOP);
	ck_assert_uint_eq(kt_stop(t), 1);
	assert_status((uint32_t)kt_get(t, 1, HV_X64_REGISTER_RAX),
		      HV_STATUS_INVALID_HYPERCALL_CODE);
	kt_free(t);
}
END_TEST

START_TEST(a_device_is_read_and_written)
{
	struct kt *t = kt_new(NULL);
	uint64_t value = 0x1020304050607080ull;

	kt_set(t, 0, HV_X64_REGISTER_RDI, DEVICE_GPA);
	/* mov (%rdi),%rbx; mov %rbx,8(%rdi) */
	KT_CODE(t, 0, 0x48, 0x8b, 0x1f, 0x48, 0x89, 0x5f, 0x08, STOP);
	ck_assert_uint_eq(kt_run(t), VSM_KVM_EXIT_MMIO);
	ck_assert_uint_eq(t->exit.address, DEVICE_GPA);
	ck_assert_uint_eq(t->exit.is_write, 0);
	ck_assert_uint_eq(t->exit.data_size, 8);
	memcpy(t->exit.data, &value, 8);
	ck_assert_uint_eq(kt_run(t), VSM_KVM_EXIT_MMIO);
	ck_assert_uint_eq(t->exit.address, DEVICE_GPA + 8);
	ck_assert_uint_eq(t->exit.is_write, 1);
	ck_assert_mem_eq(t->exit.data, &value, 8);
	ck_assert_uint_eq(kt_stop(t), 0);
	kt_free(t);
}
END_TEST

/* 16 bytes are two exits; a kick between them must not lose the second. */
START_TEST(a_kick_within_a_wide_device_read)
{
	struct kt *t = kt_new(NULL);

	kt_set(t, 0, HV_X64_REGISTER_RDI, DEVICE_GPA);
	kt_set(t, 0, HV_X64_REGISTER_RSI, OTHER_GPA);
	/* movdqu (%rdi),%xmm0; movdqu %xmm0,(%rsi) */
	KT_CODE(t, 0, 0xf3, 0x0f, 0x6f, 0x07, 0xf3, 0x0f, 0x7f, 0x06, STOP);
	ck_assert_uint_eq(kt_run(t), VSM_KVM_EXIT_MMIO);
	memset(t->exit.data, 0x11, 8);
	vsm_kvm_kick(t->vp);
	assert_err(vsm_kvm_run(t->vp, &t->exit), 0);
	ck_assert_uint_eq(t->exit.kind, VSM_KVM_EXIT_INTR);
	ck_assert_uint_eq(kt_run(t), VSM_KVM_EXIT_MMIO);
	ck_assert_uint_eq(t->exit.address, DEVICE_GPA + 8);
	memset(t->exit.data, 0x22, 8);
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(kt_at(t, OTHER_GPA)[0], 0x1111111111111111ull);
	ck_assert_uint_eq(kt_at(t, OTHER_GPA)[1], 0x2222222222222222ull);
	kt_free(t);
}
END_TEST

/* The part in RAM is denied and held; the part in the device follows when it was performed. */
static struct kt *store_across_the_end_of_ram(void)
{
	struct kt *t = kt_new(NULL);

	kt_vtl1(t);
	kt_deny(t, RAM_SIZE - 0x1000, 0);
	kt_switch(t, 1);
	kt_set(t, 0, HV_X64_REGISTER_RDI, RAM_SIZE - 3);
	kt_set(t, 0, HV_X64_REGISTER_RBX, 0x8877665544332211ull);
	KT_CODE(t, 0, 0x48, 0x89, 0x1f, STOP);
	ck_assert_uint_eq(kt_stop(t), 1);
	kt_intercept(t);
	return t;
}

START_TEST(a_store_from_denied_ram_into_a_device)
{
	struct kt *t = store_across_the_end_of_ram();
	uint64_t gpa = RAM_SIZE - 0x1000;

	ck_assert_uint_eq(kt_protect(t, 1, HV_MAP_GPA_PERMISSIONS_MASK, &gpa, 1), REPS(1));
	kt_set(t, 1, HV_X64_REGISTER_RAX, 1);
	kt_set(t, 1, HV_X64_REGISTER_RCX, HVCALL_VTL_RETURN);
	KT_CODE(t, 1, 0xe6, 0x7e, 0x90, STOP);
	ck_assert_uint_eq(kt_run(t), VSM_KVM_EXIT_MMIO);
	ck_assert_uint_eq(t->exit.vtl, 0);
	ck_assert_uint_eq(t->exit.address, RAM_SIZE);
	ck_assert_uint_eq(t->exit.is_write, 1);
	ck_assert_uint_eq(t->exit.data_size, 5);
	ck_assert_mem_eq(t->exit.data, "\x44\x55\x66\x77\x88", 5);
	ck_assert_uint_eq(t->ram[RAM_SIZE - 3], 0x11);
	ck_assert_uint_eq(t->ram[RAM_SIZE - 1], 0x33);
	ck_assert_uint_eq(kt_stop(t), 0);
	kt_free(t);
}
END_TEST

START_TEST(a_dropped_store_does_not_reach_the_device)
{
	struct kt *t = store_across_the_end_of_ram();

	ck_assert_uint_eq(kt_resume(t), 0);
	ck_assert_uint_eq(t->ram[RAM_SIZE - 1], 0);
	ck_assert_uint_eq(kt_stats(t).stores_dropped, 1);
	kt_free(t);
}
END_TEST

/* A held store, as fault.c leaves one: VK_FRAGMENTS_MAX parts, all of them for a device. */
static void hold_device_store(struct kt *t, uint32_t vtl)
{
	struct vk_vcpu *v = &t->vp->vcpu[vtl];

	v->store.rip = v->run->s.regs.regs.rip;
	v->store.count = VK_FRAGMENTS_MAX;
	for (uint32_t i = 0; i < VK_FRAGMENTS_MAX; i++)
		v->store.fragment[i] = (struct vk_fragment){ .gpa = DEVICE_GPA + 8 * i + 4096 * vtl,
							     .len = 8,
							     .is_device = 1 };
}

/* VTL1's own store may end between the fault of VTL0's and its grant: each has the room for
 * itself. */
START_TEST(parts_for_devices_of_two_vtls_do_not_pile_up)
{
	struct kt *t = kt_new(NULL);

	hold_device_store(t, 0);
	hold_device_store(t, 1);
	kvm_store_settle(t->vp, 1);
	ck_assert_uint_eq(t->vp->device_count, VK_FRAGMENTS_MAX);
	/* The VMM has not taken them: VTL0's has to wait. */
	kvm_store_settle(t->vp, 0);
	ck_assert_uint_eq(t->vp->device_count, VK_FRAGMENTS_MAX);
	ck_assert_uint_eq(t->vp->device[0].gpa, DEVICE_GPA + 4096);
	ck_assert_uint_eq(t->vp->vcpu[0].store.count, VK_FRAGMENTS_MAX);
	t->vp->device_next = VK_FRAGMENTS_MAX;
	kvm_store_settle(t->vp, 0);
	ck_assert_uint_eq(t->vp->device_next, 0);
	ck_assert_uint_eq(t->vp->device_count, VK_FRAGMENTS_MAX);
	ck_assert_uint_eq(t->vp->device[0].gpa, DEVICE_GPA);
	ck_assert_uint_eq(t->vp->vcpu[0].store.count, 0);
	kt_free(t);
}
END_TEST

/* wrmsr, rdmsr without kt_stop(): the VMM answers. */
static void unknown_msr(struct kt *t, uint32_t msr, int is_write)
{
	kt_set(t, 0, HV_X64_REGISTER_RCX, msr);
	kt_set(t, 0, HV_X64_REGISTER_RAX, 0x5678);
	kt_set(t, 0, HV_X64_REGISTER_RDX, 0x1234);
	kt_set(t, 0, HV_X64_REGISTER_RBP, 0xff);
	if (is_write)
		KT_CODE(t, 0, 0x0f, 0x30, STOP);
	else
		KT_CODE(t, 0, 0x0f, 0x32, STOP);
	ck_assert_uint_eq(kt_run(t), is_write ? VSM_KVM_EXIT_WRMSR : VSM_KVM_EXIT_RDMSR);
	ck_assert_uint_eq(t->exit.address, msr);
	ck_assert_uint_eq(t->exit.msr_fault, 1);
	ck_assert_uint_eq(t->exit.rip, CODE_GPA);
}

START_TEST(an_unknown_msr_is_gp_by_default)
{
	struct kt *t = kt_new(NULL);

	unknown_msr(t, 0x12345, 0);
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(kt_vector(t, 0), 13);
	unknown_msr(t, 0x12345, 1);
	ck_assert_uint_eq(t->exit.msr_value, 0x123400005678ull);
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(kt_vector(t, 0), 13);
	kt_free(t);
}
END_TEST

START_TEST(the_vmm_may_answer_for_an_msr)
{
	struct kt *t = kt_new(NULL);

	unknown_msr(t, 0x12345, 0);
	t->exit.msr_fault = 0;
	t->exit.msr_value = 0xaaaabbbbccccddddull;
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(kt_vector(t, 0), 0xff);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RAX), 0xccccdddd);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RDX), 0xaaaabbbb);
	unknown_msr(t, 0x6e0, 1); /* TSC_DEADLINE: KVM would swallow it. */
	t->exit.msr_fault = 0;
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(kt_vector(t, 0), 0xff);
	kt_free(t);
}
END_TEST

/* CPUID tells the guest of no KVM, so KVM's own clocks are not there either. */
START_TEST(msrs_of_kvm_are_gp)
{
	static const uint32_t msrs[] = { 0x11, 0x12, 0x4b564d00, 0x4b564d01, 0x4b564d03 };
	struct kt *t = kt_new(NULL);

	for (size_t i = 0; i < sizeof(msrs) / sizeof(msrs[0]); i++) {
		unknown_msr(t, msrs[i], 1);
		ck_assert_uint_eq(kt_stop(t), 0);
		ck_assert_uint_eq(kt_vector(t, 0), 13);
		unknown_msr(t, msrs[i], 0);
		ck_assert_uint_eq(kt_stop(t), 0);
		ck_assert_uint_eq(kt_vector(t, 0), 13);
	}
	kt_free(t);
}
END_TEST

START_TEST(synthetic_msrs_do_not_reach_the_vmm)
{
	struct kt *t = kt_new(NULL);

	ck_assert_uint_eq(kt_rdmsr(t, 0, HV_X64_MSR_VP_INDEX), 0);
	ck_assert_uint_eq(kt_vector(t, 0), 0xff);
	kt_wrmsr(t, 0, HV_X64_MSR_VP_INDEX, 1);
	ck_assert_uint_eq(kt_vector(t, 0), 13);
	kt_free(t);
}
END_TEST

START_TEST(cpuid_is_that_of_the_partition)
{
	struct kt *t = kt_new(NULL);
	struct vsm_cpuid leaf;

	for (uint32_t f = 0x40000000u; f <= 0x40000006u; f++) {
		assert_err(vsm_cpuid_get(t->vsm, f, &leaf), 0);
		kt_set(t, 0, HV_X64_REGISTER_RAX, f);
		KT_CODE(t, 0, 0x0f, 0xa2, STOP);
		ck_assert_uint_eq(kt_stop(t), 0);
		ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RAX), leaf.eax);
		ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBX), leaf.ebx);
		ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RCX), leaf.ecx);
		ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RDX), leaf.edx);
	}
	/* Hypervisor present; neither VMX nor x2APIC. */
	kt_set(t, 0, HV_X64_REGISTER_RAX, 1);
	KT_CODE(t, 0, 0x0f, 0xa2, STOP);
	ck_assert_uint_eq(kt_stop(t), 0);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RCX) & (1u << 31 | 1u << 21 | 1u << 5),
			  1u << 31);
	kt_free(t);
}
END_TEST

START_TEST(hlt_is_an_exit)
{
	struct kt *t = kt_new(NULL);

	KT_CODE(t, 0, 0xf4, STOP);
	ck_assert_uint_eq(kt_run(t), VSM_KVM_EXIT_HLT);
	ck_assert_uint_eq(t->exit.rip, CODE_GPA + 1);
	ck_assert_uint_eq(kt_stop(t), 0);
	kt_free(t);
}
END_TEST

START_TEST(a_triple_fault_is_an_exit)
{
	struct kt *t = kt_new(NULL);

	memset(t->ram + IDT_GPA, 0, 4096);
	KT_CODE(t, 0, 0x0f, 0x0b); /* ud2 */
	ck_assert_uint_eq(kt_run(t), VSM_KVM_EXIT_SHUTDOWN);
	kt_free(t);
}
END_TEST

START_TEST(what_kvm_cannot_emulate_at_cpl0_comes_with_its_bytes)
{
	struct kt *t = kt_new(NULL);

	kt_set(t, 0, HV_X64_REGISTER_RDI, DEVICE_GPA);
	KT_CODE(t, 0, 0x66, 0x0f, 0x3a, 0x0f, 0x07, 0x01, STOP); /* palignr $1,(%rdi),%xmm0 */
	ck_assert_uint_eq(kt_run(t), VSM_KVM_EXIT_EMULATION);
	ck_assert_uint_ge(t->exit.byte_count, 6);
	ck_assert_mem_eq(t->exit.bytes, "\x66\x0f\x3a\x0f\x07\x01", 6);
	ck_assert_uint_eq(t->exit.rip, CODE_GPA);
	kt_free(t);
}
END_TEST

START_TEST(a_kick_before_the_run_is_not_lost)
{
	struct kt *t = kt_new(NULL);
	struct vsm_kvm_stats before;

	vsm_kvm_kick(NULL);
	vsm_kvm_kick(t->vp);
	KT_CODE(t, 0, 0xeb, 0xfe);
	before = kt_stats(t);
	assert_err(vsm_kvm_run(t->vp, &t->exit), 0);
	ck_assert_uint_eq(t->exit.kind, VSM_KVM_EXIT_INTR);
	ck_assert_uint_eq(kt_stats(t).runs, before.runs);
	KT_CODE(t, 0, STOP);
	ck_assert_uint_eq(kt_stop(t), 0);
	kt_free(t);
}
END_TEST

static pthread_t vp_thread;

static void kick_thread(void *opaque, uint32_t vp)
{
	(void)opaque;
	(void)vp;
	pthread_kill(vp_thread, SIGUSR1);
}

static void *kick_later(void *arg)
{
	struct timespec ms20 = { 0, 20000000 };
	struct kt *t = arg;

	nanosleep(&ms20, NULL);
	vsm_kvm_kick(t->vp);
	return NULL;
}

START_TEST(a_kick_reaches_a_guest_that_spins)
{
	struct vsm_kvm_options o;
	sigset_t usr1, pending;
	pthread_t kicker;
	struct kt *t;

	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &usr1, NULL);
	vp_thread = pthread_self();
	vsm_kvm_options_init(&o);
	o.kick_signal = SIGUSR1;
	o.kick = kick_thread;
	t = kt_new(&o);
	for (uint32_t cpl = 0; cpl <= 3; cpl += 3) {
		kt_long_mode(t, 0, cpl);
		KT_CODE(t, 0, 0xeb, 0xfe);
		ck_assert_int_eq(pthread_create(&kicker, NULL, kick_later, t), 0);
		assert_err(vsm_kvm_run(t->vp, &t->exit), 0);
		ck_assert_uint_eq(t->exit.kind, VSM_KVM_EXIT_INTR);
		pthread_join(kicker, NULL);
		/* No handler is installed: the signal was taken, or would have ended us. */
		sigpending(&pending);
		if (sigismember(&pending, SIGUSR1))
			assert_err(vsm_kvm_run(t->vp, &t->exit), 0);
		sigpending(&pending);
		ck_assert_int_eq(sigismember(&pending, SIGUSR1), 0);
	}
	kt_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(bad_arguments_are_refused),
	VSMTEST_CASE(a_port_write_shows_its_data),
	VSMTEST_CASE(a_port_read_gets_the_answer),
	VSMTEST_CASE(the_trap_port_is_no_device),
	VSMTEST_CASE(another_trap_port),
	VSMTEST_CASE(hypercalls_where_rip_is_late),
	VSMTEST_CASE(a_device_is_read_and_written),
	VSMTEST_CASE(a_kick_within_a_wide_device_read),
	VSMTEST_CASE(a_store_from_denied_ram_into_a_device),
	VSMTEST_CASE(a_dropped_store_does_not_reach_the_device),
	VSMTEST_CASE(parts_for_devices_of_two_vtls_do_not_pile_up),
	VSMTEST_CASE(an_unknown_msr_is_gp_by_default),
	VSMTEST_CASE(the_vmm_may_answer_for_an_msr),
	VSMTEST_CASE(msrs_of_kvm_are_gp),
	VSMTEST_CASE(synthetic_msrs_do_not_reach_the_vmm),
	VSMTEST_CASE(cpuid_is_that_of_the_partition),
	VSMTEST_CASE(hlt_is_an_exit),
	VSMTEST_CASE(a_triple_fault_is_an_exit),
	VSMTEST_CASE(what_kvm_cannot_emulate_at_cpl0_comes_with_its_bytes),
	VSMTEST_CASE(a_kick_before_the_run_is_not_lost),
	VSMTEST_CASE(a_kick_reaches_a_guest_that_spins),
};

int main(void)
{
	return kt_main("kvm_run", cases, VSMTEST_COUNT(cases));
}
