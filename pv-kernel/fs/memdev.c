/* SPDX-License-Identifier: MIT */
/* The devices that need no hardware: null, zero, full, random and urandom. */
#include "fs/internal.h"
#include "proc/proc.h"

#define MEM_MAJOR 1

static long read_nothing(struct file *f, void *buf, size_t len, uint64_t *pos)
{
    (void)f;
    (void)buf;
    (void)len;
    (void)pos;
    return 0;
}

static long read_zeroes(struct file *f, void *buf, size_t len, uint64_t *pos)
{
    (void)f;
    (void)pos;
    memset(buf, 0, len);
    return (long)len;
}

static long read_random(struct file *f, void *buf, size_t len, uint64_t *pos)
{
    (void)f;
    (void)pos;
    for (size_t done = 0; done < len; done += sizeof(uint64_t)) {
        uint64_t word = random_u64();

        memcpy((char *)buf + done, &word, min(len - done, sizeof(word)));
    }
    return (long)len;
}

static long swallow(struct file *f, const void *buf, size_t len, uint64_t *pos)
{
    (void)f;
    (void)buf;
    (void)pos;
    return (long)len;
}

static long write_full(struct file *f, const void *buf, size_t len, uint64_t *pos)
{
    (void)f;
    (void)buf;
    (void)len;
    (void)pos;
    return -ENOSPC;
}

static const struct file_ops null_ops = { .read = read_nothing, .write = swallow };
static const struct file_ops zero_ops = { .read = read_zeroes, .write = swallow };
static const struct file_ops full_ops = { .read = read_zeroes, .write = write_full };
static const struct file_ops random_ops = { .read = read_random, .write = swallow };

void memdev_init(void)
{
    static const struct {
        const char *name;
        uint32_t minor;
        const struct file_ops *ops;
    } nodes[] = {
        { "null", 3, &null_ops }, { "zero", 5, &zero_ops }, { "full", 7, &full_ops },
        { "random", 8, &random_ops }, { "urandom", 9, &random_ops },
    };

    for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
        if (device_register(nodes[i].name, 0666, MEM_MAJOR, nodes[i].minor, nodes[i].ops, NULL))
            panic("pv-kernel: no memory for /dev/%s\n", nodes[i].name);
    }
}
