/* SPDX-License-Identifier: BSD-3-Clause */
#include "guest_state.h"

#include <string.h>

static struct hv_segment_register segment(uint16_t selector, uint32_t limit, uint16_t attributes)
{
	struct hv_segment_register s = { 0, limit, selector, attributes };

	return s;
}

/* SDM vol. 3A 5.8.1, 9.8.5 */
void guest_state_init(struct hv_initial_vp_context *c, uint64_t rip, uint64_t cr3)
{
	memset(c, 0, sizeof(*c));
	c->rip = rip;
	c->rflags = 2;
	c->cs = segment(0x10, 0xffffffff, 0xa09b);
	c->ds = segment(0x18, 0xffffffff, 0xc093);
	c->es = c->ds;
	c->fs = c->ds;
	c->gs = c->ds;
	c->ss = c->ds;
	c->tr = segment(0x20, 0x67, 0x8b);
	c->ldtr = segment(0, 0, 0x82);
	c->efer = 0xd01; /* NXE, LMA, LME, SCE */
	c->cr0 = 0x80050033; /* PG, AM, WP, NE, ET, MP, PE */
	c->cr3 = cr3;
	c->cr4 = 0x6a0; /* OSXMMEXCPT, OSFXSR, PGE, PAE */
	c->msr_cr_pat = 0x0007040600070406ull;
}

void guest_enable_partition(struct hv_input_enable_partition_vtl *in)
{
	memset(in, 0, sizeof(*in));
	in->target_partition_id = HV_PARTITION_ID_SELF;
	in->target_vtl = 1;
}

void guest_enable_vp(struct hv_input_enable_vp_vtl *in)
{
	memset(in, 0, sizeof(*in));
	in->target_partition_id = HV_PARTITION_ID_SELF;
	in->vp_index = HV_VP_INDEX_SELF;
	in->target_vtl = 1;
}
