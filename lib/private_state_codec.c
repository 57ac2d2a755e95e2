/* SPDX-License-Identifier: BSD-3-Clause */
/* The encoded form of private state; vsm/state.h has its layout. */
#include <string.h>

#include "private_state.h"
#include "register_check.h"
#include "vsm/error.h"
#include "wire.h"

#define VERSION	      1u
#define HEADER_BYTES  24u
#define RECORD_BYTES  24u
#define TRAILER_BYTES 8u

static const uint8_t magic[8] = { 'V', 'S', 'M', 'P', 'R', 'I', 'V', 'S' };

static size_t bytes_of(size_t count)
{
	return HEADER_BYTES + count * RECORD_BYTES + TRAILER_BYTES;
}

size_t vsm_private_state_size(void)
{
	return bytes_of(VSM_PRIVATE_STATE_REGS);
}

int vsm_private_state_encode(const struct vsm_private_state *state, void *buf, size_t size,
			     size_t *used)
{
	uint8_t *at = buf;
	size_t bytes;

	if (!private_state_whole(state) || buf == NULL || used == NULL)
		return -VSM_ERR_INVAL;
	bytes = bytes_of(state->count);
	if (size < bytes)
		return -VSM_ERR_INVAL;
	memcpy(at, magic, sizeof(magic));
	wire_put32(at + 8, VERSION);
	wire_put32(at + 12, state->flags);
	wire_put32(at + 16, state->count);
	wire_put32(at + 20, 0);
	at += HEADER_BYTES;
	for (uint32_t i = 0; i < state->count; i++, at += RECORD_BYTES) {
		wire_put32(at, state->regs[i].name);
		wire_put32(at + 4, 0);
		wire_put64(at + 8, state->regs[i].value.low);
		wire_put64(at + 16, state->regs[i].value.high);
	}
	wire_put64(at, wire_sum(WIRE_SUM_START, buf, bytes - TRAILER_BYTES));
	*used = bytes;
	return 0;
}

/* Number of records, or an error. */
static int read_header(const uint8_t *bytes, size_t size, uint32_t *flags)
{
	uint32_t count;

	if (size < bytes_of(0) || memcmp(bytes, magic, sizeof(magic)) != 0)
		return -VSM_ERR_INVAL;
	if (wire_get32(bytes + 8) != VERSION)
		return -VSM_ERR_NOSUP;
	*flags = wire_get32(bytes + 12);
	count = wire_get32(bytes + 16);
	if (count > VSM_PRIVATE_STATE_REGS || size != bytes_of(count) ||
	    wire_get32(bytes + 20) != 0)
		return -VSM_ERR_INVAL;
	if (wire_get64(bytes + size - TRAILER_BYTES) !=
	    wire_sum(WIRE_SUM_START, bytes, size - TRAILER_BYTES))
		return -VSM_ERR_INVAL;
	return (int)count;
}

int vsm_private_state_decode(struct vsm_private_state *state,
			     const struct vsm_register_limits *limits, const void *buf, size_t size)
{
	const uint8_t *at = buf;
	struct vsm_private_state next;
	uint32_t flags = 0, last = 0;
	int count, r;

	if (state == NULL || !register_limits_valid(limits) || buf == NULL)
		return -VSM_ERR_INVAL;
	count = read_header(at, size, &flags);
	if (count < 0)
		return count;
	r = vsm_private_state_init(&next, flags);
	at += HEADER_BYTES;
	for (int i = 0; i < count && r == 0; i++, at += RECORD_BYTES) {
		struct vsm_reg reg = { .name = wire_get32(at), .reserved = wire_get32(at + 4) };

		reg.value.low = wire_get64(at + 8);
		reg.value.high = wire_get64(at + 16);
		if (i != 0 && reg.name <= last) /* Twice, or out of order. */
			return -VSM_ERR_INVAL;
		last = reg.name;
		r = vsm_private_state_set(&next, limits, &reg);
	}
	if (r == 0)
		*state = next;
	return r;
}
