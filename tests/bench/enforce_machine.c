/* SPDX-License-Identifier: BSD-3-Clause */
#include "enforce_machine.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "guest_state.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* Where the guest has its things. */
#define PML4	  0x1000u
#define PDPT	  0x2000u
#define PD	  0x3000u
#define CODE0	  0x10000u /* VTL0: mov (%rdi),%rbx; out %al,$0x80 */
#define CODE1	  0x11000u /* VTL1: out %al,$0x80; jmp to itself */
#define SPIN	  0x12000u /* The sibling: jmp to itself */
#define WALK	  0x13000u /* VTL0: a load from each of RCX pages from RDI on; out %al,$0x80 */
#define CROWD_GPA 0x2000000u
#define WALK_GPA  0x7800000u /* Behind those. */
#define INPUT	  0x20000u
#define CALL0	  0x30000u
#define CALL1	  0x31000u
#define ASSIST	  0x32000u
#define SIMP	  0x33000u
#define TRAP	  2u
#define STOP_PORT 0x80u

static struct enforce_machine *current; /* Ops know their backend only. One machine at a time. */

static int failed(struct enforce_machine *m, const char *what, int err)
{
	if (m->why[0] == '\0')
		snprintf(m->why, sizeof(m->why), "%s: %s", what, vsm_strerror(err));
	return -1;
}

/* ---- ops ---- */

static int timed_protect(void *opaque, const struct vsm_protect_range *ranges, uint32_t count,
			 uint32_t *done, uint64_t token)
{
	uint64_t begin = bench_now();
	int r = current->ops.protect(opaque, ranges, count, done, token);

	current->op_ns += bench_now() - begin;
	return r;
}

static int seen_overlay(void *opaque, const struct vsm_overlay *overlay, uint64_t token)
{
	if (overlay->vtl == 1 && overlay->gpa == SIMP)
		current->slot = overlay->page;
	return current->ops.overlay_map(opaque, overlay, token);
}

static void kick(void *opaque, uint32_t vp)
{
	struct enforce_machine *m = opaque;

	if (vp == 1)
		pthread_kill(m->sibling_thread, SIGUSR1);
}

static void *serve(void *arg)
{
	struct enforce_machine *m = arg;
	struct pollfd fd = { .fd = vsm_kvm_service_fd(m->kvm), .events = POLLIN };

	while (!atomic_load(&m->stop)) {
		if (poll(&fd, 1, 50) > 0)
			vsm_kvm_service(m->kvm);
	}
	return NULL;
}

/* ---- hypercalls ---- */

static int set_regs(struct vsm_kvm_vp *vp, uint32_t vtl, uint64_t rcx, uint64_t rdx, uint64_t r8,
		    uint64_t rip)
{
	const struct vsm_reg regs[] = {
		{ HV_X64_REGISTER_RAX, 0, { 1, 0 } },	{ HV_X64_REGISTER_RCX, 0, { rcx, 0 } },
		{ HV_X64_REGISTER_RDX, 0, { rdx, 0 } }, { HV_X64_REGISTER_R8, 0, { r8, 0 } },
		{ HV_X64_REGISTER_RIP, 0, { rip, 0 } },
	};

	return vsm_kvm_vp_set(vp, vtl, regs, sizeof(regs) / sizeof(regs[0]));
}

/* As if the guest had executed the trap of its hypercall page. */
static int call(struct enforce_machine *m, uint64_t rcx, uint64_t rdx, uint64_t r8, int want)
{
	struct vsm_vp *vp = vsm_kvm_vp_vsm(m->vp);
	struct vsm_reg rax = { .name = HV_X64_REGISTER_RAX };
	uint32_t vtl = vsm_vp_active_vtl(vp);
	uint64_t begin;
	int r = set_regs(m->vp, vtl, rcx, rdx, r8, CODE1);

	if (r != 0)
		return failed(m, "registers", r);
	m->op_ns = 0;
	begin = bench_now();
	r = vsm_vp_hypercall(vp, CODE1, TRAP);
	m->call_ns = bench_now() - begin;
	if (r != want)
		return failed(m, "hypercall", r < 0 ? r : -VSM_ERR_HOST);
	if (want == VSM_VERDICT_SWITCHED)
		return 0;
	r = vsm_kvm_vp_get(m->vp, vtl, &rax, 1);
	if (r != 0 || (rax.value.low & 0xffff) != 0)
		return failed(m, "status of a hypercall", r != 0 ? r : -VSM_ERR_RANGE);
	return 0;
}

