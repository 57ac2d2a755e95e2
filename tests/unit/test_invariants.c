/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Invariants of doc/hostile-cases.md, on random sequences beside a naive model, with failing
 * host ops:
 *
 *  I2  no sequence of VTL0 raises VTL0's rights on a page, or reads or writes what is VTL1's;
 *  I3  a hypercall touches memory with the rights of its caller;
 *  I4  when a change of rights has returned, table and host are as it says, and nobody has more;
 *  I5  a call that failed changed nothing, or exactly the first k elements that it reports.
 *
 * The machine moves now and then: it is saved and loaded elsewhere (I6), and nothing of the above
 * may tell. Each step checks all of them; the tests differ in who acts and what happens often.
 */
#include <stdio.h>

#include "invariant_model.h"
#include "random.h"
#include "vsmtest_internal.h"

#define STEPS_ALL   800000u
#define STEPS_SHORT (STEPS_ALL / 20)
#define MACHINE	    500u /* steps of one machine */

#define R   HV_MAP_GPA_READABLE
#define RX  (R | HV_MAP_GPA_KERNEL_EXECUTABLE | HV_MAP_GPA_USER_EXECUTABLE)
#define RW  (R | HV_MAP_GPA_WRITABLE)
#define RWX VSM_RIGHTS_ALL

static const uint32_t masks[] = { 0, R, RX, RW, RWX };
static const char secret[] = "VTL1's and nobody else's";

struct world {
	struct vsmtest *t;
	struct model_state m, before;
	uint64_t random;
	uint32_t vtl1_acts; /* VTL1 changes rights; else it only goes back. */
	uint32_t fail_one_in; /* Steps in which a host op may fail; 0: none. */
	uint32_t vp; /* Who acts */
	uint32_t by_vtl0; /* The step is VTL0's. */
	struct hv_register_value *canary[IM_VPS]; /* Private registers of VTL1 */
	uint64_t moves, moves_failed;
	uint64_t steps, allowed, denied, refused, failed, partial, intercepts, changes;
};

static uint32_t pick(struct world *w, uint32_t n)
{
	return (uint32_t)(random_next(&w->random) >> 20) % n;
}

static uint32_t active(const struct world *w)
{
	return w->m.active[w->vp];
}

/* VTL1 of VP 0 enables VTL1 on VP 1; both listen. */
static void second_vp(struct world *w)
{
	struct hv_initial_vp_context context;

	vsmtest_context64(&context);
	assert_status(vsmtest_enable_vp_vtl(w->t, 0, 1, 1, &context), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_prepare(w->t, 1), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_vtl_call(w->t, 1), VSM_VERDICT_SWITCHED);
	assert_verdict(vsmtest_synic_on(w->t, 1), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_vtl_return(w->t, 1, 1), VSM_VERDICT_SWITCHED);
	w->m.vtl1[1] = 1;
}

static void set_up(struct world *w)
{
	assert_status(vsmtest_enter_vtl1(w->t, 0), HV_STATUS_SUCCESS);
	w->m.vtl1[0] = w->m.active[0] = 1;
	if (pick(w, 4))
		second_vp(w);
}

/* Blocks of hypercalls stay usable for VTL0, whatever the default mask. */
static void open_blocks(struct world *w)
{
	const uint64_t gpn[] = { VSMTEST_IN_GPA(0) >> HV_PAGE_SHIFT,
				 VSMTEST_OUT_GPA(0) >> HV_PAGE_SHIFT,
				 VSMTEST_IN_GPA(1) >> HV_PAGE_SHIFT,
				 VSMTEST_OUT_GPA(1) >> HV_PAGE_SHIFT };

	vsmtest_no_faults(w->t);
	assert_status(vsmtest_modify(w->t, w->vp, RWX, gpn, 4), HV_STATUS_SUCCESS);
}

