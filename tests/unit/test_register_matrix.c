/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Get/SetVpRegisters of every register, by every VTL, of every VTL, on every kind of VP, with
 * values of every kind (TLFS 7.10, 15.3, 15.11). What is to come out says register_oracle.h.
 */
#include "random.h"
#include "register_world.h"

#define TWENTIETH 20u

/* Whose registers are asked for. */
enum who {
	WHO_SELF,
	WHO_OWN_INDEX,
	WHO_IDLE,
	WHO_RUNNING,
	WHO_POOR,
	WHO_ABSENT,
	WHO_STRANGER, /* Of another partition. */
	WHOS
};

enum act {
	ACT_GET,
	ACT_SET_RESET, /* The value of a new VTL. */
	ACT_SET_OTHER, /* Another legal value. */
	ACT_SET_BAD, /* One with a reserved bit. */
	ACT_SET_ELEMENT, /* A reserved bit of the element. */
	ACTS
};

/* One combination. */
struct combination {
	const struct oracle_row *row;
	uint32_t who;
	uint32_t act;
	uint8_t input;
	struct hv_register_value value;
};

/* What is to come out of it. */
struct outcome {
	uint32_t status;
	uint32_t remote; /* The thread of the other VP has to look. */
	uint32_t vp;
	uint32_t vtl;
	uint32_t where; /* VTL in which the host has the register. */
};

struct tally {
	uint64_t done;
	uint64_t accepted;
	uint64_t remote;
};

static int is_all(void)
{
	return getenv("VSM_TEST_ALL") != NULL;
}

static uint32_t vp_of(uint32_t who)
{
	static const uint32_t vps[] = { W_CALLER, W_CALLER, W_IDLE, W_RUNNING, W_POOR };

	return who < VSMTEST_COUNT(vps) ? vps[who] : W_CALLER;
}

static uint32_t index_of(uint32_t who)
{
	if (who == WHO_SELF || who == WHO_STRANGER)
		return HV_VP_INDEX_SELF;
	return who == WHO_ABSENT ? 3 : w_index[vp_of(who)];
}

/* TLFS 15.3: what the header of the call says, in the order in which it is looked at. */
static uint32_t header_status(const struct world *w, const struct combination *c,
			      struct outcome *out)
{
	if (c->input & 0xe0)
		return HV_STATUS_INVALID_PARAMETER;
	out->vtl = c->input & 0x10 ? c->input & 0xfu : w->vtl;
	out->vp = vp_of(c->who);
	if (c->who == WHO_STRANGER)
		return HV_STATUS_ACCESS_DENIED;
	if (c->who == WHO_ABSENT)
		return HV_STATUS_INVALID_VP_INDEX;
	return out->vtl > w->vtl ? HV_STATUS_ACCESS_DENIED : HV_STATUS_SUCCESS;
}

/* Has each VTL of each VP its own? */
static int is_private(const struct world *w, const struct oracle_row *row)
{
	return !(row->rule->is & O_WIDE) && !oracle_shared(row, w->t);
}

/* TLFS 7.10: a call cannot set what it needs itself to come to its end. */
static int is_under_way(const struct world *w, const struct combination *c,
			const struct outcome *out)
{
	if (out->vp != W_CALLER)
		return 0;
	if (out->vtl == w->vtl && (c->row->rule->is & O_OWN) != O_OWN)
		return 1;
	return c->row->name == HV_X64_REGISTER_RAX || c->row->name == HV_X64_REGISTER_RCX ||
	       c->row->name == HV_X64_REGISTER_RDX;
}

static uint32_t element_status(const struct world *w, const struct combination *c,
			       struct outcome *out)
{
	const struct oracle_rule *rule = c->row->rule;
	int set = c->act != ACT_GET;