static int wrmsr(struct enforce_machine *m, uint32_t msr, uint64_t value)
{
	int r = vsm_vp_wrmsr(vsm_kvm_vp_vsm(m->vp), msr, value);

	if (r == VSM_VERDICT_RESUME)
		return 0;
	snprintf(m->why, sizeof(m->why), "MSR %#x: outcome %d", msr, r);
	return -1;
}

/* VTL1 returns, fast: RAX is 1. */
static int leave_vtl1(struct enforce_machine *m)
{
	return call(m, HVCALL_VTL_RETURN, 0, 0, VSM_VERDICT_SWITCHED);
}

static int set_config(struct enforce_machine *m)
{
	struct hv_input_set_vp_registers *in = (void *)(m->ram + INPUT);
	struct hv_register_assoc *reg = (void *)(in + 1);

	memset(in, 0, sizeof(*in) + sizeof(*reg));
	in->partition_id = HV_PARTITION_ID_SELF;
	in->vp_index = HV_VP_INDEX_SELF;
	reg->name = HV_REGISTER_VSM_PARTITION_CONFIG;
	reg->value.low = 0x1f;
	return call(m, HVCALL_SET_VP_REGISTERS | 1ull << 32, INPUT, 0, VSM_VERDICT_RESUME);
}

/* VTL0 calls. Its RAX is 0, that of call() is 1 for the sake of the return. */
static int enter_vtl1(struct enforce_machine *m)
{
	const struct vsm_reg rax = { .name = HV_X64_REGISTER_RAX };
	int r;

	if (set_regs(m->vp, 0, HVCALL_VTL_CALL, 0, 0, CODE1) != 0)
		return failed(m, "registers", -VSM_ERR_HOST);
	r = vsm_kvm_vp_set(m->vp, 0, &rax, 1);
	if (r == 0)
		r = vsm_vp_hypercall(vsm_kvm_vp_vsm(m->vp), CODE1, TRAP);
	return r == VSM_VERDICT_SWITCHED ? 0 : failed(m, "VTL call", r < 0 ? r : -VSM_ERR_HOST);
}

static int start_vtl1(struct enforce_machine *m)
{
	struct hv_input_enable_vp_vtl *in = (void *)(m->ram + INPUT);

	if (wrmsr(m, HV_X64_MSR_GUEST_OS_ID, 1) != 0 ||
	    wrmsr(m, HV_X64_MSR_HYPERCALL, CALL0 | 1) != 0 ||
	    call(m, HVCALL_ENABLE_PARTITION_VTL | HV_HYPERCALL_FAST, HV_PARTITION_ID_SELF, 1,
		 VSM_VERDICT_RESUME) != 0)
		return -1;
	guest_enable_vp(in);
	guest_state_init(&in->vp_vtl_context, CODE1, PML4);
	if (call(m, HVCALL_ENABLE_VP_VTL, INPUT, 0, VSM_VERDICT_RESUME) != 0)
		return -1;
	if (enter_vtl1(m) != 0)
		return -1;
	if (wrmsr(m, HV_X64_MSR_GUEST_OS_ID, 1) != 0 ||
	    wrmsr(m, HV_X64_MSR_HYPERCALL, CALL1 | 1) != 0 ||
	    wrmsr(m, HV_X64_MSR_VP_ASSIST_PAGE, ASSIST | 1) != 0 ||
	    wrmsr(m, HV_X64_MSR_SIMP, SIMP | 1) != 0)
		return -1;
	return set_config(m);
}

