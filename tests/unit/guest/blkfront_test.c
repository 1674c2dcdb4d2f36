/* SPDX-License-Identifier: MIT */
/*
 * The guest library's disks (front/block.c), with a backend of the test's own on the other side of
 * the ring: one that keeps the protocol, and ones that do not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "blkfront_host.h"

/* ---- The two sides ---- */

static struct pv_blkfront front;
static struct blkif_back_ring back;
static struct blkif_sring *ring_page;
static struct pv_blk_request requests[PV_BLK_REQUESTS + 1];
static unsigned int nr_done, again;     /* requests that done() sends again */
static int last_error;

static void failed(struct pv_blkfront *f)
{
    assert_ptr_equal(f, &front);
    host.failed++;
}

static void done(struct pv_blk_request *request, int error)
{
    nr_done++;
    last_error = error;
    if (again) {
        again--;
        assert_int_equal(pv_blkfront_submit(&front, request), 0);
    }
}

static int start(void **state)
{
    (void)state;
    memset(&host, 0, sizeof(host));
    host.limit = 500;
    host.sectors = 1000;
    nr_done = again = 0;
    return 0;
}

static int connect(void **state)
{
    start(state);
    for (size_t i = 0; i < PV_ARRAY_SIZE(requests); i++)
        requests[i] = (struct pv_blk_request){
            .op = BLKIF_OP_READ, .nr_segments = 2, .sector = 16 * i, .done = done,
            .segment = { { pv_mfn(100), 0, 7 }, { pv_mfn(101), 2, 3 } },
        };
    assert_int_equal(pv_blkfront_init(&front, "front"), 0);
    front.failed = failed;
    host.theirs = PV_STATE_INIT_WAIT;
    assert_int_equal(pv_blkfront_update(&front), PV_STATE_INITIALISED);
    ring_page = front.ring.sring;
    BACK_RING_INIT(&back, ring_page, PV_PAGE_SIZE);
    host.theirs = PV_STATE_CONNECTED;
    assert_int_equal(pv_blkfront_update(&front), PV_STATE_CONNECTED);
    return 0;
}

/* The backend goes, and nothing is left of what was given. */
static int disconnect(void **state)
{
    (void)state;
    host.kept = false;
    host.theirs = PV_STATE_CLOSED;
    assert_int_equal(pv_blkfront_update(&front), PV_STATE_CLOSED);
    return host.grants || host.pages || front.nr_free != PV_BLK_REQUESTS;
}

static int submit(unsigned int i)
{
    return pv_blkfront_submit(&front, &requests[i]);
}

static void event(void)
{
    host.handler(PORT, host.data);
}

static void respond(uint64_t id, int16_t status)
{
    *RING_GET_RESPONSE(&back, back.rsp_prod_pvt) = (struct blkif_response){
        .id = id, .status = status,
    };
    back.rsp_prod_pvt++;
    RING_PUSH_RESPONSES(&back);
}

static struct blkif_request *take(void)
{
    assert_true(RING_HAS_UNCONSUMED_REQUESTS(&back));
    return RING_GET_REQUEST(&back, back.req_cons++);
}

/* ---- Those that keep the protocol ---- */

static void many_with_one_push(void **state)
{
    (void)state;
    for (unsigned int i = 0; i < 3; i++)
        assert_int_equal(submit(i), 0);
    assert_false(RING_HAS_UNCONSUMED_REQUESTS(&back));
    assert_int_equal(host.grants, 1 + 3 * 2);
    pv_blkfront_push(&front);
    assert_int_equal(host.notified, 1);
    for (unsigned int i = 0; i < 3; i++) {
        struct blkif_request *r = take();

        assert_int_equal(r->operation, BLKIF_OP_READ);
        assert_int_equal(r->sector_number, 16 * i);
        assert_int_equal(r->nr_segments, 2);
        assert_true(host.given[r->seg[0].gref] && !host.readonly[r->seg[0].gref]);
        assert_int_equal(r->seg[1].first_sect, 2);
        assert_int_equal(r->seg[1].last_sect, 3);
        respond(r->id, i == 1 ? BLKIF_RSP_ERROR : BLKIF_RSP_OKAY);
        event();
        assert_int_equal(last_error, i == 1 ? -XEN_EIO : 0);
    }
    assert_int_equal(nr_done, 3);
    assert_int_equal(host.grants, 1);
    pv_blkfront_push(&front);
    assert_int_equal(host.notified, 1);
}

