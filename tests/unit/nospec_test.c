/* SPDX-License-Identifier: MIT */
/* The clamp of untrusted indexes: below the limit nothing changes, from there on it is 0. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/atomic.h"

static void below_the_limit_it_is_the_index(void **state)
{
    (void)state;
    for (u64 n = 1; n < 70; n++)
        for (u64 i = 0; i < n; i++)
            assert_int_equal(index_nospec(i, n), i);
    assert_int_equal(index_nospec(~0ull - 1, ~0ull), ~0ull - 1);
    assert_int_equal(index_nospec((1ull << 63) - 1, 1ull << 63), (1ull << 63) - 1);
}

static void from_the_limit_on_it_is_zero(void **state)
{
    (void)state;
    for (u64 n = 0; n < 70; n++)
        for (u64 i = n; i < n + 70; i++)
            assert_int_equal(index_nospec(i, n), 0);
    assert_int_equal(index_nospec(~0ull, 5), 0);
    assert_int_equal(index_nospec(~0ull, ~0ull), 0);
    assert_int_equal(index_nospec(1ull << 63, 1ull << 62), 0);
    assert_int_equal(index_nospec(1ull << 32, 32), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(below_the_limit_it_is_the_index),
        cmocka_unit_test(from_the_limit_on_it_is_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
