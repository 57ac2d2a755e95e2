/* SPDX-License-Identifier: BSD-3-Clause */
#include "hypercall_table.h"

#include "vsm/error.h"
#include "vsm/hv.h"
#include "vsm/hypercall.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SIMPLE VSM_HYPERCALL_SIMPLE
#define REP    VSM_HYPERCALL_REP
#define VTL    VSM_HYPERCALL_VTL

#define VSM  HV_PRIV_ACCESS_VSM
#define REGS HV_PRIV_ACCESS_VP_REGISTERS
#define EXT  HV_PRIV_ENABLE_EXTENDED_HYPERCALLS

/*
 * TLFS App. A with the layouts of the chapters it names, ascending by code: the search halves it.
 * Which privilege a call needs: TLFS 4.2.2 and 15.3, and the call's own chapter. Whether a call
 * that fits may be fast follows the XMM rules of TLFS 3.7.1; the column of App. A is older than
 * they are.
 */
/* clang-format off */
static const struct hypercall_row table[] = {
	/* privilege, code, kind, fast, variable, known, fixed_in, rep_in, rep_out, fixed_out,
	 * name */
	{ 0, 0x0001, SIMPLE, 1, 0, 1, 8, 0, 0, 0, "HvCallSwitchVirtualAddressSpace" },
	{ 0, 0x0002, SIMPLE, 1, 0, 1, 24, 0, 0, 0, "HvCallFlushVirtualAddressSpace" },
	{ 0, 0x0003, REP, 1, 0, 1, 24, 8, 0, 0, "HvCallFlushVirtualAddressList" },
	{ 0, 0x0008, SIMPLE, 1, 0, 1, 8, 0, 0, 0, "HvCallNotifyLongSpinWait" },
	{ 0, 0x000b, SIMPLE, 1, 0, 1, 16, 0, 0, 0, "HvCallSendSyntheticClusterIpi" },
	{ VSM, 0x000c, REP, 1, 0, 1, 16, 8, 0, 0, "HvCallModifyVtlProtectionMask" },
	{ VSM, 0x000d, SIMPLE, 1, 0, 1, 16, 0, 0, 0, "HvCallEnablePartitionVtl" },
	{ 0, 0x000e, SIMPLE, 0, 0, 0, 0, 0, 0, 0, "HvCallDisablePartitionVtl" },
	{ VSM, 0x000f, SIMPLE, 0, 0, 1, 240, 0, 0, 0, "HvCallEnableVpVtl" },
	{ 0, 0x0010, SIMPLE, 0, 0, 0, 0, 0, 0, 0, "HvCallDisableVpVtl" },
	{ VSM, 0x0011, VTL, 0, 0, 1, 0, 0, 0, 0, "HvCallVtlCall" },
	{ VSM, 0x0012, VTL, 0, 0, 1, 0, 0, 0, 0, "HvCallVtlReturn" },
	{ 0, 0x0013, SIMPLE, 1, 1, 1, 32, 0, 0, 0, "HvCallFlushVirtualAddressSpaceEx" },
	{ 0, 0x0014, REP, 1, 1, 1, 32, 8, 0, 0, "HvCallFlushVirtualAddressListEx" },
	{ 0, 0x0015, SIMPLE, 1, 1, 1, 24, 0, 0, 0, "HvCallSendSyntheticClusterIpiEx" },
	{ HV_PRIV_ACCESS_PARTITION_ID, 0x0046, SIMPLE, 1, 0, 1, 0, 0, 0, 8, "HvCallGetPartitionId" },
	{ 0, 0x004d, SIMPLE, 1, 0, 1, 24, 0, 0, 0, "HvCallInstallIntercept" },
	{ REGS, 0x0050, REP, 1, 0, 1, 16, 4, 16, 0, "HvCallGetVpRegisters" },
	{ REGS, 0x0051, REP, 1, 0, 1, 16, 32, 0, 0, "HvCallSetVpRegisters" },
	{ 0, 0x0052, SIMPLE, 1, 0, 1, 32, 0, 0, 16, "HvCallTranslateVirtualAddress" },
	{ HV_PRIV_POST_MESSAGES, 0x005c, SIMPLE, 0, 0, 1, 256, 0, 0, 0, "HvCallPostMessage" },
	{ HV_PRIV_SIGNAL_EVENTS, 0x005d, SIMPLE, 1, 0, 1, 8, 0, 0, 0, "HvCallSignalEvent" },
	{ 0, 0x007e, SIMPLE, 1, 1, 1, 56, 0, 0, 0, "HvCallRetargetDeviceInterrupt" },
	{ 0, 0x0094, SIMPLE, 1, 0, 1, 32, 0, 0, 0, "HvCallAssertVirtualInterrupt" },
	{ HV_PRIV_START_VIRTUAL_PROCESSOR, 0x0099, SIMPLE, 0, 0, 1, 240, 0, 0, 0,
	  "HvCallStartVirtualProcessor" },
	{ HV_PRIV_ACCESS_VP_INDEX, 0x009a, REP, 1, 0, 1, 16, 4, 4, 0, "HvCallGetVpIndexFromApicId" },
	{ 0, 0x00ac, SIMPLE, 1, 0, 1, 32, 0, 0, 64, "HvCallTranslateVirtualAddressEx" },
	{ 0, 0x00ad, SIMPLE, 1, 0, 1, 24, 0, 0, 8, "HvCallCheckForIoIntercept" },
	{ 0, 0x00af, SIMPLE, 1, 0, 1, 16, 0, 0, 0, "HvCallFlushGuestPhysicalAddressSpace" },
	{ 0, 0x00b0, REP, 1, 0, 1, 16, 8, 0, 0, "HvCallFlushGuestPhysicalAddressList" },
	{ 0, 0x00c0, SIMPLE, 1, 0, 1, 16, 0, 0, 8, "HvCallSignalEventDirect" },
	{ 0, 0x00c1, SIMPLE, 0, 0, 1, 280, 0, 0, 0, "HvCallPostMessageDirect" },
	{ 0, 0x00d4, REP, 1, 0, 1, 16, 8, 8, 0, "HvCallCheckSparseGpaPageVtlAccess" },
	{ HV_PRIV_ISOLATION, 0x00d9, REP, 1, 0, 1, 24, 0, 0, 0, "HvCallAcceptGpaPages" },
	{ HV_PRIV_ISOLATION, 0x00db, REP, 1, 0, 1, 16, 8, 0, 0,
	  "HvCallModifySparseGpaPageHostVisibility" },
	{ 0, 0x0103, SIMPLE, 1, 0, 1, 32, 0, 0, 0, "HvCallRestorePartitionTime" },
	{ 0, 0x011c, REP, 1, 0, 1, 8, 8, 1, 0, "HvCallQuerySparseGpaPageHostVisibility" },
	{ EXT, 0x8001, SIMPLE, 1, 0, 1, 0, 0, 0, 8, "HvExtCallQueryCapabilities" },
	{ EXT, 0x8002, SIMPLE, 0, 0, 1, 0, 0, 0, 4088, "HvExtCallGetBootZeroedMemory" },
};
/* clang-format on */

