/* SPDX-License-Identifier: MIT */
/*
 * diskio WHERE DEVICE: reads and writes a raw disk, piece by piece, in both sizes. Before and
 * behind each transfer is a mark for tests/bench/counter, which counts the instructions between
 * them.
 *
 * The disk's blocks of 4 KiB hold their own numbers when it starts, and each read is checked, so
 * that what was counted was a read of the disk. For each kind it prints how many transfers it did;
 * the marks come in the same order.
 *
 *     DISK WHERE read 4096 count=NUMBER
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BLOCK     4096u
#define LONGEST   (1u << 20)
#define SETTLE_MS 500

/* For tests/bench/counter, which writes down how many instructions were executed up to here. */
#define mark() __asm__ volatile(".byte 0x0f, 0x1f, 0x80\n\t.ascii \"MARK\"" ::: "memory")

static const struct {
    const char *name;
    bool write;
    size_t len;
    unsigned int count;
} kinds[] = {
    { "read", false, BLOCK, 201 },
    { "read", false, LONGEST, 21 },
    { "write", true, BLOCK, 201 },
    { "write", true, LONGEST, 21 },
};

static void fail(const char *what)
{
    printf("DISK FAILED %s\n", what);
    exit(1);
}

/* The number is in the first and the last word, the rest is of no account. */
static void number(char *buf, size_t len, uint64_t block)
{
    for (size_t at = 0; at < len; at += BLOCK, block++) {
        memcpy(buf + at, &block, sizeof(block));
        memcpy(buf + at + BLOCK - sizeof(block), &block, sizeof(block));
    }
}

static void check(const char *buf, size_t len, uint64_t block)
{
    for (size_t at = 0; at < len; at += BLOCK, block++) {
        if (memcmp(buf + at, &block, sizeof(block)) ||
            memcmp(buf + at + BLOCK - sizeof(block), &block, sizeof(block)))
            fail("a block with another's contents");
    }
}

static ssize_t transfer(int fd, size_t kind, char *buf, off_t at)
{
    ssize_t done;

    mark();
    done = kinds[kind].write ? pwrite(fd, buf, kinds[kind].len, at)
                             : pread(fd, buf, kinds[kind].len, at);
    mark();
    return done;
}

/* The kind's transfers, one behind the other. */
static void run(int fd, size_t kind, char *buf, off_t size)
{
    size_t len = kinds[kind].len;
    off_t at = 0;

    for (unsigned int i = 0; i < kinds[kind].count; i++) {
        if (kinds[kind].write)
            number(buf, len, (uint64_t)at / BLOCK);
        else
            memset(buf, 0xff, len);
        if (transfer(fd, kind, buf, at) != (ssize_t)len)
            fail(kinds[kind].name);
        check(buf, len, (uint64_t)at / BLOCK);
        at = at + 2 * (off_t)len > size ? 0 : at + (off_t)len;
    }
}

static void settle(void)
{
    struct timespec pause = { .tv_nsec = SETTLE_MS * 1000000L };

    if (nanosleep(&pause, NULL))
        fail("nanosleep");
}

int main(int argc, char **argv)
{
    char *buf = aligned_alloc(BLOCK, LONGEST);
    off_t size;
    int fd;

    setlinebuf(stdout);
    if (argc != 3 || !buf)
        fail("usage: diskio WHERE DEVICE");
    fd = open(argv[2], O_RDWR);
    size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
    if (size < (off_t)LONGEST)
        fail(argv[2]);
    memset(buf, 0, LONGEST);
    settle();
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        run(fd, i, buf, size);
        printf("DISK %s %s %zu count=%u\n", argv[1], kinds[i].name, kinds[i].len, kinds[i].count);
    }
    return 0;
}
