/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Page protections, each checked by the guest itself: what VTL1 takes away from VTL0 is stopped,
 * told rightly, and nothing moves; what it gives is there. Words on the command line: "exact", RIP
 * of an intercept is always that of the instruction; "exec", execute rights are enforced; "mbec",
 * also those of user mode alone; "partial", of a store to two
 * pages the part in the allowed one may be there before the other is stopped; without "exact" that
 * is so at CPL 0, where a host may interpret; "hotplug", there is RAM that the guest may ask for.
 * What is left out is said.
 */
#include "protect.h"

#include "lib/cpu.h"

#define R      HV_MAP_GPA_READABLE
#define RW     (HV_MAP_GPA_READABLE | HV_MAP_GPA_WRITABLE)
#define RX     (HV_MAP_GPA_READABLE | HV_MAP_GPA_EXECUTABLE)
#define RWX    HV_MAP_GPA_PERMISSIONS_MASK
#define NONE   HV_MAP_GPA_PERMISSIONS_NONE
#define CANARY 0x600d
#define OLD    0x0123456789abcdefull
#define NEW    0x1111111111111111ull
#define OFFSET 0x100
#define BEYOND 0x800000 /* never named: the default mask */
#define LIST   0x1000000
#define LIST_N 510
#define LIST_K 200

#define PORT_DMA_LOW	 0x600
#define PORT_DMA_HIGH	 0x604
#define PORT_DMA_DATA	 0x608
#define PORT_DMA_COMMAND 0x60c

#define PORT_PLUG	 0x610
#define PORT_PLUG_STATUS 0x614

#define ACCESS(name)                                          \
	uint64_t access_##name(uint64_t address, uint64_t v); \
	extern const char access_##name##_insn[], access_##name##_next[];
ACCESS(read)
ACCESS(write)
ACCESS(rmw)
ACCESS(push)
ACCESS(string)
ACCESS(cross)
uint64_t access_call(uint64_t address, uint64_t v);
extern const char access_call_back[];

struct access {
	const char *name;
	guest_fn *fn;
	const char *insn, *next;
	int is_write;
	int reads_too; /* of a page without rights either part may be told */
	uint32_t shift; /* GPA of the stopped byte, from the address */
};

#define ROW(f, write, both)                                                          \
	{                                                                            \
#f, access_##f, access_##f##_insn, access_##f##_next, write, both, 0 \
	}

static const struct access accesses[] = {
	ROW(read, 0, 0), ROW(write, 1, 0),  ROW(rmw, 1, 1),
	ROW(push, 1, 0), ROW(string, 1, 0), ROW(cross, 1, 0),
};

static uint8_t before[HV_PAGE_SIZE] __attribute__((aligned(4096)));
static uint8_t page[HV_PAGE_SIZE] __attribute__((aligned(4096)));
static uint8_t code[HV_PAGE_SIZE] __attribute__((aligned(4096)));
static int exact, exec, mbec, partial;

/* Quiet when all is well: the console is slow where CPL 0 is interpreted. */
static int check(int condition, const char *what, const char *name, uint32_t cpl)
{
	const volatile struct protect_seen *s = protect_seen();

	guest_count(condition);
	if (!condition)
		guest_print("  FAILED: %s, %s at CPL %u (last: access %u, GPA 0x%lx, RIP 0x%lx, "
			    "length %u, count %u)\n",
			    what, name, cpl, s->access, s->gpa, s->rip, s->length, s->count);
	return condition;
}

static struct guest_result run(guest_fn *fn, uint32_t cpl, uint64_t address, uint64_t value)
{
	if (cpl == 3)
		return guest_user_call(&guest_boot_context.cpu, fn, address, value);
	return guest_call(&guest_boot_context.cpu, fn, address, value);
}

static uint64_t *word(uint8_t *of)
{
	return (uint64_t *)(of + OFFSET);
}

