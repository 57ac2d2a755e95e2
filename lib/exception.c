/* SPDX-License-Identifier: BSD-3-Clause */
#include "exception.h"

#include <string.h>

#include "host.h"

int exception_raise(struct vsm_vp *vp, uint32_t vector, const uint64_t *rip)
{
	struct vsm_reg reg = { .name = HV_X64_REGISTER_RIP };

	if (rip != NULL) {
		reg.value.low = *rip;
		if (host_regs_set(vp, vp_active(vp), VSM_REGS_GPR, &reg, 1) != 0)
			return -VSM_ERR_HOST;
	}
	memset(&vp->exception, 0, sizeof(vp->exception));
	vp->exception.vector = (uint8_t)vector;
	vp->exception.has_error_code = vector == VECTOR_GP;
	vp->has_exception = 1;
	stat_inc(&vp->stats.exceptions);
	return R_EXCEPTION;
}
