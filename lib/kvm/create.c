/* SPDX-License-Identifier: BSD-3-Clause */
/* The backend of a partition: its VMs, from creation to destruction. */
#include "kvm_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEFAULT_TRAP_PORT 0x7eu
#define SIGNAL_MAX	  64u

static uint64_t op_tsc(void *opaque)
{
	(void)opaque;
	return kvm_host_tsc(); /* The offset of every vCPU is 0. */
}

static uint64_t op_tsc_hz(void *opaque)
{
	const struct vsm_kvm *k = opaque;

	return k->facts.host.tsc_hz;
}

static void op_log(void *opaque, int32_t level, const char *line)
{
	const struct vsm_kvm *k = opaque;

	if (k->options.log != NULL)
		k->options.log(k->options.opaque, level, line);
}

static uint64_t op_thread_id(void *opaque)
{
	(void)opaque;
	return (uint64_t)syscall(SYS_gettid);
}

/* interrupt and tlb_flush stay NULL: there is no local APIC, and slots drop what is stale. */
static void ops_fill(struct vsm_kvm *k)
{
	struct vsm_host_ops *ops = &k->ops;

	ops->size = sizeof(*ops);
	ops->regs_get = kvm_op_regs_get;
	ops->regs_set = kvm_op_regs_set;
	ops->xmm_get = kvm_op_xmm_get;
	ops->xmm_set = kvm_op_xmm_set;
	ops->switch_vtl = kvm_op_switch_vtl;
	ops->gpa_read = kvm_op_gpa_read;
	ops->gpa_write = kvm_op_gpa_write;
	ops->overlay_arena = kvm_op_overlay_arena;
	ops->overlay_map = kvm_op_overlay_map;
	ops->protect = kvm_op_protect;
	ops->kick = kvm_op_kick;
	ops->inject_event = kvm_op_inject_event;
	ops->log = op_log;
	ops->thread_id = op_thread_id;
	/* A guest whose clock is not known is told of none. */
	if ((k->facts.host.flags & VSM_KVM_TSC_IS_HOST) != 0 && k->facts.host.tsc_hz > 10000000) {
		ops->tsc = op_tsc;
		ops->tsc_hz = op_tsc_hz;
	}
}

void vsm_kvm_options_init(struct vsm_kvm_options *options)
{
	if (options == NULL)
		return;
	memset(options, 0, sizeof(*options));
	options->size = sizeof(*options);
	options->kvm_fd = -1;
	options->carry = VSM_KVM_CARRY_DEFAULT;
	options->max_vps = 1;
	options->max_vtl = 1;
	options->trap_port = DEFAULT_TRAP_PORT;
}

static int options_check(const struct vsm_kvm *k)
{
	const struct vsm_kvm_options *o = &k->options;
	uint32_t known = VSM_KVM_CARRY_FPU | VSM_KVM_CARRY_DEBUG | VSM_KVM_CARRY_XCR0;

	if (o->kvm_fd < -1)
		return kvm_fail(k, VSM_ERR_INVAL, "vsm_kvm_create: kvm_fd is negative");
	if (o->carry != VSM_KVM_CARRY_DEFAULT && (o->carry & ~known) != 0)
		return kvm_fail(k, VSM_ERR_INVAL, "vsm_kvm_create: unknown bits in carry");
	if (o->max_vps == 0 || o->max_vps > VK_VPS_MAX)
		return kvm_fail(k, VSM_ERR_INVAL, "vsm_kvm_create: max_vps is not 1 .. 64");
	if (o->max_vtl == 0 || o->max_vtl >= VK_VTLS_MAX)
		return kvm_fail(k, VSM_ERR_INVAL, "vsm_kvm_create: max_vtl is not 1 .. 3");
	if (o->trap_port > 0xff)
		return kvm_fail(k, VSM_ERR_INVAL, "vsm_kvm_create: trap_port is above 255");
	if (o->enforce != VSM_KVM_ENFORCE_AUTO && kvm_mechanism(o->enforce) == NULL)
		return kvm_fail(k, VSM_ERR_INVAL, "vsm_kvm_create: enforce is no mechanism");
	if (o->serves > 1)
		return kvm_fail(k, VSM_ERR_INVAL, "vsm_kvm_create: serves is not 0 or 1");
	if (o->enforce == VSM_KVM_ENFORCE_UFFD && !o->serves)
		return kvm_fail(k, VSM_ERR_INVAL, "vsm_kvm_create: enforce by uffd needs serves");
	if (o->emulate_execute > VSM_KVM_EMULATE_MAX || o->reserved != 0)
		return kvm_fail(k, VSM_ERR_INVAL,
				"vsm_kvm_create: emulate_execute is above 4096, or reserved not 0");
	if (o->kick_signal > SIGNAL_MAX || o->kick_signal == SIGBUS)
		return kvm_fail(k, VSM_ERR_INVAL,
				"vsm_kvm_create: kick_signal is no signal, or SIGBUS");
	/* Rights of one VP's page bind the others at once: they must be got out of the guest. */
	if (o->max_vps > 1 && (o->kick_signal == 0 || o->kick == NULL))
		return kvm_fail(k, VSM_ERR_INVAL,
				"vsm_kvm_create: max_vps above 1 needs kick_signal and kick");
	return 0;
}