static uint64_t peek(const void *address)
{
	return protect_call(PROTECT_PEEK, (uintptr_t)address, 0, 0, 0, 0);
}

static void poke(void *address, uint64_t value)
{
	protect_call(PROTECT_POKE, (uintptr_t)address, value, 0, 0, 0);
}

/* The address of an access, and where its word lies. */
static uint64_t target(const struct access *a)
{
	return a->fn == access_cross ? (uintptr_t)page : (uintptr_t)word(page);
}

static void check_intercept(const struct access *a, uint32_t rights, uint32_t cpl, uint64_t address)
{
	const volatile struct protect_seen *s = protect_seen();
	uint32_t want = a->is_write ? HV_INTERCEPT_ACCESS_WRITE : HV_INTERCEPT_ACCESS_READ;
	int past = !exact && a->is_write && s->length == 0 && s->rip == (uintptr_t)a->next;

	check(s->count == 1, "one intercept", a->name, cpl);
	check(s->access == want || (a->reads_too && rights == NONE && s->access == 0),
	      "its access type", a->name, cpl);
	check(s->cpl == cpl, "its CPL", a->name, cpl);
	check(s->gpa == address, "its GPA", a->name, cpl);
	check(s->rip == (uintptr_t)a->insn || past, "its RIP", a->name, cpl);
	if (s->rip == (uintptr_t)a->insn && (exact || s->length))
		check(s->length == (uint32_t)(a->next - a->insn), "its instruction length", a->name,
		      cpl);
	for (uint32_t i = 0; i < s->byte_count && i < (uint32_t)(a->next - a->insn); i++) {
		if (s->bytes[i] != (uint8_t)a->insn[i])
			check(0, "its instruction bytes", a->name, cpl);
	}
}

/* Of a store that reaches from an allowed page into a denied one the first part may be there. */
static int may_be_partial(const struct access *a, uint32_t cpl)
{
	return a->fn == access_cross && (partial || (!exact && cpl == 0));
}

static int unwritten(const struct access *a, uint32_t cpl, const uint64_t *low)
{
	uint64_t value = peek(low);

	return value == OLD || (may_be_partial(a, cpl) && value >> 32 == OLD >> 32);
}

/* Stopped, skipped: nothing has moved. Stopped, granted: it is done, once. */
static void denied(const struct access *a, uint32_t rights, uint32_t cpl)
{
	uint64_t at = target(a), half = a->fn == access_cross ? 4 : 0;
	uint64_t *low = (uint64_t *)(at - half);
	struct guest_result r;

	/* It was done just before: translations of it that are left must not let it through. */
	protect_policy(POLICY_NONE, 0);
	run(a->fn, cpl, at, NEW);
	poke(low, OLD);
	protect_page(page, rights);
	protect_policy(POLICY_SKIP, a->next);
	r = run(a->fn, cpl, at, NEW);
	check_intercept(a, rights, cpl, at);
	check(r.vector == GUEST_NO_TRAP, "no exception", a->name, cpl);
	check(a->is_write || r.value == CANARY, "no data comes out", a->name, cpl);
	check(unwritten(a, cpl, low), "no byte is written", a->name, cpl);
	protect_policy(POLICY_GRANT, 0);
	r = run(a->fn, cpl, at, NEW);
	check_intercept(a, rights, cpl, at);
	check(a->is_write || r.value == OLD, "after the grant the data is there", a->name, cpl);
	check(!a->is_write || peek(low) == (a->fn == access_rmw ? OLD + NEW : NEW),
	      "after the grant it is written once", a->name, cpl);
}

static void allowed(const struct access *a, uint32_t rights, uint32_t cpl)
{
	uint64_t at = target(a);
	struct guest_result r;

	protect_page(page, rights);
	poke((void *)at, OLD);
	protect_policy(POLICY_NONE, 0);
	r = run(a->fn, cpl, at, NEW);
	check(protect_seen()->count == 0, "no intercept", a->name, cpl);
	check(r.vector == GUEST_NO_TRAP, "no exception", a->name, cpl);
	check(a->is_write || r.value == OLD, "the data is right", a->name, cpl);
	protect_page(page, RWX);
}