	if (c->act == ACT_SET_ELEMENT || !rule || (set && (rule->is & O_RW) != O_RW))
		return HV_STATUS_INVALID_PARAMETER;
	if ((rule->is & O_VTL1) && out->vtl == 0)
		return HV_STATUS_INVALID_PARAMETER;
	if (is_private(w, c->row) && !(w->library.enabled[out->vp] >> out->vtl & 1))
		return HV_STATUS_INVALID_VTL_STATE;
	if (set && is_under_way(w, c, out))
		return HV_STATUS_ACCESS_DENIED;
	if (c->row->name == HV_REGISTER_PENDING_EVENT0 &&
	    (out->vp != W_CALLER || out->vtl >= w->vtl))
		return HV_STATUS_INVALID_PARAMETER;
	out->where = out->vtl;
	if (!(rule->is & O_LIB)) {
		out->remote = out->vp != W_CALLER;
		if (oracle_shared(c->row, w->t))
			out->where = w->library.active[out->vp];
		/* What a higher VTL computes in is nobody's business. */
		if (out->where > w->vtl)
			return HV_STATUS_ACCESS_DENIED;
	}
	return c->act == ACT_SET_BAD ? HV_STATUS_INVALID_REGISTER_VALUE : HV_STATUS_SUCCESS;
}

static struct outcome predict(const struct world *w, const struct combination *c)
{
	struct outcome out = { 0 };

	out.status = header_status(w, c, &out);
	if (out.status == HV_STATUS_SUCCESS)
		out.status = element_status(w, c, &out);
	return out;
}

/* Where the mirror has a register of the library that can be written; NULL: elsewhere. */
static uint64_t *library_twin(struct world *w, uint32_t name, uint32_t vp, uint32_t vtl)
{
	static const uint32_t wide[] = { HV_REGISTER_GUEST_OS_ID, HV_REGISTER_HYPERCALL,
					 HV_REGISTER_REFERENCE_TSC,
					 HV_REGISTER_VSM_PARTITION_CONFIG };
	static const uint32_t of_vp[] = { HV_REGISTER_VP_ASSIST_PAGE, HV_REGISTER_SIMP,
					  HV_REGISTER_SIEFP,	      HV_REGISTER_SCONTROL,
					  HV_REGISTER_SINT0,	      HV_REGISTER_PENDING_EVENT0 };
	size_t i;

	for (i = 0; i < VSMTEST_COUNT(wide); i++)
		if (wide[i] == name)
			return &w->library.wide[vtl][i];
	for (i = 0; i < VSMTEST_COUNT(of_vp); i++)
		if (of_vp[i] == name)
			return &w->library.vp[vp][vtl][i];
	if (name >= HV_REGISTER_CRASH_P0 && name <= HV_REGISTER_CRASH_P4)
		return &w->library.crash[name - HV_REGISTER_CRASH_P0];
	return NULL;
}

/* TLFS 7.8.2: each of these is a CPUID leaf as EAX, EBX, ECX, EDX. */
static struct hv_register_value cpuid_value(const struct world *w, uint32_t name)
{
	struct vsm_cpuid leaf;

	assert_err(vsm_cpuid_get(w->t->vsm,
				 name == HV_REGISTER_HYPERVISOR_VERSION ? 0x40000002 :
									  0x40000003 + name - 0x200,
				 &leaf),
		   0);
	return (struct hv_register_value){ leaf.eax | (uint64_t)leaf.ebx << 32,
					   leaf.ecx | (uint64_t)leaf.edx << 32 };
}

