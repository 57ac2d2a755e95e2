/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TLFS 15.11 register by register: what each VTL has for itself and what all VTLs of a VP share, as
 * tests/data/state.csv lists it; and that nothing VTL0 does shows or changes what VTL1 has.
 */
#include "register_world.h"

#define TWENTIETH 20u

static int is_all(void)
{
	return getenv("VSM_TEST_ALL") != NULL;
}

/* Does the vCPU have it, so that its host carries or keeps it? By the blocks of TLFS 7.8.2. */
static int is_of_vcpu(const struct oracle_row *row)
{
	uint32_t block = row->name >> 16;

	if (!row->is_named || (row->rule && row->rule->is & O_LIB))
		return 0;
	return (block >= 2 && block <= 8) || block == 0xc ||
	       row->name == HV_REGISTER_PENDING_INTERRUPTION ||
	       row->name == HV_REGISTER_INTERRUPT_STATE;
}

/* Another name of a register that has a row of its own. */
static int is_second_name(uint32_t name)
{
	return name >> 12 == 0x41 ||
	       (name >= HV_X64_REGISTER_YMM0_LOW && name <= HV_X64_REGISTER_YMM15_LOW);
}

/* The switch itself changes these, and calls use them: they have tests of their own. */
static int is_of_call(uint32_t name)
{
	return name == HV_X64_REGISTER_RAX || name == HV_X64_REGISTER_RCX ||
	       name == HV_X64_REGISTER_RDX || name == HV_X64_REGISTER_R8 ||
	       name == HV_X64_REGISTER_RIP;
}

/* Values with which a VTL can go on making calls. */
static const struct {
	uint32_t name;
	uint64_t low[W_VTLS];
} tame[] = {
	{ HV_X64_REGISTER_RFLAGS, { 0x203, 0x42, 0x246 } },
	{ HV_X64_REGISTER_CR0, { 0x80010033, 0x80040033, 0x80050033 } },
	{ HV_X64_REGISTER_CR4, { 0x620, 0x2a0, 0x6a0 } },
	{ HV_X64_REGISTER_EFER, { 0xd00, 0x501, 0xd01 } },
};

/* One that no other register, VTL or round has. */
static struct hv_register_value value_for(struct world *w, uint32_t r, uint32_t vtl, uint32_t round)
{
	const struct oracle_row *row = &w->oracle.row[r];
	struct hv_register_value value = { 0x10000000ull * (vtl + 1) + 0x10000ull * round + r, 0 };
	struct hv_segment_register segment;
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(tame); i++)
		if (tame[i].name == row->name)
			value.low = tame[i].low[vtl];
	if (row->bytes == 16)
		value.high = ~value.low;
	if (row->name == HV_X64_REGISTER_CS || row->name == HV_X64_REGISTER_SS) {
		memcpy(&segment, vsmtest_slot(w->t, W_CALLER, vtl, row->name), sizeof(segment));
		segment.base = value.low;
		segment.selector = (uint16_t)(0x28 + 8 * vtl);
		memcpy(&value, &segment, sizeof(value));
	}
	return value;
}

/* What the registers of VP 0 are to be. */
struct expected {
	struct hv_register_value private[W_VTLS][ORACLE_ROWS_MAX];
	struct hv_register_value shared[ORACLE_ROWS_MAX];
	uint64_t kept; /* Looks at registers of which each VTL has its own. */
	uint64_t crossed; /* Looks at registers that all share. */
	uint64_t asked; /* The same by hypercall. */
};

static int counts(const struct oracle_row *row)
{
	return is_of_vcpu(row) && !is_second_name(row->name) && !is_of_call(row->name);
}

/* The code of the active VTL loads all its registers. */
static void load(struct world *w, struct expected *e, uint32_t round)
{
	uint32_t r;

	for (r = 0; r < w->oracle.rows; r++) {
		const struct oracle_row *row = &w->oracle.row[r];
		struct hv_register_value value;

		if (!counts(row))
			continue;
		value = value_for(w, r, w->vtl, round);
		*vsmtest_slot(w->t, W_CALLER, w->vtl, row->name) = value;
		if (oracle_shared(row, w->t))
			e->shared[r] = value;
		else
			e->private[w->vtl][r] = value;
	}
}

