/* SPDX-License-Identifier: BSD-3-Clause */
#include "inject.h"

#include <string.h>

#define EVERY 8u

static const struct {
	const char *name;
	enum inject_bug bug;
} bugs[] = {
	{ "skip-enforcement", INJECT_SKIP_ENFORCEMENT },
	{ "short-list", INJECT_SHORT_LIST },
	{ "stuck-overlay", INJECT_STUCK_OVERLAY },
	{ "unchecked-dma", INJECT_UNCHECKED_DMA },
	{ "lost-start", INJECT_LOST_START },
	{ "wrong-access-type", INJECT_WRONG_ACCESS },
	{ "wrong-gpa", INJECT_WRONG_GPA },
	{ "wrong-rip", INJECT_WRONG_RIP },
};

static struct vsm_host_ops inner;
static enum inject_bug chosen;
static uint32_t count;

int inject_find(const char *name, const char **list)
{
	for (size_t i = 0; i < sizeof(bugs) / sizeof(bugs[0]); i++) {
		if (strcmp(bugs[i].name, name) == 0)
			return (int)bugs[i].bug;
	}
	*list = "skip-enforcement, short-list, stuck-overlay, unchecked-dma, lost-start, "
		"wrong-access-type, wrong-gpa, wrong-rip";
	return -1;
}

int inject_is_of_fault(enum inject_bug bug)
{
	return bug == INJECT_WRONG_ACCESS || bug == INJECT_WRONG_GPA || bug == INJECT_WRONG_RIP;
}

/*
 * Rights that are given are always given: a host that does not follow the table there repeats an
 * access for ever, and no guest can tell.
 */
static int is_spoilt(const struct vsm_protect_range *range, uint32_t left)
{
	if (range->rights == HV_MAP_GPA_PERMISSIONS_MASK)
		return 0;
	if (chosen == INJECT_SHORT_LIST)
		return left == 1;
	return __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED) % EVERY == 0;
}

static int protect(void *opaque, const struct vsm_protect_range *ranges, uint32_t n, uint32_t *done,
		   uint64_t token)
{
	struct vsm_protect_range range;
	uint32_t one;
	int r = 0;

	for (*done = 0; *done < n && r == 0; *done += r == 0) {
		range = ranges[*done];
		if (is_spoilt(&range, n > 1 ? n - *done : 0))
			continue;
		/* At once: several answers to one token would be one too many. */
		r = inner.protect(opaque, &range, 1, &one, 0);
	}
	(void)token;
	return r;
}

static int overlay_map(void *opaque, const struct vsm_overlay *overlay, uint64_t token)
{
	if (overlay->vtl == 0 && !overlay->page)
		return 0;
	return inner.overlay_map(opaque, overlay, token);
}

/* A whole context of VTL0 is that of a start: EnableVpVtl brings those of other VTLs. */
static int regs_set(void *vp, uint32_t vtl, uint32_t groups, const struct vsm_reg *regs, uint32_t n)
{
	const uint32_t context = VSM_REGS_GPR | VSM_REGS_SEGMENT | VSM_REGS_CONTROL | VSM_REGS_MSR;

	if (vtl == 0 && (groups & context) == context)
		return -VSM_ERR_INVAL;
	return inner.regs_set(vp, vtl, groups, regs, n);
}

void inject_ops(struct vsm_host_ops *ops, enum inject_bug bug)
{
	inner = *ops;
	chosen = bug;
	if (bug == INJECT_SKIP_ENFORCEMENT || bug == INJECT_SHORT_LIST)
		ops->protect = protect;
	if (bug == INJECT_STUCK_OVERLAY)
		ops->overlay_map = overlay_map;
	if (bug == INJECT_LOST_START)
		ops->regs_set = regs_set;
}

void inject_fault(struct vsm_memory_fault *fault, uint64_t *rip, enum inject_bug bug)
{
	if (bug == INJECT_WRONG_ACCESS && fault->access == HV_INTERCEPT_ACCESS_READ)
		fault->access = HV_INTERCEPT_ACCESS_WRITE;
	else if (bug == INJECT_WRONG_GPA)
		fault->gpa += 8;
	else if (bug == INJECT_WRONG_RIP)
		++*rip;
}
