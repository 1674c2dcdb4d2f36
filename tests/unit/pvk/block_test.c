/* SPDX-License-Identifier: MIT */
/*
 * pv-kernel/block/block.c: transfers of kernel memory, on a disk of the test's own, which does what
 * it has when the kernel waits for it, in any order. A long transfer has several bios under way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "block/internal.h"
#include "proc/proc.h"

#define DISK_BYTES (3ul << 20)
#define MOST       (2 * BLOCK_PIECE)

static uint8_t contents[DISK_BYTES];

static struct {
    struct bio *at_disk[64];
    unsigned int nr, most, submitted, ended, kicks, flushes;
    bool at_once;                   /* bios end within submit() */
    unsigned int fail_nr;           /* which of those that end fails, from 1; 0: none */
    unsigned int refuse_nr;         /* the bio that is not taken */
    long objects, objects_left;     /* kmalloc fails when none is left; -1: never */
} host;

/* ---- The disk ---- */

/* Frames are those of addresses here, so the disk can do its work. */
static void move_data(const struct bio *bio)
{
    uint8_t *at = contents + bio->sector * SECTOR_SIZE;

    for (unsigned int i = 0; i < bio->nr_segments; i++) {
        const struct bio_segment *s = &bio->segment[i];
        uint8_t *mem = (uint8_t *)(s->mfn.nr << PAGE_SHIFT) + s->offset;

        assert_true(at + s->len <= contents + DISK_BYTES);
        memcpy(bio->op == BIO_READ ? mem : at, bio->op == BIO_READ ? at : mem, s->len);
        at += s->len;
    }
}

static void end(struct bio *bio)
{
    bool fails = ++host.ended == host.fail_nr;

    if (bio->op == BIO_FLUSH)
        host.flushes++;
    else if (!fails)
        move_data(bio);
    bio->done(bio, fails ? -EIO : 0);
}

static int submit(struct block_device *bdev, struct bio *bio)
{
    (void)bdev;
    if (++host.submitted == host.refuse_nr)
        return -EINVAL;
    if (host.at_once) {
        end(bio);
        return 0;
    }
    assert_true(host.nr < ARRAY_SIZE(host.at_disk));
    host.at_disk[host.nr++] = bio;
    host.most = max(host.most, host.nr);
    return 0;
}

static void kick(struct block_device *bdev)
{
    (void)bdev;
    host.kicks++;
}

static const struct block_ops ops = { .submit = submit, .kick = kick };
static struct block_device disk = {
    .name = "disk", .sectors = DISK_BYTES / SECTOR_SIZE, .ops = &ops, .has_flush = true,
};

/* ---- The rest of the kernel ---- */

void wait_queue_init(struct wait_queue *q)
{
    list_init(&q->sleepers);
}

void wake_up(struct wait_queue *q)
{
    (void)q;
}

/* One that is under way ends; any. */
void wait_uninterruptible(struct wait_queue *q)
{
    unsigned int i;
    struct bio *bio;

    (void)q;
    assert_int_not_equal(host.nr, 0);
    i = (unsigned int)random() % host.nr;
    bio = host.at_disk[i];
    host.at_disk[i] = host.at_disk[--host.nr];
    end(bio);
}

void *kmalloc(size_t size)
{
    if (host.objects_left == 0)
        return NULL;
    host.objects_left -= host.objects_left > 0;
    host.objects++;
    return calloc(1, size);
}

void kfree(void *p)
{
    host.objects -= p != NULL;
    free(p);
}

void *pv_alloc_page(void)
{
    host.objects++;
    return aligned_alloc(PAGE_SIZE, PAGE_SIZE);
}

void pv_free_page(void *page)
{
    kfree(page);
}

pv_mfn_t pv_va_to_mfn(const void *va)
{
    return pv_mfn((uint64_t)va >> PAGE_SHIFT);
}

pv_mfn_t pv_current_root(void)
{
    return pv_mfn(0);
}

const uint64_t *pv_find_pte(pv_mfn_t root, uint64_t va, unsigned int level)
{
    (void)root;
    (void)va;
    (void)level;
    return NULL;
}

int block_node_add(struct block_device *bdev)
{
    (void)bdev;
    return 0;
}

void block_node_remove(struct block_device *bdev)
{
    (void)bdev;
}

int pv_printf(const char *format, ...)
{
    (void)format;
    return 0;
}

/* ---- The cases ---- */

static char *memory;

static int start(void **state)
{
    (void)state;
    memset(&host, 0, sizeof(host));
    host.objects_left = -1;
    srandom(7);
    for (size_t i = 0; i < DISK_BYTES; i++)
        contents[i] = (uint8_t)(i * 7 + i / SECTOR_SIZE);
    memory = aligned_alloc(PAGE_SIZE, MOST);
    return memory == NULL;
}

/* Nothing is left at the disk, and no memory is kept. */
static int stop(void **state)
{
    (void)state;
    assert_int_equal(host.nr, 0);
    assert_int_equal(host.objects, 0);
    free(memory);
    return 0;
}

