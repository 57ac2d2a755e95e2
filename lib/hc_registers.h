/* SPDX-License-Identifier: BSD-3-Clause */
/* The part of Get/SetVpRegisters that runs on the thread of the VP whose registers are meant. */
#ifndef VSM_HC_REGISTERS_H
#define VSM_HC_REGISTERS_H

#include "internal.h"

/*
 * Go on with the hypercall of `caller`, which waits, on the thread of `self`: as many elements as
 * this VP's thread is needed for. R_AGAIN: the rest is the caller's; else a status or an error.
 */
int registers_run(struct vsm_vp *caller, struct vsm_vp *self);

#endif /* VSM_HC_REGISTERS_H */
