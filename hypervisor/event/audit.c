/* SPDX-License-Identifier: MIT */
/*
 * The audit of events (control/audit.h): each port is what the other end of it says, the counts of
 * open ports are right, and FIFO events hold the guest's pages.
 */
#include "control/audit.h"
#include "event/fifo_words.h"
#include "event/internal.h"

void audit_event_holders(const struct domain *d)
{
    const struct event_fifo *f = d->events.fifo;

    if (!f)
        return;
    for (unsigned int i = 0; i < FIFO_PAGES; i++)
        if (f->words[i])
            audit_use(virt_to_mfn(f->words[i]), USE_WRITABLE);
    for (unsigned int i = 0; i < MAX_VCPUS; i++)
        if (f->vcpus[i].control)
            audit_use(virt_to_mfn(f->vcpus[i].control), USE_WRITABLE);
}

/* The last port of each queue is one that was put into it. */
static void audit_queues(const struct domain *d)
{
    const struct event_fifo *f = d->events.fifo;

    for (unsigned int v = 0; f && v < MAX_VCPUS; v++)
        for (unsigned int q = 0; q < EVTCHN_FIFO_MAX_QUEUES; q++) {
            u32 port = f->vcpus[v].tail[q];
            const struct fifo_port *page = f->ports[port % FIFO_PORTS / FIFO_WORDS_PER_PAGE];

            if (port == 0)
                continue;
            page += port % FIFO_WORDS_PER_PAGE;
            if (port >= FIFO_PORTS || page->in_vcpu != v || page->in_priority != q)
                audit_wrong("domain %u: queue %u of vCPU %u ends in port %u of another", d->id, q,
                            v, port);
        }
}

/* A channel has two ends, and each names the other. */
static bool far_end_agrees(const struct domain *d, u32 port, union evtchn e)
{
    const struct domain *peer = domain_by_id(e.dom);
    union evtchn far;

    if (!peer)
        return false;
    far = port_get(peer, e.peer);
    return far.state == EVTCHNSTAT_interdomain && far.dom == d->id && far.peer == port;
}

static bool virq_agrees(const struct domain *d, u32 port, union evtchn e)
{
    if (e.peer >= NR_VIRQS || (virq_is_global(e.peer) && e.vcpu >= d->max_vcpus))
        return false;
    return d->vcpus[virq_is_global(e.peer) ? 0 : e.vcpu]->events.virq_port[e.peer] == port;
}

/* What a port of each kind must be like; a closed one is all zero and counted as free. */
static bool port_agrees(const struct domain *d, u32 port, union evtchn e)
{
    if (e.vcpu >= d->max_vcpus)
        return false;
    switch (e.state) {
    case EVTCHNSTAT_closed:
        return e.word == 0 && (port == 0 || port >= d->events.lowest_free);
    case EVTCHNSTAT_interdomain:
        return far_end_agrees(d, port, e);
    case EVTCHNSTAT_virq:
        return virq_agrees(d, port, e);
    case EVTCHNSTAT_pirq:
        return d == first_domain;
    case EVTCHNSTAT_unbound:
    case EVTCHNSTAT_ipi:
        return true;
    default:
        return false;
    }
}

/* A port that a virtual interrupt is said to be bound to, is bound to it. */
static void audit_virqs(const struct domain *d, const struct vcpu *v)
{
    for (u32 virq = 0; virq < NR_VIRQS; virq++) {
        u32 port = v->events.virq_port[virq];
        union evtchn e = port_get(d, port);

        if (port != 0 && (e.state != EVTCHNSTAT_virq || e.peer != virq ||
                          (!virq_is_global(virq) && e.vcpu != v->id)))
            audit_wrong("domain %u, vCPU %u: virtual interrupt %u has port %u, which is %lx",
                        d->id, v->id, virq, port, e.word);
    }
}

void audit_ports(const struct domain *d)
{
    u32 open = 0;

    for (u32 port = 0; port < MAX_PORTS; port++) {
        union evtchn e = port_get(d, port);

        open += e.state != EVTCHNSTAT_closed;
        if (event_port_valid(d, port) && !port_agrees(d, port, e))
            audit_wrong("domain %u, port %u: %lx; the other end says otherwise", d->id, port,
                        e.word);
    }
    if (open != d->events.open)
        audit_wrong("domain %u: %u open ports, counted as %u", d->id, open, d->events.open);
    for (unsigned int i = 0; i < d->max_vcpus; i++)
        audit_virqs(d, d->vcpus[i]);
    audit_queues(d);
}
