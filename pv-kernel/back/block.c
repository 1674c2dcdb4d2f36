/* SPDX-License-Identifier: MIT */
/*
 * Serves the ring of a disk (back/back.h). Requests go to the disk's driver as bios on the granted
 * frames themselves: a grant is mapped for devices only, which costs no page-table entry, gives its
 * machine frame, and keeps the frame where it is until it is unmapped.
 *
 * Runs in event handlers: the ring's takes requests, the driver's completes them.
 */
#include "back/back.h"

#define SECTORS_PER_PAGE (PAGE_SIZE / SECTOR_SIZE)
/* Requests that are taken at a time; then others get their turn. */
#define TAKE_LIMIT 64

/* ---- Answers ---- */

static void respond(struct blkback *b, uint64_t id, uint8_t operation, int16_t status)
{
    struct blkif_response *out;
    int notify;

    if (b->ending)
        return;
    out = RING_GET_RESPONSE(&b->ring, b->ring.rsp_prod_pvt);
    *out = (struct blkif_response){ .id = id, .operation = operation, .status = status };
    b->ring.rsp_prod_pvt++;
    RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&b->ring, notify);
    if (notify)
        pv_notify(b->port);
}

/* ---- Grants ---- */

static void unmap_segments(struct blkback_request *r, unsigned int nr)
{
    struct gnttab_unmap_grant_ref ops[BLKIF_MAX_SEGMENTS_PER_REQUEST];

    if (!nr)
        return;
    for (unsigned int i = 0; i < nr; i++)
        ops[i] = (struct gnttab_unmap_grant_ref){
            .dev_bus_addr = r->bio.segment[i].mfn.nr << PAGE_SHIFT, .handle = r->handle[i],
        };
    pv_grant_unmap(ops, nr);
    for (unsigned int i = 0; i < nr; i++)
        BUG_ON(ops[i].status != GNTST_okay);
}

/* Maps all of the request's grants, or none. */
static bool map_segments(struct blkback_request *r, const struct blkif_request *in)
{
    struct gnttab_map_grant_ref ops[BLKIF_MAX_SEGMENTS_PER_REQUEST];
    unsigned int mapped = 0;

    for (unsigned int i = 0; i < in->nr_segments; i++)
        ops[i] = (struct gnttab_map_grant_ref){
            .flags = GNTMAP_device_map | (r->bio.op == BIO_WRITE ? GNTMAP_readonly : 0),
            .ref = in->seg[i].gref, .dom = r->owner->domid,
        };
    pv_grant_map(ops, in->nr_segments);
    for (unsigned int i = 0; i < in->nr_segments; i++) {
        const struct blkif_request_segment *s = &in->seg[i];

        if (ops[i].status != GNTST_okay)
            continue;
        r->handle[mapped] = ops[i].handle;
        r->bio.segment[mapped++] = (struct bio_segment){
            .mfn = pv_mfn(ops[i].dev_bus_addr >> PAGE_SHIFT),
            .offset = (uint32_t)(s->first_sect * SECTOR_SIZE),
            .len = (uint32_t)((s->last_sect - s->first_sect + 1u) * SECTOR_SIZE),
        };
    }
    if (mapped == in->nr_segments)
        return true;
    unmap_segments(r, mapped);
    return false;
}

/* ---- One request ---- */

static void release(struct blkback_request *r)
{
    struct blkback *b = r->owner;

    r->next_free = b->free;
    b->free = r;
    b->under_way--;
    if (b->ending && !b->under_way)
        b->attention(b);
}

static void bio_done(struct bio *bio, int error)
{
    struct blkback_request *r = bio->private;

    unmap_segments(r, bio->nr_segments);
    respond(r->owner, r->id, r->operation, error == -EOPNOTSUPP ? BLKIF_RSP_EOPNOTSUPP :
            error ? BLKIF_RSP_ERROR : BLKIF_RSP_OKAY);
    release(r);
}

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

