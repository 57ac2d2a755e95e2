/* SPDX-License-Identifier: BSD-3-Clause */
/* Exceptions that an entry asks the VMM to raise. */
#ifndef VSM_EXCEPTION_H
#define VSM_EXCEPTION_H

#include "internal.h"

#define VECTOR_UD 6u
#define VECTOR_GP 13u
#define VECTOR_MC 18u

/* Note the exception; `rip`: set RIP of the active VTL to it first, NULL: it stands right already.
 * R_EXCEPTION or an error. */
int exception_raise(struct vsm_vp *vp, uint32_t vector, const uint64_t *rip);

#endif /* VSM_EXCEPTION_H */
