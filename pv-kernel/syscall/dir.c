/* SPDX-License-Identifier: MIT */
/* System calls on names: directories, links, working directory, mounts. */
#include "syscall/path.h"

/* ---- Making names ---- */

static long do_mknod(int dirfd, uint64_t path, uint32_t mode, uint32_t rdev)
{
    struct path_arg arg;
    long rc = path_arg_get(&arg, dirfd, path);

    if (rc)
        return rc;
    rc = fs_mknod(arg.base, arg.path, mode & ~(current->umask & 0777), rdev);
    path_arg_put(&arg);
    return rc;
}

SYSCALL(sys_mkdir)
{
    return do_mknod(AT_FDCWD, a, S_IFDIR | (b & 01777), 0);
}

SYSCALL(sys_mkdirat)
{
    return do_mknod((int)a, b, S_IFDIR | (c & 01777), 0);
}

SYSCALL(sys_mknodat)
{
    uint32_t mode = (uint32_t)c;

    if (!(mode & S_IFMT))
        mode |= S_IFREG;
    switch (mode & S_IFMT) {
    case S_IFREG:
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
    case S_IFSOCK:
        return do_mknod((int)a, b, mode & (S_IFMT | 07777), (uint32_t)d);
    default:
        return -EINVAL;
    }
}

SYSCALL(sys_mknod)
{
    return sys_mknodat((uint64_t)AT_FDCWD, a, b, c, 0, 0);
}

static long do_link(int fromfd, uint64_t from, int tofd, uint64_t to, int flags)
{
    struct path_arg arg;
    struct inode *target;
    int follow = flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW;
    long rc = inode_arg(fromfd, from, follow | (flags & AT_EMPTY_PATH), &target);

    if (rc)
        return rc;
    rc = path_arg_get(&arg, tofd, to);
    if (!rc) {
        rc = fs_link(target, arg.base, arg.path);
        path_arg_put(&arg);
    }
    inode_put(target);
    return rc;
}

SYSCALL(sys_link)
{
    return do_link(AT_FDCWD, a, AT_FDCWD, b, 0);
}

SYSCALL(sys_linkat)
{
    return do_link((int)a, b, (int)c, d, (int)e);
}

static long do_symlink(uint64_t target, int dirfd, uint64_t path)
{
    struct path_arg text, arg;
    long rc = path_arg_get(&text, AT_FDCWD, target);

    if (rc)
        return rc;
    rc = path_arg_get(&arg, dirfd, path);
    if (!rc) {
        rc = fs_symlink(arg.base, text.path, arg.path);
        path_arg_put(&arg);
    }
    path_arg_put(&text);
    return rc;
}

SYSCALL(sys_symlink)
{
    return do_symlink(a, AT_FDCWD, b);
}

SYSCALL(sys_symlinkat)
{
    return do_symlink(a, (int)b, c);
}

static long do_readlink(int dirfd, uint64_t path, uint64_t user, int64_t size)
{
    struct inode *inode;
    char *text;
    long rc = size <= 0 ? -EINVAL
                        : inode_arg(dirfd, path, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, &inode);

    if (rc)
        return rc;
    text = kmalloc(PATH_MAX);
    if (!text)
        rc = -ENOMEM;
    else if (!inode->ops->readlink)
        rc = -EINVAL;
    else
        rc = inode->ops->readlink(inode, text, min((size_t)size, (size_t)PATH_MAX));
    if (rc > 0 && copy_to_user(user, text, (size_t)rc))
        rc = -EFAULT;
    kfree(text);
    inode_put(inode);
    return rc;
}

SYSCALL(sys_readlink)
{
    return do_readlink(AT_FDCWD, a, b, (int64_t)c);
}

SYSCALL(sys_readlinkat)
{
    return do_readlink((int)a, b, c, (int)d);
}

/* ---- Removing and renaming ---- */

static long do_unlink(int dirfd, uint64_t path, bool directory)
{
    struct path_arg arg;
    long rc = path_arg_get(&arg, dirfd, path);

    if (rc)
        return rc;
    rc = fs_unlink(arg.base, arg.path, directory);
    path_arg_put(&arg);
    return rc;
}

SYSCALL(sys_unlink)
{
    return do_unlink(AT_FDCWD, a, false);
}

SYSCALL(sys_rmdir)
{
    return do_unlink(AT_FDCWD, a, true);
}

SYSCALL(sys_unlinkat)
{
    return (int)c & ~AT_REMOVEDIR ? -EINVAL : do_unlink((int)a, b, c & AT_REMOVEDIR);
}

static long do_rename(int fromfd, uint64_t from, int tofd, uint64_t to, unsigned int flags)
{
    struct path_arg source, dest;
    long rc = path_arg_get(&source, fromfd, from);

    if (rc)
        return rc;
    rc = path_arg_get(&dest, tofd, to);
    if (!rc) {
        rc = fs_rename(source.base, source.path, dest.base, dest.path, flags & RENAME_NOREPLACE);
        path_arg_put(&dest);
    }
    path_arg_put(&source);
    return rc;
}

