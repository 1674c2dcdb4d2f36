/* SPDX-License-Identifier: MIT */
/*
 * Floating-point and vector registers. They are saved and loaded at every switch between
 * processes, by XSAVE where the hypervisor offers it (x87, SSE, AVX), else by FXSAVE. The kernel is
 * compiled without them, so in between they hold the running process's.
 *
 * A save area is FXSAVE's 512 bytes, followed for XSAVE by a header (which components are there,
 * 8 bytes; zeroes, 56 bytes) and the rest. In a signal frame the last 48 of the 512 bytes tell
 * user code how long the area is, as Linux does.
 */
#include "arch/arch.h"
#include "kernel.h"
#include "mm/mm.h"
#include <xen/arch-x86/cpuid.h>

#define FXSAVE_SIZE   512u
#define XSAVE_WANTED  7u        /* x87, SSE, AVX */
#define CR4_FSGSBASE  (1ul << 16)
#define CR4_OSXSAVE   (1ul << 18)
#define LEAF1_XSAVE   (1u << 26)

#define FCW_DEFAULT   0x37f
#define MXCSR_DEFAULT 0x1f80u
#define MXCSR_MASK    0xffbfu   /* bits that every processor with SSE accepts */

#define FP_XSTATE_MAGIC1 0x46505853u
#define FP_XSTATE_MAGIC2 0x46505845u

struct area {
    uint16_t fcw, fsw;
    uint8_t ftw, zero;
    uint16_t fop;
    uint64_t fip, fdp;
    uint32_t mxcsr, mxcsr_mask;
    uint8_t registers[432];
    /* The software's own 48 bytes. */
    uint32_t magic1, extended_size;
    uint64_t features;
    uint32_t size, unused[7];
    /* XSAVE's header. */
    uint64_t present, compact, reserved[6];
};
_Static_assert(offsetof(struct area, magic1) == 464, "FXSAVE layout");
_Static_assert(offsetof(struct area, present) == FXSAVE_SIZE, "XSAVE layout");

static uint64_t features;       /* in XCR0; 0: FXSAVE */
static unsigned int size = FXSAVE_SIZE;

static bool cpuid(uint32_t leaf, uint32_t *b, uint32_t *c)
{
    uint32_t a = leaf, d = 0;
    pv_fault_t fault;

    *b = *c = 0;
    PV_TRY_ASM(fault, XEN_CPUID, PV_OUT("+a"(a), "+b"(*b), "+c"(*c), "+d"(d)), PV_IN());
    return !fault;
}

/* Switches XSAVE on; the components that it then saves, 0 if it can't be had. */
static uint64_t enable_xsave(void)
{
    uint64_t cr4 = 0;
    uint32_t lo = 0, hi = 0;
    pv_fault_t fault;

    PV_TRY_ASM(fault, "mov %%cr4, %[v]; or %[bit], %[v]; mov %[v], %%cr4", PV_OUT([v] "+r"(cr4)),
               PV_IN([bit] "r"(CR4_OSXSAVE)));
    if (fault)
        return 0;
    PV_TRY_ASM(fault, "xsetbv", PV_OUT(), PV_IN("a"(XSAVE_WANTED), "d"(0), "c"(0)));
    PV_TRY_ASM(fault, "xgetbv", PV_OUT("+a"(lo), "+d"(hi)), PV_IN("c"(0)));
    return fault ? 0 : lo & XSAVE_WANTED;
}

/* User code changes its FS and GS bases by arch_prctl only, so that the kernel knows them. */
static void forbid_wrfsbase(void)
{
    uint64_t cr4 = 0;
    pv_fault_t fault;

    PV_TRY_ASM(fault, "mov %%cr4, %[v]; and %[bits], %[v]; mov %[v], %%cr4",
               PV_OUT([v] "+r"(cr4)), PV_IN([bits] "r"(~CR4_FSGSBASE)));
    (void)fault;                /* a hypervisor that refuses has the bit off anyway */
}

void fpu_init(void)
{
    uint32_t b, c;

    forbid_wrfsbase();
    if (!cpuid(1, &b, &c) || !(c & LEAF1_XSAVE))
        return;
    features = enable_xsave();
    if (features && cpuid(0xd, &b, &c) && b >= sizeof(struct area))
        size = b;
    else
        features = 0;
}

unsigned int fpu_size(void)
{
    return size;
}

void fpu_reset(void *area)
{
    struct area *a = area;

    memset(a, 0, size);
    a->fcw = FCW_DEFAULT;
    a->mxcsr = MXCSR_DEFAULT;
}

void fpu_save(void *area)
{
    if (features)
        __asm__ volatile("xsave64 (%0)" : : "r"(area), "a"((uint32_t)features), "d"(0) : "memory");
    else
        __asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

void fpu_load(const void *area)
{
    if (features)
        __asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"((uint32_t)features), "d"(0) : "memory");
    else
        __asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

unsigned int fpu_user_size(void)
{
    return features ? size + (unsigned int)sizeof(uint32_t) : size;
}

int fpu_to_user(uint64_t dst, void *area)
{
    struct area *a = area;
    uint32_t end = FP_XSTATE_MAGIC2;

    if (!features)
        return copy_to_user(dst, area, size);
    a->magic1 = FP_XSTATE_MAGIC1;
    a->extended_size = fpu_user_size();
    a->features = features;
    a->size = size;
    return copy_to_user(dst, area, size) ?: copy_to_user(dst + size, &end, sizeof(end));
}

int fpu_from_user(void *area, uint64_t src)
{
    struct area *a = area;

    if (copy_from_user(area, src, size))
        return -EFAULT;
    /* Nothing may stand here that the load instruction faults on. */
    a->mxcsr &= MXCSR_MASK;
    if (features) {
        a->present &= features;
        a->compact = 0;
        memset(a->reserved, 0, sizeof(a->reserved));
    }
    return 0;
}
