/* SPDX-License-Identifier: MIT */
/*
 * The door of fs/: names, files, and what can be opened.
 *
 * An inode is a thing with a name or several; a file is an open one, with a position, shared by
 * fork and dup. Both are counted. A file system or device is its operations; a missing operation
 * is the error that Linux gives for it.
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

/*
 * Names of a directory, one call an entry; a result other than 0 ends the walk, and *pos stays at
 * the entry that was refused.
 */
typedef int dir_fn(void *ctx, const char *name, uint64_t ino, uint32_t mode);

/*
 * What an open file can do; NULL where it can't. All run in the caller's context and may sleep, but
 * for poll. read and write give how many bytes they moved, which may be fewer than asked for, or a
 * negative errno; read gives 0 at the end.
 */
struct file_ops {
    /* @buf is kernel memory; the offset is the file's (*pos), advanced by the callee. */
    long (*read)(struct file *f, void *buf, size_t len, uint64_t *pos);
    long (*write)(struct file *f, const void *buf, size_t len, uint64_t *pos);
    size_t piece;                   /* what both are best asked for at a time; 0: a page */
    long (*ioctl)(struct file *f, unsigned long cmd, uint64_t arg);
    unsigned int (*poll)(struct file *f);       /* POLL bits now; wakers call poll_wake() */
    int (*mmap)(struct file *f, struct vma *vma);   /* sets vma->ops */
    /* The page of contents @index, as frame_alloc made it, for mappings to share; NULL: a hole. */
    void *(*page)(struct file *f, uint64_t index);
    int (*sync)(struct file *f);                /* fsync; NULL: nothing to do */
    int (*open)(struct file *f);                /* NULL: nothing to do */
    void (*release)(struct file *f);            /* the last reference went */
};

/*
 * What a directory or link can do; NULL is -EPERM, or what Linux says there. Names have been
 * checked: neither empty nor with a slash, at most NAME_MAX long.
 */
struct inode_ops {
    struct inode *(*lookup)(struct inode *dir, const char *name);   /* counted; NULL: none */
    int (*create)(struct inode *dir, const char *name, uint32_t mode, uint32_t rdev,
                  struct inode **out);          /* any type by mode; counted */
    int (*unlink)(struct inode *dir, const char *name);
    int (*rmdir)(struct inode *dir, const char *name);
    int (*rename)(struct inode *from, const char *name, struct inode *to, const char *new_name);
    int (*link)(struct inode *dir, const char *name, struct inode *target);
    int (*symlink)(struct inode *dir, const char *name, const char *target);
    long (*readlink)(struct inode *link, char *buf, size_t size);   /* length, without NUL */
    /* Where a link leads that no path names (/proc/PID/fd/N); counted; NULL: use readlink. */
    struct inode *(*follow)(struct inode *link);
    int (*readdir)(struct inode *dir, uint64_t *pos, dir_fn *fn, void *ctx);
    int (*truncate)(struct inode *inode, uint64_t size);
};

/*
 * A thing with a name, or none any more. It lives while refs is not 0; nlink is only what stat(2)
 * says, and what the file system makes of it when the last reference goes.
 */
