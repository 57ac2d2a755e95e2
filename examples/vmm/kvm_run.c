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
static void sleep_until_kicked(struct kvm_machine *m)
{
	pthread_mutex_lock(&m->lock);
	while (!m->kicked && !m->stopping)
		pthread_cond_wait(&m->changed, &m->lock);
	m->kicked = 0;
	pthread_mutex_unlock(&m->lock);
}

static int handle_pio(struct kvm_machine *m, struct vsm_kvm_exit *e)
{
	struct devices *d = &m->vmm->devices;
	uint8_t *data = e->data;
	uint32_t value, i;

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
	return d->done ? report_guest_exit(m->vmm) : GO_ON;
}

static int handle_mmio(struct kvm_machine *m, struct vsm_kvm_exit *e)
{
	if (e->is_write)
		devices_mmio_write(&m->vmm->devices, e->address);
	else
		devices_mmio_read(&m->vmm->devices, e->address, e->data, e->data_size);
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

static int handle_exit(struct kvm_machine *m, struct vsm_kvm_exit *e)
{
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
		sleep_until_kicked(m);
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

static int run_guest(struct kvm_machine *m)
{
	struct vsm_kvm_exit e = { .size = sizeof(e) };
	int status = GO_ON;
	int r;

	while (status == GO_ON && !machine_stopping(m)) {
		r = vsm_kvm_run(m->vp, &e);
		status = r < 0 ? vmm_error("running VP 0", r) : handle_exit(m, &e);
	}
	return status;
}

void *kvm_machine_thread(void *machine)
{
	struct kvm_machine *m = machine;
	int status = run_guest(m);

	pthread_mutex_lock(&m->lock);
	m->status = status;
	m->finished = 1;
	pthread_cond_broadcast(&m->changed);
	pthread_mutex_unlock(&m->lock);
	return NULL;
}