static uint64_t constant_value(struct world *w, uint32_t name, const struct outcome *out)
{
	switch (name) {
	case HV_REGISTER_CRASH_CTL:
		return 0xc000000000000000;
	case HV_REGISTER_TSC_FREQUENCY:
		return w->t->opts.tsc_hz / 1000;
	case HV_REGISTER_APIC_FREQUENCY:
		return W_APIC_HZ / 1000;
	case HV_X64_REGISTER_INITIAL_APIC_ID:
		return w->t->opts.apic_id[out->vp];
	case HV_REGISTER_VP_INDEX:
		return w_index[out->vp];
	case HV_REGISTER_TIME_REF_COUNT: /* In 100 ns; the clock of the fake host stands. */
		return W_TICKS * 10000000 / w->t->opts.tsc_hz;
	case HV_REGISTER_SVERSION:
		return 1;
	case HV_REGISTER_VSM_CODE_PAGE_OFFSETS: /* Stubs of the mode of the VTL (TLFS 15.8). */
		return vsmtest_reg(w->t, W_CALLER, out->vtl, HV_X64_REGISTER_EFER) & 0x400 ?
			       0x0002600f :
			       0x0001b004;
	case HV_REGISTER_VSM_VP_STATUS:
		return w->library.active[out->vp] | (uint64_t)w->library.enabled[out->vp] << 16;
	case HV_REGISTER_VSM_PARTITION_STATUS:
		return w->library.enabled[W_VPS] | (w->vtls - 1ull) << 16;
	case HV_REGISTER_VSM_CAPABILITIES:
		return w->t->opts.config.host_flags & VSM_HOST_DR6_SHARED ? 1 : 0;
	default:
		ck_abort_msg("register %x has no value", name);
		return 0;
	}
}

/* What a register reads as before the call. */
static struct hv_register_value value_of(struct world *w, const struct oracle_row *row,
					 const struct outcome *out)
{
	const uint64_t *at = library_twin(w, row->name, out->vp, out->vtl);
	struct hv_register_value value = { 0, 0 };

	if (!(row->rule->is & O_LIB))
		return *vsmtest_slot(w->t, out->vp, out->where, row->name);
	if (row->name == HV_REGISTER_HYPERVISOR_VERSION ||
	    (row->name >= HV_REGISTER_PRIVILEGES_AND_FEATURES_INFO &&
	     row->name <= HV_REGISTER_ISOLATION_CONFIGURATION))
		return cpuid_value(w, row->name);
	value.low = at ? *at : constant_value(w, row->name, out);
	if (row->name == HV_REGISTER_PENDING_EVENT0)
		value.high = at[1];
	return value;
}

static int same_value(struct hv_register_value a, struct hv_register_value b)
{
	return a.low == b.low && a.high == b.high;
}

/* An exception that is queued, as the host of the lower VTL has it. */
static void expect_event(struct world *w, const struct combination *c, const struct outcome *out)
{
	uint64_t low = c->value.low, *at = library_twin(w, c->row->name, out->vp, out->vtl);
	struct vsmtest_file *real = w->t->opts.model == VSMTEST_SWAPPED &&
						    out->vtl == w->t->vp[out->vp].loaded ?
					    &w->t->vp[out->vp].cpu :
					    &w->t->vp[out->vp].file[out->vtl];
	struct vsmtest_file *file = real == &w->t->vp[out->vp].cpu ? &w->mirror[out->vp][W_VTLS] :
								     &w->mirror[out->vp][out->vtl];

	memset(&file->event, 0, sizeof(file->event));
	file->has_event = low & 1;
	at[0] = file->has_event ? low : 0;
	at[1] = file->has_event ? c->value.high : 0;
	if (!file->has_event)
		return;
	file->event.vector = (uint8_t)(low >> 16);
	file->event.has_error_code = low >> 8 & 1;
	file->event.error_code = file->event.has_error_code ? (uint32_t)(low >> 32) : 0;
	file->event.has_parameter = file->event.vector == 14 || file->event.vector == 1;
	file->event.parameter = file->event.has_parameter ? c->value.high : 0;
}

/* TLFS 3.13: a guest without identity has no hypercall page. */
static void expect_identity(struct world *w, uint32_t vtl)
{
	if (w->library.wide[vtl][0] == 0)
		w->library.wide[vtl][1] &= ~HV_X64_MSR_HYPERCALL_ENABLE;
}

/* The one thing that a Set changes, in the mirror. */
static void expect_set(struct world *w, const struct combination *c, const struct outcome *out)
{
	uint64_t *at;

	if (!(c->row->rule->is & O_LIB)) {
		w_expect(w, out->vp, out->where, c->row->name, c->value);
		return;
	}
	if (c->row->name == HV_REGISTER_PENDING_EVENT0) {
		expect_event(w, c, out);
		return;
	}
	at = library_twin(w, c->row->name, out->vp, out->vtl);
	if (at)
		*at = c->value.low;
	expect_identity(w, out->vtl);
}

