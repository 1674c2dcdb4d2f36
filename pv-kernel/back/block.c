/* SPDX-License-Identifier: MIT */
/*
 * Serves the ring of a disk (back/back.h). Requests go to the disk's driver as bios on the granted
 * frames themselves: a grant is mapped for devices only, which costs no page-table entry, gives its
 * machine frame, and keeps the frame where it is until it is unmapped.
 *
 * Runs in event handlers: the ring's takes requests, the driver's completes them. Both work in
 * batches. Requests that are there together have their grants mapped in one hypercall and the disk
 * kicked once behind them; those that ended together are unmapped in one, and then answered.
 */
#include "back/back.h"

#define SECTORS_PER_PAGE (PAGE_SIZE / SECTOR_SIZE)
/* Requests that are taken at a time; then others get their turn. */
#define TAKE_LIMIT 64
/*
 * Events of a ring that are served where they arrive. Then the port is masked, and it is the
 * thread's turn: a frontend that rings without end, on a CPU of its own, would leave this one no
 * time for anything but its events.
 */
#define EVENT_LIMIT 32u
/* Grants that a hypercall maps or unmaps. */
#define BATCH      64u

/* ---- Answers ---- */

/*
 * Publishes the answers that were put into the ring, and rings if the frontend wants to hear of
 * them: it says so by rsp_event (xen/io/ring.h), the index at which it went to sleep.
 */
static void push_responses(struct blkback *b)
{
    int notify;

    if (b->ending || b->ring.rsp_prod_pvt == b->answered)
        return;
    b->answered = b->ring.rsp_prod_pvt;
    RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&b->ring, notify);
    if (notify)
        pv_notify(b->port);
}

/*
 * For the next push. Field by field: what lies between the fields is the frontend's to read, and a
 * structure that is stored as a whole may bring bytes of our stack there.
 */
static void respond(struct blkback *b, uint64_t id, uint8_t operation, int16_t status)
{
    struct blkif_response *out;

    if (b->ending)
        return;
    out = RING_GET_RESPONSE(&b->ring, b->ring.rsp_prod_pvt);
    out->id = id;
    out->operation = operation;
    out->status = status;
    b->ring.rsp_prod_pvt++;
}

/* ---- Ends of requests ---- */

/* A handle of ours that can't be unmapped would keep the frontend's frame for ever: our bug. */
static void unmap(struct gnttab_unmap_grant_ref *ops, unsigned int nr)
{
    if (nr)
        pv_grant_unmap(ops, nr);
    for (unsigned int i = 0; i < nr; i++)
        BUG_ON(ops[i].status != GNTST_okay);
}

/* Adds a request's segments to a batch of unmaps, which has room; returns how long that is now. */
static unsigned int add_unmaps(struct gnttab_unmap_grant_ref *ops, unsigned int nr,
                               const struct blkback_request *r)
{
    for (unsigned int i = 0; i < r->bio.nr_segments; i++)
        ops[nr++] = (struct gnttab_unmap_grant_ref){
            .dev_bus_addr = r->bio.segment[i].mfn.nr << PAGE_SHIFT, .handle = r->handle[i],
        };
    return nr;
}

/* All mappings of a list of requests, in as few hypercalls as the batches allow. */
static void unmap_all(const struct blkback_request *first)
{
    /* Too much for the stack of whom an event interrupts. */
    static struct gnttab_unmap_grant_ref ops[BATCH];
    unsigned int nr = 0;

    for (const struct blkback_request *r = first; r; r = r->next) {
        if (nr + r->bio.nr_segments > BATCH) {
            unmap(ops, nr);
            nr = 0;
        }
        nr = add_unmaps(ops, nr, r);
    }
    unmap(ops, nr);
}

/* Its record is free. The last one of a connection that ends lets the thread take that apart. */
static void release(struct blkback_request *r)
{
    struct blkback *b = r->owner;

    r->next = b->free;
    b->free = r;
    b->under_way--;
    if (b->ending && !b->under_way)
        b->attention(b);
}

