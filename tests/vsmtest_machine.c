/* SPDX-License-Identifier: BSD-3-Clause */
/* The fake host's life, its watched entries into the library, and its state hash. */
#include <stdlib.h>
#include <string.h>

#include "vsmtest_internal.h"

#define POISON 0xa5a5a5a5a5a5a5a5ull

void vsmtest_opts_init(struct vsmtest_opts *opts)
{
	uint32_t i;

	memset(opts, 0, sizeof(*opts));
	vsm_config_init(&opts->config);
	/* Masks 0, R, RW, RX, RWX: all that are legal without mode-based execute control. */
	opts->config.enforceable = 0xa00b;
	opts->vps = 1;
	opts->tsc_hz = 2500000000ull;
	vsmtest_model_from_env(&opts->model);
	for (i = 0; i < VSMTEST_MAX_VPS; i++) {
		opts->vp_index[i] = i;
		opts->apic_id[i] = 0x10 + 2 * i;
	}
}

static uint32_t table_rows(void)
{
	struct vsm_register_info info = { .size = sizeof(info) };
	uint32_t n = 0;

	while (!vsm_register_at(n, &info))
		n++;
	return n;
}

static void load_table(struct vsmtest *t)
{
	uint32_t i;

	t->rows = table_rows();
	t->row = calloc(t->rows + 1u, sizeof(*t->row));
	for (i = 0; i < t->rows; i++) {
		t->row[i].size = sizeof(t->row[i]);
		vsm_register_at(i, &t->row[i]);
	}
}

static void set_segment(struct vsmtest *t, uint32_t vp, uint32_t vtl, uint32_t name,
			uint16_t selector, uint16_t attributes)
{
	struct hv_register_value *slot = vsmtest_slot(t, vp, vtl, name);
	struct hv_segment_register segment = { .limit = 0xffffffff,
					       .selector = selector,
					       .attributes = attributes };

	if (slot)
		memcpy(slot, &segment, sizeof(segment));
}

/* VTL0 as an operating system runs: 64-bit, ring 0. */
static void start_vtl0(struct vsmtest *t, uint32_t vp)
{
	static const struct {
		uint32_t name;
		uint64_t value;
	} start[] = {
		{ HV_X64_REGISTER_RFLAGS, 0x202 },
		{ HV_X64_REGISTER_RSP, 0x9000 },
		{ HV_X64_REGISTER_CR0, 0x80050033 },
		{ HV_X64_REGISTER_CR3, 0x1000 },
		{ HV_X64_REGISTER_CR4, 0x6a0 },
		{ HV_X64_REGISTER_EFER, 0xd01 },
		{ HV_X64_REGISTER_CR2, 0x1234000 },
		{ HV_X64_REGISTER_XFEM, 7 },
		{ HV_X64_REGISTER_DR6, 0xffff0ff0 },
		{ HV_X64_REGISTER_DR7, 0x400 },
		{ HV_X64_REGISTER_PAT, 0x0007040600070406 },
		{ HV_X64_REGISTER_LSTAR, 0xffffffff81000000 },
		{ HV_X64_REGISTER_RBX, 0xb0b0 },
		{ HV_X64_REGISTER_RSI, 0x515151 },
		{ HV_X64_REGISTER_RDI, 0xd1d1d1 },
		{ HV_X64_REGISTER_R15, 0xf15 },
		{ HV_X64_REGISTER_RBP, 0xb9b9 },
	};
	uint32_t i;

	vsmtest_files_reset(&t->vp[vp], 0);
	for (i = 0; i < sizeof(start) / sizeof(start[0]); i++)
		vsmtest_reg_set(t, vp, 0, start[i].name, start[i].value);
	set_segment(t, vp, 0, HV_X64_REGISTER_CS, 0x10, 0xa09b);
	set_segment(t, vp, 0, HV_X64_REGISTER_SS, 0x18, 0xc093);
	set_segment(t, vp, 0, HV_X64_REGISTER_DS, 0x18, 0xc093);
	set_segment(t, vp, 0, HV_X64_REGISTER_ES, 0x18, 0xc093);
	set_segment(t, vp, 0, HV_X64_REGISTER_FS, 0, 0xc093);
	set_segment(t, vp, 0, HV_X64_REGISTER_GS, 0, 0xc093);
	set_segment(t, vp, 0, HV_X64_REGISTER_TR, 0x40, 0x8b);
	set_segment(t, vp, 0, HV_X64_REGISTER_LDTR, 0, 0x82);
	for (i = 0; i < 6; i++) {
		struct hv_register_value *xmm = vsmtest_slot(t, vp, 0, HV_X64_REGISTER_XMM0 + i);

		xmm->low = 0x1000 + i;
		xmm->high = 0x2000 + i;
	}
}