static void assert_is(const struct world *w, const struct oracle_row *row, uint32_t vtl,
		      struct hv_register_value got, struct hv_register_value want)
{
	ck_assert_msg(got.low == want.low && got.high == want.high,
		      "%s of VTL%u, in VTL%u of %u: %llx:%llx, not %llx:%llx", row->text, vtl,
		      w->vtl, w->vtls, (unsigned long long)got.high, (unsigned long long)got.low,
		      (unsigned long long)want.high, (unsigned long long)want.low);
}

/* The active VTL looks into its own registers, and we into those of the others. */
static void look(struct world *w, struct expected *e)
{
	uint32_t r, vtl;

	for (r = 0; r < w->oracle.rows; r++) {
		const struct oracle_row *row = &w->oracle.row[r];

		if (!counts(row))
			continue;
		if (oracle_shared(row, w->t)) {
			assert_is(w, row, w->vtl, *vsmtest_slot(w->t, W_CALLER, w->vtl, row->name),
				  e->shared[r]);
			e->crossed++;
			continue;
		}
		for (vtl = 0; vtl < w->vtls; vtl++) {
			assert_is(w, row, vtl, *vsmtest_slot(w->t, W_CALLER, vtl, row->name),
				  e->private[vtl][r]);
			e->kept++;
		}
	}
}

/* The same by GetVpRegisters, of its own registers and those of each VTL below. */
static void ask(struct world *w, struct expected *e)
{
	struct hv_register_value got;
	uint32_t r, vtl;

	for (r = 0; r < w->oracle.rows; r++) {
		const struct oracle_row *row = &w->oracle.row[r];

		if (!counts(row) || !row->rule)
			continue;
		for (vtl = 0; vtl <= w->vtl; vtl++) {
			assert_status(vsmtest_get(w->t, W_CALLER, VSMTEST_VTL(vtl), row->name,
						  &got),
				      HV_STATUS_SUCCESS);
			assert_is(w, row, vtl, got,
				  oracle_shared(row, w->t) ? e->shared[r] : e->private[vtl][r]);
			e->asked++;
		}
	}
}

static void go_up(struct world *w)
{
	assert_verdict(vsmtest_vtl_call(w->t, W_CALLER), VSM_VERDICT_SWITCHED);
	w->vtl++;
}

static void go_down(struct world *w)
{
	assert_verdict(vsmtest_vtl_return(w->t, W_CALLER, 1), VSM_VERDICT_SWITCHED);
	w->vtl--;
}

/* From VTL0 up to the highest and back; each changes all it has before it leaves. */
static void there_and_back(uint32_t vtls, uint32_t host_flags)
{
	struct world *w = malloc(sizeof(*w));
	struct expected *e = calloc(1, sizeof(*e));
	uint32_t round = 0, turn, r, shared = 0, private = 0;

	w_new(w, vtls, vtls - 1, host_flags);
	load(w, e, round++);
	while (w->vtl > 0) {
		go_down(w);
		load(w, e, round++);
	}
	for (turn = 0; turn < 3; turn++) {
		for (; w->vtl < vtls - 1; load(w, e, round++)) {
			look(w, e);
			ask(w, e);
			go_up(w);
			look(w, e);
		}
		for (; w->vtl > 0; load(w, e, round++)) {
			look(w, e);
			ask(w, e);
			go_down(w);
			look(w, e);
		}
	}
	/* 12 looks for each border between VTLs; none of the registers that count was passed
	 * over. */
	for (r = 0; r < w->oracle.rows; r++) {
		if (counts(&w->oracle.row[r]) && oracle_shared(&w->oracle.row[r], w->t))
			shared++;
		else if (counts(&w->oracle.row[r]))
		private++;
	}
	ck_assert_uint_ge(shared, 140);
	ck_assert_uint_ge(private, 80);
	ck_assert_uint_eq(e->crossed, 12ull * (vtls - 1) * shared);
	ck_assert_uint_eq(e->kept, 12ull * (vtls - 1) * vtls * private);
	printf("# %llu combinations kept apart, %llu crossed, %llu asked for, %u VTLs, DR6 %s\n",
	       (unsigned long long)e->kept, (unsigned long long)e->crossed,
	       (unsigned long long)e->asked, vtls, host_flags ? "shared" : "private");
	w_free(w);
	free(e);
	free(w);
}

