/* SPDX-License-Identifier: BSD-3-Clause */
#include "simkvm.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "insn.h"
#include "kvm_private.h"

#define R 1u
#define W 2u
#define X 4u

#define FDS	 1024
#define SLOTS	 VK_SLOTS_MAX
#define GPA_MAX	 (64ull << 30)
#define ROUNDS	 1000u
#define OPEN_MAX 34u /* Pages of one instruction. */

struct slot {
	uint64_t gpa, size, hva;
	uint64_t unit; /* Bytes whose protection is one. */
	uint32_t flags;
};

struct sim_vm {
	uint32_t lives;
	char kernel[16];
	struct slot *slot;
	uint32_t slots;
	uint8_t *value; /* A byte for each page. */
};

struct sim_vcpu {
	struct sim_vm *vm;
	uint32_t was_in; /* Its last exit was an IN. */
	uint32_t open_count;
	uint64_t open[OPEN_MAX];
};

static struct sim_vm vms[FDS];
static struct sim_vcpu vcpus[FDS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t calls, fail_at, fail_count;
static int fail_error;
static uint64_t fault_at;
static uint32_t faults;

/* Not by the C library: tests have its functions fail. */
static long raw(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return r;
}

static int real(int fd, unsigned long request, void *arg)
{
	return (int)raw(SYS_ioctl, fd, (long)request, (long)arg, 0, 0, 0);
}

static void *map(size_t size, int flags, int fd)
{
	return (void *)raw(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE, flags, fd, 0);
}

static const char *kernel(void)
{
	const char *name = getenv("VSM_SIM_KVM");

	return name != NULL && name[0] != '\0' ? name : NULL;
}

static int is(const struct sim_vm *vm, const char *name)
{
	return strcmp(vm->kernel, name) == 0;
}

/* ---- rights ---- */

static uint32_t rights_of(const struct sim_vm *vm, uint64_t gpa)
{
	uint32_t value = gpa < GPA_MAX ? vm->value[gpa / VK_PAGE] : 0;
	uint32_t rights = ~value & 7;

	if (is(vm, "nothing"))
		return 7;
	if (is(vm, "allow") || is(vm, "allow3"))
		rights = (value & 16) != 0 ? 0 : value == 0 ? 7 : value;
	return is(vm, "nofetch") ? rights | X : rights;
}

static const struct slot *slot_at(const struct sim_vm *vm, uint64_t gpa)
{
	for (uint32_t i = 0; i < vm->slots; i++) {
		if (gpa - vm->slot[i].gpa < vm->slot[i].size)
			return &vm->slot[i];
	}
	return NULL;
}

static uint8_t *hva_of(const struct sim_vm *vm, uint64_t gpa)
{
	const struct slot *s = slot_at(vm, gpa);

	/* NOLINTNEXTLINE(performance-no-int-to-ptr): KVM has it as a number. */
	return s == NULL ? NULL : (uint8_t *)(uintptr_t)(s->hva + (gpa - s->gpa));
}

static void protect(uint64_t hva, uint64_t size, int prot)
{
	if (raw(SYS_mprotect, (long)hva, (long)size, prot, 0, 0, 0) != 0)
		abort();
}

/* hugetlbfs has no smaller unit, and nothing tells but to try. */
static uint64_t unit_of(const struct slot *s)
{
	if (s->size == 0)
		return VK_PAGE;
	if (raw(SYS_mprotect, (long)s->hva, (long)VK_PAGE, PROT_READ, 0, 0, 0) == -EINVAL)
		return VK_HUGE;
	protect(s->hva, VK_PAGE, PROT_READ | PROT_WRITE);
	return VK_PAGE;
}

/* What the page tables of this process can give without giving more. */
static int closest(uint32_t rights)
{
	return rights == 7 ? PROT_READ | PROT_WRITE : rights == (R | X) ? PROT_READ : PROT_NONE;
}

static uint64_t unit_at(const struct slot *s, uint64_t gpa)
{
	return (s->hva + (gpa - s->gpa)) / s->unit * s->unit;
}

/* The same of a page of a slot with what has to be like it: nothing, if that differs. */
static int closest_at(const struct sim_vm *vm, const struct slot *s, uint64_t gpa)
{
	uint64_t at = unit_at(s, gpa), end = at + s->unit;
	int prot = closest(rights_of(vm, gpa));

	for (; s->unit != VK_PAGE && at < end; at += VK_PAGE) {
		if (at - s->hva >= s->size ||
		    closest(rights_of(vm, s->gpa + (at - s->hva))) != prot)
			return PROT_NONE;
	}
	return prot;
}

static void protect_page(const struct slot *s, uint64_t gpa, int prot)
{
	protect(unit_at(s, gpa), s->unit, prot);
}

/* Bring the pages of a slot to what their attributes say, or make them all accessible. */
static void enforce(const struct sim_vm *vm, const struct slot *s, uint64_t gpa, uint64_t end,
		    int shown)
{
	uint64_t done = 0;

	for (; s->unit != VK_PAGE && gpa < end; gpa += VK_PAGE) {
		if (unit_at(s, gpa) == done)
			continue;
		done = unit_at(s, gpa);
		protect_page(s, gpa, shown ? closest_at(vm, s, gpa) : PROT_READ | PROT_WRITE);
	}
	while (gpa < end) {
		int prot = shown ? closest(rights_of(vm, gpa)) : PROT_READ | PROT_WRITE;
		uint64_t next = gpa + VK_PAGE;

		while (next < end && (!shown || closest(rights_of(vm, next)) == prot))
			next += VK_PAGE;
		protect(s->hva + (gpa - s->gpa), next - gpa, prot);
		gpa = next;
	}
}

static int is_restricted(const struct sim_vm *vm, const struct slot *s)
{
	for (uint64_t gpa = s->gpa; gpa < s->gpa + s->size && gpa < GPA_MAX; gpa += VK_PAGE) {
		if (vm->value[gpa / VK_PAGE] != 0)
			return 1;
	}
	return 0;
}

static int slot_set(struct sim_vm *vm, int fd, struct kvm_userspace_memory_region *region)
{
	struct slot *s = region->slot < SLOTS ? &vm->slot[region->slot] : NULL;
	int r = real(fd, KVM_SET_USER_MEMORY_REGION, region);

	if (r != 0 || s == NULL)
		return r;
	if (s->size != 0 && is_restricted(vm, s))
		enforce(vm, s, s->gpa, s->gpa + s->size, 0);
	*s = (struct slot){ .gpa = region->guest_phys_addr,
			    .size = region->memory_size,
			    .hva = region->userspace_addr,
			    .flags = region->flags };
	s->unit = unit_of(s);
	if (vm->slots <= region->slot)
		vm->slots = region->slot + 1;
	/* With all that may have a unit in common with it. */
	for (uint32_t i = 0; i < vm->slots; i++) {
		const struct slot *other = &vm->slot[i];

		if (other->size != 0 && (other == s || other->unit != VK_PAGE) &&
		    is_restricted(vm, other))
			enforce(vm, other, other->gpa, other->gpa + other->size, 1);
	}
	return 0;
}

static int attributes_set(struct sim_vm *vm, const struct vk_memory_attributes *a)
{
	uint64_t end = a->address + a->size;
	uint64_t known = is(vm, "allow") ? 23 : is(vm, "invalid") ? 0 : 7;

	if (++calls >= fail_at && calls - fail_at < fail_count)
		return -fail_error;
	if (a->flags != 0 || a->size == 0 || a->address % VK_PAGE != 0 || a->size % VK_PAGE != 0 ||
	    end < a->address || end > GPA_MAX || (a->attributes & ~known) != 0)
		return -EINVAL;
	memset(vm->value + a->address / VK_PAGE, (int)a->attributes, a->size / VK_PAGE);
	for (uint32_t i = 0; i < vm->slots; i++) {
		const struct slot *s = &vm->slot[i];
		uint64_t from = s->gpa > a->address ? s->gpa : a->address;
		uint64_t to = s->gpa + s->size < end ? s->gpa + s->size : end;

		if (s->size != 0 && from < to)
			enforce(vm, s, from, to, 1);
	}
	return 0;
}

/* ---- accesses that this process's page tables stopped ---- */

enum outcome {
	NO_REASON,
	OPENED,
	DENIED
};

struct search {
	struct sim_vcpu *c;
	int fd;
	struct kvm_run state; /* Registers, for the decoder. */
	uint32_t opened;
	uint64_t denied; /* GPA */
};

static int translate(struct search *s, uint64_t linear, uint64_t *gpa)
{
	struct kvm_translation t = { .linear_address = linear };

	if (real(s->fd, KVM_TRANSLATE, &t) != 0 || !t.valid)
		return -1;
	*gpa = t.physical_address;
	return 0;
}

/* Until the next exit. */
static void open_page(struct search *s, uint64_t gpa, uint32_t need)
{
	struct sim_vcpu *c = s->c;

	if (c->open_count == OPEN_MAX)
		return;
	gpa &= ~(VK_PAGE - 1);
	for (uint32_t i = 0; i < c->open_count; i++) {
		if (c->open[i] == (gpa | W))
			return;
	}
	c->open[c->open_count++] = gpa | (need & W);
	protect_page(slot_at(c->vm, gpa), gpa, need == W ? PROT_READ | PROT_WRITE : PROT_READ);
	s->opened = 1;
}

static void close_pages(struct sim_vcpu *c)
{
	for (uint32_t i = 0; i < c->open_count; i++) {
		uint64_t gpa = c->open[i] & ~(VK_PAGE - 1);
		const struct slot *at = slot_at(c->vm, gpa);

		if (at != NULL)
			enforce(c->vm, at, gpa, gpa + VK_PAGE, 1);
	}
	c->open_count = 0;
}

/* 1: the attributes deny it. */
static int check(struct search *s, uint64_t linear, uint32_t need)
{
	uint32_t rights;
	uint64_t gpa;
	int have;

	if (translate(s, linear, &gpa) != 0 || hva_of(s->c->vm, gpa) == NULL)
		return 0;
	rights = rights_of(s->c->vm, gpa);
	s->denied = gpa;
	if ((rights & need) == 0)
		return 1;
	have = closest_at(s->c->vm, slot_at(s->c->vm, gpa), gpa & ~(VK_PAGE - 1));
	if (have == PROT_NONE || (need == W && have == PROT_READ))
		open_page(s, gpa, need);
	return 0;
}

static int check_span(struct search *s, uint64_t linear, uint64_t size, uint32_t need)
{
	uint64_t end = linear + size;

	while (linear < end) {
		if (check(s, linear, need))
			return 1;
		linear = (linear / VK_PAGE + 1) * VK_PAGE;
	}
	return 0;
}

/* Bytes of code of one page, whose fetch is allowed. */
static uint32_t code_read(struct search *s, uint64_t linear, uint8_t *to, uint32_t room)
{
	uint64_t here = VK_PAGE - linear % VK_PAGE, gpa;
	uint32_t n = here < room ? (uint32_t)here : room;
	const uint8_t *from;

	if (translate(s, linear, &gpa) != 0 || (from = hva_of(s->c->vm, gpa)) == NULL)
		return 0;
	if (closest_at(s->c->vm, slot_at(s->c->vm, gpa), gpa & ~(VK_PAGE - 1)) == PROT_NONE)
		open_page(s, gpa, X);
	memcpy(to, from, n);
	return n;
}

/* Standard format at the offsets of this processor. */
static void vectors_get(struct search *s, struct vk_vectors *v, uint8_t *image, uint32_t size)
{
	memset(v, 0, sizeof(*v));
	if (real(s->fd, VK_GET_XSAVE2, image) != 0)
		return;
	v->image = image;
	v->size = size;
	for (uint32_t i = VK_XSTATE_AVX; i < VK_XSTATES; i++) {
		uint32_t a = 0xd, b, c = i, d;

		__asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
		v->at[i] = b;
	}
}

static int operands(struct search *s, const uint8_t *code, uint32_t count, struct vk_operands *list)
{
	static uint8_t image[16384];
	struct vk_vectors v;
	int r = kvm_operands(&s->state, NULL, code, count, list);

	if (r == 0 || !list->wants_vectors)
		return r;
	vectors_get(s, &v, image, sizeof(image));
	return v.image == NULL ? -1 : kvm_operands(&s->state, &v, code, count, list);
}

static int operands_denied(struct search *s, const struct vk_operands *list, uint32_t maybe)
{
	for (uint32_t i = 0; i < list->count; i++) {
		const struct vk_operand *op = &list->op[i];

		if ((op->access & VK_MAYBE) != maybe)
			continue;
		if ((op->access & VK_READ) != 0 && check_span(s, op->linear, op->size, R))
			return 1;
		if ((op->access & VK_WRITE) != 0 && check_span(s, op->linear, op->size, W))
			return 1;
	}
	return 0;
}

static enum outcome look(struct search *s)
{
	struct vk_operands list = { .count = 0 };
	uint8_t code[15];
	uint64_t rip;
	uint32_t n;

	if (real(s->fd, KVM_GET_REGS, &s->state.s.regs.regs) != 0 ||
	    real(s->fd, KVM_GET_SREGS, &s->state.s.regs.sregs) != 0)
		return NO_REASON;
	rip = kvm_code_linear(&s->state);
	if (check(s, rip, X))
		return DENIED;
	n = code_read(s, rip, code, sizeof(code));
	operands(s, code, n, &list);
	if (list.cut && n < sizeof(code)) {
		if (check(s, rip + n, X))
			return DENIED;
		n += code_read(s, rip + n, code + n, (uint32_t)sizeof(code) - n);
		operands(s, code, n, &list);
	}
	if (operands_denied(s, &list, 0))
		return DENIED;
	if (!s->opened && operands_denied(s, &list, VK_MAYBE))
		return DENIED;
	return s->opened ? OPENED : NO_REASON;
}

/* ---- exits ---- */

/* KVM's emulator found the page closed. 1: it was carried out. */
static int mmio(struct sim_vcpu *c, struct kvm_run *run)
{
	uint64_t gpa = run->mmio.phys_addr;
	uint32_t need = run->mmio.is_write ? W : R;
	uint32_t rights = rights_of(c->vm, gpa);
	uint8_t *hva = hva_of(c->vm, gpa);

	int have;

	if (hva == NULL || (need == W && (slot_at(c->vm, gpa)->flags & KVM_MEM_READONLY) != 0))
		return 0;
	have = closest_at(c->vm, slot_at(c->vm, gpa), gpa & ~(VK_PAGE - 1));
	if ((have & (need == W ? PROT_WRITE : PROT_READ)) != 0) /* Not this was the reason. */
		return 0;
	if (is(c->vm, "emulator") && c->was_in)
		rights |= W;
	if ((rights & need) == 0 && !(need == W && is(c->vm, "leaky")))
		return 0;
	gpa &= ~(VK_PAGE - 1);
	protect_page(slot_at(c->vm, gpa), gpa, PROT_READ | PROT_WRITE);
	if (run->mmio.is_write)
		memcpy(hva, run->mmio.data, run->mmio.len);
	else
		memcpy(run->mmio.data, hva, run->mmio.len);
	enforce(c->vm, slot_at(c->vm, gpa), gpa, gpa + VK_PAGE, 1);
	return (rights & need) != 0;
}

static void tell(struct kvm_run *run, uint64_t gpa, uint64_t flags)
{
	struct vk_memory_fault fault = { flags, gpa & ~(VK_PAGE - 1), VK_PAGE };

	run->exit_reason = VK_EXIT_MEMORY_FAULT;
	memcpy(&run->hw, &fault, sizeof(fault));
}

/* After KVM_RUN, which gave `r`. 1: the vCPU runs on. */
static int step(struct sim_vcpu *c, int fd, struct kvm_run *run, int r)
{
	struct search s = { .c = c, .fd = fd };

	if (r == 0 && run->exit_reason == KVM_EXIT_MMIO)
		return mmio(c, run);
	if (r == 0 && (run->exit_reason != KVM_EXIT_INTERNAL_ERROR ||
		       run->internal.suberror != KVM_INTERNAL_ERROR_EMULATION))
		return 0;
	if (r != 0 && r != -EFAULT)
		return 0;
	switch (look(&s)) {
	case OPENED:
		return 1;
	case DENIED:
		close_pages(c);
		if (r == 0)
			return 0;
		/* Flags that differ as the proposals do: they are not to be looked at. */
		tell(run, s.denied, is(c->vm, "allow") ? 0 : rights_of(c->vm, s.denied));
		return 0;
	default:
		return 0;
	}
}

static int run_vcpu(struct sim_vcpu *c, int fd)
{
	struct kvm_run *run = map(VK_PAGE, MAP_SHARED, fd);
	int again = faults == 0, r = -EFAULT;

	if ((intptr_t)run < 0 && (intptr_t)run > -4096)
		return -EFAULT;
	if (!again) {
		tell(run, fault_at, 0);
		faults--;
	}
	for (uint32_t i = 0; i < ROUNDS && again; i++) {
		r = real(fd, KVM_RUN, NULL);
		pthread_mutex_lock(&lock);
		close_pages(c);
		again = step(c, fd, run, r);
		pthread_mutex_unlock(&lock);
	}
	c->was_in = r == 0 && run->exit_reason == KVM_EXIT_IO &&
		    run->io.direction == KVM_EXIT_IO_IN;
	raw(SYS_munmap, (long)run, VK_PAGE, 0, 0, 0, 0);
	return r;
}

/* ---- ioctl() ---- */

static void vm_new(int fd)
{
	struct sim_vm *vm = &vms[fd];
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

	if (vm->lives) { /* One that was closed had the number. */
		raw(SYS_munmap, (long)vm->slot, SLOTS * (long)sizeof(*vm->slot), 0, 0, 0, 0);
		raw(SYS_munmap, (long)vm->value, (long)(GPA_MAX / VK_PAGE), 0, 0, 0, 0);
	}
	memset(vm, 0, sizeof(*vm));
	vm->slot = map(SLOTS * sizeof(*vm->slot), flags, -1);
	vm->value = map(GPA_MAX / VK_PAGE, flags, -1);
	strncpy(vm->kernel, kernel(), sizeof(vm->kernel) - 1);
	vm->lives = 1;
}

static int simulated(int fd, unsigned long request, void *arg)
{
	struct sim_vm *vm = &vms[fd];
	int r;

	switch (request) {
	case KVM_CHECK_EXTENSION:
		if ((uintptr_t)arg == KVM_CAP_MEMORY_ATTRIBUTES)
			return strcmp(kernel(), "allow") == 0 ? 23 : 7;
		return real(fd, request, arg);
	case KVM_CREATE_VM:
		r = real(fd, request, arg);
		if (r >= FDS)
			abort();
		if (r >= 0)
			vm_new(r);
		return r;
	case KVM_CREATE_VCPU:
		r = real(fd, request, arg);
		if (r >= FDS)
			abort();
		if (r >= 0)
			vcpus[r] = (struct sim_vcpu){ .vm = vm };
		return r;
	case KVM_SET_USER_MEMORY_REGION:
		return vm->lives ? slot_set(vm, fd, arg) : real(fd, request, arg);
	case VK_SET_MEMORY_ATTRIBUTES:
		return vm->lives ? attributes_set(vm, arg) : real(fd, request, arg);
	default:
		return real(fd, request, arg);
	}
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list list;
	void *arg;
	int r;

	va_start(list, request);
	arg = va_arg(list, void *);
	va_end(list);
	if (kernel() == NULL || fd < 0 || fd >= FDS) {
		r = real(fd, request, arg);
	} else if (request == KVM_RUN && vcpus[fd].vm != NULL) {
		r = run_vcpu(&vcpus[fd], fd);
	} else {
		pthread_mutex_lock(&lock);
		r = simulated(fd, request, arg);
		pthread_mutex_unlock(&lock);
	}
	if (r >= 0)
		return r;
	errno = -r;
	return -1;
}

void simkvm_fault(uint64_t gpa, uint32_t times)
{
	fault_at = gpa;
	faults = times;
}

void simkvm_fail(uint32_t n, uint32_t count, int error)
{
	calls = 0;
	fail_at = n;
	fail_count = count;
	fail_error = error;
}

uint32_t simkvm_calls(void)
{
	return calls;
}

uint32_t simkvm_value(int vm_fd, uint64_t gpa)
{
	return vms[vm_fd].value[gpa / VK_PAGE];
}
