/* SPDX-License-Identifier: BSD-3-Clause */
/* The ways to enforce rights, in the order of preference, and the choice among them. */
#include "kvm_private.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const struct vk_mechanism *const mechanisms[] = {
	&kvm_mechanism_attributes, &kvm_mechanism_uffd,	    &kvm_mechanism_sigbus,
	&kvm_mechanism_guard,	   &kvm_mechanism_mprotect, &kvm_mechanism_memslot,
};

#define COUNT (sizeof(mechanisms) / sizeof(mechanisms[0]))

const struct vk_mechanism *kvm_mechanism(uint32_t id)
{
	for (size_t i = 0; i < COUNT; i++) {
		if (mechanisms[i]->id == id)
			return mechanisms[i];
	}
	return NULL;
}

uint32_t kvm_mechanisms_there(const struct vk_facts *facts)
{
	uint32_t there = 0;

	for (size_t i = 0; i < COUNT; i++) {
		if (mechanisms[i]->probe(facts) == NULL)
			there |= 1u << mechanisms[i]->id;
	}
	return there;
}

uint32_t kvm_max_map_count(void)
{
	int fd = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
	uint64_t value = 0;
	char text[20];
	ssize_t n;

	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text));
	close(fd);
	for (ssize_t i = 0; i < n && text[i] >= '0' && text[i] <= '9'; i++)
		value = value * 10 + (uint64_t)(text[i] - '0');
	return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

/* The first that the host has; each that it lacks is named in the log. */
static const struct vk_mechanism *choose(const struct vsm_kvm *k)
{
	for (size_t i = 0; i < COUNT; i++) {
		const char *missing = mechanisms[i]->probe(&k->facts);

		if ((mechanisms[i]->flags & VK_MECH_SERVICE) != 0 && !k->options.serves)
			continue;
		if (missing == NULL)
			return mechanisms[i];
		kvm_log(k, VSM_LOG_INFO, missing, 0);
	}
	return &kvm_mechanism_memslot;
}

int kvm_mechanism_open(struct vsm_kvm *k)
{
	uint32_t id = k->options.enforce;
	const char *missing;

	k->mechanism = id == VSM_KVM_ENFORCE_AUTO ? choose(k) : kvm_mechanism(id);
	missing = k->mechanism->probe(&k->facts);
	if (missing != NULL)
		return kvm_fail(k, VSM_ERR_NOSUP, missing);
	if (k->mechanism->open != NULL && k->mechanism->open(k) != 0)
		return kvm_fail_sys(k, "vsm_kvm_create: the mechanism that enforces rights, errno");
	k->facts.host.enforceable = k->mechanism->masks;
	if (k->options.emulate_execute != 0 && kvm_enforces_execute(k)) {
		k->options.emulate_execute = 0;
		kvm_log(k, VSM_LOG_WARN,
			"rights without execute are enforced by KVM: none need to be emulated", 0);
	}
	if (k->options.emulate_execute != 0) {
		k->facts.host.enforceable |= VK_MASKS_EMULATED;
		kvm_log(k, VSM_LOG_WARN,
			"rights without execute are emulated, slowly; pages at most",
			k->options.emulate_execute);
	}
	kvm_log_name(k, VSM_LOG_INFO, "rights are enforced by", k->mechanism->name);
	return 0;
}

void kvm_mechanism_close(struct vsm_kvm *k)
{
	if (k->uffd >= 0)
		close(k->uffd);
	if (k->pidfd >= 0)
		close(k->pidfd);
}

int vsm_kvm_enforcement(const struct vsm_kvm *k, uint32_t mechanism,
			struct vsm_kvm_enforcement *out)
{
	const struct vk_mechanism *m;

	if (out == NULL || out->size != sizeof(*out))
		return -VSM_ERR_INVAL;
	m = mechanism == VSM_KVM_ENFORCE_AUTO && k != NULL ? k->mechanism :
							     kvm_mechanism(mechanism);
	if (m == NULL)
		return -VSM_ERR_INVAL;
	out->mechanism = m->id;
	out->enforceable = m->masks;
	out->emulated = 0;
	if (k != NULL && m == k->mechanism && k->options.emulate_execute != 0)
		out->emulated = VK_MASKS_EMULATED;
	out->enforceable |= out->emulated;
	out->reserved = 0;
	out->needs_service = (m->flags & VK_MECH_SERVICE) != 0;
	out->name = m->name;
	out->missing = m->probe(k != NULL ? &k->facts : NULL);
	out->available = out->missing == NULL;
	return 0;
}

int vsm_kvm_service_fd(const struct vsm_kvm *k)
{
	return k == NULL || k->mechanism->serve == NULL ? -1 : k->uffd;
}

int vsm_kvm_service(struct vsm_kvm *k)
{
	int n;

	if (k == NULL)
		return -VSM_ERR_INVAL;
	if (k->mechanism->serve == NULL)
		return 0;
	n = k->mechanism->serve(k);
	return n >= 0 ? n : kvm_fail_sys(k, "vsm_kvm_service: userfaultfd, errno");
}
