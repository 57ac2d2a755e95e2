/* SPDX-License-Identifier: BSD-3-Clause */
#include "protect.h"

#include "lib/cpu.h"

struct guest_hv protect_hv;

static void must(uint16_t status, const char *text)
{
	if (status != HV_STATUS_SUCCESS)
		guest_panic("VTL0: %s: HV status 0x%x", text, status);
}

void protect_enable(uint8_t flags)
{
	struct hv_initial_vp_context context;

	hv_setup(&protect_hv, GUEST_OS_ID_VTL(0));
	must(hv_enable_partition_vtl_with(&protect_hv, 1, flags), "EnablePartitionVtl(1)");
	protect_vtl1_context(&context);
	must(hv_enable_vp_vtl(&protect_hv, 1, &context), "EnableVpVtl(1)");
	must(hv_setup_vtl_stubs(&protect_hv), "VsmCodePageOffsets");
}

uint64_t protect_call(uint64_t what, uint64_t rsi, uint64_t rdi, uint64_t r8, uint64_t r9,
		      uint64_t r10)
{
	struct vtl_gprs r = { .rdx = what, .rsi = rsi, .rdi = rdi, .r8 = r8, .r9 = r9, .r10 = r10 };

	vtl_call(&r, protect_hv.vtl_call);
	return r.rdx;
}

uint64_t protect_list(uint64_t gpa, uint32_t rights, uint32_t count, uint32_t step, uint32_t bad)
{
	return protect_call(PROTECT_LIST, gpa, rights, count, step, bad);
}

void protect_page(const void *page, uint32_t rights)
{
	uint64_t result = protect_list((uintptr_t)page, rights, 1, 1, PROTECT_NO_BAD);

	if (result != 1ull << HV_HYPERCALL_RESULT_REPS_SHIFT)
		guest_panic("ModifyVtlProtectionMask(0x%x): 0x%lx", rights, result);
}

void protect_policy(uint32_t policy, const void *resume)
{
	protect_call(PROTECT_POLICY, policy, (uintptr_t)resume, 0, 0, 0);
}
