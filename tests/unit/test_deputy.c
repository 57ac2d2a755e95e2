/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The confused deputy: VTL0 names a page that only VTL1 may touch, and libvsm or a device is to
 * touch it instead. Refused or intercepted, and not one byte of memory differs afterwards. The
 * numbers are those of doc/hostile-cases.md.
 */
#define _POSIX_C_SOURCE 200112L

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "vsmtest.h"

#define SECRET VSMTEST_DATA_GPA
#define OTHER  (VSMTEST_DATA_GPA + 8 * VSMTEST_PAGE)
#define X86_MC 18u

/* The masks under which a page is not VTL0's: no access, and for writes also read-only. */
static const uint32_t masks[] = { 0, HV_MAP_GPA_READABLE };
#define MASKS 2u

/* The overlay pages that a guest can place (TLFS 3.13, ch. 12, 7.8.7, 11.8.2). */
static const struct {
	const char *name;
	uint32_t msr;
	uint32_t rights;
} overlays[] = {
	{ "hypercall page", HV_X64_MSR_HYPERCALL, HV_MAP_GPA_READABLE | HV_MAP_GPA_EXECUTABLE },
	{ "reference TSC page", HV_X64_MSR_REFERENCE_TSC, HV_MAP_GPA_READABLE },
	{ "assist page", HV_X64_MSR_VP_ASSIST_PAGE, HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE },
	{ "message page", HV_X64_MSR_SIMP, HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE },
	{ "event flags page", HV_X64_MSR_SIEFP, HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE },
};
#define OVERLAYS 5u

/* All of RAM and of the rights that the host enforces. */
struct snapshot {
	uint8_t *bytes;
};

#define SNAPSHOT_SIZE (VSMTEST_RAM0_SIZE + VSMTEST_RAM1_SIZE + 2 * VSMTEST_PAGES)

static void take(struct vsmtest *t, uint8_t *to)
{
	memcpy(to, t->ram[0], VSMTEST_RAM0_SIZE);
	memcpy(to + VSMTEST_RAM0_SIZE, t->ram[1], VSMTEST_RAM1_SIZE);
	memcpy(to + VSMTEST_RAM0_SIZE + VSMTEST_RAM1_SIZE, t->view[0], VSMTEST_PAGES);
	memcpy(to + VSMTEST_RAM0_SIZE + VSMTEST_RAM1_SIZE + VSMTEST_PAGES, t->view[1],
	       VSMTEST_PAGES);
}

static struct snapshot snap(struct vsmtest *t)
{
	struct snapshot s = { malloc(SNAPSHOT_SIZE) };

	take(t, s.bytes);
	return s;
}

static void unchanged(struct vsmtest *t, struct snapshot *s, const char *what)
{
	uint8_t *now = malloc(SNAPSHOT_SIZE);

	take(t, now);
	ck_assert_msg(memcmp(now, s->bytes, SNAPSHOT_SIZE) == 0, "%s: memory differs", what);
	free(now);
	free(s->bytes);
	s->bytes = NULL;
}

/* VTL1 owns SECRET, which is full of 0x5e, and VTL0 runs. */
static struct vsmtest *with_secret(uint32_t mask)
{
	struct vsmtest *t = vsmtest_new(NULL);

	memset(vsmtest_ram(t, SECRET), 0x5e, VSMTEST_PAGE);
	memset(vsmtest_ram(t, OTHER), 0x0a, VSMTEST_PAGE);
	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, mask, SECRET), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_view(t, 0, SECRET), mask);
	return t;
}

/* VTL1 was told of an access to SECRET; back to VTL0. */
static void told(struct vsmtest *t, uint32_t access, uint64_t gpa)
{
	struct hv_message *message = vsmtest_message(t, 0, 1);
	uint64_t where;

	ck_assert_uint_eq(vsm_vp_active_vtl(t->vp[0].vp), 1);
	ck_assert_uint_eq(message->header.message_type, HVMSG_GPA_INTERCEPT);
	ck_assert_uint_eq(message->payload[5], access);
	memcpy(&where, &message->payload[56], sizeof(where));
	ck_assert_uint_eq(where, gpa);
	memset(message, 0, sizeof(*message));
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
}

/* GetVpRegisters of one register: 20 bytes of input, 16 of output. */
static int get_call(struct vsmtest *t, uint64_t in, uint64_t out)
{
	return vsmtest_hypercall(t, 0, VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 1), in, out);
}