static void describe(const struct world *w, const struct combination *c, const char *what)
{
	ck_abort_msg("%s, act %u, value %llx:%llx, by VTL%u of %u, input VTL %x, VP kind %u: %s",
		     c->row->text, c->act, (unsigned long long)c->value.high,
		     (unsigned long long)c->value.low, w->vtl, w->vtls, c->input, c->who, what);
}

/* Status, reps completed, output, who was kicked, and that nothing else has changed. */
static void check(struct world *w, const struct combination *c, const struct outcome *want,
		  struct hv_register_value value, uint32_t status)
{
	static const struct hv_register_value untouched = { 0xeeeeeeeeeeeeeeee,
							    0xeeeeeeeeeeeeeeee };
	const struct hv_register_value *out = vsmtest_out(w->t, W_CALLER);
	uint64_t result = want->status | (want->status ? 0 : 1ull << 32);
	int is_read = c->act == ACT_GET && want->status == HV_STATUS_SUCCESS;
	char text[96];

	if (status != want->status) {
		snprintf(text, sizeof(text), "%s, not %s", vsmtest_status_text(status),
			 vsmtest_status_text(want->status));
		describe(w, c, text);
	}
	if (w->result != result)
		describe(w, c, "wrong count of reps completed");
	if (!same_value(out[0], is_read ? value : untouched)) {
		snprintf(text, sizeof(text), "output %llx:%llx, not %llx:%llx",
			 (unsigned long long)out[0].high, (unsigned long long)out[0].low,
			 (unsigned long long)value.high, (unsigned long long)value.low);
		describe(w, c, text);
	}
	if (!same_value(out[1], untouched) || !same_value(out[2], untouched))
		describe(w, c, "more output than one element");
	if (w->blocked != want->remote)
		describe(w, c, want->remote ? "the VP was not asked" : "the VP was asked");
	if (w->kicks && want->status && !want->remote)
		describe(w, c, "a refusal with a kick");
	if (!w_same(w))
		describe(w, c, "something else has changed, or the register has not");
}

static void run(struct world *w, const struct combination *c, struct tally *tally)
{
	struct w_call call = { c->who == WHO_STRANGER ? 0x1234 : HV_PARTITION_ID_SELF,
			       index_of(c->who),
			       c->input,
			       c->act != ACT_GET,
			       c->row->name,
			       c->value,
			       { 0, 0, 0 } };
	struct outcome want = predict(w, c);
	struct hv_register_value value = { 0, 0 };
	uint32_t status;

	if (c->act == ACT_SET_ELEMENT)
		call.reserved[tally->done % 3] = 1u << tally->done % 32;
	w_arm(w, &call);
	if (c->act == ACT_GET && want.status == HV_STATUS_SUCCESS)
		value = value_of(w, c->row, &want);
	status = w_go(w);
	if (c->act != ACT_GET && want.status == HV_STATUS_SUCCESS)
		expect_set(w, c, &want);
	check(w, c, &want, value, status);
	tally->done++;
	tally->accepted += want.status == HV_STATUS_SUCCESS;
	tally->remote += want.remote;
	/* A VTL that took its own hypercall page away gets it back, as MSRs can. */
	if (!(w->library.wide[w->vtl][1] & HV_X64_MSR_HYPERCALL_ENABLE)) {
		assert_verdict(vsmtest_hypercalls_on(w->t, W_CALLER), VSM_VERDICT_RESUME);
		w_read_library(w, &w->library);
	}
}

