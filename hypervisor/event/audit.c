/* SPDX-License-Identifier: MIT */
/* The audit of the ports (control/audit.h): each is what the other end of it says. */
#include "control/audit.h"
#include "event/internal.h"

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
    for (u32 port = 0; port < MAX_PORTS; port++) {
        union evtchn e = port_get(d, port);

        if (event_port_valid(d, port) && !port_agrees(d, port, e))
            audit_wrong("domain %u, port %u: %lx; the other end says otherwise", d->id, port,
                        e.word);
    }
    for (unsigned int i = 0; i < d->max_vcpus; i++)
        audit_virqs(d, d->vcpus[i]);
}
