/* SPDX-License-Identifier: BSD-3-Clause */
#include "kvm_private.h"
#include "tiny.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef KVM_CAP_XSAVE2
#define KVM_CAP_XSAVE2 208
#endif
#ifndef KVM_VCPU_TSC_CTRL
#define KVM_VCPU_TSC_CTRL   0
#define KVM_VCPU_TSC_OFFSET 0
#endif

#define CPUID_1_ECX_XSAVE (1u << 26)

static const struct {
	uint32_t flag;
	int cap;
	int least; /* Value that KVM_CHECK_EXTENSION must give, as a mask or a minimum. */
} caps[] = {
	{ VSM_KVM_HAS_SYNC_REGS, KVM_CAP_SYNC_REGS, VK_SYNC_ALL },
	{ VSM_KVM_HAS_IMMEDIATE_EXIT, KVM_CAP_IMMEDIATE_EXIT, 1 },
	{ VSM_KVM_HAS_USER_MSR, KVM_CAP_X86_USER_SPACE_MSR, 1 },
	{ VSM_KVM_HAS_MSR_FILTER, KVM_CAP_X86_MSR_FILTER, 1 },
	{ VSM_KVM_HAS_READONLY_MEM, KVM_CAP_READONLY_MEM, 1 },
	{ VSM_KVM_HAS_XSAVE2, KVM_CAP_XSAVE2, 1 },
	{ VSM_KVM_HAS_DEBUGREGS, KVM_CAP_DEBUGREGS, 1 },
	{ VSM_KVM_HAS_XCRS, KVM_CAP_XCRS, 1 },
};

#define REQUIRED                                                                     \
	(VSM_KVM_HAS_SYNC_REGS | VSM_KVM_HAS_IMMEDIATE_EXIT | VSM_KVM_HAS_USER_MSR | \
	 VSM_KVM_HAS_MSR_FILTER | VSM_KVM_HAS_READONLY_MEM)