static void long_reads_overlap(void **state)
{
    (void)state;
    _Static_assert(BLOCK_PIECE >= 1u << 20, "1 MiB goes in one piece");
    assert_int_equal(block_read(&disk, PAGE_SIZE, memory, BLOCK_PIECE), 0);
    assert_memory_equal(memory, contents + PAGE_SIZE, BLOCK_PIECE);
    assert_int_equal(host.most, BLOCK_BIOS);
    assert_int_equal(host.kicks, 1);
    /* And no more than that. */
    assert_int_equal(block_read(&disk, 0, memory, MOST), 0);
    assert_memory_equal(memory, contents, MOST);
    assert_int_equal(host.most, BLOCK_BIOS);
    assert_int_equal(host.submitted, 3 * BLOCK_BIOS);
    assert_int_equal(host.kicks, 3);
}

static void long_writes_overlap(void **state)
{
    (void)state;
    memset(memory, 0x5a, MOST);
    assert_int_equal(block_write(&disk, SECTOR_SIZE, memory, BLOCK_PIECE), 0);
    assert_int_equal(host.most, BLOCK_BIOS);
    assert_memory_equal(contents + SECTOR_SIZE, memory, BLOCK_PIECE);
    assert_int_equal(contents[SECTOR_SIZE - 1], (uint8_t)((SECTOR_SIZE - 1) * 7));
    assert_int_not_equal(contents[SECTOR_SIZE + BLOCK_PIECE], 0x5a);
}

/* Parts of sectors, odd memory, beginnings and ends: as memcpy() would do it. */
static void all_ranges(void **state)
{
    uint8_t *model = malloc(DISK_BYTES);

    (void)state;
    memcpy(model, contents, DISK_BYTES);
    for (int i = 0; i < 300; i++) {
        size_t len = (size_t)random() % (i % 10 ? 10000 : MOST / 2), skip = (size_t)random() % 600;
        uint64_t offset = (uint64_t)random() % (DISK_BYTES - len);

        if (i % 3 == 0) {
            offset = ALIGN_DOWN(offset, SECTOR_SIZE);
            skip = 0;
        }
        host.at_once = i % 7 == 0;
        if (i % 2) {
            for (size_t n = 0; n < len; n++)
                memory[skip + n] = (char)random();
            memcpy(model + offset, memory + skip, len);
            assert_int_equal(block_write(&disk, offset, memory + skip, len), 0);
        } else {
            assert_int_equal(block_read(&disk, offset, memory + skip, len), 0);
            assert_memory_equal(memory + skip, model + offset, len);
        }
    }
    assert_memory_equal(contents, model, DISK_BYTES);
    assert_int_equal(block_read(&disk, DISK_BYTES - 1, memory, 2), -EINVAL);
    assert_int_equal(block_read(&disk, UINT64_MAX, memory, 2), -EINVAL);
    free(model);
}

/* Whatever fails, and whenever: all that is under way comes back before the call does. */
static void failures_are_told(void **state)
{
    (void)state;
    for (unsigned int nr = 1; nr <= 3; nr++) {
        host.ended = 0;
        host.fail_nr = nr;
        assert_int_equal(block_read(&disk, 0, memory, BLOCK_PIECE), -EIO);
        assert_int_equal(host.nr, 0);
    }
    host.fail_nr = 0;
    for (unsigned int nr = 1; nr <= BLOCK_BIOS; nr++) {
        host.submitted = 0;
        host.refuse_nr = nr;
        assert_int_equal(block_read(&disk, 0, memory, BLOCK_PIECE), -EINVAL);
        assert_int_equal(host.submitted, nr);
        assert_int_equal(host.nr, 0);
    }
    host.refuse_nr = 0;
    disk.readonly = true;
    assert_int_equal(block_write(&disk, 0, memory, 512), -EROFS);
    disk.readonly = false;
}

/* With memory for some bios these do all of it; without any it is an error. */
static void little_memory(void **state)
{
    (void)state;
    host.objects_left = 0;
    assert_int_equal(block_read(&disk, 0, memory, BLOCK_PIECE), -ENOMEM);
    host.objects_left = 3;
    assert_int_equal(block_read(&disk, 0, memory, BLOCK_PIECE), -ENOMEM);
    assert_int_equal(host.most, 3);
    assert_int_equal(host.submitted, 3);
    host.objects_left = BLOCK_BIOS;
    assert_int_equal(block_read(&disk, 0, memory, BLOCK_PIECE), 0);
}

static void flushes_reach_all_disks(void **state)
{
    (void)state;
    assert_int_equal(block_register(&disk), 0);
    block_flush_all();
    assert_int_equal(host.flushes, 1);
    assert_int_equal(disk.users, 0);
    host.fail_nr = host.ended + 1;
    assert_int_equal(block_flush(&disk), -EIO);
    disk.has_flush = false;
    assert_int_equal(block_flush(&disk), 0);
    disk.has_flush = true;
    assert_int_equal(block_unregister(&disk), 0);
    block_flush_all();
    assert_int_equal(host.flushes, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(long_reads_overlap, start, stop),
        cmocka_unit_test_setup_teardown(long_writes_overlap, start, stop),
        cmocka_unit_test_setup_teardown(all_ranges, start, stop),
        cmocka_unit_test_setup_teardown(failures_are_told, start, stop),
        cmocka_unit_test_setup_teardown(little_memory, start, stop),
        cmocka_unit_test_setup_teardown(flushes_reach_all_disks, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
