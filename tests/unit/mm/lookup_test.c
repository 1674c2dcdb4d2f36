/* SPDX-License-Identifier: MIT */
/* The clamp of untrusted indexes (lib/atomic.h) and the search for fixups (x86/extable.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/atomic.h"
#include "x86/extable.h"

static void an_index_beyond_the_end_becomes_zero(void **state)
{
    static const u64 values[] = {
        0, 1, 2, 63, 64, 65, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
        0x7fffffffffffffff, 0x8000000000000000, ~0ull - 1, ~0ull,
    };

    (void)state;
    for (unsigned int i = 0; i < ARRAY_SIZE(values); i++)
        for (unsigned int n = 0; n < ARRAY_SIZE(values); n++)
            assert_int_equal(index_nospec(values[i], values[n]),
                             values[i] < values[n] ? values[i] : 0);
}

static void a_fixup_is_found_by_its_instruction_alone(void **state)
{
    static struct extable_entry table[4];
    u64 base = (u64)table;

    (void)state;
    for (int i = 0; i < 4; i++) {
        table[i].from = 1000 + 16 * i - 8 * i;          /* relative to the field itself */
        table[i].to = -2000 + 32 * i - 8 * i - 4;
    }
    for (u64 i = 0; i < 4; i++) {
        assert_int_equal(extable_lookup(table, table + 4, base + 1000 + 16 * i),
                         base - 2000 + 32 * i);
        assert_int_equal(extable_lookup(table, table + 4, base + 1001 + 16 * i), 0);
        assert_int_equal(extable_lookup(table, table + 4, base - 2000 + 32 * i), 0);
    }
    assert_int_equal(extable_lookup(table, table + 3, base + 1048), 0);
    assert_int_equal(extable_lookup(table, table, base + 1000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_beyond_the_end_becomes_zero),
        cmocka_unit_test(a_fixup_is_found_by_its_instruction_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
