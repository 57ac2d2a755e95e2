/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VMM_OPTIONS_H
#define VMM_OPTIONS_H

#include <stdint.h>

/* Exit statuses that are not the guest's: a guest's status is (v << 1) | 1 and so always odd. */
#define VMM_EXIT_USAGE	 2
#define VMM_EXIT_HOST	 4
#define VMM_EXIT_TIMEOUT 124

/* The guest's RAM lies in one piece from 0: it must hold an image and stay below the APIC page. */
#define VMM_MEMORY_MIN_MIB     16u
#define VMM_MEMORY_MAX_MIB     3072u
#define VMM_MEMORY_DEFAULT_MIB 256u

/* Memory that comes later begins where whole pieces of this size end. */
#define VMM_HOTPLUG_ALIGN_MIB 64u

#define VMM_TIMEOUT_MAX_S 86400u
#define VMM_VPS_MAX	  8u

/* VSM_KVM_EMULATE_MAX; a vsm-vmm without host kvm has no vsm/kvm.h. */
#define VMM_EMULATE_EXEC_MAX 4096u

struct options {
	const char *host; /* NULL: the best there is */
	uint32_t memory_mib;
	uint32_t hotplug_mib; /* that the guest may ask for; 0: none */
	uint32_t timeout_s; /* 0: none */
	uint32_t stats;
	uint32_t vps;
	const char *enforce; /* name of a mechanism of host kvm, or NULL */
	uint32_t accept_unenforced_exec;
	uint32_t emulate_exec; /* pages; 0: none */
	int inject; /* enum inject_bug */
	const char *protmap; /* file for a picture of page rights, or NULL */
	uint32_t probe;
	const char *image; /* NULL only with probe */
	char *const *args; /* the guest's arguments, ended by NULL */
};

/*
 * Reads the command line. Returns -1 when the VMM shall go on, else the status to exit with:
 * 0 after --help and --version, VMM_EXIT_USAGE after a message that names the bad argument.
 */
int options_parse(struct options *o, int argc, char **argv);

#endif