/* A backend that has not asked is not told; what done() submits goes out with the event. */
static void sent_again_from_done(void **state)
{
    int more;

    (void)state;
    again = 2;
    assert_int_equal(submit(0) | submit(1), 0);
    pv_blkfront_push(&front);
    respond(take()->id, BLKIF_RSP_OKAY);
    respond(take()->id, BLKIF_RSP_OKAY);
    event();
    assert_int_equal(host.notified, 1);
    assert_int_equal(XEN_RING_NR_UNCONSUMED_REQUESTS(&back), 2);
    respond(take()->id, BLKIF_RSP_OKAY);
    respond(take()->id, BLKIF_RSP_OKAY);
    RING_FINAL_CHECK_FOR_REQUESTS(&back, more);
    assert_false(more);
    again = 1;
    event();
    assert_int_equal(host.notified, 2);
    assert_int_equal(nr_done, 4);
}

static void full_ring(void **state)
{
    (void)state;
    for (unsigned int i = 0; i < PV_BLK_REQUESTS; i++)
        assert_int_equal(submit(i), 0);
    assert_int_equal(submit(PV_BLK_REQUESTS), -XEN_EBUSY);
    pv_blkfront_push(&front);
    respond(take()->id, BLKIF_RSP_OKAY);
    event();
    assert_int_equal(submit(PV_BLK_REQUESTS), 0);
}

static void no_references(void **state)
{
    (void)state;
    host.limit = host.grants + 3;
    assert_int_equal(submit(0), 0);
    assert_int_equal(submit(1), -XEN_ENOSPC);
    assert_int_equal(host.grants, 1 + 2);
}

static void refused_requests(void **state)
{
    (void)state;
    requests[0].nr_segments = PV_BLK_SEGMENTS + 1;
    requests[1].segment[1].last = 8;
    requests[2].segment[0].first = 8;
    for (unsigned int i = 0; i < 3; i++)
        assert_int_equal(submit(i), -XEN_EINVAL);
    front.readonly = true;
    requests[3].op = BLKIF_OP_WRITE;
    assert_int_equal(submit(3), -XEN_EROFS);
    assert_int_equal(host.grants, 1);
}

/* ---- Those that do not ---- */

static void expect_end(unsigned int unanswered)
{
    event();
    assert_int_equal(host.failed, 1);
    assert_int_equal(host.masked, 1);
    assert_int_equal(submit(20), -XEN_EIO);
    nr_done = 0;
    assert_int_equal(disconnect(NULL), 0);
    assert_int_equal(nr_done, unanswered);
    assert_int_equal(last_error, -XEN_EIO);
}

/* Answers to what was only submitted are none, even for as many as were. */
static void answer_before_push(void **state)
{
    (void)state;
    assert_int_equal(submit(0), 0);
    respond(RING_GET_REQUEST(&front.ring, 0)->id, BLKIF_RSP_OKAY);
    expect_end(1);
}

static void index_that_jumps(void **state)
{
    (void)state;
    assert_int_equal(submit(0) | submit(1), 0);
    pv_blkfront_push(&front);
    front.ring.sring->rsp_prod = *(unsigned int *)*state;
    expect_end(2);
}

/* Slots that are free or do not exist. */
static void wrong_id(void **state)
{
    (void)state;
    assert_int_equal(submit(0) | submit(1), 0);
    pv_blkfront_push(&front);
    respond(*(uint64_t *)*state, BLKIF_RSP_OKAY);
    expect_end(2);
}

static void answered_twice(void **state)
{
    uint64_t id;

    (void)state;
    assert_int_equal(submit(0) | submit(1), 0);
    pv_blkfront_push(&front);
    id = take()->id;
    respond(id, BLKIF_RSP_OKAY);
    respond(id, BLKIF_RSP_OKAY);
    expect_end(1);
}

