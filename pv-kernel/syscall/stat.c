/* SPDX-License-Identifier: MIT */
/* System calls that tell and set what an inode carries: type, mode, owner, size, times. */
#include "fs/devfs.h"
#include "fs/tmpfs.h"
#include "syscall/path.h"

#define BLOCK_SIZE   512u           /* of st_blocks */
#define TMPFS_MAGIC  0x01021994
#define PERMISSIONS  07777u

struct stat64 {
    uint64_t dev, ino, nlink;
    uint32_t mode, uid, gid, pad;
    uint64_t rdev;
    int64_t size, blksize, blocks;
    struct { int64_t sec, nsec; } atime, mtime, ctime;
    int64_t unused[3];
};

struct statx_time {
    int64_t sec;
    uint32_t nsec, pad;
};

struct statx {
    uint32_t mask, blksize;
    uint64_t attributes;
    uint32_t nlink, uid, gid;
    uint16_t mode, pad;
    uint64_t ino, size, blocks, attributes_mask;
    struct statx_time atime, btime, ctime, mtime;
    uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
    uint64_t spare[14];
};

struct statfs64 {
    int64_t type, bsize, blocks, bfree, bavail, files, ffree;
    int32_t fsid[2];
    int64_t namelen, frsize, flags, spare[4];
};

_Static_assert(sizeof(struct stat64) == 144, "as newfstatat(2) has it");
_Static_assert(sizeof(struct statx) == 256, "as statx(2) has it");
_Static_assert(sizeof(struct statfs64) == 120, "as statfs(2) has it");

/* ---- stat ---- */

static long put_stat(const struct inode *inode, uint64_t user)
{
    struct stat64 st = {
        .dev = inode->dev, .ino = inode->ino, .nlink = inode->nlink, .mode = inode->mode,
        .uid = inode->uid, .gid = inode->gid, .rdev = inode->rdev, .size = (int64_t)inode->size,
        .blksize = PAGE_SIZE, .blocks = (int64_t)((inode->size + BLOCK_SIZE - 1) / BLOCK_SIZE),
        .atime = { inode->mtime, 0 }, .mtime = { inode->mtime, 0 }, .ctime = { inode->mtime, 0 },
    };

    return copy_to_user(user, &st, sizeof(st));
}

static long do_stat(int dirfd, uint64_t path, uint64_t user, int flags)
{
    struct inode *inode;
    long rc = inode_arg(dirfd, path, flags, &inode);

    if (rc)
        return rc;
    rc = put_stat(inode, user);
    inode_put(inode);
    return rc;
}

SYSCALL(sys_stat)
{
    return do_stat(AT_FDCWD, a, b, 0);
}

SYSCALL(sys_lstat)
{
    return do_stat(AT_FDCWD, a, b, AT_SYMLINK_NOFOLLOW);
}

SYSCALL(sys_newfstatat)
{
    return do_stat((int)a, b, c, (int)d);
}

SYSCALL(sys_fstat)
{
    struct file *file = fd_file((int)a);

    return file && file->inode ? put_stat(file->inode, b) : -EBADF;
}

#define STATX_BASIC_STATS 0x7ffu

static long put_statx(const struct inode *inode, uint64_t user)
{
    struct statx_time time = { .sec = inode->mtime };
    struct statx st = {
        .mask = STATX_BASIC_STATS, .blksize = PAGE_SIZE, .nlink = inode->nlink,
        .uid = inode->uid, .gid = inode->gid, .mode = (uint16_t)inode->mode, .ino = inode->ino,
        .size = inode->size, .blocks = (inode->size + BLOCK_SIZE - 1) / BLOCK_SIZE,
        .atime = time, .ctime = time, .mtime = time, .rdev_major = device_major(inode->rdev),
        .rdev_minor = device_minor(inode->rdev), .dev_minor = inode->dev,
    };

    return copy_to_user(user, &st, sizeof(st));
}

SYSCALL(sys_statx)
{
    struct inode *inode;
    long rc = inode_arg((int)a, b, (int)c, &inode);

    if (rc)
        return rc;
    rc = put_statx(inode, e);
    inode_put(inode);
    return rc;
}

/* ---- statfs: all file systems here are memory ---- */

static long put_statfs(const struct inode *inode, uint64_t user)
{
    int64_t limit = (int64_t)tmpfs_page_limit();
    int64_t left = max(limit - (int64_t)tmpfs_pages_used(), (int64_t)0);
    struct statfs64 st = {
        .type = TMPFS_MAGIC, .bsize = PAGE_SIZE, .blocks = limit, .bfree = left, .bavail = left,
        .files = limit, .ffree = left, .fsid = { (int32_t)inode->dev, 0 }, .namelen = NAME_MAX,
        .frsize = PAGE_SIZE,
    };

    return copy_to_user(user, &st, sizeof(st));
}

