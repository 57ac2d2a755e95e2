/* SPDX-License-Identifier: BSD-3-Clause */
/* What KVM offers to a guest (--probe), and what was counted (--stats). */
#include "kvm_machine.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

struct fact {
	uint32_t flag;
	const char *name;
	const char *with;
	const char *without;
};

static const struct fact facts[] = {
	{ VSM_KVM_HAS_SYNC_REGS, "registers through kvm_run",
	  "a VTL switch costs no ioctl for general registers", "required" },
	{ VSM_KVM_HAS_IMMEDIATE_EXIT, "immediate exit", "a kick is never lost", "required" },
	{ VSM_KVM_HAS_USER_MSR, "MSR exits", "synthetic MSRs are answered", "required" },
	{ VSM_KVM_HAS_MSR_FILTER, "MSR filter", "synthetic MSRs are answered", "required" },
	{ VSM_KVM_HAS_READONLY_MEM, "read-only memory",
	  "write denial and a hypercall page that the guest cannot change", "required" },
	{ VSM_KVM_HAS_XSAVE2, "XSAVE above 4 KiB", "all vector state is shared between VTLs",
	  "only the first 4 KiB of vector state is shared between VTLs" },
	{ VSM_KVM_HAS_TSC_OFFSET, "TSC offset", "all VTLs read the same TSC",
	  "TSCs of VTLs may differ" },
	{ VSM_KVM_HAS_DEBUGREGS, "debug registers", "DR0 to DR3 can be shared between VTLs",
	  "DR0 to DR3 are not shared between VTLs" },
	{ VSM_KVM_HAS_XCRS, "XCR0", "XCR0 can be shared between VTLs where CPUID has XSAVE",
	  "XCR0 is not shared between VTLs" },
	{ VSM_KVM_OUT_RIP_ADVANCED, "RIP past OUT at its exit (measured)",
	  "hypercalls complete without a further run", "each hypercall is completed by KVM first" },
	{ VSM_KVM_TSC_IS_HOST, "guest TSC is the host's (measured)",
	  "reference time can be computed from the host's TSC",
	  "the guest is offered no reference time" },
};

static const char *const rights_names[16] = {
	[0x0] = "no access", [0x1] = "R",   [0x3] = "R+W",   [0x9] = "R+UX",
	[0xb] = "R+W+UX",    [0xd] = "R+X", [0xf] = "R+W+X",
};

static void print_rights(uint32_t enforceable)
{
	uint32_t mask;

	printf("rights of a page that a VTL can give to lower ones:");
	for (mask = 0; mask < 16; mask++) {
		if (rights_names[mask])
			printf("%s %s: %s", mask ? "," : "", rights_names[mask],
			       enforceable >> mask & 1 ? "enforced" : "refused");
	}
	putchar('\n');
}

/* Shared registers that each VTL has for itself here; those of the library's table. */
static int print_left_out(int fd)
{
	struct vsm_kvm_options options;
	struct vsm_kvm *k;
	uint32_t names[256];
	int count, r;

	vsm_kvm_options_init(&options);
	options.kvm_fd = fd;
	r = vsm_kvm_create(&options, &k);
	if (r < 0)
		return kvm_machine_error("KVM", r);
	count = vsm_kvm_left_out(k, names, sizeof(names) / sizeof(names[0]));
	vsm_kvm_destroy(k);
	printf("shared registers that are not carried: %d%s", count, count > 0 ? ":" : "");
	for (int i = 0; i < count && i < (int)(sizeof(names) / sizeof(names[0])); i++)
		printf(" %s", vsm_register_name(names[i]));
	putchar('\n');
	return 0;
}

static void print_host(const struct vsm_kvm_host *host)
{
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		const struct fact *f = &facts[i];
		int has = (host->flags & f->flag) != 0;

		printf("%s: %s: %s\n", f->name, has ? "yes" : "no", has ? f->with : f->without);
	}
	printf("memory slots: %u for each VTL: each protected range and overlay page takes some\n",
	       host->memslots);
	printf("guest physical address bits: %u\n", host->phys_bits);
	print_rights(host->enforceable);
	printf("carried at a VTL switch: general registers, CR2%s%s%s\n",
	       host->carry & VSM_KVM_CARRY_FPU ? ", FPU and vector state" : "",
	       host->carry & VSM_KVM_CARRY_DEBUG ? ", DR0 to DR3" : "",
	       host->carry & VSM_KVM_CARRY_XCR0 ? ", XCR0" : "");
	printf("TSC: %llu Hz\n", (unsigned long long)host->tsc_hz);
}

int kvm_machine_probe(void)
{
	struct vsm_kvm_host host = { .size = sizeof(host) };
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int r;

	if (fd < 0)
		return kvm_machine_no_kvm();
	r = vsm_kvm_probe(fd, &host);
	if (r < 0) {
		close(fd);
		return kvm_machine_error("asking KVM", r);
	}
	print_host(&host);
	if (host.missing == 0)
		r = print_left_out(fd);
	close(fd);
	if (r != 0)
		return r;
	if (host.missing) {
		printf("verdict: this KVM cannot run guests with VTLs (missing flags 0x%x)\n",
		       host.missing);
		return VMM_EXIT_HOST;
	}
	printf("verdict: this KVM can run guests with VTLs\n");
	return 0;
}

void kvm_machine_print_stats(const struct kvm_machine *m)
{
	struct vsm_stats s = { .size = sizeof(s) };
	struct vsm_kvm_stats k = { .size = sizeof(k) };
	int r = vsm_stats_get(m->vsm, &s);

	if (r == 0)
		r = vsm_kvm_stats_get(m->kvm, &k);
	if (r < 0) {
		kvm_machine_error("statistics", r);
		return;
	}
	fflush(stdout);
#define NUMBER(name, value) fprintf(stderr, " " name "=%llu", (unsigned long long)(value))
	fprintf(stderr, "stats: host=kvm");
	NUMBER("vtl-calls", s.vtl_calls);
	NUMBER("intercepts", s.intercepts);
	NUMBER("vtl-returns", s.vtl_returns);
	NUMBER("vtl-entries", s.vtl_entries);
	NUMBER("hypercalls", s.hypercalls);
	NUMBER("continuations", s.continuations);
	NUMBER("faults-retried", s.faults_retried);
	NUMBER("pages-protected", s.pages_protected);
	NUMBER("unenforced-execute", s.unenforced_execute);
	NUMBER("exceptions", s.exceptions);
	NUMBER("host-errors", s.host_errors);
	NUMBER("kvm-runs", k.runs);
	NUMBER("kvm-ioctls", k.ioctls);
	NUMBER("kvm-slot-ops", k.slot_ops);
	NUMBER("switches", k.switches);
	NUMBER("switches-carried", k.carried);
	NUMBER("stores-held", k.held_stores);
	NUMBER("stores-done", k.stores_done);
	NUMBER("stores-dropped", k.stores_dropped);
	fputc('\n', stderr);
#undef NUMBER
}