static struct blkback_request *new_request(struct blkback *b, const struct blkif_request *in)
{
    struct blkback_request *r = b->free;

    /* The ring has no more slots than there are requests. */
    BUG_ON(!r);
    b->free = r->next_free;
    b->under_way++;
    r->owner = b;
    r->id = in->id;
    r->operation = in->operation;
    r->bio.sector = in->sector_number;
    r->bio.nr_segments = 0;
    r->bio.done = bio_done;
    r->bio.private = r;
    return r;
}

static void start(struct blkback_request *r)
{
    int rc = block_submit(r->owner->bdev, &r->bio);

    if (rc)
        bio_done(&r->bio, rc);
}

/* Answers the request at once and ends the connection. */
static void reject(struct blkback *b, const struct blkif_request *in, const char *why)
{
    respond(b, in->id, in->operation, BLKIF_RSP_ERROR);
    blkback_end(b, why);
}

static void transfer(struct blkback *b, const struct blkif_request *in, enum bio_op op)
{
    const char *fault = find_fault(b, in);
    struct blkback_request *r;

    if (fault) {
        reject(b, in, fault);
        return;
    }
    if (op == BIO_WRITE && b->readonly) {
        respond(b, in->id, in->operation, BLKIF_RSP_ERROR);
        return;
    }
    r = new_request(b, in);
    r->bio.op = op;
    if (!map_segments(r, in)) {
        reject(b, in, "a grant that can't be mapped");
        release(r);
        return;
    }
    r->bio.nr_segments = in->nr_segments;
    start(r);
}

static void flush(struct blkback *b, const struct blkif_request *in)
{
    struct blkback_request *r = new_request(b, in);

    r->bio.op = BIO_FLUSH;
    start(r);
}

static void handle(struct blkback *b, const struct blkif_request *in)
{
    if (in->operation == BLKIF_OP_READ)
        transfer(b, in, BIO_READ);
    else if (in->operation == BLKIF_OP_WRITE)
        transfer(b, in, BIO_WRITE);
    else if (in->operation == BLKIF_OP_FLUSH_DISKCACHE && b->bdev->has_flush)
        flush(b, in);
    else
        respond(b, in->id, in->operation, BLKIF_RSP_EOPNOTSUPP);
}

/* ---- The ring ---- */

void blkback_serve(struct blkback *b)
{
    unsigned int taken = 0;
    int more = 1;

    b->more = false;
    while (more && !b->ending && taken < TAKE_LIMIT) {
        uint32_t prod = __atomic_load_n(&b->ring.sring->req_prod, __ATOMIC_ACQUIRE);

        if (RING_REQUEST_PROD_OVERFLOW(&b->ring, prod) ||
            prod - b->ring.rsp_prod_pvt < b->ring.req_cons - b->ring.rsp_prod_pvt) {
            blkback_end(b, "a ring index that jumped");
            return;
        }
        while (b->ring.req_cons != prod && !b->ending && taken < TAKE_LIMIT) {
            struct blkif_request in;

            RING_COPY_REQUEST(&b->ring, b->ring.req_cons, &in);
            b->ring.req_cons++;
            taken++;
            handle(b, &in);
        }
        RING_FINAL_CHECK_FOR_REQUESTS(&b->ring, more);
    }
    if (more && !b->ending) {
        b->more = true;
        b->attention(b);
    }
}

static void ring_event(evtchn_port_t port, void *data)
{
    (void)port;
    blkback_serve(data);
}

/* ---- A connection's beginning and end ---- */

int blkback_connect(struct blkback *b, grant_ref_t ring, evtchn_port_t port)
{
    int rc = pv_grant_map_page(&b->page, b->domid, ring);

    if (rc)
        return rc;
    BACK_RING_INIT(&b->ring, (struct blkif_sring *)b->page.va, PAGE_SIZE);
    b->ending = b->more = false;
    b->free = NULL;
    for (unsigned int i = 0; i < BLKBACK_REQUESTS; i++) {
        b->request[i].next_free = b->free;
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
