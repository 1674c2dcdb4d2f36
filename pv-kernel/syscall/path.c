/* SPDX-License-Identifier: MIT */
/* Paths from user memory (syscall/path.h). */
#include "syscall/path.h"

int path_arg_get(struct path_arg *arg, int dirfd, uint64_t user_path)
{
    long len;
    int rc = 0;

    arg->base = NULL;
    arg->path = kmalloc(PATH_MAX);
    if (!arg->path)
        return -ENOMEM;
    len = strncpy_from_user(arg->path, user_path, PATH_MAX);
    if (len < 0) {
        rc = (int)len;
    } else if (arg->path[0] != '/' && dirfd != AT_FDCWD) {
        struct file *f = fd_file(dirfd);

        if (!f)
            rc = -EBADF;
        else if (arg->path[0] && (!f->inode || !is_type(f->inode, S_IFDIR)))
            rc = -ENOTDIR;
        else
            arg->base = f->inode;
    }
    if (rc)
        kfree(arg->path);
    return rc;
}

void path_arg_put(struct path_arg *arg)
{
    kfree(arg->path);
}

int inode_arg(int dirfd, uint64_t user_path, int flags, struct inode **out)
{
    struct path_arg arg;
    int rc = path_arg_get(&arg, dirfd, user_path);

    if (rc)
        return rc;
    if (arg.path[0] || !(flags & AT_EMPTY_PATH))
        rc = path_lookup_at(arg.base, arg.path, !(flags & AT_SYMLINK_NOFOLLOW), out);
    else if (dirfd == AT_FDCWD)
        *out = inode_get(current->cwd);
    else if (arg.base)
        *out = inode_get(arg.base);
    else
        rc = -EBADF;                /* an open file without an inode has no names */
    path_arg_put(&arg);
    return rc;
}
