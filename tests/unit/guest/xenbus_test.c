/* SPDX-License-Identifier: MIT */
/*
 * The guest library's store client (xenbus.c): what it makes of answers and of events, good ones
 * and others.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_store.h"

/* ---- Answers ---- */

static void values_are_read(void **state)
{
    char value[8];

    (void)state;
    will_answer(0, "seven77", 7);
    assert_int_equal(pv_xenbus_read(0, "a/path", value, sizeof(value)), 7);
    assert_string_equal(value, "seven77");
    assert_int_equal(in.header.type, XS_READ);
    assert_string_equal(in.payload, "a/path");
    assert_int_equal(in.header.len, 7);
    will_answer(0, "", 0);
    assert_int_equal(pv_xenbus_read(9, "p", value, sizeof(value)), 0);
    assert_string_equal(value, "");
    assert_int_equal(in.header.tx_id, 9);
}

/* One byte more than there is room for, and as much as the protocol allows. */
static void long_values_are_refused(void **state)
{
    static char big[XENSTORE_PAYLOAD_MAX];
    char *value = malloc(8);

    (void)state;
    memset(big, 'x', sizeof(big));
    will_answer(0, big, 8);
    assert_int_equal(pv_xenbus_read(0, "p", value, 8), -XEN_E2BIG);
    will_answer(0, big, 900);
    assert_int_equal(pv_xenbus_read(0, "p", value, 8), -XEN_E2BIG);
    will_answer(0, big, 900);
    assert_int_equal(pv_xenbus_directory(0, "p", value, 8), -XEN_E2BIG);
    free(value);
}

/* What lies behind the names is a zero, whatever the store sent. */
static void names_always_end(void **state)
{
    char *names = malloc(8);

    (void)state;
    memset(names, 'z', 8);
    will_answer(0, "a\0bc", 5);
    assert_int_equal(pv_xenbus_directory(0, "p", names, 8), 5);
    assert_memory_equal(names, "a\0bc\0", 6);
    will_answer(0, "unended", 7);
    assert_int_equal(pv_xenbus_directory(0, "p", names, 8), 7);
    assert_int_equal(strlen(names), 7);
    will_answer(0, "", 0);
    assert_int_equal(pv_xenbus_directory(0, "p", names, 8), 0);
    free(names);
}

static void errors_have_numbers(void **state)
{
    char value[8];

    (void)state;
    will_answer(XS_ERROR, "ENOENT", 7);
    assert_int_equal(pv_xenbus_read(0, "p", value, sizeof(value)), -XEN_ENOENT);
    will_answer(XS_ERROR, "EAGAIN", 7);
    assert_int_equal(pv_xenbus_end(4, true), -XEN_EAGAIN);
    assert_string_equal(in.payload, "T");
    will_answer(XS_ERROR, "EWHATEVER", 10);
    assert_int_equal(pv_xenbus_write(0, "p", "v"), -XEN_EIO);
    /* Without its zero, and without anything. */
    will_answer(XS_ERROR, "ENOENT", 6);
    assert_int_equal(pv_xenbus_rm(0, "p"), -XEN_ENOENT);
    will_answer(XS_ERROR, "", 0);
    assert_int_equal(pv_xenbus_rm(0, "p"), -XEN_EIO);
}

static void numbers_are_only_digits(void **state)
{
    static const struct {
        const char *text;
        int rc;
        uint64_t number;
    } rows[] = {
        { "0", 0, 0 }, { "4096", 0, 4096 }, { "18446744073709551600", 0, 18446744073709551600u },
        { "", -XEN_EINVAL, 0 }, { "-1", -XEN_EINVAL, 0 }, { " 1", -XEN_EINVAL, 0 },
        { "1 ", -XEN_EINVAL, 0 }, { "0x10", -XEN_EINVAL, 0 },
        { "99999999999999999999", -XEN_EINVAL, 0 },
        { "184467440737095516150", -XEN_EINVAL, 0 },
        { "000000000000000000000000", -XEN_E2BIG, 0 },
    };
    uint64_t number;

    (void)state;
    for (size_t i = 0; i < PV_ARRAY_SIZE(rows); i++) {
        number = 1234;
        will_answer(0, rows[i].text, strlen(rows[i].text));
        assert_int_equal(pv_xenbus_read_number(0, "p", &number), rows[i].rc);
        assert_int_equal(number, rows[i].rc ? 1234 : rows[i].number);
    }
}

/* An id that is none must not turn a transaction's changes into ordinary ones. */
static void transactions_have_ids(void **state)
{
    static const char *const bad[] = { "", "0", "x", "12x", "-1", "4294967296",
                                       "1234567890123456789" };
    pv_xenbus_tx_t tx = 5;

    (void)state;
    will_answer(0, "17", 3);
    assert_int_equal(pv_xenbus_begin(&tx), 0);
    assert_int_equal(tx, 17);
    for (size_t i = 0; i < PV_ARRAY_SIZE(bad); i++) {
        will_answer(0, bad[i], strlen(bad[i]) + 1);
        assert_int_equal(pv_xenbus_begin(&tx), -XEN_EIO);
        assert_int_equal(tx, 17);
    }
}