/* A value for a Set that the oracle has an opinion on; 0: this register has none such. */
static int choose_value(struct combination *c, uint32_t salt)
{
	const struct oracle_rule *rule = c->row->rule;
	uint32_t i, bit;

	c->value = (struct hv_register_value){ 0, 0 };
	if (c->act == ACT_GET)
		return 1;
	if (!rule || (rule->is & O_RW) != O_RW)
		return c->act != ACT_SET_BAD;
	c->value = (struct hv_register_value){ rule->reset, 0 };
	if (c->act == ACT_SET_RESET)
		return 1;
	c->value = (struct hv_register_value){ rule->low, rule->high };
	if (c->act != ACT_SET_BAD)
		return 1;
	for (i = 0; i < 128; i++) {
		bit = (salt + i) % 128;
		if ((bit < 64 ? rule->bad_low >> bit : rule->bad_high >> (bit - 64)) & 1)
			break;
	}
	if (i == 128)
		return 0;
	if (bit < 64)
		c->value.low ^= 1ull << bit;
	else
		c->value.high ^= 1ull << (bit - 64);
	return 1;
}

static const uint8_t inputs[] = { 0x00, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x1f, 0x20, 0x40, 0x80, 0xf1 };

/* Which combinations have appeared in the runs of one test. */
struct coverage {
	uint8_t caller[ORACLE_ROWS_MAX][W_VTLS];
	uint8_t input[ORACLE_ROWS_MAX][VSMTEST_COUNT(inputs)];
	uint8_t who[ORACLE_ROWS_MAX][WHOS];
	uint8_t act[ORACLE_ROWS_MAX][ACTS];
};

static void all_registers(struct world *w, struct coverage *seen, struct tally *tally)
{
	const uint32_t combinations = WHOS * ACTS * VSMTEST_COUNT(inputs);
	uint32_t r, i;

	for (i = 0; i < combinations * w->oracle.rows; i++) {
		uint32_t in = i / w->oracle.rows % VSMTEST_COUNT(inputs);
		uint32_t mixed = i / w->oracle.rows / VSMTEST_COUNT(inputs);
		struct combination c = { 0 };

		r = i % w->oracle.rows;
		c.row = &w->oracle.row[r];
		c.who = mixed % WHOS;
		c.act = mixed / WHOS;
		c.input = inputs[in];
		/* A mix in which any two of the numbers run through everything. */
		if (!is_all() && (r + 7 * in + 3 * c.who + 11 * c.act + 13 * w->vtl) % TWENTIETH)
			continue;
		if (!c.row->is_named || !choose_value(&c, i * 31))
			continue;
		run(w, &c, tally);
		seen->caller[r][w->vtl] = seen->input[r][in] = 1;
		seen->who[r][c.who] = seen->act[r][c.act] = 1;
	}
}

static int is_covered(const struct world *w, const struct coverage *seen, uint32_t r)
{
	const struct oracle_row *row = &w->oracle.row[r];
	uint32_t i, n = 0;

	for (i = 0; i < w->vtls; i++)
		n += seen->caller[r][i];
	for (i = 0; i < VSMTEST_COUNT(inputs); i++)
		n += seen->input[r][i];
	for (i = 0; i < WHOS; i++)
		n += seen->who[r][i];
	for (i = ACT_GET; i < ACTS; i++)
		n += i != ACT_SET_BAD && seen->act[r][i];
	return !row->is_named || n == w->vtls + VSMTEST_COUNT(inputs) + WHOS + ACTS - 1;
}

static void matrix(uint32_t vtls, uint32_t host_flags)
{
	struct tally tally = { 0 };
	struct world *w = malloc(sizeof(*w));
	struct coverage *seen = calloc(1, sizeof(*seen));
	uint32_t vtl, r;

	for (vtl = 0; vtl < vtls; vtl++) {
		w_new(w, vtls, vtl, host_flags);
		w_fill(w);
		w_sync(w);
		w_start_thread(w);
		all_registers(w, seen, &tally);
		if (vtl < vtls - 1)
			w_free(w);
	}
	for (r = 0; r < w->oracle.rows; r++)
		ck_assert_msg(is_covered(w, seen, r), "%s was left out", w->oracle.row[r].text);
	w_free(w);
	free(seen);
	free(w);
	ck_assert_uint_gt(tally.accepted, 100);
	ck_assert_uint_gt(tally.remote, 50);
	printf("# %llu combinations with %u VTLs: %llu accepted, %llu through another VP\n",
	       (unsigned long long)tally.done, vtls, (unsigned long long)tally.accepted,
	       (unsigned long long)tally.remote);
}

