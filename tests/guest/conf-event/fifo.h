/* SPDX-License-Identifier: MIT */
/*
 * The guest's half of FIFO events, for the cases about them. The library knows two-level events
 * only: while a case has changed the domain over, it keeps events disabled and looks by itself.
 */
#ifndef CONF_FIFO_H
#define CONF_FIFO_H

#include "../lib/case.h"

#define FIFO_PENDING (1u << EVTCHN_FIFO_PENDING)
#define FIFO_MASKED  (1u << EVTCHN_FIFO_MASKED)
#define FIFO_LINKED  (1u << EVTCHN_FIFO_LINKED)
#define FIFO_BUSY    (1u << EVTCHN_FIFO_BUSY)
#define FIFO_WORDS   ((uint32_t)(PV_PAGE_SIZE / sizeof(event_word_t)))
#define FIFO_VCPUS   2u

/* The control blocks of the vCPUs, each a page; and the first page of words. */
extern struct evtchn_fifo_control_block *fifo_control[FIFO_VCPUS];
extern event_word_t *fifo_words;

/* Errno of the commands, for this vCPU's domain. */
long fifo_init(void *page, uint32_t offset, uint32_t vcpu);
long fifo_expand(void *page);
long fifo_priority(evtchn_port_t port, uint32_t priority);

/* Changes over, with a control block for vCPU 0 and one page of words; false is a failed check. */
bool fifo_enter(void);
/* Closes all ports, which goes back to two-level events, and frees the pages. */
void fifo_leave(void);

/* Takes all events of a vCPU, up to `room` of them, in the order in which they come. */
unsigned int fifo_take(unsigned int vcpu, evtchn_port_t *ports, unsigned int room);

#endif