static void states_are_known_ones(void **state)
{
    char path[200];

    (void)state;
    will_answer(0, "4", 1);
    assert_int_equal(pv_xenbus_state("device/vbd/1"), PV_STATE_CONNECTED);
    assert_string_equal(in.payload, "device/vbd/1/state");
    will_answer(0, "7", 1);
    assert_int_equal(pv_xenbus_state("d"), PV_STATE_UNKNOWN);
    will_answer(0, "a state of mind", 15);
    assert_int_equal(pv_xenbus_state("d"), PV_STATE_UNKNOWN);
    will_answer(XS_ERROR, "ENOENT", 7);
    assert_int_equal(pv_xenbus_state("d"), PV_STATE_UNKNOWN);
    memset(path, 'p', sizeof(path));
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(pv_xenbus_state(path), PV_STATE_UNKNOWN);
}

static void long_requests_are_not_sent(void **state)
{
    static char big[XENSTORE_PAYLOAD_MAX + 1];
    char value[8];

    (void)state;
    memset(big, 'p', XENSTORE_PAYLOAD_MAX);
    assert_int_equal(pv_xenbus_read(0, big, value, sizeof(value)), -XEN_E2BIG);
    assert_int_equal(pv_xenbus_write(0, "p", big), -XEN_E2BIG);
    assert_int_equal(pv_xenbus_printf(0, "p", "%s", big), -XEN_E2BIG);
    assert_int_equal(ring.req_prod, 0);
}

/* ---- Watches ---- */

static unsigned int changes;
static char last_change[64];

static void changed(struct pv_xenbus_watch *watch, const char *path)
{
    assert_string_equal(watch->path, "device");
    changes++;
    snprintf(last_change, sizeof(last_change), "%s", path);
}

static struct pv_xenbus_watch watch = { .path = "device", .changed = changed };
static char token[64];

static void give_event(const char *path, const char *with)
{
    char payload[128];
    int n = snprintf(payload, sizeof(payload), "%s%c%s", path, '\0', with);

    give_message(XS_WATCH_EVENT, 0, payload, (size_t)n + 1);
}

static void answer_with_events(void)
{
    serve = NULL;
    read_request();
    give_event("device/before", token);
    give_message(in.header.type, in.header.req_id, "four", 4);
    give_event("device/behind", token);
}

static void watch_it(void)
{
    will_answer(0, "OK", 3);
    assert_int_equal(pv_xenbus_watch(&watch), 0);
    snprintf(token, sizeof(token), "%.60s", in.payload + strlen("device") + 1);
    changes = 0;
}

static void unwatch_it(void)
{
    will_answer(0, "OK", 3);
    assert_int_equal(pv_xenbus_unwatch(&watch), 0);
    give_event("device/late", token);
}

static void events_come_between(void **state)
{
    char value[8];

    (void)state;
    watch_it();
    give_event("device/alone", token);
    assert_int_equal(changes, 1);
    assert_string_equal(last_change, "device/alone");
    serve = answer_with_events;
    assert_int_equal(pv_xenbus_read(0, "p", value, sizeof(value)), 4);
    assert_string_equal(value, "four");
    assert_int_equal(changes, 3);
    unwatch_it();
    assert_int_equal(changes, 3);
}

/* Events for nobody, and without the texts that make one, change nothing. */
static void odd_events_are_dropped(void **state)
{
    char longer[80];

    (void)state;
    watch_it();
    give_event("device", "1234");
    give_event("device", "");
    snprintf(longer, sizeof(longer), "%s0", token);
    give_event("device", longer);
    give_message(XS_WATCH_EVENT, 0, "", 0);
    give_message(XS_WATCH_EVENT, 0, "no-token", 8);
    give_message(XS_WATCH_EVENT, 0, "no-token", 9);
    give_message(XS_WATCH_EVENT, 0, "\0\0\0", 3);
    assert_int_equal(changes, 0);
    /* Its token, not ended, is the one. */
    snprintf(longer, sizeof(longer), "d%c%s", '\0', token);
    give_message(XS_WATCH_EVENT, 0, longer, 2 + strlen(token));
    assert_int_equal(changes, 1);
    unwatch_it();
}

static void refused_watch_is_none(void **state)
{
    (void)state;
    will_answer(XS_ERROR, "EINVAL", 7);
    assert_int_equal(pv_xenbus_watch(&watch), -XEN_EINVAL);
    changes = 0;
    give_event("device", in.payload + strlen("device") + 1);
    assert_int_equal(changes, 0);
}

/* ---- Start ---- */

static void ring_is_found(void **state)
{
    struct start_info info = { .store_evtchn = 0 };
    char value[8];

    (void)state;
    pv_start_info = &info;
    assert_int_equal(pv_xenbus_init(&hooks), -XEN_ENODEV);
    info.store_evtchn = PORT;
    info.store_mfn = 0x78;
    assert_int_equal(pv_xenbus_init(&hooks), -XEN_EINVAL);
    info.store_mfn = 0x77;
    assert_int_equal(pv_xenbus_init(&hooks), 0);
    will_answer(0, "yes", 3);
    assert_int_equal(pv_xenbus_read(0, "p", value, sizeof(value)), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(values_are_read, start),
        cmocka_unit_test_setup(long_values_are_refused, start),
        cmocka_unit_test_setup(names_always_end, start),
        cmocka_unit_test_setup(errors_have_numbers, start),
        cmocka_unit_test_setup(numbers_are_only_digits, start),
        cmocka_unit_test_setup(transactions_have_ids, start),
        cmocka_unit_test_setup(states_are_known_ones, start),
        cmocka_unit_test_setup(long_requests_are_not_sent, start),
        cmocka_unit_test_setup(events_come_between, start),
        cmocka_unit_test_setup(odd_events_are_dropped, start),
        cmocka_unit_test_setup(refused_watch_is_none, start),
        cmocka_unit_test_setup(ring_is_found, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
