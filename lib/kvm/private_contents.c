/* SPDX-License-Identifier: BSD-3-Clause */
/* Private registers of an object in the forms that KVM has for them (TLFS 15.11.1). */
#include <string.h>

#include <vsm/hv.h>
#include <vsm/registers.h>

#include "kvm_private.h"
#include "vcpu_state.h"

#define X86_CR4_CET (1ull << 23)

/* Private registers in kvm_run; PENDING_INTERRUPTION and INTERRUPT_STATE are put in together. */
static const uint32_t sync_names[] = {
	HV_REGISTER_PENDING_INTERRUPTION,
	HV_REGISTER_INTERRUPT_STATE,
	HV_X64_REGISTER_RSP,
	HV_X64_REGISTER_RIP,
	HV_X64_REGISTER_RFLAGS,
	HV_X64_REGISTER_CR0,
	HV_X64_REGISTER_CR3,
	HV_X64_REGISTER_CR4,
	HV_X64_REGISTER_CR8,
	HV_X64_REGISTER_ES,
	HV_X64_REGISTER_CS,
	HV_X64_REGISTER_SS,
	HV_X64_REGISTER_DS,
	HV_X64_REGISTER_FS,
	HV_X64_REGISTER_GS,
	HV_X64_REGISTER_LDTR,
	HV_X64_REGISTER_TR,
	HV_X64_REGISTER_IDTR,
	HV_X64_REGISTER_GDTR,
	HV_X64_REGISTER_EFER,
	HV_X64_REGISTER_APIC_BASE,
};

#define SYNC_NAMES (sizeof(sync_names) / sizeof(sync_names[0]))