START_TEST(two_vtls_keep_and_share_what_tlfs_15_11_says)
{
	there_and_back(2, 0);
	there_and_back(2, VSM_HOST_DR6_SHARED);
}
END_TEST

START_TEST(three_vtls_keep_and_share_what_tlfs_15_11_says)
{
	there_and_back(3, 0);
	there_and_back(3, VSM_HOST_DR6_SHARED);
}
END_TEST

/* The registers that go wrong most easily are among those that were looked at, on the right
 * side. */
START_TEST(the_list_has_the_registers_it_must_have)
{
	static const struct {
		uint32_t name;
		char scope;
	} must[] = {
		{ HV_X64_REGISTER_RSP, 'p' },	  { HV_X64_REGISTER_RFLAGS, 'p' },
		{ HV_X64_REGISTER_CR0, 'p' },	  { HV_X64_REGISTER_CR2, 's' },
		{ HV_X64_REGISTER_CR3, 'p' },	  { HV_X64_REGISTER_CR4, 'p' },
		{ HV_X64_REGISTER_CR8, 'p' },	  { HV_X64_REGISTER_XFEM, 's' },
		{ HV_X64_REGISTER_DR0, 's' },	  { HV_X64_REGISTER_DR3, 's' },
		{ HV_X64_REGISTER_DR6, 'm' },	  { HV_X64_REGISTER_DR7, 'p' },
		{ HV_X64_REGISTER_FS, 'p' },	  { HV_X64_REGISTER_GS, 'p' },
		{ HV_X64_REGISTER_TSC, 'p' },	  { HV_X64_REGISTER_KERNEL_GS_BASE, 'p' },
		{ HV_X64_REGISTER_U_CET, 's' },	  { HV_X64_REGISTER_S_CET, 'p' },
		{ HV_X64_REGISTER_SSP, 'p' },	  { HV_X64_REGISTER_PL0_SSP, 's' },
		{ HV_X64_REGISTER_XSS, 'p' },	  { HV_X64_REGISTER_SPEC_CTRL, 'p' },
		{ HV_X64_REGISTER_TSC_AUX, 'p' }, { HV_X64_REGISTER_YMM15_HIGH, 's' },
		{ HV_X64_REGISTER_XMM5, 's' },	  { HV_X64_REGISTER_FPMMX7, 's' },
		{ HV_X64_REGISTER_XMM6, 's' },	  { HV_X64_REGISTER_XMM_CONTROL_STATUS, 's' },
	};
	struct oracle oracle;
	uint32_t i, r;

	oracle_load(&oracle);
	for (i = 0; i < VSMTEST_COUNT(must); i++) {
		for (r = 0; r < oracle.rows && oracle.row[r].name != must[i].name; r++)
			;
		ck_assert_msg(r < oracle.rows && counts(&oracle.row[r]), "%x", must[i].name);
		ck_assert_int_eq(oracle.row[r].scope, must[i].scope);
	}
}
END_TEST

/* MSRs */