static int is_missing(const struct vsm_kvm *k)
{
	static const char *const names[] = {
		"vsm_kvm_create: this KVM lacks KVM_CAP_SYNC_REGS",
		"vsm_kvm_create: this KVM lacks KVM_CAP_IMMEDIATE_EXIT",
		"vsm_kvm_create: this KVM lacks KVM_CAP_X86_USER_SPACE_MSR",
		"vsm_kvm_create: this KVM lacks KVM_CAP_X86_MSR_FILTER",
		"vsm_kvm_create: this KVM lacks KVM_CAP_READONLY_MEM",
	};

	for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((k->facts.host.missing & 1u << i) != 0)
			return kvm_fail(k, VSM_ERR_NOSUP, names[i]);
	}
	return 0;
}

static int vm_open(struct vsm_kvm *k, uint32_t vtl)
{
	struct kvm_enable_cap cap = { .cap = VK_CAP_EXIT_ON_EMULATION_FAILURE, .args = { 1 } };
	int fd = kvm_ioctl(k->kvm_fd, KVM_CREATE_VM, NULL);

	k->space[vtl].vm_fd = fd;
	if (fd < 0)
		return kvm_fail_sys(k, "vsm_kvm_create: KVM_CREATE_VM failed, errno");
	/* Optional: without it a fetch that is denied to user code is #UD there on some CPUs. */
	kvm_ioctl(fd, KVM_ENABLE_CAP, &cap);
	return kvm_msr_filter_set(k, fd);
}

static int open_all(struct vsm_kvm *k)
{
	int r;

	if (k->kvm_fd < 0) {
		k->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
		k->own_fd = 1;
	}
	if (k->kvm_fd < 0)
		return kvm_fail_sys(k, "vsm_kvm_create: /dev/kvm cannot be opened, errno");
	r = kvm_facts_get(k->kvm_fd, k->options.trap_port, &k->facts);
	if (r != 0)
		return kvm_fail_sys(k, "vsm_kvm_create: /dev/kvm does not answer, errno");
	r = is_missing(k);
	if (r == 0)
		r = kvm_mechanism_open(k);
	if (r != 0)
		return r;
	k->run = calloc(VK_RUNS_MAX, sizeof(*k->run));
	if (k->run == NULL)
		return -VSM_ERR_NOMEM;
	k->run_size = kvm_ioctl(k->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, NULL);
	if (k->run_size < (int)sizeof(struct kvm_run))
		return kvm_fail_sys(k, "vsm_kvm_create: KVM_GET_VCPU_MMAP_SIZE failed, errno");
	for (uint32_t vtl = 0; vtl < k->vtls && r == 0; vtl++) {
		r = kvm_space_init(k, vtl);
		if (r == 0)
			r = vm_open(k, vtl);
	}
	return r;
}

