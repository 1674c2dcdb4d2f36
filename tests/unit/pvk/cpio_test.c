/* SPDX-License-Identifier: MIT */
/*
 * pv-kernel/fs/cpio.c: what it reads of a good archive, and that a bad one, cut or changed at any
 * byte, is refused or read without looking outside of it. The archive ends where its memory ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fs/cpio.h"
#include "kernel.h"

struct archive {
    char bytes[4096];
    size_t len;
};

static void pad(struct archive *a)
{
    while (a->len % 4)
        a->bytes[a->len++] = '\0';
}

static void add(struct archive *a, const char *name, unsigned int mode, const char *data,
                unsigned int size)
{
    a->len += (size_t)sprintf(a->bytes + a->len,
                              "070701%08X%08X%08X%08X%08x%08X%08X%08X%08X%08X%08X%08X%08X", 7u,
                              mode, 1u, 2u, 3u, 4u, size, 5u, 6u, 8u, 9u,
                              (unsigned int)strlen(name) + 1, 0u);
    memcpy(a->bytes + a->len, name, strlen(name) + 1);
    a->len += strlen(name) + 1;
    pad(a);
    memcpy(a->bytes + a->len, data, size);
    a->len += size;
    pad(a);
}

static void build(struct archive *a)
{
    memset(a, 0, sizeof(*a));
    add(a, "bin", 0040755, "", 0);
    add(a, "bin/tool", 0100755, "12345", 5);
    add(a, "link", 0120777, "bin/tool", 8);
    add(a, "TRAILER!!!", 0, "", 0);
}

static void reads_every_field(void **state)
{
    struct archive a;
    struct cpio_entry e;
    size_t offset = 0;

    (void)state;
    build(&a);
    assert_int_equal(cpio_next(a.bytes, a.len, &offset, &e), 1);
    assert_string_equal(e.name, "bin");
    assert_int_equal(e.mode, 0040755);
    assert_int_equal(e.size, 0);
    assert_int_equal(cpio_next(a.bytes, a.len, &offset, &e), 1);
    assert_string_equal(e.name, "bin/tool");
    assert_int_equal(e.size, 5);
    assert_memory_equal(e.data, "12345", 5);
    assert_int_equal(e.ino, 7);
    assert_int_equal(e.uid, 1);
    assert_int_equal(e.gid, 2);
    assert_int_equal(e.nlink, 3);
    assert_int_equal(e.mtime, 4);
    assert_int_equal(e.dev_major, 5);
    assert_int_equal(e.dev_minor, 6);
    assert_int_equal(e.rdev_major, 8);
    assert_int_equal(e.rdev_minor, 9);
    assert_int_equal(cpio_next(a.bytes, a.len, &offset, &e), 1);
    assert_memory_equal(e.data, "bin/tool", 8);
    assert_int_equal(cpio_next(a.bytes, a.len, &offset, &e), 0);
    assert_int_equal(offset, a.len);
}

/* As `cat a.cpio b.cpio` makes them, the first one filled up to a block. */
static void archives_follow_each_other(void **state)
{
    struct archive a;
    struct cpio_entry e;
    size_t offset = 0;
    int entries = 0;

    (void)state;
    build(&a);
    a.len = 1024;
    add(&a, "second", 0100644, "x", 1);
    add(&a, "TRAILER!!!", 0, "", 0);
    a.len += 300;
    while (cpio_next(a.bytes, a.len, &offset, &e) == 1)
        entries++;
    assert_int_equal(entries, 4);
    assert_int_equal(offset, a.len);
    assert_string_equal(e.name, "TRAILER!!!");
}

static int walk(const char *bytes, size_t len)
{
    struct cpio_entry e;
    size_t offset = 0, before;
    int rc;

    do {
        before = offset;
        rc = cpio_next(bytes, len, &offset, &e);
        assert_true(offset <= len);
        if (rc == 1) {
            /* What it shows is all inside; the sanitizer watches. */
            assert_true(strlen(e.name) < len);
            assert_true((const char *)e.data + e.size <= bytes + len);
            assert_true(offset > before);
        }
    } while (rc == 1);
    return rc;
}

static void cut_anywhere(void **state)
{
    struct archive a;

    (void)state;
    build(&a);
    for (size_t len = 1; len < a.len; len++) {
        char *copy = malloc(len);
        int rc;

        memcpy(copy, a.bytes, len);
        rc = walk(copy, len);
        assert_true(rc == 0 || rc == -EINVAL);
        free(copy);
    }
}

static void changed_anywhere(void **state)
{
    static const char values[] = { '\0', '0', '1', 'F', 'g', (char)0xff };
    struct archive a;

    (void)state;
    build(&a);
    for (size_t i = 0; i < a.len; i++) {
        for (size_t v = 0; v < sizeof(values); v++) {
            char *copy = malloc(a.len);

            memcpy(copy, a.bytes, a.len);
            copy[i] = values[v];
            walk(copy, a.len);
            free(copy);
        }
    }
}

static void refuses_what_is_no_archive(void **state)
{
    static const char elf[200] = "\177ELF";
    struct archive a;

    (void)state;
    assert_int_equal(walk(elf, sizeof(elf)), -EINVAL);
    memset(&a, 0, sizeof(a));
    assert_int_equal(walk(a.bytes, sizeof(a.bytes)), 0);
    build(&a);
    memcpy(a.bytes, "070702", 6);
    assert_int_equal(walk(a.bytes, a.len), -EINVAL);
    build(&a);
    memcpy(a.bytes + 6 + 8 * 11, "00000000", 8);        /* a name of no bytes */
    assert_int_equal(walk(a.bytes, a.len), -EINVAL);
    build(&a);
    memcpy(a.bytes + 6 + 8 * 6, "FFFFFFFF", 8);         /* a file of 4 GiB */
    assert_int_equal(walk(a.bytes, a.len), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_field),
        cmocka_unit_test(archives_follow_each_other),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(changed_anywhere),
        cmocka_unit_test(refuses_what_is_no_archive),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
