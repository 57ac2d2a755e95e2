/* SPDX-License-Identifier: BSD-3-Clause */
/* A machine on libvsm-kvm: made, started, waited for, taken down. */
#include "kvm_machine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "decode.h"
#include "inject.h"
#include "multiboot.h"
#include "protmap.h"
#include "register.h"
#include "report.h"

/* The 32-bit flat segments of the multiboot entry. */
#define ATTR_CODE32   0xc09b
#define ATTR_DATA32   0xc093
#define ATTR_TSS32    0x008b
#define ATTR_LDT      0x0082
#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define CR0_PE	      0x1u
#define CR0_ET	      0x10u
#define RFLAGS_FIXED  0x2u

int kvm_machine_open(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd >= 0 && ioctl(fd, KVM_GET_API_VERSION, 0) < 0) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

static int is_usable(void)
{
	int fd = kvm_machine_open();

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int kvm_machine_no_kvm(void)
{
	fprintf(stderr,
		"vsm-vmm: /dev/kvm: %s\n"
		"vsm-vmm: this host needs KVM: load its module (modprobe kvm_intel or kvm_amd), turn\n"
		"vsm-vmm: virtualization on in the firmware or nesting in the hypervisor above, and\n"
		"vsm-vmm: give your user the device (group kvm).\n",
		strerror(errno));
	return VMM_EXIT_HOST;
}

static void on_log(void *opaque, int32_t level, const char *line)
{
	(void)opaque;
	vmm_log(level, line);
}

/* The kick op: immediate_exit is set already, so a signal that comes too early is not lost. */
static void on_kick(void *opaque, uint32_t vp)
{
	struct kvm_machine *m = opaque;
	struct kvm_machine_vp *v = &m->vp[vp];

	pthread_mutex_lock(&m->lock);
	v->kicked = 1;
	pthread_cond_broadcast(&m->changed);
	if (v->has_thread && !v->finished)
		pthread_kill(v->thread, KVM_MACHINE_SIGNAL);
	pthread_mutex_unlock(&m->lock);
}

/* Multiboot 0.6.96, 3.2: flat 32-bit protected mode, no paging, no interrupts. */
static int set_entry_state(struct kvm_machine *m)
{
	const struct vsm_reg regs[] = {
		segment(HV_X64_REGISTER_CS, SELECTOR_CODE, ATTR_CODE32, 0xffffffff),
		segment(HV_X64_REGISTER_DS, SELECTOR_DATA, ATTR_DATA32, 0xffffffff),
		segment(HV_X64_REGISTER_ES, SELECTOR_DATA, ATTR_DATA32, 0xffffffff),
		segment(HV_X64_REGISTER_FS, SELECTOR_DATA, ATTR_DATA32, 0xffffffff),
		segment(HV_X64_REGISTER_GS, SELECTOR_DATA, ATTR_DATA32, 0xffffffff),
		segment(HV_X64_REGISTER_SS, SELECTOR_DATA, ATTR_DATA32, 0xffffffff),
		segment(HV_X64_REGISTER_TR, 0, ATTR_TSS32, 0x67),
		segment(HV_X64_REGISTER_LDTR, 0, ATTR_LDT, 0xffff),
		number(HV_X64_REGISTER_CR0, CR0_PE | CR0_ET),
		number(HV_X64_REGISTER_CR4, 0),
		number(HV_X64_REGISTER_EFER, 0),
		number(HV_X64_REGISTER_RFLAGS, RFLAGS_FIXED),
		number(HV_X64_REGISTER_RAX, MULTIBOOT_MAGIC),
		number(HV_X64_REGISTER_RBX, m->vmm->info_gpa),
		number(HV_X64_REGISTER_RIP, m->vmm->image.entry),
	};
	int r = vsm_kvm_vp_set(m->vp[0].vp, 0, regs, sizeof(regs) / sizeof(regs[0]));

	return r < 0 ? vmm_error("start registers", r) : 0;
}

_Static_assert(VMM_EMULATE_EXEC_MAX == VSM_KVM_EMULATE_MAX, "options.h");

static uint32_t mechanism(const char *name)
{
	static const char *const names[] = {
		[VSM_KVM_ENFORCE_AUTO] = "auto",      [VSM_KVM_ENFORCE_ATTRIBUTES] = "attributes",
		[VSM_KVM_ENFORCE_UFFD] = "uffd",      [VSM_KVM_ENFORCE_SIGBUS] = "sigbus",
		[VSM_KVM_ENFORCE_GUARD] = "guard",    [VSM_KVM_ENFORCE_MPROTECT] = "mprotect",
		[VSM_KVM_ENFORCE_MEMSLOT] = "memslot"
	};

	for (uint32_t i = 0; name && i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], name) == 0)
			return i;
	}
	return VSM_KVM_ENFORCE_AUTO;
}

