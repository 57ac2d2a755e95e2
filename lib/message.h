/* SPDX-License-Identifier: BSD-3-Clause */
/* Intercept messages, byte by byte (TLFS 13.2). Needs no partition. */
#ifndef VSM_MESSAGE_H
#define VSM_MESSAGE_H

#include <stdint.h>

#include <vsm/vp.h>

/* The intercepted code. */
struct message_context {
	uint64_t rip;
	uint64_t rflags;
	uint64_t cr0;
	uint64_t efer;
	struct hv_segment_register cs;
	struct hv_segment_register ss;
	uint32_t vp_index;
	uint32_t vtl;
	uint8_t cr8;
};

/* Fill all 256 bytes of a GpaIntercept message. */
void message_memory_intercept(struct hv_message *message, const struct message_context *context,
			      const struct vsm_memory_fault *fault);

#endif /* VSM_MESSAGE_H */
