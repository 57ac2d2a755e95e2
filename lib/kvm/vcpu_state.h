/* SPDX-License-Identifier: BSD-3-Clause */
/* State of plain vCPUs (vsm/kvm_state.h), for the files that move it. */
#ifndef VSM_VCPU_STATE_H
#define VSM_VCPU_STATE_H

#include <stdint.h>

#include <linux/kvm.h>

#include <vsm/kvm_state.h>

/* MSRs that are read and written together, at most. */
#define VK_BATCH_MAX 48u

/* A row of a list of MSRs. */
struct vk_msr_row {
	uint32_t name; /* HV name, 0: it has none. */
	uint32_t msr;
	uint32_t unsure; /* 1: some KVMs take a value and do not keep it. */
	uint32_t lack; /* Rows that this KVM lacks if it lacks this one; 0 counts as 1. */
};

/* Values of the rows of a list. */
struct vk_msr_values {
	uint64_t has; /* A bit for each row: KVM has such an MSR. */
	uint64_t value[VK_BATCH_MAX];
};

/* msr_batch.c */
/* All that there are; one ioctl if there is no gap. With is_xsave_on this program may use XGETBV. 0
 * or -VSM_ERR_SYS. */
int kvm_batch_get(int fd, const struct vk_msr_row *rows, uint32_t count, struct vk_msr_values *v,
		  int is_xsave_on);
/*
 * Make the values of `old` those of `v`, of rows that both have. At most one ioctl, and one more to
 * look whether KVM kept those that are unsure. 0; or -VSM_ERR_INVAL, -VSM_ERR_NOSUP, -VSM_ERR_SYS
 * with the old values back; or -VSM_ERR_STATE.
 */
int kvm_batch_set(int fd, const struct vk_msr_row *rows, uint32_t count,
		  const struct vk_msr_values *old, const struct vk_msr_values *v);
/* Does KVM keep what is written to it? 1, 0 or -VSM_ERR_SYS; the value is as before. */
int kvm_msr_keeps(int fd, uint32_t msr);

/* private_msr.c: private MSRs of the register table that are not in kvm_run */
extern const struct vk_msr_row kvm_private_msrs[];
uint32_t kvm_private_msr_count(void);
/* Does this KVM keep the register of that name? 1, 0 or -VSM_ERR_SYS. */
int kvm_private_msr_keeps(int fd, uint32_t name);

/* private_event.c: PENDING_INTERRUPTION and INTERRUPT_STATE */
/* Has it something that neither of the two can say? */
int kvm_events_nameless(const struct kvm_vcpu_events *e);
/* Put the two in. RFLAGS decides how the shadow is kept. 0, -VSM_ERR_INVAL or -VSM_ERR_NOSUP. */
int kvm_events_put(struct kvm_vcpu_events *e, uint64_t interruption, uint64_t state,
		   uint64_t rflags);

/* private_contents.c */
/* What a vCPU has, or is to have. */
struct vk_contents {
	struct kvm_sync_regs sync;
	struct kvm_debugregs debug;
	struct vk_msr_values msr;
};

/* Has the object every register that is looked for in it? 0 or -VSM_ERR_INVAL. */
int kvm_contents_check(const struct vsm_private_state *state);
/* What a vCPU has. 0, -VSM_ERR_NOSUP or -VSM_ERR_SYS. */
int kvm_contents_get(int fd, const struct kvm_run *run, struct vk_contents *c);
void kvm_contents_save(const struct vk_contents *c, struct vsm_private_state *state);
/* `c`, as what a vCPU has, becomes what it is to have. 0, -VSM_ERR_INVAL or -VSM_ERR_NOSUP. */
int kvm_contents_load(const struct vsm_private_state *state, struct vk_contents *c);

/* 0; -VSM_ERR_INVAL, -VSM_ERR_MISUSE: not a vCPU whose kvm_run holds its registers. */
int kvm_vcpu_check(int fd, const struct kvm_run *run);

#endif /* VSM_VCPU_STATE_H */
