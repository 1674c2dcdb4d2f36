/* SPDX-License-Identifier: MIT */
/*
 * Event channels of the two-level kind (xen/event_channel.h, struct shared_info).
 *
 * A port that has an event calls its handler on the vCPU that the port was bound to, with events
 * disabled there.  Handlers are per port and set at binding; NULL only counts.  Events are
 * disabled per vCPU when guest_main starts; pv_events_enable() lets them in.
 */
#ifndef PVGUEST_EVENTS_H
#define PVGUEST_EVENTS_H

#include <pvguest/types.h>
#include <xen/event_channel.h>

#define PV_NR_PORTS 4096u

typedef void pv_event_handler_t(evtchn_port_t port, void *data);

/*
 * Each of these returns the new port (positive), unmasked and with its handler set, or a negative
 * errno of EVTCHNOP_bind_virq, _bind_ipi, _alloc_unbound, _bind_interdomain, _bind_pirq.
 */
int pv_bind_virq(uint32_t virq, unsigned int vcpu, pv_event_handler_t *handler, void *data);
int pv_bind_ipi(unsigned int vcpu, pv_event_handler_t *handler, void *data);
int pv_alloc_unbound(domid_t remote, pv_event_handler_t *handler, void *data);
int pv_bind_interdomain(domid_t remote, evtchn_port_t remote_port, pv_event_handler_t *handler,
                        void *data);
/* A pirq comes from PHYSDEVOP_map_pirq; it is bound alone, not shared. */
int pv_bind_pirq(uint32_t pirq, pv_event_handler_t *handler, void *data);

/* Gives a port that somebody else bound (start_info's, say) a handler on a vCPU. */
void pv_set_event_handler(evtchn_port_t port, unsigned int vcpu, pv_event_handler_t *handler,
                          void *data);

/* Closes the port and forgets its handler; sends an event.  0 or the EVTCHNOP's errno. */
int pv_close(evtchn_port_t port);
int pv_notify(evtchn_port_t port);

/* Keeps a port's events back; lets them in again, also one that came meanwhile. */
void pv_mask(evtchn_port_t port);
void pv_unmask(evtchn_port_t port);

/* The shared bits of a port; and how many of its events were handled since it was bound. */
bool pv_port_pending(evtchn_port_t port);
bool pv_port_masked(evtchn_port_t port);
void pv_clear_pending(evtchn_port_t port);
unsigned long pv_event_count(evtchn_port_t port);

/* ---- This vCPU's upcalls (vcpu_info.evtchn_upcall_mask) ---- */

void pv_events_disable(void);
void pv_events_enable(void);      /* what is pending is delivered before it returns */
bool pv_events_enabled(void);
bool pv_events_save(void);        /* disables; returns whether they were enabled */
void pv_events_restore(bool enabled);

/*
 * Sleeps until an event can be delivered, with events enabled (SCHEDOP_block).  Call it with
 * events disabled after finding nothing to do, so that no wake-up is lost.
 */
void pv_block(void);

/* Sleeps until `cond`, which event handlers make true.  Leaves events enabled. */
#define PV_WAIT_UNTIL(cond)                                                                \
    do {                                                                                   \
        pv_events_disable();                                                               \
        while (!(cond)) {                                                                  \
            pv_block();                                                                    \
            pv_events_disable();                                                           \
        }                                                                                  \
        pv_events_enable();                                                                \
    } while (0)

/*
 * Sleeps until one of the ports is pending or system time reaches `deadline` (ns; 0: none), with
 * no need to enable events (SCHEDOP_poll).  Returns 0 or the errno.
 */
int pv_poll(const evtchn_port_t *ports, unsigned int nr, uint64_t deadline);

#endif
