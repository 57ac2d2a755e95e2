/* SPDX-License-Identifier: BSD-3-Clause */
/* From a probe to a machine, a trap and an outcome. */
#include <stdio.h>
#include <stdlib.h>

#include "status.h"

#define GARBAGE	 0xdeadbeef00000000ull
#define VPS	 2u
#define UNKNOWN	 0x7fffu
#define OUT_FILL 0xee

uint16_t probe_code(const struct probe *p)
{
	return (uint16_t)(p->control & HV_HYPERCALL_CODE_MASK);
}

struct vsm_hypercall_info probe_info(const struct probe *p)
{
	struct vsm_hypercall_info info = { .size = sizeof(info) };
	int row = vsm_hypercall_row(probe_code(p));

	if (row >= 0)
		ck_assert_int_eq(vsm_hypercall_info((uint32_t)row, &info), 0);
	return info;
}

/* The table */

static int read_row(char *line, struct status_row *row)
{
	char code[16];

	if (sscanf(line, "%15[^,],%23[^,],%39[^,],", code, row->check, row->outcome) != 3)
		return 0;
	row->code = strcmp(code, "other") ? (uint32_t)strtoul(code, NULL, 16) : STATUS_OTHER;
	return 1;
}

uint32_t status_rows(const struct status_row **rows)
{
	static struct status_row table[STATUS_ROWS];
	static uint32_t count;
	char line[1024];
	FILE *file;

	*rows = table;
	if (count)
		return count;
	file = fopen(VSM_SOURCE_ROOT "/doc/statuses.csv", "r");
	ck_assert_msg(file != NULL, "doc/statuses.csv cannot be read");
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
	while (fgets(line, sizeof(line), file)) {
		ck_assert_uint_lt(count, STATUS_ROWS);
		ck_assert_msg(read_row(line, &table[count]), "doc/statuses.csv: %s", line);
		count++;
	}
	fclose(file);
	return count;
}

/* Good calls */

static const struct good_call *find_call(uint32_t code)
{
	const struct status_family *families[] = { &status_lists, &status_vtl, &status_registers };
	size_t f;
	uint32_t i;

	for (f = 0; f < VSMTEST_COUNT(families); f++)
		for (i = 0; i < families[f]->call_count; i++)
			if (families[f]->calls[i].code == code)
				return &families[f]->calls[i];
	return NULL;
}

void probe_good(struct probe *p, uint32_t code)
{
	const struct good_call *call = find_call(code);

	memset(p, 0, sizeof(*p));
	vsmtest_opts_init(&p->opts);
	p->opts.vps = VPS;
	p->opts.config.max_vps = VPS;
	p->missing_reg = UINT32_MAX;
	p->refused_reg = UINT32_MAX;
	p->control = UNKNOWN;
	p->in_gpa = VSMTEST_IN_GPA(0);
	p->out_gpa = VSMTEST_OUT_GPA(0);
	if (code == STATUS_OTHER)
		return;
	ck_assert_msg(call != NULL, "no good call of code 0x%04x: add one to status_*.c", code);
	p->control = code;
	call->fill(p);
	if (probe_info(p).kind == VSM_HYPERCALL_REP)
		p->control |= VSMTEST_REP(0, STATUS_REPS);
}

/* Machines */

static void must(uint32_t status, const char *what)
{
	ck_assert_msg(status == 0, "setup: %s: %s", what, vsmtest_status_text(status));
}

