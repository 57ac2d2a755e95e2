/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The thread that serves accesses which the kernel has stopped by userfaultfd: it runs no VP and
 * takes no lock that a VP's thread may hold while it runs.
 */
#include "kvm_machine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

static void *serve(void *machine)
{
	struct kvm_machine *m = machine;
	struct pollfd fds[] = { { .fd = vsm_kvm_service_fd(m->kvm), .events = POLLIN },
				{ .fd = m->service_end[0], .events = POLLIN } };
	int r = 0;

	while (r >= 0 && fds[1].revents == 0) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[0].revents)
			r = vsm_kvm_service(m->kvm);
	}
	if (r < 0) {
		pthread_mutex_lock(&m->lock);
		if (m->status < 0)
			m->status = vmm_error("serving stopped accesses", r);
		pthread_cond_broadcast(&m->changed);
		pthread_mutex_unlock(&m->lock);
	}
	return NULL;
}

int kvm_service_start(struct kvm_machine *m)
{
	if (vsm_kvm_service_fd(m->kvm) < 0)
		return 0;
	if (pipe2(m->service_end, O_CLOEXEC) < 0)
		return vmm_error("pipe", -VSM_ERR_SYS);
	errno = pthread_create(&m->service, NULL, serve, m);
	m->has_service = errno == 0;
	return errno == 0 ? 0 : vmm_error("thread that serves stopped accesses", -VSM_ERR_SYS);
}

void kvm_service_stop(struct kvm_machine *m)
{
	if (!m->has_service)
		return;
	/* Closing it is what the other end waits for. */
	close(m->service_end[1]);
	pthread_join(m->service, NULL);
	close(m->service_end[0]);
}
