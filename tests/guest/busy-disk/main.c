/* SPDX-License-Identifier: MIT */
/*
 * A guest that keeps its disk's ring full for ever, reads and writes by turns, each of as many
 * pages as a request can have, all over the disk. It is meant to be ended in the middle of that.
 *
 * What it writes tells what it is: each sector is filled with one number of 64 bits, of the mark
 * that the command line names and the sector's own number. What it reads must be made like that,
 * by whichever guest, or be zeros.
 */
#include <pvguest/blkfront.h>
#include <pvguest/guest.h>

#define DISK_DIR         "device/vbd/51712"
#define SECTOR           512u
#define PAGE_SECTORS     (PV_PAGE_SIZE / SECTOR)
#define REQUEST_SECTORS  (PV_BLK_SEGMENTS * PAGE_SECTORS)
/* Answers between two lines that say how it goes. */
#define REPORT           16u

struct transfer {
    struct pv_blk_request request;      /* first: its address is the transfer's */
    uint64_t *page[PV_BLK_SEGMENTS];
};

static struct pv_blkfront front;
static struct transfer transfers[PV_BLK_REQUESTS];
static unsigned int answers, wrong, under_way;
static uint64_t mark, next_slot;

static void failed(struct pv_blkfront *f)
{
    (void)f;
}

static uint64_t content(uint64_t sector)
{
    return mark << 32 | sector;
}

/* One word 64 times over, whose lower half is the sector's number; or zeros. */
static bool is_good_sector(const uint64_t *words, uint64_t sector)
{
    for (unsigned int i = 1; i < SECTOR / 8; i++) {
        if (words[i] != words[0])
            return false;
    }
    return !words[0] || (uint32_t)words[0] == sector;
}

static void check(const struct transfer *t)
{
    for (unsigned int i = 0; i < REQUEST_SECTORS; i++) {
        const uint64_t *page = t->page[i / PAGE_SECTORS];

        if (!is_good_sector(page + i % PAGE_SECTORS * (SECTOR / 8), t->request.sector + i))
            wrong++;
    }
}

static void fill(const struct transfer *t)
{
    for (unsigned int i = 0; i < REQUEST_SECTORS * (SECTOR / 8); i++)
        t->page[i / (PV_PAGE_SIZE / 8)][i % (PV_PAGE_SIZE / 8)] =
            content(t->request.sector + i / (SECTOR / 8));
}

static void send(struct transfer *t)
{
    uint64_t slots = front.sectors / REQUEST_SECTORS;

    t->request.sector = next_slot++ % slots * REQUEST_SECTORS;
    t->request.op = next_slot % 2 ? BLKIF_OP_READ : BLKIF_OP_WRITE;
    if (t->request.op == BLKIF_OP_WRITE)
        fill(t);
    if (pv_blkfront_submit(&front, &t->request))
        wrong++;
    else
        under_way++;
}

static void done(struct pv_blk_request *request, int error)
{
    struct transfer *t = (struct transfer *)request;

    under_way--;
    answers++;
    if (error)
        wrong++;
    else if (request->op == BLKIF_OP_READ)
        check(t);
    send(t);
}

static bool connect(void)
{
    if (pv_gnttab_init() || pv_xenbus_init(NULL) || pv_blkfront_init(&front, DISK_DIR))
        return false;
    front.failed = failed;
    while (front.state < PV_STATE_CONNECTED) {
        pv_blkfront_update(&front);
        pv_sleep_ns(PV_NS_PER_MS);
    }
    return front.state == PV_STATE_CONNECTED && front.sectors >= REQUEST_SECTORS;
}

static bool prepare(struct transfer *t)
{
    t->request.nr_segments = PV_BLK_SEGMENTS;
    t->request.done = done;
    for (unsigned int i = 0; i < PV_BLK_SEGMENTS; i++) {
        t->page[i] = pv_alloc_page();
        if (!t->page[i])
            return false;
        t->request.segment[i] = (struct pv_blk_segment){
            pv_va_to_mfn(t->page[i]), 0, PAGE_SECTORS - 1,
        };
    }
    return true;
}

int guest_main(const struct start_info *si)
{
    char text[16] = "0";
    unsigned int said = 0;

    (void)si;
    pv_option("mark", text, sizeof(text));
    for (const char *c = text; *c >= '0' && *c <= '9'; c++)
        mark = mark * 10 + (uint64_t)(*c - '0');
    for (unsigned int i = 0; i < PV_BLK_REQUESTS; i++) {
        if (!prepare(&transfers[i]))
            pv_panic("busy-disk: no memory\n");
    }
    if (!connect())
        pv_panic("busy-disk: not connected\n");
    pv_events_disable();
    for (unsigned int i = 0; i < PV_BLK_REQUESTS; i++)
        send(&transfers[i]);
    pv_blkfront_push(&front);
    for (;;) {
        pv_block();
        pv_events_disable();
        if (answers - said < REPORT && said)
            continue;
        said = answers;
        pv_printf("busy-disk: %u answers, %u wrong, %u under way\n", answers, wrong, under_way);
    }
}
