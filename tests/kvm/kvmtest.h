/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * A machine on real KVM for the tests of libvsm-kvm: one VP, two VTLs, and a few instructions of
 * guest code that the test drives one by one from outside.
 *
 * A stub is a handful of instructions that ends in a write to STOP_PORT; kt_stub() puts registers
 * in place and runs it. A hypercall is such a stub too, so the guest needs no program of its own.
 */
#ifndef KVMTEST_H
#define KVMTEST_H

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vsm/kvm.h>
#include <vsm/vsm.h>

#include "kvm_private.h"
#include "kvmtest_huge.h"
#include "vsmtest.h"

#define RAM_SIZE  (16u << 20)
#define STOP_PORT 0x80u

/* Guest physical addresses; RAM is mapped one to one, for user code too. */
#define GDT_GPA	   0x1000u
#define IDT_GPA	   0x2000u
#define TSS_GPA	   0x3000u
#define TRAP_GPA   0x4000u /* One handler of 32 bytes for each vector. */
#define TABLES_GPA 0x10000u /* PML4, PDPT, PD */
#define STACK_GPA  0x80000u
#define INPUT_GPA  0x90000u
#define OUTPUT_GPA 0x91000u
#define CODE_GPA   0x200000u
#define CODE1_GPA  0x280000u /* Of VTL1. */
#define PAGE_GPA   0x300000u /* The page that is denied. */
#define OTHER_GPA  0x310000u
#define CODE_PAGE0 0x400000u
#define CODE_PAGE1 0x401000u
#define ASSIST_GPA 0x402000u
#define SIMP_GPA   0x403000u

#define KERNEL_CS 0x08u
#define KERNEL_SS 0x10u
#define USER_CS	  0x33u
#define USER_SS	  0x2bu
#define TSS_SEL	  0x40u

struct kt {
	struct vsm_kvm *k;
	struct vsm *vsm;
	struct vsm_kvm_vp *vp;
	uint8_t *ram;
	int memfd;
	uint32_t lines;
	char line[160];
	struct vsm_kvm_exit exit;
	pthread_t server; /* Calls vsm_kvm_service(). */
	int server_stop[2]; /* Pipe; 0: there is no server */
	uint64_t shift; /* Of code and hypercall pages, where several VPs call at once. */
	uint64_t saved[16]; /* GPRs of VTL0 while VTL1 deals with an intercept. */
};

static inline void kt_log(void *opaque, int32_t level, const char *line)
{
	struct kt *t = opaque;

	(void)level;
	t->lines++;
	snprintf(t->line, sizeof(t->line), "%s", line);
}

static inline uint64_t *kt_at(struct kt *t, uint64_t gpa)
{
	return (uint64_t *)(void *)(t->ram + gpa);
}

/* ---- registers ---- */

static inline uint64_t kt_get(struct kt *t, uint32_t vtl, uint32_t name)
{
	struct vsm_reg reg = { .name = name };

	assert_err(vsm_kvm_vp_get(t->vp, vtl, &reg, 1), 0);
	return reg.value.low;
}

static inline void kt_set(struct kt *t, uint32_t vtl, uint32_t name, uint64_t value)
{
	struct vsm_reg reg = { .name = name, .value = { .low = value } };

	assert_err(vsm_kvm_vp_set(t->vp, vtl, &reg, 1), 0);
}

static inline struct hv_register_value kt_segment(uint32_t selector, uint32_t attributes)
{
	struct hv_segment_register s = { .limit = 0xffffffffu,
					 .selector = (uint16_t)selector,
					 .attributes = (uint16_t)attributes };
	struct hv_register_value value;

	if (selector == TSS_SEL) {
		s.base = TSS_GPA;
		s.limit = 0x67;
	}
	memcpy(&value, &s, sizeof(value));
	return value;
}

#define ATTR_CODE 0xa09bu
#define ATTR_DATA 0xc093u
#define ATTR_DPL3 0x0060u
#define ATTR_TSS  0x008bu
#define ATTR_LDT  0x0000u

static inline struct hv_register_value kt_table(uint64_t base, uint16_t limit)
{
	struct hv_table_register table = { .limit = limit, .base = base };
	struct hv_register_value value;

	memcpy(&value, &table, sizeof(value));
	return value;
}

