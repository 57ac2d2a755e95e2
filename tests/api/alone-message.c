/* SPDX-License-Identifier: BSD-3-Clause */
/* A denied write becomes a message: the example of vsm/message.h as a program that has nothing
 * else. */
#include <stdio.h>
#include <string.h>

#include <vsm/message.h>

static int failed(const char *what)
{
	printf("alone-message: %s\n", what);
	return 1;
}

/* The bytes as a guest reads them, at offsets from the published layout. */
static uint64_t bytes_at(const struct hv_message *message, size_t offset, size_t size)
{
	uint8_t slot[256];
	uint64_t value = 0;

	memcpy(slot, message, sizeof(slot));
	for (size_t i = 0; i < size; i++)
		value |= (uint64_t)slot[offset + i] << (8 * i);
	return value;
}

static int example(void)
{
	const struct vsm_intercept_context code = {
		.size = sizeof(code),
		.vp_index = 2,
		.rip = 0x401000,
		.rflags = 0x202,
		.cr0 = 0x80000011,
		.cs = { .limit = 0xfffff, .selector = 0x10, .attributes = 0xc09b },
		.ss = { .limit = 0xfffff, .selector = 0x18, .attributes = 0xc093 },
		.access = HV_INTERCEPT_ACCESS_WRITE,
	};
	const struct vsm_memory_intercept fault = {
		.size = sizeof(fault),
		.message_type = HVMSG_GPA_INTERCEPT,
		.cache_type = HV_CACHE_TYPE_WRITE_BACK,
		.gpa = 0x12345678,
		.access_info = HV_X64_MEMORY_ACCESS_GVA_GPA_VALID,
	};
	struct hv_message message;

	if (vsm_message_memory(&message, &code, &fault) != 0)
		return failed("a good intercept is refused");

	if (bytes_at(&message, 0, 4) != 0x80000001 || bytes_at(&message, 4, 1) != 80)
		return failed("type or size is wrong");
	if (bytes_at(&message, 16, 4) != 2 || bytes_at(&message, 21, 1) != 1 ||
	    bytes_at(&message, 22, 2) != 0x4 || bytes_at(&message, 40, 8) != 0x401000)
		return failed("the common part is wrong");
	if (bytes_at(&message, 56, 4) != 6 || bytes_at(&message, 61, 1) != 2 ||
	    bytes_at(&message, 72, 8) != 0x12345678)
		return failed("the access is wrong");
	return 0;
}

static int refusals(void)
{
	const struct vsm_intercept_context code = { .size = sizeof(code), .vtl = 16 };
	struct hv_message message;
	struct hv_message before;

	memset(&message, 0xa5, sizeof(message));
	before = message;
	if (vsm_message_halt(&message, &code) == 0)
		return failed("VTL 16 passes");
	if (vsm_message_timer(&message, 4, 0, 0) == 0)
		return failed("timer 4 passes");
	if (memcmp(&message, &before, sizeof(message)) != 0)
		return failed("a refused message was written");
	return 0;
}

int main(void)
{
	if (example() != 0 || refusals() != 0)
		return 1;
	puts("alone-message: ok");
	return 0;
}
