/* SPDX-License-Identifier: BSD-3-Clause */
/* What a VTL switch moves: the example of vsm/registers.h as a program that has nothing else. */
#include <stdio.h>
#include <string.h>

#include <vsm/registers.h>

static uint32_t carried[256];
static uint32_t count;

static int failed(const char *what)
{
	printf("alone-registers: %s\n", what);
	return 1;
}

static void carry(uint32_t name)
{
	if (count < sizeof(carried) / sizeof(carried[0]))
		carried[count] = name;
	count++;
}

static int is_carried(uint32_t name)
{
	for (uint32_t i = 0; i < count && i < sizeof(carried) / sizeof(carried[0]); i++) {
		if (carried[i] == name)
			return 1;
	}
	return 0;
}

static int example(void)
{
	struct vsm_register_info info = { .size = sizeof(info) };

	for (uint32_t i = 0; vsm_register_at(i, &info) == 0; i++) {
		if (info.scope == VSM_SCOPE_SHARED && info.group != 0)
			carry(info.name);
	}

	/* TLFS 15.11.2 and 15.11.1. */
	if (!is_carried(HV_X64_REGISTER_RAX) || !is_carried(HV_X64_REGISTER_CR2) ||
	    !is_carried(HV_X64_REGISTER_DR0) || !is_carried(HV_X64_REGISTER_XMM0))
		return failed("shared state is left behind");
	if (is_carried(HV_X64_REGISTER_RIP) || is_carried(HV_X64_REGISTER_CR3) ||
	    is_carried(HV_X64_REGISTER_EFER) || is_carried(HV_REGISTER_VSM_VP_STATUS))
		return failed("private state is carried");
	return 0;
}

static int rows(void)
{
	struct vsm_register_info info = { .size = sizeof(info) };

	if (vsm_register_info(HV_X64_REGISTER_CR3, &info) != 0 || info.scope != VSM_SCOPE_PRIVATE ||
	    info.bytes != 8 || strcmp(info.text, "CR3") != 0)
		return failed("the row of CR3 is wrong");
	if (vsm_register_info(0xdeadbeef, &info) == 0)
		return failed("there is a register 0xdeadbeef");
	return 0;
}

static int values(void)
{
	const struct vsm_register_limits limits = {
		.size = sizeof(limits), .cr4_mask = 0x20, .efer_mask = 0xd01, .phys_bits = 46
	};
	struct vsm_reg cr4 = { .name = HV_X64_REGISTER_CR4 };

	cr4.value.low = 0x20;
	if (vsm_register_check(&limits, &cr4) != 1)
		return failed("CR4.PAE is illegal");
	cr4.value.low = 0x40;
	if (vsm_register_check(&limits, &cr4) != 0)
		return failed("a bit that the machine lacks is legal");
	return 0;
}

int main(void)
{
	if (example() != 0 || rows() != 0 || values() != 0)
		return 1;
	puts("alone-registers: ok");
	return 0;
}