START_TEST(every_register_by_two_vtls)
{
	matrix(2, 0);
}
END_TEST

START_TEST(every_register_by_three_vtls)
{
	matrix(3, VSM_HOST_DR6_SHARED);
}
END_TEST

/* Each bit of each register that can be written. */
static void all_bits(struct world *w, const struct oracle_row *row, uint32_t who, uint8_t input,
		     struct tally *tally)
{
	struct combination c = {
		row, who, ACT_SET_OTHER, input, { row->rule->low, row->rule->high }
	};
	uint32_t bit;

	/* So that the flips start from the legal value, and from a known one. */
	if (predict(w, &c).status != HV_STATUS_SUCCESS)
		return;
	run(w, &c, tally);
	for (bit = 0; bit < 128; bit++) {
		uint64_t mask = 1ull << bit % 64;
		int is_bad = ((bit < 64 ? row->rule->bad_low : row->rule->bad_high) & mask) != 0;
		int is_free = ((bit < 64 ? row->rule->free_low : row->rule->free_high) & mask) != 0;

		/* A free bit at each of its positions, and a bad one, in turn. */
		if (!is_all() && (bit + row->name + 3 * who + 7u * input) % TWENTIETH)
			continue;
		if (!is_bad && !is_free)
			continue;
		ck_assert_msg(is_bad != is_free, "%s: bit %u", row->text, bit);
		c.act = is_bad ? ACT_SET_BAD : ACT_SET_OTHER;
		c.value.low = row->rule->low ^ (bit < 64 ? mask : 0);
		c.value.high = row->rule->high ^ (bit < 64 ? 0 : mask);
		run(w, &c, tally);
		c.act = ACT_GET;
		run(w, &c, tally);
	}
}

static void bits(uint32_t vtls)
{
	static const uint32_t whos[] = { WHO_SELF, WHO_IDLE, WHO_RUNNING };
	struct tally tally = { 0 };
	struct world *w = malloc(sizeof(*w));
	uint32_t vtl, target, r, k;

	for (vtl = 0; vtl < vtls; vtl++) {
		w_new(w, vtls, vtl, 0);
		w_fill(w);
		w_sync(w);
		w_start_thread(w);
		for (r = 0; r < w->oracle.rows; r++) {
			const struct oracle_row *row = &w->oracle.row[r];

			if (!row->rule || (row->rule->is & O_RW) != O_RW)
				continue;
			for (k = 0; k < VSMTEST_COUNT(whos); k++)
				for (target = 0; target <= vtl; target++)
					all_bits(w, row, whos[k], VSMTEST_VTL(target), &tally);
		}
		w_free(w);
	}
	free(w);
	printf("# %llu combinations of bits with %u VTLs\n", (unsigned long long)tally.done, vtls);
}

START_TEST(every_bit_of_every_register_by_two_vtls)
{
	bits(2);
}
END_TEST

START_TEST(every_bit_of_every_register_by_three_vtls)
{
	bits(3);
}
END_TEST

/* The name space. */

struct names {
	struct world *w;
	uint64_t done;
	uint32_t gets; /* regs_get and regs_set in a call that is refused. */
	uint32_t sets;
};

/* A name that no register has, by the highest VTL of the lowest: nothing else stands in the way. */
static void try_name(struct names *names, uint32_t name, int set)
{
	static const uint32_t whos[] = { WHO_SELF, WHO_IDLE, WHO_RUNNING };
	struct world *w = names->w;
	uint32_t gets = w->t->count[VSMTEST_REGS_GET], sets = w->t->count[VSMTEST_REGS_SET], status;
	struct w_call call = { HV_PARTITION_ID_SELF,
			       index_of(whos[names->done % 3]),
			       names->done % 2 ? VSMTEST_VTL(0) : 0,
			       (uint8_t)set,
			       name,
			       { 0, 0 },
			       { 0, 0, 0 } };

	w_arm(w, &call);
	status = w_go(w);
	ck_assert_msg(status == HV_STATUS_INVALID_PARAMETER && w->result == status, "%s %x: %s",
		      set ? "set" : "get", name, vsmtest_status_text(status));
	gets = w->t->count[VSMTEST_REGS_GET] - gets;
	sets = w->t->count[VSMTEST_REGS_SET] - sets;
	if (names->done == 0) {
		names->gets = gets;
		names->sets = sets;
	}
	/* Not more is asked of the host than the call itself takes. */
	ck_assert_msg(gets == names->gets && sets == names->sets && w->kicks == 0,
		      "%x: the host was asked", name);
	/* A full look at all state now and then: it is never put back. */
	if (names->done % 32 == 0)
		ck_assert_msg(w_same(w), "%x: something has changed", name);
	names->done++;
}