/* 64-bit mode with the tables of this machine. */
static inline void kt_long_mode(struct kt *t, uint32_t vtl, uint32_t cpl)
{
	uint32_t dpl = cpl == 3 ? ATTR_DPL3 : 0;
	struct vsm_reg regs[] = {
		{ .name = HV_X64_REGISTER_CS,
		  .value = kt_segment(cpl == 3 ? USER_CS : KERNEL_CS, ATTR_CODE | dpl) },
		{ .name = HV_X64_REGISTER_SS,
		  .value = kt_segment(cpl == 3 ? USER_SS : KERNEL_SS, ATTR_DATA | dpl) },
		{ .name = HV_X64_REGISTER_DS, .value = kt_segment(USER_SS, ATTR_DATA | ATTR_DPL3) },
		{ .name = HV_X64_REGISTER_ES, .value = kt_segment(USER_SS, ATTR_DATA | ATTR_DPL3) },
		{ .name = HV_X64_REGISTER_FS, .value = kt_segment(USER_SS, ATTR_DATA | ATTR_DPL3) },
		{ .name = HV_X64_REGISTER_GS, .value = kt_segment(USER_SS, ATTR_DATA | ATTR_DPL3) },
		{ .name = HV_X64_REGISTER_TR, .value = kt_segment(TSS_SEL, ATTR_TSS) },
		{ .name = HV_X64_REGISTER_LDTR, .value = kt_segment(0, ATTR_LDT) },
		{ .name = HV_X64_REGISTER_GDTR, .value = kt_table(GDT_GPA, 0x7f) },
		{ .name = HV_X64_REGISTER_IDTR, .value = kt_table(IDT_GPA, 0x1ff) },
		{ .name = HV_X64_REGISTER_CR0, .value = { .low = 0x80050033u } },
		{ .name = HV_X64_REGISTER_CR3, .value = { .low = TABLES_GPA } },
		{ .name = HV_X64_REGISTER_CR4, .value = { .low = 0x620 } },
		{ .name = HV_X64_REGISTER_EFER, .value = { .low = 0xd01 } },
		{ .name = HV_X64_REGISTER_RSP, .value = { .low = STACK_GPA } },
		{ .name = HV_X64_REGISTER_RFLAGS, .value = { .low = cpl == 3 ? 0x3002 : 0x2 } },
	};

	assert_err(vsm_kvm_vp_set(t->vp, vtl, regs, VSMTEST_COUNT(regs)), 0);
}

/* ---- the machine ---- */

/* mov $vector,%ebp; out %al,$STOP_PORT */
static inline void kt_traps(struct kt *t)
{
	for (uint32_t v = 0; v < 32; v++) {
		uint8_t code[] = { 0xbd, (uint8_t)v, 0, 0, 0, 0xe6, STOP_PORT };
		uint64_t handler = TRAP_GPA + 32u * v;

		memcpy(t->ram + handler, code, sizeof(code));
		kt_at(t, IDT_GPA)[2 * v] = handler | (uint64_t)KERNEL_CS << 16 | 0x8eull << 40;
		kt_at(t, IDT_GPA)[2 * v + 1] = 0;
	}
}

static inline void kt_tables(struct kt *t)
{
	uint64_t *gdt = kt_at(t, GDT_GPA);

	gdt[1] = 0x00af9b000000ffffull;
	gdt[2] = 0x00cf93000000ffffull;
	gdt[5] = 0x00cff3000000ffffull;
	gdt[6] = 0x00affb000000ffffull;
	gdt[8] = 0x67ull | (uint64_t)TSS_GPA << 16 | 0x8bull << 40;
	memcpy(t->ram + TSS_GPA + 4, &(uint64_t){ STACK_GPA - 0x1000 }, 8);
	kt_at(t, TABLES_GPA)[0] = (TABLES_GPA + 0x1000) | 7;
	kt_at(t, TABLES_GPA + 0x1000)[0] = (TABLES_GPA + 0x2000) | 7;
	for (uint64_t i = 0; i < 512; i++)
		kt_at(t, TABLES_GPA + 0x2000)[i] = i << 21 | 0x87;
	kt_traps(t);
	for (uint32_t i = 0; i < 4096; i++)
		t->ram[PAGE_GPA + i] = (uint8_t)i;
	memset(t->ram + OTHER_GPA, 0xcc, 4096);
}

