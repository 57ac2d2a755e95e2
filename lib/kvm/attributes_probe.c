/* SPDX-License-Identifier: BSD-3-Clause */
/* What the values of KVM's memory attributes do: each is tried out on a page of a small guest. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "kvm_private.h"
#include "tiny.h"

#define R HV_MAP_GPA_READABLE
#define W HV_MAP_GPA_WRITABLE
#define X HV_MAP_GPA_EXECUTABLE

/* ---- what was seen, to values ---- */

/* Only what no access contradicts: nothing less, nothing more, by none of the ways. */
static int fits(const struct vk_try *t, uint32_t mask)
{
	static const uint32_t needs[VK_TRY_KINDS] = { R, W, X, R, W };
	int fit = 1;

	for (uint32_t kind = 0; kind < VK_TRY_KINDS; kind++) {
		uint8_t want = (mask & needs[kind]) != 0 ? VK_SEEN_ALLOWED : VK_SEEN_DENIED;

		fit &= t->seen[0][kind] == want && t->seen[1][kind] == want;
	}
	return fit;
}

static int is_denied(const struct vk_try *tries, uint32_t count, uint32_t kind)
{
	for (uint32_t i = 0; i < count; i++) {
		if (tries[i].seen[0][kind] == VK_SEEN_DENIED &&
		    tries[i].seen[1][kind] == VK_SEEN_DENIED)
			return 1;
	}
	return 0;
}

/* Of a page that may be read. */
static int fetch_is_denied(const struct vk_try *tries, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct vk_try *t = &tries[i];
		int denied = 1;

		for (uint32_t cpl = 0; cpl < 2; cpl++)
			denied &= t->seen[cpl][VK_TRY_READ] == VK_SEEN_ALLOWED &&
				  t->seen[cpl][VK_TRY_FETCH] == VK_SEEN_DENIED;
		if (denied)
			return 1;
	}
	return 0;
}

/* A mask has no value. */
static const char *why_not(const struct vk_try *tries, uint32_t count)
{
	uint32_t denied = 0;

	for (uint32_t kind = 0; kind < VK_TRY_KINDS; kind++)
		denied |= (uint32_t)is_denied(tries, count, kind) << kind;
	if (denied == 0)
		return "attributes: this KVM announces R, W, X but does not enforce them: nothing "
		       "is denied";
	if ((denied & 1u << VK_TRY_READ) == 0 || (denied & 1u << VK_TRY_WRITE) == 0)
		return "attributes: this KVM announces R, W, X but does not enforce them: reads or "
		       "writes are not denied";
	if ((denied & 1u << VK_TRY_OUTS) == 0 || (denied & 1u << VK_TRY_INS) == 0)
		return "attributes: this KVM announces R, W, X but does not enforce them: its "
		       "emulator reads or writes what is denied";
	if (!fetch_is_denied(tries, count))
		return "attributes: this KVM announces R, W, X but does not enforce them: fetches "
		       "are not denied";
	return "attributes: this KVM announces R, W, X, but not each of the masks none, R, R+W, "
	       "R+X has a value that enforces it";
}

void kvm_attributes_derive(const struct vk_try *tries, uint32_t count, struct vk_attributes *out)
{
	static const struct {
		uint8_t pte, mask;
	} states[] = {
		{ VK_PTE_NONE, 0 },	{ VK_PTE_R, R },	   { VK_PTE_RW, R | W },
		{ VK_PTE_READ, R | X }, { VK_PTE_ALL, R | W | X },
	};

	memset(out, 0, sizeof(*out));
	for (uint32_t s = 0; s < sizeof(states) / sizeof(states[0]); s++) {
		uint32_t i = 0;

		while (i < count && !fits(&tries[i], states[s].mask))
			i++;
		if (i == count)
			out->missing = why_not(tries, count);
		else
			out->value[states[s].pte] = tries[i].value;
	}
	/* It is what a page has that was never named. */
	for (uint32_t i = 0; i < count; i++) {
		if (tries[i].value == 0 && fits(&tries[i], R | W | X)) {
			out->value[VK_PTE_ALL] = 0;
			return;
		}
	}
	out->missing =
		"attributes: this KVM announces R, W, X, but where none of them is set not all "
		"accesses were seen to work";
}

/* ---- the guest ---- */

/* Its pages. All are one huge page to its page tables. */
enum {
	CODE,
	PML4,
	PDPT,
	PD,
	DATA,
	PAGES
};

#define DATA_GPA (DATA * VK_PAGE)

#define PORT_DONE    0x7cu /* The access is behind it. */
#define PORT_FETCHED 0x7du
#define PORT_STRING  0x7eu

#define OUT 0xe6 /* The first byte of the data page, so that it can be executed. */
#define NEW 0x5a

#define STUB 16u /* Bytes for the code of a kind. */

static const uint8_t stubs[VK_TRY_KINDS][STUB] = {
	{ 0x8a, 0x03, OUT, PORT_DONE }, /* mov (%rbx),%al; out */
	{ 0x88, 0x03, OUT, PORT_DONE }, /* mov %al,(%rbx) */
	{ 0xff, 0xe3 }, /* jmp *%rbx */
	{ 0x6e, OUT, PORT_DONE }, /* outsb */
	{ 0x6c, OUT, PORT_DONE }, /* insb */
};

