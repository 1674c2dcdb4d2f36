/* SPDX-License-Identifier: MIT */
/*
 * Which disks are served, as the xenstore has it: a directory backend/vbd/DOMAIN/DISK for each,
 * made by the toolstack, whose state node is ours. One thread acts on what changed; watches say
 * what to look at.
 *
 *     2  waiting: the disk is opened         (frontend 3: map the ring)
 *     4  connected                           (frontend 5, 6, gone, or a broken rule: end)
 *     5  closing: every mapping is undone    (frontend 6 or gone)
 *     6  closed; waits again if the frontend begins anew and the disk is still to be served
 */
#include "back/back.h"
#include "proc/proc.h"
#include "xen/store.h"
#include <pvguest/xenbus.h>

#define DIR        "backend/vbd"
#define PATH       96
#define NAMES_SIZE 2048
#define FIRST_DOMAIN 0              /* this one */

/*
 * The list and all but `changed` are the thread's alone, so it takes no lock though it sleeps at
 * each look at the store; event handlers set `changed`, and the ring's flags in blk.
 */
struct backend {
    struct blkback blk;
    char dir[PATH], frontend[PATH];
    enum pv_xenbus_state state;         /* ours */
    bool changed, listed;
    bool failed;                        /* it stays closed */
    bool answered;                      /* the frontend's wish to close */
    struct pv_xenbus_watch watch;       /* the frontend's state; path NULL: none */
    char frontend_state[PATH + 8];
    struct list link;
};

static struct list backends = { &backends, &backends };
static bool tree_changed;

/* ---- Nodes ---- */

static int read_text(const char *dir, const char *name, char *value, size_t size)
{
    char path[PATH + 32];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return pv_xenbus_read(PV_XENBUS_NIL, path, value, size);
}

static int read_number(const char *dir, const char *name, uint64_t *number)
{
    char path[PATH + 32];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return pv_xenbus_read_number(PV_XENBUS_NIL, path, number);
}

/* Our node `state`, by which the frontend and the toolstack know what we do (pvguest/xenbus.h). */
static void set_state(struct backend *b, enum pv_xenbus_state state)
{
    b->state = state;
    /* A directory that is gone needs none. */
    pv_xenbus_switch(b->dir, state);
}

/* ---- One backend's steps ---- */

/* For good: only a new directory begins anew. The toolstack reads state 6 as "it is not served". */
static void fail(struct backend *b, const char *what, int error)
{
    printk("blkback: disk %u of domain %u: %s (error %d)\n", b->blk.vdev, b->blk.domid, what,
           -error);
    b->failed = true;
    set_state(b, PV_STATE_CLOSED);
}

static void close_disk(struct backend *b)
{
    if (b->blk.bdev)
        b->blk.bdev->users--;
    b->blk.bdev = NULL;
}

/* From nothing, or closed: opens the disk and waits for the frontend. */
static void open_disk(struct backend *b)
{
    char name[64], mode[8];
    int rc = read_text(b->dir, "params", name, sizeof(name));

    if (rc >= 0)
        rc = read_text(b->dir, "mode", mode, sizeof(mode));
    if (rc < 0) {
        fail(b, "its directory lacks params or mode", rc);
        return;
    }
    b->blk.bdev = block_find(name);
    if (!b->blk.bdev) {
        fail(b, "no such disk here", -ENODEV);
        return;
    }
    b->blk.bdev->users++;
    b->answered = false;
    b->blk.readonly = mode[0] != 'w' || b->blk.bdev->readonly;
    set_state(b, PV_STATE_INIT_WAIT);
}

/* What the frontend must know of the disk, and that it may begin. */
static int describe_disk(pv_xenbus_tx_t tx, void *context)
{
    const struct backend *b = context;
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {
        { "sectors", b->blk.bdev->sectors },
        { "sector-size", SECTOR_SIZE },
        { "info", b->blk.readonly ? VDISK_READONLY : 0 },
        { "feature-flush-cache", b->blk.bdev->has_flush },
        { "state", PV_STATE_CONNECTED },
    };
    char path[PATH + 32];
    int rc = 0;

    for (size_t i = 0; !rc && i < ARRAY_SIZE(numbers); i++) {
        snprintf(path, sizeof(path), "%s/%s", b->dir, numbers[i].name);
        rc = pv_xenbus_printf(tx, path, "%lu", numbers[i].value);
    }
    return rc;
}

