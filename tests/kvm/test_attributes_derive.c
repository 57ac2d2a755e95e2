/* SPDX-License-Identifier: BSD-3-Clause */
/* From what the values of memory attributes were seen to do to the values for masks. No KVM. */
#include <string.h>

#include "kvm_private.h"
#include "vsmtest.h"

#define R   1u
#define W   2u
#define X   4u
#define ALL 7u
#define BAD "attributes: "

/* A value that gives these rights, by all ways. */
static void gives(struct vk_try *t, uint64_t value, uint32_t rights)
{
	static const uint32_t needs[VK_TRY_KINDS] = { R, W, X, R, W };

	t->value = value;
	for (uint32_t kind = 0; kind < VK_TRY_KINDS; kind++) {
		uint8_t seen = (rights & needs[kind]) != 0 ? VK_SEEN_ALLOWED : VK_SEEN_DENIED;

		t->seen[0][kind] = t->seen[1][kind] = seen;
	}
}

/* A bit takes a right away. */
static void denying(struct vk_try *t)
{
	for (uint32_t value = 0; value < 8; value++)
		gives(&t[value], value, ~value & ALL);
}

static void check(const struct vk_try *tries, uint32_t count, const char *missing)
{
	struct vk_attributes a;

	kvm_attributes_derive(tries, count, &a);
	if (missing == NULL)
		ck_assert_msg(a.missing == NULL, "%s", a.missing);
	else
		ck_assert_msg(a.missing != NULL && strstr(a.missing, missing) != NULL &&
				      strncmp(a.missing, BAD, strlen(BAD)) == 0,
			      "%s", a.missing == NULL ? "nothing is missing" : a.missing);
}

START_TEST(bits_that_take_rights_away)
{
	struct vk_try t[8];
	struct vk_attributes a;

	denying(t);
	kvm_attributes_derive(t, 8, &a);
	ck_assert_ptr_null(a.missing);
	ck_assert_uint_eq(a.value[VK_PTE_ALL], 0);
	ck_assert_uint_eq(a.value[VK_PTE_READ], W);
	ck_assert_uint_eq(a.value[VK_PTE_R], W | X);
	ck_assert_uint_eq(a.value[VK_PTE_RW], X);
	ck_assert_uint_eq(a.value[VK_PTE_NONE], ALL);
}
END_TEST

START_TEST(bits_that_give_rights)
{
	struct vk_try t[9];
	struct vk_attributes a;

	gives(&t[0], 0, ALL);
	for (uint32_t value = 1; value < 8; value++)
		gives(&t[value], value, value);
	gives(&t[8], 16, 0);
	kvm_attributes_derive(t, 9, &a);
	ck_assert_ptr_null(a.missing);
	ck_assert_uint_eq(a.value[VK_PTE_ALL], 0);
	ck_assert_uint_eq(a.value[VK_PTE_READ], R | X);
	ck_assert_uint_eq(a.value[VK_PTE_R], R);
	ck_assert_uint_eq(a.value[VK_PTE_RW], R | W);
	ck_assert_uint_eq(a.value[VK_PTE_NONE], 16);
	/* Without the bit for it a page cannot be closed. */
	check(t, 8, "not each of the masks");
}
END_TEST

/* Each single contradiction takes the value away, and with it the mechanism: a right of no mask's
 * value is there twice. */
START_TEST(each_contradiction_counts)
{
	static const uint32_t used[] = { 0, W, W | X, X, ALL };
	struct vk_try t[8];

	for (uint32_t i = 0; i < VSMTEST_COUNT(used); i++) {
		for (uint32_t n = 0; n < 2 * VK_TRY_KINDS * 2; n++) {
			uint8_t *seen;

			denying(t);
			seen = &t[used[i]].seen[n % 2][n / 2 % VK_TRY_KINDS];
			*seen = n >= 2 * VK_TRY_KINDS	? VK_SEEN_OTHER :
				*seen == VK_SEEN_DENIED ? VK_SEEN_ALLOWED :
							  VK_SEEN_DENIED;
			check(t, 8, BAD);
		}
	}
}
END_TEST

START_TEST(what_is_lacking_is_said)
{
	struct vk_try t[8];

	memset(t, 0, sizeof(t));
	check(t, 0, "not all accesses were seen to work");
	check(t, 8, "not all accesses were seen to work");
	for (uint32_t value = 0; value < 8; value++)
		gives(&t[value], value, ALL);
	check(t, 8, "nothing is denied");
	for (uint32_t value = 0; value < 8; value++)
		gives(&t[value], value, (~value & ALL) | X);
	check(t, 8, "fetches are not denied");
	/* What cannot be read cannot be executed either, and that is all. */
	for (uint32_t value = 0; value < 8; value++)
		gives(&t[value], value, (value & R) != 0 ? ~value & W : (~value & ALL) | X);
	check(t, 8, "fetches are not denied");
	for (uint32_t value = 0; value < 8; value++)
		gives(&t[value], value, (~value & ALL) | W);
	check(t, 8, "reads or writes are not denied");
	denying(t);
	for (uint32_t value = 0; value < 8; value++)
		t[value].seen[0][VK_TRY_INS] = VK_SEEN_ALLOWED;
	check(t, 8, "its emulator");
	/* All masks have a value, but a page that was never named has less. */
	denying(t);
	for (uint32_t value = 0; value < 8; value++)
		t[value].value = value ^ ALL;
	check(t, 8, "not all accesses were seen to work");
	/* Values that nobody takes are no harm while others do. */
	denying(t);
	memset(t[1].seen, VK_SEEN_OTHER, sizeof(t[1].seen));
	memset(t[3].seen, VK_SEEN_OTHER, sizeof(t[3].seen));
	check(t, 8, NULL);
}
END_TEST

static const struct vsmtest_case cases[] = {
	VSMTEST_CASE(bits_that_take_rights_away),
	VSMTEST_CASE(bits_that_give_rights),
	VSMTEST_CASE(each_contradiction_counts),
	VSMTEST_CASE(what_is_lacking_is_said),
};

int main(void)
{
	return vsmtest_main("kvm_attributes_derive", cases, VSMTEST_COUNT(cases));
}
