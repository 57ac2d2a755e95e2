/* SPDX-License-Identifier: BSD-3-Clause */
/* One emulated processor: its hooks, and running it. */
#include <string.h>

#include "unicorn_machine.h"

#define EXCEPTION_UD   6u
#define EXCEPTION_PF   14u
#define NO_PAGE	       UINT64_MAX
/* Exceptions with an error code: SDM vol. 3A, table 6-1. */
#define HAS_ERROR_CODE 0x60227d00u

uint64_t uni_reg(struct uni_cpu *c, int reg)
{
	uint64_t v = 0;

	uc_reg_read(c->uc, reg, &v);
	return v;
}

void uni_reg_put(struct uni_cpu *c, int reg, uint64_t value)
{
	uc_reg_write(c->uc, reg, &value);
}

uint32_t uni_cpl(struct uni_cpu *c)
{
	return (uint32_t)uni_reg(c, UC_X86_REG_CS) & 3;
}

void uni_stop_with(struct uni_cpu *c, enum uni_exit_kind kind)
{
	c->exit.kind = kind;
	uc_emu_stop(c->uc);
}

static void stop_with_text(struct uni_cpu *c, const char *text)
{
	c->exit.text = text;
	uni_stop_with(c, UNI_EXIT_HOST);
}

static void stop_with_exception(struct uni_cpu *c, const struct uni_walk *w, uint64_t gva)
{
	c->exit.event = (struct vsm_exception){ .vector = (uint8_t)w->fault,
						.has_error_code = 1,
						.has_parameter = w->fault == EXCEPTION_PF,
						.error_code = w->error,
						.parameter = w->fault == EXCEPTION_PF ? gva : 0 };
	c->exit.event_rip = c->rip;
	c->exit.event_soft = 0;
	uni_stop_with(c, UNI_EXIT_EXCEPTION);
}

static void deny(struct uni_cpu *c, uint64_t gpa, uint8_t access)
{
	c->m->counters.denied++;
	c->exit.gpa = gpa;
	c->exit.access = access;
	c->exit.user = uni_cpl(c) == 3;
	uni_stop_with(c, UNI_EXIT_FAULT);
}

/* May the instructions of a page be executed? Else the emulation has been stopped. */
static int enter_code_page(struct uni_cpu *c, uint64_t address)
{
	const uint32_t both = HV_MAP_GPA_KERNEL_EXECUTABLE | HV_MAP_GPA_USER_EXECUTABLE;
	uint32_t rights, user = uni_cpl(c) == 3, need;
	struct uni_walk w = uni_walk(c, address, UNI_PF_FETCH | (user ? UNI_PF_USER : 0));

	c->code_page = NO_PAGE;
	if (w.fault) {
		/* libunicorn has an old translation: the guest took this one away. */
		stop_with_exception(c, &w, address);
		return 0;
	}
	c->code = uni_memory_page(c->m, c->vtl, w.gpa);
	if (w.gpa != address || !c->code) {
		stop_with_text(c, c->code ? "code that is not mapped one to one" :
					    "code outside of RAM");
		return 0;
	}
	rights = uni_memory_rights(c->m, c->vtl, address) & both;
	need = user && c->mbec ? HV_MAP_GPA_USER_EXECUTABLE : HV_MAP_GPA_KERNEL_EXECUTABLE;
	if (!(rights & need)) {
		deny(c, address, HV_INTERCEPT_ACCESS_EXECUTE);
		return 0;
	}
	if (w.gpa < c->m->vmm->ram_size)
		c->m->code[w.gpa / UNI_PAGE_SIZE] |= c->bit;
	/* Where the CPL matters it is looked at for each instruction. */
	c->code_by_cpl = c->mbec && rights != both;
	c->code_page = address / UNI_PAGE_SIZE;
	return 1;
}

static int may_execute(struct uni_cpu *c, uint64_t address, uint32_t size)
{
	uint64_t last = (address + size - 1) / UNI_PAGE_SIZE;

	if ((address / UNI_PAGE_SIZE != c->code_page || c->code_by_cpl) &&
	    !enter_code_page(c, address))
		return 0;
	if (size == 0 || last == c->code_page)
		return 1;
	/* It reaches into the next page, which is then the last one looked at. */
	return enter_code_page(c, last * UNI_PAGE_SIZE);
}

uint32_t uni_insn_bytes(struct uni_cpu *c, uint64_t rip, uint8_t bytes[UNI_INSN_MAX])
{
	uint32_t n = 0;

	while (n < UNI_INSN_MAX) {
		const uint8_t *page = uni_memory_page(c->m, c->vtl, rip + n);

		if (!page)
			break;
		bytes[n] = page[(rip + n) % UNI_PAGE_SIZE];
		n++;
	}
	memset(bytes + n, 0, UNI_INSN_MAX - n);
	return n;
}

/* First bytes of instructions that may be ours. */
static int may_be_ours(uint8_t b)
{
	return b == 0x0f || b == 0xf4 || uni_insn_is_prefix(b);
}

