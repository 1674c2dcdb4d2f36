/* SPDX-License-Identifier: MIT */
/* The kernel's own connection to the xenstore (xen/store.h). */
#include "xen/store.h"
#include "proc/proc.h"

static struct wait_queue waiters = WAIT_QUEUE_INIT(waiters);
static struct store_ring own;       /* page NULL: not made yet */
static bool started;

void store_wait(void)
{
    /* At boot there is no task that could sleep. */
    if (is_idle(current)) {
        pv_block();
        pv_events_disable();
    } else {
        wait_uninterruptible(&waiters);
    }
}

void store_wake(void)
{
    wake_up(&waiters);
}

static const struct pv_xenbus_hooks hooks = { store_wait, store_wake };

static int make_ring(void)
{
    int port;

    own.page = pv_alloc_page();
    if (!own.page)
        return -ENOMEM;
    port = pv_alloc_unbound(DOMID_SELF, NULL, NULL);
    if (port < 0) {
        pv_free_page(own.page);
        own.page = NULL;
        return port;
    }
    own.port = (evtchn_port_t)port;
    return 0;
}

int store_init(void)
{
    int rc;

    if (started)
        return 0;
    if (pv_start_info->store_evtchn) {
        rc = pv_xenbus_init(&hooks);
    } else {
        rc = make_ring();
        if (!rc)
            pv_xenbus_init_ring(own.page, own.port, &hooks);
    }
    started = !rc;
    return rc;
}

int store_ring(struct store_ring *ring)
{
    int rc = pv_start_info->store_evtchn ? -ENODEV : store_init();

    *ring = own;
    return rc;
}
