/* SPDX-License-Identifier: BSD-3-Clause */
/* PendingEvent0: exceptions that a VTL injects into a lower one (TLFS 7.8.2). */
#include "vsmtest.h"

#define VTL0 VSMTEST_VTL(0)

static struct vsmtest *in_vtl1(void)
{
	struct vsmtest *t = vsmtest_new(NULL);

	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	return t;
}

static uint32_t inject(struct vsmtest *t, uint64_t low, uint64_t high)
{
	struct hv_register_value value = { low, high };

	return vsmtest_set_of(t, 0, HV_VP_INDEX_SELF, VTL0, HV_REGISTER_PENDING_EVENT0, value);
}

static uint64_t exception_event(uint32_t vector, int has_code, uint32_t code)
{
	return HV_X64_PENDING_EVENT_PENDING |
	       (has_code ? HV_X64_PENDING_EXCEPTION_DELIVER_ERROR_CODE : 0) |
	       (uint64_t)vector << HV_X64_PENDING_EXCEPTION_VECTOR_SHIFT |
	       (uint64_t)code << HV_X64_PENDING_EXCEPTION_ERROR_CODE_SHIFT;
}

START_TEST(vtl1_injects_exceptions_into_vtl0)
{
	struct vsmtest *t = in_vtl1();
	const struct vsmtest_file *file = &t->vp[0].file[0];

	assert_status(inject(t, exception_event(14, 1, 0x15), 0xfff123), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(file->has_event, 1);
	ck_assert_uint_eq(file->event.vector, 14);
	ck_assert_uint_eq(file->event.has_error_code, 1);
	ck_assert_uint_eq(file->event.error_code, 0x15);
	ck_assert_uint_eq(file->event.has_parameter, 1);
	ck_assert_uint_eq(file->event.parameter, 0xfff123);
	assert_status(inject(t, exception_event(6, 0, 0), 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(file->event.vector, 6);
	ck_assert_uint_eq(file->event.has_error_code, 0);
	/* EventPending = 0 takes it back. */
	assert_status(inject(t, 0, 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(file->has_event, 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(only_architectural_exceptions_can_be_injected)
{
	static const uint8_t legal[] = { 0,  1,	 3,  4,	 5,  6,	 7,  8,	 10,
					 11, 12, 13, 14, 16, 17, 18, 19, 21 };
	struct vsmtest *t = in_vtl1();
	uint32_t vector, i, want;

	for (vector = 0; vector < 300; vector++) {
		want = HV_STATUS_INVALID_REGISTER_VALUE;
		for (i = 0; i < VSMTEST_COUNT(legal); i++)
			if (legal[i] == vector)
				want = HV_STATUS_SUCCESS;
		assert_status(inject(t, exception_event(vector, 0, 0), 0), want);
	}
	vsmtest_free(t);
}
END_TEST

START_TEST(events_with_wrong_type_code_or_reserved_bits_are_refused)
{
	struct vsmtest *t = in_vtl1();
	uint64_t type, bit;

	for (type = 1; type < 8; type++)
		assert_status(inject(t, exception_event(6, 0, 0) | type << 1, 0),
			      HV_STATUS_INVALID_REGISTER_VALUE);
	/* #UD has no error code. */
	assert_status(inject(t, exception_event(6, 1, 0), 0), HV_STATUS_INVALID_REGISTER_VALUE);
	assert_status(inject(t, exception_event(13, 1, 0x10), 0), HV_STATUS_SUCCESS);
	for (bit = 4; bit < 16; bit++)
		if (HV_X64_PENDING_EXCEPTION_RSVD_MASK >> bit & 1)
			assert_status(inject(t, exception_event(6, 0, 0) | 1ull << bit, 0),
				      HV_STATUS_INVALID_REGISTER_VALUE);
	vsmtest_free(t);
}
END_TEST

START_TEST(no_vtl_injects_into_itself)
{
	struct vsmtest *t = in_vtl1();

	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_PENDING_EVENT0, exception_event(6, 0, 0)),
		      HV_STATUS_INVALID_PARAMETER);
	assert_verdict(vsmtest_vtl_return(t, 0, 1), VSM_VERDICT_SWITCHED);
	assert_status(vsmtest_set(t, 0, 0, HV_REGISTER_PENDING_EVENT0, exception_event(6, 0, 0)),
		      HV_STATUS_INVALID_PARAMETER);
	ck_assert_uint_eq(t->count[VSMTEST_INJECT_EVENT], 0);
	vsmtest_free(t);
}
END_TEST

START_TEST(without_inject_event_there_is_no_pending_event)
{
	struct vsmtest_opts opts;
	struct vsmtest *t;

	vsmtest_opts_init(&opts);
	opts.null_ops = VSMTEST_BIT(VSMTEST_INJECT_EVENT);
	t = vsmtest_new(&opts);
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(inject(t, exception_event(6, 0, 0), 0), HV_STATUS_INVALID_PARAMETER);
	vsmtest_free(t);
}
END_TEST

/* The next guest is not to get what was meant for the last one. */
START_TEST(a_reset_takes_queued_events_back)
{
	struct vsmtest *t = in_vtl1();
	const struct vsmtest_file *file = &t->vp[0].file[0];
	static uint8_t saved[1u << 20];
	size_t used;

	assert_err(vsmtest_reset(t), 0);
	ck_assert_uint_eq(t->count[VSMTEST_INJECT_EVENT], 0);
	assert_status(vsmtest_enter_vtl1(t, 0), HV_STATUS_SUCCESS);
	assert_status(inject(t, exception_event(13, 1, 0), 0), HV_STATUS_SUCCESS);
	ck_assert_uint_eq(file->has_event, 1);
	/* What the host did not take back is owed until it does. */
	vsmtest_fail_op(t, VSMTEST_INJECT_EVENT, 1, 1, -VSM_ERR_HOST);
	assert_err(vsmtest_reset(t), -VSM_ERR_HOST);
	ck_assert_uint_eq(file->has_event, 1);
	assert_err(vsm_save(t->vsm, saved, sizeof(saved), &used), -VSM_ERR_STATE);
	assert_err(vsmtest_reset(t), 0);
	assert_err(vsm_save(t->vsm, saved, sizeof(saved), &used), 0);
	ck_assert_uint_eq(file->has_event, 0);
	ck_assert_uint_eq(t->count[VSMTEST_INJECT_EVENT], 3);
	/* And a third one has no reason to. */
	assert_err(vsmtest_reset(t), 0);
	ck_assert_uint_eq(t->count[VSMTEST_INJECT_EVENT], 3);
	vsmtest_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(vtl1_injects_exceptions_into_vtl0),
	VSMTEST_CASE(only_architectural_exceptions_can_be_injected),
	VSMTEST_CASE(events_with_wrong_type_code_or_reserved_bits_are_refused),
	VSMTEST_CASE(no_vtl_injects_into_itself),
	VSMTEST_CASE(without_inject_event_there_is_no_pending_event),
	VSMTEST_CASE(a_reset_takes_queued_events_back),
};

int main(void)
{
	return vsmtest_main("pending_event", cases, VSMTEST_COUNT(cases));
}
