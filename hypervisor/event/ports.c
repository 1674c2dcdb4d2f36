/* SPDX-License-Identifier: MIT */
/*
 * A domain's table of ports.
 *
 * The table grows by pages as ports are bound, up to the 4096 ports of two-level events or the
 * 131072 of FIFO events (or fewer, by the toolstack's word), so a domain can make us keep at most
 * PORT_PAGES pages. Ports change under d->events.lock.
 *
 * Delivery reads the port in one load (port_get) and then sets bits. Between the two the port may
 * be closed, and even bound anew. Then the bit of a port that is closed, or of its next user, comes
 * up once although nobody meant it. The interface allows that: events say "look", not "it
 * happened", and bind_interdomain itself raises one for nothing. Nothing else goes wrong: the
 * domain and its vCPUs live as long as anyone can send to them, and a vCPU number from a stale
 * word still names one of the domain's vCPUs. A lost event would be bad, and can't happen: a send
 * that starts after the bind has returned sees the new word.
 *
 * A sender serves no cross-call between reading the port and having set its bits. So after a call
 * of all CPUs (senders_wait) nobody uses what could be found before it.
 */
#include "event/internal.h"

BUILD_ASSERT(sizeof(union evtchn[PORTS_PER_PAGE]) == PAGE_SIZE);

/* Where the pointer to @port's page is kept; NULL: there is no place for it yet. Clamped. */
static union evtchn **page_slot(const struct domain *d, u32 port)
{
    u32 page = (u32)index_nospec(port / PORTS_PER_PAGE, PORT_PAGES);
    struct high_ports *high;

    if (page < LOW_PAGES)
        return (union evtchn **)&d->events.pages[index_nospec(page, LOW_PAGES)];
    high = load_acquire(&d->events.high);
    return high ? &high->pages[page] : NULL;
}

union evtchn port_get_high(const struct domain *d, u32 port)
{
    union evtchn e = { .word = 0 };
    const union evtchn *page;
    union evtchn **slot;

    if (port >= MAX_PORTS)
        return e;
    slot = page_slot(d, port);
    page = slot ? load_acquire(slot) : NULL;
    if (page)
        e.word = READ_ONCE(page[port % PORTS_PER_PAGE].word);
    return e;
}

bool event_port_valid(const struct domain *d, u32 port)
{
    union evtchn **slot;

    if (port >= READ_ONCE(d->events.ops)->max_ports)
        return false;
    slot = page_slot(d, port);
    return slot && load_acquire(slot);
}

bool event_port_used(const struct domain *d, u32 port)
{
    return port_get(d, port).state != EVTCHNSTAT_closed;
}

bool event_port_pending(const struct domain *d, u32 port)
{
    return READ_ONCE(d->events.ops)->pending(d, port);
}

/* ---- Begin and end ---- */

/* The page that @port is in, if it is not there yet: visible to senders once it is all zero. */
static bool make_page(struct domain *d, u32 port)
{
    union evtchn **slot;
    union evtchn *page;

    if (port >= LOW_PORTS && !d->events.high) {
        struct high_ports *high = alloc_hv_pages(0);

        if (!high)
            return false;
        store_release(&d->events.high, high);
    }
    slot = page_slot(d, port);
    if (*slot)
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
    d->events.limit = max_port < MAX_PORTS ? max_port + 1 : MAX_PORTS;
    d->events.end = min(d->events.limit, LOW_PORTS);
    d->events.lowest_free = d->events.destroy_next = 1;
    d->events.ops = &two_level_ops;
    return make_page(d, 0) ? 0 : -ENOMEM;
}

void event_domain_destroy(struct domain *d)
{
    struct high_ports *high = d->events.high;

    BUG_ON(d->events.fifo);
    for (unsigned int i = 0; i < PORT_PAGES; i++) {
        union evtchn *page = i < LOW_PAGES ? d->events.pages[i] : high ? high->pages[i] : NULL;

        if (page)
            free_hv_pages(page, 0);
    }
    if (high)
        free_hv_pages(high, 0);
}

/* ---- Opening and closing ---- */

/* The first closed port from @port on, or d->events.end. Whole pages of open ones are skipped. */
static u32 next_closed(const struct domain *d, u32 port)
{
    while (port < d->events.end) {
        if (port % PORTS_PER_PAGE == 0 && port >= LOW_PORTS && d->events.high &&
            d->events.high->open[port / PORTS_PER_PAGE] == PORTS_PER_PAGE) {
            port += PORTS_PER_PAGE;
            continue;
        }
        if (port_get(d, port).state == EVTCHNSTAT_closed)
            return port;
        port++;
    }
    return d->events.end;
}

void port_set(struct domain *d, u32 port, union evtchn e)
{
    WRITE_ONCE((*page_slot(d, port))[port % PORTS_PER_PAGE].word, e.word);
}

/* Per page as well, for the search: below LOW_PORTS it is short enough without. */
static void count_open(struct domain *d, u32 port, int change)
{
    d->events.open += (u32)change;
    if (port >= LOW_PORTS)
        d->events.high->open[port / PORTS_PER_PAGE] += (u16)change;
}

/*
 * The lowest one, as the ABI promises. All that can fail comes before the port is anything; a
 * sender sees it once its word is stored, and by then there is room for its events.
 */
long port_open(struct domain *d, union evtchn e)
{
    u32 port;

    if (d->dying)
        return -EINVAL;
    port = next_closed(d, d->events.lowest_free);
    d->events.lowest_free = port;
    if (port >= d->events.end)
        return -ENOSPC;
    if (!make_page(d, port) || d->events.ops->make_room(d, port))
        return -ENOMEM;
    /* What a late sender may have left behind, see above. */
    d->events.ops->clear(d, port);
    count_open(d, port, 1);
    port_set(d, port, e);
    return port;
}

/* The word first: who reads it from now on sends nothing. Its pending bit goes after that. */
void port_close(struct domain *d, u32 port)
{
    port_set(d, port, (union evtchn){ .word = 0 });
    count_open(d, port, -1);
    d->events.ops->clear(d, port);
    if (port < d->events.lowest_free)
        d->events.lowest_free = port;
}

/* Wakes those that sleep in SCHEDOP_poll and may have waited for @port. */
void port_wake_pollers(struct domain *d, u32 port)
{
    u64 left = READ_ONCE(d->events.pollers);

    for (; left; left &= left - 1) {
        struct vcpu *v = d->vcpus[__builtin_ctzl(left)];
        u32 polled = READ_ONCE(v->events.poll_port);

        if (!polled || polled == port)
            vcpu_wake(v);
    }
}

/* To be called on each CPU: that it is answered is the point. */
static void nothing(void *unused)
{
}

void senders_wait(void)
{
    smp_call(cpu_online_mask(), nothing, NULL);
}
