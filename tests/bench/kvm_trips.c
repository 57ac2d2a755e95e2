/* SPDX-License-Identifier: BSD-3-Clause */
#include "kvm_trips.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vsm/vsm.h>

#include "guest_state.h"
#include "kvm_guest.h"

#define PAGE_TABLE 0x003u /* Present, writable. */
#define PAGE_2M	   0x083u /* The same, a page of 2 MiB. */

_Static_assert(offsetof(struct hv_vp_assist_page, vtl_control.vtl_return_x64_rax) ==
			       GUEST_ASSIST_RAX &&
		       offsetof(struct hv_vp_assist_page, vtl_control.vtl_return_x64_rcx) ==
			       GUEST_ASSIST_RCX,
	       "the assembler has the same offsets");

/*
 * Nothing returns to the VMM between two round trips, so the op that ends each of them counts, and
 * kicks the VP when there are to be no more. One VP runs at a time.
 */
static struct {
	int (*switch_vtl)(void *vp, uint32_t from, uint32_t to, uint32_t phase);
	uint32_t left;
} counter;

static int counting_switch(void *vp, uint32_t from, uint32_t to, uint32_t phase)
{
	int r = counter.switch_vtl(vp, from, to, phase);

	if (phase == VSM_SWITCH_COMMIT && to == 0 && --counter.left == 0)
		vsm_kvm_kick(vp);
	return r;
}

static int failed(struct kvm_trips *t, const char *what, int err)
{
	snprintf(t->why, sizeof(t->why), "%s: %s%s%s", what, vsm_strerror(err),
		 err == -VSM_ERR_SYS ? ": " : "", err == -VSM_ERR_SYS ? strerror(errno) : "");
	return -1;
}

static void put64(uint8_t *ram, uint64_t gpa, uint64_t value)
{
	memcpy(ram + gpa, &value, sizeof(value));
}

static void fill_ram(uint8_t *ram)
{
	struct hv_input_enable_partition_vtl partition;
	struct hv_input_enable_vp_vtl vp;

	put64(ram, GUEST_PML4, GUEST_PDPT | PAGE_TABLE);
	put64(ram, GUEST_PDPT, GUEST_PD | PAGE_TABLE);
	put64(ram, GUEST_PD, PAGE_2M);
	memcpy(ram + GUEST_CODE, guest_code, (size_t)(guest_code_end - guest_code));
	guest_enable_partition(&partition);
	memcpy(ram + GUEST_IN_PARTITION, &partition, sizeof(partition));
	guest_enable_vp(&vp);
	guest_state_init(&vp.vp_vtl_context, guest_gpa(guest_code_vtl1), GUEST_PML4);
	memcpy(ram + GUEST_IN_VP, &vp, sizeof(vp));
}

static int make_ram(struct kvm_trips *t)
{
	void *ram;

	t->ram_fd = memfd_create("bench-vsm", MFD_CLOEXEC);
	if (t->ram_fd < 0 || ftruncate(t->ram_fd, GUEST_RAM_BYTES) != 0)
		return failed(t, "memfd", -VSM_ERR_SYS);
	ram = mmap(NULL, GUEST_RAM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, t->ram_fd, 0);
	if (ram == MAP_FAILED)
		return failed(t, "mmap", -VSM_ERR_SYS);
	fill_ram(ram);
	munmap(ram, GUEST_RAM_BYTES);
	return 0;
}

static struct vsm_reg reg(uint32_t name, const void *value, size_t size)
{
	struct vsm_reg r = { .name = name };

	memcpy(&r.value, value, size);
	return r;
}