static void make_vp(struct vsmtest *t, uint32_t slot)
{
	struct vsmtest_vp *vp = &t->vp[slot];

	vp->t = t;
	vp->slot = slot;
	vsmtest_files_alloc(vp);
	start_vtl0(t, slot);
}

struct vsmtest *vsmtest_alloc(const struct vsmtest_opts *opts)
{
	struct vsmtest *t = calloc(1, sizeof(*t));
	uint32_t i;

	if (!t)
		return NULL;
	if (opts)
		t->opts = *opts;
	else
		vsmtest_opts_init(&t->opts);
	pthread_mutex_init(&t->lock, NULL);
	t->missing_reg = ~0u;
	t->refused_reg = ~0u;
	t->trap_len = 3;
	t->tsc = 1000000;
	load_table(t);
	t->ram[0] = calloc(1, VSMTEST_RAM0_SIZE);
	t->ram[1] = calloc(1, VSMTEST_RAM1_SIZE);
	t->ram[2] = calloc(1, VSMTEST_HOT_SIZE);
	for (i = 0; i <= t->opts.config.max_vtl && i <= VSM_VTL_MAX; i++) {
		t->view[i] = malloc(VSMTEST_PAGES + VSMTEST_HOT_PAGES);
		memset(t->view[i], VSM_RIGHTS_ALL, VSMTEST_PAGES + VSMTEST_HOT_PAGES);
	}
	for (i = 0; i < t->opts.vps; i++)
		make_vp(t, i);
	return t;
}

static int create_vps(struct vsmtest *t)
{
	uint32_t i;
	int err;

	for (i = 0; i < t->opts.vps; i++) {
		struct vsm_vp_config config = {
			.size = sizeof(config),
			.index = t->opts.vp_index[i],
			.apic_id = t->opts.apic_id[i],
			.opaque = &t->vp[i],
			.flags = t->opts.waiting >> i & 1 ? VSM_VP_WAIT_FOR_STARTUP : 0,
		};

		err = vsm_vp_create(t->vsm, &config, &t->vp[i].vp);
		if (err)
			return err;
		t->vps = i + 1;
	}
	return 0;
}

static int add_hot_pages(struct vsmtest *t)
{
	uint32_t page = 0, end;
	int err = 0;

	for (; page < VSMTEST_HOT_PAGES && !err; page = end + 1) {
		for (end = page; end < VSMTEST_HOT_PAGES && t->opts.hot_pages >> end & 1; end++)
			;
		if (end != page)
			err = vsm_ram_add(t->vsm, VSMTEST_HOT_GPA + page * (uint64_t)VSMTEST_PAGE,
					  (end - page) * (uint64_t)VSMTEST_PAGE);
	}
	return err;
}

int vsmtest_create(struct vsmtest *t)
{
	struct vsm_host_ops ops;
	int err;

	vsmtest_ops(t, &ops);
	if (t->opts.vps > t->opts.config.max_vps)
		t->opts.config.max_vps = t->opts.vps;
	t->may_allocate = 1;
	t->dead = 0;
	err = vsm_partition_create(&t->opts.config, &ops, t, &t->vsm);
	if (!err)
		err = vsm_ram_add(t->vsm, VSMTEST_RAM1_GPA, VSMTEST_RAM1_SIZE);
	if (!err)
		err = vsm_ram_add(t->vsm, VSMTEST_RAM0_GPA, VSMTEST_RAM0_SIZE);
	if (!err)
		err = add_hot_pages(t);
	if (!err)
		err = vsm_partition_realise(t->vsm);
	if (!err)
		err = create_vps(t);
	t->may_allocate = 0;
	return err;
}

