/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A machine on libunicorn: each VTL of each VP is an emulated processor of its own, and all of them
 * run in turn on one thread over the same RAM. libunicorn 2.0.1 emulates 64-bit code and takes a
 * virtual address for the physical one (it walks the page tables for their permissions only), so a
 * guest has to map its memory one to one; a code page that is mapped elsewhere ends the run.
 */
#ifndef VMM_UNICORN_MACHINE_H
#define VMM_UNICORN_MACHINE_H

#include <unicorn/unicorn.h>
#include <vsm/vsm.h>

#include "vmm.h"

#define UNI_VTLS	 2u
#define UNI_PAGE_SIZE	 4096u
#define UNI_BLOCK_SIZE	 0x200000u
#define UNI_SPAN_SIZE	 0x4000000u
#define UNI_TRAP_PORT	 0x7eu
#define UNI_QUANTUM	 20000u /* instructions until the next VP has its turn */
#define UNI_UNDO_MAX	 512u
#define UNI_DEVICE_PAGES 32u
#define UNI_OVERLAYS_MAX 64u
#define UNI_INSN_MAX	 15u
#define UNI_STORED_MAX	 16u
#define UNI_SHARED_MAX	 160u
#define UNI_PHYS_BITS	 40u

/* Why the emulation stopped: uni_exit.kind. */
enum uni_exit_kind {
	UNI_EXIT_NONE,
	UNI_EXIT_BUDGET, /* the quantum is spent */
	UNI_EXIT_RETRY, /* the engine had to be changed first: execute the instruction again */
	UNI_EXIT_INSN, /* an instruction that is not left to libunicorn: see unicorn_insn.c */
	UNI_EXIT_TRAP, /* OUT to the trap port */
	UNI_EXIT_DONE, /* the guest wrote to the exit port */
	UNI_EXIT_FAULT, /* an access that the rights deny */
	UNI_EXIT_EXCEPTION, /* of the guest's own */
	UNI_EXIT_SHUTDOWN, /* triple fault */
	UNI_EXIT_HLT,
	UNI_EXIT_HOST, /* libunicorn cannot go on; text says why */
};

struct uni_exit {
	enum uni_exit_kind kind;
	uint64_t gpa; /* FAULT */
	uint8_t access; /* FAULT: HV_INTERCEPT_ACCESS_* */
	uint8_t user; /* FAULT: the access was one of user mode */
	struct vsm_exception event; /* EXCEPTION */
	uint64_t event_rip; /* EXCEPTION: RIP in the frame */
	int event_soft; /* EXCEPTION: INT n */
	int event_raw; /* EXCEPTION: libunicorn's, its details are not there yet */
	const char *text; /* HOST */
};

struct unicorn_machine;
struct uni_vp;

/* One written piece of memory of the instruction that runs, as it was before. */
struct uni_undo {
	uint64_t gpa;
	uint32_t size;
	uint8_t bytes[16];
};

/* A page outside of memory that is mapped because the guest touched it. */
struct uni_device_page {
	struct uni_cpu *cpu;
	uint64_t gpa;
};

/* One VTL of one VP. */
struct uni_cpu {
	struct unicorn_machine *m;
	struct uni_vp *vp;
	uint32_t vtl;
	uint32_t bit; /* of this engine in unicorn_machine.code */
	uc_engine *uc;
	uc_context *context; /* all of its registers, see unicorn_context.c */
	uint64_t stored[UNI_STORED_MAX]; /* registers that libunicorn does not keep */
	struct vsm_exception event; /* op inject_event */
	int has_event;
	struct uni_device_page device_page[UNI_DEVICE_PAGES];
	uint32_t device_pages; /* how many are in use, the first ones */
	uint64_t split; /* spans of RAM that are mapped block by block */

	/* The instruction that runs. */
	uint64_t rip;
	uint32_t length;
	uint32_t budget;
	uint64_t code_page; /* whose execute rights are known, or ~0 */
	const uint8_t *code; /* its bytes */
	int code_by_cpl; /* its execute rights depend on the CPL */
	int mbec; /* user mode needs UX, else KX is for both: vsm_vp_mbec() */
	uint64_t crossing; /* a store goes on at this page, or 0 */
	uint32_t undo_count;
	struct uni_undo undo[UNI_UNDO_MAX];
	struct uni_exit exit;
};

struct uni_vp {
	struct unicorn_machine *m;
	struct vsm_vp *vsm;
	uint32_t index;
	int sleeps; /* BLOCKED, until it is kicked */
	uint64_t open_wrmsr; /* length of a WRMSR that waits for run-prepare, or 0 */
	struct uni_cpu cpu[UNI_VTLS];
};

/* What a VTL sees. */
struct uni_view {
	uint8_t *rights; /* HV_MAP_GPA_* of each page */
	uint16_t *restricted; /* of each block: pages that lack R or W */
	uint8_t *closed; /* of each block: mapped without R and W, each access is asked for */
	struct vsm_overlay overlay[UNI_OVERLAYS_MAX];
	uint32_t overlays;
};

struct uni_counters {
	uint64_t runs, switches, asked, denied, protect_calls, ranges, blocks_closed, code_drops;
};

struct unicorn_machine {
	struct vmm *vmm;
	struct vsm *vsm;
	void *arena;
	size_t arena_size;
	uint64_t pages, blocks;
	struct uni_view view[UNI_VTLS];
	uint32_t *code; /* of each page: engines that may hold translations of its code */
	uint32_t shared[UNI_SHARED_MAX]; /* registers that a switch copies */
	uint32_t shared_count;
	uint32_t vps;
	uint64_t cr4_mask; /* CR4 bits that the guest may set */
	struct uni_vp vp[VMM_VPS_MAX];
	struct uni_counters counters;
};