/* The frames of all that ended are the frontend's again before it hears of any. */
static void finish(struct block_work *work)
{
    struct blkback *b = container_of(work, struct blkback, finish);
    struct blkback_request *r = b->ended;

    b->ended = NULL;
    b->last_ended = &b->ended;
    unmap_all(r);
    while (r) {
        struct blkback_request *next = r->next;

        respond(b, r->id, r->operation, r->status);
        release(r);
        r = next;
    }
    push_responses(b);
}

/*
 * There is an answer. It waits for those that end in the same batch (block/block.h), so that their
 * mappings go in one hypercall; the order of the list is that in which they ended.
 */
static void end_request(struct blkback_request *r, int16_t status)
{
    struct blkback *b = r->owner;

    r->status = status;
    r->next = NULL;
    *b->last_ended = r;
    b->last_ended = &r->next;
    block_defer(&b->finish);
}

/* The disk's answer; also from within block_submit(), for a disk that takes nothing. */
static void bio_done(struct bio *bio, int error)
{
    end_request(bio->private, error == -EOPNOTSUPP ? BLKIF_RSP_EOPNOTSUPP :
                              error ? BLKIF_RSP_ERROR : BLKIF_RSP_OKAY);
}

/* ---- Requests that are taken together ---- */

/*
 * Requests that passed all checks, and the maps that they need, in the same order: request i has
 * bio.nr_segments of them. start_batch() is called before a request would not fit any more.
 */
struct batch {
    unsigned int nr_requests, nr_maps;
    struct blkback_request *request[BLKBACK_REQUESTS];
    struct gnttab_map_grant_ref map[BATCH];
};

/* A record for a request that will be answered when its bio ends; it has no segments yet. */
static struct blkback_request *new_request(struct blkback *b, const struct blkif_request *in,
                                           enum bio_op op)
{
    struct blkback_request *r = b->free;

    /* The ring has no more slots than there are requests. */
    BUG_ON(!r);
    b->free = r->next;
    b->under_way++;
    r->owner = b;
    r->id = in->id;
    r->operation = in->operation;
    r->bio.op = op;
    r->bio.sector = in->sector_number;
    r->bio.nr_segments = 0;
    r->bio.done = bio_done;
    r->bio.private = r;
    return r;
}

/*
 * What is to be mapped, and which bytes of it. A disk that is written only reads the frames: a
 * guest may then lend us what it can't let anybody change.
 */
static void add_segments(struct batch *batch, struct blkback_request *r,
                         const struct blkif_request *in)
{
    for (unsigned int i = 0; i < in->nr_segments; i++) {
        const struct blkif_request_segment *s = &in->seg[i];

        batch->map[batch->nr_maps++] = (struct gnttab_map_grant_ref){
            .flags = GNTMAP_device_map | (r->bio.op == BIO_WRITE ? GNTMAP_readonly : 0),
            .ref = s->gref, .dom = r->owner->domid,
        };
        r->bio.segment[i] = (struct bio_segment){
            .offset = (uint32_t)(s->first_sect * SECTOR_SIZE),
            .len = (uint32_t)((s->last_sect - s->first_sect + 1u) * SECTOR_SIZE),
        };
    }
    r->bio.nr_segments = in->nr_segments;
}

/*
 * Enters what became of a request's maps. False: not all could be, and the request has only those
 * that were, to be undone.
 */
static bool take_maps(struct blkback_request *r, const struct gnttab_map_grant_ref *map)
{
    unsigned int nr = r->bio.nr_segments, mapped = 0;

    for (unsigned int i = 0; i < nr; i++) {
        if (map[i].status != GNTST_okay)
            continue;
        r->handle[mapped] = map[i].handle;
        r->bio.segment[mapped] = r->bio.segment[i];
        r->bio.segment[mapped++].mfn = pv_mfn(map[i].dev_bus_addr >> PAGE_SHIFT);
    }
    r->bio.nr_segments = mapped;
    return mapped == nr;
}

