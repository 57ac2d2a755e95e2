/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a round trip costs at least: two vCPUs of two VMs leave the guest once each. The kvm_run of
 * these holds no registers (kvm_valid_regs is 0), as a VMM has it that knows nothing of VTLs.
 */
#include "kvm_trips.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kvm_guest.h"

#define CPUID_MAX 256u

static int failed(struct kvm_floor *f, const char *what)
{
	snprintf(f->why, sizeof(f->why), "two plain VMs: %s: %s", what, strerror(errno));
	return -1;
}

static int copy_cpuid(int from, int to)
{
	struct {
		uint32_t nent;
		uint32_t padding;
		struct kvm_cpuid_entry2 entries[CPUID_MAX];
	} list = { .nent = CPUID_MAX };

	return ioctl(from, KVM_GET_CPUID2, &list) != 0 || ioctl(to, KVM_SET_CPUID2, &list) != 0;
}

static int copy_state(struct kvm_floor *f, int i, int from, uint64_t rip)
{
	struct kvm_regs regs;
	struct kvm_sregs sregs;

	if (copy_cpuid(from, f->vcpu_fd[i]) != 0)
		return failed(f, "CPUID");
	if (ioctl(from, KVM_GET_SREGS, &sregs) != 0 ||
	    ioctl(f->vcpu_fd[i], KVM_SET_SREGS, &sregs) != 0)
		return failed(f, "segment and control registers");
	memset(&regs, 0, sizeof(regs));
	regs.rip = rip;
	regs.rflags = 2;
	return ioctl(f->vcpu_fd[i], KVM_SET_REGS, &regs) != 0 ? failed(f, "registers") : 0;
}

static int make_vm(struct kvm_floor *f, int i)
{
	struct kvm_userspace_memory_region slot = {
		.memory_size = GUEST_RAM_BYTES,
		.userspace_addr = (uintptr_t)f->ram,
	};
	void *run;

	f->vm_fd[i] = ioctl(f->kvm_fd, KVM_CREATE_VM, 0);
	if (f->vm_fd[i] < 0)
		return failed(f, "VM");
	if (ioctl(f->vm_fd[i], KVM_SET_USER_MEMORY_REGION, &slot) != 0)
		return failed(f, "RAM");
	f->vcpu_fd[i] = ioctl(f->vm_fd[i], KVM_CREATE_VCPU, 0);
	if (f->vcpu_fd[i] < 0)
		return failed(f, "vCPU");
	run = mmap(NULL, f->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, f->vcpu_fd[i], 0);
	if (run == MAP_FAILED)
		return failed(f, "kvm_run");
	f->run[i] = run;
	return 0;
}

static int make(struct kvm_floor *f, const struct kvm_trips *t, uint32_t dirty)
{
	const uint8_t *loop[2] = { dirty ? guest_code_vtl0_dirty : guest_code_vtl0_loop,
				   dirty ? guest_code_vtl1_dirty : guest_code_vtl1_loop };
	int size;

	f->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (f->kvm_fd < 0)
		return failed(f, "/dev/kvm");
	size = ioctl(f->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size <= 0)
		return failed(f, "kvm_run");
	f->run_size = (size_t)size;
	/* The two only read it, so that they can share it. */
	f->ram = mmap(NULL, GUEST_RAM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
		      t->ram_fd, 0);
	if (f->ram == MAP_FAILED)
		return failed(f, "mmap");
	for (int i = 0; i < 2; i++) {
		int from = vsm_kvm_vcpu_fd(t->vp, (uint32_t)i);

		if (make_vm(f, i) != 0 || copy_state(f, i, from, guest_gpa(loop[i])) != 0)
			return -1;
	}
	return 0;
}

int kvm_floor_open(struct kvm_floor *f, const struct kvm_trips *t, uint32_t dirty)
{
	memset(f, 0, sizeof(*f));
	f->kvm_fd = -1;
	f->vm_fd[0] = f->vm_fd[1] = f->vcpu_fd[0] = f->vcpu_fd[1] = -1;
	f->ram = MAP_FAILED;
	return make(f, t, dirty) != 0 ? -1 : kvm_floor_run(f, 1);
}

void kvm_floor_close(struct kvm_floor *f)
{
	for (int i = 0; i < 2; i++) {
		if (f->run[i] != NULL)
			munmap(f->run[i], f->run_size);
		if (f->vcpu_fd[i] >= 0)
			close(f->vcpu_fd[i]);
		if (f->vm_fd[i] >= 0)
			close(f->vm_fd[i]);
	}
	if (f->ram != MAP_FAILED)
		munmap(f->ram, GUEST_RAM_BYTES);
	if (f->kvm_fd >= 0)
		close(f->kvm_fd);
}

static int run(struct kvm_floor *f, int i)
{
	const struct kvm_run *run = f->run[i];
	int r;

	do {
		r = ioctl(f->vcpu_fd[i], KVM_RUN, 0);
	} while (r != 0 && errno == EINTR);
	if (r != 0)
		return failed(f, "KVM_RUN");
	if (run->exit_reason == KVM_EXIT_IO && run->io.port == GUEST_TRAP_PORT)
		return 0;
	snprintf(f->why, sizeof(f->why), "two plain VMs: exit reason %u", run->exit_reason);
	return -1;
}

int kvm_floor_run(struct kvm_floor *f, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (run(f, 0) != 0 || run(f, 1) != 0)
			return -1;
	}
	return 0;
}