void vsmtest_destroy(struct vsmtest *t)
{
	if (!t->vsm)
		return;
	vsm_partition_destroy(t->vsm);
	t->vsm = NULL;
	t->vps = 0;
	t->dead = 1;
	memset(t->overlay, 0, sizeof(t->overlay));
	if (t->live)
		vsmtest_breach(t, "%u blocks of %llu bytes leaked", t->live,
			       (unsigned long long)t->live_bytes);
}

void vsmtest_report(struct vsmtest *t)
{
	if (!t->breached)
		return;
	t->breached = 0;
	vsmtest_on_failure(t->breach);
}

void vsmtest_free(struct vsmtest *t)
{
	uint32_t i;

	vsmtest_destroy(t);
	vsmtest_report(t);
	for (i = 0; i < VSMTEST_MAX_VPS; i++)
		vsmtest_files_free(&t->vp[i]);
	for (i = 0; i <= VSM_VTL_MAX; i++)
		free(t->view[i]);
	free(t->arena);
	free(t->ram[0]);
	free(t->ram[1]);
	free(t->ram[2]);
	free(t->row);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

uint64_t vsmtest_reg(struct vsmtest *t, uint32_t vp, uint32_t vtl, uint32_t name)
{
	const struct hv_register_value *slot = vsmtest_slot(t, vp, vtl, name);

	return slot ? slot->low : POISON;
}

void vsmtest_reg_set(struct vsmtest *t, uint32_t vp, uint32_t vtl, uint32_t name, uint64_t value)
{
	struct hv_register_value *slot = vsmtest_slot(t, vp, vtl, name);

	if (slot) {
		slot->low = value;
		slot->high = 0;
	}
}

uint8_t *vsmtest_see(struct vsmtest *t, uint32_t vtl, uint64_t gpa)
{
	const struct vsm_overlay *overlay = vsmtest_overlay(t, vtl, gpa);

	if (overlay)
		return (uint8_t *)overlay->page + gpa % VSMTEST_PAGE;
	return vsmtest_ram(t, gpa);
}

uint32_t vsmtest_overlays(struct vsmtest *t, uint32_t vtl)
{
	uint32_t i, n = 0;

	for (i = 0; i < VSMTEST_MAX_OVERLAYS; i++)
		n += t->overlay[i].page && t->overlay[i].vtl == vtl;
	return n;
}

uint32_t vsmtest_view(struct vsmtest *t, uint32_t vtl, uint64_t gpa)
{
	int page = vsmtest_page(gpa);

	return page < 0 ? 0 : t->view[vtl][page];
}

void vsmtest_fail_op(struct vsmtest *t, enum vsmtest_op op, uint32_t at, uint32_t times,
		     int32_t result)
{
	t->fault[op].at = at;
	t->fault[op].times = times;
	t->fault[op].result = result;
	t->fault[op].done = 0;
}

void vsmtest_no_faults(struct vsmtest *t)
{
	memset(t->fault, 0, sizeof(t->fault));
	t->fault_any = 0;
}

uint32_t vsmtest_calls_since(const struct vsmtest *t, uint32_t since, enum vsmtest_op op)
{
	uint32_t i, n = 0;

	for (i = since; i != t->calls; i++)
		n += t->call[i % VSMTEST_MAX_CALLS].op == (uint32_t)op;
	return n;
}

int vsmtest_logged(const struct vsmtest *t, const char *text)
{
	uint32_t i, n = t->lines < VSMTEST_MAX_LINES ? t->lines : VSMTEST_MAX_LINES;

	for (i = 0; i < n; i++)
		if (strstr(t->line[i], text))
			return 1;
	return 0;
}

static uint64_t page_gpa(uint32_t page)
{
	uint64_t gpa = (uint64_t)page * VSMTEST_PAGE;

	if (page >= VSMTEST_PAGES)
		return VSMTEST_HOT_GPA + gpa - (uint64_t)VSMTEST_PAGES * VSMTEST_PAGE;
	return gpa < VSMTEST_RAM0_SIZE ? gpa : gpa + VSMTEST_RAM1_GPA - VSMTEST_RAM0_SIZE;
}

/* I4 of doc/hostile-cases.md: what is enforced is what the table says, whenever a VP may run. */
static void check_views(struct vsmtest *t)
{
	uint32_t vtl, page, rights;

	if (t->relaxed || (t->opts.config.flags & VSM_CONFIG_ACCEPT_UNENFORCED_EXECUTE) ||
	    t->pending[VSMTEST_PROTECT].active)
		return;
	for (vtl = 0; vtl <= t->opts.config.max_vtl; vtl++)
		for (page = 0; page < VSMTEST_PAGES + VSMTEST_HOT_PAGES; page++) {
			uint64_t gpa = page_gpa(page);
			int err = vsm_gpa_rights(t->vsm, vtl, gpa, &rights);

			if (err && page >= VSMTEST_PAGES)
				continue; /* Not added. */
			if (err || rights != t->view[vtl][page]) {
				vsmtest_breach(t, "VTL %u at %llx: table %x, host %x", vtl,
					       (unsigned long long)gpa, rights, t->view[vtl][page]);
				return;
			}
		}
}

static void check_flushed(struct vsmtest *t)
{
	uint32_t vtl;

	if (t->relaxed || (t->opts.config.host_flags & VSM_HOST_PROTECT_FLUSHES) ||
	    t->pending[VSMTEST_TLB_FLUSH].active || t->pending[VSMTEST_PROTECT].active)
		return;
	for (vtl = 0; vtl <= t->opts.config.max_vtl; vtl++)
		if (t->stale[vtl])
			vsmtest_breach(t, "VTL %u lost rights, but its translations live", vtl);
}

void vsmtest_entry_begin(struct vsmtest *t, uint32_t vp)
{
	struct vsmtest_entry *entry = vsmtest_entry();

	entry->t = t;
	entry->vp = vp;
	entry->reads = 0;
	if (vp < VSMTEST_MAX_VPS)
		entry->before = vsm_vp_active_vtl(t->vp[vp].vp);
}

static void check_verdict(struct vsmtest *t, uint32_t slot, int verdict)
{
	struct vsmtest_vp *vp = &t->vp[slot];
	uint32_t active = vsm_vp_active_vtl(vp->vp);
	struct vsm_exception exception;
	int err = vsm_vp_exception(vp->vp, &exception);

	if (verdict > VSM_VERDICT_NOT_MINE || verdict < -VSM_ERR_BUSY)
		vsmtest_breach(t, "verdict %d", verdict);
	if (active != vsmtest_entry()->before && verdict != VSM_VERDICT_SWITCHED)
		vsmtest_breach(t, "VTL %u became active with verdict %d", active, verdict);
	if (active != vp->active)
		vsmtest_breach(t, "VTL %u is active, but the host runs %u", active, vp->active);
	if (vp->switching)
		vsmtest_breach(t, "a VTL switch was left between PREPARE and COMMIT");
	if (verdict == VSM_VERDICT_EXCEPTION &&
	    (err || exception.vector > 31 || exception.reserved))
		vsmtest_breach(t, "no exception for VSM_VERDICT_EXCEPTION");
	if (verdict >= 0 && verdict != VSM_VERDICT_EXCEPTION && err != -VSM_ERR_NOTFOUND)
		vsmtest_breach(t, "an exception without VSM_VERDICT_EXCEPTION");
}

int vsmtest_entry_end(struct vsmtest *t, int verdict)
{
	struct vsmtest_entry *entry = vsmtest_entry();

	if (entry->vp < VSMTEST_MAX_VPS)
		check_verdict(t, entry->vp, verdict);
	if (!t->quiet)
		check_views(t);
	/* The entries of vsmtest_hash() let no guest run. */
	if (!t->quiet && verdict >= 0 && verdict != VSM_VERDICT_BLOCKED)
		check_flushed(t);
	entry->t = NULL;
	if (!t->threads)
		t->verdict = verdict;
	vsmtest_report(t);
	return verdict;
}

int vsmtest_prepare(struct vsmtest *t, uint32_t vp)
{
	vsmtest_entry_begin(t, vp);
	return vsmtest_entry_end(t, vsm_vp_run_prepare(t->vp[vp].vp));
}

int vsmtest_trap(struct vsmtest *t, uint32_t vp, uint64_t rip, uint32_t len)
{
	vsmtest_entry_begin(t, vp);
	return vsmtest_entry_end(t, vsm_vp_hypercall(t->vp[vp].vp, rip, len));
}

int vsmtest_rdmsr(struct vsmtest *t, uint32_t vp, uint32_t msr, uint64_t *value)
{
	vsmtest_entry_begin(t, vp);
	return vsmtest_entry_end(t, vsm_vp_rdmsr(t->vp[vp].vp, msr, value));
}

int vsmtest_wrmsr(struct vsmtest *t, uint32_t vp, uint32_t msr, uint64_t value)
{
	vsmtest_entry_begin(t, vp);
	return vsmtest_entry_end(t, vsm_vp_wrmsr(t->vp[vp].vp, msr, value));
}

int vsmtest_cpuid(struct vsmtest *t, uint32_t vp, uint32_t leaf, struct vsm_cpuid *out)
{
	vsmtest_entry_begin(t, vp);
	return vsmtest_entry_end(t, vsm_vp_cpuid(t->vp[vp].vp, leaf, 0, out));
}

int vsmtest_memory_fault(struct vsmtest *t, uint32_t vp, const struct vsm_memory_fault *fault)
{
	vsmtest_entry_begin(t, vp);
	return vsmtest_entry_end(t, vsm_vp_memory_fault(t->vp[vp].vp, fault));
}

int vsmtest_gpa_read(struct vsmtest *t, uint32_t index, uint32_t vtl, uint64_t gpa, void *buf,
		     uint64_t len)
{
	vsmtest_entry_begin(t, VSMTEST_ENTRY_DEVICE);
	vsmtest_entry()->before = vtl;
	return vsmtest_entry_end(t, vsm_gpa_read(t->vsm, index, vtl, gpa, buf, len));
}

int vsmtest_gpa_write(struct vsmtest *t, uint32_t index, uint32_t vtl, uint64_t gpa,
		      const void *buf, uint64_t len)
{
	vsmtest_entry_begin(t, VSMTEST_ENTRY_DEVICE);
	vsmtest_entry()->before = vtl;
	return vsmtest_entry_end(t, vsm_gpa_write(t->vsm, index, vtl, gpa, buf, len));
}

int vsmtest_reset(struct vsmtest *t)
{
	uint32_t i;
	int err;

	vsmtest_entry_begin(t, VSMTEST_ENTRY_PARTITION);
	err = vsm_partition_reset(t->vsm);
	/* What a VMM does around a reset: its own registers are its own business. */
	for (i = 0; !err && i < t->vps; i++)
		start_vtl0(t, i);
	return vsmtest_entry_end(t, err);
}

int vsmtest_hot_add(struct vsmtest *t, uint64_t gpa, uint64_t size)
{
	uint32_t vtl;
	int err;

	vsmtest_entry_begin(t, VSMTEST_ENTRY_PARTITION);
	t->may_allocate = 1;
	t->hot_gpa = gpa;
	t->hot_end = gpa + size;
	err = vsm_ram_hot_add(t->vsm, gpa, size);
	t->hot_gpa = t->hot_end = 0;
	t->may_allocate = 0;
	/* Not -VSM_ERR_BUSY, -VSM_ERR_EXISTS: then the host was not asked. */
	for (vtl = 0;
	     (err == -VSM_ERR_HOST || err == -VSM_ERR_NOMEM) && vtl <= t->opts.config.max_vtl;
	     vtl++)
		memset(&t->view[vtl][vsmtest_page(gpa)], VSM_RIGHTS_ALL, size / VSMTEST_PAGE);
	return vsmtest_entry_end(t, err);
}

/* FNV-1a over 64-bit words, with a rotation so that zeroes count. */
static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x100000001b3ull;
	return hash << 17 | hash >> 47;
}

