/* SPDX-License-Identifier: BSD-3-Clause */
/* What is easily got wrong when page tables of a process enforce rights of a guest. */
#include "kvmtest_hammer.h"
#include "kvmtest_view.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define RWX HV_MAP_GPA_PERMISSIONS_MASK
#define R_X (HV_MAP_GPA_READABLE | HV_MAP_GPA_EXECUTABLE)

static struct kt *denied(uint32_t rights)
{
	struct kt *t = kt_new(NULL);

	kt_vtl1(t);
	if (kt_can(t, rights))
		kt_deny(t, PAGE_GPA, rights);
	kt_switch(t, 1);
	kt_long_mode(t, 0, 3);
	kt_set(t, 0, HV_X64_REGISTER_RDI, PAGE_GPA + 0x10);
	return t;
}

/*
 * Trap 1: with a local APIC in the kernel and IF set, guard markers and userfaultfd with SIGBUS
 * make KVM wait for the page (asynchronous page faults) instead of telling.
 */
START_TEST(trap_1_denials_exit_with_interrupts_enabled)
{
	struct kvm_lapic_state lapic;
	struct kt *t = denied(0);

	ck_assert_int_ne(ioctl(vsm_kvm_vcpu_fd(t->vp, 0), KVM_GET_LAPIC, &lapic), 0);
	kt_set(t, 0, HV_X64_REGISTER_RFLAGS, 0x3202);
	KT_CODE(t, 0, 0x48, 0x8b, 0x1f, STOP);
	ck_assert_uint_eq(kt_stop(t), 1);
	ck_assert_uint_eq(kt_intercept(t).header.message_type, HVMSG_GPA_INTERCEPT);
	kt_free(t);
}
END_TEST

/* Trap 2: MADV_GUARD_INSTALL over a write-protected entry never returns. */
START_TEST(trap_2_guards_and_userfaultfd_never_meet)
{
	struct kt *t = denied(0);

	if (kt_uses(t, VSM_KVM_ENFORCE_GUARD)) {
		ck_assert_int_eq(t->k->uffd, -1);
		ck_assert_int_eq(kt_can(t, R_X), 0);
		ck_assert_int_eq(t->k->mechanism->attach == NULL, 1);
	} else if (t->k->uffd >= 0) {
		ck_assert_ptr_ne(t->k->mechanism, &kvm_mechanism_guard);
	}
	kt_free(t);
}
END_TEST

/* Traps 3 and 4: poison over the marker of a write-protected page is EEXIST; and each way from one
 * to the other ends in what was asked for. */
START_TEST(traps_3_and_4_every_transition_of_an_entry)
{
	static const uint32_t masks[] = { RWX, R_X, 0 };
	uint64_t gpa[3] = { PAGE_GPA, PAGE_GPA + 0x1000, PAGE_GPA + 0x5000 };
	struct kt *t = kt_new(NULL);

	kt_vtl1(t);
	for (uint32_t from = 0; from < 3; from++) {
		for (uint32_t to = 0; to < 3; to++) {
			if (!kt_can(t, masks[from]) || !kt_can(t, masks[to]))
				continue;
			ck_assert_uint_eq(kt_protect(t, 1, masks[from], gpa, 3), REPS(3));
			ck_assert_uint_eq(kt_protect(t, 1, masks[to], gpa, 3), REPS(3));
			for (uint32_t i = 0; i < 3; i++)
				kv_check(t, gpa[i]);
			kv_check(t, PAGE_GPA - 0x1000);
			kv_check(t, PAGE_GPA + 0x2000);
		}
	}
	kt_free(t);
}
END_TEST

/* Immediate: when the hypercall has returned no store lands, by neither address. */
START_TEST(no_store_lands_after_the_hypercall)
{
	uint32_t rounds = kv_rounds(2000, "rounds of denying a page under a writing VP");
	struct timespec us50 = { 0, 50000 };
	uint64_t gpa = PAGE_GPA;
	struct hammer h;

	hammer_start(&h, 3);
	hammer_go(&h);
	for (uint32_t i = 0; i < rounds; i++) {
		uint64_t after;

		hammer_runs(&h);
		kt_deny(h.p.t, gpa, i % 2 && kt_can(h.p.t, R_X) ? R_X : 0);
		after = hammer_count(&h);
		nanosleep(&us50, NULL);
		ck_assert_uint_eq(hammer_count(&h), after);
		ck_assert_uint_eq(kt_protect(h.p.t, 1, RWX, &gpa, 1), REPS(1));
	}
	vp1_end(&h.p);
	kt_free(h.p.t);
}
END_TEST