/* The shared index of requests is ours to write, whatever it says. */
static void scribbled_index(void **state)
{
    (void)state;
    front.ring.sring->req_prod = 12345;
    assert_int_equal(submit(0), 0);
    pv_blkfront_push(&front);
    assert_int_equal(front.ring.sring->req_prod, 1);
    respond(take()->id, BLKIF_RSP_OKAY);
    event();
    assert_int_equal(nr_done, 1);
    assert_int_equal(host.failed, 0);
}

/* An answer while the backend keeps the frames is none: their owner must not use them yet. */
static void kept_frames(void **state)
{
    (void)state;
    assert_int_equal(submit(0) | submit(1), 0);
    pv_blkfront_push(&front);
    host.kept = true;
    respond(take()->id, BLKIF_RSP_OKAY);
    event();
    assert_int_equal(nr_done, 0);
    assert_int_equal(host.failed, 1);
    assert_int_equal(host.masked, 1);
    host.theirs = PV_STATE_CLOSED;
    assert_int_equal(pv_blkfront_update(&front), PV_STATE_CLOSED);
    assert_int_equal(nr_done, 0);
    assert_int_equal(pv_blkfront_update(&front), PV_STATE_CLOSED);
    assert_int_equal(nr_done, 0);
    assert_int_equal(host.grants, 1 + 2 * 2);
    /* Once it lets go, they end; the ring's page was given up for good. */
    host.kept = false;
    assert_int_equal(pv_blkfront_update(&front), PV_STATE_CLOSED);
    assert_int_equal(nr_done, 2);
    assert_int_equal(last_error, -XEN_EIO);
    assert_int_equal(host.grants, 1);
    assert_int_equal(host.pages, 1);
    assert_int_equal(front.nr_free, PV_BLK_REQUESTS);
    free(ring_page);
}

/* Some are let go in time, and some are not. */
static void frames_let_go_one_by_one(void **state)
{
    const struct blkif_request *r;

    (void)state;
    assert_int_equal(submit(0), 0);
    pv_blkfront_push(&front);
    r = take();
    host.kept_ref = r->seg[1].gref;
    respond(r->id, BLKIF_RSP_OKAY);
    event();
    assert_int_equal(host.grants, 1 + 1);
    assert_int_equal(nr_done, 0);
    assert_int_equal(host.failed, 1);
    host.kept_ref = 0;
    assert_int_equal(disconnect(NULL), 0);
    assert_int_equal(nr_done, 1);
    assert_int_equal(last_error, -XEN_EIO);
}

/* Sizes that are no number of bytes. */
static void senseless_size(void **state)
{
    (void)state;
    host.sectors = UINT64_MAX / 512 + 1;
    assert_int_equal(pv_blkfront_init(&front, "front"), 0);
    host.theirs = PV_STATE_INIT_WAIT;
    assert_int_equal(pv_blkfront_update(&front), PV_STATE_INITIALISED);
    host.theirs = PV_STATE_CONNECTED;
    assert_int_equal(pv_blkfront_update(&front), PV_STATE_CLOSING);
    assert_int_equal(host.ours, PV_STATE_CLOSING);
    assert_int_equal(disconnect(NULL), 0);
}

#define with(test, value) \
    { #test "(" #value ")", test, connect, NULL, &(struct { uint64_t v; }){ value } }
#define good(test) cmocka_unit_test_setup_teardown(test, connect, disconnect)

int main(void)
{
    const struct CMUnitTest tests[] = {
        good(many_with_one_push), good(sent_again_from_done), good(full_ring),
        good(no_references), good(refused_requests),
        cmocka_unit_test_setup(answer_before_push, connect),
        with(index_that_jumps, 3), with(index_that_jumps, 33),
        with(index_that_jumps, 0x80000000), with(index_that_jumps, 0xffffffff),
        with(wrong_id, 0), with(wrong_id, PV_BLK_REQUESTS), with(wrong_id, UINT64_MAX),
        cmocka_unit_test_setup(answered_twice, connect),
        good(scribbled_index), good(frames_let_go_one_by_one),
        cmocka_unit_test_setup(kept_frames, connect), cmocka_unit_test_setup(senseless_size, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
