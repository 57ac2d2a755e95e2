/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file vsm/registers.h
 * The register table (TLFS 7.8.2, 15.11): one row per HV register.
 *
 * Get/SetVpRegisters, MSR exits, the VTL switch and hosts all read this one table. A replicated
 * host finds what it must copy at a VTL switch by walking it:
 *
 *     struct vsm_register_info info = { .size = sizeof(info) };
 *
 *     for (uint32_t i = 0; vsm_register_at(i, &info) == 0; i++) {
 *             if (info.scope == VSM_SCOPE_SHARED && info.group != 0)
 *                     carry(info.name);
 *     }
 *
 * Rows with neither #VSM_REG_READABLE nor #VSM_REG_WRITABLE say whose state a register is and how
 * it starts; the guest cannot name them and no host op does. Shared state that has no register name
 * at all is not in here: XSAVE components beyond AVX, and the MSRs MCG_CAP and MCG_STATUS. Neither
 * are FS.BASE and GS.BASE, which are part of FS and GS.
 */
#ifndef VSM_REGISTERS_H
#define VSM_REGISTERS_H

#include <stddef.h>
#include <stdint.h>

#include <vsm/export.h>
#include <vsm/types.h>

VSM_BEGIN_DECLS

/* vsm_register_info.scope */
#define VSM_SCOPE_PRIVATE	0u /**< One per VP and VTL (TLFS 15.11.1). */
#define VSM_SCOPE_SHARED	1u /**< One per VP, the same in all VTLs (TLFS 15.11.2). */
#define VSM_SCOPE_MIXED		2u /**< Shared or private by capability: DR6. */
#define VSM_SCOPE_PARTITION	3u /**< One per partition. */
#define VSM_SCOPE_PARTITION_VTL 4u /**< One per partition and VTL. */

/* vsm_register_info.owner */
#define VSM_OWNER_HOST	  0u /**< Kept by the host, reached through regs_get and regs_set. */
#define VSM_OWNER_LIBRARY 1u /**< Kept by libvsm. */
#define VSM_OWNER_NONE	  2u /**< Of a feature that this version does not offer. */

/* vsm_register_info.flags */
#define VSM_REG_READABLE  0x01u /**< GetVpRegisters may name it. */
#define VSM_REG_WRITABLE  0x02u /**< SetVpRegisters may name it. */
#define VSM_REG_SET_OWN	  0x04u /**< A VTL may set its own on its own VP while it runs. */
#define VSM_REG_ALIAS	  0x08u /**< Another name of a register, which hosts are asked for. */
/** Holds nothing that could be saved or carried: a constant, a command, a view of other state. */
#define VSM_REG_STATELESS 0x10u

/** msr field of a register that is no MSR. MSR 0 is IA32_P5_MC_ADDR, never in this table. */
#define VSM_NO_MSR 0u

/** One row of the register table. */
struct vsm_register_info {
	size_t size; /**< sizeof(struct vsm_register_info), set by the caller. */
	uint32_t name; /**< HV_X64_REGISTER_* or HV_REGISTER_* */
	uint32_t msr; /**< MSR index, or #VSM_NO_MSR. */
	uint32_t group; /**< VSM_REGS_* of registers that regs_get and regs_set may name, else 0. */
	uint8_t bytes; /**< 4, 8 or 16 */
	uint8_t scope; /**< VSM_SCOPE_* */
	uint8_t owner; /**< VSM_OWNER_* */
	uint8_t flags; /**< VSM_REG_* */
	uint8_t min_vtl; /**< Lowest VTL that has an instance of it. */
	uint8_t reserved[7]; /**< 0 */
	uint64_t reset; /**< Value when a VTL is enabled (low 64 bits; high ones are 0). */
	char text[40]; /**< Name for people, such as "CR0". */
};

/**
 * Row of a register.
 *
 * @param name HV register name.
 * @param info caller sets info->size; filled in.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL    info is NULL or info->size is wrong.
 * @retval -VSM_ERR_NOTFOUND the table has no such register.
 * Thread: any.
 */
VSM_EXPORT int vsm_register_info(uint32_t name, struct vsm_register_info *info);

/**
 * Row by position, for walking the table in ascending order of names.
 *
 * @param position 0, 1, 2 ...
 * @param info     caller sets info->size; filled in.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL    info is NULL or info->size is wrong.
 * @retval -VSM_ERR_NOTFOUND position is behind the last row.
 * Thread: any.
 */
VSM_EXPORT int vsm_register_at(uint32_t position, struct vsm_register_info *info);

/**
 * Name for people, such as "CR0".
 *
 * @param name HV register name.
 * @return static text, never NULL; "unknown register" for others.
 * Thread: any.
 */
VSM_EXPORT const char *vsm_register_name(uint32_t name);

/** Limits of register values on one machine, for vsm_register_check(). */
struct vsm_register_limits {
	size_t size; /**< sizeof(struct vsm_register_limits) */
	uint64_t cr4_mask; /**< CR4 bits that may be 1. */
	uint64_t efer_mask; /**< EFER bits that may be 1. */
	uint32_t phys_bits; /**< Physical address bits, 32..52. */
	uint32_t reserved; /**< 0 */
};

/**
 * Would this value be legal in that register (SDM vol. 3A 2.5, vol. 4; TLFS 7.8)? Looks at the
 * value alone, not at what other registers hold.
 *
 * @param limits of the machine.
 * @param reg    name and value.
 * @return 1 legal, 0 not.
 * @retval -VSM_ERR_INVAL    an argument is NULL, a field of limits is wrong, or reg->reserved is
 *                           not 0.
 * @retval -VSM_ERR_NOTFOUND the table has no such register.
 * Thread: any.
 */
VSM_EXPORT int vsm_register_check(const struct vsm_register_limits *limits,
				  const struct vsm_reg *reg);

/**
 * Is this a context that a VTL may start with (TLFS 15.5.3; SDM vol. 3A 4.1, vol. 3C 26.3.1)?
 * Protected mode, 32- or 64-bit, all registers legal alone and together.
 *
 * @param limits  of the machine.
 * @param context as EnableVpVtl carries it.
 * @return 1 legal, 0 not.
 * @retval -VSM_ERR_INVAL an argument is NULL or a field of limits is wrong.
 * Thread: any.
 */
VSM_EXPORT int vsm_context_check(const struct vsm_register_limits *limits,
				 const struct hv_initial_vp_context *context);

VSM_END_DECLS

#endif /* VSM_REGISTERS_H */