/* On the way between no access and R+X there is no moment at which a store gets through. */
static void no_window(uint32_t cpl, uint32_t rounds)
{
	uint64_t gpa = PAGE_GPA;
	struct hammer h;

	hammer_start(&h, cpl);
	if (kt_can(h.p.t, R_X)) {
		kt_deny(h.p.t, gpa, R_X);
		hammer_go(&h);
		for (uint32_t i = 0; i < rounds; i++)
			kt_deny(h.p.t, gpa, i % 2 ? R_X : 0);
		hammer_wait(&h);
		vp1_end(&h.p);
	}
	ck_assert_uint_eq(hammer_count(&h), 0);
	kt_free(h.p.t);
}

START_TEST(trap_4_transitions_have_no_window)
{
	no_window(3, kv_rounds(2000, "transitions under a hammering VP"));
}
END_TEST

/* A VP in KVM's emulator does not heed a kick while it waits for its store to be served: the VP
 * that parks it must not wait for anybody to do so. */
START_TEST(a_vp_in_the_emulator_can_be_parked)
{
	no_window(0, kv_rounds(2000, "transitions under a hammering VP at CPL 0"));
}
END_TEST

/* Nobody serves, and a VP stands in the emulator until its store is: the one that parks it does it.
 * Whatever mechanism the other tests are about, only this one has events. */
START_TEST(a_park_does_not_wait_to_be_served)
{
	struct vsm_kvm_enforcement e = { .size = sizeof(e) };
	struct pollfd event = { .events = POLLIN };
	uint64_t gpa = PAGE_GPA, served;
	struct hammer h;

	assert_err(vsm_kvm_enforcement(NULL, VSM_KVM_ENFORCE_UFFD, &e), 0);
	if (!e.available) {
		printf("# %s\n", e.missing);
		return;
	}
	hammer_start_with(&h, 0, VSM_KVM_ENFORCE_UFFD);
	kt_serve_end(h.p.t);
	h.p.t->server_stop[1] = 0;
	kt_deny(h.p.t, gpa, R_X);
	hammer_go(&h);
	event.fd = vsm_kvm_service_fd(h.p.t->k);
	ck_assert_int_eq(poll(&event, 1, 10000), 1);
	served = h.p.t->k->served;
	kt_deny(h.p.t, gpa, 0);
	ck_assert_uint_gt(h.p.t->k->served, served);
	hammer_wait(&h);
	vp1_end(&h.p);
	ck_assert_uint_eq(hammer_count(&h), 0);
	kt_free(h.p.t);
}
END_TEST

/* A page that a store was just thrown out of is what the table says after the next change. */
START_TEST(a_change_ends_a_bounce)
{
	static const uint32_t next[] = { RWX, 0, RWX };
	struct kt *t = kt_new(NULL);
	uint8_t *page = t->k->range[0].view[0] + PAGE_GPA;
	uint64_t gpa = PAGE_GPA;

	kt_vtl1(t);
	for (uint32_t i = 0; i < VSMTEST_COUNT(next) && kt_uses(t, VSM_KVM_ENFORCE_UFFD); i++) {
		int fd[2];

		kt_deny(t, gpa, R_X);
		ck_assert_int_eq(pipe(fd), 0);
		ck_assert_int_eq((int)write(fd[1], page, 1), 1);
		ck_assert_int_eq((int)read(fd[0], page, 1), -1);
		close(fd[0]);
		close(fd[1]);
		/* The kernel may be done before the thread that serves has made its note. */
		pthread_mutex_lock(&t->k->pte_lock);
		pthread_mutex_unlock(&t->k->pte_lock);
		ck_assert_uint_eq(kvm_pte(&t->k->range[0], 0, PAGE_GPA / 4096), VK_PTE_BOUNCE);
		ck_assert_uint_eq(kt_protect(t, 1, next[i], &gpa, 1), REPS(1));
		kv_check(t, gpa);
		ck_assert_uint_eq(t->k->bouncing, 0);
	}
	kt_free(t);
}
END_TEST

