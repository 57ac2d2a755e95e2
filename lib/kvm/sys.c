/* SPDX-License-Identifier: BSD-3-Clause */
#include "kvm_private.h"

#include <errno.h>
#include <sys/ioctl.h>

int kvm_ioctl(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg);
}

int kvm_vcpu_ioctl(struct vsm_kvm_vp *kvp, struct vk_vcpu *v, unsigned long request, void *arg)
{
	kvm_count(&kvp->count.ioctls, 1);
	return ioctl(v->fd, request, arg);
}

static size_t put_text(char *line, size_t at, size_t size, const char *text)
{
	while (*text != '\0' && at + 1 < size)
		line[at++] = *text++;
	line[at] = '\0';
	return at;
}

static size_t put_number(char *line, size_t at, size_t size, uint64_t number)
{
	char digits[21];
	size_t n = sizeof(digits) - 1;

	digits[n] = '\0';
	do {
		digits[--n] = (char)('0' + number % 10);
		number /= 10;
	} while (number != 0);
	return put_text(line, at, size, digits + n);
}

void kvm_log(const struct vsm_kvm *k, int32_t level, const char *what, uint64_t number)
{
	char line[160];
	size_t at;

	if (k->options.log == NULL)
		return;
	at = put_text(line, 0, sizeof(line), what);
	if (number != 0) {
		at = put_text(line, at, sizeof(line), " ");
		put_number(line, at, sizeof(line), number);
	}
	k->options.log(k->options.opaque, level, line);
}

void kvm_log_name(const struct vsm_kvm *k, int32_t level, const char *what, const char *name)
{
	char line[160];
	size_t at;

	if (k->options.log == NULL)
		return;
	at = put_text(line, 0, sizeof(line), what);
	at = put_text(line, at, sizeof(line), " ");
	put_text(line, at, sizeof(line), name);
	k->options.log(k->options.opaque, level, line);
}

int kvm_fail(const struct vsm_kvm *k, int err, const char *what)
{
	kvm_log(k, VSM_LOG_ERROR, what, 0);
	return -err;
}

int kvm_fail_sys(const struct vsm_kvm *k, const char *what)
{
	int saved = errno;

	/* The number is errno; the text of it is the VMM's to look up. */
	kvm_log(k, VSM_LOG_ERROR, what, (uint64_t)(unsigned int)saved);
	errno = saved;
	return -VSM_ERR_SYS;
}
