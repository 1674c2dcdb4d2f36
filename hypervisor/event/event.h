/* SPDX-License-Identifier: MIT */
/*
 * The door of event/: notifications. Ports, what they are bound to, and the bits shared with
 * guests.
 *
 * In which order to read the room:
 *
 *     event_types.h, ports.c              a port, and a domain's table of them
 *     evtchn.c                            the hypercall: binding, closing, sending
 *     evtchn_bits.[hc], two_level.c       delivery by bits
 *     fifo_words.[hc], fifo.c             delivery by queues
 *     virq.c, pirq.c                      what the hypervisor and devices have to tell
 *     reset.c, audit.c                    all ports closed; all counted once more
 *
 * Who raises an event needs no lock, and may do so in an interrupt. docs/events.md draws the whole.
 */
#ifndef EVENT_EVENT_H
#define EVENT_EVENT_H

#include "domain/domain.h"

/* ports.c */
int event_domain_init(struct domain *d, u32 max_port);  /* -ENOMEM */
void event_domain_destroy(struct domain *d);    /* its memory; nothing of it runs or sends */
/* These three take any number, and no lock: the answer is a moment's. */
bool event_port_pending(const struct domain *d, u32 port);
bool event_port_valid(const struct domain *d, u32 port);    /* exists, in use or not */
bool event_port_used(const struct domain *d, u32 port);     /* is not closed */
/* reset.c: closes every port of a dying domain: 0, or -ERESTART. */
int event_domain_close(struct domain *d);

/*
 * ports.c: returns when every CPU has answered a call, so that none of them still delivers by what
 * it found before. The caller holds no lock.
 */
void senders_wait(void);

/*
 * virq.c: raises virtual interrupt @virq (VIRQ_ of <xen/xen.h>) on @v's port if it has one, or on
 * the domain's, which vCPU 0 keeps. Where nobody is bound, nothing happens.
 */
void send_virq(struct vcpu *v, unsigned int virq);
void send_global_virq(struct domain *d, unsigned int virq);

/*
 * Whether @v would get an upcall at its next return to the guest. Both bytes are the guest's to
 * write: nothing but its own upcall depends on them.
 */
static inline bool event_deliverable(const struct vcpu *v)
{
    const struct vcpu_info *info = READ_ONCE(v->info);

    return READ_ONCE(info->evtchn_upcall_pending) && !READ_ONCE(info->evtchn_upcall_mask);
}

/* pirq.c: those commands of physdev_op that are about interrupts; the caller has the right. */
long physdev_map_pirq(XEN_GUEST_HANDLE(void) arg);
long physdev_unmap_pirq(XEN_GUEST_HANDLE(void) arg);
long physdev_eoi(XEN_GUEST_HANDLE(void) arg);
long physdev_irq_status_query(XEN_GUEST_HANDLE(void) arg);
long physdev_get_free_pirq(XEN_GUEST_HANDLE(void) arg);
long physdev_setup_gsi(XEN_GUEST_HANDLE(void) arg);
long physdev_restore_msi(u8 bus, u8 devfn);

#endif
