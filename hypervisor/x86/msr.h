/* SPDX-License-Identifier: MIT */
/* Model-specific registers as guests see them: emulate_msr.c, for the other files of x86/. */
#ifndef X86_MSR_H
#define X86_MSR_H

#include "x86/x86.h"

#define MSR_TSC                 0x10u
#define MSR_FEATURE_CONTROL     0x3au
#define MSR_PATCH_LEVEL         0x8bu
#define MSR_PLATFORM_INFO       0xceu
#define MSR_MISC_FEATURES       0x140u
#define MSR_MCG_CAP             0x179u
#define MSR_MCG_STATUS          0x17au
#define MSR_MISC_ENABLE         0x1a0u
#define MSR_HYPERCALL_PAGE      0x40000000u
#define MSR_FS_BASE             0xc0000100u
#define MSR_GS_BASE             0xc0000101u
#define MSR_KERNEL_GS_BASE      0xc0000102u
#define MSR_TSC_AUX             0xc0000103u
#define MSR_AMD_HWCR            0xc0010015u
#define MSR_AMD_DE_CFG          0xc0011029u

/* Of the running vCPU, in its kernel mode. False: the guest gets #GP(0). */
bool guest_rdmsr(struct vcpu *v, u32 msr, u64 *value);
bool guest_wrmsr(struct vcpu *v, u32 msr, u64 value);
/* The real TSC_AUX becomes @v's, where there is one. */
void msr_load_tsc_aux(const struct vcpu *v);

static inline bool is_canonical(u64 addr)
{
    return (u64)((s64)(addr << 16) >> 16) == addr;
}

#endif
