/* SPDX-License-Identifier: BSD-3-Clause */
/* bench-vsm: what libvsm costs. The options, and what all measurements have in common. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

#define BATCH_OPS      1000u
#define BATCHES	       50u /* For each repetition. */
#define REPEAT_DEFAULT 10u
#define REPEAT_MAX     1000u
#define TRIPS_MAX      10000000u

#define EXIT_MISSING 1
#define EXIT_USAGE   2

struct options {
	uint32_t repeat;
	uint32_t trips; /* 0: no --kvm-trips */
	int kvm;
	int comparators;
};

enum {
	OPT_COMPARATORS = 256,
	OPT_KVM,
	OPT_KVM_TRIPS,
	OPT_REPEAT
};

static const struct option long_options[] = {
	{ "comparators", no_argument, NULL, OPT_COMPARATORS },
	{ "kvm", no_argument, NULL, OPT_KVM },
	{ "kvm-trips", required_argument, NULL, OPT_KVM_TRIPS },
	{ "repeat", required_argument, NULL, OPT_REPEAT },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

uint64_t bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int bench_best(bench_batch *batch, void *arg, uint32_t repeat, double *ns)
{
	uint64_t best = UINT64_MAX;

	for (uint32_t i = 0; i < repeat * BATCHES; i++) {
		uint64_t begin = bench_now();
		int r = batch(arg, BATCH_OPS);
		uint64_t took = bench_now() - begin;

		if (r != 0)
			return -1;
		if (took < best)
			best = took;
	}
	*ns = (double)best / BATCH_OPS;
	return 0;
}

static int ascending(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

double bench_median(double *values, uint32_t count)
{
	qsort(values, count, sizeof(*values), ascending);
	return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

void bench_print(const char *name, double value, const char *unit)
{
	/* Three decimals at most, and never an exponent. */
	double rounded = (double)(int64_t)(value * 1000 + 0.5) / 1000;

	printf("%s %.15g %s\n", name, rounded, unit);
	fflush(stdout);
}

int bench_missing(const char *name, const char *why)
{
	fprintf(stderr, "bench-vsm: %s: not measured: %s\n", name, why);
	return 1;
}

static void help(void)
{
	printf("Usage: bench-vsm [OPTION]...\n"
	       "Prints what libvsm costs, a line \"name value unit\" for each figure. A figure that\n"
	       "could not be measured has no line; the reason is on standard error.\n"
	       "\n"
	       "  --comparators   measure other structures for the protection map too\n"
	       "  --kvm           measure VTL round trips on /dev/kvm too\n"
	       "  --kvm-trips N   measure nothing: make N such round trips, 1 to %u, that carry no\n"
	       "                  state by ioctl, between the lines \"kvm-trips begin\" and\n"
	       "                  \"kvm-trips end\"; between these there is no system call but KVM_RUN\n"
	       "  --repeat N      batches of each figure, 1 to %u, times %u (default %u)\n"
	       "  -h, --help      print this\n"
	       "\n"
	       "Without KVM, the shortest of all batches of %u operations, each in the order of a run\n"
	       "loop:\n"
	       "  decode_ns              vsm_hypercall_decode() of a fast call, NotifyLongSpinWait\n"
	       "  decode_rep_ns          the same of a call in memory, ModifyVtlProtectionMask of 8\n"
	       "                         pages\n"
	       "  hypercall_null_ns      vsm_vp_run_prepare() and vsm_vp_hypercall() of\n"
	       "                         NotifyLongSpinWait, fast, from a 64-bit caller\n"
	       "  vtl_roundtrip_null_ns  the same two for VtlCall and again for a normal VtlReturn,\n"
	       "                         assist page and SIMP enabled in both VTLs\n"
	       "  vtl_roundtrip_swapped_null_ns  the same on a null host of the other model\n"
	       "  msr_ns                 vsm_vp_rdmsr() and vsm_vp_wrmsr() of SINT0, the two together\n"
	       "  register_get_ns        GetVpRegisters of one register, input and output in memory\n"
	       "  private_state_encode_ns  vsm_private_state_encode() of a whole object\n"
	       "The null host has no guest. Its ops keep a register file for each VTL in memory; a\n"
	       "VTL switch moves 16 GPRs, CR2 and an FPU image of 512 bytes from one to the other.\n"
	       "The swapped one keeps one register file; a VTL switch moves all private registers of\n"
	       "the register table to the slot of one VTL, and from that of the other.\n"
	       "\n"
	       "Protection map of 64 GiB, shortest of some batches:\n"
	       "  memset_floor_ns_per_page  memset() of half a byte for each page\n"
	       "  protmap_lookup_ns      vsm_protmap_rights() of a page anywhere, with four masks on\n"
	       "                         one percent of all pages\n"
	       "  protmap_set_random_ns_per_page  vsm_protmap_set() of 500 pages anywhere\n"
	       "  protmap_set_1gib_ns_per_page    vsm_protmap_set() of one GiB; both the worst of none,\n"
	       "                         1 and 50 percent of the pages set before\n"
	       "  protmap_mib_per_tib_0, protmap_mib_per_tib_1, protmap_mib_per_tib_50\n"
	       "                         memory in use, with so many percent set\n"
	       "  protect_hypercall_510_ns_per_page  ModifyVtlProtectionMask of 510 pages anywhere\n"
	       "                         on the null host, to where the host gets its ranges\n"
	       "  radix_, stdmap_, gtree_  (--comparators) the same at one percent of a radix tree with\n"
	       "                         8 bytes a page, intervals in a std::map, a GTree of GLib with\n"
	       "                         a node a page\n"
	       "\n"
	       "With KVM, medians; the batches of all kinds take turns:\n"
	       "  kvm_two_exit_floor_ns     two KVM_RUN on the vCPUs of two VMs, each ended by an OUT\n"
	       "                            of the same guest code, without libvsm and without\n"
	       "                            registers in kvm_run\n"
	       "  kvm_vtl_roundtrip_ns      VtlCall and normal VtlReturn on libvsm-kvm, carry 0\n"
	       "  kvm_roundtrip_ratio       that to the floor\n"
	       "  kvm_roundtrip_exact_ratio the same with the default carry set; the guest leaves\n"
	       "                            its FPU and debug registers as they are\n"
	       "  kvm_roundtrip_exact_dirty_ratio  the same of a guest that changes XMM0 in each VTL,\n"
	       "                            to the floor of that guest\n"
	       "  kvm_ioctls_per_roundtrip  ioctls of a round trip with carry 0, KVM_RUN included\n"
	       "  kvm_private_save_load_ioctls  ioctls of vsm_kvm_private_exchange(), which saves the\n"
	       "                            state of one VTL and loads that of another on one vCPU of\n"
	       "                            plain KVM; MSRs differ, control registers do not\n"
	       "  kvm_private_save_load_ratio  two KVM_RUN, each followed by one of these, to the floor\n",
	       TRIPS_MAX, REPEAT_MAX, BATCHES, REPEAT_DEFAULT, BATCH_OPS);
	printf("\n"
	       "With KVM, rights of pages: medians of hypercalls that deny 500 pages, and grant them\n"
	       "again; the time of the host operation alone, by the mechanism that is chosen where\n"
	       "events are served, and with its name as suffix for each other one that the host has:\n"
	       "  enforce_scattered_deny_ns_per_page, enforce_scattered_grant_ns_per_page\n"
	       "                            each seventh page\n"
	       "  enforce_contig_deny_ns_per_page, enforce_contig_grant_ns_per_page\n"
	       "                            one page after the other\n"
	       "  enforce_held_deny_ns_per_page, enforce_held_grant_ns_per_page\n"
	       "                            each seventh page while another VP runs user code; with\n"
	       "                            the time that it takes to get it out of the guest\n"
	       "  enforce_crowded_deny_ns_per_page, enforce_crowded_grant_ns_per_page\n"
	       "                            each seventh page while 10000 others, each second one of\n"
	       "                            their range, are denied already\n"
	       "  fault_exit_us             from a denied load of user code to the first exit of VTL1,\n"
	       "                            an exit by OUT taken off\n"
	       "  enforce_tracking_ratio    what the hypercall of a scattered deny takes beside the\n"
	       "                            operation, to the operation\n"
	       "  enforce_single_deny_us, enforce_single_deny_after_us, enforce_single_deny_cost_us\n"
	       "                            a page alone, with those 10000 denied: the operation;\n"
	       "                            how much longer user code of VTL0 then takes for a load\n"
	       "                            from each of 512 other pages than without a change; the\n"
	       "                            two together, which is what the guest pays\n"
	       "  enforce_vs_memslot_ratio  enforce_single_deny_us by memory slots, to that of the\n"
	       "                            first: a page alone, the operation alone\n"
	       "  enforce_vs_memslot_cost_ratio  the same of enforce_single_deny_cost_us: KVM forgets\n"
	       "                            the VM's whole page tables with each slot that goes\n"
	       "  enforce_vs_memslot_list_ratio  the same of enforce_crowded_deny_ns_per_page: the\n"
	       "                            best case of slots, since a list of 500 pages waits for\n"
	       "                            few grace periods of the kernel\n"
	       "\n"
	       "With KVM, RAM of 128 MiB in huge pages, VTL1 denies a page; for each mechanism, with\n"
	       "its name as suffix; where the host gives no huge pages (MADV_COLLAPSE) there is a\n"
	       "line on standard error instead:\n"
	       "  huge_denied_view_mib      what is still mapped by huge pages in that view of RAM in\n"
	       "                            which it is denied\n"
	       "  huge_other_views_mib      the least of the same in any other view: VTL1's, the\n"
	       "                            library's, the monitor's\n"
	       "  huge_first_deny_us, huge_next_deny_us\n"
	       "                            the host operation that denies the first page of a huge\n"
	       "                            one, and that for a further page of it\n"
	       "  huge_far_walk_ratio       user code of VTL0 loads from each of 8192 other pages: the\n"
	       "                            first time after the deny, to the last time before it\n"
	       "  huge_near_walk_ratio      the same of 256 pages of the huge page that was split\n"
	       "\n"
	       "Exit status: 0, %d if a figure is missing, %d for bad usage.\n",
	       EXIT_MISSING, EXIT_USAGE);
}

static int usage(void)
{
	fprintf(stderr, "Try 'bench-vsm --help'.\n");
	return EXIT_USAGE;
}

static int parse_number(const char *option, const char *text, uint32_t max, uint32_t *value)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || n < 1 || n > max) {
		fprintf(stderr, "bench-vsm: %s: \"%s\" is not a number from 1 to %u\n", option,
			text, max);
		return usage();
	}
	*value = (uint32_t)n;
	return 0;
}

/* 0: go on; 1: done already; EXIT_USAGE. */
static int parse(int argc, char **argv, struct options *o)
{
	int r = 0;
	int c;

	while (r == 0 && (c = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		switch (c) {
		case OPT_COMPARATORS:
			o->comparators = 1;
			break;
		case OPT_KVM:
			o->kvm = 1;
			break;
		case OPT_KVM_TRIPS:
			r = parse_number("--kvm-trips", optarg, TRIPS_MAX, &o->trips);
			break;
		case OPT_REPEAT:
			r = parse_number("--repeat", optarg, REPEAT_MAX, &o->repeat);
			break;
		case 'h':
			help();
			return 1;
		default:
			return usage(); /* getopt_long() has named the option. */
		}
	}
	if (r == 0 && optind < argc) {
		fprintf(stderr, "bench-vsm: unexpected argument \"%s\"\n", argv[optind]);
		return usage();
	}
	return r;
}

int main(int argc, char **argv)
{
	struct options o = { .repeat = REPEAT_DEFAULT };
	int r = parse(argc, argv, &o);
	int missing;

	if (r != 0)
		return r == 1 ? EXIT_SUCCESS : r;
	if (o.trips != 0)
		return bench_kvm_trips(o.trips);
	missing = bench_null(o.repeat) + bench_protmap(o.repeat);
	if (o.comparators)
		bench_rivals(o.repeat);
	if (o.kvm)
		missing += bench_kvm(o.repeat) + bench_enforce(o.repeat) + bench_huge(o.repeat);
	return missing != 0 ? EXIT_MISSING : EXIT_SUCCESS;
}