static void all_accesses(void)
{
	for (uint32_t cpl = 0; cpl <= 3; cpl += 3) {
		for (uint32_t i = 0; i < sizeof(accesses) / sizeof(accesses[0]); i++) {
			const struct access *a = &accesses[i];

			denied(a, NONE, cpl);
			if (a->is_write)
				denied(a, RX, cpl);
			else
				allowed(a, RX, cpl);
			allowed(a, RWX, cpl);
		}
	}
	guest_print("accesses: %u checks, %u failed\n", guest_checks(), guest_failures());
}

static int is_denied(const struct access *a, void *address, uint32_t cpl)
{
	protect_policy(POLICY_SKIP, a->next);
	run(a->fn, cpl, (uintptr_t)address, NEW);
	return protect_seen()->count == 1;
}

/* TLFS 15.9.1: what a VTL has once switched on stays on, with the default mask that it had. */
static void fixed_default(void)
{
	static const uint32_t masks[] = { R, RX, RWX };
	uint64_t now = protect_call(PROTECT_CONFIG, 0, 0, 0, 0, 0);

	for (uint32_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++)
		check(protect_call(
			      PROTECT_SET_CONFIG,
			      now | (uint64_t)masks[i]
					      << HV_VSM_PARTITION_CONFIG_DEFAULT_VTL_PROTECTION_SHIFT,
			      0, 0, 0, 0) == HV_STATUS_INVALID_REGISTER_VALUE,
		      "another default mask is refused", "config", masks[i]);
	check(protect_call(PROTECT_SET_CONFIG, now & ~HV_VSM_PARTITION_CONFIG_ENABLE_VTL_PROTECTION,
			   0, 0, 0, 0) == HV_STATUS_INVALID_REGISTER_VALUE,
	      "protection is not switched off", "config", 0);
	check(protect_call(PROTECT_CONFIG, 0, 0, 0, 0, 0) == now, "nothing has changed", "config",
	      0);
	check(protect_call(PROTECT_SET_CONFIG, now, 0, 0, 0, 0) == HV_STATUS_SUCCESS,
	      "the same may be set again", "config", 0);
	check(is_denied(&accesses[0], (void *)(BEYOND + 0x10000), 3), "it is still in force",
	      "read", 3);
}

static void default_mask(void)
{
	uint64_t *far = (uint64_t *)BEYOND;

	poke(far, OLD);
	check(is_denied(&accesses[0], far, 3), "the default mask denies", "read", 3);
	check(is_denied(&accesses[1], far + 511, 0), "the default mask denies", "write", 0);
	check(peek(far) == OLD, "nothing is written", "write", 0);
	protect_page(far, RWX);
	check(!is_denied(&accesses[0], far, 3), "a page that was named is granted", "read", 3);
	check(is_denied(&accesses[0], far + 512, 3), "its neighbour is not", "read", 3);
}

static void check_list(uint32_t i, int want, const char *what)
{
	check(is_denied(&accesses[1], (void *)(uintptr_t)(LIST + i * 2 * HV_PAGE_SIZE + 8), 3) ==
		      want,
	      what, "write", i);
}

