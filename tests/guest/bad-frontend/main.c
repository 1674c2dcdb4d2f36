/* SPDX-License-Identifier: MIT */
/*
 * A guest whose disk's frontend breaks the rules, in the way that `how=` on its command line names.
 * Most connect as they should, say so, and from there write into the ring themselves. At last it
 * says when the control domain has let go of all that it was lent.
 */
#include <pvguest/blkfront.h>
#include <pvguest/guest.h>

#define DISK_DIR "device/vbd/51712"
#define MAX_LENT 64u

static struct pv_blkfront front;
static grant_ref_t lent[MAX_LENT];
static unsigned int nr_lent;

static void failed(struct pv_blkfront *f)
{
    (void)f;
}

static grant_ref_t lend_page(void)
{
    grant_ref_t ref = (grant_ref_t)pv_grant(front.backend_id, pv_va_to_mfn(pv_alloc_page()), false);

    if (nr_lent < MAX_LENT)
        lent[nr_lent++] = ref;
    return ref;
}

/* A good read of the disk's first page, for the caller to spoil; its frame is granted. */
static struct blkif_request *good_request(void)
{
    struct blkif_request *r = RING_GET_REQUEST(&front.ring, front.ring.req_prod_pvt);

    *r = (struct blkif_request){ .operation = BLKIF_OP_READ, .nr_segments = 1 };
    r->seg[0].gref = lend_page();
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

/* Waits for the answer to the request that was sent last, and says what it is. */
static void say_answer(const char *what)
{
    struct blkif_sring *sring = front.ring.sring;
    RING_IDX last = front.ring.req_prod_pvt;

    while (__atomic_load_n(&sring->rsp_prod, __ATOMIC_ACQUIRE) != last)
        pv_sleep_ns(10 * PV_NS_PER_MS);
    pv_printf("bad-frontend: %s: answer %d\n", what,
              RING_GET_RESPONSE(&front.ring, last - 1)->status);
}

/* Writes to a disk that it may only read; and if it could, what nobody wrote there. */
static void readonly(void)
{
    good_request()->operation = BLKIF_OP_WRITE;
    send(1);
    say_answer("readonly");
}

static void unknown(void)
{
    good_request()->operation = 77;
    send(1);
    say_answer("unknown");
}

/* The first frame of our grant table, mapped once more; NULL if it can't be. */
static struct grant_entry_v1 *table(void)
{
    struct gnttab_setup_table op = { .dom = DOMID_SELF, .nr_frames = 1 };
    uint64_t va = pv_vmap_alloc(1);
    xen_pfn_t frame;

