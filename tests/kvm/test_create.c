/* SPDX-License-Identifier: BSD-3-Clause */
/* Probing, options, and the order in which a backend is put together. */
#include "kvmtest.h"

#include <errno.h>
#include <fcntl.h>

START_TEST(probe_tells_what_kvm_can_do)
{
	struct vsm_kvm_host host = { .size = sizeof(host) };

	assert_err(vsm_kvm_probe(-1, &host), 0);
	ck_assert_uint_eq(host.missing, 0);
	ck_assert_uint_ge(host.memslots, 32);
	ck_assert_uint_ge(host.phys_bits, 32);
	ck_assert_uint_le(host.phys_bits, 52);
	ck_assert_uint_eq(host.enforceable,
			  host.mechanisms & 1u << VSM_KVM_ENFORCE_ATTRIBUTES ? 0xa00b : 0xa001);
	ck_assert_uint_eq(host.carry & VSM_KVM_CARRY_FPU, VSM_KVM_CARRY_FPU);
	ck_assert_uint_eq(host.flags & VSM_KVM_HAS_SYNC_REGS, VSM_KVM_HAS_SYNC_REGS);
}
END_TEST

START_TEST(probe_takes_an_open_kvm)
{
	struct vsm_kvm_host a = { .size = sizeof(a) }, b = { .size = sizeof(b) };
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	assert_err(vsm_kvm_probe(fd, &a), 0);
	assert_err(vsm_kvm_probe(-1, &b), 0);
	ck_assert_uint_eq(a.flags, b.flags);
	ck_assert_int_eq(fcntl(fd, F_GETFD) >= 0, 1); /* It stays ours. */
	close(fd);
}
END_TEST

START_TEST(probe_refuses_bad_arguments)
{
	struct vsm_kvm_host host = { .size = sizeof(host) - 1 };
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	assert_err(vsm_kvm_probe(-1, NULL), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_probe(-1, &host), -VSM_ERR_INVAL);
	host.size = sizeof(host);
	assert_err(vsm_kvm_probe(-2, &host), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_probe(fd, &host), -VSM_ERR_SYS);
	ck_assert_int_eq(errno, ENOTTY);
	ck_assert_uint_eq(host.flags, 0);
	close(fd);
}
END_TEST

struct lines {
	struct kt t;
	struct vsm_kvm_options o;
};

static void start(struct lines *l)
{
	memset(l, 0, sizeof(*l));
	vsm_kvm_options_init(&l->o);
	l->o.log = kt_log;
	l->o.opaque = &l->t;
}

/* Refused, nothing made, and the log names the field. */
static void refused(struct lines *l, int err, const char *field)
{
	struct vsm_kvm *k = (struct vsm_kvm *)l;

	l->t.lines = 0;
	assert_err(vsm_kvm_create(&l->o, &k), -err);
	ck_assert_ptr_eq(k, l);
	ck_assert_uint_eq(l->t.lines, 1);
	ck_assert_msg(strstr(l->t.line, field) != NULL, "log line: %s", l->t.line);
}

START_TEST(options_are_checked)
{
	struct lines l;

	start(&l);
	l.o.kvm_fd = -2;
	refused(&l, VSM_ERR_INVAL, "kvm_fd");
	start(&l);
	l.o.carry = 0x100;
	refused(&l, VSM_ERR_INVAL, "carry");
	start(&l);
	l.o.carry = VSM_KVM_CARRY_DEFAULT | VSM_KVM_CARRY_FPU;
	refused(&l, VSM_ERR_INVAL, "carry");
	start(&l);
	l.o.max_vps = 0;
	refused(&l, VSM_ERR_INVAL, "max_vps");
	l.o.max_vps = 65;
	refused(&l, VSM_ERR_INVAL, "max_vps");
	l.o.max_vps = 2;
	refused(&l, VSM_ERR_INVAL, "kick_signal");
	start(&l);
	l.o.max_vtl = 0;
	refused(&l, VSM_ERR_INVAL, "max_vtl");
	l.o.max_vtl = 4;
	refused(&l, VSM_ERR_INVAL, "max_vtl");
	start(&l);
	l.o.trap_port = 256;
	refused(&l, VSM_ERR_INVAL, "trap_port");
	start(&l);
	l.o.kick_signal = 65;
	refused(&l, VSM_ERR_INVAL, "kick_signal");
	l.o.kick_signal = SIGBUS;
	refused(&l, VSM_ERR_INVAL, "kick_signal");
	start(&l);
	l.o.enforce = VSM_KVM_ENFORCE_MEMSLOT + 1;
	refused(&l, VSM_ERR_INVAL, "enforce");
	start(&l);
	l.o.serves = 2;
	refused(&l, VSM_ERR_INVAL, "serves");
	start(&l);
	l.o.enforce = VSM_KVM_ENFORCE_UFFD;
	refused(&l, VSM_ERR_INVAL, "serves");
}
END_TEST