/* The ring that the frontend offers; it need not name a protocol. */
static int read_offer(const struct backend *b, uint64_t *ring, uint64_t *port)
{
    char protocol[32] = "x86_64-abi";
    int rc = read_text(b->frontend, "protocol", protocol, sizeof(protocol));

    if (rc < 0 && rc != -ENOENT)
        return rc;
    if (strcmp(protocol, "x86_64-abi"))
        return -EPROTONOSUPPORT;
    rc = read_number(b->frontend, "ring-ref", ring);
    if (!rc)
        rc = read_number(b->frontend, "event-channel", port);
    return !rc && (*ring > UINT32_MAX || *port > UINT32_MAX) ? -EINVAL : rc;
}

/*
 * Maps the ring first and says "connected" last, all that the disk is in the same transaction: a
 * frontend that sees state 4 finds the other nodes.
 */
static void connect(struct backend *b)
{
    uint64_t ring, port;
    int rc = read_offer(b, &ring, &port);

    if (!rc)
        rc = blkback_connect(&b->blk, (grant_ref_t)ring, (evtchn_port_t)port);
    if (rc) {
        close_disk(b);
        fail(b, "the frontend's ring can't be used", rc);
        return;
    }
    b->state = PV_STATE_CONNECTED;
    if (pv_xenbus_transaction(describe_disk, b))
        blkback_end(&b->blk, "a store that refuses what the disk is");
    /* What came before the port had a handler has rung already. */
    blkback_serve(&b->blk);
}

/* Ends the connection as far as it can be at the moment. */
static void step_closing(struct backend *b, enum pv_xenbus_state theirs)
{
    blkback_end(&b->blk, NULL);
    if (!blkback_disconnect(&b->blk))
        return;
    close_disk(b);
    if (theirs == PV_STATE_CLOSED || theirs == PV_STATE_UNKNOWN)
        set_state(b, PV_STATE_CLOSED);
    else if (b->state != PV_STATE_CLOSING || (theirs == PV_STATE_CLOSING && !b->answered))
        set_state(b, PV_STATE_CLOSING);
    /* Once: a frontend that asked to close must hear of a change after that. */
    b->answered = theirs == PV_STATE_CLOSING;
}

/* The toolstack asks for the end by the state, or by removing the directory. */
static bool asked_to_end(struct backend *b)
{
    uint64_t online;

    return !b->listed || (!read_number(b->dir, "online", &online) && !online);
}

/* One look at both sides' states, and at most one step; the table is at this file's top. */
static void update(struct backend *b)
{
    enum pv_xenbus_state theirs = pv_xenbus_state(b->frontend);
    bool end = asked_to_end(b);

    if (b->state == PV_STATE_CONNECTED || b->state == PV_STATE_CLOSING) {
        if (end || b->blk.ending || b->state == PV_STATE_CLOSING ||
            theirs >= PV_STATE_CLOSING || theirs == PV_STATE_UNKNOWN)
            step_closing(b, end ? PV_STATE_CLOSED : theirs);
    } else if (b->state == PV_STATE_INIT_WAIT) {
        if (end || theirs >= PV_STATE_CLOSING)
            step_closing(b, PV_STATE_CLOSED);
        else if (theirs == PV_STATE_INITIALISED)
            connect(b);
    } else if (!end && !b->failed && theirs == PV_STATE_INITIALISING) {
        open_disk(b);
    }
}

/* ---- The tree ---- */

/* A ring that holds more needs no look at the store. */
static void attention(struct blkback *blk)
{
    if (blk->ending)
        container_of(blk, struct backend, blk)->changed = true;
    store_wake();
}

static void frontend_changed(struct pv_xenbus_watch *watch, const char *path)
{
    (void)path;
    container_of(watch, struct backend, watch)->changed = true;
}

static void backends_changed(struct pv_xenbus_watch *watch, const char *path)
{
    (void)watch;
    (void)path;
    tree_changed = true;
}

static struct backend *find(const char *dir)
{
    struct list *pos;

    list_for_each(pos, &backends) {
        struct backend *b = container_of(pos, struct backend, link);

        if (!strcmp(b->dir, dir))
            return b;
    }
    return NULL;
}

/* The frontend's nodes are where the toolstack says; what is in them is the guest's word. */
static int watch_frontend(struct backend *b)
{
    uint64_t domid;
    int rc = read_number(b->dir, "frontend-id", &domid);

    if (!rc && domid >= DOMID_FIRST_RESERVED)
        rc = -EINVAL;
    if (rc)
        return rc;
    b->blk.domid = (domid_t)domid;
    rc = read_text(b->dir, "frontend", b->frontend, sizeof(b->frontend));
    if (rc < 0)
        return rc;
    snprintf(b->frontend_state, sizeof(b->frontend_state), "%s/state", b->frontend);
    b->watch.path = b->frontend_state;
    b->watch.changed = frontend_changed;
    return pv_xenbus_watch(&b->watch);
}

