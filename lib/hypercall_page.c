/* SPDX-License-Identifier: BSD-3-Clause */
#include "hypercall_page.h"

#include <string.h>

#include <vsm/partition.h>

#define TRAP_SIZE 3u /* All kinds are padded to this, so that the stubs lie alike. */
#define INT3	  0xccu
#define RET	  0xc3u
#define NOP	  0x90u

static const uint8_t trap_vmcall[TRAP_SIZE] = { 0x0f, 0x01, 0xc1 };
static const uint8_t trap_vmmcall[TRAP_SIZE] = { 0x0f, 0x01, 0xd9 };

/*
 * The VTL switch takes its control input in RCX (64-bit) or EAX (32-bit); the stub moves it to
 * where the trap wants it and loads the call code (TLFS 15.6.1, 15.7.1).
 */
static const struct stub {
	uint8_t offset;
	uint8_t size;
	uint8_t code[8];
} stubs[] = {
	{ 0x04, 7, { 0x89, 0xc1, 0xb8, 0x11, 0, 0, 0 } }, /* mov ecx,eax; mov eax,0x11 */
	{ 0x0f, 8, { 0x48, 0x89, 0xc8, 0xb9, 0x11, 0, 0, 0 } }, /* mov rax,rcx; mov ecx,0x11 */
	{ 0x1b, 7, { 0x89, 0xc1, 0xb8, 0x12, 0, 0, 0 } }, /* mov ecx,eax; mov eax,0x12 */
	{ 0x26, 8, { 0x48, 0x89, 0xc8, 0xb9, 0x12, 0, 0, 0 } }, /* mov rax,rcx; mov ecx,0x12 */
};

static void trap_bytes(uint8_t *trap, uint32_t kind, uint32_t port)
{
	if (kind == VSM_TRAP_VMCALL) {
		memcpy(trap, trap_vmcall, TRAP_SIZE);
	} else if (kind == VSM_TRAP_VMMCALL) {
		memcpy(trap, trap_vmmcall, TRAP_SIZE);
	} else {
		trap[0] = 0xe6; /* OUT imm8, AL */
		trap[1] = (uint8_t)port;
		trap[2] = NOP;
	}
}

void hypercall_page_fill(uint8_t *page, uint32_t trap_kind, uint32_t trap_port)
{
	uint8_t trap[TRAP_SIZE];

	trap_bytes(trap, trap_kind, trap_port);
	memset(page, INT3, HV_PAGE_SIZE);
	memcpy(page, trap, TRAP_SIZE);
	page[TRAP_SIZE] = RET;
	for (size_t i = 0; i < sizeof(stubs) / sizeof(stubs[0]); i++) {
		uint8_t *at = page + stubs[i].offset;

		memcpy(at, stubs[i].code, stubs[i].size);
		memcpy(at + stubs[i].size, trap, TRAP_SIZE);
		at[stubs[i].size + TRAP_SIZE] = RET;
	}
}

uint64_t hypercall_page_offsets(int long_mode)
{
	const struct stub *call = &stubs[long_mode ? 1 : 0];
	const struct stub *ret = &stubs[long_mode ? 3 : 2];

	return call->offset | ((uint64_t)ret->offset << HV_VSM_CODE_PAGE_OFFSETS_VTL_RETURN_SHIFT);
}
