/* SPDX-License-Identifier: BSD-3-Clause */
/* Structures that grow: a caller compiled against another version is understood or refused. */
#ifndef VSM_SIZED_H
#define VSM_SIZED_H

#include <stddef.h>

/*
 * Copy a structure that starts with its size into `to`, zero-filled. `least`: size in the first
 * release. 0: too small, or its tail says something that this version does not know.
 */
int sized_in(void *to, size_t to_size, const void *from, size_t least);

/* Copy a result out to a caller's structure of its own size; 0 if that is below `least`. */
int sized_out(void *to, const void *from, size_t from_size, size_t least);

#endif /* VSM_SIZED_H */
