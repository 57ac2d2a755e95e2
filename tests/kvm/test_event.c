/* SPDX-License-Identifier: BSD-3-Clause */
/* What userfaultfd tells of an access that the instruction does not: who made it, and that it was a
 * store. With that mechanism only, whatever the run is about. */
#include "kvmtest.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <linux/userfaultfd.h>

#include "uffd.h"

#define R_X (HV_MAP_GPA_READABLE | HV_MAP_GPA_EXECUTABLE)
#define RWX HV_MAP_GPA_PERMISSIONS_MASK
#define OLD 0x0706050403020100ull /* at PAGE_GPA, as kt_tables() fills the page */

/* VTL0 may read and execute PAGE_GPA, and stands at CPL 3 on an instruction without operands. This
 * thread is that of the VP. */
static struct kt *machine(void)
{
	static const uint8_t nop[] = { 0x90, STOP };
	struct vsm_kvm_options o;
	struct kt *t;

	vsm_kvm_options_init(&o);
	o.enforce = VSM_KVM_ENFORCE_UFFD;
	t = kt_new(&o);
	kt_vtl1(t);
	kt_deny(t, PAGE_GPA, R_X);
	kt_switch(t, 1);
	kt_long_mode(t, 0, 3);
	kt_code(t, 0, nop, sizeof(nop));
	t->lines = 0;
	return t;
}

/* Make the kernel store to the page in VTL0's view: the thread gets an error where a processor
 * would get a SIGBUS. The page is left poisoned. */
static void *pokes(void *arg)
{
	struct kt *t = arg;
	int fd[2];

	ck_assert_int_eq(pipe(fd), 0);
	ck_assert_int_eq((int)write(fd[1], "", 1), 1);
	ck_assert_int_eq((int)read(fd[0], t->k->range[0].view[0] + PAGE_GPA, 1), -1);
	ck_assert_int_eq(errno, EFAULT);
	close(fd[0]);
	close(fd[1]);
	/* The kernel may be done before the thread that serves has made its note. */
	pthread_mutex_lock(&t->k->pte_lock);
	pthread_mutex_unlock(&t->k->pte_lock);
	return NULL;
}

static void another_thread_pokes(struct kt *t)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, pokes, t), 0);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(kvm_pte(&t->k->range[0], 0, PAGE_GPA / 4096), VK_PTE_BOUNCE);
}

/* The VP came out at that page, and its instruction does not tell why. */
static int page_fault(struct kt *t)
{
	int mine = 0;
	int verdict = kvm_fault_native(t->vp, 0, PAGE_GPA, &mine);

	ck_assert_int_eq(mine, 1);
	return verdict;
}

static void check_store_told(struct kt *t)
{
	struct hv_message message = kt_intercept(t);
	const struct hv_x64_memory_intercept_message *m = (const void *)message.payload;

	ck_assert_uint_eq(message.header.message_type, HVMSG_GPA_INTERCEPT);
	ck_assert_uint_eq(m->header.intercept_access_type, HV_INTERCEPT_ACCESS_WRITE);
	ck_assert_uint_eq(m->guest_physical_address, PAGE_GPA);
	ck_assert_uint_eq(m->header.rip, CODE_GPA);
	ck_assert_uint_eq(*kt_at(t, PAGE_GPA), OLD);
}

START_TEST(an_event_tells_that_it_was_a_store)
{
	struct kt *t = machine();

	pokes(t);
	ck_assert_int_eq(page_fault(t), VSM_VERDICT_SWITCHED);
	check_store_told(t);
	ck_assert_uint_eq(kt_stats(t).foreign, 0);
	kt_free(t);
}
END_TEST

/* The page is poisoned for the sake of another one's store: who reads it has done nothing that is
 * denied. */
