/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own connection to the xenstore (pvguest/xenbus.h), for drivers.
 *
 * In the control domain the daemon is a program of this very kernel: the ring is made here, and
 * the daemon gets it through /dev/xen/xenbus_backend. Requests made before it runs wait for it.
 */
#ifndef PVK_STORE_H
#define PVK_STORE_H

#include "kernel.h"

/* Starts the connection; a second call does nothing. 0 or negative errno. */
int store_init(void);
/* Sleeps until something came from the store, or store_wake; looks again in a loop. */
void store_wait(void);
void store_wake(void);          /* also from event handlers */

/* The control domain's ring; -ENODEV where the daemon is elsewhere. */
struct store_ring {
    void *page;
    evtchn_port_t port;
};
int store_ring(struct store_ring *ring);

#endif
