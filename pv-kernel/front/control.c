/* SPDX-License-Identifier: MIT */
/*
 * Requests of the toolstack to this domain as a whole: the node control/shutdown, relative to the
 * domain's own part of the store. Who asks writes what is wanted there; the guest takes it, which
 * shows as an empty node again, and then does it. control/feature-NAME says what it will do.
 *
 * The machine ends at once: programs are not asked, and files that are not on a disk are gone, as
 * with `poweroff -f`. What was written to disks is flushed first.
 */
#include "front/front.h"
#include "block/block.h"
#include "proc/proc.h"
#include "xen/store.h"
#include <pvguest/xenbus.h>

#define NODE "control/shutdown"

static const struct {
    const char *name;
    unsigned int reason;
    const char *feature;            /* NULL: goes without saying */
} requests[] = {
    { "poweroff", SHUTDOWN_poweroff, "control/feature-poweroff" },
    { "halt", SHUTDOWN_poweroff, NULL },
    { "reboot", SHUTDOWN_reboot, "control/feature-reboot" },
};

static bool changed;                /* set by the watch, in an event handler */

static void node_changed(struct pv_xenbus_watch *watch, const char *path)
{
    (void)watch;
    (void)path;
    changed = true;
}

struct taken {
    char what[16];
};

/* In a transaction: a request that is withdrawn meanwhile is not obeyed, and none is lost. */
static int take_request(pv_xenbus_tx_t tx, void *context)
{
    struct taken *taken = context;
    int rc = pv_xenbus_read(tx, NODE, taken->what, sizeof(taken->what));

    if (rc <= 0)
        taken->what[0] = '\0';
    return rc <= 0 ? rc : pv_xenbus_write(tx, NODE, "");
}

static void obey(void)
{
    struct taken taken = { "" };
    int rc = pv_xenbus_transaction(take_request, &taken);

    /* The node may be gone: then nobody can ask. */
    if (rc && rc != -ENOENT)
        printk("pv-kernel: a request in " NODE " can't be taken (error %d)\n", -rc);
    if (rc || !taken.what[0])
        return;
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
        if (!strcmp(taken.what, requests[i].name)) {
            printk("pv-kernel: asked to end: %s\n", taken.what);
            block_flush_all();
            guest_exit(requests[i].reason);
        }
    }
    printk("pv-kernel: asked for %s, which is not known here\n", taken.what);
}

static void worker(void *arg)
{
    (void)arg;
    for (;;) {
        while (changed) {
            changed = false;
            obey();
        }
        store_wait();
    }
}

int control_init(void)
{
    static struct pv_xenbus_watch watch = { .changed = node_changed, .path = NODE };
    int rc = store_init();

    for (size_t i = 0; !rc && i < ARRAY_SIZE(requests); i++) {
        if (requests[i].feature)
            rc = pv_xenbus_write(PV_XENBUS_NIL, requests[i].feature, "1");
    }
    if (!rc)
        rc = pv_xenbus_watch(&watch);
    if (!rc && !kthread_create(worker, NULL, "control"))
        rc = -ENOMEM;
    return rc;
}