static uint64_t mix_bytes(uint64_t hash, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	uint64_t word;
	size_t i;

	for (i = 0; i + 8 <= len; i += 8) {
		memcpy(&word, p + i, 8);
		hash = mix(hash, word);
	}
	for (; i < len; i++)
		hash = mix(hash, p[i]);
	return hash;
}

static uint64_t hash_vtl(struct vsmtest_vp *vp, uint32_t vtl, uint64_t hash)
{
	const struct vsmtest_file *private = vsmtest_file_of(vp, vtl, 0);
	const struct vsmtest_file *shared = vsmtest_file_of(vp, vtl, 1);
	struct vsmtest *t = vp->t;
	uint32_t i;

	/* A VTL that was never enabled has no state, and stale copies of shared registers are
	 * nobody's. */
	for (i = 0; i < t->rows && vsm_vp_enabled_vtls(vp->vp) >> vtl & 1; i++) {
		if (!vsmtest_row_shared(t, &t->row[i]))
			hash = mix_bytes(hash, &private->values[i], sizeof(private->values[i]));
		else if (vtl == vp->active)
			hash = mix_bytes(hash, &shared->values[i], sizeof(shared->values[i]));
	}
	if (vtl == vp->active)
		hash = mix_bytes(hash, shared->xmm, sizeof(shared->xmm));
	if (vsm_vp_enabled_vtls(vp->vp) >> vtl & 1)
		hash = mix_bytes(hash, &private->hidden, sizeof(private->hidden));
	hash = mix(hash, private->has_event);
	return mix_bytes(hash, &private->event, sizeof(private->event));
}

