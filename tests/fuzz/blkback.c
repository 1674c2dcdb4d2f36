/* SPDX-License-Identifier: MIT */
/*
 * A disk's ring as a guest may write it (pv-kernel/back/block.c): whatever requests and indices
 * come, and whenever they change, the disk is asked only for what is on it, in memory that is
 * mapped, and not to write what the guest may only read; there is at most one answer to a request;
 * and the connection can be ended at any time, after which nothing is mapped.
 */
#include "fuzz.h"

#define assert_true(c)            FUZZ_CHECK(c)
#define assert_int_equal(a, b)    FUZZ_CHECK((a) == (b))
#define assert_ptr_equal(a, b)    FUZZ_CHECK((a) == (b))
#define fail()                    abort()
#include "blkback_host.h"

enum { SUBMITTED, ANSWERED, REFUSED, ENDED, HELD, IN_THE_MIDDLE };
FUZZ_GOALS(GOAL("requests at the disk"), GOAL("answers"), GOAL("requests refused"),
           GOAL("connections ended by a fault"), GOAL("a port held back"),
           GOAL("an end with requests under way"))

#define SECTORS 64u
#define SLOTS   32u

static unsigned int answers;

/* ---- The disk ---- */

static int submit(struct block_device *bdev, struct bio *bio)
{
    uint64_t sectors = 0;

    FUZZ_CHECK(bio->op != BIO_WRITE || !back.readonly);
    FUZZ_CHECK(bio->nr_segments <= BLKIF_MAX_SEGMENTS_PER_REQUEST);
    for (unsigned int i = 0; i < bio->nr_segments; i++) {
        const struct bio_segment *s = &bio->segment[i];

        FUZZ_CHECK(s->mfn.nr >= 0x5000 && s->mfn.nr < 0x5000 + GOOD);
        FUZZ_CHECK(s->len && s->offset < PAGE_SIZE && s->len <= PAGE_SIZE - s->offset);
        sectors += s->len / SECTOR_SIZE;
    }
    FUZZ_CHECK(bio->op == BIO_FLUSH ||
               (bio->sector <= bdev->sectors && sectors <= bdev->sectors - bio->sector));
    if (host.refuse)
        return host.refuse;
    REACHED(SUBMITTED);
    list_add_tail(&host.at_disk, &bio->link);
    host.nr_at_disk++;
    return 0;
}

static void kick(struct block_device *bdev)
{
    (void)bdev;
    host.kicks++;
}

static const struct block_ops ops = { .submit = submit, .kick = kick };
static struct block_device disk;

/* Some of what the disk has ends. */
static void disk_answers(unsigned int nr, int error)
{
    while (nr-- > 0 && !list_empty(&host.at_disk)) {
        struct bio *bio = container_of(host.at_disk.next, struct bio, link);

        list_del(&bio->link);
        host.nr_at_disk--;
        bio->done(bio, error);
    }
    block_run_deferred();
}

/* ---- The frontend ---- */

static void attention(struct blkback *b)
{
    FUZZ_CHECK(b == &back);
    host.attention++;
}

static void write_request(struct fuzz_input *in)
{
    static const uint8_t ops_known[] = {
        BLKIF_OP_READ, BLKIF_OP_READ, BLKIF_OP_WRITE, BLKIF_OP_FLUSH_DISKCACHE,
        BLKIF_OP_DISCARD, BLKIF_OP_INDIRECT,
    };
    uint64_t how = fuzz_take(in, 1);
    struct blkif_request r = {
        .operation = how % 7 < 6 ? ops_known[how % 7] : (uint8_t)fuzz_take(in, 1),
        .nr_segments = (uint8_t)(how & 0x80 ? fuzz_take(in, 1) : 1 + how % 11),
        .sector_number = how & 0x40 ? fuzz_take(in, 8) : fuzz_take(in, 1) % 16, .id = how,
    };

    for (unsigned int i = 0; i < BLKIF_MAX_SEGMENTS_PER_REQUEST; i++) {
        uint64_t bits = fuzz_take(in, 1);

        r.seg[i].gref = bits == 0xff ? (grant_ref_t)fuzz_take(in, 4) : (grant_ref_t)bits % GOOD;
        r.seg[i].first_sect = bits == 0xfe ? (uint8_t)fuzz_take(in, 1) : bits % 4;
        r.seg[i].last_sect = bits == 0xfd ? (uint8_t)fuzz_take(in, 1) : bits % 4 + bits / 64;
    }
    sring->ring[sring->req_prod % SLOTS].req = r;
    /* No more than a good frontend has, or any index at all. */
    if (fuzz_take(in, 1) == 0xff)
        sring->req_prod = (uint32_t)fuzz_take(in, 4);
    else if (sring->req_prod - sring->rsp_prod < SLOTS)
        sring->req_prod++;
}

/* What the frontend can see is never more answers than requests were taken. */
static void look_at_answers(void)
{
    uint32_t seen = sring->rsp_prod;

    FUZZ_CHECK(seen == back.answered && seen - back.ring.req_cons - 1 >= UINT32_MAX - SLOTS);
    if (seen != answers)
        REACHED(ANSWERED);
    answers = seen;
}

static void step(struct fuzz_input *in)
{
    uint64_t what = fuzz_take(in, 1);

    switch (what % 8) {
    case 0:
    case 1:
    case 2:
        write_request(in);
        break;
    case 3:
        disk_answers((unsigned int)(what / 8) % 4, what & 0x80 ? -EIO : 0);
        break;
    case 4:
        host.refuse = what & 0x80 ? -EIO : 0;
        if (host.refuse)
            REACHED(REFUSED);
        break;
    case 5:
        blkback_serve(&back);
        break;
    default:
        for (uint64_t i = 0; i <= (what & 0x80 ? 40 : 0) && !back.ending; i++)
            host.handler(PORT, &back);
        if (back.held)
            REACHED(HELD);
    }
    look_at_answers();
}

static unsigned int nr_free(void)
{
    unsigned int nr = 0;

    for (const struct blkback_request *r = back.free; r; r = r->next)
        nr++;
    return nr;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };

    memset(&host, 0, sizeof(host));
    list_init(&host.at_disk);
    sring = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
    FUZZ_CHECK(sring != NULL);
    memset(sring, 0, PAGE_SIZE);
    disk = (struct block_device){ .sectors = SECTORS, .ops = &ops,
                                  .has_flush = fuzz_take(&in, 1) % 2 };
    back = (struct blkback){ .domid = DOMAIN, .bdev = &disk, .attention = attention,
                             .readonly = fuzz_take(&in, 1) % 4 == 0 };
    answers = 0;
    FUZZ_CHECK(blkback_connect(&back, 1, 1) == 0);
    while (in.size > 0 && !back.ending)
        step(&in);
    REACHED(back.ending ? ENDED : IN_THE_MIDDLE);
    blkback_end(&back, NULL);
    FUZZ_CHECK(blkback_disconnect(&back) == (back.under_way == 0));
    disk_answers(UINT32_MAX, 0);
    FUZZ_CHECK(back.under_way == 0 && nr_free() == BLKBACK_REQUESTS);
    FUZZ_CHECK(blkback_disconnect(&back) && host.mapped == 0);
    free(sring);
    return 0;
}