static int set_registers(struct kvm_trips *t, const struct hv_initial_vp_context *c, uint64_t rbx)
{
	const struct vsm_reg regs[] = {
		reg(HV_X64_REGISTER_RIP, &c->rip, 8),
		reg(HV_X64_REGISTER_RBX, &rbx, 8),
		reg(HV_X64_REGISTER_RFLAGS, &c->rflags, 8),
		reg(HV_X64_REGISTER_CR0, &c->cr0, 8),
		reg(HV_X64_REGISTER_CR3, &c->cr3, 8),
		reg(HV_X64_REGISTER_CR4, &c->cr4, 8),
		reg(HV_X64_REGISTER_EFER, &c->efer, 8),
		reg(HV_X64_REGISTER_CS, &c->cs, sizeof(c->cs)),
		reg(HV_X64_REGISTER_DS, &c->ds, sizeof(c->ds)),
		reg(HV_X64_REGISTER_ES, &c->es, sizeof(c->es)),
		reg(HV_X64_REGISTER_FS, &c->fs, sizeof(c->fs)),
		reg(HV_X64_REGISTER_GS, &c->gs, sizeof(c->gs)),
		reg(HV_X64_REGISTER_SS, &c->ss, sizeof(c->ss)),
		reg(HV_X64_REGISTER_TR, &c->tr, sizeof(c->tr)),
		reg(HV_X64_REGISTER_LDTR, &c->ldtr, sizeof(c->ldtr)),
	};
	int r = vsm_kvm_vp_set(t->vp, 0, regs, sizeof(regs) / sizeof(regs[0]));
	return r != 0 ? failed(t, "start registers", r) : 0;
}

static int set_vtl0(struct kvm_trips *t, uint32_t dirty)
{
	struct hv_initial_vp_context c;

	guest_state_init(&c, GUEST_CODE, GUEST_PML4);
	return set_registers(t, &c, dirty);
}

static int make_partition(struct kvm_trips *t)
{
	struct vsm_config config;
	struct vsm_host_ops ops = *vsm_kvm_ops(t->kvm);
	int r;

	counter.switch_vtl = ops.switch_vtl;
	ops.switch_vtl = counting_switch;
	vsm_config_init(&config);
	r = vsm_kvm_config(t->kvm, &config);
	if (r == 0)
		r = vsm_partition_create(&config, &ops, t->kvm, &t->vsm);
	if (r == 0)
		r = vsm_kvm_bind(t->kvm, t->vsm);
	if (r == 0)
		r = vsm_kvm_ram_add(t->kvm, 0, GUEST_RAM_BYTES, t->ram_fd, 0, 0);
	if (r == 0)
		r = vsm_partition_realise(t->vsm);
	if (r == 0)
		r = vsm_kvm_vp_create(t->kvm, 0, 0, &t->vp);
	return r != 0 ? failed(t, "partition", r) : 0;
}

int kvm_trips_open(struct kvm_trips *t, uint32_t carry, uint32_t dirty)
{
	struct vsm_kvm_options options;
	int r;

	memset(t, 0, sizeof(*t));
	t->ram_fd = -1;
	vsm_kvm_options_init(&options);
	options.carry = carry;
	options.trap_port = GUEST_TRAP_PORT;
	r = vsm_kvm_create(&options, &t->kvm);
	if (r != 0)
		return failed(t, "KVM", r);
	if (make_ram(t) != 0 || make_partition(t) != 0 || set_vtl0(t, dirty) != 0)
		return -1;
	return kvm_trips_run(t, 1);
}

void kvm_trips_close(struct kvm_trips *t)
{
	vsm_partition_destroy(t->vsm);
	vsm_kvm_destroy(t->kvm);
	if (t->ram_fd >= 0)
		close(t->ram_fd);
}

int kvm_trips_run(struct kvm_trips *t, uint32_t count)
{
	struct vsm_kvm_exit exit = { .size = sizeof(exit) };

	counter.left = count;
	while (counter.left != 0) {
		int r = vsm_kvm_run(t->vp, &exit);

		if (r != 0)
			return failed(t, "running the guest", r);
		/* The kick, or a signal for this program such as a debugger's. */
		if (exit.kind == VSM_KVM_EXIT_INTR)
			continue;
		snprintf(t->why, sizeof(t->why), "VTL%u of the guest stopped at 0x%llx: exit %u",
			 exit.vtl, (unsigned long long)exit.rip, exit.kind);
		return -1;
	}
	return 0;
}

uint64_t kvm_trips_ioctls(const struct kvm_trips *t)
{
	struct vsm_kvm_stats stats = { .size = sizeof(stats) };

	vsm_kvm_stats_get(t->kvm, &stats);
	return stats.runs + stats.ioctls;
}
