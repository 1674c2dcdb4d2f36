/* SPDX-License-Identifier: MIT */
/* System calls on open files: open and close, read and write, positions. */
#include "block/block.h"
#include "syscall/path.h"
#include "syscall/transfer.h"

#define OPEN_FLAGS (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | \
                    O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

enum { SEEK_SET, SEEK_CUR, SEEK_END };

/* ---- Opening and closing ---- */

static long do_open(int dirfd, uint64_t user_path, int flags, uint32_t mode)
{
    struct path_arg arg;
    struct file *f;
    int rc = path_arg_get(&arg, dirfd, user_path);

    if (rc)
        return rc;
    rc = file_open_at(arg.base, arg.path, flags & OPEN_FLAGS, mode & ~current->umask & 07777, &f);
    path_arg_put(&arg);
    return rc ? rc : fd_install(f, flags & O_CLOEXEC);
}

SYSCALL(sys_open)
{
    return do_open(AT_FDCWD, a, (int)b, (uint32_t)c);
}

SYSCALL(sys_openat)
{
    return do_open((int)a, b, (int)c, (uint32_t)d);
}

SYSCALL(sys_creat)
{
    return do_open(AT_FDCWD, a, O_CREAT | O_WRONLY | O_TRUNC, (uint32_t)b);
}

SYSCALL(sys_close)
{
    return fd_close((int)a);
}

SYSCALL(sys_close_range)
{
    uint32_t first = (uint32_t)a, last = (uint32_t)b, flags = (uint32_t)c;

    if (flags & ~4u || last < first)
        return -EINVAL;
    for (uint32_t fd = first; fd <= last && fd < NR_FILES; fd++) {
        if (flags)                  /* CLOSE_RANGE_CLOEXEC */
            current->files[fd].cloexec = true;
        else
            fd_close((int)fd);
    }
    return 0;
}

SYSCALL(sys_pipe2)
{
    int flags = (int)b;
    struct file *ends[2];
    int rc;

    if (flags & ~(O_CLOEXEC | O_NONBLOCK))
        return -EINVAL;
    rc = pipe_create(ends, flags & O_NONBLOCK);
    if (rc)
        return rc;
    return fd_install_both(ends, flags & O_CLOEXEC, a);
}

SYSCALL(sys_pipe)
{
    return sys_pipe2(a, 0, 0, 0, 0, 0);
}

/* ---- Reading and writing ---- */

SYSCALL(sys_read)
{
    struct file *file = fd_file((int)a);

    return file ? file_read_user(file, b, c, &file->pos) : -EBADF;
}

SYSCALL(sys_write)
{
    struct file *file = fd_file((int)a);

    return file ? file_write_user(file, b, c, &file->pos) : -EBADF;
}

SYSCALL(sys_readv)
{
    struct file *file = fd_file((int)a);

    return file ? file_readv_user(file, b, c, &file->pos) : -EBADF;
}

SYSCALL(sys_writev)
{
    struct file *file = fd_file((int)a);

    return file ? file_writev_user(file, b, c, &file->pos) : -EBADF;
}

/* What one can wait for (pipes, sockets, terminals) has no position. */
static bool has_position(const struct file *f)
{
    return !f->ops->poll;
}

static int check_position(struct file *f, uint64_t pos)
{
    if (!f)
        return -EBADF;
    if (!has_position(f))
        return -ESPIPE;
    return (int64_t)pos < 0 ? -EINVAL : 0;
}

/* At a position of the caller's; the file's own stays. */
static long move_at(int fd, uint64_t pos, uint64_t user, uint64_t n,
                    long (*move)(struct file *f, uint64_t user, size_t n, uint64_t *pos))
{
    struct file *file = fd_file(fd);
    int rc = check_position(file, pos);

    return rc ? rc : move(file, user, n, &pos);
}

SYSCALL(sys_pread64)
{
    return move_at((int)a, d, b, c, file_read_user);
}

SYSCALL(sys_pwrite64)
{
    return move_at((int)a, d, b, c, file_write_user);
}