    set_xen_guest_handle(op.frame_list, &frame);
    if (HYPERVISOR_grant_table_op(GNTTABOP_setup_table, &op, 1) || op.status != GNTST_okay ||
        pv_map(va, pv_mfn(frame), PV_PROT_RW))
        return NULL;
    return (struct grant_entry_v1 *)va;
}

/* Takes all frames back by force while their requests are under way; then uses one again. */
static void clears(void)
{
    struct grant_entry_v1 *entry = table();
    struct blkif_request *r;

    for (unsigned int i = 0; i < PV_BLK_REQUESTS - 1; i++) {
        good_request();
        send(1);
    }
    for (unsigned int i = 0; entry && i < nr_lent; i++)
        __atomic_store_n(&entry[lent[i]].flags, 0, __ATOMIC_SEQ_CST);
    r = good_request();
    r->seg[0].gref = lent[0];
    send(1);
}

/* Its states say what they like, with the ring full. */
static void say(const char *state)
{
    for (unsigned int i = 0; i < PV_BLK_REQUESTS; i++) {
        good_request();
        send(1);
    }
    pv_xenbus_write(PV_XENBUS_NIL, DISK_DIR "/state", state);
}

static void quits(void)
{
    say("5");
}

static void gone(void)
{
    say("6");
}

static void restarts(void)
{
    say("1");
}

static void babbles(void)
{
    say("a state of mind");
}

static void vanishes(void)
{
    say("4");
    pv_xenbus_rm(PV_XENBUS_NIL, DISK_DIR "/state");
}

/*
 * A full ring that the backend takes as one: long reads and writes of one granted frame, but for
 * the last segment of one in the middle.
 */
static void batch(void)
{
    grant_ref_t ref = good_request()->seg[0].gref;

    for (unsigned int i = 0; i < PV_BLK_REQUESTS; i++) {
        struct blkif_request *r = RING_GET_REQUEST(&front.ring, i);

        *r = (struct blkif_request){
            .operation = i % 2 ? BLKIF_OP_WRITE : BLKIF_OP_READ, .id = i,
            .nr_segments = PV_BLK_SEGMENTS, .sector_number = front.sectors / 2,
        };
        for (unsigned int j = 0; j < PV_BLK_SEGMENTS; j++)
            r->seg[j] = (struct blkif_request_segment){ ref, 0, 7 };
        if (i == PV_BLK_REQUESTS / 2)
            r->seg[PV_BLK_SEGMENTS - 1].gref = 0xfffffff0;
    }
    send(PV_BLK_REQUESTS);
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

/* Rings all that it can, for nothing, and has a CPU of its own for that. */
static void rings(void)
{
    for (;;) {
        pv_notify(front.port);
        pv_notify(pv_start_info->console.domU.evtchn);
        pv_notify(pv_start_info->store_evtchn);
    }
}

/* What a frontend offers that never gets as far as a connection. */
static void offer(const char *ring, const char *port, const char *protocol)
{
    pv_xenbus_write(PV_XENBUS_NIL, DISK_DIR "/ring-ref", ring);
    pv_xenbus_write(PV_XENBUS_NIL, DISK_DIR "/event-channel", port);
    pv_xenbus_write(PV_XENBUS_NIL, DISK_DIR "/protocol", protocol);
    pv_xenbus_write(PV_XENBUS_NIL, DISK_DIR "/state", "3");
}

static void silent(void)
{
}

static void no_ring(void)
{
    offer("4294967295", "1", "x86_64-abi");
}

static void big_ring(void)
{
    offer("99999999999999999999999", "1", "x86_64-abi");
}

static void no_port(void)
{
    char ring[16];

    snprintf(ring, sizeof(ring), "%u", lend_page());
    offer(ring, "1000", "x86_64-abi");
}

static void protocol(void)
{
    char ring[16];

    snprintf(ring, sizeof(ring), "%u", lend_page());
    offer(ring, "1", "x86_32-abi");
}

static bool connect(void)
{
    front.failed = failed;
    while (front.state < PV_STATE_CONNECTED) {
        pv_blkfront_update(&front);
        pv_sleep_ns(10 * PV_NS_PER_MS);
    }
    return front.state == PV_STATE_CONNECTED;
}

/* Whether nothing of ours is mapped any more; what is not is then ours again. */
static bool let_go(void)
{
    while (nr_lent && !pv_grant_end(lent[nr_lent - 1]))
        nr_lent--;
    if (nr_lent || !front.ring.sring)
        return !nr_lent;
    if (pv_grant_end(front.ring_ref))
        return false;
    front.ring.sring = NULL;
    return true;
}

static const struct {
    const char *name;
    bool connected;
    void (*run)(void);
} ways[] = {
    { "jump", true, jump },           { "back", true, back },
    { "beyond", true, beyond },       { "overflow", true, overflow },
    { "segments", true, segments },   { "sectors", true, sectors },
    { "reference", true, reference }, { "revoked", true, revoked },
    { "clears", true, clears },       { "quits", true, quits },
    { "gone", true, gone },           { "restarts", true, restarts },
    { "babbles", true, babbles },     { "vanishes", true, vanishes },
    { "readonly", true, readonly },   { "unknown", true, unknown },
    { "batch", true, batch },         { "busy", true, busy },
    { "rings", true, rings },         { "silent", false, silent },
    { "no-ring", false, no_ring },    { "big-ring", false, big_ring },
    { "no-port", false, no_port },    { "protocol", false, protocol },
};

int guest_main(const struct start_info *si)
{
    char how[16] = "";

    (void)si;
    pv_option("how", how, sizeof(how));
    if (pv_gnttab_init() || pv_xenbus_init(NULL) || pv_blkfront_init(&front, DISK_DIR))
        pv_panic("bad-frontend: no disk\n");
    for (size_t i = 0; i < PV_ARRAY_SIZE(ways); i++) {
        if (strcmp(ways[i].name, how))
            continue;
        if (ways[i].connected)
            pv_printf("bad-frontend: %s: %s\n", how, connect() ? "connected" : "not connected");
        ways[i].run();
    }
    while (!let_go())
        pv_sleep_ns(10 * PV_NS_PER_MS);
    pv_printf("bad-frontend: %s: all is let go\n", how);
    /* It stays, and answers nothing. */
    for (;;)
        pv_sleep_ns(PV_NS_PER_SEC);
}