START_TEST(the_store_of_another_thread_is_not_the_vps)
{
	struct kt *t = machine();

	another_thread_pokes(t);
	ck_assert_int_eq(page_fault(t), VSM_VERDICT_RETRY);
	ck_assert_uint_eq(kvm_pte(&t->k->range[0], 0, PAGE_GPA / 4096), VK_PTE_READ);
	ck_assert_uint_eq(kt_stop(t), 0);
	kt_free(t);
}
END_TEST

START_TEST(a_thread_that_runs_no_vp_is_counted)
{
	struct kt *t = machine();

	another_thread_pokes(t);
	ck_assert_uint_eq(t->lines, 1);
	ck_assert_ptr_nonnull(strstr(t->line, "runs no VP"));
	kvm_enforce_touch(t->k, 0, PAGE_GPA);
	another_thread_pokes(t);
	ck_assert_uint_eq(t->lines, 1);
	ck_assert_uint_eq(kt_stats(t).foreign, 2);
	ck_assert_uint_eq(kt_stats(t).bounced, 2);
	ck_assert_uint_eq(*kt_at(t, PAGE_GPA), OLD);
	kt_free(t);
}
END_TEST

START_TEST(a_note_is_gone_when_the_vp_goes_on)
{
	struct kt *t = machine();

	pokes(t);
	ck_assert_uint_eq(kt_stop(t), 0);
	kt_set(t, 0, HV_X64_REGISTER_RIP, CODE_GPA);
	ck_assert_int_eq(page_fault(t), VSM_VERDICT_RETRY);
	kt_free(t);
}
END_TEST

/* A store that was granted gets through without another event; one that is denied more does not. */
START_TEST(a_note_is_gone_when_the_page_is_given)
{
	struct kt *t = machine();
	struct vk_run run = { .range = &t->k->range[0],
			      .first = PAGE_GPA / 4096,
			      .pages = 1,
			      .from = VK_PTE_READ,
			      .to = VK_PTE_NONE };

	pokes(t);
	kvm_enforce_touch(t->k, 0, PAGE_GPA);
	ck_assert_int_eq(t->k->mechanism->change(t->k, &run, 1), 0);
	ck_assert_uint_eq(t->k->hit[0].access, VK_SEES_WRITE + 1);
	run.from = VK_PTE_NONE;
	run.to = VK_PTE_ALL;
	ck_assert_int_eq(t->k->mechanism->change(t->k, &run, 1), 0);
	ck_assert_uint_eq(t->k->hit[0].access, 0);
	kt_free(t);
}
END_TEST

/* Only the VP that was told of, in that VTL and at that page. */
START_TEST(a_note_is_of_one_page)
{
	struct kt *t = machine();

	pokes(t);
	ck_assert_uint_eq(kvm_hit_take(t->vp, 0, PAGE_GPA + 4096), 0);
	kvm_enforce_touch(t->k, 0, PAGE_GPA);
	pokes(t);
	ck_assert_uint_eq(kvm_hit_take(t->vp, 1, PAGE_GPA), 0);
	kvm_enforce_touch(t->k, 0, PAGE_GPA);
	pokes(t);
	ck_assert_uint_eq(kvm_hit_take(t->vp, 0, PAGE_GPA), VK_SEES_WRITE + 1);
	ck_assert_uint_eq(kvm_hit_take(t->vp, 0, PAGE_GPA), 0);
	kt_free(t);
}
END_TEST

/* ---- moments between the kernel's step and the library's ---- */

/* Called on the thread that serves, once each: an event was read; a page was poisoned. */
static void (*on_event)(void);
static void (*on_poison)(void);

static void call_once(void (**hook)(void))
{
	void (*call)(void) = __atomic_exchange_n(hook, NULL, __ATOMIC_SEQ_CST);

	if (call != NULL)
		call();
}

ssize_t __real_read(int fd, void *to, size_t size);
ssize_t __wrap_read(int fd, void *to, size_t size);
ssize_t __wrap_read(int fd, void *to, size_t size)
{
	ssize_t n = __real_read(fd, to, size);

	if (n > 0 && n % (ssize_t)sizeof(struct uffd_msg) == 0)
		call_once(&on_event);
	return n;
}

