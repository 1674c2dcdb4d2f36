/* SPDX-License-Identifier: MIT */
/*
 * CPUID as a guest kernel sees it through the forced-emulation prefix: the machine's own answer,
 * masked to what a PV guest can use, and the hypervisor's leaves.
 *
 * A bit is shown only if the instruction or register behind it works in a PV guest: what needs
 * ring 0, an MSR that we don't give, or page-table features that the ABI forbids is hidden. User
 * programs run the bare instruction and see everything, so nothing may be shown here that differs
 * from what the hardware does for them (XSAVE and OSXSAVE above all: fpu.c).
 */
#include "domain/domain.h"
#include "x86/msr.h"
#include "x86/platform.h"
#include <xen/arch-x86/cpuid.h>

#define ALL      0xffffffffu
#define ANY_SUB  0xffffffffu

#define XEN_VERSION_4_17 (4u << 16 | 17)

/* Leaf 1 EDX: FPU DE TSC MSR PAE MCE CX8 APIC SEP MCA CMOV PAT CLFLUSH MMX FXSR SSE SSE2. */
#define LEAF1_EDX 0x0789cbf5u
#define LEAF1_EDX_SEP BIT(11)
/* The copies of these that AMD repeats in leaf 0x80000001. */
#define LEAF1_EDX_COPY 0x0181c3f5u
/* SSE3 PCLMUL SSSE3 FMA CX16 SSE4.1 SSE4.2 MOVBE POPCNT AES XSAVE OSXSAVE AVX F16C RDRAND. */
#define LEAF1_ECX 0x7ed83203u
#define LEAF1_ECX_OSXSAVE BIT(27)
/* What means nothing where XSAVE does not switch it: that itself, FMA, AVX, F16C. */
#define LEAF1_ECX_NEED_XSAVE (LEAF1_ECX_OSXSAVE | BIT(26) | BIT(12) | BIT(28) | BIT(29))
#define LEAF1_ECX_HYPERVISOR BIT(31)
/*
 * FSGSBASE BMI1 AVX2 FDP BMI2 ERMS FCS-DS RDSEED ADX IFMA CLFLUSHOPT CLWB SHA and the AVX512
 * ones.
 */
#define LEAF7_EBX 0xf1af2369u
/* VBMI VBMI2 GFNI VAES VPCLMUL VNNI BITALG VPOPCNTDQ RDPID CLDEMOTE MOVDIRI MOVDIR64B. */
#define LEAF7_ECX 0x1a405f42u
/* 4VNNIW 4FMAPS FSRM VP2INTERSECT MD_CLEAR SERIALIZE AVX512-FP16. */
#define LEAF7_EDX 0x0080451cu
/* AVX-VNNI AVX512-BF16 FZRM FSRS FSRCS. */
#define LEAF7_1_EAX 0x00001c30u
/* LAHF ABM SSE4A MISALIGNSSE 3DNOWPREFETCH XOP FMA4 TBM. */
#define LEAF81_ECX 0x002109e1u
/* SYSCALL NX MMXEXT FFXSR RDTSCP LM 3DNOWEXT 3DNOW. */
#define LEAF81_EDX 0xea500800u
/* CLZERO RSTR_FP_ERR_PTRS. */
#define LEAF88_EBX 0x00000005u
#define XSAVE_KINDS 0x7u        /* leaf 0xd, 1: XSAVEOPT, XSAVEC, XGETBV1; never XSAVES */

#define LAST_BASIC    0xdu
#define LAST_EXTENDED 0x80000008u
#define LAST_XEN      XEN_CPUID_LEAF(XEN_CPUID_MAX_NUM_LEAVES)

/* What stays of the machine's answer. A leaf that is not here is zero. */
static const struct {
    u32 leaf, subleaf;
    struct cpuid_regs keep;
} masks[] = {
    { 0x1, ANY_SUB, { ALL, 0x0000ff00, LEAF1_ECX, LEAF1_EDX } },
    { 0x0, ANY_SUB, { ALL, ALL, ALL, ALL } },
    { 0x2, ANY_SUB, { ALL, ALL, ALL, ALL } },
    { 0x4, ANY_SUB, { 0x000003ff, ALL, ALL, ALL } },    /* caches, but not who shares them */
    { 0x7, 0, { ALL, LEAF7_EBX, LEAF7_ECX, LEAF7_EDX } },
    { 0x7, 1, { LEAF7_1_EAX, 0, 0, 0 } },
    { 0xd, ANY_SUB, { ALL, ALL, ALL, ALL } },
    { 0x80000000, ANY_SUB, { ALL, ALL, ALL, ALL } },
    { 0x80000001, ANY_SUB, { ALL, 0, LEAF81_ECX, LEAF81_EDX | LEAF1_EDX_COPY } },
    { 0x80000002, ANY_SUB, { ALL, ALL, ALL, ALL } },
    { 0x80000003, ANY_SUB, { ALL, ALL, ALL, ALL } },
    { 0x80000004, ANY_SUB, { ALL, ALL, ALL, ALL } },
    { 0x80000005, ANY_SUB, { ALL, ALL, ALL, ALL } },
    { 0x80000006, ANY_SUB, { ALL, ALL, ALL, ALL } },
    { 0x80000007, ANY_SUB, { 0, 0, 0, BIT(8) } },       /* the TSC is invariant */
    { 0x80000008, ANY_SUB, { 0xff, LEAF88_EBX, 0, 0 } },
};

