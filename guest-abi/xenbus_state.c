/* SPDX-License-Identifier: MIT */
/*
 * A device's state in the xenstore (pvguest/xenbus.h): requests as any others, by which the two
 * sides of a device tell each other how far they are.
 */
#include "internal.h"

enum pv_xenbus_state pv_xenbus_state(const char *dir)
{
    char path[128];
    uint64_t state;

    if (snprintf(path, sizeof(path), "%s/state", dir) >= (int)sizeof(path) ||
        pv_xenbus_read_number(PV_XENBUS_NIL, path, &state) || state > PV_STATE_CLOSED)
        return PV_STATE_UNKNOWN;
    return (enum pv_xenbus_state)state;
}

struct new_state {
    char path[128];
    enum pv_xenbus_state state;
};

static int change_state(pv_xenbus_tx_t tx, void *context)
{
    const struct new_state *new = context;
    char old[8];
    int rc = pv_xenbus_read(tx, new->path, old, sizeof(old));

    return rc < 0 ? rc : pv_xenbus_printf(tx, new->path, "%d", new->state);
}

/* In a transaction, so that a node that is being removed does not come back. */
int pv_xenbus_switch(const char *dir, enum pv_xenbus_state state)
{
    struct new_state new = { .state = state };

    if (snprintf(new.path, sizeof(new.path), "%s/state", dir) >= (int)sizeof(new.path))
        return -XEN_E2BIG;
    return pv_xenbus_transaction(change_state, &new);
}