static void try_both(struct names *names, uint32_t name)
{
	if (oracle_knows(&names->w->oracle, name))
		return;
	try_name(names, name, 0);
	try_name(names, name, 1);
}

static void names_begin(struct names *names, struct world *w)
{
	memset(names, 0, sizeof(*names));
	names->w = w;
	w_new(w, 2, 1, 0);
	w_fill(w);
	w_sync(w);
	/* Some untouched page of the output is looked at as a whole at the end. */
	memset(vsmtest_out(w->t, W_CALLER), 0xee, VSMTEST_PAGE);
}

static void names_end(struct names *names, const char *which)
{
	const uint8_t *out = vsmtest_out(names->w->t, W_CALLER);
	uint32_t i;

	for (i = 0; i < VSMTEST_PAGE && out[i] == 0xee; i++)
		;
	ck_assert_msg(i == VSMTEST_PAGE, "output byte %u was written", i);
	ck_assert(w_same(names->w));
	w_free(names->w);
	free(names->w);
	printf("# %llu combinations of unknown names, %s\n", (unsigned long long)names->done,
	       which);
}

START_TEST(names_one_bit_away_from_a_register)
{
	struct names names;
	uint32_t r, bit;

	names_begin(&names, malloc(sizeof(struct world)));
	for (r = 0; r < names.w->oracle.rows; r++)
		for (bit = 0; bit < 32 && names.w->oracle.row[r].is_named; bit++)
			try_both(&names, names.w->oracle.row[r].name ^ 1u << bit);
	names_end(&names, "one bit away");
}
END_TEST

START_TEST(names_in_the_block_of_a_register)
{
	uint32_t step = is_all() ? 1 : TWENTIETH;
	uint8_t seen[0x100] = { 0 };
	struct names names;
	uint32_t r, k, block;

	names_begin(&names, malloc(sizeof(struct world)));
	for (r = 0; r < names.w->oracle.rows; r++) {
		block = names.w->oracle.row[r].name >> 16;
		ck_assert_uint_lt(block, sizeof(seen));
		if (!names.w->oracle.row[r].is_named || seen[block])
			continue;
		seen[block] = 1;
		for (k = r % step; k < 0x10000; k += step)
			try_both(&names, block << 16 | k);
	}
	names_end(&names, "blocks of registers");
}
END_TEST

START_TEST(names_anywhere)
{
	uint32_t count = is_all() ? 400000 : 400000 / TWENTIETH;
	uint64_t seed = 0x9e3779b97f4a7c15;
	struct names names;
	uint32_t i;

	names_begin(&names, malloc(sizeof(struct world)));
	for (i = 0; i < count; i++) {
		try_both(&names, (uint32_t)(random_next(&seed) >> 32));
	}
	names_end(&names, "anywhere");
}
END_TEST

