/* SPDX-License-Identifier: MIT */
/* Between the files of event/: a domain's table of ports. */
#ifndef EVENT_INTERNAL_H
#define EVENT_INTERNAL_H

#include "event/event.h"
#include "lib/atomic.h"

/* The port as it is now; one that does not exist reads as closed. Needs no lock. */
static inline union evtchn port_get(const struct domain *d, u32 port)
{
    union evtchn closed = { .word = 0 };
    const union evtchn *page;

    if (port >= MAX_PORTS)
        return closed;
    port = (u32)index_nospec(port, MAX_PORTS);
    page = load_acquire(&d->events.pages[port / PORTS_PER_PAGE]);
    if (!page)
        return closed;
    closed.word = READ_ONCE(page[port % PORTS_PER_PAGE].word);
    return closed;
}

/* The rest: the caller holds d->events.lock, but for port_raise(). */
long port_alloc(struct domain *d);      /* a closed port, or negative errno */
void port_set(struct domain *d, u32 port, union evtchn e);
void port_close(struct domain *d, u32 port);
/* Makes @port pending and notifies vCPU number @vcpu of @d; lock-free. */
void port_raise(struct domain *d, u32 port, u8 vcpu);
/* Tells vCPU number @vcpu of what evtchn_bits.h found raised. */
void port_notify(struct domain *d, u32 port, u8 vcpu, unsigned int raised);

bool virq_is_global(u32 virq);

#endif