/* Pages that VTL0 may not read hold something that it must never see. */
static void hide(struct world *w, uint32_t page)
{
	uint8_t *ram = vsmtest_ram(w->t, im_gpa(page));

	for (uint32_t at = 0; at + sizeof(secret) <= VSMTEST_PAGE; at += 32)
		memcpy(ram + at, secret, sizeof(secret));
	im_take_bytes(&w->m, w->t, page);
}

static void keep_secrets(struct world *w)
{
	for (uint32_t page = 0; page < IM_PAGES; page++)
		if (im_is_ram(&w->m, page) && !(im_rights(&w->m, 0, page) & R))
			hide(w, page);
}

static int leaks(const void *bytes, size_t len)
{
	return memmem(bytes, len, secret, 8) != NULL;
}

/* VTL1 is told of a denied access, exactly; it takes the message and stays where it is. */
static void told(struct world *w, uint32_t page, uint32_t access)
{
	struct hv_message *slot = vsmtest_message(w->t, w->vp, 1);
	const struct hv_x64_memory_intercept_message *message = (const void *)slot->payload;

	ck_assert_uint_eq(slot->header.message_type, HVMSG_GPA_INTERCEPT);
	ck_assert_uint_eq(message->guest_physical_address / VSMTEST_PAGE,
			  im_gpa(page) / VSMTEST_PAGE);
	ck_assert_uint_eq(message->header.intercept_access_type, access);
	slot->header.message_type = HVMSG_NONE;
	w->m.active[w->vp] = 1;
	w->intercepts++;
}

/* What an exit must come to. -VSM_ERR_HOST: an op failed, and nothing has happened. */
static void expect(struct world *w, enum im_answer answer, int verdict, int allowed, uint32_t page,
		   uint32_t access)
{
	if (verdict == -VSM_ERR_HOST && w->t->faults_hit)
		return;
	switch (answer) {
	case IM_ALLOWED:
		assert_verdict(verdict, allowed);
		w->allowed++;
		return;
	case IM_DENIED:
		w->denied++;
		if (!w->m.vtl1[w->vp]) {
			assert_exception(w->t, w->vp, verdict, X86_GP);
			return;
		}
		assert_verdict(verdict, VSM_VERDICT_SWITCHED);
		told(w, page, access);
		return;
	case IM_OVERLAY:
		assert_verdict(verdict, VSM_VERDICT_EXCEPTION);
		return;
	case IM_NOTHING:
		assert_verdict(verdict, VSM_VERDICT_NOT_MINE);
		return;
	}
}

static void do_fault(struct world *w)
{
	uint32_t page = pick(w, IM_PAGES), access = pick(w, 3);
	enum im_answer answer = im_access(&w->m, active(w), page, access, 1);

	expect(w, answer, vsmtest_fault(w->t, w->vp, im_gpa(page) + pick(w, 4096), access),
	       VSM_VERDICT_RETRY, page, access);
}

static void do_question(struct world *w)
{
	static const uint32_t kinds[] = { VSM_ACCESS_READ, VSM_ACCESS_WRITE, VSM_ACCESS_EXECUTE };
	static const int errors[] = { 0, -VSM_ERR_DENIED, -VSM_ERR_DENIED, -VSM_ERR_RANGE };
	struct vsm_gpa_answer out = { .size = sizeof(out) };
	uint32_t page = pick(w, IM_PAGES), access = pick(w, 3), vtl = pick(w, 2);
	enum im_answer answer = im_access(&w->m, vtl, page, access, 1);

	assert_err(vsm_gpa_access(w->t->vsm, w->vp, vtl, im_gpa(page), 1, kinds[access], &out),
		   errors[answer]);
	if (answer != IM_NOTHING)
		ck_assert_uint_eq(out.vtl, answer == IM_DENIED);
}

