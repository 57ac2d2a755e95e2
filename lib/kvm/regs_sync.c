/* SPDX-License-Identifier: BSD-3-Clause */
/* HV register names of what KVM shows in kvm_run (TLFS 7.8.2). */
#include "kvm_private.h"

#include <string.h>

#include <vsm/hv.h>

#define EVENT_PENDING	     1ull
#define EVENT_TYPE_EXTERNAL  0ull
#define EVENT_TYPE_NMI	     2ull
#define EVENT_TYPE_EXCEPTION 3ull
#define EVENT_TYPE_SOFTWARE  4ull
#define EVENT_TYPE_SHIFT     1
#define EVENT_HAS_ERROR	     (1ull << 4)
#define EVENT_VECTOR_SHIFT   16
#define EVENT_ERROR_SHIFT    32
#define SHADOW		     1ull
#define NMI_MASKED	     2ull

/* By number, from RAX on. */
static const uint16_t gpr_offset[] = {
	offsetof(struct kvm_regs, rax), offsetof(struct kvm_regs, rcx),
	offsetof(struct kvm_regs, rdx), offsetof(struct kvm_regs, rbx),
	offsetof(struct kvm_regs, rsp), offsetof(struct kvm_regs, rbp),
	offsetof(struct kvm_regs, rsi), offsetof(struct kvm_regs, rdi),
	offsetof(struct kvm_regs, r8),	offsetof(struct kvm_regs, r9),
	offsetof(struct kvm_regs, r10), offsetof(struct kvm_regs, r11),
	offsetof(struct kvm_regs, r12), offsetof(struct kvm_regs, r13),
	offsetof(struct kvm_regs, r14), offsetof(struct kvm_regs, r15),
	offsetof(struct kvm_regs, rip), offsetof(struct kvm_regs, rflags),
};

/* By number, from ES on. */
static const uint16_t segment_offset[] = {
	offsetof(struct kvm_sregs, es),	 offsetof(struct kvm_sregs, cs),
	offsetof(struct kvm_sregs, ss),	 offsetof(struct kvm_sregs, ds),
	offsetof(struct kvm_sregs, fs),	 offsetof(struct kvm_sregs, gs),
	offsetof(struct kvm_sregs, ldt), offsetof(struct kvm_sregs, tr),
};

static uint64_t *gpr(const struct kvm_sync_regs *s, uint32_t name)
{
	return (uint64_t *)(void *)((uint8_t *)&s->regs + gpr_offset[name - HV_X64_REGISTER_RAX]);
}

uint64_t kvm_gpr(const struct kvm_sync_regs *s, uint32_t number)
{
	return *gpr(s, HV_X64_REGISTER_RAX + number);
}

static struct kvm_segment *segment(const struct kvm_sync_regs *s, uint32_t name)
{
	return (struct kvm_segment *)(void *)((uint8_t *)&s->sregs +
					      segment_offset[name - HV_X64_REGISTER_ES]);
}

static int is_gpr(uint32_t name)
{
	return name >= HV_X64_REGISTER_RAX && name <= HV_X64_REGISTER_RFLAGS;
}

static int is_segment(uint32_t name)
{
	return name >= HV_X64_REGISTER_ES && name <= HV_X64_REGISTER_TR;
}

static uint64_t *control(const struct kvm_sync_regs *s, uint32_t name)
{
	const struct kvm_sregs *r = &s->sregs;

	switch (name) {
	case HV_X64_REGISTER_CR0:
	case HV_X64_REGISTER_INTERMEDIATE_CR0:
		return (uint64_t *)(uintptr_t)&r->cr0;
	case HV_X64_REGISTER_CR2:
		return (uint64_t *)(uintptr_t)&r->cr2;
	case HV_X64_REGISTER_CR3:
	case HV_X64_REGISTER_INTERMEDIATE_CR3:
		return (uint64_t *)(uintptr_t)&r->cr3;
	case HV_X64_REGISTER_CR4:
	case HV_X64_REGISTER_INTERMEDIATE_CR4:
		return (uint64_t *)(uintptr_t)&r->cr4;
	case HV_X64_REGISTER_CR8:
	case HV_X64_REGISTER_INTERMEDIATE_CR8:
		return (uint64_t *)(uintptr_t)&r->cr8;
	case HV_X64_REGISTER_EFER:
		return (uint64_t *)(uintptr_t)&r->efer;
	case HV_X64_REGISTER_APIC_BASE:
		return (uint64_t *)(uintptr_t)&r->apic_base;
	default:
		return NULL;
	}
}

static struct hv_register_value segment_get(const struct kvm_segment *s)
{
	struct hv_segment_register hv = { .base = s->base,
					  .limit = s->limit,
					  .selector = s->selector };
	struct hv_register_value value;
	uint32_t a;

	a = (s->type & 0xfu) | (s->s ? HV_X64_SEGMENT_NON_SYSTEM : 0) |
	    (uint32_t)(s->dpl & 3) << HV_X64_SEGMENT_DPL_SHIFT |
	    (s->present ? HV_X64_SEGMENT_PRESENT : 0) | (s->avl ? HV_X64_SEGMENT_AVAILABLE : 0) |
	    (s->l ? HV_X64_SEGMENT_LONG : 0) | (s->db ? HV_X64_SEGMENT_DEFAULT : 0) |
	    (s->g ? HV_X64_SEGMENT_GRANULARITY : 0);
	hv.attributes = (uint16_t)a;
	memcpy(&value, &hv, sizeof(value));
	return value;
}