/* Maps what the batch needs and lets the disk begin. Its requests are for one disk. */
static void start_batch(struct blkback *b, struct batch *batch)
{
    const struct gnttab_map_grant_ref *map = batch->map;
    bool refused = false;

    if (!batch->nr_requests)
        return;
    if (batch->nr_maps)
        pv_grant_map(batch->map, batch->nr_maps);
    for (unsigned int i = 0; i < batch->nr_requests; i++) {
        struct blkback_request *r = batch->request[i];
        unsigned int nr = r->bio.nr_segments;
        int rc;

        if (!take_maps(r, map)) {
            refused = true;
            end_request(r, BLKIF_RSP_ERROR);
        } else if ((rc = block_submit(b->bdev, &r->bio))) {
            bio_done(&r->bio, rc);
        }
        map += nr;
    }
    batch->nr_requests = batch->nr_maps = 0;
    block_kick(b->bdev);
    block_run_deferred();
    if (refused)
        blkback_end(b, "a grant that can't be mapped");
}

/* ---- One request ---- */

/* What is wrong with a transfer's numbers; NULL: nothing. */
static const char *find_fault(const struct blkback *b, const struct blkif_request *in)
{
    uint64_t sectors = 0;

    if (!in->nr_segments || in->nr_segments > BLKIF_MAX_SEGMENTS_PER_REQUEST)
        return "a request without or with too many segments";
    for (unsigned int i = 0; i < in->nr_segments; i++) {
        const struct blkif_request_segment *s = &in->seg[i];

        if (s->first_sect > s->last_sect || s->last_sect >= SECTORS_PER_PAGE)
            return "a segment that is no part of a page";
        sectors += s->last_sect - s->first_sect + 1u;
    }
    if (in->sector_number > b->bdev->sectors || sectors > b->bdev->sectors - in->sector_number)
        return "a request beyond the end of the disk";
    return NULL;
}

/* Those before it go their way, it is answered at once, and the connection ends. */
static void reject(struct blkback *b, struct batch *batch, const struct blkif_request *in,
                   const char *why)
{
    start_batch(b, batch);
    respond(b, in->id, in->operation, BLKIF_RSP_ERROR);
    push_responses(b);
    blkback_end(b, why);
}

/*
 * A read or write. Numbers that make no sense end the connection, since whoever sends them keeps no
 * protocol; a write to a disk that may only be read is an error of that request alone.
 */
static void transfer(struct blkback *b, struct batch *batch, const struct blkif_request *in,
                     enum bio_op op)
{
    const char *fault = find_fault(b, in);
    struct blkback_request *r;

    if (fault) {
        reject(b, batch, in, fault);
        return;
    }
    if (op == BIO_WRITE && b->readonly) {
        respond(b, in->id, in->operation, BLKIF_RSP_ERROR);
        return;
    }
    if (batch->nr_maps + in->nr_segments > BATCH)
        start_batch(b, batch);
    r = new_request(b, in, op);
    add_segments(batch, r, in);
    batch->request[batch->nr_requests++] = r;
}

static void handle(struct blkback *b, struct batch *batch, const struct blkif_request *in)
{
    if (in->operation == BLKIF_OP_READ)
        transfer(b, batch, in, BIO_READ);
    else if (in->operation == BLKIF_OP_WRITE)
        transfer(b, batch, in, BIO_WRITE);
    else if (in->operation == BLKIF_OP_FLUSH_DISKCACHE && b->bdev->has_flush)
        batch->request[batch->nr_requests++] = new_request(b, in, BIO_FLUSH);
    else
        respond(b, in->id, in->operation, BLKIF_RSP_EOPNOTSUPP);
}

/* ---- The ring ---- */

