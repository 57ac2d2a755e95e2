/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A real guest's words: the boot of a Linux that was recorded on another hypervisor, said again to
 * the library, whose answers must be those that were recorded.
 *
 * Every CPUID, MSR and hypercall record is fed. What the library serves is compared, always; what
 * it refuses is counted by name, and names and counts must be those of not_owned[]. So a register
 * that is served from now on fails the test until it is taken off the list, and one that is lost
 * fails it too.
 * How answers are compared:
 *  - CPUID: exactly, but for the bits of offers[], which the recorded hypervisor has and the
 *    library has not, or the other way round. They must differ just so.
 *  - RDMSR: exactly. No value in the record depends on time.
 *  - WRMSR: fault or none as recorded; then the register reads as written (EOM: 0), and the page
 *    that it places shows what the guest found there.
 *  - hypercalls: result value and output, exactly.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vsmtest.h"

#define RECORDS	 1699u
#define NAME_MAX 32u
#define LINE_MAX 16384u
#define TSC_HZ	 2596000000ull

/* What belongs to local APIC, timers, SINTs other than 0, event flags and VMBus. */
static const struct {
	const char *name;
	uint32_t count;
} not_owned[] = {
	{ "TPR", 2 },	{ "EOI", 719 },	      { "STIMER0_CONFIG", 2 }, { "STIMER0_COUNT", 480 },
	{ "SINT2", 2 }, { "PostMessage", 6 }, { "SignalEvent", 1 },
};

#define NOT_OWNED ((uint32_t)VSMTEST_COUNT(not_owned))

/* Offers of the two hypervisors that differ. */
static const struct {
	uint32_t leaf;
	struct vsm_cpuid lacks; /* Recorded, and not here. */
	struct vsm_cpuid has; /* Here, and not recorded. */
} offers[] = {
	{ HV_CPUID_FEATURES,
	  { HV_PRIV_ACCESS_VP_RUN_TIME_REG | HV_PRIV_ACCESS_SYNTHETIC_TIMER_REGS |
		    HV_PRIV_ACCESS_INTR_CTRL_REGS,
	    (HV_PRIV_POST_MESSAGES | HV_PRIV_SIGNAL_EVENTS | HV_PRIV_START_VIRTUAL_PROCESSOR) >> 32,
	    0, HV_FEATURE_DIRECT_SYNTHETIC_TIMERS },
	  { 0, 0, 0, HV_FEATURE_SINT_POLLING_MODE | HV_FEATURE_HYPERCALL_MSR_LOCK } },
	{ HV_CPUID_ENLIGHTENMENT_INFO,
	  { HV_RECOMMEND_HYPERCALL_REMOTE_FLUSH | HV_RECOMMEND_APIC_MSRS |
		    HV_RECOMMEND_SYNTHETIC_CLUSTER_IPI | HV_RECOMMEND_EX_PROCESSOR_MASKS,
	    0, 0, 0 },
	  { 0, 0, 0, 0 } },
};

struct replay {
	struct vsmtest *t;
	uint32_t records;
	uint32_t compared;
	uint32_t by_offer; /* CPUID records of offers[]. */
	uint32_t host; /* What the other side did. */
	uint32_t refused[NOT_OWNED];
};

static FILE *trace_open(void)
{
	const char *dir = getenv("VSM_TEST_TRACES");
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/linux-6.1-hyperv-1vp.txt",
		 dir ? dir : VSM_SOURCE_ROOT "/tests/traces");
	file = fopen(path, "r");
	ck_assert_msg(file != NULL, "%s cannot be read; set VSM_TEST_TRACES", path);
	return file;
}

static void refuse(struct replay *r, const char *name, const char *line)
{
	uint32_t i;

	for (i = 0; i < NOT_OWNED && strcmp(not_owned[i].name, name) != 0; i++)
		;
	ck_assert_msg(i < NOT_OWNED, "refused, and nobody knows: %.120s", line);
	r->refused[i]++;
}

static void compare_leaf(const char *line, uint32_t got, uint32_t recorded, uint32_t lacks,
			 uint32_t has)
{
	ck_assert_msg((recorded & lacks) == lacks && (recorded & has) == 0, "offers[]: %.120s",
		      line);
	ck_assert_msg(got == ((recorded & ~lacks) | has), "0x%x: %.120s", got, line);
}

