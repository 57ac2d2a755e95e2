/* SPDX-License-Identifier: BSD-3-Clause */
/* What a VTL keeps for itself: the example of vsm/state.h as a program that has nothing else. */
#include <stdio.h>
#include <string.h>

#include <vsm/state.h>

static const struct vsm_register_limits limits = { .size = sizeof(limits),
						   .cr4_mask = 0x20,
						   .efer_mask = 0xd01,
						   .phys_bits = 46 };

static uint32_t lines;

static int failed(const char *what)
{
	printf("alone-private-state: %s\n", what);
	return 1;
}

/* As far as this program has a vCPU. */
struct vcpu {
	uint32_t names[VSM_PRIVATE_STATE_REGS];
	uint32_t count;
	uint64_t rip;
};

static struct vcpu vcpu;

static int load(void *opaque, const struct vsm_reg *reg)
{
	struct vcpu *to = opaque;

	if (to->count == VSM_PRIVATE_STATE_REGS)
		return 1;
	to->names[to->count++] = reg->name;
	if (reg->name == HV_X64_REGISTER_RIP)
		to->rip = reg->value.low;
	return 0;
}

static int is_loaded(uint32_t name)
{
	for (uint32_t i = 0; i < vcpu.count; i++) {
		if (vcpu.names[i] == name)
			return 1;
	}
	return 0;
}

static void count_line(void *opaque, const char *text)
{
	(void)opaque;
	lines += text[0] != '\0';
}

static int move(uint8_t *buffer, size_t size, size_t *used)
{
	struct vsm_private_state vtl1;
	struct vsm_reg reg = { .name = HV_X64_REGISTER_RIP, .value = { .low = 0x1000 } };

	vsm_private_state_init(&vtl1, 0);
	if (vsm_private_state_set(&vtl1, &limits, &reg) != 0)
		return failed("RIP cannot be set");
	if (vsm_private_state_for_each(&vtl1, load, &vcpu) != 0)
		return failed("the vCPU does not take a register");
	if (vsm_private_state_encode(&vtl1, buffer, size, used) != 0)
		return failed("the buffer is too small");

	/* TLFS 15.11.1 and 15.11.2. */
	if (vcpu.rip != 0x1000 || !is_loaded(HV_X64_REGISTER_CR3) ||
	    !is_loaded(HV_REGISTER_VP_ASSIST_PAGE))
		return failed("private state is missing");
	if (is_loaded(HV_X64_REGISTER_RAX) || is_loaded(HV_X64_REGISTER_CR2))
		return failed("shared state is in it");
	if (vsm_private_state_print(&vtl1, count_line, NULL) != 0 || lines < vcpu.count)
		return failed("not every register is described");
	return 0;
}

static int back(const uint8_t *buffer, size_t used)
{
	struct vsm_private_state copy;
	struct hv_register_value value;
	uint8_t damaged[16384];

	if (vsm_private_state_decode(&copy, &limits, buffer, used) != 0 ||
	    vsm_private_state_get(&copy, HV_X64_REGISTER_RIP, &value) != 0 || value.low != 0x1000)
		return failed("RIP did not come back");
	memcpy(damaged, buffer, used);
	damaged[used / 2] ^= 1;
	if (vsm_private_state_decode(&copy, &limits, damaged, used) == 0)
		return failed("a flipped bit passes");
	if (vsm_private_state_decode(&copy, &limits, buffer, used - 8) == 0)
		return failed("a short object passes");
	return 0;
}

int main(void)
{
	static uint8_t buffer[16384];
	size_t used = 0;

	if (vsm_private_state_size() > sizeof(buffer))
		return failed("the object has outgrown this program");
	if (move(buffer, sizeof(buffer), &used) != 0 || back(buffer, used) != 0)
		return 1;
	puts("alone-private-state: ok");
	return 0;
}