SYSCALL(sys_statfs)
{
    struct inode *inode;
    long rc = inode_arg(AT_FDCWD, a, 0, &inode);

    if (rc)
        return rc;
    rc = put_statfs(inode, b);
    inode_put(inode);
    return rc;
}

SYSCALL(sys_fstatfs)
{
    struct file *file = fd_file((int)a);

    return file && file->inode ? put_statfs(file->inode, b) : -EBADF;
}

/* ---- access: everybody is root, whom only a missing x bit stops ---- */

static long do_access(int dirfd, uint64_t path, uint32_t mode, int flags)
{
    struct inode *inode;
    long rc = mode & ~7u ? -EINVAL : inode_arg(dirfd, path, flags, &inode);

    if (rc)
        return rc;
    if (mode & 1 && !is_type(inode, S_IFDIR) && !(inode->mode & 0111))
        rc = -EACCES;
    inode_put(inode);
    return rc;
}

SYSCALL(sys_access)
{
    return do_access(AT_FDCWD, a, (uint32_t)b, 0);
}

SYSCALL(sys_faccessat)
{
    return do_access((int)a, b, (uint32_t)c, 0);
}

SYSCALL(sys_faccessat2)
{
    return do_access((int)a, b, (uint32_t)c, (int)d);
}

/* ---- Mode, owner, times ---- */

static void set_mode(struct inode *inode, uint32_t mode)
{
    inode->mode = (inode->mode & ~PERMISSIONS) | (mode & PERMISSIONS);
}

static long do_chmod(int dirfd, uint64_t path, uint32_t mode)
{
    struct inode *inode;
    long rc = inode_arg(dirfd, path, 0, &inode);

    if (rc)
        return rc;
    set_mode(inode, mode);
    inode_put(inode);
    return 0;
}

SYSCALL(sys_chmod)
{
    return do_chmod(AT_FDCWD, a, (uint32_t)b);
}

SYSCALL(sys_fchmodat)
{
    return do_chmod((int)a, b, (uint32_t)c);
}

SYSCALL(sys_fchmod)
{
    struct file *file = fd_file((int)a);

    if (!file || !file->inode)
        return -EBADF;
    set_mode(file->inode, (uint32_t)b);
    return 0;
}

/* (uid_t)-1 and (gid_t)-1 leave it as it is. */
static void set_owner(struct inode *inode, uint32_t uid, uint32_t gid)
{
    if (uid != UINT32_MAX)
        inode->uid = uid;
    if (gid != UINT32_MAX)
        inode->gid = gid;
}

static long do_chown(int dirfd, uint64_t path, uint64_t uid, uint64_t gid, int flags)
{
    struct inode *inode;
    long rc = inode_arg(dirfd, path, flags, &inode);

    if (rc)
        return rc;
    set_owner(inode, (uint32_t)uid, (uint32_t)gid);
    inode_put(inode);
    return 0;
}

SYSCALL(sys_chown)
{
    return do_chown(AT_FDCWD, a, b, c, 0);
}

SYSCALL(sys_lchown)
{
    return do_chown(AT_FDCWD, a, b, c, AT_SYMLINK_NOFOLLOW);
}

SYSCALL(sys_fchownat)
{
    return do_chown((int)a, b, c, d, (int)e);
}

SYSCALL(sys_fchown)
{
    struct file *file = fd_file((int)a);

    if (!file || !file->inode)
        return -EBADF;
    set_owner(file->inode, (uint32_t)b, (uint32_t)c);
    return 0;
}

#define UTIME_NOW  0x3fffffff
#define UTIME_OMIT 0x3ffffffe

/* The second of the two times is the modification's; the first, of the last access, is not kept. */
SYSCALL(sys_utimensat)
{
    struct { int64_t sec, nsec; } times[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };
    struct inode *inode;
    long rc = c ? copy_from_user(times, c, sizeof(times)) : 0;

    if (rc)
        return rc;
    if (b) {
        rc = inode_arg((int)a, b, (int)d, &inode);
    } else {
        struct file *file = fd_file((int)a);

        rc = file && file->inode ? 0 : -EBADF;
        inode = rc ? NULL : inode_get(file->inode);
    }
    if (rc)
        return rc;
    if (times[1].nsec != UTIME_OMIT)
        inode->mtime = times[1].nsec == UTIME_NOW ? fs_now() : times[1].sec;
    inode_put(inode);
    return 0;
}
