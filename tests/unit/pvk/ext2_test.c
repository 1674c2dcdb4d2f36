/* SPDX-License-Identifier: MIT */
/*
 * pv-kernel/fs/ext2.c and ext2_dir.c: what they read of images that mke2fs made, and that images
 * with wrong bytes in them are read without looking outside of the disk and without end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "fs/ext2.h"
#include "kernel_host.h"

#define IMAGE_BYTES (4ul << 20)
#define MANY        120u                /* in one directory, so that it has several blocks */
#define BIG_BYTES   700000u             /* reaches the second level of blocks of numbers */
#define SPARSE_AT   (70ul << 20)        /* with blocks of 1 KiB in the third */

static char folder[] = "/tmp/ext2-test-XXXXXX";
static uint8_t *image;
static unsigned long nr_reads;

/* ---- Images ---- */

static uint8_t big_byte(size_t i)
{
    return (uint8_t)(i * 2654435761u >> 13);
}

static void shell(const char *format, const char *a)
{
    char command[512];

    snprintf(command, sizeof(command), format, folder, a);
    assert_int_equal(system(command), 0);
}

static void write_file(const char *name, const void *data, size_t len, long at)
{
    char path[128];
    FILE *f;

    snprintf(path, sizeof(path), "%s/tree/%s", folder, name);
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static int make_tree(void **state)
{
    uint8_t *big = malloc(BIG_BYTES);
    char name[64];

    (void)state;
    image = malloc(IMAGE_BYTES);
    if (!big || !image || !mkdtemp(folder))
        return -1;
    for (size_t i = 0; i < BIG_BYTES; i++)
        big[i] = big_byte(i);
    shell("cd %s && mkdir -p tree/sub/many && ln -s hello tree/link && "
          "ln -s $(printf '%%0100d' 7) tree/long%s", "");
    write_file("hello", "good morning\n", 13, 0);
    write_file("big", big, BIG_BYTES, 0);
    write_file("sparse", "end", 3, SPARSE_AT);
    free(big);
    for (unsigned int i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "sub/many/a-file-with-a-rather-long-name-%u", i);
        write_file(name, &i, sizeof(i), 0);
    }
    return 0;
}

static int remove_tree(void **state)
{
    (void)state;
    shell("rm -rf %s%s", "");
    free(image);
    return 0;
}

static void make_image(const char *options)
{
    char path[128];
    FILE *f;

    shell("cd %s && rm -f image && PATH=$PATH:/sbin:/usr/sbin mke2fs -q -F %s -d tree image 4M "
          ">/dev/null", options);
    snprintf(path, sizeof(path), "%s/image", folder);
    f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fread(image, 1, IMAGE_BYTES, f), IMAGE_BYTES);
    fclose(f);
}

static int read_image(void *disk, uint64_t offset, void *buf, size_t len)
{
    assert_true(offset <= IMAGE_BYTES && len <= IMAGE_BYTES - offset);
    memcpy(buf, (uint8_t *)disk + offset, len);
    nr_reads++;
    return 0;
}

static int open_image(struct ext2 *fs)
{
    memset(fs, 0, sizeof(*fs));
    fs->read = read_image;
    fs->disk = image;
    fs->size = IMAGE_BYTES;
    return ext2_open(fs);
}

/* The node at a path of names. */
static void find(struct ext2 *fs, const char *path, struct ext2_node *node)
{
    char names[128], *name, *rest = names;
    uint32_t ino;

    snprintf(names, sizeof(names), "%s", path);
    assert_int_equal(ext2_read_node(fs, EXT2_ROOT, node), 0);
    while ((name = strsep(&rest, "/"))) {
        assert_int_equal(ext2_lookup(fs, node, name, &ino), 0);
        assert_int_equal(ext2_read_node(fs, ino, node), 0);
    }
}

/* ---- Good images ---- */

