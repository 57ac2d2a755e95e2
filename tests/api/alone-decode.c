/* SPDX-License-Identifier: BSD-3-Clause */
/* What a trap means: the example of vsm/hypercall.h as a program that has nothing else. */
#include <stdio.h>
#include <string.h>

#include <vsm/hypercall.h>

static int failed(const char *what)
{
	printf("alone-decode: %s\n", what);
	return 1;
}

static int example(void)
{
	const struct vsm_hypercall_regs regs = {
		.size = sizeof(regs),
		.mode = VSM_CALLER_PROTECTED | VSM_CALLER_LONG,
		.rcx = HVCALL_GET_VP_REGISTERS | 2ull << 32,
		.rdx = 0x1000,
		.r8 = 0x2000,
	};
	const struct vsm_hypercall_caps caps = {
		.size = sizeof(caps),
		.privileges = HV_PRIV_ACCESS_VP_REGISTERS,
		.phys_bits = 46,
		.calls = 1ull << vsm_hypercall_row(HVCALL_GET_VP_REGISTERS),
		.enabled = 1,
	};
	struct vsm_hypercall call = { .size = sizeof(call) };

	if (vsm_hypercall_decode(&regs, &caps, &call) != VSM_DECODE_OK)
		return failed("a good call is refused");
	if (call.rep_count != 2 || call.param[0] != 0x1000 || call.input_size != 16 + 2 * 4)
		return failed("the input block is not two register names behind a header");

	if (call.code != 0x50 || call.param[1] != 0x2000 || call.output_size != 2 * 16)
		return failed("the output block is not two register values");
	if (strcmp(vsm_hypercall_name(call.code), "HvCallGetVpRegisters") != 0)
		return failed("the call has another name");
	return 0;
}

/* One thing wrong at a time. */
static int refusals(void)
{
	struct vsm_hypercall_regs regs = {
		.size = sizeof(regs),
		.mode = VSM_CALLER_PROTECTED | VSM_CALLER_LONG,
		.rcx = HVCALL_GET_VP_REGISTERS | 2ull << 32 | 1ull << 63,
		.rdx = 0x1000,
		.r8 = 0x2000,
	};
	struct vsm_hypercall_caps caps = {
		.size = sizeof(caps),
		.privileges = HV_PRIV_ACCESS_VP_REGISTERS,
		.phys_bits = 46,
		.calls = UINT64_MAX,
		.enabled = 1,
	};
	struct vsm_hypercall call = { .size = sizeof(call) };

	if (vsm_hypercall_decode(&regs, &caps, &call) != VSM_DECODE_STATUS ||
	    call.status != HV_STATUS_INVALID_HYPERCALL_INPUT)
		return failed("a reserved bit passes");
	regs.rcx &= ~(1ull << 63);
	regs.rdx = 0x1001;
	if (vsm_hypercall_decode(&regs, &caps, &call) != VSM_DECODE_STATUS ||
	    call.status != HV_STATUS_INVALID_ALIGNMENT)
		return failed("an unaligned block passes");
	caps.privileges = 0;
	if (vsm_hypercall_decode(&regs, &caps, &call) != VSM_DECODE_STATUS ||
	    call.status != HV_STATUS_ACCESS_DENIED)
		return failed("a call without its privilege passes");
	regs.cpl = 3;
	if (vsm_hypercall_decode(&regs, &caps, &call) != VSM_DECODE_EXCEPTION || call.vector != 6)
		return failed("a user program may call");
	return 0;
}

int main(void)
{
	if (example() != 0 || refusals() != 0)
		return 1;
	puts("alone-decode: ok");
	return 0;
}