static int replay_cpuid(struct replay *r, const char *line)
{
	static const struct vsm_cpuid none;
	const struct vsm_cpuid *lacks = &none, *has = &none;
	struct vsm_cpuid want, got;
	uint32_t leaf, i;

	if (sscanf(line, "CPUID 0x%x -> eax=0x%x ebx=0x%x ecx=0x%x edx=0x%x", &leaf, &want.eax,
		   &want.ebx, &want.ecx, &want.edx) != 5)
		return 0;
	for (i = 0; i < VSMTEST_COUNT(offers); i++) {
		if (offers[i].leaf != leaf)
			continue;
		lacks = &offers[i].lacks;
		has = &offers[i].has;
		r->by_offer++;
	}
	assert_verdict(vsmtest_cpuid(r->t, 0, leaf, &got), VSM_VERDICT_RESUME);
	compare_leaf(line, got.eax, want.eax, lacks->eax, has->eax);
	compare_leaf(line, got.ebx, want.ebx, lacks->ebx, has->ebx);
	compare_leaf(line, got.ecx, want.ecx, lacks->ecx, has->ecx);
	compare_leaf(line, got.edx, want.edx, lacks->edx, has->edx);
	r->compared++;
	return 1;
}

static int replay_rdmsr(struct replay *r, const char *line)
{
	unsigned long long want;
	char name[NAME_MAX];
	uint64_t got = 0;
	uint32_t msr;
	int verdict;

	if (sscanf(line, "RDMSR 0x%x %31s -> 0x%llx", &msr, name, &want) != 3)
		return 0;
	verdict = vsmtest_rdmsr(r->t, 0, msr, &got);
	if (verdict == VSM_VERDICT_EXCEPTION) {
		refuse(r, name, line);
		return 1;
	}
	assert_verdict(verdict, VSM_VERDICT_RESUME);
	ck_assert_msg(got == want, "0x%llx: %.120s", (unsigned long long)got, line);
	r->compared++;
	return 1;
}

/* What the guest sees where it has placed a page. */
static void compare_page(struct replay *r, uint32_t msr, uint64_t value)
{
	static const uint8_t zero[VSMTEST_PAGE], vmcall[4] = { 0x0f, 0x01, 0xc1, 0xc3 };
	const struct hv_reference_tsc_page *tsc;
	const struct vsm_overlay *overlay;

	switch (msr) {
	case HV_X64_MSR_HYPERCALL:
	case HV_X64_MSR_REFERENCE_TSC:
	case HV_X64_MSR_VP_ASSIST_PAGE:
	case HV_X64_MSR_SIMP:
	case HV_X64_MSR_SIEFP:
		break;
	default:
		return;
	}
	ck_assert_uint_eq(value & 1, 1); /* The recorded guest takes none of them away. */
	overlay = vsmtest_overlay(r->t, 0, value & ~0xfffull);
	ck_assert_msg(overlay != NULL, "MSR 0x%x shows no page", msr);
	if (msr == HV_X64_MSR_HYPERCALL) {
		ck_assert_mem_eq(overlay->page, vmcall, sizeof(vmcall));
	} else if (msr == HV_X64_MSR_REFERENCE_TSC) {
		tsc = overlay->page;
		ck_assert_uint_eq(tsc->tsc_sequence, 1);
		ck_assert_int_eq(tsc->tsc_offset, 0);
		/* floor(10^7 * 2^64 / 2596000000) */
		ck_assert_uint_eq(tsc->tsc_scale, 0x00fc732e26a80977ull);
	} else {
		ck_assert_mem_eq(overlay->page, zero, sizeof(zero));
	}
}

static int replay_wrmsr(struct replay *r, const char *line)
{
	int faulted = strstr(line, "-> #GP") != NULL;
	unsigned long long value;
	char name[NAME_MAX];
	uint64_t now = 0;
	uint32_t msr;
	int verdict;

	if (sscanf(line, "WRMSR 0x%x %31s = 0x%llx", &msr, name, &value) != 3)
		return 0;
	verdict = vsmtest_wrmsr(r->t, 0, msr, value);
	if (verdict == VSM_VERDICT_EXCEPTION && !faulted) {
		refuse(r, name, line);
		return 1;
	}
	assert_verdict(verdict, faulted ? VSM_VERDICT_EXCEPTION : VSM_VERDICT_RESUME);
	if (!faulted && vsmtest_rdmsr(r->t, 0, msr, &now) == VSM_VERDICT_RESUME) {
		ck_assert_msg(now == (msr == HV_X64_MSR_EOM ? 0 : value), "0x%llx: %.120s",
			      (unsigned long long)now, line);
		compare_page(r, msr, value);
	}
	r->compared++;
	return 1;
}