static inline int kt_memfd(uint64_t size)
{
	int fd = memfd_create("vsm-test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	return fd;
}

/* The mechanism that this run of the tests is about: VSM_TEST_ENFORCE, by name; else the library's
 * own choice. */
static inline uint32_t kt_enforce(void)
{
	const char *name = getenv("VSM_TEST_ENFORCE");
	struct vsm_kvm_enforcement e = { .size = sizeof(e) };

	for (uint32_t i = 1; name != NULL && vsm_kvm_enforcement(NULL, i, &e) == 0; i++) {
		if (strcmp(e.name, name) == 0)
			return i;
	}
	return VSM_KVM_ENFORCE_AUTO;
}

static inline void *kt_server(void *arg)
{
	struct kt *t = arg;
	struct pollfd fd[2] = { { .fd = vsm_kvm_service_fd(t->k), .events = POLLIN },
				{ .fd = t->server_stop[0], .events = POLLIN } };

	while (poll(fd, 2, -1) >= 0 || errno == EINTR) {
		if ((fd[1].revents & POLLIN) != 0)
			break;
		if (vsm_kvm_service(t->k) < 0)
			abort();
	}
	return NULL;
}

static inline void kt_serve(struct kt *t)
{
	if (vsm_kvm_service_fd(t->k) < 0)
		return;
	ck_assert_int_eq(pipe(t->server_stop), 0);
	ck_assert_int_eq(pthread_create(&t->server, NULL, kt_server, t), 0);
}

static inline void kt_serve_end(struct kt *t)
{
	if (t->server_stop[1] == 0)
		return;
	ck_assert_int_eq((int)write(t->server_stop[1], "", 1), 1);
	pthread_join(t->server, NULL);
	close(t->server_stop[0]);
	close(t->server_stop[1]);
}

/* Up to where RAM can be added. `ops`: vsm_kvm_ops(), or what stands before it. */
static inline struct kt *kt_bare_ops(const struct vsm_kvm_options *options,
				     const struct vsm_host_ops *(*ops)(const struct vsm_kvm *k))
{
	struct kt *t = calloc(1, sizeof(*t));
	struct vsm_kvm_options o;
	struct vsm_config config;

	ck_assert_ptr_nonnull(t);
	vsm_kvm_options_init(&o);
	if (options != NULL)
		o = *options;
	o.log = kt_log;
	if (o.opaque == NULL)
		o.opaque = t;
	if (o.enforce == VSM_KVM_ENFORCE_AUTO)
		o.enforce = kt_enforce();
	o.serves = o.enforce == VSM_KVM_ENFORCE_UFFD;
	assert_err(vsm_kvm_create(&o, &t->k), 0);
	kt_serve(t);
	vsm_config_init(&config);
	assert_err(vsm_kvm_config(t->k, &config), 0);
	assert_err(vsm_partition_create(&config, ops(t->k), t->k, &t->vsm), 0);
	assert_err(vsm_kvm_bind(t->k, t->vsm), 0);
	t->memfd = kt_memfd(RAM_SIZE);
	t->ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, t->memfd, 0);
	ck_assert(t->ram != MAP_FAILED);
	t->exit.size = sizeof(t->exit);
	return t;
}

static inline struct kt *kt_bare(const struct vsm_kvm_options *options)
{
	return kt_bare_ops(options, vsm_kvm_ops);
}

/* VSM_TEST_RAM=thp: this run of the tests is about huge pages. */
static inline int kt_thp(void)
{
	const char *ram = getenv("VSM_TEST_RAM");

	return ram != NULL && strcmp(ram, "thp") == 0;
}

/* All of RAM in huge pages, and each view maps them as such. */
static inline void kt_ram_add_thp(struct kt *t)
{
	const struct vk_range *range = &t->k->range[t->k->range_count];

	ck_assert_int_eq(kh_collapse(t->memfd, 0, RAM_SIZE), 0);
	assert_err(vsm_kvm_ram_add(t->k, 0, RAM_SIZE, t->memfd, 0, 0), 0);
	for (uint32_t vtl = 0; vtl < t->k->vtls; vtl++)
		ck_assert_uint_eq(kh_mapped(range->view[vtl], RAM_SIZE), RAM_SIZE);
	ck_assert_uint_eq(kh_mapped(range->host, RAM_SIZE), RAM_SIZE);
}