/* The best that is there; events only if somebody serves them; and what was asked for. */
START_TEST(the_mechanism_is_chosen)
{
	struct vsm_kvm_host host = { .size = sizeof(host) };
	struct vsm_kvm_enforcement e = { .size = sizeof(e) }, used = { .size = sizeof(used) };
	uint32_t best[2] = { 0, 0 };
	struct vsm_kvm *k;
	struct lines l;

	assert_err(vsm_kvm_probe(-1, &host), 0);
	for (uint32_t m = 1; m <= VSM_KVM_ENFORCE_MEMSLOT; m++) {
		assert_err(vsm_kvm_enforcement(NULL, m, &e), 0);
		ck_assert_uint_eq(e.mechanism, m);
		ck_assert_uint_eq(e.available, host.mechanisms >> m & 1);
		ck_assert_int_eq(e.missing == NULL, e.available != 0);
		ck_assert_uint_eq(e.enforceable, m == VSM_KVM_ENFORCE_GUARD	 ? 0x8001 :
						 m == VSM_KVM_ENFORCE_ATTRIBUTES ? 0xa00b :
										   0xa001);
		ck_assert_uint_eq(e.needs_service, m == VSM_KVM_ENFORCE_UFFD);
		start(&l);
		l.o.serves = 1;
		l.o.enforce = m;
		if (!e.available) {
			assert_err(vsm_kvm_create(&l.o, &k), -VSM_ERR_NOSUP);
			ck_assert_str_eq(l.t.line, e.missing);
			continue;
		}
		for (uint32_t serves = e.needs_service; serves < 2; serves++)
			best[serves] = best[serves] == 0 ? m : best[serves];
		assert_err(vsm_kvm_create(&l.o, &k), 0);
		assert_err(vsm_kvm_enforcement(k, 0, &used), 0);
		ck_assert_mem_eq(&used, &e, sizeof(e));
		ck_assert_ptr_nonnull(strstr(l.t.line, "enforced by "));
		ck_assert_str_eq(strstr(l.t.line, "by ") + 3, e.name);
		ck_assert_int_eq(vsm_kvm_service_fd(k) >= 0, e.needs_service != 0);
		ck_assert_int_eq(vsm_kvm_service(k), 0);
		vsm_kvm_destroy(k);
	}
	for (uint32_t serves = 0; serves < 2; serves++) {
		start(&l);
		l.o.serves = serves;
		assert_err(vsm_kvm_create(&l.o, &k), 0);
		assert_err(vsm_kvm_enforcement(k, 0, &used), 0);
		ck_assert_uint_eq(used.mechanism, best[serves]);
		vsm_kvm_destroy(k);
	}
}
END_TEST

START_TEST(questions_about_mechanisms_are_checked)
{
	struct vsm_kvm_enforcement e = { .size = sizeof(e) };

	assert_err(vsm_kvm_enforcement(NULL, 1, NULL), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_enforcement(NULL, 0, &e), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_enforcement(NULL, VSM_KVM_ENFORCE_MEMSLOT + 1, &e), -VSM_ERR_INVAL);
	e.size--;
	assert_err(vsm_kvm_enforcement(NULL, 1, &e), -VSM_ERR_INVAL);
	ck_assert_int_eq(vsm_kvm_service_fd(NULL), -1);
	assert_err(vsm_kvm_service(NULL), -VSM_ERR_INVAL);
}
END_TEST

/* A mask that the mechanism cannot enforce is refused, and nothing has changed. */
START_TEST(what_is_not_enforced_is_refused)
{
	struct kt *t = kt_new(NULL);
	uint64_t gpa = PAGE_GPA;
	uint32_t rights;

	kt_vtl1(t);
	for (uint32_t mask = 0; mask < 16; mask++) {
		if (kt_can(t, mask) || !vsm_rights_valid(mask, 0))
			continue;
		ck_assert_uint_eq(kt_protect(t, 1, mask, &gpa, 1), HV_STATUS_OPERATION_DENIED);
		assert_err(vsm_gpa_rights(t->vsm, 0, gpa, &rights), 0);
		ck_assert_uint_eq(rights, HV_MAP_GPA_PERMISSIONS_MASK);
		ck_assert_ptr_nonnull(kvm_sees(t->k, 0, gpa, 1));
	}
	kt_free(t);
}
END_TEST

