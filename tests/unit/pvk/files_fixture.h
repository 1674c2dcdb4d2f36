/* SPDX-License-Identifier: MIT */
/*
 * What the tests of pv-kernel/fs share: each begins with a count of objects and pages, and ends
 * with the same; and short words for files made and looked at.
 */
#ifndef FILES_FIXTURE_H
#define FILES_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fs/stream.h"
#include "kernel_host.h"

static long objects_before, pages_before;

static inline int begin(void **state)
{
    (void)state;
    host_fail_after = -1;
    host_sleep = NULL;
    host_signal = 0;
    objects_before = host_objects;
    pages_before = host_pages;
    return 0;
}

static inline int end(void **state)
{
    (void)state;
    host_fail_after = -1;
    host_page_limit = 4096;
    assert_int_equal(host_objects, objects_before);
    assert_int_equal(host_pages, pages_before);
    return 0;
}

/* ---- Helpers ---- */

static inline int mkdir_at(const char *path)
{
    return fs_mknod(NULL, path, S_IFDIR | 0755, 0);
}

static inline int lookup(const char *path, uint64_t *ino)
{
    struct inode *inode;
    int rc = path_lookup(path, true, &inode);

    if (!rc) {
        *ino = inode->ino;
        inode_put(inode);
    }
    return rc;
}

static inline void expect_same(const char *a, const char *b)
{
    uint64_t one = 0, other = 1;

    assert_int_equal(lookup(a, &one), 0);
    assert_int_equal(lookup(b, &other), 0);
    assert_int_equal(one, other);
}

static inline void expect_error(const char *path, int error)
{
    uint64_t ino;

    assert_int_equal(lookup(path, &ino), -error);
}

static inline void write_file(const char *path, const char *text)
{
    struct file *f;
    uint64_t pos = 0;

    assert_int_equal(file_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644, &f), 0);
    assert_int_equal(f->ops->write(f, text, strlen(text), &pos), strlen(text));
    file_put(f);
}

static inline void expect_file(const char *path, const char *text)
{
    char buf[64];
    struct file *f;

    assert_int_equal(file_open(path, O_RDONLY, 0, &f), 0);
    assert_int_equal(file_read_at(f, buf, sizeof(buf), 0), strlen(text));
    assert_memory_equal(buf, text, strlen(text));
    file_put(f);
}

static inline int start(void **state)
{
    (void)state;
    host_start();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif
