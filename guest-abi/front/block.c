/* SPDX-License-Identifier: MIT */
/*
 * The frontend of a disk (pvguest/blkfront.h).
 *
 * The ring is only touched with events disabled, on vCPU 0.  The backend may write anything into
 * it: responses are copied before they are looked at, and one that can't be, or an index that
 * jumps, ends the connection.  What was pushed is counted apart from it, by front->pushed.
 *
 * A slot's references are its own until each is taken back, which sets it to 0; the frame of one
 * that is not is still the backend's to write, so the request that lent it has not ended, whatever
 * the backend answered.
 */
#include "../internal.h"
#include <pvguest/blkfront.h>

#define SECTORS_PER_PAGE (PV_PAGE_SIZE / 512)

/* ---- Paths ---- */

static int read_number(const char *dir, const char *name, uint64_t *number)
{
    char path[PV_BLK_PATH + 24];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return pv_xenbus_read_number(PV_XENBUS_NIL, path, number);
}

/* What the toolstack has written about the device; nothing is offered to the backend yet. */
int pv_blkfront_init(struct pv_blkfront *front, const char *dir)
{
    char path[PV_BLK_PATH + 24];
    uint64_t id, vdev;
    int rc;

    memset(front, 0, sizeof(*front));
    if (strlcpy(front->dir, dir, sizeof(front->dir)) >= sizeof(front->dir))
        return -XEN_E2BIG;
    snprintf(path, sizeof(path), "%s/backend", dir);
    rc = pv_xenbus_read(PV_XENBUS_NIL, path, front->backend, sizeof(front->backend));
    if (rc < 0)
        return rc;
    rc = read_number(dir, "backend-id", &id);
    if (!rc)
        rc = read_number(dir, "virtual-device", &vdev);
    if (rc)
        return rc;
    if (id >= DOMID_FIRST_RESERVED)
        return -XEN_EINVAL;
    front->backend_id = (domid_t)id;
    front->vdev = (unsigned int)vdev;
    front->state = PV_STATE_INITIALISING;
    for (unsigned int i = 0; i < PV_BLK_REQUESTS; i++)
        front->free[front->nr_free++] = (uint8_t)i;
    return 0;
}

/* ---- Requests ---- */

/* For a frame that the backend had no request for yet: it has no reason to keep it. */
static void take_back(grant_ref_t ref)
{
    if (pv_grant_end(ref))
        pv_printf("blkfront: the backend keeps grant %u mapped; it is lost\n", ref);
}

/* False: the backend keeps some of the slot's frames. */
static bool take_frames_back(struct pv_blkfront *front, unsigned int slot)
{
    bool all = true;

    for (unsigned int i = 0; i < front->slot[slot].request->nr_segments; i++) {
        grant_ref_t *ref = &front->slot[slot].ref[i];

        if (*ref && pv_grant_end(*ref))
            all = false;
        else
            *ref = 0;
    }
    return all;
}

/*
 * Ends the slot's request, whose frames are its owner's again.  False: they are not, and so it goes
 * on; a frame that somebody else can write must not be used for anything.
 */
static bool finish(struct pv_blkfront *front, unsigned int slot, int error)
{
    struct pv_blk_request *r = front->slot[slot].request;

    if (!take_frames_back(front, slot))
        return false;
    front->slot[slot].request = NULL;
    front->free[front->nr_free++] = (uint8_t)slot;
    r->done(r, error);
    return true;
}

/* What is under way fails, as far as the backend lets go of it; returns how many it keeps. */
static unsigned int fail_all(struct pv_blkfront *front)
{
    unsigned int kept = 0;

    for (unsigned int i = 0; i < PV_BLK_REQUESTS; i++)
        kept += front->slot[i].request && !finish(front, i, -XEN_EIO);
    return kept;
}

/* The connection is of no use any more. */
static void disconnect(struct pv_blkfront *front)
{
    unsigned int kept;

    if (front->port)
        pv_close(front->port);
    front->port = 0;
    kept = fail_all(front);
    if (kept)
        pv_printf("blkfront: %s: the backend keeps frames of %u requests\n", front->dir, kept);
    if (!front->ring.sring)
        return;
    /* A page that is still granted is nobody's to use. */
    if (pv_grant_end(front->ring_ref))
        pv_printf("blkfront: %s: the backend keeps the ring mapped\n", front->dir);
    else
        pv_free_page(front->ring.sring);
    front->ring.sring = NULL;
}

/* Any status that the ABI does not name is a failed request. */
static int response_error(int16_t status)
{
    return status == BLKIF_RSP_OKAY ? 0 :
           status == BLKIF_RSP_EOPNOTSUPP ? -XEN_EOPNOTSUPP : -XEN_EIO;
}