uint64_t kvm_host_tsc(void)
{
	uint32_t low, high;

	/* Fenced: it must not pass a KVM_RUN that is measured against it (SDM vol. 2B, RDTSC). */
	__asm__ volatile("lfence; rdtsc; lfence" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

int kvm_tsc_offset_set(int vcpu_fd, uint64_t offset)
{
	struct kvm_device_attr attr = { .group = KVM_VCPU_TSC_CTRL,
					.attr = KVM_VCPU_TSC_OFFSET,
					.addr = (uint64_t)(uintptr_t)&offset };

	return kvm_ioctl(vcpu_fd, KVM_SET_DEVICE_ATTR, &attr);
}

/* In one page, in real mode. */
static int tiny_start(struct vk_tiny *t, uint32_t port)
{
	const uint8_t code[] = { 0x0f, 0x31, 0xe6, (uint8_t)port, 0xf4 }; /* rdtsc; out; hlt */
	struct kvm_regs regs = { .rflags = 2 };
	struct kvm_sregs sregs;

	memcpy(t->ram, code, sizeof(code));
	if (kvm_ioctl(t->vcpu_fd, KVM_GET_SREGS, &sregs) != 0)
		return -1;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (kvm_ioctl(t->vcpu_fd, KVM_SET_SREGS, &sregs) != 0 ||
	    kvm_ioctl(t->vcpu_fd, KVM_SET_REGS, &regs) != 0)
		return -1;
	return 0;
}

/* What cannot be measured stays unset: the code then takes the way that is right everywhere. */
static void measure(int kvm_fd, uint32_t port, struct vk_facts *facts)
{
	struct vsm_kvm_host *host = &facts->host;
	uint64_t before, guest, after;
	struct kvm_regs regs;
	struct vk_tiny t;

	if (kvm_tiny_open(&t, kvm_fd, 1) != 0 || tiny_start(&t, port) != 0)
		goto out;
	if (kvm_tsc_offset_set(t.vcpu_fd, 0) == 0)
		host->flags |= VSM_KVM_HAS_TSC_OFFSET;
	before = kvm_host_tsc();
	if (kvm_ioctl(t.vcpu_fd, KVM_RUN, NULL) != 0 || t.run->exit_reason != KVM_EXIT_IO ||
	    t.run->io.port != port)
		goto out;
	after = kvm_host_tsc();
	if (kvm_ioctl(t.vcpu_fd, KVM_GET_REGS, &regs) != 0)
		goto out;
	guest = regs.rdx << 32 | (uint32_t)regs.rax;
	if (before <= guest && guest <= after)
		host->flags |= VSM_KVM_TSC_IS_HOST;
	if (regs.rip == 4)
		host->flags |= VSM_KVM_OUT_RIP_ADVANCED;
	if (kvm_ioctl(t.vcpu_fd, KVM_GET_TSC_KHZ, NULL) > 0)
		host->tsc_hz = (uint64_t)kvm_ioctl(t.vcpu_fd, KVM_GET_TSC_KHZ, NULL) * 1000;
out:
	kvm_tiny_close(&t);
}

static void ask(int kvm_fd, struct vk_facts *facts)
{
	struct vsm_kvm_host *host = &facts->host;
	const struct kvm_cpuid_entry2 *leaf;
	int n;

	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		n = kvm_ioctl(kvm_fd, KVM_CHECK_EXTENSION, (void *)(uintptr_t)caps[i].cap);
		if (n > 0 && (n & caps[i].least) == caps[i].least)
			host->flags |= caps[i].flag;
		else if (n > 0 && caps[i].least == 1)
			host->flags |= caps[i].flag; /* A size, not a mask. */
	}
	host->missing = REQUIRED & ~host->flags;
	n = kvm_ioctl(kvm_fd, KVM_CHECK_EXTENSION, (void *)(uintptr_t)KVM_CAP_NR_MEMSLOTS);
	host->memslots = n > 0 ? (uint32_t)n : 32;
	leaf = kvm_cpuid_find(facts, 0x80000008);
	host->phys_bits = leaf != NULL && (leaf->eax & 0xff) >= 32 ? leaf->eax & 0xff : 36;
	if (host->phys_bits > 52)
		host->phys_bits = 52;
	n = kvm_ioctl(kvm_fd, KVM_CHECK_EXTENSION, (void *)(uintptr_t)KVM_CAP_MEMORY_ATTRIBUTES);
	if (n > 0 && (n & VK_ATTRIBUTES_RWX) == VK_ATTRIBUTES_RWX)
		host->flags |= VSM_KVM_HAS_RWX_ATTRIBUTES;
	kvm_attributes_measure(kvm_fd, &facts->cpuid, &facts->attributes);
	host->enforceable = VK_MASKS_RX;
	if (facts->attributes.missing == NULL)
		host->enforceable |= VK_MASKS_EMULATED;
	host->emulatable = VK_MASKS_EMULATED;
	host->mechanisms = kvm_mechanisms_there(facts);
	host->max_map_count = kvm_max_map_count();
	host->carry = VSM_KVM_CARRY_FPU;
	if ((host->flags & VSM_KVM_HAS_DEBUGREGS) != 0)
		host->carry |= VSM_KVM_CARRY_DEBUG;
	leaf = kvm_cpuid_find(facts, 1);
	if (leaf != NULL && (leaf->ecx & CPUID_1_ECX_XSAVE) != 0 &&
	    (host->flags & VSM_KVM_HAS_XCRS) != 0)
		host->carry |= VSM_KVM_CARRY_XCR0;
	n = kvm_ioctl(kvm_fd, KVM_CHECK_EXTENSION, (void *)(uintptr_t)KVM_CAP_XSAVE2);
	facts->xsave_size = n > 4096 ? (uint32_t)n : 4096;
}

int kvm_facts_get(int kvm_fd, uint32_t trap_port, struct vk_facts *facts)
{
	memset(facts, 0, sizeof(*facts));
	facts->host.size = sizeof(facts->host);
	if (kvm_ioctl(kvm_fd, KVM_GET_API_VERSION, NULL) != KVM_API_VERSION) {
		errno = ENOTTY;
		return -VSM_ERR_SYS;
	}
	facts->cpuid.nent = VK_CPUID_MAX;
	if (kvm_ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, &facts->cpuid) != 0)
		return -VSM_ERR_SYS;
	ask(kvm_fd, facts);
	measure(kvm_fd, trap_port, facts);
	return 0;
}

int vsm_kvm_probe(int kvm_fd, struct vsm_kvm_host *out)
{
	struct vsm_kvm_options options;
	struct vk_facts facts;
	int fd = kvm_fd;
	int r;

	if (out == NULL || out->size != sizeof(*out) || kvm_fd < -1)
		return -VSM_ERR_INVAL;
	if (fd == -1)
		fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -VSM_ERR_SYS;
	vsm_kvm_options_init(&options);
	r = kvm_facts_get(fd, options.trap_port, &facts);
	if (fd != kvm_fd) {
		int saved = errno;

		close(fd);
		errno = saved;
	}
	if (r == 0)
		*out = facts.host;
	return r;
}