static void add_backend(const char *dir, const char *vdev)
{
    struct backend *b = kmalloc(sizeof(*b));
    int rc;

    if (!b) {
        printk("blkback: %s: no memory\n", dir);
        return;
    }
    strlcpy(b->dir, dir, sizeof(b->dir));
    for (const char *c = vdev; *c >= '0' && *c <= '9'; c++)
        b->blk.vdev = b->blk.vdev * 10 + (unsigned int)(*c - '0');
    b->blk.attention = attention;
    b->state = PV_STATE_INITIALISING;
    b->listed = b->changed = true;
    rc = watch_frontend(b);
    if (rc) {
        printk("blkback: %s: no frontend (error %d)\n", dir, -rc);
        kfree(b);
        return;
    }
    list_add_tail(&backends, &b->link);
}

/* All that are in the tree are listed and looked at; new ones are added. */
static void list_disks(const char *domain)
{
    static char names[NAMES_SIZE];
    char dir[PATH];
    int size;

    snprintf(dir, sizeof(dir), DIR "/%s", domain);
    size = pv_xenbus_directory(PV_XENBUS_NIL, dir, names, sizeof(names));
    for (int i = 0; i < size; i += (int)strlen(names + i) + 1) {
        struct backend *b;

        snprintf(dir, sizeof(dir), DIR "/%s/%s", domain, names + i);
        b = find(dir);
        if (b)
            b->listed = true;
        else
            add_backend(dir, names + i);
    }
}

/* A list that can't be had says nothing of those that are served. */
static void look_at_tree(void)
{
    static char domains[NAMES_SIZE];
    int size = pv_xenbus_directory(PV_XENBUS_NIL, DIR, domains, sizeof(domains));
    struct list *pos;

    if (size < 0 && size != -ENOENT) {
        printk("blkback: the list of disks to serve can't be read (error %d)\n", -size);
        return;
    }
    list_for_each(pos, &backends) {
        struct backend *b = container_of(pos, struct backend, link);

        b->listed = false;
        b->changed = true;
    }
    for (int i = 0; i < size; i += (int)strlen(domains + i) + 1)
        list_disks(domains + i);
}

/* One whose directory is gone goes, too, once it is closed. */
static void remove_if_over(struct backend *b)
{
    if (b->listed || b->blk.connected)
        return;
    close_disk(b);
    pv_xenbus_unwatch(&b->watch);
    list_del(&b->link);
    kfree(b);
}

/* A ring that holds more has its next turn here; a look at the store, which sleeps, comes after. */
static void update_all(void)
{
    struct list *pos, *next;

    list_for_each_safe(pos, next, &backends) {
        struct backend *b = container_of(pos, struct backend, link);

        if (b->blk.more)
            blkback_serve(&b->blk);
        if (b->changed) {
            b->changed = false;
            update(b);
            remove_if_over(b);
        }
    }
}

static bool any_changed(void)
{
    struct list *pos;

    list_for_each(pos, &backends) {
        const struct backend *b = container_of(pos, struct backend, link);

        if (b->changed || b->blk.more)
            return true;
    }
    return tree_changed;
}

static void worker(void *arg)
{
    static struct pv_xenbus_watch watch = { .changed = backends_changed, .path = DIR };
    int rc = pv_xenbus_watch(&watch);

    (void)arg;
    if (rc)
        printk("blkback: the store can't be watched (error %d); no disks are served\n", -rc);
    while (!rc) {
        if (tree_changed) {
            tree_changed = false;
            look_at_tree();
        }
        update_all();
        if (any_changed())
            yield();
        else
            store_wait();
    }
    do_exit(0);
}

/*
 * A grant to ourselves, mapped and unmapped: what the hypervisor needs to remember mappings it
 * takes from free memory at the first one, and a guest's life should not change that.
 */
static int try_grants(void)
{
    void *page = pv_alloc_page();
    int ref = page ? pv_grant(FIRST_DOMAIN, pv_va_to_mfn(page), false) : -ENOMEM;
    struct pv_grant_page mapping;
    int rc;

    if (ref < 0) {
        if (page)
            pv_free_page(page);
        return ref;
    }
    rc = pv_grant_map_page(&mapping, FIRST_DOMAIN, (grant_ref_t)ref);
    if (!rc)
        rc = pv_grant_unmap_page(&mapping);
    if (!rc)
        rc = pv_grant_end((grant_ref_t)ref);
    if (!rc)
        pv_free_page(page);
    return rc;
}

void backends_init(void)
{
    int rc = store_init();

    if (!rc)
        rc = pv_gnttab_init();
    if (!rc)
        rc = try_grants();
    if (!rc && !kthread_create(worker, NULL, "blkback"))
        rc = -ENOMEM;
    if (rc)
        printk("pv-kernel: no disks can be served (error %d)\n", -rc);
}
