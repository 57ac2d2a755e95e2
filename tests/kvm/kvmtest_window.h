/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * The moment in which the table has changed and nothing enforces it yet.
 */
#ifndef KVMTEST_WINDOW_H
#define KVMTEST_WINDOW_H

#include "kvmtest_pair.h"

/* Called once then, on the thread of the VP that protects. */
static void (*window_call)(struct pair *p);
static struct pair *window_pair;

static inline int window_protect(void *opaque, const struct vsm_protect_range *ranges,
				 uint32_t count, uint32_t *done, uint64_t token)
{
	void (*call)(struct pair * p) = window_call;

	window_call = NULL;
	if (call != NULL)
		call(window_pair);
	return kvm_op_protect(opaque, ranges, count, done, token);
}

static inline const struct vsm_host_ops *window_ops(const struct vsm_kvm *k)
{
	static struct vsm_host_ops ops;

	ops = *vsm_kvm_ops(k);
	ops.protect = window_protect;
	return &ops;
}

static inline void window_start(struct pair *p, uint32_t pages)
{
	window_call = NULL;
	window_pair = p;
	pair_start_ops(p, VSM_KVM_ENFORCE_AUTO, pages, window_ops);
}

#endif /* KVMTEST_WINDOW_H */
