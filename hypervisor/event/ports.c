/* SPDX-License-Identifier: MIT */
/*
 * A domain's table of ports, and delivery.
 *
 * The table grows by pages as ports are bound, up to the 4096 ports of the two-level bitmaps, so a
 * domain can make us keep at most PORT_PAGES pages. Ports change under d->events.lock.
 *
 * Delivery takes no lock: it reads the port in one load (port_get) and then sets bits. Between
 * the two the port may be closed, and even bound anew. Then the bit of a port that is closed, or
 * of its next user, comes up once although nobody meant it. The interface allows that: events say
 * "look", not "it happened", and bind_interdomain itself raises one for nothing. Nothing else
 * goes wrong: the domain and its vCPUs live as long as anyone can send to them, and a vCPU number
 * from a stale word still names one of the domain's vCPUs. A lost event would be bad, and can't
 * happen: a send that starts after the bind has returned sees the new word.
 */
#include "event/internal.h"
#include "event/evtchn_bits.h"

void event_domain_destroy(struct domain *d)
{
    for (unsigned int i = 0; i < PORT_PAGES; i++)
        if (d->events.pages[i])
            free_hv_pages(d->events.pages[i], 0);
}

bool event_port_valid(const struct domain *d, u32 port)
{
    return port < MAX_PORTS && load_acquire(&d->events.pages[port / PORTS_PER_PAGE]);
}

bool event_port_pending(const struct domain *d, u32 port)
{
    return evtchn_bits_pending(d->shared_info, port);
}

static bool port_page_get(struct domain *d, u32 port)
{
    union evtchn **slot = &d->events.pages[port / PORTS_PER_PAGE];
    union evtchn *page = *slot;

    if (page)
        return true;
    page = alloc_hv_pages(0);
    if (!page)
        return false;
    store_release(slot, page);
    return true;
}

int event_domain_init(struct domain *d, u32 max_port)
{
    spin_lock_init(&d->events.lock, LOCK_EVENT);
    d->events.end = max_port < MAX_PORTS ? max_port + 1 : MAX_PORTS;
    d->events.lowest_free = 1;
    return port_page_get(d, 0) ? 0 : -ENOMEM;
}

long port_alloc(struct domain *d)
{
    u32 port = d->events.lowest_free;

    if (d->dying)
        return -EINVAL;
    while (port < d->events.end && port_get(d, port).state != EVTCHNSTAT_closed)
        port++;
    d->events.lowest_free = port;
    if (port >= d->events.end)
        return -ENOSPC;
    if (!port_page_get(d, port))
        return -ENOMEM;
    /* What a late sender may have left behind, see above. */
    evtchn_bits_clear(d->shared_info, port);
    return port;
}

void port_set(struct domain *d, u32 port, union evtchn e)
{
    WRITE_ONCE(d->events.pages[port / PORTS_PER_PAGE][port % PORTS_PER_PAGE].word, e.word);
}

void port_close(struct domain *d, u32 port)
{
    port_set(d, port, (union evtchn){ .word = 0 });
    evtchn_bits_clear(d->shared_info, port);
    if (port < d->events.lowest_free)
        d->events.lowest_free = port;
}

/* Wakes those that sleep in SCHEDOP_poll and may have waited for @port. */
static void wake_pollers(struct domain *d, u32 port)
{
    u64 left = READ_ONCE(d->events.pollers);

    for (; left; left &= left - 1) {
        struct vcpu *v = d->vcpus[__builtin_ctzl(left)];
        u32 polled = READ_ONCE(v->events.poll_port);

        if (!polled || polled == port)
            vcpu_wake(v);
    }
}

void port_notify(struct domain *d, u32 port, u8 vcpu, unsigned int raised)
{
    if (raised & RAISED_UPCALL)
        vcpu_kick(d->vcpus[vcpu]);
    /* The atomic that raised the bit comes before this look; a poller announces itself before it
     * looks at the bit. So one of the two sees the other. */
    if (unlikely(raised && READ_ONCE(d->events.pollers)))
        wake_pollers(d, port);
}

void port_raise(struct domain *d, u32 port, u8 vcpu)
{
    struct vcpu_info *info = READ_ONCE(d->vcpus[vcpu]->info);

    port_notify(d, port, vcpu, evtchn_bits_raise(d->shared_info, info, port));
}
