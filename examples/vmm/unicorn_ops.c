/* SPDX-License-Identifier: BSD-3-Clause */
/* The host operations of the machine on libunicorn. All of them run on its only thread. */
#include <string.h>
#include <sys/mman.h>

#include "decode.h"
#include "unicorn_machine.h"

static int regs_get(void *vp, uint32_t vtl, uint32_t groups, struct vsm_reg *regs, uint32_t count)
{
	(void)groups;
	return uni_regs_get(&((struct uni_vp *)vp)->cpu[vtl], regs, count);
}

static int regs_set(void *vp, uint32_t vtl, uint32_t groups, const struct vsm_reg *regs,
		    uint32_t count)
{
	(void)groups;
	return uni_regs_set(&((struct uni_vp *)vp)->cpu[vtl], regs, count);
}

static int xmm_get(void *vp, uint32_t vtl, struct vsm_xmm_block *block)
{
	struct uni_cpu *c = &((struct uni_vp *)vp)->cpu[vtl];

	for (int i = 0; i < 6; i++)
		uc_reg_read(c->uc, UC_X86_REG_XMM0 + i, block->bytes + 16 * i);
	return 0;
}

static int xmm_set(void *vp, uint32_t vtl, const struct vsm_xmm_block *block)
{
	struct uni_cpu *c = &((struct uni_vp *)vp)->cpu[vtl];

	for (int i = 0; i < 6; i++)
		uc_reg_write(c->uc, UC_X86_REG_XMM0 + i, block->bytes + 16 * i);
	return 0;
}

/* Replicated: the private registers stay in their engine. */
static int switch_vtl(void *vp, uint32_t from, uint32_t to, uint32_t phase)
{
	struct uni_vp *v = vp;

	if (phase == VSM_SWITCH_PREPARE) {
		uni_regs_carry(&v->cpu[from], &v->cpu[to]);
		v->m->counters.switches++;
	}
	return 0;
}

static int gpa_read(void *opaque, uint64_t gpa, void *buf, uint32_t len)
{
	memcpy(buf, ((struct unicorn_machine *)opaque)->vmm->ram + gpa, len);
	return 0;
}

static int gpa_write(void *opaque, uint64_t gpa, const void *buf, uint32_t len)
{
	struct unicorn_machine *m = opaque;

	memcpy(m->vmm->ram + gpa, buf, len);
	uni_memory_written(m, gpa, 0);
	return 0;
}

static void *overlay_arena(void *opaque, size_t bytes)
{
	struct unicorn_machine *m = opaque;
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	m->arena = p;
	m->arena_size = bytes;
	return p;
}

static int overlay_map(void *opaque, const struct vsm_overlay *overlay, uint64_t token)
{
	(void)token;
	return uni_memory_overlay(opaque, overlay);
}

static int protect(void *opaque, const struct vsm_protect_range *ranges, uint32_t count,
		   uint32_t *done, uint64_t token)
{
	struct unicorn_machine *m = opaque;
	int r = 0;

	(void)token;
	m->counters.protect_calls++;
	for (*done = 0; *done < count; ++*done) {
		r = uni_memory_protect(m, &ranges[*done]);
		if (r < 0)
			return r;
		m->counters.ranges++;
	}
	return 0;
}

/* Rights are asked for at each access, so nothing stale has to be dropped for `protect`. */
static int tlb_flush(void *opaque, uint32_t vtl, uint32_t vp, uint64_t token)
{
	struct unicorn_machine *m = opaque;

	(void)token;
	for (uint32_t i = 0; i < m->vps; i++) {
		struct uni_cpu *c = &m->vp[i].cpu[vtl];

		/* Writing CR3 drops what libunicorn has looked up (SDM vol. 3A 4.10.4.1). */
		if (vp == VSM_ALL_VPS || vp == i)
			uni_reg_put(c, UC_X86_REG_CR3, uni_reg(c, UC_X86_REG_CR3));
	}
	return 0;
}

/* Nobody runs while somebody else kicks: the VP has its turn after this one's. */
static void kick(void *vp)
{
	((struct uni_vp *)vp)->sleeps = 0;
}

static int inject_event(void *vp, uint32_t vtl, const struct vsm_exception *event)
{
	struct uni_cpu *c = &((struct uni_vp *)vp)->cpu[vtl];

	c->has_event = event != NULL;
	if (event)
		c->event = *event;
	return 0;
}

static uint64_t tsc_hz(void *opaque)
{
	(void)opaque;
	return UNI_TSC_HZ;
}

static void log_line(void *opaque, int32_t level, const char *line)
{
	(void)opaque;
	vmm_log(level, line);
}

const struct vsm_host_ops uni_ops = {
	.size = sizeof(struct vsm_host_ops),
	.regs_get = regs_get,
	.regs_set = regs_set,
	.xmm_get = xmm_get,
	.xmm_set = xmm_set,
	.switch_vtl = switch_vtl,
	.gpa_read = gpa_read,
	.gpa_write = gpa_write,
	.overlay_arena = overlay_arena,
	.overlay_map = overlay_map,
	.protect = protect,
	.tlb_flush = tlb_flush,
	.kick = kick,
	.inject_event = inject_event,
	.tsc = uni_tsc,
	.tsc_hz = tsc_hz,
	.log = log_line,
#ifdef HAVE_ZYDIS
	.insn_decode = decode_length,
#endif
};
