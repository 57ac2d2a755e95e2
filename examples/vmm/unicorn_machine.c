/* SPDX-License-Identifier: BSD-3-Clause */
/* A machine on libunicorn: made, run, taken down. */
#include "unicorn_machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "boot64.h"
#include "inject.h"
#include "multiboot.h"
#include "protmap.h"
#include "register.h"
#include "report.h"

/* The guest goes on; every other value is the status to exit with. */
#define GO_ON (-1)

/* The masks that are legal without mode-based execute control: none, R, RW, RX, RWX. */
#define ENFORCEABLE	 0xa00bu
/* With it also R+UX, RW+UX. */
#define ENFORCEABLE_MBEC 0xaa0bu
/* What libunicorn keeps of CR4: bits 0 to 10. So there is no SMEP, on which MBEC would depend. */
#define CR4_MASK	 0x7ffu

#define ATTR_CODE64   0xa09b
#define ATTR_DATA     0xc093
#define ATTR_TSS64    0x008b
#define ATTR_LDT      0x0082
#define RFLAGS_FIXED  0x2u
#define PAT_RESET     0x0007040600070406ull
#define APIC_BASE_BSP 0xfee00900ull
#define DR6_RESET     0xffff0ff0ull
#define DR7_RESET     0x400ull
#define FCW_RESET     0x37fu
#define MXCSR_RESET   0x1f80u

/* boot64.h says what a guest finds. Every VTL begins like this, until its own state is set. */
static int set_entry_state(struct uni_cpu *c, uint32_t tables)
{
	const struct vsm_reg regs[] = {
		number(HV_X64_REGISTER_CR4, BOOT64_CR4),
		number(HV_X64_REGISTER_CR3, tables),
		number(HV_X64_REGISTER_EFER, BOOT64_EFER),
		number(HV_X64_REGISTER_CR0, BOOT64_CR0),
		segment(HV_X64_REGISTER_CS, 0x10, ATTR_CODE64, 0xffffffff),
		segment(HV_X64_REGISTER_SS, 0x18, ATTR_DATA, 0xffffffff),
		segment(HV_X64_REGISTER_DS, 0x18, ATTR_DATA, 0xffffffff),
		segment(HV_X64_REGISTER_ES, 0x18, ATTR_DATA, 0xffffffff),
		segment(HV_X64_REGISTER_FS, 0x18, ATTR_DATA, 0xffffffff),
		segment(HV_X64_REGISTER_GS, 0x18, ATTR_DATA, 0xffffffff),
		segment(HV_X64_REGISTER_TR, 0, ATTR_TSS64, 0x67),
		segment(HV_X64_REGISTER_LDTR, 0, ATTR_LDT, 0xffff),
		number(HV_X64_REGISTER_APIC_BASE, APIC_BASE_BSP),
		number(HV_X64_REGISTER_PAT, PAT_RESET),
		number(HV_X64_REGISTER_DR6, DR6_RESET),
		number(HV_X64_REGISTER_DR7, DR7_RESET),
		number(HV_X64_REGISTER_FP_CONTROL_STATUS, FCW_RESET),
		{ HV_X64_REGISTER_XMM_CONTROL_STATUS, 0, { 0, MXCSR_RESET } },
		number(HV_X64_REGISTER_RFLAGS, RFLAGS_FIXED),
		number(HV_X64_REGISTER_RAX, MULTIBOOT_MAGIC),
		number(HV_X64_REGISTER_RBX, c->m->vmm->info_gpa),
		number(HV_X64_REGISTER_RIP, c->m->vmm->image.entry64),
	};

	return uni_regs_set(c, regs, sizeof(regs) / sizeof(regs[0]));
}

static int open_vp(struct unicorn_machine *m, uint32_t index, uint32_t tables)
{
	struct uni_vp *v = &m->vp[index];
	struct vsm_vp_config config = { .size = sizeof(config),
					.index = index,
					.apic_id = index,
					.opaque = v,
					.flags = index ? VSM_VP_WAIT_FOR_STARTUP : 0 };
	int r;

	for (uint32_t vtl = 0; vtl < UNI_VTLS; vtl++) {
		r = set_entry_state(&v->cpu[vtl], tables);
		if (r < 0)
			return vmm_error("start registers", r);
	}
	r = vsm_vp_create(m->vsm, &config, &v->vsm);
	return r < 0 ? vmm_error("VP", r) : 0;
}