static uint64_t hash_files(struct vsmtest *t, uint64_t hash)
{
	uint32_t slot, vtl;

	for (slot = 0; slot < t->vps; slot++) {
		struct vsmtest_vp *vp = &t->vp[slot];

		hash = mix(hash, vp->active);
		for (vtl = 0; vtl <= t->opts.config.max_vtl; vtl++)
			hash = hash_vtl(vp, vtl, hash);
	}
	return hash;
}

static uint64_t hash_memory(struct vsmtest *t, uint64_t hash)
{
	uint64_t overlays = 0;
	uint32_t i;

	hash = mix_bytes(hash, t->ram[0], VSMTEST_RAM0_SIZE);
	hash = mix_bytes(hash, t->ram[1], VSMTEST_RAM1_SIZE);
	hash = mix_bytes(hash, t->ram[2], VSMTEST_HOT_SIZE);
	for (i = 0; i <= t->opts.config.max_vtl; i++)
		hash = mix_bytes(hash, t->view[i], VSMTEST_PAGES + VSMTEST_HOT_PAGES);
	/* The slots of the table of overlays have no order. */
	for (i = 0; i < VSMTEST_MAX_OVERLAYS; i++) {
		const struct vsm_overlay *overlay = &t->overlay[i];
		uint64_t one;

		if (!overlay->page)
			continue;
		one = mix(mix(mix(1, overlay->gpa), overlay->vtl), overlay->rights);
		overlays += mix_bytes(mix(one, overlay->vp), overlay->page, VSMTEST_PAGE);
	}
	return mix(hash, overlays);
}