struct guest {
	struct vk_tiny t;
	int kvm_fd;
	int works; /* 0: it has to be made anew. */
	void *cpuid;
};

static uint64_t *entry(struct guest *g, uint32_t page)
{
	return (uint64_t *)(void *)(g->t.ram + page * VK_PAGE);
}

static int open_guest(struct guest *g)
{
	struct kvm_enable_cap cap = { .cap = VK_CAP_EXIT_ON_EMULATION_FAILURE, .args = { 1 } };

	if (kvm_tiny_open(&g->t, g->kvm_fd, PAGES) != 0 ||
	    kvm_ioctl(g->t.vcpu_fd, KVM_SET_CPUID2, g->cpuid) != 0)
		return -1;
	kvm_ioctl(g->t.vm_fd, KVM_ENABLE_CAP, &cap); /* As in the VMs of VTLs. */
	memcpy(g->t.ram, stubs, sizeof(stubs));
	*entry(g, PML4) = PDPT * VK_PAGE | 7; /* present, writable, user */
	*entry(g, PDPT) = PD * VK_PAGE | 7;
	*entry(g, PD) = 0x87;
	return 0;
}

static struct kvm_segment segment(uint16_t selector, uint8_t type, uint8_t dpl)
{
	return (struct kvm_segment){ .limit = 0xffffffff,
				     .selector = selector,
				     .type = type,
				     .present = 1,
				     .dpl = dpl,
				     .s = 1,
				     .g = 1 };
}

/* 64-bit mode, on the code of a kind. */
static int place(struct guest *g, uint32_t cpl, uint32_t kind)
{
	struct kvm_regs regs = { .rip = kind * STUB,
				 .rbx = DATA_GPA,
				 .rsi = DATA_GPA,
				 .rdi = DATA_GPA,
				 .rdx = PORT_STRING,
				 .rax = NEW,
				 .rflags = cpl == 3 ? 0x3002 : 2 }; /* IOPL 3 */
	struct kvm_sregs sregs;

	if (kvm_ioctl(g->t.vcpu_fd, KVM_GET_SREGS, &sregs) != 0)
		return -1;
	sregs.cs = segment(cpl == 3 ? 0x33 : 0x08, 11, (uint8_t)cpl);
	sregs.cs.l = 1;
	sregs.ss = segment(cpl == 3 ? 0x2b : 0x10, 3, (uint8_t)cpl);
	sregs.ss.db = 1;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss;
	sregs.cr0 = 0x80000031; /* PG, NE, ET, PE */
	sregs.cr3 = PML4 * VK_PAGE;
	sregs.cr4 = 0x20; /* PAE */
	sregs.efer = 0x500; /* LMA, LME */
	g->t.ram[DATA_GPA] = OUT;
	g->t.ram[DATA_GPA + 1] = PORT_FETCHED;
	return kvm_ioctl(g->t.vcpu_fd, KVM_SET_SREGS, &sregs) != 0 ||
			       kvm_ioctl(g->t.vcpu_fd, KVM_SET_REGS, &regs) != 0 ?
		       -1 :
		       0;
}

/* An exit for a port: 1 the access is done, 0 it goes on, -1 it is not what was expected. */
static int at_port(struct guest *g, uint32_t kind)
{
	struct kvm_run *run = g->t.run;
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	int is_in = run->io.direction == KVM_EXIT_IO_IN;
	struct kvm_regs regs;

	if (run->io.size != 1 || run->io.count != 1)
		return -1;
	if (run->io.port == PORT_FETCHED && !is_in)
		return kind == VK_TRY_FETCH ? 1 : -1;
	if (run->io.port == PORT_STRING && is_in && kind == VK_TRY_INS) {
		*data = NEW;
		return 0;
	}
	if (run->io.port == PORT_STRING && !is_in && kind == VK_TRY_OUTS)
		return *data == OUT ? 1 : -1;
	if (run->io.port != PORT_DONE || is_in)
		return -1;
	if (kind == VK_TRY_WRITE || kind == VK_TRY_INS)
		return 1;
	if (kind != VK_TRY_READ || kvm_ioctl(g->t.vcpu_fd, KVM_GET_REGS, &regs) != 0)
		return -1;
	return (uint8_t)regs.rax == OUT ? 1 : -1;
}

void kvm_memory_fault_of(const struct kvm_run *run, struct vk_memory_fault *out)
{
	memcpy(out, &run->hw, sizeof(*out));
}

/* The shapes that a denied access has. */
static int is_denial(const struct kvm_run *run, int failed)
{
	struct vk_memory_fault fault;

	if (failed) {
		kvm_memory_fault_of(run, &fault);
		return errno == EFAULT && run->exit_reason == VK_EXIT_MEMORY_FAULT &&
		       (fault.gpa & ~(VK_PAGE - 1)) == DATA_GPA;
	}
	if (run->exit_reason == KVM_EXIT_MMIO)
		return (run->mmio.phys_addr & ~(VK_PAGE - 1)) == DATA_GPA;
	return run->exit_reason == KVM_EXIT_INTERNAL_ERROR &&
	       run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION;
}