static void lists(void)
{
	const uint64_t all = (uint64_t)LIST_N << HV_HYPERCALL_RESULT_REPS_SHIFT;
	uint64_t r;

	/* Every second page; those between have never been named. */
	check(protect_list(LIST, RWX, LIST_N, 1, PROTECT_NO_BAD) == all &&
		      protect_list(LIST + LIST_N * HV_PAGE_SIZE, RWX, LIST_N, 1, PROTECT_NO_BAD) ==
			      all,
	      "1,020 pages are granted", "list", 0);
	check(protect_list(LIST, RX, LIST_N, 2, PROTECT_NO_BAD) == all, "510 pages become R+X",
	      "list", 0);
	for (uint32_t i = 0; i < LIST_N; i += 100)
		check_list(i, 1, "each second page is denied");
	check_list(LIST_N - 1, 1, "the last one is denied");
	check(!is_denied(&accesses[1], (void *)(uintptr_t)(LIST + HV_PAGE_SIZE), 3),
	      "a page between is not", "write", 3);
	check(protect_list(LIST, RWX, LIST_N, 2, PROTECT_NO_BAD) == all, "all are granted", "list",
	      0);
	check_list(0, 0, "the first is granted");
	check_list(LIST_N - 1, 0, "the last is granted");
	r = protect_list(LIST, RX, LIST_N, 2, LIST_K);
	check((r & HV_HYPERCALL_RESULT_STATUS_MASK) == HV_STATUS_INVALID_PARAMETER,
	      "a bad element is refused", "list", LIST_K);
	check((r & HV_HYPERCALL_RESULT_REPS_MASK) == (uint64_t)LIST_K
							     << HV_HYPERCALL_RESULT_REPS_SHIFT,
	      "elements before it are counted", "list", LIST_K);
	check_list(0, 1, "elements before it are done");
	check_list(LIST_K - 1, 1, "elements before it are done");
	check_list(LIST_K + 1, 0, "elements behind it are not");
	protect_list(LIST, RWX, LIST_N, 2, PROTECT_NO_BAD);
}

/* TLFS 15.9: what is beneath an overlay keeps its rights, and its bytes. */
static void overlay(uint32_t msr)
{
	struct guest_result r;

	poke(word(page), OLD);
	protect_page(page, NONE);
	wrmsr(msr, (uintptr_t)page | 1); /* enabled */
	protect_policy(POLICY_SKIP, access_write_next);
	r = run(access_write, 0, (uintptr_t)word(page), NEW);
	protect_policy(POLICY_SKIP, access_read_next);
	r = run(access_read, 0, (uintptr_t)word(page), 0);
	check(r.value == NEW && protect_seen()->count == 0, "an overlay page is VTL0's", "read", 0);
	check(peek(word(page)) == OLD, "VTL1 sees what is beneath", "peek", 0);
	wrmsr(msr, 0);
	check(is_denied(&accesses[0], word(page), 3), "without it the page is denied", "read", 3);
	check(peek(word(page)) == OLD, "its bytes are as they were", "peek", 0);
	protect_page(page, RWX);
}

static uint32_t dma(uint32_t command, const void *address, uint32_t *data)
{
	outl(PORT_DMA_LOW, (uint32_t)(uintptr_t)address);
	outl(PORT_DMA_HIGH, 0);
	outl(PORT_DMA_DATA, *data);
	outl(PORT_DMA_COMMAND, command);
	*data = inl(PORT_DMA_DATA);
	return inl(PORT_DMA_COMMAND);
}

static void devices(void)
{
	uint32_t data = CANARY;

	poke(word(page), OLD);
	protect_page(page, NONE);
	check(dma(1, word(page), &data) == 1 && data != (uint32_t)OLD, "a device may not read",
	      "dma", 0);
	data = (uint32_t)NEW;
	check(dma(2, word(page), &data) == 1, "a device may not write", "dma", 0);
	protect_page(page, RX);
	data = 0;
	check(dma(1, word(page), &data) == 0 && data == (uint32_t)OLD, "a device may read R+X",
	      "dma", 0);
	data = (uint32_t)NEW;
	check(dma(2, word(page), &data) == 1, "a device may not write R+X", "dma", 0);
	check(peek(word(page)) == OLD, "nothing was written", "dma", 0);
	protect_page(page, RWX);
	check(dma(2, word(page), &data) == 0 && (uint32_t)peek(word(page)) == (uint32_t)NEW,
	      "after the grant it may", "dma", 0);
}

