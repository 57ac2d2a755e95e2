/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vsm_hypercall_decode() against the rules of TLFS ch. 3 and 15 said once more, as simply as can
 * be: from the list of calls instead of the table, bit by bit and byte by byte, with numbers that
 * are wide enough for anything.
 */
#include "decode_common.h"
#include "random.h"

#define CALLS_ALL   100000u
#define CALLS_SHORT (CALLS_ALL / 20)

__extension__ typedef unsigned __int128 wide;

/* The rules */

struct answer {
	int ret;
	struct vsm_hypercall call;
};

static uint64_t field(uint64_t word, unsigned int high, unsigned int low)
{
	uint64_t value = 0;
	unsigned int bit;

	for (bit = low; bit <= high; bit++)
		value |= (word >> bit & 1) << (bit - low);
	return value;
}

static uint64_t needed_privilege(unsigned int code)
{
	switch (code) {
	case 0x000c:
	case 0x000d:
	case 0x000f:
	case 0x0011:
	case 0x0012:
		return 1ull << 48;
	case 0x0046:
		return 1ull << 33;
	case 0x0050:
	case 0x0051:
		return 1ull << 49;
	case 0x005c:
		return 1ull << 36;
	case 0x005d:
		return 1ull << 37;
	case 0x0099:
		return 1ull << 53;
	case 0x009a:
		return 1ull << 6;
	case 0x00d9:
	case 0x00db:
		return 1ull << 54;
	case 0x8001:
	case 0x8002:
		return 1ull << 52;
	default:
		return 0;
	}
}

static struct answer exception(void)
{
	struct answer answer = { .ret = VSM_DECODE_EXCEPTION, .call.vector = 6 };

	return answer;
}

static struct answer status(unsigned int code)
{
	struct answer answer = { .ret = VSM_DECODE_STATUS };

	answer.call.status = (uint16_t)code;
	return answer;
}

/* Each byte of the block: in the page of the first one, and in the GPA space. */
static int in_its_page(uint64_t gpa, uint64_t bytes, unsigned int phys_bits)
{
	wide first = gpa;
	wide at;

	for (at = first; at < first + bytes; at++) {
		if (at / 4096 != first / 4096 || at >= (wide)1 << phys_bits)
			return 0;
	}
	return bytes == 0 || gpa % 8 == 0;
}

static struct answer vtl_rules(const struct csv_row *row, const struct vsm_hypercall_caps *caps,
			       uint64_t input, uint64_t control_input, int offered, int is_64)
{
	struct answer answer = { .ret = VSM_DECODE_OK };

	if (field(input, 63, 16) != 0)
		return exception();
	if (row->code == 0x11 ? control_input != 0 : field(control_input, 63, 1) != 0)
		return exception();
	if (!offered || !(caps->privileges & needed_privilege(row->code)))
		return exception();
	answer.call.control = input;
	answer.call.vtl_control = control_input;
	answer.call.code = (uint16_t)row->code;
	answer.call.kind = VSM_HYPERCALL_VTL;
	answer.call.flags = is_64 ? VSM_HYPERCALL_LONG : 0;
	answer.call.row = (uint32_t)(row - csv.rows);
	return answer;
}

/* From the sizes on: reps is 0 for simple calls. */
static struct answer block_rules(const struct csv_row *row, const struct vsm_hypercall_caps *caps,
				 struct answer good, int is_64)
{
	uint64_t input = good.call.control;
	uint64_t units = field(input, 26, 17);
	uint64_t count = field(input, 43, 32);
	uint64_t start = field(input, 59, 48);
	int is_rep = row_is(row, "rep");
	int fast = field(input, 16, 16) != 0;
	uint64_t variable = csv_is(row->variable, "yes") ? 8 * units : 0;
	uint64_t in = row->fixed_in + variable + (is_rep ? count * row->rep_in : 0);
	uint64_t out = row->fixed_out + (is_rep ? count * row->rep_out : 0);
	int has_form = csv_is(row->fast, "gpr") || csv_is(row->fast, "xmm");
	uint64_t in_pairs = in / 16 + (in % 16 ? 1 : 0);
	uint64_t out_pairs = out / 16 + (out % 16 ? 1 : 0);

	if (fast && has_form && in > 16 && !field(caps->features, 4, 4))
		return exception();
	if (fast && has_form && out > 0 && !field(caps->features, 15, 15))
		return exception();
	if (is_rep ? count == 0 || start >= count : count != 0 || start != 0)
		return status(3);
	if (units != 0 && !csv_is(row->variable, "yes"))
		return status(3);
	if (fast && (!has_form || in_pairs + out_pairs > 7 || (out > 0 && !is_64)))
		return status(3);
	if (!fast && (!in_its_page(good.call.param[0], in, caps->phys_bits) ||
		      !in_its_page(good.call.param[1], out, caps->phys_bits)))
		return status(4);
	good.call.flags =
		(uint8_t)((is_64 ? VSM_HYPERCALL_LONG : 0) | (fast ? VSM_HYPERCALL_FAST : 0));
	good.call.kind = is_rep ? VSM_HYPERCALL_REP : VSM_HYPERCALL_SIMPLE;
	good.call.rep_count = (uint32_t)count;
	good.call.rep_start = (uint32_t)start;
	good.call.header_size = (uint32_t)(row->fixed_in + variable);
	good.call.variable_size = (uint32_t)variable;
	good.call.rep_in_size = row->rep_in;
	good.call.rep_out_size = row->rep_out;
	good.call.input_size = (uint32_t)in;
	good.call.output_size = (uint32_t)out;
	good.call.output_pair = fast ? (uint32_t)in_pairs : 0;
	return good;
}

