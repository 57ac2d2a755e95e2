/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Accesses that were stopped with RIP on their instruction: by the page tables of this process, or
 * because KVM gave up on the instruction. What was accessed, and how, is found from the
 * instruction.
 */
#include "kvm_private.h"

#include <string.h>

#include "insn.h"

/* No instruction is longer (SDM vol. 2A, 2.3.11). */
#define INSN_MAX 15u

/* Faults in a row for which no page is to blame: then it is the host that failed. */
#define FAULTS_MAX 1000u

/* SIGBUSes in a row at an allowed page: then it is the machine's memory that failed. */
#define REPEATS_MAX 64u

/* A memory error that KVM reports at the access (asm-generic/siginfo.h). */
#define MCEERR_AR 4

struct search {
	struct vsm_kvm_vp *kvp;
	uint32_t vtl;
	uint64_t page; /* GPA of the page that was hit, or VK_NO_PAGE */
	uint32_t told; /* What an event told of it: as kvm_hit_take(). */
	uint32_t mended; /* 1: something that should have been there was not. */
	struct vsm_memory_fault fault;
};

static int may(struct search *s, uint64_t gpa, int access)
{
	struct vsm_kvm *k = s->kvp->k;
	int found;

	pthread_mutex_lock(&k->lock);
	found = kvm_sees(k, s->vtl, gpa, access) != NULL;
	pthread_mutex_unlock(&k->lock);
	return found;
}

/* Is this byte in the page that was hit, and denied? */
static int denied_at(struct search *s, uint64_t linear, int access)
{
	uint64_t gpa;

	if (kvm_code_gpa(s->kvp, &s->kvp->vcpu[s->vtl], linear, &gpa) != 0 ||
	    (s->page != VK_NO_PAGE && (gpa & ~(VK_PAGE - 1)) != s->page) ||
	    !kvm_is_ours(s->kvp->k, s->vtl, gpa))
		return 0;
	s->mended |= (uint32_t)kvm_enforce_touch(s->kvp->k, s->vtl, gpa);
	if (may(s, gpa, access))
		return 0;
	s->fault.flags |= VSM_FAULT_GVA_VALID;
	s->fault.gva = linear;
	s->fault.gpa = gpa;
	return 1;
}

/* The first of `bytes` bytes that is. */
static int span_denied(struct search *s, uint64_t linear, uint32_t bytes, int access)
{
	uint64_t left = bytes;

	for (;;) {
		uint64_t here = VK_PAGE - linear % VK_PAGE;

		if (denied_at(s, linear, access))
			return 1;
		if (left <= here)
			return 0;
		left -= here;
		linear += here;
	}
}

/* It begins in a denied page, or what is left of this one does not hold all of it. */
static int fetch_denied(struct search *s, uint64_t rip, uint32_t cut)
{
	uint64_t here = VK_PAGE - rip % VK_PAGE;

	s->fault.access = HV_INTERCEPT_ACCESS_EXECUTE;
	if (denied_at(s, rip, VK_SEES_CODE))
		return 1;
	return cut && here < INSN_MAX && denied_at(s, rip + here, VK_SEES_CODE);
}

static int operand_denied(struct search *s, const struct vk_operand *op)
{
	s->fault.access = HV_INTERCEPT_ACCESS_READ;
	if ((op->access & VK_READ) != 0 && span_denied(s, op->linear, op->size, VK_SEES_READ))
		return 1;
	s->fault.access = HV_INTERCEPT_ACCESS_WRITE;
	return (op->access & VK_WRITE) != 0 && span_denied(s, op->linear, op->size, VK_SEES_WRITE);
}

/* May the page be read, and was it so when the access was denied? First may(), which waits for
 * whoever is granting just now. */
static int is_readable(struct search *s)
{
	return may(s, s->page, VK_SEES_READ) && !kvm_fault_stale(s->kvp);
}

/*
 * No operand lies there, but the page was hit. Without an event it was a page without any rights,
 * and of what is denied there a read is the less; a page that may be read by now is tried again.
 * With attributes of KVM it may have been so all the time. Then an instruction whose length nobody
 * knows reached into it; or it was a store, of such an instruction or of the processor itself to
 * the guest's page tables.
 */