static void segment_put(struct kvm_segment *s, const struct hv_register_value *value)
{
	struct hv_segment_register hv;
	uint32_t a;

	memcpy(&hv, value, sizeof(hv));
	a = hv.attributes;
	memset(s, 0, sizeof(*s));
	s->base = hv.base;
	s->limit = hv.limit;
	s->selector = hv.selector;
	s->type = a & HV_X64_SEGMENT_TYPE_MASK;
	s->s = (a & HV_X64_SEGMENT_NON_SYSTEM) != 0;
	s->dpl = (uint8_t)((a & HV_X64_SEGMENT_DPL_MASK) >> HV_X64_SEGMENT_DPL_SHIFT);
	s->present = (a & HV_X64_SEGMENT_PRESENT) != 0;
	s->avl = (a & HV_X64_SEGMENT_AVAILABLE) != 0;
	s->l = (a & HV_X64_SEGMENT_LONG) != 0;
	s->db = (a & HV_X64_SEGMENT_DEFAULT) != 0;
	s->g = (a & HV_X64_SEGMENT_GRANULARITY) != 0;
	s->unusable = !s->present;
}

/*
 * SDM vol. 3C 26.3.1.2: a CPU with VMX cannot enter a guest without a busy TSS. A guest may start
 * without one and load it later; until then it has an empty one.
 */
static void task_put(struct kvm_segment *s, const struct hv_register_value *value)
{
	segment_put(s, value);
	if (s->present)
		return;
	s->present = 1;
	s->unusable = 0;
	s->s = 0;
	s->type = 11;
}

static uint64_t pending_interruption(const struct kvm_vcpu_events *e)
{
	if (e->exception.injected)
		return EVENT_PENDING | EVENT_TYPE_EXCEPTION << EVENT_TYPE_SHIFT |
		       (e->exception.has_error_code ? EVENT_HAS_ERROR : 0) |
		       (uint64_t)e->exception.nr << EVENT_VECTOR_SHIFT |
		       (uint64_t)e->exception.error_code << EVENT_ERROR_SHIFT;
	if (e->nmi.injected)
		return EVENT_PENDING | EVENT_TYPE_NMI << EVENT_TYPE_SHIFT |
		       2ull << EVENT_VECTOR_SHIFT;
	if (e->interrupt.injected)
		return EVENT_PENDING |
		       (e->interrupt.soft ? EVENT_TYPE_SOFTWARE : EVENT_TYPE_EXTERNAL)
			       << EVENT_TYPE_SHIFT |
		       (uint64_t)e->interrupt.nr << EVENT_VECTOR_SHIFT;
	return 0;
}

int kvm_sync_get(const struct kvm_sync_regs *s, struct vsm_reg *reg)
{
	const struct kvm_dtable *table = &s->sregs.idt;
	struct hv_table_register hv;
	uint32_t name = reg->name;

	reg->value.low = 0;
	reg->value.high = 0;
	if (is_gpr(name)) {
		reg->value.low = *gpr(s, name);
	} else if (is_segment(name)) {
		reg->value = segment_get(segment(s, name));
	} else if (name == HV_X64_REGISTER_IDTR || name == HV_X64_REGISTER_GDTR) {
		if (name == HV_X64_REGISTER_GDTR)
			table = &s->sregs.gdt;
		hv = (struct hv_table_register){ .limit = table->limit, .base = table->base };
		memcpy(&reg->value, &hv, sizeof(reg->value));
	} else if (name == HV_REGISTER_PENDING_INTERRUPTION) {
		reg->value.low = pending_interruption(&s->events);
	} else if (name == HV_REGISTER_INTERRUPT_STATE) {
		reg->value.low = (s->events.interrupt.shadow ? SHADOW : 0) |
				 (s->events.nmi.masked ? NMI_MASKED : 0);
	} else if (control(s, name) != NULL) {
		reg->value.low = *control(s, name);
	} else {
		return -VSM_ERR_NOTFOUND;
	}
	return 0;
}

int kvm_sync_put(struct kvm_sync_regs *s, const struct vsm_reg *reg, uint64_t *what)
{
	struct hv_table_register hv;
	struct kvm_dtable *table = &s->sregs.idt;
	uint32_t name = reg->name;

	*what = KVM_SYNC_X86_SREGS;
	if (is_gpr(name)) {
		*gpr(s, name) = reg->value.low;
		*what = KVM_SYNC_X86_REGS;
	} else if (name == HV_X64_REGISTER_TR) {
		task_put(&s->sregs.tr, &reg->value);
	} else if (is_segment(name)) {
		segment_put(segment(s, name), &reg->value);
	} else if (name == HV_X64_REGISTER_IDTR || name == HV_X64_REGISTER_GDTR) {
		if (name == HV_X64_REGISTER_GDTR)
			table = &s->sregs.gdt;
		memcpy(&hv, &reg->value, sizeof(hv));
		table->base = hv.base;
		table->limit = hv.limit;
	} else if (control(s, name) != NULL) {
		*control(s, name) = reg->value.low;
	} else {
		return -VSM_ERR_NOTFOUND;
	}
	return 0;
}
