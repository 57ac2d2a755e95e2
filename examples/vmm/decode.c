/* SPDX-License-Identifier: BSD-3-Clause */
#include "decode.h"

#include <Zydis/Zydis.h>

static const struct {
	uint32_t bits;
	ZydisMachineMode mode;
	ZydisStackWidth width;
} modes[] = {
	{ 16, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16 },
	{ 32, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32 },
	{ 64, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64 },
};

int decode_length(void *opaque, const uint8_t *bytes, uint32_t count, uint32_t mode)
{
	ZydisDecodedInstruction insn;
	ZydisDecoder decoder;

	(void)opaque;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (modes[i].bits == mode &&
		    ZYAN_SUCCESS(ZydisDecoderInit(&decoder, modes[i].mode, modes[i].width)) &&
		    ZYAN_SUCCESS(
			    ZydisDecoderDecodeInstruction(&decoder, NULL, bytes, count, &insn)))
			return insn.length;
	}
	return 0;
}
