/* SPDX-License-Identifier: MIT */
/*
 * A guest whose disk's frontend breaks the rules, in the way that `how=` on its command line names.
 * It connects as it should, says so, and from there writes into the ring itself.
 */
#include <pvguest/blkfront.h>
#include <pvguest/guest.h>

#define DISK_DIR "device/vbd/51712"

static struct pv_blkfront front;

static void failed(struct pv_blkfront *f)
{
    (void)f;
}

/* A good read of the disk's first page, for the caller to spoil; its frame is granted. */
static struct blkif_request *good_request(void)
{
    struct blkif_request *r = RING_GET_REQUEST(&front.ring, front.ring.req_prod_pvt);
    void *page = pv_alloc_page();

    *r = (struct blkif_request){ .operation = BLKIF_OP_READ, .nr_segments = 1 };
    r->seg[0].gref = (grant_ref_t)pv_grant(front.backend_id, pv_va_to_mfn(page), false);
    r->seg[0].last_sect = 7;
    return r;
}

static void send(unsigned int requests)
{
    front.ring.req_prod_pvt += requests;
    RING_PUSH_REQUESTS(&front.ring);
    pv_notify(front.port);
}

static void jump(void)
{
    good_request();
    send(1000);
}

static void back(void)
{
    good_request();
    send(1);
    pv_sleep_ns(PV_NS_PER_SEC / 5);
    send(-1u);
}

static void beyond(void)
{
    good_request()->sector_number = front.sectors - 1;
    send(1);
}

static void overflow(void)
{
    good_request()->sector_number = UINT64_MAX;
    send(1);
}

static void segments(void)
{
    good_request()->nr_segments = 255;
    send(1);
}

static void sectors(void)
{
    good_request()->seg[0].last_sect = 8;
    send(1);
}

static void reference(void)
{
    good_request()->seg[0].gref = 0xfffffff0;
    send(1);
}

/* The second of two segments is a reference that was taken back: the first must be undone. */
static void revoked(void)
{
    struct blkif_request *r = good_request();

    r->nr_segments = 2;
    r->seg[1] = r->seg[0];
    r->seg[1].gref = (grant_ref_t)pv_grant(front.backend_id, pv_va_to_mfn(pv_alloc_page()), false);
    pv_grant_end(r->seg[1].gref);
    send(1);
}

/* Good requests as fast as they go, and no look at an answer; it is ended in the middle of that. */
static void busy(void)
{
    for (;;) {
        while (front.ring.req_prod_pvt - front.ring.sring->rsp_prod < PV_BLK_REQUESTS) {
            struct blkif_request *r = RING_GET_REQUEST(&front.ring, front.ring.req_prod_pvt);
            static grant_ref_t ref;

            if (!ref)
                ref = good_request()->seg[0].gref;
            *r = (struct blkif_request){ .operation = BLKIF_OP_READ, .nr_segments = 1 };
            r->seg[0] = (struct blkif_request_segment){ ref, 0, 7 };
            send(1);
        }
    }
}

static bool connect(void)
{
    if (pv_gnttab_init() || pv_xenbus_init(NULL) || pv_blkfront_init(&front, DISK_DIR))
        return false;
    front.failed = failed;
    while (front.state < PV_STATE_CONNECTED) {
        pv_blkfront_update(&front);
        pv_sleep_ns(10 * PV_NS_PER_MS);
    }
    return front.state == PV_STATE_CONNECTED;
}

int guest_main(const struct start_info *si)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } ways[] = {
        { "jump", jump }, { "back", back }, { "beyond", beyond }, { "overflow", overflow },
        { "segments", segments }, { "sectors", sectors }, { "reference", reference },
        { "revoked", revoked }, { "busy", busy },
    };
    char how[16] = "";

    (void)si;
    pv_option("how", how, sizeof(how));
    pv_printf("bad-frontend: %s: %s\n", how, connect() ? "connected" : "not connected");
    for (size_t i = 0; i < PV_ARRAY_SIZE(ways); i++) {
        if (!strcmp(ways[i].name, how))
            ways[i].run();
    }
    /* It stays, and answers nothing. */
    for (;;)
        pv_sleep_ns(PV_NS_PER_SEC);
}
