/* SPDX-License-Identifier: MIT */
/*
 * The disks that a guest was given (pvguest/blkfront.h) as block devices: xvda and so on.
 *
 * A bio is sent as requests of up to PV_BLK_SEGMENTS segments, all that there is room for at once.
 * Bios that find no room wait in the disk's queue, in order; whatever ends lets the next ones go.
 * All that runs in event handlers or with events disabled, so there are no locks.
 */
#include "front/front.h"
#include "block/block.h"
#include "proc/proc.h"
#include "xen/store.h"
#include <pvguest/blkfront.h>

#define XEN_DISK_MAJOR  202u
#define CONNECT_LIMIT   (10 * PV_NS_PER_SEC)    /* that the boot waits for the backends */
#define NAMES_SIZE      512

/*
 * A bio under way. It ends when all of it was sent and no request of it is out, or when sending
 * failed and those that are out came back; not before, for the backend has its frames until then.
 */
struct transfer {
    struct bio *bio;            /* NULL: the record is free */
    unsigned int sent;          /* segments that are in requests */
    uint64_t sector;            /* where they end on the disk */
    unsigned int under_way;     /* requests */
    bool all_sent;
    int error;
};

/*
 * A disk that the toolstack gave us. A bio waits in `queue`, or is a transfer: all in requests that
 * are out (parts), or partly, and then it is `current`, of which there is one at most. `changed` is
 * set by event handlers and cleared by the thread before it looks, so that no change is missed.
 */
struct disk {
    struct pv_blkfront front;
    struct block_device bdev;
    bool registered, changed;
    struct pv_xenbus_watch watch;
    char backend_state[PV_BLK_PATH + 8];
    struct list queue;          /* bios; the first may be sent in part: `current` */
    struct transfer *current;
    struct transfer transfers[PV_BLK_REQUESTS];
    struct part {
        struct pv_blk_request request;
        struct transfer *transfer;      /* NULL: free */
        struct disk *disk;
    } parts[PV_BLK_REQUESTS];
    struct list link;
};

static struct list disks = { &disks, &disks };

/* ---- Transfers ---- */

static void send_queue(struct disk *d);

/* The bio is its owner's again when nothing of it is out and nothing will be sent. */
static void end_if_done(struct transfer *t)
{
    struct bio *bio = t->bio;

    if (!t->all_sent || t->under_way)
        return;
    t->bio = NULL;
    bio->done(bio, t->error);
    block_run_deferred();
}

/* The frontend has the request's frames back, or it would not have come (guest-abi). */
static void part_done(struct pv_blk_request *request, int error)
{
    struct part *part = request->private;
    struct transfer *t = part->transfer;

    part->transfer = NULL;
    t->under_way--;
    if (error)
        t->error = error;
    end_if_done(t);
    send_queue(part->disk);
}

static struct part *free_part(struct disk *d)
{
    for (size_t i = 0; i < ARRAY_SIZE(d->parts); i++) {
        if (!d->parts[i].transfer)
            return &d->parts[i];
    }
    return NULL;
}

static struct transfer *free_transfer(struct disk *d)
{
    for (size_t i = 0; i < ARRAY_SIZE(d->transfers); i++) {
        if (!d->transfers[i].bio)
            return &d->transfers[i];
    }
    return NULL;
}

/* The transfer's next request; returns how many sectors it has. */
static uint64_t fill_request(const struct transfer *t, struct pv_blk_request *r)
{
    static const uint8_t ops[] = {
        [BIO_READ] = BLKIF_OP_READ, [BIO_WRITE] = BLKIF_OP_WRITE,
        [BIO_FLUSH] = BLKIF_OP_FLUSH_DISKCACHE,
    };
    uint64_t sectors = 0;

    r->op = ops[t->bio->op];
    r->sector = t->sector;
    r->nr_segments = (uint8_t)min(t->bio->nr_segments - t->sent, PV_BLK_SEGMENTS + 0u);
    for (unsigned int i = 0; i < r->nr_segments; i++) {
        const struct bio_segment *s = &t->bio->segment[t->sent + i];

        r->segment[i].mfn = s->mfn;
        r->segment[i].first = (uint8_t)(s->offset / SECTOR_SIZE);
        r->segment[i].last = (uint8_t)((s->offset + s->len) / SECTOR_SIZE - 1);
        sectors += s->len / SECTOR_SIZE;
    }
    return sectors;
}

/*
 * Sends one request of a transfer. False: no room now, in the ring or the grant table, and what is
 * out will make some: if nothing is, waiting would be for ever, and the lack of grants is an error.
 */
static bool send_part(struct disk *d, struct transfer *t)
{
    struct part *part = free_part(d);
    uint64_t sectors;
    int rc;

    if (!part)
        return false;
    sectors = fill_request(t, &part->request);
    rc = pv_blkfront_submit(&d->front, &part->request);
    if (rc == -EBUSY || (rc == -ENOSPC && d->front.nr_free < PV_BLK_REQUESTS))
        return false;
    if (rc) {
        t->error = rc;
        t->all_sent = true;
        return true;
    }
    part->transfer = t;
    t->under_way++;
    t->sent += part->request.nr_segments;
    t->sector += sectors;
    t->all_sent = t->sent == t->bio->nr_segments;
    return true;
}

/* The queue's first bio as a transfer; NULL: no room, or no bio. */
static struct transfer *next_transfer(struct disk *d)
{
    struct transfer *t;

    if (d->current || list_empty(&d->queue))
        return d->current;
    t = free_transfer(d);
    if (t) {
        struct bio *bio = container_of(d->queue.next, struct bio, link);

        list_del(&bio->link);
        *t = (struct transfer){ .bio = bio, .sector = bio->sector };
    }
    return t;
}

