/* SPDX-License-Identifier: MIT */
/*
 * Inodes and open files: their counts, and how many there may be.
 *
 * Files are limited for the whole kernel, so that what hangs on each (a pipe's buffer, a
 * terminal) is limited as well.
 */
#include "fs/fs.h"
#include "fs/tmpfs.h"

#define MAX_FILES 4096u

static unsigned int nr_files;

int64_t fs_now(void)
{
    return (int64_t)pv_wallclock().sec;
}

uint32_t fs_new_dev(void)
{
    static uint32_t last;

    return ++last;
}

/* ---- Inodes ---- */

struct inode *inode_get(struct inode *inode)
{
    inode->refs++;
    return inode;
}

void inode_put(struct inode *inode)
{
    if (!inode)
        return;
    BUG_ON(inode->refs == 0);
    if (--inode->refs == 0 && inode->free)
        inode->free(inode);
}

static void anonymous_free(struct inode *inode)
{
    kfree(inode);
}

struct inode *inode_anonymous(uint32_t mode)
{
    static const struct inode_ops no_ops;
    static uint32_t dev;
    static uint64_t last_ino;
    struct inode *inode = kmalloc(sizeof(*inode));

    if (!inode)
        return NULL;
    if (!dev)
        dev = fs_new_dev();
    inode->dev = dev;
    inode->ino = ++last_ino;
    inode->mode = mode;
    inode->nlink = 1;
    inode->mtime = fs_now();
    inode->ops = &no_ops;
    inode->refs = 1;
    inode->free = anonymous_free;
    return inode;
}

/* ---- Files ---- */

struct file *file_create(const struct file_ops *ops, struct inode *inode, int flags, void *private)
{
    struct file *f = nr_files < MAX_FILES ? kmalloc(sizeof(*f)) : NULL;

    if (!f)
        return NULL;
    nr_files++;
    f->ops = ops;
    f->inode = inode ? inode_get(inode) : NULL;
    f->flags = (unsigned int)flags;
    f->refs = 1;
    f->private = private;
    return f;
}

struct file *file_get(struct file *f)
{
    f->refs++;
    return f;
}

void file_put(struct file *f)
{
    BUG_ON(f->refs == 0);
    if (--f->refs)
        return;
    if (f->ops->release)
        f->ops->release(f);
    inode_put(f->inode);
    kfree(f);
    nr_files--;
}

long file_read_at(struct file *f, void *buf, size_t len, uint64_t pos)
{
    size_t done = 0;

    if (!f->ops->read)
        return f->inode && is_type(f->inode, S_IFDIR) ? -EISDIR : -EINVAL;
    while (done < len) {
        long n = f->ops->read(f, (char *)buf + done, len - done, &pos);

        if (n < 0)
            return done ? (long)done : n;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (long)done;
}

unsigned int file_poll(struct file *f)
{
    return f->ops->poll ? f->ops->poll(f) : POLLIN | POLLOUT;
}
