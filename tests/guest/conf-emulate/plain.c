/* SPDX-License-Identifier: MIT */
/*
 * Instructions that the processor carries out or refuses in ring 3 by itself: what a guest sees of
 * the machine by them, and that the hypervisor neither emulates nor hides anything.
 */
#include "../lib/case.h"

#define GP0 PV_FAULT(PV_GP, 0)
#define UD  PV_FAULT(PV_UD, 0)

/* The GDT of the hypervisor ends with its own pages, 14 to 16 less one; the IDT has 256 gates. */
#define GDT_LIMIT 0xefff
#define IDT_LIMIT 0xfff
#define TSS_SELECTOR 0xe040

#define CR0_SHOWN 0x80050033

#define FAULT_OF(insn)                                                                     \
    ({                                                                                     \
        pv_fault_t f_;                                                                     \
        uint64_t a_ = 0;                                                                   \
        PV_TRY_ASM(f_, insn, PV_OUT("+a"(a_)), PV_IN("c"(0UL), "d"(0UL), "S"(scratch)));   \
        f_;                                                                                \
    })

static char scratch[64] __attribute__((aligned(64)));

PV_USER_TEXT static uint64_t user_tables(uint64_t memory)
{
    uint64_t str, sldt, smsw;

    __asm__ volatile("sgdt (%[m]); sidt 16(%[m]); sldt %k[l]; str %k[t]; smsw %[c]"
                     : [l] "=&r"(sldt), [t] "=&r"(str), [c] "=&r"(smsw)
                     : [m] "r"(memory)
                     : "memory");
    return smsw << 32 | sldt << 16 | str;
}

CASE(plain_tables, "sgdt, sidt, sldt, str and smsw work in kernel and user mode, as CPUID shows no "
     "UMIP: they tell the limits, the selectors and CR0 of the machine",
     "plain.tables:effect")
{
    uint64_t all = (uint64_t)(uint32_t)CR0_SHOWN << 32 | TSS_SELECTOR;
    uint16_t *limits = (uint16_t *)(pv_user_stack(0) - PV_PAGE_SIZE);
    struct pv_user_exit exit;
    uint64_t seen = 0;

    EXPECT_EQ(pv_user_init(), 0);
    EXPECT_FAULT(FAULT_OF("sgdt (%%rsi); sidt 16(%%rsi)"), PV_NO_FAULT);
    EXPECT_EQ(*(uint16_t *)scratch, GDT_LIMIT);
    EXPECT_EQ(*(uint16_t *)(scratch + 16), IDT_LIMIT);
    __asm__ volatile("str %k0; shl $32, %0; sldt %k0" : "+r"(seen));
    EXPECT_EQ(seen, 0);
    EXPECT_EQ(pv_user_call(PV_USER_PTR(user_tables), (uint64_t)limits, &exit), 0);
    EXPECT_TRUE(exit.returned);
    EXPECT_EQ(exit.regs.rdi, all);
    EXPECT_EQ(limits[0], GDT_LIMIT);
    EXPECT_EQ(limits[8], IDT_LIMIT);
}

CASE(plain_undefined, "what a PV guest has not is #UD: monitor and mwait, SMAP's and PKU's, "
     "invpcid, calls of other hypervisors, rsm, getsec, registers that are none, a bad lock; "
     "rdpmc and a load of LDTR are #GP(0)",
     "plain.undefined:UD plain.undefined:GP")
{
    EXPECT_FAULT(FAULT_OF("mov %%rsi, %%rax; monitor"), UD);
    EXPECT_FAULT(FAULT_OF("mwait"), UD);
    EXPECT_FAULT(FAULT_OF("clac"), UD);
    EXPECT_FAULT(FAULT_OF("stac"), UD);
    EXPECT_FAULT(FAULT_OF(".byte 0x0f, 0x01, 0xee # rdpkru"), UD);
    EXPECT_FAULT(FAULT_OF(".byte 0x0f, 0x01, 0xef # wrpkru"), UD);
    EXPECT_FAULT(FAULT_OF("invpcid (%%rsi), %%rax"), UD);
    EXPECT_FAULT(FAULT_OF("vmcall"), UD);
    EXPECT_FAULT(FAULT_OF("vmmcall"), UD);
    EXPECT_FAULT(FAULT_OF("rsm"), UD);
    EXPECT_FAULT(FAULT_OF("getsec"), UD);
    EXPECT_FAULT(FAULT_OF(".byte 0x0f, 0x20, 0xc8 # mov cr1"), UD);
    EXPECT_FAULT(FAULT_OF(".byte 0x44, 0x0f, 0x20, 0xf8 # mov cr15"), UD);
    EXPECT_FAULT(FAULT_OF(".byte 0x44, 0x0f, 0x21, 0xc0 # mov dr8"), UD);
    EXPECT_FAULT(FAULT_OF(".byte 0xf0, 0x90 # lock nop"), UD);
    EXPECT_FAULT(FAULT_OF(".byte 0xf0, 0xfa # lock cli"), UD);
    EXPECT_FAULT(FAULT_OF(".byte 0x0f, 0xff, 0xc0 # ud0"), UD);
    EXPECT_FAULT(FAULT_OF(".byte 0x0f, 0xb9, 0xc0 # ud1"), UD);
    EXPECT_FAULT(FAULT_OF("rdpmc"), GP0);
    EXPECT_FAULT(FAULT_OF("lldt %%ax"), GP0);
    EXPECT_FAULT(FAULT_OF(".byte 0x44, 0x0f, 0x20, 0xc0 # mov cr8"), GP0);
    EXPECT_FAULT(FAULT_OF(".byte 0xf3, 0xfa # rep cli"), GP0);
}