struct inode {
    uint64_t ino;
    uint32_t dev;                   /* which file system */
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

/* An open file: descriptors and mappings each hold a reference; the last one releases it. */
struct file {
    const struct file_ops *ops;
    struct inode *inode;            /* NULL for pipes and sockets without a name */
    unsigned int flags;             /* O_ */
    uint64_t pos;
    unsigned int refs;
    void *private;
};

#define NAME_MAX 255
#define PATH_MAX 4096               /* with the NUL */

static inline bool is_type(const struct inode *inode, uint32_t type)
{
    return (inode->mode & S_IFMT) == type;
}

/* ---- vfs.c: inodes and files ---- */
void fs_init(void);                 /* mounts tmpfs at /, devfs at /dev, procfs at /proc */
struct inode *inode_get(struct inode *inode);
void inode_put(struct inode *inode);    /* NULL is allowed */
/* An inode without a name, of a pipe or socket; freed with its last reference. NULL: no memory. */
struct inode *inode_anonymous(uint32_t mode);
int64_t fs_now(void);               /* s since 1970, for mtime */
uint32_t fs_new_dev(void);          /* a number for a file system */
/* Takes a reference on @inode (which may be NULL). NULL: too many open files, or no memory. */
struct file *file_create(const struct file_ops *ops, struct inode *inode, int flags, void *private);
struct file *file_get(struct file *f);
void file_put(struct file *f);
/* Reads until @len bytes, the end, or an error before the first byte; for kernel code. */
long file_read_at(struct file *f, void *buf, size_t len, uint64_t pos);
unsigned int file_poll(struct file *f);

/* ---- namei.c: paths. @base is where relative ones start: NULL is the caller's directory ---- */
extern struct inode *fs_root;
/* Follows a path; 0 and a counted inode, or an error. */
int path_lookup(const char *path, bool follow_last, struct inode **out);
int path_lookup_at(struct inode *base, const char *path, bool follow_last, struct inode **out);
/* The directory, counted, that holds the last name, and the name. */
int path_parent(const char *path, struct inode **dir, char name[NAME_MAX + 1]);
int path_parent_at(struct inode *base, const char *path, struct inode **dir,
                   char name[NAME_MAX + 1]);
/* For open(O_CREAT): as path_lookup_at, but a missing last name gives its directory and name. */
int path_lookup_or_parent(struct inode *base, const char *path, bool follow_last,
                          struct inode **out, struct inode **dir, char name[NAME_MAX + 1]);
struct inode *dir_lookup(struct inode *dir, const char *name);  /* crosses mounts both ways */
/* The absolute path of a directory: its length, or -ENOENT (removed), -ERANGE. */
long dir_path(struct inode *dir, char *buf, size_t size);

/* ---- open.c ---- */
/*
 * Each gives a file with one reference, or a negative errno. @flags are open(2)'s; @mode is that of
 * a file that O_CREAT makes.
 */
int file_open(const char *path, int flags, uint32_t mode, struct file **out);
int file_open_at(struct inode *base, const char *path, int flags, uint32_t mode,
                 struct file **out);
int file_open_inode(struct inode *inode, int flags, struct file **out);
/* Makes a node of any type at a path; the umask is the caller's business. */
int fs_mknod(struct inode *base, const char *path, uint32_t mode, uint32_t rdev);
int fs_symlink(struct inode *base, const char *target, const char *path);
int fs_link(struct inode *target, struct inode *base, const char *path);
int fs_unlink(struct inode *base, const char *path, bool directory);
#define RENAME_NOREPLACE 1u
int fs_rename(struct inode *base, const char *path, struct inode *new_base, const char *new_path,
              bool no_replace);

/* ---- mount.c ---- */
struct mount {
    struct list link;
    const char *type;
    char source[64], path[256];
    struct inode *root, *covered;   /* counted; nothing is covered by the root of all */
    bool readonly;
};
extern struct list mounts;
/* A type of file system on disks: root gives its counted root, or an errno. For ever. */
int fs_register_type(const char *type, int (*root)(const char *source, struct inode **out));
int fs_mount(const char *source, const char *path, const char *type);
int fs_unmount(const char *path);

/* ---- descriptor table (fdtable.c) ---- */
struct task;
struct file *fd_file(int fd);       /* not counted: valid until the caller closes it; NULL: EBADF */
int fd_install(struct file *f, bool cloexec);   /* takes over the reference; -EMFILE drops it */
int fd_install_from(struct file *f, int lowest, bool cloexec);
/* The two ends of something; writes both numbers to user memory, or neither stays open. */
int fd_install_both(struct file *const ends[2], bool cloexec, uint64_t user);
int fd_replace(int fd, struct file *f, bool cloexec);   /* closes what was there; as above */
int fd_close(int fd);
void fd_table_fork(struct task *child);         /* @child, so far without files, gets ours */
void fd_table_exec(void);                       /* closes those marked close-on-exec */
void fd_table_close(struct task *t);            /* all, at exit */

/* ---- parts that register devices ---- */
/*
 * Devices by type, which @mode tells (S_IFBLK, else a character device), and number; name as in
 * /dev, e.g. "xen/privcmd". 0 or -errno.
 */
int device_register(const char *name, uint32_t mode, uint32_t major, uint32_t minor,
                    const struct file_ops *ops, void *private);
void device_unregister(const char *name, uint32_t type, uint32_t major, uint32_t minor);
/* Finds what open needs; false: no such device. */
bool device_find(uint32_t type, uint32_t rdev, const struct file_ops **ops, void **private);
/* A file of /proc, e.g. "xen/capabilities"; show returns the length of its text. */
int procfs_register(const char *name, long (*show)(char *buf, size_t size));

/* ---- initramfs.c: unpacks a cpio archive ("newc") at / ---- */
int initramfs_unpack(const void *data, size_t len);
/* ---- pipe.c ---- */
int pipe_create(struct file *ends[2], int flags);

#endif