static void put_get_input(struct vsmtest *t, uint64_t gpa)
{
	struct hv_input_get_vp_registers in = { .partition_id = HV_PARTITION_ID_SELF,
						.vp_index = HV_VP_INDEX_SELF };
	uint32_t name = HV_REGISTER_VP_INDEX;

	memcpy(vsmtest_ram(t, gpa), &in, sizeof(in));
	memcpy(vsmtest_ram(t, gpa) + sizeof(in), &name, sizeof(name));
}

/* Case 6: each call with a memory form, its input in the secret page. */
START_TEST(case_6_hypercall_input)
{
	struct vsmtest *t = with_secret(0);
	uint32_t calls = 0;

	for (uint32_t i = 0; i < vsm_hypercall_count(); i++) {
		struct vsm_hypercall_info info = { .size = sizeof(info) };
		struct snapshot s = snap(t);
		uint64_t control;

		assert_err(vsm_hypercall_info(i, &info), 0);
		control = info.kind == VSM_HYPERCALL_REP ? VSMTEST_REP(info.code, 1) :
							   VSMTEST_SIMPLE(info.code);
		if (info.kind == VSM_HYPERCALL_VTL || info.fixed_in + info.rep_in == 0) {
			free(s.bytes);
			continue;
		}
		if (vsmtest_hypercall(t, 0, control, SECRET + 8, VSMTEST_OUT_GPA(0)) ==
		    VSM_VERDICT_SWITCHED) {
			told(t, HV_INTERCEPT_ACCESS_READ, SECRET + 8);
			calls++;
		} else {
			/* Refused before its input was looked at: there is no such call here. */
			ck_assert_uint_ne(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
		}
		unchanged(t, &s, info.name);
	}
	ck_assert_uint_ge(calls, 6);
	vsmtest_free(t);
}
END_TEST

/* Case 6: the output, in a page that VTL0 may not touch, or may only read. */
START_TEST(case_6_hypercall_output)
{
	for (uint32_t m = 0; m < MASKS; m++) {
		struct vsmtest *t = with_secret(masks[m]);
		struct snapshot s;

		put_get_input(t, VSMTEST_IN_GPA(0));
		s = snap(t);
		assert_verdict(get_call(t, VSMTEST_IN_GPA(0), SECRET + 16), VSM_VERDICT_SWITCHED);
		told(t, HV_INTERCEPT_ACCESS_WRITE, SECRET + 16);
		/* The same where the last byte is what is denied. */
		assert_verdict(get_call(t, VSMTEST_IN_GPA(0), SECRET + VSMTEST_PAGE - 16),
			       VSM_VERDICT_SWITCHED);
		told(t, HV_INTERCEPT_ACCESS_WRITE, SECRET + VSMTEST_PAGE - 16);
		/* Crossing into it from a page of VTL0's own. */
		assert_verdict(get_call(t, VSMTEST_IN_GPA(0), SECRET - 8), VSM_VERDICT_RESUME);
		assert_status(vsmtest_status(t, 0), HV_STATUS_INVALID_ALIGNMENT);
		unchanged(t, &s, "output");
		vsmtest_free(t);
	}
}
END_TEST

/* Case 6, 28: an overlay of VTL0 over the secret page: seen instead of it, never written into
 * it. */
START_TEST(case_6_overlay_pages)
{
	for (uint32_t i = 0; i < OVERLAYS * MASKS; i++) {
		uint32_t o = i / MASKS;
		struct vsmtest *t = with_secret(masks[i % MASKS]);
		struct snapshot s = snap(t);
		uint8_t bytes[VSMTEST_PAGE], secret[VSMTEST_PAGE];
		int writable = (overlays[o].rights & HV_MAP_GPA_WRITABLE) != 0;

		memset(secret, 0x5e, sizeof(secret));
		assert_verdict(vsmtest_wrmsr(t, 0, overlays[o].msr, SECRET | 1),
			       VSM_VERDICT_RESUME);
		/* The emulator of the host reads the overlay for VTL0, and no byte of the page. */
		assert_err(vsmtest_gpa_read(t, 0, 0, SECRET, bytes, sizeof(bytes)), 0);
		ck_assert_msg(memcmp(bytes, secret, 64) != 0, "%s", overlays[o].name);
		ck_assert_mem_eq(bytes, vsmtest_see(t, 0, SECRET), sizeof(bytes));
		assert_err(vsmtest_gpa_write(t, 0, 0, SECRET + 8, "mine", 4),
			   writable ? 0 : -VSM_ERR_DENIED);
		if (writable)
			ck_assert_mem_eq(vsmtest_see(t, 0, SECRET + 8), "mine", 4);
		/* Nor does it make the page a hypercall block, a page table or a DMA buffer. */
		put_get_input(t, VSMTEST_IN_GPA(0));
		put_get_input(t, OTHER);
		free(s.bytes);
		s = snap(t);
		if (overlays[o].msr != HV_X64_MSR_HYPERCALL) {
			assert_verdict(get_call(t, VSMTEST_IN_GPA(0), SECRET),
				       VSM_VERDICT_SWITCHED);
			told(t, HV_INTERCEPT_ACCESS_WRITE, SECRET);
		}
		assert_err(vsmtest_gpa_write(t, VSM_VP_DMA, 0, SECRET, "mine", 4), -VSM_ERR_DENIED);
		assert_verdict(vsmtest_wrmsr(t, 0, overlays[o].msr, 0), VSM_VERDICT_RESUME);
		unchanged(t, &s, overlays[o].name);
		ck_assert_mem_eq(vsmtest_ram(t, SECRET), secret, sizeof(secret));
		assert_verdict(vsmtest_fault(t, 0, SECRET, HV_INTERCEPT_ACCESS_WRITE),
			       VSM_VERDICT_SWITCHED);
		vsmtest_free(t);
	}
}
END_TEST

/* A message of VTL0's own SynIC does not exist here; VTL1's goes to VTL1's page whatever VTL0 laid
 * over it, and VTL0 does not get to see it. */
START_TEST(case_6_messages_and_entry_reasons_stay_in_their_vtl)
{
	struct vsmtest *t = with_secret(0);
	const uint64_t simp = VSMTEST_SIMP_GPA(0, 1), assist = VSMTEST_ASSIST_GPA(0, 1);
	struct snapshot s;

	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, simp | 1), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_VP_ASSIST_PAGE, assist | 1),
		       VSM_VERDICT_RESUME);
	s = snap(t);
	assert_verdict(vsmtest_fault(t, 0, SECRET, HV_INTERCEPT_ACCESS_READ), VSM_VERDICT_SWITCHED);
	ck_assert_uint_eq(vsmtest_message(t, 0, 1)->header.message_type, HVMSG_GPA_INTERCEPT);
	ck_assert_uint_eq(vsmtest_assist(t, 0, 1)->vtl_control.entry_reason,
			  HV_VTL_ENTRY_INTERRUPT);
	for (uint32_t i = 0; i < VSMTEST_PAGE; i++) {
		ck_assert_uint_eq(vsmtest_see(t, 0, simp)[i], 0);
		ck_assert_uint_eq(vsmtest_see(t, 0, assist)[i], 0);
	}
	unchanged(t, &s, "messages");
	vsmtest_free(t);
}
END_TEST

