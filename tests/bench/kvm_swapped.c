/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two VTLs that take turns on one vCPU of plain KVM: what a VMM with VTL logic of its own pays for
 * TLFS 15.11.1 by vsm/kvm_state.h.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <vsm/error.h>
#include <vsm/hv.h>

#include "kvm_guest.h"
#include "kvm_trips.h"

#define CR4_OSXSAVE (1ull << 18)

/* All ioctls of the program, the libraries' too. */
static uint64_t ioctls;

static int raw(int fd, unsigned long request, void *arg)
{
	return (int)syscall(SYS_ioctl, fd, request, arg);
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list list;
	void *arg;

	va_start(list, request);
	arg = va_arg(list, void *);
	va_end(list);
	ioctls++;
	return raw(fd, request, arg);
}

static int failed(struct kvm_swapped *s, const char *what, int err)
{
	snprintf(s->why, sizeof(s->why), "two VTLs on one vCPU: %s: %s", what, vsm_strerror(err));
	return -1;
}

/* The kernels of both VTLs use XSAVE, if the CPU has it. */
static void use_xsave(struct kvm_swapped *s)
{
	for (int i = 0; i < 2; i++) {
		struct kvm_sregs sregs;

		if (raw(s->floor.vcpu_fd[i], KVM_GET_SREGS, &sregs) != 0)
			return;
		sregs.cr4 |= CR4_OSXSAVE;
		/* It is refused on both or on none. */
		raw(s->floor.vcpu_fd[i], KVM_SET_SREGS, &sregs);
	}
}

/* The state of each VTL is that of a vCPU of the floor. VTL1 has a system call entry of its own, as
 * VTLs have: so MSRs move too. */
static int make(struct kvm_swapped *s)
{
	const struct vsm_register_limits limits = { .size = sizeof(limits),
						    .cr4_mask = UINT64_MAX,
						    .phys_bits = 52 };
	const struct vsm_reg entry = { .name = HV_X64_REGISTER_LSTAR, .value = { .low = 0x1000 } };
	int r = 0;

	use_xsave(s);
	for (int i = 0; i < 2 && r == 0; i++) {
		r = vsm_kvm_sync_regs(s->floor.vcpu_fd[i], s->floor.run[i]);
		if (r == 0)
			r = vsm_private_state_init(&s->state[i], 0);
		if (r == 0)
			r = vsm_kvm_private_save(s->floor.vcpu_fd[i], s->floor.run[i],
						 &s->state[i]);
	}
	if (r == 0)
		r = vsm_private_state_set(&s->state[1], &limits, &entry);
	return r != 0 ? failed(s, "state", r) : 0;
}

int kvm_swapped_open(struct kvm_swapped *s, const struct kvm_trips *t)
{
	memset(s, 0, sizeof(*s));
	if (kvm_floor_open(&s->floor, t, 0) != 0) {
		memcpy(s->why, s->floor.why, sizeof(s->why));
		return -1;
	}
	return make(s) != 0 ? -1 : kvm_swapped_run(s, 1);
}

void kvm_swapped_close(struct kvm_swapped *s)
{
	kvm_floor_close(&s->floor);
}

static int run(struct kvm_swapped *s, int vtl)
{
	const struct kvm_run *run = s->floor.run[0];
	uint64_t before;
	int r;

	do {
		r = ioctl(s->floor.vcpu_fd[0], KVM_RUN, 0);
	} while (r != 0 && errno == EINTR);
	if (r != 0 || run->exit_reason != KVM_EXIT_IO || run->io.port != GUEST_TRAP_PORT)
		return failed(s, "KVM_RUN", -VSM_ERR_SYS);
	before = ioctls;
	r = vsm_kvm_private_exchange(s->floor.vcpu_fd[0], s->floor.run[0], &s->state[vtl],
				     &s->state[!vtl]);
	s->ioctls += ioctls - before;
	s->switches++;
	return r != 0 ? failed(s, "switch", r) : 0;
}

int kvm_swapped_run(struct kvm_swapped *s, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (run(s, 0) != 0 || run(s, 1) != 0)
			return -1;
	}
	return 0;
}
