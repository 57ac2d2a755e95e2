/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vsm/version.h>

#include "inject.h"

enum {
	OPT_HOST = 256,
	OPT_MEMORY,
	OPT_HOTPLUG,
	OPT_TIMEOUT,
	OPT_STATS,
	OPT_PROBE,
	OPT_VPS,
	OPT_ENFORCE,
	OPT_ACCEPT_EXEC,
	OPT_EMULATE_EXEC,
	OPT_INJECT,
	OPT_PROTMAP,
	OPT_VERSION
};

static const struct option long_options[] = {
	{ "host", required_argument, NULL, OPT_HOST },
	{ "memory", required_argument, NULL, OPT_MEMORY },
	{ "hotplug", required_argument, NULL, OPT_HOTPLUG },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "vps", required_argument, NULL, OPT_VPS },
	{ "enforce", required_argument, NULL, OPT_ENFORCE },
	{ "accept-unenforced-exec", no_argument, NULL, OPT_ACCEPT_EXEC },
	{ "emulate-exec", required_argument, NULL, OPT_EMULATE_EXEC },
	{ "inject-bug", required_argument, NULL, OPT_INJECT },
	{ "protmap", required_argument, NULL, OPT_PROTMAP },
	{ "stats", no_argument, NULL, OPT_STATS },
	{ "probe", no_argument, NULL, OPT_PROBE },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static void help(void)
{
	printf("Usage: vsm-vmm [OPTION]... IMAGE [ARGS]...\n"
	       "Runs a multiboot (ELF32) guest image that may use Virtual Trust Levels.\n"
	       "\n"
	       "  --host HOST     what runs the guest: kvm (default where /dev/kvm can be used), or\n"
	       "                  unicorn, an emulator: slower, but it needs nothing of the machine\n"
	       "  --memory MIB    RAM of the guest, %u to %u MiB (default %u)\n"
	       "  --hotplug MIB   RAM that is added behind it while the guest runs, when the guest asks\n"
	       "                  for it; --memory is then a multiple of %u\n"
	       "  --timeout S     end the guest after S seconds, 1 to %u (default: never)\n"
	       "  --vps N         virtual processors, 1 to %u (default 1); the guest starts all but the\n"
	       "                  first by HvCallStartVirtualProcessor\n"
	       "  --enforce MECH  how host kvm enforces page rights: auto (default), attributes,\n"
	       "                  uffd, sigbus, guard, mprotect or memslot; with memslot a store that\n"
	       "                  crosses into a denied page leaves its first part written\n"
	       "  --accept-unenforced-exec\n"
	       "                  record execute rights that the host cannot enforce, instead of\n"
	       "                  refusing them\n"
	       "  --emulate-exec N\n"
	       "                  let host kvm enforce execute rights of up to N pages, 1 to %u, by\n"
	       "                  emulating each access to them: slow; see vsm-vmm(1)\n"
	       "  --inject-bug NAME\n"
	       "                  do one thing wrong, to see that the guest notices; see vsm-vmm(1)\n"
	       "  --protmap FILE  at the end, draw the page rights of each VTL as an SVG image\n"
	       "  --stats         at the end, print what the library counted, on one line\n"
	       "  --probe         print what this host can do for a guest; IMAGE is not needed\n"
	       "  -h, --help      print this\n"
	       "  --version       print the version\n"
	       "\n"
	       "ARGS are handed to the guest as its command line, after the name of the image.\n"
	       "\n"
	       "Exit status: the guest's, (v << 1) | 1 for the v it wrote to port 0xf4: 1 if all\n"
	       "passed, 3 if something failed. %d: usage or image, %d: host, %d: timeout.\n",
	       VMM_MEMORY_MIN_MIB, VMM_MEMORY_MAX_MIB, VMM_MEMORY_DEFAULT_MIB,
	       VMM_HOTPLUG_ALIGN_MIB, VMM_TIMEOUT_MAX_S, VMM_VPS_MAX, VMM_EMULATE_EXEC_MAX,
	       VMM_EXIT_USAGE, VMM_EXIT_HOST, VMM_EXIT_TIMEOUT);
}

static void version(void)
{
	uint32_t v = vsm_version();

	printf("vsm-vmm (libvsm) %u.%u.%u\n", v >> 16, (v >> 8) & 0xff, v & 0xff);
}

static int usage(void)
{
	fprintf(stderr, "vsm-vmm: try 'vsm-vmm --help'\n");
	return VMM_EXIT_USAGE;
}