/* Case 6: what the processor, or a host's walker, reads of a page table and writes into it. */
START_TEST(case_6_page_tables)
{
	for (uint32_t m = 0; m < MASKS; m++) {
		struct vsmtest *t = with_secret(masks[m]);
		struct vsm_gpa_answer answer = { .size = sizeof(answer) };
		struct vsm_memory_fault fault;
		struct snapshot s = snap(t);

		assert_err(vsm_gpa_access(t->vsm, 0, 0, SECRET + 0x18, 8,
					  VSM_ACCESS_READ | VSM_ACCESS_WALK, &answer),
			   masks[m] ? 0 : -VSM_ERR_DENIED);
		/* Accessed and dirty bits. */
		assert_err(vsm_gpa_access(t->vsm, 0, 0, SECRET + 0x18, 8,
					  VSM_ACCESS_READ | VSM_ACCESS_WRITE | VSM_ACCESS_WALK,
					  &answer),
			   -VSM_ERR_DENIED);
		ck_assert_uint_eq(answer.vtl, 1);
		vsmtest_fault_init(&fault, SECRET + 0x18, HV_INTERCEPT_ACCESS_WRITE);
		fault.flags &= ~VSM_FAULT_FINAL;
		assert_verdict(vsmtest_memory_fault(t, 0, &fault), VSM_VERDICT_SWITCHED);
		ck_assert_uint_eq(vsmtest_message(t, 0, 1)->payload[45] &
					  HV_X64_MEMORY_ACCESS_GVA_GPA_VALID,
				  0);
		told(t, HV_INTERCEPT_ACCESS_WRITE, SECRET + 0x18);
		unchanged(t, &s, "page table");
		vsmtest_free(t);
	}
}
END_TEST