#define ROWS ((uint32_t)(sizeof(table) / sizeof(table[0])))

/* vsm_hypercall_caps.calls has one bit for each row. */
_Static_assert(sizeof(table) / sizeof(table[0]) <= 64, "rows fit a 64-bit set");

/* Both names are arrays of one size, so that a row's name fits into the public copy. */
_Static_assert(sizeof(table[0].name) == sizeof(((struct vsm_hypercall_info *)0)->name),
	       "name of a row");

const struct hypercall_row *hypercall_row_at(uint32_t row)
{
	return row < ROWS ? &table[row] : NULL;
}

uint32_t vsm_hypercall_count(void)
{
	return ROWS;
}

int vsm_hypercall_row(uint16_t code)
{
	uint32_t low = 0;
	uint32_t high = ROWS;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (table[middle].code == code)
			return (int)middle;
		if (table[middle].code < code)
			low = middle + 1;
		else
			high = middle;
	}
	return -VSM_ERR_NOTFOUND;
}

int vsm_hypercall_info(uint32_t row, struct vsm_hypercall_info *info)
{
	const struct hypercall_row *from;

	if (!info || info->size != sizeof(*info))
		return -VSM_ERR_INVAL;
	from = hypercall_row_at(row);
	if (!from)
		return -VSM_ERR_NOTFOUND;
	info->privilege = from->privilege;
	info->code = from->code;
	info->kind = from->kind;
	info->fast = from->fast;
	info->variable = from->variable;
	info->known = from->known;
	info->fixed_in = from->fixed_in;
	info->rep_in = from->rep_in;
	info->rep_out = from->rep_out;
	info->fixed_out = from->fixed_out;
	info->reserved = 0;
	memcpy(info->name, from->name, sizeof(info->name));
	return 0;
}

const char *vsm_hypercall_name(uint16_t code)
{
	int row = vsm_hypercall_row(code);

	return row >= 0 ? table[row].name : "unknown hypercall";
}