static struct answer rules(const struct vsm_hypercall_regs *regs,
			   const struct vsm_hypercall_caps *caps)
{
	int is_64 = regs->mode & VSM_CALLER_LONG;
	uint64_t input = is_64 ? regs->rcx :
				 field(regs->rdx, 31, 0) << 32 | field(regs->rax, 31, 0);
	uint64_t first = is_64 ? regs->rdx :
				 field(regs->rbx, 31, 0) << 32 | field(regs->rcx, 31, 0);
	uint64_t second = is_64 ? regs->r8 :
				  field(regs->rdi, 31, 0) << 32 | field(regs->rsi, 31, 0);
	const struct csv_row *row = csv_find(&csv, (unsigned int)field(input, 15, 0));
	struct answer good = { .ret = VSM_DECODE_OK };
	int offered = row && row->known && (caps->calls >> (row - csv.rows) & 1);

	if (regs->cpl != 0 || !(regs->mode & VSM_CALLER_PROTECTED) || (regs->mode & VSM_CALLER_V86))
		return exception();
	if (!caps->enabled)
		return exception();
	if (row && row_is(row, "vtl")) {
		struct answer vtl = vtl_rules(row, caps, input,
					      is_64 ? regs->rax : field(regs->rcx, 31, 0), offered,
					      is_64);

		vtl.call.param[0] = vtl.ret == VSM_DECODE_OK ? first : 0;
		vtl.call.param[1] = vtl.ret == VSM_DECODE_OK ? second : 0;
		return vtl;
	}
	if (offered && needed_privilege(row->code) &&
	    !(caps->privileges & needed_privilege(row->code)))
		return status(6);
	if (field(input, 30, 27) || field(input, 31, 31) || field(input, 47, 44) ||
	    field(input, 63, 60))
		return status(3);
	if (!offered)
		return status(2);
	good.call.control = input;
	good.call.param[0] = first;
	good.call.param[1] = second;
	good.call.code = (uint16_t)row->code;
	good.call.row = (uint32_t)(row - csv.rows);
	return block_rules(row, caps, good, is_64);
}

/* Calls */

static uint64_t seed;

static uint64_t next(void)
{
	return random_next(&seed);
}

static uint32_t below(uint32_t limit)
{
	return (uint32_t)(next() >> 16) % limit;
}

static int once_in(uint32_t n)
{
	return below(n) == 0;
}

static uint64_t random_address(unsigned int phys_bits)
{
	uint64_t page = next() & ((1ull << phys_bits) - 4096);
	uint64_t offset = once_in(3) ? below(4096) & ~7u : 0;

	if (once_in(16))
		page = (1ull << phys_bits) - 4096;
	if (once_in(16))
		page |= 1ull << below(64);
	if (once_in(16))
		offset = below(4096);
	if (once_in(64))
		return UINT64_MAX - below(64);
	return page | offset;
}

static uint64_t random_control(void)
{
	const struct csv_row *row = &csv.rows[below(csv.count)];
	uint64_t control = once_in(32) ? below(0x10000) : row->code;
	uint32_t longest = once_in(2) ? 8 : 4096;

	if (row_is(row, "vtl"))
		return control | (once_in(4) ? 1ull << (16 + below(48)) : 0);
	if (once_in(2))
		control |= FAST;
	if (row_is(row, "rep") && !once_in(16)) {
		uint32_t count = below(longest);

		control |= REPS(count);
		control |= START(below(count + 2) & 0xfff);
	}
	if (csv_is(row->variable, "yes") && !once_in(4))
		control |= VARHEAD(once_in(2) ? below(8) : below(1024));
	if (once_in(16))
		control |= 1ull << (16 + below(48));
	return control;
}

static struct vsm_hypercall_caps random_caps(void)
{
	struct vsm_hypercall_caps caps = full_caps();

	caps.phys_bits = 32 + below(21);
	if (once_in(4))
		caps.privileges = next() | next();
	if (once_in(4))
		caps.features = (uint32_t)next();
	if (once_in(8))
		caps.calls = next() | next();
	caps.enabled = !once_in(64);
	return caps;
}

static struct vsm_hypercall_regs random_registers(const struct vsm_hypercall_caps *caps)
{
	enum width width = once_in(2) ? WIDTH_32 : WIDTH_64;
	uint64_t control = random_control();
	uint64_t in = random_address(caps->phys_bits);
	uint64_t out = random_address(caps->phys_bits);
	struct vsm_hypercall_regs regs = registers(width, control, in, out);
	uint16_t code = (uint16_t)control;