static void execute(void)
{
	static const uint8_t insns[] = { 0xb8, 0x77, 0, 0, 0, 0xc3 }; /* mov $0x77, %eax; ret */
	const volatile struct protect_seen *s = protect_seen();
	struct guest_result r;

	for (uint32_t i = 0; i < sizeof(insns); i++)
		code[i] = insns[i];
	for (uint32_t cpl = 0; cpl <= 3; cpl += 3) {
		for (uint32_t rights = R; rights <= RW; rights += RW - R) {
			r = run(access_call, cpl, (uintptr_t)code, 0);
			check(r.value == 0x77, "code runs", "call", cpl);
			protect_page(code, rights);
			protect_policy(POLICY_SKIP, access_call_back);
			r = run(access_call, cpl, (uintptr_t)code, 0);
			check(s->count == 1 && s->access == HV_INTERCEPT_ACCESS_EXECUTE,
			      "a fetch is stopped", "call", cpl);
			check(s->gpa == (uintptr_t)code && s->rip == (uintptr_t)code &&
				      s->cpl == cpl,
			      "its RIP, GPA and CPL", "call", cpl);
			check(r.value == CANARY, "not one instruction runs", "call", cpl);
			protect_policy(POLICY_GRANT, 0);
			r = run(access_call, cpl, (uintptr_t)code, 0);
			check(s->count == 1 && r.value == 0x77, "after the grant it runs", "call",
			      cpl);
		}
		protect_page(code, RX);
		check(is_denied(&accesses[1], code, cpl), "code cannot be written", "write", cpl);
		protect_policy(POLICY_NONE, 0);
		r = run(access_call, cpl, (uintptr_t)code, 0);
		check(r.value == 0x77, "but runs", "call", cpl);
		protect_page(code, RWX);
	}
}

/* TLFS 15.9.2: with MBEC a page can be executable at CPL 3 only; without it that is refused. */
static void user_execute(void)
{
	static const uint32_t rights[] = { R | HV_MAP_GPA_USER_EXECUTABLE,
					   RW | HV_MAP_GPA_USER_EXECUTABLE };
	const volatile struct protect_seen *s = protect_seen();
	struct guest_result r;

	for (uint32_t i = 0; i < sizeof(rights) / sizeof(rights[0]); i++) {
		if (!mbec) {
			check(protect_list((uintptr_t)code, rights[i], 1, 1, PROTECT_NO_BAD) ==
				      HV_STATUS_INVALID_REGISTER_VALUE,
			      "without MBEC it is refused", "R+UX", i);
			continue;
		}
		protect_page(code, rights[i]);
		protect_policy(POLICY_SKIP, access_call_back);
		r = run(access_call, 3, (uintptr_t)code, 0);
		check(r.value == 0x77 && s->count == 0, "user code runs", "call", 3);
		r = run(access_call, 0, (uintptr_t)code, 0);
		check(s->count == 1 && s->access == HV_INTERCEPT_ACCESS_EXECUTE && s->cpl == 0 &&
			      s->gpa == (uintptr_t)code && s->rip == (uintptr_t)code,
		      "a fetch of the kernel is stopped", "call", 0);
		check(r.value == CANARY, "not one instruction runs", "call", 0);
		protect_policy(POLICY_GRANT, 0);
		r = run(access_call, 0, (uintptr_t)code, 0);
		check(s->count == 1 && r.value == 0x77, "after the grant it runs", "call", 0);
	}
	protect_page(code, RWX);
}

