/* SPDX-License-Identifier: MIT */
/*
 * On the way out to a guest: everything that is pending, in the order that the ABI gives, until
 * there is nothing. schedule(), among the softirqs, may leave this stack for another vCPU; this
 * one then comes back through return_to_guest(), which begins here again.
 *
 * One thing may be left for the next way out: the rest of a long devalidation, when something else
 * has come up meanwhile and there is an event for the guest. It shall not wait for that.
 */
#include "domain/domain.h"
#include "event/event.h"
#include "x86/guest_mode.h"

static bool nmi_deliverable(const struct vcpu *v)
{
    return READ_ONCE(v->cpu.nmi_pending) && !v->cpu.nmi_masked;
}

static bool event_waiting(const struct vcpu *v)
{
    return READ_ONCE(READ_ONCE(v->info)->evtchn_upcall_pending);
}

/*
 * From entry.S, when softirqs are pending or a vCPU was just loaded. @regs is the guest's frame,
 * and `v` stays: where schedule() takes another, this frame of C is dropped with the stack.
 */
void exit_work(struct cpu_regs *regs)
{
    struct vcpu *v = current;
    bool stopped = false;       /* there is something to finish, but softirqs came first */
    bool delivered = false;     /* one upcall a way out: see exit_upcall in entry.S */

    for (;;) {
        if (softirq_pending()) {
            do_softirqs();
        } else if (mm_put_pending(v) && !delivered && !event_deliverable(v) &&
                   !(stopped && event_waiting(v))) {
            /* It gets further at each way out, unless there is an event to deliver first. */
            stopped = mm_finish_put(v);
        } else if (v->cpu.failsafe_pending) {
            deliver_failsafe(v, regs);
        } else if (nmi_deliverable(v)) {
            deliver_nmi(v, regs);
        } else if (event_deliverable(v) && !delivered) {
            deliver_upcall(v, regs);
            delivered = true;
        } else {
            break;
        }
    }
    if (mm_put_pending(v))
        raise_softirq(SOFTIRQ_EXIT);
}