/* An emulator for a VP, or a device for VTL0. */
static void do_transfer(struct world *w)
{
	static const int errors[] = { 0, -VSM_ERR_DENIED, -VSM_ERR_DENIED, -VSM_ERR_RANGE };
	uint32_t page = pick(w, IM_PAGES), access = pick(w, 2), dma = pick(w, 2);
	uint32_t vtl = dma ? 0 : active(w), who = dma ? VSM_VP_DMA : w->vp;
	enum im_answer answer = im_access(&w->m, vtl, page, access, !dma);
	uint64_t gpa = im_gpa(page) + 8 * pick(w, 480);
	uint8_t bytes[64];
	int err;

	memset(bytes, (int)pick(w, 256), sizeof(bytes));
	err = access ? vsmtest_gpa_write(w->t, who, vtl, gpa, bytes, sizeof(bytes)) :
		       vsmtest_gpa_read(w->t, who, vtl, gpa, bytes, sizeof(bytes));
	if (err == -VSM_ERR_HOST && w->t->faults_hit)
		return;
	assert_err(err, errors[answer]);
	if (vtl == 0 && !access)
		ck_assert_msg(!leaks(bytes, sizeof(bytes)) ||
				      (answer == IM_ALLOWED && leaks(w->m.bytes[page], 4096)),
			      "VTL0 reads what is VTL1's");
	w->allowed += err == 0;
	w->denied += err == -VSM_ERR_DENIED;
}

/* I3: GetVpRegisters with its input or its output in some page. */
static void do_hypercall(struct world *w)
{
	struct {
		struct hv_input_get_vp_registers header;
		uint32_t name;
	} in = { { HV_PARTITION_ID_SELF, HV_VP_INDEX_SELF, 0, { 0 } }, HV_X64_REGISTER_CR2 };
	uint32_t page = pick(w, IM_PAGES), access = pick(w, 2);
	enum im_answer answer = im_access(&w->m, active(w), page, access, 0);
	uint64_t gpa = im_gpa(page) + 8 * pick(w, 500);
	uint64_t input = access ? VSMTEST_IN_GPA(w->vp) : gpa;
	int verdict;

	if (access)
		memcpy(vsmtest_ram(w->t, input), &in, sizeof(in));
	verdict = vsmtest_hypercall(w->t, w->vp, VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 1), input,
				    access ? gpa : VSMTEST_OUT_GPA(w->vp));
	if (answer != IM_NOTHING) {
		expect(w, answer, verdict, VSM_VERDICT_RESUME, page, access);
	} else if (verdict != -VSM_ERR_HOST || !w->t->faults_hit) {
		assert_verdict(verdict, VSM_VERDICT_RESUME);
		assert_status(vsmtest_status(w->t, w->vp), HV_STATUS_INVALID_ALIGNMENT);
	}
	ck_assert_msg(active(w) || !leaks(vsmtest_ram(w->t, VSMTEST_OUT_GPA(w->vp)), 64),
		      "output with VTL1's bytes");
}

static void do_overlay(struct world *w)
{
	static const uint32_t msrs[] = { HV_X64_MSR_VP_ASSIST_PAGE, HV_X64_MSR_SIMP,
					 HV_X64_MSR_SIEFP };
	uint32_t which = 3 * w->vp + pick(w, 3), page = pick(w, IM_PAGES), on = pick(w, 3) != 0;
	int verdict;

	verdict = vsmtest_wrmsr(w->t, w->vp, msrs[which % 3], im_gpa(page) | on);
	if (verdict == VSM_VERDICT_EXCEPTION && w->t->faults_hit)
		return;
	assert_verdict(verdict, VSM_VERDICT_RESUME);
	im_place(&w->m, which, on, page);
}

/* VTL0 asks for rights in VTL1's set, by name or as if it were its own. */
static uint32_t modify_of(struct world *w, uint8_t target)
{
	struct vsmtest_modify in;

	vsmtest_modify_init(&in, masks[pick(w, 5)]);
	in.header.target_vtl = target;
	in.page[0] = im_gpa(pick(w, IM_PAGES)) >> HV_PAGE_SHIFT;
	return vsmtest_modify_call(w->t, w->vp, &in, 1);
}

