/* SPDX-License-Identifier: MIT */
/* CPUID behind the forced-emulation prefix. */
#include "../lib/case.h"
#include "../lib/cpuid.h"
#include <xen/arch-x86/cpuid.h>

CONF_GUEST("conf-emulate");

CASE(cpuid_leaves, "the hypervisor's leaves: signature, version, pages, PV",
     "cpuid.hypervisor:effect")
{
    struct conf_cpuid r = conf_cpuid(XEN_CPUID_LEAF(0), 0);

    EXPECT_TRUE(r.eax >= XEN_CPUID_LEAF(2));
    EXPECT_EQ(r.ebx, XEN_CPUID_SIGNATURE_EBX);
    EXPECT_EQ(r.ecx, XEN_CPUID_SIGNATURE_ECX);
    EXPECT_EQ(r.edx, XEN_CPUID_SIGNATURE_EDX);
    EXPECT_EQ(conf_cpuid(XEN_CPUID_LEAF(1), 0).eax, 4 << 16 | 17);
    EXPECT_EQ(conf_cpuid(XEN_CPUID_LEAF(2), 0).ecx & XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD,
              XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD);
}

CASE(cpuid_width, "leaf 5 says how wide machine addresses are", "cpuid.hypervisor:width")
{
    uint32_t width = conf_cpuid(XEN_CPUID_LEAF(5), 0).ebx & XEN_CPUID_MACHINE_ADDRESS_WIDTH_MASK;

    EXPECT_TRUE(conf_cpuid(XEN_CPUID_LEAF(0), 0).eax >= XEN_CPUID_LEAF(5));
    EXPECT_TRUE(width >= 28 && width <= 52);
}

#define LEAF1_ECX_HIDDEN (1u << 3 | 1u << 5 | 1u << 6 | 1u << 17 | 1u << 21 | 1u << 24)
#define LEAF1_EDX_HIDDEN (1u << 3 | 1u << 13 | 1u << 17)
#define LEAF1_EDX_MTRR   12
#define LEAF7_EBX_HIDDEN (1u << 7 | 1u << 10 | 1u << 20)
#define LEAF7_ECX_HIDDEN (1u << 2 | 1u << 3 | 1u << 16)

CASE(cpuid_hidden, "what a PV guest can't use is hidden: MONITOR, VMX, PCID, x2APIC, TSC deadline; "
     "PSE, PGE, PSE-36; SMEP, INVPCID, SMAP; UMIP, PKU, LA57; 1 GiB pages",
     "cpuid.policy:hidden")
{
    struct conf_cpuid one = conf_cpuid(1, 0), seven = conf_cpuid(7, 0);
    struct conf_cpuid extended = conf_cpuid(0x80000001, 0);

    EXPECT_EQ(one.ecx & LEAF1_ECX_HIDDEN, 0);
    EXPECT_EQ(one.edx & LEAF1_EDX_HIDDEN, 0);
    EXPECT_ON(one.edx >> LEAF1_EDX_MTRR & 1, 1, 0,
              "Xen lets its first domain set memory types through platform_op");
    EXPECT_EQ(seven.ebx & LEAF7_EBX_HIDDEN, 0);
    EXPECT_EQ(seven.ecx & LEAF7_ECX_HIDDEN, 0);
    EXPECT_EQ(extended.edx & (1u << 26), 0);
    /* AMD repeats leaf 1's bits: PSE, PGE and PSE-36. */
    EXPECT_EQ(extended.edx & (1u << 3 | 1u << 13 | 1u << 17), 0);
    /* SYSENTER is Intel's, in long mode; a guest has no need of WBNOINVD. */
    EXPECT_EQ(one.edx >> 11 & 1, conf_vendor_intel());
    EXPECT_EQ(conf_cpuid(0x80000008, 0).ebx & (1u << 9), 0);
    EXPECT_EQ(extended.ecx & (1u << 2), 0);
}

CASE(cpuid_shown, "what it needs is shown: the hypervisor bit, FPU, TSC, PAE, CX8, SSE2; SYSCALL, "
     "NX, LM",
     "cpuid.policy:shown")
{
    struct conf_cpuid one = conf_cpuid(1, 0), extended = conf_cpuid(0x80000001, 0);
    uint32_t needed = 1u << 0 | 1u << 4 | 1u << 6 | 1u << 8 | 1u << 24 | 1u << 25 | 1u << 26;

    EXPECT_EQ(one.ecx >> 31, 1);
    EXPECT_EQ(one.edx & needed, needed);
    EXPECT_EQ(extended.edx & (1u << 11 | 1u << 20 | 1u << 29), 1u << 11 | 1u << 20 | 1u << 29);
    EXPECT_EQ(conf_cpuid(0x80000008, 0).eax >> 8 & 0xff, 48);
}

CASE(cpuid_prefix_only, "the prefix serves cpuid; before another instruction it is #UD",
     "cpuid.prefix:effect cpuid.prefix:UD")
{
    pv_fault_t f;

    PV_TRY_ASM(f, XEN_EMULATE_PREFIX "nop", PV_OUT(), PV_IN());
    EXPECT_FAULT(f, PV_FAULT(PV_UD, 0));
    PV_TRY_ASM(f, XEN_CPUID, PV_OUT(), PV_IN("a"(0), "c"(0)), "rbx", "rdx");
    EXPECT_FAULT(f, PV_NO_FAULT);
}