/* The machine's own answer for the leaf, with what its row lets through. */
static struct cpuid_regs masked(u32 leaf, u32 subleaf)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(masks); i++) {
        if (masks[i].leaf == leaf && (masks[i].subleaf == ANY_SUB || masks[i].subleaf == subleaf)) {
            struct cpuid_regs r = cpuid(leaf, subleaf);

            r.a &= masks[i].keep.a;
            r.b &= masks[i].keep.b;
            r.c &= masks[i].keep.c;
            r.d &= masks[i].keep.d;
            return r;
        }
    }
    return (struct cpuid_regs){ 0 };
}

/* ---- XSAVE ---- */

/* The end of the last component that a guest may enable. */
static u32 xsave_size(void)
{
    return (u32)fpu_area_size();
}

/*
 * The sizes that depend on XCR0 come straight from the CPU: the guest is loaded, XCR0 is its own.
 * Of the components only those that fpu.c switches exist.
 */
static struct cpuid_regs xsave_leaf(u32 subleaf, struct cpuid_regs r)
{
    u64 mask = fpu_xcr0_mask();

    if (!mask)
        return (struct cpuid_regs){ 0 };
    if (subleaf == 0)
        return (struct cpuid_regs){ (u32)mask, r.b, xsave_size(), (u32)(mask >> 32) };
    if (subleaf == 1)
        return (struct cpuid_regs){ r.a & XSAVE_KINDS, r.a & XSAVE_KINDS & BIT(1) ? r.b : 0, 0, 0 };
    if (subleaf < 63 && (mask >> subleaf & 1))
        return (struct cpuid_regs){ r.a, r.b, r.c & ~1u, 0 };
    return (struct cpuid_regs){ 0 };
}

/* ---- The hypervisor's leaves ---- */

/* How many bits a machine address of this machine's RAM needs. */
static u32 address_width(void)
{
    return max_mfn > 1 ? 64 - (u32)__builtin_clzll(max_mfn - 1) + PAGE_SHIFT : PAGE_SHIFT;
}

/* Leaf 3 of ours: how a guest reads the time, and the scale that its vcpu_time_info has as well. */
static struct cpuid_regs time_leaf(u32 subleaf)
{
    bool rdtscp = cpuid(0x80000001u, 0).d & BIT(27);

    switch (subleaf) {
    case 0: /* not emulated; mode 0 */
        return (struct cpuid_regs){
            .a = (cpu_has.tsc_invariant ? BIT(1) : 0) | (rdtscp ? BIT(2) : 0),
            .c = tsc_scale.khz,
        };
    case 1:
        return (struct cpuid_regs){ .c = tsc_scale.mul, .d = (u32)(s32)tsc_scale.shift };
    case 2:
        return (struct cpuid_regs){ .a = tsc_scale.khz };
    default:
        return (struct cpuid_regs){ 0 };
    }
}

/* The leaves by which a kernel finds out that it runs on this ABI, and in which version. */
static struct cpuid_regs xen_leaf(u32 leaf, u32 subleaf)
{
    switch (leaf) {
    case XEN_CPUID_LEAF(0):
        return (struct cpuid_regs){ LAST_XEN, XEN_CPUID_SIGNATURE_EBX, XEN_CPUID_SIGNATURE_ECX,
                                    XEN_CPUID_SIGNATURE_EDX };
    case XEN_CPUID_LEAF(1):
        return (struct cpuid_regs){ .a = XEN_VERSION_4_17 };
    case XEN_CPUID_LEAF(2):
        return (struct cpuid_regs){ 1, MSR_HYPERCALL_PAGE,
                                    XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD, 0 };
    case XEN_CPUID_LEAF(3):
        return time_leaf(subleaf);
    case XEN_CPUID_LEAF(5):
        return (struct cpuid_regs){ .b = subleaf == 0 ? address_width() : 0 };
    default:
        return (struct cpuid_regs){ 0 };
    }
}

/* ---- The whole ---- */

/* The APIC ids of a flat machine with two numbers a core, as PV guests have always seen it. */
static void leaf_one(const struct vcpu *v, struct cpuid_regs *r)
{
    r->b |= v->id << 25;
    r->c |= (u32)LEAF1_ECX_HYPERVISOR;
    if (!cpu_has.sysenter)
        r->d &= ~(u32)LEAF1_EDX_SEP;
    if (!fpu_xcr0_mask())
        r->c &= ~(u32)LEAF1_ECX_NEED_XSAVE;
}

/*
 * Leaves above the last one that the machine has are zero, for both ranges; what differs by vCPU or
 * by what we switch is put right after the masks.
 */
struct cpuid_regs guest_cpuid(const struct vcpu *v, u32 leaf, u32 subleaf)
{
    struct cpuid_regs r;

    if ((leaf & 0xffffff00u) == XEN_CPUID_FIRST_LEAF)
        return xen_leaf(leaf, subleaf);
    if (leaf > cpuid(leaf & 0x80000000u, 0).a)
        return (struct cpuid_regs){ 0 };
    r = masked(leaf, subleaf);
    switch (leaf) {
    case 0x0:
        r.a = min(r.a, LAST_BASIC);
        break;
    case 0x1:
        leaf_one(v, &r);
        break;
    case 0x7:
        if (subleaf == 0)
            r.a = min(r.a, 1u);
        break;
    case 0xd:
        r = xsave_leaf(subleaf, r);
        break;
    case 0x80000000u:
        r.a = min(r.a, LAST_EXTENDED);
        break;
    case 0x80000008u:
        r.a |= 48 << 8;
        break;
    }
    return r;
}

/* OSXSAVE is a number of ours, that XSETBV asks for: the real one is always set (fpu.c). */
u64 guest_cr4_bits(u64 cr4)
{
    return cr4 & (CR4_TSD | CR4_DE | (cpu_has.fsgsbase ? CR4_FSGSBASE : 0) |
                  (fpu_xcr0_mask() ? CR4_OSXSAVE : 0));
}