/* Whatever VTL0 says to VTL1's protections and registers is refused. */
static void do_forbidden(struct world *w)
{
	static const uint32_t names[] = {
		HV_X64_REGISTER_RIP, HV_X64_REGISTER_CR3,	 HV_REGISTER_VSM_PARTITION_CONFIG,
		HV_REGISTER_SIMP,    HV_REGISTER_VP_ASSIST_PAGE, HV_X64_REGISTER_LSTAR,
		HV_REGISTER_SIEFP,
	};
	struct hv_register_value out = { 0x77, 0x77 }, in = { pick(w, 4096), 0 };
	uint32_t name = names[pick(w, VSMTEST_COUNT(names))], what = pick(w, 4);
	struct hv_initial_vp_context context;
	uint32_t status;

	vsmtest_context64(&context);
	if (what == 0)
		status = modify_of(w, pick(w, 2) ? VSMTEST_VTL(1) : 0);
	else if (what == 1)
		status = vsmtest_set_of(w->t, w->vp, HV_VP_INDEX_SELF, VSMTEST_VTL(1), name, in);
	else if (what == 2)
		status = vsmtest_get_of(w->t, w->vp, HV_VP_INDEX_SELF, VSMTEST_VTL(1), name, &out);
	else
		status = vsmtest_enable_vp_vtl(w->t, w->vp, pick(w, 2), 1, &context);
	ck_assert_uint_ne(status, HV_STATUS_SUCCESS);
	if (!w->t->faults_hit)
		ck_assert_uint_lt(status, 0x10000);
	ck_assert_uint_eq(out.low, 0x77);
	w->refused++;
}

static void do_call(struct world *w)
{
	int verdict = vsmtest_vtl_call(w->t, w->vp);

	if (!w->m.vtl1[w->vp]) {
		if (verdict != -VSM_ERR_HOST)
			assert_exception(w->t, w->vp, verdict, X86_UD);
		return;
	}
	if (verdict == -VSM_ERR_HOST && w->t->faults_hit)
		return;
	assert_verdict(verdict, VSM_VERDICT_SWITCHED);
	w->m.active[w->vp] = 1;
}

static void do_return(struct world *w)
{
	int verdict = vsmtest_vtl_return(w->t, w->vp, 1);

	if (verdict == -VSM_ERR_HOST && w->t->faults_hit)
		return;
	assert_verdict(verdict, VSM_VERDICT_SWITCHED);
	w->m.active[w->vp] = 0;
}

/* The same exit once more after a failure, as the VMM does; then it must come to a status. */
static uint32_t once_more(struct world *w, uint32_t status)
{
	int verdict;

	if (status != VSMTEST_VERDICT(-VSM_ERR_HOST) || !w->t->faults_hit)
		return status;
	vsmtest_no_faults(w->t);
	do
		verdict = vsmtest_again(w->t, w->vp);
	while (verdict == VSM_VERDICT_RETRY);
	return verdict == VSM_VERDICT_RESUME ? vsmtest_status(w->t, w->vp) :
					       VSMTEST_VERDICT(verdict);
}