/* TLFS 15.9.1: the default mask is that of RAM that comes later, too. */
static void hotplug(uint64_t from)
{
	uint64_t size = (uint64_t)inl(PORT_PLUG) << 20;
	uint8_t *new = (uint8_t *)from, *last = (uint8_t *)(from + size - HV_PAGE_SIZE);
	uint32_t data = 0;

	check(size != 0, "there is RAM to come", "hotplug", 0);
	protect_policy(POLICY_NONE, 0);
	check(run(access_read, 0, from, 0).value == ~0ull, "it is no RAM yet", "read", 0);
	check(dma(1, new, &data) == 2, "nor is it for devices", "dma", 0);
	outl(PORT_PLUG, 1);
	while (inl(PORT_PLUG_STATUS) == 1)
		__asm__ volatile("pause");
	check(inl(PORT_PLUG_STATUS) == 0 && inl(PORT_PLUG) == 0, "it comes", "hotplug", 0);
	for (uint32_t cpl = 0; cpl <= 3; cpl += 3) {
		check(is_denied(&accesses[0], new, cpl), "the default mask denies", "read", cpl);
		check(is_denied(&accesses[1], last, cpl), "the default mask denies", "write", cpl);
	}
	check(dma(1, new, &data) == 1, "the default mask denies", "dma", 0);
	check(peek(new) == 0 && peek(last) == 0, "nothing was written", "peek", 0);
	poke(word(new), OLD);
	check(peek(word(new)) == OLD, "VTL1 has it", "peek", 0);
	protect_page(new, RWX);
	protect_policy(POLICY_NONE, 0);
	check(run(access_read, 3, (uintptr_t)word(new), 0).value == OLD, "granted, it is RAM",
	      "read", 3);
	check(dma(1, word(new), &data) == 0 && data == (uint32_t)OLD, "granted, it is RAM", "dma",
	      0);
	check(is_denied(&accesses[0], new + HV_PAGE_SIZE, 3), "its neighbour is not", "read", 3);
	protect_page(last, RX);
	check(!is_denied(&accesses[0], last, 3), "R+X", "read", 3);
	check(is_denied(&accesses[1], last, 3), "R+X", "write", 3);
	protect_policy(POLICY_NONE, 0);
	check(run(access_read, 0, from + size, 0).value == ~0ull, "behind it is no RAM", "read", 0);
	guest_print("hotplug: %u checks, %u failed\n", guest_checks(), guest_failures());
}

static void left_out(void)
{
	if (!exec)
		guest_print("left out: fetches; this host is not said to enforce rights to execute "
			    "(exec)\n");
	if (exec && !mbec)
		guest_print(
			"left out: fetches by mode; this host is not said to have MBEC (mbec)\n");
	if (!exact)
		guest_print(
			"left out: RIP of stores that were executed before they were told, and of "
			"stores to two pages at CPL 0 the part in the allowed page; hosts that "
			"interpret CPL 0 perform it (exact)\n");
	if (partial)
		guest_print("left out: the same of CPL 3 (partial)\n");
}

uint32_t guest_main(void)
{
	/* Before protection is on: what the loader left is not granted. */
	uint64_t end = 0x100000 + guest_mem_upper() * 1024ull;
	int more = guest_has_word("hotplug");

	exact = guest_has_word("exact");
	exec = guest_has_word("exec");
	partial = guest_has_word("partial");
	mbec = guest_has_word("mbec");
	protect_enable(mbec ? HV_ENABLE_PARTITION_VTL_MBEC : 0);
	protect_call(PROTECT_START, NONE, 0, 0, 0, 0);
	default_mask();
	fixed_default();
	lists();
	guest_print("lists: %u checks, %u failed\n", guest_checks(), guest_failures());
	before[0] = 1; /* the page before: half of an access lies there */
	all_accesses();
	overlay(HV_X64_MSR_SIMP);
	overlay(HV_X64_MSR_SIEFP);
	devices();
	if (exec) {
		execute();
		user_execute();
	}
	if (more)
		hotplug(end);
	left_out();
	guest_print("protect: %u checks, %u failed\n", guest_checks(), guest_failures());
	return guest_failures() != 0;
}