SYSCALL(sys_preadv)
{
    return move_at((int)a, d, b, c, file_readv_user);
}

SYSCALL(sys_pwritev)
{
    return move_at((int)a, d, b, c, file_writev_user);
}

SYSCALL(sys_lseek)
{
    struct file *file = fd_file((int)a);
    int64_t offset = (int64_t)b, from;
    int rc = check_position(file, 0);

    if (rc)
        return rc;
    if (c == SEEK_SET)
        from = 0;
    else if (c == SEEK_CUR)
        from = (int64_t)file->pos;
    else if (c == SEEK_END && file->inode)
        from = (int64_t)file->inode->size;
    else
        return -EINVAL;
    if (offset > INT64_MAX - from || from + offset < 0)
        return -EINVAL;
    file->pos = (uint64_t)(from + offset);
    return (long)file->pos;
}

/* ---- Copying from file to file ---- */

/* A page at a time; what the target did not take is left to be read again. */
static long copy_between(struct file *to, struct file *from, uint64_t *pos, size_t len)
{
    char *buf = kmalloc(PAGE_SIZE);
    size_t done = 0;
    long n = buf ? 1 : -ENOMEM;

    while (n > 0 && done < len) {
        size_t want = min(len - done, (size_t)PAGE_SIZE);
        long got = from->ops->read(from, buf, want, pos);

        n = got > 0 ? to->ops->write(to, buf, (size_t)got, &to->pos) : got;
        if (got > 0)
            *pos -= (uint64_t)(got - max(n, 0l));
        if (n > 0)
            done += (size_t)n;
        if (n < got)
            break;
    }
    kfree(buf);
    return done ? (long)done : n < 0 ? n : 0;
}

SYSCALL(sys_sendfile)
{
    struct file *to = fd_file((int)a), *from = fd_file((int)b);
    uint64_t pos;
    long rc;

    if (!to || !from || (to->flags & O_ACCMODE) == O_RDONLY ||
        (from->flags & O_ACCMODE) == O_WRONLY)
        return -EBADF;
    if (!to->ops->write || !from->ops->read || !from->inode || !is_type(from->inode, S_IFREG))
        return -EINVAL;
    if (!c)
        return copy_between(to, from, &from->pos, d);
    rc = copy_from_user(&pos, c, sizeof(pos));
    if (rc)
        return rc;
    rc = copy_between(to, from, &pos, d);
    return rc >= 0 && copy_to_user(c, &pos, sizeof(pos)) ? -EFAULT : rc;
}

/* ---- Sizes ---- */

static long set_size(struct inode *inode, int64_t size)
{
    if (size < 0)
        return -EINVAL;
    if (is_type(inode, S_IFDIR))
        return -EISDIR;
    return inode->ops->truncate ? inode->ops->truncate(inode, (uint64_t)size) : -EINVAL;
}

SYSCALL(sys_truncate)
{
    struct inode *inode;
    long rc = inode_arg(AT_FDCWD, a, 0, &inode);

    if (rc)
        return rc;
    rc = set_size(inode, (int64_t)b);
    inode_put(inode);
    return rc;
}

SYSCALL(sys_ftruncate)
{
    struct file *file = fd_file((int)a);

    if (!file)
        return -EBADF;
    if ((file->flags & O_ACCMODE) == O_RDONLY || !file->inode)
        return -EINVAL;
    return set_size(file->inode, (int64_t)b);
}

/* Files in memory are as safe as they get; disks may keep back what was written. */
SYSCALL(sys_fsync)
{
    struct file *file = fd_file((int)a);

    if (!file)
        return -EBADF;
    return file->ops->sync ? file->ops->sync(file) : 0;
}

SYSCALL(sys_sync)
{
    block_flush_all();
    return 0;
}

/* Advice on how a file will be used; there is nothing to do for it. */
SYSCALL(sys_fadvise64)
{
    struct file *file = fd_file((int)a);

    if (!file)
        return -EBADF;
    return file->ops->sync ? file->ops->sync(file) : 0;
}
