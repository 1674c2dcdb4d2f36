/* SPDX-License-Identifier: MIT */
/*
 * Checks of what a guest asks the processor to hold for it. Pure: no state, no memory,
 * host-tested.
 */
#include "x86/rules.h"
#include "x86/x86.h"

/* ---- Descriptors ---- */

#define DESC_PRESENT    BIT(47)
#define DESC_DPL        (3ul << 45)
#define DESC_S          BIT(44)     /* code or data, not a system descriptor */
#define DESC_TYPE(d)    ((d) >> 40 & 15)
#define TYPE_CALL_GATE  12
#define GATE_SELECTOR(d) ((u16)((d) >> 16))
#define GATE_RPL        (3ul << 16)
#define GATE_COUNT      (0xfful << 32)  /* of parameters, which long mode has not: reserved */

u16 fixup_selector(u16 sel)
{
    return sel | 3;
}

/* In the LDT, the guest's part of the GDT, or the one that the ABI gives it. */
static bool gate_selector_ok(u16 sel)
{
    return (sel & 4) || sel >> 3 < FIRST_RESERVED_GDT_ENTRY || sel == FLAT_KERNEL_CS;
}

/*
 * Ring 3 is all that a guest has, so a segment for a lower ring would only be one more way to
 * err: its DPL is raised, unless it names no ring at all (not present). A call gate to code that
 * a guest may have keeps its place in the table but gets DPL 0, which ring 3 can't call; its
 * selector gets the DPL that any other would have. Other system descriptors would mean something to
 * the CPU: type 0 is reserved and harmless.
 */
bool descriptor_ok(u64 *desc)
{
    u64 d = *desc;

    if (!(d & DESC_PRESENT))
        return true;
    if (d & DESC_S) {
        *desc = d | DESC_DPL;
        return true;
    }
    if (DESC_TYPE(d) == TYPE_CALL_GATE) {
        if ((d & GATE_COUNT) || !gate_selector_ok(GATE_SELECTOR(d)))
            return false;
        *desc = (d & ~DESC_DPL) | GATE_RPL;
        return true;
    }
    return DESC_TYPE(d) == 0;
}

/* ---- Debug registers ---- */

/*
 * A guest never gets:
 * - a breakpoint in the hypervisor's range: #DB in our own code, at an address that it chose. A
 *   breakpoint watches bytes of one aligned group of eight, so that is what is checked
 *   (XSA-444); the vendor's address masks stay zero, since no guest can write them;
 * - general detect (GD), which would make our own accesses fault;
 * - reserved bits other than as the manuals want them: the real MOV would fault (XSA-12).
 */
#define DR6_KEEP    0x0000e00ful    /* B0-B3, BD, BS, BT */
#define DR7_KEEP    0xffff03fful
#define DR7_GD      BIT(13)
#define RW_IO       2               /* the low two of the four bits of a breakpoint's condition */

u64 debugreg_io_enables(u64 dr7)
{
    u64 mask = 0;

    for (unsigned int i = 0; i < 4; i++) {
        if ((dr7 >> (16 + 4 * i) & 3) == RW_IO)
            mask |= 3ul << (2 * i);
    }
    return dr7 & mask;
}

u64 debugreg_io_hits(const u64 dr[8], u16 port, unsigned int size)
{
    u64 enabled = debugreg_io_enables(dr[7]), hits = 0;

    for (unsigned int i = 0; enabled && i < 4; i++) {
        /* One less than the number of ports, which lie at a multiple of it. */
        u64 length = dr[7] >> (18 + 4 * i) & 3, first = dr[i] & ~length;

        if ((enabled >> (2 * i) & 3) && first < (u64)port + size && port <= first + length)
            hits |= BIT(i);
    }
    return hits;
}

/*
 * 6: which conditions were met. 7: which are looked for. 0 to 3: addresses, all of the guest's
 * range.
 */
int debugreg_check(unsigned int reg, bool de, u64 *value)
{
    switch (reg) {
    case 6:
        if (*value >> 32)
            return -EINVAL;
        *value = (*value & DR6_KEEP) | DR6_ONES;
        return 0;
    case 7:
        if (*value >> 32)
            return -EINVAL;
        if (*value & DR7_GD)
            return -EPERM;
        *value = (*value & DR7_KEEP) | DR7_ONE;
        /* Without DE the condition "I/O" means nothing that is defined. */
        return debugreg_io_enables(*value) && !de ? -EPERM : 0;
    default:
        return guest_range_ok(*value & ~7ul, 8) ? 0 : -EPERM;
    }
}

/* ---- XCR0 ---- */

/* The architecture's own rules: x87 always, AVX on top of SSE, AVX-512 whole and on top of AVX. */
bool xcr0_ok(u64 xcr0, u64 mask)
{
    u64 avx512 = xcr0 & XCR0_AVX512;

    if ((xcr0 & ~mask) || !(xcr0 & XCR0_X87))
        return false;
    if ((xcr0 & XCR0_AVX) && !(xcr0 & XCR0_SSE))
        return false;
    return !avx512 || (avx512 == XCR0_AVX512 && (xcr0 & XCR0_AVX));
}