static inline void kt_start(struct kt *t)
{
	kt_tables(t);
	if (kt_thp())
		kt_ram_add_thp(t);
	else
		assert_err(vsm_kvm_ram_add(t->k, 0, RAM_SIZE, t->memfd, 0, 0), 0);
	assert_err(vsm_partition_realise(t->vsm), 0);
	assert_err(vsm_kvm_vp_create(t->k, 0, 0, &t->vp), 0);
	kt_long_mode(t, 0, 0);
}

static inline struct kt *kt_new(const struct vsm_kvm_options *options)
{
	struct kt *t = kt_bare(options);

	kt_start(t);
	return t;
}

/* One whose rights are memory slots, whatever this run of the tests is about. */
static inline struct kt *kt_slots_new(void)
{
	struct vsm_kvm_options o;

	vsm_kvm_options_init(&o);
	o.enforce = VSM_KVM_ENFORCE_MEMSLOT;
	return kt_new(&o);
}

/* Can the mechanism give these rights? Those that it cannot give are refused: test_create.c. */
static inline int kt_can(const struct kt *t, uint32_t rights)
{
	return (t->k->mechanism->masks >> rights & 1) != 0;
}

/* Rights are page-table entries: native code faults with RIP on its instruction. */
static inline int kt_by_ptes(const struct kt *t)
{
	return (t->k->mechanism->flags & VK_MECH_PTES) != 0;
}

static inline void kt_free(struct kt *t)
{
	kt_serve_end(t);
	vsm_partition_destroy(t->vsm);
	vsm_kvm_destroy(t->k);
	munmap(t->ram, RAM_SIZE);
	close(t->memfd);
	free(t);
}

/* ---- running ---- */

/* Until the VMM has to do something that is no kick. */
static inline uint32_t kt_run(struct kt *t)
{
	int r;

	do {
		r = vsm_kvm_run(t->vp, &t->exit);
		ck_assert_msg(r == 0, "vsm_kvm_run: %s; last log line: %s", vsm_strerror(r),
			      t->line);
	} while (t->exit.kind == VSM_KVM_EXIT_INTR);
	return t->exit.kind;
}

/* Milliseconds that a VP waits at most. */
#define KT_BLOCKED_MAX 10000u

/* Until a stub ends, also one that has to wait for a thread that adds RAM. @return the VTL that it
 * ends in. */
static inline uint32_t kt_stop(struct kt *t)
{
	uint32_t kind = kt_run(t);

	for (uint32_t i = 0; i < KT_BLOCKED_MAX && kind == VSM_KVM_EXIT_BLOCKED; i++) {
		usleep(1000);
		kind = kt_run(t);
	}
	ck_assert_msg(kind == VSM_KVM_EXIT_PIO && t->exit.address == STOP_PORT,
		      "exit %u (KVM %u) at %#llx, vtl %u, rip %#llx", kind, t->exit.reason,
		      (unsigned long long)t->exit.address, t->exit.vtl,
		      (unsigned long long)t->exit.rip);
	return t->exit.vtl;
}

/* Put code in place and RIP on it. */
static inline void kt_code(struct kt *t, uint32_t vtl, const void *code, size_t size)
{
	uint64_t at = (vtl == 0 ? CODE_GPA : CODE1_GPA) + t->shift;

	memcpy(t->ram + at, code, size);
	kt_set(t, vtl, HV_X64_REGISTER_RIP, at);
}

#define KT_CODE(t, vtl, ...)                                    \
	do {                                                    \
		static const uint8_t code_[] = { __VA_ARGS__ }; \
		kt_code(t, vtl, code_, sizeof(code_));          \
	} while (0)

#define STOP 0xe6, STOP_PORT /* out %al,$STOP_PORT */

