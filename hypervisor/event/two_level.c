/* SPDX-License-Identifier: MIT */
/*
 * Delivery by two-level events, which every domain begins with: the bits in shared_info and
 * vcpu_info (evtchn_bits.c). No lock is taken.
 */
#include "event/internal.h"

/*
 * A port of more than LOW_PORTS can't come here: such ports are all closed, and those who had seen
 * one open are done, before a domain comes back to two-level events (fifo.c). The clamp is for the
 * case that this is wrong.
 */
static void two_level_raise(struct domain *d, u32 port, u8 vcpu)
{
    struct vcpu_info *info = READ_ONCE(d->vcpus[vcpu]->info);
    unsigned int raised;

    port %= LOW_PORTS;
    raised = evtchn_bits_raise(d->shared_info, info, port);
    if (raised)
        port_notify(d, port, vcpu, raised);
}

static void two_level_unmask(struct domain *d, u32 port, u8 vcpu)
{
    struct vcpu_info *info = READ_ONCE(d->vcpus[vcpu]->info);

    if (port < LOW_PORTS)
        port_notify(d, port, vcpu, evtchn_bits_unmask(d->shared_info, info, port));
}

static bool two_level_pending(const struct domain *d, u32 port)
{
    return port < LOW_PORTS && evtchn_bits_pending(d->shared_info, port);
}

static void two_level_clear(struct domain *d, u32 port)
{
    if (port < LOW_PORTS)
        evtchn_bits_clear(d->shared_info, port);
}

/* The bits are all in shared_info. */
static int two_level_make_room(struct domain *d, u32 port)
{
    return 0;
}

const struct event_ops two_level_ops = {
    .raise = two_level_raise,
    .unmask = two_level_unmask,
    .pending = two_level_pending,
    .clear = two_level_clear,
    .make_room = two_level_make_room,
    .max_ports = LOW_PORTS,
};
