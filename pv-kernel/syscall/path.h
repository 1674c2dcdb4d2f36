/* SPDX-License-Identifier: MIT */
/* Arguments of system calls that name files: a path from user memory and where it starts. */
#ifndef PVK_SYSCALL_PATH_H
#define PVK_SYSCALL_PATH_H

#include "fs/fs.h"
#include "mm/mm.h"
#include "proc/proc.h"
#include "syscall/families.h"

#define AT_SYMLINK_NOFOLLOW 0x100
#define AT_REMOVEDIR        0x200
#define AT_SYMLINK_FOLLOW   0x400
#define AT_EMPTY_PATH       0x1000

struct path_arg {
    char *path;
    struct inode *base;             /* not counted; NULL: the working directory */
};

/* 0, and put it back after use; or -EFAULT, -ENAMETOOLONG, -EBADF, -ENOTDIR, -ENOMEM. */
int path_arg_get(struct path_arg *arg, int dirfd, uint64_t user_path);
void path_arg_put(struct path_arg *arg);
/* The inode that a *at call names, counted; AT_EMPTY_PATH: with an empty path, dirfd's own. */
int inode_arg(int dirfd, uint64_t user_path, int flags, struct inode **out);

#endif
