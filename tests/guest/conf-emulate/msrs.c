/* SPDX-License-Identifier: MIT */
/* Model-specific registers that a guest kernel may read and write. */
#include "../lib/case.h"
#include "../lib/cpuid.h"

#define FS_BASE    0xc0000100u
#define GS_BASE    0xc0000101u
#define KERNEL_GS  0xc0000102u
#define EFER       0xc0000080u
#define APIC_BASE  0x1bu
#define PAT        0x277u
#define LSTAR      0xc0000082u
#define GP0        PV_FAULT(PV_GP, 0)

static uint64_t cell = 0x5eed;

CASE(msr_fs_base, "XSA-193: the FS base is read and written as set_segment_base does",
     "msr.fs_base:effect msr.fs_base:GP")
{
    uint64_t value = 0, loaded;

    EXPECT_FAULT(pv_probe_wrmsr(FS_BASE, (uint64_t)&cell), PV_NO_FAULT);
    __asm__ volatile("mov %%fs:0, %0" : "=r"(loaded));
    EXPECT_EQ(loaded, 0x5eed);
    EXPECT_FAULT(pv_probe_rdmsr(FS_BASE, &value), PV_NO_FAULT);
    EXPECT_EQ(value, &cell);
    EXPECT_FAULT(pv_probe_wrmsr(FS_BASE, CONF_BAD_VA), GP0);
    EXPECT_FAULT(pv_probe_rdmsr(FS_BASE, &value), PV_NO_FAULT);
    EXPECT_EQ(value, &cell);
    EXPECT_FAULT(pv_probe_wrmsr(FS_BASE, 0), PV_NO_FAULT);
}

CASE(msr_gs_base, "in the kernel GS_BASE is the kernel's and KERNEL_GS_BASE the user's",
     "msr.gs_base:effect msr.kernel_gs_base:effect msr.gs_base:GP msr.kernel_gs_base:GP")
{
    uint64_t value = 0;

    EXPECT_FAULT(pv_probe_rdmsr(GS_BASE, &value), PV_NO_FAULT);
    EXPECT_EQ(value, pv_this_vcpu());
    EXPECT_FAULT(pv_probe_wrmsr(GS_BASE, value), PV_NO_FAULT);
    EXPECT_FAULT(pv_probe_wrmsr(GS_BASE, CONF_BAD_VA), GP0);
    EXPECT_EQ(HYPERVISOR_set_segment_base(SEGBASE_GS_USER, 0x123000), 0);
    EXPECT_FAULT(pv_probe_rdmsr(KERNEL_GS, &value), PV_NO_FAULT);
    EXPECT_EQ(value, 0x123000);
    EXPECT_FAULT(pv_probe_wrmsr(KERNEL_GS, CONF_BAD_VA), GP0);
    EXPECT_FAULT(pv_probe_wrmsr(KERNEL_GS, 0), PV_NO_FAULT);
}

CASE(msr_efer, "EFER shows long mode, NX and SYSCALL; writing what it is does nothing, another "
     "value is #GP",
     "msr.efer:effect msr.efer:GP")
{
    uint64_t efer = 0;

    EXPECT_FAULT(pv_probe_rdmsr(EFER, &efer), PV_NO_FAULT);
    EXPECT_EQ(efer & 0xd01, 0xd01);
    EXPECT_EQ(efer & 0x1000, 0);
    EXPECT_FAULT(pv_probe_wrmsr(EFER, efer), PV_NO_FAULT);
    EXPECT_FAULT(pv_probe_wrmsr(EFER, efer & ~0x100UL), GP0);
    EXPECT_FAULT(pv_probe_wrmsr(EFER, 0), GP0);
}

CASE(msr_pat, "PAT reads the interface's value and can't be written", "msr.pat:effect msr.pat:GP")
{
    uint64_t pat = 0;

    EXPECT_FAULT(pv_probe_rdmsr(PAT, &pat), PV_NO_FAULT);
    EXPECT_EQ(pat, 0x0000050100070406UL);
    EXPECT_FAULT(pv_probe_wrmsr(PAT, 0x0007040600070406UL), GP0);
    EXPECT_FAULT(pv_probe_wrmsr(PAT, pat), GP0);
}

CASE(msr_apic_base, "APIC_BASE says: enabled, at the usual place, boot processor",
     "msr.apic_base:effect")
{
    uint64_t base = 0;

    EXPECT_FAULT(pv_probe_rdmsr(APIC_BASE, &base), PV_NO_FAULT);
    EXPECT_EQ(base, 0xfee00900UL);
}