/* TLFS 15.3: what VSM added is closed to a guest without AccessVsm; the rest is as ever. */
START_TEST(without_access_vsm_its_registers_are_denied)
{
	struct hv_register_value zero = { 0, 0 };
	struct vsmtest_opts opts;
	struct oracle oracle;
	struct vsmtest *t;
	uint32_t r, want, denied = 0, n = 0;

	oracle_load(&oracle);
	vsmtest_opts_init(&opts);
	opts.null_ops = VSMTEST_BIT(VSMTEST_SWITCH_VTL);
	t = vsmtest_new(&opts);
	t->relaxed = 1;
	assert_verdict(vsmtest_hypercalls_on(t, 0), VSM_VERDICT_RESUME);
	for (r = 0; r < oracle.rows; r++) {
		const struct oracle_row *row = &oracle.row[r];

		if (!row->is_named || row->name >> 16 != 0xd)
			continue;
		want = HV_STATUS_INVALID_PARAMETER; /* PartitionConfig: VTL0 has none. */
		if (row->rule && !(row->rule->is & O_VTL1))
			want = HV_STATUS_ACCESS_DENIED;
		denied += want == HV_STATUS_ACCESS_DENIED;
		assert_status(vsmtest_get(t, 0, 0, row->name, NULL), want);
		/* To write what is read-only is wrong before it is forbidden. */
		assert_status(vsmtest_set_of(t, 0, HV_VP_INDEX_SELF, 0, row->name, zero),
			      HV_STATUS_INVALID_PARAMETER);
		/* And VTL1 is above VTL0 before all of it. */
		assert_status(vsmtest_get(t, 0, VSMTEST_VTL(1), row->name, NULL),
			      HV_STATUS_ACCESS_DENIED);
		n++;
	}
	ck_assert_uint_eq(denied, 4);
	ck_assert_uint_eq(n, 23);
	assert_status(vsmtest_get(t, 0, 0, HV_X64_REGISTER_CR3, NULL), HV_STATUS_SUCCESS);
	vsmtest_free(t);
}
END_TEST

/* TLFS 15.8: the offsets of the stubs that fit the mode of the VTL that is asked about. */
START_TEST(code_page_offsets_follow_the_mode_of_the_vtl)
{
	const uint32_t name = HV_REGISTER_VSM_CODE_PAGE_OFFSETS;
	struct world *w = malloc(sizeof(*w));
	struct hv_initial_vp_context context;
	struct hv_register_value value;

	w_new(w, 3, 2, 0);
	ck_assert_uint_eq(vsmtest_value(w->t, W_CALLER, VSMTEST_VTL(1), name), 0x0002600f);
	vsmtest_reg_set(w->t, W_CALLER, 1, HV_X64_REGISTER_EFER, 0);
	ck_assert_uint_eq(vsmtest_value(w->t, W_CALLER, VSMTEST_VTL(1), name), 0x0001b004);
	ck_assert_uint_eq(vsmtest_value(w->t, W_CALLER, VSMTEST_VTL(2), name), 0x0002600f);
	/* A VP that has VTL0 and VTL2 only, */
	assert_verdict(vsmtest_vtl_call(w->t, W_POOR), VSM_VERDICT_SWITCHED);
	assert_status(vsmtest_get(w->t, W_POOR, VSMTEST_VTL(1), name, &value),
		      HV_STATUS_INVALID_VTL_STATE);
	/* until another one gives it a VTL1 while it runs. */
	vsmtest_context32(&context);
	assert_status(vsmtest_enable_vp_vtl(w->t, W_CALLER, w_index[W_POOR], 1, &context),
		      HV_STATUS_SUCCESS);
	ck_assert_uint_eq(vsmtest_value(w->t, W_POOR, VSMTEST_VTL(1), name), 0x0001b004);
	w_free(w);
	free(w);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(every_register_by_two_vtls),
	VSMTEST_CASE(every_register_by_three_vtls),
	VSMTEST_CASE(every_bit_of_every_register_by_two_vtls),
	VSMTEST_CASE(every_bit_of_every_register_by_three_vtls),
	VSMTEST_CASE(names_one_bit_away_from_a_register),
	VSMTEST_CASE(names_in_the_block_of_a_register),
	VSMTEST_CASE(names_anywhere),
	VSMTEST_CASE(without_access_vsm_its_registers_are_denied),
	VSMTEST_CASE(code_page_offsets_follow_the_mode_of_the_vtl),
};

int main(void)
{
	return vsmtest_main("register_matrix", cases, VSMTEST_COUNT(cases));
}
