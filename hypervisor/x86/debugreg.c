/* SPDX-License-Identifier: MIT */
/*
 * A guest's debug registers.
 *
 * v->cpu.debugreg is the truth at all times; the real registers are written only while a vCPU runs that
 * has a breakpoint enabled, and DR7 is cleared when it leaves. A guest never gets:
 * - a breakpoint in the hypervisor's range: #DB in our own code, at an address that it chose. A
 *   breakpoint watches up to 8 bytes from its address rounded down, and lengths only extend within such
 *   a group, so checking the address is enough; the vendor's address masks stay zero;
 * - general detect (GD), which would make our own accesses fault;
 * - reserved bits other than as the manuals want them: the real MOV would fault.
 */
#include "domain/domain.h"
#include "x86/platform.h"

#define DR6_ONES    0xffff0ff0ul
#define DR6_KEEP    0x0000e00ful    /* B0-B3, BD, BS, BT */
#define DR7_ONE     0x00000400ul
#define DR7_KEEP    0xffff03fful
#define DR7_GD      BIT(13)
#define DR7_ENABLES 0xfful          /* two bits a breakpoint */
#define RW_IO       2               /* in the four bits of a breakpoint's condition, the low two */

/* The enables of those breakpoints of @dr7 that watch I/O ports. */
static u64 io_enables(u64 dr7)
{
    u64 mask = 0;

    for (unsigned int i = 0; i < 4; i++) {
        if ((dr7 >> (16 + 4 * i) & 3) == RW_IO)
            mask |= 3ul << (2 * i);
    }
    return dr7 & mask;
}

static bool active(const struct vcpu *v)
{
    return v->cpu.debugreg[7] & DR7_ENABLES;
}

/* DR4 and DR5 are other names of DR6 and DR7 unless CR4.DE takes them away. */
static int real_number(const struct vcpu *v, unsigned int reg)
{
    if (reg > 7)
        return -ENODEV;
    if (reg != 4 && reg != 5)
        return (int)reg;
    return v->cpu.cr4 & CR4_DE ? -ENODEV : (int)reg + 2;
}

static int check(const struct vcpu *v, unsigned int reg, u64 *value)
{
    switch (reg) {
    case 6:
        *value = (*value & DR6_KEEP) | DR6_ONES;
        return 0;
    case 7:
        if (*value & DR7_GD)
            return -EPERM;
        *value = (*value & DR7_KEEP) | DR7_ONE;
        /* Without DE the condition "I/O" means nothing that is defined. */
        return io_enables(*value) && !(v->cpu.cr4 & CR4_DE) ? -EPERM : 0;
    default:
        return guest_range_ok(*value, 1) ? 0 : -EPERM;
    }
}

void guest_debugreg_load(const struct vcpu *v)
{
    if (!active(v))
        return;
    write_dr0(v->cpu.debugreg[0]);
    write_dr1(v->cpu.debugreg[1]);
    write_dr2(v->cpu.debugreg[2]);
    write_dr3(v->cpu.debugreg[3]);
    write_dr6(DR6_ONES);
    write_dr7(v->cpu.debugreg[7]);
}

void guest_debugreg_unload(const struct vcpu *v)
{
    if (active(v))
        write_dr7(DR7_ONE);
}

int guest_debugreg_set(struct vcpu *v, unsigned int reg, u64 value)
{
    int n = real_number(v, reg), rc;

    if (n < 0)
        return n;
    rc = check(v, (unsigned int)n, &value);
    if (rc)
        return rc;
    if (v == current)
        guest_debugreg_unload(v);
    v->cpu.debugreg[n] = value;
    if (v == current)
        guest_debugreg_load(v);
    return 0;
}

int guest_debugreg_get(const struct vcpu *v, unsigned int reg, u64 *value)
{
    int n = real_number(v, reg);

    if (n < 0)
        return n;
    *value = v->cpu.debugreg[n];
    return 0;
}

void guest_debugreg_no_io(struct vcpu *v)
{
    u64 dr7 = v->cpu.debugreg[7];

    if (!io_enables(dr7))
        return;
    if (v == current)
        guest_debugreg_unload(v);
    v->cpu.debugreg[7] = dr7 & ~io_enables(dr7);
    if (v == current)
        guest_debugreg_load(v);
}