/* libunicorn takes functions of many types as data pointers, which C does not convert. */
static inline void *uni_hook(void (*function)(void))
{
	union {
		void (*function)(void);
		void *data;
	} u = { .function = function };

	return u.data;
}

#define UNI_HOOK(f) uni_hook((void (*)(void))(f))

/* unicorn_context.c: what the API of libunicorn does not show. */
int uni_context_probe(void);
int uni_context_open(struct uni_cpu *c);
int uni_segment_get(struct uni_cpu *c, uint32_t index, struct hv_segment_register *s);
int uni_segment_set(struct uni_cpu *c, uint32_t index, const struct hv_segment_register *s);
uint64_t uni_efer_get(struct uni_cpu *c);
int uni_efer_set(struct uni_cpu *c, uint64_t efer);
/* Takes the details of the exception that libunicorn has just told of, and forgets it there. */
int uni_context_exception(struct uni_cpu *c, struct uni_exit *e);
#define UNI_SEG_ES 0u
#define UNI_SEG_CS 1u
#define UNI_SEG_SS 2u
#define UNI_SEG_DS 3u
#define UNI_SEG_FS 4u
#define UNI_SEG_GS 5u

/* unicorn_engine.c */
int uni_engine_open(struct uni_cpu *c);
void uni_engine_close(struct uni_cpu *c);
void uni_engine_run(struct uni_cpu *c);
uint64_t uni_reg(struct uni_cpu *c, int reg);
void uni_reg_put(struct uni_cpu *c, int reg, uint64_t value);
uint32_t uni_cpl(struct uni_cpu *c);
void uni_stop_with(struct uni_cpu *c, enum uni_exit_kind kind);
/* Bytes of the instruction at RIP, at most 15; how many. */
uint32_t uni_insn_bytes(struct uni_cpu *c, uint64_t rip, uint8_t bytes[UNI_INSN_MAX]);

/* unicorn_memory.c */
int uni_memory_open(struct unicorn_machine *m);
void uni_memory_close(struct unicorn_machine *m);
int uni_memory_map(struct uni_cpu *c);
/* Adds the RAM that is still to come. -VSM_ERR_STATE: the engines do not have all of it. */
int uni_memory_plug(struct unicorn_machine *m);
/* Maps a page outside of memory, and takes all of them away. */
int uni_memory_map_device(struct uni_cpu *c, uint64_t gpa);
int uni_memory_unmap_devices(struct uni_cpu *c);
/* The page that a VTL sees there, or NULL: no memory. */
uint8_t *uni_memory_page(struct unicorn_machine *m, uint32_t vtl, uint64_t gpa);
/* HV_MAP_GPA_* that a VTL has there; 0 outside of memory. */
uint32_t uni_memory_rights(const struct unicorn_machine *m, uint32_t vtl, uint64_t gpa);
int uni_memory_is_overlay(const struct unicorn_machine *m, uint32_t vtl, uint64_t gpa);
int uni_memory_protect(struct unicorn_machine *m, const struct vsm_protect_range *range);
int uni_memory_overlay(struct unicorn_machine *m, const struct vsm_overlay *overlay);
/* The page was written by the engine `bit`, or by none: others drop its code. */
void uni_memory_written(struct unicorn_machine *m, uint64_t gpa, uint32_t bit);

/* unicorn_walk.c: the guest's page tables, for what libunicorn does not do itself. */
struct uni_walk {
	uint64_t gpa;
	uint32_t error; /* of the #PF, if there is one */
	int fault; /* 0, or the vector: 14, 13 */
};
#define UNI_PF_PRESENT 0x01u
#define UNI_PF_WRITE   0x02u
#define UNI_PF_USER    0x04u
#define UNI_PF_RSVD    0x08u
#define UNI_PF_FETCH   0x10u
/* `access`: UNI_PF_WRITE, _USER and _FETCH of the access. */
struct uni_walk uni_walk(struct uni_cpu *c, uint64_t gva, uint32_t access);
/* An access of the processor itself, at CPL 0. 0, or -1 and c->exit says why. */
int uni_system_access(struct uni_cpu *c, uint64_t gva, void *data, uint32_t size, int is_write);

/* unicorn_regs.c */
int uni_regs_get(struct uni_cpu *c, struct vsm_reg *regs, uint32_t count);
int uni_regs_set(struct uni_cpu *c, const struct vsm_reg *regs, uint32_t count);
void uni_regs_list_shared(struct unicorn_machine *m);
void uni_regs_carry(struct uni_cpu *from, struct uni_cpu *to);
/* A 64-bit register that libunicorn keeps or unicorn_machine does; 0 if there is none. */
int uni_reg_by_name(struct uni_cpu *c, uint32_t name, uint64_t *value, int is_write);

/* unicorn_event.c: raises an exception in the guest; c->exit says why it could not. */
int uni_event_raise(struct uni_cpu *c, const struct vsm_exception *event, uint64_t rip, int soft);

/* unicorn_insn.c */
int uni_insn_is_prefix(uint8_t byte);
int uni_insn_is_ours(struct uni_cpu *c, const uint8_t *bytes);
/* Executes the instruction at c->rip. A verdict of libvsm, or an error. */
int uni_insn_execute(struct uni_cpu *c);
/* The WRMSR that waited has its verdict: it is over. */
void uni_insn_skip(struct uni_cpu *c, uint64_t length);

/* unicorn_ops.c */
extern const struct vsm_host_ops uni_ops;
uint64_t uni_tsc(void *opaque);
#define UNI_TSC_HZ 1000000000u

#endif
