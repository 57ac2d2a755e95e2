/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include <string.h>

#include "host.h"

#define CONFIG_FLAGS                                                          \
	(VSM_CONFIG_ACCEPT_UNENFORCED_EXECUTE | VSM_CONFIG_SCONTROL_RESET_0 | \
	 VSM_CONFIG_CHECK_THREADS)
#define HOST_FLAGS                                                                                 \
	(VSM_HOST_PROTECT_FLUSHES | VSM_HOST_HAS_SMM | VSM_HOST_HAS_NESTED | VSM_HOST_DR6_SHARED | \
	 VSM_HOST_STARTS_VPS)
#define MASKS 0xffffu

/* VME, PVI, TSD, DE, PSE, PAE, MCE, PGE, PCE, OSFXSR, OSXMMEXCPT, UMIP, FSGSBASE, PCIDE, OSXSAVE,
 * SMEP, SMAP (SDM vol. 3A 2.5) */
#define CR4_DEFAULT  0x370fffULL
/* SCE, LME, LMA, NXE */
#define EFER_DEFAULT 0xd01ULL

void vsm_config_init(struct vsm_config *config)
{
	if (config == NULL)
		return;
	memset(config, 0, sizeof(*config));
	config->size = sizeof(*config);
	config->max_vps = 1;
	config->max_vtl = 1;
	config->phys_bits = 40;
	config->enforceable = 1u << VSM_RIGHTS_ALL;
	config->hypercall_budget = HC_LIST_MAX;
	config->trap_kind = VSM_TRAP_OUT;
	config->trap_port = 0x7e;
	config->long_spin_count = HV_SPIN_WAIT_NEVER;
	config->version = 10u << 16;
	config->partition_id = 1;
	config->cr4_mask = CR4_DEFAULT;
	config->efer_mask = EFER_DEFAULT;
	config->protmap_max_bytes = 256ULL << 20;
}

static int bad(struct vsm *vsm, int err, const char *what)
{
	log_misuse(vsm, "vsm_partition_create", what);
	return -err;
}

/* Every declared mask must be one that a guest could ask for (TLFS 15.9.2). */
static int masks_legal(uint32_t masks, int mbec)
{
	for (uint32_t mask = 0; mask <= VSM_RIGHTS_ALL; mask++) {
		if ((masks & (1u << mask)) != 0 && !vsm_rights_valid(mask, mbec))
			return 0;
	}
	return (masks & (1u << VSM_RIGHTS_ALL)) != 0 && (masks & ~MASKS) == 0;
}

/*
 * With MBEC a host can do what it can without, and on a VP where it is off it needs what is left of
 * each mask then: UX without KX counts for nothing.
 */
static int mbec_agrees(const struct vsm_config *c)
{
	uint32_t extra = c->enforceable_mbec & ~c->enforceable;

	if ((c->enforceable & ~c->enforceable_mbec) != 0)
		return 0;
	for (uint32_t mask = 0; mask <= VSM_RIGHTS_ALL; mask++) {
		uint32_t off = mask & ~HV_MAP_GPA_USER_EXECUTABLE;

		if ((extra & (1u << mask)) != 0 && (c->enforceable & (1u << off)) == 0)
			return 0;
	}
	return 1;
}

static int check_numbers(struct vsm *vsm, const struct vsm_config *c)
{
	if (c->max_vps == 0 || c->max_vps > VSM_VP_MAX)
		return bad(vsm, VSM_ERR_INVAL, "config.max_vps is not in 1..VSM_VP_MAX");
	if (c->max_vtl > VSM_VTL_MAX)
		return bad(vsm, VSM_ERR_INVAL, "config.max_vtl is above VSM_VTL_MAX");
	if (c->phys_bits < 32 || c->phys_bits > 52)
		return bad(vsm, VSM_ERR_INVAL, "config.phys_bits is not in 32..52");
	if (c->hypercall_budget == 0 || c->hypercall_budget > HC_LIST_MAX)
		return bad(vsm, VSM_ERR_INVAL, "config.hypercall_budget is not in 1..512");
	if (c->trap_kind > VSM_TRAP_VMMCALL)
		return bad(vsm, VSM_ERR_INVAL, "config.trap_kind is none of VSM_TRAP_*");
	if (c->trap_port > 0xff)
		return bad(vsm, VSM_ERR_INVAL, "config.trap_port is above 255");
	if ((c->emulated & ~(c->enforceable | c->enforceable_mbec)) != 0)
		return bad(vsm, VSM_ERR_INVAL,
			   "config.emulated names a mask that is not enforceable");
	if (c->partition_id == HV_PARTITION_ID_INVALID || c->partition_id == HV_PARTITION_ID_SELF)
		return bad(vsm, VSM_ERR_INVAL, "config.partition_id is 0 or SELF");
	return 0;
}

int config_check(struct vsm *vsm)
{
	const struct vsm_config *c = &vsm->config;
	int r = check_numbers(vsm, c);

	if (r != 0)
		return r;
	if ((c->flags & ~CONFIG_FLAGS) != 0)
		return bad(vsm, VSM_ERR_INVAL, "config.flags has an unknown bit");
	if ((c->flags & VSM_CONFIG_CHECK_THREADS) != 0 && vsm->ops.thread_id == NULL)
		return bad(vsm, VSM_ERR_INVAL,
			   "config.flags: VSM_CONFIG_CHECK_THREADS needs the op thread_id");
	if ((c->host_flags & ~HOST_FLAGS) != 0)
		return bad(vsm, VSM_ERR_INVAL, "config.host_flags has an unknown bit");
	if ((c->host_flags & VSM_HOST_HAS_SMM) != 0)
		return bad(vsm, VSM_ERR_NOSUP,
			   "config.host_flags: SMM cannot be combined with VTLs, turn it off");
	if ((c->host_flags & VSM_HOST_HAS_NESTED) != 0)
		return bad(vsm, VSM_ERR_NOSUP,
			   "config.host_flags: nested VMX or SVM cannot be combined with VTLs");
	if (!masks_legal(c->enforceable, 0))
		return bad(vsm, VSM_ERR_INVAL,
			   "config.enforceable names an illegal mask or lacks bit 15");
	if (c->enforceable_mbec == 0)
		return 0;
	if (!masks_legal(c->enforceable_mbec, 1))
		return bad(vsm, VSM_ERR_INVAL,
			   "config.enforceable_mbec names an illegal mask or lacks bit 15");
	if (!mbec_agrees(c))
		return bad(
			vsm, VSM_ERR_INVAL,
			"config.enforceable_mbec lacks a mask of config.enforceable, or that lacks "
			"what is left of one with MBEC off");
	return 0;
}

int config_check_ops(struct vsm *vsm)
{
	const struct vsm_host_ops *ops = &vsm->ops;

	if (ops->regs_get == NULL || ops->regs_set == NULL)
		return bad(vsm, VSM_ERR_INVAL, "ops.regs_get or ops.regs_set is NULL");
	if (ops->gpa_read == NULL || ops->gpa_write == NULL)
		return bad(vsm, VSM_ERR_INVAL, "ops.gpa_read or ops.gpa_write is NULL");
	if ((ops->alloc == NULL) != (ops->free == NULL))
		return bad(vsm, VSM_ERR_INVAL, "only one of ops.alloc and ops.free is given");
	return 0;
}
