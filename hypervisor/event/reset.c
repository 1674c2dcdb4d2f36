/* SPDX-License-Identifier: MIT */
/*
 * Closing all ports of a domain: when it asks for it, and when it ends.
 *
 * That is long work: it stops for pending work and goes on where it stopped, at a place that the
 * domain keeps. A guest that binds ports meanwhile, below that place, gets -EAGAIN in the end, and
 * only one reset at a time is done (-EBUSY). With the last port goes the FIFO kind of events.
 */
#include "control/policy.h"
#include "event/internal.h"
#include "hypercall/guest_access.h"
#include "hypercall/hypercall.h"

#define PORTS_PER_LOOK 64

/* From *@next on: 0, or -ERESTART with *@next set to where to go on. */
static int close_from(struct domain *d, u32 *next)
{
    for (u32 port = *next; port < MAX_PORTS; port++) {
        if (!event_port_valid(d, port)) {
            port |= PORTS_PER_PAGE - 1;
            continue;
        }
        if (port_get(d, port).state != EVTCHNSTAT_closed)
            (void)close_port(d, port);      /* another vCPU may just have done so */
        if (port % PORTS_PER_LOOK == PORTS_PER_LOOK - 1 && preempt_needed()) {
            *next = port + 1;
            return -ERESTART;
        }
    }
    return 0;
}

/* A bind that began before the domain was dying ends before this has the lock; none comes later. */
int event_domain_close(struct domain *d)
{
    spin_lock(&d->events.lock);
    spin_unlock(&d->events.lock);
    if (close_from(d, &d->events.destroy_next))
        return -ERESTART;
    return fifo_leave(d);
}

/*
 * Where to begin or go on, and 0: there is another reset, or none to go on with. @resuming: the
 * second half of a call that was restarted; a guest that makes it by itself goes on with the reset
 * that is under way.
 */
static u32 reset_claim(struct domain *d, bool resuming)
{
    u32 next;

    spin_lock(&d->events.lock);
    if (!resuming && !d->events.reset_next)
        next = d->events.reset_next = 1;
    else
        next = resuming ? d->events.reset_next : 0;
    spin_unlock(&d->events.lock);
    return next;
}

static void reset_note(struct domain *d, u32 next)
{
    spin_lock(&d->events.lock);
    d->events.reset_next = next;
    spin_unlock(&d->events.lock);
}

/*
 * Its own ports, or by privilege those of a domain that the toolstack has paused. The place to go
 * on lies in the domain, so a guest can't choose it.
 */
static long reset(struct domain *caller, XEN_GUEST_HANDLE(void) arg, bool resuming)
{
    struct evtchn_reset reset;
    struct domain *d;
    u32 next;
    long rc;

    if (!copy_arg_from_guest(&reset, arg))
        return -EFAULT;
    rc = policy_domain(reset.dom, &d);
    if (rc)
        return rc;
    /* Another domain must stand still, by the toolstack's word. */
    if (d != caller && !READ_ONCE(d->control_pauses))
        return -EINVAL;
    next = reset_claim(d, resuming);
    if (!next)
        return -EBUSY;
    if (close_from(d, &next)) {
        reset_note(d, next);
        return hypercall_restart(EVTCHNOP_reset_cont, (u64)arg.p);
    }
    rc = fifo_leave(d);
    reset_note(d, 0);
    return rc;
}

long op_reset(struct domain *caller, XEN_GUEST_HANDLE(void) arg)
{
    return reset(caller, arg, false);
}

long op_reset_cont(struct domain *caller, XEN_GUEST_HANDLE(void) arg)
{
    return reset(caller, arg, true);
}
