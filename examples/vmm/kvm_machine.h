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

struct kvm_machine;

/* A VP and its thread, which owns the vCPUs of all its VTLs. */
struct kvm_machine_vp {
	struct kvm_machine *m;
	struct vsm_kvm_vp *vp;
	uint32_t index;
	pthread_t thread;
	/* Under the machine's lock: */
	int has_thread;
	int kicked; /* wakes the VP if it sleeps */
	int finished; /* the thread has ended */
};

struct kvm_machine {
	struct vmm *vmm;
	struct vsm_kvm *kvm;
	struct vsm *vsm;
	int kvm_fd;
	uint32_t vps;
	struct kvm_machine_vp vp[VMM_VPS_MAX];

	pthread_t service; /* serves userfaultfd events, with has_service */
	int has_service;
	int service_end[2]; /* a pipe: written to when it shall end */

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	uint32_t running; /* VPs whose thread has not ended */
	int stopping; /* all VPs shall end */
	int status; /* of the guest, or -1: none yet */
};

/* A VP's thread: runs it until the guest ends or all are stopped. */
void *kvm_machine_thread(void *machine_vp);

/* Tells all VPs to end, and makes them leave the guest. Not under the lock. */
void kvm_machine_stop(struct kvm_machine *m);

/* kvm_service.c: the thread that serves userfaultfd events, if there are such; 0 or a status. */
int kvm_service_start(struct kvm_machine *m);
void kvm_service_stop(struct kvm_machine *m);

/* --probe */
int kvm_machine_probe(void);

/* --stats: one line "stats: name=value ..." on stderr. */
void kvm_machine_print_stats(const struct kvm_machine *m);

/* /dev/kvm, as long as it answers; -1: it does not, errno says why. */
int kvm_machine_open(void);

/* That it does not: says why and what to do; VMM_EXIT_HOST. */
int kvm_machine_no_kvm(void);

#endif