/* Bytes behind a "name=" of a line; their number, 0 for none. */
static uint32_t hex_bytes(const char *line, const char *name, uint8_t *bytes, uint32_t max)
{
	const char *at = strstr(line, name);
	unsigned int byte;
	uint32_t n = 0;

	if (at == NULL || (at = strchr(at, '=')) == NULL)
		return 0;
	for (at++; n < max && sscanf(at, "%2x", &byte) == 1 && at[0] != ' ' && at[1] != ' ';
	     at += 2)
		bytes[n++] = (uint8_t)byte;
	return n;
}

/* Input where this machine has RAM: addresses of the recorded one mean nothing here. */
static int call(struct replay *r, const char *line, uint64_t control, uint64_t rdx, uint64_t r8)
{
	struct vsmtest *t = r->t;
	uint8_t in[VSMTEST_PAGE], xmm[96] = { 0 };
	uint32_t n = hex_bytes(line, " in[", in, sizeof(in));
	const char *size = strstr(line, " in[");
	int verdict, rounds = 0;

	ck_assert_msg(size != NULL && strtoul(size + 4, NULL, 10) == n, "%u bytes: %.120s", n,
		      line);
	if (control & HV_HYPERCALL_FAST) {
		hex_bytes(line, " xmm=", xmm, sizeof(xmm));
		memcpy(t->vp[0].file[0].xmm, xmm, sizeof(xmm));
	} else {
		memcpy(vsmtest_ram(t, VSMTEST_IN_GPA(0)), in, n);
		rdx = VSMTEST_IN_GPA(0);
		r8 = r8 != 0 ? VSMTEST_OUT_GPA(0) : 0;
	}
	verdict = vsmtest_hypercall(t, 0, control, rdx, r8);
	while (verdict == VSM_VERDICT_RETRY && rounds++ < 1000)
		verdict = vsmtest_again(t, 0);
	return verdict;
}

static int replay_hcall(struct replay *r, const char *line)
{
	unsigned long long control, rdx, r8, rax;
	const char *result = strstr(line, "-> rax=");
	char name[NAME_MAX];
	uint8_t out[VSMTEST_PAGE];
	uint32_t status, n;

	if (sscanf(line,
		   "HCALL code=0x%*x %31s ctl=0x%llx %*s var=%*u rep=%*u start=%*u rdx=0x%llx r8=0x%llx",
		   name, &control, &rdx, &r8) != 4 ||
	    result == NULL || sscanf(result, "-> rax=0x%llx", &rax) != 1)
		return 0;
	assert_verdict(call(r, line, control, rdx, r8), VSM_VERDICT_RESUME);
	status = vsmtest_status(r->t, 0);
	if (status == HV_STATUS_INVALID_HYPERCALL_CODE || status == HV_STATUS_ACCESS_DENIED) {
		refuse(r, name, line);
		return 1;
	}
	ck_assert_msg(vsmtest_result(r->t, 0) == rax, "0x%llx: %.120s",
		      (unsigned long long)vsmtest_result(r->t, 0), line);
	n = hex_bytes(line, " outdata=", out, sizeof(out));
	if (n != 0)
		ck_assert_mem_eq(vsmtest_out(r->t, 0), out, n);
	r->compared++;
	return 1;
}

static void replay_line(struct replay *r, const char *line)
{
	unsigned int sequence, vp;
	char who[8];
	int at = 0, known;

	ck_assert_msg(sscanf(line, "%u %*u %7s %n", &sequence, who, &at) == 2 && at != 0, "%.120s",
		      line);
	ck_assert_msg(sequence == ++r->records, "a record is missing before %.120s", line);
	line += at;
	if (strcmp(who, "host") == 0) {
		known = !strncmp(line, "INJECT ", 7) || !strncmp(line, "MESSAGE ", 8);
		r->host++;
	} else {
		ck_assert_int_eq(sscanf(who, "vp%u", &vp), 1);
		ck_assert_uint_eq(vp, 0);
		known = replay_cpuid(r, line) || replay_rdmsr(r, line) || replay_wrmsr(r, line) ||
			replay_hcall(r, line);
	}
	ck_assert_msg(known, "a record of unknown form: %.120s", line);
}

static void replay_file(struct replay *r)
{
	FILE *file = trace_open();
	char *line = malloc(LINE_MAX);
	struct vsmtest *t = r->t;

	memset(r, 0, sizeof(*r));
	r->t = t;
	while (fgets(line, LINE_MAX, file)) {
		ck_assert_msg(strchr(line, '\n') != NULL, "too long: %.60s", line);
		if (line[0] != '#')
			replay_line(r, line);
	}
	free(line);
	fclose(file);
}

