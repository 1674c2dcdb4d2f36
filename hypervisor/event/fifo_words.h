/* SPDX-License-Identifier: MIT */
/*
 * FIFO events: an event word for each port, in pages of the guest, and queues of ports that run
 * through these words, one for each vCPU and priority. fifo_words.c says how they are kept. Pure:
 * also built for the host and tested there against a hostile guest.
 */
#ifndef EVENT_FIFO_WORDS_H
#define EVENT_FIFO_WORDS_H

#include "config.h"
#include "lib/spinlock.h"
#include "mm/layout.h"
#include <xen/event_channel.h>

#define FIFO_PORTS          ((u32)EVTCHN_FIFO_NR_CHANNELS)
#define FIFO_WORDS_PER_PAGE ((u32)(PAGE_SIZE / sizeof(event_word_t)))
#define FIFO_PAGES          (FIFO_PORTS / FIFO_WORDS_PER_PAGE)

/* What we know of a port beside its word. */
struct fifo_port {
    u8 priority;                /* of its next events; written under the lock of ports */
    u8 in_vcpu, in_priority;    /* the queue that it was put into last; under event_fifo.lock */
    u8 waiting;                 /* atomic: raised while there was no page for its word */
};
BUILD_ASSERT(sizeof(struct fifo_port) == sizeof(event_word_t));

struct fifo_vcpu {
    struct evtchn_fifo_control_block *control;  /* the guest's; NULL: not set up */
    u32 tail[EVTCHN_FIFO_MAX_QUEUES];   /* the port put in last, 0: none; under event_fifo.lock */
};

/* Pages once there stay until all of it goes. */
struct event_fifo {
    spinlock_t lock;                        /* guards the queues; its holders never wait */
    u32 nr_pages;                           /* of event words; guarded by the lock of ports */
    event_word_t *words[FIFO_PAGES];        /* the guest's */
    struct fifo_port *ports[FIFO_PAGES];    /* ours, for every page of words with a port in use */
    struct fifo_vcpu vcpus[MAX_VCPUS];
};

/* Each returns RAISED_ bits (evtchn_bits.h); @info is vCPU number @vcpu's. */
unsigned int fifo_raise(struct event_fifo *f, struct vcpu_info *info, u32 port, unsigned int vcpu);
unsigned int fifo_unmask(struct event_fifo *f, struct vcpu_info *info, u32 port,
                         unsigned int vcpu);
void fifo_clear(struct event_fifo *f, u32 port);
bool fifo_pending(const struct event_fifo *f, u32 port);
/* Whether @port waited for its page of words; from now on it does not. */
bool fifo_stop_waiting(struct event_fifo *f, u32 port);

#endif
