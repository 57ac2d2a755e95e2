/* SPDX-License-Identifier: BSD-3-Clause */
/* The private-state object, for the library itself. */
#ifndef VSM_PRIVATE_STATE_H
#define VSM_PRIVATE_STATE_H

#include <vsm/state.h>

#define PRIVATE_STATE_FLAGS (VSM_PRIVATE_STATE_DR6_SHARED | VSM_PRIVATE_STATE_SCONTROL_0)

/* Is it an object that vsm_private_state_init() made, register for register? */
int private_state_whole(const struct vsm_private_state *state);

/* Position of a register, -1 if it is not in the object. Only size and count need be right. */
int private_state_find(const struct vsm_private_state *state, uint32_t name);

#endif /* VSM_PRIVATE_STATE_H */