/* Code of VTL0 that stops when it has been executed. */
static inline void kt_code_then_stop(struct kt *t, const void *code, size_t size)
{
	static const uint8_t stop[] = { STOP };

	kt_code(t, 0, code, size);
	memcpy(t->ram + CODE_GPA + t->shift + size, stop, sizeof(stop));
}

static inline void kt_wrmsr(struct kt *t, uint32_t vtl, uint32_t msr, uint64_t value)
{
	kt_set(t, vtl, HV_X64_REGISTER_RCX, msr);
	kt_set(t, vtl, HV_X64_REGISTER_RAX, (uint32_t)value);
	kt_set(t, vtl, HV_X64_REGISTER_RDX, value >> 32);
	kt_set(t, vtl, HV_X64_REGISTER_RBP, 0xff);
	KT_CODE(t, vtl, 0x0f, 0x30, STOP);
	ck_assert_uint_eq(kt_stop(t), vtl);
}

static inline uint64_t kt_rdmsr(struct kt *t, uint32_t vtl, uint32_t msr)
{
	kt_set(t, vtl, HV_X64_REGISTER_RCX, msr);
	kt_set(t, vtl, HV_X64_REGISTER_RBP, 0xff);
	KT_CODE(t, vtl, 0x0f, 0x32, STOP);
	ck_assert_uint_eq(kt_stop(t), vtl);
	return kt_get(t, vtl, HV_X64_REGISTER_RAX) | kt_get(t, vtl, HV_X64_REGISTER_RDX) << 32;
}

/* Vector that the stub ran into, 0xff none. Only after kt_wrmsr() and kt_rdmsr(). */
static inline uint64_t kt_vector(struct kt *t, uint32_t vtl)
{
	return kt_get(t, vtl, HV_X64_REGISTER_RBP);
}

/* A hypercall of the VTL that runs: status and reps done. */
static inline uint64_t kt_hypercall(struct kt *t, uint32_t vtl, uint64_t control, uint64_t rdx,
				    uint64_t r8)
{
	kt_set(t, vtl, HV_X64_REGISTER_RCX, control);
	kt_set(t, vtl, HV_X64_REGISTER_RDX, rdx);
	kt_set(t, vtl, HV_X64_REGISTER_R8, r8);
	KT_CODE(t, vtl, 0xe6, 0x7e, 0x90, STOP);
	ck_assert_uint_eq(kt_stop(t), vtl);
	return kt_get(t, vtl, HV_X64_REGISTER_RAX);
}

/* Control word of a hypercall with a list, and what it answers when all went well. */
#define REPS(n) ((uint64_t)(n) << 32)

static inline uint64_t kt_protect(struct kt *t, uint32_t vtl, uint32_t flags, const uint64_t *gpa,
				  uint32_t count)
{
	struct hv_input_modify_vtl_protection_mask *in = (void *)kt_at(t, INPUT_GPA + t->shift);

	memset(in, 0, sizeof(*in));
	in->target_partition_id = HV_PARTITION_ID_SELF;
	in->map_flags = flags;
	for (uint32_t i = 0; i < count; i++)
		kt_at(t, INPUT_GPA + t->shift + sizeof(*in))[i] = gpa[i] / 4096;
	return kt_hypercall(t, vtl, HVCALL_MODIFY_VTL_PROTECTION_MASK | REPS(count),
			    INPUT_GPA + t->shift, 0);
}

static inline void kt_deny(struct kt *t, uint64_t gpa, uint32_t flags)
{
	ck_assert_uint_eq(kt_protect(t, 1, flags, &gpa, 1), REPS(1));
}

/* Another VTL runs after it: VTL call from 0, fast return from 1. */
static inline void kt_switch(struct kt *t, uint32_t from)
{
	kt_set(t, from, HV_X64_REGISTER_RAX, from == 0 ? 0 : 1);
	kt_set(t, from, HV_X64_REGISTER_RCX, from == 0 ? HVCALL_VTL_CALL : HVCALL_VTL_RETURN);
	KT_CODE(t, from, 0xe6, 0x7e, 0x90, STOP);
	ck_assert_uint_eq(kt_stop(t), !from);
}

/* ---- VTL1 ---- */

