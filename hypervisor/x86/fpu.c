/* SPDX-License-Identifier: MIT */
/*
 * The guests' FPU, SSE and AVX state. The hypervisor itself never uses these registers.
 *
 * - Eager: saved whenever a vCPU leaves a CPU and restored whenever one comes, so that nothing of
 *   another vCPU is ever there to be seen, whatever the CPU speculates.
 * - All state that a guest could have enabled is switched, not only what its XCR0 says just now: a
 *   guest may load a register and then clear its bit. So XCR0 is set to everything for the switch.
 * - A restore can't fault: an area holds what the CPU itself stored, or what fpu_set_state() made.
 * - Real CR4.OSXSAVE is always set where there is XSAVE, so that is what every program sees in
 *   CPUID; a vCPU starts with x87 and SSE in XCR0, which is what FXSAVE covers.
 */
#include "domain/domain.h"
#include "lib/string.h"
#include "x86/platform.h"
#include "x86/rules.h"

#define FCW_RESET       0x037f
#define MXCSR_RESET     0x1f80
#define MXCSR_MASK_OLD  0xffbfu     /* where FXSAVE reports no mask */
#define FSW_ES          BIT(7)      /* an unmasked exception is pending */
#define LEGACY_SIZE     512
#define HEADER_SIZE     64
#define AREA_ALIGN      64

/* The part of the FXSAVE layout that we touch. */
struct fxsave {
    u16 fcw, fsw;
    u8 ftw, pad;
    u16 fop;
    u64 fip, fdp;
    u32 mxcsr, mxcsr_mask;
    u8 regs[128];                   /* x87 */
    u8 xmm[LEGACY_SIZE - 160];
    u64 xstate_bv, xcomp_bv;        /* the XSAVE header; only if there is XSAVE */
};
BUILD_ASSERT(offsetof(struct fxsave, xstate_bv) == LEGACY_SIZE);

/* Set once by CPU 0, the same for all: guests may come to any CPU. */
static u64 xcr0_mask;               /* 0: FXSAVE only */
static size_t area_size = LEGACY_SIZE;
static u32 mxcsr_mask;
static DEFINE_PER_CPU(u64, xcr0);   /* the real one: XSETBV is slow, and most guests agree */

u64 fpu_xcr0_mask(void)
{
    return xcr0_mask;
}

size_t fpu_area_size(void)
{
    return area_size;
}

/* By way of the CPU's own copy, which is always what the register holds. */
static void xcr0_write(u64 value)
{
    if (this_cpu(xcr0) != value) {
        this_cpu(xcr0) = value;
        xsetbv(0, value);
    }
}

/* The end of the last component of @mask in the standard layout. */
static size_t area_size_of(u64 mask)
{
    size_t size = LEGACY_SIZE + HEADER_SIZE;

    for (u32 i = 2; i < 63; i++) {
        if (mask >> i & 1) {
            struct cpuid_regs r = cpuid(0xd, i);

            size = max(size, (size_t)r.a + r.b);
        }
    }
    return size;
}

/* Bits of MXCSR that exist here: FXSAVE says, on all but the oldest. */
static void find_mxcsr_mask(void)
{
    static struct fxsave probe __aligned(64);

    __asm__ volatile("fxsave64 %0" : "=m"(probe));
    mxcsr_mask = probe.mxcsr_mask ? probe.mxcsr_mask : MXCSR_MASK_OLD;
}

/*
 * CPU 0 also finds out what there is to switch. AVX-512 is three components that only work
 * together: all or none.
 */
void fpu_init(void)
{
    __asm__ volatile("clts; fninit");
    if (this_cpu_id() == 0) {
        find_mxcsr_mask();
        if (cpu_has.xsave) {
            struct cpuid_regs r = cpuid(0xd, 0);

            xcr0_mask = ((u64)r.d << 32 | r.a) & XCR0_KNOWN;
            if ((xcr0_mask & XCR0_AVX512) != XCR0_AVX512)
                xcr0_mask &= ~XCR0_AVX512;
            area_size = area_size_of(xcr0_mask);
        }
    }
    if (xcr0_mask)
        xcr0_write(xcr0_mask);
}

bool fpu_xcr0_ok(u64 xcr0)
{
    return xcr0_ok(xcr0, xcr0_mask);
}

static unsigned int area_order(void)
{
    unsigned int order = 0;

    while (((size_t)PAGE_SIZE << order) < area_size)
        order++;
    return order;
}

/* Behind the vCPU's record, in the same pages, where there is room: NULL if there is not. */
static void *area_beside(struct vcpu *v)
{
    size_t at = ALIGN_UP(sizeof(*v), (size_t)AREA_ALIGN);

    return at + area_size <= PAGE_SIZE << VCPU_ORDER ? (char *)v + at : NULL;
}