/* An overlay over a protected page comes and goes: the page is never open, its bytes stay. */
START_TEST(an_overlay_leaves_no_window_to_the_page)
{
	uint32_t rounds = kv_rounds(500, "overlays over a hammered page");
	struct vsm_overlay show = { .gpa = PAGE_GPA,
				    .rights = HV_MAP_GPA_READABLE,
				    .vp = VSM_ALL_VPS };
	struct vsm_overlay lift = { .gpa = PAGE_GPA, .vp = VSM_ALL_VPS };
	struct hammer h;

	hammer_start(&h, 3);
	show.page = h.p.t->k->arena + 4096;
	kt_deny(h.p.t, PAGE_GPA, 0);
	hammer_go(&h);
	for (uint32_t i = 0; i < rounds; i++) {
		assert_err(kvm_op_overlay_map(h.p.t->k, &show, 0), 0);
		assert_err(kvm_op_overlay_map(h.p.t->k, &lift, 0), 0);
		ck_assert_uint_eq(hammer_count(&h), 0);
	}
	hammer_wait(&h);
	vp1_end(&h.p);
	ck_assert_uint_eq(hammer_count(&h), 0);
	kv_check(h.p.t, PAGE_GPA);
	kt_free(h.p.t);
}
END_TEST

/* Trap 5: page tables in a denied page. A host that shadows them gives the guest a page fault,
 * another one an intercept; in no case is the guest let through. */
START_TEST(trap_5_page_tables_in_a_denied_page)
{
	uint64_t pd = 0x700000, gpa = pd;
	struct kt *t = kt_new(NULL);
	uint32_t vtl;

	memcpy(t->ram + pd, t->ram + TABLES_GPA + 0x2000, 4096);
	kt_at(t, TABLES_GPA + 0x1000)[2] = pd | 7;
	kt_vtl1(t);
	ck_assert_uint_eq(kt_protect(t, 1, 0, &gpa, 1), REPS(1));
	kt_switch(t, 1);
	kt_long_mode(t, 0, 3);
	kt_set(t, 0, HV_X64_REGISTER_RDI, (2ull << 30) + PAGE_GPA);
	kt_set(t, 0, HV_X64_REGISTER_RBX, 0x55);
	KT_CODE(t, 0, 0x48, 0x8b, 0x1f, STOP);
	vtl = kt_stop(t);
	if (vtl == 0)
		ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBP), 14);
	ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBX), 0x55);
	kt_free(t);
}
END_TEST

#define SOME_FIRST 512u /* Pages that are denied one by one. */
#define SOME_PAGES 3072u

static uint64_t some(uint32_t i)
{
	return (uint64_t)(SOME_FIRST + i) * 4096;
}

/* Each page has other rights than its neighbours. */
static uint32_t some_rights(const struct kt *t, uint32_t i)
{
	if (i % 2 == 0)
		return 0;
	return kt_can(t, R_X) ? R_X : RWX;
}

static void deny_some(struct kt *t)
{
	uint64_t gpa[256];

	for (uint32_t i = 0; i < SOME_PAGES; i += 512) {
		for (uint32_t odd = 0; odd < 2; odd++) {
			for (uint32_t n = 0; n < 256; n++)
				gpa[n] = some(i + 2 * n + odd);
			ck_assert_uint_eq(kt_protect(t, 1, some_rights(t, odd), gpa, 256),
					  REPS(256));
		}
	}
}

static void check_some(struct kt *t)
{
	for (uint32_t i = 0; i < SOME_PAGES; i += 37)
		kv_check(t, some(i));
	kv_check(t, some(0) - 4096);
	kv_check(t, some(SOME_PAGES));
}

/* Trap 6: of process_madvise() 1,024 ranges are the most. Here are 1,536 at once, there and back,
 * between the mechanism and the kernel alone. */