int vsm_kvm_create(const struct vsm_kvm_options *options, struct vsm_kvm **out)
{
	struct vsm_kvm *k;
	int r, saved;

	if (options == NULL || out == NULL || options->size != sizeof(*options))
		return -VSM_ERR_INVAL;
	k = calloc(1, sizeof(*k));
	if (k == NULL)
		return -VSM_ERR_NOMEM;
	k->options = *options;
	k->kvm_fd = options->kvm_fd;
	k->vtls = options->max_vtl + 1;
	r = options_check(k);
	if (r != 0) {
		free(k);
		return r;
	}
	for (uint32_t vtl = 0; vtl < VK_VTLS_MAX; vtl++)
		k->space[vtl].vm_fd = -1;
	k->uffd = -1;
	k->pidfd = -1;
	pthread_mutex_init(&k->lock, NULL);
	pthread_mutex_init(&k->pte_lock, NULL);
	pthread_mutex_init(&k->adding, NULL);
	errno = pthread_key_create(&k->thread_key, NULL);
	k->has_thread_key = errno == 0;
	r = k->has_thread_key ? open_all(k) : kvm_fail_sys(k, "vsm_kvm_create: no key, errno");
	if (r != 0) {
		saved = errno;
		vsm_kvm_destroy(k);
		errno = saved;
		return r;
	}
	k->carry = k->options.carry == VSM_KVM_CARRY_DEFAULT ? k->facts.host.carry :
							       k->options.carry;
	k->carry &= k->facts.host.carry;
	kvm_msr_names(k);
	ops_fill(k);
	*out = k;
	return 0;
}

static void vcpu_close(const struct vsm_kvm *k, struct vk_vcpu *v)
{
	if (v->run != NULL)
		munmap(v->run, (size_t)k->run_size);
	if (v->fd >= 0)
		close(v->fd);
}

void kvm_vp_free(struct vsm_kvm_vp *kvp)
{
	for (uint32_t vtl = 0; vtl < kvp->k->vtls; vtl++)
		vcpu_close(kvp->k, &kvp->vcpu[vtl]);
	kvm_carry_fini(kvp);
	kvm_start_fini(kvp);
	free(kvp);
}

void vsm_kvm_destroy(struct vsm_kvm *k)
{
	if (k == NULL)
		return;
	for (uint32_t i = 0; i < VK_VPS_MAX; i++) {
		if (k->vp[i] != NULL)
			kvm_vp_free(k->vp[i]);
		if (k->spare[i] != NULL)
			kvm_vp_free(k->spare[i]);
	}
	for (uint32_t vtl = 0; vtl < k->vtls; vtl++) {
		if (k->space[vtl].vm_fd >= 0)
			close(k->space[vtl].vm_fd);
		kvm_space_fini(k, vtl);
	}
	free(k->dirty);
	free(k->run);
	kvm_memory_fini(k);
	kvm_mechanism_close(k);
	if (k->own_fd && k->kvm_fd >= 0)
		close(k->kvm_fd);
	pthread_mutex_destroy(&k->adding);
	if (k->has_thread_key)
		pthread_key_delete(k->thread_key);
	pthread_mutex_destroy(&k->pte_lock);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

int vsm_kvm_config(const struct vsm_kvm *k, struct vsm_config *config)
{
	if (k == NULL || config == NULL)
		return -VSM_ERR_INVAL;
	config->host_flags |= VSM_HOST_PROTECT_FLUSHES;
	config->max_vps = k->options.max_vps;
	config->max_vtl = k->options.max_vtl;
	config->phys_bits = k->facts.host.phys_bits;
	config->enforceable = k->facts.host.enforceable;
	config->emulated = k->options.emulate_execute != 0 ? VK_MASKS_EMULATED : 0;
	config->trap_kind = VSM_TRAP_OUT;
	config->trap_port = k->options.trap_port;
	config->cr4_mask = kvm_cpuid_cr4_mask(&k->facts);
	return 0;
}

const struct vsm_host_ops *vsm_kvm_ops(const struct vsm_kvm *k)
{
	return k == NULL ? NULL : &k->ops;
}

int vsm_kvm_bind(struct vsm_kvm *k, struct vsm *vsm)
{
	if (k == NULL || vsm == NULL)
		return -VSM_ERR_INVAL;
	if (k->vsm != NULL)
		return kvm_fail(k, VSM_ERR_MISUSE, "vsm_kvm_bind: bound already");
	k->vsm = vsm;
	return 0;
}