static int protect_at(struct enforce_machine *m, uint32_t rights, uint64_t gpa, uint32_t stride,
		      uint32_t count)
{
	struct hv_input_modify_vtl_protection_mask *in = (void *)(m->ram + INPUT);
	uint64_t gpn;

	memset(in, 0, sizeof(*in));
	in->target_partition_id = HV_PARTITION_ID_SELF;
	in->map_flags = rights;
	for (uint32_t i = 0; i < count; i++) {
		gpn = gpa / 4096 + (uint64_t)i * stride;
		memcpy((uint8_t *)(in + 1) + i * sizeof(gpn), &gpn, sizeof(gpn));
	}
	return call(m, HVCALL_MODIFY_VTL_PROTECTION_MASK | (uint64_t)count << 32, INPUT, 0,
		    VSM_VERDICT_RESUME);
}

int enforce_protect(struct enforce_machine *m, uint32_t rights, uint32_t stride)
{
	return protect_at(m, rights, ENFORCE_GPA, stride, ENFORCE_LIST);
}

int enforce_protect_one(struct enforce_machine *m, uint32_t rights, uint64_t gpa)
{
	return protect_at(m, rights, gpa, 1, 1);
}

int enforce_crowd(struct enforce_machine *m)
{
	int r = 0;

	for (uint32_t i = 0; i < ENFORCE_CROWD && r == 0; i += ENFORCE_LIST)
		r = protect_at(m, 0, CROWD_GPA + i * 2ull * 4096, 2, ENFORCE_LIST);
	return r;
}

/* ---- the guest ---- */

static struct vsm_reg segment_reg(uint32_t name, const struct hv_segment_register *s, uint32_t dpl)
{
	struct hv_segment_register copy = *s;
	struct vsm_reg r = { .name = name };

	copy.attributes |= (uint16_t)(dpl << 5);
	copy.selector |= (uint16_t)dpl;
	memcpy(&r.value, &copy, sizeof(copy));
	return r;
}

static int user_mode(struct enforce_machine *m, struct vsm_kvm_vp *vp, uint64_t rip)
{
	struct hv_initial_vp_context c;
	int r;

	guest_state_init(&c, rip, PML4);
	{
		const struct vsm_reg regs[] = {
			segment_reg(HV_X64_REGISTER_CS, &c.cs, 3),
			segment_reg(HV_X64_REGISTER_SS, &c.ss, 3),
			segment_reg(HV_X64_REGISTER_DS, &c.ds, 3),
			segment_reg(HV_X64_REGISTER_ES, &c.es, 3),
			segment_reg(HV_X64_REGISTER_FS, &c.fs, 3),
			segment_reg(HV_X64_REGISTER_GS, &c.gs, 3),
			segment_reg(HV_X64_REGISTER_TR, &c.tr, 0),
			segment_reg(HV_X64_REGISTER_LDTR, &c.ldtr, 0),
			{ HV_X64_REGISTER_CR0, 0, { c.cr0, 0 } },
			{ HV_X64_REGISTER_CR3, 0, { c.cr3, 0 } },
			{ HV_X64_REGISTER_CR4, 0, { c.cr4, 0 } },
			{ HV_X64_REGISTER_EFER, 0, { c.efer, 0 } },
			/* IOPL 3: it may use ports. */
			{ HV_X64_REGISTER_RFLAGS, 0, { 0x3002, 0 } },
			{ HV_X64_REGISTER_RDI, 0, { ENFORCE_GPA, 0 } },
			{ HV_X64_REGISTER_RIP, 0, { rip, 0 } },
		};

		r = vsm_kvm_vp_set(vp, 0, regs, sizeof(regs) / sizeof(regs[0]));
	}
	return r == 0 ? 0 : failed(m, "user registers", r);
}

