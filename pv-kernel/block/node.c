/* SPDX-License-Identifier: MIT */
/* Disks as files in /dev: their bytes, their size, and the ioctls that programs ask sizes by. */
#include "block/internal.h"
#include "fs/fs.h"
#include "mm/mm.h"

#define BLOCK_MAJOR 259u                /* numbers are given as disks come */
#define MAX_MINORS  256u

/* Linux's, from linux/fs.h. */
#define BLKROGET     0x125eul
#define BLKGETSIZE   0x1260ul
#define BLKFLSBUF    0x1261ul
#define BLKSSZGET    0x1268ul
#define BLKPBSZGET   0x127bul
#define BLKBSZGET    0x80081270ul
#define BLKGETSIZE64 0x80081272ul

static struct block_device *by_minor[MAX_MINORS];

static uint64_t size_of(const struct block_device *bdev)
{
    return bdev->sectors * SECTOR_SIZE;
}

/* As much of @len as lies before the end. */
static size_t clip(const struct block_device *bdev, uint64_t pos, size_t len)
{
    return pos >= size_of(bdev) ? 0 : min(len, (size_t)(size_of(bdev) - pos));
}

static long node_read(struct file *f, void *buf, size_t len, uint64_t *pos)
{
    struct block_device *bdev = f->private;
    size_t n = clip(bdev, *pos, len);
    int rc = n ? block_read(bdev, *pos, buf, n) : 0;

    if (rc)
        return rc;
    *pos += n;
    return (long)n;
}

static long node_write(struct file *f, const void *buf, size_t len, uint64_t *pos)
{
    struct block_device *bdev = f->private;
    size_t n = clip(bdev, *pos, len);
    int rc;

    if (bdev->readonly)
        return -EPERM;
    if (len && !n)
        return -ENOSPC;
    rc = n ? block_write(bdev, *pos, buf, n) : 0;
    if (rc)
        return rc;
    *pos += n;
    return (long)n;
}

static long put_number(uint64_t user, uint64_t value, size_t size)
{
    return copy_to_user(user, &value, size);
}

static long node_ioctl(struct file *f, unsigned long cmd, uint64_t arg)
{
    struct block_device *bdev = f->private;

    switch (cmd) {
    case BLKGETSIZE64:
        return put_number(arg, size_of(bdev), sizeof(uint64_t));
    case BLKGETSIZE:
        return put_number(arg, bdev->sectors, sizeof(uint64_t));
    case BLKSSZGET:
    case BLKPBSZGET:
    case BLKBSZGET:
        return put_number(arg, SECTOR_SIZE, sizeof(uint32_t));
    case BLKROGET:
        return put_number(arg, bdev->readonly, sizeof(uint32_t));
    case BLKFLSBUF:
        return block_flush(bdev);
    default:
        return -ENOTTY;
    }
}

static int node_sync(struct file *f)
{
    return block_flush(f->private);
}

/* lseek(2) finds the end by the inode. */
static int node_open(struct file *f)
{
    struct block_device *bdev = f->private;

    f->inode->size = size_of(bdev);
    bdev->users++;
    return 0;
}

static void node_release(struct file *f)
{
    struct block_device *bdev = f->private;

    bdev->users--;
}

static const struct file_ops node_ops = {
    .read = node_read, .write = node_write, .piece = BLOCK_PIECE,
    .ioctl = node_ioctl, .sync = node_sync, .open = node_open, .release = node_release,
};

int block_node_add(struct block_device *bdev)
{
    unsigned int minor = 0;
    int rc;

    while (minor < MAX_MINORS && by_minor[minor])
        minor++;
    if (minor == MAX_MINORS)
        return -ENOSPC;
    rc = device_register(bdev->name, S_IFBLK | (bdev->readonly ? 0440 : 0660), BLOCK_MAJOR, minor,
                         &node_ops, bdev);
    if (!rc)
        by_minor[minor] = bdev;
    return rc;
}

void block_node_remove(struct block_device *bdev)
{
    unsigned int minor = 0;

    while (by_minor[minor] != bdev)
        minor++;
    device_unregister(bdev->name, S_IFBLK, BLOCK_MAJOR, minor);
    by_minor[minor] = NULL;
}