/* int n is written as bytes: the assembler would make another instruction of int 3. */
CASE(plain_interrupts, "int n of a vector that the kernel may not raise is #GP with its number, "
     "also of exceptions; int 3, int 4 and icebp are #BP, #OF and #DB",
     "plain.interrupts:GP plain.interrupts:effect")
{
    if (conf_no_software_interrupts())
        return;
    EXPECT_FAULT(FAULT_OF(".byte 0xcd, 0x01"), PV_FAULT(PV_GP, 0x01 << 3 | 2));
    EXPECT_FAULT(FAULT_OF(".byte 0xcd, 0x02"), PV_FAULT(PV_GP, 0x02 << 3 | 2));
    EXPECT_FAULT(FAULT_OF(".byte 0xcd, 0x08"), PV_FAULT(PV_GP, 0x08 << 3 | 2));
    EXPECT_FAULT(FAULT_OF(".byte 0xcd, 0x0e"), PV_FAULT(PV_GP, 0x0e << 3 | 2));
    EXPECT_FAULT(FAULT_OF(".byte 0xcd, 0x20"), PV_FAULT(PV_GP, 0x20 << 3 | 2));
    EXPECT_FAULT(FAULT_OF(".byte 0xcd, 0x82"), PV_FAULT(PV_GP, 0x82 << 3 | 2));
    EXPECT_FAULT(FAULT_OF(".byte 0xcd, 0xff"), PV_FAULT(PV_GP, 0xff << 3 | 2));
    EXPECT_FAULT(FAULT_OF(".byte 0xcd, 0x03"), PV_FAULT(PV_BP, 0));
    EXPECT_FAULT(FAULT_OF(".byte 0xcc"), PV_FAULT(PV_BP, 0));
    EXPECT_FAULT(FAULT_OF(".byte 0xcd, 0x04"), PV_FAULT(PV_OF, 0));
    EXPECT_FAULT(FAULT_OF(".byte 0xf1"), PV_FAULT(PV_DB, 0));
}

/* What lar, lsl, verr and verw say of a selector: a bit each. */
static unsigned int looks(uint64_t selector)
{
    uint64_t sink = 0;
    uint8_t lar, lsl, verr, verw;

    __asm__ volatile("lar %[s], %[o]; setz %[a]; lsl %[s], %[o]; setz %[b];"
                     "verr %w[s]; setz %[c]; verw %w[s]; setz %[d]"
                     : [o] "+&r"(sink), [a] "=&q"(lar), [b] "=&q"(lsl), [c] "=&q"(verr),
                       [d] "=&q"(verw)
                     : [s] "r"(selector));
    return lar | lsl << 1 | verr << 2 | verw << 3;
}

CASE(plain_selectors, "of the hypervisor's descriptors lar, lsl, verr and verw show the three flat "
     "ones, and nothing of the rest; nor can a data register load another",
     "plain.selectors:refused security.hypervisor_selectors:refused")
{
    for (uint64_t s = 3; s < 0x10000; s += 8) {
        unsigned int expected = s == FLAT_RING3_SS32 ? 15
                                : s == FLAT_RING3_CS32 || s == FLAT_RING3_CS64 ? 7 : 0;
        pv_fault_t f;

        if (looks(s) != expected)
            EXPECT_ROW(looks(s), expected, "lar, lsl, verr, verw");
        if (s >> 3 == 0 || (s > 0x10 && s < 0xdff0))
            continue;
        PV_TRY_ASM(f, "mov %[s], %%es", PV_OUT(), PV_IN([s] "r"(s)));
        if (expected)
            EXPECT_FAULT(f, PV_NO_FAULT);
        else if (s < 0xf000)
            EXPECT_FAULT(f, PV_FAULT(PV_GP, s & ~7UL));
        __asm__ volatile("mov %0, %%es" : : "r"(0));
    }
    EXPECT_EQ(looks(0), 0);
}

/* These flags and no others can be changed: CF PF AF ZF SF DF OF, NT AC ID. */
#define POPF_FREE 0x244cd5UL

CASE(plain_popf, "popf changes arithmetic flags, DF, NT, AC and ID; IF stays set, IOPL 0, and VM, "
     "RF and the virtual interrupt flags clear, without a fault",
     "plain.popf:effect")
{
    uint64_t seen;

    for (unsigned int bit = 0; bit < 22; bit++) {
        if (bit == 8)
            continue;
        __asm__ volatile("pushfq; pushq %[v]; popfq; pushfq; popq %[o]; popfq"
                         : [o] "=&r"(seen)
                         : [v] "r"(1UL << bit)
                         : "memory", "cc");
        EXPECT_EQ(seen, 0x202 | (POPF_FREE & 1UL << bit));
    }
}
