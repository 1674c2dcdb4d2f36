/* SPDX-License-Identifier: MIT */
/* The store's bytes and texts (wire.c), and a console page with a hostile guest behind it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/consoled/ring.h"
#include "tools/xenstored-lite/wire.h"

static void message_comes_whole_in_any_pieces(void **state)
{
    char bytes[sizeof(struct xsd_sockmsg) + 11];
    struct xsd_sockmsg header = { .type = XS_WRITE, .req_id = 7, .len = 11 };

    (void)state;
    memcpy(bytes, &header, sizeof(header));
    memcpy(bytes + sizeof(header), "/a/b\0value!", 11);
    for (size_t piece = 1; piece <= sizeof(bytes); piece++) {
        struct wire_message *m = calloc(1, sizeof(*m));
        bool complete = false;
        size_t at = 0;

        while (!complete) {
            size_t n = sizeof(bytes) - at < piece ? sizeof(bytes) - at : piece;

            assert_int_equal(wire_feed(m, bytes + at, n, &complete), n);
            at += n;
        }
        assert_int_equal(at, sizeof(bytes));
        assert_int_equal(m->header.req_id, 7);
        assert_memory_equal(m->payload, "/a/b\0value!", 12);
        free(m);
    }
}

static void next_message_is_left_alone(void **state)
{
    struct xsd_sockmsg two[2] = { { .type = 1 }, { .type = 2 } };
    struct wire_message m = { .have = 0 };
    bool complete;

    (void)state;
    assert_int_equal(wire_feed(&m, (char *)two, sizeof(two), &complete), sizeof(two[0]));
    assert_true(complete);
    assert_int_equal(m.header.type, 1);
    wire_reset(&m);
    assert_int_equal(wire_feed(&m, (char *)&two[1], sizeof(two[1]), &complete), sizeof(two[1]));
    assert_int_equal(m.header.type, 2);
}

static void longest_message_passes_and_no_longer_one(void **state)
{
    struct xsd_sockmsg header = { .len = XENSTORE_PAYLOAD_MAX };
    char *bytes = calloc(1, sizeof(header) + XENSTORE_PAYLOAD_MAX);
    struct wire_message m = { .have = 0 };
    bool complete;

    (void)state;
    memcpy(bytes, &header, sizeof(header));
    assert_int_equal(wire_feed(&m, bytes, sizeof(header) + XENSTORE_PAYLOAD_MAX, &complete),
                     sizeof(header) + XENSTORE_PAYLOAD_MAX);
    assert_true(complete);
    for (uint32_t len = XENSTORE_PAYLOAD_MAX + 1; len; len *= 2) {
        header.len = len;
        memcpy(bytes, &header, sizeof(header));
        wire_reset(&m);
        assert_int_equal(wire_feed(&m, bytes, sizeof(header) + 5, &complete), -EPROTO);
        assert_false(complete);
    }
    free(bytes);
}

static void texts_are_counted_as_they_stand(void **state)
{
    static const struct {
        const char *payload;
        size_t size;
        unsigned int count;
    } rows[] = {
        { "", 0, 0 }, { "\0", 1, 1 }, { "a", 1, 1 }, { "a\0", 2, 1 }, { "a\0b", 3, 2 },
        { "a\0b\0", 4, 2 }, { "\0\0", 2, 2 }, { "a\0\0", 3, 2 },
    };
    const char *texts[2] = { NULL };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(wire_texts(rows[i].payload, rows[i].size, texts, 2), rows[i].count);
    assert_int_equal(wire_texts("x\0yy\0z\0", 7, texts, 2), 3);
    assert_string_equal(texts[0], "x");
    assert_string_equal(texts[1], "yy");
}

static void numbers_are_whole_and_bounded(void **state)
{
    static const char *const bad[] = { "", "x", "-1", "+1", " 1", "1 ", "0x1", "32752", "99999",
                                       "18446744073709551616", "18446744073709551617" };
    uint64_t number = 5;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(wire_number(bad[i], 32751, &number));
    assert_int_equal(number, 5);
    assert_true(wire_number("0", 32751, &number) && number == 0);
    assert_true(wire_number("32751", 32751, &number) && number == 32751);
    assert_true(wire_number("18446744073709551615", UINT64_MAX, &number) && number == UINT64_MAX);
    assert_false(wire_number("18446744073709551616", UINT64_MAX, &number));
}

static void errors_have_names(void **state)
{
    (void)state;
    assert_string_equal(wire_error_name(ENOENT), "ENOENT");
    assert_string_equal(wire_error_name(EAGAIN), "EAGAIN");
    assert_string_equal(wire_error_name(EPROTO), "EINVAL");
}

static void console_bytes_wrap_both_ways(void **state)
{
    struct xencons_interface page = { .out_cons = UINT32_MAX - 2, .out_prod = UINT32_MAX - 2,
                                      .in_cons = UINT32_MAX - 1, .in_prod = UINT32_MAX - 1 };
    char got[16];

    (void)state;
    for (unsigned int i = 0; i < 6; i++)
        page.out[MASK_XENCONS_IDX(page.out_prod++, page.out)] = "abcdef"[i];
    assert_int_equal(console_ring_read(&page, got, 4), 4);
    assert_memory_equal(got, "abcd", 4);
    assert_int_equal(console_ring_read(&page, got, sizeof(got)), 2);
    assert_memory_equal(got, "ef", 2);
    assert_int_equal(console_ring_read(&page, got, sizeof(got)), 0);

    assert_int_equal(console_ring_room(&page), sizeof(page.in));
    console_ring_write(&page, "xyz", 3);
    assert_int_equal(page.in_prod, 1);
    assert_int_equal(page.in[sizeof(page.in) - 2], 'x');
    assert_int_equal(page.in[0], 'z');
    assert_int_equal(console_ring_room(&page), sizeof(page.in) - 3);
}

static void console_indices_that_jump_are_noticed(void **state)
{
    struct xencons_interface page = { .out_prod = sizeof(page.out), .in_prod = sizeof(page.in) };
    char got[sizeof(page.out)];

    (void)state;
    assert_int_equal(console_ring_read(&page, got, sizeof(got)), sizeof(got));
    assert_int_equal(console_ring_room(&page), 0);
    page.out_prod = page.out_cons - 1;
    assert_int_equal(console_ring_read(&page, got, sizeof(got)), -EPROTO);
    page.out_prod = page.out_cons + sizeof(page.out) + 1;
    assert_int_equal(console_ring_read(&page, got, sizeof(got)), -EPROTO);
    page.in_cons = page.in_prod + 1;
    assert_int_equal(console_ring_room(&page), -EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_comes_whole_in_any_pieces),
        cmocka_unit_test(next_message_is_left_alone),
        cmocka_unit_test(longest_message_passes_and_no_longer_one),
        cmocka_unit_test(texts_are_counted_as_they_stand),
        cmocka_unit_test(numbers_are_whole_and_bounded),
        cmocka_unit_test(errors_have_names),
        cmocka_unit_test(console_bytes_wrap_both_ways),
        cmocka_unit_test(console_indices_that_jump_are_noticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