/* The recorded machine, as far as there is a knob for it. */
static struct vsmtest *machine(void)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	opts.tsc_hz = TSC_HZ;
	opts.config.max_vps = 64;
	opts.config.phys_bits = 40;
	opts.config.build_number = 20348;
	opts.config.version = 10u << 16;
	opts.config.apic_hz = 1000000000;
	opts.config.trap_kind = VSM_TRAP_VMCALL;
	t = vsmtest_alloc(&opts);
	t->tsc = 0;
	t->relaxed = 1; /* Nobody protects anything. */
	assert_err(vsmtest_create(t), 0);
	return t;
}

static void assert_not_owned(const struct replay *r)
{
	uint32_t i;

	for (i = 0; i < NOT_OWNED; i++)
		ck_assert_msg(r->refused[i] == not_owned[i].count,
			      "%s: %u records refused, not %u: is it owned now?", not_owned[i].name,
			      r->refused[i], not_owned[i].count);
}

static uint32_t refused_in_all(const struct replay *r)
{
	uint32_t i, sum = 0;

	for (i = 0; i < NOT_OWNED; i++)
		sum += r->refused[i];
	return sum;
}

static void report(const struct replay *r)
{
	uint32_t i;

	printf("# %u records of Linux 6.1: %u compared, %u of them CPUID but for what is offered; "
	       "%u what the other side did; not owned:",
	       r->records, r->compared, r->by_offer, r->host);
	for (i = 0; i < NOT_OWNED; i++)
		printf("%s %s %u", i ? "," : "", not_owned[i].name, r->refused[i]);
	printf("\n");
	for (i = 0; i < VSMTEST_COUNT(offers); i++)
		printf("# leaf 0x%x lacks eax 0x%x ebx 0x%x edx 0x%x, has edx 0x%x besides\n",
		       offers[i].leaf, offers[i].lacks.eax, offers[i].lacks.ebx,
		       offers[i].lacks.edx, offers[i].has.edx);
}

START_TEST(a_linux_boot_gets_the_answers_it_got_before)
{
	struct replay r = { .t = machine() };

	replay_file(&r);
	report(&r);
	ck_assert_uint_eq(r.records, RECORDS);
	assert_not_owned(&r);
	/* Nothing was passed over. */
	ck_assert_uint_eq(r.compared + r.host + refused_in_all(&r), RECORDS);
	ck_assert_uint_eq(r.compared, 40);
	vsmtest_free(r.t);
}
END_TEST

/* A guest takes nothing down when it goes; the next one must find a new machine. */
START_TEST(after_a_reset_the_next_boot_gets_them_again)
{
	struct replay r = { .t = machine() };
	uint32_t round;

	for (round = 0; round < 3; round++) {
		replay_file(&r);
		assert_not_owned(&r);
		ck_assert_uint_ne(vsmtest_overlays(r.t, 0), 0);
		assert_err(vsmtest_reset(r.t), 0);
		ck_assert_uint_eq(vsmtest_overlays(r.t, 0), 0);
	}
	vsmtest_free(r.t);
}
END_TEST

/* The record above holds no call that is served yet: these show that such ones are compared. */
START_TEST(a_call_that_is_served_is_compared)
{
	static const char *const lines[] = {
		"1 0 vp0 WRMSR 0x40000000 GUEST_OS_ID = 0x8100000601c00000\n",
		"2 0 vp0 WRMSR 0x40000001 HYPERCALL = 0x11be001\n",
		"3 0 vp0 HCALL code=0x0008 NotifyLongSpinWait ctl=0x0000000000010008 fast var=0 rep=0 "
		"start=0 rdx=0x5 r8=0x0 in[8]=0500000000000000 xmm=- -> rax=0x0\n",
		"4 0 vp0 HCALL code=0x0050 GetVpRegisters ctl=0x0000000100000050 mem var=0 rep=1 start=0 "
		"rdx=0x1000 r8=0x2000 in[20]=fffffffffffffffffeffffff0000000002000900 "
		"-> rax=0x100000000 outdata=0000c00106000081"
		"0000000000000000\n",
	};
	struct replay r = { .t = machine() };
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(lines); i++)
		replay_line(&r, lines[i]);
	ck_assert_uint_eq(r.compared, VSMTEST_COUNT(lines));
	vsmtest_free(r.t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(a_linux_boot_gets_the_answers_it_got_before),
	VSMTEST_CASE(a_call_that_is_served_is_compared),
	VSMTEST_CASE(after_a_reset_the_next_boot_gets_them_again),
};

int main(void)
{
	return vsmtest_main("trace", cases, VSMTEST_COUNT(cases));
}
