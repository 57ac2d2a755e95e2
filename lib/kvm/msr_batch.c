/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists of MSRs, each read and written by as few ioctls as KVM allows. */
#include "vcpu_state.h"

#include <errno.h>

#include "kvm_private.h"

#define CPUID_7_EBX_MPX (1u << 14)
#define XCR0_MPX	0x18u
#define MSR_BNDCFGS	0xd90u

/* struct kvm_msrs with room. */
struct batch {
	uint32_t nmsrs;
	uint32_t padding;
	struct kvm_msr_entry entry[VK_BATCH_MAX];
	uint32_t row[VK_BATCH_MAX]; /* Of an entry. */
};

static int has(const struct vk_msr_values *v, uint32_t row)
{
	return (int)(v->has >> row & 1);
}

static void add(struct batch *b, const struct vk_msr_row *rows, uint32_t row, uint64_t value)
{
	b->row[b->nmsrs] = row;
	b->entry[b->nmsrs++] = (struct kvm_msr_entry){ .index = rows[row].msr, .data = value };
}

/*
 * MPX left the CPUs before KVM learned CET, so to ask KVM would mostly be in vain. KVM has it if
 * the host enabled it in XCR0; to read that never leaves a VM, as CPUID does where KVM runs in one.
 */
static int cpu_has_mpx(int is_xsave_on)
{
	uint32_t eax = 7, ebx, ecx = 0, edx;

	if (is_xsave_on) {
		__asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
		return (eax & XCR0_MPX) != 0;
	}
	__asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	return (ebx & CPUID_7_EBX_MPX) != 0;
}

/* The row to go on with, after KVM said that it has no such MSR as in `row`. */
static uint32_t after_gap(const struct vk_msr_row *rows, uint32_t count, uint32_t row,
			  int is_xsave_on)
{
	row += rows[row].lack != 0 ? rows[row].lack : 1;
	if (row < count && rows[row].msr == MSR_BNDCFGS && !cpu_has_mpx(is_xsave_on))
		row++;
	return row;
}

/* KVM_GET_MSRS stops at the first MSR that there is not. */
int kvm_batch_get(int fd, const struct vk_msr_row *rows, uint32_t count, struct vk_msr_values *v,
		  int is_xsave_on)
{
	v->has = 0;
	for (uint32_t next = 0; next < count;) {
		struct batch b = { .nmsrs = 0 };
		int n;

		for (uint32_t i = next; i < count; i++)
			add(&b, rows, i, 0);
		n = kvm_ioctl(fd, KVM_GET_MSRS, &b);
		if (n < 0)
			return -VSM_ERR_SYS;
		for (uint32_t i = 0; i < (uint32_t)n && i < b.nmsrs; i++, next++) {
			v->value[next] = b.entry[i].data;
			v->has |= 1ull << next;
		}
		if (next < count)
			next = after_gap(rows, count, next, is_xsave_on);
	}
	return 0;
}

/* Of the first n entries, those that are unsure: does KVM have the value now? */
static int verify(int fd, const struct vk_msr_row *rows, const struct batch *set)
{
	struct batch b = { .nmsrs = 0 };
	uint32_t at[VK_BATCH_MAX];

	for (uint32_t i = 0; i < set->nmsrs; i++) {
		if (rows[set->row[i]].unsure == 0)
			continue;
		at[b.nmsrs] = i;
		add(&b, rows, set->row[i], 0);
	}
	if (b.nmsrs == 0)
		return 0;
	if (kvm_ioctl(fd, KVM_GET_MSRS, &b) != (int)b.nmsrs)
		return -VSM_ERR_SYS;
	for (uint32_t i = 0; i < b.nmsrs; i++) {
		if (b.entry[i].data != set->entry[at[i]].data)
			return -VSM_ERR_NOSUP;
	}
	return 0;
}

/* The first n entries as they were. */
static int put_back(int fd, const struct vk_msr_row *rows, const struct batch *set, uint32_t n,
		    const struct vk_msr_values *old, int why)
{
	struct batch b = { .nmsrs = 0 };
	int saved = errno;

	for (uint32_t i = 0; i < n; i++)
		add(&b, rows, set->row[i], old->value[set->row[i]]);
	if (n != 0 && kvm_ioctl(fd, KVM_SET_MSRS, &b) != (int)n)
		return -VSM_ERR_STATE;
	errno = saved;
	return why;
}

int kvm_batch_set(int fd, const struct vk_msr_row *rows, uint32_t count,
		  const struct vk_msr_values *old, const struct vk_msr_values *v)
{
	struct batch b = { .nmsrs = 0 };
	int n, r;

	/* KVM refuses to write some MSRs, be it the value that they have. */
	for (uint32_t i = 0; i < count; i++) {
		if (has(old, i) && has(v, i) && old->value[i] != v->value[i])
			add(&b, rows, i, v->value[i]);
	}
	if (b.nmsrs == 0)
		return 0;
	n = kvm_ioctl(fd, KVM_SET_MSRS, &b);
	if (n < 0)
		return -VSM_ERR_SYS;
	if ((uint32_t)n != b.nmsrs)
		return put_back(fd, rows, &b, (uint32_t)n, old, -VSM_ERR_INVAL);
	r = verify(fd, rows, &b);
	return r == 0 ? 0 : put_back(fd, rows, &b, b.nmsrs, old, r);
}

static int exchange(int fd, unsigned long request, uint32_t msr, uint64_t *value)
{
	struct vk_msr_list list = { .nmsrs = 1, .entry = { .index = msr, .data = *value } };
	int n = kvm_ioctl(fd, request, &list);

	*value = list.entry.data;
	return n < 0 ? -VSM_ERR_SYS : n;
}

int kvm_msr_keeps(int fd, uint32_t msr)
{
	uint64_t old = 0, value;
	int r = exchange(fd, KVM_GET_MSRS, msr, &old);

	if (r <= 0 || old != 0)
		return r;
	/* Bit by bit, because each may belong to a feature of its own. */
	for (uint32_t bit = 0; bit < 48; bit++) {
		value = 1ull << bit;
		r = exchange(fd, KVM_SET_MSRS, msr, &value);
		if (r == 0)
			continue;
		value = 0;
		if (r > 0)
			r = exchange(fd, KVM_GET_MSRS, msr, &value);
		if (r < 0 || exchange(fd, KVM_SET_MSRS, msr, &old) != 1)
			return -VSM_ERR_SYS;
		if (value == 1ull << bit)
			return 1;
	}
	return 0;
}
