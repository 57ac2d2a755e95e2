/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file vsm/state.h
 * Private VTL state (TLFS 15.11.1) as a plain object: what a VP has once per VTL.
 *
 * The object needs no partition and no allocator. It holds every register of the table
 * (registers.h) that is private, aliases and registers without state left out; each is always there
 * and starts at its reset value. A VMM with VTL logic of its own keeps one per VP and VTL and moves
 * it at a switch:
 *
 *     struct vsm_private_state vtl1;
 *     struct vsm_reg reg = { .name = HV_X64_REGISTER_RIP, .value = { .low = 0x1000 } };
 *
 *     vsm_private_state_init(&vtl1, 0);
 *     if (vsm_private_state_set(&vtl1, &limits, &reg) != 0)
 *             return failed("RIP cannot be set");
 *     if (vsm_private_state_for_each(&vtl1, load, &vcpu) != 0)
 *             return failed("the vCPU does not take a register");
 *     if (vsm_private_state_encode(&vtl1, buffer, size, used) != 0)
 *             return failed("the buffer is too small");
 *
 * where load() gives one register to the vCPU, and the buffer has vsm_private_state_size() bytes.
 *
 * With a partition, vsm_vtl_state_save() fills it from a VTL and vsm_vtl_state_load() puts it back.
 *
 * Encoded form, all little-endian; fields of one record follow each other without gaps:
 *
 *     0   8   "VSMPRIVS"
 *     8   4   version: 1
 *     12  4   flags, VSM_PRIVATE_STATE_*
 *     16  4   n, number of registers
 *     20  4   0
 *     24  24n register: name (4), 0 (4), low half (8), high half (8); ascending by name
 *     ..  8   checksum of all before it: from 0xcbf29ce484222325, for each 8 bytes as a number,
 *             exclusive or, then multiply by 0x100000001b3 modulo 2^64. Against accidents, not
 *             forgers.
 *
 * Registers that an encoded object lacks have their reset values: it is of an older version.
 */
#ifndef VSM_STATE_H
#define VSM_STATE_H

#include <stddef.h>
#include <stdint.h>

#include <vsm/export.h>
#include <vsm/registers.h>
#include <vsm/types.h>

VSM_BEGIN_DECLS

/** DR6 is shared (VsmCapabilities.Dr6Shared, TLFS 15.3.2) and so not in the object. */
#define VSM_PRIVATE_STATE_DR6_SHARED 0x1u
/** SCONTROL starts at 0 (see #VSM_CONFIG_SCONTROL_RESET_0). */
#define VSM_PRIVATE_STATE_SCONTROL_0 0x2u

/** Room for registers in struct vsm_private_state. */
#define VSM_PRIVATE_STATE_REGS 256u

/** Private state of one VTL. To be made by vsm_private_state_init(), read and changed by
 *  functions. */
struct vsm_private_state {
	size_t size; /**< sizeof(struct vsm_private_state) */
	uint32_t flags; /**< VSM_PRIVATE_STATE_* */
	uint32_t count; /**< Registers in use. */
	struct vsm_reg regs[VSM_PRIVATE_STATE_REGS]; /**< Ascending by name. */
};

/**
 * Make an object whose registers have their reset values.
 *
 * @param state set wholly; whatever it held is lost.
 * @param flags VSM_PRIVATE_STATE_*
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL state is NULL or a flag is unknown.
 * Thread: any.
 */
VSM_EXPORT int vsm_private_state_init(struct vsm_private_state *state, uint32_t flags);

/**
 * Most bytes that vsm_private_state_encode() writes in this version.
 *
 * @return bytes.
 * Thread: any.
 */
VSM_EXPORT size_t vsm_private_state_size(void);

/**
 * Value of a register.
 *
 * @param state an initialised object.
 * @param name  HV register name.
 * @param value filled in.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL    an argument is NULL or state is not initialised.
 * @retval -VSM_ERR_NOTFOUND that register is no private state: unknown, shared, an alias, or
 *                           without state of its own.
 * Thread: any.
 */
VSM_EXPORT int vsm_private_state_get(const struct vsm_private_state *state, uint32_t name,
				     struct hv_register_value *value);

/**
 * Change a register.
 *
 * @param state  an initialised object.
 * @param limits of the machine, see vsm_register_check().
 * @param reg    name and value.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL    an argument is NULL, state is not initialised, a field of limits is
 *                           wrong, reg->reserved is not 0, or the value is not legal.
 * @retval -VSM_ERR_NOTFOUND as for vsm_private_state_get().
 * Thread: any.
 */
VSM_EXPORT int vsm_private_state_set(struct vsm_private_state *state,
				     const struct vsm_register_limits *limits,
				     const struct vsm_reg *reg);

/**
 * Register by position, ascending by name, for walking all of them.
 *
 * @param state    an initialised object.
 * @param position 0, 1, 2 ...
 * @param reg      filled in.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL    an argument is NULL or state is not initialised.
 * @retval -VSM_ERR_NOTFOUND position is behind the last register.
 * Thread: any.
 */
VSM_EXPORT int vsm_private_state_at(const struct vsm_private_state *state, uint32_t position,
				    struct vsm_reg *reg);

