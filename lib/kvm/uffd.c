/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rights by userfaultfd on the views (Linux 6.6): no access is a poison marker, R+X write
 * protection.
 *
 * With events the views are registered for minor faults as well, so that a page that is taken out
 * of the page tables on the way from one to the other is out of the guest's reach at each moment:
 *
 *     all  -> R+X   write-protect            R+X  -> all   undo that
 *     all  -> none  drop, poison             none -> all   continue (over the marker)
 *     R+X  -> none  drop, undo write         none -> R+X   continue, write-protected
 *                   protection (its marker
 *                   is in the way), poison
 *
 * Without events no page may be missing but for such a moment: to KVM itself, which reads page
 * tables of the guest, it would look as if there was no memory, and the kernel takes entries away
 * whenever it likes (reclaim; pages that are made huge). So the kernel may bring back what has no
 * marker. All VPs are out of the guest while something is taken away; what else reads the page then
 * (an ioctl of theirs that walks page tables) at worst has it dropped once more.
 */
#include "kvm_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "uffd.h"

#define FEATURES                                                     \
	(UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_MINOR_SHMEM | \
	 UFFD_FEATURE_WP_HUGETLBFS_SHMEM | UFFD_FEATURE_POISON)

/* It is older than POISON: no kernel has only one of them. */
#define EVENT_FEATURES UFFD_FEATURE_THREAD_ID

#define MODE_SIGBUS UFFDIO_REGISTER_MODE_WP
#define MODE_EVENTS (UFFDIO_REGISTER_MODE_WP | UFFDIO_REGISTER_MODE_MINOR)

/* How often pages are dropped that somebody brings back. */
#define POISON_MAX 1000u

/* Events that one call serves at most. */
#define SERVE_MAX 64u

_Static_assert(sizeof(struct uffdio_poison) == sizeof(struct uffdio_continue) &&
		       offsetof(struct uffdio_poison, updated) ==
			       offsetof(struct uffdio_continue, mapped),
	       "fill() takes one for the other");

/* ---- opening ---- */

static int new_fd(void)
{
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	int dev;

	if (fd >= 0 || errno != EPERM)
		return fd;
	dev = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);
	if (dev < 0) {
		errno = EPERM;
		return -1;
	}
	fd = ioctl(dev, USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK);
	close(dev);
	return fd;
}