static int open_engines(struct unicorn_machine *m)
{
	uint32_t bit = 1;

	for (uint32_t i = 0; i < m->vps; i++) {
		struct uni_vp *v = &m->vp[i];

		v->m = m;
		v->index = i;
		for (uint32_t vtl = 0; vtl < UNI_VTLS; vtl++, bit <<= 1) {
			v->cpu[vtl].m = m;
			v->cpu[vtl].vp = v;
			v->cpu[vtl].vtl = vtl;
			v->cpu[vtl].bit = bit;
			if (uni_engine_open(&v->cpu[vtl]) < 0)
				return vmm_error("an engine of libunicorn", -VSM_ERR_NOMEM);
		}
	}
	uni_regs_list_shared(m);
	return 0;
}

static int open_partition(struct unicorn_machine *m, uint32_t tables)
{
	struct vsm_host_ops ops = uni_ops;
	struct vsm_config config;
	int r;

	inject_ops(&ops, (enum inject_bug)m->vmm->options->inject);
	vsm_config_init(&config);
	config.max_vps = m->vps;
	config.max_vtl = UNI_VTLS - 1;
	config.phys_bits = UNI_PHYS_BITS;
	config.enforceable = ENFORCEABLE;
	config.enforceable_mbec = ENFORCEABLE_MBEC;
	config.cr4_mask = CR4_MASK;
	config.host_flags = VSM_HOST_PROTECT_FLUSHES | VSM_HOST_STARTS_VPS;
	config.trap_port = UNI_TRAP_PORT;
	m->cr4_mask = config.cr4_mask;
	r = vsm_partition_create(&config, &ops, m, &m->vsm);
	if (r < 0)
		return vmm_error("partition", r);
	m->vmm->devices.vsm = m->vsm;
	r = vsm_ram_add(m->vsm, 0, m->vmm->ram_size);
	if (r < 0)
		return vmm_error("RAM", r);
	r = vsm_partition_realise(m->vsm);
	if (r < 0)
		return vmm_error("realising the partition", r);
	r = 0;
	for (uint32_t i = 0; i < m->vps && r == 0; i++)
		r = open_vp(m, i, tables);
	return r;
}

static int open_all(struct unicorn_machine *m)
{
	uint32_t tables;
	int r;

	if (m->vmm->image.entry64 == 0) {
		fprintf(stderr,
			"vsm-vmm: image '%s': has no symbol start64, a 64-bit entry: libunicorn "
			"cannot leave 32-bit mode (--host kvm can)\n",
			m->vmm->options->image);
		return VMM_EXIT_USAGE;
	}
	if (boot64_build(m->vmm->ram, m->vmm->ram_size, &m->vmm->image, m->vmm->info_gpa,
			 m->vmm->options->image, &tables) < 0)
		return VMM_EXIT_USAGE;
	if (uni_context_probe() < 0) {
		fprintf(stderr, "vsm-vmm: this libunicorn keeps its registers in an unknown way\n");
		return VMM_EXIT_HOST;
	}
	if (uni_memory_open(m) < 0)
		return vmm_error("memory", -VSM_ERR_NOMEM);
	r = open_engines(m);
	return r ? r : open_partition(m, tables);
}

static void close_all(struct unicorn_machine *m)
{
	vsm_partition_destroy(m->vsm);
	for (uint32_t i = 0; i < m->vps; i++) {
		for (uint32_t vtl = 0; vtl < UNI_VTLS; vtl++)
			uni_engine_close(&m->vp[i].cpu[vtl]);
	}
	uni_memory_close(m);
}

static int guest_died(struct uni_cpu *c, const char *how)
{
	return report_guest_died(how, c->vtl, c->rip);
}

static int cannot_go_on(struct uni_cpu *c)
{
	fflush(stdout);
	fprintf(stderr, "vsm-vmm: libunicorn cannot go on in VTL%u at RIP 0x%llx: %s\n", c->vtl,
		(unsigned long long)c->rip, c->exit.text);
	return VMM_EXIT_HOST;
}

/* What the library said about the exit of `c`. Statuses of uni_event_raise() come back in
 * c->exit. */
static int settle(struct uni_cpu *c, int verdict)
{
	struct vsm_exception event;

	if (verdict < 0)
		return vmm_error("an exit of the guest", verdict);
	if (verdict != VSM_VERDICT_EXCEPTION)
		return GO_ON;
	if (vsm_vp_exception(c->vp->vsm, &event) < 0)
		return vmm_error("exception", -VSM_ERR_STATE);
	c->exit.kind = UNI_EXIT_NONE;
	return uni_event_raise(c, &event, uni_reg(c, UC_X86_REG_RIP), 0) == 0 ? GO_ON :
	       c->exit.kind == UNI_EXIT_SHUTDOWN ? guest_died(c, "triple fault") :
						   cannot_go_on(c);
}