/* One VSM register by a fast GetVpRegisters, which leaves guest memory alone. */
static uint64_t hash_vsm_register(struct vsmtest *t, uint32_t slot, uint32_t vtl, uint32_t name)
{
	struct vsmtest_vp *vp = &t->vp[slot];
	struct vsmtest_file *file = vsmtest_file_of(vp, vp->active, 0);
	uint32_t active = vp->active;
	int verdict;

	vsmtest_reg_set(t, slot, active, HV_X64_REGISTER_CR0, 0x80050033);
	vsmtest_reg_set(t, slot, active, HV_X64_REGISTER_CR4, 0x6a0);
	vsmtest_reg_set(t, slot, active, HV_X64_REGISTER_EFER, 0xd01);
	vsmtest_reg_set(t, slot, active, HV_X64_REGISTER_RFLAGS, 0x2);
	set_segment(t, slot, active, HV_X64_REGISTER_CS, 0x10, 0xa09b);
	set_segment(t, slot, active, HV_X64_REGISTER_SS, 0x18, 0xc093);
	vsmtest_reg_set(t, slot, active, HV_X64_REGISTER_RCX,
			HVCALL_GET_VP_REGISTERS | HV_HYPERCALL_FAST |
				1ull << HV_HYPERCALL_REP_COUNT_SHIFT);
	vsmtest_reg_set(t, slot, active, HV_X64_REGISTER_RDX, HV_PARTITION_ID_SELF);
	vsmtest_reg_set(t, slot, active, HV_X64_REGISTER_R8,
			HV_VP_INDEX_SELF | (uint64_t)(HV_INPUT_VTL_USE_TARGET_VTL | vtl) << 32);
	file->xmm[0].low = name;
	file->xmm[0].high = 0;
	file->xmm[1].low = file->xmm[1].high = 0;
	vsmtest_entry_begin(t, slot);
	verdict = vsm_vp_hypercall(vp->vp, VSMTEST_TRAP_RIP, 3);
	vsmtest_entry_end(t, verdict);
	if (verdict != VSM_VERDICT_RESUME)
		return mix(1, (uint64_t)(int64_t)verdict);
	return mix(mix(vsmtest_reg(t, slot, active, HV_X64_REGISTER_RAX), file->xmm[1].low),
		   file->xmm[1].high);
}

