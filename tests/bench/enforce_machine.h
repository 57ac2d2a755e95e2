/* SPDX-License-Identifier: BSD-3-Clause */
/* A machine whose VTL1 protects pages of VTL0, by hypercalls that the measurement makes itself. */
#ifndef ENFORCE_MACHINE_H
#define ENFORCE_MACHINE_H

#include <pthread.h>
#include <stdatomic.h>

#include <vsm/kvm.h>
#include <vsm/vsm.h>

#define ENFORCE_LIST  500u /* Pages of a call. */
#define ENFORCE_CROWD 10000u /* Pages that are denied for good, away from those. */
#define ENFORCE_WALK  512u /* Pages of a walk: what the guest is working with. */
#define ENFORCE_RAM   0x8000000u /* Bytes. */
#define ENFORCE_FILE  "memfd:bench-vsm" /* Where RAM is mapped, as /proc tells. */
#define ENFORCE_GPA   0x1000000u /* Pages that nothing else uses begin here. */

struct enforce_machine {
	struct vsm_kvm *kvm;
	struct vsm *vsm;
	struct vsm_host_ops ops; /* The backend's. */
	struct vsm_kvm_vp *vp, *sibling;
	int ram_fd;
	uint8_t *ram;
	struct hv_message *slot; /* Of intercepts, as VTL1 sees it. */
	uint64_t call_ns, op_ns; /* The last call, and of it the op that enforces. */
	pthread_t service, runner;
	pthread_t sibling_thread; /* Who runs the sibling, or would. */
	uint32_t is_served, runs;
	uint32_t no_huge; /* 1: the host gives no huge pages. */
	atomic_uint stop;
	char why[160]; /* What failed. */
};

/**
 * Make it, on the heap of the caller. VTL1 of VP 0 is active.
 *
 * @param enforce VSM_KVM_ENFORCE_*
 * @return 0, or -1 and m->why. To be closed in any case.
 */
int enforce_open(struct enforce_machine *m, uint32_t enforce);
/** The same with RAM of huge pages. Where the host has none it fails and m->no_huge is 1. */
int enforce_open_huge(struct enforce_machine *m, uint32_t enforce);
void enforce_close(struct enforce_machine *m);

/** Give ENFORCE_LIST pages rights, each `stride` pages apart. @return 0, or -1 and m->why. */
int enforce_protect(struct enforce_machine *m, uint32_t rights, uint32_t stride);

/** Give one page rights. @return as above. */
int enforce_protect_one(struct enforce_machine *m, uint32_t rights, uint64_t gpa);

/** Time of a walk of user code of VTL0, a load from each page. VTL1 is active before and after. */
int enforce_walk(struct enforce_machine *m, uint64_t gpa, uint32_t pages, uint64_t *ns);

/** Deny ENFORCE_CROWD further pages, each second one, and leave it so. @return as above. */
int enforce_crowd(struct enforce_machine *m);

/**
 * Deny a single page between two walks of user code of VTL0 over other pages, and grant it again.
 *
 * @param op_ns          time of the host operation of the deny
 * @param after_ns       time of the walk behind it
 * @param undisturbed_ns time of a walk with no change before it
 */
int enforce_single(struct enforce_machine *m, uint64_t *op_ns, uint64_t *after_ns,
		   uint64_t *undisturbed_ns);

/** Let VP 1 run user code of VTL0, or take it out. @return 0, or -1 and m->why. */
int enforce_sibling(struct enforce_machine *m, uint32_t on);

/** Time of an exit by OUT of user code in VTL0, and of a denied load up to the first exit of
 *  VTL1. */
int enforce_fault(struct enforce_machine *m, uint64_t *out_ns, uint64_t *fault_ns);

#endif