SYSCALL(sys_rename)
{
    return do_rename(AT_FDCWD, a, AT_FDCWD, b, 0);
}

SYSCALL(sys_renameat2)
{
    unsigned int flags = (unsigned int)e;

    return flags & ~RENAME_NOREPLACE ? -EINVAL : do_rename((int)a, b, (int)c, d, flags);
}

SYSCALL(sys_renameat)
{
    return do_rename((int)a, b, (int)c, d, 0);
}

/* ---- The working directory ---- */

static long set_cwd(struct inode *dir)
{
    if (!is_type(dir, S_IFDIR)) {
        inode_put(dir);
        return -ENOTDIR;
    }
    inode_put(current->cwd);
    current->cwd = dir;
    return 0;
}

SYSCALL(sys_chdir)
{
    struct inode *dir;
    long rc = inode_arg(AT_FDCWD, a, 0, &dir);

    return rc ? rc : set_cwd(dir);
}

SYSCALL(sys_fchdir)
{
    struct file *file = fd_file((int)a);

    if (!file)
        return -EBADF;
    return file->inode ? set_cwd(inode_get(file->inode)) : -ENOTDIR;
}

SYSCALL(sys_getcwd)
{
    size_t size = min(b, (uint64_t)PATH_MAX);
    char *path = size ? kmalloc(PATH_MAX) : NULL;
    long rc;

    if (!path)
        return size ? -ENOMEM : -EINVAL;
    rc = dir_path(current->cwd, path, size);
    if (rc >= 0) {
        rc++;                       /* with its NUL */
        if (copy_to_user(a, path, (size_t)rc))
            rc = -EFAULT;
    }
    kfree(path);
    return rc;
}

SYSCALL(sys_umask)
{
    unsigned int old = current->umask;

    current->umask = (unsigned int)a & 0777;
    return old;
}

/* ---- Reading directories ---- */

struct dirent_head {
    uint64_t ino;
    int64_t next;                   /* the position behind this entry */
    uint16_t len;
    uint8_t type;
} __attribute__((packed));
#define DIRENT_HEAD sizeof(struct dirent_head)

struct dirent_buffer {
    char *data;
    size_t used, size;
    struct dirent_head *last;
    const uint64_t *pos;
};

static int add_dirent(void *ctx, const char *name, uint64_t ino, uint32_t mode)
{
    struct dirent_buffer *b = ctx;
    size_t len = ALIGN_UP(DIRENT_HEAD + strlen(name) + 1, 8);
    struct dirent_head head = { .ino = ino, .len = (uint16_t)len, .type = (mode >> 12) & 15 };

    if (b->last)
        b->last->next = (int64_t)*b->pos;
    if (len > b->size - b->used)
        return 1;
    b->last = (struct dirent_head *)(b->data + b->used);
    memset(b->last, 0, len);
    memcpy(b->last, &head, sizeof(head));
    memcpy(b->data + b->used + DIRENT_HEAD, name, strlen(name) + 1);
    b->used += len;
    return 0;
}

SYSCALL(sys_getdents64)
{
    struct file *file = fd_file((int)a);
    struct dirent_buffer buffer = { .size = min(c, (uint64_t)PAGE_SIZE) };
    long rc;

    if (!file)
        return -EBADF;
    if (!file->inode || !file->inode->ops->readdir)
        return -ENOTDIR;
    buffer.pos = &file->pos;
    buffer.data = kmalloc(PAGE_SIZE);
    if (!buffer.data)
        return -ENOMEM;
    rc = file->inode->ops->readdir(file->inode, &file->pos, add_dirent, &buffer);
    if (buffer.last && rc >= 0) {
        buffer.last->next = (int64_t)file->pos;
        rc = copy_to_user(b, buffer.data, buffer.used);
    } else if (rc > 0) {
        rc = -EINVAL;               /* not even one fits */
    }
    kfree(buffer.data);
    return rc ? rc : (long)buffer.used;
}

/* ---- Mounts ---- */

#define MS_REMOUNT 0x20ul

SYSCALL(sys_mount)
{
    struct path_arg path;
    char source[64] = "none", type[16];
    long rc;

    if (d & MS_REMOUNT)             /* there are no options that could change */
        return 0;
    if (a && strncpy_from_user(source, a, sizeof(source)) == -EFAULT)
        return -EFAULT;
    source[sizeof(source) - 1] = '\0';
    if (!c)
        return -EINVAL;
    rc = strncpy_from_user(type, c, sizeof(type));
    if (rc < 0)
        return rc == -ENAMETOOLONG ? -ENODEV : rc;
    rc = path_arg_get(&path, AT_FDCWD, b);
    if (rc)
        return rc;
    rc = fs_mount(source, path.path, type);
    path_arg_put(&path);
    return rc;
}

SYSCALL(sys_umount2)
{
    struct path_arg path;
    long rc = path_arg_get(&path, AT_FDCWD, a);

    if (rc)
        return rc;
    rc = fs_unmount(path.path);
    path_arg_put(&path);
    return rc;
}