#define STEPS_MAX 4u

static uint8_t run_to_end(struct guest *g, uint32_t kind)
{
	struct kvm_run *run = g->t.run;

	for (uint32_t i = 0; i < STEPS_MAX; i++) {
		int failed, done;

		run->exit_reason = KVM_EXIT_UNKNOWN;
		failed = kvm_ioctl(g->t.vcpu_fd, KVM_RUN, NULL) != 0;
		if (failed && (errno == EINTR || errno == EAGAIN))
			continue;
		if (is_denial(run, failed))
			return VK_SEEN_DENIED;
		if (failed || run->exit_reason != KVM_EXIT_IO)
			return VK_SEEN_OTHER;
		done = at_port(g, kind);
		if (done != 0)
			return done > 0 ? VK_SEEN_ALLOWED : VK_SEEN_OTHER;
	}
	return VK_SEEN_OTHER;
}

/* What the exit left half done is ended, so that registers may be set. */
static int settle(struct guest *g)
{
	int r = 0;

	g->t.run->immediate_exit = 1;
	for (uint32_t i = 0; i < STEPS_MAX && r == 0; i++)
		r = kvm_ioctl(g->t.vcpu_fd, KVM_RUN, NULL) == 0 ? 0 : -errno;
	g->t.run->immediate_exit = 0;
	return r == -EINTR ? 0 : -1;
}

static int set(struct guest *g, uint64_t value)
{
	struct vk_memory_attributes a = { .address = DATA_GPA,
					  .size = VK_PAGE,
					  .attributes = value };

	return kvm_ioctl(g->t.vm_fd, VK_SET_MEMORY_ATTRIBUTES, &a);
}

static uint8_t try_out(struct guest *g, uint64_t value, uint32_t cpl, uint32_t kind)
{
	uint8_t seen, want = OUT;

	if (place(g, cpl, kind) != 0 || set(g, value) != 0)
		return VK_SEEN_OTHER;
	seen = run_to_end(g, kind);
	if (settle(g) != 0 || set(g, 0) != 0)
		return VK_SEEN_OTHER;
	/* Not only the exit counts: what was denied was not written. */
	if (seen == VK_SEEN_ALLOWED && (kind == VK_TRY_WRITE || kind == VK_TRY_INS))
		want = NEW;
	return g->t.ram[DATA_GPA] == want ? seen : VK_SEEN_OTHER;
}

static void try_value(struct guest *g, struct vk_try *t)
{
	for (uint32_t i = 0; i < 2 * VK_TRY_KINDS; i++) {
		uint8_t *seen = &t->seen[i % 2][i / 2];

		/* After what nobody understands it is made anew. */
		if (!g->works) {
			kvm_tiny_close(&g->t);
			if (open_guest(g) != 0)
				return;
		}
		*seen = try_out(g, t->value, i % 2 * 3, i / 2);
		g->works = *seen != VK_SEEN_OTHER;
	}
}

/* R, W and X in all ways, and each other bit by itself: one may deny everything. */
static uint32_t candidates(uint32_t announced, struct vk_try *tries)
{
	uint32_t count = 0;

	memset(tries, 0, VK_TRIES_MAX * sizeof(*tries));
	while (count <= VK_ATTRIBUTES_RWX) {
		tries[count].value = count;
		count++;
	}
	announced &= ~(uint32_t)(VK_ATTRIBUTES_RWX | VK_ATTRIBUTE_PRIVATE);
	for (uint32_t bit = 1; bit != 0 && count < VK_TRIES_MAX; bit <<= 1) {
		if ((announced & bit) != 0)
			tries[count++].value = bit;
	}
	return count;
}

void kvm_attributes_measure(int kvm_fd, void *cpuid, struct vk_attributes *out)
{
	int announced = kvm_ioctl(kvm_fd, KVM_CHECK_EXTENSION,
				  (void *)(uintptr_t)KVM_CAP_MEMORY_ATTRIBUTES);
	struct guest g = { .t = { .vm_fd = -1, .vcpu_fd = -1, .run = MAP_FAILED, .ram = MAP_FAILED },
			   .kvm_fd = kvm_fd,
			   .cpuid = cpuid };
	struct vk_try tries[VK_TRIES_MAX];
	uint32_t count;

	memset(out, 0, sizeof(*out));
	out->missing = "attributes: this KVM has no memory attributes for R, W and X (no released "
		       "Linux has)";
	if (announced <= 0 || (announced & VK_ATTRIBUTES_RWX) != VK_ATTRIBUTES_RWX)
		return;
	count = candidates((uint32_t)announced, tries);
	for (uint32_t i = 0; i < count; i++)
		try_value(&g, &tries[i]);
	kvm_tiny_close(&g.t);
	kvm_attributes_derive(tries, count, out);
}