/* A value for an MSR of the library, different in each VTL. */
static uint64_t msr_value(uint32_t msr, uint32_t vtl)
{
	switch (msr) {
	case HV_X64_MSR_GUEST_OS_ID:
		return 0x8100000000060001 + 0x100 * vtl;
	case HV_X64_MSR_HYPERCALL:
		return VSMTEST_HC_GPA(vtl) | 1;
	case HV_X64_MSR_SINT0:
		return HV_SYNIC_SINT_POLLING | (0x50 + vtl);
	case HV_X64_MSR_VP_ASSIST_PAGE:
		return VSMTEST_ASSIST_GPA(0, vtl) | 1;
	case HV_X64_MSR_SIMP:
		return VSMTEST_SIMP_GPA(0, vtl) | 1;
	case HV_X64_MSR_SIEFP:
		return (0x48000 + 0x1000 * vtl) | 1;
	case HV_X64_MSR_REFERENCE_TSC:
		return (0x38000 + 0x1000 * vtl) | 1;
	default:
		return 0x100 * (vtl + 1) + (msr & 0xf);
	}
}

static uint64_t read_msr(struct world *w, const struct oracle_row *row)
{
	uint64_t value = 0;
	int verdict = vsmtest_rdmsr(w->t, W_CALLER, row->msr, &value);

	ck_assert_msg(verdict == VSM_VERDICT_RESUME, "%s in VTL%u: %s", row->text, w->vtl,
		      vsmtest_verdict_text(verdict));
	return value;
}

/* Can a guest write it? EOM is an MSR and no register. */
static int msr_is_rw(const struct oracle_row *row)
{
	return row->rule && (row->rule->is & O_RW) == O_RW;
}

/* As the register of this name reads: it is in kHz where the MSR is in Hz (TLFS 7.8.2, 12.6). */
static uint64_t as_register(uint32_t msr, uint64_t value)
{
	int is_hz = msr == HV_X64_MSR_TSC_FREQUENCY || msr == HV_X64_MSR_APIC_FREQUENCY;

	return is_hz ? value / 1000 : value;
}

/* Write one MSR in each VTL from the highest to VTL0, and find it there on the way back up. */
static void one_msr(struct world *w, const struct oracle_row *row, uint64_t *looks)
{
	int is_rw = msr_is_rw(row), is_shared = row->scope == 's', is_ctl;
	uint64_t want, before = read_msr(w, row);
	struct hv_register_value value;
	uint32_t vtl;

	is_ctl = row->msr == HV_X64_MSR_CRASH_CTL; /* A command; it reads as what it can do. */
	for (;; go_down(w)) {
		if (is_rw)
			assert_verdict(vsmtest_wrmsr(w->t, W_CALLER, row->msr,
						     msr_value(row->msr, w->vtl)),
				       VSM_VERDICT_RESUME);
		if (w->vtl == 0)
			break;
	}
	for (;; go_up(w)) {
		want = !is_rw || is_ctl ? before : msr_value(row->msr, is_shared ? 0 : w->vtl);
		ck_assert_msg(read_msr(w, row) == want, "%s in VTL%u is %llx, not %llx", row->text,
			      w->vtl, (unsigned long long)read_msr(w, row),
			      (unsigned long long)want);
		/* By its register name as well, from above and from its own VTL. */
		for (vtl = 0; vtl <= w->vtl; vtl++, ++*looks) {
			want = !is_rw || is_ctl ? before : msr_value(row->msr, is_shared ? 0 : vtl);
			assert_status(vsmtest_get(w->t, W_CALLER, VSMTEST_VTL(vtl), row->name,
						  &value),
				      HV_STATUS_SUCCESS);
			ck_assert_uint_eq(value.low, as_register(row->msr, want));
		}
		if (w->vtl == w->vtls - 1)
			break;
	}
}

/* An MSR of a feature that is not offered: #GP in every VTL, whatever is written. */
static void refused_msr(struct world *w, const struct oracle_row *row)
{
	uint64_t value;

	for (;; go_down(w)) {
		assert_exception(w->t, W_CALLER, vsmtest_rdmsr(w->t, W_CALLER, row->msr, &value),
				 X86_GP);
		assert_exception(w->t, W_CALLER, vsmtest_wrmsr(w->t, W_CALLER, row->msr, 0),
				 X86_GP);
		if (w->vtl == 0)
			break;
	}
	while (w->vtl < w->vtls - 1)
		go_up(w);
}