static void check_files(struct ext2 *fs)
{
    struct ext2_node node;
    static uint8_t buf[BIG_BYTES + 100];
    char text[256];

    find(fs, "hello", &node);
    assert_int_equal(node.mode & S_IFMT, S_IFREG);
    assert_int_equal(ext2_read(fs, &node, buf, sizeof(buf), 0), 13);
    assert_memory_equal(buf, "good morning\n", 13);
    assert_int_equal(ext2_read(fs, &node, buf, 3, 5), 3);
    assert_memory_equal(buf, "mor", 3);
    assert_int_equal(ext2_read(fs, &node, buf, 3, 13), 0);

    find(fs, "big", &node);
    assert_int_equal(ext2_read(fs, &node, buf, sizeof(buf), 0), BIG_BYTES);
    for (size_t i = 0; i < BIG_BYTES; i++)
        assert_int_equal(buf[i], big_byte(i));
    assert_int_equal(ext2_read(fs, &node, buf, 5000, 12345), 5000);
    for (size_t i = 0; i < 5000; i++)
        assert_int_equal(buf[i], big_byte(12345 + i));

    find(fs, "sparse", &node);
    assert_int_equal(node.size, SPARSE_AT + 3);
    assert_int_equal(ext2_read(fs, &node, buf, 100, SPARSE_AT - 50), 53);
    for (size_t i = 0; i < 50; i++)
        assert_int_equal(buf[i], 0);
    assert_memory_equal(buf + 50, "end", 3);

    find(fs, "link", &node);
    assert_int_equal(ext2_readlink(fs, &node, text, sizeof(text)), 5);
    assert_memory_equal(text, "hello", 5);
    find(fs, "long", &node);
    assert_int_equal(ext2_readlink(fs, &node, text, sizeof(text)), 100);
    assert_int_equal(text[99], '7');
}

static int count_name(void *ctx, const char *name, uint64_t ino, uint32_t mode)
{
    unsigned int *count = ctx;

    assert_true(ino != 0 && (mode == 0 || mode == S_IFREG || mode == S_IFDIR));
    *count += strncmp(name, "a-file", 6) == 0;
    return 0;
}

static void check_directory(struct ext2 *fs)
{
    struct ext2_node dir, node;
    unsigned int count = 0, value;
    uint64_t pos = 0;
    uint32_t ino;
    char path[96];

    find(fs, "sub/many", &dir);
    assert_int_equal(ext2_readdir(fs, &dir, &pos, count_name, &count), 0);
    assert_int_equal(count, MANY);
    assert_int_equal(pos, dir.size);
    assert_int_equal(ext2_lookup(fs, &dir, "missing", &ino), -ENOENT);
    assert_int_equal(ext2_lookup(fs, &dir, "..", &ino), 0);
    for (unsigned int i = 0; i < MANY; i++) {
        snprintf(path, sizeof(path), "sub/many/a-file-with-a-rather-long-name-%u", i);
        find(fs, path, &node);
        assert_int_equal(ext2_read(fs, &node, &value, sizeof(value), 0), sizeof(value));
        assert_int_equal(value, i);
    }
}

static void reads_what_was_written(void **state)
{
    static const char *const options[] = {
        "-t ext2 -b 1024", "-t ext2 -b 2048", "-t ext2 -b 4096", "-t ext2 -b 1024 -I 128",
        "-t ext2 -b 1024 -O ^filetype,^resize_inode", "-t ext3 -b 1024 -J size=1",
        "-t ext2 -b 1024 -g 512",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        struct ext2 fs;

        make_image(options[i]);
        assert_int_equal(open_image(&fs), 0);
        check_files(&fs);
        check_directory(&fs);
        ext2_close(&fs);
        assert_int_equal(host_objects, 0);
    }
}

static void refuses_other_formats(void **state)
{
    struct ext2 fs;

    (void)state;
    make_image("-t ext4 -b 1024");
    assert_int_equal(open_image(&fs), -EINVAL);
    memset(image, 0, IMAGE_BYTES);
    assert_int_equal(open_image(&fs), -EINVAL);
    fs.size = 1000;
    assert_int_equal(ext2_open(&fs), -EIO);
    assert_int_equal(host_objects, 0);
}

/* ---- Wrong images ---- */

struct visit {
    struct ext2 *fs;
    unsigned int left;                  /* a wrong directory may lead to itself */
};

