/* SPDX-License-Identifier: BSD-3-Clause */
/* What the three files of the example deferred-host share. Its story is in deferred-host.c. */
#ifndef DEFERRED_HOST_H
#define DEFERRED_HOST_H

#include <pthread.h>

#include <vsm/vsm.h>

#define VPS	 2u
#define VTLS	 2u
#define ROUNDS	 50u
#define PAGES	 16u
#define OVERLAYS 8u
#define PRIVATE	 96u /* Private registers of a VTL, at most. */

/* What a VTL has of its own: registers, and what is no register but has to move with them. */
struct private_state {
	struct hv_register_value value[PRIVATE];
	uint32_t nmi_masked;
};

struct vcpu { /* Opaque pointer of a VP. */
	struct machine *m;
	struct vsm_vp *vp;
	uint32_t index;

	/* The registers, used by the VP's thread only. */
	struct hv_register_value file[16][256]; /* By class and number of the HV name. */
	uint32_t nmi_masked;
	uint32_t loaded; /* The VTL whose private state is in here. */
	struct private_state slot[VTLS]; /* That of the other VTLs. */
	struct hv_register_value undo[3]; /* RAX, RCX, RDX at PREPARE. */

	uint8_t tlb[PAGES]; /* Rights of VTL0 that it remembers, | 0x80. Own thread, or stopped. */
	int kicked; /* Under the big lock. */
	pthread_cond_t wake;
	unsigned int parked, with_lock, without_lock, intercepts, looks;
};

/* Work for the main loop: an op that answered VSM_PENDING. */
struct job {
	enum {
		OVERLAY,
		PROTECT,
		FLUSH
	} kind;
	uint64_t token;
	struct vsm_overlay overlay;
	struct vsm_protect_range range;
};

struct machine { /* Opaque pointer of the partition. */
	struct vsm *vsm;
	struct vcpu vcpu[VPS];
	uint32_t private_name[PRIVATE];
	uint32_t private_count;
	uint8_t ram[PAGES * HV_PAGE_SIZE];

	pthread_mutex_t big_lock; /* From here on all is under it. */
	pthread_cond_t work, idle, resume;
	uint8_t view[PAGES]; /* Rights of VTL0 as the host enforces them; changed when stopped. */
	struct vsm_overlay shown[OVERLAYS];
	struct job job[VPS]; /* A VP waits for one op at a time. */
	unsigned int jobs, completed[3];
	uint32_t in_guest, stopping, ready, finished, quit;
	const char *failed;
};

/* deferred-host.c */

/* Take the big lock unless this thread has it. 1 if it was taken: give that to unlock(). */
int lock(struct machine *m);
void unlock(struct machine *m, int taken);

struct exit {
	enum {
		TRAP,
		WRMSR,
		FAULT
	} kind;
	uint32_t msr;
	uint64_t value;
	struct vsm_memory_fault fault;
};

#define TRAP_RIP 0x1000u

/* An instruction that exits: the run loop, until libvsm has a verdict that is for the guest. */
int execute(struct vcpu *c, const struct exit *e);
/* A store: 1 if it was done, 0 if the host stopped it. */
int store(struct vcpu *c, uint64_t gpa, uint64_t value);

/* deferred-regs.c */

int regs_get(void *vp, uint32_t vtl, uint32_t groups, struct vsm_reg *regs, uint32_t n);
int regs_set(void *vp, uint32_t vtl, uint32_t groups, const struct vsm_reg *regs, uint32_t n);
int switch_vtl(void *vp, uint32_t from, uint32_t to, uint32_t phase);
/* Fill machine.private_name. 0, or -1 if the machine is too small for the register table. */
int list_private(struct machine *m);
/* Value of a register of the VTL that is loaded. */
uint64_t *value_of(struct vcpu *c, uint32_t name);

/* deferred-guest.c: 1 if all went as the guest expects. */

void guest_reset(struct vcpu *c);
int guest_boot(struct vcpu *c); /* VP0: hypercalls, VTL1 on both VPs, protections. */
int guest_start(struct vcpu *c); /* Each VP: the page for messages of VTL1. */
int guest_round(struct vcpu *c, uint32_t n);

#endif