static int is_synthetic(uint32_t msr)
{
	return msr >> 12 == 0x40000;
}

static void all_msrs(uint32_t vtls)
{
	struct world *w = malloc(sizeof(*w));
	uint64_t value, looks = 0;
	uint32_t r, offered = 0, refused = 0, others = 0;

	w_new(w, vtls, vtls - 1, 0);
	for (r = 0; r < w->oracle.rows; r++) {
		const struct oracle_row *row = &w->oracle.row[r];

		if (row->msr == VSM_NO_MSR)
			continue;
		if (!is_synthetic(row->msr)) {
			/* The host's, and 15.11 for it the register of the same name. */
			assert_verdict(vsmtest_rdmsr(w->t, W_CALLER, row->msr, &value),
				       VSM_VERDICT_NOT_MINE);
			assert_verdict(vsmtest_wrmsr(w->t, W_CALLER, row->msr, 0),
				       VSM_VERDICT_NOT_MINE);
			others++;
		} else if (row->rule) {
			one_msr(w, row, &looks);
			offered++;
		} else if (row->msr == HV_X64_MSR_EOM) {
			ck_assert_uint_eq(read_msr(w, row), 0);
			offered++;
		} else {
			refused_msr(w, row);
			refused++;
		}
	}
	/* Those of msr.c; RESET, VP_RUNTIME, EOI, ICR, TPR, NPIEP, SIRBP, SINT1..15 ... */
	ck_assert_uint_eq(offered, 20);
	ck_assert_uint_eq(refused, 37);
	printf("# %llu combinations of %u synthetic MSRs, %u VTLs; %u refused, %u the host's\n",
	       (unsigned long long)looks, offered, vtls, refused, others);
	w_free(w);
	free(w);
}

START_TEST(every_synthetic_msr_has_an_instance_for_each_vtl_or_one_for_all)
{
	all_msrs(2);
	all_msrs(3);
}
END_TEST

/*
 * Canaries: words that VTL0 must never find. Each half of a quadword carries the mark, so that
 * neither a shift by 32 bits nor a cut to them hides one.
 */

#define MARK 0xc5a7u

static uint64_t canary(uint32_t n)
{
	uint64_t half = MARK << 16 | (n & 0xffff);

	return half << 32 | half;
}

/* A page that nobody uses, in an address that carries the mark. */
static uint64_t canary_page(uint32_t n)
{
	return (uint64_t)MARK << 24 | (n & 0xfff) << 12 | 1;
}

static int has_mark(const void *bytes, size_t length)
{
	const uint8_t *p = bytes, *end = p + length - 1;

	for (; p < end && (p = memchr(p, MARK & 0xff, (size_t)(end - p))) != NULL; p++)
		if (p[1] == MARK >> 8)
			return 1;
	return 0;
}

/* A register of the library, as the highest VTL sets it for one above VTL0. */
static void plant(struct world *w, uint32_t index, uint32_t vtl, uint32_t name, uint64_t low)
{
	struct w_call call = { HV_PARTITION_ID_SELF, index,	 VSMTEST_VTL(vtl), 1, name,
			       { low, 0 },	     { 0, 0, 0 } };

	w_arm(w, &call);
	assert_status(w_go(w), HV_STATUS_SUCCESS);
	/* And read, so that what the library keeps of calls has seen it too. */
	call.set = 0;
	w_arm(w, &call);
	assert_status(w_go(w), HV_STATUS_SUCCESS);
	ck_assert(has_mark(vsmtest_out(w->t, W_CALLER), 16));
}