static uint64_t hash_library_vp(struct vsmtest *t, uint32_t slot, uint64_t hash)
{
	static const uint32_t names[] = {
		HV_REGISTER_VSM_PARTITION_STATUS,
		HV_REGISTER_VSM_VP_STATUS,
		HV_REGISTER_VSM_PARTITION_CONFIG,
		HV_REGISTER_VP_ASSIST_PAGE,
		HV_REGISTER_SIMP,
		HV_REGISTER_SIEFP,
		HV_REGISTER_SINT0,
		HV_REGISTER_SCONTROL,
	};
	struct vsmtest_vp *vp = &t->vp[slot];
	struct vsmtest_file *file = vsmtest_file_of(vp, vp->active, 0);
	size_t bytes = (t->rows + 1u) * sizeof(struct hv_register_value);
	struct hv_register_value xmm[6], *values = malloc(bytes);
	uint32_t msr, i, vtl;
	uint64_t value;

	hash = mix(hash, vsm_vp_enabled_vtls(vp->vp));
	for (msr = 0x40000000; msr <= HV_X64_MSR_CRASH_CTL; msr++) {
		if (msr == HV_X64_MSR_TIME_REF_COUNT)
			continue;
		value = 0;
		hash = mix(hash, (uint64_t)vsmtest_rdmsr(t, slot, msr, &value));
		hash = mix(hash, value);
	}
	memcpy(xmm, file->xmm, sizeof(xmm));
	memcpy(values, file->values, bytes);
	for (vtl = 0; vtl <= vp->active; vtl++)
		for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			hash = mix(hash, hash_vsm_register(t, slot, vtl, names[i]));
			memcpy(file->values, values, bytes);
			memcpy(file->xmm, xmm, sizeof(xmm));
		}
	free(values);
	return hash;
}

uint64_t vsmtest_hash(struct vsmtest *t)
{
	uint64_t hash = 0xcbf29ce484222325ull;
	int32_t verdict = t->verdict;
	uint32_t slot;

	t->quiet++;
	hash = hash_files(t, hash);
	hash = hash_memory(t, hash);
	for (slot = 0; slot < t->vps; slot++)
		hash = hash_library_vp(t, slot, hash);
	t->quiet--;
	t->verdict = verdict;
	return hash;
}