static int handle_fault(struct uni_cpu *c)
{
	struct vsm_memory_fault f = { .size = sizeof(f),
				      .gpa = c->exit.gpa,
				      .gva = c->exit.gpa,
				      .flags = VSM_FAULT_GVA_VALID | VSM_FAULT_FINAL,
				      .access = c->exit.access,
				      .user = c->exit.user };
	uint8_t bytes[UNI_INSN_MAX];
	uint64_t rip = c->rip;
	int verdict;

	/* Bytes that could not be fetched are not told. */
	if (f.access != HV_INTERCEPT_ACCESS_EXECUTE) {
		f.instruction_length = (uint8_t)c->length;
		f.instruction_byte_count = (uint8_t)uni_insn_bytes(c, c->rip, bytes);
		memcpy(f.instruction_bytes, bytes, sizeof(bytes));
	}
	inject_fault(&f, &rip, (enum inject_bug)c->m->vmm->options->inject);
	uni_reg_put(c, UC_X86_REG_RIP, rip);
	verdict = vsm_vp_memory_fault(c->vp->vsm, &f);
	if (verdict == VSM_VERDICT_NOT_MINE)
		return guest_died(c, "access to no memory");
	return settle(c, verdict);
}

static int handle_exception(struct uni_cpu *c)
{
	struct vsm_exception event = c->exit.event;

	if (uni_event_raise(c, &event, c->exit.event_rip, c->exit.event_soft) == 0)
		return GO_ON;
	switch (c->exit.kind) {
	case UNI_EXIT_FAULT: /* of the delivery: the instruction will raise it again */
		return handle_fault(c);
	case UNI_EXIT_SHUTDOWN:
		return guest_died(c, "triple fault");
	default:
		return cannot_go_on(c);
	}
}

static int handle_exit(struct uni_cpu *c);

static int handle_insn(struct uni_cpu *c)
{
	int verdict;

	uni_reg_put(c, UC_X86_REG_RIP, c->rip);
	verdict = uni_insn_execute(c);
	if (verdict == VSM_VERDICT_NOT_MINE)
		return handle_exit(c);
	return settle(c, verdict);
}

static int handle_exit(struct uni_cpu *c)
{
	switch (c->exit.kind) {
	case UNI_EXIT_BUDGET:
	case UNI_EXIT_RETRY:
		uni_reg_put(c, UC_X86_REG_RIP, c->rip);
		return GO_ON;
	case UNI_EXIT_INSN:
		return handle_insn(c);
	case UNI_EXIT_TRAP:
		uni_reg_put(c, UC_X86_REG_RIP, c->rip);
		return settle(c, vsm_vp_hypercall(c->vp->vsm, c->rip, 2));
	case UNI_EXIT_DONE:
		return report_guest_exit(c->m->vmm);
	case UNI_EXIT_FAULT:
		return handle_fault(c);
	case UNI_EXIT_EXCEPTION:
		return handle_exception(c);
	case UNI_EXIT_HLT:
		/* This machine has no interrupt source that could end it. */
		return guest_died(c, "HLT");
	case UNI_EXIT_SHUTDOWN:
		return guest_died(c, "triple fault");
	default:
		return cannot_go_on(c);
	}
}

/* An event that a higher VTL has given to this one comes before its next instruction. */
static int raise_pending(struct uni_cpu *c)
{
	struct vsm_exception event = c->event;

	if (!c->has_event)
		return GO_ON;
	c->rip = uni_reg(c, UC_X86_REG_RIP);
	c->length = 0;
	if (uni_event_raise(c, &event, c->rip, 0) == 0) {
		c->has_event = 0;
		return GO_ON;
	}
	/* After an intercept it is tried again. */
	if (c->exit.kind == UNI_EXIT_FAULT)
		return handle_fault(c);
	return handle_exit(c);
}

static void finish_wrmsr(struct uni_vp *v, int verdict)
{
	if (verdict == VSM_VERDICT_BLOCKED || v->open_wrmsr == 0)
		return;
	if (verdict == VSM_VERDICT_RESUME)
		uni_insn_skip(&v->cpu[vsm_vp_active_vtl(v->vsm)], v->open_wrmsr);
	v->open_wrmsr = 0;
}

/* Not from within the engine: its mappings change. */
static int plug(struct unicorn_machine *m)
{
	int r = uni_memory_plug(m);

	/* Another VP changes rights just now; it comes to an end before the next turn. */
	if (r == -VSM_ERR_BUSY)
		return GO_ON;
	vmm_plugged(m->vmm, r);
	return r == -VSM_ERR_STATE ? VMM_EXIT_HOST : GO_ON;
}

