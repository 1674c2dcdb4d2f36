/* SPDX-License-Identifier: MIT */
/* Unpacks the initramfs: every entry of a cpio archive becomes a node of the root file system. */
#include "fs/cpio.h"
#include "fs/devfs.h"
#include "fs/fs.h"

struct hard_link {                  /* a file with several names, by its first */
    struct list link;
    uint32_t ino, dev_major, dev_minor;
    struct inode *inode;            /* counted */
};

static struct inode *find_hard_link(struct list *links, const struct cpio_entry *e)
{
    struct list *pos;

    list_for_each(pos, links) {
        struct hard_link *l = container_of(pos, struct hard_link, link);

        if (l->ino == e->ino && l->dev_major == e->dev_major && l->dev_minor == e->dev_minor)
            return l->inode;
    }
    return NULL;
}

static int note_hard_link(struct list *links, const struct cpio_entry *e, struct inode *inode)
{
    struct hard_link *l = kmalloc(sizeof(*l));

    if (!l)
        return -ENOMEM;
    l->ino = e->ino;
    l->dev_major = e->dev_major;
    l->dev_minor = e->dev_minor;
    l->inode = inode_get(inode);
    list_add_tail(links, &l->link);
    return 0;
}

static void forget_hard_links(struct list *links)
{
    while (!list_empty(links)) {
        struct hard_link *l = container_of(links->next, struct hard_link, link);

        list_del(&l->link);
        inode_put(l->inode);
        kfree(l);
    }
}

static int fill_file(struct inode *inode, const struct cpio_entry *e)
{
    struct file *f;
    uint64_t pos = 0;
    long rc = file_open_inode(inode, O_WRONLY, &f);

    if (rc)
        return (int)rc;
    rc = f->ops->write(f, e->data, e->size, &pos);
    file_put(f);
    return rc < 0 ? (int)rc : (size_t)rc == e->size ? 0 : -ENOSPC;
}

static int unpack_file(struct list *links, const struct cpio_entry *e)
{
    struct inode *first = e->nlink > 1 ? find_hard_link(links, e) : NULL, *inode;
    int rc;

    fs_unlink(fs_root, e->name, false); /* a later archive replaces what an earlier one brought */
    rc = first ? fs_link(first, fs_root, e->name)
               : fs_mknod(fs_root, e->name, S_IFREG | (e->mode & 07777), 0);
    if (!rc)
        rc = path_lookup_at(fs_root, e->name, false, &inode);
    if (rc)
        return rc;
    if (e->size)
        rc = fill_file(inode, e);
    if (!rc && e->nlink > 1 && !first)
        rc = note_hard_link(links, e, inode);
    inode_put(inode);
    return rc;
}

static int unpack_link(const struct cpio_entry *e)
{
    char *target = e->size < PATH_MAX ? kmalloc(e->size + 1) : NULL;
    int rc;

    if (!target)
        return e->size < PATH_MAX ? -ENOMEM : -ENAMETOOLONG;
    memcpy(target, e->data, e->size);
    fs_unlink(fs_root, e->name, false);
    rc = fs_symlink(fs_root, target, e->name);
    kfree(target);
    return rc;
}

/* A directory or device that is there already is fine: /dev and /proc are. */
static int unpack_other(const struct cpio_entry *e)
{
    int rc = fs_mknod(fs_root, e->name, e->mode, device_number(e->rdev_major, e->rdev_minor));

    return rc == -EEXIST ? 0 : rc;
}

static int set_owner(const struct cpio_entry *e)
{
    struct inode *inode;
    int rc = path_lookup_at(fs_root, e->name, false, &inode);

    if (rc)
        return rc;
    inode->uid = e->uid;
    inode->gid = e->gid;
    inode->mtime = e->mtime;
    inode_put(inode);
    return 0;
}

static int unpack_entry(struct list *links, const struct cpio_entry *e)
{
    int rc;

    switch (e->mode & S_IFMT) {
    case S_IFREG:
        rc = unpack_file(links, e);
        break;
    case S_IFLNK:
        rc = unpack_link(e);
        break;
    case S_IFDIR:
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
        rc = unpack_other(e);
        break;
    default:
        rc = -EINVAL;
    }
    return rc ? rc : set_owner(e);
}

int initramfs_unpack(const void *data, size_t len)
{
    struct list links = { &links, &links };
    struct cpio_entry e;
    size_t offset = 0;
    int rc;

    while ((rc = cpio_next(data, len, &offset, &e)) == 1) {
        rc = unpack_entry(&links, &e);
        if (rc) {
            printk("initramfs: %s: error %d\n", e.name, -rc);
            break;
        }
    }
    if (rc == -EINVAL)
        printk("initramfs: no cpio archive of the kind \"newc\" at byte %lu\n", offset);
    forget_hard_links(&links);
    return rc;
}
