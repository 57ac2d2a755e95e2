/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A program that knows libvsm only from its installed headers and its .pc file: it makes a
 * partition on a host that can do nothing but hold memory, and asks each kind of thing once.
 */
#include <stdio.h>
#include <string.h>

#include <vsm/vsm.h>

static uint8_t ram[0x10000];

static int regs_get(void *vp, uint32_t vtl, uint32_t groups, struct vsm_reg *regs, uint32_t count)
{
	(void)vp;
	(void)vtl;
	(void)groups;
	(void)regs;
	(void)count;
	return -VSM_ERR_HOST;
}

static int regs_set(void *vp, uint32_t vtl, uint32_t groups, const struct vsm_reg *regs,
		    uint32_t count)
{
	(void)vp;
	(void)vtl;
	(void)groups;
	(void)regs;
	(void)count;
	return -VSM_ERR_HOST;
}

static int gpa_read(void *opaque, uint64_t gpa, void *buf, uint32_t len)
{
	(void)opaque;
	memcpy(buf, ram + gpa, len);
	return 0;
}

static int gpa_write(void *opaque, uint64_t gpa, const void *buf, uint32_t len)
{
	(void)opaque;
	memcpy(ram + gpa, buf, len);
	return 0;
}

static int failed(const char *what)
{
	printf("consumer: %s\n", what);
	return 1;
}

int main(void)
{
	const struct vsm_host_ops ops = {
		.size = sizeof(ops),
		.regs_get = regs_get,
		.regs_set = regs_set,
		.gpa_read = gpa_read,
		.gpa_write = gpa_write,
	};
	struct vsm_capabilities caps = { .size = sizeof(caps) };
	struct vsm_config config;
	struct vsm *vsm = NULL;

	if (vsm_version() != VSM_VERSION_NUMBER)
		return failed("the library's version is not that of its headers");
	if (strcmp(vsm_hv_status_name(0), "HV_STATUS_SUCCESS") != 0)
		return failed("status 0 has another name");
	if (strcmp(vsm_hypercall_name(0x0011), "HvCallVtlCall") != 0)
		return failed("call 0x0011 has another name");

	vsm_config_init(&config);
	if (vsm_partition_create(&config, &ops, NULL, &vsm) != 0)
		return failed("vsm_partition_create");
	if (vsm_ram_add(vsm, 0, sizeof(ram)) != 0)
		return failed("vsm_ram_add");
	if (vsm_partition_realise(vsm) != 0)
		return failed("vsm_partition_realise");
	if (vsm_capabilities_get(vsm, &caps) != 0 || (caps.flags & VSM_CAP_VSM))
		return failed("a host without switch_vtl must not offer VSM");
	vsm_partition_destroy(vsm);
	puts("consumer: ok");
	return 0;
}
