/* SPDX-License-Identifier: MIT */
/* The order of timers and the step of periods (hypervisor/domain/timer_queue.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "domain/timer_queue.h"

static void earliest_comes_first_and_equals_in_turn(void **state)
{
    static const u64 expiries[] = { 30, 10, 20, 10, ~0ull, 0, 20 };
    static const int order[] = { 5, 1, 3, 2, 6, 0, 4 };
    struct timer t[ARRAY_SIZE(expiries)];
    struct list queue = LIST_INIT(queue);

    (void)state;
    for (unsigned int i = 0; i < ARRAY_SIZE(t); i++) {
        t[i].expires = expiries[i];
        timer_queue_insert(&queue, &t[i]);
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(order); i++) {
        assert_int_equal(timer_queue_first(&queue), expiries[order[i]]);
        assert_ptr_equal(timer_queue_expired(&queue, ~0ull), &t[order[i]]);
    }
    assert_null(timer_queue_expired(&queue, ~0ull));
    assert_int_equal(timer_queue_first(&queue), 0);
}

static void only_the_expired_are_taken(void **state)
{
    struct timer t[2] = { { .expires = 100 }, { .expires = 101 } };
    struct list queue = LIST_INIT(queue);

    (void)state;
    timer_queue_insert(&queue, &t[1]);
    timer_queue_insert(&queue, &t[0]);
    assert_null(timer_queue_expired(&queue, 99));
    assert_ptr_equal(timer_queue_expired(&queue, 100), &t[0]);
    assert_null(timer_queue_expired(&queue, 100));
    assert_true(list_empty(&t[0].link));
}

static void many_come_out_sorted(void **state)
{
    static struct timer t[500];
    struct list queue = LIST_INIT(queue);
    u64 last = 0;

    (void)state;
    srandom(99);
    for (unsigned int i = 0; i < ARRAY_SIZE(t); i++) {
        t[i].expires = (u64)random() % 200;
        timer_queue_insert(&queue, &t[i]);
        if (i % 5 == 4)
            list_del(&t[(u32)random() % i].link);   /* stopped; some twice */
    }
    for (struct timer *next; (next = timer_queue_expired(&queue, 1000)) != NULL;) {
        assert_true(next->expires >= last);
        last = next->expires;
    }
}

static void periods_keep_their_step(void **state)
{
    (void)state;
    assert_int_equal(timer_next_period(100, 10, 99), 100);
    assert_int_equal(timer_next_period(100, 10, 100), 110);
    assert_int_equal(timer_next_period(100, 10, 109), 110);
    assert_int_equal(timer_next_period(100, 10, 110), 120);
    assert_int_equal(timer_next_period(100, 10, 1234567), 1234570);
    assert_int_equal(timer_next_period(1, ~0ull >> 2, 2), (~0ull >> 2) + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(earliest_comes_first_and_equals_in_turn),
        cmocka_unit_test(only_the_expired_are_taken),
        cmocka_unit_test(many_come_out_sorted),
        cmocka_unit_test(periods_keep_their_step),
    };

    return cmocka_run_group_tests_name("timer_queue", tests, NULL, NULL);
}