/* I5: a list of pages, one of them perhaps no RAM, and a host that may give up within. */
static void do_modify(struct world *w)
{
	uint32_t mask = masks[pick(w, 5)], count = 1 + pick(w, 12), good = count, status;
	uint32_t page[12];
	uint64_t gpn[12];

	for (uint32_t i = 0; i < count; i++) {
		page[i] = pick(w, IM_PAGES);
		gpn[i] = im_gpa(page[i]) >> HV_PAGE_SHIFT;
		if (pick(w, 40) == 0)
			gpn[i] = pick(w, 2) ? VSMTEST_HOLE_GPA >> HV_PAGE_SHIFT : 1ull << 52;
		if (good == count &&
		    (!im_is_ram(&w->m, page[i]) || gpn[i] != im_gpa(page[i]) >> HV_PAGE_SHIFT))
			good = i;
	}
	if (w->fail_one_in && pick(w, w->fail_one_in) == 0) {
		/* Not two: a host that cannot go back either has lost, and its VP runs no more. */
		w->t->fault_any = 0;
		vsmtest_fail_op(w->t, VSMTEST_PROTECT, 1, 1, -VSM_ERR_HOST);
		w->t->fault[VSMTEST_PROTECT].done = pick(w, 3);
	}
	status = once_more(w, vsmtest_modify(w->t, w->vp, mask, gpn, count));
	if (!w->m.protects) {
		assert_status(status, HV_STATUS_ACCESS_DENIED);
		w->refused++;
		return;
	}
	ck_assert_uint_lt(status, 0x10000);
	ck_assert_uint_le(w->t->reps, good);
	if (!w->t->faults_hit) {
		assert_status(status,
			      good < count ? HV_STATUS_INVALID_PARAMETER : HV_STATUS_SUCCESS);
		ck_assert_uint_eq(w->t->reps, good);
	}
	if (status == HV_STATUS_SUCCESS)
		ck_assert_uint_eq(w->t->reps, count);
	for (uint32_t i = 0; i < w->t->reps; i++)
		w->m.code[page[i]] = 0x10 | mask;
	w->partial += w->t->reps && w->t->reps < count;
	w->changes += w->t->reps != 0;
	keep_secrets(w);
}

/* Protections on, once, with a default mask; afterwards neither may be changed (TLFS 15.9.1). */
static void do_config(struct world *w)
{
	uint32_t mask = masks[pick(w, 5)], on = pick(w, 4) != 0, status;

	status = once_more(w, vsmtest_set(w->t, w->vp, 0, HV_REGISTER_VSM_PARTITION_CONFIG,
					  on | mask << 1));
	if (w->m.protects && (!on || mask != w->m.default_mask)) {
		ck_assert_uint_ne(status, HV_STATUS_SUCCESS);
		w->refused++;
		return;
	}
	if (status != HV_STATUS_SUCCESS) {
		ck_assert_uint_ne(w->t->faults_hit, 0);
		return;
	}
	w->m.protects = on;
	w->m.default_mask = mask;
	if (on)
		open_blocks(w);
	keep_secrets(w);
}

static void do_hot_add(struct world *w)
{
	uint32_t page = IM_LOW + IM_HIGH + w->m.hot;
	int err;

	if (w->m.hot == IM_HOT)
		return;
	err = vsmtest_hot_add(w->t, im_gpa(page), VSMTEST_PAGE);
	if ((err == -VSM_ERR_HOST || err == -VSM_ERR_NOMEM) && w->t->faults_hit)
		return;
	assert_err(err, 0);
	w->m.hot++;
	keep_secrets(w);
}

static void do_reset(struct world *w)
{
	vsmtest_no_faults(w->t);
	assert_err(vsmtest_reset(w->t), 0);
	im_reset(&w->m, w->t);
	im_compare(&w->m, w->t);
	set_up(w);
}

/* Saved here and loaded elsewhere; the host there may fail, and then it is done once more. */
static void do_move(struct world *w)
{
	struct vsmtest *twin = vsmtest_twin(w->t);
	uint8_t *bytes = NULL;
	size_t size = 0;
	int err;

	ck_assert_ptr_nonnull(twin);
	vsmtest_no_faults(w->t);
	assert_err(vsmtest_save(w->t, &bytes, &size), 0);
	if (w->fail_one_in)
		twin->fault_any = 1 + pick(w, 6);
	err = vsmtest_load(twin, bytes, size);
	if (err == -VSM_ERR_HOST && twin->faults_hit) {
		vsmtest_no_faults(twin);
		w->moves_failed++;
		err = vsmtest_load(twin, bytes, size);
	}
	assert_err(err, 0);
	free(bytes);
	vsmtest_free(w->t);
	w->t = twin;
	w->moves++;
}

static void canaries_take(struct world *w)
{
	for (uint32_t vp = 0; vp < IM_VPS; vp++)
		memcpy(w->canary[vp], vsmtest_file_of(&w->t->vp[vp], 1, 0)->values,
		       w->t->rows * sizeof(*w->canary[vp]));
}