CASE(msr_unknown, "an unknown register is #GP, both ways",
     "msr.unknown:GP security.privileged:refused")
{
    uint64_t value;

    EXPECT_FAULT(pv_probe_rdmsr(0x12345678, &value), GP0);
    EXPECT_FAULT(pv_probe_wrmsr(0x12345678, 0), GP0);
    EXPECT_FAULT(pv_probe_wrmsr(LSTAR, 0), GP0);
}

#define TSC_AUX 0xc0000103u

CASE(msr_tsc_aux, "TSC_AUX is the vCPU's own; more than 32 bits are #GP", "msr.tsc_aux:effect")
{
    uint64_t value = 0;

    EXPECT_FAULT(pv_probe_wrmsr(TSC_AUX, 0x1357), PV_NO_FAULT);
    EXPECT_FAULT(pv_probe_rdmsr(TSC_AUX, &value), PV_NO_FAULT);
    EXPECT_EQ(value, 0x1357);
    EXPECT_FAULT(pv_probe_wrmsr(TSC_AUX, 1UL << 32), GP0);
    EXPECT_FAULT(pv_probe_wrmsr(TSC_AUX, 0), PV_NO_FAULT);
}

#define CR4_FSGSBASE (1UL << 16)

static pv_fault_t set_cr4(uint64_t clear, uint64_t set)
{
    uint64_t cr4 = 0;
    pv_fault_t f;

    PV_TRY_ASM(f, "mov %%cr4, %[v]", PV_OUT([v] "+r"(cr4)), PV_IN());
    if (f)
        return f;
    cr4 = (cr4 & ~clear) | set;
    PV_TRY_ASM(f, "mov %[v], %%cr4", PV_OUT(), PV_IN([v] "r"(cr4)));
    return f;
}

CASE(fsgsbase_follows, "XSA-293: rdfsbase and wrfsbase work when the guest's CR4 says so, and are "
     "#UD when not",
     "emulate.fsgsbase:effect emulate.mov_cr:cr4")
{
    uint64_t value = 0;
    pv_fault_t f;

    if (!(conf_cpuid(7, 0).ebx & 1)) {
        conf_skip("the processor has no FSGSBASE");
        return;
    }
    EXPECT_FAULT(set_cr4(0, CR4_FSGSBASE), PV_NO_FAULT);
    PV_TRY_ASM(f, "wrfsbase %[v]", PV_OUT(), PV_IN([v] "r"(&cell)));
    EXPECT_FAULT(f, PV_NO_FAULT);
    EXPECT_FAULT(pv_probe_rdmsr(FS_BASE, &value), PV_NO_FAULT);
    EXPECT_EQ(value, &cell);
    EXPECT_FAULT(set_cr4(CR4_FSGSBASE, 0), PV_NO_FAULT);
    PV_TRY_ASM(f, "rdfsbase %[v]", PV_OUT([v] "+r"(value)), PV_IN());
    EXPECT_FAULT(f, PV_FAULT(PV_UD, 0));
    PV_TRY_ASM(f, "wrgsbase %[v]", PV_OUT(), PV_IN([v] "r"(&cell)));
    EXPECT_FAULT(f, PV_FAULT(PV_UD, 0));
    EXPECT_FAULT(pv_probe_rdmsr(GS_BASE, &value), PV_NO_FAULT);
    EXPECT_EQ(value, pv_this_vcpu());
    EXPECT_FAULT(pv_probe_wrmsr(FS_BASE, 0), PV_NO_FAULT);
}

#define MISC_ENABLE 0x1a0u

CASE(msr_misc_enable, "XSA-333: a write of MISC_ENABLE changes nothing",
     "msr.misc_enable:effect")
{
    uint64_t before = 0, after = 0;

    if (!conf_vendor_intel()) {
        EXPECT_FAULT_ON(pv_probe_rdmsr(MISC_ENABLE, &before), PV_NO_FAULT, GP0,
                        "it is Intel's; Xen asks the processor, and an emulated one knows all");
        if (conf_on_pavane())
            return;
    }
    EXPECT_FAULT(pv_probe_rdmsr(MISC_ENABLE, &before), PV_NO_FAULT);
    EXPECT_FAULT(pv_probe_wrmsr(MISC_ENABLE, before), PV_NO_FAULT);
    (void)pv_probe_wrmsr(MISC_ENABLE, before ^ 1);
    EXPECT_FAULT(pv_probe_rdmsr(MISC_ENABLE, &after), PV_NO_FAULT);
    EXPECT_EQ(after, before);
}
