/* SPDX-License-Identifier: BSD-3-Clause */
#include "sized.h"

#include <stdint.h>
#include <string.h>

#define SIZE_LIMIT 65536u /* No structure comes near; a size beyond is garbage. */

int sized_in(void *to, size_t to_size, const void *from, size_t least)
{
	const uint8_t *bytes = from;
	size_t size;

	memcpy(&size, from, sizeof(size));
	if (size < least || size > SIZE_LIMIT)
		return 0;
	for (size_t i = to_size; i < size; i++) {
		if (bytes[i] != 0)
			return 0;
	}
	memset(to, 0, to_size);
	memcpy(to, from, size < to_size ? size : to_size);
	memcpy(to, &to_size, sizeof(to_size));
	return 1;
}

int sized_out(void *to, const void *from, size_t from_size, size_t least)
{
	size_t size;

	memcpy(&size, to, sizeof(size));
	if (size < least || size > SIZE_LIMIT)
		return 0;
	memset(to, 0, size);
	memcpy(to, from, size < from_size ? size : from_size);
	memcpy(to, &size, sizeof(size));
	return 1;
}