/* Case 6: a device is programmed by VTL0, and has its rights, also while VTL1 runs. */
START_TEST(case_6_dma)
{
	for (uint32_t m = 0; m < MASKS; m++) {
		struct vsmtest *t = with_secret(masks[m]);
		uint8_t bytes[2 * VSMTEST_PAGE], zero[sizeof(bytes)] = { 0 };
		struct snapshot s = snap(t);
		uint32_t vtl;

		for (vtl = 0; vtl < 2; vtl++) {
			memset(bytes, 0xdd, sizeof(bytes));
			assert_err(vsmtest_gpa_write(t, VSM_VP_DMA, 0, SECRET + 4, bytes, 1),
				   -VSM_ERR_DENIED);
			assert_err(vsmtest_gpa_write(t, VSM_VP_DMA, 0, SECRET - VSMTEST_PAGE, bytes,
						     sizeof(bytes)),
				   -VSM_ERR_DENIED);
			assert_err(vsmtest_gpa_write(t, VSM_VP_DMA, 0, SECRET, bytes,
						     sizeof(bytes)),
				   -VSM_ERR_DENIED);
			if (masks[m] == 0) {
				assert_err(vsmtest_gpa_read(t, VSM_VP_DMA, 0, SECRET - 8, bytes,
							    sizeof(bytes)),
					   -VSM_ERR_DENIED);
				ck_assert_mem_eq(bytes, zero, sizeof(bytes));
			}
			assert_verdict(vtl ? vsmtest_vtl_return(t, 0, 1) : vsmtest_vtl_call(t, 0),
				       VSM_VERDICT_SWITCHED);
		}
		unchanged(t, &s, "DMA");
		vsmtest_free(t);
	}
}
END_TEST

/* Case 28: two overlays on one protected page, removed in both orders; rights change beneath. */
START_TEST(case_28_two_overlays_over_a_protected_page)
{
	uint32_t rounds = 0;

	for (uint32_t a = 0; a < OVERLAYS; a++)
		for (uint32_t b = 0; b < OVERLAYS; b++)
			for (uint32_t order = 0; order < 2 && a != b; order++) {
				struct vsmtest *t = with_secret(0);
				struct snapshot s = snap(t);
				uint32_t first = order ? a : b, last = order ? b : a;
				uint8_t hc = 0;

				assert_verdict(vsmtest_wrmsr(t, 0, overlays[a].msr, SECRET | 1),
					       VSM_VERDICT_RESUME);
				assert_verdict(vsmtest_wrmsr(t, 0, overlays[b].msr, SECRET | 1),
					       VSM_VERDICT_RESUME);
				ck_assert_uint_eq(vsmtest_overlay(t, 0, SECRET)->rights,
						  overlays[b].rights);
				if (overlays[b].rights & HV_MAP_GPA_WRITABLE)
					memset(vsmtest_see(t, 0, SECRET), 0x77, VSMTEST_PAGE);
				ck_assert_uint_eq(*vsmtest_see(t, 1, SECRET), 0x5e);
				assert_verdict(vsmtest_wrmsr(t, 0, overlays[first].msr, 0),
					       VSM_VERDICT_RESUME);
				ck_assert_uint_eq(vsmtest_overlay(t, 0, SECRET)->rights,
						  overlays[last].rights);
				assert_verdict(vsmtest_wrmsr(t, 0, overlays[last].msr, 0),
					       VSM_VERDICT_RESUME);
				ck_assert_ptr_null(vsmtest_overlay(t, 0, SECRET));
				unchanged(t, &s, "two overlays");
				assert_err(vsmtest_gpa_read(t, 0, 0, SECRET, &hc, 1),
					   -VSM_ERR_DENIED);
				assert_verdict(vsmtest_fault(t, 0, SECRET,
							     HV_INTERCEPT_ACCESS_READ),
					       VSM_VERDICT_SWITCHED);
				vsmtest_free(t);
				rounds++;
			}
	ck_assert_uint_eq(rounds, OVERLAYS * (OVERLAYS - 1) * MASKS);
}
END_TEST

/* Case 28: VTL1 takes and gives rights beneath; the overlay keeps its own, the page gets the
 * new. */