START_TEST(trap_6_more_ranges_than_a_call_takes)
{
	struct vk_run *run = calloc(SOME_PAGES / 2, sizeof(*run));
	struct kt *t = kt_new(NULL);

	kt_vtl1(t);
	deny_some(t);
	check_some(t);
	for (uint32_t i = 0; i < SOME_PAGES / 2 && kt_by_ptes(t); i++) {
		run[i].range = &t->k->range[0];
		run[i].first = SOME_FIRST + 2 * i;
		run[i].pages = 1;
	}
	for (uint32_t n = 0; n < 2 && kt_by_ptes(t); n++) {
		for (uint32_t i = 0; i < SOME_PAGES / 2; i++) {
			run[i].from = n == 0 ? VK_PTE_NONE : VK_PTE_ALL;
			run[i].to = n == 0 ? VK_PTE_ALL : VK_PTE_NONE;
		}
		ck_assert_int_eq(t->k->mechanism->change(t->k, run, SOME_PAGES / 2), 0);
		for (uint32_t i = 0; i < SOME_PAGES; i += 2) {
			/* Attributes would be those of the overlay. */
			if (kt_uses(t, VSM_KVM_ENFORCE_ATTRIBUTES) &&
			    kvm_overlay_covers(t->k, 0, some(i)))
				continue;
			if (kv_entries(t, 0, some(i)) != (n == 0 ? 2 : 0))
				ck_abort_msg("page %u, step %u", i, n);
		}
	}
	check_some(t);
	free(run);
	kt_free(t);
}
END_TEST

/* More runs than are kept book of at once, by a reset, which gives all of RAM to protect. */
START_TEST(more_runs_than_fit)
{
	struct kt *t = kt_new(NULL);

	kt_vtl1(t);
	deny_some(t);
	assert_err(vsm_partition_reset(t->vsm), 0);
	check_some(t);
	for (uint64_t g = 0; g < RAM_SIZE; g += 4096) {
		if (kvm_sees(t->k, 0, g, 1) == NULL || kvm_pte(&t->k->range[0], 0, g / 4096) != 0)
			ck_abort_msg("GPA %#llx", (unsigned long long)g);
	}
	kt_free(t);
}
END_TEST

#ifndef KVM_CREATE_GUEST_MEMFD
struct kvm_create_guest_memfd {
	uint64_t size;
	uint64_t flags;
	uint64_t reserved[6];
};
#define KVM_CREATE_GUEST_MEMFD _IOWR(KVMIO, 0xd4, struct kvm_create_guest_memfd)
#endif

/* Trap 7: memory of guest_memfd is taken by KVM from the file, past the page tables. */
START_TEST(trap_7_guest_memfd_is_no_ram)
{
	struct kvm_create_guest_memfd create = { .size = 1u << 20 };
	struct kt *t = kt_bare(NULL);
	int fd = ioctl(t->k->space[0].vm_fd, KVM_CREATE_GUEST_MEMFD, &create);

	if (fd < 0) {
		printf("# this KVM makes no guest_memfd\n");
	} else {
		assert_err(vsm_kvm_ram_add(t->k, 0, 1u << 20, fd, 0, 0), -VSM_ERR_INVAL);
		ck_assert_uint_eq(t->k->range_count, 0);
		close(fd);
	}
	kt_free(t);
}
END_TEST

static void all_lines(void *opaque, int32_t level, const char *line)
{
	char *text = opaque;

	(void)level;
	strncat(text, line, 4095 - strlen(text));
	strncat(text, "\n", 4095 - strlen(text));
}

/* As a user without privilege. Exit status: 0 all is as it should be. */
static int unprivileged(int kvm_fd)
{
	static char text[4096];
	struct vsm_kvm_enforcement e = { .size = sizeof(e) };
	struct vsm_kvm_options o;
	struct vsm_kvm *k;

	if (setgroups(0, NULL) != 0 || setresgid(65534, 65534, 65534) != 0 ||
	    setresuid(65534, 65534, 65534) != 0)
		return 2;
	if (vsm_kvm_enforcement(NULL, VSM_KVM_ENFORCE_SIGBUS, &e) != 0)
		return 3;
	if (e.available) /* vm.unprivileged_userfaultfd is 1 here. */
		return 0;
	/* With attributes nobody asks for it. */
	if (kt_enforce() == VSM_KVM_ENFORCE_ATTRIBUTES)
		return 0;
	if (strstr(e.missing, "/dev/userfaultfd") == NULL)
		return 4;
	vsm_kvm_options_init(&o);
	o.kvm_fd = kvm_fd;
	o.log = all_lines;
	o.opaque = text;
	if (vsm_kvm_create(&o, &k) != 0)
		return 5;
	if (strstr(text, e.missing) == NULL)
		return 6;
	if (vsm_kvm_enforcement(k, VSM_KVM_ENFORCE_AUTO, &e) != 0 ||
	    e.mechanism <= VSM_KVM_ENFORCE_SIGBUS)
		return 7;
	vsm_kvm_destroy(k);
	o.enforce = VSM_KVM_ENFORCE_SIGBUS;
	return vsm_kvm_create(&o, &k) == -VSM_ERR_NOSUP ? 0 : 8;
}

