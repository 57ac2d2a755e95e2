/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of bench-vsm share: the clock, the lines, and the measurements themselves. */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>

/** Do an operation `count` times. @return 0, or -1 if one did not do what it should. */
typedef int bench_batch(void *arg, uint32_t count);

/** Monotonic time in nanoseconds. */
uint64_t bench_now(void);

/**
 * The shortest of many batches, which is the one that others disturbed least.
 *
 * @param ns set to nanoseconds of one operation.
 * @return 0, or -1 if a batch failed.
 */
int bench_best(bench_batch *batch, void *arg, uint32_t repeat, double *ns);

/** Sorts. @param count not 0. */
double bench_median(double *values, uint32_t count);

/** A line of the result: `name value unit`. */
void bench_print(const char *name, double value, const char *unit);

/** Say why a figure has no line. @return 1, the number of figures that are missing. */
int bench_missing(const char *name, const char *why);

/** Figures of decoding and of the null host. @return how many are missing. */
int bench_null(uint32_t repeat);

/** Figures of the protection map and of ModifyVtlProtectionMask. @return how many are missing. */
int bench_protmap(uint32_t repeat);

/** The same of other structures that keep a mask for each page. What was not built says so. */
void bench_rivals(uint32_t repeat);

/** Figures of KVM. @return how many are missing. */
int bench_kvm(uint32_t repeat);

/** Figures of enforcing rights on KVM. @return how many are missing. */
int bench_enforce(uint32_t repeat);

/** Figures of the same in RAM of huge pages. @return how many are missing. */
int bench_huge(uint32_t repeat);

/** So many round trips on KVM that carry no state by ioctl, between two marks. @return as
 *  main(). */
int bench_kvm_trips(uint32_t trips);

#endif