START_TEST(case_28_rights_change_beneath_an_overlay)
{
	struct vsmtest *t = with_secret(HV_MAP_GPA_READABLE);
	uint8_t byte = 1;

	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, SECRET | 1), VSM_VERDICT_RESUME);
	assert_verdict(vsmtest_vtl_call(t, 0), VSM_VERDICT_SWITCHED);
	assert_status(vsmtest_modify_gpa(t, 0, 0, SECRET), HV_STATUS_SUCCESS);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	assert_err(vsmtest_gpa_write(t, 0, 0, SECRET, &byte, 1), 0);
	assert_err(vsmtest_gpa_write(t, VSM_VP_DMA, 0, SECRET, &byte, 1), -VSM_ERR_DENIED);
	ck_assert_uint_eq(vsmtest_overlay(t, 0, SECRET)->rights,
			  HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE);
	assert_verdict(vsmtest_wrmsr(t, 0, HV_X64_MSR_SIMP, 0), VSM_VERDICT_RESUME);
	ck_assert_uint_eq(vsmtest_view(t, 0, SECRET), 0);
	ck_assert_uint_eq(*vsmtest_ram(t, SECRET), 0x5e);
	assert_err(vsmtest_gpa_read(t, 0, 0, SECRET, &byte, 1), -VSM_ERR_DENIED);
	vsmtest_free(t);
}
END_TEST

/* Case 29: zero over dirty memory, the contents survive a move, all is gone after a reset. */
START_TEST(case_29_overlays_over_dirty_memory)
{
	static const uint32_t data_pages[] = { HV_X64_MSR_VP_ASSIST_PAGE, HV_X64_MSR_SIMP,
					       HV_X64_MSR_SIEFP };

	for (uint32_t i = 0; i < VSMTEST_COUNT(data_pages); i++) {
		struct vsmtest *t = vsmtest_new(NULL);
		uint8_t zero[VSMTEST_PAGE] = { 0 }, bytes[VSMTEST_PAGE];

		memset(vsmtest_ram(t, SECRET), 0xd1, VSMTEST_PAGE);
		memset(vsmtest_ram(t, OTHER), 0xd2, VSMTEST_PAGE);
		assert_verdict(vsmtest_wrmsr(t, 0, data_pages[i], SECRET | 1), VSM_VERDICT_RESUME);
		assert_err(vsmtest_gpa_read(t, 0, 0, SECRET, bytes, sizeof(bytes)), 0);
		ck_assert_mem_eq(bytes, zero, sizeof(zero));
		assert_err(vsmtest_gpa_write(t, 0, 0, SECRET + 0x800, "kept", 4), 0);
		assert_verdict(vsmtest_wrmsr(t, 0, data_pages[i], OTHER | 1), VSM_VERDICT_RESUME);
		assert_err(vsmtest_gpa_read(t, 0, 0, OTHER + 0x800, bytes, 4), 0);
		ck_assert_mem_eq(bytes, "kept", 4);
		assert_err(vsmtest_gpa_read(t, 0, 0, SECRET + 0x800, bytes, 4), 0);
		ck_assert_mem_eq(bytes, "\xd1\xd1\xd1\xd1", 4);
		assert_err(vsmtest_reset(t), 0);
		ck_assert_uint_eq(vsmtest_overlays(t, 0), 0);
		assert_err(vsmtest_gpa_read(t, 0, 0, OTHER + 0x800, bytes, 4), 0);
		ck_assert_mem_eq(bytes, "\xd2\xd2\xd2\xd2", 4);
		assert_verdict(vsmtest_wrmsr(t, 0, data_pages[i], OTHER | 1), VSM_VERDICT_RESUME);
		assert_err(vsmtest_gpa_read(t, 0, 0, OTHER, bytes, sizeof(bytes)), 0);
		ck_assert_mem_eq(bytes, zero, sizeof(zero));
		vsmtest_free(t);
	}
}
END_TEST

/* Case 15, 32: VP 1 is in the host's gpa_write for VTL0 when VTL1 of VP 0 takes the page away. The
 * call that does so has its result only when that write is over. */
static struct {
	int armed;
	uint32_t status;
	int verdict;
} revoker;

static void *revoke(void *opaque)
{
	struct vsmtest *t = opaque;

	revoker.status = vsmtest_modify_gpa(t, 0, 0, OTHER);
	revoker.verdict = vsmtest_prepare(t, 0);
	return NULL;
}