static void plant_library(struct world *w)
{
	uint32_t vp, vtl, n = 0;

	for (vtl = 1; vtl < w->vtls; vtl++) {
		plant(w, HV_VP_INDEX_SELF, vtl, HV_REGISTER_GUEST_OS_ID, canary(n++));
		plant(w, HV_VP_INDEX_SELF, vtl, HV_REGISTER_HYPERCALL, canary_page(n++));
		plant(w, HV_VP_INDEX_SELF, vtl, HV_REGISTER_REFERENCE_TSC, canary_page(n++));
		for (vp = 0; vp < W_VPS; vp++) {
			if (!(vsm_vp_enabled_vtls(w->t->vp[vp].vp) >> vtl & 1))
				continue;
			plant(w, w_index[vp], vtl, HV_REGISTER_VP_ASSIST_PAGE, canary_page(n++));
			plant(w, w_index[vp], vtl, HV_REGISTER_SIMP, canary_page(n++));
			plant(w, w_index[vp], vtl, HV_REGISTER_SIEFP, canary_page(n++));
			plant(w, w_index[vp], vtl, HV_REGISTER_SCONTROL, canary(n++) | 1);
			plant(w, w_index[vp], vtl, HV_REGISTER_SINT0, canary(n++) << 32 | 0x40040);
		}
		if (vtl < w->vtl)
			plant(w, HV_VP_INDEX_SELF, vtl, HV_REGISTER_PENDING_EVENT0,
			      canary(n++) << 32 | 0xd0101);
	}
	ck_assert_uint_gt(n, 10);
}

/* All that the vCPUs of VTLs above VTL0 hold, with the shared registers where such a VTL runs. */
static void plant_vcpus(struct world *w)
{
	uint32_t vp, vtl, r, n = 0x1000;

	for (vp = 0; vp < W_VPS; vp++)
		for (vtl = 1; vtl < w->vtls; vtl++)
			for (r = 0; r < w->oracle.rows; r++) {
				const struct oracle_row *row = &w->oracle.row[r];
				struct hv_register_value *slot;

				if (!is_of_vcpu(row) ||
				    (oracle_shared(row, w->t) && w->t->vp[vp].active != vtl))
					continue;
				slot = vsmtest_slot(w->t, vp, vtl, row->name);
				slot->low = canary(n++);
				slot->high = row->bytes == 16 ? slot->low : 0;
			}
}

/* Is the state of every VTL above VTL0 what it was when the mirror was taken? */
static int above_is_same(struct world *w)
{
	struct w_library now;
	uint32_t vp, i, first;

	w_read_library(w, &now);
	if (memcmp(&now.wide[1], &w->library.wide[1], sizeof(now.wide) - sizeof(now.wide[0])) ||
	    memcmp(now.active, w->library.active, sizeof(now.active)) ||
	    memcmp(now.enabled, w->library.enabled, sizeof(now.enabled)))
		return 0;
	for (vp = 0; vp < W_VPS; vp++) {
		if (memcmp(&now.vp[vp][1], &w->library.vp[vp][1],
			   sizeof(now.vp[vp]) - sizeof(now.vp[vp][0])))
			return 0;
		/* The only vCPU is VTL0's own while VTL0 runs on it. */
		first = w->t->vp[vp].active ? W_VTLS + 1 : W_VTLS;
		for (i = 1; i < first; i++)
			if (!w_same_file(w, &w->mirror[vp][i], w_file(w, vp, i)))
				return 0;
	}
	return 1;
}

/* Could VTL0 see a mark: in its output, or in registers of VTL0 on any VP? */
static int below_has_mark(struct world *w)
{
	size_t bytes = w->t->rows * sizeof(struct hv_register_value);
	uint32_t vp;

	if (has_mark(vsmtest_out(w->t, W_CALLER), VSMTEST_PAGE) ||
	    has_mark(vsmtest_ram(w->t, VSMTEST_IN_GPA(W_CALLER)), VSMTEST_PAGE))
		return 1;
	for (vp = 0; vp < W_VPS; vp++) {
		const struct vsmtest_file *file = w_file(w, vp, 0);

		if (w->t->opts.model == VSMTEST_SWAPPED && w->t->vp[vp].active == 0)
			file = w_file(w, vp, W_VTLS);
		if (has_mark(file->values, bytes) || has_mark(file->xmm, sizeof(file->xmm)) ||
		    has_mark(&file->event, sizeof(file->event)))
			return 1;
	}
	return 0;
}

