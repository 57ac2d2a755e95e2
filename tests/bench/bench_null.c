/* SPDX-License-Identifier: BSD-3-Clause */
/* Figures that need no hypervisor: decoding, and exits of the null host. */
#include <string.h>

#include "bench.h"
#include "null_host.h"

#define REP_PAGES	 8ull
#define REGISTER_IN_GPA	 0x2000u
#define REGISTER_OUT_GPA 0x3000u

struct decode {
	struct vsm_hypercall_regs regs;
	struct vsm_hypercall_caps caps;
};

static int decode_batch(void *arg, uint32_t count)
{
	struct decode *d = arg;
	struct vsm_hypercall call = { .size = sizeof(call) };

	for (uint32_t i = 0; i < count; i++) {
		if (vsm_hypercall_decode(&d->regs, &d->caps, &call) != VSM_DECODE_OK)
			return -1;
	}
	return 0;
}

/* A run loop asks before it runs the guest, and hands in the exit after it. */
static int exit_of(struct null_host *h)
{
	if (vsm_vp_run_prepare(h->vp) != VSM_VERDICT_RESUME)
		return -1;
	return null_trap(h);
}

static int hypercall_batch(void *arg, uint32_t count)
{
	struct null_host *h = arg;

	*null_gpr(h, 0, HV_X64_REGISTER_RCX) = HVCALL_NOTIFY_LONG_SPIN_WAIT | HV_HYPERCALL_FAST;
	*null_gpr(h, 0, HV_X64_REGISTER_RDX) = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (exit_of(h) != VSM_VERDICT_RESUME)
			return -1;
	}
	return *null_gpr(h, 0, HV_X64_REGISTER_RAX) == HV_STATUS_SUCCESS ? 0 : -1;
}

static int roundtrip_batch(void *arg, uint32_t count)
{
	struct null_host *h = arg;

	*null_gpr(h, 0, HV_X64_REGISTER_RAX) = 0;
	*null_gpr(h, 0, HV_X64_REGISTER_RCX) = HVCALL_VTL_CALL;
	for (uint32_t i = 0; i < count; i++) {
		if (exit_of(h) != VSM_VERDICT_SWITCHED)
			return -1;
		*null_gpr(h, 1, HV_X64_REGISTER_RCX) = HVCALL_VTL_RETURN;
		/* RAX and RCX of VTL0 come from the assist page of VTL1. */
		if (exit_of(h) != VSM_VERDICT_SWITCHED)
			return -1;
	}
	return vsm_vp_active_vtl(h->vp) == 0 ? 0 : -1;
}

static int msr_batch(void *arg, uint32_t count)
{
	struct null_host *h = arg;
	uint64_t value;

	for (uint32_t i = 0; i < count; i++) {
		if (vsm_vp_rdmsr(h->vp, HV_X64_MSR_SINT0, &value) != VSM_VERDICT_RESUME ||
		    vsm_vp_wrmsr(h->vp, HV_X64_MSR_SINT0, value) != VSM_VERDICT_RESUME)
			return -1;
	}
	return 0;
}

/* GetVpRegisters of CR3 in memory, as a guest in VTL0 asks for its own. */
static int register_batch(void *arg, uint32_t count)
{
	struct null_host *h = arg;
	const struct hv_input_get_vp_registers header = { .partition_id = HV_PARTITION_ID_SELF,
							  .vp_index = HV_VP_INDEX_SELF };
	const uint32_t name = HV_X64_REGISTER_CR3;

	memcpy(h->ram + REGISTER_IN_GPA, &header, sizeof(header));
	memcpy(h->ram + REGISTER_IN_GPA + sizeof(header), &name, sizeof(name));
	for (uint32_t i = 0; i < count; i++) {
		*null_gpr(h, 0, HV_X64_REGISTER_RCX) = HVCALL_GET_VP_REGISTERS |
						       1ull << HV_HYPERCALL_REP_COUNT_SHIFT;
		*null_gpr(h, 0, HV_X64_REGISTER_RDX) = REGISTER_IN_GPA;
		*null_gpr(h, 0, HV_X64_REGISTER_R8) = REGISTER_OUT_GPA;
		if (exit_of(h) != VSM_VERDICT_RESUME)
			return -1;
	}
	return (*null_gpr(h, 0, HV_X64_REGISTER_RAX) & 0xffff) == HV_STATUS_SUCCESS ? 0 : -1;
}

struct encode {
	struct vsm_private_state state;
	uint8_t bytes[8192];
};

static int encode_batch(void *arg, uint32_t count)
{
	struct encode *e = arg;
	size_t used;

	for (uint32_t i = 0; i < count; i++) {
		if (vsm_private_state_encode(&e->state, e->bytes, sizeof(e->bytes), &used) != 0)
			return -1;
	}
	return 0;
}

static int figure(const char *name, bench_batch *batch, void *arg, uint32_t repeat)
{
	double ns;

	if (bench_best(batch, arg, repeat, &ns) != 0)
		return bench_missing(name, "the library gave another verdict than it should");
	bench_print(name, ns, "ns");
	return 0;
}

static int decode_figures(uint32_t repeat)
{
	struct decode d = {
		.regs = { .size = sizeof(d.regs),
			  .mode = VSM_CALLER_PROTECTED | VSM_CALLER_LONG,
			  .rcx = HVCALL_NOTIFY_LONG_SPIN_WAIT | HV_HYPERCALL_FAST },
		.caps = { .size = sizeof(d.caps),
			  .privileges = ~0ull,
			  .phys_bits = 40,
			  .calls = ~0ull,
			  .enabled = 1 },
	};
	int missing = figure("decode_ns", decode_batch, &d, repeat);

	d.regs.rcx = HVCALL_MODIFY_VTL_PROTECTION_MASK | REP_PAGES << HV_HYPERCALL_REP_COUNT_SHIFT;
	d.regs.rdx = 0x2000;
	return missing + figure("decode_rep_ns", decode_batch, &d, repeat);
}

int bench_null(uint32_t repeat)
{
	static const struct {
		const char *name;
		bench_batch *batch;
		enum null_model model;
	} figures[] = {
		{ "hypercall_null_ns", hypercall_batch, NULL_REPLICATED },
		{ "vtl_roundtrip_null_ns", roundtrip_batch, NULL_REPLICATED },
		{ "vtl_roundtrip_swapped_null_ns", roundtrip_batch, NULL_SWAPPED },
		{ "msr_ns", msr_batch, NULL_REPLICATED },
		{ "register_get_ns", register_batch, NULL_REPLICATED },
	};
	struct null_host h[2];
	struct encode encode;
	const char *why[2];
	int missing = decode_figures(repeat);

	vsm_private_state_init(&encode.state, 0);
	missing += figure("private_state_encode_ns", encode_batch, &encode, repeat);

	why[NULL_REPLICATED] = null_host_open(&h[NULL_REPLICATED], NULL_REPLICATED);
	why[NULL_SWAPPED] = null_host_open(&h[NULL_SWAPPED], NULL_SWAPPED);
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		enum null_model model = figures[i].model;

		missing += why[model] != NULL ?
				   bench_missing(figures[i].name, why[model]) :
				   figure(figures[i].name, figures[i].batch, &h[model], repeat);
	}
	null_host_close(&h[NULL_REPLICATED]);
	null_host_close(&h[NULL_SWAPPED]);
	return missing;
}
