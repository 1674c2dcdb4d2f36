/* SPDX-License-Identifier: MIT */
/* The door of event/: notifications. Ports, what they are bound to, and the bits shared with guests. */
#ifndef EVENT_EVENT_H
#define EVENT_EVENT_H

#include "domain/domain.h"

int event_domain_init(struct domain *d);
void event_domain_destroy(struct domain *d);
void event_vcpu_init(struct vcpu *v);

/* Raises virtual interrupt @virq on @v's port if it has one (per-vCPU), or on the domain's (global). */
void send_virq(struct vcpu *v, unsigned int virq);
void send_global_virq(struct domain *d, unsigned int virq);

/* Whether @v would get an upcall at its next return to the guest. */
static inline bool event_deliverable(const struct vcpu *v)
{
    return READ_ONCE(v->info->evtchn_upcall_pending) && !READ_ONCE(v->info->evtchn_upcall_mask);
}
bool event_port_pending(const struct domain *d, u32 port);
bool event_port_valid(const struct domain *d, u32 port);

#endif