static struct vsm_reg *find(const struct vsm_private_state *state, uint32_t name)
{
	uint32_t low = 0;
	uint32_t high = state->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (state->regs[middle].name == name)
			return (struct vsm_reg *)(uintptr_t)&state->regs[middle];
		if (state->regs[middle].name < name)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static int dr6_is_private(const struct vsm_private_state *state)
{
	return (state->flags & VSM_PRIVATE_STATE_DR6_SHARED) == 0;
}

/* Has the object every register that is looked for in it? */
int kvm_contents_check(const struct vsm_private_state *state)
{
	struct vsm_reg reg;

	if (vsm_private_state_at(state, 0, &reg) != 0)
		return -VSM_ERR_INVAL;
	for (uint32_t i = 0; i < SYNC_NAMES; i++) {
		if (find(state, sync_names[i]) == NULL)
			return -VSM_ERR_INVAL;
	}
	for (uint32_t i = 0; i < kvm_private_msr_count(); i++) {
		if (find(state, kvm_private_msrs[i].name) == NULL)
			return -VSM_ERR_INVAL;
	}
	if (find(state, HV_X64_REGISTER_DR7) == NULL || find(state, HV_X64_REGISTER_SSP) == NULL)
		return -VSM_ERR_INVAL;
	return (find(state, HV_X64_REGISTER_DR6) != NULL) == dr6_is_private(state) ? 0 :
										     -VSM_ERR_INVAL;
}

/* ---- what the vCPU has ---- */

int kvm_contents_get(int fd, const struct kvm_run *run, struct vk_contents *c)
{
	/* KVM lets a guest turn XSAVE on only where the host has. */
	int is_xsave_on = (run->s.regs.sregs.cr4 & VK_X86_CR4_OSXSAVE) != 0 &&
			  (run->kvm_dirty_regs & KVM_SYNC_X86_SREGS) == 0;
	int r;

	c->sync = run->s.regs;
	/* Without a local APIC in KVM, what the next KVM_RUN takes; otherwise a copy. */
	c->sync.sregs.cr8 = run->cr8;
	if (kvm_events_nameless(&c->sync.events) || (c->sync.sregs.cr4 & X86_CR4_CET) != 0)
		return -VSM_ERR_NOSUP;
	r = kvm_batch_get(fd, kvm_private_msrs, kvm_private_msr_count(), &c->msr, is_xsave_on);
	if (r == 0 && kvm_ioctl(fd, KVM_GET_DEBUGREGS, &c->debug) != 0)
		r = -VSM_ERR_SYS;
	return r;
}

void kvm_contents_save(const struct vk_contents *c, struct vsm_private_state *state)
{
	for (uint32_t i = 0; i < SYNC_NAMES; i++) {
		struct vsm_reg *reg = find(state, sync_names[i]);

		kvm_sync_get(&c->sync, reg);
	}
	for (uint32_t i = 0; i < kvm_private_msr_count(); i++) {
		if ((c->msr.has >> i & 1) != 0)
			find(state, kvm_private_msrs[i].name)->value.low = c->msr.value[i];
	}
	find(state, HV_X64_REGISTER_DR7)->value.low = c->debug.dr7;
	if (dr6_is_private(state))
		find(state, HV_X64_REGISTER_DR6)->value.low = c->debug.dr6;
}

/* ---- what it is to have ---- */

/* KVM knows better than these limits; they let everything pass that some CPU has. */
static int is_legal(const struct vsm_reg *reg)
{
	static const struct vsm_register_limits limits = {
		.size = sizeof(limits),
		.cr4_mask = UINT64_MAX,
		.efer_mask = UINT64_MAX,
		.phys_bits = 52,
	};

	switch (reg->name) {
	case HV_X64_REGISTER_CR0:
	case HV_X64_REGISTER_CR3: /* Linear address masking has bits above all addresses. */
	case HV_X64_REGISTER_CR4:
	case HV_X64_REGISTER_EFER:
	case HV_X64_REGISTER_APIC_BASE:
		return reg->reserved == 0 && reg->value.high == 0;
	default:
		return vsm_register_check(&limits, reg) == 1;
	}
}

static int sync_from_state(const struct vsm_private_state *state, struct kvm_sync_regs *s)
{
	const struct vsm_reg *event = find(state, HV_REGISTER_PENDING_INTERRUPTION);
	const struct vsm_reg *blocked = find(state, HV_REGISTER_INTERRUPT_STATE);
	uint64_t what;
	int r;

	for (uint32_t i = 0; i < SYNC_NAMES; i++) {
		const struct vsm_reg *reg = find(state, sync_names[i]);

		if (!is_legal(reg))
			return -VSM_ERR_INVAL;
		if (reg != event && reg != blocked)
			kvm_sync_put(s, reg, &what);
	}
	if ((s->sregs.cr4 & X86_CR4_CET) != 0)
		return -VSM_ERR_NOSUP;
	r = kvm_events_put(&s->events, event->value.low, blocked->value.low, s->regs.rflags);
	if (r != 0)
		return r;
	/* The same interrupt once more. */
	memset(s->sregs.interrupt_bitmap, 0, sizeof(s->sregs.interrupt_bitmap));
	if (s->events.interrupt.injected)
		s->sregs.interrupt_bitmap[s->events.interrupt.nr / 64] |=
			1ull << s->events.interrupt.nr % 64;
	return 0;
}

static int msrs_from_state(const struct vsm_private_state *state, struct vk_msr_values *m)
{
	if (find(state, HV_X64_REGISTER_SSP)->value.low != 0)
		return -VSM_ERR_NOSUP;
	for (uint32_t i = 0; i < kvm_private_msr_count(); i++) {
		const struct vsm_reg *reg = find(state, kvm_private_msrs[i].name);

		if (!is_legal(reg))
			return -VSM_ERR_INVAL;
		if ((m->has >> i & 1) == 0 && reg->value.low != 0)
			return -VSM_ERR_NOSUP;
		m->value[i] = reg->value.low;
	}
	return 0;
}

static int debug_from_state(const struct vsm_private_state *state, struct kvm_debugregs *d)
{
	const struct vsm_reg *dr7 = find(state, HV_X64_REGISTER_DR7);
	const struct vsm_reg *dr6 = find(state, HV_X64_REGISTER_DR6);

	if (!is_legal(dr7) || (dr6 != NULL && !is_legal(dr6)))
		return -VSM_ERR_INVAL;
	d->dr7 = dr7->value.low;
	if (dr6 != NULL)
		d->dr6 = dr6->value.low;
	return 0;
}

int kvm_contents_load(const struct vsm_private_state *state, struct vk_contents *c)
{
	int r = sync_from_state(state, &c->sync);

	if (r == 0)
		r = msrs_from_state(state, &c->msr);
	return r == 0 ? debug_from_state(state, &c->debug) : r;
}

/* 1: moved, 0: not; or -VSM_ERR_SYS. */
static int is_moved(int fd, const struct vsm_register_info *info)
{
	for (uint32_t i = 0; i < SYNC_NAMES; i++) {
		if (sync_names[i] == info->name)
			return 1;
	}
	if (info->name == HV_X64_REGISTER_DR6 || info->name == HV_X64_REGISTER_DR7)
		return 1;
	return kvm_private_msr_keeps(fd, info->name);
}

static int is_private(const struct vsm_register_info *info, uint32_t flags)
{
	if (info->owner != VSM_OWNER_HOST ||
	    (info->flags & (VSM_REG_ALIAS | VSM_REG_STATELESS)) != 0)
		return 0;
	if (info->scope == VSM_SCOPE_MIXED)
		return (flags & VSM_PRIVATE_STATE_DR6_SHARED) == 0;
	return info->scope == VSM_SCOPE_PRIVATE || info->scope == VSM_SCOPE_PARTITION_VTL;
}

int vsm_kvm_private_left_out(int vcpu_fd, uint32_t flags, uint32_t *names, uint32_t max)
{
	struct vsm_register_info info = { .size = sizeof(info) };
	int n = 0;

	if (vcpu_fd < 0 || (names == NULL && max != 0) ||
	    (flags & ~(VSM_PRIVATE_STATE_DR6_SHARED | VSM_PRIVATE_STATE_SCONTROL_0)) != 0)
		return -VSM_ERR_INVAL;
	for (uint32_t i = 0; vsm_register_at(i, &info) == 0; i++) {
		int moved = is_private(&info, flags) ? is_moved(vcpu_fd, &info) : 1;

		if (moved < 0)
			return moved;
		if (moved)
			continue;
		if ((uint32_t)n < max)
			names[n] = info.name;
		n++;
	}
	return n;
}