/* Takes the responses that are there.  False: the backend does not keep the protocol. */
static bool take_responses(struct pv_blkfront *front)
{
    uint32_t prod = __atomic_load_n(&front->ring.sring->rsp_prod, __ATOMIC_ACQUIRE);
    uint32_t under_way = front->pushed - front->ring.rsp_cons;

    if (prod - front->ring.rsp_cons > under_way)
        return false;
    while (front->ring.rsp_cons != prod) {
        struct blkif_response response;

        RING_COPY_RESPONSE(&front->ring, front->ring.rsp_cons, &response);
        front->ring.rsp_cons++;
        if (response.id >= PV_BLK_REQUESTS || !front->slot[response.id].request)
            return false;
        if (!finish(front, (unsigned int)response.id, response_error(response.status)))
            return false;
    }
    return true;
}

static void push(struct pv_blkfront *front)
{
    int notify;

    if (front->state != PV_STATE_CONNECTED || front->pushed == front->ring.req_prod_pvt)
        return;
    front->pushed = front->ring.req_prod_pvt;
    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&front->ring, notify);
    if (notify)
        pv_notify(front->port);
}

void pv_blkfront_push(struct pv_blkfront *front)
{
    bool enabled = pv_events_save();

    push(front);
    pv_events_restore(enabled);
}

/*
 * Takes responses until there are none after a last look. At the first that makes no sense it stops
 * listening, for good, and tells the owner.
 */
static void ring_event(evtchn_port_t port, void *data)
{
    struct pv_blkfront *front = data;
    int more;

    do {
        if (!take_responses(front)) {
            pv_printf("blkfront: %s: the backend does not keep the protocol\n", front->dir);
            pv_mask(port);
            front->state = PV_STATE_CLOSING;
            front->failed(front);
            return;
        }
        RING_FINAL_CHECK_FOR_RESPONSES(&front->ring, more);
    } while (more);
    push(front);
}

/* Of our own side: what the backend would refuse, or worse, take. */
static bool valid(const struct pv_blk_request *r)
{
    if (r->nr_segments > PV_BLK_SEGMENTS)
        return false;
    for (unsigned int i = 0; i < r->nr_segments; i++) {
        if (r->segment[i].first > r->segment[i].last || r->segment[i].last >= SECTORS_PER_PAGE)
            return false;
    }
    return true;
}

/* Grants the request's frames; none on failure. */
static int grant_frames(struct pv_blkfront *front, const struct pv_blk_request *r,
                        grant_ref_t *refs)
{
    for (unsigned int i = 0; i < r->nr_segments; i++) {
        int ref = pv_grant(front->backend_id, r->segment[i].mfn, r->op == BLKIF_OP_WRITE);

        if (ref < 0) {
            while (i-- > 0)
                take_back(refs[i]);
            return ref;
        }
        refs[i] = (grant_ref_t)ref;
    }
    return 0;
}

/* In the ring's own memory, which the backend can write: nothing of it is read again. */
static void enqueue(struct pv_blkfront *front, const struct pv_blk_request *r, unsigned int slot)
{
    struct blkif_request *out = RING_GET_REQUEST(&front->ring, front->ring.req_prod_pvt);

    *out = (struct blkif_request){
        .operation = r->op, .nr_segments = r->nr_segments, .handle = (uint16_t)front->vdev,
        .id = slot, .sector_number = r->sector,
    };
    for (unsigned int i = 0; i < r->nr_segments; i++)
        out->seg[i] = (struct blkif_request_segment){
            front->slot[slot].ref[i], r->segment[i].first, r->segment[i].last,
        };
    front->ring.req_prod_pvt++;
}

/*
 * With events disabled. Frames are granted before the slot is taken, so a failure leaves nothing.
 */
static int submit(struct pv_blkfront *front, struct pv_blk_request *r)
{
    unsigned int slot;
    int rc;

    if (front->state != PV_STATE_CONNECTED)
        return -XEN_EIO;
    if (!front->nr_free || RING_FULL(&front->ring))
        return -XEN_EBUSY;
    slot = front->free[front->nr_free - 1];
    rc = grant_frames(front, r, front->slot[slot].ref);
    if (rc)
        return rc;
    front->nr_free--;
    front->slot[slot].request = r;
    enqueue(front, r, slot);
    return 0;
}

int pv_blkfront_submit(struct pv_blkfront *front, struct pv_blk_request *request)
{
    bool enabled;
    int rc;

    if (!valid(request))
        return -XEN_EINVAL;
    if (front->readonly && request->op != BLKIF_OP_READ)
        return -XEN_EROFS;
    enabled = pv_events_save();
    rc = submit(front, request);
    pv_events_restore(enabled);
    return rc;
}

/* ---- States ---- */

