/* SPDX-License-Identifier: BSD-3-Clause */
/* What KVM offers to a guest (--probe), and what was counted (--stats). */
#include "kvm_machine.h"

#include <stdio.h>
#include <unistd.h>

#include "report.h"

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
		return vmm_error("KVM", r);
	count = vsm_kvm_left_out(k, names, sizeof(names) / sizeof(names[0]));
	vsm_kvm_destroy(k);
	printf("shared registers that are not carried: %d%s", count, count > 0 ? ":" : "");
	for (int i = 0; i < count && i < (int)(sizeof(names) / sizeof(names[0])); i++)
		printf(" %s", vsm_register_name(names[i]));
	putchar('\n');
	return 0;
}

/* The ways to leave lower VTLs less than all rights, and which ones. The first that is there is
 * taken, unless --enforce names another. */
static void print_mechanisms(void)
{
	const char *taken = " (the default here)";

	for (uint32_t id = VSM_KVM_ENFORCE_ATTRIBUTES; id <= VSM_KVM_ENFORCE_MEMSLOT; id++) {
		struct vsm_kvm_enforcement e = { .size = sizeof(e) };

		if (vsm_kvm_enforcement(NULL, id, &e) != 0)
			continue;
		if (!e.available) {
			printf("rights by %s: no: %s\n", e.name, e.missing);
			continue;
		}
		printf("rights by %s: yes%s: ", e.name, taken);
		report_rights(e.enforceable);
		taken = "";
	}
}

static void print_host(const struct vsm_kvm_host *host)
{
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		const struct fact *f = &facts[i];
		int has = (host->flags & f->flag) != 0;

		printf("%s: %s: %s\n", f->name, has ? "yes" : "no", has ? f->with : f->without);
	}
	printf("memory slots: %u for each VTL: overlay pages take some, and with --enforce memslot\n"
	       "    each protected range\n",
	       host->memslots);
	printf("guest physical address bits: %u\n", host->phys_bits);
	print_mechanisms();
	printf("rights by emulation: for up to N pages with --emulate-exec N: R, R+W%s\n",
	       host->mechanisms & 1u << VSM_KVM_ENFORCE_ATTRIBUTES ? "; attributes need none" : "");
	printf("carried at a VTL switch: general registers, CR2%s%s%s\n",
	       host->carry & VSM_KVM_CARRY_FPU ? ", FPU and vector state" : "",
	       host->carry & VSM_KVM_CARRY_DEBUG ? ", DR0 to DR3" : "",
	       host->carry & VSM_KVM_CARRY_XCR0 ? ", XCR0" : "");
	printf("TSC: %llu Hz\n", (unsigned long long)host->tsc_hz);
}

int kvm_machine_probe(void)
{
	struct vsm_kvm_host host = { .size = sizeof(host) };
	int fd = kvm_machine_open();
	int r;

	if (fd < 0)
		return kvm_machine_no_kvm();
	r = vsm_kvm_probe(fd, &host);
	if (r < 0) {
		close(fd);
		return vmm_error("asking KVM", r);
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
	struct vsm_kvm_enforcement e = { .size = sizeof(e) };
	struct vsm_kvm_stats k = { .size = sizeof(k) };
	int r = vsm_kvm_stats_get(m->kvm, &k);

	if (r < 0) {
		vmm_error("statistics", r);
		return;
	}
	if (report_stats_begin("kvm", m->vsm) < 0)
		return;
	if (vsm_kvm_enforcement(m->kvm, VSM_KVM_ENFORCE_AUTO, &e) == 0)
		report_text("enforce", e.name);
	report_number("kvm-runs", k.runs);
	report_number("kvm-ioctls", k.ioctls);
	report_number("kvm-slot-ops", k.slot_ops);
	report_number("switches", k.switches);
	report_number("switches-carried", k.carried);
	report_number("changes", k.changes);
	report_number("ranges", k.changed_ranges);
	report_number("ipis", k.kicks);
	report_number("parks", k.parks);
	report_number("native-faults", k.native_faults);
	report_number("served", k.served);
	report_number("foreign", k.foreign);
	report_number("emulated-pages", k.emulated_pages);
	report_number("emulated-accesses", k.emulated_accesses);
	report_number("emulated-again", k.emulated_again);
	report_number("stores-held", k.held_stores);
	report_number("stores-done", k.stores_done);
	report_number("stores-dropped", k.stores_dropped);
	report_stats_end();
}
