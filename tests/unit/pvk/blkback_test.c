/* SPDX-License-Identifier: MIT */
/*
 * pv-kernel/back/block.c on pv-kernel/block/block.c, with a frontend, a hypervisor and a disk of
 * the test's own. What must hold for any frontend: each answer is for a request, every mapping is
 * undone, and a connection that ends can be taken apart.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "blkback_host.h"

#define SECTORS 1000u
#define SLOTS   32u

/* ---- The disk ---- */

static int submit(struct block_device *bdev, struct bio *bio)
{
    (void)bdev;
    if (host.refuse)
        return host.refuse;
    for (unsigned int i = 0; i < bio->nr_segments; i++)
        assert_in_range(bio->segment[i].mfn.nr, 0x5000, 0x5000 + GOOD - 1);
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

/* All that the disk has end, as in one interrupt. */
static void disk_answers(int error)
{
    while (!list_empty(&host.at_disk)) {
        struct bio *bio = container_of(host.at_disk.next, struct bio, link);

        list_del(&bio->link);
        host.nr_at_disk--;
        bio->done(bio, error);
    }
    block_run_deferred();
}

/* ---- The frontend ---- */

static struct blkif_front_ring front;
static unsigned int answers[3];         /* by minus the status */

static void attention(struct blkback *b)
{
    assert_ptr_equal(b, &back);
    host.attention++;
}

static int connect(void **state)
{
    (void)state;
    memset(&host, 0, sizeof(host));
    memset(&back, 0, sizeof(back));
    memset(answers, 0, sizeof(answers));
    list_init(&host.at_disk);
    sring = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
    XEN_FRONT_RING_INIT(&front, sring, PAGE_SIZE);
    disk = (struct block_device){ .sectors = SECTORS, .ops = &ops, .has_flush = true };
    back = (struct blkback){ .domid = DOMAIN, .bdev = &disk, .attention = attention };
    assert_int_equal(blkback_connect(&back, 2, 1), -EINVAL);
    assert_int_equal(blkback_connect(&back, 1, 2), -EINVAL);
    assert_int_equal(blkback_connect(&back, 1, 1), 0);
    return 0;
}

/* However it went, it can be ended, and nothing stays mapped. */
static int disconnect(void **state)
{
    (void)state;
    blkback_end(&back, NULL);
    assert_int_equal(blkback_disconnect(&back), back.under_way == 0);
    disk_answers(0);
    assert_true(blkback_disconnect(&back));
    assert_int_equal(host.mapped, 0);
    free(sring);
    return 0;
}

static struct blkif_request *add(uint8_t operation, uint8_t segments)
{
    struct blkif_request *r = RING_GET_REQUEST(&front, front.req_prod_pvt);

    *r = (struct blkif_request){
        .operation = operation, .nr_segments = segments, .id = front.req_prod_pvt,
    };
    for (unsigned int i = 0; i < min(segments, BLKIF_MAX_SEGMENTS_PER_REQUEST + 0u); i++)
        r->seg[i] = (struct blkif_request_segment){ i, 0, 7 };
    front.req_prod_pvt++;
    return r;
}

static void serve(void)
{
    RING_PUSH_REQUESTS(&front);
    blkback_serve(&back);
}

/* Takes all answers, counted by status; those for requests that were made, in order. */
static void take_answers(void)
{
    int more;

    assert_in_range(sring->rsp_prod - front.rsp_cons, 0, front.req_prod_pvt - front.rsp_cons);
    while (RING_HAS_UNCONSUMED_RESPONSES(&front)) {
        const struct blkif_response *r = RING_GET_RESPONSE(&front, front.rsp_cons);

        assert_in_range(-r->status, 0, 2);
        answers[-r->status]++;
        front.rsp_cons++;
    }
    RING_FINAL_CHECK_FOR_RESPONSES(&front, more);
    assert_false(more);
}

static void expect(unsigned int good, unsigned int errors, unsigned int unsupported)
{
    take_answers();
    assert_int_equal(answers[0], good);
    assert_int_equal(answers[1], errors);
    assert_int_equal(answers[2], unsupported);
}

/* ---- Batches ---- */

static void batch_goes_in_one(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        add(i == 1 ? BLKIF_OP_WRITE : BLKIF_OP_READ, 11);
    add(BLKIF_OP_FLUSH_DISKCACHE, 0);
    serve();
    assert_int_equal(host.maps, 1);
    assert_int_equal(host.mapped, 33);
    assert_int_equal(host.kicks, 1);
    assert_int_equal(host.nr_at_disk, 4);
    assert_int_equal(host.notified, 0);
    disk_answers(0);
    assert_int_equal(host.unmaps, 1);
    assert_int_equal(host.mapped, 0);
    assert_int_equal(host.notified, 1);
    expect(4, 0, 0);
    assert_int_equal(back.under_way, 0);
}

/* More than a batch holds; and round the ring some times. */
static void full_rings(void **state)
{
    (void)state;
    for (unsigned int round = 1; round <= 5; round++) {
        for (unsigned int i = 0; i < SLOTS; i++)
            add(BLKIF_OP_READ, 11);
        serve();
        assert_int_equal(host.nr_at_disk, SLOTS);
        assert_int_equal(host.mapped, SLOTS * 11);
        disk_answers(round == 5 ? -EIO : 0);
        assert_int_equal(host.mapped, 0);
        expect(min(round, 4u) * SLOTS, round == 5 ? SLOTS : 0, 0);
    }
    assert_false(back.ending);
}

static void refused_ones(void **state)
{
    (void)state;
    back.readonly = true;
    add(BLKIF_OP_WRITE, 1);
    add(BLKIF_OP_INDIRECT, 1);
    add(BLKIF_OP_DISCARD, 0);
    add(255, 0);
    add(BLKIF_OP_READ, 1);
    serve();
    assert_int_equal(host.maps, 1);
    expect(0, 1, 3);
    host.refuse = -EIO;
    add(BLKIF_OP_READ, 2);
    serve();
    expect(0, 2, 3);
    host.refuse = 0;
    disk.has_flush = false;
    add(BLKIF_OP_FLUSH_DISKCACHE, 0);
    serve();
    expect(0, 2, 4);
    disk_answers(-EOPNOTSUPP);
    expect(0, 2, 5);
    assert_false(back.ending);
}

#define ID (UINT64_MAX / 255 * 0xa5)

/*
 * Answers of each kind leave alone what lies between their fields, which is the frontend's to read:
 * there is what it wrote itself, a part of the request's id.
 */
static void answers_have_no_padding(void **state)
{
    static const size_t holes[] = { 9, 12, 13, 14, 15 };

    (void)state;
    _Static_assert(sizeof(struct blkif_response) == 16, "three fields and two holes");
    add(BLKIF_OP_READ, 1)->id = ID;
    add(BLKIF_OP_DISCARD, 0)->id = ID;
    serve();
    disk_answers(0);
    add(BLKIF_OP_READ, 12)->id = ID;
    serve();
    expect(1, 1, 1);
    for (unsigned int i = 0; i < 3; i++) {
        const uint8_t *answer = (uint8_t *)RING_GET_RESPONSE(&front, i);

        assert_int_equal(answer[8], i == 0 ? BLKIF_OP_DISCARD : BLKIF_OP_READ);
        for (size_t h = 0; h < ARRAY_SIZE(holes); h++)
            assert_int_equal(answer[holes[h]], ID & 0xff);
    }
}

/* ---- Frontends that break the rules ---- */

/* A good request, one that is spoiled, and a good one that may or may not be served. */
static void spoil(void (*how)(struct blkif_request *r))
{
    add(BLKIF_OP_READ, 3);
    how(add(BLKIF_OP_READ, 11));
    add(BLKIF_OP_READ, 3);
    serve();
    assert_true(back.ending);
    assert_true(host.attention > 0);
    assert_true(host.masked);
    expect(0, 1, 0);                    /* its own, and none behind it */
    disk_answers(0);
    expect(0, 1, 0);
    assert_int_equal(host.mapped, 0);
    assert_int_equal(back.under_way, 0);
}

static void no_segments(struct blkif_request *r)
{
    r->nr_segments = 0;
}

static void many_segments(struct blkif_request *r)
{
    r->nr_segments = 12;
}

static void sectors_that_fall(struct blkif_request *r)
{
    r->seg[10].first_sect = 5;
    r->seg[10].last_sect = 4;
}

static void sectors_outside(struct blkif_request *r)
{
    r->seg[3].last_sect = 8;
}

static void sectors_behind(struct blkif_request *r)
{
    r->sector_number = SECTORS - 11 * 8 + 1;
}

static void sectors_that_wrap(struct blkif_request *r)
{
    r->sector_number = UINT64_MAX;
}

static void bad_first_reference(struct blkif_request *r)
{
    r->seg[0].gref = GOOD;
}

static void bad_last_reference(struct blkif_request *r)
{
    r->seg[10].gref = UINT32_MAX;
}

static void all_references_bad(struct blkif_request *r)
{
    for (int i = 0; i < 11; i++)
        r->seg[i].gref = GOOD + (grant_ref_t)i;
}

static void broken_rule(void **state)
{
    spoil(*(void (**)(struct blkif_request *))*state);
}

static void index_that_jumps(void **state)
{
    add(BLKIF_OP_READ, 1);
    serve();
    sring->req_prod = (uint32_t)*(uint64_t *)*state;
    blkback_serve(&back);
    assert_true(back.ending);
    assert_int_equal(host.nr_at_disk, 1);
    expect(0, 0, 0);
}

/* All is at the disk when the connection ends; after that it can begin anew. */
static void end_in_the_middle(void **state)
{
    (void)state;
    for (unsigned int i = 0; i < SLOTS; i++)
        add(BLKIF_OP_WRITE, 2);
    serve();
    blkback_end(&back, NULL);
    assert_false(blkback_disconnect(&back));
    host.attention = 0;
    disk_answers(0);
    assert_true(host.attention > 0);
    assert_int_equal(host.mapped, 0);
    expect(0, 0, 0);
    assert_true(blkback_disconnect(&back));
    /* And from the beginning. */
    XEN_FRONT_RING_INIT(&front, sring, PAGE_SIZE);
    assert_int_equal(blkback_connect(&back, 1, 1), 0);
    add(BLKIF_OP_READ, 1);
    serve();
    disk_answers(0);
    expect(1, 0, 0);
}

/* With requests or for nothing: it is soon the thread's turn, and the port waits for that. */
static void rings_without_end(void **state)
{
    (void)state;
    for (unsigned int turn = 1; turn <= 3; turn++) {
        unsigned int events = 0;

        while (host.masked < turn) {
            if (turn == 2)
                add(255, 0);
            RING_PUSH_REQUESTS(&front);
            host.handler(PORT, &back);
            take_answers();
            assert_in_range(++events, 1, 100);
        }
        assert_true(back.more);
        assert_int_equal(host.attention, turn);
        assert_int_equal(host.unmasked, turn - 1);
        add(BLKIF_OP_READ, 1);
        serve();
        assert_int_equal(host.unmasked, turn);
        assert_int_equal(host.nr_at_disk, turn);
        assert_false(back.more);
    }
    assert_false(back.ending);
}

/* What is masked because the connection ends stays so. */
static void end_while_held(void **state)
{
    (void)state;
    for (int i = 0; i < 100 && !host.masked; i++)
        host.handler(PORT, &back);
    assert_true(host.masked);
    blkback_end(&back, NULL);
    blkback_serve(&back);
    assert_int_equal(host.unmasked, 0);
    assert_false(back.more);
}

#define case_of(test) cmocka_unit_test_setup_teardown(test, connect, disconnect)
#define breaks(how) { #how, broken_rule, connect, disconnect, \
                      &(struct { void (*f)(struct blkif_request *); }){ how } }
#define jumps(to) { "index_that_jumps(" #to ")", index_that_jumps, connect, disconnect, \
                    &(struct { uint64_t v; }){ to } }

int main(void)
{
    const struct CMUnitTest tests[] = {
        case_of(batch_goes_in_one), case_of(full_rings), case_of(refused_ones),
        case_of(answers_have_no_padding),
        breaks(no_segments), breaks(many_segments),
        breaks(sectors_that_fall), breaks(sectors_outside), breaks(sectors_behind),
        breaks(sectors_that_wrap), breaks(bad_first_reference), breaks(bad_last_reference),
        breaks(all_references_bad),
        jumps(0), jumps(33), jumps(0x80000000), jumps(0xffffffff),
        case_of(end_in_the_middle), case_of(rings_without_end), case_of(end_while_held),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
