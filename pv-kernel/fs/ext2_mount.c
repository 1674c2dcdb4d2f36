/* SPDX-License-Identifier: MIT */
/*
 * ext2 as a file system of this kernel, read-only: inodes for what fs/ext2.c reads of a disk.
 *
 * A mount lists its inodes that somebody holds, so that each is there once; it ends with the
 * last of them, after the unmount. A name that can't be read for what the disk holds is not there;
 * why is said on the console.
 */
#include "fs/ext2_mount.h"
#include "block/block.h"
#include "fs/ext2.h"

struct ext2_mount {
    struct ext2 fs;
    struct block_device *bdev;
    uint32_t dev;
    struct list inodes;
};

struct ext2_inode {
    struct inode inode;
    struct ext2_node node;
    struct ext2_mount *mount;
    struct list link;
};

static struct ext2_inode *ext2_inode(struct inode *inode)
{
    return container_of(inode, struct ext2_inode, inode);
}

static struct inode *get_inode(struct ext2_mount *m, uint32_t ino);

/* ---- Files ---- */

static int file_open_readonly(struct file *f)
{
    return (f->flags & O_ACCMODE) == O_RDONLY ? 0 : -EROFS;
}

static long file_read(struct file *f, void *buf, size_t len, uint64_t *pos)
{
    struct ext2_inode *e = ext2_inode(f->inode);
    long n = ext2_read(&e->mount->fs, &e->node, buf, len, *pos);

    *pos += n > 0 ? (uint64_t)n : 0;
    return n;
}

static const struct file_ops file_ops = { .open = file_open_readonly, .read = file_read };

/* ---- Directories and links ---- */

static struct inode *dir_find(struct inode *dir, const char *name)
{
    struct ext2_inode *e = ext2_inode(dir);
    uint32_t ino;
    int rc = ext2_lookup(&e->mount->fs, &e->node, name, &ino);

    if (!rc)
        return get_inode(e->mount, ino);
    if (rc != -ENOENT)
        printk("ext2: %s: directory %u can't be read (error %d)\n", e->mount->bdev->name,
               e->node.ino, -rc);
    return NULL;
}

static int dir_read(struct inode *dir, uint64_t *pos, dir_fn *fn, void *ctx)
{
    struct ext2_inode *e = ext2_inode(dir);

    return ext2_readdir(&e->mount->fs, &e->node, pos, fn, ctx);
}

static long link_read(struct inode *link, char *buf, size_t size)
{
    struct ext2_inode *e = ext2_inode(link);

    return ext2_readlink(&e->mount->fs, &e->node, buf, size);
}

/* ---- What would write ---- */

static int no_create(struct inode *dir, const char *name, uint32_t mode, uint32_t rdev,
                     struct inode **out)
{
    (void)dir;
    (void)name;
    (void)mode;
    (void)rdev;
    (void)out;
    return -EROFS;
}

static int no_unlink(struct inode *dir, const char *name)
{
    (void)dir;
    (void)name;
    return -EROFS;
}

static int no_rename(struct inode *from, const char *name, struct inode *to, const char *new_name)
{
    (void)from;
    (void)name;
    (void)to;
    (void)new_name;
    return -EROFS;
}

static int no_link(struct inode *dir, const char *name, struct inode *target)
{
    (void)dir;
    (void)name;
    (void)target;
    return -EROFS;
}

static int no_symlink(struct inode *dir, const char *name, const char *target)
{
    (void)dir;
    (void)name;
    (void)target;
    return -EROFS;
}

static int no_truncate(struct inode *inode, uint64_t size)
{
    (void)inode;
    (void)size;
    return -EROFS;
}

static const struct inode_ops inode_ops = {
    .lookup = dir_find, .readdir = dir_read, .readlink = link_read, .create = no_create,
    .unlink = no_unlink, .rmdir = no_unlink, .rename = no_rename, .link = no_link,
    .symlink = no_symlink, .truncate = no_truncate,
};

/* ---- Inodes ---- */

static void mount_free(struct ext2_mount *m)
{
    ext2_close(&m->fs);
    m->bdev->users--;
    kfree(m);
}

static void inode_free(struct inode *inode)
{
    struct ext2_inode *e = ext2_inode(inode);
    struct ext2_mount *m = e->mount;

    list_del(&e->link);
    kfree(e);
    if (list_empty(&m->inodes))
        mount_free(m);
}

static struct inode *find_inode(struct ext2_mount *m, uint32_t ino)
{
    struct list *pos;

    list_for_each(pos, &m->inodes) {
        struct ext2_inode *e = container_of(pos, struct ext2_inode, link);

        if (e->node.ino == ino)
            return inode_get(&e->inode);
    }
    return NULL;
}

static void fill_inode(struct ext2_inode *e, struct ext2_mount *m)
{
    const struct ext2_node *node = &e->node;

    e->mount = m;
    e->inode = (struct inode){
        .ino = node->ino, .dev = m->dev, .mode = node->mode, .uid = node->uid, .gid = node->gid,
        .nlink = node->nlink, .rdev = node->rdev, .size = node->size, .mtime = node->mtime,
        .ops = &inode_ops, .fops = &file_ops, .refs = 1, .free = inode_free,
    };
}

/* Counted; NULL: the disk has none there that makes sense, or no memory. */
static struct inode *get_inode(struct ext2_mount *m, uint32_t ino)
{
    struct inode *found = find_inode(m, ino);
    struct ext2_inode *e;
    int rc;

    if (found)
        return found;
    e = kmalloc(sizeof(*e));
    rc = e ? ext2_read_node(&m->fs, ino, &e->node) : -ENOMEM;
    /* Somebody else may have come meanwhile. */
    found = find_inode(m, ino);
    if (rc || found) {
        if (rc)
            printk("ext2: %s: inode %u can't be read (error %d)\n", m->bdev->name, ino, -rc);
        kfree(e);
        return found;
    }
    fill_inode(e, m);
    list_add_tail(&m->inodes, &e->link);
    return &e->inode;
}

/* ---- Mounting ---- */

static int read_bdev(void *disk, uint64_t offset, void *buf, size_t len)
{
    return block_read(disk, offset, buf, len);
}

static int ext2_root(const char *source, struct inode **out)
{
    struct block_device *bdev = block_find(source);
    struct ext2_mount *m;
    struct inode *root;
    int rc;

    if (!bdev)
        return -ENOTBLK;
    m = kmalloc(sizeof(*m));
    if (!m)
        return -ENOMEM;
    bdev->users++;
    m->bdev = bdev;
    m->dev = fs_new_dev();
    list_init(&m->inodes);
    m->fs.read = read_bdev;
    m->fs.disk = bdev;
    m->fs.size = bdev->sectors * SECTOR_SIZE;
    rc = ext2_open(&m->fs);
    root = rc ? NULL : get_inode(m, EXT2_ROOT);
    if (root && is_type(root, S_IFDIR)) {
        *out = root;
        return 0;
    }
    if (root)
        inode_put(root);                /* the mount goes with it */
    else
        mount_free(m);
    return rc ? rc : -EIO;
}

void ext2_init(void)
{
    if (fs_register_type("ext2", ext2_root))
        panic("pv-kernel: no room for ext2\n");
}
