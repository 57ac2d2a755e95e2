/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Machines on which pages without execute right are emulated.
 */
#ifndef KVMTEST_EMULATE_H
#define KVMTEST_EMULATE_H

#include "kvmtest.h"

#define R      HV_MAP_GPA_READABLE
#define RW     (HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE)
#define RX     (HV_MAP_GPA_READABLE | HV_MAP_GPA_EXECUTABLE)
#define RWX    HV_MAP_GPA_PERMISSIONS_MASK
#define TARGET (PAGE_GPA + 0x10)
#define NEXT   (PAGE_GPA + 4096)
#define VALUE  0x1122334455667788ull
#define OLD    0x1716151413121110ull /* at TARGET, as kt_tables() fills the page */

/* VTL1 runs in it. `pages`: vsm_kvm_options.emulate_execute */
static inline struct kt *machine(uint32_t pages)
{
	struct vsm_kvm_options o;
	struct kt *t;

	vsm_kvm_options_init(&o);
	o.emulate_execute = pages;
	t = kt_new(&o);
	kt_vtl1(t);
	return t;
}

#endif /* KVMTEST_EMULATE_H */
