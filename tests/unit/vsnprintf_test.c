/* SPDX-License-Identifier: MIT */
/* hypervisor/lib/vsnprintf.c against the C library's, conversion by conversion. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define vsnprintf our_vsnprintf
#define snprintf  our_snprintf
#include "lib/vsnprintf.c"
#undef vsnprintf
#undef snprintf

#define SAME(...)                                                               \
    do {                                                                        \
        char ours[100], theirs[100];                                            \
        int n = snprintf(theirs, sizeof(theirs), __VA_ARGS__);                  \
        assert_int_equal(our_snprintf(ours, sizeof(ours), __VA_ARGS__), n);     \
        assert_string_equal(ours, theirs);                                      \
    } while (0)

static void integers(void **state)
{
    static const long values[] = { 0, 1, -1, 9, 10, 255, INT_MAX, INT_MIN, LONG_MAX, LONG_MIN };

    (void)state;
    for (unsigned int i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        long v = values[i];

        SAME("%d|%i|%u|%x|%X", (int)v, (int)v, (unsigned int)v, (unsigned int)v, (unsigned int)v);
        SAME("%ld|%lu|%lx|%llx|%zu", v, (unsigned long)v, (unsigned long)v,
             (unsigned long long)v, (size_t)v);
        SAME("%5d|%-5d|%05d|%20ld|%-20ld|%020ld", (int)v, (int)v, (int)v, v, v, v);
        SAME("%#x|%#lx|%#10x|%#010x|%#-10x|", (unsigned int)v, (unsigned long)v, (unsigned int)v,
             (unsigned int)v, (unsigned int)v);
        SAME("%hhu|%hu|%hhd|%hd|%+d", (unsigned char)v, (unsigned short)v, (signed char)v,
             (short)v, (int)v);
        SAME("%*d|%-*d|%0*d|%*d", 7, (int)v, 7, (int)v, 7, (int)v, -7, (int)v);
    }
}

static void texts(void **state)
{
    (void)state;
    SAME("%s|%10s|%-10s|%.2s|%10.2s|%.*s", "hello", "hello", "hello", "hello", "hello", 3, "hello");
    SAME("%c|%3c|%-3c|%%|plain", 'a', 'b', 'c');
    SAME("%.3s", (const char[]){ 'a', 'b', 'c' });
    SAME("%p", (void *)(uintptr_t)0xffff828000000000);
}

static void too_long_is_cut(void **state)
{
    char buffer[6] = "zzzzz";

    (void)state;
    assert_int_equal(our_snprintf(buffer, 4, "%d", 123456), 6);
    assert_string_equal(buffer, "123");
    assert_int_equal(buffer[4], 'z');
    assert_int_equal(our_snprintf(buffer, 1, "abc"), 3);
    assert_string_equal(buffer, "");
    assert_int_equal(our_snprintf(NULL, 0, "%08x", 0x12u), 8);
}

static void unknown_conversions_show(void **state)
{
    const char *volatile format = "100%y and %";
    char buffer[40];

    (void)state;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"    /* what the compiler would refuse */
#pragma GCC diagnostic ignored "-Wformat-security"
    assert_int_equal(our_snprintf(buffer, sizeof(buffer), format), 11);
#pragma GCC diagnostic pop
    assert_string_equal(buffer, "100%y and %");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),
        cmocka_unit_test(texts),
        cmocka_unit_test(too_long_is_cut),
        cmocka_unit_test(unknown_conversions_show),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
