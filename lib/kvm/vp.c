/* SPDX-License-Identifier: BSD-3-Clause */
/* A VP: one vCPU in the VM of each VTL. */
#include "kvm_private.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int vcpu_open(struct vsm_kvm_vp *kvp, uint32_t vtl, uint32_t apic_id)
{
	struct vsm_kvm *k = kvp->k;
	struct vk_vcpu *v = &kvp->vcpu[vtl];
	void *run = v->run;
	int r;

	/* Both are there if this is not the first try. */
	if (v->fd < 0)
		v->fd = kvm_ioctl(k->space[vtl].vm_fd, KVM_CREATE_VCPU,
				  (void *)(uintptr_t)kvp->index);
	if (v->fd < 0)
		return kvm_fail_sys(k, "vsm_kvm_vp_create: KVM_CREATE_VCPU failed, errno");
	if (run == NULL)
		run = mmap(NULL, (size_t)k->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	if (run == MAP_FAILED)
		return kvm_fail_sys(k, "vsm_kvm_vp_create: mmap of kvm_run failed, errno");
	v->run = run;
	r = kvm_cpuid_set(kvp, v, apic_id);
	if (r != 0)
		return r;
	/* Elsewhere each VM counts from its own creation: VTLs would disagree on the time. */
	if ((k->facts.host.flags & VSM_KVM_HAS_TSC_OFFSET) != 0 &&
	    kvm_tsc_offset_set(v->fd, 0) != 0)
		return kvm_fail_sys(k, "vsm_kvm_vp_create: KVM refused the TSC offset, errno");
	if (kvm_regs_load(kvp, v) != 0)
		return kvm_fail_sys(k, "vsm_kvm_vp_create: registers cannot be read, errno");
	return 0;
}

struct vsm_kvm_vp *kvm_vp_at(const struct vsm_kvm *k, uint32_t index)
{
	return __atomic_load_n(&k->vp[index], __ATOMIC_ACQUIRE);
}

static int is_taken(const struct vsm_kvm *k, uint32_t index, uint32_t apic_id)
{
	for (uint32_t i = 0; i < k->options.max_vps; i++) {
		const struct vsm_kvm_vp *kvp = kvm_vp_at(k, i);

		if (kvp != NULL && (i == index || kvp->apic_id == apic_id))
			return 1;
	}
	return 0;
}

static int vp_open(struct vsm_kvm_vp *kvp, uint32_t apic_id)
{
	struct vsm_vp_config config = {
		.size = sizeof(config), .index = kvp->index, .apic_id = apic_id, .opaque = kvp
	};
	struct vsm_capabilities caps = { .size = sizeof(caps) };
	int r = kvm_carry_init(kvp);

	/* VP 0 boots; the others are the guest's to start, if the VMM said so. */
	if (r == 0 && kvp->index != 0 && vsm_capabilities_get(kvp->k->vsm, &caps) == 0 &&
	    (caps.flags & VSM_CAP_STARTUP) != 0)
		config.flags = VSM_VP_WAIT_FOR_STARTUP;
	for (uint32_t vtl = 0; vtl < kvp->k->vtls && r == 0; vtl++)
		r = vcpu_open(kvp, vtl, apic_id);
	if (r == 0)
		r = kvm_start_init(kvp);
	if (r == 0)
		r = vsm_vp_create(kvp->k->vsm, &config, &kvp->vp);
	return r;
}

/* A vCPU stays in its VM for good: one that was made in vain is taken by the next try. */
static struct vsm_kvm_vp *vp_new(struct vsm_kvm *k, uint32_t index)
{
	struct vsm_kvm_vp *kvp = k->spare[index];

	k->spare[index] = NULL;
	if (kvp != NULL)
		return kvp;
	kvp = calloc(1, sizeof(*kvp));
	if (kvp == NULL)
		return NULL;
	kvp->k = k;
	kvp->index = index;
	for (uint32_t vtl = 0; vtl < VK_VTLS_MAX; vtl++)
		kvp->vcpu[vtl].fd = -1;
	return kvp;
}

/* Under k->adding. */
static int vp_create(struct vsm_kvm *k, uint32_t index, uint32_t apic_id, struct vsm_kvm_vp **out)
{
	struct vsm_kvm_vp *kvp;
	int r;

	if (is_taken(k, index, apic_id))
		return kvm_fail(k, VSM_ERR_EXISTS, "vsm_kvm_vp_create: index or apic_id is in use");
	kvp = vp_new(k, index);
	if (kvp == NULL)
		return -VSM_ERR_NOMEM;
	kvp->apic_id = apic_id;
	r = vp_open(kvp, apic_id);
	if (r != 0) {
		kvm_start_fini(kvp);
		k->spare[index] = kvp;
		return r;
	}
	/* Whoever parks looks at all VPs. This may be the thread that serves. */
	kvm_lock_served(k, &k->lock);
	__atomic_store_n(&k->vp[index], kvp, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&k->lock);
	*out = kvp;
	return 0;
}

int vsm_kvm_vp_create(struct vsm_kvm *k, uint32_t index, uint32_t apic_id, struct vsm_kvm_vp **out)
{
	struct vsm_cpuid leaf;
	int r;

	if (k == NULL || out == NULL)
		return -VSM_ERR_INVAL;
	if (index >= k->options.max_vps)
		return kvm_fail(k, VSM_ERR_INVAL, "vsm_kvm_vp_create: index is not below max_vps");
	if (k->vsm == NULL || vsm_cpuid_get(k->vsm, 0x40000000u, &leaf) != 0)
		return kvm_fail(k, VSM_ERR_MISUSE,
				"vsm_kvm_vp_create: no partition, or it is not realised");
	/* The partition takes one at a time, and no RAM beside it. */
	kvm_lock_served(k, &k->adding);
	r = vp_create(k, index, apic_id, out);
	pthread_mutex_unlock(&k->adding);
	return r;
}

struct vsm_vp *vsm_kvm_vp_vsm(const struct vsm_kvm_vp *kvp)
{
	return kvp == NULL ? NULL : kvp->vp;
}

int vsm_kvm_vcpu_fd(const struct vsm_kvm_vp *kvp, uint32_t vtl)
{
	return kvp == NULL || vtl >= kvp->k->vtls ? -1 : kvp->vcpu[vtl].fd;
}

static int batch_check(const struct vsm_kvm_vp *kvp, uint32_t vtl, const struct vsm_reg *regs,
		       uint32_t count)
{
	if (kvp == NULL || regs == NULL)
		return -VSM_ERR_INVAL;
	if (vtl >= kvp->k->vtls)
		return kvm_fail(kvp->k, VSM_ERR_INVAL, "vsm_kvm_vp: vtl is above max_vtl");
	if (count == 0 || count > 32)
		return kvm_fail(kvp->k, VSM_ERR_INVAL, "vsm_kvm_vp: count is not 1 .. 32");
	return 0;
}

int vsm_kvm_vp_set(struct vsm_kvm_vp *kvp, uint32_t vtl, const struct vsm_reg *regs, uint32_t count)
{
	int r = batch_check(kvp, vtl, regs, count);

	if (r != 0)
		return r;
	kvp->active = vsm_vp_active_vtl(kvp->vp);
	return kvm_op_regs_set(kvp, vtl, 0, regs, count);
}

int vsm_kvm_vp_get(struct vsm_kvm_vp *kvp, uint32_t vtl, struct vsm_reg *regs, uint32_t count)
{
	int r = batch_check(kvp, vtl, regs, count);

	if (r != 0)
		return r;
	kvp->active = vsm_vp_active_vtl(kvp->vp);
	return kvm_op_regs_get(kvp, vtl, 0, regs, count);
}