/* Tells the backend where the ring is. */
static int write_offer(pv_xenbus_tx_t tx, void *context)
{
    const struct pv_blkfront *front = context;
    const struct {
        const char *name;
        unsigned int value;
    } numbers[] = {
        { "ring-ref", front->ring_ref }, { "event-channel", front->port },
        { "state", PV_STATE_INITIALISED },
    };
    char path[PV_BLK_PATH + 24];
    int rc;

    snprintf(path, sizeof(path), "%s/protocol", front->dir);
    rc = pv_xenbus_write(tx, path, "x86_64-abi");
    for (size_t i = 0; !rc && i < PV_ARRAY_SIZE(numbers); i++) {
        snprintf(path, sizeof(path), "%s/%s", front->dir, numbers[i].name);
        rc = pv_xenbus_printf(tx, path, "%u", numbers[i].value);
    }
    return rc;
}

/* A page for the ring, a grant of it, a port; what fails takes all of them back. */
static int offer_ring(struct pv_blkfront *front)
{
    struct blkif_sring *sring = pv_alloc_page();
    int rc;

    if (!sring)
        return -XEN_ENOMEM;
    XEN_FRONT_RING_INIT(&front->ring, sring, PV_PAGE_SIZE);
    front->pushed = 0;
    rc = pv_grant(front->backend_id, pv_va_to_mfn(sring), false);
    if (rc < 0) {
        front->ring.sring = NULL;
        pv_free_page(sring);
        return rc;
    }
    front->ring_ref = (grant_ref_t)rc;
    rc = pv_alloc_unbound(front->backend_id, ring_event, front);
    if (rc >= 0) {
        front->port = (evtchn_port_t)rc;
        /* All nodes at once: the backend acts on the state, and must find the others then. */
        rc = pv_xenbus_transaction(write_offer, front);
    }
    if (rc < 0)
        disconnect(front);
    else
        front->state = PV_STATE_INITIALISED;
    return rc < 0 ? rc : 0;
}

/* The backend is connected: what is the disk? */
static int connect(struct pv_blkfront *front)
{
    uint64_t info = 0, flush = 0;
    int rc = read_number(front->backend, "sectors", &front->sectors);

    /* A disk whose size in bytes is no number. */
    if (!rc && front->sectors > UINT64_MAX / 512)
        rc = -XEN_EINVAL;
    if (!rc)
        rc = read_number(front->backend, "info", &info);
    if (rc)
        return rc;
    front->readonly = info & VDISK_READONLY;
    /* Without the node it can't. */
    if (!read_number(front->backend, "feature-flush-cache", &flush))
        front->has_flush = flush;
    rc = pv_xenbus_switch(front->dir, PV_STATE_CONNECTED);
    if (!rc)
        front->state = PV_STATE_CONNECTED;
    return rc;
}

void pv_blkfront_close(struct pv_blkfront *front)
{
    bool enabled = pv_events_save();

    front->state = PV_STATE_CLOSED;
    disconnect(front);
    pv_events_restore(enabled);
    pv_xenbus_switch(front->dir, PV_STATE_CLOSED);
}

/* Asks the backend to let go of our frames; once it has, its state says so. */
static void begin_close(struct pv_blkfront *front)
{
    front->state = PV_STATE_CLOSING;
    front->told = true;
    pv_xenbus_switch(front->dir, PV_STATE_CLOSING);
}

/* The backend's frames are ours again once it is closed, gone, or has answered our closing. */
static void step_closing(struct pv_blkfront *front, enum pv_xenbus_state theirs)
{
    if (theirs == PV_STATE_CLOSED || theirs == PV_STATE_UNKNOWN ||
        (front->told && theirs == PV_STATE_CLOSING))
        pv_blkfront_close(front);
    else if (!front->told)
        begin_close(front);
}

/* Looks again for what it kept. */
static void retry_kept(struct pv_blkfront *front)
{
    bool enabled = pv_events_save();

    fail_all(front);
    pv_events_restore(enabled);
}

/*
 * One step of the handshake, by what both sides' states are now: called whenever the backend's may
 * have changed.
 */
enum pv_xenbus_state pv_blkfront_update(struct pv_blkfront *front)
{
    enum pv_xenbus_state theirs = pv_xenbus_state(front->backend);
    int rc = 0;

    if (front->state == PV_STATE_CLOSED) {
        retry_kept(front);
        return front->state;
    }
    if (theirs == PV_STATE_INIT_WAIT && front->state == PV_STATE_INITIALISING)
        rc = offer_ring(front);
    else if (theirs == PV_STATE_CONNECTED && front->state == PV_STATE_INITIALISED)
        rc = connect(front);
    if (rc)
        pv_printf("blkfront: %s: cannot connect (error %d)\n", front->dir, -rc);
    if (rc || front->state == PV_STATE_CLOSING || theirs == PV_STATE_CLOSING ||
        theirs == PV_STATE_CLOSED ||
        (theirs == PV_STATE_UNKNOWN && front->state != PV_STATE_INITIALISING))
        step_closing(front, theirs);
    return front->state;
}