int __real_ioctl(int fd, unsigned long request, void *arg);
int __wrap_ioctl(int fd, unsigned long request, void *arg);
int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
	int r = __real_ioctl(fd, request, arg);

	if (r == 0 && request == UFFDIO_POISON)
		call_once(&on_poison);
	return r;
}

static pthread_t vp_thread;
static atomic_int went_on;

static sigjmp_buf got_out;

static void on_signal(int signal)
{
	(void)signal;
	siglongjmp(got_out, 1);
}

/* The VP's thread is got out by a signal, and the VP runs on before its event is served. */
static void get_it_out(void)
{
	pthread_kill(vp_thread, SIGUSR2);
	while (!atomic_load(&went_on))
		poll(NULL, 0, 1);
}

/* A store that was told of late is not what the VP does now. */
START_TEST(an_event_of_an_earlier_run_counts_for_nothing)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct kt *t = machine();
	uint64_t served;

	/* The VP has a thread only when it has run. */
	ck_assert_uint_eq(kt_stop(t), 0);
	kt_set(t, 0, HV_X64_REGISTER_RIP, CODE_GPA);
	served = kt_stats(t).served;
	vp_thread = pthread_self();
	sigaction(SIGUSR2, &action, NULL);
	on_event = get_it_out;
	if (sigsetjmp(got_out, 1) == 0)
		*(volatile uint8_t *)(t->k->range[0].view[0] + PAGE_GPA) = 1;
	ck_assert_uint_eq(kt_stop(t), 0);
	kt_set(t, 0, HV_X64_REGISTER_RIP, CODE_GPA);
	atomic_store(&went_on, 1);
	for (uint32_t i = 0; i < 10000 && kt_stats(t).served == served; i++)
		poll(NULL, 0, 1);
	ck_assert_uint_eq(kt_stats(t).served, served + 1);
	ck_assert_uint_eq(kvm_pte(&t->k->range[0], 0, PAGE_GPA / 4096), VK_PTE_BOUNCE);
	ck_assert_int_eq(page_fault(t), VSM_VERDICT_RETRY);
	kt_free(t);
}
END_TEST

static void take_time(void)
{
	poll(NULL, 0, 50);
}

/* The kernel lets the thread go when the page is poisoned, and the note comes after that. */
START_TEST(a_note_under_way_is_waited_for)
{
	struct kt *t = machine();
	int fd[2];

	ck_assert_uint_eq(kt_stop(t), 0);
	kt_set(t, 0, HV_X64_REGISTER_RIP, CODE_GPA);
	ck_assert_int_eq(pipe(fd), 0);
	ck_assert_int_eq((int)write(fd[1], "", 1), 1);
	on_poison = take_time;
	ck_assert_int_eq((int)read(fd[0], t->k->range[0].view[0] + PAGE_GPA, 1), -1);
	ck_assert_uint_eq(kvm_hit_take(t->vp, 0, PAGE_GPA), VK_SEES_WRITE + 1);
	close(fd[0]);
	close(fd[1]);
	kt_free(t);
}
END_TEST

/* ---- memory that comes ---- */

struct reader {
	const volatile uint8_t *page;
	uint8_t value;
};

static void *reads(void *arg)
{
	struct reader *r = arg;

	r->value = *r->page;
	return r;
}

/* A view is watched before its range is known. Whoever comes then asks again and again until it is:
 * nobody is forgotten. */
