/* SPDX-License-Identifier: MIT */
/* Between the files of event/: a domain's table of ports, and the two kinds of delivery. */
#ifndef EVENT_INTERNAL_H
#define EVENT_INTERNAL_H

#include "event/event.h"
#include "event/evtchn_bits.h"
#include "lib/atomic.h"

/*
 * A kind of events: what is done with the bits that a guest sees of a port. No lock is needed, but
 * for make_room. They may find that the domain has just changed to the other kind; then all its
 * ports have been closed meanwhile, and there is nothing to do.
 */
struct event_ops {
    /* Makes @port pending and notifies vCPU number @vcpu, those that poll, too. */
    void (*raise)(struct domain *d, u32 port, u8 vcpu);
    void (*unmask)(struct domain *d, u32 port, u8 vcpu);
    bool (*pending)(const struct domain *d, u32 port);
    void (*clear)(struct domain *d, u32 port);          /* not pending any more */
    int (*make_room)(struct domain *d, u32 port);       /* for a new port; -ENOMEM */
    u32 max_ports;
};
extern const struct event_ops two_level_ops, fifo_ops;

/*
 * What every sender ends in: @port, read before as bound to vCPU number @vcpu, has an event. No
 * lock.
 */
static inline void port_raise(struct domain *d, u32 port, u8 vcpu)
{
    READ_ONCE(d->events.ops)->raise(d, port, vcpu);
}

/* The port as it is now; one that does not exist reads as closed. Needs no lock. */
union evtchn port_get_high(const struct domain *d, u32 port);
static inline union evtchn port_get(const struct domain *d, u32 port)
{
    union evtchn closed = { .word = 0 };
    const union evtchn *page;

    if (unlikely(port >= LOW_PORTS))
        return port_get_high(d, port);
    port = (u32)index_nospec(port, LOW_PORTS);
    page = load_acquire(&d->events.pages[port / PORTS_PER_PAGE]);
    if (!page)
        return closed;
    closed.word = READ_ONCE(page[port % PORTS_PER_PAGE].word);
    return closed;
}

/* ports.c, the caller holds d->events.lock: */
/*
 * Makes the lowest closed port what @e says, and returns its number; -ENOSPC: all are open;
 * -ENOMEM; -EINVAL: the domain is dying.
 */
long port_open(struct domain *d, union evtchn e);
void port_set(struct domain *d, u32 port, union evtchn e);      /* it is open, and stays so */
/* It is open; nothing else knows it */
void port_close(struct domain *d, u32 port);

/* Without a lock: what comes after an event's bits were set. */
void port_wake_pollers(struct domain *d, u32 port);
static inline void port_notify(struct domain *d, u32 port, u8 vcpu, unsigned int raised)
{
    if (raised & RAISED_UPCALL)
        vcpu_kick(d->vcpus[vcpu]);
    /* The atomic that raised the bit comes before this look; a poller announces itself before it
     * looks at the bit. So one of the two sees the other. */
    if (raised && unlikely(READ_ONCE(d->events.pollers)))
        port_wake_pollers(d, port);
}

/*
 * evtchn.c: closes a port, with the locks that it takes: 0 or -EINVAL.
 * reset.c: EVTCHNOP_reset and its second half.
 */
int close_port(struct domain *d, u32 port);
long op_reset(struct domain *caller, XEN_GUEST_HANDLE(void) arg);
long op_reset_cont(struct domain *caller, XEN_GUEST_HANDLE(void) arg);

/* fifo.c */
long op_init_control(struct domain *d, XEN_GUEST_HANDLE(void) arg);
long op_expand_array(struct domain *d, XEN_GUEST_HANDLE(void) arg);
long op_set_priority(struct domain *d, XEN_GUEST_HANDLE(void) arg);
/* Back to two-level events, if all ports are closed: 0 or -EAGAIN. No lock is held. */
int fifo_leave(struct domain *d);

bool virq_is_global(u32 virq);

#endif