static inline void kt_context(struct hv_initial_vp_context *c)
{
	struct hv_register_value code = kt_segment(KERNEL_CS, ATTR_CODE);
	struct hv_register_value data = kt_segment(KERNEL_SS, ATTR_DATA);
	struct hv_register_value tss = kt_segment(TSS_SEL, ATTR_TSS);
	struct hv_register_value gdt = kt_table(GDT_GPA, 0x7f);
	struct hv_register_value idt = kt_table(IDT_GPA, 0x1ff);

	memset(c, 0, sizeof(*c));
	memcpy(&c->cs, &code, 16);
	memcpy(&c->ds, &data, 16);
	memcpy(&c->es, &data, 16);
	memcpy(&c->fs, &data, 16);
	memcpy(&c->gs, &data, 16);
	memcpy(&c->ss, &data, 16);
	memcpy(&c->tr, &tss, 16);
	memcpy(&c->gdtr, &gdt, 16);
	memcpy(&c->idtr, &idt, 16);
	c->rip = CODE1_GPA;
	c->rsp = STACK_GPA - 0x2000;
	c->rflags = 2;
	c->efer = 0xd01;
	c->cr0 = 0x80050033u;
	c->cr3 = TABLES_GPA;
	c->cr4 = 0x620;
	c->msr_cr_pat = 0x0007040600070406ull;
}

/* A VTL enables the next one, for the partition and on this VP with that context. @return the
 * status of the latter. */
static inline uint64_t kt_enable_next(struct kt *t, uint32_t vtl,
				      const struct hv_initial_vp_context *context)
{
	struct hv_input_enable_vp_vtl *in = (void *)kt_at(t, INPUT_GPA);

	ck_assert_uint_eq(kt_hypercall(t, vtl, HVCALL_ENABLE_PARTITION_VTL | HV_HYPERCALL_FAST,
				       HV_PARTITION_ID_SELF, vtl + 1),
			  0);
	memset(in, 0, sizeof(*in));
	in->target_partition_id = HV_PARTITION_ID_SELF;
	in->vp_index = HV_VP_INDEX_SELF;
	in->target_vtl = (uint8_t)(vtl + 1);
	in->vp_vtl_context = *context;
	return kt_hypercall(t, vtl, HVCALL_ENABLE_VP_VTL, INPUT_GPA, 0);
}

/* VTL0 enables VTL1 with that context; VTL0 still runs. @return the status. */
static inline uint64_t kt_enable_vtl1_with(struct kt *t,
					   const struct hv_initial_vp_context *context)
{
	kt_wrmsr(t, 0, HV_X64_MSR_GUEST_OS_ID, 1);
	kt_wrmsr(t, 0, HV_X64_MSR_HYPERCALL, CODE_PAGE0 | 1);
	return kt_enable_next(t, 0, context);
}

/* The same with a good one. */
static inline void kt_enable_vtl1(struct kt *t)
{
	static const uint8_t stop[] = { STOP };
	struct hv_initial_vp_context context;

	kt_context(&context);
	ck_assert_uint_eq(kt_enable_vtl1_with(t, &context), 0);
	memcpy(t->ram + CODE1_GPA, stop, sizeof(stop));
}

static inline void kt_set_hv(struct kt *t, uint32_t vtl, uint32_t name, uint64_t value)
{
	struct hv_input_set_vp_registers *in = (void *)kt_at(t, INPUT_GPA);
	struct hv_register_assoc *reg = (void *)(in + 1);

	memset(in, 0, sizeof(*in) + sizeof(*reg));
	in->partition_id = HV_PARTITION_ID_SELF;
	in->vp_index = HV_VP_INDEX_SELF;
	reg->name = name;
	reg->value.low = value;
	ck_assert_uint_eq(kt_hypercall(t, vtl, HVCALL_SET_VP_REGISTERS | REPS(1), INPUT_GPA, 0),
			  REPS(1));
}

/* VTL1 is ready to protect and to be told, and leaves pages that it does not name `mask`; VTL1 runs
 * after it. */