int fpu_vcpu_init(struct vcpu *v)
{
    v->cpu.fpu = area_beside(v);
    if (!v->cpu.fpu)
        v->cpu.fpu = alloc_hv_pages(area_order());
    if (!v->cpu.fpu)
        return -ENOMEM;
    fpu_set_state(v, NULL);
    return 0;
}

void fpu_vcpu_free(struct vcpu *v)
{
    if (v->cpu.fpu && v->cpu.fpu != area_beside(v))
        free_hv_pages(v->cpu.fpu, area_order());
    v->cpu.fpu = NULL;
}

/*
 * All of the area is written: what is not given is zero, the state after reset, and nothing of
 * whoever had the memory before (XSA-62). The header is ours, never the guest's.
 */
void fpu_set_state(struct vcpu *v, const void *fxsave)
{
    struct fxsave *f = v->cpu.fpu;

    memset(f, 0, area_size);
    if (fxsave) {
        memcpy(f, fxsave, LEGACY_SIZE);
        f->mxcsr &= mxcsr_mask;     /* another bit would make the restore fault (XSA-53) */
    } else {
        f->fcw = FCW_RESET;
        f->mxcsr = MXCSR_RESET;
    }
    if (xcr0_mask)
        f->xstate_bv = XCR0_X87 | XCR0_SSE;
    v->cpu.xcr0 = xcr0_mask ? XCR0_X87 | XCR0_SSE : 0;
}

/* Parts in their state after reset are not saved, and then the area says so instead. */
void fpu_get_state(const struct vcpu *v, void *fxsave)
{
    const struct fxsave *area = v->cpu.fpu;
    struct fxsave *f = fxsave;

    memcpy(f, area, LEGACY_SIZE);
    if (!xcr0_mask)
        return;
    if (!(area->xstate_bv & XCR0_X87)) {
        memset(f, 0, offsetof(struct fxsave, mxcsr));
        memset(f->regs, 0, sizeof(f->regs));
        f->fcw = FCW_RESET;
    }
    if (!(area->xstate_bv & XCR0_SSE))
        memset(f->xmm, 0, sizeof(f->xmm));
}

/* TS is cleared first: with it set our own XSAVE would be #NM. */
void fpu_save(struct vcpu *v)
{
    u32 lo = (u32)xcr0_mask, hi = (u32)(xcr0_mask >> 32);
    u8 *area = v->cpu.fpu;

    if (v->cpu.ts)
        __asm__ volatile("clts");
    if (!xcr0_mask) {
        __asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
        return;
    }
    xcr0_write(xcr0_mask);
    if (cpu_has.xsaveopt)
        __asm__ volatile("xsaveopt64 (%0)" : : "r"(area), "a"(lo), "d"(hi) : "memory");
    else
        __asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(lo), "d"(hi) : "memory");
}

/*
 * AMD's CPUs restore the addresses of the last x87 instruction only with a pending exception; else
 * those of the guest before would stay and could be read (XSA-52, 172). A load of a constant of
 * ours overwrites them; it needs a free register and no exception waiting.
 */
static void forget_x87_pointers(const struct fxsave *f)
{
    static const u32 constant = 1;

    if (cpu_has.amd && !(f->fsw & FSW_ES))
        __asm__ volatile("fnclex; ffree %%st(7); fildl %0" : : "m"(constant));
}

/*
 * XRSTOR takes all components: those that the area does not have come to their state after reset,
 * so nothing of the vCPU before is left. XCR0 becomes the guest's own afterwards, and TS last.
 */
void fpu_load(struct vcpu *v)
{
    u32 lo = (u32)xcr0_mask, hi = (u32)(xcr0_mask >> 32);
    u8 *area = v->cpu.fpu;

    __asm__ volatile("clts");
    forget_x87_pointers(v->cpu.fpu);
    if (!xcr0_mask) {
        __asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
    } else {
        xcr0_write(xcr0_mask);
        __asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(lo), "d"(hi) : "memory");
        xcr0_write(v->cpu.xcr0);
    }
    if (v->cpu.ts)
        write_cr0(read_cr0() | CR0_TS);
}

void guest_xcr0_set(struct vcpu *v, u64 xcr0)
{
    v->cpu.xcr0 = xcr0;
    xcr0_write(xcr0);
}

void guest_set_ts(struct vcpu *v, bool on)
{
    v->cpu.ts = on;
    if (on)
        write_cr0(read_cr0() | CR0_TS);
    else
        __asm__ volatile("clts");
}
