/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Saved state that nobody wrote: vsm_load() on the fake host.
 *
 * An input is what stands behind the sections CONFIG and RAM, which are this machine's own; header
 * and checksum are made to fit, so that the sections themselves are what is tried. What is refused
 * changes nothing; what is accepted is saved, loaded and saved again as the same, and the guest
 * runs on in it.
 */
#include <stdlib.h>
#include <string.h>

#include "vsmtest.h"

#include "fuzz.h"

#define SIZE_MAX_IN 65536u
#define HEADER	    40u
#define HEAD	    16u
#define ID_VTL	    4u
#define ID_MASKS    5u

static struct vsmtest *machine;
static uint8_t *own; /* What the machine saves when it is new. */
static size_t own_size;
static size_t front; /* Bytes of header, CONFIG and RAM */

static void broken(const char *what)
{
	vsmtest_on_failure(what);
}

static uint64_t get(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static size_t behind(const uint8_t *bytes, size_t at)
{
	return at + HEAD + (size_t)get(bytes + at + 8);
}

static void open_machine(void)
{
	struct vsmtest_opts opts;

	vsmtest_opts_init(&opts);
	opts.vps = opts.config.max_vps = 2;
	opts.config.max_vtl = 2;
	opts.config.host_flags = VSM_HOST_STARTS_VPS;
	opts.config.enforceable_mbec = 0xaa0b;
	opts.waiting = 2;
	machine = vsmtest_alloc(&opts);
	if (vsmtest_create(machine) != 0 || vsmtest_save(machine, &own, &own_size) != 0)
		broken("no machine");
	front = behind(own, behind(own, HEADER));
}

static uint64_t weight(uint64_t mask)
{
	return (uint64_t)__builtin_popcountll(~mask & 15u);
}

/* What the header says of a section. */
static void count(const uint8_t *section, size_t length, uint64_t *taken, uint32_t *protecting)
{
	uint32_t id, of;

	memcpy(&id, section, 4);
	memcpy(&of, section + 4, 4);
	if (id == ID_VTL && length >= HEAD + 48 && (section[HEAD + 40] & 1) != 0) {
		*taken += weight((uint64_t)section[HEAD + 40] >> 1);
		*protecting |= 1u << (of & 31u);
	}
	for (size_t at = HEAD; id == ID_MASKS && at + 16 <= length; at += 16)
		*taken += (1 + weight(section[at])) * (get(section + at + 8) >> 12);
}

/* The whole: front, input, checksum. */
static size_t build(uint8_t *out, const uint8_t *data, size_t size)
{
	uint64_t taken = 0, sum = 0xcbf29ce484222325ull, all;
	uint32_t protecting = 0, sections = 2;
	size_t at;

	size -= size % 8;
	memcpy(out, own, front);
	memcpy(out + front, data, size);
	for (at = 0; at + HEAD <= size; sections++) {
		uint64_t length = get(data + at + 8);

		if (length > size - at - HEAD)
			break;
		count(data + at, HEAD + (size_t)length, &taken, &protecting);
		at += HEAD + (size_t)length;
	}
	all = front + size + 8;
	memcpy(out + 12, &sections, 4);
	memcpy(out + 16, &all, 8);
	memcpy(out + 24, &taken, 8);
	memcpy(out + 32, &protecting, 4);
	for (at = 0; at + 8 < all; at += 8)
		sum = (sum ^ get(out + at)) * 0x100000001b3ull;
	memcpy(out + at, &sum, 8);
	return (size_t)all;
}

/* The host's own part of a loaded machine. */
static void follow(void)
{
	for (uint32_t i = 0; i < machine->vps; i++) {
		machine->vp[i].active = vsm_vp_active_vtl(machine->vp[i].vp);
		machine->vp[i].loaded = machine->vp[i].active;
	}
}

static void reset(void)
{
	memset(machine->stale, 0, sizeof(machine->stale));
	if (vsmtest_reset(machine) != 0)
		broken("no reset");
	for (uint32_t i = 0; i < machine->vps; i++)
		machine->vp[i].active = VSM_VTL_MAX + 1;
}

/* But for reference time and sequence number, which are in PARTITION, the first section behind. */
static int same(uint8_t *a, size_t a_size, uint8_t *b, size_t b_size)
{
	if (a_size != b_size)
		return 0;
	memset(a + front + HEAD + 16, 0, 12);
	memset(b + front + HEAD + 16, 0, 12);
	return memcmp(a, b, a_size - 8) == 0;
}

static void run_on(void)
{
	follow();
	for (uint32_t i = 0; i < machine->vps; i++) {
		if (vsmtest_prepare(machine, i) == VSM_VERDICT_BLOCKED)
			continue;
		vsmtest_fault(machine, i, VSMTEST_DATA_GPA, HV_INTERCEPT_ACCESS_WRITE);
		vsmtest_vtl_return(machine, i, 0);
		vsmtest_vtl_call(machine, i);
		vsmtest_wrmsr(machine, i, HV_X64_MSR_SIMP, VSMTEST_DATA_GPA | 1);
		vsmtest_wrmsr(machine, i, HV_X64_MSR_EOM, 0);
	}
}

static void accepted(void)
{
	uint8_t *first = NULL, *second = NULL;
	size_t first_size = 0, second_size = 0;

	if (vsmtest_save(machine, &first, &first_size) != 0)
		broken("what was loaded cannot be saved");
	reset();
	if (vsmtest_load(machine, first, first_size) != 0 ||
	    vsmtest_save(machine, &second, &second_size) != 0)
		broken("what was saved cannot be loaded");
	if (!same(first, first_size, second, second_size))
		broken("it is saved as something else");
	run_on();
	reset();
	free(first);
	free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[SIZE_MAX_IN + 4096];
	uint32_t calls;
	int err;

	if (machine == NULL)
		open_machine();
	if (size > SIZE_MAX_IN)
		return 0;
	for (uint32_t i = 0; i < machine->vps; i++)
		machine->vp[i].active = VSM_VTL_MAX + 1;
	calls = machine->count[VSMTEST_PROTECT] + machine->count[VSMTEST_OVERLAY_MAP];
	err = vsmtest_load(machine, bytes, build(bytes, data, size));
	if (err == 0)
		accepted();
	else if ((err != -VSM_ERR_INVAL && err != -VSM_ERR_NOSUP) ||
		 calls != machine->count[VSMTEST_PROTECT] + machine->count[VSMTEST_OVERLAY_MAP])
		broken("refused, but not without a trace");
	return 0;
}