static void revoke_in_op(struct vsmtest *t, enum vsmtest_op op, uint32_t vp)
{
	enum vsmtest_op wanted = revoker.armed == 1 ? VSMTEST_GPA_WRITE : VSMTEST_GPA_READ;
	pthread_t thread;

	(void)vp;
	if (op != wanted || !revoker.armed)
		return;
	revoker.armed = 0;
	pthread_create(&thread, NULL, revoke, t);
	pthread_join(thread, NULL);
}

START_TEST(case_15_a_right_is_gone_when_the_last_access_is_over)
{
	for (uint32_t i = 0; i < 4; i++) {
		struct hv_input_get_vp_registers in = { .partition_id = HV_PARTITION_ID_SELF,
							.vp_index = HV_VP_INDEX_SELF };
		uint32_t name = HV_REGISTER_VP_INDEX, writes = i % 2;
		struct vsmtest_opts opts;
		struct vsmtest *t;
		int verdict;

		vsmtest_opts_init(&opts);
		opts.vps = 2;
		if (i >= 2)
			opts.config.host_flags = VSM_HOST_PROTECT_FLUSHES;
		t = vsmtest_new(&opts);
		assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
		t->relaxed = 1; /* The op itself sees the page go. */
		t->threads = 1;
		memcpy(vsmtest_ram(t, OTHER), &in, sizeof(in));
		memcpy(vsmtest_ram(t, OTHER) + sizeof(in), &name, sizeof(name));
		memcpy(vsmtest_ram(t, VSMTEST_IN_GPA(1)), vsmtest_ram(t, OTHER), 64);
		revoker.armed = writes ? 1 : 2;
		t->hook = revoke_in_op;
		t->vp[0].kicks = 0;
		/* `revoke` makes entries of VP 0 meanwhile, on a thread of its own. */
		verdict = vsmtest_hypercall(t, 1, VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 1),
					    writes ? VSMTEST_IN_GPA(1) : OTHER,
					    writes ? OTHER + 512 : VSMTEST_OUT_GPA(1));
		t->hook = NULL;
		assert_verdict(verdict, VSM_VERDICT_RESUME);
		assert_status(revoker.status, VSMTEST_VERDICT(VSM_VERDICT_BLOCKED));
		assert_verdict(revoker.verdict, VSM_VERDICT_BLOCKED);
		ck_assert_uint_ge(t->vp[0].kicks, 1);
		ck_assert_int_eq(vsm_vp_runnable(t->vp[0].vp), 1);
		assert_verdict(vsmtest_prepare(t, 0), VSM_VERDICT_RESUME);
		assert_status(vsmtest_status(t, 0), HV_STATUS_SUCCESS);
		ck_assert_uint_eq(vsmtest_view(t, 0, OTHER), 0);
		/* And that is the end of it for VP 1, where there is no VTL1 to tell. */
		assert_exception(t, 1,
				 vsmtest_hypercall(t, 1, VSMTEST_REP(HVCALL_GET_VP_REGISTERS, 1),
						   VSMTEST_IN_GPA(1), OTHER + 512),
				 X86_GP);
		vsmtest_free(t);
	}
}
END_TEST

/* A right that is given, or that nobody uses, is waited for by nobody. */
START_TEST(no_wait_without_an_access_or_without_a_loss)
{
	struct vsmtest *t = vsmtest_new_vps(2);

	assert_status(vsmtest_protect_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, 0, OTHER), HV_STATUS_SUCCESS);
	assert_status(vsmtest_modify_gpa(t, 0, VSM_RIGHTS_ALL, OTHER), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(t->vp[0].kicks, 0);
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(case_6_hypercall_input),
	VSMTEST_CASE(case_6_hypercall_output),
	VSMTEST_CASE(case_6_overlay_pages),
	VSMTEST_CASE(case_6_messages_and_entry_reasons_stay_in_their_vtl),
	VSMTEST_CASE(case_6_page_tables),
	VSMTEST_CASE(case_6_dma),
	VSMTEST_CASE(case_15_a_right_is_gone_when_the_last_access_is_over),
	VSMTEST_CASE(no_wait_without_an_access_or_without_a_loss),
	VSMTEST_CASE(case_28_two_overlays_over_a_protected_page),
	VSMTEST_CASE(case_28_rights_change_beneath_an_overlay),
	VSMTEST_CASE(case_29_overlays_over_dirty_memory),
};

int main(void)
{
	return vsmtest_main("deputy", cases, VSMTEST_COUNT(cases));
}