/* A way that VTL0 tried, for people. */
struct attack {
	const char *what;
	uint64_t a;
	uint64_t b;
	uint64_t c;
};

static void assert_safe(struct world *w, const struct attack *attack)
{
	ck_assert_msg(!below_has_mark(w), "%s %llx %llx %llx: VTL0 sees what a higher VTL has",
		      attack->what, (unsigned long long)attack->a, (unsigned long long)attack->b,
		      (unsigned long long)attack->c);
	ck_assert_msg(above_is_same(w), "%s %llx %llx %llx: VTL0 changed what a higher VTL has",
		      attack->what, (unsigned long long)attack->a, (unsigned long long)attack->b,
		      (unsigned long long)attack->c);
	/* VTL0 may have taken its own hypercalls away. */
	if (!(atomic_load(&w->t->vsm->vtl[0].hypercall) & HV_X64_MSR_HYPERCALL_ENABLE))
		assert_verdict(vsmtest_hypercalls_on(w->t, W_CALLER), VSM_VERDICT_RESUME);
}

/* VP 0 in VTL0; above it everything carries the mark. */
static struct world *planted(uint32_t vtls, uint32_t host_flags)
{
	struct world *w = malloc(sizeof(*w));

	w_new(w, vtls, vtls - 1, host_flags);
	w_sync(w);
	w->loose = 1;
	w_start_thread(w);
	plant_library(w);
	while (w->vtl > 0) {
		/* Nothing of it is left where VTL0 may look by right. */
		memset(vsmtest_out(w->t, W_CALLER), 0, VSMTEST_PAGE);
		memset(vsmtest_ram(w->t, VSMTEST_IN_GPA(W_CALLER)), 0, VSMTEST_PAGE);
		go_down(w);
	}
	plant_vcpus(w);
	w_sync(w);
	ck_assert(!below_has_mark(w));
	return w;
}

/* The same call with everything in registers. */
static void in_registers(struct world *w, const struct w_call *call)
{
	struct hv_register_value *xmm = vsmtest_slot(w->t, W_CALLER, 0, HV_X64_REGISTER_XMM0);

	w_put(w, HV_X64_REGISTER_RCX,
	      VSMTEST_REP(call->set ? HVCALL_SET_VP_REGISTERS : HVCALL_GET_VP_REGISTERS, 1) |
		      HV_HYPERCALL_FAST);
	w_put(w, HV_X64_REGISTER_RDX, call->partition);
	w_put(w, HV_X64_REGISTER_R8, call->index | (uint64_t)call->input << 32);
	memset(xmm, 0, 6 * sizeof(*xmm));
	xmm[0].low = call->name;
	xmm[1] = call->value;
}

static void try_register(struct world *w, uint32_t r, uint32_t vp, uint32_t input, int set)
{
	const struct oracle_row *row = &w->oracle.row[r];
	struct w_call call = { HV_PARTITION_ID_SELF, w_index[vp], (uint8_t)input,
			       (uint8_t)set,	     row->name,	  { 0x1000, 0 },
			       { 0, 0, 0 } };
	struct attack attack = { set ? "set" : "get", row->name, w_index[vp], input };

	if (row->rule && row->rule->low)
		call.value = (struct hv_register_value){ row->rule->low, row->rule->high };
	w_arm(w, &call);
	if ((r + input + vp) & 1)
		in_registers(w, &call);
	ck_assert_uint_lt(w_go(w), 0x10000);
	assert_safe(w, &attack);
}

static uint64_t try_registers(struct world *w)
{
	static const uint8_t main_inputs[] = { 0x00, 0x01, 0x10, 0x11, 0x12, 0x1f };
	uint32_t r, vp, input, set;
	uint64_t n = 0;
	size_t i;

	for (r = 0; r < w->oracle.rows; r++)
		for (vp = 0; vp < W_VPS && w->oracle.row[r].is_named; vp++)
			for (input = 0; input < 0x100; input++)
				for (set = 0; set < 2; set++) {
					for (i = 0; i < 6 && main_inputs[i] != input; i++)
						;
					/* Of the main ones a third, of the others 1 of 40. */
					if (!is_all() && (r + vp + input + set) % (i < 6 ? 3 : 40))
						continue;
					try_register(w, r, vp, input, (int)set);
					n++;
				}
	return n;
}

