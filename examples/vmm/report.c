/* SPDX-License-Identifier: BSD-3-Clause */
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int vmm_error(const char *what, int err)
{
	int saved = errno;

	fprintf(stderr, "vsm-vmm: %s: %s%s%s\n", what, vsm_strerror(err),
		err == -VSM_ERR_SYS ? ": " : "", err == -VSM_ERR_SYS ? strerror(saved) : "");
	return VMM_EXIT_HOST;
}

void vmm_log(int32_t level, const char *line)
{
	if (level <= VSM_LOG_WARN)
		fprintf(stderr, "vsm-vmm: %s\n", line);
}

int report_guest_exit(const struct vmm *vmm)
{
	return (int)((vmm->devices.exit_code << 1 | 1) & 0xff);
}

int report_guest_died(const char *how, uint32_t vtl, uint64_t rip)
{
	fflush(stdout);
	fprintf(stderr, "vsm-vmm: the guest failed: %s in VTL%u at RIP 0x%llx\n", how, vtl,
		(unsigned long long)rip);
	return VMM_EXIT_GUEST_FAILED;
}

int report_timeout(const struct vmm *vmm)
{
	fflush(stdout);
	fprintf(stderr, "vsm-vmm: timeout: the guest has not ended within %u s\n",
		vmm->options->timeout_s);
	return VMM_EXIT_TIMEOUT;
}

void report_rights(uint32_t enforceable)
{
	static const char *const names[16] = {
		[0x0] = "no access", [0x1] = "R",   [0x3] = "R+W",   [0x9] = "R+UX",
		[0xb] = "R+W+UX",    [0xd] = "R+X", [0xf] = "R+W+X",
	};
	const char *between = "";

	for (uint32_t mask = 0; mask < 16; mask++) {
		if (names[mask] && (enforceable >> mask & 1) != 0) {
			printf("%s%s", between, names[mask]);
			between = ", ";
		}
	}
	putchar('\n');
}

int report_stats_begin(const char *host, const struct vsm *vsm)
{
	struct vsm_stats s = { .size = sizeof(s) };
	int r = vsm_stats_get(vsm, &s);

	if (r < 0) {
		vmm_error("statistics", r);
		return -1;
	}
	fflush(stdout);
	fprintf(stderr, "stats: host=%s", host);
	report_number("vtl-calls", s.vtl_calls);
	report_number("intercepts", s.intercepts);
	report_number("vtl-returns", s.vtl_returns);
	report_number("vtl-entries", s.vtl_entries);
	report_number("hypercalls", s.hypercalls);
	report_number("continuations", s.continuations);
	report_number("faults-retried", s.faults_retried);
	report_number("pages-protected", s.pages_protected);
	report_number("unenforced-execute", s.unenforced_execute);
	report_number("exceptions", s.exceptions);
	report_number("host-errors", s.host_errors);
	return 0;
}

void report_number(const char *name, uint64_t value)
{
	fprintf(stderr, " %s=%llu", name, (unsigned long long)value);
}

void report_text(const char *name, const char *value)
{
	fprintf(stderr, " %s=%s", name, value);
}

void report_stats_end(void)
{
	fputc('\n', stderr);
}
