/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * A kernel whose KVM has memory attributes for R, W and X, played on the real one.
 *
 * Programs that link simkvm.c have an ioctl() of their own. With VSM_SIM_KVM set it announces the
 * attributes, takes them, and enforces them by the page tables of this process; what is denied
 * comes out as KVM_EXIT_MEMORY_FAULT where KVM says -EFAULT. An access that the attributes allow
 * and these page tables do not is let through by opening the page until the vCPU's next exit. So
 * within a run of the guest without exits the simulation may allow more than it should, never less.
 *
 * VSM_SIM_KVM is the kernel to be played:
 *   deny     a bit takes a right away
 *   allow    a bit gives a right, none set: all; and bit 4 takes all away
 *   allow3   the same without bit 4: pages that cannot be accessed at all there are not
 *   nothing  takes them and enforces nothing
 *   nofetch  does not enforce X
 *   leaky    says that it denies a write, and has done it
 *   emulator lets what INS writes through
 *   invalid  refuses each value but 0
 */
#ifndef SIMKVM_H
#define SIMKVM_H

#include <stdint.h>

/* The n-th setting of attributes from now on fails with this errno, 1 the first; and those behind
 * it, so many. */
void simkvm_fail(uint32_t n, uint32_t count, int error);
/* How often attributes were set, since simkvm_fail(). */
uint32_t simkvm_calls(void);
/* From now on so many times KVM_RUN is a memory fault at this GPA. */
void simkvm_fault(uint64_t gpa, uint32_t times);
/* The attributes of a GPA of a VM. */
uint32_t simkvm_value(int vm_fd, uint64_t gpa);

#endif /* SIMKVM_H */