	if ((code == HVCALL_VTL_CALL || code == HVCALL_VTL_RETURN) && !once_in(4))
		regs = vtl_call(width, control, once_in(8) ? 1ull << below(64) : below(2));
	if (once_in(64))
		regs.cpl = below(4);
	if (once_in(64))
		regs.mode ^= VSM_CALLER_PROTECTED;
	if (once_in(64))
		regs.mode |= VSM_CALLER_V86;
	return regs;
}

/* How often each answer was due; a run in which one never was would prove little. */
struct tally {
	uint32_t ok[3]; /* by kind */
	uint32_t fast;
	uint32_t exceptions;
	uint32_t statuses[8];
};

static void count_answer(struct tally *tally, const struct answer *answer)
{
	if (answer->ret == VSM_DECODE_EXCEPTION)
		tally->exceptions++;
	else if (answer->ret == VSM_DECODE_STATUS)
		tally->statuses[answer->call.status & 7]++;
	else
		tally->ok[answer->call.kind]++;
	if (answer->call.flags & VSM_HYPERCALL_FAST)
		tally->fast++;
}

static void compare_one(struct tally *tally)
{
	struct vsm_hypercall_caps caps = random_caps();
	struct vsm_hypercall_regs regs = random_registers(&caps);
	struct answer expected = rules(&regs, &caps);
	struct vsm_hypercall out;
	int ret = decode(&regs, &caps, &out);

	ck_assert_msg(ret == expected.ret && out.status == expected.call.status &&
			      out.vector == expected.call.vector,
		      "rax %#llx rcx %#llx rdx %#llx mode %u: %d status %u, not %d status %u",
		      (unsigned long long)regs.rax, (unsigned long long)regs.rcx,
		      (unsigned long long)regs.rdx, regs.mode, ret, out.status, expected.ret,
		      expected.call.status);
	expected.call.size = sizeof(out);
	if (ret == VSM_DECODE_OK)
		ck_assert_mem_eq(&out, &expected.call, sizeof(out));
	count_answer(tally, &expected);
}

START_TEST(random_calls_follow_the_rules)
{
	uint32_t calls = getenv("VSM_TEST_ALL") ? CALLS_ALL : CALLS_SHORT;
	struct tally tally = { .fast = 0 };
	uint32_t i;

	seed = 0x9e3779b97f4a7c15ull;
	for (i = 0; i < calls; i++)
		compare_one(&tally);
	printf("# %u random calls: %u simple, %u rep, %u VTL, of these %u fast; %u #UD; %u denied, "
	       "%u bad input, %u bad code, %u bad alignment\n",
	       calls, tally.ok[0], tally.ok[1], tally.ok[2], tally.fast, tally.exceptions,
	       tally.statuses[6], tally.statuses[3], tally.statuses[2], tally.statuses[4]);
	ck_assert_uint_gt(tally.ok[VSM_HYPERCALL_SIMPLE], calls / 50);
	ck_assert_uint_gt(tally.ok[VSM_HYPERCALL_REP], calls / 50);
	ck_assert_uint_gt(tally.ok[VSM_HYPERCALL_VTL], calls / 500);
	ck_assert_uint_gt(tally.fast, calls / 50);
	ck_assert_uint_gt(tally.exceptions, calls / 50);
	ck_assert_uint_gt(tally.statuses[6], calls / 500);
	ck_assert_uint_gt(tally.statuses[3], calls / 50);
	ck_assert_uint_gt(tally.statuses[2], calls / 50);
	ck_assert_uint_gt(tally.statuses[4], calls / 50);
}
END_TEST

/* Nothing but noise: any state of the machine gets an answer, and the same one twice. */
START_TEST(noise_follows_the_rules)
{
	uint32_t calls = getenv("VSM_TEST_ALL") ? CALLS_ALL : CALLS_SHORT;
	struct vsm_hypercall_caps caps = full_caps();
	uint32_t i;

	seed = 0x2545f4914f6cdd1dull;
	for (i = 0; i < calls; i++) {
		struct vsm_hypercall_regs regs = {
			.size = sizeof(regs),
			.mode = VSM_CALLER_PROTECTED | (i & 1 ? VSM_CALLER_LONG : 0),
		};
		uint64_t *all[] = { &regs.rax, &regs.rbx, &regs.rcx, &regs.rdx,
				    &regs.rsi, &regs.rdi, &regs.r8 };
		struct answer expected;
		struct vsm_hypercall out;
		struct vsm_hypercall again;
		size_t j;

		for (j = 0; j < 7; j++)
			*all[j] = next();
		expected = rules(&regs, &caps);
		ck_assert_int_eq(decode(&regs, &caps, &out), expected.ret);
		ck_assert_uint_eq(out.status, expected.call.status);
		ck_assert_int_eq(decode(&regs, &caps, &again), expected.ret);
		ck_assert_mem_eq(&out, &again, sizeof(out));
	}
	printf("# %u calls of noise\n", calls);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, random_calls_follow_the_rules);
	tcase_add_test(tc, noise_follows_the_rules);
}

int main(void)
{
	return run_suite("decode_random", add_tests);
}
