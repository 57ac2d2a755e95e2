/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file vsm/export.h
 * Linkage of the public functions.
 *
 * Everything in the libraries is hidden except what carries VSM_EXPORT; the linker map files name
 * the same symbols once more, so that a forgotten or surplus one fails the tests.
 */
#ifndef VSM_EXPORT_H
#define VSM_EXPORT_H

/** Marks what the shared libraries export. */
#if defined(__GNUC__)
#define VSM_EXPORT __attribute__((visibility("default")))
#else
#define VSM_EXPORT
#endif

/**
 * @name Around the declarations of a header
 * @{
 */
/** C linkage, also for C++. */
#ifdef __cplusplus
#define VSM_BEGIN_DECLS extern "C" {
#define VSM_END_DECLS	}
#else
#define VSM_BEGIN_DECLS
#define VSM_END_DECLS
#endif
/** @} */

#endif /* VSM_EXPORT_H */