/* The VP's turn: until its instructions are spent, or it waits. */
static int run_vp(struct uni_vp *v)
{
	uint32_t left = UNI_QUANTUM;
	int status = GO_ON;

	while (status == GO_ON && left && !v->sleeps) {
		int verdict = vsm_vp_run_prepare(v->vsm);
		struct uni_cpu *c = &v->cpu[vsm_vp_active_vtl(v->vsm)];

		finish_wrmsr(v, verdict);
		if (verdict == VSM_VERDICT_BLOCKED) {
			v->sleeps = 1;
			break;
		}
		status = settle(c, verdict);
		if (status == GO_ON && v->m->vmm->devices.plug_wanted)
			status = plug(v->m);
		if (status == GO_ON)
			status = raise_pending(c);
		if (status != GO_ON || c != &v->cpu[vsm_vp_active_vtl(v->vsm)])
			continue;
		c->budget = left;
		uni_engine_run(c);
		/* An exit costs a little of the turn, so that a VP that only exits has an end of
		 * it. */
		left = c->budget > 10 ? c->budget - 10 : 0;
		status = handle_exit(c);
	}
	return status;
}

static int is_late(const struct vmm *vmm, const struct timespec *start)
{
	struct timespec now;

	if (vmm->options->timeout_s == 0)
		return 0;
	clock_gettime(CLOCK_MONOTONIC, &now);
	now.tv_sec -= start->tv_sec;
	if (now.tv_nsec < start->tv_nsec)
		now.tv_sec--;
	return now.tv_sec >= (time_t)vmm->options->timeout_s;
}

static int run_all(struct unicorn_machine *m)
{
	const struct timespec a_moment = { .tv_nsec = 1000000 };
	struct timespec start;
	int status = GO_ON;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (status == GO_ON) {
		uint32_t asleep = 0;

		for (uint32_t i = 0; i < m->vps && status == GO_ON; i++) {
			asleep += m->vp[i].sleeps != 0;
			status = run_vp(&m->vp[i]);
		}
		if (status == GO_ON && is_late(m->vmm, &start))
			return report_timeout(m->vmm);
		/* Nobody is left who could kick: as on a real machine, that is for ever. */
		if (status == GO_ON && asleep == m->vps)
			nanosleep(&a_moment, NULL);
	}
	return status;
}

static void print_stats(const struct unicorn_machine *m)
{
	const struct uni_counters *k = &m->counters;

	if (report_stats_begin("unicorn", m->vsm) < 0)
		return;
	report_number("engine-runs", k->runs);
	report_number("switches", k->switches);
	report_number("accesses-asked", k->asked);
	report_number("accesses-denied", k->denied);
	report_number("protect-calls", k->protect_calls);
	report_number("ranges", k->ranges);
	report_number("blocks-closed", k->blocks_closed);
	report_number("code-drops", k->code_drops);
	report_stats_end();
}

static int in_library;

/*
 * libunicorn calls exit(1) where it gets no memory for translations: that is the status of a guest
 * of which all checks have passed.
 */
static void on_exit_of_library(void)
{
	if (!in_library)
		return;
	fflush(stdout);
	fprintf(stderr, "vsm-vmm: libunicorn has ended the process; is there enough memory?\n");
	_exit(VMM_EXIT_HOST);
}

static int run(struct vmm *vmm)
{
	struct unicorn_machine *m = calloc(1, sizeof(*m));
	int r;

	if (!m || atexit(on_exit_of_library) != 0) {
		free(m);
		return vmm_error("memory", -VSM_ERR_NOMEM);
	}
	in_library = 1;
	m->vmm = vmm;
	m->vps = vmm->options->vps;
	r = open_all(m);
	if (r == 0) {
		int drawn;

		r = run_all(m);
		drawn = protmap_write(vmm, m->vsm, UNI_VTLS);
		r = drawn ? drawn : r;
		if (vmm->options->stats)
			print_stats(m);
	}
	close_all(m);
	in_library = 0;
	free(m);
	return r;
}

static int probe(void)
{
	unsigned int major, minor;

	uc_version(&major, &minor);
	printf("libunicorn: %u.%u\n", major, minor);
	printf("guests: 64-bit, entered at the symbol start64, with memory mapped one to one\n");
	printf("rights: yes: ");
	report_rights(ENFORCEABLE_MBEC);
	printf("user execute without kernel execute: with mode-based execute control\n");
	if (uni_context_probe() < 0) {
		printf("verdict: this libunicorn cannot run guests with VTLs\n");
		return VMM_EXIT_HOST;
	}
	printf("verdict: this libunicorn can run guests with VTLs\n");
	return 0;
}

const struct vmm_host host_unicorn = { "unicorn", run, probe, NULL };
