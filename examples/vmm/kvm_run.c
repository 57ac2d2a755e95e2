/* SPDX-License-Identifier: BSD-3-Clause */
/* The run loop of a VP on libvsm-kvm, and the exits that are the VMM's. */
#include "kvm_machine.h"

#include <stdio.h>
#include <string.h>

#include "report.h"

/* The guest goes on; every other value is the status to exit with. */
#define GO_ON (-1)

static int machine_stopping(struct kvm_machine *m)
{
	int stopping;

	pthread_mutex_lock(&m->lock);
	stopping = m->stopping;
	pthread_mutex_unlock(&m->lock);
	return stopping;
}

/* The flag is tested under the lock under which the kick sets it: no wake-up is lost. */
static void sleep_until_kicked(struct kvm_machine_vp *v)
{
	struct kvm_machine *m = v->m;

	pthread_mutex_lock(&m->lock);
	while (!v->kicked && !m->stopping)
		pthread_cond_wait(&m->changed, &m->lock);
	v->kicked = 0;
	pthread_mutex_unlock(&m->lock);
}

/* On the thread of the VP that asks for it, while the others run. */
static void plug(struct kvm_machine *m)
{
	struct vmm *vmm = m->vmm;

	vmm_plugged(vmm, vsm_kvm_ram_add(m->kvm, vmm->ram_size, vmm->ram_more, vmm->ram_fd,
					 vmm->ram_size, 0));
}

static int handle_pio(struct kvm_machine *m, struct vsm_kvm_exit *e)
{
	struct devices *d = &m->vmm->devices;
	uint8_t *data = e->data;
	uint32_t value, i;

	pthread_mutex_lock(&m->vmm->lock);
	for (i = 0; i < e->count && !d->done; i++, data += e->data_size) {
		value = 0;
		if (e->is_write) {
			memcpy(&value, data, e->data_size);
			devices_port_write(d, (uint16_t)e->address, e->data_size, value);
		} else {
			value = devices_port_read(d, (uint16_t)e->address, e->data_size);
			memcpy(data, &value, e->data_size);
		}
	}
	if (d->plug_wanted)
		plug(m);
	value = d->done;
	pthread_mutex_unlock(&m->vmm->lock);
	return value ? report_guest_exit(m->vmm) : GO_ON;
}

static int handle_mmio(struct kvm_machine *m, struct vsm_kvm_exit *e)
{
	pthread_mutex_lock(&m->vmm->lock);
	if (e->is_write)
		devices_mmio_write(&m->vmm->devices, e->address);
	else
		devices_mmio_read(&m->vmm->devices, e->address, e->data, e->data_size);
	pthread_mutex_unlock(&m->vmm->lock);
	return GO_ON;
}

static int guest_died(const struct vsm_kvm_exit *e, const char *how)
{
	return report_guest_died(how, e->vtl, e->rip);
}

static int cannot_go_on(const struct vsm_kvm_exit *e)
{
	uint32_t i;

	fflush(stdout);
	fprintf(stderr, "vsm-vmm: KVM cannot go on in VTL%u at RIP 0x%llx (exit reason %u)", e->vtl,
		(unsigned long long)e->rip, e->reason);
	if (e->kind == VSM_KVM_EXIT_EMULATION) {
		fprintf(stderr, ": it does not know the instruction");
		for (i = 0; i < e->byte_count && i < sizeof(e->bytes); i++)
			fprintf(stderr, " %02x", e->bytes[i]);
	}
	fputc('\n', stderr);
	return VMM_EXIT_HOST;
}

static int handle_exit(struct kvm_machine_vp *v, struct vsm_kvm_exit *e)
{
	struct kvm_machine *m = v->m;

	switch (e->kind) {
	case VSM_KVM_EXIT_INTR:
		return GO_ON;
	case VSM_KVM_EXIT_PIO:
		return handle_pio(m, e);
	case VSM_KVM_EXIT_MMIO:
		return handle_mmio(m, e);
	case VSM_KVM_EXIT_RDMSR:
	case VSM_KVM_EXIT_WRMSR:
		e->msr_fault = 1;
		return GO_ON;
	case VSM_KVM_EXIT_BLOCKED:
		sleep_until_kicked(v);
		return GO_ON;
	case VSM_KVM_EXIT_HLT:
		/* This machine has no interrupt source that could end it. */
		return guest_died(e, "HLT");
	case VSM_KVM_EXIT_SHUTDOWN:
		return guest_died(e, "triple fault");
	default:
		return cannot_go_on(e);
	}
}

static int run_guest(struct kvm_machine_vp *v)
{
	struct vsm_kvm_exit e = { .size = sizeof(e) };
	int status = GO_ON;
	int r;

	while (status == GO_ON && !machine_stopping(v->m)) {
		r = vsm_kvm_run(v->vp, &e);
		status = r < 0 ? vmm_error("running a VP", r) : handle_exit(v, &e);
	}
	return status;
}

void *kvm_machine_thread(void *machine_vp)
{
	struct kvm_machine_vp *v = machine_vp;
	struct kvm_machine *m = v->m;
	int status = run_guest(v);

	pthread_mutex_lock(&m->lock);
	/* The first VP that ends the guest has ended it for all. */
	if (m->status < 0)
		m->status = status;
	v->finished = 1;
	m->running--;
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
	return NULL;
}