/* Kernel registers, with which VTL0 makes its hypercalls. */
static int kernel_mode(struct enforce_machine *m)
{
	struct hv_initial_vp_context c;
	int r = user_mode(m, m->vp, CODE0);

	guest_state_init(&c, CODE0, PML4);
	if (r == 0) {
		const struct vsm_reg regs[] = { segment_reg(HV_X64_REGISTER_CS, &c.cs, 0),
						segment_reg(HV_X64_REGISTER_SS, &c.ss, 0) };

		r = vsm_kvm_vp_set(m->vp, 0, regs, 2);
	}
	return r == 0 ? 0 : failed(m, "kernel registers", r);
}

static void *run_sibling(void *arg)
{
	struct enforce_machine *m = arg;
	struct vsm_kvm_exit exit = { .size = sizeof(exit) };

	while (!atomic_load(&m->stop)) {
		if (vsm_kvm_run(m->sibling, &exit) != 0 || exit.kind != VSM_KVM_EXIT_INTR)
			break;
	}
	return NULL;
}

int enforce_sibling(struct enforce_machine *m, uint32_t on)
{
	struct timespec ms5 = { 0, 5000000 };

	if (on) {
		if (user_mode(m, m->sibling, SPIN) != 0)
			return -1;
		if (pthread_create(&m->runner, NULL, run_sibling, m) != 0)
			return failed(m, "thread of VP 1", -VSM_ERR_SYS);
		m->sibling_thread = m->runner;
		m->runs = 1;
		nanosleep(&ms5, NULL);
	} else if (m->runs) {
		atomic_store(&m->stop, 1);
		vsm_kvm_kick(m->sibling);
		pthread_join(m->runner, NULL);
		m->sibling_thread = pthread_self();
		m->runs = 0;
	}
	return 0;
}

/* Until the next OUT; a kick is none. */
static int run_to_out(struct enforce_machine *m, uint64_t *ns)
{
	struct vsm_kvm_exit exit = { .size = sizeof(exit) };
	uint64_t begin = bench_now();
	int r;

	do {
		r = vsm_kvm_run(m->vp, &exit);
	} while (r == 0 && exit.kind == VSM_KVM_EXIT_INTR);
	*ns = bench_now() - begin;
	if (r != 0 || exit.kind != VSM_KVM_EXIT_PIO || exit.address != STOP_PORT)
		return failed(m, "the guest ended elsewhere", r != 0 ? r : -VSM_ERR_HOST);
	return 0;
}

int enforce_fault(struct enforce_machine *m, uint64_t *out_ns, uint64_t *fault_ns)
{
	if (leave_vtl1(m) != 0 || user_mode(m, m->vp, CODE0 + 3) != 0 ||
	    run_to_out(m, out_ns) != 0 || user_mode(m, m->vp, CODE0) != 0 ||
	    run_to_out(m, fault_ns) != 0)
		return -1;
	if (vsm_vp_active_vtl(vsm_kvm_vp_vsm(m->vp)) != 1)
		return failed(m, "the load was not intercepted", -VSM_ERR_HOST);
	m->slot->header.message_type = HVMSG_NONE;
	return 0;
}

/* VTL1 returns and user code of VTL0 walks. */
static int walk_out(struct enforce_machine *m, uint64_t gpa, uint32_t pages, uint64_t *ns)
{
	const struct vsm_reg regs[] = { { HV_X64_REGISTER_RDI, 0, { gpa, 0 } },
					{ HV_X64_REGISTER_RCX, 0, { pages, 0 } } };

	if (leave_vtl1(m) != 0 || user_mode(m, m->vp, WALK) != 0)
		return -1;
	if (vsm_kvm_vp_set(m->vp, 0, regs, 2) != 0)
		return failed(m, "registers of the walk", -VSM_ERR_HOST);
	return run_to_out(m, ns);
}

