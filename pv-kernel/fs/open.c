/* SPDX-License-Identifier: MIT */
/* Opening by path, and the calls that make and remove names, on top of namei.c. */
#include "fs/fs.h"
#include "fs/pipe.h"

static const struct file_ops no_ops;

/* ---- Opening ---- */

/* The operations of a file on this inode. */
static int find_ops(struct inode *inode, const struct file_ops **ops, void **private)
{
    *private = NULL;
    switch (inode->mode & S_IFMT) {
    case S_IFREG:
        *ops = inode->fops;
        return 0;
    case S_IFDIR:
        *ops = &no_ops;
        return 0;
    case S_IFIFO:
        *ops = &fifo_ops;
        return 0;
    case S_IFCHR:
    case S_IFBLK:
        return device_find(inode->mode & S_IFMT, inode->rdev, ops, private) ? 0 : -ENXIO;
    case S_IFLNK:
        return -ELOOP;
    default:
        return -ENXIO;
    }
}

static int check_type(const struct inode *inode, int flags)
{
    bool dir = is_type(inode, S_IFDIR);

    if (flags & O_DIRECTORY && !dir)
        return -ENOTDIR;
    if (dir && ((flags & O_ACCMODE) != O_RDONLY || flags & O_CREAT))
        return -EISDIR;
    return 0;
}

static int truncate_on_open(struct inode *inode, int flags)
{
    if (!(flags & O_TRUNC) || (flags & O_ACCMODE) == O_RDONLY || !is_type(inode, S_IFREG) ||
        !inode->ops->truncate)
        return 0;
    return inode->ops->truncate(inode, 0);
}

int file_open_inode(struct inode *inode, int flags, struct file **out)
{
    const struct file_ops *ops;
    struct file *f;
    void *private;
    int rc = check_type(inode, flags);

    if (!rc)
        rc = find_ops(inode, &ops, &private);
    if (!rc)
        rc = truncate_on_open(inode, flags);
    if (rc)
        return rc;
    f = file_create(ops, inode, flags & ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC),
                    private);
    if (!f)
        return -ENFILE;
    /* An open() that has to know of O_NOCTTY sees it; it does not stay. */
    f->flags |= flags & O_NOCTTY;
    rc = ops->open ? ops->open(f) : 0;
    f->flags &= ~O_NOCTTY;
    if (rc) {
        f->ops = &no_ops;           /* what was not opened is not released */
        file_put(f);
        return rc;
    }
    *out = f;
    return 0;
}

/* The inode that open(O_CREAT) is to open: there, or made now. */
static int find_or_create(struct inode *base, const char *path, int flags, uint32_t mode,
                          struct inode **inode)
{
    bool follow = !(flags & (O_NOFOLLOW | O_EXCL));
    char name[NAME_MAX + 1];
    struct inode *dir;
    int rc = path_lookup_or_parent(base, path, follow, inode, &dir, name);

    if (rc)
        return rc;
    if (*inode && flags & O_EXCL) {
        inode_put(*inode);
        rc = -EEXIST;
    } else if (!*inode) {
        rc = dir->ops->create ? dir->ops->create(dir, name, S_IFREG | (mode & 07777), 0, inode)
                              : -EACCES;
    }
    inode_put(dir);
    return rc;
}

int file_open_at(struct inode *base, const char *path, int flags, uint32_t mode,
                 struct file **out)
{
    struct inode *inode;
    int rc;

    if (flags & O_CREAT)
        rc = find_or_create(base, path, flags, mode, &inode);
    else
        rc = path_lookup_at(base, path, !(flags & O_NOFOLLOW), &inode);
    if (rc)
        return rc;
    rc = file_open_inode(inode, flags, out);
    inode_put(inode);
    return rc;
}

int file_open(const char *path, int flags, uint32_t mode, struct file **out)
{
    return file_open_at(NULL, path, flags, mode, out);
}

/* ---- Making and removing names ---- */

static bool is_dots(const char *name)
{
    return !strcmp(name, ".") || !strcmp(name, "..");
}

