/* SPDX-License-Identifier: BSD-3-Clause */
/* vsm-vmm: runs multiboot guests that may use Virtual Trust Levels. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "inject.h"
#include "multiboot.h"
#include "protmap.h"
#include "vmm.h"

static int host_error(const char *what)
{
	fprintf(stderr, "vsm-vmm: %s: %s\n", what, strerror(errno));
	return VMM_EXIT_HOST;
}

/*
 * A standard stream that is closed would lend its number to the next file, such as the guest's RAM,
 * which the console would then write to. Not writable: what is lost is noticed.
 */
static int occupy_standard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int ram_open(struct vmm *vmm)
{
	uint64_t size;
	void *p;

	vmm->ram_size = (uint64_t)vmm->options->memory_mib << 20;
	vmm->ram_more = (uint64_t)vmm->options->hotplug_mib << 20;
	size = vmm->ram_size + vmm->ram_more;
	vmm->ram_fd = memfd_create("vsm-vmm-ram", MFD_CLOEXEC);
	if (vmm->ram_fd < 0)
		return host_error("memfd for the guest's RAM");
	if (ftruncate(vmm->ram_fd, (off_t)size) < 0)
		return host_error("--memory");
	p = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vmm->ram_fd, 0);
	if (p == MAP_FAILED)
		return host_error("--memory");
	vmm->ram = p;
	return 0;
}

static void ram_close(struct vmm *vmm)
{
	if (vmm->ram)
		munmap(vmm->ram, (size_t)(vmm->ram_size + vmm->ram_more));
	if (vmm->ram_fd >= 0)
		close(vmm->ram_fd);
}

void vmm_plugged(struct vmm *vmm, int result)
{
	if (result == 0) {
		vmm->ram_size += vmm->ram_more;
		vmm->ram_more = 0;
	} else {
		vmm_error("RAM that the guest asks for", result);
	}
	devices_plugged(&vmm->devices, result == 0);
}

static int run_image(struct vmm *vmm, const struct vmm_host *host)
{
	const struct options *o = vmm->options;
	int status;

	if (image_open(&vmm->image, o->image, (uint64_t)o->memory_mib << 20) < 0)
		return VMM_EXIT_USAGE;
	status = protmap_open(vmm);
	if (status == 0)
		status = ram_open(vmm);
	if (status == 0) {
		image_load(&vmm->image, vmm->ram);
		if (multiboot_build(vmm->ram, vmm->ram_size, &vmm->image, o->image, o->args,
				    &vmm->info_gpa) < 0)
			status = VMM_EXIT_USAGE;
	}
	if (status == 0) {
		devices_init(&vmm->devices, o->vps, o->hotplug_mib);
		if (o->inject == INJECT_UNCHECKED_DMA) {
			vmm->devices.unchecked_ram = vmm->ram;
			vmm->devices.unchecked_size = vmm->ram_size;
		}
		pthread_mutex_init(&vmm->lock, NULL);
		status = host->run(vmm);
		pthread_mutex_destroy(&vmm->lock);
	}
	protmap_close(vmm);
	ram_close(vmm);
	image_close(&vmm->image);
	return status;
}

static const struct vmm_host *const hosts[] = {
#ifdef HAVE_KVM
	&host_kvm,
#endif
#ifdef HAVE_UNICORN
	&host_unicorn,
#endif
	NULL
};

static const struct vmm_host *find_host(const char *name)
{
	for (size_t i = 0; hosts[i]; i++) {
		if (strcmp(hosts[i]->name, name) == 0)
			return hosts[i];
	}
	return NULL;
}

/* KVM where it can be used. What cannot be used is said, so that nobody waits for its speed. */
static const struct vmm_host *default_host(void)
{
	const struct vmm_host *kvm = find_host("kvm"), *unicorn = find_host("unicorn");

	if (!kvm || (unicorn && !kvm->is_usable())) {
		fprintf(stderr, "vsm-vmm: host unicorn, as %s%s\n",
			kvm ? "/dev/kvm cannot be used: " : "this vsm-vmm was built without kvm",
			kvm ? strerror(errno) : "");
		return unicorn;
	}
	return kvm;
}

static const struct vmm_host *choose_host(const struct options *o)
{
	const struct vmm_host *host = o->host ? find_host(o->host) : default_host();

	if (!host)
		fprintf(stderr,
			"vsm-vmm: --host '%s': this vsm-vmm was built without it (meson setup "
			"-D%s=enabled says what is missing)\n",
			o->host, o->host);
	if (host && o->enforce && !host->is_usable) {
		fprintf(stderr, "vsm-vmm: --enforce '%s': is of host kvm, but this is host %s\n",
			o->enforce, host->name);
		return NULL;
	}
	return host;
}

int main(int argc, char **argv)
{
	static struct vmm vmm;
	struct options options;
	int status;

	if (occupy_standard_streams() < 0)
		return host_error("/dev/null");
	/* Of a line that is not whole yet, a person wants to see what there is. */
	if (isatty(STDOUT_FILENO))
		setvbuf(stdout, NULL, _IONBF, 0);
	status = options_parse(&options, argc, argv);
	if (status < 0) {
		const struct vmm_host *host = choose_host(&options);

		vmm.options = &options;
		vmm.ram_fd = -1;
		if (!host)
			status = VMM_EXIT_USAGE;
		else
			status = options.probe ? host->probe() : run_image(&vmm, host);
	}
	/* The guest's console is the product: losing it is no success. */
	if (fflush(stdout) != 0)
		return host_error("standard output");
	if (ferror(stdout)) {
		errno = vmm.devices.console_error ? vmm.devices.console_error : EIO;
		return host_error("standard output");
	}
	return status;
}
