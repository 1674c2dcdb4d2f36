/* SPDX-License-Identifier: MIT */
/*
 * The numbers that entry.S needs of C structures. traps.c asserts each of them, so a structure that
 * moves stops the build.
 */
#ifndef X86_OFFSETS_H
#define X86_OFFSETS_H

#include "x86/regs.h"

/* struct cpu_regs, from its start */
#define REGS_ERROR_CODE  120
#define REGS_VECTOR      124
#define REGS_RIP         128
#define REGS_CS          136
#define REGS_RFLAGS      144
#define REGS_RSP         152
#define REGS_SS          160
#define REGS_SIZE        168

/* struct cpu_info, from its start, which is where the guest's registers are */
#define INFO_CURRENT     168
#define INFO_SOFTIRQS    188
#define INFO_SIZE        200

/* struct vcpu */
#define VCPU_INFO        16
#define VCPU_KERNEL_MODE 24

/* struct vcpu_info, of the ABI */
#define VINFO_UPCALL_PENDING 0
#define VINFO_UPCALL_MASK    1

#define SEL_CS64 0xe033
#define SEL_CS32 0xe023
#define SEL_DS   0xe02b
#define SEL_HV   0xe008

#endif