static int open_backend(struct kvm_machine *m)
{
	struct vsm_kvm_options o;
	int r;

	vsm_kvm_options_init(&o);
	/* Opened here, so that the message can tell what to do. */
	o.kvm_fd = kvm_machine_open();
	if (o.kvm_fd < 0)
		return kvm_machine_no_kvm();
	o.max_vps = m->vps;
	o.enforce = mechanism(m->vmm->options->enforce);
	o.serves = 1;
	o.emulate_execute = m->vmm->options->emulate_exec;
	o.kick_signal = KVM_MACHINE_SIGNAL;
	o.kick = on_kick;
	o.log = on_log;
	o.opaque = m;
	r = vsm_kvm_create(&o, &m->kvm);
	if (r < 0) {
		int saved = errno;

		close(o.kvm_fd);
		errno = saved;
		return vmm_error("KVM", r);
	}
	m->kvm_fd = o.kvm_fd;
	return 0;
}

static int open_partition(struct kvm_machine *m)
{
	struct vsm_host_ops ops = *vsm_kvm_ops(m->kvm);
	struct vsm_config config;
	int r;

#ifdef HAVE_ZYDIS
	ops.insn_decode = decode_length;
#endif
	inject_ops(&ops, (enum inject_bug)m->vmm->options->inject);
	vsm_config_init(&config);
	r = vsm_kvm_config(m->kvm, &config);
	if (r < 0)
		return vmm_error("configuration for KVM", r);
	config.host_flags |= VSM_HOST_STARTS_VPS;
	if (m->vmm->options->accept_unenforced_exec)
		config.flags |= VSM_CONFIG_ACCEPT_UNENFORCED_EXECUTE;
	r = vsm_partition_create(&config, &ops, m->kvm, &m->vsm);
	if (r < 0)
		return vmm_error("partition", r);
	m->vmm->devices.vsm = m->vsm;
	r = vsm_kvm_bind(m->kvm, m->vsm);
	if (r < 0)
		return vmm_error("binding the partition to KVM", r);
	r = vsm_kvm_ram_add(m->kvm, 0, m->vmm->ram_size, m->vmm->ram_fd, 0, 0);
	if (r < 0)
		return vmm_error("RAM", r);
	r = vsm_partition_realise(m->vsm);
	if (r < 0)
		return vmm_error("realising the partition", r);
	for (uint32_t i = 0; i < m->vps; i++) {
		r = vsm_kvm_vp_create(m->kvm, i, i, &m->vp[i].vp);
		if (r < 0)
			return vmm_error("VP", r);
	}
	return set_entry_state(m);
}

static void close_all(struct kvm_machine *m)
{
	vsm_partition_destroy(m->vsm);
	vsm_kvm_destroy(m->kvm);
	if (m->kvm_fd >= 0)
		close(m->kvm_fd);
}

void kvm_machine_stop(struct kvm_machine *m)
{
	pthread_mutex_lock(&m->lock);
	m->stopping = 1;
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
	for (uint32_t i = 0; i < m->vps; i++)
		vsm_kvm_kick(m->vp[i].vp);
}

/*
 * Waits for the VPs' threads. At the deadline all are stopped; the status is then the timeout's. So
 * are they when one of them has ended the guest.
 */