/* Sends what there is room for, in order. Published by kick(), or by the next answer's handler. */
static void send_queue(struct disk *d)
{
    struct transfer *t;

    while ((t = next_transfer(d))) {
        d->current = t;
        if (!send_part(d, t))
            return;
        if (t->all_sent) {
            d->current = NULL;
            end_if_done(t);
        }
    }
}

static int submit(struct block_device *bdev, struct bio *bio)
{
    struct disk *d = bdev->private;

    if (d->front.state != PV_STATE_CONNECTED)
        return -EIO;
    list_add_tail(&d->queue, &bio->link);
    send_queue(d);
    return 0;
}

static void kick(struct block_device *bdev)
{
    struct disk *d = bdev->private;

    pv_blkfront_push(&d->front);
}

static const struct block_ops disk_ops = { .submit = submit, .kick = kick };

/* ---- Disks that come and go ---- */

/* xvda is 202 * 256, and 16 numbers further is xvdb; those between are parts of a disk. */
static bool name_disk(struct disk *d)
{
    unsigned int minor = d->front.vdev & 0xff, major = d->front.vdev >> 8;

    if (major != XEN_DISK_MAJOR)
        return false;
    snprintf(d->bdev.name, sizeof(d->bdev.name), "xvd%c", 'a' + (char)(minor / 16));
    if (minor % 16)
        snprintf(d->bdev.name + 4, sizeof(d->bdev.name) - 4, "%u", minor % 16);
    return true;
}

static void announce(struct disk *d)
{
    int rc;

    d->bdev.sectors = d->front.sectors;
    d->bdev.readonly = d->front.readonly;
    d->bdev.has_flush = d->front.has_flush;
    d->bdev.ops = &disk_ops;
    d->bdev.private = d;
    rc = name_disk(d) ? block_register(&d->bdev) : -ENODEV;
    if (rc)
        printk("pv-kernel: no device for the disk %u (error %d)\n", d->front.vdev, -rc);
    d->registered = !rc;
}

/* One step of the frontend (pvguest/blkfront.h), and what that means for the device in /dev. */
static void update(struct disk *d)
{
    enum pv_xenbus_state state = pv_blkfront_update(&d->front);

    if (state == PV_STATE_CONNECTED && !d->registered)
        announce(d);
    /* One that is in use stays, and answers with errors. */
    if (state == PV_STATE_CLOSED && d->registered && !block_unregister(&d->bdev))
        d->registered = false;
}

static void backend_changed(struct pv_xenbus_watch *watch, const char *path)
{
    (void)path;
    container_of(watch, struct disk, watch)->changed = true;
}

static void front_failed(struct pv_blkfront *front)
{
    container_of(front, struct disk, front)->changed = true;
    store_wake();
}

/* From the directory device/vbd/@name; its watch fires at once, and so begins the first step. */
static int add_disk(const char *name)
{
    struct disk *d = kmalloc(sizeof(*d));
    char dir[PV_BLK_PATH];
    int rc;

    if (!d)
        return -ENOMEM;
    snprintf(dir, sizeof(dir), "device/vbd/%s", name);
    rc = pv_blkfront_init(&d->front, dir);
    if (rc) {
        kfree(d);
        return rc;
    }
    d->front.failed = front_failed;
    list_init(&d->queue);
    for (size_t i = 0; i < ARRAY_SIZE(d->parts); i++) {
        d->parts[i].disk = d;
        d->parts[i].request.done = part_done;
        d->parts[i].request.private = &d->parts[i];
    }
    list_add_tail(&disks, &d->link);
    snprintf(d->backend_state, sizeof(d->backend_state), "%s/state", d->front.backend);
    d->watch.path = d->backend_state;
    d->watch.changed = backend_changed;
    return pv_xenbus_watch(&d->watch);
}

/* Acts on all changes there are; returns how many disks are on their way to be connected. */
static unsigned int update_all(void)
{
    unsigned int waiting = 0;
    struct list *pos;

    list_for_each(pos, &disks) {
        struct disk *d = container_of(pos, struct disk, link);

        while (d->changed) {
            d->changed = false;
            update(d);
        }
        waiting += d->front.state < PV_STATE_CONNECTED;
    }
    return waiting;
}

static bool any_changed(void)
{
    struct list *pos;

    list_for_each(pos, &disks) {
        if (container_of(pos, struct disk, link)->changed)
            return true;
    }
    return false;
}

static void worker(void *arg)
{
    (void)arg;
    for (;;) {
        update_all();
        if (!any_changed())
            store_wait();
    }
}

/*
 * Programs may be started that expect their disk in /dev, so the boot waits for those that are on
 * their way, up to a limit; then the thread goes on with them.
 */
void frontends_init(void)
{
    uint64_t deadline = pv_system_time() + CONNECT_LIMIT;
    char names[NAMES_SIZE];
    int size, rc;

    rc = pv_gnttab_init();
    if (!rc)
        rc = store_init();
    size = rc ? rc : pv_xenbus_directory(PV_XENBUS_NIL, "device/vbd", names, sizeof(names));
    if (size == -ENOENT)
        return;
    for (int i = 0; i < size; i += (int)strlen(names + i) + 1) {
        rc = add_disk(names + i);
        if (rc)
            printk("pv-kernel: disk %s: error %d\n", names + i, -rc);
    }
    if (size < 0)
        printk("pv-kernel: no disks (error %d)\n", -size);
    while (update_all() && pv_system_time() < deadline) {
        if (!any_changed()) {
            timer_arm(deadline);
            store_wait();
        }
    }
    if (!list_empty(&disks) && !kthread_create(worker, NULL, "disks"))
        printk("pv-kernel: no memory for the disks' thread\n");
}
