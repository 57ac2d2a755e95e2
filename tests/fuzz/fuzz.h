/* SPDX-License-Identifier: BSD-3-Clause */
/* What libFuzzer calls, and the replay of a corpus without it. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

/** One input. A finding ends the process. @return 0 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