static int wait_for_end(struct kvm_machine *m)
{
	uint32_t limit = m->vmm->options->timeout_s;
	struct timespec deadline;
	int late = 0, status;

	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += (time_t)limit;
	pthread_mutex_lock(&m->lock);
	while (m->running) {
		int r = 0;

		if (limit == 0 && m->status < 0)
			pthread_cond_wait(&m->changed, &m->lock);
		else
			r = pthread_cond_timedwait(&m->changed, &m->lock, &deadline);
		late |= r == ETIMEDOUT && m->status < 0;
		if (r != ETIMEDOUT && (m->status < 0 || m->stopping))
			continue;
		/* Again each second: the end must not hang on one signal. */
		clock_gettime(CLOCK_MONOTONIC, &deadline);
		deadline.tv_sec++;
		pthread_mutex_unlock(&m->lock);
		kvm_machine_stop(m);
		pthread_mutex_lock(&m->lock);
	}
	pthread_mutex_unlock(&m->lock);
	for (uint32_t i = 0; i < m->vps; i++) {
		if (m->vp[i].has_thread)
			pthread_join(m->vp[i].thread, NULL);
	}
	/* The service thread may still have something to say. */
	pthread_mutex_lock(&m->lock);
	status = m->status;
	pthread_mutex_unlock(&m->lock);
	/* A guest that ended by itself in the last moment has ended by itself. */
	return late && status < 0 ? report_timeout(m->vmm) : status;
}

static int start_threads(struct kvm_machine *m)
{
	uint32_t started;
	int r = 0;

	pthread_mutex_lock(&m->lock);
	for (uint32_t i = 0; i < m->vps && r == 0; i++) {
		struct kvm_machine_vp *v = &m->vp[i];

		errno = pthread_create(&v->thread, NULL, kvm_machine_thread, v);
		v->has_thread = errno == 0;
		m->running += errno == 0;
		if (!v->has_thread)
			r = vmm_error("thread of a VP", -VSM_ERR_SYS);
	}
	if (r != 0)
		m->status = r; /* ends those that are there */
	/* Not looked at later: by then the guest may have ended. */
	started = m->running;
	pthread_mutex_unlock(&m->lock);
	return started ? wait_for_end(m) : r;
}

static void init_lock(struct kvm_machine *m)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&m->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&m->changed, &attr);
	pthread_condattr_destroy(&attr);
}

static int start_and_wait(struct kvm_machine *m)
{
	int r;

	init_lock(m);
	r = open_backend(m);
	if (r == 0)
		r = open_partition(m);
	if (r == 0)
		r = kvm_service_start(m);
	if (r == 0) {
		int drawn;

		r = start_threads(m);
		kvm_service_stop(m);
		drawn = protmap_write(m->vmm, m->vsm, 2);
		r = drawn ? drawn : r;
		if (m->vmm->options->stats)
			kvm_machine_print_stats(m);
	}
	close_all(m);
	pthread_cond_destroy(&m->changed);
	pthread_mutex_destroy(&m->lock);
	return r;
}

static int run(struct vmm *vmm)
{
	struct kvm_machine m = { .vmm = vmm, .kvm_fd = -1, .status = -1, .vps = vmm->options->vps };
	sigset_t set;

	if (inject_is_of_fault((enum inject_bug)vmm->options->inject)) {
		fprintf(stderr, "vsm-vmm: --inject-bug: this one needs --host unicorn\n");
		return VMM_EXIT_USAGE;
	}
	for (uint32_t i = 0; i < m.vps; i++) {
		m.vp[i].m = &m;
		m.vp[i].index = i;
	}

	/* Threads inherit the mask; libvsm-kvm unblocks the signal inside KVM_RUN only. */
	sigemptyset(&set);
	sigaddset(&set, KVM_MACHINE_SIGNAL);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return start_and_wait(&m);
}

const struct vmm_host host_kvm = { "kvm", run, kvm_machine_probe, is_usable };
