/* SPDX-License-Identifier: MIT */
/* System calls on descriptors: copies, flags, and ioctl, which goes on to the file. */
#include "syscall/path.h"

enum {
    F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_SETLKW,
    F_DUPFD_CLOEXEC = 1030,
};
#define FD_CLOEXEC  1
#define F_UNLCK     2
#define SETFL_FLAGS (O_APPEND | O_NONBLOCK)

#define FIONBIO  0x5421ul
#define FIONCLEX 0x5450ul
#define FIOCLEX  0x5451ul

SYSCALL(sys_dup)
{
    struct file *file = fd_file((int)a);

    return file ? fd_install(file_get(file), false) : -EBADF;
}

static long dup_to(int from, int to, bool cloexec)
{
    struct file *f = fd_file(from);

    if (!f || to < 0 || to >= NR_FILES)
        return -EBADF;
    return fd_replace(to, file_get(f), cloexec);
}

SYSCALL(sys_dup2)
{
    if (a == b)
        return fd_file((int)a) ? (long)a : -EBADF;
    return dup_to((int)a, (int)b, false);
}

SYSCALL(sys_dup3)
{
    int flags = (int)c;

    if (a == b || flags & ~O_CLOEXEC)
        return -EINVAL;
    return dup_to((int)a, (int)b, flags & O_CLOEXEC);
}

/*
 * Record locks keep nobody out: with one writer a file here, they always succeed, and F_GETLK
 * finds none.
 */
static long get_lock(uint64_t user_lock)
{
    int16_t type = F_UNLCK;

    return copy_to_user(user_lock, &type, sizeof(type));
}

static long dup_from(struct file *f, uint64_t lowest, bool cloexec)
{
    return lowest < NR_FILES ? fd_install_from(file_get(f), (int)lowest, cloexec) : -EINVAL;
}

SYSCALL(sys_fcntl)
{
    struct file *file = fd_file((int)a);
    struct open_file *row;

    if (!file)
        return -EBADF;
    row = &current->files[(int)a];
    switch (b) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return dup_from(file, c, b == F_DUPFD_CLOEXEC);
    case F_GETFD:
        return row->cloexec ? FD_CLOEXEC : 0;
    case F_SETFD:
        row->cloexec = c & FD_CLOEXEC;
        return 0;
    case F_GETFL:
        return file->flags;
    case F_SETFL:
        file->flags = (file->flags & ~SETFL_FLAGS) | ((unsigned int)c & SETFL_FLAGS);
        return 0;
    case F_GETLK:
        return get_lock(c);
    case F_SETLK:
    case F_SETLKW:
        return 0;
    default:
        return -EINVAL;
    }
}

/* As F_SETLK. */
SYSCALL(sys_flock)
{
    return fd_file((int)a) ? 0 : -EBADF;
}

static long set_nonblocking(struct file *f, uint64_t user_flag)
{
    int32_t on;
    int rc = copy_from_user(&on, user_flag, sizeof(on));

    if (!rc)
        f->flags = on ? f->flags | O_NONBLOCK : f->flags & ~O_NONBLOCK;
    return rc;
}

SYSCALL(sys_ioctl)
{
    struct file *file = fd_file((int)a);
    uint64_t cmd = (uint32_t)b;

    if (!file)
        return -EBADF;
    switch (cmd) {
    case FIONBIO:
        return set_nonblocking(file, c);
    case FIOCLEX:
    case FIONCLEX:
        current->files[(int)a].cloexec = cmd == FIOCLEX;
        return 0;
    default:
        return file->ops->ioctl ? file->ops->ioctl(file, cmd, c) : -ENOTTY;
    }
}