/* strtoul() alone would take "-1", " 7", "0x7" and "7x". */
static int parse_number(const char *name, const char *text, uint32_t min, uint32_t max,
			uint32_t *out)
{
	size_t len = strlen(text);
	unsigned long v = 0;

	if (len > 0 && len <= 9 && strspn(text, "0123456789") == len)
		v = strtoul(text, NULL, 10);
	else
		len = 0;
	if (len == 0 || v < min || v > max) {
		fprintf(stderr, "vsm-vmm: --%s '%s': want a whole number from %u to %u\n", name,
			text, min, max);
		return usage();
	}
	*out = (uint32_t)v;
	return -1;
}

static int parse_host(const char *text, struct options *o)
{
	if (strcmp(text, "kvm") != 0 && strcmp(text, "unicorn") != 0) {
		fprintf(stderr, "vsm-vmm: --host '%s': unknown host; there are: kvm, unicorn\n",
			text);
		return usage();
	}
	o->host = text;
	return -1;
}

static int parse_enforce(const char *text, struct options *o)
{
	static const char *const names[] = { "auto",  "attributes", "uffd",   "sigbus",
					     "guard", "mprotect",   "memslot" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], text) == 0) {
			o->enforce = names[i];
			return -1;
		}
	}
	fprintf(stderr,
		"vsm-vmm: --enforce '%s': there are: auto, attributes, uffd, sigbus, guard, mprotect, "
		"memslot\n",
		text);
	return usage();
}

static int parse_bug(const char *text, struct options *o)
{
	const char *list;

	o->inject = inject_find(text, &list);
	if (o->inject >= 0)
		return -1;
	fprintf(stderr, "vsm-vmm: --inject-bug '%s': there are: %s\n", text, list);
	return usage();
}

static int parse_one(int opt, struct options *o)
{
	switch (opt) {
	case OPT_HOST:
		return parse_host(optarg, o);
	case OPT_MEMORY:
		return parse_number("memory", optarg, VMM_MEMORY_MIN_MIB, VMM_MEMORY_MAX_MIB,
				    &o->memory_mib);
	case OPT_HOTPLUG:
		return parse_number("hotplug", optarg, 1, VMM_MEMORY_MAX_MIB, &o->hotplug_mib);
	case OPT_TIMEOUT:
		return parse_number("timeout", optarg, 1, VMM_TIMEOUT_MAX_S, &o->timeout_s);
	case OPT_VPS:
		return parse_number("vps", optarg, 1, VMM_VPS_MAX, &o->vps);
	case OPT_ENFORCE:
		return parse_enforce(optarg, o);
	case OPT_ACCEPT_EXEC:
		o->accept_unenforced_exec = 1;
		return -1;
	case OPT_EMULATE_EXEC:
		return parse_number("emulate-exec", optarg, 1, VMM_EMULATE_EXEC_MAX,
				    &o->emulate_exec);
	case OPT_INJECT:
		return parse_bug(optarg, o);
	case OPT_PROTMAP:
		o->protmap = optarg;
		return -1;
	case OPT_STATS:
		o->stats = 1;
		return -1;
	case OPT_PROBE:
		o->probe = 1;
		return -1;
	case 'h':
		help();
		return 0;
	case OPT_VERSION:
		version();
		return 0;
	default:
		/* getopt has named the argument. */
		return usage();
	}
}

static int check_hotplug(const struct options *o)
{
	if (o->hotplug_mib == 0 || (o->memory_mib % VMM_HOTPLUG_ALIGN_MIB == 0 &&
				    o->memory_mib + o->hotplug_mib <= VMM_MEMORY_MAX_MIB))
		return -1;
	fprintf(stderr,
		"vsm-vmm: --hotplug '%u': want --memory in whole %u MiB, and both together up to %u\n",
		o->hotplug_mib, VMM_HOTPLUG_ALIGN_MIB, VMM_MEMORY_MAX_MIB);
	return usage();
}

int options_parse(struct options *o, int argc, char **argv)
{
	static char progname[] = "vsm-vmm";
	int opt, status;

	memset(o, 0, sizeof(*o));
	o->memory_mib = VMM_MEMORY_DEFAULT_MIB;
	o->vps = 1;
	argv[0] = progname; /* what getopt's own messages begin with */
	/* '+': what follows IMAGE belongs to the guest, also if it looks like an option. */
	while ((opt = getopt_long(argc, argv, "+h", long_options, NULL)) != -1) {
		status = parse_one(opt, o);
		if (status >= 0)
			return status;
	}
	status = check_hotplug(o);
	if (status >= 0)
		return status;
	if (optind < argc) {
		if (o->probe) {
			fprintf(stderr, "vsm-vmm: --probe runs no image, but got '%s'\n",
				argv[optind]);
			return usage();
		}
		o->image = argv[optind];
		o->args = argv + optind + 1;
	} else if (!o->probe) {
		fprintf(stderr, "vsm-vmm: IMAGE is missing\n");
		return usage();
	}
	return -1;
}