static int page_denied(struct search *s, uint64_t rip)
{
	const struct vsm_kvm *k = s->kvp->k;
	int write = s->told == VK_SEES_WRITE + 1;

	if (s->page == VK_NO_PAGE || !kvm_is_ours(s->kvp->k, s->vtl, s->page))
		return 0;
	if ((k->mechanism->flags & VK_MECH_GPAS) != 0 && is_readable(s)) {
		if (fetch_denied(s, rip, 1))
			return 1;
		write = 1;
	}
	s->fault.gpa = s->page;
	s->fault.access = write ? HV_INTERCEPT_ACCESS_WRITE : HV_INTERCEPT_ACCESS_READ;
	return !may(s, s->page, write ? VK_SEES_WRITE : VK_SEES_READ);
}

int kvm_fault_stale(const struct vsm_kvm_vp *kvp)
{
	return kvp->epoch != atomic_load(&kvp->k->epoch);
}

static int find(struct search *s, int *known)
{
	const struct kvm_run *run = s->kvp->vcpu[s->vtl].run;
	uint64_t rip = kvm_code_linear(run);
	struct vk_operands list;
	uint32_t count;

	count = kvm_code_read(s->kvp, s->vtl, s->fault.instruction_bytes);
	if (count > INSN_MAX)
		count = INSN_MAX;
	s->fault.instruction_byte_count = (uint8_t)count;
	*known = kvm_operands_of(s->kvp, s->vtl, s->fault.instruction_bytes, count, &list) == 0;
	if (fetch_denied(s, rip, list.cut))
		return 1;
	for (uint32_t i = 0; i < list.count; i++) {
		/* Granted meanwhile: not the part that no processor has to touch is to blame. */
		if ((list.op[i].access & VK_MAYBE) != 0 && (s->mended || kvm_fault_stale(s->kvp)))
			continue;
		if (operand_denied(s, &list.op[i]))
			return 1;
	}
	return page_denied(s, rip);
}

int kvm_fault_native(struct vsm_kvm_vp *kvp, uint32_t vtl, uint64_t page, int *mine)
{
	struct search s = { .kvp = kvp,
			    .vtl = vtl,
			    .page = page,
			    .fault = { .size = sizeof(s.fault),
				       .flags = VSM_FAULT_FINAL,
				       .user = kvm_cpl(kvp->vcpu[vtl].run) == 3 } };
	int known;

	*mine = 1;
	if (page != VK_NO_PAGE) {
		s.told = kvm_hit_take(kvp, vtl, page);
		s.mended = (uint32_t)kvm_enforce_touch(kvp->k, vtl, page);
	}
	if (find(&s, &known)) {
		kvp->faults = 0;
		/* The bytes are a hint for whoever emulates it: of a fetch there are none. */
		if (s.fault.access == HV_INTERCEPT_ACCESS_EXECUTE) {
			memset(s.fault.instruction_bytes, 0, sizeof(s.fault.instruction_bytes));
			s.fault.instruction_byte_count = 0;
		}
		return kvm_fault_tell(kvp, &s.fault);
	}
	/* Granted meanwhile, or shown again just now: the guest tries again. */
	if (s.mended || kvm_fault_stale(kvp))
		return VSM_VERDICT_RETRY;
	*mine = known && kvp->faults++ < FAULTS_MAX ? 2 : 0;
	return VSM_VERDICT_RETRY;
}

int kvm_fault_bus(struct vsm_kvm_vp *kvp, uint32_t vtl, int *mine)
{
	struct vk_bus *bus = &kvp->bus;
	uint64_t gpa;
	int verdict;

	*mine = 0;
	if (bus->code != MCEERR_AR || kvm_view_find(kvp->k, vtl, bus->hva, &gpa) != 0)
		return 0;
	bus->pending = 0;
	verdict = kvm_fault_native(kvp, vtl, gpa & ~(VK_PAGE - 1), mine);
	/* An old one, of a page that was granted since; but not again and again. */
	if (*mine == 1)
		bus->repeats = 0;
	else
		*mine = ++bus->repeats < REPEATS_MAX;
	return verdict;
}