int enforce_walk(struct enforce_machine *m, uint64_t gpa, uint32_t pages, uint64_t *ns)
{
	if (walk_out(m, gpa, pages, ns) != 0 || kernel_mode(m) != 0)
		return -1;
	return enter_vtl1(m);
}

/* The same, and back by a load from a page that is denied. */
static int walk(struct enforce_machine *m, uint64_t *ns)
{
	uint64_t fault;

	if (walk_out(m, WALK_GPA, ENFORCE_WALK, ns) != 0 || user_mode(m, m->vp, CODE0) != 0 ||
	    run_to_out(m, &fault) != 0)
		return -1;
	if (vsm_vp_active_vtl(vsm_kvm_vp_vsm(m->vp)) != 1)
		return failed(m, "the load was not intercepted", -VSM_ERR_HOST);
	m->slot->header.message_type = HVMSG_NONE;
	return 0;
}

int enforce_single(struct enforce_machine *m, uint64_t *op_ns, uint64_t *after_ns,
		   uint64_t *undisturbed_ns)
{
	const uint64_t page = ENFORCE_GPA + 4096;

	/* The page that ends a walk, and the one that is measured. */
	if (protect_at(m, 0, ENFORCE_GPA, 1, 1) != 0 || protect_at(m, 0, page, 1, 1) != 0)
		return -1;
	*op_ns = m->op_ns;
	if (walk(m, after_ns) != 0 || protect_at(m, HV_MAP_GPA_PERMISSIONS_MASK, page, 1, 1) != 0)
		return -1;
	/* The first after this change, then one after no change. */
	if (walk(m, undisturbed_ns) != 0 || walk(m, undisturbed_ns) != 0)
		return -1;
	return protect_at(m, HV_MAP_GPA_PERMISSIONS_MASK, ENFORCE_GPA, 1, 1);
}

/* ---- life ---- */

static void put64(uint8_t *ram, uint64_t gpa, uint64_t value)
{
	memcpy(ram + gpa, &value, sizeof(value));
}