/* Trap 8: userfaultfd for faults of the kernel needs privilege. What is missing is named, and the
 * next best mechanism is taken. */
START_TEST(trap_8_without_privilege)
{
	int kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int status;
	pid_t pid;

	ck_assert_int_ge(kvm_fd, 0);
	if (geteuid() != 0) {
		printf("# only root can give privilege up\n");
		close(kvm_fd);
		return;
	}
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(unprivileged(kvm_fd));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(kvm_fd);
}
END_TEST

static atomic_uint bus_errors;

static void on_bus(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	if (info->si_code == SI_QUEUE && info->si_value.sival_int == 4711)
		atomic_fetch_add(&bus_errors, 1);
}

/* A SIGBUS that somebody else sends to the VP's thread reaches the handler of the VMM, once, with
 * all it carries; the VP goes on. */
static void *stop_thread(void *arg)
{
	kt_stop(arg);
	return NULL;
}

static void stop_on_thread(struct kt *t)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, stop_thread, t), 0);
	pthread_join(thread, NULL);
}

/* A thread that was made after another one has ended mostly has its pthread_t, but its own signal
 * mask: SIGBUS must not end the process there. */
START_TEST(a_vp_may_go_on_on_another_thread)
{
	sigset_t bus;
	struct kt *t = denied(0);

	sigemptyset(&bus);
	sigaddset(&bus, SIGBUS);
	KT_CODE(t, 0, STOP);
	/* What the threads inherit. */
	ck_assert_int_eq(pthread_sigmask(SIG_UNBLOCK, &bus, NULL), 0);
	stop_on_thread(t);
	ck_assert_uint_eq(t->exit.vtl, 0);
	KT_CODE(t, 0, 0x48, 0x8b, 0x1f, STOP);
	stop_on_thread(t);
	ck_assert_uint_eq(t->exit.vtl, 1);
	ck_assert_uint_eq(kt_intercept(t).header.message_type, HVMSG_GPA_INTERCEPT);
	kt_free(t);
}
END_TEST

START_TEST(a_foreign_sigbus_is_raised_again)
{
	struct sigaction action = { .sa_sigaction = on_bus, .sa_flags = SA_SIGINFO };
	union sigval value = { .sival_int = 4711 };
	struct timespec ms = { 0, 1000000 };
	struct pair p;
	sigset_t bus;

	/* A VP of an earlier test on this thread may have blocked it, as vsm/kvm.h says. */
	sigemptyset(&bus);
	sigaddset(&bus, SIGBUS);
	ck_assert_int_eq(pthread_sigmask(SIG_UNBLOCK, &bus, NULL), 0);
	atomic_store(&bus_errors, 0);
	ck_assert_int_eq(sigaction(SIGBUS, &action, NULL), 0);
	pair_start(&p);
	*kt_at(p.t, PAGE_GPA) = 0;
	vp1_start(&p, spin, sizeof(spin));
	wait_for_change(&p);
	ck_assert_int_eq(pthread_sigqueue(p.runner, SIGBUS, value), 0);
	for (uint32_t i = 0; i < 5000 && atomic_load(&bus_errors) == 0; i++)
		nanosleep(&ms, NULL);
	wait_for_change(&p);
	vp1_end(&p);
	ck_assert_uint_eq(atomic_load(&bus_errors), 1);
	ck_assert_uint_eq(p.last_kind, VSM_KVM_EXIT_INTR);
	kt_free(p.t);
}
END_TEST