START_TEST(create_refuses_bad_arguments)
{
	struct vsm_kvm *k = NULL;
	struct lines l;

	start(&l);
	assert_err(vsm_kvm_create(NULL, &k), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_create(&l.o, NULL), -VSM_ERR_INVAL);
	l.o.size--;
	assert_err(vsm_kvm_create(&l.o, &k), -VSM_ERR_INVAL);
	ck_assert_ptr_null(k);
	vsm_kvm_options_init(NULL);
	vsm_kvm_destroy(NULL);
}
END_TEST

START_TEST(create_on_what_is_no_kvm)
{
	struct lines l;

	start(&l);
	l.o.kvm_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	refused(&l, VSM_ERR_SYS, "/dev/kvm");
	ck_assert_int_ge(fcntl(l.o.kvm_fd, F_GETFD), 0);
	close(l.o.kvm_fd);
}
END_TEST

static int open_files(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

START_TEST(destroy_closes_everything)
{
	int before = open_files();
	struct kt *t = kt_new(NULL);

	kt_vtl1(t);
	ck_assert_int_gt(open_files(), before);
	kt_free(t);
	ck_assert_int_eq(open_files(), before);
}
END_TEST

START_TEST(config_says_what_kvm_enforces)
{
	struct kt *t = kt_bare(NULL);
	struct vsm_config config;

	vsm_config_init(&config);
	assert_err(vsm_kvm_config(NULL, &config), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_config(t->k, NULL), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_config(t->k, &config), 0);
	ck_assert_uint_eq(config.enforceable, kt_masks());
	ck_assert_uint_eq(config.enforceable_mbec, 0);
	ck_assert_uint_eq(config.host_flags, VSM_HOST_PROTECT_FLUSHES);
	ck_assert_uint_eq(config.trap_port, 0x7e);
	ck_assert_uint_eq(config.cr4_mask & 0x20, 0x20);
	ck_assert_uint_eq(config.cr4_mask & 1 << 13, 0); /* VMXE */
	kt_free(t);
}
END_TEST

START_TEST(the_order_is_held_to)
{
	struct lines l;
	struct kt *t = kt_bare(NULL);
	struct vsm_kvm *k = NULL;
	struct vsm_kvm_vp *vp = NULL;

	assert_err(vsm_kvm_bind(NULL, t->vsm), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_bind(t->k, NULL), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_bind(t->k, t->vsm), -VSM_ERR_MISUSE);
	assert_err(vsm_kvm_vp_create(t->k, 0, 0, &vp), -VSM_ERR_MISUSE); /* not realised */
	ck_assert_ptr_null(vsm_kvm_ops(NULL));
	start(&l);
	assert_err(vsm_kvm_create(&l.o, &k), 0);
	assert_err(vsm_kvm_vp_create(k, 0, 0, &vp), -VSM_ERR_MISUSE); /* not bound */
	assert_err(vsm_kvm_ram_add(k, 0, 4096, 0, 0, 0), -VSM_ERR_MISUSE);
	vsm_kvm_destroy(k);
	kt_free(t);
}
END_TEST

START_TEST(vp_create_checks_its_arguments)
{
	struct kt *t = kt_new(NULL);
	struct vsm_kvm_vp *vp = NULL;

	assert_err(vsm_kvm_vp_create(NULL, 0, 0, &vp), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_vp_create(t->k, 0, 0, NULL), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_vp_create(t->k, 1, 1, &vp), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_vp_create(t->k, 0, 0, &vp), -VSM_ERR_EXISTS);
	ck_assert_ptr_null(vp);
	ck_assert_int_ge(vsm_kvm_vcpu_fd(t->vp, 1), 0);
	ck_assert_int_ne(vsm_kvm_vcpu_fd(t->vp, 0), vsm_kvm_vcpu_fd(t->vp, 1));
	ck_assert_int_eq(vsm_kvm_vcpu_fd(t->vp, 2), -1);
	ck_assert_int_eq(vsm_kvm_vcpu_fd(NULL, 0), -1);
	ck_assert_ptr_null(vsm_kvm_vp_vsm(NULL));
	kt_free(t);
}
END_TEST

START_TEST(three_vtls_have_three_vms)
{
	struct vsm_kvm_options o;
	struct kt *t;

	vsm_kvm_options_init(&o);
	o.max_vtl = 2;
	t = kt_new(&o);
	ck_assert_int_ge(vsm_kvm_vcpu_fd(t->vp, 2), 0);
	ck_assert_int_eq(vsm_kvm_vcpu_fd(t->vp, 3), -1);
	kt_vtl1(t);
	ck_assert_uint_eq(vsm_vp_active_vtl(vsm_kvm_vp_vsm(t->vp)), 1);
	kt_free(t);
}
END_TEST

START_TEST(two_backends_are_strangers)
{
	struct kt *a = kt_new(NULL), *b = kt_new(NULL);

	kt_vtl1(a);
	kt_deny(a, PAGE_GPA, 0);
	ck_assert_ptr_null(kt_view(a, 0, PAGE_GPA));
	ck_assert_ptr_nonnull(kt_view(b, 0, PAGE_GPA));
	kt_vtl1(b);
	kt_switch(a, 1);
	kt_switch(b, 1);
	kt_free(a);
	kt_switch(b, 0);
	kt_free(b);
}
END_TEST

START_TEST(reports_check_their_arguments)
{
	struct kt *t = kt_new(NULL);
	struct vsm_kvm_stats stats = { .size = sizeof(stats) - 1 };

	assert_err(vsm_kvm_stats_get(NULL, &stats), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_stats_get(t->k, NULL), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_stats_get(t->k, &stats), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_left_out(NULL, NULL, 0), -VSM_ERR_INVAL);
	assert_err(vsm_kvm_left_out(t->k, NULL, 1), -VSM_ERR_INVAL);
	ck_assert_uint_eq(vsm_kvm_carry(NULL), 0);
	kt_free(t);
}
END_TEST

START_TEST(capabilities_are_those_of_the_backend)
{
	struct kt *t = kt_new(NULL);
	struct vsm_capabilities caps = { .size = sizeof(caps) };
	uint32_t want = VSM_CAP_VSM | VSM_CAP_OVERLAYS | VSM_CAP_XMM | VSM_CAP_PROTECT |
			VSM_CAP_CROSS_VP | VSM_CAP_INJECT;

	assert_err(vsm_capabilities_get(t->vsm, &caps), 0);
	ck_assert_uint_eq(caps.flags & want, want);
	ck_assert_uint_eq(caps.flags & VSM_CAP_INTERRUPT, 0);
	ck_assert_uint_eq(caps.enforceable, kt_masks());
	kt_free(t);
}
END_TEST

/* Of two buffers the second was there the last time: the VP was left to the next try. */
START_TEST(a_half_made_vp_is_made_whole)
{
	struct kt *t = kt_new(NULL);
	struct vsm_kvm_vp kvp = { .k = t->k };
	uint8_t *work = calloc(1, t->k->facts.xsave_size);

	kvp.shared.work = work;
	assert_err(kvm_carry_init(&kvp), 0);
	ck_assert_ptr_nonnull(kvp.shared.fpu);
	ck_assert_ptr_eq(kvp.shared.work, work);
	ck_assert_uint_eq(kvp.shared.fpu_age, 1);
	kvm_carry_fini(&kvp);
	kt_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(a_half_made_vp_is_made_whole),
	VSMTEST_CASE(probe_tells_what_kvm_can_do),
	VSMTEST_CASE(probe_takes_an_open_kvm),
	VSMTEST_CASE(probe_refuses_bad_arguments),
	VSMTEST_CASE(options_are_checked),
	VSMTEST_CASE(the_mechanism_is_chosen),
	VSMTEST_CASE(questions_about_mechanisms_are_checked),
	VSMTEST_CASE(what_is_not_enforced_is_refused),
	VSMTEST_CASE(create_refuses_bad_arguments),
	VSMTEST_CASE(create_on_what_is_no_kvm),
	VSMTEST_CASE(destroy_closes_everything),
	VSMTEST_CASE(config_says_what_kvm_enforces),
	VSMTEST_CASE(the_order_is_held_to),
	VSMTEST_CASE(vp_create_checks_its_arguments),
	VSMTEST_CASE(three_vtls_have_three_vms),
	VSMTEST_CASE(two_backends_are_strangers),
	VSMTEST_CASE(reports_check_their_arguments),
	VSMTEST_CASE(capabilities_are_those_of_the_backend),
};

int main(void)
{
	return kt_main("kvm_create", cases, VSMTEST_COUNT(cases));
}
