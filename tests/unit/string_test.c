/* SPDX-License-Identifier: MIT */
/*
 * hypervisor/lib/string.c against the C library, over all small lengths, offsets and overlaps. The
 * source is included under other names, as the sanitizers watch the usual ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define memcpy  our_memcpy
#define memmove our_memmove
#define memset  our_memset
#define memcmp  our_memcmp
#define strlen  our_strlen
#define strnlen our_strnlen
#define strcmp  our_strcmp
#define strncmp our_strncmp
#define strchr  our_strchr
#define strlcpy our_strlcpy
#undef LIB_STRING_H
#include "lib/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strlcpy

#define SIZE 160

static void fill(unsigned char *a, unsigned char *b)
{
    for (unsigned int i = 0; i < SIZE; i++)
        a[i] = b[i] = (unsigned char)(i * 7 + 1);
}

static void moves_like_libc(void **state)
{
    unsigned char ours[SIZE], theirs[SIZE];

    (void)state;
    for (size_t n = 0; n <= 70; n++) {
        for (size_t from = 0; from < 40; from++) {
            for (size_t to = 0; to < 40; to++) {
                fill(ours, theirs);
                memmove(theirs + to, theirs + from, n);
                assert_ptr_equal(our_memmove(ours + to, ours + from, n), ours + to);
                assert_memory_equal(ours, theirs, SIZE);
            }
        }
    }
}

static void copies_exactly(void **state)
{
    (void)state;
    /* Areas of the exact size: the address sanitizer sees each byte too many. */
    for (size_t n = 0; n <= 70; n++) {
        unsigned char *from = malloc(n + 1), *to = malloc(n + 1);

        for (size_t i = 0; i <= n; i++)
            from[i] = (unsigned char)(i + 1);
        memset(to, 0xee, n + 1);
        assert_ptr_equal(our_memcpy(to, from, n), to);
        assert_memory_equal(to, from, n);
        assert_int_equal(to[n], 0xee);
        assert_ptr_equal(our_memset(to, 0x1a5, n), to);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(to[i], 0xa5);
        assert_int_equal(to[n], 0xee);
        free(from);
        free(to);
    }
}

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

static void compares_like_libc(void **state)
{
    unsigned char a[40], b[40];

    (void)state;
    for (size_t n = 0; n <= 40; n++) {
        memset(a, 0x80, sizeof(a));
        memset(b, 0x80, sizeof(b));
        assert_int_equal(our_memcmp(a, b, n), 0);
        for (size_t i = 0; i < 40; i++) {
            b[i] = i % 2 ? 0x7f : 0x81;
            assert_int_equal(sign(our_memcmp(a, b, n)), sign(memcmp(a, b, n)));
            b[i] = 0x80;
        }
    }
}

static void strings(void **state)
{
    static const char *const words[] = { "", "a", "ab", "abc", "abd", "b", "\xff", "abcdefghijk" };
    const unsigned int n = sizeof(words) / sizeof(words[0]);

    (void)state;
    for (unsigned int i = 0; i < n; i++) {
        assert_int_equal(our_strlen(words[i]), strlen(words[i]));
        for (size_t max = 0; max < 14; max++)
            assert_int_equal(our_strnlen(words[i], max), strnlen(words[i], max));
        for (int c = 0; c < 256; c++)
            assert_ptr_equal(our_strchr(words[i], c), strchr(words[i], c));
        for (unsigned int j = 0; j < n; j++) {
            assert_int_equal(sign(our_strcmp(words[i], words[j])),
                             sign(strcmp(words[i], words[j])));
            for (size_t max = 0; max < 5; max++)
                assert_int_equal(sign(our_strncmp(words[i], words[j], max)),
                                 sign(strncmp(words[i], words[j], max)));
        }
    }
}

static void strlcpy_cuts_and_terminates(void **state)
{
    char to[4] = "xyz";

    (void)state;
    assert_int_equal(our_strlcpy(to, "abcdef", 0), 6);
    assert_string_equal(to, "xyz");
    assert_int_equal(our_strlcpy(to, "abcdef", sizeof(to)), 6);
    assert_string_equal(to, "abc");
    assert_int_equal(our_strlcpy(to, "p", sizeof(to)), 1);
    assert_string_equal(to, "p");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moves_like_libc),
        cmocka_unit_test(copies_exactly),
        cmocka_unit_test(compares_like_libc),
        cmocka_unit_test(strings),
        cmocka_unit_test(strlcpy_cuts_and_terminates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
