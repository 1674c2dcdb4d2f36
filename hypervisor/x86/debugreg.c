/* SPDX-License-Identifier: MIT */
/*
 * A guest's debug registers; rules.c says what may be in them.
 *
 * v->cpu.debugreg is the truth at all times. The real registers are written only while a vCPU runs
 * that has a breakpoint enabled, and DR7 is cleared when it leaves.
 */
#include "domain/domain.h"
#include "x86/platform.h"
#include "x86/rules.h"

#define DR7_ENABLES 0xfful          /* two bits a breakpoint */

/*
 * Breakpoints on I/O ports stay out of the real one: guests access ports only through the emulator,
 * which looks for itself, and our own accesses are none of theirs.
 */
static u64 real_dr7(const struct vcpu *v)
{
    return v->cpu.debugreg[7] & ~debugreg_io_enables(v->cpu.debugreg[7]);
}

/* Whether the real registers have to be this guest's while it runs. */
static bool active(const struct vcpu *v)
{
    return real_dr7(v) & DR7_ENABLES;
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

/* DR7 last: a breakpoint that is enabled before its address is there could hit at the old one. */
void guest_debugreg_load(const struct vcpu *v)
{
    if (!active(v))
        return;
    write_dr0(v->cpu.debugreg[0]);
    write_dr1(v->cpu.debugreg[1]);
    write_dr2(v->cpu.debugreg[2]);
    write_dr3(v->cpu.debugreg[3]);
    write_dr6(DR6_ONES);
    write_dr7(real_dr7(v));
}

void guest_debugreg_unload(const struct vcpu *v)
{
    if (active(v))
        write_dr7(DR7_ONE);
}

/*
 * Checked before it is stored, so that loading it can't fault. The running vCPU's are taken out and
 * put back around the change: which of them are real depends on all.
 */
int guest_debugreg_set(struct vcpu *v, unsigned int reg, u64 value)
{
    int n = real_number(v, reg), rc;

    if (n < 0)
        return n;
    rc = debugreg_check((unsigned int)n, v->cpu.cr4 & CR4_DE, &value);
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

/*
 * Without CR4.DE the condition "I/O" is undefined, so none may be left enabled. Only the enables
 * go: the rest of DR7 is the guest's to read back.
 */
void guest_debugreg_no_io(struct vcpu *v)
{
    u64 dr7 = v->cpu.debugreg[7];

    if (!debugreg_io_enables(dr7))
        return;
    if (v == current)
        guest_debugreg_unload(v);
    v->cpu.debugreg[7] = dr7 & ~debugreg_io_enables(dr7);
    if (v == current)
        guest_debugreg_load(v);
}
