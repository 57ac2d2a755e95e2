/* SPDX-License-Identifier: BSD-3-Clause */
/* Sets of VPs (TLFS data type HV_VP_SET). */
#include "vsm/vpset.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "vsm/error.h"
#include "vsm/hv.h"

#define POLICY_MASK (VSM_VPSET_ALLOW_ALL | VSM_VPSET_REFUSE_ABSENT)
#define BANK_BITS   64u
#define SET_BITS    (VSM_VPSET_BANKS * BANK_BITS)

/* Without the compiler's help, which is a function of its own library on older CPUs. */
static uint32_t bits_set(uint64_t value)
{
	value -= value >> 1 & 0x5555555555555555ull;
	value = (value & 0x3333333333333333ull) + (value >> 2 & 0x3333333333333333ull);
	value = (value + (value >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return (uint32_t)(value * 0x0101010101010101ull >> 56);
}

/* The VPs of bank `n` that exist. */
static uint64_t bank_live(uint32_t n, uint32_t live)
{
	uint32_t first = n * BANK_BITS;

	if (live <= first)
		return 0;
	return live - first >= BANK_BITS ? UINT64_MAX : (1ull << (live - first)) - 1;
}

static int has_absent(const struct vsm_vpset *set, uint32_t live)
{
	for (uint32_t n = 0; n < VSM_VPSET_BANKS; n++) {
		if ((set->bank[n] & ~bank_live(n, live)) != 0)
			return 1;
	}
	return 0;
}

static int accept(const struct vsm_vpset *found, uint32_t policy, uint32_t live,
		  struct vsm_vpset *set)
{
	if ((policy & VSM_VPSET_REFUSE_ABSENT) != 0 && has_absent(found, live))
		return HV_STATUS_INVALID_PARAMETER;
	*set = *found;
	return HV_STATUS_SUCCESS;
}

/* The banks that the mask announces, and not a byte more. */
static int read_banks(const uint8_t *bytes, size_t len, uint64_t mask, struct vsm_vpset *set)
{
	if (len != bits_set(mask) * sizeof(set->bank[0]))
		return HV_STATUS_INVALID_PARAMETER;
	for (uint32_t n = 0; n < VSM_VPSET_BANKS; n++) {
		if ((mask >> n & 1) == 0)
			continue;
		memcpy(&set->bank[n], bytes, sizeof(set->bank[n]));
		bytes += sizeof(set->bank[n]);
	}
	return HV_STATUS_SUCCESS;
}

int vsm_vpset_parse(const void *bytes, size_t len, uint32_t policy, uint32_t live,
		    struct vsm_vpset *set)
{
	struct vsm_vpset found;
	struct hv_vp_set head;
	int status;

	if (bytes == NULL || set == NULL || (policy & ~POLICY_MASK) != 0)
		return -VSM_ERR_INVAL;
	if (len < sizeof(head))
		return HV_STATUS_INVALID_PARAMETER;
	memcpy(&head, bytes, sizeof(head));
	memset(&found, 0, sizeof(found));
	if (head.format == HV_GENERIC_SET_ALL && (policy & VSM_VPSET_ALLOW_ALL) != 0) {
		found.all = 1;
		*set = found;
		return HV_STATUS_SUCCESS;
	}
	if (head.format != HV_GENERIC_SET_SPARSE_4K)
		return HV_STATUS_INVALID_PARAMETER;
	status = read_banks((const uint8_t *)bytes + sizeof(head), len - sizeof(head),
			    head.valid_banks_mask, &found);
	return status != HV_STATUS_SUCCESS ? status : accept(&found, policy, live, set);
}

int vsm_vpset_from_mask(uint64_t mask, uint32_t policy, uint32_t live, struct vsm_vpset *set)
{
	struct vsm_vpset found;

	if (set == NULL || (policy & ~POLICY_MASK) != 0)
		return -VSM_ERR_INVAL;
	memset(&found, 0, sizeof(found));
	found.bank[0] = mask;
	return accept(&found, policy, live, set);
}

int vsm_vpset_contains(const struct vsm_vpset *set, uint32_t live, uint32_t vp)
{
	if (set == NULL || vp >= live)
		return 0;
	if (set->all != 0)
		return 1;
	return vp < SET_BITS && (set->bank[vp / BANK_BITS] >> (vp % BANK_BITS) & 1) != 0;
}

uint32_t vsm_vpset_next(const struct vsm_vpset *set, uint32_t live, uint32_t from)
{
	uint64_t from_mask = UINT64_MAX << (from % BANK_BITS);

	if (set == NULL || from >= live)
		return live;
	if (set->all != 0)
		return from;
	for (uint32_t n = from / BANK_BITS; n < VSM_VPSET_BANKS; n++) {
		uint64_t found = set->bank[n] & bank_live(n, live) & from_mask;

		if (found != 0)
			return n * BANK_BITS + (uint32_t)__builtin_ctzll(found);
		from_mask = UINT64_MAX;
	}
	return live;
}

uint32_t vsm_vpset_count(const struct vsm_vpset *set, uint32_t live)
{
	uint32_t count = 0;

	if (set == NULL)
		return 0;
	if (set->all != 0)
		return live;
	for (uint32_t n = 0; n < VSM_VPSET_BANKS; n++)
		count += bits_set(set->bank[n] & bank_live(n, live));
	return count;
}

int vsm_vpset_empty(const struct vsm_vpset *set)
{
	if (set == NULL)
		return 1;
	if (set->all != 0)
		return 0;
	for (uint32_t n = 0; n < VSM_VPSET_BANKS; n++) {
		if (set->bank[n] != 0)
			return 0;
	}
	return 1;
}