/* Private registers of VTL1 are as they were. */
static void canaries_check(struct world *w)
{
	for (uint32_t vp = 0; vp < IM_VPS; vp++) {
		const struct vsmtest_file *file = vsmtest_file_of(&w->t->vp[vp], 1, 0);

		for (uint32_t i = 0; i < w->t->rows && w->m.vtl1[vp]; i++) {
			const struct vsm_register_info *row = &w->t->row[i];

			/* Only what ops may name is kept by the host. */
			if (row->group == 0 || vsmtest_row_shared(w->t, row))
				continue;
			IM_CHECK(memcmp(&file->values[i], &w->canary[vp][i],
					sizeof(file->values[i])) == 0,
				 "VTL1's %s of VP %u has changed", row->text, vp);
		}
	}
}

/* What the step may have written, and what VTL0 may have got by it. */
static void check_step(struct world *w)
{
	for (uint32_t page = 0; page < IM_PAGES; page++) {
		uint32_t had = im_rights(&w->before, 0, page), has = im_rights(&w->m, 0, page);

		if (!im_is_ram(&w->m, page))
			continue;
		if (w->by_vtl0) {
			IM_CHECK((has & ~had) == 0, "VTL0 has gained rights to page %u", page);
			IM_CHECK((had & HV_MAP_GPA_WRITABLE) || im_bytes_same(&w->m, w->t, page),
				 "VTL0 has written page %u", page);
		}
		im_take_bytes(&w->m, w->t, page);
	}
	if (w->by_vtl0)
		canaries_check(w);
	im_compare(&w->m, w->t);
	w->failed += w->t->faults_hit;
}

/* A host that fails has done less than all. */
static void less_than_all(struct vsmtest *t, enum vsmtest_op op, uint32_t vp)
{
	uint32_t count = (uint32_t)t->call[(t->calls - 1) % VSMTEST_MAX_CALLS].b;

	(void)vp;
	if (op == VSMTEST_PROTECT && t->fault[op].done >= count)
		t->fault[op].done = count - 1;
}

typedef void (*action)(struct world *w);

static action choose(struct world *w)
{
	static const action vtl0[] = { do_fault,    do_fault,	  do_question,	do_transfer,
				       do_transfer, do_hypercall, do_hypercall, do_overlay,
				       do_overlay,  do_forbidden, do_call };
	static const action vtl1[] = { do_modify, do_modify,	do_modify,   do_modify, do_config,
				       do_fault,  do_hypercall, do_question, do_return, do_return };
	uint32_t rare = pick(w, 300);

	if (w->vtl1_acts && rare == 0)
		return do_reset;
	if (w->vtl1_acts && rare < 4)
		return do_hot_add;
	if (rare < 8)
		return do_move;
	if (active(w) == 0)
		return vtl0[pick(w, VSMTEST_COUNT(vtl0))];
	return w->vtl1_acts ? vtl1[pick(w, VSMTEST_COUNT(vtl1))] : do_return;
}

static void step(struct world *w)
{
	action act;

	w->vp = pick(w, IM_VPS);
	act = choose(w);
	w->by_vtl0 = active(w) == 0 && act != do_reset && act != do_hot_add && act != do_move;
	w->before = w->m;
	canaries_take(w);
	w->t->faults_hit = 0;
	if (w->fail_one_in && pick(w, w->fail_one_in) == 0 && act != do_reset && act != do_move) {
		w->t->fault_any = w->t->failable + 1 + pick(w, 6);
		w->t->fault_result = pick(w, 2) ? -VSM_ERR_HOST : -VSM_ERR_NOMEM;
	}
	act(w);
	vsmtest_no_faults(w->t);
	check_step(w);
	w->steps++;
}

