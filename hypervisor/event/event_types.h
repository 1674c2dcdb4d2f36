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
#define MAX_PORTS       ((u32)EVTCHN_2L_NR_CHANNELS)
#define PORT_PAGES      (MAX_PORTS / PORTS_PER_PAGE)

struct domain_events {
    spinlock_t lock;            /* guards changes of ports and virq_port; delivery is lock-free */
    union evtchn *pages[PORT_PAGES];    /* grown on demand; a page once there stays */
    u32 lowest_free;            /* no port below it is closed, but for 0, which is never used */
    u32 end;                    /* ports are below this */
    u64 pollers;                /* atomic: bit per vCPU that sleeps in SCHEDOP_poll */
};

struct vcpu_events {
    u32 virq_port[NR_VIRQS];    /* 0: not bound. Global ones are kept by vCPU 0 */
    u32 poll_port;              /* the one port that this vCPU polls, 0: several */
};

#endif