static int open_fd(uint64_t more)
{
	struct uffdio_api api = { .api = UFFD_API, .features = FEATURES | more };
	int fd = new_fd();
	int saved;

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static int open_events(struct vsm_kvm *k)
{
	k->uffd = open_fd(EVENT_FEATURES);
	return k->uffd < 0 ? -1 : kvm_madvise_open(k, MADV_DONTNEED);
}

static int open_sigbus(struct vsm_kvm *k)
{
	k->uffd = open_fd(UFFD_FEATURE_SIGBUS);
	return k->uffd < 0 ? -1 : kvm_madvise_open(k, MADV_DONTNEED);
}

static int enroll(int fd, void *at, uint64_t size, uint64_t mode)
{
	struct uffdio_register r = { .range = { (uint64_t)(uintptr_t)at, size }, .mode = mode };

	return ioctl(fd, UFFDIO_REGISTER, &r);
}

static int attach_events(struct vsm_kvm *k, struct vk_range *range, uint32_t vtl)
{
	return enroll(k->uffd, range->view[vtl], range->size, MODE_EVENTS);
}

static int attach_sigbus(struct vsm_kvm *k, struct vk_range *range, uint32_t vtl)
{
	return enroll(k->uffd, range->view[vtl], range->size, MODE_SIGBUS);
}

/* ---- steps ---- */

struct fill {
	int fd;
	unsigned long request; /* UFFDIO_CONTINUE or UFFDIO_POISON */
	uint64_t mode;
	const volatile uint8_t *host; /* The same memory, unrestricted; NULL for poison. */
	uint64_t done; /* Bytes that were filled, not counting what was there. */
};

/* A step that did not get through: go on behind what it did or what was there. 0 or -1. */
static int fill_on(const struct fill *f, int64_t mapped, uint64_t at, uint64_t *step)
{
	*step = mapped > 0 ? (uint64_t)mapped : 0;
	switch (errno) {
	case EAGAIN:
		return 0;
	case EEXIST:
		if (f->host == NULL && *step == 0)
			return -1;
		if (*step == 0)
			*step = VK_PAGE;
		return 0;
	case EFAULT: /* Swapped out: have it fetched, then it can be shown. */
		if (f->host == NULL)
			return -1;
		(void)f->host[at + *step];
		return 0;
	default:
		return -1;
	}
}

static int fill(struct fill *f, void *start, uint64_t size)
{
	uint32_t idle = 0;
	uint64_t at = 0;

	while (at < size) {
		struct uffdio_continue c = {
			.range = { (uint64_t)(uintptr_t)start + at, size - at }, .mode = f->mode
		};
		uint64_t step = size - at;

		if (ioctl(f->fd, f->request, &c) != 0) {
			if (fill_on(f, c.mapped, at, &step) != 0)
				return -1;
			f->done += c.mapped > 0 ? (uint64_t)c.mapped : 0;
			/* A page that comes and goes again is not waited for without end. */
			idle = step == 0 ? idle + 1 : 0;
			if (idle == 100)
				return -1;
		} else {
			f->done += step;
		}
		at += step;
	}
	return 0;
}

static int resume(int fd, void *start, const uint8_t *host, uint64_t size, int read_only,
		  uint64_t *done)
{
	struct fill f = { .fd = fd, .request = UFFDIO_CONTINUE, .host = host };
	int r;

	f.mode = read_only ? UFFDIO_CONTINUE_MODE_WP : 0;
	r = fill(&f, start, size);
	if (done != NULL)
		*done = f.done;
	return r;
}

/*
 * Of pages that were dropped. Without minor faults somebody may have brought one back: drop them
 * once more. Those who can are VPs on the way into the guest, where they have to wait: each does it
 * a few times at most.
 */
static int poison(int fd, void *start, uint64_t size)
{
	struct fill f = { .fd = fd, .request = UFFDIO_POISON };
	int r = fill(&f, start, size);

	for (uint32_t i = 0; i < POISON_MAX && r != 0 && errno == EEXIST; i++) {
		if (madvise(start, (size_t)size, MADV_DONTNEED) != 0)
			return -1;
		r = fill(&f, start, size);
	}
	return r;
}

static int write_protect(int fd, void *start, uint64_t size, int on)
{
	struct uffdio_writeprotect w = { .range = { (uint64_t)(uintptr_t)start, size },
					 .mode = on ? UFFDIO_WRITEPROTECT_MODE_WP : 0 };
	int r;

	do {
		r = ioctl(fd, UFFDIO_WRITEPROTECT, &w);
	} while (r != 0 && errno == EAGAIN);
	return r;
}

static void wake(int fd, void *start)
{
	struct uffdio_range r = { (uint64_t)(uintptr_t)start, VK_PAGE };

	ioctl(fd, UFFDIO_WAKE, &r);
}

/* One run, dropped already if it goes to none. */
static int change_run(const struct vsm_kvm *k, const struct vk_run *run)
{
	uint64_t offset = run->first * VK_PAGE, size = run->pages * VK_PAGE;
	uint8_t *start = run->range->view[run->vtl] + offset;
	const uint8_t *host = run->range->host + offset;

	switch (run->to) {
	case VK_PTE_NONE:
		if (run->from == VK_PTE_READ && write_protect(k->uffd, start, size, 0) != 0)
			return -1;
		return poison(k->uffd, start, size);
	case VK_PTE_READ:
		if (run->from == VK_PTE_ALL)
			return write_protect(k->uffd, start, size, 1);
		return resume(k->uffd, start, host, size, 1, NULL);
	default:
		if (run->from == VK_PTE_READ)
			return write_protect(k->uffd, start, size, 0);
		return resume(k->uffd, start, host, size, 0, NULL);
	}
}

static int change(struct vsm_kvm *k, const struct vk_run *run, uint32_t count)
{
	int given = 0, r = kvm_madvise_runs(k, run, count, 1u << VK_PTE_NONE, MADV_DONTNEED);

	for (uint32_t i = 0; i < count && r == 0; i++) {
		r = change_run(k, &run[i]);
		given |= run[i].to == VK_PTE_ALL;
	}
	if (given)
		kvm_hit_forget(k);
	return r;
}

static uint64_t show(struct vsm_kvm *k, const struct vk_run *run)
{
	struct uffdio_continue c = { .range = { (uint64_t)(uintptr_t)(run->range->view[run->vtl] +
								      run->first * VK_PAGE),
						run->pages * VK_PAGE },
				     .mode = run->to == VK_PTE_READ ? UFFDIO_CONTINUE_MODE_WP : 0 };

	if (ioctl(k->uffd, UFFDIO_CONTINUE, &c) == 0)
		return run->pages;
	return c.mapped > 0 ? (uint64_t)c.mapped / VK_PAGE : 0;
}

/* ---- faults ---- */

/* The kernel may take entries away, and a store may be on its way out: show the page again. */
static int touch(struct vsm_kvm *k, struct vk_range *range, uint32_t vtl, uint64_t page)
{
	uint8_t *view = range->view[vtl] + page * VK_PAGE;
	uint32_t pte = kvm_pte(range, vtl, page);
	uint64_t done = 0;

	if (pte == VK_PTE_NONE)
		return 0;
	if (resume(k->uffd, view, range->host + page * VK_PAGE, VK_PAGE, pte != VK_PTE_ALL,
		   &done) != 0)
		kvm_fail_sys(k, "userfaultfd: a page cannot be shown again, errno");
	if (done != 0)
		kvm_region_show(k, range, vtl, page);
	if (pte == VK_PTE_BOUNCE) {
		__atomic_fetch_and(&range->pte[vtl][page], (uint8_t) ~(VK_PTE_BOUNCE ^ VK_PTE_READ),
				   __ATOMIC_ACQ_REL);
		atomic_fetch_add(&k->epoch, 1);
		k->bouncing--;
		return 1;
	}
	return done != 0;
}

/*
 * A store to a page that may only be read. A signal does not get it out of KVM's emulator, where
 * the thread would wait for ever: poison does. The page is shown again by whoever meets the marker.
 */
static void bounce(struct vsm_kvm *k, struct vk_range *range, uint32_t vtl, uint64_t page)
{
	uint8_t *view = range->view[vtl] + page * VK_PAGE;

	atomic_fetch_add(&k->epoch, 1);
	if (madvise(view, VK_PAGE, MADV_DONTNEED) != 0 ||
	    write_protect(k->uffd, view, VK_PAGE, 0) != 0 || poison(k->uffd, view, VK_PAGE) != 0)
		kvm_fail_sys(k, "userfaultfd: a store cannot be thrown out, errno");
	__atomic_fetch_or(&range->pte[vtl][page], (uint8_t)VK_PTE_BOUNCE, __ATOMIC_ACQ_REL);
	k->bouncing++;
	kvm_count(&k->bounced, 1);
}

/*
 * An access that is not let through, by which thread? One that runs no VP has no business in the
 * views: a mistake of the VMM, which gets what a guest would - a SIGBUS, as of any memory that it
 * must not touch.
 */
static void note(struct vsm_kvm *k, const struct uffd_msg *m, uint32_t vtl, uint64_t gpa)
{
	int write = (m->arg.pagefault.flags &
		     (UFFD_PAGEFAULT_FLAG_WRITE | UFFD_PAGEFAULT_FLAG_WP)) != 0;
	uint32_t thread = m->arg.pagefault.feat.ptid;

	if (kvm_hit_note(k, thread, vtl, gpa, (write ? VK_SEES_WRITE : VK_SEES_READ) + 1))
		return;
	kvm_count(&k->foreign, 1);
	if (k->foreign == 1)
		kvm_log(k, VSM_LOG_WARN,
			"a thread that runs no VP accessed a protected page of a VTL's view, thread",
			thread);
}

static void serve_fault(struct vsm_kvm *k, const struct uffd_msg *m)
{
	uint64_t hva = m->arg.pagefault.address & ~(VK_PAGE - 1);
	uint32_t count = kvm_ranges(k);

	for (uint32_t i = 0; i < count; i++) {
		struct vk_range *range = &k->range[i];

		for (uint32_t vtl = 0; vtl + 1 < k->vtls; vtl++) {
			uint64_t offset = hva - (uint64_t)(uintptr_t)range->view[vtl];
			uint64_t page = offset / VK_PAGE;

			if (!range->by_ptes || offset >= range->size)
				continue;
			if ((m->arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP) == 0)
				touch(k, range, vtl, page);
			else if (kvm_pte(range, vtl, page) == VK_PTE_READ)
				bounce(k, range, vtl, page);
			if (kvm_pte(range, vtl, page) >= VK_PTE_NONE)
				note(k, m, vtl, range->gpa + offset);
			wake(k->uffd, range->view[vtl] + offset);
			return;
		}
	}
	/* Of RAM that is being added: whoever waits looks again. */
	wake(k->uffd, (void *)(uintptr_t)hva);
}

#define READ_MAX 16u

/* Read and serve some events; how many, or -1 with errno. In one piece: see hit.c. */
static int serve_some(struct vsm_kvm *k, uint32_t max)
{
	struct uffd_msg m[READ_MAX];
	size_t size = sizeof(m[0]) * (max < READ_MAX ? max : READ_MAX);
	ssize_t n;
	int count;

	pthread_mutex_lock(&k->pte_lock);
	do {
		kvm_hit_look(k);
		n = read(k->uffd, m, size);
	} while (n < 0 && errno == EINTR);
	count = n < 0 ? -1 : (int)((size_t)n / sizeof(m[0]));
	for (int i = 0; i < count; i++) {
		if (m[i].event == UFFD_EVENT_PAGEFAULT)
			serve_fault(k, &m[i]);
		kvm_count(&k->served, 1);
	}
	pthread_mutex_unlock(&k->pte_lock);
	return count;
}

static int serve(struct vsm_kvm *k)
{
	int served = 0;

	while (served < (int)SERVE_MAX) {
		int n = serve_some(k, SERVE_MAX - (uint32_t)served);

		if (n <= 0)
			return n == 0 || errno == EAGAIN ? served : -1;
		served += n;
	}
	return served;
}

/* ---- probing ---- */

static int try_out(int fd, uint8_t *page, uint64_t mode)
{
	page[0] = 1;
	return enroll(fd, page, VK_PAGE, mode) != 0 || madvise(page, VK_PAGE, MADV_DONTNEED) != 0 ||
	       poison(fd, page, VK_PAGE) != 0 || resume(fd, page, NULL, VK_PAGE, 1, NULL) != 0 ||
	       write_protect(fd, page, VK_PAGE, 0) != 0;
}

static const char *probe_with(uint64_t more, uint64_t mode)
{
	int fd = open_fd(more);
	const char *missing = NULL;
	void *page;

	if (fd < 0 && errno == EPERM)
		return "userfaultfd: no permission: give this user /dev/userfaultfd or "
		       "CAP_SYS_PTRACE, or set vm.unprivileged_userfaultfd to 1";
	if (fd < 0)
		return "userfaultfd: this kernel lacks it, or UFFDIO_POISON: Linux 6.6 has both";
	page = mmap(NULL, VK_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED || try_out(fd, page, mode) != 0)
		missing = "userfaultfd: this kernel cannot do what is needed to shared memory";
	if (page != MAP_FAILED)
		munmap(page, VK_PAGE);
	close(fd);
	return missing;
}

static const char *probe_events(const struct vk_facts *facts)
{
	(void)facts;
	return probe_with(EVENT_FEATURES, MODE_EVENTS);
}

static const char *probe_sigbus(const struct vk_facts *facts)
{
	(void)facts;
	return probe_with(UFFD_FEATURE_SIGBUS, MODE_SIGBUS);
}

const struct vk_mechanism kvm_mechanism_uffd = {
	.id = VSM_KVM_ENFORCE_UFFD,
	.name = "uffd",
	.masks = VK_MASKS_RX,
	.flags = VK_MECH_PTES | VK_MECH_SIGBUS | VK_MECH_SERVICE,
	.probe = probe_events,
	.open = open_events,
	.attach = attach_events,
	.change = change,
	.touch = touch,
	.show = show,
	.serve = serve,
};

const struct vk_mechanism kvm_mechanism_sigbus = {
	.id = VSM_KVM_ENFORCE_SIGBUS,
	.name = "sigbus",
	.masks = VK_MASKS_RX,
	.flags = VK_MECH_PTES | VK_MECH_SIGBUS,
	.probe = probe_sigbus,
	.open = open_sigbus,
	.attach = attach_sigbus,
	.change = change,
	.touch = touch,
	.show = show,
};
