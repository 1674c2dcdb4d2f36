/* SPDX-License-Identifier: MIT */
/* The state that event/ keeps in domains and vCPUs; event.h is the room's door. */
#ifndef EVENT_EVENT_TYPES_H
#define EVENT_EVENT_TYPES_H

#include "lib/spinlock.h"
#include "mm/layout.h"
#include <xen/event_channel.h>

/*
 * One port, in one word: it is written under the lock, whole, and read by senders without it, who
 * so never see half a change. All zero is a closed port.
 */
union evtchn {
    struct {
        u8 state;               /* EVTCHNSTAT_ */
        u8 vcpu;                /* who is notified */
        u16 dom;                /* unbound: who may bind; interdomain: who is at the other end */
        u32 peer;               /* interdomain: its port there; virq, pirq: which */
    };
    u64 word;
};
BUILD_ASSERT(sizeof(union evtchn) == 8);

#define PORTS_PER_PAGE  (PAGE_SIZE / 8u)
#define LOW_PORTS       ((u32)EVTCHN_2L_NR_CHANNELS)    /* what two-level events have */
#define MAX_PORTS       ((u32)EVTCHN_FIFO_NR_CHANNELS)
#define LOW_PAGES       (LOW_PORTS / PORTS_PER_PAGE)
#define PORT_PAGES      (MAX_PORTS / PORTS_PER_PAGE)

/* Most domains never have as many ports as need this. */
struct high_ports {
    union evtchn *pages[PORT_PAGES];    /* those below LOW_PAGES are in struct domain_events */
    u16 open[PORT_PAGES];               /* how many ports of the page are not closed */
};
BUILD_ASSERT(sizeof(struct high_ports) <= PAGE_SIZE);

struct event_ops;
struct event_fifo;

struct domain_events {
    spinlock_t lock;            /* guards changes of all this; delivery takes another or none */
    const struct event_ops *ops;        /* how its events are delivered; never NULL */
    struct event_fifo *fifo;    /* of FIFO events, else NULL */
    union evtchn *pages[LOW_PAGES];     /* grown on demand; a page once there stays */
    struct high_ports *high;    /* likewise */
    u32 limit;                  /* ports are below this by the toolstack's word */
    u32 end;                    /* and below this by the kind of events */
    u32 lowest_free;            /* no port below it is closed, but for 0, which is never used */
    u32 open;                   /* ports that are not closed */
    u32 reset_next;             /* where a reset goes on; 0: there is none */
    u32 destroy_next;           /* likewise the domain's end; the control room's */
    u64 pollers;                /* atomic: bit per vCPU that sleeps in SCHEDOP_poll */
};

/*
 * Written under the lock of the domain's events, read by senders without; poll_port by the vCPU
 * itself.
 */
struct vcpu_events {
    u32 virq_port[NR_VIRQS];    /* 0: not bound. Global ones are kept by vCPU 0 */
    u32 poll_port;              /* the one port that this vCPU polls, 0: several */
};

#endif
