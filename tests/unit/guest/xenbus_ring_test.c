/* SPDX-License-Identifier: MIT */
/*
 * The guest library's store client (xenbus.c) and its ring: answers in pieces, for somebody else,
 * too long or cut short, indices that jump and that wrap.
 */
#include <string.h>

#include "fake_store.h"

/* ---- The ring ---- */

static void answer_in_pieces(void)
{
    struct xsd_sockmsg header;

    serve = NULL;
    read_request();
    header = (struct xsd_sockmsg){ .type = XS_READ, .req_id = in.header.req_id, .len = 5 };
    for (size_t i = 0; i < sizeof(header); i++)
        give((char *)&header + i, 1);
    for (size_t i = 0; i < 5; i++)
        give(&"piece"[i], 1);
}

static void pieces_make_an_answer(void **state)
{
    char value[8];

    (void)state;
    serve = answer_in_pieces;
    assert_int_equal(pv_xenbus_read(0, "p", value, sizeof(value)), 5);
    assert_string_equal(value, "piece");
}

/* Takes some bytes of the request at a time, so that the client has to wait for room. */
static void drink_slowly(void)
{
    static char request[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX];
    static size_t got;
    const struct xsd_sockmsg *header = (const struct xsd_sockmsg *)request;
    size_t n = ring.req_prod - ring.req_cons;

    n = n > 100 ? 100 : n;
    take(request + got, n);
    got += n;
    if (got < sizeof(*header) || got < sizeof(*header) + header->len)
        return;
    serve = NULL;
    got = 0;
    give_message(header->type, header->req_id, "OK", 3);
}

static void requests_wait_for_room(void **state)
{
    static char value[3000];

    (void)state;
    memset(value, 'v', sizeof(value) - 1);
    serve = drink_slowly;
    assert_int_equal(pv_xenbus_write(0, "p", value), 0);
    assert_int_equal(ring.req_cons, ring.req_prod);
    assert_true(notified > 0);
}

static void indices_wrap(void **state)
{
    static char value[900], seen[901];

    (void)state;
    start_at(0xfffffe00);
    memset(value, 'w', sizeof(value));
    for (unsigned int i = 0; i < 20; i++) {
        will_answer(0, value, sizeof(value));
        assert_int_equal(pv_xenbus_read(0, "p", seen, sizeof(seen)), (int)sizeof(value));
        assert_memory_equal(seen, value, sizeof(value));
    }
    assert_true(ring.rsp_cons < 0xfffffe00);
}

/* Ended for good: the call fails, and nothing is sent or waited for any more. */
static void is_broken(void)
{
    uint32_t sent;
    char value[8];

    assert_int_equal(pv_xenbus_read(0, "p", value, sizeof(value)), -XEN_EIO);
    serve = NULL;
    sent = ring.req_prod;
    assert_int_equal(pv_xenbus_write(0, "p", "v"), -XEN_EIO);
    assert_int_equal(ring.req_prod, sent);
    /* Even a good answer is not taken then. */
    handler(PORT, NULL);
    assert_int_equal(pv_xenbus_read(0, "p", value, sizeof(value)), -XEN_EIO);
}

static void response_index_jumps(void)
{
    serve = NULL;
    ring.rsp_prod += XENSTORE_RING_SIZE + 1;
    handler(PORT, NULL);
}

static void response_index_goes_back(void)
{
    serve = NULL;
    ring.rsp_prod -= 1;
    handler(PORT, NULL);
}

static void answer_for_another(void)
{
    serve = NULL;
    read_request();
    give_message(XS_READ, in.header.req_id + 1, "x", 1);
}

static void answer_of_another_kind(void)
{
    serve = NULL;
    read_request();
    give_message(XS_DIRECTORY, in.header.req_id, "x", 1);
}

static void answer_too_long(void)
{
    serve = NULL;
    read_request();
    give_header(XS_READ, in.header.req_id, XENSTORE_PAYLOAD_MAX + 1);
}

static void answer_as_long_as_can_be_said(void)
{
    serve = NULL;
    read_request();
    give_header(XS_READ, in.header.req_id, 0xffffffff);
}

static void event_too_long(void)
{
    serve = NULL;
    read_request();
    give_header(XS_WATCH_EVENT, 0, 0x80000000);
}

static void broken_protocol_ends_it(void **state)
{
    static void (*const ways[])(void) = {
        response_index_jumps, response_index_goes_back, answer_for_another,
        answer_of_another_kind, answer_too_long, answer_as_long_as_can_be_said, event_too_long,
    };

    (void)state;
    for (size_t i = 0; i < PV_ARRAY_SIZE(ways); i++) {
        start_at(100);
        serve = ways[i];
        is_broken();
    }
    /* The other index, which is looked at before anything is sent. */
    start_at(100);
    ring.req_cons = 101;
    is_broken();
    start_at(5000);
    ring.req_cons = 5000 - XENSTORE_RING_SIZE - 1;
    is_broken();
}

static void unasked_answer_ends_it(void **state)
{
    char value[8];

    (void)state;
    give_message(XS_READ, 0, "x", 1);
    is_broken();
    /* A new ring is a new beginning. */
    start_at(0);
    will_answer(0, "yes", 3);
    assert_int_equal(pv_xenbus_read(0, "p", value, sizeof(value)), 3);
}

/* An answer of which only a part is there is no answer, and its rest makes it one. */
static void cut_answer(void)
{
    read_request();
    give_header(XS_READ, in.header.req_id, 6);
    give("cut", 3);
    serve = NULL;
}

static void rest_of_it(void)
{
    if (ring.req_cons != ring.req_prod) {
        cut_answer();
        serve = rest_of_it;
        return;
    }
    serve = NULL;
    give("off", 3);
}

static void cut_answer_is_waited_for(void **state)
{
    char value[8];

    (void)state;
    serve = rest_of_it;
    assert_int_equal(pv_xenbus_read(0, "p", value, sizeof(value)), 6);
    assert_string_equal(value, "cutoff");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(pieces_make_an_answer, start),
        cmocka_unit_test_setup(requests_wait_for_room, start),
        cmocka_unit_test_setup(indices_wrap, start),
        cmocka_unit_test_setup(broken_protocol_ends_it, start),
        cmocka_unit_test_setup(unasked_answer_ends_it, start),
        cmocka_unit_test_setup(cut_answer_is_waited_for, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