/**
 * Call a function for each register, ascending by name.
 *
 * @param state  an initialised object; the function must not change it.
 * @param visit  gets each register, which is gone after the return. 0: go on; else: stop.
 * @param opaque first argument of visit.
 * @return 0 after the last register, or what visit returned when it was not 0. A value that no
 *         error has tells the two apart.
 * @retval -VSM_ERR_INVAL state or visit is NULL, or state is not initialised; visit was not called.
 * Thread: any.
 */
VSM_EXPORT int vsm_private_state_for_each(const struct vsm_private_state *state,
					  int (*visit)(void *opaque, const struct vsm_reg *reg),
					  void *opaque);

/**
 * Describe all registers for people, one line each, such as "CR0 0x80050033" or
 * "CS selector 0x10 base 0x0 limit 0xffffffff attributes 0xa09b".
 *
 * @param state  an initialised object.
 * @param line   called for each line: no newline, at most 200 characters, gone after the return.
 * @param opaque first argument of line.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL state or line is NULL, or state is not initialised.
 * Thread: any.
 */
VSM_EXPORT int vsm_private_state_print(const struct vsm_private_state *state,
				       void (*line)(void *opaque, const char *text), void *opaque);

/**
 * Write the encoded form. Equal objects give equal bytes.
 *
 * @param state an initialised object.
 * @param buf   filled in; untouched on failure.
 * @param size  of buf; vsm_private_state_size() is always enough.
 * @param used  set to the bytes written; a multiple of 8.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL an argument is NULL, state is not initialised, or size is too small.
 * Thread: any.
 */
VSM_EXPORT int vsm_private_state_encode(const struct vsm_private_state *state, void *buf,
					size_t size, size_t *used);

/**
 * Read the encoded form. All of it is read and checked before the object is touched, and nothing in
 * it is trusted.
 *
 * @param state  set wholly; need not be initialised. Untouched on failure.
 * @param limits of the machine: values must be legal on it.
 * @param buf    bytes of an encoded object.
 * @param size   exactly those.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL    an argument is NULL, a field of limits is wrong, or the bytes are
 *                           damaged: wrong start, length, order or checksum, an unknown flag, or a
 *                           value that is not legal.
 * @retval -VSM_ERR_NOSUP    of a version that this library does not know.
 * @retval -VSM_ERR_NOTFOUND a register that is no private state here.
 * Thread: any.
 */
VSM_EXPORT int vsm_private_state_decode(struct vsm_private_state *state,
					const struct vsm_register_limits *limits, const void *buf,
					size_t size);

/**
 * Fill an object from a VTL of a VP, active or not.
 *
 * Registers that the host keeps are asked for by regs_get; those it does not have, and those that
 * no op names (the local APIC, the TSC), are at their reset values: the VMM saves them itself. An
 * intercept message that waits for its slot is no register and is not saved.
 *
 * @param vp    in no entry and not blocked.
 * @param vtl   enabled on it.
 * @param state set wholly; need not be initialised. Untouched on failure.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL    an argument is NULL or vtl is above max_vtl.
 * @retval -VSM_ERR_NOTFOUND vtl is not enabled on this VP.
 * @retval -VSM_ERR_MISUSE   the VP is in an entry, blocked, or belongs to another thread.
 * @retval -VSM_ERR_NOSUP    the VTL waits for its first entry, and this host refuses the context
 *                           for it: it has no registers, and vsm_save() has the context.
 * @retval -VSM_ERR_HOST     a host op failed.
 * Thread: the VP's.
 */
VSM_EXPORT int vsm_vtl_state_save(struct vsm_vp *vp, uint32_t vtl, struct vsm_private_state *state);

/**
 * Make a VTL of a VP what an object says.
 *
 * Only registers whose value differs are written. Overlay pages of the VTL move as if the guest had
 * written their MSRs, locked or not; their bytes are guest memory and stay. GUEST_OS_ID, HYPERCALL
 * and REFERENCE_TSC are those of the VTL on all VPs. VSM_PARTITION_CONFIG cannot be changed so,
 * because rights of lower VTLs depend on it. What was written before a failure is put back.
 *
 * @param vp    in no entry and not blocked.
 * @param vtl   enabled on it.
 * @param state an initialised object with the flags that vsm_vtl_state_save() gives here.
 * @retval 0 done.
 * @retval -VSM_ERR_INVAL    an argument is NULL, vtl is above max_vtl, state is not initialised or
 *                           has other flags, or a value is not legal here.
 * @retval -VSM_ERR_NOTFOUND vtl is not enabled on this VP.
 * @retval -VSM_ERR_NOSUP    a register that neither libvsm nor this host can write is to change; or
 *                           the VTL waits for its first entry, and this host refuses the context
 *                           for it. Nothing has changed.
 * @retval -VSM_ERR_MISUSE   the VP is in an entry, blocked, or belongs to another thread; or
 *                           another VP is changing rights or overlays.
 * @retval -VSM_ERR_HOST     a host op failed; nothing has changed.
 * @retval -VSM_ERR_STATE    a host op failed, and so did the way back: the VTL is neither old nor
 *                           new.
 * Thread: the VP's.
 */
VSM_EXPORT int vsm_vtl_state_load(struct vsm_vp *vp, uint32_t vtl,
				  const struct vsm_private_state *state);

VSM_END_DECLS

#endif /* VSM_STATE_H */
