/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The register table, for the library itself: rows instead of the copies of vsm/registers.h.
 */
#ifndef VSM_REGISTER_TABLE_H
#define VSM_REGISTER_TABLE_H

#include <stdint.h>

#include "vsm/registers.h"

/* Architectural MSRs that are also HV registers (SDM vol. 4, table 2-2). */
#define MSR_IA32_APIC_BASE	0x0000001bu
#define MSR_IA32_SYSENTER_CS	0x00000174u
#define MSR_IA32_SYSENTER_ESP	0x00000175u
#define MSR_IA32_SYSENTER_EIP	0x00000176u
#define MSR_IA32_PAT		0x00000277u
#define MSR_IA32_EFER		0xc0000080u
#define MSR_IA32_STAR		0xc0000081u
#define MSR_IA32_LSTAR		0xc0000082u
#define MSR_IA32_CSTAR		0xc0000083u
#define MSR_IA32_FMASK		0xc0000084u
#define MSR_IA32_KERNEL_GS_BASE 0xc0000102u
#define MSR_IA32_TSC_AUX	0xc0000103u

/* Rows of the table. */
uint32_t register_count(void);

/* Row by position, ascending by name; NULL behind the last one. */
const struct vsm_register_info *register_row_at(uint32_t position);

/* Row of a register, NULL if the table has none of that name. Any number may come from a guest. */
const struct vsm_register_info *register_row(uint32_t name);

/* The register that an alias (VSM_REG_ALIAS) is another name of; any other name is its own. */
uint32_t register_base(uint32_t name);

/* Row of an MSR, NULL if the table has none of that index. Any number may come from a guest. */
const struct vsm_register_info *register_row_by_msr(uint32_t msr);

#endif /* VSM_REGISTER_TABLE_H */
