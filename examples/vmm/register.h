/* SPDX-License-Identifier: BSD-3-Clause */
/* Registers that a guest begins with, as libvsm names them. */
#ifndef VMM_REGISTER_H
#define VMM_REGISTER_H

#include <string.h>

#include <vsm/host.h>
#include <vsm/hv.h>

static inline struct vsm_reg number(uint32_t name, uint64_t value)
{
	struct vsm_reg r = { name, 0, { value, 0 } };

	return r;
}

static inline struct vsm_reg segment(uint32_t name, uint16_t selector, uint16_t attributes,
				     uint32_t limit)
{
	struct hv_segment_register s = { 0, limit, selector, attributes };
	struct vsm_reg r = { name, 0, { 0, 0 } };

	memcpy(&r.value, &s, sizeof(s));
	return r;
}

#endif /* VMM_REGISTER_H */