/* A page that the host took out of the page tables comes back; the guest sees nothing of it. */
START_TEST(a_page_that_the_host_drops_is_shown_again)
{
	static const uint8_t values[] = { 0, 1, 2, 3 };

	for (uint32_t i = 0; i < VSMTEST_COUNT(values); i++) {
		struct kt *t = denied(i & 1 ? R_X : RWX);
		uint8_t *view = t->k->range[0].view[0];
		int may_write = kvm_sees(t->k, 0, PAGE_GPA, 1) != NULL;

		kt_long_mode(t, 0, i & 2 ? 0 : 3);
		ck_assert_int_eq(madvise(view + PAGE_GPA, 4096, MADV_DONTNEED), 0);
		KT_CODE(t, 0, 0x48, 0x8b, 0x1f, STOP);
		ck_assert_uint_eq(kt_stop(t), 0);
		ck_assert_uint_eq(kt_get(t, 0, HV_X64_REGISTER_RBX), 0x1716151413121110ull);
		ck_assert_int_eq(kvm_sees(t->k, 0, PAGE_GPA, 1) != NULL, may_write);
		kv_check(t, PAGE_GPA);
		kt_free(t);
	}
}
END_TEST

struct reader {
	const uint8_t *at;
	atomic_uint stop;
	uint32_t read;
};

static void *reader_thread(void *arg)
{
	struct timespec ns = { 0, 1 };
	struct reader *r = arg;
	uint8_t byte;
	struct iovec to = { &byte, 1 }, from = { (void *)(uintptr_t)r->at, 1 };

	while (!atomic_load(&r->stop)) {
		r->read += process_vm_readv(getpid(), &to, 1, &from, 1, 0) == 1;
		nanosleep(&ns, NULL);
	}
	return NULL;
}

/* KVM reads page tables through the view in some ioctls, while no VP is in the guest. */
START_TEST(a_reader_of_the_view_hinders_no_change)
{
	uint32_t rounds = kv_rounds(5000, "changes of a page that is being read");
	uint64_t gpa = PAGE_GPA;
	struct kt *t = kt_new(NULL);
	struct reader r = { .at = t->k->range[0].view[0] + PAGE_GPA };
	pthread_t thread;

	kt_vtl1(t);
	ck_assert_int_eq(pthread_create(&thread, NULL, reader_thread, &r), 0);
	for (uint32_t i = 0; i < rounds; i++) {
		if (i % 3 == 0 && kt_can(t, R_X))
			kt_deny(t, gpa, R_X);
		kt_deny(t, gpa, 0);
		ck_assert_uint_eq(kt_protect(t, 1, RWX, &gpa, 1), REPS(1));
	}
	atomic_store(&r.stop, 1);
	pthread_join(thread, NULL);
	ck_assert_uint_gt(r.read, 0);
	kv_check(t, gpa);
	kt_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(trap_1_denials_exit_with_interrupts_enabled),
	VSMTEST_CASE(trap_2_guards_and_userfaultfd_never_meet),
	VSMTEST_CASE(traps_3_and_4_every_transition_of_an_entry),
	VSMTEST_CASE(trap_4_transitions_have_no_window),
	VSMTEST_CASE(a_vp_in_the_emulator_can_be_parked),
	VSMTEST_CASE(a_park_does_not_wait_to_be_served),
	VSMTEST_CASE(a_change_ends_a_bounce),
	VSMTEST_CASE(trap_5_page_tables_in_a_denied_page),
	VSMTEST_CASE(trap_6_more_ranges_than_a_call_takes),
	VSMTEST_CASE(more_runs_than_fit),
	VSMTEST_CASE(trap_7_guest_memfd_is_no_ram),
	VSMTEST_CASE(trap_8_without_privilege),
	VSMTEST_CASE(no_store_lands_after_the_hypercall),
	VSMTEST_CASE(an_overlay_leaves_no_window_to_the_page),
	VSMTEST_CASE(a_foreign_sigbus_is_raised_again),
	VSMTEST_CASE(a_vp_may_go_on_on_another_thread),
	VSMTEST_CASE(a_page_that_the_host_drops_is_shown_again),
	VSMTEST_CASE(a_reader_of_the_view_hinders_no_change),
};

int main(void)
{
	return kt_main("kvm_traps", cases, VSMTEST_COUNT(cases));
}
