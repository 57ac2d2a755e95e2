/* SPDX-License-Identifier: BSD-3-Clause */
/* Ways to make the same round trips on KVM: libvsm-kvm, the two VMs that it cannot beat, and one
 * vCPU that two VTLs take turns on. */
#ifndef KVM_TRIPS_H
#define KVM_TRIPS_H

#include <linux/kvm.h>

#include <vsm/kvm.h>

/** A partition on libvsm-kvm whose guest makes VTL round trips for ever. */
struct kvm_trips {
	struct vsm_kvm *kvm;
	struct vsm *vsm;
	struct vsm_kvm_vp *vp;
	int ram_fd;
	char why[160]; /* What failed. */
};

/**
 * Make it, and let the guest make its first round trip.
 *
 * @param carry VSM_KVM_CARRY_*
 * @param dirty 1: each VTL changes XMM0 before it leaves.
 * @return 0, or -1 and t->why.
 */
int kvm_trips_open(struct kvm_trips *t, uint32_t carry, uint32_t dirty);
void kvm_trips_close(struct kvm_trips *t);

/** Let the guest make exactly so many round trips. @return 0, or -1 and t->why. */
int kvm_trips_run(struct kvm_trips *t, uint32_t count);

/** ioctls on vCPUs so far, KVM_RUN included. */
uint64_t kvm_trips_ioctls(const struct kvm_trips *t);

/** Two VMs of one vCPU each, without libvsm. */
struct kvm_floor {
	int kvm_fd;
	int vm_fd[2];
	int vcpu_fd[2];
	struct kvm_run *run[2];
	size_t run_size;
	void *ram;
	char why[160];
};

/** Make the VMs, each with the code and the registers that a VTL of `t` has in one of its loops. */
int kvm_floor_open(struct kvm_floor *f, const struct kvm_trips *t, uint32_t dirty);
void kvm_floor_close(struct kvm_floor *f);

/** Run the two in turns until each has trapped `count` times. @return 0, or -1 and f->why. */
int kvm_floor_run(struct kvm_floor *f, uint32_t count);

/** One vCPU whose private state is exchanged after each exit. */
struct kvm_swapped {
	struct kvm_floor floor; /* Its first vCPU is used. */
	struct vsm_private_state state[2];
	uint64_t switches;
	uint64_t ioctls; /* Of the exchanges. */
	char why[160];
};

/** Make it of the code and the registers that a floor has. @return 0, or -1 and s->why. */
int kvm_swapped_open(struct kvm_swapped *s, const struct kvm_trips *t);
void kvm_swapped_close(struct kvm_swapped *s);

/** Let each VTL trap `count` times. @return 0, or -1 and s->why. */
int kvm_swapped_run(struct kvm_swapped *s, uint32_t count);

#endif
