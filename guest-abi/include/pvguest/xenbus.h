/* SPDX-License-Identifier: MIT */
/*
 * A client of the xenstore over a ring (xen/io/xs_wire.h).
 *
 * Calls sleep until their answer is there; one request is under way at a time, the others wait for
 * their turn.  All but the watch callbacks are for ordinary context, not for event handlers.
 * Functions return 0 or what they say, or a negative errno (xen/errno.h): the store's own, -XEN_EIO
 * for a store that does not keep the protocol, -XEN_E2BIG for what does not fit.
 */
#ifndef PVGUEST_XENBUS_H
#define PVGUEST_XENBUS_H

#include <pvguest/types.h>
#include <xen/event_channel.h>
#include <xen/io/xs_wire.h>

/*
 * How the kernel waits: wait() is called with events disabled when there is nothing to do, and
 * returns so when wake() has been called meanwhile, or sooner; wake() is called by event handlers.
 * The default halts the vCPU.
 */
struct pv_xenbus_hooks {
    void (*wait)(void);
    void (*wake)(void);
};

/*
 * Starts on a ring: the page's address and our port, whose handler it sets.  pv_xenbus_init takes
 * those of start_info; -XEN_ENODEV without any.  hooks may be NULL.
 */
int pv_xenbus_init(const struct pv_xenbus_hooks *hooks);
void pv_xenbus_init_ring(struct xenstore_domain_interface *ring, evtchn_port_t port,
                         const struct pv_xenbus_hooks *hooks);

/* What the states of a device's two sides mean. */
enum pv_xenbus_state {
    PV_STATE_UNKNOWN, PV_STATE_INITIALISING, PV_STATE_INIT_WAIT, PV_STATE_INITIALISED,
    PV_STATE_CONNECTED, PV_STATE_CLOSING, PV_STATE_CLOSED,
};

/* A transaction's number; PV_XENBUS_NIL: none. */
typedef uint32_t pv_xenbus_tx_t;
#define PV_XENBUS_NIL 0u

/* The value, ended by NUL; returns its length. */
int pv_xenbus_read(pv_xenbus_tx_t tx, const char *path, char *value, size_t size);
/* The same for a decimal number; -XEN_EINVAL if it is none. */
int pv_xenbus_read_number(pv_xenbus_tx_t tx, const char *path, uint64_t *number);
/* Names, each with its NUL; returns their total size. */
int pv_xenbus_directory(pv_xenbus_tx_t tx, const char *path, char *names, size_t size);
int pv_xenbus_write(pv_xenbus_tx_t tx, const char *path, const char *value);
int pv_xenbus_printf(pv_xenbus_tx_t tx, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int pv_xenbus_rm(pv_xenbus_tx_t tx, const char *path);

/* pv_xenbus_end: -XEN_EAGAIN: others changed what it saw, do it all again. */
int pv_xenbus_begin(pv_xenbus_tx_t *tx);
int pv_xenbus_end(pv_xenbus_tx_t tx, bool commit);
/*
 * Calls change() in a transaction, and again for as long as others change what it saw.  If it
 * returns anything but 0, nothing is changed, and that is returned.
 */
int pv_xenbus_transaction(int (*change)(pv_xenbus_tx_t tx, void *context), void *context);

/*
 * Calls `changed` when the node or one below it changes, and once at once: from an event handler,
 * with the changed path.  The structure is the caller's, and the library's until pv_xenbus_unwatch.
 */
struct pv_xenbus_watch {
    void (*changed)(struct pv_xenbus_watch *watch, const char *path);
    const char *path;
    struct pv_xenbus_watch *next;
};
int pv_xenbus_watch(struct pv_xenbus_watch *watch);
int pv_xenbus_unwatch(struct pv_xenbus_watch *watch);

/*
 * The state in a device's directory; PV_STATE_UNKNOWN if there is none.  pv_xenbus_switch writes a
 * new one unless the node is gone.
 */
enum pv_xenbus_state pv_xenbus_state(const char *dir);
int pv_xenbus_switch(const char *dir, enum pv_xenbus_state state);

#endif
