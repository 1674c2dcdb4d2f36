/* SPDX-License-Identifier: MIT */
/*
 * On the way out to a guest: everything that is pending, in the order that the ABI gives, until
 * there is nothing. schedule(), among the softirqs, may leave this stack for another vCPU; this
 * one then comes back through return_to_guest(), which begins here again.
 */
#include "domain/domain.h"
#include "event/event.h"
#include "x86/guest_mode.h"

static bool nmi_deliverable(const struct vcpu *v)
{
    return READ_ONCE(v->cpu.nmi_pending) && !v->cpu.nmi_masked;
}

void exit_work(struct cpu_regs *regs)
{
    struct vcpu *v = current;

    for (;;) {
        if (softirq_pending())
            do_softirqs();
        else if (mm_finish_put(v))
            continue;
        else if (v->cpu.failsafe_pending)
            deliver_failsafe(v, regs);
        else if (nmi_deliverable(v))
            deliver_nmi(v, regs);
        else if (event_deliverable(v))
            deliver_upcall(v, regs);
        else
            return;
    }
}
