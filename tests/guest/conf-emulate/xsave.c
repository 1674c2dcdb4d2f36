/* SPDX-License-Identifier: MIT */
/* Extended state: what CPUID, XCR0 and CR4 say of it agrees; and the TSC's switch. */
#include "../lib/case.h"
#include "../lib/cpuid.h"

#define GP0 PV_FAULT(PV_GP, 0)

#define CR4_TSD     (1UL << 2)
#define CR4_OSXSAVE (1UL << 18)
#define ECX_XSAVE   (1u << 26)
#define ECX_OSXSAVE (1u << 27)

#define X87_SSE 3UL

static pv_fault_t change_cr4(uint64_t clear, uint64_t set)
{
    uint64_t cr4 = 0;
    pv_fault_t f;

    PV_TRY_ASM(f, "mov %%cr4, %[v]", PV_OUT([v] "+r"(cr4)), PV_IN());
    cr4 = (cr4 & ~clear) | set;
    if (!f)
        PV_TRY_ASM(f, "mov %[v], %%cr4", PV_OUT(), PV_IN([v] "r"(cr4)));
    return f;
}

static pv_fault_t xsetbv(uint32_t index, uint64_t value)
{
    pv_fault_t f;

    PV_TRY_ASM(f, "xsetbv", PV_OUT(),
               PV_IN("c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))));
    return f;
}

static uint64_t xgetbv(void)
{
    uint32_t low = 0, high = 0;
    pv_fault_t f;

    PV_TRY_ASM(f, "xgetbv", PV_OUT("+a"(low), "+d"(high)), PV_IN("c"(0)));
    EXPECT_FAULT(f, PV_NO_FAULT);
    return (uint64_t)high << 32 | low;
}

static bool have_xsave(void)
{
    if (conf_cpuid(1, 0).ecx & ECX_XSAVE)
        return true;
    conf_skip("the processor has no XSAVE");
    return false;
}

static uint64_t offered(void)
{
    struct conf_cpuid r = conf_cpuid(0xd, 0);

    return (uint64_t)r.edx << 32 | r.eax;
}

CASE(xsetbv_effect, "xsetbv loads XCR0 with any sensible part of what CPUID offers, once "
     "CR4.OSXSAVE is set; CPUID's size follows",
     "emulate.xsetbv:effect")
{
    uint64_t all;

    if (!have_xsave())
        return;
    all = offered();
    EXPECT_EQ(all & X87_SSE, X87_SSE);
    EXPECT_FAULT(change_cr4(0, CR4_OSXSAVE), PV_NO_FAULT);
    EXPECT_FAULT(xsetbv(0, all), PV_NO_FAULT);
    EXPECT_EQ(xgetbv(), all);
    EXPECT_EQ(conf_cpuid(0xd, 0).ebx, conf_cpuid(0xd, 0).ecx);
    EXPECT_FAULT(xsetbv(0, 1), PV_NO_FAULT);
    EXPECT_EQ(xgetbv(), 1);
    EXPECT_FAULT(xsetbv(0, X87_SSE), PV_NO_FAULT);
    EXPECT_EQ(conf_cpuid(0xd, 0).ebx, 512 + 64);
}

PV_USER_TEXT static uint64_t user_xsetbv(uint64_t arg)
{
    __asm__ volatile("xsetbv" : : "c"(0), "a"(3), "d"(0));
    return arg;
}

CASE(xsetbv_refused, "XSA-54, XSA-220: what the processor would refuse is #GP and changes nothing: "
     "another register, no x87, AVX without SSE, bits that are not offered, such as those of BND "
     "and PKRU; in user mode always",
     "emulate.xsetbv:refused")
{
    struct pv_user_exit exit;

    if (!have_xsave())
        return;
    EXPECT_FAULT(change_cr4(0, CR4_OSXSAVE), PV_NO_FAULT);
    EXPECT_FAULT(xsetbv(0, X87_SSE), PV_NO_FAULT);
    EXPECT_FAULT(xsetbv(1, X87_SSE), GP0);
    EXPECT_FAULT(xsetbv(0, 0), GP0);
    EXPECT_FAULT(xsetbv(0, 2), GP0);
    EXPECT_FAULT(xsetbv(0, 5), GP0);
    EXPECT_EQ(offered() & (1UL << 3 | 1UL << 4 | 1UL << 9), 0);
    for (unsigned int bit = 0; bit < 64; bit++) {
        if (!(offered() >> bit & 1))
            EXPECT_FAULT(xsetbv(0, X87_SSE | 1UL << bit), GP0);
    }
    EXPECT_EQ(pv_user_call(PV_USER_PTR(user_xsetbv), 0, &exit), 0);
    EXPECT_FAULT(exit.fault, GP0);
    EXPECT_EQ(xgetbv(), X87_SSE);
}

PV_USER_TEXT static uint64_t user_leaf1(uint64_t arg)
{
    uint32_t eax = 1, ecx = 0;

    (void)arg;
    __asm__ volatile("cpuid" : "+a"(eax), "+c"(ecx) : : "rbx", "rdx");
    return ecx;
}

PV_USER_TEXT static uint64_t user_xgetbv(uint64_t arg)
{
    uint32_t low, high;

    (void)arg;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

CASE(xsave_consistent, "a user program that sees OSXSAVE in the bare CPUID can read XCR0, and what "
     "is set there is what the kernel chose, of what the prefix shows",
     "cpuid.policy:xsave")
{
    struct pv_user_exit exit;
    bool shown;

    if (!have_xsave())
        return;
    EXPECT_FAULT(change_cr4(0, CR4_OSXSAVE), PV_NO_FAULT);
    EXPECT_EQ(conf_cpuid(1, 0).ecx & ECX_OSXSAVE, ECX_OSXSAVE);
    EXPECT_FAULT(xsetbv(0, offered()), PV_NO_FAULT);
    EXPECT_EQ(pv_user_call(PV_USER_PTR(user_leaf1), 0, &exit), 0);
    shown = exit.regs.rdi & ECX_OSXSAVE;
    EXPECT_TRUE(shown);
    EXPECT_EQ(pv_user_call(PV_USER_PTR(user_xgetbv), 0, &exit), 0);
    EXPECT_TRUE(exit.returned);
    EXPECT_EQ(exit.regs.rdi, (uint32_t)offered());
    /* No protection keys: their register is one that nobody switches. */
    EXPECT_EQ(offered() >> 9 & 1, 0);
    EXPECT_EQ(conf_cpuid(7, 0).ecx & (3u << 3), 0);
    EXPECT_EQ(conf_cpuid_native(7, 0).ecx >> 4 & 1, 0);
    EXPECT_FAULT(xsetbv(0, X87_SSE), PV_NO_FAULT);
}

static uint64_t high_half(void)
{
    uint64_t value;

    __asm__ volatile("vextractf128 $1, %%ymm3, %%xmm4; movq %%xmm4, %0" : "=r"(value));
    return value;
}

CASE(xsave_kept, "XSA-62: the upper halves of AVX registers are kept while the vCPU sleeps, also "
     "while XCR0 leaves them out",
     "fpu.state:kept")
{
    static uint64_t pattern[4] __attribute__((aligned(32))) = { 1, 2, 0xfeedfaceUL, 4 };

    if (!have_xsave())
        return;
    if (!(offered() & 4)) {
        conf_skip("the processor has no AVX");
        return;
    }
    EXPECT_FAULT(change_cr4(0, CR4_OSXSAVE), PV_NO_FAULT);
    EXPECT_FAULT(xsetbv(0, offered()), PV_NO_FAULT);
    __asm__ volatile("vmovdqa %0, %%ymm3" : : "m"(pattern));
    pv_sleep_ns(2 * PV_NS_PER_MS);
    EXPECT_EQ(high_half(), pattern[2]);
    EXPECT_FAULT(xsetbv(0, X87_SSE), PV_NO_FAULT);
    pv_sleep_ns(2 * PV_NS_PER_MS);
    EXPECT_FAULT(xsetbv(0, offered()), PV_NO_FAULT);
    EXPECT_EQ(high_half(), pattern[2]);
    __asm__ volatile("vzeroall");
    EXPECT_FAULT(xsetbv(0, X87_SSE), PV_NO_FAULT);
}

/* ---- The time-stamp counter ---- */

PV_USER_TEXT static uint64_t user_rdtsc(uint64_t arg)
{
    __asm__ volatile("rdtsc" : : : "rax", "rdx");
    return arg;
}

CASE(tsc_disabled, "with CR4.TSD rdtsc is #GP in user mode and works in the kernel",
     "emulate.rdtsc:disabled")
{
    struct pv_user_exit exit;
    uint32_t low = 0, high = 0;
    pv_fault_t f;

    EXPECT_EQ(pv_user_call(PV_USER_PTR(user_rdtsc), 0, &exit), 0);
    EXPECT_TRUE(exit.returned);
    EXPECT_FAULT(change_cr4(0, CR4_TSD), PV_NO_FAULT);
    PV_TRY_ASM(f, "rdtsc", PV_OUT("+a"(low), "+d"(high)), PV_IN());
    EXPECT_FAULT(f, PV_NO_FAULT);
    EXPECT_TRUE(low | high);
    EXPECT_EQ(pv_user_call(PV_USER_PTR(user_rdtsc), 0, &exit), 0);
    EXPECT_FAULT(exit.fault, GP0);
    EXPECT_FAULT(change_cr4(CR4_TSD, 0), PV_NO_FAULT);
    EXPECT_EQ(pv_user_call(PV_USER_PTR(user_rdtsc), 0, &exit), 0);
    EXPECT_TRUE(exit.returned);
}
