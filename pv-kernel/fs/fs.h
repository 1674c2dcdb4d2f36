/* SPDX-License-Identifier: MIT */
/*
 * The door of fs/: names, files, and what can be opened.
 *
 * An inode is a thing with a name or several; a file is an open one, with a position, shared by fork and
 * dup. Both are counted. A file system or device is its operations; a missing operation is the
 * error that Linux gives for it.
 */
#ifndef PVK_FS_H
#define PVK_FS_H

#include "kernel.h"

struct vma;
struct file;
struct inode;

#define S_IFMT   0170000
#define S_IFSOCK 0140000
#define S_IFLNK  0120000
#define S_IFREG  0100000
#define S_IFBLK  0060000
#define S_IFDIR  0040000
#define S_IFCHR  0020000
#define S_IFIFO  0010000

#define O_ACCMODE   3
#define O_RDONLY    0
#define O_WRONLY    1
#define O_RDWR      2
#define O_CREAT     0100
#define O_EXCL      0200
#define O_NOCTTY    0400
#define O_TRUNC     01000
#define O_APPEND    02000
#define O_NONBLOCK  04000
#define O_DIRECTORY 0200000
#define O_NOFOLLOW  0400000
#define O_CLOEXEC   02000000

#define POLLIN   0x001
#define POLLPRI  0x002
#define POLLOUT  0x004
#define POLLERR  0x008
#define POLLHUP  0x010
#define POLLNVAL 0x020

#define AT_FDCWD (-100)

/* Names of a directory, one call an entry; a result other than 0 ends the walk. */
typedef int dir_fn(void *ctx, const char *name, uint64_t ino, uint32_t mode);

struct file_ops {
    /* @buf is kernel memory; the offset is the file's (*pos), advanced by the callee. */
    long (*read)(struct file *f, void *buf, size_t len, uint64_t *pos);
    long (*write)(struct file *f, const void *buf, size_t len, uint64_t *pos);
    long (*ioctl)(struct file *f, unsigned long cmd, uint64_t arg);
    unsigned int (*poll)(struct file *f);       /* POLL bits now; wakers call poll_wake() */
    int (*mmap)(struct file *f, struct vma *vma);   /* sets vma->ops */
    int (*open)(struct file *f);                /* NULL: nothing to do */
    void (*release)(struct file *f);            /* the last reference went */
};

struct inode_ops {
    struct inode *(*lookup)(struct inode *dir, const char *name);   /* counted; NULL: none */
    int (*create)(struct inode *dir, const char *name, uint32_t mode, uint32_t rdev,
                  struct inode **out);          /* any type by mode; counted */
    int (*unlink)(struct inode *dir, const char *name);
    int (*rmdir)(struct inode *dir, const char *name);
    int (*rename)(struct inode *from, const char *name, struct inode *to, const char *new_name);
    int (*link)(struct inode *dir, const char *name, struct inode *target);
    int (*symlink)(struct inode *dir, const char *name, const char *target);
    long (*readlink)(struct inode *link, char *buf, size_t size);
    int (*readdir)(struct inode *dir, uint64_t *pos, dir_fn *fn, void *ctx);
    int (*truncate)(struct inode *inode, uint64_t size);
};

struct inode {
    uint64_t ino;
    uint32_t mode, uid, gid, nlink, rdev;
    uint64_t size;
    int64_t mtime;                  /* s since 1970 */
    const struct inode_ops *ops;
    const struct file_ops *fops;    /* of files opened on it; devices: set by rdev at open */
    void *private;
    unsigned int refs;
    void (*free)(struct inode *inode);
    struct inode *mounted;          /* root of what is mounted here, or NULL */
    struct inode *covered;          /* of a root: the directory it is mounted on */
};

struct file {
    const struct file_ops *ops;
    struct inode *inode;            /* NULL for pipes and sockets without a name */
    unsigned int flags;             /* O_ */
    uint64_t pos;
    unsigned int refs;
    void *private;
};

/* ---- vfs.c, namei.c ---- */
void fs_init(void);                 /* mounts tmpfs at /, devfs at /dev, procfs at /proc */
struct inode *inode_get(struct inode *inode);
void inode_put(struct inode *inode);
/* Follows a path from the caller's working directory; 0 and a counted inode, or an error. */
int path_lookup(const char *path, bool follow_last, struct inode **out);
/* The directory that holds the last name, and the name (points into @path or "."). */
int path_parent(const char *path, struct inode **dir, char *name, size_t size);
int file_open(const char *path, int flags, uint32_t mode, struct file **out);
struct file *file_create(const struct file_ops *ops, struct inode *inode, int flags, void *private);
struct file *file_get(struct file *f);
void file_put(struct file *f);
/* Whole reads and writes from kernel code. */
long file_read_at(struct file *f, void *buf, size_t len, uint64_t pos);

/* ---- descriptor table (fdtable.c) ---- */
struct file *fd_file(int fd);       /* not counted: valid until the caller closes or sleeps; NULL: EBADF */
int fd_install(struct file *f, bool cloexec);   /* takes over the reference; -EMFILE drops it */
int fd_close(int fd);

/* ---- parts that register devices ---- */
/* Character devices by number; name as in /dev, e.g. "xen/privcmd". 0 or -errno. */
int device_register(const char *name, uint32_t mode, uint32_t major, uint32_t minor,
                    const struct file_ops *ops, void *private);
int procfs_register(const char *name, long (*show)(char *buf, size_t size));

/* ---- initramfs.c: unpacks a cpio archive ("newc") at / ---- */
int initramfs_unpack(const void *data, size_t len);
/* ---- pipe.c ---- */
int pipe_create(struct file *ends[2], int flags);

#endif
