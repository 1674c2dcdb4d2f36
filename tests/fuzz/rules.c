/* SPDX-License-Identifier: MIT */
/*
 * What a guest may have in descriptors, debug registers, XCR0, and as an address
 * (hypervisor/x86/rules.c, guest_range_ok()): whatever is accepted is checked against what it must
 * never be.
 */
#include "fuzz.h"
#include "x86/rules.h"
#include "x86/x86.h"

enum { DESCRIPTOR_OK, DESCRIPTOR_BAD, DEBUGREG_OK, DEBUGREG_BAD, XCR0_OK, RANGE_OK, RANGE_BAD };
FUZZ_GOALS(GOAL("descriptor accepted"), GOAL("descriptor refused"), GOAL("debug register accepted"),
           GOAL("debug register refused"), GOAL("XCR0 accepted"), GOAL("range accepted"),
           GOAL("range refused"))

static void fuzz_descriptor(struct fuzz_input *in)
{
    uint64_t desc = fuzz_take(in, 8), given = desc, again;
    bool present, system;
    unsigned int type, dpl;

    if (!descriptor_ok(&desc)) {
        REACHED(DESCRIPTOR_BAD);
        return;
    }
    REACHED(DESCRIPTOR_OK);
    present = desc >> 47 & 1;
    system = !(desc >> 44 & 1);
    type = desc >> 40 & 15;
    dpl = desc >> 45 & 3;
    /* Only privilege levels may have been changed; and what was put right stays so. */
    FUZZ_CHECK(((desc ^ given) & ~(3ull << 45 | (type == 12 ? 3ull << 16 : 0))) == 0);
    again = desc;
    FUZZ_CHECK(descriptor_ok(&again) && again == desc);
    if (!present)
        return;
    FUZZ_CHECK(system || dpl == 3);
    /* No task gate, LDT, TSS, interrupt or trap gate; no call gate that ring 3 may call. */
    FUZZ_CHECK(!system || type == 0 || (type == 12 && dpl == 0));
}

/* The hypervisor's addresses, and those that do not exist. */
static bool is_guest_address(uint64_t va)
{
    return va < 0x0000800000000000ull || va >= 0xffff880000000000ull;
}

static void fuzz_debugreg(struct fuzz_input *in)
{
    static const unsigned int regs[] = { 0, 1, 2, 3, 6, 7 };
    unsigned int reg = regs[fuzz_below(in, 6)];
    bool de = fuzz_take(in, 1) & 1;
    uint64_t value = fuzz_take(in, 8), given = value;

    if (debugreg_check(reg, de, &value)) {
        REACHED(DEBUGREG_BAD);
        return;
    }
    REACHED(DEBUGREG_OK);
    if (reg < 4) {
        FUZZ_CHECK(value == given);
        /* XSA-444: all the bytes that it could watch. */
        for (uint64_t i = 0; i < 8; i++)
            FUZZ_CHECK(is_guest_address((value & ~7ull) + i));
    } else if (reg == 6) {
        FUZZ_CHECK((value & 0xffff0ff0ull) == 0xffff0ff0ull && !(value & 0xffffffff00001000ull));
    } else {
        FUZZ_CHECK(!(given >> 13 & 1));
        FUZZ_CHECK((value & 0x400) && !(value & 0xffffffff0000f800ull));
        for (unsigned int i = 0; i < 4; i++)
            FUZZ_CHECK(de || (value >> (16 + 4 * i) & 3) != 2 || !(value >> 2 * i & 3));
    }
}

static void fuzz_xcr0(struct fuzz_input *in)
{
    uint64_t mask = fuzz_take(in, 2) & XCR0_KNOWN, value = fuzz_take(in, 2);

    if (fuzz_take(in, 1) % 64 == 0)
        value |= 1ull << fuzz_below(in, 64);
    if (!xcr0_ok(value, mask))
        return;
    REACHED(XCR0_OK);
    /* What the manuals say that XSETBV refuses. */
    FUZZ_CHECK((value & 1) && !(value & ~mask));
    FUZZ_CHECK(!(value & 4) || (value & 2));
    FUZZ_CHECK(!(value & 0xe0) || ((value & 0xe0) == 0xe0 && (value & 4)));
}

static void fuzz_range(struct fuzz_input *in)
{
    static const uint64_t borders[] = {
        0, 0x0000800000000000, 0xffff800000000000, 0xffff880000000000,
    };
    uint64_t va = fuzz_take(in, 8), len = fuzz_take(in, 8) >> fuzz_below(in, 64);

    if (fuzz_take(in, 1) & 1)
        va = borders[va % 4] + (uint64_t)(int16_t)(va >> 8);
    if (!guest_range_ok(va, len)) {
        REACHED(RANGE_BAD);
        return;
    }
    REACHED(RANGE_OK);
    if (len == 0)
        return;
    /* None of its bytes is in the hole between the guest's two parts; it may wrap at the top. */
    FUZZ_CHECK(is_guest_address(va) && is_guest_address(va + len - 1));
    FUZZ_CHECK(len <= 0ull - (0xffff880000000000ull - 0x0000800000000000ull));
    FUZZ_CHECK(va >= 0x0000800000000000ull || va + len - 1 < 0x0000800000000000ull);
    FUZZ_CHECK(va >= 0x0000800000000000ull || va + len - 1 >= va);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };

    fuzz_descriptor(&in);
    fuzz_debugreg(&in);
    fuzz_xcr0(&in);
    fuzz_range(&in);
    return 0;
}