START_TEST(who_comes_before_the_range_is_known)
{
	struct vk_range range = { .gpa = RAM_SIZE, .size = 4096, .is_ram = 1 };
	struct kt *t = machine();
	int fd = kt_memfd(4096), late;
	struct reader reader = { 0 };
	uint64_t served = kt_stats(t).served;
	struct timespec end;
	pthread_t thread;

	ck_assert_int_eq((int)pwrite(fd, "\x5a", 1, 0), 1);
	range.host = kvm_view_map(fd, 0, 4096);
	for (uint32_t vtl = 0; vtl < 2; vtl++)
		range.view[vtl] = kvm_view_map(fd, 0, 4096);
	ck_assert_int_eq(kvm_enforce_attach(t->k, &range, fd), 0);
	ck_assert_int_eq(madvise(range.view[0], 4096, MADV_DONTNEED), 0);
	reader.page = range.view[0];
	ck_assert_int_eq(pthread_create(&thread, NULL, reads, &reader), 0);
	for (uint32_t i = 0; i < 10000 && kt_stats(t).served == served; i++)
		poll(NULL, 0, 1);
	ck_assert_uint_gt(kt_stats(t).served, served);
	assert_err(kvm_range_add(t->k, &range), 0);
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 10;
	late = pthread_timedjoin_np(thread, NULL, &end);
	if (late != 0) {
		struct uffdio_range r = { (uint64_t)(uintptr_t)range.view[0], 4096 };

		__real_ioctl(t->k->uffd, UFFDIO_WAKE, &r);
		pthread_join(thread, NULL);
	}
	ck_assert_int_eq(late, 0);
	ck_assert_uint_eq(reader.value, 0x5a);
	kt_free(t);
	close(fd);
}
END_TEST

static int has_clzero(void)
{
	uint32_t eax = 0x80000000u, ebx, ecx = 0, edx;

	__asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	if (eax < 0x80000008u)
		return 0;
	eax = 0x80000008u;
	ecx = 0;
	__asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	return ebx & 1;
}

/* CLZERO stores a cache line and has no operand that says so (AMD64 manual vol. 3). */
START_TEST(a_store_that_the_instruction_does_not_tell)
{
	static const uint8_t clzero[] = { 0x0f, 0x01, 0xfc, STOP };
	uint64_t gpa = PAGE_GPA;
	struct kt *t;

	if (!has_clzero()) {
		printf("# this processor has no CLZERO\n");
		return;
	}
	t = machine();
	kt_code(t, 0, clzero, sizeof(clzero));
	kt_set(t, 0, HV_X64_REGISTER_RAX, PAGE_GPA);
	ck_assert_uint_eq(kt_stop(t), 1);
	check_store_told(t);
	ck_assert_uint_eq(kt_protect(t, 1, RWX, &gpa, 1), REPS(1));
	ck_assert_uint_eq(kt_resume(t), 0);
	ck_assert_uint_eq(*kt_at(t, PAGE_GPA), 0);
	ck_assert_uint_eq(kt_stats(t).foreign, 0);
	kt_free(t);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(an_event_tells_that_it_was_a_store),
	VSMTEST_CASE(the_store_of_another_thread_is_not_the_vps),
	VSMTEST_CASE(a_thread_that_runs_no_vp_is_counted),
	VSMTEST_CASE(a_note_is_gone_when_the_vp_goes_on),
	VSMTEST_CASE(a_note_is_gone_when_the_page_is_given),
	VSMTEST_CASE(a_note_is_of_one_page),
	VSMTEST_CASE(an_event_of_an_earlier_run_counts_for_nothing),
	VSMTEST_CASE(a_note_under_way_is_waited_for),
	VSMTEST_CASE(who_comes_before_the_range_is_known),
	VSMTEST_CASE(a_store_that_the_instruction_does_not_tell),
};

int main(void)
{
	struct vsm_kvm_enforcement e = { .size = sizeof(e) };

	if (vsm_kvm_enforcement(NULL, VSM_KVM_ENFORCE_UFFD, &e) != 0 || !e.available) {
		printf("1..0 # SKIP %s\n", e.missing == NULL ? "no answer" : e.missing);
		return 0;
	}
	return kt_main("kvm_event", cases, VSMTEST_COUNT(cases));
}