static uint64_t try_msrs(struct world *w)
{
	static const uint64_t values[] = { 0, 1, 0x38001, ~0ull };
	uint64_t n = 0, value;
	uint32_t msr, i;

	for (msr = 0x40000000; msr < 0x40000200; msr++) {
		struct attack attack = { "MSR", msr, 0, 0 };

		value = 0;
		vsmtest_rdmsr(w->t, W_CALLER, msr, &value);
		ck_assert_msg(!has_mark(&value, sizeof(value)), "RDMSR %x", msr);
		for (i = 0; i < VSMTEST_COUNT(values); i++) {
			/* A locked hypercall page would end the test. */
			value = msr == HV_X64_MSR_HYPERCALL ? values[i] & ~2ull : values[i];
			attack.b = value;
			vsmtest_wrmsr(w->t, W_CALLER, msr, value);
			assert_safe(w, &attack);
			n += 2;
		}
	}
	return n;
}

/* Every call code in every form, for this partition, this VP, and a higher VTL. */
static uint64_t try_calls(struct world *w)
{
	static const uint64_t forms[] = { 0, HV_HYPERCALL_FAST,
					  1ull << HV_HYPERCALL_REP_COUNT_SHIFT,
					  1ull << HV_HYPERCALL_REP_COUNT_SHIFT |
						  HV_HYPERCALL_FAST };
	struct w_call call = { HV_PARTITION_ID_SELF, HV_VP_INDEX_SELF, 0x11, 0, 0x11, { 1, 1 },
			       { 0, 0, 0 } };
	uint32_t code, i;
	uint64_t n = 0;

	for (code = 0; code < 0x200; code++)
		for (i = 0; i < VSMTEST_COUNT(forms); i++) {
			struct attack attack = { "call", code, forms[i], 0 };

			/* To enter VTL1 by its own door is no attack. */
			if (code == HVCALL_VTL_CALL)
				continue;
			w_arm(w, &call);
			if (forms[i] & HV_HYPERCALL_FAST)
				in_registers(w, &call);
			w_put(w, HV_X64_REGISTER_RCX, code | forms[i]);
			w_go(w);
			assert_safe(w, &attack);
			n++;
		}
	return n;
}

static void attack_all(uint32_t vtls, uint32_t host_flags)
{
	struct world *w = planted(vtls, host_flags);
	uint64_t n = try_registers(w);

	n += try_msrs(w);
	n += try_calls(w);
	printf("# %llu combinations of VTL0 against %u VTLs\n", (unsigned long long)n, vtls);
	w_free(w);
	free(w);
}

START_TEST(vtl0_neither_sees_nor_changes_anything_of_vtl1)
{
	attack_all(2, 0);
}
END_TEST

START_TEST(vtl0_neither_sees_nor_changes_anything_of_vtl1_and_vtl2)
{
	attack_all(3, VSM_HOST_DR6_SHARED);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(two_vtls_keep_and_share_what_tlfs_15_11_says),
	VSMTEST_CASE(three_vtls_keep_and_share_what_tlfs_15_11_says),
	VSMTEST_CASE(the_list_has_the_registers_it_must_have),
	VSMTEST_CASE(every_synthetic_msr_has_an_instance_for_each_vtl_or_one_for_all),
	VSMTEST_CASE(vtl0_neither_sees_nor_changes_anything_of_vtl1),
	VSMTEST_CASE(vtl0_neither_sees_nor_changes_anything_of_vtl1_and_vtl2),
};

int main(void)
{
	return vsmtest_main("register_private", cases, VSMTEST_COUNT(cases));
}