/* The directory for a new name; -EEXIST if the name is there. */
static int parent_for_new(struct inode *base, const char *path, struct inode **dir, char *name)
{
    struct inode *there;
    int rc = path_parent_at(base, path, dir, name);

    if (rc)
        return rc;
    there = dir_lookup(*dir, name);
    if (!there)
        return 0;
    inode_put(there);
    inode_put(*dir);
    return -EEXIST;
}

int fs_mknod(struct inode *base, const char *path, uint32_t mode, uint32_t rdev)
{
    char name[NAME_MAX + 1];
    struct inode *dir, *made;
    int rc = parent_for_new(base, path, &dir, name);

    if (rc)
        return rc;
    rc = dir->ops->create ? dir->ops->create(dir, name, mode, rdev, &made) : -EPERM;
    if (!rc)
        inode_put(made);
    inode_put(dir);
    return rc;
}

int fs_symlink(struct inode *base, const char *target, const char *path)
{
    char name[NAME_MAX + 1];
    struct inode *dir;
    int rc;

    if (!*target)
        return -ENOENT;
    rc = parent_for_new(base, path, &dir, name);
    if (rc)
        return rc;
    rc = dir->ops->symlink ? dir->ops->symlink(dir, name, target) : -EPERM;
    inode_put(dir);
    return rc;
}

int fs_link(struct inode *target, struct inode *base, const char *path)
{
    char name[NAME_MAX + 1];
    struct inode *dir;
    int rc;

    if (is_type(target, S_IFDIR))
        return -EPERM;
    rc = parent_for_new(base, path, &dir, name);
    if (rc)
        return rc;
    if (dir->dev != target->dev)
        rc = -EXDEV;
    else
        rc = dir->ops->link ? dir->ops->link(dir, name, target) : -EPERM;
    inode_put(dir);
    return rc;
}

static int remove_name(struct inode *dir, const char *name, bool directory)
{
    int (*remove)(struct inode *, const char *) = directory ? dir->ops->rmdir : dir->ops->unlink;
    struct inode *there = dir->ops->lookup(dir, name);
    bool busy = there && there->mounted;

    inode_put(there);
    if (!there)
        return -ENOENT;
    if (busy)
        return -EBUSY;
    return remove ? remove(dir, name) : -EPERM;
}

int fs_unlink(struct inode *base, const char *path, bool directory)
{
    char name[NAME_MAX + 1];
    struct inode *dir;
    int rc = path_parent_at(base, path, &dir, name);

    if (rc)
        return rc;
    if (is_dots(name))
        rc = !directory ? -EISDIR : !strcmp(name, ".") ? -EINVAL : -ENOTEMPTY;
    else
        rc = remove_name(dir, name, directory);
    inode_put(dir);
    return rc;
}

/* ---- Renaming ---- */

static int rename_name(struct inode *from, const char *name, struct inode *to,
                       const char *new_name, bool no_replace)
{
    struct inode *there, *old;
    bool busy;

    if (is_dots(name) || is_dots(new_name))
        return -EBUSY;
    if (from->dev != to->dev)
        return -EXDEV;
    old = from->ops->lookup(from, name);
    busy = old && old->mounted;
    inode_put(old);
    if (!old || busy)
        return old ? -EBUSY : -ENOENT;
    there = no_replace ? to->ops->lookup(to, new_name) : NULL;
    inode_put(there);
    if (there)
        return -EEXIST;
    return from->ops->rename ? from->ops->rename(from, name, to, new_name) : -EPERM;
}

int fs_rename(struct inode *base, const char *path, struct inode *new_base, const char *new_path,
              bool no_replace)
{
    char name[NAME_MAX + 1], new_name[NAME_MAX + 1];
    struct inode *from, *to;
    int rc = path_parent_at(base, path, &from, name);

    if (rc)
        return rc;
    rc = path_parent_at(new_base, new_path, &to, new_name);
    if (!rc) {
        rc = rename_name(from, name, to, new_name, no_replace);
        inode_put(to);
    }
    inode_put(from);
    return rc;
}
