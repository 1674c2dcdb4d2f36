/* SPDX-License-Identifier: MIT */
/*
 * The door of block/: disks. A driver (drivers/virtio_blk.c, or the frontend of another domain's
 * disk) registers a block_device; it appears in /dev, can be read and written there, mounted, and
 * served to other domains (back/block.c).
 *
 * A transfer is a struct bio: a run of sectors and the machine memory they go to or come from, by
 * frames and not by addresses, since it may be another domain's granted pages that nothing here
 * maps. Its owner keeps the bio until done() is called, from an event handler, from block_submit()
 * or from block_kick().
 *
 * Bios travel in batches, there and back: who submits some kicks the disk once, behind the last;
 * who takes answers calls done() for each, and then block_run_deferred() once. What an owner wants
 * to do for all that ended together, it puts off until then by block_defer().
 */
#ifndef PVK_BLOCK_H
#define PVK_BLOCK_H

#include "kernel.h"

#define SECTOR_SIZE 512ul
#define BIO_SEGMENTS 32
/*
 * Bios that one read or write has under way at a time, and the most that they hold: as many
 * requests as fit into a frontend's ring, three to a bio.
 */
#define BLOCK_BIOS   8u
#define BLOCK_PIECE  (BLOCK_BIOS * BIO_SEGMENTS * PAGE_SIZE)

/* BIO_FLUSH has no segments and no sector: what was written before it is on the disk after it. */
enum bio_op { BIO_READ, BIO_WRITE, BIO_FLUSH };

/* A part of one frame. Segments follow each other on the disk, and lie anywhere in memory. */
struct bio_segment {
    pv_mfn_t mfn;
    uint32_t offset, len;           /* bytes in that frame; multiples of SECTOR_SIZE */
};

/*
 * One transfer. The owner fills in all but link; from block_submit() until done() it is the
 * driver's, and neither it nor the memory that it names may change or go. done() may free it, and
 * may submit another one; it must not sleep.
 */
struct bio {
    enum bio_op op;
    uint64_t sector;                /* in units of 512 bytes, whatever the disk's own size */
    unsigned int nr_segments;
    struct bio_segment segment[BIO_SEGMENTS];
    void (*done)(struct bio *bio, int error);   /* 0 or negative errno */
    void *private;                  /* the owner's */
    struct list link;               /* the driver's while it has the bio */
};

struct block_device;

/*
 * A driver's part. Both are called with events disabled, and do not sleep. What submit() gets has
 * been checked: it lies on the disk, its segments are whole sectors within their frames, and a disk
 * that is read-only is not written.
 */
struct block_ops {
    /* Takes it: 0, and done() will come; or a negative errno, and done() will not. */
    int (*submit)(struct block_device *bdev, struct bio *bio);
    /* What was submitted starts now, if it has not yet. */
    void (*kick)(struct block_device *bdev);
};

/*
 * A disk. The driver fills in the first six fields before block_register(), and keeps the structure
 * until block_unregister() has said 0. Whoever may come back to the disk later counts as a user.
 */
struct block_device {
    char name[16];                  /* as in /dev: "vda", "xvda" */
    uint64_t sectors;               /* of 512 bytes */
    bool readonly, has_flush;
    const struct block_ops *ops;
    void *private;
    unsigned int users;             /* opened, mounted or served; not unregistered before 0 */
    struct list link;
};

/*
 * ---- block.c ----
 * Makes the disk and its file in /dev known. -EEXIST: the name is taken; -ENOSPC: no number is
 * left.
 */
int block_register(struct block_device *bdev);
/* Nobody can find it any more; -EBUSY while it has users, and then nothing has changed. */
int block_unregister(struct block_device *bdev);
/* By "vda" or "/dev/vda"; NULL: none. To keep it, count as a user before the next sleep. */
struct block_device *block_find(const char *name);
/*
 * Checks range, memory and write permission, and gives the bio to the driver: 0, and done() will
 * come or has come; or a negative errno, and it will not. A flush of a disk that keeps nothing back
 * is done at once.
 */
int block_submit(struct block_device *bdev, struct bio *bio);
/* What was submitted since the last kick begins now. */
void block_kick(struct block_device *bdev);
/*
 * Whole transfers from kernel memory, asleep meanwhile: 0 or negative errno. @offset and @len are
 * bytes, of any alignment. After an error a write may have reached the disk in part.
 */
int block_read(struct block_device *bdev, uint64_t offset, void *buf, size_t len);
int block_write(struct block_device *bdev, uint64_t offset, const void *buf, size_t len);

/*
 * Work for the end of a batch of answers: the driver that takes answers calls
 * block_run_deferred() behind the last one. run() may defer it again.
 */
struct block_work {
    void (*run)(struct block_work *work);
    bool waits;
    struct block_work *next;
};
void block_defer(struct block_work *work);          /* once, however often it is called */
void block_run_deferred(void);

/* What was written to any disk is on it, as far as the disks say so; asleep meanwhile. */
void block_flush_all(void);

/* ---- drivers/: control domain only ---- */
void drivers_init(void);            /* finds PCI devices and starts the drivers that know them */
/* ---- back/: control domain only ---- */
void backends_init(void);           /* serves disks that the toolstack asks for */

#endif