/* Where huge pages of the file can be mapped. */
static void *map_ram(int fd)
{
	const size_t huge = 0x200000;
	uint8_t *p = mmap(NULL, ENFORCE_RAM + huge, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t before;

	if (p == MAP_FAILED)
		return p;
	before = -(uintptr_t)p % huge;
	munmap(p, before);
	munmap(p + before + ENFORCE_RAM, huge - before);
	return mmap(p + before, ENFORCE_RAM, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
}

static int make_huge(struct enforce_machine *m)
{
	struct timespec ms10 = { 0, 10000000 };
	int r;

	/* Only pages that are there can be made huge. */
	for (size_t at = 0; at < ENFORCE_RAM; at += 4096) {
		volatile uint8_t *byte = m->ram + at;

		*byte = *byte;
	}
	r = madvise(m->ram, ENFORCE_RAM, MADV_COLLAPSE);
	/* Whatever else is at the pages at this moment. */
	for (uint32_t i = 0; i < 50 && r != 0 && errno != EINVAL; i++) {
		nanosleep(&ms10, NULL);
		r = madvise(m->ram, ENFORCE_RAM, MADV_COLLAPSE);
	}
	m->no_huge = r != 0;
	return r == 0 ? 0 : failed(m, "the host gives no huge pages", -VSM_ERR_SYS);
}

static int make_ram(struct enforce_machine *m)
{
	static const uint8_t code0[] = { 0x48, 0x8b, 0x1f, 0xe6, STOP_PORT };
	static const uint8_t code1[] = { 0xe6, STOP_PORT, 0xeb, 0xfc };
	static const uint8_t spin[] = { 0xeb, 0xfe };
	/* 1: mov (%rdi),%rbx; add $4096,%rdi; dec %ecx; jnz 1b; out %al,$STOP_PORT */
	static const uint8_t walk[] = { 0x48, 0x8b, 0x1f, 0x48, 0x81, 0xc7, 0,	  0x10,
					0,    0,    0xff, 0xc9, 0x75, 0xf2, 0xe6, STOP_PORT };

	m->ram_fd = memfd_create("bench-vsm", MFD_CLOEXEC);
	if (m->ram_fd < 0 || ftruncate(m->ram_fd, ENFORCE_RAM) != 0)
		return failed(m, "memfd", -VSM_ERR_SYS);
	m->ram = map_ram(m->ram_fd);
	if (m->ram == MAP_FAILED)
		return failed(m, "mmap", -VSM_ERR_SYS);
	put64(m->ram, PML4, PDPT | 7);
	put64(m->ram, PDPT, PD | 7);
	for (uint64_t i = 0; i < 512; i++)
		put64(m->ram, PD + 8 * i, i << 21 | 0x87);
	memcpy(m->ram + CODE0, code0, sizeof(code0));
	memcpy(m->ram + CODE1, code1, sizeof(code1));
	memcpy(m->ram + SPIN, spin, sizeof(spin));
	memcpy(m->ram + WALK, walk, sizeof(walk));
	return 0;
}

static int make_partition(struct enforce_machine *m)
{
	struct vsm_host_ops ops;
	struct vsm_config config;
	int r;

	m->ops = *vsm_kvm_ops(m->kvm);
	ops = m->ops;
	ops.protect = timed_protect;
	ops.overlay_map = seen_overlay;
	vsm_config_init(&config);
	r = vsm_kvm_config(m->kvm, &config);
	if (r == 0)
		r = vsm_partition_create(&config, &ops, m->kvm, &m->vsm);
	if (r == 0)
		r = vsm_kvm_bind(m->kvm, m->vsm);
	if (r == 0)
		r = vsm_kvm_ram_add(m->kvm, 0, ENFORCE_RAM, m->ram_fd, 0, 0);
	if (r == 0)
		r = vsm_partition_realise(m->vsm);
	if (r == 0)
		r = vsm_kvm_vp_create(m->kvm, 0, 0, &m->vp);
	if (r == 0)
		r = vsm_kvm_vp_create(m->kvm, 1, 1, &m->sibling);
	return r == 0 ? 0 : failed(m, "partition", r);
}

static int open_with(struct enforce_machine *m, uint32_t enforce, int huge)
{
	struct vsm_kvm_options o;
	sigset_t usr1;
	int r;

	memset(m, 0, sizeof(*m));
	m->ram_fd = -1;
	m->ram = MAP_FAILED;
	m->sibling_thread = pthread_self();
	current = m;
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &usr1, NULL);
	vsm_kvm_options_init(&o);
	o.enforce = enforce;
	o.serves = 1;
	o.max_vps = 2;
	o.kick_signal = SIGUSR1;
	o.kick = kick;
	o.opaque = m;
	r = vsm_kvm_create(&o, &m->kvm);
	if (r != 0)
		return failed(m, "KVM", r);
	if (make_ram(m) != 0 || (huge && make_huge(m) != 0) || make_partition(m) != 0)
		return -1;
	if (vsm_kvm_service_fd(m->kvm) >= 0)
		m->is_served = pthread_create(&m->service, NULL, serve, m) == 0;
	return kernel_mode(m) != 0 ? -1 : start_vtl1(m);
}

int enforce_open(struct enforce_machine *m, uint32_t enforce)
{
	return open_with(m, enforce, 0);
}

int enforce_open_huge(struct enforce_machine *m, uint32_t enforce)
{
	return open_with(m, enforce, 1);
}

void enforce_close(struct enforce_machine *m)
{
	enforce_sibling(m, 0);
	atomic_store(&m->stop, 1);
	if (m->is_served)
		pthread_join(m->service, NULL);
	vsm_partition_destroy(m->vsm);
	vsm_kvm_destroy(m->kvm);
	if (m->ram != MAP_FAILED)
		munmap(m->ram, ENFORCE_RAM);
	if (m->ram_fd >= 0)
		close(m->ram_fd);
}
