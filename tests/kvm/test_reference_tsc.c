/* SPDX-License-Identifier: BSD-3-Clause */
/* The reference TSC page as a guest on a real processor reads it (TLFS ch. 12). */
#include "kvmtest.h"

#include <sys/ioctl.h>

__extension__ typedef unsigned __int128 u128;

static int has_clock(struct kt *t)
{
	struct vsm_capabilities caps = { .size = sizeof(caps) };

	assert_err(vsm_capabilities_get(t->vsm, &caps), 0);
	return (caps.flags & VSM_CAP_CLOCK) != 0;
}

/* The page as VTL0 reads it: its first 24 bytes. */
static void read_page(struct kt *t, struct hv_reference_tsc_page *page)
{
	memset(page, 0, sizeof(*page));
	kt_set(t, 0, HV_X64_REGISTER_RDI, PAGE_GPA);
	/* mov (%rdi),%rbx; mov 8(%rdi),%rsi; mov 16(%rdi),%r8 */
	KT_CODE(t, 0, 0x48, 0x8b, 0x1f, 0x48, 0x8b, 0x77, 8, 0x4c, 0x8b, 0x47, 16, STOP);
	ck_assert_uint_eq(kt_stop(t), 0);
	page->tsc_sequence = (uint32_t)kt_get(t, 0, HV_X64_REGISTER_RBX);
	page->reserved1 = (uint32_t)(kt_get(t, 0, HV_X64_REGISTER_RBX) >> 32);
	page->tsc_scale = kt_get(t, 0, HV_X64_REGISTER_RSI);
	page->tsc_offset = (int64_t)kt_get(t, 0, HV_X64_REGISTER_R8);
}

static uint64_t time_at(const struct hv_reference_tsc_page *page, uint64_t tsc)
{
	return (uint64_t)(((u128)tsc * page->tsc_scale) >> 64) + (uint64_t)page->tsc_offset;
}

/* RDTSC, RDMSR of the counter, RDTSC. */
static void sandwich(struct kt *t, uint64_t *first, uint64_t *count, uint64_t *last)
{
	kt_set(t, 0, HV_X64_REGISTER_RCX, HV_X64_MSR_TIME_REF_COUNT);
	KT_CODE(t, 0, 0x0f, 0x31, /* rdtsc */
		0x89, 0xc6, 0x89, 0xd7, /* mov %eax,%esi; mov %edx,%edi */
		0x0f, 0x32, /* rdmsr */
		0x41, 0x89, 0xc0, 0x41, 0x89, 0xd1, /* mov %eax,%r8d; mov %edx,%r9d */
		0x0f, 0x31, STOP);
	ck_assert_uint_eq(kt_stop(t), 0);
	*first = kt_get(t, 0, HV_X64_REGISTER_RSI) | kt_get(t, 0, HV_X64_REGISTER_RDI) << 32;
	*count = kt_get(t, 0, HV_X64_REGISTER_R8) | kt_get(t, 0, HV_X64_REGISTER_R9) << 32;
	*last = kt_get(t, 0, HV_X64_REGISTER_RAX) | kt_get(t, 0, HV_X64_REGISTER_RDX) << 32;
}

/* The guest's TSC is the host's, at a rate that KVM knows: it can be vouched for. */
static int tsc_is_the_hosts(struct kt *t)
{
	uint64_t before, guest, after;

	KT_CODE(t, 0, 0x0f, 0x31, STOP); /* rdtsc */
	before = __builtin_ia32_rdtsc();
	ck_assert_uint_eq(kt_stop(t), 0);
	after = __builtin_ia32_rdtsc();
	guest = kt_get(t, 0, HV_X64_REGISTER_RAX) | kt_get(t, 0, HV_X64_REGISTER_RDX) << 32;
	return before <= guest && guest <= after &&
	       ioctl(vsm_kvm_vcpu_fd(t->vp, 0), KVM_GET_TSC_KHZ, NULL) > 10000;
}

/* Without a clock that the backend can vouch for there is no such MSR, which is right as well. */
static int enable(struct kt *t)
{
	kt_wrmsr(t, 0, HV_X64_MSR_REFERENCE_TSC, PAGE_GPA | 1);
	if (has_clock(t)) {
		ck_assert_uint_eq(kt_vector(t, 0), 0xff);
		return 1;
	}
	ck_assert_uint_eq(kt_vector(t, 0), 13);
	ck_assert_int_eq(tsc_is_the_hosts(t), 0);
	printf("# this host has no clock that libvsm-kvm can vouch for\n");
	return 0;
}

START_TEST(a_guest_makes_the_same_time_of_the_page)
{
	struct kt *t = kt_new(NULL);
	struct hv_reference_tsc_page page;
	uint64_t before = 0;
	uint32_t i;

	for (i = 0; enable(t) && i < 200; i++) {
		uint64_t first, count, last;

		read_page(t, &page);
		ck_assert_uint_eq(page.tsc_sequence, 1);
		ck_assert_uint_eq(page.reserved1, 0);
		sandwich(t, &first, &count, &last);
		ck_assert_uint_le(first, last);
		ck_assert_uint_ge(count, time_at(&page, first));
		ck_assert_uint_le(count, time_at(&page, last));
		ck_assert_uint_ge(count, before);
		before = count;
	}
	printf("# %u readings of page and counter\n", i);
	kt_free(t);
}
END_TEST

START_TEST(a_write_to_the_page_is_mc_and_changes_nothing)
{
	struct kt *t = kt_new(NULL);
	struct hv_reference_tsc_page before, after;
	uint8_t beneath[16];

	memcpy(beneath, t->ram + PAGE_GPA, sizeof(beneath));
	if (enable(t)) {
		read_page(t, &before);
		kt_set(t, 0, HV_X64_REGISTER_RDI, PAGE_GPA);
		kt_set(t, 0, HV_X64_REGISTER_RBP, 0xff);
		KT_CODE(t, 0, 0x48, 0x89, 0x1f, STOP); /* mov %rbx,(%rdi) */
		ck_assert_uint_eq(kt_stop(t), 0);
		ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBP), 18); /* TLFS 8.8 */
		read_page(t, &after);
		ck_assert_mem_eq(&before, &after, sizeof(before));
	}
	ck_assert_mem_eq(t->ram + PAGE_GPA, beneath, sizeof(beneath));
	kt_free(t);
}
END_TEST

START_TEST(vtl1_sees_ram_where_vtl0_sees_the_page)
{
	struct kt *t = kt_new(NULL);

	*kt_at(t, PAGE_GPA) = 0x1122334455667788;
	if (enable(t)) {
		kt_enable_vtl1(t);
		kt_switch(t, 0);
		kt_set(t, 1, HV_X64_REGISTER_RDI, PAGE_GPA);
		KT_CODE(t, 1, 0x48, 0x8b, 0x1f, STOP); /* mov (%rdi),%rbx */
		ck_assert_uint_eq(kt_stop(t), 1);
		ck_assert_uint_eq(kt_get(t, 1, HV_X64_REGISTER_RBX), 0x1122334455667788);
	}
	kt_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(a_guest_makes_the_same_time_of_the_page),
	VSMTEST_CASE(a_write_to_the_page_is_mc_and_changes_nothing),
	VSMTEST_CASE(vtl1_sees_ram_where_vtl0_sees_the_page),
};

int main(void)
{
	return vsmtest_main("kvm_reference_tsc", cases, VSMTEST_COUNT(cases));
}