/*
 * Takes what is there, at most @limit requests; returns how many.
 *
 * The producer's index is read once, and must lie between what we took and what the ring can hold
 * beyond our answers: not further on, which is RING_REQUEST_PROD_OVERFLOW, and not back, which
 * would be a distance to the answers smaller than our own. Each request is copied out of the page
 * before anything in it is looked at, for the frontend may change it under our hands.
 */
static unsigned int take_requests(struct blkback *b, struct batch *batch, unsigned int limit)
{
    uint32_t prod = __atomic_load_n(&b->ring.sring->req_prod, __ATOMIC_ACQUIRE);
    unsigned int taken = 0;

    if (RING_REQUEST_PROD_OVERFLOW(&b->ring, prod) ||
        prod - b->ring.rsp_prod_pvt < b->ring.req_cons - b->ring.rsp_prod_pvt) {
        blkback_end(b, "a ring index that jumped");
        return 0;
    }
    while (b->ring.req_cons != prod && !b->ending && taken < limit) {
        struct blkif_request in;

        RING_COPY_REQUEST(&b->ring, b->ring.req_cons, &in);
        b->ring.req_cons++;
        taken++;
        handle(b, batch, &in);
    }
    return taken;
}

/*
 * Until the ring is empty and the frontend knows that it must ring for the next request, which is
 * what RING_FINAL_CHECK_FOR_REQUESTS arranges; or until it is the turn of others.
 */
static void serve(struct blkback *b)
{
    static struct batch batch;      /* empty between calls, which do not overlap */
    unsigned int taken = 0;
    int more = 1;

    b->more = false;
    while (more && !b->ending && taken < TAKE_LIMIT) {
        taken += take_requests(b, &batch, TAKE_LIMIT - taken);
        start_batch(b, &batch);
        push_responses(b);
        RING_FINAL_CHECK_FOR_REQUESTS(&b->ring, more);
    }
    if (more && !b->ending) {
        b->more = true;
        b->attention(b);
    }
}

void blkback_serve(struct blkback *b)
{
    b->events = 0;
    if (b->held && !b->ending)
        pv_unmask(b->port);
    b->held = false;
    serve(b);
}

/* The frontend rings. See EVENT_LIMIT: too often, and its port is silent until the thread ran. */
static void ring_event(evtchn_port_t port, void *data)
{
    struct blkback *b = data;

    if (b->events++ < EVENT_LIMIT) {
        serve(b);
        return;
    }
    pv_mask(port);
    b->held = b->more = true;
    b->attention(b);
}

/* ---- A connection's beginning and end ---- */

int blkback_connect(struct blkback *b, grant_ref_t ring, evtchn_port_t port)
{
    int rc = pv_grant_map_page(&b->page, b->domid, ring);

    if (rc)
        return rc;
    BACK_RING_INIT(&b->ring, (struct blkif_sring *)b->page.va, PAGE_SIZE);
    b->ending = b->more = b->held = false;
    b->events = 0;
    b->answered = 0;
    b->last_ended = &b->ended;
    b->finish.run = finish;
    b->free = NULL;
    for (unsigned int i = 0; i < BLKBACK_REQUESTS; i++) {
        b->request[i].next = b->free;
        b->free = &b->request[i];
    }
    rc = pv_bind_interdomain(b->domid, port, ring_event, b);
    if (rc < 0) {
        BUG_ON(pv_grant_unmap_page(&b->page));
        return rc;
    }
    b->port = (evtchn_port_t)rc;
    b->connected = true;
    return 0;
}

void blkback_end(struct blkback *b, const char *why)
{
    if (!b->connected || b->ending)
        return;
    if (why)
        printk("blkback: disk %u of domain %u: ended by %s\n", b->vdev, b->domid, why);
    b->ending = true;
    pv_mask(b->port);
    b->attention(b);
}

bool blkback_disconnect(struct blkback *b)
{
    if (!b->connected)
        return true;
    if (!b->ending || b->under_way)
        return false;
    pv_close(b->port);
    BUG_ON(pv_grant_unmap_page(&b->page));
    b->connected = false;
    return true;
}