static void on_code(uc_engine *uc, uint64_t address, uint32_t size, void *opaque)
{
	struct uni_cpu *c = opaque;
	uint8_t bytes[UNI_INSN_MAX];

	(void)uc;
	if (c->exit.kind != UNI_EXIT_NONE)
		return;
	c->rip = address;
	c->length = size <= UNI_INSN_MAX ? size : 0;
	c->undo_count = 0;
	c->crossing = 0;
	if (c->budget == 0) {
		uni_stop_with(c, UNI_EXIT_BUDGET);
		return;
	}
	c->budget--;
	if (!may_execute(c, address, c->length))
		return;
	if (address / UNI_PAGE_SIZE == c->code_page &&
	    !may_be_ours(c->code[address % UNI_PAGE_SIZE]))
		return;
	uni_insn_bytes(c, address, bytes);
	if (uni_insn_is_ours(c, bytes))
		uni_stop_with(c, UNI_EXIT_INSN);
}

/* What the instruction has written so far is taken back. */
static void undo(struct uni_cpu *c)
{
	while (c->undo_count) {
		struct uni_undo *u = &c->undo[--c->undo_count];
		uint8_t *page = uni_memory_page(c->m, c->vtl, u->gpa);

		if (page)
			memcpy(page + u->gpa % UNI_PAGE_SIZE, u->bytes, u->size);
	}
}

/* Before each write. */
static void on_write(uc_engine *uc, uc_mem_type type, uint64_t address, int size, int64_t value,
		     void *opaque)
{
	struct uni_cpu *c = opaque;
	uint8_t *page = uni_memory_page(c->m, c->vtl, address);
	uint32_t room = UNI_PAGE_SIZE - (uint32_t)(address % UNI_PAGE_SIZE);
	struct uni_undo *u = &c->undo[c->undo_count];

	(void)uc;
	(void)type;
	(void)value;
	if (!page || size <= 0 || (uint32_t)size > sizeof(u->bytes))
		return;
	if (c->undo_count == UNI_UNDO_MAX) {
		stop_with_text(c, "an instruction that writes to too many places");
		return;
	}
	u->gpa = address;
	u->size = (uint32_t)size < room ? (uint32_t)size : room;
	memcpy(u->bytes, page + address % UNI_PAGE_SIZE, u->size);
	if ((uint32_t)size > room)
		c->crossing = address + room;
	c->undo_count++;
	if (address < c->m->vmm->ram_size)
		uni_memory_written(c->m, address, c->bit);
}

/* An access to a closed block or to an overlay page without that right. True: it may go on. */
static bool on_denied(uc_engine *uc, uc_mem_type type, uint64_t address, int size, int64_t value,
		      void *opaque)
{
	int is_write = type == UC_MEM_WRITE_PROT;
	uint32_t need = is_write ? HV_MAP_GPA_WRITABLE : HV_MAP_GPA_READABLE;
	struct uni_cpu *c = opaque;
	struct uni_walk w;

	(void)uc;
	(void)size;
	(void)value;
	c->m->counters.asked++;
	if (type == UC_MEM_FETCH_PROT || (uni_memory_rights(c->m, c->vtl, address) & need))
		return true;
	/* The guest's own page tables come first: libunicorn raises that #PF. */
	w = uni_walk(c, address,
		     (is_write ? UNI_PF_WRITE : 0) | (uni_cpl(c) == 3 ? UNI_PF_USER : 0));
	if (w.fault)
		return true;
	undo(c);
	/* libunicorn stores the bytes of such an access one by one, the last one first. */
	if (c->crossing && address / UNI_PAGE_SIZE == c->crossing / UNI_PAGE_SIZE)
		address = c->crossing;
	deny(c, address, is_write ? HV_INTERCEPT_ACCESS_WRITE : HV_INTERCEPT_ACCESS_READ);
	return false;
}

/* Nothing is mapped there: a #PF, or a device that has to be mapped first. */
static bool on_unmapped(uc_engine *uc, uc_mem_type type, uint64_t address, int size, int64_t value,
			void *opaque)
{
	struct uni_cpu *c = opaque;
	uint32_t access = (type == UC_MEM_WRITE_UNMAPPED ? UNI_PF_WRITE : 0) |
			  (type == UC_MEM_FETCH_UNMAPPED ? UNI_PF_FETCH : 0) |
			  (uni_cpl(c) == 3 ? UNI_PF_USER : 0);
	struct uni_walk w = uni_walk(c, address, access);

	(void)uc;
	(void)size;
	(void)value;
	undo(c);
	if (type == UC_MEM_FETCH_UNMAPPED)
		c->rip = address;
	if (w.fault) {
		stop_with_exception(c, &w, address);
	} else if (w.gpa != address) {
		stop_with_text(c, "memory that is not mapped one to one");
	} else if (type == UC_MEM_FETCH_UNMAPPED) {
		stop_with_text(c, "code outside of RAM");
	} else {
		/* Mapped between two runs, not under the feet of libunicorn. */
		c->exit.gpa = address / UNI_PAGE_SIZE * UNI_PAGE_SIZE;
		uni_stop_with(c, UNI_EXIT_RETRY);
	}
	return false;
}