static inline void kt_vtl1_with(struct kt *t, uint32_t mask)
{
	kt_enable_vtl1(t);
	kt_switch(t, 0);
	kt_wrmsr(t, 1, HV_X64_MSR_GUEST_OS_ID, 1);
	kt_wrmsr(t, 1, HV_X64_MSR_HYPERCALL, CODE_PAGE1 | 1);
	kt_wrmsr(t, 1, HV_X64_MSR_VP_ASSIST_PAGE, ASSIST_GPA | 1);
	kt_wrmsr(t, 1, HV_X64_MSR_SIMP, SIMP_GPA | 1);
	kt_wrmsr(t, 1, HV_X64_MSR_SINT0, 1u << 18);
	kt_set_hv(t, 1, HV_REGISTER_VSM_PARTITION_CONFIG, 0x21 | mask << 1);
}

static inline void kt_vtl1(struct kt *t)
{
	kt_vtl1_with(t, HV_MAP_GPA_PERMISSIONS_MASK);
}

/* What a VTL sees at a GPA. */
static inline uint8_t *kt_view(struct kt *t, uint32_t vtl, uint64_t gpa)
{
	return kvm_sees(t->k, vtl, gpa, 0);
}

/* VTL1 was entered by an intercept: keep VTL0's registers, give the message. */
static inline struct hv_message kt_intercept(struct kt *t)
{
	struct hv_message *slot = (void *)kt_view(t, 1, SIMP_GPA);
	struct hv_message message = *slot;

	for (uint32_t i = 0; i < 16; i++)
		t->saved[i] = i == 4 ? 0 : kt_get(t, 1, HV_X64_REGISTER_RAX + i);
	slot->header.message_type = HVMSG_NONE;
	return message;
}

/* VTL1 gives VTL0 its registers back and returns; stops where VTL0's code or VTL1 stops next. */
static inline uint32_t kt_resume(struct kt *t)
{
	struct hv_vp_assist_page *assist = (void *)kt_view(t, 1, ASSIST_GPA);

	assist->vtl_control.vtl_return_x64_rax = t->saved[0];
	assist->vtl_control.vtl_return_x64_rcx = t->saved[1];
	for (uint32_t i = 2; i < 16; i++) {
		if (i != 4)
			kt_set(t, 1, HV_X64_REGISTER_RAX + i, t->saved[i]);
	}
	kt_set(t, 1, HV_X64_REGISTER_RAX, 0);
	kt_set(t, 1, HV_X64_REGISTER_RCX, HVCALL_VTL_RETURN);
	KT_CODE(t, 1, 0xe6, 0x7e, 0x90, STOP);
	return kt_stop(t);
}

static inline struct vsm_kvm_stats kt_stats(struct kt *t)
{
	struct vsm_kvm_stats s = { .size = sizeof(s) };

	assert_err(vsm_kvm_stats_get(t->k, &s), 0);
	return s;
}

/* What this host lacks for the mechanism of VSM_TEST_ENFORCE, or NULL. */
static inline const char *kt_missing(void)
{
	struct vsm_kvm_enforcement e = { .size = sizeof(e) };

	if (kt_enforce() == VSM_KVM_ENFORCE_AUTO)
		return getenv("VSM_TEST_ENFORCE") == NULL ? NULL : "no such mechanism";
	return vsm_kvm_enforcement(NULL, kt_enforce(), &e) == 0 ? e.missing : "no answer";
}

/* Masks that the mechanism of this run enforces. */
static inline uint32_t kt_masks(void)
{
	switch (kt_enforce()) {
	case VSM_KVM_ENFORCE_ATTRIBUTES:
		return 0xa00b;
	case VSM_KVM_ENFORCE_GUARD:
		return 0x8001;
	default:
		return 0xa001;
	}
}

static inline int kt_uses(const struct kt *t, uint32_t mechanism)
{
	return t->k->mechanism->id == mechanism;
}

/* Where there is no KVM there is nothing to test. */
static inline int kt_main(const char *suite, const struct vsmtest_case *cases, size_t count)
{
	if (access("/dev/kvm", F_OK) != 0) {
		printf("1..0 # SKIP no /dev/kvm\n");
		return 0;
	}
	if (kt_missing() != NULL) {
		printf("1..0 # SKIP %s\n", kt_missing());
		return 0;
	}
	if (kt_thp() && kh_missing() != NULL) {
		printf("1..0 # SKIP %s\n", kh_missing());
		return 0;
	}
	return vsmtest_main(suite, cases, count);
}

#endif /* KVMTEST_H */
