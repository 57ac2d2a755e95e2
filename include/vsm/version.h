/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file vsm/version.h
 * Version of the headers, and of the library that is linked.
 */
#ifndef VSM_VERSION_H
#define VSM_VERSION_H

#include <stdint.h>

#include <vsm/export.h>

/**
 * @name Version of these headers
 * The ABI may change with each minor number until 1.0; the soname changes with it.
 * @{
 */
/** Part of the version, a plain number below 256. */
#define VSM_VERSION_MAJOR 0
#define VSM_VERSION_MINOR 1
#define VSM_VERSION_PATCH 0
/** @} */

/** The version as one number, comparable with `<`. */
#define VSM_VERSION_NUMBER \
	((VSM_VERSION_MAJOR << 16) | (VSM_VERSION_MINOR << 8) | VSM_VERSION_PATCH)

VSM_BEGIN_DECLS

/**
 * Version of the library that is linked.
 *
 * @return the version in the form of #VSM_VERSION_NUMBER. Cannot fail.
 * Thread: any.
 */
VSM_EXPORT uint32_t vsm_version(void);

VSM_END_DECLS

#endif /* VSM_VERSION_H */