static void on_exception(uc_engine *uc, uint32_t number, void *opaque)
{
	struct uni_cpu *c = opaque;

	(void)uc;
	c->exit.event = (struct vsm_exception){ .vector = (uint8_t)number };
	c->exit.event_raw = 1;
	c->exit.event_rip = uni_reg(c, UC_X86_REG_RIP);
	uni_stop_with(c, UNI_EXIT_EXCEPTION);
}

static bool on_invalid(uc_engine *uc, void *opaque)
{
	on_exception(uc, EXCEPTION_UD, opaque);
	return false;
}

static uint32_t on_in(uc_engine *uc, uint32_t port, int size, void *opaque)
{
	struct uni_cpu *c = opaque;

	(void)uc;
	return devices_port_read(&c->m->vmm->devices, (uint16_t)port, (uint32_t)size);
}

static void on_out(uc_engine *uc, uint32_t port, int size, uint32_t value, void *opaque)
{
	struct uni_cpu *c = opaque;

	(void)uc;
	if (port == UNI_TRAP_PORT && size == 1) {
		uni_stop_with(c, UNI_EXIT_TRAP);
		return;
	}
	devices_port_write(&c->m->vmm->devices, (uint16_t)port, (uint32_t)size, value);
	if (c->m->vmm->devices.done)
		uni_stop_with(c, UNI_EXIT_DONE);
}

static int add_hooks(struct uni_cpu *c)
{
	static const struct {
		int type;
		void (*function)(void);
		int insn;
	} hooks[] = {
		{ UC_HOOK_CODE, (void (*)(void))on_code, 0 },
		{ UC_HOOK_MEM_WRITE, (void (*)(void))on_write, 0 },
		{ UC_HOOK_MEM_PROT, (void (*)(void))on_denied, 0 },
		{ UC_HOOK_MEM_UNMAPPED, (void (*)(void))on_unmapped, 0 },
		{ UC_HOOK_INTR, (void (*)(void))on_exception, 0 },
		{ UC_HOOK_INSN_INVALID, (void (*)(void))on_invalid, 0 },
		{ UC_HOOK_INSN, (void (*)(void))on_in, UC_X86_INS_IN },
		{ UC_HOOK_INSN, (void (*)(void))on_out, UC_X86_INS_OUT },
	};
	uc_hook hook;

	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		/* 1, 0: at all addresses. */
		if (uc_hook_add(c->uc, &hook, hooks[i].type, uni_hook(hooks[i].function), c,
				(uint64_t)1, (uint64_t)0, hooks[i].insn) != UC_ERR_OK)
			return -1;
	}
	return 0;
}

int uni_engine_open(struct uni_cpu *c)
{
	c->code_page = NO_PAGE;
	if (uc_open(UC_ARCH_X86, UC_MODE_64, &c->uc) != UC_ERR_OK)
		return -1;
	/* No address ends a run: only what the hooks find. */
	if (uc_ctl_exits_enable(c->uc) != UC_ERR_OK || uni_memory_map(c) < 0)
		return -1;
	return add_hooks(c) < 0 ? -1 : uni_context_open(c);
}

void uni_engine_close(struct uni_cpu *c)
{
	if (c->context)
		uc_context_free(c->context);
	if (c->uc)
		uc_close(c->uc);
}

static void take_exception(struct uni_cpu *c)
{
	uint32_t vector = c->exit.event.vector;

	c->exit.event_soft = 0;
	if (uni_context_exception(c, &c->exit) < 0) {
		c->exit.kind = UNI_EXIT_HOST;
		c->exit.text = "its registers cannot be read";
		return;
	}
	c->exit.event.has_error_code = !c->exit.event_soft && vector < 32 &&
				       (HAS_ERROR_CODE >> vector & 1);
	if (!c->exit.event.has_error_code)
		c->exit.event.error_code = 0;
	if (vector == EXCEPTION_PF && !c->exit.event_soft) {
		c->exit.event.has_parameter = 1;
		c->exit.event.parameter = uni_reg(c, UC_X86_REG_CR2);
	}
}

void uni_engine_run(struct uni_cpu *c)
{
	uc_err err;

	memset(&c->exit, 0, sizeof(c->exit));
	c->code_page = NO_PAGE;
	c->mbec = vsm_vp_mbec(c->vp->vsm, c->vtl);
	c->m->counters.runs++;
	err = uc_emu_start(c->uc, uni_reg(c, UC_X86_REG_RIP), 0, 0, 0);
	if (c->exit.kind == UNI_EXIT_EXCEPTION && c->exit.event_raw)
		take_exception(c);
	if (c->exit.kind == UNI_EXIT_RETRY && uni_memory_map_device(c, c->exit.gpa) < 0)
		c->exit.kind = UNI_EXIT_NONE;
	if (c->exit.kind == UNI_EXIT_NONE) {
		c->exit.kind = UNI_EXIT_HOST;
		c->exit.text = uc_strerror(err);
	}
}