static int visit_name(void *ctx, const char *name, uint64_t ino, uint32_t mode);

static void visit(struct visit *v, uint32_t ino)
{
    static const uint64_t places[] = { 0, 11000, 13000, 275000, 300000, SPARSE_AT };
    struct ext2_node node;
    uint64_t pos = 0;
    char buf[4200];

    if (!v->left || ext2_read_node(v->fs, ino, &node))
        return;
    v->left--;
    for (size_t i = 0; i < ARRAY_SIZE(places); i++)
        ext2_read(v->fs, &node, buf, sizeof(buf), places[i]);
    if (node.size > sizeof(buf))
        ext2_read(v->fs, &node, buf, sizeof(buf), node.size - sizeof(buf));
    if ((node.mode & S_IFMT) == S_IFLNK)
        ext2_readlink(v->fs, &node, buf, sizeof(buf));
    if ((node.mode & S_IFMT) == S_IFDIR)
        ext2_readdir(v->fs, &node, &pos, visit_name, v);
}

static int visit_name(void *ctx, const char *name, uint64_t ino, uint32_t mode)
{
    struct visit *v = ctx;

    (void)mode;
    assert_in_range(strlen(name), 1, NAME_MAX);
    if (strcmp(name, ".") && strcmp(name, ".."))
        visit(v, (uint32_t)ino);
    return v->left == 0;
}

#define MAX_VISITS 200u

/*
 * Everything that can be reached: how many nodes that were. How many reads it may take is known
 * beforehand.
 */
static unsigned int visit_all(void)
{
    struct ext2 fs;
    struct visit v = { .fs = &fs, .left = MAX_VISITS };

    nr_reads = 0;
    if (!open_image(&fs))
        visit(&v, EXT2_ROOT);
    ext2_close(&fs);
    assert_int_equal(host_objects, 0);
    assert_true(nr_reads < MAX_VISITS * (IMAGE_BYTES / 1024));
    return MAX_VISITS - v.left;
}

/* One byte at a time, where a byte says most. */
static void survives_each_byte(size_t from, size_t to)
{
    static const uint8_t values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };

    for (size_t at = from; at < to; at++) {
        uint8_t was = image[at];

        for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
            image[at] = values[i];
            visit_all();
        }
        image[at] = was;
    }
}

static void survives_wrong_bytes(void **state)
{
    (void)state;
    make_image("-t ext2 -b 1024 -I 128");
    /* The root, what is in it, lost+found, sub and many with its files. */
    assert_int_equal(visit_all(), 9 + MANY);
    survives_each_byte(1024, 1024 + 104);       /* the superblock's fields */
    survives_each_byte(2048, 2048 + 32);        /* the first group's */
}

static void survives_random_bytes(void **state)
{
    static uint8_t good[IMAGE_BYTES];
    unsigned int seed = 20260101;

    (void)state;
    make_image("-t ext2 -b 1024 -I 128");
    memcpy(good, image, IMAGE_BYTES);
    for (unsigned int round = 0; round < 1500; round++) {
        /* What mke2fs puts first: tables, inodes, directories. */
        size_t where = round % 2 ? 1024 : 64 * 1024, span = 400 * 1024;

        for (unsigned int i = 0; i < 1 + round % 64 * 8; i++)
            image[where + (unsigned int)rand_r(&seed) % span] = (uint8_t)rand_r(&seed);
        /* The superblock stays good in half of the rounds, so that it gets further. */
        if (round % 4 < 2)
            memcpy(image + 1024, good + 1024, 2048);
        visit_all();
        memcpy(image + where, good + where, span);
    }
}

/* No memory, at any place: an error, and nothing is kept. */
static void survives_lack_of_memory(void **state)
{
    (void)state;
    make_image("-t ext2 -b 1024");
    for (long n = 0; n < 60; n++) {
        host_fail_after = n;
        visit_all();
    }
    host_fail_after = -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_was_written),
        cmocka_unit_test(refuses_other_formats),
        cmocka_unit_test(survives_wrong_bytes),
        cmocka_unit_test(survives_random_bytes),
        cmocka_unit_test(survives_lack_of_memory),
    };

    return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
