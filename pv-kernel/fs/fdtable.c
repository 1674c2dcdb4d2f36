/* SPDX-License-Identifier: MIT */
/* The caller's descriptor table: rows of struct task, each with a reference on its file. */
#include "fs/fs.h"
#include "mm/mm.h"
#include "proc/proc.h"

struct file *fd_file(int fd)
{
    return fd >= 0 && fd < NR_FILES ? current->files[fd].file : NULL;
}

int fd_install_from(struct file *f, int lowest, bool cloexec)
{
    for (int fd = lowest; fd < NR_FILES; fd++) {
        if (!current->files[fd].file) {
            current->files[fd] = (struct open_file){ f, cloexec };
            return fd;
        }
    }
    file_put(f);
    return -EMFILE;
}

int fd_install(struct file *f, bool cloexec)
{
    return fd_install_from(f, 0, cloexec);
}

int fd_install_both(struct file *const ends[2], bool cloexec, uint64_t user)
{
    int fds[2], rc;

    /* One after the other: the first has the lower number. */
    fds[0] = fd_install(ends[0], cloexec);
    fds[1] = fd_install(ends[1], cloexec);
    rc = fds[0] < 0 || fds[1] < 0 ? -EMFILE : copy_to_user(user, fds, sizeof(fds));
    for (int i = 0; rc && i < 2; i++) {
        if (fds[i] >= 0)
            fd_close(fds[i]);
    }
    return rc;
}

static void close_row(struct open_file *row)
{
    struct file *f = row->file;

    if (!f)
        return;
    *row = (struct open_file){ NULL, false };
    file_put(f);
}

int fd_replace(int fd, struct file *f, bool cloexec)
{
    if (fd < 0 || fd >= NR_FILES) {
        file_put(f);
        return -EBADF;
    }
    close_row(&current->files[fd]);
    current->files[fd] = (struct open_file){ f, cloexec };
    return fd;
}

int fd_close(int fd)
{
    if (!fd_file(fd))
        return -EBADF;
    close_row(&current->files[fd]);
    return 0;
}

void fd_table_fork(struct task *child)
{
    for (int fd = 0; fd < NR_FILES; fd++) {
        child->files[fd] = current->files[fd];
        if (child->files[fd].file)
            file_get(child->files[fd].file);
    }
}

void fd_table_exec(void)
{
    for (int fd = 0; fd < NR_FILES; fd++) {
        if (current->files[fd].cloexec)
            close_row(&current->files[fd]);
    }
}

void fd_table_close(struct task *t)
{
    for (int fd = 0; fd < NR_FILES; fd++)
        close_row(&t->files[fd]);
}