/* VTL1 of the first VP denies VTL0 this and that. */
static void deny(struct vsmtest *t, const struct probe *p)
{
	uint64_t config = 0x3e;

	if (p->deny_in || p->deny_out)
		config |= HV_VSM_PARTITION_CONFIG_ENABLE_VTL_PROTECTION;
	if (p->deny_startup)
		config |= HV_VSM_PARTITION_CONFIG_DENY_LOWER_VTL_STARTUP;
	must(vsmtest_enter_vtl1(t, 0), "VTL1");
	must(vsmtest_set(t, 0, 0, HV_REGISTER_VSM_PARTITION_CONFIG, config), "its configuration");
	if (p->deny_in)
		must(vsmtest_modify_gpa(t, 0, 0, VSMTEST_IN_GPA(p->vp)), "deny the input page");
	if (p->deny_out)
		must(vsmtest_modify_gpa(t, 0, HV_MAP_GPA_READABLE, VSMTEST_OUT_GPA(p->vp)),
		     "deny the output page");
	ck_assert_int_eq(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
}

/* The caller gets where it is from VTL0 in one step. */
static void climb(struct vsmtest *t, const struct probe *p)
{
	struct hv_initial_vp_context context;
	uint64_t status = vsmtest_value(t, p->vp, 0, HV_REGISTER_VSM_PARTITION_STATUS);

	if (!(status >> p->caller & 1))
		must(vsmtest_enable_partition_vtl(t, p->vp, p->caller), "VTL of the partition");
	vsmtest_context64(&context);
	if (!(vsm_vp_enabled_vtls(t->vp[p->vp].vp) >> p->caller & 1))
		must(vsmtest_enable_vp_vtl(t, p->vp, HV_VP_INDEX_SELF, p->caller, &context),
		     "VTL of the VP");
	ck_assert_int_eq(vsmtest_vtl_call(t, p->vp), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(t->vp[p->vp].active, p->caller);
	ck_assert_int_eq(vsmtest_hypercalls_on(t, p->vp), VSM_VERDICT_RESUME);
}

static void set_mode(struct vsmtest *t, const struct probe *p)
{
	uint32_t vtl = t->vp[p->vp].active;

	if (p->narrow || p->mode >= MODE_REAL)
		vsmtest_mode32(t, p->vp);
	if (p->mode >= MODE_CPL1 && p->mode <= MODE_CPL3)
		vsmtest_cpl(t, p->vp, p->mode);
	if (p->mode == MODE_REAL)
		vsmtest_reg_set(t, p->vp, vtl, HV_X64_REGISTER_CR0, 0x10);
	if (p->mode == MODE_V86)
		vsmtest_reg_set(t, p->vp, vtl, HV_X64_REGISTER_RFLAGS, 0x2 | X86_RFLAGS_VM);
}

static int is_narrow(const struct probe *p)
{
	return p->narrow || p->mode >= MODE_REAL;
}

static void set(struct vsmtest *t, const struct probe *p, uint32_t name, uint64_t value)
{
	vsmtest_reg_set(t, p->vp, t->vp[p->vp].active, name, value);
}

static void load_wide(struct vsmtest *t, const struct probe *p, const uint64_t *param)
{
	set(t, p, HV_X64_REGISTER_RAX, p->vtl_control);
	set(t, p, HV_X64_REGISTER_RCX, p->control);
	set(t, p, HV_X64_REGISTER_RDX, param[0]);
	set(t, p, HV_X64_REGISTER_R8, param[1]);
	set(t, p, HV_X64_REGISTER_RIP, VSMTEST_TRAP_RIP);
}

/* All high halves hold garbage: nothing may look at them. */
static void load_narrow(struct vsmtest *t, const struct probe *p, const uint64_t *param)
{
	int vtl = probe_info(p).kind == VSM_HYPERCALL_VTL;

	set(t, p, HV_X64_REGISTER_RDX, GARBAGE | p->control >> 32);
	set(t, p, HV_X64_REGISTER_RAX, GARBAGE | (uint32_t)p->control);
	set(t, p, HV_X64_REGISTER_RBX, GARBAGE | param[0] >> 32);
	set(t, p, HV_X64_REGISTER_RCX, GARBAGE | (uint32_t)(vtl ? p->vtl_control : param[0]));
	set(t, p, HV_X64_REGISTER_RDI, GARBAGE | param[1] >> 32);
	set(t, p, HV_X64_REGISTER_RSI, GARBAGE | (uint32_t)param[1]);
	set(t, p, HV_X64_REGISTER_R8, GARBAGE | 0xdeadbeef);
	set(t, p, HV_X64_REGISTER_RIP, VSMTEST_TRAP_RIP32);
}

static void load(struct vsmtest *t, const struct probe *p)
{
	uint64_t param[2] = { p->in_gpa, p->out_gpa };
	struct hv_register_value *xmm =
		vsmtest_slot(t, p->vp, t->vp[p->vp].active, HV_X64_REGISTER_XMM0);

	memcpy(vsmtest_ram(t, VSMTEST_IN_GPA(p->vp)), p->in, sizeof(p->in));
	memset(vsmtest_ram(t, VSMTEST_OUT_GPA(p->vp)), OUT_FILL, VSMTEST_PAGE);
	memcpy(xmm, p->in + 16, 96);
	if (p->control & HV_HYPERCALL_FAST)
		memcpy(param, p->in, sizeof(param));
	if (is_narrow(p))
		load_narrow(t, p, param);
	else
		load_wide(t, p, param);
}

struct vsmtest *probe_build(const struct probe *p)
{
	struct vsmtest *t = vsmtest_new(&p->opts);
	uint32_t vtl;

	ck_assert_int_eq(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	for (vtl = VSM_VTL_MAX; vtl > 0; vtl--) /* The other way round VTL0 had no right to it. */
		if (p->enabled >> vtl & 1)
			must(vsmtest_enable_partition_vtl(t, 0, vtl), "a VTL of the partition");
	if (p->deny_in || p->deny_out || p->deny_startup)
		deny(t, p);
	if (p->busy)
		must(vsmtest_enter_vtl1(t, 1), "VTL1 on the second VP");
	if (p->first)
		must(vsmtest_enable_vtl1(t, 0), "VTL1 on the first VP");
	if (p->caller)
		climb(t, p);
	if (p->unloaded) {
		struct hv_initial_vp_context context;

		vsmtest_context64(&context);
		must(vsmtest_enable_vp_vtl(t, p->vp, 1, p->caller, &context),
		     "VTL of the second VP");
	}
	if (p->protect)
		must(vsmtest_set(t, p->vp, 0, HV_REGISTER_VSM_PARTITION_CONFIG, 0x3f),
		     "protections of the caller");
	if (p->no_page)
		ck_assert_int_eq(vsmtest_wrmsr(t, p->vp, HV_X64_MSR_HYPERCALL,
					       VSMTEST_HC_GPA(t->vp[p->vp].active)),
				 VSM_VERDICT_RESUME);
	set_mode(t, p);
	load(t, p);
	return t;
}

int probe_trap(struct vsmtest *t, const struct probe *p)
{
	int verdict;

	t->missing_reg = p->missing_reg;
	t->refused_reg = p->refused_reg;
	if (p->fail_at)
		vsmtest_fail_op(t, (enum vsmtest_op)p->fail_op, p->fail_at, 1, p->fail_result);
	verdict = vsmtest_trap(t, p->vp, is_narrow(p) ? VSMTEST_TRAP_RIP32 : VSMTEST_TRAP_RIP, 3);
	/* What concerns another VP is done by that VP before it runs on, and told by a kick. */
	if (verdict == VSM_VERDICT_BLOCKED) {
		vsmtest_prepare(t, 1 - p->vp);
		verdict = vsmtest_prepare(t, p->vp);
	}
	if (p->fail_at)
		ck_assert_uint_le(t->faults_hit, 1);
	t->missing_reg = UINT32_MAX;
	t->refused_reg = UINT32_MAX;
	vsmtest_no_faults(t);
	return verdict;
}

uint32_t probe_start(const struct probe *p)
{
	uint32_t count = (uint32_t)(p->control >> HV_HYPERCALL_REP_COUNT_SHIFT & 0xfff);
	uint32_t start = (uint32_t)(p->control >> HV_HYPERCALL_REP_START_SHIFT & 0xfff);

	return probe_info(p).kind == VSM_HYPERCALL_REP && start < count ? start : 0;
}

/* Outcomes */

static uint64_t rip(struct vsmtest *t, const struct probe *p, uint32_t vtl)
{
	return vsmtest_reg(t, p->vp, vtl, HV_X64_REGISTER_RIP);
}

static uint64_t trap(const struct probe *p)
{
	return is_narrow(p) ? VSMTEST_TRAP_RIP32 : VSMTEST_TRAP_RIP;
}

static const char *exception_text(struct vsmtest *t, const struct probe *p)
{
	struct vsm_exception exception = { 0 };

	ck_assert_int_eq(vsm_vp_exception(t->vp[p->vp].vp, &exception), 0);
	ck_assert_uint_eq(rip(t, p, t->vp[p->vp].active), trap(p));
	if (exception.vector == X86_UD)
		return "#UD";
	return exception.vector == X86_GP ? "#GP" : "another exception";
}

/* An intercept is told in SINT0's slot of VTL1; a VTL call leaves the slot empty. */
static const char *switch_text(struct vsmtest *t, const struct probe *p)
{
	uint32_t vtl = t->vp[p->vp].active;
	const uint8_t *slot = vsmtest_see(t, 1, VSMTEST_SIMP_GPA(p->vp, 1));
	uint32_t type = 0;

	if (vtl == p->caller)
		return "no switch at all";
	memcpy(&type, slot, sizeof(type));
	if (type != HVMSG_GPA_INTERCEPT) {
		ck_assert_uint_eq(rip(t, p, p->caller), trap(p) + 3);
		return "SWITCHED";
	}
	ck_assert_uint_eq(vtl, 1);
	ck_assert_uint_eq(rip(t, p, p->caller), trap(p));
	return "INTERCEPT";
}

const char *outcome_text(struct vsmtest *t, const struct probe *p, int verdict)
{
	static const char prefix[] = "HV_STATUS_";
	uint32_t status;

	if (verdict == VSM_VERDICT_EXCEPTION)
		return exception_text(t, p);
	if (verdict == VSM_VERDICT_SWITCHED)
		return switch_text(t, p);
	if (verdict != VSM_VERDICT_RESUME)
		return vsmtest_verdict_text(verdict);
	status = vsmtest_status(t, p->vp);
	ck_assert_uint_eq(rip(t, p, t->vp[p->vp].active), trap(p) + 3);
	return vsm_hv_status_name((uint16_t)status) + sizeof(prefix) - 1;
}

int outcome_is(struct vsmtest *t, const struct probe *p, int verdict, const char *outcome)
{
	return strcmp(outcome_text(t, p, verdict), outcome) == 0;
}
