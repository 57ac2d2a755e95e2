/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VMM_KVM_MACHINE_H
#define VMM_KVM_MACHINE_H

#include <pthread.h>
#include <signal.h>

#include <vsm/kvm.h>
#include <vsm/vsm.h>

#include "vmm.h"

/* Gets a VP's thread out of the guest; blocked everywhere else. */
#define KVM_MACHINE_SIGNAL SIGUSR1

/* A machine on KVM: one VP with one thread, which owns the vCPUs of all its VTLs. */
struct kvm_machine {
	struct vmm *vmm;
	struct vsm_kvm *kvm;
	struct vsm *vsm;
	struct vsm_kvm_vp *vp;
	int kvm_fd;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	pthread_t thread;
	int has_thread;
	int kicked; /* wakes a VP that sleeps */
	int stopping; /* the VP shall end */
	int finished; /* its thread has ended, status is set */
	int status;
};

/* The VP's thread: runs the guest until it ends or is stopped. */
void *kvm_machine_thread(void *machine);

/* --probe */
int kvm_machine_probe(void);

/* --stats: one line "stats: name=value ..." on stderr. */
void kvm_machine_print_stats(const struct kvm_machine *m);

/* /dev/kvm cannot be opened: says why and what to do; VMM_EXIT_HOST. */
int kvm_machine_no_kvm(void);

#endif
