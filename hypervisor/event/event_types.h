/* SPDX-License-Identifier: MIT */
/* The state that event/ keeps in domains and vCPUs; event.h is the room's door. */
#ifndef EVENT_EVENT_TYPES_H
#define EVENT_EVENT_TYPES_H

#include "lib/spinlock.h"
#include <xen/event_channel.h>

struct evtchn;

struct domain_events {
    spinlock_t lock;            /* guards ports' states; delivery itself is lock-free */
    struct evtchn *ports;       /* array of nr_ports, grown by pages */
    unsigned int nr_ports;
};

#define NR_VIRQ_SLOTS 24        /* NR_VIRQS of the ABI */

struct vcpu_events {
    u32 virq_port[NR_VIRQ_SLOTS];   /* 0: not bound */
    bool polling;               /* asleep in SCHEDOP_poll */
    struct list *poll_link;
    u32 poll_port;              /* the one port polled, 0: several */
};

#endif
