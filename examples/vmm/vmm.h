/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VMM_VMM_H
#define VMM_VMM_H

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

#include "devices.h"
#include "image.h"
#include "options.h"

/* Statuses of a guest that ended without a word: it counts as failed. */
#define VMM_EXIT_GUEST_FAILED 3

/* The machine, as far as it does not depend on what runs it. */
struct vmm {
	const struct options *options;
	struct image image;
	struct devices devices;
	pthread_mutex_t lock; /* of devices; never held while libvsm or KVM runs the guest */
	uint8_t *ram; /* from guest address 0 */
	uint64_t ram_size;
	uint64_t ram_more; /* behind it: --hotplug, as long as the guest has not got it */
	int ram_fd; /* memfd behind ram */
	uint32_t info_gpa; /* multiboot information */
	FILE *protmap; /* where --protmap is drawn, or NULL */
};

/* What can run a machine. run() and probe() return the status to exit with. */
struct vmm_host {
	const char *name;
	int (*run)(struct vmm *vmm);
	int (*probe)(void);
	int (*is_usable)(void); /* 0: not here, errno says why; NULL: always */
};

#ifdef HAVE_KVM
extern const struct vmm_host host_kvm;
#endif
#ifdef HAVE_UNICORN
extern const struct vmm_host host_unicorn;
#endif

/* Says what went wrong in a call of libvsm or libvsm-kvm; VMM_EXIT_HOST. */
int vmm_error(const char *what, int err);

/* What became of the guest's wish for more RAM: 0, it is there, or an error. */
void vmm_plugged(struct vmm *vmm, int result);

/* A log line of libvsm or libvsm-kvm. */
void vmm_log(int32_t level, const char *line);

#endif
