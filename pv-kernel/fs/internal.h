/* SPDX-License-Identifier: MIT */
/* What the files of fs/ share beyond the room's door. */
#ifndef PVK_FS_INTERNAL_H
#define PVK_FS_INTERNAL_H

#include "fs/fs.h"

/* ---- devfs.c, memdev.c ---- */
void devfs_init(void);
struct inode *devfs_root(void);             /* counted */
struct inode *devpts_root(void);            /* the directory /dev/pts, counted */
/* The path of a device's node, e.g. "/dev/pts/3"; false: it has none below /dev. */
bool device_name(const struct inode *node, char *buf, size_t size);
void memdev_init(void);                     /* null, zero, full, random, urandom */

/* ---- procfs.c, proc_task.c, proc_system.c ---- */
void procfs_init(void);
struct inode *procfs_root(void);            /* counted */
void proc_system_init(void);
struct inode *proc_task_dir(int pid);       /* counted; NULL: no such task, or no memory */
/* An inode of procfs, counted, freed with its last reference; NULL: no memory. */
struct inode *proc_inode(uint64_t ino, uint32_t mode, const struct inode_ops *ops,
                         const struct file_ops *fops, uint64_t arg);
uint64_t proc_inode_arg(const struct inode *inode);
/* Files whose text is made when they are opened: read and release; open puts it in place. */
struct proc_text {
    size_t len;
    char text[];
};
#define PROC_TEXT_MAX (PAGE_SIZE - sizeof(struct proc_text))
struct proc_text *proc_text_create(void);
long proc_text_read(struct file *f, void *buf, size_t len, uint64_t *pos);
void proc_text_release(struct file *f);
/* Appends formatted text at buf[*len], never past size. */
void proc_print(char *buf, size_t size, size_t *len, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