static void machine(struct world *w, uint32_t steps)
{
	struct vsmtest_opts opts;

	vsmtest_opts_init(&opts);
	opts.vps = opts.config.max_vps = IM_VPS;
	if (pick(w, 2))
		opts.config.hypercall_budget = 1 + pick(w, 5);
	w->t = vsmtest_new(&opts);
	for (uint32_t vp = 0; vp < IM_VPS; vp++)
		w->canary[vp] = calloc(w->t->rows, sizeof(*w->canary[vp]));
	w->t->hook = less_than_all;
	w->m.hot = 0;
	im_reset(&w->m, w->t);
	set_up(w);
	if (!w->vtl1_acts) {
		/* A world for VTL0 to break out of. */
		w->vp = 0;
		while (!w->m.protects)
			do_config(w);
		for (uint32_t i = 0; i < 12; i++) {
			do_modify(w);
			vsmtest_no_faults(w->t);
			w->t->faults_hit = 0;
		}
		do_return(w);
	}
	while (steps-- > 0)
		step(w);
	for (uint32_t vp = 0; vp < IM_VPS; vp++)
		free(w->canary[vp]);
	vsmtest_free(w->t);
}

static void run(struct world *w, uint32_t share)
{
	uint32_t steps = (getenv("VSM_TEST_ALL") ? STEPS_ALL : STEPS_SHORT) / share;

	for (uint32_t done = 0; done < steps; done += MACHINE)
		machine(w, MACHINE);
	printf("# %llu steps: %llu accesses allowed, %llu denied, %llu intercepts, %llu calls refused, "
	       "%llu lists, %llu of them in part, %llu failures of the host, %llu moves, %llu of them at the second try\n",
	       (unsigned long long)w->steps, (unsigned long long)w->allowed,
	       (unsigned long long)w->denied, (unsigned long long)w->intercepts,
	       (unsigned long long)w->refused, (unsigned long long)w->changes,
	       (unsigned long long)w->partial, (unsigned long long)w->failed,
	       (unsigned long long)w->moves, (unsigned long long)w->moves_failed);
	ck_assert_uint_gt(w->moves, w->steps / 200);
	ck_assert_uint_gt(w->allowed, w->steps / 20);
	ck_assert_uint_gt(w->denied, w->steps / 40);
	ck_assert_uint_gt(w->refused, w->steps / 100);
}

START_TEST(i2_vtl0_alone_gains_nothing)
{
	static struct world w = { .random = 0x9e3779b97f4a7c15ull };

	run(&w, 4);
	ck_assert_uint_gt(w.intercepts, w.steps / 100);
}
END_TEST

START_TEST(i3_hypercalls_have_the_rights_of_their_caller)
{
	static struct world w = { .random = 0xd1b54a32d192ed03ull, .fail_one_in = 20 };

	run(&w, 4);
	ck_assert_uint_gt(w.intercepts, w.steps / 100);
	ck_assert_uint_gt(w.failed, w.steps / 200);
}
END_TEST

START_TEST(i4_rights_hold_when_the_call_has_returned)
{
	static struct world w = { .random = 0x8cb92ba72f3d8dd7ull, .vtl1_acts = 1 };

	run(&w, 4);
	ck_assert_uint_gt(w.changes, w.steps / 20);
}
END_TEST

START_TEST(i5_a_failed_call_changes_nothing_or_the_first_k)
{
	static struct world w = { .random = 0xaaaaaaaaaaaaaaabull,
				  .vtl1_acts = 1,
				  .fail_one_in = 3 };

	run(&w, 4);
	ck_assert_uint_gt(w.failed, w.steps / 20);
	ck_assert_uint_gt(w.partial, w.steps / 200);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(i2_vtl0_alone_gains_nothing),
	VSMTEST_CASE(i3_hypercalls_have_the_rights_of_their_caller),
	VSMTEST_CASE(i4_rights_hold_when_the_call_has_returned),
	VSMTEST_CASE(i5_a_failed_call_changes_nothing_or_the_first_k),
};

int main(void)
{
	return vsmtest_main("invariants", cases, VSMTEST_COUNT(cases));
}
