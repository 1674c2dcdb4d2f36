/* SPDX-License-Identifier: MIT */
/* What a guest may have in descriptors, debug registers and XCR0. Pure: host-tested. */
#ifndef X86_RULES_H
#define X86_RULES_H

#include "lib/types.h"

#define XCR0_X87    BIT(0)
#define XCR0_SSE    BIT(1)
#define XCR0_AVX    BIT(2)
#define XCR0_AVX512 (7ul << 5)
/* What works in ring 3 without help of ours; PKRU would need CR4.PKE, MPX is gone. */
#define XCR0_KNOWN  (XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_AVX512)

/* Whether XSETBV may load @xcr0 where the bits of @mask exist; what it refuses is #GP. */
bool xcr0_ok(u64 xcr0, u64 mask);

/* As they are after reset, and their bits that always read as 1. */
#define DR6_ONES    0xffff0ff0ul
#define DR7_ONE     0x00000400ul

/*
 * Debug register @reg (0-3, 6, 7) may get *@value, whose reserved bits are set as they must be: 0
 * or -EPERM. @de: the guest's CR4.DE.
 */
int debugreg_check(unsigned int reg, bool de, u64 *value);
/* The enables of those breakpoints of @dr7 that watch I/O ports. */
u64 debugreg_io_enables(u64 dr7);
/*
 * Which of the breakpoints in @dr (0 to 3 addresses, 7 the control) an access of @size ports from
 * @port on hits: bits 0 to 3, as DR6 shows them.
 */
u64 debugreg_io_hits(const u64 dr[8], u16 port, unsigned int size);

#endif
